//! Statements that make rows: SQL, EXECUTE, loops over queries and arrays, RETURN QUERY, CALL.

use super::code::{Into, Query, Target, VarKind};
use super::extra::Extra;
use super::frame::{Frame, Goto, RecordValue, Shape, Slot};
use crate::base::{Error, Flow, Result, SqlState, Stop, Wait};
use crate::err;
use crate::sql::ast::Stmt;
use crate::sql::command::{self, Command, Outcome};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{PlanNode, PlannedStatement};
use crate::sql::routine::query::{self, Next, QueryRun, Variables};
use crate::types::{Batch, Column, TypeRef, Value, oid};
use std::collections::VecDeque;
use std::sync::Arc;

/// A loop under way.
pub enum Loop {
    Int { next: i64, end: i64, step: i64, found: bool },
    Rows(RowLoop),
    Array { values: VecDeque<Value>, ty: TypeRef, found: bool },
}

pub struct RowLoop {
    source: Source,
    /// Fetched ahead, since the transaction ended.
    ahead: VecDeque<Batch>,
    /// Rows at hand, and the next of them.
    batch: Option<(Batch, usize)>,
    shape: Arc<Shape>,
    found: bool,
    /// What CONTEXT calls the query.
    context: Option<String>,
}

impl RowLoop {
    fn new(source: Source, shape: Arc<Shape>, context: Option<String>) -> RowLoop {
        RowLoop { source, ahead: VecDeque::new(), batch: None, shape, found: false, context }
    }
}

enum Source {
    Run(Box<QueryRun>),
    /// All rows are fetched; of a cursor's the variable that had no name before.
    Over(Option<usize>),
    /// Its name, and the variable that had none before.
    Cursor(String, Option<usize>),
}

/// The text of an EXECUTE, being run statement by statement.
pub struct Dynamic {
    source: Arc<str>,
    statements: VecDeque<Stmt>,
    params: Arc<[Value]>,
    types: Vec<TypeRef>,
    running: Option<Box<QueryRun>>,
    command: Option<Box<Command>>,
}

type OneRow = (Arc<Shape>, Batch);

/// An EXPLAIN whose lines are rows.
struct Explained {
    source: Arc<str>,
    stmt: Arc<Stmt>,
    params: Arc<[Value]>,
    types: Vec<TypeRef>,
    variables: Option<Arc<dyn Variables + Send + Sync>>,
}

impl Explained {
    fn dynamic(d: &Dynamic, stmt: Stmt) -> Explained {
        let (source, params, types) = (d.source.clone(), d.params.clone(), d.types.clone());
        Explained { source, stmt: Arc::new(stmt), params, types, variables: None }
    }
}

/// How many rows a command's tag tells of: those of CREATE TABLE AS.
fn rows_of(tag: &str) -> u64 {
    tag.strip_prefix("SELECT ").and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A statement that never gives rows.
fn is_barren(stmt: &Stmt) -> bool {
    !stmt.is_optimizable()
        && !matches!(stmt, Stmt::Explain(_) | Stmt::ShowVariable(_) | Stmt::Execute(_) | Stmt::Fetch(_) | Stmt::Call(_))
}

/// PostgreSQL 15, spi.c, SPI_execute_extended with must_return_tuples: same words.
fn no_tuples(tag: &str, context: &str) -> Error {
    let tag = if tag == "SELECT" { "SELECT INTO" } else { tag };
    err!(SYNTAX_ERROR, "{tag} query does not return tuples").context(context.to_owned())
}

/// USING's values as `$1` …
struct Using<'a>(&'a [TypeRef]);

impl Variables for Using<'_> {
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        let [one] = parts else { return Ok(None) };
        let n = one.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
        Ok(n.and_then(|n| self.0.get(n).map(|ty| Expr::new(ExprKind::Param(n), *ty))))
    }
}

pub(super) fn shape_of_plan(plan: &PlannedStatement) -> Arc<Shape> {
    let (names, types) = plan.plan.columns.iter().map(|c| (c.name.clone(), c.ty)).unzip();
    Arc::new(Shape { names, types })
}

/// What a target gets where there is no row: the query's columns, all NULL.
pub(super) fn nulls(shape: &Arc<Shape>) -> RecordValue {
    RecordValue { shape: Some(shape.clone()), values: vec![Value::Null; shape.types.len()], present: true }
}

/// A row of a batch as a record's value.
fn row_of(batch: &Batch, row: usize, shape: &Arc<Shape>) -> RecordValue {
    let values = batch.columns.iter().map(|c| c.get(row).to_value()).collect();
    RecordValue { shape: Some(shape.clone()), values, present: true }
}

fn with<T>(done: Flow<T>, context: &str) -> Flow<T> {
    done.map_err(|stop| match stop {
        Stop::Error(mut e) => match e.0.position {
            Some(_) => {
                let text = context.split_once('"').map_or(context, |c| c.1.trim_end_matches('"')).to_owned();
                Stop::Error(e.inside(&text))
            }
            None => {
                e = e.context(context.to_owned());
                Stop::Error(e)
            }
        },
        other => other,
    })
}

impl Frame {
    /// Puts a row that was found into the variables of an INTO or a loop.
    pub(super) fn put_found(&mut self, cx: &mut ExecContext, target: usize, row: RecordValue) -> Flow<()> {
        let found = row.values.len();
        self.put_row(cx, target, row)?;
        Ok(self.check_width(cx, target, found)?)
    }

    /// Puts a row, or NULLs where there is none, into the variables of an INTO or a loop.
    pub(super) fn put_row(&mut self, cx: &mut ExecContext, target: usize, row: RecordValue) -> Flow<()> {
        let body = self.body.clone();
        match &body.vars[target].kind {
            VarKind::Record(ty) => {
                let ty = *ty;
                self.put_record(cx, target, ty, row)
            }
            _ => {
                let value = match row.present {
                    true => row.pack(TypeRef::of(oid::RECORD)),
                    false => Value::Null,
                };
                self.put(cx, &Target::Var(target), value, TypeRef::of(oid::RECORD))
            }
        }
    }

    // ---- plain statements ----

    pub(super) fn perform(&mut self, cx: &mut ExecContext, id: usize) -> Flow<Goto> {
        let context = self.body.clone().exprs[id].context();
        loop {
            if self.query.is_none() {
                self.query = Some(self.start(cx, id)?);
            }
            let Some(q) = &mut self.query else { continue };
            match with(q.next(cx), &context)? {
                Next::Batch(_) => {}
                Next::Stale => {
                    self.query = None;
                    self.forget(id);
                }
                Next::End => {
                    self.row_count = q.count();
                    self.set_found(self.row_count > 0);
                    self.query = None;
                    return Ok(Goto::Next);
                }
            }
        }
    }

    pub(super) fn sql(&mut self, cx: &mut ExecContext, id: usize, into: Option<&Into>) -> Flow<Goto> {
        let body = self.body.clone();
        let expr = &body.exprs[id];
        let context = expr.context();
        if !expr.stmt.is_optimizable() {
            if into.is_some() {
                return Err(err!(SYNTAX_ERROR, "INTO used with a command that cannot return data").into());
            }
            return self.sql_command(cx, id, &context);
        }
        loop {
            if self.query.is_none() {
                let run = self.start(cx, id)?;
                if run.plan.returns_rows && into.is_none() {
                    let e = err!(SYNTAX_ERROR, "query has no destination for result data");
                    let hint = "If you want to discard the results of a SELECT, use PERFORM instead.";
                    return Err(if run.plan.tag == "SELECT" { e.hint(hint) } else { e }.into());
                }
                if !run.plan.returns_rows && into.is_some() {
                    return Err(err!(SYNTAX_ERROR, "INTO used with a command that cannot return data").into());
                }
                self.query = Some(run);
                self.found_row = None;
                self.found_rows = 0;
            }
            let Some(q) = &mut self.query else { continue };
            let enough = into.is_some_and(|i| !i.strict)
                && q.plan.read_only
                && self.found_row.is_some()
                && Extra::TooManyRows.level(cx).is_none();
            let next = if enough { Next::End } else { with(q.next(cx), &context)? };
            match next {
                Next::Batch(b) => {
                    self.found_rows += b.rows as u64;
                    if self.found_row.is_none() {
                        self.found_row = Some(b);
                    }
                }
                Next::Stale => {
                    self.query = None;
                    self.forget(id);
                }
                Next::End => return self.sql_done(cx, id, into),
            }
        }
    }

    fn sql_done(&mut self, cx: &mut ExecContext, id: usize, into: Option<&Into>) -> Flow<Goto> {
        let Some(q) = &self.query else { return Ok(Goto::Next) };
        let (count, read_only, shape) = (q.count(), q.plan.read_only, shape_of_plan(&q.plan));
        match into {
            None => {
                self.row_count = count;
                self.set_found(count > 0);
            }
            Some(into) => {
                self.check_strict(cx, id, into, (self.found_rows, read_only))?;
                let found = self.found_row.is_some();
                match self.found_row.as_ref().map(|b| row_of(b, 0, &shape)) {
                    Some(row) => self.put_found(cx, into.target, row)?,
                    None => self.put_row(cx, into.target, nulls(&shape))?,
                }
                self.row_count = if read_only { u64::from(found) } else { count };
                self.set_found(found);
            }
        }
        self.query = None;
        self.found_row = None;
        Ok(Goto::Next)
    }

    /// Anything that is no query.
    fn sql_command(&mut self, cx: &mut ExecContext, id: usize, context: &str) -> Flow<Goto> {
        let body = self.body.clone();
        let expr = &body.exprs[id];
        if self.command.is_none() {
            if self.snapshot.is_some() {
                let tag = expr.stmt.tag();
                return Err(err!(FEATURE_NOT_SUPPORTED, "{tag} is not allowed in a non-volatile function").into());
            }
            if let Stmt::Transaction(_) = &*expr.stmt {
                return Err(Error::unsupported("unsupported transaction command in PL/pgSQL").into());
            }
            cx.backend()?.txn.next_command();
            let text: Arc<str> = expr.text.as_str().into();
            let (params, variables) = expr.named(cx, &body, &self.slots)?;
            let mut command = Command::new(text.clone(), text, expr.stmt.clone(), params);
            command.variables = variables;
            self.command = Some(Box::new(command));
        }
        let mut tag = String::new();
        if let Some(c) = &mut self.command {
            tag = with(command::run_nested(c, cx), context)?;
        }
        cx.backend()?.txn.next_command();
        self.command = None;
        self.row_count = rows_of(&tag);
        Ok(Goto::Next)
    }

    // ---- EXECUTE ----

    /// The text and the values of a dynamic query.
    fn dynamic(&mut self, cx: &mut ExecContext, text: usize, using: &[usize]) -> Flow<Dynamic> {
        let value = self.operand(cx, 0, text)?;
        let mut types = Vec::new();
        for (k, u) in using.iter().enumerate() {
            self.operand(cx, k + 1, *u)?;
            types.push(self.type_of(*u));
        }
        let params: Arc<[Value]> = self.values[1..].to_vec().into();
        let Value::Bytes(bytes) = value else {
            return Err(err!(NULL_VALUE_NOT_ALLOWED, "query string argument of EXECUTE is null").into());
        };
        let source: Arc<str> = String::from_utf8_lossy(&bytes).as_ref().into();
        let parsed = crate::sql::parse::parse(&source).map_err(|e| e.inside(&source))?;
        let statements = parsed.into_iter().map(|r| r.stmt).collect();
        Ok(Dynamic { source, statements, params, types, running: None, command: None })
    }

    /// The plan of a dynamic query's next statement.
    fn dynamic_run(&mut self, cx: &mut ExecContext, d: &Dynamic) -> Result<Box<QueryRun>> {
        let Some(stmt) = d.statements.front() else { return Err(Error::internal("an empty query")) };
        // It is planned for this once.
        let planned =
            query::plan(cx, stmt, &d.source, None, &Using(&d.types), &d.params).map_err(|e| match e.0.position {
                Some(_) => e.inside(&d.source),
                None => e.context(format!("SQL statement \"{}\"", d.source)),
            })?;
        Ok(Box::new(QueryRun::new(Arc::new(planned), d.params.clone(), self.snapshot.clone())))
    }

    pub(super) fn execute(
        &mut self,
        cx: &mut ExecContext,
        text: usize,
        using: &[usize],
        into: Option<&Into>,
    ) -> Flow<Goto> {
        if self.dynamic.is_none() {
            let d = self.dynamic(cx, text, using)?;
            self.dynamic = Some(Box::new(d));
            self.row_count = 0;
            self.found_row = None;
            self.found_rows = 0;
        }
        let mut d = match self.dynamic.take() {
            Some(d) => d,
            None => return Ok(Goto::Next),
        };
        let done = self.execute_all(cx, &mut d, into);
        if done.is_err() {
            self.dynamic = Some(d);
        }
        done
    }

    fn execute_all(&mut self, cx: &mut ExecContext, d: &mut Dynamic, into: Option<&Into>) -> Flow<Goto> {
        let context = format!("SQL statement \"{}\"", d.source);
        while let Some(stmt) = d.statements.front() {
            let last = d.statements.len() == 1;
            if let Stmt::Explain(_) = stmt {
                let e = Explained::dynamic(d, stmt.clone());
                let (shape, lines) = self.explain(cx, e)?;
                d.statements.pop_front();
                self.row_count = lines.rows as u64;
                if let (true, Some(into)) = (last, into) {
                    if into.strict && lines.rows > 1 {
                        let text = "query returned more than one row";
                        return Err(Error::new(SqlState::TOO_MANY_ROWS, text).into());
                    }
                    self.put_row(cx, into.target, row_of(&lines, 0, &shape))?;
                }
                continue;
            }
            if !stmt.is_optimizable() {
                let stmt = stmt.clone();
                let row = self.execute_command(cx, d, stmt, &context)?;
                d.statements.pop_front();
                if let (true, Some(into), Some((shape, row))) = (last, into, row) {
                    self.put_row(cx, into.target, row_of(&row, 0, &shape))?;
                    continue;
                }
                if last && into.is_some() {
                    return Err(err!(SYNTAX_ERROR, "INTO used with a command that cannot return data").into());
                }
                continue;
            }
            if d.running.is_none() {
                d.running = Some(self.dynamic_run(cx, d)?);
            }
            let Some(run) = &mut d.running else { continue };
            match with(run.next(cx), &context)? {
                Next::Batch(b) if last => {
                    self.found_rows += b.rows as u64;
                    if self.found_row.is_none() {
                        self.found_row = Some(b);
                    }
                }
                Next::Batch(_) => {}
                Next::Stale => d.running = None,
                Next::End => {
                    self.row_count = run.count();
                    let shape = shape_of_plan(&run.plan);
                    if last && let Some(into) = into {
                        if into.strict && self.found_rows != 1 {
                            return Err(self.strict_error(cx, self.found_rows, &d.params, &d.types)?.into());
                        }
                        match self.found_row.as_ref().map(|b| row_of(b, 0, &shape)) {
                            Some(row) => self.put_found(cx, into.target, row)?,
                            None => self.put_row(cx, into.target, nulls(&shape))?,
                        }
                    }
                    d.running = None;
                    d.statements.pop_front();
                }
            }
        }
        self.found_row = None;
        Ok(Goto::Next)
    }

    /// Returns the row of a procedure's OUT arguments, if it was a CALL that has one.
    fn execute_command(
        &mut self,
        cx: &mut ExecContext,
        d: &mut Dynamic,
        stmt: Stmt,
        context: &str,
    ) -> Flow<Option<OneRow>> {
        if d.command.is_none() {
            match &stmt {
                Stmt::Transaction(_) => {
                    return Err(Error::unsupported("EXECUTE of transaction commands is not implemented").into());
                }
                Stmt::Select(_) => {
                    return Err(Error::unsupported("EXECUTE of SELECT ... INTO is not implemented")
                        .hint("You might want to use EXECUTE ... INTO or EXECUTE CREATE TABLE ... AS instead.")
                        .into());
                }
                _ => {}
            }
            if self.snapshot.is_some() {
                let tag = stmt.tag();
                return Err(err!(FEATURE_NOT_SUPPORTED, "{tag} is not allowed in a non-volatile function").into());
            }
            cx.backend()?.txn.next_command();
            let mut command = Command::new(d.source.clone(), d.source.clone(), Arc::new(stmt), d.params.clone());
            command.param_types = d.types.clone();
            d.command = Some(Box::new(command));
        }
        let Some(c) = &mut d.command else { return Err(Error::internal("EXECUTE lost its command").into()) };
        let outcome = with(command::run_inside(c, cx), context)?;
        cx.backend()?.txn.next_command();
        d.command = None;
        Ok(match outcome {
            Outcome::Tag(tag) | Outcome::Text { tag, .. } => {
                self.row_count = rows_of(&tag);
                None
            }
            Outcome::Rows { columns, batch, .. } => {
                let (names, types) = columns.into_iter().unzip();
                Some((Arc::new(Shape { names, types }), batch))
            }
        })
    }

    // ---- loops ----

    /// A query to loop over, started.
    pub(super) fn open_query(
        &mut self,
        cx: &mut ExecContext,
        query: &Query,
        is_cursor: bool,
    ) -> Flow<(Box<QueryRun>, Option<String>)> {
        match query {
            Query::Static(id) => {
                let body = self.body.clone();
                let context = body.exprs[*id].context();
                if !is_cursor && is_barren(&body.exprs[*id].stmt) {
                    return Err(no_tuples(body.exprs[*id].stmt.tag(), &context).into());
                }
                Ok((self.start(cx, *id)?, Some(context)))
            }
            Query::Dynamic { text, using } => {
                let mut d = self.dynamic(cx, *text, using)?;
                if let (true, Some(Stmt::Select(s))) = (is_cursor, d.statements.front_mut()) {
                    s.of_cursor = true;
                }
                let context = format!("SQL statement \"{}\"", d.source);
                if d.statements.len() != 1 || d.statements.front().is_some_and(|s| !s.is_optimizable()) {
                    let tag = d.statements.front().map_or("multi-query plan", |s| s.tag());
                    if !is_cursor && d.statements.len() == 1 && d.statements.front().is_some_and(is_barren) {
                        return Err(no_tuples(tag, &context).into());
                    }
                    return Err(Error::new(
                        SqlState::INVALID_CURSOR_DEFINITION,
                        format!("cannot open {tag} query as cursor"),
                    )
                    .into());
                }
                Ok((self.dynamic_run(cx, &d)?, Some(context)))
            }
        }
    }

    /// EXPLAIN as a query: the statement of it, its text and the values of its parameters.
    fn explain_of(&mut self, cx: &mut ExecContext, query: &Query) -> Flow<Option<Explained>> {
        match query {
            Query::Static(id) => {
                let body = self.body.clone();
                let e = &body.exprs[*id];
                if !matches!(&*e.stmt, Stmt::Explain(_)) {
                    return Ok(None);
                }
                let (params, variables) = e.named(cx, &body, &self.slots)?;
                let (source, stmt, types) = (e.source.clone(), e.stmt.clone(), Vec::new());
                Ok(Some(Explained { source, stmt, params, types, variables }))
            }
            Query::Dynamic { text, using } => {
                let mut d = self.dynamic(cx, *text, using)?;
                match (d.statements.pop_front(), d.statements.is_empty()) {
                    (Some(stmt @ Stmt::Explain(_)), true) => Ok(Some(Explained::dynamic(&d, stmt))),
                    _ => Ok(None),
                }
            }
        }
    }

    /// The lines of an EXPLAIN.
    fn explain(&mut self, cx: &mut ExecContext, e: Explained) -> Flow<(Arc<Shape>, Batch)> {
        let context = format!("SQL statement \"{}\"", e.source);
        if self.command.is_none() {
            let mut command = Command::new(e.source.clone(), e.source, e.stmt, e.params);
            (command.param_types, command.variables) = (e.types, e.variables);
            self.command = Some(Box::new(command));
        }
        let Some(c) = &mut self.command else { return Err(Error::internal("no EXPLAIN").into()) };
        let ((name, ty), lines) = with(command::explained(c, cx), &context)?;
        self.command = None;
        let mut column = Column::new(crate::types::Phys::Bytes);
        lines.iter().for_each(|l| column.push(crate::types::Datum::Bytes(l.as_bytes())));
        let shape = Arc::new(Shape { names: vec![name], types: vec![ty] });
        Ok((shape, Batch { columns: vec![column], rows: lines.len() }))
    }

    pub(super) fn for_query(&mut self, cx: &mut ExecContext, place: usize, query: &Query) -> Flow<Goto> {
        if let Some(e) = self.explain_of(cx, query)? {
            let (shape, lines) = self.explain(cx, e)?;
            let mut rows = RowLoop::new(Source::Over(None), shape, None);
            rows.ahead.push_back(lines);
            self.loops[place] = Some(Loop::Rows(rows));
            return Ok(Goto::Next);
        }
        let (run, context) = self.open_query(cx, query, true)?;
        if !run.plan.returns_rows {
            let tag = run.plan.tag;
            let e = Error::new(SqlState::INVALID_CURSOR_DEFINITION, format!("cannot open {tag} query as cursor"));
            return Err(e.into());
        }
        let shape = shape_of_plan(&run.plan);
        // Rows are fetched from a portal, which tells no statement; one row of constants was already computed by the
        // planner, which does. PostgreSQL 15, spi.c, SPI_cursor_fetch.
        let folded = matches!(run.plan.plan.node, PlanNode::Result { input: None, .. });
        self.loops[place] = Some(Loop::Rows(RowLoop::new(Source::Run(run), shape, context.filter(|_| folded))));
        Ok(Goto::Next)
    }

    pub(super) fn for_cursor(
        &mut self,
        cx: &mut ExecContext,
        place: usize,
        var: usize,
        args: &[(usize, usize)],
    ) -> Flow<Goto> {
        let unnamed = self.slots[var].scalar().is_null().then_some(var);
        let name = self.open_bound(cx, var, args)?;
        let shape = cx
            .routines
            .cursors
            .get(&name)
            .map(|c| shape_of_plan(c.plan()))
            .unwrap_or_else(|| Arc::new(Shape { names: Vec::new(), types: Vec::new() }));
        let source = Source::Cursor(name, unnamed);
        self.loops[place] = Some(Loop::Rows(RowLoop::new(source, shape, None)));
        Ok(Goto::Next)
    }

    pub(super) fn for_row(&mut self, cx: &mut ExecContext, place: usize, target: usize, to: usize) -> Flow<Goto> {
        // The loop is taken out while it is worked on, and put back whatever happens.
        let Some(Loop::Rows(mut rows)) = self.loops[place].take() else {
            return Err(Error::internal("a loop that did not begin").into());
        };
        let done = self.next_row(cx, &mut rows, target);
        match done {
            Ok(true) => {
                rows.found = true;
                self.loops[place] = Some(Loop::Rows(rows));
                Ok(Goto::Next)
            }
            Ok(false) => {
                if !rows.found {
                    self.put_row(cx, target, nulls(&rows.shape))?;
                }
                self.close_loop(cx, &rows.source);
                self.set_found(rows.found);
                Ok(Goto::To(to))
            }
            Err(stop) => {
                self.loops[place] = Some(Loop::Rows(rows));
                Err(stop)
            }
        }
    }

    fn next_row(&mut self, cx: &mut ExecContext, rows: &mut RowLoop, target: usize) -> Flow<bool> {
        loop {
            if let Some((batch, at)) = &mut rows.batch {
                if *at < batch.rows {
                    let row = row_of(batch, *at, &rows.shape);
                    self.put_found(cx, target, row)?;
                    *at += 1;
                    return Ok(true);
                }
                rows.batch = None;
            }
            let next = match &mut rows.source {
                _ if !rows.ahead.is_empty() => rows.ahead.pop_front(),
                Source::Over(_) => None,
                Source::Cursor(name, _) => {
                    let name = name.clone();
                    let Some(mut c) = cx.routines.cursors.remove(&name) else {
                        return Err(super::cursor::missing(&name).into());
                    };
                    let row = c.forward(cx, &name);
                    cx.routines.cursors.insert(name, c);
                    row?
                }
                Source::Run(run) => {
                    let next = match &rows.context {
                        Some(context) => with(run.next(cx), context)?,
                        None => run.next(cx)?,
                    };
                    match next {
                        Next::Batch(b) => Some(b),
                        Next::End => None,
                        Next::Stale => {
                            let text = "a relation changed while a loop over it began";
                            return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").into());
                        }
                    }
                }
            };
            match next {
                Some(b) => rows.batch = Some((b, 0)),
                None => return Ok(false),
            }
        }
    }

    /// A loop's cursor goes, and its variable has no name again if it had none.
    fn close_loop(&mut self, cx: &mut ExecContext, source: &Source) {
        if let Source::Cursor(name, _) = source {
            cx.routines.cursors.remove(name);
        }
        if let Source::Cursor(_, Some(var)) | Source::Over(Some(var)) = source {
            self.slots[*var] = Slot::Scalar(Value::Null);
        }
    }

    /// A loop is left by EXIT.
    pub(super) fn for_end(&mut self, cx: &mut ExecContext, place: usize, closes: bool) -> Flow<Goto> {
        let found = match self.loops[place].take() {
            Some(Loop::Rows(r)) => {
                if closes {
                    self.close_loop(cx, &r.source);
                }
                r.found
            }
            Some(Loop::Int { found, .. } | Loop::Array { found, .. }) => found,
            None => false,
        };
        self.set_found(found);
        Ok(Goto::Next)
    }

    /// The transaction is about to end: what loops have not read yet must be there afterwards.
    fn store_loops(&mut self, cx: &mut ExecContext) -> Flow<()> {
        for n in 0..self.loops.len() {
            if let Some(Loop::Rows(rows)) = &mut self.loops[n] {
                store(cx, rows)?;
            }
        }
        Ok(())
    }

    // ---- RETURN QUERY ----

    pub(super) fn return_query(&mut self, cx: &mut ExecContext, query: &Query) -> Flow<Goto> {
        if self.query.is_none() {
            let (run, _) = self.open_query(cx, query, false)?;
            let context = match query {
                Query::Static(id) => self.body.clone().exprs[*id].context(),
                Query::Dynamic { .. } => format!("SQL statement \"{}\"", text_of(&self.values)),
            };
            if !run.plan.returns_rows {
                return Err(no_tuples(run.plan.tag, &context).into());
            }
            self.check_set(cx, &run).map_err(|e| e.context(context))?;
            self.query = Some(run);
            self.values.clear();
        }
        let context = match query {
            Query::Static(id) => self.body.clone().exprs[*id].context(),
            Query::Dynamic { .. } => String::new(),
        };
        loop {
            if self.found_row.is_none() {
                let Some(q) = &mut self.query else { return Ok(Goto::Next) };
                match with(q.next(cx), &context)? {
                    Next::Batch(b) => self.found_row = Some(b),
                    Next::Stale => {
                        let text = "a relation changed while RETURN QUERY began";
                        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").into());
                    }
                    Next::End => {
                        self.row_count = q.count();
                        self.query = None;
                        self.set_found(self.row_count > 0);
                        return Ok(Goto::Next);
                    }
                }
            }
            self.give_batch(cx)?;
            self.found_row = None;
        }
    }

    /// The columns of a query must be those of the set.
    fn check_set(&self, cx: &ExecContext, run: &QueryRun) -> Result<()> {
        let Some(wanted) = self.set_columns() else { return Ok(()) };
        let found: Vec<TypeRef> = run.plan.plan.columns.iter().map(|c| c.ty).collect();
        let what = "structure of query does not match function result type";
        if self.whole_row(&found) {
            return Ok(());
        }
        if found.len() != wanted.len() {
            let (n, m) = (found.len(), wanted.len());
            return Err(err!(DATATYPE_MISMATCH, "{what}")
                .detail(format!("Number of returned columns ({n}) does not match expected column count ({m}).")));
        }
        for (n, (a, b)) in found.iter().zip(wanted).enumerate() {
            if a.oid != b.oid && crate::types::base_type(b.oid) != a.oid {
                let shown = |t: &TypeRef| crate::types::format_type_plain(t.oid, &*cx.fx.io.hooks);
                return Err(err!(DATATYPE_MISMATCH, "{what}").detail(format!(
                    "Returned type {} does not match expected type {} in column {}.",
                    shown(a),
                    shown(b),
                    n + 1
                )));
            }
        }
        Ok(())
    }

    /// A query's one column is the row of the set itself.
    fn whole_row(&self, found: &[TypeRef]) -> bool {
        use crate::sql::routine::returns::Returns;
        matches!((&self.returns, found), (Returns::Row { ty, .. }, [one]) if one.oid == ty.oid && ty.oid != oid::RECORD)
    }

    fn give_batch(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some(batch) = self.found_row.clone() else { return Ok(()) };
        let Some(q) = &self.query else { return Ok(()) };
        let shape = shape_of_plan(&q.plan);
        if self.whole_row(&shape.types)
            && let Some(wanted) = self.set_columns().map(<[_]>::to_vec)
        {
            let columns = crate::sql::routine::returns::unpack(&batch.columns[0], &wanted);
            let batch = Batch { columns, rows: batch.rows };
            return Ok(self.give(cx, &batch, None, &wanted)?);
        }
        Ok(self.give(cx, &batch, Some(shape.names.clone()), &shape.types)?)
    }

    // ---- CALL, COMMIT ----

    pub(super) fn call(&mut self, cx: &mut ExecContext, id: usize) -> Flow<Goto> {
        let body = self.body.clone();
        let expr = &body.exprs[id];
        let Stmt::Call(stmt) = &*expr.stmt else {
            return self.sql_command(cx, id, &expr.context());
        };
        if self.calling.is_none() {
            if self.snapshot.is_some() {
                return Err(err!(FEATURE_NOT_SUPPORTED, "CALL is not allowed in a non-volatile function").into());
            }
            let mut run = expr.procedure(cx, &body, &self.slots, stmt)?;
            let def = run.def();
            for (n, parts) in def.outputs(stmt).into_iter().enumerate() {
                self.output(expr.scope, parts.as_deref()).map_err(|e| e.unwrap_or_else(|| not_writable(def, n)))?;
            }
            run.transactions = self.transactions && self.guards.is_empty();
            // Its arguments see what is there now.
            cx.run.snapshot = None;
            self.calling = Some(Box::new(run));
        }
        let Some(run) = &mut self.calling else { return Ok(Goto::Next) };
        cx.params = Arc::from(Vec::new());
        let value = with(run.step(cx), &expr.context())?;
        let def = run.def();
        let outs = def.outputs(stmt);
        self.calling = None;
        if let Value::Bytes(b) = &value
            && !outs.is_empty()
        {
            let r = crate::types::record::Record::new(b);
            for (n, parts) in outs.into_iter().enumerate() {
                let target = self.output(expr.scope, parts.as_deref());
                let target = target.map_err(|e| e.unwrap_or_else(|| not_writable(def, n)))?;
                let ty = r.columns.get(n).map_or(oid::UNKNOWN, |c| c.typ);
                self.put(cx, &target, r.field(n).to_value(), TypeRef::of(ty))?;
            }
        }
        Ok(Goto::Next)
    }

    /// The variable that takes an output of CALL; an error where it is constant, nothing where it is none.
    fn output(&self, scope: usize, parts: Option<&[String]>) -> std::result::Result<Target, Option<Error>> {
        let names: Vec<&str> = parts.ok_or(None)?.iter().map(String::as_str).collect();
        let (var, used) = super::parse::lookup(&self.body, scope, &names).ok_or(None)?;
        let known = &self.body.vars[var];
        if known.constant {
            return Err(Some(err!(ERROR_IN_ASSIGNMENT, "variable \"{}\" is declared CONSTANT", known.name)));
        }
        Ok(match names.get(used) {
            Some(field) => Target::Field { record: var, field: (*field).to_owned() },
            None => Target::Var(var),
        })
    }

    pub(super) fn end_transaction(&mut self, cx: &mut ExecContext, commit: bool, chain: bool) -> Flow<Goto> {
        if self.ending {
            // The session has done it.
            self.ending = false;
            return Ok(Goto::Next);
        }
        if !self.transactions {
            return Err(err!(INVALID_TRANSACTION_TERMINATION, "invalid transaction termination").into());
        }
        if !self.guards.is_empty() {
            let word = if commit { "commit" } else { "roll back" };
            return Err(err!(INVALID_TRANSACTION_TERMINATION, "cannot {word} while a subtransaction is active").into());
        }
        self.store_loops(cx)?;
        self.ending = true;
        Stop::wait(Wait::EndTransaction { commit, chain })
    }
}

/// CALL's n-th output has nowhere to go.
fn not_writable(def: &crate::sql::func::FuncDef, n: usize) -> Error {
    let outputs = def.fact.modes.bytes().enumerate().filter(|(_, m)| matches!(m, b'o' | b'b')).map(|(at, _)| at);
    let at = outputs.into_iter().nth(n).unwrap_or(n);
    let shown = match def.fact.names.get(at) {
        Some(name) if !name.is_empty() => format!("\"{name}\""),
        _ => (at + 1).to_string(),
    };
    err!(SYNTAX_ERROR, "procedure parameter {shown} is an output parameter but corresponding argument is not writable")
}

/// The text an EXECUTE is running: its first operand.
pub(super) fn text_of(values: &[Value]) -> String {
    match values.first() {
        Some(Value::Bytes(b)) => String::from_utf8_lossy(b).into_owned(),
        _ => String::new(),
    }
}

/// Fetches what a loop has not read yet. PostgreSQL 15, portalmem.c, HoldPinnedPortals: same refusal.
fn store(cx: &mut ExecContext, rows: &mut RowLoop) -> Flow<()> {
    let plan = match &rows.source {
        Source::Over(_) => return Ok(()),
        Source::Run(run) => run.plan.clone(),
        Source::Cursor(name, _) => match cx.routines.cursors.get(name) {
            Some(c) => c.plan().clone(),
            None => return Ok(()),
        },
    };
    if plan.tag != "SELECT" {
        let text = "cannot perform transaction commands inside a cursor loop that is not read-only";
        return Err(err!(INVALID_TRANSACTION_TERMINATION, "{text}").into());
    }
    match &mut rows.source {
        Source::Over(_) => {}
        Source::Run(run) => {
            while let Next::Batch(b) = run.next(cx)? {
                rows.ahead.push_back(b);
            }
            rows.source = Source::Over(None);
        }
        Source::Cursor(name, unnamed) => {
            let (name, unnamed) = (name.clone(), *unnamed);
            while let Some(mut c) = cx.routines.cursors.remove(&name) {
                let row = c.forward(cx, &name);
                cx.routines.cursors.insert(name.clone(), c);
                match row? {
                    Some(b) => rows.ahead.push_back(b),
                    None => break,
                }
            }
            rows.source = Source::Over(unnamed);
        }
    }
    Ok(())
}
