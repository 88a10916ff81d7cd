//! How far the mean of a few values may be from the truth: Student's t.

use special::Beta;

/// So many standard errors leave `outside` of the distribution beyond them on each side.
///
/// # Panics
/// Without a degree of freedom nothing is known of an error.
pub(crate) fn student_t(outside: f64, degrees_of_freedom: usize) -> f64 {
    assert!(degrees_of_freedom > 0, "one value has no spread");
    let freedom = degrees_of_freedom as f64;
    // What both sides hold together is the incomplete beta function at freedom / (freedom + t²).
    let (p, q) = (freedom / 2.0, 0.5);
    let at = (2.0 * outside).inv_inc_beta(p, q, p.ln_beta(q));
    (freedom * (1.0 / at - 1.0)).sqrt()
}

/// So many standard errors to either side hold the truth with 95 %.
///
/// # Panics
/// As [`student_t`].
pub(crate) fn t_95(degrees_of_freedom: usize) -> f64 {
    student_t(0.025, degrees_of_freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (degrees, known) in [(1, 12.706), (4, 2.776), (5, 2.571), (8, 2.306), (30, 2.042), (100_000, 1.960)] {
            let off = (t_95(degrees) / known - 1.0).abs();
            assert!(off < 0.001, "{degrees}: {}", t_95(degrees));
        }
        for (degrees, known) in [(3, 5.841), (9, 3.250)] {
            let off = (student_t(0.005, degrees) / known - 1.0).abs();
            assert!(off < 0.001, "{degrees}: {}", student_t(0.005, degrees));
        }
    }
}
