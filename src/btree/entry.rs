//! An entry as it lies on a page, in one piece or in two.

use super::keys::KeyType;
use super::node;
use super::packed;
use crate::base::TupleId;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What an item is ordered by, in its stored form: on a dense leaf ([`super::dense`]) the beginning it shares with others,
/// and the rest, which has the row's address; else all of it is the rest.
#[derive(Clone, Copy)]
pub struct Entry<'p> {
    pub head: &'p [u8],
    pub tail: &'p [u8],
}

impl<'p> Entry<'p> {
    #[inline]
    pub fn whole(bytes: &'p [u8]) -> Entry<'p> {
        Entry { head: &[], tail: bytes }
    }

    /// The row's address, if it is a leaf's.
    #[inline]
    pub fn tid(self) -> TupleId {
        node::tid_behind(self.tail)
    }

    pub fn len(self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Whether another entry of the page has the same key, as it is stored.
    pub fn same_key(self, other: Entry<'_>) -> bool {
        node::split_entry(self.tail).0 == node::split_entry(other.tail).0
    }

    /// In one piece, as it is stored.
    pub fn stored(self) -> Cow<'p, [u8]> {
        match self.head {
            [] => Cow::Borrowed(self.tail),
            head => Cow::Owned([head, self.tail].concat()),
        }
    }

    /// In one piece, as it is compared.
    pub fn plain(self, keys: &[KeyType]) -> Cow<'p, [u8]> {
        match self.head {
            [] => packed::plain(keys, self.tail),
            head => Cow::Owned([head, self.tail].concat()),
        }
    }

    /// How it compares with a plain entry or separator, or the beginning of one.
    #[inline]
    pub fn compare(self, keys: &[KeyType], target: &[u8]) -> Ordering {
        if self.head.is_empty() {
            return packed::compare(keys, self.tail, target);
        }
        let (start, rest) = target.split_at(self.head.len().min(target.len()));
        self.head.cmp(start).then_with(|| self.tail.cmp(rest))
    }

    /// Whether its key is this one.
    #[inline]
    pub fn has_key(self, keys: &[KeyType], key: &[u8]) -> bool {
        match self.head {
            [] => node::split_entry(&packed::plain(keys, self.tail)).0 == key,
            head => key.strip_prefix(head) == Some(node::split_entry(self.tail).0),
        }
    }
}
