//! Ctrl-C ends a run cleanly and keeps what was measured.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::serving::{Serving, client, rushhour};

pub(crate) fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// Waits until the server has answered a `get`: the run is past its preparations.
pub(crate) async fn wait_for_load(url: &str, load: &mut Child) {
    let client = client();
    while load.try_wait().unwrap().is_none() {
        let text = client.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
        if text.contains(r#"http_route="/usercache/get""#) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_keeps_what_was_measured_and_judges_nothing() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    let days = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/days");
    let mut command = rushhour();
    command.args(["load", "--url", &server.url, "--get", "200", "--duration", "1h", "--users", "2", "--days"]);
    let mut load = command.arg(days).arg("--out").arg(out.path()).stdout(Stdio::piped()).spawn().unwrap();
    wait_for_load(&server.url, &mut load).await;
    signal(load.id(), "-INT");
    let output = load.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let dir = std::fs::read_dir(out.path()).unwrap().next().unwrap().unwrap().path();
    let result: Value = serde_json::from_str(&std::fs::read_to_string(dir.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["verdict"], "interrupted");
    assert!(result["operations"]["get"].is_object());
}
