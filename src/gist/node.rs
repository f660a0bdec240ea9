//! One page of the tree, and one item.
//!
//! Special space, 28 bytes little endian: split number u64, number of the last split below it that it knows of u64,
//! right neighbour u32, level u32 (0: leaf), flags u32. On a deleted leaf the second number is the next transaction id at
//! its deletion (of old, 0).
//!
//! Item: block u32, offset u16 (the row's address on a leaf; the child and 0xFFFF above), then the columns' keys, each
//! its length u16 (0xFFFF: NULL) and its bytes. Items are in no order.

use crate::base::{BlockNo, TupleId, Xid};
use crate::btree::Use;
use crate::page::Page;

pub const SPECIAL: usize = 28;
pub const NO_BLOCK: BlockNo = BlockNo::MAX;
pub const ROOT: BlockNo = 0;
/// Not part of the tree any more.
pub const DELETED: u32 = 1;
const MAGIC: u32 = 0x6157_0000;
const INNER: u16 = u16::MAX;
const NULL: u16 = u16::MAX;
/// Bytes of an item before its keys.
pub const HEAD: usize = 6;

/// What a page says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub number: u64,
    pub seen: u64,
    pub right: BlockNo,
    pub level: u32,
    pub flags: u32,
}

pub const HEADER_BYTES: usize = SPECIAL;

impl Header {
    pub fn leaf() -> Header {
        Header { number: 0, seen: 0, right: NO_BLOCK, level: 0, flags: 0 }
    }

    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(&self.number.to_le_bytes());
        out[8..16].copy_from_slice(&self.seen.to_le_bytes());
        out[16..20].copy_from_slice(&self.right.to_le_bytes());
        out[20..24].copy_from_slice(&self.level.to_le_bytes());
        out[24..28].copy_from_slice(&(self.flags | MAGIC).to_le_bytes());
        out
    }

    pub fn from_bytes(b: &[u8]) -> Option<Header> {
        let word = |at: usize| b.get(at..at + 4)?.first_chunk::<4>().map(|b| u32::from_le_bytes(*b));
        let long = |at: usize| b.get(at..at + 8)?.first_chunk::<8>().map(|b| u64::from_le_bytes(*b));
        let flags = word(24)?;
        if flags & 0xFFFF_0000 != MAGIC {
            return None;
        }
        Some(Header { number: long(0)?, seen: long(8)?, right: word(16)?, level: word(20)?, flags: flags & 0xFFFF })
    }

    /// What the page says; None: it is no page of such a tree.
    pub fn of(page: &Page) -> Option<Header> {
        if page.is_new() { None } else { Header::from_bytes(page.special()) }
    }

    pub fn is_deleted(self) -> bool {
        self.flags & DELETED != 0
    }
}

/// What the page is there for.
pub(crate) fn in_use(page: &Page) -> Use {
    match Header::of(page) {
        None => Use::New,
        Some(h) if h.is_deleted() => Use::Deleted(Xid(h.seen)),
        Some(_) => Use::Tree,
    }
}

/// The address in an item.
pub fn tid(item: &[u8]) -> TupleId {
    match item.first_chunk::<HEAD>() {
        Some(b) => TupleId::new(u32::from_le_bytes([b[0], b[1], b[2], b[3]]), u16::from_le_bytes([b[4], b[5]])),
        None => TupleId::INVALID,
    }
}

/// The child an inner item leads to.
pub fn child(item: &[u8]) -> BlockNo {
    tid(item).block
}

/// The keys of an item, one after the other.
pub fn keys(item: &[u8]) -> &[u8] {
    item.get(HEAD..).unwrap_or(&[])
}

fn item(block: BlockNo, offset: u16, keys: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + keys.len());
    out.extend_from_slice(&block.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(keys);
    out
}

pub fn leaf_item(tid: TupleId, keys: &[u8]) -> Vec<u8> {
    item(tid.block, tid.offset, keys)
}

pub fn inner_item(child: BlockNo, keys: &[u8]) -> Vec<u8> {
    item(child, INNER, keys)
}

/// Appends a column's key.
pub fn push_key(out: &mut Vec<u8>, key: Option<&[u8]>) {
    match key {
        None => out.extend_from_slice(&NULL.to_le_bytes()),
        Some(k) => {
            out.extend_from_slice(&(k.len() as u16).to_le_bytes());
            out.extend_from_slice(k);
        }
    }
}

/// The columns' keys, None for NULL. Damaged bytes end the list.
pub fn columns(keys: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = keys;
    std::iter::from_fn(move || {
        let (len, tail) = rest.split_first_chunk::<2>()?;
        let len = u16::from_le_bytes(*len);
        if len == NULL {
            rest = tail;
            return Some(None);
        }
        let (key, tail) = tail.split_at_checked(len as usize)?;
        rest = tail;
        Some(Some(key))
    })
}

/// All items of a page.
pub fn items(page: &Page) -> impl Iterator<Item = &[u8]> {
    (1..=page.item_count()).map(|n| page.item(n))
}
