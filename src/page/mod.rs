//! The 8 KiB slotted page: pure bytes, no I/O.
//!
//! A page grows from both ends: 4-byte line pointers upwards after the header, items downwards from
//! the special space. Items are packed without padding (departs from PostgreSQL 15, bufpage.c, which
//! aligns to 8: our 28-byte tuple header gives the same page counts without it).
//!
//! Must never read a file, take a latch or know what an item means.
//!
//! Invariants
//! - PAGE-1: `HEADER_SIZE <= lower <= upper <= special <= PAGE_SIZE` on every initialised page.
//! - PAGE-2: a page of zeroes only is valid and new: a file was extended, the page never written.
//! - PAGE-3: line pointer numbers never change while an item lives; only `insert_item` and
//!   `remove_item` (B-tree pages) move them.
//! - PAGE-4: the checksum covers the whole page, its own field excepted, and the block number, so
//!   that a page read from the wrong place is recognised.
//!
//! On disk (little endian)
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | LSN: end of the last record that changed the page |
//! | 8..12 | checksum (CRC-32), 0 = not set |
//! | 12..14 | flags |
//! | 14..16 | lower: end of the line pointers |
//! | 16..18 | upper: start of the items |
//! | 18..20 | special: start of the special space |
//! | 20..22 | layout version |
//! | 22..24 | spare, free for the page's owner (heap: a hint for pruning) |
//! | 24.. | line pointers: offset (15 bits), state (2), length (15) |

mod body;
mod checksum;
mod compact;
mod item;

pub use item::{LinePointer, State};

use crate::base::Lsn;

pub const PAGE_SIZE: usize = 8192;
pub const HEADER_SIZE: usize = 24;
pub const POINTER_SIZE: usize = 4;
/// The version of everything this module writes.
pub const LAYOUT_VERSION: u16 = 1;

/// There are unused line pointers (a hint).
pub const HAS_FREE_LINES: u16 = 1;
/// An update found no room here: worth pruning (a hint).
pub const PAGE_FULL: u16 = 2;
/// Every tuple on the page is visible to everyone.
pub const ALL_VISIBLE: u16 = 4;

/// One page. Copying it is a plain copy of 8 KiB.
#[repr(C, align(8))]
#[derive(Clone)]
pub struct Page([u8; PAGE_SIZE]);

impl Default for Page {
    fn default() -> Page {
        Page([0; PAGE_SIZE])
    }
}

impl Page {
    /// A page of zeroes on the heap.
    pub fn boxed() -> Box<Page> {
        Box::new(Page::default())
    }

    /// An initialised empty page with `special` bytes of special space.
    pub fn initialised(special: usize) -> Page {
        let mut page = Page::default();
        page.init(special);
        page
    }

    pub fn from_bytes(bytes: &[u8; PAGE_SIZE]) -> Page {
        Page(*bytes)
    }

    pub fn bytes(&self) -> &[u8; PAGE_SIZE] {
        &self.0
    }

    pub fn bytes_mut(&mut self) -> &mut [u8; PAGE_SIZE] {
        &mut self.0
    }

    /// Overwrites the page with an empty one that has `special` bytes of special space.
    pub fn init(&mut self, special: usize) {
        assert!(special <= PAGE_SIZE - HEADER_SIZE);
        self.0.fill(0);
        self.put16(14, HEADER_SIZE as u16);
        self.put16(16, (PAGE_SIZE - special) as u16);
        self.put16(18, (PAGE_SIZE - special) as u16);
        self.put16(20, LAYOUT_VERSION);
    }

    /// Whether the page was never initialised (PAGE-2).
    pub fn is_new(&self) -> bool {
        self.upper() == 0
    }

    pub fn is_zero(&self) -> bool {
        self.0.chunks_exact(64).all(|c| c.iter().fold(0, |a, b| a | b) == 0)
    }

    /// Whether the header obeys PAGE-1; a page from disk must before anything else is asked of it.
    pub fn has_sane_header(&self) -> bool {
        let (lower, upper, special) = (self.lower(), self.upper(), self.special_start());
        HEADER_SIZE <= lower
            && lower <= upper
            && upper <= special
            && special <= PAGE_SIZE
            && self.get16(20) == LAYOUT_VERSION
    }

    #[inline]
    pub fn lsn(&self) -> Lsn {
        Lsn(u64::from_le_bytes(self.0[0..8].try_into().expect("8 bytes")))
    }

    #[inline]
    pub fn set_lsn(&mut self, lsn: Lsn) {
        self.0[0..8].copy_from_slice(&lsn.0.to_le_bytes());
    }

    #[inline]
    pub fn flags(&self) -> u16 {
        self.get16(12)
    }

    #[inline]
    pub fn has_flag(&self, flag: u16) -> bool {
        self.flags() & flag != 0
    }

    pub fn set_flag(&mut self, flag: u16) {
        self.put16(12, self.flags() | flag);
    }

    pub fn clear_flag(&mut self, flag: u16) {
        self.put16(12, self.flags() & !flag);
    }

    #[inline]
    pub fn lower(&self) -> usize {
        self.get16(14) as usize
    }

    #[inline]
    pub fn upper(&self) -> usize {
        self.get16(16) as usize
    }

    #[inline]
    pub fn special_start(&self) -> usize {
        self.get16(18) as usize
    }

    /// The 16 bits the page's owner may use as it likes.
    pub fn spare(&self) -> u16 {
        self.get16(22)
    }

    pub fn set_spare(&mut self, value: u16) {
        self.put16(22, value);
    }

    pub fn special(&self) -> &[u8] {
        &self.0[self.special_start()..]
    }

    pub fn special_mut(&mut self) -> &mut [u8] {
        let start = self.special_start();
        &mut self.0[start..]
    }

    /// Bytes between the line pointers and the items.
    #[inline]
    pub fn exact_free_space(&self) -> usize {
        self.upper().saturating_sub(self.lower())
    }

    /// The largest item that fits if it needs a new line pointer.
    #[inline]
    pub fn free_space(&self) -> usize {
        self.exact_free_space().saturating_sub(POINTER_SIZE)
    }

    #[inline]
    fn get16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    #[inline]
    fn put16(&mut self, at: usize, value: u16) {
        self.0[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fresh page is empty, sane, and has PostgreSQL's amount of room.
    #[test]
    fn an_initialised_page_is_empty() {
        let page = Page::initialised(16);
        assert!(page.has_sane_header() && !page.is_new());
        assert_eq!((page.item_count(), page.free_space(), page.special().len()), (0, 8192 - 24 - 16 - 4, 16));
        assert!(Page::default().is_new() && Page::default().is_zero());
    }

    /// Flags, LSN and spare bits do not disturb one another.
    #[test]
    fn header_fields_are_apart() {
        let mut page = Page::initialised(0);
        page.set_lsn(Lsn(0x0102_0304_0506_0708));
        page.set_flag(ALL_VISIBLE | PAGE_FULL);
        page.clear_flag(PAGE_FULL);
        page.set_spare(0xBEEF);
        assert_eq!(page.lsn(), Lsn(0x0102_0304_0506_0708));
        assert!(page.has_flag(ALL_VISIBLE) && !page.has_flag(PAGE_FULL));
        assert_eq!(page.spare(), 0xBEEF);
        assert!(page.has_sane_header());
    }
}
