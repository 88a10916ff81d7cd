//! What may have been meant by a name that is none.

/// Below this nothing was meant in particular.
const ALIKE: f64 = 0.7;
/// More would not be read.
const NAMES_MAX: usize = 3;

/// "; did you mean `a`, `b` or `c`?", the nearest first; nothing when none is near.
///
/// Names with dots are near to each other by their last parts too: `p95` is near to `response_ms.p99`.
pub(crate) fn suggestion<'a>(unknown: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = nearest(unknown, names);
    let near: Vec<_> = near.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    match near.as_slice() {
        [] => String::new(),
        [only] => format!("; did you mean {only}?"),
        [first @ .., last] => format!("; did you mean {} or {last}?", first.join(", ")),
    }
}

/// The names that may have been meant, the nearest first.
pub fn nearest<'a>(unknown: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let likeness = |name: &str| {
        let whole = strsim::jaro_winkler(unknown, name);
        whole.max(strsim::jaro_winkler(last(unknown), last(name)))
    };
    let mut near: Vec<_> =
        names.map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().map(|(_, name)| name).collect()
}

fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_far_ones_not_at_all() {
        let names = ["offered", "response_ms.p90", "response_ms.p99", "service_ms.p99"];
        let suggestion = |unknown| suggestion(unknown, names.into_iter());
        assert_eq!(suggestion("p99"), "; did you mean `response_ms.p99`, `service_ms.p99` or `response_ms.p90`?");
        assert_eq!(suggestion("ofered"), "; did you mean `offered`?");
        assert_eq!(suggestion("xyz"), "");
    }
}
