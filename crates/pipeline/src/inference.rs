//! Mode inference: what the speeds of a section say, and the stops of public transport at its ends.

use crate::leg::Section;
use crate::mode::{Mode, Motion, is_walking_speed};
use crate::statistics::median;
use crate::transit::Stops;

/// The mode of a cleaned section.
pub(crate) fn infer(section: &Section, stops: &Stops) -> Mode {
    let usual = median(&section.speeds_m_per_s);
    let transit = || stops.mode_between(section.start.at, section.end.at, usual.unwrap_or_default());
    match section.motion {
        Motion::AirOrHsr => Mode::AirOrHsr,
        Motion::Unknown if usual.is_some_and(is_walking_speed) || is_walking_speed(overall(section)) => Mode::Walking,
        Motion::Unknown => transit().unwrap_or(Mode::Unknown),
        motion if motion.is_motorized() => transit().unwrap_or(Mode::Car),
        _ if usual.is_none_or(is_walking_speed) => Mode::Walking,
        _ => Mode::Bicycling,
    }
}

fn overall(section: &Section) -> f64 {
    section.distance_m / section.duration_s
}
