//! Times in words, `data.fmt_time`: what they add to the time in seconds beside them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::paths::{CALLED, PathId};
use crate::value::Value;

/// No zone is further from UTC; a text that is has other reasons.
const OFFSET_S_MAX: i32 = 18 * 3600;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The ways in which phones and servers write times (emission-format a.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `2016-08-05T04:53:24.886000-07:00`; the fraction is left out where it is zero.
    Iso,
    /// `2015-11-02T14:39:25-0800`
    Basic,
    /// `Apr 8, 2021 2:31:05 PM`
    Words,
}

const STYLES: [Style; 4] = [Style::Iso, Style::Basic, Style::Words, Style::Words];

/// A style and an offset: with a time in seconds they make a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) style: Style,
    /// What local time is ahead of UTC.
    pub(crate) offset_s: i32,
}

/// Which of these leaves is `data.ts`.
pub(crate) fn ts_place(mut leaves: impl Iterator<Item = PathId>) -> Option<usize> {
    leaves.position(|path| path == CALLED.ts)
}

/// The time of a moment among these leaves; the start of 1970 where there is none.
pub(crate) fn ts_of(leaves: &[Value], ts: Option<usize>) -> f64 {
    ts.and_then(|ts| leaves.get(ts)).and_then(|value| value.as_f64()).unwrap_or_default()
}

impl Moment {
    /// What `text` adds to `ts`, if that is all that it says.
    pub(crate) fn of(text: &str, ts: f64) -> Option<Self> {
        let style = match text.as_bytes() {
            [.., b'M'] => Style::Words,
            [.., _, _, b':', _, _] | [.., b'Z'] => Style::Iso,
            _ => Style::Basic,
        };
        let offset_s = match style {
            Style::Words => {
                let offset_s = parse_words(text)? - timestamp(ts)?.as_second();
                // Clocks in words are whole; zones differ by quarters of an hour.
                i32::try_from((offset_s + 450).div_euclid(900) * 900).ok()?
            }
            Style::Iso | Style::Basic => parse_offset(text)?,
        };
        let moment = Self { style, offset_s };
        if !moment.is_possible() {
            return None;
        }
        let mut written = String::with_capacity(text.len());
        moment.write(ts, &mut written);
        (written == text).then_some(moment)
    }

    fn is_possible(self) -> bool {
        self.offset_s.abs() <= OFFSET_S_MAX
    }

    /// As a number, for coding; any number reads as some moment.
    pub(crate) fn number(self) -> i64 {
        i64::from(self.offset_s) * 4 + self.style as i64
    }

    pub(crate) fn from_number(number: i64) -> Self {
        let style = STYLES.get((number & 3) as usize).copied().unwrap_or(Style::Words);
        let offset_s = i32::try_from(number >> 2).unwrap_or_default();
        Self { style, offset_s: offset_s.clamp(-OFFSET_S_MAX, OFFSET_S_MAX) }
    }

    /// Writes the text for `ts`; nothing where no calendar reaches.
    pub(crate) fn write(self, ts: f64, text: &mut String) {
        if let Some(local) = self.local(ts) {
            self.write_local(local, text);
        }
    }

    /// The text for `ts`.
    pub(crate) fn text(self, ts: f64) -> String {
        let mut text = String::new();
        self.write(ts, &mut text);
        text
    }

    fn local(self, ts: f64) -> Option<DateTime> {
        let offset = Offset::from_seconds(self.offset_s).ok()?;
        Some(offset.to_datetime(timestamp(ts)?))
    }

    fn write_local(self, local: DateTime, text: &mut String) {
        let (hour, minute, second) = (local.hour(), local.minute(), local.second());
        if self.style == Style::Words {
            text.push_str(MONTHS.get(usize::from(local.month().unsigned_abs()) - 1).copied().unwrap_or_default());
            text.push(' ');
            put(text, local.day().into(), 1, ", ");
            put(text, local.year().into(), 1, " ");
            put(text, i32::from((hour + 11) % 12 + 1), 1, ":");
            put(text, minute.into(), 2, ":");
            put(text, second.into(), 2, if hour < 12 { " AM" } else { " PM" });
            return;
        }
        put(text, local.year().into(), 4, "-");
        put(text, local.month().into(), 2, "-");
        put(text, local.day().into(), 2, "T");
        put(text, hour.into(), 2, ":");
        put(text, minute.into(), 2, ":");
        put(text, second.into(), 2, "");
        let fraction_us = local.subsec_nanosecond() / 1000;
        if self.style == Style::Iso && fraction_us != 0 {
            text.push('.');
            put(text, fraction_us, 6, "");
        }
        text.push(if self.offset_s < 0 { '-' } else { '+' });
        let ahead_min = self.offset_s.abs() / 60;
        put(text, ahead_min / 60, 2, if self.style == Style::Iso { ":" } else { "" });
        put(text, ahead_min % 60, 2, "");
    }
}

/// Writes a number that is not negative with at least so many digits, and what follows it.
fn put(text: &mut String, number: i32, digits: usize, then: &str) {
    let mut buffer = itoa::Buffer::new();
    let number = buffer.format(number);
    (number.len()..digits).for_each(|_| text.push('0'));
    text.push_str(number);
    text.push_str(then);
}

/// Python's datetime rounds to microseconds, half to even.
fn timestamp(ts: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates where no calendar reaches")]
    let ts_us = (ts * 1e6).round_ties_even() as i64;
    Timestamp::from_microsecond(ts_us).ok()
}

/// The offset at the end of a text, in seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let (at, _) = text.char_indices().rev().find(|(_, c)| matches!(c, '+' | '-'))?;
    let (sign, digits) = text.get(at..)?.split_at(1);
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    let number = digits.take(4).fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    let offset_s = (number / 100) * 3600 + number % 100 * 60;
    Some(if sign == "-" { -offset_s } else { offset_s })
}

/// `Apr 8, 2021 2:31:05 PM` as seconds since 1970 of a clock that shows it.
fn parse_words(text: &str) -> Option<i64> {
    let mut words = text.split([' ', ',', ':']).filter(|word| !word.is_empty());
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let mut number = || words.next()?.parse::<i64>().ok().filter(|number| (0..10_000).contains(number));
    let [day, year, hour, minute, second] = [number()?, number()?, number()?, number()?, number()?];
    let hour = hour % 12 + if text.ends_with("PM") { 12 } else { 0 };
    let field = |number: i64| i8::try_from(number).ok();
    let (month, day) = (field(month)?, field(day)?);
    let (hour, minute, second) = (field(hour)?, field(minute)?, field(second)?);
    let local = DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, second, 0).ok()?;
    Some(Offset::UTC.to_timestamp(local).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_phones_are_times_with_a_style_and_an_offset() {
        for (text, ts, style, offset_s) in [
            ("2016-08-05T04:53:24.886000-07:00", 1_470_398_004.886, Style::Iso, -25_200),
            ("2016-08-05T11:53:24+00:00", 1_470_398_004.0, Style::Iso, 0),
            ("2015-11-02T14:39:25-0800", 1_446_503_965.25, Style::Basic, -28_800),
            ("Apr 8, 2021 2:31:05 PM", 1_617_863_465.9, Style::Words, 28_800),
            ("Jan 1, 1970 12:00:00 AM", 0.0, Style::Words, 0),
            ("2024-02-29T23:59:59.000001+05:45", 1_709_230_499.000_001, Style::Iso, 20_700),
        ] {
            let moment = Moment::of(text, ts).expect(text);
            assert_eq!((moment.style, moment.offset_s), (style, offset_s), "{text}");
            let mut written = String::new();
            moment.write(ts, &mut written);
            assert_eq!(written, text);
            assert_eq!(Moment::from_number(moment.number()), moment);
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in
            ["", "M", "PM", "2016-08-05", "2016-08-05T04:53:24.886000-07:01", "Apr 8, 2021 2:31:06 PM", "-", "Z"]
        {
            assert_eq!(Moment::of(text, 1_470_398_004.886), None, "{text}");
        }
    }
}
