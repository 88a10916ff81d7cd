//! A battery: it runs down by day, faster on the way, and is charged at night and when it is almost empty.

use crate::sensed::Battery;
use crate::truth::{LocaleIndex, Micros};

/// The state of a battery at the last reading.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    level_pct: f64,
    is_charging: bool,
    read_us: Micros,
}

/// Per hour; choices that let a day last a charge: about 4 % at rest, three times that on the way, 45 % charging.
const REST_PCT_H: f64 = 4.0;
const TRACKING_PCT_H: f64 = 12.0;
const CHARGING_PCT_H: f64 = 45.0;
/// Below this one looks for a charger.
const LOW_PCT: f64 = 15.0;

impl Cell {
    pub(super) fn new(start_us: Micros) -> Self {
        Self { level_pct: 90.0, is_charging: true, read_us: start_us }
    }

    /// A reading. `hour` is what the clock shows.
    pub(super) fn read(&mut self, at_us: Micros, is_tracking: bool, hour: f64, locale: LocaleIndex) -> Battery {
        let hours = (at_us - self.read_us).max(0) as f64 / 3.6e9;
        let change_pct_h = match (self.is_charging, is_tracking) {
            (true, _) => CHARGING_PCT_H,
            (false, true) => -TRACKING_PCT_H,
            (false, false) => -REST_PCT_H,
        };
        self.level_pct = (self.level_pct + hours * change_pct_h).clamp(1.0, 100.0);
        self.read_us = self.read_us.max(at_us);
        let is_night = !(7.0..23.0).contains(&hour);
        self.is_charging = !is_tracking && (is_night || self.level_pct < LOW_PCT)
            || self.is_charging && !is_tracking && self.level_pct < 80.0;
        #[expect(clippy::cast_possible_truncation, reason = "a share in percent")]
        let level_pct = self.level_pct.round() as f32;
        let temperature = 250 + if self.is_charging { 60 } else { 0 } + if is_tracking { 40 } else { 0 };
        Battery { write_us: at_us, level_pct, is_charging: self.is_charging, temperature, locale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_runs_down_by_day_and_is_charged_at_night() {
        let mut cell = Cell::new(0);
        let levels: Vec<f32> = (0..24)
            .map(|hour| cell.read(hour * 3_600_000_000, (8..10).contains(&hour), hour as f64, 0).level_pct)
            .collect();
        assert_eq!(levels[6], 100.0);
        assert!(levels[22] < 60.0 && levels.windows(2).skip(8).take(12).all(|pair| pair[1] < pair[0]), "{levels:?}");
    }
}
