//! The charts of a population: which statistic is drawn in which way.

use rushhour_dataset::statistics::Mobility;
use rushhour_dataset::statistics::daily::Daily;
use rushhour_dataset::statistics::departures::{self, DAY_TYPES};
use rushhour_dataset::statistics::exploration::{Exploration, RANKS};
use rushhour_dataset::statistics::histogram::Histogram;
use rushhour_dataset::statistics::motifs::{Motif, Motifs};
use rushhour_dataset::statistics::row::{Row, Target};
use rushhour_dataset::statistics::sensing::{Measure, Measures};
use rushhour_dataset::statistics::shares::{Kind, Shares};
use rushhour_dataset::statistics::{lengths, stays};
use rushhour_synth::sensed::Activity;
use rushhour_synth::week::DayType;

use crate::chart::{Axis, Plot, bars, put};
use crate::synth_page::{Card, chip};

/// The charts of how people get about.
pub(crate) fn mobility(mobility: &Mobility, rows: &[Row]) -> Vec<Card> {
    let of = |number: u8| -> Vec<&Row> { rows.iter().filter(|row| row.number == number).collect() };
    let mut cards =
        vec![lengths_card(&mobility.lengths.histogram, &of(2)), stays_card(&mobility.stays.histogram, &of(5))];
    cards.push(trips_card(&mobility.daily, &of(1)));
    for (day_type, row) in DAY_TYPES.into_iter().zip(of(4)) {
        cards.extend(departures_card(day_type, mobility.departures.shares(day_type), row));
    }
    cards.push(modes_card(&mobility.shares, &of(3)));
    cards.push(purposes_card(&mobility.shares, &of(3)));
    cards.push(places_card(&mobility.daily, &of(7)));
    cards.push(growth_card(&mobility.exploration, &of(6)));
    cards.push(visits_card(&mobility.exploration, &of(6)));
    cards.push(predictability_card(&of(8)));
    cards.push(motifs_card(&mobility.motifs, &of(7)));
    cards
}

fn named(rows: &[&Row], part: &str, name: &str) -> Vec<String> {
    rows.iter().filter(|row| row.statistic.contains(part)).map(|row| chip(name, row)).collect()
}

fn card(title: &'static str, told: &'static str, chart: String, chips: Vec<String>) -> Card {
    Card { title, told, chart, chips, is_wide: false }
}

/// The share of values below each edge.
fn cumulated(histogram: &Histogram) -> impl Iterator<Item = (f64, f64)> {
    let mut below = 0.0;
    histogram.bins().map(move |(_, end, share)| {
        below += share;
        (end, below)
    })
}

/// Values between two others in equal ratios.
fn ratios(from: f64, to: f64) -> impl Iterator<Item = f64> {
    const STEPS: u32 = 120;
    (0..=STEPS).map(move |step| from * (to / from).powf(f64::from(step) / f64::from(STEPS)))
}

fn lengths_card(histogram: &Histogram, rows: &[&Row]) -> Card {
    let (from, to) = (100.0, 100_000.0);
    let ticks = [(100.0, "100 m"), (1e3, "1 km"), (1e4, "10 km"), (1e5, "100 km")];
    let mut plot = Plot::new(Axis::logarithmic(from, to, &ticks, "along the way"), Axis::percent(1.0, "shorter"));
    plot.line("reference", ratios(from, to).map(|metres| (metres, lengths::REFERENCE.below(metres))));
    plot.line("made", cumulated(histogram).filter(|(metres, _)| (from..=to).contains(metres)));
    card("Trip length", "How long trips are, flights left out.", plot.svg("trips by length"), named(rows, "", ""))
}

fn stays_card(histogram: &Histogram, rows: &[&Row]) -> Card {
    let (from, to) = (1.0 / 12.0, 24.0);
    let ticks = [(1.0 / 12.0, "5 min"), (0.25, "15"), (1.0, "1 h"), (4.0, "4 h"), (14.0, "14 h")];
    let mut plot = Plot::new(Axis::logarithmic(from, to, &ticks, "time at a place"), Axis::percent(1.0, "shorter"));
    plot.line("reference", ratios(from, to).map(|hours| (hours, stays::reference(hours))));
    plot.line("made", cumulated(histogram).filter(|(hours, _)| (from..=to).contains(hours)));
    let told = "How long people stay where they chose to go: not at home, work, school or a hotel.";
    card("Stays", told, plot.svg("stays by length"), named(rows, "", ""))
}

fn counts(counts: &[u64], from: u32, title: &'static str) -> Plot {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let last = f64::from(from) + counts.len() as f64;
    let ticks: Vec<(f64, String)> =
        (from..).take(counts.len()).map(|number| (f64::from(number) + 0.5, number.to_string())).collect();
    let x = Axis { ticks, ..Axis::linear(f64::from(from), last, &[], title) };
    let highest = counts.iter().copied().max().unwrap_or(0) as f64 / total;
    let mut plot = Plot::new(x, Axis::percent(highest, "of days"));
    plot.columns(
        "made",
        (from..).zip(counts).map(|(number, &count)| {
            let (left, share) = (f64::from(number) + 0.1, count as f64 / total);
            (left, left + 0.8, share, format!("{number}: {:.1} %", 100.0 * share))
        }),
    );
    plot
}

fn trips_card(daily: &Daily, rows: &[&Row]) -> Card {
    let plot = counts(&daily.by_trips, 0, "trips in a day");
    let mut chips = named(rows, "trips per active day", "mean of active days");
    chips.extend(named(rows, "without", "days without"));
    card("Trips in a day", "A day begins at four in the morning.", plot.svg("days by number of trips"), chips)
}

fn places_card(daily: &Daily, rows: &[&Row]) -> Card {
    let from_two = daily.by_places.get(2..9).unwrap_or_default();
    let plot = counts(from_two, 2, "places in a day");
    let chips = named(rows, "places per active day", "mean");
    card("Places in a day", "Different places on days with a trip.", plot.svg("days by number of places"), chips)
}

fn departures_card(day_type: DayType, shares: Option<[f64; 24]>, row: &Row) -> Option<Card> {
    let (shares, reference) = (shares?, departures::reference(day_type));
    let highest = shares.into_iter().chain(reference).fold(0.0, f64::max);
    let ticks = [(0.0, "0"), (4.0, "4"), (8.0, "8"), (12.0, "12"), (16.0, "16"), (20.0, "20"), (24.0, "24")];
    let mut plot = Plot::new(Axis::linear(0.0, 24.0, &ticks, "hour of departure"), Axis::percent(highest, "of trips"));
    plot.columns(
        "made",
        (0_u32..).zip(shares).map(|(hour, share)| {
            let from = f64::from(hour);
            (from, from + 1.0, share, format!("{hour}:00 to {}:00: {:.1} %", hour + 1, 100.0 * share))
        }),
    );
    let steps = (0_u32..).zip(reference).flat_map(|(hour, share)| [hour, hour + 1].map(|at| (f64::from(at), share)));
    plot.line("reference", steps);
    let (title, told) = match day_type {
        DayType::Weekday => ("Departures on weekdays", "To work, home again, and the rest between."),
        DayType::Saturday => ("Departures on Saturdays", "One broad hill."),
        DayType::Sunday => ("Departures on Sundays", "Later than on Saturdays, and home earlier."),
    };
    Some(card(title, told, plot.svg("departures by hour"), vec![chip("", row)]))
}

/// The share that a row asks for.
fn wanted(rows: &[&Row], statistic: &str) -> f64 {
    let row = rows.iter().find(|row| row.statistic == statistic);
    match row.map(|row| &row.target) {
        Some(Target::Near { reference, .. }) => *reference,
        _ => 0.0,
    }
}

fn worst(rows: &[&Row], start: &str) -> Vec<String> {
    let of_kind = rows.iter().filter(|row| row.statistic.starts_with(start));
    let failed: Vec<&&Row> = of_kind.clone().filter(|row| row.verdict().name() == "FAIL").collect();
    let names = |row: &Row| row.statistic.trim_start_matches(start).trim().to_owned();
    if failed.is_empty() && of_kind.clone().any(|row| !row.values.is_empty()) {
        return vec![r#"<span class="chip pass">all within ±2 points ✓</span>"#.to_owned()];
    }
    failed.into_iter().map(|row| chip(&names(row), row)).collect()
}

fn modes_card(shares: &Shares, rows: &[&Row]) -> Card {
    let row = |(mode, share): (rushhour_synth::truth::Mode, Option<f64>)| {
        let wanted = wanted(rows, &format!("mode {}", mode.name()));
        let is = share.unwrap_or(0.0);
        (is + wanted > 0.0).then(|| (mode.name().to_owned(), mode.name(), is, wanted))
    };
    let mut all: Vec<_> = shares.modes().filter_map(row).collect();
    all.sort_by(|a, b| b.3.total_cmp(&a.3));
    card(
        "Modes",
        "Of trips, by the mode of the longest part; flights left out.",
        bars(&all, "trips by mode"),
        worst(rows, "mode"),
    )
}

fn purposes_card(shares: &Shares, rows: &[&Row]) -> Card {
    let all: Vec<_> = shares
        .kinds()
        .map(|(kind, share)| (ends(kind).to_owned(), "", share.unwrap_or(0.0), kind.reference()))
        .collect();
    let told = "Of trips, by what is at the end that is not home.";
    card("Purposes", told, bars(&all, "trips by purpose"), worst(rows, "purpose"))
}

fn ends(kind: Kind) -> &'static str {
    match kind {
        Kind::HomeWork => "home and work",
        Kind::HomeShop => "home and shops",
        Kind::HomeSocial => "home and people",
        Kind::HomeOther => "home and other",
        Kind::NotHome => "neither is home",
    }
}

fn predictability_card(rows: &[&Row]) -> Card {
    let share = |part: &str| -> f64 {
        let row = rows.iter().find(|row| row.statistic.contains(part));
        row.and_then(|row| row.values.first()).copied().unwrap_or(0.0)
    };
    // Song 2010 and Ikanovic 2017: mobility.md 2a.
    let all = [
        ("place of the hour".to_owned(), "", share("hour's place"), 0.93),
        ("next place".to_owned(), "", share("next place"), 0.71),
    ];
    let mut chips = named(rows, "hour's place", "hour");
    chips.extend(named(rows, "next place", "next"));
    card("Predictability", "How often a perfect guess could be right.", bars(&all, "predictability"), chips)
}

fn growth_card(exploration: &Exploration, rows: &[&Row]) -> Card {
    let growth = exploration.growth();
    let days = (growth.len() as f64).max(2.0);
    let (first, most) = (growth.first().copied().unwrap_or(1.0), growth.last().copied().unwrap_or(2.0));
    let ticks = [(1.0, "1 day"), (7.0, "1 week"), (28.0, "4 weeks"), (56.0, "8"), (140.0, "20"), (364.0, "52")];
    let ticks: Vec<(f64, &str)> = ticks.into_iter().filter(|&(day, _)| day <= days).collect();
    let marks = [(1.0, "1"), (2.0, "2"), (5.0, "5"), (10.0, "10"), (20.0, "20"), (50.0, "50"), (100.0, "100")];
    let highest = (most * 1.3).max(first * days.powf(0.75));
    let lowest = (first * 0.8).max(1.0);
    let marks: Vec<(f64, &str)> = marks.into_iter().filter(|(places, _)| (lowest..=highest).contains(places)).collect();
    let y = Axis::logarithmic(lowest, highest, &marks, "places known");
    let mut plot = Plot::new(Axis::logarithmic(1.0, days, &ticks, "time"), y);
    for mu in [0.55, 0.75] {
        plot.line("reference", [1.0, days].map(|day| (day, first * day.powf(mu))));
    }
    plot.line("made", (1_u32..).zip(growth).map(|(day, places)| (f64::from(day), places)));
    let told = "A power law of time. Dashed: exponents of 0.55 and 0.75.";
    card("Growth of places", told, plot.svg("places known over time"), named(rows, "growth", "exponent"))
}

fn visits_card(exploration: &Exploration, rows: &[&Row]) -> Card {
    let frequencies = exploration.frequencies();
    let first = frequencies.first().copied().unwrap_or(0.5);
    let ranks = [(1.0, "1"), (2.0, "2"), (5.0, "5"), (10.0, "10"), (20.0, "20")];
    let marks = [(0.003, "0.3 %"), (0.01, "1 %"), (0.03, "3 %"), (0.1, "10 %"), (0.3, "30 %")];
    let y = Axis::logarithmic(0.002, 0.7, &marks, "of visits");
    let mut plot = Plot::new(Axis::logarithmic(1.0, RANKS as f64, &ranks, "rank of the place"), y);
    for zeta in [1.0, 1.6] {
        plot.line("reference", [1.0, RANKS as f64].map(|rank| (rank, first * rank.powf(-zeta))));
    }
    let points = (1_u32..).zip(frequencies).map(|(rank, share)| (f64::from(rank), share));
    plot.line("made", points.clone());
    plot.dots("made", points);
    let mut chips = named(rows, "by rank", "exponent");
    chips.extend(named(rows, "familiar", "familiar places"));
    card(
        "Visits by rank",
        "A few places have most visits. Dashed: exponents of 1.0 and 1.6.",
        plot.svg("visits by rank"),
        chips,
    )
}

fn motifs_card(motifs: &Motifs, rows: &[&Row]) -> Card {
    let figures: String = motifs
        .frequent()
        .iter()
        .map(|(motif, share)| {
            format!("<figure>{}<figcaption>{:.1} %</figcaption></figure>", glyph(*motif), 100.0 * share)
        })
        .collect();
    let told = "The places of a day and the trips between them, whichever places these are: the most frequent shapes.";
    let chart = format!(r#"<div class="motifs">{figures}</div>"#);
    Card { title: "Shapes of days", told, chart, chips: named(rows, "motifs", "share of days"), is_wide: true }
}

/// Places on a circle, with arrows for trips in one direction and lines for both.
fn glyph(motif: Motif) -> String {
    const RADIUS: f64 = 23.0;
    const DOT: f64 = 4.4;
    let places = u32::from(motif.places);
    let at = |place: u32| {
        let angle =
            std::f64::consts::TAU * (f64::from(place) / f64::from(places) - if places == 2 { 0.5 } else { 0.25 });
        (33.0 + RADIUS * angle.cos(), 33.0 + RADIUS * angle.sin())
    };
    let goes = |from: u32, to: u32| motif.trips & (1 << (8 * from + to)) != 0;
    let mut svg = String::from(r#"<svg viewBox="0 0 66 66">"#);
    let pairs = (0..places).flat_map(|from| (0..places).map(move |to| (from, to)));
    for (from, to) in pairs.filter(|&(from, to)| from != to && goes(from, to)) {
        let ((x1, y1), (x2, y2)) = (at(from), at(to));
        if !goes(to, from) || from < to {
            put(&mut svg, format_args!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
        }
        if !goes(to, from) {
            let long = (x2 - x1).hypot(y2 - y1);
            let (dx, dy) = ((x2 - x1) / long, (y2 - y1) / long);
            let (tip_x, tip_y) = (x2 - dx * (DOT + 1.5), y2 - dy * (DOT + 1.5));
            let (back_x, back_y) = (tip_x - dx * 8.0, tip_y - dy * 8.0);
            put(
                &mut svg,
                format_args!(
                    r#"<path d="M{tip_x:.1} {tip_y:.1}L{:.1} {:.1}L{:.1} {:.1}Z"/>"#,
                    back_x - dy * 3.6,
                    back_y + dx * 3.6,
                    back_x + dy * 3.6,
                    back_y - dx * 3.6
                ),
            );
        }
    }
    for (x, y) in (0..places).map(at) {
        put(&mut svg, format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{DOT}"/>"#));
    }
    svg + "</svg>"
}

/// A measure of a kind of phone, with the quartiles of real ones.
pub(crate) fn sensed(measure: Measure, histogram: &Histogram, rows: Vec<&Row>) -> Card {
    let (title, told) = match measure {
        Measure::Gap => ("Between fixes", "Seconds from one fix to the next while moving."),
        Measure::Accuracy => ("Accuracy", "What the phone says that its error is, of fixes that passed its filter."),
        Measure::Speed => ("Speed in vehicles", "What the phone says that its speed is."),
        Measure::Cadence => ("Between activities", "Seconds from one word of the activity recogniser to the next."),
        Measure::Confidence => ("Confidence in vehicles", "How sure the activity recogniser is."),
    };
    let (x, several) = axis(measure);
    let (from, to) = (x.from, x.to);
    let columns: Vec<(f64, f64, f64)> =
        grouped(histogram, several).into_iter().filter(|&(start, end, _)| start < to && end > from).collect();
    let highest = columns.iter().map(|(_, _, share)| *share).fold(0.01, f64::max);
    let mut plot = Plot::new(x, Axis::percent(highest, "of all"));
    plot.columns(
        "made",
        columns.into_iter().map(|(start, end, share)| {
            (start.max(from), end.min(to), share, format!("{start:.3} to {end:.3}: {:.1} %", 100.0 * share))
        }),
    );
    for row in &rows {
        if let Target::Around { references, .. } = &row.target {
            plot.rules("rule", references.iter().copied());
        }
    }
    let quartiles = |row: &Row| row.statistic.rsplit(' ').next().unwrap_or_default().to_owned();
    let chips = rows.iter().map(|row| chip(&quartiles(row), row)).collect();
    card(title, told, plot.svg(title), chips)
}

/// What of a measure is drawn, and how many of its bins make a column.
fn axis(measure: Measure) -> (Axis, usize) {
    let seconds = [(1.0, "1 s"), (3.0, "3"), (10.0, "10"), (30.0, "30"), (100.0, "100 s")];
    let long = [(1.0, "1 s"), (10.0, "10"), (100.0, "100"), (1_000.0, "1,000 s")];
    let metres = [(2.0, "2 m"), (5.0, "5"), (10.0, "10"), (30.0, "30"), (100.0, "100 m")];
    let speeds = [(0.0, "0"), (10.0, "10"), (20.0, "20"), (30.0, "30"), (40.0, "40 m/s")];
    let percent = [(0.0, "0"), (25.0, "25"), (50.0, "50"), (75.0, "75"), (100.0, "100")];
    match measure {
        Measure::Gap => (Axis::logarithmic(1.0, 300.0, &seconds, "seconds"), 16),
        Measure::Accuracy => (Axis::logarithmic(2.0, 200.0, &metres, "metres"), 12),
        Measure::Speed => (Axis::linear(0.0, 40.0, &speeds, "metres per second"), 4),
        Measure::Cadence => (Axis::logarithmic(1.0, 1_000.0, &long, "seconds"), 16),
        Measure::Confidence => (Axis::linear(0.0, 101.0, &percent, "percent"), 2),
    }
}

/// What a kind of phone's activity recogniser says.
pub(crate) fn activities(profile: &str, measures: &Measures) -> Card {
    let rows: Vec<_> = measures
        .activities(profile)
        .into_iter()
        .filter(|(_, is, real)| is.max(*real) > 0.002)
        .map(|(activity, is, real)| (word(activity).to_owned(), "", is, real))
        .collect();
    card("Activities", "What the activity recogniser says.", bars(&rows, "activities"), Vec::new())
}

fn word(activity: Activity) -> &'static str {
    match activity {
        Activity::InVehicle => "in a vehicle",
        Activity::Bicycling => "bicycling",
        Activity::OnFoot => "on foot",
        Activity::Still => "still",
        Activity::Unknown => "unknown",
        Activity::Tilting => "tilting",
        Activity::Walking => "walking",
        Activity::Running => "running",
        Activity::None => "none",
        Activity::StoppedInVehicle => "stopped in a vehicle",
    }
}

/// Bins of a histogram, several of them as one.
fn grouped(histogram: &Histogram, several: usize) -> Vec<(f64, f64, f64)> {
    let bins: Vec<(f64, f64, f64)> = histogram.bins().collect();
    let group = |bins: &[(f64, f64, f64)]| {
        let (first, last) = (bins.first()?, bins.last()?);
        Some((first.0, last.1, bins.iter().map(|(_, _, share)| share).sum()))
    };
    bins.chunks(several).filter_map(group).collect()
}
