//! Which streams a chunk has, and that who asks for a key reads no other.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use rushhour_chunk::{NewRow, Rows, sizes};

/// Four of `background/battery`, four of `background/location`, one of `manual/mode_confirm` and three of
/// `statemachine/transition`, as chunks were written until commit eca11c7: all but the locations share a stream.
const MIXED: &[u8] = include_bytes!("fixtures/mixed.chunk");

/// Three locations of one time in words, `2015-11-02T14:39:25-0800`, of which the third is of another time in seconds, as
/// the log kept them until commit e5f762d: words are told once.
const WORDS: &[u8] = include_bytes!("fixtures/words.plain");

fn texts(bytes: &[u8], keys: &[&str]) -> Vec<String> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    Rows::decode(bytes, Some(&keys)).unwrap().texts().collect()
}

fn streams(bytes: &[u8]) -> Vec<(Option<String>, usize)> {
    sizes(bytes).unwrap().streams.into_iter().map(|stream| (stream.key, stream.rows)).collect()
}

#[test]
fn chunks_of_earlier_versions_are_read() {
    assert_eq!(streams(MIXED), [(Some("background/location".to_owned()), 4), (None, 8)]);
    assert_eq!(Rows::decode(MIXED, None).unwrap().len(), 12);
    let said = texts(MIXED, &["manual/mode_confirm"]);
    assert!(matches!(said.as_slice(), [one] if one.contains(r#""label":"tram""#)), "{said:?}");
    assert_eq!(texts(MIXED, &["statemachine/transition"]).len(), 3);
    assert_eq!(texts(MIXED, &["background/battery"]).len(), 4);
}

#[test]
fn who_asks_for_transitions_reads_no_battery() {
    let rows = Rows::decode(MIXED, None).unwrap();
    let bytes = rows.encode();
    assert_eq!(streams(&bytes), [(Some("background/location".to_owned()), 4), (None, 4), (None, 4)]);
    assert!(Rows::decode(&bytes, None).unwrap() == rows);
    let keys = ["statemachine/transition", "manual/mode_confirm"];
    assert_eq!(texts(&bytes, &keys), texts(MIXED, &keys));
    // What is never looked at may be anything.
    let mut damaged = bytes;
    damaged.iter_mut().rev().take(4).for_each(|byte| *byte ^= 0xff);
    assert_eq!(texts(&damaged, &keys), texts(MIXED, &keys));
    assert!(Rows::decode(&damaged, None).is_none_or(|others| others != rows));
}

#[test]
fn who_asks_for_what_is_not_there_reads_nothing() {
    let mut damaged = Rows::decode(MIXED, None).unwrap().encode();
    damaged.iter_mut().rev().take(4).for_each(|byte| *byte ^= 0xff);
    assert!(texts(&damaged, &["analysis/composite_trip"]).is_empty());
}

#[test]
fn every_key_is_found_however_many_there_are_and_however_long_it_is() {
    let mut keys: Vec<String> = (0..100).map(|number| format!("study/key-{number}")).collect();
    keys.push(format!("study/{}", "long".repeat(20)));
    let entries =
        keys.iter().map(|key| format!(r#"{{"metadata":{{"key":"{key}","write_ts":5,"type":"message"}},"data":{{}}}}"#));
    let entries: Vec<String> = entries.collect();
    let named = std::iter::zip(&keys, &entries);
    let rows: Vec<_> = named.map(|(key, text)| NewRow { key, kind: "message", write_ts: 5.0, text }).collect();
    let bytes = Rows::parse(&rows).encode();
    for key in &keys {
        assert_eq!(texts(&bytes, &[key]).len(), 1, "{key}");
    }
}

#[test]
fn words_that_were_told_once_stay_the_same_words() {
    let rows = Rows::decode(WORDS, None).unwrap();
    let [first, second, third] = [1_446_503_965.25, 1_446_503_965.75, 1_446_504_000.5];
    let ts: Vec<_> = (0..rows.len()).map(|row| rows.ts(row)).collect();
    assert_eq!(ts, [Some(first), Some(second), Some(third)]);
    assert!(rows.texts().all(|text| text.contains(r#""fmt_time":"2015-11-02T14:39:25-0800""#)));
    let texts: Vec<String> = rows.texts().collect();
    for bytes in [rows.pack(), rows.encode()] {
        let again = Rows::decode(&bytes, None).unwrap();
        assert!(again == rows && again.texts().eq(texts.iter().cloned()));
    }
}
