//! All marks, by target and by owner.

use super::error::Fault;
use super::graph::{Seq, VertexId};
use super::target::Target;
use crate::base::{BlockNo, Oid};
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

#[derive(Debug, Default)]
pub(super) struct Marks {
    targets: HashMap<Target, Owners>,
    by_owner: HashMap<VertexId, HashSet<Target>>,
    /// Owners of all targets together.
    count: usize,
    /// Targets with summarised owners.
    old: usize,
    /// No summarised owner committed before this.
    oldest: Seq,
    pub limit: usize,
}

/// Who has marked a target.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    pub living: SmallVec<[VertexId; 2]>,
    /// Summarised ones: when the last of them committed.
    pub old: Option<Seq>,
}

impl Owners {
    fn len(&self) -> usize {
        self.living.len() + usize::from(self.old.is_some())
    }
}

impl Marks {
    /// # Errors
    /// `TooManyMarks`.
    pub fn add(&mut self, target: Target, owner: VertexId) -> Result<(), Fault> {
        if self.count >= self.limit {
            self.coarsen();
        }
        if self.count >= self.limit {
            return Err(Fault::TooManyMarks);
        }
        self.put(target, owner);
        Ok(())
    }

    fn put(&mut self, target: Target, owner: VertexId) {
        if self.by_owner.entry(owner).or_default().insert(target) {
            self.targets.entry(target).or_default().living.push(owner);
            self.count += 1;
        }
    }

    pub fn remove(&mut self, target: &Target, owner: VertexId) {
        if self.by_owner.get_mut(&owner).is_some_and(|set| set.remove(target)) {
            self.drop_owner(target, owner);
        }
    }

    fn drop_owner(&mut self, target: &Target, owner: VertexId) {
        let Some(owners) = self.targets.get_mut(target) else { return };
        let before = owners.len();
        owners.living.retain(|o| *o != owner);
        let after = owners.len();
        self.count -= before - after;
        if after == 0 {
            self.targets.remove(target);
        }
    }

    /// Removes all marks of an owner.
    pub fn release(&mut self, owner: VertexId) {
        for target in self.by_owner.remove(&owner).unwrap_or_default() {
            self.drop_owner(&target, owner);
        }
    }

    /// Turns all marks of a committed owner into marks of nobody in particular.
    pub fn summarise(&mut self, owner: VertexId, committed: Seq) {
        for target in self.by_owner.remove(&owner).unwrap_or_default() {
            self.put_old(target, committed);
            self.drop_owner(&target, owner);
        }
    }

    fn put_old(&mut self, target: Target, committed: Seq) {
        let owners = self.targets.entry(target).or_default();
        let new = usize::from(owners.old.is_none());
        self.oldest = if self.old == 0 { committed } else { self.oldest.min(committed) };
        self.count += new;
        self.old += new;
        owners.old = owners.old.max(Some(committed));
    }

    /// Removes summarised marks whose owners had committed by `through`.
    pub fn release_old(&mut self, through: Seq) {
        if self.old == 0 || through < self.oldest {
            return;
        }
        let (mut gone, mut oldest) = (0, Seq::MAX);
        self.targets.retain(|_, owners| {
            if owners.old.is_some_and(|seq| seq <= through) {
                owners.old = None;
                gone += 1;
            }
            oldest = oldest.min(owners.old.unwrap_or(Seq::MAX));
            owners.len() > 0
        });
        self.count -= gone;
        self.old -= gone;
        self.oldest = oldest;
    }

    /// Makes room: summarised owners' marks become marks on whole relations. (PostgreSQL 15 gives up instead.)
    fn coarsen(&mut self) {
        if self.old == 0 {
            return;
        }
        let fine = |(target, owners): (&Target, &Owners)| Some((*target, owners.old?, target.ancestors().last()?));
        let all: Vec<(Target, Seq, Target)> = self.targets.iter().filter_map(fine).collect();
        for (target, seq, whole) in all {
            self.drop_old(&target);
            self.put_old(whole, seq);
        }
    }

    fn drop_old(&mut self, target: &Target) {
        let Some(owners) = self.targets.get_mut(target) else { return };
        if owners.old.take().is_some() {
            self.count -= 1;
            self.old -= 1;
        }
        if owners.len() == 0 {
            self.targets.remove(target);
        }
    }

    pub fn owners(&self, target: &Target) -> Option<&Owners> {
        self.targets.get(target)
    }

    /// Who has marked page `from` marks page `to` as well; without room, both pages' relation (SSI-4).
    pub fn copy_page(&mut self, db: Oid, rel: Oid, from: BlockNo, to: BlockNo) {
        let from = Target::page(db, rel, from);
        let Some(owners) = self.targets.get(&from).cloned() else { return };
        let fits = self.count + owners.len() <= self.limit;
        let to = if fits { Target::page(db, rel, to) } else { Target::relation(db, rel) };
        self.give(&owners, to);
        if !fits {
            owners.living.iter().for_each(|o| self.remove(&from, *o));
        }
    }

    fn give(&mut self, owners: &Owners, to: Target) {
        owners.living.iter().for_each(|o| self.put(to, *o));
        if let Some(seq) = owners.old {
            self.put_old(to, seq);
        }
    }

    /// Every mark on a relation or a part of it becomes one on the whole of `heap`: places in it are others from now on.
    pub fn promote(&mut self, db: Oid, rel: Oid, heap: Oid) {
        let whole = Target::relation(db, heap);
        let all: Vec<Target> = self.on(db, rel).map(|(t, _)| *t).filter(|t| *t != whole).collect();
        for target in all {
            let Some(owners) = self.targets.get(&target).cloned() else { continue };
            self.give(&owners, whole);
            owners.living.iter().for_each(|o| self.remove(&target, *o));
            self.drop_old(&target);
        }
    }

    /// The marks on a relation and its parts.
    pub fn on(&self, db: Oid, rel: Oid) -> impl Iterator<Item = (&Target, &Owners)> {
        self.targets.iter().filter(move |(t, _)| t.rel == rel && t.db == db)
    }

    /// The marks of one owner.
    pub fn of(&self, owner: VertexId) -> Vec<Target> {
        let mut all: Vec<Target> = self.by_owner.get(&owner).into_iter().flatten().copied().collect();
        all.sort();
        all
    }

    pub fn all(&self) -> impl Iterator<Item = (&Target, &Owners)> {
        self.targets.iter()
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.count
    }
}
