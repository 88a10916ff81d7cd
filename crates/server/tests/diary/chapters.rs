//! Chapters are found again from outlines and entries: the answers are those of a run that had everything at once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rushhour_model::entry::Entry;
use rushhour_model::ids::UserId;
use rushhour_pipeline::chapter::{Chapter, Opening};
use rushhour_pipeline::documents::{Wanted, documents};
use rushhour_pipeline::keys::ALL as KEYS;
use rushhour_pipeline::labels::Model;
use rushhour_pipeline::observations::Observations;
use rushhour_pipeline::outline::Outline;
use rushhour_pipeline::timeline::{Day, trips_of_day};
use rushhour_pipeline::transit::Stops;
use rushhour_pipeline::write::{Settings, write};
use rushhour_store::{ChapterKey, Query};
use serde_json::{Value, json};

use crate::people;
use crate::server::{ALL, Server};

/// So much of a user-day may the outlines take, without the keys that they stand under.
const DAY_BYTES_MAX: usize = 340;
/// The real days have up to a dozen legs.
const REAL_DAY_BYTES_MAX: usize = 1_250;
const PEOPLE: u32 = 20;
const DAYS: u32 = 14;

impl Server {
    /// All documents by their ids.
    async fn documents(&self, token: &str) -> BTreeMap<String, Value> {
        let query = json!({"user": token, "key_list": KEYS, "start_time": 0, "end_time": 1e11});
        let mut found = self.post("/datastreams/find_entries/timestamp", query).await;
        let found = found["phone_data"].as_array_mut().unwrap();
        let parts = |it: &mut Value| json!({"metadata": it["metadata"].take(), "data": it["data"].take()});
        found.iter_mut().map(|it| (it["_id"]["$oid"].as_str().unwrap().to_owned(), parts(it))).collect()
    }

    /// The chapters of a run that has everything at once and keeps them as they are.
    fn whole(&self, user: UserId) -> Vec<Chapter> {
        let mut observations = Observations::default();
        for found in self.store().find_blocking(user, &Query::all(None)).unwrap() {
            if let Ok(entry) = serde_json::from_str::<Entry>(&found.text) {
                observations.push(found.id, entry);
            }
        }
        let inputs = observations.take_inputs();
        let settings = Settings { user, stops: &Stops::default(), model: &Model::default() };
        write(observations, inputs, Opening::first(), &settings)
    }

    /// Whether all answers about a user are those of a whole run; returns how many documents there are.
    async fn check(&self, token: &str, case: &str) -> usize {
        let user = self.store().user(token).unwrap();
        let whole = self.whole(user);
        let shown = documents(user, &whole, &[], Wanted::All);
        let days: Vec<Day> =
            whole.iter().flat_map(|chapter| Outline::of(chapter).kept).filter_map(|it| it.day).collect();
        let expected: BTreeMap<String, Value> = shown
            .into_iter()
            .map(|it| (it.id.to_string(), json!({"metadata": it.metadata, "data": it.data})))
            .collect();
        let found = self.documents(token).await;
        let ids = |documents: &BTreeMap<String, Value>| documents.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "{case}");
        for (id, document) in &expected {
            assert_eq!(found.get(id), Some(document), "{case}");
        }
        for day in days {
            let written = format!("{}-{:02}-{:02}", day.year, day.month, day.day);
            let expected: Vec<Value> =
                trips_of_day(&whole, &[], day).iter().map(|trip| serde_json::to_value(trip).unwrap()).collect();
            // Once as it is found again, once as it was found again lately.
            for _ in 0..2 {
                assert_eq!(self.trips(token, &written).await, expected, "{case}: {day:?}");
            }
        }
        expected.len()
    }

    fn chapter_bytes(&self, user: UserId) -> usize {
        let mut sum = 0;
        let add = &mut |_, bytes: &[u8]| {
            sum += bytes.len();
            ControlFlow::Continue(())
        };
        self.store().chapters(user, ChapterKey::FIRST, add).unwrap();
        sum
    }
}

/// Every fourth comes after the next three.
fn with_some_late<T>(uploads: Vec<T>) -> Vec<T> {
    let mut late = None;
    let mut order = Vec::new();
    for (number, upload) in uploads.into_iter().enumerate() {
        match number % 4 {
            0 => order.extend(late.replace(upload)),
            _ => order.push(upload),
        }
    }
    order.extend(late);
    order
}

#[tokio::test]
async fn people_are_answered_as_if_everything_had_come_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::open(dir.path());
    let mut tokens = Vec::new();
    let mut bytes = 0;
    for person in people::people(PEOPLE, DAYS) {
        let user = server.register(&person.token).await;
        for put in with_some_late(person.puts) {
            server.post_bytes("/usercache/put", put).await;
            server.take_in_all(ALL);
        }
        bytes += server.chapter_bytes(user);
        tokens.push(person.token);
    }
    let day_bytes = bytes / (PEOPLE * DAYS) as usize;
    assert!(day_bytes <= DAY_BYTES_MAX, "{day_bytes} bytes per user-day");
    let mut found = 0;
    for token in &tokens {
        found += server.check(token, token).await;
    }
    assert!(found > 10_000, "{found} documents");
    let app = Arc::clone(&server.app);
    drop(server);
    let close = move || {
        app.store().seal_all().unwrap();
        app.store().sync_diaries().unwrap();
        drop(app);
    };
    tokio::task::spawn_blocking(close).await.unwrap();
    server = Server::open(dir.path());
    assert_eq!(server.store().pending(), 0);
    for token in &tokens {
        server.check(token, "after a restart, sealed").await;
    }
}

#[tokio::test]
async fn real_days_are_answered_as_if_everything_had_come_at_once() {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS") else { return };
    let mut days = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if !path.to_str().unwrap().ends_with(".raw.json.gz") {
            continue;
        }
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let entries: Vec<Value> = serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let server = Server::open(dir.path());
        let user = server.register("anna").await;
        for upload in with_some_late(entries.chunks(200).collect()) {
            server.put("anna", upload).await;
            server.take_in_all(ALL);
        }
        server.check("anna", path.to_str().unwrap()).await;
        let bytes = server.chapter_bytes(user);
        assert!(bytes <= REAL_DAY_BYTES_MAX, "{path:?}: {bytes} bytes");
        days += 1;
    }
    assert!(days > 0, "no days in the folder");
}

#[tokio::test]
async fn what_was_not_taken_in_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    let person = people::people(1, 7).pop().unwrap();
    let token = person.token.as_str();
    server.register(token).await;
    let (mut sent, mut late) = (Vec::new(), Vec::new());
    for (number, put) in person.puts.into_iter().enumerate() {
        if number % 4 == 1 { late.push(put) } else { sent.push(put) }
    }
    for put in &sent {
        server.post_bytes("/usercache/put", put.clone()).await;
    }
    server.take_in_all(ALL);
    server.check(token, "some").await;
    let before = server.documents(token).await;
    for put in &sent {
        server.post_bytes("/usercache/put", put.clone()).await;
    }
    assert!(server.documents(token).await == before, "sent again");
    server.take_in_all(ALL);
    for put in late {
        server.post_bytes("/usercache/put", put).await;
    }
    assert!(server.documents(token).await == before, "late");
    server.take_in_all(ALL);
    assert!(server.documents(token).await != before);
    server.check(token, "all").await;
}

#[tokio::test]
async fn each_document_is_found_by_each_of_its_times() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::open(dir.path());
    let mut asked = 0;
    for person in people::people(8, DAYS) {
        server.register(&person.token).await;
        for put in person.puts {
            server.post_bytes("/usercache/put", put).await;
        }
        server.take_in_all(ALL);
        // As many of each kind as make every seventh day of everybody.
        for (id, document) in server.documents(&person.token).await.into_iter().step_by(7) {
            let key = document["metadata"]["key"].as_str().unwrap();
            let times = ["ts", "start_ts", "end_ts", "enter_ts", "exit_ts"]
                .map(|name| (format!("data.{name}"), &document["data"][name]));
            let written = ("metadata.write_ts".to_owned(), &document["metadata"]["write_ts"]);
            for (field, ts) in times.into_iter().chain([written]) {
                let Some(ts) = ts.as_f64() else { continue };
                let found = server.found(&person.token, &[key], &field, ts, ts).await;
                let found = found.iter().find(|it| it["_id"]["$oid"] == id).map(|it| &it["data"]);
                assert_eq!(found, Some(&document["data"]), "{}: {key} {id} by {field}", person.token);
                asked += 1;
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
}
