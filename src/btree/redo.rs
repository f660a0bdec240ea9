//! The B-tree's log records and their replay.
//!
//! | info | blocks | data |
//! |---|---|---|
//! | INSERT | leaf | items placed: count u16, then position u16, length u16, bytes |
//! | INSERT_UPPER | parent, child (its split is complete) | as INSERT |
//! | SPLIT | left, right (a whole page), next | at u16, right u32, separator |
//! | NEW_ROOT | root (built), meta (built), left child | left, right, level, root u32, separator |
//! | DELETE | leaf | positions u16 |
//! | UNLINK | from the leaf up left, gone, right; the parent of the last | position in the parent u16, stamp u64, high key |
//! | IMAGES | any | none: whole pages |

use super::node;
use super::split::cut_left;
use super::store::init_meta;
use crate::base::{BlockNo, Result, Xid};
use crate::err;
use crate::page::Page;
use crate::storage::{Action, RedoContext};
use crate::wal::RedoRecord;

pub const INSERT: u8 = 0x00;
pub const INSERT_UPPER: u8 = 0x10;
pub const SPLIT: u8 = 0x20;
pub const NEW_ROOT: u8 = 0x30;
pub const DELETE: u8 = 0x40;
pub const IMAGES: u8 = 0x60;
pub const UNLINK: u8 = 0x70;

/// What each item takes in a record beside its own bytes.
pub const PLACED_BYTES: usize = 4;

/// An item and where it was put.
pub struct PlacedItem {
    pub at: u16,
    pub item: Vec<u8>,
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
    out.extend_from_slice(bytes);
}

pub fn encode_items(items: &[PlacedItem]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + items.iter().map(|i| i.item.len() + PLACED_BYTES).sum::<usize>());
    out.extend_from_slice(&(items.len() as u16).to_le_bytes());
    for i in items {
        out.extend_from_slice(&i.at.to_le_bytes());
        put_bytes(&mut out, &i.item);
    }
    out
}

pub fn encode_split(at: u16, right: BlockNo, separator: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&right.to_le_bytes());
    put_bytes(&mut out, separator);
    out
}

pub fn encode_root(left: BlockNo, right: BlockNo, separator: &[u8], level: u32, root: BlockNo) -> Vec<u8> {
    let mut out = Vec::new();
    for n in [left, right, level, root] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    put_bytes(&mut out, separator);
    out
}

pub fn encode_positions(positions: &[u16]) -> Vec<u8> {
    positions.iter().flat_map(|p| p.to_le_bytes()).collect()
}

pub fn encode_unlink(position: u16, stamp: Xid, high: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&position.to_le_bytes());
    out.extend_from_slice(&stamp.0.to_le_bytes());
    put_bytes(&mut out, high);
    out
}

/// A root over two children.
pub fn build_root(page: &mut Page, left: BlockNo, right: BlockNo, separator: &[u8], level: u32) {
    node::init(page, level, node::NO_BLOCK, node::NO_BLOCK);
    let fits =
        page.insert_item(1, &node::inner_item(left, &[])) && page.insert_item(2, &node::inner_item(right, separator));
    assert!(fits, "two separators fit on an empty page");
}

/// Takes a page out from between its neighbours: what happens to the left one.
pub fn unlink_left(page: &mut Page, right: BlockNo, high: &[u8]) -> bool {
    if !node::set_high(page, high) {
        return false;
    }
    node::set_right(page, right);
    true
}

/// Whether [`unlink_left`] has the room it needs.
pub fn may_unlink(page: &Page, high: &[u8]) -> bool {
    node::right(page) != node::NO_BLOCK && node::may_set_high(page, high)
}

/// Reads a record's data; ends early on damage.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn u16(&mut self) -> Result<u16> {
        self.bytes(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from(self.u32()?) | u64::from(self.u32()?) << 32)
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) =
            self.0.split_at_checked(n).ok_or_else(|| err!(DATA_CORRUPTED, "B-tree record is too short"))?;
        self.0 = tail;
        Ok(head)
    }

    fn counted(&mut self) -> Result<&'a [u8]> {
        let n = self.u16()?;
        self.bytes(n as usize)
    }
}

fn place(page: &mut Page, data: &[u8]) -> Result<()> {
    let mut r = Reader(data);
    for _ in 0..r.u16()? {
        let (at, item) = (r.u16()?, r.counted()?);
        if at < node::first(page) || at > node::last(page) + 1 || !node::insert(page, at, item) {
            return Err(err!(DATA_CORRUPTED, "B-tree record does not fit its page"));
        }
    }
    Ok(())
}

/// Changes block `i` of the record unless it carries the change already.
fn apply(
    cx: &mut RedoContext<'_>,
    rec: &RedoRecord<'_>,
    i: usize,
    change: impl FnOnce(&mut Page) -> Result<()>,
) -> Result<()> {
    if let Action::Apply(mut page) = cx.block(rec, i)? {
        change(&mut page)?;
        page.mark_dirty();
        page.set_lsn(rec.end);
    }
    Ok(())
}

/// Redo of the resource manager `Btree`.
pub fn redo(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    match rec.info {
        INSERT => apply(cx, rec, 0, |p| place(p, rec.data)),
        INSERT_UPPER => {
            apply(cx, rec, 0, |p| place(p, rec.data))?;
            apply(cx, rec, 1, |p| {
                node::clear_flag(p, node::INCOMPLETE_SPLIT);
                Ok(())
            })
        }
        SPLIT => redo_split(cx, rec),
        NEW_ROOT => {
            let mut r = Reader(rec.data);
            let (left, right, level, root) = (r.u32()?, r.u32()?, r.u32()?, r.u32()?);
            let separator = r.counted()?;
            apply(cx, rec, 0, |p| {
                build_root(p, left, right, separator, level);
                Ok(())
            })?;
            apply(cx, rec, 1, |p| {
                init_meta(p, root, level);
                Ok(())
            })?;
            apply(cx, rec, 2, |p| {
                node::clear_flag(p, node::INCOMPLETE_SPLIT);
                Ok(())
            })
        }
        DELETE => apply(cx, rec, 0, |p| {
            let gone: Vec<u16> = rec.data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
            if !gone.is_sorted_by(|a, b| a < b) || gone.iter().any(|n| !(node::first(p)..=node::last(p)).contains(n)) {
                return Err(err!(DATA_CORRUPTED, "B-tree record does not fit its page"));
            }
            node::remove(p, &gone);
            Ok(())
        }),
        UNLINK => redo_unlink(cx, rec),
        IMAGES => (0..rec.blocks.len()).try_for_each(|i| cx.block(rec, i).map(drop)),
        other => Err(err!(DATA_CORRUPTED, "unknown B-tree record type {other}")),
    }
}

fn redo_split(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    let mut r = Reader(rec.data);
    let at = r.u16()?;
    let right = r.u32()?;
    let separator = r.counted()?;
    apply(cx, rec, 0, |p| {
        if at <= node::first(p) || at > node::last(p) {
            return Err(err!(DATA_CORRUPTED, "B-tree record does not fit its page"));
        }
        cut_left(p, right, at, separator);
        Ok(())
    })?;
    cx.block(rec, 1)?;
    if rec.blocks.len() > 2 {
        apply(cx, rec, 2, |p| {
            node::set_left(p, right);
            Ok(())
        })?;
    }
    Ok(())
}

fn redo_unlink(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    let mut r = Reader(rec.data);
    let (position, stamp) = (r.u16()?, Xid(r.u64()?));
    let high = r.counted()?;
    let misfit = || err!(DATA_CORRUPTED, "B-tree record does not fit its page");
    let levels = rec.blocks.len() / 3;
    for n in 0..levels {
        let (left, right) = (rec.blocks[n * 3].block, rec.blocks[n * 3 + 2].block);
        apply(cx, rec, n * 3, |p| if unlink_left(p, right, high) { Ok(()) } else { Err(misfit()) })?;
        apply(cx, rec, n * 3 + 1, |p| {
            node::delete(p, stamp);
            Ok(())
        })?;
        apply(cx, rec, n * 3 + 2, |p| {
            node::set_left(p, left);
            Ok(())
        })?;
    }
    if rec.blocks.len() != levels * 3 + 1 {
        return Err(misfit());
    }
    apply(cx, rec, levels * 3, |p| {
        if position == 0 || position > p.item_count() {
            return Err(misfit());
        }
        p.remove_item(position);
        Ok(())
    })
}
