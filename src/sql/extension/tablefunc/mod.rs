//! tablefunc: queries turned into tables of another shape.
//!
//! PostgreSQL 15, tablefunc.c: same rules and texts. The queries are run by the stream that their rows come from, so that
//! they may wait.

mod connectby;
mod crosstab;

use super::{Code, Extension, PLAIN};
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::func::setof::SetStream;
use crate::sql::routine::query::{Next, QueryRun};
use crate::types::{self, Column, Datum, IoContext, TypeRef, Value, oid};

pub(super) const EXTENSION: Extension = Extension {
    name: "tablefunc",
    version: "1.0",
    comment: "functions that manipulate whole tables, including crosstab",
    script: include_str!("script.sql"),
    code: &[
        ("normal_rand", Code::Stream(normal_rand)),
        ("crosstab", Code::Stream(crosstab::plain)),
        ("crosstab_hash", Code::Stream(crosstab::by_category)),
        ("connectby_text", Code::Stream(connectby::unordered)),
        ("connectby_text_serial", Code::Stream(connectby::ordered)),
    ],
    ..PLAIN
};

/// A query whose rows are all taken before anything is made of them.
struct Gathered {
    run: Option<Box<QueryRun>>,
    columns: Vec<TypeRef>,
    rows: Vec<Vec<Value>>,
}

impl Gathered {
    fn start(cx: &mut ExecContext, text: &str) -> Result<Gathered> {
        let run = crate::sql::func::setof::text_search::started(cx, text)?;
        let columns = run.plan.plan.columns.iter().map(|c| c.ty).collect();
        Ok(Gathered { run: Some(run), columns, rows: Vec::new() })
    }

    /// Takes what is left. It may be called again after a wait.
    fn finish(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(run) = &mut self.run {
            match run.next(cx)? {
                Next::Batch(batch) => {
                    let row = |r: usize| batch.columns.iter().map(|c| c.get(r).to_value()).collect();
                    self.rows.extend((0..batch.rows).map(row));
                }
                Next::End => self.run = None,
                Next::Stale => return Err(Error::internal("the relation changed meanwhile").into()),
            }
        }
        Ok(())
    }
}

/// A value as text; None for NULL.
fn text(ty: TypeRef, value: &Value, io: &IoContext) -> Result<Option<String>> {
    if matches!(value, Value::Null) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    types::text_out(ty, value.datum(), &mut bytes, io)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Text as a value of a type.
fn value(ty: TypeRef, text: Option<&str>, io: &IoContext) -> Result<Value> {
    match text {
        Some(text) => types::text_in(ty, text, io),
        None => Ok(Value::Null),
    }
}

/// Without columns there is nothing to make.
///
/// # Errors
/// 0A000 where nothing says what the rows are made of.
fn check_shape(columns: &[TypeRef]) -> Result<()> {
    match columns {
        [one] if one.oid == oid::RECORD => {
            Err(Error::unsupported("materialize mode required, but it is not allowed in this context"))
        }
        _ => Ok(()),
    }
}

fn columns_of(types: &[TypeRef], rows: &[Vec<Value>]) -> Vec<Column> {
    let mut out: Vec<Column> = types.iter().map(|t| Column::new(phys_of(*t))).collect();
    for row in rows {
        row.iter().zip(&mut out).for_each(|(v, c)| c.push(v.datum()));
    }
    out
}

struct Normal {
    left: i64,
    mean: f64,
    deviation: f64,
}

fn normal_rand(_: &mut ExecContext, args: &[Value], _: &[TypeRef]) -> Result<Box<dyn SetStream>> {
    let (count, mean, deviation) = (args[0].datum().i32(), args[1].datum().f64(), args[2].datum().f64());
    if count < 0 {
        return Err(err!(INVALID_PARAMETER_VALUE, "number of rows cannot be negative"));
    }
    Ok(Box::new(Normal { left: count.into(), mean, deviation }))
}

/// Above 0, up to 1.
fn uniform() -> f64 {
    ((crate::base::unguessable::number() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

impl SetStream for Normal {
    fn next(&mut self, _: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        let now = self.left.min(max as i64);
        for _ in 0..now {
            // Box and Muller, 1958.
            let unit = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
            out[0].push(Datum::F64(self.mean + self.deviation * unit));
        }
        self.left -= now;
        Ok(now > 0)
    }
}
