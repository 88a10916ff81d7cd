//! Phones against a server of this test, on a port that nobody chose: what a closed loop sees of a slow one, and what people
//! would have felt.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::civil::Date;
use rushhour_journeys::{Finished, Journeys, JourneysError, run, table};
use rushhour_load::observer::{Observer, Stage};
use rushhour_load::plan::Materials;
use rushhour_load::population::Population;
use rushhour_load::scenario::Scenario;
use rushhour_load::stop::stop;
use rushhour_load::tls::Trust;
use rushhour_load::transport::http1::Http1;
use rushhour_synth::parameters::Parameters;
use rushhour_synth::region::{Region, RegionFile, RegionParameters};
use rushhour_synth::world::{Study, World};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// How long the server takes for each answer: far longer than the time between an upload and the `get` behind it.
const SLOW: Duration = Duration::from_millis(300);
/// A day of theirs in eight seconds, so that a sync is over in a thousandth of one.
const SCENARIO: &str = "phases = { warm_up_s = 0, measure_s = 8 }\n[population]\npeople = 3\ndays = 0\n\
    live = { speed = 10800, diaries_share = 1 }";

/// How many there are in it.
const PEOPLE: u64 = 3;

/// Hears nothing.
struct Deaf;

impl Observer for Deaf {
    fn steps(&self, _: Stage, _: u64) {}
    fn lasts(&self, _: Stage, _: Duration) {}
    fn step(&self) {}
    fn finish(&self) {}
}

/// A server that takes its time, and counts what it was asked.
async fn slow_server(calls: Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let calls = Arc::clone(&calls);
            let answer = service_fn(move |request: Request<Incoming>| {
                let calls = Arc::clone(&calls);
                async move {
                    let is_call = !["/", "/profile/create"].contains(&request.uri().path());
                    let _ = request.into_body().collect().await;
                    if is_call {
                        calls.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(SLOW).await;
                    }
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

/// Three people of a small town.
fn population() -> Population {
    let mut town = RegionFile::from(RegionParameters::default());
    town.radius_m = 4_000.0;
    let region = Region::synthetic(&town.try_into().unwrap(), 1);
    let study = Study { seed: 1, first_day: Date::constant(2026, 1, 5), days: u32::MAX };
    let world = Arc::new(World { region, parameters: Parameters::default(), study });
    Population::synthetic(world, NonZeroU32::new(3).unwrap(), 0)
}

async fn journeys(url: &str, scenario: &str) -> Result<Finished, JourneysError> {
    let scenario = Scenario::parse(scenario).unwrap();
    let materials = Materials { population: population(), feeders: Vec::new() };
    let target = Http1::new(url.parse().unwrap(), &Trust::default()).unwrap();
    let journeys = Journeys { scenario, materials, target, dashboard: None };
    LocalSet::new().run_until(run(journeys, Rc::new(Deaf), stop().1)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_loop_does_not_see_how_long_people_wait() {
    let calls = Arc::new(AtomicU64::new(0));
    let url = slow_server(Arc::clone(&calls)).await;
    let finished = journeys(&url, SCENARIO).await.unwrap();
    let completed: u64 = finished.journeys.iter().map(|journey| journey.completed).sum();
    let failed: u64 = finished.journeys.iter().map(|journey| journey.failed).sum();
    // Each person may have asked something when the time was over, of which nobody waits for the answer.
    let asked = calls.load(Ordering::Relaxed);
    assert!(
        failed == 0 && completed <= asked && asked <= completed + PEOPLE,
        "{completed} of {asked}, {failed} failed"
    );
    let names: Vec<_> = finished.journeys.iter().map(|journey| journey.name.as_str()).collect();
    assert_eq!(names, ["find", "get", "put", "range", "timeline"]);
    for journey in &finished.journeys {
        // goose's buckets are known by their fastest time.
        let (closed, from_wake) = (journey.closed_loop_ms, journey.from_wake_ms);
        assert_eq!((closed.count, from_wake.count), (journey.completed, journey.completed), "{journey:?}");
        assert!(closed.max.unwrap() >= 0.95 * SLOW.as_secs_f64() * 1e3, "{journey:?}");
        assert!(from_wake.max.unwrap() >= 0.99 * closed.max.unwrap(), "{journey:?}");
    }
    // A `get` follows its upload at once, so it has waited for two answers; a closed loop sees one of them.
    let get = finished.journeys.iter().find(|journey| journey.name == "get").unwrap();
    assert!(get.from_wake_ms.max.unwrap() >= 1.95 * SLOW.as_secs_f64() * 1e3, "{get:?}");
    let told = table(&finished.journeys).text();
    assert!(told.contains("closed loop") && told.contains("from intended wake"), "{told}");
}

#[tokio::test]
async fn journeys_need_people_who_live() {
    let error = journeys("http://127.0.0.1:1", "[arrivals.get]\nrate_per_s = 1").await.unwrap_err();
    assert!(error.to_string().contains("live"), "{error}");
}
