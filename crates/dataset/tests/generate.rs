//! Data sets: the same bytes whoever makes them and in how many parts, complete or not there at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use flate2::read::GzDecoder;
use jiff::civil::date;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use rushhour_dataset::configuration::{Configuration, world};
use rushhour_dataset::error::Error;
use rushhour_dataset::generate::{Form, Manner, Selection, generate};
use rushhour_dataset::manifest::{FileRow, Manifest};
use rushhour_dataset::truth::{Row, SectionRow, TripRow, UserRow, VisitRow, read};
use rushhour_synth::entries::Key;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{RegionFile, RegionParameters};
use rushhour_synth::world::{Study, World};
use serde_json::Value;
use tempfile::TempDir;

/// A town is made more quickly than a city.
static TOWN: LazyLock<(Configuration, World)> = LazyLock::new(|| {
    let file = RegionFile {
        name: "town".to_owned(),
        latitude: 39.74,
        longitude: -104.99,
        radius_m: 2_500.0,
        time_zone: "America/Denver".to_owned(),
        country: "US".to_owned(),
        away: Vec::new(),
    };
    let region = RegionParameters::try_from(file).unwrap();
    let study = Study { seed: 5, first_day: date(2026, 3, 2), days: 2 };
    let configuration = Configuration { study, region, osm: None, parameters: Parameters::default() };
    let world = world(&configuration).unwrap();
    (configuration, world)
});

/// What is made, and on how many threads.
struct Job {
    users: u32,
    range: Range<u32>,
    form: Form,
    threads: usize,
    force: bool,
    stop: bool,
}

const JOB: Job = Job { users: 6, range: 0..6, form: Form::None, threads: 2, force: false, stop: false };

impl Job {
    fn run(self, dir: &Path) -> Result<Manifest, Error> {
        let (configuration, world) = &*TOWN;
        let Self { users, range, form, threads, force, stop } = self;
        let trajectory = matches!(form, Form::Csv | Form::Parquet);
        let selection = Selection { users, users_range: range, form, trajectory };
        let stop = AtomicBool::new(stop);
        generate(configuration, world, &selection, dir, Manner { threads, force, stop: &stop }, |_| {})
    }

    fn make(self) -> (TempDir, Manifest) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = self.run(dir.path()).unwrap();
        (dir, manifest)
    }
}

const FORMS: [Form; 5] = [Form::Timeline, Form::Uploads, Form::Parquet, Form::Csv, Form::None];

/// The files that are a person's or a block's own.
fn own(manifest: &Manifest) -> Vec<FileRow> {
    manifest.files.iter().filter(|file| !file.path.starts_with("truth/")).cloned().collect()
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for form in FORMS {
        let one = Job { form, threads: 1, ..JOB }.make().1;
        let three = Job { form, threads: 3, ..JOB }.make().1;
        assert_eq!(one, three, "{form:?}");
        assert!(one.counts.trips > 0 && one.counts.of(Key::Location) > 0);
    }
}

#[test]
fn shards_together_are_the_whole() {
    for (form, users, half) in
        [(Form::Timeline, 6, 3), (Form::Uploads, 6, 3), (Form::Parquet, 26, 20), (Form::Csv, 26, 20)]
    {
        let (dir, whole) = Job { form, users, range: 0..users, ..JOB }.make();
        let (first_dir, first) = Job { form, users, range: 0..half, ..JOB }.make();
        let (second_dir, second) = Job { form, users, range: half..users, ..JOB }.make();
        let mut parts = [own(&first), own(&second)].concat();
        parts.sort();
        assert_eq!(parts, own(&whole), "{form:?}");
        assert_eq!(first.configuration_id, whole.configuration_id);
        let table = |dir: &TempDir, name: &str| std::fs::read_to_string(dir.path().join("truth").join(name)).unwrap();
        for name in [UserRow::TABLE, TripRow::TABLE, VisitRow::TABLE, SectionRow::TABLE, "places", "events"] {
            let first = table(&first_dir, &format!("{name}-{:07}-{:07}.csv", 0, half - 1));
            let second = table(&second_dir, &format!("{name}-{half:07}-{:07}.csv", users - 1));
            let (_, second) = second.split_once('\n').unwrap();
            assert!(first + second == table(&dir, &format!("{name}.csv")), "{name}");
        }
    }
}

#[test]
fn a_person_stays_the_same_when_the_population_grows() {
    for form in [Form::Timeline, Form::Uploads] {
        let few = own(&Job { form, users: 4, range: 0..4, ..JOB }.make().1);
        let many = own(&Job { form, ..JOB }.make().1);
        assert!(few.iter().all(|file| many.contains(file)) && few.len() < many.len());
    }
}

#[test]
fn what_is_there_is_replaced_only_by_force_and_only_if_a_run_made_it() {
    let (dir, first) = JOB.make();
    assert!(matches!(JOB.run(dir.path()), Err(Error::NotEmpty(_))));
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let second = Job { form: Form::Csv, force: true, ..JOB }.run(dir.path()).unwrap();
    assert_ne!(first.files, second.files);
    assert_eq!(Manifest::read(dir.path()).unwrap(), second);
    assert!(dir.path().join("notes.txt").exists());
}

#[test]
fn a_run_that_was_stopped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for form in FORMS {
        assert!(matches!(Job { form, stop: true, ..JOB }.run(dir.path()), Err(Error::Interrupted)));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_truth_can_be_read_again() {
    let (dir, manifest) = JOB.make();
    let users: Vec<UserRow> = read(dir.path()).unwrap().map(Result::unwrap).collect();
    assert!(users.iter().map(|user| user.user).eq(0..6));
    let trips: Vec<TripRow> = read(dir.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(trips.len() as u64, manifest.counts.trips);
    assert!(trips.iter().all(|trip| trip.depart_ts < trip.arrive_ts));
    let visits = read::<VisitRow>(dir.path()).unwrap().map(Result::unwrap).count();
    assert_eq!(visits as u64, manifest.counts.visits);
    assert!(read::<TripRow>(&dir.path().join("truth")).is_err());
}

#[test]
fn tables_have_every_entry_that_was_delivered() {
    let (dir, manifest) = Job { form: Form::Parquet, ..JOB }.make();
    let open = |table: &str| {
        let path = dir.path().join(format!("parquet/{table}/users-0000000-0000005.parquet"));
        SerializedFileReader::new(File::open(path).unwrap()).unwrap()
    };
    for (table, key) in [
        ("location", Key::Location),
        ("motion_activity", Key::Motion),
        ("transition", Key::Transition),
        ("battery", Key::Battery),
    ] {
        let rows = open(table).metadata().file_metadata().num_rows();
        assert_eq!(u64::try_from(rows).unwrap(), manifest.counts.of(key), "{table}");
    }
    let first = open("location").get_row_iter(None).unwrap().next().unwrap().unwrap();
    assert!((first.get_int(5).unwrap() - 397_400_000).abs() < 1_000_000);
    assert!((first.get_int(6).unwrap() + 1_049_900_000).abs() < 1_000_000);
}

#[test]
fn timelines_are_arrays_of_stored_entries_with_ids_of_their_own() {
    let (dir, manifest) = Job { form: Form::Timeline, ..JOB }.make();
    let entries = |name: String| -> Vec<Value> {
        let file = File::open(dir.path().join("timeline").join(name)).unwrap();
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (mut ids, mut count) = (BTreeSet::new(), 0);
    for user in read::<UserRow>(dir.path()).unwrap() {
        let id = user.unwrap().user_id;
        assert_eq!(entries(format!("synth_pipelinestate_{id}.gz")), Vec::<Value>::new());
        for entry in entries(format!("synth_{id}.gz")) {
            assert_eq!(entry["user_id"]["$uuid"], id.replace('-', ""));
            assert!(entry["metadata"]["write_fmt_time"].is_string());
            ids.insert(entry["_id"]["$oid"].as_str().unwrap().to_owned());
            count += 1;
        }
    }
    assert_eq!(count, Key::ALL.map(|key| manifest.counts.of(key)).iter().sum::<u64>());
    assert_eq!(ids.len() as u64, count);
}

#[test]
fn maps_have_a_line_for_every_trip() {
    let (dir, manifest) = Job { form: Form::Csv, ..JOB }.make();
    let text = std::fs::read_to_string(dir.path().join("csv/trips-0000000-0000005.geojson")).unwrap();
    let trips: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(trips["features"].as_array().unwrap().len() as u64, manifest.counts.trips);
    assert_eq!(trips["features"][0]["geometry"]["type"], "LineString");
    let points = std::fs::read_to_string(dir.path().join("csv/points-0000000-0000005.csv")).unwrap();
    assert_eq!(points.lines().count() as u64, 1 + manifest.counts.of(Key::Location));
}
