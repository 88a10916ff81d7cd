//! Days of real phones, as the original server stored them: what sensing is compared with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rushhour_dataset::statistics::senses::Senses;
use rushhour_dataset::statistics::sensing::RealDays;

use crate::entry_file::read;

const SUFFIX: &str = ".stored.json.gz";

/// How phones sensed on the days of a folder: every second one of each kind of phone is held out. The files are named
/// `android-2023-01-15.stored.json.gz`.
pub(crate) fn halves(dir: &Path) -> Result<RealDays> {
    let mut real = RealDays::default();
    let mut last = String::new();
    let mut is_held_out = false;
    for file in files(dir)? {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let profile = profile(&name).with_context(|| format!("{name} does not begin like `android-2023-`"))?;
        is_held_out = profile == last && !is_held_out;
        last.clone_from(&profile);
        let half = if is_held_out { &mut real.held_out } else { &mut real.others };
        half.add(&profile, &senses(&file)?);
    }
    Ok(real)
}

/// What a phone sensed, from a file of its entries in stored form.
pub(crate) fn senses(file: &Path) -> Result<Senses> {
    let mut senses = Senses::default();
    read(file, &mut |_, entry| {
        senses.note(&entry);
        Ok(())
    })
    .with_context(|| format!("in {}", file.display()))?;
    senses.sort();
    Ok(senses)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let paths = listing.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut files = paths.with_context(|| format!("reading {}", dir.display()))?;
    files.retain(|path| path.to_string_lossy().ends_with(SUFFIX));
    files.sort();
    if files.is_empty() {
        bail!("{} has no file that ends in {SUFFIX}", dir.display());
    }
    Ok(files)
}

/// The kind of phone that a day is from. Those of 2015 to 2016 are alike, and so are those since.
fn profile(name: &str) -> Option<String> {
    let mut parts = name.split('-');
    let (platform, year) = (parts.next()?, parts.next()?.parse::<u32>().ok()?);
    Some(format!("{platform}-{}", if year < 2020 { 2016 } else { 2023 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_phone_is_told_by_the_name() {
        assert_eq!(profile("android-2015-08-27.stored.json.gz").as_deref(), Some("android-2016"));
        assert_eq!(profile("android-2023-01-15.stored.json.gz").as_deref(), Some("android-2023"));
        assert_eq!(profile("ios-2016-02-22.stored.json.gz").as_deref(), Some("ios-2016"));
        assert_eq!(profile("monday.stored.json.gz"), None);
    }
}
