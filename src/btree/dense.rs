//! Leaves whose entries are all of one length: what all of them begin with stands once, and the rest of each in one array,
//! in order, without line pointers. So are keys of one number or date, and any key that comes again and again: there
//! nothing is left of an entry but the row's address, 6 bytes, as on PostgreSQL's posting lists (PostgreSQL 15,
//! nbtdedup.c), while each row keeps an entry of its own.
//!
//! The body of the page, little endian: width u16 (of what stands in the array for each entry), length of the common
//! beginning u16, length of the high key u16; then these two, then the array. The beginning never reaches into the
//! row's address. Packed entries ([`super::packed`]) do not come here.
//!
//! A leaf becomes dense, or another beginning is taken, when it is laid out anew: by a split, or because an entry does not
//! go in as it is. That depends on what is on the page alone, so that redo does the same.

use super::entry::Entry;
use super::items::Items;
use super::node;
use super::packed::MARK;
use crate::page::{HEADER_SIZE, Page};
use std::cmp::Ordering;
use std::ops::Range;

const HEAD: usize = 6;
const TID: usize = 6;

/// What is on such a page; nothing, if it is damaged.
#[derive(Clone, Copy)]
pub struct Dense<'p> {
    pub prefix: &'p [u8],
    pub high: &'p [u8],
    width: usize,
    tails: &'p [u8],
    /// The same up to the page's end, where the special space makes sure of eight bytes behind every entry's beginning.
    beyond: &'p [u8],
}

/// Up to eight bytes as a number that compares as they do.
#[inline]
fn leading(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(b) => u64::from_be_bytes(*b),
        None => {
            let mut b = [0; 8];
            b[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(b)
        }
    }
}

/// Width and the lengths of beginning and high key.
#[inline]
fn figures(body: &[u8]) -> (usize, usize, usize) {
    let word = |at: usize| body.get(at..at + 2).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    (word(0).max(TID), word(2), word(4))
}

impl<'p> Dense<'p> {
    #[inline]
    pub fn of(page: &'p Page) -> Dense<'p> {
        let body = page.body();
        let (width, prefix, high) = figures(body);
        let start = HEAD + prefix + high;
        match body.get(start..) {
            Some(tails) => {
                let (prefix, high) = (&body[HEAD..HEAD + prefix], &body[HEAD + prefix..start]);
                Dense { prefix, high, width, tails, beyond: &page.bytes()[HEADER_SIZE + start..] }
            }
            None => Dense { prefix: &[], high: &[], width, tails: &[], beyond: &[] },
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.tails.len() / self.width
    }

    #[inline]
    fn tail(&self, i: usize) -> &'p [u8] {
        &self.tails[i * self.width..(i + 1) * self.width]
    }

    /// The entry at a place counted from 0; an empty one beyond the end.
    #[inline]
    pub fn entry(&self, i: usize) -> Entry<'p> {
        let tail = self.tails.get(i * self.width..(i + 1) * self.width).unwrap_or_default();
        Entry { head: self.prefix, tail }
    }

    /// What stands in the array for these entries, each ending in its row's address.
    pub fn entries(&self, places: Range<usize>) -> impl Iterator<Item = &'p [u8]> {
        let bytes = self.tails.get(places.start * self.width..places.end * self.width).unwrap_or_default();
        bytes.chunks_exact(self.width)
    }

    /// The place of the first entry at or above `target`.
    #[inline]
    pub fn lower_bound(&self, target: &[u8]) -> usize {
        let Some(rest) = target.strip_prefix(self.prefix) else {
            return if self.prefix < target { self.len() } else { 0 };
        };
        let (mut low, mut high) = (0, self.len());
        // Most searches are decided by the first eight bytes: one comparison of two numbers.
        let known = rest.len().min(self.width).min(8);
        let mask = u64::MAX.checked_shl(64 - 8 * known as u32).unwrap_or(0);
        let asked = leading(rest) & mask;
        while low < high {
            let middle = low + (high - low) / 2;
            let is_below = match (leading(&self.beyond[middle * self.width..]) & mask).cmp(&asked) {
                Ordering::Equal if rest.len() > known => self.tail(middle) < rest,
                order => order.is_lt(),
            };
            if is_below {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Whether an entry can stand in the array.
    #[inline]
    pub fn takes(&self, entry: &[u8]) -> bool {
        entry.len() == self.prefix.len() + self.width && entry.starts_with(self.prefix)
    }

    /// All entries are of one key.
    pub fn is_one_key(&self) -> bool {
        self.width == TID
    }

    /// How many of its entries fit beside a high key cut from any of them. In the array an entry takes less than it.
    pub fn most(&self) -> usize {
        let entry = self.prefix.len() + self.width;
        (node::ROOM - HEAD - self.prefix.len()).saturating_sub(entry) / self.width
    }

    /// Bytes for each entry.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// How much two entries of one length, the first and the last of a page, let all between have in common.
fn common(first: &[u8], last: &[u8]) -> usize {
    first.iter().zip(last).take_while(|(a, b)| a == b).count().min(first.len() - TID)
}

/// Bytes that the body takes for `count` entries from `first` to `last`, all of one length.
pub fn size(first: &[u8], last: &[u8], count: usize, high: usize) -> usize {
    let prefix = common(first, last);
    HEAD + prefix + high + count * (first.len() - prefix)
}

/// Whether an item may be on a dense leaf.
pub fn suits_item(item: &[u8]) -> bool {
    item.len() > TID && item[0] != MARK
}

/// Whether a leaf of these items can be dense.
pub fn suits(items: &Items) -> bool {
    items.len() > 1 && suits_item(items.first()) && items.have_one_length()
}

/// Lays an empty page out, if the entries are of one length and fit.
pub fn fill(page: &mut Page, high: &[u8], items: &Items) -> bool {
    if !suits(items) {
        return false;
    }
    let prefix = common(items.first(), items.last());
    let width = items.first().len() - prefix;
    if !page.resize_body(HEAD + prefix + high.len() + items.len() * width) {
        return false;
    }
    let body = page.body_mut();
    for (at, n) in [width, prefix, high.len()].into_iter().enumerate() {
        body[at * 2..at * 2 + 2].copy_from_slice(&(n as u16).to_le_bytes());
    }
    let start = HEAD + prefix + high.len();
    body[HEAD..HEAD + prefix].copy_from_slice(&items.first()[..prefix]);
    body[HEAD + prefix..start].copy_from_slice(high);
    for (tail, item) in body[start..].chunks_exact_mut(width).zip(items.iter()) {
        tail.copy_from_slice(&item[prefix..]);
    }
    true
}

/// Puts an entry that the page [takes](Dense::takes) at a place counted from 0; false if there is no room.
#[inline]
pub fn insert(page: &mut Page, i: usize, entry: &[u8]) -> bool {
    let old = page.body().len();
    let (width, prefix, high) = figures(page.body());
    if !page.resize_body(old + width) {
        return false;
    }
    let body = page.body_mut();
    let at = HEAD + prefix + high + i * width;
    body.copy_within(at..old, at + width);
    body[at..at + width].copy_from_slice(&entry[prefix..]);
    true
}

/// Takes entries out; their places, counted from 0, ascend.
pub fn remove(page: &mut Page, gone: impl IntoIterator<Item = usize>) {
    let (width, prefix, high) = figures(page.body());
    let start = HEAD + prefix + high;
    let body = page.body_mut();
    let end = body.len();
    let (mut to, mut from) = (start, start);
    for i in gone {
        let (at, next) = (start + i * width, start + (i + 1) * width);
        body.copy_within(from..at, to);
        (to, from) = (to + at - from, next);
    }
    body.copy_within(from..end, to);
    let len = to + end - from;
    let done = page.resize_body(len);
    debug_assert!(done);
}

/// Gives the page another upper bound; false if there is no room.
pub fn set_high(page: &mut Page, high: &[u8]) -> bool {
    let old = page.body().len();
    let (_, prefix, was) = figures(page.body());
    let start = HEAD + prefix;
    // Longer first, shorter last: the entries move while there is room for both ends.
    let len = old - was + high.len();
    if len > old && !page.resize_body(len) {
        return false;
    }
    let body = page.body_mut();
    body.copy_within(start + was..old, start + high.len());
    body[start..start + high.len()].copy_from_slice(high);
    body[4..6].copy_from_slice(&(high.len() as u16).to_le_bytes());
    page.resize_body(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search finds what a walk finds, whatever is asked for: shorter, as long, or longer than the entries, inside and
    /// outside of what these begin with.
    #[test]
    fn searches_find_the_place() {
        for (shared, varied) in [(0, 1), (3, 2), (1, 4), (2, 9), (9, 0)] {
            let mut items = Items::default();
            let mut all: Vec<Vec<u8>> = (0..200u32)
                .map(|n| {
                    let mut e = vec![5; shared];
                    e.extend((0..varied).map(|i| (n.wrapping_mul(2_654_435_761) >> (i * 3)) as u8 % 4));
                    e.extend_from_slice(&[0, 0, (n / 7) as u8, 0, 0, (n % 7) as u8]);
                    e
                })
                .collect();
            all.sort();
            all.iter().for_each(|e| items.push(e, &[]));
            let mut page = Page::default();
            node::init(&mut page, 0, node::NO_BLOCK, node::NO_BLOCK);
            assert!(fill(&mut page, &[], &items));
            let leaf = Dense::of(&page);
            let longer = all.iter().map(|e| [e.as_slice(), &[1]].concat());
            let others = [vec![], vec![4], vec![5], vec![6], vec![5; 3], vec![5; 20], vec![0xFF; 9]];
            let parts = all.iter().flat_map(|e| (0..=e.len()).map(|n| e[..n].to_vec()));
            for target in parts.chain(longer).chain(others) {
                let place = all.iter().position(|e| *e >= target).unwrap_or(all.len());
                assert_eq!(leaf.lower_bound(&target), place, "{target:?} {shared} {varied}");
            }
        }
    }
}
