//! From versions' bytes to columns: only the columns wanted, long values as views into the page copies.

use super::desc::TupleDesc;
use super::encode::{EXTERNAL, EXTERNAL_BYTES};
use super::facts::{self, Fact};
use super::store::TableStore;
use super::toast::{self, Reference};
use super::tuple::{HEADER_BYTES, Tuple, mask};
use crate::base::{BlockNo, Result, TupleId};
use crate::storage::Storage;
use crate::types::{BATCH_BYTES, Batch, Column, ColumnData, Datum, Phys};
use smallvec::SmallVec;
use std::sync::Arc;

/// Attribute numbers of the system columns (PostgreSQL 15, sysattr.h: same).
pub mod system {
    pub const CTID: i16 = -1;
    pub const XMIN: i16 = -2;
    pub const CMIN: i16 = -3;
    pub const XMAX: i16 = -4;
    pub const CMAX: i16 = -5;
    pub const TABLEOID: i16 = -6;
}

/// How a value lies in a version's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Fixed {
        start: usize,
    },
    Plain {
        start: usize,
        len: usize,
    },
    /// "Method and length, compressed bytes".
    Compressed {
        start: usize,
        len: usize,
    },
    External {
        start: usize,
    },
}

impl Stored {
    /// The variable-length value at `at`.
    #[inline]
    pub fn at(bytes: &[u8], at: usize) -> Stored {
        let first = bytes[at];
        if first == EXTERNAL {
            return Stored::External { start: at };
        }
        if first & 1 == 1 {
            return Stored::Plain { start: at + 1, len: (first >> 1) as usize - 1 };
        }
        let word = u32::from_le_bytes([first, bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (start, len) = (at + 4, (word >> 2) as usize);
        if word & 2 == 0 { Stored::Plain { start, len } } else { Stored::Compressed { start, len } }
    }

    /// The first byte behind it.
    #[inline]
    fn end(self, width: usize) -> usize {
        match self {
            Stored::Fixed { start } => start + width,
            Stored::Plain { start, len } | Stored::Compressed { start, len } => start + len,
            Stored::External { start } => start + EXTERNAL_BYTES,
        }
    }
}

/// All values of a version, in order; `None` for NULLs and for columns added later.
pub fn values<'a>(desc: &'a TupleDesc, tuple: &'a [u8]) -> impl Iterator<Item = Option<Stored>> + 'a {
    let t = Tuple(tuple);
    let natts = t.natts();
    let mut at = t.hoff();
    desc.attrs.iter().enumerate().map(move |(c, attr)| {
        if c >= natts || t.is_null(c) {
            return None;
        }
        let stored = match attr.phys.width() {
            Some(_) => Stored::Fixed { start: at },
            None => Stored::at(tuple, at),
        };
        at = stored.end(attr.phys.width().unwrap_or(0));
        Some(stored)
    })
}

/// Empty columns for the attributes wanted, in that order.
pub fn new_columns(desc: &TupleDesc, attnos: &[i16], rows: usize) -> Vec<Column> {
    attnos.iter().map(|a| Column::with_capacity(phys_of(desc, *a), rows)).collect()
}

pub fn phys_of(desc: &TupleDesc, attno: i16) -> Phys {
    if let Some((fact, _)) = Fact::of(attno) {
        return fact.phys();
    }
    match attno {
        system::CTID => Phys::Bytes,
        n if n < 0 => Phys::U32,
        n => desc.attrs[n as usize - 1].phys,
    }
}

/// `ctid` as its type stores it.
pub fn tid_bytes(tid: TupleId) -> [u8; 6] {
    let mut b = [0; 6];
    b[..4].copy_from_slice(&tid.block.to_le_bytes());
    b[4..].copy_from_slice(&tid.offset.to_le_bytes());
    b
}

pub fn tid_from_bytes(b: &[u8]) -> Option<TupleId> {
    let b: &[u8; 6] = b.try_into().ok()?;
    Some(TupleId::new(u32::from_le_bytes([b[0], b[1], b[2], b[3]]), u16::from_le_bytes([b[4], b[5]])))
}

/// Whether columns beside those in these places can have values that are out of line, or compressed.
pub fn may_be_long_beside(desc: &TupleDesc, attnos: &[i16], places: &[usize]) -> bool {
    let is_bytes = |attno: i16| {
        let place = usize::try_from(attno).ok().and_then(|n| n.checked_sub(1));
        place.and_then(|n| desc.attrs.get(n)).is_some_and(|a| a.phys == Phys::Bytes)
    };
    !places.is_empty() && attnos.iter().enumerate().any(|(n, a)| !places.contains(&n) && is_bytes(*a))
}

/// Appends one version's values to a batch whose columns are `attnos`, copying bytes.
pub fn append_version(
    storage: &Storage,
    store: &TableStore,
    attnos: &[i16],
    tuple: &[u8],
    tid: TupleId,
    out: &mut Batch,
) -> Result<()> {
    append_some(storage, store, (attnos, None), tuple, tid, out).map(drop)
}

/// As [`append_version`], but of the columns `attnos` only those in `places` are filled; tells whether a value lay out of
/// line, or compressed.
pub fn append_some(
    storage: &Storage,
    store: &TableStore,
    (attnos, places): (&[i16], Option<&[usize]>),
    tuple: &[u8],
    tid: TupleId,
    out: &mut Batch,
) -> Result<bool> {
    let desc = store.desc();
    let last = attnos.iter().copied().max().unwrap_or(0).max(0) as usize;
    let stored: SmallVec<[Option<Stored>; 16]> = values(desc, tuple).take(last).collect();
    let natts = Tuple(tuple).natts();
    let mut met_long = false;
    for (n, (attno, column)) in attnos.iter().zip(&mut out.columns).enumerate() {
        if places.is_some_and(|places| !places.contains(&n)) {
            continue;
        }
        if *attno < 0 {
            push_system(column, *attno, store, Tuple(tuple), tid);
            continue;
        }
        let c = *attno as usize - 1;
        match stored[c] {
            Some(at) => {
                met_long |= matches!(at, Stored::Compressed { .. } | Stored::External { .. });
                push_stored(storage, store, column, tuple, at)?;
            }
            None => push_absent(column, desc, c, natts),
        }
    }
    out.rows += 1;
    Ok(met_long)
}

#[inline]
fn push_absent(column: &mut Column, desc: &TupleDesc, c: usize, natts: usize) {
    match &desc.attrs[c].missing {
        Some(value) if c >= natts => column.push(value.datum()),
        _ => column.push_null(),
    }
}

fn push_system(column: &mut Column, attno: i16, store: &TableStore, t: Tuple<'_>, tid: TupleId) {
    match attno {
        system::CTID => column.push(Datum::Bytes(&tid_bytes(tid))),
        system::XMIN => column.push(Datum::U32(t.xmin().0 as u32)),
        system::XMAX => column.push(Datum::U32(t.xmax().0 as u32)),
        system::TABLEOID => column.push(Datum::U32(store.relid().0)),
        _ => match Fact::of(attno) {
            Some(fact) => facts::push(column, store.desc(), fact, t),
            None => column.push(Datum::U32(t.cid().0)),
        },
    }
}

#[inline]
fn push_stored(storage: &Storage, store: &TableStore, column: &mut Column, bytes: &[u8], at: Stored) -> Result<()> {
    match at {
        Stored::Fixed { start } => {
            column.push(fixed(column.phys(), &bytes[start..]));
            Ok(())
        }
        Stored::Plain { start, len } => {
            column.push(Datum::Bytes(&bytes[start..start + len]));
            Ok(())
        }
        unusual => push_detoasted(storage, store, column, bytes, unusual),
    }
}

fn fixed(phys: Phys, b: &[u8]) -> Datum<'static> {
    let four = || [b[0], b[1], b[2], b[3]];
    let eight = || [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]];
    match phys {
        Phys::Bool => Datum::Bool(b[0] != 0),
        Phys::I16 => Datum::I16(i16::from_le_bytes([b[0], b[1]])),
        Phys::I32 => Datum::I32(i32::from_le_bytes(four())),
        Phys::U32 => Datum::U32(u32::from_le_bytes(four())),
        Phys::I64 => Datum::I64(i64::from_le_bytes(eight())),
        Phys::F32 => Datum::F32(f32::from_le_bytes(four())),
        Phys::F64 => Datum::F64(f64::from_le_bytes(eight())),
        Phys::Bytes => Datum::Null,
    }
}

#[cold]
fn push_detoasted(storage: &Storage, store: &TableStore, column: &mut Column, bytes: &[u8], at: Stored) -> Result<()> {
    column.push_bytes_with(|out| match at {
        Stored::Compressed { start, len } => toast::inflate(&bytes[start..start + len], out),
        Stored::External { start } => match store.toast() {
            Some(t) => toast::fetch(storage, t, Reference::decode(&bytes[start..start + EXTERNAL_BYTES]), out),
            None => Err(crate::base::Error::internal("out-of-line value in a table without TOAST relation")),
        },
        Stored::Fixed { .. } | Stored::Plain { .. } => Ok(()),
    })
}

/// A version found by a scan: which page copy, where in it, and its line pointer.
#[derive(Clone, Copy, Debug)]
pub struct RowAt {
    pub buffer: u16,
    pub start: u16,
    pub len: u16,
    pub line: u16,
}

/// Values longer than this are counted by statistics, not looked at. PostgreSQL 15, analyze.c, WIDTH_THRESHOLD: same.
pub const WIDTH_LIMIT: usize = 1024;

/// Instead of its long values a column shows [`STAND_IN`], and here is what they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongValues {
    pub count: u64,
    /// Bytes they take in their rows.
    pub bytes: u64,
}

/// Longer than what is looked at, and no more.
pub const STAND_IN: &[u8] = &[0; WIDTH_LIMIT + 1];

impl LongValues {
    /// Counts a value if it is compressed or out of line and unpacked longer than [`WIDTH_LIMIT`].
    fn take(&mut self, row: &[u8], stored: Stored) -> bool {
        let (raw, width) = match stored {
            Stored::External { start } => {
                (Reference::decode(&row[start..start + EXTERNAL_BYTES]).raw_bytes, EXTERNAL_BYTES)
            }
            Stored::Compressed { start, len } => {
                let raw = toast::method(&row[start..start + len]).map_or(0, |(_, raw)| raw as u32);
                (raw, len + 4)
            }
            Stored::Fixed { .. } | Stored::Plain { .. } => return false,
        };
        let long = raw as usize > WIDTH_LIMIT;
        self.count += u64::from(long);
        self.bytes += if long { width as u64 } else { 0 };
        long
    }
}

/// What a column of long values may unpack however many others there are.
const LEAST_ROOM: usize = 32 * 1024;

/// Decodes many versions, a column at a time, from left to right.
pub struct Columns<'a> {
    storage: &'a Storage,
    store: &'a TableStore,
    buffers: &'a [Arc<[u8]>],
    blocks: &'a [BlockNo],
    /// Fewer once a column is full.
    rows: &'a [RowAt],
    /// Bytes of long values a column may unpack.
    room: usize,
    /// For each column wanted, if long values are not to be unpacked at all; and the column being decoded.
    long: Option<&'a mut [LongValues]>,
    wanted: usize,
    /// Some value lay out of line, or compressed.
    pub met_long: bool,
    /// No NULLs, no missing columns: places of leading fixed columns are known.
    simple: bool,
    /// Where column `reached` starts in each row, once a walk was needed.
    places: Vec<u16>,
    reached: usize,
}

impl<'a> Columns<'a> {
    pub fn new(
        storage: &'a Storage,
        store: &'a TableStore,
        buffers: &'a [Arc<[u8]>],
        blocks: &'a [BlockNo],
        rows: &'a [RowAt],
    ) -> Columns<'a> {
        let columns = store.desc().len();
        let simple = rows.iter().all(|r| {
            let t = tuple_of(buffers, *r);
            !t.has(mask::HAS_NULL) && t.natts() >= columns
        });
        Columns {
            storage,
            store,
            buffers,
            blocks,
            rows,
            room: BATCH_BYTES,
            long: None,
            wanted: 0,
            met_long: false,
            simple,
            places: Vec::new(),
            reached: 0,
        }
    }

    /// Long values are counted and stand-ins shown.
    pub fn standing_in(self, long: Option<&'a mut [LongValues]>) -> Columns<'a> {
        Columns { long, ..self }
    }

    /// Fills `out`, whose columns are `attnos`, up to the row whose long values make the batch full.
    pub fn fill(&mut self, attnos: &[i16], out: &mut Batch) -> Result<()> {
        let desc = self.store.desc();
        let long = attnos.iter().filter(|a| phys_of(desc, **a) == Phys::Bytes).count();
        self.room = (BATCH_BYTES / long.max(1)).max(LEAST_ROOM);
        let mut order: SmallVec<[usize; 16]> = (0..attnos.len()).collect();
        order.sort_by_key(|i| attnos[*i]);
        for i in order {
            let column = &mut out.columns[i];
            self.wanted = i;
            match attnos[i] {
                n if n < 0 => self.system(n, column),
                n => self.column(n as usize - 1, column)?,
            }
        }
        out.rows = self.rows.len();
        if out.columns.iter().any(|c| c.len() > out.rows) {
            out.columns.iter_mut().for_each(|c| c.truncate(out.rows));
        }
        Ok(())
    }

    fn system(&self, attno: i16, column: &mut Column) {
        for r in self.rows {
            let tid = TupleId::new(self.blocks[r.buffer as usize], r.line);
            push_system(column, attno, self.store, tuple_of(self.buffers, *r), tid);
        }
    }

    fn column(&mut self, c: usize, column: &mut Column) -> Result<()> {
        let known = self.store.desc().fixed[c].filter(|_| self.simple);
        if let Some(at) = known
            && self.store.desc().attrs[c].phys != Phys::Bytes
        {
            self.fixed_column(HEADER_BYTES + at as usize, column);
            return Ok(());
        }
        self.walk_to(c);
        if self.simple && self.store.desc().attrs[c].phys == Phys::Bytes {
            return self.bytes_column(column);
        }
        let desc = self.store.desc();
        let width = desc.attrs[c].phys.width();
        let rows = self.rows;
        for (i, r) in rows.iter().enumerate() {
            let buffer = &self.buffers[r.buffer as usize];
            let t = tuple_of(self.buffers, *r);
            let natts = t.natts();
            if c >= natts || t.is_null(c) {
                push_absent(column, desc, c, natts);
                continue;
            }
            let at = self.places[i] as usize;
            let stored = if width.is_some() { Stored::Fixed { start: at } } else { Stored::at(buffer, at) };
            if self.push_view(column, r.buffer, stored)? {
                self.rows = &rows[..=i];
                break;
            }
        }
        Ok(())
    }

    /// All values at the same distance from their rows' starts.
    fn fixed_column(&self, at: usize, column: &mut Column) {
        macro_rules! read {
            ($v:expr, $t:ty, $n:literal) => {
                for run in self.rows.chunk_by(|a, b| a.buffer == b.buffer) {
                    let buffer = &self.buffers[run[0].buffer as usize][..];
                    $v.extend(run.iter().map(|r| {
                        let from = r.start as usize + at;
                        <$t>::from_le_bytes(buffer[from..from + $n].try_into().expect("as long as the type"))
                    }));
                }
            };
        }
        match &mut column.data {
            ColumnData::Bool(v) => {
                v.extend(self.rows.iter().map(|r| self.buffers[r.buffer as usize][r.start as usize + at] != 0))
            }
            ColumnData::I16(v) => read!(v, i16, 2),
            ColumnData::I32(v) => read!(v, i32, 4),
            ColumnData::U32(v) => read!(v, u32, 4),
            ColumnData::I64(v) => read!(v, i64, 8),
            ColumnData::F32(v) => read!(v, f32, 4),
            ColumnData::F64(v) => read!(v, f64, 8),
            ColumnData::Bytes(_) => {}
        }
    }

    /// The values at `places`, none of them NULL.
    fn bytes_column(&mut self, column: &mut Column) -> Result<()> {
        let rows = self.rows;
        for (i, r) in rows.iter().enumerate() {
            let (buffer, at) = (&self.buffers[r.buffer as usize], self.places[i] as usize);
            if self.push_view(column, r.buffer, Stored::at(buffer, at))? {
                self.rows = &rows[..=i];
                break;
            }
        }
        Ok(())
    }

    /// True: the column has no room for more.
    #[inline]
    fn push_view(&mut self, column: &mut Column, buffer: u16, stored: Stored) -> Result<bool> {
        let bytes = &self.buffers[buffer as usize];
        match (stored, &mut column.data) {
            (Stored::Plain { start, len }, ColumnData::Bytes(out)) => {
                let number = out.add_buffer(bytes);
                out.push_view(number, start as u32, len as u32);
                if let Some(nulls) = &mut column.nulls {
                    nulls.push(false);
                }
                Ok(false)
            }
            _ => {
                self.met_long = true;
                if let Some(long) = self.long.as_mut().and_then(|l| l.get_mut(self.wanted))
                    && long.take(bytes, stored)
                {
                    column.push(Datum::Bytes(STAND_IN));
                    return Ok(false);
                }
                push_stored(self.storage, self.store, column, bytes, stored)?;
                Ok(column.own_bytes() > self.room)
            }
        }
    }

    /// Moves `places` to column `c`.
    fn walk_to(&mut self, c: usize) {
        let desc = self.store.desc().clone();
        if self.places.is_empty() {
            // Jump over leading columns of fixed width.
            let from = if self.simple { (0..=c).rev().find(|k| desc.fixed[*k].is_some()).unwrap_or(0) } else { 0 };
            let skip = if self.simple { desc.fixed[from].unwrap_or(0) } else { 0 };
            let buffers = self.buffers;
            let start = |r: &RowAt| r.start + tuple_of(buffers, *r).hoff() as u16 + skip;
            self.places = self.rows.iter().map(start).collect();
            self.reached = from;
        }
        for k in self.reached..c {
            let width = desc.attrs[k].phys.width();
            for (r, at) in self.rows.iter().zip(&mut self.places) {
                if !self.simple {
                    let t = tuple_of(self.buffers, *r);
                    if k >= t.natts() || t.is_null(k) {
                        continue;
                    }
                }
                *at = match width {
                    Some(w) => *at + w as u16,
                    None => Stored::at(&self.buffers[r.buffer as usize], *at as usize).end(0) as u16,
                };
            }
        }
        self.reached = c.max(self.reached);
    }
}

#[inline]
fn tuple_of(buffers: &[Arc<[u8]>], r: RowAt) -> Tuple<'_> {
    Tuple(&buffers[r.buffer as usize][r.start as usize..(r.start + r.len) as usize])
}
