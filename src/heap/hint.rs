//! Remembering on the page what a reader found out: hint bits, and that all of it is visible to everybody.
//!
//! Losing a hint costs nothing, so nothing here waits or fails: whoever cannot get the latch lets it be.
//! Departs from PostgreSQL 15 in setting the page's all-visible flag here, too (without the map's bit): safe, because
//! every change of the page clears the flag, and the redo of the change does.

use super::store::TableStore;
use super::tuple::{Tuple, mask, put};
use super::visibility::Judge;
use crate::base::{BlockNo, Csn};
use crate::page::{ALL_VISIBLE, Page};
use crate::storage::Storage;
use crate::wal::Record;

/// Bits to set in a version's header, if it still reads `seen`.
#[derive(Clone, Copy, Debug)]
pub struct Hint {
    pub line: u16,
    pub seen: u16,
    pub bits: u16,
}

/// Sets hints; with `all_visible` also looks whether the page deserves its flag now.
#[cold]
pub fn apply(storage: &Storage, store: &TableStore, block: BlockNo, hints: &[Hint], all_visible: Option<Csn>) {
    if !storage.wal.is_started() || !storage.wal.has_room(Record::max_bytes(1, 0)) {
        return;
    }
    let Some(mut page) = storage.pool.try_write(&store.main, block) else { return };
    if !storage.pool.may_hint(&page) {
        return;
    }
    let mut changed = false;
    for hint in hints {
        if !page.pointer(hint.line).is_normal() {
            continue;
        }
        let item = page.item_mut(hint.line);
        // The version may have been changed or replaced since it was looked at.
        let now = Tuple(item).infomask();
        if now == hint.seen {
            put::infomask(item, now | hint.bits & mask::HINTS);
            changed = true;
        }
    }
    if let Some(horizon) = all_visible
        && deserves_flag(&mut Judge::new(storage), &page, horizon)
    {
        page.set_flag(ALL_VISIBLE);
        changed = true;
    }
    if changed {
        storage.pool.mark_hint(&mut page);
    }
}

/// Whether every line pointer is unused or leads to a version that everybody sees.
pub fn deserves_flag(judge: &mut Judge<'_>, page: &Page, horizon: Csn) -> bool {
    use crate::page::State;
    (1..=page.item_count()).all(|n| match page.pointer(n).state() {
        State::Unused | State::Redirect => true,
        State::Normal => {
            let t = Tuple(page.item(n));
            judge.visible_to_all(t.infomask(), t.xmin(), horizon)
        }
        State::Dead => false,
    })
}
