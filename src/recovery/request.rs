//! Requests for checkpoints: who wants one, who performs it, who waits.

use crate::base::{Error, Result, SqlState};
use parking_lot::{Condvar, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Why and how (PostgreSQL 15, xlog.h, CHECKPOINT_*).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CheckpointFlags(pub u16);

impl CheckpointFlags {
    pub const SHUTDOWN: CheckpointFlags = CheckpointFlags(1);
    pub const END_OF_RECOVERY: CheckpointFlags = CheckpointFlags(2);
    /// At full speed.
    pub const IMMEDIATE: CheckpointFlags = CheckpointFlags(4);
    /// Even if nothing was logged since the last one.
    pub const FORCE: CheckpointFlags = CheckpointFlags(8);
    /// Unlogged relations too.
    pub const FLUSH_ALL: CheckpointFlags = CheckpointFlags(16);
    /// Somebody waits for it.
    pub const WAIT: CheckpointFlags = CheckpointFlags(32);
    pub const CAUSE_WAL: CheckpointFlags = CheckpointFlags(128);
    pub const CAUSE_TIME: CheckpointFlags = CheckpointFlags(256);

    pub fn has(self, other: CheckpointFlags) -> bool {
        self.0 & other.0 != 0
    }

    /// The words of `checkpoint starting: …`, in PostgreSQL's order.
    pub fn words(self) -> String {
        let words = [
            (CheckpointFlags::SHUTDOWN, " shutdown"),
            (CheckpointFlags::END_OF_RECOVERY, " end-of-recovery"),
            (CheckpointFlags::IMMEDIATE, " immediate"),
            (CheckpointFlags::FORCE, " force"),
            (CheckpointFlags::WAIT, " wait"),
            (CheckpointFlags::CAUSE_WAL, " wal"),
            (CheckpointFlags::CAUSE_TIME, " time"),
            (CheckpointFlags::FLUSH_ALL, " flush-all"),
        ];
        words.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, word)| *word).collect()
    }
}

impl std::ops::BitOr for CheckpointFlags {
    type Output = CheckpointFlags;
    fn bitor(self, other: CheckpointFlags) -> CheckpointFlags {
        CheckpointFlags(self.0 | other.0)
    }
}

/// How a requested checkpoint ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    Failed,
    /// The checkpointer is gone: nobody will perform it.
    Abandoned,
}

impl Outcome {
    /// What the waiting statement gets.
    pub fn into_result(self) -> Result<()> {
        match self {
            Outcome::Done => Ok(()),
            Outcome::Failed => Err(crate::err!(INTERNAL_ERROR, "checkpoint request failed")
                .hint("Consult recent messages in the server log for details.")),
            Outcome::Abandoned => Err(could_not_signal()),
        }
    }
}

/// PostgreSQL 15, checkpointer.c, RequestCheckpoint; ours says so at once, not after 60 s.
pub fn could_not_signal() -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "could not signal for checkpoint: No such process").place(
        "RequestCheckpoint",
        "checkpointer.c",
        1006,
    )
}

/// The board on which requests are pinned.
#[derive(Default)]
pub struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Checkpointers serving this board (0 or 1, for an instant 2 at a change of generations).
    servers: u32,
    pending: CheckpointFlags,
    /// Numbers of checkpoints begun, ended, and of the last one that failed.
    started: u64,
    ended: u64,
    failed: Vec<u64>,
    waiting: Vec<(u64, Waker)>,
    /// Somebody asked the checkpointer to look up (settings changed, stop).
    nudged: bool,
    abandoned_before: u64,
}

impl Board {
    /// Pins a request. Returns the number of the checkpoint that will satisfy it: the next one to begin.
    ///
    /// # Errors
    /// XX000 when nobody serves the board.
    pub fn request(&self, flags: CheckpointFlags) -> Result<u64> {
        let mut state = self.state.lock();
        if state.servers == 0 {
            return Err(could_not_signal());
        }
        state.pending = state.pending | flags;
        self.changed.notify_all();
        Ok(state.started + 1)
    }

    /// Blocks until somebody serves the board, so that the first session's CHECKPOINT finds one.
    pub fn await_server(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut state = self.state.lock();
        while state.servers == 0 && Instant::now() < until {
            self.changed.wait_for(&mut state, Duration::from_millis(1));
        }
    }

    /// The outcome of a checkpoint, or None and `waker` will be woken.
    pub fn poll(&self, number: u64, waker: &Waker) -> Option<Outcome> {
        let mut state = self.state.lock();
        let outcome = state.outcome(number);
        if outcome.is_none() {
            state.waiting.retain(|(n, w)| *n != number || !w.will_wake(waker));
            state.waiting.push((number, waker.clone()));
        }
        outcome
    }

    /// Blocks the thread until a checkpoint has ended.
    pub fn wait(&self, number: u64) -> Outcome {
        let mut state = self.state.lock();
        loop {
            if let Some(outcome) = state.outcome(number) {
                return outcome;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Wakes the checkpointer without a request.
    pub fn nudge(&self) {
        self.state.lock().nudged = true;
        self.changed.notify_all();
    }

    /// A checkpointer begins to serve.
    pub fn attach(&self) {
        self.state.lock().servers += 1;
        self.changed.notify_all();
    }

    /// A checkpointer leaves; if it was the last, everybody waiting is told.
    pub fn detach(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.servers -= 1;
            if state.servers > 0 {
                return;
            }
            state.pending = CheckpointFlags::default();
            state.abandoned_before = state.started + 2;
            std::mem::take(&mut state.waiting)
        };
        self.changed.notify_all();
        waiting.into_iter().for_each(|(_, w)| w.wake());
    }

    pub fn is_served(&self) -> bool {
        self.state.lock().servers > 0
    }

    /// The checkpointer's sleep: until a request, a nudge or the time is over. Takes nothing.
    pub fn sleep(&self, until: Instant) {
        let mut state = self.state.lock();
        while !state.nudged && state.pending == CheckpointFlags::default() {
            if self.changed.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.nudged = false;
    }

    /// A short sleep between two writes of a paced checkpoint; ends at once when it is to hurry.
    pub fn pause(&self, time: Duration) {
        let mut state = self.state.lock();
        if !state.pending.has(CheckpointFlags::IMMEDIATE) {
            let _ = self.changed.wait_for(&mut state, time);
        }
    }

    /// Whether the checkpoint at hand should hurry: an immediate one waits behind it.
    pub fn must_hurry(&self) -> bool {
        self.state.lock().pending.has(CheckpointFlags::IMMEDIATE)
    }

    /// Requests pinned now.
    pub fn pending(&self) -> CheckpointFlags {
        self.state.lock().pending
    }

    /// A checkpoint begins; it satisfies everything pinned so far. Returns its number and those requests.
    pub fn begin(&self) -> (u64, CheckpointFlags) {
        let mut state = self.state.lock();
        state.started += 1;
        (state.started, std::mem::take(&mut state.pending))
    }

    /// A checkpoint ended.
    pub fn end(&self, number: u64, done: bool) {
        let ready: Vec<Waker> = {
            let mut state = self.state.lock();
            state.ended = number;
            if !done {
                state.failed.push(number);
                let old = state.failed.len().saturating_sub(100);
                state.failed.drain(..old);
            }
            let (ready, later) = std::mem::take(&mut state.waiting).into_iter().partition(|(n, _)| *n <= number);
            state.waiting = later;
            let ready: Vec<(u64, Waker)> = ready;
            ready.into_iter().map(|(_, w)| w).collect()
        };
        self.changed.notify_all();
        ready.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn outcome(&self, number: u64) -> Option<Outcome> {
        if self.ended >= number {
            return Some(if self.failed.contains(&number) { Outcome::Failed } else { Outcome::Done });
        }
        (number < self.abandoned_before && self.servers == 0).then_some(Outcome::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Without a checkpointer a request fails at once, and those who wait are told when it leaves.
    #[test]
    fn nobody_serves() {
        let board = Board::default();
        let e = board.request(CheckpointFlags::IMMEDIATE).unwrap_err();
        assert_eq!(e.message(), "could not signal for checkpoint: No such process");
        board.attach();
        let n = board.request(CheckpointFlags::IMMEDIATE).unwrap();
        board.detach();
        assert_eq!(board.wait(n), Outcome::Abandoned);
        board.attach();
        let (begun, flags) = board.begin();
        assert_eq!((begun, flags), (n, CheckpointFlags::default()));
    }

    /// A request made while a checkpoint runs is satisfied by the next one only.
    #[test]
    fn a_request_needs_a_later_start() {
        let board = Arc::new(Board::default());
        board.attach();
        let (first, _) = board.begin();
        let wanted = board.request(CheckpointFlags::FORCE | CheckpointFlags::WAIT).unwrap();
        assert_eq!(wanted, first + 1);
        board.end(first, true);
        assert_eq!(board.poll(wanted, Waker::noop()), None);
        let (second, flags) = board.begin();
        assert_eq!((second, flags.words()), (wanted, " force wait".to_string()));
        let waiter = {
            let board = board.clone();
            std::thread::spawn(move || board.wait(wanted))
        };
        board.end(second, false);
        assert_eq!(waiter.join().unwrap(), Outcome::Failed);
        assert!(Outcome::Failed.into_result().is_err());
    }
}
