//! `rushhour store import`: files of entries into a store, sealed and merged.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use rushhour_model::ids::UserId;
use rushhour_report::table::Table;
use rushhour_store::{Ack, Maintained, NewRow, Options, Store, Upload};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::entries::parse_failure;
use crate::entry_file::read_counted;
use crate::exit::{Exit, Failure};
use crate::ios_rounding::IosRounding;
use crate::output::{say, show};
use crate::progress::{bytes, spinner};
use crate::store::{Format, open_with};
use crate::store_entry::{Item, user_of};
use crate::store_source::{Source, sources};
use crate::surroundings;

/// Put files of entries into a store, and seal them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour store import --data /tmp/diary study/timeline
  rushhour store import --data /tmp/diary export/anna_*.gz
  rushhour store import --data /tmp/bench --copies 200 days/android-*.stored.json.gz

A file is a JSON array of one user's entries, as phones send them or as the original server exports
them; .gz and .zst are told by the ending, and files named _pipelinestate_ are passed over. Of a
folder with a folder `timeline` in it, that one is read.

A user's token is the one in the data set's truth/users.csv or an export's users.csv; without one it
is the id in the file's name (PREFIX_UUID.gz) or in its entries, and without that the file's name.
What is there already adds nothing, so an import that was interrupted can be repeated.")]
pub(crate) struct Args {
    /// The folder of the store; made when missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Files of entries, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Make so many users of each file, copy k later by k days: for benchmarks
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    copies: u32,
    /// Round what iOS phones say below a centimetre and a millisecond when it is sealed; it is half of their bytes
    #[arg(long, value_enum, default_value_t = IosRounding::Off)]
    ios_rounding: IosRounding,
    /// On how many threads; one for each core when not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let sources = sources(&args.files).map_err(parse_failure)?;
    let threads = args.threads.map_or_else(surroundings::cores, NonZeroUsize::get);
    // Everything is on the disk for good once it is sealed, and an import that was cut short is repeated.
    let options = Options {
        ack: Ack::Log,
        sealing_threads: threads,
        ios_rounding: args.ios_rounding.into(),
        ..Options::new(&args.data, surroundings::rng()?)
    };
    let store = open_with(options, quiet)?;
    let before = store.stat();
    let units = units(&sources, args.copies);
    let bar = bytes(quiet, "import", units.iter().map(|unit| unit.source.bytes).sum());
    let import = Import {
        store: &store,
        runtime: Runtime::new().context("starting the runtime")?,
        units,
        next: AtomicUsize::new(0),
        has_copies: args.copies > 1,
        read: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        trouble: Mutex::default(),
        bar,
    };
    import.run(threads).map_err(parse_failure)?;
    let (read, elapsed_s) = (import.read.load(Ordering::Relaxed), import.bar.elapsed().as_secs_f64());
    let trouble = import.trouble.into_inner().expect("nobody panics with the list");
    drop(import.bar);
    let settling = spinner(quiet, "sealing and merging");
    let sealed = store.seal_all().context("sealing")?;
    store.compact(DEAD_SHARE_MAX).context("merging")?;
    settling.finish_and_clear();
    let after = store.stat();
    let done = Done {
        files: sources.len(),
        users: after.users - before.users,
        read,
        kept: after.entries.saturating_sub(before.entries),
        left_out: trouble.count,
        bytes: store.usage().context("measuring the store")?.total(),
        per_s: read as f64 / elapsed_s.max(0.001),
    };
    show(&done.text(args.format))?;
    Ok(trouble.tell(&sealed))
}

/// What others took the place of is no more than this share of a file.
const DEAD_SHARE_MAX: f64 = 0.01;
/// So many copies are made of a file each time it is read.
const UNIT_COPIES: u32 = 16;
/// An upload has at most so many entries: a long day of a phone that was offline, and a bound to memory.
const UPLOAD_ENTRIES_MAX: usize = 10_000;
/// So many users are sealed at once: one sync for all of them, and a bound to the log.
const SEAL_USERS: usize = 16;
/// So many entries that could not be taken are named; the rest is counted.
const NAMED_MAX: usize = 20;

/// What one thread does at a time: some copies of one file.
struct Unit<'a> {
    source: &'a Source,
    copies: Range<u32>,
}

fn units(sources: &[Source], copies: u32) -> Vec<Unit<'_>> {
    let starts = (0..copies).step_by(UNIT_COPIES as usize);
    let ranges = starts.map(|start| start..copies.min(start + UNIT_COPIES));
    sources.iter().flat_map(|source| ranges.clone().map(move |copies| Unit { source, copies })).collect()
}

/// An import under way.
struct Import<'a> {
    store: &'a Store,
    runtime: Runtime,
    units: Vec<Unit<'a>>,
    next: AtomicUsize,
    has_copies: bool,
    read: AtomicU64,
    stop: AtomicBool,
    trouble: Mutex<Trouble>,
    bar: ProgressBar,
}

impl Import<'_> {
    fn run(&self, threads: usize) -> Result<()> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work())).collect();
            // The first error is the cause; others only stop.
            let ends = workers.into_iter().map(|worker| worker.join().expect("a worker returns its errors"));
            let ends: Vec<Result<()>> = ends.collect();
            self.bar.finish_and_clear();
            ends.into_iter().collect()
        })
    }

    fn work(&self) -> Result<()> {
        let mut unsealed = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let Some(unit) = self.units.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            let taken = self.take(unit).and_then(|users| {
                unsealed.extend(users);
                if unsealed.len() < SEAL_USERS { Ok(()) } else { self.seal(&std::mem::take(&mut unsealed)) }
            });
            if let Err(error) = taken {
                self.stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        self.seal(&unsealed)
    }

    fn seal(&self, users: &[UserId]) -> Result<()> {
        let sealed = self.store.seal_users(users).context("sealing")?;
        self.trouble().add_unsealed(&sealed);
        Ok(())
    }

    /// Reads a file and keeps its entries as those of the unit's users.
    fn take(&self, unit: &Unit<'_>) -> Result<Vec<UserId>> {
        let path = unit.source.path.display();
        let users: Vec<UserId> =
            unit.copies.clone().map(|copy| self.register(unit.source, copy)).collect::<Result<_>>()?;
        let mut items = Vec::new();
        read_counted(&unit.source.path, &self.bar, &mut |index, value: Value| {
            if self.stop.load(Ordering::Relaxed) {
                bail!("stopped");
            }
            if let (Some(user), Some(other)) = (unit.source.user, user_of(&value))
                && user != other
            {
                bail!("in {path}: entry {index} is {other}'s, and those before are {user}'s; a file is one user's");
            }
            match Item::new(value, self.has_copies) {
                Ok(item) => items.push(item),
                Err(what) => self.trouble().add(|| format!("{path}: entry {index}: {what}")),
            }
            if items.len() < UPLOAD_ENTRIES_MAX {
                return Ok(());
            }
            self.keep(&users, unit, std::mem::take(&mut items))
        })?;
        self.keep(&users, unit, items)?;
        Ok(users)
    }

    fn register(&self, source: &Source, copy: u32) -> Result<UserId> {
        let (store, token) = (self.store, &source.token);
        let registered = self.runtime.block_on(async {
            match (copy, source.user) {
                (0, Some(user)) => store.register_as(token, user).await,
                (0, None) => store.register(token).await,
                (copy, _) => store.register(&format!("{token}-copy-{copy}")).await,
            }
        });
        registered.context("registering a user")
    }

    /// Appends some entries, moved on by a day from copy to copy.
    fn keep(&self, users: &[UserId], unit: &Unit<'_>, mut items: Vec<Item>) -> Result<()> {
        for (copy, user) in unit.copies.clone().zip(users) {
            let is_first = copy == unit.copies.start;
            let days = i32::try_from(if is_first { copy } else { 1 }).expect("there are not so many copies");
            if days > 0 {
                let before = items.len();
                items.retain_mut(|item| item.move_by_days(days).is_some());
                self.trouble().add_unmoved(before - items.len(), unit.copies.end - copy);
            }
            if items.is_empty() {
                continue;
            }
            let rows: Vec<NewRow<'_>> = items.iter().map(Item::row).collect();
            self.runtime.block_on(self.store.append(Upload::pack(*user, &rows))).context("writing to the log")?;
            let read = self.read.fetch_add(rows.len() as u64, Ordering::Relaxed) + rows.len() as u64;
            let per_s = read as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
            self.bar.set_message(format!(", {:.0} k entries/s", per_s / 1e3));
        }
        Ok(())
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().expect("nobody panics with the list")
    }
}

/// What could not be done.
#[derive(Debug, Default)]
struct Trouble {
    /// Entries that could not be taken.
    count: u64,
    named: Vec<String>,
    /// Entries that are in the first copies of their files only.
    unmoved: u64,
    unsealed: Vec<String>,
}

impl Trouble {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(name());
        }
    }

    fn add_unmoved(&mut self, entries: usize, copies: u32) {
        self.unmoved += entries as u64 * u64::from(copies);
    }

    fn add_unsealed(&mut self, sealed: &Maintained) {
        self.unsealed.extend(sealed.failed.iter().map(|(user, error)| format!("{user} could not be sealed: {error}")));
    }

    fn tell(mut self, last: &Maintained) -> Exit {
        // Who failed before is tried again at the end.
        self.unsealed.clear();
        self.add_unsealed(last);
        self.named.iter().chain(&self.unsealed).for_each(|line| say(line));
        if self.count > self.named.len() as u64 {
            say(&format!("… and {} more", self.count - self.named.len() as u64));
        }
        if self.unmoved > 0 {
            say(&format!("{} entries were left out of copies, because no phone wrote them", self.unmoved));
        }
        if self.count == 0 && self.unsealed.is_empty() { Exit::Done } else { Exit::Failed }
    }
}

/// What an import did.
struct Done {
    files: usize,
    users: usize,
    /// Entries, as often as they were appended.
    read: u64,
    /// How many more the store has now.
    kept: u64,
    left_out: u64,
    /// What the store takes now.
    bytes: u64,
    per_s: f64,
}

impl Done {
    fn text(&self, format: Format) -> String {
        let Self { files, users, read, kept, left_out, bytes, per_s } = self;
        if format == Format::Json {
            let done = json!({"files": files, "new_users": users, "entries_read": read, "entries_kept": kept,
                "entries_left_out": left_out, "store_bytes": bytes, "entries_per_s": per_s.round()});
            return serde_json::to_string_pretty(&done).expect("numbers can be written as JSON") + "\n";
        }
        let mut table = Table::new(1, &["what", "count"]);
        let rows = [("files", *files as u64), ("new users", *users as u64), ("entries read", *read)];
        let more = [("entries kept", *kept), ("entries left out", *left_out), ("bytes of the store", *bytes)];
        for (what, count) in rows.into_iter().chain(more) {
            table.rows.push(vec![what.to_owned(), count.to_string()]);
        }
        table.text()
    }
}
