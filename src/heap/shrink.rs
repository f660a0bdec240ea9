//! Rows that are too large for their page: which of their values are compressed and which go out of line.

use super::desc::{AttrDesc, Compression, Strategy, TupleDesc};
use super::encode::{EXTERNAL_BYTES, SHORT_MAX, row_bytes};
use super::insert::WriteContext;
use super::lz;
use super::store::TableStore;
use super::toast::{self, Reference};
use super::tuple::MAX_TUPLE_BYTES;
use crate::base::pglz;
use crate::base::{Error, Flow, SqlState};
use crate::types::{self, Batch, Datum, Phys};

/// Rows above this are made smaller (PostgreSQL 15, TOAST_TUPLE_THRESHOLD: four fit a page).
const THRESHOLD: usize = 2032;
/// As small as this, unless the table has another `toast_tuple_target`.
pub const TOAST_TARGET: u16 = 2032;
/// What values of strategy MAIN may fill before they go out of line, too (TOAST_TUPLE_TARGET_MAIN: a page's room), and
/// what a row may have at most (MaxHeapTupleSize).
const WHOLE_PAGE: usize = 8160;
/// A value must be larger than the reference that would take its place.
const REFERENCE: usize = 24;

/// A value that takes the place of one of the batch's.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// As it stands in the row: compressed, or a reference.
    pub bytes: Vec<u8>,
    /// It is a reference.
    pub external: bool,
}

/// Whether a row is so large that something is to be done about it.
pub(super) fn is_large(desc: &TupleDesc, batch: &Batch, row: usize) -> bool {
    // No alignment makes it larger than this.
    let quick = row_bytes(desc, batch, row, &[]) + 8 * desc.len();
    quick > THRESHOLD && Sizes::of(desc, batch, row, &[]).total() > THRESHOLD
}

/// What a row takes on PostgreSQL's pages, aligned as there: limits are measured so, in order that the same rows are
/// changed, and refused, as there. Ours are never more than four bytes larger.
struct Sizes {
    head: usize,
    data: usize,
}

impl Sizes {
    fn of(desc: &TupleDesc, batch: &Batch, row: usize, replaced: &[Option<Replaced>]) -> Sizes {
        let (mut any_null, mut data) = (false, 0usize);
        for (c, attr) in desc.attrs.iter().enumerate() {
            if attr.dropped || batch.columns[c].is_null(row) {
                any_null = true;
                continue;
            }
            let (bytes, align) = match replaced.get(c) {
                // References are not aligned, and have two bytes less there.
                Some(Some(r)) if r.external => (EXTERNAL_BYTES - 2, 1),
                Some(Some(r)) => (r.bytes.len(), 4),
                _ => plain_size(attr, batch.columns[c].get(row)),
            };
            data = data.next_multiple_of(align) + bytes;
        }
        let nulls = if any_null { desc.len().div_ceil(8) } else { 0 };
        Sizes { head: (23 + nulls).next_multiple_of(8), data }
    }

    fn total(&self) -> usize {
        self.head + self.data
    }
}

/// Bytes and alignment of a value as it is.
pub(super) fn plain_size(attr: &AttrDesc, value: Datum<'_>) -> (usize, usize) {
    let Datum::Bytes(b) = value else {
        let width = attr.phys.width().unwrap_or(0);
        return (width, width.max(1));
    };
    let info = types::info(attr.typ.oid);
    let align = match info.map_or(b'i', |i| i.align) {
        b'c' => 1,
        b's' => 2,
        b'd' => 8,
        _ => 4,
    };
    match info.map_or(-1, |i| i.len) {
        fixed @ 1.. => (fixed as usize, align),
        _ if b.len() <= SHORT_MAX => (b.len() + 1, 1),
        _ => (b.len() + 4, align),
    }
}

/// Makes a row as small as its table wants (PostgreSQL 15, heaptoast.c, heap_toast_insert_or_update: same passes).
/// `kept` are references to values that are out of line already and did not change; it is empty if there are none.
///
/// The values that take the place of the row's; none if the row is small enough.
///
/// # Errors
/// 54000 if it cannot be made to fit a page.
pub(super) fn shrink(
    cx: &WriteContext<'_>,
    store: &TableStore,
    batch: &Batch,
    row: usize,
    kept: Vec<Option<Replaced>>,
) -> Flow<Vec<Option<Replaced>>> {
    let desc = store.desc();
    if kept.is_empty() && !is_large(desc, batch, row) {
        return Ok(Vec::new());
    }
    let mut replaced = kept;
    replaced.resize(desc.len(), None);
    let mut work = Work { cx, store, batch, row, replaced, incompressible: vec![false; desc.len()] };
    work.run()?;
    let size = Sizes::of(desc, batch, row, &work.replaced).total().next_multiple_of(8);
    if size > WHOLE_PAGE || work.row_bytes() > MAX_TUPLE_BYTES {
        // References are two bytes longer than PostgreSQL's: many of them fill our page first.
        let size = if size > WHOLE_PAGE { size } else { work.row_bytes().next_multiple_of(8) };
        let message = format!("row is too big: size {size}, maximum size {WHOLE_PAGE}");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .place("RelationGetBufferForTuple", "hio.c", 361)
            .into());
    }
    Ok(work.replaced)
}

struct Work<'a> {
    cx: &'a WriteContext<'a>,
    store: &'a TableStore,
    batch: &'a Batch,
    row: usize,
    replaced: Vec<Option<Replaced>>,
    incompressible: Vec<bool>,
}

impl Work<'_> {
    fn run(&mut self) -> Flow<()> {
        let target = self.store.toast_target();
        // Compress, and put out what is too large for any row even so.
        while self.is_above(target)
            && let Some(c) = self.biggest(false, true)
        {
            match self.strategy(c) {
                Strategy::Extended => self.compress(c),
                _ => self.incompressible[c] = true,
            }
            if self.size(c) > target - self.head().min(target) {
                self.put_out(c)?;
            }
        }
        while self.store.toast().is_some()
            && self.is_above(target)
            && let Some(c) = self.biggest(false, false)
        {
            self.put_out(c)?;
        }
        while self.is_above(target)
            && let Some(c) = self.biggest(true, true)
        {
            self.compress(c);
        }
        while self.store.toast().is_some()
            && self.is_above(WHOLE_PAGE)
            && let Some(c) = self.biggest(true, false)
        {
            self.put_out(c)?;
        }
        Ok(())
    }

    fn is_above(&self, limit: usize) -> bool {
        Sizes::of(self.store.desc(), self.batch, self.row, &self.replaced).total() > limit
    }

    fn head(&self) -> usize {
        Sizes::of(self.store.desc(), self.batch, self.row, &self.replaced).head
    }

    fn row_bytes(&self) -> usize {
        row_bytes(self.store.desc(), self.batch, self.row, &self.replaced)
    }

    fn strategy(&self, c: usize) -> Strategy {
        self.store.desc().attrs[c].strategy
    }

    fn raw(&self, c: usize) -> &[u8] {
        match self.batch.columns[c].get(self.row) {
            Datum::Bytes(b) => b,
            _ => &[],
        }
    }

    /// What the value takes now.
    fn size(&self, c: usize) -> usize {
        match &self.replaced[c] {
            Some(r) => r.bytes.len(),
            None => plain_size(&self.store.desc().attrs[c], self.batch.columns[c].get(self.row)).0,
        }
    }

    /// The column whose value is to be compressed, or put out of line, next.
    fn biggest(&self, main: bool, compress: bool) -> Option<usize> {
        let attrs = &self.store.desc().attrs;
        let wanted = |c: &usize| {
            let attr = &attrs[*c];
            let kind = match attr.strategy {
                Strategy::Plain => false,
                Strategy::Main => main,
                Strategy::External | Strategy::Extended => !main,
            };
            let still = match &self.replaced[*c] {
                Some(r) => !r.external && !compress,
                None => !(compress && self.incompressible[*c]),
            };
            kind && still && attr.phys == Phys::Bytes && !attr.dropped && !self.batch.columns[*c].is_null(self.row)
        };
        let mut best = None;
        for c in (0..attrs.len()).filter(wanted) {
            let size = self.size(c);
            if size > best.map_or(REFERENCE, |(_, size)| size) {
                best = Some((c, size));
            }
        }
        best.map(|(c, _)| c)
    }

    fn compress(&mut self, c: usize) {
        let method = self.store.desc().attrs[c].compression.unwrap_or(self.cx.compression);
        let raw = self.raw(c);
        let packed = match method {
            Compression::Pglz => pglz::compress(raw),
            Compression::Lz4 => lz::compress(raw),
        };
        // With what stands before it, it must be worth the trouble (PostgreSQL 15, toast_compress_datum: same).
        match packed.filter(|p| p.len() + 8 + 2 < raw.len()) {
            Some(packed) => {
                let bytes = toast::compressed(raw.len(), method, &packed);
                self.replaced[c] = Some(Replaced { bytes, external: false });
            }
            None => self.incompressible[c] = true,
        }
    }

    fn put_out(&mut self, c: usize) -> Flow<()> {
        let Some(to) = self.store.toast() else { return Ok(()) };
        let raw = self.raw(c);
        let reference = match &self.replaced[c] {
            Some(packed) => {
                let packed = &packed.bytes[4..];
                let method = toast::method(packed).map(|(method, _)| method);
                toast::store_value(self.cx, to, raw.len(), packed, method)?
            }
            None => toast::store_value(self.cx, to, raw.len(), raw, None)?,
        };
        self.replaced[c] = Some(Replaced::reference(reference));
        Ok(())
    }
}

impl Replaced {
    pub(super) fn reference(reference: Reference) -> Replaced {
        Replaced { bytes: reference.encode(), external: true }
    }
}
