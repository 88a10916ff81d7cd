//! Reading: what is sealed and what is in the log, as one.

mod latest;
mod reading;

use std::cmp::Ordering;
use std::sync::Arc;

use rushhour_model::extended_json::ObjectId;
use rushhour_model::ids::{Identity, UserId};
use serde_json::Value;

use crate::chunk::{Rows, by_identity, by_time};
use crate::core::Core;
use crate::directory::{ChunkRow, Taken};
use crate::error::Error;
use crate::hot::HotUser;
use crate::key_set::KeySet;
use crate::query::{Query, TimeField, second_of};

pub use reading::{EntryRef, Reading};

/// How often a read begins again when what it was about to read was sealed or moved meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// An entry that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: ObjectId,
    /// The time asked for, in seconds since 1970.
    pub stamp: f64,
    /// The entry as one JSON object, the same value that was appended.
    pub text: String,
    /// `metadata.write_ts`.
    pub write_ts: f64,
    /// Whether it was taken in. What was not is what the original calls the usercache.
    pub is_taken: bool,
}

/// Entries that were not taken in.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// In order of arrival. Of two with one identity both may be here.
    pub entries: Reading,
    /// How far these reach; `None` when there are none.
    pub taken: Option<Taken>,
}

/// How far a reader of [`Store::feed`](crate::Store::feed) has got with a user; [`Default`] is the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(
    /// How many uploads have been seen.
    pub u32,
);

/// Changes of a user's entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// What is new or changed, upload by upload.
    pub entries: Vec<Found>,
    /// How many entries each of these uploads has here, and where to go on behind it.
    pub uploads: Vec<(usize, Position)>,
    /// Where to go on.
    pub next: Position,
}

/// A row among several pieces.
type At = (usize, usize);

/// What a read has found in one place, and where the row of the user's state stood then.
struct View {
    pieces: Vec<Arc<Rows>>,
    /// Whether rows of two pieces may be one entry.
    overlaps: bool,
    taken: u32,
}

/// What of a user is to be read.
struct Scope<'a> {
    keys: Option<&'a [String]>,
    /// Write times.
    from: f64,
    to: f64,
    /// Bounds of `data.ts`.
    data: Option<(f64, f64)>,
    /// Only what holds uploads from this one on.
    upload_min: u32,
}

impl<'a> Scope<'a> {
    const fn all(keys: Option<&'a [String]>) -> Self {
        Self { keys, from: f64::NEG_INFINITY, to: f64::INFINITY, data: None, upload_min: 0 }
    }

    fn of(query: &'a Query) -> Self {
        let (from, to) = (query.from.unwrap_or(f64::NEG_INFINITY), query.to.unwrap_or(f64::INFINITY));
        let scope = Self::all(query.keys.as_deref());
        match &query.field {
            TimeField::WriteTs => Self { from, to, ..scope },
            field => Self { data: field.is_data_ts().then_some((from, to)), ..scope },
        }
    }

    fn has_chunk(&self, row: &ChunkRow) -> bool {
        let lag = if row.lag_s == u32::MAX { f64::INFINITY } else { f64::from(row.lag_s) };
        let (first, end) = row.times();
        let is_near = self.data.is_none_or(|(from, to)| first - lag <= to && from <= end + lag);
        is_near && row.last_upload >= self.upload_min
    }
}

impl Core {
    /// See [`Store::find`](crate::Store::find).
    pub(crate) fn find(&self, user: UserId, query: &Query) -> Result<Vec<Found>, Error> {
        let scope = Scope::of(query);
        if scope.from > scope.to {
            return Ok(Vec::new());
        }
        let view = self.view(user, &scope)?;
        let found = if query.field == TimeField::WriteTs {
            // Only what will be answered is written out.
            let rows = view.rows_within(user, &scope, query.entries_max);
            let texts = view.texts(&rows);
            let found = rows.into_iter().zip(texts);
            found.map(|(at, text)| view.found(user, at, view.write_ts(at), text)).collect()
        } else {
            let rows = view.rows();
            let texts = view.texts(&rows);
            let found = rows.into_iter().zip(texts).filter_map(|(at, text)| Some((stamp_of(&text, query)?, at, text)));
            let mut found: Vec<Found> = found.map(|(stamp, at, text)| view.found(user, at, stamp, text)).collect();
            found.sort_by(|one, other| by_time(one.stamp, other.stamp).then(one.id.cmp(&other.id)));
            found.truncate(query.entries_max);
            found
        };
        Ok(found)
    }

    /// See [`Store::read`](crate::Store::read).
    pub(crate) fn read(
        &self,
        user: UserId,
        keys: &[&str],
        (from, to): (f64, f64),
        entries_max: usize,
    ) -> Result<Reading, Error> {
        if from > to {
            return Ok(Reading::new(user, 0));
        }
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let scope = Scope { from, to, ..Scope::all(Some(&keys)) };
        let view = self.view(user, &scope)?;
        let rows = view.rows_within(user, &scope, entries_max);
        Ok(Reading::of(user, view, rows))
    }

    /// See [`Store::feed`](crate::Store::feed).
    pub(crate) fn feed(
        &self,
        user: UserId,
        keys: Option<&[String]>,
        after: Position,
        entries_max: usize,
    ) -> Result<Changes, Error> {
        let next_upload = self.hot.look(user, |hot| hot.next).unwrap_or(0);
        let view = self.view(user, &Scope { upload_min: after.0, ..Scope::all(keys) })?;
        let mut rows: Vec<At> = view.rows();
        rows.retain(|at| (after.0..next_upload).contains(&view.upload(*at)));
        rows.sort_by(|one, other| {
            view.upload(*one).cmp(&view.upload(*other)).then_with(|| view.by_identity(*one, *other))
        });
        let mut changes =
            Changes { entries: Vec::new(), uploads: Vec::new(), next: Position(next_upload.max(after.0)) };
        for upload in rows.chunk_by(|one, other| view.upload(*one) == view.upload(*other)) {
            let number = upload.first().map_or(after.0, |at| view.upload(*at));
            // An upload is told as a whole, so that the next position is exact.
            if !changes.entries.is_empty() && changes.entries.len() + upload.len() > entries_max {
                changes.next = Position(number);
                break;
            }
            changes.uploads.push((upload.len(), Position(number + 1)));
            let texts = upload.iter().zip(view.texts(upload));
            changes.entries.extend(texts.map(|(at, text)| view.found(user, *at, view.write_ts(*at), text)));
        }
        Ok(changes)
    }

    /// See [`Store::entries_of`](crate::Store::entries_of).
    pub(crate) fn entries_of(&self, user: UserId) -> Result<u64, Error> {
        let hot = self.hot.snapshot(user);
        let Some(number) = self.number(user) else { return Ok(hot.rows()) };
        let (sealed, chunks) = self.directory.chunks(number, 0, u32::MAX)?;
        let in_log =
            hot.records.iter().filter(|record| record.number >= sealed).map(|record| u64::from(record.entries));
        Ok(chunks.iter().map(|chunk| u64::from(chunk.entries)).sum::<u64>() + in_log.sum::<u64>())
    }

    /// See [`Store::fresh`](crate::Store::fresh).
    pub(crate) fn fresh(&self, user: UserId, entries_max: usize, span_s_max: f64) -> Result<Fresh, Error> {
        let epoch = self.directory.epoch();
        for _ in 0..ATTEMPTS_MAX {
            if let Some(fresh) = self.try_fresh(user, entries_max, span_s_max, epoch)? {
                return Ok(fresh);
            }
        }
        Err(self.never_still())
    }

    /// `None` when something was sealed meanwhile.
    fn try_fresh(&self, user: UserId, entries_max: usize, span_s_max: f64, epoch: u32) -> Result<Option<Fresh>, Error> {
        let HotUser { records, taken, .. } = self.hot.snapshot(user);
        let (from, entries) = (f64::INFINITY, Reading::new(user, taken));
        let mut portion = Portion { entries_max, span_s_max, from, entries, uploads: None, is_full: false };
        let sealed = match self.number(user) {
            Some(number) => self.sealed_fresh(number, taken, &mut portion)?,
            None => Some(0),
        };
        let Some(sealed) = sealed else { return Ok(None) };
        for record in records.iter().filter(|record| record.number >= taken.max(sealed)) {
            if portion.is_full {
                break;
            }
            let Some(rows) = self.shown_record(user, record, None)? else { return Ok(None) };
            portion.add(record.number, &rows, &(0..rows.len()).collect::<Vec<_>>());
        }
        let taken = portion.uploads.map(|uploads| Taken { uploads, epoch });
        Ok(Some(Fresh { entries: portion.entries, taken }))
    }

    /// Adds what was sealed before it was taken in; returns how many uploads were sealed.
    fn sealed_fresh(&self, number: u32, taken: u32, portion: &mut Portion) -> Result<Option<u32>, Error> {
        let (sealed, mut chunks) = self.directory.chunks(number, 0, u32::MAX)?;
        if sealed <= taken {
            return Ok(Some(sealed));
        }
        chunks.retain(|chunk| chunk.last_upload >= taken);
        chunks.sort_by_key(|chunk| chunk.first_upload);
        let mut rows = Rows::default();
        let mut left = chunks.iter().peekable();
        // An upload is known as a whole once every chunk is read that starts with it or one before.
        while let Some(chunk) = left.next() {
            let Some(read) = self.volumes.read(chunk)? else { return Ok(None) };
            let fresh: Vec<usize> = (0..read.len()).filter(|row| read.upload(*row) >= taken).collect();
            rows.append(&read.select(&fresh));
            let whole = left.peek().map_or(sealed, |next| next.first_upload);
            if rows.len() > portion.entries_max.saturating_mul(2) && whole > taken {
                let later: Vec<usize> = (0..rows.len()).filter(|row| rows.upload(*row) >= whole).collect();
                let later = rows.select(&later);
                portion.add_uploads(&Arc::new(std::mem::replace(&mut rows, later)), taken..whole);
                if portion.is_full {
                    return Ok(Some(sealed));
                }
            }
        }
        portion.add_uploads(&Arc::new(rows), taken..sealed);
        Ok(Some(sealed))
    }

    /// What is there of a user, as of one moment.
    fn view(&self, user: UserId, scope: &Scope<'_>) -> Result<View, Error> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(view) = self.try_view(user, scope)? {
                return Ok(view);
            }
        }
        Err(self.never_still())
    }

    /// `None` when something was sealed or moved meanwhile.
    fn try_view(&self, user: UserId, scope: &Scope<'_>) -> Result<Option<View>, Error> {
        // The log comes first: what is sealed after this is still in the copy, and what was sealed before is in the chunks.
        let hot = self.hot.snapshot(user);
        let (sealed, chunks) = match self.number(user) {
            Some(number) => self.directory.chunks(number, second_of(scope.from), second_of(scope.to))?,
            None => (0, Vec::new()),
        };
        let mut pieces = Vec::new();
        for chunk in chunks.iter().filter(|chunk| scope.has_chunk(chunk)) {
            let Some(rows) = self.read_chunk(chunk, scope.keys, scope.to)? else { return Ok(None) };
            pieces.push(Arc::new(rows));
        }
        let sealed_pieces = pieces.len();
        let keys = scope.keys.map_or(KeySet::ANY, |keys| KeySet::of(keys.iter().map(String::as_str)));
        let is_asked = |record: &&crate::hot::HotRecord| {
            let is_within = record.first_ts <= scope.to && scope.from <= record.last_ts;
            is_within && record.number >= sealed.max(scope.upload_min) && record.keys.may_meet(keys)
        };
        for record in hot.records.iter().filter(is_asked) {
            let Some(rows) = self.shown_record(user, record, scope.keys)? else { return Ok(None) };
            pieces.push(rows);
        }
        Ok(Some(View { overlaps: pieces.len() > sealed_pieces, pieces, taken: hot.taken }))
    }

    /// Reads a chunk that the directory has told of, perhaps without what was written after `until`; `None` when it was moved
    /// meanwhile.
    fn read_chunk(&self, chunk: &ChunkRow, keys: Option<&[String]>, until: f64) -> Result<Option<Rows>, Error> {
        match self.volumes.read_until(chunk, keys, until)? {
            None if self.directory.chunk(chunk.user, chunk.first_s)? == Some(*chunk) => {
                Err(self.volumes.damaged(chunk))
            }
            read => Ok(read),
        }
    }

    fn never_still(&self) -> Error {
        let what = "everything that was to be read was moved, again and again".to_owned();
        Error::Corrupt { file: self.dir.clone(), offset: 0, what }
    }
}

impl View {
    /// The rows that count: of several with one identity the one of the last upload.
    fn rows(&self) -> Vec<At> {
        let mut rows: Vec<At> = self
            .pieces
            .iter()
            .enumerate()
            .flat_map(|(piece, rows)| (0..rows.len()).map(move |row| (piece, row)))
            .collect();
        if self.overlaps {
            rows.sort_by(|one, other| {
                let arrival = || self.upload(*one).cmp(&self.upload(*other)).then(one.cmp(other));
                self.by_identity(*one, *other).then_with(arrival)
            });
            let is_one = |one: &At, other: &At| self.by_identity(*one, *other).is_eq();
            rows = rows.chunk_by(is_one).filter_map(|same| same.last().copied()).collect();
        }
        rows
    }

    /// Those of the rows that were written in the scope's time, in order, at most so many.
    fn rows_within(&self, user: UserId, scope: &Scope<'_>, entries_max: usize) -> Vec<At> {
        let timed = self.rows().into_iter().map(|at| (self.write_ts(at), at));
        let mut rows: Vec<(f64, At)> = timed.filter(|(ts, _)| (scope.from..=scope.to).contains(ts)).collect();
        rows.sort_by(|one, other| by_time(one.0, other.0).then_with(|| self.by_id(user, one.1, other.1)));
        rows.truncate(entries_max);
        rows.into_iter().map(|(_, at)| at).collect()
    }

    fn piece(&self, piece: usize) -> &Rows {
        self.pieces.get(piece).expect("rows are only told apart among the pieces that there are")
    }

    fn upload(&self, at: At) -> u32 {
        self.piece(at.0).upload(at.1)
    }

    fn write_ts(&self, at: At) -> f64 {
        self.piece(at.0).write_ts(at.1)
    }

    fn by_identity(&self, one: At, other: At) -> Ordering {
        by_identity((self.piece(one.0), one.1), (self.piece(other.0), other.1))
    }

    fn by_id(&self, user: UserId, one: At, other: At) -> Ordering {
        self.id(user, one).cmp(&self.id(user, other))
    }

    fn id(&self, user: UserId, at: At) -> ObjectId {
        identity_of(user, self.piece(at.0), at.1).id()
    }

    /// The entries of some rows, in their order; those of one piece are written out together.
    fn texts(&self, rows: &[At]) -> Vec<String> {
        let mut order: Vec<(At, usize)> = rows.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let mut texts = vec![String::new(); rows.len()];
        for of_piece in order.chunk_by(|one, other| one.0.0 == other.0.0) {
            let Some(((piece, _), _)) = of_piece.first() else { continue };
            let written = self.piece(*piece).texts_of(of_piece.iter().map(|((_, row), _)| *row));
            for ((_, place), text) in of_piece.iter().zip(written) {
                if let Some(here) = texts.get_mut(*place) {
                    *here = text;
                }
            }
        }
        texts
    }

    fn found(&self, user: UserId, at: At, stamp: f64, text: String) -> Found {
        let is_taken = self.upload(at) < self.taken;
        Found { id: self.id(user, at), stamp, text, write_ts: self.write_ts(at), is_taken }
    }
}

/// What [`Core::fresh`] has gathered.
struct Portion {
    entries_max: usize,
    span_s_max: f64,
    /// The first write time so far.
    from: f64,
    entries: Reading,
    /// How many uploads were taken in when these are; `None` without any.
    uploads: Option<u32>,
    is_full: bool,
}

impl Portion {
    fn add_uploads(&mut self, rows: &Arc<Rows>, uploads: std::ops::Range<u32>) {
        let mut order: Vec<usize> = (0..rows.len()).filter(|row| uploads.contains(&rows.upload(*row))).collect();
        order.sort_by_key(|row| rows.upload(*row));
        for upload in order.chunk_by(|one, other| rows.upload(*one) == rows.upload(*other)) {
            let Some(first) = upload.first().filter(|_| !self.is_full) else { return };
            self.add(rows.upload(*first), rows, upload);
        }
        if !self.is_full {
            // The last ones may have added nothing.
            self.uploads = Some(uploads.end);
        }
    }

    /// Adds an upload as a whole, unless others were added and it is too much.
    fn add(&mut self, upload: u32, rows: &Arc<Rows>, selected: &[usize]) {
        let times = || selected.iter().map(|row| rows.write_ts(*row));
        self.from = self.from.min(times().fold(f64::INFINITY, f64::min));
        let is_too_much = self.entries.len() + selected.len() > self.entries_max
            || times().fold(f64::NEG_INFINITY, f64::max) - self.from > self.span_s_max;
        if is_too_much && self.uploads.is_some() {
            self.is_full = true;
            return;
        }
        self.entries.add(rows, selected.iter().copied());
        self.uploads = Some(upload + 1);
    }
}

fn identity_of(user: UserId, rows: &Rows, row: usize) -> Identity<'_> {
    let name = rows.name(row);
    Identity { user, kind: &name.kind, key: &name.key, write_ts: rows.write_ts(row) }
}

/// The time asked for, if the entry has it and it matches.
fn stamp_of(text: &str, query: &Query) -> Option<f64> {
    let entry: Value = serde_json::from_str(text).ok()?;
    query.stamp_of(&entry)
}
