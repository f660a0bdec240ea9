//! Utility commands, one file per verb: everything that is neither a query nor the session's own.
//!
//! A command is called again after each wait or yield (FLOW-1), so each takes the locks it needs first, one call to
//! the lock manager after the other, and only then changes anything; what it must remember lies in its [`Command`].
//!
//! Must never await, nor know clients: what is to be said goes into `ExecContext::notices`.
//!
//! Invariants
//! - CMD-1: names are looked up again after their locks were taken (CAT-3).
//! - CMD-2: files are created and dropped only through the transaction (`Transaction::file_created`, `file_dropped`).

mod absent;
mod aggregate;
mod alter_kinds;
mod alter_order;
mod alter_passes;
mod alter_system;
mod alter_table;
mod analyze;
mod analyze_extended;
mod base_type;
mod call;
mod cast;
mod checkpoint;
mod cluster;
mod collated;
mod collation;
mod column;
mod comment;
mod concurrent;
mod constraint;
mod conversion;
pub mod cursor;
mod database;
mod declared;
mod default_acl;
mod dependency;
mod domain;
mod drop;
mod enum_label;
mod event_trigger;
mod exclusion;
mod explain;
mod extension;
mod foreign;
mod foreign_data;
mod foreign_parts;
mod freeze;
mod function;
mod grant;
mod index;
mod inherit;
mod key;
mod known;
mod large_object;
mod like;
mod lock_table;
mod merge;
mod move_files;
mod names;
mod opclass;
mod operator;
mod opfamily;
mod owned;
mod owner;
mod partial;
mod partition;
mod policy;
mod publication;
mod query;
mod range_type;
mod reindex;
mod reloptions;
mod rename;
mod rename_bodies;
mod rename_label;
mod rename_policies;
mod rename_readers;
mod rename_rules;
mod rename_texts;
mod rename_views;
mod retyped_texts;
mod rewrite;
mod rewrite_rows;
mod role;
mod row_type;
mod rule;
mod rule_columns;
mod rule_select;
mod schema;
mod schema_object;
pub mod sequence;
mod set_constraints;
mod setting;
mod statistics;
mod storage;
mod stored_setting;
pub mod stored_text;
mod table;
mod tablespace;
mod temp;
mod text_search;
pub mod transaction_modes;
mod trigger;
mod truncate;
mod typed;
mod types;
mod using_views;
mod vacuum;
mod vacuum_cost;
mod vacuum_report;
mod view;
mod write;

use crate::base::{Error, Flow, Report, Result, Severity, SqlState};
use crate::settings::{Id, Lookup};
use crate::sql::ast::{self, Stmt};
use crate::sql::bind::Names;
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::notify::Action;
use crate::sql::routine::query::{Nameless, Scoped, Variables};
use crate::sql::track::Account;
use crate::types::{TypeRef, Value};
use std::any::Any;
use std::sync::Arc;

pub use call::{call_columns, call_param_types};
pub use event_trigger::Dropped;
pub use explain::{analyzes, explained_as};
pub use freeze::{after as after_vacuum, database_frozen, frozen, tidy_catalogs};
pub use function::resolve_type_name;
pub use index::{NewIndex, create_object as create_index, summarize};
pub use large_object::forget_comment;
pub use names::{find_relation, kind_word};
pub use role::{
    acl_allows, follow_settings, has_role, is_member, may_act_as, own_right, set_role, set_session_authorization,
};
pub(crate) use rule_columns::refers as rule_refers;
pub use setting::{
    act_as, act_restricted, apply_role, apply_search_path, apply_settings, catch_up, is_list, is_name_list, list_text,
    restricted_as, set_variable, settings_changed, user_as,
};
pub use storage::create_plain as create_table_files;
pub use tablespace::{check_setting as check_tablespace_setting, next_temporary as next_temporary_tablespace};
pub use temp::discard_temp;
pub use text_search::FIRST_UNPINNED;
pub use vacuum::{Options as MaintenanceOptions, Running as MaintenanceRunning};
pub use vacuum_cost::of_worker as worker_pace;
pub use write::{new_oid, put};

/// One execution of a command.
pub struct Command {
    /// The whole text that was parsed: positions are into it.
    pub source: Arc<str>,
    /// The statement's own text.
    pub text: Arc<str>,
    pub stmt: Arc<Stmt>,
    pub params: Arc<[Value]>,
    /// The parameters' types, where they have been found out already.
    pub param_types: Vec<TypeRef>,
    /// What queries and arguments inside it can name: those of the routine that runs it.
    pub variables: Option<Arc<dyn Variables + Send + Sync>>,
    /// EXPLAIN EXECUTE: the plan of the statement prepared.
    pub executed: Option<Arc<crate::sql::plan::PlannedStatement>>,
    /// What a long command remembers between two calls.
    pub progress: Option<Box<dyn Any + Send>>,
    /// How far it is with its events.
    events: Option<Box<event_trigger::Events>>,
    /// One part of a command that has events as a whole.
    is_part: bool,
    /// What it costs, where a routine runs it.
    account: Option<Box<Account>>,
}

/// What a command leaves for the client.
#[derive(Debug)]
pub enum Outcome {
    Tag(String),
    /// Lines of one text column: EXPLAIN.
    Text {
        column: (String, TypeRef),
        lines: Vec<String>,
        tag: String,
    },
    /// One row: what a procedure's OUT arguments are.
    Rows {
        columns: Vec<(String, TypeRef)>,
        batch: crate::types::Batch,
        tag: String,
    },
}

impl Command {
    pub fn new(source: Arc<str>, text: Arc<str>, stmt: Arc<Stmt>, params: Arc<[Value]>) -> Command {
        Command {
            source,
            text,
            stmt,
            params,
            param_types: Vec::new(),
            variables: None,
            executed: None,
            progress: None,
            events: None,
            is_part: false,
            account: None,
        }
    }

    /// The catalogs' names with those of the routine around, in a trigger function those of the changed rows, too.
    pub fn scoped<'a>(&'a self, names: &'a dyn Names, cx: &ExecContext) -> Scoped<'a> {
        let variables: &dyn Variables = match &self.variables {
            Some(v) => &**v,
            None => &Nameless,
        };
        Scoped { names, variables, transitions: cx.transitions.clone() }
    }

    /// The progress of this command, made by `start` on the first call.
    pub fn progress<T: Any + Send>(&mut self, start: impl FnOnce() -> T) -> &mut T {
        if !self.progress.as_ref().is_some_and(|p| p.is::<T>()) {
            self.progress = Some(Box::new(start()));
        }
        // Just made, if it was not there.
        self.progress.as_mut().and_then(|p| p.downcast_mut()).expect("progress has its type")
    }

    /// A position in the source as errors carry it.
    pub fn at(&self, pos: ast::Pos) -> Option<u32> {
        if pos == ast::NOWHERE { None } else { ast::cursor(&self.source, pos) }
    }
}

/// Does the command, or returns what to wait for.
///
/// # Errors
/// 0A000 for statements that are not there yet; the command's own.
pub fn run(cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
    catch_up(cx)?;
    let stmt = cmd.stmt.clone();
    if stmt.read_only_class() == ast::ReadOnlyClass::NotReadOnly {
        cx.backend()?.prevent_if_read_only(stmt.tag())?;
    }
    match event_trigger::is_wanted(cmd, cx)? {
        true => event_trigger::around(cmd, cx),
        false => perform(cmd, cx),
    }
}

fn perform(cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
    let stmt = cmd.stmt.clone();
    let tag = match &*stmt {
        Stmt::Explain(s) => return explain::run(cmd, cx, s),
        Stmt::Call(s) => return call::call(cmd, cx, s),
        Stmt::Do(s) => call::run_block(cmd, cx, s)?,
        Stmt::CreateExtension(s) => extension::create(cmd, cx, s)?,
        Stmt::AlterExtension(s) => extension::alter(cmd, cx, s)?,
        Stmt::CreateTrigger(s) => trigger::create(cmd, cx, s)?,
        Stmt::CreateStatistics(s) => statistics::create(cmd, cx, s)?,
        Stmt::AlterStatistics(s) => statistics::alter(cx, s)?,
        Stmt::Foreign(s) => foreign_data::run(cmd, cx, s)?,
        Stmt::CreatePublication(s) => publication::create(cmd, cx, s)?,
        Stmt::AlterPublication(s) => publication::alter(cmd, cx, s)?,
        Stmt::CreateEventTrigger(s) => event_trigger::create(cx, s)?,
        Stmt::AlterEventTrigger(s) => event_trigger::alter(cx, s)?,
        Stmt::CreateRule(s) => rule::create(cmd, cx, s)?,
        Stmt::CreatePolicy(s) => policy::create(cmd, cx, s)?,
        Stmt::AlterPolicy(s) => policy::alter(cmd, cx, s)?,
        Stmt::CreateFunction(s) => function::create(cmd, cx, s)?,
        Stmt::AlterFunction(s) => function::alter(cmd, cx, s)?,
        Stmt::Checkpoint => checkpoint::run(cmd, cx)?,
        Stmt::CreateTable(s) => table::create(cmd, cx, s)?,
        Stmt::CreateIndex(s) => index::create(cmd, cx, s)?,
        Stmt::CreateSequence(s) => sequence::create(cmd, cx, s)?,
        Stmt::AlterSequence(s) => sequence::alter(cmd, cx, s)?,
        Stmt::AlterTable(s) => alter_table::run(cmd, cx, s)?,
        Stmt::Rename(s) => rename::run(cmd, cx, s)?,
        Stmt::AlterObjectSchema(s) => rename::set_schema(cmd, cx, s)?,
        Stmt::AlterOwner(s) => owner::alter(cmd, cx, s)?,
        Stmt::Comment(s) => comment::run(cmd, cx, s)?,
        Stmt::CreateDatabase(s) => database::create(cmd, cx, s)?,
        Stmt::AlterDatabase(s) => database::alter(cmd, cx, s)?,
        Stmt::DropDatabase(s) => database::drop(cmd, cx, s)?,
        Stmt::CreateEnum(s) => types::create_enum(cmd, cx, s)?,
        Stmt::CreateRange(s) => range_type::create(cmd, cx, s)?,
        Stmt::Define(s) if s.object == ast::ObjectType::Aggregate => aggregate::create(cmd, cx, s)?,
        Stmt::Define(s) if s.object == ast::ObjectType::Operator => operator::create(cmd, cx, s)?,
        Stmt::Define(s) if s.object == ast::ObjectType::Collation => collation::create(cmd, cx, s)?,
        Stmt::AlterCollation(s) => collation::refresh(cx, &s.name)?,
        Stmt::Define(s) if s.object == ast::ObjectType::Type && s.options.is_empty() => types::create_shell(cx, s)?,
        Stmt::Define(s) if text_search::kind_of(s.object).is_some() => match text_search::kind_of(s.object) {
            Some(kind) => text_search::create(cx, kind, s)?,
            None => return Err(Error::internal("no object of text search").into()),
        },
        Stmt::AlterTsDictionary(s) => text_search::alter_dictionary(cx, s)?,
        Stmt::AlterTsConfig(s) => text_search::alter_config(cmd, cx, s)?,
        Stmt::Define(s) if s.object == ast::ObjectType::Type => base_type::create(cmd, cx, s)?,
        Stmt::CreateOpClass(s) => opclass::create(cmd, cx, s)?,
        Stmt::CreateOpFamily(s) => opfamily::create(cx, s)?,
        Stmt::AlterOpFamily(s) => opfamily::alter(cmd, cx, s)?,
        Stmt::AlterOperator(s) => operator::alter(cmd, cx, s)?,
        Stmt::CreateConversion(s) => conversion::create(cx, s)?,
        Stmt::CreateCast(s) => cast::create(cmd, cx, s)?,
        Stmt::AlterEnum(s) => types::alter_enum(cmd, cx, s)?,
        Stmt::CreateCompositeType(s) => types::create_composite(cmd, cx, s)?,
        Stmt::CreateDomain(s) => domain::create(cmd, cx, s)?,
        Stmt::AlterDomain(s) => domain::alter(cmd, cx, s)?,
        Stmt::Grant(s) => grant::run(cmd, cx, s)?,
        Stmt::AlterDefaultPrivileges(s) => default_acl::alter(cx, s)?,
        Stmt::DropOwned(s) => owned::drop_owned(cx, s)?,
        Stmt::ReassignOwned(s) => owned::reassign(cx, s)?,
        Stmt::GrantRole(s) => grant::roles(cx, s)?,
        Stmt::Reindex(s) => reindex::run(cmd, cx, s)?,
        Stmt::CreateView(s) => view::create(cmd, cx, s)?,
        Stmt::CreateTableAs(s) => query::create_as(cmd, cx, s)?,
        Stmt::Select(s) => query::select_into(cmd, cx, s)?,
        Stmt::RefreshMatView(s) => query::refresh(cmd, cx, s)?,
        Stmt::CreateSchema(s) => schema::create(cmd, cx, s)?,
        Stmt::Drop(s) => drop::run(cmd, cx, s)?,
        Stmt::CreateTablespace(s) => tablespace::create(cmd, cx, s)?,
        Stmt::AlterTablespace(s) => tablespace::alter(cmd, cx, s)?,
        Stmt::DropTablespace(s) => tablespace::drop(cx, s)?,
        Stmt::AlterTableMoveAll(s) => move_files::move_all(cx, s)?,
        Stmt::Vacuum(s) => vacuum::run(cmd, cx, s)?,
        Stmt::Cluster(s) => cluster::run(cmd, cx, s)?,
        Stmt::Truncate(s) => truncate::run(cmd, cx, s)?,
        Stmt::CreateRole(s) => role::create(cmd, cx, s)?,
        Stmt::AlterRole(s) => role::alter(cmd, cx, s)?,
        Stmt::AlterRoleSet(s) => role::alter_set(cmd, cx, s)?,
        Stmt::DropRole(s) => role::drop(cmd, cx, s)?,
        Stmt::AlterSystem(s) => alter_system::run(cmd, cx, s)?,
        Stmt::SetConstraints(s) => set_constraints::run(cmd, cx, s)?,
        Stmt::Lock(s) => lock_table::run(cmd, cx, s)?,
        Stmt::SecurityLabel(s) => return Err(absent::security_label(s).into()),
        Stmt::Load(name) => absent::load(cx, name)?,
        other => return Err(Error::unsupported(format!("{} is not supported", other.tag())).into()),
    };
    Ok(Outcome::Tag(tag))
}

/// Does a command inside a routine.
///
/// # Errors
/// 0A000 for what only a client's own statement can be; the command's own.
pub fn run_nested(cmd: &mut Command, cx: &mut ExecContext) -> Flow<String> {
    match run_inside(cmd, cx)? {
        Outcome::Tag(tag) | Outcome::Text { tag, .. } | Outcome::Rows { tag, .. } => Ok(tag),
    }
}

/// The same for who wants to know what a CALL answers.
///
/// # Errors
/// As [`run_nested`].
pub fn run_inside(cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
    if cmd.account.is_none() {
        cmd.account = Account::of_command(cx, &cmd.text);
    }
    cx.meter.level += 1;
    let done = run_measured(cmd, cx);
    cx.meter.level -= 1;
    if let (Ok(_), Some(mut account)) = (&done, cmd.account.take_if(|_| done.is_ok())) {
        account.pause(cx, 0);
    }
    done
}

fn run_measured(cmd: &mut Command, cx: &mut ExecContext) -> Flow<Outcome> {
    let stmt = cmd.stmt.clone();
    match &*stmt {
        Stmt::SetVariable(s) => return Ok(Outcome::Tag(set_variable(cx, s)?)),
        Stmt::Listen(_) | Stmt::Unlisten(_) | Stmt::Notify(_) => return Ok(Outcome::Tag(notify(cx, &stmt)?)),
        Stmt::DeclareCursor(s) => return Ok(Outcome::Tag(cursor::declare(cmd, cx, s)?)),
        Stmt::Explain(_)
        | Stmt::ShowVariable(_)
        | Stmt::Transaction(_)
        | Stmt::Copy(_)
        | Stmt::Prepare(_)
        | Stmt::Execute(_)
        | Stmt::Deallocate(_)
        | Stmt::Fetch(_)
        | Stmt::ClosePortal(_)
        | Stmt::Discard(_) => {
            return Err(Error::unsupported(format!("{} is not supported inside a function", stmt.tag())).into());
        }
        _ => {}
    }
    let backend = cx.backend()?;
    let before = (backend.in_block, backend.in_routine);
    (backend.in_block, backend.in_routine) = (true, before.1 || !before.0);
    let done = run(cmd, cx);
    let backend = cx.backend()?;
    (backend.in_block, backend.in_routine) = before;
    done
}

/// EXPLAIN inside a routine: its column and its lines.
///
/// # Errors
/// As [`run`].
pub fn explained(cmd: &mut Command, cx: &mut ExecContext) -> Flow<((String, TypeRef), Vec<String>)> {
    match run(cmd, cx)? {
        Outcome::Text { column, lines, .. } => Ok((column, lines)),
        _ => Err(Error::internal("not an EXPLAIN").into()),
    }
}

/// `trace_notify`. PostgreSQL 15, async.c: same lines, of level DEBUG1.
fn trace_notify(cx: &mut ExecContext, stmt: &Stmt) -> Result<()> {
    let backend = cx.backend()?;
    if !backend.view.bool(Id::TraceNotify) {
        return Ok(());
    }
    let pid = backend.pid;
    let text = match stmt {
        Stmt::Notify(n) => format!("Async_Notify({})", n.channel),
        Stmt::Listen(channel) => format!("Async_Listen({channel},{pid})"),
        Stmt::Unlisten(Some(channel)) => format!("Async_Unlisten({channel},{pid})"),
        _ => format!("Async_UnlistenAll({pid})"),
    };
    cx.notices.push(Report::notice(Severity::Debug1, SqlState::SUCCESSFUL_COMPLETION, text));
    Ok(())
}

/// LISTEN, UNLISTEN and NOTIFY.
pub fn notify(cx: &mut ExecContext, stmt: &Stmt) -> Result<String> {
    trace_notify(cx, stmt)?;
    let backend = cx.backend()?;
    let depth = backend.txn.depth();
    Ok(match stmt {
        Stmt::Notify(n) => {
            let note = (n.channel.clone(), n.payload.clone().unwrap_or_default());
            backend.messages.say(depth, note);
            "NOTIFY"
        }
        Stmt::Listen(channel) => {
            backend.messages.act(depth, Action::Listen(channel.clone()));
            "LISTEN"
        }
        Stmt::Unlisten(channel) => {
            backend.messages.act(depth, Action::Unlisten(channel.clone()));
            "UNLISTEN"
        }
        _ => return Err(Error::internal("not a notification")),
    }
    .into())
}

/// Vacuums or analyses one table outside any session: autovacuum.
pub fn maintain_table(
    cx: &mut ExecContext,
    options: &MaintenanceOptions,
    table: crate::base::Oid,
    running: &mut Option<MaintenanceRunning>,
) -> Flow<()> {
    vacuum::one_table(cx, options, table, &[], running)
}

/// What must happen before a transaction commits: ON COMMIT of temporary tables.
pub fn before_commit(cx: &mut ExecContext) -> Result<()> {
    temp::on_commit(cx)
}

/// The value of an expression without columns, as the n-th argument of EXECUTE, of type `ty`. PostgreSQL 15, prepare.c,
/// EvaluateParams: its own words for a type that does not fit.
pub fn evaluate(cx: &mut ExecContext, text: &str, expr: &ast::Expr, n: usize, ty: TypeRef) -> Result<Value> {
    let done = evaluate_in(cx, text, expr, Clause::Execute, ("parameter", ty));
    if done.as_ref().is_err_and(|e| e.sqlstate() == SqlState::DATATYPE_MISMATCH) {
        // What is wrong inside is told again here.
        let from = write::bind(cx, text, expr, None, Clause::Execute, None)?.ty;
        let shown = |t: TypeRef| crate::types::format_type(t.oid, -1, &*cx.fx.io.hooks);
        let (n, from, to) = (n + 1, shown(from), shown(ty));
        let what = format!("parameter ${n} of type {from} cannot be coerced to the expected type {to}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, what)
            .hint("You will need to rewrite or cast the expression.")
            .at(ast::cursor(text, expr.start())));
    }
    done
}

/// The value of an expression without columns at some place, for a named target.
fn evaluate_in(
    cx: &mut ExecContext,
    text: &str,
    expr: &ast::Expr,
    clause: Clause,
    target: (&str, TypeRef),
) -> Result<Value> {
    let bound = write::bind(cx, text, expr, None, clause, Some(target))?;
    evaluate_bound(cx, bound)
}

/// The value of a bound expression without columns.
pub fn evaluate_bound(cx: &mut ExecContext, expr: crate::sql::expr::Expr) -> Result<Value> {
    use crate::sql::plan::{Cost, Plan, PlanColumn, PlanNode, PlannedStatement};
    let columns = vec![PlanColumn { name: String::new(), ty: expr.ty }];
    let node = PlanNode::Result { input: None, exprs: vec![expr], one_time: None };
    let plan = Plan { node, columns, cost: Cost::default(), params: Default::default() };
    let statement = PlannedStatement {
        plan,
        tag: "SELECT",
        returns_rows: true,
        exec_params: 0,
        work_tables: 0,
        ctes: 0,
        param_types: Vec::new(),
        origins: Vec::new(),
        privileges: Vec::new(),
        relations: Vec::new(),
        read_only: true,
        locks_rows: None,
        constants: Vec::new(),
        entries: 0,
        acting: None,
        inlined: Vec::new(),
        query_id: 0,
        source: None,
    };
    let mut node = crate::sql::exec::start(&statement, cx)?;
    let batch = crate::sql::exec::patiently(cx, |cx| node.next(cx))?;
    let batch = batch.ok_or_else(|| Error::internal("an expression without a value"))?;
    Ok(batch.columns[0].get(0).to_value())
}
