//! The relation written to: its constraints, generated columns and indexes.

use super::ChangeKind;
use super::partition::Fit;
use super::row_check::RowChecks;
use super::row_lock::Writer;
use super::verify::{self, Shown};
use crate::base::{Error, Flow, Result, Stop, TupleId};
use crate::btree::{IndexEntry, Inserted};
use crate::catalog::IndexMethod;
use crate::catalog::{Index, Relation};
use crate::heap::{LockStrength, Occupant, TableStore, occupant};
use crate::sql::exec::after_row::transition::Capture;
use crate::sql::exec::after_row::{self, RowChange, RowTrigger, RowTriggers};
use crate::sql::exec::exclusion::{Exclusion, Met};
use crate::sql::exec::user_trigger::UserTrigger;
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::{self, RowCheckKind};
use crate::types::{Batch, Column, ColumnData, Phys};
use std::sync::Arc;

/// One index to be maintained.
pub(super) struct IndexTarget {
    pub index: Arc<Index>,
    columns: Projection,
    predicate: Option<Projection>,
    /// 0-based attributes its columns and its predicate read.
    pub reads: Vec<usize>,
    /// The attributes foreign keys may refer to: the index is unique and has all rows. What it only includes is no key.
    pub key: Vec<usize>,
    /// Its key may have duplicates until the statement or the transaction ends.
    pub deferrable: Option<Arc<RowTrigger>>,
    pub exclusion: Option<Box<Exclusion>>,
}

/// Entries of one index for some rows.
#[derive(Default)]
pub(super) struct Entries {
    pub list: Vec<IndexEntry>,
    /// Values of the index's columns, by entry.
    pub values: Vec<Column>,
    /// The batch's row of each entry.
    rows: Vec<u32>,
    pub done: usize,
    /// EXCLUDE: the constrained values, by entry, and those of a row that was met.
    pub constrained: Vec<Column>,
    met: Vec<Column>,
}

pub(super) struct Target {
    pub rel: Arc<Relation>,
    pub store: Arc<TableStore>,
    pub forms: Vec<Phys>,
    generated: Vec<usize>,
    /// What generated columns are computed from.
    sources: Vec<Vec<usize>>,
    generate: Projection,
    check_names: Vec<String>,
    checks: Projection,
    row_checks: RowChecks,
    shown: Shown,
    pub indexes: Vec<IndexTarget>,
    pub triggers: Arc<RowTriggers>,
    /// Rows kept for transition tables.
    pub capture: Option<Capture>,
    /// Of a partition: its bounds, which new rows must fulfil.
    pub fit: Option<Fit>,
    /// Rows come by way of the bounds, and fulfil them.
    pub routed: bool,
}

pub(super) fn reads(exprs: &[&Expr]) -> Vec<usize> {
    let mut found = Vec::new();
    for e in exprs {
        e.walk(&mut |e| {
            if let ExprKind::Column(n) = e.kind {
                found.push(n);
            }
            true
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Expressions without side effects over all rows; a fault names the row it is about.
fn naming_row(of: &mut Projection, cx: &mut ExecContext, batch: &Batch) -> Flow<Vec<Column>> {
    match of.run(cx, batch, Sel::All(batch.rows)) {
        Err(Stop::Error(e)) if batch.rows > 1 => {
            of.reset();
            for row in 0..batch.rows as u32 {
                match of.run(cx, batch, Sel::Rows(&[row])) {
                    Ok(_) => {}
                    Err(Stop::Error(e)) => return Err(e.input_row(row as usize).into()),
                    // Which one it is does not matter enough to wait for.
                    Err(_) => break,
                }
            }
            Err(e.into())
        }
        done => done,
    }
}

impl Target {
    pub fn new(m: &plan::Modify, cx: &mut ExecContext) -> Result<Target> {
        let (updates, deletes) = m.kind.changes();
        super::super::replica_identity::check(cx, &m.rel, updates, deletes)?;
        let triggers = after_row::of_relation(cx, &m.rel)?;
        let index = |i: &plan::IndexMaintenance| -> Result<IndexTarget> {
            let mut all: Vec<&Expr> = i.columns.iter().collect();
            all.extend(&i.predicate);
            let excludes = !i.index.exclusion.is_empty();
            Ok(IndexTarget {
                exclusion: excludes.then(|| Exclusion::new(cx, &m.rel, &i.index).map(Box::new)).transpose()?,
                index: i.index.clone(),
                columns: Projection::new(&i.columns),
                predicate: i.predicate.as_ref().map(|p| Projection::new(std::slice::from_ref(p))),
                reads: reads(&all),
                key: match i.index.unique && i.predicate.is_none() && i.index.columns.iter().all(|c| c.expr.is_none()) {
                    true => reads(&i.columns.iter().take(i.index.key_columns).collect::<Vec<_>>()),
                    false => Vec::new(),
                },
                deferrable: triggers.key(i.index.oid),
            })
        };
        let checks: Vec<Expr> = m.checks.iter().map(|(_, e)| e.clone()).collect();
        let generate: Vec<Expr> = m.generated.iter().map(|(_, e)| e.clone()).collect();
        let indexes = m.index_exprs.iter().map(index).collect::<Result<_>>()?;
        Ok(Target {
            store: super::super::seq_scan::store_of(&m.rel)?,
            forms: m.rel.attributes.iter().map(|a| phys_of(a.ty)).collect(),
            rel: m.rel.clone(),
            generated: m.generated.iter().map(|(n, _)| *n).collect(),
            sources: generate.iter().map(|e| reads(&[e])).collect(),
            generate: Projection::new(&generate),
            check_names: m.checks.iter().map(|(n, _)| n.clone()).collect(),
            checks: Projection::new(&checks),
            row_checks: RowChecks::new(&m.row_checks),
            shown: Shown::of(m)?,
            indexes,
            triggers: triggers.clone(),
            capture: Capture::of(&m.rel),
            fit: Fit::of(cx, &m.rel)?,
            routed: false,
        })
    }

    /// How a row is locked to give these attributes values: others may go on to refer to it unless some of them are of a
    /// key, whether or not their values change (PostgreSQL 15, execMain.c, ExecUpdateLockMode).
    pub fn lock_to_assign(&self, attrs: &[usize]) -> LockStrength {
        match self.indexes.iter().any(|i| i.key.iter().any(|k| attrs.contains(k))) {
            true => LockStrength::Update,
            false => LockStrength::NoKeyUpdate,
        }
    }

    /// The attributes that change with those a statement assigns; a BEFORE trigger may assign any.
    pub fn with_generated(&self, set: &[usize]) -> Vec<usize> {
        let any = self.triggers.fire_before(ChangeKind::Update);
        let follows = |(_, from): &(&usize, &Vec<usize>)| any || from.iter().any(|n| set.contains(n));
        let computed = self.generated.iter().zip(&self.sources).filter(follows).map(|(n, _)| *n);
        set.iter().copied().chain(computed).collect()
    }

    /// Computes generated columns of new rows. To be repeated with the same batch after a `Stop`.
    pub fn generate(&mut self, cx: &mut ExecContext, batch: &mut Batch) -> Flow<()> {
        if self.generated.is_empty() {
            return Ok(());
        }
        let columns = naming_row(&mut self.generate, cx, batch)?;
        for (n, c) in self.generated.iter().zip(columns) {
            batch.columns[*n] = c;
        }
        Ok(())
    }

    /// What BEFORE triggers see of generated columns: nothing.
    pub fn forget_generated(&self, batch: &mut Batch) {
        for n in &self.generated {
            batch.columns[*n] = Column::constant(self.forms[*n], crate::types::Datum::Null, batch.rows);
        }
    }

    /// Checks new rows of INSERT or UPDATE. To be repeated with the same batch after a `Stop`.
    pub fn verify(&mut self, cx: &mut ExecContext, batch: &Batch, kind: RowCheckKind) -> Flow<()> {
        self.enforce(cx, batch, kind)?;
        // A trigger may have changed what has found its way.
        let fired = self.routed && self.triggers.fire_before(ChangeKind::Insert);
        if let Some(fit) = self.fit.as_mut().filter(|_| !self.routed || fired) {
            if fired
                && fit.test(cx, batch)?.contains(&false)
                && let Some(e) = self.sent_away()
            {
                return Err(e.into());
            }
            let Some(fit) = self.fit.as_mut() else { return Err(Error::internal("a partition without bounds").into()) };
            fit.enforce(cx, &self.rel, &self.shown, batch)?;
        }
        self.verify_constraints(cx, batch)
    }

    /// 0A000 for a row that a BEFORE trigger of the whole table has made one of another partition. What triggers of the
    /// partition alone do just does not fit.
    #[cold]
    fn sent_away(&self) -> Option<Error> {
        let of_tree = |t: &&Arc<UserTrigger>| t.is_for(ChangeKind::Insert) && t.def.parent.is_valid();
        let name = &self.triggers.before.iter().rfind(of_tree)?.def.name;
        let (schema, part) = (&self.rel.schema, &self.rel.name);
        let text = "moving row to another partition during a BEFORE FOR EACH ROW trigger is not supported";
        Some(Error::unsupported(text).detail(format!(
            "Before executing trigger \"{name}\", the row was to be in partition \"{schema}.{part}\"."
        )))
    }

    /// Checks what ON CONFLICT makes of a row, which must stay where it is.
    pub fn verify_conflict(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<()> {
        if self.routed
            && let Some(fit) = &mut self.fit
            && fit.test(cx, batch)?.contains(&false)
        {
            return Err(Error::unsupported("invalid ON UPDATE specification")
                .detail("The result tuple would appear in a different partition than the original tuple.")
                .into());
        }
        self.verify(cx, batch, RowCheckKind::Update)
    }

    /// An attribute's column of NULLs, for dropped ones.
    pub fn empty_column(&self, attr: usize, rows: usize) -> Column {
        let mut c = Column::new(self.forms[attr]);
        (0..rows).for_each(|_| c.push(crate::types::Datum::Null));
        c
    }

    /// NOT NULL and CHECK alone. What views say of rows is asked when they are in: [`Target::enforce_view`].
    pub fn verify_constraints(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<()> {
        verify::not_null(cx, &self.rel, &self.shown, batch)?;
        if !self.check_names.is_empty() {
            let answers = naming_row(&mut self.checks, cx, batch)?;
            for (name, answer) in self.check_names.iter().zip(&answers) {
                verify::check(cx, &self.rel, &self.shown, batch, name, answer)?;
            }
        }
        Ok(())
    }

    /// WITH CHECK OPTION of a row that has its entries in the indexes. PostgreSQL 15, nodeModifyTable.c, ExecInsert: the
    /// same order, so that a duplicate is told first. To be repeated with the same row after a `Stop`.
    pub fn enforce_view(&mut self, cx: &mut ExecContext, new: &Batch, row: usize) -> Flow<()> {
        if !self.row_checks.has(RowCheckKind::View) {
            return Ok(());
        }
        let one = Batch { columns: new.columns.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 };
        self.enforce(cx, &one, RowCheckKind::View)
    }

    /// What policies say of rows. To be repeated with the same batch after a `Stop`.
    pub fn enforce(&mut self, cx: &mut ExecContext, batch: &Batch, kind: RowCheckKind) -> Flow<()> {
        self.row_checks.enforce(cx, &self.shown, batch, kind)
    }

    /// The entries of one index for rows that lie at `tids`; rows outside a partial index have none. To be repeated
    /// with the same arguments after a `Stop`.
    pub fn entries(
        &mut self,
        cx: &mut ExecContext,
        n: usize,
        batch: &Batch,
        rows: &[u32],
        tids: &[TupleId],
    ) -> Flow<Entries> {
        let target = &mut self.indexes[n];
        if !target.index.ready {
            return Ok(Entries::default());
        }
        let mut wanted: Vec<(u32, TupleId)> = rows.iter().copied().zip(tids.iter().copied()).collect();
        if let Some(p) = &mut target.predicate {
            let answer = p.run(cx, batch, Sel::Rows(rows))?;
            if let ColumnData::Bool(values) = &answer[0].data {
                let mut at = 0;
                wanted.retain(|_| {
                    at += 1;
                    values[at - 1] && !answer[0].is_null(at - 1)
                });
            }
        }
        let picked: Vec<u32> = wanted.iter().map(|w| w.0).collect();
        let sel = if picked.len() == batch.rows { Sel::All(batch.rows) } else { Sel::Rows(&picked) };
        let values = target.columns.run(cx, batch, sel)?;
        let constrained = match &mut target.exclusion {
            Some(e) => e.values(cx, batch, sel)?,
            None => Vec::new(),
        };
        let keys = target.index.key_columns;
        let (mut list, mut found) = (Vec::with_capacity(picked.len()), Vec::new());
        for (at, (_, tid)) in wanted.iter().enumerate() {
            target.index.keys(values[..keys].iter().map(|c| c.get(at)), &mut found);
            let has_null = !target.index.nulls_not_distinct && values[..keys].iter().any(|c| c.is_null(at));
            let entry = |key| IndexEntry { key, tid: Some(*tid), has_null };
            list.extend(found.drain(..).map(entry));
        }
        if target.index.method == IndexMethod::Gin {
            // Ascending keys share a page's latch and a log record.
            list.sort_unstable_by(|a, b| a.key.cmp(&b.key).then(a.tid.cmp(&b.tid)));
        }
        Ok(Entries { list, values, rows: picked, done: 0, constrained, met: Vec::new() })
    }

    /// Puts entries into their index. Waits for transactions on whose end a duplicate depends; `entries` keeps count.
    /// None: all are in. Some: a living duplicate, of the entry `done`.
    pub fn put(&mut self, cx: &mut ExecContext, n: usize, entries: &mut Entries) -> Flow<Option<TupleId>> {
        if self.indexes[n].exclusion.is_some() {
            return self.put_apart(cx, n, entries);
        }
        let target = &self.indexes[n];
        let writer = Writer::of_statement(cx)?;
        let store = &target.index.store;
        if let Some(trigger) = &target.deferrable {
            self.put_for_now(cx, n, trigger, entries)?;
            return Ok(None);
        }
        if !target.index.unique {
            target.index.insert(&writer.storage, writer.inserter(), &entries.list[entries.done..])?;
            entries.done = entries.list.len();
            return Ok(None);
        }
        while entries.done < entries.list.len() {
            let mut judge = |tid| occupant(&writer.storage, &self.store, tid, &writer.own);
            let rest = &entries.list[entries.done..];
            let (count, met) = store.insert_unique(&writer.storage, writer.inserter(), rest, &mut judge)?;
            entries.done += count;
            match met {
                Inserted::Done => {}
                Inserted::Duplicate(tid) => return Ok(Some(tid)),
                Inserted::Doubtful(xid) => {
                    let tid = entries.list[entries.done].tid.unwrap_or(TupleId::INVALID);
                    let index = &target.index.name;
                    cx.wait_for(xid, || format!("while inserting index tuple {tid} in relation \"{index}\""))?;
                }
            }
        }
        Ok(None)
    }

    /// Puts entries into an index whose rows keep out of each other's way.
    fn put_apart(&mut self, cx: &mut ExecContext, n: usize, entries: &mut Entries) -> Flow<Option<TupleId>> {
        let target = &mut self.indexes[n];
        let Some(exclusion) = &mut target.exclusion else { return Ok(None) };
        let index = target.index.clone();
        while entries.done < entries.list.len() {
            let writer = Writer::of_statement(cx)?;
            let entry = std::slice::from_ref(&entries.list[entries.done]);
            let own = entry[0].tid;
            if let Some(trigger) = &target.deferrable {
                index.insert(&writer.storage, writer.inserter(), entry)?;
                if !matches!(exclusion.look(cx, &entries.constrained, entries.done, own)?, Met::Nothing) {
                    let tid = own.unwrap_or(TupleId::INVALID);
                    after_row::unique::note(cx, trigger, &entries.constrained, entries.done, tid)?;
                }
                entries.done += 1;
                continue;
            }
            let met = {
                let _alone = index.store.unique_mutex(&[]);
                let met = exclusion.look(cx, &entries.constrained, entries.done, own)?;
                if matches!(met, Met::Nothing) {
                    index.insert(&writer.storage, writer.inserter(), entry)?;
                }
                met
            };
            match met {
                Met::Nothing => entries.done += 1,
                Met::Row(tid, existing) => {
                    entries.met = existing;
                    return Ok(Some(tid));
                }
                Met::Doubtful(xid) => {
                    let (tid, rel) = (own.unwrap_or(TupleId::INVALID), &self.rel.name);
                    cx.wait_for(xid, || {
                        format!("while checking exclusion constraint on tuple {tid} in relation \"{rel}\"")
                    })?;
                }
            }
        }
        Ok(None)
    }

    /// Puts entries of a deferrable key into their index; who may have a twin there is looked at later.
    fn put_for_now(
        &self,
        cx: &mut ExecContext,
        n: usize,
        trigger: &Arc<RowTrigger>,
        entries: &mut Entries,
    ) -> Flow<()> {
        let index = &self.indexes[n].index;
        let writer = Writer::of_statement(cx)?;
        while entries.done < entries.list.len() {
            let entry = &entries.list[entries.done];
            index.store.insert(&writer.storage, writer.inserter(), std::slice::from_ref(entry))?;
            let own = entry.tid.unwrap_or(TupleId::INVALID);
            let mut twin = false;
            if !entry.has_null {
                for tid in index.store.tids_of(&writer.storage, &entry.key, None)? {
                    let found = occupant(&writer.storage, &self.store, tid, &writer.own)?;
                    twin |= tid != own && !matches!(found, Occupant::None { .. });
                }
            }
            if twin {
                let key = &entries.values[..index.key_columns];
                after_row::unique::note(cx, trigger, key, entries.done, own)?;
            }
            entries.done += 1;
        }
        Ok(())
    }

    /// 23505 for the entry that met a duplicate.
    #[cold]
    pub fn duplicate(&self, cx: &mut ExecContext, n: usize, entries: &Entries) -> Error {
        let row = entries.rows.get(entries.done).map_or(0, |r| *r as usize);
        let index = &self.indexes[n].index;
        if let Some(e) = &self.indexes[n].exclusion {
            return e.violated(cx, &entries.constrained, entries.done, &entries.met).input_row(row);
        }
        after_row::unique::duplicate(cx, &self.rel, index, &entries.values, entries.done).input_row(row)
    }

    /// Whether changes of this kind matter: if not, old rows need not be fetched.
    pub fn wants(&self, kind: ChangeKind) -> bool {
        self.triggers.want(kind) || self.capture.as_ref().is_some_and(|c| c.wants(kind))
    }

    /// Takes note of a changed row for what is to be done about it at the statement's end.
    pub fn note(&self, cx: &mut ExecContext, change: &RowChange<'_>) -> Result<()> {
        match self.wants(change.kind) {
            true => after_row::note(cx, &self.triggers, self.capture.as_ref(), change),
            false => Ok(()),
        }
    }
}
