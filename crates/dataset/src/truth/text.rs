//! Rows of the ground truth as text.

use rushhour_synth::person::Person;
use rushhour_synth::plane::{Locale, Point};
use rushhour_synth::truth::{Micros, Place, SECOND_US};
use rushhour_synth::world::{Day, World};

use crate::truth::{EventRow, PlaceRow, Row, SectionRow, TripRow, UserRow, VisitRow};

/// The rows of some people, by table.
#[derive(Debug, Default)]
pub(crate) struct Text {
    users: Table,
    places: Table,
    visits: Table,
    trips: Table,
    sections: Table,
    events: Table,
}

/// The rows of a table.
#[derive(Debug)]
struct Table(csv::Writer<Vec<u8>>);

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
    pub(crate) fn into_tables(self) -> [Vec<u8>; 6] {
        let Self { users, places, visits, trips, sections, events } = self;
        [users, places, visits, trips, sections, events].map(Table::into_rows)
    }

    /// Adds a person, whose days are over, with the places they have been to.
    pub(crate) fn add_person(&mut self, world: &World, person: &Person, places: &[Place]) {
        let locale = |place: &Place| -> &Locale {
            world.region.locales.get(usize::from(place.locale)).expect("a place is in a locale of its region")
        };
        let home = world.region.locales.first().expect("a region has a locale");
        let (home_latitude, home_longitude) = degrees(home, person.home.at);
        let user = UserRow {
            user: person.user,
            token: person.token(),
            user_id: person.id.to_string(),
            platform: person.handset.platform,
            profile: person.handset.profile.to_owned(),
            home_latitude,
            home_longitude,
        };
        self.users.push([user]);
        let place = |place: &Place| {
            let (latitude, longitude) = degrees(locale(place), place.at);
            let (id, time_zone) = (place.id, locale(place).zone_name.clone());
            PlaceRow { user: person.user, place: id, latitude, longitude, purpose: place.purpose, time_zone }
        };
        self.places.push(places.iter().map(place));
    }

    /// Adds a day.
    pub(crate) fn add_day(&mut self, user: u32, day: &Day) {
        self.visits.push(day.visits.iter().map(|visit| VisitRow {
            user,
            place: visit.place,
            purpose: visit.purpose,
            arrive_ts: ts(visit.arrive_us),
            depart_ts: ts(visit.depart_us),
        }));
        self.trips.push(day.trips.iter().map(|trip| TripRow {
            user,
            trip: trip.id,
            from_place: trip.from,
            to_place: trip.to,
            depart_ts: ts(trip.depart_us),
            arrive_ts: ts(trip.arrive_us),
            mode: trip.mode,
            purpose: trip.purpose,
            distance_m: metres(trip.distance_m),
            sensed_start_ts: trip.sensed_us.map(|(first_us, _)| ts(first_us)),
            sensed_end_ts: trip.sensed_us.map(|(_, last_us)| ts(last_us)),
            fixes: trip.fixes,
            expected_segmented: trip.expected_segmented,
        }));
        for trip in &day.trips {
            self.sections.push((0..).zip(&trip.sections).map(|(index, section)| SectionRow {
                user,
                trip: trip.id,
                section: index,
                mode: section.mode,
                start_ts: ts(section.start_us),
                end_ts: ts(section.end_us),
                distance_m: metres(section.distance_m),
            }));
        }
        self.events.push(day.events.iter().map(|event| EventRow {
            user,
            fault: event.fault,
            start_ts: ts(event.start_us),
            end_ts: ts(event.end_us),
        }));
    }
}

impl Default for Table {
    fn default() -> Self {
        Self(csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new()))
    }
}

impl Table {
    fn push<R: Row>(&mut self, rows: impl IntoIterator<Item = R>) {
        for row in rows {
            self.0.serialize(row).expect("a row is flat, and memory takes it");
        }
    }

    fn into_rows(self) -> Vec<u8> {
        self.0.into_inner().expect("memory takes it")
    }
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

fn degrees(locale: &Locale, at: Point) -> (f64, f64) {
    let (latitude, longitude) = locale.degrees(at);
    (ten_millionths(latitude), ten_millionths(longitude))
}

#[cfg(test)]
mod tests {
    use rushhour_synth::phone::Platform;
    use rushhour_synth::truth::{Fault, Mode, Purpose};

    use super::*;

    fn check<R: Row>(row: R) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text.lines().next(), Some(R::HEADER));
    }

    #[test]
    fn first_lines_name_the_columns() {
        let (user, place, purpose, mode) = (0, 0, Purpose::Home, Mode::Walk);
        let (latitude, longitude, time_zone) = (0.0, 0.0, String::new());
        let (home_latitude, home_longitude) = (latitude, longitude);
        let (token, user_id, profile) = (String::new(), String::new(), String::new());
        let platform = Platform::Android;
        check(UserRow { user, token, user_id, platform, profile, home_latitude, home_longitude });
        check(PlaceRow { user, place, latitude, longitude, purpose, time_zone });
        check(VisitRow { user, place, purpose, arrive_ts: 0.0, depart_ts: 0.0 });
        check(TripRow {
            user,
            trip: 0,
            from_place: 0,
            to_place: 0,
            depart_ts: 0.0,
            arrive_ts: 0.0,
            mode,
            purpose,
            distance_m: 0.0,
            sensed_start_ts: None,
            sensed_end_ts: None,
            fixes: 0,
            expected_segmented: false,
        });
        check(SectionRow { user, trip: 0, section: 0, mode, start_ts: 0.0, end_ts: 0.0, distance_m: 0.0 });
        check(EventRow { user, fault: Fault::Gap, start_ts: 0.0, end_ts: 0.0 });
    }
}
