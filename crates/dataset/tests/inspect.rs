//! What the files tell of people is what they did.

use std::sync::atomic::AtomicBool;

use rushhour_dataset::configuration::{Configuration, world};
use rushhour_dataset::generate::{Form, Manner, Selection, generate};
use rushhour_dataset::inspect::{Origin, is_as_told};
use rushhour_dataset::manifest::Manifest;
use rushhour_dataset::people::people;
use rushhour_dataset::scene::scenes;
use rushhour_dataset::statistics::Mobility;
use rushhour_dataset::statistics::biography::Biography;
use rushhour_dataset::validate::mobility;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{RegionFile, RegionParameters};
use rushhour_synth::world::Study;

#[test]
fn people_are_the_same_in_their_files() {
    let mut town = RegionFile::from(RegionParameters::default());
    town.radius_m = 3_000.0;
    let study = Study { seed: 1, first_day: jiff::civil::date(2026, 3, 2), days: 10 };
    let (region, parameters) = (town.try_into().unwrap(), Parameters::default());
    let configuration = Configuration { study, region, osm: None, parameters };
    let world = world(&configuration).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let selection = Selection { users: 12, users_range: 0..12, form: Form::None, trajectory: false };
    let manner = Manner { threads: 2, force: false, stop: &AtomicBool::new(false) };
    generate(&configuration, &world, &selection, dir.path(), manner, |_| {}).unwrap();

    let lives: Vec<Biography> = people(dir.path()).unwrap().map(|person| person.unwrap().life).collect();
    let mut told = Mobility::default();
    lives.iter().for_each(|life| told.merge(&Mobility::of(life)));
    let lived = mobility(&world, 0..12, 2, || {});
    assert_eq!(told.daily, lived.daily);
    assert_eq!(told.departures, lived.departures);
    assert_eq!(told.motifs, lived.motifs);
    assert_eq!(told.predictability, lived.predictability);
    assert_eq!(told.exploration, lived.exploration);

    let manifest = Manifest::read(dir.path()).unwrap();
    let again = Origin::of(&manifest).unwrap().world(None).unwrap().unwrap();
    for scene in scenes(&again, 0..12) {
        assert!(is_as_told(&scene, lives.get(scene.person.user as usize).unwrap()));
    }
}
