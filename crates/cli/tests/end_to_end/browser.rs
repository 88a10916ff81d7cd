//! A real browser without a window, driven by the WebDriver protocol.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serving::client;

/// What it is started with: no sandbox, because CI is root; no calls of its own.
const ARGUMENTS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser that ends while it starts is started again, so often in all.
const STARTS_MAX: usize = 3;

/// A browser with one page; gone when dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes the browser with it only when it is asked to, and answers when it is gone.
        let _ = self.end_session();
        let _ = Command::new("kill").args(["-TERM", &self.driver.id().to_string()]).status();
        let _ = self.driver.wait();
    }
}

impl Browser {
    fn end_session(&self) -> std::io::Result<()> {
        let (host, path) = self.session.trim_start_matches("http://").split_once('/').expect("it is an address");
        let mut driver = TcpStream::connect(host)?;
        write!(driver, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        // It answers and keeps the connection.
        BufReader::new(driver).read_line(&mut String::new()).map(drop)
    }

    /// Starts one.
    pub(crate) async fn start() -> Self {
        let mut driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let (client, profile) = (client(), tempfile::tempdir().unwrap());
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([folder.as_str()]).collect();
        let options = json!({"args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let url = format!("http://127.0.0.1:{}/session", port.expect("the driver tells its port"));
        // On a busy machine a browser now and then ends before the driver has found it.
        let mut started = Value::Null;
        for _ in 0..STARTS_MAX {
            started = answer_to(client.post(&url).json(&wanted)).await;
            if started["error"] != "session not created" {
                break;
            }
        }
        let session = started["sessionId"].as_str().unwrap_or_else(|| panic!("no browser starts: {started}"));
        let session = format!("{url}/{session}");
        Self { driver, session, client, _profile: profile }
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) {
        call(self.client.post(format!("{}/url", self.session)).json(&json!({"url": url}))).await;
    }

    /// What `script` returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        call(self.client.post(format!("{}/execute/sync", self.session)).json(&body)).await
    }

    /// What `script` hands to `arguments[0]`, whenever it does.
    pub(crate) async fn wait(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        call(self.client.post(format!("{}/execute/async", self.session)).json(&body)).await
    }

    /// What was written to the console since somebody asked last.
    pub(crate) async fn console(&self) -> Value {
        call(self.client.post(format!("{}/se/log", self.session)).json(&json!({"type": "browser"}))).await
    }

    /// What `script` returns to somebody who wants pages to be `light` or `dark`.
    pub(crate) async fn schemed(&self, scheme: &str, script: &str) -> Value {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        call(self.client.post(format!("{}/goog/cdp/execute", self.session)).json(&command)).await;
        self.run(script).await
    }

    /// Lets the page believe that the window is so wide.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let window = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": window});
        call(self.client.post(format!("{}/goog/cdp/execute", self.session)).json(&command)).await;
    }
}

async fn call(request: reqwest::RequestBuilder) -> Value {
    let answer = answer_to(request).await;
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

async fn answer_to(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let mut answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["value"].take()
}
