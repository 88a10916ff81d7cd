//! Outlines in few bytes: times and degrees as whole numbers where nothing is lost by that, everything relative to the
//! first fix, and nothing that is said elsewhere in the outline.

use rushhour_model::extended_json::ObjectId;
use serde::{Deserialize, Serialize};

use crate::chapter::{Opening, Start};
use crate::keys::RAW_PLACE;
use crate::labels::Prediction;
use crate::mode::Mode;
use crate::moment::{Moment, Spot, Zone};
use crate::observations::Filter;
use crate::outline::leaving::PackedLeaving;
use crate::outline::sketch::PackedSketch;
use crate::outline::{Kept, Outline, Reference};
use crate::place::{OpenPlace, Touch};
use crate::position::Position;
use crate::timeline::Day;
use crate::trips::Method;

/// An [`Outline`] as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Packed {
    /// When the first fix was taken; 0 in the first chapter. All other times count from it.
    base: Time,
    start: Option<PackedStart>,
    place: PackedPlace,
    /// `None` where it is the same place.
    cleaned_place: Option<PackedPlace>,
    /// `None` where the cleaned place has swallowed no other.
    raw_places: Option<Vec<ObjectId>>,
    needs_until_write: Time,
    kept: Vec<PackedKept>,
    trips: Vec<PackedSketch>,
    labelled_trips: u32,
    inputs: Vec<(u8, Time)>,
    leaving: Option<PackedLeaving>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PackedStart {
    write: Time,
    needs_from_write: Time,
    settled: Time,
    filter: Filter,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum PackedPlace {
    Unknown,
    Left(PackedTouch),
    Entered(PackedTouch),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PackedTouch {
    at: Time,
    /// `None` where it is the same time.
    shown: Option<Time>,
    zone: Zone,
    longitude: Degrees,
    latitude: Degrees,
    altitude: Metres,
    leg: ObjectId,
    is_tracked: bool,
    method: Method,
    found: Time,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PackedKept {
    /// Behind the day of the base in UTC.
    day: Option<i32>,
    modes: Vec<Mode>,
    labels: Vec<Prediction>,
}

/// The day of a time in UTC, counted from 1970-01-01.
fn day_of(ts: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates where no calendar reaches")]
    let day = (ts / 86_400.0).floor() as i32;
    day
}

impl PackedKept {
    fn pack(kept: Kept, base_ts: f64) -> Self {
        let Kept { day, modes, labels } = kept;
        Self { day: day.and_then(|day| Some(day.number()?.wrapping_sub(day_of(base_ts)))), modes, labels }
    }

    fn unpack(self, base_ts: f64) -> Kept {
        let Self { day, modes, labels } = self;
        Kept { day: day.and_then(|day| Day::numbered(day.wrapping_add(day_of(base_ts)))), modes, labels }
    }
}

/// A time behind a base.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Time {
    Millis(i64),
    Micros(i64),
    /// Seconds since 1970 as they are.
    Bits(u64),
}

/// How many of a unit are in `value`, a number that a double can tell from its neighbours; none of larger ones.
fn whole(value: f64, units: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let count = (value * units).round();
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and no larger than that")]
    (count.abs() <= EXACT_MAX).then_some(count as i64)
}

const MILLIS: f64 = 1e3;
const MICROS: f64 = 1e6;
const TEN_MILLIONTHS: f64 = 1e7;
const TENTHS: f64 = 10.0;

impl Time {
    pub(super) fn pack(ts: f64, base_ts: f64) -> Self {
        let behind = |units: f64| whole(ts, units)?.checked_sub(whole(base_ts, units)?);
        let candidates = [behind(MILLIS).map(Self::Millis), behind(MICROS).map(Self::Micros)];
        let is_exact = |time: &Self| time.unpack(base_ts).to_bits() == ts.to_bits();
        candidates.into_iter().flatten().find(is_exact).unwrap_or(Self::Bits(ts.to_bits()))
    }

    pub(super) fn unpack(self, base_ts: f64) -> f64 {
        // The sum was within what a double can tell when it was packed; damaged bytes may give any time.
        let ahead = |count: i64, units: f64| count.wrapping_add(whole(base_ts, units).unwrap_or(0)) as f64 / units;
        match self {
            Self::Millis(count) => ahead(count, MILLIS),
            Self::Micros(count) => ahead(count, MICROS),
            Self::Bits(bits) => f64::from_bits(bits),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Degrees {
    /// As Android tells them.
    TenMillionths(i64),
    Bits(u64),
}

impl Degrees {
    pub(super) fn pack(degrees: f64) -> Self {
        let count = whole(degrees, TEN_MILLIONTHS).map(Self::TenMillionths);
        count.filter(|it| it.unpack().to_bits() == degrees.to_bits()).unwrap_or(Self::Bits(degrees.to_bits()))
    }

    pub(super) fn unpack(self) -> f64 {
        match self {
            Self::TenMillionths(count) => count as f64 / TEN_MILLIONTHS,
            Self::Bits(bits) => f64::from_bits(bits),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Metres {
    Tenths(i64),
    Bits(u64),
}

impl Metres {
    fn pack(metres: f64) -> Self {
        let count = whole(metres, TENTHS).map(Self::Tenths);
        count.filter(|it| it.unpack().to_bits() == metres.to_bits()).unwrap_or(Self::Bits(metres.to_bits()))
    }

    fn unpack(self) -> f64 {
        match self {
            Self::Tenths(count) => count as f64 / TENTHS,
            Self::Bits(bits) => f64::from_bits(bits),
        }
    }
}

impl PackedTouch {
    fn pack(touch: Touch, base_ts: f64) -> Self {
        let Touch { spot, altitude, leg, is_tracked, method, found_ts } = touch;
        let Spot { moment: Moment { ts, shown_ts, zone }, at } = spot;
        Self {
            at: Time::pack(ts, base_ts),
            shown: (shown_ts.to_bits() != ts.to_bits()).then(|| Time::pack(shown_ts, base_ts)),
            zone,
            longitude: Degrees::pack(at.longitude),
            latitude: Degrees::pack(at.latitude),
            altitude: Metres::pack(altitude),
            leg,
            is_tracked,
            method,
            found: Time::pack(found_ts, base_ts),
        }
    }

    fn unpack(self, base_ts: f64) -> Touch {
        let ts = self.at.unpack(base_ts);
        let shown_ts = self.shown.map_or(ts, |shown| shown.unpack(base_ts));
        let at = Position { longitude: self.longitude.unpack(), latitude: self.latitude.unpack() };
        Touch {
            spot: Spot { moment: Moment { ts, shown_ts, zone: self.zone }, at },
            altitude: self.altitude.unpack(),
            leg: self.leg,
            is_tracked: self.is_tracked,
            method: self.method,
            found_ts: self.found.unpack(base_ts),
        }
    }
}

impl PackedPlace {
    fn pack(place: OpenPlace, base_ts: f64) -> Self {
        match place {
            OpenPlace::Unknown => Self::Unknown,
            OpenPlace::Left(touch) => Self::Left(PackedTouch::pack(touch, base_ts)),
            OpenPlace::Entered(touch) => Self::Entered(PackedTouch::pack(touch, base_ts)),
        }
    }

    fn unpack(self, base_ts: f64) -> OpenPlace {
        match self {
            Self::Unknown => OpenPlace::Unknown,
            Self::Left(touch) => OpenPlace::Left(touch.unpack(base_ts)),
            Self::Entered(touch) => OpenPlace::Entered(touch.unpack(base_ts)),
        }
    }
}

impl From<Outline> for Packed {
    fn from(outline: Outline) -> Self {
        let Outline { opening, needs_until_write_ts, kept, trips, labelled_trips, inputs, leaving } = outline;
        let base_ts = opening.start.map_or(0.0, |start| start.ts);
        let leaving = leaving.map(|leaving| PackedLeaving::pack(leaving, &opening, base_ts));
        let Opening { start, place, cleaned_place, raw_places } = opening;
        let start = start.map(|start| PackedStart {
            write: Time::pack(start.write_ts, base_ts),
            needs_from_write: Time::pack(start.needs_from_write_ts, base_ts),
            settled: Time::pack(start.settled_ts, base_ts),
            filter: start.filter,
        });
        let mut row = 0;
        let raw_places = (raw_places != [cleaned_place.id(RAW_PLACE)]).then_some(raw_places);
        let cleaned_place = (cleaned_place != place).then(|| PackedPlace::pack(cleaned_place, base_ts));
        Self {
            base: Time::pack(base_ts, 0.0),
            start,
            place: PackedPlace::pack(place, base_ts),
            cleaned_place,
            raw_places,
            needs_until_write: Time::pack(needs_until_write_ts, base_ts),
            kept: kept.into_iter().map(|kept| PackedKept::pack(kept, base_ts)).collect(),
            trips: trips.into_iter().map(|trip| PackedSketch::pack(trip, base_ts, &mut row)).collect(),
            labelled_trips,
            inputs: inputs.iter().map(|input| (input.key, Time::pack(input.write_ts, base_ts))).collect(),
            leaving,
        }
    }
}

impl From<Packed> for Outline {
    fn from(packed: Packed) -> Self {
        let base_ts = packed.base.unpack(0.0);
        let start = packed.start.map(|start| Start {
            ts: base_ts,
            write_ts: start.write.unpack(base_ts),
            needs_from_write_ts: start.needs_from_write.unpack(base_ts),
            settled_ts: start.settled.unpack(base_ts),
            filter: start.filter,
        });
        let place = packed.place.unpack(base_ts);
        let cleaned_place = packed.cleaned_place.map_or_else(|| place.clone(), |place| place.unpack(base_ts));
        let raw_places = packed.raw_places.unwrap_or_else(|| vec![cleaned_place.id(RAW_PLACE)]);
        let inputs = packed.inputs.into_iter();
        let mut row = 0;
        let opening = Opening { start, place, cleaned_place, raw_places };
        Self {
            leaving: packed.leaving.and_then(|leaving| leaving.unpack(&opening, base_ts)),
            opening,
            needs_until_write_ts: packed.needs_until_write.unpack(base_ts),
            kept: packed.kept.into_iter().map(|kept| kept.unpack(base_ts)).collect(),
            trips: packed.trips.into_iter().map(|trip| trip.unpack(base_ts, &mut row)).collect(),
            labelled_trips: packed.labelled_trips,
            inputs: inputs.map(|(key, at)| Reference { key, write_ts: at.unpack(base_ts) }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_degrees_come_back_to_the_last_bit() {
        let base_ts = 1_767_571_200.123;
        for ts in [
            base_ts,
            1_767_574_800.5,
            1_767_574_800.123_456,
            1_767_574_800.123_456_7,
            0.0,
            -0.0,
            -62_135_510_400.25,
            1e300,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
        ] {
            for base_ts in [base_ts, 0.0, 1e300] {
                assert_eq!(Time::pack(ts, base_ts).unpack(base_ts).to_bits(), ts.to_bits(), "{ts} behind {base_ts}");
            }
            assert_eq!(Degrees::pack(ts).unpack().to_bits(), ts.to_bits());
        }
        assert!(matches!(Time::pack(1_767_574_800.5, base_ts), Time::Millis(3_600_377)));
        assert!(matches!(Degrees::pack(-104.990_25), Degrees::TenMillionths(-1_049_902_500)));
    }
}
