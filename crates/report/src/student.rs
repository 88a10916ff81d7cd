//! How far the mean of a few values may be from the truth: Student's t.

/// For so few degrees of freedom the expansion below is too rough.
const TABLE: [f64; 4] = [12.706, 4.303, 3.182, 2.776];
/// The normal distribution's own.
const Z: f64 = 1.959_964;

/// So many standard errors to either side hold the truth with 95 %.
///
/// # Panics
/// Without a degree of freedom nothing is known of an error.
pub(crate) fn t_95(degrees_of_freedom: usize) -> f64 {
    assert!(degrees_of_freedom > 0, "one value has no spread");
    if let Some(known) = TABLE.get(degrees_of_freedom - 1) {
        return *known;
    }
    // Fisher and Cornish's expansion; from five degrees of freedom on it is within 0.2 %.
    let n = degrees_of_freedom as f64;
    let powers = |a: f64, b: f64, c: f64, d: f64| a * Z.powi(7) + b * Z.powi(5) + c * Z.powi(3) + d * Z;
    let terms =
        [powers(0.0, 0.0, 1.0, 1.0) / 4.0, powers(0.0, 5.0, 16.0, 3.0) / 96.0, powers(3.0, 19.0, 17.0, -15.0) / 384.0];
    Z + terms.into_iter().rev().fold(0.0, |sum, term| (sum + term) / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (degrees, known) in [(1, 12.706), (4, 2.776), (5, 2.571), (8, 2.306), (30, 2.042), (100_000, 1.960)] {
            let off = (t_95(degrees) / known - 1.0).abs();
            assert!(off < 0.002, "{degrees}: {}", t_95(degrees));
        }
    }
}
