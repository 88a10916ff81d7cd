//! Charts as SVG: text that any browser draws, in the colours of the page around it.

use std::fmt::{Arguments, Write};

/// One direction of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// The value at its begin.
    pub(crate) from: f64,
    /// The value at its end.
    pub(crate) to: f64,
    /// Whether equal ratios are equally long.
    pub(crate) is_logarithmic: bool,
    /// Values that are marked, with what is written there.
    pub(crate) ticks: Vec<(f64, String)>,
    /// What it is, with the unit.
    pub(crate) title: &'static str,
}

impl Axis {
    /// Equal differences are equally long.
    pub(crate) fn linear(from: f64, to: f64, ticks: &[(f64, &str)], title: &'static str) -> Self {
        let ticks = ticks.iter().map(|&(at, text)| (at, text.to_owned())).collect();
        Self { from, to, is_logarithmic: false, ticks, title }
    }

    /// Equal ratios are equally long.
    pub(crate) fn logarithmic(from: f64, to: f64, ticks: &[(f64, &str)], title: &'static str) -> Self {
        Self { is_logarithmic: true, ..Self::linear(from, to, ticks, title) }
    }

    /// From 0 to at least `highest` percent, with a round number of marks.
    pub(crate) fn percent(highest: f64, title: &'static str) -> Self {
        let steps = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
        let step = steps.into_iter().find(|step| highest / step <= 4.0).unwrap_or(0.25);
        let count = (highest / step).ceil().max(1.0);
        let mut axis = Self::linear(0.0, count * step, &[], title);
        let mut at = 0.0;
        while at <= axis.to + step / 2.0 {
            axis.ticks.push((at, format!("{}\u{202f}%", round(100.0 * at))));
            at += step;
        }
        axis
    }

    /// Where a value is, as a share of the way; what is outside is at an end.
    fn share(&self, value: f64) -> f64 {
        let place = |value: f64| if self.is_logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        ((place(value) - place(self.from)) / (place(self.to) - place(self.from))).clamp(0.0, 1.0)
    }
}

/// One decimal where it says something.
fn round(value: f64) -> String {
    if (value - value.round()).abs() < 0.05 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A chart under way.
#[derive(Debug)]
pub(crate) struct Plot {
    x: Axis,
    y: Axis,
    marks: String,
}

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 236.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

impl Plot {
    /// Nothing drawn yet.
    pub(crate) fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, marks: String::new() }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * self.x.share(value)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * self.y.share(value)
    }

    /// A line through points.
    pub(crate) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let points: Vec<String> =
            points.into_iter().map(|(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        put(&mut self.marks, format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
    }

    /// Dots at points.
    pub(crate) fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        for (x, y) in points {
            let (x, y) = (self.x(x), self.y(y));
            put(&mut self.marks, format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="2.6"/>"#));
        }
    }

    /// Columns from one value to the next, with what is said when somebody points at one.
    pub(crate) fn columns(&mut self, class: &str, columns: impl IntoIterator<Item = (f64, f64, f64, String)>) {
        for (from, to, height, told) in columns {
            let (left, right, top, foot) = (self.x(from), self.x(to), self.y(height), self.y(self.y.from));
            let (width, tall) = ((right - left - 1.0).max(0.6), (foot - top).max(0.0));
            let at = format!(r#"x="{:.1}" y="{top:.1}" width="{width:.1}" height="{tall:.1}""#, left + 0.5);
            put(&mut self.marks, format_args!(r#"<rect class="{class}" {at}><title>{told}</title></rect>"#));
        }
    }

    /// Upright lines at values.
    pub(crate) fn rules(&mut self, class: &str, values: impl IntoIterator<Item = f64>) {
        for value in values {
            let (x, foot) = (self.x(value), HEIGHT - BOTTOM);
            put(
                &mut self.marks,
                format_args!(r#"<line class="{class}" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{foot}"/>"#),
            );
        }
    }

    /// The chart; `told` is for those who cannot see it.
    pub(crate) fn svg(&self, told: &str) -> String {
        let mut svg = String::new();
        let (foot, end) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        put(
            &mut svg,
            format_args!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">"#),
        );
        for (at, text) in &self.y.ticks {
            let y = self.y(*at);
            put(&mut svg, format_args!(r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{end}" y2="{y:.1}"/>"#));
            put(
                &mut svg,
                format_args!(
                    r#"<text class="tick" x="{}" y="{:.1}" text-anchor="end">{text}</text>"#,
                    LEFT - 7.0,
                    y + 3.8
                ),
            );
        }
        for (at, text) in &self.x.ticks {
            let x = self.x(*at);
            put(
                &mut svg,
                format_args!(r#"<line class="tickmark" x1="{x:.1}" y1="{foot}" x2="{x:.1}" y2="{}"/>"#, foot + 4.0),
            );
            put(
                &mut svg,
                format_args!(r#"<text class="tick" x="{x:.1}" y="{}" text-anchor="middle">{text}</text>"#, foot + 16.0),
            );
        }
        put(&mut svg, format_args!(r#"<line class="axis" x1="{LEFT}" y1="{foot}" x2="{end}" y2="{foot}"/>"#));
        let middle = (LEFT + end) / 2.0;
        put(
            &mut svg,
            format_args!(
                r#"<text class="title" x="{middle}" y="{}" text-anchor="middle">{}</text>"#,
                HEIGHT - 6.0,
                self.x.title
            ),
        );
        put(
            &mut svg,
            format_args!(r#"<text class="title" x="{}" y="{}">{}</text>"#, LEFT + 5.0, TOP + 9.0, self.y.title),
        );
        svg.push_str(&self.marks);
        svg.push_str("</svg>\n");
        svg
    }
}

/// Bars from left to right, each under its name and with a mark where it should end.
pub(crate) fn bars(rows: &[(String, &'static str, f64, f64)], told: &str) -> String {
    const ROW: f64 = 29.0;
    const NAMES: f64 = 132.0;
    const NUMBERS: f64 = 50.0;
    let tall = ROW * rows.len() as f64 + 4.0;
    let longest = rows.iter().flat_map(|&(_, _, is, wanted)| [is, wanted]).fold(0.01, f64::max);
    let length = |share: f64| (WIDTH - NAMES - NUMBERS) * share / longest;
    let mut svg = String::new();
    put(&mut svg, format_args!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {tall}" role="img" aria-label="{told}">"#));
    for (i, (name, class, is, wanted)) in rows.iter().enumerate() {
        let top = 4.0 + ROW * i as f64;
        let middle = top + 14.5;
        put(
            &mut svg,
            format_args!(r#"<text class="name" x="{}" y="{middle}" text-anchor="end">{name}</text>"#, NAMES - 9.0),
        );
        let long = length(*is).max(0.8);
        put(
            &mut svg,
            format_args!(
                r#"<rect class="bar {class}" x="{NAMES}" y="{top}" width="{long:.1}" height="19" rx="2"><title>{name}: {:.1} %, reference {:.1} %</title></rect>"#,
                100.0 * is,
                100.0 * wanted
            ),
        );
        let mark = NAMES + length(*wanted);
        put(
            &mut svg,
            format_args!(
                r#"<line class="wanted" x1="{mark:.1}" y1="{}" x2="{mark:.1}" y2="{}"/>"#,
                top - 2.5,
                top + 21.5
            ),
        );
        let end = NAMES + length(is.max(*wanted)) + 7.0;
        put(&mut svg, format_args!(r#"<text class="number" x="{end:.1}" y="{middle}">{:.1} %</text>"#, 100.0 * is));
    }
    svg.push_str("</svg>\n");
    svg
}

/// Adds a line of text.
pub(crate) fn put(text: &mut String, what: Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_where_their_axis_puts_them() {
        let lengths = Axis::logarithmic(100.0, 100_000.0, &[], "");
        assert!((lengths.share(1_000.0) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((lengths.share(1.0), lengths.share(1e9)), (0.0, 1.0));
        let shares = Axis::percent(0.083, "");
        assert_eq!(shares.to, 0.1);
        assert_eq!(shares.ticks.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0.0, 0.05, 0.1]);
    }

    #[test]
    fn a_chart_is_one_svg() {
        let mut plot = Plot::new(Axis::linear(0.0, 24.0, &[(12.0, "12")], "hour"), Axis::percent(0.1, "share"));
        plot.line("made", [(0.0, 0.0), (24.0, 0.1)]);
        plot.columns("made", [(1.0, 2.0, 0.05, "5 %".to_owned())]);
        let svg = plot.svg("a test");
        assert_eq!(svg.matches("<svg").count(), 1);
        assert!(svg.contains(r#"<polyline class="made" points="46.0,194.0 388.0,10.0"/>"#), "{svg}");
        assert!(svg.contains("<title>5 %</title>") && svg.ends_with("</svg>\n"));
    }
}
