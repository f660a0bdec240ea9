//! Relations whose rows are generated from the engine's own state and registries.

use super::output::Output;
use super::system_view::{self, View};
use super::{ExecContext, Node};
use crate::base::{Error, Flow, Result};
use crate::sql::expr::Expr;
use crate::types::Batch;

pub(super) struct VirtualScan {
    view: &'static View,
    attnos: Vec<i16>,
    /// All rows, made at the first call: a view shows one moment.
    rows: Option<Vec<Batch>>,
    at: usize,
    output: Output,
}

impl VirtualScan {
    pub fn start(
        view: &'static str,
        attnos: &[i16],
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
    ) -> Result<VirtualScan> {
        let found = system_view::find(view);
        let view = found.ok_or_else(|| Error::unsupported(format!("system view \"{view}\" is not supported yet")))?;
        Ok(VirtualScan { view, attnos: attnos.to_vec(), rows: None, at: 0, output: Output::new(filter, project) })
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if self.rows.is_none() {
            let mut sink = system_view::Sink::new(self.view, &self.attnos);
            (self.view.rows)(cx, &mut sink)?;
            self.rows = Some(sink.into_batches());
        }
        let batch = self.rows.as_mut().and_then(|r| r.get_mut(self.at)).cloned();
        self.at += usize::from(batch.is_some());
        Ok(batch)
    }
}

impl Node for VirtualScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        loop {
            if !self.output.is_busy() {
                let Some(batch) = self.fetch(cx)? else { return Ok(None) };
                self.output.feed(batch);
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
}
