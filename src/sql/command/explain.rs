//! EXPLAIN.

use super::{Command, Outcome};
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::settings;
use crate::sql::ast::{DefArg, DefElem, ExplainStmt, Stmt};
use crate::sql::bind::{self, BindContext};
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::plan::explain::format::{self as explain_format, ExplainFormat};
use crate::sql::plan::explain::{Actual, ExplainOptions, buffers_fields, buffers_line, explain_json, explain_text};
use crate::sql::plan::{self, Plan, PlanContext, PlannedStatement, PlannerSettings};
use crate::sql::track;
use crate::stat::statements::Effort;
use crate::types::{TypeRef, oid};
use std::sync::Arc;
use std::time::Instant;

#[derive(Clone, Debug, Default)]
struct Options {
    shown: ExplainOptions,
    format: ExplainFormat,
    summary: Option<bool>,
    settings: bool,
}

/// A statement that EXPLAIN ANALYZE runs.
struct Progress {
    options: Options,
    plan: Arc<PlannedStatement>,
    planning_ms: f64,
    /// Of the planning.
    effort: Effort,
    started: Option<Instant>,
    node: Option<Box<dyn Node>>,
    stats: Option<exec::instrument::Instrumentation>,
    locked: usize,
}

fn flag(e: &DefElem) -> Result<bool> {
    match &e.arg {
        None => Ok(true),
        Some(DefArg::Bool(b)) => Ok(*b),
        Some(DefArg::Int(n)) => Ok(*n != 0),
        Some(_) => match e.string().unwrap_or_default().to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(err!(SYNTAX_ERROR, "{} requires a Boolean value", e.name)),
        },
    }
}

/// EXPLAIN (ANALYZE): the statement is run, too.
pub fn analyzes(list: &[DefElem]) -> bool {
    list.iter().any(|e| e.name == "analyze" && flag(e).unwrap_or(false))
}

fn options(cmd: &Command, list: &[DefElem]) -> Result<Options> {
    let mut o = Options::default();
    let mut timing = None;
    for e in list {
        match e.name.as_str() {
            "analyze" => o.shown.analyze = flag(e)?,
            "verbose" => o.shown.verbose = flag(e)?,
            "costs" => o.shown.costs = flag(e)?,
            "timing" => timing = Some(flag(e)?),
            "summary" => o.summary = Some(flag(e)?),
            "buffers" => o.shown.buffers = flag(e)?,
            "wal" => o.shown.wal = flag(e)?,
            "settings" => o.settings = flag(e)?,
            "format" => match e.string().unwrap_or_default().to_ascii_lowercase().as_str() {
                "text" => o.format = ExplainFormat::Text,
                "json" => o.format = ExplainFormat::Json,
                "xml" => o.format = ExplainFormat::Xml,
                "yaml" => o.format = ExplainFormat::Yaml,
                other => {
                    return Err(err!(
                        INVALID_PARAMETER_VALUE,
                        "unrecognized value for EXPLAIN option \"format\": \"{other}\""
                    )
                    .at(cmd.at(e.pos)));
                }
            },
            other => {
                return Err(err!(SYNTAX_ERROR, "unrecognized EXPLAIN option \"{other}\"").at(cmd.at(e.pos)));
            }
        }
    }
    if o.shown.wal && !o.shown.analyze {
        return Err(err!(INVALID_PARAMETER_VALUE, "EXPLAIN option WAL requires ANALYZE"));
    }
    if timing == Some(true) && !o.shown.analyze {
        return Err(err!(INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE"));
    }
    o.shown.timing = timing.unwrap_or(true);
    Ok(o)
}

/// The column of what is shown: drivers read JSON and XML by its type. PostgreSQL 15, explain.c, ExplainResultDesc.
pub fn explained_as(stmt: &ExplainStmt) -> (String, TypeRef) {
    let format = stmt.options.iter().rev().find(|o| o.name.eq_ignore_ascii_case("format")).and_then(DefElem::string);
    let ty = match format.unwrap_or_default().to_ascii_lowercase().as_str() {
        "json" => oid::JSON,
        "xml" => oid::XML,
        _ => oid::TEXT,
    };
    ("QUERY PLAN".into(), TypeRef::of(ty))
}

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &ExplainStmt) -> Flow<Outcome> {
    if cmd.progress.is_none() {
        let options = options(cmd, &stmt.options)?;
        let (before, started) = (track::on_this_thread(), Instant::now());
        let plan = match (&stmt.query, cmd.executed.take()) {
            (_, Some(plan)) => plan,
            (query, None) => match explained(cmd, cx, query, options.shown.analyze)? {
                Some(plan) => Arc::new(plan),
                None => {
                    let lines = vec![planless(options.format, &stmt.query)];
                    return Ok(Outcome::Text { column: explained_as(stmt), lines, tag: "EXPLAIN".into() });
                }
            },
        };
        let mut prunes = false;
        exec::visit_plan(&plan.plan, &mut |p| {
            prunes |= matches!(&p.node, plan::PlanNode::Append { pruning: Some(_), .. });
        });
        let plan = if prunes { Arc::new(pruned(cmd, cx, &plan)?) } else { plan };
        let planning_ms = started.elapsed().as_secs_f64() * 1000.0;
        let effort = track::difference(track::on_this_thread(), before);
        cmd.progress = Some(Box::new(Progress {
            options,
            plan,
            planning_ms,
            effort,
            started: None,
            node: None,
            stats: None,
            locked: 0,
        }));
    }
    let taken = cmd.progress.take().and_then(|p| p.downcast::<Progress>().ok());
    let mut p = taken.ok_or_else(|| Error::internal("EXPLAIN lost its progress"))?;
    let outer = std::mem::replace(&mut cx.params, cmd.params.clone());
    let done = go_on(cx, &mut p);
    cx.params = outer;
    let outcome = match done {
        Ok(()) => Ok(outcome(cx, &mut p, explained_as(stmt))),
        Err(stop) => Err(stop),
    };
    cmd.progress = Some(p);
    outcome
}

/// What is shown of a statement that has no plan. PostgreSQL 15, explain.c, ExplainOneUtility.
fn planless(format: ExplainFormat, query: &Stmt) -> String {
    let (text, name) = match query {
        Stmt::Notify(_) => ("NOTIFY", "Notify"),
        _ => ("Utility statements have no plan structure", "Utility Statement"),
    };
    match format {
        ExplainFormat::Text => text.to_owned(),
        other => explain_format::write_empty(other, name),
    }
}

/// The plan without the partitions that the parameters leave out.
fn pruned(cmd: &Command, cx: &mut ExecContext, plan: &PlannedStatement) -> Result<PlannedStatement> {
    let outer = std::mem::replace(&mut cx.params, cmd.params.clone());
    let pruned = exec::pruned(plan, cx);
    cx.params = outer;
    pruned
}

/// The plan of what is to be explained; None: it has none.
fn explained(cmd: &Command, cx: &mut ExecContext, query: &Stmt, analyze: bool) -> Result<Option<PlannedStatement>> {
    match query {
        // What would be done with the rows is of no interest here.
        Stmt::Select(s) => {
            let mut s = s.clone();
            s.take_into();
            plan_query(cmd, cx, &Stmt::Select(s)).map(Some)
        }
        Stmt::DeclareCursor(d) => plan_query(cmd, cx, &Stmt::Select(Box::new(d.query.clone()))).map(Some),
        Stmt::CreateTableAs(c) if !analyze => plan_query(cmd, cx, &c.query).map(Some),
        Stmt::CreateTableAs(_) => {
            Err(Error::unsupported(format!("EXPLAIN ANALYZE of {} is not supported", query.tag())))
        }
        query if query.is_optimizable() => plan_query(cmd, cx, query).map(Some),
        _ => Ok(None),
    }
}

pub(super) fn plan_query(cmd: &Command, cx: &mut ExecContext, query: &Stmt) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    let settings = PlannerSettings::of(&backend.view);
    let scoped = cmd.scoped(&*catalog, cx);
    let mut bcx = BindContext {
        names: &scoped,
        io: &cx.fx.io,
        text: &cmd.source,
        params: cmd.param_types.clone(),
        infer_params: true,
    };
    let mut query = bind::bind_identified(&mut bcx, query, cx.settings.identify_queries)?;
    let params = std::mem::take(&mut bcx.params);
    plan::choice::put_values(&mut query, &cmd.params);
    let pcx = PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params: &params };
    plan::plan(query, &pcx)
}

/// Locks, and for ANALYZE runs, the statement.
fn go_on(cx: &mut ExecContext, p: &mut Progress) -> Flow<()> {
    while p.locked < p.plan.relations.len() {
        let (relation, mode) = &p.plan.relations[p.locked];
        if relation.generated_by.is_none() {
            cx.backend()?.txn.lock_relation(relation.oid, *mode)?;
        }
        p.locked += 1;
    }
    if p.started.is_none() {
        exec::rights::check(cx, &p.plan)?;
        if p.options.shown.analyze && p.plan.writes_permanent() {
            cx.backend()?.prevent_if_read_only(p.plan.tag)?;
        }
    }
    if !p.options.shown.analyze {
        return Ok(());
    }
    if matches!(p.plan.plan.node, plan::PlanNode::Sequence { .. }) {
        return Err(
            Error::unsupported("EXPLAIN ANALYZE of what rules make several statements of is not supported").into()
        );
    }
    // Between two turns it is kept here: the statement around has its own (FLOW-1).
    let outer = cx.instrument.replace(p.stats.take().unwrap_or_default());
    let done = measured(cx, p);
    p.stats = std::mem::replace(&mut cx.instrument, outer);
    done
}

fn measured(cx: &mut ExecContext, p: &mut Progress) -> Flow<()> {
    if p.node.is_none() {
        p.started = Some(Instant::now());
        p.node = Some(exec::start(&p.plan, cx)?);
    }
    if let Some(node) = &mut p.node {
        while node.next(cx)?.is_some() {}
    }
    Ok(())
}

/// PostgreSQL 15, explain.c, report_triggers.
fn trigger_lines(stats: &exec::instrument::Instrumentation, timing: bool) -> Vec<String> {
    let all = stats.triggers();
    let several = all.iter().any(|t| t.relation != all[0].relation);
    let line = |t: &&exec::instrument::TriggerStats| {
        let what = match &t.constraint {
            Some(constraint) => format!("for constraint {constraint}"),
            None => t.name.clone(),
        };
        let on = if several { format!(" on {}", t.relation) } else { String::new() };
        let time = if timing { format!("time={:.3} ", t.total.as_secs_f64() * 1000.0) } else { String::new() };
        format!("Trigger {what}{on}: {time}calls={}", t.calls)
    };
    all.iter().filter(|t| t.calls > 0).map(line).collect()
}

/// The same for the other formats.
fn trigger_fields(stats: &exec::instrument::Instrumentation, timing: bool) -> serde_json::Value {
    let field = |t: &&exec::instrument::TriggerStats| {
        let mut m = serde_json::Map::new();
        m.insert("Trigger Name".into(), t.name.clone().into());
        if let Some(constraint) = &t.constraint {
            m.insert("Constraint Name".into(), constraint.clone().into());
        }
        m.insert("Relation".into(), t.relation.clone().into());
        if timing {
            m.insert("Time".into(), (t.total.as_secs_f64() * 1000.0).into());
        }
        m.insert("Calls".into(), t.calls.into());
        serde_json::Value::Object(m)
    };
    stats.triggers().iter().filter(|t| t.calls > 0).map(field).collect::<Vec<_>>().into()
}

fn outcome(cx: &mut ExecContext, p: &mut Progress, column: (String, TypeRef)) -> Outcome {
    let stats = p.stats.take();
    let actual = |plan: &Plan| {
        let s = stats.as_ref()?.of(plan)?;
        Some(Actual {
            loops: s.loops,
            rows: s.rows,
            startup_ms: s.startup.as_secs_f64() * 1000.0,
            total_ms: s.total.as_secs_f64() * 1000.0,
            removed_by_filter: s.rows_removed_by_filter,
            removed_by_recheck: s.rows_removed_by_recheck,
            heap_blocks: s.heap_blocks,
            effort: s.effort,
            notes: s.notes.clone(),
        })
    };
    let actuals: Option<plan::explain::Actuals<'_>> = if p.options.shown.analyze { Some(&actual) } else { None };
    let execution_ms = p.started.map(|s| s.elapsed().as_secs_f64() * 1000.0);
    let summary = p.options.summary.unwrap_or(p.options.shown.analyze);
    let shown_id = p.options.shown.verbose && cx.settings.show_query_ids && p.plan.query_id != 0;
    let settings = match (p.options.settings, cx.backend()) {
        (true, Ok(backend)) => settings::changed_for_plans(&backend.settings.lock()),
        _ => Vec::new(),
    };
    let query_id = shown_id.then_some(p.plan.query_id);
    let lines = if p.options.format != ExplainFormat::Text {
        let mut top = serde_json::Map::new();
        top.insert("Plan".into(), explain_json(&p.plan, &p.options.shown, actuals, &cx.fx.io));
        if p.options.settings {
            let all: serde_json::Map<_, _> =
                settings.iter().map(|(n, v)| ((*n).to_owned(), v.clone().into())).collect();
            top.insert("Settings".into(), all.into());
        }
        if let Some(id) = query_id {
            top.insert("Query Identifier".into(), id.into());
        }
        if p.options.shown.buffers {
            let mut planning = serde_json::Map::new();
            buffers_fields(&p.effort, &mut planning);
            top.insert("Planning".into(), planning.into());
        }
        if summary {
            top.insert("Planning Time".into(), p.planning_ms.into());
        }
        if let Some(stats) = &stats {
            top.insert("Triggers".into(), trigger_fields(stats, p.options.shown.timing));
        }
        if let Some(ms) = execution_ms.filter(|_| summary) {
            top.insert("Execution Time".into(), ms.into());
        }
        vec![explain_format::write(p.options.format, &top)]
    } else {
        let mut lines = explain_text(&p.plan, &p.options.shown, actuals, &cx.fx.io);
        if !settings.is_empty() {
            let all: Vec<String> = settings.iter().map(|(n, v)| format!("{n} = '{v}'")).collect();
            lines.push(format!("Settings: {}", all.join(", ")));
        }
        lines.extend(query_id.map(|id| format!("Query Identifier: {id}")));
        if let Some(line) = buffers_line(&p.effort).filter(|_| p.options.shown.buffers) {
            lines.extend(["Planning:".to_owned(), format!("  {line}")]);
        }
        if summary {
            lines.push(format!("Planning Time: {:.3} ms", p.planning_ms));
        }
        if let Some(stats) = &stats {
            lines.extend(trigger_lines(stats, p.options.shown.timing));
        }
        if summary {
            lines.extend(execution_ms.map(|ms| format!("Execution Time: {ms:.3} ms")));
        }
        lines
    };
    Outcome::Text { column, lines, tag: "EXPLAIN".into() }
}
