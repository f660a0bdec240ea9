//! Conditions asked before long values are read that they do not need, once some have been met: a value out of line, or
//! compressed, costs more than the rest of its row, and most rows of a scan may fail.

use super::ExecContext;
use super::output::{Output, is_of_a_row, rows_of};
use crate::base::{Flow, Result, Stop};
use crate::heap::{HeapFetch, HeapScan};
use crate::storage::Storage;
use crate::types::Batch;
use std::collections::BTreeSet;

/// Rows of a table that can be read in two steps.
pub(super) trait Sifted {
    /// Values were read that lay out of line, or compressed.
    fn met_long(&self) -> bool;

    /// Columns beside those in these places can have such values.
    fn may_be_long_beside(&self, places: &[usize]) -> bool;

    /// Of the rows sifted last these are wanted (None: all).
    fn keep(&mut self, wanted: Option<&[u32]>);

    /// Replaces `out` by the next of the rows that were kept; false: there are no more.
    fn kept(&mut self, storage: &Storage, out: &mut Batch) -> Result<bool>;
}

macro_rules! sifted {
    ($($rows:ty),*) => { $(impl Sifted for $rows {
        fn met_long(&self) -> bool {
            <$rows>::met_long(self)
        }

        fn may_be_long_beside(&self, places: &[usize]) -> bool {
            <$rows>::may_be_long_beside(self, places)
        }

        fn keep(&mut self, wanted: Option<&[u32]>) {
            <$rows>::keep(self, wanted);
        }

        fn kept(&mut self, storage: &Storage, out: &mut Batch) -> Result<bool> {
            <$rows>::kept(self, storage, out)
        }
    })* };
}

sifted!(HeapScan, HeapFetch);

/// Stands between a scan's rows and its filters, which are asked one after the other.
#[derive(Default)]
pub(super) struct Sieve {
    /// Where the columns stand that the filters read, once that was wanted; None inside: there is nothing to gain.
    places: Option<Option<Vec<usize>>>,
    /// These columns of the rows that are being asked about.
    batch: Option<Batch>,
    /// How many filters have answered for it, and which rows they left (None: all).
    answers: usize,
    left: Option<Vec<u32>>,
    /// The rows kept have passed; else they are to be asked again, since one of them fails.
    passed: bool,
}

impl Sieve {
    /// The columns to read at first of the next rows; None: all of them.
    pub fn places(&mut self, filters: &mut [&mut Output], rows: &impl Sifted) -> Option<&[usize]> {
        if self.places.is_none() && rows.met_long() {
            let read = columns_of(filters).filter(|read| rows.may_be_long_beside(read));
            self.places = Some(read);
        }
        self.places.as_ref()?.as_deref()
    }

    /// Takes rows of which only the first columns were read; [`give`](Self::give) has them asked about.
    pub fn put(&mut self, batch: Batch) {
        self.batch = Some(batch);
    }

    /// Feeds rows that were kept to the filters' last, if there are any.
    pub fn give(
        &mut self,
        cx: &mut ExecContext,
        storage: &Storage,
        filters: &mut [&mut Output],
        rows: &mut impl Sifted,
    ) -> Flow<bool> {
        self.ask(cx, filters, rows)?;
        let mut batch = Batch::default();
        if !rows.kept(storage, &mut batch)? {
            return Ok(false);
        }
        let (first, last) = (0, filters.len() - 1);
        match self.passed {
            true => filters[last].feed_passed(batch),
            false => filters[first].feed(batch),
        }
        Ok(true)
    }

    /// Has the rows in hand asked about.
    fn ask(&mut self, cx: &mut ExecContext, filters: &mut [&mut Output], rows: &mut impl Sifted) -> Flow<()> {
        let Some(batch) = &self.batch else { return Ok(()) };
        self.passed = true;
        while let Some(filter) = filters.get_mut(self.answers) {
            let narrow = self.left.as_ref().map(|left| rows_of(batch, left));
            match filter.ask(cx, narrow.as_ref().unwrap_or(batch)) {
                // Asked again together with its row, it comes behind the rows before it.
                Err(Stop::Error(e)) if is_of_a_row(&e) => {
                    (self.left, self.passed) = (None, false);
                    break;
                }
                answer => {
                    if let Some(wanted) = answer? {
                        let left = self.left.take();
                        let number = |n: u32| left.as_ref().map_or(n, |left| left[n as usize]);
                        self.left = Some(wanted.into_iter().map(number).collect());
                    }
                }
            }
            self.answers += 1;
        }
        rows.keep(self.left.as_deref());
        (self.batch, self.left, self.answers) = (None, None, 0);
        Ok(())
    }

    pub fn reset(&mut self) {
        (self.batch, self.left, self.answers) = (None, None, 0);
    }
}

/// The columns that filters read, ascending; None without any, or where they must not be asked so.
fn columns_of(filters: &mut [&mut Output]) -> Option<Vec<usize>> {
    let mut all = BTreeSet::new();
    let mut some = false;
    for filter in filters.iter_mut().filter(|f| f.has_filter()) {
        all.extend(filter.filter_columns()?);
        some = true;
    }
    some.then(|| all.into_iter().collect())
}
