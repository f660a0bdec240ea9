//! The time between Ready and the end: takes connections in, starts and stops the workers as
//! postmasters come and go, and decides when and how it is over.

use super::link::{Connection, Link};
use super::workers::Workers;
use crate::process::message::StopMode;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// So long sessions may take to say good-bye at an immediate stop.
const IMMEDIATE_PATIENCE: Duration = Duration::from_secs(2);

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

/// Serves until it is over. `session` is called for each connection, within the runtime.
pub async fn serve(
    link: &Link,
    incoming: &mut mpsc::UnboundedReceiver<Connection>,
    workers: &mut Workers,
    session: impl Fn(Connection),
) -> End {
    let mut mode = link.mode();
    let mut sessions = link.session_count();
    let mut give_up = None;
    loop {
        let now = *mode.borrow_and_update();
        match now.postmaster {
            Some(generation) => workers.run(generation),
            None => workers.stop(),
        }
        // Taken from the registry, which also counts connections that nobody has taken in yet.
        let left = *sessions.borrow_and_update();
        match now.stop {
            Some(StopMode::Immediate) if left == 0 => return End::Immediate,
            Some(StopMode::Immediate) => {
                give_up.get_or_insert(Instant::now() + IMMEDIATE_PATIENCE);
            }
            _ if left == 0 && link.leave_if_idle() => return End::Orphaned,
            Some(_) if left == 0 && now.postmaster.is_some() => return End::Clean,
            _ => {}
        }
        tokio::select! {
            biased;
            _ = mode.changed() => {}
            Some(connection) = incoming.recv() => session(connection),
            _ = sessions.changed() => {}
            () = async { match give_up { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {
                return End::Immediate;
            }
        }
    }
}
