//! A routine's body in SQL: its statements one after the other, the last one's rows are the result.

use super::ProcedureRun;
use super::query::{self, Generation, Next, QueryRun, Variables};
use super::returns::{self, Returns, Shaping};
use crate::base::{Error, Flow, Result, Stop};
use crate::catalog::Kept;
use crate::catalog::object::Function;
use crate::err;
use crate::mvcc::Snapshot;
use crate::sql::ast::{self, CreateFunctionStmt, FunctionBody, Stmt};
use crate::sql::bind::{Names, Query};
use crate::sql::command::{self, Command};
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::PlannedStatement;
use crate::types::{Batch, TypeRef, Value};
use parking_lot::Mutex;
use std::sync::Arc;

/// A parsed body, with the plans made of it.
pub struct SqlBody {
    pub name: String,
    source: Arc<str>,
    statements: Vec<Statement>,
    kept: Option<Kept>,
    args: Arc<Arguments>,
    returns: Returns,
    /// A procedure's row is always made of its columns, even of one that is a row itself.
    procedure: bool,
}

struct Statement {
    stmt: Arc<Stmt>,
    text: Arc<str>,
    planned: Mutex<Option<Planned>>,
}

#[derive(Clone)]
struct Planned {
    generation: Generation,
    plan: Arc<PlannedStatement>,
    /// Of the last statement.
    shaping: Option<Shaping>,
}

/// The arguments as names: `a`, `f.a`, `$1`.
pub struct Arguments {
    pub function: String,
    /// Name, parameter's number, type; the n-th input is `$n`.
    pub inputs: Vec<(String, TypeRef)>,
    pub composite: Arc<dyn crate::types::context::TypeHooks>,
}

impl Arguments {
    pub fn of(cx: &ExecContext, f: &Function, types: &[TypeRef]) -> Arguments {
        Arguments::new(cx.fx.io.hooks.clone(), f, types)
    }

    pub fn new(composite: Arc<dyn crate::types::context::TypeHooks>, f: &Function, types: &[TypeRef]) -> Arguments {
        let mut inputs = Vec::new();
        for n in (0..f.arg_types.len()).filter(|n| f.is_input(*n)) {
            let ty = types.get(inputs.len()).copied().unwrap_or(TypeRef::of(f.arg_types[n]));
            let declared = f.arg_types[n];
            let ty = if is_polymorphic(declared) { ty } else { TypeRef::of(declared) };
            inputs.push((f.arg_names.get(n).cloned().unwrap_or_default(), ty));
        }
        Arguments { function: f.name.clone(), inputs, composite }
    }

    fn param(&self, n: usize) -> Option<Expr> {
        self.inputs.get(n).map(|(_, ty)| Expr::new(ExprKind::Param(n), *ty))
    }

    fn named(&self, name: &str) -> Option<Expr> {
        self.inputs.iter().position(|(n, _)| !n.is_empty() && n == name).and_then(|n| self.param(n))
    }
}

fn is_polymorphic(t: crate::base::Oid) -> bool {
    crate::types::info(t).is_some_and(|i| i.is_pseudo())
}

/// A field of a composite value.
pub fn field_of(hooks: &dyn crate::types::context::TypeHooks, e: Expr, name: &str) -> Option<Expr> {
    let fields = hooks.composite(crate::types::base_type(e.ty.oid))?;
    let index = fields.iter().position(|f| f.name == name)?;
    let ty = fields[index].typ;
    Some(Expr::new(ExprKind::Field { arg: Box::new(e), index }, ty))
}

impl Variables for Arguments {
    /// PostgreSQL 15, functions.c, sql_fn_post_column_ref.
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        Ok(match parts {
            [one] => match one.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
                Some(n) => n.checked_sub(1).and_then(|n| self.param(n)),
                None => self.named(one),
            },
            [a, b] if *a == self.function && self.named(b).is_some() => self.named(b),
            [a, b] => self.named(a).and_then(|e| field_of(&*self.composite, e, b)),
            [f, a, b] if *f == self.function => self.named(a).and_then(|e| field_of(&*self.composite, e, b)),
            _ => None,
        })
    }

    fn fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        let e = match parts {
            [a] => self.named(a),
            [f, a] if *f == self.function => self.named(a),
            _ => None,
        }?;
        let fields = self.composite.composite(crate::types::base_type(e.ty.oid))?;
        let one = |(index, f): (usize, crate::types::context::Field)| {
            (f.name, Expr::new(ExprKind::Field { arg: Box::new(e.clone()), index }, f.typ))
        };
        Some(fields.into_iter().enumerate().map(one).collect())
    }
}

/// The statements of a body, and the text their positions are in.
pub fn parse(f: &Function) -> Result<(Arc<str>, Vec<(Stmt, Arc<str>)>)> {
    if !f.atomic {
        let source: Arc<str> = f.body.clone();
        let parsed = crate::sql::parse::parse(&source)?;
        return Ok((
            source.clone(),
            parsed
                .into_iter()
                .map(|r| {
                    let text: Arc<str> = r.text(&source).trim().into();
                    (r.stmt, text)
                })
                .collect(),
        ));
    }
    let source: Arc<str> = format!("CREATE FUNCTION f() RETURNS void {}", f.body).into();
    let mut parsed = crate::sql::parse::parse(&source)?;
    let Some(Stmt::CreateFunction(create)) = parsed.pop().map(|r| r.stmt) else {
        return Err(Error::internal("a body that is none"));
    };
    let CreateFunctionStmt { body, .. } = *create;
    let list = match body {
        Some(FunctionBody::Return(e)) => {
            let mut query = crate::sql::parse::parse("SELECT 1")?;
            let Some(Stmt::Select(mut s)) = query.pop().map(|r| r.stmt) else {
                return Err(Error::internal("a query that is none"));
            };
            if let ast::SelectBody::Select(core) = &mut s.body
                && let Some(t) = core.targets.first_mut()
            {
                t.expr = e;
            }
            vec![Stmt::Select(s)]
        }
        Some(FunctionBody::Atomic(list)) => list,
        None => Vec::new(),
    };
    Ok((source.clone(), list.into_iter().map(|s| (s, source.clone())).collect()))
}

impl SqlBody {
    /// Whether it was made for such a result.
    pub fn gives(&self, returns: &Returns) -> bool {
        self.returns == *returns
    }

    /// # Errors
    /// What the parser says.
    pub fn new(cx: &mut ExecContext, f: &Function, types: &[TypeRef], returns: Returns) -> Result<SqlBody> {
        let (source, list) = parse(f).map_err(|e| e.inside(&f.body))?;
        let statement =
            |(stmt, text): (Stmt, Arc<str>)| Statement { stmt: Arc::new(stmt), text, planned: Mutex::default() };
        Ok(SqlBody {
            name: f.name.clone(),
            source,
            statements: list.into_iter().map(statement).collect(),
            kept: f.atomic.then(|| f.kept.clone()),
            args: Arc::new(Arguments::of(cx, f, types)),
            returns,
            procedure: f.is_procedure(),
        })
    }

    /// Binds all statements and the result's type: what CREATE FUNCTION checks.
    ///
    /// # Errors
    /// 42P13 and the binder's.
    pub fn check(&self, cx: &mut ExecContext) -> Result<()> {
        for n in 0..self.statements.len() {
            if self.statements[n].stmt.is_optimizable() {
                self.bind(cx, n)?;
            } else if self.kept.is_some() {
                let tag = self.statements[n].stmt.tag();
                return Err(Error::unsupported(format!("{tag} is not yet supported in unquoted SQL function body")));
            } else {
                self.refuse(n)?;
                self.check_call(cx, n)?;
            }
        }
        match self.statements.last() {
            Some(last) if last.stmt.is_optimizable() => Ok(()),
            _ => returns::shape(cx, None, &self.returns, self.procedure).map(|_| ()),
        }
    }

    /// All statements as they are written.
    ///
    /// # Errors
    /// The binder's.
    pub fn written(&self, cx: &mut ExecContext) -> Result<Vec<Query>> {
        let queries = self.statements.iter().filter(|s| s.stmt.is_optimizable());
        queries.map(|s| query::written(cx, &s.stmt, &self.source, self.kept.as_ref(), &*self.args)).collect()
    }

    /// Commands that no function may give.
    fn refuse(&self, n: usize) -> Result<()> {
        match &*self.statements[n].stmt {
            Stmt::Transaction(_) => {
                let tag = self.statements[n].stmt.tag();
                Err(err!(FEATURE_NOT_SUPPORTED, "{tag} is not allowed in an SQL function"))
            }
            Stmt::Copy(_) => Err(err!(FEATURE_NOT_SUPPORTED, "cannot COPY to/from client in an SQL function")),
            _ => Ok(()),
        }
    }

    /// PostgreSQL 15, functions.c, check_sql_fn_statements: nothing could take what a procedure hands out.
    fn check_call(&self, cx: &mut ExecContext, n: usize) -> Result<()> {
        let Stmt::Call(call) = &*self.statements[n].stmt else { return Ok(()) };
        let catalog = cx.backend()?.catalog.clone();
        let along = self.kept.as_ref().map(|p| Names::along(&*catalog, p));
        let names: &dyn Names = along.as_deref().unwrap_or(&*catalog);
        let scoped = query::Scoped { names, variables: &*self.args, transitions: cx.transitions.clone() };
        let run = ProcedureRun::bind(cx, call, &scoped, &self.source, Vec::new(), Arc::from([]))
            .map_err(|e| e.inside(&self.source))?;
        match run.columns().is_empty() {
            true => Ok(()),
            false => {
                let text = "calling procedures with output arguments is not supported in SQL functions";
                Err(Error::unsupported(text))
            }
        }
    }

    /// A statement; the last one gives a row of the type that the function returns.
    fn bound(&self, cx: &mut ExecContext, n: usize) -> Result<Query> {
        let stmt = &self.statements[n].stmt;
        let mut query = query::bound(cx, stmt, &self.source, self.kept.as_ref(), &*self.args)
            .map_err(|e| e.inside(&self.source))?;
        if n + 1 == self.statements.len() && !self.procedure {
            returns::as_row(cx, &mut query, &self.returns)?;
        }
        Ok(query)
    }

    /// PostgreSQL 15, pg_proc.c, fmgr_sql_validator: a body is analysed, not planned; constants are computed by
    /// whoever calls it.
    fn bind(&self, cx: &mut ExecContext, n: usize) -> Result<()> {
        let query = self.bound(cx, n)?;
        if n + 1 < self.statements.len() {
            return Ok(());
        }
        let types: Vec<TypeRef> = query.output().map(|t| t.expr.ty).collect();
        let returns_rows = query.write.as_ref().is_none_or(|w| !w.returning.is_empty());
        returns::shape(cx, returns_rows.then_some(&types[..]), &self.returns, self.procedure).map(drop)
    }

    fn plan(&self, cx: &mut ExecContext, n: usize) -> Result<Planned> {
        let statement = &self.statements[n];
        let known = statement.planned.lock().clone();
        if let Some(p) = known
            && query::is_fresh(cx, p.generation, &p.plan)?
        {
            return Ok(p);
        }
        let generation = cx.backend()?.catalog.generation();
        let watched = cx.fx.io.watch_clock();
        let query = self.bound(cx, n)?;
        let mut plan = query::plan_bound(cx, query, &self.source).map_err(|e| e.inside(&self.source))?;
        plan.source = plan.source.take().map(|_| statement.text.clone());
        let reads_clock = cx.fx.io.clock_was_read(watched);
        let shaping = match n + 1 == self.statements.len() {
            true => {
                let types: Vec<TypeRef> = plan.plan.columns.iter().map(|c| c.ty).collect();
                Some(returns::shape(cx, plan.returns_rows.then_some(&types[..]), &self.returns, self.procedure)?)
            }
            false => None,
        };
        let planned = Planned { generation, plan: Arc::new(plan), shaping };
        // `'now'` and the like mean another time in the next transaction.
        if !reads_clock {
            *statement.planned.lock() = Some(planned.clone());
        }
        Ok(planned)
    }
}

/// A body under way.
pub struct SqlFrame {
    body: Arc<SqlBody>,
    args: Arc<[Value]>,
    snapshot: Option<Snapshot>,
    at: usize,
    running: Running,
    shaping: Option<(Shaping, Option<Projection>, Vec<TypeRef>, Vec<String>)>,
    /// Rows of the last statement not converted yet.
    raw: Option<Batch>,
    done: bool,
}

enum Running {
    Nothing,
    Query(Box<QueryRun>),
    Command(Box<Command>),
}

impl SqlFrame {
    /// `snapshot`: what the caller sees, for a function that is not volatile.
    pub fn new(body: Arc<SqlBody>, args: Vec<Value>, snapshot: Option<Snapshot>) -> SqlFrame {
        SqlFrame {
            body,
            args: args.into(),
            snapshot,
            at: 0,
            running: Running::Nothing,
            shaping: None,
            raw: None,
            done: false,
        }
    }

    /// The names and types of the rows handed out.
    pub fn columns(&self) -> (Vec<String>, Vec<TypeRef>) {
        match (&self.body.returns, &self.shaping) {
            (Returns::Row { fields: Some(f), .. }, _) => f.iter().cloned().unzip(),
            (_, Some((_, _, types, names))) => (names.clone(), types.clone()),
            (other, None) => (Vec::new(), other.columns().unwrap_or_default()),
        }
    }

    /// True if the one column of a batch is the row itself.
    pub fn is_whole(&self) -> bool {
        self.shaping.as_ref().is_some_and(|s| s.0.whole)
    }

    /// True if the last statement must run to its end however few of its rows are wanted.
    pub fn writes(&self) -> bool {
        matches!(&self.running, Running::Query(q) if !q.plan.read_only)
    }

    /// The next rows of the result.
    pub fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let done = self.step(cx);
        match done {
            Err(Stop::Error(e)) => {
                let at = self.at + 1;
                Err(Stop::Error(e.context(format!("SQL function \"{}\" statement {at}", self.body.name))))
            }
            other => other,
        }
    }

    fn step(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.raw.is_some() {
                return self.shaped(cx).map(Some);
            }
            if self.done || self.at >= self.body.statements.len() {
                self.done = true;
                return Ok(None);
            }
            let last = self.at + 1 == self.body.statements.len();
            match &mut self.running {
                Running::Nothing => self.start(cx)?,
                Running::Query(q) => match q.next(cx)? {
                    Next::Batch(b) if last && q.plan.returns_rows && !matches!(self.body.returns, Returns::Void) => {
                        self.raw = Some(b);
                    }
                    Next::Batch(_) => {}
                    Next::End => self.advance(),
                    Next::Stale => self.running = Running::Nothing,
                },
                Running::Command(c) => {
                    command::run_nested(c, cx)?;
                    cx.backend()?.txn.next_command();
                    self.advance();
                }
            }
        }
    }

    fn advance(&mut self) {
        self.running = Running::Nothing;
        self.at += 1;
    }

    fn start(&mut self, cx: &mut ExecContext) -> Result<()> {
        let body = self.body.clone();
        let statement = &body.statements[self.at];
        if statement.stmt.is_optimizable() {
            let planned = body.plan(cx, self.at)?;
            if let Some(s) = planned.shaping {
                let projection = s.exprs.as_ref().map(|e| Projection::new(e));
                let (names, types) = planned.plan.plan.columns.iter().map(|c| (c.name.clone(), c.ty)).unzip();
                self.shaping = Some((s, projection, types, names));
            }
            let run = QueryRun::new(planned.plan, self.args.clone(), self.snapshot.clone());
            self.running = Running::Query(Box::new(run));
            return Ok(());
        }
        body.refuse(self.at)?;
        if self.snapshot.is_some() {
            let tag = statement.stmt.tag();
            return Err(err!(FEATURE_NOT_SUPPORTED, "{tag} is not allowed in a non-volatile function"));
        }
        let mut command =
            Command::new(body.source.clone(), statement.text.clone(), statement.stmt.clone(), self.args.clone());
        command.variables = Some(body.args.clone());
        self.running = Running::Command(Box::new(command));
        Ok(())
    }

    /// Converts the rows at hand to the declared types.
    fn shaped(&mut self, cx: &mut ExecContext) -> Flow<Batch> {
        let Some(raw) = &self.raw else { return Ok(Batch::default()) };
        if let Some((_, Some(p), _, _)) = &mut self.shaping {
            let columns = p.run(cx, raw, Sel::All(raw.rows))?;
            let rows = raw.rows;
            self.raw = None;
            return Ok(Batch { columns, rows });
        }
        Ok(self.raw.take().unwrap_or_default())
    }
}
