//! `pg_class`, `pg_attribute`, `pg_attrdef`, `pg_index`, `pg_sequence`.

use super::cell::{Acl, NULL, Texts, int2_vector, oid_vector};
use super::{Sink, View, catalog, row, stored};
use crate::base::{Flow, Oid, Result, Xid};
use crate::buffer::Persistence;
use crate::catalog::IndexMethod;
use crate::catalog::acl::shown;
use crate::catalog::object::{Class, IndexDef, IndexStage, ObjectKey, class, fixed};
use crate::catalog::{Attribute, Catalog, Object, Record, RelKind, Relation, system, system_indexes};
use crate::sql::exec::ExecContext;
use crate::types::{self, TypeRef, Value};
use std::collections::HashSet;
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_class", rows: classes },
    View { name: "pg_attribute", rows: attributes },
    View { name: "pg_attrdef", rows: defaults },
    View { name: "pg_index", rows: indexes },
    View { name: "pg_sequence", rows: sequences },
    View { name: "pg_inherits", rows: inherits },
    View { name: "pg_partitioned_table", rows: partitioned },
];

/// The user's classes, and the catalogs' indexes, that a key on their OID or name leaves over, in the order of their OIDs.
pub(super) fn user_classes(catalog: &Catalog, oid: Option<Oid>, name: Option<&str>) -> Vec<Arc<Record>> {
    let mut found = match (oid, name) {
        (Some(oid), _) => catalog.class(oid).into_iter().collect(),
        (None, Some(name)) => {
            let schemas = catalog.all(class::NAMESPACE);
            let named = schemas.iter().flat_map(|n| catalog.find(class::RELATION, n.object.key().oid, name));
            let named = named.filter_map(|oid| catalog.class(oid));
            named.chain(system_indexes::all().iter().cloned()).collect()
        }
        (None, None) => {
            let mut all = catalog.all(class::RELATION);
            all.extend_from_slice(system_indexes::all());
            all
        }
    };
    let shown = |c: &Class| name.is_none_or(|n| c.name == n) && !crate::sql::large_object::is_store(c);
    found.retain(|r| matches!(&r.object, Object::Class(c) if shown(c)));
    found.sort_by_key(|r| r.object.key().oid);
    found
}

/// The generated relations, likewise.
pub(super) fn system_relations(oid: Option<Oid>, name: Option<&str>) -> Vec<Arc<Relation>> {
    let mut found: Vec<Arc<Relation>> = match oid {
        Some(oid) => system::relation(oid).into_iter().collect(),
        None => system::all().cloned().collect(),
    };
    found.retain(|r| name.is_none_or(|n| r.name == n));
    found.sort_by_key(|r| r.oid);
    found
}

/// A stored class.
pub(super) fn as_class(record: &Record) -> Option<&Class> {
    record.object.as_class().ok()
}

fn letter(p: Persistence) -> char {
    match p {
        Persistence::Permanent => 'p',
        Persistence::Unlogged => 'u',
        Persistence::Temp => 't',
    }
}

fn access_method(kind: RelKind) -> Oid {
    match kind {
        RelKind::Table | RelKind::MatView | RelKind::Toast => fixed::HEAP_AM,
        RelKind::Index | RelKind::PartitionedIndex => fixed::BTREE_AM,
        RelKind::Sequence | RelKind::View | RelKind::Composite | RelKind::Partitioned => Oid::INVALID,
    }
}

fn access_method_of(c: &Class) -> Oid {
    match &c.index {
        Some(index) => index.method().oid(),
        _ => access_method(c.kind),
    }
}

/// Pages, rows, all-visible pages as `pg_class` tells them.
fn size(catalog: &Catalog, c: &Class) -> (i64, f64, i64) {
    let record = catalog.get(ObjectKey::new(class::STATISTIC, c.oid));
    match record.as_ref().and_then(|r| r.object.as_stats().ok()) {
        // ANALYZE of a partitioned table counts rows, but has no pages to tell of (PostgreSQL 15, do_analyze_rel).
        Some(s) if c.kind == RelKind::Partitioned && s.tuples >= 0.0 => (-1, s.tuples, 0),
        Some(s) => (s.pages as i64, s.tuples, s.all_visible as i64),
        None => match c.kind {
            RelKind::Index if !c.node.is_valid() => (0, 0.0, 0),
            RelKind::Sequence => (1, 1.0, 0),
            RelKind::Index => (1, 0.0, 0),
            RelKind::PartitionedIndex => (0, 0.0, 0),
            _ => (0, -1.0, 0),
        },
    }
}

/// `relfrozenxid`.
fn frozen_of(catalog: &Catalog, c: &Class, next: Xid) -> Xid {
    let stats = catalog.get(ObjectKey::new(class::STATISTIC, c.oid));
    super::shown_frozen(crate::sql::command::frozen(c, stats.as_deref()), next)
}

fn classes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let frozen = super::frozen_xid(cx)?;
    let next = cx.storage()?.mvcc.next_xid();
    let catalog = catalog(cx)?;
    let (oid, name) = (sink.oid_key("oid"), sink.text_key("relname"));
    let superuser = catalog.role(fixed::BOOTSTRAP_SUPERUSER).map(|r| r.name).unwrap_or_default();
    // What is dear to find out, and seldom asked for.
    let [sizes, indexed, parents, rights, triggered] =
        ["relpages", "relhasindex", "relhassubclass", "relacl", "relhastriggers"].map(|c| sink.wants(c));
    let sizes = sizes || ["reltuples", "relallvisible"].iter().any(|c| sink.wants(c));
    let [aged, bounded, optioned] = ["relfrozenxid", "relpartbound", "reloptions"].map(|c| sink.wants(c));
    let referenced = if triggered { referenced(&catalog, oid) } else { HashSet::new() };
    for r in system_relations(oid, name.as_deref()) {
        let shared = !r.file.db.is_valid();
        row![sink;
            r.oid, &r.name, r.namespace, r.row_type, Oid::INVALID, r.owner,
            access_method(r.kind), Oid::INVALID, if shared { fixed::GLOBAL_TABLESPACE } else { Oid::INVALID },
            0, -1.0, 0, r.toast, !system_indexes::of_table(r.oid).is_empty(), shared, 'p', r.kind as u8, r.attributes.len(), 0,
            r.kind == RelKind::View, false, false, false, false, true, 'n', false, Oid::INVALID,
            if r.kind == RelKind::View { Xid::INVALID } else { frozen }, i32::from(r.kind != RelKind::View),
            if r.kind == RelKind::Toast || !rights { NULL } else { catalog_acl(&catalog, &r, &superuser) }, NULL, NULL,
        ];
    }
    for record in user_classes(&catalog, oid, name.as_deref()) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        let (pages, tuples, all_visible) = if sizes { size(&catalog, c) } else { (0, 0.0, 0) };
        let heap = matches!(c.kind, RelKind::Table | RelKind::MatView | RelKind::Toast);
        let checks = c.constraints.iter().filter(|k| k.kind == crate::catalog::ConstraintKind::Check).count();
        let replica = match (&c.replica_identity, heap && c.kind != RelKind::Toast) {
            (Some(r), _) => *r,
            (None, true) => 'd',
            (None, _) if c.kind == RelKind::Partitioned => 'd',
            (None, false) => 'n',
        };
        let may_have_index = indexed && (heap || c.kind == RelKind::Partitioned);
        let has_index = may_have_index && !catalog.indexes_of(c.oid).is_empty();
        let acl = rights.then(|| shown(&catalog, c.acl.as_deref())).flatten();
        let options = if optioned { options(&catalog, c) } else { Vec::new() };
        let triggers = has_triggers(&referenced, c);
        let shared = is_of_shared(c);
        row![sink;
            c.oid, &c.name, c.namespace, c.row_type, c.of_type, c.owner, access_method_of(c), c.node,
            if shared { fixed::GLOBAL_TABLESPACE } else { c.tablespace }, pages, tuples, all_visible, c.toast, has_index, shared, letter(c.persistence),
            c.kind as u8, column_count(c), checks,
            matches!(c.kind, RelKind::View | RelKind::MatView) || !c.rules.is_empty(), triggers,
            parents && !catalog.children_of(c.oid).is_empty(),
            c.row_security, c.force_row_security, c.view.as_ref().is_none_or(|v| v.populated || c.kind == RelKind::View), replica,
            c.lineage.bound.is_some() || c.index.is_some() && !c.lineage.parents.is_empty(),
            Oid::INVALID, if heap && aged { frozen_of(&catalog, c, next) } else { Xid::INVALID }, i32::from(heap), Acl(acl.as_deref()), Texts(&options),
            if bounded { partition_bound(&catalog, c, &cx.fx.io) } else { None },
        ];
    }
    Ok(())
}

/// `reloptions`: a table keeps those of its TOAST table, too, as `toast.name=value`.
fn options(catalog: &Catalog, c: &Class) -> Vec<String> {
    const OF_TOAST: &str = "toast.";
    if c.kind != RelKind::Toast {
        return c.options.iter().filter(|o| !o.starts_with(OF_TOAST)).cloned().collect();
    }
    let owner = c.name.rsplit('_').next().and_then(|n| n.parse().ok()).map(Oid);
    let record = owner.and_then(|o| catalog.get(ObjectKey::new(class::RELATION, o)));
    let table = record.as_ref().and_then(|r| as_class(r)).filter(|t| t.toast == c.oid);
    table.iter().flat_map(|t| &t.options).filter_map(|o| o.strip_prefix(OF_TOAST)).map(str::to_owned).collect()
}

/// Whether an index is of a catalog that all databases share.
pub(super) fn is_of_shared(c: &Class) -> bool {
    let table = c.index.as_ref().and_then(|i| system::relation(i.table));
    table.is_some_and(|r| !r.file.db.is_valid())
}

/// The rights on a catalog: initdb's, or what GRANT and REVOKE made of them.
fn catalog_acl(catalog: &Catalog, r: &Relation, superuser: &str) -> Value {
    let changed = catalog.builtin_acl(ObjectKey::new(class::RELATION, r.oid));
    match changed.and_then(|c| c.acl) {
        Some(acl) => super::Cell::cell(Acl(shown(catalog, Some(&acl)).as_deref())),
        None => system_acl(catalog, r, superuser),
    }
}

/// What initdb grants on the catalogs: all may read them, but for passwords and samples of data.
pub(super) fn system_acl(catalog: &Catalog, r: &Relation, superuser: &str) -> Value {
    use super::Cell;
    use crate::sql::exec::rights::{has_no_grants, public_rights};
    if has_no_grants(&r.name) {
        return NULL;
    }
    if let Some(items) = &r.acl {
        return Acl(shown(catalog, Some(items)).as_deref()).cell();
    }
    let mut items = vec![format!("{superuser}=arwdDxt/{superuser}")];
    match public_rights(&r.name) {
        "" => {}
        rights => items.push(format!("={rights}/{superuser}")),
    }
    Acl(Some(&items)).cell()
}

/// Foreign keys work through triggers in PostgreSQL: both sides say they have some. `referenced`: what keys refer to.
pub(super) fn has_triggers(referenced: &HashSet<Oid>, c: &Class) -> bool {
    !c.triggers.is_empty() || c.constraints.iter().any(|k| k.foreign.is_some()) || referenced.contains(&c.oid)
}

/// The relations that foreign keys refer to, partitions of partitioned tables among them; `only`: it is enough to know
/// that of this one.
pub(super) fn referenced(catalog: &Catalog, only: Option<Oid>) -> HashSet<Oid> {
    let all = match only {
        Some(oid) => lineage(catalog, oid).iter().flat_map(|o| catalog.mentioning(class::RELATION, *o)).collect(),
        None => catalog.all(class::RELATION),
    };
    let keys = all.iter().filter_map(|r| as_class(r)).flat_map(|c| &c.constraints);
    let mut found: HashSet<Oid> = HashSet::new();
    let mut next: Vec<Oid> = keys.filter_map(|k| k.foreign.as_ref()).map(|f| f.relation).collect();
    while let Some(oid) = next.pop() {
        if found.insert(oid) {
            let parts = catalog.children_of(oid).into_iter();
            next.extend(parts.filter(|p| catalog.class(*p).is_some_and(|r| is_partition(&r))));
        }
    }
    found
}

/// A relation and what it is a partition of.
fn lineage(catalog: &Catalog, oid: Oid) -> Vec<Oid> {
    let mut found = vec![oid];
    while let Some(record) = found.last().and_then(|o| catalog.class(*o)).filter(|r| is_partition(r))
        && let Some(parent) = as_class(&record).and_then(|c| c.lineage.parents.first())
    {
        found.push(*parent);
    }
    found
}

fn is_partition(record: &Record) -> bool {
    as_class(record).is_some_and(|c| c.lineage.bound.is_some())
}

fn column_count(c: &Class) -> usize {
    c.index.as_ref().map_or(c.attributes.len(), |i| i.columns.len())
}

/// What `pg_type` tells of a column's type.
struct TypeFacts {
    len: i16,
    byval: bool,
    align: u8,
    storage: u8,
    collation: Oid,
    dimensions: i32,
}

fn facts(catalog: &Catalog, ty: Oid) -> TypeFacts {
    use crate::catalog::object::UserTypeKind;
    // The types of extensions are known with what their definitions say.
    let known = |i: &types::TypeInfo| i.oid < Oid::FIRST_NORMAL || i.is_array() || i.code.is_some();
    if let Some(i) = types::info(ty).filter(|i| known(i)) {
        let dimensions = i32::from(i.category == b'A' && i.len == -1);
        let (len, byval, align, storage) = (i.len, i.byval, i.align, i.storage);
        return TypeFacts { len, byval, align, storage, collation: i.collation, dimensions };
    }
    match catalog.user_type(ty).map(|t| (t.array_oid == ty, t.kind)) {
        Some((false, UserTypeKind::Enum(_))) => {
            TypeFacts { len: 4, byval: true, align: b'i', storage: b'p', collation: Oid::INVALID, dimensions: 0 }
        }
        Some((false, UserTypeKind::Domain { base, collation, .. })) => match facts(catalog, base.oid) {
            of if collation.is_valid() => TypeFacts { collation, ..of },
            of => of,
        },
        _ => TypeFacts { len: -1, byval: false, align: b'd', storage: b'x', collation: Oid::INVALID, dimensions: 0 },
    }
}

/// The system columns of a relation with storage: name, type, number.
const SYSTEM_COLUMNS: [(&str, u32, i16); 6] =
    [("tableoid", 26, -6), ("cmax", 29, -5), ("xmax", 28, -4), ("cmin", 29, -3), ("xmin", 28, -2), ("ctid", 27, -1)];

struct Column<'a> {
    relation: Oid,
    name: &'a str,
    ty: TypeRef,
    attno: i16,
    not_null: bool,
    stored: Option<&'a Attribute>,
    acl: Option<&'a [String]>,
}

fn push_column(catalog: &Catalog, sink: &mut Sink, c: &Column<'_>) {
    let a = c.stored;
    let dropped = a.is_some_and(|a| a.dropped);
    let mut f = facts(catalog, c.ty.oid);
    if f.collation == fixed::DEFAULT_COLLATION && system::relation(c.relation).is_some_and(|r| r.kind == RelKind::Table)
    {
        // Catalogs are sorted the same way in every database.
        f.collation = fixed::C_COLLATION;
    }
    let declared = a.map(|a| &a.declared);
    if let Some(d) = declared {
        if d.collation.is_valid() {
            f.collation = d.collation;
        }
        if d.storage != 0 {
            f.storage = d.storage;
        }
        if c.relation >= Oid::FIRST_NORMAL {
            f.dimensions = d.dimensions.into();
        }
    }
    let missing = a.and_then(|a| a.missing.as_ref()).filter(|v| !v.is_null());
    let missing_array = missing.map(|v| Value::Bytes(types::array::from_values(c.ty.oid, [v.datum()]).into()));
    let name = if dropped { format!("........pg.dropped.{}........", c.attno) } else { c.name.to_string() };
    row![sink;
        c.relation, name, if dropped { Oid::INVALID } else { c.ty.oid },
        a.map_or(if c.attno < 0 { 0 } else { -1 }, |a| if dropped { 0 } else { a.stat_target }), f.len, c.attno, f.dimensions, -1, c.ty.typmod,
        f.byval, f.align, f.storage, declared.map_or(0, |d| d.compression), c.not_null && !dropped, a.is_some_and(|a| a.default.is_some() && a.identity == 0) && !dropped,
        missing.is_some(), a.map_or(0, |a| a.identity), a.map_or(0, |a| a.generated), dropped,
        a.is_none_or(|a| a.local), a.map_or(0, |a| i32::from(a.inherited)), f.collation,
        Acl(shown(catalog, c.acl).as_deref()), Texts(declared.map_or(&[], |d| &d.options)), NULL, missing_array,
    ];
}

/// What is granted on columns, by attribute number.
type Acls<'a> = &'a [(i16, Vec<String>)];

fn among(acls: Acls<'_>, attno: i16) -> Option<&[String]> {
    acls.iter().find(|(n, _)| *n == attno).map(|(_, acl)| acl.as_slice())
}

fn push_system_columns(catalog: &Catalog, sink: &mut Sink, relation: Oid, acls: Acls<'_>) {
    for (name, ty, attno) in SYSTEM_COLUMNS {
        let ty = TypeRef::of(Oid(ty));
        let acl = among(acls, attno);
        push_column(catalog, sink, &Column { relation, name, ty, attno, not_null: true, stored: None, acl });
    }
}

fn push_columns(catalog: &Catalog, sink: &mut Sink, relation: Oid, columns: &[Attribute], acls: Acls<'_>) {
    for a in columns {
        let (name, ty, attno) = (a.name.as_str(), a.ty, a.attno);
        let acl = among(acls, attno);
        push_column(catalog, sink, &Column { relation, name, ty, attno, not_null: a.not_null, stored: Some(a), acl });
    }
}

fn attributes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let oid = sink.oid_key("attrelid");
    for r in system_relations(oid, None) {
        let acls = match catalog.builtin_acl(ObjectKey::new(class::RELATION, r.oid)) {
            Some(changed) => changed.columns,
            None => r.attributes.iter().filter_map(|a| Some((a.attno, a.acl.clone()?))).collect(),
        };
        if matches!(r.kind, RelKind::Table | RelKind::Toast) {
            push_system_columns(&catalog, sink, r.oid, &acls);
        }
        push_columns(&catalog, sink, r.oid, &r.attributes, &acls);
    }
    for record in user_classes(&catalog, oid, None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        let acls: Vec<(i16, Vec<String>)> = c.column_acls().map(|(attno, acl)| (attno, acl.clone())).collect();
        match &c.index {
            Some(index) => push_index_columns(&catalog, sink, c.oid, index),
            None => {
                if matches!(
                    c.kind,
                    RelKind::Table | RelKind::MatView | RelKind::Toast | RelKind::Sequence | RelKind::Partitioned
                ) {
                    push_system_columns(&catalog, sink, c.oid, &acls);
                }
                push_columns(&catalog, sink, c.oid, &c.attributes, &acls);
            }
        }
    }
    Ok(())
}

fn push_index_columns(catalog: &Catalog, sink: &mut Sink, relation: Oid, index: &IndexDef) {
    let record = catalog.class(index.table);
    let columns = record.as_ref().and_then(|r| as_class(r)).map(|t| t.attributes.as_slice()).unwrap_or_default();
    for (n, k) in index.columns.iter().enumerate() {
        let attno = n as i16 + 1;
        // What the table's column was declared with holds for its copies in the index, but for statistics.
        let of_table = columns.iter().find(|a| a.attno == k.attno && k.attno > 0);
        let mut own = Attribute::new(&k.name, attno, k.ty);
        own.declared = of_table.map(|a| a.declared.clone()).unwrap_or_default();
        own.declared.options = k.options.clone();
        if k.named().is_valid() {
            own.declared.collation = k.named();
        }
        // A hash index keeps hash codes, a GIN index elements.
        let kept = match index.method() {
            _ if n >= index.key_columns => None,
            IndexMethod::Hash => Some(types::oid::INT4),
            method => match super::code::key_type(operator_class(catalog, k, method)) {
                Some(types::oid::ANYELEMENT) => types::element_type(k.ty.oid),
                other => other,
            },
        };
        let ty = kept.map_or(k.ty, TypeRef::of);
        if kept.is_some() {
            own.declared.collation = key_collation(catalog, index.table, k);
            own.declared.storage = 0;
        }
        let column = Column { relation, name: &k.name, ty, attno, not_null: false, stored: Some(&own), acl: None };
        push_column(catalog, sink, &column);
    }
}

fn defaults(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, sink.oid_key("adrelid"), None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        // The default of an identity column is the server's own business.
        for a in c.attributes.iter().filter(|a| !a.dropped && a.identity == 0) {
            if let Some(text) = &a.default {
                row![sink; a.default_oid, c.oid, a.attno, text];
            }
        }
    }
    Ok(())
}

/// The collation of an index's column: its own, the table column's, the type's.
pub(super) fn key_collation(catalog: &Catalog, table: Oid, k: &crate::catalog::IndexColumn) -> Oid {
    if k.named().is_valid() {
        return k.named();
    }
    let record = catalog.class(table);
    let columns = record.as_ref().and_then(|r| as_class(r)).map(|t| t.attributes.as_slice()).unwrap_or_default();
    let own = columns.iter().find(|a| a.attno == k.attno && k.attno > 0).map(|a| a.declared.collation);
    own.filter(|c| c.is_valid()).unwrap_or_else(|| facts(catalog, k.ty.oid).collation)
}

/// The operator class of a column, or the default one of its type.
pub(super) fn operator_class(catalog: &Catalog, k: &crate::catalog::IndexColumn, method: IndexMethod) -> Oid {
    match k.opclass.is_valid() {
        true => k.opclass,
        false => super::opclass::default_of(catalog, method, k.ty.oid),
    }
}

fn indexes(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let found = match sink.oid_key("indrelid") {
        Some(table) => catalog.indexes_of(table).into_iter().filter_map(|o| catalog.class(o)).collect(),
        None => user_classes(&catalog, sink.oid_key("indexrelid"), None),
    };
    for record in found {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        let Some(index) = &c.index else { continue };
        let keys = &index.columns[..index.key_columns.min(index.columns.len())];
        let expressions: Vec<&str> = index.columns.iter().filter_map(|k| k.expr.as_deref()).collect();
        let deferrable = constraint_of(&catalog, index).is_ok_and(|d| d);
        row![sink;
            c.oid, index.table, index.columns.len(), index.key_columns, index.unique, index.nulls_not_distinct,
            index.primary, !index.exclusion.is_empty(), !deferrable, index.clustered, index.valid, false, index.stage == IndexStage::Ready, index.stage != IndexStage::Dead, index.replica_identity,
            int2_vector(index.columns.iter().map(|k| k.attno)),
            oid_vector(keys.iter().map(|k| key_collation(&catalog, index.table, k))),
            oid_vector(keys.iter().map(|k| operator_class(&catalog, k, index.method()))),
            int2_vector(keys.iter().map(|k| i16::from(k.desc) | i16::from(k.nulls_first) << 1)),
            (!expressions.is_empty()).then(|| expressions.join(", ")), index.predicate.clone(),
        ];
    }
    Ok(())
}

/// Whether the constraint of an index is deferrable.
fn constraint_of(catalog: &Catalog, index: &IndexDef) -> Result<bool> {
    let record = catalog.class(index.table);
    let table = record.as_ref().and_then(|r| as_class(r));
    Ok(table.is_some_and(|t| t.constraints.iter().any(|k| k.oid == index.constraint && k.deferrable)))
}

fn inherits(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let parent = sink.oid_key("inhparent");
    for record in stored(&catalog, sink, class::RELATION, &["inhrelid", "inhparent"]) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        for (n, p) in (1i32..).zip(&c.lineage.parents) {
            if parent.is_none_or(|wanted| wanted == *p) {
                row![sink; c.oid, *p, n, c.lineage.detaching != 0];
            }
        }
    }
    Ok(())
}

/// `relpartbound`, as `pg_get_expr` shows it.
fn partition_bound(catalog: &Catalog, c: &Class, io: &types::IoContext) -> Option<String> {
    let bound = c.lineage.bound.as_ref()?;
    let parent = catalog.class(*c.lineage.parents.first()?)?;
    let key = as_class(&parent)?.lineage.key.clone()?;
    Some(crate::sql::partition::text::bound(&key, bound, io))
}

fn partitioned(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, sink.oid_key("partrelid"), None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        let Some(key) = &c.lineage.key else { continue };
        let mut default = Oid::INVALID;
        for child in catalog.children_of(c.oid) {
            let is_default = catalog.class(child).is_some_and(|r| {
                as_class(&r).is_some_and(|c| c.lineage.bound.as_deref() == Some(&crate::catalog::Bound::Default))
            });
            if is_default {
                default = child;
            }
        }
        let expressions: Vec<&str> = key.columns.iter().filter_map(|k| k.expr.as_deref()).collect();
        let hash = key.strategy == crate::catalog::Strategy::Hash;
        let method = if hash { IndexMethod::Hash } else { IndexMethod::Btree };
        let class = |k: &crate::catalog::KeyColumn| {
            let named = k.opclass.as_deref().and_then(|n| super::opclass::named(&catalog, method, n));
            named.unwrap_or_else(|| super::opclass::default_of(&catalog, method, k.ty.oid))
        };
        row![sink;
            c.oid, key.strategy.letter(), key.columns.len() as i16, default,
            int2_vector(key.columns.iter().map(|k| k.attno)),
            oid_vector(key.columns.iter().map(class)),
            oid_vector(key.columns.iter().map(|k| partition_collation(&catalog, c, k))),
            (!expressions.is_empty()).then(|| expressions.join(", ")),
        ];
    }
    Ok(())
}

/// The collation of a partition key's column: the one named, the column's, the type's.
fn partition_collation(catalog: &Catalog, c: &Class, k: &crate::catalog::KeyColumn) -> Oid {
    let named = k.collation.as_ref().and_then(|n| {
        let name = n
            .strip_prefix('"')
            .and_then(|n| n.strip_suffix('"'))
            .map_or_else(|| n.clone(), |n| n.replace("\"\"", "\""));
        let of_users = catalog
            .effective_path()
            .into_iter()
            .find_map(|p| catalog.find(class::COLLATION, p, &name).first().copied());
        of_users.or_else(|| super::builtin_collation_named(&name).map(|b| b.oid))
    });
    let column = c.attributes.iter().find(|a| a.attno == k.attno && k.attno > 0).map(|a| a.declared.collation);
    let found = named.or(column).filter(|o| o.is_valid());
    found.unwrap_or_else(|| facts(catalog, k.ty.oid).collation)
}

fn sequences(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in user_classes(&catalog, sink.oid_key("seqrelid"), None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        if let Some(s) = &c.sequence {
            row![sink; c.oid, s.ty, s.start, s.increment, s.max, s.min, s.cache, s.cycle];
        }
    }
    Ok(())
}
