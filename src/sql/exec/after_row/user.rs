//! AFTER triggers of users.

use super::{Event, Queue, RowChange, RowTrigger};
use crate::base::{Flow, Result, Stop};
use crate::sql::exec::modify::ChangeKind;
use crate::sql::exec::user_trigger::{Calling, UserTrigger, both, values, word};
use crate::sql::exec::{ExecContext, Place, phys_of};
use crate::sql::plpgsql::TriggerData;
use crate::types::{Batch, Column};
use std::sync::Arc;

/// Adds a changed row to the queue if the trigger's condition wants it.
pub(super) fn note(
    cx: &mut ExecContext,
    user: &Arc<UserTrigger>,
    trigger: &Arc<RowTrigger>,
    change: &RowChange<'_>,
    queue: &mut Queue,
) -> Result<()> {
    // A row that goes elsewhere is deleted here.
    let (kind, new) = match change.kind {
        ChangeKind::Move => (ChangeKind::Delete, None),
        kind => (kind, change.new),
    };
    if !user.fires(cx, kind, change.assigned) {
        return Ok(());
    }
    let row = both(&user.rel, new, change.old);
    if let Some(mut p) = user.predicate()
        && p.run(cx, &row).map_err(Stop::into_error)?.is_some()
    {
        return Ok(());
    }
    queue.hold(&row)?;
    let xid = cx.backend()?.txn.xid();
    let kept = user.reads_transitions().then(|| queue.kept(&user.rel, kind));
    let event = queue.last(trigger, xid, kept, || {
        let side = || user.rel.attributes.iter().map(|a| Column::new(phys_of(a.ty)));
        side().chain(side()).collect()
    });
    event.rows.columns.iter_mut().zip(&row.columns).for_each(|(to, c)| to.push_from(c, 0));
    event.rows.rows += 1;
    if event.settle(cx)? {
        queue.held = 0;
    }
    Ok(())
}

/// The rows of an event given to their trigger, one after the other.
pub struct Firing {
    user: Arc<UserTrigger>,
    kind: ChangeKind,
    event: Event,
    /// How far its earlier rows were read, the rows in hand, and the next one of them.
    place: Place,
    rows: Batch,
    at: usize,
    calling: Calling,
}

impl Firing {
    pub fn start(user: Arc<UserTrigger>, kind: ChangeKind, event: Event) -> Firing {
        let (place, rows, calling) = (Place::default(), Batch::default(), Calling::default());
        Firing { user, kind, event, place, rows, at: 0, calling }
    }

    /// Takes more rows in hand; false: there are no more.
    fn more(&mut self) -> Result<bool> {
        let earlier = match &self.event.earlier {
            Some(store) => store.read(&mut self.place)?,
            None => None,
        };
        self.rows = earlier.unwrap_or_else(|| std::mem::take(&mut self.event.rows));
        self.at = 0;
        Ok(self.rows.rows > 0)
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if !self.user.def.row {
            let user = self.user.clone();
            let transitions = self.event.transitions.clone();
            self.calling.run(cx, &user, || TriggerData { transitions, ..user.data(word(self.kind), None, None) })?;
            return Ok(());
        }
        let width = self.user.rel.attributes.len();
        while self.at < self.rows.rows || self.more()? {
            let (columns, at, kind) = (&self.rows.columns, self.at, self.kind);
            let user = self.user.clone();
            let transitions = self.event.transitions.clone();
            self.calling.run(cx, &user, || {
                let new = (kind != ChangeKind::Delete).then(|| values(&columns[..width], at, width));
                let old = (kind != ChangeKind::Insert).then(|| values(&columns[width..], at, width));
                TriggerData { transitions, ..user.data(word(kind), new, old) }
            })?;
            self.at += 1;
            cx.backend()?.txn.next_command();
        }
        Ok(())
    }
}
