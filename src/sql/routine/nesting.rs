//! How deep routines may nest, and what that costs.

use crate::base::{Error, Flow, Result, stack};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use std::time::Duration;

/// How deep routines are nested on the present thread's stack.
#[derive(Clone, Copy, Default, Debug)]
pub struct Nesting {
    depth: u32,
    deepest: u32,
    /// What `max_stack_depth` limits, bytes.
    weight: usize,
    /// Triggers being fired: `pg_trigger_depth()`.
    pub triggers: u32,
}

/// A level's share of `max_stack_depth`: with its default of 2 MB, PostgreSQL 15 gives up after about 830 calls of
/// PL/pgSQL functions and 3,600 of SQL functions.
#[derive(Clone, Copy)]
pub enum Level {
    Sql = 576,
    Plpgsql = 2500,
}

/// What a statement may need to get down one level again after it was put aside.
const REENTRY: Duration = Duration::from_micros(50);

impl Nesting {
    /// A statement gets its turn, from the top. Returns what it needs to come back to where it was put aside: its turn
    /// must be longer, or it would get nowhere.
    pub fn begin_turn(&mut self) -> Duration {
        let reentry = REENTRY * self.deepest;
        *self = Nesting::default();
        reentry
    }
}

/// Runs something one level deeper.
///
/// # Errors
/// 54001 beyond `max_stack_depth`, or where the stack would not do.
pub fn deeper<T>(cx: &mut ExecContext, level: Level, f: impl FnOnce(&mut ExecContext) -> Flow<T>) -> Flow<T> {
    if cx.nesting.depth == 0 {
        cx.nesting.weight = 0;
    }
    let weight = cx.nesting.weight + level as usize;
    let limit = max_stack_depth_kb(cx) * 1024;
    if weight > limit || stack::is_used_up() {
        return Err(too_deep(cx).into());
    }
    cx.nesting.weight = weight;
    cx.nesting.depth += 1;
    cx.nesting.deepest = cx.nesting.deepest.max(cx.nesting.depth);
    let done = f(cx);
    cx.nesting.depth -= 1;
    cx.nesting.weight -= level as usize;
    done
}

fn max_stack_depth_kb(cx: &mut ExecContext) -> usize {
    let set: Result<i64> = cx.backend().map(|b| b.view.int(Id::MaxStackDepth));
    set.ok().and_then(|kb| usize::try_from(kb).ok()).unwrap_or(2048)
}

/// 54001, as `max_stack_depth` tells of it.
#[cold]
pub fn too_deep(cx: &mut ExecContext) -> Error {
    let kb = max_stack_depth_kb(cx);
    err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .hint(format!(
            "Increase the configuration parameter \"max_stack_depth\" (currently {kb}kB), after ensuring the platform's \
             stack depth limit is adequate."
        ))
        .place("check_stack_depth", "postgres.c", 3462)
}
