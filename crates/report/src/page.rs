//! Pages: what a run left behind as one file that any browser shows, without a network, on a screen or on paper.
//!
//! Charts are drawn here as SVG, so a page is complete before its script runs; the script only tells the values under a
//! pointer. This module reads no files: whoever calls hands over what was kept.

mod axis;
mod capacity_page;
mod chart;
mod compare_page;
mod cost_page;
mod history_page;
pub(crate) mod html;
mod index_page;
mod law_section;
mod origin;
mod run_charts;
mod run_page;
mod samples;
mod sweep_page;
mod timeline;

pub use capacity_page::capacity_page;
pub use compare_page::compare_page;
pub use cost_page::cost_page;
pub use history_page::{change_table, history_page};
pub use index_page::{Found, Listed, index_page};
pub(crate) use law_section::law_section;
pub use origin::Origin;
pub use run_page::RunPage;
pub use samples::{HealthSample, TargetSample, read as read_samples, read_scraped};
pub use sweep_page::sweep_page;
pub use timeline::{Extent, Stretch, StretchOperation, Timeline};

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// A whole document of this title.
pub(crate) fn document(title: &str, body: &str) -> String {
    let title = html::escape(title);
    html::fill(TEMPLATE, &[("title", &title), ("style", STYLE), ("script", SCRIPT), ("body", body)])
}

/// Lets a figure be as wide as the page.
fn wide(figure: &str) -> String {
    figure.replacen("class=\"chart", "class=\"wide chart", 1)
}
