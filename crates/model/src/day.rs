//! Civil days and the seconds that stamps count in.

use jiff::civil::Date;

/// The seconds of a day without a leap second.
pub const DAY_S: i64 = 86_400;

/// The day that seconds since 1970 fall on in UTC, or `None` outside the years jiff covers (-9999 to 9999).
pub fn utc_day(seconds: f64) -> Option<Date> {
    #[expect(clippy::cast_possible_truncation, reason = "jiff refuses what saturates")]
    let whole = seconds.floor() as i64;
    let stamp = jiff::Timestamp::from_second(whole).ok()?;
    Some(stamp.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Midnight UTC at the start of `day`, in seconds since 1970.
pub fn start_s(day: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    i64::from((day - epoch).get_days()) * DAY_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_at_its_midnight_and_ends_before_the_next() {
        let day = Date::constant(2026, 1, 5);
        let start = start_s(day);
        assert_eq!(start, 1_767_571_200);
        let start = start as f64;
        assert_eq!(utc_day(start), Some(day));
        assert_eq!(utc_day(start - 0.001), Some(Date::constant(2026, 1, 4)));
        assert_eq!(utc_day(1e30), None);
    }
}
