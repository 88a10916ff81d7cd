//! `csv/points-….csv` and `csv/trips-….geojson`: fixes for spreadsheets and trips for maps, twenty people to a file.
//!
//! Points are as the phone recorded them, trips as they really were.

use std::io::{self, Write};
use std::ops::Range;

use rushhour_synth::sensed::Fix;
use rushhour_synth::track::Track;
use rushhour_synth::truth::Trip;
use rushhour_synth::world::{Day, World};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::folder::{Folder, Output};
use crate::forms::delivered;
use crate::manifest::span;
use crate::truth::{metres, ten_millionths, ts};

/// The two files of some people.
pub(crate) struct Sketches<'a> {
    world: &'a World,
    points: csv::Writer<Output<'a>>,
    trips: Output<'a>,
    is_empty: bool,
}

/// A fix.
#[derive(Debug, Serialize)]
struct PointRow {
    user: u32,
    ts: f64,
    write_ts: f64,
    /// Whether it passed the phone's filter.
    filtered: bool,
    latitude: f64,
    longitude: f64,
    altitude_m: f32,
    accuracy_m: f32,
    speed_m_s: f32,
    bearing_deg: f32,
    time_zone: String,
}

impl<'a> Sketches<'a> {
    pub(crate) fn new(folder: &'a Folder, world: &'a World, users: &Range<u32>) -> Result<Self, Error> {
        let points = folder.create(format!("csv/points-{}.csv", span(users)))?;
        let mut trips = folder.create(format!("csv/trips-{}.geojson", span(users)))?;
        let written = trips.write_all(br#"{"type":"FeatureCollection","features":["#);
        written.map_err(Error::writing(trips.target()))?;
        Ok(Self { world, points: csv::Writer::from_writer(points), trips, is_empty: true })
    }

    pub(crate) fn add(&mut self, user: u32, day: &Day) -> Result<(), Error> {
        let points = self.points.get_ref().target().to_owned();
        for fix in delivered(day).flat_map(|recording| &recording.fixes) {
            let row = self.point(user, fix);
            self.points.serialize(row).map_err(|error| Error::writing(&points)(error.into()))?;
        }
        for (trip, track) in day.trips.iter().zip(&day.tracks) {
            let feature = self.feature(user, trip, track);
            self.add_feature(&feature).map_err(Error::writing(self.trips.target()))?;
        }
        Ok(())
    }

    fn point(&self, user: u32, fix: &Fix) -> PointRow {
        let locale = self.world.region.locales.get(usize::from(fix.locale));
        PointRow {
            user,
            ts: ts(fix.ts_us),
            write_ts: ts(fix.write_us),
            filtered: fix.filtered_write_us.is_some(),
            latitude: fix.latitude,
            longitude: fix.longitude,
            altitude_m: fix.altitude_m,
            accuracy_m: fix.accuracy_m,
            speed_m_s: fix.speed_m_s,
            bearing_deg: fix.bearing_deg,
            time_zone: locale.expect("a fix is in a locale of its region").zone_name.clone(),
        }
    }

    fn feature(&self, user: u32, trip: &Trip, track: &Track) -> Value {
        let last = track.pieces.last().map(|piece| (piece.locale, piece.to));
        let vertices = track.pieces.iter().map(|piece| (piece.locale, piece.from)).chain(last);
        let coordinates = vertices.map(|(locale, at)| {
            let locale = self.world.region.locales.get(usize::from(locale)).expect("a trip is in its region");
            let (latitude, longitude) = locale.degrees(at);
            [ten_millionths(longitude), ten_millionths(latitude)]
        });
        let mut coordinates: Vec<_> = coordinates.collect();
        coordinates.dedup();
        json!({
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": coordinates},
            "properties": {
                "user": user,
                "trip": trip.id,
                "mode": trip.mode,
                "purpose": trip.purpose,
                "depart_ts": ts(trip.depart_us),
                "arrive_ts": ts(trip.arrive_us),
                "distance_m": metres(trip.distance_m),
            },
        })
    }

    fn add_feature(&mut self, feature: &Value) -> io::Result<()> {
        self.trips.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        Ok(serde_json::to_writer(&mut self.trips, feature)?)
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.trips.write_all(b"\n]}\n").map_err(Error::writing(self.trips.target()))?;
        self.trips.commit()?;
        let target = self.points.get_ref().target().to_owned();
        self.points.into_inner().map_err(|error| Error::writing(&target)(error.into_error()))?.commit()
    }
}
