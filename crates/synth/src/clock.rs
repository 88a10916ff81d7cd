//! The civil clock of a day in a locale: days have 23 or 25 hours twice a year.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::plane::Locale;
use crate::truth::{Micros, SECOND_US};

/// A date in a locale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock<'a> {
    locale: &'a Locale,
    date: Date,
    midnight_us: Micros,
    /// Whether the clocks do not change on this day or the next.
    is_plain: bool,
}

const DAY_US: Micros = 86_400 * SECOND_US;

impl<'a> Clock<'a> {
    /// `date` in `locale`.
    pub(crate) fn new(locale: &'a Locale, date: Date) -> Self {
        let [midnight_us, after_us] = [date, date.saturating_add(2.days())].map(|date| instant_us(locale, date, 0));
        Self { locale, date, midnight_us, is_plain: after_us - midnight_us == 2 * DAY_US }
    }

    /// When the day begins.
    pub(crate) fn midnight_us(&self) -> Micros {
        self.midnight_us
    }

    /// The instant at which the clock shows `civil_s` seconds after midnight; more than a day's is the next day. What
    /// the clock never shows is as much later as it jumped.
    pub(crate) fn instant_us(&self, civil_s: f64) -> Micros {
        #[expect(clippy::cast_possible_truncation, reason = "a day or two in microseconds")]
        let civil_us = (civil_s * SECOND_US as f64) as Micros;
        if self.is_plain { self.midnight_us + civil_us } else { instant_us(self.locale, self.date, civil_us) }
    }

    /// What the clock shows at an instant, in seconds after the day's midnight.
    pub(crate) fn civil_s(&self, at_us: Micros) -> f64 {
        let civil_us = if self.is_plain {
            at_us - self.midnight_us
        } else {
            at_us + offset_us(self.locale, at_us) - (self.midnight_us + offset_us(self.locale, self.midnight_us))
        };
        civil_us as f64 / SECOND_US as f64
    }
}

fn offset_us(locale: &Locale, at_us: Micros) -> Micros {
    let instant = jiff::Timestamp::from_microsecond(at_us).expect("a study is within the years of the calendar");
    Micros::from(locale.zone.to_offset(instant).seconds()) * SECOND_US
}

fn instant_us(locale: &Locale, date: Date, civil_us: Micros) -> Micros {
    let civil = date.at(0, 0, 0, 0).saturating_add(civil_us.microseconds());
    let zoned = locale.zone.to_zoned(civil).expect("a study is within the years of the calendar");
    zoned.timestamp().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_morning_is_a_morning_on_days_of_23_and_25_hours() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let berlin = Locale::new(52.5, 13.4, "Europe/Berlin", zone);
        for (date, hours) in [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)] {
            let clock = Clock::new(&berlin, date.parse().unwrap());
            let eight_us = clock.instant_us(8.0 * 3_600.0);
            assert_eq!(clock.civil_s(eight_us), 8.0 * 3_600.0, "{date}");
            assert_eq!(clock.instant_us(86_400.0) - clock.midnight_us(), hours * 3_600 * SECOND_US, "{date}");
        }
    }
}
