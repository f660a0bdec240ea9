//! Putting an entry in: down by the least penalty, then up again with wider keys and splits, all in one record.

use super::node::{self, Header};
use super::redo::{self, Change, Op};
use super::store::Tree;
use crate::base::{BlockNo, Flow, Result, TupleId, Xid};
use crate::btree::{IndexEntry, Inserter};
use crate::buffer::{self, RelFork};
use crate::page::{HEADER_SIZE, PAGE_SIZE, POINTER_SIZE, Page};
use crate::storage::Storage;
use crate::wal::{BlockMode, Need, Record, Rmgr};
use std::sync::Arc;

/// More levels than any tree has: a circle in a damaged index.
const MAX_LEVELS: usize = 100;
/// Bytes there are for items and their line pointers.
pub(super) const SPACE: usize = PAGE_SIZE - HEADER_SIZE - node::SPECIAL;

/// A page on the way down, as it is, and the item that leads on.
pub(super) struct Step {
    pub block: BlockNo,
    pub page: Page,
    pub header: Header,
    pub taken: u16,
}

/// What becomes of a page's items: one is put in another's place, others come behind.
#[derive(Default)]
pub(super) struct Edit {
    pub replace: Option<(u16, Vec<u8>)>,
    pub add: Vec<Vec<u8>>,
    /// The number of the split below that brought it.
    pub seen: Option<u64>,
}

/// Room in the log for a change.
pub(super) fn reserve(storage: &Storage, fork: &Arc<RelFork>, changes: &[Change], need: Need) -> Flow<()> {
    if !fork.is_logged() {
        return Ok(());
    }
    let data: usize = changes.iter().map(|c| 2 * PAGE_SIZE + c.ops.len() * 8).sum();
    storage.wal.reserve_for(Record::max_bytes(changes.len(), data), need)
}

/// Makes a change whose record has room: latches all its pages, changes them and logs that.
pub(super) fn log(storage: &Storage, fork: &Arc<RelFork>, xid: Xid, changes: &mut [Change]) -> Result<()> {
    let mut pages = Vec::with_capacity(changes.len());
    for c in changes.iter() {
        pages.push(match c.new {
            true => storage.pool.init(fork, c.block)?,
            false => storage.pool.write(fork, c.block)?,
        });
    }
    for op in changes.iter_mut().flat_map(|c| &mut c.ops) {
        // Read with the pages latched: whoever has read a link to the page has begun before.
        if let Op::Header(header) = op
            && header.is_deleted()
        {
            header.seen = storage.mvcc.next_xid().0;
        }
    }
    let data = if fork.is_logged() { redo::encode(changes) } else { Vec::new() };
    let _critical = buffer::critical::enter();
    for (page, change) in pages.iter_mut().zip(changes.iter()) {
        assert!(redo::apply(page, &change.ops), "a change fits the page it was made for");
    }
    let mode = |c: &Change| if c.new { BlockMode::Init } else { BlockMode::Normal };
    let mut changed: Vec<_> = pages.iter_mut().zip(changes.iter()).map(|(p, c)| (p, mode(c))).collect();
    storage.pool.log(Rmgr::Gist, redo::UPDATE, xid, &mut changed, &[&data]);
    Ok(())
}

impl Tree<'_> {
    /// Puts entries in.
    ///
    /// # Errors
    /// I/O; 40001 for a serializable transaction.
    pub fn insert(&self, storage: &Storage, by: Inserter<'_>, entries: &[IndexEntry]) -> Flow<()> {
        for e in entries {
            self.insert_one(storage, by, e.tid.unwrap_or(TupleId::INVALID), &e.key)?;
        }
        Ok(())
    }

    fn insert_one(&self, storage: &Storage, by: Inserter<'_>, tid: TupleId, keys: &[u8]) -> Flow<()> {
        let item = node::leaf_item(tid, keys);
        if item.len() + POINTER_SIZE > SPACE / 2 {
            let limit = format!("maximum {}", SPACE / 2 - POINTER_SIZE);
            return Err(self.store.too_long(item.len(), &limit, TupleId::INVALID).into());
        }
        let _alone = self.store.structure_mutex();
        let mut path = self.path_for(storage, keys)?;
        let mut changes = Vec::new();
        let mut edit = Edit { add: vec![item], ..Edit::default() };
        while let Some(step) = path.pop() {
            edit = self.change(storage, step, edit, path.last(), keys, &mut changes)?;
            if edit.replace.is_none() && edit.add.is_empty() {
                break;
            }
        }
        reserve(storage, &self.store.fork, &changes, Need::Rows)?;
        for c in changes.iter().filter(|c| !c.new) {
            self.store.tell_write(by, c.block)?;
        }
        log(storage, &self.store.fork, by.xid, &mut changes)?;
        Ok(())
    }

    /// The way to the leaf where the keys cost least.
    fn path_for(&self, storage: &Storage, keys: &[u8]) -> Result<Vec<Step>> {
        let mut path: Vec<Step> = Vec::new();
        let mut block = node::ROOT;
        for _ in 0..MAX_LEVELS {
            let page = storage.pool.read(&self.store.fork, block)?.clone();
            let header = self.header(&page)?;
            let above = path.last().map(|s| s.header.level);
            if header.is_deleted() || above.is_some_and(|l| l != header.level + 1) {
                return Err(self.damaged("leads to a page that is not below"));
            }
            if header.level == 0 {
                path.push(Step { block, page, header, taken: 0 });
                return Ok(path);
            }
            let taken = self.cheapest(&page, keys);
            if taken == 0 {
                return Err(self.damaged("has an empty inner page"));
            }
            let next = node::child(page.item(taken));
            path.push(Step { block, page, header, taken });
            block = next;
        }
        Err(self.damaged("has too many levels"))
    }

    /// The item whose keys would grow least; the first columns count most.
    fn cheapest(&self, page: &Page, keys: &[u8]) -> u16 {
        let new: Vec<Option<&[u8]>> = node::columns(keys).collect();
        let mut best: Vec<f64> = Vec::new();
        let mut found = 0;
        let mut cost = Vec::new();
        for n in 1..=page.item_count() {
            cost.clear();
            for ((column, old), new) in self.columns.iter().zip(node::columns(node::keys(page.item(n)))).zip(&new) {
                cost.push(match (old, new) {
                    (Some(old), Some(new)) => column.class.penalty(old, new),
                    (None, None) => 0.0,
                    // NULLs stay among NULLs.
                    _ => f64::MAX,
                });
                if found != 0 && cost.as_slice() > &best[..cost.len()] {
                    break;
                }
            }
            if found == 0 || cost.len() == best.len() && cost < best {
                found = n;
                std::mem::swap(&mut best, &mut cost);
                if best.iter().all(|c| *c == 0.0) {
                    break;
                }
            }
        }
        found
    }

    /// Changes one page of the way, splitting it if it must be; returns what that asks of its parent.
    fn change(
        &self,
        storage: &Storage,
        step: Step,
        edit: Edit,
        parent: Option<&Step>,
        keys: &[u8],
        changes: &mut Vec<Change>,
    ) -> Result<Edit> {
        let mut header = step.header;
        header.seen = edit.seen.unwrap_or(header.seen);
        let gone = edit.replace.as_ref().map(|(n, _)| *n);
        let used: usize = node::items(&step.page).map(|i| i.len() + POINTER_SIZE).sum();
        let freed = gone.map_or(0, |n| step.page.item(n).len() + POINTER_SIZE);
        let new: Vec<Vec<u8>> = edit.replace.into_iter().map(|r| r.1).chain(edit.add).collect();
        let more: usize = new.iter().map(|i| i.len() + POINTER_SIZE).sum();
        if used - freed + more <= SPACE {
            let mut ops: Vec<Op> = gone.map(Op::Remove).into_iter().collect();
            ops.extend(new.into_iter().map(Op::Add));
            if header != step.header {
                ops.push(Op::Header(header));
            }
            changes.push(Change { block: step.block, new: false, ops });
            let Some(parent) = parent else { return Ok(Edit::default()) };
            let old = parent.page.item(parent.taken);
            let wider = self.union(node::keys(old), keys);
            if wider == node::keys(old) {
                return Ok(Edit::default());
            }
            let replace = Some((parent.taken, node::inner_item(step.block, &wider)));
            return Ok(Edit { replace, ..Edit::default() });
        }
        let mut items: Vec<Vec<u8>> =
            (1..=step.page.item_count()).filter(|n| Some(*n) != gone).map(|n| step.page.item(n).to_vec()).collect();
        items.extend(new);
        let groups = self.split(items);
        match parent {
            Some(parent) => self.split_below(storage, &step, header, groups, parent, changes),
            None => self.split_root(storage, header, groups, changes),
        }
    }

    /// Blocks to fill: those that are out of use, and new ones.
    fn new_blocks(&self, storage: &Storage, count: usize) -> Result<Vec<BlockNo>> {
        let mut blocks = Vec::with_capacity(count);
        while blocks.len() < count {
            match self.store.free_block(storage, node::in_use)? {
                Some(block) => blocks.push(block),
                None => {
                    blocks.extend(storage.pool.extend(&self.store.fork, (count - blocks.len()) as u32)?);
                }
            }
        }
        Ok(blocks)
    }

    /// The first group stays, the others get new pages to the right.
    fn split_below(
        &self,
        storage: &Storage,
        step: &Step,
        header: Header,
        groups: Vec<Vec<Vec<u8>>>,
        parent: &Step,
        changes: &mut Vec<Change>,
    ) -> Result<Edit> {
        let number = parent.header.seen + 1;
        let fresh = self.new_blocks(storage, groups.len() - 1)?;
        let blocks: Vec<BlockNo> = std::iter::once(step.block).chain(fresh).collect();
        let mut edit = Edit { seen: Some(number), ..Edit::default() };
        let last = groups.len() - 1;
        for (n, group) in groups.into_iter().enumerate() {
            let keys = self.union_all(group.iter().map(Vec::as_slice));
            let own = Header {
                number: if n == last { header.number } else { number },
                right: if n == last { header.right } else { blocks[n + 1] },
                ..header
            };
            let above = node::inner_item(blocks[n], &keys);
            match n {
                0 => edit.replace = Some((parent.taken, above)),
                _ => {
                    self.store.page_moved(storage, step.block, blocks[n]);
                    edit.add.push(above);
                }
            }
            changes.push(filled(blocks[n], n > 0, own, group));
        }
        Ok(edit)
    }

    /// All groups get new pages; the root leads to them.
    fn split_root(
        &self,
        storage: &Storage,
        header: Header,
        groups: Vec<Vec<Vec<u8>>>,
        changes: &mut Vec<Change>,
    ) -> Result<Edit> {
        let fresh = self.new_blocks(storage, groups.len())?;
        let mut above = Vec::with_capacity(groups.len());
        for (block, group) in fresh.into_iter().zip(groups) {
            let keys = self.union_all(group.iter().map(Vec::as_slice));
            above.push(node::inner_item(block, &keys));
            self.store.page_moved(storage, node::ROOT, block);
            changes.push(filled(block, true, Header { number: 0, ..header }, group));
        }
        changes.push(filled(node::ROOT, false, Header { level: header.level + 1, ..header }, above));
        Ok(Edit::default())
    }
}

fn filled(block: BlockNo, new: bool, header: Header, items: Vec<Vec<u8>>) -> Change {
    let ops = std::iter::once(Op::Reset(header)).chain(items.into_iter().map(Op::Add)).collect();
    Change { block, new, ops }
}
