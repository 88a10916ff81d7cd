//! What a world is made from: a region, the parameters of its people, and the days of a study.

use std::path::{Path, PathBuf};

use rushhour_synth::mode_choice::ModeParameters;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::person::PeopleParameters;
use rushhour_synth::phone::PhoneParameters;
use rushhour_synth::region::{PRESETS, Region, RegionParameters};
use rushhour_synth::week::WeekParameters;
use rushhour_synth::world::{Study, World};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::osm;

/// What a world is made from. Two that are equal make the same world.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The seed and the days.
    pub study: Study,
    /// Where.
    pub region: RegionParameters,
    /// A map of its streets, as an .osm.pbf extract, in place of ones that are made up.
    pub osm: Option<PathBuf>,
    /// What people and phones are like.
    pub parameters: Parameters,
}

/// A file in `scenarios/populations`: the parameters, and where the people live.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Population {
    /// Where they live, when the file says so.
    pub region: Option<RegionParameters>,
    people: PeopleParameters,
    week: WeekParameters,
    modes: ModeParameters,
    phones: PhoneParameters,
}

impl Population {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or says what cannot be: with the line and the field.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::invalid(path, error))?;
        toml::from_str(&text).map_err(|error| Error::invalid(path, error.to_string().trim_end()))
    }

    /// What the people and their phones are like.
    pub fn parameters(&self) -> Parameters {
        let Self { people, week, modes, phones, .. } = self.clone();
        Parameters { people, week, modes, phones }
    }
}

/// The region that is known by a name.
///
/// # Errors
/// When there is none.
pub fn region(name: &str) -> Result<RegionParameters, Error> {
    let unknown = || Error::Region { name: name.to_owned(), known: PRESETS.join(", ") };
    RegionParameters::preset(name).ok_or_else(unknown)
}

/// The world that a configuration describes.
///
/// # Errors
/// When there is no map where one is said to be, or nobody could live on it.
pub fn world(configuration: &Configuration) -> Result<World, Error> {
    let Configuration { study, region, osm, parameters } = configuration;
    let region = match osm {
        Some(path) => Region::on_streets(region, osm::read(path, region)?, study.seed),
        None => Region::synthetic(region, study.seed),
    };
    Ok(World { region, parameters: parameters.clone(), study: *study })
}

impl Configuration {
    /// All that the world depends on, for a manifest.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub(crate) fn describe(&self) -> Result<Value, Error> {
        let Study { seed, first_day, days } = self.study;
        // Two maps of one name are not one map.
        let checksum = |path: &PathBuf| {
            let bytes = std::fs::read(path).map_err(Error::reading(path))?;
            Ok::<_, Error>(format!("{:08x}", crc32c::crc32c(&bytes)))
        };
        Ok(json!({
            "seed": seed,
            "first_day": first_day,
            "days": days,
            "region": self.region,
            "osm_crc32c": self.osm.as_ref().map(checksum).transpose()?,
            "parameters": self.parameters,
        }))
    }
}

/// The id of a configuration: the same for all shards of one population.
pub(crate) fn configuration_id(described: &Value) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, described.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files that come with the program.
    fn population(name: &str) -> Population {
        Population::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/populations").join(name)).unwrap()
    }

    #[test]
    fn the_file_of_denver_says_what_is_built_in() {
        assert_eq!(population("denver.toml").parameters(), Parameters::default());
        let berlin = population("berlin.toml");
        assert_eq!(berlin.region, RegionParameters::preset("berlin"));
    }

    #[test]
    fn an_empty_file_is_the_default_population_and_a_wrong_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Population::read(&path)
        };
        assert_eq!(read("").unwrap().parameters(), Parameters::default());
        for (text, named) in [
            ("[people]\nworker_share = -0.5", "-0.5 is not a share"),
            ("[people]\nworker_share = 1.5", "worker_share = 1.5"),
            ("[people]\nworker_shrae = 0.5", "line 2"),
            ("[week.purposes]\nshop = 0.5\nmeal = 0.1", "the shares sum to 0.600"),
            ("[people]\nworker_share = ", "line 2"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(named), "{error}");
            assert!(error.to_string().contains("people.toml"), "{error}");
        }
        assert!(Population::read(&dir.path().join("nobody.toml")).unwrap_err().is_usage());
    }
}
