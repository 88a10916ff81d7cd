//! Stamps: times that were given to nothing before, for what has no time of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::{Builder, Uuid};

/// A stamp's unit in parts of a millisecond. It is a little more than the distance of two numbers of today's seconds
/// since 1970 (2^-22 s), so that different stamps are different times.
const PARTS: u64 = 1 << 12;

/// Gives out stamps. They rise, and follow the clock.
#[derive(Debug)]
pub(crate) struct Stamps {
    last: AtomicU64,
    /// Tells this process from all others.
    process: u64,
}

/// A time, and what makes an id of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// 1/4096 of a millisecond since 1970.
    parts: u64,
    process: u64,
}

/// So many bits of an id tell processes apart; two that were started for the same data never draw the same ones within
/// the same quarter of a microsecond, but with a chance of 1 in 7 × 10^16.
const PROCESS_BITS: u32 = 56;

impl Stamps {
    /// Stamps of a process that drew `process`.
    pub(crate) fn new(process: u64) -> Self {
        Self { last: AtomicU64::new(0), process: process & ((1 << PROCESS_BITS) - 1) }
    }

    /// The next one, at `now` since 1970 or, where that was given out, right after the last.
    pub(crate) fn next(&self, now: Duration) -> Stamp {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let now = micros / 1000 * PARTS + micros % 1000 * PARTS / 1000;
        let follow = |last: u64| Some(now.max(last + 1));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, follow);
        let parts = now.max(last.unwrap_or_default() + 1);
        Stamp { parts, process: self.process }
    }
}

impl Stamp {
    /// In seconds since 1970.
    pub(crate) fn seconds(self) -> f64 {
        self.parts as f64 / PARTS as f64 / 1000.0
    }

    /// The stamp as an id of version 7 (RFC 9562), whose last bits are the process and `place`, below 64.
    pub(crate) fn id(self, place: u8) -> Uuid {
        let [.., a, b, c, d, e, f] = (self.parts / PARTS).to_be_bytes();
        let [_, process @ ..] = self.process.to_be_bytes();
        let [high, low] = u16::try_from(self.parts % PARTS).unwrap_or_default().to_be_bytes();
        let [g, h, i, j, k, l, m] = process;
        let bytes = [a, b, c, d, e, f, high, low, place, g, h, i, j, k, l, m];
        Builder::from_bytes(bytes)
            .with_version(uuid::Version::SortRand)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }

    /// The stamp and the place in an id; `None` when it is not one of ours.
    pub(crate) fn of(id: Uuid) -> Option<(Self, u8)> {
        if id.get_version() != Some(uuid::Version::SortRand) {
            return None;
        }
        let [a, b, c, d, e, f, high, low, place, process @ ..] = *id.as_bytes();
        let [g, h, i, j, k, l, m] = process;
        let ms = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let part = u64::from(u16::from_be_bytes([high & 0x0f, low]));
        Some((Self { parts: ms * PARTS + part, process: u64::from_be_bytes([0, g, h, i, j, k, l, m]) }, place & 0x3f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_one_moment_differ_as_seconds_and_as_ids() {
        let stamps = Stamps::new(u64::MAX);
        let now = Duration::from_micros(1_795_000_000_123_457);
        let given: Vec<Stamp> = (0..10_000).map(|_| stamps.next(now)).collect();
        assert!(given.windows(2).all(|pair| pair[0].seconds() < pair[1].seconds()));
        assert!((given[0].seconds() - now.as_secs_f64()).abs() < 1e-6);
        for (stamp, place) in given.iter().zip((0..64).cycle()) {
            assert_eq!(Stamp::of(stamp.id(place)), Some((*stamp, place)));
        }
        let before = stamps.next(Duration::ZERO);
        assert!(before.seconds() > given[9_999].seconds(), "a clock that goes back does not bring any back");
        assert_eq!(Stamp::of(Uuid::from_u128(7)), None);
    }
}
