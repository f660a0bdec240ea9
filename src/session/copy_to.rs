//! COPY TO: the rows of a table or query, to the client, a file or a program.

use super::client::Client;
use super::copy::{check_columns, check_forced};
use super::job::{Done, Work, is_full};
use super::program::Program;
use super::server_file;
use super::state::Session;
use super::statement::Statement;
use crate::base::charset::Charset;
use crate::base::{Error, Flow, Result, Stop, Wait};
use crate::err;
use crate::sql::ast::{CopySource, CopyStmt, CopyTarget, RawStmt, SelectBody, Stmt};
use crate::sql::copy::{CopyFormat, CopyOptions, binary, csv, text};
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::plan::PlannedStatement;
use crate::stat::Task;
use crate::types::name::quote_identifier;
use crate::types::{self, Batch};
use crate::wire::{Output, RowColumn};
use parking_lot::Mutex;
use std::borrow::Cow;
use std::sync::Arc;

/// A program is given this much at once.
const PIECE: usize = 64 * 1024;

/// PostgreSQL 15, copyto.c, BeginCopyTo: what makes a table gives no rows.
fn check_into(query: &Stmt) -> Result<()> {
    let Stmt::Select(select) = query else { return Ok(()) };
    match &select.body {
        SelectBody::Select(core) if core.into.is_some() => {
            Err(Error::unsupported("COPY (SELECT INTO) is not supported"))
        }
        _ => Ok(()),
    }
}

impl Session {
    pub(super) async fn copy_to(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        stmt: &CopyStmt,
        options: CopyOptions,
    ) -> Result<String> {
        let (source, raw): (Arc<str>, RawStmt) = match &stmt.source {
            CopySource::Query(query) => {
                check_into(query)?;
                check_rules(self.cx(), query)?;
                check_query(query)?;
                let raw = RawStmt { stmt: (**query).clone(), start: 0, len: statement.source.len() as u32 };
                (statement.source.clone(), raw)
            }
            CopySource::Table { table, columns } => {
                let relation = crate::sql::command::find_relation(self.cx(), table)?
                    .ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", table.joined()))?;
                if relation.kind == crate::catalog::RelKind::View {
                    return Err(err!(WRONG_OBJECT_TYPE, "cannot copy from view \"{}\"", relation.name)
                        .hint("Try the COPY (SELECT ...) TO variant."));
                }
                if relation.is_partitioned() {
                    return Err(err!(WRONG_OBJECT_TYPE, "cannot copy from partitioned table \"{}\"", relation.name)
                        .hint("Try the COPY (SELECT ...) TO variant."));
                }
                let names: Vec<String> = match columns.is_empty() {
                    true => {
                        relation.visible_attributes().filter(|a| a.generated == 0).map(|a| a.name.clone()).collect()
                    }
                    false => columns.iter().map(|c| c.name.clone()).collect(),
                };
                check_columns(&relation, &names)?;
                check_forced(&relation, &names, &options)?;
                let list: Vec<String> = names.iter().map(|n| quote_identifier(n)).collect();
                let name = format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(&relation.name));
                let text: Arc<str> = format!("select {} from only {name}", list.join(", ")).into();
                let raw = crate::sql::parse::parse(&text)?.pop().ok_or_else(|| Error::internal("COPY's SELECT"))?;
                (text, raw)
            }
        };
        let query = Arc::new(Statement::immediate(source, raw, Vec::new()));
        let plan = self.lock_and_plan(client, &query, &mut None, &[]).await?;
        let columns = super::statement::row_columns(&plan, &[]);
        if matches!(stmt.target, CopyTarget::Std) {
            client.out.copy_out(options.format == CopyFormat::Binary, columns.len());
        }
        let whole = match &stmt.source {
            CopySource::Table { table, .. } => crate::sql::command::find_relation(self.cx(), table)?.map(|r| r.oid),
            CopySource::Query(_) => None,
        };
        self.begin_copy(whole.unwrap_or_default(), 2, &stmt.target);
        let mut program = None;
        let target = match &stmt.target {
            CopyTarget::Std => Target::Client,
            CopyTarget::File(path) => {
                let disk = self.backend().instance.storage.disk.clone();
                Target::File(server_file::Target::open(&*disk, path)?)
            }
            CopyTarget::Program(command) => {
                let waiting = Waiting::default();
                let started = Program::write_to(command, self.handle.clone(), self.limits())?;
                program = Some((started, waiting.clone()));
                Target::Program(waiting)
            }
        };
        let charset = options.charset(self.cx().fx.io.charset);
        let (node, batch) = (None, None);
        let work =
            CopyOutWork { bytes: 0, plan, columns, options, node, batch, rows: 0, started: false, target, charset };
        match program {
            Some((program, waiting)) => self.feed_program(client, Box::new(work), program, &waiting).await,
            None => match self.drive(client, Box::new(work)).await.0? {
                Done::Complete(tag) => Ok(tag),
                Done::Suspended => Err(Error::internal("COPY was suspended")),
            },
        }
    }

    /// Makes rows and gives them to the program, in turn.
    async fn feed_program(
        &mut self,
        client: &mut Client,
        mut work: Box<dyn Work>,
        mut program: Program,
        waiting: &Waiting,
    ) -> Result<String> {
        loop {
            let (done, back) = self.drive(client, work).await;
            let bytes = std::mem::take(&mut *waiting.lock());
            let written = match done {
                Ok(Done::Complete(tag)) => return program.end_with(&bytes).await.map(|()| tag),
                Ok(Done::Suspended) => program.write(&bytes).await,
                Err(e) => Err(e),
            };
            work = match (written, back) {
                (Ok(()), Some(back)) => back,
                (Ok(()), None) => return Err(Error::internal("COPY has lost its work")),
                (Err(e), _) => return Err(program.give_up(e).await),
            };
        }
    }
}

/// What rules make of a query must be one that can be copied. PostgreSQL 15, copyto.c, BeginCopyTo: same refusals.
///
/// # Errors
/// 0A000.
fn check_rules(cx: &mut ExecContext, query: &Stmt) -> Result<()> {
    let (table, event) = match query {
        Stmt::Insert(s) => (&s.table, '3'),
        Stmt::Update(s) => (&s.table, '2'),
        Stmt::Delete(s) => (&s.table, '4'),
        _ => return Ok(()),
    };
    let Some(relation) = crate::sql::command::find_relation(cx, table)? else { return Ok(()) };
    let record = cx.backend()?.catalog.class(relation.oid);
    let Some(c) = record.as_ref().and_then(|r| r.object.as_class().ok()) else { return Ok(()) };
    let refuse = |what: &str| Err(Error::unsupported(format!("{what} rules are not supported for COPY")));
    let of_event = c.rules.iter().filter(|r| r.event == event && r.enabled != 'D');
    let (mut queries, mut replaced, mut only, mut odd) = (0, false, None, None);
    for rule in of_event {
        replaced |= rule.instead && rule.condition.is_none();
        for action in &rule.actions {
            queries += 1;
            only = Some(action);
            odd = odd.or(match (rule.instead, &rule.condition) {
                (false, _) => Some("DO ALSO"),
                (true, Some(_)) => Some("conditional DO INSTEAD"),
                (true, None) => None,
            });
        }
    }
    queries += usize::from(!replaced);
    match queries {
        0 => return refuse("DO INSTEAD NOTHING"),
        1 => {}
        _ => return refuse(odd.unwrap_or("multi-statement DO INSTEAD")),
    }
    let made = only.filter(|_| replaced).map(|text| crate::sql::parse::parse(text)).transpose()?;
    let utility = made.as_ref().and_then(|m| m.first()).is_some_and(|raw| matches!(raw.stmt, Stmt::Notify { .. }));
    match utility {
        true => Err(Error::unsupported("COPY query must not be a utility command")),
        false => Ok(()),
    }
}

/// A query that gives no rows cannot be copied.
///
/// # Errors
/// 0A000.
fn check_query(query: &Stmt) -> Result<()> {
    let returning = match query {
        Stmt::Insert(s) => &s.returning,
        Stmt::Update(s) => &s.returning,
        Stmt::Delete(s) => &s.returning,
        Stmt::Merge(_) => return Err(Error::unsupported("MERGE not supported in COPY")),
        _ => return Ok(()),
    };
    match returning.is_empty() {
        true => Err(Error::unsupported("COPY query must have a RETURNING clause")),
        false => Ok(()),
    }
}

/// What a program has not been given yet.
type Waiting = Arc<Mutex<Vec<u8>>>;

/// Where rows go.
enum Target {
    Client,
    File(server_file::Target),
    /// The session gives it what waits here whenever the work is suspended.
    Program(Waiting),
}

/// Sends a query's rows as CopyData, or into a file or program.
struct CopyOutWork {
    /// Made so far.
    bytes: u64,
    plan: Arc<PlannedStatement>,
    columns: Vec<RowColumn>,
    options: CopyOptions,
    node: Option<Box<dyn Node>>,
    batch: Option<(Batch, usize)>,
    rows: u64,
    started: bool,
    target: Target,
    /// What the texts are in there, where that is not UTF-8.
    charset: Option<&'static Charset>,
}

impl CopyOutWork {
    fn put(&mut self, out: &mut Output, bytes: &[u8]) -> Result<()> {
        let bytes = match self.charset {
            None => Cow::Borrowed(bytes),
            Some(charset) => charset.encode(bytes)?,
        };
        self.bytes += bytes.len() as u64;
        match &mut self.target {
            Target::Client => out.copy_data(|b| b.extend_from_slice(&bytes)),
            Target::File(file) => file.put(&bytes)?,
            Target::Program(waiting) => waiting.lock().extend_from_slice(&bytes),
        }
        Ok(())
    }

    /// Whether what is made must leave before more is made.
    ///
    /// # Errors
    /// The wait for the client.
    fn must_leave(&self, out: &Output) -> Flow<bool> {
        match &self.target {
            Target::Client if is_full(out) => Stop::wait(Wait::Output),
            Target::Program(waiting) => Ok(waiting.lock().len() >= PIECE),
            Target::Client | Target::File(_) => Ok(false),
        }
    }

    fn begin(&mut self, out: &mut Output) -> Result<()> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        if self.options.header && self.options.format != CopyFormat::Binary {
            let names: Vec<String> = self.columns.iter().map(|c| c.name.clone()).collect();
            let mut line = Vec::new();
            for (n, name) in names.iter().enumerate() {
                if n > 0 {
                    line.push(self.options.delimiter);
                }
                match self.options.format {
                    CopyFormat::Csv => csv::write(name.as_bytes(), &self.options, false, names.len() == 1, &mut line),
                    _ => text::escape(name.as_bytes(), self.options.delimiter, &mut line),
                }
            }
            line.push(b'\n');
            self.put(out, &line)?;
        }
        Ok(())
    }

    /// The header of the binary format; clients want it in one message with what comes first.
    fn head(&self) -> Vec<u8> {
        if self.options.format == CopyFormat::Binary && self.rows == 0 { binary::header().to_vec() } else { Vec::new() }
    }

    fn row(&self, batch: &Batch, row: usize, io: &types::IoContext, scratch: &mut Vec<u8>) -> Result<Vec<u8>> {
        let mut line = self.head();
        if self.options.format == CopyFormat::Binary {
            line.extend_from_slice(&(self.columns.len() as i16).to_be_bytes());
        }
        for (n, (column, shape)) in batch.columns.iter().zip(&self.columns).enumerate() {
            let value = column.get(row);
            scratch.clear();
            if self.options.format == CopyFormat::Binary {
                if value.is_null() {
                    line.extend_from_slice(&(-1i32).to_be_bytes());
                    continue;
                }
                types::binary_out(shape.ty, value, scratch, io)?;
                line.extend_from_slice(&(scratch.len() as i32).to_be_bytes());
                line.extend_from_slice(scratch);
                continue;
            }
            if n > 0 {
                line.push(self.options.delimiter);
            }
            if value.is_null() {
                line.extend_from_slice(&self.options.null);
                continue;
            }
            types::text_out(shape.ty, value, scratch, io)?;
            match self.options.format {
                CopyFormat::Csv => {
                    let force = self.options.force_quote_all || self.options.force_quote.contains(&shape.name);
                    csv::write(scratch, &self.options, force, self.columns.len() == 1, &mut line);
                }
                _ => text::escape(scratch, self.options.delimiter, &mut line),
            }
        }
        if self.options.format != CopyFormat::Binary {
            line.push(b'\n');
        }
        Ok(line)
    }

    fn finish(&mut self, out: &mut Output) -> Result<()> {
        if self.options.format == CopyFormat::Binary {
            let mut end = self.head();
            end.extend_from_slice(&(-1i16).to_be_bytes());
            self.put(out, &end)?;
        }
        match &mut self.target {
            Target::Client => out.copy_done(),
            Target::File(file) => file.flush()?,
            Target::Program(_) => {}
        }
        Ok(())
    }
}

impl Work for CopyOutWork {
    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        if self.node.is_none() {
            cx.params = Arc::from([]);
            self.node = Some(exec::start(&self.plan, cx)?);
        }
        self.begin(out)?;
        let mut scratch = Vec::new();
        loop {
            if let Some((batch, from)) = self.batch.take() {
                for row in from..batch.rows {
                    match self.must_leave(out) {
                        Ok(false) => {}
                        full => {
                            self.batch = Some((batch, row));
                            return full.map(|_| Done::Suspended);
                        }
                    }
                    let line = self.row(&batch, row, &cx.fx.io, &mut scratch)?;
                    self.put(out, &line)?;
                    self.rows += 1;
                }
            }
            let Some(node) = &mut self.node else { return Err(Error::internal("COPY without a node").into()) };
            let next = node.next(cx)?;
            cx.backend()?.activity.progress(Task::Copy, &[(0, self.bytes as i64), (2, self.rows as i64)]);
            match next {
                Some(batch) => self.batch = Some((batch, 0)),
                None => {
                    self.finish(out)?;
                    return Ok(Done::Complete(format!("COPY {}", self.rows)));
                }
            }
        }
    }
}
