//! What is set up before anything is measured: the users. This goes through reqwest, which keeps its own
//! connections; nothing of it is timed.

use std::time::Duration;

use reqwest::Client;
use rushhour_model::wire::{Call, ErrorResponse, route};
use tokio::task::JoinSet;

use crate::error::LoadError;
use crate::observer::Observer;
use crate::population::Population;
use crate::transport::http1::Http1;

/// How long a registration may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many users are registered at once.
const REGISTERED_AT_ONCE: usize = 16;

/// Makes `users` of the population known to the target. A known one is left as it is.
///
/// # Errors
/// [`LoadError::Register`] with the first refusal.
pub async fn register(
    target: &Http1,
    population: &Population,
    users: &[u32],
    observer: &dyn Observer,
) -> Result<(), LoadError> {
    let address = target.address();
    let client = client(target).map_err(LoadError::Client)?;
    let mut waiting = JoinSet::new();
    let mut people = users.iter();
    loop {
        while waiting.len() < REGISTERED_AT_ONCE
            && let Some(user) = people.next()
        {
            waiting.spawn(create(
                client.clone(),
                format!("{address}{}", route::PROFILE_CREATE),
                population.token(*user),
            ));
        }
        let Some(created) = waiting.join_next().await else { return Ok(()) };
        let created = created.unwrap_or_else(|error| Err(error.to_string()));
        created.map_err(|reason| LoadError::Register { address: address.clone(), reason })?;
        observer.step();
    }
}

/// The target's metrics page.
///
/// # Errors
/// [`LoadError::Metrics`] when there is none.
pub(crate) async fn metrics(client: &Client, target: &Http1) -> Result<String, LoadError> {
    let url = format!("{}/metrics", target.address());
    let page = async { client.get(&url).send().await?.error_for_status()?.text().await };
    page.await.map_err(|error| LoadError::Metrics { url: url.clone(), reason: full(&error) })
}

/// Straight to the target, as the load goes.
pub(crate) fn client(target: &Http1) -> reqwest::Result<Client> {
    Client::builder().no_proxy().timeout(TIMEOUT).tls_backend_preconfigured(target.tls_config()).build()
}

async fn create(client: Client, url: String, token: String) -> Result<(), String> {
    let call = Call { user: Some(token.into()) };
    let answer = client.post(url).json(&call).send().await.map_err(|error| full(&error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = answer.json::<ErrorResponse>().await.map(|body| body.error).unwrap_or_default();
    Err(format!("it answered {status} {reason}"))
}

/// The error with its causes: reqwest's own sentence does not say what went wrong.
fn full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
