//! A run against what is said to be an original server warns when its pipeline had nothing to do.

use std::fs;

use crate::serving::{Serving, result_in, rushhour};

const SCENARIO: &str = "
[requests.health]
method = \"GET\"
path = \"/healthz\"
[phases]
warm_up_s = 0
measure_s = 1
[arrivals]
health = { rate_per_s = 20 }
";

#[test]
fn an_original_server_that_had_no_data_to_look_at_is_warned_of() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    fs::write(dir.path().join("health.toml"), SCENARIO).unwrap();
    let mut command = rushhour();
    command.arg("load").arg(dir.path().join("health.toml")).args(["--url", &server.url, "--software", "e-mission"]);
    let output = command.arg("--out").arg(dir.path().join("out")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("warning: each person's data spans about 0.0 h"), "{stderr}");
    let warnings = result_in(&dir.path().join("out"))["warnings"].to_string();
    assert!(warnings.contains("its pipeline did no work"), "{warnings}");
}
