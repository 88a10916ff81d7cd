//! The page of a run, as a browser shows it: nothing is asked of a network, and whatever is seen can be read and reached.
//!
//! Without `chromium` and `chromedriver` on the path the tests say so and are skipped; CI has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rushhour_launch::rundir::{read_histograms, read_result};
use rushhour_report::histogram::Percentiles;
use rushhour_report::page::{HealthSample, RunPage, Stretch, StretchOperation, TargetSample};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::compare::pairs;
use crate::prometheus::{is_there, skip};
use crate::serving::rushhour;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results").join(name)
}

/// A browser, if there is one.
async fn browser() -> Option<Browser> {
    if is_there("chromium") && is_there("chromedriver") {
        return Some(Browser::start().await);
    }
    skip("there is no `chromium` or `chromedriver` on the path; Debian's package `chromium-driver` has both");
    None
}

/// Opens the page in `file`, and holds it to what every page is held to.
async fn check(browser: &Browser, file: &Path) {
    let url = format!("file://{}", file.display());
    browser.open(&url).await;
    let loaded = browser.run("return performance.getEntriesByType('resource').map((it) => it.name)").await;
    let is_inside = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("data:"));
    assert!(loaded.as_array().unwrap().iter().all(is_inside), "{loaded}");
    let faults = browser.run(
        "const faults = [], ids = new Set();
        for (const chart of document.querySelectorAll('.chart')) {
          const say = (what) => faults.push(`${chart.id}: ${what}`);
          if (ids.has(chart.id)) say('is there twice');
          ids.add(chart.id);
          const lines = [...chart.querySelectorAll('path.line')], rows = chart.querySelectorAll('tbody tr');
          if (!lines.length || lines.some((line) => line.getTotalLength() === 0 && !line.getAttribute('d').includes('h0'))) say('has an empty line');
          if (!rows.length) say('has no row');
          if (lines.length !== chart.querySelectorAll('thead th').length - 1) say('has lines that are not in its table');
          const columns = lines.map((line, at) => [...rows].map((row) => row.cells[at + 1].textContent).filter((cell) => cell !== '–'));
          lines.forEach((line, at) => {
            const points = [...line.getAttribute('d').matchAll(/[ML]([\\d.-]+) ([\\d.-]+)/g)].map((point) => Number(point[2]));
            if (points.length !== columns[at].length) say(`draws ${points.length} points of ${columns[at].length} values`);
            const values = columns[at].map(Number).map((value, point) => [value, points[point]]).sort((a, b) => a[0] - b[0]);
            const falls = ([value, y], next) => next && next[0] > value && next[1] > y + 0.11;
            if (values.every(([value]) => !isNaN(value)) && values.some((value, next) => falls(value, values[next + 1]))) say('draws more below less');
          });
          if (!(chart.querySelector('svg').getAttribute('aria-label') || '').includes(': ')) say('is told to nobody');
          if (chart.innerHTML.includes('NaN')) say('has something that is no number');
          const plot = chart.querySelector('.plot');
          plot.focus();
          if (document.activeElement !== plot) say('cannot be reached by keyboard');
          for (const key of ['End', 'ArrowLeft', 'Home']) plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
          if (!plot.getAttribute('aria-valuetext') || chart.querySelector('.tip').hidden) say('does not tell its values');
          plot.blur();
        }
        return faults",
    );
    assert_eq!(faults.await, json!([]), "{url}");
    browser.resize(390, 844).await;
    let drawn = "return new Promise((told) => requestAnimationFrame(() => told(document.documentElement.scrollWidth)))";
    assert_eq!(browser.run(drawn).await, 390, "{url}");
    browser.resize(1280, 900).await;
    // Last, so that it has heard of all that was done.
    assert_eq!(browser.console().await, json!([]), "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_run_asks_nobody_and_tells_everything() {
    let Some(browser) = browser().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("page.html");
    let runs = [
        "2026-11-22-vm-breakpoint-local",
        "2026-11-22-vm-study-10k-6m-study",
        "2026-11-22-vm-capacity-capacity-mix-m5-large",
        "2026-11-22-vm-cost-capacity-phones-local",
        "2026-11-21-vm-quickstart-local-4",
        "2026-11-21-vm-over-rate-local",
        "2026-11-21-vm-quickstart-local",
    ];
    for run in runs {
        let made = rushhour().args(["report", "page"]).arg(kept(run)).arg("--out").arg(&file).status().unwrap();
        assert!(made.success());
        check(&browser, &file).await;
    }
    let verdict = "return document.querySelector('.verdict').textContent";
    assert_eq!(browser.run(verdict).await, "pass");
    // In the dark it is dark.
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let grounds = [browser.schemed("light", ground).await, browser.schemed("dark", ground).await];
    assert_eq!(grounds, ["rgb(246, 246, 243)", "rgb(18, 21, 26)"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_off_and_what_was_compared_are_listed_as_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (results, site) = (dir.path().join("results"), dir.path().join("site"));
    let (cut, compared) = (results.join("cut"), results.join("compared"));
    std::fs::create_dir_all(&cut).unwrap();
    for file in ["environment.json", "scenario.toml", "target.csv", "intervals.ndjson", "intervals.hlog"] {
        std::fs::copy(kept("2026-11-21-vm-quickstart-local-4").join(file), cut.join(file)).unwrap();
    }
    pairs(&compared, 1.2);
    std::fs::write(compared.join("builds.toml"), "baseline = \"one\"\ncandidate = \"other\"\n").unwrap();
    let made = rushhour().args(["report", "index"]).arg(&results).arg("--out").arg(&site).status().unwrap();
    assert!(made.success());
    let Some(browser) = browser().await else { return };
    for (name, word) in [("cut", "cut off"), ("compared", "regression")] {
        check(&browser, &site.join(format!("{name}.html"))).await;
        assert_eq!(browser.run("return document.querySelector('.verdict').textContent").await, word);
    }
    check(&browser, &site.join("index.html")).await;
    let listed = "return [...document.querySelectorAll('tbody .chip')].map((chip) => chip.textContent).sort()";
    assert_eq!(browser.run(listed).await, json!(["cut off", "regression"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_histories_and_the_list_of_all_results_are_held_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (site, sweep, history) =
        (dir.path().join("site"), dir.path().join("sweep.html"), dir.path().join("history.html"));
    let runs = ["", "-2", "-3", "-4"].map(|n| kept(&format!("2026-11-21-vm-quickstart-local{n}")));
    let made = |arguments: &[&str], rest: &[&Path]| {
        let made = rushhour().arg("report").args(arguments).args(rest).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    };
    let folders: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
    made(&["index"], &[&kept(""), Path::new("--out"), &site]);
    made(&["page", "--out", sweep.to_str().unwrap()], &folders);
    let into = dir.path().join("history");
    let arguments = ["history", "--into", into.to_str().unwrap(), "--page", history.to_str().unwrap()];
    for _ in 0..2 {
        assert_eq!(made(&arguments, &folders), "vm-quickstart-local: 4 runs, 0 changes\n");
    }
    let csv = std::fs::read_to_string(into.join("vm-quickstart-local.csv")).unwrap();
    assert!(csv.starts_with("time,commit,run,cpu_ms_per_request,") && csv.lines().count() == 5, "{csv}");
    let Some(browser) = browser().await else { return };
    for page in [&sweep, &history, &site.join("index.html")] {
        check(&browser, page).await;
    }
    let shown = browser.run(
        "const chosen = document.querySelector('[name=verdict]');
        chosen.value = 'saturated';
        chosen.dispatchEvent(new Event('input', { bubbles: true }));
        return [...document.querySelectorAll('tbody tr:not([hidden]) a')].map((link) => link.getAttribute('href'))",
    );
    let shown = shown.await;
    assert!(shown.as_array().unwrap().contains(&json!("2026-11-21-vm-over-rate-local.html")), "{shown}");
    assert!(shown.as_array().unwrap().iter().all(|page| site.join(page.as_str().unwrap()).is_file()), "{shown}");
    assert!(!shown.to_string().contains("quickstart"), "{shown}");
}

/// A day of four operations, as a run of 24 hours leaves it.
fn day() -> RunPage {
    let told = |ms: f64| {
        let of = |factor: f64| Some(ms * factor);
        Percentiles { count: 30_000, p50: of(1.0), p90: of(2.1), p99: of(5.3), p99_9: of(11.7), max: of(40.1) }
    };
    let stretch = |number: u32| {
        let swing = (f64::from(number) / 40.0).sin();
        let operation = |name: &str| {
            let response_ms = told((2.0 + swing) * name.len() as f64);
            let of = StretchOperation {
                offered: 30_000,
                sent: 30_000,
                completed: 29_990,
                failed: 10,
                errors: BTreeMap::from([("status_503".to_owned(), 7), ("timeout".to_owned(), 3)]),
                response_ms,
                ..StretchOperation::default()
            };
            (name.to_owned(), of)
        };
        let operations: BTreeMap<_, _> = ["find", "get", "put", "timeline"].map(operation).into();
        Stretch { start_s: f64::from(number) * 300.0, length_s: 300.0, operations, lateness_ms: told(0.1) }
    };
    let target = |s: u32| TargetSample {
        at_s: s.into(),
        cpu_s: f64::from(s) * 0.4,
        memory_bytes: 2e8 + f64::from(s) * 1e3,
        disk_bytes: f64::from(s) * 2e4,
        written_bytes: f64::from(s) * 3e4,
    };
    let health = |s: u32| HealthSample { at_s: s.into(), pressure_ratio: Some(0.1), ..HealthSample::default() };
    let quickstart = kept("2026-11-21-vm-quickstart-local-4");
    let mut result = read_result(&quickstart).unwrap();
    (result.measured_s, result.phases.measure_s, result.phases.warm_up_s) = (86_400.0, 86_400.0, 0.0);
    RunPage {
        name: "day".into(),
        result: Some(result),
        histograms: Some(read_histograms(&quickstart).unwrap()),
        stretches: (0..288).map(stretch).collect(),
        target: vec![(0..86_400).map(target).collect()],
        health: (0..86_400).map(health).collect(),
        ..RunPage::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_day_is_drawn_at_once() {
    let html = day().html();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    let Some(browser) = browser().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.html");
    std::fs::write(&file, html).unwrap();
    check(&browser, &file).await;
    let drawn_ms =
        browser.run("const it = performance.getEntriesByType('navigation')[0]; return it.loadEventEnd").await;
    assert!(drawn_ms.as_f64().unwrap() < 2_000.0, "{drawn_ms} ms");
}
