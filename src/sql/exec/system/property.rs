//! Facts that drivers and tools ask for one by one: what access methods and indexes can do, sequences' parameters, files,
//! partitions by hash.

use super::{SystemFn, push_record};
use crate::base::{Error, Flow, Oid};
use crate::catalog::Strategy;
use crate::catalog::object::{IndexDef, class, fixed};
use crate::catalog::relation::IndexColumn;
use crate::catalog::{IndexMethod, Object, ObjectKey, RelKind};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{self, Cell};
use crate::types::collation;
use crate::types::{Column, Datum, TypeRef};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_sequence_parameters" => sequence_parameters,
        "pg_indexam_has_property" => method_has,
        "pg_index_has_property" => index_has,
        "pg_index_column_has_property" => column_has,
        "pg_indexam_progress_phasename" => phase_name,
        "pg_filenode_relation" => relation_of_file,
        "pg_get_replica_identity_index" => identity_index,
        "satisfies_hash_partition" => in_hash_partition,
        "pg_xact_commit_timestamp" | "pg_xact_commit_timestamp_origin" | "pg_last_committed_xact" => commit_timestamp,
        "mxid_age" => mxid_age,
        "gin_clean_pending_list" => clean_pending_list,
        "pg_collation_actual_version" => collation_version,
        "pg_database_collation_actual_version" => |cx, args, out| {
            let oid = Oid(args[0].u32());
            let Some(d) = cx.backend()?.catalog.database_by_oid(oid) else {
                return Err(err!(UNDEFINED_OBJECT, "database with OID {oid} does not exist").into());
            };
            push_version(out, d.icu_locale.as_deref(), &d.collate);
            Ok(())
        },
        _ => return None,
    })
}

fn sequence_parameters(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let record = cx.backend()?.catalog.class(oid);
    let Some(record) = record else {
        return Err(match crate::catalog::system::relation(oid) {
            Some(_) => err!(INTERNAL_ERROR, "cache lookup failed for sequence {oid}"),
            None => err!(UNDEFINED_TABLE, "relation with OID {oid} does not exist"),
        }
        .into());
    };
    let Some(s) = record.object.as_class()?.sequence.clone() else {
        return Err(err!(INTERNAL_ERROR, "cache lookup failed for sequence {oid}").into());
    };
    let fields = [
        ("start_value", s.start.cell()),
        ("minimum_value", s.min.cell()),
        ("maximum_value", s.max.cell()),
        ("increment", s.increment.cell()),
        ("cycle_option", s.cycle.cell()),
        ("cache_size", s.cache.cell()),
        ("data_type", s.ty.cell()),
    ];
    push_record(out, &fields, 3078);
    Ok(())
}

/// Bits of an access method: order, unique, several columns, exclusion, included columns (PostgreSQL 15, the handlers).
fn method_bits(method: Oid) -> Option<[bool; 5]> {
    Some(match method {
        fixed::BTREE_AM => [true, true, true, true, true],
        fixed::HASH_AM => [false, false, false, true, false],
        // GiST, GIN, SP-GiST, BRIN.
        Oid(783) => [false, false, true, true, true],
        Oid(2742) => [false, false, true, false, false],
        Oid(4000) => [false, false, false, true, true],
        Oid(3580) => [false, false, true, false, false],
        _ => return None,
    })
}

fn maybe(out: &mut Column, value: Option<bool>) {
    out.push(value.map_or(Datum::Null, Datum::Bool));
}

fn method_has(_: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    const NAMES: [&str; 5] = ["can_order", "can_unique", "can_multi_col", "can_exclude", "can_include"];
    let wanted = args[1].str();
    let place = NAMES.iter().position(|n| n.eq_ignore_ascii_case(wanted));
    maybe(out, method_bits(Oid(args[0].u32())).and_then(|bits| place.map(|n| bits[n])));
    Ok(())
}

/// There is never anything pending: entries go where they belong at once.
fn clean_pending_list(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let backend = cx.backend()?;
    let Some(record) = backend.catalog.class(oid) else {
        return Err(err!(INTERNAL_ERROR, "could not open relation with OID {oid}").into());
    };
    let class = record.object.as_class()?;
    let wrong = match class.index.as_ref().map(|i| i.method()) {
        Some(IndexMethod::Gin) if class.kind == RelKind::Index => None,
        Some(_) => Some("a GIN index"),
        None => Some("an index"),
    };
    if let Some(wrong) = wrong {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not {wrong}", class.name).into());
    }
    if !crate::sql::exec::rights::subject(backend).has_role(class.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of index {}", class.name).into());
    }
    out.push(Datum::I64(0));
    Ok(())
}

/// The definition of an index.
fn index_of(cx: &mut ExecContext, oid: Oid) -> Flow<Option<IndexDef>> {
    let record = cx.backend()?.catalog.class(oid);
    Ok(record.and_then(|r| r.object.as_class().ok().and_then(|c| c.index.clone())))
}

fn index_has(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let Some(index) = index_of(cx, Oid(args[0].u32()))? else {
        out.push_null();
        return Ok(());
    };
    let value = match args[1].str().to_ascii_lowercase().as_str() {
        "clusterable" => Some(matches!(index.method(), IndexMethod::Btree | IndexMethod::Gist)),
        "index_scan" => Some(!matches!(index.method(), IndexMethod::Gin | IndexMethod::Brin)),
        "backward_scan" => Some(matches!(index.method(), IndexMethod::Btree | IndexMethod::Hash)),
        "bitmap_scan" => Some(true),
        _ => None,
    };
    maybe(out, value);
    Ok(())
}

/// The operators of a GiST index's column.
fn gist(index: &IndexDef, column: &IndexColumn) -> Option<std::sync::Arc<crate::gist::Family>> {
    let is = index.method() == IndexMethod::Gist;
    is.then(|| crate::gist::Family::of(column.opclass, column.ty.oid)).flatten()
}

/// PostgreSQL 15, amutils.c, indexam_property: same answers, of columns that are only included, too.
fn column_has(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let n = args[1].i32();
    let index = index_of(cx, Oid(args[0].u32()))?;
    let place = usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
    let column = index.as_ref().zip(place).and_then(|(i, n)| Some((i, n, i.columns.get(n)?)));
    let value = column.and_then(|(index, n, column)| {
        let (key, ordered) = (n < index.key_columns, index.method() == IndexMethod::Btree);
        let of_key = |v: bool| key.then_some(v);
        match args[2].str().to_ascii_lowercase().as_str() {
            "asc" => of_key(ordered && !column.desc),
            "desc" => of_key(ordered && column.desc),
            "nulls_first" => of_key(ordered && column.nulls_first),
            "nulls_last" => of_key(ordered && !column.nulls_first),
            "orderable" => Some(key && ordered),
            "distance_orderable" => match gist(index, column) {
                // An included column is NULL here, whatever it is of.
                _ if !key && index.method() == IndexMethod::Gist => None,
                family => Some(family.is_some_and(|f| f.has_ordering())),
            },
            "returnable" => match gist(index, column) {
                _ if !key => (index.method() != IndexMethod::Gist).then_some(true),
                family => Some(ordered || family.is_some_and(|f| f.code.is_returnable())),
            },
            "search_nulls" => of_key(ordered || matches!(index.method(), IndexMethod::Gist | IndexMethod::Brin)),
            "search_array" => of_key(ordered),
            _ => None,
        }
    });
    maybe(out, value);
    Ok(())
}

/// What CREATE INDEX is doing, in words.
fn phase_name(_: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    const BTREE: [&str; 5] =
        ["initializing", "scanning table", "sorting live tuples", "sorting dead tuples", "loading tuples in tree"];
    let name = match (Oid(args[0].u32()), args[1].i64()) {
        (fixed::BTREE_AM, n) => usize::try_from(n).ok().and_then(|n| BTREE.get(n.checked_sub(1)?)),
        _ => None,
    };
    match name {
        Some(name) => super::text(out, name),
        None => out.push_null(),
    }
    Ok(())
}

fn relation_of_file(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (tablespace, node) = (Oid(args[0].u32()), Oid(args[1].u32()));
    let mut found = None;
    if node.is_valid() && matches!(tablespace, Oid::INVALID | fixed::DEFAULT_TABLESPACE) {
        let all = cx.backend()?.catalog.all(crate::catalog::object::class::RELATION);
        found = all.iter().find_map(|r| r.object.as_class().ok().filter(|c| c.node == node).map(|c| c.oid));
    }
    out.push(found.map_or(Datum::Null, |oid| Datum::U32(oid.0)));
    Ok(())
}

fn identity_index(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let rel = cx.backend()?.catalog.relation(oid)?;
    let record = cx.backend()?.catalog.class(oid);
    let identity = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| c.replica_identity);
    let mut found = None;
    if let Some(rel) = rel {
        for index in &rel.indexes {
            let Some(def) = index_of(cx, index.oid)? else { continue };
            let chosen = match identity {
                Some('i') => def.replica_identity,
                Some('d') | None => def.primary,
                _ => false,
            };
            if chosen {
                found = Some(index.oid);
            }
        }
    }
    out.push(found.map_or(Datum::Null, |oid| Datum::U32(oid.0)));
    Ok(())
}

/// PostgreSQL 15, partbounds.c, satisfies_hash_partition: same checks, same order.
fn in_hash_partition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    if args[..3].iter().any(|a| a.is_null()) {
        out.push(Datum::Bool(false));
        return Ok(());
    }
    let (oid, modulus, remainder) = (Oid(args[0].u32()), args[1].i32(), args[2].i32());
    let bad = |text: String| err!(INVALID_PARAMETER_VALUE, "{text}");
    let Some(rel) = cx.backend()?.catalog.relation(oid)? else {
        return Err(err!(INTERNAL_ERROR, "could not open relation with OID {oid}").into());
    };
    let key = rel.lineage.key.clone().filter(|k| k.strategy == Strategy::Hash);
    let Some(key) = key else { return Err(bad(format!("\"{}\" is not a hash partitioned table", rel.name)).into()) };
    if modulus <= 0 {
        return Err(bad("modulus for hash partition must be an integer value greater than zero".into()).into());
    }
    if remainder < 0 {
        let text = "remainder for hash partition must be an integer value greater than or equal to zero";
        return Err(bad(text.into()).into());
    }
    if remainder >= modulus {
        return Err(bad("remainder for hash partition must be less than modulus".into()).into());
    }
    let types: Vec<TypeRef> = match &cx.fx.call {
        Some(call) => call.args[3..].to_vec(),
        None => return Err(Error::internal("a call without types").into()),
    };
    if types.len() != key.columns.len() {
        return Err(bad(format!(
            "number of partitioning columns ({}) does not match number of partition keys provided ({})",
            key.columns.len(),
            types.len()
        ))
        .into());
    }
    let hooks = cx.fx.io.hooks.clone();
    for (n, (given, column)) in types.iter().zip(&key.columns).enumerate() {
        if given.oid != column.ty.oid {
            let shown = |t: Oid| crate::types::format_type(t, -1, &*hooks);
            return Err(bad(format!(
                "column {} of the partition key has type {}, but supplied value is of type {}",
                n + 1,
                shown(column.ty.oid),
                shown(given.oid)
            ))
            .into());
        }
    }
    let hash = crate::sql::partition::row_hash(&types, &args[3..])?;
    out.push(Datum::Bool(hash % modulus as u64 == remainder as u64));
    Ok(())
}

/// Times of commits are not kept: what the setting that would keep them says decides the words.
fn commit_timestamp(cx: &mut ExecContext, _: &[Datum<'_>], _: &mut Column) -> Flow<()> {
    if cx.backend()?.view.bool(Id::TrackCommitTimestamp) {
        return Err(Error::unsupported("commit timestamps are not supported").into());
    }
    Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "could not get commit timestamp data")
        .hint("Make sure the configuration parameter \"track_commit_timestamp\" is set.")
        .into())
}

/// There are no multixacts here: rows tell their lockers otherwise. Their next number stands in the control file.
fn mxid_age(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let control = cx.backend()?.instance.checkpoints.control().get();
    let age = match args[0].u32() {
        0 => i32::MAX,
        multi => control.checkpoint_copy.next_multi.wrapping_sub(multi) as i32,
    };
    out.push(Datum::I32(age));
    Ok(())
}

fn push_version(out: &mut Column, icu: Option<&str>, collate: &str) {
    match collation::version(collation::named(icu, collate)) {
        Some(v) => out.push(Datum::Bytes(v.as_bytes())),
        None => out.push_null(),
    }
}

/// The version of what a collation orders by, as the library tells it now.
fn collation_version(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let catalog = cx.backend()?.catalog.clone();
    let own = catalog.get(ObjectKey::new(class::COLLATION, oid));
    match (system_view::builtin_collation(oid), own.as_deref().map(|r| &r.object)) {
        (Some(c), _) => push_version(out, c.icu_locale, "C"),
        (_, Some(Object::Collation(c))) => push_version(out, c.icu_locale.as_deref(), &c.collate),
        _ => return Err(err!(UNDEFINED_OBJECT, "collation with OID {oid} does not exist").into()),
    }
    Ok(())
}
