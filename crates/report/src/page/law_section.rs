//! How throughput grows with cores, as measured and as the Universal Scalability Law has it.

use super::axis::{Axis, Unit};
use super::chart::{Chart, Kind, Series};
use super::html::{escape, table};
use crate::usl::{self, Fit};

/// What stands beside a capacity table when searches over more and more cores were made.
pub(crate) fn law_section(fit: &Fit) -> String {
    let mut points = fit.points.points.clone();
    points.sort_by(|one, other| one.n.total_cmp(&other.n));
    let xs: Vec<f64> = points.iter().map(|point| point.n).collect();
    let measured: Vec<Option<f64>> = points.iter().map(|point| Some(point.throughput_per_s)).collect();
    let law: Vec<Option<f64>> = xs.iter().map(|n| fit.throughput_per_s(*n)).collect();
    let highest = measured.iter().chain(&law).flatten().copied().fold(0.0, f64::max);
    let x = Axis::linear(xs.iter().copied().fold(0.0, f64::max), Unit::Cores);
    let y = Axis::linear(highest, Unit::PerS);
    let series =
        vec![Series::line("measured", "blue", measured).drawn(Kind::Points), Series::line("law", "amber", law)];
    let title = format!("Throughput by {}", fit.points.name);
    let chart = Chart { places: "cores", ..Chart::new("law", &title, (x, xs), y, series) };
    let said: String = usl::text(fit).lines().map(|line| format!("<li>{}</li>\n", escape(line))).collect();
    let rows = table(&usl::table(fit));
    format!(
        "<h2>Universal Scalability Law</h2>\n<div class=\"grid\">\n{}<div class=\"card\">{rows}</div>\n</div>\n<ul>\n{said}</ul>\n",
        chart.html()
    )
}
