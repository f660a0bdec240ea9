//! Searching: all entries that fulfil the conditions, as they come or in the order of distances.

use super::class::{Answer, Query};
use super::node;
use super::store::Tree;
use crate::base::{BlockNo, Result, TupleId};
use crate::btree::IndexStore;
use crate::mvcc::Snapshot;
use crate::page::Page;
use crate::storage::Storage;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// What is asked of a column.
#[derive(Debug)]
pub enum Condition {
    Query(Box<dyn Query>),
    IsNull,
    IsNotNull,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub tid: TupleId,
    /// Whether the conditions hold must be asked of the row.
    pub recheck: bool,
    /// No distance of the row is less than these.
    pub distances: Vec<f64>,
}

/// A page to be read, and what its parent had seen, or an entry to be handed out.
#[derive(Debug)]
enum What {
    Page(BlockNo, u64),
    Entry(TupleId, bool),
}

#[derive(Debug)]
struct Waiting {
    distances: Vec<f64>,
    /// What came last goes first among equals.
    turn: u64,
    what: What,
}

impl Waiting {
    fn rank(&self) -> (bool, u64) {
        (matches!(self.what, What::Entry(..)), self.turn)
    }
}

impl Ord for Waiting {
    /// The greatest goes first: the least distance, entries before pages.
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        compare(&other.distances, &self.distances).then_with(|| self.rank().cmp(&other.rank()))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// Distances in order, the first one counts most.
pub fn compare(a: &[f64], b: &[f64]) -> std::cmp::Ordering {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

/// A position in a search. Entries are handed out with no latch held.
#[derive(Debug)]
pub struct Scan {
    store: Arc<IndexStore>,
    conditions: Vec<(usize, Condition)>,
    /// None: the distance is unknown, as from NULL.
    orders: Vec<(usize, Option<Box<dyn Query>>)>,
    waiting: BinaryHeap<Waiting>,
    turn: u64,
    snapshot: Option<Snapshot>,
}

impl Scan {
    pub fn new(
        tree: Tree<'_>,
        conditions: Vec<(usize, Condition)>,
        orders: Vec<(usize, Option<Box<dyn Query>>)>,
    ) -> Scan {
        let nearest = vec![0.0; orders.len()];
        let root = Waiting { distances: nearest, turn: 0, what: What::Page(node::ROOT, u64::MAX) };
        Scan {
            store: tree.store.clone(),
            conditions,
            orders,
            waiting: BinaryHeap::from([root]),
            turn: 0,
            snapshot: None,
        }
    }

    /// The entries are for a query: what it does not find must count as read, too.
    pub fn seeing(mut self, snapshot: &Snapshot) -> Scan {
        self.snapshot = snapshot.tracked().map(|_| snapshot.clone());
        self
    }

    /// The next entry. `pages`: how many may be read before that; None and 0 left: ask again.
    pub fn next(&mut self, storage: &Storage, pages: &mut usize) -> Result<Option<Found>> {
        while let Some(w) = self.waiting.pop() {
            match w.what {
                What::Entry(tid, recheck) => return Ok(Some(Found { tid, recheck, distances: w.distances })),
                What::Page(..) if *pages == 0 => {
                    self.waiting.push(w);
                    return Ok(None);
                }
                What::Page(block, seen) => {
                    *pages -= 1;
                    self.read(storage, block, seen, w.distances)?;
                }
            }
        }
        Ok(None)
    }

    /// Nothing that still comes is nearer than this; None: nothing comes.
    pub fn bound(&self) -> Option<&[f64]> {
        self.waiting.peek().map(|w| w.distances.as_slice())
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    fn read(&mut self, storage: &Storage, block: BlockNo, seen: u64, distances: Vec<f64>) -> Result<()> {
        let store = self.store.clone();
        let guard = storage.pool.read(&store.fork, block)?;
        if let (Some(tracked), Some(target)) = (self.snapshot.as_ref().and_then(Snapshot::tracked), store.target(block))
        {
            tracked.read(target)?;
        }
        let page: Page = guard.clone();
        drop(guard);
        let header = Tree { store: &store, columns: &[] }.header(&page)?;
        if header.number > seen && header.right != node::NO_BLOCK {
            self.push(distances, What::Page(header.right, seen));
        }
        if header.is_deleted() {
            return Ok(());
        }
        let leaf = header.level == 0;
        // What is pushed last comes first: so the items come in their order.
        for item in (1..=page.item_count()).rev().map(|n| page.item(n)) {
            let keys: Vec<Option<&[u8]>> = node::columns(node::keys(item)).collect();
            let Some(recheck) = self.test(&keys, leaf) else { continue };
            let distances = self.distances(&keys, leaf);
            let what = match leaf {
                true => What::Entry(node::tid(item), recheck),
                false => What::Page(node::child(item), header.seen),
            };
            self.push(distances, what);
        }
        Ok(())
    }

    fn push(&mut self, distances: Vec<f64>, what: What) {
        self.turn += 1;
        self.waiting.push(Waiting { distances, turn: self.turn, what });
    }

    /// Whether the keys may lead to what is wanted, and whether that must be asked again.
    fn test(&self, keys: &[Option<&[u8]>], leaf: bool) -> Option<bool> {
        let mut recheck = false;
        for (column, condition) in &self.conditions {
            let key = keys.get(*column).copied().flatten();
            match (condition, key) {
                (Condition::IsNull, None) | (Condition::IsNotNull, Some(_)) => {}
                // Below a key there may be NULLs, too.
                (Condition::IsNull, Some(_)) if !leaf => {}
                (Condition::Query(q), Some(key)) => match q.consistent(key, leaf) {
                    Answer::No => return None,
                    Answer::Maybe => recheck = true,
                    Answer::Yes => {}
                },
                _ => return None,
            }
        }
        Some(recheck)
    }

    /// NULLs are farthest away.
    fn distances(&self, keys: &[Option<&[u8]>], leaf: bool) -> Vec<f64> {
        let distance = |(column, query): &(usize, Option<Box<dyn Query>>)| {
            match (query, keys.get(*column).copied().flatten()) {
                (Some(q), Some(key)) => q.distance(key, leaf),
                // Below an inner key that is not NULL there may be anything.
                _ => f64::NAN,
            }
        };
        self.orders.iter().map(distance).collect()
    }
}
