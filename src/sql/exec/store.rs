//! Rows kept by blocking nodes: compact copies that no longer hold the pages they came from.

use crate::types::{Batch, BytesColumn, Column, ColumnData, Phys};

/// Sealed arenas are this large: gathers refer to them instead of copying.
const ARENA: usize = 1 << 20;

/// Any number of rows in columns.
#[derive(Debug)]
pub(crate) struct RowStore {
    columns: Vec<Column>,
    /// First row of each column whose bytes lie in the open arena.
    open: Vec<usize>,
    rows: usize,
    bytes: usize,
}

impl RowStore {
    pub fn new(forms: &[Phys]) -> RowStore {
        RowStore {
            columns: forms.iter().map(|p| Column::new(*p)).collect(),
            open: vec![0; forms.len()],
            rows: 0,
            bytes: 0,
        }
    }

    pub fn forms(&self) -> Vec<Phys> {
        self.columns.iter().map(Column::phys).collect()
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Memory held, near enough for `work_mem`.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn clear(&mut self) {
        *self = RowStore::new(&self.forms());
    }

    pub fn append(&mut self, batch: &Batch) {
        self.append_columns(batch.columns.iter(), batch.rows, None);
    }

    pub fn append_rows(&mut self, batch: &Batch, rows: &[u32]) {
        self.append_columns(batch.columns.iter(), rows.len(), Some(rows));
    }

    /// Appends `count` rows: the first ones, or those named.
    pub fn append_columns<'a>(
        &mut self,
        columns: impl Iterator<Item = &'a Column>,
        count: usize,
        rows: Option<&[u32]>,
    ) {
        let mut columns_seen = 0;
        for (i, (to, from)) in self.columns.iter_mut().zip(columns).enumerate() {
            columns_seen += 1;
            self.bytes += extend(to, from, count, rows);
            if let ColumnData::Bytes(b) = &mut to.data
                && b.arena.len() >= ARENA
            {
                seal(b, &mut self.open[i]);
            }
        }
        debug_assert_eq!(columns_seen, self.columns.len(), "COL-1");
        self.rows += count;
    }

    /// The rows named, in that order.
    pub fn gather(&self, rows: &[u32]) -> Batch {
        Batch { columns: self.columns.iter().map(|c| c.gather_rows(rows)).collect(), rows: rows.len() }
    }

    /// A run of rows.
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Batch {
        Batch { rows: rows.len(), columns: self.columns.iter().map(|c| c.slice(rows.clone())).collect() }
    }

    /// Makes all bytes shareable; to be called when the last row is in.
    pub fn finish(&mut self) {
        for (c, open) in self.columns.iter_mut().zip(&mut self.open) {
            if let ColumnData::Bytes(b) = &mut c.data {
                seal(b, open);
            }
        }
    }
}

/// Turns the arena into a shared buffer.
fn seal(b: &mut BytesColumn, open: &mut usize) {
    if b.arena.is_empty() {
        return;
    }
    let number = b.shared.len() as u32;
    b.shared.push(std::mem::take(&mut b.arena).into());
    for v in &mut b.views[*open..] {
        if v.buffer == BytesColumn::ARENA {
            v.buffer = number;
        }
    }
    *open = b.views.len();
}

/// Appends rows of one column to another; returns the memory it took.
fn extend(to: &mut Column, from: &Column, count: usize, rows: Option<&[u32]>) -> usize {
    let before = to.len();
    macro_rules! copy {
        ($a:expr, $b:expr) => {{
            match rows {
                None => $a.extend_from_slice(&$b[..count]),
                Some(r) => $a.extend(r.iter().map(|&i| $b[i as usize])),
            }
            count * std::mem::size_of_val(&$b[..1.min($b.len())])
        }};
    }
    let mut taken = match (&mut to.data, &from.data) {
        (ColumnData::Bool(a), ColumnData::Bool(b)) => copy!(a, b),
        (ColumnData::I16(a), ColumnData::I16(b)) => copy!(a, b),
        (ColumnData::I32(a), ColumnData::I32(b)) => copy!(a, b),
        (ColumnData::U32(a), ColumnData::U32(b)) => copy!(a, b),
        (ColumnData::I64(a), ColumnData::I64(b)) => copy!(a, b),
        (ColumnData::F32(a), ColumnData::F32(b)) => copy!(a, b),
        (ColumnData::F64(a), ColumnData::F64(b)) => copy!(a, b),
        (ColumnData::Bytes(a), ColumnData::Bytes(b)) => {
            let start = a.arena.len();
            match rows {
                None => (0..count).for_each(|r| a.push(b.get(r))),
                Some(rows) => rows.iter().for_each(|&r| a.push(b.get(r as usize))),
            }
            a.arena.len() - start + count * 12
        }
        (a, _) => panic!("TYP-1: a row store of {a:?} was fed another form"),
    };
    match (&mut to.nulls, &from.nulls) {
        (None, None) => {}
        (a, b) => {
            let nulls = a.get_or_insert_with(|| vec![false; before]);
            match (b, rows) {
                (None, _) => nulls.resize(before + count, false),
                (Some(b), None) => nulls.extend_from_slice(&b[..count]),
                (Some(b), Some(rows)) => nulls.extend(rows.iter().map(|&i| b[i as usize])),
            }
            taken += count;
        }
    }
    taken
}
