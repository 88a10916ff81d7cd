//! Moving an entry in time by whole days, so that one recorded day can stand for many.
//!
//! Only the seconds move. Stamps of this century lie between 2³⁰ and 2³¹, where doubles form one even grid, so adding a
//! whole number is exact and every decimal behind the point stays as the phone wrote it.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Number, Value};

use crate::arrival::MILLISECONDS_FROM;
use crate::day::DAY_S;
use crate::entry::{Data, Entry};

/// Moves every time of `entry` by `days`: when it was written and read, and when it was sensed.
///
/// A `fmt_time` that starts with an ISO date follows; one in another locale stays, and servers overwrite it anyway.
pub fn by_days(entry: &mut Entry, days: i32) {
    shift_stamp(&mut entry.metadata.write_ts, days);
    if let Some(read_ts) = &mut entry.metadata.read_ts {
        shift_stamp(read_ts, days);
    }
    match &mut entry.data {
        Data::Location(fix) => {
            shift_stamp(&mut fix.ts, days);
            if let Some(text) = &mut fix.fmt_time {
                shift_text(text, days);
            }
        }
        Data::AndroidMotion(motion) => shift_stamp(&mut motion.ts, days),
        Data::IosMotion(motion) => shift_stamp(&mut motion.ts, days),
        Data::Transition(step) => shift_stamp(&mut step.ts, days),
        Data::AndroidBattery(reading) => shift_stamp(&mut reading.ts, days),
        Data::IosBattery(reading) => shift_stamp(&mut reading.ts, days),
        Data::Bluetooth(sighting) => shift_stamp(&mut sighting.ts, days),
        Data::ClientStat(stat) => shift_stamp(&mut stat.ts, days),
        Data::Label(label) => shift_span(&mut label.start_ts, &mut label.end_ts, days),
        Data::Survey(survey) => shift_span(&mut survey.start_ts, &mut survey.end_ts, days),
        Data::Demographics(survey) => {
            shift_stamp(&mut survey.ts, days);
            if let Some(text) = &mut survey.fmt_time {
                shift_text(text, days);
            }
        }
        Data::AppUiConfig(config) => shift_stamp(&mut config.ts, days),
        // They hold no time.
        Data::SensorConfig(_) | Data::SyncConfig(_) | Data::Consent(_) => {}
        Data::Other(value) => shift_other(value, days),
    }
}

fn shift_span(start: &mut Number, end: &mut Number, days: i32) {
    shift_stamp(start, days);
    shift_stamp(end, days);
}

fn shift_other(value: &mut Value, days: i32) {
    for field in ["ts", "start_ts", "end_ts"] {
        if let Some(Value::Number(stamp)) = value.get_mut(field) {
            shift_stamp(stamp, days);
        }
    }
}

/// Zero means "never" (`read_ts`) or "unknown", and stays.
fn shift_stamp(stamp: &mut Number, days: i32) {
    let seconds = i64::from(days) * DAY_S;
    if let Some(whole) = stamp.as_i64().filter(|whole| *whole != 0) {
        let unit = if whole as f64 >= MILLISECONDS_FROM { 1000 } else { 1 };
        *stamp = whole.saturating_add(seconds * unit).into();
    } else if let Some(float) = stamp.as_f64().filter(|float| *float != 0.0) {
        let unit = if float >= MILLISECONDS_FROM { 1000 } else { 1 };
        let moved = float + (seconds * unit) as f64;
        *stamp = Number::from_f64(moved).unwrap_or_else(|| stamp.clone());
    }
}

fn shift_text(text: &mut String, days: i32) {
    let Some((date, rest)) = text.split_at_checked(10) else { return };
    let Ok(date) = date.parse::<Date>() else { return };
    if let Ok(moved) = date.checked_add(days.days()) {
        *text = format!("{moved}{rest}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, before: &str, days: i32, after: &str) {
        let text = |fields: &str| {
            let (metadata, data) = fields.split_once(" | ").unwrap();
            format!(r#"{{"metadata":{{"key":"{key}","type":"t",{metadata}}},"data":{{{data}}}}}"#)
        };
        let mut entry: Entry = serde_json::from_str(&text(before)).unwrap();
        by_days(&mut entry, days);
        assert_eq!(serde_json::to_string(&entry).unwrap(), text(after));
    }

    #[test]
    fn only_the_day_changes() {
        check(
            "background/location",
            r#""write_ts":1681436743.967,"read_ts":0 | "latitude":1.0,"longitude":2,"ts":1681436743.402,"fmt_time":"2023-04-13T18:45:43-07:00""#,
            1000,
            r#""write_ts":1767836743.967,"read_ts":0 | "latitude":1.0,"longitude":2,"ts":1767836743.402,"fmt_time":"2026-01-07T18:45:43-07:00""#,
        );
    }

    #[test]
    fn microseconds_integers_and_milliseconds_keep_their_form() {
        check(
            "statemachine/transition",
            r#""write_ts":1469001926.432104,"read_ts":1469077327.933522 | "currState":"a","transition":null,"ts":1469001926"#,
            -1,
            r#""write_ts":1468915526.432104,"read_ts":1468990927.933522 | "currState":"a","transition":null,"ts":1468915526"#,
        );
        check(
            "any/other",
            r#""write_ts":1440688718971 | "start_ts":1440688718971.0,"end_ts":"x","b":1"#,
            1,
            r#""write_ts":1440775118971 | "start_ts":1440775118971.0,"end_ts":"x","b":1"#,
        );
    }
}
