//! One call of a user's routine.

use super::body::{SqlBody, SqlFrame};
use super::nesting::{Level, deeper};
use super::query;
use super::returns::{self, Returns};
use super::{Key, compiled, function, record};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::Record;
use crate::catalog::object::Function;
use crate::err;
use crate::settings::{Id, Lasting, Lookup};
use crate::sql::backend::User;
use crate::sql::exec::{ExecContext, phys_of, rights};
use crate::sql::func::setof::SetStream;
use crate::sql::func::{CallTypes, FuncDef};
use crate::sql::plpgsql;
use crate::types::{Batch, Column, TypeRef, Value, oid};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A call under way.
pub struct Invocation {
    returns: Returns,
    frame: Frame,
    /// SECURITY DEFINER: whom the body acts as.
    acts_as: Option<Box<User>>,
    /// SET clauses: their values, until they are in force.
    settings: Vec<(String, String)>,
    /// SECURITY DEFINER, whoever calls.
    secured: bool,
    level: Option<u32>,
    strict_end: Option<Value>,
    clock: Option<Clock>,
}

/// `track_functions`: when the call began, and how long functions had run by then.
struct Clock {
    function: Oid,
    since: Instant,
    before: Duration,
}

impl Clock {
    /// PostgreSQL 15, pgstat_function.c, pgstat_init_function_usage: `pl` is all but C and SQL.
    fn start(cx: &mut ExecContext, f: &Function) -> Result<Option<Clock>> {
        let wanted = match cx.backend()?.view.choice(Id::TrackFunctions) {
            "pl" => f.language == "plpgsql",
            "all" => true,
            _ => false,
        };
        let before = cx.meter.in_functions;
        Ok(wanted.then(|| Clock { function: f.oid, since: Instant::now(), before }))
    }

    /// The time of functions called inside is theirs.
    fn stop(self, cx: &mut ExecContext) -> Result<()> {
        let total = self.since.elapsed();
        let inside = cx.meter.in_functions.saturating_sub(self.before);
        cx.meter.in_functions = self.before + total;
        let us = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        let backend = cx.backend()?;
        let own = total.saturating_sub(inside);
        let shared = backend.instance.stats.clone();
        backend.stats.count_call(&shared, self.function, us(total), us(own));
        Ok(())
    }
}

enum Frame {
    Sql(Box<SqlFrame>),
    Plpgsql(Box<plpgsql::Frame>),
}

impl Invocation {
    /// Starts a call; strict functions are never called with NULL.
    ///
    /// # Errors
    /// 42501, what the body's parser says.
    pub fn start(
        cx: &mut ExecContext,
        def: &'static FuncDef,
        args: Vec<Value>,
        types: Option<&CallTypes>,
        expected: Option<&[(String, TypeRef)]>,
    ) -> Result<Invocation> {
        check_call(cx, def)?;
        Invocation::start_allowed(cx, def, args, types, expected)
    }

    /// Starts a call that nobody needs to be allowed.
    ///
    /// # Errors
    /// What the body's parser says.
    pub fn start_allowed(
        cx: &mut ExecContext,
        def: &'static FuncDef,
        args: Vec<Value>,
        types: Option<&CallTypes>,
        expected: Option<&[(String, TypeRef)]>,
    ) -> Result<Invocation> {
        let found = record(cx, def.oid)?;
        let f = function(&found)?;
        let given: Vec<TypeRef> = match types {
            Some(t) => t.args.clone(),
            None => def.args.iter().map(|t| TypeRef::of(*t)).collect(),
        };
        let result = match types {
            Some(t) if t.ret.oid.is_valid() => t.ret,
            _ => f.result,
        };
        let result = if f.result.oid == oid::RECORD { f.result } else { result };
        let result = TypeRef { oid: returns::actual(f, result.oid, &given), ..result };
        let returns = Returns::of(cx, f, result, &given, expected);
        let snapshot = match f.volatility {
            'v' => None,
            _ => Some(query::outer_snapshot(cx)?),
        };
        let key = Key {
            function: f.oid,
            types: given.iter().map(|t| t.oid).collect(),
            returns: result.oid,
            relation: Oid::INVALID,
        };
        let frame = match f.language.as_str() {
            "sql" => {
                let shape = returns.clone();
                let body = match expected {
                    // The caller's columns are part of the body's meaning.
                    Some(_) if f.result.oid == oid::RECORD => Arc::new(SqlBody::new(cx, f, &given, shape)?),
                    _ => match compiled(cx, &found, key.clone(), |cx| SqlBody::new(cx, f, &given, shape.clone()))? {
                        body if body.gives(&shape) => body,
                        // The row type has other columns by now.
                        _ => {
                            cx.routines.forget(&key);
                            compiled(cx, &found, key, |cx| SqlBody::new(cx, f, &given, shape))?
                        }
                    },
                };
                Frame::Sql(Box::new(SqlFrame::new(body, args, snapshot)))
            }
            "plpgsql" => {
                let make = |cx: &mut ExecContext| plpgsql::compile(cx, f, &given, result);
                let mut body = compiled(cx, &found, key.clone(), make)?;
                if !body.is_current(cx)? {
                    cx.routines.forget(&key);
                    body = compiled(cx, &found, key, make)?;
                }
                Frame::Plpgsql(Box::new(plpgsql::Frame::new(cx, body, args, snapshot, returns.clone())?))
            }
            "internal" => return Err(Error::unsupported("functions in language internal are not supported")),
            other => return Err(Error::unsupported(format!("language \"{other}\" is not supported"))),
        };
        Invocation::around(cx, &found, returns, frame)
    }

    /// A trigger function, fired.
    pub fn trigger(cx: &mut ExecContext, oid: Oid, event: plpgsql::TriggerData) -> Result<Invocation> {
        let found = record(cx, oid)?;
        let f = function(&found)?;
        if f.language != "plpgsql" {
            return Err(Error::unsupported(format!("trigger functions in language {} are not supported", f.language)));
        }
        // The names of changed rows are the trigger's.
        let relation = if event.transitions.is_some() { event.trigger } else { event.relation.oid };
        let key = Key { function: f.oid, types: Vec::new(), returns: f.result.oid, relation };
        let make = |cx: &mut ExecContext| plpgsql::compile(cx, f, &[], f.result);
        let mut body = compiled(cx, &found, key.clone(), make)?;
        if !body.is_current(cx)? {
            cx.routines.forget(&key);
            body = compiled(cx, &found, key, make)?;
        }
        let frame = Frame::Plpgsql(Box::new(plpgsql::Frame::fired(cx, body, event)?));
        Invocation::around(cx, &found, Returns::Trigger, frame)
    }

    /// The function of an event trigger.
    pub fn event(cx: &mut ExecContext, oid: Oid, event: &str, tag: &str) -> Result<Invocation> {
        let found = record(cx, oid)?;
        let f = function(&found)?;
        if f.language != "plpgsql" {
            let text = format!("event trigger functions in language {} are not supported", f.language);
            return Err(Error::unsupported(text));
        }
        let key = Key { function: f.oid, types: Vec::new(), returns: f.result.oid, relation: Oid::INVALID };
        let body = compiled(cx, &found, key, |cx| plpgsql::compile(cx, f, &[], f.result))?;
        let frame = Frame::Plpgsql(Box::new(plpgsql::Frame::on_event(cx, body, event, tag)));
        Invocation::around(cx, &found, Returns::Void, frame)
    }

    fn around(cx: &mut ExecContext, record: &Record, returns: Returns, frame: Frame) -> Result<Invocation> {
        let f = function(record)?;
        let mut acts_as = None;
        if f.security_definer && f.owner != cx.backend()?.user.current {
            acts_as = Some(Box::new(crate::sql::command::user_as(cx.backend()?, f.owner)?));
        }
        let split = |s: &String| s.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
        let settings = f.settings.iter().filter_map(split).collect();
        let clock = Clock::start(cx, f)?;
        let secured = f.security_definer;
        Ok(Invocation { returns, frame, acts_as, settings, secured, level: None, strict_end: None, clock })
    }

    /// May it run COMMIT and ROLLBACK? Only procedures and DO outside a block.
    pub fn allow_transactions(&mut self) {
        let plain = !self.secured && self.settings.is_empty();
        if let (Frame::Plpgsql(f), true) = (&mut self.frame, plain) {
            f.allow_transactions();
        }
    }

    /// The value of a call that returns one.
    pub fn value(&mut self, cx: &mut ExecContext) -> Flow<Value> {
        let value = self.within(cx, |this, cx| match &mut this.frame {
            Frame::Plpgsql(f) => f.value(cx),
            Frame::Sql(f) => {
                loop {
                    if this.strict_end.is_some() && !f.writes() {
                        break;
                    }
                    let Some(batch) = f.next(cx)? else { break };
                    if this.strict_end.is_none() {
                        this.strict_end = Some(first(&this.returns, f, &batch));
                    }
                }
                Ok(match this.returns {
                    // PostgreSQL 15, functions.c, fmgr_sql: a function in SQL that returns void returns NULL.
                    Returns::Void => Value::Null,
                    _ => this.strict_end.take().unwrap_or(Value::Null),
                })
            }
        })?;
        if let Some(clock) = self.clock.take() {
            clock.stop(cx)?;
        }
        Ok(value)
    }

    /// What a fired trigger function returned: the row, None for NULL.
    pub fn row(&mut self, cx: &mut ExecContext) -> Flow<Value> {
        self.value(cx)
    }

    /// More rows of a set; None at the end. Columns: fields, or the one value.
    fn rows(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let rows = self.within(cx, |this, cx| match &mut this.frame {
            Frame::Sql(f) => f.next(cx),
            Frame::Plpgsql(f) => f.rows(cx),
        })?;
        if rows.is_none()
            && let Some(clock) = self.clock.take()
        {
            clock.stop(cx)?;
        }
        Ok(rows)
    }

    /// Runs a step as the body's user, with its settings, one level deeper (RTN-1).
    fn within<T>(
        &mut self,
        cx: &mut ExecContext,
        f: impl FnOnce(&mut Invocation, &mut ExecContext) -> Flow<T>,
    ) -> Flow<T> {
        if self.level.is_none() && !self.settings.is_empty() {
            self.set(cx)?;
        }
        let mine = match &self.frame {
            Frame::Plpgsql(f) => f.transitions(),
            Frame::Sql(_) => None,
        };
        let depth = match &self.frame {
            Frame::Sql(_) => Level::Sql,
            Frame::Plpgsql(_) => Level::Plpgsql,
        };
        let outer = std::mem::replace(&mut cx.transitions, mine);
        let done = match self.acts_as.as_deref().cloned() {
            Some(user) => crate::sql::command::act_as(cx, user, |cx| deeper(cx, depth, |cx| f(self, cx))),
            None => deeper(cx, depth, |cx| f(self, cx)),
        };
        cx.transitions = outer;
        match &done {
            Ok(_) => self.unset(cx, true)?,
            Err(crate::base::Stop::Error(_)) => self.unset(cx, false)?,
            Err(_) => {}
        }
        done
    }

    /// Puts the SET clauses in force.
    fn set(&mut self, cx: &mut ExecContext) -> Result<()> {
        let backend = cx.backend()?;
        let settings = backend.settings.clone();
        let privileged = backend.user.is_superuser;
        let level = settings.lock().enter();
        self.level = Some(level);
        for (name, value) in &self.settings {
            if let Some(id @ (crate::settings::Id::Role | crate::settings::Id::SessionAuthorization)) =
                crate::settings::find(name)
            {
                let backend = cx.backend()?;
                let allowed = crate::sql::command::may_act_as(&backend.catalog, backend.user.session, id, value);
                if let Err(e) = allowed {
                    settings.lock().leave(level, false);
                    self.level = None;
                    return Err(e);
                }
            }
            // The lock must be free again before it is taken for the retreat.
            let done = settings.lock().set(name, value, Lasting::Save, privileged);
            if let Err(e) = done {
                settings.lock().leave(level, false);
                self.level = None;
                return Err(e);
            }
        }
        crate::sql::command::settings_changed(cx)
    }

    fn unset(&mut self, cx: &mut ExecContext, ok: bool) -> Result<()> {
        // A set is handed out in pieces: its settings end with each, and begin anew.
        let Some(level) = self.level.take() else { return Ok(()) };
        let settings = cx.backend()?.settings.clone();
        settings.lock().leave(level, ok);
        crate::sql::command::settings_changed(cx)
    }
}

/// The value a SQL body's first row stands for.
fn first(returns: &Returns, f: &SqlFrame, batch: &Batch) -> Value {
    match returns {
        Returns::Row { ty, .. } if !f.is_whole() => {
            let (names, types) = f.columns();
            returns::pack(*ty, names.iter().map(String::as_str), &types, batch, 0)
        }
        _ => batch.columns.first().map_or(Value::Null, |c| c.get(0).to_value()),
    }
}

/// The right to call a function of the catalogs.
///
/// # Errors
/// 42501.
pub fn check_call(cx: &mut ExecContext, def: &FuncDef) -> Result<()> {
    let record = super::record(cx, def.oid)?;
    check_execute(cx, super::function(&record)?)
}

/// # Errors
/// 42501.
pub fn check_execute(cx: &mut ExecContext, f: &Function) -> Result<()> {
    let user = cx.backend()?.user.current;
    let word = if f.is_procedure() { "procedure" } else { "function" };
    check_execute_as(cx, f, user, word)
}

/// The right of a role to call a function.
///
/// # Errors
/// 42501.
pub fn check_execute_as(cx: &mut ExecContext, f: &Function, role: Oid, word: &str) -> Result<()> {
    if f.acl.is_none() || f.owner == role {
        return Ok(());
    }
    let subject = rights::Subject::of(&cx.backend()?.catalog, role);
    if subject.may(f.owner, f.acl.as_deref(), "X", 'X', false) {
        return Ok(());
    }
    Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for {word} {}", f.name).place(
        "aclcheck_error",
        "aclchk.c",
        3512,
    ))
}

/// The rows of a call in FROM or in a select list.
struct RoutineStream {
    call: Box<Invocation>,
    columns: Vec<TypeRef>,
    /// True if it returns one value, not a set.
    single: bool,
    given: bool,
}

/// Opens a call as a stream of rows of these columns.
///
/// # Errors
/// As [`Invocation::start`].
pub fn open(
    cx: &mut ExecContext,
    def: &'static FuncDef,
    args: &[Value],
    arg_types: &[TypeRef],
    columns: &[TypeRef],
    names: &[String],
) -> Result<Box<dyn SetStream>> {
    let own = crate::sql::func::polymorphic::actual(def.ret, def.args, arg_types);
    let composite = cx.fx.io.hooks.composite(crate::types::base_type(own)).is_some();
    let ret = match columns {
        [one] if own != oid::RECORD && !composite => *one,
        _ => TypeRef::of(own),
    };
    let types = CallTypes { args: arg_types.to_vec(), ret, variadic: false };
    let expected: Vec<(String, TypeRef)> =
        columns.iter().enumerate().map(|(n, t)| (names.get(n).cloned().unwrap_or_default(), *t)).collect();
    let listed = def.ret == oid::RECORD && !(columns.len() == 1 && columns[0].oid == oid::RECORD);
    let call = Invocation::start(cx, def, args.to_vec(), Some(&types), listed.then_some(&expected[..]))?;
    Ok(Box::new(RoutineStream { call: Box::new(call), columns: columns.to_vec(), single: !def.retset, given: false }))
}

impl RoutineStream {
    /// A batch of the routine's own form in the form wanted here.
    fn fit(&self, batch: Batch) -> Result<Batch> {
        let rows = batch.rows;
        let whole = match &self.call.frame {
            Frame::Sql(f) => f.is_whole(),
            Frame::Plpgsql(_) => false,
        };
        let packed = matches!(&self.call.returns, Returns::Row { ty, .. }
            if self.columns.len() == 1 && self.columns[0].oid == ty.oid);
        let columns = match &self.call.returns {
            Returns::Row { .. } if whole && packed => batch.columns,
            Returns::Row { .. } if whole => returns::unpack(&batch.columns[0], &self.columns),
            Returns::Row { ty, .. } if packed => {
                let (names, types) = self.own_columns();
                let mut out = Column::new(phys_of(*ty));
                for row in 0..rows {
                    out.push(returns::pack(*ty, names.iter().map(String::as_str), &types, &batch, row).datum());
                }
                vec![out]
            }
            Returns::Row { .. } => {
                let (_, types) = self.own_columns();
                check_columns(&types, &self.columns)?;
                batch.columns
            }
            _ => batch.columns,
        };
        Ok(Batch { columns, rows })
    }

    fn own_columns(&self) -> (Vec<String>, Vec<TypeRef>) {
        match &self.call.frame {
            Frame::Sql(f) => f.columns(),
            Frame::Plpgsql(f) => f.columns(),
        }
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.single {
            return match self.call.rows(cx)? {
                Some(b) => Ok(Some(self.fit(b)?)),
                None => Ok(None),
            };
        }
        if self.given {
            return Ok(None);
        }
        let value = self.call.value(cx)?;
        self.given = true;
        let columns = match &self.call.returns {
            Returns::Row { ty, .. } if !(self.columns.len() == 1 && self.columns[0].oid == ty.oid) => {
                if let Value::Bytes(b) = &value {
                    let r = crate::types::record::Record::new(b);
                    let types: Vec<TypeRef> = r.columns.iter().map(|c| TypeRef::of(c.typ)).collect();
                    check_columns(&types, &self.columns)?;
                }
                let one = Column::constant(phys_of(*ty), value.datum(), 1);
                returns::unpack(&one, &self.columns)
            }
            _ => vec![Column::constant(phys_of(self.columns[0]), value.datum(), 1)],
        };
        Ok(Some(Batch { columns, rows: 1 }))
    }
}

/// # Errors
/// 42804 where the rows are not those the query's column list tells.
pub fn check_columns(found: &[TypeRef], wanted: &[TypeRef]) -> Result<()> {
    let text = "function return row and query-specified return row do not match";
    if found.len() != wanted.len() {
        let attributes = if found.len() == 1 { "attribute" } else { "attributes" };
        return Err(err!(DATATYPE_MISMATCH, "{text}").detail(format!(
            "Returned row contains {} {attributes}, but query expects {}.",
            found.len(),
            wanted.len()
        )));
    }
    for (n, (a, b)) in found.iter().zip(wanted).enumerate() {
        if crate::types::base_type(a.oid) != crate::types::base_type(b.oid) {
            let shown = |t: &TypeRef| crate::types::format_type_plain(t.oid, &crate::types::context::NoHooks);
            return Err(err!(DATATYPE_MISMATCH, "{text}").detail(format!(
                "Returned type {} at ordinal position {}, but query expects {}.",
                shown(a),
                n + 1,
                shown(b)
            )));
        }
    }
    Ok(())
}

impl SetStream for RoutineStream {
    fn next(&mut self, cx: &mut ExecContext, _max: usize, out: &mut [Column]) -> Flow<bool> {
        let Some(batch) = self.fetch(cx)? else { return Ok(false) };
        for (to, from) in out.iter_mut().zip(&batch.columns) {
            (0..batch.rows).for_each(|r| to.push_from(from, r));
        }
        Ok(true)
    }
}
