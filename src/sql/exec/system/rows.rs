//! Set-returning functions over the server's state.

use super::keyword::KEYWORDS;
use crate::base::{Flow, Oid, Result};
use crate::catalog::{RelKind, system};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{self, Cell, NULL, Sink, Stamp, fit};
use crate::types::array::Array;
use crate::types::{Batch, Column, Datum, TypeRef, Value};

/// All rows of a call as columns; None: not a function of this file.
pub(crate) fn open(cx: &mut ExecContext, src: &str, args: &[Value], types: &[TypeRef]) -> Flow<Option<Vec<Column>>> {
    let rows = match src {
        "pg_lock_status" => return view(cx, "pg_locks", types).map(Some),
        "show_all_settings" => return view(cx, "pg_settings", types).map(Some),
        "show_all_file_settings" => return view(cx, "pg_file_settings", types).map(Some),
        "pg_prepared_statement" => return view(cx, "pg_prepared_statements", types).map(Some),
        "pg_cursor" => return view(cx, "pg_cursors", types).map(Some),
        "pg_hba_file_rules" => return view(cx, "pg_hba_file_rules", types).map(Some),
        "pg_ident_file_mappings" => return view(cx, "pg_ident_file_mappings", types).map(Some),
        "pg_stat_get_slru" => return view(cx, "pg_stat_slru", types).map(Some),
        "pg_config" => return view(cx, "pg_config", types).map(Some),
        "pg_timezone_names" => return view(cx, "pg_timezone_names", types).map(Some),
        "pg_timezone_abbrevs" => return view(cx, "pg_timezone_abbrevs", types).map(Some),
        "pg_stat_get_activity" => activity(cx, args)?,
        "pg_ls_waldir" => wal_files(cx)?,
        "pg_listening_channels" => cx.backend()?.messages.channels().iter().map(|c| vec![Value::text(c)]).collect(),
        "pg_options_to_table" => options(args)?,
        "aclexplode" => explode(cx, args)?,
        "pg_get_keywords" => keywords(),
        "pg_partition_ancestors" => {
            let all = args.first().filter(|a| !a.is_null()).map(|a| Oid(a.datum().u32()));
            let catalog = cx.backend()?.catalog.clone();
            all.map(|oid| ancestors(&catalog, oid)).unwrap_or_default().iter().map(|o| vec![Value::U32(o.0)]).collect()
        }
        "pg_partition_tree" => partition_tree(cx, args)?,
        "pg_stat_get_backend_idset" => super::session_fact::places(cx)?,
        "pg_available_extensions" => system_view::available_extensions(),
        "pg_available_extension_versions" => system_view::available_versions(),
        "pg_extension_update_paths" => update_paths(args)?,
        "pg_tablespace_databases" => tablespace_databases(cx, args)?,
        "pg_prepared_xact" => prepared(cx)?,
        // No replication.
        "pg_get_replication_slots"
        | "pg_stat_get_wal_senders"
        | "pg_stat_get_subscription"
        | "pg_show_replication_origin_status"
        | "pg_stat_get_recovery_prefetch" => Vec::new(),
        "pg_event_trigger_ddl_commands" | "pg_event_trigger_dropped_objects" => {
            crate::sql::exec::event::rows(cx, src)?.unwrap_or_default()
        }
        _ => match super::server_file::rows(cx, src, args)? {
            Some(rows) => rows,
            None => match super::text_search::rows(cx, src, args)? {
                Some(rows) => rows,
                None => return Ok(None),
            },
        },
    };
    Ok(Some(columns(types, &rows)))
}

/// Prepared transactions, of all databases.
fn prepared(cx: &mut ExecContext) -> Result<Vec<Vec<Value>>> {
    let all = cx.backend()?.instance.storage.twophase.list();
    let row = |s: &crate::twophase::State| {
        vec![s.xid.0.cell(), Value::text(&s.gid), Stamp(s.prepared_us).cell(), s.owner.cell(), s.database.cell()]
    };
    Ok(all.iter().map(|p| row(&p.state)).collect())
}

/// From one version to another: there is only one of each.
fn update_paths(args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let name = args.first().map(|a| a.datum().str().to_owned()).unwrap_or_default();
    crate::sql::extension::control(&name)?;
    Ok(Vec::new())
}

/// Databases with files in a tablespace.
fn tablespace_databases(cx: &mut ExecContext, args: &[Value]) -> Result<Vec<Vec<Value>>> {
    use crate::catalog::object::fixed;
    use crate::disk::tablespace;
    let backend = cx.backend()?;
    let warning = match args.first().map_or(Oid::INVALID, |a| Oid(a.datum().u32())) {
        fixed::GLOBAL_TABLESPACE => "global tablespace never has databases".to_string(),
        oid => match backend.catalog.tablespace(oid) {
            Some(t) => {
                let disk = backend.instance.storage.disk.clone();
                let folders = tablespace::database_folders(&*disk)?;
                let used = |f: &&tablespace::DatabaseFolder| {
                    f.space == t.space() && disk.list(&f.path).is_ok_and(|entries| !entries.is_empty())
                };
                return Ok(folders.iter().filter(used).map(|f| vec![f.db.cell()]).collect());
            }
            None => format!("{oid} is not a tablespace OID"),
        },
    };
    super::warn(cx, warning, ("pg_tablespace_databases", "misc.c", 229));
    Ok(Vec::new())
}

/// A partition or a partitioned table (or index), then what it is part of, up to the root.
pub(super) fn ancestors(catalog: &crate::catalog::Catalog, oid: Oid) -> Vec<Oid> {
    let mut found = Vec::new();
    let mut at = Some(oid);
    while let Some(oid) = at {
        let Some(record) = catalog.class(oid) else { break };
        let Ok(c) = record.object.as_class() else { break };
        let whole = matches!(c.kind, RelKind::Partitioned | RelKind::PartitionedIndex);
        let part = c.lineage.bound.is_some() || c.index.is_some() && !c.lineage.parents.is_empty();
        if !whole && !part {
            break;
        }
        found.push(oid);
        at = c.lineage.parents.first().copied().filter(|_| part && c.lineage.detaching == 0);
    }
    found
}

fn partition_tree(cx: &mut ExecContext, args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(root) = args.first().filter(|a| !a.is_null()).map(|a| Oid(a.datum().u32())) else { return Ok(Vec::new()) };
    if ancestors(&catalog, root).is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    let mut open = vec![(root, 0)];
    let mut at = 0;
    while let Some((oid, level)) = open.get(at).copied() {
        at += 1;
        let Some(record) = catalog.class(oid) else { continue };
        let c = record.object.as_class()?;
        let whole = matches!(c.kind, RelKind::Partitioned | RelKind::PartitionedIndex);
        let of = c.lineage.parents.first().filter(|_| c.lineage.detaching == 0);
        let parent = of.map_or(Value::Null, |p| Value::U32(p.0));
        rows.push(vec![Value::U32(oid.0), parent, Value::Bool(!whole), Value::I32(level)]);
        open.extend(catalog.children_of(oid).into_iter().map(|child| (child, level + 1)));
    }
    Ok(rows)
}

pub(crate) fn columns(types: &[TypeRef], rows: &[Vec<Value>]) -> Vec<Column> {
    let mut out: Vec<Column> = types.iter().map(|t| Column::new(crate::sql::exec::phys_of(*t))).collect();
    for row in rows {
        for (value, column) in row.iter().zip(&mut out) {
            let form = column.phys();
            column.push(fit(value.datum(), form));
        }
    }
    out
}

/// The rows of a view.
pub(super) fn view(cx: &mut ExecContext, name: &str, types: &[TypeRef]) -> Flow<Vec<Column>> {
    let missing = || crate::base::Error::internal(format!("no view {name}"));
    let oid = system::oid_by_name(crate::catalog::object::fixed::PG_CATALOG, name).ok_or_else(missing)?;
    let relation = system::relation(oid).ok_or_else(missing)?;
    let view = system_view::find(name).ok_or_else(missing)?;
    let attnos: Vec<i16> = (1..=types.len() as i16).collect();
    let mut sink = Sink::new(relation, &attnos, Vec::new());
    (view.rows)(cx, &mut sink)?;
    let mut out: Vec<Column> = types.iter().map(|t| Column::new(crate::sql::exec::phys_of(*t))).collect();
    for Batch { columns, rows } in sink.into_batches() {
        for (from, to) in columns.iter().zip(&mut out) {
            (0..rows).for_each(|r| to.push_from(from, r));
        }
    }
    Ok(out)
}

/// The columns as `pg_stat_get_activity` has them: those of the view in another order, and TLS beside.
fn activity(cx: &mut ExecContext, args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let pid = match args.first() {
        Some(Value::I32(pid)) => Some(*pid as u32),
        _ => None,
    };
    let sight = system_view::Sight::of(cx)?;
    let mut rows = Vec::new();
    for f in system_view::sessions(cx)?.iter().filter(|f| pid.is_none_or(|p| p == f.pid)) {
        let seen = sight.sees(f.user);
        let hide = |v: Value| if seen { v } else { NULL };
        rows.push(vec![
            system_view::some(f.database).cell(),
            f.pid.cell(),
            system_view::some(f.user).cell(),
            (&*f.application).cell(),
            hide(f.state.as_str().cell()),
            if seen { f.query.as_str().cell() } else { "<insufficient privilege>".cell() },
            hide(f.wait_event.map(|e| e.0).cell()),
            hide(f.wait_event.map(|e| e.1).cell()),
            hide(Stamp(f.xact_start_us).cell()),
            hide(Stamp(f.query_start_us).cell()),
            hide(Stamp(f.backend_start_us).cell()),
            hide(Stamp(f.state_change_us).cell()),
            hide(system_view::address(f)),
            NULL,
            hide(f.client_port.cell()),
            hide(f.xid.map(|x| x.0).cell()),
            hide(f.xmin.map(|x| x.0).cell()),
            f.backend_type.cell(),
            f.tls.is_some().cell(),
            f.tls.as_ref().map(|t| t.version).cell(),
            f.tls.as_ref().map(|t| t.cipher.clone()).cell(),
            f.tls.as_ref().map(|t| t.bits).cell(),
            f.tls.as_ref().and_then(|t| t.client_dn.clone()).cell(),
            f.tls.as_ref().map_or(NULL, |t| system_view::serial(t)),
            f.tls.as_ref().and_then(|t| t.issuer_dn.clone()).cell(),
            false.cell(),
            NULL,
            false.cell(),
            NULL,
            hide(f.query_id().cell()),
        ]);
    }
    Ok(rows)
}

fn wal_files(cx: &mut ExecContext) -> Result<Vec<Vec<Value>>> {
    let disk = cx.backend()?.instance.storage.disk.clone();
    let entries = disk.list("pg_wal").map_err(|e| crate::disk::access_error("open directory \"pg_wal\"", &e))?;
    let shown = entries.into_iter().filter(|e| !e.is_dir && !e.name.starts_with('.'));
    Ok(shown.map(|e| vec![e.name.cell(), e.len.cell(), Stamp(e.modified_us).cell()]).collect())
}

fn options(args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let Some(Value::Bytes(stored)) = args.first() else { return Ok(Vec::new()) };
    let one = |item: Datum<'_>| match item {
        Datum::Null => Err(err!(NULL_VALUE_NOT_ALLOWED, "null array element not allowed in this context")),
        item => Ok(match item.str().split_once('=') {
            Some((name, value)) => vec![name.cell(), value.cell()],
            None => vec![item.str().cell(), NULL],
        }),
    };
    Array::new(stored).iter().map(one).collect()
}

const RIGHTS: [(char, &str); 12] = [
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
];

fn explode(cx: &mut ExecContext, args: &[Value]) -> Result<Vec<Vec<Value>>> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(Value::Bytes(stored)) = args.first() else { return Ok(Vec::new()) };
    let role = |name: &str| catalog.role_by_name(name.trim_matches('"')).map_or(Oid::INVALID, |r| r.oid);
    let mut rows = Vec::new();
    let items = Array::new(stored);
    // PostgreSQL 15, acl.c, check_acl: same rule.
    if items.dims.len() != 1 {
        return Err(err!(INVALID_PARAMETER_VALUE, "ACL arrays must be one-dimensional"));
    }
    if items.iter().any(|item| item.is_null()) {
        return Err(err!(NULL_VALUE_NOT_ALLOWED, "ACL arrays must not contain null values"));
    }
    for item in items.iter() {
        let Some((grantee, rest)) = item.str().split_once('=') else { continue };
        let (letters, grantor) = rest.split_once('/').unwrap_or((rest, ""));
        let grantee = if grantee.is_empty() { Oid::INVALID } else { role(grantee) };
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let grantable = letters.next_if_eq(&'*').is_some();
            let word = RIGHTS.iter().find(|r| r.0 == letter).map_or("?", |r| r.1);
            rows.push(vec![role(grantor).cell(), grantee.cell(), word.cell(), grantable.cell()]);
        }
    }
    Ok(rows)
}

fn keywords() -> Vec<Vec<Value>> {
    let row = |k: &(&str, char, bool)| {
        let (word, category, bare) = *k;
        let described = match category {
            'U' => "unreserved",
            'C' => "unreserved (cannot be function or type name)",
            'T' => "reserved (can be function or type name)",
            _ => "reserved",
        };
        let label = if bare { "can be bare label" } else { "requires AS" };
        vec![word.cell(), category.cell(), bare.cell(), described.cell(), label.cell()]
    };
    KEYWORDS.iter().map(row).collect()
}
