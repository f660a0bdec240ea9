//! Looking for damage: what a page says must fit together. Reads only.
//!
//! PostgreSQL 15, amcheck's verify_heapam: the same kind of checks.

use super::decode::{self, Stored};
use super::encode::EXTERNAL_BYTES;
use super::fsm;
use super::store::TableStore;
use super::toast::{self, Reference};
use super::tuple::{HEADER_BYTES, MAX_ITEMS, Tuple, mask};
use super::visibility::{Fate, Judge};
use super::vm;
use crate::base::{BlockNo, Result, TupleId};
use crate::page::{ALL_VISIBLE, Page, State};
use crate::storage::Storage;
use crate::types::Phys;

/// One fault found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub tid: TupleId,
    pub what: String,
}

/// Checks every page; unreadable pages are told, not returned as errors.
pub fn verify(storage: &Storage, store: &TableStore) -> Result<Vec<Damage>> {
    let mut found = Vec::new();
    for block in 0..store.nblocks(storage)? {
        found.extend(verify_block(storage, store, block)?);
    }
    Ok(found)
}

/// Checks one page; that it cannot be read is told, too.
pub fn verify_block(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<Vec<Damage>> {
    let mut found = Vec::new();
    match storage.pool.read(&store.main, block) {
        Ok(page) => {
            let page = Box::new(page.clone());
            if !page.is_new() {
                verify_page(storage, store, block, &page, &mut found)?;
            }
        }
        Err(e) => found.push(Damage { tid: TupleId::new(block, 0), what: e.message().to_string() }),
    }
    Ok(found)
}

fn verify_page(
    storage: &Storage,
    store: &TableStore,
    block: BlockNo,
    page: &Page,
    found: &mut Vec<Damage>,
) -> Result<()> {
    let mut tell = |line: u16, what: String| found.push(Damage { tid: TupleId::new(block, line), what });
    if page.item_count() > MAX_ITEMS {
        tell(0, format!("{} line pointers", page.item_count()));
    }
    if vm::all_visible(storage, store, block)? && !page.has_flag(ALL_VISIBLE) {
        tell(0, "all visible in the map, but not on the page".to_string());
    }
    let mut spans = Vec::new();
    for line in 1..=page.item_count() {
        let p = page.pointer(line);
        match p.state() {
            State::Unused | State::Dead => {}
            State::Redirect => {
                let target = page.pointer(p.target());
                if !target.is_normal() {
                    tell(line, format!("redirected to {}, which is {:?}", p.target(), target.state()));
                } else if !Tuple(page.item(p.target())).is_heap_only() {
                    tell(line, format!("redirected to {}, which is not heap-only", p.target()));
                }
            }
            State::Normal => {
                if p.offset() < page.upper() || p.offset() + p.len() > page.special_start() || p.len() < HEADER_BYTES {
                    tell(line, format!("item at {} of {} bytes lies outside", p.offset(), p.len()));
                    continue;
                }
                spans.push((p.offset(), p.len(), line));
                if let Some(what) = verify_version(storage, store, block, line, page)? {
                    tell(line, what);
                }
            }
        }
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if pair[0].0 + pair[0].1 > pair[1].0 {
            tell(pair[1].2, format!("overlaps item {}", pair[0].2));
        }
    }
    if fsm::known(storage, &store.fsm, block)? > crate::page::PAGE_SIZE {
        tell(0, "more room known than a page has".to_string());
    }
    Ok(())
}

fn verify_version(
    storage: &Storage,
    store: &TableStore,
    block: BlockNo,
    line: u16,
    page: &Page,
) -> Result<Option<String>> {
    let bytes = page.item(line);
    let t = Tuple(bytes);
    let next = storage.mvcc.next_xid();
    if t.hoff() < HEADER_BYTES || t.hoff() > bytes.len() {
        return Ok(Some(format!("values start at {} of {} bytes", t.hoff(), bytes.len())));
    }
    if !t.xmin().is_valid() || t.xmin() >= next {
        return Ok(Some(format!("xmin {} is not below {next}", t.xmin())));
    }
    if !t.has(mask::XMAX_INVALID) && (!t.xmax().is_valid() || t.xmax() >= next) {
        return Ok(Some(format!("xmax {} is not below {next}", t.xmax())));
    }
    // Hints may have been lost in a crash: asked of the transactions themselves.
    if page.has_flag(ALL_VISIBLE) && Judge::new(storage).fate(t, storage.mvcc.newest_csn(), &mut 0) != Fate::Live {
        return Ok(Some("not visible to everybody on an all-visible page".to_string()));
    }
    if t.is_hot_updated() && t.ctid().block != block {
        return Ok(Some(format!("HOT successor {} on another page", t.ctid())));
    }
    verify_values(storage, store, bytes)
}

fn verify_values(storage: &Storage, store: &TableStore, bytes: &[u8]) -> Result<Option<String>> {
    let t = Tuple(bytes);
    // Walked by hand: a length that leads outside must be told, not followed.
    let mut at = t.hoff();
    for (c, attr) in store.desc().attrs.iter().enumerate().take(t.natts()) {
        if t.is_null(c) {
            continue;
        }
        let end = match attr.phys {
            Phys::Bytes if at + 4 > bytes.len() && at >= bytes.len() => bytes.len() + 1,
            Phys::Bytes => value_end(bytes, at),
            phys => at + phys.width().unwrap_or(0),
        };
        if end > bytes.len() {
            return Ok(Some(format!("attribute {} ends at {end} of {} bytes", c + 1, bytes.len())));
        }
        at = end;
    }
    if let Some(toast) = store.toast() {
        let mut scratch = Vec::new();
        for stored in decode::values(store.desc(), bytes).flatten() {
            if let Stored::External { start } = stored {
                let reference = Reference::decode(&bytes[start..start + EXTERNAL_BYTES]);
                scratch.clear();
                if t.has(mask::XMAX_INVALID)
                    && let Err(e) = toast::fetch(storage, toast, reference, &mut scratch)
                {
                    return Ok(Some(e.message().to_string()));
                }
            }
        }
    }
    Ok(None)
}

/// Where a value of variable length ends, read without trust.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let first = bytes[at];
    if first == super::encode::EXTERNAL {
        return at + EXTERNAL_BYTES;
    }
    if first & 1 == 1 {
        return at + (first >> 1) as usize;
    }
    match bytes.get(at..at + 4) {
        Some(b) => at + 4 + (u32::from_le_bytes([b[0], b[1], b[2], b[3]]) >> 2) as usize,
        None => bytes.len() + 1,
    }
}
