//! A chart: lines over one axis as SVG that stretches, names beside it as text that does not, and a table with every value.
//!
//! The table is also where the script on the page reads what it shows when somebody points at the chart, so what is seen
//! and what is read cannot differ.

use std::fmt::Write as _;

use super::axis::{Axis, Unit};
use super::html::escape;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line from value to value.
    Line,
    /// A line with the room below it filled.
    Area,
    /// A line with a dot at each value.
    Dots,
    /// Dots alone.
    Points,
}

/// Values that belong together; as many as the chart has places.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What it is.
    pub(crate) name: String,
    /// The colour, a class of the page.
    pub(crate) colour: &'static str,
    /// How it is drawn.
    pub(crate) kind: Kind,
    /// The value at each place, where there is one.
    pub(crate) values: Vec<Option<f64>>,
}

impl Series {
    /// A line.
    pub(crate) fn line(name: impl Into<String>, colour: &'static str, values: Vec<Option<f64>>) -> Self {
        Self { name: name.into(), colour, kind: Kind::Line, values }
    }

    /// The same, drawn in another way.
    pub(crate) fn drawn(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

/// A value that something is held against.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// What it is.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) at: f64,
}

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// Its name in the document.
    pub(crate) id: String,
    /// What it shows.
    pub(crate) title: String,
    /// How to read it.
    pub(crate) told: String,
    /// What the places are, as the heading of the table's first column.
    pub(crate) places: &'static str,
    /// Where they lie.
    pub(crate) x: Axis,
    /// Where the values lie.
    pub(crate) y: Axis,
    /// The places.
    pub(crate) xs: Vec<f64>,
    /// What is named at a place instead of its number: a run's name.
    pub(crate) names: Vec<String>,
    /// The lines.
    pub(crate) series: Vec<Series>,
    /// Bounds.
    pub(crate) rules: Vec<Rule>,
    /// Stretches of the x axis that do not count.
    pub(crate) shaded: Vec<(f64, f64)>,
    /// Whether it is only a strip.
    pub(crate) is_low: bool,
}

/// The drawing's own units; it is stretched to whatever room there is.
const SIDE: f64 = 1000.0;

impl Chart {
    /// A chart of `series` over `xs` with nothing else on it.
    pub(crate) fn new(id: &str, title: &str, (x, xs): (Axis, Vec<f64>), y: Axis, series: Vec<Series>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            told: String::new(),
            places: if x.unit == Unit::Time { "time" } else { "at" },
            x,
            y,
            xs,
            names: Vec::new(),
            series,
            rules: Vec::new(),
            shaded: Vec::new(),
            is_low: false,
        }
    }

    /// The chart as a figure.
    pub(crate) fn html(&self) -> String {
        let Self { id, title, told, .. } = self;
        let axis = if self.x.unit == Unit::Time { " data-axis=\"time\"" } else { "" };
        let low = if self.is_low { " low" } else { "" };
        let (title, told) = (escape(title), escape(told));
        let described = escape(&self.described());
        format!(
            "<figure class=\"chart{low}\" id=\"{id}\" data-unit=\"{unit}\"{axis}>\n\
             <figcaption><h3>{title}</h3><p>{told}</p></figcaption>\n<ul class=\"legend\">{legend}</ul>\n\
             <div class=\"frame\"><div class=\"y\" aria-hidden=\"true\">{ys}</div>\
             <div class=\"plot\" tabindex=\"0\" aria-label=\"{title}\">\n{svg}\
             <i class=\"cursor\" hidden></i><div class=\"tip\" hidden></div></div>\
             <div class=\"x\" aria-hidden=\"true\">{xs}</div></div>\n\
             <details><summary>Table<span class=\"hidden\"> of {title}</span></summary>\
             <div class=\"rows\" tabindex=\"0\">{table}</div></details>\n</figure>\n",
            unit = self.y.unit.name(),
            legend = self.legend(),
            ys = ticks(&self.y, "bottom"),
            xs = ticks(&self.x, "left"),
            svg = self.svg(&described),
            table = self.table(),
        )
    }

    /// In words, for those who cannot see it.
    fn described(&self) -> String {
        let unit = self.y.unit;
        let ranges = self.series.iter().map(|series| {
            let values = || series.values.iter().flatten().copied();
            let (least, most) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
            match values().next() {
                None => format!("{}: no value", series.name),
                Some(_) => format!("{}: {} to {} {}", series.name, unit.cell(least), unit.cell(most), unit.name()),
            }
        });
        let rules = self.rules.iter().map(|rule| rule.name.clone());
        let parts: Vec<_> = ranges.chain(rules).map(|part| part.trim_end().to_owned()).collect();
        format!("{}. {}.", self.title, parts.join("; "))
    }

    fn legend(&self) -> String {
        let series =
            self.series.iter().map(|series| format!("<li class=\"{}\">{}</li>", series.colour, escape(&series.name)));
        let rules = self.rules.iter().map(|rule| format!("<li class=\"rule\">{}</li>", escape(&rule.name)));
        series.chain(rules).collect()
    }

    fn svg(&self, described: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {SIDE} {SIDE}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{described}\">\n"
        );
        for (from, to) in &self.shaded {
            let (left, right) = (SIDE * self.x.share(*from), SIDE * self.x.share(*to));
            let _ = writeln!(
                svg,
                "<rect class=\"phase\" x=\"{left:.1}\" width=\"{:.1}\" height=\"{SIDE}\"/>",
                right - left
            );
        }
        for (at, _) in &self.y.ticks {
            let y = SIDE * (1.0 - self.y.share(*at));
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M0 {y:.1}H{SIDE}\"/>");
        }
        for rule in &self.rules {
            let y = SIDE * (1.0 - self.y.share(rule.at));
            let _ = writeln!(svg, "<path class=\"rule\" d=\"M0 {y:.1}H{SIDE}\"/>");
        }
        for series in &self.series {
            let colour = series.colour;
            if series.kind == Kind::Area {
                let _ = writeln!(svg, "<path class=\"area {colour}\" d=\"{}\"/>", self.path(series, true));
            }
            let dots = || self.places(series).flatten().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect::<String>();
            let _ = match series.kind {
                Kind::Points => writeln!(svg, "<path class=\"line dots {colour}\" d=\"{}\"/>", dots()),
                _ => writeln!(svg, "<path class=\"line {colour}\" d=\"{}\"/>", self.path(series, false)),
            };
            if series.kind == Kind::Dots {
                let _ = writeln!(svg, "<path class=\"dots {colour}\" d=\"{}\"/>", dots());
            }
        }
        svg + "</svg>\n"
    }

    fn places(&self, series: &Series) -> impl Iterator<Item = Option<(f64, f64)>> {
        let place = |(x, value): (&f64, &Option<f64>)| {
            let value = (*value)?;
            Some((SIDE * self.x.share(*x), SIDE * (1.0 - self.y.share(value))))
        };
        self.xs.iter().zip(series.values.iter()).map(place)
    }

    /// The line through all values, broken where there are none. A value between two gaps becomes a dot. `is_closed` leads
    /// each stretch down to the foot, to be filled.
    fn path(&self, series: &Series, is_closed: bool) -> String {
        let mut path = String::new();
        let places: Vec<_> = self.places(series).collect();
        for stretch in places.split(Option::is_none) {
            let points: Vec<(f64, f64)> = stretch.iter().copied().flatten().collect();
            let Some((first, rest)) = points.split_first() else { continue };
            let _ = write!(path, "M{:.1} {:.1}", first.0, first.1);
            path.extend(rest.iter().map(|(x, y)| format!("L{x:.1} {y:.1}")));
            match (rest.last(), is_closed) {
                (Some(last), true) => path.push_str(&format!("L{:.1} {SIDE}L{:.1} {SIDE}Z", last.0, first.0)),
                (None, false) => path.push_str("h0"),
                _ => {}
            }
        }
        path
    }

    fn table(&self) -> String {
        let mut table = format!("<table><thead><tr><th scope=\"col\">{}</th>", self.places);
        for series in &self.series {
            let _ = write!(table, "<th scope=\"col\" class=\"{}\">{}</th>", series.colour, escape(&series.name));
        }
        table.push_str("</tr></thead><tbody>");
        for (index, x) in self.xs.iter().enumerate() {
            let name = self.names.get(index).map_or_else(|| self.x.unit.cell(*x), |name| escape(name));
            let _ = write!(table, "\n<tr data-x=\"{:.4}\"><th scope=\"row\">{name}</th>", self.x.share(*x));
            for series in &self.series {
                let value = series.values.get(index).copied().flatten();
                let _ = write!(table, "<td>{}</td>", value.map_or("–".to_owned(), |value| self.y.unit.cell(value)));
            }
            table.push_str("</tr>");
        }
        table + "</tbody></table>"
    }
}

fn ticks(axis: &Axis, side: &str) -> String {
    /// The text of a tick so near to the end would stand outside of the card.
    const END: f64 = 0.97;
    let tick = |(at, text): &(f64, String)| {
        let share = axis.share(*at);
        let class = if share > END { " class=\"end\"" } else { "" };
        format!("<span{class} style=\"{side}:{:.1}%\">{text}</span>", 100.0 * share)
    };
    axis.ticks.iter().map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let values = vec![Some(1.0), None, Some(2.0), Some(4.0)];
        let series = vec![Series::line("p<50>", "blue", values)];
        let xs = (Axis::time(3.0), vec![0.0, 1.0, 2.0, 3.0]);
        Chart { told: "how".into(), ..Chart::new("c", "A & b", xs, Axis::linear(4.0, Unit::PerS), series) }
    }

    #[test]
    fn a_line_breaks_where_there_is_no_value() {
        let html = chart().html();
        assert!(html.contains("d=\"M0.0 750.0h0M666.7 500.0L1000.0 0.0\""), "{html}");
    }

    #[test]
    fn every_value_stands_in_the_table_and_the_whole_in_words() {
        let html = chart().html();
        assert!(html.contains("<tr data-x=\"0.3333\"><th scope=\"row\">1 s</th><td>–</td></tr>"), "{html}");
        assert_eq!(html.matches("<tr data-x").count(), 4);
        assert!(html.contains("aria-label=\"A &amp; b. p&lt;50&gt;: 1 to 4 per s.\""), "{html}");
    }
}
