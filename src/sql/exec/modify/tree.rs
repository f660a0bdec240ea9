//! UPDATE and DELETE of a table with children: each row goes to the member it lies in.

use super::Modify;
use super::statement::Statements;
use crate::base::{Error, Flow, Result};
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::plan;
use crate::types::Batch;
use std::collections::VecDeque;

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
}

impl ModifyTree {
    pub fn start(m: &plan::Modify, members: &plan::ModifyMembers, counted: bool, cx: &mut ExecContext) -> Result<Self> {
        let parts = members.parts.iter().map(|p| Modify::start(p, counted, cx)).collect::<Result<_>>()?;
        Ok(ModifyTree {
            input: build(&m.input, cx)?,
            tableoid: members.tableoid,
            oids: members.parts.iter().map(|p| p.rel.oid.0).collect(),
            parts,
            queue: VecDeque::new(),
            at: None,
            statements: Statements::new(cx, m)?,
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
            self.queue.push_back((n, batch.gather(rows)));
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
