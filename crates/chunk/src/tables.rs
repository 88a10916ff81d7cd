//! What all streams of a chunk share: the texts and shapes that their templates refer to.

use std::cell::Cell;
use std::collections::HashMap;

use crate::integer::Integer;
use crate::paths::{PathId, ROOT, Step};
use crate::range_coder::{Bit, Coder, Decoder, Encoder};
use crate::rows::{Rows, Shape, ShapeId};
use crate::value::Value;

/// Labels that phones send (emission-format a.2 to a.4). A chunk that has them says only which. The list may grow at its
/// end with the version; it never changes otherwise.
const KNOWN: &[&str] = &[
    "android",
    "ios",
    "sensor-data",
    "message",
    "rw-document",
    "none",
    "time",
    "distance",
    "background/location",
    "background/filtered_location",
    "background/motion_activity",
    "background/battery",
    "statemachine/transition",
    "config/sensor_config",
    "config/sync_config",
    "config/consent",
    "config/app_ui_config",
    "stats/client_time",
    "stats/client_nav_event",
    "stats/client_error",
    "manual/mode_confirm",
    "manual/purpose_confirm",
    "manual/replaced_mode",
    "manual/trip_user_input",
    "background/bluetooth_ble",
    "low",
    "medium",
    "high",
    "local.state.start",
    "local.state.waiting_for_trip_start",
    "local.state.ongoing_trip",
    "local.state.tracking_stopped",
    "unknown",
    "local.transition.initialize",
    "local.transition.exited_geofence",
    "local.transition.stopped_moving",
    "local.transition.stop_tracking",
    "booted",
    "local.transition.start_tracking",
    "local.transition.tracking_error",
    "STATE_START",
    "STATE_WAITING_FOR_TRIP_START",
    "STATE_ONGOING_TRIP",
    "STATE_TRACKING_STOPPED",
    "T_INITIALIZE",
    "T_EXITED_GEOFENCE",
    "T_TRIP_ENDED",
    "T_FORCE_STOP_TRACKING",
    "T_INIT_COMPLETE",
    "T_TRIP_STARTED",
    "T_RECEIVED_SILENT_PUSH",
    "T_TRIP_END_DETECTED",
    "T_TRIP_RESTARTED",
    "T_END_TRIP_TRACKING",
    "T_TRACKING_STOPPED",
    "T_NOP",
    "T_VISIT_STARTED",
    "T_VISIT_ENDED",
    "T_DATA_PUSHED",
    "T_START_TRACKING",
    "GOOD",
    "UNKNOWN",
    "Li-ion",
    "Li-poly",
    "AC",
    "USB",
    "OVERHEAT",
    "COLD",
    "push_duration",
    "pull_duration",
    "sync_duration",
    "sync_launched",
    "sync_pull_list_size",
    "sync_push_list_size",
    "opened_app",
    "button_clicked",
    "checked_diary",
    "notification_open",
    "app_state_change",
    "diary_viewed",
    "label_tab_switch",
    "sent_to_server",
    "America/Los_Angeles",
    "America/New_York",
    "America/Denver",
    "America/Chicago",
    "America/Phoenix",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
    "Europe/Zurich",
    "Europe/Madrid",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Pacific/Honolulu",
    "America/Toronto",
    "UTC",
];

/// No label and no key is longer; it bounds what a damaged chunk may ask for.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// No shape has more leaves.
const LEAVES_MAX: usize = 1 << 16;

/// Texts by number.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    texts: Vec<Box<str>>,
    ids: HashMap<Box<str>, u32>,
    /// Where each was last met in the rows, which is where it is most often met again.
    values: Vec<Cell<Value>>,
}

impl Labels {
    /// The number of a text of the rows, a new one if it has none.
    pub(crate) fn id(&mut self, rows: &Rows, value: Value) -> u32 {
        let text = rows.text_of(value);
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).expect("far below 4 G labels");
        self.texts.push(text.into());
        self.ids.insert(text.into(), id);
        self.values.push(Cell::new(value));
        id
    }

    /// Whether a text of the rows is the one of a number.
    pub(crate) fn is(&self, id: u32, rows: &Rows, value: Value) -> bool {
        let (Some(text), Some(met)) = (self.texts.get(id as usize), self.values.get(id as usize)) else { return false };
        if met.get().is_same_range(value) {
            return true;
        }
        let is_same = **text == *rows.text_of(value);
        if is_same {
            met.set(value);
        }
        is_same
    }

    /// Whether a text is one of these, whose values are those of the rows.
    pub(crate) fn has(&self, text: &str, rows: &Rows) -> bool {
        self.values.iter().any(|label| *rows.text_of(label.get()) == *text)
    }

    /// The text of a number among the rows' texts.
    pub(crate) fn value(&self, id: u32) -> Option<Value> {
        self.values.get(id as usize).map(Cell::get)
    }
}

/// The labels of a chunk, and the shapes of its entries' halves.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) labels: Labels,
    /// Numbers of shapes among the rows', in the order of their first use.
    pub(crate) shapes: Vec<ShapeId>,
}

impl Tables {
    /// The number here of one of the rows' shapes.
    pub(crate) fn shape_id(&mut self, shape: ShapeId) -> u32 {
        let known = self.shapes.iter().position(|known| *known == shape);
        let id = known.unwrap_or_else(|| {
            self.shapes.push(shape);
            self.shapes.len() - 1
        });
        u32::try_from(id).expect("far below 4 G shapes")
    }

    pub(crate) fn encode(&self, rows: &Rows, models: &mut Models) -> Vec<u8> {
        let mut coder = Encoder::new();
        let paths = rows.paths.own();
        models.count(&mut coder, paths.len());
        for node in paths {
            models.node(&mut coder, node.parent, &node.step);
        }
        models.count(&mut coder, self.shapes.len());
        for shape in &self.shapes {
            models.shape(&mut coder, rows.shape(*shape));
        }
        models.count(&mut coder, self.labels.texts.len());
        for text in &self.labels.texts {
            models.label(&mut coder, text);
        }
        coder.finish()
    }

    /// Reads the tables, and puts the paths and shapes into `rows`.
    pub(crate) fn decode(bytes: &[u8], mut models: Models, rows: &mut Rows) -> Option<Self> {
        let mut coder = Decoder::new(bytes);
        let mut tables = Self::default();
        for _ in 0..models.count(&mut coder, 0) {
            let (parent, step) = models.node(&mut coder, ROOT, &Step::Index(0));
            if coder.is_beyond() || parent >= rows.paths.len() {
                return None;
            }
            rows.paths.child(parent, step);
        }
        for _ in 0..models.count(&mut coder, 0) {
            let shape = models.shape(&mut coder, &[]);
            if coder.is_beyond() || shape.iter().any(|path| *path >= rows.paths.len()) {
                return None;
            }
            tables.shapes.push(rows.shape_id(shape));
        }
        for _ in 0..models.count(&mut coder, 0) {
            let text = models.label(&mut coder, "");
            if coder.is_beyond() {
                return None;
            }
            let value = rows.text_value(&text);
            // Who reads looks for none by its text.
            tables.labels.values.push(Cell::new(value));
        }
        Some(tables)
    }
}

/// What is known of tables.
#[derive(Clone, Debug)]
pub(crate) struct Models {
    counts: Box<Integer<4, 16>>,
    bytes: Box<[Bit; 256]>,
    flags: [Bit; 4],
    known: [Bit; 128],
}

impl Default for Models {
    fn default() -> Self {
        Self { counts: Box::default(), bytes: Box::new([Bit::NEW; 256]), flags: [Bit::NEW; 4], known: [Bit::NEW; 128] }
    }
}

impl Models {
    /// Shows all bits, in an order of their own.
    pub(crate) fn visit(&mut self, see: &mut dyn FnMut(&mut Bit)) {
        self.counts.visit(see);
        self.bytes.iter_mut().for_each(&mut *see);
        self.flags.iter_mut().for_each(&mut *see);
        self.known.iter_mut().for_each(see);
    }

    fn count(&mut self, coder: &mut impl Coder, count: usize) -> usize {
        usize::try_from(self.counts.code(coder, 0, count as i64)).unwrap_or_default()
    }

    fn text(&mut self, coder: &mut impl Coder, text: &str) -> String {
        let bytes = self.counts.code(coder, 1, text.len() as i64);
        let bytes = usize::try_from(bytes).unwrap_or_default().min(TEXT_BYTES_MAX);
        let mut given = text.bytes();
        let coded = (0..bytes).map(|_| coder.tree(&mut self.bytes, given.next().unwrap_or_default().into()));
        String::from_utf8(coded.filter_map(|byte| u8::try_from(byte).ok()).collect()).unwrap_or_default()
    }

    fn node(&mut self, coder: &mut impl Coder, parent: PathId, step: &Step) -> (PathId, Step) {
        let parent = path_of(self.counts.code(coder, 2, parent.into()));
        let is_key = coder.bit(&mut self.flags[0], matches!(step, Step::Key(_)));
        let step = if is_key {
            let key = if let Step::Key(key) = step { &**key } else { "" };
            Step::Key(self.text(coder, key).into())
        } else {
            let index = if let Step::Index(index) = step { *index } else { 0 };
            Step::Index(path_of(self.counts.code(coder, 3, index.into())))
        };
        (parent, step)
    }

    /// A shape, as the steps from path to path.
    fn shape(&mut self, coder: &mut impl Coder, shape: &[PathId]) -> Shape {
        let count = self.count(coder, shape.len()).min(LEAVES_MAX);
        let mut given = shape.iter();
        let mut last = 0;
        let mut path = || {
            let step = i64::from(given.next().copied().unwrap_or_default()).wrapping_sub(last + 1);
            last = i64::from(path_of(last.wrapping_add(self.counts.code(coder, 2, step)).wrapping_add(1)));
            path_of(last)
        };
        (0..count).map(|_| path()).collect()
    }

    fn label(&mut self, coder: &mut impl Coder, text: &str) -> String {
        let known = KNOWN.iter().position(|known| *known == text);
        if coder.bit(&mut self.flags[1], known.is_some()) {
            let index = known.and_then(|known| u32::try_from(known).ok()).unwrap_or_default();
            let index = coder.tree(&mut self.known, index) as usize;
            return KNOWN.get(index).copied().unwrap_or_default().to_owned();
        }
        self.text(coder, text)
    }
}

/// A number of a path; one that is none reads as one that nobody has.
fn path_of(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
