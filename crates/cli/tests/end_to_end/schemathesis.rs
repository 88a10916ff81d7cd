//! Whatever follows from the description of the interface, asked of a server, is answered as described.
//!
//! Without `schemathesis` on the path the test says so and is skipped; CI has it.

use std::process::Command;

use serde_json::json;

use crate::prometheus::{is_there, skip};
use crate::serving::{Serving, client, post};

/// What must hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

#[tokio::test]
async fn whatever_is_asked_is_answered_as_described() {
    if !is_there("schemathesis") {
        return skip("there is no schemathesis on the path");
    }
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Serving::start(data.path());
    post(&client(), &server.url, "/profile/create", &json!({"user": "anna"})).await.unwrap();
    let mut command = Command::new("schemathesis");
    command.current_dir(&dir).arg("run").arg(format!("{}/openapi.json", server.url)).args(["--checks", CHECKS]);
    command.args(["-H", "X-Em-Key: anna", "--phases", "examples,fuzzing", "--max-examples", "30", "--seed", "1"]);
    // The one has no end, and the other has a form of its own.
    command.args(["--exclude-path", "/events", "--exclude-path", "/metrics", "--no-color"]);
    let run = command.output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
}
