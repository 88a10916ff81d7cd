//! Flags of `serve` that say who is believed, and how often they may call.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rushhour_server::{Aggregates, Auth, RateLimit};

/// Who is believed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who may call")]
pub(crate) struct AuthArgs {
    /// Which tokens are believed: any (skip), those in a file or registered before (token_list), those that start with
    /// a secret, or those that are signed (jwt)
    #[arg(long, value_enum, value_name = "METHOD", default_value_t = Method::Skip)]
    auth: Method,
    /// Tokens or secrets, one in each line, or the key that signs; read again when it changes
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,
    /// The study's configuration as its deployment publishes it: subgroups, suspended ones, and what phones are sent
    #[arg(long, value_name = "FILE.json")]
    study_config: Option<PathBuf>,
    /// Who is told sums over everybody: anybody (no_auth), nobody without a token (user_only), or nobody
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Told::NoAuth)]
    aggregates: Told,
    /// How often each user may call, such as 10/s or 600/m, and how many times at once: 600/m:50
    #[arg(long, value_name = "CALLS/PERIOD[:BURST]", value_parser = rate_limit)]
    rate_limit: Option<RateLimit>,
}

/// How tokens are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    Skip,
    #[value(name = "token_list")]
    TokenList,
    Secret,
    Jwt,
}

/// Who is told sums over everybody, by the names of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Told {
    #[value(name = "no_auth")]
    NoAuth,
    #[value(name = "user_only")]
    UserOnly,
    Never,
}

impl From<Told> for Aggregates {
    fn from(told: Told) -> Self {
        match told {
            Told::NoAuth => Self::ForAll,
            Told::UserOnly => Self::ForUsers,
            Told::Never => Self::Never,
        }
    }
}

impl AuthArgs {
    /// Reads the files.
    pub(crate) fn auth(&self) -> Result<Auth> {
        let auth = match (self.auth, &self.auth_file) {
            (Method::Skip, None) => Auth::skip(),
            (Method::Skip, Some(_)) => bail!("--auth-file says whom to believe, and --auth skip believes everybody"),
            (Method::TokenList, None) => Auth::registered(),
            (Method::TokenList, Some(file)) => Auth::token_list(file)?,
            (Method::Secret, Some(file)) => Auth::secret(file)?,
            (Method::Jwt, Some(file)) => Auth::jwt(file)?,
            (Method::Secret | Method::Jwt, None) => bail!("--auth secret and --auth jwt need --auth-file"),
        };
        let auth = auth.with_aggregates(self.aggregates.into());
        let auth = match &self.study_config {
            Some(file) => auth.with_study(file)?,
            None => auth,
        };
        Ok(match self.rate_limit {
            Some(limit) => auth.with_rate_limit(limit),
            None => auth,
        })
    }
}

/// Reads `600/m:50`.
fn rate_limit(text: &str) -> Result<RateLimit> {
    let wrong = || format!("`{text}` is no rate; write 10/s, 600/m or 600/m:50");
    let (calls, rest) = text.split_once('/').with_context(wrong)?;
    let (unit, burst) = rest.split_once(':').unwrap_or((rest, calls));
    let period = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => bail!(wrong()),
    };
    let number = |text: &str| text.parse::<NonZeroU32>().with_context(wrong);
    Ok(RateLimit { calls: number(calls)?, period, burst: number(burst)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_calls_a_period_and_a_burst() {
        let read = |text| rate_limit(text).ok().map(|it| (it.calls.get(), it.period.as_secs(), it.burst.get()));
        assert_eq!(read("10/s"), Some((10, 1, 10)));
        assert_eq!(read("600/m:50"), Some((600, 60, 50)));
        for wrong in ["", "10", "0/s", "10/d", "10/s:0", "x/s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
