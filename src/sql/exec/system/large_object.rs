//! Functions over large objects: `lo_create`, `lo_open`, `loread`, … (PostgreSQL 15, be-fsstubs.c: same rules).

use super::{SystemFn, void};
use crate::base::{Flow, Oid};
use crate::disk::access_error;
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::large_object::{descriptor, object, pages};
use crate::types::{Column, Datum};

/// Bytes of a file that are held in memory.
const PIECE: u64 = 1 << 20;
/// A value cannot have more.
const MOST_VALUE: u64 = 0x3fff_ffff - 4;

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "be_lo_create" => |cx, args, out| create(cx, Oid(args[0].u32()), out),
        "be_lo_creat" => |cx, _, out| create(cx, Oid::INVALID, out),
        "be_lo_unlink" => unlink,
        "be_lo_open" => |cx, args, out| {
            let fd = descriptor::open(cx, Oid(args[0].u32()), args[1].i32())?;
            out.push(Datum::I32(fd));
            Ok(())
        },
        "be_lo_close" => |cx, args, out| {
            descriptor::close(cx, args[0].i32())?;
            out.push(Datum::I32(0));
            Ok(())
        },
        "be_loread" => |cx, args, out| {
            let bytes = descriptor::read(cx, args[0].i32(), args[1].i32())?;
            out.push(Datum::Bytes(&bytes));
            Ok(())
        },
        "be_lowrite" => |cx, args, out| {
            let written = descriptor::write(cx, args[0].i32(), args[1].bytes())?;
            out.push(Datum::I32(written));
            Ok(())
        },
        "be_lo_lseek" => |cx, args, out| {
            let fd = args[0].i32();
            let place = descriptor::seek(cx, fd, args[1].i32().into(), args[2].i32())?;
            short(out, place, || format!("lo_lseek result out of range for large-object descriptor {fd}"))
        },
        "be_lo_lseek64" => |cx, args, out| {
            let place = descriptor::seek(cx, args[0].i32(), args[1].i64(), args[2].i32())?;
            out.push(Datum::I64(place));
            Ok(())
        },
        "be_lo_tell" => |cx, args, out| {
            let fd = args[0].i32();
            let place = descriptor::tell(cx, fd)?;
            short(out, place, || format!("lo_tell result out of range for large-object descriptor {fd}"))
        },
        "be_lo_tell64" => |cx, args, out| {
            let place = descriptor::tell(cx, args[0].i32())?;
            out.push(Datum::I64(place));
            Ok(())
        },
        "be_lo_truncate" => |cx, args, out| truncate(cx, args[0].i32(), args[1].i32().into(), out),
        "be_lo_truncate64" => |cx, args, out| truncate(cx, args[0].i32(), args[1].i64(), out),
        "be_lo_from_bytea" => from_bytea,
        "be_lo_get" => |cx, args, out| get(cx, Oid(args[0].u32()), 0, MOST_VALUE + 1, out),
        "be_lo_get_fragment" => get_fragment,
        "be_lo_put" => put,
        "be_lo_import" => |cx, args, out| import(cx, args[0].str(), Oid::INVALID, out),
        "be_lo_import_with_oid" => |cx, args, out| import(cx, args[0].str(), Oid(args[1].u32()), out),
        "be_lo_export" => export,
        _ => return None,
    })
}

fn short(out: &mut Column, place: i64, text: impl FnOnce() -> String) -> Flow<()> {
    match i32::try_from(place) {
        Ok(place) => out.push(Datum::I32(place)),
        Err(_) => return Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "{}", text()).into()),
    }
    Ok(())
}

fn create(cx: &mut ExecContext, wanted: Oid, out: &mut Column) -> Flow<()> {
    let made = object::create(cx, wanted)?;
    out.push(Datum::U32(made.0));
    Ok(())
}

fn unlink(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    use crate::settings::{Id, Lookup};
    let id = Oid(args[0].u32());
    let known = object::named(cx, id, None)?;
    if !cx.backend()?.view.bool(Id::LoCompatPrivileges) {
        object::check_owner(cx, &known)?;
    }
    object::remove(cx, id)?;
    crate::sql::command::forget_comment(cx, id)?;
    out.push(Datum::I32(1));
    Ok(())
}

fn truncate(cx: &mut ExecContext, fd: i32, length: i64, out: &mut Column) -> Flow<()> {
    descriptor::truncate(cx, fd, length)?;
    out.push(Datum::I32(0));
    Ok(())
}

fn from_bytea(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let made = object::create(cx, Oid(args[0].u32()))?;
    pages::write(cx, made, 0, args[1].bytes())?;
    out.push(Datum::U32(made.0));
    Ok(())
}

fn place_of(offset: i64) -> Flow<u64> {
    if offset < 0 || offset as u64 > pages::MOST_BYTES {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid large object seek target: {offset}").into());
    }
    Ok(offset as u64)
}

fn get(cx: &mut ExecContext, id: Oid, offset: i64, length: u64, out: &mut Column) -> Flow<()> {
    let snapshot = cx.snapshot()?;
    let known = object::named(cx, id, Some(&snapshot))?;
    object::check(cx, &known, 'r')?;
    let offset = place_of(offset)?;
    let there = pages::size(cx, id, Some(&snapshot))?.saturating_sub(offset).min(length);
    if there > MOST_VALUE {
        return Err(err!(INVALID_PARAMETER_VALUE, "large object read request is too large").into());
    }
    let bytes = pages::read(cx, id, offset, length, Some(&snapshot))?;
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

fn get_fragment(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let length = args[2].i32();
    if length < 0 {
        return Err(err!(INVALID_PARAMETER_VALUE, "requested length cannot be negative").into());
    }
    get(cx, Oid(args[0].u32()), args[1].i64(), length as u64, out)
}

fn put(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (id, bytes) = (Oid(args[0].u32()), args[2].bytes());
    let known = object::named(cx, id, None)?;
    object::check(cx, &known, 'r')?;
    object::check(cx, &known, 'w')?;
    let offset = place_of(args[1].i64())?;
    if offset + bytes.len() as u64 > pages::MOST_BYTES {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid large object write request size: {}", bytes.len()).into());
    }
    pages::lock(cx, id)?;
    pages::write(cx, id, offset, bytes)?;
    void(out);
    Ok(())
}

/// A file of the server as a new object.
fn import(cx: &mut ExecContext, path: &str, wanted: Oid, out: &mut Column) -> Flow<()> {
    let disk = cx.backend()?.instance.storage.disk.clone();
    let file = disk.open_to_read(path).map_err(|e| access_error(format!("open server file \"{path}\""), &e))?;
    let made = object::create(cx, wanted)?;
    let mut offset = 0;
    loop {
        let mut piece = vec![0; PIECE as usize];
        let got = file.read_at(&mut piece, offset);
        let got = got.map_err(|e| access_error(format!("read server file \"{path}\""), &e))?;
        if got == 0 {
            break;
        }
        pages::write(cx, made, offset, &piece[..got])?;
        offset += got as u64;
    }
    out.push(Datum::U32(made.0));
    Ok(())
}

/// An object as a file of the server.
fn export(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (id, path) = (Oid(args[0].u32()), args[1].str());
    let snapshot = cx.snapshot()?;
    let known = object::named(cx, id, Some(&snapshot))?;
    object::check(cx, &known, 'r')?;
    let size = pages::size(cx, id, Some(&snapshot))?;
    let disk = cx.backend()?.instance.storage.disk.clone();
    let failed = |e| access_error(format!("create server file \"{path}\""), &e);
    let file = disk.open_to_write(path).map_err(failed)?;
    let mut offset = 0;
    while offset < size {
        let piece = pages::read(cx, id, offset, PIECE, Some(&snapshot))?;
        let written = file.write_at(&piece, offset);
        written.map_err(|e| access_error(format!("write server file \"{path}\""), &e))?;
        offset += PIECE;
    }
    out.push(Datum::I32(1));
    Ok(())
}
