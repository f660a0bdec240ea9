//! pg_buffercache: which pages the pool holds.
//!
//! Always 0: who has a page pinned, since nobody has (pages are copied under their latch).

use super::{Code, Extension, PLAIN};
use crate::base::{Flow, Fork, Stop};
use crate::catalog::object::fixed;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, NULL};
use crate::types::{TypeRef, Value};

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_buffercache",
    version: "1.3",
    comment: "examine the shared buffer cache",
    trusted: false,
    script: include_str!("pg_buffercache.sql"),
    code: &[("pg_buffercache_pages", Code::Rows(pages))],
    ..PLAIN
};

/// Frames between two looks at the interrupts.
const STEP: u32 = 1024;

fn pages(cx: &mut ExecContext, _: &[Value], _: &[TypeRef]) -> Flow<Vec<Vec<Value>>> {
    // As many rows as there are frames: not on the thread that serves the clients.
    if !std::mem::replace(&mut cx.run.moved, true) {
        return Err(Stop::Yield);
    }
    let storage = cx.storage()?;
    let mut rows = Vec::with_capacity(storage.pool.frame_count() as usize);
    for frame in 0..storage.pool.frame_count() {
        if frame % STEP == 0 {
            cx.interrupts.check()?;
        }
        let number = (frame as i32 + 1).cell();
        let Some(held) = storage.pool.held(frame) else {
            rows.push(std::iter::once(number).chain((0..8).map(|_| NULL)).collect());
            continue;
        };
        let tablespace = match held.file {
            f if !f.db.is_valid() => fixed::GLOBAL_TABLESPACE,
            f if !f.space.is_valid() => fixed::DEFAULT_TABLESPACE,
            f => f.space,
        };
        let fork: i16 = match held.fork {
            Fork::Main => 0,
            Fork::Fsm => 1,
            Fork::Vm => 2,
            Fork::Init => 3,
        };
        rows.push(vec![
            number,
            held.file.node.cell(),
            tablespace.cell(),
            held.file.db.cell(),
            fork.cell(),
            i64::from(held.block).cell(),
            held.dirty.cell(),
            i16::from(held.usage).cell(),
            0i32.cell(),
        ]);
    }
    cx.run.moved = false;
    Ok(rows)
}
