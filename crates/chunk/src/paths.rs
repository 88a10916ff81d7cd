//! Where a value stands in an entry: paths such as `data.ts`, numbered.
//!
//! The paths of the phone's format (emission-format a.2 to a.4) have numbers of their own, in the order in which their
//! values are coded; others are numbered as they are met.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What is known of the values at a path, which decides how they are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of few values, such as a mode.
    Label,
    /// A number of any kind.
    Plain,
    /// Zero, or else a number of any kind.
    Rare,
    WriteTs,
    Ts,
    Latitude,
    Longitude,
    Accuracy,
    Speed,
    Heading,
    Altitude,
    BootNanos,
    /// Per cent, known best from `data.type`.
    Confidence,
    /// `data.fmt_time`: what `data.ts` is in words.
    Moment,
}

impl Role {
    /// Whether receivers of satellites and other sources are told apart.
    pub(crate) fn has_class(self) -> bool {
        matches!(self, Self::Ts | Self::BootNanos | Self::Accuracy)
    }

    /// Whether 0 and -1 say that the value is not known, so that they are labels.
    pub(crate) fn has_unknown(self) -> bool {
        matches!(self, Self::Rare | Self::Speed | Self::Heading | Self::Altitude)
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Key(Box<str>),
    Index(u32),
    /// Not inside the entry but beside it.
    Aside(Aside),
}

/// What is kept beside an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Aside {
    /// Its text, when it could not be taken apart.
    Raw,
    /// Its kind, key and write time, where its metadata say otherwise or nothing.
    Kind,
    Key,
    WriteTs,
}

pub(crate) type PathId = u32;
pub(crate) const ROOT: PathId = 0;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) parent: PathId,
    pub(crate) step: Step,
    role: Role,
    /// Whether it belongs to the metadata, or stands beside the entry.
    is_head: bool,
}

/// The leaves that phones send, with what they are.
const KNOWN_LEAVES: [(&str, Role); 62] = [
    ("metadata.key", Role::Label),
    ("metadata.platform", Role::Label),
    ("metadata.type", Role::Label),
    ("metadata.time_zone", Role::Label),
    ("metadata.plugin", Role::Label),
    ("metadata.read_ts", Role::Rare),
    ("metadata.write_ts", Role::WriteTs),
    ("data.ts", Role::Ts),
    ("data.accuracy", Role::Accuracy),
    ("data.latitude", Role::Latitude),
    ("data.longitude", Role::Longitude),
    ("data.vaccuracy", Role::Accuracy),
    ("data.sensed_speed", Role::Speed),
    ("data.bearing", Role::Heading),
    ("data.altitude", Role::Altitude),
    ("data.elapsedRealtimeNanos", Role::BootNanos),
    ("data.filter", Role::Label),
    ("data.floor", Role::Label),
    ("data.fmt_time", Role::Moment),
    ("data.type", Role::Label),
    ("data.confidence", Role::Confidence),
    ("data.stationary", Role::Label),
    ("data.walking", Role::Label),
    ("data.running", Role::Label),
    ("data.automotive", Role::Label),
    ("data.cycling", Role::Label),
    ("data.unknown", Role::Label),
    ("data.currState", Role::Label),
    ("data.transition", Role::Label),
    ("data.battery_level_pct", Role::Plain),
    ("data.battery_level_ratio", Role::Plain),
    ("data.battery_status", Role::Label),
    ("data.android_health", Role::Label),
    ("data.android_plugged", Role::Label),
    ("data.android_technology", Role::Label),
    ("data.android_temperature", Role::Plain),
    ("data.android_voltage", Role::Plain),
    ("data.name", Role::Label),
    ("data.reading", Role::Plain),
    ("data.client_app_version", Role::Label),
    ("data.client_os_version", Role::Label),
    ("data.label", Role::Label),
    ("data.start_ts", Role::Plain),
    ("data.end_ts", Role::Plain),
    ("data.agb", Role::Label),
    ("data.agc", Role::Label),
    ("data.zzaEg", Role::Label),
    ("data.zzaEh", Role::Label),
    ("data.zzbjA", Role::Label),
    ("data.zzbjB", Role::Label),
    ("data.ajO", Role::Label),
    ("data.ajP", Role::Label),
    ("data.zzaKM", Role::Label),
    ("data.zzaKN", Role::Label),
    ("data.zzbhB", Role::Label),
    ("data.zzbhC", Role::Label),
    ("data.is_duty_cycling", Role::Label),
    ("data.accuracy_threshold", Role::Label),
    ("data.filter_distance", Role::Label),
    ("data.filter_time", Role::Label),
    ("data.geofence_radius", Role::Label),
    ("data.trip_end_stationary_mins", Role::Label),
];

static KNOWN: LazyLock<Paths> = LazyLock::new(|| {
    let mut paths = Paths { first: 0, nodes: Vec::new(), children: HashMap::new() };
    let root = Node { parent: ROOT, step: Step::Index(0), role: Role::Plain, is_head: false };
    paths.nodes.push(root);
    for (aside, role) in [
        (Aside::Raw, Role::Plain),
        (Aside::Kind, Role::Label),
        (Aside::Key, Role::Label),
        (Aside::WriteTs, Role::WriteTs),
    ] {
        paths.add(ROOT, Step::Aside(aside), role, true);
    }
    for (path, role) in KNOWN_LEAVES {
        let (top, field) = path.split_once('.').expect("every known leaf lies in an object");
        let is_head = top == "metadata";
        let top = Step::Key(top.into());
        let known = paths.children.get(&(ROOT, top.clone())).copied();
        let parent = known.unwrap_or_else(|| paths.add(ROOT, top, Role::Plain, is_head));
        paths.add(parent, Step::Key(field.into()), role, is_head);
    }
    paths
});

/// The paths that say what an entry is called, in its metadata and beside it.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) metadata: PathId,
    pub(crate) data: PathId,
    pub(crate) platform: PathId,
    pub(crate) kind: PathId,
    pub(crate) key: PathId,
    pub(crate) write_ts: PathId,
    pub(crate) ts: PathId,
    pub(crate) fmt_time: PathId,
    pub(crate) motion_type: PathId,
    pub(crate) confidence: PathId,
    pub(crate) aside_kind: PathId,
    pub(crate) aside_key: PathId,
    pub(crate) aside_write_ts: PathId,
    pub(crate) aside_raw: PathId,
}

pub(crate) static CALLED: LazyLock<Called> = LazyLock::new(|| {
    let child = |parent, step| *KNOWN.children.get(&(parent, step)).expect("it is known");
    let metadata = child(ROOT, Step::Key("metadata".into()));
    let data = child(ROOT, Step::Key("data".into()));
    let field = |name: &str| child(metadata, Step::Key(name.into()));
    let aside = |aside| child(ROOT, Step::Aside(aside));
    Called {
        metadata,
        data,
        platform: field("platform"),
        kind: field("type"),
        key: field("key"),
        write_ts: field("write_ts"),
        ts: child(data, Step::Key("ts".into())),
        fmt_time: child(data, Step::Key("fmt_time".into())),
        motion_type: child(data, Step::Key("type".into())),
        confidence: child(data, Step::Key("confidence".into())),
        aside_kind: aside(Aside::Kind),
        aside_key: aside(Aside::Key),
        aside_write_ts: aside(Aside::WriteTs),
        aside_raw: aside(Aside::Raw),
    }
});

/// Paths beyond the known ones.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The number of the first of `nodes`.
    first: PathId,
    nodes: Vec<Node>,
    children: HashMap<(PathId, Step), PathId>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { first: KNOWN.len(), nodes: Vec::new(), children: HashMap::new() }
    }
}

impl Paths {
    /// The number of a path of the phone's format, such as `data.ts`.
    pub(crate) fn known(path: &str) -> Option<PathId> {
        path.split('.').try_fold(ROOT, |parent, key| KNOWN.children.get(&(parent, Step::Key(key.into()))).copied())
    }

    /// Whether a path has the same number everywhere.
    pub(crate) fn is_known(path: PathId) -> bool {
        (path as usize) < KNOWN.nodes.len()
    }

    /// How many paths there are.
    pub(crate) fn len(&self) -> PathId {
        self.first + PathId::try_from(self.nodes.len()).expect("far below 4 G paths")
    }

    /// The paths that are not among the known ones.
    pub(crate) fn own(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn node(&self, path: PathId) -> &Node {
        let node = if path < self.first {
            KNOWN.nodes.get(path as usize)
        } else {
            self.nodes.get((path - self.first) as usize)
        };
        node.expect("a path of these paths")
    }

    pub(crate) fn role(&self, path: PathId) -> Role {
        self.node(path).role
    }

    /// Leaves sort by whether they belong to the data, then by number.
    pub(crate) fn is_head(&self, path: PathId) -> bool {
        self.node(path).is_head
    }

    /// The innermost known path around `path`; none around one that is known itself, as no known leaf lies in another.
    pub(crate) fn known_around(&self, path: PathId) -> Option<PathId> {
        if Self::is_known(path) {
            return None;
        }
        let parent = self.node(path).parent;
        if Self::is_known(parent) { Some(parent) } else { self.known_around(parent) }
    }

    /// The path one step on, numbered if it is new.
    pub(crate) fn child(&mut self, parent: PathId, step: Step) -> PathId {
        let at = (parent, step);
        if let Some(path) = KNOWN.children.get(&at).or_else(|| self.children.get(&at)) {
            return *path;
        }
        let is_head = if parent == ROOT { at.1 == Step::Key("metadata".into()) } else { self.is_head(parent) };
        self.add(parent, at.1, Role::Plain, is_head)
    }

    /// The number here of a path of `others`.
    pub(crate) fn adopt(&mut self, others: &Self, path: PathId) -> PathId {
        if path < self.first {
            return path;
        }
        let node = others.node(path);
        let parent = self.adopt(others, node.parent);
        self.child(parent, node.step.clone())
    }

    fn add(&mut self, parent: PathId, step: Step, role: Role, is_head: bool) -> PathId {
        let path = self.len();
        self.nodes.push(Node { parent, step: step.clone(), role, is_head });
        self.children.insert((parent, step), path);
        path
    }
}
