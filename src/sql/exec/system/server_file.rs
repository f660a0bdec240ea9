//! Files of the server: `pg_read_file`, `pg_stat_file`, `pg_ls_dir`, … (PostgreSQL 15, genfile.c: same rules). Only superusers
//! may call them, who may read any file; a relative path is one in the data directory.

use super::{SystemFn, push_record};
use crate::base::{Flow, Oid, Result, SqlState};
use crate::catalog::object::fixed;
use crate::disk::{Disk, Entry, access_error, tablespace};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, NULL, Stamp};
use crate::types::{Column, Datum, Value};
use std::io::ErrorKind;
use std::sync::Arc;

/// A value cannot have more bytes.
const MOST: i64 = 0x3fff_ffff - 4;

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_stat_file" | "pg_stat_file_1arg" => stat,
        "pg_read_file_all" | "pg_read_file_off_len" | "pg_read_file_v2" => |cx, args, out| read(cx, args, true, out),
        "pg_read_binary_file" | "pg_read_binary_file_off_len" | "pg_read_binary_file_all" => {
            |cx, args, out| read(cx, args, false, out)
        }
        "pg_current_logfile" | "pg_current_logfile_1arg" => current_log_file,
        _ => return None,
    })
}

fn disk(cx: &mut ExecContext) -> Result<Arc<dyn Disk>> {
    Ok(cx.backend()?.instance.storage.disk.clone())
}

fn stat(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (path, missing_ok) = (args[0].str(), args.get(1).is_some_and(|a| a.bool()));
    let disk = disk(cx)?;
    let function = if args.len() > 1 { 3307 } else { 2623 };
    let found = disk.stat(path).and_then(|entry| Ok((entry, disk.access_and_change_us(path)?)));
    let (entry, (accessed, changed)) = match found {
        Ok(found) => found,
        Err(e) if missing_ok && e.kind() == ErrorKind::NotFound => {
            out.push_null();
            return Ok(());
        }
        Err(e) => return Err(access_error(format!("stat file \"{path}\""), &e).into()),
    };
    let fields = [
        ("size", disk.size_on_disk(path).unwrap_or(entry.len).cell()),
        ("access", Stamp(accessed / 1_000_000 * 1_000_000).cell()),
        ("modification", Stamp(entry.modified_us / 1_000_000 * 1_000_000).cell()),
        ("change", Stamp(changed / 1_000_000 * 1_000_000).cell()),
        // Unix tells of no creation.
        ("creation", NULL),
        ("isdir", entry.is_dir.cell()),
    ];
    push_record(out, &fields, function);
    Ok(())
}

fn read(cx: &mut ExecContext, args: &[Datum<'_>], text: bool, out: &mut Column) -> Flow<()> {
    let path = args[0].str();
    let (offset, length) = match args {
        [_, offset, length, ..] => (offset.i64(), Some(length.i64())),
        _ => (0, None),
    };
    let missing_ok = args.get(3).is_some_and(|a| a.bool());
    if length.is_some_and(|l| l < 0) {
        return Err(err!(INVALID_PARAMETER_VALUE, "requested length cannot be negative").into());
    }
    let file = match disk(cx)?.open_to_read(path) {
        Ok(file) => file,
        Err(e) if missing_ok && e.kind() == ErrorKind::NotFound => {
            out.push_null();
            return Ok(());
        }
        Err(e) => return Err(access_error(format!("open file \"{path}\" for reading"), &e).into()),
    };
    let failed = |e| access_error(format!("read file \"{path}\""), &e);
    let size = file.len().map_err(failed)? as i64;
    // A negative offset counts from the end.
    let from = if offset < 0 { size + offset } else { offset };
    if from < 0 {
        return Err(err!(INVALID_PARAMETER_VALUE, "could not seek in file \"{path}\": Invalid argument").into());
    }
    let wanted = length.unwrap_or(MOST + 1).min((size - from).max(0));
    if wanted > MOST {
        return Err(err!(INVALID_PARAMETER_VALUE, "requested length too large").into());
    }
    let mut bytes = vec![0; wanted as usize];
    let got = file.read_at(&mut bytes, from as u64).map_err(failed)?;
    bytes.truncate(got);
    if text {
        crate::types::text::check(&bytes)?;
    }
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

/// The file the collector writes to; NULL without one. PostgreSQL 15, syslogger.c: the file `current_logfiles` says.
fn current_log_file(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let wanted = args.first().filter(|a| !a.is_null()).map(|a| a.str().to_string());
    if let Some(format) = &wanted
        && !matches!(format.as_str(), "stderr" | "csvlog" | "jsonlog")
    {
        let hint = "The supported log formats are \"stderr\", \"csvlog\", and \"jsonlog\".";
        return Err(err!(INVALID_PARAMETER_VALUE, "log format \"{format}\" is not supported").hint(hint).into());
    }
    let disk = disk(cx)?;
    let contents = match crate::disk::durable::read(&*disk, "current_logfiles") {
        Ok(contents) => contents,
        Err(e) if e.sqlstate() == SqlState::UNDEFINED_FILE => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    let lines = String::from_utf8_lossy(&contents).into_owned();
    let mut pairs = lines.lines().filter_map(|l| l.split_once(' '));
    match pairs.find(|(format, _)| wanted.as_ref().is_none_or(|w| w == format)) {
        Some((_, path)) => super::text(out, path),
        None => out.push_null(),
    }
    Ok(())
}

// ---- directories ----

fn list(cx: &mut ExecContext, path: &str, missing_ok: bool) -> Result<Vec<Entry>> {
    match disk(cx)?.list(path) {
        Ok(entries) => Ok(entries),
        Err(e) if missing_ok && e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(access_error(format!("open directory \"{path}\""), &e)),
    }
}

/// Name, size and time of the files in a directory.
fn files(cx: &mut ExecContext, path: &str, missing_ok: bool) -> Result<Vec<Vec<Value>>> {
    let entries = list(cx, path, missing_ok)?;
    let shown = entries.into_iter().filter(|e| !e.is_dir && !e.name.starts_with('.'));
    Ok(shown.map(|e| vec![e.name.cell(), e.len.cell(), Stamp(e.modified_us / 1_000_000 * 1_000_000).cell()]).collect())
}

/// The rows of a function that lists a directory; None: another function.
pub(super) fn rows(cx: &mut ExecContext, src: &str, args: &[Value]) -> Result<Option<Vec<Vec<Value>>>> {
    let text = |n: usize| args.get(n).map(|v| v.datum().str().to_string()).unwrap_or_default();
    let flag = |n: usize| args.get(n).is_some_and(|v| v.datum().bool());
    Ok(Some(match src {
        "pg_ls_dir" | "pg_ls_dir_1arg" => {
            let names = list(cx, &text(0), flag(1))?;
            let dots: &[&str] = if flag(2) { &[".", ".."] } else { &[] };
            let dots = dots.iter().map(|d| vec![d.cell()]);
            dots.chain(names.into_iter().map(|e| vec![e.name.cell()])).collect()
        }
        "pg_ls_logdir" => {
            let folder = cx.backend()?.view.str(Id::LogDirectory);
            files(cx, &folder, false)?
        }
        "pg_ls_archive_statusdir" => files(cx, "pg_wal/archive_status", true)?,
        "pg_ls_logicalsnapdir" => files(cx, "pg_logical/snapshots", true)?,
        "pg_ls_logicalmapdir" => files(cx, "pg_logical/mappings", true)?,
        "pg_ls_tmpdir_noargs" => files(cx, &tablespace::temporary(Oid::INVALID), true)?,
        "pg_ls_tmpdir_1arg" => {
            let oid = args.first().map_or(Oid::INVALID, |a| Oid(a.datum().u32()));
            let found = cx.backend()?.catalog.tablespace(oid);
            let t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "tablespace with OID {oid} does not exist"))?;
            match t.oid {
                fixed::GLOBAL_TABLESPACE => files(cx, "global/pgsql_tmp", true)?,
                _ => files(cx, &tablespace::temporary(t.space()), true)?,
            }
        }
        _ => return Ok(None),
    }))
}
