//! How far a target's pipeline is behind, as its metrics page tells.

use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, interval, timeout_at};

use crate::control;
use crate::error::LoadError;
use crate::observer::{Observer, Stage};
use crate::stop::Stop;
use crate::transport::http1::Http1;

/// How many people have entries that no pipeline has seen.
const PENDING: &str = "em_pipeline_users_pending";
/// For how long the oldest upload has waited for the pipeline.
const LAG: &str = "em_pipeline_lag_seconds";
/// How often the page is asked for.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// Waits until nobody has entries that the target's pipeline has not seen, or somebody says stop.
///
/// # Errors
/// When the target does not tell, or has not finished after `longest`.
pub(crate) async fn settle(
    target: &Http1,
    longest: Duration,
    observer: &dyn Observer,
    stop: &mut Stop,
) -> Result<(), LoadError> {
    let client = control::client(target).map_err(LoadError::Client)?;
    let pending =
        async || users_pending(&control::metrics(&client, target).await?).ok_or(LoadError::Untold { name: PENDING });
    let first = pending().await?;
    observer.steps(Stage::Settle, first);
    let mut least = first;
    let mut every = interval(ASKED_EVERY);
    let over = Instant::now() + longest;
    while least > 0 {
        tokio::select! {
            _ = every.tick() => {}
            () = stop.requested() => return Ok(()),
        }
        let Ok(now) = timeout_at(over, pending()).await else {
            return Err(LoadError::Unsettled { longest_s: longest.as_secs_f64(), pending: least });
        };
        let now = now?;
        (now..least).for_each(|_| observer.step());
        least = least.min(now);
    }
    Ok(())
}

/// For how many seconds the oldest upload has waited for the target's pipeline; `None` when the target does not tell.
pub(crate) async fn lag_s(client: &Client, target: &Http1) -> Option<f64> {
    told(&control::metrics(client, target).await.ok()?, LAG)
}

fn users_pending(page: &str) -> Option<u64> {
    let value = told(page, PENDING)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of people")]
    let count = value.max(0.0) as u64;
    Some(count)
}

/// The value of a figure on a page in Prometheus' text format.
fn told(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_on_the_page() {
        let page = "# HELP em_pipeline_users_pending Users\n# TYPE em_pipeline_users_pending gauge\nem_pipeline_users_pending 12.0\n# EOF\n";
        assert_eq!(users_pending(page), Some(12));
        assert_eq!(users_pending("em_pipeline_users_pending_else 3\n"), None);
        assert_eq!(told("em_pipeline_lag_seconds 2.5\n", LAG), Some(2.5));
    }
}
