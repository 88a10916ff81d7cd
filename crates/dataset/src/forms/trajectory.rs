//! `trajectory/users-….csv.zst`: where everybody really was on their trips, twenty people to a file.
//!
//! A row is a moment; between two rows of a trip the way is straight and the acceleration constant, so that every moment
//! between them is known too.

use std::ops::Range;

use rushhour_synth::plane::Point;
use rushhour_synth::track::{Piece, Track};
use rushhour_synth::truth::{LocaleIndex, Micros, Mode};
use rushhour_synth::world::{Day, World};
use serde::Serialize;

use crate::error::Error;
use crate::folder::{Folder, Output};
use crate::forms::uploads::ZSTD_LEVEL;
use crate::manifest::span;
use crate::truth::{metres, ten_millionths, ts};

/// The file of some people.
pub(crate) struct Trajectories<'a> {
    world: &'a World,
    rows: csv::Writer<zstd::Encoder<'static, Output<'a>>>,
}

#[derive(Debug, Serialize)]
struct MomentRow {
    user: u32,
    trip: u32,
    ts: f64,
    latitude: f64,
    longitude: f64,
    /// To the centimetre per second.
    speed_m_s: f64,
    mode: Mode,
}

impl<'a> Trajectories<'a> {
    pub(crate) fn new(folder: &'a Folder, world: &'a World, users: &Range<u32>) -> Result<Self, Error> {
        let output = folder.create(format!("trajectory/users-{}.csv.zst", span(users)))?;
        let target = output.target().to_owned();
        let packed = zstd::Encoder::new(output, ZSTD_LEVEL).map_err(Error::writing(&target))?;
        Ok(Self { world, rows: csv::Writer::from_writer(packed) })
    }

    pub(crate) fn add(&mut self, user: u32, day: &Day) -> Result<(), Error> {
        for track in &day.tracks {
            self.add_track(user, track)
                .map_err(|error| Error::writing(self.rows.get_ref().get_ref().target())(error.into()))?;
        }
        Ok(())
    }

    fn add_track(&mut self, user: u32, track: &Track) -> csv::Result<()> {
        let start = |piece: &Piece| (piece.start_us, piece.from, piece.from_speed_m_s, piece.mode, piece.locale);
        let end = |piece: &Piece| (piece.end_us, piece.to, piece.to_speed_m_s, piece.mode, piece.locale);
        for moment in track.pieces.iter().map(start).chain(track.pieces.last().map(end)) {
            let row = self.row(user, track.trip, moment);
            self.rows.serialize(row)?;
        }
        Ok(())
    }

    fn row(&self, user: u32, trip: u32, moment: (Micros, Point, f64, Mode, LocaleIndex)) -> MomentRow {
        let (at_us, at, speed_m_s, mode, locale) = moment;
        let locale = self.world.region.locales.get(usize::from(locale)).expect("a trip is in its region");
        let (latitude, longitude) = locale.degrees(at);
        let (latitude, longitude) = (ten_millionths(latitude), ten_millionths(longitude));
        MomentRow { user, trip, ts: ts(at_us), latitude, longitude, speed_m_s: metres(speed_m_s), mode }
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        let target = self.rows.get_ref().get_ref().target().to_owned();
        let packed = self.rows.into_inner().map_err(|error| Error::writing(&target)(error.into_error()))?;
        packed.finish().map_err(Error::writing(&target))?.commit()
    }
}
