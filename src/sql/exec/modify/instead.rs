//! Rows of a view, given to its INSTEAD OF triggers one by one. PostgreSQL 15, trigger.c, ExecIRInsertTriggers and its kin:
//! a trigger that returns NULL ends with the row, which is neither counted nor returned.

use super::ChangeKind;
use super::row_check::RowChecks;
use super::statement::{Statements, assigned};
use super::verify::Shown;
use crate::base::{Error, Flow, Result};
use crate::sql::exec::after_row::{self, RowTriggers};
use crate::sql::exec::output::phys_of;
use crate::sql::exec::user_trigger::RowFiring;
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::{self, Instead, ModifyKind, RowCheckKind};
use crate::types::{Batch, Column, Phys};
use std::sync::Arc;

pub(super) fn kind(what: &Instead) -> ChangeKind {
    match what {
        Instead::Insert => ChangeKind::Insert,
        Instead::Update(_) => ChangeKind::Update,
        Instead::Delete => ChangeKind::Delete,
    }
}

pub(in crate::sql::exec) struct InsteadOf {
    input: Box<dyn Node>,
    kind: ChangeKind,
    assigned: Option<Vec<usize>>,
    triggers: Arc<RowTriggers>,
    statements: Statements,
    returning: Option<Projection>,
    /// The command tag counts this node's rows.
    counted: bool,
    /// Attributes of a row.
    width: usize,
    /// Input rows, and the one at hand.
    rows: Option<(Batch, usize)>,
    /// The new row, as the triggers made it so far.
    new: Option<Batch>,
    /// What they have said of it.
    done_with: Option<bool>,
    checks: RowChecks,
    shown: Shown,
    firing: RowFiring,
    /// Rows as RETURNING reads them, of these forms.
    done: Batch,
    forms: Vec<Phys>,
    ready: Option<Batch>,
}

impl InsteadOf {
    pub fn start(m: &plan::Modify, counted: bool, cx: &mut ExecContext) -> Result<InsteadOf> {
        let ModifyKind::Instead(what) = &m.kind else { return Err(Error::internal("a view is written to")) };
        let (kind, width) = (kind(what), m.rel.attributes.len());
        let rows = if kind == ChangeKind::Update { 2 * width } else { width };
        let of_row = m.rel.attributes.iter().map(|a| phys_of(a.ty));
        let forms: Vec<Phys> = of_row.chain(m.input.columns.iter().skip(rows).map(|c| phys_of(c.ty))).collect();
        Ok(InsteadOf {
            input: build(&m.input, cx)?,
            kind,
            assigned: assigned(&m.kind),
            triggers: after_row::of_relation(cx, &m.rel)?,
            statements: Statements::new(cx, m)?,
            returning: m.returning.as_ref().map(|r| Projection::new(r)),
            counted,
            width,
            rows: None,
            new: None,
            done_with: None,
            checks: RowChecks::new(&m.row_checks),
            shown: Shown::of(m)?,
            firing: RowFiring::default(),
            done: empty(&forms),
            forms,
            ready: None,
        })
    }

    /// Gives the rows at hand to the triggers.
    fn fire(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some((batch, at)) = &mut self.rows else { return Ok(()) };
        let (width, inserts, deletes) = (self.width, self.kind == ChangeKind::Insert, self.kind == ChangeKind::Delete);
        let fresh = if inserts { 0 } else { width };
        while *at < batch.rows {
            cx.poll()?;
            let row = [*at as u32];
            if self.new.is_none() && !deletes {
                let columns = batch.columns[fresh..fresh + width].iter().map(|c| c.gather_rows(&row)).collect();
                self.new = Some(Batch { columns, rows: 1 });
            }
            let old = (!inserts).then_some((&batch.columns[..width], *at));
            let (triggers, assigned) = (&self.triggers.instead, self.assigned.as_deref());
            let done = match self.done_with {
                Some(done) => done,
                None => self.firing.run(cx, triggers, self.kind, assigned, old, self.new.as_mut())?,
            };
            self.done_with = Some(done);
            if let (true, Some(new)) = (done, &self.new) {
                self.checks.enforce(cx, &self.shown, new, RowCheckKind::View)?;
            }
            self.done_with = None;
            let new = self.new.take();
            if done {
                cx.processed += u64::from(self.counted);
                if self.returning.is_some() {
                    let (shown, from) = new.as_ref().map_or((&batch.columns[..width], *at), |b| (&b.columns[..], 0));
                    let further = batch.columns.iter().skip(if inserts || deletes { width } else { 2 * width });
                    let (attributes, rest) = self.done.columns.split_at_mut(width);
                    attributes.iter_mut().zip(shown).for_each(|(to, c)| to.push_from(c, from));
                    rest.iter_mut().zip(further).for_each(|(to, c)| to.push_from(c, *at));
                    self.done.rows += 1;
                }
            }
            *at += 1;
        }
        self.rows = None;
        Ok(())
    }
}

fn empty(forms: &[Phys]) -> Batch {
    Batch { columns: forms.iter().map(|p| Column::new(*p)).collect(), rows: 0 }
}

impl Node for InsteadOf {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let (Some(batch), Some(p)) = (&self.ready, &mut self.returning) {
                let columns = p.run(cx, batch, Sel::All(batch.rows))?;
                let rows = batch.rows;
                self.ready = None;
                return Ok(Some(Batch { columns, rows }));
            }
            cx.poll()?;
            self.statements.begin(cx)?;
            if self.rows.is_none() {
                let Some(batch) = self.input.next(cx)? else {
                    self.statements.end(cx);
                    return Ok(None);
                };
                self.rows = Some((batch, 0));
            }
            self.fire(cx)?;
            if self.done.rows > 0 {
                self.ready = Some(std::mem::replace(&mut self.done, empty(&self.forms)));
            }
        }
    }

    /// A data-modifying node runs once.
    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Err(Error::internal("a data-modifying plan cannot be run again").into())
    }
}
