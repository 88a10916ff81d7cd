//! What a synthetic population is, as arguments.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use jiff::ToSpan;
use jiff::civil::Date;
use rushhour_dataset::configuration::{Configuration, Population, region};
use rushhour_dataset::generate::{Form, Selection};
use rushhour_synth::parameters::{Parameters, Share};
use rushhour_synth::phone::{NonNegative, Positive};
use rushhour_synth::region::RegionParameters;
use rushhour_synth::truth::Fault;
use rushhour_synth::world::Study;

/// Which world it is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WorldArgs {
    /// How many days
    #[arg(long, value_name = "COUNT", default_value = "14", value_parser = days)]
    days: u32,
    /// The first day
    #[arg(long, value_name = "DATE", default_value = "2026-01-01")]
    start: Date,
    /// Same seed, same people, same days
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where: berlin, denver, sao-paulo or tokyo; denver, or what the population's file says, when not given
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Streets that somebody mapped: an .osm.pbf extract around the region's centre
    #[arg(long, value_name = "FILE")]
    osm: Option<PathBuf>,
    /// What people and phones are like, as in scenarios/populations; the flags below win over it
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    #[command(flatten)]
    phones: PhoneArgs,
}

/// What phones are like.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Phones")]
struct PhoneArgs {
    /// The share that carries Android phones
    #[arg(long, value_name = "SHARE", value_parser = parse::<Share>, allow_negative_numbers = true)]
    android: Option<Share>,
    /// Whether sensors err; if not, positions are exact
    #[arg(long, value_enum)]
    sensor_noise: Option<Switch>,
    /// iOS: metres between fixes; 50 is what recordings show, 1 what today's app asks for
    #[arg(long, value_name = "METRES", value_parser = parse::<Positive>, allow_negative_numbers = true)]
    ios_distance_m: Option<Positive>,
    /// iOS: minutes between fixes at least; 15 is the mode that spares the battery most
    #[arg(long, value_name = "MINUTES", value_parser = parse::<NonNegative>, allow_negative_numbers = true)]
    ios_interval_min: Option<NonNegative>,
    /// What never goes wrong; `all` for nothing at all
    #[arg(long, value_name = "FAULT", num_args = 1.., value_delimiter = ',')]
    no_fault: Vec<FaultName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// A fault, or all of them.
#[derive(Clone, Debug)]
struct FaultName(Vec<Fault>);

impl FromStr for FaultName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let faults: Vec<_> = Fault::ALL.into_iter().filter(|fault| text == "all" || text == fault.name()).collect();
        if faults.is_empty() {
            let names = Fault::ALL.map(Fault::name).join(", ");
            return Err(format!("`{text}` is no fault; there are {names}, and all"));
        }
        Ok(Self(faults))
    }
}

/// Longer studies than ten years are a slip of the finger.
const DAYS_MAX: u32 = 3_660;

fn days(text: &str) -> Result<u32, String> {
    let days: u32 = text.parse().map_err(|_| format!("{text} is not a number of days"))?;
    let is_study = (1..=DAYS_MAX).contains(&days);
    is_study.then_some(days).ok_or_else(|| format!("{days} days are not between 1 and {DAYS_MAX}"))
}

fn parse<T: TryFrom<f64, Error = String>>(text: &str) -> Result<T, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text} is not a number"))?;
    T::try_from(number)
}

impl WorldArgs {
    /// The configuration that they describe.
    ///
    /// # Errors
    /// When a file or a name says what cannot be.
    pub(crate) fn configuration(&self) -> Result<Configuration> {
        let population = self.population.as_deref().map(Population::read).transpose()?.unwrap_or_default();
        let named = self.region.as_deref().map(region).transpose()?;
        let region: RegionParameters = named.or_else(|| population.region.clone()).unwrap_or_default();
        // Everybody's days are counted from the first, and the calendar ends some time.
        if self.start.checked_add(i64::from(self.days + 2).days()).is_err() || self.start.year() < 1 {
            return Err(anyhow!("{} days from {} on are not within the years of the calendar", self.days, self.start));
        }
        let study = Study { seed: self.seed, first_day: self.start, days: self.days };
        let parameters = self.phones.parameters(population.parameters());
        Ok(Configuration { study, region, osm: self.osm.clone(), parameters })
    }
}

impl PhoneArgs {
    /// `parameters`, with what the flags say in their place.
    fn parameters(&self, mut parameters: Parameters) -> Parameters {
        let phones = &mut parameters.phones;
        phones.android_share = self.android.unwrap_or(phones.android_share);
        phones.sensor_noise = self.sensor_noise.map_or(phones.sensor_noise, |switch| switch == Switch::On);
        phones.ios_distance_m = self.ios_distance_m.unwrap_or(phones.ios_distance_m);
        phones.ios_interval_min = self.ios_interval_min.unwrap_or(phones.ios_interval_min);
        let never = self.no_fault.iter().flat_map(|FaultName(faults)| faults);
        phones.faults.extend(never.map(|fault| (*fault, Share::default())));
        parameters
    }
}

/// Which people are written, and in which form. What is required is not there when a subcommand is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SelectionArgs {
    /// How many people
    #[arg(long, value_name = "COUNT", required = true, value_parser = clap::value_parser!(u32).range(1..=i64::from(USERS_MAX)))]
    users: Option<u32>,
    /// In which form to write what their phones recorded
    #[arg(long, value_enum, required = true)]
    form: Option<FormName>,
    /// Only some of the people, such as 0..5000: a shard of an array job
    #[arg(long, value_name = "FROM..TO")]
    users_range: Option<UsersRange>,
    /// Write where everybody really was on their trips, too
    #[arg(long)]
    trajectory: bool,
}

/// Tokens have seven digits.
const USERS_MAX: u32 = 10_000_000;

impl SelectionArgs {
    /// What they select.
    ///
    /// # Errors
    /// When the range is not within the people.
    pub(crate) fn selection(&self) -> Result<Selection> {
        let users = self.users.expect("it is required");
        let form = self.form.expect("it is required").into();
        let users_range = self.users_range.clone().map_or(0..users, |UsersRange(range)| range);
        if users_range.end > users {
            let Range { start, end } = users_range;
            return Err(anyhow!("--users-range {start}..{end} is not within the {users} people of --users"));
        }
        Ok(Selection { users, users_range, form, trajectory: self.trajectory })
    }
}

/// The forms, as people ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormName {
    /// One gzip file per person in stored form, as the original server's loader takes them
    Timeline,
    /// One zstd file per person with every call, its body and its intended time
    Uploads,
    /// Columns per kind of entry
    Parquet,
    /// Points as CSV, trips as GeoJSON for a map
    Csv,
    /// Only the ground truth
    None,
}

impl From<FormName> for Form {
    fn from(name: FormName) -> Self {
        match name {
            FormName::Timeline => Self::Timeline,
            FormName::Uploads => Self::Uploads,
            FormName::Parquet => Self::Parquet,
            FormName::Csv => Self::Csv,
            FormName::None => Self::None,
        }
    }
}

/// Some of the people: `0..5000`, the end excluded.
#[derive(Clone, Debug)]
struct UsersRange(Range<u32>);

impl FromStr for UsersRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bounds = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
        let range = bounds.filter(|range: &Range<u32>| !range.is_empty());
        range.map(Self).ok_or_else(|| format!("`{text}` is not a range of people such as 0..5000"))
    }
}
