//! Usages: small documents of one kind, each with an id of its own, kept like uploads.
//!
//! They belong to sixty-four users that nobody can be, so that none of them ever has more uploads than the store counts
//! (2^32 of a user: a million a minute for half a year).

use rushhour_model::ids::UserId;
use rushhour_model::wire::UsageRequest;
use rushhour_store::{NewRow, Query, Store, TimeField, Upload};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::error::ServerError;
use crate::stamps::Stamp;

const KEY: &str = "usages/usage";
const KIND: &str = "document";
const PLACES: u8 = 64;
/// What a usage says about each thing has at most so many bytes.
const FIELD_BYTES_MAX: usize = 512;

/// A usage, as it is kept and answered.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<'a> {
    id: Uuid,
    #[serde(borrow, rename = "patientId")]
    patient_id: &'a RawValue,
    #[serde(borrow)]
    timestamp: &'a RawValue,
    #[serde(borrow)]
    medication: &'a RawValue,
}

/// Who keeps the usages.
#[derive(Debug)]
pub(crate) struct Usages {
    keepers: OnceCell<Vec<UserId>>,
}

/// A name that no token can be: those have no control characters.
fn keeper_name(place: u8) -> String {
    format!("\u{1}usages/{place}")
}

impl Usages {
    /// Those of a store: who keeps them, if there have been any.
    pub(crate) fn of(store: &Store) -> Self {
        let keepers: Option<Vec<UserId>> = (0..PLACES).map(|place| store.user(&keeper_name(place))).collect();
        Self { keepers: OnceCell::new_with(keepers) }
    }

    /// Keeps a usage, durably; returns its id.
    pub(crate) async fn keep(
        &self,
        store: &Store,
        stamp: Stamp,
        usage: &UsageRequest<'_>,
    ) -> Result<Uuid, ServerError> {
        let [patient_id, timestamp, medication] = [
            scalar("patientId", usage.patient_id)?,
            scalar("timestamp", usage.timestamp)?,
            scalar("medication", usage.medication)?,
        ];
        let write_ts = stamp.seconds();
        let place = u8::try_from(write_ts.to_bits() % u64::from(PLACES)).expect("it is below 64");
        let id = stamp.id(place);
        let kept = serde_json::to_string(&Kept { id, patient_id, timestamp, medication }).expect("it is plain JSON");
        let text = format!(
            r#"{{"metadata":{{"key":"{KEY}","type":"{KIND}","platform":"api","write_ts":{write_ts},"time_zone":"UTC"}},"data":{kept}}}"#
        );
        let keeper = self.keeper(store, place).await?;
        store.append(Upload::pack(keeper, &[NewRow { kind: KIND, key: KEY, write_ts, text: &text }])).await?;
        Ok(id)
    }

    /// The usage with this id, as JSON.
    pub(crate) async fn find(&self, store: &Store, id: Uuid) -> Result<Option<String>, ServerError> {
        let Some((stamp, place)) = Stamp::of(id).filter(|(_, place)| *place < PLACES) else { return Ok(None) };
        let Some(keeper) = self.keepers.get().and_then(|keepers| keepers.get(usize::from(place))) else {
            return Ok(None);
        };
        let at = Some(stamp.seconds());
        let keys = Some(vec![KEY.to_owned()]);
        let query = Query { keys, field: TimeField::WriteTs, from: at, to: at, entries_max: usize::MAX };
        let found = store.find(*keeper, query).await?;
        // Another process may have given out the same stamp.
        Ok(found.into_iter().find_map(|entry| {
            let entry: Entry<'_> = serde_json::from_str(&entry.text).ok()?;
            let kept: Kept<'_> = serde_json::from_str(entry.data.get()).ok()?;
            (kept.id == id).then(|| entry.data.get().to_owned())
        }))
    }

    /// Whether `user` only keeps usages, of which nobody makes a diary.
    pub(crate) fn has_keeper(&self, user: UserId) -> bool {
        self.keepers.get().is_some_and(|keepers| keepers.contains(&user))
    }

    /// How many there are.
    pub(crate) fn count(&self, store: &Store) -> Result<u64, ServerError> {
        let keepers = self.keepers.get().into_iter().flatten();
        Ok(keepers.map(|keeper| store.entries_of(*keeper)).sum::<Result<u64, _>>()?)
    }

    async fn keeper(&self, store: &Store, place: u8) -> Result<UserId, ServerError> {
        // In one change: who comes first waits for it, and at a million a minute thousands come meanwhile.
        let register = || store.register_all((0..PLACES).map(keeper_name).collect());
        let keepers = self.keepers.get_or_try_init(register).await?;
        Ok(*keepers.get(usize::from(place)).expect("there is a keeper for each place"))
    }
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Text or a number, and not too much of it.
fn scalar<'a>(name: &'static str, value: Option<&'a RawValue>) -> Result<&'a RawValue, ServerError> {
    let value = value.ok_or(ServerError::Missing(name))?;
    let text = value.get();
    let is_scalar = text.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
    if !is_scalar || text.len() > FIELD_BYTES_MAX {
        let reason = format!("it takes text or a number, of at most {FIELD_BYTES_MAX} bytes");
        return Err(ServerError::Invalid { name, reason });
    }
    Ok(value)
}
