//! INSERT, UPDATE and DELETE.
//!
//! INSERT goes batch by batch down to whole pages; UPDATE and DELETE compute batches of new rows and then go row by row,
//! since each may have to wait for another transaction. What was done of a batch stays in the node over a wait (FLOW-1).

mod conflict;
mod insert;
mod instead;
mod merge;
mod partition;
mod route;
mod row_check;
mod row_lock;
mod statement;
mod tally;
mod target;
mod tree;
mod update;
mod verify;

pub(super) use instead::InsteadOf;
pub(in crate::sql) use partition::Fit;
pub(super) use route::InsertTree;
pub(super) use tree::ModifyTree;

pub(in crate::sql) use row_lock::Writer;
pub(super) use row_lock::{Claim, claim, strength};
pub(super) use verify::key_text;

use super::instrument::NodeStats;
use super::output::phys_of;
use super::{ExecContext, Node, build};
use crate::base::{Error, Flow, Result, Stop, TupleId, Xid};
use crate::sql::expr::eval::Projection;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{self, ModifyKind};
use crate::types::{Batch, Column, Datum, Phys};
use statement::{Statements, kinds};
use tally::Tally;
use target::Target;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    Insert,
    Update,
    Delete,
    /// An update that takes the row into another partition: there it is inserted.
    Move,
}

/// How a statement changes its rows.
enum Method {
    Insert(Box<insert::Insert>),
    Conflict(Box<conflict::InsertOrUpdate>),
    Update(Box<update::Update>),
    Merge(Box<merge::Merge>),
}

pub(super) struct Modify {
    input: Box<dyn Node>,
    target: Target,
    method: Method,
    returning: Option<Projection>,
    /// Changed rows of the present batch, as RETURNING reads them.
    changed: Changed,
    ready: Option<Batch>,
    /// The command tag counts this node's rows.
    counted: bool,
    busy: bool,
    kinds: Vec<ChangeKind>,
    /// None: the node above fires statement triggers.
    statements: Option<Statements>,
    /// Rows to be worked on one by one, since triggers, or functions that compute them, see what became of those before.
    waiting: Option<(Batch, usize)>,
    /// Functions of users that see what is there compute the rows.
    sees_rows: bool,
}

/// Rows for RETURNING: attributes, system columns, input columns.
pub(super) struct Changed {
    wanted: bool,
    attrs: Vec<Column>,
    system: [Column; 4],
    input: Vec<Column>,
    forms: (Vec<Phys>, Vec<Phys>),
    relid: u32,
    rows: usize,
    tally: Tally,
}

impl Changed {
    fn new(wanted: bool, attrs: Vec<Phys>, input: Vec<Phys>, relid: u32) -> Changed {
        let mut c = Changed {
            wanted,
            attrs: Vec::new(),
            system: std::array::from_fn(|_| Column::new(Phys::U32)),
            input: Vec::new(),
            forms: (attrs, input),
            relid,
            rows: 0,
            tally: Tally::default(),
        };
        c.clear();
        c
    }

    fn clear(&mut self) {
        self.attrs = self.forms.0.iter().map(|p| Column::new(*p)).collect();
        self.input = self.forms.1.iter().map(|p| Column::new(*p)).collect();
        self.system = [Phys::Bytes, Phys::U32, Phys::U32, Phys::U32].map(Column::new);
        self.rows = 0;
    }

    /// A changed row: its attributes, where it lies, and the input row it came from.
    fn add(&mut self, attrs: (&[Column], usize), tid: TupleId, xid: Xid, input: Option<(&Batch, usize)>) {
        self.add_marked(attrs, tid, (xid, Xid(0)), input);
    }

    /// The same of a row whose `xmax` says something, too: that it is deleted, or was locked.
    fn add_marked(
        &mut self,
        attrs: (&[Column], usize),
        tid: TupleId,
        (xid, xmax): (Xid, Xid),
        input: Option<(&Batch, usize)>,
    ) {
        self.rows += 1;
        if !self.wanted {
            return;
        }
        self.attrs.iter_mut().zip(attrs.0).for_each(|(to, c)| to.push_from(c, attrs.1));
        self.system[0].push(Datum::Bytes(&crate::heap::tid_bytes(tid)));
        self.system[1].push(Datum::U32(xid.0 as u32));
        self.system[2].push(Datum::U32(xmax.0 as u32));
        self.system[3].push(Datum::U32(self.relid));
        if let Some((batch, row)) = input {
            self.input.iter_mut().zip(&batch.columns).for_each(|(to, c)| to.push_from(c, row));
        }
    }

    /// Takes the rows out.
    fn take(&mut self) -> Batch {
        let rows = self.rows;
        let mut columns = std::mem::take(&mut self.attrs);
        columns.extend(std::mem::replace(&mut self.system, std::array::from_fn(|_| Column::new(Phys::U32))));
        columns.append(&mut self.input);
        self.clear();
        Batch { columns, rows }
    }
}

/// Whether volatile functions of users compute the rows: they see the rows before, PostgreSQL computes one at a time.
fn sees_rows(m: &plan::Modify) -> bool {
    let sees = |e: &Expr| {
        e.any(&mut |x| {
            matches!(&x.kind, ExprKind::Func { func, .. }
                if func.volatility == b'v' && matches!(func.imp, crate::sql::func::FuncImpl::Routine))
        })
    };
    let mut found = match &m.kind {
        ModifyKind::Update { set, .. } => set.iter().any(|s| sees(&s.expr)),
        _ => false,
    };
    crate::sql::exec::build::visit_plan(&m.input, &mut |p| p.for_each_expr(&mut |e| found |= sees(e)));
    found
}

impl Modify {
    pub fn start(m: &plan::Modify, counted: bool, cx: &mut ExecContext) -> Result<Modify> {
        let target = Target::new(m, cx)?;
        let input_forms: Vec<Phys> = m.input.columns.iter().map(|c| phys_of(c.ty)).collect();
        let (method, kept) = match &m.kind {
            ModifyKind::Insert { on_conflict: None } => (Method::Insert(Box::default()), Vec::new()),
            ModifyKind::Insert { on_conflict: Some(c) } => {
                (Method::Conflict(Box::new(conflict::InsertOrUpdate::new(c, &target)?)), Vec::new())
            }
            ModifyKind::Update { ctid, set, recheck } => (
                Method::Update(Box::new(update::Update::new(*ctid, Some(set), recheck.as_ref(), &target))),
                input_forms,
            ),
            ModifyKind::Merge { ctid, whens, recheck } => {
                (Method::Merge(Box::new(merge::Merge::new(*ctid, whens, recheck.as_ref(), &target))), input_forms)
            }
            ModifyKind::Instead(_) => return Err(crate::base::Error::internal("a view has no rows to change")),
            ModifyKind::Delete { ctid, recheck } => {
                (Method::Update(Box::new(update::Update::new(*ctid, None, recheck.as_ref(), &target))), input_forms)
            }
        };
        let sees_rows = sees_rows(m);
        let lazy = std::mem::replace(&mut cx.run.lazy, sees_rows);
        let input = build(&m.input, cx)?;
        cx.run.lazy = lazy;
        let changed = Changed::new(m.returning.is_some(), target.forms.clone(), kept, m.rel.oid.0);
        Ok(Modify {
            input,
            target,
            method,
            returning: m.returning.as_ref().map(|r| Projection::new(r)),
            changed,
            ready: None,
            counted,
            busy: false,
            statements: Some(Statements::new(cx, m)?),
            kinds: kinds(&m.kind),
            waiting: None,
            sees_rows,
        })
    }

    /// The next rows to work on: one where BEFORE ROW triggers fire.
    fn rows(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some((batch, at)) = &mut self.waiting {
            if *at < batch.rows {
                let columns = batch.columns.iter().map(|c| c.gather_rows(&[*at as u32])).collect();
                *at += 1;
                return Ok(Some(Batch { columns, rows: 1 }));
            }
            self.waiting = None;
        }
        let goal = std::mem::replace(&mut cx.run.row_goal, if self.sees_rows { 1 } else { usize::MAX });
        let next = self.input.next(cx);
        cx.run.row_goal = goal;
        let Some(batch) = next? else { return Ok(None) };
        if !self.one_by_one() || batch.rows == 1 {
            return Ok(Some(batch));
        }
        self.waiting = Some((batch, 0));
        self.rows(cx)
    }

    /// Rows of a table with children, from the node above.
    fn accept(&mut self, batch: Batch) {
        self.statements = None;
        match self.one_by_one() && batch.rows > 1 {
            true => self.waiting = Some((batch, 0)),
            false => self.feed(batch),
        }
    }

    /// Goes on with the next row of those to be worked on one by one; false: there is none.
    fn take_waiting(&mut self) -> bool {
        let Some((batch, at)) = &mut self.waiting else { return false };
        if *at == batch.rows {
            self.waiting = None;
            return false;
        }
        let columns = batch.columns.iter().map(|c| c.gather_rows(&[*at as u32])).collect();
        *at += 1;
        self.feed(Batch { columns, rows: 1 });
        true
    }

    fn one_by_one(&self) -> bool {
        self.sees_rows || self.kinds.iter().any(|k| self.target.triggers.fire_before(*k))
    }

    /// Works off the present input batch.
    fn work(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let done = match &mut self.method {
            Method::Insert(i) => i.run(cx, &mut self.target, &mut self.changed),
            Method::Conflict(c) => c.run(cx, &mut self.target, &mut self.changed),
            Method::Update(u) => u.run(cx, &mut self.target, &mut self.changed),
            Method::Merge(m) => m.run(cx, &mut self.target, &mut self.changed),
        };
        match (done, &self.waiting) {
            // The one row that is worked on is this one of the batch.
            (Err(Stop::Error(e)), Some((_, at))) => Err(e.input_row(at.saturating_sub(1)).into()),
            (done, _) => done,
        }
    }

    /// Rows may leave the partition.
    fn let_move(&mut self, held: Option<Error>) {
        match &mut self.method {
            Method::Update(u) => (u.may_move, u.held) = (true, held),
            Method::Merge(m) => m.let_move(held),
            _ => return,
        }
        self.kinds.push(ChangeKind::Delete);
    }

    /// Rows of MERGE that turned out to match nothing any more.
    fn take_strays(&mut self) -> Option<Batch> {
        match &mut self.method {
            Method::Merge(m) => m.take_strays(),
            _ => None,
        }
    }

    /// Rows are to go through one after the other, wherever they go.
    fn alone(&self) -> bool {
        self.target.triggers.fire_for_rows()
    }

    fn take_moved(&mut self) -> Option<Batch> {
        match &mut self.method {
            Method::Update(u) => u.take_moved(),
            Method::Merge(m) => m.take_moved(),
            _ => None,
        }
    }

    /// Whether rows fed are left to be worked on.
    fn goes_on(&mut self) -> bool {
        match &mut self.method {
            Method::Update(u) => u.goes_on(),
            _ => false,
        }
    }

    fn feed(&mut self, batch: Batch) {
        match &mut self.method {
            Method::Insert(i) => i.feed(batch),
            Method::Conflict(c) => c.feed(batch),
            Method::Update(u) => u.feed(batch),
            Method::Merge(m) => m.feed(batch),
        }
        self.busy = true;
    }
}

impl Node for Modify {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let (true, Some(p)) = (self.ready.is_some(), &mut self.returning) {
                return p.take(cx, &mut self.ready).map(Some);
            }
            cx.poll()?;
            if let Some(s) = &mut self.statements {
                s.begin(cx)?;
            }
            if !self.busy {
                let Some(batch) = self.rows(cx)? else {
                    if let Some(s) = &mut self.statements {
                        s.end(cx);
                    }
                    return Ok(None);
                };
                self.feed(batch);
            }
            self.work(cx)?;
            self.busy = self.goes_on();
            if self.counted {
                cx.processed += self.changed.rows as u64;
            }
            let rows = self.changed.rows;
            let batch = self.changed.take();
            if rows > 0 && self.returning.is_some() {
                self.ready = Some(batch);
            }
        }
    }

    /// A data-modifying node runs once.
    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Err(crate::base::Error::internal("a data-modifying plan cannot be run again").into())
    }

    fn report(&self, stats: &mut NodeStats) {
        self.changed.tally.report(stats);
    }
}
