//! Queries inside commands: CREATE TABLE AS, SELECT INTO, materialized views.

use super::merge::Merge;
use super::table::{NewTable, check_on_commit, create_object, exists, note_on_commit};
use super::write::{attribute, change, class_of, new_oid};
use super::{Command, act_restricted, index, names, reloptions, restricted_as, truncate};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::class;
use crate::catalog::{Attribute, Index, RelKind, View};
use crate::err;
use crate::heap::TableStore;
use crate::lock::LockMode;
use crate::sql::ast::{CreateTableAsStmt, IntoClause, RefreshMatViewStmt, SelectStmt, Stmt};
use crate::sql::backend::User;
use crate::sql::bind::{self, BindContext};
use crate::sql::exec::context::RunState;
use crate::sql::exec::{self, ExecContext, Node, Writer};
use crate::sql::expr::ExprKind;
use crate::sql::plan::{self, PlannedStatement};
use crate::types::{Batch, TypeRef};
use std::sync::Arc;

/// A query whose rows go into a relation, under way.
struct Filling {
    node: Box<dyn Node>,
    /// The executor's state of the query, apart from the command's own.
    state: RunState,
    store: Arc<TableStore>,
    table: Oid,
    /// Rows that are not in yet, and those that are.
    pending: Option<(Batch, Vec<crate::base::TupleId>)>,
    rows: u64,
    /// Rebuild these when all rows are in.
    indexes: Vec<Oid>,
    /// Whose query it is, if not the caller's.
    user: Option<User>,
    /// The rows are compared with those that are there.
    merge: Option<Box<Merge>>,
}

/// Binds a statement of some text to learn what it is made of.
pub fn bind_query(cx: &mut ExecContext, stmt: &Stmt, source: &str) -> Result<bind::Query> {
    let catalog = cx.backend()?.catalog.clone();
    let names: &dyn bind::Names = &*catalog;
    let mut bcx = BindContext { names, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false };
    bind::bind_unsecured(&mut bcx, stmt)
}

/// Binds a view's query as who runs it may see it.
fn bind_to_run(cx: &mut ExecContext, stmt: &Stmt, view: &View) -> Result<bind::Query> {
    let catalog = cx.backend()?.catalog.clone();
    let names = bind::Names::along(&*catalog, &view.kept);
    let mut bcx =
        BindContext { names: &*names, io: &cx.fx.io, text: &view.query, params: Vec::new(), infer_params: false };
    bind::bind_identified(&mut bcx, stmt, cx.settings.identify_queries)
}

/// Binds the query of a command, with the parameters and variables it may name unless its text is kept.
fn bind_own(cmd: &Command, cx: &mut ExecContext, stmt: &Stmt, kept: bool) -> Result<(bind::Query, Vec<TypeRef>)> {
    let catalog = cx.backend()?.catalog.clone();
    let scoped = cmd.scoped(&*catalog, cx);
    let params = cmd.param_types.clone();
    let mut bcx = BindContext { names: &scoped, io: &cx.fx.io, text: &cmd.source, params, infer_params: false };
    let mut query = bind::bind(&mut bcx, stmt)?;
    if kept {
        let mut given = false;
        query.walk_mut(0, &mut |e, _| given |= matches!(e.kind, ExprKind::Param(_)));
        if given {
            return Err(Error::unsupported("materialized views may not be defined using bound parameters"));
        }
    }
    Ok((query, bcx.params))
}

/// Plans a bound query.
pub fn plan_query(cx: &mut ExecContext, query: bind::Query, params: &[TypeRef]) -> Result<PlannedStatement> {
    let backend = cx.backend()?;
    let settings = plan::PlannerSettings::of(&backend.view);
    let catalog = backend.catalog.clone();
    plan::plan(query, &plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params })
}

/// Plans, and locks what the plan reads; again, if something changed before the locks were there.
fn plan_locked(
    cx: &mut ExecContext,
    bind: impl Fn(&mut ExecContext) -> Result<(bind::Query, Vec<TypeRef>)>,
) -> Flow<PlannedStatement> {
    loop {
        let (query, params) = bind(cx)?;
        let plan = plan_query(cx, query, &params)?;
        for (rel, mode) in &plan.relations {
            cx.backend()?.txn.lock_listed(rel, *mode)?;
        }
        if !plan.relations.iter().any(|(r, _)| r.is_stale()) {
            return Ok(plan);
        }
    }
}

pub fn create_as(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateTableAsStmt) -> Flow<String> {
    if let Stmt::Execute(_) = &stmt.query {
        return Err(Error::unsupported("CREATE TABLE AS EXECUTE is not supported").into());
    }
    into(cmd, cx, &stmt.into, &stmt.query, stmt.materialized_view, stmt.if_not_exists)
}

/// `SELECT … INTO`.
pub fn select_into(cmd: &mut Command, cx: &mut ExecContext, stmt: &SelectStmt) -> Flow<String> {
    let mut query = stmt.clone();
    let Some(target) = query.take_into() else { return Err(Error::internal("SELECT without INTO").into()) };
    into(cmd, cx, &target, &Stmt::Select(Box::new(query)), false, false)
}

fn into(
    cmd: &mut Command,
    cx: &mut ExecContext,
    into: &IntoClause,
    query: &Stmt,
    materialized: bool,
    if_not_exists: bool,
) -> Flow<String> {
    if cmd.progress.as_ref().is_some_and(|p| p.is::<Filling>()) {
        return go_on(cmd, cx);
    }
    let tag = if materialized { "CREATE MATERIALIZED VIEW" } else { "CREATE TABLE AS" };
    // The query is understood before anything is asked of the table's name (PostgreSQL 15, analyze.c,
    // transformCreateTableAsStmt), also where the table is there already.
    bind_own(cmd, cx, query, materialized)?;
    super::table::check_access_method(into.access_method.as_deref())?;
    let (namespace, persistence) = names::creation_place(cx, &into.table)?;
    names::lock_name(cx, class::RELATION, namespace, &into.table.name)?;
    check_on_commit(into.on_commit, persistence)?;
    if exists(cx, namespace, &into.table.name, if_not_exists)? {
        return Ok(tag.into());
    }
    let plan = match into.skip_data {
        // What is never run is not planned either: planning computes what is constant.
        true => Err(bind_own(cmd, cx, query, materialized)?.0),
        false => Ok(plan_locked(cx, |cx| bind_own(cmd, cx, query, materialized))?),
    };
    let tablespace = super::tablespace::place(cx, into.tablespace.as_deref(), Oid::INVALID, persistence, false)?;
    let found: Vec<(String, TypeRef)> = match &plan {
        Ok(plan) => plan.plan.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
        Err(bound) => bound.output().map(|t| (t.name.clone(), t.expr.ty)).collect(),
    };
    let mut attributes = named_attributes(cx, &found, &into.columns, "too many column names were specified", true)?;
    super::collated::declare(cmd, cx, query, &mut attributes, false)?;
    let options = reloptions::merge(cmd, reloptions::On::Table, &[], &into.options)?;
    let view = if materialized { Some(super::view::stored(cmd, cx, query)?) } else { None };
    let oid = new_oid(cx)?;
    let kind = if materialized { RelKind::MatView } else { RelKind::Table };
    let place = (namespace, persistence);
    let name = into.table.name.clone();
    create_object(cx, NewTable { oid, name, place, kind, attributes, options, tablespace })?;
    if let Some((view, depends)) = view {
        let populated = !into.skip_data;
        change(cx, oid, |c| {
            c.view = Some(View { populated, ..view });
            c.depends = depends;
        })?;
    }
    note_on_commit(cx, oid, into.on_commit)?;
    let Ok(plan) = plan else { return Ok(tag.into()) };
    let backend = cx.backend()?;
    let user = materialized.then(|| restricted_as(backend, backend.user.current)).transpose()?;
    start(cmd, cx, &plan, oid, Vec::new(), user, None)?;
    go_on(cmd, cx)
}

/// Columns with their names replaced by those of a list.
pub fn named_attributes(
    cx: &mut ExecContext,
    found: &[(String, TypeRef)],
    columns: &[String],
    too_many: &str,
    stored: bool,
) -> Result<Vec<Attribute>> {
    if columns.len() > found.len() {
        return Err(err!(SYNTAX_ERROR, "{too_many}"));
    }
    let mut out: Vec<Attribute> = Vec::new();
    for (n, (name, ty)) in found.iter().enumerate() {
        let name = columns.get(n).unwrap_or(name);
        if out.iter().any(|a| a.name == *name) {
            return Err(err!(DUPLICATE_COLUMN, "column \"{name}\" specified more than once"));
        }
        // Views have no system columns.
        if stored || crate::sql::bind::scope::system_attno(name).is_none() {
            super::column::check_column(cx, name, *ty)?;
        }
        if stored {
            super::write::check_usable(cx, ty.oid)?;
        }
        out.push(attribute(name, n as i16 + 1, *ty));
    }
    Ok(out)
}

/// Starts a query that fills a relation.
fn start(
    cmd: &mut Command,
    cx: &mut ExecContext,
    plan: &PlannedStatement,
    table: Oid,
    indexes: Vec<Oid>,
    user: Option<User>,
    merge: Option<Box<Merge>>,
) -> Flow<()> {
    let relation = super::constraint::relation(cx, table)?;
    let store = relation.store.clone().ok_or_else(|| Error::internal("a relation without rows"))?;
    let before = std::mem::take(&mut cx.run);
    let outer = std::mem::replace(&mut cx.params, cmd.params.clone());
    let node = as_user(cx, &user, |cx| {
        exec::rights::check(cx, plan)?;
        Ok(exec::start(plan, cx)?)
    });
    cx.params = outer;
    let state = std::mem::replace(&mut cx.run, before);
    let filling = Filling { node: node?, state, store, table, pending: None, rows: 0, indexes, user, merge };
    cmd.progress = Some(Box::new(filling));
    Ok(())
}

/// Takes rows from the query to the relation until there are no more.
fn go_on(cmd: &mut Command, cx: &mut ExecContext) -> Flow<String> {
    let Some(filling) = cmd.progress.as_mut().and_then(|p| p.downcast_mut::<Filling>()) else {
        return Err(Error::internal("nothing is under way").into());
    };
    std::mem::swap(&mut cx.run, &mut filling.state);
    let outer = std::mem::replace(&mut cx.params, cmd.params.clone());
    let user = filling.user.clone();
    let done = as_user(cx, &user, |cx| fill(filling, cx));
    cx.params = outer;
    std::mem::swap(&mut cx.run, &mut filling.state);
    done?;
    if let Some(merge) = &mut filling.merge {
        as_user(cx, &user, |cx| merge.run(cx))?;
    }
    let (table, rows, indexes) = (filling.table, filling.rows, std::mem::take(&mut filling.indexes));
    cmd.progress = None;
    for i in indexes {
        index::rebuild(cx, table, i)?;
    }
    cx.backend()?.stats.count_insert(table, rows);
    Ok(format!("SELECT {rows}"))
}

fn as_user<T>(cx: &mut ExecContext, user: &Option<User>, f: impl FnOnce(&mut ExecContext) -> Flow<T>) -> Flow<T> {
    match user {
        Some(user) => act_restricted(cx, user.clone(), f),
        None => f(cx),
    }
}

fn fill(f: &mut Filling, cx: &mut ExecContext) -> Flow<()> {
    loop {
        if let Some((batch, tids)) = &mut f.pending {
            let writer = Writer::for_rows(cx)?;
            crate::heap::insert(&writer.context(), &f.store, batch, tids)?;
            f.rows += batch.rows as u64;
            f.pending = None;
        }
        cx.poll()?;
        match f.node.next(cx)? {
            Some(batch) if batch.rows > 0 => match &mut f.merge {
                Some(merge) => merge.take(cx, &batch)?,
                None => f.pending = Some((batch, Vec::new())),
            },
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

pub fn refresh(cmd: &mut Command, cx: &mut ExecContext, stmt: &RefreshMatViewStmt) -> Flow<String> {
    let tag = "REFRESH MATERIALIZED VIEW".to_string();
    if cmd.progress.as_ref().is_some_and(|p| p.is::<Filling>()) {
        return go_on(cmd, cx).map(|_| tag);
    }
    let mode = if stmt.concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive };
    let found = names::locked_relation(cmd, cx, &stmt.view, mode)?;
    if found.kind != RelKind::MatView {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a materialized view", found.name).into());
    }
    names::check_owner(cx, &found)?;
    let Some(view) = found.view.clone() else { return Err(Error::internal("no definition").into()) };
    if stmt.concurrently {
        if !view.populated {
            return Err(err!(
                FEATURE_NOT_SUPPORTED,
                "CONCURRENTLY cannot be used when the materialized view is not populated"
            )
            .into());
        }
        if stmt.skip_data {
            return Err(err!(SYNTAX_ERROR, "CONCURRENTLY and WITH NO DATA options cannot be used together").into());
        }
        let plain = |i: &Index| i.predicate.is_none() && i.columns.iter().all(|c| c.expr.is_none());
        let unique = found.indexes.iter().any(|i| i.unique && i.valid && plain(i));
        if !unique {
            let schema = crate::types::name::quote_identifier(&found.schema);
            let name = crate::types::name::quote_identifier(&found.name);
            return Err(err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot refresh materialized view \"{schema}.{name}\" concurrently"
            )
            .hint("Create a unique index with no WHERE clause on one or more columns of the materialized view.")
            .into());
        }
    }
    names::check_not_in_use(cx, (found.oid, &found.name), "REFRESH MATERIALIZED VIEW")?;
    let mut parsed = crate::sql::parse::parse(&view.query)?;
    let Some(raw) = parsed.pop() else { return Err(Error::internal("no definition").into()) };
    // The query is its owner's, whoever asks for the refresh.
    let owner = restricted_as(cx.backend()?, found.owner)?;
    let bound = |cx: &mut ExecContext| Ok((bind_to_run(cx, &raw.stmt, &view)?, Vec::new()));
    let plan = |cx: &mut ExecContext| plan_locked(cx, bound);
    let plan = act_restricted(cx, owner.clone(), plan)?;
    cx.backend()?.txn.next_command();
    if stmt.concurrently {
        let merge = Box::new(Merge::start(cx, found.oid)?);
        start(cmd, cx, &plan, found.oid, Vec::new(), Some(owner), Some(merge))?;
        return go_on(cmd, cx).map(|_| tag);
    }
    truncate::empty(cx, &found)?;
    cx.backend()?.txn.next_command();
    let populated = !stmt.skip_data;
    if class_of(cx, found.oid)?.view.is_some_and(|v| v.populated != populated) {
        change(cx, found.oid, |c| {
            if let Some(v) = &mut c.view {
                v.populated = populated;
            }
        })?;
    }
    if stmt.skip_data {
        return Ok(tag);
    }
    let indexes = found.indexes.iter().map(|i| i.oid).collect();
    start(cmd, cx, &plan, found.oid, indexes, Some(owner), None)?;
    go_on(cmd, cx).map(|_| tag)
}
