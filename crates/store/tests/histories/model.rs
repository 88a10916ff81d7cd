//! What a store may answer: a plain list of everything that was ever tried.

use std::collections::{BTreeMap, HashMap};

use rand::RngExt;
use rand::rngs::StdRng;

const DAY_S: f64 = 86_400.0;
const DAYS: u32 = 5;

/// How an attempt to append ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    /// It was refused or failed: it may be there after a restart.
    Unknown,
    /// It was not there after a restart, so it must never come back.
    Gone,
}

/// One identity's attempts, in order.
type Attempts = Vec<(u64, String)>;

/// The model.
#[derive(Debug)]
pub(crate) struct Model {
    users: Vec<BTreeMap<u64, Attempts>>,
    outcomes: HashMap<u64, Outcome>,
    next: u64,
}

impl Model {
    pub(crate) fn new(users: usize) -> Self {
        Self { users: vec![BTreeMap::new(); users], outcomes: HashMap::new(), next: 0 }
    }

    /// A new upload, and its serial number.
    pub(crate) fn upload(&mut self, user: usize, rng: &mut StdRng) -> (Vec<(f64, String)>, u64) {
        let serial = self.next;
        self.next += 1;
        let day = f64::from(rng.random_range(0..DAYS)) * DAY_S;
        let count = rng.random_range(1..30);
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let at = day + f64::from(rng.random_range(0..2_000)) * 50.0;
            let noise: u64 = rng.random();
            // Some texts are the same again.
            let says = if rng.random_range(0..4) == 0 { String::new() } else { format!("{serial} {noise}") };
            entries.insert(at.to_bits(), format!(r#"{{"data":{{"ts":{at},"says":"{says}"}}}}"#));
        }
        for (at, text) in &entries {
            self.users[user].entry(*at).or_default().push((serial, text.clone()));
        }
        self.outcomes.insert(serial, Outcome::Unknown);
        (entries.into_iter().map(|(at, text)| (f64::from_bits(at), text)).collect(), serial)
    }

    pub(crate) fn outcome(&mut self, serial: u64, is_acknowledged: bool) {
        let outcome = if is_acknowledged { Outcome::Acknowledged } else { Outcome::Unknown };
        self.outcomes.insert(serial, outcome);
    }

    /// Whether the last upload was acknowledged.
    pub(crate) fn was_taken(&self) -> bool {
        self.next.checked_sub(1).is_some_and(|last| self.outcomes[&last] == Outcome::Acknowledged)
    }

    /// Compares what was found of a user with what may be there.
    pub(crate) fn check(&mut self, user: usize, found: &[(f64, String)], is_fresh: bool, is_damaged: bool) {
        let mut seen: HashMap<u64, &str> = HashMap::new();
        for (at, text) in found {
            assert!(seen.insert(at.to_bits(), text).is_none(), "{at} is there twice");
        }
        // What nobody ever sent is never there.
        for (at, text) in &seen {
            let attempts = self.users[user].get(at).unwrap_or_else(|| panic!("{at} was never sent"));
            assert!(attempts.iter().any(|(_, sent)| sent == text), "{text} was never sent");
        }
        if is_damaged {
            return;
        }
        let mut whole: BTreeMap<u64, Vec<bool>> = BTreeMap::new();
        for (at, attempts) in &self.users[user] {
            self.check_entry(*at, attempts, seen.get(at).copied());
            if let Some((serial, text)) = attempts.last() {
                // Without a later attempt it is there or it is not; the same text may be there from before.
                let is_distinct = attempts.iter().filter(|(_, other)| other == text).count() == 1;
                if self.outcomes[serial] == Outcome::Unknown && is_distinct {
                    whole.entry(*serial).or_default().push(seen.get(at) == Some(&text.as_str()));
                }
            }
        }
        for (serial, there) in whole {
            assert!(there.iter().all(|is| *is == there[0]), "upload {serial} is there in part");
            if is_fresh {
                let outcome = if there[0] { Outcome::Acknowledged } else { Outcome::Gone };
                self.outcomes.insert(serial, outcome);
            }
        }
    }

    fn check_entry(&self, at: u64, attempts: &Attempts, seen: Option<&str>) {
        let outcome = |serial: &u64| self.outcomes[serial];
        let last = attempts.iter().rposition(|(serial, _)| outcome(serial) == Outcome::Acknowledged);
        let mut may_be = attempts
            .iter()
            .enumerate()
            .filter(|(number, (serial, _))| {
                Some(*number) == last || (Some(*number) > last && outcome(serial) == Outcome::Unknown)
            })
            .map(|(_, (_, text))| text.as_str());
        let at = f64::from_bits(at);
        match seen {
            None => assert!(last.is_none(), "{at} was acknowledged and is lost: {attempts:?}"),
            Some(seen) => assert!(may_be.any(|text| text == seen), "{at} is {seen}, of {attempts:?}"),
        }
    }
}
