//! Lives as a whole: nobody is in two places at once, and everybody has a life of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{Region, RegionFile, RegionParameters};
use rushhour_synth::truth::{Mode, Place, Purpose, SECOND_US};
use rushhour_synth::world::{Day, Study, World};

/// A world of `days` days from `first_day` on, in a town that is quickly made.
fn world(first_day: &str, days: u32, change: impl FnOnce(&mut Parameters)) -> World {
    let mut town = RegionFile::from(RegionParameters::default());
    town.radius_m = 6_000.0;
    let region = Region::synthetic(&town.try_into().unwrap(), 1);
    let mut parameters = Parameters::default();
    change(&mut parameters);
    World { region, parameters, study: Study { seed: 1, first_day: first_day.parse().unwrap(), days } }
}

/// The days of person `user`, and the places they went to.
fn live(world: &World, user: u32) -> (Vec<Day>, Vec<Place>) {
    let mut life = world.life(user);
    let days = life.by_ref().collect();
    (days, life.places().to_vec())
}

#[test]
fn a_life_is_one_visit_and_one_trip_after_another() {
    // Two weeks with a day of 23 hours in them.
    let world = world("2026-03-01", 14, |_| {});
    for user in 0..40 {
        let (days, places) = live(&world, user);
        assert_eq!(days.len(), 14);
        let visits: Vec<_> = days.iter().flat_map(|day| &day.visits).collect();
        let trips: Vec<_> = days.iter().flat_map(|day| &day.trips).collect();
        assert_eq!(visits.len(), trips.len() + 1);
        for ((visit, trip), next) in visits.iter().zip(&trips).zip(visits.iter().skip(1)) {
            assert!(visit.arrive_us < visit.depart_us);
            assert_eq!((visit.place, visit.depart_us), (trip.from, trip.depart_us));
            assert_eq!((next.place, next.arrive_us), (trip.to, trip.arrive_us));
            assert!(trip.from != trip.to && trip.distance_m > 0.0, "{trip:?}");
        }
        assert!(places.iter().enumerate().all(|(i, place)| place.id as usize == i));
        assert!(visits.iter().all(|visit| places[visit.place as usize].purpose == visit.purpose));
        let length_us = visits.last().unwrap().depart_us - visits[0].arrive_us;
        assert!(length_us >= (14 * 24 - 1) * 3_600 * SECOND_US, "until midnight at least");
    }
}

#[test]
fn a_track_is_where_its_trip_is() {
    let world = world("2026-05-04", 14, |_| {});
    for user in 0..20 {
        let (days, places) = live(&world, user);
        for (trip, track) in days.iter().flat_map(|day| day.trips.iter().zip(&day.tracks)) {
            assert_eq!((track.trip, track.start_us(), track.end_us()), (trip.id, trip.depart_us, trip.arrive_us));
            let [from, to] = [trip.from, trip.to].map(|id| places[id as usize].at);
            let mut cursor = track.cursor();
            assert_eq!(cursor.at(trip.depart_us).at, from);
            assert!(cursor.at(trip.arrive_us).at.distance_m(to) < 0.1, "{trip:?}");
            assert!(trip.sections.windows(2).all(|pair| pair[0].end_us == pair[1].start_us));
            assert!(track.pieces.windows(2).all(|pair| pair[0].end_us == pair[1].start_us));
            if trip.mode != Mode::Air {
                assert!(track.pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
                assert!(trip.distance_m + 1.0 >= from.distance_m(to), "{trip:?}");
            }
        }
    }
}

#[test]
fn somebody_lives_the_same_life_whoever_lives_before() {
    let world = world("2026-05-04", 7, |_| {});
    let alone = live(&world, 7);
    let mut travel = world.travel();
    for user in 0..9 {
        let mut course = world.course(user);
        let days: Vec<Day> = std::iter::from_fn(|| course.next_day(&world, &mut travel)).collect();
        assert_eq!(user == 7, days == alone.0, "person {user}");
    }
}

#[test]
fn people_who_fly_are_home_again_after_some_nights() {
    let world = world("2026-05-04", 28, |parameters| {
        parameters.week.away_per_week = 1.0.try_into().unwrap();
    });
    let (days, places) = live(&world, 3);
    let flights: Vec<_> = days.iter().flat_map(|day| &day.trips).filter(|trip| trip.mode == Mode::Air).collect();
    assert!(flights.len() >= 2, "{}", flights.len());
    for (i, flight) in flights.iter().enumerate() {
        let [from, to] = [flight.from, flight.to].map(|id| places[id as usize]);
        assert_eq!((from.purpose, to.purpose), (Purpose::Airport, Purpose::Airport));
        assert_eq!((from.locale == 0, to.locale == 0), (i % 2 == 0, i % 2 == 1), "out and back in turn");
        assert!(!flight.expected_segmented);
    }
    let nights = days.iter().flat_map(|day| &day.visits).filter(|visit| visit.purpose == Purpose::Lodging);
    assert!(nights.count() > 0);
}

#[test]
fn people_go_to_work_in_the_morning_whatever_the_clocks_do() {
    for first_day in ["2026-03-02", "2026-06-01", "2026-10-26"] {
        let world = world(first_day, 14, |_| {});
        let mut leaves_h = Vec::new();
        for user in 0..60 {
            let (days, places) = live(&world, user);
            for trip in days.iter().flat_map(|day| &day.trips) {
                let [from, to] = [trip.from, trip.to].map(|id| places[id as usize].purpose);
                if (from, to) == (Purpose::Home, Purpose::Work) {
                    let at = jiff::Timestamp::from_microsecond(trip.depart_us).unwrap();
                    leaves_h.push(at.to_zoned(world.region.locales[0].zone.clone()).hour());
                }
            }
        }
        leaves_h.sort_unstable();
        assert_eq!(leaves_h[leaves_h.len() / 2], 7, "{first_day}");
    }
}
