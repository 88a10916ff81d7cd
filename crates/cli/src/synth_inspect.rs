//! `rushhour synth inspect`: what a data set is like, beside what is known of real people and phones.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rushhour_dataset::error::Error;
use rushhour_dataset::inspect::{Origin, is_as_told};
use rushhour_dataset::manifest::Manifest;
use rushhour_dataset::people::people;
use rushhour_dataset::scene::{Scene, scenes};
use rushhour_dataset::statistics::Mobility;
use rushhour_dataset::statistics::biography::Biography;
use rushhour_dataset::statistics::row::Row;
use rushhour_dataset::statistics::sensing::{RealDays, Sensing};
use rushhour_synth::world::World;

use crate::exit::{Exit, Failure};
use crate::output::say;
use crate::progress::counter;
use crate::real_days::{halves, senses};
use crate::report::Format;
use crate::synth_page::{Page, subtitle, title};
use crate::synth_validate::print;

/// Tell what a data set is like, beside what is known of real people and phones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour synth inspect /tmp/people
  rushhour synth inspect /tmp/people --page people.html

People are told from the truth. Phones are told from entries in the form `timeline`, those of the first 200 people;
other forms say nothing here. Nothing is judged: the exit code is 0 whatever the verdicts.")]
pub(crate) struct Args {
    /// The data set, as `rushhour synth --out` made it
    dir: PathBuf,
    /// Draw the distributions, and some days on maps, on one HTML page
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// The map that its streets are from, if they are from one: for the maps of the page
    #[arg(long, value_name = "FILE", requires = "page")]
    osm: Option<PathBuf>,
    /// Days of real phones to compare sensing with: a folder of files such as android-2023-01-15.stored.json.gz, of
    /// which every second is taken
    #[arg(long, value_name = "DIR", env = "RUSHHOUR_DAYS")]
    days_dir: Option<PathBuf>,
    /// How to print the table
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// The phones of so many people are enough to tell how phones sense.
const PHONES_MAX: usize = 200;
/// Days to draw are looked for among so many people: a choice.
const SCENE_USERS: u32 = 100;

/// What is told of a data set.
#[derive(Default)]
struct Told {
    mobility: Mobility,
    sensing: Sensing,
    /// The first people's.
    lives: Vec<Biography>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let manifest = Manifest::read(&args.dir).map_err(unreadable)?;
    let origin = Origin::of(&manifest).map_err(unreadable)?;
    let real = args.days_dir.as_deref().map_or_else(|| Ok(RealDays::default()), halves).map_err(Failure::Usage)?;
    let told = read(&args.dir, manifest.counts.users, quiet)?;
    let mut rows = told.mobility.rows(&origin.parameters, &told.mobility.exploration);
    rows.extend(told.sensing.rows(&real));
    rows.retain(|row| !row.values.is_empty());
    print(&rows, args.format)?;
    if let Some(file) = &args.page {
        let page = draw(&told, &rows, &manifest, &origin, args.osm.clone())?;
        std::fs::write(file, page).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(Exit::Done)
}

fn unreadable(error: Error) -> Failure {
    match error.is_usage() {
        true => Failure::Usage(error.into()),
        false => Failure::Failed(error.into()),
    }
}

fn read(dir: &Path, users: u64, quiet: bool) -> Result<Told, Failure> {
    let mut told = Told::default();
    let bar = counter(quiet, "people", users);
    for (number, person) in people(dir).map_err(unreadable)?.enumerate() {
        let person = person.map_err(unreadable)?;
        told.mobility.merge(&Mobility::of(&person.life));
        let entries = dir.join("timeline").join(format!("synth_{}.gz", person.row.user_id));
        if number < PHONES_MAX && entries.is_file() {
            told.sensing.add(&person.row.profile, &senses(&entries).map_err(Failure::Usage)?);
        }
        if told.lives.len() < SCENE_USERS as usize {
            told.lives.push(person.life);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(told)
}

fn draw(
    told: &Told,
    rows: &[Row],
    manifest: &Manifest,
    origin: &Origin,
    osm: Option<PathBuf>,
) -> Result<String, Failure> {
    let world = origin.world(osm).map_err(unreadable)?;
    let scenes = world.as_ref().map(|world| looks(world, told, manifest.users_range.start));
    match &scenes {
        None => say("there are no maps: the streets are from a map, which --osm names"),
        Some(scenes) if scenes.is_empty() => say("there are no maps: this version makes other people of that seed"),
        Some(_) => {}
    }
    let page = Page {
        title: title(&manifest.region, told.mobility.people),
        subtitle: subtitle(origin.study(), manifest.attribution.as_deref()),
        mobility: &told.mobility,
        sensing: &told.sensing,
        rows,
        scenes: scenes.as_deref().zip(world.as_ref().map(|world| &world.region)),
    };
    Ok(page.html())
}

/// Days to look at, of people whose truth is the same when they are made again.
fn looks(world: &World, told: &Told, first: u32) -> Vec<Scene> {
    let count = u32::try_from(told.lives.len()).unwrap_or(0);
    let mut scenes = scenes(world, first..first + count);
    scenes.retain(|scene| {
        let life = told.lives.get((scene.person.user - first) as usize);
        life.is_some_and(|life| is_as_told(scene, life))
    });
    scenes
}
