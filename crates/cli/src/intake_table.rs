//! The trips of a diary as a table: one line each.

use jiff::Timestamp;
use rushhour_pipeline::chapter::Chapter;
use rushhour_pipeline::leg::{Cleaned, Leg, Section};
use rushhour_pipeline::moment::Moment;
use rushhour_report::table::Table;

/// Start, end, distance, duration, and the sections with their modes. Untracked time is there too: a gap is an answer.
pub(crate) fn table(chapters: &[Chapter]) -> Table {
    let mut table = Table::new(5, &["day", "start", "end", "zone", "sections", "distance_km", "duration_min"]);
    let legs = chapters.iter().flat_map(|chapter| &chapter.legs);
    table.rows = legs.filter_map(|leg| Some(row(leg, leg.cleaned.as_ref()?))).collect();
    table
}

fn row(leg: &Leg, cleaned: &Cleaned) -> Vec<String> {
    let (day, start) = clock(&cleaned.start.moment);
    let (last_day, end) = clock(&cleaned.end.moment);
    let end = if last_day == day { end } else { format!("{last_day} {end}") };
    let sections: Vec<String> = cleaned.sections.iter().map(section).collect();
    let sections = if leg.is_tracked { sections.join(", ") } else { "not tracked".to_owned() };
    vec![
        day,
        start,
        end,
        cleaned.start.moment.zone.name().to_owned(),
        sections,
        format!("{:.1}", cleaned.distance_m / 1000.0),
        format!("{:.0}", cleaned.duration_s / 60.0),
    ]
}

fn section(section: &Section) -> String {
    format!("{} {}", section.mode.name().to_lowercase(), distance(section.distance_m))
}

/// Metres as people say them.
pub(crate) fn distance(metres: f64) -> String {
    if metres < 1000.0 { format!("{metres:.0} m") } else { format!("{:.1} km", metres / 1000.0) }
}

/// Day and time of day where the phone was.
pub(crate) fn clock(moment: &Moment) -> (String, String) {
    #[expect(clippy::cast_possible_truncation, reason = "a time that the calendar holds")]
    let second = moment.shown_ts as i64;
    let zoned = Timestamp::from_second(second).unwrap_or_default().to_zoned(moment.zone.rules().clone());
    (zoned.strftime("%Y-%m-%d").to_string(), zoned.strftime("%H:%M").to_string())
}
