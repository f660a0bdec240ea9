//! Running a planned query: locks first, then rows.

use super::client::OUTPUT_LIMIT;
use super::job::{Done, Work, is_full};
use super::statement::{Cached, Statement, row_columns};
use crate::base::{Error, Flow, Stop, Wait};
use crate::sql::exec::context::RunState;
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::plan::{PlanNode, PlannedStatement};
use crate::sql::routine::query::{Next, QueryRun};
use crate::sql::track::Account;
use crate::types::{Batch, Value};
use crate::wire::{Format, Output, RowColumn};
use std::sync::Arc;

/// Where rows go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    /// To the client, with a RowDescription before the first.
    Described,
    /// To the client; it knows the columns.
    Plain,
}

/// One execution of a statement.
pub struct QueryWork {
    statement: Arc<Statement>,
    params: Arc<[Value]>,
    /// The plan made for these values alone.
    own: Option<Cached>,
    formats: Vec<Format>,
    destination: Destination,
    sent: u64,
    phase: Phase,
    account: Option<Box<Account>>,
}

enum Phase {
    Plan,
    /// Taking the lock on the n-th relation.
    Lock(Arc<PlannedStatement>, usize),
    Run(Box<Running>),
    Steps(Box<Stepping>),
    Over(&'static str, u64),
}

struct Running {
    plan: Arc<PlannedStatement>,
    columns: Vec<RowColumn>,
    node: Box<dyn Node>,
    /// A batch of which the rows from here on are still to be sent.
    batch: Option<(Batch, usize)>,
    described: bool,
    /// The executor's state of this statement between two steps.
    state: RunState,
}

/// What rules made of a statement, one after the other: a client of the simple protocol sees the rows of all of them.
/// PostgreSQL 15, pquery.c, PortalRunMulti.
struct Stepping {
    tag: &'static str,
    steps: Vec<Arc<PlannedStatement>>,
    main: Option<usize>,
    at: usize,
    run: Option<QueryRun>,
    columns: Vec<RowColumn>,
    batch: Option<(Batch, usize)>,
    count: u64,
}

impl Stepping {
    fn of(plan: &PlannedStatement) -> Option<Box<Stepping>> {
        let PlanNode::Sequence { steps, main } = &plan.plan.node else { return None };
        let (steps, main) = (steps.clone(), *main);
        Some(Box::new(Stepping {
            tag: plan.tag,
            steps,
            main,
            at: 0,
            run: None,
            columns: Vec::new(),
            batch: None,
            count: 0,
        }))
    }

    fn go_on(&mut self, params: &Arc<[Value]>, cx: &mut ExecContext, out: &mut Output) -> Flow<()> {
        while let Some(step) = self.steps.get(self.at) {
            send_batch(&mut self.batch, &self.columns, cx, out)?;
            let run = match &mut self.run {
                Some(run) => run,
                None => {
                    if step.returns_rows {
                        self.columns = row_columns(step, &[]);
                        out.row_description(&self.columns);
                    }
                    self.run.insert(QueryRun::new(step.clone(), params.clone(), None))
                }
            };
            match run.next(cx)? {
                Next::Batch(b) if step.returns_rows => self.batch = Some((b, 0)),
                Next::Batch(_) => {}
                Next::Stale => return Err(Error::internal("a relation changed under a rule").into()),
                Next::End => {
                    if self.main == Some(self.at) {
                        self.count = run.count();
                    }
                    self.run = None;
                    self.at += 1;
                }
            }
        }
        Ok(())
    }
}

/// Sends what is left of a batch.
fn send_batch(
    pending: &mut Option<(Batch, usize)>,
    columns: &[RowColumn],
    cx: &mut ExecContext,
    out: &mut Output,
) -> Flow<()> {
    if let Some((batch, from)) = pending {
        while *from < batch.rows {
            if is_full(out) {
                return Stop::wait(Wait::Output);
            }
            *from += out.rows_within(batch, *from..batch.rows, columns, &cx.fx.io, OUTPUT_LIMIT)?;
        }
        *pending = None;
    }
    Ok(())
}

impl QueryWork {
    pub fn new(
        statement: Arc<Statement>,
        params: Arc<[Value]>,
        own: Option<Cached>,
        formats: Vec<Format>,
        destination: Destination,
    ) -> QueryWork {
        QueryWork { statement, params, own, formats, destination, sent: 0, phase: Phase::Plan, account: None }
    }

    fn lock(&mut self, cx: &mut ExecContext, plan: Arc<PlannedStatement>, from: usize) -> Flow<()> {
        for n in from..plan.relations.len() {
            let (rel, mode) = &plan.relations[n];
            self.phase = Phase::Lock(plan.clone(), n);
            let backend = cx.backend()?;
            backend.txn.lock_listed(rel, *mode)?;
            if rel.is_stale() {
                // CAT-3: somebody changed or dropped it before we had the lock.
                self.phase = Phase::Plan;
                return Ok(());
            }
        }
        let backend = cx.backend()?;
        backend.txn.running().identify(plan.query_id);
        if plan.writes_permanent() {
            backend.prevent_if_read_only(&plan.name())?;
        }
        if let (Some(steps), Destination::Described) = (Stepping::of(&plan), self.destination) {
            self.phase = Phase::Steps(steps);
            return Ok(());
        }
        exec::rights::check(cx, &plan)?;
        self.account = Account::of_plan(cx, &plan);
        cx.params = self.params.clone();
        let node = exec::start(&plan, cx)?;
        let columns = row_columns(&plan, &self.formats);
        let state = std::mem::take(&mut cx.run);
        self.phase = Phase::Run(Box::new(Running { plan, columns, node, batch: None, described: false, state }));
        Ok(())
    }

    /// Puts the statement's state into the context, or takes it out again.
    fn swap_state(&mut self, cx: &mut ExecContext) {
        if let Phase::Run(run) = &mut self.phase {
            std::mem::swap(&mut cx.run, &mut run.state);
            cx.params = self.params.clone();
        }
    }

    /// Sends rows until the end or a full output.
    fn rows(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<()> {
        let Phase::Run(run) = &mut self.phase else { return Ok(()) };
        if run.plan.returns_rows && !run.described && self.destination == Destination::Described {
            out.row_description(&run.columns);
        }
        run.described = true;
        loop {
            send_batch(&mut run.batch, &run.columns, cx, out)?;
            match run.node.next(cx)? {
                Some(batch) if run.plan.returns_rows => {
                    self.sent += batch.rows as u64;
                    run.batch = Some((batch, 0));
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }
}

impl Work for QueryWork {
    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        loop {
            match &self.phase {
                Phase::Plan => {
                    cx.backend()?.txn.await_safe_snapshot()?;
                    let plan = self.statement.plan_for(cx, &mut self.own, &self.params)?;
                    self.lock(cx, plan, 0)?;
                }
                Phase::Lock(plan, n) => {
                    let (plan, n) = (plan.clone(), *n);
                    self.lock(cx, plan, n)?;
                }
                Phase::Run(run) => {
                    let (tag, returns) = (run.plan.tag, run.plan.returns_rows);
                    self.swap_state(cx);
                    cx.meter.level += 1;
                    let ended = self.rows(cx, out);
                    cx.meter.level -= 1;
                    self.swap_state(cx);
                    ended?;
                    let count = if tag == "SELECT" || returns && cx.processed == 0 { self.sent } else { cx.processed };
                    if let Some(mut account) = self.account.take() {
                        account.pause(cx, count);
                    }
                    self.phase = Phase::Over(tag, count);
                }
                Phase::Steps(_) => {
                    let Phase::Steps(steps) = &mut self.phase else { continue };
                    cx.params = self.params.clone();
                    steps.go_on(&self.params, cx, out)?;
                    self.phase = Phase::Over(steps.tag, steps.count);
                }
                Phase::Over(tag, count) => return Ok(Done::Complete(complete(tag, *count))),
            }
        }
    }
}

/// The text of CommandComplete.
pub fn complete(tag: &str, count: u64) -> String {
    match tag {
        "INSERT" => format!("INSERT 0 {count}"),
        _ => format!("{tag} {count}"),
    }
}
