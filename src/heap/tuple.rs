//! A row version's bytes: the header's fields and flags. See `mod.rs` for the table.

use crate::base::{CommandId, TupleId, Xid};

/// Bytes of the header without a null bitmap of more than 8 columns.
pub const HEADER_BYTES: usize = 28;
/// Where the null bitmap starts; up to 8 columns it lies inside the 28 bytes.
const BITMAP_AT: usize = 27;
/// Line pointers a heap page may have: what empty tuples would need.
pub const MAX_ITEMS: u16 = ((crate::page::PAGE_SIZE - crate::page::HEADER_SIZE) / (HEADER_BYTES + 4)) as u16;
/// More columns than this do not fit the header (PostgreSQL 15, htup_details.h: same).
pub const MAX_COLUMNS: usize = 1664;
/// The largest item an empty page takes.
pub const MAX_TUPLE_BYTES: usize = crate::page::PAGE_SIZE - crate::page::HEADER_SIZE - crate::page::POINTER_SIZE;

/// Bits of `infomask`: PostgreSQL 15, htup_details.h, same values.
pub mod mask {
    pub const HAS_NULL: u16 = 0x0001;
    /// Some value lies out of line.
    pub const HAS_EXTERNAL: u16 = 0x0004;
    /// With [`XMAX_EXCL_LOCK`]: the strength xmax locks with; alone: FOR KEY SHARE; both: FOR SHARE.
    pub const XMAX_KEYSHR_LOCK: u16 = 0x0010;
    /// The command id is a number of the transaction's pairs (cmin, cmax).
    pub const COMBO_CID: u16 = 0x0020;
    pub const XMAX_EXCL_LOCK: u16 = 0x0040;
    /// xmax only locked the row.
    pub const XMAX_LOCK_ONLY: u16 = 0x0080;
    pub const XMIN_COMMITTED: u16 = 0x0100;
    pub const XMIN_INVALID: u16 = 0x0200;
    pub const XMAX_COMMITTED: u16 = 0x0400;
    pub const XMAX_INVALID: u16 = 0x0800;
    /// There may be further lockers in memory (`mvcc::RowLockers`).
    pub const XMAX_MULTI: u16 = 0x1000;
    /// The version was made by an UPDATE.
    pub const UPDATED: u16 = 0x2000;
    /// What the hints say of xmin is in the log: nobody will ask the commit log (of our own).
    pub const FROZEN: u16 = 0x4000;

    /// Everything that speaks of xmax.
    pub const XMAX_BITS: u16 =
        XMAX_KEYSHR_LOCK | XMAX_EXCL_LOCK | XMAX_LOCK_ONLY | XMAX_COMMITTED | XMAX_INVALID | XMAX_MULTI;
    /// Bits that may be lost and found again.
    pub const HINTS: u16 = XMIN_COMMITTED | XMIN_INVALID | XMAX_COMMITTED | XMAX_INVALID;
}

/// Bits of `infomask2` above the number of columns.
pub mod mask2 {
    pub const NATTS: u16 = 0x07FF;
    /// The update changed a key column, or it is a DELETE: locks as FOR UPDATE does.
    pub const KEYS_UPDATED: u16 = 0x2000;
    pub const HOT_UPDATED: u16 = 0x4000;
    /// Reached only through its predecessor, never by an index.
    pub const HEAP_ONLY: u16 = 0x8000;
}

/// A version's header, read from the bytes of its item.
#[derive(Clone, Copy)]
pub struct Tuple<'a>(pub &'a [u8]);

#[inline]
fn get48(b: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(b[at..at + 8].try_into().expect("8 bytes")) & 0xFFFF_FFFF_FFFF
}

#[inline]
fn get16(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

#[inline]
fn get32(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

impl<'a> Tuple<'a> {
    #[inline]
    pub fn xmin(self) -> Xid {
        Xid(get48(self.0, 0))
    }

    #[inline]
    pub fn xmax(self) -> Xid {
        Xid(get48(self.0, 6))
    }

    #[inline]
    pub fn cid(self) -> CommandId {
        CommandId(get32(self.0, 12))
    }

    #[inline]
    pub fn ctid(self) -> TupleId {
        TupleId::new(get32(self.0, 16), get16(self.0, 20))
    }

    #[inline]
    pub fn infomask2(self) -> u16 {
        get16(self.0, 22)
    }

    #[inline]
    pub fn infomask(self) -> u16 {
        get16(self.0, 24)
    }

    #[inline]
    pub fn has(self, bits: u16) -> bool {
        self.infomask() & bits != 0
    }

    #[inline]
    pub fn has2(self, bits: u16) -> bool {
        self.infomask2() & bits != 0
    }

    /// Where the values start.
    #[inline]
    pub fn hoff(self) -> usize {
        self.0[26] as usize * 4
    }

    #[inline]
    pub fn natts(self) -> usize {
        (self.infomask2() & mask2::NATTS) as usize
    }

    /// Whether the value of a column (0-based, below `natts`) is NULL.
    #[inline]
    pub fn is_null(self, column: usize) -> bool {
        self.has(mask::HAS_NULL) && self.0[BITMAP_AT + column / 8] & 1 << (column % 8) == 0
    }

    pub fn is_hot_updated(self) -> bool {
        self.has2(mask2::HOT_UPDATED) && !self.has(mask::XMAX_INVALID) && !self.has(mask::XMIN_INVALID)
    }

    pub fn is_heap_only(self) -> bool {
        self.has2(mask2::HEAP_ONLY)
    }
}

/// Bytes before the values: in steps of 4, counted so in one byte.
#[inline]
pub fn header_bytes(columns: usize, nulls: bool) -> usize {
    if nulls { (BITMAP_AT + columns.div_ceil(8)).next_multiple_of(4) } else { HEADER_BYTES }
}

/// Writers of header fields, on the bytes of an item.
pub mod put {
    use super::*;

    #[inline]
    fn put48(b: &mut [u8], at: usize, v: u64) {
        assert!(v < 1 << 48, "HEAP-1: transaction id {v}");
        b[at..at + 6].copy_from_slice(&v.to_le_bytes()[..6]);
    }

    #[inline]
    pub fn xmin(b: &mut [u8], xid: Xid) {
        put48(b, 0, xid.0);
    }

    #[inline]
    pub fn xmax(b: &mut [u8], xid: Xid) {
        put48(b, 6, xid.0);
    }

    #[inline]
    pub fn cid(b: &mut [u8], cid: CommandId) {
        b[12..16].copy_from_slice(&cid.0.to_le_bytes());
    }

    #[inline]
    pub fn ctid(b: &mut [u8], tid: TupleId) {
        b[16..20].copy_from_slice(&tid.block.to_le_bytes());
        b[20..22].copy_from_slice(&tid.offset.to_le_bytes());
    }

    #[inline]
    pub fn infomask2(b: &mut [u8], v: u16) {
        b[22..24].copy_from_slice(&v.to_le_bytes());
    }

    #[inline]
    pub fn infomask(b: &mut [u8], v: u16) {
        b[24..26].copy_from_slice(&v.to_le_bytes());
    }

    #[inline]
    pub fn hoff(b: &mut [u8], bytes: usize) {
        b[26] = (bytes / 4) as u8;
    }

    /// Marks a column as not NULL in the bitmap.
    #[inline]
    pub fn not_null(b: &mut [u8], column: usize) {
        b[BITMAP_AT + column / 8] |= 1 << (column % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field comes back, and none touches its neighbours.
    #[test]
    fn fields_come_back() {
        let mut b = vec![0u8; 40];
        put::xmin(&mut b, Xid(0x1234_5678_9ABC));
        put::xmax(&mut b, Xid(0xFFFF_FFFF_FFFF));
        put::cid(&mut b, CommandId(7));
        put::ctid(&mut b, TupleId::new(0x0102_0304, 0x0506));
        put::infomask2(&mut b, 0x8003);
        put::infomask(&mut b, 0x0901);
        put::hoff(&mut b, 28);
        put::not_null(&mut b, 2);
        let t = Tuple(&b);
        assert_eq!((t.xmin(), t.xmax(), t.cid()), (Xid(0x1234_5678_9ABC), Xid(0xFFFF_FFFF_FFFF), CommandId(7)));
        assert_eq!(t.ctid(), TupleId::new(0x0102_0304, 0x0506));
        assert_eq!((t.infomask2(), t.infomask(), t.hoff(), t.natts()), (0x8003, 0x0901, 28, 3));
        assert!(t.is_null(0) && t.is_null(1) && !t.is_null(2) && t.is_heap_only());
    }

    /// Eight columns' bitmap costs nothing, more take steps of four bytes.
    #[test]
    fn the_bitmap_starts_inside_the_header() {
        assert_eq!((header_bytes(8, true), header_bytes(9, true), header_bytes(40, true)), (28, 32, 32));
        assert_eq!(header_bytes(MAX_COLUMNS, true) / 4, 59);
        assert_eq!(header_bytes(500, false), 28);
        assert_eq!(MAX_ITEMS, 255);
    }
}
