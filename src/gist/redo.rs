//! The log records of GiST and their replay.
//!
//! There is one kind of record: what becomes of each of its blocks. Data: for each block the number of operations u16,
//! then the operations, each a byte: 0 reset to an empty page with the header behind; 1 the header changes; 2 an item is
//! taken out, its number u16; 3 an item comes last, its length u16 and bytes.

use super::node::{HEADER_BYTES, Header, SPECIAL};
use crate::base::{BlockNo, Result};
use crate::err;
use crate::page::Page;
use crate::storage::{Action, RedoContext};
use crate::wal::RedoRecord;

pub const UPDATE: u8 = 0x00;

/// One thing that is done to a page.
#[derive(Clone, Debug)]
pub enum Op {
    Reset(Header),
    Header(Header),
    Remove(u16),
    Add(Vec<u8>),
}

/// All that is done to a page.
#[derive(Clone, Debug)]
pub struct Change {
    pub block: BlockNo,
    /// The block is not part of the tree yet.
    pub new: bool,
    pub ops: Vec<Op>,
}

/// Does it to the page. False if it does not fit, which only a damaged page brings about.
pub fn apply(page: &mut Page, ops: &[Op]) -> bool {
    ops.iter().all(|op| match op {
        Op::Reset(header) => {
            let lsn = page.lsn();
            page.init(SPECIAL);
            page.set_lsn(lsn);
            page.special_mut().copy_from_slice(&header.to_bytes());
            true
        }
        Op::Header(header) if page.special().len() == SPECIAL => {
            page.special_mut().copy_from_slice(&header.to_bytes());
            true
        }
        Op::Remove(n) if *n >= 1 && *n <= page.item_count() => {
            page.remove_item(*n);
            true
        }
        Op::Add(item) => {
            let end = page.item_count() + 1;
            page.insert_item(end, item)
        }
        _ => false,
    })
}

pub fn encode(changes: &[Change]) -> Vec<u8> {
    let mut out = Vec::new();
    for change in changes {
        out.extend_from_slice(&(change.ops.len() as u16).to_le_bytes());
        for op in &change.ops {
            match op {
                Op::Reset(h) => {
                    out.push(0);
                    out.extend_from_slice(&h.to_bytes());
                }
                Op::Header(h) => {
                    out.push(1);
                    out.extend_from_slice(&h.to_bytes());
                }
                Op::Remove(n) => {
                    out.push(2);
                    out.extend_from_slice(&n.to_le_bytes());
                }
                Op::Add(item) => {
                    out.push(3);
                    out.extend_from_slice(&(item.len() as u16).to_le_bytes());
                    out.extend_from_slice(item);
                }
            }
        }
    }
    out
}

/// Reads a record's data; ends early on damage.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    fn op(&mut self) -> Option<Op> {
        Some(match self.bytes(1)?[0] {
            0 => Op::Reset(Header::from_bytes(self.bytes(HEADER_BYTES)?)?),
            1 => Op::Header(Header::from_bytes(self.bytes(HEADER_BYTES)?)?),
            2 => Op::Remove(self.u16()?),
            3 => {
                let len = self.u16()?;
                Op::Add(self.bytes(len as usize)?.to_vec())
            }
            _ => return None,
        })
    }

    fn ops(&mut self) -> Option<Vec<Op>> {
        let count = self.u16()?;
        (0..count).map(|_| self.op()).collect()
    }
}

/// Redo of the resource manager `Gist`.
pub fn redo(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    if rec.info != UPDATE {
        return Err(err!(DATA_CORRUPTED, "unknown GiST record type {}", rec.info));
    }
    let mut reader = Reader(rec.data);
    for i in 0..rec.blocks.len() {
        let ops = reader.ops().ok_or_else(|| err!(DATA_CORRUPTED, "GiST record is too short"))?;
        if let Action::Apply(mut page) = cx.block(rec, i)? {
            if !apply(&mut page, &ops) {
                return Err(err!(DATA_CORRUPTED, "GiST record does not fit its page"));
            }
            page.mark_dirty();
            page.set_lsn(rec.end);
        }
    }
    Ok(())
}
