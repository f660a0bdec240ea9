//! The time between Ready and the end: takes connections in, starts and stops the workers as
//! postmasters come and go, and decides when and how it is over.

use super::link::{Connection, Link};
use super::session_threads::SessionThreads;
use super::sessions;
use super::workers::Foreman;
use crate::base::interrupt::Cause;
use crate::process::message::StopMode;
use crate::protocol::Gate;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// A session that entered just while the others were told to end is told after this time.
const REPEAT: Duration = Duration::from_millis(100);

/// So long sessions may take to say good-bye at an immediate stop.
const IMMEDIATE_PATIENCE: Duration = Duration::from_secs(1);

/// How serving ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// All sessions are gone: checkpoint and leave.
    Clean,
    /// Leave at once.
    Immediate,
    /// The last session left and there is no postmaster: leave without a checkpoint. Asynchronous
    /// commits that nobody flushed are lost, as in PostgreSQL.
    Orphaned,
}

/// Serves until it is over.
pub async fn serve(
    link: &Link,
    gate: &Arc<Gate>,
    threads: SessionThreads,
    incoming: mpsc::UnboundedReceiver<Connection>,
    workers: &Foreman,
) -> End {
    tokio::spawn(take_in(gate.clone(), threads, incoming));
    let mut mode = link.mode();
    let mut count = link.session_count();
    loop {
        let now = *mode.borrow_and_update();
        workers.want(now.postmaster);
        // From the registry, which also counts connections that nobody has taken in yet.
        let left = *count.borrow_and_update();
        match now.stop {
            Some(StopMode::Immediate) if left == 0 => return End::Immediate,
            Some(StopMode::Immediate) => link.hang_up_strangers(),
            _ if left == 0 && link.leave_if_idle() => return End::Orphaned,
            Some(_) if left == 0 && now.postmaster.is_some() => return End::Clean,
            Some(StopMode::Fast) => {
                gate.server.backends.interrupt_all(Cause::Terminate);
                link.hang_up_strangers();
            }
            _ => {}
        }
        let pause = match now.stop {
            Some(StopMode::Immediate) => IMMEDIATE_PATIENCE,
            _ => REPEAT,
        };
        tokio::select! {
            biased;
            _ = mode.changed() => {}
            _ = count.changed() => {}
            () = sleep(pause), if now.stop >= Some(StopMode::Fast) => {
                if now.stop == Some(StopMode::Immediate) {
                    return End::Immediate;
                }
            }
        }
    }
}

async fn take_in(gate: Arc<Gate>, threads: SessionThreads, mut incoming: mpsc::UnboundedReceiver<Connection>) {
    while let Some(connection) = incoming.recv().await {
        threads.spawn(sessions::serve(gate.clone(), connection));
    }
}
