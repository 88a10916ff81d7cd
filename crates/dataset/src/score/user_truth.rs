//! The truth about one person, as far as a pipeline could find it.

use jiff::ToSpan;
use rushhour_pipeline::position::Position;
use rushhour_synth::phone::Platform;
use rushhour_synth::plane::Locale;
use rushhour_synth::truth::{self, Fault, Micros, Mode, Place};
use rushhour_synth::world::World;

use super::found::Spot;
use crate::truth::{EventRow, PlaceRow, SectionRow, TripRow, UserRow};

/// The truth about one person.
#[derive(Clone, Debug, PartialEq)]
pub struct UserTruth {
    /// Which person, counted from 0.
    pub user: u32,
    /// What the server calls them.
    pub user_id: String,
    /// What they carry.
    pub platform: Platform,
    /// Their trips, in order of time.
    pub trips: Vec<TrueTrip>,
    /// What went wrong with the phone, with when it began and when it was over, in seconds since 1970.
    pub events: Vec<(Fault, f64, f64)>,
}

/// A trip that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueTrip {
    /// Which of the person's.
    pub trip: u32,
    /// The place it starts from, and when it was left.
    pub start: Spot,
    /// The place it ends at, and when it was reached.
    pub end: Spot,
    /// Along its path.
    pub distance_m: f64,
    /// The mode of its longest section.
    pub mode: Mode,
    /// Its parts, in order.
    pub sections: Vec<TrueSection>,
    /// Whether a pipeline is meant to find it as one trip.
    pub is_meant: bool,
}

/// A part of a trip in one mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueSection {
    /// How.
    pub mode: Mode,
    /// In seconds since 1970.
    pub start_ts: f64,
    /// In seconds since 1970.
    pub end_ts: f64,
}

impl UserTruth {
    /// The truth as it was generated. `places` are the person's, in the order of their ids.
    pub fn of(
        person: &rushhour_synth::person::Person,
        locales: &[Locale],
        places: &[Place],
        trips: &[truth::Trip],
        events: &[truth::Event],
    ) -> Self {
        let at = |id: u32| {
            let place = places.get(id as usize).expect("a trip is between the person's places");
            let locale = locales.get(usize::from(place.locale)).expect("a place is in a locale");
            let (latitude, longitude) = locale.degrees(place.at);
            Position { longitude, latitude }
        };
        let trips = trips.iter().map(|trip| TrueTrip {
            trip: trip.id,
            start: Spot { ts: seconds(trip.depart_us), at: at(trip.from) },
            end: Spot { ts: seconds(trip.arrive_us), at: at(trip.to) },
            distance_m: trip.distance_m,
            mode: trip.mode,
            sections: trip.sections.iter().map(TrueSection::of).collect(),
            is_meant: trip.expected_segmented,
        });
        let events = events.iter().map(|event| (event.fault, seconds(event.start_us), seconds(event.end_us)));
        Self {
            user: person.user,
            user_id: person.id.to_string(),
            platform: person.handset.platform,
            trips: trips.collect(),
            events: events.collect(),
        }
    }

    /// The truth about the first `days` days of a person. What was under way in their last day may not be uploaded yet, so
    /// nobody is meant to find it.
    pub fn of_days(world: &World, user: u32, days: u32) -> Self {
        let mut life = world.life(user);
        let (mut trips, mut events) = (Vec::new(), Vec::new());
        for day in life.by_ref().take(days as usize) {
            trips.extend(day.trips);
            events.extend(day.events);
        }
        let mut truth = Self::of(life.person(), &world.region.locales, life.places(), &trips, &events);
        let last_day = i64::from(days.saturating_sub(1));
        let date = world.study.first_day.checked_add(last_day.days()).expect("the days were lived");
        let until = seconds(world.midnight_us(date));
        truth.trips.iter_mut().for_each(|trip| trip.is_meant &= trip.end.ts < until);
        truth
    }

    /// The truth as it stands in files: all rows are the person's. A trip between places that are not there is named.
    pub(super) fn from_rows(
        user: UserRow,
        places: &[PlaceRow],
        trips: &[TripRow],
        sections: &[SectionRow],
        events: &[EventRow],
    ) -> Result<Self, u32> {
        let at = |id: u32, ts: f64| {
            let place = places.iter().find(|place| place.place == id)?;
            Some(Spot { ts, at: Position { longitude: place.longitude, latitude: place.latitude } })
        };
        let trip = |row: &TripRow| {
            let (start, end) = (at(row.from_place, row.depart_ts), at(row.to_place, row.arrive_ts));
            let parts = sections.iter().filter(|section| section.trip == row.trip);
            let parts = parts.map(|row| TrueSection { mode: row.mode, start_ts: row.start_ts, end_ts: row.end_ts });
            Ok(TrueTrip {
                trip: row.trip,
                start: start.ok_or(row.trip)?,
                end: end.ok_or(row.trip)?,
                distance_m: row.distance_m,
                mode: row.mode,
                sections: parts.collect(),
                is_meant: row.expected_segmented,
            })
        };
        Ok(Self {
            user: user.user,
            user_id: user.user_id,
            platform: user.platform,
            trips: trips.iter().map(trip).collect::<Result<_, u32>>()?,
            events: events.iter().map(|row| (row.fault, row.start_ts, row.end_ts)).collect(),
        })
    }

    /// What went wrong between two times, each fault once.
    pub(super) fn faults_within(&self, start_ts: f64, end_ts: f64) -> Vec<Fault> {
        let during = |(_, from, to): &&(Fault, f64, f64)| *from <= end_ts && *to >= start_ts;
        let mut faults: Vec<Fault> = self.events.iter().filter(during).map(|(fault, ..)| *fault).collect();
        faults.sort_unstable();
        faults.dedup();
        faults
    }
}

impl TrueSection {
    fn of(section: &truth::Section) -> Self {
        Self { mode: section.mode, start_ts: seconds(section.start_us), end_ts: seconds(section.end_us) }
    }
}

fn seconds(us: Micros) -> f64 {
    us as f64 / truth::SECOND_US as f64
}
