//! What can be told of a data set without making it again, and the world that it was made in, made again for maps.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::RegionParameters;
use rushhour_synth::world::{Study, World};
use serde::Deserialize;

use crate::configuration::{Configuration, world};
use crate::error::Error;
use crate::manifest::Manifest;
use crate::scene::Scene;
use crate::statistics::biography::Biography;

/// What a data set was made from, as far as its manifest tells.
#[derive(Clone, Debug, Deserialize)]
pub struct Origin {
    seed: u64,
    first_day: Date,
    days: u32,
    region: RegionParameters,
    /// Set when its streets are from a map.
    osm_crc32c: Option<String>,
    /// What its people and phones are like.
    pub parameters: Parameters,
}

impl Origin {
    /// What `manifest` tells.
    ///
    /// # Errors
    /// When another version wrote what this one cannot read.
    pub fn of(manifest: &Manifest) -> Result<Self, Error> {
        let what = |error: serde_json::Error| format!("its configuration is of version {}: {error}", manifest.version);
        let origin = serde_json::from_value(manifest.configuration.clone());
        origin.map_err(|error| Error::invalid(Path::new("manifest.json"), what(error)))
    }

    /// Which days of which seed.
    pub fn study(&self) -> Study {
        Study { seed: self.seed, first_day: self.first_day, days: self.days }
    }

    /// The world. A map is needed where the streets are from one: without it there is none.
    ///
    /// # Errors
    /// When the map is none.
    pub fn world(&self, osm: Option<PathBuf>) -> Result<Option<World>, Error> {
        if self.osm_crc32c.is_some() != osm.is_some() {
            return Ok(None);
        }
        let Self { region, parameters, .. } = self.clone();
        world(&Configuration { study: self.study(), region, osm, parameters }).map(Some)
    }
}

/// Whether a day that was made again is the one that the truth tells of: the version may be another.
pub fn is_as_told(scene: &Scene, life: &Biography) -> bool {
    let told = |id: u32| life.trips.get(id as usize).map(|trip| (trip.depart_us, trip.from, trip.to));
    scene.trips.iter().all(|trip| told(trip.id) == Some((trip.depart_us, trip.from, trip.to)))
}
