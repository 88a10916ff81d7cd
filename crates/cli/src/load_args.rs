//! The flags that win over a scenario.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use jiff::Timestamp;
use rushhour_load::arrivals::Rate;
use rushhour_load::operation::Call;
use rushhour_load::scenario::{Carrier, Overrides, Pacing, Seconds};
use rushhour_load::schedule::Part;
use rushhour_load::tls::Trust;
use rushhour_load::{Share, Start};
use rushhour_report::limit::Limit;
use tokio::time::Instant;

/// The flags that win over a scenario.
#[derive(Debug, clap::Args)]
pub(crate) struct OverrideArgs {
    /// usercache/get per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    get: Option<Rate>,
    /// usercache/put per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    put: Option<Rate>,
    /// timeline/getTrips per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    timeline: Option<Rate>,
    /// datastreams/find_entries per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    find: Option<Rate>,
    /// How long to measure, such as 30s or 5m
    #[arg(long, value_parser = parse_seconds)]
    duration: Option<Seconds>,
    /// A folder of recorded phone days, *.raw.json or *.raw.json.gz
    #[arg(long, value_name = "DIR")]
    days: Option<PathBuf>,
    /// How many people
    #[arg(long, value_name = "COUNT")]
    users: Option<NonZeroU32>,
    /// Same seed, same requests
    #[arg(long)]
    seed: Option<u64>,
    /// At most so many connections at once
    #[arg(long, value_name = "COUNT")]
    connections: Option<NonZeroU32>,
    /// No schedule: each connection sends its next request when it has the answer to the one before
    #[arg(long)]
    closed: bool,
    /// How exactly requests are timed; chosen by the rate when absent
    #[arg(long, value_enum)]
    pacing: Option<PacingArg>,
    /// How many threads send; chosen by the rate when absent
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroU32>,
    /// What carries the requests
    #[arg(long, value_enum)]
    transport: Option<CarrierArg>,
    /// What must hold as well, such as 'put.response_ms.p99 < 250'; the names are those of result.json
    #[arg(long, value_name = "LIMIT")]
    limit: Vec<Limit>,
    /// Certificates in PEM to trust in the place of the system's, for https:// targets
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send only this part of the schedule, such as 3/8 for the third of eight
    #[arg(long, value_name = "I/N", value_parser = parse_part)]
    shard: Option<Part>,
    /// When all machines start, such as 2026-11-21T18:00:00Z
    #[arg(long, value_name = "INSTANT")]
    start_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PacingArg {
    /// Each on its own, by a timer of nanoseconds
    Exact,
    /// Those of 100 µs together
    Balanced,
    /// Those of a millisecond together
    Economy,
    /// By looking at the clock without rest: a whole core
    Spin,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CarrierArg {
    /// Our own connections of HTTP/1.1
    Http1,
    /// The reqwest library: proxies of the environment, HTTP/2
    Reqwest,
}

pub(crate) fn parse_seconds(text: &str) -> Result<Seconds, String> {
    let length: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a length such as 30s, 5m or 1h".to_owned())?;
    Seconds::try_from(length.as_secs_f64())?.positive()
}

/// `3/8` for people is the third of eight, counted from 1.
fn parse_part(text: &str) -> Result<Part, String> {
    let expected = || "expected a part such as 3/8, from 1/8 to 8/8".to_owned();
    let (number, count) = text.split_once('/').ok_or_else(expected)?;
    let (number, count): (u32, u32) = number.parse().ok().zip(count.parse().ok()).ok_or_else(expected)?;
    if !(1..=count).contains(&number) {
        return Err(expected());
    }
    Ok(Part { index: number - 1, count })
}

impl OverrideArgs {
    /// Whom to believe.
    pub(crate) fn trust(&self) -> Trust {
        Trust { ca_file: self.ca.clone() }
    }

    /// Which part is sent from here, and when; `now` is the time of day.
    ///
    /// # Errors
    /// When the moment to start has passed.
    pub(crate) fn share(&self, now: Timestamp) -> Result<Share> {
        let start = self.start_at.map(|start| {
            let wait = Duration::try_from(start.duration_since(now)).ok();
            let wait = wait.with_context(|| format!("{start} has passed; agree on a later moment to start"))?;
            let wall_s = start.as_nanosecond() as f64 / 1e9;
            anyhow::Ok(Start { at: Instant::now() + wait, wall_s, text: start.to_string() })
        });
        Ok(Share { part: self.shard.unwrap_or_default(), start: start.transpose()? })
    }

    /// What they put in the place of a scenario's values.
    pub(crate) fn overrides(self) -> Overrides {
        let rates =
            [(Call::Get, self.get), (Call::Put, self.put), (Call::Timeline, self.timeline), (Call::Find, self.find)];
        let rates = rates.into_iter().filter_map(|(call, rate)| Some((call.into(), rate?)));
        Overrides {
            rates: rates.collect::<BTreeMap<_, _>>(),
            measure_s: self.duration,
            days_dir: self.days,
            users: self.users,
            seed: self.seed,
            connections: self.connections,
            closed: self.closed,
            pacing: self.pacing.map(|pacing| match pacing {
                PacingArg::Exact => Pacing::Exact,
                PacingArg::Balanced => Pacing::Balanced,
                PacingArg::Economy => Pacing::Economy,
                PacingArg::Spin => Pacing::Spin,
            }),
            threads: self.threads,
            transport: self.transport.map(|carrier| match carrier {
                CarrierArg::Http1 => Carrier::Http1,
                CarrierArg::Reqwest => Carrier::Reqwest,
            }),
            limits: self.limit,
        }
    }
}
