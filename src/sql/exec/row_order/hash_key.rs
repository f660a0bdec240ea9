//! The hash of a row's key, as PostgreSQL's executor makes it of the values' hashes.

use crate::sql::func::hash::extended_hash;
use crate::types::{Column, TypeRef};

/// The key's hash for hash joins (PostgreSQL 15, nodeHash.c, ExecHashGetHashValue); None: a value has no hash, or one
/// that is not PostgreSQL's. NULLs count as nothing.
pub(crate) fn hash_key(columns: &[&Column], types: &[TypeRef], row: usize) -> Option<u32> {
    columns.iter().zip(types).try_fold(0_u32, |hash, (column, ty)| {
        let hash = hash.rotate_left(1);
        if column.is_null(row) {
            return Some(hash);
        }
        if !ty.collation.is_deterministic() {
            return None;
        }
        Some(hash ^ extended_hash(ty.oid, column.get(row), 0).ok()? as u32)
    })
}

/// The key's hash for tables of groups (execGrouping.c, TupleHashTableHash_internal).
pub(crate) fn hash_group(columns: &[&Column], types: &[TypeRef], row: usize) -> Option<u32> {
    hash_key(columns, types, row).map(spread)
}

/// MurmurHash3's finish (common/hashfn.h, murmurhash32).
fn spread(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
