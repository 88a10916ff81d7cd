//! One stream: entries that are coded one after the other, by what was learnt from those before.

use crate::column::Column;
use crate::draft::Draft;
use crate::integer::Integer;
use crate::moment::Moment;
use crate::paths::{CALLED, Role};
use crate::primed::Primed;
use crate::range_coder::{Bit, Coder};
use crate::rows::Rows;
use crate::tables::Tables;
use crate::template::{CLASSES, Slot, Templates};
use crate::value::Value;

/// The number of cases of how long it was since the last entry, in steps of three bits.
const GAPS: usize = 16;

/// Which earlier bodies an entry may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// None: they are told in full.
    Nothing,
    /// One of this stream, usually the last.
    Itself,
    /// One of another stream, usually the next.
    Other,
}

/// What is remembered between entries.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) repeats: Repeats,
    pub(crate) heads: Templates,
    pub(crate) bodies: Templates,
    columns: Vec<Option<Primed<Column>>>,
    repeated: Repeated,
    uploads: Uploads,
    moments: Moments,
    text_bytes: Primed<Integer<1, 16>>,
}

#[derive(Clone, Debug)]
struct Repeated {
    last: bool,
    next: usize,
    is_repeated: [Bit; 2],
    skips: Primed<Integer<1, 16>>,
    write_ts: Primed<Column>,
}

#[derive(Clone, Debug)]
struct Uploads {
    last: u32,
    is_same: [Bit; GAPS],
    steps: Primed<Integer<1, 16>>,
}

#[derive(Clone, Debug)]
struct Moments {
    last: i64,
    is_same: Bit,
    numbers: Primed<Integer<1, 16>>,
}

/// What later leaves of an entry are told by.
#[derive(Debug, Default)]
struct Now {
    write_ts: f64,
    /// How much of a surprise the write time was.
    write_bits: usize,
    ts: f64,
    /// How much of a surprise the latitude was.
    latitude_context: usize,
    /// The number of the body's template.
    template: usize,
    motion_type: usize,
}

impl Stream {
    pub(crate) fn new(repeats: Repeats) -> Self {
        Self {
            repeats,
            heads: Templates::default(),
            bodies: Templates::default(),
            columns: Vec::new(),
            repeated: Repeated {
                last: false,
                next: 0,
                is_repeated: [Bit::NEW; 2],
                skips: Primed::default(),
                write_ts: Primed::default(),
            },
            uploads: Uploads { last: 0, is_same: [Bit::NEW; GAPS], steps: Primed::default() },
            moments: Moments { last: 0, is_same: Bit::NEW, numbers: Primed::default() },
            text_bytes: Primed::default(),
        }
    }

    /// Shows all bits, in an order of their own.
    pub(crate) fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        self.heads.visit(see);
        self.bodies.visit(see);
        self.columns.iter_mut().flatten().for_each(|column| column.own().visit(see));
        self.repeated.is_repeated.iter_mut().for_each(&mut *see);
        self.repeated.skips.own().visit(see);
        self.repeated.write_ts.own().visit(see);
        self.uploads.is_same.iter_mut().for_each(&mut *see);
        self.uploads.steps.own().visit(see);
        see(&mut self.moments.is_same);
        self.moments.numbers.own().visit(see);
        self.text_bytes.own().visit(see);
    }

    /// Forgets all entries, but not what was learnt of them.
    pub(crate) fn forget(&mut self) {
        self.heads.forget();
        self.bodies.forget();
        self.columns.truncate(usize::from(u8::MAX));
        self.columns.iter_mut().flatten().for_each(|column| column.own().forget());
        self.repeated.write_ts.own().forget();
        (self.repeated.last, self.repeated.next, self.uploads.last, self.moments.last) = (false, 0, 0, 0);
    }

    /// Shares the models with all that are cloned from this one.
    pub(crate) fn share(&mut self) {
        self.heads.share();
        self.bodies.share();
        self.columns.iter_mut().flatten().for_each(Primed::share);
        self.repeated.skips.share();
        self.repeated.write_ts.share();
        self.uploads.steps.share();
        self.moments.numbers.share();
        self.text_bytes.share();
    }

    /// The numbers of its columns.
    pub(crate) fn column_numbers(&self) -> impl Iterator<Item = u8> {
        (0..).zip(&self.columns).filter(|(_, column)| column.is_some()).map(|(number, _)| number)
    }

    /// Makes room for a column.
    pub(crate) fn add_column(&mut self, number: u8) {
        let column = column_of(&mut self.columns, number.into());
        if usize::from(number) / CLASSES == CALLED.confidence as usize {
            column.add_per_cent();
        }
    }

    /// The place of the body that is likely to be repeated next.
    pub(crate) fn next_repeated(&self) -> usize {
        self.repeated.next
    }

    /// Codes whether the body repeats an earlier one, and which.
    pub(crate) fn code_repeat(&mut self, coder: &mut impl Coder, draft: &mut Draft) {
        if self.repeats == Repeats::Nothing {
            return;
        }
        let Repeated { last, next, is_repeated, skips, .. } = &mut self.repeated;
        let model = is_repeated.get_mut(usize::from(*last)).expect("two cases");
        *last = coder.bit(model, draft.repeats.is_some());
        if *last {
            let skip = skips.own().code(coder, 0, draft.repeats.unwrap_or_default() as i64 - *next as i64);
            let place = usize::try_from((*next as i64).wrapping_add(skip)).unwrap_or_default();
            *next = if self.repeats == Repeats::Other { place + 1 } else { place };
            draft.repeats = Some(place);
        }
    }

    /// Codes the rest of an entry. `None` if what is decoded cannot be an entry.
    pub(crate) fn code(
        &mut self,
        coder: &mut impl Coder,
        tables: &Tables,
        rows: &Rows,
        draft: &mut Draft,
    ) -> Option<()> {
        self.heads.code_next(coder, tables, rows, &mut draft.head)?;
        if draft.repeats.is_none() {
            self.bodies.code_next(coder, tables, rows, &mut draft.body)?;
        }
        let mut now = Now { write_ts: draft.repeated_write_ts, template: draft.body.template, ..Now::default() };
        self.code_leaves(coder, draft, true, &mut now);
        self.code_upload(coder, draft, &now);
        if draft.repeats.is_none() {
            self.code_leaves(coder, draft, false, &mut now);
        }
        Some(())
    }

    fn code_upload(&mut self, coder: &mut impl Coder, draft: &mut Draft, now: &Now) {
        let Uploads { last, is_same, steps } = &mut self.uploads;
        let model = is_same.get_mut((now.write_bits / 3).min(GAPS - 1)).expect("capped");
        if !coder.bit(model, draft.upload == *last) {
            let step = steps.own().code(coder, 0, i64::from(draft.upload) - i64::from(*last));
            *last = u32::try_from(i64::from(*last).wrapping_add(step)).unwrap_or_default();
        }
        draft.upload = *last;
    }

    fn code_leaves(&mut self, coder: &mut impl Coder, draft: &mut Draft, is_head: bool, now: &mut Now) {
        let repeats = draft.repeats.is_some();
        let (templates, part) = if is_head { (&self.heads, &mut draft.head) } else { (&self.bodies, &mut draft.body) };
        let template = templates.list.get(part.template).expect("it was just coded");
        if part.values.is_empty() {
            part.values.extend_from_slice(&template.values);
        }
        now.motion_type = template.motion_type;
        for told in &template.told {
            let value = part.values.get_mut(told.leaf).expect("as many as leaves");
            match told.slot {
                Slot::Text => {
                    let bytes = if let Value::Text { bytes, .. } = value { *bytes } else { 0 };
                    let bytes = self.text_bytes.own().code(coder, 0, bytes.into());
                    part.texts.push((told.leaf, usize::try_from(bytes).unwrap_or_default()));
                }
                Slot::Moment => {
                    let Moments { last, is_same, numbers } = &mut self.moments;
                    let moment = if let Value::Moment(moment) = value { moment.number() } else { 0 };
                    if !coder.bit(is_same, moment == *last) {
                        *last = last.wrapping_add(numbers.own().code(coder, 0, moment.wrapping_sub(*last)));
                    }
                    *value = Value::Moment(Moment::from_number(*last));
                }
                _ => {
                    let column = if repeats && told.role == Role::WriteTs {
                        self.repeated.write_ts.own()
                    } else {
                        column_of(&mut self.columns, told.column)
                    };
                    *value = code_number(coder, column, told.role, *value, now, repeats);
                }
            }
        }
    }
}

fn column_of(columns: &mut Vec<Option<Primed<Column>>>, column: usize) -> &mut Column {
    if columns.len() <= column {
        columns.resize_with(column + 1, || None);
    }
    columns.get_mut(column).expect("there is room").get_or_insert_default().own()
}

fn code_number(
    coder: &mut impl Coder,
    column: &mut Column,
    role: Role,
    value: Value,
    now: &mut Now,
    repeats: bool,
) -> Value {
    match role {
        Role::WriteTs => {
            let value = if repeats {
                column.like(coder, value, now.write_ts)
            } else {
                column.after_last(coder, value, now.template)
            };
            now.write_ts = value.as_f64().unwrap_or_default();
            now.write_bits = column.bits;
            value
        }
        Role::Ts => {
            let value = column.beside(coder, value, now.write_ts);
            now.ts = value.as_f64().unwrap_or_default();
            value
        }
        Role::Rare => column.like(coder, value, now.write_ts),
        Role::Latitude => {
            let value = column.moving(coder, value, column.context());
            now.latitude_context = column.context();
            value
        }
        Role::Longitude => column.moving(coder, value, now.latitude_context),
        Role::Accuracy => column.recurring(coder, value),
        Role::Confidence => column.per_cent(coder, value, now.motion_type),
        Role::BootNanos => column.nanos(coder, value, now.ts),
        Role::Label | Role::Plain | Role::Moment | Role::Speed | Role::Heading | Role::Altitude => {
            column.like_last(coder, value)
        }
    }
}
