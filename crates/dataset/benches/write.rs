//! How many rows of `background/location` a second are made and written, by form: whole people, from their homes to the
//! disk. Each row comes with its filtered copy and whatever else a phone records.

use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::civil::date;
use rushhour_dataset::configuration::{Configuration, region, world};
use rushhour_dataset::generate::{Form, Manner, Selection, generate};
use rushhour_synth::entries::Key;
use rushhour_synth::parameters::{Parameters, Share};
use rushhour_synth::world::{Study, World};
use tikv_jemallocator::Jemalloc;

/// As in the program.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() {
    divan::main();
}

/// So many people, for so many days.
const USERS: u32 = 100;
const DAYS: u32 = 60;

fn city(android_share: f64) -> (Configuration, World) {
    let mut parameters = Parameters::default();
    parameters.phones.android_share = Share::try_from(android_share).expect("a share");
    let study = Study { seed: 1, first_day: date(2026, 1, 1), days: DAYS };
    let region = region("denver").expect("it is a preset");
    let configuration = Configuration { study, region, osm: None, parameters };
    let world = world(&configuration).expect("no map is read");
    (configuration, world)
}

static ANDROID: LazyLock<(Configuration, World)> = LazyLock::new(|| city(1.0));
static IOS: LazyLock<(Configuration, World)> = LazyLock::new(|| city(0.0));

/// Writes everybody, and tells how many rows that made.
fn write(form: Form, (configuration, world): &(Configuration, World)) -> u64 {
    let dir = tempfile::tempdir().expect("there is room");
    let selection = Selection { users: USERS, users_range: 0..USERS, form, trajectory: false };
    let manner = Manner { threads: 1, force: false, stop: &AtomicBool::new(false) };
    let manifest = generate(configuration, world, &selection, dir.path(), manner, |_| {});
    manifest.expect("there is room").counts.of(Key::Location)
}

fn bench(bencher: Bencher<'_, '_>, form: Form, city: &(Configuration, World)) {
    let rows = write(form, city);
    bencher.counter(ItemsCount::new(rows)).bench_local(|| write(black_box(form), city));
}

const FORMS: [Form; 3] = [Form::None, Form::Parquet, Form::Uploads];

#[divan::bench(args = FORMS, sample_count = 5)]
fn android(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, &ANDROID);
}

#[divan::bench(args = FORMS, sample_count = 5)]
fn ios_50_m(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, &IOS);
}
