//! An adaptive binary range coder: bits whose probabilities are learnt as they pass cost what they tell.
//!
//! Encoding and decoding are one description: whatever is coded goes through [`Coder`], whose encoder writes the bit
//! that it is given and whose decoder ignores it and returns the one that was written. So a model is written once, and
//! the two directions cannot drift apart.
//!
//! The arithmetic is that of the carry-propagating range coder (Martin, "Range encoding", 1979), with 64 bits of range
//! that are renewed 32 at a time.

use std::hint::select_unpredictable;

/// Probabilities are in units of 2^-16.
const ONE: i32 = 1 << 16;
/// No bit is believed to be more certain than this; it bounds what a surprise costs to 11 bits.
const SURE: i32 = 32;
/// How many bits of range are renewed at a time.
const STEP_BITS: u32 = 32;
/// Below this range it is renewed.
const RANGE_MIN: u64 = 1 << STEP_BITS;
/// So many raw bits go through at a time: few enough to leave the range its precision.
const RAW_BITS_MAX: u32 = 16;

/// How a probability moves towards what it sees: by a share that falls from a half to [`SLOWEST`] as it has seen more.
/// The shares are 1 / (n + 2.4): of 1.4 to 3.4 that
/// took the fewest bytes on the real days, by 2 %.
const SHARES: [i16; SLOWEST] = shares();
/// After so many bits a model learns no slower. From 32 to 255 the real days differ by under half a percent.
const SLOWEST: usize = SLOWEST_SEEN as usize + 1;
const SLOWEST_SEEN: u16 = 39;

const fn shares() -> [i16; SLOWEST] {
    let mut shares = [0; SLOWEST];
    let mut seen = 0;
    while seen < SLOWEST {
        #[expect(clippy::cast_possible_truncation, reason = "655,360 / 16 fits")]
        let share = (655_360 / (10 * seen + 24)) as i16;
        #[expect(clippy::indexing_slicing, reason = "the loop's bound is the length")]
        {
            shares[seen] = share;
        }
        seen += 1;
    }
    shares
}

/// What is known about one bit: how likely it is 0, and how often it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    zero: u16,
    seen: u16,
}

impl Bit {
    pub(crate) const NEW: Self = Self { zero: 1 << 15, seen: 0 };

    /// A bit of which something is known.
    pub(crate) fn known(zero: u16, seen: u16) -> Self {
        Self { zero, seen: seen.min(SLOWEST_SEEN) }
    }

    /// How likely it is 0, in units of 2^-16, and how often it was seen.
    pub(crate) fn learnt(self) -> (u16, u16) {
        (self.zero, self.seen)
    }

    /// Moves the probability towards what was seen. Bits are hard to foresee, so nothing here branches on one.
    #[inline(always)]
    fn learn(&mut self, bit: bool) {
        let share = SHARES.get(usize::from(self.seen)).copied().unwrap_or_default();
        let zero = i32::from(self.zero);
        let target = i32::from(!bit) << 16;
        let moved = zero + (((target - zero) * i32::from(share)) >> 16);
        self.zero = moved.clamp(SURE, ONE - SURE) as u16;
        self.seen += u16::from(self.seen < SLOWEST_SEEN);
    }
}

/// One of the two directions.
pub(crate) trait Coder {
    /// Codes a bit by what is known of it, and learns from it.
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool;

    /// Codes the lowest `count` bits, at most [`RAW_BITS_MAX`], as they are.
    fn raw_part(&mut self, count: u32, bits: u64) -> u64;

    /// Codes the lowest `count` bits as they are.
    #[inline]
    fn raw(&mut self, count: u32, bits: u64) -> u64 {
        let mut left = count;
        let mut coded = 0;
        while left > RAW_BITS_MAX {
            left -= RAW_BITS_MAX;
            coded = coded << RAW_BITS_MAX | self.raw_part(RAW_BITS_MAX, bits >> left & ((1 << RAW_BITS_MAX) - 1));
        }
        if left == 0 { coded } else { coded << left | self.raw_part(left, bits & ((1 << left) - 1)) }
    }

    /// Codes a number below `NODES`, a power of two, as a way through a tree, the highest bit first.
    #[inline]
    fn tree<const NODES: usize>(&mut self, models: &mut [Bit; NODES], value: u32) -> u32 {
        self.way(models, NODES.trailing_zeros(), value.into()) & !(1 << NODES.trailing_zeros())
    }

    /// Codes the lowest `depth` bits of `value`, at most as many as the tree is deep; returns the node that they lead to,
    /// which is a one and then those bits.
    #[inline]
    fn way<const NODES: usize>(&mut self, models: &mut [Bit; NODES], depth: u32, value: u64) -> u32 {
        let mut node = 1;
        for bit in (0..depth).rev() {
            let model = models.get_mut(node as usize).expect("a node above the leaves");
            node = node << 1 | u32::from(self.bit(model, value >> bit & 1 == 1));
        }
        node
    }
}

/// Writes.
#[derive(Debug)]
pub(crate) struct Encoder {
    low: u64,
    range: u64,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { low: 0, range: u64::MAX, bytes: Vec::new() }
    }

    #[inline]
    fn narrow(&mut self, from: u64, range: u64) {
        let (low, carries) = self.low.overflowing_add(from);
        self.low = low;
        self.range = range;
        if carries {
            self.carry();
        }
        if self.range < RANGE_MIN {
            self.bytes.extend_from_slice(&u32::to_be_bytes((self.low >> STEP_BITS) as u32));
            self.low <<= STEP_BITS;
            self.range <<= STEP_BITS;
        }
    }

    #[cold]
    fn carry(&mut self) {
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// Ends the stream with as few bytes as tell it from every other; the decoder reads zeros behind the end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        // The number in the final range that ends in the most zero bits.
        let end = u128::from(self.low) + u128::from(self.range);
        let zeros = (0..u64::BITS).rev().find(|zeros| {
            let step = 1u128 << zeros;
            (u128::from(self.low)).next_multiple_of(step) < end
        });
        let number = u128::from(self.low).next_multiple_of(1 << zeros.unwrap_or_default());
        let [.., carries, _, _, _, _, _, _, _, _] = number.to_be_bytes();
        if carries != 0 {
            self.carry();
        }
        self.bytes.extend(number.to_be_bytes().into_iter().skip(8));
        let used = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.bytes.truncate(used);
        self.bytes
    }
}

impl Coder for Encoder {
    #[inline]
    fn bit(&mut self, model: &mut Bit, bit: bool) -> bool {
        let bound = (self.range >> 16) * u64::from(model.zero);
        let is_one = u64::from(bit).wrapping_neg();
        self.narrow(bound & is_one, bound ^ ((bound ^ (self.range - bound)) & is_one));
        model.learn(bit);
        bit
    }

    #[inline]
    fn raw_part(&mut self, count: u32, bits: u64) -> u64 {
        let unit = self.range >> count;
        self.narrow(unit * bits, unit);
        bits
    }
}

/// Reads. What is not a stream of [`Encoder`]'s reads as some other values, never as a panic.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    code: u64,
    range: u64,
    bytes: &'a [u8],
    /// How many bytes were read behind the end.
    beyond: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u64::MAX, bytes, beyond: 0 };
        decoder.code = u64::from(decoder.next()) << STEP_BITS | u64::from(decoder.next());
        decoder
    }

    /// Whether more was read than any stream's end allows; then it was not whole.
    pub(crate) fn is_beyond(&self) -> bool {
        self.beyond > 2 * size_of::<u64>()
    }

    #[inline]
    fn next(&mut self) -> u32 {
        if let Some((word, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            return u32::from_be_bytes(*word);
        }
        let mut word = [0; 4];
        word.iter_mut().zip(self.bytes).for_each(|(to, from)| *to = *from);
        self.beyond += word.len() - self.bytes.len();
        self.bytes = &[];
        u32::from_be_bytes(word)
    }

    #[inline]
    fn renew(&mut self) {
        if self.range < RANGE_MIN {
            (self.code, self.range) = self.renewed(self.code, self.range);
        }
    }

    /// Code and range with more of the stream. Kept apart, because its registers are wanted where bits are read, and only
    /// one in some sixty needs it.
    #[cold]
    #[inline(never)]
    fn renewed(&mut self, code: u64, range: u64) -> (u64, u64) {
        (code << STEP_BITS | u64::from(self.next()), range << STEP_BITS)
    }
}

/// Whether the next bit, by what is known of it, is a one; code and range behind it.
#[inline(always)]
fn decode(code: u64, range: u64, model: Bit) -> (bool, u64, u64) {
    let bound = (range >> 16) * u64::from(model.zero);
    let bit = code >= bound;
    let code = select_unpredictable(bit, code.wrapping_sub(bound), code);
    (bit, code, select_unpredictable(bit, range - bound, bound))
}

impl Coder for Decoder<'_> {
    /// Each bit waits for the one before, so both nodes that may follow are fetched before it is known which does.
    #[inline]
    fn way<const NODES: usize>(&mut self, models: &mut [Bit; NODES], depth: u32, _: u64) -> u32 {
        let mut node = 1;
        let mut model = models.get(1).copied().unwrap_or(Bit::NEW);
        let (mut code, mut range) = (self.code, self.range);
        for _ in 0..depth {
            let [zero, one] = models.as_chunks::<2>().0.get(node as usize).copied().unwrap_or([Bit::NEW; 2]);
            let bit;
            (bit, code, range) = decode(code, range, model);
            if range < RANGE_MIN {
                (code, range) = self.renewed(code, range);
            }
            model.learn(bit);
            *models.get_mut(node as usize).expect("a node above the leaves") = model;
            node = node << 1 | u32::from(bit);
            model = select_unpredictable(bit, one, zero);
        }
        (self.code, self.range) = (code, range);
        node
    }

    #[inline]
    fn bit(&mut self, model: &mut Bit, _: bool) -> bool {
        let bit;
        (bit, self.code, self.range) = decode(self.code, self.range, *model);
        self.renew();
        model.learn(bit);
        bit
    }

    #[inline]
    fn raw_part(&mut self, count: u32, _: u64) -> u64 {
        let unit = self.range >> count;
        let bits = (self.code / unit).min((1 << count) - 1);
        self.code -= unit * bits;
        self.range = unit;
        self.renew();
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator, so that the test needs no crate.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |last| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)))
            .map(|state| state >> 20)
    }

    #[test]
    fn what_is_coded_comes_back() {
        for seed in 0..200 {
            let values: Vec<u64> = numbers(seed).take(usize::try_from(seed * 3).unwrap()).collect();
            let mut encoder = Encoder::new();
            let mut models = [Bit::NEW; 8];
            let code = |coder: &mut dyn FnMut(u64) -> (bool, u64)| values.iter().map(|v| coder(*v)).collect::<Vec<_>>();
            let sent = code(&mut |v| {
                let rare = v % 50 == seed % 50;
                (
                    encoder.bit(&mut models[(v % 8) as usize], rare),
                    encoder.raw((v % 45) as u32, v & ((1 << (v % 45)) - 1)),
                )
            });
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let mut models = [Bit::NEW; 8];
            let received =
                code(&mut |v| (decoder.bit(&mut models[(v % 8) as usize], false), decoder.raw((v % 45) as u32, 0)));
            assert_eq!(sent, received);
            assert!(!decoder.is_beyond());
        }
    }

    #[test]
    fn a_carry_runs_through_all_ones() {
        // Certain bits keep the range at its top, and the last, unlikely one carries.
        let mut encoder = Encoder { low: u64::MAX - 5, range: 100, bytes: vec![1, 255, 255, 255, 255] };
        encoder.narrow(50, 40);
        assert_eq!(encoder.bytes.get(..5), Some(&[2, 0, 0, 0, 0][..]));
    }

    #[test]
    fn what_is_certain_costs_almost_nothing() {
        let mut encoder = Encoder::new();
        let mut model = Bit::NEW;
        for _ in 0..10_000 {
            encoder.bit(&mut model, true);
        }
        assert!(encoder.finish().len() < 12);
    }
}
