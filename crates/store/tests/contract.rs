//! What every store must do, whatever keeps the bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;
use rushhour_store::{Disk, DiskFile, Error, LocalDisk, NewRow, Options, Query, Store, TimeField, Upload};

type Sync = Arc<dyn Fn(&Path) -> io::Result<()> + Send + std::marker::Sync>;

/// This machine's file system, with something before every sync of a file.
#[derive(Clone)]
struct Syncing(Sync);

impl Syncing {
    fn by(sync: impl Fn(&Path) -> io::Result<()> + Send + std::marker::Sync + 'static) -> Self {
        Self(Arc::new(sync))
    }
}

impl std::fmt::Debug for Syncing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Syncing")
    }
}

impl Disk for Syncing {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        LocalDisk.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        LocalDisk.list(dir)
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SyncingFile(LocalDisk.create(path)?, path.to_owned(), self.clone())))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SyncingFile(LocalDisk.open(path)?, path.to_owned(), self.clone())))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(dir)
    }
    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        LocalDisk.free_bytes(dir)
    }
}

#[derive(Debug)]
struct SyncingFile(Arc<dyn DiskFile>, PathBuf, Syncing);

impl DiskFile for SyncingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn taken_bytes(&self) -> io::Result<u64> {
        self.0.taken_bytes()
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, into)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }
    fn sync(&self) -> io::Result<()> {
        (self.2.0)(&self.1)?;
        self.0.sync()
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}

fn open(dir: &Path) -> Store {
    Store::open(Options::new(dir, StdRng::seed_from_u64(1))).unwrap()
}

fn everything() -> Query {
    Query::all(None)
}

/// Appends entries written as `key@write_ts=text`.
async fn append(store: &Store, user: UserId, entries: &str) {
    let rows = entries.split_whitespace().map(|entry| {
        let (name, text) = entry.split_once('=').unwrap();
        let (key, write_ts) = name.split_once('@').unwrap();
        NewRow { kind: "t", key, write_ts: write_ts.parse().unwrap(), text }
    });
    store.append(Upload::pack(user, &rows.collect::<Vec<_>>())).await.unwrap();
}

/// Runs what blocks where an async test may.
fn blocked<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

async fn find(store: &Store, user: UserId, query: Query) -> String {
    let found = store.find(user, query).await.unwrap();
    found.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn entries_come_back_in_order_of_time_and_a_resent_one_replaces_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let user = store.register("anna").await.unwrap();
    append(&store, user, r#"b@3={"n":3} a@1={"n":1} a@2={"n":0}"#).await;
    append(&store, user, r#"a@2={"n":2} a@2.5={"n":2.5}"#).await;
    assert_eq!(find(&store, user, everything()).await, r#"{"n":1} {"n":2} {"n":2.5} {"n":3}"#);
    // In the log a re-sent entry counts again.
    assert_eq!(store.stat().entries, 5);
    blocked(|| store.seal_all()).unwrap();
    assert_eq!(find(&store, user, everything()).await, r#"{"n":1} {"n":2} {"n":2.5} {"n":3}"#);
    assert_eq!(store.stat().entries, 4);
}

#[tokio::test]
async fn a_query_narrows_by_key_time_and_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let user = store.register("anna").await.unwrap();
    append(&store, user, r#"a@1={"d":{"ts":9}} a@2={"d":{"ts":8.5}} b@3={"d":{"ts":7}} a@4={"d":{}} a@5={"d":5}"#)
        .await;
    let keys = Some(vec!["a".to_owned()]);
    let by_write = Query { keys: keys.clone(), from: Some(2.0), to: Some(4.0), ..everything() };
    assert_eq!(find(&store, user, by_write).await, r#"{"d":{"ts":8.5}} {"d":{}}"#);
    let by_data =
        Query { keys, field: TimeField::Path(vec!["d".to_owned(), "ts".to_owned()]), to: Some(9.0), ..everything() };
    assert_eq!(find(&store, user, by_data).await, r#"{"d":{"ts":8.5}} {"d":{"ts":9}}"#);
    let first = Query { field: TimeField::Path(vec!["d".to_owned(), "ts".to_owned()]), entries_max: 1, ..everything() };
    assert_eq!(find(&store, user, first).await, r#"{"d":{"ts":7}}"#);
    let backwards = Query { from: Some(3.0), to: Some(2.0), ..everything() };
    assert_eq!(find(&store, user, backwards).await, "");
}

#[tokio::test]
async fn users_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = store.register("anna").await.unwrap();
    let ben = store.register("ben").await.unwrap();
    assert_ne!(anna, ben);
    append(&store, anna, r#"a@1={"n":1}"#).await;
    assert_eq!(find(&store, ben, everything()).await, "");
    assert_eq!(store.user("carla"), None);
}

#[tokio::test]
async fn everything_is_there_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let user = store.register("anna").await.unwrap();
    append(&store, user, r#"a@1={"n":1} b@1={"n":2}"#).await;
    append(&store, user, r#"a@1={"n":3}"#).await;
    let fields = serde_json::json!({"curr_platform": "ios", "n": 1.0});
    store.update_profile(user, fields.as_object().unwrap().clone()).await.unwrap();
    let before = find(&store, user, everything()).await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.user("anna"), Some(user));
    assert_eq!(store.register("anna").await.unwrap(), user);
    assert_eq!(find(&store, user, everything()).await, before);
    assert_eq!(serde_json::Value::Object(store.profile(user).await.unwrap()), fields);
    append(&store, user, r#"c@9={"n":4}"#).await;
    assert_eq!(find(&store, user, everything()).await, format!(r#"{before} {{"n":4}}"#));
}

#[tokio::test]
async fn uploads_that_wait_share_one_sync_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    // Syncs of the log wait until the other end is gone.
    let sync = move |path: &Path| {
        if path.extension().is_some_and(|extension| extension == "log") {
            held.lock().unwrap().recv().unwrap_err();
        }
        Ok(())
    };
    let options = Options { disk: Arc::new(Syncing::by(sync)), ..Options::new(dir.path(), StdRng::seed_from_u64(1)) };
    let store = Arc::new(Store::open(options).unwrap());
    let user = store.register("anna").await.unwrap();
    let callers = (0..200).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { append(&store, user, &format!(r#"k@{caller}={{"n":{caller}}}"#)).await })
    });
    let callers: Vec<_> = callers.collect();
    // On this one thread everybody gets in line before anybody is let go.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    drop(release);
    for caller in callers {
        caller.await.unwrap();
    }
    let stat = store.stat();
    assert_eq!((stat.entries, stat.uploads), (200, 200));
    assert!(stat.syncs <= 2, "{} syncs", stat.syncs);
}

#[tokio::test]
async fn a_failed_sync_is_not_acknowledged_and_nothing_more_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let fails = AtomicBool::new(false);
    // The first sync of the log is that of a fresh segment.
    let sync = move |path: &Path| {
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if is_log && fails.swap(true, Ordering::Relaxed) { Err(std::io::ErrorKind::Other.into()) } else { Ok(()) }
    };
    let options = Options { disk: Arc::new(Syncing::by(sync)), ..Options::new(dir.path(), StdRng::seed_from_u64(1)) };
    let store = Store::open(options).unwrap();
    let user = store.register("anna").await.unwrap();
    let upload = || Upload::pack(user, &[NewRow { kind: "t", key: "k", write_ts: 1.0, text: "{}" }]);
    assert!(!store.is_poisoned());
    assert!(matches!(store.append(upload()).await.unwrap_err(), Error::Io { .. }));
    assert!(store.is_poisoned());
    assert!(matches!(store.append(upload()).await.unwrap_err(), Error::Poisoned));
    assert_eq!(find(&store, user, everything()).await, "");
}

#[tokio::test]
async fn a_log_whose_users_are_lost_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let user = store.register("anna").await.unwrap();
    append(&store, user, r#"a@1={"n":1}"#).await;
    drop(store);
    std::fs::remove_file(dir.path().join("directory.redb")).unwrap();
    let error = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1))).unwrap_err();
    assert!(matches!(error, Error::DirectoryLost { strangers: 1, .. }), "{error}");
}

#[test]
fn a_folder_belongs_to_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let second = Store::open(Options::new(dir.path(), StdRng::seed_from_u64(1)));
    assert!(matches!(second.unwrap_err(), Error::InUse(_)));
}
