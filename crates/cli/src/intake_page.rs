//! The trips of a diary as one HTML page: what was found, drawn over what was sensed. It needs no network.

use std::fmt::Write;

use rushhour_pipeline::chapter::Chapter;
use rushhour_pipeline::leg::{Cleaned, Leg};
use rushhour_pipeline::mode::Mode;
use rushhour_pipeline::position::Position;

use crate::intake_table::{clock, distance};

/// The page around the map: its style and the script that moves it.
const PAGE: &str = include_str!("intake_page.html");
/// The map's width and height in its own units.
const MAP: f64 = 1000.0;
/// Room around what is drawn, as a share of the map.
const MARGIN: f64 = 0.04;
/// The map shows at least so many degrees: a day at home is not a galaxy.
const DEGREES_MIN: f64 = 0.002;

/// Where positions are on the map: longitudes shrink towards the poles.
struct Frame {
    west: f64,
    north: f64,
    scale: f64,
    shrink: f64,
}

impl Frame {
    fn around(positions: impl Iterator<Item = Position> + Clone) -> Self {
        let bound = |of: fn(Position) -> f64, pick: fn(f64, f64) -> f64, start: f64| {
            positions.clone().map(of).fold(start, pick)
        };
        let (west, east) = (bound(|at| at.longitude, f64::min, 180.0), bound(|at| at.longitude, f64::max, -180.0));
        let (south, north) = (bound(|at| at.latitude, f64::min, 90.0), bound(|at| at.latitude, f64::max, -90.0));
        let shrink = ((south + north) / 2.0).to_radians().cos().max(0.01);
        let degrees = ((east - west) * shrink).max(north - south).max(DEGREES_MIN);
        let scale = MAP * (1.0 - 2.0 * MARGIN) / degrees;
        let (middle_x, middle_y) = ((west + east) / 2.0, (south + north) / 2.0);
        let half = MAP / 2.0 / scale;
        Self { west: middle_x - half / shrink, north: middle_y + half, scale, shrink }
    }

    fn place(&self, at: Position) -> (f64, f64) {
        ((at.longitude - self.west) * self.shrink * self.scale, (self.north - at.latitude) * self.scale)
    }
}

/// The page of a diary and the fixes that it was made from.
pub(crate) fn page(chapters: &[Chapter], fixes: &[Position]) -> String {
    let kept: Vec<(&Leg, &Cleaned)> = chapters
        .iter()
        .flat_map(|chapter| &chapter.legs)
        .filter_map(|leg| Some((leg, leg.cleaned.as_ref()?)))
        .collect();
    let points = kept.iter().flat_map(|(_, cleaned)| &cleaned.sections).flat_map(|section| &section.points);
    let frame = Frame::around(fixes.iter().copied().chain(points.map(|point| point.at)));
    let mut map = String::new();
    let (mut rows, mut last_day) = (String::new(), String::new());
    for (number, (leg, cleaned)) in kept.iter().enumerate() {
        draw(&mut map, &frame, number, leg, cleaned);
        let (day, _) = clock(&cleaned.start.moment);
        if day != last_day {
            put(&mut rows, format_args!(r#"<tr class="day"><th colspan="4">{day}</th></tr>"#));
        }
        last_day = day;
        tell(&mut rows, number, leg, cleaned);
    }
    for at in fixes {
        let (x, y) = frame.place(*at);
        put(&mut map, format_args!(r#"<circle class="fix" cx="{x:.2}" cy="{y:.2}" r="1.6"/>"#));
    }
    let title = kept.first().map_or("no trips".to_owned(), |(_, cleaned)| {
        let (first, _) = clock(&cleaned.start.moment);
        let last = kept.last().map_or(first.clone(), |(_, cleaned)| clock(&cleaned.end.moment).0);
        if first == last { first } else { format!("{first} to {last}") }
    });
    let trips = kept.iter().filter(|(leg, _)| leg.is_tracked);
    let km: f64 = trips.clone().map(|(_, cleaned)| cleaned.distance_m / 1000.0).sum();
    let subtitle = format!("{} trips, {km:.1} km, from {} fixes", trips.count(), fixes.len());
    let parts = [("{{title}}", title), ("{{subtitle}}", subtitle), ("{{map}}", map), ("{{rows}}", rows)];
    parts.into_iter().fold(PAGE.to_owned(), |page, (name, part)| page.replace(name, &part))
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{what}");
}

fn draw(map: &mut String, frame: &Frame, number: usize, leg: &Leg, cleaned: &Cleaned) {
    put(map, format_args!(r#"<g class="leg" data-leg="{number}">"#));
    if !leg.is_tracked {
        let ((x1, y1), (x2, y2)) = (frame.place(cleaned.start.at), frame.place(cleaned.end.at));
        put(map, format_args!(r#"<line class="untracked" x1="{x1:.2}" y1="{y1:.2}" x2="{x2:.2}" y2="{y2:.2}"/>"#));
    }
    for section in &cleaned.sections {
        let line: Vec<String> =
            section.points.iter().map(|point| frame.place(point.at)).map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        let (name, far) = (word(section.mode), distance(section.distance_m));
        put(
            map,
            format_args!(
                r#"<polyline class="{name}" points="{}"><title>{name}, {far}</title></polyline>"#,
                line.join(" ")
            ),
        );
    }
    for at in [cleaned.start.at, cleaned.end.at] {
        let (x, y) = frame.place(at);
        put(map, format_args!(r#"<circle class="place" cx="{x:.2}" cy="{y:.2}" r="5"/>"#));
    }
    put(map, format_args!("</g>"));
}

fn tell(rows: &mut String, number: usize, leg: &Leg, cleaned: &Cleaned) {
    let (_, start) = clock(&cleaned.start.moment);
    let (_, end) = clock(&cleaned.end.moment);
    let sections: String = cleaned
        .sections
        .iter()
        .map(|section| format!(r#"<span class="mode {0}">{0}</span>"#, word(section.mode)))
        .collect();
    let sections =
        if leg.is_tracked { sections } else { r#"<span class="mode untracked">not tracked</span>"#.to_owned() };
    let (far, minutes) = (distance(cleaned.distance_m).replace(' ', "&nbsp;"), cleaned.duration_s / 60.0);
    put(
        rows,
        format_args!(
            r#"<tr data-leg="{number}" tabindex="0"><td>{start}–{end}</td><td>{sections}</td><td class="number">{far}</td><td class="number">{minutes:.0}&nbsp;min</td></tr>"#
        ),
    );
}

fn word(mode: Mode) -> String {
    mode.name().to_lowercase().replace('_', "-")
}
