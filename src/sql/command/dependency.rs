//! What depends on what: found out from the objects themselves when something is to be dropped.
//!
//! PostgreSQL 15, dependency.c, findDependentObjects: same walk (newest first, dependents before what they depend on),
//! so that what is dropped is reported in the same order.
//!
//! Parts of tables are named by keys of their own: a column by its table and number, a default as `pg_attrdef` with the
//! table's OID and the column's number, a constraint by its OID. Row types and array types are types of their own OIDs,
//! though nothing is stored for them.

use crate::base::{Flow, Oid, Result};
use crate::catalog::object::{Class, RangeType, UserTypeKind, class};
use crate::catalog::{Catalog, Constraint, ConstraintKind, Object, ObjectKey, RelKind};
use crate::lock::LockMode;
use crate::sql::bind::scope::Clause;
use crate::sql::exec::{ExecContext, user_trigger};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, Value, base_type, oid};

/// What goes, dependents first; and what of it is to be told about, with what it depends on.
pub struct Found {
    pub all: Vec<ObjectKey>,
    pub reported: Vec<(ObjectKey, ObjectKey)>,
}

struct Dependent {
    key: ObjectKey,
    /// By which PostgreSQL orders: the object's own OID.
    age: Oid,
    silent: bool,
}

/// A constraint's table and name.
pub fn constraint(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    c.constraints.iter().find(|k| k.oid == oid).map(|k| (c.oid, k.name.clone()))
}

/// The whole a part belongs to.
fn whole(catalog: &Catalog, key: ObjectKey) -> Option<ObjectKey> {
    match key.class {
        class::CONSTRAINT => match constraint(catalog, key.oid) {
            Some((table, _)) => Some(ObjectKey::new(class::RELATION, table)),
            None => domain_constraint(catalog, key.oid).map(|(domain, _)| ObjectKey::new(class::TYPE, domain)),
        },
        class::REWRITE => super::rule::find(catalog, key.oid).map(|(t, _)| ObjectKey::new(class::RELATION, t)),
        class::POLICY => super::policy::find(catalog, key.oid).map(|(t, _)| ObjectKey::new(class::RELATION, t)),
        class::TRIGGER => trigger(catalog, key.oid).map(|(table, _)| ObjectKey::new(class::RELATION, table)),
        _ if key.sub != 0 => Some(ObjectKey::new(class::RELATION, key.oid)),
        class::RELATION => {
            let record = catalog.class(key.oid)?;
            let table = record.object.as_class().ok()?.index.as_ref()?.table;
            Some(ObjectKey::new(class::RELATION, table))
        }
        _ => None,
    }
}

/// Everything that goes with some objects, locked.
pub fn collect(cx: &mut ExecContext, targets: &[ObjectKey]) -> Flow<Found> {
    let mut walk = Walk { list: Vec::new(), stack: Vec::new() };
    for target in targets {
        walk.visit(cx, *target, None)?;
    }
    let catalog = cx.backend()?.catalog.clone();
    let goes: Vec<ObjectKey> = walk.list.iter().map(|(key, _)| *key).collect();
    // A part of something that goes as a whole is nothing of its own.
    walk.list.retain(|(key, _)| whole(&catalog, *key).is_none_or(|w| !goes.contains(&w)));
    let told = |(key, on): &(ObjectKey, Option<ObjectKey>)| on.filter(|_| !targets.contains(key)).map(|on| (*key, on));
    let reported = walk.list.iter().rev().filter_map(told).collect();
    Ok(Found { all: walk.list.into_iter().map(|(key, _)| key).collect(), reported })
}

/// What an object is only a part of the making of, so that it cannot go alone: an index's constraint, an identity
/// column's sequence.
pub fn required_by(catalog: &Catalog, key: ObjectKey) -> Option<ObjectKey> {
    if let Some(extension) = catalog.extension_of(key) {
        return Some(ObjectKey::new(class::EXTENSION, extension.oid));
    }
    if let Some(whole) = made_with(catalog, key) {
        return Some(whole);
    }
    let record = catalog.class(key.oid).filter(|_| key.class == class::RELATION && key.sub == 0)?;
    let c = record.object.as_class().ok()?;
    if let (Some(_), Some(above)) = (&c.index, c.lineage.parents.first()) {
        return Some(ObjectKey::new(class::RELATION, *above));
    }
    if let Some(index) = &c.index {
        let table = catalog.class(index.table)?;
        let made_by = |k: &&Constraint| k.index == key.oid && k.foreign.is_none();
        let constraint = table.object.as_class().ok()?.constraints.iter().find(made_by)?;
        return Some(ObjectKey::new(class::CONSTRAINT, constraint.oid));
    }
    let owner = c.depends.iter().find(|d| c.kind == RelKind::Sequence && d.auto && d.on.sub > 0)?.on;
    let table = catalog.class(owner.oid)?;
    let column = table.object.as_class().ok()?.attributes.get(owner.sub as usize - 1)?;
    (column.identity_sequence() == Some(key.oid)).then_some(owner)
}

/// What made an object along with itself, so that it cannot go alone: a range type its multirange type and their functions.
fn made_with(catalog: &Catalog, key: ObjectKey) -> Option<ObjectKey> {
    let may_be = matches!(key.class, class::TYPE | class::PROC | class::CAST);
    may_be.then(|| super::range_type::made_with(&catalog.get(key)?.object)).flatten()
}

/// A column of a partition key goes only with its table, a member only with its extension.
fn carrying(cx: &mut ExecContext, key: ObjectKey, stack: &[ObjectKey]) -> Result<ObjectKey> {
    if let Some(extension) = cx.backend()?.catalog.extension_of(key) {
        let whole = ObjectKey::new(class::EXTENSION, extension.oid);
        return Ok(if stack.contains(&whole) { key } else { whole });
    }
    let mut whole = key;
    while let Some(above) = made_with(&cx.backend()?.catalog, whole).filter(|w| !stack.contains(w)) {
        whole = above;
    }
    if whole != key {
        return Ok(whole);
    }
    if key.class != class::RELATION || key.sub <= 0 {
        return Ok(key);
    }
    let c = super::write::class_of(cx, key.oid)?;
    let in_key = c.kind == RelKind::Partitioned && super::partition::key_reads(cx, &c)?.contains(&(key.sub as i16));
    Ok(if in_key { ObjectKey::new(class::RELATION, key.oid) } else { key })
}

struct Walk {
    /// With what it was found by, unless it goes silently.
    list: Vec<(ObjectKey, Option<ObjectKey>)>,
    stack: Vec<ObjectKey>,
}

/// What loses something with a relation, and must not be read meanwhile: an index's table, whose readers lock no indexes,
/// and what the relation is a partition of (PostgreSQL 15, index_drop and heap_drop_with_catalog: same).
fn wider(catalog: &Catalog, oid: Oid) -> Vec<Oid> {
    let Some(record) = catalog.class(oid) else { return Vec::new() };
    let Ok(c) = record.object.as_class() else { return Vec::new() };
    match &c.index {
        Some(index) => vec![index.table],
        None if c.lineage.bound.is_some() => c.lineage.parents.clone(),
        None => Vec::new(),
    }
}

impl Walk {
    fn visit(&mut self, cx: &mut ExecContext, key: ObjectKey, on: Option<ObjectKey>) -> Flow<()> {
        let key = carrying(cx, key, &self.stack)?;
        if self.stack.contains(&key) {
            return Ok(());
        }
        if let Some(known) = self.list.iter_mut().find(|(k, _)| *k == key) {
            if on.is_none() {
                known.1 = None;
            }
            return Ok(());
        }
        let catalog = cx.backend()?.catalog.clone();
        let table = match key.class {
            class::RELATION => Some(key.oid),
            _ => whole(&catalog, key).filter(|w| w.class == class::RELATION).map(|w| w.oid),
        };
        if let Some(table) = table {
            // Of what was named, whoever named it has locked this: DROP INDEX CONCURRENTLY not so strongly.
            for around in wider(&catalog, table).into_iter().filter(|_| on.is_some()) {
                cx.backend()?.txn.lock_relation(around, LockMode::AccessExclusive)?;
            }
            cx.backend()?.txn.lock_relation(table, LockMode::AccessExclusive)?;
        }
        if key.class == class::RELATION && key.sub > 0 {
            super::row_type::lock_users(cx, key.oid)?;
        }
        self.stack.push(key);
        let mut dependents = dependents(cx, key)?;
        dependents.sort_by_key(|d| std::cmp::Reverse((d.age, d.key)));
        for d in dependents {
            self.visit(cx, d.key, (!d.silent).then_some(key))?;
        }
        self.stack.pop();
        self.list.push((key, on));
        Ok(())
    }
}

fn dependents(cx: &mut ExecContext, key: ObjectKey) -> Result<Vec<Dependent>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut found: Vec<Dependent> = catalog
        .dependents(key)
        .into_iter()
        .map(|(r, silent)| Dependent { key: r.object.key(), age: r.object.key().oid, silent })
        .collect();
    for policy in super::policy::depending(&catalog, key) {
        found.push(Dependent { key: ObjectKey::new(class::POLICY, policy), age: policy, silent: false });
    }
    match key.class {
        class::NAMESPACE => members(&catalog, key.oid, &mut found),
        class::RELATION if key.sub == 0 => of_relation(&catalog, key.oid, &mut found),
        class::RELATION => of_column(cx, key, &mut found)?,
        class::CONSTRAINT => of_constraint(cx, key.oid, &mut found)?,
        class::TYPE => {
            of_type(&catalog, key.oid, &mut found);
            for rule in super::rule::naming(&catalog, key) {
                found.push(Dependent { key: ObjectKey::new(class::REWRITE, rule), age: rule, silent: false });
            }
            let named = catalog.user_type(key.oid).map(|t| t.name);
            let named = named.or_else(|| crate::types::info(key.oid).map(|i| i.name.to_string()));
            let makes = |e: &Expr| e.any(&mut |e| super::view::type_made(e) == Some(key.oid));
            if let Some(name) = named {
                expressions_that(cx, &name, makes, &mut found)?;
            }
        }
        class::PROC => of_function(cx, key.oid, &mut found)?,
        class::OPERATOR => {
            for rule in super::rule::naming(&catalog, key) {
                found.push(Dependent { key: ObjectKey::new(class::REWRITE, rule), age: rule, silent: false });
            }
            // It need not be written where it is used: `IN`, `BETWEEN`.
            expressions_that(cx, "", |e| operates(e, key.oid), &mut found)?;
        }
        class::COLLATION => of_collation(&catalog, key.oid, &mut found),
        class::EXTENSION => of_extension(&catalog, key, &mut found),
        class::TS_CONFIG => {
            let text = format!("'{}'::regconfig", key.oid);
            expressions_that(cx, &text, |e| names(e, oid::REGCONFIG, key.oid), &mut found)?;
        }
        class::TS_DICTIONARY => {
            let text = format!("'{}'::regdictionary", key.oid);
            expressions_that(cx, &text, |e| names(e, oid::REGDICTIONARY, key.oid), &mut found)?;
        }
        class::OPFAMILY => of_opfamily(&catalog, key.oid, &mut found),
        class::OPCLASS => of_opclass(&catalog, key.oid, &mut found),
        _ => {}
    }
    Ok(found)
}

fn members(catalog: &Catalog, namespace: Oid, found: &mut Vec<Dependent>) {
    for class in [
        class::RELATION,
        class::TYPE,
        class::PROC,
        class::STATISTIC_EXT,
        class::OPERATOR,
        class::COLLATION,
        class::TS_CONFIG,
        class::TS_DICTIONARY,
        class::OPCLASS,
        class::OPFAMILY,
        class::CONVERSION,
    ] {
        for record in catalog.mentioning(class, namespace) {
            let inside = record.object.name().is_some_and(|(place, _)| place == namespace);
            let part = matches!(&record.object,
                Object::Class(c) if c.index.is_some() || matches!(c.kind, RelKind::Toast | RelKind::Composite));
            if inside && !part {
                let key = record.object.key();
                found.push(Dependent { key, age: key.oid, silent: false });
            }
        }
    }
    for record in catalog.all(class::EXTENSION) {
        if matches!(&record.object, Object::Extension(e) if e.namespace == namespace) {
            let key = record.object.key();
            found.push(Dependent { key, age: key.oid, silent: false });
        }
    }
}

/// Classes go with their family.
fn of_opfamily(catalog: &Catalog, oid: Oid, found: &mut Vec<Dependent>) {
    for record in catalog.mentioning(class::OPCLASS, oid) {
        if matches!(&record.object, Object::OpClass(o) if o.family == oid) {
            let key = record.object.key();
            found.push(Dependent { key, age: key.oid, silent: true });
        }
    }
}

/// Indexes that use it.
fn of_opclass(catalog: &Catalog, oid: Oid, found: &mut Vec<Dependent>) {
    for record in catalog.mentioning(class::RELATION, oid) {
        let Ok(c) = record.object.as_class() else { continue };
        if c.index.as_ref().is_some_and(|i| i.columns.iter().any(|k| k.opclass == oid)) {
            found.push(Dependent { key: record.object.key(), age: c.oid, silent: false });
        }
    }
}

/// Its members, and the extensions that need it.
fn of_extension(catalog: &Catalog, key: ObjectKey, found: &mut Vec<Dependent>) {
    for record in catalog.all(class::EXTENSION) {
        let Object::Extension(e) = &record.object else { continue };
        if e.oid == key.oid {
            found.extend(e.members.iter().map(|m| Dependent { key: *m, age: m.oid, silent: true }));
        } else if e.requires.contains(&key.oid) {
            found.push(Dependent { key: record.object.key(), age: e.oid, silent: false });
        }
    }
}

/// Foreign keys on a table or on an index; defaults that use a sequence; the row type.
fn of_relation(catalog: &Catalog, oid: Oid, found: &mut Vec<Dependent>) {
    for s in super::statistics::of_table(catalog, oid) {
        found.push(Dependent { key: ObjectKey::new(class::STATISTIC_EXT, s.oid), age: s.oid, silent: true });
    }
    for rule in super::rule::naming(catalog, super::write::relation_key(oid)) {
        found.push(Dependent { key: ObjectKey::new(class::REWRITE, rule), age: rule, silent: false });
    }
    let row_type = catalog.class(oid).and_then(|r| r.object.as_class().ok().map(|c| c.row_type));
    if let Some(row_type) = row_type.filter(|t| t.is_valid()) {
        found.push(Dependent { key: ObjectKey::new(class::TYPE, row_type), age: row_type, silent: true });
    }
    if catalog.class(oid).is_some_and(|r| r.object.as_class().is_ok_and(|c| c.kind == RelKind::PartitionedIndex)) {
        let part = |o| Dependent { key: ObjectKey::new(class::RELATION, o), age: o, silent: true };
        found.extend(catalog.children_of(oid).into_iter().map(part));
    }
    // What refers to a partitioned table refers to its partitions.
    let referred = super::foreign::with_ancestors(catalog, oid);
    for on in referred {
        for (holder, k) in catalog.keys_to(on).into_iter().filter(|(_, k)| !k.parent.is_valid()) {
            let is_table = k.foreign.as_ref().is_some_and(|f| f.relation == on);
            if is_table && holder != oid || k.index == oid {
                found.push(Dependent { key: ObjectKey::new(class::CONSTRAINT, k.oid), age: k.oid, silent: false });
            }
        }
    }
    let literal = format!("'{oid}'::regclass");
    for record in catalog.naming(class::RELATION, &literal) {
        let Ok(c) = record.object.as_class() else { continue };
        for a in c.attributes.iter().filter(|a| !a.dropped && c.index.is_none() && c.oid != oid) {
            let sub = i32::from(a.attno);
            let uses = a.identity == 0 && a.default.as_ref().is_some_and(|d| d.contains(&literal));
            if uses {
                let key = ObjectKey { class: class::ATTRDEF, oid: c.oid, sub };
                found.push(Dependent { key, age: a.default_oid, silent: false });
            }
        }
    }
}

/// Views and generated columns that read a column, foreign keys of other tables on it.
fn of_column(cx: &mut ExecContext, key: ObjectKey, found: &mut Vec<Dependent>) -> Result<()> {
    let n = key.sub as usize - 1;
    for view in super::using_views::views_using(cx, key.oid, |c| c.attributes[n].dropped = true)? {
        found.push(Dependent { key: ObjectKey::new(class::RELATION, view), age: view, silent: false });
    }
    for f in super::function::reading(cx, key.oid, |c| c.attributes[n].dropped = true)? {
        found.push(Dependent { key: ObjectKey::new(class::PROC, f), age: f, silent: false });
    }
    for s in super::statistics::reading(cx, key.oid, key.sub as i16)? {
        found.push(Dependent { key: ObjectKey::new(class::STATISTIC_EXT, s), age: s, silent: true });
    }
    for t in super::publication::reading(cx, key.oid, key.sub as i16)? {
        found.push(Dependent { key: ObjectKey::new(class::PUBLICATION_REL, t), age: t, silent: false });
    }
    for policy in super::policy::reading_elsewhere(cx, key)? {
        found.push(Dependent { key: ObjectKey::new(class::POLICY, policy), age: policy, silent: false });
    }
    for (child, k) in super::foreign::taking_part(cx, key.oid, key.sub as i16)? {
        // Its own columns take a foreign key along silently; those it refers to do not.
        if child != key.oid || !k.columns.contains(&(key.sub as i16)) {
            found.push(Dependent { key: ObjectKey::new(class::CONSTRAINT, k.oid), age: k.oid, silent: false });
        }
    }
    let c = super::write::class_of(cx, key.oid)?;
    of_field(cx, &c, n, found)?;
    if let Some(a) = c.attributes.get(n).filter(|a| a.default.is_some()) {
        // Silently, though its sequence, which goes too, would also take it along.
        let key = ObjectKey { class: class::ATTRDEF, ..key };
        found.push(Dependent { key, age: a.default_oid, silent: true });
    }
    for (_, r) in super::rule_columns::using(cx, key.oid, key.sub as i16)? {
        found.push(Dependent { key: ObjectKey::new(class::REWRITE, r.oid), age: r.oid, silent: false });
    }
    for t in &c.triggers {
        if super::trigger::reads(t, &c.attributes[n])? {
            found.push(Dependent { key: ObjectKey::new(class::TRIGGER, t.oid), age: t.oid, silent: false });
        }
    }
    for n in super::alter_table::using_generated(cx, key.oid, key.sub as i16)? {
        let key = ObjectKey { class: class::RELATION, oid: key.oid, sub: n as i32 + 1 };
        found.push(Dependent { key, age: key.oid, silent: false });
    }
    Ok(())
}

/// Checks, defaults and indexes whose expressions take a field from values of a relation's row type.
fn of_field(cx: &mut ExecContext, c: &Class, n: usize, found: &mut Vec<Dependent>) -> Result<()> {
    if !c.row_type.is_valid() {
        return Ok(());
    }
    let index = c.attributes[..n].iter().filter(|a| !a.dropped).count();
    let takes = |e: &Expr| {
        e.any(&mut |e| match &e.kind {
            ExprKind::Field { arg, index: i } => *i == index && base_type(arg.ty.oid) == c.row_type,
            _ => false,
        })
    };
    expressions_that(cx, &c.attributes[n].name, takes, found)
}

/// Domains whose defaults and CHECKs are so.
fn domains_that(
    cx: &mut ExecContext,
    name: &str,
    uses: &impl Fn(&Expr) -> bool,
    found: &mut Vec<Dependent>,
) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.naming(class::TYPE, name) {
        let Some(level) = crate::sql::bind::domain_level(&record, &*catalog, &cx.fx.io)? else { continue };
        for (name, _) in level.checks.iter().filter(|(_, e)| uses(e)) {
            if let Some(k) = domain_checks(&record.object).iter().find(|k| k.name == *name) {
                found.push(Dependent { key: ObjectKey::new(class::CONSTRAINT, k.oid), age: k.oid, silent: false });
            }
        }
        if let Object::Type(t) = &record.object
            && let UserTypeKind::Domain { default: Some(text), .. } = &t.kind
            && text.contains(name)
            && uses(&crate::sql::bind::bind_default(text, &*catalog, &cx.fx.io, (&t.name, TypeRef::of(t.oid)))?)
        {
            found.push(Dependent { key: record.object.key(), age: t.oid, silent: false });
        }
    }
    Ok(())
}

/// Statistics over expressions that are so.
fn statistics_that(
    cx: &mut ExecContext,
    name: &str,
    uses: &impl Fn(&Expr) -> bool,
    found: &mut Vec<Dependent>,
) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.naming(class::STATISTIC_EXT, name) {
        let Object::Statistics(s) = &record.object else { continue };
        let Some(rel) = catalog.relation(s.table)? else { continue };
        for text in s.exprs.iter().filter(|t| t.contains(name)) {
            if uses(&super::index::bind_text(cx, text, &rel, Clause::Statistics)?) {
                found.push(Dependent { key: record.object.key(), age: s.oid, silent: false });
                break;
            }
        }
    }
    Ok(())
}

/// The constraints of what is a domain.
pub fn domain_checks(object: &Object) -> &[Constraint] {
    match object {
        Object::Type(t) => match &t.kind {
            UserTypeKind::Domain { checks, .. } => checks,
            _ => &[],
        },
        _ => &[],
    }
}

/// A domain's constraint: the domain and the name.
pub fn domain_constraint(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let k = domain_checks(&holder.object).iter().find(|k| k.oid == oid)?;
    Some((holder.object.key().oid, k.name.clone()))
}

/// A constraint's index, and the views that group by a primary key.
fn of_constraint(cx: &mut ExecContext, oid: Oid, found: &mut Vec<Dependent>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = constraint(&catalog, oid) else { return Ok(()) };
    for record in catalog.mentioning(class::RELATION, oid) {
        let Ok(c) = record.object.as_class() else { continue };
        for k in c.constraints.iter().filter(|k| k.parent == oid) {
            found.push(Dependent { key: ObjectKey::new(class::CONSTRAINT, k.oid), age: k.oid, silent: true });
        }
    }
    let c = super::write::class_of(cx, table)?;
    let Some(k) = c.constraints.iter().find(|k| k.oid == oid && k.index.is_valid() && k.foreign.is_none()) else {
        return Ok(());
    };
    found.push(Dependent { key: ObjectKey::new(class::RELATION, k.index), age: k.index, silent: true });
    if k.kind == ConstraintKind::PrimaryKey {
        for view in super::using_views::views_using(cx, table, |c| c.constraints.retain(|k| k.oid != oid))? {
            found.push(Dependent { key: ObjectKey::new(class::RELATION, view), age: view, silent: false });
        }
    }
    Ok(())
}

/// Whether an expression calls a function.
fn calls(e: &Expr, function: Oid) -> bool {
    e.any(&mut |e| matches!(&e.kind, ExprKind::Func { func, oper: None, .. } if func.oid == function))
}

/// Whether an expression uses an operator.
fn operates(e: &Expr, operator: Oid) -> bool {
    e.any(&mut |e| match &e.kind {
        ExprKind::Func { oper, .. } | ExprKind::ScalarArray { oper, .. } => *oper == Some(operator),
        _ => false,
    })
}

/// Whether an expression names an object of text search.
fn names(e: &Expr, typ: Oid, oid: Oid) -> bool {
    e.any(&mut |e| e.ty.oid == typ && matches!(&e.kind, ExprKind::Const(Value::U32(n)) if *n == oid.0))
}

/// Defaults, checks, triggers and indexes of tables, domains and statistics whose expressions are so; `name`: a part of
/// all such texts (nothing: of any text).
fn expressions_that(
    cx: &mut ExecContext,
    name: &str,
    uses: impl Fn(&Expr) -> bool,
    found: &mut Vec<Dependent>,
) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    domains_that(cx, name, &uses, found)?;
    statistics_that(cx, name, &uses, found)?;
    for record in catalog.naming(class::RELATION, name) {
        let Ok(c) = record.object.as_class() else { continue };
        // Only these have to be bound.
        if !c.expressions().any(|t| t.contains(name)) {
            continue;
        }
        let table = c.index.as_ref().map_or(c.oid, |i| i.table);
        let Some(rel) = catalog.relation(table)? else { continue };
        let stored = crate::sql::bind::stored(&rel, &*catalog, &cx.fx.io)?;
        if c.index.is_some() {
            let at = rel.indexes.iter().position(|i| i.oid == c.oid);
            let in_index = |n: usize| {
                let (columns, predicate) = &stored.indexes[n];
                columns.iter().chain(predicate).any(&uses)
            };
            if at.is_some_and(in_index) {
                let constraint = c.index.as_ref().map(|i| i.constraint).filter(|k| k.is_valid());
                let key = constraint.map_or(record.object.key(), |k| ObjectKey::new(class::CONSTRAINT, k));
                found.push(Dependent { key, age: key.oid, silent: false });
            }
            continue;
        }
        let parts = c.lineage.key.iter().flat_map(|k| k.columns.iter().filter_map(|k| k.expr.as_deref()));
        for text in parts.filter(|t| t.contains(name)) {
            if uses(&super::index::bind_text(cx, text, &rel, Clause::Partition)?) {
                found.push(Dependent { key: record.object.key(), age: c.oid, silent: false });
            }
        }
        for t in c.triggers.iter().filter(|t| !t.parent.is_valid()) {
            let Some(text) = t.condition.as_deref().filter(|t| t.contains(name)) else { continue };
            let _all = crate::sql::bind::Everywhere::reach();
            let written = super::stored_text::parse(text)?;
            let source = format!("SELECT {text}");
            if uses(&user_trigger::bound_condition(&*catalog, &cx.fx.io, &rel, &written, &source)?) {
                found.push(Dependent { key: ObjectKey::new(class::TRIGGER, t.oid), age: t.oid, silent: false });
            }
        }
        for (n, a) in c.attributes.iter().enumerate() {
            let sub = i32::from(a.attno);
            if stored.defaults[n].as_ref().is_some_and(&uses) {
                let key = ObjectKey { class: class::ATTRDEF, oid: c.oid, sub };
                found.push(Dependent { key, age: a.default_oid, silent: false });
            }
            if stored.generated.iter().any(|(g, e)| *g == n && uses(e)) {
                let key = ObjectKey { class: class::RELATION, oid: c.oid, sub };
                found.push(Dependent { key, age: a.default_oid, silent: false });
            }
        }
        for k in &c.constraints {
            if stored.checks.iter().any(|(name, e)| *name == k.name && uses(e)) {
                found.push(Dependent { key: ObjectKey::new(class::CONSTRAINT, k.oid), age: k.oid, silent: false });
            }
        }
    }
    Ok(())
}

/// Triggers that call a function, and tables' expressions; range types it belongs to.
fn of_function(cx: &mut ExecContext, oid: Oid, found: &mut Vec<Dependent>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    ranges_by(&catalog, oid, |r| r.canonical == oid || r.difference == oid, found);
    let name = catalog.get(ObjectKey::new(class::PROC, oid)).and_then(|r| r.object.name().map(|(_, n)| n.to_owned()));
    expressions_that(cx, &name.unwrap_or_default(), |e| calls(e, oid), found)?;
    for rule in super::rule::naming(&catalog, ObjectKey::new(class::PROC, oid)) {
        found.push(Dependent { key: ObjectKey::new(class::REWRITE, rule), age: rule, silent: false });
    }
    for record in catalog.mentioning(class::RELATION, oid) {
        let Ok(c) = record.object.as_class() else { continue };
        for t in c.triggers.iter().filter(|t| t.function == oid && !t.parent.is_valid()) {
            found.push(Dependent { key: ObjectKey::new(class::TRIGGER, t.oid), age: t.oid, silent: false });
        }
    }
    Ok(())
}

/// Columns of tables and of indexes that have a collation.
fn of_collation(catalog: &Catalog, oid: Oid, found: &mut Vec<Dependent>) {
    for record in catalog.mentioning(class::RELATION, oid) {
        let Ok(c) = record.object.as_class() else { continue };
        for a in c.attributes.iter().filter(|a| !a.dropped && a.declared.collation == oid) {
            let key = ObjectKey { class: class::RELATION, oid: c.oid, sub: i32::from(a.attno) };
            found.push(Dependent { key, age: c.oid, silent: false });
        }
        if c.index.as_ref().is_some_and(|i| i.columns.iter().any(|k| k.named() == oid)) {
            found.push(Dependent { key: record.object.key(), age: c.oid, silent: false });
        }
    }
    ranges_by(catalog, oid, |r| r.collation == oid, found);
    for record in catalog.mentioning(class::TYPE, oid) {
        if let Object::Type(t) = &record.object
            && matches!(&t.kind, UserTypeKind::Domain { collation, .. } if *collation == oid)
        {
            found.push(Dependent { key: record.object.key(), age: t.oid, silent: false });
        }
    }
}

/// Range types that are so, with an object.
fn ranges_by(catalog: &Catalog, oid: Oid, uses: impl Fn(&RangeType) -> bool, found: &mut Vec<Dependent>) {
    for record in catalog.mentioning(class::TYPE, oid) {
        if let Object::Type(t) = &record.object
            && matches!(&t.kind, UserTypeKind::Range(r) if uses(r))
        {
            found.push(Dependent { key: record.object.key(), age: t.oid, silent: false });
        }
    }
}

/// A trigger's table and name.
pub fn trigger(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    c.triggers.iter().find(|t| t.oid == oid).map(|t| (c.oid, t.name.clone()))
}

/// The array type over a type, where it is not one itself.
pub fn array_over(catalog: &Catalog, oid: Oid) -> Option<Oid> {
    if let Some(t) = catalog.user_type(oid) {
        return Some(t.array_oid).filter(|a| a.is_valid());
    }
    let record = catalog.class(catalog.class_of_row_type(oid)?)?;
    let c = record.object.as_class().ok()?;
    Some(c.row_array_type).filter(|a| a.is_valid() && *a != oid)
}

/// The array type, columns, domains and functions of a type.
fn of_type(catalog: &Catalog, oid: Oid, found: &mut Vec<Dependent>) {
    if let Some(array) = array_over(catalog, oid) {
        // Older than whatever has a column of the type.
        found.push(Dependent { key: ObjectKey::new(class::TYPE, array), age: oid, silent: true });
    }
    let is = |ty: Oid| ty == oid;
    if let Some(UserTypeKind::Range(r)) = catalog.user_type(oid).map(|t| t.kind) {
        found.push(Dependent { key: ObjectKey::new(class::TYPE, r.multirange), age: oid, silent: true });
    }
    ranges_by(catalog, oid, |r| is(r.subtype), found);
    for record in catalog.mentioning(class::RELATION, oid) {
        let Ok(c) = record.object.as_class() else { continue };
        // Views depend on the tables their columns come from.
        if c.row_type == oid || c.index.is_some() || c.kind == RelKind::View {
            continue;
        }
        for a in c.attributes.iter().filter(|a| !a.dropped && is(a.ty.oid)) {
            let key = ObjectKey { class: class::RELATION, oid: c.oid, sub: i32::from(a.attno) };
            found.push(Dependent { key, age: c.oid, silent: false });
        }
    }
    for record in catalog.mentioning(class::TYPE, oid) {
        if let Object::Type(t) = &record.object
            && matches!(&t.kind, UserTypeKind::Domain { base, .. } if is(base.oid))
        {
            found.push(Dependent { key: record.object.key(), age: t.oid, silent: false });
        }
    }
    for record in catalog.mentioning(class::PROC, oid) {
        if let Object::Function(f) = &record.object
            && (is(f.result.oid) || f.arg_types.iter().any(|t| is(*t)))
        {
            found.push(Dependent { key: record.object.key(), age: f.oid, silent: false });
        }
    }
}
