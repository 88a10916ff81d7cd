//! What the maintenance does by itself while the server runs.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_server::{App, Limits, Maintenance};
use rushhour_store::{Error, NewRow, Options, Policy, Store, Upload};

/// Nobody is due for any other reason than that too much waits, and the one thread that gives way to others leaves that to
/// the one that does not.
#[test]
fn a_store_that_takes_no_more_is_sealed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let policy = Policy { log_bytes_max: 10_000, ..Policy::default() };
    let store = Store::open(Options { policy, ..Options::new(dir.path(), StdRng::seed_from_u64(1)) }).unwrap();
    let anna = runtime.block_on(store.register("anna")).unwrap();
    let upload = |number: u32| {
        let write_ts = 1.7e9 + f64::from(number);
        let text = format!(r#"{{"metadata":{{"key":"k","type":"t","write_ts":{write_ts}}},"data":{{}}}}"#);
        Upload::pack(anna, &[NewRow { kind: "t", key: "k", write_ts, text: &text }])
    };
    let taken = (0..10_000).take_while(|number| runtime.block_on(store.append(upload(*number))).is_ok()).count();
    assert!((10..1_000).contains(&taken), "{taken} uploads were taken");
    assert!(matches!(runtime.block_on(store.append(upload(0))), Err(Error::Unsealed)));
    let app = Arc::new(App::new(store, Limits::default()));
    let maintenance = Maintenance::start(&app, Duration::from_millis(1)).unwrap();
    while app.store().is_pressed() {
        std::thread::yield_now();
    }
    maintenance.stop();
    assert_eq!(app.store().stat().entries, taken as u64);
    runtime.block_on(app.store().append(upload(20_000))).unwrap();
}
