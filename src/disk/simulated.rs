//! A disk in memory that forgets like a real one, for crash tests.
//!
//! The fault model, written down before the code:
//! - A write is visible to readers at once and durable after the file's `sync`. At a power loss each
//!   write since then survives wholly, not at all, or torn at 512-byte sectors, independently of the
//!   others (so later writes may survive earlier ones).
//! - A change of a directory (create, rename, remove, mkdir, rmdir) is durable after `sync_dir`. At a
//!   power loss a prefix of the directory's changes since then survives; a rename is atomic.
//! - A length change is one of the file's writes.
//! - From the cut on every operation fails with EIO, reads too: the machine is off.
//! - EIO or ENOSPC can be ordered at the n-th operation; the disk works on afterwards.
//!
//! Operations are counted when they change something: create, write, set_len, allocate, sync, rename,
//! remove, mkdir, rmdir, sync_dir. The same seed and workload give the same outcome.

use super::{Disk, Entry, File, parent};
use parking_lot::Mutex;
use rustix::io::Errno;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

const SECTOR: usize = 512;

/// What happens at a given operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power fails before the operation; all later ones fail.
    Cut,
    /// The power fails in the operation: a write is torn.
    CutTorn,
    /// This operation alone fails with EIO.
    Eio,
    /// This operation alone fails with ENOSPC, if it needs space.
    Enospc,
}

/// The disk; clones share one state.
#[derive(Clone)]
pub struct Simulated {
    state: Arc<Mutex<State>>,
}

struct State {
    files: HashMap<u64, Contents>,
    dirs: BTreeMap<String, Directory>,
    next_file: u64,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    dead: bool,
    /// Bytes all files together may have; None = no limit.
    capacity: Option<u64>,
    random: Random,
    /// The names of the operations so far, when asked for.
    trace: Option<Vec<String>>,
}

#[derive(Clone, Default)]
struct Contents {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Len(usize),
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    File(u64),
    Dir,
}

#[derive(Clone, Default)]
struct Directory {
    current: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Add(String, Node),
    Remove(String),
    /// From and to in the same directory: atomic.
    Rename(String, String),
}

struct Random(u64);

impl Random {
    /// xorshift64*: enough for faults, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n.max(1)
    }
}

impl Simulated {
    /// An empty disk; the seed decides what survives a power loss.
    pub fn new(seed: u64) -> Simulated {
        let state = State {
            files: HashMap::new(),
            dirs: BTreeMap::from([(".".to_string(), Directory::default())]),
            next_file: 1,
            operations: 0,
            faults: BTreeMap::new(),
            dead: false,
            capacity: None,
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            trace: None,
        };
        Simulated { state: Arc::new(Mutex::new(state)) }
    }

    /// Orders a fault at the n-th counted operation from the disk's beginning (from 1).
    pub fn fault_at(&self, operation: u64, fault: Fault) {
        self.state.lock().faults.insert(operation, fault);
    }

    /// Counted operations so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Keeps the names of all operations from now on.
    pub fn trace(&self) {
        self.state.lock().trace = Some(Vec::new());
    }

    /// Hands out the names kept so far.
    pub fn take_trace(&self) -> Vec<String> {
        self.state.lock().trace.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether the power is off.
    pub fn is_dead(&self) -> bool {
        self.state.lock().dead
    }

    /// Limits the bytes of all files together: beyond it, ENOSPC.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used()
    }

    /// The power comes back: a new disk with what survived, all handles of the old one dead.
    pub fn after_power_loss(&self) -> Simulated {
        let mut old = self.state.lock();
        old.dead = true;
        let seed = old.random.next();
        let new = Simulated::new(seed);
        {
            let mut state = new.state.lock();
            state.next_file = old.next_file;
            state.dirs = surviving_dirs(&mut old);
            let ids: Vec<u64> = state.dirs.values().flat_map(|d| d.current.values()).filter_map(file_id).collect();
            for id in ids {
                let survived = old.files.get(&id).cloned().unwrap_or_default().after_power_loss(&mut old.random);
                state.files.insert(id, survived);
            }
        }
        new
    }

    /// A process crash without power loss: everything written stays; old handles are dead.
    pub fn after_process_crash(&self) -> Simulated {
        let mut old = self.state.lock();
        old.dead = true;
        let seed = old.random.next();
        let new = Simulated::new(seed);
        {
            let mut state = new.state.lock();
            state.next_file = old.next_file;
            state.dirs = old.dirs.clone();
            state.files = old.files.clone();
        }
        new
    }

    fn file(&self, id: u64, path: &str) -> Arc<dyn File> {
        Arc::new(SimulatedFile { disk: self.clone(), id, path: path.to_string() })
    }
}

fn file_id(node: &Node) -> Option<u64> {
    match node {
        Node::File(id) => Some(*id),
        Node::Dir => None,
    }
}

fn surviving_dirs(old: &mut State) -> BTreeMap<String, Directory> {
    let mut survived = BTreeMap::new();
    let names: Vec<String> = old.dirs.keys().cloned().collect();
    for name in names {
        let dir = &old.dirs[&name];
        let keep = old.random.below(dir.pending.len() as u64 + 1) as usize;
        let mut entries = dir.durable.clone();
        for change in &dir.pending[..keep] {
            change.apply(&mut entries);
        }
        survived.insert(name, Directory { current: entries.clone(), durable: entries, pending: Vec::new() });
    }
    // A directory whose own entry did not survive is gone with everything in it.
    loop {
        let lost: Vec<String> = survived
            .keys()
            .filter(|name| name.as_str() != ".")
            .filter(|name| {
                let base = name.rsplit('/').next().unwrap_or(name);
                survived.get(parent(name)).is_none_or(|p: &Directory| p.current.get(base) != Some(&Node::Dir))
            })
            .cloned()
            .collect();
        if lost.is_empty() {
            break;
        }
        for name in lost {
            survived.remove(&name);
        }
    }
    // An entry of a directory that itself was never made durable below it: give it an empty one.
    let missing: Vec<String> = survived
        .iter()
        .flat_map(|(name, d)| d.current.iter().filter(|(_, n)| **n == Node::Dir).map(move |(base, _)| join(name, base)))
        .collect();
    for name in missing {
        survived.entry(name).or_default();
    }
    survived
}

fn join(dir: &str, base: &str) -> String {
    if dir == "." { base.to_string() } else { format!("{dir}/{base}") }
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<String, Node>) {
        match self {
            Change::Add(name, node) => {
                entries.insert(name.clone(), *node);
            }
            Change::Remove(name) => {
                entries.remove(name);
            }
            Change::Rename(from, to) => {
                if let Some(node) = entries.remove(from) {
                    entries.insert(to.clone(), node);
                }
            }
        }
    }
}

impl Contents {
    fn apply(&mut self, change: Pending) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    fn after_power_loss(mut self, random: &mut Random) -> Contents {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Pending::Len(_) if random.below(2) == 0 => change.apply(&mut self.durable),
                Pending::Len(_) => {}
                Pending::Write(at, bytes) => match random.below(3) {
                    0 => {}
                    1 => Pending::Write(at, bytes).apply(&mut self.durable),
                    _ => apply_torn(&mut self.durable, at, &bytes, random),
                },
            }
        }
        Contents { current: self.durable.clone(), durable: self.durable, pending: Vec::new() }
    }
}

impl Pending {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Pending::Write(at, bytes) => {
                let end = at + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[*at..end].copy_from_slice(bytes);
            }
            Pending::Len(len) => contents.resize(*len, 0),
        }
    }
}

/// Each 512-byte sector of the file that the write touches survives or not by itself.
fn apply_torn(contents: &mut Vec<u8>, at: usize, bytes: &[u8], random: &mut Random) {
    let mut done = 0;
    while done < bytes.len() {
        let sector_end = ((at + done) / SECTOR + 1) * SECTOR;
        let step = (sector_end - at - done).min(bytes.len() - done);
        if random.below(2) == 0 {
            Pending::Write(at + done, bytes[done..done + step].to_vec()).apply(contents);
        }
        done += step;
    }
}

impl State {
    fn used(&self) -> u64 {
        let linked = self.dirs.values().flat_map(|d| d.current.values()).filter_map(file_id);
        linked.filter_map(|id| self.files.get(&id)).map(|f| f.current.len() as u64).sum()
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(Errno::IO.into()) } else { Ok(()) }
    }

    /// Counts an operation; says whether it is to be torn, or fails with the fault ordered for it.
    fn count(&mut self, what: impl FnOnce() -> String, needs_space: bool) -> io::Result<bool> {
        self.alive()?;
        self.operations += 1;
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
        match self.faults.get(&self.operations) {
            None => Ok(false),
            Some(Fault::Cut) => {
                self.dead = true;
                Err(Errno::IO.into())
            }
            Some(Fault::CutTorn) => {
                // The rest of the operation still reaches memory, and from there perhaps the disk.
                self.dead = true;
                Ok(true)
            }
            Some(Fault::Eio) => Err(Errno::IO.into()),
            Some(Fault::Enospc) if needs_space => Err(Errno::NOSPC.into()),
            Some(Fault::Enospc) => Ok(false),
        }
    }

    fn dir(&mut self, path: &str) -> io::Result<&mut Directory> {
        self.dirs.get_mut(path).ok_or_else(|| Errno::NOENT.into())
    }

    fn node(&self, path: &str) -> io::Result<Node> {
        if path == "." || path == "/" {
            return Ok(Node::Dir);
        }
        let base = path.rsplit('/').next().unwrap_or(path);
        let dir = self.dirs.get(parent(path)).ok_or(Errno::NOENT)?;
        Ok(*dir.current.get(base).ok_or(Errno::NOENT)?)
    }

    fn change(&mut self, dir: &str, change: Change) -> io::Result<()> {
        let dir = self.dir(dir)?;
        change.apply(&mut dir.current);
        dir.pending.push(change);
        Ok(())
    }
}

fn base_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_string()
}

/// `a/./b/` and `a/b` are the same path.
fn clean(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    if parts.is_empty() { ".".to_string() } else { parts.join("/") }
}

impl Disk for Simulated {
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = clean(path);
        let state = self.state.lock();
        state.alive()?;
        match state.node(&path)? {
            Node::File(id) => Ok(self.file(id, &path)),
            Node::Dir => Err(Errno::ISDIR.into()),
        }
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = clean(path);
        let mut state = self.state.lock();
        let torn = state.count(|| format!("create {path}"), true)?;
        state.dir(parent(&path))?;
        if state.node(&path).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let id = state.next_file;
        state.next_file += 1;
        state.files.insert(id, Contents::default());
        state.change(parent(&path), Change::Add(base_name(&path), Node::File(id)))?;
        state.die_if(torn)?;
        Ok(self.file(id, &path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (clean(from), clean(to));
        let mut state = self.state.lock();
        let torn = state.count(|| format!("rename {from} to {to}"), false)?;
        let node = state.node(&from)?;
        state.dir(parent(&to))?;
        if parent(&from) == parent(&to) {
            state.change(parent(&from), Change::Rename(base_name(&from), base_name(&to)))?;
        } else {
            state.change(parent(&to), Change::Add(base_name(&to), node))?;
            state.change(parent(&from), Change::Remove(base_name(&from)))?;
        }
        state.die_if(torn)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = clean(path);
        let mut state = self.state.lock();
        let torn = state.count(|| format!("remove {path}"), false)?;
        if state.node(&path)? == Node::Dir {
            return Err(Errno::ISDIR.into());
        }
        state.change(parent(&path), Change::Remove(base_name(&path)))?;
        state.die_if(torn)
    }

    fn mkdir(&self, path: &str) -> io::Result<()> {
        let path = clean(path);
        let mut state = self.state.lock();
        let torn = state.count(|| format!("mkdir {path}"), true)?;
        state.dir(parent(&path))?;
        if state.node(&path).is_ok() {
            return Err(Errno::EXIST.into());
        }
        state.change(parent(&path), Change::Add(base_name(&path), Node::Dir))?;
        state.dirs.insert(path.clone(), Directory::default());
        state.die_if(torn)
    }

    fn rmdir(&self, path: &str) -> io::Result<()> {
        let path = clean(path);
        let mut state = self.state.lock();
        let torn = state.count(|| format!("rmdir {path}"), false)?;
        if !state.dir(&path)?.current.is_empty() {
            return Err(Errno::NOTEMPTY.into());
        }
        state.change(parent(&path), Change::Remove(base_name(&path)))?;
        state.die_if(torn)
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let path = clean(path);
        let mut state = self.state.lock();
        state.alive()?;
        if state.node(&path)? != Node::Dir {
            return Err(Errno::NOTDIR.into());
        }
        let entries: Vec<(String, Node)> =
            state.dir(&path)?.current.iter().map(|(name, node)| (name.clone(), *node)).collect();
        Ok(entries.into_iter().map(|(name, node)| state.describe(name, node)).collect())
    }

    fn stat(&self, path: &str) -> io::Result<Entry> {
        let path = clean(path);
        let state = self.state.lock();
        state.alive()?;
        let node = state.node(&path)?;
        Ok(state.describe(base_name(&path), node))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let path = clean(path);
        let mut state = self.state.lock();
        let torn = state.count(|| format!("sync directory {path}"), false)?;
        if !torn {
            let dir = state.dir(&path)?;
            for change in std::mem::take(&mut dir.pending) {
                change.apply(&mut dir.durable);
            }
        }
        state.die_if(torn)
    }

    fn os_path(&self, path: &str) -> String {
        path.to_string()
    }
}

impl State {
    fn describe(&self, name: String, node: Node) -> Entry {
        let len = match node {
            Node::File(id) => self.files.get(&id).map_or(0, |f| f.current.len() as u64),
            Node::Dir => 0,
        };
        Entry { name, is_dir: node == Node::Dir, len, modified_us: 0 }
    }

    /// The power fails after the operation took effect in memory (and perhaps on the disk).
    fn die_if(&self, torn: bool) -> io::Result<()> {
        if torn { Err(Errno::IO.into()) } else { Ok(()) }
    }

    fn change_file(&mut self, id: u64, change: Pending) -> io::Result<()> {
        let grown = {
            let len = self.files.get(&id).ok_or(Errno::IO)?.current.len();
            match &change {
                Pending::Write(at, bytes) => (at + bytes.len()).saturating_sub(len),
                Pending::Len(new) => new.saturating_sub(len),
            }
        };
        if grown > 0 && self.capacity.is_some_and(|c| self.used() + grown as u64 > c) {
            return Err(Errno::NOSPC.into());
        }
        self.files.get_mut(&id).ok_or(Errno::IO)?.apply(change);
        Ok(())
    }
}

struct SimulatedFile {
    disk: Simulated,
    id: u64,
    path: String,
}

impl File for SimulatedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state.lock();
        state.alive()?;
        let contents = &state.files.get(&self.id).ok_or(Errno::IO)?.current;
        let start = (offset as usize).min(contents.len());
        let n = buf.len().min(contents.len() - start);
        buf[..n].copy_from_slice(&contents[start..start + n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let torn = state.count(|| format!("write {} {}+{}", self.path, offset, buf.len()), true)?;
        state.change_file(self.id, Pending::Write(offset as usize, buf.to_vec()))?;
        state.die_if(torn)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let torn = state.count(|| format!("sync {}", self.path), false)?;
        if !torn {
            state.files.get_mut(&self.id).ok_or(Errno::IO)?.sync();
        }
        state.die_if(torn)
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state.lock();
        state.alive()?;
        Ok(state.files.get(&self.id).ok_or(Errno::IO)?.current.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let torn = state.count(|| format!("set length {} {len}", self.path), true)?;
        state.change_file(self.id, Pending::Len(len as usize))?;
        state.die_if(torn)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let torn = state.count(|| format!("allocate {} {offset}+{len}", self.path), true)?;
        let end = (offset + len) as usize;
        if state.files.get(&self.id).ok_or(Errno::IO)?.current.len() < end {
            state.change_file(self.id, Pending::Len(end))?;
        }
        state.die_if(torn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was synced survives every power loss, whatever the seed.
    #[test]
    fn synced_data_survives() {
        for seed in 0..50 {
            let disk = Simulated::new(seed);
            let file = disk.create("a").unwrap();
            file.write_at(b"kept", 0).unwrap();
            file.sync().unwrap();
            disk.sync_dir(".").unwrap();
            file.write_at(&[b'x'; 2000], 4).unwrap();
            let disk = disk.after_power_loss();
            let mut buf = [0; 4];
            disk.open("a").unwrap().read_at(&mut buf, 0).unwrap();
            assert_eq!(&buf, b"kept");
        }
    }

    /// Unsynced names and bytes are lost, kept or torn: over some seeds each happens.
    #[test]
    fn unsynced_data_may_go() {
        let (mut lost_name, mut lost, mut kept, mut torn) = (0, 0, 0, 0);
        for seed in 0..200 {
            let disk = Simulated::new(seed);
            let file = disk.create("a").unwrap();
            file.write_at(&[1; 4096], 0).unwrap();
            let disk = disk.after_power_loss();
            match disk.open("a") {
                Err(_) => lost_name += 1,
                Ok(f) => {
                    let mut buf = [0; 4096];
                    f.read_at(&mut buf, 0).unwrap();
                    match buf.iter().filter(|b| **b == 1).count() {
                        0 => lost += 1,
                        4096 => kept += 1,
                        n if n % SECTOR == 0 => torn += 1,
                        n => panic!("{n} bytes are no whole sectors"),
                    }
                }
            }
        }
        assert!(lost_name > 20 && lost > 10 && kept > 10 && torn > 10, "{lost_name} {lost} {kept} {torn}");
    }

    /// From the cut on, everything fails, on old handles too; single faults pass.
    #[test]
    fn faults_come_when_ordered() {
        let disk = Simulated::new(1);
        disk.fault_at(2, Fault::Eio);
        disk.fault_at(3, Fault::Enospc);
        disk.fault_at(5, Fault::Cut);
        let file = disk.create("a").unwrap();
        assert_eq!(Errno::from_io_error(&file.write_at(b"1", 0).unwrap_err()), Some(Errno::IO));
        assert_eq!(Errno::from_io_error(&file.write_at(b"1", 0).unwrap_err()), Some(Errno::NOSPC));
        file.write_at(b"1", 0).unwrap();
        assert!(file.sync().is_err() && file.sync().is_err() && file.len().is_err() && disk.list(".").is_err());
        disk.after_power_loss().list(".").unwrap();
    }

    /// A rename not yet synced leaves the old name or the new one, never both, never none.
    #[test]
    fn a_rename_is_atomic() {
        for seed in 0..50 {
            let disk = Simulated::new(seed);
            disk.create("a").unwrap();
            disk.sync_dir(".").unwrap();
            disk.rename("a", "b").unwrap();
            let disk = disk.after_power_loss();
            assert!(disk.exists("a") != disk.exists("b"));
        }
    }
}
