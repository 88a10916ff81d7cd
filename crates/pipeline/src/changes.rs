//! Changes of mode: where in a trip one mode gives way to another, by what the activity recogniser said.

use crate::mode::Motion;
use crate::observations::Observations;
use crate::trips::Method;

/// The moment where one mode ends and the next starts, or the trip itself does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Boundary {
    /// When, in seconds since 1970.
    pub(crate) ts: f64,
    /// The number of the activity among those that count.
    pub(crate) place: usize,
}

/// A stretch of one mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) motion: Motion,
    pub(crate) start: Boundary,
    pub(crate) end: Boundary,
}

impl Change {
    pub(crate) fn duration_s(&self) -> f64 {
        self.end.ts - self.start.ts
    }

    /// How many activities it spans. Of several at one time the last starts a stretch, and an earlier one may end it.
    pub(crate) fn span(&self) -> usize {
        self.end.place.saturating_sub(self.start.place)
    }
}

/// Activities must be surer than this, in per cent.
fn confidence_min(method: Method) -> f64 {
    match method {
        Method::TimeFilter => 60.0,
        Method::DistanceFilter => 49.0,
    }
}

/// The stretches of one mode between `from` and `to`, before any of them is doubted.
pub(crate) fn changes(observations: &Observations, method: Method, from: f64, to: f64) -> Vec<Change> {
    let confidence_min = confidence_min(method);
    let sure = observations.motions_within(from, to).iter().filter_map(|(motion, _)| {
        let kind = Motion::of(motion.activity).filter(|kind| kind.is_movement())?;
        // A run is a fast walk: no section of its own.
        let kind = if kind == Motion::Running { Motion::Walking } else { kind };
        (motion.confidence > confidence_min).then_some((motion.ts, kind))
    });
    let mut changes: Vec<Change> = Vec::new();
    let mut open: Option<(Motion, Boundary)> = None;
    let mut before: Option<(Motion, Boundary)> = None;
    for (place, (ts, kind)) in sure.enumerate() {
        let here = Boundary { ts, place };
        let (open_kind, mut start) = *open.get_or_insert((kind, here));
        if ts == start.ts {
            // The stretch starts at the last of several activities at one time.
            start = here;
            open = Some((open_kind, start));
            if let Some(last) = changes.last_mut() {
                last.end = start;
            }
        }
        if kind != open_kind {
            let end = match before {
                Some((last, boundary)) if starts_early(last, kind) => boundary,
                _ => here,
            };
            changes.push(Change { motion: open_kind, start, end });
            open = Some((kind, end));
        }
        before = Some((kind, here));
    }
    if let (Some((motion, start)), Some((_, end))) = (open, before) {
        changes.push(Change { motion, start, end });
    }
    changes
}

/// Whether a stretch of `next` starts with the last activity of the mode before: a vehicle is noticed late, and so is a
/// bicycle behind a walk.
fn starts_early(last: Motion, next: Motion) -> bool {
    let is_vehicle = !last.is_motorized() && next.is_motorized();
    is_vehicle || last.is_walking() && next == Motion::Bicycling
}
