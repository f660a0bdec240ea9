//! Reading, writing and cutting an object's bytes.

use super::store;
use crate::base::{Flow, Oid, Result};
use crate::lock::LockMode;
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Datum, Value, array, oid};
use std::collections::BTreeMap;

/// Bytes of a page (PostgreSQL 15, LOBLKSIZE).
pub const PAGE_BYTES: u64 = 2048;
/// Beyond the last byte an object can have.
pub const MOST_BYTES: u64 = i32::MAX as u64 * PAGE_BYTES;
/// Pages read or written at once.
const STEP: u64 = 256;

fn key(object: Oid) -> (Oid, Value) {
    (oid::OID, Value::U32(object.0))
}

fn page(n: u64) -> (Oid, Value) {
    (oid::INT4, Value::I32(n as i32))
}

fn rows(batches: &[Batch]) -> impl Iterator<Item = (u64, Datum<'_>)> {
    batches.iter().flat_map(|b| (0..b.rows).map(|r| (b.columns[0].get(r).i32() as u64, b.columns[1].get(r))))
}

/// The pages there are from one to another.
fn load(
    cx: &mut ExecContext,
    object: Oid,
    from: u64,
    to: u64,
    snapshot: Option<&Snapshot>,
) -> Result<BTreeMap<u64, Vec<u8>>> {
    let text = "SELECT pageno, data FROM pg_toast.pg_largeobject \
                WHERE loid = $1 AND pageno >= $2 AND pageno <= $3";
    let found = store::run(cx, text, vec![key(object), page(from), page(to)], snapshot)?;
    Ok(rows(&found).map(|(n, data)| (n, data.bytes().to_vec())).collect())
}

/// How many bytes an object has.
pub fn size(cx: &mut ExecContext, object: Oid, snapshot: Option<&Snapshot>) -> Flow<u64> {
    if !store::lock(cx, LockMode::AccessShare)? {
        return Ok(0);
    }
    let text = "SELECT pageno, length(data) FROM pg_toast.pg_largeobject WHERE loid = $1 \
                ORDER BY loid DESC, pageno DESC LIMIT 1";
    let found = store::run(cx, text, vec![key(object)], snapshot)?;
    Ok(rows(&found).next().map_or(0, |(n, length)| n * PAGE_BYTES + length.i32() as u64))
}

/// Up to `length` bytes from a place on; fewer at the object's end.
pub fn read(cx: &mut ExecContext, object: Oid, offset: u64, length: u64, snapshot: Option<&Snapshot>) -> Flow<Vec<u8>> {
    let end = size(cx, object, snapshot)?.min(offset.saturating_add(length));
    let mut out = Vec::new();
    if end <= offset {
        return Ok(out);
    }
    let (first, last) = (offset / PAGE_BYTES, (end - 1) / PAGE_BYTES);
    let mut from = first;
    while from <= last {
        cx.interrupts.check()?;
        let to = last.min(from + STEP - 1);
        let pages = load(cx, object, from, to, snapshot)?;
        for n in from..=to {
            let begin = offset.max(n * PAGE_BYTES) - n * PAGE_BYTES;
            let stop = end.min((n + 1) * PAGE_BYTES) - n * PAGE_BYTES;
            let data = pages.get(&n).map(Vec::as_slice).unwrap_or_default();
            let there = (data.len() as u64).clamp(begin, stop);
            out.extend_from_slice(data.get(begin as usize..there as usize).unwrap_or_default());
            out.resize(out.len() + (stop - there) as usize, 0);
        }
        from = to + 1;
    }
    Ok(out)
}

/// Pages with their new contents: those that are there are replaced.
fn save(cx: &mut ExecContext, object: Oid, pages: Vec<(u64, Vec<u8>, bool)>) -> Result<()> {
    let (known, new): (Vec<_>, Vec<_>) = pages.into_iter().partition(|p| p.2);
    for (n, data, _) in known {
        let text = "UPDATE pg_toast.pg_largeobject SET data = $3 WHERE loid = $1 AND pageno = $2";
        store::run(cx, text, vec![key(object), page(n), (oid::BYTEA, Value::Bytes(data.into()))], None)?;
    }
    if new.is_empty() {
        return Ok(());
    }
    let numbers = array::from_values(oid::INT4, new.iter().map(|(n, ..)| Datum::I32(*n as i32)));
    let data = array::from_values(oid::BYTEA, new.iter().map(|(_, d, _)| Datum::Bytes(d)));
    let text = "INSERT INTO pg_toast.pg_largeobject SELECT $1, n, d FROM unnest($2, $3) AS u(n, d)";
    let bytes = |b: Vec<u8>| Value::Bytes(b.into());
    let params = vec![key(object), (oid::INT4_ARRAY, bytes(numbers)), (oid::BYTEA_ARRAY, bytes(data))];
    store::run(cx, text, params, None)?;
    Ok(())
}

/// Locks what a change needs (LO-1).
pub fn lock(cx: &mut ExecContext, object: Oid) -> Flow<()> {
    store::prepare(cx)?;
    store::lock_object(cx, object, LockMode::Exclusive)
}

/// Writes bytes at a place. The object is locked ([`lock`]).
pub fn write(cx: &mut ExecContext, object: Oid, offset: u64, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = offset + bytes.len() as u64;
    let (first, last) = (offset / PAGE_BYTES, (end - 1) / PAGE_BYTES);
    let mut from = first;
    while from <= last {
        cx.interrupts.check()?;
        let to = last.min(from + STEP - 1);
        let mut there = load(cx, object, from, to, None)?;
        let mut pages = Vec::new();
        for n in from..=to {
            let begin = offset.max(n * PAGE_BYTES);
            let stop = end.min((n + 1) * PAGE_BYTES);
            let piece = &bytes[(begin - offset) as usize..(stop - offset) as usize];
            let (begin, stop) = ((begin - n * PAGE_BYTES) as usize, (stop - n * PAGE_BYTES) as usize);
            let old = there.remove(&n);
            let known = old.is_some();
            let mut data = old.unwrap_or_default();
            if data.len() < stop {
                data.resize(stop, 0);
            }
            data[begin..stop].copy_from_slice(piece);
            pages.push((n, data, known));
        }
        save(cx, object, pages)?;
        from = to + 1;
    }
    Ok(())
}

/// Makes an object this long. The object is locked ([`lock`]).
pub fn truncate(cx: &mut ExecContext, object: Oid, length: u64) -> Result<()> {
    let (last, rest) = (length / PAGE_BYTES, (length % PAGE_BYTES) as usize);
    let text = "DELETE FROM pg_toast.pg_largeobject WHERE loid = $1 AND pageno > $2";
    store::run(cx, text, vec![key(object), page(last)], None)?;
    let old = load(cx, object, last, last, None)?.remove(&last);
    let known = old.is_some();
    let mut data = old.unwrap_or_default();
    data.resize(rest, 0);
    save(cx, object, vec![(last, data, known)])
}

/// All pages a snapshot sees, of one object or all: number of the object, of the page, and its bytes.
pub fn all(cx: &mut ExecContext, object: Option<Oid>, snapshot: Option<&Snapshot>) -> Flow<Vec<Batch>> {
    if !store::lock(cx, LockMode::AccessShare)? {
        return Ok(Vec::new());
    }
    Ok(match object {
        Some(object) => {
            let text = "SELECT loid, pageno, data FROM pg_toast.pg_largeobject WHERE loid = $1";
            store::run(cx, text, vec![key(object)], snapshot)?
        }
        None => store::run(cx, "SELECT loid, pageno, data FROM pg_toast.pg_largeobject", Vec::new(), snapshot)?,
    })
}
