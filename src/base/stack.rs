//! How much of its stack a thread may use for what nests: texts, queries, routines. Asked wherever something calls
//! itself on what a client has sent, so that depth ends in an error and never in an overflow.

use std::cell::Cell;

/// The stack of the threads that run statements, bytes. It is only reserved; what is never reached takes no memory.
/// PostgreSQL gets along with 2 MB (`max_stack_depth`), our frames are several times larger.
pub const STATEMENTS: usize = 64 << 20;

/// What a thread of unknown stack may use below its first question, bytes: fits 2 MB.
const UNKNOWN: usize = 1 << 20;

thread_local! {
    /// An address near the start of the stack, and how far it may be left.
    static ROOM: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// The calling thread has just begun, with a stack of `size` bytes. A quarter of it is left to what does not ask.
pub fn begin(size: usize) {
    ROOM.set(Some((address(), size / 4 * 3)));
}

/// Whether nothing may nest any deeper.
#[inline]
pub fn is_used_up() -> bool {
    let here = address();
    let (base, room) = ROOM.get().unwrap_or_else(|| {
        ROOM.set(Some((here, UNKNOWN)));
        (here, UNKNOWN)
    });
    base.abs_diff(here) > room
}

/// An approximation of the stack pointer.
#[inline(never)]
fn address() -> usize {
    let here = 0u8;
    std::ptr::from_ref(&here).addr()
}
