//! Keys that may have duplicates for a while: deferrable UNIQUE and PRIMARY KEY.
//!
//! A row whose key some other row has, or may get, goes in all the same, and an event looks again when the statement or
//! the transaction ends. PostgreSQL 15, constraint.c, unique_key_recheck: same.

use super::{Event, RowTrigger};
use crate::base::{Error, Flow, Result, SqlState, TupleId};
use crate::catalog::{Constraint, Index, Relation};
use crate::heap::{Occupant, occupant};
use crate::sql::exec::ExecContext;
use crate::sql::exec::exclusion::{Exclusion, Met};
use crate::sql::exec::modify::{Writer, key_text};
use crate::types::{Column, TypeRef};
use std::sync::Arc;

/// A deferrable key with its table.
pub struct UniqueKey {
    pub rel: Arc<Relation>,
    pub index: Arc<Index>,
    pub constraint: Constraint,
}

/// Takes note of a row that may be a duplicate: one of the rows whose key columns these are.
pub fn note(
    cx: &mut ExecContext,
    trigger: &Arc<RowTrigger>,
    columns: &[Column],
    row: usize,
    tid: TupleId,
) -> Result<()> {
    let xid = cx.backend()?.txn.xid();
    let Some(queue) = &mut cx.after_rows else { return Ok(()) };
    let event = queue.event(trigger, xid, || columns.iter().map(|c| Column::new(c.phys())).collect());
    event.rows.columns.iter_mut().zip(columns).for_each(|(to, c)| to.push_from(c, row));
    event.rows.rows += 1;
    event.tids.push(tid);
    Ok(())
}

/// 23505 for a row whose key another one has.
#[cold]
pub fn duplicate(cx: &mut ExecContext, rel: &Relation, index: &Index, key: &[Column], row: usize) -> Error {
    let types: Vec<TypeRef> = index.columns.iter().map(|c| c.ty).collect();
    let shown = key_text(cx, index, key, &types, row);
    let text = format!("duplicate key value violates unique constraint \"{}\"", index.name);
    let e = Error::new(SqlState::UNIQUE_VIOLATION, text);
    let attnos: Vec<i16> = index.columns[..index.key_columns].iter().map(|c| c.attno).collect();
    let hidden = cx.backend().is_ok_and(|b| crate::sql::exec::rights::hides_key(b, rel, &attnos));
    let e = if hidden { e } else { e.detail(format!("Key {shown} already exists.")) };
    e.table(rel.schema.clone(), rel.name.clone()).constraint(index.name.clone()).place(
        "_bt_check_unique",
        "nbtinsert.c",
        664,
    )
}

/// The second look at many rows of one key.
pub struct Recheck {
    key: Arc<UniqueKey>,
    event: Event,
    row: usize,
    exclusion: Option<Box<Exclusion>>,
}

impl Recheck {
    pub fn start(key: Arc<UniqueKey>, event: Event) -> Recheck {
        Recheck { key, event, row: 0, exclusion: None }
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while self.row < self.event.rows.rows {
            if self.row.is_multiple_of(256) {
                cx.poll()?;
            }
            self.one(cx)?;
            self.row += 1;
        }
        Ok(())
    }

    /// A row that is still there must be out of all others' way. To be repeated after a wait.
    fn one_apart(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let key = self.key.clone();
        let store = super::super::seq_scan::store_of(&key.rel)?;
        let exclusion = match &mut self.exclusion {
            Some(e) => e,
            none => none.insert(Box::new(Exclusion::new(cx, &key.rel, &key.index)?)),
        };
        let columns = &self.event.rows.columns;
        loop {
            let writer = Writer::for_locks(cx)?;
            let here = occupant(&writer.storage, &store, self.event.tids[self.row], &writer.own)?;
            let Occupant::Live(own) = here else { return Ok(()) };
            match exclusion.look(cx, columns, self.row, Some(own))? {
                Met::Nothing => return Ok(()),
                Met::Row(_, existing) => return Err(exclusion.violated(cx, columns, self.row, &existing).into()),
                Met::Doubtful(xid) => {
                    let rel = &key.rel.name;
                    cx.wait_for(xid, || {
                        format!("while checking exclusion constraint on tuple {own} in relation \"{rel}\"")
                    })?;
                }
            }
        }
    }

    /// A row that is still there must be the only one. To be repeated after a wait.
    fn one(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let key = &self.key;
        if !key.index.exclusion.is_empty() {
            return self.one_apart(cx);
        }
        let store = super::super::seq_scan::store_of(&key.rel)?;
        let columns = &self.event.rows.columns;
        let mut bytes = Vec::new();
        key.index.store.encode_key(columns.iter().map(|c| c.get(self.row)), &mut bytes);
        loop {
            let writer = Writer::for_locks(cx)?;
            let here = occupant(&writer.storage, &store, self.event.tids[self.row], &writer.own)?;
            // Whoever replaced it has noted its own version.
            let Occupant::Live(own) = here else { return Ok(()) };
            let mut doubtful = None;
            let mut twin = false;
            for tid in key.index.store.tids_of(&writer.storage, &bytes, None)? {
                match occupant(&writer.storage, &store, tid, &writer.own)? {
                    Occupant::Live(at) if at != own => twin = true,
                    Occupant::Running(_, xid) => doubtful = doubtful.or(Some(xid)),
                    Occupant::Live(_) | Occupant::None { .. } => {}
                }
                if twin {
                    break;
                }
            }
            if twin {
                return Err(duplicate(cx, &key.rel, &key.index, columns, self.row).into());
            }
            let Some(xid) = doubtful else { return Ok(()) };
            let index = &key.index.name;
            cx.wait_for(xid, || format!("while checking uniqueness of tuple {own} in relation \"{index}\""))?;
        }
    }
}
