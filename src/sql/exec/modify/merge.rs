//! MERGE: each row of the join goes to the first WHEN clause whose condition holds. PostgreSQL 15, nodeModifyTable.c,
//! ExecMerge: where another transaction has changed the matched row meanwhile, the clause is chosen anew for its newest
//! version; if that one does not match any more, among those for rows that match nothing.

use super::insert::Insert;
use super::row_lock::follow;
use super::target::Target;
use super::update::{Update, append, joined};
use super::{ChangeKind, Changed};
use crate::base::{Error, Flow, Result, TupleId};
use crate::catalog::Relation;
use crate::heap::{HeapFetch, LockStrength, tid_bytes, tid_from_bytes};
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::exec::output::phys_of;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::plan::{MergeAction, MergeWhen, RowCheckKind};
use crate::types::{Batch, Column, Datum, Phys};

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
    /// Somebody else has changed it: to its newest version.
    Follow,
    /// Does it match still?
    Anew,
}

pub(super) struct Merge {
    ctid: usize,
    whens: Vec<When>,
    /// There are clauses for rows that match nothing.
    takes_unmatched: bool,
    recheck: Option<Predicate>,
    fetch: HeapFetch,
    input: Batch,
    row: usize,
    matched: bool,
    /// The target row's attributes, then the input's columns.
    combined: Batch,
    /// The version of the target row that somebody else made meanwhile.
    reached: Option<TupleId>,
    step: Step,
    /// Input rows that match nothing any more, which is for others to deal with.
    strays: Batch,
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
    pub fn new(ctid: usize, whens: &[MergeWhen], recheck: Option<&Expr>, target: &Target) -> Merge {
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
            takes_unmatched: whens.iter().any(|w| !w.matched),
            recheck: recheck.map(Predicate::new),
            fetch: HeapFetch::new(target.store.clone(), Snapshot::any(), all),
            input: Batch::default(),
            row: 0,
            matched: false,
            combined: Batch::default(),
            reached: None,
            step: Step::Fetch,
            strays: Batch::default(),
        }
    }

    pub fn feed(&mut self, batch: Batch) {
        self.input = batch;
        self.row = 0;
        self.reached = None;
        self.step = Step::Fetch;
    }

    fn changes(&mut self) -> impl Iterator<Item = &mut Update> {
        self.whens.iter_mut().filter_map(|w| match &mut w.action {
            Action::Change(update) => Some(&mut **update),
            _ => None,
        })
    }

    /// Rows may leave the partition.
    pub fn let_move(&mut self, held: Option<Error>) {
        self.changes().for_each(|u| (u.may_move, u.held) = (true, held.clone()));
    }

    /// Takes out the rows that belong into other partitions.
    pub fn take_moved(&mut self) -> Option<Batch> {
        let mut all = Batch::default();
        self.changes().filter_map(Update::take_moved).for_each(|b| append(&mut all, b));
        (all.rows > 0).then_some(all)
    }

    pub fn take_strays(&mut self) -> Option<Batch> {
        let strays = std::mem::take(&mut self.strays);
        (strays.rows > 0).then_some(strays)
    }

    pub fn run(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        while self.row < self.input.rows {
            cx.interrupts.check()?;
            self.one_row(cx, target, changed)?;
            changed.tally.merge().rows += 1;
            self.row += 1;
            self.reached = None;
            self.step = Step::Fetch;
        }
        Ok(())
    }

    fn one_row(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        loop {
            match self.step {
                Step::Fetch => {
                    let tid = match self.input.columns[self.ctid].get(self.row) {
                        Datum::Bytes(b) => tid_from_bytes(b),
                        _ => None,
                    };
                    if !self.combine(cx, target, tid)? && tid.is_some() {
                        return Err(Error::internal("a row the snapshot shows is not there").into());
                    }
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
                    let one = self.present();
                    match &mut self.whens[n].action {
                        Action::Nothing => return Ok(()),
                        Action::Change(update) => update.feed(one),
                        Action::Insert(values, insert) => {
                            let columns = values.run(cx, &self.combined, Sel::All(1))?;
                            insert.feed(Batch { columns, rows: 1 });
                        }
                    }
                    self.step = Step::Act(n);
                }
                Step::Act(n) => match &mut self.whens[n].action {
                    Action::Nothing => return Ok(()),
                    Action::Insert(_, insert) => {
                        insert.run(cx, target, changed)?;
                        changed.tally.merge().inserted += 1;
                        return Ok(());
                    }
                    Action::Change(update) => {
                        let before = changed.rows;
                        update.run(cx, target, changed)?;
                        let done = (changed.rows - before) as u64;
                        match update.deletes() {
                            true => changed.tally.merge().deleted += done,
                            false => changed.tally.merge().updated += done,
                        }
                        let Some(newest) = update.take_lost() else { return Ok(()) };
                        self.reached = newest;
                        self.step = Step::Follow;
                    }
                },
                Step::Follow => {
                    if let Some(at) = &mut self.reached
                        && !follow(cx, target, at, LockStrength::NoKeyUpdate, ("updating", "updated or deleted"))?
                    {
                        self.reached = None;
                    }
                    self.step = Step::Anew;
                }
                Step::Anew => {
                    let there = self.combine(cx, target, self.reached)?;
                    let matches = there
                        && match &mut self.recheck {
                            Some(p) => p.run(cx, &self.combined)?.is_none(),
                            None => true,
                        };
                    if !matches && !self.takes_unmatched {
                        let stray = alone(&self.input, self.row);
                        append(&mut self.strays, stray);
                        return Ok(());
                    }
                    if !matches {
                        self.combine(cx, target, None)?;
                    }
                    self.step = Step::Choose(0);
                }
            }
        }
    }

    /// The present row with the attributes of this version of its target, NULL where nothing matches. False: without them.
    fn combine(&mut self, cx: &mut ExecContext, target: &Target, tid: Option<TupleId>) -> Result<bool> {
        let old = match tid {
            Some(tid) => self.fetched(cx, tid)?,
            None => None,
        };
        self.matched = old.is_some();
        self.combined = joined(old.unwrap_or_else(|| nulls(&target.forms)), &self.input, &[self.row as u32]);
        self.combined.rows = 1;
        Ok(self.matched)
    }

    fn fetched(&mut self, cx: &mut ExecContext, tid: TupleId) -> Result<Option<Batch>> {
        let storage = cx.storage()?;
        let mut old = Batch::default();
        self.fetch.prepare(&mut old);
        let found = self.fetch.fetch_version(&storage, tid, &mut old)?;
        old.rows = 1;
        Ok(found.map(|_| old))
    }

    /// The present input row, with the place of the version that counts now.
    fn present(&self) -> Batch {
        let mut one = alone(&self.input, self.row);
        if let Some(tid) = self.reached {
            one.columns[self.ctid] = Column::constant(Phys::Bytes, Datum::Bytes(&tid_bytes(tid)), 1);
        }
        one
    }
}

fn nulls(forms: &[Phys]) -> Batch {
    Batch { columns: forms.iter().map(|form| Column::constant(*form, Datum::Null, 1)).collect(), rows: 1 }
}

fn alone(batch: &Batch, row: usize) -> Batch {
    Batch { columns: batch.columns.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 }
}

/// The input rows of a MERGE into a partitioned table that match nothing: which of them become new rows.
pub(super) struct Unmatched {
    whens: Vec<(Option<Predicate>, Option<Projection>)>,
    forms: Vec<Phys>,
    input: Batch,
    row: usize,
    /// The clause that is asked next about the present row.
    when: usize,
    out: Batch,
}

impl Unmatched {
    /// None: no new rows are asked for.
    pub fn new(whens: &[MergeWhen], root: &Relation) -> Option<Unmatched> {
        let values = |w: &MergeWhen| match &w.action {
            MergeAction::Insert(values) => Some(Projection::new(values)),
            _ => None,
        };
        let of_unmatched = whens.iter().filter(|w| !w.matched);
        let whens: Vec<_> = of_unmatched.map(|w| (w.condition.as_ref().map(Predicate::new), values(w))).collect();
        whens.iter().any(|w| w.1.is_some()).then(|| Unmatched {
            whens,
            forms: root.attributes.iter().map(|a| phys_of(a.ty)).collect(),
            input: Batch::default(),
            row: 0,
            when: 0,
            out: Batch::default(),
        })
    }

    pub fn feed(&mut self, batch: Batch) {
        self.input = batch;
        (self.row, self.when) = (0, 0);
    }

    /// The new rows that come of what was fed; None: all is done.
    pub fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while self.row < self.input.rows {
            cx.interrupts.check()?;
            let mut combined = joined(nulls(&self.forms), &self.input, &[self.row as u32]);
            combined.rows = 1;
            while let Some((condition, values)) = self.whens.get_mut(self.when) {
                let holds = match condition {
                    Some(p) => p.run(cx, &combined)?.is_none(),
                    None => true,
                };
                if !holds {
                    self.when += 1;
                    continue;
                }
                if let Some(values) = values {
                    let columns = values.run(cx, &combined, Sel::All(1))?;
                    append(&mut self.out, Batch { columns, rows: 1 });
                }
                break;
            }
            self.row += 1;
            self.when = 0;
        }
        let out = std::mem::take(&mut self.out);
        Ok((out.rows > 0).then_some(out))
    }
}
