//! `rushhour`: how many phones, for how many months, can a travel-diary server carry?
//!
//! The one binary; each role is a subcommand with a file of its own. Only this crate prints, and reads the clock, the
//! environment and the command line: stdout carries results, stderr the rest.

mod calibrate;
mod capacity;
mod capacity_cost;
mod capacity_table;
mod capacity_usl;
mod chart;
mod compare;
#[cfg(test)]
mod documented;
mod entries;
mod entry_file;
mod exit;
mod intake;
mod intake_args;
mod intake_page;
mod intake_score;
mod intake_table;
mod ios_rounding;
mod journeys;
mod launch;
mod load;
mod load_args;
mod logs;
mod materials;
mod output;
mod progress;
mod real_days;
mod report;
mod report_compare;
mod report_history;
mod report_merge;
mod report_page;
mod report_recompute;
mod score_source;
mod score_table;
mod serve;
mod serve_auth;
mod signals;
mod store;
mod store_entry;
mod store_export;
mod store_figures;
mod store_import;
mod store_mend;
mod store_source;
mod store_stat;
mod store_table;
mod store_verify;
mod study;
mod surroundings;
mod synth;
mod synth_args;
mod synth_charts;
mod synth_inspect;
mod synth_map;
mod synth_page;
mod synth_validate;
mod telling;
mod transit_file;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tikv_jemallocator::Jemalloc;

use crate::exit::Failure;

/// Load generation and benchmarking for travel-diary servers such as e-mission.
#[derive(Debug, Parser)]
#[command(version = surroundings::VERSION, max_term_width = 100, after_help = AFTER_HELP)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Show no progress
    #[arg(long, short, global = true, display_order = 100)]
    quiet: bool,
}

const AFTER_HELP: &str = "\
Examples:
  rushhour launch scenarios/quickstart.toml
  rushhour serve --listen 127.0.0.1:8080 --data /tmp/diary
  rushhour load --url http://127.0.0.1:8080 --get 100 --put 50 --days scenarios/days
  rushhour capacity scenarios/capacity-mix.toml --machine t3.medium
  rushhour synth --users 200 --days 14 --form uploads --out /tmp/people
  rushhour report show results/2026-11-21-vm-quickstart-local

Exit codes:
  0 done   1 failed   2 bad arguments, or a file that does not parse
  3 a limit was breached, or the target saturated
  4 a build is worse than its baseline by more than the tolerance
  5 the run is invalid: the generator or a noisy machine decided the numbers
  130 Ctrl-C";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the reference server
    Serve(serve::Args),
    /// Drive a running server: x get/s, y put/s, z timeline/s
    Load(load::Args),
    /// Start a server, drive a scenario against it, and keep everything in results/
    Launch(launch::Args),
    /// Find the highest rate, or number of phones, that holds the limits; say what machines carry and cost
    Capacity(Box<capacity::Args>),
    /// Measure what one core of this machine does, in the unit in which machines are compared
    Calibrate(calibrate::Args),
    /// Drive a running server by phones that wait for each answer
    Journeys(journeys::Args),
    /// Make people who do not exist, and what their phones would have sent
    Synth(synth::Args),
    /// Find the trips in files of entries, or in a store
    Intake(intake::Args),
    /// Check files of entries, and convert them between phone form and stored form
    Entries(entries::Args),
    /// Fill a store, look at it, check it, take out of it, and mend it
    Store(store::Args),
    /// Compare two builds of the server, in pairs of runs on this machine
    Compare(compare::Args),
    /// Show, draw, compare and judge what is in results/
    Report(report::Args),
}

/// What the system's allocator keeps of a server's largest answers, thread by thread, it never gives back: 0.7 GB where 0.07
/// was in use (docs/design/server.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let Args { command, quiet } = Args::parse();
    let outcome = match command {
        Command::Serve(args) => serve::run(&args, quiet),
        Command::Load(args) => load::run(args, quiet),
        Command::Launch(args) => launch::run(args, quiet),
        Command::Capacity(args) => capacity::run(*args, quiet),
        Command::Calibrate(args) => calibrate::run(&args, quiet),
        Command::Journeys(args) => journeys::run(args, quiet),
        Command::Synth(args) => synth::run(args, quiet),
        Command::Intake(args) => intake::run(&args, quiet),
        Command::Entries(args) => entries::run(&args),
        Command::Store(args) => store::run(&args, quiet),
        Command::Compare(args) => compare::run(&args, quiet),
        Command::Report(args) => report::run(&args),
    };
    let exit = outcome.unwrap_or_else(Failure::tell);
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
