//! WITH: each common table expression runs once, on demand, and its readers share the rows.

use super::deps::Versions;
use super::materialize::{Place, Tuplestore};
use super::output::{Output, forms_of};
use super::{ExecContext, Node, build};
use crate::base::{Error, Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::plan::{Cte, Plan};
use crate::types::{Batch, Phys};
use parking_lot::Mutex;
use std::sync::Arc;

/// A common table expression under way, shared by its readers.
pub struct CteState {
    node: Box<dyn Node>,
    forms: Vec<Phys>,
    store: Tuplestore,
    complete: bool,
    begun: bool,
    versions: Versions,
    id: usize,
}

impl CteState {
    /// Fetches one more batch into the store; false at the end.
    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        if self.complete {
            return Ok(false);
        }
        if !self.begun {
            self.versions.remember(cx);
            self.begun = true;
        }
        match self.node.next(cx)? {
            None => {
                self.complete = true;
                Ok(false)
            }
            Some(batch) => {
                self.store.append(cx, &batch)?;
                Ok(true)
            }
        }
    }

    /// Starts over if what it was computed from changed.
    fn renew(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.begun && !self.versions.unchanged(cx) {
            self.node.rescan(cx)?;
            self.store = Tuplestore::new(&self.forms);
            self.complete = false;
            self.begun = false;
            cx.run.cte_rounds[self.id] += 1;
        }
        Ok(())
    }
}

pub(super) struct With {
    body: Box<dyn Node>,
    ctes: Vec<(Arc<Mutex<CteState>>, bool)>,
    body_done: bool,
    /// The data-modifying expression being run to its end.
    at: usize,
    /// The one being renewed by a rescan.
    renewed: usize,
}

impl With {
    pub fn start(ctes: &[Cte], body: &Plan, cx: &mut ExecContext) -> Result<With> {
        let mut states = Vec::with_capacity(ctes.len());
        for cte in ctes {
            let forms = forms_of(&cte.plan.columns);
            let state = CteState {
                store: Tuplestore::new(&forms),
                forms,
                complete: false,
                begun: false,
                versions: Versions::of_plan(&cte.plan),
                id: cte.id,
                node: build(&cte.plan, cx)?,
            };
            let state = Arc::new(Mutex::new(state));
            if cx.run.ctes.len() <= cte.id {
                cx.run.ctes.resize(cte.id + 1, None);
                cx.run.cte_rounds.resize(cte.id + 1, 0);
            }
            cx.run.ctes[cte.id] = Some(state.clone());
            states.push((state, cte.modifies));
        }
        Ok(With { body: build(body, cx)?, ctes: states, body_done: false, at: 0, renewed: 0 })
    }
}

impl Node for With {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.body_done {
            if let Some(batch) = self.body.next(cx)? {
                return Ok(Some(batch));
            }
            self.body_done = true;
        }
        while let Some((cte, modifies)) = self.ctes.get(self.at) {
            while *modifies && cte.lock().fetch(cx)? {}
            self.at += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some((cte, _)) = self.ctes.get(self.renewed) {
            cte.lock().renew(cx)?;
            self.renewed += 1;
        }
        self.body.rescan(cx)?;
        self.renewed = 0;
        self.body_done = false;
        self.at = 0;
        Ok(())
    }
}

pub(super) struct CteScan {
    cte: usize,
    place: Place,
    round: u64,
    output: Output,
}

impl CteScan {
    pub fn start(cte: usize, filter: Option<&Expr>, project: Option<&[Expr]>, lazy: bool) -> CteScan {
        CteScan { cte, place: Place::default(), round: 0, output: Output::new(filter, project).lazy(lazy) }
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let state = cx.run.ctes.get(self.cte).cloned().flatten();
        let Some(state) = state else {
            return Err(Error::internal(format!("CTE {} is not running", self.cte)).into());
        };
        let mut state = state.lock();
        let round = cx.run.cte_rounds[self.cte];
        if round != self.round {
            self.round = round;
            self.place = Place::default();
        }
        loop {
            if let Some(batch) = state.store.read(&mut self.place)? {
                return Ok(Some(batch));
            }
            if !state.fetch(cx)? {
                return Ok(None);
            }
        }
    }
}

impl Node for CteScan {
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
        self.place = Place::default();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
