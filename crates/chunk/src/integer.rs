//! How whole numbers that lie around zero are coded: whether it is zero, the sign, the size, and what is left.

use crate::range_coder::{Bit, Coder};

/// A model of numbers, told apart by what is known when one is coded (`CONTEXTS` cases of it). Of the bits below the
/// leading one, `log2(NODES)` are learnt; those below them are noise.
#[derive(Clone, Debug)]
pub(crate) struct Integer<const CONTEXTS: usize, const NODES: usize> {
    cases: [Case; CONTEXTS],
    /// By size: the bits below the leading one.
    below: [[Bit; NODES]; 65],
}

#[derive(Clone, Copy, Debug)]
struct Case {
    is_zero: Bit,
    is_negative: Bit,
    size: [Bit; 64],
}

impl<const CONTEXTS: usize, const NODES: usize> Default for Integer<CONTEXTS, NODES> {
    fn default() -> Self {
        let case = Case { is_zero: Bit::NEW, is_negative: Bit::NEW, size: [Bit::NEW; 64] };
        Self { cases: [case; CONTEXTS], below: [[Bit::NEW; NODES]; 65] }
    }
}

impl<const CONTEXTS: usize, const NODES: usize> Integer<CONTEXTS, NODES> {
    /// Shows all bits, in an order of their own.
    pub(crate) fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        for case in &mut self.cases {
            see(&mut case.is_zero);
            see(&mut case.is_negative);
            case.size.iter_mut().for_each(&mut *see);
        }
        self.below.iter_mut().flatten().for_each(see);
    }

    /// Codes `value`; `context` is capped to the last case.
    #[inline]
    pub(crate) fn code(&mut self, coder: &mut impl Coder, context: usize, value: i64) -> i64 {
        let case = self.cases.get_mut(context.min(CONTEXTS - 1)).expect("capped");
        if coder.bit(&mut case.is_zero, value == 0) {
            return 0;
        }
        let is_negative = coder.bit(&mut case.is_negative, value < 0);
        let magnitude = value.unsigned_abs();
        // What is decoded has no value yet; any size will do.
        let below_leading = coder.tree(&mut case.size, size_of(magnitude).saturating_sub(1));
        let models = self.below.get_mut(below_leading as usize).expect("sizes are below 64");
        let magnitude = below(coder, models, below_leading, magnitude);
        let magnitude = i64::from_ne_bytes(magnitude.to_ne_bytes());
        if is_negative { magnitude.wrapping_neg() } else { magnitude }
    }
}

/// Codes the `count` bits below the leading one.
#[inline]
fn below<const NODES: usize>(coder: &mut impl Coder, models: &mut [Bit; NODES], count: u32, magnitude: u64) -> u64 {
    let learnt = count.min(NODES.trailing_zeros());
    let raw = count - learnt;
    // The leading one keeps ways of different lengths apart.
    let coded = u64::from(coder.way(models, learnt, magnitude >> raw));
    coded << raw | coder.raw(raw, magnitude & !(u64::MAX << raw))
}

/// How many bits a number needs.
#[inline]
pub(crate) fn size_of(magnitude: u64) -> u32 {
    u64::BITS - magnitude.leading_zeros()
}

/// The size of a number of either sign.
#[inline]
pub(crate) fn bits_of(value: i64) -> usize {
    size_of(value.unsigned_abs()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range_coder::{Decoder, Encoder};

    #[test]
    fn every_size_and_sign_comes_back() {
        let sizes = (0..63).flat_map(|size| [1i64 << size, (1 << size) - 1, -(1 << size), 3 << size]);
        let values: Vec<i64> = sizes.chain([0, i64::MIN, i64::MAX, -1]).collect();
        let mut encoder = Encoder::new();
        let mut model = Box::<Integer<2, 16>>::default();
        values.iter().enumerate().for_each(|(n, value)| {
            model.code(&mut encoder, n, *value);
        });
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes);
        let mut model = Box::<Integer<2, 16>>::default();
        for (n, value) in values.iter().enumerate() {
            assert_eq!(model.code(&mut decoder, n, 0), *value);
        }
    }
}
