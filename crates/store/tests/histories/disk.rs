//! A disk in memory that loses what was not synced, tears writes, flips bits, fails and runs full, as a seed says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rushhour_store::{Disk, DiskFile};

/// A change of a file that was not synced.
#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

#[derive(Debug, Default)]
struct Node {
    /// What is seen while the power is on.
    current: Vec<u8>,
    /// What is there after a power loss, but for what of `pending` comes through.
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// How far it takes room: it may be longer.
    taken: u64,
    is_locked: bool,
}

#[derive(Debug)]
struct State {
    rng: StdRng,
    nodes: Vec<Node>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    capacity: u64,
    /// How many changes and syncs still work.
    works: u64,
    /// Counts power losses: a file that was opened before one is gone.
    power: u64,
}

/// The disk.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
    power: u64,
    locks: Mutex<bool>,
}

impl SimulatedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        let (names, durable_names) = (BTreeMap::new(), BTreeMap::new());
        let rng = StdRng::seed_from_u64(seed);
        let state =
            State { rng, nodes: Vec::new(), names, durable_names, capacity: u64::MAX, works: u64::MAX, power: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the power fail: of what was not synced, any part may be there afterwards.
    pub(crate) fn lose_power(&self) {
        let state = &mut *self.state();
        state.power += 1;
        state.works = u64::MAX;
        for (path, node) in state.names.clone() {
            if !state.durable_names.contains_key(&path) && state.rng.random() {
                state.durable_names.insert(path, node);
            }
        }
        let names = state.names.clone();
        let rng = &mut state.rng;
        // A file that was replaced or removed may still be there.
        state.durable_names.retain(|path, node| names.get(path) == Some(node) || rng.random());
        state.names = state.durable_names.clone();
        for node in &mut state.nodes {
            let pending = std::mem::take(&mut node.pending);
            settle(&mut node.durable, pending, &mut state.rng);
            node.current = node.durable.clone();
            node.is_locked = false;
        }
    }

    /// Flips a bit of a file in `folder`; `false` when there is none.
    pub(crate) fn flip_bit(&self, folder: &str) -> bool {
        let state = &mut *self.state();
        let nodes: Vec<usize> = state
            .names
            .iter()
            .filter(|(path, _)| path.parent().is_some_and(|dir| dir.ends_with(folder)))
            .map(|(_, node)| *node)
            .collect();
        if nodes.is_empty() {
            return false;
        }
        let node = nodes[state.rng.random_range(0..nodes.len())];
        let used = state.nodes[node].current.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used > 0 {
            let bit = state.rng.random_range(0..used * 8);
            let node = &mut state.nodes[node];
            for bytes in [&mut node.current, &mut node.durable] {
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
        used > 0
    }

    /// Everything fails after so many changes and syncs.
    pub(crate) fn fail_after(&self, works: u64) {
        self.state().works = works;
    }

    /// Lets the disk have room for so many more bytes.
    pub(crate) fn leave_room(&self, bytes: u64) {
        let mut state = self.state();
        state.capacity = state.used().saturating_add(bytes);
    }
}

/// Any part of the changes that were not synced becomes durable.
fn settle(durable: &mut Vec<u8>, pending: Vec<Change>, rng: &mut StdRng) {
    let fate = rng.random_range(0..4);
    let kept = rng.random_range(0..=pending.len());
    for (number, change) in pending.into_iter().enumerate() {
        let is_kept = match fate {
            0 => false,
            1 => number < kept,
            _ => rng.random(),
        };
        if !is_kept {
            continue;
        }
        match change {
            Change::Write(offset, bytes) => {
                let is_torn = rng.random_range(0..3) == 0;
                let length = if is_torn { rng.random_range(0..=bytes.len()) } else { bytes.len() };
                put(durable, offset, &bytes[..length]);
            }
            Change::SetLen(length) => durable.resize(usize::try_from(length).unwrap(), 0),
        }
    }
}

fn put(into: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = usize::try_from(offset).unwrap();
    let end = start + bytes.len();
    if into.len() < end {
        into.resize(end, 0);
    }
    into[start..end].copy_from_slice(bytes);
}

impl State {
    fn used(&self) -> u64 {
        self.names.values().map(|node| self.nodes[*node].taken).sum()
    }

    /// Fails if it is time to.
    fn work(&mut self) -> io::Result<()> {
        if self.works == 0 {
            return Err(io::Error::other("the simulated disk fails"));
        }
        self.works -= 1;
        Ok(())
    }

    /// Gives a file room up to `length`.
    fn reserve(&mut self, node: usize, length: u64) -> io::Result<()> {
        let more = length.saturating_sub(self.nodes[node].taken);
        if more > 0 && self.used() + more > self.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.nodes[node].taken += more;
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.state().names.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.work()?;
        state.nodes.push(Node::default());
        let node = state.nodes.len() - 1;
        state.names.insert(path.to_owned(), node);
        let power = state.power;
        drop(state);
        Ok(Arc::new(SimulatedFile { disk: self.clone(), node, power, locks: Mutex::new(false) }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        let node = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let power = state.power;
        drop(state);
        Ok(Arc::new(SimulatedFile { disk: self.clone(), node, power, locks: Mutex::new(false) }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.work()?;
        state.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.work()?;
        let names = state.names.clone();
        let is_in = |path: &PathBuf| path.parent() == Some(dir);
        state.durable_names.retain(|path, node| !is_in(path) || names.get(path) == Some(node));
        state.durable_names.extend(names.into_iter().filter(|(path, _)| is_in(path)));
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity.saturating_sub(state.used()))
    }
}

impl SimulatedFile {
    /// The disk, unless the power failed since the file was opened.
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.power == self.power { Ok(state) } else { Err(io::Error::other("the power failed")) }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state()?;
        state.work()?;
        match &change {
            Change::Write(offset, bytes) => {
                let end = offset + bytes.len() as u64;
                state.reserve(self.node, end)?;
                put(&mut state.nodes[self.node].current, *offset, bytes);
            }
            Change::SetLen(length) => {
                let node = &mut state.nodes[self.node];
                node.taken = node.taken.min(*length);
                node.current.resize(usize::try_from(*length).unwrap(), 0);
            }
        }
        state.nodes[self.node].pending.push(change);
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state()?.nodes[self.node].current.len() as u64)
    }

    fn taken_bytes(&self) -> io::Result<u64> {
        Ok(self.state()?.nodes[self.node].taken)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.state()?;
        let start = usize::try_from(offset).unwrap();
        let bytes = state.nodes[self.node].current.get(start..start + into.len());
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, bytes.to_vec()))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::SetLen(bytes))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.state()?.reserve(self.node, bytes)?;
        if self.len()? < bytes { self.change(Change::SetLen(bytes)) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let works = state.work();
        let State { nodes, rng, .. } = &mut *state;
        let node = &mut nodes[self.node];
        let pending = std::mem::take(&mut node.pending);
        if works.is_err() {
            // Nobody will ever know what of it came through.
            settle(&mut node.durable, pending, rng);
            return works;
        }
        for change in pending {
            match change {
                Change::Write(offset, bytes) => put(&mut node.durable, offset, &bytes),
                Change::SetLen(length) => node.durable.resize(usize::try_from(length).unwrap(), 0),
            }
        }
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.state()?;
        let was_locked = std::mem::replace(&mut state.nodes[self.node].is_locked, true);
        *self.locks.lock().unwrap() = !was_locked;
        Ok(!was_locked)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        if *self.locks.lock().unwrap()
            && let Ok(mut state) = self.state()
        {
            state.nodes[self.node].is_locked = false;
        }
    }
}
