//! Transition tables: the rows a statement changes in a table, kept for the AFTER triggers that name them.
//!
//! Rows are kept with the attributes of the table the statement names, whatever part of it they lie in. Once a trigger has
//! read a table's rows, what is changed later (by actions of foreign keys) makes new tables, and fires statement triggers
//! anew. PostgreSQL 15, trigger.c, AfterTriggersTableData: same.

use super::{Queue, RowChange};
use crate::base::{Oid, Result};
use crate::catalog::relation::TRANSITION;
use crate::catalog::{Relation, Trigger};
use crate::sql::exec::modify::ChangeKind;
use crate::sql::exec::phys_of;
use crate::sql::plan::tree::attribute_map;
use crate::types::{Batch, Column, Datum};
use std::sync::Arc;

/// Rows under a name of a trigger's.
#[derive(Debug)]
pub struct TransitionTable {
    /// A relation that no catalog knows.
    pub rel: Arc<Relation>,
    pub rows: Arc<Batch>,
}

/// What a fired trigger function can read.
pub type Transitions = Option<Arc<[TransitionTable]>>;

/// Which rows the triggers of a table want kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Wanted {
    inserted: bool,
    deleted: bool,
    before_update: bool,
    after_update: bool,
}

impl Wanted {
    fn of(triggers: &[Trigger]) -> Wanted {
        let any = |f: fn(&Trigger) -> bool| triggers.iter().any(f);
        Wanted {
            inserted: any(|t| t.insert && t.new_table.is_some()),
            deleted: any(|t| t.delete && t.old_table.is_some()),
            before_update: any(|t| t.update && t.old_table.is_some()),
            after_update: any(|t| t.update && t.new_table.is_some()),
        }
    }

    /// Old ones, new ones.
    fn rows(self, kind: ChangeKind) -> (bool, bool) {
        match kind {
            ChangeKind::Insert => (false, self.inserted),
            ChangeKind::Delete => (self.deleted, false),
            ChangeKind::Update => (self.before_update, self.after_update),
            // The new row is kept where it arrives, as it is there.
            ChangeKind::Move => (self.before_update, false),
        }
    }
}

/// What is kept of the rows changed in a table, or in a part of it.
pub struct Capture {
    root: Arc<Relation>,
    wanted: Wanted,
    /// The part's attribute numbers of the root's attributes.
    map: Option<Vec<i16>>,
    /// Rows that are inserted come from another partition: they are new rows of an UPDATE.
    arriving: bool,
}

impl Capture {
    pub fn of(root: &Arc<Relation>) -> Option<Capture> {
        let wanted = Wanted::of(&root.triggers);
        (wanted != Wanted::default()).then(|| Capture { root: root.clone(), wanted, map: None, arriving: false })
    }

    pub fn of_part(root: &Arc<Relation>, part: &Relation) -> Result<Option<Capture>> {
        let Some(capture) = Capture::of(root) else { return Ok(None) };
        Ok(Some(Capture { map: Some(attribute_map(root, part)?), ..capture }))
    }

    pub fn arriving(self) -> Capture {
        Capture { arriving: true, ..self }
    }

    /// Old rows, new rows.
    fn rows(&self, kind: ChangeKind) -> (bool, bool) {
        match (kind, self.arriving) {
            (ChangeKind::Insert, true) => (false, self.wanted.after_update),
            _ => self.wanted.rows(kind),
        }
    }

    pub fn wants(&self, kind: ChangeKind) -> bool {
        self.rows(kind) != (false, false)
    }

    pub(super) fn note(&self, queue: &mut Queue, change: &RowChange<'_>) {
        let (old, new) = self.rows(change.kind);
        if !old && !new {
            return;
        }
        let kind = if self.arriving { ChangeKind::Update } else { change.kind };
        let kept = queue.kept(&self.root, kind);
        let kept = &mut queue.kept[kept];
        for (wanted, rows, row) in [(old, &mut kept.old, change.old), (new, &mut kept.new, change.new)] {
            if let (true, Some((columns, row))) = (wanted, row) {
                self.add(rows, columns, row);
            }
        }
    }

    fn add(&self, to: &mut Arc<Batch>, columns: &[Column], row: usize) {
        let to = Arc::make_mut(to);
        for (n, c) in to.columns.iter_mut().enumerate() {
            match self.map.as_ref().map_or(n as i16 + 1, |m| m[n]) {
                0 => c.push(Datum::Null),
                attno => c.push_from(&columns[attno as usize - 1], row),
            }
        }
        to.rows += 1;
    }
}

/// Rows kept for one table and what happened to them.
pub(super) struct Kept {
    relation: Oid,
    kind: ChangeKind,
    old: Arc<Batch>,
    new: Arc<Batch>,
    /// A trigger has read them.
    closed: bool,
}

fn told(kind: ChangeKind) -> ChangeKind {
    if kind == ChangeKind::Move { ChangeKind::Update } else { kind }
}

impl Queue {
    /// Where rows of a table are kept now.
    pub(super) fn kept(&mut self, rel: &Relation, kind: ChangeKind) -> usize {
        let kind = told(kind);
        let open = |k: &Kept| k.relation == rel.oid && k.kind == kind && !k.closed;
        if let Some(n) = self.kept.iter().position(open) {
            return n;
        }
        let columns = rel.attributes.iter().map(|a| Column::new(phys_of(a.ty))).collect();
        let none = Arc::new(Batch { columns, rows: 0 });
        self.kept.push(Kept { relation: rel.oid, kind, old: none.clone(), new: none, closed: false });
        self.kept.len() - 1
    }

    /// The tables a trigger reads: from now on they stay as they are.
    pub(super) fn tables(&mut self, kept: usize, rel: &Relation, def: &Trigger) -> Transitions {
        let k = &mut self.kept[kept];
        k.closed = true;
        let (relation, kind) = (k.relation, k.kind);
        let table = |name: &Option<String>, rows: &Arc<Batch>| {
            let name = name.as_ref()?;
            let columns = Relation::of_columns(Oid::INVALID, name, &rel.attributes);
            let rel = Arc::new(Relation { generated_by: Some(TRANSITION), ..columns });
            Some(TransitionTable { rel, rows: rows.clone() })
        };
        let tables = [table(&def.old_table, &k.old), table(&def.new_table, &k.new)];
        self.begun.retain(|b| *b != (relation, kind));
        Some(tables.into_iter().flatten().collect::<Vec<_>>().into())
    }
}
