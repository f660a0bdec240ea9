//! The rows of a transition table.

use super::output::Output;
use super::{ExecContext, Node};
use crate::base::{Error, Flow, Result};
use crate::catalog::Relation;
use crate::catalog::relation::TRANSITION;
use crate::sql::expr::Expr;
use crate::types::{BATCH_ROWS, Batch};
use std::sync::Arc;

pub(super) struct TransitionScan {
    rows: Arc<Batch>,
    /// 0-based, those that are read.
    columns: Vec<usize>,
    at: usize,
    output: Output,
}

/// Whether a scan of generated rows is one of a transition table.
pub(super) fn is_one(generator: &str) -> bool {
    generator == TRANSITION
}

impl TransitionScan {
    pub fn start(
        rel: Option<&Arc<Relation>>,
        attnos: &[i16],
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
        cx: &ExecContext,
    ) -> Result<TransitionScan> {
        let name = rel.map_or("", |r| r.name.as_str());
        let known = cx.transitions.iter().flat_map(|t| t.iter()).find(|t| t.rel.name == name);
        let Some(known) = known else {
            return Err(Error::internal(format!("transition table \"{name}\" is out of reach")));
        };
        let column = |n: &i16| usize::try_from(*n - 1).ok();
        let columns: Option<Vec<usize>> = attnos.iter().map(column).collect();
        let columns =
            columns.ok_or_else(|| Error::unsupported("system columns of transition tables are not supported"))?;
        Ok(TransitionScan { rows: known.rows.clone(), columns, at: 0, output: Output::new(filter, project) })
    }
}

impl Node for TransitionScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        loop {
            if !self.output.is_busy() {
                if self.at == self.rows.rows {
                    return Ok(None);
                }
                let to = self.rows.rows.min(self.at + BATCH_ROWS);
                let columns = self.columns.iter().map(|n| self.rows.columns[*n].slice(self.at..to)).collect();
                self.output.feed(Batch { columns, rows: to - self.at });
                self.at = to;
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.at = 0;
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
