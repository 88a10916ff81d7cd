//! The phones as goose's users: one transaction that wakes a phone when it would act, over and over again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use goose::config::GooseConfiguration;
use goose::goose::{GooseMethod, GooseRequest, GooseUser, Scenario as GooseScenario};
use goose::goose::{Transaction, TransactionFunction, TransactionResult};
use goose::metrics::GooseMetrics;
use goose::{GooseAttack, GooseError};
use hyper::header::HOST;
use reqwest::redirect::Policy;
use rushhour_load::request::Request;
use rushhour_load::scenario::Scenario;
use rushhour_load::transport::http1::Http1;
use tokio::time::{Instant, sleep, sleep_until};

use crate::phones::{Ending, Phones};

/// A phone that sleeps looks so often whether the run is over.
const LOOK: Duration = Duration::from_millis(500);
/// All phones are switched on within about a second.
const SWITCHED_ON_S: u32 = 1;

/// Lets goose run everybody's phone until the end of *measure*.
pub(crate) async fn attack(
    scenario: &Scenario,
    target: &Http1,
    phones: Arc<Phones>,
    dashboard: Option<SocketAddr>,
) -> Result<GooseMetrics, GooseError> {
    let configuration = configuration(scenario, target, dashboard);
    let set_up = Transaction::new(with_client(target.clone(), scenario.connections.request_timeout_s.duration()));
    let wake = Transaction::new(waking(phones));
    let phone = GooseScenario::new("phone").register_transaction(set_up.set_on_start()).register_transaction(wake);
    GooseAttack::initialize_with_config(configuration)?.register_scenario(phone).execute().await
}

fn configuration(scenario: &Scenario, target: &Http1, dashboard: Option<SocketAddr>) -> GooseConfiguration {
    let users = scenario.users().get();
    let run_s = scenario.phases.measure_end().as_secs_f64().ceil();
    // Some of its fields are its own, so it cannot be written in one go.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(target.address().to_string());
    configuration.users = Some(users as usize);
    configuration.increase_rate = Some(users.div_ceil(SWITCHED_ON_S).to_string());
    configuration.run_time = Some(format!("{run_s}s"));
    // Libraries print nothing.
    configuration.quiet = 1;
    configuration.no_print_metrics = true;
    configuration.no_reset_metrics = true;
    configuration.no_telnet = true;
    configuration.dashboard = dashboard.is_some();
    configuration.dashboard_host = dashboard.map(|address| address.ip().to_string());
    configuration.dashboard_port = dashboard.map(|address| address.port());
    configuration
}

/// Gives a phone connections of its own, which believe whom the target's connections believe.
fn with_client(target: Http1, timeout: Duration) -> TransactionFunction {
    Arc::new(move |user| {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(timeout);
        let client = client.tls_backend_preconfigured(target.tls_config());
        Box::pin(async move { user.set_client_builder(client).await.map_err(Box::new) })
    })
}

/// What a phone does over and over again: sleep until it would wake, and then its next call.
fn waking(phones: Arc<Phones>) -> TransactionFunction {
    Arc::new(move |user| {
        let phones = Arc::clone(&phones);
        Box::pin(async move { wake(user, &phones).await })
    })
}

async fn wake(user: &mut GooseUser, phones: &Phones) -> TransactionResult {
    let phone = user.weighted_users_index;
    match phones.wakes_at(phone) {
        Some(at) if at <= Instant::now() + LOOK => {
            sleep_until(at).await;
            call(user, phone, phones).await
        }
        // goose asks between two transactions whether the run is over.
        _ => {
            sleep(LOOK).await;
            Ok(())
        }
    }
}

/// Makes the next call of a phone, and waits for all of the answer.
async fn call(user: &mut GooseUser, phone: usize, phones: &Phones) -> TransactionResult {
    let Some((request, name)) = phones.take(phone) else { return Ok(()) };
    let at = request.at;
    let ending = send(user, request, name).await;
    phones.note(name, at, ending);
    phones.prepare(phone);
    Ok(())
}

async fn send(user: &mut GooseUser, request: Request, name: &str) -> Ending {
    let mut headers = request.all_headers();
    headers.remove(HOST);
    let path = request.path.as_str();
    // What people who live call for is all POST.
    let Ok(builder) = user.get_request_builder(&GooseMethod::Post, path) else { return Ending::Failed };
    let builder = builder.headers(headers).body(request.body);
    let asked = GooseRequest::builder().method(GooseMethod::Post).path(path).name(name).set_request_builder(builder);
    let Ok(answer) = user.request(asked.build()).await else { return Ending::Failed };
    let answered = match answer.response {
        Ok(response) => match response.error_for_status() {
            Ok(response) => response.bytes().await.map(drop),
            Err(refused) => Err(refused),
        },
        Err(error) => Err(error),
    };
    match answered {
        Ok(()) => Ending::Completed,
        Err(error) if error.is_timeout() => Ending::Timeout,
        Err(_) => Ending::Failed,
    }
}
