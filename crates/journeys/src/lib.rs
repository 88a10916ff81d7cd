//! Journeys: phones as closed loops, on goose. Each phone makes its own calls one after the other, waits for every answer,
//! and sleeps until it would act next: it syncs, and in the evening its owner opens the diary.
//!
//! People, requests and the times at which phones would wake are those of `population.live` in `load`. What differs is that a
//! phone which waits for an answer makes no other call, so a slow server is asked less. goose counts from the sending, which
//! is what a closed loop sees; from the intended wake counts what people would have felt, and both are told.

mod attack;
mod phones;
mod told;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use goose::GooseError;
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::plan::{Materials, Plan};
use rushhour_load::scenario::Scenario;
use rushhour_load::schedule::Part;
use rushhour_load::stop::Stop;
use rushhour_load::transport::http1::Http1;
use rushhour_load::upload::Uploaded;
use rushhour_load::{LoadError, before, probe};
use rushhour_report::result::UploadResult;

use crate::attack::attack;
use crate::phones::Phones;
pub use crate::told::{Journey, table};

/// What is to be run.
#[derive(Debug)]
pub struct Journeys {
    /// Whose phones; its `population.live` says how fast they live.
    pub scenario: Scenario,
    /// What their requests are made from.
    pub materials: Materials,
    /// Where they lead.
    pub target: Http1,
    /// Where goose shows its dashboard meanwhile.
    pub dashboard: Option<SocketAddr>,
}

/// What they leave behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What was uploaded before.
    pub upload: UploadResult,
    /// What became of each kind of call, in the order of their names.
    pub journeys: Vec<Journey>,
}

/// Why there were no journeys.
#[derive(Debug, thiserror::Error)]
pub enum JourneysError {
    /// The scenario has nobody whose phone could wake.
    #[error("journeys are those of people who live: give the scenario a [population] with `live = {{ speed = … }}`")]
    NobodyLives,
    /// The target cannot be spoken to, or did not take the people.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// goose could not run.
    #[error("goose: {0}")]
    Goose(Box<GooseError>),
}

/// Makes the journeys of everybody in a scenario. Must run inside a [`tokio::task::LocalSet`]; the phones are on other threads
/// if the runtime has any.
///
/// # Errors
/// When nobody lives, or the target or goose does not work.
pub async fn run(journeys: Journeys, observer: Rc<dyn Observer>, mut stop: Stop) -> Result<Finished, JourneysError> {
    let Journeys { scenario, materials, target, dashboard } = journeys;
    if scenario.live().is_none() {
        return Err(JourneysError::NobodyLives);
    }
    let Materials { population, feeders } = materials;
    probe::probe(&target).await?;
    let part = (Part::WHOLE, Uploaded::default());
    let (upload, population) = before(&scenario, population, &target, part, &observer, &mut stop).await?;
    observer.steps(Stage::Prepare, u64::from(scenario.users().get()));
    let (plan, _) = Plan::new(&scenario, Materials { population, feeders }, target.address(), || {});
    let phones = Arc::new(Phones::new(&scenario, &Arc::new(plan), || observer.step()));
    observer.lasts(Stage::Measure, scenario.phases.measure_end());
    let metrics = attack(&scenario, &target, Arc::clone(&phones), dashboard).await;
    observer.finish();
    let metrics = metrics.map_err(|error| JourneysError::Goose(Box::new(error)))?;
    Ok(Finished { upload, journeys: told::journeys(&metrics, &phones) })
}
