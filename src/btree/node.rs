//! One index page: its items in order, its neighbours, its upper bound.
//!
//! Special space, 16 bytes little endian: left sibling u32, right sibling u32, level u32 (0: leaf), flags u32.
//!
//! Leaf item: an *entry*, which is the normalised key followed by the row's address (block u32, offset u16, both big
//! endian), so that entries are unique and memcmp orders them. Inner item: child block u32, separator. A separator is the
//! shortest byte string above everything to its left; the first child's is empty. A page that has a right sibling starts
//! with its high key: everything on it is below, everything to the right is at or above. Leaves with the flag DENSE lay
//! the same out otherwise ([`super::dense`]); their items are counted alike, as if the high key had the first number. A
//! deleted page keeps its right link and its high key; its second item is the next transaction id at its deletion, u64.

use super::dense::{self, Dense};
use super::entry::Entry;
use super::items::Items;
use super::keys::KeyType;
use super::packed::compare;
use super::recycle::Use;
use crate::base::{BlockNo, TupleId, Xid};
use crate::page::{HEADER_SIZE, PAGE_SIZE, POINTER_SIZE, Page};
use std::ops::Range;

pub const SPECIAL: usize = 16;
/// Bytes for line pointers and items, or for a dense leaf's body.
pub const ROOM: usize = PAGE_SIZE - HEADER_SIZE - SPECIAL;
pub const NO_BLOCK: BlockNo = BlockNo::MAX;

/// The page was split, its parent does not know the right half yet.
pub const INCOMPLETE_SPLIT: u32 = 1;
/// Not part of the tree any more.
pub const DELETED: u32 = 2;
pub const META: u32 = 4;
/// A leaf laid out by [`super::dense`].
pub const DENSE: u32 = 8;

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

/// The number of the last item; less than the first one's on an empty page.
#[inline]
pub fn last(page: &Page) -> u16 {
    match has(page, DENSE) {
        true => first(page) - 1 + Dense::of(page).len() as u16,
        false => page.item_count(),
    }
}

/// The page's upper bound as it is stored; None on the rightmost page of a level.
#[inline]
pub fn high_key(page: &Page) -> Option<&[u8]> {
    match right(page) {
        NO_BLOCK => None,
        _ if has(page, DENSE) => Some(Dense::of(page).high),
        _ => Some(page.item(1)),
    }
}

/// The entry of a leaf item.
#[inline]
pub fn entry(page: &Page, n: u16) -> Entry<'_> {
    match has(page, DENSE) {
        true => Dense::of(page).entry(usize::from(n - first(page))),
        false => Entry::whole(page.item(n)),
    }
}

/// Appends the rows' addresses of a leaf's items.
pub fn tids(page: &Page, items: Range<u16>, out: &mut Vec<TupleId>) {
    if !has(page, DENSE) {
        return out.extend(items.map(|n| tid_behind(page.item(n))));
    }
    let first = first(page);
    out.extend(
        Dense::of(page).entries(usize::from(items.start - first)..usize::from(items.end - first)).map(tid_behind),
    );
}

/// Bytes that an item takes.
pub fn item_bytes(page: &Page, n: u16) -> usize {
    match has(page, DENSE) {
        true => Dense::of(page).width(),
        false => page.item(n).len() + POINTER_SIZE,
    }
}

/// The items from `from` on, up to `end`, as they are stored.
pub fn items(page: &Page, from: u16, end: u16) -> Items {
    let mut items = Items::with_capacity(PAGE_SIZE);
    for n in from..end {
        match is_leaf(page) {
            true => items.push(entry(page, n).head, entry(page, n).tail),
            false => items.push(page.item(n), &[]),
        }
    }
    items
}

/// Lays a page out that has its neighbours and nothing else; false if the items do not fit.
pub fn fill(page: &mut Page, high: Option<&[u8]>, items: &Items) -> bool {
    if is_leaf(page) && dense::fill(page, high.unwrap_or_default(), items) {
        set_flag(page, DENSE);
        return true;
    }
    high.into_iter().chain(items.iter()).all(|item| page.append_item(item).is_some())
}

/// Puts an item in at its place; false if there is no room, nothing has changed then.
#[inline]
pub fn insert(page: &mut Page, at: u16, item: &[u8]) -> bool {
    if !has(page, DENSE) {
        return page.insert_item(at, item) || (is_leaf(page) && has_one_length(page, item) && lay_out(page, at, item));
    }
    match Dense::of(page).takes(item) {
        true => dense::insert(page, usize::from(at - first(page)), item),
        false => lay_out(page, at, item),
    }
}

/// Whether the items of a leaf that is not dense are as long as this one.
fn has_one_length(page: &Page, item: &[u8]) -> bool {
    (first(page)..=page.item_count()).all(|n| page.pointer(n).len() == item.len())
}

/// Lays a leaf out anew with another entry.
#[cold]
fn lay_out(page: &mut Page, at: u16, item: &[u8]) -> bool {
    let mut all = Items::with_capacity(PAGE_SIZE);
    for n in first(page)..=last(page) + 1 {
        if n == at {
            all.push(item, &[]);
        }
        if n <= last(page) {
            all.push(entry(page, n).head, entry(page, n).tail);
        }
    }
    let mut new = emptied(page);
    if !fill(&mut new, high_key(page), &all) {
        return false;
    }
    *page = new;
    true
}

/// The page without its items.
fn emptied(page: &Page) -> Page {
    let mut new = Page::default();
    init(&mut new, level(page), left(page), right(page));
    put(&mut new, 12, get(page, 12) & !DENSE);
    new.set_lsn(page.lsn());
    new
}

/// Takes items out; the numbers ascend.
pub fn remove(page: &mut Page, gone: &[u16]) {
    match has(page, DENSE) {
        true => {
            let first = first(page);
            dense::remove(page, gone.iter().map(|n| usize::from(n - first)));
        }
        false => page.remove_items(gone),
    }
}

/// Gives the page another upper bound; false if there is no room.
pub fn set_high(page: &mut Page, high: &[u8]) -> bool {
    match has(page, DENSE) {
        true => dense::set_high(page, high),
        false => page.replace_item(1, high),
    }
}

/// Whether [`set_high`] has the room it needs.
pub fn may_set_high(page: &Page, high: &[u8]) -> bool {
    let old = high_key(page).unwrap_or_default().len();
    let more = if has(page, DENSE) { high.len().saturating_sub(old) } else { high.len() };
    high.len() <= old || more <= page.exact_free_space()
}

/// Marks a page without entries as out of the tree.
pub fn delete(page: &mut Page, stamp: Xid) {
    let mut new = emptied(page);
    let fits = [high_key(page).unwrap_or_default(), &stamp.0.to_le_bytes()].map(|item| new.append_item(item).is_some());
    assert_eq!(fits, [true, true], "a high key and a stamp fit on an empty page");
    set_flag(&mut new, DELETED);
    *page = new;
}

/// What the page is there for.
pub(crate) fn in_use(page: &Page) -> Use {
    match page.is_new() {
        true => Use::New,
        false if has(page, DELETED) => {
            let stamp = if page.item_count() < 2 { &[] } else { page.item(2) };
            Use::Deleted(Xid(stamp.first_chunk().map_or(0, |b| u64::from_le_bytes(*b))))
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
pub fn order_key(page: &Page, n: u16) -> Entry<'_> {
    if is_leaf(page) { entry(page, n) } else { Entry::whole(separator(page, n)) }
}

/// The first item of a leaf at or above `target`; one past the last if there is none.
///
/// A plain binary search: the branch-free form is slower, because speculation is what prefetches the probes.
#[inline]
pub fn lower_bound(keys: &[KeyType], page: &Page, target: &[u8]) -> u16 {
    if has(page, DENSE) {
        return first(page) + Dense::of(page).lower_bound(target) as u16;
    }
    let (mut low, mut high) = (first(page), page.item_count() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if compare(keys, page.item(middle), target).is_lt() {
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
                assert!(page.insert_item(1, b"x"));
                n = 2;
            }
            for (i, k) in ["b", "d", "f"].iter().enumerate() {
                assert!(page.insert_item(n + i as u16, k.as_bytes()));
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
