//! Set-returning functions in a select list: in lock step, shorter ones padded with NULL.

use super::output::{forms_of, phys_of};
use super::{ExecContext, Node, build};
use crate::base::{Error, Flow, Result};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::FuncDef;
use crate::sql::func::json::populate::fields_of as fields;
use crate::sql::func::setof::{self, SetStream};
use crate::sql::plan::{Plan, SetItem};
use crate::types::record::Record;
use crate::types::{BATCH_ROWS, Batch, Column, Phys, TypeRef, Value, long, oid};

/// Where an output column comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A plain expression: its number in `plain`.
    Plain(usize),
    /// Volatile: evaluated for each output row; its number in `volatile`.
    Volatile(usize),
    Set(usize),
}

struct Call {
    func: &'static FuncDef,
    /// Its arguments in `args`.
    args: std::ops::Range<usize>,
    ret: TypeRef,
    arg_types: Vec<TypeRef>,
    /// Columns the function makes.
    columns: Vec<TypeRef>,
    names: Vec<String>,
    /// They are packed into a row.
    packed: bool,
    /// A row without a type of its own, the first argument, says what they are.
    told_by_row: bool,
}

impl Call {
    /// Looks what the first argument's columns are, if they are those of the result.
    fn told(&mut self, args: &[Value]) {
        if !self.told_by_row {
            return;
        }
        (self.names, self.columns) = match args.first() {
            Some(Value::Bytes(b)) => fields(&Record::new(b)).into_iter().unzip(),
            _ => Default::default(),
        };
    }

    /// Several columns as one column of rows.
    fn pack(&self, columns: Vec<Column>) -> Vec<Column> {
        if !self.packed {
            return columns;
        }
        let mut out = Column::new(Phys::Bytes);
        for row in 0..columns.first().map_or(0, Column::len) {
            let parts =
                columns.iter().enumerate().map(|(n, c)| (self.names[n].as_str(), self.columns[n].oid, c.get(row)));
            let mut bytes = Vec::new();
            crate::types::record::build(self.ret, parts, &mut bytes);
            out.push(crate::types::Datum::Bytes(&bytes));
        }
        vec![out]
    }
}

/// One function's rows for the present input row.
struct Running {
    stream: Option<Box<dyn SetStream>>,
    /// Rows fetched and not given yet: the columns the function makes.
    ready: Vec<Column>,
    at: usize,
    done: bool,
}

pub(super) struct ProjectSet {
    input: Box<dyn Node>,
    exprs: Projection,
    volatile: Projection,
    /// The input row of each output row, where volatile expressions need it.
    origins: Vec<u32>,
    /// The output is complete but for its volatile columns.
    closing: bool,
    sources: Vec<Source>,
    calls: Vec<Call>,
    forms: Vec<Phys>,
    batch: Option<Batch>,
    /// All expressions over `batch`: plain ones and arguments.
    values: Option<Vec<Column>>,
    row: usize,
    running: Vec<Running>,
    out: Vec<Column>,
}

/// Names and types of a composite type's columns.
fn fields_of(ty: TypeRef, cx: &ExecContext) -> Result<(Vec<String>, Vec<TypeRef>)> {
    let fields = cx.fx.io.hooks.composite(crate::types::base_type(ty.oid));
    let fields =
        fields.ok_or_else(|| Error::unsupported("sets of rows without a type of their own are not supported here"))?;
    Ok(fields.into_iter().map(|f| (f.name, f.typ)).unzip())
}

fn is_volatile(e: &Expr) -> bool {
    e.any(&mut |e| matches!(&e.kind, ExprKind::Func { func, .. } if func.volatility == b'v'))
}

impl ProjectSet {
    pub fn start(plan: &Plan, input: &Plan, items: &[SetItem], cx: &mut ExecContext) -> Result<ProjectSet> {
        let mut exprs: Vec<Expr> = Vec::new();
        let mut sources = Vec::new();
        let mut calls = Vec::new();
        let mut volatile = Vec::new();
        for (item, column) in items.iter().zip(&plan.columns) {
            match item {
                SetItem::Plain(e) if is_volatile(e) => {
                    sources.push(Source::Volatile(volatile.len()));
                    volatile.push(e.clone());
                }
                SetItem::Plain(e) => {
                    sources.push(Source::Plain(exprs.len()));
                    exprs.push(e.clone());
                }
                SetItem::Set { func, args } => {
                    sources.push(Source::Set(calls.len()));
                    let first = exprs.len();
                    exprs.extend(args.iter().cloned());
                    let arg_types: Vec<TypeRef> = args.iter().map(|a| a.ty).collect();
                    let mut several = setof::out_columns(func, &arg_types);
                    let populated = func.name.ends_with("_populate_recordset");
                    let told_by_row = populated && column.ty.oid == oid::RECORD;
                    if told_by_row {
                        several = Some(Default::default());
                    } else if populated {
                        several = Some(fields_of(column.ty, cx)?);
                    }
                    let packed = several.is_some();
                    let (names, columns) = several.unwrap_or_else(|| (Vec::new(), vec![column.ty]));
                    let args = first..exprs.len();
                    calls.push(Call { func, args, ret: column.ty, arg_types, columns, names, packed, told_by_row });
                }
            }
        }
        Ok(ProjectSet {
            input: build(input, cx)?,
            exprs: Projection::new(&exprs),
            volatile: Projection::new(&volatile),
            origins: Vec::new(),
            closing: false,
            sources,
            calls,
            forms: forms_of(&plan.columns),
            batch: None,
            values: None,
            row: 0,
            running: Vec::new(),
            out: Vec::new(),
        })
    }

    /// Starts the functions for the present row.
    fn begin_row(&mut self, cx: &mut ExecContext) -> Result<()> {
        let Some(values) = &self.values else { return Ok(()) };
        for call in &mut self.calls {
            let args: Vec<Value> = values[call.args.clone()].iter().map(|c| c.get(self.row).to_value()).collect();
            call.told(&args);
            let null = call.func.strict && args.iter().any(Value::is_null);
            let stream = match null {
                true => None,
                false => Some(setof::open(cx, call.func, &args, &call.arg_types, &call.columns, &call.names)?),
            };
            let done = stream.is_none();
            self.running.push(Running { stream, ready: Vec::new(), at: 0, done });
        }
        Ok(())
    }

    /// Makes sure each function has a row ready or is done; true: at least one has.
    fn ready(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        let mut any = false;
        for (run, call) in self.running.iter_mut().zip(&self.calls) {
            while !run.done && run.ready.first().is_none_or(|c| run.at >= c.len()) {
                let mut columns: Vec<Column> = call.columns.iter().map(|t| Column::new(phys_of(*t))).collect();
                let more = match &mut run.stream {
                    Some(s) => s.next(cx, BATCH_ROWS, &mut columns)?,
                    None => false,
                };
                run.done = !more;
                run.ready = call.pack(columns);
                run.at = 0;
            }
            any |= !run.done;
        }
        Ok(any)
    }

    /// One output row from the present input row.
    fn push_row(&mut self) {
        let Some(values) = &self.values else { return };
        for (source, out) in self.sources.iter().zip(&mut self.out) {
            match source {
                Source::Plain(n) => out.push_from(&values[*n], self.row),
                Source::Volatile(_) => out.push_null(),
                Source::Set(n) => match &self.running[*n] {
                    r if r.done => out.push_null(),
                    r => out.push_from(&r.ready[0], r.at),
                },
            }
        }
        if !self.volatile.is_empty() {
            self.origins.push(self.row as u32);
        }
        self.running.iter_mut().for_each(|r| r.at += 1);
    }

    /// The rows made so far, with their volatile columns.
    fn close(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some(batch) = self.batch.as_ref().filter(|_| !self.origins.is_empty()) {
            let columns = self.volatile.run(cx, batch, Sel::Rows(&self.origins))?;
            for (n, source) in self.sources.iter().enumerate() {
                if let Source::Volatile(v) = source {
                    self.out[n] = columns[*v].clone();
                }
            }
            self.origins.clear();
        }
        self.closing = false;
        Ok(self.give())
    }

    fn rows_out(&self) -> usize {
        self.out.first().map_or(0, Column::len)
    }

    fn give(&mut self) -> Option<Batch> {
        let rows = self.rows_out();
        let columns = std::mem::take(&mut self.out);
        (rows > 0).then_some(Batch { columns, rows })
    }
}

impl Node for ProjectSet {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.batch.is_none() {
                self.batch = self.input.next(cx)?;
                self.values = None;
                self.row = 0;
            }
            let Some(batch) = &self.batch else { return Ok(self.give()) };
            if self.values.is_none() {
                self.values = Some(self.exprs.run(cx, batch, Sel::All(batch.rows))?);
            }
            if self.closing || (self.row == batch.rows && !self.origins.is_empty()) {
                self.closing = true;
                if let Some(out) = self.close(cx)? {
                    return Ok(Some(out));
                }
                continue;
            }
            if self.row == batch.rows {
                self.batch = None;
                continue;
            }
            if self.out.is_empty() {
                self.out = self.forms.iter().map(|p| Column::new(*p)).collect();
            }
            // Also within an input row: one call may make rows without end.
            cx.poll()?;
            if self.running.is_empty() {
                self.begin_row(cx)?;
            }
            while self.ready(cx)? {
                self.push_row();
                if self.rows_out() == BATCH_ROWS || long(&self.out) {
                    self.closing = true;
                    return self.close(cx);
                }
            }
            self.running.clear();
            self.row += 1;
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.exprs.reset();
        self.batch = None;
        self.values = None;
        self.running.clear();
        self.out.clear();
        self.volatile.reset();
        self.origins.clear();
        self.closing = false;
        Ok(())
    }
}
