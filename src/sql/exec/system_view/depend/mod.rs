//! `pg_depend`: what objects depend on, found in their definitions. Nothing is stored for it but what DROP needs.
//!
//! What initdb makes is pinned: nothing says that it depends on it, but for the schema `public` and PL/pgSQL.

pub(super) mod read;

use super::class::as_class;
use super::{Sink, View, catalog, row, stored};
use crate::base::{Flow, Oid};
use crate::catalog::object::{
    Class, Depend, Function, ObjectKey, Publication, RangeType, Rule, Statistics, UserType, UserTypeKind, class, fixed,
};
use crate::catalog::{Catalog, Constraint, ConstraintKind, Object, Record, RelKind, Relation, key_triggers};
use crate::sql::bind::{self, BindContext, Stored};
use crate::sql::command::FIRST_UNPINNED;
use crate::sql::exec::ExecContext;
use crate::sql::text_search;
use crate::types::IoContext;
use read::columns_of;
pub(crate) use read::{Found, of_expression, of_queries, of_query};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[View { name: "pg_depend", rows: dependencies }];

/// What the extension plpgsql brings, which initdb makes: kind and OID.
const PLPGSQL: [(Oid, Oid); 4] =
    [(class::PROC, Oid(13560)), (class::PROC, Oid(13561)), (class::PROC, Oid(13562)), (class::LANGUAGE, LANGUAGE)];
const LANGUAGE: Oid = Oid(13563);
/// The template `snowball` and its functions.
const SNOWBALL: Oid = Oid(13150);
const SNOWBALL_FUNCTIONS: [Oid; 2] = [Oid(13148), Oid(13149)];
const EXTENSION: Oid = class::EXTENSION;
const PLPGSQL_EXTENSION: Oid = Oid(13559);

/// Whether a sequence belongs to an identity column.
pub(super) fn of_identity(catalog: &Catalog, c: &Class) -> bool {
    let column_is = |key: &ObjectKey| {
        let table = catalog.class(key.oid);
        let columns = table.as_ref().and_then(|r| as_class(r)).map(|t| t.attributes.as_slice()).unwrap_or_default();
        columns.iter().any(|a| i32::from(a.attno) == key.sub && a.identity_sequence() == Some(c.oid))
    };
    c.sequence.is_some() && c.depends.iter().any(|d| d.auto && d.on.class == class::RELATION && column_is(&d.on))
}

/// The columns a CHECK of a table reads; None for another constraint.
pub(super) fn check_columns(catalog: &Catalog, io: &IoContext, c: &Class, k: &Constraint) -> Option<Vec<i16>> {
    if k.kind != ConstraintKind::Check {
        return None;
    }
    let relation = catalog.relation(c.oid).ok().flatten()?;
    let stored = bind::stored(&relation, catalog, io).ok()?;
    let (_, condition) = stored.checks.iter().find(|(n, _)| *n == k.name)?;
    Some(columns_of(condition))
}

/// A check of a domain over this type, bound.
pub(super) fn expression_of_domain(
    catalog: &Catalog,
    io: &IoContext,
    base: crate::types::TypeRef,
    text: &str,
) -> Option<crate::sql::expr::Expr> {
    bound(catalog, io, Some(&bind::domain::value_relation(base)), text)
}

fn bound(
    catalog: &Catalog,
    io: &IoContext,
    relation: Option<&Arc<Relation>>,
    text: &str,
) -> Option<crate::sql::expr::Expr> {
    let source = format!("SELECT {text}");
    let mut cx = BindContext { names: catalog, io, text: &source, params: Vec::new(), infer_params: false };
    let written = bind::parse_expression(text).ok()?;
    bind::bind_expr(&mut cx, &written, relation, bind::scope::Clause::Check, None).ok()
}

/// An object that depends on others.
#[derive(Clone, Copy)]
struct Of(Oid, Oid, i32);

struct Rows<'a> {
    catalog: &'a Catalog,
    io: &'a IoContext,
    sink: &'a mut Sink,
}

impl Rows<'_> {
    fn push(&mut self, of: Of, on: (Oid, Oid, i32), kind: char) {
        let sink = &mut *self.sink;
        row![sink; of.0, of.1, of.2, on.0, on.1, on.2, kind];
    }

    /// Normal dependencies on what was found, but for pinned objects.
    fn normal(&mut self, of: Of, found: &Found) {
        for on in found.iter().filter(|on| on.1 >= Oid::FIRST_NORMAL) {
            self.push(of, *on, 'n');
        }
    }

    /// Those of an expression over a relation: `own` says what they are on the relation's own columns.
    fn expression(&mut self, of: Of, e: &crate::sql::expr::Expr, relation: Oid, own: char) {
        for on in read::of_expression(e, relation) {
            if on.1 >= Oid::FIRST_NORMAL {
                self.push(of, on, if (on.0, on.1) == (class::RELATION, relation) { own } else { 'n' });
            }
        }
    }

    fn schema(&mut self, of: Of, namespace: Oid) {
        let temporary = self.catalog.namespace(namespace).is_some_and(|n| n.temp_of.is_some());
        if (namespace >= Oid::FIRST_NORMAL || namespace == fixed::PUBLIC) && !temporary {
            self.push(of, (class::NAMESPACE, namespace, 0), 'n');
        }
    }

    fn collation(&mut self, of: Of, collation: Oid) {
        if collation >= Oid::FIRST_NORMAL {
            self.push(of, (class::COLLATION, collation, 0), 'n');
        }
    }

    fn type_(&mut self, of: Of, ty: Oid) {
        if ty >= FIRST_UNPINNED {
            self.push(of, (class::TYPE, ty, 0), 'n');
        }
    }

    fn relation(&mut self, c: &Class) {
        let of = Of(class::RELATION, c.oid, 0);
        match c.kind {
            RelKind::Toast | RelKind::Index | RelKind::PartitionedIndex => {}
            RelKind::Composite => self.push(of, (class::TYPE, c.row_type, 0), 'i'),
            _ => self.schema(of, c.namespace),
        }
        if c.kind != RelKind::Composite && c.row_type.is_valid() && c.kind != RelKind::Toast {
            self.push(Of(class::TYPE, c.row_type, 0), (class::RELATION, c.oid, 0), 'i');
        }
        if c.row_array_type.is_valid() && c.kind != RelKind::Composite {
            self.push(Of(class::TYPE, c.row_array_type, 0), (class::TYPE, c.row_type, 0), 'i');
        }
        if c.index.is_none() {
            for a in c.attributes.iter().filter(|a| !a.dropped) {
                let column = Of(class::RELATION, c.oid, i32::from(a.attno));
                self.type_(column, a.ty.oid);
                self.collation(column, a.declared.collation);
            }
        }
        if c.toast.is_valid() {
            self.push(Of(class::RELATION, c.toast, 0), (class::RELATION, c.oid, 0), 'i');
        }
        self.type_(of, c.of_type);
        let kind = if c.lineage.bound.is_some() { 'a' } else { 'n' };
        if c.index.is_none() {
            for parent in &c.lineage.parents {
                self.push(of, (class::RELATION, *parent, 0), kind);
            }
        }
        self.parts(c);
        if c.view.is_some() {
            self.rule(c);
        }
        c.rules.iter().for_each(|r| self.user_rule(c, r));
        if c.sequence.is_some() {
            let kind = if of_identity(self.catalog, c) { 'i' } else { 'a' };
            for d in c.depends.iter().filter(|d| d.auto) {
                self.push(of, (d.on.class, d.on.oid, d.on.sub), kind);
            }
        }
    }

    fn policies(&mut self, c: &Class) {
        for p in &c.policies {
            let of = Of(class::POLICY, p.oid, 0);
            self.push(of, (class::RELATION, c.oid, 0), 'a');
            for d in &p.depends {
                // Columns say that their relation is read.
                let by_columns = |o: &crate::catalog::object::Depend| {
                    (o.on.class, o.on.oid) == (d.on.class, d.on.oid) && o.on.sub != 0
                };
                if d.on.sub != 0 || !p.depends.iter().any(by_columns) {
                    self.push(of, (d.on.class, d.on.oid, d.on.sub), 'n');
                }
            }
        }
    }

    /// Indexes, constraints, defaults, triggers, partition keys.
    fn parts(&mut self, c: &Class) {
        self.index(c);
        self.triggers(c);
        self.policies(c);
        let relation = self.catalog.relation(c.oid).ok().flatten();
        let needs_expressions = c.attributes.iter().any(|a| a.default.is_some())
            || c.constraints.iter().any(|k| k.kind == ConstraintKind::Check)
            || c.lineage.key.is_some();
        let stored = relation
            .filter(|_| needs_expressions)
            .and_then(|r: Arc<Relation>| bind::stored(&r, self.catalog, self.io).ok())
            .unwrap_or_default();
        self.constraints(c, &stored);
        self.defaults(c, &stored);
        // The columns that are keys, or that an expression reads, belong to their table.
        let keys = c.lineage.key.iter().flat_map(|k| &k.columns).filter(|k| k.attno > 0);
        let mut columns: BTreeSet<i32> = keys.map(|k| i32::from(k.attno)).collect();
        for (class, oid, sub) in stored.partition_key.iter().flat_map(|e| read::of_expression(e, c.oid)) {
            if (class, oid) == (class::RELATION, c.oid) {
                columns.insert(sub);
            } else if oid >= Oid::FIRST_NORMAL {
                self.push(Of(class::RELATION, c.oid, 0), (class, oid, sub), 'n');
            }
        }
        for column in columns {
            self.push(Of(class::RELATION, c.oid, column), (class::RELATION, c.oid, 0), 'i');
        }
    }

    fn constraints(&mut self, c: &Class, stored: &Stored) {
        for k in &c.constraints {
            let of = Of(class::CONSTRAINT, k.oid, 0);
            let check = stored.checks.iter().find(|(n, _)| k.kind == ConstraintKind::Check && *n == k.name);
            let columns = match check {
                Some((_, e)) => columns_of(e),
                None => [k.columns.clone(), self.included(k)].concat(),
            };
            for column in &columns {
                self.push(of, (class::RELATION, c.oid, i32::from(*column)), 'a');
            }
            if columns.is_empty() {
                self.push(of, (class::RELATION, c.oid, 0), 'a');
            }
            if let Some((_, e)) = check {
                self.expression(of, e, c.oid, 'n');
            }
            if let Some(f) = &k.foreign {
                for column in &f.columns {
                    self.push(of, (class::RELATION, f.relation, i32::from(*column)), 'n');
                }
                self.push(of, (class::RELATION, k.index, 0), 'n');
            }
            if k.parent.is_valid() {
                self.push(of, (class::CONSTRAINT, k.parent, 0), 'P');
                self.push(of, (class::RELATION, c.oid, 0), 'S');
            }
            self.key_triggers(c, k);
            k.parts().for_each(|p| self.key_part(c, &p));
        }
    }

    /// The columns that the index of a key has beside it.
    fn included(&self, k: &Constraint) -> Vec<i16> {
        if !matches!(k.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude) {
            return Vec::new();
        }
        let record = self.catalog.class(k.index);
        let index = record.as_ref().and_then(|r| as_class(r)?.index.as_ref());
        let beside = index.and_then(|i| i.columns.get(i.key_columns..)).unwrap_or_default();
        beside.iter().map(|c| c.attno).filter(|n| *n > 0 && !k.columns.contains(n)).collect()
    }

    /// What a foreign key is to a partition of the table that it refers to.
    fn key_part(&mut self, c: &Class, k: &Constraint) {
        let of = Of(class::CONSTRAINT, k.oid, 0);
        for column in &k.columns {
            self.push(of, (class::RELATION, c.oid, i32::from(*column)), 'a');
        }
        for (relation, column) in k.foreign.iter().flat_map(|f| f.columns.iter().map(|n| (f.relation, *n))) {
            self.push(of, (class::RELATION, relation, i32::from(column)), 'n');
        }
        self.push(of, (class::RELATION, k.index, 0), 'n');
        self.push(of, (class::CONSTRAINT, k.parent, 0), 'i');
        self.key_triggers(c, k);
    }

    fn key_triggers(&mut self, c: &Class, k: &Constraint) {
        for (_, t) in key_triggers(c.oid, k) {
            self.push(Of(class::TRIGGER, t.oid, 0), (class::CONSTRAINT, k.oid, 0), 'i');
        }
    }

    fn defaults(&mut self, c: &Class, stored: &Stored) {
        for (n, a) in c.attributes.iter().enumerate() {
            if a.dropped || a.identity != 0 || a.default.is_none() {
                continue;
            }
            let of = Of(class::ATTRDEF, a.default_oid, 0);
            let kind = if a.generated == 0 { 'a' } else { 'i' };
            self.push(of, (class::RELATION, c.oid, i32::from(a.attno)), kind);
            let generated = stored.generated.iter().find(|(at, _)| *at == n).map(|(_, e)| e);
            if let Some(e) = generated.or_else(|| stored.defaults.get(n)?.as_ref()) {
                self.expression(of, e, c.oid, 'n');
            }
        }
    }

    fn triggers(&mut self, c: &Class) {
        for t in &c.triggers {
            let of = Of(class::TRIGGER, t.oid, 0);
            if t.function >= Oid::FIRST_NORMAL {
                self.push(of, (class::PROC, t.function, 0), 'n');
            }
            if t.constraint.is_valid() {
                self.push(Of(class::CONSTRAINT, t.constraint, 0), (class::RELATION, c.oid, 0), 'a');
                self.push(of, (class::CONSTRAINT, t.constraint, 0), 'i');
            } else {
                self.push(of, (class::RELATION, c.oid, 0), 'a');
            }
            if t.parent.is_valid() {
                self.push(of, (class::TRIGGER, t.parent, 0), 'P');
                self.push(of, (class::RELATION, c.oid, 0), 'S');
            }
            if t.referenced.is_valid() {
                self.push(of, (class::RELATION, t.referenced, 0), 'a');
            }
            for column in &t.columns {
                self.push(of, (class::RELATION, c.oid, i32::from(*column)), 'n');
            }
        }
    }

    fn index(&mut self, c: &Class) {
        let Some(index) = &c.index else { return };
        let of = Of(class::RELATION, c.oid, 0);
        for parent in &c.lineage.parents {
            self.push(of, (class::RELATION, *parent, 0), 'P');
            self.push(of, (class::RELATION, index.table, 0), 'S');
        }
        index.columns.iter().for_each(|k| self.collation(of, k.named()));
        for k in index.columns.iter().filter(|k| k.opclass >= Oid::FIRST_NORMAL) {
            self.push(of, (class::OPCLASS, k.opclass, 0), 'n');
        }
        // An index of a constraint belongs to it; any other to its columns.
        if index.constraint.is_valid() {
            self.push(of, (class::CONSTRAINT, index.constraint, 0), 'i');
            return;
        }
        let mut columns: Vec<i16> = index.columns.iter().map(|k| k.attno).filter(|n| *n > 0).collect();
        columns.dedup();
        for column in &columns {
            self.push(of, (class::RELATION, index.table, i32::from(*column)), 'a');
        }
        if columns.is_empty() {
            self.push(of, (class::RELATION, index.table, 0), 'a');
        }
        if index.columns.iter().all(|k| k.expr.is_none()) && index.predicate.is_none() {
            return;
        }
        let table = self.catalog.relation(index.table).ok().flatten();
        let Some(table) = table else { return };
        let Ok(stored) = bind::stored(&table, self.catalog, self.io) else { return };
        let Some(at) = table.indexes.iter().position(|i| i.oid == c.oid) else { return };
        let Some((expressions, predicate)) = stored.indexes.get(at) else { return };
        for (k, e) in index.columns.iter().zip(expressions) {
            if k.expr.is_some() {
                self.expression(of, e, index.table, 'a');
            }
        }
        if let Some(e) = predicate {
            self.expression(of, e, index.table, 'a');
        }
    }

    /// A view's rule belongs to the view, and depends on what the query reads.
    fn rule(&mut self, c: &Class) {
        let rule = c.view.as_ref().map(|v| v.rule).filter(|r| r.is_valid()).unwrap_or(c.oid);
        let of = Of(class::REWRITE, rule, 0);
        self.push(of, (class::RELATION, c.oid, 0), 'i');
        self.push(of, (class::RELATION, c.oid, 0), 'n');
        let bound = c.view.as_ref().and_then(|v| bind::view_query(v, self.catalog, self.io).ok());
        match bound {
            Some(query) => self.normal(of, &read::of_query(&query)),
            None => c.depends.iter().for_each(|d| self.stated(of, d)),
        }
    }

    /// A rule goes with its table.
    fn user_rule(&mut self, c: &Class, r: &Rule) {
        let of = Of(class::REWRITE, r.oid, 0);
        self.push(of, (class::RELATION, c.oid, 0), 'a');
        let table = self.catalog.relation(c.oid).ok().flatten();
        match table.and_then(|t| crate::sql::command::rule_refers(self.catalog, self.io, &t, r)) {
            Some(found) => self.normal(of, &found),
            None => r.depends.iter().for_each(|d| self.stated(of, d)),
        }
    }

    fn statistics(&mut self, s: &Statistics) {
        let of = Of(class::STATISTIC_EXT, s.oid, 0);
        self.schema(of, s.namespace);
        for column in &s.columns {
            self.push(of, (class::RELATION, s.table, i32::from(*column)), 'a');
        }
        let table = self.catalog.relation(s.table).ok().flatten();
        for e in s.exprs.iter().filter_map(|text| bound(self.catalog, self.io, table.as_ref(), text)) {
            self.expression(of, &e, s.table, 'a');
        }
    }

    fn publication(&mut self, p: &Publication) {
        for t in &p.tables {
            let of = Of(class::PUBLICATION_REL, t.oid, 0);
            self.push(of, (class::RELATION, t.table, 0), 'a');
            self.push(of, (class::PUBLICATION, p.oid, 0), 'a');
            for column in &t.columns {
                self.push(of, (class::RELATION, t.table, i32::from(*column)), 'n');
            }
            let table = self.catalog.relation(t.table).ok().flatten();
            if let Some(e) = t.filter.as_deref().and_then(|text| bound(self.catalog, self.io, table.as_ref(), text)) {
                self.expression(of, &e, t.table, 'n');
            }
        }
        for (oid, schema) in &p.schemas {
            let of = Of(class::PUBLICATION_NAMESPACE, *oid, 0);
            self.push(of, (class::PUBLICATION, p.oid, 0), 'a');
            self.push(of, (class::NAMESPACE, *schema, 0), 'a');
        }
    }

    fn stated(&mut self, of: Of, d: &Depend) {
        if d.on.oid < Oid::FIRST_NORMAL {
            return;
        }
        self.push(of, (d.on.class, d.on.oid, d.on.sub), if d.auto { 'a' } else { 'n' });
    }

    fn function(&mut self, f: &Function) {
        let of = Of(class::PROC, f.oid, 0);
        self.schema(of, f.namespace);
        if f.language == "plpgsql" {
            self.push(of, (class::LANGUAGE, LANGUAGE, 0), 'n');
        }
        let mut types: Vec<Oid> = f.arg_types.iter().copied().chain([f.result.oid]).collect();
        types.sort();
        types.dedup();
        types.into_iter().for_each(|t| self.type_(of, t));
        // What a type has made along with itself.
        if let Some(d) = f.depends.iter().find(|d| d.auto && d.on.class == class::TYPE) {
            self.push(of, (d.on.class, d.on.oid, 0), 'i');
            return;
        }
        f.depends.iter().for_each(|d| self.stated(of, d));
    }

    fn range(&mut self, of: Of, r: &RangeType) {
        self.type_(of, r.subtype);
        self.collation(of, r.collation);
        for f in [r.canonical, r.difference].into_iter().filter(|f| *f >= Oid::FIRST_NORMAL) {
            self.push(of, (class::PROC, f, 0), 'n');
        }
    }

    fn user_type(&mut self, t: &UserType) {
        let of = Of(class::TYPE, t.oid, 0);
        self.schema(of, t.namespace);
        if t.array_oid.is_valid() {
            self.push(Of(class::TYPE, t.array_oid, 0), (class::TYPE, t.oid, 0), 'i');
        }
        if let UserTypeKind::Base(b) = &t.kind {
            b.functions
                .iter()
                .filter(|f| **f >= Oid::FIRST_NORMAL)
                .for_each(|f| self.push(of, (class::PROC, *f, 0), 'n'));
        }
        match &t.kind {
            UserTypeKind::Range(r) => self.range(of, r),
            UserTypeKind::Multirange { range } => self.push(of, (class::TYPE, *range, 0), 'i'),
            _ => {}
        }
        let UserTypeKind::Domain { base, collation, checks, default, .. } = &t.kind else { return };
        self.type_(of, base.oid);
        self.collation(of, *collation);
        let value = bind::domain::value_relation(*base);
        for k in checks {
            let of = Of(class::CONSTRAINT, k.oid, 0);
            self.push(of, (class::TYPE, t.oid, 0), 'a');
            if let Some(e) = k.check.as_deref().and_then(|text| bound(self.catalog, self.io, Some(&value), text)) {
                self.expression(of, &e, Oid::INVALID, 'n');
            }
        }
        if let Some(e) = default.as_deref().and_then(|text| bound(self.catalog, self.io, None, text)) {
            self.expression(of, &e, Oid::INVALID, 'n');
        }
    }
}

/// The objects that may depend on one; None: any may. Expressions name functions and operators that are nowhere in the
/// objects as they are stored, but relations are kept by number even there.
fn dependents(catalog: &Catalog, on: Oid) -> Option<Vec<Arc<Record>>> {
    let of_relation = |record: Arc<Record>| {
        let c = record.object.as_class().ok()?;
        Some(![c.row_type, c.row_array_type].contains(&on))
    };
    let relation = catalog.class(on).is_some();
    let known = relation
        || catalog.namespace(on).is_some()
        || catalog.get(ObjectKey::new(class::EXTENSION, on)).is_some()
        || catalog.holder(on).and_then(of_relation).unwrap_or(false);
    if on < Oid::FIRST_NORMAL || !known {
        return None;
    }
    let mut found: Vec<_> = KINDS.iter().flat_map(|kind| catalog.mentioning(*kind, on)).collect();
    if relation {
        let number = on.to_string();
        found.extend([class::RELATION, class::TYPE].iter().flat_map(|kind| catalog.naming(*kind, &number)));
    }
    Some(found)
}

const KINDS: [Oid; 15] = [
    class::RELATION,
    class::PROC,
    class::TYPE,
    class::OPERATOR,
    class::CAST,
    class::COLLATION,
    class::STATISTIC_EXT,
    class::PUBLICATION,
    class::EVENT_TRIGGER,
    class::EXTENSION,
    class::TS_CONFIG,
    class::TS_DICTIONARY,
    class::OPCLASS,
    class::FOREIGN_SERVER,
    class::USER_MAPPING,
];

/// The objects whose rows are asked for: some, or all of them in the order of their OIDs.
fn asked(catalog: &Catalog, sink: &Sink) -> Vec<Arc<Record>> {
    let some = match (sink.oid_key("objid"), sink.oid_key("refobjid")) {
        (None, Some(on)) => dependents(catalog, on),
        _ => None,
    };
    let all = || KINDS.into_iter().flat_map(|kind| stored(catalog, sink, kind, &["objid"])).collect();
    let mut found: Vec<Arc<Record>> = some.unwrap_or_else(all);
    found.retain(|r| r.object.key().oid >= Oid::FIRST_NORMAL);
    found.sort_by_key(|r| r.object.key());
    found.dedup_by_key(|r| r.object.key());
    found
}

/// The stemmers, their template and the configurations that use them: initdb makes them after what nobody can drop.
fn snowball(catalog: &Catalog, sink: &mut Sink) {
    let own = |oid: Oid| oid >= FIRST_UNPINNED && oid < Oid::FIRST_NORMAL;
    for f in SNOWBALL_FUNCTIONS {
        row![sink; class::TS_TEMPLATE, SNOWBALL, 0, class::PROC, f, 0, 'n'];
    }
    for d in text_search::dictionaries(catalog).iter().filter(|d| own(d.oid) && own(d.template)) {
        row![sink; class::TS_DICTIONARY, d.oid, 0, class::TS_TEMPLATE, d.template, 0, 'n'];
    }
    for c in text_search::configs(catalog).iter().filter(|c| own(c.oid)) {
        let mut used: Vec<Oid> = c.maps.iter().flat_map(|(_, list)| list.iter().copied()).filter(|d| own(*d)).collect();
        used.sort();
        used.dedup();
        for d in used {
            row![sink; class::TS_CONFIG, c.oid, 0, class::TS_DICTIONARY, d, 0, 'n'];
        }
    }
}

fn dependencies(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let io = cx.fx.io.clone();
    for (kind, oid) in PLPGSQL {
        row![sink; kind, oid, 0, EXTENSION, PLPGSQL_EXTENSION, 0, 'e'];
        if kind == class::PROC {
            row![sink; class::LANGUAGE, LANGUAGE, 0, kind, oid, 0, 'n'];
        }
    }
    snowball(&catalog, sink);
    for record in catalog.all(class::EXTENSION) {
        let Object::Extension(e) = &record.object else { continue };
        for m in &e.members {
            row![sink; m.class, m.oid, 0, EXTENSION, e.oid, 0, 'e'];
        }
    }
    let records = asked(&catalog, sink);
    let mut rows = Rows { catalog: &catalog, io: &io, sink };
    for record in records {
        match &record.object {
            Object::Class(c) => rows.relation(c),
            Object::Function(f) => rows.function(f),
            Object::Type(t) => rows.user_type(t),
            Object::Operator(o) => {
                let of = Of(class::OPERATOR, o.oid, 0);
                rows.schema(of, o.namespace);
                o.depends.iter().for_each(|d| rows.stated(of, d));
            }
            Object::Cast(c) => {
                let of = Of(class::CAST, c.oid, 0);
                for d in &c.depends {
                    match d.auto {
                        true => rows.push(of, (d.on.class, d.on.oid, 0), 'i'),
                        false => rows.stated(of, d),
                    }
                }
            }
            Object::Statistics(s) => rows.statistics(s),
            Object::Publication(p) => rows.publication(p),
            Object::Foreign(f) => {
                let of = Of(f.key().class, f.oid, 0);
                f.depends.iter().for_each(|d| rows.stated(of, d));
            }
            Object::EventTrigger(t) => {
                let of = Of(class::EVENT_TRIGGER, t.oid, 0);
                t.depends.iter().for_each(|d| rows.stated(of, d));
            }
            Object::Extension(e) => {
                let of = Of(class::EXTENSION, e.oid, 0);
                rows.push(of, (class::NAMESPACE, e.namespace, 0), 'n');
                e.requires.iter().for_each(|r| rows.push(of, (class::EXTENSION, *r, 0), 'n'));
            }
            Object::OpClass(o) => {
                let of = Of(class::OPCLASS, o.oid, 0);
                rows.schema(of, o.namespace);
                rows.push(of, (class::OPFAMILY, o.family, 0), 'a');
                rows.type_(of, o.input);
                if o.key != o.input {
                    rows.type_(of, o.key);
                }
                o.functions
                    .iter()
                    .filter(|f| f.1 >= Oid::FIRST_NORMAL)
                    .for_each(|f| rows.push(of, (class::PROC, f.1, 0), 'n'));
            }
            Object::OpFamily(f) => rows.schema(Of(class::OPFAMILY, f.oid, 0), f.namespace),
            Object::Conversion(c) => rows.schema(Of(class::CONVERSION, c.oid, 0), c.namespace),
            Object::Collation(c) => rows.schema(Of(class::COLLATION, c.oid, 0), c.namespace),
            Object::TsConfig(c) => {
                let of = Of(class::TS_CONFIG, c.oid, 0);
                rows.schema(of, c.namespace);
                c.depends.iter().for_each(|d| rows.push(of, (d.on.class, d.on.oid, 0), 'n'));
            }
            Object::TsDictionary(d) => {
                let of = Of(class::TS_DICTIONARY, d.oid, 0);
                rows.schema(of, d.namespace);
                if d.template >= FIRST_UNPINNED {
                    rows.push(of, (class::TS_TEMPLATE, d.template, 0), 'n');
                }
            }
            _ => {}
        }
    }
    Ok(())
}
