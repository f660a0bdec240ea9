//! Line pointers and the items they lead to. Numbers are 1-based, as in `ctid`.

use super::{HAS_FREE_LINES, HEADER_SIZE, PAGE_SIZE, POINTER_SIZE, Page};

/// What a line pointer stands for (PostgreSQL 15, itemid.h: same four).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Free for reuse.
    Unused = 0,
    /// Leads to an item.
    Normal = 1,
    /// Leads to another line pointer of the page, whose number is in the offset field.
    Redirect = 2,
    /// The item is dead; its storage may be gone (length 0) or still there.
    Dead = 3,
}

/// Four bytes: offset (15 bits), state (2), length (15).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinePointer(pub u32);

impl LinePointer {
    pub fn new(state: State, offset: usize, len: usize) -> LinePointer {
        assert!(offset < 1 << 15 && len < 1 << 15);
        LinePointer(offset as u32 | (state as u32) << 15 | (len as u32) << 17)
    }

    #[inline]
    pub fn state(self) -> State {
        match self.0 >> 15 & 3 {
            0 => State::Unused,
            1 => State::Normal,
            2 => State::Redirect,
            _ => State::Dead,
        }
    }

    #[inline]
    pub fn is_normal(self) -> bool {
        self.0 >> 15 & 3 == State::Normal as u32
    }

    #[inline]
    pub fn offset(self) -> usize {
        (self.0 & 0x7FFF) as usize
    }

    #[inline]
    pub fn len(self) -> usize {
        (self.0 >> 17) as usize
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The line pointer a redirect leads to.
    pub fn target(self) -> u16 {
        self.offset() as u16
    }

    pub fn has_storage(self) -> bool {
        !self.is_empty()
    }
}

impl Page {
    /// The number of line pointers, used or not.
    #[inline]
    pub fn item_count(&self) -> u16 {
        (self.lower().saturating_sub(HEADER_SIZE) / POINTER_SIZE) as u16
    }

    /// The line pointer `n`; `Unused` when there is none.
    #[inline]
    pub fn pointer(&self, n: u16) -> LinePointer {
        if n == 0 || n > self.item_count() {
            return LinePointer(0);
        }
        let at = pointer_at(n);
        LinePointer(u32::from_le_bytes(self.0[at..at + 4].try_into().expect("4 bytes")))
    }

    #[inline]
    pub fn set_pointer(&mut self, n: u16, pointer: LinePointer) {
        assert!(n >= 1 && n <= self.item_count(), "line pointer {n} of {}", self.item_count());
        self.0[pointer_at(n)..pointer_at(n) + 4].copy_from_slice(&pointer.0.to_le_bytes());
    }

    /// The bytes of an item that has storage.
    ///
    /// # Panics
    /// If the pointer leads outside the page: a damaged page that passed its checksum.
    #[inline]
    pub fn item(&self, n: u16) -> &[u8] {
        let p = self.pointer(n);
        &self.0[p.offset()..p.offset() + p.len()]
    }

    #[inline]
    pub fn item_mut(&mut self, n: u16) -> &mut [u8] {
        let p = self.pointer(n);
        &mut self.0[p.offset()..p.offset() + p.len()]
    }

    /// Adds an item under the first unused line pointer or a new one; `None` if it does not fit.
    pub fn add_item(&mut self, bytes: &[u8]) -> Option<u16> {
        match self.unused_pointer() {
            Some(n) => self.put_item(n, bytes).then_some(n),
            None => self.append_item(bytes),
        }
    }

    /// Adds an item under a new line pointer.
    #[inline]
    pub fn append_item(&mut self, bytes: &[u8]) -> Option<u16> {
        if bytes.len() + POINTER_SIZE > self.exact_free_space() {
            return None;
        }
        let n = self.item_count() + 1;
        let start = self.upper() - bytes.len();
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self.set_upper(start);
        self.set_lower(pointer_at(n) + POINTER_SIZE);
        self.set_pointer(n, LinePointer::new(State::Normal, start, bytes.len()));
        Some(n)
    }

    /// Redo's way: puts an item under exactly the line pointer `n`, which must be unused or lie at or
    /// beyond the end (those skipped become unused). False if it does not fit or `n` is taken.
    pub fn put_item(&mut self, n: u16, bytes: &[u8]) -> bool {
        let count = self.item_count();
        let growth = (n.saturating_sub(count)) as usize * POINTER_SIZE;
        if n == 0 || bytes.len() + growth > self.exact_free_space() {
            return false;
        }
        if n <= count && self.pointer(n).state() != State::Unused {
            return false;
        }
        if n > count {
            let end = pointer_at(n) + POINTER_SIZE;
            self.0[pointer_at(count + 1)..end].fill(0);
            self.set_lower(end);
            if n > count + 1 {
                self.set_flag(HAS_FREE_LINES);
            }
        }
        let start = self.upper() - bytes.len();
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self.set_upper(start);
        self.set_pointer(n, LinePointer::new(State::Normal, start, bytes.len()));
        true
    }

    /// B-tree's way: makes room at `n` by moving the pointers from `n` on up by one. False if full.
    pub fn insert_item(&mut self, n: u16, bytes: &[u8]) -> bool {
        let count = self.item_count();
        assert!(n >= 1 && n <= count + 1, "insert at {n} of {count}");
        if bytes.len() + POINTER_SIZE > self.exact_free_space() {
            return false;
        }
        let (from, end) = (pointer_at(n), pointer_at(count + 1));
        self.0.copy_within(from..end, from + POINTER_SIZE);
        let start = self.upper() - bytes.len();
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self.set_upper(start);
        self.set_lower(end + POINTER_SIZE);
        self.set_pointer(n, LinePointer::new(State::Normal, start, bytes.len()));
        true
    }

    /// B-tree's way: takes the item and its line pointer out; later pointers move down by one, and the
    /// storage is closed up at once.
    pub fn remove_item(&mut self, n: u16) {
        let count = self.item_count();
        assert!(n >= 1 && n <= count, "remove {n} of {count}");
        let gone = self.pointer(n);
        self.0.copy_within(pointer_at(n + 1)..pointer_at(count + 1), pointer_at(n));
        self.set_lower(pointer_at(count));
        if !gone.has_storage() {
            return;
        }
        let upper = self.upper();
        self.0.copy_within(upper..gone.offset(), upper + gone.len());
        self.set_upper(upper + gone.len());
        for i in 1..count {
            let p = self.pointer(i);
            if p.has_storage() && p.offset() < gone.offset() {
                self.set_pointer(i, LinePointer::new(p.state(), p.offset() + gone.len(), p.len()));
            }
        }
    }

    /// Takes many items out, `gone` ascending: as `remove_item` of each, but what stays moves once
    /// (PostgreSQL 15, bufpage.c, PageIndexMultiDelete: same reason).
    pub fn remove_items(&mut self, gone: &[u16]) {
        if let [n] = gone {
            return self.remove_item(*n);
        }
        let count = self.item_count();
        assert!(gone.is_sorted_by(|a, b| a < b), "items to remove are ascending");
        assert!(gone.iter().all(|n| (1..=count).contains(n)), "remove {gone:?} of {count}");
        let mut next = gone.iter().peekable();
        let mut kept = 0;
        for n in 1..=count {
            if next.next_if_eq(&&n).is_none() {
                kept += 1;
                self.set_pointer(kept, self.pointer(n));
            }
        }
        self.set_lower(pointer_at(kept + 1));
        self.compact();
    }

    /// Replaces an item's bytes; keeps its number. False (and unchanged) if it does not fit.
    pub fn replace_item(&mut self, n: u16, bytes: &[u8]) -> bool {
        let p = self.pointer(n);
        if bytes.len() <= p.len() {
            self.0[p.offset()..p.offset() + bytes.len()].copy_from_slice(bytes);
            self.set_pointer(n, LinePointer::new(p.state(), p.offset(), bytes.len()));
            return true;
        }
        if bytes.len() > self.exact_free_space() {
            return false;
        }
        let start = self.upper() - bytes.len();
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self.set_upper(start);
        self.set_pointer(n, LinePointer::new(p.state(), start, bytes.len()));
        true
    }

    /// Marks `n` dead without storage; `compact` gives the room back.
    pub fn set_dead(&mut self, n: u16) {
        self.set_pointer(n, LinePointer::new(State::Dead, 0, 0));
    }

    /// Makes `n` lead to the line pointer `target`.
    pub fn set_redirect(&mut self, n: u16, target: u16) {
        self.set_pointer(n, LinePointer::new(State::Redirect, target as usize, 0));
    }

    /// Gives the line pointer `n` back for reuse.
    pub fn set_unused(&mut self, n: u16) {
        self.set_pointer(n, LinePointer(0));
        self.set_flag(HAS_FREE_LINES);
    }

    /// The first unused line pointer, trusting the page's hint that there is any.
    pub fn unused_pointer(&mut self) -> Option<u16> {
        if !self.has_flag(HAS_FREE_LINES) {
            return None;
        }
        let found = (1..=self.item_count()).find(|&n| self.pointer(n).state() == State::Unused);
        if found.is_none() {
            self.clear_flag(HAS_FREE_LINES);
        }
        found
    }

    /// Room for one more item, counting a reusable line pointer; with `max_items` line pointers in
    /// use none (PostgreSQL 15, PageGetHeapFreeSpace: same rule).
    pub fn heap_free_space(&self, max_items: u16) -> usize {
        let space = self.free_space();
        if space > 0 && self.item_count() >= max_items {
            let any = self.has_flag(HAS_FREE_LINES)
                && (1..=self.item_count()).any(|n| self.pointer(n).state() == State::Unused);
            return if any { space } else { 0 };
        }
        space
    }

    #[inline]
    pub(super) fn set_lower(&mut self, lower: usize) {
        self.put16(14, lower as u16);
    }

    #[inline]
    pub(super) fn set_upper(&mut self, upper: usize) {
        debug_assert!(upper <= PAGE_SIZE);
        self.put16(16, upper as u16);
    }
}

#[inline]
pub(super) fn pointer_at(n: u16) -> usize {
    HEADER_SIZE + (n as usize - 1) * POINTER_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page takes PostgreSQL's 226 rows of one int4 and not one more, and gives each back intact.
    #[test]
    fn items_come_back_as_they_went_in() {
        let mut page = Page::initialised(0);
        let mut n = 0u8;
        while let Some(at) = page.add_item(&[n; 32]) {
            n += 1;
            assert_eq!(at, n as u16);
        }
        assert_eq!(n, 226);
        for i in 1..=226u16 {
            assert_eq!(page.item(i), &[(i - 1) as u8; 32]);
        }
        assert!(page.has_sane_header());
    }

    /// Unused pointers are taken again before new ones are made, and put_item refuses a taken one.
    #[test]
    fn unused_pointers_are_reused() {
        let mut page = Page::initialised(0);
        for i in 0..5u8 {
            page.add_item(&[i; 10]);
        }
        page.set_unused(3);
        assert!(!page.put_item(2, b"taken"));
        assert_eq!(page.add_item(b"again"), Some(3));
        assert_eq!(page.item(3), b"again");
        assert_eq!(page.add_item(b"new"), Some(6));
        assert!(page.put_item(9, b"redo"));
        assert_eq!(page.pointer(8).state(), State::Unused);
        assert_eq!(page.add_item(b"gap"), Some(7));
    }

    /// Inserting and removing in the middle keeps the order and loses no bytes of room.
    #[test]
    fn ordered_insert_and_remove() {
        let mut page = Page::initialised(16);
        let before = page.exact_free_space();
        for (n, text) in [(1, "b"), (1, "a"), (3, "dddd"), (3, "ccc")] {
            assert!(page.insert_item(n, text.as_bytes()));
        }
        let all: Vec<&[u8]> = (1..=4).map(|n| page.item(n)).collect();
        assert_eq!(all, [&b"a"[..], b"b", b"ccc", b"dddd"]);
        page.remove_item(3);
        assert_eq!((page.item(1), page.item(2), page.item(3)), (&b"a"[..], &b"b"[..], &b"dddd"[..]));
        for _ in 0..3 {
            page.remove_item(1);
        }
        assert_eq!(page.exact_free_space(), before);
    }

    /// Many removed at once leave what removing them one by one leaves.
    #[test]
    fn removing_many_is_removing_each() {
        let mut one = Page::initialised(16);
        for n in 0..40u8 {
            assert!(one.insert_item(u16::from(n) / 2 + 1, &vec![n; 5 + n as usize]));
        }
        one.set_dead(7);
        for gone in [&[][..], &[5], &[1, 2, 3], &[1, 7, 20, 40], &[39, 40], &(1..=40).collect::<Vec<u16>>()] {
            let (mut each, mut many) = (one.clone(), one.clone());
            gone.iter().rev().for_each(|n| each.remove_item(*n));
            many.remove_items(gone);
            assert_eq!(many.item_count(), each.item_count());
            for n in 1..=many.item_count() {
                assert_eq!((many.pointer(n).state(), many.item(n)), (each.pointer(n).state(), each.item(n)));
            }
            assert!(many.has_sane_header() && many.exact_free_space() >= each.exact_free_space());
        }
    }
}
