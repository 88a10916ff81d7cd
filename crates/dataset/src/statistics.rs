//! What can be said about a population, each statistic beside its reference: the rows of the validation suite.
//!
//! Each statistic is a value that a life is added to and that others like it are merged into; what is kept does not grow
//! with the number of people. Sums are merged in the order of people, so that the result is the same on any number of
//! threads.

pub mod biography;
pub mod daily;
pub mod departures;
pub mod errors;
pub mod exploration;
pub mod histogram;
pub mod lengths;
pub mod motifs;
pub mod predictability;
pub mod row;
pub mod senses;
pub mod sensing;
pub mod shares;
pub mod stays;

use rushhour_synth::parameters::Parameters;

use crate::statistics::biography::Biography;
use crate::statistics::daily::Daily;
use crate::statistics::departures::Departures;
use crate::statistics::exploration::Exploration;
use crate::statistics::lengths::Lengths;
use crate::statistics::motifs::Motifs;
use crate::statistics::predictability::Predictability;
use crate::statistics::row::Row;
use crate::statistics::shares::Shares;
use crate::statistics::stays::Stays;

/// Everything about how people get about: rows 1 to 8.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mobility {
    /// How many people.
    pub people: u64,
    /// Trips and places of days.
    pub daily: Daily,
    /// Lengths of trips.
    pub lengths: Lengths,
    /// Modes and purposes.
    pub shares: Shares,
    /// Hours of departure.
    pub departures: Departures,
    /// Stays.
    pub stays: Stays,
    /// Places over time.
    pub exploration: Exploration,
    /// Shapes of days.
    pub motifs: Motifs,
    /// What can be foretold.
    pub predictability: Predictability,
}

impl Mobility {
    /// Of one person.
    pub fn of(life: &Biography) -> Self {
        let mut mobility = Self { people: 1, ..Self::default() };
        mobility.daily.add(life);
        mobility.lengths.add(life);
        mobility.shares.add(life);
        mobility.departures.add(life);
        mobility.stays.add(life);
        mobility.exploration.add(life);
        mobility.motifs.add(life);
        mobility.predictability.add(life);
        mobility
    }

    /// Adds other people; the order decides the last digits of some sums.
    pub fn merge(&mut self, other: &Self) {
        self.people += other.people;
        self.daily.merge(&other.daily);
        self.lengths.merge(&other.lengths);
        self.shares.merge(&other.shares);
        self.departures.merge(&other.departures);
        self.stays.merge(&other.stays);
        self.exploration.merge(&other.exploration);
        self.motifs.merge(&other.motifs);
        self.predictability.merge(&other.predictability);
    }

    /// Rows 1 to 8; the one on familiar places is `familiar`'s, which were observed for longer.
    pub fn rows(&self, parameters: &Parameters, familiar: &Exploration) -> Vec<Row> {
        let mut rows = self.daily.rows();
        rows.push(self.lengths.row());
        rows.extend(self.shares.rows(parameters));
        rows.extend(self.departures.rows());
        rows.push(self.stays.row());
        rows.extend(self.exploration.rows());
        rows.push(familiar.familiar_row());
        rows.extend([self.motifs.row(), self.daily.place_row()]);
        rows.extend(self.predictability.rows());
        rows
    }
}
