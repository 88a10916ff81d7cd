//! What happens when more is uploaded than is sealed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{Error, NewRow, Options, Policy, Query, Store, Upload};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const DAY_S: f64 = 86_400.0;
const START_S: f64 = 19_676.0 * DAY_S;

/// A store in a folder of its own, with small segments.
struct Fixture {
    store: Store,
    dir: TempDir,
    runtime: Runtime,
}

impl Fixture {
    fn new(policy: Policy, sealing_threads: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(dir.path(), StdRng::seed_from_u64(1));
        let options = Options { segment_bytes: 16 << 10, volume_bytes: 64 << 10, policy, sealing_threads, ..options };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { store: Store::open(options).unwrap(), dir, runtime }
    }

    fn register(&self, token: &str) -> UserId {
        self.runtime.block_on(self.store.register(token)).unwrap()
    }

    /// One upload of an entry that was written so many seconds after the start.
    fn append(&self, user: UserId, second: f64) -> Result<(), Error> {
        let write_ts = START_S + second;
        let text = format!(r#"{{"data":{{"ts":{write_ts}}}}}"#);
        let row = NewRow { kind: "t", key: "k", write_ts, text: &text };
        self.runtime.block_on(self.store.append(Upload::pack(user, &[row])))
    }

    /// Uploads an entry each second from `second` on, until no more are taken; returns how many were.
    fn fill(&self, user: UserId, second: f64) -> u64 {
        let taken = (0..1_000).take_while(|number| self.append(user, second + f64::from(*number)).is_ok()).count();
        assert!((10..100).contains(&taken), "{taken} uploads were taken");
        assert!(matches!(self.append(user, 0.0), Err(Error::Unsealed)));
        taken as u64
    }

    fn is_sound(&self) {
        let verified = self.store.verify(&mut |_| {}).unwrap();
        assert_eq!(verified.flaws, []);
        assert_eq!(verified.entries, self.store.stat().entries);
    }
}

#[test]
fn when_uploads_take_too_much_memory_none_is_taken_until_some_are_sealed() {
    // Nobody is due for any other reason.
    let fixture = Fixture::new(Policy { hot_bytes_max: 1_000, ..Policy::default() }, 1);
    let anna = fixture.register("anna");
    let taken = fixture.fill(anna, 0.0);
    let found = fixture.store.find_blocking(anna, &Query::all(None)).unwrap();
    assert_eq!(found.len() as u64, taken, "what is there can be read");
    fixture.store.maintain(START_S).unwrap();
    fixture.append(anna, DAY_S).unwrap();
    assert_eq!(fixture.store.stat().hot_entries, 1);
    fixture.is_sound();
}

#[test]
fn when_uploads_take_too_much_of_the_disk_the_first_segments_are_sealed_by_whole_days() {
    let fixture = Fixture::new(Policy { log_bytes_max: 2_000, ..Policy::default() }, 1);
    let anna = fixture.register("anna");
    (0..3).for_each(|number| fixture.append(anna, f64::from(number)).unwrap());
    assert!(!fixture.store.is_pressed());
    let taken = fixture.fill(anna, DAY_S);
    assert!(fixture.store.is_pressed());
    let now_s = START_S + 400.0 * DAY_S;
    assert_eq!(fixture.store.maintain(now_s).unwrap().entries, 3, "the day that is over, though all is long ago");
    assert_eq!(fixture.store.maintain(now_s).unwrap().entries, taken, "there was nothing else to do");
    assert!(!fixture.store.is_pressed());
    fixture.append(anna, 2.0 * DAY_S).unwrap();
    fixture.is_sound();
}

#[test]
fn who_sends_little_does_not_keep_the_log_of_everybody() {
    let log_bytes_max = 128 << 10;
    let fixture = Fixture::new(Policy { log_bytes_max, hot_rows_max: 50, seals_untaken: true, ..Policy::default() }, 1);
    let (anna, ben) = (fixture.register("anna"), fixture.register("ben"));
    fixture.append(anna, 0.0).unwrap();
    for second in 0..4_000 {
        fixture.append(ben, f64::from(second)).unwrap();
        if second % 100 == 0 {
            fixture.store.maintain(START_S + f64::from(second)).unwrap();
            assert!(fixture.store.sizes().unwrap().log_bytes < log_bytes_max, "second {second}");
        }
    }
    assert!(fixture.store.sizes().unwrap().volumes_bytes > 0);
    fixture.is_sound();
}

#[test]
fn who_cannot_be_sealed_is_in_nobodys_way() {
    let fixture = Fixture::new(Policy { log_bytes_max: 2_000, ..Policy::default() }, 1);
    let (anna, ben) = (fixture.register("anna"), fixture.register("ben"));
    fixture.append(anna, 0.0).unwrap();
    let taken = fixture.fill(ben, 0.0);
    let path = fixture.dir.path().join("log/00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let frame = bytes.windows(4).position(|bytes| bytes == b"RHFR").unwrap();
    bytes[frame + 60] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let first = fixture.store.maintain(START_S).unwrap();
    let failed: Vec<UserId> = first.failed.iter().map(|(user, _)| *user).collect();
    assert_eq!((first.entries, failed), (taken, vec![anna]));
    assert!(!fixture.store.is_pressed());
    let taken = fixture.fill(ben, 2_000.0);
    let second = fixture.store.maintain(START_S + 60.0).unwrap();
    assert_eq!((second.entries, second.failed.len()), (taken, 0), "she is not tried again so soon");
}

#[test]
fn many_threads_seal_what_one_does() {
    let sealed = |sealing_threads: usize| {
        let fixture = Fixture::new(Policy::default(), sealing_threads);
        for number in 0..200 {
            let user = fixture.register(&format!("person {number}"));
            [0.0, DAY_S, 3.0 * DAY_S].into_iter().for_each(|second| fixture.append(user, second).unwrap());
        }
        assert_eq!(fixture.store.seal_all().unwrap().users, 200);
        fixture.is_sound();
        let volumes = std::fs::read_dir(fixture.dir.path().join("chunks")).unwrap();
        volumes.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    assert_eq!(sealed(1), sealed(4));
}
