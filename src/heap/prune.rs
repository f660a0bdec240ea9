//! Cleaning a page: dead versions go, HOT chains get shorter, their room is given back.
//!
//! PostgreSQL 15, pruneheap.c: same rules. Departs from it in needing no cleanup lock: nobody keeps a reference into a
//! page beyond its latch.

use super::record::{Bytes, heap2};
use super::store::TableStore;
use super::tuple::{Tuple, mask};
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Csn, Xid};
use crate::buffer::{WriteGuard, critical};
use crate::page::{PAGE_FULL, PAGE_SIZE, Page, State};
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};
use smallvec::{SmallVec, smallvec};

/// Line pointers whose fates need no memory from the heap: more than most pages have.
const LINES: usize = 128;

/// What is to become of a page's line pointers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// (root, where it leads now)
    pub redirected: Vec<(u16, u16)>,
    /// No version left, but index entries may lead here.
    pub dead: Vec<u16>,
    /// Free at once.
    pub unused: Vec<u16>,
    /// Versions removed.
    pub removed: u32,
    /// Versions nobody may remove yet although they are deleted.
    pub recently_dead: u32,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.redirected.is_empty() && self.dead.is_empty() && self.unused.is_empty()
    }

    pub fn apply(&self, page: &mut Page) {
        self.redirected.iter().for_each(|(from, to)| page.set_redirect(*from, *to));
        self.dead.iter().for_each(|n| page.set_dead(*n));
        self.unused.iter().for_each(|n| page.set_unused(*n));
        page.clear_flag(PAGE_FULL);
        page.compact();
    }

    /// PRUNE's data: three counts (2 each), the pairs, the dead, the unused.
    pub fn encode(&self) -> Vec<u8> {
        let mut b = Bytes::default();
        for n in [self.redirected.len(), self.dead.len(), self.unused.len()] {
            b.u16(n as u16);
        }
        for (from, to) in &self.redirected {
            b.u16(*from).u16(*to);
        }
        for n in self.dead.iter().chain(&self.unused) {
            b.u16(*n);
        }
        b.0
    }

    pub fn decode(data: &[u8]) -> Option<Plan> {
        let mut r = super::record::Reader(data);
        let (redirected, dead, unused) = (r.u16()?, r.u16()?, r.u16()?);
        Some(Plan {
            redirected: (0..redirected).map(|_| Some((r.u16()?, r.u16()?))).collect::<Option<_>>()?,
            dead: (0..dead).map(|_| r.u16()).collect::<Option<_>>()?,
            unused: (0..unused).map(|_| r.u16()).collect::<Option<_>>()?,
            ..Plan::default()
        })
    }
}

/// A page with less room than this is worth pruning in passing (PostgreSQL 15, heap_page_prune_opt: same).
pub(super) fn worthwhile_below(store: &TableStore) -> usize {
    store.kept_free().max(PAGE_SIZE / 10)
}

/// Prunes a page if nobody else has it; errors and waits are nobody's business here.
pub(super) fn opportunistic(storage: &Storage, store: &TableStore, block: BlockNo) {
    if !storage.wal.is_started() || !storage.wal.has_room(Record::max_bytes(1, PAGE_SIZE)) {
        return;
    }
    if let Some(mut page) = storage.pool.try_write(&store.main, block) {
        prune(storage, &mut page, store.oldest_visible(storage));
    }
}

/// Whether an update that found no room should prune: not if one has failed to since the horizon last moved, or a
/// statement that updates every row of a full page would look at the whole page for each.
pub(super) fn may_help(page: &Page, horizon: Csn) -> bool {
    !page.has_flag(PAGE_FULL) || page.spare() != horizon_mark(horizon)
}

/// Notes on the page that pruning at this horizon has left no room (a hint).
pub(super) fn mark_full(page: &mut Page, horizon: Csn) {
    page.set_flag(PAGE_FULL);
    page.set_spare(horizon_mark(horizon));
}

/// The horizon's low bits: a coincidence costs one chance to prune.
fn horizon_mark(horizon: Csn) -> u16 {
    horizon.0 as u16
}

/// Prunes a latched page and logs it; room in the log must be reserved. Returns what was done.
pub(super) fn prune(storage: &Storage, page: &mut WriteGuard<'_>, horizon: Csn) -> Plan {
    if page.is_new() || !anything_to_do(page) {
        return Plan::default();
    }
    let plan = plan(&mut Judge::new(storage), page, horizon);
    if plan.is_empty() {
        return plan;
    }
    let _critical = critical::enter();
    plan.apply(page);
    let data = plan.encode();
    storage.pool.log(Rmgr::Heap2, heap2::PRUNE, Xid::INVALID, &mut [(page, BlockMode::Normal)], &[&data]);
    plan
}

/// A quick look: whether some version was deleted, replaced or rolled back, or a redirect may have lost its chain.
fn anything_to_do(page: &Page) -> bool {
    (1..=page.item_count()).any(|n| match page.pointer(n).state() {
        State::Redirect => true,
        State::Normal => {
            let bits = Tuple(page.item(n)).infomask();
            bits & (mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY) == 0 || bits & mask::XMIN_COMMITTED == 0
        }
        _ => false,
    })
}

/// Decides without changing anything.
pub(super) fn plan(judge: &mut Judge<'_>, page: &Page, horizon: Csn) -> Plan {
    let count = page.item_count();
    let mut plan = Plan::default();
    let mut done: SmallVec<[bool; LINES]> = smallvec![false; count as usize + 1];
    let mut aborted: SmallVec<[bool; LINES]> = smallvec![false; count as usize + 1];
    let fates: SmallVec<[Option<Fate>; LINES]> = (0..=count)
        .map(|n| {
            let t = page.pointer(n).is_normal().then(|| Tuple(page.item(n)))?;
            let mut bits = t.infomask();
            let fate = judge.fate(t, horizon, &mut bits);
            aborted[n as usize] = fate == Fate::Dead && bits & mask::XMIN_INVALID != 0;
            Some(fate)
        })
        .collect();
    plan.recently_dead = fates.iter().filter(|f| **f == Some(Fate::RecentlyDead)).count() as u32;
    for root in 1..=count {
        let starts_chain = match page.pointer(root).state() {
            State::Redirect => true,
            // A living version at the beginning keeps its whole chain.
            State::Normal => {
                matches!(fates[root as usize], Some(Fate::Dead | Fate::RecentlyDead))
                    && !Tuple(page.item(root)).is_heap_only()
            }
            _ => false,
        };
        if starts_chain {
            prune_chain(page, root, &fates, &mut done, &mut plan);
        }
    }
    // Heap-only versions that no chain leads to any more: made by updates that were rolled back.
    for n in 1..=count {
        let at = n as usize;
        if done[at] || fates[at] != Some(Fate::Dead) {
            continue;
        }
        let t = Tuple(page.item(n));
        if t.is_heap_only() && (aborted[at] || !t.is_hot_updated()) {
            plan.unused.push(n);
            plan.removed += 1;
        }
    }
    plan
}

fn prune_chain(page: &Page, root: u16, fates: &[Option<Fate>], done: &mut [bool], plan: &mut Plan) {
    let redirected = page.pointer(root).state() == State::Redirect;
    let members = chain(page, root);
    if redirected && members.is_empty() {
        plan.dead.push(root);
        return;
    }
    // What follows a living version belongs to an update that has not ended well.
    let gone = |n: &&u16| matches!(fates[**n as usize], Some(Fate::Dead | Fate::RecentlyDead));
    let deleted = members.iter().take_while(gone).count();
    members[..deleted].iter().for_each(|n| done[*n as usize] = true);
    // Everything up to the last dead version goes: nobody sees what came before it either.
    let is_dead = |n: &u16| fates[*n as usize] == Some(Fate::Dead);
    let Some(last_dead) = members[..deleted].iter().rposition(is_dead) else { return };
    let removable = &members[..=last_dead];
    plan.removed += removable.len() as u32;
    plan.recently_dead -= removable.iter().filter(|n| fates[**n as usize] == Some(Fate::RecentlyDead)).count() as u32;
    plan.unused.extend(removable.iter().filter(|n| **n != root));
    match members.get(last_dead + 1) {
        Some(next) => plan.redirected.push((root, *next)),
        None => plan.dead.push(root),
    }
}

/// The versions of the chain that begins at a line pointer, the root's own included if it has one.
fn chain(page: &Page, root: u16) -> Vec<u16> {
    super::fetch::Chain::new(page, crate::base::TupleId::new(0, root)).collect()
}

/// Frees dead line pointers whose index entries are gone.
pub(super) fn free_dead(page: &mut Page, lines: &[u16]) {
    for n in lines {
        if page.pointer(*n).state() == State::Dead {
            page.set_unused(*n);
        }
    }
    page.compact();
}
