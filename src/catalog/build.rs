//! Puts a [`Relation`] together from its stored objects.

use super::object::{Class, IndexDef, IndexStage, Object, ObjectKey, Stats, class};
use super::relation::{Attribute, Detaching, Index, IndexColumn, Persistence, RelKind, RelStats, Relation};
use super::view::Catalog;
use crate::base::{Error, Oid, RelFileId, Result};
use crate::btree::Names;
use crate::catalog::IndexMethod;
use crate::heap::{Compression, Strategy, TOAST_TARGET, TableDef, TableStore};
use crate::storage::Storage;
use crate::types::Phys;
use std::sync::Arc;

fn stats_of(catalog: &Catalog, oid: Oid) -> Option<Stats> {
    let record = catalog.get(ObjectKey::new(class::STATISTIC, oid))?;
    record.object.as_stats().ok().cloned()
}

fn rel_stats(stats: Option<&Stats>) -> RelStats {
    let out = RelStats::unknown();
    if let Some(stats) = stats {
        out.take(stats);
    }
    out
}

fn has_rows(kind: RelKind) -> bool {
    matches!(kind, RelKind::Table | RelKind::Toast | RelKind::MatView | RelKind::Sequence)
}

/// The physical form of a type's values: domains and enums included.
pub fn phys_of(catalog: &Catalog, ty: Oid) -> Phys {
    use super::object::UserTypeKind;
    if let Some(info) = crate::types::info(ty) {
        return info.phys;
    }
    match catalog.user_type(ty).map(|t| t.kind) {
        Some(UserTypeKind::Enum(_)) => Phys::U32,
        Some(UserTypeKind::Domain { base, .. }) => phys_of(catalog, base.oid),
        _ => Phys::Bytes,
    }
}

/// The storage strategy of a column (`attstorage`).
fn storage_of(catalog: &Catalog, a: &Attribute) -> u8 {
    use super::object::UserTypeKind;
    if a.declared.storage != 0 {
        return a.declared.storage;
    }
    let mut ty = a.ty.oid;
    loop {
        ty = match (crate::types::info(ty), catalog.user_type(ty).map(|t| t.kind)) {
            (Some(info), _) if info.kind != b'd' => return info.storage,
            (_, Some(UserTypeKind::Domain { base, .. })) => base.oid,
            _ => return b'x',
        };
    }
}

/// The heap's view of a relation's columns.
pub fn tuple_desc(catalog: &Catalog, attributes: &[Attribute]) -> crate::heap::TupleDesc {
    let attr = |a: &Attribute| crate::heap::AttrDesc {
        phys: phys_of(catalog, a.ty.oid),
        typ: a.ty,
        dropped: a.dropped,
        missing: a.missing.clone(),
        strategy: Strategy::of(storage_of(catalog, a)),
        compression: match a.declared.compression {
            b'p' => Some(Compression::Pglz),
            b'l' => Some(Compression::Lz4),
            _ => None,
        },
    };
    crate::heap::TupleDesc::new(attributes.iter().map(attr).collect())
}

fn index(catalog: &Catalog, c: &Class, def: &IndexDef) -> Result<Arc<Index>> {
    let file = catalog.file_of(c);
    let key_types = match def.method() {
        IndexMethod::Hash => vec![(crate::types::TypeRef::of(crate::types::oid::INT4), false, false)],
        IndexMethod::Gin => Vec::new(),
        IndexMethod::Btree | IndexMethod::Gist | IndexMethod::Brin => {
            let key = |k: &IndexColumn| {
                Ok((k.ty.ordered_by(crate::types::Collation::from_written(&k.order)?), k.desc, k.nulls_first))
            };
            def.columns.iter().map(key).collect::<Result<_>>()?
        }
    };
    let gin = match def.method() {
        IndexMethod::Gin => {
            let class = |k: &IndexColumn| crate::gin::Class::of(k.opclass, k.ty.oid);
            let all: Option<Vec<_>> = def.columns.iter().map(class).collect();
            all.ok_or_else(|| Error::internal(format!("index {} has a column without an operator class", c.oid)))?
        }
        _ => Vec::new(),
    };
    let gist = match def.method() {
        IndexMethod::Gist => {
            let column = |k: &IndexColumn| {
                let ty = k.ty.ordered_by(crate::types::Collation::from_written(&k.order).ok()?);
                Some(crate::gist::Column::new(crate::gist::Family::of(k.opclass, k.ty.oid)?, ty, def.key_columns))
            };
            let all: Option<Vec<_>> = def.columns.iter().take(def.key_columns).map(column).collect();
            all.ok_or_else(|| Error::internal(format!("index {} has a column without an operator class", c.oid)))?
        }
        _ => Vec::new(),
    };
    let brin = match def.method() {
        IndexMethod::Brin => {
            let column = |k: &IndexColumn| {
                let ty = k.ty.ordered_by(crate::types::Collation::from_written(&k.order).ok()?);
                crate::brin::Column::new((k.opclass, &k.options), ty, def.key_columns)
            };
            let all: Option<Vec<_>> = def.columns.iter().take(def.key_columns).map(column).collect();
            all.ok_or_else(|| Error::internal(format!("index {} has a column without an operator class", c.oid)))?
        }
        _ => Vec::new(),
    };
    let marks = def.marks_oid(c.oid);
    let store =
        crate::btree::IndexStore::open(&catalog.storage, (marks, file), c.persistence, key_types, def.key_columns);
    store.fork.count_for(c.oid);
    if let Some(table) = catalog.class(def.table)
        && let Ok(t) = table.object.as_class()
    {
        let schema = catalog.namespace(t.namespace).map(|n| n.name).unwrap_or_default();
        store.call(Names { schema, table: t.name.clone(), index: c.name.clone() });
    }
    Ok(Arc::new(Index {
        oid: c.oid,
        name: c.name.clone(),
        namespace: c.namespace,
        table: def.table,
        file,
        persistence: c.persistence,
        unique: def.unique,
        primary: def.primary,
        nulls_not_distinct: def.nulls_not_distinct,
        valid: def.valid,
        ready: def.stage == IndexStage::Ready,
        columns: def.columns.clone(),
        key_columns: def.key_columns,
        predicate: def.predicate.clone(),
        constraint: def.constraint,
        options: c.options.clone(),
        owner: c.owner,
        clustered: def.clustered,
        method: def.method(),
        gin,
        gist,
        brin,
        pages_per_range: def.pages_per_range,
        exclusion: def.exclusion.clone(),
        parent: c.lineage.parents.first().copied().unwrap_or(Oid::INVALID),
        partitioned: c.kind == RelKind::PartitionedIndex,
        stats: rel_stats(stats_of(catalog, c.oid).as_ref()),
        store,
    }))
}

/// A user's relation; None if there is no such OID.
pub fn relation(catalog: &Catalog, oid: Oid) -> Result<Option<Relation>> {
    let Some(record) = catalog.class(oid) else { return Ok(None) };
    let c = record.object.as_class()?;
    let mut indexes = Vec::new();
    for index_oid in catalog.indexes_of(oid) {
        let Some(record) = catalog.class(index_oid) else { continue };
        let Object::Class(ic) = &record.object else { continue };
        let Some(def) = ic.index.as_ref().filter(|d| d.stage != IndexStage::Dead) else { continue };
        indexes.push(index(catalog, ic, def)?);
    }
    let stats = stats_of(catalog, oid);
    let file = catalog.file_of(c);
    let store = has_rows(c.kind).then(|| open_store(catalog, c, file));
    let mut lineage = c.lineage.clone();
    if let Some(key) = &mut lineage.key {
        for column in &mut Arc::make_mut(key).columns {
            column.ty = column.ordered()?;
        }
    }
    Ok(Some(Relation {
        oid,
        name: c.name.clone(),
        namespace: c.namespace,
        schema: catalog.namespace(c.namespace).map(|n| n.name).unwrap_or_default(),
        kind: c.kind,
        persistence: c.persistence,
        owner: c.owner,
        acl: c.acl.clone(),
        system_acl: c.system_acl.clone(),
        file,
        row_type: c.row_type,
        attributes: c.attributes.clone(),
        indexes,
        constraints: c.constraints.clone(),
        toast: c.toast,
        view: c.view.clone(),
        sequence: c.sequence.clone(),
        options: c.options.clone(),
        stats: rel_stats(stats.as_ref()),
        extended_stats: arc_swap::ArcSwap::from_pointee(stats.as_ref().map(|s| s.extended.clone()).unwrap_or_default()),
        tree_stats: arc_swap::ArcSwap::from_pointee(stats.as_ref().map(|s| s.tree.clone()).unwrap_or_default()),
        column_stats: arc_swap::ArcSwap::from_pointee(stats.map(|s| s.columns).unwrap_or_default()),
        store,
        generated_by: (oid < Oid::FIRST_NORMAL).then_some(""),
        lineage,
        children: catalog.children_of(oid),
        detaching: catalog.detaching_from(oid).map(|(child, by)| Detaching { child, by, shown: false }),
        whole: Default::default(),
        routing: Default::default(),
        stale: Arc::default(),
        bound: Default::default(),
        triggers: c.triggers.clone(),
        policies: c.policies.clone(),
        rules: c.rules.clone(),
        row_security: c.row_security,
        force_row_security: c.force_row_security,
        of_type: c.of_type,
    }))
}

fn open_store(catalog: &Catalog, c: &Class, file: RelFileId) -> Arc<TableStore> {
    let toast = catalog.class(c.toast).and_then(|r| r.object.as_class().ok().map(|t| t.node));
    let toast = toast.map(|node| toast_store(&catalog.storage, c.toast, RelFileId { node, ..file }, c.persistence));
    let fillfactor = c.options.iter().find_map(|o| o.strip_prefix("fillfactor=")).and_then(|v| v.parse().ok());
    let target = c.options.iter().find_map(|o| o.strip_prefix("toast_tuple_target=")).and_then(|v| v.parse().ok());
    let def = TableDef {
        relid: c.oid,
        file,
        persistence: c.persistence,
        desc: Arc::new(tuple_desc(catalog, &c.attributes)),
        toast,
        fillfactor: fillfactor.unwrap_or(100),
        toast_target: target.unwrap_or(TOAST_TARGET),
        tracked: c.kind == RelKind::Table && c.persistence != Persistence::Temp && c.oid >= Oid::FIRST_NORMAL,
    };
    TableStore::open(&catalog.storage, def)
}

/// The open storage of a table's large values.
pub fn toast_store(storage: &Storage, relid: Oid, file: RelFileId, persistence: Persistence) -> Arc<TableStore> {
    let desc = Arc::new(crate::heap::toast_desc());
    let def = TableDef::plain(relid, file, persistence, desc);
    TableStore::open(storage, def)
}
