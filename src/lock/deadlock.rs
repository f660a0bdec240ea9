//! Finding a circle of waiters. Run by a waiter after `deadlock_timeout`, so its cost is nobody's but its own.
//!
//! Who waits for a holder can only be helped by the holder (a hard edge); who waits for somebody ahead in a queue can be
//! helped by changing places with him (a soft edge). PostgreSQL 15, deadlock.c: same search for an order without circles.

use super::held::HeldLocks;
use super::manager::{LockManager, Shard};
use super::mode::LockMode;
use super::tag::LockTag;
use crate::base::{Error, SqlState};
use hashbrown::HashMap;
use parking_lot::MutexGuard;

/// One waiter and what it waits for.
struct Edge {
    owner: u32,
    tag: LockTag,
    mode: LockMode,
}

/// Of two in one queue: `first` is to come before `then`, whatever their places.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Swap {
    tag: LockTag,
    first: u32,
    then: u32,
}

/// How many orders of the queues are tried.
const TRIES: usize = 1000;

/// The owners in each queue whose order is another one than now.
type Orders = HashMap<LockTag, Vec<u32>>;

/// The owner's queued request, if any, and those who stand in its way: they hold the lock, or (true) are only ahead.
fn waits_for(shards: &[MutexGuard<'_, Shard>], orders: &Orders, owner: u32) -> Option<(Edge, Vec<(u32, bool)>)> {
    for (tag, state) in shards.iter().flat_map(|s| s.iter()) {
        let Some(at) = state.queue.iter().position(|r| r.owner == owner) else { continue };
        let mode = state.queue[at].mode;
        let holders = state.granted.iter().filter(|g| g.owner != owner && g.modes & mode.conflicts() != 0);
        let mut blockers: Vec<(u32, bool)> = holders.map(|g| (g.owner, false)).collect();
        let is_ahead = |other: u32| match orders.get(tag) {
            Some(order) => order.iter().take_while(|o| **o != owner).any(|o| *o == other),
            None => state.queue.iter().take(at).any(|r| r.owner == other),
        };
        for r in state.queue.iter().filter(|r| r.owner != owner && mode.conflicts() >> r.mode as u8 & 1 == 1) {
            if is_ahead(r.owner) && blockers.iter().all(|(b, _)| *b != r.owner) {
                blockers.push((r.owner, true));
            }
        }
        return Some((Edge { owner, tag: *tag, mode }, blockers));
    }
    None
}

pub(super) fn blockers(shards: &[MutexGuard<'_, Shard>], owner: u32) -> Vec<u32> {
    let found = waits_for(shards, &Orders::new(), owner);
    found.map(|w| w.1.into_iter().map(|(b, _)| b).collect()).unwrap_or_default()
}

/// A way back to where it began: each waiter with the one it waits for, and whether that one is only ahead.
type Circle = Vec<(Edge, u32, bool)>;

/// Depth first from `owner` back to `start`; the path ends up in `circle`, backwards.
fn search(
    shards: &[MutexGuard<'_, Shard>],
    orders: &Orders,
    start: u32,
    owner: u32,
    seen: &mut Vec<u32>,
    circle: &mut Circle,
) -> bool {
    if seen.contains(&owner) {
        return false;
    }
    seen.push(owner);
    let Some((edge, blockers)) = waits_for(shards, orders, owner) else { return false };
    for (blocker, soft) in blockers {
        if blocker == start || search(shards, orders, start, blocker, seen, circle) {
            circle.push((edge, blocker, soft));
            return true;
        }
    }
    false
}

fn circle_of(shards: &[MutexGuard<'_, Shard>], orders: &Orders, start: u32) -> Option<Circle> {
    let mut circle = Vec::new();
    search(shards, orders, start, start, &mut Vec::new(), &mut circle).then(|| {
        circle.reverse();
        circle
    })
}

/// The queues as the swaps want them, otherwise as they are; None: the swaps contradict each other.
fn orders_of(shards: &[MutexGuard<'_, Shard>], swaps: &[Swap]) -> Option<Orders> {
    let mut orders = Orders::new();
    for (tag, state) in shards.iter().flat_map(|s| s.iter()) {
        let own: Vec<&Swap> = swaps.iter().filter(|s| s.tag == *tag).collect();
        if own.is_empty() {
            continue;
        }
        let mut left: Vec<u32> = state.queue.iter().map(|r| r.owner).collect();
        let mut order = Vec::with_capacity(left.len());
        // From the back: the last one who need not come before anybody that is left.
        while !left.is_empty() {
            let waits = |o: &u32| own.iter().any(|s| s.first == *o && left.contains(&s.then));
            let at = left.iter().rposition(|o| !waits(o))?;
            order.push(left.remove(at));
        }
        order.reverse();
        orders.insert(*tag, order);
    }
    Some(orders)
}

/// An order of the queues in which nobody here is part of a circle: the swaps, and one more for each circle left.
fn untangle(shards: &[MutexGuard<'_, Shard>], start: u32, swaps: &mut Vec<Swap>, tries: &mut usize) -> Option<Orders> {
    *tries = tries.checked_sub(1)?;
    let orders = orders_of(shards, swaps)?;
    let ends: Vec<u32> = swaps.iter().flat_map(|s| [s.first, s.then]).chain([start]).collect();
    let circle = ends.into_iter().find_map(|owner| circle_of(shards, &orders, owner));
    let Some(circle) = circle else { return Some(orders) };
    // The farthest first, as PostgreSQL does.
    for (edge, blocker, soft) in circle.into_iter().rev() {
        let swap = Swap { tag: edge.tag, first: edge.owner, then: blocker };
        if !soft || swaps.contains(&swap) {
            continue;
        }
        swaps.push(swap);
        let found = untangle(shards, start, swaps, tries);
        if found.is_some() {
            return found;
        }
        swaps.pop();
    }
    None
}

impl LockManager {
    /// 40P01 if the owner's queued request is part of a circle that no other order of the queues opens, and who makes
    /// up the circle. If one does, the queues get it.
    ///
    /// A request that is part of a circle leaves its queue at once: of two who look at the same time, one fails
    /// (PostgreSQL 15, proc.c, CheckDeadLock).
    pub fn check_deadlock(&self, held: &HeldLocks) -> Option<(Error, Vec<u32>)> {
        let mut shards = self.lock_all();
        let circle = circle_of(&shards, &Orders::new(), held.owner())?;
        match untangle(&shards, held.owner(), &mut Vec::new(), &mut TRIES.clone()) {
            Some(orders) => {
                self.reorder(&mut shards, &orders);
                None
            }
            None => {
                self.leave_queue(&mut shards, held.owner());
                Some((report(&circle), circle.iter().map(|(edge, ..)| edge.owner).collect()))
            }
        }
    }
}

/// Two who ask for what the other has of one tag.
pub(super) fn between(one: (u32, LockMode), other: (u32, LockMode), tag: LockTag) -> Error {
    let edge = |(owner, mode)| Edge { owner, tag, mode };
    report(&[(edge(one), other.0, false), (edge(other), one.0, false)])
}

fn report(circle: &[(Edge, u32, bool)]) -> Error {
    let line = |(e, blocker, _): &(Edge, u32, bool)| {
        format!("Process {} waits for {} on {}; blocked by process {}.", e.owner, e.mode.name(), e.tag, blocker)
    };
    let detail: Vec<String> = circle.iter().map(line).collect();
    Error::new(SqlState::DEADLOCK_DETECTED, "deadlock detected")
        .detail(detail.join("\n"))
        .hint("See server log for query details.")
        .place("DeadLockReport", "deadlock.c", 1150)
}

#[cfg(test)]
mod tests {
    use super::super::{HeldLocks, LockManager, LockMode, LockTag, Scope};
    use crate::base::{SqlState, Stop, Xid};

    #[test]
    fn two_who_wait_for_each_other_are_found_and_a_queue_alone_is_not() {
        let m = LockManager::new();
        let (mut a, mut b) = (HeldLocks::new(1), HeldLocks::new(2));
        let (x, y) = (LockTag::Xact(Xid(10)), LockTag::Xact(Xid(11)));
        m.acquire(&mut a, x, LockMode::Exclusive, Scope::Transaction).unwrap();
        m.acquire(&mut b, y, LockMode::Exclusive, Scope::Transaction).unwrap();
        assert!(m.acquire(&mut a, y, LockMode::Share, Scope::Transaction).is_err());
        assert!(m.check_deadlock(&a).is_none());
        assert!(m.acquire(&mut b, x, LockMode::Share, Scope::Transaction).is_err());
        let (e, circle) = m.check_deadlock(&b).expect("a circle");
        assert!(m.check_deadlock(&a).is_none(), "who looks second finds the first one gone");
        assert_eq!(circle, [2, 1]);
        let expected = "Process 2 waits for ShareLock on transaction 10; blocked by process 1.\n\
                        Process 1 waits for ShareLock on transaction 11; blocked by process 2.";
        assert_eq!(e.0.detail.as_deref(), Some(expected));
    }
    /// Two readers wait behind two writers, each of whom waits for the other reader: the readers go first.
    #[test]
    fn a_circle_that_only_queues_close_is_opened() {
        let m = LockManager::new();
        let mut held: Vec<HeldLocks> = (1..=4).map(HeldLocks::new).collect();
        let (x, y) = (LockTag::Xact(Xid(10)), LockTag::Xact(Xid(11)));
        let ask =
            |held: &mut Vec<HeldLocks>, n: usize, tag, mode| m.acquire(&mut held[n], tag, mode, Scope::Transaction);
        ask(&mut held, 0, x, LockMode::AccessShare).unwrap();
        ask(&mut held, 1, y, LockMode::AccessShare).unwrap();
        assert!(ask(&mut held, 2, x, LockMode::AccessExclusive).is_err());
        assert!(ask(&mut held, 3, y, LockMode::AccessExclusive).is_err());
        assert!(ask(&mut held, 0, y, LockMode::AccessShare).is_err());
        assert!(ask(&mut held, 1, x, LockMode::AccessShare).is_err());
        assert!(m.check_deadlock(&held[1]).is_none());
        // The first reader came before the writer, and has what it asked for.
        assert!(ask(&mut held, 0, y, LockMode::AccessShare).is_ok());
        assert!(ask(&mut held, 3, y, LockMode::AccessExclusive).is_err());
        assert!(m.check_deadlock(&held[1]).is_none());
    }

    #[test]
    fn two_who_want_what_the_other_has_of_one_table_are_found_at_once() {
        let m = LockManager::new();
        let (mut a, mut b) = (HeldLocks::new(1), HeldLocks::new(2));
        let x = LockTag::Xact(Xid(10));
        m.acquire(&mut a, x, LockMode::AccessShare, Scope::Transaction).unwrap();
        m.acquire(&mut b, x, LockMode::AccessShare, Scope::Transaction).unwrap();
        assert!(matches!(m.acquire(&mut a, x, LockMode::AccessExclusive, Scope::Transaction), Err(Stop::Wait(_))));
        let found = m.acquire(&mut b, x, LockMode::AccessExclusive, Scope::Transaction);
        let Err(Stop::Error(e)) = found else { panic!("a circle: {found:?}") };
        assert_eq!(e.sqlstate(), SqlState::DEADLOCK_DETECTED);
        m.release_to(&mut b, 0);
        assert!(m.acquire(&mut a, x, LockMode::AccessExclusive, Scope::Transaction).is_ok());
    }
}
