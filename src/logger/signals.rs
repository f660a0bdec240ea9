//! The collector's signals. It outlives every request to stop: it ends when its pipe does (LOG-2).

use rustix::event::EventfdFlags;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// What was asked for since the last look.
#[derive(Default)]
pub struct Requests {
    pub reload: AtomicBool,
    pub rotate: AtomicBool,
}

/// Starts the thread that receives signals; the descriptor becomes readable with each of them.
pub fn listen() -> std::io::Result<(Arc<Requests>, Arc<OwnedFd>)> {
    let requests = Arc::new(Requests::default());
    let wake = Arc::new(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let mut hup = signal(SignalKind::hangup())?;
    let mut usr1 = signal(SignalKind::user_defined1())?;
    let mut ignored = Vec::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::user_defined2()] {
        ignored.push(signal(kind)?);
    }
    drop(entered);
    let (told, waker) = (requests.clone(), wake.clone());
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let _ignored = ignored;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = hup.recv() => told.reload.store(true, Ordering::SeqCst),
                    _ = usr1.recv() => told.rotate.store(true, Ordering::SeqCst),
                }
                let _ = rustix::io::write(&*waker, &1u64.to_ne_bytes());
            }
        });
    })?;
    Ok((requests, wake))
}
