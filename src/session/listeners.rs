//! Which sessions listen on which channels, so that a message reaches them and wakes nobody else.

use super::backends::BackendHandle;
use crate::base::Oid;
use crate::sql::notify::Note;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The sessions that listen, by database and channel.
#[derive(Default)]
pub struct Listeners {
    by_channel: Mutex<HashMap<(Oid, Arc<str>), Vec<Arc<BackendHandle>>>>,
}

impl Listeners {
    /// The channels of a session are others now.
    pub fn set(&self, session: &Arc<BackendHandle>, channels: &[String]) {
        let database = session.database();
        let mut all = self.by_channel.lock();
        if session.listens.swap(!channels.is_empty(), Ordering::Relaxed) {
            all.retain(|_, sessions| {
                sessions.retain(|s| s.pid != session.pid);
                !sessions.is_empty()
            });
        }
        for channel in channels {
            all.entry((database, channel.as_str().into())).or_default().push(session.clone());
        }
    }

    /// Leaves a transaction's messages to all who listen. In one go: those of two transactions do not mix.
    pub fn send(&self, database: Oid, sender: u32, notes: Vec<Note>) {
        let all = self.by_channel.lock();
        if all.is_empty() {
            return;
        }
        let mut woken: HashMap<u32, &Arc<BackendHandle>> = HashMap::new();
        for (channel, payload) in notes {
            let Some(((_, channel), sessions)) = all.get_key_value(&(database, channel.into())) else { continue };
            let payload: Arc<str> = payload.into();
            for session in sessions {
                session.mailbox.lock().notifications.push((sender, channel.clone(), payload.clone()));
                woken.insert(session.pid, session);
            }
        }
        woken.into_values().for_each(|session| session.wake.notify_one());
    }
}
