//! `rushhour capacity table`: how many users machines carry, for how many months, and what that costs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use clap::{ValueEnum, value_parser};
use rushhour_launch::capacity::read;
use rushhour_launch::cost;
use rushhour_launch::machine::Machine;
use rushhour_launch::rundir::{read_result, read_target};
use rushhour_launch::target::Server;
use rushhour_report::catalogue::Catalogue;
use rushhour_report::cost::{CapacityTable, Filled, Headroom, Searched, TableOrder, page};
use rushhour_report::instance::Instance;
use rushhour_report::usl::fit;
use rushhour_report::volume::Volume;

use crate::capacity_usl::searched_cores;
use crate::exit::{Exit, Failure};
use crate::output::show;

/// Say how many users machines carry for how many months, and what that costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour capacity table --cost results/2026-11-23-vm-cost-capacity-phones-local-2 \\
    --instances m5.large,m5.xlarge,m8g.xlarge,t3.medium --months 1,6,24 --disk gp3:10,gp3:100
  rushhour capacity table --cost DIR --search DIR --format markdown > capacity.md

A row is what a search found there (measured, or emulated), or what a day's costs come to on a
machine of its size (extrapolated). The source's own two deployments come first, and what was
searched and not asked for comes last.")]
pub(crate) struct Args {
    /// What a day costs: the folder that `rushhour capacity cost` left, or its cost.json
    #[arg(long, value_name = "PATH")]
    cost: PathBuf,
    /// Searches over phones whose targets are instances; those that could not tell as precisely as
    /// they were to will do if something held each time and everything above something broke
    #[arg(long, value_name = "DIR")]
    search: Vec<PathBuf>,
    /// Searches of one target with more and more `cpus`, six or more: how throughput grows with them
    /// is shown beside the rows, of which none comes from that
    #[arg(long, value_name = "DIR")]
    scaling: Vec<PathBuf>,
    /// Studies that filled the disk of an instance: how far its prediction is off
    #[arg(long, value_name = "DIR")]
    filled: Vec<PathBuf>,
    /// The instances
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "m5.large,m5.xlarge,m8g.xlarge,t3.medium"
    )]
    instances: Vec<String>,
    /// How long a study lasts, in months
    #[arg(long, value_delimiter = ',', default_value = "1,6,24", value_parser = value_parser!(u32).range(1..=240))]
    months: Vec<u32>,
    /// The disks, such as gp3:10, gp2:1 or io1:10:500
    #[arg(long, value_name = "VOLUMES", value_delimiter = ',', default_value = "gp3:10,gp3:100")]
    disk: Vec<Volume>,
    /// Prices of instances, or of volumes, in the form of the program's own and in their place
    #[arg(long, value_name = "FILE.csv")]
    prices: Vec<PathBuf>,
    /// Calibration units per core of an instance, as `rushhour calibrate` prints them there: m8g.large=1.31
    #[arg(long, value_name = "INSTANCE=UNITS", value_parser = calibration)]
    calibrated: Vec<(String, f64)>,
    /// How much of the processors is planned with
    #[arg(long, value_name = "SHARE", default_value_t = Headroom::default().cpu_ratio, value_parser = share)]
    cpu: f64,
    /// How much of the disk's room
    #[arg(long, value_name = "SHARE", default_value_t = Headroom::default().disk_ratio, value_parser = share)]
    room: f64,
    /// How much of the disk's operations per second
    #[arg(long, value_name = "SHARE", default_value_t = Headroom::default().iops_ratio, value_parser = share)]
    iops: f64,
    /// How much of the memory
    #[arg(long, value_name = "SHARE", default_value_t = Headroom::default().memory_ratio, value_parser = share)]
    memory: f64,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also write it as a page
    #[arg(long, value_name = "FILE.html")]
    page: Option<PathBuf>,
}

/// The intervals of the law are drawn from here, so that a table is always the same.
const SEED: u64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Markdown,
    Csv,
    Json,
}

fn calibration(text: &str) -> Result<(String, f64)> {
    let wrong = || anyhow!("write the instance and its units as in m8g.large=1.31");
    let (instance, units) = text.split_once('=').ok_or_else(wrong)?;
    let units: f64 = units.parse().map_err(|_| wrong())?;
    if units > 0.0 && units.is_finite() { Ok((instance.to_owned(), units)) } else { Err(wrong()) }
}

/// Reads how much of something is planned with.
fn share(text: &str) -> Result<f64> {
    let share: f64 = text.parse().context("write a share as in 0.6")?;
    ensure!(share > 0.0 && share <= 1.0, "write a share above 0, at most 1");
    Ok(share)
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let catalogue = catalogue(&args.prices).map_err(Failure::Usage)?;
    let instances = args.instances.iter().map(|name| Ok(catalogue.instance(name)?.clone()));
    let instances: Vec<Instance> = instances.collect::<Result<_>>().map_err(Failure::Usage)?;
    for (instance, _) in &args.calibrated {
        catalogue.instance(instance).context("reading --calibrated").map_err(Failure::Usage)?;
    }
    let cost = cost::read(&args.cost).map_err(Failure::Usage)?;
    let searches: Vec<Searched> =
        args.search.iter().map(|dir| searched(dir, &catalogue)).collect::<Result<_>>().map_err(Failure::Usage)?;
    let filled: Vec<Filled> =
        args.filled.iter().map(|dir| filled(dir)).collect::<Result<_>>().map_err(Failure::Usage)?;
    let calibrations: BTreeMap<String, f64> = args.calibrated.iter().cloned().collect();
    let order = TableOrder {
        instances: &instances,
        volumes: &args.disk,
        months: &args.months,
        cost: &cost,
        headroom: Headroom {
            cpu_ratio: args.cpu,
            disk_ratio: args.room,
            iops_ratio: args.iops,
            memory_ratio: args.memory,
            ..Headroom::default()
        },
        calibrations: &calibrations,
        searches: &searches,
        filled: &filled,
    };
    let table = CapacityTable::new(&order, &catalogue);
    let mut table = table.ok_or_else(|| anyhow!("{} says that a day costs nothing", args.cost.display()))?;
    if !args.scaling.is_empty() {
        let law = searched_cores(&args.scaling).and_then(|points| Ok(fit(points, SEED)?));
        table.law = Some(law.map_err(Failure::Usage)?);
    }
    if let Some(file) = &args.page {
        let page = page("What machines carry", &table);
        std::fs::write(file, page).with_context(|| format!("writing {}", file.display()))?;
    }
    show(&match args.format {
        Format::Table => table.text(),
        Format::Markdown => table.markdown(),
        Format::Csv => table.table().csv(),
        Format::Json => table.table().json(),
    })?;
    Ok(Exit::Done)
}

fn catalogue(prices: &[PathBuf]) -> Result<Catalogue> {
    prices.iter().try_fold(Catalogue::built_in(), |catalogue, file| {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        catalogue.with(&text).with_context(|| format!("in {}", file.display()))
    })
}

/// The search in `dir`, on the instance and the volume that its target names: held to their measure here, or really there.
fn searched(dir: &Path, catalogue: &Catalogue) -> Result<Searched> {
    let capacity = read(dir)?;
    let target = read_target(dir)?;
    let ((instance, volume), is_emulated) = match target.server {
        Server::External { instance, volume, .. } => (named(dir, instance, volume)?, false),
        Server::Reference => (rented(dir, target.machine)?, true),
    };
    ensure!(
        !catalogue.instance(&instance)?.is_burstable() && volume.burst_credits() == 0,
        "the search in {} lived on bursts, which are used up after minutes or hours: no row is its",
        dir.display()
    );
    ensure!(
        capacity.subject.is_emulated == is_emulated,
        "{} was not held to its machine, so no row is its",
        dir.display()
    );
    Searched::new(&instance, volume, is_emulated, &capacity)
        .with_context(|| format!("{} has no number of phones that held each time below one that broke", dir.display()))
}

/// The disk that the study in `dir` filled.
fn filled(dir: &Path) -> Result<Filled> {
    let (instance, volume) = rented(dir, read_target(dir)?.machine)?;
    let result = read_result(dir)?;
    let days = result.upload.full_after_days.with_context(|| format!("{} did not fill its disk", dir.display()))?;
    Ok(Filled { instance, volume, people: result.users, days })
}

/// The instance and the volume of a machine that is nothing else.
fn rented(dir: &Path, machine: Option<Machine>) -> Result<(String, Volume)> {
    let Machine { instance, cpus, memory_mib, volume, iops, disk_gib } = machine.unwrap_or_default();
    let whole = named(dir, instance, volume)?;
    let is_other = cpus.is_some() || memory_mib.is_some() || iops.is_some() || disk_gib.is_some();
    ensure!(
        !is_other,
        "the target of {} has other cores, memory or disk than its instance and volume: no row is its",
        dir.display()
    );
    Ok(whole)
}

fn named(dir: &Path, instance: Option<String>, volume: Option<Volume>) -> Result<(String, Volume)> {
    let missing = |what: &str, such_as: &str| {
        format!("the target of {} names no {what}, so no row is its: give it one, such as `{such_as}`", dir.display())
    };
    let instance = instance.with_context(|| missing("instance", "instance = \"m5.large\""))?;
    let volume = volume.with_context(|| missing("volume", "volume = \"gp3:10\""))?;
    Ok((instance, volume))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that was kept, as of another target.
    fn kept(target: &str, is_emulated: bool) -> Result<Searched> {
        let search = "../../results/2026-11-22-vm-capacity-capacity-phones-m5-large-gp3-2";
        let mut capacity = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(search)).unwrap();
        capacity.subject.is_emulated = is_emulated;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("capacity.json"), serde_json::to_string(&capacity).unwrap()).unwrap();
        std::fs::write(dir.path().join("target.toml"), target).unwrap();
        searched(dir.path(), &Catalogue::built_in())
    }

    #[test]
    fn what_was_searched_where_it_runs_is_measured_and_what_was_not_held_to_its_machine_is_nothing() {
        let here = "name = \"here\"\n[machine]\ninstance = \"m5.large\"\nvolume = \"gp3:10\"";
        let there = "name = \"there\"\n[server.external]\nurl = \"http://192.0.2.7\"";
        let known = format!("{there}\ninstance = \"m5.large\"\nvolume = \"gp3:10\"");
        assert!(kept(here, true).unwrap().is_emulated);
        assert!(!kept(&known, false).unwrap().is_emulated);
        let refused = |target: &str| kept(target, false).unwrap_err().to_string();
        assert!(refused(here).contains("was not held to its machine"), "{}", refused(here));
        assert!(refused(there).contains("names no instance"), "{}", refused(there));
        let of = |machine: &str| refused(&format!("name = \"here\"\n[machine]\n{machine}"));
        assert!(of("instance = \"m5.large\"").contains("names no volume"), "{}", of("instance = \"m5.large\""));
        let more = of("instance = \"m5.large\"\nvolume = \"gp3:10\"\ncpus = 0.5");
        assert!(more.contains("has other cores, memory or disk"), "{more}");
        let burst = kept("name = \"t3\"\n[machine]\ninstance = \"t3.large\"\nvolume = \"gp3:10\"", true).unwrap_err();
        assert!(burst.to_string().contains("lived on bursts"), "{burst}");
    }
}
