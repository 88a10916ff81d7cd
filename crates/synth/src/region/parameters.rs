//! What a region is made from, as it is written in files; reading it is checking it.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::plane::{Locale, Point};

/// What a region is made from: where it is, and how large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RegionFile", into = "RegionFile")]
pub struct RegionParameters {
    file: RegionFile,
    locales: Vec<Locale>,
}

/// The same before it is checked: what a file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionFile {
    /// Its name.
    pub name: String,
    /// The centre's latitude in degrees.
    pub latitude: f64,
    /// The centre's longitude in degrees.
    pub longitude: f64,
    /// From the centre to the edge.
    #[serde(default = "radius_default_m")]
    pub radius_m: f64,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// The two letters of its country (ISO 3166).
    pub country: String,
    /// Where its people fly to.
    #[serde(default)]
    pub away: Vec<City>,
}

/// Another city.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct City {
    /// Its name.
    pub name: String,
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// The IANA name of its time zone.
    pub time_zone: String,
}

/// The names of the regions that come with it, one on each of four continents.
pub const PRESETS: [&str; 4] = ["berlin", "denver", "sao-paulo", "tokyo"];

/// Home and work are mostly within this: the density of homes falls by half every 3.5 km.
const fn radius_default_m() -> f64 {
    25_000.0
}

/// Further north or south the plane's straight lines bend, and days have no end.
const LATITUDE_MAX_DEG: f64 = 70.0;
/// Less holds no city; with more the plane is off by over 0.1 % (mobility.md 6.1).
const RADIUS_M: std::ops::RangeInclusive<f64> = 2_000.0..=60_000.0;
/// Locales are counted in a byte; nobody needs as many.
const AWAY_MAX: usize = 100;
/// Nobody flies to a city that is nearer.
const FLIGHT_MIN_M: f64 = 100_000.0;

impl RegionParameters {
    /// A region that comes with it.
    pub fn preset(name: &str) -> Option<Self> {
        let file = match name {
            "berlin" => preset(
                ("berlin", 52.5200, 13.4050, "Europe/Berlin", "DE"),
                [("london", 51.5074, -0.1278, "Europe/London"), ("athens", 37.9838, 23.7275, "Europe/Athens")],
            ),
            "denver" => preset(
                ("denver", 39.7392, -104.9903, "America/Denver", "US"),
                [
                    ("new-york", 40.7128, -74.0060, "America/New_York"),
                    ("san-francisco", 37.7749, -122.4194, "America/Los_Angeles"),
                ],
            ),
            "sao-paulo" => preset(
                ("sao-paulo", -23.5505, -46.6333, "America/Sao_Paulo", "BR"),
                [("manaus", -3.1190, -60.0217, "America/Manaus"), ("lisbon", 38.7223, -9.1393, "Europe/Lisbon")],
            ),
            "tokyo" => preset(
                ("tokyo", 35.6762, 139.6503, "Asia/Tokyo", "JP"),
                [("singapore", 1.3521, 103.8198, "Asia/Singapore"), ("sydney", -33.8688, 151.2093, "Australia/Sydney")],
            ),
            _ => return None,
        };
        Some(Self::try_from(file).expect("presets are checked by a test"))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// From the centre to the edge.
    pub fn radius_m(&self) -> f64 {
        self.file.radius_m
    }

    /// The two letters of its country.
    pub fn country(&self) -> &str {
        &self.file.country
    }

    /// Its plane and its clock, and then those of the cities that its people fly to.
    pub fn locales(&self) -> &[Locale] {
        &self.locales
    }

    /// Its own plane and clock.
    pub fn home(&self) -> &Locale {
        self.locales.first().expect("a region is somewhere")
    }

    /// Whether a position is within its radius.
    pub fn is_within(&self, at: Point) -> bool {
        at.distance_m(Point::default()) <= self.radius_m()
    }
}

impl Default for RegionParameters {
    /// Denver.
    fn default() -> Self {
        Self::preset("denver").expect("it is one of the presets")
    }
}

impl TryFrom<RegionFile> for RegionParameters {
    type Error = String;

    fn try_from(file: RegionFile) -> Result<Self, String> {
        if file.name.trim().is_empty() {
            return Err("the region's name is empty".to_owned());
        }
        if !RADIUS_M.contains(&file.radius_m) {
            let (min, max) = RADIUS_M.into_inner();
            return Err(format!("the radius {} m is not between {min} and {max} m", file.radius_m));
        }
        let is_code = file.country.len() == 2 && file.country.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            return Err(format!("the country {:?} is not two capital letters", file.country));
        }
        if file.away.len() > AWAY_MAX {
            return Err(format!("{} cities to fly to are more than {AWAY_MAX}", file.away.len()));
        }
        let home = locale(&file.name, file.latitude, file.longitude, &file.time_zone, file.radius_m)?;
        let mut locales = vec![home.clone()];
        for City { name, latitude, longitude, time_zone } in &file.away {
            let away = locale(name, *latitude, *longitude, time_zone, file.radius_m)?;
            if great_circle_m(&home, &away) < FLIGHT_MIN_M {
                return Err(format!("{name} is less than {} km away: nobody flies there", FLIGHT_MIN_M / 1_000.0));
            }
            locales.push(away);
        }
        Ok(Self { file, locales })
    }
}

impl From<RegionParameters> for RegionFile {
    fn from(parameters: RegionParameters) -> Self {
        parameters.file
    }
}

fn locale(name: &str, latitude: f64, longitude: f64, zone_name: &str, radius_m: f64) -> Result<Locale, String> {
    if !(-LATITUDE_MAX_DEG..=LATITUDE_MAX_DEG).contains(&latitude) {
        return Err(format!(
            "the latitude {latitude} of {name} is not between -{LATITUDE_MAX_DEG} and {LATITUDE_MAX_DEG}"
        ));
    }
    if !(-180.0..=180.0).contains(&longitude) {
        return Err(format!("the longitude {longitude} of {name} is not between -180 and 180"));
    }
    let zone = TimeZone::get(zone_name).map_err(|_| format!("no time zone is called {zone_name:?} ({name})"))?;
    let locale = Locale::new(latitude, longitude, zone_name, zone);
    let edges = [-radius_m, radius_m].map(|x_m| locale.degrees(Point::new(x_m, 0.0)).1);
    if edges.iter().any(|edge| edge.abs() >= 180.0) {
        return Err(format!("{name} reaches across the 180th meridian, which is not supported"));
    }
    Ok(locale)
}

/// The distance between the centres of two locales on the sphere of [`crate::plane`] (haversine).
pub(super) fn great_circle_m(a: &Locale, b: &Locale) -> f64 {
    const RADIUS_M: f64 = 6_371_000.0;
    let half_sine = |degrees: f64| (degrees.to_radians() / 2.0).sin();
    let cosines = a.latitude.to_radians().cos() * b.latitude.to_radians().cos();
    let square = half_sine(b.latitude - a.latitude).powi(2) + cosines * half_sine(b.longitude - a.longitude).powi(2);
    2.0 * RADIUS_M * square.sqrt().min(1.0).asin()
}

type Named<'a> = (&'a str, f64, f64, &'a str);

fn preset(
    (name, latitude, longitude, time_zone, country): (&str, f64, f64, &str, &str),
    away: [Named<'_>; 2],
) -> RegionFile {
    let away = away.map(|(name, latitude, longitude, time_zone)| City {
        name: name.to_owned(),
        latitude,
        longitude,
        time_zone: time_zone.to_owned(),
    });
    RegionFile {
        name: name.to_owned(),
        latitude,
        longitude,
        radius_m: radius_default_m(),
        time_zone: time_zone.to_owned(),
        country: country.to_owned(),
        away: away.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_being_written() {
        for name in PRESETS {
            let preset = RegionParameters::preset(name).unwrap();
            assert_eq!((preset.name(), preset.locales().len()), (name, 3));
            let text = serde_json::to_string(&preset).unwrap();
            assert_eq!(serde_json::from_str::<RegionParameters>(&text).unwrap(), preset);
        }
        assert_eq!(RegionParameters::preset("atlantis"), None);
    }

    #[test]
    fn flights_are_as_long_as_they_are() {
        let denver = RegionParameters::default();
        let [home, new_york, _] = denver.locales() else { panic!("three locales") };
        let km = great_circle_m(home, new_york) / 1_000.0;
        assert!((km - 2_620.0).abs() < 15.0, "{km}");
    }

    #[test]
    fn impossible_regions_are_refused_with_a_reason() {
        let refusal = |change: fn(&mut RegionFile)| {
            let mut file = RegionFile::from(RegionParameters::default());
            change(&mut file);
            RegionParameters::try_from(file).unwrap_err()
        };
        assert!(refusal(|file| file.name = " ".into()).contains("name is empty"));
        assert!(refusal(|file| file.latitude = 78.2).contains("latitude 78.2 of denver"));
        assert!(refusal(|file| file.latitude = f64::NAN).contains("latitude NaN"));
        assert!(refusal(|file| file.longitude = 200.0).contains("longitude 200"));
        assert!(refusal(|file| file.longitude = 179.9).contains("180th meridian"));
        assert!(refusal(|file| file.radius_m = 61_000.0).contains("radius 61000 m is not between 2000 and 60000 m"));
        assert!(refusal(|file| file.time_zone = "Mars/Olympus".into()).contains("\"Mars/Olympus\" (denver)"));
        assert!(refusal(|file| file.country = "usa".into()).contains("two capital letters"));
        assert!(refusal(|file| file.away[0].latitude = 90.0).contains("latitude 90 of new-york"));
        assert!(
            refusal(|file| (file.away[0].latitude, file.away[0].longitude) = (40.0, -105.0)).contains("nobody flies")
        );
        let typo = r#"{"name": "x", "latitude": 1, "longitude": 1, "time_zone": "UTC", "country": "XX", "radius": 9}"#;
        assert!(serde_json::from_str::<RegionParameters>(typo).unwrap_err().to_string().contains("`radius`"));
    }
}
