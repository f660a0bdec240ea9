//! Keys of whole batches: for ordering (memcmp), for grouping and for joining.

use crate::base::Result;
use crate::types::{Column, ColumnData, Datum, Phys, TypeRef, key};
use std::hash::BuildHasher;

/// One column of an ordering key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyColumn {
    pub ty: TypeRef,
    pub desc: bool,
    pub nulls_first: bool,
}

impl KeyColumn {
    pub fn ascending(ty: TypeRef) -> KeyColumn {
        KeyColumn { ty, desc: false, nulls_first: false }
    }
}

/// Row keys one after the other in an arena.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyArena {
    pub bytes: Vec<u8>,
    /// Where each key ends.
    pub ends: Vec<usize>,
}

impl KeyArena {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    pub fn memory(&self) -> usize {
        self.bytes.len() + self.ends.len() * 8
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Takes the last key back.
    pub fn pop(&mut self) {
        self.ends.pop();
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Appends the keys of `rows` rows: each column's NULL marker and value, in order.
    pub fn append_rows(&mut self, columns: &[&Column], spec: &[KeyColumn], rows: usize) {
        self.ends.reserve(rows);
        for row in 0..rows {
            for (c, k) in columns.iter().zip(spec) {
                append_value(c, row, *k, &mut self.bytes);
            }
            self.ends.push(self.bytes.len());
        }
    }
}

/// Appends one value's part of a key: a NULL marker byte, then the value, inverted for DESC.
#[inline]
fn append_value(column: &Column, row: usize, spec: KeyColumn, out: &mut Vec<u8>) {
    if column.is_null(row) {
        out.push(if spec.nulls_first { 0 } else { 2 });
        return;
    }
    out.push(1);
    let start = out.len();
    match &column.data {
        ColumnData::I32(v) => out.extend_from_slice(&((v[row] as u32) ^ (1 << 31)).to_be_bytes()),
        ColumnData::I64(v) if !unsigned(spec.ty) => {
            out.extend_from_slice(&((v[row] as u64) ^ (1 << 63)).to_be_bytes());
        }
        _ => key::encode(spec.ty, column.get(row), out),
    }
    if spec.desc {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
}

/// Types kept as u64 bits in an i64.
fn unsigned(ty: TypeRef) -> bool {
    use crate::types::oid::{PG_LSN, XID8};
    matches!(ty.oid, PG_LSN | XID8)
}

/// A key of one datum, for tests of equality (DISTINCT, hashed sub-plans).
pub(crate) fn encode_one(ty: TypeRef, value: Datum<'_>, out: &mut Vec<u8>) {
    if value.is_null() {
        out.push(2);
    } else {
        out.push(1);
        key::encode(ty, value, out);
    }
}

/// Keys to be compared for equality: integers as such where one column of them is all there is.
#[derive(Debug)]
pub(crate) enum EqualKeys {
    Int { values: Vec<i64>, nulls: Option<Vec<bool>> },
    Bytes { keys: KeyArena, nulls: Vec<bool> },
}

/// What the values of a key column are compared as: both sides of a join must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyForm {
    Int,
    Float,
    Own,
}

fn form_of(phys: Phys) -> KeyForm {
    match phys {
        Phys::Bool | Phys::I16 | Phys::I32 | Phys::U32 | Phys::I64 => KeyForm::Int,
        Phys::F32 | Phys::F64 => KeyForm::Float,
        Phys::Bytes => KeyForm::Own,
    }
}

/// The forms of a list of key columns.
pub(crate) fn forms(types: &[TypeRef]) -> Vec<KeyForm> {
    types.iter().map(|t| form_of(super::output::phys_of(*t))).collect()
}

#[inline]
fn int_at(column: &Column, row: usize) -> i64 {
    match &column.data {
        ColumnData::Bool(v) => v[row].into(),
        ColumnData::I16(v) => v[row].into(),
        ColumnData::I32(v) => v[row].into(),
        ColumnData::U32(v) => v[row].into(),
        ColumnData::I64(v) => v[row],
        _ => 0,
    }
}

fn float_at(column: &Column, row: usize) -> f64 {
    match &column.data {
        ColumnData::F32(v) => v[row].into(),
        ColumnData::F64(v) => v[row],
        _ => 0.0,
    }
}

impl EqualKeys {
    /// No keys yet, of the shape [`extend`](Self::extend) fills for these forms.
    pub fn new(forms: &[KeyForm]) -> EqualKeys {
        match forms {
            [KeyForm::Int] => EqualKeys::Int { values: Vec::new(), nulls: None },
            _ => EqualKeys::Bytes { keys: KeyArena::default(), nulls: Vec::new() },
        }
    }

    pub fn len(&self) -> usize {
        match self {
            EqualKeys::Int { values, .. } => values.len(),
            EqualKeys::Bytes { keys, .. } => keys.len(),
        }
    }

    pub fn memory(&self) -> usize {
        match self {
            EqualKeys::Int { values, nulls } => values.len() * 8 + nulls.as_ref().map_or(0, Vec::len),
            EqualKeys::Bytes { keys, nulls } => keys.memory() + nulls.len(),
        }
    }

    pub fn clear(&mut self) {
        match self {
            EqualKeys::Int { values, nulls } => {
                values.clear();
                *nulls = None;
            }
            EqualKeys::Bytes { keys, nulls } => {
                keys.clear();
                nulls.clear();
            }
        }
    }

    /// Appends the keys of a batch.
    pub fn extend(&mut self, columns: &[&Column], types: &[TypeRef], rows: usize) -> Result<()> {
        match self {
            EqualKeys::Int { values, nulls } => {
                let before = values.len();
                let column = columns[0];
                match &column.data {
                    ColumnData::I32(v) => values.extend(v.iter().map(|x| i64::from(*x))),
                    ColumnData::I64(v) => values.extend_from_slice(v),
                    _ => values.extend((0..rows).map(|r| int_at(column, r))),
                }
                match (nulls.as_mut(), &column.nulls) {
                    (None, None) => {}
                    (Some(n), None) => n.resize(before + rows, false),
                    (Some(n), Some(m)) => n.extend_from_slice(m),
                    (None, Some(m)) => {
                        let mut n = vec![false; before];
                        n.extend_from_slice(m);
                        *nulls = Some(n);
                    }
                }
            }
            EqualKeys::Bytes { keys, nulls } => {
                for row in 0..rows {
                    let mut null = false;
                    for (c, t) in columns.iter().zip(types) {
                        null |= c.is_null(row);
                        append_equal(c, row, *t, &mut keys.bytes);
                    }
                    keys.ends.push(keys.bytes.len());
                    nulls.push(null);
                }
            }
        }
        Ok(())
    }

    /// True if any column of the key is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            EqualKeys::Int { nulls, .. } => nulls.as_ref().is_some_and(|n| n[row]),
            EqualKeys::Bytes { nulls, .. } => nulls[row],
        }
    }

    #[inline]
    pub fn hash(&self, row: usize) -> u64 {
        match self {
            EqualKeys::Int { values, .. } => hash_int(values[row]),
            EqualKeys::Bytes { keys, .. } => hash_bytes(keys.get(row)),
        }
    }

    /// Equality with a key of another list of the same shape; NULLs of [`Bytes`](Self::Bytes) keys count as equal.
    #[inline]
    pub fn equals(&self, row: usize, other: &EqualKeys, other_row: usize) -> bool {
        match (self, other) {
            (EqualKeys::Int { values: a, .. }, EqualKeys::Int { values: b, .. }) => a[row] == b[other_row],
            (EqualKeys::Bytes { keys: a, .. }, EqualKeys::Bytes { keys: b, .. }) => a.get(row) == b.get(other_row),
            _ => false,
        }
    }

    /// Appends a key of another list of the same shape.
    pub fn push_from(&mut self, other: &EqualKeys, row: usize) {
        match (self, other) {
            (EqualKeys::Int { values, nulls }, EqualKeys::Int { values: v, .. }) => {
                let null = other.is_null(row);
                if null || nulls.is_some() {
                    nulls.get_or_insert_with(|| vec![false; values.len()]).push(null);
                }
                values.push(v[row]);
            }
            (EqualKeys::Bytes { keys, nulls }, EqualKeys::Bytes { keys: k, nulls: n }) => {
                keys.push(k.get(row));
                nulls.push(n[row]);
            }
            _ => {}
        }
    }
}

/// Integers and floats of different widths get the same key bytes, since `int4 = int8` may be a join's condition.
fn append_equal(column: &Column, row: usize, ty: TypeRef, out: &mut Vec<u8>) {
    if column.is_null(row) {
        return out.push(2);
    }
    out.push(1);
    match form_of(column.phys()) {
        KeyForm::Int => out.extend_from_slice(&int_at(column, row).to_le_bytes()),
        KeyForm::Float => {
            let v = float_at(column, row);
            let canonical = if v == 0.0 { 0.0 } else { v };
            let bits = if v.is_nan() { f64::NAN.to_bits() } else { canonical.to_bits() };
            out.extend_from_slice(&bits.to_le_bytes());
        }
        KeyForm::Own => key::encode(ty, column.get(row), out),
    }
}

#[inline]
pub(crate) fn hash_int(v: i64) -> u64 {
    let x = (v as u64 ^ 0x9E37_79B9_7F4A_7C15) as u128 * 0xD6E8_FEB8_6659_FD93_u128;
    (x >> 64) as u64 ^ x as u64
}

#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    static HASHER: std::sync::LazyLock<hashbrown::DefaultHashBuilder> = std::sync::LazyLock::new(Default::default);
    HASHER.hash_one(bytes)
}
