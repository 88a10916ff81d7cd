//! However a person's entries are portioned into uploads, and in whatever order these arrive, the diary ends the same.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod diary;
mod made;

use diary::Diary;
use made::{Phone, made};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rushhour_model::entry::Entry;

fn at_once(entries: &[Entry]) -> Diary {
    let mut diary = Diary::default();
    diary.take_in(entries.to_vec());
    diary
}

/// Cuts `entries` into uploads of at most `entries_max`.
fn uploads(entries: &[Entry], entries_max: usize, rng: &mut StdRng) -> Vec<Vec<Entry>> {
    let mut rest = entries;
    let mut uploads = Vec::new();
    while !rest.is_empty() {
        let (upload, behind) = rest.split_at(rng.random_range(1..=entries_max.min(rest.len())));
        uploads.push(upload.to_vec());
        rest = behind;
    }
    uploads
}

/// Takes the uploads in one by one.
fn one_by_one(uploads: Vec<Vec<Entry>>) -> Diary {
    let mut diary = Diary::default();
    for upload in uploads {
        diary.take_in(upload);
    }
    diary
}

fn check(phone: Phone, seed: u64, is_shuffled: bool) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut entries = made(phone, 2, &mut rng);
    if is_shuffled {
        entries.shuffle(&mut rng);
    }
    let whole = at_once(&entries);
    let entries_max = *[20, 200, 2000].get(rng.random_range(0..3_usize)).unwrap();
    let mut uploads = uploads(&entries, entries_max, &mut rng);
    let twice = uploads.get(uploads.len() / 2).cloned().unwrap_or_default();
    uploads.push(twice);
    let portioned = one_by_one(uploads);
    assert_eq!(whole.chapters, portioned.chapters);
    // Each chapter is found again by itself, and any that follow each other together.
    let (first, second) = (0..whole.chapters.len() / 2, whole.chapters.len() / 2..whole.chapters.len());
    let each = (0..whole.chapters.len()).map(|number| number..number + 1);
    for range in each.chain([first, second, 0..whole.chapters.len()]) {
        assert_eq!(whole.rebuilt(range.clone()), whole.chapters.get(range).unwrap());
    }
}

#[test]
fn fixes_before_a_chapter_tell_how_its_first_trip_left() {
    // Found by the tests below: which of two sections is led to the other depends on fixes of the stay before the trip.
    check(Phone::Ios, 3_447_217_967_743_372_274, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn portions_in_order_end_in_the_same_diary(seed: u64, phone in made::phones()) {
        check(phone, seed, false);
    }

    #[test]
    fn portions_in_any_order_end_in_the_same_diary(seed: u64, phone in made::phones()) {
        check(phone, seed, true);
    }
}

#[test]
fn the_made_days_have_something_to_find() {
    let mut rng = StdRng::seed_from_u64(1);
    for phone in [Phone::Android, Phone::Ios, Phone::Both] {
        let diary = at_once(&made(phone, 7, &mut rng));
        let legs = || diary.chapters.iter().flat_map(|chapter| &chapter.legs);
        let kept = legs().filter(|leg| leg.cleaned.is_some()).count();
        assert!(kept > 10, "{phone:?}: {kept} kept");
        assert!(legs().any(|leg| !leg.is_tracked), "{phone:?}: nothing is untracked");
        assert!(legs().any(|leg| leg.cleaned.is_none()), "{phone:?}: nothing is swallowed");
        assert!(diary.chapters.len() > 5, "{phone:?}: {} chapters", diary.chapters.len());
        let inputs: usize = diary.chapters.iter().map(|chapter| chapter.inputs.len()).sum();
        assert!(inputs > 5, "{phone:?}: {inputs} inputs");
    }
}

#[test]
fn a_late_entry_rewrites_only_what_it_can_change() {
    let mut rng = StdRng::seed_from_u64(2);
    let entries = made(Phone::Android, 7, &mut rng);
    let mut diary = at_once(&entries);
    let chapters = diary.chapters.len();
    diary.take_in(vec![entries.last().unwrap().clone()]);
    assert!(diary.rewritten <= 1, "{} of {chapters} chapters", diary.rewritten);
    diary.take_in(vec![entries.first().unwrap().clone()]);
    assert_eq!(diary.rewritten, chapters);
}

#[test]
fn taking_in_twice_changes_nothing() {
    let mut rng = StdRng::seed_from_u64(3);
    let entries = made(Phone::Both, 3, &mut rng);
    let mut diary = at_once(&entries);
    let chapters = diary.chapters.clone();
    diary.take_in(entries);
    diary.take_in(Vec::new());
    assert_eq!(diary.chapters, chapters);
}

#[test]
fn real_days_in_portions_end_in_the_same_diary() {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(folder) = std::env::var_os("RUSHHOUR_DAYS") else { return };
    let mut rng = StdRng::seed_from_u64(4);
    let mut days = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if !path.to_str().unwrap().ends_with(".raw.json.gz") {
            continue;
        }
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut entries: Vec<Entry> = serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap();
        let whole = at_once(&entries);
        for entries_max in [50, 300] {
            assert_eq!(one_by_one(uploads(&entries, entries_max, &mut rng)).chapters, whole.chapters, "{path:?}");
        }
        // Of two entries with one identity the last to arrive counts, so only what is unique may be shuffled.
        let mut seen = std::collections::HashSet::new();
        entries.retain(|entry| seen.insert((entry.metadata.key.clone(), entry.metadata.write_s().to_bits())));
        let whole = at_once(&entries);
        entries.shuffle(&mut rng);
        assert_eq!(one_by_one(uploads(&entries, 100, &mut rng)).chapters, whole.chapters, "{path:?}");
        days += 1;
    }
    assert!(days > 0, "no days in the folder");
}
