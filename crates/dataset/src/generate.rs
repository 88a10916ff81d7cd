//! Making a data set: people on many threads, files that are complete or not there, and the truth in the order of people.

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use rushhour_synth::travel::Travel;
use rushhour_synth::world::World;

use crate::configuration::{Configuration, configuration_id};
use crate::error::Error;
use crate::folder::{self, Folder, Output};
pub use crate::forms::{BLOCK_USERS, Form};
use crate::forms::{Sheets, Trajectories};
use crate::in_order::in_order;
use crate::manifest::{Counts, Manifest, shard};
use crate::osm::ATTRIBUTION;
use crate::truth::{TABLES, Text};

/// What to write of a world.
#[derive(Clone, Debug)]
pub struct Selection {
    /// How many people the population has.
    pub users: u32,
    /// Which of them are written.
    pub users_range: Range<u32>,
    /// In which form.
    pub form: Form,
    /// Whether to write where everybody really was, too.
    pub trajectory: bool,
}

/// How to write it. The files do not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// On how many threads.
    pub threads: usize,
    /// Whether what an earlier run made is replaced.
    pub force: bool,
    /// Set by whoever wants it to stop.
    pub stop: &'a AtomicBool,
}

/// Whether a data set can be written to `dir`: worth asking before a region is built.
///
/// # Errors
/// When `dir` is taken.
pub fn check(dir: &Path, force: bool) -> Result<(), Error> {
    folder::check(dir, force).map(drop)
}

/// Writes a data set to `dir` and tells how far it is, person by person or block by block.
///
/// # Errors
/// When `dir` is taken, a file cannot be written, or somebody asked to stop. What was written is taken away again.
pub fn generate(
    configuration: &Configuration,
    world: &World,
    selection: &Selection,
    dir: &Path,
    manner: Manner<'_>,
    mut tell: impl FnMut(&Counts),
) -> Result<Manifest, Error> {
    let described = configuration.describe()?;
    let folder = Folder::open(dir, manner.force)?;
    let mut counts = Counts::default();
    let mut truth = TruthFiles::create(&folder, selection)?;
    let stop = AtomicBool::new(false);
    let is_stopped = || stop.load(Ordering::Relaxed) || manner.stop.load(Ordering::Relaxed);
    let mut failed = None;
    let units = units(selection);
    let travels = Mutex::default();
    let workshop = Workshop { folder: &folder, world, selection, is_stopped: &is_stopped, travels: &travels };
    let unit = |index: u32| workshop.make(units.get(index as usize).expect("units are counted from 0").clone());
    let count = u32::try_from(units.len()).expect("there are no more units than people");
    in_order(0..count, manner.threads, unit, |made| {
        let taken = made.and_then(|made: Made| {
            truth.add(&made.truth)?;
            counts.add(&made.counts);
            Ok(())
        });
        match taken {
            Ok(()) => tell(&counts),
            // The first error is the cause; those that follow are only others who stop.
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                failed.get_or_insert(error);
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    truth.commit()?;
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration_id: configuration_id(&described),
        users: selection.users,
        users_range: selection.users_range.clone(),
        region: world.region.name.clone(),
        time_zones: world.region.locales.iter().map(|locale| locale.zone_name.clone()).collect(),
        first_day: world.study.first_day,
        days: world.study.days,
        form: selection.form,
        attribution: configuration.osm.is_some().then(|| ATTRIBUTION.to_owned()),
        counts,
        configuration: described,
        files: folder.files(),
    };
    folder.complete(&manifest)?;
    Ok(manifest)
}

/// The people of each step. They begin and end at the same people whatever the range, apart from its ends, so that ranges
/// that are cut at such a person make the same files together as the whole.
fn units(selection: &Selection) -> Vec<Range<u32>> {
    let Range { start, end } = selection.users_range;
    let size = selection.form.unit_users(selection.trajectory);
    let blocks = start / size..end.div_ceil(size);
    blocks
        .map(|block| (block * size).max(start)..((block + 1) * size).min(end))
        .filter(|unit| !unit.is_empty())
        .collect()
}

/// What is needed to make people.
struct Workshop<'a> {
    folder: &'a Folder,
    world: &'a World,
    selection: &'a Selection,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
    /// Of the threads that make nobody just now: it takes longer to make one than to use it.
    travels: &'a Mutex<Vec<Travel>>,
}

/// Some people, apart from what is in their files.
struct Made {
    truth: Text,
    counts: Counts,
}

impl Workshop<'_> {
    fn make(&self, users: Range<u32>) -> Result<Made, Error> {
        let mut made = Made { truth: Text::default(), counts: Counts::default() };
        let mut sheets = Sheets::open(self.selection.form, self.folder, self.world, &users)?;
        let trajectories = self.selection.trajectory.then(|| Trajectories::new(self.folder, self.world, &users));
        let mut trajectories = trajectories.transpose()?;
        let mut travel = self.travels().pop().unwrap_or_else(|| self.world.travel());
        for user in users {
            if (self.is_stopped)() {
                return Err(Error::Interrupted);
            }
            self.live(user, &mut travel, &mut sheets, trajectories.as_mut(), &mut made)?;
        }
        self.travels().push(travel);
        sheets.finish()?;
        trajectories.map_or(Ok(()), Trajectories::finish)?;
        Ok(made)
    }

    fn travels(&self) -> MutexGuard<'_, Vec<Travel>> {
        self.travels.lock().expect("nobody panics with the list")
    }

    fn live(
        &self,
        user: u32,
        travel: &mut Travel,
        sheets: &mut Sheets<'_>,
        mut trajectories: Option<&mut Trajectories<'_>>,
        made: &mut Made,
    ) -> Result<(), Error> {
        let mut life = self.world.course(user);
        sheets.begin(life.person())?;
        while let Some(day) = life.next_day(self.world, travel) {
            made.truth.add_day(user, &day);
            made.counts.add_day(life.person().handset.platform, &day);
            sheets.add(life.person(), &day)?;
            if let Some(trajectories) = &mut trajectories {
                trajectories.add(user, &day)?;
            }
        }
        sheets.end()?;
        made.truth.add_person(self.world, life.person(), life.places());
        made.counts.users += 1;
        Ok(())
    }
}

/// The tables of the truth while they are written.
struct TruthFiles<'a>(Vec<Output<'a>>);

impl<'a> TruthFiles<'a> {
    fn create(folder: &'a Folder, selection: &Selection) -> Result<Self, Error> {
        let shard = shard(selection.users, &selection.users_range);
        let table = |(name, header): (&str, &str)| {
            let mut output = folder.create(format!("truth/{name}{shard}.csv"))?;
            writeln!(output, "{header}").map_err(Error::writing(output.target()))?;
            Ok(output)
        };
        TABLES.into_iter().map(table).collect::<Result<_, _>>().map(Self)
    }

    fn add(&mut self, text: &Text) -> Result<(), Error> {
        for (output, rows) in self.0.iter_mut().zip(text.tables()) {
            output.write_all(rows).map_err(Error::writing(output.target()))?;
        }
        Ok(())
    }

    fn commit(self) -> Result<(), Error> {
        self.0.into_iter().try_for_each(Output::commit)
    }
}
