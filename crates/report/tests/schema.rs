//! `result.json` and its published schema: what is written today, and what was written by every version before.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use rushhour_report::result::{RunResult, SCHEMA, json_schema};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn fixture(schema: u32) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/result-{schema}.json"));
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; keep one of each version", path.display()))
}

fn validator() -> Validator {
    jsonschema::validator_for(&serde_json::from_str(&json_schema()).unwrap()).unwrap()
}

fn check(validator: &Validator, name: &str, json: &str) {
    let value: Value = serde_json::from_str(json).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(&value).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new(), "{name}");
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let published = std::fs::read_to_string(root().join("docs/result.schema.json")).unwrap();
    assert!(published == json_schema(), "write it anew: rushhour report schema > docs/result.schema.json");
}

#[test]
fn every_kept_result_is_valid() {
    let validator = validator();
    let mut found = 0;
    for folder in std::fs::read_dir(root().join("results")).unwrap() {
        let Ok(json) = std::fs::read_to_string(folder.unwrap().path().join("result.json")) else { continue };
        check(&validator, "results", &json);
        found += 1;
    }
    assert!(found >= 9, "only {found} results");
}

#[test]
fn results_of_every_version_are_read_and_written_again_as_valid_ones() {
    let validator = validator();
    for schema in 1..=SCHEMA {
        let json = fixture(schema);
        check(&validator, &format!("as it was, {schema}"), &json);
        let result = RunResult::read(&json).unwrap();
        assert_eq!(result.schema, schema);
        assert!(result.operations.contains_key("put") && result.measured_s > 0.0);
        check(&validator, &format!("as it is now, {schema}"), &serde_json::to_string(&result).unwrap());
    }
}

#[test]
fn what_is_no_result_is_not_valid() {
    let mut value: Value = serde_json::from_str(&fixture(SCHEMA)).unwrap();
    value.as_object_mut().unwrap().insert("verdict".into(), "splendid".into());
    assert!(!validator().is_valid(&value));
}
