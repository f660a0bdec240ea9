//! UPDATE and DELETE.

use super::row_lock::{Claim, Writer, claim, follow, refuse_triggered};
use super::target::{Entries, Target};
use super::{ChangeKind, Changed};
use crate::base::{Error, Flow, Result, SqlState, Stop, TupleId};
use crate::heap::{HeapFetch, LockStrength, UpdateKind, tid_from_bytes};
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::RowChange;
use crate::sql::exec::user_trigger::RowFiring;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::plan::{LockWait, RowCheckKind, UpdateColumn};
use crate::storage::Storage;
use crate::types::{Batch, Column, Datum};

/// How far the present batch is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Fetch,
    Compute,
    Generate,
    Verify,
    Rows,
}

/// A row looked at anew, because another transaction changed it meanwhile.
struct Anew {
    tid: TupleId,
    /// Newest attributes, then the input row.
    combined: Batch,
    passed: bool,
    computed: Option<Batch>,
    generated: bool,
    moves: bool,
}

/// A row written whose index entries are still to come.
struct Written {
    tid: TupleId,
    hot: bool,
    index: usize,
    entries: Option<Entries>,
}

pub(super) struct Update {
    ctid: usize,
    /// Assigned attributes; None: DELETE.
    attrs: Option<Vec<usize>>,
    /// The same with the generated columns that follow them, as triggers mean it.
    assigned: Option<Vec<usize>>,
    set: Projection,
    recheck: Option<Predicate>,
    fetch: HeapFetch,
    step: Step,
    input: Batch,
    /// Up to here its rows are being worked on, or done: long ones are taken a few at a time.
    upto: usize,
    /// Input rows with a target, and where it lies.
    rows: Vec<u32>,
    tids: Vec<TupleId>,
    /// The targets' attributes, then the input columns, of those rows.
    combined: Batch,
    new: Batch,
    row: usize,
    anew: Option<Anew>,
    /// The version of the present row up to which others' changes have been followed.
    following: Option<TupleId>,
    written: Option<Written>,
    /// BEFORE ROW triggers: the row is locked first, so that they see its newest version.
    locked: bool,
    shown: bool,
    deleted: bool,
    fired: bool,
    firing: RowFiring,
    /// An action of MERGE: it chooses anew for rows that somebody else changed meanwhile.
    merge: bool,
    /// Of such a row: its newest version, if there is one.
    lost: Option<Option<TupleId>>,
    /// Rows of a partition may go into another one of the table written to.
    pub may_move: bool,
    /// Why they may not: a table between is referred to.
    pub held: Option<Error>,
    /// The rows of the present batch that do.
    moves: Vec<bool>,
    /// New rows for other partitions; behind their attributes the input's columns, if RETURNING is asked for.
    moved: Batch,
    /// A new row broke a constraint: raised when those before it are written, which may fail first.
    failed: Option<Error>,
}

impl Update {
    pub fn new(ctid: usize, set: Option<&Vec<UpdateColumn>>, recheck: Option<&Expr>, target: &Target) -> Update {
        let exprs: Vec<Expr> = set.iter().flat_map(|s| s.iter().map(|c| c.expr.clone())).collect();
        let all = (1..=target.forms.len() as i16).collect();
        let attrs: Option<Vec<usize>> = set.map(|s| s.iter().map(|c| c.attr).collect());
        Update {
            ctid,
            assigned: attrs.as_deref().map(|a| target.with_generated(a)),
            attrs,
            set: Projection::new(&exprs),
            recheck: recheck.map(Predicate::new),
            fetch: HeapFetch::new(target.store.clone(), Snapshot::any(), all),
            step: Step::Fetch,
            input: Batch::default(),
            upto: 0,
            rows: Vec::new(),
            tids: Vec::new(),
            combined: Batch::default(),
            new: Batch::default(),
            row: 0,
            anew: None,
            following: None,
            written: None,
            locked: false,
            shown: false,
            deleted: false,
            fired: false,
            firing: RowFiring::default(),
            merge: false,
            lost: None,
            may_move: false,
            held: None,
            moves: Vec::new(),
            moved: Batch::default(),
            failed: None,
        }
    }

    pub fn of_merge(mut self) -> Update {
        self.merge = true;
        self
    }

    pub fn deletes(&self) -> bool {
        self.attrs.is_none()
    }

    /// What MERGE refuses of what became of a row to be changed.
    fn refuse_in_merge(&self, found: &crate::heap::TmResult) -> Result<()> {
        use crate::heap::TmResult;
        match found {
            TmResult::SelfModified { .. } if self.merge => {
                Err(Error::new(SqlState::CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time")
                    .hint("Ensure that not more than one source row matches any one target row.")
                    .place("ExecMergeMatched", "nodeModifyTable.c", 3050))
            }
            _ => Ok(()),
        }
    }

    /// The row was not changed, since somebody else has changed it: its newest version, if there is one.
    pub fn take_lost(&mut self) -> Option<Option<TupleId>> {
        self.lost.take()
    }

    /// Takes out the rows that belong into other partitions.
    pub fn take_moved(&mut self) -> Option<Batch> {
        let moved = std::mem::take(&mut self.moved);
        (moved.rows > 0).then_some(moved)
    }

    pub fn feed(&mut self, batch: Batch) {
        self.input = batch;
        self.upto = 0;
        self.step = Step::Fetch;
        self.row = 0;
        self.failed = None;
    }

    /// Whether rows fed are left when a run is done.
    pub fn goes_on(&mut self) -> bool {
        let more = self.upto < self.input.rows;
        if more {
            self.step = Step::Fetch;
            self.row = 0;
        }
        more
    }

    pub fn run(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        if self.step == Step::Fetch {
            self.fetch_targets(cx, target, changed)?;
            self.step = if self.attrs.is_some() { Step::Compute } else { Step::Rows };
            (self.locked, self.shown, self.fired) = (false, false, false);
            self.deleted = false;
        }
        if self.step == Step::Compute {
            let (columns, done) = self.set.run_some(cx, &self.combined, Sel::All(self.combined.rows))?;
            if done < self.combined.rows {
                self.upto = self.rows[done] as usize;
                self.rows.truncate(done);
                self.tids.truncate(done);
                self.combined = self.combined.slice(0..done);
            }
            self.new = assigned(&self.combined, self.attrs.as_deref(), columns, target.forms.len());
            self.step = Step::Generate;
            if self.fires(target) {
                // Triggers come first, and see the newest version of the row.
                self.step = Step::Rows;
            }
        }
        if self.step == Step::Generate {
            target.generate(cx, &mut self.new)?;
            self.step = Step::Verify;
        }
        if self.step == Step::Verify {
            self.moves = loop {
                match verify_or_move(cx, target, &self.new, self.may_move) {
                    Err(Stop::Error(e)) if e.0.input_row.is_some_and(|row| row > 0) => {
                        let before = e.0.input_row.unwrap_or_default().min(self.new.rows - 1);
                        self.new = self.new.first(before);
                        self.rows.truncate(before);
                        self.tids.truncate(before);
                        self.failed = Some(e);
                    }
                    other => break other?,
                }
            };
            self.step = Step::Rows;
        }
        while self.row < self.rows.len() {
            cx.interrupts.check()?;
            if !self.fired && self.fires(target) {
                if !self.before(cx, target)? {
                    self.row += 1;
                    self.anew = None;
                    continue;
                }
                self.fired = true;
            }
            self.change_row(cx, target, changed)?;
            self.row += 1;
            self.anew = None;
            self.written = None;
        }
        self.failed.take().map_or(Ok(()), |e| Err(e.into()))
    }

    /// The targets' present attributes. A plain DELETE needs none.
    fn fetch_targets(&mut self, cx: &mut ExecContext, target: &Target, changed: &Changed) -> Result<()> {
        let noted = target.wants(ChangeKind::Delete) || target.triggers.fire_before(ChangeKind::Delete);
        let needed = self.attrs.is_some() || changed.wanted || noted;
        let storage = cx.storage()?;
        self.rows.clear();
        self.tids.clear();
        let mut old = Batch::default();
        self.fetch.prepare(&mut old);
        while self.upto < self.input.rows && !old.is_full() {
            let row = self.upto;
            self.upto += 1;
            let Datum::Bytes(b) = self.input.columns[self.ctid].get(row) else { continue };
            let Some(tid) = tid_from_bytes(b) else { continue };
            if needed && self.fetch.fetch_version(&storage, tid, &mut old)?.is_none() {
                continue;
            }
            crosscheck(cx, &storage, target, tid)?;
            self.rows.push(row as u32);
            self.tids.push(tid);
        }
        old.rows = self.rows.len();
        self.combined = Batch { columns: Vec::new(), rows: old.rows };
        if needed {
            self.combined = joined(old, &self.input, &self.rows);
        }
        Ok(())
    }

    fn kind(&self) -> ChangeKind {
        if self.attrs.is_some() { ChangeKind::Update } else { ChangeKind::Delete }
    }

    fn fires(&self, target: &Target) -> bool {
        let before = |kind| target.triggers.fire_before(kind);
        before(self.kind()) || self.may_move && before(ChangeKind::Delete)
    }

    /// Locks the present row (there is one) and shows its newest version to the BEFORE ROW triggers. False: it is to be
    /// left alone.
    fn before(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<bool> {
        while !self.locked {
            if !self.catch_up(cx, target)? {
                return Ok(false);
            }
            if self.anew.is_some() && !self.look_anew(cx, target)? {
                return Ok(false);
            }
            let tid = self.anew.as_ref().map_or(self.tids[self.row], |a| a.tid);
            let strength = self.strength(target);
            let writer = Writer::of_statement(cx)?;
            let found = crate::heap::lock_tuple(&writer.context(), &target.store, tid, strength)?;
            let doing = if self.attrs.is_some() { "updating" } else { "deleting" };
            // Whatever is to be done (PostgreSQL 15, trigger.c, GetTupleForTrigger).
            refuse_triggered(&found, writer.cid, "updated")?;
            self.refuse_in_merge(&found)?;
            let became = claim(cx, found, &target.rel, LockWait::Block, (doing, tid))?;
            match became {
                Claim::Mine => self.locked = true,
                Claim::Again => {}
                Claim::Gone | Claim::Newer(_) if self.merge => {
                    self.lost = Some(newest(became));
                    return Ok(false);
                }
                Claim::Gone => return Ok(false),
                Claim::Newer(ctid) => self.following = Some(ctid),
            }
        }
        let (kind, width) = (self.kind(), target.forms.len());
        if !self.shown {
            let triggers = target.triggers.clone();
            let (old, old_row, new) = match self.anew.as_mut() {
                Some(a) => (&a.combined, 0, a.computed.as_mut()),
                None => (&self.combined, self.row, Some(&mut self.new)),
            };
            let old = Some((&old.columns[..width], old_row));
            let mut new = new.filter(|_| kind == ChangeKind::Update);
            if let Some(new) = new.as_mut().filter(|_| !self.firing.is_under_way()) {
                target.forget_generated(new);
            }
            if !self.firing.run(cx, &triggers.before, kind, self.assigned.as_deref(), old, new)? {
                return Ok(false);
            }
            self.shown = true;
        }
        let new = match self.anew.as_mut() {
            Some(a) => a.computed.as_mut(),
            None => Some(&mut self.new),
        };
        if let Some(new) = new.filter(|_| kind == ChangeKind::Update) {
            target.generate(cx, new)?;
            // The batch is one row where triggers fire.
            let moves = verify_or_move(cx, target, new, self.may_move)?;
            match &mut self.anew {
                Some(a) => a.moves = moves.first().copied().unwrap_or(false),
                None => self.moves = moves,
            }
        }
        if self.moves() && !self.deleted {
            // Where it was, it is deleted.
            let triggers = target.triggers.clone();
            let (old, row) = match &self.anew {
                Some(a) => (&a.combined, 0),
                None => (&self.combined, self.row),
            };
            let old = Some((&old.columns[..width], row));
            if !self.firing.run(cx, &triggers.before, ChangeKind::Delete, None, old, None)? {
                return Ok(false);
            }
            self.deleted = true;
        }
        Ok(true)
    }

    fn strength(&self, target: &Target) -> LockStrength {
        self.attrs.as_ref().map_or(LockStrength::Update, |a| target.lock_to_assign(a))
    }

    /// Where others have changed the present row: locks its newest version and goes on with that; false: it is gone.
    fn catch_up(&mut self, cx: &mut ExecContext, target: &Target) -> Flow<bool> {
        let strength = self.strength(target);
        let words = match self.attrs {
            Some(_) => ("updating", "updated"),
            None => ("deleting", "deleted"),
        };
        let Some(at) = &mut self.following else { return Ok(true) };
        let there = follow(cx, target, at, strength, words)?;
        let at = *at;
        self.following = None;
        Ok(there && self.reach(cx, at)?)
    }

    /// Goes on with a newer version of the present row; false: it is gone.
    fn reach(&mut self, cx: &mut ExecContext, ctid: TupleId) -> Result<bool> {
        let mut newest = Batch::default();
        self.fetch.prepare(&mut newest);
        let storage = cx.storage()?;
        if self.fetch.fetch_version(&storage, ctid, &mut newest)?.is_none() {
            return Ok(false);
        }
        newest.rows = 1;
        let combined = joined(newest, &self.input, &[self.rows[self.row]]);
        self.anew = Some(Anew { tid: ctid, combined, passed: false, computed: None, generated: false, moves: false });
        Ok(true)
    }

    /// Changes the present row: its version as read, or the newest one.
    fn change_row(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        while self.written.is_none() {
            if !self.catch_up(cx, target)? {
                return Ok(());
            }
            if self.anew.is_some() && !self.look_anew(cx, target)? {
                return Ok(());
            }
            let tid = self.anew.as_ref().map_or(self.tids[self.row], |a| a.tid);
            let writer = Writer::of_statement(cx)?;
            let moves = self.moves();
            if let (true, Some(e)) = (moves, &self.held) {
                return Err(e.clone().into());
            }
            let (found, at, hot) = if moves {
                (crate::heap::delete_moved(&writer.context(), &target.store, tid)?, tid, true)
            } else if self.attrs.is_some() {
                let (old, old_row, new, new_row) = self.versions();
                let kind = kind_of(target, old, old_row, new, new_row);
                let done = crate::heap::update(&writer.context(), &target.store, tid, new, new_row, kind)?;
                (done.result, done.tid, done.hot)
            } else {
                (crate::heap::delete(&writer.context(), &target.store, tid)?, tid, true)
            };
            let doing = if self.attrs.is_some() { "updating" } else { "deleting" };
            let verb = match &self.attrs {
                _ if self.merge => "updated or deleted",
                Some(_) => "updated",
                None => "deleted",
            };
            refuse_triggered(&found, writer.cid, verb)?;
            self.refuse_in_merge(&found)?;
            let became = claim(cx, found, &target.rel, LockWait::Block, (doing, tid))?;
            match became {
                Claim::Mine => {
                    let index = if hot { target.indexes.len() } else { 0 };
                    self.written = Some(Written { tid: at, hot, index, entries: None });
                }
                Claim::Again => {}
                Claim::Gone | Claim::Newer(_) if self.merge => {
                    self.lost = Some(newest(became));
                    return Ok(());
                }
                Claim::Gone => return Ok(()),
                Claim::Newer(ctid) => self.following = Some(ctid),
            }
        }
        self.index_row(cx, target)?;
        if self.attrs.is_some() && !self.moves() {
            let (_, _, new, row) = self.versions();
            target.enforce_view(cx, new, row)?;
        }
        self.finish_row(cx, target, changed)
    }

    /// EvalPlanQual: condition and new values again, over the newest version. False: the row is not wanted any more.
    fn look_anew(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<bool> {
        let fires = self.fires(target);
        let Some(anew) = &mut self.anew else { return Ok(true) };
        if !anew.passed {
            if let Some(p) = &mut self.recheck
                && p.run(cx, &anew.combined)?.is_some()
            {
                return Ok(false);
            }
            anew.passed = true;
        }
        if self.attrs.is_none() {
            return Ok(true);
        }
        if anew.computed.is_none() {
            let columns = self.set.run(cx, &anew.combined, Sel::All(1))?;
            anew.computed = Some(assigned(&anew.combined, self.attrs.as_deref(), columns, target.forms.len()));
        }
        if !self.fired && fires {
            // Triggers see it first.
            return Ok(true);
        }
        if let Some(new) = &mut anew.computed
            && !anew.generated
        {
            target.generate(cx, new)?;
            anew.generated = true;
        }
        if let Some(new) = &anew.computed {
            anew.moves = verify_or_move(cx, target, new, self.may_move)?.first().copied().unwrap_or(false);
        }
        Ok(true)
    }

    /// The present row's new version belongs into another partition.
    fn moves(&self) -> bool {
        match &self.anew {
            Some(a) => a.moves,
            None => self.moves.get(self.row).copied().unwrap_or(false),
        }
    }

    /// Old and new version of the present row.
    fn versions(&self) -> (&Batch, usize, &Batch, usize) {
        match self.anew.as_ref().and_then(|a| a.computed.as_ref().map(|c| (a, c))) {
            Some((a, computed)) => (&a.combined, 0, computed, 0),
            None => (&self.combined, self.row, &self.new, self.row),
        }
    }

    /// Index entries of a new version that is not heap-only.
    fn index_row(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<()> {
        while let Some(w) = &mut self.written
            && w.index < target.indexes.len()
        {
            let (new, row) = match self.anew.as_ref().and_then(|a| a.computed.as_ref()) {
                Some(b) => (b, 0),
                None => (&self.new, self.row),
            };
            if w.entries.is_none() {
                w.entries = Some(target.entries(cx, w.index, new, &[row as u32], &[w.tid])?);
            }
            if let Some(entries) = &mut w.entries
                && target.put(cx, w.index, entries)?.is_some()
            {
                return Err(target.duplicate(cx, w.index, entries).into());
            }
            w.entries = None;
            w.index += 1;
        }
        Ok(())
    }

    fn finish_row(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        let Some(w) = &self.written else { return Ok(()) };
        let backend = cx.backend()?;
        match self.attrs.is_some() && !self.moves() {
            true => backend.stats.count_update(target.rel.oid, w.hot),
            false => backend.stats.count_delete(target.rel.oid, 1),
        }
        let xid = backend.txn.xid();
        let input = Some((&self.input, self.rows[self.row] as usize));
        let (old, old_row) = match &self.anew {
            Some(a) => (&a.combined, 0),
            None => (&self.combined, self.row),
        };
        let kind = if self.attrs.is_some() { ChangeKind::Update } else { ChangeKind::Delete };
        let old_tid = self.anew.as_ref().map_or(self.tids[self.row], |a| a.tid);
        let mut change = RowChange {
            kind,
            old: Some((old.columns.as_slice(), old_row)),
            new: None,
            old_tid,
            tid: w.tid,
            assigned: self.assigned.as_deref(),
        };
        if self.attrs.is_none() {
            target.note(cx, &change)?;
            changed.add_marked((&old.columns, old_row), w.tid, (xid, xid), input);
            return Ok(());
        }
        let (_, _, new, new_row) = self.versions();
        change.new = Some((new.columns.as_slice(), new_row));
        if self.moves() {
            change.kind = ChangeKind::Move;
            target.note(cx, &change)?;
            let beside = input.filter(|_| changed.wanted);
            let from = beside.iter().flat_map(|(batch, row)| batch.columns.iter().map(move |c| (c, *row)));
            let all = new.columns.iter().map(|c| (c, new_row)).chain(from);
            let one = Batch { columns: all.map(|(c, row)| c.gather_rows(&[row as u32])).collect(), rows: 1 };
            append(&mut self.moved, one);
            return Ok(());
        }
        target.note(cx, &change)?;
        changed.add((&new.columns, new_row), w.tid, xid, input);
        Ok(())
    }
}

fn newest(became: Claim) -> Option<TupleId> {
    match became {
        Claim::Newer(ctid) => Some(ctid),
        _ => None,
    }
}

/// Checks new rows, but for those that go elsewhere: which are they? To be repeated with the same batch after a `Stop`.
fn verify_or_move(cx: &mut ExecContext, target: &mut Target, new: &Batch, may_move: bool) -> Flow<Vec<bool>> {
    let Some(fit) = target.fit.as_mut().filter(|_| may_move) else {
        target.verify(cx, new, RowCheckKind::Update)?;
        return Ok(Vec::new());
    };
    let fits = fit.test(cx, new)?;
    let stay: Vec<u32> = (0..new.rows as u32).filter(|r| fits[*r as usize]).collect();
    match stay.len() == new.rows {
        true => {
            target.enforce(cx, new, RowCheckKind::Update)?;
            target.verify_constraints(cx, new)?;
        }
        false => {
            let columns = new.columns.iter().map(|c| c.gather_rows(&stay)).collect();
            let alone = Batch { columns, rows: stay.len() };
            let refused = |stop| match stop {
                Stop::Error(mut e) => {
                    e.0.input_row = e.0.input_row.and_then(|row| stay.get(row)).map(|row| *row as usize);
                    Stop::Error(e)
                }
                other => other,
            };
            target.enforce(cx, &alone, RowCheckKind::Update).map_err(refused)?;
            target.verify_constraints(cx, &alone).map_err(refused)?;
        }
    }
    Ok(fits.into_iter().map(|f| !f).collect())
}

/// Adds the rows of a batch to one with the same columns.
pub(super) fn append(to: &mut Batch, more: Batch) {
    if to.columns.is_empty() {
        *to = more;
        return;
    }
    for row in 0..more.rows {
        to.columns.iter_mut().zip(&more.columns).for_each(|(t, c)| t.push_from(c, row));
    }
    to.rows += more.rows;
}

/// What a foreign key's action finds must be there for the transaction's own snapshot, too (PostgreSQL 15, heapam.c,
/// heap_update: its crosscheck).
fn crosscheck(cx: &mut ExecContext, storage: &Storage, target: &Target, tid: TupleId) -> Result<()> {
    let Some(snapshot) = cx.run.crosscheck.clone() else { return Ok(()) };
    let mut fetch = HeapFetch::new(target.store.clone(), snapshot, Vec::new());
    match fetch.fetch_exact(storage, tid, &mut Batch::default())? {
        Some(_) => Ok(()),
        None => Err(crate::err!(SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")),
    }
}

/// Rows side by side with the input rows named.
pub(super) fn joined(mut left: Batch, input: &Batch, rows: &[u32]) -> Batch {
    left.columns.extend(input.columns.iter().map(|c| c.gather_rows(rows)));
    left
}

/// The old attributes with the assigned ones replaced.
fn assigned(combined: &Batch, attrs: Option<&[usize]>, columns: Vec<Column>, width: usize) -> Batch {
    let mut new = Batch { columns: combined.columns[..width].to_vec(), rows: combined.rows };
    for (attr, column) in attrs.unwrap_or_default().iter().zip(columns) {
        new.columns[*attr] = column;
    }
    new
}

/// Whether values some index reads have changed, and whether a unique key has.
fn kind_of(target: &Target, old: &Batch, old_row: usize, new: &Batch, new_row: usize) -> UpdateKind {
    let differs = |attr: &usize| old.columns[*attr].get(old_row) != new.columns[*attr].get(new_row);
    let mut kind = UpdateKind { indexed_changed: false, key_changed: false };
    for i in &target.indexes {
        if i.reads.iter().any(differs) {
            kind.indexed_changed = true;
            kind.key_changed |= i.key.iter().any(differs);
        }
    }
    kind
}
