//! UPDATE and DELETE of a table with children: each row goes to the member it lies in.

use super::Modify;
use super::partition::{Router, as_root};
use super::route::Routed;
use super::statement::Statements;
use crate::base::{Error, Flow, Result};
use crate::catalog::Relation;
use crate::sql::exec::after_row::transition::Capture;
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::expr::eval::Projection;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{self, RowCheckKind};
use crate::types::Batch;
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

impl ModifyTree {
    pub fn start(m: &plan::Modify, members: &plan::ModifyMembers, counted: bool, cx: &mut ExecContext) -> Result<Self> {
        let mut parts = members.parts.iter().map(|p| Modify::start(p, counted, cx)).collect::<Result<Vec<_>>>()?;
        for (part, p) in parts.iter_mut().zip(&members.parts) {
            part.target.capture = Capture::of_part(&m.rel, &p.rel)?;
        }
        let mut routed = None;
        let mut maps = Vec::new();
        if m.rel.is_partitioned() && matches!(m.kind, plan::ModifyKind::Update { .. }) {
            parts.iter_mut().for_each(Modify::let_move);
            // Rows that change their partition are inserted there, but they are rows of UPDATE.
            let of_update = |c: &&plan::RowCheck| matches!(c.kind, RowCheckKind::Update | RowCheckKind::View);
            let mut checks: Vec<plan::RowCheck> = m.row_checks.iter().filter(of_update).cloned().collect();
            for c in checks.iter_mut().filter(|c| c.kind == RowCheckKind::Update) {
                c.kind = RowCheckKind::Insert;
            }
            let router = Router::new(cx, &m.rel, None, checks, m.returning.is_some())?;
            let returning = m.returning.as_ref().map(|r| Projection::new(r));
            routed = Some(Routed::new(router.without_capture(), returning, counted));
            for p in &members.parts {
                maps.push(plan::tree::attribute_map(&m.rel, &p.rel)?);
            }
        }
        Ok(ModifyTree {
            input: build(&m.input, cx)?,
            tableoid: members.tableoid,
            oids: members.parts.iter().map(|p| p.rel.oid.0).collect(),
            parts,
            queue: VecDeque::new(),
            at: None,
            statements: Statements::new(cx, m)?,
            routed,
            maps,
            root: m.rel.clone(),
            reads_input: reads_input(m),
        })
    }

    fn split(&mut self, batch: &mut Batch) -> Result<()> {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.oids.len()];
        for row in 0..batch.rows {
            let of = batch.columns[self.tableoid].get(row);
            // The target may be empty below an outer join.
            if of.is_null() {
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
        Ok(())
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
                if let (Some(routed), Some(moved)) = (&mut self.routed, self.parts[n].take_moved()) {
                    if self.reads_input {
                        let text =
                            "RETURNING columns of other tables for a row that changes its partition is not supported";
                        return Err(Error::unsupported(text).into());
                    }
                    let width = moved.columns.len();
                    routed.feed(as_root(&self.maps[n], width, &self.root, &moved));
                }
            }
            if let Some(routed) = &mut self.routed
                && let Some(batch) = routed.next(cx)?
            {
                return Ok(Some(batch));
            }
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
