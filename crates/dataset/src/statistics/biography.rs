//! What is known of one person's life: what every statistic of movement is made from, wherever it was read.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rushhour_synth::life::Life;
use rushhour_synth::plane::Locale;
use rushhour_synth::truth::{Micros, Mode, Purpose, SECOND_US, Visit};
use rushhour_synth::week::DayType;
use rushhour_synth::world::Day;

/// The life of one person during a study.
#[derive(Clone, Debug, Default)]
pub struct Biography {
    /// The places they know, by id; the first one is home.
    pub places: Vec<Haunt>,
    /// Their visits, in order, without a gap but for the trips.
    pub visits: Vec<Visit>,
    /// Their trips, in order.
    pub trips: Vec<Outing>,
}

/// A place that somebody knows.
#[derive(Clone, Debug)]
pub struct Haunt {
    /// What they go there for.
    pub purpose: Purpose,
    /// The clock there.
    pub zone: TimeZone,
}

/// A trip, as far as statistics care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outing {
    /// The id of the place it starts at.
    pub from: u32,
    /// The id of the place it ends at.
    pub to: u32,
    /// When it began.
    pub depart_us: Micros,
    /// How.
    pub mode: Mode,
    /// Along its path.
    pub distance_m: f64,
}

/// A moment on a clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallTime {
    /// Seconds since 1970 as if that clock had never been changed.
    seconds: i64,
}

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// Travel surveys begin a day at four in the morning (NHTS), so that the way home at night belongs to the evening.
const DAY_BEGINS_S: i64 = 4 * HOUR_S;

impl WallTime {
    /// What a clock in `zone` shows at an instant.
    pub fn new(zone: &TimeZone, at_us: Micros) -> Self {
        let offset_s = Timestamp::from_microsecond(at_us).map_or(0, |at| zone.to_offset(at).seconds());
        Self { seconds: at_us.div_euclid(SECOND_US) + i64::from(offset_s) }
    }

    /// The hour of the day.
    pub fn hour(&self) -> usize {
        usize::try_from(self.seconds.rem_euclid(DAY_S) / HOUR_S).expect("an hour of a day")
    }

    /// Weekday, Saturday or Sunday by the calendar.
    pub fn day_type(&self) -> DayType {
        // The first day of 1970 was a Thursday.
        match (self.seconds.div_euclid(DAY_S) + 3).rem_euclid(7) {
            5 => DayType::Saturday,
            6 => DayType::Sunday,
            _ => DayType::Weekday,
        }
    }

    /// The travel day, counted from 1970.
    pub fn travel_day(&self) -> i64 {
        (self.seconds - DAY_BEGINS_S).div_euclid(DAY_S)
    }

    /// The date's number, counted from 1970.
    fn date(&self) -> i64 {
        self.seconds.div_euclid(DAY_S)
    }
}

impl Biography {
    /// The study's span: the first and the last instant.
    pub fn span_us(&self) -> Option<(Micros, Micros)> {
        Some((self.visits.first()?.arrive_us, self.visits.last()?.depart_us))
    }

    /// The study's travel days: the number of the first one, and how many there are. Days of 23 or 25 hours, and an end in
    /// another time zone, make no difference.
    pub fn days(&self) -> Option<(i64, usize)> {
        let zone = &self.places.first()?.zone;
        let (start_us, end_us) = self.span_us()?;
        let half_us = DAY_S * SECOND_US / 2;
        let count = (end_us - start_us + half_us) / (2 * half_us);
        Some((WallTime::new(zone, start_us).date(), usize::try_from(count).ok()?))
    }

    /// What a place is for.
    pub fn purpose(&self, place: u32) -> Option<Purpose> {
        self.places.get(place as usize).map(|haunt| haunt.purpose)
    }

    /// What the clock showed where a trip began.
    pub fn departure(&self, trip: &Outing) -> Option<WallTime> {
        self.places.get(trip.from as usize).map(|haunt| WallTime::new(&haunt.zone, trip.depart_us))
    }

    /// The trips of each travel day of the study, those of the first hours before the first one left out.
    pub fn trips_by_day(&self) -> Vec<Vec<Outing>> {
        let Some((first, count)) = self.days() else { return Vec::new() };
        let mut days = vec![Vec::new(); count];
        for trip in &self.trips {
            let day = self.departure(trip).and_then(|at| usize::try_from(at.travel_day() - first).ok());
            if let Some(day) = day.and_then(|day| days.get_mut(day)) {
                day.push(*trip);
            }
        }
        days
    }

    /// Adds what happened on a day.
    pub fn live(&mut self, day: &Day) {
        self.visits.extend_from_slice(&day.visits);
        self.trips.extend(day.trips.iter().map(|trip| Outing {
            from: trip.from,
            to: trip.to,
            depart_us: trip.depart_us,
            mode: trip.mode,
            distance_m: trip.distance_m,
        }));
    }

    /// Adds the places of a life that has been lived.
    pub fn remember(&mut self, life: &Life<'_>, locales: &[Locale]) {
        self.places = life
            .places()
            .iter()
            .filter_map(|place| {
                let locale = locales.get(usize::from(place.locale))?;
                Some(Haunt { purpose: place.purpose, zone: locale.zone.clone() })
            })
            .collect();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const HOUR_US: Micros = HOUR_S * SECOND_US;

    /// A life in UTC from Monday, 5 January 1970 on: where somebody goes at which hour, by car; each trip takes a
    /// quarter of an hour. Place 0 is home.
    pub(crate) fn biography(purposes: &[Purpose], days: i64, moves: &[(f64, u32)]) -> Biography {
        let monday_us = 4 * 24 * HOUR_US;
        let mut life = Biography {
            places: purposes.iter().map(|&purpose| Haunt { purpose, zone: TimeZone::UTC }).collect(),
            ..Biography::default()
        };
        let (mut here, mut arrive_us) = (0, monday_us);
        let visit = |here: u32, arrive_us, depart_us| Visit {
            place: here,
            purpose: purposes[here as usize],
            arrive_us,
            depart_us,
        };
        for &(hour, to) in moves {
            #[expect(clippy::cast_possible_truncation, reason = "an hour of a few weeks")]
            let depart_us = monday_us + (hour * HOUR_US as f64) as Micros;
            life.visits.push(visit(here, arrive_us, depart_us));
            life.trips.push(Outing { from: here, to, depart_us, mode: Mode::Car, distance_m: 5_000.0 });
            (here, arrive_us) = (to, depart_us + HOUR_US / 4);
        }
        life.visits.push(visit(here, arrive_us, monday_us + days * 24 * HOUR_US));
        life
    }

    #[test]
    fn the_way_home_after_midnight_belongs_to_the_evening() {
        let life = biography(&[Purpose::Home, Purpose::Social], 2, &[(20.0, 1), (25.5, 0), (32.0, 1), (33.0, 0)]);
        let days = life.trips_by_day();
        assert_eq!(days.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(life.departure(&life.trips[1]).unwrap().hour(), 1);
    }

    #[test]
    fn the_calendar_is_that_of_the_place() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        // Friday, 16:30 in Greenwich is Saturday, half past one in Tokyo.
        let friday: Timestamp = "2026-01-02T16:30:00Z".parse().unwrap();
        let at = WallTime::new(&zone, friday.as_microsecond());
        assert_eq!((at.day_type(), at.hour()), (DayType::Saturday, 1));
        assert_eq!(at.travel_day(), at.date() - 1, "before four it is still Friday evening");
    }
}
