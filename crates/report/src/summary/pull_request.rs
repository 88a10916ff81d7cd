//! A run as a comment on a pull request: the verdict, what broke it, and the rest folded away.

use std::fmt::Write as _;

use super::tables::{counts, errors, latencies, limits};
use super::{circumstances, headline, notes};
use crate::result::RunResult;

/// In Markdown as code forges show it.
pub fn pull_request(run: &RunResult) -> String {
    let mut text = format!("### {}\n\n", headline(run));
    for reason in &run.reasons {
        let _ = writeln!(text, "- {reason}");
    }
    for warning in &run.warnings {
        let _ = writeln!(text, "- warning: {warning}");
    }
    if !run.reasons.is_empty() || !run.warnings.is_empty() {
        text.push('\n');
    }
    if !run.limits.is_empty() {
        let _ = writeln!(text, "{}", limits(run).markdown());
    }
    let folded = [("Latencies", latencies(run)), ("Requests", counts(run)), ("Errors", errors(run))];
    for (title, table) in folded.iter().filter(|(_, table)| !table.rows.is_empty()) {
        let _ = writeln!(text, "<details><summary>{title}</summary>\n\n{}\n</details>\n", table.markdown());
    }
    for note in notes(run).iter().filter(|note| !note.is_empty()) {
        // The star that marks an operation is no list in a list.
        let _ = writeln!(text, "- {}", note.replace('*', "\\*").replace('\n', " "));
    }
    let _ = writeln!(text, "\n{}", circumstances(run));
    text
}
