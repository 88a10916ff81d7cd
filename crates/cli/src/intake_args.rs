//! How the intake of a server works, as arguments.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use rushhour_pipeline::transit::Stops;
use rushhour_server::intake::{Mode, Options};

use crate::transit_file::read;

/// How the intake works.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Intake")]
pub(crate) struct IntakeArgs {
    /// When uploads become trips: `continuous`, `off`, or every so often, such as `1h`
    #[arg(long, value_name = "WHEN", default_value = "continuous")]
    intake: IntakeMode,
    /// How many threads make trips
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    intake_cores: usize,
    /// The share of its time that each of them may work, up to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    intake_share: f64,
    /// A person whose run takes longer is taken in day by day
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    intake_deadline: Duration,
    /// How far fixes must reach beyond the last trip; the original's gate is `6h`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    intake_gate: Duration,
    /// How often a person's labels are learnt from, to guess those of later trips: such as `24h`; never when absent
    #[arg(long, value_name = "TIME", value_parser = duration)]
    label_models: Option<Duration>,
    #[command(flatten)]
    transit: TransitArgs,
}

/// Where public transport stops.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TransitArgs {
    /// Stops of public transport: an .osm.pbf extract, or a CSV file with latitude, longitude, mode and route
    #[arg(long, value_name = "FILE")]
    transit_stops: Option<PathBuf>,
}

impl IntakeArgs {
    /// Whether nobody is taken in.
    pub(crate) fn is_off(&self) -> bool {
        self.intake.0 == Mode::Off
    }

    pub(crate) fn options(&self) -> Result<Options> {
        Ok(Options {
            mode: self.intake.0,
            cores: self.intake_cores,
            share: self.intake_share,
            deadline: self.intake_deadline,
            label_models: self.label_models,
            gate_s: self.intake_gate.as_secs_f64(),
            stops: self.transit.stops()?,
        })
    }
}

impl TransitArgs {
    pub(crate) fn stops(&self) -> Result<Stops> {
        self.transit_stops.as_deref().map_or_else(|| Ok(Stops::default()), read)
    }
}

#[derive(Clone, Copy, Debug)]
struct IntakeMode(Mode);

impl FromStr for IntakeMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(match text {
            "continuous" => Mode::Continuous,
            "off" => Mode::Off,
            every => match duration(every.trim_start_matches("every").trim()) {
                Ok(interval) if interval > Duration::ZERO => Mode::Every(interval),
                _ => return Err("use continuous, off, or a time such as 1h".to_owned()),
            },
        }))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(span).map_err(|_| "a time is not negative".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error: std::num::ParseFloatError| error.to_string())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("a share is more than 0 and at most 1".to_owned()) }
}
