//! Large values: compressed in the row, or cut into chunks in the table's TOAST relation ([`shrink`](super::shrink) tells
//! which).
//!
//! Departs from PostgreSQL 15 in how chunks are found: the reference in the row holds the place of the first chunk and each chunk that of the next, so no index is needed; chunks are never updated, and vacuum
//! removes one only when the row that refers to it is gone for everybody.
//!
//! | bytes of a reference | what |
//! |---|---|
//! | 0 | 0x01 |
//! | 1 | 18: how many bytes follow |
//! | 2..6 | length of the value; bit 30: compressed by pglz, not LZ4 |
//! | 6..10 | length as stored; the top bit tells that it is compressed |
//! | 10..14 | chunk_id |
//! | 14..20 | block and offset of the first chunk |
//!
//! A compressed value in the row: four bytes (length << 2 | 2), the value's length (4; bit 30: compressed by pglz, not
//! LZ4), the compressed bytes. Stored out of line, it lacks the first four.

use super::decode::Stored;
use super::desc::{AttrDesc, Compression, TupleDesc};
use super::encode::{EXTERNAL, EXTERNAL_BYTES, Encoded, Stamp, append_row};
use super::insert::{WriteContext, place};
use super::lz;
use super::store::TableStore;
use super::tuple::Tuple;
use crate::bail;
use crate::base::memory::claim_much;
use crate::base::pglz;
use crate::base::{Error, Flow, Oid, Result, SqlState, TupleId};
use crate::page::PAGE_SIZE;
use crate::storage::Storage;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a value per chunk (PostgreSQL 15, TOAST_MAX_CHUNK_SIZE: 1996), a little less for our larger rows.
pub const CHUNK: usize = 1984;
const COMPRESSED: u32 = 1 << 31;
/// In the length before a compressed value, and in that of a reference.
const PGLZ: u32 = 1 << 30;

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// The columns of a TOAST relation: PostgreSQL's three, then the place of the next chunk.
pub fn toast_desc() -> TupleDesc {
    let attr = |phys, oid: Oid| AttrDesc::new(phys, TypeRef::of(oid));
    TupleDesc::new(vec![
        attr(Phys::U32, oid::OID),
        attr(Phys::I32, oid::INT4),
        attr(Phys::Bytes, oid::BYTEA),
        attr(Phys::I64, oid::INT8),
    ])
}

/// A value out of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    pub raw_bytes: u32,
    pub stored_bytes: u32,
    pub compressed: Option<Compression>,
    pub chunk_id: u32,
    pub first: TupleId,
}

impl Reference {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut b = vec![EXTERNAL, (EXTERNAL_BYTES - 2) as u8];
        let stored = self.stored_bytes | if self.compressed.is_some() { COMPRESSED } else { 0 };
        let raw = self.raw_bytes | if self.compressed == Some(Compression::Pglz) { PGLZ } else { 0 };
        for v in [raw, stored, self.chunk_id, self.first.block] {
            b.extend_from_slice(&v.to_le_bytes());
        }
        b.extend_from_slice(&self.first.offset.to_le_bytes());
        b
    }

    /// From all its bytes.
    pub fn decode(b: &[u8]) -> Reference {
        let u32_at = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        Reference {
            raw_bytes: u32_at(2) & !PGLZ,
            stored_bytes: u32_at(6) & !COMPRESSED,
            compressed: match (u32_at(6) & COMPRESSED, u32_at(2) & PGLZ) {
                (0, _) => None,
                (_, 0) => Some(Compression::Lz4),
                _ => Some(Compression::Pglz),
            },
            chunk_id: u32_at(10),
            first: TupleId::new(u32_at(14), u16::from_le_bytes([b[18], b[19]])),
        }
    }
}

/// A compressed value as it stands in a row.
pub(super) fn compressed(raw: usize, method: Compression, packed: &[u8]) -> Vec<u8> {
    let mut b = Vec::with_capacity(packed.len() + 8);
    b.extend_from_slice(&((packed.len() as u32 + 4) << 2 | 2).to_le_bytes());
    let pglz = if method == Compression::Pglz { PGLZ } else { 0 };
    b.extend_from_slice(&(raw as u32 | pglz).to_le_bytes());
    b.extend_from_slice(packed);
    b
}

/// Cuts a value into chunks and inserts them, the last one first, so that each knows where its successor lies.
pub(super) fn store_value(
    cx: &WriteContext<'_>,
    toast: &TableStore,
    raw: usize,
    bytes: &[u8],
    compressed: Option<Compression>,
) -> Flow<Reference> {
    if raw >= 1 << 30 {
        bail!(PROGRAM_LIMIT_EXCEEDED, "invalid memory alloc request size {raw}");
    }
    let chunk_id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let mut encoded = Encoded::default();
    let stamp = Stamp::fresh(cx.xid, cx.cid);
    for (seq, chunk) in bytes.chunks(CHUNK).enumerate().rev() {
        let columns = vec![
            Column::constant(Phys::U32, Datum::U32(chunk_id), 1),
            Column::constant(Phys::I32, Datum::I32(seq as i32), 1),
            Column::constant(Phys::Bytes, Datum::Bytes(chunk), 1),
            Column::constant(Phys::I64, Datum::I64(pack(TupleId::INVALID)), 1),
        ];
        append_row(&mut encoded, toast.desc(), &Batch::new(columns, 1), 0, stamp, &[]);
    }
    let mut tids = Vec::with_capacity(encoded.len());
    place(cx, toast, &mut encoded, &mut tids, |encoded, row, tid| {
        if row + 1 < encoded.len() {
            let next = encoded.row_mut(row + 1);
            let at = next_at(next);
            next[at..at + 8].copy_from_slice(&pack(tid).to_le_bytes());
        }
    })?;
    let first = *tids.last().expect("a value to be stored is not empty");
    Ok(Reference { raw_bytes: raw as u32, stored_bytes: bytes.len() as u32, compressed, chunk_id, first })
}

fn pack(tid: TupleId) -> i64 {
    (tid.block as i64) << 16 | tid.offset as i64
}

fn unpack(v: i64) -> TupleId {
    TupleId::new((v >> 16) as u32, v as u16)
}

/// Where a chunk's next-field lies: behind its data.
fn next_at(chunk: &[u8]) -> usize {
    let data = Tuple(chunk).hoff() + 8;
    match Stored::at(chunk, data) {
        Stored::Plain { start, len } => start + len,
        _ => data,
    }
}

/// Appends a value that lies out of line, unpacked.
///
/// # Errors
/// XX001 if a chunk is missing.
pub fn fetch(storage: &Storage, toast: &TableStore, reference: Reference, out: &mut Vec<u8>) -> Result<()> {
    let missing = |seq: usize| {
        Error::new(
            SqlState::DATA_CORRUPTED,
            format!(
                "missing chunk number {seq} for toast value {} in pg_toast_{}",
                reference.chunk_id,
                toast.file().node
            ),
        )
        .place("heap_fetch_toast_slice", "heaptoast.c", 794)
    };
    claim_much(4 * reference.raw_bytes as usize, "ExecutorState")?;
    let mut stored = Vec::new();
    let target = if reference.compressed.is_some() { &mut stored } else { &mut *out };
    let start = target.len();
    let chunks = (reference.stored_bytes as usize).div_ceil(CHUNK);
    target.reserve(reference.stored_bytes as usize);
    let mut at = reference.first;
    for seq in 0..chunks {
        if !at.is_valid() || at.block >= toast.nblocks(storage)? {
            return Err(missing(seq));
        }
        let page = storage.pool.read(&toast.main, at.block)?;
        if !page.pointer(at.offset).is_normal() {
            return Err(missing(seq));
        }
        let chunk = page.item(at.offset);
        let head = Tuple(chunk).hoff();
        let expected = [reference.chunk_id.to_le_bytes(), (seq as u32).to_le_bytes()].concat();
        if chunk.get(head..head + 8) != Some(&expected[..]) {
            return Err(missing(seq));
        }
        let Stored::Plain { start, len } = Stored::at(chunk, head + 8) else { return Err(missing(seq)) };
        target.extend_from_slice(&chunk[start..start + len]);
        let next = start + len;
        at = unpack(i64::from_le_bytes(chunk[next..next + 8].try_into().map_err(|_| missing(seq))?));
    }
    if target.len() - start != reference.stored_bytes as usize {
        return Err(missing(chunks));
    }
    if reference.compressed.is_some() {
        inflate(&stored, out)?;
    }
    Ok(())
}

/// How a compressed value was compressed, and its own length, from what stands before it.
pub(super) fn method(packed: &[u8]) -> Option<(Compression, usize)> {
    let word = u32::from_le_bytes(*packed.first_chunk()?);
    let method = if word & PGLZ == 0 { Compression::Lz4 } else { Compression::Pglz };
    Some((method, (word & !PGLZ) as usize))
}

/// Unpacks "method and length, compressed bytes".
pub(super) fn inflate(packed: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let done = method(packed).and_then(|(method, raw)| match method {
        Compression::Pglz => pglz::decompress(&packed[4..], raw, out),
        Compression::Lz4 => lz::decompress(&packed[4..], raw, out),
    });
    let name = if method(packed).is_some_and(|m| m.0 == Compression::Pglz) { "pglz" } else { "lz4" };
    done.ok_or_else(|| Error::new(SqlState::DATA_CORRUPTED, format!("compressed {name} data is corrupt")))
}

/// Where all chunks of a value lie, first to last.
pub(super) fn chunks(storage: &Storage, toast: &TableStore, reference: Reference) -> Result<Vec<TupleId>> {
    let mut all = Vec::new();
    let mut at = reference.first;
    for _ in 0..(reference.stored_bytes as usize).div_ceil(CHUNK) {
        if !at.is_valid() || at.block >= toast.nblocks(storage)? {
            break;
        }
        let page = storage.pool.read(&toast.main, at.block)?;
        if !page.pointer(at.offset).is_normal() {
            break;
        }
        all.push(at);
        let chunk = page.item(at.offset);
        let next = next_at(chunk);
        let Some(bytes) = chunk.get(next..next + 8) else { break };
        at = unpack(i64::from_le_bytes(bytes.try_into().unwrap_or_default()));
    }
    Ok(all)
}

/// The references a row holds.
pub(super) fn references(desc: &TupleDesc, tuple: &[u8]) -> Vec<Reference> {
    super::decode::values(desc, tuple)
        .filter_map(|stored| match stored {
            Some(Stored::External { start }) => Some(Reference::decode(&tuple[start..start + EXTERNAL_BYTES])),
            _ => None,
        })
        .collect()
}

const _: () = assert!(CHUNK < PAGE_SIZE / 4);
