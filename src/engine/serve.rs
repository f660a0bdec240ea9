//! The time between Ready and the end: takes connections in, starts and stops the workers as
//! postmasters come and go, and decides when and how it is over.

use super::link::Link;
use super::session_threads::SessionThreads;
use super::sessions;
use super::workers::Foreman;
use crate::base::interrupt::Cause;
use crate::process::message::StopMode;
use crate::protocol::Gate;
use std::sync::Arc;
use std::time::Duration;
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
pub async fn serve(link: &Link, gate: &Arc<Gate>, threads: SessionThreads, workers: &Foreman) -> End {
    let (shared, threads) = (gate.clone(), Arc::new(threads));
    let pool = threads.clone();
    link.take_in(move |connection, thread| pool.spawn(sessions::serve(shared.clone(), connection), thread));
    let mut reached_by = None;
    let mut mode = link.mode();
    let mut occupied = link.occupied();
    loop {
        let now = *mode.borrow_and_update();
        workers.want(now.postmaster);
        if now.postmaster.is_some() && now.postmaster != reached_by {
            reached_by = now.postmaster;
            open_shortcuts(link, &threads);
        }
        if now.stop.is_some() {
            // Who came before the stop is told so.
            link.sweep();
        }
        let empty = !*occupied.borrow_and_update();
        match now.stop {
            Some(StopMode::Immediate) if empty => return End::Immediate,
            Some(StopMode::Immediate) => link.hang_up_strangers(),
            _ if empty && link.leave_if_idle() => return End::Orphaned,
            Some(_) if empty && now.postmaster.is_some() => return End::Clean,
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
            // Who would not leave anyway is not woken by every client that comes or goes.
            _ = occupied.changed(), if now.stop.is_some() || now.postmaster.is_none() => {}
            () = sleep(pause), if now.stop >= Some(StopMode::Fast) => {
                if now.stop == Some(StopMode::Immediate) {
                    return End::Immediate;
                }
            }
        }
    }
}

/// Lets the postmaster reach the session threads without detour; without shortcuts everything goes by the channel.
fn open_shortcuts(link: &Link, threads: &SessionThreads) {
    match link.open_shortcuts(threads.count()) {
        Ok(intakes) => {
            for (n, intake) in intakes.into_iter().enumerate() {
                threads.spawn_on(n, link.clone().attend(intake, n));
            }
        }
        Err(e) => crate::log!("could not make sockets for new connections: {}", crate::settings::os_text(&e)),
    }
}
