//! Gaps: iOS is silent while its person stays, so staying looks like one slow step. Points that scatter around the place
//! fill the gap before speeds are judged.

use std::f64::consts::TAU;

use crate::position::Position;
use crate::smoothing::Sample;

/// A longer gap is filled, with a point every so many seconds.
const INTERVAL_S: f64 = 60.0;
/// A gap is filled if its ends are this near to each other, with points this near to its end.
const SCATTER_M: f64 = 100.0;
/// Metres in a degree of latitude, as the original takes it.
const METRES_IN_DEGREE: f64 = 111_111.0;

/// The samples, with points in the gaps.
pub(crate) fn filled(samples: Vec<Sample<'_>>) -> Vec<Sample<'_>> {
    let mut filled: Vec<Sample<'_>> = Vec::with_capacity(samples.len());
    for sample in samples {
        if let Some(last) = filled.last() {
            let (from, to, at) = (last.ts, sample.ts, sample.at);
            if to - from > INTERVAL_S && last.at.distance_m(at) <= SCATTER_M {
                let points = (1_u32..).map(|step| from + f64::from(step) * INTERVAL_S).take_while(|ts| *ts < to);
                filled.extend(points.map(|ts| Sample { ts, at: scattered(ts, at), fix: None }));
            }
        }
        filled.push(sample);
    }
    filled
}

/// A point near `at`. Where, follows from the time alone, so that a section looks the same whenever it is judged; the
/// original draws from a generator that all users share.
fn scattered(ts: f64, at: Position) -> Position {
    let (far, round) = (uniform(ts.to_bits()), uniform(!ts.to_bits()));
    let (metres, angle) = (far * SCATTER_M, round * TAU);
    let longitudes = at.latitude.to_radians().cos().max(0.01);
    Position {
        latitude: (at.latitude + metres * angle.sin() / METRES_IN_DEGREE).clamp(-90.0, 90.0),
        longitude: at.longitude + metres * angle.cos() / METRES_IN_DEGREE / longitudes,
    }
}

/// 0 to 1, from the bits of `seed`: the finisher of SplitMix64 (Steele, Lea and Flood 2014).
fn uniform(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let high = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or_default();
    f64::from(high) / f64::from(u32::MAX)
}
