//! The statements that rules made of one, one after the other: each with rights, a snapshot and triggers of its own.
//! PostgreSQL 15, pquery.c, PortalRunMulti.

use super::{ExecContext, Node};
use crate::base::{Error, Flow};
use crate::sql::plan::PlannedStatement;
use crate::sql::routine::query::{Next, QueryRun};
use crate::types::Batch;
use std::sync::Arc;

pub(super) struct Sequence {
    steps: Vec<Arc<PlannedStatement>>,
    /// The step whose rows and count are the statement's.
    main: Option<usize>,
    at: usize,
    running: Option<QueryRun>,
}

impl Sequence {
    pub fn new(steps: &[Arc<PlannedStatement>], main: Option<usize>) -> Sequence {
        Sequence { steps: steps.to_vec(), main, at: 0, running: None }
    }
}

impl Node for Sequence {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while let Some(step) = self.steps.get(self.at) {
            let run = match &mut self.running {
                Some(run) => run,
                None => self.running.insert(QueryRun::new(step.clone(), cx.params.clone(), None)),
            };
            match run.next(cx)? {
                Next::Batch(b) if self.main == Some(self.at) && step.returns_rows => return Ok(Some(b)),
                Next::Batch(_) => {}
                Next::Stale => return Err(Error::internal("a relation changed under a rule").into()),
                Next::End => {
                    if self.main == Some(self.at) {
                        cx.processed = run.count();
                    }
                    self.running = None;
                    self.at += 1;
                }
            }
        }
        Ok(None)
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Err(Error::internal("statements are not run twice").into())
    }
}
