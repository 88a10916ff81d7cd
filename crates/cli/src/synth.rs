//! `rushhour synth`: people who do not exist, and what their phones would have sent.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rushhour_dataset::configuration::{Configuration, world};
use rushhour_dataset::error::Error;
use rushhour_dataset::generate::{Manner, Selection, check, generate};
use rushhour_dataset::manifest::{Counts, Manifest};
use rushhour_report::table::Table;
use rushhour_synth::entries::Key;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::progress::{people, spinner};
use crate::signals::StopSignal;
use crate::synth_args::{SelectionArgs, WorldArgs};
use crate::{surroundings, synth_inspect, synth_validate};

/// Make people who do not exist, and what their phones would have sent.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  rushhour synth --users 200 --days 14 --form uploads --out /tmp/people
  rushhour synth --users 10000 --days 182 --region berlin --form parquet --out /tmp/berlin
  rushhour synth --users 10000 --users-range 0..5000 --form timeline --out /tmp/first-half

The truth is always written, as CSV in truth/; manifest.json comes last. The same seed makes the
same bytes, on any number of threads. Shards whose ranges meet at multiples of 20 people make the
same files as one run; for the truth, put theirs one after another without their first lines."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// The folder to fill; made when missing
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Replace what an earlier run made there
    #[arg(long)]
    force: bool,
    /// On how many threads; one for each core when not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    world: WorldArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check that the people who are made are like real ones
    Validate(synth_validate::Args),
    /// Tell what a data set is like, beside what is known of real people and phones
    Inspect(synth_inspect::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    match args.command {
        Some(Command::Validate(args)) => return synth_validate::run(&args, quiet),
        Some(Command::Inspect(args)) => return synth_inspect::run(&args, quiet),
        None => {}
    }
    let configuration = args.world.configuration().map_err(Failure::Usage)?;
    let selection = args.selection.selection().map_err(Failure::Usage)?;
    let threads = args.threads.map_or_else(surroundings::cores, NonZeroUsize::get);
    let out = args.out.expect("it is required");
    let stop = Arc::new(AtomicBool::new(false));
    let job = Job { configuration, selection, out, threads, force: args.force, quiet };
    let made = until_stopped(&stop.clone(), move || job.run(&stop))?;
    match made {
        Ok((manifest, out)) => tell(&manifest, &out),
        Err(Error::Interrupted) => Ok(Exit::Interrupted),
        Err(error) if error.is_usage() => Err(Failure::Usage(error.into())),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// Does `work` on another thread; Ctrl-C sets `stop`.
fn until_stopped<T: Send + 'static>(stop: &AtomicBool, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        let mut signal = StopSignal::listen()?;
        let mut work = tokio::task::spawn_blocking(work);
        tokio::select! {
            done = &mut work => return done.context("making people"),
            () = signal.recv() => stop.store(true, Ordering::Relaxed),
        }
        work.await.context("making people")
    })
}

/// All that a run needs.
struct Job {
    configuration: Configuration,
    selection: Selection,
    out: PathBuf,
    threads: usize,
    force: bool,
    quiet: bool,
}

impl Job {
    fn run(self, stop: &AtomicBool) -> Result<(Manifest, PathBuf), Error> {
        let Self { configuration, selection, out, threads, force, quiet } = self;
        check(&out, force)?;
        let making = spinner(quiet, "building the region");
        let world = world(&configuration)?;
        making.finish_and_clear();
        let bar = people(quiet, selection.users_range.len() as u64);
        let tell = |counts: &Counts| {
            bar.set_position(counts.users);
            let rate_per_s = counts.of(Key::Location) as f64 / bar.elapsed().as_secs_f64().max(0.001);
            bar.set_message(format!("{:.2} M fixes/s", rate_per_s / 1e6));
        };
        let manner = Manner { threads, force, stop };
        let made = generate(&configuration, &world, &selection, &out, manner, tell);
        bar.finish_and_clear();
        Ok((made?, out))
    }
}

fn tell(manifest: &Manifest, out: &Path) -> Result<Exit, Failure> {
    let Counts { users, user_days, visits, trips, sections, events, gets, puts, .. } = manifest.counts;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    let rows = [
        ("people", users),
        ("people × days", user_days),
        ("visits", visits),
        ("trips", trips),
        ("sections", sections),
        ("faults", events),
        ("gets", gets),
        ("puts", puts),
    ];
    let entries = Key::ALL.map(|key| (key.name(), manifest.counts.of(key)));
    let files = [("files", manifest.files.len() as u64), ("bytes", bytes)];
    let mut table = Table::new(1, &["what", "count"]);
    for (what, count) in rows.into_iter().chain(entries.into_iter().filter(|(_, count)| *count > 0)).chain(files) {
        table.rows.push(vec![what.to_owned(), count.to_string()]);
    }
    show(&table.text())?;
    show(&format!("\nkept in {}\n", out.display()))?;
    Ok(Exit::Done)
}
