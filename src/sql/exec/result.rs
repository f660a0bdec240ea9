//! One row of expressions, or a one-time condition before an input; also the plan without rows.

use super::{ExecContext, Node, build};
use crate::base::Flow;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Single};
use crate::sql::plan::Plan;
use crate::types::{Batch, Value};

pub(super) struct ResultNode {
    input: Option<Box<dyn Node>>,
    exprs: Projection,
    one_time: Option<Single>,
    /// The one-time condition's answer.
    passes: Option<bool>,
    batch: Option<Batch>,
    done: bool,
}

impl ResultNode {
    pub fn start(
        input: Option<&Plan>,
        exprs: &[Expr],
        one_time: Option<&Expr>,
        cx: &mut ExecContext,
    ) -> crate::base::Result<ResultNode> {
        Ok(ResultNode {
            input: input.map(|p| build(p, cx)).transpose()?,
            exprs: Projection::new(exprs),
            one_time: one_time.map(Single::new),
            passes: None,
            batch: None,
            done: false,
        })
    }

    fn passes(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        match (&mut self.one_time, self.passes) {
            (None, _) => Ok(true),
            (_, Some(p)) => Ok(p),
            (Some(e), None) => {
                let p = e.run(cx)? == Value::Bool(true);
                self.passes = Some(p);
                Ok(p)
            }
        }
    }
}

impl Node for ResultNode {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if self.done || !self.passes(cx)? {
            self.done = true;
            return Ok(None);
        }
        if self.batch.is_none() {
            self.batch = match &mut self.input {
                Some(input) => input.next(cx)?,
                None => Some(Batch { columns: Vec::new(), rows: 1 }),
            };
        }
        if self.batch.is_none() {
            self.done = true;
            return Ok(None);
        }
        let out = self.exprs.take(cx, &mut self.batch)?;
        self.done = self.input.is_none();
        Ok(Some(out))
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if let Some(i) = &mut self.input {
            i.rescan(cx)?;
        }
        self.exprs.reset();
        self.passes = None;
        self.batch = None;
        self.done = false;
        Ok(())
    }
}

/// No rows at all.
pub(super) struct Empty;

impl Node for Empty {
    fn next(&mut self, _: &mut ExecContext) -> Flow<Option<Batch>> {
        Ok(None)
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Ok(())
    }
}
