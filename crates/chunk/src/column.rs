//! The numbers at one path, one entry after the other: what each is expected to be, and how it differs.

use crate::integer::{Integer, bits_of};
use crate::number::{KINDS, Kind, is_same};
use crate::range_coder::{Bit, Coder};
use crate::value::Value;

/// How many sizes of a surprise are told apart.
const CONTEXTS: usize = 8;
/// The sizes are told apart in steps of so many bits: of 2 to 6 the coarsest took the fewest bytes on the real days.
const CONTEXT_BITS: usize = 6;
/// A power of two above every per cent.
const PER_CENT_MAX: usize = 128;
/// How many types of motion are told apart.
const CASES: usize = 16;
/// How many values that were met lately are remembered.
const RECENT_MAX: usize = 31;

/// What a column has met, and the models of what comes next.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    kind: Kind,
    /// The places of the last decimal.
    decimals: u8,
    /// The last two payloads of the present kind.
    payloads: [i64; 2],
    last: f64,
    /// How far the last value was from the one that it was expected to be like.
    offset: f64,
    /// How many bits the last surprise had.
    pub(crate) bits: usize,
    /// How many bits the guesses missed by, going straight on and staying, averaged.
    straight_on: i64,
    staying: i64,
    recent: Vec<Value>,
    places: [[Bit; RECENT_MAX + 1]; 2],
    was_recent: usize,
    is_same_kind: [Bit; 2],
    was_same_kind: usize,
    kinds: [Bit; KINDS],
    is_round: Bit,
    numbers: Integer<CONTEXTS, 16>,
    per_cent: Option<Box<PerCent>>,
}

/// Models of small whole numbers.
#[derive(Clone, Debug)]
struct PerCent {
    is_small: Bit,
    values: [[Bit; PER_CENT_MAX]; CASES],
}

impl Default for PerCent {
    fn default() -> Self {
        Self { is_small: Bit::NEW, values: [[Bit::NEW; PER_CENT_MAX]; CASES] }
    }
}

impl Default for Column {
    fn default() -> Self {
        Self {
            kind: Kind::Decimal(0),
            decimals: 0,
            payloads: [0; 2],
            last: 0.0,
            offset: 0.0,
            bits: 0,
            straight_on: 0,
            staying: 0,
            recent: Vec::new(),
            places: [[Bit::NEW; RECENT_MAX + 1]; 2],
            was_recent: 0,
            is_same_kind: [Bit::NEW; 2],
            was_same_kind: 1,
            kinds: [Bit::NEW; KINDS],
            is_round: Bit::NEW,
            numbers: Integer::default(),
            per_cent: None,
        }
    }
}

impl Column {
    /// Shows all bits, in an order of their own.
    pub(crate) fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        self.places.iter_mut().flatten().for_each(&mut *see);
        self.is_same_kind.iter_mut().for_each(&mut *see);
        self.kinds.iter_mut().for_each(&mut *see);
        see(&mut self.is_round);
        self.numbers.visit(see);
        if let Some(per_cent) = &mut self.per_cent {
            see(&mut per_cent.is_small);
            per_cent.values.iter_mut().flatten().for_each(see);
        }
    }

    /// Makes room for per cents.
    pub(crate) fn add_per_cent(&mut self) {
        self.per_cent.get_or_insert_default();
    }

    /// A column with these bits that has met nothing.
    pub(crate) fn forget(&mut self) {
        let Self { places, is_same_kind, kinds, is_round, numbers, per_cent, .. } = std::mem::take(self);
        *self = Self { places, is_same_kind, kinds, is_round, numbers, per_cent, ..Self::default() };
    }

    /// Codes the kind of `value`, and returns its payload; what was remembered is told by the new kind if it is another.
    fn kind(&mut self, coder: &mut impl Coder, value: Value) -> i64 {
        let (kind, payload) = Kind::of(value, self.kind, self.decimals);
        let model = self.is_same_kind.get_mut(self.was_same_kind).expect("a flag");
        let is_same = coder.bit(model, kind == self.kind);
        self.was_same_kind = usize::from(is_same);
        if !is_same {
            self.kind = Kind::at(coder.tree(&mut self.kinds, kind.index()));
            self.payloads = [self.kind.near(self.last); 2];
            if let Kind::Decimal(decimals) = self.kind {
                self.decimals = decimals;
            }
        }
        payload
    }

    /// Codes a number that is expected to be near what `expect` makes of the last payloads, or of the kind.
    fn near(&mut self, coder: &mut impl Coder, context: usize, value: Value, expected: impl Fn(&Self) -> i64) -> Value {
        let payload = self.kind(coder, value);
        let expected = expected(self);
        let surprise = self.numbers.code(coder, context, payload.wrapping_sub(expected));
        self.remember(value, expected.wrapping_add(surprise), surprise)
    }

    /// The case of the last surprise.
    pub(crate) fn context(&self) -> usize {
        self.bits / CONTEXT_BITS
    }

    fn remember(&mut self, given: Value, payload: i64, surprise: i64) -> Value {
        self.bits = bits_of(surprise);
        self.payloads = [payload, self.payloads[0]];
        // What is encoded is the value of its payload, or it would be of another kind.
        let value = if given.is_number() { given } else { self.kind.value(payload) };
        self.last = value.as_f64().unwrap_or_default();
        value
    }

    /// A number that is like the last one.
    pub(crate) fn like_last(&mut self, coder: &mut impl Coder, value: Value) -> Value {
        let context = self.context();
        self.near(coder, context, value, |column| column.payloads[0])
    }

    /// A number that is like the last one, by how much being known best from a `case`.
    pub(crate) fn after_last(&mut self, coder: &mut impl Coder, value: Value, case: usize) -> Value {
        self.near(coder, case, value, |column| column.payloads[0])
    }

    /// A number that is like another one.
    pub(crate) fn like(&mut self, coder: &mut impl Coder, value: Value, other: f64) -> Value {
        let context = self.context();
        self.near(coder, context, value, |column| column.kind.near(other))
    }

    /// A number that is like another one, or as far from it as the last was, whichever was the better guess lately.
    pub(crate) fn beside(&mut self, coder: &mut impl Coder, value: Value, other: f64) -> Value {
        let offset = if self.straight_on < self.staying { self.offset } else { 0.0 };
        let aside = other + self.offset;
        let value = self.like(coder, value, other + offset);
        let now = self.payloads[0];
        let [alike, aside] = [other, aside].map(|guess| now.wrapping_sub(self.kind.near(guess)));
        self.judge(aside, alike);
        self.offset = self.last - other;
        value
    }

    /// Notes by how much the two guesses missed.
    fn judge(&mut self, straight_on: i64, staying: i64) {
        let average = |so_far: &mut i64, missed_by: i64| *so_far += (bits_of(missed_by) as i64 * 256 - *so_far) / 4;
        average(&mut self.straight_on, straight_on);
        average(&mut self.staying, staying);
    }

    /// A coordinate: it goes on as it went, or stays, whichever was the better guess lately.
    pub(crate) fn moving(&mut self, coder: &mut impl Coder, value: Value, context: usize) -> Value {
        let [last, before] = self.payloads;
        let goes_on = self.straight_on < self.staying;
        let value = self.near(coder, context, value, |column| {
            let [last, before] = column.payloads;
            if goes_on { last.wrapping_mul(2).wrapping_sub(before) } else { last }
        });
        let now = self.payloads[0];
        self.judge(now.wrapping_sub(last).wrapping_sub(last.wrapping_sub(before)), now.wrapping_sub(last));
        value
    }

    /// A number that is one of a few again and again.
    pub(crate) fn recurring(&mut self, coder: &mut impl Coder, value: Value) -> Value {
        // What is decoded has no value yet.
        let place =
            if value.is_number() { self.recent.iter().position(|recent| is_same(*recent, value)) } else { None };
        let models = self.places.get_mut(self.was_recent).expect("a flag");
        // Zero stands for none of them.
        let given = place.and_then(|place| u32::try_from(place + 1).ok());
        let place = (coder.tree(models, given.unwrap_or_default()) as usize).checked_sub(1);
        let place = place.filter(|place| *place < self.recent.len());
        self.was_recent = usize::from(place.is_some());
        if let Some(place) = place {
            let passed = self.recent.get_mut(place / 2..=place).expect("it is one of them");
            passed.rotate_right(1);
            return passed.first().copied().expect("it is one of them");
        }
        let value = self.like_last(coder, value);
        self.recent.truncate(RECENT_MAX - 1);
        self.recent.insert(self.recent.len() / 2, value);
        value
    }

    /// A per cent, which depends on the `case`.
    pub(crate) fn per_cent(&mut self, coder: &mut impl Coder, value: Value, case: usize) -> Value {
        let PerCent { is_small, values } = &mut **self.per_cent.get_or_insert_default();
        let small = if let Value::Int(int) = value { u8::try_from(int).ok() } else { None };
        let small = small.filter(|small| usize::from(*small) < PER_CENT_MAX);
        if coder.bit(is_small, small.is_some()) {
            let values = values.get_mut(case % CASES).expect("one of the cases");
            return Value::Int(coder.tree(values, small.unwrap_or_default().into()).into());
        }
        self.like_last(coder, value)
    }

    /// Nanoseconds of a clock that runs beside `ts`, most often by whole milliseconds.
    pub(crate) fn nanos(&mut self, coder: &mut impl Coder, value: Value, ts: f64) -> Value {
        const ROUND: i64 = 1_000_000;
        let payload = self.kind(coder, value);
        let ts_ns = Kind::Decimal(3).near(ts).wrapping_mul(ROUND);
        // The last payload is the offset between the clocks.
        let expected = self.payloads[0].wrapping_add(ts_ns);
        let surprise = payload.wrapping_sub(expected);
        let surprise = if coder.bit(&mut self.is_round, surprise % ROUND == 0) {
            self.numbers.code(coder, 0, surprise / ROUND).wrapping_mul(ROUND)
        } else {
            self.numbers.code(coder, 1, surprise)
        };
        let payload = expected.wrapping_add(surprise);
        self.payloads = [payload.wrapping_sub(ts_ns), 0];
        self.kind.value(payload)
    }
}
