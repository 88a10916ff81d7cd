//! The kinds of numbers that phones write, each as a whole number that gives the value back to the bit.

#![expect(
    clippy::cast_possible_truncation,
    reason = "casts of floats saturate, and whatever a cast changes is noticed where the value is compared with the given one"
)]

use crate::value::Value;

/// Whole numbers up to here are floats exactly.
const EXACT_MAX: u64 = 1 << 53;
/// More decimals than this no sensor's text has; it also keeps the power of ten exact.
const DECIMALS_MAX: usize = 16;
const POWERS: [f64; DECIMALS_MAX + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];

/// The least whole number of the 16 significant digits that 2015's servers wrote, as C's `%.16g` does; the recordings of
/// iOS are of that kind.
const OLD_DIGITS_MIN: f64 = 1e15;
/// What the speeds of the receivers in the recordings of 2015 and 2016 are multiples of, in m/s.
const SPEED_STEP: f64 = 0.062_55;

/// How a number is told as a whole number, its payload.
///
/// JSON tells 5 from 5.0. Phones write whole values without the point, so most kinds stand for whole numbers where the
/// value is whole, and [`Kind::Float`] stands for everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The value in units of 10^-n. Dividing by a power of ten that is exact rounds as reading the decimal does.
    Decimal(u8),
    /// The shortest decimal of an `f32`.
    Short,
    /// The shortest decimal of an `f32` that is a number of [`SPEED_STEP`]s but for a rounding error. The payload is
    /// three times their number and, in units of the last place, the error.
    Steps,
    /// An `f32`, widened.
    Wide,
    /// The `f32` nearest to so many hundredths, widened: speeds of iOS.
    Hundredths,
    /// Tenths, rounded to a multiple of 2^-n as a sum with a larger `f32` is: altitudes of receivers above the ellipsoid.
    Tenths(u8),
    /// A widened `f32`, cut to 16 significant digits.
    OldWide,
    /// Hundredths, cut to them.
    OldHundredths,
    /// A multiple of 2^-15, cut to them: altitudes of iOS.
    OldGrid,
    /// Any float, whole or not.
    Float,
    /// Any whole number.
    Int,
    /// A whole number beyond `i64`.
    Uint,
}

/// How many kinds there are; a power of two, for the tree that tells them apart.
pub(crate) const KINDS: usize = 32;

/// The kinds by number, behind the decimals.
const OTHERS: [Kind; 15] = [
    Kind::Short,
    Kind::Steps,
    Kind::Wide,
    Kind::Hundredths,
    Kind::Tenths(13),
    Kind::Tenths(14),
    Kind::Tenths(15),
    Kind::Tenths(16),
    Kind::Tenths(17),
    Kind::OldWide,
    Kind::OldHundredths,
    Kind::OldGrid,
    Kind::Float,
    Kind::Int,
    Kind::Uint,
];

/// Kinds of floats whose payloads are shorter than those of kinds further on.
const SHORTER: [Kind; 10] = [
    Kind::Steps,
    Kind::OldHundredths,
    Kind::Hundredths,
    Kind::Tenths(14),
    Kind::Tenths(15),
    Kind::Tenths(16),
    Kind::Tenths(13),
    Kind::Tenths(17),
    Kind::OldGrid,
    Kind::Short,
];

impl Kind {
    pub(crate) fn index(self) -> u32 {
        match self {
            Self::Decimal(decimals) => decimals.into(),
            other => (DECIMALS_MAX + 1 + OTHERS.iter().position(|kind| *kind == other).unwrap_or_default()) as u32,
        }
    }

    /// The kind of an index below [`KINDS`].
    pub(crate) fn at(index: u32) -> Self {
        match (index as usize).checked_sub(DECIMALS_MAX + 1) {
            None => Self::Decimal(index as u8),
            Some(other) => OTHERS.get(other).copied().unwrap_or(Self::Float),
        }
    }

    /// Whether a value that this kind can tell may still be told with less.
    fn is_long(self) -> bool {
        matches!(self, Self::Short | Self::Wide | Self::OldWide | Self::Float | Self::Int | Self::Uint)
    }

    /// The kind to tell `value` by, with its payload, where the one before it was told by `last` and the last decimals
    /// had `decimals` places: the same ones wherever that is possible.
    pub(crate) fn of(value: Value, last: Self, decimals: u8) -> (Self, i64) {
        if !value.is_number() {
            // What is decoded has no value yet.
            return (last, 0);
        }
        let fits = |kind: Self| Some((kind, kind.payload(value)?));
        if !last.is_long()
            && let Some(told) = fits(last)
        {
            return told;
        }
        let told = match value {
            Value::Uint(_) => fits(Self::Uint),
            Value::Int(int) if int.unsigned_abs() > EXACT_MAX => fits(Self::Int),
            Value::Float(_) => Self::of_float(value, last, decimals),
            _ => fits(Self::Decimal(decimals)).or_else(|| fits(Self::Decimal(0))),
        };
        told.unwrap_or((Self::Decimal(0), 0))
    }

    fn of_float(value: Value, last: Self, decimals: u8) -> Option<(Self, i64)> {
        let fits = |kind: Self| Some((kind, kind.payload(value)?));
        let all_decimals = || std::iter::once(decimals).chain(0..=DECIMALS_MAX as u8).map(Self::Decimal);
        // A decimal of up to six digits says less than the 24 bits of an f32.
        let is_short = |told: &(Self, i64)| told.1.unsigned_abs() < 1_000_000;
        let last = if last.is_long() { fits(last) } else { None };
        let is = |kind: Self| move |told: &(Self, i64)| told.0 == kind;
        all_decimals()
            .take(5)
            .filter_map(fits)
            .find(is_short)
            .or_else(|| last.filter(is(Self::Short)))
            .or_else(|| SHORTER.into_iter().find_map(fits))
            .or_else(|| last.filter(|told| told.0 != Self::Float))
            .or_else(|| [Self::Wide, Self::OldWide].into_iter().find_map(fits))
            .or_else(|| all_decimals().find_map(fits))
            .or_else(|| fits(Self::Float))
    }

    /// The whole number that tells `value`, if this kind can.
    pub(crate) fn payload(self, value: Value) -> Option<i64> {
        let payload = match (self, value) {
            (Self::Decimal(decimals), _) => {
                let scaled = value.as_f64()? * power(decimals);
                if scaled.abs() > EXACT_MAX as f64 {
                    return None;
                }
                // With 14 decimals a fifth of the products round to a neighbour.
                let near = nearest(scaled);
                let mut nearest = [near, near + 1, near - 1].into_iter();
                return nearest.find(|payload| is_same(self.value(*payload), value));
            }
            (Self::Float, Value::Float(float)) => ordered_64(float),
            (Self::Int, Value::Int(int)) => int,
            (Self::Uint, Value::Uint(uint)) => i64::from_ne_bytes(uint.to_ne_bytes()),
            (Self::Float | Self::Int | Self::Uint, _) => return None,
            _ => self.near(value.as_f64()?),
        };
        is_same(self.value(payload), value).then_some(payload)
    }

    /// The payload of the number nearest to `float`.
    pub(crate) fn near(self, float: f64) -> i64 {
        match self {
            Self::Decimal(decimals) => nearest(float * power(decimals)),
            Self::Short | Self::Wide | Self::OldWide => ordered_32(float as f32).into(),
            Self::Steps => {
                let steps = nearest(float / SPEED_STEP);
                let error = i64::from(ordered_32(float as f32)) - i64::from(ordered_32(nearest_steps(steps)));
                steps.wrapping_mul(3).wrapping_add(error.clamp(-1, 1))
            }
            Self::Hundredths | Self::OldHundredths => nearest(float * 100.0),
            Self::Tenths(_) => nearest(float * 10.0),
            Self::OldGrid => nearest(float * GRID),
            Self::Float => ordered_64(float),
            Self::Int => nearest(float),
            Self::Uint => i64::from_ne_bytes((nearest(float) as u64).to_ne_bytes()),
        }
    }

    /// The value of a payload. Any payload has one.
    pub(crate) fn value(self, payload: i64) -> Value {
        let hundredths = || f64::from((payload as f64 / 100.0) as f32);
        match self {
            Self::Decimal(decimals) => {
                let power = power(decimals);
                let float = payload as f64 / power;
                // Not by the remainder: a division of whole numbers takes as long as all the rest.
                let whole = float as i64;
                let is_whole = whole.wrapping_mul(power as i64) == payload;
                if is_whole { Value::Int(whole) } else { Value::Float(float) }
            }
            Self::Short => whole_or_float(shortest(disordered_32(payload))),
            Self::Steps => {
                let steps = payload.wrapping_add(1).div_euclid(3);
                let error = payload.wrapping_sub(steps.wrapping_mul(3));
                let nearest: i64 = ordered_32(nearest_steps(steps)).into();
                whole_or_float(shortest(disordered_32(nearest.wrapping_add(error))))
            }
            Self::Wide => whole_or_float(disordered_32(payload).into()),
            Self::Hundredths => whole_or_float(hundredths()),
            Self::Tenths(bits) => {
                let grid = f64::from(1u32 << bits);
                whole_or_float((payload as f64 / 10.0 * grid).round_ties_even() / grid)
            }
            Self::OldWide => whole_or_float(cut(disordered_32(payload).into())),
            Self::OldHundredths => whole_or_float(cut(hundredths())),
            Self::OldGrid => whole_or_float(cut(payload as f64 / GRID)),
            // JSON has no other floats, so damage may not make them.
            Self::Float => {
                Value::Float(Some(disordered_64(payload)).filter(|float| float.is_finite()).unwrap_or_default())
            }
            Self::Int => Value::Int(payload),
            Self::Uint => Value::Uint(u64::from_ne_bytes(payload.to_ne_bytes())),
        }
    }
}

/// One over the grid of iOS altitudes.
const GRID: f64 = 32_768.0;

/// A float of few bits, cut to 16 digits: the nearest decimal with so many digits, half to even.
fn cut(float: f64) -> f64 {
    let bits = float.abs().to_bits();
    if !float.is_normal() {
        return float;
    }
    let (mantissa, exponent) = ((bits & ((1 << 52) - 1)) | 1 << 52, (bits >> 52) as i32 - 1075);
    // The mantissa without the zeros at its end: at most 24 bits of an f32, more of a hostile value.
    let zeros = mantissa.trailing_zeros();
    let (mantissa, exponent) = (u128::from(mantissa >> zeros), exponent + zeros as i32);
    let places = POWERS.iter().position(|power| float.abs() * power >= OLD_DIGITS_MIN);
    let (Some(places), Ok(shift)) = (places, u32::try_from(-exponent)) else { return float };
    if shift == 0 || shift > 100 || mantissa >> 40 != 0 {
        return float;
    }
    let scaled = mantissa * 10u128.pow(places as u32);
    let (floor, rest, half) = (scaled >> shift, scaled & ((1 << shift) - 1), 1u128 << (shift - 1));
    let rounds_up = rest > half || rest == half && floor & 1 == 1;
    let digits = floor + u128::from(rounds_up);
    if digits > u128::from(EXACT_MAX) {
        return float;
    }
    (digits as f64 / power(places as u8)).copysign(float)
}

fn nearest_steps(steps: i64) -> f32 {
    (steps as f64 * SPEED_STEP) as f32
}

/// The whole number nearest to `float`, to within one.
#[inline]
fn nearest(float: f64) -> i64 {
    (float + 0.5f64.copysign(float)) as i64
}

#[inline]
fn power(decimals: u8) -> f64 {
    POWERS.get(usize::from(decimals)).copied().unwrap_or(1.0)
}

fn whole_or_float(float: f64) -> Value {
    let is_whole = (float as i64) as f64 == float && float.abs() <= EXACT_MAX as f64;
    match float {
        // A negative zero has no whole number.
        _ if is_whole && (float != 0.0 || float.is_sign_positive()) => Value::Int(float as i64),
        _ if float.is_finite() => Value::Float(float),
        _ => Value::Float(0.0),
    }
}

/// The number that the shortest decimal of `float` reads as.
fn shortest(float: f32) -> f64 {
    if !float.is_finite() {
        return 0.0;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(float);
    decimal(text).unwrap_or_else(|| text.parse().unwrap_or_default())
}

/// The number of a text of a few digits and a point: both parts of the quotient are exact, so it is rounded as parsing
/// rounds it, and a third of the time.
fn decimal(text: &str) -> Option<f64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let (mut number, mut decimals) = (0u64, None);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                number = number.wrapping_mul(10).wrapping_add((byte - b'0').into());
                decimals = decimals.map(|decimals: usize| decimals + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let is_exact = digits.len() <= DECIMALS_MAX && number <= EXACT_MAX;
    is_exact.then(|| sign * number as f64 / POWERS.get(decimals.unwrap_or_default()).copied().unwrap_or(1.0))
}

/// Whether two numbers are one, to the bit.
pub(crate) fn is_same(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => false,
    }
}

/// The bits of a float, in the order of the floats.
fn ordered_32(float: f32) -> i32 {
    let bits = i32::from_ne_bytes(float.to_bits().to_ne_bytes());
    if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits }
}

fn disordered_32(payload: i64) -> f32 {
    let bits = payload as i32;
    let bits = if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits };
    f32::from_bits(u32::from_ne_bytes(bits.to_ne_bytes()))
}

fn ordered_64(float: f64) -> i64 {
    let bits = i64::from_ne_bytes(float.to_bits().to_ne_bytes());
    if bits < 0 { !(bits & i64::MAX) } else { bits }
}

fn disordered_64(payload: i64) -> f64 {
    let bits = if payload < 0 { !payload | i64::MIN } else { payload };
    f64::from_bits(u64::from_ne_bytes(bits.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: Value) -> Kind {
        let (kind, payload) = Kind::of(value, Kind::Decimal(0), 0);
        assert!(is_same(kind.value(payload), value), "{value:?} as {kind:?}");
        assert_eq!(Kind::at(kind.index()), kind);
        kind
    }

    #[test]
    fn every_number_has_a_kind_that_gives_it_back() {
        for (value, kind) in [
            (Value::Int(0), Kind::Decimal(0)),
            (Value::Int(-17), Kind::Decimal(0)),
            (Value::Float(18.224), Kind::Decimal(3)),
            (Value::Float(1_470_397_780.507), Kind::Decimal(3)),
            (Value::Float(39.262_580_5), Kind::Decimal(7)),
            (Value::Float(13.546_811), Kind::Short),
            (Value::Float(1_137.862_670_898_437_5), Kind::Wide),
            (Value::Float(18.577_349), Kind::Steps),
            (Value::Float(14.350_000_381_469_727), Kind::Hundredths),
            (Value::Float(14.350_000_381_469_73), Kind::OldHundredths),
            (Value::Float(-14.100_006_103_515_625), Kind::Tenths(15)),
            (Value::Float(280.469_146_728_515_6), Kind::OldGrid),
            (Value::Float(19.562_530_517_578_12), Kind::OldGrid),
            (Value::Float(-0.519_999_980_926_513_7), Kind::OldHundredths),
            (Value::Float(37.390_200_493_735_36), Kind::Decimal(14)),
            (Value::Float(5.0), Kind::Float),
            (Value::Float(-0.0), Kind::Float),
            (Value::Float(1e308), Kind::Float),
            (Value::Float(5e-324), Kind::Float),
            (Value::Float(-1.834_121_873_586_699_8), Kind::Float),
            (Value::Int(i64::MIN), Kind::Int),
            (Value::Int(164_225_292_669_207), Kind::Decimal(0)),
            (Value::Uint(u64::MAX), Kind::Uint),
        ] {
            assert_eq!(told(value), kind, "{value:?}");
        }
    }

    #[test]
    fn the_order_of_floats_is_kept() {
        let floats = [f64::MIN, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, f64::MAX];
        assert!(floats.windows(2).all(|pair| ordered_64(pair[0]) < ordered_64(pair[1])));
        assert!(floats.iter().all(|float| disordered_64(ordered_64(*float)).to_bits() == float.to_bits()));
        let floats = [f32::MIN, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, f32::MAX];
        assert!(floats.windows(2).all(|pair| ordered_32(pair[0]) <= ordered_32(pair[1])));
    }
}
