//! The main job: a server started, days uploaded, a mixed load driven, a result kept.

use std::path::{Path, PathBuf};

use rushhour_report::result::json_schema;
use serde_json::Value;

use crate::serving::rushhour;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Launches the quickstart, measuring for two seconds, and returns its folder with its result.
fn quickstart(out: &Path, more: &[&str]) -> (PathBuf, Value) {
    let scenario = repository().join("scenarios/quickstart.toml");
    let mut command = rushhour();
    command.arg("launch").arg(scenario).args(["--duration", "2s", "--out"]).arg(out).args(more);
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // A busy machine may breach a limit or make the run invalid; that is not what this is about.
    assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{:?}\n{stdout}\n{stderr}", output.status);
    // What is wrong with this machine is said all the same.
    let told: Vec<_> = stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert_eq!(told, [""; 0], "silent when nobody watches");
    let dir = PathBuf::from(stdout.trim().lines().last().unwrap().strip_prefix("kept in ").unwrap());
    let result = serde_json::from_str(&std::fs::read_to_string(dir.join("result.json")).unwrap()).unwrap();
    (dir, result)
}

fn count(result: &Value, path: &str) -> u64 {
    result.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path} is not in {result}"))
}

#[test]
fn the_quickstart_leaves_a_complete_result() {
    let out = tempfile::tempdir().unwrap();
    let (dir, result) = quickstart(out.path(), &[]);
    let schema = serde_json::from_str(&json_schema()).unwrap();
    let faults: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&result).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, [""; 0]);
    for operation in ["get", "put", "timeline", "find"] {
        let field = |name: &str| count(&result, &format!("/operations/{operation}/{name}"));
        assert!(field("offered") > 0);
        assert_eq!(field("failed"), 0);
        assert_eq!(field("offered"), field("completed") + field("censored"));
        assert!(result["operations"][operation]["response_ms"]["max"].as_f64().unwrap() > 0.0);
    }
    // A week of 50 people: 200 to 2,000 entries a day, less what phones have not sent yet (emission-format e.1).
    assert!((50 * 7 * 200..50 * 7 * 2_000).contains(&count(&result, "/upload/entries")));
    assert_eq!(count(&result, "/upload/failed"), 0);
    assert_eq!(result["operations"]["find"]["is_always_empty"], false);
    assert_eq!(result["operations"]["timeline"]["is_always_empty"], false);
    assert!(count(&result, "/target_use/memory_peak_bytes") > 1_000_000);
    assert!(count(&result, "/target_use/disk_bytes") > 100_000);
    for file in [
        "scenario.toml",
        "target.toml",
        "environment.json",
        "summary.md",
        "report.html",
        "target.csv",
        "health.csv",
        "server.log",
    ] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    assert!(!dir.join("data").exists());

    let shown = rushhour().args(["report", "show"]).arg(&dir).output().unwrap();
    assert!(shown.status.success());
    assert!(String::from_utf8(shown.stdout).unwrap().starts_with("quickstart on local: "));
    let csv = rushhour().args(["report", "show", "--format", "csv"]).arg(&dir).output().unwrap();
    assert_eq!(String::from_utf8(csv.stdout).unwrap().lines().count(), 5);
}

#[test]
fn real_phone_days_are_uploaded_without_a_failure() {
    #[expect(clippy::disallowed_methods, reason = "the days lie where the machine has them")]
    let Some(days) = std::env::var_os("RUSHHOUR_DAYS") else { return };
    let out = tempfile::tempdir().unwrap();
    let (_, result) = quickstart(out.path(), &["--users", "5", "--days", days.to_str().unwrap()]);
    assert_eq!(count(&result, "/upload/failed"), 0);
    assert!(count(&result, "/upload/entries") > 5 * 15 * 100);
    for operation in ["get", "put", "timeline", "find"] {
        assert_eq!(count(&result, &format!("/operations/{operation}/failed")), 0);
    }
}

#[test]
fn a_port_that_somebody_has_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let serve =
        || vec!["serve".into(), "--listen".into(), address.clone().into(), "--data".into(), dir.path().join("data")];
    let scenario = repository().join("scenarios/quickstart.toml");
    let launch = || vec!["launch".into(), scenario.clone(), "--serve-metrics".into(), address.clone().into()];
    for arguments in [serve(), [launch(), vec!["--out".into(), dir.path().join("out")]].concat()] {
        let output = rushhour().args(&arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&address) && said.contains("is the port in use?"), "{said}");
    }
}
