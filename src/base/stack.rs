//! How much of its stack a thread may use for what nests: texts, queries, routines. Asked wherever something calls
//! itself on what a client has sent, so that depth ends in an error and never in an overflow.

use std::cell::Cell;
use std::io;
use std::thread::{self, JoinHandle};

/// The stack of the threads that run statements, bytes. It is only reserved; what is never reached takes no memory.
/// PostgreSQL gets along with 2 MB (`max_stack_depth`), our frames are several times larger.
const STATEMENTS: usize = 64 << 20;

/// What a thread of unknown stack may use below its first question, bytes: fits 2 MB.
const UNKNOWN: usize = 1 << 20;

thread_local! {
    /// An address near the start of the stack, and how far it may be left.
    static ROOM: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// Starts a thread that runs statements. A quarter of its stack is left to what does not ask.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn<T: Send + 'static>(name: String, run: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name).stack_size(STATEMENTS).spawn(move || {
        ROOM.set(Some((address(), STATEMENTS / 4 * 3)));
        run()
    })
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
