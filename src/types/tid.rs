//! `tid`: where a row version lies, `(block,offset)`. Bytes: block u32 LE, offset u16 LE.

use crate::base::{Result, TupleId};
use crate::err;

pub fn parse(text: &str) -> Result<TupleId> {
    let read = || {
        // What follows the parenthesis is ignored, as PostgreSQL does.
        let (inner, _) = text.strip_prefix('(')?.split_once(')')?;
        let (block, offset) = inner.split_once(',')?;
        let block: i64 = block.trim().parse().ok()?;
        let block = u32::try_from(block).or_else(|_| i32::try_from(block).map(|b| b as u32)).ok()?;
        Some(TupleId { block, offset: offset.trim().parse().ok()? })
    };
    read().ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type tid: \"{text}\""))
}

pub fn to_bytes(t: TupleId) -> [u8; 6] {
    let b = t.block.to_le_bytes();
    let o = t.offset.to_le_bytes();
    [b[0], b[1], b[2], b[3], o[0], o[1]]
}

pub fn from_bytes(b: &[u8]) -> TupleId {
    let block = b.first_chunk().map_or(u32::MAX, |c| u32::from_le_bytes(*c));
    let offset = b.get(4..).and_then(<[u8]>::first_chunk).map_or(0, |c| u16::from_le_bytes(*c));
    TupleId { block, offset }
}
