//! What conditions on the columns of an index leave of it: ranges of its entries.
//!
//! PostgreSQL 15, nbtutils.c, _bt_check_rowcompare: what a comparison of rows finds is the same, NULLs included; here
//! it is found as ranges, one for each column in which a row can differ first.

use crate::base::Result;
use crate::btree::{Bounds, KeyType};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::elements;
use crate::sql::plan::{IndexCondition, IndexOp};
use crate::types::{Column, Datum, Phys, TypeRef, Value, element_type};

/// The conditions of a search.
pub(super) struct Search {
    /// Column, operator, type of the value: one for each value.
    conditions: Vec<(usize, IndexOp, TypeRef)>,
    rows: Vec<RowBound>,
}

/// A comparison of rows.
struct RowBound {
    op: IndexOp,
    /// The first column and how many follow one another.
    column: usize,
    columns: usize,
    /// The first of its values.
    value: usize,
}

impl Search {
    /// With what is to be computed for [`ranges`](Self::ranges).
    pub fn of(conditions: &[IndexCondition]) -> (Search, Vec<Expr>) {
        let (plain, rows): (Vec<_>, Vec<_>) = conditions.iter().partition(|c| c.row.is_empty());
        let mut search =
            Search { conditions: plain.iter().map(|c| (c.column, c.op, c.value.ty)).collect(), rows: Vec::new() };
        let mut values: Vec<Expr> = plain.iter().map(|c| c.value.clone()).collect();
        for c in rows {
            let (column, columns, value) = (c.column, c.row.len() + 1, values.len());
            search.rows.push(RowBound { op: c.op, column, columns, value });
            values.extend(c.parts().map(|(_, e)| e.clone()));
        }
        (search, values)
    }

    /// What the conditions leave of the index, ascending.
    pub fn ranges(&self, keys: &[KeyType], values: &[Column]) -> Result<Vec<Bounds>> {
        let (mut found, prefixes) = ranges(keys, &self.conditions, values)?;
        for row in &self.rows {
            let Some(before) = prefixes.get(row.column) else { continue };
            let within: Vec<Bounds> = before.iter().flat_map(|p| row.ranges(p, keys, values)).collect();
            found = common(found, within);
        }
        Ok(found)
    }
}

impl RowBound {
    /// Ranges behind a prefix, ascending: rows that are equal up to some column and differ there as asked.
    fn ranges(&self, prefix: &[u8], keys: &[KeyType], values: &[Column]) -> Vec<Bounds> {
        let mut prefix = prefix.to_vec();
        let mut found = Vec::new();
        for (n, key) in keys.iter().skip(self.column).take(self.columns).enumerate() {
            let value = values[self.value + n].get(0);
            let op = match self.op {
                IndexOp::Ge if n + 1 < self.columns => IndexOp::Gt,
                IndexOp::Le if n + 1 < self.columns => IndexOp::Lt,
                op => op,
            };
            let mut ends = Ends::default();
            ends.limit(op, value, *key);
            if !ends.empty {
                found.extend(finish(vec![prefix.clone()], ends, *key));
            }
            match fit(value, *key) {
                Fitted::Value(v) => key.encode(v.datum(), &mut prefix),
                // Nothing is equal to it.
                Fitted::Above | Fitted::Below | Fitted::Null => break,
            }
        }
        found.sort_unstable_by(|a, b| a.low.cmp(&b.low));
        found
    }
}

/// What two ascending lists have in common.
fn common(a: Vec<Bounds>, b: Vec<Bounds>) -> Vec<Bounds> {
    let mut found = Vec::new();
    let (mut left, mut right) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let (low, l_first) = (l.low.clone().max(r.low.clone()), ends_first(l, r));
        let high = if l_first { l.high.clone() } else { r.high.clone() };
        if high.as_ref().is_none_or(|h| low < *h) {
            found.push(Bounds { low, high });
        }
        let _ = if l_first { left.next() } else { right.next() };
    }
    found
}

fn ends_first(a: &Bounds, b: &Bounds) -> bool {
    match (&a.high, &b.high) {
        (Some(a), Some(b)) => a <= b,
        (high, None) => high.is_some(),
        (None, Some(_)) => false,
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

/// What the conditions on single columns leave of the index, ascending; and what is before each column up to the first that
/// is not held by an equality.
fn ranges(
    keys: &[KeyType],
    conditions: &[(usize, IndexOp, TypeRef)],
    values: &[Column],
) -> Result<(Vec<Bounds>, Vec<Vec<Vec<u8>>>)> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut before = Vec::with_capacity(1);
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
            return Ok((Vec::new(), before));
        }
        before.push(prefixes.clone());
        let Some(&fixed) = fixed else { return Ok((finish(prefixes, ends, *key), before)) };
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
    Ok((prefixes.into_iter().map(Bounds::prefix).collect(), before))
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
            let r = ranges(&keys, &conditions, &[constant(5), constant(2), constant(7)]).unwrap().0;
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
        assert!(ranges(&keys, &[(0, IndexOp::Eq, int8)], std::slice::from_ref(&big)).unwrap().0.is_empty());
        let r = ranges(&keys, &[(0, IndexOp::Lt, int8)], &[big]).unwrap().0;
        assert!(inside(&r, &bytes(&[i32::MAX], false)) && inside(&r, &bytes(&[i32::MIN], false)));
        let mut null = Vec::new();
        key(false).null(&mut null);
        assert!(!inside(&r, &null));
    }
}
