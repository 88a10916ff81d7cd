//! What a thread and its machine had used when *measure* began and ended, as far as the run got there.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::observer::{HostProbe, HostSample};
use crate::scenario::Phases;

/// Watches *measure* go by.
pub(crate) struct Watched {
    start: Rc<Cell<Option<(Instant, HostSample)>>>,
    end: Rc<Cell<Option<(Instant, HostSample)>>>,
    host: HostProbe,
    task: AbortHandle,
}

/// What was used while *measure* lasted, as shares of that time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Processor time of the thread, of one core.
    pub(crate) thread_cpu_ratio: f64,
    /// Time in which the thread was ready and had no processor.
    pub(crate) run_queue_wait_ratio: f64,
    /// Processor time of the program, of all cores.
    pub(crate) cpu_ratio: f64,
    /// Processor time that the hypervisor gave to others, of all cores.
    pub(crate) steal_ratio: f64,
    /// Time in which some process waited for a processor.
    pub(crate) pressure_ratio: Option<f64>,
}

impl Watched {
    /// Starts watching the phases go by, from `epoch`, on this thread.
    pub(crate) fn start(phases: Phases, epoch: Instant, host: HostProbe) -> Self {
        let (start, end) = <(Rc<Cell<_>>, Rc<Cell<_>>)>::default();
        let (started, ended) = (Rc::clone(&start), Rc::clone(&end));
        let task = tokio::task::spawn_local(async move {
            sleep_until(epoch + phases.measure_start()).await;
            started.set(Some((Instant::now(), host())));
            sleep_until(epoch + phases.measure_end()).await;
            ended.set(Some((Instant::now(), host())));
        });
        Self { start, end, host, task: task.abort_handle() }
    }

    /// What was used, until now if *measure* has not ended.
    pub(crate) fn finish(self) -> Used {
        self.task.abort();
        let Some((started, before)) = self.start.get() else { return Used::default() };
        let (ended, after) = self.end.get().unwrap_or_else(|| (Instant::now(), (self.host)()));
        let wall_s = (ended - started).as_secs_f64();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let all_s = after.total_s - before.total_s;
        Used {
            thread_cpu_ratio: share(after.thread_cpu_s - before.thread_cpu_s, wall_s),
            run_queue_wait_ratio: share(after.thread_wait_s - before.thread_wait_s, wall_s),
            cpu_ratio: share(after.process_cpu_s - before.process_cpu_s, all_s),
            steal_ratio: share(after.steal_s - before.steal_s, all_s),
            pressure_ratio: after
                .pressure_s
                .zip(before.pressure_s)
                .map(|(after, before)| share(after - before, wall_s)),
        }
    }
}
