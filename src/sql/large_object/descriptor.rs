//! What `lo_open` opens: objects with a place to read and write at, until the transaction ends.

use super::pages::MOST_BYTES;
use super::store::Statements;
use super::{object, pages};
use crate::base::{Error, Flow, Oid, Result};
use crate::err;
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;

const WRITE: i32 = 0x20000;
const READ: i32 = 0x40000;
/// As many as a session can have; a limit of ours.
const MOST: usize = 65_536;

/// What a session has open.
#[derive(Default)]
pub struct Descriptors {
    open: Vec<Option<Descriptor>>,
    pub statements: Statements,
}

#[derive(Clone)]
struct Descriptor {
    object: Oid,
    /// What is read; None: the newest there is.
    snapshot: Option<Snapshot>,
    offset: u64,
    writable: bool,
    /// How many savepoints it was opened inside of.
    depth: usize,
}

impl Descriptors {
    /// The transaction has ended.
    pub fn close_all(&mut self) {
        self.open.clear();
    }

    /// A subtransaction ends, and only this many savepoints are left: what was opened inside it stays or goes.
    pub fn leave_to(&mut self, depth: usize, keep: bool) {
        for slot in &mut self.open {
            match slot {
                Some(d) if keep => d.depth = d.depth.min(depth),
                Some(d) if d.depth > depth => *slot = None,
                _ => {}
            }
        }
    }

    fn get(&mut self, fd: i32) -> Result<&mut Descriptor> {
        let found = usize::try_from(fd).ok().and_then(|n| self.open.get_mut(n)).and_then(Option::as_mut);
        found.ok_or_else(|| err!(UNDEFINED_OBJECT, "invalid large-object descriptor: {fd}"))
    }
}

fn of(cx: &mut ExecContext, fd: i32) -> Result<Descriptor> {
    cx.backend()?.large_objects.get(fd).cloned()
}

pub fn open(cx: &mut ExecContext, id: Oid, mode: i32) -> Flow<i32> {
    let writable = mode & WRITE != 0;
    if !writable && mode & READ == 0 {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid flags for opening a large object: {mode}").into());
    }
    let snapshot = if writable { None } else { Some(cx.snapshot()?) };
    let found = object::named(cx, id, snapshot.as_ref())?;
    object::check(cx, &found, 'r')?;
    if writable {
        object::check(cx, &found, 'w')?;
    }
    let backend = cx.backend()?;
    let depth = backend.txn.depth();
    let open = &mut backend.large_objects.open;
    let place = open.iter().position(Option::is_none).unwrap_or(open.len());
    if place >= MOST {
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "too many large objects are open").into());
    }
    if place == open.len() {
        open.push(None);
    }
    open[place] = Some(Descriptor { object: id, snapshot, offset: 0, writable, depth });
    Ok(place as i32)
}

pub fn close(cx: &mut ExecContext, fd: i32) -> Result<()> {
    of(cx, fd)?;
    cx.backend()?.large_objects.open[fd as usize] = None;
    Ok(())
}

pub fn read(cx: &mut ExecContext, fd: i32, length: i32) -> Flow<Vec<u8>> {
    let d = of(cx, fd)?;
    let bytes = pages::read(cx, d.object, d.offset, length.max(0) as u64, d.snapshot.as_ref())?;
    cx.backend()?.large_objects.get(fd)?.offset += bytes.len() as u64;
    Ok(bytes)
}

fn writable(cx: &mut ExecContext, fd: i32) -> Result<Descriptor> {
    let d = of(cx, fd)?;
    if !d.writable {
        let text = format!("large object descriptor {fd} was not opened for writing");
        return Err(Error::new(crate::base::SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text));
    }
    Ok(d)
}

pub fn write(cx: &mut ExecContext, fd: i32, bytes: &[u8]) -> Flow<i32> {
    let d = writable(cx, fd)?;
    if d.offset + bytes.len() as u64 > MOST_BYTES {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid large object write request size: {}", bytes.len()).into());
    }
    pages::lock(cx, d.object)?;
    pages::write(cx, d.object, d.offset, bytes)?;
    cx.backend()?.large_objects.get(fd)?.offset += bytes.len() as u64;
    Ok(bytes.len() as i32)
}

pub fn tell(cx: &mut ExecContext, fd: i32) -> Result<i64> {
    Ok(of(cx, fd)?.offset as i64)
}

pub fn seek(cx: &mut ExecContext, fd: i32, offset: i64, whence: i32) -> Flow<i64> {
    let d = of(cx, fd)?;
    let from = match whence {
        0 => 0,
        1 => d.offset,
        2 => pages::size(cx, d.object, d.snapshot.as_ref())?,
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "invalid whence setting: {whence}").into()),
    };
    let target = (from as i64).wrapping_add(offset);
    if target < 0 || target as u64 > MOST_BYTES {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid large object seek target: {target}").into());
    }
    cx.backend()?.large_objects.get(fd)?.offset = target as u64;
    Ok(target)
}

pub fn truncate(cx: &mut ExecContext, fd: i32, length: i64) -> Flow<()> {
    let d = writable(cx, fd)?;
    if length < 0 || length as u64 > MOST_BYTES {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid large object truncation target: {length}").into());
    }
    pages::lock(cx, d.object)?;
    Ok(pages::truncate(cx, d.object, length as u64)?)
}
