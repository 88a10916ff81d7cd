//! What a machine does and what a server carries, as commands: what was found depends on the machine of the day, how it is told
//! does not.

use serde_json::Value;

use crate::serving::{only_folder, rushhour};

#[test]
fn a_core_is_measured_in_units() {
    let dir = tempfile::tempdir().unwrap();
    let output = rushhour().args(["calibrate", "--format", "json", "--dir"]).arg(dir.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    for figure in ["units_per_core", "parse_mb_per_s", "encode_entries_per_s", "syncs_per_s", "sync_p99_ms"] {
        assert!(found[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {found}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    let output = rushhour().args(["calibrate", "--dir", "/nowhere"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("syncing a file in /nowhere"), "{told}");
}

#[test]
fn a_search_keeps_its_steps_and_says_what_it_found_or_that_it_cannot_tell() {
    let dir = tempfile::tempdir().unwrap();
    let (scenario, target) = (dir.path().join("scenario.toml"), dir.path().join("target.toml"));
    // A server that needs 20 ms for each request, one after the other, cannot make more than 50 a second.
    std::fs::write(&target, "name = \"serial\"\nflags = [\"--store\", \"serial\", \"--service-time\", \"20ms\"]\n")
        .unwrap();
    let described = "name = \"asks\"\nlimits = [\"get.response_ms.p99 < 200\"]\n[population]\npeople = 2\ndays = 1\n[phases]\n\
                     warm_up_s = 0\nmeasure_s = 2\ndrain_s = 1\n[arrivals]\nget = { rate_per_s = 40 }\n";
    std::fs::write(&scenario, described).unwrap();
    let search = |out: &str| {
        let mut command = rushhour();
        command.arg("capacity").arg(&scenario).arg("--target").arg(&target).arg("--out").arg(dir.path().join(out));
        command.args(["--ramp", "2", "--precision", "0.5", "--confirmations", "1", "--step", "2s", "--confirm", "2s"]);
        command.args(["--rate-max", "160"]).output().unwrap()
    };
    let output = search("one");
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{told}{said}");
    let kept = only_folder(&dir.path().join("one"));
    let capacity: Value = serde_json::from_str(&std::fs::read_to_string(kept.join("capacity.json")).unwrap()).unwrap();
    let steps = capacity["steps"].as_array().unwrap();
    assert!(!steps.is_empty() && told.contains("critical rate"), "{told}");
    let table = told.lines().skip_while(|line| !line.starts_with("step ")).take_while(|line| !line.is_empty());
    assert!(table.map(|line| line.chars().count()).max().is_some_and(|width| width <= 100), "{told}");
    let held = |step: &&Value| step["outcome"] == "holds";
    let too_much = steps.iter().filter(held).filter_map(|step| step["rate"].as_f64()).find(|rate| *rate > 60.0);
    assert_eq!(too_much, None, "the server cannot do so much: {capacity}");
    let agree = rushhour().args(["capacity", "agree"]).arg(&kept).arg(&kept).output().unwrap();
    assert!(matches!(agree.status.code(), Some(0 | 5)), "{agree:?}");
    let usl = rushhour().args(["capacity", "usl", "--search"]).arg(&kept).output().unwrap();
    let said = String::from_utf8_lossy(&usl.stderr).into_owned();
    assert!(usl.status.code() == Some(2) && said.contains("is held to no cores"), "{said}");
}
