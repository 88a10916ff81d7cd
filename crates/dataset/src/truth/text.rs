//! Rows of the ground truth as text.

use rushhour_synth::entries::{push_fixed, push_seconds, push_whole};
use rushhour_synth::person::Person;
use rushhour_synth::plane::Locale;
use rushhour_synth::truth::{Micros, Place, SECOND_US};
use rushhour_synth::world::{Day, World};

use self::Cell::{Degrees, Empty, Metres, Time, Whole, Word};
use crate::truth::{EventRow, PlaceRow, Row, SectionRow, TripRow, UserRow, VisitRow};

/// The rows of some people, by table.
#[derive(Debug, Default)]
pub(crate) struct Text {
    users: Vec<u8>,
    places: Vec<u8>,
    visits: Vec<u8>,
    trips: Vec<u8>,
    sections: Vec<u8>,
    events: Vec<u8>,
}

/// What stands in a column. No word has a comma or a quotation mark.
#[derive(Clone, Copy, Debug)]
enum Cell<'a> {
    Whole(u32),
    Word(&'a str),
    Time(Micros),
    Empty,
    Metres(f64),
    Degrees(f64),
}

/// Every table with its first line.
pub(crate) const TABLES: [(&str, &str); 6] = [
    (UserRow::TABLE, UserRow::HEADER),
    (PlaceRow::TABLE, PlaceRow::HEADER),
    (VisitRow::TABLE, VisitRow::HEADER),
    (TripRow::TABLE, TripRow::HEADER),
    (SectionRow::TABLE, SectionRow::HEADER),
    (EventRow::TABLE, EventRow::HEADER),
];

impl Text {
    /// The tables, in the order of [`TABLES`].
    pub(crate) fn tables(&self) -> [&[u8]; 6] {
        [&self.users, &self.places, &self.visits, &self.trips, &self.sections, &self.events]
    }

    /// Adds a person, whose days are over, with the places they have been to.
    pub(crate) fn add_person(&mut self, world: &World, person: &Person, places: &[Place]) {
        let locale = |place: &Place| -> &Locale {
            world.region.locales.get(usize::from(place.locale)).expect("a place is in a locale of its region")
        };
        let home = world.region.locales.first().expect("a region has a locale");
        let (latitude, longitude) = home.degrees(person.home.at);
        let (user, handset) = (Whole(person.user), person.handset);
        let (token, id) = (person.token(), person.id.to_string());
        let (token, id, platform) = (Word(&token), Word(&id), Word(handset.platform.name()));
        let profile = Word(handset.profile);
        push(&mut self.users, &[user, token, id, platform, profile, Degrees(latitude), Degrees(longitude)]);
        for place in places {
            let Locale { zone_name, .. } = locale(place);
            let (latitude, longitude) = locale(place).degrees(place.at);
            let (latitude, longitude) = (Degrees(latitude), Degrees(longitude));
            let purpose = Word(place.purpose.name());
            push(&mut self.places, &[user, Whole(place.id), latitude, longitude, purpose, Word(zone_name)]);
        }
    }

    /// Adds a day.
    pub(crate) fn add_day(&mut self, user: u32, day: &Day) {
        let user = Whole(user);
        for visit in &day.visits {
            let (place, purpose) = (Whole(visit.place), Word(visit.purpose.name()));
            push(&mut self.visits, &[user, place, purpose, Time(visit.arrive_us), Time(visit.depart_us)]);
        }
        for trip in &day.trips {
            let (first, last) = trip.sensed_us.map_or((Empty, Empty), |(first, last)| (Time(first), Time(last)));
            let is_expected = Word(if trip.expected_segmented { "true" } else { "false" });
            let row = [
                user,
                Whole(trip.id),
                Whole(trip.from),
                Whole(trip.to),
                Time(trip.depart_us),
                Time(trip.arrive_us),
                Word(trip.mode.name()),
                Word(trip.purpose.name()),
                Metres(trip.distance_m),
                first,
                last,
                Whole(trip.fixes),
                is_expected,
            ];
            push(&mut self.trips, &row);
            for (number, section) in (0..).zip(&trip.sections) {
                let (trip, mode, distance) = (Whole(trip.id), Word(section.mode.name()), Metres(section.distance_m));
                let (start, end) = (Time(section.start_us), Time(section.end_us));
                push(&mut self.sections, &[user, trip, Whole(number), mode, start, end, distance]);
            }
        }
        for event in &day.events {
            let (start, end) = (Time(event.start_us), Time(event.end_us));
            push(&mut self.events, &[user, Word(event.fault.name()), start, end]);
        }
    }
}

/// Adds a row: half a study's truth is numbers, so they are written as quickly as those of entries.
fn push(table: &mut Vec<u8>, row: &[Cell<'_>]) {
    for cell in row {
        match *cell {
            Whole(number) => push_whole(table, number.into()),
            Word(word) => table.extend_from_slice(word.as_bytes()),
            Time(at_us) => push_seconds(table, at_us),
            Empty => {}
            Metres(length_m) => push_fixed::<2>(table, multiples(length_m, 100.0)),
            Degrees(degrees) => push_fixed::<7>(table, multiples(degrees, 1e7)),
        }
        table.push(b',');
    }
    table.pop();
    table.push(b'\n');
}

#[expect(clippy::cast_possible_truncation, reason = "lengths on earth, and degrees")]
fn multiples(number: f64, per_unit: f64) -> i64 {
    (number * per_unit).round() as i64
}

/// A time in seconds since 1970.
pub fn ts(at_us: Micros) -> f64 {
    at_us as f64 / SECOND_US as f64
}

/// A length to the centimetre.
pub fn metres(length_m: f64) -> f64 {
    (length_m * 100.0).round() / 100.0
}

/// A position to 1e-7 degrees, which is a centimetre.
pub fn ten_millionths(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_a_reader_of_csv_expects() {
        let mut table = Vec::new();
        let row = [Whole(7), Word("walk"), Time(1_767_252_401_500_000), Empty, Metres(12.345), Degrees(-104.990_3)];
        push(&mut table, &row);
        assert_eq!(String::from_utf8(table).unwrap(), "7,walk,1767252401.5,,12.35,-104.9903\n");
    }
}
