//! `rushhour synth validate`: whether the people who are made are like real ones.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use rushhour_dataset::configuration::world;
use rushhour_dataset::osm::ATTRIBUTION;
use rushhour_dataset::scene::scenes;
use rushhour_dataset::statistics::row::{Row, Verdict};
use rushhour_dataset::statistics::sensing::RealDays;
use rushhour_dataset::{recovery, validate};
use rushhour_report::table::Table;

use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::progress::counter;
use crate::real_days::halves;
use crate::report::Format;
use crate::surroundings;
use crate::synth_args::WorldArgs;
use crate::synth_page::{Page, subtitle, title};

/// Check that the people who are made are like real ones.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("days", |days| days.default_value("56")),
    after_help = "Examples:
  rushhour synth validate
  rushhour synth validate --users 200 --familiar-users 50 --region berlin --page berlin.html

Each statistic is printed beside its reference. Exit code 3: one of them is too far off."
)]
pub(crate) struct Args {
    /// How many people
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    users: u32,
    /// How many of them are watched for 20 weeks, to count their familiar places
    #[arg(long, value_name = "COUNT", default_value_t = 300)]
    familiar_users: u32,
    /// On how many threads; one for each core when not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// Days of real phones to compare sensing with: a folder of files such as android-2023-01-15.stored.json.gz, of
    /// which every second is taken
    #[arg(long, value_name = "DIR", env = "RUSHHOUR_DAYS")]
    days_dir: Option<PathBuf>,
    /// Draw the distributions, and some days, on one HTML page
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// How to print the table
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    world: WorldArgs,
}

/// Familiar places are counted over twenty weeks.
const FAMILIAR_DAYS: u32 = 140;
/// So many people are made again, and again: a choice.
const REPEATED_USERS: u32 = 40;
/// Days to draw are looked for among so many people: a choice.
const SCENE_USERS: u32 = 100;

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let configuration = args.world.configuration().map_err(Failure::Usage)?;
    let threads = args.threads.map_or_else(surroundings::cores, NonZeroUsize::get);
    let real = args.days_dir.as_deref().map_or_else(|| Ok(RealDays::default()), halves).map_err(Failure::Usage)?;
    let mut world = world(&configuration).map_err(|error| Failure::Usage(error.into()))?;
    let bar = counter(quiet, "people", u64::from(args.users) + u64::from(args.familiar_users));
    let observed = validate::observe(&world, 0..args.users, threads, || bar.inc(1));
    let recovered = recovery::recover(&world, 0..args.users, threads);
    let repeated = validate::repeatability(&world, 0..args.users.min(REPEATED_USERS), threads);
    world.study.days = FAMILIAR_DAYS;
    let familiar = validate::mobility(&world, 0..args.familiar_users, threads, || bar.inc(1));
    world.study = configuration.study;
    bar.finish_and_clear();
    let mut rows = observed.mobility.rows(&world.parameters, &familiar.exploration);
    rows.extend(observed.sensing.rows(&real));
    rows.extend(observed.errors.rows());
    rows.extend(recovery::rows(&recovered));
    rows.push(repeated);
    print(&rows, args.format)?;
    if let Some(file) = &args.page {
        let scenes = scenes(&world, 0..args.users.min(SCENE_USERS));
        let page = Page {
            title: title(&world.region.name, u64::from(args.users)),
            subtitle: subtitle(world.study, configuration.osm.as_ref().map(|_| ATTRIBUTION)),
            mobility: &observed.mobility,
            sensing: &observed.sensing,
            rows: &rows,
            scenes: Some((&scenes, &world.region)),
        };
        std::fs::write(file, page.html()).with_context(|| format!("writing {}", file.display()))?;
    }
    let has_failed = rows.iter().any(|row| row.verdict() == Verdict::Fail);
    Ok(if has_failed { Exit::Breached } else { Exit::Done })
}

/// Prints rows with their verdicts.
pub(crate) fn print(rows: &[Row], format: Format) -> anyhow::Result<()> {
    let mut table = Table::new(2, &["row", "statistic", "reference", "value", "tolerance", "verdict"]);
    table.rows = rows
        .iter()
        .map(|row| {
            let number = row.number.to_string();
            let verdict = row.verdict().name().to_owned();
            vec![number, row.statistic.clone(), row.reference(), row.value(), row.tolerance(), verdict]
        })
        .collect();
    match format {
        Format::Table => show(&table.text()),
        Format::Json => show(&table.json()),
        Format::Csv => show(&table.csv()),
    }
}
