//! Rows by an index: equality on leading columns, then a range; `= ANY` as several ranges one after the other.

use super::output::Output;
use super::seq_scan::store_of;
use super::sieve::Sieve;
use super::{ExecContext, Node};
use crate::base::{Flow, Oid, Result, TupleId};
use crate::btree::{Bounds, Direction, IndexScan as TreeScan, IndexStore, KeyType};
use crate::heap::HeapFetch;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Sel, elements};
use crate::sql::plan::{self, IndexOp};
use crate::storage::Storage;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys, TypeRef, Value, element_type};
use std::sync::Arc;

/// The first batch is small: a LIMIT or a unique key may want no more.
const FIRST_BATCH: usize = 16;

pub(super) struct IndexScan {
    storage: Arc<Storage>,
    /// For the statistics.
    oid: Oid,
    index: Arc<IndexStore>,
    fetch: HeapFetch,
    values: Projection,
    conditions: Vec<(usize, IndexOp, TypeRef)>,
    direction: Direction,
    /// Ranges still to scan, last one first; None: not computed yet.
    ranges: Option<Vec<Bounds>>,
    tree: Option<TreeScan>,
    /// Addresses the index gave, fetched up to `at`.
    tids: Vec<TupleId>,
    at: usize,
    batch_rows: usize,
    sieve: Sieve,
    output: Output,
}

impl IndexScan {
    pub fn start(s: &plan::IndexScan, lazy: bool, cx: &mut ExecContext) -> Result<IndexScan> {
        let exprs: Vec<Expr> = s.conditions.iter().map(|c| c.value.clone()).collect();
        Ok(IndexScan {
            storage: cx.storage()?,
            oid: s.index.oid,
            index: s.index.store.clone(),
            fetch: HeapFetch::new(store_of(&s.rel)?, cx.snapshot()?, s.attnos.clone()),
            values: Projection::new(&exprs),
            conditions: s.conditions.iter().map(|c| (c.column, c.op, c.value.ty)).collect(),
            direction: if s.backward { Direction::Backward } else { Direction::Forward },
            ranges: None,
            tree: None,
            tids: Vec::new(),
            at: 0,
            batch_rows: FIRST_BATCH,
            sieve: Sieve::default(),
            output: Output::new(s.filter.as_ref(), s.project.as_deref()).lazy(lazy),
        })
    }

    fn compute_ranges(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        let mut ranges = ranges(self.index.keys(), &self.conditions, &values)?;
        if self.direction == Direction::Forward {
            ranges.reverse();
        }
        self.ranges = Some(ranges);
        cx.backend()?.stats.count_scan(self.oid);
        Ok(())
    }

    /// Rows of the next stretch of the index.
    fn fetch_batch(&mut self, cx: &mut ExecContext) -> Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut entries = 0;
        loop {
            while let Some(tid) = self.tids.get(self.at)
                && !self.fetch.is_full(&batch)
            {
                self.at += 1;
                self.fetch.fetch(&self.storage, *tid, &mut batch)?;
            }
            if self.at < self.tids.len() || batch.rows >= self.batch_rows {
                break;
            }
            if self.tree.is_none() {
                let Some(bounds) = self.ranges.as_mut().and_then(Vec::pop) else { break };
                let tree = TreeScan::new(self.index.clone(), bounds, self.direction);
                self.tree = Some(tree.seeing(self.fetch.snapshot()));
            }
            let Some(tree) = &mut self.tree else { break };
            self.tids.clear();
            self.at = 0;
            let more = tree.next_tids(&self.storage, self.batch_rows - batch.rows, &mut self.tids)?;
            entries += self.tids.len() as i64;
            if !more {
                self.tree = None;
            }
        }
        self.batch_rows = (self.batch_rows * 4).min(BATCH_ROWS);
        let counts = cx.backend()?.stats.table(self.oid);
        counts.tuples_returned += entries;
        counts.tuples_fetched += batch.rows as i64;
        Ok((batch.rows > 0).then_some(batch))
    }
}

impl Node for IndexScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.ranges.is_none() {
                self.compute_ranges(cx)?;
            }
            if !self.output.is_busy() {
                if !self.sieve.give(cx, &self.storage, &mut [&mut self.output], &mut self.fetch)? {
                    cx.poll()?;
                    let places = self.sieve.places(&mut [&mut self.output], &self.fetch);
                    let sifted = places.is_some();
                    self.fetch.sift(places);
                    let Some(batch) = self.fetch_batch(cx)? else { return Ok(None) };
                    match sifted {
                        true => self.sieve.put(batch),
                        false => self.output.feed(batch),
                    }
                }
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.values.reset();
        self.ranges = None;
        self.tree = None;
        self.tids.clear();
        self.at = 0;
        self.batch_rows = FIRST_BATCH;
        self.fetch.forget();
        self.sieve.reset();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}

/// A condition's value in the column's own form.
enum Fitted {
    Value(Value),
    /// Beyond the column's greatest or below its least value.
    Above,
    Below,
    Null,
}

fn fit(value: Datum<'_>, key: KeyType) -> Fitted {
    let wide: i64 = match value {
        Datum::Null => return Fitted::Null,
        Datum::I16(v) => v.into(),
        Datum::I32(v) => v.into(),
        Datum::I64(v) => v,
        other => return Fitted::Value(other.to_value()),
    };
    let (made, least) = match crate::types::phys(key.ty.oid) {
        Phys::I16 => (i16::try_from(wide).ok().map(Value::I16), wide < 0),
        Phys::I32 => (i32::try_from(wide).ok().map(Value::I32), wide < 0),
        _ => (Some(Value::I64(wide)), false),
    };
    match (made, least) {
        (Some(v), _) => Fitted::Value(v),
        (None, true) => Fitted::Below,
        (None, false) => Fitted::Above,
    }
}

/// Ends of a range over one column's keys.
#[derive(Default)]
struct Ends {
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
    /// NULLs do not qualify.
    values_only: bool,
    empty: bool,
}

/// The smallest bytes above everything that starts with these.
fn after(bytes: &[u8]) -> Option<Vec<u8>> {
    Bounds::prefix(bytes.to_vec()).high
}

impl Ends {
    fn raise_low(&mut self, low: Option<Vec<u8>>) {
        match low {
            None => self.empty = true,
            Some(l) if self.low.as_ref().is_none_or(|have| *have < l) => self.low = Some(l),
            Some(_) => {}
        }
    }

    fn lower_high(&mut self, high: Option<Vec<u8>>) {
        if let Some(h) = high
            && self.high.as_ref().is_none_or(|have| *have > h)
        {
            self.high = Some(h);
        }
    }

    fn limit(&mut self, op: IndexOp, value: Datum<'_>, key: KeyType) {
        self.values_only = true;
        let v = match (fit(value, key), op) {
            (Fitted::Value(v), _) => v,
            (Fitted::Null, _) => {
                self.empty = true;
                return;
            }
            (Fitted::Above, IndexOp::Lt | IndexOp::Le) | (Fitted::Below, IndexOp::Gt | IndexOp::Ge) => return,
            (Fitted::Above | Fitted::Below, _) => {
                self.empty = true;
                return;
            }
        };
        let mut bytes = Vec::new();
        key.encode(v.datum(), &mut bytes);
        // A descending column's bytes go the other way.
        match (op, key.desc) {
            (IndexOp::Lt, false) | (IndexOp::Gt, true) => self.lower_high(Some(bytes)),
            (IndexOp::Le, false) | (IndexOp::Ge, true) => self.lower_high(after(&bytes)),
            (IndexOp::Gt, false) | (IndexOp::Lt, true) => self.raise_low(after(&bytes)),
            (IndexOp::Ge, false) | (IndexOp::Le, true) => self.raise_low(Some(bytes)),
            _ => {
                self.raise_low(Some(bytes.clone()));
                self.lower_high(after(&bytes));
            }
        }
    }
}

/// What the conditions on the columns leave of the index, ascending.
pub(super) fn ranges(
    keys: &[KeyType],
    conditions: &[(usize, IndexOp, TypeRef)],
    values: &[Column],
) -> Result<Vec<Bounds>> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    for (column, key) in keys.iter().enumerate() {
        let here: Vec<usize> = (0..conditions.len()).filter(|c| conditions[*c].0 == column).collect();
        let fixed = here.iter().find(|c| matches!(conditions[**c].1, IndexOp::Eq | IndexOp::EqAny | IndexOp::IsNull));
        let mut ends = Ends::default();
        for c in here.iter().filter(|c| Some(*c) != fixed) {
            match conditions[*c].1 {
                IndexOp::IsNotNull => ends.values_only = true,
                IndexOp::IsNull | IndexOp::EqAny => {}
                op => ends.limit(op, values[*c].get(0), *key),
            }
        }
        if ends.empty {
            return Ok(Vec::new());
        }
        let Some(&fixed) = fixed else { return Ok(finish(prefixes, ends, *key)) };
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for d in candidates(conditions[fixed], &values[fixed])? {
            let mut bytes = Vec::new();
            match (conditions[fixed].1, fit(d.datum(), *key)) {
                (IndexOp::IsNull, _) => key.null(&mut bytes),
                (_, Fitted::Value(v)) => key.encode(v.datum(), &mut bytes),
                _ => continue,
            }
            let inside = ends.low.as_ref().is_none_or(|l| bytes >= *l) && ends.high.as_ref().is_none_or(|h| bytes < *h);
            if inside && !(ends.values_only && conditions[fixed].1 == IndexOp::IsNull) {
                parts.push(bytes);
            }
        }
        parts.sort_unstable();
        parts.dedup();
        prefixes = prefixes.iter().flat_map(|p| parts.iter().map(move |q| [p.as_slice(), q].concat())).collect();
    }
    Ok(prefixes.into_iter().map(Bounds::prefix).collect())
}

/// The values an equality allows.
fn candidates((_, op, ty): (usize, IndexOp, TypeRef), value: &Column) -> Result<Vec<Value>> {
    if op != IndexOp::EqAny {
        return Ok(vec![value.get(0).to_value()]);
    }
    if value.is_null(0) {
        return Ok(Vec::new());
    }
    let all = elements(value.get(0), TypeRef::of(element_type(ty.oid).unwrap_or(ty.oid)))?;
    Ok((0..all.len()).map(|n| all.get(n).to_value()).filter(|v| !v.is_null()).collect())
}

/// Ranges of one column behind each prefix.
fn finish(prefixes: Vec<Vec<u8>>, ends: Ends, key: KeyType) -> Vec<Bounds> {
    let mut any = Vec::new();
    key.any_value(&mut any);
    let (mut low, mut high) = (ends.low, ends.high);
    if ends.values_only {
        low = Some(low.unwrap_or_else(|| any.clone()));
        high = high.or_else(|| after(&any));
    }
    let bounds = |prefix: Vec<u8>| {
        let whole = Bounds::prefix(prefix.clone());
        Bounds {
            low: low.as_ref().map_or_else(|| prefix.clone(), |l| [prefix.as_slice(), l].concat()),
            high: match &high {
                Some(h) => Some([prefix.as_slice(), h].concat()),
                None if prefix.is_empty() => None,
                None => whole.high,
            },
        }
    };
    prefixes.into_iter().map(bounds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    const INT4: TypeRef = TypeRef::of(oid::INT4);

    fn key(desc: bool) -> KeyType {
        KeyType { ty: INT4, desc, nulls_first: desc }
    }

    fn bytes(values: &[i32], desc: bool) -> Vec<u8> {
        let mut out = Vec::new();
        values.iter().for_each(|v| key(desc).encode(Datum::I32(*v), &mut out));
        out
    }

    fn inside(ranges: &[Bounds], entry: &[u8]) -> bool {
        ranges.iter().any(|b| entry >= b.low.as_slice() && b.high.as_ref().is_none_or(|h| entry < h.as_slice()))
    }

    fn constant(v: i32) -> Column {
        Column::constant(Phys::I32, Datum::I32(v), 1)
    }

    /// `a = 5 and b > 2 and b <= 7` takes exactly these entries, in ascending and in descending indexes.
    #[test]
    fn equality_then_range() {
        for desc in [false, true] {
            let keys = [key(desc), key(desc)];
            let conditions = [(0, IndexOp::Eq, INT4), (1, IndexOp::Gt, INT4), (1, IndexOp::Le, INT4)];
            let r = ranges(&keys, &conditions, &[constant(5), constant(2), constant(7)]).unwrap();
            assert_eq!(r.len(), 1);
            for (a, b) in [(4, 5), (5, 2), (5, 3), (5, 7), (5, 8), (6, 3)] {
                assert_eq!(inside(&r, &bytes(&[a, b], desc)), a == 5 && b > 2 && b <= 7, "{a} {b} {desc}");
            }
            let mut with_null = bytes(&[5], desc);
            key(desc).null(&mut with_null);
            assert!(!inside(&r, &with_null), "a NULL is in no range");
        }
    }

    /// A constant beyond the column's type finds nothing by `=` and everything but NULLs by `<`.
    #[test]
    fn constants_out_of_the_columns_range() {
        let keys = [key(false)];
        let big = Column::constant(Phys::I64, Datum::I64(1 << 40), 1);
        let int8 = TypeRef::of(oid::INT8);
        assert!(ranges(&keys, &[(0, IndexOp::Eq, int8)], std::slice::from_ref(&big)).unwrap().is_empty());
        let r = ranges(&keys, &[(0, IndexOp::Lt, int8)], &[big]).unwrap();
        assert!(inside(&r, &bytes(&[i32::MAX], false)) && inside(&r, &bytes(&[i32::MIN], false)));
        let mut null = Vec::new();
        key(false).null(&mut null);
        assert!(!inside(&r, &null));
    }
}
