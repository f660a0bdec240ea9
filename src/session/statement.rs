//! A parsed statement with what was found out about it: parameter types, result columns, plan.

use crate::base::{Error, Oid, Result};
use crate::catalog::{Catalog, Generation};
use crate::err;
use crate::sql::ast::{self, RawStmt, Stmt};
use crate::sql::bind::{self, BindContext, UNKNOWN_PARAM};
use crate::sql::command;
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::PreparedFacts;
use crate::sql::plan::choice::{self, Bound, CacheMode, Choice};
use crate::sql::plan::{self, PlannedStatement, PlannerSettings};
use crate::sql::track;
use crate::types::{TypeRef, Value};
use crate::wire::{Format, RowColumn};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    params: Option<Vec<TypeRef>>,
    /// What was bound and not planned yet, or will be planned again with values.
    bound: Option<Bound>,
    plan: Option<Cached>,
    /// The columns promised when it was bound first.
    result: Option<Vec<Promised>>,
    choice: Choice,
    /// No value of a parameter could lead to another plan.
    settled: bool,
    /// What the catalogs were like when it was bound last.
    analysed: Option<Generation>,
}

/// A plan, and what the catalogs were like.
#[derive(Clone)]
pub struct Cached {
    generation: Generation,
    plan: Arc<PlannedStatement>,
}

impl Cached {
    fn is_current(&self, catalog: &Catalog) -> bool {
        self.generation == catalog.generation() && self.plan.is_current(catalog)
    }
}

/// A result column: its name and type, and where it comes from.
#[derive(Clone)]
struct Promised {
    name: String,
    ty: TypeRef,
    origin: (Oid, i16),
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
            state: Mutex::default(),
        }
    }

    /// A statement to be run here and now, with no parameters but those of `given`.
    pub fn immediate(source: Arc<str>, raw: RawStmt, given: Vec<TypeRef>) -> Statement {
        Statement { prepared: false, ..Statement::new("", source, Some(raw), given) }
    }

    /// The plan for all values, made anew if the catalogs changed since.
    ///
    /// # Errors
    /// 0A000 if the rows of a prepared statement would have other columns than before.
    pub fn plan(&self, cx: &mut ExecContext) -> Result<Arc<PlannedStatement>> {
        if let Some(plan) = self.current_plan(cx) {
            return Ok(plan);
        }
        if !self.prepared {
            return self.plan_once(cx);
        }
        let made = self.make(cx, None)?;
        let mut state = self.state.lock();
        state.choice.costs_generic(&made.plan);
        let plan = made.plan.clone();
        state.plan = Some(made);
        Ok(plan)
    }

    /// The plan of a statement without parameters of its own.
    fn plan_once(&self, cx: &mut ExecContext) -> Result<Arc<PlannedStatement>> {
        let generation = cx.backend()?.catalog.generation();
        let watched = cx.fx.io.watch_clock();
        let started = cx.settings.tracking.planning.then(Instant::now);
        let (query, params) = self.bind(cx)?;
        let planned = self.planned(cx, query, &params, started)?;
        let plan = Arc::new(planned);
        if cx.fx.io.clock_was_read(watched) {
            // `'now'` and the like: the same text means another time when it comes again.
            return Ok(plan);
        }
        let mut state = self.state.lock();
        state.params = Some(params);
        state.plan = Some(Cached { generation, plan: plan.clone() });
        Ok(plan)
    }

    /// Plans what was bound, with values or for all of them.
    fn make(&self, cx: &mut ExecContext, values: Option<&[Value]>) -> Result<Cached> {
        let started = cx.settings.tracking.planning.then(Instant::now);
        self.analyse(cx)?;
        let mut state = self.state.lock();
        let params = state.params.clone().unwrap_or_default();
        // The client of the unnamed statement parses it anew for each execution: what was bound is not kept for more.
        let last = self.name.is_empty() || state.settled && values.is_none();
        let (generation, mut query) = match state.bound.take() {
            Some(b) if last => (b.generation, b.query),
            Some(b) => {
                let kept = (b.generation, b.query.clone());
                state.bound = Some(b);
                kept
            }
            None => return Err(Error::internal("a statement was not bound")),
        };
        drop(state);
        if let Some(values) = values {
            choice::put_values(&mut query, values);
        }
        let plan = Arc::new(self.planned(cx, query, &params, started)?);
        Ok(Cached { generation, plan })
    }

    fn planned(
        &self,
        cx: &mut ExecContext,
        query: bind::Query,
        params: &[TypeRef],
        started: Option<Instant>,
    ) -> Result<PlannedStatement> {
        let mut planned = planner(cx, query, params)?;
        planned.source = (planned.query_id != 0).then(|| self.text.clone());
        if let Some(started) = started {
            track::planned(cx, &planned, started.elapsed());
        }
        Ok(planned)
    }

    /// The plan for all values, if there is one and the catalogs have not changed since.
    pub fn current_plan(&self, cx: &mut ExecContext) -> Option<Arc<PlannedStatement>> {
        crate::sql::command::catch_up(cx).ok()?;
        let identify = cx.settings.identify_queries;
        let catalog = &cx.backend().ok()?.catalog;
        let state = self.state.lock();
        let cached = state.plan.as_ref().filter(|c| c.is_current(catalog))?;
        (cached.plan.query_id != 0 || !identify).then(|| cached.plan.clone())
    }

    /// It is about to be run with these values: counts that, and answers a plan of their own if one is wanted.
    ///
    /// # Errors
    /// The planner's.
    pub fn choose(&self, cx: &mut ExecContext, values: &[Value]) -> Result<Option<Cached>> {
        self.choose_plan(cx, values, false)
    }

    /// The same for EXPLAIN, which shows the values.
    pub fn choose_shown(&self, cx: &mut ExecContext, values: &[Value]) -> Result<Arc<PlannedStatement>> {
        match self.choose_plan(cx, values, true)? {
            Some(own) => Ok(own.plan),
            None => self.plan(cx),
        }
    }

    fn choose_plan(&self, cx: &mut ExecContext, values: &[Value], shown: bool) -> Result<Option<Cached>> {
        let mode = CacheMode::of(&cx.backend()?.view);
        let mut state = self.state.lock();
        if values.is_empty() || !self.stmt.as_deref().is_some_and(Stmt::is_optimizable) {
            state.choice.count_generic();
            return Ok(None);
        }
        if state.settled && !shown {
            state.choice.count_settled(mode);
            return Ok(None);
        }
        let mut custom = state.choice.is_custom_first(mode);
        if !custom && !state.settled {
            drop(state);
            // Now its cost is known.
            self.plan(cx)?;
            state = self.state.lock();
            custom = state.choice.is_custom(mode);
        }
        if !custom {
            state.choice.count_generic();
            return Ok(None);
        }
        drop(state);
        let own = self.make(cx, Some(values))?;
        let settings = PlannerSettings::of(&cx.backend()?.view);
        self.state.lock().choice.count_custom(&own.plan, &settings);
        Ok(Some(own))
    }

    /// Its text is run with the values written into it.
    pub fn count_spelled_out(&self, cx: &mut ExecContext, values: &[Value]) -> Result<()> {
        let mode = CacheMode::of(&cx.backend()?.view);
        let mut state = self.state.lock();
        match values.is_empty() {
            true => state.choice.count_generic(),
            false => state.choice.count_settled(mode),
        }
        Ok(())
    }

    /// A plan for these values.
    ///
    /// # Errors
    /// The planner's.
    pub fn plan_with(&self, cx: &mut ExecContext, values: &[Value]) -> Result<Cached> {
        self.make(cx, Some(values))
    }

    /// The plan an execution was given, made anew if the catalogs changed since.
    ///
    /// # Errors
    /// The planner's.
    pub fn plan_for(
        &self,
        cx: &mut ExecContext,
        own: &mut Option<Cached>,
        values: &[Value],
    ) -> Result<Arc<PlannedStatement>> {
        let Some(cached) = own else { return self.plan(cx) };
        crate::sql::command::catch_up(cx)?;
        if !cached.is_current(&cx.backend()?.catalog) {
            *cached = self.make(cx, Some(values))?;
        }
        Ok(cached.plan.clone())
    }

    /// What `pg_prepared_statements` says of it.
    pub fn facts(&self) -> PreparedFacts {
        let state = self.state.lock();
        let types = state.params.as_ref().unwrap_or(&self.given).iter().map(|t| t.oid).collect();
        let (generic_plans, custom_plans) = state.choice.counts();
        PreparedFacts {
            name: self.name.clone(),
            text: self.source.clone(),
            prepared_us: self.prepared_us,
            types,
            from_sql: self.from_sql,
            generic_plans,
            custom_plans,
        }
    }

    /// Forgets the plan: DISCARD PLANS, or a setting the planner looks at changed.
    pub fn forget_plan(&self) {
        self.state.lock().plan = None;
    }

    /// Types of all parameters; of a statement that is no query: those given.
    pub fn param_types(&self, cx: &mut ExecContext) -> Result<Vec<TypeRef>> {
        if let Some(known) = &self.state.lock().params {
            return Ok(known.clone());
        }
        if self.stmt.as_deref().is_some_and(Stmt::takes_parameters) {
            self.analyse(cx)?;
        }
        Ok(self.known_param_types())
    }

    /// What has been found out about the parameters so far.
    pub fn known_param_types(&self) -> Vec<TypeRef> {
        self.state.lock().params.clone().unwrap_or_else(|| self.given.clone())
    }

    /// The columns of its rows; None: it gives none.
    pub fn columns(&self, cx: &mut ExecContext, formats: &[Format]) -> Result<Option<Vec<RowColumn>>> {
        if !self.prepared {
            let plan = self.plan(cx)?;
            return Ok(plan.returns_rows.then(|| row_columns(&plan, formats)));
        }
        crate::sql::command::catch_up(cx)?;
        let analysed = self.state.lock().analysed;
        if analysed != Some(cx.backend()?.catalog.generation()) {
            self.analyse(cx)?;
        }
        let state = self.state.lock();
        let column = |(i, p): (usize, &Promised)| row_column(&p.name, p.ty, p.origin, Format::of(formats, i));
        Ok(state.result.as_ref().map(|r| r.iter().enumerate().map(column).collect()))
    }

    /// Whether it gives rows.
    pub fn returns_rows(&self, cx: &mut ExecContext) -> Result<bool> {
        Ok(self.columns(cx, &[])?.is_some())
    }

    /// Binds it if that was not done yet, or the catalogs changed since.
    fn analyse(&self, cx: &mut ExecContext) -> Result<()> {
        let Some(stmt) = self.stmt.as_deref() else { return Ok(()) };
        if !stmt.is_optimizable() {
            return self.analyse_inner(cx, stmt);
        }
        crate::sql::command::catch_up(cx)?;
        let catalog = cx.backend()?.catalog.clone();
        let identified = |b: &Bound| b.query.id != 0 || !cx.settings.identify_queries;
        if self.state.lock().bound.as_ref().is_some_and(|b| b.is_current(&catalog) && identified(b)) {
            return Ok(());
        }
        let generation = catalog.generation();
        let (mut query, params) = self.bind(cx)?;
        let columns = result_of(&query);
        let mut state = self.state.lock();
        let same = |a: &[Promised], b: &[Promised]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (&a.name, a.ty) == (&b.name, b.ty))
        };
        let known = state.params.is_some();
        if known && !same(state.result.as_deref().unwrap_or_default(), columns.as_deref().unwrap_or_default()) {
            return Err(err!(FEATURE_NOT_SUPPORTED, "cached plan must not change result type").place(
                "RevalidateCachedQuery",
                "plancache.c",
                718,
            ));
        }
        state.analysed = Some(generation);
        state.settled = !choice::values_matter(&mut query);
        state.result = columns;
        state.params = Some(params);
        state.bound = Some(Bound::new(generation, query, &catalog));
        Ok(())
    }

    /// Finds out the parameters' types of a command's query.
    fn analyse_inner(&self, cx: &mut ExecContext, stmt: &Stmt) -> Result<()> {
        let inner = stmt.inner_query();
        let params = match inner.as_deref().unwrap_or(stmt) {
            Stmt::Call(call) => {
                let known = self.known_param_types();
                let params = command::call_param_types(cx, call, &self.source, known)?;
                check_determined(&params)?;
                params
            }
            stmt => self.bind_stmt(cx, stmt)?.1,
        };
        self.state.lock().params = Some(params);
        Ok(())
    }

    fn bind(&self, cx: &mut ExecContext) -> Result<(bind::Query, Vec<TypeRef>)> {
        let stmt = self.stmt.as_deref().ok_or_else(|| Error::internal("an empty statement has no plan"))?;
        self.bind_stmt(cx, stmt)
    }

    fn bind_stmt(&self, cx: &mut ExecContext, stmt: &Stmt) -> Result<(bind::Query, Vec<TypeRef>)> {
        let params = self.known_param_types();
        let catalog = cx.backend()?.catalog.clone();
        let mut bcx =
            BindContext { names: &*catalog, io: &cx.fx.io, text: &self.source, params, infer_params: self.prepared };
        let query = bind::bind_identified(&mut bcx, stmt, cx.settings.identify_queries)?;
        let params = std::mem::take(&mut bcx.params);
        crate::sql::exec::domain::check_unchecked(cx)?;
        check_determined(&params)?;
        Ok((query, params))
    }
}

/// None: it gives no rows.
fn result_of(query: &bind::Query) -> Option<Vec<Promised>> {
    // Rules may have made several statements of it.
    let query = match query.main {
        Some(main) => query.steps.get(main)?,
        None if query.steps.is_empty() => query,
        None => return None,
    };
    let returns_rows = !query.silent && query.write.as_ref().is_none_or(|w| !w.returning.is_empty());
    let one = |t: &bind::Target| Promised {
        name: t.name.clone(),
        ty: t.expr.ty,
        origin: t.origin.unwrap_or((Oid::INVALID, 0)),
    };
    returns_rows.then(|| query.output().map(one).collect())
}

fn check_determined(params: &[TypeRef]) -> Result<()> {
    match params.iter().position(|p| *p == UNKNOWN_PARAM) {
        None => Ok(()),
        Some(n) => Err(err!(INDETERMINATE_DATATYPE, "could not determine data type of parameter ${}", n + 1)),
    }
}

fn planner(cx: &mut ExecContext, query: bind::Query, params: &[TypeRef]) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let settings = PlannerSettings::of(&backend.view);
    let catalog = backend.catalog.clone();
    plan::plan(query, &plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params })
}

fn row_column(name: &str, ty: TypeRef, origin: (Oid, i16), format: Format) -> RowColumn {
    // Clients are told what is below a domain.
    let ty = crate::types::domain_base(ty);
    RowColumn { name: name.to_owned(), table: origin.0.0, attno: origin.1, ty, format }
}

/// The result columns of a plan.
pub fn row_columns(plan: &PlannedStatement, formats: &[Format]) -> Vec<RowColumn> {
    let column = |(i, c): (usize, &plan::PlanColumn)| {
        let origin = plan.origins.get(i).copied().unwrap_or((Oid::INVALID, 0));
        row_column(&c.name, c.ty, origin, Format::of(formats, i))
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
