//! MERGE: each row of the join goes to the first WHEN clause whose condition holds.
//!
//! Departs from PostgreSQL 15, nodeModifyTable.c, ExecMergeMatched: where another transaction has changed the matched row
//! meanwhile, the clauses are not chosen anew; the statement ends with 40001 instead.

use super::insert::Insert;
use super::target::Target;
use super::update::{Update, joined};
use super::{ChangeKind, Changed};
use crate::base::{Error, Flow, Result, TupleId};
use crate::heap::{HeapFetch, tid_from_bytes};
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::plan::{MergeAction, MergeWhen, RowCheckKind};
use crate::types::{Batch, Column, Datum};

enum Action {
    Nothing,
    /// UPDATE or DELETE.
    Change(Box<Update>),
    Insert(Projection, Box<Insert>),
}

struct When {
    matched: bool,
    condition: Option<Predicate>,
    action: Action,
}

/// What is being done with the present row.
enum Step {
    Fetch,
    /// Looking for its clause, from this one on.
    Choose(usize),
    /// Do policies let it be changed so?
    Permit(usize),
    /// The values of a new row.
    Compute(usize),
    Act(usize),
}

pub(super) struct Merge {
    ctid: usize,
    whens: Vec<When>,
    fetch: HeapFetch,
    input: Batch,
    row: usize,
    matched: bool,
    /// The target row's attributes, then the input's columns.
    combined: Batch,
    step: Step,
}

/// What a MERGE may do to rows, in the order in which statement triggers fire.
pub(super) fn kinds(whens: &[MergeWhen]) -> Vec<ChangeKind> {
    let does = |f: fn(&MergeAction) -> bool| whens.iter().any(|w| f(&w.action));
    let all = [
        (ChangeKind::Insert, does(|a| matches!(a, MergeAction::Insert(_)))),
        (ChangeKind::Update, does(|a| matches!(a, MergeAction::Update(_)))),
        (ChangeKind::Delete, does(|a| matches!(a, MergeAction::Delete))),
    ];
    all.into_iter().filter(|k| k.1).map(|k| k.0).collect()
}

impl Merge {
    pub fn new(ctid: usize, whens: &[MergeWhen], target: &Target) -> Merge {
        let when = |w: &MergeWhen| When {
            matched: w.matched,
            condition: w.condition.as_ref().map(Predicate::new),
            action: match &w.action {
                MergeAction::Nothing => Action::Nothing,
                MergeAction::Delete => Action::Change(Box::new(Update::new(ctid, None, None, target).of_merge())),
                MergeAction::Update(set) => {
                    Action::Change(Box::new(Update::new(ctid, Some(set), None, target).of_merge()))
                }
                MergeAction::Insert(values) => Action::Insert(Projection::new(values), Box::default()),
            },
        };
        let all = (1..=target.forms.len() as i16).collect();
        Merge {
            ctid,
            whens: whens.iter().map(when).collect(),
            fetch: HeapFetch::new(target.store.clone(), Snapshot::any(), all),
            input: Batch::default(),
            row: 0,
            matched: false,
            combined: Batch::default(),
            step: Step::Fetch,
        }
    }

    pub fn feed(&mut self, batch: Batch) {
        self.input = batch;
        self.row = 0;
        self.step = Step::Fetch;
    }

    pub fn run(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        while self.row < self.input.rows {
            cx.interrupts.check()?;
            self.one_row(cx, target, changed)?;
            self.row += 1;
            self.step = Step::Fetch;
        }
        Ok(())
    }

    fn one_row(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        loop {
            match self.step {
                Step::Fetch => {
                    self.combine(cx, target)?;
                    self.step = Step::Choose(0);
                }
                Step::Choose(n) => {
                    let Some(when) = self.whens.get_mut(n) else { return Ok(()) };
                    let holds = when.matched == self.matched
                        && match &mut when.condition {
                            Some(p) => p.run(cx, &self.combined)?.is_none(),
                            None => true,
                        };
                    self.step = if holds { Step::Permit(n) } else { Step::Choose(n + 1) };
                }
                Step::Permit(n) => {
                    if let Action::Change(update) = &self.whens[n].action {
                        let kind = match update.deletes() {
                            true => RowCheckKind::MergeDelete,
                            false => RowCheckKind::MergeUpdate,
                        };
                        target.enforce(cx, &self.combined, kind)?;
                    }
                    self.step = Step::Compute(n);
                }
                Step::Compute(n) => {
                    match &mut self.whens[n].action {
                        Action::Nothing => return Ok(()),
                        Action::Change(update) => update.feed(alone(&self.input, self.row)),
                        Action::Insert(values, insert) => {
                            let columns = values.run(cx, &self.combined, Sel::All(1))?;
                            insert.feed(Batch { columns, rows: 1 });
                        }
                    }
                    self.step = Step::Act(n);
                }
                Step::Act(n) => {
                    return match &mut self.whens[n].action {
                        Action::Nothing => Ok(()),
                        Action::Change(update) => update.run(cx, target, changed),
                        Action::Insert(_, insert) => insert.run(cx, target, changed),
                    };
                }
            }
        }
    }

    /// The present row with its target's attributes, NULL where nothing matches.
    fn combine(&mut self, cx: &mut ExecContext, target: &Target) -> Result<()> {
        let tid = match self.input.columns[self.ctid].get(self.row) {
            Datum::Bytes(b) => tid_from_bytes(b),
            _ => None,
        };
        self.matched = tid.is_some();
        let old = match tid {
            Some(tid) => self.fetched(cx, tid)?,
            None => {
                let nulls = target.forms.iter().map(|form| Column::constant(*form, Datum::Null, 1)).collect();
                Batch { columns: nulls, rows: 1 }
            }
        };
        self.combined = joined(old, &self.input, &[self.row as u32]);
        self.combined.rows = 1;
        Ok(())
    }

    fn fetched(&mut self, cx: &mut ExecContext, tid: TupleId) -> Result<Batch> {
        let storage = cx.storage()?;
        let mut old = Batch::default();
        self.fetch.prepare(&mut old);
        if self.fetch.fetch_version(&storage, tid, &mut old)?.is_none() {
            return Err(Error::internal("a row the snapshot shows is not there"));
        }
        old.rows = 1;
        Ok(old)
    }
}

fn alone(batch: &Batch, row: usize) -> Batch {
    Batch { columns: batch.columns.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 }
}
