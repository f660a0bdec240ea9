//! Filter and Project over an input: what scans and joins do themselves, for all other nodes.

use super::output::Output;
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::plan::Plan;
use crate::types::Batch;

pub(super) struct FilterProject {
    input: Box<dyn Node>,
    output: Output,
}

impl FilterProject {
    pub fn start(
        input: &Plan,
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
        lazy: bool,
        cx: &mut ExecContext,
    ) -> Result<FilterProject> {
        Ok(FilterProject { input: build(input, cx)?, output: Output::new(filter, project).lazy(lazy) })
    }
}

impl Node for FilterProject {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if !self.output.is_busy() {
                let Some(batch) = self.input.next(cx)? else { return Ok(None) };
                self.output.feed(batch);
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
