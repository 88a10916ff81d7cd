//! The numbers that the stored form has for the phones' words, and back.

use crate::entry::Platform;

/// States of the trip state machine: android, ios, number. Where a number stands twice, the first word is taken back.
const STATES: [(&str, &str, i64); 5] = [
    ("local.state.start", "STATE_START", 0),
    ("local.state.waiting_for_trip_start", "STATE_WAITING_FOR_TRIP_START", 1),
    ("local.state.ongoing_trip", "STATE_ONGOING_TRIP", 2),
    ("local.state.tracking_stopped", "STATE_TRACKING_STOPPED", 3),
    ("unknown", "", 3),
];

/// Transitions: android, ios, number.
const TRANSITIONS: [(&str, &str, i64); 20] = [
    ("local.transition.initialize", "T_INITIALIZE", 0),
    ("local.transition.exited_geofence", "T_EXITED_GEOFENCE", 1),
    ("local.transition.stopped_moving", "T_TRIP_ENDED", 2),
    ("local.transition.stop_tracking", "T_FORCE_STOP_TRACKING", 3),
    ("booted", "booted", 4),
    ("", "T_INIT_COMPLETE", 5),
    ("", "T_TRIP_STARTED", 6),
    ("", "T_RECEIVED_SILENT_PUSH", 7),
    ("", "T_TRIP_END_DETECTED", 8),
    ("", "T_TRIP_RESTARTED", 9),
    ("", "T_END_TRIP_TRACKING", 10),
    ("", "T_TRACKING_STOPPED", 11),
    ("", "T_NOP", 12),
    ("", "T_VISIT_STARTED", 13),
    ("", "T_VISIT_ENDED", 14),
    ("", "T_DATA_PUSHED", 16),
    ("local.transition.start_tracking", "T_START_TRACKING", 17),
    ("local.transition.tracking_error", "T_BLE_BEACON_FOUND", 18),
    ("local.transition.ble_beacon_found", "", 18),
    ("local.transition.ble_beacon_lost", "T_BLE_BEACON_LOST", 19),
];

/// Android's battery status: as the phone has it, as it is stored.
const BATTERY: [(i64, i64); 5] = [(1, 0), (2, 2), (3, 1), (4, 4), (5, 3)];

/// What a beacon does.
const BLUETOOTH_EVENTS: [(&str, i64); 3] = [("REGION_ENTER", 0), ("REGION_EXIT", 1), ("RANGE_UPDATE", 2)];

/// How sure iOS is: its word, per cent.
const CONFIDENCES: [(&str, i64); 3] = [("low", 50), ("medium", 75), ("high", 100)];

/// The activities that can be stored.
const ACTIVITIES: [i64; 11] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11];

fn number(table: &[(&str, &str, i64)], platform: &Platform, word: &str) -> Option<i64> {
    let is_it = |row: &&(&str, &str, i64)| !word.is_empty() && spelling(row, platform) == word;
    table.iter().find(is_it).map(|(_, _, number)| *number)
}

fn word(table: &'static [(&str, &str, i64)], platform: &Platform, number: i64) -> Option<&'static str> {
    let rows = table.iter().filter(|row| row.2 == number);
    rows.map(|row| spelling(row, platform)).find(|word| !word.is_empty())
}

fn spelling<'a>((android, ios, _): &(&'a str, &'a str, i64), platform: &Platform) -> &'a str {
    if *platform == Platform::Ios { ios } else { android }
}

pub(super) fn state(platform: &Platform, word: &str) -> Option<i64> {
    number(&STATES, platform, word)
}

pub(super) fn state_word(platform: &Platform, number: i64) -> Option<&'static str> {
    word(&STATES, platform, number)
}

pub(super) fn transition(platform: &Platform, word: &str) -> Option<i64> {
    number(&TRANSITIONS, platform, word)
}

pub(super) fn transition_word(platform: &Platform, number: i64) -> Option<&'static str> {
    word(&TRANSITIONS, platform, number)
}

pub(super) fn battery(status: i64) -> Option<i64> {
    BATTERY.iter().find(|(phone, _)| *phone == status).map(|(_, stored)| *stored)
}

pub(super) fn battery_back(status: i64) -> Option<i64> {
    BATTERY.iter().find(|(_, stored)| *stored == status).map(|(phone, _)| *phone)
}

/// iOS has the same numbers on both sides.
pub(super) fn is_ios_battery(status: i64) -> bool {
    (0..=3).contains(&status)
}

pub(super) fn bluetooth_event(word: &str) -> Option<i64> {
    BLUETOOTH_EVENTS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
}

pub(super) fn bluetooth_event_word(number: i64) -> Option<&'static str> {
    BLUETOOTH_EVENTS.iter().find(|(_, stored)| *stored == number).map(|(name, _)| *name)
}

pub(super) fn confidence(word: &str) -> Option<i64> {
    CONFIDENCES.iter().find(|(name, _)| *name == word).map(|(_, per_cent)| *per_cent)
}

pub(super) fn is_activity(number: i64) -> bool {
    ACTIVITIES.contains(&number)
}
