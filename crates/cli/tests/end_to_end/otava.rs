//! Apache Otava reads our histories, and finds the changes that we find.
//!
//! Without `otava` on the path the test says so and is skipped; CI has it.

use std::fmt::Write;
use std::process::Command;

use crate::prometheus::{is_there, skip};
use crate::serving::rushhour;

/// Sixty runs, the last 25 of which take a fifth more.
fn history() -> String {
    let mut csv = "time,commit,run,cpu_ms_per_request,put.response_ms.p99\n".to_owned();
    for run in 0..60u32 {
        let (day, hour) = (1 + run / 24, run % 24);
        let level = if run < 35 { 1.0 } else { 1.2 };
        // Anything that is no pattern, of 3 %.
        let noise = |of: u32| 1.0 + 0.06 * (f64::from((run * 7_919 + of) % 101) / 101.0 - 0.5);
        let (cpu_ms, p99_ms) = (1.9 * level * noise(0), 17.0 * level * noise(53));
        writeln!(csv, "2026-10-{day:02}T{hour:02}:00:00Z,c{run},run-{run},{cpu_ms:.6},{p99_ms:.6}").unwrap();
    }
    csv
}

#[test]
fn otava_finds_the_same_changes_in_our_histories() {
    if !is_there("otava") {
        return skip("there is no otava on the path");
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vm-quickstart-local.csv"), history()).unwrap();
    let ours = rushhour().args(["report", "history", "--into"]).arg(dir.path()).output().unwrap();
    let ours = String::from_utf8(ours.stdout).unwrap();
    let found = |measure: &str| ours.lines().any(|line| line.starts_with(measure) && line.contains("run-35"));
    assert!(found("cpu_ms_per_request") && found("put.response_ms.p99"), "{ours}");
    let mut command = Command::new("otava");
    command.current_dir(&dir).env("OTAVA_CONFIG", "otava.yaml");
    let run = command.args(["analyze", "vm-quickstart-local"]).output().unwrap();
    let theirs = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{theirs}\n{}", String::from_utf8_lossy(&run.stderr));
    // It draws a line of changes in front of the run that has them first.
    let lines: Vec<&str> = theirs.lines().collect();
    let changes: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].matches('%').count() > 0).collect();
    let [change] = changes[..] else { panic!("{theirs}") };
    assert_eq!(lines[change].matches('%').count(), 2, "{theirs}");
    assert!(lines[change + 2].contains("run-35"), "{theirs}");
}
