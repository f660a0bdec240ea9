//! One input after the other.

use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::plan::Plan;
use crate::types::Batch;

pub(super) struct Append {
    inputs: Vec<Box<dyn Node>>,
    at: usize,
    rescanned: usize,
}

impl Append {
    pub fn start(inputs: &[Plan], cx: &mut ExecContext) -> Result<Append> {
        let inputs = inputs.iter().map(|p| build(p, cx)).collect::<Result<_>>()?;
        Ok(Append { inputs, at: 0, rescanned: 0 })
    }
}

impl Node for Append {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while let Some(input) = self.inputs.get_mut(self.at) {
            if let Some(batch) = input.next(cx)? {
                return Ok(Some(batch));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(input) = self.inputs.get_mut(self.rescanned) {
            input.rescan(cx)?;
            self.rescanned += 1;
        }
        self.rescanned = 0;
        self.at = 0;
        Ok(())
    }
}
