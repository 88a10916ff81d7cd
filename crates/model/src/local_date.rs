//! Times as the stored form has them: broken into the parts of a local calendar, and as text with an offset.
//!
//! Zones come from the IANA database inside the program, so that a result does not depend on the machine's own.

use std::cell::RefCell;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::record::record;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

record! {
    /// A local date and time in its parts, so that each can be searched for.
    pub struct LocalDate {
        /// The year.
        year: i64,
        /// 1 to 12.
        month: i64,
        /// 1 to 31.
        day: i64,
        /// 0 to 23.
        hour: i64,
        /// 0 to 59.
        minute: i64,
        /// 0 to 59.
        second: i64,
        /// 0 is Monday.
        weekday: i64,
        /// The IANA name of the zone.
        timezone: String,
    }
}

thread_local! {
    /// The zone that was asked for last: one phone's entries are mostly of one.
    static LAST: RefCell<TimeZone> = const { RefCell::new(TimeZone::UTC) };
}

/// The zone of this IANA name, spelled as the database spells it.
pub fn zone(name: &str) -> Option<TimeZone> {
    let is_it = |zone: &TimeZone| zone.iana_name() == Some(name);
    LAST.with_borrow_mut(|last| {
        if !is_it(last) {
            *last = ZONES.get(name).ok().filter(is_it)?;
        }
        Some(last.clone())
    })
}

/// Seconds since 1970 as a local date and as text such as `2016-06-20T08:28:11.932000-07:00`; `None` outside the years
/// 1 to 9999, which is what the original's dates can hold.
///
/// The fraction is rounded to microseconds, ties to even, and left out when it is zero.
pub fn local_time(seconds: f64, zone: &TimeZone) -> Option<(LocalDate, String)> {
    let mut whole = seconds.trunc();
    let mut micros = ((seconds - whole) * 1e6).round_ties_even();
    if micros < 0.0 {
        (whole, micros) = (whole - 1.0, micros + 1e6);
    }
    if micros >= 1e6 {
        (whole, micros) = (whole + 1.0, micros - 1e6);
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and what is out of range is refused below")]
    let (whole, micros) = (whole as i64, micros as u32);
    let local = Timestamp::from_second(whole).ok()?.to_zoned(zone.clone());
    let date = LocalDate {
        year: local.year().into(),
        month: local.month().into(),
        day: local.day().into(),
        hour: local.hour().into(),
        minute: local.minute().into(),
        second: local.second().into(),
        weekday: local.weekday().to_monday_zero_offset().into(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        extra: crate::record::Object::new(),
    };
    (date.year >= 1).then(|| (text(&date, micros, local.offset().seconds()), date)).map(|(text, date)| (date, text))
}

fn text(date: &LocalDate, micros: u32, offset_s: i32) -> String {
    let mut text = String::with_capacity(32);
    push(&mut text, date.year, 1000);
    for (mark, part) in [('-', date.month), ('-', date.day), ('T', date.hour), (':', date.minute), (':', date.second)] {
        text.push(mark);
        push(&mut text, part, 10);
    }
    if micros != 0 {
        text.push('.');
        push(&mut text, micros.into(), 100_000);
    }
    text.push(if offset_s < 0 { '-' } else { '+' });
    let offset = i64::from(offset_s.abs());
    push(&mut text, offset / 3600, 10);
    text.push(':');
    push(&mut text, offset / 60 % 60, 10);
    if offset % 60 != 0 {
        text.push(':');
        push(&mut text, offset % 60, 10);
    }
    text
}

/// Appends the decimal digits of `number` from the one that `unit` stands for.
fn push(text: &mut String, number: i64, unit: i64) {
    let mut unit = unit;
    while unit > 0 {
        let digit = u32::try_from(number / unit % 10).unwrap_or_default();
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
        unit /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: f64, name: &str, expected: &str) {
        let (date, text) = local_time(seconds, &zone(name).unwrap()).unwrap();
        assert_eq!(text, expected);
        let parts = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            date.year, date.month, date.day, date.hour, date.minute, date.second
        );
        assert!(expected.starts_with(&parts), "{parts}");
        assert_eq!(date.timezone, name);
    }

    #[test]
    fn the_fraction_is_rounded_to_microseconds_and_left_out_when_zero() {
        check(1_466_436_491.932, "America/Los_Angeles", "2016-06-20T08:28:11.932000-07:00");
        check(1_466_436_491.0, "America/Los_Angeles", "2016-06-20T08:28:11-07:00");
        check(1_469_001_926.432_104, "UTC", "2016-07-20T08:05:26.432104+00:00");
        check(1_466_436_491.999_999_7, "UTC", "2016-06-20T15:28:12+00:00");
        check(-0.25, "UTC", "1969-12-31T23:59:59.750000+00:00");
    }

    #[test]
    fn clocks_change() {
        // 2016-11-06 in Los Angeles: 01:30 comes twice. 2016-03-13: 02:30 does not come at all.
        check(1_478_421_000.0, "America/Los_Angeles", "2016-11-06T01:30:00-07:00");
        check(1_478_424_600.0, "America/Los_Angeles", "2016-11-06T01:30:00-08:00");
        check(1_457_863_199.0, "America/Los_Angeles", "2016-03-13T01:59:59-08:00");
        check(1_457_863_200.0, "America/Los_Angeles", "2016-03-13T03:00:00-07:00");
        // Half an hour only.
        check(1_601_740_800.0, "Australia/Lord_Howe", "2020-10-04T03:00:00+11:00");
    }

    #[test]
    fn zones_change_their_rules() {
        // Moscow left permanent summer time in October 2014; Samoa skipped the 30th of December 2011.
        check(1_414_270_800.0, "Europe/Moscow", "2014-10-26T01:00:00+04:00");
        check(1_414_278_000.0, "Europe/Moscow", "2014-10-26T02:00:00+03:00");
        check(1_325_239_199.0, "Pacific/Apia", "2011-12-29T23:59:59-10:00");
        check(1_325_239_200.0, "Pacific/Apia", "2011-12-31T00:00:00+14:00");
        // Offsets of local mean time have seconds.
        check(-3_000_000_000.0, "Europe/Brussels", "1874-12-07T18:57:30+00:17:30");
    }

    #[test]
    fn what_is_no_zone_and_no_time_is_refused() {
        assert!(zone("america/los_angeles").is_none());
        assert!(zone("Mars/Olympus").is_none());
        assert!(zone("").is_none());
        let utc = zone("UTC").unwrap();
        for seconds in [1e300, -1e300, f64::MAX, -1e11, 4e11] {
            assert!(local_time(seconds, &utc).is_none(), "{seconds}");
        }
    }

    #[test]
    fn a_week_starts_on_monday() {
        let (date, _) = local_time(1_466_436_491.0, &zone("UTC").unwrap()).unwrap();
        assert_eq!((date.day, date.weekday), (20, 0));
    }
}
