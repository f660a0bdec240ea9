//! Foreign keys: what referring rows must find, and what happens to them when it goes.
//!
//! The look-up in the parent goes straight to its unique index, once per distinct key of an event, and locks the row FOR
//! KEY SHARE. What an action does to the referring rows are ordinary statements, planned once per constraint
//! (PostgreSQL 15, ri_triggers.c: same queries, snapshots and messages).

mod action;
mod check;
mod lookup;
mod validation;
mod words;

pub use action::Action;
pub use check::Check;
pub use validation::{Leaving, Validation};

use super::{Event, Queue, RowChange, RowTrigger, Work, triggers};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::{Constraint, ForeignKey, Index, Relation};
use crate::mvcc::Snapshot;
use crate::sql::exec::modify::ChangeKind;
use crate::sql::exec::{ExecContext, phys_of};
use crate::sql::func::fact::CastContext;
use crate::sql::plan::PlannedStatement;
use crate::types::name::quote_identifier;
use crate::types::{Column, TypeRef, oid};
use std::sync::Arc;

/// The statements foreign keys run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Query {
    /// Is the key there? For values the index does not take as they are.
    Parent,
    /// Does anybody refer?
    Child,
    Delete,
    /// Takes over the new key.
    Update,
    /// Of ON DELETE, or ON UPDATE.
    SetNull(bool),
    SetDefault(bool),
    /// Is an old key there again?
    Again,
}

/// A foreign key with both its tables.
pub struct Reference {
    pub constraint: Constraint,
    pub foreign: ForeignKey,
    pub child: Arc<Relation>,
    pub parent: Arc<Relation>,
    /// The parent's unique index; for each of its key columns, which of the constraint's it is.
    index: Arc<Index>,
    order: Vec<usize>,
    /// The key's attributes in the table whose changed rows are noted: the parent, or a partition of it.
    noted: Vec<i16>,
    /// That table with its name, and the constraint there.
    pub noted_on: Oid,
    noted_in: String,
    known_as: String,
    at: Oid,
    /// Values of the referring columns can be looked up in the index.
    direct: bool,
    /// How each pair of columns is compared, with its schema.
    equal: Vec<String>,
}

/// 0-based.
fn positions(columns: &[i16]) -> impl Iterator<Item = usize> + '_ {
    columns.iter().map(|n| (*n as usize).wrapping_sub(1))
}

impl Reference {
    pub fn new(
        cx: &mut ExecContext,
        child: Arc<Relation>,
        parent: Arc<Relation>,
        constraint: &Constraint,
    ) -> Result<Reference> {
        let odd = || Error::internal(format!("foreign key {} has no index", constraint.name));
        let foreign = constraint.foreign.clone().ok_or_else(odd)?;
        let index = parent.indexes.iter().find(|i| i.oid == constraint.index).cloned().ok_or_else(odd)?;
        let place = |attno: i16| foreign.columns.iter().position(|c| *c == attno);
        let keys = &index.columns[..index.key_columns];
        let order: Vec<usize> = keys.iter().map(|c| place(c.attno)).collect::<Option<_>>().ok_or_else(odd)?;
        let catalog = cx.backend()?.catalog.clone();
        let fits = |(key, n): (&crate::catalog::IndexColumn, &usize)| {
            let from = positions(&constraint.columns).nth(*n).and_then(|n| child.attributes.get(n));
            from.is_some_and(|a| fits(base_type(&catalog, a.ty), base_type(&catalog, key.ty)))
        };
        // Of a partitioned parent each partition has an index of its own: a query finds the right one.
        let direct = keys.iter().zip(&order).all(fits) && !parent.is_partitioned();
        let noted = foreign.columns.clone();
        let equal = Self::types(&parent, &foreign.columns).iter().map(|t| equality(&catalog, *t)).collect();
        let constraint = constraint.clone();
        let noted_on = parent.oid;
        let (noted_in, known_as, at) = (parent.name.clone(), constraint.name.clone(), constraint.oid);
        Ok(Reference {
            constraint,
            foreign,
            child,
            parent,
            index,
            order,
            direct,
            equal,
            noted,
            noted_on,
            noted_in,
            known_as,
            at,
        })
    }

    /// For rows that leave a partition of the parent for another one: to the parent they only change.
    pub fn moved_from(mut self, part: &Relation) -> Result<Reference> {
        let map = crate::sql::plan::tree::attribute_map(&self.parent, part)?;
        self.noted.iter_mut().for_each(|n| *n = crate::sql::plan::tree::mapped(&map, *n));
        Ok(self)
    }

    /// For changed rows of a partition of the parent.
    pub fn for_partition(self, part: &Relation) -> Result<Reference> {
        let mut this = self.moved_from(part)?;
        this.noted_on = part.oid;
        this.noted_in.clone_from(&part.name);
        let (at, name) = this.constraint.known_at(part.oid);
        let name = name.to_owned();
        (this.at, this.known_as) = (at, name);
        Ok(this)
    }

    /// The constraint, and whether this action may wait for the commit: only NO ACTION may.
    pub(super) fn late(&self, action: u8) -> Option<(Oid, bool, bool)> {
        let k = &self.constraint;
        Some((self.at, k.deferrable && action == b'a', k.deferred))
    }

    fn child_columns(&self) -> Vec<String> {
        let name = |n: usize| self.child.attributes.get(n).map(|a| quote_identifier(&a.name)).unwrap_or_default();
        positions(&self.constraint.columns).map(name).collect()
    }

    fn types(rel: &Relation, columns: &[i16]) -> Vec<TypeRef> {
        positions(columns).filter_map(|n| rel.attributes.get(n).map(|a| a.ty)).collect()
    }

    /// A statement's text and its parameters' types.
    fn text(&self, query: Query) -> (String, Vec<TypeRef>) {
        let table = |rel: &Relation| {
            let only = if rel.is_partitioned() { "" } else { "ONLY " };
            format!("{only}{}.{} x", quote_identifier(&rel.schema), quote_identifier(&rel.name))
        };
        let columns = self.child_columns();
        let keys = Self::types(&self.parent, &self.foreign.columns);
        let keys_of_parent = keys.clone();
        let where_key = |first: usize| {
            let one = |(n, c): (usize, &String)| format!("${} OPERATOR({}) x.{c}", n + first, self.equal[n]);
            columns.iter().enumerate().map(one).collect::<Vec<_>>().join(" AND ")
        };
        let assign = |value: &dyn Fn(usize) -> String, only: &[i16]| {
            let one = |(n, c): (usize, &String)| {
                let wanted = only.is_empty() || only.contains(&self.constraint.columns[n]);
                wanted.then(|| format!("{c} = {}", value(n)))
            };
            columns.iter().enumerate().filter_map(one).collect::<Vec<_>>().join(", ")
        };
        let only = |update: bool| if update { &[][..] } else { self.foreign.delete_columns.as_slice() };
        let child = table(&self.child);
        match query {
            Query::Parent | Query::Again => {
                let name = |n: usize| quote_identifier(&self.parent.attributes[n].name);
                let one = |(n, c): (usize, usize)| format!("x.{} OPERATOR({}) ${}", name(c), self.equal[n], n + 1);
                let keys: Vec<String> = positions(&self.foreign.columns).enumerate().map(one).collect();
                let text =
                    format!("SELECT 1 FROM {} WHERE {} FOR KEY SHARE OF x", table(&self.parent), keys.join(" AND "));
                match query {
                    Query::Again => (text, keys_of_parent),
                    _ => (text, Self::types(&self.child, &self.constraint.columns)),
                }
            }
            Query::Child => (format!("SELECT 1 FROM {child} WHERE {} LIMIT 1 FOR KEY SHARE OF x", where_key(1)), keys),
            Query::Delete => (format!("DELETE FROM {child} WHERE {}", where_key(1)), keys),
            Query::Update => {
                let set = assign(&|n| format!("${}", columns.len() + n + 1), &[]);
                (format!("UPDATE {child} SET {set} WHERE {}", where_key(1)), [keys.clone(), keys].concat())
            }
            Query::SetNull(update) => {
                let set = assign(&|_| "NULL".into(), only(update));
                (format!("UPDATE {child} SET {set} WHERE {}", where_key(1)), keys)
            }
            Query::SetDefault(update) => {
                let set = assign(&|_| "DEFAULT".into(), only(update));
                (format!("UPDATE {child} SET {set} WHERE {}", where_key(1)), keys)
            }
        }
    }

    /// A statement's plan with its relations locked.
    fn planned(&self, cx: &mut ExecContext, query: Query) -> Flow<Arc<PlannedStatement>> {
        let key = (self.constraint.oid, query);
        loop {
            let plan = match triggers::known(cx)?.plans.get(&key) {
                Some(plan) => plan.clone(),
                None => {
                    let (text, types) = self.text(query);
                    let catalog = cx.backend()?.catalog.clone();
                    let plan = match query {
                        // What is on its way out of the parent must get no new referring rows (PostgreSQL 15,
                        // ri_triggers.c, ri_PerformCheck: the newest snapshot, whatever the transaction's).
                        Query::Parent => catalog.without_detaching(|| super::nested::plan(cx, &text, types))?,
                        _ => super::nested::plan(cx, &text, types)?,
                    };
                    triggers::known(cx)?.plans.insert(key, plan.clone());
                    plan
                }
            };
            for (rel, mode) in &plan.relations {
                cx.backend()?.txn.lock_relation(rel.oid, *mode)?;
            }
            if plan.relations.iter().any(|(rel, _)| rel.is_stale()) {
                triggers::known(cx)?.plans.remove(&key);
                continue;
            }
            return Ok(plan);
        }
    }
}

/// What lies below domains.
fn base_type(catalog: &crate::catalog::Catalog, ty: TypeRef) -> TypeRef {
    use crate::catalog::object::UserTypeKind;
    match catalog.user_type(ty.oid).map(|t| t.kind) {
        Some(UserTypeKind::Domain { base, .. }) => base_type(catalog, base),
        _ => ty,
    }
}

fn is_int(ty: TypeRef) -> bool {
    [oid::INT2, oid::INT4, oid::INT8].contains(&ty.oid)
}

/// Whether values of one type are keys of another as they are, or after widening.
fn fits(value: TypeRef, key: TypeRef) -> bool {
    let text = |t: TypeRef| [oid::TEXT, oid::VARCHAR].contains(&t.oid);
    value.oid == key.oid || is_int(value) && is_int(key) || text(value) && text(key)
}

/// Whether values of a referring column can be compared with those of the column referred to by the index's order, as
/// they are or after an implicit cast.
pub fn comparable(catalog: &crate::catalog::Catalog, from: TypeRef, to: TypeRef) -> bool {
    const FAMILIES: [&[Oid]; 4] = [
        &[oid::INT2, oid::INT4, oid::INT8],
        &[oid::FLOAT4, oid::FLOAT8],
        &[oid::DATE, oid::TIMESTAMP, oid::TIMESTAMPTZ],
        &[oid::TEXT, oid::VARCHAR, oid::NAME],
    ];
    let (from, to) = (base_type(catalog, from).oid, base_type(catalog, to).oid);
    let implicit = crate::sql::func::cast(from, to).is_some_and(|c| c.context == CastContext::Implicit);
    from == to || implicit || FAMILIES.iter().any(|f| f.contains(&from) && f.contains(&to))
}

/// The equality of a type by its default order, with its schema: types of extensions have one of their own.
fn equality(catalog: &crate::catalog::Catalog, ty: TypeRef) -> String {
    let own = crate::sql::func::user::sort_operator("=", base_type(catalog, ty).oid);
    let record =
        own.and_then(|o| catalog.get(crate::catalog::ObjectKey::new(crate::catalog::object::class::OPERATOR, o.oid)));
    let place = record.and_then(|r| catalog.namespace(r.object.name()?.0));
    format!("{}.=", place.map_or_else(|| "pg_catalog".to_owned(), |n| quote_identifier(&n.name)))
}

/// What look-ups see: in read committed everything committed up to now.
fn newest(cx: &mut ExecContext) -> Result<Snapshot> {
    Ok(cx.backend()?.txn.latest_snapshot())
}

fn empty_columns(rel: &Relation, columns: &[i16]) -> Vec<Column> {
    Reference::types(rel, columns).into_iter().map(|t| Column::new(phys_of(t))).collect()
}

/// A row that refers: to be checked, unless its key has NULLs or is what it was.
pub(super) fn note_check(
    cx: &mut ExecContext,
    r: &Reference,
    trigger: &Arc<RowTrigger>,
    change: &RowChange<'_>,
    queue: &mut Queue,
) -> Result<()> {
    let Some((new, row)) = change.new else { return Ok(()) };
    let columns = &r.constraint.columns;
    let nulls = positions(columns).filter(|n| new[*n].is_null(row)).count();
    if nulls == columns.len() || nulls > 0 && r.foreign.match_type == b's' {
        return Ok(());
    }
    let backend = cx.backend()?;
    if let (ChangeKind::Update, Some((old, old_row))) = (change.kind, change.old) {
        let same = positions(columns).all(|n| old[n].get(old_row) == new[n].get(row));
        // The check of a row made by this very transaction may still wait: it would find the row gone.
        let store = r.child.store.as_ref();
        let own = match store {
            Some(store) if same => crate::heap::xmin_of(&backend.txn.storage, store, change.old_tid)?
                .is_some_and(|xmin| backend.txn.own().contains(xmin)),
            _ => true,
        };
        if same && !own {
            return Ok(());
        }
    }
    let xid = backend.txn.xid();
    let event = queue.event(trigger, xid, || empty_columns(&r.child, columns));
    push(event, new, row, columns, 0);
    event.rows.rows += 1;
    event.tids.push(change.tid);
    Ok(())
}

/// A row that may be referred to: of interest if its key is whole, and changes.
pub(super) fn note_action(
    cx: &mut ExecContext,
    r: &Reference,
    trigger: &Arc<RowTrigger>,
    change: &RowChange<'_>,
    queue: &mut Queue,
) -> Result<()> {
    let Some((old, row)) = change.old else { return Ok(()) };
    // Of a row that goes to another partition, the one it leaves sees nothing but that it goes.
    let new = change.new.filter(|_| !matches!(trigger.work, Work::Deleted(_)));
    let (columns, of_parent) = (&r.noted, &r.foreign.columns);
    if positions(columns).any(|n| old[n].is_null(row)) {
        return Ok(());
    }
    if let Some((new, new_row)) = new
        // As they look, not as they compare: −0 that becomes 0 is passed on, as PostgreSQL does.
        && positions(columns).all(|n| old[n].get(row).same_image(&new[n].get(new_row)))
    {
        return Ok(());
    }
    let xid = cx.backend()?.txn.xid();
    let event = queue.event(trigger, xid, || {
        let mut made = empty_columns(&r.parent, of_parent);
        if new.is_some() {
            made.extend(empty_columns(&r.parent, of_parent));
        }
        made
    });
    push(event, old, row, columns, 0);
    if let Some((new, new_row)) = new {
        push(event, new, new_row, columns, columns.len());
    }
    event.rows.rows += 1;
    Ok(())
}

/// Appends a row's columns to the event's, from the `first` on.
fn push(event: &mut Event, from: &[Column], row: usize, columns: &[i16], first: usize) {
    for (to, n) in event.rows.columns[first..].iter_mut().zip(positions(columns)) {
        to.push_from(&from[n], row);
    }
}
