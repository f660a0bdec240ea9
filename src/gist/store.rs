//! An open tree: its blocks and what its columns' classes can do.

use super::class::{Class, Family};
use super::node::{self, Header};
use super::redo::{Change, Op};
use crate::base::{Result, Xid};
use crate::btree::IndexStore;
use crate::buffer::RelFork;
use crate::err;
use crate::page::Page;
use crate::storage::Storage;
use crate::types::{Datum, TypeRef};
use crate::wal::Need;
use std::sync::Arc;

/// A key column: the operators it answers, and the code behind them.
#[derive(Clone, Debug)]
pub struct Column {
    pub family: Arc<Family>,
    pub class: Arc<dyn Class>,
}

/// A tree and how to read it. The handle on its blocks is the one all indexes have.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    pub store: &'a Arc<IndexStore>,
    pub columns: &'a [Column],
}

/// Makes the empty tree in a fork whose file was just created: a root that is a leaf.
pub fn create_empty(storage: &Storage, fork: &Arc<RelFork>, xid: Xid) -> Result<()> {
    let range = storage.pool.extend(fork, 1)?;
    debug_assert_eq!(range, 0..1);
    let mut change = [Change { block: node::ROOT, new: true, ops: vec![Op::Reset(Header::leaf())] }];
    super::insert::reserve(storage, fork, &change, Need::Catalog).map_err(|s| s.into_error())?;
    super::insert::log(storage, fork, xid, &mut change)
}

impl Column {
    /// The column of a type, by a family, in an index of `columns` ones.
    pub fn new(family: Arc<Family>, ty: TypeRef, columns: usize) -> Column {
        let class = family.code.class(ty, super::class::ROOM / columns.max(1));
        Column { family, class }
    }
}

/// The keys of a row with these values.
pub fn keys_of<'a>(columns: &[Column], values: impl Iterator<Item = Datum<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    for (column, value) in columns.iter().zip(values) {
        match value {
            Datum::Null => node::push_key(&mut out, None),
            value => node::push_key(&mut out, Some(&column.class.compress(value))),
        }
    }
    out
}

impl Tree<'_> {
    pub(super) fn header(&self, page: &Page) -> Result<Header> {
        Header::of(page).ok_or_else(|| self.damaged("has a damaged page"))
    }

    pub(super) fn damaged(&self, what: &str) -> crate::base::Error {
        err!(INDEX_CORRUPTED, "index file \"{}\" {what}", self.store.fork.path()).hint("Please REINDEX it.")
    }

    /// The keys that cover both, column by column; NULLs say nothing.
    pub(super) fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(a.len().max(b.len()));
        for ((column, a), b) in self.columns.iter().zip(node::columns(a)).zip(node::columns(b)) {
            match (a, b) {
                (Some(a), Some(b)) if a == b => node::push_key(&mut out, Some(a)),
                (Some(a), Some(b)) => node::push_key(&mut out, Some(&column.class.union(a, b))),
                (a, b) => node::push_key(&mut out, a.or(b)),
            }
        }
        out
    }

    /// The keys that cover all of these items.
    pub(super) fn union_all<'i>(&self, mut items: impl Iterator<Item = &'i [u8]>) -> Vec<u8> {
        let first = items.next().map(|i| node::keys(i).to_vec()).unwrap_or_default();
        items.fold(first, |sum, i| self.union(&sum, node::keys(i)))
    }
}
