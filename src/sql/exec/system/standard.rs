//! What `information_schema` asks of the catalogs: `_pg_index_position`.

use super::SystemFn;
use crate::base::{Flow, Oid};
use crate::sql::exec::ExecContext;
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    match src {
        "_pg_index_position(oid,int2)" => Some(index_position),
        _ => None,
    }
}

/// The place of a table's column among those of an index, from 1; NULL if it is not there.
fn index_position(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (index, attno) = (Oid(args[0].u32()), args[1].i16());
    let record = cx.backend()?.catalog.class(index);
    let class = record.as_ref().and_then(|r| r.object.as_class().ok());
    let place = class.and_then(|c| c.index.as_ref()?.columns.iter().position(|k| k.attno == attno));
    out.push(place.map_or(Datum::Null, |n| Datum::I32(n as i32 + 1)));
    Ok(())
}
