//! COPY: who may, and COPY FROM: rows from the client, a file or a program into a table.

use super::client::Client;
use super::copy_filter::{self, Filter, Sifting};
use super::job::{Done, Work};
use super::program::Program;
use super::server_file;
use super::state::Session;
use super::statement::Statement;
use crate::base::charset::Charset;
use crate::base::interrupt::Cause;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Relation;
use crate::err;
use crate::sql::ast::{CopySource, CopyStmt, CopyTarget, Stmt};
use crate::sql::bind::{Names, RowSecurity};
use crate::sql::command::is_member;
use crate::sql::copy::binary::BinaryReader;
use crate::sql::copy::csv::CsvReader;
use crate::sql::copy::text::TextReader;
use crate::sql::copy::{CopyFormat, CopyOptions, Fields, RowReader};
use crate::sql::exec::{self, ExecContext, Node, after_row};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{Plan, PlanColumn, PlanNode, PlannedStatement};
use crate::stat::Task;
use crate::types::name::quote_identifier;
use crate::types::{self, Batch, Column, Datum, TypeRef, oid};
use crate::wire::{Frontend, Output};
use parking_lot::Mutex;
use std::sync::Arc;

/// Rows handed to the INSERT together.
const BATCH: usize = 1000;
/// Input is shown up to this many bytes.
const SHOWN: usize = 100;

impl Session {
    /// COPY in any direction. Returns the command tag.
    pub(super) async fn copy(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        stmt: &CopyStmt,
    ) -> Result<String> {
        self.check_target(stmt)?;
        let options = CopyOptions::parse(&stmt.options, stmt.is_from, &statement.source)?;
        match stmt.is_from {
            true => self.copy_from(client, statement, stmt, options).await,
            false => self.copy_to(client, statement, stmt, options).await,
        }
    }

    /// PostgreSQL 15, copy.c, DoCopy: who may read and write what the server's own user may.
    fn check_target(&mut self, stmt: &CopyStmt) -> Result<()> {
        let (role, does) = match (&stmt.target, stmt.is_from) {
            (CopyTarget::Std, _) => return Ok(()),
            (CopyTarget::Program(_), _) => ("pg_execute_server_program", "to or from an external program"),
            (CopyTarget::File(_), true) => ("pg_read_server_files", "from a file"),
            (CopyTarget::File(_), false) => ("pg_write_server_files", "to a file"),
        };
        let backend = self.backend();
        if !backend.user.is_superuser && !is_member(backend, role) {
            return Err(err!(
                INSUFFICIENT_PRIVILEGE,
                "must be superuser or have privileges of the {role} role to COPY {does}"
            )
            .hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."));
        }
        match &stmt.target {
            CopyTarget::File(path) if !path.starts_with('/') && !stmt.is_from => {
                Err(err!(INVALID_NAME, "relative path not allowed for COPY to file"))
            }
            _ => Ok(()),
        }
    }

    async fn copy_from(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        stmt: &CopyStmt,
        options: CopyOptions,
    ) -> Result<String> {
        let CopySource::Table { table, columns } = &stmt.source else {
            return Err(err!(SYNTAX_ERROR, "COPY FROM needs a table"));
        };
        let relation = crate::sql::command::find_relation(self.cx(), table)?
            .ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", table.joined()))?;
        if relation.persistence != crate::catalog::Persistence::Temp {
            self.backend().prevent_if_read_only("COPY FROM")?;
        }
        let instead = relation.has_instead_of("INSERT");
        if relation.kind == crate::catalog::RelKind::View && !instead {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot copy to view \"{}\"", relation.name)
                .hint("To enable copying to a view, provide an INSTEAD OF INSERT trigger."));
        }
        if options.freeze && relation.is_partitioned() {
            return Err(Error::unsupported("cannot perform COPY FREEZE on a partitioned table"));
        }
        if relation.row_security {
            let catalog = self.backend().catalog.clone();
            if let RowSecurity::For(_) = Names::row_security(&*catalog, &relation, None)? {
                return Err(Error::unsupported("COPY FROM not supported with row-level security")
                    .hint("Use INSERT statements instead."));
            }
        }
        let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
        let mut copy = CopyIn::new(&relation, &names, options)?;
        copy.charset = copy.options.charset(self.cx().fx.io.charset);
        let mut plan = self.insert_plan(client, &relation, &copy).await?;
        if let Some(condition) = &stmt.filter {
            let condition = copy_filter::bind(self.cx(), &statement.source, condition, &relation)?;
            copy.filter = Some(Filter::split(&mut plan, condition)?);
        }
        copy.plan = Some(Arc::new(plan));
        self.begin_copy(relation.oid, 1, &stmt.target);
        copy.one_by_one =
            instead || after_row::of_relation(self.cx(), &relation)?.fire_before(exec::ChangeKind::Insert);
        match &stmt.target {
            CopyTarget::File(path) => self.read_file(client, &mut copy, path).await?,
            CopyTarget::Program(command) => self.read_program(client, &mut copy, command).await?,
            CopyTarget::Std => self.receive(client, &mut copy).await?,
        }
        self.insert_rows(client, &mut copy).await?;
        let after = AfterWork(copy.after.clone());
        self.drive(client, Box::new(after)).await.0?;
        Ok(format!("COPY {}", copy.done))
    }

    pub(super) fn begin_copy(&mut self, relation: Oid, command: i64, target: &CopyTarget) {
        let activity = &self.backend().activity;
        activity.begin_task(Task::Copy, relation);
        let kind = match target {
            CopyTarget::File(_) => 1,
            CopyTarget::Program(_) => 2,
            CopyTarget::Std => 3,
        };
        activity.progress(Task::Copy, &[(4, command), (5, kind)]);
    }

    async fn read_file(&mut self, client: &mut Client, copy: &mut CopyIn, path: &str) -> Result<()> {
        let disk = self.backend().instance.storage.disk.clone();
        let mut source = server_file::Source::open(&*disk, path)?;
        loop {
            let bytes = source.piece()?;
            self.take_piece(client, copy, &bytes).await?;
            if bytes.is_empty() || copy.reader.has_ended() {
                return Ok(());
            }
        }
    }

    async fn read_program(&mut self, client: &mut Client, copy: &mut CopyIn, command: &str) -> Result<()> {
        let limits = self.limits();
        let mut program = Program::read_from(command, self.handle.clone(), limits)?;
        loop {
            let taken = match program.piece().await {
                Ok(bytes) => self.take_piece(client, copy, &bytes).await.map(|()| bytes.is_empty()),
                Err(e) => Err(e),
            };
            match taken {
                Ok(at_end) if at_end || copy.reader.has_ended() => break,
                Ok(_) => {}
                Err(e) => return Err(program.give_up(e).await),
            }
        }
        // The rows' own failure comes before the program's.
        match self.insert_rows(client, copy).await {
            Ok(()) => program.finish().await,
            Err(e) => Err(program.give_up(e).await),
        }
    }

    /// Takes what has been read; nothing: it was the end.
    async fn take_piece(&mut self, client: &mut Client, copy: &mut CopyIn, bytes: &[u8]) -> Result<()> {
        copy.bytes += bytes.len() as u64;
        copy.feed(bytes)?;
        if bytes.is_empty() {
            copy.end_of_text()?;
        }
        self.take_rows(client, copy, bytes.is_empty()).await
    }

    /// Takes the client's CopyData until it ends.
    async fn receive(&mut self, client: &mut Client, copy: &mut CopyIn) -> Result<()> {
        client.out.copy_in(copy.options.format == CopyFormat::Binary, copy.types.len());
        client.flush().await?;
        loop {
            // Before the client is waited for, it is to learn of a row that fails: it may go on sending for long.
            let arrived = tokio::select! {
                biased;
                message = client.message() => Some(message),
                () = std::future::ready(()) => None,
            };
            if arrived.is_none() {
                self.insert_rows(client, copy).await?;
            }
            let waiting = async {
                match arrived {
                    Some(message) => message,
                    None => client.message().await,
                }
            };
            let message = tokio::select! {
                biased;
                message = waiting => message,
                () = self.handle.wake.notified() => {
                    if self.handle.interrupts.cause() != Cause::None {
                        self.handle.interrupts.check().map_err(|e| copy.next_line(e))?;
                    }
                    continue;
                }
            };
            match message? {
                Some(Frontend::CopyData(bytes)) => {
                    copy.bytes += bytes.len() as u64;
                    copy.feed(&bytes)?;
                    self.take_rows(client, copy, false).await?;
                }
                Some(Frontend::CopyDone) => {
                    copy.end_of_text()?;
                    return self.take_rows(client, copy, true).await;
                }
                Some(Frontend::CopyFail(why)) => {
                    let e = err!(QUERY_CANCELED, "COPY from stdin failed: {why}");
                    return Err(copy.next_line(e));
                }
                Some(Frontend::Flush | Frontend::Sync) => {}
                Some(other) => return self.lose_synchronization(client, copy, &other),
                None => {
                    let e = Error::new(
                        SqlState::CONNECTION_FAILURE,
                        "unexpected EOF on client connection with an open transaction",
                    );
                    return Err(e.severity(crate::base::Severity::Fatal));
                }
            }
        }
    }

    /// A message that nobody may send now: the statement's error, then the connection's end, since what the client
    /// believes to have been answered is not known any more. PostgreSQL 15, copyfromparse.c, CopyGetData, and
    /// postgres.c, PostgresMain: same texts.
    fn lose_synchronization(&mut self, client: &mut Client, copy: &CopyIn, sent: &Frontend) -> Result<()> {
        let kind = sent.type_byte();
        let e = err!(PROTOCOL_VIOLATION, "unexpected message type 0x{kind:02X} during COPY from stdin").place(
            "CopyGetData",
            "copyfromparse.c",
            292,
        );
        self.report_error(client, copy.next_line(e))?;
        Err(err!(PROTOCOL_VIOLATION, "terminating connection because protocol synchronization was lost")
            .severity(crate::base::Severity::Fatal)
            .place("PostgresMain", "postgres.c", 4429))
    }

    async fn take_rows(&mut self, client: &mut Client, copy: &mut CopyIn, ended: bool) -> Result<()> {
        loop {
            let io = self.cx().fx.io.clone();
            let more = copy.next_row(ended, self.cx(), &io)?;
            if copy.batch.rows >= BATCH || copy.batch.is_full() {
                self.insert_rows(client, copy).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn insert_rows(&mut self, client: &mut Client, copy: &mut CopyIn) -> Result<()> {
        if copy.batch.rows == 0 {
            return Ok(());
        }
        let empty = copy.empty();
        let batch = std::mem::replace(&mut copy.batch, empty);
        let plan = copy.plan.clone().ok_or_else(|| Error::internal("COPY without a plan"))?;
        let rows = match &copy.filter {
            None => Rows::Ready(batch),
            Some(filter) => Rows::Sifting(filter.sift(batch)),
        };
        let work = InsertWork { plan, rows, kept: copy.kept.clone(), after: copy.after.clone() };
        let done = self.drive(client, Box::new(work)).await.0;
        copy.done += self.cx().processed;
        self.backend().activity.progress(Task::Copy, &[(0, copy.bytes as i64), (2, copy.done as i64)]);
        let done = done.map(drop).map_err(|e| copy.insertion_context(e));
        copy.lines.clear();
        done
    }

    /// An INSERT of one row of parameters, turned into one that reads rows from a work table.
    async fn insert_plan(
        &mut self,
        client: &mut Client,
        relation: &Relation,
        copy: &CopyIn,
    ) -> Result<PlannedStatement> {
        let table = format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(&relation.name));
        let columns: Vec<String> = copy.names.iter().map(|n| quote_identifier(n)).collect();
        let params: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let text: Arc<str> = match columns.is_empty() {
            true => format!("insert into {table} default values").into(),
            false => format!("insert into {table} ({}) values ({})", columns.join(", "), params.join(", ")).into(),
        };
        let overriding = text.replace(" values (", " overriding system value values (");
        let mut raw = crate::sql::parse::parse(if relation.attributes.iter().any(|a| a.identity == b'a') {
            &overriding
        } else {
            &text
        })?
        .pop()
        .ok_or_else(|| Error::internal("COPY's INSERT"))?;
        if let Stmt::Insert(s) = &mut raw.stmt {
            s.of_copy = true;
        }
        let statement = Arc::new(Statement::immediate(text, raw, copy.types.clone()));
        let plan = self.lock_and_plan(client, &statement, &mut None, &[]).await?;
        let mut plan = (*plan).clone();
        feed_from_work_table(&mut plan.plan, &copy.types)?;
        plan.work_tables = plan.work_tables.max(1);
        Ok(plan)
    }
}

/// The state of a COPY FROM.
struct CopyIn {
    table: String,
    names: Vec<String>,
    types: Vec<TypeRef>,
    options: CopyOptions,
    reader: Box<dyn RowReader>,
    /// What the texts are in, where that is not UTF-8.
    charset: Option<&'static Charset>,
    /// The beginning of a character whose end has not come yet.
    cut: Vec<u8>,
    fields: Fields,
    batch: Batch,
    /// Where the batch's rows came from.
    lines: Lines,
    plan: Option<Arc<PlannedStatement>>,
    /// WHERE.
    filter: Option<Filter>,
    /// Which rows of the batch the filter has left.
    kept: Arc<Mutex<Vec<usize>>>,
    /// Rows are inserted one by one, since triggers look at them before.
    one_by_one: bool,
    header_seen: bool,
    /// Taken so far.
    bytes: u64,
    done: u64,
    /// All batches are one statement: what is to be done about their rows comes at its end.
    after: Arc<Mutex<after_row::Worker>>,
}

/// PostgreSQL 15, copy.c, CopyGetAttnums.
///
/// # Errors
/// 42703, 42P10 for generated columns, 42701.
pub(super) fn check_columns(relation: &Relation, columns: &[String]) -> Result<()> {
    for (n, c) in columns.iter().enumerate() {
        let Some(a) = relation.attribute(c) else {
            return Err(err!(UNDEFINED_COLUMN, "column \"{c}\" of relation \"{}\" does not exist", relation.name));
        };
        if a.generated != 0 {
            return Err(err!(INVALID_COLUMN_REFERENCE, "column \"{c}\" is a generated column")
                .detail("Generated columns cannot be used in COPY."));
        }
        if columns[..n].contains(c) {
            return Err(err!(DUPLICATE_COLUMN, "column \"{c}\" specified more than once"));
        }
    }
    Ok(())
}

/// The columns that options name are among those copied.
///
/// # Errors
/// 42703, 42P10.
pub(super) fn check_forced(relation: &Relation, copied: &[String], options: &CopyOptions) -> Result<()> {
    let lists = [
        ("FORCE_QUOTE", &options.force_quote),
        ("FORCE_NOT_NULL", &options.force_not_null),
        ("FORCE_NULL", &options.force_null),
    ];
    for (what, list) in lists {
        check_columns(relation, list)?;
        if let Some(c) = list.iter().find(|c| !copied.contains(c)) {
            return Err(err!(INVALID_COLUMN_REFERENCE, "{what} column \"{c}\" not referenced by COPY"));
        }
    }
    Ok(())
}

impl CopyIn {
    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(charset) = self.charset else {
            self.reader.feed(bytes);
            return Ok(());
        };
        // A character may be cut where the client's messages, or the file's pieces, end.
        let mut all = std::mem::take(&mut self.cut);
        all.extend_from_slice(bytes);
        let whole = charset.whole(&all);
        let text = charset.decode(&all[..whole])?;
        self.reader.feed(text.as_bytes());
        self.cut = all[whole..].to_vec();
        Ok(())
    }

    /// No more will come.
    ///
    /// # Errors
    /// 22021 if the last character lacks its end.
    fn end_of_text(&mut self) -> Result<()> {
        match self.charset {
            Some(charset) if !self.cut.is_empty() => charset.decode(&self.cut).map(drop),
            _ => Ok(()),
        }
    }

    fn new(relation: &Relation, columns: &[String], options: CopyOptions) -> Result<CopyIn> {
        check_columns(relation, columns)?;
        let chosen: Vec<&crate::catalog::Attribute> = match columns.is_empty() {
            true => relation.visible_attributes().filter(|a| a.generated == 0).collect(),
            false => columns.iter().filter_map(|c| relation.attribute(c)).collect(),
        };
        let names: Vec<String> = chosen.iter().map(|a| a.name.clone()).collect();
        check_forced(relation, &names, &options)?;
        let reader: Box<dyn RowReader> = match options.format {
            CopyFormat::Text => Box::new(TextReader::new(&options)),
            CopyFormat::Binary => Box::<BinaryReader>::default(),
            CopyFormat::Csv => {
                let mut reader = CsvReader::new(&options);
                reader.not_null = names.iter().map(|n| options.force_not_null.contains(n)).collect();
                reader.quoted_null = names.iter().map(|n| options.force_null.contains(n)).collect();
                Box::new(reader)
            }
        };
        let mut copy = CopyIn {
            table: relation.name.clone(),
            types: chosen.iter().map(|a| a.ty).collect(),
            names,
            options,
            reader,
            charset: None,
            cut: Vec::new(),
            fields: Fields::default(),
            batch: Batch::default(),
            lines: Lines::default(),
            plan: None,
            filter: None,
            kept: Arc::default(),
            one_by_one: false,
            header_seen: false,
            bytes: 0,
            done: 0,
            after: Arc::default(),
        };
        copy.batch = copy.empty();
        Ok(copy)
    }

    fn empty(&self) -> Batch {
        let columns = self.types.iter().map(|t| Column::with_capacity(types::phys(t.oid), BATCH)).collect();
        Batch { columns, rows: 0 }
    }

    /// Adds where in the input an error arose.
    fn context(&self, e: Error, field: Option<(usize, Option<&[u8]>)>) -> Error {
        let line = self.reader.line().max(1);
        match field {
            Some((n, _)) if self.options.format == CopyFormat::Binary => {
                e.context(format!("COPY {}, line {line}, column {}", self.table, self.names[n]))
            }
            Some((n, None)) => {
                e.context(format!("COPY {}, line {line}, column {}: null input", self.table, self.names[n]))
            }
            Some((n, Some(value))) => {
                let shown = shown(value);
                e.context(format!("COPY {}, line {line}, column {}: \"{shown}\"", self.table, self.names[n]))
            }
            None => e.context(format!("COPY {}, line {line}", self.table)),
        }
    }

    /// Adds the row that has just been read.
    fn row_context(&self, e: Error) -> Error {
        match self.options.format {
            CopyFormat::Binary => self.context(e, None),
            _ => {
                let (line, text) = (self.reader.line(), shown(self.reader.row_text()));
                e.context(format!("COPY {}, line {line}: \"{text}\"", self.table))
            }
        }
    }

    /// Adds the row whose insertion failed. PostgreSQL 15, copyfrom.c, CopyFrom, CopyMultiInsertBufferFlush: a row is
    /// checked while its line is at hand; the indexes get their entries when many rows are there, and only their
    /// numbers.
    fn insertion_context(&self, e: Error) -> Error {
        let row = e.0.input_row.and_then(|row| match &*self.kept.lock() {
            kept if kept.is_empty() => Some(row),
            kept => kept.get(row).copied(),
        });
        let Some((line, text)) = row.and_then(|row| self.lines.get(row)) else {
            return self.context(e, None);
        };
        let numbers_only = e.sqlstate() == SqlState::UNIQUE_VIOLATION && !self.one_by_one;
        match numbers_only || self.options.format == CopyFormat::Binary {
            true => e.context(format!("COPY {}, line {line}", self.table)),
            false => e.context(format!("COPY {}, line {line}: \"{}\"", self.table, shown(text))),
        }
    }

    /// Adds the line that was waited for.
    fn next_line(&self, e: Error) -> Error {
        e.context(format!("COPY {}, line {}", self.table, self.reader.line() + 1))
    }

    /// Adds the next row to the batch; false when more bytes are needed, or at the end.
    fn next_row(&mut self, ended: bool, cx: &mut ExecContext, io: &types::IoContext) -> Result<bool> {
        let mut fields = std::mem::take(&mut self.fields);
        let found = self.reader.next(ended, &mut fields).map_err(|e| match self.options.format {
            // Found when the row is taken apart: its text is there. PostgreSQL 15, copyfromparse.c, CopyReadAttributesCSV.
            CopyFormat::Csv => self.row_context(e),
            CopyFormat::Text | CopyFormat::Binary => self.context(e, None),
        });
        let added = match found {
            Ok(Some(())) => self.add(&fields, cx, io).map(|()| true),
            Ok(None) => Ok(false),
            Err(e) => Err(e),
        };
        self.fields = fields;
        added
    }

    fn add(&mut self, fields: &Fields, cx: &mut ExecContext, io: &types::IoContext) -> Result<()> {
        if self.options.header && !self.header_seen {
            self.header_seen = true;
            return self.check_header(fields);
        }
        // An empty line of a table without columns is a row.
        let count = if self.types.is_empty() && fields.len() == 1 { 0 } else { fields.len() };
        if count > self.types.len() {
            return Err(self.row_context(err!(BAD_COPY_FILE_FORMAT, "extra data after last expected column")));
        }
        let binary = self.options.format == CopyFormat::Binary;
        for n in 0..count {
            let ty = self.types[n];
            let column = &mut self.batch.columns[n];
            let done = match fields.get(n) {
                None => types::io::null_in(ty.oid, io).map(|()| column.push_null()),
                Some(bytes) if binary => types::binary_in(ty, bytes, io).map(|v| column.push(v.datum())),
                Some(bytes) => push_text(column, ty, bytes, io),
            };
            if let Err(e) = done.and_then(|()| exec::domain::check_unchecked(cx)) {
                for c in &mut self.batch.columns[..n] {
                    c.pop();
                }
                return Err(self.context(e, Some((n, fields.get(n)))));
            }
        }
        if count < self.types.len() {
            self.batch.columns[..count].iter_mut().for_each(|c| c.pop());
            let missing = &self.names[count];
            return Err(self.row_context(err!(BAD_COPY_FILE_FORMAT, "missing data for column \"{missing}\"")));
        }
        self.batch.rows += 1;
        self.lines.push(self.reader.line(), self.reader.row_text());
        Ok(())
    }

    fn check_header(&self, fields: &Fields) -> Result<()> {
        if !self.options.header_match {
            return Ok(());
        }
        if fields.len() != self.names.len() {
            let text =
                format!("wrong number of fields in header line: got {}, expected {}", fields.len(), self.names.len());
            return Err(self.row_context(err!(BAD_COPY_FILE_FORMAT, "{text}")));
        }
        for (n, name) in self.names.iter().enumerate() {
            let got = fields.get(n).map(String::from_utf8_lossy);
            if got.as_deref() != Some(name) {
                let got = match got {
                    Some(text) => format!("\"{text}\""),
                    None => format!("null value (\"{}\")", String::from_utf8_lossy(&self.options.null)),
                };
                let text =
                    format!("column name mismatch in header line field {}: got {got}, expected \"{name}\"", n + 1);
                return Err(self.row_context(err!(BAD_COPY_FILE_FORMAT, "{text}")));
            }
        }
        Ok(())
    }
}

/// Where rows came from: their lines' numbers, and the lines.
#[derive(Default)]
struct Lines {
    numbers: Vec<u64>,
    ends: Vec<usize>,
    text: Vec<u8>,
}

impl Lines {
    fn push(&mut self, number: u64, text: &[u8]) {
        self.numbers.push(number);
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len());
    }

    fn get(&self, row: usize) -> Option<(u64, &[u8])> {
        let start = row.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Some((*self.numbers.get(row)?, &self.text[start..*self.ends.get(row)?]))
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.ends.clear();
        self.text.clear();
    }
}

/// As a context shows input (PostgreSQL 15, copyfromparse.c, limit_printout_length): 100 bytes, cut at a character.
fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.len() <= SHOWN {
        true => text.into_owned(),
        false => {
            let cut = (0..=SHOWN).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
            format!("{}...", &text[..cut])
        }
    }
}

/// Reads a value's text into a column, the most frequent types without a detour.
fn push_text(column: &mut Column, ty: TypeRef, bytes: &[u8], io: &types::IoContext) -> Result<()> {
    let text = crate::wire::utf8(bytes)?;
    match ty.oid {
        oid::INT4 => {
            if let Ok(v) = text.parse::<i32>() {
                column.push(Datum::I32(v));
                return Ok(());
            }
        }
        oid::INT8 => {
            if let Ok(v) = text.parse::<i64>() {
                column.push(Datum::I64(v));
                return Ok(());
            }
        }
        oid::TEXT => {
            column.push(Datum::Bytes(bytes));
            return Ok(());
        }
        _ => {}
    }
    types::text_in(ty, text, io).map(|v| column.push(v.datum()))
}

/// Replaces the one row of parameters below an INSERT by a scan of work table 0.
fn feed_from_work_table(plan: &mut Plan, types: &[TypeRef]) -> Result<()> {
    let PlanNode::Modify(modify) = &mut plan.node else { return Err(Error::internal("COPY's INSERT has no target")) };
    feed(&mut modify.input, types)
}

fn feed(at: &mut Plan, types: &[TypeRef]) -> Result<()> {
    let mut exprs = match &mut at.node {
        PlanNode::Project { input, exprs } | PlanNode::Result { input: Some(input), exprs, .. } => {
            exprs.iter_mut().for_each(no_params);
            return feed(input, types);
        }
        PlanNode::Result { input: None, exprs, .. } => std::mem::take(exprs),
        PlanNode::Values { rows, .. } if rows.len() == 1 => rows.remove(0),
        _ => return Err(Error::internal("COPY's INSERT has an odd plan")),
    };
    exprs.iter_mut().for_each(no_params);
    let columns = types.iter().map(|ty| PlanColumn { name: String::new(), ty: *ty }).collect();
    let scan =
        PlanNode::WorkTableScan { work_table: 0, alias: String::new(), names: Vec::new(), filter: None, project: None };
    let scan = Plan { node: scan, columns, cost: at.cost, params: Vec::new() };
    at.node = PlanNode::Project { input: Box::new(scan), exprs };
    Ok(())
}

/// What stood for a parameter reads the column of that number.
fn no_params(e: &mut Expr) {
    e.rewrite(&mut |e| {
        if let ExprKind::Param(n) = e.kind {
            e.kind = ExprKind::Column(n);
        }
    });
}

/// Inserts one batch.
struct InsertWork {
    plan: Arc<PlannedStatement>,
    rows: Rows,
    kept: Arc<Mutex<Vec<usize>>>,
    after: Arc<Mutex<after_row::Worker>>,
}

/// A batch on its way into the table.
enum Rows {
    Sifting(Sifting),
    Ready(Batch),
    Inserting(Box<dyn Node>),
}

/// What is to be done about the rows when all are there.
struct AfterWork(Arc<Mutex<after_row::Worker>>);

impl Work for AfterWork {
    fn step(&mut self, cx: &mut ExecContext, _: &mut Output) -> Flow<Done> {
        self.0.lock().run(cx)?;
        Ok(Done::Complete(String::new()))
    }
}

impl Work for InsertWork {
    fn step(&mut self, cx: &mut ExecContext, _: &mut Output) -> Flow<Done> {
        if let Rows::Sifting(sifting) = &mut self.rows {
            self.kept.lock().clear();
            let (batch, kept) = sifting.run(cx)?;
            *self.kept.lock() = kept;
            if batch.rows == 0 {
                cx.processed = 0;
                return Ok(Done::Complete(String::new()));
            }
            self.rows = Rows::Ready(batch);
        }
        if let Rows::Ready(batch) = &mut self.rows {
            let batch = std::mem::take(batch);
            let node = exec::start_plain(&self.plan, cx, None)?;
            cx.set_work_table(0, batch);
            self.rows = Rows::Inserting(node);
        }
        if let Rows::Inserting(node) = &mut self.rows {
            self.after.lock().collect(cx, |cx| -> Flow<()> {
                while node.next(cx)?.is_some() {}
                Ok(())
            })?;
        }
        Ok(Done::Complete(String::new()))
    }
}
