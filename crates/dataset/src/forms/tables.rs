//! `parquet/TABLE/users-….parquet`: a table per kind of entry, twenty people to a file; a kind that nobody of them has
//! makes no file. Entries that reached the server, each once, in the order of people and of writing.
//!
//! The schemas are below. Times are UTC, positions whole multiples of 1e-7 degrees (a centimetre), `locale` counts the
//! manifest's `time_zones`, and unknown is what the platform writes for it (0 on Android, −1 on iOS).

pub(crate) mod table;

use std::ops::Range;

use rushhour_model::wire::route;
use rushhour_synth::entries::{Key, ten_millionths};
use rushhour_synth::person::Person;
use rushhour_synth::phone::Platform;
use rushhour_synth::sensed::{Fix, Recording, Setting};
use rushhour_synth::upload::{Call, Request};
use rushhour_synth::world::Day;

use crate::error::Error;
use crate::folder::Folder;
use crate::forms::delivered;
use table::{Rows, Table};

const LOCATION: &str = "message location {
    required int32 user;
    required boolean ios;
    required int64 ts (timestamp(micros, true));
    required int64 write_ts (timestamp(micros, true));
    optional int64 filtered_write_ts (timestamp(micros, true));
    required int32 latitude_e7;
    required int32 longitude_e7;
    required float altitude_m;
    required float accuracy_m;
    required float vaccuracy_m;
    required float speed_m_s;
    required float bearing_deg;
    required int32 locale;
}";

const MOTION: &str = "message motion_activity {
    required int32 user;
    required boolean ios;
    required int64 ts (timestamp(micros, true));
    required int64 write_ts (timestamp(micros, true));
    required int32 activity;
    required int32 confidence;
    required int32 locale;
}";

const TRANSITION: &str = "message transition {
    required int32 user;
    required boolean ios;
    required int64 write_ts (timestamp(micros, true));
    required binary state (utf8);
    required binary transition (utf8);
    required int32 locale;
}";

const BATTERY: &str = "message battery {
    required int32 user;
    required boolean ios;
    required int64 write_ts (timestamp(micros, true));
    required float level_pct;
    required boolean charging;
    required int32 locale;
}";

const STAT: &str = "message client_stats {
    required int32 user;
    required boolean ios;
    required int64 write_ts (timestamp(micros, true));
    required binary key (utf8);
    required binary name (utf8);
    required double reading;
    required int32 locale;
}";

const LABEL: &str = "message label {
    required int32 user;
    required boolean ios;
    required int64 write_ts (timestamp(micros, true));
    required binary key (utf8);
    required int64 start_ts (timestamp(micros, true));
    required int64 end_ts (timestamp(micros, true));
    required binary label (utf8);
    required int32 locale;
}";

const CONFIG: &str = "message config {
    required int32 user;
    required boolean ios;
    required int64 write_ts (timestamp(micros, true));
    required binary key (utf8);
    optional double filter_distance_m;
    optional double filter_time_ms;
    optional double sync_interval_s;
    required int32 locale;
}";

const CALL: &str = "message call {
    required int32 user;
    required boolean ios;
    required int64 at (timestamp(micros, true));
    required binary route (utf8);
    required int32 entries;
    required boolean answered;
}";

/// The tables of some people.
pub(crate) struct Tables<'a> {
    locations: Table<'a>,
    motions: Table<'a>,
    transitions: Table<'a>,
    batteries: Table<'a>,
    stats: Table<'a>,
    labels: Table<'a>,
    configs: Table<'a>,
    calls: Table<'a>,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(folder: &'a Folder, users: &Range<u32>) -> Self {
        let table = |schema| Table::new(folder, users, schema);
        Self {
            locations: table(LOCATION),
            motions: table(MOTION),
            transitions: table(TRANSITION),
            batteries: table(BATTERY),
            stats: table(STAT),
            labels: table(LABEL),
            configs: table(CONFIG),
            calls: table(CALL),
        }
    }

    pub(crate) fn add(&mut self, person: &Person, day: &Day) -> Result<(), Error> {
        let whose = Whose {
            user: i32::try_from(person.user).expect("people are counted in a few bits less"),
            is_ios: person.handset.platform == Platform::Ios,
        };
        self.add_calls(whose, &day.calls)?;
        for recording in delivered(day) {
            self.add_fixes(whose, &recording.fixes)?;
            self.add_sensed(whose, recording)?;
            self.add_said(whose, recording)?;
        }
        Ok(())
    }

    fn add_fixes(&mut self, whose: Whose, fixes: &[Fix]) -> Result<(), Error> {
        let mut columns = self.locations.rows(fixes.len());
        whose.write(&mut columns, fixes.len());
        columns.int64(fixes.iter().map(|fix| fix.ts_us));
        columns.int64(fixes.iter().map(|fix| fix.write_us));
        columns.optional_int64(fixes.iter().map(|fix| fix.filtered_write_us));
        columns.int32(fixes.iter().map(|fix| degrees_e7(fix.latitude)));
        columns.int32(fixes.iter().map(|fix| degrees_e7(fix.longitude)));
        columns.float(fixes.iter().map(|fix| fix.altitude_m));
        columns.float(fixes.iter().map(|fix| fix.accuracy_m));
        columns.float(fixes.iter().map(|fix| fix.vaccuracy_m));
        columns.float(fixes.iter().map(|fix| fix.speed_m_s));
        columns.float(fixes.iter().map(|fix| fix.bearing_deg));
        columns.int32(fixes.iter().map(|fix| fix.locale.into()));
        self.locations.flush_if_full()
    }

    fn add_sensed(&mut self, whose: Whose, recording: &Recording) -> Result<(), Error> {
        let motions = recording.motions.iter();
        let mut columns = self.motions.rows(motions.len());
        whose.write(&mut columns, motions.len());
        columns.int64(motions.clone().map(|motion| motion.ts_us));
        columns.int64(motions.clone().map(|motion| motion.write_us));
        columns.int32(motions.clone().map(|motion| motion.activity as i32));
        columns.int32(motions.clone().map(|motion| motion.confidence.into()));
        columns.int32(motions.map(|motion| motion.locale.into()));
        self.motions.flush_if_full()?;

        let transitions = recording.transitions.iter();
        let mut columns = self.transitions.rows(transitions.len());
        whose.write(&mut columns, transitions.len());
        columns.int64(transitions.clone().map(|transition| transition.write_us));
        columns.text(transitions.clone().map(|transition| transition.state.name()));
        columns.text(transitions.clone().map(|transition| transition.step.name()));
        columns.int32(transitions.map(|transition| transition.locale.into()));
        self.transitions.flush_if_full()?;

        let batteries = recording.batteries.iter();
        let mut columns = self.batteries.rows(batteries.len());
        whose.write(&mut columns, batteries.len());
        columns.int64(batteries.clone().map(|battery| battery.write_us));
        columns.float(batteries.clone().map(|battery| battery.level_pct));
        columns.boolean(batteries.clone().map(|battery| battery.is_charging));
        columns.int32(batteries.map(|battery| battery.locale.into()));
        self.batteries.flush_if_full()
    }

    fn add_said(&mut self, whose: Whose, recording: &Recording) -> Result<(), Error> {
        let stats = recording.stats.iter();
        let mut columns = self.stats.rows(stats.len());
        whose.write(&mut columns, stats.len());
        columns.int64(stats.clone().map(|stat| stat.write_us));
        columns.text(stats.clone().map(|stat| Key::from(stat.kind).name()));
        columns.text(stats.clone().map(|stat| stat.name));
        columns.double(stats.clone().map(|stat| stat.reading));
        columns.int32(stats.map(|stat| stat.locale.into()));
        self.stats.flush_if_full()?;

        let labels = recording.labels.iter();
        let mut columns = self.labels.rows(labels.len());
        whose.write(&mut columns, labels.len());
        columns.int64(labels.clone().map(|label| label.write_us));
        columns.text(labels.clone().map(|label| Key::from(label.about).name()));
        columns.int64(labels.clone().map(|label| label.start_us));
        columns.int64(labels.clone().map(|label| label.end_us));
        columns.text(labels.clone().map(|label| label.label));
        columns.int32(labels.map(|label| label.locale.into()));
        self.labels.flush_if_full()?;

        let configs = recording.configs.iter();
        let mut columns = self.configs.rows(configs.len());
        whose.write(&mut columns, configs.len());
        columns.int64(configs.clone().map(|config| config.write_us));
        columns.text(configs.clone().map(|config| Key::from(&config.setting).name()));
        for value in [filter_distance_m, filter_time_ms, sync_interval_s] {
            columns.optional_double(configs.clone().map(|config| value(&config.setting)));
        }
        columns.int32(configs.map(|config| config.locale.into()));
        self.configs.flush_if_full()
    }

    fn add_calls(&mut self, whose: Whose, calls: &[Call]) -> Result<(), Error> {
        let mut columns = self.calls.rows(calls.len());
        whose.write(&mut columns, calls.len());
        columns.int64(calls.iter().map(|call| call.at_us));
        let facts = calls.iter().map(|call| match &call.request {
            Request::Get => (route::USERCACHE_GET, 0, true),
            Request::Put { recording, is_answered } => (route::USERCACHE_PUT, recording.count(), *is_answered),
        });
        columns.text(facts.clone().map(|(route, _, _)| route));
        columns.int32(facts.clone().map(|(_, entries, _)| i32::try_from(entries).expect("an upload is smaller")));
        columns.boolean(facts.map(|(_, _, is_answered)| is_answered));
        self.calls.flush_if_full()
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        let Self { locations, motions, transitions, batteries, stats, labels, configs, calls } = self;
        [locations, motions, transitions, batteries, stats, labels, configs, calls]
            .into_iter()
            .try_for_each(Table::finish)
    }
}

/// The columns that every table begins with.
#[derive(Clone, Copy)]
struct Whose {
    user: i32,
    is_ios: bool,
}

impl Whose {
    fn write(self, columns: &mut Rows<'_>, rows: usize) {
        columns.int32(std::iter::repeat_n(self.user, rows));
        columns.boolean(std::iter::repeat_n(self.is_ios, rows));
    }
}

fn degrees_e7(degrees: f64) -> i32 {
    i32::try_from(ten_millionths(degrees)).expect("a degree is at most 180")
}

fn filter_distance_m(setting: &Setting) -> Option<f64> {
    if let Setting::Sensor { filter_distance_m, .. } = setting { *filter_distance_m } else { None }
}

fn filter_time_ms(setting: &Setting) -> Option<f64> {
    if let Setting::Sensor { filter_time_ms, .. } = setting { filter_time_ms.map(f64::from) } else { None }
}

fn sync_interval_s(setting: &Setting) -> Option<f64> {
    if let Setting::Sync { sync_interval_s } = setting { Some(f64::from(*sync_interval_s)) } else { None }
}
