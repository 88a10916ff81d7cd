//! A run that three machines send together, each its shard: what they did adds up to the schedule.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::Schedule;
use serde_json::Value;

use crate::serving::{Serving, only_folder, result_in, rushhour};

const SHARDS: usize = 3;
/// How long three processes may take to be ready to send, on a machine that is busy with other tests.
const LEAD: Duration = Duration::from_secs(15);
/// A limit that no machine breaks, and loose enough for three processes that are woken at different times.
const LIMITS: [&str; 2] = ["get.response_ms.p99 < 60000", "*.failed_ratio <= 0"];

fn scenario() -> String {
    let days = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    format!(
        "name = \"shards\"\nusers = 7\nlimits = {LIMITS:?}\n[days]\ndir = {days:?}\n\
         [phases]\nwarm_up_s = 0\nmeasure_s = 3\ndrain_s = 30\n\
         [arrivals]\nget = {{ rate_per_s = 100 }}\nput = {{ rate_per_s = 10 }}\n"
    )
}

/// Starts the `number`-th shard, counted from 1.
fn shard(number: usize, start: &str, url: &str, dir: &Path) -> Child {
    let mut command = rushhour();
    command.arg("load").arg(dir.join("shards.toml")).args(["--url", url, "--start-at", start]);
    command.args(["--shard", &format!("{number}/{SHARDS}"), "--out"]).arg(dir.join(format!("part-{number}")));
    command.stdout(Stdio::null()).spawn().unwrap()
}

fn offered(result: &Value) -> u64 {
    let operations = result["operations"].as_object().unwrap();
    operations.values().map(|operation| operation["offered"].as_u64().unwrap()).sum()
}

#[test]
fn what_the_shards_offered_adds_up_to_the_schedule() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    fs::write(dir.path().join("shards.toml"), scenario()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "an instant is agreed on by the clock on the wall")]
    let start = (jiff::Timestamp::now() + LEAD).to_string();
    let shards: Vec<_> = (1..=SHARDS).map(|number| shard(number, &start, &server.url, dir.path())).collect();
    for mut shard in shards {
        // A busy machine may make a run invalid; that is not what this is about.
        assert!(matches!(shard.wait().unwrap().code(), Some(0 | 5)));
    }
    let parts: Vec<PathBuf> =
        (1..=SHARDS).map(|number| only_folder(&dir.path().join(format!("part-{number}")))).collect();
    let merged =
        rushhour().args(["report", "merge", "--out"]).arg(dir.path().join("merged")).args(&parts).output().unwrap();
    assert!(matches!(merged.status.code(), Some(0 | 5)), "{merged:?}");

    let results: Vec<Value> =
        (1..=SHARDS).map(|number| result_in(&dir.path().join(format!("part-{number}")))).collect();
    let whole = result_in(&dir.path().join("merged"));
    let arrivals = Schedule::new(&Scenario::parse(&scenario()).unwrap()).count() as u64;
    assert_eq!(offered(&whole), arrivals);
    assert_eq!(whole["schedule"]["arrivals"].as_u64(), Some(arrivals));
    assert_eq!(results.iter().map(offered).sum::<u64>(), arrivals);
    assert!(results.iter().all(|part| offered(part) > 0));
    for operation in ["get", "put"] {
        let count = |result: &Value, field: &str| result["operations"][operation][field].as_u64().unwrap();
        assert_eq!(count(&whole, "completed"), count(&whole, "offered"), "{whole}");
        assert_eq!(results.iter().map(|part| count(part, "completed")).sum::<u64>(), count(&whole, "completed"));
    }
    // Everybody's days were uploaded, each by the shard that has them.
    let uploaded = |result: &Value| result["upload"]["entries"].as_u64().unwrap();
    assert_eq!(results.iter().map(uploaded).sum::<u64>(), uploaded(&whole));
    let limits = whole["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 3);
    assert!(limits.iter().all(|limit| limit["held"] == true), "{limits:?}");
    let has_invalid = results.iter().any(|part| part["verdict"] == "invalid");
    assert_eq!(whole["verdict"], if has_invalid { "invalid" } else { "pass" });
}
