//! Looking at the target of a study: how much of the truth it has found, and what its data takes on the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use reqwest::Client;
use rushhour_dataset::score::{Documents, FoundTrip, Score, UserTruth};
use rushhour_launch::study::{Compared, Inspect};
use rushhour_load::address::Address;
use rushhour_load::tls::Trust;
use rushhour_model::wire::{FindEntriesRequest, FindEntriesResponse, route};
use rushhour_report::study::Truth;
use rushhour_store::{IosRounding, Options};
use rushhour_synth::world::World;

use crate::exit::Failure;
use crate::store::open_with;
use crate::surroundings;

/// Looks at a study of people who are made up.
#[derive(Debug)]
pub(crate) struct Inspection {
    world: Arc<World>,
    people: u32,
    days: u32,
    /// How many of them are compared with the truth.
    sample: u32,
    /// What the target rounds what iPhones say to.
    ios_rounding: IosRounding,
    client: Client,
}

impl Inspection {
    /// Of `people` who have lived `days` days in `world`.
    pub(crate) fn new(
        world: Arc<World>,
        (people, days): (u32, u32),
        sample: u32,
        ios_rounding: IosRounding,
        trust: &Trust,
    ) -> Result<Self> {
        let client = Client::builder().no_proxy().tls_backend_preconfigured(trust.client_config()?).build();
        let client = client.context("setting up the HTTP client")?;
        Ok(Self { world, people, days, sample: sample.min(people), ios_rounding, client })
    }

    /// The people who are compared: evenly spread, because the first ones may be alike.
    fn chosen(&self) -> impl Iterator<Item = u32> {
        let (people, sample) = (u64::from(self.people), u64::from(self.sample));
        (0..sample).map(move |index| u32::try_from(index * people / sample).expect("less than there are people"))
    }

    /// The trips that the target has found of somebody.
    async fn found(&self, address: &Address, token: String) -> Result<Vec<FoundTrip>> {
        let query = FindEntriesRequest {
            user: Some(token.into()),
            key_list: Some(Documents::KEYS.map(str::to_owned).to_vec()),
            start_time: None,
            end_time: None,
            key_time: None,
            from_local_date: None,
            to_local_date: None,
            key_local_date: None,
            max_entries: None,
            trunc_method: None,
        };
        let url = format!("{address}{}/timestamp", route::FIND_ENTRIES);
        let answer = self.client.post(&url).json(&query).send().await?.error_for_status()?;
        let answer: FindEntriesResponse = answer.json().await?;
        let mut documents = Documents::default();
        for document in answer.phone_data {
            documents.push(document).map_err(anyhow::Error::msg).with_context(|| format!("reading what {url} says"))?;
        }
        Ok(documents.found())
    }

    async fn compared(&self, address: &Address) -> Result<Truth> {
        let mut score = Score::new();
        for user in self.chosen() {
            let found = self.found(address, self.world.course(user).person().token()).await?;
            score.add_user(&UserTruth::of_days(&self.world, user, self.days), &found);
        }
        let figures = score.summary().overall;
        Ok(Truth { people: self.sample, trips: figures.meant, recall: figures.recall, precision: figures.precision })
    }
}

impl Inspect for Inspection {
    fn truth<'a>(&'a self, address: &'a Address) -> Compared<'a> {
        Box::pin(self.compared(address))
    }

    fn sealed_bytes(&self, data_dir: &Path) -> Result<BTreeMap<String, u64>> {
        // A store blocks the thread that it works on, and this one has a runtime.
        std::thread::scope(|scope| {
            let measuring = scope.spawn(|| sealed_bytes(data_dir, self.ios_rounding));
            measuring.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// What the store in `data_dir` takes once everything is sealed. A day is left in the log for some hours, in case more of it
/// comes; half a year in an afternoon has no such hours.
fn sealed_bytes(data_dir: &Path, ios_rounding: IosRounding) -> Result<BTreeMap<String, u64>> {
    let sealing_threads = surroundings::cores();
    let options = Options { sealing_threads, ios_rounding, ..Options::new(data_dir, surroundings::rng()?) };
    let store = open_with(options, true).map_err(Failure::into_error)?;
    store.seal_all().context("sealing what was left in the log")?;
    let usage = store.usage().context("measuring the store")?;
    let parts = [
        ("chunks", usage.live_chunks),
        ("replaced chunks", usage.dead_chunks),
        ("diaries", usage.diaries),
        ("directory", usage.directory),
        ("log", usage.log),
    ];
    Ok(parts.map(|(part, bytes)| (part.to_owned(), bytes)).into())
}

#[cfg(test)]
mod tests {
    use rushhour_store::{NewRow, Store, Upload};
    use tokio::runtime::Runtime;

    use super::*;

    /// What the chunks take of an iPhone's walk that its server had still in the log.
    fn chunks(ios_rounding: IosRounding) -> u64 {
        let dir = tempfile::tempdir().unwrap();
        let walk: Vec<(f64, String)> = (0..2_000_u32)
            .map(|step| {
                let (step, noise) = (f64::from(step), (f64::from(step) * 7.3).sin());
                let (write_ts, latitude) = (1_456_160_000.0 + 60.0f64.mul_add(step, noise), noise.mul_add(1e-4, 37.39));
                let metadata = format!(r#"{{"key":"k","platform":"ios","type":"t","write_ts":{write_ts}}}"#);
                (write_ts, format!(r#"{{"metadata":{metadata},"data":{{"latitude":{latitude}}}}}"#))
            })
            .collect();
        let row = |(write_ts, text)| NewRow { kind: "t", key: "k", write_ts, text };
        let rows: Vec<NewRow<'_>> = walk.iter().map(|(write_ts, text)| row((*write_ts, text.as_str()))).collect();
        let store = Store::open(Options::new(dir.path(), surroundings::rng().unwrap())).unwrap();
        let runtime = Runtime::new().unwrap();
        let user = runtime.block_on(store.register("anna")).unwrap();
        runtime.block_on(store.append(Upload::pack(user, &rows))).unwrap();
        drop(store);
        sealed_bytes(dir.path(), ios_rounding).unwrap()["chunks"]
    }

    #[test]
    fn what_a_server_left_in_its_log_is_rounded_as_it_would_have_been() {
        let (exact, rounded) = (chunks(IosRounding::Off), chunks(IosRounding::Centimetre));
        assert!(rounded < exact * 3 / 4, "{rounded} of {exact} bytes");
    }
}
