//! A fitted law for people.

use crate::limit::rounded;
use crate::table::Table;
use crate::usl::{Estimate, Fit, Peak};

/// One row per measurement, beside what the law says.
pub fn table(fit: &Fit) -> Table {
    let mut table = Table::new(0, &[fit.points.name.as_str(), "measured_per_s", "law_per_s", "off"]);
    table.rows.extend(fit.points.points.iter().map(|point| {
        let law = fit.parameters().at(point.n);
        let off = format!("{:+.1} %", (point.throughput_per_s / law - 1.0) * 100.0);
        vec![rounded(point.n), rounded(point.throughput_per_s), rounded(law), off]
    }));
    table
}

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
    format!(
        "one alone: {} per second (λ)\nwaits in line: {} (σ)\nmust agree: {} (κ)\n{peak}\nnothing is said beyond twice the {name} \
         that were measured, and no row of the capacity table comes from this law\n",
        estimate(fit.lambda),
        estimate(fit.sigma),
        estimate(fit.kappa),
    )
}
