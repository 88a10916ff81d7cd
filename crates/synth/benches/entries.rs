//! How many rows of `background/location` a second become text, packed or not. Each comes with its filtered copy and a
//! motion activity, as on an Android phone; the rows count once.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use rand::RngExt;
use rushhour_synth::draws::{Subject, draws};
use rushhour_synth::entries::Writer;
use rushhour_synth::phone::Platform;
use rushhour_synth::plane::Locale;
use rushhour_synth::sensed::{Activity, Fix, Motion, Recording};
use rushhour_synth::truth::SECOND_US;
use rushhour_synth::upload::{Call, Request};

fn main() {
    divan::main();
}

/// About a month of an Android phone.
const FIXES: usize = 5_000;

fn calls() -> Vec<Call> {
    let mut rng = draws(1, 0, 0, Subject::Sensing);
    let mut at_us = 1_775_000_000 * SECOND_US;
    let mut recording = Recording::default();
    for _ in 0..FIXES {
        at_us += 30 * SECOND_US + rng.random_range(0..500) * 1_000;
        let write_us = at_us + rng.random_range(80..900) * 1_000;
        let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
        recording.fixes.push(Fix {
            ts_us: at_us,
            write_us,
            filtered_write_us: Some(write_us + 6_000),
            latitude: round(39.74 + rng.random_range(-0.1..0.1)),
            longitude: round(-104.99 + rng.random_range(-0.1..0.1)),
            altitude_m: rng.random_range(1_600.0..1_700.0),
            accuracy_m: (rng.random_range(3.8_f32..60.0) * 1_000.0).round() / 1_000.0,
            vaccuracy_m: 3.0,
            speed_m_s: rng.random_range(0.0..30.0),
            bearing_deg: rng.random_range(0.0..360.0),
            elapsed_ns: at_us * 1_000,
            locale: 0,
        });
        recording.motions.push(Motion {
            ts_us: write_us + 2_000,
            write_us: write_us + 2_000,
            activity: Activity::InVehicle,
            confidence: rng.random_range(40..100),
            locale: 0,
        });
    }
    let locale_calls = recording.fixes.chunks(40).zip(recording.motions.chunks(40)).map(|(fixes, motions)| {
        let recording = Recording { fixes: fixes.to_vec(), motions: motions.to_vec(), ..Recording::default() };
        Call { at_us: 0, request: Request::Put { recording, is_answered: true } }
    });
    locale_calls.collect()
}

fn writer(platform: Platform) -> Writer {
    let zone = jiff::tz::TimeZone::get("America/Denver").expect("the database is bundled");
    Writer::new(platform, &[Locale::new(39.74, -104.99, "America/Denver", zone)])
}

fn write(writer: &mut Writer, calls: &[Call], out: &mut Vec<u8>) {
    out.clear();
    for call in calls {
        writer.push_call("synth-0000007", call, out);
    }
}

#[divan::bench(args = [Platform::Android, Platform::Ios])]
fn phone_form(bencher: Bencher<'_, '_>, platform: Platform) {
    let (calls, mut writer, mut out) = (calls(), writer(platform), Vec::new());
    bencher.counter(ItemsCount::new(FIXES)).bench_local(|| {
        write(&mut writer, black_box(&calls), &mut out);
        out.len()
    });
}

#[divan::bench(args = [Platform::Android, Platform::Ios])]
fn phone_form_zstd_1(bencher: Bencher<'_, '_>, platform: Platform) {
    let (calls, mut writer, mut out) = (calls(), writer(platform), Vec::new());
    bencher.counter(ItemsCount::new(FIXES)).bench_local(|| {
        write(&mut writer, black_box(&calls), &mut out);
        zstd::bulk::compress(&out, 1).expect("there is memory")
    });
}
