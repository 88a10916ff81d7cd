//! A full disk refuses uploads with 507, keeps answering, and takes uploads again once there is room.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, router};
use rushhour_store::{Disk, DiskFile, LocalDisk, Options, Store};
use serde_json::{Value, json};

/// This machine's file system, without any room while the flag is up.
#[derive(Debug)]
struct Filling(Arc<AtomicBool>);

#[derive(Debug)]
struct File {
    file: Arc<dyn DiskFile>,
    is_full: Arc<AtomicBool>,
}

fn room(is_full: &AtomicBool) -> io::Result<()> {
    if is_full.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

impl Filling {
    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(File { file, is_full: Arc::clone(&self.0) })
    }
}

impl Disk for Filling {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        LocalDisk.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        LocalDisk.list(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        room(&self.0)?;
        LocalDisk.create(path).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        LocalDisk.open(path).map(|file| self.wrap(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(dir)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        room(&self.0).map_or(Ok(0), |()| LocalDisk.free_bytes(dir))
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn taken_bytes(&self) -> io::Result<u64> {
        self.file.taken_bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset + bytes.len() as u64 > self.file.len()? {
            room(&self.is_full)?;
        }
        self.file.write_at(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        if bytes > self.file.len()? {
            room(&self.is_full)?;
        }
        self.file.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        room(&self.is_full)?;
        self.file.allocate(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}

struct Server(Router);

impl Server {
    async fn post(&self, path: &str, body: Value) -> (u16, String) {
        let request = Request::builder().method("POST").uri(path).body(Body::from(body.to_string())).unwrap();
        let response = tower::ServiceExt::oneshot(self.0.clone(), request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Uploads an entry of 200 bytes.
    async fn put(&self, number: u32) -> u16 {
        let metadata = json!({"key": "background/battery", "type": "sensor-data", "write_ts": number});
        let entry = json!({"metadata": metadata, "data": {"ts": number, "note": "x".repeat(200)}});
        self.post("/usercache/put", json!({"user": "anna", "phone_to_server": [entry]})).await.0
    }

    async fn numbers(&self) -> Vec<u64> {
        let question = json!({"user": "anna", "key_list": null, "start_time": null, "end_time": null});
        let (status, text) = self.post("/datastreams/find_entries/timestamp", question).await;
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let found = answer.pointer("/phone_data").unwrap().as_array().unwrap();
        found.iter().map(|entry| entry.pointer("/metadata/write_ts").unwrap().as_u64().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_uploads_with_507_and_answers_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Filling(Arc::clone(&is_full)));
    let options = Options { segment_bytes: 4096, disk, ..Options::new(dir.path(), StdRng::seed_from_u64(1)) };
    let server = Server(router(Arc::new(App::new(Store::open(options).unwrap(), Limits::default()))));
    assert_eq!(server.post("/profile/create", json!({"user": "anna"})).await.0, 200);
    assert_eq!(server.put(0).await, 200);
    is_full.store(true, Ordering::Relaxed);
    let mut kept = 1;
    // What is left of the room that was reserved is still used.
    while server.put(kept).await == 200 {
        kept += 1;
        assert!(kept < 100, "4 KiB have no room for so many");
    }
    for _ in 0..3 {
        assert_eq!(server.put(kept).await, 507);
        assert_eq!(server.numbers().await, (0..u64::from(kept)).collect::<Vec<_>>());
        assert_eq!(server.post("/timeline/getTrips/2026-01-05", json!({"user": "anna"})).await.0, 200);
    }
    assert_eq!(server.post("/profile/create", json!({"user": "ben"})).await.0, 507);
    is_full.store(false, Ordering::Relaxed);
    assert_eq!(server.put(kept).await, 200, "without being told that there is room");
    assert_eq!(server.numbers().await.len(), 1 + kept as usize);
    assert_eq!(server.post("/profile/create", json!({"user": "ben"})).await.0, 200);
}
