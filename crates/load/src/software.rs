//! What a target runs, where that changes what a run can say about it.

use serde::{Deserialize, Serialize};

use crate::arrivals::Arrivals;
use crate::operation::Call;
use crate::scenario::Scenario;

/// The least new data of a person that an e-mission server's pipeline looks at, in hours: the gate of its intake is 21,600 s
/// (`bin/intake_multiprocess.py` and what it calls).
const GATE_H: f64 = 6.0;
/// A phone's uploads lie about this far apart, in hours: that is how often it syncs.
const SYNC_H: f64 = 1.0;
const DAY_H: f64 = 24.0;

/// A server with ways of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Software {
    /// The original e-mission server.
    #[serde(rename = "e-mission")]
    EMission,
}

impl Software {
    /// What must be known of a run of `scenario`, before which everybody uploaded `days_before` days.
    pub(crate) fn warnings(self, scenario: &Scenario, days_before: u32) -> Vec<String> {
        let span_h = span_h(scenario, days_before);
        let Self::EMission = self;
        let warning = || {
            format!(
                "each person's data spans about {span_h:.1} h, and an e-mission server waits for more than {GATE_H} h of new data: its \
                 pipeline did no work, so this run does not say what it costs; upload days before the run, or let people live faster"
            )
        };
        (span_h <= GATE_H).then(warning).into_iter().collect()
    }
}

/// How much of a person's life is uploaded, in hours.
fn span_h(scenario: &Scenario, days_before: u32) -> f64 {
    let phases = &scenario.phases;
    let lived_h = scenario.live().map_or(0.0, |live| live.speed.as_f64() * phases.measure_s.as_f64() / 3600.0);
    let puts = |arrivals: &Arrivals| {
        let per_s = arrivals.mean_per_s(phases.measure_start(), phases.measure_end());
        per_s * phases.measure_s.as_f64() / f64::from(scenario.users().get())
    };
    let puts = scenario.arrivals.get(&Call::Put.into()).map_or(0.0, puts);
    f64::from(days_before) * DAY_H + lived_h + puts * SYNC_H
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an original server is warned of when this is sent after so many days.
    fn warns(text: &str, days_before: u32) -> bool {
        let scenario = Scenario::parse(&format!("users = 10\nphases = {{ measure_s = 600 }}\n{text}")).unwrap();
        !Software::EMission.warnings(&scenario, days_before).is_empty()
    }

    #[test]
    fn six_hours_of_data_are_too_little_for_an_original_server() {
        assert!(warns("[arrivals.get]\nrate_per_s = 5", 0));
        assert!(!warns("[arrivals.get]\nrate_per_s = 5", 1));
        // Ten people who upload 60 and 61 times together: each about six times, an hour apart.
        assert!(warns("[arrivals.put]\nrate_per_s = 0.1", 0));
        assert!(!warns("[arrivals.put]\nrate_per_s = 0.102", 0));
        // Ten minutes of theirs are six hours at 36 times the speed.
        let live = |speed| format!("[population]\npeople = 10\ndays = 0\nlive = {{ speed = {speed} }}");
        assert!(warns(&live(36), 0));
        assert!(!warns(&live(37), 0));
        let warning = Software::EMission.warnings(&Scenario::default(), 0).concat();
        assert!(warning.starts_with("each person's data spans about 0.0 h"), "{warning}");
    }
}
