//! Labels: what a person would probably say about a trip, by what was said about similar ones.
//!
//! Trips from one place to another fall into one bin, in the order in which they were made; a bin predicts its labels in
//! the proportion in which they were given (the original's greedy binning).

use serde::{Deserialize, Serialize};

use crate::position::Position;

/// Two trips are similar if both their ends are this near to each other, in metres
/// (`similarity_threshold_meters` of the original's sample configuration).
const SIMILAR_M: f64 = 500.0;
/// Nothing is predicted from fewer labelled trips (`minimum_trips` of the same).
const TRIPS_MIN: usize = 14;
/// How sure a bin of very many trips is.
const SURE_MAX: f64 = 0.99;
/// How much less sure a bin of one trip is.
const UNSURE: f64 = 0.19;
/// How much of that is left with each further trip.
const UNSURE_LEFT: f64 = 0.7;

/// Labels by their kind, such as `mode_confirm`, in order of kind.
pub type Labels = Vec<(String, String)>;

/// Labels that may be given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The labels.
    pub labels: Labels,
    /// How likely they are, 0 to 1.
    pub p: f64,
}

/// A trip that was labelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledTrip {
    /// Where it started.
    pub start: Position,
    /// Where it ended.
    pub end: Position,
    /// What was said about it.
    pub labels: Labels,
}

impl LabelledTrip {
    fn is_like(&self, start: Position, end: Position) -> bool {
        self.start.distance_m(start) <= SIMILAR_M && self.end.distance_m(end) <= SIMILAR_M
    }
}

/// What a person's labels have taught. The empty one predicts nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    bins: Vec<Vec<LabelledTrip>>,
}

impl Model {
    /// Learns from labelled trips, in the order in which they were made.
    pub fn train(trips: impl IntoIterator<Item = LabelledTrip>) -> Self {
        let trips: Vec<LabelledTrip> = trips.into_iter().filter(|trip| !trip.labels.is_empty()).collect();
        let mut bins: Vec<Vec<LabelledTrip>> = Vec::new();
        if trips.len() < TRIPS_MIN {
            return Self::default();
        }
        for trip in trips {
            let is_home = |bin: &&mut Vec<LabelledTrip>| bin.iter().all(|other| other.is_like(trip.start, trip.end));
            match bins.iter_mut().find(is_home) {
                Some(bin) => bin.push(trip),
                None => bins.push(vec![trip]),
            }
        }
        Self { bins }
    }

    /// What would be said about a trip from `start` to `end`, most likely first.
    pub fn predict(&self, start: Position, end: Position) -> Vec<Prediction> {
        let Some(bin) = self.bins.iter().find(|bin| bin.iter().any(|trip| trip.is_like(start, end))) else {
            return Vec::new();
        };
        let trips = bin.len() as f64;
        let sure = SURE_MAX - UNSURE * UNSURE_LEFT.powf(trips - 1.0);
        let mut counts: Vec<(&Labels, f64)> = Vec::new();
        for trip in bin {
            match counts.iter_mut().find(|(labels, _)| **labels == trip.labels) {
                Some((_, count)) => *count += 1.0,
                None => counts.push((&trip.labels, 1.0)),
            }
        }
        counts.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        counts
            .into_iter()
            .map(|(labels, count)| Prediction { labels: labels.clone(), p: sure * count / trips })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(from: f64, to: f64, mode: &str) -> LabelledTrip {
        let at = |longitude| Position { longitude, latitude: 0.0 };
        LabelledTrip { start: at(from), end: at(to), labels: vec![("mode_confirm".to_owned(), mode.to_owned())] }
    }

    #[test]
    fn similar_trips_predict_their_labels_in_proportion() {
        let commutes = (0..12).map(|day| trip(0.0, 0.1, if day % 4 == 0 { "bus" } else { "car" }));
        let model = Model::train(commutes.chain([trip(0.1, 0.0, "walk"), trip(0.5, 0.5, "walk")]));
        let predicted = model.predict(trip(0.001, 0.101, "").start, trip(0.001, 0.101, "").end);
        let sure = 0.99 - 0.19 * 0.7_f64.powi(11);
        let found: Vec<(&str, f64)> = predicted.iter().map(|one| (one.labels[0].1.as_str(), one.p)).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0, found[1].0), ("car", "bus"));
        assert!((found[0].1 - 0.75 * sure).abs() < 1e-12 && (found[1].1 - 0.25 * sure).abs() < 1e-12);
        assert!(model.predict(trip(0.3, 0.1, "").start, trip(0.3, 0.1, "").end).is_empty());
    }

    #[test]
    fn a_few_labels_teach_nothing() {
        let model = Model::train((0..13).map(|_| trip(0.0, 0.1, "car")));
        assert_eq!(model, Model::default());
    }
}
