//! pg_stat_statements: what statements have cost. `sql::track` measures, `stat::statements` counts.
//!
//! Always 0: pages of temporary tables by themselves (they are in the shared pool), the times of reads and writes of pages,
//! and what a compiler of expressions would do.

use super::{Code, Extension, PLAIN};
use crate::base::{Flow, Oid, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, NULL, Sight, Stamp};
use crate::stat::Statements;
use crate::stat::statements::Times;
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum, TypeRef, Value, oid, record};
use std::sync::Arc;

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_stat_statements",
    version: "1.10",
    comment: "track planning and execution statistics of all SQL statements executed",
    script: include_str!("pg_stat_statements.sql"),
    code: &[
        ("pg_stat_statements_reset_1_7", Code::Session(reset)),
        ("pg_stat_statements_info", Code::Session(info)),
        ("pg_stat_statements_1_10", Code::Rows(rows)),
    ],
    ..PLAIN
};

fn counted(cx: &mut ExecContext) -> Result<Arc<Statements>> {
    cx.backend()?.instance.statements.clone().ok_or_else(|| {
        err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "pg_stat_statements must be loaded via shared_preload_libraries")
    })
}

fn reset(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    counted(cx)?.reset(Oid(args[0].u32()), Oid(args[1].u32()), args[2].i64());
    // The result of a function that returns void.
    out.push(Datum::Bytes(b""));
    Ok(())
}

fn info(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (dealloc, reset_us) = counted(cx)?.info();
    let (dealloc, since) = (dealloc.cell(), Stamp(reset_us).cell());
    let fields = [("dealloc", oid::INT8, dealloc.datum()), ("stats_reset", oid::TIMESTAMPTZ, since.datum())];
    let mut bytes = Vec::new();
    record::build(TypeRef::of(oid::RECORD), fields.into_iter(), &mut bytes);
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

fn rows(cx: &mut ExecContext, args: &[Value], _: &[TypeRef]) -> Flow<Vec<Vec<Value>>> {
    let shows_text = matches!(args[0], Value::Bool(true));
    let all = counted(cx)?.list();
    let sight = Sight::of(cx)?;
    let mut rows = Vec::with_capacity(all.len());
    for (key, c, text) in all {
        let seen = sight.sees(key.user);
        let text = match (seen, shows_text) {
            (_, false) => NULL,
            (true, true) => text.cell(),
            (false, true) => "<insufficient privilege>".cell(),
        };
        let mut row = vec![key.user.cell(), key.database.cell(), key.top_level.cell()];
        row.extend([seen.then_some(key.query_id).cell(), text]);
        times(&c.plans, &mut row);
        times(&c.runs, &mut row);
        let e = c.effort;
        row.extend(
            [e.rows, e.hit, e.read, e.dirtied, e.written, 0, 0, 0, 0, e.temp_read, e.temp_written].map(Cell::cell),
        );
        row.extend([0.0; 4].map(Cell::cell));
        row.extend([e.wal_records, e.wal_images].map(Cell::cell));
        row.push(Value::Bytes(Numeric::from_i128(i128::from(e.wal_bytes)).to_bytes()?.into()));
        for _ in 0..4 {
            row.extend([0i64.cell(), 0.0.cell()]);
        }
        rows.push(row);
    }
    Ok(rows)
}

fn times(t: &Times, row: &mut Vec<Value>) {
    row.push(t.calls.cell());
    row.extend([t.total, t.min, t.max, t.mean, t.deviation()].map(Cell::cell));
}
