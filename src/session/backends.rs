//! The sessions by the pid shown to people: who may interrupt them, and how.

use super::listeners::Listeners;
use super::socket::ClientSocket;
use crate::base::interrupt::Cause;
use crate::base::{Interrupts, Oid, unguessable};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// How others reach a session.
#[derive(Debug)]
pub struct BackendHandle {
    pub pid: u32,
    /// What a CancelRequest must bring.
    pub secret: u32,
    pub interrupts: Arc<Interrupts>,
    /// Its client's, once it is known.
    pub socket: OnceLock<Arc<dyn ClientSocket>>,
    /// Wakes the session where it waits: for its client, a lock, time.
    pub wake: Notify,
    /// The role it was authenticated as.
    pub role: AtomicU32,
    pub is_superuser: AtomicBool,
    pub database: AtomicU32,
    /// It is among the [`Listeners`].
    pub listens: AtomicBool,
    /// NOTIFY messages, and reloads, that it has not looked at.
    pub mailbox: Mutex<Mailbox>,
}

/// What others left for a session to look at between two statements.
#[derive(Default, Debug)]
pub struct Mailbox {
    /// Sender's pid, channel, payload.
    pub notifications: Vec<(u32, Arc<str>, Arc<str>)>,
    pub reload: bool,
}

impl BackendHandle {
    pub fn new(pid: u32) -> Arc<BackendHandle> {
        Arc::new(BackendHandle {
            pid,
            secret: unguessable::number() as u32,
            interrupts: Arc::default(),
            socket: OnceLock::new(),
            wake: Notify::new(),
            role: AtomicU32::new(0),
            is_superuser: AtomicBool::new(false),
            database: AtomicU32::new(0),
            listens: AtomicBool::new(false),
            mailbox: Mutex::default(),
        })
    }

    pub fn interrupt(&self, cause: Cause) {
        self.interrupts.raise(cause);
        self.wake.notify_one();
    }

    /// The session ends if its client has hung up (`client_connection_check_interval`).
    pub fn check_client(&self) {
        if self.socket.get().is_some_and(|s| s.is_closed()) {
            self.interrupts.raise(Cause::ClientLost);
        }
    }

    pub fn role(&self) -> Oid {
        Oid(self.role.load(Ordering::Relaxed))
    }

    pub fn database(&self) -> Oid {
        Oid(self.database.load(Ordering::Relaxed))
    }
}

/// All sessions of the engine.
#[derive(Default)]
pub struct Backends {
    all: Mutex<HashMap<u32, Arc<BackendHandle>>>,
    pub listeners: Listeners,
}

impl Backends {
    /// Enters a session; it leaves when the guard is dropped.
    pub fn enter(self: &Arc<Backends>, handle: Arc<BackendHandle>) -> Registration {
        self.all.lock().insert(handle.pid, handle.clone());
        Registration { backends: self.clone(), handle }
    }

    pub fn get(&self, pid: u32) -> Option<Arc<BackendHandle>> {
        self.all.lock().get(&pid).cloned()
    }

    pub fn count(&self) -> usize {
        self.all.lock().len()
    }

    pub fn list(&self) -> Vec<Arc<BackendHandle>> {
        self.all.lock().values().cloned().collect()
    }

    /// A CancelRequest: nothing is said if the key is wrong.
    pub fn cancel_with_key(&self, pid: u32, key: &[u8]) {
        if let Some(handle) = self.get(pid)
            && handle.secret.to_be_bytes() == key
        {
            handle.interrupt(Cause::Cancel);
        }
    }

    /// Interrupts a session; false if there is none with this pid.
    pub fn interrupt(&self, pid: u32, cause: Cause) -> bool {
        self.get(pid).map(|h| h.interrupt(cause)).is_some()
    }

    pub fn interrupt_all(&self, cause: Cause) {
        self.list().iter().for_each(|h| h.interrupt(cause));
    }
}

/// A session's place in the registry.
pub struct Registration {
    backends: Arc<Backends>,
    pub handle: Arc<BackendHandle>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.backends.all.lock().remove(&self.handle.pid);
        if self.handle.listens.load(Ordering::Relaxed) {
            self.backends.listeners.set(&self.handle, &[]);
        }
    }
}
