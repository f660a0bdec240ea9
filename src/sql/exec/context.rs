//! What a running statement carries with it: session facts, parameters, run-time slots, budget.

use super::cte::CteState;
use super::instrument::Instrumentation;
use crate::base::{Error, Flow, Interrupts, Oid, Report, Result, Stop};
use crate::mvcc::Snapshot;
use crate::sql::Backend;
use crate::sql::func::FnContext;
use crate::sql::plan::Plan;
use crate::storage::Storage;
use crate::types::{Batch, Column, Value};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;

/// The settings the executor looks at.
#[derive(Clone, Debug)]
pub struct ExecSettings {
    pub work_mem_kb: usize,
    pub hash_mem_multiplier: f64,
    /// Bytes of all temporary files of the session; None: no limit.
    pub temp_file_limit_kb: Option<u64>,
    /// Temporary files from this size on are logged (`log_temp_files`).
    pub log_temp_files_kb: Option<u64>,
    /// Queries get identifiers when they are analysed (`compute_query_id`).
    pub identify_queries: bool,
    /// EXPLAIN shows them.
    pub show_query_ids: bool,
    /// How long values are compressed where their column names no method.
    pub toast_compression: crate::heap::Compression,
    /// Whose cost is counted.
    pub tracking: crate::sql::track::Tracking,
}

impl Default for ExecSettings {
    fn default() -> ExecSettings {
        ExecSettings {
            work_mem_kb: 4096,
            hash_mem_multiplier: 2.0,
            temp_file_limit_kb: None,
            log_temp_files_kb: None,
            identify_queries: false,
            show_query_ids: false,
            toast_compression: crate::heap::Compression::Pglz,
            tracking: Default::default(),
        }
    }
}

impl ExecSettings {
    pub fn work_mem(&self) -> usize {
        self.work_mem_kb * 1024
    }

    pub fn hash_mem(&self) -> usize {
        (self.work_mem() as f64 * self.hash_mem_multiplier) as usize
    }
}

/// How long the tree may run before it returns [`Stop::Yield`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    pub deadline: Option<Instant>,
}

/// State of the statement that runs; made anew by [`super::start`].
#[derive(Default)]
pub struct RunState {
    /// What the statement sees; taken when it starts. A portal that is put aside keeps its whole run state.
    pub snapshot: Option<Snapshot>,
    /// Its command id: what functions and triggers do meanwhile has later ones.
    pub(super) command: Option<crate::base::CommandId>,
    /// Rows that are changed must be visible in this one, too (foreign keys in repeatable read).
    pub(super) crosscheck: Option<Snapshot>,
    /// Rows the LIMIT or cursor above wants at most from the next call of its child; only nodes built `lazy` look at it.
    pub(in crate::sql) row_goal: usize,
    /// While a tree is made: nothing but nodes that hand rows through stands between the present node and those.
    pub(super) lazy: bool,
    /// The Modify node whose rows the command tag counts.
    pub(super) counted: Option<usize>,
    pub(super) exec_params: Vec<Value>,
    /// Counts the changes of each slot: nodes that keep rows compare them (EXEC-3).
    pub(super) versions: Vec<u64>,
    pub(super) ctes: Vec<Option<Arc<Mutex<CteState>>>>,
    /// How often each CTE was started over.
    pub(super) cte_rounds: Vec<u64>,
    pub(super) work_tables: Vec<WorkTable>,
    /// Operands of the CASE expressions being evaluated: values and the rows they belong to (None: all).
    pub(crate) operands: Vec<Option<Operand>>,
    /// Whether the expression being evaluated may be cut into pieces.
    pub(crate) pieces: crate::sql::expr::eval::Pieces,
    /// What sub-selects that depend on nothing have answered, by their plans' addresses: one in the condition of a tree
    /// stands with every member.
    pub(in crate::sql) answers: HashMap<usize, (Arc<Plan>, Value)>,
    pub(super) temp_bytes: u64,
    /// What reads whole relations has left the thread that serves clients.
    pub(in crate::sql) moved: bool,
    /// When the `pg_sleep` under way ends.
    pub(super) sleep_until: Option<Instant>,
}

/// The value of a CASE operand for the rows it was evaluated for.
#[derive(Clone)]
pub(crate) struct Operand {
    pub column: Column,
    pub rows: Option<Vec<u32>>,
}

/// What the recursive part of a RecursiveUnion reads: the rows of the last round.
#[derive(Default, Clone)]
pub(super) struct WorkTable {
    pub rows: WorkRows,
    pub round: u64,
}

#[derive(Default, Clone)]
pub(super) enum WorkRows {
    #[default]
    None,
    /// As they were given.
    Batch(Batch),
    Store(Arc<super::Tuplestore>),
}

/// What a session keeps from one statement to the next.
pub struct Listing {
    pub statements: Vec<PreparedFacts>,
    pub portals: Vec<PortalFacts>,
}

/// A prepared statement.
pub struct PreparedFacts {
    pub name: String,
    pub text: Arc<str>,
    pub prepared_us: i64,
    pub types: Vec<Oid>,
    pub from_sql: bool,
    pub generic_plans: i64,
    pub custom_plans: i64,
}

/// A bound statement of the protocol.
pub struct PortalFacts {
    pub name: String,
    pub text: Arc<str>,
    pub created_us: i64,
}

/// Everything a node may need. Owned by the session; moves with the running statement between threads.
pub struct ExecContext {
    /// What functions see: session facts, I/O settings, hooks.
    pub fx: FnContext,
    /// The client's parameters.
    pub params: Arc<[Value]>,
    pub settings: ExecSettings,
    pub interrupts: Arc<Interrupts>,
    pub budget: Budget,
    /// To be sent to the client before the next row.
    pub notices: Vec<Report>,
    pub run: RunState,
    /// EXPLAIN ANALYZE: filled while the statement runs.
    pub instrument: Option<Instrumentation>,
    /// Tests and `debug_inject_waits`: random waits between every pair of nodes (FLOW-1).
    pub inject_waits: Option<u64>,
    /// Rows inserted, updated, deleted or selected by the top node's statement, for the command tag.
    pub processed: u64,
    /// Where temporary files go.
    pub temp: Option<Arc<dyn crate::disk::Disk>>,
    /// What a wait for another transaction is about: the CONTEXT of an error that ends the wait.
    pub wait_context: Option<String>,
    /// Something was asked for that only a session has.
    pub missed_session: bool,
    /// Why the wait that was asked for last has failed. Whoever asks for it again gets this instead: so the error arises
    /// where the wait was, and a handler there may catch it.
    pub failed_wait: Option<crate::base::Error>,
    /// What the session has told about itself, for the view that waited for it.
    pub listing: Option<Box<Listing>>,
    /// Where the running data-modifying statement keeps what is to be done about its changed rows.
    pub after_rows: Option<Box<super::after_row::Queue>>,
    /// What the trigger function that runs can read by the names its trigger gave.
    pub transitions: super::after_row::transition::Transitions,
    /// Bodies of routines as this session has them compiled.
    pub routines: crate::sql::routine::Cache,
    /// Where the stack began when the outermost routine was entered, and how many are on it.
    pub nesting: crate::sql::routine::Nesting,
    /// The event whose trigger runs.
    pub event: Option<Arc<super::event::Event>>,
    /// What goes, while somebody wants to know: a command with event triggers.
    pub dropped: Option<Vec<crate::sql::command::Dropped>>,
    /// What this session's statements have done, and how deep they stand.
    pub meter: crate::sql::track::Meter,
    /// The session's side; None in tests of the executor alone.
    pub backend: Option<Box<Backend>>,
}

impl Default for ExecContext {
    fn default() -> ExecContext {
        ExecContext {
            fx: FnContext::default(),
            params: Arc::from(Vec::new()),
            settings: ExecSettings::default(),
            interrupts: Arc::default(),
            budget: Budget::default(),
            notices: Vec::new(),
            run: RunState::default(),
            instrument: None,
            inject_waits: None,
            processed: 0,
            temp: None,
            wait_context: None,
            missed_session: false,
            failed_wait: None,
            listing: None,
            after_rows: None,
            transitions: None,
            routines: Default::default(),
            nesting: Default::default(),
            event: None,
            dropped: None,
            meter: Default::default(),
            backend: None,
        }
    }
}

impl ExecContext {
    /// Evaluates what stands outside of the CASE expressions under way, and has slots of its own for its operands: a
    /// sub-select's, a domain's condition.
    pub(in crate::sql) fn apart<T>(&mut self, f: impl FnOnce(&mut ExecContext) -> Flow<T>) -> Flow<T> {
        let kept = std::mem::take(&mut self.run.operands);
        let out = crate::sql::expr::eval::apart(self, f);
        self.run.operands = kept;
        out
    }

    /// What the running statement sees.
    ///
    /// # Errors
    /// XX000 where there is no session.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        if self.run.snapshot.is_none() {
            self.run.snapshot = Some(self.backend()?.snapshot());
        }
        self.run.snapshot.clone().ok_or_else(|| Error::internal("no snapshot"))
    }

    /// # Errors
    /// XX000 where there is no session.
    pub fn storage(&mut self) -> Result<Arc<Storage>> {
        Ok(self.backend()?.txn.storage.clone())
    }

    /// Waits for the end of another transaction; `what` is the CONTEXT of an error that ends the wait.
    pub fn wait_for(&mut self, xid: crate::base::Xid, what: impl FnOnce() -> String) -> Flow<()> {
        let waited = self.backend()?.txn.wait_for(xid);
        self.wait_context = waited.is_err().then(what);
        waited
    }

    /// The session's side of the statement.
    ///
    /// # Errors
    /// XX000 where there is no session.
    pub fn backend(&mut self) -> Result<&mut Backend> {
        self.missed_session = self.backend.is_none();
        self.backend.as_deref_mut().ok_or_else(|| Error::internal("this needs a session"))
    }

    /// To be called once per batch: an interrupt ends the statement, a used-up budget moves it.
    #[inline]
    pub fn poll(&mut self) -> Flow<()> {
        self.interrupts.check()?;
        match self.budget.deadline {
            Some(d) if Instant::now() >= d => Err(Stop::Yield),
            _ => Ok(()),
        }
    }

    /// Gives a plan's WorkTableScan rows to read: how COPY feeds an INSERT.
    pub fn set_work_table(&mut self, n: usize, batch: Batch) {
        if self.run.work_tables.len() <= n {
            self.run.work_tables.resize(n + 1, WorkTable::default());
        }
        let table = &mut self.run.work_tables[n];
        table.rows = WorkRows::Batch(batch);
        table.round += 1;
    }

    pub fn exec_param(&self, slot: usize) -> &Value {
        self.run.exec_params.get(slot).unwrap_or(&Value::Null)
    }

    /// Puts a value into a run-time slot; whoever kept rows computed from the slot will notice.
    pub fn set_exec_param(&mut self, slot: usize, value: Value) {
        if slot >= self.run.exec_params.len() {
            self.run.exec_params.resize(slot + 1, Value::Null);
            self.run.versions.resize(slot + 1, 0);
        }
        self.run.exec_params[slot] = value;
        self.run.versions[slot] += 1;
    }
}
