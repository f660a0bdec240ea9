//! A record's bytes: what a writer hands over, and what redo gets back.

use crate::base::{BlockNo, Fork, Lsn, Oid, RelFileId, Xid};
use crate::page::{HEADER_SIZE as PAGE_HEADER, PAGE_SIZE, Page};
use smallvec::SmallVec;

/// Bytes of a record's header; the "wanted 24" of the log's last line.
pub const HEADER_BYTES: usize = 24;
/// Records start at multiples of this.
pub const ALIGNMENT: usize = 8;
/// Longer records are refused by writer and reader alike.
pub const MAX_BYTES: usize = 256 << 20;
/// Block references a record may have.
pub const MAX_BLOCKS: usize = 255;

const FLAG_IMAGE: u8 = 1 << 4;
const FLAG_SAME_RELATION: u8 = 1 << 5;
/// It lies in a tablespace, whose number follows the relation's.
const FLAG_SPACE: u8 = 1 << 6;

/// Who redoes a record. Numbers and names as PostgreSQL 15's rmgrlist.h.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Rmgr {
    Xlog = 0,
    Transaction = 1,
    Storage = 2,
    Clog = 3,
    Database = 4,
    Tablespace = 5,
    MultiXact = 6,
    RelMap = 7,
    Standby = 8,
    Heap2 = 9,
    Heap = 10,
    Btree = 11,
    Gist = 14,
    Sequence = 15,
    Generic = 20,
    LogicalMessage = 21,
}

impl Rmgr {
    pub const ALL: [Rmgr; 16] = [
        Rmgr::Xlog,
        Rmgr::Transaction,
        Rmgr::Storage,
        Rmgr::Clog,
        Rmgr::Database,
        Rmgr::Tablespace,
        Rmgr::MultiXact,
        Rmgr::RelMap,
        Rmgr::Standby,
        Rmgr::Heap2,
        Rmgr::Heap,
        Rmgr::Btree,
        Rmgr::Gist,
        Rmgr::Sequence,
        Rmgr::Generic,
        Rmgr::LogicalMessage,
    ];

    pub fn from_u8(n: u8) -> Option<Rmgr> {
        Rmgr::ALL.into_iter().find(|r| *r as u8 == n)
    }

    /// The name `pg_waldump` shows.
    pub fn name(self) -> &'static str {
        match self {
            Rmgr::Xlog => "XLOG",
            Rmgr::MultiXact => "MultiXact",
            Rmgr::Clog => "CLOG",
            Rmgr::Transaction => "Transaction",
            Rmgr::Storage => "Storage",
            Rmgr::Database => "Database",
            Rmgr::Tablespace => "Tablespace",
            Rmgr::RelMap => "RelMap",
            Rmgr::Standby => "Standby",
            Rmgr::Heap2 => "Heap2",
            Rmgr::Heap => "Heap",
            Rmgr::Btree => "Btree",
            Rmgr::Gist => "Gist",
            Rmgr::Sequence => "Sequence",
            Rmgr::Generic => "Generic",
            Rmgr::LogicalMessage => "LogicalMessage",
        }
    }
}

/// Kinds of [`Rmgr::Xlog`] records (PostgreSQL 15, pg_control.h: same numbers).
pub mod xlog {
    pub const CHECKPOINT_SHUTDOWN: u8 = 0x00;
    pub const CHECKPOINT_ONLINE: u8 = 0x10;
    pub const NOOP: u8 = 0x20;
    pub const NEXTOID: u8 = 0x30;
    pub const SWITCH: u8 = 0x40;
    pub const PARAMETER_CHANGE: u8 = 0x60;
    pub const END_OF_RECOVERY: u8 = 0x90;
    /// Full images of its blocks and nothing else.
    pub const FPI: u8 = 0xB0;
}

/// How redo gets a block back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BlockMode {
    /// By changing the page as it was; the first change after a checkpoint carries a full image.
    Normal = 0,
    /// By building it anew from the data, whatever was there.
    Init = 1,
    /// By a full image, always carried.
    Image = 2,
}

/// A page a record changes; `page` is as changed, under its write latch.
#[derive(Clone, Copy)]
pub struct BlockRef<'a> {
    pub file: RelFileId,
    pub fork: Fork,
    pub block: BlockNo,
    pub page: &'a Page,
    pub mode: BlockMode,
}

/// What a writer inserts.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub rmgr: Rmgr,
    pub info: u8,
    /// `Xid::INVALID` when no transaction owns it.
    pub xid: Xid,
    pub blocks: &'a [BlockRef<'a>],
    /// Concatenated into the record's data.
    pub data: &'a [&'a [u8]],
}

impl Record<'_> {
    /// No more than these bytes, for [`Wal::reserve`](super::Wal::reserve).
    pub fn max_bytes(blocks: usize, data: usize) -> usize {
        HEADER_BYTES + 1 + blocks * (21 + PAGE_SIZE) + data + ALIGNMENT
    }
}

/// A record laid out as slices, ready to be copied behind its header.
pub(super) struct Body<'a> {
    /// Number of blocks and their headers.
    pub head: SmallVec<[u8; 96]>,
    images: SmallVec<[&'a [u8]; 4]>,
    data: &'a [&'a [u8]],
    /// Bytes of everything, without the record's header.
    pub len: usize,
    pub images_carried: u32,
    pub crc: u32,
}

impl<'a> Body<'a> {
    pub fn new(record: &Record<'a>, redo_lsn: u64, full_page_writes: bool) -> Body<'a> {
        assert!(record.blocks.len() <= MAX_BLOCKS);
        let mut body = Body {
            head: SmallVec::new(),
            images: SmallVec::new(),
            data: record.data,
            len: 0,
            images_carried: 0,
            crc: 0,
        };
        body.head.push(record.blocks.len() as u8);
        let mut last = None;
        for block in record.blocks {
            let image = match block.mode {
                BlockMode::Normal => full_page_writes && block.page.lsn().0 <= redo_lsn,
                BlockMode::Init => false,
                BlockMode::Image => true,
            };
            body.push_block(block, image, last == Some(block.file));
            last = Some(block.file);
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&body.head);
        let mut len = body.head.len();
        for part in body.images.iter().chain(body.data) {
            crc.update(part);
            len += part.len();
        }
        body.len = len;
        body.crc = crc.finalize();
        assert!(len + HEADER_BYTES <= MAX_BYTES, "a log record of {len} bytes");
        body
    }

    fn push_block(&mut self, block: &BlockRef<'a>, image: bool, same: bool) {
        let mut flags = block.fork as u8 | (block.mode as u8) << 2;
        flags |= if image { FLAG_IMAGE } else { 0 };
        flags |= if same { FLAG_SAME_RELATION } else { 0 };
        let spaced = !same && block.file.space.is_valid();
        flags |= if spaced { FLAG_SPACE } else { 0 };
        self.head.push(flags);
        if !same {
            self.head.extend_from_slice(&block.file.db.0.to_le_bytes());
            self.head.extend_from_slice(&block.file.node.0.to_le_bytes());
        }
        if spaced {
            self.head.extend_from_slice(&block.file.space.0.to_le_bytes());
        }
        self.head.extend_from_slice(&block.block.to_le_bytes());
        if image {
            let (start, len) = hole(block.page);
            self.head.extend_from_slice(&(start as u16).to_le_bytes());
            self.head.extend_from_slice(&(len as u16).to_le_bytes());
            let bytes = block.page.bytes();
            self.images.push(&bytes[..start]);
            self.images.push(&bytes[start + len..]);
            self.images_carried += 1;
        }
    }

    /// All slices in order.
    #[inline]
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.head[..]).chain(self.images.iter().copied()).chain(self.data.iter().copied())
    }
}

/// The unused middle of a standard page: its start and length.
fn hole(page: &Page) -> (usize, usize) {
    let (lower, upper) = (page.lower(), page.upper());
    if page.has_sane_header() && lower >= PAGE_HEADER && upper > lower && upper < PAGE_SIZE {
        (lower, upper - lower)
    } else {
        (PAGE_SIZE, 0)
    }
}

/// The 24 bytes before a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub len: u32,
    pub crc: u32,
    pub lsn: u64,
    pub incarnation: u32,
    pub xid: u64,
    pub rmgr: u8,
    pub info: u8,
}

impl Header {
    /// The bytes, with the CRC of body and header filled in.
    #[inline]
    pub fn encode(&self, body_crc: u32) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[0..4].copy_from_slice(&self.len.to_le_bytes());
        let place = (self.lsn >> 3 & LSN_MASK) | (self.incarnation as u64) << 40;
        b[8..16].copy_from_slice(&place.to_le_bytes());
        b[16..24].copy_from_slice(&(self.xid | (self.rmgr as u64) << 48 | (self.info as u64) << 56).to_le_bytes());
        let crc = header_crc(&b, body_crc);
        b[4..8].copy_from_slice(&crc.to_le_bytes());
        b
    }

    pub fn decode(b: &[u8; HEADER_BYTES]) -> Header {
        let word = |at: usize| u64::from_le_bytes(b[at..at + 8].try_into().expect("8 bytes"));
        let (lens, place, tail) = (word(0), word(8), word(16));
        Header {
            len: lens as u32,
            crc: (lens >> 32) as u32,
            lsn: (place & LSN_MASK) << 3,
            incarnation: (place >> 40) as u32,
            xid: tail & ((1 << 48) - 1),
            rmgr: (tail >> 48) as u8,
            info: (tail >> 56) as u8,
        }
    }

    /// Whether the header's place is this one (to 43 bits: 8 TB away is not "stale", but impossible).
    pub fn is_at(&self, lsn: u64) -> bool {
        self.lsn == lsn & (LSN_MASK << 3)
    }
}

const LSN_MASK: u64 = (1 << 40) - 1;

/// The CRC that a header and its body should carry.
#[inline]
pub(super) fn header_crc(b: &[u8; HEADER_BYTES], body_crc: u32) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(body_crc);
    let mut covered = [0u8; 20];
    covered[..4].copy_from_slice(&b[..4]);
    covered[4..].copy_from_slice(&b[8..]);
    crc.update(&covered);
    crc.finalize()
}

#[inline]
pub(super) fn aligned(n: u64) -> u64 {
    n.next_multiple_of(ALIGNMENT as u64)
}

/// A record as redo sees it; borrows the reader's buffer.
#[derive(Clone, Debug)]
pub struct RedoRecord<'a> {
    pub start: Lsn,
    /// What the pages it changes carry as LSN.
    pub end: Lsn,
    pub rmgr: Rmgr,
    pub info: u8,
    pub xid: Xid,
    pub data: &'a [u8],
    pub blocks: SmallVec<[RedoBlock<'a>; 2]>,
}

/// A block a record changed.
#[derive(Clone, Copy, Debug)]
pub struct RedoBlock<'a> {
    pub file: RelFileId,
    pub fork: Fork,
    pub block: BlockNo,
    pub mode: BlockMode,
    pub image: Option<Image<'a>>,
}

/// A page without its hole.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    hole_start: usize,
    hole_len: usize,
}

impl Image<'_> {
    /// Puts the page back; the caller stamps it with the record's end.
    pub fn restore(&self, page: &mut Page) {
        let to = page.bytes_mut();
        to[..self.hole_start].copy_from_slice(&self.bytes[..self.hole_start]);
        to[self.hole_start..self.hole_start + self.hole_len].fill(0);
        to[self.hole_start + self.hole_len..].copy_from_slice(&self.bytes[self.hole_start..]);
    }

    /// Bytes it takes in the log.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Takes bytes off the front of a slice; None at its end.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (now, later) = self.0.split_at_checked(n)?;
        self.0 = later;
        Some(now)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u16(&mut self) -> Option<usize> {
        self.take(2).map(|b| u16::from_le_bytes([b[0], b[1]]) as usize)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}

/// Splits a body whose CRC was right; None if it is malformed all the same.
pub(super) fn decode<'a>(start: u64, end: u64, header: &Header, body: &'a [u8]) -> Option<RedoRecord<'a>> {
    let mut cursor = Cursor(body);
    let count = cursor.u8()?;
    let mut blocks: SmallVec<[RedoBlock<'a>; 2]> = SmallVec::with_capacity(count as usize);
    for _ in 0..count {
        let file = blocks.last().map(|b| b.file);
        blocks.push(decode_block(&mut cursor, file)?);
    }
    for block in &mut blocks {
        if let Some(image) = &mut block.image {
            image.bytes = cursor.take(PAGE_SIZE.checked_sub(image.hole_len)?)?;
        }
    }
    Some(RedoRecord {
        start: Lsn(start),
        end: Lsn(end),
        rmgr: Rmgr::from_u8(header.rmgr)?,
        info: header.info,
        xid: Xid(header.xid),
        data: cursor.0,
        blocks,
    })
}

fn decode_block<'a>(cursor: &mut Cursor<'a>, last: Option<RelFileId>) -> Option<RedoBlock<'a>> {
    let flags = cursor.u8()?;
    let file = match flags & FLAG_SAME_RELATION {
        0 => {
            let (db, node) = (Oid(cursor.u32()?), Oid(cursor.u32()?));
            let space = if flags & FLAG_SPACE != 0 { Oid(cursor.u32()?) } else { Oid::INVALID };
            RelFileId { db, node, space }
        }
        _ => last?,
    };
    let mode = match flags >> 2 & 3 {
        0 => BlockMode::Normal,
        1 => BlockMode::Init,
        2 => BlockMode::Image,
        _ => return None,
    };
    let block = cursor.u32()?;
    let image = match flags & FLAG_IMAGE {
        0 => None,
        _ => {
            let (hole_start, hole_len) = (cursor.u16()?, cursor.u16()?);
            (hole_start + hole_len <= PAGE_SIZE).then_some(())?;
            Some(Image { bytes: &[], hole_start, hole_len })
        }
    };
    Some(RedoBlock { file, fork: Fork::from_u8(flags & 3)?, block, mode, image })
}
