//! Numbers as the JSON of phones has them: as short as they can be, and without a fraction when they have none.

use crate::truth::Micros;

/// The digits of 2^64 before the point, the point, and those behind it.
const TEXT_MAX: usize = POINT + 1 + DECIMALS_MAX as usize;
const POINT: usize = 20;
const DECIMALS_MAX: u32 = 8;

/// Appends a whole number.
pub(super) fn push_whole(out: &mut Vec<u8>, number: i64) {
    push_fixed::<0>(out, number);
}

/// Appends a time in seconds.
pub(super) fn push_seconds(out: &mut Vec<u8>, at_us: Micros) {
    push_fixed::<6>(out, at_us);
}

/// Appends `number` divided by ten to the power of `DECIMALS`.
pub(super) fn push_fixed<const DECIMALS: u32>(out: &mut Vec<u8>, number: i64) {
    let unit = 10_u64.pow(DECIMALS);
    let (whole, fraction) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let mut text = [b'.'; TEXT_MAX];
    let (before, behind) = text.split_at_mut(POINT + 1);
    let start = POINT - push_digits(before.get_mut(..POINT).expect("it is longer"), whole);
    let mut end = POINT;
    if fraction > 0 {
        // As if it had as many decimals as there is room for.
        push_digits(behind, fraction * 10_u64.pow(DECIMALS_MAX - DECIMALS) + LEADING_ONE);
        let zeros = behind.iter().rev().take_while(|digit| **digit == b'0').count();
        end = TEXT_MAX - zeros;
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(text.get(start..end).expect("there are digits before the point"));
}

/// Writes a number so that it ends where `text` ends, and tells how many digits fitted.
fn push_digits(text: &mut [u8], mut left: u64) -> usize {
    let mut count = 0;
    let (_, pairs) = text.as_rchunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = (left % 100) as u8;
        *pair = [b'0' + two / 10, b'0' + two % 10];
        left /= 100;
        count += 2;
        if left == 0 {
            return count - usize::from(two < 10);
        }
    }
    count
}

/// A digit that is cut off keeps the zeros behind it.
const LEADING_ONE: u64 = 10_u64.pow(DECIMALS_MAX);

/// Appends a number of single precision.
pub(super) fn push_f32(out: &mut Vec<u8>, number: f32) {
    push_shortest(out, zmij::Buffer::new().format_finite(number));
}

/// Appends a number of double precision.
pub(super) fn push_f64(out: &mut Vec<u8>, number: f64) {
    push_shortest(out, zmij::Buffer::new().format_finite(number));
}

fn push_shortest(out: &mut Vec<u8>, text: &str) {
    let text = text.strip_suffix(".0").unwrap_or(text);
    out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (number, shown) in [(0, "0"), (7, "7"), (-120, "-120"), (i64::MIN, "-9223372036854775808")] {
            assert_eq!(text(|out| push_whole(out, number)), shown);
        }
        for (at_us, shown) in [
            (1_681_442_735_996_000, "1681442735.996"),
            (1_681_442_735_000_000, "1681442735"),
            (1_681_442_735_000_001, "1681442735.000001"),
            (-1_500_000, "-1.5"),
            (10, "0.00001"),
            (0, "0"),
        ] {
            assert_eq!(text(|out| push_seconds(out, at_us)), shown);
        }
        assert_eq!(text(|out| push_fixed::<7>(out, -1_220_864_703)), "-122.0864703");
        for (number, shown) in [(13.246, "13.246"), (5.0, "5"), (-1.0, "-1"), (0.124_528_04, "0.12452804")] {
            assert_eq!(text(|out| push_f32(out, number)), shown);
        }
        assert_eq!(text(|out| push_f64(out, -122.040_820_224_324_3)), "-122.0408202243243");
        assert_eq!(text(|out| push_f64(out, -0.0)), "0");
    }
}
