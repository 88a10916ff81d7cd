//! What becomes of entries when they leave the log: nothing that anybody could notice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rushhour_model::ids::UserId;
use rushhour_store::{
    ChapterKey, Disk, Error, LocalDisk, NewRow, Options, Position, Query, Repair, Rewrite, Store, TimeField, Upload,
};
use tempfile::TempDir;

const DAY_S: f64 = 86_400.0;
const START_S: f64 = 19_676.0 * DAY_S;

fn options(dir: &Path) -> Options {
    Options { segment_bytes: 16 << 10, volume_bytes: 64 << 10, ..Options::new(dir, StdRng::seed_from_u64(1)) }
}

/// A store in a folder of its own, and a runtime for what is asked of it.
struct Fixture {
    store: Option<Store>,
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
    anna: UserId,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::open(options(dir.path())).unwrap();
        let anna = runtime.block_on(store.register("anna")).unwrap();
        Self { store: Some(store), dir, runtime, anna }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Store::open(options(self.dir.path())).unwrap());
    }

    /// One upload of entries, each with its number of seconds after the start and what it says.
    fn append(&self, user: UserId, entries: &[(f64, &str)]) {
        let texts: Vec<(f64, String)> =
            entries.iter().map(|(at, says)| (START_S + at, text(START_S + at, says))).collect();
        let row = |(write_ts, text): &'_ (f64, String)| (*write_ts, text.clone());
        let owned: Vec<_> = texts.iter().map(row).collect();
        let rows: Vec<NewRow<'_>> =
            owned.iter().map(|(write_ts, text)| NewRow { kind: "t", key: "k", write_ts: *write_ts, text }).collect();
        self.runtime.block_on(self.store().append(Upload::pack(user, &rows))).unwrap();
    }

    /// What each entry says, in order of time.
    fn says(&self, query: &Query) -> Vec<String> {
        self.store().find_blocking(self.anna, query).unwrap().iter().map(|found| saying(&found.text)).collect()
    }

    fn all(&self) -> Vec<String> {
        self.says(&Query::all(None))
    }

    /// Takes in what is fresh, and returns what it says.
    fn take_in(&self, entries_max: usize) -> Vec<String> {
        let fresh = self.store().fresh(self.anna, entries_max, f64::INFINITY).unwrap();
        if let Some(taken) = fresh.taken {
            let (from, chapters, state) = (ChapterKey::END, Vec::new(), Vec::new());
            let change = Rewrite { from, chapters, taken: Some(taken), state };
            self.store().rewrite(self.anna, &change).unwrap();
        }
        let mut says = Vec::new();
        fresh.entries.for_each(|entry| says.push(saying(&entry.text())));
        says
    }

    fn files(&self, folder: &str) -> usize {
        std::fs::read_dir(self.dir.path().join(folder)).unwrap().count()
    }

    fn is_sound(&self) {
        let verified = self.store().verify(&mut |_| {}).unwrap();
        assert_eq!(verified.flaws, []);
        assert_eq!(verified.entries, self.store().stat().entries);
    }
}

fn text(ts: f64, says: &str) -> String {
    format!(r#"{{"data":{{"ts":{ts},"says":"{says}"}}}}"#)
}

fn saying(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value.pointer("/data/says").unwrap().as_str().unwrap().to_owned()
}

#[test]
fn sealed_entries_are_found_as_before_and_the_log_is_empty() {
    let mut fixture = Fixture::new();
    fixture.append(fixture.anna, &[(1.0, "a"), (DAY_S + 1.0, "c")]);
    fixture.append(fixture.anna, &[(2.0, "b"), (1.0, "A")]);
    let sealed = fixture.store().seal_all().unwrap();
    assert_eq!((sealed.users, sealed.entries, sealed.segments), (1, 4, 1));
    assert_eq!(fixture.files("log"), 0);
    for _ in 0..2 {
        assert_eq!(fixture.all(), ["A", "b", "c"]);
        let day = Query { from: Some(START_S), to: Some(START_S + 1.5), ..Query::all(None) };
        assert_eq!(fixture.says(&day), ["A"]);
        let field = TimeField::Path(vec!["data".to_owned(), "ts".to_owned()]);
        let by_data = Query { field, from: Some(START_S + 2.0), ..Query::all(None) };
        assert_eq!(fixture.says(&by_data), ["b", "c"]);
        assert_eq!(fixture.store().stat().entries, 3);
        fixture.is_sound();
        fixture.reopen();
    }
    fixture.append(fixture.anna, &[(3.0, "d")]);
    assert_eq!(fixture.all(), ["A", "b", "d", "c"]);
}

#[test]
fn what_is_sent_again_adds_nothing_and_what_is_changed_wins() {
    let fixture = Fixture::new();
    fixture.append(fixture.anna, &[(1.0, "a"), (2.0, "b")]);
    fixture.store().seal_all().unwrap();
    let before = fixture.store().usage().unwrap();
    fixture.append(fixture.anna, &[(2.0, "b"), (1.0, "a")]);
    assert_eq!(fixture.all(), ["a", "b"]);
    fixture.store().seal_all().unwrap();
    let after = fixture.store().usage().unwrap();
    assert_eq!((after.live_chunks, after.dead_chunks), (before.live_chunks, before.dead_chunks));
    fixture.append(fixture.anna, &[(2.0, "B")]);
    assert_eq!(fixture.all(), ["a", "B"]);
    fixture.store().seal_all().unwrap();
    assert_eq!(fixture.all(), ["a", "B"]);
    assert!(fixture.store().usage().unwrap().dead_chunks > 0);
    fixture.store().compact(0.0).unwrap();
    let compact = fixture.store().usage().unwrap();
    assert_eq!((compact.dead_chunks, compact.chunks, fixture.files("chunks")), (0, 1, 1));
    assert_eq!(fixture.all(), ["a", "B"]);
    fixture.is_sound();
}

#[test]
fn what_was_sealed_before_it_was_taken_in_is_fresh_exactly_once() {
    let mut fixture = Fixture::new();
    fixture.append(fixture.anna, &[(1.0, "a"), (DAY_S, "b")]);
    fixture.append(fixture.anna, &[(2.0, "c")]);
    fixture.append(fixture.anna, &[(DAY_S + 3.0, "d"), (3.0, "e")]);
    fixture.store().seal_all().unwrap();
    fixture.append(fixture.anna, &[(4.0, "f")]);
    fixture.reopen();
    assert_eq!(fixture.store().next_pending(), Some(fixture.anna));
    assert_eq!(fixture.take_in(1), ["a", "b"]);
    assert_eq!(fixture.take_in(2), ["c"]);
    fixture.store().sync_diaries().unwrap();
    fixture.store().seal_all().unwrap();
    fixture.reopen();
    assert_eq!(fixture.take_in(100), ["e", "d", "f"]);
    assert_eq!(fixture.take_in(100), [""; 0]);
    let found = fixture.store().find_blocking(fixture.anna, &Query::all(None)).unwrap();
    assert!(found.iter().all(|entry| entry.is_taken));
    fixture.append(fixture.anna, &[(5.0, "g")]);
    let found = fixture.store().find_blocking(fixture.anna, &Query::all(None)).unwrap();
    assert_eq!(found.iter().filter(|entry| !entry.is_taken).count(), 1);
}

#[test]
fn maintenance_seals_what_is_old_or_much_and_only_what_was_taken_in() {
    let fixture = Fixture::new();
    let seal = |now_s: f64| fixture.store().maintain(START_S + now_s).unwrap().entries;
    fixture.append(fixture.anna, &[(1.0, "a")]);
    fixture.append(fixture.anna, &[(1.5 * DAY_S, "b")]);
    assert_eq!(seal(10.0 * DAY_S), 0, "not taken in");
    assert_eq!(fixture.take_in(100).len(), 2);
    assert_eq!(seal(1.9 * DAY_S), 0, "not old");
    assert_eq!(seal(2.1 * DAY_S), 1, "only the day that is over for long");
    assert_eq!(seal(2.2 * DAY_S), 0);
    let many: Vec<(f64, &str)> = (0..2_000).map(|second| (2.0 * DAY_S + f64::from(second), "x")).collect();
    fixture.append(fixture.anna, &many);
    assert_eq!(fixture.take_in(10_000).len(), 2_000);
    assert_eq!(seal(2.2 * DAY_S), 1, "without today");
    assert_eq!(seal(2.3 * DAY_S), 0, "2,000 are not too many");
    fixture.append(fixture.anna, &[(2.0 * DAY_S, "y")]);
    fixture.take_in(10_000);
    assert_eq!(seal(2.3 * DAY_S), 2_001);
    assert_eq!(fixture.all().len(), 2_002);
    fixture.is_sound();
}

#[test]
fn changes_are_told_from_a_position_on_whatever_is_sealed() {
    let mut fixture = Fixture::new();
    let feed = |fixture: &Fixture, after: Position, entries_max: usize| {
        let changes = fixture.store().feed(fixture.anna, None, after, entries_max).unwrap();
        (changes.entries.iter().map(|entry| saying(&entry.text)).collect::<Vec<_>>(), changes.next)
    };
    fixture.append(fixture.anna, &[(DAY_S, "a"), (1.0, "b")]);
    fixture.append(fixture.anna, &[(2.0, "c")]);
    let first = feed(&fixture, Position::default(), 1);
    assert_eq!(first.0, ["b", "a"]);
    let second = feed(&fixture, first.1, 10);
    assert_eq!(second.0, ["c"]);
    fixture.store().seal_all().unwrap();
    fixture.append(fixture.anna, &[(1.0, "B"), (3.0, "d")]);
    fixture.reopen();
    assert_eq!(feed(&fixture, Position::default(), 1), (vec!["a".to_owned()], first.1));
    let third = feed(&fixture, second.1, 10);
    assert_eq!(third.0, ["B", "d"]);
    fixture.store().seal_all().unwrap();
    assert_eq!(feed(&fixture, second.1, 10), third);
    assert_eq!(feed(&fixture, third.1, 10), (Vec::new(), third.1));
}

#[test]
fn the_latest_entry_of_each_key_is_found_wherever_it_is() {
    let fixture = Fixture::new();
    let row = |key: &'static str, day: f64, text| NewRow { kind: "t", key, write_ts: START_S + day * DAY_S, text };
    let append = |rows: &[NewRow<'_>]| {
        fixture.runtime.block_on(fixture.store().append(Upload::pack(fixture.anna, rows))).unwrap();
    };
    let big = "x".repeat(200);
    let filler: Vec<String> = (0..600).map(|number| text(number.into(), &big)).collect();
    for day in 0..4 {
        let rows: Vec<NewRow<'_>> = filler
            .iter()
            .enumerate()
            .map(|(number, text)| row("filler", f64::from(day) + number as f64 / 1000.0, text))
            .collect();
        append(&rows);
    }
    append(&[row("rare", 0.1, "\"old\""), row("rare", 1.1, "\"new\""), row("hot", 2.0, "1")]);
    fixture.store().seal_all().unwrap();
    append(&[row("rare", 0.5, "\"late\""), row("hot", 1.0, "0")]);
    let latest = fixture.store().latest(fixture.anna, &["rare".to_owned(), "hot".to_owned(), "none".to_owned()]);
    let texts: Vec<String> = latest.unwrap().into_iter().map(|found| found.text).collect();
    assert_eq!(texts, ["\"new\"", "1"]);
}

#[test]
fn of_two_versions_of_the_last_entry_the_one_that_came_later_is_told_wherever_they_are() {
    let fixture = Fixture::new();
    let is_last = |says: &str| {
        let latest = fixture.store().latest(fixture.anna, &["k".to_owned()]).unwrap();
        let told: Vec<_> = latest.iter().map(|found| (saying(&found.text), found.write_ts - START_S)).collect();
        assert_eq!(told, [(says.to_owned(), 5.0)]);
    };
    fixture.append(fixture.anna, &[(5.0, "first"), (4.0, "before")]);
    fixture.append(fixture.anna, &[(5.0, "second")]);
    fixture.append(fixture.anna, &[(3.0, "late")]);
    is_last("second");
    fixture.store().seal_all().unwrap();
    is_last("second");
    fixture.append(fixture.anna, &[(5.0, "third"), (1.0, "late")]);
    fixture.append(fixture.anna, &[(2.0, "later")]);
    is_last("third");
}

#[test]
fn nothing_of_a_deleted_user_is_left_in_any_file() {
    let mut fixture = Fixture::new();
    let ben = fixture.runtime.block_on(fixture.store().register("ben-the-secret")).unwrap();
    fixture.append(fixture.anna, &[(1.0, "a")]);
    fixture.append(ben, &[(1.0, "hush")]);
    fixture.store().seal_all().unwrap();
    fixture.append(ben, &[(1.0, "hush hush")]);
    let erased = fixture.store().delete_user(ben).unwrap();
    assert_eq!((erased.entries, erased.frames), (1, 3));
    assert_eq!((fixture.store().user("ben-the-secret"), fixture.files("log")), (None, 0));
    assert!(matches!(fixture.store().delete_user(ben), Err(Error::UnknownUser(_))));
    assert_eq!(fixture.all(), ["a"]);
    fixture.is_sound();
    fixture.reopen();
    assert_eq!(fixture.all(), ["a"]);
    let volume = std::fs::read(fixture.dir.path().join("chunks/00000001.chunks")).unwrap();
    assert!(!volume.windows(6).any(|window| window == b"secret"));
}

#[test]
fn a_lost_directory_is_made_anew_from_the_volumes() {
    let mut fixture = Fixture::new();
    for (day, says) in [(0.0, "a"), (1.0, "b"), (0.0, "A"), (2.0, "c")] {
        fixture.append(fixture.anna, &[(day * DAY_S, says), (day * DAY_S + 5.0, says)]);
        fixture.store().seal_all().unwrap();
    }
    let fields = serde_json::json!({"platform": "ios"});
    let update = fixture.store().update_profile(fixture.anna, fields.as_object().unwrap().clone());
    fixture.runtime.block_on(update).unwrap();
    fixture.store().seal_all().unwrap();
    fixture.append(fixture.anna, &[(3.0 * DAY_S, "d")]);
    let before = (fixture.all(), fixture.store().stat().entries);
    fixture.store = None;
    let path = fixture.dir.path();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let there = Store::rebuild(&disk, path, &mut |_| {}).unwrap_err();
    assert!(matches!(there, Error::DirectoryThere(_)), "{there}");
    std::fs::remove_file(path.join("directory.redb")).unwrap();
    let lost = Store::open(options(path)).unwrap_err();
    assert!(matches!(lost, Error::DirectoryLost { .. }), "{lost}");
    std::fs::remove_file(path.join("directory.redb")).unwrap();
    let rebuilt = Store::rebuild(&disk, path, &mut |_| {}).unwrap();
    assert_eq!((rebuilt.users, rebuilt.entries, rebuilt.damaged_bytes), (1, 6, 0));
    fixture.reopen();
    assert_eq!((fixture.all(), fixture.store().stat().entries), before);
    let profile = fixture.runtime.block_on(fixture.store().profile(fixture.anna)).unwrap();
    assert_eq!(serde_json::Value::Object(profile), fields);
    fixture.is_sound();
}

#[test]
fn a_damaged_log_is_read_only_until_somebody_says_what_to_give_up() {
    for (repair, left, lost) in [(Repair::Cut, vec!["a"], 2), (Repair::Skip, vec!["a", "c", "d"], 0)] {
        let mut fixture = Fixture::new();
        for (at, says) in [(1.0, "a"), (2.0, "b"), (3.0, "c"), (4.0, "d")] {
            fixture.append(fixture.anna, &[(at, says)]);
        }
        fixture.store = None;
        let path = fixture.dir.path().join("log/00000001.log");
        let mut bytes = std::fs::read(&path).unwrap();
        let frames: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, bytes)| *bytes == b"RHFR").map(|(at, _)| at).collect();
        bytes[frames[1] + 60] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        fixture.reopen();
        assert!(fixture.store().damage().is_some());
        assert_eq!(fixture.all(), ["a", "c", "d"]);
        assert!(matches!(fixture.store().seal_all(), Err(Error::ReadOnly { .. })));
        assert_eq!(fixture.store().verify(&mut |_| {}).unwrap().flaws.len(), 1);
        fixture.store = None;
        let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
        let repaired = Store::repair(&disk, fixture.dir.path(), repair).unwrap();
        assert_eq!((repaired.damage.len(), repaired.lost_uploads.len()), (1, lost));
        fixture.reopen();
        assert_eq!(fixture.store().damage(), None);
        assert_eq!(fixture.all(), left);
        fixture.append(fixture.anna, &[(5.0, "e")]);
        fixture.reopen();
        assert_eq!(fixture.all().last().map(String::as_str), Some("e"));
        fixture.is_sound();
    }
}

#[test]
fn missing_segments_and_broken_headers_can_be_given_up() {
    for (broken, repair) in [0, 1, 2].into_iter().flat_map(|broken| [(broken, Repair::Cut), (broken, Repair::Skip)]) {
        let mut fixture = Fixture::new();
        let big = "x".repeat(8_000);
        let mut rng = StdRng::seed_from_u64(3);
        for at in 0..12 {
            let noise: String = big.chars().map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect();
            fixture.append(fixture.anna, &[(f64::from(at), &noise)]);
        }
        fixture.store = None;
        let path = |number: u32| fixture.dir.path().join(format!("log/{number:08}.log"));
        match broken {
            0 => std::fs::remove_file(path(1)).unwrap(),
            1 => std::fs::remove_file(path(2)).unwrap(),
            _ => {
                let mut bytes = std::fs::read(path(2)).unwrap();
                bytes[14] ^= 1;
                std::fs::write(path(2), bytes).unwrap();
            }
        }
        fixture.reopen();
        assert!(fixture.store().damage().is_some(), "{broken}");
        let readable = fixture.all().len();
        fixture.store = None;
        let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
        Store::repair(&disk, fixture.dir.path(), repair).unwrap();
        fixture.reopen();
        assert_eq!(fixture.store().damage(), None, "{broken} {repair:?}");
        assert!(repair == Repair::Cut || fixture.all().len() == readable, "{broken}");
        fixture.append(fixture.anna, &[(19.0, "e")]);
        fixture.reopen();
        assert_eq!(fixture.all().last().map(String::as_str), Some("e"), "{broken} {repair:?}");
    }
}

#[test]
fn any_history_reads_the_same_sealed_and_unsealed() {
    for seed in 0..8 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut fixture = Fixture::new();
        let mut model = std::collections::BTreeMap::new();
        for step in 0..60 {
            match rng.random_range(0..10) {
                0 => drop(fixture.store().seal_all().unwrap()),
                1 => fixture.reopen(),
                2 => fixture.store().compact(0.1).unwrap(),
                3 => drop(fixture.store().maintain(START_S + rng.random_range(0.0..9.0) * DAY_S).unwrap()),
                4 => drop(fixture.take_in(rng.random_range(1..300))),
                _ => {
                    let says = format!("{step}");
                    let (day, count) = (rng.random_range(0..6), rng.random_range(1..300));
                    let entries: Vec<(f64, &str)> = (0..count)
                        .map(|_| (f64::from(day) * DAY_S + f64::from(rng.random_range(0..5_000)), says.as_str()))
                        .collect();
                    fixture.append(fixture.anna, &entries);
                    model.extend(entries.iter().map(|(at, _)| (at.to_bits(), says.clone())));
                }
            }
            let from = f64::from(rng.random_range(0..6)) * DAY_S;
            let to = from + rng.random_range(0.0..2.0) * DAY_S;
            let expected: Vec<String> =
                model.range(from.to_bits()..=to.to_bits()).map(|(_, says)| says.clone()).collect();
            let query = Query { from: Some(START_S + from), to: Some(START_S + to), ..Query::all(None) };
            assert_eq!(fixture.says(&query), expected, "seed {seed}, step {step}");
            let latest = fixture.store().latest(fixture.anna, &["k".to_owned()]).unwrap();
            let said = latest.first().map(|entry| saying(&entry.text));
            assert_eq!(said.as_ref(), model.values().next_back(), "seed {seed}, step {step}");
        }
        fixture.is_sound();
    }
}
