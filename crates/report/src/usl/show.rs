//! A fitted law for people.

use crate::limit::rounded;
use crate::table::Table;
use crate::usl::{Estimate, Fit, Peak, Point};

/// One row per measurement, beside what the law says.
pub fn table(fit: &Fit) -> Table {
    let mut table = Table::new(0, &[fit.points.name.as_str(), "measured_per_s", "law_per_s", "off"]);
    table.rows.extend(fit.points.points.iter().map(|point| {
        let law = rounded(fit.parameters().at(point.n));
        vec![rounded(point.n), rounded(point.throughput_per_s), law, format!("{:+.1} %", off(fit, point) * 100.0)]
    }));
    table
}

/// How much more was measured than the law says, as a share of it.
fn off(fit: &Fit, point: &Point) -> f64 {
    point.throughput_per_s / fit.parameters().at(point.n) - 1.0
}

/// Where the law is further off, it says little of what was measured.
const OFF_MAX: f64 = 0.1;

/// The law in a few lines.
pub fn text(fit: &Fit) -> String {
    let name = &fit.points.name;
    let estimate =
        |Estimate { value, low, high }: Estimate| format!("{} ({} to {})", rounded(value), rounded(low), rounded(high));
    let peak = match fit.peak {
        Peak::At(peak) => {
            format!("most is done at {} {name}: {} per second", rounded(peak.n), rounded(peak.throughput_per_s))
        }
        Peak::NotSeen => "no peak seen: what they must agree on may as well be nothing".to_owned(),
        Peak::OutOfReach => format!("no peak within twice the {name} that were measured"),
    };
    let most_off = fit.points.points.iter().map(|point| off(fit, point).abs()).fold(0.0, f64::max);
    let misfit = if most_off > OFF_MAX {
        format!("the law does not describe these well: it is off by up to {:.0} %\n", most_off * 100.0)
    } else {
        String::new()
    };
    format!(
        "{misfit}one alone: {} per second (λ)\nwaits in line: {} (σ)\nmust agree: {} (κ)\n{peak}\nnothing is said beyond twice the {name} \
         that were measured, and no row of the capacity table comes from this law\n",
        estimate(fit.lambda),
        estimate(fit.sigma),
        estimate(fit.kappa),
    )
}

/// The same, and the measurements.
pub fn text_with_table(fit: &Fit) -> String {
    format!("{}\n{}", text(fit), table(fit).text())
}

/// The same for a document.
pub fn markdown(fit: &Fit) -> String {
    let said: String = text(fit).lines().map(|line| format!("- {line}\n")).collect();
    format!("{}\n{said}", table(fit).markdown())
}
