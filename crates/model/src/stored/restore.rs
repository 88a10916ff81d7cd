//! Stored form back to phone form, wherever the stored form keeps what the phone sent.
//!
//! What it does not keep: the phone's own spelling of `fmt_time`; the `ts` of transitions, batteries and iOS motion
//! (replaced by `write_ts`); everything but type and confidence of Android motion, and everything but state and step of
//! transitions; which of two words a number stands for (`unknown` is taken back for state 3 only with a boot,
//! `ble_beacon_found` becomes `tracking_error` on Android); dots in the names of stats.

use serde_json::{Number, Value};

use crate::entry::{Entry, Metadata, Platform, key};
use crate::record::Object;
use crate::stored::{StoredEntry, codes};

/// Why a stored entry has no phone form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFromPhone {
    /// The server made it.
    #[error("the entry is from platform {0}, not from a phone")]
    Platform(String),
    /// Its metadata lacks what a phone sends.
    #[error("`metadata.type` is missing: a phone did not write this")]
    Kind,
    /// A field is missing or has a value that no phone's word is stored as.
    #[error("`data.{0}` is missing, or not what a phone's is stored as")]
    Field(&'static str),
}

/// The phone form of `entry`.
///
/// # Errors
/// When no phone wrote it.
pub fn to_phone(entry: StoredEntry) -> Result<Entry, NotFromPhone> {
    let StoredEntry { metadata, mut data, extra, .. } = entry;
    let platform = match &metadata.platform {
        Some(platform @ (Platform::Android | Platform::Ios)) => platform.clone(),
        other => return Err(NotFromPhone::Platform(other.as_ref().map_or("missing", Platform::name).to_owned())),
    };
    match metadata.key.as_str() {
        key::LOCATION | key::FILTERED_LOCATION => {
            remove(&mut data, &["loc", "local_dt"]);
            rename(&mut data, "heading", "bearing")?;
        }
        key::MOTION_ACTIVITY => motion(&mut data, &platform)?,
        key::TRANSITION => transition(&mut data, &platform)?,
        key::BATTERY => battery(&mut data, &platform)?,
        key::BLUETOOTH => {
            remove(&mut data, &["local_dt", "fmt_time"]);
            word(&mut data, "eventType", codes::bluetooth_event_word)?;
        }
        key::APP_UI_CONFIG => remove(&mut data, &["local_dt", "fmt_time"]),
        key::DEMOGRAPHIC_SURVEY => remove(&mut data, &["local_dt"]),
        other if other.starts_with("manual/") => {
            remove(&mut data, &["start_local_dt", "start_fmt_time", "end_local_dt", "end_fmt_time"]);
        }
        _ => {}
    }
    let metadata = Metadata {
        key: metadata.key,
        platform: metadata.platform,
        kind: metadata.kind.ok_or(NotFromPhone::Kind)?,
        write_ts: metadata.write_ts,
        read_ts: metadata.read_ts,
        time_zone: metadata.time_zone,
        plugin: metadata.plugin,
        extra: metadata.extra,
    };
    Ok(Entry::new(metadata, Value::Object(data), extra))
}

fn remove(data: &mut Object, names: &[&str]) {
    names.iter().for_each(|name| drop(data.shift_remove(*name)));
}

fn rename(data: &mut Object, from: &'static str, to: &str) -> Result<(), NotFromPhone> {
    let value = data.shift_remove(from).ok_or(NotFromPhone::Field(from))?;
    data.insert(to.to_owned(), value);
    Ok(())
}

/// Replaces the number in `field` by its word.
fn word(
    data: &mut Object,
    field: &'static str,
    table: impl Fn(i64) -> Option<&'static str>,
) -> Result<(), NotFromPhone> {
    let number = data.get(field).and_then(Value::as_i64).ok_or(NotFromPhone::Field(field))?;
    data.insert(field.to_owned(), table(number).ok_or(NotFromPhone::Field(field))?.into());
    Ok(())
}

fn motion(data: &mut Object, platform: &Platform) -> Result<(), NotFromPhone> {
    remove(data, &["local_dt", "fmt_time"]);
    if *platform == Platform::Ios {
        remove(data, &["type", "confidence"]);
        rename(data, "confidence_level", "confidence")?;
    }
    Ok(())
}

fn transition(data: &mut Object, platform: &Platform) -> Result<(), NotFromPhone> {
    const BOOTED: i64 = 4;
    remove(data, &["local_dt", "fmt_time"]);
    let step = data.get("transition").ok_or(NotFromPhone::Field("transition"))?;
    let is_boot = *platform == Platform::Android && step.as_i64() == Some(BOOTED);
    if !step.is_null() {
        word(data, "transition", |number| codes::transition_word(platform, number))?;
    }
    rename(data, "curr_state", "currState")?;
    // A phone that has just booted does not know its state, which shares a number with another.
    word(data, "currState", |number| match number {
        3 if is_boot => Some("unknown"),
        number => codes::state_word(platform, number),
    })
}

fn battery(data: &mut Object, platform: &Platform) -> Result<(), NotFromPhone> {
    remove(data, &["local_dt", "fmt_time"]);
    let status = data.get("battery_status").and_then(Value::as_i64).ok_or(NotFromPhone::Field("battery_status"))?;
    if *platform == Platform::Ios {
        let level = data.shift_remove("battery_level_pct").ok_or(NotFromPhone::Field("battery_level_pct"))?;
        let ratio = ratio(&level).ok_or(NotFromPhone::Field("battery_level_pct"))?;
        data.insert("battery_level_ratio".to_owned(), ratio.into());
    } else {
        let status = codes::battery_back(status).ok_or(NotFromPhone::Field("battery_status"))?;
        data.insert("battery_status".to_owned(), status.into());
    }
    Ok(())
}

/// Per cent as the ratio it was made from: the shortest one that gives it again.
fn ratio(level: &Value) -> Option<Number> {
    if let Some(whole) = level.as_i64().filter(|whole| whole % 100 == 0) {
        return Some((whole / 100).into());
    }
    let level = level.as_f64()?;
    let rounded = (level * 100.0).round() / 10_000.0;
    Number::from_f64(if (rounded * 100.0).to_bits() == level.to_bits() { rounded } else { level / 100.0 })
}
