//! Before the phases: people are made known, the days they have lived are uploaded one after another, and the target's
//! pipeline is waited for.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rushhour_report::result::UploadResult;

use crate::control;
use crate::error::LoadError;
use crate::observer::{Observer, Stage};
use crate::plan;
use crate::population::Population;
use crate::request::{Ahead, Before};
use crate::run::bounds;
use crate::scenario::Scenario;
use crate::schedule::Part;
use crate::settle::settle;
use crate::stop::Stop;
use crate::transport::http1::Http1;
use crate::upload::{Uploaded, upload};

/// What people have lived before they are watched may take the target's pipeline so long.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// Makes the people of this part known to the target, uploads their days before the run that were not `uploaded` at an earlier
/// sitting, and gives back who they are then. Must run inside a [`tokio::task::LocalSet`].
///
/// # Errors
/// When the target does not take them.
pub async fn before(
    scenario: &Scenario,
    mut population: Population,
    target: &Http1,
    (part, mut uploaded): (Part, Uploaded),
    observer: &Rc<dyn Observer>,
    stop: &mut Stop,
) -> Result<(UploadResult, Population), LoadError> {
    if !scenario.has_calls() && scenario.live().is_none() {
        return Ok((UploadResult::default(), population));
    }
    let users: Vec<u32> = (0..population.users()).filter(|user| part.has((*user).into())).collect();
    observer.steps(Stage::Register, users.len() as u64);
    tokio::select! {
        registered = control::register(target, &population, &users, &**observer) => registered?,
        () = stop.requested() => {}
    }
    let days = population.days_before();
    observer.steps(Stage::Upload, u64::from(days) * users.len() as u64);
    population = lived(population, uploaded.days.min(days), part, observer).await;
    let headers = Arc::new(plan::headers(target.address()));
    for day in uploaded.days..days {
        if stop.is_requested() {
            break;
        }
        // A day is complete before the next begins, so that an interrupted sitting can be taken up at a day.
        let before = Before { population, part, until_day: day + 1, headers: Arc::clone(&headers) };
        let requests = Ahead::start(before);
        let (of_day, before) = upload(requests, target.clone(), bounds(scenario, 1), Rc::clone(observer), stop).await;
        population = before.into_inner().population;
        uploaded.add(&of_day);
        if uploaded.is_full {
            return Ok((uploaded.result(), population));
        }
        if !stop.is_requested() {
            uploaded.days = day + 1;
            observer.uploaded(&uploaded);
        }
    }
    if let Some(study) = &scenario.study {
        settle(target, study.settle_s_max.duration(), &**observer, stop).await?;
    } else if scenario.live().is_some() {
        // The pipeline is watched while they live. A target that does not tell how far it is is not waited for.
        let settled = settle(target, SETTLE_MAX, &**observer, stop).await;
        settled.or_else(|error| if matches!(error, LoadError::Unsettled { .. }) { Err(error) } else { Ok(()) })?;
    }
    Ok((uploaded.result(), population))
}

/// The population after its first `days` days, which were uploaded before.
async fn lived(mut population: Population, days: u32, part: Part, observer: &Rc<dyn Observer>) -> Population {
    for day in 0..days {
        let living = move || {
            population.skip_before(day + 1);
            population
        };
        population = tokio::task::spawn_blocking(living)
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.try_into_panic().expect("nobody aborts it")));
        let users = (0..population.users()).filter(|user| part.has((*user).into()));
        users.for_each(|_| observer.step());
    }
    population
}
