//! Documents: what is shown of a diary, with the keys, fields and units that e-mission's clients know.
//!
//! Nothing here is decided: each document follows from a leg, its neighbours and what was said about it.

mod legs;
mod places;
mod said;
mod sections;

use std::borrow::Borrow;

use rushhour_model::analysis::{Document, Finding, Point};
use rushhour_model::entry::Platform;
use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::UserId;
use rushhour_model::local_date::{LocalDate, local_time, zone};
use rushhour_model::record::Object;
use rushhour_model::stored::StoredMetadata;
use serde_json::Number;

use crate::chapter::Chapter;
use crate::moment::{Moment, Zone};
use crate::position::Position;
use crate::stays::Stays;

/// The zone of what the server writes, wherever its users are (`emission-format` b.3).
const SERVER_ZONE: &str = "America/Los_Angeles";

pub(crate) use legs::{confirmed as confirmed_trip, said_about};
pub(crate) use places::confirmed as confirmed_place;
pub(crate) use sections::{clean as clean_section, clean_stop};

/// Which documents are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of them.
    All,
    /// Those with one of these keys.
    Keys(&'a [String]),
}

impl Wanted<'_> {
    fn has(self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Keys(keys) => keys.iter().any(|wanted| wanted == key),
        }
    }
}

/// The documents of `chapters`, which follow each other. `following` are the chapters after them, up to one with a leg
/// that was kept: the last place of `chapters` is left there.
pub fn documents<C: Borrow<Chapter>>(
    user: UserId,
    chapters: &[C],
    following: &[C],
    wanted: Wanted<'_>,
) -> Vec<Document> {
    let stays = Stays::of(chapters, following);
    let mut shelf = Shelf { user, wanted, zone: server_zone(), documents: Vec::new() };
    for stay in stays.raw.iter().filter(|stay| stay.is_ours) {
        shelf.add_raw_place(stay);
    }
    for stay in stays.clean.iter().filter(|stay| stay.is_ours) {
        shelf.add_clean_place(stay);
    }
    for (leg, from, to) in stays.raw_legs() {
        shelf.add_raw_leg(leg, from, to);
    }
    for kept in stays.kept_legs().filter(|kept| kept.is_ours) {
        shelf.add_kept_leg(&kept);
    }
    shelf.documents
}

/// Where documents are put.
pub(crate) struct Shelf<'a> {
    user: UserId,
    wanted: Wanted<'a>,
    zone: Zone,
    documents: Vec<Document>,
}

fn server_zone() -> Zone {
    zone(SERVER_ZONE).expect("the zone is in the database").into()
}

impl<'a> Shelf<'a> {
    /// Puts a document there, if it is asked for.
    fn put(&mut self, key: &str, id: ObjectId, write_ts: f64, data: impl FnOnce(&mut Self) -> Finding) {
        if self.wanted.has(key) {
            let data = data(self);
            let document = self.document(key, id, write_ts, data);
            self.documents.push(document);
        }
    }

    fn document(&self, key: &str, id: ObjectId, write_ts: f64, data: Finding) -> Document {
        let metadata = self.metadata(key, write_ts).into();
        Document { id, user: self.user, metadata, data, extra: Object::new() }
    }

    fn metadata(&self, key: &str, write_ts: f64) -> StoredMetadata {
        let (write_local_dt, write_fmt_time) = shown(write_ts, &self.zone);
        StoredMetadata {
            key: key.to_owned(),
            platform: Some(Platform::Other("server".to_owned())),
            kind: None,
            write_ts: number(write_ts),
            read_ts: None,
            time_zone: Some(SERVER_ZONE.to_owned()),
            plugin: None,
            origin_key: None,
            write_local_dt,
            write_fmt_time,
            extra: Object::new(),
        }
    }
}

pub(crate) fn number(value: f64) -> Number {
    // Geometry can overflow where coordinates are absurd; JSON has no infinity.
    Number::from_f64(value).unwrap_or_else(|| Number::from(0))
}

pub(crate) fn numbers(values: &[f64]) -> Vec<Number> {
    values.iter().copied().map(number).collect()
}

pub(crate) fn point(at: Position) -> Point {
    let coordinates = vec![number(at.longitude), number(at.latitude)];
    Point { kind: "Point".to_owned(), coordinates, extra: Object::new() }
}

/// A moment as documents have it: in seconds, in parts and as text.
pub(crate) struct Times {
    pub(crate) ts: Number,
    pub(crate) local_dt: LocalDate,
    pub(crate) fmt_time: String,
}

impl Times {
    pub(crate) fn of(moment: &Moment) -> Self {
        let (local_dt, fmt_time) = shown(moment.shown_ts, &moment.zone);
        Self { ts: number(moment.ts), local_dt, fmt_time }
    }

    pub(crate) fn parts(times: Option<Self>) -> (Option<Number>, Option<LocalDate>, Option<String>) {
        times.map_or((None, None, None), |times| (Some(times.ts), Some(times.local_dt), Some(times.fmt_time)))
    }
}

pub(crate) fn shown(ts: f64, zone: &Zone) -> (LocalDate, String) {
    let shown = local_time(ts, zone.rules()).or_else(|| local_time(0.0, zone.rules()));
    shown.expect("1970 is a year")
}
