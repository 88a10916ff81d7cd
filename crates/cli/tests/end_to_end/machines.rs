//! A server that is held to a smaller machine: it gets no more than that, and nothing of it stays behind. Where control groups
//! cannot be made, only the warning is looked at.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::interrupt::signal;
use crate::serving::{only_folder, result_in, rushhour};

/// A scenario of puts and nothing else, and a target with `machine`, in `dir`.
fn described(dir: &Path, machine: &str, (people, put_per_s, measure_s): (u32, u32, u32)) -> (PathBuf, PathBuf) {
    let (scenario, target) = (dir.join("scenario.toml"), dir.join("target.toml"));
    let text = format!(
        "name = \"puts\"\nlimits = []\n[population]\npeople = {people}\ndays = 1\n[connections]\nbacklog_max = 100000\n[phases]\n\
         warm_up_s = 0\nmeasure_s = {measure_s}\ndrain_s = 1\n[arrivals]\nput = {{ rate_per_s = {put_per_s} }}\n"
    );
    std::fs::write(&scenario, text).unwrap();
    std::fs::write(&target, format!("name = \"small\"\n[machine]\n{machine}\n")).unwrap();
    (scenario, target)
}

fn launched(machine: &str, load: (u32, u32, u32)) -> (tempfile::TempDir, Output) {
    let dir = tempfile::tempdir().unwrap();
    let (scenario, target) = described(dir.path(), machine, load);
    let mut command = rushhour();
    command.arg("launch").arg(scenario).arg("--target").arg(target).arg("--out").arg(dir.path().join("out"));
    let output = command.output().unwrap();
    (dir, output)
}

/// The result, if the machine could be emulated here.
fn emulated(dir: &Path) -> Option<Value> {
    let result = result_in(&dir.join("out"));
    if result["machine"]["is_emulated"] == true {
        return Some(result);
    }
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("is not emulated: the server is a plain process, because"), "{warnings}");
    None
}

fn number(result: &Value, path: &str) -> f64 {
    result.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is not in {result}"))
}

/// The control groups that this test's own launches made.
fn groups() -> Vec<PathBuf> {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"];
    let inside = roots.iter().filter_map(|root| std::fs::read_dir(root).ok()).flatten().filter_map(Result::ok);
    let ours = inside.filter(|item| item.file_name().to_string_lossy().starts_with("rushhour-"));
    ours.map(|item| item.path()).collect()
}

fn groups_of(launcher: u32) -> Vec<PathBuf> {
    let mark = format!("rushhour-{launcher}-");
    groups().into_iter().filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&mark)).collect()
}

#[test]
fn half_a_core_is_half_a_core() {
    let (dir, output) = launched("cpus = 0.5", (20, 400, 4));
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{output:?}");
    let Some(result) = emulated(dir.path()) else { return };
    // More than its share it cannot get; how much less is a matter of what else this machine does.
    let cores = number(&result, "/target_use/measure_cpu_s") / number(&result, "/measured_s");
    assert!((0.2..=0.53).contains(&cores), "{cores} cores");
    assert!(number(&result, "/machine/throttled_ratio") > 0.0);
    assert!(result["warnings"].to_string().contains("share of a core was used up"), "{}", result["warnings"]);
    assert!(result["machine"]["name"].as_str().unwrap().starts_with("a machine (emulated: 0.5 cores"));
    assert!(!only_folder(&dir.path().join("out")).join("data").exists());
}

#[test]
fn a_disk_of_a_hundred_operations_a_second_does_no_more() {
    let (dir, output) = launched("iops = 100", (20, 300, 6));
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{output:?}");
    let Some(result) = emulated(dir.path()) else { return };
    if !result["warnings"].to_string().contains("the disk is not emulated") {
        let per_s = number(&result, "/target_use/measure_ios/write") / number(&result, "/measured_s");
        // The kernel lets a little more through at the edges of its slices.
        assert!((1.0..=125.0).contains(&per_s), "{per_s} writes a second");
    }
}

#[test]
fn a_server_without_enough_memory_is_killed_and_that_is_said() {
    let (dir, output) = launched("memory_mib = 24", (200, 50, 2));
    let errors = String::from_utf8(output.stderr).unwrap();
    if !errors.contains("error: ") {
        emulated(dir.path());
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("the server needed more than its 24 MiB of memory and was killed"), "{errors}");
    assert!(!only_folder(&dir.path().join("out")).join("data").exists());
}

#[test]
fn a_search_knows_that_memory_gave_way() {
    let dir = tempfile::tempdir().unwrap();
    let (scenario, target) = described(dir.path(), "memory_mib = 24", (200, 50, 2));
    let out = dir.path().join("out");
    let mut command = rushhour();
    command.arg("capacity").arg(scenario).arg("--target").arg(target).arg("--out").arg(&out).args(["--rate-max", "50"]);
    let output = command.args(["--step", "1s", "--confirm", "1s", "--confirmations", "1"]).output().unwrap();
    let found = String::from_utf8_lossy(&output.stdout);
    if String::from_utf8_lossy(&output.stderr).contains("breaks") {
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(found.contains("needed more than its 24 MiB of memory and was killed"), "{found}");
        assert!(only_folder(&out).join("capacity.json").exists());
    }
}

#[test]
fn what_cannot_be_emulated_is_refused_before_anything_is_made() {
    let (dir, output) = launched("instance = \"m5.lrge\"", (1, 1, 1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("m5.large"), "{errors}");
    let (_, output) = launched("cpus = 4000", (1, 1, 1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("it can emulate up to"), "{errors}");
    assert!(!dir.path().join("out").exists());
}

#[test]
fn a_server_that_dies_at_once_shows_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let (scenario, target) = described(dir.path(), "", (1, 1, 1));
    std::fs::write(&target, "name = \"broken\"\nflags = [\"--auth\", \"secret\"]\n").unwrap();
    let mut command = rushhour();
    command.arg("launch").arg(scenario).arg("--target").arg(target).arg("--out").arg(dir.path().join("out"));
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("the server ended before it was ready") && errors.contains("--auth-file"), "{errors}");
    assert!(!only_folder(&dir.path().join("out")).join("data").exists());
}

/// A launch that goes on until it is killed, once its server's data is there.
fn going_on(dir: &Path, out: &Path) -> Child {
    let (scenario, target) = described(dir, "cpus = 0.5", (2, 1, 600));
    let mut command = rushhour();
    command.arg("launch").arg(scenario).arg("--target").arg(target).arg("--out").arg(out).arg("--serve-metrics");
    let mut child = command.arg("127.0.0.1:0").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let is_there = || {
        let folders = std::fs::read_dir(out).into_iter().flatten().filter_map(Result::ok);
        folders.map(|folder| folder.path().join("data/directory.redb")).any(|file| file.exists())
    };
    while !is_there() {
        if let Some(status) = child.try_wait().unwrap() {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("{status}: {errors}");
        }
        std::thread::yield_now();
    }
    child
}

#[test]
fn a_killed_launcher_is_cleaned_up_after_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut child = going_on(dir.path(), &out);
    let launcher = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = only_folder(&out);
    assert!(killed.join("data").exists() && killed.join("running").exists());
    let (scenario, target) = described(dir.path(), "cpus = 0.5", (2, 5, 1));
    let mut command = rushhour();
    let next = command.arg("launch").arg(scenario).arg("--target").arg(target).arg("--out").arg(&out).output().unwrap();
    assert!(matches!(next.status.code(), Some(0 | 3 | 5)), "{next:?}");
    assert!(!killed.join("data").exists() && !killed.join("running").exists());
    assert!(killed.join("scenario.toml").exists(), "what was known of the run stays");
    assert_eq!(groups_of(launcher), Vec::<PathBuf>::new());
}

#[test]
fn a_launch_that_is_interrupted_leaves_no_data_and_no_group() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut child = going_on(dir.path(), &out);
    let launcher = child.id();
    signal(launcher, "-INT");
    child.wait().unwrap();
    assert!(!only_folder(&out).join("data").exists());
    assert_eq!(groups_of(launcher), Vec::<PathBuf>::new());
}
