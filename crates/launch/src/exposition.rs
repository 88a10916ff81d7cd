//! Prometheus' text format, as far as numbers by name go. The crates that parse it build a model of types, helps and labels
//! which nobody asks for here.

/// Each series with its value; a series is called as it is on the page, labels and all. Lines that are none are left out.
pub(crate) fn series(page: &str) -> impl Iterator<Item = (&str, f64)> + Clone {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, rest) = line.split_at_checked(name_end(line)?)?;
        let value = rest.split_whitespace().next()?.parse().ok()?;
        // JSON has no other numbers.
        Some((name, value)).filter(|(_, value): &(_, f64)| value.is_finite())
    })
}

/// Where the name and its labels end. A label's value may hold anything, with `\` before a quote.
fn name_end(line: &str) -> Option<usize> {
    let labels = line.find(['{', ' '])?;
    if line.get(labels..)?.starts_with(' ') {
        return Some(labels);
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate().skip(labels) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'}' if !is_quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expected: &[(&str, f64)]) {
        assert_eq!(series(page).collect::<Vec<_>>(), expected, "{page}");
    }

    #[test]
    fn a_series_is_called_as_on_the_page() {
        check("# HELP a b\n# TYPE a gauge\na 1\n", &[("a", 1.0)]);
        check("a{b=\"c\"} 1e3 1700000000\n", &[("a{b=\"c\"}", 1000.0)]);
        check("a{b=\"} 7 \\\" {\",c=\"d e\"} -0.5", &[("a{b=\"} 7 \\\" {\",c=\"d e\"}", -0.5)]);
        check("a_bucket{le=\"1\"} 3 # {trace=\"x\"} 0.5 1.2\n", &[("a_bucket{le=\"1\"}", 3.0)]);
        check("ä{b=\"ö\"} 2\n", &[("ä{b=\"ö\"}", 2.0)]);
    }

    #[test]
    fn what_is_no_series_is_left_out() {
        check("a NaN\nb +Inf\nc -Inf\n\nd\ne{f=\"g\" 3\nh x\n# EOF\n<html>\n", &[]);
    }
}
