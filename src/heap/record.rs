//! The heap's log records: kinds and flags. Each kind's bytes stand where it is written.
//!
//! PostgreSQL 15, heapam_xlog.h: same numbers for what is the same.

/// Kinds of `Rmgr::Heap`.
pub mod heap {
    /// xmax of one version is set: DELETE, or the old version of an update whose new one has its own record.
    pub const DELETE: u8 = 0x10;
    pub const UPDATE: u8 = 0x20;
    pub const HOT_UPDATE: u8 = 0x40;
    /// The old version of an update whose new version went to another page.
    pub const UPDATE_OLD: u8 = 0x30;
    pub const LOCK: u8 = 0x60;
    pub const INPLACE: u8 = 0x70;
}

/// Kinds of `Rmgr::Heap2`.
pub mod heap2 {
    pub const PRUNE: u8 = 0x10;
    pub const VACUUM: u8 = 0x20;
    pub const FREEZE_PAGE: u8 = 0x30;
    pub const VISIBLE: u8 = 0x40;
    pub const MULTI_INSERT: u8 = 0x50;
    /// With [`MULTI_INSERT`]: the page is built from nothing.
    pub const INIT_PAGE: u8 = 0x80;
}

/// Of `Rmgr::Transaction`: a row lock was passed on to a prepared transaction.
pub const PASS_LOCK: u8 = 0x50;

/// Flags in a record's first data byte.
pub mod flag {
    /// The page was all visible before: redo clears its flag and the map's bit.
    pub const ALL_VISIBLE_CLEARED: u8 = 1;
    /// All rows have the same length and header.
    pub const UNIFORM: u8 = 2;
    /// Line pointers are consecutive from the first one.
    pub const CONSECUTIVE: u8 = 4;
}

/// Appends little-endian numbers.
#[derive(Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn u8(&mut self, v: u8) -> &mut Bytes {
        self.0.push(v);
        self
    }

    pub fn u16(&mut self, v: u16) -> &mut Bytes {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }

    pub fn u32(&mut self, v: u32) -> &mut Bytes {
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }

    pub fn slice(&mut self, v: &[u8]) -> &mut Bytes {
        self.0.extend_from_slice(v);
        self
    }
}

/// Takes them off again; `None` at the end.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (now, later) = self.0.split_at_checked(n)?;
        self.0 = later;
        Some(now)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}
