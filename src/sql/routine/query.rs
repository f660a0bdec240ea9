//! A statement inside a routine: bound with the routine's variables, planned once, run as a plan of its own.
//!
//! [`Prepared`] keeps the plan as long as the catalogs stay the same. [`QueryRun`] runs it within another statement: the
//! executor's state of both is exchanged at every call, so that a wait leaves the outer one as it was (FLOW-1).

use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::{Kept, Known};
use crate::err;
use crate::mvcc::Snapshot;
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext, Conflict, Names, Written};
use crate::sql::exec::after_row::transition::Transitions;
use crate::sql::exec::context::RunState;
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::expr::Expr;
use crate::sql::func::FuncDef;
use crate::sql::plan::identify::{self, Identity};
use crate::sql::plan::{self, PlannedStatement};
use crate::sql::track::Account;
use crate::types::{Batch, TypeRef, Value};
use std::sync::Arc;

/// The names a routine adds to those of the catalogs.
pub trait Variables {
    /// # Errors
    /// 42703 for a field that the variable does not have.
    fn find(&self, parts: &[String]) -> Result<Option<Expr>>;

    fn fields(&self, _parts: &[String]) -> Option<Vec<(String, Expr)>> {
        None
    }

    fn conflict(&self) -> Conflict {
        Conflict::Column
    }
}

/// No variables.
pub struct Nameless;

impl Variables for Nameless {
    fn find(&self, _: &[String]) -> Result<Option<Expr>> {
        Ok(None)
    }
}

/// The catalogs with a routine's variables.
pub struct Scoped<'a> {
    pub names: &'a dyn Names,
    pub variables: &'a dyn Variables,
    /// Changed rows that can be named like tables.
    pub transitions: Transitions,
}

impl Names for Scoped<'_> {
    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<crate::catalog::Relation>>> {
        let known = self.transitions.iter().flat_map(|t| t.iter()).find(|t| schema.is_none() && t.rel.name == name);
        match known {
            Some(t) => Ok(Some(t.rel.clone())),
            None => self.names.relation_by_name(schema, name),
        }
    }

    fn relation(&self, oid: crate::base::Oid) -> Option<Arc<crate::catalog::Relation>> {
        self.names.relation(oid)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
        self.names.type_by_name(schema, name)
    }

    fn type_for_call(&self, name: &str) -> Option<TypeRef> {
        self.names.type_for_call(name)
    }

    fn blocks(&self, rel: &crate::catalog::Relation) -> Option<u32> {
        self.names.blocks(rel)
    }

    fn schema_exists(&self, name: &str) -> bool {
        self.names.schema_exists(name)
    }

    fn current_database(&self) -> String {
        self.names.current_database()
    }

    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<(usize, &'static FuncDef)> {
        self.names.functions(schema, name)
    }

    fn row_security(
        &self,
        rel: &crate::catalog::Relation,
        role: Option<crate::base::Oid>,
    ) -> Result<bind::RowSecurity> {
        self.names.row_security(rel, role)
    }

    fn acting(&self) -> crate::catalog::Acting {
        self.names.acting()
    }

    fn has_role(&self, user: crate::base::Oid, role: crate::base::Oid) -> bool {
        self.names.has_role(user, role)
    }

    fn is_closed(&self, schema: &str) -> bool {
        self.names.is_closed(schema)
    }

    fn variable(&self, parts: &[String]) -> Result<Option<Expr>> {
        self.variables.find(parts)
    }

    fn variable_fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        self.variables.fields(parts)
    }

    fn conflict(&self) -> Conflict {
        self.variables.conflict()
    }

    fn reg_in(&self, typ: crate::base::Oid, name: &str) -> Option<Result<crate::base::Oid>> {
        self.names.reg_in(typ, name)
    }

    fn collation_by_name(&self, schema: Option<&str>, name: &str) -> Option<crate::base::Oid> {
        self.names.collation_by_name(schema, name)
    }

    fn btree_class(&self, class: bind::BtreeClass<'_>) -> Option<(crate::base::Oid, crate::base::Oid)> {
        self.names.btree_class(class)
    }

    fn collation_name(&self, collation: crate::base::Oid) -> String {
        self.names.collation_name(collation)
    }

    fn order(&self, collation: crate::base::Oid) -> Result<crate::types::Collation> {
        self.names.order(collation)
    }

    fn default_order(&self) -> crate::types::Collation {
        self.names.default_order()
    }

    fn user_code(&self) -> Option<Arc<bind::UserCode>> {
        self.names.user_code()
    }

    fn keeps_written(&self) -> bool {
        self.names.keeps_written()
    }

    fn along<'a>(&'a self, kept: &'a Kept) -> Box<dyn Names + 'a> {
        self.names.along(kept)
    }

    fn known(&self, relation: Oid) -> Option<&Known> {
        self.names.known(relation)
    }

    fn known_row(&self, row_type: Oid) -> Option<&Known> {
        self.names.known_row(row_type)
    }
}

/// Binds a statement of a routine's body.
///
/// # Errors
/// The binder's, with positions in `source`.
pub fn bound(
    cx: &mut ExecContext,
    stmt: &Stmt,
    source: &str,
    kept: Option<&Kept>,
    variables: &dyn Variables,
) -> Result<bind::Query> {
    let catalog = cx.backend()?.catalog.clone();
    let identify = cx.settings.identify_queries;
    among(cx, &*catalog, source, kept, variables, |bcx| bind::bind_identified(bcx, stmt, identify))
}

/// A statement of a routine's body as it is written, for what it refers to.
///
/// # Errors
/// The binder's, with positions in `source`.
pub fn written(
    cx: &mut ExecContext,
    stmt: &Stmt,
    source: &str,
    kept: Option<&Kept>,
    variables: &dyn Variables,
) -> Result<bind::Query> {
    let catalog = cx.backend()?.catalog.clone();
    among(cx, &Written(&*catalog), source, kept, variables, |bcx| bind::bind_written(bcx, stmt))
}

/// Binds among the names a body sees: its variables, and the catalogs along its search path.
fn among(
    cx: &ExecContext,
    names: &dyn Names,
    source: &str,
    kept: Option<&Kept>,
    variables: &dyn Variables,
    bind: impl FnOnce(&mut BindContext<'_>) -> Result<bind::Query>,
) -> Result<bind::Query> {
    let along = kept.map(|k| names.along(k));
    let scoped = Scoped { names: along.as_deref().unwrap_or(names), variables, transitions: cx.transitions.clone() };
    bind(&mut BindContext { names: &scoped, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false })
}

/// Binds and plans a statement of a routine's body, `values` in the places of its parameters (none: for all values).
///
/// # Errors
/// The binder's, with positions in `source`.
pub fn plan(
    cx: &mut ExecContext,
    stmt: &Stmt,
    source: &str,
    kept: Option<&Kept>,
    variables: &dyn Variables,
    values: &[Value],
) -> Result<PlannedStatement> {
    let mut query = bound(cx, stmt, source, kept, variables)?;
    plan::choice::put_values(&mut query, values);
    plan_bound(cx, query, source)
}

/// A statement that is bound already.
///
/// # Errors
/// The planner's.
pub fn plan_bound(cx: &mut ExecContext, query: bind::Query, source: &str) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    let settings = plan::PlannerSettings::of(&backend.view);
    let mut planned =
        plan::plan(query, &plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params: &[] })?;
    planned.source = (planned.query_id != 0).then(|| source.into());
    Ok(planned)
}

/// What a plan was made for: it is made anew when this changed.
pub use crate::catalog::Generation;

/// True while a plan made at this generation may be used.
pub fn is_fresh(cx: &mut ExecContext, generation: Generation, plan: &PlannedStatement) -> Result<bool> {
    let catalog = &cx.backend()?.catalog;
    Ok(catalog.generation() == generation && plan.is_current(catalog))
}

/// What a call of [`QueryRun::next`] came to.
pub enum Next {
    Batch(Batch),
    End,
    /// A relation changed before its lock was there: plan again.
    Stale,
}

/// A plan under way inside another statement.
pub struct QueryRun {
    pub plan: Arc<PlannedStatement>,
    params: Arc<[Value]>,
    /// Of the surrounding statement, where the routine is not volatile.
    snapshot: Option<Snapshot>,
    identified: Option<(Arc<PlannedStatement>, Vec<Identity>)>,
    piecemeal: bool,
    locked: usize,
    node: Option<Box<dyn Node>>,
    run: RunState,
    processed: u64,
    rows: u64,
    ended: bool,
    account: Option<Box<Account>>,
}

impl QueryRun {
    pub fn new(plan: Arc<PlannedStatement>, params: Arc<[Value]>, snapshot: Option<Snapshot>) -> QueryRun {
        QueryRun {
            plan,
            params,
            snapshot,
            identified: None,
            piecemeal: false,
            locked: 0,
            node: None,
            run: RunState::default(),
            processed: 0,
            rows: 0,
            ended: false,
            account: None,
        }
    }

    /// For a cursor: its rows come with what WHERE CURRENT OF must know, in columns behind those of the plan.
    pub fn for_cursor(mut self) -> QueryRun {
        self.piecemeal = true;
        let found = if self.plan.tag == "SELECT" { identify::identified(&self.plan.plan) } else { None };
        self.identified = found.map(|(plan, known)| {
            let statement = PlannedStatement { plan, ..PlannedStatement::clone(&self.plan) };
            (Arc::new(statement), known)
        });
        self
    }

    /// What the columns behind those of the plan mean.
    pub fn identities(&self) -> Vec<Identity> {
        self.identified.as_ref().map_or_else(Vec::new, |(_, known)| known.clone())
    }

    /// Rows returned by a query, or changed by another statement.
    pub fn count(&self) -> u64 {
        if self.plan.tag == "SELECT" || self.plan.returns_rows && self.processed == 0 {
            self.rows
        } else {
            self.processed
        }
    }

    /// Takes the locks and the snapshot: what happens from now on is not seen. False: plan again.
    pub fn begin(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        if self.node.is_none() && !self.ended {
            if !self.lock(cx)? {
                return Ok(false);
            }
            self.account = Account::of_plan(cx, &self.plan);
            self.inside(cx, |this, cx| Ok(this.start(cx)?))?;
            if let Some(account) = &mut self.account {
                account.pause(cx, 0);
            }
        }
        Ok(true)
    }

    /// As [`QueryRun::next`], where no more than so many rows are of use now.
    pub fn next_some(&mut self, cx: &mut ExecContext, goal: i64) -> Flow<Next> {
        self.run.row_goal = usize::try_from(goal).unwrap_or(usize::MAX);
        self.next(cx)
    }

    pub fn next(&mut self, cx: &mut ExecContext) -> Flow<Next> {
        if self.ended {
            return Ok(Next::End);
        }
        if !self.begin(cx)? {
            return Ok(Next::Stale);
        }
        if let Some(account) = &mut self.account {
            account.go_on(cx);
        }
        let batch = self.inside(cx, |this, cx| match &mut this.node {
            Some(node) => node.next(cx),
            None => Ok(None),
        })?;
        self.rows += batch.as_ref().map_or(0, |b| b.rows as u64);
        let count = self.count();
        if let Some(account) = &mut self.account {
            account.pause(cx, count);
        }
        Ok(match batch {
            Some(b) => Next::Batch(b),
            None => {
                self.ended = true;
                self.node = None;
                self.account = None;
                crate::sql::command::catch_up(cx)?;
                if !self.plan.read_only {
                    cx.backend()?.txn.next_command();
                }
                Next::End
            }
        })
    }

    /// Takes the locks of the relations read; false: one of them is not what was planned for any more.
    fn lock(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        let plan = self.plan.clone();
        while let Some((rel, mode)) = plan.relations.get(self.locked) {
            cx.backend()?.txn.lock_listed(rel, *mode)?;
            if rel.is_stale() {
                return Ok(false);
            }
            self.locked += 1;
        }
        Ok(true)
    }

    fn start(&mut self, cx: &mut ExecContext) -> Result<()> {
        let backend = cx.backend()?;
        backend.txn.running().identify(self.plan.query_id);
        if !self.plan.read_only {
            if self.snapshot.is_some() {
                let tag = self.plan.name();
                return Err(err!(FEATURE_NOT_SUPPORTED, "{tag} is not allowed in a non-volatile function"));
            }
            if self.plan.writes_permanent() {
                backend.prevent_if_read_only(&self.plan.name())?;
            }
        }
        if self.snapshot.is_none() {
            backend.txn.next_command();
        }
        exec::rights::check(cx, &self.plan)?;
        let plan = self.identified.as_ref().map_or(&self.plan, |(plan, _)| plan);
        self.node = Some(match self.piecemeal {
            true => exec::start_piecemeal(plan, self.snapshot.clone(), cx)?,
            false => exec::start_seeing(plan, self.snapshot.clone(), cx)?,
        });
        Ok(())
    }

    /// Runs something with this statement's state in the context.
    fn inside<T>(
        &mut self,
        cx: &mut ExecContext,
        f: impl FnOnce(&mut QueryRun, &mut ExecContext) -> Flow<T>,
    ) -> Flow<T> {
        let outer = Outer::leave(cx);
        cx.run = std::mem::take(&mut self.run);
        cx.params = self.params.clone();
        cx.processed = self.processed;
        cx.meter.level += 1;
        let done = f(self, cx);
        cx.meter.level -= 1;
        self.run = std::mem::take(&mut cx.run);
        self.processed = cx.processed;
        outer.enter(cx);
        done
    }
}

/// A statement's own part of the context, put aside while another runs.
pub struct Outer {
    run: RunState,
    params: Arc<[Value]>,
    processed: u64,
    instrument: Option<exec::instrument::Instrumentation>,
    call: Option<Arc<crate::sql::func::CallTypes>>,
}

impl Outer {
    pub fn leave(cx: &mut ExecContext) -> Outer {
        Outer {
            run: std::mem::take(&mut cx.run),
            params: cx.params.clone(),
            processed: cx.processed,
            instrument: cx.instrument.take(),
            call: cx.fx.call.take(),
        }
    }

    pub fn enter(self, cx: &mut ExecContext) {
        cx.run = self.run;
        cx.params = self.params;
        cx.processed = self.processed;
        cx.instrument = self.instrument;
        cx.fx.call = self.call;
    }
}

/// What the surrounding statement sees.
///
/// # Errors
/// XX000 where there is no session.
pub fn outer_snapshot(cx: &mut ExecContext) -> Result<Snapshot> {
    cx.snapshot().map_err(|_| Error::internal("a routine outside a session"))
}
