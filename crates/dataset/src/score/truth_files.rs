//! The truth as it stands in the files of a data set, read person by person: memory does not grow with their number.

use std::iter::Peekable;
use std::path::{Path, PathBuf};

use super::user_truth::UserTruth;
use crate::error::Error;
use crate::truth::{EventRow, PlaceRow, Row, SectionRow, TripRow, UserRow, read};

/// The truth of a data set: an iterator over its people.
pub struct TruthFiles {
    dir: PathBuf,
    users: Vec<UserRow>,
    next: usize,
    places: Rows<PlaceRow>,
    trips: Rows<TripRow>,
    sections: Rows<SectionRow>,
    events: Rows<EventRow>,
}

impl TruthFiles {
    /// Opens the tables of the data set in `dir`.
    ///
    /// # Errors
    /// When one is missing, or that of the people is not what it should be.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Ok(Self {
            dir: dir.to_owned(),
            users: read::<UserRow>(dir)?.collect::<Result<_, _>>()?,
            next: 0,
            places: Rows::open(dir, |row: &PlaceRow| row.user)?,
            trips: Rows::open(dir, |row: &TripRow| row.user)?,
            sections: Rows::open(dir, |row: &SectionRow| row.user)?,
            events: Rows::open(dir, |row: &EventRow| row.user)?,
        })
    }

    /// The people, in order.
    pub fn users(&self) -> &[UserRow] {
        &self.users
    }

    fn read(&mut self, user: UserRow, is_last: bool) -> Result<UserTruth, Error> {
        let dir = &self.dir;
        let number = user.user;
        let places = self.places.take(dir, number, is_last)?;
        let trips = self.trips.take(dir, number, is_last)?;
        let sections = self.sections.take(dir, number, is_last)?;
        let events = self.events.take(dir, number, is_last)?;
        UserTruth::from_rows(user, &places, &trips, &sections, &events).map_err(|trip| {
            let what = format!("trip {trip} of person {number} is between places of which one is not there");
            invalid::<PlaceRow>(dir, what)
        })
    }
}

impl Iterator for TruthFiles {
    type Item = Result<UserTruth, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let user = self.users.get(self.next)?.clone();
        self.next += 1;
        Some(self.read(user, self.next == self.users.len()))
    }
}

fn invalid<R: Row>(dir: &Path, what: String) -> Error {
    Error::Invalid { path: dir.join("truth").join(R::TABLE), what }
}

/// The rows of a table, in which people follow one another as in that of the people.
struct Rows<R> {
    user_of: fn(&R) -> u32,
    rows: Peekable<Box<dyn Iterator<Item = Result<R, Error>>>>,
}

impl<R: Row + 'static> Rows<R> {
    fn open(dir: &Path, user_of: fn(&R) -> u32) -> Result<Self, Error> {
        let rows: Box<dyn Iterator<Item = Result<R, Error>>> = Box::new(read(dir)?);
        Ok(Self { user_of, rows: rows.peekable() })
    }

    /// The rows of `user`, which come next. Behind those of the last person nothing may follow.
    fn take(&mut self, dir: &Path, user: u32, is_last: bool) -> Result<Vec<R>, Error> {
        let mut rows = Vec::new();
        while let Some(row) = self.rows.next_if(|row| row.as_ref().map_or(true, |row| (self.user_of)(row) == user)) {
            rows.push(row?);
        }
        match self.rows.peek() {
            Some(Ok(next)) if is_last || (self.user_of)(next) < user => {
                let what = format!("rows of person {}, who is nobody or came before", (self.user_of)(next));
                Err(invalid::<R>(dir, what))
            }
            _ => Ok(rows),
        }
    }
}
