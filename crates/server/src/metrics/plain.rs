//! Prometheus' older text format, for those who do not read OpenMetrics: `curl`, `promtool`, simple agents.

use std::fmt::Write;

/// The older format's media type.
pub(crate) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The newer one's.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether whoever sent this `Accept` wants the older format: it names that and not the newer one.
pub(crate) fn wants_plain(accept: &str) -> bool {
    accept.contains("text/plain") && !accept.contains("application/openmetrics-text")
}

/// What `open_metrics` says, in the older format: there a counter's help belongs to its sample's name, units are part
/// of names alone, and nothing marks the end.
pub(crate) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            help = said;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let said = help.strip_prefix(name).unwrap_or_default();
            // Writing into a string does not fail.
            let _ = writeln!(text, "# HELP {name}{suffix}{said}\n# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_as_their_samples_and_units_are_left_out() {
        let open = "# HELP a_bytes What.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\n# HELP b It.\n\
                    # TYPE b gauge\nb 2\n# EOF\n";
        let expected = "# HELP a_bytes_total What.\n# TYPE a_bytes_total counter\na_bytes_total 1\n# HELP b It.\n\
                        # TYPE b gauge\nb 2\n";
        assert_eq!(plain(open), expected);
    }

    #[test]
    fn prometheus_itself_is_given_the_newer_format() {
        let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(!wants_plain(accept) && !wants_plain("*/*") && wants_plain("text/plain"));
    }
}
