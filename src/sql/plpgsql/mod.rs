//! PL/pgSQL: from a body's text to code, and the machine that runs it.
//!
//! | file | what |
//! |---|---|
//! | `code` | a compiled body: variables, names, expressions, instructions |
//! | `parse`, `declare`, `statement`, `raise_parse` | from text to code, in one pass |
//! | `expr` | expressions and statements bound with the variables in reach; planned once per session |
//! | `fast` | simple expressions evaluated value by value |
//! | `frame` | one call: its variables, its place in the code, what it waits for |
//! | `assign`, `rows`, `foreach`, `cursor`, `raise`, `handler` | what instructions do |
//! | `condition` | names of SQLSTATEs |
//!
//! A body is a list of instructions with jumps, so that a call's whole state is a place in the list and values: it can
//! be left at any wait and gone on with later (FLOW-1). PostgreSQL 15, pl_gram.y, pl_exec.c: same language.

mod assign;
mod code;
mod condition;
mod cursor;
mod declare;
mod expr;
mod extra;
mod fast;
mod foreach;
mod frame;
mod handler;
mod parse;
mod raise;
mod raise_parse;
mod rows;
mod statement;
mod trigger;

pub use code::Function;
pub use code::Way;
pub use cursor::open_cursor;
pub use frame::Frame;
pub use parse::{compile, compile_block, compile_checked};
pub use trigger::{Level, TriggerData, When, returned};

/// The CONTEXT line of a place in a body.
pub fn context_of(body: &Function, pc: usize) -> String {
    body.code.get(pc).map_or_else(String::new, |i| frame::place(body, i))
}
