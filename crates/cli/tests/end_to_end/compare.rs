//! Comparing builds, and the examples of `docs/ci.md`, run as CI would run them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use yaml_rust2::YamlLoader;

use crate::serving::{only_folder, rushhour};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A scenario of a second, over recorded days that lie in the repository.
fn scenario(dir: &Path) -> PathBuf {
    let days = repository().join("scenarios/days");
    let text = format!(
        "name = \"brief\"\nusers = 2\nlimits = [\"*.failed_ratio <= 0\"]\n[days]\ndir = {days:?}\n[phases]\nwarm_up_s = 0\nmeasure_s = 1\n\
         [arrivals]\nget = {{ rate_per_s = 50 }}\nput = {{ rate_per_s = 20 }}\n"
    );
    let path = dir.join("brief.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_build_is_compared_with_itself_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (program, out) = (rushhour().get_program().to_owned(), dir.path().join("out"));
    let mut command = rushhour();
    command.args(["compare", "--quiet", "--pairs", "1", "--noise-pairs", "1", "--scenario"]).arg(scenario(dir.path()));
    let made = command.arg("--baseline").arg(&program).arg("--candidate").arg(&program).arg("--out").arg(&out);
    let made = made.output().unwrap();
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
    let kept = only_folder(&out);
    assert!(said.contains("cpu_ms_per_request") && said.contains("1 of 4 pairs"), "{said}");
    for run in ["noise-01/baseline", "noise-01/candidate", "pair-01/baseline", "pair-01/candidate"] {
        assert!(only_folder(&kept.join(run)).join("report.html").is_file(), "{run}");
    }
    assert!(fs::read_to_string(kept.join("report.html")).unwrap().contains("builds.toml"));
    let again = rushhour().args(["report", "compare"]).arg(&kept).output().unwrap();
    assert!(said.starts_with(&String::from_utf8(again.stdout).unwrap()), "{said}");
}

/// A repository with one commit, and a folder with a `cargo` that hands out the program under test if it is called in that
/// commit's tree, while somebody commits what cannot be built.
fn repository_that_moves_on(dir: &Path) -> (PathBuf, PathBuf) {
    let (repository, path) = (dir.join("repository"), dir.join("path"));
    fs::create_dir_all(&repository).unwrap();
    fs::create_dir_all(&path).unwrap();
    fs::write(repository.join("marker"), "").unwrap();
    const COMMIT: &str = "-c user.name=a -c user.email=a@example.org commit --quiet";
    for arguments in ["init --quiet", "add marker", &format!("{COMMIT} -m first")] {
        let git = Command::new("git").args(arguments.split(' ')).current_dir(&repository).status().unwrap();
        assert!(git.success(), "{arguments}");
    }
    fs::write(repository.join("marker"), "changed since").unwrap();
    let program = rushhour().get_program().to_owned();
    let cargo = format!(
        "#!/bin/sh\nfor last; do :; done\ntest -f marker && test ! -s marker || exit 1\n\
         mkdir -p \"$last/release\" && cp {program:?} \"$last/release/rushhour\"\n\
         unset GIT_DIR GIT_WORK_TREE\n\
         git -C {repository:?} {COMMIT} -a -m broken --allow-empty\n"
    );
    let cargo_path = path.join("cargo");
    fs::write(&cargo_path, cargo).unwrap();
    fs::set_permissions(&cargo_path, fs::Permissions::from_mode(0o755)).unwrap();
    (repository, path)
}

/// The commit that a branch's end has now.
fn head(repository: &Path) -> String {
    let told = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(repository).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_revision_is_built_in_a_tree_of_its_own_as_it_was_when_it_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let (repository, path) = repository_that_moves_on(dir.path());
    let first = head(&repository);
    #[expect(clippy::disallowed_methods, reason = "the test's own `cargo` stands before all others")]
    let others = std::env::var("PATH").unwrap();
    let mut command = rushhour();
    command.args([
        "compare",
        "--quiet",
        "--pairs",
        "1",
        "--noise-pairs",
        "0",
        "--baseline",
        "HEAD",
        "--candidate",
        "HEAD",
    ]);
    command.arg("--scenario").arg(scenario(dir.path())).arg("--out").arg(dir.path().join("out"));
    let made = command.current_dir(&repository).env("PATH", format!("{}:{others}", path.display())).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = fs::read_to_string(only_folder(&dir.path().join("out")).join("builds.toml")).unwrap();
    assert_eq!(told, format!("baseline = \"HEAD ({first})\"\ncandidate = \"HEAD ({first})\"\n"));
    assert_ne!(head(&repository), first, "somebody committed while it was built");
    let trees = Command::new("git").args(["worktree", "list"]).current_dir(&repository).output().unwrap();
    assert_eq!(String::from_utf8(trees.stdout).unwrap().lines().count(), 1, "the trees are gone");
}

#[test]
fn neither_a_program_nor_a_revision_is_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = rushhour();
    command.args(["compare", "--baseline", "no-such-revision", "--candidate", "HEAD", "--scenario"]);
    let refused = command.arg(scenario(dir.path())).arg("--out").arg(dir.path().join("out")).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("`no-such-revision` is neither a program nor a revision that git knows here"), "{said}");
    assert!(!dir.path().join("out").exists());
}

/// Five pairs of a kept run with itself, of which the candidate took `factor` times as much processor time.
pub(crate) fn pairs(dir: &Path, factor: f64) {
    let kept = repository().join("results/2026-11-21-vm-quickstart-local-4/result.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
    for pair in 1..=5 {
        for (side, factor) in [("baseline", 1.0), ("candidate", factor)] {
            let mut result = kept.clone();
            let cpu_s = &mut result["target_use"]["measure_cpu_s"];
            *cpu_s = (cpu_s.as_f64().unwrap() * factor * (1.0 + f64::from(pair % 3) / 200.0)).into();
            let run = dir.join(format!("pair-0{pair}/{side}/run"));
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join("result.json"), result.to_string()).unwrap();
        }
    }
}

#[test]
fn a_regression_beyond_the_tolerance_has_an_exit_code_of_its_own() {
    for (factor, tolerance, code) in [(1.2, "5", 4), (1.2, "30", 0), (1.0, "5", 0), (0.8, "5", 0)] {
        let dir = tempfile::tempdir().unwrap();
        pairs(dir.path(), factor);
        let mut command = rushhour();
        let judged = command.args(["report", "compare", "--tolerance", tolerance]).arg(dir.path()).output().unwrap();
        assert_eq!(judged.status.code(), Some(code), "{factor} {}", String::from_utf8_lossy(&judged.stdout));
    }
}

/// The blocks of `docs/ci.md` in a language.
fn examples(language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    let blocks = text.split("```").skip(1).step_by(2).map(str::to_owned);
    blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")).map(str::to_owned)).collect()
}

#[test]
fn the_shell_example_gates_and_leaves_what_a_reviewer_wants() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate.sh");
    fs::write(&gate, &examples("sh")[0]).unwrap();
    let run = |limit: &str| {
        let mut command = Command::new("sh");
        command.arg(&gate).args(["--limit", limit]).current_dir(dir.path());
        command.env("RUSHHOUR", rushhour().get_program()).env("SCENARIO", scenario(dir.path()));
        command.status().unwrap().code().unwrap()
    };
    // A busy machine may make a run invalid.
    assert!([0, 5].contains(&run("get.response_ms.max < 100000")));
    for file in ["report.html", "comment.md", "figures.prom", "history.html", "junit.xml", "history/otava.yaml"] {
        assert!(fs::metadata(dir.path().join(file)).unwrap().len() > 100, "{file}");
    }
    assert!([3, 5].contains(&run("get.response_ms.max < 0")));
}

#[test]
fn the_workflow_calls_what_there_is() {
    let workflow = YamlLoader::load_from_str(&examples("yaml").concat()).unwrap().remove(0);
    let steps = workflow["jobs"]["compare"]["steps"].as_vec().unwrap();
    let calls = steps.iter().filter_map(|step| step["run"].as_str()?.strip_prefix("target/release/rushhour "));
    let calls: Vec<&str> = calls.collect();
    assert!(!calls.is_empty());
    for call in calls {
        let (arguments, _) = call.split_once(" > ").unwrap_or((call, ""));
        let arguments = arguments.split_whitespace().map(|argument| argument.trim_matches('"'));
        let arguments: Vec<&str> =
            arguments.filter(|argument| !["{{", "}}\"", "}}", "github.base_ref"].contains(argument)).collect();
        let known = rushhour().args(&arguments).arg("--help").output().unwrap();
        assert!(known.status.success(), "{call}: {}", String::from_utf8_lossy(&known.stderr));
    }
}
