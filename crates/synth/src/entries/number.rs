//! Numbers as the JSON of phones has them: as short as they can be, and without a fraction when they have none.

use crate::truth::Micros;

/// Appends a whole number.
pub fn push_whole(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a time in seconds.
pub fn push_seconds(out: &mut Vec<u8>, at_us: Micros) {
    push_fixed::<6>(out, at_us);
}

/// Appends `number` divided by ten to the power of `DECIMALS`.
pub fn push_fixed<const DECIMALS: u32>(out: &mut Vec<u8>, number: i64) {
    let unit = 10_u64.pow(DECIMALS);
    let (whole, fraction) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if fraction > 0 {
        let digits = digits(fraction * 10_u64.pow(DIGITS - DECIMALS));
        let zeros = digits.leading_zeros() / u8::BITS;
        out.push(b'.');
        out.extend_from_slice(&(digits | ZEROS).to_le_bytes());
        out.truncate(out.len() - zeros as usize);
    }
}

/// So many digits fit a word.
const DIGITS: u32 = 8;
/// As many zeros.
const ZEROS: u64 = u64::from_le_bytes([b'0'; DIGITS as usize]);

/// The digits of a number of at most eight, one to a byte, the highest in the lowest: halves, quarters and eighths of the
/// word are divided at once, by multiplying with what is as good as an inverse for so few digits.
fn digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let quarters = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((quarters * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | ((quarters - 10 * tens) << 8)
}

/// Appends a number of single precision. Most have three decimals at most, and are written in half of the time.
pub(super) fn push_f32(out: &mut Vec<u8>, number: f32) {
    /// Up to here, numbers with three decimals have no shorter text than that: they have seven digits.
    const SMALL: f32 = 10_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    let thousandths = (f64::from(number) * 1_000.0 + 0.5_f64.copysign(f64::from(number))) as i64;
    #[expect(clippy::cast_possible_truncation, reason = "it is single precision again if nothing was cut off")]
    let is_exact = number.abs() < SMALL && (thousandths as f64 / 1_000.0) as f32 == number;
    if is_exact {
        push_fixed::<3>(out, thousandths)
    } else {
        push_shortest(out, zmij::Buffer::new().format_finite(number))
    }
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
    fn a_word_has_the_digits_of_its_number() {
        let numbers = (0..100_000_000).step_by(997).chain([9, 10, 99, 10_000, 9_999_999, 99_999_999]);
        for number in numbers {
            assert_eq!((digits(number) | ZEROS).to_le_bytes(), format!("{number:08}").as_bytes());
        }
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
        for (number, shown) in [
            (13.246, "13.246"),
            (5.0, "5"),
            (-1.0, "-1"),
            (0.124_528_04, "0.12452804"),
            (-0.0, "0"),
            (-7.3, "-7.3"),
            (9_999.999, "9999.999"),
            (16_000.5, "16000.5"),
            (0.000_5, "0.0005"),
            (1e-9, "1e-9"),
            (359.0, "359"),
        ] {
            assert_eq!(text(|out| push_f32(out, number)), shown);
        }
        assert_eq!(text(|out| push_f64(out, -122.040_820_224_324_3)), "-122.0408202243243");
        assert_eq!(text(|out| push_f64(out, -0.0)), "0");
    }
}
