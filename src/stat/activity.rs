//! Who is connected or working, and what at: the rows of `pg_stat_activity`.

use crate::base::report::Running;
use crate::base::{Oid, Xid, clock::now_us};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The session's state as `pg_stat_activity.state` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SessionState {
    /// Workers, and sessions that have not run anything: NULL.
    #[default]
    Undefined,
    Idle,
    Active,
    IdleInTransaction,
    IdleInTransactionAborted,
    FastPath,
    /// `track_activities` is off.
    Disabled,
}

impl SessionState {
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            SessionState::Undefined => None,
            SessionState::Idle => Some("idle"),
            SessionState::Active => Some("active"),
            SessionState::IdleInTransaction => Some("idle in transaction"),
            SessionState::IdleInTransactionAborted => Some("idle in transaction (aborted)"),
            SessionState::FastPath => Some("fastpath function call"),
            SessionState::Disabled => Some("disabled"),
        }
    }
}

/// Work that takes long and tells how far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    Vacuum,
    Analyze,
    /// VACUUM FULL, too.
    Cluster,
    /// REINDEX, too.
    CreateIndex,
    Copy,
}

/// How far it has come: the numbers mean what the task's view says.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub task: Task,
    pub relation: Oid,
    pub numbers: [i64; 20],
}

/// One row. Times are microseconds since 1970, 0 for none.
#[derive(Clone, Debug, Default)]
pub struct ActivityFacts {
    pub pid: u32,
    /// `client backend`, `checkpointer`, …
    pub backend_type: &'static str,
    pub database: Oid,
    pub database_name: Option<Arc<str>>,
    pub user: Oid,
    pub user_name: Option<Arc<str>>,
    pub application: Arc<str>,
    pub client_addr: Option<IpAddr>,
    /// -1 for a Unix socket, `None` for workers.
    pub client_port: Option<i32>,
    /// The server's end of a TCP connection.
    pub server_addr: Option<(IpAddr, u16)>,
    pub backend_start_us: i64,
    pub xact_start_us: i64,
    pub query_start_us: i64,
    pub state_change_us: i64,
    pub state: SessionState,
    /// Type and name, as `Lock`, `transactionid`.
    pub wait_event: Option<(&'static str, &'static str)>,
    pub xid: Option<Xid>,
    /// Which transaction runs.
    pub running: Option<Arc<Running>>,
    pub xmin: Option<Xid>,
    /// The running statement, or the last one; cut at `track_activity_query_size - 1` bytes.
    pub query: String,
    /// Of the long command that runs.
    pub progress: Option<Progress>,
    /// Of an encrypted connection.
    pub tls: Option<Arc<TlsFacts>>,
}

/// What `pg_stat_ssl` tells of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    pub version: &'static str,
    /// By OpenSSL's name.
    pub cipher: String,
    pub bits: i32,
    /// Of the client's certificate, if it has shown one.
    pub client_dn: Option<String>,
    pub client_serial: Option<String>,
    pub issuer_dn: Option<String>,
}

/// One session's or worker's place; it leaves the registry when dropped.
pub struct ActivitySlot {
    id: u64,
    facts: Arc<Mutex<ActivityFacts>>,
    registry: Arc<Registry>,
}

#[derive(Default)]
struct Registry {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    next: u64,
    all: BTreeMap<u64, Arc<Mutex<ActivityFacts>>>,
}

/// All slots of the process, in the order of their start.
#[derive(Clone, Default)]
pub struct Activity {
    registry: Arc<Registry>,
}

impl Activity {
    pub fn new() -> Activity {
        Activity::default()
    }

    pub fn register(&self, mut facts: ActivityFacts) -> ActivitySlot {
        if facts.backend_start_us == 0 {
            facts.backend_start_us = now_us();
        }
        let facts = Arc::new(Mutex::new(facts));
        let mut slots = self.registry.slots.lock();
        let id = slots.next;
        slots.next += 1;
        slots.all.insert(id, facts.clone());
        drop(slots);
        ActivitySlot { id, facts, registry: self.registry.clone() }
    }

    /// A copy of every row.
    pub fn list(&self) -> Vec<ActivityFacts> {
        let slots: Vec<_> = self.registry.slots.lock().all.values().cloned().collect();
        slots.iter().map(|s| s.lock().seen()).collect()
    }

    /// The row of one pid.
    pub fn by_pid(&self, pid: u32) -> Option<ActivityFacts> {
        let slots: Vec<_> = self.registry.slots.lock().all.values().cloned().collect();
        slots.iter().map(|s| s.lock()).find(|f| f.pid == pid).map(|f| f.seen())
    }

    /// How many sessions are in a database (`pg_stat_database.numbackends`).
    pub fn backends_in(&self, database: Oid) -> usize {
        let slots = self.registry.slots.lock();
        slots.all.values().filter(|s| s.lock().database == database).count()
    }
}

impl ActivityFacts {
    /// What the query is known by.
    pub fn query_id(&self) -> Option<i64> {
        self.running.as_ref().map(|r| r.query_id.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    /// A copy for others to see. An idle session waits for its client, which it does not take the time to say.
    fn seen(&self) -> ActivityFacts {
        let mut seen = self.clone();
        let idle = [SessionState::Idle, SessionState::IdleInTransaction, SessionState::IdleInTransactionAborted];
        if seen.wait_event.is_none() && idle.contains(&seen.state) {
            seen.wait_event = Some(("Client", "ClientRead"));
        }
        // So does a worker between two rounds, which is nearly always.
        seen.wait_event = seen.wait_event.or(match seen.backend_type {
            "archiver" => Some(("Activity", "ArchiverMain")),
            "autovacuum launcher" => Some(("Activity", "AutoVacuumMain")),
            "background writer" => Some(("Activity", "BgWriterMain")),
            "checkpointer" => Some(("Activity", "CheckpointerMain")),
            "walwriter" => Some(("Activity", "WalWriterMain")),
            _ => None,
        });
        seen
    }
}

impl ActivitySlot {
    /// Changes any facts; keep it short, readers wait.
    pub fn update(&self, change: impl FnOnce(&mut ActivityFacts)) {
        change(&mut self.facts.lock());
    }

    pub fn facts(&self) -> ActivityFacts {
        self.facts.lock().clone()
    }

    /// A statement starts. `limit` is `track_activity_query_size`.
    pub fn statement(&self, text: &str, start_us: i64, limit: usize) {
        let mut f = self.facts.lock();
        let mut end = text.len().min(limit.saturating_sub(1));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        f.query.clear();
        f.query.push_str(&text[..end]);
        if let Some(running) = &f.running {
            running.query_id.store(0, Ordering::Relaxed);
        }
        f.state = SessionState::Active;
        f.query_start_us = start_us;
        f.state_change_us = start_us;
    }

    /// The state changes; a statement that begins uses [`ActivitySlot::statement`].
    pub fn state(&self, state: SessionState) {
        let now = now_us();
        let mut f = self.facts.lock();
        if f.state != state {
            f.state = state;
            f.state_change_us = now;
            // A command that failed has not said that it was over.
            f.progress = None;
        }
    }

    /// A transaction starts (its time) or ends (0).
    pub fn transaction(&self, start_us: i64) {
        let mut f = self.facts.lock();
        f.xact_start_us = start_us;
        if start_us == 0 {
            f.xid = None;
            f.xmin = None;
        }
    }

    /// A task begins, unless it is part of one that runs.
    pub fn begin_task(&self, task: Task, relation: Oid) {
        let mut f = self.facts.lock();
        if f.progress.is_none_or(|p| p.task == task) {
            f.progress = Some(Progress { task, relation, numbers: [0; 20] });
        }
    }

    /// Numbers of a task that runs, by their places.
    pub fn progress(&self, task: Task, numbers: &[(usize, i64)]) {
        let mut f = self.facts.lock();
        if let Some(p) = f.progress.as_mut().filter(|p| p.task == task) {
            for (place, n) in numbers {
                p.numbers[*place] = *n;
            }
        }
    }

    pub fn end_task(&self, task: Task) {
        let mut f = self.facts.lock();
        if f.progress.is_some_and(|p| p.task == task) {
            f.progress = None;
        }
    }

    pub fn wait_event(&self, event: Option<(&'static str, &'static str)>) {
        self.facts.lock().wait_event = event;
    }

    pub fn xid(&self, xid: Option<Xid>) {
        self.facts.lock().xid = xid;
    }
}

impl Drop for ActivitySlot {
    fn drop(&mut self) {
        self.registry.slots.lock().all.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot is seen while it lives, its statement is cut between characters, and it goes when dropped.
    #[test]
    fn slots_come_and_go() {
        let all = Activity::new();
        let worker = all.register(ActivityFacts { pid: 7, backend_type: "checkpointer", ..Default::default() });
        let slot = all.register(ActivityFacts { pid: 9, database: Oid(5), ..Default::default() });
        slot.statement("select 'ä'", 42, 10);
        slot.state(SessionState::IdleInTransaction);
        let seen = all.by_pid(9).unwrap();
        assert_eq!((seen.query.as_str(), seen.query_start_us), ("select '", 42));
        assert_eq!(seen.state.as_str(), Some("idle in transaction"));
        assert_eq!(all.backends_in(Oid(5)), 1);
        assert_eq!(all.list().iter().map(|f| f.pid).collect::<Vec<_>>(), [7, 9]);
        drop(slot);
        assert!(all.by_pid(9).is_none());
        drop(worker);
        assert!(all.list().is_empty());
    }
}
