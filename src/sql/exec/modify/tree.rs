//! UPDATE, DELETE and MERGE of a table with children: each row goes to the member it lies in.

use super::Modify;
use super::merge::Unmatched;
use super::partition::{Router, as_root};
use super::route::Routed;
use super::statement::Statements;
use crate::base::{Error, Flow, Result};
use crate::catalog::Relation;
use crate::sql::exec::after_row::{self, transition::Capture};
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::expr::eval::Projection;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{self, RowCheckKind};
use crate::types::{Batch, Column, Datum, Phys};
use std::collections::VecDeque;
use std::sync::Arc;

pub(in crate::sql::exec) struct ModifyTree {
    input: Box<dyn Node>,
    /// Input column that names a row's table.
    tableoid: usize,
    oids: Vec<u32>,
    parts: Vec<Modify>,
    /// Rows of the present input batch, by member.
    queue: VecDeque<(usize, Batch)>,
    at: Option<usize>,
    statements: Statements,
    /// Of a partitioned table: rows that change their partition.
    routed: Option<Routed>,
    /// Such rows, if RETURNING wants the input's columns: each with those.
    moved: VecDeque<(Batch, Vec<Column>)>,
    /// MERGE: the rows that match nothing.
    unmatched: Option<NewRows>,
    ctid: Option<usize>,
    /// By member, its attribute numbers of the root's attributes.
    maps: Vec<Vec<i16>>,
    root: Arc<Relation>,
    /// RETURNING reads columns of other relations.
    reads_input: bool,
}

/// RETURNING reads more than the row itself and its system columns.
fn reads_input(m: &plan::Modify) -> bool {
    let own = m.rel.attributes.len() + 4;
    let beyond = |e: &Expr| e.any(&mut |x| matches!(x.kind, ExprKind::Column(n) if n >= own));
    m.returning.iter().flatten().any(beyond)
}

/// Who makes new rows of the source rows of a MERGE that match nothing.
enum NewRows {
    /// The member that is the table named.
    Member(usize),
    /// Of a partitioned table.
    Routed { waiting: VecDeque<Batch>, unmatched: Box<Unmatched>, inserts: Box<Routed> },
}

fn new_rows(
    m: &plan::Modify,
    members: &plan::ModifyMembers,
    counted: bool,
    cx: &mut ExecContext,
) -> Result<Option<NewRows>> {
    let plan::ModifyKind::Merge { whens, .. } = &m.kind else { return Ok(None) };
    if !m.rel.is_partitioned() {
        return Ok(members.parts.iter().position(|p| p.rel.oid == m.rel.oid).map(NewRows::Member));
    }
    let Some(unmatched) = Unmatched::new(whens, &m.rel) else { return Ok(None) };
    let of_insert = |c: &&plan::RowCheck| matches!(c.kind, RowCheckKind::Insert | RowCheckKind::View);
    let checks = m.row_checks.iter().filter(of_insert).cloned().collect();
    let router = Router::new(cx, m, None, checks, false)?;
    let inserts = Box::new(Routed::new(router, None, counted));
    Ok(Some(NewRows::Routed { waiting: VecDeque::new(), unmatched: Box::new(unmatched), inserts }))
}

/// Rows may change their partition.
fn may_move(m: &plan::Modify) -> bool {
    m.rel.is_partitioned()
        && match &m.kind {
            plan::ModifyKind::Update { .. } => true,
            plan::ModifyKind::Merge { whens, .. } => {
                whens.iter().any(|w| matches!(w.action, plan::MergeAction::Update(_)))
            }
            _ => false,
        }
}

fn held_by(table: &str, root: &str) -> Error {
    let text = "cannot move tuple across partitions when a non-root ancestor of the source partition is directly referenced in a foreign key";
    Error::unsupported(text)
        .detail(format!("A foreign key points to ancestor \"{table}\" but not the root ancestor \"{root}\"."))
        .hint(format!("Consider defining the foreign key on table \"{root}\"."))
}

impl ModifyTree {
    pub fn start(m: &plan::Modify, members: &plan::ModifyMembers, counted: bool, cx: &mut ExecContext) -> Result<Self> {
        let mut parts = members.parts.iter().map(|p| Modify::start(p, counted, cx)).collect::<Result<Vec<_>>>()?;
        for (part, p) in parts.iter_mut().zip(&members.parts) {
            part.target.capture = Capture::of_part(&m.rel, &p.rel)?;
        }
        let mut routed = None;
        let mut maps = Vec::new();
        if may_move(m) {
            for (part, p) in parts.iter_mut().zip(&members.parts) {
                let held = after_row::referenced_between(cx, &p.rel, &m.rel)?;
                part.let_move(held.map(|table| held_by(&table, &m.rel.name)));
            }
            // Rows that change their partition are inserted there, but they are rows of UPDATE.
            let of_update = |c: &&plan::RowCheck| matches!(c.kind, RowCheckKind::Update | RowCheckKind::View);
            let mut checks: Vec<plan::RowCheck> = m.row_checks.iter().filter(of_update).cloned().collect();
            for c in checks.iter_mut().filter(|c| c.kind == RowCheckKind::Update) {
                c.kind = RowCheckKind::Insert;
            }
            let router = Router::new(cx, m, None, checks, m.returning.is_some())?;
            let returning = m.returning.as_ref().map(|r| Projection::new(r));
            routed = Some(Routed::new(router.of_moved(), returning, counted));
            for p in &members.parts {
                maps.push(plan::tree::attribute_map(&m.rel, &p.rel)?);
            }
        }
        let ctid = match &m.kind {
            plan::ModifyKind::Merge { ctid, .. } => Some(*ctid),
            _ => None,
        };
        Ok(ModifyTree {
            unmatched: new_rows(m, members, counted, cx)?,
            ctid,
            input: build(&m.input, cx)?,
            tableoid: members.tableoid,
            oids: members.parts.iter().map(|p| p.rel.oid.0).collect(),
            parts,
            queue: VecDeque::new(),
            at: None,
            statements: Statements::new(cx, m)?,
            routed,
            moved: VecDeque::new(),
            maps,
            root: m.rel.clone(),
            reads_input: reads_input(m),
        })
    }

    fn split(&mut self, batch: &mut Batch) -> Result<()> {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.oids.len()];
        let mut loose = Vec::new();
        for row in 0..batch.rows {
            let of = batch.columns[self.tableoid].get(row);
            // The target may be empty below an outer join.
            if of.is_null() {
                loose.push(row as u32);
                continue;
            }
            let member = self.oids.iter().position(|o| *o == of.u32());
            rows[member.ok_or_else(|| Error::internal("a row of no member of the tree"))?].push(row as u32);
        }
        for (n, rows) in rows.iter().enumerate().filter(|(_, r)| !r.is_empty()) {
            match self.routed.is_some() && self.parts[n].alone() {
                true => rows.iter().for_each(|row| self.queue.push_back((n, batch.gather(&[*row])))),
                false => self.queue.push_back((n, batch.gather(rows))),
            }
        }
        if !loose.is_empty() {
            self.make_new(batch.gather(&loose));
        }
        Ok(())
    }

    /// Rows that match nothing, or not any more.
    fn make_new(&mut self, mut batch: Batch) {
        match &mut self.unmatched {
            Some(NewRows::Member(n)) => {
                if let Some(ctid) = self.ctid {
                    batch.columns[ctid] = Column::constant(Phys::Bytes, Datum::Null, batch.rows);
                }
                self.queue.push_back((*n, batch));
            }
            Some(NewRows::Routed { waiting, .. }) => waiting.push_back(batch),
            None => {}
        }
    }

    /// Works off the rows that match nothing and are for no member.
    fn insert_new(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some(NewRows::Routed { waiting, unmatched, inserts }) = &mut self.unmatched else { return Ok(()) };
        loop {
            while inserts.next(cx)?.is_some() {}
            if let Some(batch) = unmatched.next(cx)? {
                inserts.feed(batch);
                continue;
            }
            let Some(batch) = waiting.pop_front() else { return Ok(()) };
            unmatched.feed(batch);
        }
    }
}

impl Node for ModifyTree {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Some(n) = self.at {
                if let Some(batch) = self.parts[n].next(cx)? {
                    return Ok(Some(batch));
                }
                self.at = None;
                if let Some(strays) = self.parts[n].take_strays() {
                    self.make_new(strays);
                }
                if let (Some(routed), Some(moved)) = (&mut self.routed, self.parts[n].take_moved()) {
                    let width = self.parts[n].target.forms.len();
                    let mut rows = as_root(&self.maps[n], width, &self.root, &moved);
                    let beside = rows.columns.split_off(self.root.attributes.len());
                    match self.reads_input {
                        false => routed.feed(rows),
                        // One after the other, so that what comes back is of this row.
                        true => self.moved.extend((0..rows.rows as u32).map(|row| {
                            let input = beside.iter().map(|c| c.gather_rows(&[row])).collect();
                            (rows.gather(&[row]), input)
                        })),
                    }
                }
            }
            if let Some(routed) = &mut self.routed
                && let Some(batch) = routed.next(cx)?
            {
                return Ok(Some(batch));
            }
            if let (Some(routed), Some((row, beside))) = (&mut self.routed, self.moved.pop_front()) {
                routed.beside = beside;
                routed.feed(row);
                continue;
            }
            self.insert_new(cx)?;
            if let Some((n, batch)) = self.queue.pop_front() {
                self.parts[n].accept(batch);
                self.at = Some(n);
                continue;
            }
            cx.poll()?;
            self.statements.begin(cx)?;
            let Some(mut batch) = self.input.next(cx)? else {
                self.statements.end(cx);
                return Ok(None);
            };
            self.split(&mut batch)?;
        }
    }

    /// A data-modifying node runs once.
    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Err(Error::internal("a data-modifying plan cannot be run again").into())
    }
}
