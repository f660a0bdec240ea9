//! Entries too long for a page as they are: stored compressed, as PostgreSQL stores an index's values (PostgreSQL 15,
//! indextuple.c, index_form_tuple: TOAST_INDEX_TARGET), and compared unpacked.
//!
//! A stored entry begins with the marker of its first column ([`super::keys`]) or, in an index of another kind, with a
//! column's number; a packed one with [`MARK`] instead. Then: flags u8, length before the compression u32, the bytes, and
//! the row's address as it stands at the end of every entry. A text's place in its collation's order is left out, and
//! found again from the text.
//!
//! Separators are stored like entries. One that is too long to be stored as it is, is the whole entry it was cut from.

use super::keys::{KeyType, VALUE};
use super::node;
use crate::base::pglz;
use crate::types::{Phys, base_type, oid, phys};
use std::borrow::Cow;
use std::cmp::Ordering;

pub(super) const MARK: u8 = 0xFF;
/// Texts stand without their places in the order.
const SHORTENED: u8 = 1;
const COMPRESSED: u8 = 2;
const HEAD: usize = 6;
const TID: usize = 6;

/// How a column's bytes can be told from what follows.
enum Form {
    Bytes(usize),
    /// Ends itself.
    Text,
    /// A place in an order that ends itself, and the text behind it.
    Ordered,
    Unknown,
}

impl KeyType {
    fn form(self) -> Form {
        let base = base_type(self.ty.oid);
        match phys(base) {
            Phys::Bool => Form::Bytes(1),
            Phys::I16 => Form::Bytes(2),
            Phys::I32 | Phys::U32 => Form::Bytes(4),
            Phys::I64 | Phys::F32 | Phys::F64 => Form::Bytes(8),
            Phys::Bytes => match base {
                oid::UUID => Form::Bytes(16),
                oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME => {
                    let order = self.ty.collation;
                    if order.is_bytewise() || !order.is_deterministic() { Form::Text } else { Form::Ordered }
                }
                _ => Form::Unknown,
            },
        }
    }

    /// What ends a text.
    fn end(self) -> u8 {
        if self.desc { 0xFF } else { 0 }
    }
}

/// Cuts off up to the end of a text.
fn text(bytes: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    bytes.iter().position(|b| *b == end).map(|at| bytes.split_at(at + 1))
}

/// Goes over a key column by column; `ordered` copies what an ordered text's bytes become, and returns what follows.
fn walk(
    keys: &[KeyType],
    key: &[u8],
    ordered: impl for<'k> Fn(KeyType, &'k [u8], &mut Vec<u8>) -> Option<&'k [u8]>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key;
    for column in keys {
        let Some((marker, tail)) = rest.split_first() else { break };
        if *marker != VALUE {
            (rest, _) = (tail, out.push(*marker));
            continue;
        }
        let next = match column.form() {
            Form::Bytes(n) => tail.split_at_checked(n).map(|(value, next)| {
                out.push(VALUE);
                out.extend_from_slice(value);
                next
            }),
            Form::Text => text(tail, column.end()).map(|(value, next)| {
                out.push(VALUE);
                out.extend_from_slice(value);
                next
            }),
            Form::Ordered => {
                out.push(VALUE);
                let next = ordered(*column, tail, &mut out);
                if next.is_none() {
                    out.pop();
                }
                next
            }
            Form::Unknown => None,
        };
        let Some(next) = next else { break };
        rest = next;
    }
    out.extend_from_slice(rest);
    out
}

fn shorten(keys: &[KeyType], key: &[u8]) -> Vec<u8> {
    walk(keys, key, |column, bytes, out| {
        let (_, bytes) = text(bytes, column.end())?;
        let (value, next) = text(bytes, column.end())?;
        out.extend_from_slice(value);
        Some(next)
    })
}

fn lengthen(keys: &[KeyType], key: &[u8]) -> Vec<u8> {
    walk(keys, key, |column, bytes, out| {
        let (value, next) = text(bytes, column.end())?;
        let flip = if column.desc { 0xFF } else { 0 };
        let plain: Vec<u8> = value[..value.len() - 1].iter().map(|b| b ^ flip).collect();
        let start = out.len();
        column.ty.collation.encode(&plain, out);
        out[start..].iter_mut().for_each(|b| *b ^= flip);
        Some(next)
    })
}

/// The form in which an entry is stored.
pub fn stored<'e>(keys: &[KeyType], entry: &'e [u8]) -> Cow<'e, [u8]> {
    if entry.len() <= node::MAX_ENTRY {
        return Cow::Borrowed(entry);
    }
    let Some((key, tid)) = entry.split_last_chunk::<TID>() else { return Cow::Borrowed(entry) };
    let mut flags = 0;
    let mut bytes = Cow::Borrowed(key);
    let short = shorten(keys, key);
    if short.len() < key.len() && lengthen(keys, &short) == *key {
        (flags, bytes) = (SHORTENED, Cow::Owned(short));
    }
    let raw = bytes.len() as u32;
    if HEAD + bytes.len() + TID > node::MAX_ENTRY
        && let Some(packed) = pglz::compress(&bytes)
    {
        (flags, bytes) = (flags | COMPRESSED, Cow::Owned(packed));
    }
    let mut out = Vec::with_capacity(HEAD + bytes.len() + TID);
    out.extend_from_slice(&[MARK, flags]);
    out.extend_from_slice(&raw.to_le_bytes());
    out.extend_from_slice(&bytes);
    out.extend_from_slice(tid);
    Cow::Owned(out)
}

/// An entry or separator as it is compared. Damaged bytes stay as they are, which is above all others.
#[inline]
pub fn plain<'e>(keys: &[KeyType], stored: &'e [u8]) -> Cow<'e, [u8]> {
    match stored.first() {
        Some(&MARK) => unpacked(keys, stored).map_or(Cow::Borrowed(stored), Cow::Owned),
        _ => Cow::Borrowed(stored),
    }
}

#[cold]
fn unpacked(keys: &[KeyType], stored: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = stored.split_first_chunk::<HEAD>()?;
    let (bytes, tid) = rest.split_last_chunk::<TID>()?;
    let (flags, raw) = (head[1], u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize);
    let mut key = match flags & COMPRESSED {
        0 => bytes.to_vec(),
        _ => {
            let mut key = Vec::new();
            pglz::decompress(bytes, raw, &mut key)?;
            key
        }
    };
    if flags & SHORTENED != 0 {
        key = lengthen(keys, &key);
    }
    key.extend_from_slice(tid);
    Some(key)
}

/// How a stored entry or separator compares with a plain one.
#[inline]
pub fn compare(keys: &[KeyType], stored: &[u8], target: &[u8]) -> Ordering {
    match stored.first() {
        Some(&MARK) => plain(keys, stored).as_ref().cmp(target),
        _ => stored.cmp(target),
    }
}

/// A separator between two stored entries, in stored form: above the left one, at or below the right one, and short.
pub fn separator(keys: &[KeyType], left: &[u8], right: &[u8]) -> Vec<u8> {
    let plain_right = plain(keys, right);
    let short = node::shortest_separator(&plain(keys, left), &plain_right).to_vec();
    if short.len() <= node::MAX_ENTRY { short } else { right.to_vec() }
}
