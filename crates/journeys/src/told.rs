//! What journeys tell: goose's own times, which are those of a closed loop, and those from the intended wake beside them.

use std::time::Duration;

use goose::metrics::GooseMetrics;
use rushhour_report::histogram::{Latencies, Percentiles};
use rushhour_report::table::Table;

use crate::phones::Phones;

/// What became of the calls of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    /// What they are called.
    pub name: String,
    /// Answered with success.
    pub completed: u64,
    /// Not answered, or with an error.
    pub failed: u64,
    /// As goose counts: from the sending to the first byte of the answer, whatever the answer was. A phone that waits asks
    /// nothing, so these say little of how long people wait.
    pub closed_loop_ms: Percentiles,
    /// From when the phone would have woken to the end of a good answer; time-outs count with what they had taken.
    pub from_wake_ms: Percentiles,
}

/// What became of each kind of call.
pub(crate) fn journeys(metrics: &GooseMetrics, phones: &Phones) -> Vec<Journey> {
    let done = phones.done().into_iter();
    let journey = |(name, done): (String, crate::phones::Done)| Journey {
        closed_loop_ms: closed_loop(metrics, &name).percentiles(),
        from_wake_ms: done.from_wake.percentiles(),
        completed: done.completed,
        failed: done.failed,
        name,
    };
    done.map(journey).collect()
}

/// The times that goose has kept of the requests called `name`: in buckets, each known by its fastest time.
fn closed_loop(metrics: &GooseMetrics, name: &str) -> Latencies {
    let mut latencies = Latencies::default();
    for request in metrics.requests.values().filter(|request| request.path == name) {
        for (us, count) in request.raw_data.times_us.iter() {
            (0..*count).for_each(|_| latencies.record(Duration::from_micros(*us)));
        }
    }
    latencies
}

/// Two rows for each kind of call, in milliseconds; the first says that it is a closed loop's.
pub fn table(journeys: &[Journey]) -> Table {
    let headings = ["operation", "ms", "completed", "failed", "p50", "p90", "p99", "p99.9", "max"];
    let mut table = Table::new(2, &headings);
    for journey in journeys {
        let Journey { name, completed, failed, closed_loop_ms, from_wake_ms } = journey;
        let counts = [completed.to_string(), failed.to_string()];
        table.rows.push(row([name, "closed loop"], counts, closed_loop_ms));
        table.rows.push(row(["", "from intended wake"], Default::default(), from_wake_ms));
    }
    table
}

fn row(names: [&str; 2], counts: [String; 2], percentiles: &Percentiles) -> Vec<String> {
    let Percentiles { count: _, p50, p90, p99, p99_9, max } = *percentiles;
    let cells = [p50, p90, p99, p99_9, max].map(|ms| ms.map_or("–".to_owned(), |ms| format!("{ms:.2}")));
    names.map(str::to_owned).into_iter().chain(counts).chain(cells).collect()
}
