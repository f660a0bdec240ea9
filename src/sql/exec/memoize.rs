//! Keeps the rows that the inner side of a nested loop gave for each set of values it was run with, those longest
//! unused given up first. PostgreSQL 15, nodeMemoize.c: same rules, and the same counters.

use super::deps::Versions;
use super::output::forms_of;
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::Plan;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an entry takes besides its key and its rows.
const ENTRY: usize = 160;

pub(super) struct Memoize {
    input: Box<dyn Node>,
    keys: Projection,
    forms: Vec<Phys>,
    /// Of what the input reads besides the keys: when that changes, nothing kept is good any more.
    others: Versions,
    entries: HashMap<Arc<[u8]>, Entry>,
    /// Keys by their last use.
    uses: BTreeMap<u64, Arc<[u8]>>,
    clock: u64,
    memory: usize,
    step: Step,
    /// The input was read before: it must be rescanned.
    used: bool,
    counts: Counts,
}

struct Entry {
    rows: RowStore,
    /// All rows are there.
    complete: bool,
    used: u64,
}

enum Step {
    Look,
    Rescan(Option<Arc<[u8]>>),
    /// The input's rows are handed on, and kept under this key.
    Fill(Option<Arc<[u8]>>),
    Give(Arc<[u8]>, usize),
    Done,
}

#[derive(Default)]
struct Counts {
    hits: u64,
    misses: u64,
    evictions: u64,
    overflows: u64,
    peak: usize,
}

impl Entry {
    fn bytes(&self, key: &[u8]) -> usize {
        ENTRY + 2 * key.len() + self.rows.bytes()
    }
}

/// The very value: what the executor finds equal may still give other rows.
fn append(value: Datum<'_>, out: &mut Vec<u8>) {
    out.push(u8::from(!value.is_null()));
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(v.into()),
        Datum::I16(v) => out.extend_from_slice(&v.to_ne_bytes()),
        Datum::I32(v) => out.extend_from_slice(&v.to_ne_bytes()),
        Datum::U32(v) => out.extend_from_slice(&v.to_ne_bytes()),
        Datum::I64(v) => out.extend_from_slice(&v.to_ne_bytes()),
        Datum::F32(v) => out.extend_from_slice(&v.to_bits().to_ne_bytes()),
        Datum::F64(v) => out.extend_from_slice(&v.to_bits().to_ne_bytes()),
        Datum::Bytes(v) => {
            out.extend_from_slice(&v.len().to_ne_bytes());
            out.extend_from_slice(v);
        }
    }
}

impl Memoize {
    pub fn start(input: &Plan, keys: &[Expr], cx: &mut ExecContext) -> Result<Memoize> {
        let slot = |e: &Expr| match e.kind {
            ExprKind::ExecParam(slot) => Some(slot),
            _ => None,
        };
        let own: Vec<usize> = keys.iter().filter_map(slot).collect();
        let mut others = Versions::of_plan(input).without(&own);
        others.remember(cx);
        Ok(Memoize {
            keys: Projection::new(keys),
            forms: forms_of(&input.columns),
            others,
            entries: HashMap::new(),
            uses: BTreeMap::new(),
            clock: 0,
            memory: 0,
            step: Step::Look,
            used: false,
            counts: Counts::default(),
            input: build(input, cx)?,
        })
    }

    /// What is known for the present values; None: they fill the memory by themselves.
    fn look(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values: Vec<Column> = self.keys.run(cx, &nothing, Sel::All(1))?;
        let mut key = Vec::new();
        values.iter().for_each(|c| append(c.get(0), &mut key));
        if !self.others.unchanged(cx) {
            self.forget();
            self.others.remember(cx);
        }
        self.clock += 1;
        if let Some((known, entry)) = self.entries.get_key_value(&key[..]) {
            let (known, complete) = (known.clone(), entry.complete);
            if complete {
                self.counts.hits += 1;
                self.touch(&known);
                self.step = Step::Give(known, 0);
                return Ok(());
            }
            self.remove(&known);
        }
        self.counts.misses += 1;
        let key: Arc<[u8]> = key.into();
        let entry = Entry { rows: RowStore::new(&self.forms), complete: false, used: self.clock };
        self.memory += entry.bytes(&key);
        self.uses.insert(self.clock, key.clone());
        self.entries.insert(key.clone(), entry);
        let kept = self.fit(&key, cx);
        self.step = Step::Rescan(kept.then_some(key));
        Ok(())
    }

    fn touch(&mut self, key: &Arc<[u8]>) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.uses.remove(&entry.used);
            entry.used = self.clock;
            self.uses.insert(self.clock, key.clone());
        }
    }

    fn remove(&mut self, key: &Arc<[u8]>) {
        if let Some(entry) = self.entries.remove(key) {
            self.uses.remove(&entry.used);
            self.memory = self.memory.saturating_sub(entry.bytes(key));
        }
    }

    fn forget(&mut self) {
        self.entries.clear();
        self.uses.clear();
        self.memory = 0;
    }

    /// Makes room; false: the entry under way had to go, too.
    fn fit(&mut self, key: &Arc<[u8]>, cx: &ExecContext) -> bool {
        self.counts.peak = self.counts.peak.max(self.memory);
        while self.memory > cx.settings.hash_mem() {
            let Some(oldest) = self.uses.values().next().cloned() else { return false };
            self.remove(&oldest);
            if oldest == *key {
                self.counts.overflows += 1;
                return false;
            }
            self.counts.evictions += 1;
        }
        true
    }

    /// Keeps rows of the entry under way.
    fn keep(&mut self, key: Arc<[u8]>, batch: &Batch, cx: &ExecContext) -> Option<Arc<[u8]>> {
        let entry = self.entries.get_mut(&key)?;
        let before = entry.bytes(&key);
        entry.rows.append(batch);
        self.memory += entry.bytes(&key) - before;
        self.fit(&key, cx).then_some(key)
    }
}

impl Node for Memoize {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            match &mut self.step {
                Step::Look => self.look(cx)?,
                Step::Rescan(key) => {
                    if self.used {
                        self.input.rescan(cx)?;
                    }
                    self.used = true;
                    self.step = Step::Fill(key.take());
                }
                Step::Fill(key) => {
                    let Some(batch) = self.input.next(cx)? else {
                        if let Some(key) = key.take()
                            && let Some(entry) = self.entries.get_mut(&key)
                        {
                            entry.complete = true;
                        }
                        self.step = Step::Done;
                        return Ok(None);
                    };
                    let kept = key.take().and_then(|key| self.keep(key, &batch, cx));
                    self.step = Step::Fill(kept);
                    return Ok(Some(batch));
                }
                Step::Give(key, at) => {
                    let Some(entry) = self.entries.get(key) else { return Ok(None) };
                    let end = entry.rows.len().min(*at + BATCH_ROWS);
                    if *at < end {
                        let batch = entry.rows.slice(*at..end);
                        *at = end;
                        return Ok(Some(batch));
                    }
                    self.step = Step::Done;
                }
                Step::Done => return Ok(None),
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.keys.reset();
        self.step = Step::Look;
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        let c = &self.counts;
        if c.misses > 0 {
            stats.notes = vec![format!(
                "Hits: {}  Misses: {}  Evictions: {}  Overflows: {}  Memory Usage: {}kB",
                c.hits,
                c.misses,
                c.evictions,
                c.overflows,
                c.peak.div_ceil(1024)
            )];
        }
    }
}
