//! One index page: its items in order, its neighbours, its upper bound.
//!
//! Special space, 16 bytes little endian: left sibling u32, right sibling u32, level u32 (0: leaf), flags u32.
//!
//! Leaf item: entry length u16, entry, payload. An *entry* is the normalised key followed by the row's address
//! (block u32, offset u16, both big endian), so that entries are unique and memcmp orders them; the payload holds
//! the values of INCLUDE columns. Inner item: child block u32, separator. A separator is the shortest byte string
//! above everything to its left; the first child's is empty. A page that has a right sibling starts with its high
//! key (entry length and bytes, no payload): everything on it is below, everything to the right is at or above. A
//! deleted page keeps its right link and its high key, whose payload is the next transaction id at its deletion, u64
//! (of old, nothing).

use super::keys::KeyType;
use super::packed::compare;
use super::recycle::Use;
use crate::base::{BlockNo, TupleId, Xid};
use crate::page::Page;

pub const SPECIAL: usize = 16;
pub const NO_BLOCK: BlockNo = BlockNo::MAX;

/// The page was split, its parent does not know the right half yet.
pub const INCOMPLETE_SPLIT: u32 = 1;
/// Not part of the tree any more.
pub const DELETED: u32 = 2;
pub const META: u32 = 4;

/// PostgreSQL 15, nbtree.h, BTMaxItemSize: three items must fit on a page.
pub const MAX_ENTRY: usize = 2704;

fn get(page: &Page, at: usize) -> u32 {
    let special = page.special();
    special.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

fn put(page: &mut Page, at: usize, value: u32) {
    page.special_mut()[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub fn init(page: &mut Page, level: u32, left: BlockNo, right: BlockNo) {
    page.init(SPECIAL);
    put(page, 0, left);
    put(page, 4, right);
    put(page, 8, level);
    put(page, 12, 0);
}

pub fn left(page: &Page) -> BlockNo {
    get(page, 0)
}

pub fn right(page: &Page) -> BlockNo {
    get(page, 4)
}

pub fn level(page: &Page) -> u32 {
    get(page, 8)
}

pub fn is_leaf(page: &Page) -> bool {
    level(page) == 0
}

pub fn has(page: &Page, flag: u32) -> bool {
    get(page, 12) & flag != 0
}

pub fn set_left(page: &mut Page, block: BlockNo) {
    put(page, 0, block);
}

pub fn set_right(page: &mut Page, block: BlockNo) {
    put(page, 4, block);
}

pub fn set_flag(page: &mut Page, flag: u32) {
    let flags = get(page, 12) | flag;
    put(page, 12, flags);
}

pub fn clear_flag(page: &mut Page, flag: u32) {
    let flags = get(page, 12) & !flag;
    put(page, 12, flags);
}

/// The line pointer number of the first item that is no high key.
#[inline]
pub fn first(page: &Page) -> u16 {
    if right(page) == NO_BLOCK { 1 } else { 2 }
}

#[inline]
fn entry_of(item: &[u8]) -> &[u8] {
    let Some((len, rest)) = item.split_first_chunk::<2>() else { return &[] };
    rest.get(..u16::from_le_bytes(*len) as usize).unwrap_or(&[])
}

/// The page's upper bound as it is stored; None on the rightmost page of a level.
#[inline]
pub fn high_key(page: &Page) -> Option<&[u8]> {
    (right(page) != NO_BLOCK).then(|| entry_of(page.item(1)))
}

/// The entry of a leaf item as it is stored.
#[inline]
pub fn entry(page: &Page, n: u16) -> &[u8] {
    entry_of(page.item(n))
}

/// The INCLUDE values of a leaf item.
pub fn payload(page: &Page, n: u16) -> &[u8] {
    let item = page.item(n);
    let len = entry_of(item).len();
    item.get(2 + len..).unwrap_or(&[])
}

/// Marks a page without entries as out of the tree.
pub fn delete(page: &mut Page, stamp: Xid) {
    let high = leaf_item(high_key(page).unwrap_or_default(), &stamp.0.to_le_bytes());
    let fits = page.replace_item(1, &high);
    assert!(fits, "a page with a high key and at most one item has room for a stamp");
    set_flag(page, DELETED);
}

/// What the page is there for.
pub(crate) fn in_use(page: &Page) -> Use {
    match page.is_new() {
        true => Use::New,
        false if has(page, DELETED) => {
            let stamp = payload(page, 1).first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
            Use::Deleted(Xid(stamp))
        }
        false => Use::Tree,
    }
}

/// Key and address of an entry.
#[inline]
pub fn split_entry(entry: &[u8]) -> (&[u8], TupleId) {
    match entry.split_last_chunk::<6>() {
        Some((key, t)) => {
            (key, TupleId::new(u32::from_be_bytes([t[0], t[1], t[2], t[3]]), u16::from_be_bytes([t[4], t[5]])))
        }
        None => (entry, TupleId::INVALID),
    }
}

/// Appends an address to a key.
#[inline]
pub fn push_tid(key: &mut Vec<u8>, tid: TupleId) {
    key.extend_from_slice(&tid.block.to_be_bytes());
    key.extend_from_slice(&tid.offset.to_be_bytes());
}

/// The address at the end of an entry in its plain form.
pub fn tid_behind(entry: &[u8]) -> TupleId {
    match entry.last_chunk() {
        Some([a, b, c, d, e, f]) => TupleId::new(u32::from_be_bytes([*a, *b, *c, *d]), u16::from_be_bytes([*e, *f])),
        None => TupleId::INVALID,
    }
}

pub fn leaf_item(entry: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut item = Vec::with_capacity(2 + entry.len() + payload.len());
    item.extend_from_slice(&(entry.len() as u16).to_le_bytes());
    item.extend_from_slice(entry);
    item.extend_from_slice(payload);
    item
}

/// A high key as an item.
pub fn high_item(separator: &[u8]) -> Vec<u8> {
    leaf_item(separator, &[])
}

pub fn inner_item(child: BlockNo, separator: &[u8]) -> Vec<u8> {
    let mut item = Vec::with_capacity(4 + separator.len());
    item.extend_from_slice(&child.to_le_bytes());
    item.extend_from_slice(separator);
    item
}

#[inline]
pub fn child(page: &Page, n: u16) -> BlockNo {
    page.item(n).first_chunk::<4>().map_or(NO_BLOCK, |b| u32::from_le_bytes(*b))
}

#[inline]
pub fn separator(page: &Page, n: u16) -> &[u8] {
    page.item(n).get(4..).unwrap_or(&[])
}

/// What an item is ordered by: its entry on a leaf, its separator on an inner page.
#[inline]
pub fn order_key(page: &Page, n: u16) -> &[u8] {
    if is_leaf(page) { entry(page, n) } else { separator(page, n) }
}

/// The first item of a leaf at or above `target`; one past the last if there is none.
///
/// A plain binary search: the branch-free form is slower, because speculation is what prefetches the probes.
#[inline]
pub fn lower_bound(keys: &[KeyType], page: &Page, target: &[u8]) -> u16 {
    let (mut low, mut high) = (first(page), page.item_count() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if compare(keys, entry(page, middle), target).is_lt() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The inner item whose child covers `target`: the last with a separator at or below it.
#[inline]
pub fn covering(keys: &[KeyType], page: &Page, target: &[u8]) -> u16 {
    let (mut low, mut high) = (first(page) + 1, page.item_count() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if compare(keys, separator(page, middle), target).is_le() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low - 1
}

/// Whether `target` belongs on a page to the right.
#[inline]
pub fn is_beyond(keys: &[KeyType], page: &Page, target: &[u8]) -> bool {
    high_key(page).is_some_and(|high| compare(keys, high, target).is_le())
}

/// The shortest string above `left` and at or below `right`.
pub fn shortest_separator<'a>(left: &[u8], right: &'a [u8]) -> &'a [u8] {
    let common = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    &right[..(common + 1).min(right.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A separator divides its two neighbours and is no longer than it must be.
    #[test]
    fn separators_divide() {
        for (l, r, s) in [("apple", "banana", "b"), ("ab", "abc", "abc"), ("abx", "abz", "abz"), ("", "q", "q")] {
            let got = shortest_separator(l.as_bytes(), r.as_bytes());
            assert_eq!(got, s.as_bytes());
            assert!(l.as_bytes() < got && got <= r.as_bytes());
        }
    }

    /// Searching finds the first item at or above, and the child that covers, with and without a high key.
    #[test]
    fn searches() {
        for right_block in [NO_BLOCK, 9] {
            let mut page = Page::default();
            init(&mut page, 0, NO_BLOCK, right_block);
            let mut n = 1;
            if right_block != NO_BLOCK {
                assert!(page.insert_item(1, &high_item(b"x")));
                n = 2;
            }
            for (i, k) in ["b", "d", "f"].iter().enumerate() {
                assert!(page.insert_item(n + i as u16, &leaf_item(k.as_bytes(), b"")));
            }
            let at = |t: &str| lower_bound(&[], &page, t.as_bytes()) - n;
            assert_eq!((at("a"), at("b"), at("c"), at("f"), at("g")), (0, 0, 1, 2, 3));
            assert_eq!(is_beyond(&[], &page, b"x"), right_block != NO_BLOCK);
            assert!(!is_beyond(&[], &page, b"w"));
        }
        let mut page = Page::default();
        init(&mut page, 1, NO_BLOCK, NO_BLOCK);
        for (i, k) in ["", "d", "m"].iter().enumerate() {
            assert!(page.insert_item(i as u16 + 1, &inner_item(i as u32 + 10, k.as_bytes())));
        }
        let at = |t: &str| child(&page, covering(&[], &page, t.as_bytes()));
        assert_eq!((at("a"), at("d"), at("l"), at("m"), at("z")), (10, 11, 11, 12, 12));
    }
}
