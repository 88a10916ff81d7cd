//! A server process for a test, on a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rushhour_load::tls::unbelieving;
use serde_json::{Value, json};

use crate::interrupt::signal;

/// The program under test.
pub(crate) fn rushhour() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rushhour"))
}

/// A running server; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
}

impl Serving {
    /// Starts one over the store in `data`, and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut command = rushhour();
        command.args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        signal(self.child.id(), "-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one folder that a run has left below `out`.
pub(crate) fn only_folder(out: &Path) -> PathBuf {
    let mut folders = std::fs::read_dir(out).unwrap().map(|folder| folder.unwrap().path());
    let only = folders.next().unwrap();
    assert!(folders.next().is_none(), "there is more than one run in {}", out.display());
    only
}

/// The result of the one run below `out`.
pub(crate) fn result_in(out: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(only_folder(out).join("result.json")).unwrap()).unwrap()
}

/// Somebody who asks. The library must be told whom to believe, also where no TLS is spoken.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_backend_preconfigured(unbelieving()).build().unwrap()
}

/// Posts `body`; the error of a connection that broke.
pub(crate) async fn post(client: &reqwest::Client, url: &str, path: &str, body: &Value) -> reqwest::Result<String> {
    let answer = client.post(format!("{url}{path}")).json(body).send().await?;
    answer.error_for_status()?.text().await
}

/// Every entry of `user`.
pub(crate) async fn entries(client: &reqwest::Client, url: &str, user: &str) -> Vec<Value> {
    let query = json!({"user": user, "key_list": null, "start_time": null, "end_time": null});
    let body = post(client, url, "/datastreams/find_entries/timestamp", &query).await.unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    serde_json::from_value(body["phone_data"].take()).unwrap()
}
