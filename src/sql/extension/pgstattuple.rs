//! pgstattuple: how full tables and indexes are, and of what.
//!
//! PostgreSQL 15, pgstattuple.c, pgstatindex.c, pgstatapprox.c: same figures and refusals. Where there the map of all-visible
//! pages is believed (`pgstattuple_approx`), here, too.

use super::pages::{self, Found, locked, move_to_pool, named, push_row, wrong_kind};
use super::{Code, Extension, PLAIN};
use crate::base::{BlockNo, Error, Flow, Oid, SqlState};
use crate::catalog::object::Class;
use crate::catalog::{IndexMethod, RelKind};
use crate::err;
use crate::heap::{self, Census, fsm};
use crate::page::PAGE_SIZE;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::Cell;
use crate::types::{Column, Datum, Value, oid};

pub(super) const EXTENSION: Extension = Extension {
    name: "pgstattuple",
    version: "1.5",
    comment: "show tuple-level statistics",
    trusted: false,
    script: include_str!("pgstattuple.sql"),
    code: &[
        ("pgstattuple_v1_5", Code::Session(tuples)),
        ("pgstattuplebyid_v1_5", Code::Session(tuples)),
        ("pgstatindex_v1_5", Code::Session(btree)),
        ("pgstatindexbyid_v1_5", Code::Session(btree)),
        ("pg_relpages_v1_5", Code::Session(pages_of)),
        ("pg_relpagesbyid_v1_5", Code::Session(pages_of)),
        ("pgstatginindex_v1_5", Code::Session(gin)),
        ("pgstattuple_approx_v1_5", Code::Session(approximately)),
        ("pgstathashindex", Code::Session(hash)),
    ],
    ..PLAIN
};

fn asked(cx: &mut ExecContext, args: &[Datum<'_>]) -> Flow<Found> {
    let oid = named(cx, &args[0].to_value())?;
    locked(cx, oid)
}

/// With two decimals, as the figures of an exact count are given.
fn rounded(part: f64) -> f64 {
    format!("{part:.2}").parse().unwrap_or(part)
}

fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * part as f64 / of as f64 }
}

fn tuples(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    let unsupported = |what: &str| {
        let text = format!("index \"{}\" ({what}) is not supported", found.name());
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, text)
    };
    let mut census = Census::default();
    let mut blocks: u32 = 0;
    match (found.kind(), &found) {
        (_, Found::Generated(..)) => {}
        (RelKind::Table | RelKind::MatView | RelKind::Toast, Found::Stored(c)) => {
            if let Some(store) = pages::table_store(cx, c.oid)? {
                move_to_pool(cx)?;
                let storage = cx.storage()?;
                blocks = store.nblocks(&storage)?;
                for block in 0..blocks {
                    cx.interrupts.check()?;
                    census.add(&storage, &store, block)?;
                }
            }
        }
        (RelKind::Index, Found::Stored(c)) => {
            let method = c.index.as_ref().map(|i| i.method());
            if method == Some(IndexMethod::Gin) {
                return Err(unsupported("gin index").into());
            }
            move_to_pool(cx)?;
            blocks = pages::page_count(cx, &found)?;
            census = index_census(cx, c)?;
        }
        (kind, _) => {
            let text = format!("cannot get tuple-level statistics for relation \"{}\"", found.name());
            return Err(wrong_kind(SqlState::FEATURE_NOT_SUPPORTED, text, kind).into());
        }
    }
    cx.run.moved = false;
    let length = u64::from(blocks) * PAGE_SIZE as u64;
    let share = |part| rounded(percent(part, length)).cell();
    let count = |n: u64| (n as i64).cell();
    push_row(
        &[
            ("table_len", oid::INT8, count(length)),
            ("tuple_count", oid::INT8, count(census.live)),
            ("tuple_len", oid::INT8, count(census.live_bytes)),
            ("tuple_percent", oid::FLOAT8, share(census.live_bytes)),
            ("dead_tuple_count", oid::INT8, count(census.dead)),
            ("dead_tuple_len", oid::INT8, count(census.dead_bytes)),
            ("dead_tuple_percent", oid::FLOAT8, share(census.dead_bytes)),
            ("free_space", oid::INT8, count(census.free_bytes)),
            ("free_percent", oid::FLOAT8, share(census.free_bytes)),
        ],
        out,
    );
    Ok(())
}

/// The entries of an index: none of them is known to be dead.
fn index_census(cx: &mut ExecContext, c: &Class) -> Flow<Census> {
    let Some(index) = pages::index(cx, c)? else { return Ok(Census::default()) };
    if index.method == IndexMethod::Gist {
        return Err(Error::unsupported("pgstattuple of a GiST index is not supported").into());
    }
    let (storage, interrupts) = (cx.storage()?, cx.interrupts.clone());
    let f = index.store.figures(&storage, &mut || interrupts.check())?;
    Ok(Census { live: f.entries, live_bytes: f.entry_bytes, free_bytes: f.free, ..Census::default() })
}

/// The tree behind a B-tree index.
fn btree(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    let method = match &found {
        Found::Stored(c) if c.kind == RelKind::Index => c.index.as_ref().map(|i| i.method()),
        _ => None,
    };
    let (Some(IndexMethod::Btree), Found::Stored(c)) = (method, &found) else {
        return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" is not a btree index", found.name()).into());
    };
    let Some(index) = pages::index(cx, c)?.filter(|i| i.valid) else {
        let text = format!("index \"{}\" is not valid", found.name());
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).into());
    };
    move_to_pool(cx)?;
    let (storage, interrupts) = (cx.storage()?, cx.interrupts.clone());
    let f = index.store.figures(&storage, &mut || interrupts.check())?;
    cx.run.moved = false;
    let size = (1 + f.leaves + f.inner + f.deleted + f.empty) * PAGE_SIZE as u64;
    let density = match f.room {
        0 => f64::NAN,
        room => rounded(100.0 - f.free as f64 / room as f64 * 100.0),
    };
    let fragmentation = match f.leaves {
        0 => f64::NAN,
        leaves => rounded(f.fragments as f64 / leaves as f64 * 100.0),
    };
    let count = |n: u64| (n as i64).cell();
    push_row(
        &[
            ("version", oid::INT4, 4i32.cell()),
            ("tree_level", oid::INT4, (f.level as i32).cell()),
            ("index_size", oid::INT8, count(size)),
            ("root_block_no", oid::INT8, i64::from(f.root).cell()),
            ("internal_pages", oid::INT8, count(f.inner)),
            ("leaf_pages", oid::INT8, count(f.leaves)),
            ("empty_pages", oid::INT8, count(f.empty)),
            ("deleted_pages", oid::INT8, count(f.deleted)),
            ("avg_leaf_density", oid::FLOAT8, density.cell()),
            ("leaf_fragmentation", oid::FLOAT8, fragmentation.cell()),
        ],
        out,
    );
    Ok(())
}

fn pages_of(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    if let kind @ (RelKind::View | RelKind::Composite | RelKind::Partitioned | RelKind::PartitionedIndex) = found.kind()
    {
        let text = format!("cannot get page count of relation \"{}\"", found.name());
        return Err(wrong_kind(SqlState::WRONG_OBJECT_TYPE, text, kind).into());
    }
    out.push(Datum::I64(pages::page_count(cx, &found)?.into()));
    Ok(())
}

fn is_index(found: &Found, method: IndexMethod) -> bool {
    let Found::Stored(c) = found else { return false };
    c.kind == RelKind::Index && c.index.as_ref().is_some_and(|i| i.method() == method)
}

/// Nothing waits to be put in: entries go to their place at once.
fn gin(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    if !is_index(&found, IndexMethod::Gin) {
        return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" is not a GIN index", found.name()).into());
    }
    push_row(
        &[
            ("version", oid::INT4, 2i32.cell()),
            ("pending_pages", oid::INT4, 0i32.cell()),
            ("pending_tuples", oid::INT8, 0i64.cell()),
        ],
        out,
    );
    Ok(())
}

fn hash(cx: &mut ExecContext, args: &[Datum<'_>], _: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    if !is_index(&found, IndexMethod::Hash) {
        return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" is not a hash index", found.name()).into());
    }
    Err(Error::unsupported("pgstathashindex is not supported: a hash index has no buckets here").into())
}

/// Pages that are all visible are taken for full of live rows but for what the map of free room says.
fn approximately(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = asked(cx, args)?;
    if !matches!(found.kind(), RelKind::Table | RelKind::MatView | RelKind::Toast) {
        let text = format!("relation \"{}\" is of wrong relation kind", found.name());
        return Err(wrong_kind(SqlState::FEATURE_NOT_SUPPORTED, text, found.kind()).into());
    }
    let (mut census, mut blocks, mut scanned, mut rows): (Census, BlockNo, BlockNo, f64) = Default::default();
    if let Found::Stored(c) = &found
        && let Some(store) = pages::table_store(cx, c.oid)?
    {
        move_to_pool(cx)?;
        let storage = cx.storage()?;
        blocks = store.nblocks(&storage)?;
        for block in 0..blocks {
            cx.interrupts.check()?;
            if heap::is_all_visible(&storage, &store, block)? {
                let free = fsm::known(&storage, store.fsm(), block)? as u64;
                census.free_bytes += free;
                census.live_bytes += (PAGE_SIZE as u64).saturating_sub(free);
            } else {
                census.add(&storage, &store, block)?;
                scanned += 1;
            }
        }
        cx.run.moved = false;
        rows = estimated_rows(cx, c.oid, blocks, scanned, census.live)?;
    }
    let length = u64::from(blocks) * PAGE_SIZE as u64;
    let share = |part| percent(part, length).cell();
    let count = |n: u64| (n as i64).cell();
    let seen = if blocks == 0 { 0.0 } else { 100.0 * f64::from(scanned) / f64::from(blocks) };
    let row: [(&str, Oid, Value); 10] = [
        ("table_len", oid::INT8, count(length)),
        ("scanned_percent", oid::FLOAT8, seen.cell()),
        ("approx_tuple_count", oid::INT8, (rows as i64).cell()),
        ("approx_tuple_len", oid::INT8, count(census.live_bytes)),
        ("approx_tuple_percent", oid::FLOAT8, share(census.live_bytes)),
        ("dead_tuple_count", oid::INT8, count(census.dead)),
        ("dead_tuple_len", oid::INT8, count(census.dead_bytes)),
        ("dead_tuple_percent", oid::FLOAT8, share(census.dead_bytes)),
        ("approx_free_space", oid::INT8, count(census.free_bytes)),
        ("approx_free_percent", oid::FLOAT8, share(census.free_bytes)),
    ];
    push_row(&row, out);
    Ok(())
}

/// As VACUUM estimates (PostgreSQL 15, vac_estimate_reltuples).
fn estimated_rows(cx: &mut ExecContext, oid: Oid, blocks: BlockNo, scanned: BlockNo, live: u64) -> Flow<f64> {
    let relation = cx.backend()?.catalog.relation(oid)?;
    let (old_pages, old_rows) = relation
        .map_or((0, -1.0), |r| (r.stats.pages.load(std::sync::atomic::Ordering::Relaxed) as u32, r.stats.reltuples()));
    let report = heap::VacuumReport {
        pages_before: blocks,
        pages_scanned: scanned,
        tuples_live: live,
        ..heap::VacuumReport::default()
    };
    Ok(report.estimate_rows(old_pages, old_rows))
}
