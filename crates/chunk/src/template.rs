//! Templates: what many entries have in common, so that an entry tells only which, and its numbers.

use crate::draft::Part;
use crate::integer::Integer;
use crate::paths::{CALLED, PathId, Paths, Role};
use crate::primed::Primed;
use crate::range_coder::{Bit, Coder};
use crate::rows::Rows;
use crate::tables::Tables;
use crate::value::Value;

/// What a template says about a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// It is a number, which each entry tells.
    Number,
    /// It is a text, which each entry tells.
    Text,
    /// It is the entry's `data.ts` in words.
    Moment,
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// The bits of a float.
    Float(u64),
    /// A label of the chunk.
    Label(u32),
    EmptyObject,
    EmptyArray,
}

/// How many kinds of slots there can be.
const SLOT_KINDS: usize = 16;
/// The most templates that are tried one by one after the same one before.
const SUCCESSORS_MAX: usize = 12;

impl Slot {
    /// The value of a slot that says it, but for a label's.
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Uint(value) => Value::Uint(value),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
            Self::EmptyObject => Value::EmptyObject,
            Self::EmptyArray => Value::EmptyArray,
            Self::Null | Self::Number | Self::Text | Self::Moment | Self::Label(_) => Value::Null,
        }
    }

    fn kind(self) -> u32 {
        match self {
            Self::Number => 0,
            Self::Text => 1,
            Self::Moment => 2,
            Self::Null => 3,
            Self::Bool(false) => 4,
            Self::Bool(true) => 5,
            Self::Int(_) => 6,
            Self::Uint(_) => 7,
            Self::Float(_) => 8,
            Self::Label(_) => 9,
            Self::EmptyObject => 10,
            Self::EmptyArray => 11,
        }
    }
}

/// A template of one half of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    /// The number of its shape in the chunk's tables.
    pub(crate) shape: u32,
    pub(crate) slots: Vec<Slot>,
    pub(crate) roles: Vec<Role>,
    /// What it says about all leaves; labels are put in by who reads.
    pub(crate) values: Vec<Value>,
    /// The leaves that each entry tells.
    pub(crate) told: Vec<Told>,
    /// What `data.type` says.
    pub(crate) motion_type: usize,
}

/// A leaf that each entry tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) leaf: usize,
    pub(crate) slot: Slot,
    pub(crate) role: Role,
    /// The number of its column.
    pub(crate) column: usize,
}

impl Template {
    pub(crate) fn new(shape: u32, slots: Vec<Slot>, paths: &Paths, leaves: &[PathId]) -> Self {
        let roles: Vec<Role> = leaves.iter().map(|path| paths.role(*path)).collect();
        let class = class_of(&slots, &roles);
        let mut template = Self { shape, values: slots.iter().map(|slot| slot.value()).collect(), ..Self::default() };
        for (leaf, ((path, role), slot)) in leaves.iter().zip(&roles).zip(&slots).enumerate() {
            match slot {
                Slot::Number | Slot::Text | Slot::Moment => {
                    let class = if role.has_class() { class } else { 0 };
                    let column = *path as usize * CLASSES + class;
                    template.told.push(Told { leaf, slot: *slot, role: *role, column });
                }
                Slot::Int(int) if *path == CALLED.motion_type => {
                    template.motion_type = usize::try_from(*int).unwrap_or_default();
                }
                _ => {}
            }
        }
        Self { slots, roles, ..template }
    }
}

/// How many classes of entries there are.
pub(crate) const CLASSES: usize = 2;

/// Whether a location is of a receiver of satellites, which knows altitude and speed, or not.
fn class_of(slots: &[Slot], roles: &[Role]) -> usize {
    let is_sure = |(slot, role): (&Slot, &Role)| match role {
        Role::Altitude => *slot != Slot::Int(0),
        Role::Speed => *slot != Slot::Int(-1),
        _ => true,
    };
    usize::from(slots.iter().zip(roles).all(is_sure))
}

/// The templates that a stream has used, in the order of their first use.
#[derive(Clone, Debug)]
pub(crate) struct Templates {
    pub(crate) list: Vec<Template>,
    /// By the template before: those that came next, the most recent first.
    successors: Vec<Vec<usize>>,
    last: usize,
    /// By path.
    last_slots: Vec<Option<Slot>>,
    is_next: [[Bit; SUCCESSORS_MAX + 1]; SUCCESSORS_MAX + 1],
    is_new: Bit,
    is_same: [Bit; 2],
    kinds: [Bit; SLOT_KINDS],
    numbers: Primed<Integer<6, 16>>,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            successors: vec![Vec::new()],
            last: 0,
            last_slots: Vec::new(),
            is_next: [[Bit::NEW; SUCCESSORS_MAX + 1]; SUCCESSORS_MAX + 1],
            is_new: Bit::NEW,
            is_same: [Bit::NEW; 2],
            kinds: [Bit::NEW; SLOT_KINDS],
            numbers: Primed::default(),
        }
    }
}

impl Templates {
    /// Shows all bits, in an order of their own.
    pub(crate) fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        self.is_next.iter_mut().flatten().for_each(&mut *see);
        see(&mut self.is_new);
        self.is_same.iter_mut().for_each(&mut *see);
        self.kinds.iter_mut().for_each(&mut *see);
        self.numbers.own().visit(see);
    }

    /// Shares the models with all that are cloned from this one.
    pub(crate) fn share(&mut self) {
        self.numbers.share();
    }

    /// Forgets all templates, but not what was learnt of them.
    pub(crate) fn forget(&mut self) {
        self.list.clear();
        self.successors = vec![Vec::new()];
        self.last = 0;
        self.last_slots.clear();
    }

    /// Finds the template that `fits`, trying the likeliest first.
    pub(crate) fn find(&self, mut fits: impl FnMut(&Template) -> bool) -> Option<usize> {
        let likely = self.successors.get(self.last).map_or(&[][..], Vec::as_slice);
        let mut fits = |number: &usize| self.list.get(*number).is_some_and(&mut fits);
        let found = likely.iter().copied().find(&mut fits);
        found.or_else(|| (0..self.list.len()).find(&mut fits))
    }

    /// Codes which template comes next; the number behind the last stands for a new one.
    pub(crate) fn code(&mut self, coder: &mut impl Coder, number: usize) -> usize {
        let count = self.list.len();
        let successors = self.successors.get_mut(self.last).expect("every template has a list");
        let models = self.is_next.get_mut(successors.len()).expect("lists are short");
        let mut found = None;
        for (place, (successor, model)) in successors.iter().zip(models).enumerate() {
            if coder.bit(model, *successor == number) {
                found = Some((place, *successor));
                break;
            }
        }
        let number = if let Some((place, number)) = found {
            if let Some(passed) = successors.get_mut(place / 2..=place) {
                passed.rotate_right(1);
            }
            number
        } else {
            let is_new = coder.bit(&mut self.is_new, number == count);
            let back = if is_new { 0 } else { self.numbers.own().code(coder, 0, count as i64 - number as i64) };
            let number = usize::try_from((count as i64).saturating_sub(back)).unwrap_or_default().min(count);
            successors.truncate(SUCCESSORS_MAX - 1);
            successors.insert(successors.len() / 2, number);
            number
        };
        self.last = number + 1;
        number
    }

    /// Codes which template a part has, and the template if it is a new one.
    pub(crate) fn code_next(
        &mut self,
        coder: &mut impl Coder,
        tables: &Tables,
        rows: &Rows,
        part: &mut Part,
    ) -> Option<()> {
        part.template = self.code(coder, part.template);
        if part.template < self.list.len() {
            return Some(());
        }
        let (shape, given) = part.fresh.take().unwrap_or_default();
        let shape = u32::try_from(self.numbers.own().code(coder, 1, shape.into())).ok()?;
        let leaves = rows.shape(*tables.shapes.get(shape as usize)?);
        let mut slots = Vec::with_capacity(leaves.len());
        for (number, path) in leaves.iter().enumerate() {
            let slot = self.slot(coder, *path, given.get(number).copied().unwrap_or(Slot::Null));
            let path = *path as usize;
            self.last_slots.resize(self.last_slots.len().max(path + 1), None);
            if let Some(last) = self.last_slots.get_mut(path) {
                *last = Some(slot);
            }
            slots.push(slot);
        }
        let mut template = Template::new(shape, slots, &rows.paths, leaves);
        for (value, slot) in template.values.iter_mut().zip(&template.slots) {
            if let Slot::Label(label) = slot {
                *value = tables.labels.value(*label)?;
            }
        }
        self.list.push(template);
        self.successors.push(Vec::new());
        Some(())
    }

    fn slot(&mut self, coder: &mut impl Coder, path: PathId, slot: Slot) -> Slot {
        let last = self.last_slots.get(path as usize).copied().flatten();
        if let Some(last) = last
            && coder.bit(&mut self.is_same[0], last == slot)
        {
            return last;
        }
        let before = |of: fn(Slot) -> Option<i64>| last.and_then(of).unwrap_or_default();
        let kind = coder.tree(&mut self.kinds, slot.kind());
        match kind {
            0 => Slot::Number,
            1 => Slot::Text,
            2 => Slot::Moment,
            4 => Slot::Bool(false),
            5 => Slot::Bool(true),
            6 => {
                let int = if let Slot::Int(int) = slot { int } else { 0 };
                let before = before(|slot| if let Slot::Int(int) = slot { Some(int) } else { None });
                let moved = self.numbers.own().code(coder, 2, int.wrapping_sub(before));
                Slot::Int(before.wrapping_add(moved))
            }
            7 => {
                let uint = if let Slot::Uint(uint) = slot { uint } else { 0 };
                Slot::Uint(coder.raw(64, uint))
            }
            8 => {
                let bits = if let Slot::Float(bits) = slot { bits } else { 0 };
                let bits = coder.raw(64, bits);
                Slot::Float(if f64::from_bits(bits).is_finite() { bits } else { 0 })
            }
            9 => {
                let label = if let Slot::Label(label) = slot { label } else { 0 };
                Slot::Label(u32::try_from(self.numbers.own().code(coder, 3, label.into())).unwrap_or(u32::MAX))
            }
            10 => Slot::EmptyObject,
            11 => Slot::EmptyArray,
            _ => Slot::Null,
        }
    }
}
