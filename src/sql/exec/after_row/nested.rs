//! A statement run inside another one.

use crate::base::{Error, Flow, Result};
use crate::mvcc::Snapshot;
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext};
use crate::sql::exec::context::RunState;
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::plan::{self, PlannedStatement};
use crate::types::{Batch, TypeRef, Value};
use std::sync::Arc;

/// One execution: it has its own run-time state and parameters, the outer statement's are put aside while it runs.
pub struct Nested {
    plan: Arc<PlannedStatement>,
    node: Box<dyn Node>,
    state: RunState,
    params: Arc<[Value]>,
}

/// Plans a statement of ours.
pub(super) fn plan(cx: &mut ExecContext, text: &str, params: Vec<TypeRef>) -> Result<Arc<PlannedStatement>> {
    let raw = crate::sql::parse::parse(text)?.pop().ok_or_else(|| Error::internal("an empty statement"))?;
    let stmt: &Stmt = &raw.stmt;
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx = BindContext { names: &*catalog, io: &cx.fx.io, text, params, infer_params: false };
    let query = bind::bind_unsecured(&mut bcx, stmt)?;
    let params = std::mem::take(&mut bcx.params);
    let backend = cx.backend()?;
    let settings = plan::PlannerSettings::of(&backend.view);
    let context = plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params: &params };
    Ok(Arc::new(plan::plan(query, &context)?))
}

impl Nested {
    /// Starts a statement whose relations are locked. `snapshot` is what it sees; `crosscheck`: rows it changes must be
    /// visible in that one, too.
    pub fn start(
        cx: &mut ExecContext,
        plan: Arc<PlannedStatement>,
        params: Arc<[Value]>,
        snapshot: Snapshot,
        crosscheck: Option<Snapshot>,
    ) -> Result<Nested> {
        let outer = (std::mem::take(&mut cx.run), cx.processed, cx.instrument.take());
        let outer_params = std::mem::replace(&mut cx.params, params.clone());
        let node = build::start_plain(&plan, cx, Some(snapshot));
        cx.run.crosscheck = crosscheck;
        let state = std::mem::replace(&mut cx.run, outer.0);
        (cx.processed, cx.instrument) = (outer.1, outer.2);
        cx.params = outer_params;
        Ok(Nested { plan, node: node?, state, params })
    }

    pub fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        std::mem::swap(&mut cx.run, &mut self.state);
        std::mem::swap(&mut cx.params, &mut self.params);
        let (processed, instrument) = (cx.processed, cx.instrument.take());
        let done = self.node.next(cx);
        (cx.processed, cx.instrument) = (processed, instrument);
        std::mem::swap(&mut cx.params, &mut self.params);
        std::mem::swap(&mut cx.run, &mut self.state);
        done
    }

    pub fn plan(&self) -> &PlannedStatement {
        &self.plan
    }
}
