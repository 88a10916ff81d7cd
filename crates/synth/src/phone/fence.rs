//! The geofence around a stay, and when a phone notices that somebody left it.
//!
//! It is 100 m wide, but is looked at seldom: what is measured is how far people have got by then. Those who walk are
//! noticed after some time rather than after some distance; else nobody who walks 200 m would ever be.

use super::crossing::{Circle, leaves};
use super::handset::Profile;
use super::noise::normal;
use crate::draws::Draws;
use crate::plane::Point;
use crate::track::Piece;
use crate::truth::{LocaleIndex, Micros};

use super::faults::us;

/// The geofence's radius: emission-format a.4, config.
const RADIUS_M: f64 = 100.0;
/// Exits are noticed between these distances: the range of those measured, mobility.md 3.
const OVERSHOOT_M: std::ops::Range<f64> = 140.0..950.0;
/// The spread of the logarithm of the time it takes to notice: a choice.
const NOTICE_SIGMA: f64 = 0.35;

/// The place that a phone waits at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fence {
    pub(super) centre: Point,
    pub(super) locale: LocaleIndex,
}

impl Fence {
    /// Around where somebody is.
    pub(super) fn around((centre, locale): (Point, LocaleIndex)) -> Self {
        Self { centre, locale }
    }

    /// Whether a place is outside.
    pub(super) fn is_left(self, (at, locale): (Point, LocaleIndex)) -> bool {
        locale != self.locale || at.distance_m(self.centre) > RADIUS_M
    }

    /// When the phone notices that the movement along `pieces` has left the fence, from `from_us` on.
    pub(super) fn exit_us(
        self,
        pieces: &[Piece],
        from_us: Micros,
        profile: &Profile,
        rng: &mut Draws,
    ) -> Option<Micros> {
        let overshoot_m = profile.overshoot_median_m * (profile.overshoot_sigma * normal(rng)).exp();
        let notice_s = profile.notice_median_s * (NOTICE_SIGMA * normal(rng)).exp();
        let circle = |radius_m| Circle { centre: self.centre, locale: self.locale, radius_m };
        let mut pieces = pieces;
        let out_us = leaves(&mut pieces, from_us, circle(RADIUS_M))?;
        let noticed_us = out_us + us(notice_s);
        let far_us = leaves(&mut pieces, out_us, circle(overshoot_m.clamp(OVERSHOOT_M.start, OVERSHOOT_M.end)));
        Some(far_us.map_or(noticed_us, |far_us| far_us.min(noticed_us)))
    }
}
