//! A disk that uploads fill: what waits in the log can still be sealed, and then there is room again.

use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{Error, NewRow, Options, Policy, Query, Store, Upload};
use tokio::runtime::{Builder, Runtime};

use crate::disk::SimulatedDisk;

const ROOM_BYTES: u64 = 12 << 20;
const USERS: u32 = 4;
const ENTRIES_PER_UPLOAD: u32 = 50;
/// As many a day as a phone has.
const SECONDS_PER_ENTRY: f64 = 100.0;
const START_S: f64 = 1_700_000_000.0;

struct Filling {
    store: Store,
    disk: SimulatedDisk,
    runtime: Runtime,
    users: Vec<UserId>,
    /// How many uploads each of them has had acknowledged.
    acknowledged: u32,
}

impl Filling {
    fn new() -> Self {
        let disk = SimulatedDisk::new(1);
        disk.leave_room(ROOM_BYTES);
        // Nobody is sealed before the room is short: neither the days nor the entries are enough.
        let policy = Policy { hot_rows_max: u64::MAX, seals_untaken: true, ..Policy::default() };
        let store = Store::open(Options {
            segment_bytes: 256 << 10,
            volume_bytes: 1 << 20,
            policy,
            disk: Arc::new(disk.clone()),
            ..Options::new(Path::new("/store"), StdRng::seed_from_u64(1))
        });
        let (store, runtime) = (store.unwrap(), Builder::new_current_thread().build().unwrap());
        let users = (0..USERS).map(|user| runtime.block_on(store.register(&format!("user-{user}"))).unwrap()).collect();
        Self { store, disk, runtime, users, acknowledged: 0 }
    }

    /// Everybody uploads what a phone has in an hour and a half.
    fn upload(&mut self) -> Result<(), Error> {
        let seconds = self.acknowledged * ENTRIES_PER_UPLOAD..(self.acknowledged + 1) * ENTRIES_PER_UPLOAD;
        let texts: Vec<(f64, String)> = seconds
            .map(|second| {
                let (write_ts, noise) =
                    (START_S + SECONDS_PER_ENTRY * f64::from(second), second.wrapping_mul(2_654_435_761));
                (write_ts, format!(r#"{{"data":{{"ts":{write_ts},"noise":{noise}}}}}"#))
            })
            .collect();
        let rows: Vec<NewRow<'_>> =
            texts.iter().map(|(write_ts, text)| NewRow { kind: "t", key: "k", write_ts: *write_ts, text }).collect();
        for user in &self.users {
            self.runtime.block_on(self.store.append(Upload::pack(*user, &rows)))?;
        }
        self.acknowledged += 1;
        Ok(())
    }

    /// Uploads until the disk is full and sealing makes no more room.
    fn fill(&mut self) {
        loop {
            match self.upload() {
                Ok(()) => {}
                Err(Error::DiskFull { .. } | Error::Unsealed) => {
                    while self.store.maintain(START_S).unwrap().has_more {}
                    match self.upload() {
                        Ok(()) => {}
                        Err(Error::DiskFull { .. }) => return,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn is_sound(&self) {
        assert_eq!(self.store.verify(&mut |_| {}).unwrap().flaws, []);
        for user in &self.users {
            let found = self.store.find_blocking(*user, &Query::all(None)).unwrap();
            let wanted = self.acknowledged * ENTRIES_PER_UPLOAD;
            assert!(found.len() >= usize::try_from(wanted).unwrap(), "{} of {wanted}", found.len());
        }
    }
}

#[test]
fn a_disk_is_full_of_what_is_sealed_and_not_of_what_waits_for_it() {
    let mut filling = Filling::new();
    filling.fill();
    filling.is_sound();
    let sizes = filling.store.sizes().unwrap();
    // A quarter is kept for changes: of the directory, and of a volume that is written anew.
    assert!(sizes.volumes_bytes * 10 >= ROOM_BYTES * 6, "{sizes:?}");
    assert!(sizes.log_bytes * 20 < ROOM_BYTES, "{sizes:?}");
    // With more room it goes on without a restart.
    filling.disk.leave_room(ROOM_BYTES);
    filling.upload().unwrap();
    filling.is_sound();
}
