//! A study: uploaded in two sittings, taken in, asked for, compared with the truth, and measured on the disk.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::interrupt::signal;
use crate::serving::{only_folder, rushhour};

const SCENARIO: &str = "name = \"study\"\nlimits = []\n[population]\npeople = 8\ndays = 12\n[study]\nsettle_s_max = 120\n\
                        truth_people = 8\n[phases]\nwarm_up_s = 0\nmeasure_s = 1\ndrain_s = 5\n[arrivals]\ntimeline = { rate_per_s = 10 }\n";

fn launch(scenario: &Path) -> Command {
    let mut command = rushhour();
    command.arg("launch").arg(scenario);
    command
}

fn study_in(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("study.json")).unwrap()).unwrap()
}

#[test]
fn a_study_goes_on_where_it_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let (scenario, out) = (dir.path().join("study.toml"), dir.path().join("out"));
    std::fs::write(&scenario, SCENARIO).unwrap();
    let mut first = launch(&scenario).arg("--out").arg(&out).stdout(std::process::Stdio::null()).spawn().unwrap();
    let has_begun = || {
        out.exists() && std::fs::read_dir(&out).unwrap().flatten().any(|run| run.path().join("uploaded.json").exists())
    };
    while !has_begun() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before a day was uploaded");
        std::thread::yield_now();
    }
    signal(first.id(), "-INT");
    first.wait().unwrap();
    let run = only_folder(&out);
    let days = study_in(&run)["days"].as_u64().unwrap();
    assert!((1..=12).contains(&days), "{days}");
    // Whoever was so quick that everything was uploaded by then has nothing to go on with.
    if !run.join("data").exists() {
        return;
    }
    let second = launch(&scenario).arg("--resume").arg(&run).output().unwrap();
    let shown = String::from_utf8(second.stdout).unwrap();
    assert!(matches!(second.status.code(), Some(0 | 3 | 5)), "{shown}\n{}", String::from_utf8_lossy(&second.stderr));
    let study = study_in(&run);
    assert_eq!((study["days"].as_u64(), study["failed"].as_u64()), (Some(12), Some(0)));
    assert_eq!(study["sittings"].as_array().unwrap().len(), 2);
    for figure in ["recall", "precision"] {
        assert!(study["truth"][figure].as_f64().unwrap() > 0.8, "{study}");
    }
    assert!(study["disk_bytes"]["chunks"].as_u64().unwrap() > 0, "{study}");
    assert!(shown.contains("bytes per user-day, everything"), "{shown}");
    assert!(!run.join("data").exists());
}

#[test]
fn a_study_does_not_go_on_with_another_scenario() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("study.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    std::fs::write(dir.path().join("scenario.toml"), SCENARIO.replace("people = 8", "people = 9")).unwrap();
    let refused = launch(&scenario).arg("--resume").arg(dir.path()).output().unwrap();
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    assert!(errors.contains("was begun with another scenario"), "{errors}");
}
