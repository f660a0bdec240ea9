//! EXPLAIN ANALYZE: rows, loops and time of every node. Not in the tree at all unless asked for.

use super::{ExecContext, Node};
use crate::base::Flow;
use crate::sql::plan::Plan;
use crate::sql::track;
use crate::stat::statements::Effort;
use crate::types::Batch;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What one node did.
#[derive(Clone, Debug, Default)]
pub struct NodeStats {
    pub loops: u64,
    pub rows: u64,
    pub startup: Duration,
    pub total: Duration,
    pub rows_removed_by_filter: u64,
    pub rows_removed_by_recheck: u64,
    /// Of a scan by a collection of addresses: pages of which rows were named, and whole ones.
    pub heap_blocks: Option<(u64, u64)>,
    /// Pages and log of this node and those below.
    pub effort: Effort,
    /// `Sort Method: …` and the like, ready to print.
    pub notes: Vec<String>,
}

/// Stats by plan node; a node is named by its address, which is stable while the statement runs (PLAN is immutable).
#[derive(Clone, Debug, Default)]
pub struct Instrumentation {
    nodes: HashMap<usize, NodeStats>,
    triggers: Vec<TriggerStats>,
}

/// What one trigger did.
#[derive(Clone, Debug, Default)]
pub struct TriggerStats {
    pub name: String,
    pub relation: String,
    /// Of a foreign key or a constraint trigger.
    pub constraint: Option<String>,
    pub calls: u64,
    pub total: Duration,
}

impl Instrumentation {
    pub fn of(&self, plan: &Plan) -> Option<&NodeStats> {
        self.nodes.get(&key(plan))
    }

    /// The triggers fired, of one relation after the other, by name.
    pub fn triggers(&self) -> Vec<&TriggerStats> {
        let rank = |t: &&TriggerStats| self.triggers.iter().position(|first| first.relation == t.relation);
        let mut all: Vec<&TriggerStats> = self.triggers.iter().collect();
        all.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
        all
    }

    /// A trigger was at work, and has been called so many times more.
    pub(super) fn fired(&mut self, name: &str, relation: &str, constraint: Option<&str>, calls: u64, took: Duration) {
        let known = self.triggers.iter().position(|t| t.name == name && t.relation == relation);
        let at = known.unwrap_or_else(|| {
            let (name, relation, constraint) = (name.into(), relation.into(), constraint.map(str::to_owned));
            self.triggers.push(TriggerStats { name, relation, constraint, ..TriggerStats::default() });
            self.triggers.len() - 1
        });
        self.triggers[at].calls += calls;
        self.triggers[at].total += took;
    }

    pub(super) fn entry(&mut self, key: usize) -> &mut NodeStats {
        self.nodes.entry(key).or_default()
    }
}

pub(super) fn key(plan: &Plan) -> usize {
    std::ptr::from_ref(plan) as usize
}

/// Measures its child.
pub(super) struct Instrumented {
    inner: Box<dyn Node>,
    key: usize,
    running: bool,
}

impl Instrumented {
    pub fn new(inner: Box<dyn Node>, plan: &Plan) -> Instrumented {
        Instrumented { inner, key: key(plan), running: false }
    }
}

impl Node for Instrumented {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let (before, started) = (track::on_this_thread(), Instant::now());
        let answer = self.inner.next(cx);
        let took = started.elapsed();
        if let Some(i) = &mut cx.instrument {
            let stats = i.entry(self.key);
            if !self.running {
                self.running = true;
                stats.loops += 1;
            }
            stats.total += took;
            stats.effort.add(&track::difference(track::on_this_thread(), before));
            self.inner.report(stats);
            match &answer {
                Ok(Some(b)) => {
                    if stats.rows == 0 {
                        stats.startup = stats.total;
                    }
                    stats.rows += b.rows as u64;
                }
                Ok(None) if stats.rows == 0 => stats.startup = stats.total,
                _ => {}
            }
        }
        answer
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.inner.rescan(cx)?;
        self.running = false;
        Ok(())
    }
}
