//! A search for capacity: one launch for each step that the search asks for, each with a fresh store, or after the target
//! has come to rest.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rushhour_load::address::Address;
use rushhour_load::observer::Observer;
use rushhour_load::probe::probe;
use rushhour_load::stop::Stop;
use rushhour_load::transport::http1::Http1;
use rushhour_report::capacity::{Capacity, Next, Observed, Phase, Search, Step, Subject, judge, markdown};
use rushhour_report::interval::Interval;
use rushhour_report::page::capacity_page;
use tokio::time::{Instant, sleep};

use crate::reference::OutOfMemory;
use crate::run_page::{PAGE_FILE, name, read_origin};
use crate::rundir::{read_intervals, replace};
use crate::target::Server;
use crate::{Launch, launch};

/// The search's file name.
pub const CAPACITY_FILE: &str = "capacity.json";
/// Where the runs of a search are kept.
pub(crate) const STEPS_DIR: &str = "steps";
/// An external target is asked so often whether it is at rest.
const REST_ASKED_EVERY: Duration = Duration::from_secs(1);
/// It is when it answers so often in a row nearly as fast as before the search.
const REST_ANSWERS: u32 = 3;
/// Nearly as fast: this many times as long.
const REST_RATIO: u32 = 2;
/// Nobody waits for ever.
const REST_MAX: Duration = Duration::from_secs(300);

/// Is told how a search goes on.
pub trait Watching {
    /// A step begins.
    fn begins(&self, number: usize, phase: Phase, rate: f64);
    /// It is over.
    fn ended(&self, step: &Step);
}

/// What a step of a search is made from.
pub trait Steps {
    /// A launch that offers so much.
    ///
    /// # Errors
    /// When it cannot be offered.
    fn launch(&self, rate: f64, phase: Phase) -> Result<Launch>;
}

/// Runs what a search asks for, keeping each step and what is known so far in `dir`.
///
/// # Errors
/// When the target does not start, or something cannot be kept.
pub async fn search(
    (mut search, mut subject): (Search, Subject),
    steps: &dyn Steps,
    dir: &Path,
    (watching, observer): (&dyn Watching, Rc<dyn Observer>),
    stop: Stop,
) -> Result<Capacity> {
    let runs = dir.join(STEPS_DIR);
    let mut rest: Option<Rest> = None;
    let mut number = 0;
    while let Next::Try { rate, phase } = search.next() {
        if stop.is_requested() {
            break;
        }
        number += 1;
        watching.begins(number, phase, rate);
        let step = steps.launch(rate, phase)?;
        if let Server::External { url, .. } = &step.target.server {
            match &rest {
                Some(rest) => rest.again().await?,
                None => rest = Some(Rest::of(Http1::new(url.clone(), &step.trust)?).await?),
            }
        }
        let observed = match launch(step, &runs, None, Rc::clone(&observer), stop.clone()).await {
            Ok((kept, result)) => {
                if let Some(machine) = &result.machine {
                    subject.machine.clone_from(&machine.name);
                    subject.is_emulated &= machine.is_emulated;
                }
                let intervals: Vec<Interval> = read_intervals(kept.path())?.iter().collect::<Result<_, _>>()?;
                let folder = Some(format!("{STEPS_DIR}/{}", name(kept.path())));
                Observed { folder, ..judge(&result, &intervals) }
            }
            // Memory is what gave way. A server that ends for any other reason has a flaw, and that is no rate's.
            Err(error) => match error.downcast_ref::<OutOfMemory>() {
                Some(out_of_memory) => Observed::broken(out_of_memory.to_string()),
                None => return Err(error),
            },
        };
        if stop.is_requested() {
            break;
        }
        search.told(observed);
        let so_far = search.capacity(subject.clone());
        so_far.steps.last().into_iter().for_each(|step| watching.ended(step));
        keep(dir, &so_far)?;
    }
    let capacity = search.capacity(subject);
    keep(dir, &capacity)?;
    Ok(capacity)
}

fn keep(dir: &Path, capacity: &Capacity) -> Result<()> {
    replace(&dir.join(CAPACITY_FILE), &(serde_json::to_string_pretty(capacity)? + "\n"))?;
    replace(&dir.join("summary.md"), &markdown(capacity))?;
    replace(&dir.join(PAGE_FILE), &capacity_page(&name(dir), &read_origin(dir), capacity))
}

/// Reads a search that was kept; `path` is its folder, or the file itself.
///
/// # Errors
/// When there is none, or it cannot be read as one.
pub fn read(path: &Path) -> Result<Capacity> {
    let file = if path.is_dir() { path.join(CAPACITY_FILE) } else { path.to_owned() };
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {} as a search for capacity", file.display()))
}

/// How fast an external target answers when nobody asks for much.
struct Rest {
    target: Http1,
    answer: Duration,
}

impl Rest {
    async fn of(target: Http1) -> Result<Self> {
        let mut answer = Duration::ZERO;
        for _ in 0..REST_ANSWERS {
            answer = answer.max(timed(&target).await?);
        }
        Ok(Self { target, answer })
    }

    /// Waits until it is at rest again.
    async fn again(&self) -> Result<()> {
        let begun = Instant::now();
        let mut in_a_row = 0;
        while in_a_row < REST_ANSWERS {
            if begun.elapsed() > REST_MAX {
                let address: &Address = self.target.address();
                bail!("{address} had not come to rest {} s after a step", REST_MAX.as_secs());
            }
            sleep(REST_ASKED_EVERY).await;
            // One that does not answer is not at rest.
            let is_quick = timed(&self.target).await.is_ok_and(|took| took <= self.answer * REST_RATIO);
            in_a_row = if is_quick { in_a_row + 1 } else { 0 };
        }
        Ok(())
    }
}

async fn timed(target: &Http1) -> Result<Duration> {
    let begun = Instant::now();
    probe(target).await?;
    Ok(begun.elapsed())
}
