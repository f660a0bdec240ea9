//! What a relation wants done about its changed rows.

use super::foreign_key::{self, Reference};
use super::unique::UniqueKey;
use super::{Queue, RowChange};
use crate::base::{Oid, Result};
use crate::catalog::{ConstraintKind, Relation};
use crate::sql::exec::ExecContext;
use crate::sql::exec::modify::ChangeKind;
use crate::sql::exec::user_trigger::{UserTrigger, is_enabled};
use crate::sql::plan::PlannedStatement;
use hashbrown::HashMap;
use std::sync::Arc;

/// Something to be done about changed rows.
pub struct RowTrigger {
    /// By which triggers of a relation are ordered.
    pub name: String,
    /// What happens to the rows: a trigger for several events is one for each.
    event: ChangeKind,
    pub work: Work,
}

#[derive(Clone)]
pub enum Work {
    /// Rows that refer: is what they refer to there?
    Check(Arc<Reference>),
    /// Rows referred to that went.
    Deleted(Arc<Reference>),
    /// Rows referred to whose key changed.
    Updated(Arc<Reference>),
    /// Rows whose key may have a duplicate.
    Unique(Arc<UniqueKey>),
    /// A user's trigger.
    User(Arc<UserTrigger>, ChangeKind),
}

/// A relation's triggers, by what happens to a row, each list in the order of their names.
#[derive(Default)]
pub struct RowTriggers {
    insert: Vec<Arc<RowTrigger>>,
    update: Vec<Arc<RowTrigger>>,
    delete: Vec<Arc<RowTrigger>>,
    /// Users' triggers for rows about to change.
    pub before: Vec<Arc<UserTrigger>>,
    /// Users' triggers that get a view's rows.
    pub instead: Vec<Arc<UserTrigger>>,
    /// Users' triggers for statements, before and after.
    pub before_statement: Vec<Arc<UserTrigger>>,
    after_statement: Vec<(ChangeKind, Arc<RowTrigger>)>,
    moved: Vec<Arc<RowTrigger>>,
    /// Deferrable keys.
    keys: Vec<Arc<RowTrigger>>,
}

impl RowTriggers {
    pub fn of(&self, kind: ChangeKind) -> &[Arc<RowTrigger>] {
        match kind {
            ChangeKind::Insert => &self.insert,
            ChangeKind::Update => &self.update,
            ChangeKind::Delete => &self.delete,
            ChangeKind::Move => &self.moved,
        }
    }

    fn of_mut(&mut self, kind: ChangeKind) -> &mut Vec<Arc<RowTrigger>> {
        match kind {
            ChangeKind::Insert => &mut self.insert,
            ChangeKind::Update => &mut self.update,
            ChangeKind::Delete => &mut self.delete,
            ChangeKind::Move => &mut self.moved,
        }
    }

    /// Whether changes of this kind matter: if not, old rows need not be fetched.
    pub fn want(&self, kind: ChangeKind) -> bool {
        !self.of(kind).is_empty()
    }

    /// Whether users' triggers fire for single rows.
    pub fn fire_for_rows(&self) -> bool {
        let after = self.insert.iter().chain(&self.update).chain(&self.delete);
        !self.before.is_empty() || after.into_iter().any(|t| matches!(t.work, Work::User(..)))
    }

    /// Whether users' triggers fire for rows about to change in this way.
    pub fn fire_before(&self, kind: ChangeKind) -> bool {
        self.before.iter().any(|t| t.is_for(kind))
    }

    /// The deferrable key behind which an index is.
    pub fn key(&self, index: Oid) -> Option<Arc<RowTrigger>> {
        let is = |t: &&Arc<RowTrigger>| matches!(&t.work, Work::Unique(k) if k.index.oid == index);
        self.keys.iter().find(is).cloned()
    }

    /// AFTER STATEMENT triggers.
    pub(super) fn statements(&self, kind: ChangeKind) -> Vec<Arc<RowTrigger>> {
        self.after_statement.iter().filter(|(k, _)| *k == kind).map(|(_, t)| t.clone()).collect()
    }
}

impl Work {
    /// Adds the row to the queue if it is one for this trigger.
    pub(super) fn note(
        &self,
        cx: &mut ExecContext,
        trigger: &Arc<RowTrigger>,
        change: &RowChange<'_>,
        queue: &mut Queue,
    ) -> Result<()> {
        let enabled = match self {
            Work::Check(r) => is_enabled(cx, r.foreign.check_enabled),
            Work::Deleted(r) | Work::Updated(r) => is_enabled(cx, r.foreign.action_enabled),
            _ => true,
        };
        if !enabled {
            return Ok(());
        }
        match self {
            Work::Check(r) => foreign_key::note_check(cx, r, trigger, change, queue),
            Work::Deleted(r) | Work::Updated(r) => foreign_key::note_action(cx, r, trigger, change, queue),
            // Noted where an index entry finds its like.
            Work::Unique(_) => Ok(()),
            Work::User(user, _) => super::user::note(cx, user, trigger, change, queue),
        }
    }

    /// The relation whose changed rows these are.
    pub fn relation(&self) -> Option<Oid> {
        match self {
            Work::Check(r) => Some(r.child.oid),
            Work::Deleted(r) | Work::Updated(r) => Some(r.noted_on),
            Work::Unique(k) => Some(k.rel.oid),
            Work::User(user, _) => Some(user.rel.oid),
        }
    }

    /// The constraint, with the table it is on and whether it may be deferred, and is at first.
    pub fn constraint(&self) -> Option<(Oid, bool, bool)> {
        match self {
            Work::Check(r) => Some((r.constraint.oid, r.constraint.deferrable, r.constraint.deferred)),
            Work::Unique(k) => Some((k.constraint.oid, k.constraint.deferrable, k.constraint.deferred)),
            Work::Deleted(r) => r.late(r.foreign.on_delete),
            Work::Updated(r) => r.late(r.foreign.on_update),
            Work::User(user, _) => {
                user.def.constraint.is_valid().then_some((user.def.constraint, user.def.deferrable, user.def.deferred))
            }
        }
    }
}

/// What was found out about relations and their triggers, good for one state of the catalogs.
#[derive(Default)]
pub struct Known {
    generation: crate::catalog::Generation,
    relations: HashMap<Oid, Arc<RowTriggers>>,
    pub(super) plans: HashMap<(Oid, foreign_key::Query), Arc<PlannedStatement>>,
}

/// The present knowledge, emptied if the catalogs changed.
pub(super) fn known(cx: &mut ExecContext) -> Result<&mut Known> {
    let backend = cx.backend()?;
    let generation = backend.catalog.generation();
    let known = &mut backend.deferred.known;
    if known.generation != generation {
        *known = Known { generation, ..Known::default() };
    }
    Ok(known)
}

/// The triggers of a relation whose lock the statement holds.
pub fn of_relation(cx: &mut ExecContext, rel: &Arc<Relation>) -> Result<Arc<RowTriggers>> {
    if rel.generated_by.is_some() {
        return Ok(Arc::default());
    }
    if let Some(triggers) = known(cx)?.relations.get(&rel.oid) {
        return Ok(triggers.clone());
    }
    let triggers = Arc::new(collect(cx, rel)?);
    known(cx)?.relations.insert(rel.oid, triggers.clone());
    Ok(triggers)
}

/// The same trigger as the catalogs have it now, if it is still there.
pub(super) fn again(cx: &mut ExecContext, trigger: &RowTrigger) -> Result<Option<Arc<RowTrigger>>> {
    let Some(oid) = trigger.work.relation() else { return Ok(None) };
    let Some(rel) = cx.backend()?.catalog.relation(oid)? else { return Ok(None) };
    let now = of_relation(cx, &rel)?;
    let same = |t: &&Arc<RowTrigger>| {
        t.name == trigger.name && std::mem::discriminant(&t.work) == std::mem::discriminant(&trigger.work)
    };
    // A row that has left a partition has changed, to the table above that its event is about.
    let changed = matches!((trigger.event, &trigger.work), (ChangeKind::Move, Work::Updated(_)));
    let event = if changed { ChangeKind::Update } else { trigger.event };
    Ok(now.of(event).iter().chain(&now.keys).find(same).cloned())
}

/// Tables with a foreign key on this one.
fn referencing(cx: &mut ExecContext, table: Oid) -> Result<Vec<Oid>> {
    let keys = cx.backend()?.catalog.keys_to(table);
    let mut found: Vec<Oid> = keys.into_iter().map(|(holder, _)| holder).collect();
    found.dedup();
    Ok(found)
}

/// A table between a partition and the table a statement names that a foreign key refers to: what becomes of rows that
/// leave it is not defined (PostgreSQL 15, nodeModifyTable.c, ExecCrossPartitionUpdateForeignKey).
pub(in crate::sql::exec) fn referenced_between(
    cx: &mut ExecContext,
    part: &Arc<Relation>,
    root: &Relation,
) -> Result<Option<String>> {
    let all = with_ancestors(cx, part)?;
    let between = all.iter().skip(1).take_while(|t| t.oid != root.oid);
    for table in between {
        if !referencing(cx, table.oid)?.is_empty() {
            return Ok(Some(table.name.clone()));
        }
    }
    Ok(None)
}

/// A relation and the partitioned tables it is part of.
fn with_ancestors(cx: &mut ExecContext, rel: &Arc<Relation>) -> Result<Vec<Arc<Relation>>> {
    let mut all = vec![rel.clone()];
    let mut at = rel.clone();
    while at.is_partition() {
        let Some(parent) = at.lineage.parents.first() else { break };
        let Some(parent) = cx.backend()?.catalog.relation(*parent)? else { break };
        all.push(parent.clone());
        at = parent;
    }
    Ok(all)
}

fn collect(cx: &mut ExecContext, rel: &Arc<Relation>) -> Result<RowTriggers> {
    let mut triggers = RowTriggers::default();
    let add = |triggers: &mut RowTriggers, event: ChangeKind, letter: char, oid: Oid, work: Work| {
        // As PostgreSQL names its internal triggers; the number pads so that text order is creation order.
        let name = format!("RI_ConstraintTrigger_{letter}_{:010}", oid.0);
        triggers.of_mut(event).push(Arc::new(RowTrigger { name, event, work }));
    };
    for table in with_ancestors(cx, rel)? {
        for child in referencing(cx, table.oid)? {
            let Some(child) = cx.backend()?.catalog.relation(child)? else { continue };
            // What a partitioned table's foreign key does, it does in all partitions.
            for k in child.constraints.iter().filter(|k| !k.parent.is_valid()) {
                if k.foreign.as_ref().is_some_and(|f| f.relation == table.oid) {
                    let reference = Reference::new(cx, child.clone(), table.clone(), k)?;
                    if table.oid != rel.oid {
                        let moved = Reference::new(cx, child.clone(), table.clone(), k)?.moved_from(rel)?;
                        add(&mut triggers, ChangeKind::Move, 'a', k.oid, Work::Updated(Arc::new(moved)));
                    }
                    let reference =
                        Arc::new(if table.oid == rel.oid { reference } else { reference.for_partition(rel)? });
                    add(&mut triggers, ChangeKind::Delete, 'a', k.oid, Work::Deleted(reference.clone()));
                    add(&mut triggers, ChangeKind::Update, 'a', k.oid, Work::Updated(reference));
                }
            }
        }
    }
    for k in rel.constraints.iter().filter(|k| k.kind == ConstraintKind::ForeignKey) {
        let Some(foreign) = &k.foreign else { continue };
        let Some(parent) = cx.backend()?.catalog.relation(foreign.relation)? else { continue };
        let reference = Arc::new(Reference::new(cx, rel.clone(), parent, k)?);
        add(&mut triggers, ChangeKind::Insert, 'c', k.oid, Work::Check(reference.clone()));
        add(&mut triggers, ChangeKind::Update, 'c', k.oid, Work::Check(reference));
    }
    for k in rel.constraints.iter().filter(|k| k.deferrable && k.foreign.is_none()) {
        let Some(index) = rel.indexes.iter().find(|i| i.oid == k.index).cloned() else { continue };
        let name = match k.kind {
            ConstraintKind::PrimaryKey => format!("PK_ConstraintTrigger_{:010}", k.oid.0),
            _ => format!("Unique_ConstraintTrigger_{:010}", k.oid.0),
        };
        let work = Work::Unique(Arc::new(UniqueKey { rel: rel.clone(), index, constraint: k.clone() }));
        triggers.keys.push(Arc::new(RowTrigger { name, event: ChangeKind::Insert, work }));
    }
    let kinds = [ChangeKind::Insert, ChangeKind::Update, ChangeKind::Delete];
    for def in &rel.triggers {
        let user = Arc::new(UserTrigger::new(cx, rel, def)?);
        match (def.when, def.row) {
            ('b', true) => triggers.before.push(user),
            ('i', _) => triggers.instead.push(user),
            ('b', false) => triggers.before_statement.push(user),
            ('a', row) => {
                for kind in kinds.into_iter().filter(|k| user.is_for(*k)) {
                    let work = Work::User(user.clone(), kind);
                    let made = Arc::new(RowTrigger { name: def.name.clone(), event: kind, work });
                    match row {
                        false => triggers.after_statement.push((kind, made)),
                        true => triggers.of_mut(kind).push(made),
                    }
                }
            }
            _ => {}
        }
    }
    triggers.before.sort_by(|a, b| a.def.name.cmp(&b.def.name));
    triggers.instead.sort_by(|a, b| a.def.name.cmp(&b.def.name));
    triggers.before_statement.sort_by(|a, b| a.def.name.cmp(&b.def.name));
    triggers.after_statement.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    // What a row refers to is looked at where it goes. Who refers to the very partition it leaves loses it, who refers to
    // a table above sees it changed (PostgreSQL 15, trigger.c, AfterTriggerSaveEvent).
    let own = |r: &Reference| r.parent.oid == rel.oid;
    let leaves = |t: &&Arc<RowTrigger>| match &t.work {
        Work::User(_, kind) => *kind == ChangeKind::Delete,
        Work::Deleted(r) => own(r),
        _ => false,
    };
    triggers.moved.extend(triggers.delete.iter().filter(leaves).cloned());
    for list in [&mut triggers.moved, &mut triggers.insert, &mut triggers.update, &mut triggers.delete] {
        list.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(triggers)
}
