//! Long values that an UPDATE leaves as they are: the new version refers to the chunks of the old one, and what is
//! compressed is not compressed again (PostgreSQL 15, toast_helper.c, toast_tuple_init: same, but since rows come
//! unpacked, it is their bytes that are compared).

use super::decode::{Stored, values};
use super::encode::EXTERNAL_BYTES;
use super::fetch;
use super::insert::WriteContext;
use super::shrink::Replaced;
use super::store::TableStore;
use super::toast::{self, Reference};
use crate::base::{Result, TupleId};
use crate::types::{Batch, Datum};

/// What the batch's row can keep of the version at `tid`, which the caller has locked; empty if that is nothing.
pub(super) fn unchanged(
    cx: &WriteContext<'_>,
    store: &TableStore,
    tid: TupleId,
    batch: &Batch,
    row: usize,
) -> Result<Vec<Option<Replaced>>> {
    let old = {
        let Some(page) = fetch::page(cx.storage, store, tid)? else { return Ok(Vec::new()) };
        page.item(tid.offset).to_vec()
    };
    let mut kept = Vec::new();
    let mut raw = Vec::new();
    for (c, stored) in values(store.desc(), &old).enumerate() {
        let (bytes, external, length) = match stored {
            Some(Stored::External { start }) => {
                let bytes = &old[start..start + EXTERNAL_BYTES];
                (bytes, true, Reference::decode(bytes).raw_bytes as usize)
            }
            Some(Stored::Compressed { start, len }) => {
                let Some((_, length)) = toast::method(&old[start..start + len]) else { continue };
                (&old[start - 4..start + len], false, length)
            }
            _ => continue,
        };
        let Datum::Bytes(new) = batch.columns[c].get(row) else { continue };
        if new.len() != length {
            continue;
        }
        raw.clear();
        match (external, store.toast()) {
            (true, Some(toast)) => toast::fetch(cx.storage, toast, Reference::decode(bytes), &mut raw)?,
            (true, None) => continue,
            (false, _) => toast::inflate(&bytes[4..], &mut raw)?,
        }
        if raw == new {
            kept.resize(store.desc().len(), None);
            kept[c] = Some(Replaced { bytes: bytes.to_vec(), external });
        }
    }
    Ok(kept)
}
