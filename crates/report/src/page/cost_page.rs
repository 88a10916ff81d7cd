//! The page of what a day costs.

use super::html::{escape, table};
use super::{Origin, document};
use crate::cost::CostVector;
use crate::limit::rounded;

/// The page of costs that were measured from `origin`, whose folder has this name.
pub fn cost_page(name: &str, origin: &Origin, cost: &CostVector) -> String {
    let title = format!("What a day costs {} with {}", origin.target, origin.scenario);
    let configuration = origin.configuration([
        ("measured on", cost.machine.clone()),
        ("cores", rounded(cost.cores)),
        ("measured", format!("{} times, each low and high holds the truth with 95 %", cost.repeats)),
        ("busiest hour", format!("{:.2} × the mean hour", cost.peak_ratio)),
        ("calibration of a core", cost.calibration_per_core.map(rounded).unwrap_or_default()),
    ]);
    let body = format!(
        "<header class=\"run\"><h1>{}</h1><strong class=\"verdict pass\">measured</strong><p>{}</p></header>\n\
         <h2>Costs</h2>\n<div class=\"card\">{}</div>\n{configuration}",
        escape(&title),
        escape(name),
        table(&cost.table()),
    );
    document(&title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::tests::vector;

    #[test]
    fn each_cost_stands_with_its_range() {
        let origin = Origin { scenario: "phones".into(), target: "<local>".into(), ..Origin::default() };
        let html = cost_page("kept", &origin, &vector());
        assert!(html.contains("<h1>What a day costs &lt;local&gt; with phones</h1>"), "{html}");
        assert!(
            html.contains("<td class=\"name\">pipeline core ms</td><td>300</td><td>270</td><td>330</td>"),
            "{html}"
        );
        assert!(html.contains("2.00 × the mean hour") && !html.contains("<dt>command"), "{html}");
    }
}
