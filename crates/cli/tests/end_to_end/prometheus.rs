//! Every expression that is shipped for watching a server, asked of a real Prometheus that watches one.
//!
//! Without `prometheus` and `promtool` on the path the test says so and is skipped; CI has them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serving::{Serving, client, post};

/// How often a test asks again: each time is an answer of Prometheus, so it is a bound on work and not on time.
const TRIES_MAX: usize = 20_000;

pub(crate) fn is_there(program: &str) -> bool {
    let asked = Command::new("sh").args(["-c", "command -v $0", program]).stdout(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Says that a test is skipped; where everything is said to be there, as in CI, it fails instead.
#[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
#[expect(clippy::disallowed_methods, reason = "who runs the tests says whether they may be skipped")]
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("RUSHHOUR_SKIP_NOTHING").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/observability").join(name)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A Prometheus of its own; killed when dropped.
struct Prometheus {
    child: Child,
    url: String,
    _dir: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Starts one that scrapes `target` five times a second and evaluates the shipped rules.
    fn start(target: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = json!({
            "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
            "rule_files": [shipped("alerts.yml")],
            "scrape_configs": [{"job_name": "rushhour", "static_configs": [{"targets": [target]}]}],
        });
        // JSON is YAML.
        std::fs::write(dir.path().join("prometheus.yml"), config.to_string()).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=error");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, url: format!("http://{address}"), _dir: dir }
    }

    /// The answer to an instant query; `None` while nobody listens.
    async fn ask(&self, client: &reqwest::Client, expression: &str) -> Option<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", expression)]);
        let answer = client.get(url.unwrap()).send().await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    /// Asks until there is data, and returns the last answer.
    async fn wait_for(&mut self, client: &reqwest::Client, expression: &str) -> Value {
        let mut last = Value::Null;
        for _ in 0..TRIES_MAX {
            assert!(self.child.try_wait().unwrap().is_none(), "Prometheus has ended");
            last = self.ask(client, expression).await.unwrap_or_default();
            let is_wrong = last["status"] == "error";
            if is_wrong || last["data"]["result"].as_array().is_some_and(|series| !series.is_empty()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        last
    }
}

/// The expressions of the dashboard, with its variables filled in.
fn dashboard_expressions() -> Vec<String> {
    let text = std::fs::read_to_string(shipped("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let filled = |target: &Value| {
        let expression = target["expr"].as_str().unwrap();
        expression.replace("$__rate_interval", "1m").replace("$job", "rushhour")
    };
    targets.map(filled).collect()
}

/// Uses the server a little: somebody registers, uploads, and opens the diary.
async fn use_it(client: &reqwest::Client, url: &str) {
    post(client, url, "/profile/create", &json!({"user": "anna"})).await.unwrap();
    let entry = |write_ts: u32| {
        let metadata = json!({"key": "background/battery", "type": "sensor-data", "write_ts": write_ts});
        json!({"metadata": metadata, "data": {"ts": write_ts}})
    };
    for write_ts in 0..20 {
        let body = json!({"user": "anna", "phone_to_server": [entry(write_ts)]});
        post(client, url, "/usercache/put", &body).await.unwrap();
    }
    post(client, url, "/pipeline/get_range_ts", &json!({"user": "anna"})).await.unwrap();
}

fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}: {told}{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_that_is_shipped_is_answered_by_a_prometheus_that_watches_a_server() {
    if !is_there("prometheus") || !is_there("promtool") {
        skip("there is no `prometheus` or `promtool` on the path; Debian's package `prometheus` has both");
        return;
    }
    promtool(&["check", "rules", shipped("alerts.yml").to_str().unwrap()], "");
    promtool(&["check", "config", shipped("prometheus.yml").to_str().unwrap()], "");
    let data = tempfile::tempdir().unwrap();
    let server = Serving::start(data.path());
    let client = client();
    use_it(&client, &server.url).await;
    let metrics = client.get(format!("{}/metrics", server.url)).header("accept", "text/plain").send().await.unwrap();
    promtool(&["check", "metrics"], &metrics.text().await.unwrap());
    let mut prometheus = Prometheus::start(server.url.strip_prefix("http://").unwrap());
    let up = prometheus.wait_for(&client, r#"count_over_time(up{job="rushhour"}[1m]) > 1"#).await;
    assert_eq!(up["status"], "success", "{up}");
    use_it(&client, &server.url).await;
    let expressions = dashboard_expressions();
    assert!(expressions.len() > 40, "{} expressions", expressions.len());
    for expression in expressions {
        let answer = prometheus.wait_for(&client, &expression).await;
        let has_data = answer["data"]["result"].as_array().is_some_and(|series| !series.is_empty());
        assert!(answer["status"] == "success" && has_data, "{expression}\n{answer}");
    }
    let rules = client.get(format!("{}/api/v1/rules", prometheus.url)).send().await.unwrap().text().await.unwrap();
    let rules: Value = serde_json::from_str(&rules).unwrap();
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() > 10, "{} rules", rules.len());
    for rule in rules {
        // Whether it fires is the machine's affair: its disk may well be filling up.
        assert!(rule["lastError"].is_null(), "{rule}");
        let answer = prometheus.ask(&client, rule["query"].as_str().unwrap()).await.unwrap();
        assert_eq!(answer["status"], "success", "{rule}: {answer}");
        // Whatever a rule compares must be there, or it would keep silent for ever.
        for name in names_of(rule["query"].as_str().unwrap()) {
            let answer = prometheus.wait_for(&client, &format!(r#"{{__name__="{name}"}}"#)).await;
            assert!(!answer["data"]["result"].as_array().unwrap().is_empty(), "there is no {name}");
        }
    }
}

/// The names of figures in an expression.
fn names_of(expression: &str) -> Vec<&str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let is_name = |word: &&str| ["em_", "process_", "http_server_"].iter().any(|start| word.starts_with(start));
    words.filter(is_name).collect()
}
