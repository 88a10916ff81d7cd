//! `rushhour store delete-user`, `rebuild` and `repair`: what changes a store for good.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use rushhour_model::ids::UserId;
use rushhour_store::{Disk, LocalDisk, Repair, Store};

use crate::exit::{Exit, Failure};
use crate::output::{say, show};
use crate::progress::spinner;
use crate::store::open;

/// Erase a user, so that nothing of them is left in any file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store delete-user /tmp/diary anna --yes
  rushhour store delete-user /tmp/diary 421d3f44-377e-4034-a4a1-49fa4fa319a9 --yes

Their tokens, profile, entries and diary are written over. Copies of the folder are not touched.")]
pub(crate) struct DeleteArgs {
    /// The folder of the store
    dir: PathBuf,
    /// The user's token or id
    #[arg(value_name = "TOKEN|UUID")]
    user: String,
    /// Do it: it cannot be undone
    #[arg(long)]
    yes: bool,
}

/// Runs `store delete-user`.
pub(crate) fn delete_user(args: &DeleteArgs, quiet: bool) -> Result<Exit, Failure> {
    let store = open(&args.dir, quiet)?;
    let by_id = UserId::parse(&args.user).filter(|user| store.users().contains(user));
    let user = store.user(&args.user).or(by_id);
    let nobody = || Failure::Usage(anyhow!("nobody is registered as {} in {}", args.user, args.dir.display()));
    let user = user.ok_or_else(nobody)?;
    if !args.yes {
        return Err(Failure::Usage(anyhow!("this erases {user} for good; say --yes to do it")));
    }
    let erasing = spinner(quiet, "erasing");
    let erased = store.delete_user(user).context("erasing; repeat it")?;
    erasing.finish_and_clear();
    show(&format!("{user} is erased: {} entries, {} frames written over\n", erased.entries, erased.frames))?;
    Ok(Exit::Done)
}

/// Make a lost directory.redb anew from the chunks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store rebuild /tmp/diary
  rushhour intake --store /tmp/diary

The directory must be gone; move it away first if it is damaged. Tokens, profiles and the places of
chunks come back, diaries do not: `rushhour intake --store` writes them anew. Users of whom nothing
was ever sealed are lost.")]
pub(crate) struct RebuildArgs {
    /// The folder of the store
    dir: PathBuf,
}

/// Runs `store rebuild`.
pub(crate) fn rebuild(args: &RebuildArgs, quiet: bool) -> Result<Exit, Failure> {
    if !args.dir.join("chunks").is_dir() {
        return Err(Failure::Usage(anyhow!("there is no store in {}", args.dir.display())));
    }
    let reading = spinner(quiet, "reading chunks");
    let rebuilt =
        Store::rebuild(&disk(), &args.dir, &mut |volume| reading.set_message(format!("read volume {volume}")));
    reading.finish_and_clear();
    let rebuilt = rebuilt.with_context(|| format!("making the directory of {} anew", args.dir.display()))?;
    show(&format!("{} users, {} chunks, {} entries\n", rebuilt.users, rebuilt.chunks, rebuilt.entries))?;
    if rebuilt.damaged_bytes == 0 {
        return Ok(Exit::Done);
    }
    say(&format!("{} bytes of chunks are damaged and were left where they are", rebuilt.damaged_bytes));
    Ok(Exit::Failed)
}

/// Give up the damaged part of a log, so that the store can be written again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store verify /tmp/diary
  rushhour store repair /tmp/diary --skip
  rushhour store repair /tmp/diary --cut

Restoring the damaged file from a copy loses nothing; this does. What is given up is counted and
named. Without damage nothing changes.")]
pub(crate) struct RepairArgs {
    /// The folder of the store
    dir: PathBuf,
    #[command(flatten)]
    how: How,
}

#[derive(Clone, Copy, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct How {
    /// Give up what is damaged and everything that was appended after it
    #[arg(long)]
    cut: bool,
    /// Give up what is damaged and keep what was appended after it
    #[arg(long)]
    skip: bool,
}

/// So many places are named; the rest is counted.
const NAMED_MAX: usize = 20;

/// Runs `store repair`.
pub(crate) fn repair(args: &RepairArgs) -> Result<Exit, Failure> {
    require(&args.dir)?;
    let how = if args.how.cut { Repair::Cut } else { Repair::Skip };
    let repaired = Store::repair(&disk(), &args.dir, how);
    let repaired = repaired.with_context(|| format!("repairing the log in {}", args.dir.display()))?;
    for damage in repaired.damage.iter().take(NAMED_MAX) {
        say(&damage.to_string());
    }
    show(&format!(
        "{} damaged places; {} bytes and {} whole uploads given up\n",
        repaired.damage.len(),
        repaired.lost_bytes,
        repaired.lost_uploads.len()
    ))?;
    for (user, upload) in repaired.lost_uploads.iter().take(NAMED_MAX) {
        say(&format!("gone: upload {upload} of {user}"));
    }
    Ok(Exit::Done)
}

fn require(dir: &Path) -> Result<(), Failure> {
    let is_there = dir.join("directory.redb").exists();
    is_there.then_some(()).ok_or_else(|| Failure::Usage(anyhow!("there is no store in {}", dir.display())))
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(LocalDisk)
}
