//! Uploads that are made before anything is measured, and moved on in time when there are more to send.
//!
//! Making a day of a phone costs a thousand times what sending it does, so it is not done while latencies are measured.
//! What is asked for a second time is the same upload a whole number of days later: new data to any server, because its
//! entries are told apart by when they were written.

use bytes::{BufMut, Bytes, BytesMut};

use crate::population::{Population, Upload};

const DAY_S: u64 = 86_400;
/// Seconds since 1970 have ten digits from 2001 to 2286.
const STAMP_DIGITS: usize = 10;
/// Where the entries begin in a body.
const ENTRIES: &[u8] = b"\"phone_to_server\"";

/// The uploads of everybody.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    tails: Vec<Tail>,
    /// For each person the places of their own in `tails`, and after how many days they can be sent again.
    owned: Vec<Owned>,
    /// Who has some of their own, for those who have none.
    lenders: Vec<u32>,
}

#[derive(Debug, Default)]
struct Owned {
    tails: Vec<u32>,
    period_days: u64,
}

/// A body behind the token.
#[derive(Debug)]
struct Tail {
    text: Bytes,
    /// Where the seconds of times stand in `text`.
    stamps: Vec<u32>,
    entries: usize,
}

impl Bodies {
    /// Makes as many uploads of each person as `counts` says, everybody's first before anybody's second, until they fill
    /// `bytes_max`; at least one if anybody wants one. `step` is called after each.
    pub(crate) fn make(population: &mut Population, counts: &[u32], bytes_max: usize, mut step: impl FnMut()) -> Self {
        let mut bodies = Self { owned: counts.iter().map(|_| Owned::default()).collect(), ..Self::default() };
        let (mut bytes, turns) = (0, counts.iter().copied().max().unwrap_or(0));
        for turn in 0..turns {
            for (user, owned) in (0..).zip(&mut bodies.owned) {
                if counts.get(user as usize).is_none_or(|count| *count <= turn) {
                    continue;
                }
                let tail = Tail::new(population.next_upload(user));
                bytes += tail.text.len() + tail.stamps.len() * size_of::<u32>();
                owned.tails.push(
                    u32::try_from(bodies.tails.len()).expect("there is one for each of a bounded number of bytes"),
                );
                bodies.tails.push(tail);
                step();
                if bytes >= bytes_max {
                    return bodies.ready();
                }
            }
        }
        bodies.ready()
    }

    /// Finds out who can lend, and when what they have can be sent again.
    fn ready(mut self) -> Self {
        for (user, owned) in (0..).zip(&mut self.owned).filter(|(_, owned)| !owned.tails.is_empty()) {
            self.lenders.push(user);
            let tails = owned.tails.iter().filter_map(|tail| self.tails.get(*tail as usize));
            let spans = tails.flat_map(|tail| tail.stamps.iter().filter_map(|at| stamp(&tail.text, *at)));
            let (first, last) = spans.fold((u64::MAX, 0), |(first, last), stamp| (first.min(stamp), last.max(stamp)));
            owned.period_days = last.saturating_sub(first) / DAY_S + 1;
        }
        self
    }

    /// The upload number `turn` of person `user`, who is called `token`. Who has none of their own takes another's.
    pub(crate) fn put(&self, user: u32, token: &str, turn: u32) -> Upload {
        let has_own = self.owned.get(user as usize).is_some_and(|owned| !owned.tails.is_empty());
        let lender = || self.lenders.get(user as usize % self.lenders.len().max(1)).copied();
        let lender = if has_own { Some(user) } else { lender() };
        let owned = lender.and_then(|lender| self.owned.get(lender as usize));
        // One upload is made as soon as anybody has a put.
        let owned = owned.expect("the schedule was looked through for who has puts");
        let count = u32::try_from(owned.tails.len()).expect("indices are u32");
        let index = owned.tails.get((turn % count) as usize).expect("a remainder of the count");
        let tail = self.tails.get(*index as usize).expect("an index of this list");
        Upload { body: tail.text(token, u64::from(turn / count) * owned.period_days), entries: tail.entries }
    }
}

impl Tail {
    fn new(upload: Upload) -> Self {
        let start = memchr::memmem::find(&upload.body, ENTRIES).expect("every put has entries, if none in them");
        let text = upload.body.slice(start..);
        let stamps = memchr::memmem::find_iter(&text, b"ts\":").map(|at| at + 4);
        let stamps = stamps.filter_map(|at| u32::try_from(at).ok()).filter(|at| stamp(&text, *at).is_some());
        Self { stamps: stamps.collect(), text, entries: upload.entries }
    }

    fn text(&self, token: &str, days: u64) -> Bytes {
        let user = serde_json::to_string(token).expect("a text can be written as JSON");
        let mut text = BytesMut::with_capacity(self.text.len() + user.len() + 9);
        text.put_slice(b"{\"user\":");
        text.put_slice(user.as_bytes());
        text.put_u8(b',');
        let start = text.len();
        text.put_slice(&self.text);
        if days > 0 {
            let (_, tail) = text.split_at_mut(start);
            self.stamps.iter().for_each(|at| shift(tail, *at, days * DAY_S));
        }
        text.freeze()
    }
}

/// The seconds at `at`, if ten digits and no more stand there.
fn stamp(text: &[u8], at: u32) -> Option<u64> {
    let at = at as usize;
    let digits = text.get(at..at + STAMP_DIGITS)?;
    let is_longer = text.get(at + STAMP_DIGITS).is_some_and(u8::is_ascii_digit);
    let value = |sum: u64, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'));
    digits.iter().try_fold(0, value).filter(|_| !is_longer)
}

fn shift(text: &mut [u8], at: u32, seconds: u64) {
    let Some(mut shifted) = stamp(text, at).map(|stamp| stamp + seconds) else { return };
    let at = at as usize;
    for digit in text.iter_mut().skip(at).take(STAMP_DIGITS).rev() {
        *digit = b'0' + (shifted % 10) as u8;
        shifted /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// Two people who upload `count` times with room for `bytes_max`.
    fn bodies(counts: [u32; 2], bytes_max: usize) -> Bodies {
        let entry = |at: u32| {
            let text = format!(
                r#"{{"metadata":{{"key":"k","type":"t","write_ts":{at}.25}},"data":{{"ts":{at}.5,"n":1467000000}}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let recording = crate::recording::Recording::new(vec![entry(1_466_400_000), entry(1_466_490_000)]).unwrap();
        let scenario = Scenario::parse("users = 2").unwrap();
        let mut population = Population::recorded(&scenario, vec![recording]);
        Bodies::make(&mut population, &counts, bytes_max, || {})
    }

    fn write_ts(put: &Upload) -> Vec<f64> {
        let body: serde_json::Value = serde_json::from_slice(&put.body).unwrap();
        let entries = body["phone_to_server"].as_array().unwrap().clone();
        assert!(entries.iter().all(|entry| entry["data"]["n"] == 1_467_000_000));
        entries.iter().map(|entry| entry["metadata"]["write_ts"].as_f64().unwrap()).collect()
    }

    #[test]
    fn no_entry_comes_twice_however_often_an_upload_is_sent() {
        let bodies = bodies([3, 3], 1 << 20);
        let mut seen: Vec<f64> = (0..20).flat_map(|turn| write_ts(&bodies.put(1, "me", turn))).collect();
        let count = seen.len();
        seen.sort_by(f64::total_cmp);
        seen.dedup();
        assert_eq!((seen.len(), count), (40, 40));
        assert!(bodies.put(1, "me", 0).body.starts_with(b"{\"user\":\"me\",\"phone_to_server\":["));
    }

    #[test]
    fn uploads_stop_at_their_bound_and_who_has_none_takes_anothers() {
        let bodies = bodies([5, 5], 1);
        assert_eq!(bodies.tails.len(), 1);
        let (own, lent) = (bodies.put(0, "a", 0), bodies.put(1, "b", 0));
        assert_eq!(write_ts(&own), write_ts(&lent));
        assert!(lent.body.starts_with(b"{\"user\":\"b\","));
    }
}
