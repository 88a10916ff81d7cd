//! Labels that people make themselves.

use serde_json::{Value, json};

use crate::server::Server;

async fn call(server: &Server, route: &str, what: Value) -> Value {
    let mut body = what;
    body["user"] = "anna".into();
    let (status, answer) = server.post(&format!("/customlabel/{route}"), &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test]
async fn labels_are_made_used_and_taken_away() {
    let server = Server::with_anna().await;
    let insert = |label: &str| json!({"inserted_label": {"key": "mode", "label": label}});
    let update = |old: &str, new: &str, made: bool| json!({"updated_label": {"key": "mode", "old_label": old, "new_label": new, "is_new_label_must_added": made}});
    assert_eq!(call(&server, "insert", insert("skate")).await, json!({"label": ["skate"]}));
    call(&server, "insert", insert("ferry")).await;
    assert_eq!(call(&server, "update", update("", "ferry", false)).await, json!({"label": ["ferry", "skate"]}));
    assert_eq!(
        call(&server, "update", update("ferry", "sledge", true)).await,
        json!({"label": ["sledge", "skate", "ferry"]})
    );
    assert_eq!(
        call(&server, "update", update("sledge", "kite", false)).await,
        json!({"label": ["skate", "ferry", "sledge"]})
    );
    let delete = json!({"deleted_label": {"key": "mode", "label": "ferry"}});
    assert_eq!(call(&server, "delete", delete).await, json!({"label": ["skate", "sledge"]}));
    let got = call(&server, "get", json!({"keys": ["mode", "purpose"]})).await;
    assert_eq!(got, json!({"mode": ["skate", "sledge"], "purpose": []}));
}

#[tokio::test]
async fn labels_that_are_changed_at_once_are_all_kept() {
    let server = Server::with_anna().await;
    let names: Vec<String> = (0..8).map(|number| format!("label {number}")).collect();
    let inserts =
        names.iter().map(|name| call(&server, "insert", json!({"inserted_label": {"key": "mode", "label": name}})));
    futures_util::future::join_all(inserts).await;
    let got = call(&server, "get", json!({"keys": ["mode"]})).await;
    assert_eq!(got["mode"].as_array().unwrap().len(), names.len());
}

#[tokio::test]
async fn a_redirect_leads_to_the_app() {
    let server = Server::new();
    for (path, target) in [
        ("/redirect/join?group=a", "/#/setup?group=a"),
        ("/redirect/client/setup?token=x%20y", "emission://client/setup?token=x%20y"),
        ("/redirect/a%5Db%0A?token=%0A", "emission://a%5Db%0A?token=%0A"),
    ] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = server.answer(request).await;
        assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (303, target));
    }
}
