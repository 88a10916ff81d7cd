//! A page to look at a population by: its distributions beside those of real people, and some days on maps.

use rushhour_dataset::scene::Scene;
use rushhour_dataset::statistics::Mobility;
use rushhour_dataset::statistics::row::{Row, Target, Verdict};
use rushhour_dataset::statistics::sensing::{Measure, Measures, Sensing};
use rushhour_synth::region::Region;
use rushhour_synth::world::Study;

use crate::chart::put;
use crate::synth_charts;
use crate::synth_map;

const PAGE: &str = include_str!("synth_page.html");

/// What a page shows.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// Above everything.
    pub(crate) title: String,
    /// Where it comes from.
    pub(crate) subtitle: String,
    /// How people get about.
    pub(crate) mobility: &'a Mobility,
    /// How phones sense.
    pub(crate) sensing: &'a Sensing,
    /// Every statistic beside its reference.
    pub(crate) rows: &'a [Row],
    /// Some days, and where they were lived.
    pub(crate) scenes: Option<(&'a [Scene], &'a Region)>,
}

/// A region's name and how many people are of it, as a title.
pub(crate) fn title(region: &str, people: u64) -> String {
    let words = region.split('-').map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    });
    format!("{}: {} people who do not exist", words.collect::<Vec<_>>().join(" "), grouped(people))
}

/// Which days of which seed, in words, and whose the streets are if somebody mapped them.
pub(crate) fn subtitle(study: Study, attribution: Option<&str>) -> String {
    let Study { seed, first_day, days } = study;
    let streets = attribution.map(|whose| format!(" Streets {whose}.")).unwrap_or_default();
    format!("{days} days from {} on, seed {seed}.{streets}", first_day.strftime("%-d %B %Y"))
}

impl Page<'_> {
    /// The page.
    pub(crate) fn html(&self) -> String {
        let mobility: String =
            synth_charts::mobility(self.mobility, self.rows).into_iter().map(|card| card.html()).collect();
        let parts = [
            ("{{title}}", self.title.clone()),
            ("{{subtitle}}", self.subtitle.clone()),
            ("{{figures}}", self.figures()),
            ("{{mobility}}", mobility),
            ("{{sensing}}", self.phones()),
            ("{{days}}", self.days()),
            ("{{rows}}", self.table()),
        ];
        parts.into_iter().fold(PAGE.to_owned(), |page, (name, part)| page.replace(name, &part))
    }

    fn figures(&self) -> String {
        let daily = &self.mobility.daily;
        let days: u64 = daily.by_trips.iter().sum();
        let verdicts = || self.rows.iter().map(Row::verdict);
        let count = |wanted: Verdict| verdicts().filter(|&verdict| verdict == wanted).count();
        let figures = [
            (grouped(self.mobility.people), "people"),
            (grouped(days), "days"),
            (grouped(daily.trips()), "trips"),
            (count(Verdict::Pass).to_string(), "rows as they should be"),
            (count(Verdict::Fail).to_string(), "rows too far off"),
        ];
        figures.map(|(number, name)| format!("<div><b>{number}</b><span>{name}</span></div>")).concat()
    }

    fn phones(&self) -> String {
        let mut html = String::new();
        for (profile, measures) in &self.sensing.by_profile {
            put(
                &mut html,
                format_args!(
                    r#"<h2>How phones sense: {profile}</h2><p>Dashed lines are the quartiles of real phones, as far as they are known.</p><div class="cards">{}</div>"#,
                    self.phone(profile, measures)
                ),
            );
        }
        html
    }

    fn phone(&self, profile: &str, measures: &Measures) -> String {
        let cards = Measure::ALL.map(|measure| {
            let start = format!("{profile} {}", measure.name());
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.statistic.starts_with(&start)).collect();
            synth_charts::sensed(measure, measures.of(measure), rows).html()
        });
        cards.concat() + &synth_charts::activities(profile, measures).html()
    }

    fn days(&self) -> String {
        let Some((scenes, region)) = self.scenes else { return String::new() };
        if scenes.is_empty() {
            return String::new();
        }
        let maps: String = scenes.iter().map(|scene| synth_map::card(scene, region)).collect();
        format!(
            r#"<h2>Some days</h2><p>Dots are what the phone sensed, circles are places. Scroll to zoom, drag to move, double-click for the whole.</p><div class="days">{maps}</div>"#
        )
    }

    fn table(&self) -> String {
        let mut html = String::new();
        for row in self.rows {
            let verdict = row.verdict();
            put(
                &mut html,
                format_args!(
                    r#"<tr><td>{}</td><td>{}</td><td class="right">{}</td><td class="right">{}</td><td class="right">{}</td><td><span class="chip {}">{}</span></td></tr>"#,
                    row.number,
                    row.statistic,
                    row.reference(),
                    row.value(),
                    row.tolerance(),
                    class(verdict),
                    verdict.name().to_lowercase()
                ),
            );
        }
        html
    }
}

/// A chart with what it shows and how near it is to what it should be.
#[derive(Debug)]
pub(crate) struct Card {
    /// What it shows.
    pub(crate) title: &'static str,
    /// What that means.
    pub(crate) told: &'static str,
    /// The chart.
    pub(crate) chart: String,
    /// What it is judged by.
    pub(crate) chips: Vec<String>,
    /// Whether it is as wide as the page.
    pub(crate) is_wide: bool,
}

impl Card {
    fn html(&self) -> String {
        let Self { title, told, chart, chips, is_wide } = self;
        let wide = if *is_wide { " wide" } else { "" };
        let chips = chips.concat();
        format!(
            r#"<div class="card{wide}"><header><h3>{title}</h3><p>{told}</p></header>{chart}<div class="chips">{chips}</div></div>"#
        )
    }
}

/// What a row says, in a few words; `name` tells it from others.
pub(crate) fn chip(name: &str, row: &Row) -> String {
    let mark = match row.verdict() {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::Untold => "",
    };
    let name = if name.is_empty() { String::new() } else { format!("{name} ") };
    let (value, reference, tolerance) = (row.value(), row.reference(), row.tolerance());
    let text = match row.target {
        Target::Follows { distance_max, .. } => format!("{name}KS {value}, at most {distance_max}"),
        Target::Between { .. } => format!("{name}{value}, within {reference}"),
        Target::AtLeast { .. } => format!("{name}{value}, at least {reference}"),
        Target::Near { .. } | Target::Around { .. } => format!("{name}{value}, reference {reference} {tolerance}"),
    };
    format!(r#"<span class="chip {}">{text} {mark}</span>"#, class(row.verdict()))
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Untold => "untold",
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let lead = digits.len() % 3;
    let (first, rest) = digits.split_at(lead);
    let mut groups: Vec<&str> = if first.is_empty() { Vec::new() } else { vec![first] };
    let mut rest = rest;
    while !rest.is_empty() {
        let (group, later) = rest.split_at(3);
        groups.push(group);
        rest = later;
    }
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 56_000, 1_234_567].map(grouped), ["0", "999", "1,000", "56,000", "1,234,567"]);
    }

    #[test]
    fn titles_name_the_region_and_its_people() {
        assert_eq!(title("sao-paulo", 2_000), "Sao Paulo: 2,000 people who do not exist");
    }

    #[test]
    fn a_page_of_nobody_is_a_page() {
        let (mobility, sensing) = (Mobility::default(), Sensing::default());
        let page = Page {
            title: "Denver".to_owned(),
            subtitle: String::new(),
            mobility: &mobility,
            sensing: &sensing,
            rows: &mobility.daily.rows(),
            scenes: None,
        };
        let html = page.html();
        assert!(html.contains("<h1>Denver</h1>") && !html.contains("{{"), "every part is filled");
        assert!(!html.contains("NaN") && !html.contains("http"), "nothing is asked from a network");
    }

    #[test]
    fn mapped_streets_are_attributed() {
        let study = Study { seed: 3, first_day: "2026-01-05".parse().unwrap(), days: 7 };
        assert_eq!(subtitle(study, None), "7 days from 5 January 2026 on, seed 3.");
        assert!(subtitle(study, Some("© somebody")).ends_with(" Streets © somebody."));
    }
}
