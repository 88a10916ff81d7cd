//! The forms in which what people's phones recorded is written, each for those who read it.

mod points;
pub(crate) mod tables;
mod timeline;
mod trajectory;
mod uploads;

use std::ops::Range;

use rushhour_synth::person::Person;
use rushhour_synth::sensed::Recording;
use rushhour_synth::upload::Request;
use rushhour_synth::world::{Day, World};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::folder::Folder;
use crate::forms::points::Sketches;
use crate::forms::tables::Tables;
use crate::forms::timeline::Timelines;
pub(crate) use crate::forms::trajectory::Trajectories;
use crate::forms::uploads::Uploads;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One gzip file per person with all entries in stored form, as the original server's loader takes them.
    Timeline,
    /// One zstd file per person with all calls, bodies and intended times, as load generators send them.
    Uploads,
    /// Columns per kind of entry, as tables for analysis.
    Parquet,
    /// Points as CSV and trips as GeoJSON, for maps.
    Csv,
    /// Nothing but the truth.
    None,
}

/// So many people share a file where a file is not a person's own: large enough for columns to be worth it (about half a
/// million fixes in half a year), and small enough to be held by every thread of a large machine.
pub const BLOCK_USERS: u32 = 20;

impl Form {
    /// How many people are made in one go. Blocks begin at multiples of it, whatever the range.
    pub(crate) fn unit_users(self, trajectory: bool) -> u32 {
        match self {
            Self::Parquet | Self::Csv => BLOCK_USERS,
            Self::Timeline | Self::Uploads | Self::None if trajectory => BLOCK_USERS,
            Self::Timeline | Self::Uploads | Self::None => 1,
        }
    }
}

/// The files of some people in a form.
pub(crate) enum Sheets<'a> {
    Timeline(Timelines<'a>),
    Uploads(Uploads<'a>),
    Parquet(Box<Tables<'a>>),
    Csv(Box<Sketches<'a>>),
    None,
}

impl<'a> Sheets<'a> {
    /// The files of `users`.
    pub(crate) fn open(form: Form, folder: &'a Folder, world: &'a World, users: &Range<u32>) -> Result<Self, Error> {
        Ok(match form {
            Form::Timeline => Self::Timeline(Timelines::new(folder, world)),
            Form::Uploads => Self::Uploads(Uploads::new(folder, world)),
            Form::Parquet => Self::Parquet(Box::new(Tables::new(folder, users))),
            Form::Csv => Self::Csv(Box::new(Sketches::new(folder, world, users)?)),
            Form::None => Self::None,
        })
    }

    /// The next person.
    pub(crate) fn begin(&mut self, person: &Person) -> Result<(), Error> {
        match self {
            Self::Timeline(sheet) => sheet.begin(person),
            Self::Uploads(sheet) => sheet.begin(person),
            Self::Parquet(_) | Self::Csv(_) | Self::None => Ok(()),
        }
    }

    /// Their next day.
    pub(crate) fn add(&mut self, person: &Person, day: &Day) -> Result<(), Error> {
        match self {
            Self::Timeline(sheet) => sheet.add(day),
            Self::Uploads(sheet) => sheet.add(day),
            Self::Parquet(sheet) => sheet.add(person, day),
            Self::Csv(sheet) => sheet.add(person.user, day),
            Self::None => Ok(()),
        }
    }

    /// Their days are over.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Timeline(sheet) => sheet.end(),
            Self::Uploads(sheet) => sheet.end(),
            Self::Parquet(_) | Self::Csv(_) | Self::None => Ok(()),
        }
    }

    /// Everybody's days are over.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self {
            Self::Parquet(sheet) => sheet.finish(),
            Self::Csv(sheet) => sheet.finish(),
            Self::Timeline(_) | Self::Uploads(_) | Self::None => Ok(()),
        }
    }
}

/// What reached the server on a day, each entry once: what a phone did not learn the answer of comes again.
pub(crate) fn delivered(day: &Day) -> impl Iterator<Item = &Recording> {
    day.calls.iter().filter_map(|call| match &call.request {
        Request::Put { recording, is_answered: true } => Some(recording),
        _ => None,
    })
}
