//! Functions in FROM: set-returning or not, several in lock step, with an ordinality column if asked.

use super::materialize::{Place, Tuplestore};
use super::output::{Output, phys_of};
use super::{ExecContext, Node};
use crate::base::Flow;
use crate::sql::expr::eval::{Eval, Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::setof::{self, SetStream};
use crate::sql::func::{FuncDef, polymorphic};
use crate::sql::plan::{FunctionCall, has_volatile};
use crate::types::{BATCH_ROWS, Batch, Column, ColumnData, Datum, Phys, TypeRef, Value};

struct Call {
    func: &'static FuncDef,
    /// Its columns are the fields of a row.
    rows: bool,
    args: Projection,
    arg_types: Vec<TypeRef>,
    columns: Vec<TypeRef>,
    names: Vec<String>,
    stream: Option<Box<dyn SetStream>>,
    begun: bool,
    /// Rows fetched and not given yet.
    ready: Vec<Column>,
    at: usize,
    done: bool,
    /// The rows of a call that reads nothing from outside, and their reader's place. They are made once: beside others, and
    /// where a second call might give others (PostgreSQL 15, nodeFunctionscan.c, ExecReScanFunctionScan).
    kept: Option<(Tuplestore, Place)>,
    fixed: bool,
}

pub(super) struct FunctionScan {
    calls: Vec<Call>,
    ordinality: bool,
    given: i64,
    output: Output,
}

impl FunctionScan {
    pub fn start(
        calls: &[FunctionCall],
        ordinality: bool,
        filter: Option<&Expr>,
        project: Option<&[Expr]>,
        lazy: bool,
    ) -> FunctionScan {
        let several = calls.len() > 1;
        let call = |c: &FunctionCall| {
            let volatile = || c.func.volatility == b'v' || c.args.iter().any(has_volatile);
            let fixed = !c.args.iter().any(reads_outside) && (several || volatile());
            let mut args: Vec<Eval> = c.args.iter().map(Eval::new).collect();
            let arg_types: Vec<TypeRef> = args.iter().map(Eval::ty).collect();
            if !setof::is_stream(c.func) {
                // A plain function in FROM is a one-row set: its call is the only argument.
                // Several columns are the fields of the one value it answers.
                let answer = match c.columns.as_slice() {
                    [one] if !c.rows => one.ty,
                    _ => TypeRef::of(polymorphic::actual(c.func.ret, c.func.args, &arg_types)),
                };
                args = vec![Eval::call(c.func, args, answer)];
            }
            Call {
                func: c.func,
                rows: c.rows,
                args: Projection::of(args),
                arg_types,
                columns: c.columns.iter().map(|c| c.ty).collect(),
                names: c.columns.iter().map(|c| c.name.clone()).collect(),
                stream: None,
                begun: false,
                ready: Vec::new(),
                at: 0,
                done: false,
                kept: None,
                fixed,
            }
        };
        FunctionScan {
            calls: calls.iter().map(call).collect(),
            ordinality,
            given: 0,
            output: Output::new(filter, project).lazy(lazy),
        }
    }

    fn fetch(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let mut rows = 0;
        for c in &mut self.calls {
            c.fill(cx)?;
            rows = rows.max(c.available());
        }
        // As many as every unfinished function has: they go in lock step.
        for c in &self.calls {
            if !c.done {
                rows = rows.min(c.available());
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for c in &mut self.calls {
            c.give(rows, &mut columns);
        }
        if self.ordinality {
            let numbers = (self.given + 1..=self.given + rows as i64).collect();
            columns.push(Column { data: ColumnData::I64(numbers), nulls: None });
        }
        self.given += rows as i64;
        Ok(Some(Batch { columns, rows }))
    }
}

/// Whether an argument may be another one at the next rescan.
fn reads_outside(e: &Expr) -> bool {
    let mut found = false;
    e.walk(&mut |x| {
        found |= matches!(x.kind, ExprKind::ExecParam(_) | ExprKind::SubPlan(_));
        true
    });
    found
}

impl Call {
    fn begin(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.args.run(cx, &nothing, Sel::All(1))?;
        if !setof::is_stream(self.func) {
            self.ready = setof::one_row(&values[0], self.rows, &self.columns, &cx.fx.io)?;
            self.done = true;
        } else {
            let args: Vec<Value> = values.iter().map(|c| c.get(0).to_value()).collect();
            if self.func.strict && args.iter().any(Value::is_null) {
                // One row that is NULL, unless it is a set.
                if !self.func.retset && matches!(self.func.imp, crate::sql::func::FuncImpl::Routine) {
                    self.ready = self.columns.iter().map(|t| Column::constant(phys_of(*t), Datum::Null, 1)).collect();
                }
                self.done = true;
            } else {
                self.stream = Some(setof::open(cx, self.func, &args, &self.arg_types, &self.columns, &self.names)?);
            }
        }
        self.begun = true;
        Ok(())
    }

    fn available(&self) -> usize {
        self.ready.first().map_or(0, |c| c.len() - self.at)
    }

    /// Makes rows available unless the function is done.
    fn fill(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.fixed {
            return self.read_kept(cx);
        }
        if !self.begun {
            self.begin(cx)?;
        }
        while !self.done && self.available() == 0 {
            let mut columns: Vec<Column> = self.columns.iter().map(|t| Column::new(phys_of(*t))).collect();
            match &mut self.stream {
                Some(s) => self.done = !s.next(cx, BATCH_ROWS, &mut columns)?,
                None => self.done = true,
            }
            self.ready = columns;
            self.at = 0;
        }
        Ok(())
    }

    /// The same from the rows kept, which are all made first.
    fn read_kept(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let forms: Vec<Phys> = self.columns.iter().map(|t| phys_of(*t)).collect();
        if !self.begun {
            self.begin(cx)?;
            let mut store = Tuplestore::new(&forms);
            let columns = std::mem::take(&mut self.ready);
            let rows = columns.first().map_or(0, Column::len);
            if rows > 0 {
                store.append(cx, &Batch { columns, rows })?;
            }
            self.kept = Some((store, Place::default()));
        }
        let Some((store, place)) = &mut self.kept else { return Ok(()) };
        while let Some(stream) = &mut self.stream {
            let mut columns: Vec<Column> = forms.iter().map(|f| Column::new(*f)).collect();
            let more = stream.next(cx, BATCH_ROWS, &mut columns)?;
            let rows = columns.first().map_or(0, Column::len);
            if rows > 0 {
                store.append(cx, &Batch { columns, rows })?;
            }
            if !more {
                self.stream = None;
            }
        }
        self.done = false;
        if self.ready.first().is_none_or(|c| c.len() == self.at) {
            let read = store.read(place)?;
            self.done = read.is_none();
            self.ready = read.map(|b| b.columns).unwrap_or_default();
            self.at = 0;
        }
        Ok(())
    }

    /// Moves rows out, padded with NULL.
    fn give(&mut self, rows: usize, out: &mut Vec<Column>) {
        let have = self.available().min(rows);
        if have == rows && self.at == 0 && self.ready.first().is_some_and(|c| c.len() == rows) {
            out.append(&mut self.ready);
        } else {
            for (n, ty) in self.columns.iter().enumerate() {
                let mut c = match self.ready.get(n) {
                    Some(c) => c.slice(self.at..self.at + have),
                    None => Column::new(phys_of(*ty)),
                };
                (have..rows).for_each(|_| c.push_null());
                out.push(c);
            }
            self.at += have;
        }
    }

    fn reset(&mut self) {
        if let Some((_, place)) = &mut self.kept {
            *place = Place::default();
            self.ready.clear();
            self.at = 0;
            self.done = false;
            return;
        }
        self.args.reset();
        self.stream = None;
        self.begun = false;
        self.ready.clear();
        self.at = 0;
        self.done = false;
    }
}

impl Node for FunctionScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            cx.poll()?;
            if !self.output.is_busy() {
                let Some(batch) = self.fetch(cx)? else { return Ok(None) };
                self.output.feed(batch);
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.calls.iter_mut().for_each(Call::reset);
        self.given = 0;
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
