//! Columns of up to [`BATCH_ROWS`](super::BATCH_ROWS) values, and the batches made of them.
//!
//! A bytes column holds views into shared buffers: private page copies made by a scan, or the
//! column's own arena. Gathering, filtering and concatenating move views, not bytes.
//!
//! Invariants
//! - COL-1: all columns of a batch have exactly `rows` values.
//! - COL-2: a NULL's slot in the data holds a default value (zero, empty view), so kernels may read it.
//! - COL-3: a view always lies inside its buffer.

use super::datum::{Datum, Phys};
use std::sync::Arc;

/// The values of a column in their physical form; NULLs are told by [`Column::nulls`].
#[derive(Clone, Debug)]
pub enum ColumnData {
    Bool(Vec<bool>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(BytesColumn),
}

/// Where a bytes value lies: which buffer, from which byte, how long.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    pub buffer: u32,
    pub offset: u32,
    pub len: u32,
}

/// Values of variable length as views. Buffer [`ARENA`](BytesColumn::ARENA) is the column's own.
#[derive(Clone, Debug, Default)]
pub struct BytesColumn {
    pub views: Vec<View>,
    /// Shared, read-only: page copies and other columns' arenas.
    pub shared: Vec<Arc<[u8]>>,
    pub arena: Vec<u8>,
}

impl BytesColumn {
    pub const ARENA: u32 = u32::MAX;
    /// An arena of this size becomes a shared buffer before the next value: offsets have 32 bits, and no value is longer
    /// than 1 GB.
    const SEALED: usize = if cfg!(test) { 1 << 16 } else { 1 << 31 };

    /// What is shorter may as well be copied.
    const LONG: usize = if cfg!(test) { 1 << 10 } else { 1 << 17 };

    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        let v = self.views[row];
        let buffer: &[u8] = if v.buffer == Self::ARENA { &self.arena } else { &self.shared[v.buffer as usize] };
        &buffer[v.offset as usize..(v.offset + v.len) as usize]
    }

    /// Copies a value into the column's arena.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if self.arena.len() >= Self::SEALED {
            self.freeze();
        }
        let offset = self.arena.len() as u32;
        self.arena.extend_from_slice(bytes);
        self.views.push(View { buffer: Self::ARENA, offset, len: bytes.len() as u32 });
    }

    /// Lets `write` append a value to the arena in place.
    #[inline]
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        if self.arena.len() >= Self::SEALED {
            self.freeze();
        }
        let offset = self.arena.len();
        if let Err(e) = write(&mut self.arena) {
            self.arena.truncate(offset);
            return Err(e);
        }
        let len = (self.arena.len() - offset) as u32;
        self.views.push(View { buffer: Self::ARENA, offset: offset as u32, len });
        Ok(())
    }

    /// Makes a buffer referable; the number goes into [`push_view`](Self::push_view).
    #[inline]
    pub fn add_buffer(&mut self, buffer: &Arc<[u8]>) -> u32 {
        if let Some(last) = self.shared.last()
            && Arc::ptr_eq(last, buffer)
        {
            return self.shared.len() as u32 - 1;
        }
        self.shared.push(buffer.clone());
        self.shared.len() as u32 - 1
    }

    /// # Panics
    /// If the view reaches beyond its buffer (COL-3).
    #[inline]
    pub fn push_view(&mut self, buffer: u32, offset: u32, len: u32) {
        assert!(offset as usize + len as usize <= self.shared[buffer as usize].len(), "COL-3");
        self.views.push(View { buffer, offset, len });
    }

    /// Turns the arena into a shared buffer, so that others can refer to it without copying.
    #[cold]
    fn freeze(&mut self) {
        if self.arena.is_empty() {
            return;
        }
        let number = self.shared.len() as u32;
        self.shared.push(std::mem::take(&mut self.arena).into());
        for v in &mut self.views {
            if v.buffer == Self::ARENA {
                v.buffer = number;
            }
        }
    }
}

/// A column: data plus which rows are NULL (None: none is).
#[derive(Clone, Debug)]
pub struct Column {
    pub data: ColumnData,
    pub nulls: Option<Vec<bool>>,
}

macro_rules! each {
    ($data:expr, $v:ident => $scalar:expr, $b:ident => $bytes:expr) => {
        match $data {
            ColumnData::Bool($v) => $scalar,
            ColumnData::I16($v) => $scalar,
            ColumnData::I32($v) => $scalar,
            ColumnData::U32($v) => $scalar,
            ColumnData::I64($v) => $scalar,
            ColumnData::F32($v) => $scalar,
            ColumnData::F64($v) => $scalar,
            ColumnData::Bytes($b) => $bytes,
        }
    };
}

impl Column {
    pub fn new(phys: Phys) -> Column {
        Column::with_capacity(phys, 0)
    }

    pub fn with_capacity(phys: Phys, rows: usize) -> Column {
        let data = match phys {
            Phys::Bool => ColumnData::Bool(Vec::with_capacity(rows)),
            Phys::I16 => ColumnData::I16(Vec::with_capacity(rows)),
            Phys::I32 => ColumnData::I32(Vec::with_capacity(rows)),
            Phys::U32 => ColumnData::U32(Vec::with_capacity(rows)),
            Phys::I64 => ColumnData::I64(Vec::with_capacity(rows)),
            Phys::F32 => ColumnData::F32(Vec::with_capacity(rows)),
            Phys::F64 => ColumnData::F64(Vec::with_capacity(rows)),
            Phys::Bytes => ColumnData::Bytes(BytesColumn { views: Vec::with_capacity(rows), ..BytesColumn::default() }),
        };
        Column { data, nulls: None }
    }

    /// `rows` times the same value.
    pub fn constant(phys: Phys, value: Datum<'_>, rows: usize) -> Column {
        let mut c = Column::with_capacity(phys, rows);
        match (value, &mut c.data) {
            (Datum::Bytes(b), ColumnData::Bytes(col)) => {
                col.arena.extend_from_slice(b);
                let view = View { buffer: BytesColumn::ARENA, offset: 0, len: b.len() as u32 };
                col.views.resize(rows, view);
            }
            _ => (0..rows).for_each(|_| c.push(value)),
        }
        c
    }

    pub fn phys(&self) -> Phys {
        match &self.data {
            ColumnData::Bool(_) => Phys::Bool,
            ColumnData::I16(_) => Phys::I16,
            ColumnData::I32(_) => Phys::I32,
            ColumnData::U32(_) => Phys::U32,
            ColumnData::I64(_) => Phys::I64,
            ColumnData::F32(_) => Phys::F32,
            ColumnData::F64(_) => Phys::F64,
            ColumnData::Bytes(_) => Phys::Bytes,
        }
    }

    pub fn len(&self) -> usize {
        each!(&self.data, v => v.len(), b => b.views.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|n| n[row])
    }

    #[inline]
    pub fn get(&self, row: usize) -> Datum<'_> {
        if self.is_null(row) {
            return Datum::Null;
        }
        match &self.data {
            ColumnData::Bool(v) => Datum::Bool(v[row]),
            ColumnData::I16(v) => Datum::I16(v[row]),
            ColumnData::I32(v) => Datum::I32(v[row]),
            ColumnData::U32(v) => Datum::U32(v[row]),
            ColumnData::I64(v) => Datum::I64(v[row]),
            ColumnData::F32(v) => Datum::F32(v[row]),
            ColumnData::F64(v) => Datum::F64(v[row]),
            ColumnData::Bytes(b) => Datum::Bytes(b.get(row)),
        }
    }

    /// # Panics
    /// If the value's physical form is not the column's (TYP-1).
    #[inline]
    #[track_caller]
    pub fn push(&mut self, value: Datum<'_>) {
        match (&mut self.data, value) {
            (_, Datum::Null) => return self.push_null(),
            (ColumnData::Bool(c), Datum::Bool(v)) => c.push(v),
            (ColumnData::I16(c), Datum::I16(v)) => c.push(v),
            (ColumnData::I32(c), Datum::I32(v)) => c.push(v),
            (ColumnData::U32(c), Datum::U32(v)) => c.push(v),
            (ColumnData::I64(c), Datum::I64(v)) => c.push(v),
            (ColumnData::F32(c), Datum::F32(v)) => c.push(v),
            (ColumnData::F64(c), Datum::F64(v)) => c.push(v),
            (ColumnData::Bytes(c), Datum::Bytes(v)) => c.push(v),
            (_, v) => panic!("TYP-1: {v:?} pushed on a column of {:?}", self.phys()),
        }
        if let Some(n) = &mut self.nulls {
            n.push(false);
        }
    }

    #[inline]
    pub fn push_null(&mut self) {
        let before = self.len();
        match &mut self.data {
            ColumnData::Bool(c) => c.push(false),
            ColumnData::Bytes(b) => b.views.push(View { buffer: BytesColumn::ARENA, offset: 0, len: 0 }),
            ColumnData::I16(c) => c.push(0),
            ColumnData::I32(c) => c.push(0),
            ColumnData::U32(c) => c.push(0),
            ColumnData::I64(c) => c.push(0),
            ColumnData::F32(c) => c.push(0.0),
            ColumnData::F64(c) => c.push(0.0),
        }
        self.nulls.get_or_insert_with(|| vec![false; before]).push(true);
    }

    /// Appends a bytes value written in place; nothing is added on error.
    pub fn push_bytes_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        match &mut self.data {
            ColumnData::Bytes(b) => b.push_with(write)?,
            _ => panic!("TYP-1: bytes pushed on a column of {:?}", self.phys()),
        }
        if let Some(n) = &mut self.nulls {
            n.push(false);
        }
        Ok(())
    }

    /// The length of the last value in bytes; 0 for values of a fixed size.
    pub fn last_len(&self) -> usize {
        match &self.data {
            ColumnData::Bytes(b) => b.views.last().map_or(0, |v| v.len as usize),
            _ => 0,
        }
    }

    /// Bytes of values that the column holds itself, rather than in page copies and other columns' arenas.
    #[inline]
    pub fn own_bytes(&self) -> usize {
        match &self.data {
            ColumnData::Bytes(b) => b.arena.len(),
            _ => 0,
        }
    }

    fn memory(&self) -> usize {
        let values = match &self.data {
            ColumnData::Bytes(b) => {
                b.arena.len() + b.shared.iter().map(|s| s.len()).sum::<usize>() + b.views.len() * 12
            }
            _ => self.len() * self.phys().width().unwrap_or(8),
        };
        values + self.nulls.as_ref().map_or(0, Vec::len)
    }

    fn views(&self) -> Option<&[View]> {
        match &self.data {
            ColumnData::Bytes(b) => Some(&b.views),
            _ => None,
        }
    }

    /// Takes back the last value.
    pub fn pop(&mut self) {
        each!(&mut self.data, v => { v.pop(); }, b => { b.views.pop(); });
        if let Some(n) = &mut self.nulls {
            n.pop();
        }
    }

    /// The rows named, in that order; bytes are shared, not copied.
    pub fn gather(&mut self, rows: &[u32]) -> Column {
        if let ColumnData::Bytes(b) = &mut self.data {
            b.freeze();
        }
        let data = match &self.data {
            ColumnData::Bool(v) => ColumnData::Bool(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::I16(v) => ColumnData::I16(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::I32(v) => ColumnData::I32(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::U32(v) => ColumnData::U32(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::I64(v) => ColumnData::I64(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::F32(v) => ColumnData::F32(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::F64(v) => ColumnData::F64(rows.iter().map(|&r| v[r as usize]).collect()),
            ColumnData::Bytes(b) => ColumnData::Bytes(BytesColumn {
                views: rows.iter().map(|&r| b.views[r as usize]).collect(),
                shared: b.shared.clone(),
                arena: Vec::new(),
            }),
        };
        let nulls = self.nulls.as_ref().map(|n| rows.iter().map(|&r| n[r as usize]).collect());
        Column { data, nulls }
    }

    /// Appends another column of the same form; its bytes are shared, not copied.
    pub fn append(&mut self, other: &mut Column) {
        let before = self.len();
        match (&mut self.data, &mut other.data) {
            (ColumnData::Bool(a), ColumnData::Bool(b)) => a.extend_from_slice(b),
            (ColumnData::I16(a), ColumnData::I16(b)) => a.extend_from_slice(b),
            (ColumnData::I32(a), ColumnData::I32(b)) => a.extend_from_slice(b),
            (ColumnData::U32(a), ColumnData::U32(b)) => a.extend_from_slice(b),
            (ColumnData::I64(a), ColumnData::I64(b)) => a.extend_from_slice(b),
            (ColumnData::F32(a), ColumnData::F32(b)) => a.extend_from_slice(b),
            (ColumnData::F64(a), ColumnData::F64(b)) => a.extend_from_slice(b),
            (ColumnData::Bytes(a), ColumnData::Bytes(b)) => {
                b.freeze();
                let base = a.shared.len() as u32;
                a.shared.extend(b.shared.iter().cloned());
                a.views.extend(b.views.iter().map(|v| match v.buffer {
                    BytesColumn::ARENA => View { buffer: BytesColumn::ARENA, offset: 0, len: 0 },
                    n => View { buffer: n + base, ..*v },
                }));
            }
            (a, _) => panic!("TYP-1: appending to {a:?}"),
        }
        let added = self.len() - before;
        match (&mut self.nulls, &other.nulls) {
            (None, None) => {}
            (Some(a), Some(b)) => a.extend_from_slice(b),
            (Some(a), None) => a.resize(before + added, false),
            (a @ None, Some(b)) => {
                let mut n = vec![false; before];
                n.extend_from_slice(b);
                *a = Some(n);
            }
        }
    }

    pub fn truncate(&mut self, rows: usize) {
        each!(&mut self.data, v => v.truncate(rows), b => b.views.truncate(rows));
        if let Some(n) = &mut self.nulls {
            n.truncate(rows);
        }
    }
}

impl BytesColumn {
    /// The rows named, nothing for one that is not there; shares the buffers where that costs less than copying the bytes.
    fn gather_rows(&self, rows: impl ExactSizeIterator<Item = usize>) -> BytesColumn {
        let share = self.shared.len() <= rows.len();
        let mut out = BytesColumn { views: Vec::with_capacity(rows.len()), ..BytesColumn::default() };
        if share {
            out.shared.clone_from(&self.shared);
        }
        for r in rows {
            let Some(&v) = self.views.get(r) else {
                out.views.push(View { buffer: Self::ARENA, offset: 0, len: 0 });
                continue;
            };
            match v {
                v if share && v.buffer != Self::ARENA => out.views.push(v),
                v if self.fills_its_buffer(v) => {
                    let number = out.add_buffer(&self.shared[v.buffer as usize]);
                    out.views.push(View { buffer: number, ..v });
                }
                _ => out.push(self.get(r)),
            }
        }
        out
    }

    /// A value so long that its buffer holds little else: sharing that keeps nothing more than a copy would.
    fn fills_its_buffer(&self, v: View) -> bool {
        v.buffer != Self::ARENA
            && v.len as usize > Self::LONG
            && 2 * v.len as usize >= self.shared[v.buffer as usize].len()
    }
}

impl Column {
    /// The rows named, in that order; the column itself stays as it is.
    pub fn gather_rows(&self, rows: &[u32]) -> Column {
        macro_rules! pick {
            ($v:expr) => {
                rows.iter().map(|&r| $v[r as usize]).collect()
            };
        }
        let data = match &self.data {
            ColumnData::Bool(v) => ColumnData::Bool(pick!(v)),
            ColumnData::I16(v) => ColumnData::I16(pick!(v)),
            ColumnData::I32(v) => ColumnData::I32(pick!(v)),
            ColumnData::U32(v) => ColumnData::U32(pick!(v)),
            ColumnData::I64(v) => ColumnData::I64(pick!(v)),
            ColumnData::F32(v) => ColumnData::F32(pick!(v)),
            ColumnData::F64(v) => ColumnData::F64(pick!(v)),
            ColumnData::Bytes(b) => ColumnData::Bytes(b.gather_rows(rows.iter().map(|&r| r as usize))),
        };
        Column { data, nulls: self.nulls.as_ref().map(|n| pick!(n)) }
    }

    /// As [`gather_rows`](Self::gather_rows), with NULL for each `none`.
    pub fn gather_rows_or_null(&self, rows: &[u32], none: u32) -> Column {
        macro_rules! pick {
            ($v:expr) => {
                rows.iter().map(|&r| if r == none { Default::default() } else { $v[r as usize] }).collect()
            };
        }
        let data = match &self.data {
            ColumnData::Bool(v) => ColumnData::Bool(pick!(v)),
            ColumnData::I16(v) => ColumnData::I16(pick!(v)),
            ColumnData::I32(v) => ColumnData::I32(pick!(v)),
            ColumnData::U32(v) => ColumnData::U32(pick!(v)),
            ColumnData::I64(v) => ColumnData::I64(pick!(v)),
            ColumnData::F32(v) => ColumnData::F32(pick!(v)),
            ColumnData::F64(v) => ColumnData::F64(pick!(v)),
            ColumnData::Bytes(b) => {
                let place = |r: &u32| if *r == none { usize::MAX } else { *r as usize };
                ColumnData::Bytes(b.gather_rows(rows.iter().map(place)))
            }
        };
        Column { data, nulls: Some(rows.iter().map(|&r| r == none || self.is_null(r as usize)).collect()) }
    }

    /// A run of rows.
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Column {
        let nulls = self.nulls.as_ref().map(|n| n[rows.clone()].to_vec());
        let data = match &self.data {
            ColumnData::Bool(v) => ColumnData::Bool(v[rows].to_vec()),
            ColumnData::I16(v) => ColumnData::I16(v[rows].to_vec()),
            ColumnData::I32(v) => ColumnData::I32(v[rows].to_vec()),
            ColumnData::U32(v) => ColumnData::U32(v[rows].to_vec()),
            ColumnData::I64(v) => ColumnData::I64(v[rows].to_vec()),
            ColumnData::F32(v) => ColumnData::F32(v[rows].to_vec()),
            ColumnData::F64(v) => ColumnData::F64(v[rows].to_vec()),
            ColumnData::Bytes(b) => ColumnData::Bytes(b.gather_rows(rows)),
        };
        Column { data, nulls }
    }

    /// Appends one row of another column of the same form, copying its bytes.
    #[inline]
    pub fn push_from(&mut self, other: &Column, row: usize) {
        self.push(other.get(row));
    }
}

/// Whether these columns hold as many bytes of their own as a batch may.
#[inline]
pub fn long(columns: &[Column]) -> bool {
    columns.iter().map(Column::own_bytes).sum::<usize>() > super::BATCH_BYTES
}

/// Rows in flight between two nodes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub columns: Vec<Column>,
    /// Also meaningful without columns (`select count(*)` needs none).
    pub rows: usize,
}

impl Batch {
    pub fn new(columns: Vec<Column>, rows: usize) -> Batch {
        debug_assert!(columns.iter().all(|c| c.len() == rows), "COL-1");
        Batch { columns, rows }
    }

    /// No further row is to be added: there are [`BATCH_ROWS`](super::BATCH_ROWS), or more than
    /// [`BATCH_BYTES`](super::BATCH_BYTES) of its own.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.rows >= super::BATCH_ROWS || long(&self.columns)
    }

    /// The memory it holds, page copies and shared arenas included: what it costs to keep it.
    pub fn memory(&self) -> usize {
        self.columns.iter().map(|c| c.memory()).sum()
    }

    /// How many rows from one on have values of at most so many bytes together; at least that one.
    pub fn fitting(&self, from: usize, bytes: usize) -> usize {
        let views: Vec<&[View]> = self.columns.iter().filter_map(|c| c.views().filter(|v| !v.is_empty())).collect();
        let whole: usize = views.iter().map(|v| v[from..].iter().map(|v| v.len as usize).sum::<usize>()).sum();
        if whole <= bytes {
            return self.rows - from;
        }
        let mut used = 0;
        let of_row = |row: usize| views.iter().map(|v| v[row].len as usize).sum::<usize>();
        let fits = (from..self.rows).take_while(|row| {
            used += of_row(*row);
            used <= bytes
        });
        fits.count().max(1)
    }

    /// A run of rows.
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Batch {
        let column = |c: &Column| if c.is_empty() { c.clone() } else { c.slice(rows.clone()) };
        Batch { columns: self.columns.iter().map(column).collect(), rows: rows.len() }
    }

    /// Its first rows.
    pub fn first(&self, rows: usize) -> Batch {
        Batch { columns: self.columns.iter().map(|c| c.slice(0..rows)).collect(), rows }
    }

    pub fn gather(&mut self, rows: &[u32]) -> Batch {
        Batch { columns: self.columns.iter_mut().map(|c| c.gather(rows)).collect(), rows: rows.len() }
    }

    /// Keeps the rows for which `keep` is true.
    pub fn filter(mut self, keep: &[bool]) -> Batch {
        let rows: Vec<u32> = keep.iter().enumerate().filter(|(_, k)| **k).map(|(i, _)| i as u32).collect();
        if rows.len() == self.rows { self } else { self.gather(&rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An arena that has grown large becomes a shared buffer; the values before and after are what they were.
    #[test]
    fn large_arenas_are_sealed() {
        let mut column = Column::new(Phys::Bytes);
        let value = |n: usize| vec![n as u8; 7000 + n];
        for n in 0..40 {
            match n % 3 {
                0 => column.push(Datum::Bytes(&value(n))),
                1 => column.push_null(),
                _ => column
                    .push_bytes_with(|v| -> Result<(), ()> {
                        v.extend(value(n));
                        Ok(())
                    })
                    .unwrap(),
            }
        }
        let ColumnData::Bytes(bytes) = &column.data else { unreachable!() };
        assert!(bytes.shared.len() >= 2 && bytes.arena.len() < BytesColumn::SEALED + 8000);
        for n in 0..40 {
            match column.get(n) {
                Datum::Null => assert_eq!(n % 3, 1),
                found => assert_eq!(found.bytes(), value(n)),
            }
        }
        assert_eq!(column.last_len(), 7039);
    }

    #[test]
    fn gather_and_append_share_bytes_and_keep_nulls() {
        let mut a = Column::new(Phys::Bytes);
        for v in [Datum::Bytes(b"one"), Datum::Null, Datum::Bytes(b"three")] {
            a.push(v);
        }
        let mut b = a.gather(&[2, 1]);
        assert_eq!((b.get(0), b.get(1)), (Datum::Bytes(b"three"), Datum::Null));
        let mut c = Column::new(Phys::Bytes);
        c.push(Datum::Bytes(b"zero"));
        c.append(&mut b);
        assert_eq!((c.get(0), c.get(1), c.get(2)), (Datum::Bytes(b"zero"), Datum::Bytes(b"three"), Datum::Null));
    }
}
