//! How much of a population's truth a pipeline recovers: ours, the original, or any that writes the same documents.
//!
//! A trip of the truth and a found trip correspond when they start and end at the same times and places, within
//! [`TIME_S_MAX`] and [`PLACE_M_MAX`]. Each corresponds to one at most ([`pairing`](self)). *Recall* is the share of the
//! trips meant to be found that correspond to a found one. *Precision* is the share of found trips that correspond to
//! any trip of the truth; a found trip that lies only over trips which were not meant to be found counts neither way,
//! for nobody said what is to be found there. Errors and modes are those of recalled trips.

mod comparison;
mod confusion;
mod documents;
mod figures;
mod found;
mod own;
mod pairing;
mod trip_row;
mod truth_files;
mod user_truth;

use std::collections::BTreeMap;

use rushhour_synth::phone::Platform;
use rushhour_synth::truth::Fault;
use serde::Serialize;

pub use comparison::{Comparison, Outcome, Reason, Row};
pub use confusion::Confusion;
pub use documents::Documents;
pub use figures::{Figures, Spread};
pub use found::{Class, FoundSection, FoundTrip, Spot};
pub use own::{find, find_in};
pub use trip_row::TripRow;
pub use truth_files::TruthFiles;
pub use user_truth::{TrueSection, TrueTrip, UserTruth};

use figures::Tally;

/// A found trip starts and ends within this of the truth: 5 minutes, `mobility.md` 6, row 12.
pub const TIME_S_MAX: f64 = 300.0;
/// A found trip starts and ends within this of the true places: `mobility.md` 6, row 12.
pub const PLACE_M_MAX: f64 = 250.0;

/// What has been compared so far.
#[derive(Clone, Debug, Default)]
pub struct Score {
    overall: Tally,
    platforms: BTreeMap<Platform, Tally>,
    faults: BTreeMap<Fault, Tally>,
}

/// What a score comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Of everybody.
    pub overall: Figures,
    /// Of those who carry each platform.
    pub by_platform: BTreeMap<Platform, Figures>,
    /// Of the trips during which each fault happened.
    pub by_fault: BTreeMap<Fault, Figures>,
}

impl Score {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a person: what is true of them, and what was found. The answer says it trip by trip.
    pub fn add_user<'a>(&mut self, truth: &'a UserTruth, found: &'a [FoundTrip]) -> Comparison<'a> {
        let comparison = Comparison::of(truth, found);
        let platform = self.platforms.entry(truth.platform).or_default();
        for row in &comparison.rows {
            self.overall.add(row);
            platform.add(row);
            for fault in &row.faults {
                self.faults.entry(*fault).or_default().add(row);
            }
        }
        comparison
    }

    /// What it comes to.
    pub fn summary(&self) -> Summary {
        Summary {
            overall: self.overall.figures(),
            by_platform: self.platforms.iter().map(|(platform, tally)| (*platform, tally.figures())).collect(),
            by_fault: self.faults.iter().map(|(fault, tally)| (*fault, tally.figures())).collect(),
        }
    }
}
