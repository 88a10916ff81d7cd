//! The people of a data set, one after another, as its ground truth tells of them: memory does not grow with their number.

use std::iter::Peekable;
use std::path::Path;

use jiff::tz::TimeZone;
use rushhour_synth::truth::{Micros, SECOND_US, Visit};

use crate::error::Error;
use crate::statistics::biography::{Biography, Haunt, Outing};
use crate::truth::{PlaceRow, Row, TripRow, UserRow, VisitRow, read};

/// A person of a data set.
#[derive(Clone, Debug)]
pub struct Inhabitant {
    /// Who.
    pub row: UserRow,
    /// What they did.
    pub life: Biography,
}

/// Reads the people of the data set in `dir`.
///
/// # Errors
/// When a table is missing. A row that cannot be read, or is in the wrong place, is an error in its place.
pub fn people(dir: &Path) -> Result<impl Iterator<Item = Result<Inhabitant, Error>>, Error> {
    let users = read::<UserRow>(dir)?;
    let mut places = Rows::open(dir, |row: &PlaceRow| row.user)?;
    let mut visits = Rows::open(dir, |row: &VisitRow| row.user)?;
    let mut trips = Rows::open(dir, |row: &TripRow| row.user)?;
    Ok(users.map(move |row| {
        let row = row?;
        let places = places.take(row.user)?.into_iter().map(|place| haunt(dir, &place));
        let life = Biography {
            places: places.collect::<Result<_, _>>()?,
            visits: visits.take(row.user)?.iter().map(visit).collect(),
            trips: trips.take(row.user)?.iter().map(outing).collect(),
        };
        Ok(Inhabitant { row, life })
    }))
}

/// The rows of a table, in which people come in order.
struct Rows<'a, R> {
    rows: Peekable<Box<dyn Iterator<Item = Result<R, Error>> + 'a>>,
    user_of: fn(&R) -> u32,
}

impl<'a, R: Row + 'a> Rows<'a, R> {
    fn open(dir: &'a Path, user_of: fn(&R) -> u32) -> Result<Self, Error> {
        let rows: Box<dyn Iterator<Item = Result<R, Error>> + 'a> = Box::new(read::<R>(dir)?);
        Ok(Self { rows: rows.peekable(), user_of })
    }

    /// Those of a person, which come next.
    fn take(&mut self, user: u32) -> Result<Vec<R>, Error> {
        let user_of = self.user_of;
        let mut taken = Vec::new();
        while let Some(row) = self.rows.next_if(|row| row.as_ref().map_or(true, |row| user_of(row) <= user)) {
            let row = row?;
            if user_of(&row) < user {
                let what = format!(
                    "a row of person {} comes after those of person {user}, or there is no such person",
                    user_of(&row)
                );
                return Err(Error::invalid(Path::new(R::TABLE), what));
            }
            taken.push(row);
        }
        Ok(taken)
    }
}

fn haunt(dir: &Path, row: &PlaceRow) -> Result<Haunt, Error> {
    let unknown = |error: jiff::Error| Error::invalid(dir, format!("in the places of person {}: {error}", row.user));
    Ok(Haunt { purpose: row.purpose, zone: TimeZone::get(&row.time_zone).map_err(unknown)? })
}

fn visit(row: &VisitRow) -> Visit {
    let (arrive_us, depart_us) = (micros(row.arrive_ts), micros(row.depart_ts));
    Visit { place: row.place, purpose: row.purpose, arrive_us, depart_us }
}

fn outing(row: &TripRow) -> Outing {
    let (from, to, depart_us) = (row.from_place, row.to_place, micros(row.depart_ts));
    Outing { from, to, depart_us, mode: row.mode, distance_m: row.distance_m }
}

fn micros(ts: f64) -> Micros {
    #[expect(clippy::cast_possible_truncation, reason = "times of a study are within the years of the calendar")]
    let us = (ts * SECOND_US as f64).round() as Micros;
    us
}
