//! The page checksum: CRC-32 of the page and its block number.

use super::Page;
use crate::base::BlockNo;

impl Page {
    /// The checksum the page should carry at this block (PAGE-4). Never 0, which means "not set".
    pub fn checksum(&self, block: BlockNo) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(block);
        hasher.update(&self.0[..8]);
        hasher.update(&self.0[12..]);
        hasher.finalize().max(1)
    }

    pub fn stored_checksum(&self) -> u32 {
        u32::from_le_bytes(self.0[8..12].try_into().expect("4 bytes"))
    }

    /// Must be called on a private copy or under the write latch, just before the page is written.
    pub fn set_checksum(&mut self, block: BlockNo) {
        let sum = self.checksum(block);
        self.0[8..12].copy_from_slice(&sum.to_le_bytes());
    }

    pub fn clear_checksum(&mut self) {
        self.0[8..12].fill(0);
    }

    /// Whether a page just read may be used: new (PAGE-2), or a sane header and, if `checksums` are
    /// on, the right checksum.
    pub fn verify(&self, block: BlockNo, checksums: bool) -> bool {
        if self.is_new() {
            return self.is_zero();
        }
        self.has_sane_header() && (!checksums || self.stored_checksum() == self.checksum(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One flipped bit anywhere, or the wrong block number, is noticed; an all-zero page is fine.
    #[test]
    fn damage_is_noticed() {
        let mut page = Page::initialised(0);
        page.add_item(b"hello");
        page.set_checksum(7);
        assert!(page.verify(7, true));
        assert!(!page.verify(8, true));
        for at in (0..super::super::PAGE_SIZE).step_by(97) {
            let mut bad = page.clone();
            bad.bytes_mut()[at] ^= 0x10;
            assert!(!bad.verify(7, true), "byte {at}");
        }
        assert!(Page::default().verify(3, true));
        let mut half = Page::default();
        half.bytes_mut()[5000] = 1;
        assert!(!half.verify(3, true));
    }
}
