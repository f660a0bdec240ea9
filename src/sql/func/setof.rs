//! Set-returning functions as streams of rows.
//!
//! [`open`] finds a function's stream by PostgreSQL's own name of it (`src`); what is not known here answers 0A000.
//! A stream makes its rows piecemeal, so that `generate_series(1, 1e9)` costs no memory.

mod json;
mod series;
mod text;
pub(crate) mod text_search;

use super::FuncDef;
use crate::base::memory::claim_much;
use crate::base::{Error, Flow, Oid, Result};
use crate::sql::exec::{ExecContext, phys_of};
use crate::types::array::Array;
use crate::types::record::with_fitted;
use crate::types::{Column, Datum, IoContext, TypeRef, Value};

/// The rows of one call.
pub trait SetStream: Send {
    /// Appends up to `max` rows to the columns; false: there are no more, and none was appended.
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool>;
}

/// What a stream is opened with.
pub(super) struct Call<'a> {
    pub func: &'static FuncDef,
    pub args: &'a [Value],
    pub arg_types: &'a [TypeRef],
    /// Types of the columns to make.
    pub columns: &'a [TypeRef],
    /// Their names, where a column definition list or the function's OUT arguments give them.
    pub names: &'a [String],
}

impl Call<'_> {
    fn arg(&self, n: usize) -> Datum<'_> {
        self.args.get(n).map_or(Datum::Null, Value::datum)
    }

    /// A text argument.
    fn text(&self, n: usize) -> &str {
        self.arg(n).str()
    }
}

/// Rows made all at once: for functions over one value in memory.
pub(crate) struct Rows {
    columns: Vec<Column>,
    at: usize,
}

impl Rows {
    pub fn new(columns: Vec<Column>) -> Rows {
        Rows { columns, at: 0 }
    }

    pub fn stream(columns: Vec<Column>) -> Box<dyn SetStream> {
        Box::new(Rows::new(columns))
    }

    /// Hands out the next rows; false: there were none.
    pub fn give(&mut self, max: usize, out: &mut [Column]) -> bool {
        let rows = self.columns.first().map_or(0, Column::len);
        let end = rows.min(self.at + max);
        for (from, to) in self.columns.iter().zip(out) {
            (self.at..end).for_each(|r| to.push_from(from, r));
        }
        let some = end > self.at;
        self.at = end;
        some
    }

    /// Empty columns of these types.
    pub fn empty(types: &[TypeRef]) -> Vec<Column> {
        types.iter().map(|t| Column::new(phys_of(*t))).collect()
    }
}

impl SetStream for Rows {
    fn next(&mut self, _: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        Ok(self.give(max, out))
    }
}

/// A function of an extension, called when its first rows are wanted.
struct Called {
    f: crate::sql::extension::RowsFn,
    args: Vec<Value>,
    types: Vec<TypeRef>,
    rows: Option<Box<dyn SetStream>>,
}

impl SetStream for Called {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        if self.rows.is_none() {
            let rows = (self.f)(cx, &self.args, &self.types)?;
            self.rows = Some(Rows::stream(crate::sql::exec::system::rows::columns(&self.types, &rows)));
        }
        match &mut self.rows {
            Some(rows) => rows.next(cx, max, out),
            None => Ok(false),
        }
    }
}

/// Starts a call; strict functions never see NULL.
pub fn open(
    cx: &mut ExecContext,
    func: &'static FuncDef,
    args: &[Value],
    arg_types: &[TypeRef],
    columns: &[TypeRef],
    names: &[String],
) -> Result<Box<dyn SetStream>> {
    let bytes = |v: &Value| if let Value::Bytes(b) = v { b.len() } else { 0 };
    claim_much(8 * args.iter().map(bytes).sum::<usize>(), "ExecutorState")?;
    if matches!(func.imp, super::FuncImpl::Routine) {
        return crate::sql::routine::open(cx, func, args, arg_types, columns, names);
    }
    let call = Call { func, args, arg_types, columns, names };
    let found = match series::open(&call, cx)? {
        Some(s) => Some(s),
        None => match text::open(&call, cx)? {
            Some(s) => Some(s),
            None => match json::open(&call, cx)? {
                Some(s) => Some(s),
                None => text_search::open(&call, cx)?,
            },
        },
    };
    if found.is_none() {
        use crate::sql::exec::system;
        system::check_execute(cx, func)?;
        if let Some(f) = crate::sql::extension::rows_function(func.fact.src) {
            crate::sql::routine::check_call(cx, func)?;
            return Ok(Box::new(Called { f, args: args.to_vec(), types: columns.to_vec(), rows: None }));
        }
        if let Some(f) = crate::sql::extension::stream_function(func.fact.src) {
            crate::sql::routine::check_call(cx, func)?;
            return f(cx, args, columns);
        }
        let rows = system::rows::open(cx, func.fact.src, args, columns);
        if let Some(rows) = rows.map_err(crate::base::Stop::into_error)? {
            return Ok(Rows::stream(rows));
        }
    }
    match found {
        Some(s) => Ok(s),
        None => Err(unsupported(func)),
    }
}

/// Goes through [`open`]: a set, or a row whose shape the query gives.
pub fn is_stream(func: &FuncDef) -> bool {
    func.retset || json::is_row_function(func.name) || matches!(func.imp, super::FuncImpl::Routine)
}

/// Names and types of a function's OUT arguments, if it has several, in a call with arguments of these types.
pub fn out_columns(func: &FuncDef, types: &[TypeRef]) -> Option<(Vec<String>, Vec<TypeRef>)> {
    let fact = func.fact;
    let outs: Vec<usize> =
        fact.modes.bytes().enumerate().filter(|(_, m)| matches!(m, b'o' | b't' | b'b')).map(|(n, _)| n).collect();
    if outs.len() < 2 {
        return None;
    }
    let name = |n: &usize| fact.names.get(*n).map_or_else(String::new, |s| (*s).to_owned());
    let ty = |n: &usize| TypeRef::of(super::polymorphic::actual(fact.all_args[*n], func.args, types));
    Some((outs.iter().map(name).collect(), outs.iter().map(ty).collect()))
}

/// The value of a scalar function in FROM as columns: `fields` are those of a row.
pub fn one_row(value: &Column, fields: bool, columns: &[TypeRef], io: &IoContext) -> Result<Vec<Column>> {
    let mut out = Rows::empty(columns);
    for row in 0..value.len() {
        match value.get(row) {
            d if !fields => out[0].push(d),
            Datum::Null => out.iter_mut().for_each(Column::push_null),
            d => spread(d.bytes(), &mut out, io),
        }
    }
    Ok(out)
}

fn is_row(ty: Oid) -> bool {
    let base = crate::types::base_type(ty);
    base == crate::types::oid::RECORD || crate::types::info(base).is_some_and(|i| i.kind == b'c')
}

/// A row's fields, one to each column.
fn spread(stored: &[u8], out: &mut [Column], io: &IoContext) {
    with_fitted(stored, io, |record| out.iter_mut().enumerate().for_each(|(n, c)| c.push(record.field(n))));
}

/// Elements of one or more arrays in lock step (`unnest`), or subscripts.
pub(super) fn unnest(call: &Call<'_>, io: &IoContext) -> Vec<Column> {
    let mut out = Rows::empty(call.columns);
    let arrays: Vec<Option<Array<'_>>> = call
        .args
        .iter()
        .map(|a| match a.datum() {
            Datum::Null => None,
            d => Some(Array::new(d.bytes())),
        })
        .collect();
    let rows = arrays.iter().flatten().map(Array::len).max().unwrap_or(0);
    // One array of composite values fills the columns of their type.
    let fields = |a: &Array<'_>| call.columns.len() > 1 || is_row(a.element) && call.columns[0].oid != a.element;
    if let [Some(array)] = arrays.as_slice()
        && fields(array)
    {
        for value in array.iter() {
            match value {
                Datum::Null => out.iter_mut().for_each(Column::push_null),
                d => spread(d.bytes(), &mut out, io),
            }
        }
        return out;
    }
    for (array, column) in arrays.iter().zip(&mut out) {
        let mut made = 0;
        if let Some(a) = array {
            a.iter().for_each(|v| column.push(v));
            made = a.len();
        }
        (made..rows).for_each(|_| column.push_null());
    }
    out
}

/// 0A000 for a function nobody has written yet.
pub(super) fn unsupported(func: &FuncDef) -> Error {
    Error::unsupported(format!("set-returning function {}() is not supported yet", func.name))
}
