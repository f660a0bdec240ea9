//! A page may hold one body instead of items: bytes that begin behind the header and grow upwards. Whoever lays pages
//! out so knows which ones; their line pointers mean nothing.

use super::{HEADER_SIZE, Page};

impl Page {
    #[inline]
    pub fn body(&self) -> &[u8] {
        self.0.get(HEADER_SIZE..self.lower()).unwrap_or_default()
    }

    #[inline]
    pub fn body_mut(&mut self) -> &mut [u8] {
        let end = self.lower();
        self.0.get_mut(HEADER_SIZE..end).unwrap_or_default()
    }

    /// Makes the body so many bytes long; what is new is zero, as is what was given up (equal pages shall be equal in
    /// bytes). False, and nothing happens, if it would not fit.
    #[inline]
    pub fn resize_body(&mut self, len: usize) -> bool {
        let (old, new) = (self.lower(), HEADER_SIZE + len);
        if new > self.upper() {
            return false;
        }
        if new < old {
            self.0[new..old].fill(0);
        }
        self.set_lower(new);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body grows into what was free and leaves zeroes behind.
    #[test]
    fn bodies_grow_and_shrink() {
        let mut page = Page::initialised(16);
        let room = page.exact_free_space();
        assert!(page.body().is_empty() && !page.resize_body(room + 1) && page.resize_body(room));
        page.body_mut().fill(7);
        assert!(page.resize_body(3) && page.resize_body(5));
        assert_eq!(page.body(), [7, 7, 7, 0, 0]);
        assert!(page.has_sane_header() && page.exact_free_space() == room - 5);
    }
}
