//! Random waits between every pair of nodes: a node that loses rows over a wait fails its tests at once (FLOW-1).

use super::{ExecContext, Node};
use crate::base::{Flow, Stop, Wait};
use crate::types::Batch;
use std::time::Instant;

/// Waits before its child is called, and after it answered.
pub struct Injected {
    inner: Box<dyn Node>,
    state: u64,
    held: Option<Option<Batch>>,
    rescanned: bool,
}

impl Injected {
    pub fn new(inner: Box<dyn Node>, seed: u64) -> Injected {
        Injected { inner, state: seed | 1, held: None, rescanned: false }
    }

    /// xorshift64: a fixed sequence for each seed.
    fn stop(&mut self) -> Flow<()> {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        match self.state >> 33 & 7 {
            0 => Stop::wait(Wait::Until(Instant::now())),
            1 => Err(Stop::Yield),
            _ => Ok(()),
        }
    }
}

impl Node for Injected {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if self.held.is_none() {
            self.stop()?;
            self.held = Some(self.inner.next(cx)?);
        }
        self.stop()?;
        let batch = self.held.take().flatten();
        if let Some(b) = &batch {
            assert!(b.rows > 0 && b.rows <= crate::types::BATCH_ROWS, "EXEC-1: {} rows", b.rows);
            assert!(b.columns.iter().all(|c| c.len() == b.rows), "COL-1");
        }
        Ok(batch)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.held = None;
        if !self.rescanned {
            self.stop()?;
            self.inner.rescan(cx)?;
            self.rescanned = true;
        }
        self.stop()?;
        self.rescanned = false;
        Ok(())
    }
}
