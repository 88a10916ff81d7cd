//! The operator's page, as a browser shows it.
//!
//! Without `chromium` and `chromedriver` on the path the test says so and is skipped; CI has them.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::prometheus::{is_there, skip};
use crate::serving::{Serving, client, post};

/// Waits until the text of `id` passes `test`, a condition on `text`; the page changes every second.
fn until(id: &str, test: &str) -> String {
    format!(
        "const done = arguments[0], node = document.getElementById('{id}'); \
         const look = () => {{ const text = node.textContent; if ({test}) {{ watcher.disconnect(); done(text); }} }}; \
         const watcher = new MutationObserver(look); \
         watcher.observe(document.body, {{ subtree: true, childList: true, characterData: true }}); look();"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_page_shows_what_changes_and_names_nobody() {
    if !is_there("chromium") || !is_there("chromedriver") {
        skip("there is no `chromium` or `chromedriver` on the path; Debian's package `chromium-driver` has both");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let server = Serving::start(data.path());
    let (client, browser) = (client(), Browser::start().await);
    browser.open(&format!("{}/", server.url)).await;
    assert_eq!(browser.wait(&until("state", "text === 'ready'")).await, "ready");
    assert_eq!(browser.wait(&until("users", "text === '0'")).await, "0");
    post(&client, &server.url, "/profile/create", &json!({"user": "a-token-of-anna"})).await.unwrap();
    let metadata = json!({"key": "background/battery", "type": "sensor-data", "write_ts": 1});
    let entry = json!({"metadata": metadata, "data": {"ts": 1}});
    let body = json!({"user": "a-token-of-anna", "phone_to_server": [entry]});
    post(&client, &server.url, "/usercache/put", &body).await.unwrap();
    assert_eq!(browser.wait(&until("users", "text === '1'")).await, "1");
    assert_eq!(browser.wait(&until("phones-hour", "text === '1'")).await, "1");
    assert_eq!(browser.wait(&until("entries", "text === '1'")).await, "1");
    browser.wait(&until("routes", "text.includes('/usercache/put')")).await;
    // What stands on the page when it has been told everything.
    let profile = post(&client, &server.url, "/profile/get", &json!({"user": "a-token-of-anna"})).await.unwrap();
    let profile: Value = serde_json::from_str(&profile).unwrap();
    let page = browser.run("return document.documentElement.outerHTML").await;
    let page = page.as_str().unwrap();
    assert!(!page.contains("a-token-of-anna") && !page.contains(profile["user_id"]["$uuid"].as_str().unwrap()));
    // Nothing came from elsewhere, and nothing is wider than a phone.
    let loaded = browser.run("return performance.getEntriesByType('resource').map((it) => it.name)").await;
    let is_ours = |name: &Value| name.as_str().is_some_and(|name| name.starts_with(&server.url));
    assert!(loaded.as_array().unwrap().iter().all(is_ours), "{loaded}");
    browser.resize(390, 844).await;
    assert_eq!(browser.run("return document.documentElement.scrollWidth").await, 390);
}

#[tokio::test]
async fn the_operators_page_is_shown_to_this_machine_unless_it_is_switched_off() {
    let status = async |arguments: &[&str], path: &str| {
        let data = tempfile::tempdir().unwrap();
        let server = Serving::start_with(data.path(), arguments);
        client().get(format!("{}{path}", server.url)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&[], "/").await, 200);
    assert_eq!(status(&["--operator-page", "off"], "/").await, 404);
    assert_eq!(status(&["--operator-page", "off"], "/operator/events").await, 404);
}
