//! Whether rows can be written through a relation: `pg_relation_is_updatable`, `pg_column_is_updatable`.

use super::SystemFn;
use crate::base::{Flow, Oid};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Seen, updatable};
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_relation_is_updatable" => relation,
        "pg_column_is_updatable" => column,
        _ => return None,
    })
}

fn relation(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let io = cx.fx.io.clone();
    let catalog = cx.backend()?.catalog.clone();
    let bits = updatable(&catalog, &io, &Seen::default(), Oid(args[0].u32()), args[1].bool(), None);
    out.push(Datum::I32(bits));
    Ok(())
}

/// UPDATE and DELETE are what counts.
fn column(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    const BOTH: i32 = 4 | 16;
    let io = cx.fx.io.clone();
    let catalog = cx.backend()?.catalog.clone();
    let attno = args[1].i16();
    let (oid, triggers) = (Oid(args[0].u32()), args[2].bool());
    let can = attno > 0 && updatable(&catalog, &io, &Seen::default(), oid, triggers, Some(attno)) & BOTH == BOTH;
    out.push(Datum::Bool(can));
    Ok(())
}
