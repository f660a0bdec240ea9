//! Gives the room of dead items back without moving any line pointer.

use super::item::pointer_at;
use super::{HAS_FREE_LINES, HEADER_SIZE, LinePointer, PAGE_SIZE, POINTER_SIZE, Page, State};

impl Page {
    /// Moves all items with storage together against the special space, drops unused pointers at the
    /// end, and sets or clears the hint about free ones.
    ///
    /// PostgreSQL 15, bufpage.c, PageRepairFragmentation: same result.
    pub fn compact(&mut self) {
        self.drop_trailing_unused();
        let old = self.0;
        let mut upper = self.special_start();
        let mut any_unused = false;
        for n in 1..=self.item_count() {
            let p = self.pointer(n);
            any_unused |= p.state() == State::Unused;
            if !p.has_storage() {
                continue;
            }
            upper -= p.len();
            self.0[upper..upper + p.len()].copy_from_slice(&old[p.offset()..p.offset() + p.len()]);
            self.set_pointer(n, LinePointer::new(p.state(), upper, p.len()));
        }
        assert!(upper >= self.lower(), "PAGE-1: items of {} bytes overlap", PAGE_SIZE - upper);
        // What lies between is stale; zeroes compress better and make equal pages equal in bytes.
        let lower = self.lower();
        self.0[lower..upper].fill(0);
        self.set_upper(upper);
        if any_unused {
            self.set_flag(HAS_FREE_LINES);
        } else {
            self.clear_flag(HAS_FREE_LINES);
        }
    }

    fn drop_trailing_unused(&mut self) {
        let mut count = self.item_count();
        while count > 0 && self.pointer(count).state() == State::Unused {
            count -= 1;
        }
        let lower = if count == 0 { HEADER_SIZE } else { pointer_at(count) + POINTER_SIZE };
        self.set_lower(lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compacting keeps every living item under its number and returns exactly the dead ones' room.
    #[test]
    fn the_living_stay() {
        let mut page = Page::initialised(8);
        for i in 0..20u8 {
            page.add_item(&vec![i; 50 + i as usize]);
        }
        let before = page.exact_free_space();
        page.set_dead(5);
        page.set_unused(7);
        page.set_redirect(9, 10);
        page.set_unused(20);
        page.compact();
        let freed = (50 + 4) + (50 + 6) + (50 + 8) + (50 + 19) + POINTER_SIZE;
        assert_eq!(page.exact_free_space(), before + freed);
        assert_eq!(page.item_count(), 19);
        for n in 1..=19u16 {
            match n {
                5 => assert_eq!(page.pointer(n).state(), State::Dead),
                7 => assert_eq!(page.pointer(n).state(), State::Unused),
                9 => assert_eq!((page.pointer(n).state(), page.pointer(n).target()), (State::Redirect, 10)),
                _ => assert_eq!(page.item(n), vec![n as u8 - 1; 49 + n as usize]),
            }
        }
        assert!(page.has_sane_header());
    }
}
