//! Sort: everything, or the first rows only.

use super::deps::Versions;
use super::keys::KeyColumn;
use super::output::forms_of;
use super::sorter::{Sorter, Ties};
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::eval::{Projection, Single};
use crate::sql::expr::{Expr, SortKey};
use crate::sql::plan::Plan;
use crate::types::{Batch, Column, Phys, Value};

pub(super) struct Sort {
    input: Box<dyn Node>,
    keys: Projection,
    spec: Vec<KeyColumn>,
    forms: Vec<Phys>,
    bound: Option<Single>,
    sorter: Option<Sorter>,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    filled: bool,
    versions: Versions,
    bound_value: Option<Value>,
}

/// The ordering of keys in the form the sorter wants.
pub(super) fn key_columns(keys: &[SortKey]) -> Vec<KeyColumn> {
    keys.iter().map(|k| KeyColumn { ty: k.expr.ty, desc: k.desc, nulls_first: k.nulls_first }).collect()
}

/// The expressions of the keys.
pub(super) fn key_exprs(keys: &[SortKey]) -> Vec<Expr> {
    keys.iter().map(|k| k.expr.clone()).collect()
}

impl Sort {
    pub fn start(input: &Plan, keys: &[SortKey], bound: Option<&Expr>, cx: &mut ExecContext) -> Result<Sort> {
        Ok(Sort {
            keys: Projection::new(&key_exprs(keys)),
            spec: key_columns(keys),
            forms: forms_of(&input.columns),
            bound: bound.map(Single::new),
            sorter: None,
            batch: None,
            rest: None,
            filled: false,
            versions: Versions::of_plan(input),
            bound_value: None,
            input: build(input, cx)?,
        })
    }

    /// LIMIT's number of rows; NULL and negative ones are LIMIT's to judge.
    fn bound(&mut self, cx: &mut ExecContext) -> Flow<Option<usize>> {
        let Some(b) = &mut self.bound else { return Ok(None) };
        if self.bound_value.is_none() {
            self.bound_value = Some(b.run(cx)?);
        }
        Ok(match self.bound_value {
            Some(Value::I64(n)) => usize::try_from(n).ok().filter(|n| *n < 1_000_000),
            _ => None,
        })
    }

    fn fill(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.sorter.is_none() {
            let bound = self.bound(cx)?;
            self.sorter = Some(Sorter::new(self.spec.clone(), &self.forms, bound, Ties::AsPostgres));
        }
        loop {
            if self.batch.is_none() {
                self.batch = match self.rest.take() {
                    None => self.input.next(cx)?,
                    rest => rest,
                };
            }
            let Some(sorter) = &mut self.sorter else { break };
            let Some((batch, keys)) = self.keys.beside(cx, &mut self.batch, &mut self.rest)? else { break };
            let refs: Vec<&Column> = keys.iter().map(|c| &**c).collect();
            sorter.push(cx, &refs, batch)?;
            drop(keys);
            self.batch = None;
        }
        if let Some(s) = &mut self.sorter {
            s.finish(cx)?;
        }
        self.filled = true;
        self.versions.remember(cx);
        Ok(())
    }
}

impl Node for Sort {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.filled {
            self.fill(cx)?;
        }
        cx.poll()?;
        match &mut self.sorter {
            Some(s) => Ok(s.next(None)?),
            None => Ok(None),
        }
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        let Some(s) = self.sorter.as_ref().filter(|_| self.filled) else { return };
        let note = match (s.spilled, self.bound_value.is_some()) {
            (true, _) => format!("Sort Method: external merge  Disk: {}kB", s.disk_bytes().div_ceil(1024)),
            (false, true) => format!("Sort Method: top-N heapsort  Memory: {}kB", s.peak.div_ceil(1024)),
            (false, false) => format!("Sort Method: quicksort  Memory: {}kB", s.peak.div_ceil(1024)),
        };
        stats.notes = vec![note];
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.filled && self.bound.is_none() && self.versions.unchanged(cx) {
            if let Some(s) = &mut self.sorter {
                s.finish(cx)?;
            }
            return Ok(());
        }
        self.input.rescan(cx)?;
        self.keys.reset();
        self.sorter = None;
        self.batch = None;
        self.rest = None;
        self.bound_value = None;
        self.filled = false;
        Ok(())
    }
}
