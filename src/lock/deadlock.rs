//! Finding a circle of waiters. Run by a waiter after `deadlock_timeout`, so its cost is nobody's but its own.

use super::held::HeldLocks;
use super::manager::{LockManager, Shard};
use super::mode::LockMode;
use super::tag::LockTag;
use crate::base::{Error, SqlState};
use parking_lot::MutexGuard;

/// One waiter and what it waits for.
struct Edge {
    owner: u32,
    tag: LockTag,
    mode: LockMode,
}

/// The owner's queued request, if any, and those who stand in its way.
fn waits_for(shards: &[MutexGuard<'_, Shard>], owner: u32) -> Option<(Edge, Vec<u32>)> {
    for (tag, state) in shards.iter().flat_map(|s| s.iter()) {
        let Some(at) = state.queue.iter().position(|r| r.owner == owner) else { continue };
        let mode = state.queue[at].mode;
        let holders = state.granted.iter().filter(|g| g.owner != owner && g.modes & mode.conflicts() != 0);
        let ahead = state.queue.iter().take(at).filter(|r| mode.conflicts() >> r.mode as u8 & 1 == 1);
        let mut blockers: Vec<u32> = holders.map(|g| g.owner).chain(ahead.map(|r| r.owner)).collect();
        blockers.dedup();
        return Some((Edge { owner, tag: *tag, mode }, blockers));
    }
    None
}

pub(super) fn blockers(shards: &[MutexGuard<'_, Shard>], owner: u32) -> Vec<u32> {
    waits_for(shards, owner).map(|w| w.1).unwrap_or_default()
}

/// Depth first from `owner` back to `start`; the path ends up in `circle`.
fn search(
    shards: &[MutexGuard<'_, Shard>],
    start: u32,
    owner: u32,
    seen: &mut Vec<u32>,
    circle: &mut Vec<(Edge, u32)>,
) -> bool {
    if seen.contains(&owner) {
        return false;
    }
    seen.push(owner);
    let Some((edge, blockers)) = waits_for(shards, owner) else { return false };
    for blocker in blockers {
        if blocker == start || search(shards, start, blocker, seen, circle) {
            circle.push((edge, blocker));
            return true;
        }
    }
    false
}

impl LockManager {
    /// 40P01 if the owner's queued request is part of a circle, and who makes up the circle.
    ///
    /// Departs from PostgreSQL 15, deadlock.c: a circle that only the order of a queue closes is not resolved by
    /// reordering, because LOCK-2 already lets an owner pass waiters its own locks hold up.
    pub fn check_deadlock(&self, held: &HeldLocks) -> Option<(Error, Vec<u32>)> {
        let shards = self.lock_all();
        let mut circle = Vec::new();
        if !search(&shards, held.owner(), held.owner(), &mut Vec::new(), &mut circle) {
            return None;
        }
        circle.reverse();
        Some((report(&circle), circle.iter().map(|(edge, _)| edge.owner).collect()))
    }
}

/// Two who ask for what the other has of one tag.
pub(super) fn between(one: (u32, LockMode), other: (u32, LockMode), tag: LockTag) -> Error {
    let edge = |(owner, mode)| Edge { owner, tag, mode };
    report(&[(edge(one), other.0), (edge(other), one.0)])
}

fn report(circle: &[(Edge, u32)]) -> Error {
    let line = |(e, blocker): &(Edge, u32)| {
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
        assert_eq!(circle, [2, 1]);
        let expected = "Process 2 waits for ShareLock on transaction 10; blocked by process 1.\n\
                        Process 1 waits for ShareLock on transaction 11; blocked by process 2.";
        assert_eq!(e.0.detail.as_deref(), Some(expected));
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
