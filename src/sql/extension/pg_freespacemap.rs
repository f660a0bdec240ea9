//! pg_freespacemap: what the map of free room says of a page.

use super::pages::{Found, locked, wrong_kind};
use super::{Code, Extension, PLAIN};
use crate::base::{BlockNo, Flow, Fork, Oid, SqlState};
use crate::catalog::RelKind;
use crate::err;
use crate::heap::fsm;
use crate::sql::exec::ExecContext;
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_freespacemap",
    version: "1.2",
    comment: "examine the free space map (FSM)",
    trusted: false,
    script: include_str!("pg_freespacemap.sql"),
    code: &[("pg_freespace", Code::Session(free))],
    ..PLAIN
};

fn free(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = locked(cx, Oid(args[0].u32()))?;
    if let kind @ (RelKind::View | RelKind::Composite | RelKind::Partitioned | RelKind::PartitionedIndex) = found.kind()
    {
        let text = format!("relation \"{}\" does not have storage", found.name());
        return Err(wrong_kind(SqlState::WRONG_OBJECT_TYPE, text, kind).into());
    }
    let block = BlockNo::try_from(args[1].i64()).ok().filter(|b| *b < BlockNo::MAX);
    let Some(block) = block else {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid block number").into());
    };
    let room = match &found {
        Found::Stored(c) if c.node.is_valid() => {
            let file = cx.backend()?.catalog.file_of(c);
            let storage = cx.storage()?;
            fsm::known(&storage, &storage.pool.open(file, Fork::Fsm, c.persistence), block)?
        }
        _ => 0,
    };
    out.push(Datum::I16(i16::try_from(room).unwrap_or(i16::MAX)));
    Ok(())
}
