//! What belongs to one person is never told to another, whatever is asked and however.

use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::server::{Server, entry};

/// What only Anna's data has in it.
const CANARY: &str = "canary7391";

const ROUTES: [(&str, &str); 22] = [
    ("POST", "/profile/create"),
    ("POST", "/profile/get"),
    ("POST", "/profile/update"),
    ("POST", "/usercache/get"),
    ("POST", "/usercache/put"),
    ("POST", "/usercache/putone"),
    ("POST", "/datastreams/find_entries/timestamp"),
    ("POST", "/datastreams/find_entries/local_date"),
    ("POST", "/pipeline/get_range_ts"),
    ("POST", "/pipeline/get_complete_ts"),
    ("POST", "/timeline/getTrips/1970-01-01"),
    ("POST", "/customlabel/get"),
    ("POST", "/customlabel/insert"),
    ("POST", "/result/heatmap/pop.route/timestamp"),
    ("POST", "/result/heatmap/incidents/timestamp"),
    ("POST", "/logs/k"),
    ("GET", "/logs/k"),
    ("GET", "/logs/k/last"),
    ("GET", "/api/usages"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/redirect/anna"),
];

async fn with_annas_data() -> Server {
    let server = Server::with_anna().await;
    server.register("bert").await;
    let mut secret = entry("k", 1.5);
    secret["data"]["text"] = CANARY.into();
    let puts = [
        ("/usercache/put", json!({"user": "anna", "phone_to_server": [secret]})),
        ("/profile/update", json!({"user": "anna", "update_doc": {"name": CANARY}})),
        ("/customlabel/insert", json!({"user": "anna", "inserted_label": {"key": "mode", "label": CANARY}})),
    ];
    for (path, body) in puts {
        assert_eq!(server.post(path, &body.to_string()).await.0, 200);
    }
    assert_eq!(server.as_anna("POST", "/logs/k", &json!({"text": CANARY}).to_string()).await.0, 201);
    server
}

/// Tokens that are not Anna's, though some look like it.
fn tokens() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(json!("bert")),
        1 => Just(Value::Null),
        1 => Just(json!(["anna"])),
        1 => Just(json!({"$uuid": "anna"})),
        1 => Just(json!("anna ")),
        1 => Just(json!("anna\u{0}")),
        1 => Just(json!("ANNA")),
        1 => Just(json!("\u{1}usages/0")),
        1 => any::<String>().prop_filter("not hers", |token| token.trim() != "anna").prop_map(Value::from),
    ]
}

fn headers() -> impl Strategy<Value = Option<(&'static str, &'static str)>> {
    prop_oneof![
        Just(None),
        Just(Some(("authorization", "Bearer bert"))),
        Just(Some(("x-em-key", "bert"))),
        Just(Some(("user", "anna"))),
        Just(Some(("cookie", "user=anna"))),
        Just(Some(("x-user", "anna"))),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    let some = json!({"key_list": null, "start_time": null, "end_time": null, "keys": ["mode"], "user_id": "anna",
        "update_doc": {"user_id": "anna"}, "phone_to_server": [entry("k", 1.5)], "the_entry": entry("k", 1.5),
        "inserted_label": {"key": "mode", "label": "x"}, "sel_region": null, "modes": null});
    prop_oneof![Just(json!({})), Just(some)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_told_what_belongs_to_anna(asked in prop::collection::vec((tokens(), headers(), fields(), 0..ROUTES.len()), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = with_annas_data().await;
            for (token, header, fields, route) in asked {
                let (method, path) = ROUTES[route];
                let mut body = fields;
                body["user"] = token;
                let mut request = Request::builder().method(method).uri(path);
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                let (_, answer) = server.ask(request, Body::from(body.to_string())).await;
                assert!(!answer.contains(CANARY), "{method} {path} {header:?} {body}: {answer}");
            }
            // And nothing of hers was changed.
            let all = json!({"user": "anna", "key_list": ["k"], "start_time": null, "end_time": null});
            let entries = server.found(all).await;
            assert!(entries.len() == 2 && entries.iter().all(|entry| entry["data"]["text"] == CANARY), "{entries:?}");
        });
    }
}
