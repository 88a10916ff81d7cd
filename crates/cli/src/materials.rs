//! What a scenario's requests are made from: its people, and the files it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rushhour_dataset::configuration;
use rushhour_load::described::{Described, Feeder};
use rushhour_load::plan::Materials;
use rushhour_load::population::Population;
use rushhour_load::recording::read_dir;
use rushhour_load::scenario::{Overrides, Preset, Scenario, Synthetic};
use rushhour_synth::region::Region;
use rushhour_synth::world::{Study, World};

use crate::exit::Failure;
use crate::progress::spinner;

/// The scenario in `file` under the flags, and what its requests are made from.
pub(crate) fn scenario(
    file: Option<&Path>,
    overrides: Overrides,
    quiet: bool,
) -> Result<(Scenario, Materials), Failure> {
    let (scenario, dir) = match file {
        Some(file) => (read(file).map_err(Failure::Usage)?, file.parent()),
        None => (Scenario::default(), None),
    };
    let is_from_flag = overrides.days_dir.is_some();
    let scenario = scenario.with(overrides);
    if scenario.arrivals.is_empty() && scenario.live().is_none() {
        let what =
            "nothing is sent: give a rate with --get, --put, --timeline or --find, or a scenario with [arrivals]";
        return Err(Failure::Usage(anyhow!(what)));
    }
    scenario.check().map_err(|error| Failure::Usage(error.into()))?;
    // A path in a file is relative to the file, one on the command line to where the person stands.
    let beside = |path: &Path| dir.map_or(path.to_owned(), |dir| dir.join(path));
    let scenario = scenario.with_recordings(beside).map_err(|error| Failure::Usage(error.into()))?;
    let population = match (&scenario.population, &scenario.days.dir) {
        (Some(people), _) => made_up(people, scenario.seed, beside, quiet)?,
        (None, Some(days_dir)) => {
            let days_dir = if is_from_flag { days_dir.clone() } else { beside(days_dir) };
            let recordings = read_dir(&days_dir).map_err(|error| Failure::Usage(error.into()))?;
            Population::recorded(&scenario, recordings)
        }
        (None, None) if scenario.has_calls() => {
            let what = "nobody's phone has anything to send: give a folder of recorded days with --days, or a scenario with \
                        [population]";
            return Err(Failure::Usage(anyhow!(what)));
        }
        (None, None) => Population::named(scenario.users()),
    };
    let feeders = feeders(&scenario, beside).map_err(|error| Failure::Usage(anyhow!(error)))?;
    Ok((scenario, Materials { population, feeders }))
}

/// What each of the scenario's own requests is filled from.
fn feeders(scenario: &Scenario, beside: impl Fn(&Path) -> PathBuf) -> Result<Vec<Option<Feeder>>, String> {
    let described = scenario.operations().map(|(_, name, _)| scenario.requests.get(name));
    let feeder = |request: &Described| match &request.feeder {
        Some(file) => Feeder::read(&beside(file), request).map(Some),
        None => match request.missing(&[]) {
            Some(column) => Err(format!("`${{{column}}}` is a column of a feeder, and the request has none")),
            None => Ok(None),
        },
    };
    described.map(|request| request.map_or(Ok(None), feeder)).collect()
}

/// People who are made up as `people` says.
fn made_up(
    people: &Synthetic,
    seed: u64,
    beside: impl Fn(&Path) -> PathBuf,
    quiet: bool,
) -> Result<Population, Failure> {
    let file = people.parameters.as_deref().map(|file| configuration::Population::read(&beside(file)));
    let file = file.transpose().map_err(|error| Failure::Usage(error.into()))?.unwrap_or_default();
    let preset = people.region.as_ref().map(Preset::parameters);
    let region = preset.or_else(|| file.region.clone()).unwrap_or_default();
    let building = spinner(quiet, "building the streets");
    // They go on living after the days before the run, for as long as it takes.
    let study = Study { seed, first_day: people.first_day, days: u32::MAX };
    let world = World { region: Region::synthetic(&region, seed), parameters: file.parameters(), study };
    building.finish_and_clear();
    Ok(Population::synthetic(Arc::new(world), people.people, people.days))
}

fn read(file: &Path) -> Result<Scenario> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the scenario {}", file.display()))?;
    Scenario::parse(&text).with_context(|| format!("reading the scenario {}", file.display()))
}
