//! `rushhour calibrate`: what a core of this machine does, and how fast its disk syncs.

use std::hint::black_box;
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use rushhour_chunk::{Ordinary, Rows};
use rushhour_load::population::Population;
use rushhour_load::schedule::Part;
use rushhour_report::calibration::{Calibration, Kernels};
use rushhour_store::steady_time;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{Region, RegionFile, RegionParameters};
use rushhour_synth::world::{Study, World};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::progress::spinner;

/// How often both kernels are run, in turn.
const REPEATS: usize = 9;
/// A kernel runs at least so long at a time, in processor time.
const RUN: Duration = Duration::from_millis(200);
/// A page of a disk.
const PAGE_BYTES: usize = 4096;
/// Pages are written and synced until there are so many, or for so long.
const SYNCS_MAX: usize = 500;
const SYNCING_MAX: Duration = Duration::from_secs(3);

/// Measure what one core of this machine does, in the unit in which machines are compared.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour calibrate
  rushhour calibrate --dir /mnt/data --format json

It parses and encodes the days of twenty people who are always the same, for some six seconds, and
counts processor time: one unit is what a core of the machine did on which the unit was defined.
Give what it says of another machine to `rushhour capacity table --calibrated m8g.large=1.31`.")]
pub(crate) struct Args {
    /// The folder whose disk is to be synced
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// How to show what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let calibration = calibrate(&args.dir, quiet)?;
    match args.format {
        Format::Text => show(&calibration.table().text())?,
        Format::Json => {
            show(&(serde_json::to_string_pretty(&calibration).context("writing the figures as JSON")? + "\n"))?;
        }
    }
    if calibration.is_unsteady() {
        say("others used the machine meanwhile: the repeats lie more than a tenth apart; try again when it is quiet");
    }
    Ok(Exit::Done)
}

/// What a core of this machine does, and the disk under `dir`.
pub(crate) fn calibrate(dir: &Path, quiet: bool) -> Result<Calibration> {
    let working = spinner(quiet, "calibrating");
    let days = days()?;
    let rows: Vec<Rows> = days.iter().map(|day| rows(day)).collect::<Result<_>>()?;
    let bytes: usize = days.iter().flatten().map(|body| body.len()).sum();
    let entries: usize = rows.iter().map(Rows::len).sum();
    let parse = || days.iter().flatten().for_each(|body| drop(black_box(parsed(body).map(|rows| rows.pack()))));
    let encode = || rows.iter().for_each(|rows| drop(black_box(rows.encode())));
    let once = |_| Kernels {
        parse_mb_per_s: bytes as f64 / 1e6 * per_cpu_s(parse),
        encode_entries_per_s: entries as f64 * per_cpu_s(encode),
    };
    let repeats: Vec<Kernels> = (0..REPEATS).map(once).collect();
    let syncs_s = syncs_s(dir).with_context(|| format!("syncing a file in {}", dir.display()))?;
    working.finish_and_clear();
    Calibration::new(&repeats, syncs_s).context("nothing was measured")
}

/// What the phones of twenty people upload in three days, each day of a person: the same everywhere.
fn days() -> Result<Vec<Vec<Bytes>>> {
    let file = RegionFile {
        name: "calibration".to_owned(),
        latitude: 39.7392,
        longitude: -104.9903,
        radius_m: 4_000.0,
        time_zone: "America/Denver".to_owned(),
        country: "US".to_owned(),
        away: Vec::new(),
    };
    let region = RegionParameters::try_from(file).map_err(|error| anyhow!("describing the region: {error}"))?;
    let study = Study { seed: 1, first_day: jiff::civil::date(2026, 1, 5), days: 3 };
    let world = World { region: Region::synthetic(&region, study.seed), parameters: Parameters::default(), study };
    let people = NonZeroU32::new(20).context("it is not 0")?;
    let mut population = Population::synthetic(Arc::new(world), people, study.days);
    let uploads = std::iter::from_fn(|| population.next_before(Part::WHOLE, study.days));
    let bodies: Vec<(u32, Bytes)> = uploads.map(|(upload, user, _)| (user, upload.body)).collect();
    let of_person = bodies.chunk_by(|one, other| one.0 == other.0);
    Ok(of_person.map(|day| day.iter().map(|(_, body)| body.clone()).collect()).collect())
}

/// The entries of a day, as they are when it is sealed.
fn rows(bodies: &[Bytes]) -> Result<Rows> {
    let mut rows = Rows::default();
    for body in bodies {
        rows.append(&parsed(body)?);
    }
    Ok(rows)
}

/// The entries of an upload, as the server takes them apart.
fn parsed(body: &[u8]) -> Result<Rows> {
    #[derive(Deserialize)]
    struct Put {
        phone_to_server: Ordinary,
    }
    let Put { phone_to_server: Ordinary(rows) } = serde_json::from_slice(body).context("reading an upload")?;
    Ok(rows)
}

/// Runs `work` over and over; returns how often it is done in a second of processor time.
fn per_cpu_s(work: impl Fn()) -> f64 {
    let started = cpu_time();
    for done in 1_u32.. {
        work();
        let took = cpu_time().saturating_sub(started);
        if took >= RUN {
            return f64::from(done) / took.as_secs_f64();
        }
    }
    unreachable!("there are numbers enough")
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How long each of some syncs of a page takes.
fn syncs_s(dir: &Path) -> Result<Vec<f64>> {
    let mut file = tempfile::tempfile_in(dir)?;
    let page = [7; PAGE_BYTES];
    let started = steady_time();
    let mut syncs_s = Vec::new();
    while syncs_s.len() < SYNCS_MAX && steady_time().saturating_sub(started) < SYNCING_MAX {
        // As the log is, whose segments are there before anything is written into them.
        file.seek(SeekFrom::Start(0))?;
        let begun = steady_time();
        file.write_all(&page)?;
        file.sync_data()?;
        syncs_s.push(steady_time().saturating_sub(begun).as_secs_f64());
    }
    Ok(syncs_s)
}
