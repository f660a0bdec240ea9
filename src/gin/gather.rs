//! Searching: the addresses of all rows a [`Need`] names, in steps that can be interrupted.

use super::Need;
use super::tids::{WHOLE_PAGE, condense, intersect, tidy};
use crate::base::{Result, TupleId};
use crate::btree::node::push_tid;
use crate::btree::{Bounds, Direction, IndexScan, IndexStore};
use crate::mvcc::Snapshot;
use crate::storage::Storage;
use std::sync::Arc;

/// How much each part of a conjunction reads before the next one has its turn.
const TURN: usize = 512;
/// Candidates that are not worth reading a whole range for.
const FEW: usize = 256;

/// A search on its way.
#[derive(Debug)]
pub struct Gather {
    source: Source,
    root: Part,
}

#[derive(Debug)]
struct Source {
    store: Arc<IndexStore>,
    snapshot: Snapshot,
    /// How many addresses a set may have before it becomes one of pages.
    most: usize,
    /// Entries read.
    read: u64,
}

impl Source {
    fn scan(&self, bounds: Bounds) -> IndexScan {
        IndexScan::new(self.store.clone(), bounds, Direction::Forward).seeing(&self.snapshot)
    }
}

#[derive(Debug)]
struct Part {
    kind: Kind,
    tids: Vec<TupleId>,
    done: bool,
}

#[derive(Debug)]
enum Kind {
    Set,
    /// One key's entries; they come in order.
    Key(Vec<u8>, Option<Box<IndexScan>>),
    Range(Bounds, Option<Box<IndexScan>>),
    Any(Vec<Part>),
    All {
        parts: Vec<Part>,
        /// The candidates are known: those of the shortest part. What the others say of them is asked one by one.
        narrowed: bool,
        probe: Option<Probe>,
    },
}

/// Which candidates have a key, too.
#[derive(Debug)]
struct Probe {
    key: Vec<u8>,
    scan: Box<IndexScan>,
    at: usize,
    kept: Vec<TupleId>,
}

impl Part {
    fn new(need: Need, columns: &[usize]) -> Part {
        let kind = match need {
            Need::Nothing => Kind::Set,
            Need::Everything => Kind::Range(Need::every(columns.first().copied().unwrap_or(0)), None),
            Need::Key(key) => Kind::Key(key, None),
            Need::Range(bounds) => Kind::Range(bounds, None),
            Need::Any(parts) => Kind::Any(parts.into_iter().map(|n| Part::new(n, columns)).collect()),
            Need::All(parts) => {
                let parts = parts.into_iter().map(|n| Part::new(n, columns)).collect();
                Kind::All { parts, narrowed: false, probe: None }
            }
        };
        Part { done: matches!(kind, Kind::Set), kind, tids: Vec::new() }
    }

    /// Works on for about `budget` entries.
    fn advance(&mut self, storage: &Storage, source: &mut Source, budget: &mut usize) -> Result<()> {
        while !self.done && *budget > 0 {
            match &mut self.kind {
                Kind::Set => self.done = true,
                Kind::Key(key, scan) => {
                    let scan = scan.get_or_insert_with(|| Box::new(source.scan(Bounds::prefix(key.clone()))));
                    self.done = !read(scan, storage, source, budget, &mut self.tids)?;
                    if self.tids.len() > source.most {
                        self.tids.dedup();
                        condense(&mut self.tids, source.most);
                    }
                    if self.done {
                        *self = Part { kind: Kind::Set, tids: std::mem::take(&mut self.tids), done: true };
                        tidy(&mut self.tids);
                    }
                }
                Kind::Range(bounds, scan) => {
                    let scan = scan.get_or_insert_with(|| Box::new(source.scan(bounds.clone())));
                    self.done = !read(scan, storage, source, budget, &mut self.tids)?;
                    if self.done || self.tids.len() > source.most {
                        tidy(&mut self.tids);
                        condense(&mut self.tids, source.most);
                    }
                }
                Kind::Any(parts) => match parts.iter_mut().find(|p| !p.done) {
                    Some(part) => part.advance(storage, source, budget)?,
                    None => {
                        self.tids = parts.iter_mut().flat_map(|p| std::mem::take(&mut p.tids)).collect();
                        tidy(&mut self.tids);
                        condense(&mut self.tids, source.most);
                        self.done = true;
                    }
                },
                Kind::All { parts, narrowed: false, .. } => {
                    for part in parts.iter_mut().filter(|p| !p.done) {
                        let mut turn = TURN.min(*budget);
                        let given = turn;
                        part.advance(storage, source, &mut turn)?;
                        *budget -= given - turn;
                    }
                    self.narrow();
                }
                Kind::All { .. } => self.ask(storage, source, budget)?,
            }
        }
        Ok(())
    }

    /// Makes the sets that are complete one set of candidates, once there is one.
    fn narrow(&mut self) {
        let Kind::All { parts, narrowed, .. } = &mut self.kind else { return };
        let (done, open): (Vec<Part>, Vec<Part>) = std::mem::take(parts).into_iter().partition(|p| p.done);
        *parts = open;
        let mut done = done.into_iter().map(|p| p.tids);
        let Some(first) = done.next() else { return };
        let set = done.fold(first, |a, b| intersect(&a, &b));
        self.tids = if *narrowed { intersect(&self.tids, &set) } else { set };
        *narrowed = true;
    }

    /// Asks an open part about the candidates.
    fn ask(&mut self, storage: &Storage, source: &mut Source, budget: &mut usize) -> Result<()> {
        let Kind::All { parts, probe, .. } = &mut self.kind else { return Ok(()) };
        if let Some(p) = probe {
            if p.run(storage, source, budget, &self.tids)? {
                self.tids = std::mem::take(&mut p.kept);
                *probe = None;
            }
            return Ok(());
        }
        // Keys are quickly asked about; of few candidates the rest is left to the condition itself.
        parts.sort_by_key(|p| matches!(p.kind, Kind::Key(..)));
        if self.tids.is_empty() || self.tids.len() <= FEW && !parts.iter().any(|p| matches!(p.kind, Kind::Key(..))) {
            parts.clear();
        }
        match parts.pop() {
            None => self.done = true,
            Some(Part { kind: Kind::Key(key, _), .. }) => {
                let scan = Box::new(source.scan(Bounds::prefix(key.clone())));
                *probe = Some(Probe { key, scan, at: 0, kept: Vec::new() });
            }
            Some(mut other) => {
                let asked = other.advance(storage, source, budget);
                parts.push(other);
                asked?;
                self.narrow();
            }
        }
        Ok(())
    }
}

impl Probe {
    /// True once all candidates have been asked about.
    fn run(
        &mut self,
        storage: &Storage,
        source: &mut Source,
        budget: &mut usize,
        candidates: &[TupleId],
    ) -> Result<bool> {
        let mut target = Vec::with_capacity(self.key.len() + 6);
        while let Some(tid) = candidates.get(self.at) {
            if *budget == 0 {
                return Ok(false);
            }
            *budget -= 1;
            source.read += 1;
            target.clear();
            target.extend_from_slice(&self.key);
            push_tid(&mut target, *tid);
            self.scan.seek(&target);
            let Some(found) = self.scan.next(storage)? else {
                return Ok(true);
            };
            // Any row of a whole page keeps it.
            if found == *tid || tid.offset == WHOLE_PAGE && found.block == tid.block {
                self.kept.push(*tid);
            }
            self.at += 1;
            // What lies before the entry found has not got the key.
            while candidates.get(self.at).is_some_and(|c| c.block < found.block) {
                self.at += 1;
            }
        }
        Ok(true)
    }
}

/// Appends addresses; false at the end.
fn read(
    scan: &mut IndexScan,
    storage: &Storage,
    source: &mut Source,
    budget: &mut usize,
    out: &mut Vec<TupleId>,
) -> Result<bool> {
    let before = out.len();
    let more = scan.next_tids(storage, before + *budget, out)?;
    let count = out.len() - before;
    source.read += count as u64;
    *budget = if more { 0 } else { *budget - count };
    Ok(more)
}

impl Gather {
    /// `memory`: bytes the addresses may take before pages stand for them. `columns`: those searched.
    pub fn new(store: Arc<IndexStore>, snapshot: Snapshot, need: Need, columns: &[usize], memory: usize) -> Gather {
        let most = (memory / size_of::<TupleId>()).max(1024);
        Gather { source: Source { store, snapshot, most, read: 0 }, root: Part::new(need, columns) }
    }

    /// Works on for about `budget` entries; true when all is found.
    pub fn step(&mut self, storage: &Storage, mut budget: usize) -> Result<bool> {
        self.root.advance(storage, &mut self.source, &mut budget)?;
        Ok(self.root.done)
    }

    /// The addresses found, ascending, each once.
    pub fn finish(self) -> Vec<TupleId> {
        self.root.tids
    }

    pub fn entries_read(&self) -> u64 {
        self.source.read
    }
}
