//! A run at a glance: a headline, the tables, and what the machines had to do for it.

use std::fmt::Write as _;

mod pull_request;
mod tables;

pub use pull_request::pull_request;
pub(crate) use tables::three_digits;
pub use tables::{counts, errors, flat, latencies, limits, slow};

use crate::diagnosis::diagnose;
use crate::result::{Model, RunResult, ScheduleFacts, TargetUse, UploadResult};
use crate::summary::tables::UNTOLD;
use crate::table::Table;

const EMPTY_NOTE: &str =
    "* every answer was empty: only the way was measured, not the work; latencies stay in result.json";
const CLOSED_NOTE: &str = "closed loop: every connection asks again only when it was answered, so a slow target is asked less, and these\n\
                           latencies are not what people would have waited; see docs/MEASURING.md";

/// For a terminal.
pub fn text(run: &RunResult) -> String {
    page(run, &headline(run), Table::text)
}

/// For `summary.md`.
pub fn markdown(run: &RunResult) -> String {
    page(run, &format!("# {}\n", headline(run)), Table::markdown)
}

fn page(run: &RunResult, title: &str, draw: fn(&Table) -> String) -> String {
    let mut page = format!("{title}\n");
    for reason in &run.reasons {
        let _ = writeln!(page, "- {reason}");
    }
    for warning in &run.warnings {
        let _ = writeln!(page, "- warning: {warning}");
    }
    if !run.reasons.is_empty() || !run.warnings.is_empty() {
        page.push('\n');
    }
    let _ = writeln!(page, "{}", circumstances(run));
    let _ = writeln!(page, "{}{}\n", schedule_line(&run.schedule), upload_line(&run.upload));
    let _ = writeln!(page, "{}\n{}", draw(&counts(run)), draw(&latencies(run)));
    notes(run).iter().for_each(|note| page.push_str(&format!("{note}\n")));
    for table in [limits(run), errors(run), slow(run)] {
        if !table.rows.is_empty() {
            let _ = writeln!(page, "{}", draw(&table));
        }
    }
    let _ = writeln!(page, "{}", generator_line(run));
    if let Some(lag_s) = run.pipeline_lag_max_s {
        let _ = writeln!(page, "pipeline: at most {:.1} minutes of their lives behind the phones", lag_s / 60.0);
    }
    if let Some(target_use) = &run.target_use {
        let _ = writeln!(page, "{}", target_line(target_use, run.measured_s));
    }
    page
}

/// What must be known to read the tables, with an empty line at the end if there is anything.
pub(crate) fn notes(run: &RunResult) -> Vec<String> {
    let mut notes = diagnose(run);
    if run.machine.as_ref().is_some_and(|machine| machine.oom_kills > 0) {
        notes.push("the target needed more than the memory of its machine and was killed".to_owned());
    }
    if run.schedule.model == Model::Closed {
        notes.push(CLOSED_NOTE.to_owned());
    }
    if run.operations.values().any(|operation| operation.is_always_empty) {
        notes.push(EMPTY_NOTE.to_owned());
    }
    for (name, operation) in &run.operations {
        if operation.shed > 0 {
            notes.push(format!(
                "{name}: {} of the failed were given up unsent, as the scenario asked for",
                operation.shed
            ));
        }
        if operation.limited > 0 {
            let limited = operation.limited;
            notes.push(format!(
                "{name}: {limited} of the failed were refused by a limit on requests (429) or on load (503, Retry-After)"
            ));
        }
    }
    for (name, operation) in run.operations.iter().filter(|(_, operation)| operation.retried > 0) {
        notes.push(format!(
            "{name}: {} that had failed were sent again at the phone's next sync, beside the schedule",
            operation.retried
        ));
    }
    if !notes.is_empty() {
        notes.push(String::new());
    }
    notes
}

fn headline(run: &RunResult) -> String {
    format!("{}: {}", subject(run), run.verdict.word().to_uppercase())
}

/// What was run against what, and whether its latencies are those of a closed loop.
pub(crate) fn subject(run: &RunResult) -> String {
    let model = match run.schedule.model {
        Model::Open => "",
        Model::Closed => ", closed loop",
    };
    format!("{} on {}{model}", run.scenario, run.target)
}

fn circumstances(run: &RunResult) -> String {
    let at = &run.environment;
    format!(
        "{} · {} ({}, {} cores, {})\n{} users, seed {} · measured {:.0} s after {} s of warm-up · rushhour {} {}",
        at.started_at,
        at.host,
        at.cpu_model,
        at.cores,
        bytes(at.memory_bytes),
        run.users,
        run.seed,
        run.measured_s,
        run.phases.warm_up_s,
        at.version,
        at.commit,
    )
}

/// Who sent what, and how exactly; nothing for a result that is older than these facts.
fn schedule_line(schedule: &ScheduleFacts) -> String {
    if schedule.threads == 0 {
        return String::new();
    }
    /// Enough to tell schedules apart by eye; the whole stands in `result.json`.
    const HASH_SHOWN: usize = 8;
    let hash = schedule.hash.get(..HASH_SHOWN).unwrap_or(&schedule.hash);
    let what = match schedule.model {
        Model::Open => format!("schedule {hash}, {} arrivals", schedule.arrivals),
        Model::Closed => "closed loop".to_owned(),
    };
    let shard = schedule.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
    let ScheduleFacts { pacing, transport, threads, connections_max, .. } = schedule;
    let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    let timing = if pacing.is_empty() { String::new() } else { format!("pacing {pacing}, ") };
    format!("{what}{shard} · {timing}{threads}, max {connections_max} {transport} connections\n")
}

fn upload_line(upload: &UploadResult) -> String {
    let entries_per_s = if upload.seconds > 0.0 { upload.entries as f64 / upload.seconds } else { 0.0 };
    let held_back = match upload.held_back {
        0 => String::new(),
        times => format!(", {times} held back and sent again"),
    };
    format!(
        "upload before: {} entries in {} requests, {} ({} failed{held_back}), {:.1} s, {entries_per_s:.0} entries/s",
        upload.entries,
        upload.sent,
        bytes(upload.bytes),
        upload.failed,
        upload.seconds,
    )
}

fn generator_line(run: &RunResult) -> String {
    let generator = &run.generator;
    format!(
        "generator: {} of a core, lateness p99 {} ms, steal {}, at most {} waiting for a connection",
        percent(generator.thread_cpu_ratio),
        generator.lateness_p99_ms.map_or(UNTOLD.to_owned(), three_digits),
        percent(generator.steal_ratio),
        generator.backlog_max,
    )
}

fn target_line(target: &TargetUse, measured_s: f64) -> String {
    let seconds = |told: Option<f64>| told.map_or(UNTOLD.to_owned(), |seconds| format!("{seconds:.2}"));
    let room = |told: Option<u64>| told.map_or(UNTOLD.to_owned(), bytes);
    let core = target.measure_cpu_s.filter(|_| measured_s > 0.0).map(|cpu_s| percent(cpu_s / measured_s));
    format!(
        "target: {} CPU s in all, {} while measuring ({} of a core)\n        {} memory at its peak, {} on disk, {} written",
        seconds(target.cpu_s),
        seconds(target.measure_cpu_s),
        core.as_deref().unwrap_or(UNTOLD),
        room(target.memory_peak_bytes),
        room(target.disk_bytes),
        room(target.written_bytes),
    )
}

pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// Bytes with a decimal unit, as disks are sold.
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        n if n < 1e3 => format!("{n} B"),
        n if n < 1e6 => format!("{} kB", three_digits(n / 1e3)),
        n if n < 1e9 => format!("{} MB", three_digits(n / 1e6)),
        n => format!("{} GB", three_digits(n / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::histogram::Percentiles;
    use crate::limit::Limit;
    use crate::result::{MachineUse, OperationResult, Shard, SlowRequest, Verdict};

    fn run() -> RunResult {
        let told = Percentiles {
            count: 1000,
            p50: Some(0.512),
            p90: Some(12.34),
            p99: Some(345.6),
            p99_9: None,
            max: Some(999.9),
        };
        let operation = OperationResult {
            rate_per_s: 100.0,
            offered: 2000,
            sent: 2000,
            completed: 1999,
            failed: 1,
            response_ms: told,
            ..Default::default()
        };
        let empty = OperationResult { is_always_empty: true, ..operation.clone() };
        RunResult {
            verdict: Verdict::Fail,
            reasons: vec!["put.response_ms.p99 < 250 does not hold: it was 345.6".into()],
            upload: UploadResult {
                sent: 10,
                failed: 0,
                entries: 5000,
                bytes: 1_500_000,
                seconds: 0.5,
                ..UploadResult::default()
            },
            operations: BTreeMap::from([("get".to_owned(), operation), ("timeline".to_owned(), empty)]),
            target_use: Some(TargetUse { measure_cpu_s: Some(1.0), ..TargetUse::default() }),
            ..RunResult::example()
        }
    }

    #[test]
    fn the_summary_says_the_verdict_first_and_marks_what_must_not_be_quoted() {
        let text = text(&run());
        assert!(text.starts_with("quickstart on local: FAIL\n- put.response_ms.p99 < 250"), "{text}");
        assert!(text.contains("10000 entries/s"), "{text}");
        assert!(text.contains("timeline*"), "{text}");
        assert!(text.contains(EMPTY_NOTE), "{text}");
        assert!(text.contains("target: – CPU s in all, 1.00 while measuring (5.0 % of a core)"), "{text}");
        let row = text.lines().filter(|line| line.starts_with("get ")).nth(1).unwrap();
        assert_eq!(row.split_whitespace().skip(2).collect::<Vec<_>>(), ["0.51", "12.3", "346", "–", "1000"]);
    }

    #[test]
    fn what_must_be_known_stands_above_the_tables() {
        let run = RunResult { warnings: vec!["its pipeline did no work".into()], ..run() };
        assert!(text(&run).contains("was 345.6\n- warning: its pipeline did no work\n\n"), "{}", text(&run));
    }

    #[test]
    fn the_tables_are_csv_too() {
        let csv = counts(&run()).csv();
        assert_eq!(csv.lines().nth(1), Some("get,100,2000,2000,1999,1,0,0.0,0,0"));
        let flat = flat(&run()).csv();
        assert!(flat.starts_with("operation,rate_per_s,offered"), "{flat}");
        assert!(flat.contains(",response_ms.p99_9,response_ms.max,service_ms.p50,"), "{flat}");
        assert!(flat.contains("\ntimeline,100,2000,2000,1999,1,0,0.0,0,0,true,open,0,0,,,,,,"), "{flat}");
        assert!(
            flat.contains("\nget,100,2000,2000,1999,1,0,0.0,0,0,false,open,0,0,0.512,12.34,345.6,,999.9,"),
            "{flat}"
        );
        assert!(markdown(&run()).contains("| operation"), "{}", markdown(&run()));
    }

    /// A run with everything that a summary can tell.
    fn eventful() -> RunResult {
        let mut run = run();
        let get = run.operations.get_mut("get").unwrap();
        get.errors = BTreeMap::from([("status 429".to_owned(), 30), ("timeout".to_owned(), 2)]);
        let took = Percentiles { count: 30, p50: Some(1.5), max: Some(4.0), ..Percentiles::default() };
        get.error_response_ms = BTreeMap::from([("status 429".to_owned(), took)]);
        (get.shed, get.limited, get.retried) = (12, 30, 28);
        let limits = ["get.response_ms.p99_9 < 1000", "timeline.response_ms.p99 < 1", "get.failed_ratio <= 0.0001"];
        run.limits = limits.map(|limit| limit.parse::<Limit>().unwrap().judge(&run.operations)).concat();
        run.limits[2].window_start_s = Some(12.0);
        let slow = |operation: &str, response_ms| SlowRequest {
            operation: operation.into(),
            id: 41_234,
            user: 7,
            intended_s: 3.25,
            response_ms,
            outcome: "completed".into(),
            ..SlowRequest::default()
        };
        run.slow = (1_u32..9).map(|n| slow("get", 100.0 * f64::from(n))).chain([slow("timeline", 990.0)]).collect();
        run.schedule = ScheduleFacts {
            hash: "0123456789abcdef".into(),
            arrivals: 400_000,
            pacing: "balanced".into(),
            transport: "http1".into(),
            threads: 2,
            connections_max: 64,
            shard: Some(Shard { index: 3, count: 8 }),
            ..ScheduleFacts::default()
        };
        run
    }

    /// Whether the summary has a line of these words.
    fn says(run: &RunResult, words: &str) {
        let text = text(run);
        let words: Vec<_> = words.split_whitespace().collect();
        assert!(text.lines().any(|line| line.split_whitespace().eq(words.iter().copied())), "{words:?} not in\n{text}");
    }

    #[test]
    fn the_summary_tells_limits_errors_and_the_slowest() {
        let run = eventful();
        says(&run, "✓ get.response_ms.p99_9 < 1000 999.9 response_ms.max");
        says(&run, "✗ timeline.response_ms.p99 < 1 –");
        says(&run, "✗ get.failed_ratio <= 0.0001 0.0005 from 12 s on");
        says(&run, "get status 429 30 1.50 4.00");
        says(&run, "timeout 2 – –");
        says(&run, "get completed 41234 7 3.250 800 0.00");
        assert_eq!(slow(&run).rows.len(), 5);
        assert!(slow(&run).rows.iter().all(|row| row[0] == "get"));
        says(&run, "get: 12 of the failed were given up unsent, as the scenario asked for");
        says(&run, "get: 30 of the failed were refused by a limit on requests (429) or on load (503, Retry-After)");
        says(&run, "get: 28 that had failed were sent again at the phone's next sync, beside the schedule");
        says(
            &run,
            "schedule 01234567, 400000 arrivals, shard 4/8 · pacing balanced, 2 threads, max 64 http1 connections",
        );
        assert!(!text(&run).contains("was killed"));
        let machine = Some(MachineUse { oom_kills: 1, ..MachineUse::default() });
        let killed = RunResult { machine, ..run.clone() };
        says(&killed, "the target needed more than the memory of its machine and was killed");
        let widest = text(&run).lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 100), "{widest:?}\n{}", text(&run));
    }

    #[test]
    fn numbers_of_a_closed_loop_are_called_that() {
        assert!(!text(&eventful()).contains("closed"));
        let mut closed = eventful();
        closed.schedule.model = Model::Closed;
        let text = text(&closed);
        assert!(text.starts_with("quickstart on local, closed loop: FAIL\n"), "{text}");
        assert!(text.contains(CLOSED_NOTE) && text.contains("closed loop, shard 4/8 · pacing"), "{text}");
        assert!(flat(&closed).csv().contains(",closed,"));
    }

    #[test]
    fn what_must_not_be_quoted_leaves_no_number_behind() {
        let quotable = eventful().quotable();
        assert_eq!(quotable.limits.iter().map(|limit| limit.value.is_some()).collect::<Vec<_>>(), [true, false, true]);
        assert!(quotable.slow.iter().all(|request| request.operation == "get") && !quotable.slow.is_empty());
        assert_eq!(quotable.operations["timeline"].response_ms, Percentiles::default());
        assert_eq!(quotable.operations["get"], eventful().operations["get"]);
    }

    #[test]
    fn a_result_survives_json() {
        let json = serde_json::to_string(&run()).unwrap();
        assert_eq!(serde_json::from_str::<RunResult>(&json).unwrap(), run());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        for path in [
            "/operations/get/offered",
            "/operations/get/response_ms/p99_9",
            "/operations/get/lateness_ms/p50",
            "/verdict",
            "/environment/host",
        ] {
            assert!(value.pointer(path).is_some(), "{path}");
        }
    }
}
