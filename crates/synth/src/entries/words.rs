//! What the platforms call states, transitions and confidences: emission-format a.4.

use crate::phone::Platform;
use crate::sensed::{State, Step};

/// A state of the trip state machine.
pub(super) fn state_word(platform: Platform, state: State) -> &'static str {
    let [android, ios] = match state {
        State::Start => ["local.state.start", "STATE_START"],
        State::WaitingForTripStart => ["local.state.waiting_for_trip_start", "STATE_WAITING_FOR_TRIP_START"],
        State::OngoingTrip => ["local.state.ongoing_trip", "STATE_ONGOING_TRIP"],
        State::TrackingStopped => ["local.state.tracking_stopped", "STATE_TRACKING_STOPPED"],
        State::Unknown => ["unknown", ""],
    };
    known(platform, android, ios)
}

/// A transition.
pub(super) fn step_word(platform: Platform, step: Step) -> &'static str {
    let [android, ios] = match step {
        Step::Initialize => ["local.transition.initialize", "T_INITIALIZE"],
        Step::ExitedGeofence => ["local.transition.exited_geofence", "T_EXITED_GEOFENCE"],
        Step::StoppedMoving => ["local.transition.stopped_moving", "T_TRIP_ENDED"],
        Step::StopTracking => ["local.transition.stop_tracking", "T_FORCE_STOP_TRACKING"],
        Step::StartTracking => ["local.transition.start_tracking", "T_START_TRACKING"],
        Step::Booted => ["booted", "booted"],
        Step::InitComplete => ["", "T_INIT_COMPLETE"],
        Step::TripStarted => ["", "T_TRIP_STARTED"],
        Step::ReceivedSilentPush => ["", "T_RECEIVED_SILENT_PUSH"],
        Step::TripEndDetected => ["", "T_TRIP_END_DETECTED"],
        Step::TripRestarted => ["", "T_TRIP_RESTARTED"],
        Step::EndTripTracking => ["", "T_END_TRIP_TRACKING"],
        Step::Nop => ["", "T_NOP"],
        Step::VisitStarted => ["", "T_VISIT_STARTED"],
        Step::VisitEnded => ["", "T_VISIT_ENDED"],
        Step::DataPushed => ["", "T_DATA_PUSHED"],
    };
    known(platform, android, ios)
}

fn known(platform: Platform, android: &'static str, ios: &'static str) -> &'static str {
    let word = match platform {
        Platform::Android => android,
        Platform::Ios => ios,
    };
    assert!(!word.is_empty(), "{} phones have no word for this", platform.name());
    word
}

/// How sure iOS is.
pub(super) fn confidence_word(confidence: u8) -> &'static str {
    match confidence {
        0..=50 => "low",
        51..=75 => "medium",
        _ => "high",
    }
}
