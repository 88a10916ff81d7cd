//! Days of people on plain maps: streets and lines, trips in the colours of their modes, fixes as dots.

use jiff::Timestamp;
use rushhour_dataset::scene::Scene;
use rushhour_synth::plane::{Locale, Point};
use rushhour_synth::region::Region;
use rushhour_synth::roads::Class;
use rushhour_synth::track::Piece;
use rushhour_synth::truth::{Micros, Place, Trip};

use crate::chart::put;

/// How wide and high a map is, in its own units.
const MAP: f64 = 1_000.0;
/// Room around what is drawn, as a share.
const MARGIN: f64 = 0.07;
/// A map shows at least this much.
const METRES_MIN: f64 = 1_500.0;

/// Where metres are on a map: north is up.
struct Frame {
    west: f64,
    north: f64,
    scale: f64,
}

impl Frame {
    fn around(points: impl Iterator<Item = Point> + Clone) -> Self {
        let bounds = |of: fn(Point) -> f64| {
            points.clone().map(of).fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)))
        };
        let ((west, east), (south, north)) = (bounds(|at| at.x_m), bounds(|at| at.y_m));
        let metres = (east - west).max(north - south).max(METRES_MIN) / (1.0 - 2.0 * MARGIN);
        Self { west: (west + east - metres) / 2.0, north: (south + north + metres) / 2.0, scale: MAP / metres }
    }

    fn place(&self, at: Point) -> (f64, f64) {
        ((at.x_m - self.west) * self.scale, (self.north - at.y_m) * self.scale)
    }

    /// Whether a straight line may be seen.
    fn shows(&self, from: Point, to: Point) -> bool {
        let ((x1, y1), (x2, y2)) = (self.place(from), self.place(to));
        x1.max(x2) > 0.0 && y1.max(y2) > 0.0 && x1.min(x2) < MAP && y1.min(y2) < MAP
    }
}

/// Straight lines as one path: those that go on where the last one ended are joined.
struct Path<'a> {
    frame: &'a Frame,
    steps: String,
    at: Option<Point>,
}

impl<'a> Path<'a> {
    fn new(frame: &'a Frame) -> Self {
        Self { frame, steps: String::new(), at: None }
    }

    fn line(&mut self, from: Point, to: Point) {
        use std::fmt::Write;
        let ((x1, y1), (x2, y2)) = (self.frame.place(from), self.frame.place(to));
        // Writing into a string does not fail.
        let _ = match self.at {
            Some(at) if at == from => write!(self.steps, "L{x2:.1} {y2:.1}"),
            _ => write!(self.steps, "M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}"),
        };
        self.at = Some(to);
    }

    fn finish(&self, class: &str, svg: &mut String) {
        if !self.steps.is_empty() {
            put(svg, format_args!(r#"<path class="{class}" d="{}"/>"#, self.steps));
        }
    }
}

/// A card with the map of a day and the list of its trips.
pub(crate) fn card(scene: &Scene, region: &Region) -> String {
    let ends = scene.tracks.iter().flat_map(|track| &track.pieces).flat_map(|piece| [piece.from, piece.to]);
    let frame = Frame::around(ends);
    let person = &scene.person;
    let day = scene.date.strftime("%A, %-d %B %Y");
    let mut html = String::new();
    put(
        &mut html,
        format_args!(
            r#"<div class="card"><header><h3>Person {}, {day}</h3><p>{}, {} fixes</p></header>"#,
            person.user,
            person.handset.profile,
            scene.sightings.len()
        ),
    );
    put(
        &mut html,
        format_args!(r#"<svg class="map" viewBox="0 0 {MAP} {MAP}" role="img" aria-label="The trips of a day">"#),
    );
    streets(&mut html, &frame, region);
    for piece_run in scene.tracks.iter().flat_map(|track| track.pieces.chunk_by(|a, b| a.mode == b.mode)) {
        way(&mut html, &frame, piece_run);
    }
    for at in &scene.sightings {
        let (x, y) = frame.place(*at);
        put(&mut html, format_args!(r#"<circle class="fix" cx="{x:.1}" cy="{y:.1}" r="2.2"/>"#));
    }
    let ids = scene.trips.iter().flat_map(|trip| [trip.from, trip.to]);
    let mut places: Vec<&Place> = ids.filter_map(|id| scene.places.get(id as usize)).collect();
    places.sort_by_key(|place| place.id);
    places.dedup_by_key(|place| place.id);
    for place in places {
        let ((x, y), name) = (frame.place(place.at), place.purpose.name());
        put(
            &mut html,
            format_args!(r#"<circle class="place" cx="{x:.1}" cy="{y:.1}" r="6.5"><title>{name}</title></circle>"#),
        );
    }
    html.push_str("</svg><table><tbody>");
    for trip in &scene.trips {
        let locale = region.locales.first().expect("a region has a locale");
        row(&mut html, trip, locale);
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn streets(html: &mut String, frame: &Frame, region: &Region) {
    for (class, name) in
        [(Class::Path, "path"), (Class::Side, "side"), (Class::Main, "main"), (Class::Express, "express")]
    {
        let mut path = Path::new(frame);
        let stretches = region.roads.stretches().filter(|&(of, from, to)| of == class && frame.shows(from, to));
        stretches.for_each(|(_, from, to)| path.line(from, to));
        path.finish(name, html);
    }
    let trains = region.lines.iter().filter(|line| line.mode == rushhour_synth::truth::Mode::Train);
    for line in trains {
        let mut path = Path::new(frame);
        for stop in 0..line.stops.len().saturating_sub(1) {
            let way = line.path(stop);
            let steps = way.iter().zip(way.iter().skip(1)).filter(|&(from, to)| frame.shows(*from, *to));
            steps.for_each(|(from, to)| path.line(*from, *to));
        }
        path.finish("rail", html);
    }
}

fn way(html: &mut String, frame: &Frame, pieces: &[Piece]) {
    let Some(first) = pieces.first() else { return };
    let mut path = Path::new(frame);
    pieces.iter().filter(|piece| piece.from != piece.to).for_each(|piece| path.line(piece.from, piece.to));
    path.finish(&format!("way {}", first.mode.name()), html);
}

fn row(html: &mut String, trip: &Trip, locale: &Locale) {
    let clock = |at_us: Micros| {
        let at = Timestamp::from_microsecond(at_us).unwrap_or_default().to_zoned(locale.zone.clone());
        at.strftime("%H:%M").to_string()
    };
    let modes: String = trip
        .sections
        .iter()
        .map(|section| format!(r#"<span class="mode {0}">{0}</span>"#, section.mode.name()))
        .collect();
    put(
        html,
        format_args!(
            r#"<tr><td>{}–{}</td><td>{modes}</td><td>{}</td><td class="right">{:.1}&nbsp;km</td></tr>"#,
            clock(trip.depart_us),
            clock(trip.arrive_us),
            trip.purpose.name(),
            trip.distance_m / 1_000.0
        ),
    );
}
