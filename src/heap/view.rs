//! A page copied out as plain bytes, read without turning it back into a page.

use crate::page::{HEADER_SIZE, LinePointer, POINTER_SIZE};

#[derive(Clone, Copy)]
pub struct PageView<'a>(pub &'a [u8]);

impl<'a> PageView<'a> {
    #[inline]
    fn get16(self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    pub fn is_new(self) -> bool {
        self.get16(16) == 0
    }

    #[inline]
    pub fn has_flag(self, flag: u16) -> bool {
        self.get16(12) & flag != 0
    }

    /// Bytes between line pointers and items.
    pub fn free_space(self) -> usize {
        (self.get16(16) as usize).saturating_sub(self.get16(14) as usize)
    }

    /// How many line pointers lead to an item. Without branches, so that several are looked at at once.
    pub fn count_normal(self) -> usize {
        let lower = (self.get16(14) as usize).max(HEADER_SIZE);
        let (words, _) = self.0[HEADER_SIZE..lower].as_chunks::<POINTER_SIZE>();
        words.iter().map(|w| LinePointer(u32::from_le_bytes(*w)).is_normal() as u32).sum::<u32>() as usize
    }

    /// The line pointers, from number 1 on.
    #[inline]
    pub fn pointers(self) -> impl ExactSizeIterator<Item = LinePointer> + 'a {
        let lower = (self.get16(14) as usize).max(HEADER_SIZE);
        self.0[HEADER_SIZE..lower]
            .chunks_exact(POINTER_SIZE)
            .map(|b| LinePointer(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
    }
}
