//! A parsed statement with what was found out about it: parameter types, result columns, plan.

use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::{self, RawStmt, Stmt};
use crate::sql::bind::{self, BindContext, UNKNOWN_PARAM};
use crate::sql::command;
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::PreparedFacts;
use crate::sql::plan::{self, PlannedStatement};
use crate::sql::track;
use crate::types::TypeRef;
use crate::wire::{Format, RowColumn};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// A statement, prepared or about to run.
pub struct Statement {
    pub name: String,
    /// The whole text it was parsed from: positions are into it.
    pub source: Arc<str>,
    /// Its own part of the text.
    pub text: Arc<str>,
    /// None: empty.
    pub stmt: Option<Arc<Stmt>>,
    /// Types given with Parse or PREPARE.
    pub given: Vec<TypeRef>,
    /// By PREPARE, not by the protocol.
    pub from_sql: bool,
    pub prepared_us: i64,
    /// PREPARE or the extended protocol made it: parameters may be found out, and its result keeps its columns.
    prepared: bool,
    /// How often its plan was taken to be run.
    uses: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    params: Option<Vec<TypeRef>>,
    plan: Option<Cached>,
    /// Names and types of the columns promised by the first plan.
    result: Option<Vec<(String, TypeRef)>>,
}

struct Cached {
    generation: crate::catalog::Generation,
    plan: Arc<PlannedStatement>,
}

impl Statement {
    pub fn new(name: &str, source: Arc<str>, raw: Option<RawStmt>, given: Vec<TypeRef>) -> Statement {
        let text = raw.as_ref().map_or_else(|| source.clone(), |r| r.text(&source).trim().into());
        Statement {
            name: name.to_string(),
            source,
            text,
            stmt: raw.map(|r| Arc::new(r.stmt)),
            given,
            from_sql: false,
            prepared_us: crate::base::clock::now_us(),
            prepared: true,
            uses: AtomicI64::new(0),
            state: Mutex::default(),
        }
    }

    /// A statement to be run here and now, with no parameters but those of `given`.
    pub fn immediate(source: Arc<str>, raw: RawStmt, given: Vec<TypeRef>) -> Statement {
        Statement { prepared: false, ..Statement::new("", source, Some(raw), given) }
    }

    /// The plan, made anew if the catalogs changed since.
    ///
    /// # Errors
    /// 0A000 if the rows of a prepared statement would have other columns than before.
    pub fn plan(&self, cx: &mut ExecContext) -> Result<Arc<PlannedStatement>> {
        if let Some(plan) = self.current_plan(cx) {
            return Ok(plan);
        }
        let generation = cx.backend()?.catalog.generation();
        let stmt = self.stmt.as_deref().ok_or_else(|| Error::internal("an empty statement has no plan"))?;
        let known = self.state.lock().params.clone();
        let known = known.unwrap_or_else(|| self.given.clone());
        let watched = cx.fx.io.watch_clock();
        let started = cx.settings.tracking.planning.then(Instant::now);
        let (mut planned, params) = plan_stmt(cx, stmt, &self.source, known, self.prepared)?;
        planned.source = (planned.query_id != 0).then(|| self.text.clone());
        if let Some(started) = started {
            track::planned(cx, &planned, started.elapsed());
        }
        let plan = Arc::new(planned);
        let reads_clock = cx.fx.io.clock_was_read(watched);
        if !self.prepared && reads_clock {
            // `'now'` and the like: the same text means another time when it comes again.
            return Ok(plan);
        }
        let mut state = self.state.lock();
        if self.prepared {
            let columns = result_of(&plan);
            if state.result.as_ref().is_some_and(|before| *before != columns) {
                return Err(err!(FEATURE_NOT_SUPPORTED, "cached plan must not change result type").place(
                    "RevalidateCachedQuery",
                    "plancache.c",
                    718,
                ));
            }
            state.result = Some(columns);
        }
        state.params = Some(params);
        state.plan = Some(Cached { generation, plan: plan.clone() });
        Ok(plan)
    }

    /// The plan, if there is one and the catalogs have not changed since.
    pub fn current_plan(&self, cx: &mut ExecContext) -> Option<Arc<PlannedStatement>> {
        crate::sql::command::catch_up(cx).ok()?;
        let identify = cx.settings.identify_queries;
        let catalog = &cx.backend().ok()?.catalog;
        let generation = catalog.generation();
        let state = self.state.lock();
        let cached = state.plan.as_ref().filter(|c| c.generation == generation)?;
        (cached.plan.is_current(catalog) && (cached.plan.query_id != 0 || !identify)).then(|| cached.plan.clone())
    }

    /// It is about to be run.
    pub fn count_use(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// What `pg_prepared_statements` says of it. All plans are made without looking at the parameters' values.
    pub fn facts(&self) -> PreparedFacts {
        let params = self.state.lock().params.clone();
        let types = params.as_ref().unwrap_or(&self.given).iter().map(|t| t.oid).collect();
        PreparedFacts {
            name: self.name.clone(),
            text: self.source.clone(),
            prepared_us: self.prepared_us,
            types,
            from_sql: self.from_sql,
            generic_plans: self.uses.load(Ordering::Relaxed),
        }
    }

    /// Forgets the plan: DISCARD PLANS, or a setting the planner looks at changed.
    pub fn forget_plan(&self) {
        self.state.lock().plan = None;
    }

    /// Types of all parameters; of a statement that is no query: those given.
    pub fn param_types(&self, cx: &mut ExecContext) -> Result<Vec<TypeRef>> {
        if self.stmt.as_deref().is_some_and(Stmt::is_optimizable) {
            match self.plan(cx) {
                // A constant that cannot be computed: PostgreSQL plans when the statement is about to run, and says so then.
                Err(e) if e.sqlstate().as_str().starts_with("22") => self.analyse(cx)?,
                planned => drop(planned?),
            }
        }
        if self.stmt.as_deref().is_some_and(|s| !s.is_optimizable() && s.takes_parameters()) {
            self.analyse(cx)?;
        }
        Ok(self.known_param_types())
    }

    /// What has been found out about the parameters so far.
    pub fn known_param_types(&self) -> Vec<TypeRef> {
        self.state.lock().params.clone().unwrap_or_else(|| self.given.clone())
    }

    /// Finds out the parameters' types without a plan.
    fn analyse(&self, cx: &mut ExecContext) -> Result<()> {
        let Some(stmt) = self.stmt.as_deref() else { return Ok(()) };
        let inner = stmt.inner_query();
        let stmt = inner.as_deref().unwrap_or(stmt);
        let known = self.state.lock().params.clone();
        let known = known.unwrap_or_else(|| self.given.clone());
        let params = match stmt {
            Stmt::Call(call) => command::call_param_types(cx, call, &self.source, known)?,
            stmt => bind_stmt(cx, stmt, &self.source, known, self.prepared)?.1,
        };
        if let Some(n) = params.iter().position(|p| *p == UNKNOWN_PARAM) {
            return Err(undetermined(n));
        }
        self.state.lock().params = Some(params);
        Ok(())
    }
}

fn result_of(plan: &PlannedStatement) -> Vec<(String, TypeRef)> {
    match plan.returns_rows {
        true => plan.plan.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
        false => Vec::new(),
    }
}

/// Binds and plans a query. Returns its parameters' types, too.
pub fn plan_stmt(
    cx: &mut ExecContext,
    stmt: &Stmt,
    source: &str,
    params: Vec<TypeRef>,
    infer_params: bool,
) -> Result<(PlannedStatement, Vec<TypeRef>)> {
    let (query, params) = bind_stmt(cx, stmt, source, params, infer_params)?;
    let planned = planner(cx, query, &params)?;
    Ok((planned, params))
}

fn bind_stmt(
    cx: &mut ExecContext,
    stmt: &Stmt,
    source: &str,
    params: Vec<TypeRef>,
    infer_params: bool,
) -> Result<(bind::Query, Vec<TypeRef>)> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx = BindContext { names: &*catalog, io: &cx.fx.io, text: source, params, infer_params };
    let query = bind::bind_identified(&mut bcx, stmt, cx.settings.identify_queries)?;
    let params = std::mem::take(&mut bcx.params);
    crate::sql::exec::domain::check_unchecked(cx)?;
    if let Some(n) = params.iter().position(|p| *p == UNKNOWN_PARAM) {
        return Err(undetermined(n));
    }
    Ok((query, params))
}

fn undetermined(n: usize) -> Error {
    err!(INDETERMINATE_DATATYPE, "could not determine data type of parameter ${}", n + 1)
}

fn planner(cx: &mut ExecContext, query: bind::Query, params: &[TypeRef]) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let settings = plan::PlannerSettings::of(&backend.view);
    let catalog = backend.catalog.clone();
    plan::plan(query, &plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params })
}

/// The result columns of a plan.
pub fn row_columns(plan: &PlannedStatement, formats: &[Format]) -> Vec<RowColumn> {
    let column = |(i, c): (usize, &plan::PlanColumn)| RowColumn {
        name: c.name.clone(),
        table: plan.origins.get(i).map_or(0, |o| o.0.0),
        attno: plan.origins.get(i).map_or(0, |o| o.1),
        // Clients are told what is below a domain.
        ty: crate::types::domain_base(c.ty),
        format: Format::of(formats, i),
    };
    plan.plan.columns.iter().enumerate().map(column).collect()
}

/// The statements run last by the simple protocol, so that repeating one costs neither parse nor plan.
#[derive(Default)]
pub struct Recent {
    entries: VecDeque<(Arc<str>, Arc<Vec<Arc<Statement>>>)>,
}

/// How many texts are remembered, and how long they may be.
const RECENT: usize = 16;
const RECENT_BYTES: usize = 2048;

impl Recent {
    pub fn get(&mut self, text: &str) -> Option<Arc<Vec<Arc<Statement>>>> {
        let at = self.entries.iter().position(|(t, _)| &**t == text)?;
        let entry = self.entries.remove(at)?;
        let found = entry.1.clone();
        self.entries.push_front(entry);
        Some(found)
    }

    pub fn put(&mut self, text: Arc<str>, statements: Arc<Vec<Arc<Statement>>>) {
        let worth = statements.iter().all(|s| s.stmt.as_deref().is_some_and(ast::Stmt::is_optimizable));
        if worth && text.len() <= RECENT_BYTES {
            self.entries.truncate(RECENT - 1);
            self.entries.push_front((text, statements));
        }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
