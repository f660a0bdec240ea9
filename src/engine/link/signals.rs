//! Signals to the engine: all are caught from its first line on, since one sent to a worker's
//! thread id reaches the whole process, which cannot tell whom it was meant for.
//!
//! | signal | with a postmaster | orphan |
//! |---|---|---|
//! | HUP | configuration is read again | the same |
//! | TERM, INT | nothing: a worker of PostgreSQL would restart or ignore it | fast stop |
//! | QUIT | a crash with exit code 2, as of any auxiliary process | the same |
//! | USR1, USR2, ALRM | nothing | nothing |

use super::Link;
use crate::process::message::StopMode;
use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// Catches them all; must be called within the control thread's runtime.
pub fn catch(link: Link) -> io::Result<()> {
    let on = |kind: SignalKind, act: fn(&Link)| -> io::Result<()> {
        let mut signal = signal(kind)?;
        let link = link.clone();
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                act(&link);
            }
        });
        Ok(())
    };
    on(SignalKind::hangup(), |link| {
        if let Some(hook) = link.shared.on_reload.get() {
            hook();
        }
    })?;
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        on(kind, |link| {
            if link.is_orphan() {
                link.stop(StopMode::Fast);
            }
        })?;
    }
    on(SignalKind::quit(), crate::engine::crash::die_of_quit)?;
    for kind in [SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm(), SignalKind::child()] {
        on(kind, |_| {})?;
    }
    Ok(())
}
