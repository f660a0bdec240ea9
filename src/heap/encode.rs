//! From a batch's row to the bytes of a version.

use super::desc::TupleDesc;
use super::shrink::Replaced;
use super::tuple::{self, HEADER_BYTES, mask, put};
use crate::base::{CommandId, Xid};
use crate::types::{Batch, Column, ColumnData, Datum};
use std::cell::Cell;

/// Values up to this length have a length of one byte.
pub(super) const SHORT_MAX: usize = 126;
/// The first byte of a value that lies out of line.
pub(super) const EXTERNAL: u8 = 0x01;
/// Bytes of such a reference, the first byte included.
pub(super) const EXTERNAL_BYTES: usize = 20;

/// Lays out rows one after another in one buffer.
#[derive(Debug, Default)]
pub struct Encoded {
    pub bytes: Vec<u8>,
    /// The end of each row's bytes.
    pub ends: Vec<usize>,
}

thread_local! {
    static SPARE: Cell<Encoded> = const { Cell::new(Encoded { bytes: Vec::new(), ends: Vec::new() }) };
}
/// A buffer beyond this is given back: one huge row must not cost memory for ever.
const SPARE_BYTES: usize = 1 << 20;

impl Encoded {
    /// An empty one that reuses this thread's buffer: big buffers are not mapped and unmapped for each batch.
    pub fn reused() -> Encoded {
        SPARE.take()
    }

    /// Gives the buffer back for [`reused`](Self::reused).
    pub fn give_back(mut self) {
        if self.bytes.capacity() <= SPARE_BYTES {
            self.bytes.clear();
            self.ends.clear();
            SPARE.set(self);
        }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] }
    }

    pub fn row(&self, row: usize) -> &[u8] {
        &self.bytes[self.start(row)..self.ends[row]]
    }

    pub fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let start = self.start(row);
        &mut self.bytes[start..self.ends[row]]
    }
}

/// What all versions written by one command have in common.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub xmin: Xid,
    pub cid: CommandId,
    /// Bits besides those the values need; [`mask::XMAX_INVALID`] in a fresh version.
    pub infomask: u16,
}

impl Stamp {
    pub fn fresh(xmin: Xid, cid: CommandId) -> Stamp {
        Stamp { xmin, cid, infomask: mask::XMAX_INVALID }
    }
}

/// Appends a row; `replaced` holds encoded values that take the place of the batch's (out of line or compressed).
pub fn append_row(
    out: &mut Encoded,
    desc: &TupleDesc,
    batch: &Batch,
    row: usize,
    stamp: Stamp,
    replaced: &[Option<Replaced>],
) {
    let columns = desc.attrs.len();
    let any_null = (0..columns).any(|c| desc.attrs[c].dropped || batch.columns[c].is_null(row));
    let start = out.bytes.len();
    let head = tuple::header_bytes(columns, any_null);
    let mut infomask = stamp.infomask;
    out.bytes.extend_from_slice(&[0; HEADER_BYTES]);
    out.bytes.resize(start + head, 0);
    for c in 0..columns {
        if any_null {
            if desc.attrs[c].dropped || batch.columns[c].is_null(row) {
                continue;
            }
            put::not_null(&mut out.bytes[start..], c);
        }
        match replaced.get(c) {
            Some(Some(value)) => {
                if value.external {
                    infomask |= mask::HAS_EXTERNAL;
                }
                out.bytes.extend_from_slice(&value.bytes);
            }
            _ => append_value(&mut out.bytes, &batch.columns[c], row),
        }
    }
    let end = (out.bytes.len() - start).next_multiple_of(4) + start;
    out.bytes.resize(end, 0);
    if any_null {
        infomask |= mask::HAS_NULL;
    }
    let header = &mut out.bytes[start..start + HEADER_BYTES];
    put::xmin(header, stamp.xmin);
    put::cid(header, stamp.cid);
    put::infomask2(header, columns as u16);
    put::infomask(header, infomask);
    put::hoff(header, head);
    out.ends.push(end);
}

/// Appends rows that have no NULLs and nothing to shrink: the header is the same for all.
pub fn append_plain_rows(out: &mut Encoded, batch: &Batch, rows: std::ops::Range<usize>, stamp: Stamp) {
    let mut header = [0; HEADER_BYTES];
    put::xmin(&mut header, stamp.xmin);
    put::cid(&mut header, stamp.cid);
    put::infomask2(&mut header, batch.columns.len() as u16);
    put::infomask(&mut header, stamp.infomask);
    put::hoff(&mut header, HEADER_BYTES);
    out.ends.reserve(rows.len());
    for row in rows {
        let start = out.bytes.len();
        out.bytes.extend_from_slice(&header);
        batch.columns.iter().for_each(|c| append_value(&mut out.bytes, c, row));
        let len = (out.bytes.len() - start).next_multiple_of(4);
        out.bytes.resize(start + len, 0);
        out.ends.push(start + len);
    }
}

/// Whether [`append_plain_rows`] may be used.
pub fn is_plain(desc: &TupleDesc, batch: &Batch) -> bool {
    desc.attrs.iter().all(|a| !a.dropped)
        && batch.columns.iter().all(|c| c.nulls.as_ref().is_none_or(|n| !n.contains(&true)))
}

#[inline]
fn append_value(out: &mut Vec<u8>, column: &Column, row: usize) {
    match &column.data {
        ColumnData::Bool(v) => out.push(v[row] as u8),
        ColumnData::I16(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::I32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::U32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::I64(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::F32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::F64(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        ColumnData::Bytes(b) => append_bytes(out, b.get(row)),
    }
}

/// Length and bytes: one byte (length + 1) × 2 + 1 up to 126, else four bytes length × 4.
#[inline]
pub fn append_bytes(out: &mut Vec<u8>, value: &[u8]) {
    if value.len() <= SHORT_MAX {
        out.push((value.len() as u8 + 1) << 1 | 1);
    } else {
        out.extend_from_slice(&((value.len() as u32) << 2).to_le_bytes());
    }
    out.extend_from_slice(value);
}

/// The bytes the row will take on a page.
pub fn row_bytes(desc: &TupleDesc, batch: &Batch, row: usize, replaced: &[Option<Replaced>]) -> usize {
    let mut any_null = false;
    let mut bytes = 0;
    for (c, attr) in desc.attrs.iter().enumerate() {
        let column = &batch.columns[c];
        if attr.dropped || column.is_null(row) {
            any_null = true;
            continue;
        }
        bytes += match (replaced.get(c), column.get(row)) {
            (Some(Some(value)), _) => value.bytes.len(),
            (_, Datum::Bytes(b)) => b.len() + if b.len() <= SHORT_MAX { 1 } else { 4 },
            _ => attr.phys.width().unwrap_or(0),
        };
    }
    (tuple::header_bytes(desc.attrs.len(), any_null) + bytes).next_multiple_of(4)
}

/// A row that everybody sees from the start, as a sequence's only one: stamped as frozen.
pub fn frozen_row(desc: &TupleDesc, batch: &Batch) -> Vec<u8> {
    let mut out = Encoded::default();
    let infomask = mask::XMAX_INVALID | mask::XMIN_COMMITTED;
    append_row(&mut out, desc, batch, 0, Stamp { xmin: Xid(2), cid: CommandId(0), infomask }, &[]);
    out.bytes
}
