//! When people set out: row 4.

use rushhour_synth::week::DayType;

use crate::statistics::biography::Biography;
use crate::statistics::row::{Row, Target};

/// Trips by hour of departure, on weekdays, Saturdays and Sundays by the calendar; the clock is that of the place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Departures {
    by_hour: [[u64; 24]; 3],
}

/// Weekday, Saturday and Sunday.
pub const DAY_TYPES: [DayType; 3] = [DayType::Weekday, DayType::Saturday, DayType::Sunday];

/// Parts of all departures in each hour of the day. Smoothed by hand from the hourly profiles that national surveys
/// publish (mobility.md 2b): half-hourly departures of cars without commuting (MiD, by weekday, Saturday and Sunday),
/// to which commuting is added on weekdays, out about 7:45 and back 8.6 hours later. A choice, not one survey's table;
/// they need not sum to 1.
const REFERENCES: [[f64; 24]; 3] = [
    [
        0.006, 0.004, 0.003, 0.004, 0.010, 0.025, 0.044, 0.073, 0.064, 0.051, 0.050, 0.056, 0.064, 0.058, 0.061, 0.076,
        0.078, 0.083, 0.065, 0.046, 0.034, 0.024, 0.014, 0.007,
    ],
    [
        0.010, 0.007, 0.005, 0.004, 0.005, 0.011, 0.021, 0.035, 0.050, 0.065, 0.076, 0.082, 0.084, 0.079, 0.076, 0.073,
        0.070, 0.068, 0.060, 0.045, 0.033, 0.023, 0.012, 0.006,
    ],
    [
        0.010, 0.007, 0.005, 0.004, 0.004, 0.007, 0.014, 0.025, 0.043, 0.066, 0.080, 0.090, 0.092, 0.087, 0.086, 0.083,
        0.077, 0.068, 0.057, 0.040, 0.027, 0.016, 0.008, 0.004,
    ],
];

/// The share of departures in each hour of a type of day, as surveys have it.
pub fn reference(day_type: DayType) -> [f64; 24] {
    let parts = REFERENCES.get(day_type as usize).expect("a table for each type of day");
    let sum: f64 = parts.iter().sum();
    parts.map(|part| part / sum)
}

impl Departures {
    /// Counts the trips of a person.
    pub fn add(&mut self, life: &Biography) {
        for at in life.trips.iter().filter_map(|trip| life.departure(trip)) {
            let hours = self.by_hour.get_mut(at.day_type() as usize);
            if let Some(count) = hours.and_then(|hours| hours.get_mut(at.hour())) {
                *count += 1;
            }
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        let counts = self.by_hour.as_flattened_mut().iter_mut().zip(other.by_hour.as_flattened());
        counts.for_each(|(count, other)| *count += other);
    }

    /// The share of departures in each hour of a type of day; none without a departure.
    pub fn shares(&self, day_type: DayType) -> Option<[f64; 24]> {
        let counts = self.by_hour.get(day_type as usize).expect("a table for each type of day");
        let total: u64 = counts.iter().sum();
        (total > 0).then(|| counts.map(|count| count as f64 / total as f64))
    }

    /// The distances from the references.
    pub fn rows(&self) -> Vec<Row> {
        let row = |day_type: DayType| {
            let target = Target::Follows { reference: "hourly table".to_owned(), distance_max: 0.05 };
            let value = self.shares(day_type).map(|shares| distance(&shares, &reference(day_type)));
            Row::new(4, format!("departures on {}", name(day_type)), target, value)
        };
        DAY_TYPES.map(row).to_vec()
    }
}

/// The plural, for tables and pages.
pub fn name(day_type: DayType) -> &'static str {
    match day_type {
        DayType::Weekday => "weekdays",
        DayType::Saturday => "Saturdays",
        DayType::Sunday => "Sundays",
    }
}

/// The largest difference of two distributions over the hours (Kolmogorov-Smirnov).
fn distance(shares: &[f64; 24], reference: &[f64; 24]) -> f64 {
    let mut difference = 0.0_f64;
    let differences = shares.iter().zip(reference).map(|(share, reference)| {
        difference += share - reference;
        difference.abs()
    });
    differences.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use rushhour_synth::truth::Purpose;

    use super::*;
    use crate::statistics::biography::tests::biography;

    #[test]
    fn departures_are_counted_by_day_and_hour() {
        // Monday at 8, Saturday at 23, Sunday at 0.
        let moves = [(8.5, 1), (9.5, 0), (5.0 * 24.0 + 23.0, 1), (6.0 * 24.0 + 0.9, 0)];
        let mut departures = Departures::default();
        departures.add(&biography(&[Purpose::Home, Purpose::Shop], 7, &moves));
        let hours = |day_type| departures.shares(day_type).unwrap();
        assert_eq!((hours(DayType::Weekday)[8], hours(DayType::Weekday)[9]), (0.5, 0.5));
        assert_eq!((hours(DayType::Saturday)[23], hours(DayType::Sunday)[0]), (1.0, 1.0));
    }

    #[test]
    fn a_profile_that_is_an_hour_late_is_as_far_off_as_its_busiest_hour() {
        let mut late = reference(DayType::Weekday);
        assert_eq!(distance(&late, &reference(DayType::Weekday)), 0.0);
        late.rotate_right(1);
        let busiest = reference(DayType::Weekday).into_iter().fold(0.0, f64::max);
        assert!((distance(&late, &reference(DayType::Weekday)) - busiest).abs() < 0.01);
    }
}
