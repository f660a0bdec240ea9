//! How much room relations and databases take.

use super::{SystemFn, text};
use crate::base::{Flow, Fork, Oid, RelFileId, Result};
use crate::catalog::RelKind;
use crate::catalog::object::{Class, fixed};
use crate::disk::{access_error, tablespace as folder};
use crate::err;
use crate::page::PAGE_SIZE;
use crate::sql::exec::ExecContext;
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_relation_size(regclass)" | "pg_relation_size" => relation,
        "pg_table_size" => table,
        "pg_indexes_size" => indexes,
        "pg_total_relation_size" => total,
        "pg_database_size_name" => database_by_name,
        "pg_database_size_oid" => database_by_oid,
        "pg_tablespace_size_name" | "pg_tablespace_size_oid" => tablespace,
        "pg_relation_filenode" => filenode,
        "pg_relation_filepath" => filepath,
        "pg_tablespace_location" => location,
        _ => return None,
    })
}

/// The file of a relation; None for what has none (views, generated catalogs).
fn file(cx: &mut ExecContext, oid: Oid) -> Result<Option<(Class, RelFileId)>> {
    let backend = cx.backend()?;
    let Some(record) = backend.catalog.class(oid) else { return Ok(None) };
    let c = record.object.as_class()?;
    let file = backend.catalog.file_of(c);
    Ok(Some((c.clone(), file)))
}

/// Catalogs' own indexes and TOAST tables have none, nor have partitioned tables.
fn has_file(c: &Class) -> bool {
    c.node.is_valid() && !matches!(c.kind, RelKind::View | RelKind::Composite)
}

fn exists(oid: Oid) -> bool {
    crate::catalog::system::relation(oid).is_some()
}

fn fork_bytes(cx: &mut ExecContext, c: &Class, file: RelFileId, fork: Fork) -> Result<i64> {
    if !has_file(c) {
        return Ok(0);
    }
    let pool = &cx.backend()?.instance.storage.pool;
    let fork = pool.open(file, fork, c.persistence);
    if !fork.exists() {
        return Ok(0);
    }
    Ok(i64::from(pool.nblocks(&fork)?) * PAGE_SIZE as i64)
}

fn all_forks(cx: &mut ExecContext, oid: Oid) -> Result<i64> {
    let Some((c, file)) = file(cx, oid)? else { return Ok(0) };
    let mut sum = 0;
    for fork in Fork::ALL {
        sum += fork_bytes(cx, &c, file, fork)?;
    }
    Ok(sum)
}

fn relation(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let fork = args.get(1).map_or(Ok(Fork::Main), |f| Fork::named(f.str()))?;
    match file(cx, oid)? {
        Some((c, file)) => {
            let bytes = fork_bytes(cx, &c, file, fork)?;
            out.push(Datum::I64(bytes));
        }
        None if exists(oid) => out.push(Datum::I64(0)),
        None => out.push_null(),
    }
    Ok(())
}

/// The relation with its TOAST table and that one's indexes.
fn table_bytes(cx: &mut ExecContext, oid: Oid) -> Result<i64> {
    let mut sum = all_forks(cx, oid)?;
    if let Some((c, _)) = file(cx, oid)?
        && c.toast.is_valid()
    {
        sum += all_forks(cx, c.toast)? + index_bytes(cx, c.toast)?;
    }
    Ok(sum)
}

fn index_bytes(cx: &mut ExecContext, oid: Oid) -> Result<i64> {
    let mut sum = 0;
    for index in cx.backend()?.catalog.indexes_of(oid) {
        sum += all_forks(cx, index)?;
    }
    Ok(sum)
}

fn push_if_there(cx: &mut ExecContext, oid: Oid, bytes: i64, out: &mut Column) -> Result<()> {
    match exists(oid) || file(cx, oid)?.is_some() {
        true => out.push(Datum::I64(bytes)),
        false => out.push_null(),
    }
    Ok(())
}

fn table(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let bytes = table_bytes(cx, oid)?;
    Ok(push_if_there(cx, oid, bytes, out)?)
}

fn indexes(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let bytes = index_bytes(cx, oid)?;
    Ok(push_if_there(cx, oid, bytes, out)?)
}

fn total(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let bytes = table_bytes(cx, oid)? + index_bytes(cx, oid)?;
    Ok(push_if_there(cx, oid, bytes, out)?)
}

/// Bytes of the files in a folder of the data directory; one that is not there has none.
fn folder_bytes(cx: &mut ExecContext, path: &str) -> Result<i64> {
    let disk = &cx.backend()?.instance.storage.disk;
    let entries = disk.list(path).unwrap_or_default();
    Ok(entries.iter().map(|e| e.len as i64).sum())
}

fn database_bytes(cx: &mut ExecContext, oid: Oid) -> Result<i64> {
    let folders = folder::database_folders(&*cx.backend()?.instance.storage.disk)?;
    folders.iter().filter(|f| f.db == oid).map(|f| folder_bytes(cx, &f.path)).sum()
}

fn database_by_name(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let name = args[0].str();
    let found = cx.backend()?.catalog.database_by_name(name);
    let d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"))?;
    let bytes = database_bytes(cx, d.oid)?;
    out.push(Datum::I64(bytes));
    Ok(())
}

fn database_by_oid(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    if cx.backend()?.catalog.database_by_oid(oid).is_none() {
        out.push_null();
        return Ok(());
    }
    let bytes = database_bytes(cx, oid)?;
    out.push(Datum::I64(bytes));
    Ok(())
}

fn tablespace(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let catalog = cx.backend()?.catalog.clone();
    let found = match args[0] {
        Datum::U32(oid) => catalog.tablespace(Oid(oid)),
        name => {
            let found = catalog.tablespace_by_name(name.str());
            Some(found.ok_or_else(|| err!(UNDEFINED_OBJECT, "tablespace \"{}\" does not exist", name.str()))?)
        }
    };
    let Some(t) = found else {
        out.push_null();
        return Ok(());
    };
    if !may_measure(cx, &t)? {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for tablespace {}", t.name).into());
    }
    let mut sum = 0;
    if t.oid == fixed::GLOBAL_TABLESPACE {
        sum = folder_bytes(cx, "global")?;
    } else {
        let space = t.space();
        let root = folder::root(space);
        let folders = folder::database_folders(&*cx.backend()?.instance.storage.disk)?;
        for path in folders.iter().filter(|f| f.space == space).map(|f| &f.path).chain([&root]) {
            sum += folder_bytes(cx, path)?;
        }
        sum += folder_bytes(cx, &folder::temporary(space))?;
    }
    out.push(Datum::I64(sum));
    Ok(())
}

/// PostgreSQL 15, dbsize.c, calculate_tablespace_size: the database's own may be measured by all.
fn may_measure(cx: &mut ExecContext, t: &crate::catalog::Tablespace) -> Result<bool> {
    let backend = cx.backend()?;
    Ok(t.space() == backend.catalog.local.space && t.oid != fixed::GLOBAL_TABLESPACE
        || crate::sql::command::is_member(backend, "pg_read_all_stats")
        || crate::sql::command::has_role(backend, t.owner)
        || crate::sql::command::acl_allows(backend, t.acl.as_deref(), 'C'))
}

fn filenode(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match file(cx, Oid(args[0].u32()))? {
        Some((c, file)) if has_file(&c) => out.push(Datum::U32(file.node.0)),
        _ => out.push_null(),
    }
    Ok(())
}

fn filepath(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match file(cx, Oid(args[0].u32()))? {
        Some((c, file)) if has_file(&c) => text(out, &file.path(Fork::Main)),
        _ => out.push_null(),
    }
    Ok(())
}

/// PostgreSQL 15, misc.c, pg_tablespace_location: same texts.
fn location(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = match Oid(args[0].u32()) {
        Oid::INVALID => cx.backend()?.catalog.local.space,
        oid => oid,
    };
    if matches!(oid, Oid::INVALID | fixed::DEFAULT_TABLESPACE | fixed::GLOBAL_TABLESPACE) {
        text(out, "");
        return Ok(());
    }
    let link = folder::link(oid);
    let target = cx.backend()?.instance.storage.disk.read_link(&link);
    let target = target.map_err(|e| access_error(format!("stat file \"{link}\""), &e))?;
    text(out, &target.unwrap_or(link));
    Ok(())
}
