//! Times as the texts that phones show.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::truth::{Micros, SECOND_US};

/// The clock of a zone. What is the same for a quarter of an hour is worked out once.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// When the quarter began, in seconds since 1970.
    quarter_s: i64,
    /// What the clock showed then, in seconds after midnight.
    shown_s: i64,
    /// Its date as `Apr 8, 2021 `.
    android_date: String,
    /// Its date as `2021-04-08T`.
    ios_date: String,
    /// Such as `-0700`.
    offset: String,
}

/// Every zone of this century changes its offset, and every date its day, at full quarters of an hour.
const QUARTER_S: i64 = 900;

impl Clock {
    /// The clock of `zone`.
    pub(super) fn new(zone: TimeZone) -> Self {
        let empty = String::new;
        let mut clock =
            Self { zone, quarter_s: 0, shown_s: 0, android_date: empty(), ios_date: empty(), offset: empty() };
        clock.turn(0);
        clock
    }

    fn turn(&mut self, quarter_s: i64) {
        let instant = Timestamp::from_second(quarter_s).expect("a study is within the years of the calendar");
        let shown = instant.to_zoned(self.zone.clone());
        self.quarter_s = quarter_s;
        self.shown_s = i64::from(shown.hour()) * 3_600 + i64::from(shown.minute()) * 60 + i64::from(shown.second());
        self.android_date = shown.strftime("%b %-d, %Y ").to_string();
        self.ios_date = shown.strftime("%Y-%m-%dT").to_string();
        self.offset = shown.strftime("%z").to_string();
    }

    /// What the clock shows: hours, minutes and seconds.
    fn read(&mut self, at_us: Micros) -> [u8; 3] {
        let at_s = at_us.div_euclid(SECOND_US);
        if !(0..QUARTER_S).contains(&(at_s - self.quarter_s)) {
            self.turn(at_s.div_euclid(QUARTER_S) * QUARTER_S);
        }
        let shown_s = self.shown_s + at_s - self.quarter_s;
        #[expect(clippy::cast_possible_truncation, reason = "hours, minutes and seconds of a day")]
        let parts = [shown_s / 3_600, shown_s / 60 % 60, shown_s % 60].map(|part| part as u8);
        parts
    }

    /// Appends a time as `Apr 8, 2021 2:31:05 PM`.
    pub(super) fn push_android(&mut self, at_us: Micros, out: &mut Vec<u8>) {
        let [hour, minute, second] = self.read(at_us);
        out.extend_from_slice(self.android_date.as_bytes());
        let hour_12 = (hour + 11) % 12 + 1;
        if hour_12 >= 10 {
            out.push(b'1');
        }
        out.push(b'0' + hour_12 % 10);
        for part in [minute, second] {
            out.extend([b':', b'0' + part / 10, b'0' + part % 10]);
        }
        out.extend_from_slice(if hour < 12 { b" AM" } else { b" PM" });
    }

    /// Appends a time as `2015-11-02T14:39:25-0800`.
    pub(super) fn push_ios(&mut self, at_us: Micros, out: &mut Vec<u8>) {
        let [hour, minute, second] = self.read(at_us);
        out.extend_from_slice(self.ios_date.as_bytes());
        out.extend([b'0' + hour / 10, b'0' + hour % 10]);
        for part in [minute, second] {
            out.extend([b':', b'0' + part / 10, b'0' + part % 10]);
        }
        out.extend_from_slice(self.offset.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_show_what_phones_show_also_when_they_change() {
        let zone = |name| TimeZone::get(name).unwrap();
        for (name, at_s, android, ios) in [
            ("America/Los_Angeles", 1_617_917_465, "Apr 8, 2021 2:31:05 PM", "2021-04-08T14:31:05-0700"),
            ("America/Los_Angeles", 1_446_503_965, "Nov 2, 2015 2:39:25 PM", "2015-11-02T14:39:25-0800"),
            ("Europe/Berlin", 1_774_745_999, "Mar 29, 2026 1:59:59 AM", "2026-03-29T01:59:59+0100"),
            ("Europe/Berlin", 1_774_746_000, "Mar 29, 2026 3:00:00 AM", "2026-03-29T03:00:00+0200"),
            ("Asia/Kathmandu", 1_767_204_899, "Dec 31, 2025 11:59:59 PM", "2025-12-31T23:59:59+0545"),
            ("Asia/Kathmandu", 1_767_204_900, "Jan 1, 2026 12:00:00 AM", "2026-01-01T00:00:00+0545"),
            ("UTC", 43_200, "Jan 1, 1970 12:00:00 PM", "1970-01-01T12:00:00+0000"),
        ] {
            let mut clock = Clock::new(zone(name));
            let (mut first, mut second) = (Vec::new(), Vec::new());
            clock.push_android(at_s * SECOND_US + 999_999, &mut first);
            clock.push_ios(at_s * SECOND_US, &mut second);
            assert_eq!(String::from_utf8(first).unwrap(), android);
            assert_eq!(String::from_utf8(second).unwrap(), ios);
        }
    }
}
