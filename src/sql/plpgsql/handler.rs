//! BEGIN … EXCEPTION: a subtransaction around the block, and what becomes of an error in it.

use super::code::Condition;
use super::frame::{Frame, Goto, Slot};
use crate::base::{Error, Result, Severity, SqlState};
use crate::sql::exec::ExecContext;
use crate::sql::routine::cursor;
use crate::types::Value;

/// A block with handlers under way.
pub struct Guard {
    handler: usize,
    /// The subtransaction's depth.
    depth: usize,
    level: u32,
    /// Loops that were under way.
    loops: Vec<usize>,
    /// Handlers that were at work.
    handled: usize,
}

/// An error being handled.
pub struct Handled {
    pub error: Error,
}

/// Errors no handler gets to see.
fn is_catchable(e: &Error, condition: &Condition) -> bool {
    match condition {
        Condition::Others => !matches!(e.sqlstate(), SqlState::QUERY_CANCELED | SqlState::ASSERT_FAILURE),
        Condition::State(s) if s.0[2..] == *b"000" => s.0[..2] == e.sqlstate().0[..2],
        Condition::State(s) => *s == e.sqlstate(),
    }
}

impl Frame {
    /// The block's subtransaction begins.
    pub(super) fn guard(&mut self, cx: &mut ExecContext, handler: usize) -> Result<Goto> {
        let backend = cx.backend()?;
        let catalog = backend.catalog.clone();
        let level = backend.settings.lock().enter();
        backend.txn.savepoint(&catalog, "");
        backend.stats.enter();
        let depth = backend.txn.depth() - 1;
        let loops = self.loops.iter().enumerate().filter(|(_, l)| l.is_some()).map(|(n, _)| n).collect();
        let handled = self.handled.len();
        self.guards.push(Guard { handler, depth, level, loops, handled });
        Ok(Goto::Next)
    }

    /// Blocks end well: what they did belongs to the surrounding transaction.
    pub(super) fn unguard(&mut self, cx: &mut ExecContext, count: usize) -> Result<Goto> {
        for _ in 0..count {
            let Some(g) = self.guards.pop() else { break };
            let backend = cx.backend()?;
            let catalog = backend.catalog.clone();
            backend.txn.release_from(&catalog, g.depth);
            backend.settings.lock().leave(g.level, true);
            backend.stats.leave(true);
            cursor::leave_to(cx, g.depth, true);
        }
        Ok(Goto::Next)
    }

    /// Where to go on after an error.
    ///
    /// # Errors
    /// The error itself where nobody handles it; subtransactions are left to whoever ends the statement.
    pub(super) fn handler(&mut self, cx: &mut ExecContext, e: Error) -> Result<usize> {
        if e.0.severity >= Severity::Fatal {
            return Err(e);
        }
        while let Some(g) = self.guards.pop() {
            self.undo(cx, &g)?;
            let body = self.body.clone();
            let handler = &body.handlers[g.handler];
            let found = handler.arms.iter().find(|(list, _)| list.iter().any(|c| is_catchable(&e, c)));
            let Some((_, to)) = found else { continue };
            for (n, l) in self.loops.iter_mut().enumerate() {
                if !g.loops.contains(&n) {
                    *l = None;
                }
            }
            // What interrupted the block is dealt with.
            if matches!(e.sqlstate(), SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE) {
                cx.interrupts.clear();
            }
            self.handled.truncate(g.handled);
            self.slots[handler.sqlstate] = Slot::Scalar(Value::text(e.sqlstate().as_str()));
            self.slots[handler.sqlerrm] = Slot::Scalar(Value::text(e.message()));
            self.handled.push(Handled { error: e });
            return Ok(*to);
        }
        Err(e)
    }

    fn undo(&mut self, cx: &mut ExecContext, g: &Guard) -> Result<()> {
        let backend = cx.backend()?;
        let catalog = backend.catalog.clone();
        let storage = backend.instance.storage.clone();
        storage.locks.cancel(&mut backend.txn.held);
        backend.txn.undo_from(&catalog, g.depth)?;
        backend.settings.lock().leave(g.level, false);
        backend.stats.leave(false);
        cursor::leave_to(cx, g.depth, false);
        crate::sql::command::settings_changed(cx)
    }

    /// A handler's statements have ended.
    pub(super) fn end_handler(&mut self) -> Goto {
        self.handled.pop();
        Goto::Next
    }
}
