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

    /// Appends ascending keys in which integers, and floats, of different widths have one form: both sides of a merge
    /// join get comparable keys.
    pub fn append_joined(&mut self, columns: &[&Column], types: &[TypeRef], rows: usize) {
        for row in 0..rows {
            for (c, t) in columns.iter().zip(types) {
                match (c.is_null(row), form_of(c.phys())) {
                    (true, _) => self.bytes.push(2),
                    (_, KeyForm::Int) => {
                        self.bytes.push(1);
                        self.bytes.extend_from_slice(&((int_at(c, row) as u64) ^ (1 << 63)).to_be_bytes());
                    }
                    (_, KeyForm::Float) => {
                        self.bytes.push(1);
                        let float8 = TypeRef::of(crate::types::oid::FLOAT8);
                        key::encode(float8, Datum::F64(float_at(c, row)), &mut self.bytes);
                    }
                    (_, KeyForm::Own) => {
                        self.bytes.push(1);
                        key::encode(t.plain(), c.get(row), &mut self.bytes);
                    }
                }
            }
            self.ends.push(self.bytes.len());
        }
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

    /// Equality that takes NULL for equal to NULL: grouping, DISTINCT.
    #[inline]
    pub fn same(&self, row: usize, other: &EqualKeys, other_row: usize) -> bool {
        match (self, other) {
            (EqualKeys::Int { values: a, nulls: None }, EqualKeys::Int { values: b, nulls: None }) => {
                a[row] == b[other_row]
            }
            (EqualKeys::Int { .. }, EqualKeys::Int { .. }) => match (self.is_null(row), other.is_null(other_row)) {
                (false, false) => self.equals(row, other, other_row),
                (a, b) => a && b,
            },
            _ => self.equals(row, other, other_row),
        }
    }

    /// A hash that agrees with [`same`](Self::same).
    #[inline]
    pub fn same_hash(&self, row: usize) -> u64 {
        match self {
            EqualKeys::Int { nulls: Some(n), .. } if n[row] => 0x5bd1_e995_9bd1_e995,
            _ => self.hash(row),
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
        KeyForm::Own => key::encode(ty.plain(), column.get(row), out),
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

/// A set of keys from one side, asked with keys from the other: `IN` over a sub-select.
pub(crate) struct SubKeys {
    inner: Vec<TypeRef>,
    outer: Vec<TypeRef>,
    forms: Vec<KeyForm>,
    keys: EqualKeys,
    table: hashbrown::HashTable<u32>,
    has_null: bool,
}

impl SubKeys {
    pub fn new(inner: &[TypeRef], outer: &[TypeRef]) -> SubKeys {
        let forms = forms(inner);
        SubKeys {
            inner: inner.to_vec(),
            outer: outer.to_vec(),
            keys: EqualKeys::new(&forms),
            forms,
            table: hashbrown::HashTable::new(),
            has_null: false,
        }
    }

    pub fn add(&mut self, columns: &[&Column], rows: usize) -> Result<()> {
        let first = self.keys.len();
        self.keys.extend(columns, &self.inner, rows)?;
        let keys = &self.keys;
        for row in first..keys.len() {
            if keys.is_null(row) {
                self.has_null = true;
            } else if self.table.find(keys.hash(row), |o| keys.equals(row, keys, *o as usize)).is_none() {
                self.table.insert_unique(keys.hash(row), row as u32, |o| keys.hash(*o as usize));
            }
        }
        Ok(())
    }

    /// For each row whether its key is in the set; None: NULL.
    pub fn probe(&self, columns: &[&Column], rows: usize) -> Result<Vec<Option<bool>>> {
        let mut asked = EqualKeys::new(&self.forms);
        asked.extend(columns, &self.outer, rows)?;
        let ask = |row: usize| {
            if self.keys.len() == 0 {
                Some(false)
            } else if asked.is_null(row) {
                None
            } else if self.table.find(asked.hash(row), |o| asked.equals(row, &self.keys, *o as usize)).is_some() {
                Some(true)
            } else if self.has_null {
                None
            } else {
                Some(false)
            }
        };
        Ok((0..rows).map(ask).collect())
    }
}

/// Keys seen so far, NULLs equal: DISTINCT and UNION.
pub(crate) struct DistinctSet {
    types: Vec<TypeRef>,
    forms: Vec<KeyForm>,
    keys: EqualKeys,
    table: hashbrown::HashTable<u32>,
}

impl DistinctSet {
    pub fn new(types: &[TypeRef]) -> DistinctSet {
        let forms = forms(types);
        DistinctSet { types: types.to_vec(), keys: EqualKeys::new(&forms), forms, table: hashbrown::HashTable::new() }
    }

    pub fn memory(&self) -> usize {
        self.keys.memory() + self.table.capacity() * 5
    }

    /// Each row's key's number in the set; new keys get the next numbers.
    pub fn numbers(&mut self, columns: &[&Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        let asked = self.ask(columns, rows)?;
        out.clear();
        out.extend((0..rows).map(|row| self.number(&asked, row).0));
        Ok(())
    }

    /// As [`numbers`](Self::numbers), but a new key is not added: u32::MAX.
    pub fn known(&self, columns: &[&Column], rows: usize) -> Result<(Vec<u32>, Vec<u64>)> {
        let asked = self.ask(columns, rows)?;
        let hashes: Vec<u64> = (0..rows).map(|row| asked.same_hash(row)).collect();
        let find = |row: usize| {
            let keys = &self.keys;
            self.table.find(hashes[row], |o| asked.same(row, keys, *o as usize)).copied().unwrap_or(u32::MAX)
        };
        Ok(((0..rows).map(find).collect(), hashes))
    }

    fn ask(&self, columns: &[&Column], rows: usize) -> Result<EqualKeys> {
        let mut asked = EqualKeys::new(&self.forms);
        asked.extend(columns, &self.types, rows)?;
        Ok(asked)
    }

    #[inline]
    fn number(&mut self, asked: &EqualKeys, row: usize) -> (u32, bool) {
        let hash = asked.same_hash(row);
        let keys = &self.keys;
        if let Some(n) = self.table.find(hash, |o| asked.same(row, keys, *o as usize)) {
            return (*n, false);
        }
        let number = self.keys.len() as u32;
        self.keys.push_from(asked, row);
        let keys = &self.keys;
        self.table.insert_unique(hash, number, |o| keys.same_hash(*o as usize));
        (number, true)
    }

    /// The rows whose keys are new.
    pub fn fresh(&mut self, columns: &[&Column], rows: usize) -> Result<Vec<u32>> {
        let asked = self.ask(columns, rows)?;
        Ok((0..rows).filter(|row| self.number(&asked, *row).1).map(|row| row as u32).collect())
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }
}
