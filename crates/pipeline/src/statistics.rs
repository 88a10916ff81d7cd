//! Quantiles, as pandas interpolates them.

/// The `fraction`-quantile of `values`, interpolated linearly between neighbours; `None` without values.
pub(crate) fn quantile(values: &[f64], fraction: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = fraction * (sorted.len().checked_sub(1)? as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position inside the slice")]
    let below = position.floor() as usize;
    let low = *sorted.get(below)?;
    let high = *sorted.get(below + 1).unwrap_or(&low);
    Some(low + (high - low) * (position - position.floor()))
}

/// The median of `values`; `None` without values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Above this a value is an outlier: `multiplier` times the range between the quartiles above the upper one.
pub(crate) fn outlier_threshold(values: &[f64], multiplier: f64) -> Option<f64> {
    let (lower, upper) = (quantile(values, 0.25)?, quantile(values, 0.75)?);
    Some(upper + multiplier * (upper - lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.25), Some(1.75));
        assert_eq!(median(&[4.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
        assert_eq!(outlier_threshold(&[1.0, 2.0, 3.0, 4.0, 5.0], 3.0), Some(10.0));
    }
}
