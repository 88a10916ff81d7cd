//! Opening a store: what its files say becomes what is in memory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rushhour_model::ids::UserId;

use crate::clock::{Clock, steady_time};
use crate::core::{Core, People};
use crate::directory::Directory;
use crate::disk::{Disk, LocalDisk};
use crate::error::Error;
use crate::hot::{Hot, HotRecord};
use crate::key_set::KeySet;
use crate::log::{Ack, Committer, Counters, Log, Tail, recover};
use crate::maintain::Policy;
use crate::room::Room;
use crate::store::Store;
use crate::upload::RecordHeader;
use crate::volume::Volumes;

/// What entries of iOS are rounded to when they are sealed.
///
/// Half of what an iOS phone's day takes is noise: nanometres, and microseconds of clocks. Android's is kept to the bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IosRounding {
    /// They are kept to the bit.
    #[default]
    Off,
    /// Positions and heights to centimetres, clocks to milliseconds, speeds to centimetres a second, headings to tenths
    /// of a degree, accuracies to tenths of a metre. An entry that is sent again after it was sealed and says something
    /// else stands beside the first.
    Centimetre,
}

/// How to open a store.
pub struct Options {
    /// The data folder; created when missing.
    pub dir: PathBuf,
    /// The room that is reserved for a log segment, at most 1 GiB.
    pub segment_bytes: u64,
    /// A volume is closed once it is so long, at most 1 GiB.
    pub volume_bytes: u64,
    /// When an upload is acknowledged.
    pub ack: Ack,
    /// What [`Store::maintain`] does.
    pub policy: Policy,
    /// So many threads seal when everything is to be sealed; [`Store::maintain`] has its own only.
    pub sealing_threads: usize,
    /// What sealed entries of iOS are rounded to.
    pub ios_rounding: IosRounding,
    /// What the files are on.
    pub disk: Arc<dyn Disk>,
    /// What tells how long something takes.
    pub clock: Clock,
    /// Draws user ids and salts.
    pub rng: StdRng,
}

impl Options {
    /// A store in `dir` on this machine's file system, with segments of 16 MiB and volumes of 64 MiB, few enough of which
    /// fit a 10 GB volume that their unused ends do not matter.
    pub fn new(dir: &Path, rng: StdRng) -> Self {
        Self {
            dir: dir.to_owned(),
            segment_bytes: 16 << 20,
            volume_bytes: 64 << 20,
            ack: Ack::Sync,
            policy: Policy::default(),
            sealing_threads: 1,
            ios_rounding: IosRounding::default(),
            disk: Arc::new(LocalDisk),
            clock: steady_time,
            rng,
        }
    }
}

impl Store {
    /// Opens the store, reading its log back. A store whose log is damaged opens too, but takes no changes
    /// ([`Error::ReadOnly`], [`damage`](Self::damage)).
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::DirectoryLost`], or a file that cannot be read or made.
    pub fn open(options: Options) -> Result<Self, Error> {
        let Options {
            dir,
            segment_bytes,
            volume_bytes,
            ack,
            policy,
            sealing_threads,
            ios_rounding,
            disk,
            clock,
            mut rng,
        } = options;
        let opened = Opened::read(disk, clock, dir, volume_bytes, StdRng::from_rng(&mut rng))?;
        let Opened { mut core, tail, torn_bytes } = opened;
        core.ios_rounding = ios_rounding;
        let counters = Arc::new(Counters::default());
        let log = Log {
            disk: Arc::clone(&core.disk),
            segment_bytes,
            ack,
            tail,
            segments: Arc::clone(&core.segments),
            room: Arc::clone(&core.room),
            hot: Arc::clone(&core.hot),
            counters: Arc::clone(&counters),
            clock,
            rng: StdRng::from_rng(&mut rng),
            is_poisoned: false,
            unsynced: (0, 0),
            last_group: (Duration::ZERO, 0),
        };
        let committer = if core.damage.is_none() {
            Some(Committer::start(log).map_err(Error::io("starting the writing thread for", &core.dir))?)
        } else {
            None
        };
        Ok(Self {
            committer,
            epoch: Mutex::new(core.directory.epoch()),
            core: Arc::new(core),
            policy,
            sealing_threads,
            maintenance: Mutex::new(()),
            ack,
            rng: Mutex::new(rng),
            counters,
            torn_bytes,
        })
    }
}

/// A store before anything is written to it.
struct Opened {
    core: Core,
    tail: Option<Tail>,
    torn_bytes: u64,
}

impl Opened {
    fn read(disk: Arc<dyn Disk>, clock: Clock, dir: PathBuf, volume_bytes: u64, rng: StdRng) -> Result<Self, Error> {
        let (log_dir, chunk_dir) = (dir.join("log"), dir.join("chunks"));
        for folder in [&log_dir, &chunk_dir] {
            disk.create_dir(folder).map_err(Error::io("creating", folder))?;
        }
        // The directory comes first: it is what tells that another process has the store.
        let directory = Directory::open(Arc::clone(&disk), &dir)?;
        let hot = Arc::new(Hot::new(clock));
        hot.start(directory.people()?.iter().map(|person| (person.id, person.sealed)));
        let apply = |header: RecordHeader, at| {
            hot.apply(header.user, HotRecord::new(&header, KeySet::ANY, at, Duration::ZERO));
        };
        let recovered = recover(&*disk, &log_dir, directory.log_start()?, directory.last_segment()?, apply)?;
        disk.sync_dir(&dir).map_err(Error::io("syncing", &dir))?;
        let damage = recovered.damage.first().map(ToString::to_string);
        let volume_rows = directory.volumes()?;
        let volumes = Volumes::open(Arc::clone(&disk), chunk_dir, &volume_rows, volume_bytes, rng)?;
        let segments = Arc::new(recovered.segments);
        let room = Arc::new(Room::new(Arc::clone(&disk), dir.clone(), Arc::clone(&segments), Arc::clone(&hot)));
        let core = Core {
            people: RwLock::new(People::read(&directory)?),
            sealed_entries: AtomicU64::new(volume_rows.values().map(|row| row.entries).sum()),
            segments,
            room,
            disk,
            dir,
            directory,
            hot,
            volumes,
            ios_rounding: IosRounding::default(),
            damage,
        };
        core.refuse_strangers()?;
        core.resume()?;
        core.remove_strays()?;
        core.look_for_room()?;
        Ok(Self { core, tail: recovered.tail, torn_bytes: recovered.torn_bytes })
    }
}

impl People {
    fn read(directory: &Directory) -> Result<Self, Error> {
        let ids: HashMap<u32, UserId> =
            directory.people()?.into_iter().map(|person| (person.number, person.id)).collect();
        let tokens = directory.tokens()?.into_iter().filter_map(|(token, user)| Some((token, *ids.get(&user)?)));
        Ok(Self { tokens: tokens.collect(), numbers: ids.iter().map(|(number, id)| (*id, *number)).collect() })
    }
}

impl Core {
    /// Continues with what was taken in, as the directory knows it.
    pub(crate) fn resume(&self) -> Result<(), Error> {
        let progress: HashMap<u32, u32> = self.directory.progress()?.into_iter().collect();
        let people = self.people.read().expect("no writer panics");
        let taken = people.numbers.iter().filter_map(|(user, number)| Some((*user, *progress.get(number)?)));
        self.hot.resume(&taken.collect());
        Ok(())
    }

    /// Entries of a user whom the directory does not know could never be reached again.
    fn refuse_strangers(&self) -> Result<(), Error> {
        let known: HashSet<UserId> = self.people.read().expect("no writer panics").numbers.keys().copied().collect();
        let strangers = self.hot.users().into_iter().filter(|user| !known.contains(user)).count();
        let has_lost_volumes = known.is_empty() && !self.volumes.strays()?.is_empty();
        if strangers == 0 && !has_lost_volumes {
            return Ok(());
        }
        Err(Error::DirectoryLost { dir: self.dir.clone(), strangers })
    }

    /// Removes volumes that were given up, or never taken into use.
    fn remove_strays(&self) -> Result<(), Error> {
        if self.damage.is_some() {
            return Ok(());
        }
        self.volumes.strays()?.iter().try_for_each(|path| self.volumes.remove_file(path))
    }
}
