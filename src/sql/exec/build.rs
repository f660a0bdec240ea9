//! From a plan to its tree of nodes.

use super::after_row::AfterRows;
use super::aggregate::Aggregate;
use super::append::Append;
use super::bitmap_combine::BitmapCombine;
use super::bitmap_heap_scan::BitmapHeapScan;
use super::bitmap_index_scan::BitmapIndexScan;
use super::cte::{CteScan, With};
use super::distinct::Distinct;
use super::filter::FilterProject;
use super::function_scan::FunctionScan;
use super::gist_scan::GistScan;
use super::hash_join::HashJoin;
use super::in_use::using;
use super::incremental_sort::IncrementalSort;
use super::index_scan::IndexScan;
use super::inject::Injected;
use super::instrument::Instrumented;
use super::limit::Limit;
use super::lock_rows::LockRows;
use super::materialize::Materialize;
use super::memoize::Memoize;
use super::merge_append::MergeAppend;
use super::merge_join::MergeJoin;
use super::modify::{InsertTree, InsteadOf, Modify, ModifyTree};
use super::nest_loop::NestLoop;
use super::output::forms_of;
use super::project_set::ProjectSet;
use super::recursive_union::{RecursiveUnion, WorkTableScan};
use super::result::{Empty, ResultNode};
use super::seq_scan::SeqScan;
use super::sequence::Sequence;
use super::set_op::SetOp;
use super::sort::Sort;
use super::tid_scan::TidScan;
use super::transition_scan::{self, TransitionScan};
use super::values::Values;
use super::virtual_scan::VirtualScan;
use super::window::Window;
use super::{ExecContext, Node};
use crate::base::Result;
use crate::catalog::{RelKind, Relation};
use crate::mvcc::Snapshot;
use crate::sql::plan::{Plan, PlanNode, PlannedStatement};
use crate::types::Value;

/// `OUTLAST_INJECT_WAITS=seed` puts random waits between all nodes of all statements of a debug build (FLOW-1).
#[cfg(debug_assertions)]
static INJECT: std::sync::LazyLock<Option<u64>> =
    std::sync::LazyLock::new(|| std::env::var("OUTLAST_INJECT_WAITS").ok()?.parse().ok());

/// Makes a statement's tree; the context's run-time state starts anew.
pub fn start(statement: &PlannedStatement, cx: &mut ExecContext) -> Result<Box<dyn Node>> {
    start_seeing(statement, None, cx)
}

/// As [`start`], for a statement that sees what another one sees: in functions that are not volatile.
pub fn start_seeing(
    statement: &PlannedStatement,
    snapshot: Option<Snapshot>,
    cx: &mut ExecContext,
) -> Result<Box<dyn Node>> {
    let node = start_plain(statement, cx, snapshot)?;
    Ok(if statement.read_only { node } else { Box::new(AfterRows::new(node)) })
}

/// As [`start_seeing`], for who asks for some rows and later, perhaps, for more: see `RunState::row_goal`.
pub fn start_piecemeal(
    statement: &PlannedStatement,
    snapshot: Option<Snapshot>,
    cx: &mut ExecContext,
) -> Result<Box<dyn Node>> {
    let node = begin(statement, cx, snapshot, true)?;
    let node = if statement.read_only { node } else { Box::new(AfterRows::new(node)) };
    Ok(using(node, &statement.relations, cx))
}

/// As [`start`], for who works off himself what is to be done about changed rows.
pub fn start_plain(
    statement: &PlannedStatement,
    cx: &mut ExecContext,
    snapshot: Option<Snapshot>,
) -> Result<Box<dyn Node>> {
    let node = begin(statement, cx, snapshot, false)?;
    Ok(using(node, &statement.relations, cx))
}

fn begin(
    statement: &PlannedStatement,
    cx: &mut ExecContext,
    snapshot: Option<Snapshot>,
    lazy: bool,
) -> Result<Box<dyn Node>> {
    cx.run = super::context::RunState::default();
    cx.run.lazy = lazy;
    if statement.exec_params > 0 {
        cx.run.reserve(statement.exec_params);
    }
    cx.processed = 0;
    if cx.temp.is_none()
        && let Some(b) = &cx.backend
    {
        cx.temp = Some(b.txn.storage.disk.clone());
    }
    if let Some(b) = &mut cx.backend {
        // One that writes keeps its id for itself.
        let command = if statement.read_only { b.txn.command() } else { b.txn.command_for_write() };
        cx.run.command = Some(command);
        cx.run.snapshot = Some(snapshot.unwrap_or_else(|| b.snapshot()));
    }
    #[cfg(debug_assertions)]
    if cx.inject_waits.is_none() {
        cx.inject_waits = *INJECT;
    }
    let mut top = &statement.plan;
    while let PlanNode::With { body, .. } = &top.node {
        top = body;
    }
    cx.run.counted = Some(super::instrument::key(top));
    build(&statement.plan, cx)
}

/// Makes the tree of a plan within a running statement.
pub(crate) fn build(plan: &Plan, cx: &mut ExecContext) -> Result<Box<dyn Node>> {
    let lazy = cx.run.lazy;
    let mut node = make(plan, lazy, cx)?;
    cx.run.lazy = lazy;
    if cx.instrument.is_some() {
        node = Box::new(Instrumented::new(node, plan));
    }
    if let Some(seed) = &mut cx.inject_waits {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        node = Box::new(Injected::new(node, *seed));
    }
    Ok(node)
}

/// `lazy`: a LIMIT or a cursor above wants no more of this node's rows computed than it asks for.
fn make(plan: &Plan, lazy: bool, cx: &mut ExecContext) -> Result<Box<dyn Node>> {
    cx.run.lazy = match &plan.node {
        PlanNode::Limit { .. } => true,
        PlanNode::Filter { .. }
        | PlanNode::Project { .. }
        | PlanNode::SubqueryScan { .. }
        | PlanNode::Append { .. }
        | PlanNode::LockRows { .. } => lazy,
        _ => false,
    };
    Ok(match &plan.node {
        PlanNode::Result { input, exprs, one_time } => {
            Box::new(ResultNode::start(input.as_deref(), exprs, one_time.as_ref(), cx)?)
        }
        PlanNode::Values { rows } => Box::new(Values::start(rows, forms_of(&plan.columns), lazy)),
        PlanNode::Sequence { steps, main } => Box::new(Sequence::new(steps, *main)),
        PlanNode::Empty => Box::new(Empty),
        PlanNode::Filter { input, filter } => Box::new(FilterProject::start(input, Some(filter), None, lazy, cx)?),
        PlanNode::Project { input, exprs } => Box::new(FilterProject::start(input, None, Some(exprs), lazy, cx)?),
        PlanNode::SubqueryScan { input, filter: None, project: None, .. } => {
            cx.run.lazy = lazy;
            return build(input, cx);
        }
        PlanNode::SubqueryScan { input, filter, project, .. } => {
            Box::new(FilterProject::start(input, filter.as_ref(), project.as_deref(), lazy, cx)?)
        }
        PlanNode::ProjectSet { input, items } => Box::new(ProjectSet::start(plan, input, items, cx)?),
        PlanNode::NestLoop(j) => Box::new(NestLoop::start(j, cx)?),
        PlanNode::HashJoin(j) => Box::new(HashJoin::start(j, cx)?),
        PlanNode::MergeJoin(j) => Box::new(MergeJoin::start(j, cx)?),
        PlanNode::Sort { input, keys, presorted: 0, bound } => Box::new(Sort::start(input, keys, bound.as_ref(), cx)?),
        PlanNode::Sort { input, keys, presorted, bound } => {
            Box::new(IncrementalSort::start(input, keys, *presorted, bound.as_ref(), cx)?)
        }
        PlanNode::Limit { input, limit, offset, with_ties } => {
            Box::new(Limit::start(input, limit.as_ref(), offset.as_ref(), with_ties.as_deref(), cx)?)
        }
        PlanNode::Aggregate(a) => Box::new(Aggregate::start(a, plan.columns.len(), lazy, cx)?),
        PlanNode::Window { input, spec, calls } => Box::new(Window::start(input, spec, calls, cx)?),
        PlanNode::Distinct { input, keys, sorted } => {
            Box::new(Distinct::start(input, keys, *sorted, (plan.cost.rows, lazy), cx)?)
        }
        PlanNode::Append { inputs, pruning, merge, .. } => match merge.is_empty() {
            true => Box::new(Append::start(inputs, pruning.as_deref(), cx)?),
            false => Box::new(MergeAppend::start(inputs, merge, pruning.as_deref(), lazy, cx)?),
        },
        PlanNode::SetOp { left, right, op, all, groups, right_first } => {
            Box::new(SetOp::start((left, right), *op, *all, (*groups, *right_first), cx)?)
        }
        PlanNode::Materialize { input } => Box::new(Materialize::start(input, cx)?),
        PlanNode::Memoize { input, keys, .. } => Box::new(Memoize::start(input, keys, cx)?),
        PlanNode::With { ctes, body } => Box::new(With::start(ctes, body, cx)?),
        PlanNode::CteScan { cte, filter, project, .. } => {
            Box::new(CteScan::start(*cte, filter.as_ref(), project.as_deref(), lazy))
        }
        PlanNode::RecursiveUnion { left, right, distinct, work_table } => {
            Box::new(RecursiveUnion::start(left, right, *distinct, *work_table, cx)?)
        }
        PlanNode::WorkTableScan { work_table, filter, project, .. } => {
            Box::new(WorkTableScan::start(*work_table, filter.as_ref(), project.as_deref(), lazy))
        }
        PlanNode::FunctionScan { calls, ordinality, filter, project, .. } => {
            Box::new(FunctionScan::start(calls, *ordinality, filter.as_ref(), project.as_deref(), lazy))
        }
        PlanNode::VirtualScan { view, rel, attnos, filter, project, .. } if transition_scan::is_one(view) => {
            Box::new(TransitionScan::start(rel.as_ref(), attnos, filter.as_ref(), project.as_deref(), cx)?)
        }
        PlanNode::VirtualScan { view, rel, attnos, filter, project, .. } => {
            Box::new(VirtualScan::start(view, rel.as_ref(), attnos, filter.as_ref(), project.as_deref())?)
        }
        PlanNode::SeqScan { rel, attnos, filter, project, .. } => {
            filled(rel)?;
            Box::new(SeqScan::start(rel, attnos, filter.as_ref(), project.as_deref(), lazy, cx)?)
        }
        PlanNode::IndexScan(s) => {
            filled(&s.rel)?;
            Box::new(IndexScan::start(s, lazy, cx)?)
        }
        PlanNode::GistScan(s) => {
            filled(&s.rel)?;
            Box::new(GistScan::start(s, lazy, cx)?)
        }
        PlanNode::BitmapIndexScan(s) => Box::new(BitmapIndexScan::start(s, cx)?),
        PlanNode::BitmapCombine { inputs, all } => Box::new(BitmapCombine::start(inputs, *all, cx)?),
        PlanNode::BitmapHeapScan(s) => {
            filled(&s.rel)?;
            Box::new(BitmapHeapScan::start(s, lazy, cx)?)
        }
        PlanNode::TidScan { rel, tids, attnos, filter, project, .. } => {
            filled(rel)?;
            Box::new(TidScan::start(rel, tids, attnos, filter.as_ref(), project.as_deref(), lazy, cx)?)
        }
        PlanNode::LockRows { input, locks, outer, recheck } => {
            Box::new(LockRows::start(input, locks, outer, recheck.as_ref(), lazy, cx)?)
        }
        PlanNode::Modify(m) => {
            let counted = cx.run.counted == Some(super::instrument::key(plan));
            match &m.members {
                Some(members) => Box::new(ModifyTree::start(m, members, counted, cx)?),
                None if m.rel.kind == RelKind::View => Box::new(InsteadOf::start(m, counted, cx)?),
                None if m.rel.is_partitioned() => Box::new(InsertTree::start(m, counted, cx)?),
                None => Box::new(Modify::start(m, counted, cx)?),
            }
        }
    })
}

/// As a plan that is about to be shown: see [`super::append::remove_pruned`].
pub fn pruned(statement: &PlannedStatement, cx: &mut ExecContext) -> Result<PlannedStatement> {
    let mut statement = statement.clone();
    super::append::remove_pruned(&mut statement.plan, cx)?;
    Ok(statement)
}

/// Calls `f` for a plan and all plans below it, without those inside expressions.
pub(crate) fn visit_plan<'a>(plan: &'a Plan, f: &mut dyn FnMut(&'a Plan)) {
    f(plan);
    let mut go = |p: &'a Plan| visit_plan(p, f);
    match &plan.node {
        PlanNode::Result { input, .. } => input.iter().for_each(|p| go(p)),
        PlanNode::Values { .. }
        | PlanNode::SeqScan { .. }
        | PlanNode::IndexScan(_)
        | PlanNode::BitmapIndexScan(_)
        | PlanNode::GistScan(_)
        | PlanNode::VirtualScan { .. }
        | PlanNode::FunctionScan { .. }
        | PlanNode::TidScan { .. }
        | PlanNode::CteScan { .. }
        | PlanNode::WorkTableScan { .. }
        | PlanNode::Sequence { .. }
        | PlanNode::Empty => {}
        PlanNode::Filter { input, .. }
        | PlanNode::SubqueryScan { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::ProjectSet { input, .. }
        | PlanNode::Sort { input, .. }
        | PlanNode::Limit { input, .. }
        | PlanNode::Window { input, .. }
        | PlanNode::Distinct { input, .. }
        | PlanNode::Materialize { input }
        | PlanNode::Memoize { input, .. }
        | PlanNode::LockRows { input, .. } => go(input),
        PlanNode::BitmapHeapScan(s) => go(&s.source),
        PlanNode::NestLoop(j) => [&j.left, &j.right].into_iter().for_each(go),
        PlanNode::HashJoin(j) => [&j.left, &j.right].into_iter().for_each(go),
        PlanNode::MergeJoin(j) => [&j.left, &j.right].into_iter().for_each(go),
        PlanNode::Aggregate(a) => go(&a.input),
        PlanNode::Append { inputs, .. } | PlanNode::BitmapCombine { inputs, .. } => inputs.iter().for_each(go),
        PlanNode::SetOp { left, right, .. } | PlanNode::RecursiveUnion { left, right, .. } => {
            [&**left, &**right].into_iter().for_each(go);
        }
        PlanNode::With { ctes, body } => {
            ctes.iter().for_each(|c| go(&c.plan));
            go(body);
        }
        PlanNode::Modify(m) => go(&m.input),
    }
}

impl super::context::RunState {
    fn reserve(&mut self, slots: usize) {
        self.exec_params = vec![Value::Null; slots];
        self.versions = vec![0; slots];
    }
}

/// What is to be scanned. PostgreSQL 15, execUtils.c, ExecOpenScanRelation: a plan that came to do without it is no matter.
///
/// # Errors
/// 55000 for a materialized view that holds no rows yet.
fn filled(rel: &Relation) -> Result<()> {
    if rel.kind == RelKind::MatView && rel.view.as_ref().is_some_and(|v| !v.populated) {
        let text = format!("materialized view \"{}\" has not been populated", rel.name);
        return Err(crate::base::Error::new(crate::base::SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
            .hint("Use the REFRESH MATERIALIZED VIEW command."));
    }
    Ok(())
}
