//! Granting, queueing, releasing.

use super::deadlock;
use super::held::HeldLocks;
use super::mode::LockMode;
use super::tag::LockTag;
use crate::base::{Flow, Stop, Wait};
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

const SHARDS: usize = 16;

/// Until when a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    Transaction,
    /// Until released or the session ends.
    Session,
}

/// All locks of the engine.
pub struct LockManager {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    next_ticket: AtomicU64,
    /// Queued requests and grants not fetched yet, by ticket.
    tickets: Mutex<HashMap<u64, Ticket>>,
}

pub(super) type Shard = HashMap<LockTag, LockState>;

#[derive(Default)]
pub(super) struct LockState {
    pub granted: SmallVec<[Grant; 2]>,
    pub queue: VecDeque<Request>,
}

#[derive(Clone, Copy)]
pub(super) struct Grant {
    pub owner: u32,
    /// Bit n: mode n.
    pub modes: u16,
}

pub(super) struct Request {
    pub ticket: u64,
    pub owner: u32,
    pub mode: LockMode,
    /// Microseconds since 1970.
    pub since_us: i64,
}

struct Ticket {
    tag: LockTag,
    granted: bool,
    waker: Option<Waker>,
}

/// A row of `pg_locks`.
#[derive(Clone, Debug)]
pub struct LockRow {
    pub tag: LockTag,
    pub owner: u32,
    pub mode: LockMode,
    pub granted: bool,
    pub since_us: Option<i64>,
}

/// A queued request, who holds what it is for, and all that are queued (`log_lock_waits`).
#[derive(Clone, Debug)]
pub struct LockWait {
    pub tag: LockTag,
    pub mode: LockMode,
    pub holders: Vec<u32>,
    pub queue: Vec<u32>,
}

impl LockState {
    fn mask_of(&self, owner: u32) -> u16 {
        self.granted.iter().find(|g| g.owner == owner).map_or(0, |g| g.modes)
    }

    /// Modes held by others.
    fn others(&self, owner: u32) -> u16 {
        self.granted.iter().filter(|g| g.owner != owner).fold(0, |m, g| m | g.modes)
    }

    fn grant(&mut self, owner: u32, mode: LockMode) {
        match self.granted.iter_mut().find(|g| g.owner == owner) {
            Some(g) => g.modes |= 1 << mode as u8,
            None => self.granted.push(Grant { owner, modes: 1 << mode as u8 }),
        }
    }

    /// Who waits for what this owner holds while holding what it asks for: a circle that no timeout need find
    /// (PostgreSQL 15, proc.c, ProcSleep: early deadlock).
    fn mutual(&self, owner: u32, mode: LockMode) -> Option<(u32, LockMode)> {
        let mine = self.mask_of(owner);
        let first = self.queue.iter().find(|r| r.mode.conflicts() & mine != 0)?;
        (mode.conflicts() & self.mask_of(first.owner) != 0).then_some((first.owner, first.mode))
    }

    /// Where in the queue a request may stand (LOCK-2), and whether it can be granted at once from there.
    fn place(&self, owner: u32, mode: LockMode) -> (usize, bool) {
        let mine = self.mask_of(owner);
        let mut position = self.queue.len();
        let mut ahead = 0u16;
        for (i, r) in self.queue.iter().enumerate() {
            if r.mode.conflicts() & mine != 0 {
                position = i;
                break;
            }
            ahead |= 1 << r.mode as u8;
        }
        (position, mode.conflicts() & (self.others(owner) | ahead) == 0)
    }
}

impl Default for LockManager {
    fn default() -> Self {
        Self::new()
    }
}

impl LockManager {
    pub fn new() -> LockManager {
        LockManager {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::new())),
            hasher: RandomState::new(),
            next_ticket: AtomicU64::new(1),
            tickets: Mutex::new(HashMap::new()),
        }
    }

    fn shard(&self, tag: &LockTag) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(tag) as usize % SHARDS]
    }

    /// All shards, in order (LOCK-3).
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(|s| s.lock()).collect()
    }

    /// Takes a lock, or queues for it and returns `Wait::Lock`: to be repeated after the grant. True if it is new.
    pub fn acquire(&self, held: &mut HeldLocks, tag: LockTag, mode: LockMode, scope: Scope) -> Flow<bool> {
        if held.holds(&tag, mode) {
            return Ok(self.remember(held, tag, mode, scope));
        }
        if let Some((pending_tag, pending_mode, ticket)) = held.pending {
            if (pending_tag, pending_mode) != (tag, mode) {
                self.cancel(held);
            } else if self.fetch_grant(ticket) {
                held.pending = None;
                return Ok(self.remember(held, tag, mode, scope));
            } else {
                return Stop::wait(Wait::Lock(ticket));
            }
        }
        let mut shard = self.shard(&tag).lock();
        let state = shard.entry(tag).or_default();
        let (position, free) = state.place(held.owner, mode);
        if free {
            state.grant(held.owner, mode);
            drop(shard);
            return Ok(self.remember(held, tag, mode, scope));
        }
        if let Some((other, theirs)) = state.mutual(held.owner, mode) {
            return Err(deadlock::between((held.owner, mode), (other, theirs), tag).into());
        }
        let ticket = self.next_ticket.fetch_add(1, Ordering::Relaxed);
        self.tickets.lock().insert(ticket, Ticket { tag, granted: false, waker: None });
        let since_us = crate::base::clock::now_us();
        state.queue.insert(position, Request { ticket, owner: held.owner, mode, since_us });
        held.pending = Some((tag, mode, ticket));
        Stop::wait(Wait::Lock(ticket))
    }

    /// Takes a lock only if nobody stands in the way: None if somebody does, else whether it is new.
    pub fn try_acquire(&self, held: &mut HeldLocks, tag: LockTag, mode: LockMode, scope: Scope) -> Option<bool> {
        if held.holds(&tag, mode) {
            return Some(self.remember(held, tag, mode, scope));
        }
        let mut shard = self.shard(&tag).lock();
        let state = shard.entry(tag).or_default();
        if !state.place(held.owner, mode).1 {
            return None;
        }
        state.grant(held.owner, mode);
        drop(shard);
        Some(self.remember(held, tag, mode, scope))
    }

    fn remember(&self, held: &mut HeldLocks, tag: LockTag, mode: LockMode, scope: Scope) -> bool {
        let holding = held.entries.entry(tag).or_default();
        let new = holding.mask() >> mode as u8 & 1 == 0;
        match scope {
            Scope::Session => holding.session[mode as usize] += 1,
            Scope::Transaction if holding.transaction >> mode as u8 & 1 == 0 => {
                holding.transaction |= 1 << mode as u8;
                held.taken.push((tag, mode));
            }
            Scope::Transaction => {}
        }
        new
    }

    fn fetch_grant(&self, ticket: u64) -> bool {
        let mut tickets = self.tickets.lock();
        let granted = tickets.get(&ticket).is_none_or(|t| t.granted);
        if granted {
            tickets.remove(&ticket);
        }
        granted
    }

    /// Arranges for a wake-up at the grant; true if it has been granted already.
    pub fn on_grant(&self, ticket: u64, waker: &Waker) -> bool {
        match self.tickets.lock().get_mut(&ticket) {
            Some(t) if !t.granted => {
                t.waker = Some(waker.clone());
                false
            }
            _ => true,
        }
    }

    /// What a queued request is for: the wait event shown.
    pub fn waiting_for(&self, ticket: u64) -> Option<LockTag> {
        self.tickets.lock().get(&ticket).map(|t| t.tag)
    }

    /// What a queued request waits for, if it still does.
    pub fn lock_wait(&self, ticket: u64) -> Option<LockWait> {
        let tag = self.waiting_for(ticket)?;
        let shard = self.shard(&tag).lock();
        let state = shard.get(&tag)?;
        let mode = state.queue.iter().find(|r| r.ticket == ticket)?.mode;
        let holders = state.granted.iter().map(|g| g.owner).collect();
        Some(LockWait { tag, mode, holders, queue: state.queue.iter().map(|r| r.owner).collect() })
    }

    /// Gives up the queued request, also when it was granted meanwhile.
    pub fn cancel(&self, held: &mut HeldLocks) {
        let Some((tag, mode, ticket)) = held.pending.take() else { return };
        let mut shard = self.shard(&tag).lock();
        let granted = self.fetch_grant(ticket);
        self.tickets.lock().remove(&ticket);
        if let Some(state) = shard.get_mut(&tag) {
            state.queue.retain(|r| r.ticket != ticket);
            if granted {
                Self::ungrant(state, held.owner, mode);
            }
            self.settle(&mut shard, tag);
        }
    }

    /// Takes an owner's request out of its queue, for good: whoever looks next must not count with it.
    pub(super) fn leave_queue(&self, shards: &mut [MutexGuard<'_, Shard>], owner: u32) {
        for shard in shards {
            let waits =
                |(tag, state): (&LockTag, &LockState)| state.queue.iter().any(|r| r.owner == owner).then_some(*tag);
            if let Some(tag) = shard.iter().find_map(waits)
                && let Some(state) = shard.get_mut(&tag)
            {
                state.queue.retain(|r| r.owner != owner);
                self.settle(shard, tag);
            }
        }
    }

    fn ungrant(state: &mut LockState, owner: u32, mode: LockMode) {
        if let Some(i) = state.granted.iter().position(|g| g.owner == owner) {
            state.granted[i].modes &= !(1 << mode as u8);
            if state.granted[i].modes == 0 {
                state.granted.swap_remove(i);
            }
        }
    }

    /// Grants what can be granted from the head of the queue on, and forgets a state nobody uses.
    fn settle(&self, shard: &mut Shard, tag: LockTag) {
        let Some(state) = shard.get_mut(&tag) else { return };
        let mut ahead = 0u16;
        let mut i = 0;
        while i < state.queue.len() {
            let (owner, mode, ticket) = (state.queue[i].owner, state.queue[i].mode, state.queue[i].ticket);
            if mode.conflicts() & (state.others(owner) | ahead) == 0 {
                state.queue.remove(i);
                state.grant(owner, mode);
                if let Some(t) = self.tickets.lock().get_mut(&ticket) {
                    t.granted = true;
                    if let Some(w) = t.waker.take() {
                        w.wake();
                    }
                }
            } else {
                ahead |= 1 << mode as u8;
                i += 1;
            }
        }
        if state.granted.is_empty() && state.queue.is_empty() {
            shard.remove(&tag);
        }
    }

    /// Gives queues another order, and grants what can be granted then.
    pub(super) fn reorder(&self, shards: &mut [MutexGuard<'_, Shard>], orders: &HashMap<LockTag, Vec<u32>>) {
        for (tag, order) in orders {
            let shard = &mut shards[self.hasher.hash_one(tag) as usize % SHARDS];
            if let Some(state) = shard.get_mut(tag) {
                let place = |r: &Request| order.iter().position(|o| *o == r.owner);
                state.queue.make_contiguous().sort_by_key(place);
            }
            self.settle(shard, *tag);
        }
    }

    fn release_mode(&self, owner: u32, tag: LockTag, mode: LockMode) {
        let mut shard = self.shard(&tag).lock();
        if let Some(state) = shard.get_mut(&tag) {
            Self::ungrant(state, owner, mode);
            self.settle(&mut shard, tag);
        }
    }

    /// Releases one session-level hold; false if there was none.
    pub fn release_session(&self, held: &mut HeldLocks, tag: LockTag, mode: LockMode) -> bool {
        let Some(holding) = held.entries.get_mut(&tag).filter(|h| h.session[mode as usize] > 0) else { return false };
        holding.session[mode as usize] -= 1;
        let mask = holding.mask();
        if mask >> mode as u8 & 1 == 0 {
            if mask == 0 {
                held.entries.remove(&tag);
            }
            self.release_mode(held.owner, tag, mode);
        }
        true
    }

    /// Releases every lock the transaction took after `mark` (rollback to a savepoint: its length; 0: the end).
    pub fn release_to(&self, held: &mut HeldLocks, mark: usize) {
        self.cancel(held);
        while held.taken.len() > mark {
            let Some((tag, mode)) = held.taken.pop() else { break };
            let Some(holding) = held.entries.get_mut(&tag) else { continue };
            holding.transaction &= !(1 << mode as u8);
            let mask = holding.mask();
            if mask >> mode as u8 & 1 == 0 {
                if mask == 0 {
                    held.entries.remove(&tag);
                }
                self.release_mode(held.owner, tag, mode);
            }
        }
    }

    /// Gives everything the transaction holds to another owner, who has nothing yet; what the session holds stays. The
    /// caller has seen to it that nothing is held by both.
    pub fn hand_over(&self, held: &mut HeldLocks, owner: u32) -> HeldLocks {
        let mut heir = HeldLocks::new(owner);
        heir.taken = std::mem::take(&mut held.taken);
        let tags: Vec<LockTag> = heir.taken.iter().map(|t| t.0).collect();
        for tag in tags {
            let Some(holding) = held.entries.remove(&tag) else { continue };
            let mut shard = self.shard(&tag).lock();
            if let Some(grant) = shard.get_mut(&tag).and_then(|s| s.granted.iter_mut().find(|g| g.owner == held.owner))
            {
                grant.owner = owner;
            }
            heir.entries.insert(tag, holding);
        }
        heir
    }

    /// Releases one transaction-level lock before the transaction ends (a look at a table that was not the right one).
    pub fn release_early(&self, held: &mut HeldLocks, tag: LockTag, mode: LockMode) {
        if let Some(i) = held.taken.iter().rposition(|t| *t == (tag, mode)) {
            held.taken.remove(i);
            if let Some(holding) = held.entries.get_mut(&tag) {
                holding.transaction &= !(1 << mode as u8);
                let mask = holding.mask();
                if mask >> mode as u8 & 1 == 0 {
                    if mask == 0 {
                        held.entries.remove(&tag);
                    }
                    self.release_mode(held.owner, tag, mode);
                }
            }
        }
    }

    /// Releases all session-level locks (`pg_advisory_unlock_all`, DISCARD ALL).
    pub fn release_all_session(&self, held: &mut HeldLocks) {
        self.release_session_if(held, |_| true);
    }

    /// Releases what the session holds from one transaction of a command to the next: the command has failed.
    pub fn release_command(&self, held: &mut HeldLocks) {
        self.release_session_if(held, |tag| !matches!(tag, LockTag::Advisory { .. }));
    }

    fn release_session_if(&self, held: &mut HeldLocks, which: impl Fn(&LockTag) -> bool) {
        let all: Vec<(LockTag, LockMode)> = held
            .entries
            .iter()
            .filter(|(tag, _)| which(tag))
            .flat_map(|(tag, h)| LockMode::ALL.into_iter().filter(|m| h.session[*m as usize] > 0).map(|m| (*tag, m)))
            .collect();
        for (tag, mode) in all {
            while self.release_session(held, tag, mode) {}
        }
    }

    /// Whether anyone but the owner holds or awaits a mode that excludes `mode`: used before opportunistic work.
    pub fn is_contended(&self, owner: u32, tag: &LockTag, mode: LockMode) -> bool {
        let shard = self.shard(tag).lock();
        shard
            .get(tag)
            .is_some_and(|s| mode.conflicts() & s.others(owner) != 0 || s.queue.iter().any(|r| r.owner != owner))
    }

    /// Who holds modes of the tag that exclude `mode`.
    pub fn holders(&self, tag: &LockTag, mode: LockMode) -> Vec<u32> {
        let shard = self.shard(tag).lock();
        let excluding = |g: &&Grant| g.modes & mode.conflicts() != 0;
        shard.get(tag).map_or_else(Vec::new, |s| s.granted.iter().filter(excluding).map(|g| g.owner).collect())
    }

    /// Enters an exclusive hold of a tag that its owner has not taken itself: so others can wait for it. Again: nothing.
    pub fn enter_for(&self, owner: u32, tag: LockTag) {
        self.shard(&tag).lock().entry(tag).or_default().grant(owner, LockMode::Exclusive);
    }

    /// Ends what [`enter_for`](Self::enter_for) has begun, if it has.
    pub fn leave_for(&self, owner: u32, tag: LockTag) {
        self.release_mode(owner, tag, LockMode::Exclusive);
    }

    /// Everything for `pg_locks`.
    pub fn rows(&self) -> Vec<LockRow> {
        let mut rows = Vec::new();
        for shard in &self.shards {
            for (tag, state) in shard.lock().iter() {
                for g in &state.granted {
                    for mode in LockMode::ALL.into_iter().filter(|m| g.modes >> *m as u8 & 1 == 1) {
                        rows.push(LockRow { tag: *tag, owner: g.owner, mode, granted: true, since_us: None });
                    }
                }
                for r in &state.queue {
                    let since_us = Some(r.since_us);
                    rows.push(LockRow { tag: *tag, owner: r.owner, mode: r.mode, granted: false, since_us });
                }
            }
        }
        rows
    }

    /// Pids that stand in the way of `owner`: holders of conflicting modes and conflicting requests queued before it.
    pub fn blockers(&self, owner: u32) -> Vec<u32> {
        let shards = self.lock_all();
        super::deadlock::blockers(&shards, owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;

    const T: LockTag = LockTag::Relation { db: Oid(5), rel: Oid(16384) };

    fn waits(r: Flow<bool>) -> bool {
        matches!(r, Err(Stop::Wait(_)))
    }

    #[test]
    fn a_waiter_gets_the_lock_when_the_holder_leaves() {
        let m = LockManager::new();
        let (mut a, mut b) = (HeldLocks::new(1), HeldLocks::new(2));
        assert!(m.acquire(&mut a, T, LockMode::AccessExclusive, Scope::Transaction).unwrap());
        assert!(waits(m.acquire(&mut b, T, LockMode::AccessShare, Scope::Transaction)));
        assert!(waits(m.acquire(&mut b, T, LockMode::AccessShare, Scope::Transaction)), "asking again queues nothing");
        m.release_to(&mut a, 0);
        assert!(m.acquire(&mut b, T, LockMode::AccessShare, Scope::Transaction).unwrap());
        m.release_to(&mut b, 0);
        assert!(m.rows().is_empty(), "nothing is left behind");
    }

    #[test]
    fn readers_do_not_overtake_a_waiting_writer_but_the_holder_itself_may() {
        let m = LockManager::new();
        let (mut a, mut b, mut c) = (HeldLocks::new(1), HeldLocks::new(2), HeldLocks::new(3));
        m.acquire(&mut a, T, LockMode::AccessShare, Scope::Transaction).unwrap();
        assert!(waits(m.acquire(&mut b, T, LockMode::AccessExclusive, Scope::Transaction)));
        assert!(waits(m.acquire(&mut c, T, LockMode::AccessShare, Scope::Transaction)), "LOCK-2");
        m.acquire(&mut a, T, LockMode::RowExclusive, Scope::Transaction).unwrap();
    }

    #[test]
    fn a_savepoint_gives_back_only_what_was_taken_after_it() {
        let m = LockManager::new();
        let mut a = HeldLocks::new(1);
        m.acquire(&mut a, T, LockMode::AccessShare, Scope::Transaction).unwrap();
        let mark = a.mark();
        m.acquire(&mut a, T, LockMode::AccessExclusive, Scope::Transaction).unwrap();
        m.release_to(&mut a, mark);
        assert!(a.holds(&T, LockMode::AccessShare) && !a.holds(&T, LockMode::AccessExclusive));
        assert_eq!(m.rows().len(), 1);
    }

    /// Locks that change hands go on to exclude others, and go with the new owner.
    #[test]
    fn an_heir_holds_what_the_transaction_held() {
        let m = LockManager::new();
        let (mut a, mut b) = (HeldLocks::new(1), HeldLocks::new(2));
        let s = LockTag::Advisory { db: Oid(5), high: 0, low: 7, split: false };
        m.acquire(&mut a, s, LockMode::Exclusive, Scope::Session).unwrap();
        m.acquire(&mut a, T, LockMode::AccessShare, Scope::Transaction).unwrap();
        m.acquire(&mut a, T, LockMode::AccessExclusive, Scope::Transaction).unwrap();
        assert!(!a.holds_twice());
        let mut heir = m.hand_over(&mut a, 9);
        assert!(!a.holds(&T, LockMode::AccessShare) && a.holds(&s, LockMode::Exclusive));
        assert_eq!(heir.transaction_modes(), [(T, 1 << 1 | 1 << 8)]);
        assert!(waits(m.acquire(&mut b, T, LockMode::AccessShare, Scope::Transaction)));
        assert!(waits(m.acquire(&mut a, T, LockMode::AccessShare, Scope::Transaction)));
        m.release_to(&mut heir, 0);
        m.acquire(&mut b, T, LockMode::AccessShare, Scope::Transaction).unwrap();
        m.acquire(&mut a, T, LockMode::AccessShare, Scope::Transaction).unwrap();
    }

    /// What is entered for an owner who has not asked keeps others waiting until it is ended, and goes without a trace.
    #[test]
    fn a_hold_entered_for_another_can_be_awaited() {
        let m = LockManager::new();
        let mut waiter = HeldLocks::new(2);
        let t = LockTag::Virtual { pid: 1, number: 7 };
        m.enter_for(1, t);
        m.enter_for(1, t);
        assert!(waits(m.acquire(&mut waiter, t, LockMode::Share, Scope::Transaction)));
        assert_eq!(m.holders(&t, LockMode::Share), [1]);
        m.leave_for(1, t);
        m.acquire(&mut waiter, t, LockMode::Share, Scope::Transaction).unwrap();
        m.leave_for(1, t);
        m.release_to(&mut waiter, 0);
        assert!(m.rows().is_empty());
    }

    /// What a command holds over several transactions goes when it fails; advisory locks stay.
    #[test]
    fn a_failed_command_keeps_only_advisory_locks() {
        let m = LockManager::new();
        let mut a = HeldLocks::new(1);
        let t = LockTag::Advisory { db: Oid(5), high: 0, low: 7, split: false };
        m.acquire(&mut a, t, LockMode::Exclusive, Scope::Session).unwrap();
        m.acquire(&mut a, T, LockMode::ShareUpdateExclusive, Scope::Session).unwrap();
        m.release_to(&mut a, 0);
        assert!(a.holds(&T, LockMode::ShareUpdateExclusive));
        m.release_command(&mut a);
        assert!(a.holds(&t, LockMode::Exclusive) && !a.holds(&T, LockMode::ShareUpdateExclusive));
    }

    #[test]
    fn session_locks_count_and_outlive_the_transaction() {
        let m = LockManager::new();
        let mut a = HeldLocks::new(1);
        let t = LockTag::Advisory { db: Oid(5), high: 0, low: 7, split: false };
        m.acquire(&mut a, t, LockMode::Exclusive, Scope::Session).unwrap();
        m.acquire(&mut a, t, LockMode::Exclusive, Scope::Session).unwrap();
        m.release_to(&mut a, 0);
        assert!(m.release_session(&mut a, t, LockMode::Exclusive));
        assert_eq!(m.rows().len(), 1);
        assert!(m.release_session(&mut a, t, LockMode::Exclusive));
        assert!(!m.release_session(&mut a, t, LockMode::Exclusive));
        assert!(m.rows().is_empty());
    }
}
