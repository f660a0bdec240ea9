//! The marks of one transaction as it knows them: what it need not mark again, and when finer marks become a coarser one.

use super::limits::Limits;
use super::target::Target;
use hashbrown::{HashMap, HashSet};

/// Others may have added marks for it (page splits) or replaced some by coarser ones: both leave true what stands here.
#[derive(Debug, Default)]
pub(super) struct Held {
    marks: HashSet<Target>,
    /// How many marks lie below a target.
    below: HashMap<Target, u32>,
}

/// What a new mark changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub add: Option<Target>,
    /// Covered by the added one.
    pub remove: Vec<Target>,
}

impl Held {
    /// Whether the target, or something that covers it, is marked.
    pub fn covers(&self, target: &Target) -> bool {
        self.marks.contains(target) || target.ancestors().any(|a| self.marks.contains(&a))
    }

    /// What marking `target` comes to: the coarsest target that would have too many marks below it is marked instead.
    pub fn plan(&self, target: Target, limits: &Limits) -> Change {
        if self.covers(&target) {
            return Change::default();
        }
        let full = |a: &Target| self.below.get(a).copied().unwrap_or(0) + 1 > limits.below(a);
        match target.ancestors().filter(full).last() {
            Some(coarse) => {
                let under = |t: &&Target| t.ancestors().any(|a| a == coarse);
                Change { add: Some(coarse), remove: self.marks.iter().filter(under).copied().collect() }
            }
            None => Change { add: Some(target), remove: Vec::new() },
        }
    }

    pub fn apply(&mut self, change: &Change) {
        change.remove.iter().for_each(|t| self.remove(t));
        if let Some(target) = change.add
            && self.marks.insert(target)
        {
            target.ancestors().for_each(|a| *self.below.entry(a).or_default() += 1);
        }
    }

    pub fn remove(&mut self, target: &Target) {
        if !self.marks.remove(target) {
            return;
        }
        for a in target.ancestors() {
            if let Some(n) = self.below.get_mut(&a) {
                *n -= 1;
                if *n == 0 {
                    self.below.remove(&a);
                }
            }
        }
    }

    pub fn has(&self, target: &Target) -> bool {
        self.marks.contains(target)
    }
}
