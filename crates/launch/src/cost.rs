//! What a day of a user was measured to cost, as it is kept.

use std::path::Path;

use anyhow::{Context, Result};
use rushhour_report::cost::CostVector;
use rushhour_report::page::cost_page;

use crate::run_page::{PAGE_FILE, name, read_origin};
use crate::rundir::replace;

/// The costs' file name.
pub const COST_FILE: &str = "cost.json";
/// Where the runs are kept that they were measured in.
pub const DAYS_DIR: &str = "days";

/// Keeps costs in `dir`, with their page.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(cost: &CostVector, dir: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(cost).context("writing the costs as JSON")? + "\n";
    replace(&dir.join(COST_FILE), &text)?;
    replace(&dir.join(PAGE_FILE), &cost_page(&name(dir), &read_origin(dir), cost))
}

/// Reads costs that were kept; `path` is their folder, or the file itself.
///
/// # Errors
/// When there are none, or they cannot be read as such.
pub fn read(path: &Path) -> Result<CostVector> {
    let file = if path.is_dir() { path.join(COST_FILE) } else { path.to_owned() };
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {} as a day's costs", file.display()))
}
