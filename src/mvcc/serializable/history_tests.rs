//! Random histories of serializable transactions over a few keys, told to the manager as the access methods do, with
//! limits so small that everything is promoted and summarised: those that commit never form a circle.

use super::limits::Limits;
use super::manager::Who;
use super::target::Target;
use super::tracked::Tracked;
use crate::base::{CommandId, Csn, Lsn, Oid, TupleId, Xid};
use crate::disk::Simulated;
use crate::mvcc::{Mvcc, Own, Snapshot};
use crate::storage::testing;
use std::sync::Arc;

const KEYS: u64 = 12;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }
}

/// A transaction, running or committed.
struct Txn {
    snapshot: Snapshot,
    tracked: Option<Arc<Tracked>>,
    read_only: bool,
    xid: Option<Xid>,
    reads: Vec<u64>,
    writes: Vec<u64>,
    csn: Option<Csn>,
}

struct World<'a> {
    mvcc: &'a Mvcc,
    /// Whether reads and writes are told.
    told: bool,
    active: Vec<Txn>,
    done: Vec<Txn>,
    cancelled: usize,
}

/// Two rows a page.
fn place(key: u64) -> Target {
    Target::tuple(Oid(5), Oid(20_000), TupleId::new((key / 2) as u32, (key % 2 + 1) as u16))
}

impl World<'_> {
    fn begin(&mut self, random: &mut Random) {
        let (slot, own) = (self.mvcc.register(), Arc::new(Own::new()));
        let read_only = random.below(5) == 0;
        let who = Who { pid: 1, read_only, ids: Vec::new() };
        let take = || self.mvcc.snapshot(&slot, &own, CommandId::FIRST);
        let (snapshot, tracked) = match self.told {
            true => self.mvcc.serializable.begin(&who, take),
            false => (take(), None),
        };
        let (reads, writes) = (Vec::new(), Vec::new());
        self.active.push(Txn { snapshot, tracked, read_only, xid: None, reads, writes, csn: None });
    }

    /// Whoever has written the key, other than `me`.
    fn writers(&self, me: usize, key: u64) -> Vec<(Xid, Option<Csn>)> {
        let others = self.active.iter().enumerate().filter(|(n, _)| *n != me).map(|(_, t)| t);
        let all = others.chain(&self.done).filter(|t| t.writes.contains(&key));
        all.filter_map(|t| Some((t.xid?, t.csn))).collect()
    }

    fn live(&self, n: usize) -> Option<Arc<Tracked>> {
        self.active[n].tracked.clone().filter(|t| !t.is_over())
    }

    /// False: cancelled.
    fn read(&mut self, n: usize, key: u64, target: Target) -> bool {
        self.active[n].reads.push(key);
        let Some(tracked) = self.live(n) else { return true };
        let seen = self.active[n].snapshot.csn;
        let past = |(xid, csn): (Xid, Option<Csn>)| match csn {
            Some(csn) if csn <= seen => Ok(()),
            _ => tracked.read_past(self.mvcc, xid, seen),
        };
        tracked.check_reading().is_ok()
            && tracked.read(target).is_ok()
            && self.writers(n, key).into_iter().try_for_each(past).is_ok()
    }

    fn write(&mut self, n: usize, key: u64) -> bool {
        if self.active[n].writes.contains(&key) {
            return true;
        }
        let seen = self.active[n].snapshot.csn;
        // Who comes second to a row gives up, as in any snapshot isolation.
        if self.writers(n, key).iter().any(|(_, csn)| csn.is_none_or(|csn| csn > seen)) {
            return false;
        }
        if self.active[n].xid.is_none() {
            let xid = self.mvcc.assign_xid(Oid::INVALID);
            self.active[n].xid = Some(xid);
            if let Some(tracked) = self.live(n) {
                tracked.enter_id(xid);
            }
        }
        let fine = self.live(n).is_none_or(|t| t.write(place(key), true).is_ok());
        self.active[n].writes.push(key);
        fine
    }

    fn end(&mut self, n: usize, mut commit: bool) {
        let mut t = self.active.swap_remove(n);
        let tracked = t.tracked.take().filter(|t| !t.is_over());
        commit = commit && tracked.as_ref().is_none_or(|t| t.prepare().is_ok());
        if commit {
            t.csn = t.xid.map(|xid| self.mvcc.commit(xid, &[], Lsn(1)));
            tracked.inspect(|h| h.commit(t.csn));
            self.done.push(t);
        } else {
            t.xid.inspect(|xid| self.mvcc.abort(*xid, &[]).unwrap());
            tracked.inspect(|h| h.abort());
            self.cancelled += 1;
        }
    }

    fn step(&mut self, random: &mut Random) {
        if self.active.len() < 2 || self.active.len() < 7 && random.below(6) == 0 {
            return self.begin(random);
        }
        // The first may stay for long, so that others pass and are summarised.
        let n = random.below(self.active.len() as u64) as usize;
        let key = random.below(KEYS);
        let whole = Target::relation(Oid(5), Oid(20_000));
        let going = match random.below(12) {
            0..=4 => self.read(n, key, place(key)),
            5 => (0..KEYS).all(|k| self.read(n, k, whole)),
            6..=8 if !self.active[n].read_only => self.read(n, key, place(key)) && self.write(n, key),
            9 if !self.active[n].read_only => self.write(n, key),
            10 if n > 0 || random.below(20) == 0 => return self.end(n, true),
            11 if random.below(4) == 0 => false,
            _ => true,
        };
        if !going {
            self.end(n, false);
        }
    }

    /// A circle of dependencies among the committed ones.
    fn has_circle(&self) -> bool {
        let before = |a: &Txn, b: &Txn| {
            // a is seen by b, and b reads or replaces what it wrote; or a read what b replaced unseen by it.
            let seen = |w: &Txn, r: &Txn| w.csn.is_some_and(|csn| csn <= r.snapshot.csn);
            let touches = |w: &Txn, r: &Txn| w.writes.iter().any(|k| r.reads.contains(k));
            let replaces = a.writes.iter().any(|k| b.writes.contains(k)) && a.csn < b.csn;
            replaces || seen(a, b) && touches(a, b) || !seen(b, a) && touches(b, a)
        };
        let count = self.done.len();
        let edges: Vec<Vec<usize>> = (0..count)
            .map(|a| (0..count).filter(|b| *b != a && before(&self.done[a], &self.done[*b])).collect())
            .collect();
        // Take away whoever needs nobody before it; a circle stays.
        let mut incoming = vec![0; count];
        edges.iter().flatten().for_each(|b| incoming[*b] += 1);
        let mut free: Vec<usize> = (0..count).filter(|n| incoming[*n] == 0).collect();
        let mut taken = 0;
        while let Some(n) = free.pop() {
            taken += 1;
            for b in &edges[n] {
                incoming[*b] -= 1;
                if incoming[*b] == 0 {
                    free.push(*b);
                }
            }
        }
        taken < count
    }
}

/// Runs a history; whether it has a circle, how many committed, how many did not.
fn run(seed: u64, limits: Limits, told: bool) -> (bool, usize, usize) {
    let storage = testing::fresh(&Simulated::new(seed), 8);
    storage.mvcc.serializable.set_limits(limits);
    let mut world = World { mvcc: &storage.mvcc, told, active: Vec::new(), done: Vec::new(), cancelled: 0 };
    let mut random = Random(seed * 2 + 1);
    for _ in 0..1500 {
        world.step(&mut random);
    }
    while !world.active.is_empty() {
        world.end(0, true);
    }
    assert!(storage.mvcc.serializable.is_idle() && storage.mvcc.serializable.rows().is_empty(), "nothing stays");
    (world.has_circle(), world.done.len(), world.cancelled)
}

#[test]
fn no_circle_commits() {
    let small = Limits { transactions: 3, per_relation: 3, per_page: 1, ..Limits::default() };
    let tiny = Limits { transactions: 8, marks: 12, edges: 12, ..Limits::default() };
    let mut circles = 0;
    let (mut committed, mut loose) = (0, 0);
    for seed in 0..60 {
        for limits in [Limits::default(), small, tiny] {
            let (circle, done, _) = run(seed, limits, true);
            assert!(!circle, "seed {seed}, {limits:?}");
            committed += done;
        }
        let (circle, done, _) = run(seed, Limits::default(), false);
        circles += usize::from(circle);
        loose += 3 * done;
    }
    assert!(circles > 30, "without tracking there are circles: in {circles} of 60");
    assert!(committed * 4 > loose, "not everybody is cancelled: {committed} of {loose}");
}
