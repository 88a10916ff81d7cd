//! The description of the interface describes this one.

use axum::body::Body;
use serde_json::Value;

use crate::server::Server;

#[tokio::test]
async fn whatever_is_described_is_there() {
    let server = Server::new();
    let (status, document) = server.send("GET", "/openapi.json", Body::empty()).await;
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path: String = path
                .split(['{', '}'])
                .enumerate()
                .map(|(place, part)| if place % 2 == 0 { part } else { "x" })
                .collect();
            let (status, answer) = server.send(&method.to_uppercase(), &path, Body::empty()).await;
            assert!(status != 405 && !answer.contains("there is no route"), "{method} {path}: {status} {answer}");
            let class = format!("{}XX", status.as_u16() / 100);
            let described = &operation["responses"];
            let is_described = described.get(status.as_str()).or(described.get(&class)).is_some();
            assert!(is_described, "{method} {path}: {status}");
            operations += 1;
        }
    }
    assert_eq!(operations, 27);
    for schema in ["PutRequest", "FindEntriesRequest", "ErrorResponse"] {
        assert!(document["components"]["schemas"][schema]["properties"].is_object(), "{schema}");
    }
}
