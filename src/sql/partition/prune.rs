//! Which partitions a condition can find rows in. PostgreSQL 15, partprune.c: same partitions stay.

use super::{Bounds, Routing, Span, list_key, push_value};
use crate::base::Result;
use crate::sql::expr::Expr;
use crate::types::{Datum, TypeRef, Value, element_type, oid};

/// A condition as far as it says something about a key.
#[derive(Clone, Debug)]
pub enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    /// A column of the key, and what it is compared with.
    Column(usize, Operand),
    /// Says nothing.
    Unknown,
}

#[derive(Clone, Debug)]
pub enum Operand {
    Eq(Expr),
    Lt(Expr),
    Le(Expr),
    Gt(Expr),
    Ge(Expr),
    /// An array's elements.
    EqAny(Expr),
    IsNull,
    NotNull,
}

impl Operand {
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Operand::Eq(e) | Operand::Lt(e) | Operand::Le(e) | Operand::Gt(e) | Operand::Ge(e) | Operand::EqAny(e) => {
                Some(e)
            }
            Operand::IsNull | Operand::NotNull => None,
        }
    }

    pub fn expr_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Operand::Eq(e) | Operand::Lt(e) | Operand::Le(e) | Operand::Gt(e) | Operand::Ge(e) | Operand::EqAny(e) => {
                Some(e)
            }
            Operand::IsNull | Operand::NotNull => None,
        }
    }
}

impl Test {
    /// Calls `f` for every value compared with.
    pub fn for_each_expr<'t>(&'t self, f: &mut dyn FnMut(&'t Expr)) {
        match self {
            Test::All(list) | Test::Any(list) => list.iter().for_each(|t| t.for_each_expr(f)),
            Test::Column(_, operand) => operand.expr().into_iter().for_each(f),
            Test::Unknown => {}
        }
    }

    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Test::All(list) | Test::Any(list) => list.iter_mut().for_each(|t| t.for_each_expr_mut(f)),
            Test::Column(_, operand) => operand.expr_mut().into_iter().for_each(f),
            Test::Unknown => {}
        }
    }
}

/// The value of an expression without columns; None: not known yet.
pub type Evaluate<'e> = &'e mut dyn FnMut(&Expr) -> Result<Option<Value>>;

/// What is known of one key column.
#[derive(Default, Clone)]
struct Column {
    /// One of these, if some are given.
    equal: Option<Vec<Value>>,
    /// (value, itself included)
    lower: Option<(Value, bool)>,
    upper: Option<(Value, bool)>,
    null: bool,
    not_null: bool,
}

/// A column's conditions, or that they cannot hold.
enum Known {
    Columns(Vec<Column>),
    Never,
}

/// More combinations of listed values than this are not looked at one by one.
const MAX_COMBINATIONS: usize = 4096;

impl Routing {
    /// The partitions that stay, by their place.
    pub fn survivors(&self, test: &Test, evaluate: Evaluate<'_>) -> Result<Vec<bool>> {
        match test {
            Test::Unknown => Ok(vec![true; self.children.len()]),
            Test::Any(list) => {
                let mut stay = vec![false; self.children.len()];
                for t in list {
                    stay.iter_mut().zip(self.survivors(t, evaluate)?).for_each(|(a, b)| *a |= b);
                }
                Ok(stay)
            }
            Test::All(list) => self.all_of(&list.iter().collect::<Vec<_>>(), evaluate),
            Test::Column(..) => self.all_of(&[test], evaluate),
        }
    }

    fn all_of(&self, list: &[&Test], evaluate: Evaluate<'_>) -> Result<Vec<bool>> {
        let mut stay = match self.known(list, evaluate)? {
            Known::Never => vec![false; self.children.len()],
            Known::Columns(columns) => self.fitting(&columns)?,
        };
        for t in list.iter().filter(|t| !matches!(t, Test::Column(..))) {
            stay.iter_mut().zip(self.survivors(t, evaluate)?).for_each(|(a, b)| *a &= b);
        }
        Ok(stay)
    }

    fn known(&self, list: &[&Test], evaluate: Evaluate<'_>) -> Result<Known> {
        let mut columns = vec![Column::default(); self.key.columns.len()];
        for t in list {
            let Test::Column(n, operand) = t else { continue };
            let Some(ty) = self.key.columns.get(*n).map(|c| c.ty) else { continue };
            let column = &mut columns[*n];
            let Some(e) = operand.expr() else {
                match operand {
                    Operand::IsNull => column.null = true,
                    _ => column.not_null = true,
                }
                continue;
            };
            let Some(value) = evaluate(e)? else { continue };
            if value.is_null() {
                return Ok(Known::Never);
            }
            if let Operand::EqAny(_) = operand {
                let Some(values) = elements(&value, e.ty, ty) else { continue };
                column.equal.get_or_insert(values);
                continue;
            }
            let beyond = beyond(ty, &value);
            match (operand, beyond) {
                (Operand::Eq(_), 0) => column.equal = Some(converted(ty, value).into_iter().collect()),
                (Operand::Eq(_), _) => column.equal = Some(Vec::new()),
                (Operand::Lt(_) | Operand::Le(_), -1) | (Operand::Gt(_) | Operand::Ge(_), 1) => {
                    return Ok(Known::Never);
                }
                (_, b) if b != 0 => column.not_null = true,
                (Operand::Lt(_) | Operand::Le(_), _) => {
                    let Some(v) = converted(ty, value) else { continue };
                    narrow(&mut column.upper, (v, matches!(operand, Operand::Le(_))), ty, true);
                }
                _ => {
                    let Some(v) = converted(ty, value) else { continue };
                    narrow(&mut column.lower, (v, matches!(operand, Operand::Ge(_))), ty, false);
                }
            }
        }
        let strict = |c: &Column| c.not_null || c.equal.is_some() || c.lower.is_some() || c.upper.is_some();
        let never = columns.iter().any(|c| c.null && strict(c) || c.equal.as_ref().is_some_and(Vec::is_empty));
        Ok(if never { Known::Never } else { Known::Columns(columns) })
    }

    fn fitting(&self, columns: &[Column]) -> Result<Vec<bool>> {
        let mut stay = vec![false; self.children.len()];
        match &self.bounds {
            Bounds::List { values, null } => self.in_list(&columns[0], values, *null, &mut stay)?,
            Bounds::Range(spans) => self.in_ranges(columns, spans, &mut stay),
            Bounds::Hash { .. } => self.in_hash(columns, &mut stay)?,
        }
        Ok(stay)
    }

    fn in_list(&self, c: &Column, values: &[(Vec<u8>, usize)], null: Option<usize>, stay: &mut [bool]) -> Result<()> {
        if c.null {
            stay.iter_mut().enumerate().for_each(|(n, s)| *s = Some(n) == null.or(self.default));
            return Ok(());
        }
        if let Some(equal) = &c.equal {
            for v in equal {
                self.find(&[v.datum()])?.into_iter().for_each(|n| stay[n] = true);
            }
            return Ok(());
        }
        if !c.not_null && c.lower.is_none() && c.upper.is_none() {
            stay.fill(true);
            return Ok(());
        }
        let edge = |e: &Option<(Value, bool)>| e.as_ref().map(|(v, with)| (list_key(&self.key, v.datum()), *with));
        let (lower, upper) = (edge(&c.lower), edge(&c.upper));
        for (v, n) in values {
            let above = lower.as_ref().is_none_or(|(k, with)| v > k || *with && v == k);
            let below = upper.as_ref().is_none_or(|(k, with)| v < k || *with && v == k);
            stay[*n] |= above && below;
        }
        self.default.into_iter().for_each(|n| stay[n] = true);
        Ok(())
    }

    fn in_ranges(&self, columns: &[Column], spans: &[Span], stay: &mut [bool]) {
        // A NULL anywhere in the key is the default partition's.
        if columns.iter().any(|c| c.null) {
            self.default.into_iter().for_each(|n| stay[n] = true);
            return;
        }
        let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
        let mut n = 0;
        while let Some(equal) = columns.get(n).and_then(|c| c.equal.as_ref())
            && prefixes.len() * equal.len() <= MAX_COMBINATIONS
        {
            let ty = self.key.columns[n].ty;
            let longer = |p: &Vec<u8>, v: &Value| {
                let mut p = p.clone();
                push_value(ty, v.datum(), &mut p);
                p
            };
            prefixes = prefixes.iter().flat_map(|p| equal.iter().map(move |v| longer(p, v))).collect();
            n += 1;
        }
        let mut gap =
            columns.iter().any(|c| !c.not_null && c.equal.is_none() && c.lower.is_none() && c.upper.is_none());
        for prefix in &prefixes {
            let (from, to) = self.interval(prefix, columns, n);
            let first = spans.partition_point(|s| s.to <= from);
            let mut reached = from;
            for s in spans[first..].iter().take_while(|s| s.from < to) {
                stay[s.child] = true;
                gap |= s.from > reached;
                reached.clone_from(&s.to);
            }
            gap |= reached < to;
        }
        if gap {
            self.default.into_iter().for_each(|n| stay[n] = true);
        }
    }

    /// From inclusive, to exclusive: the keys with a prefix of `n` columns and what is known of the column behind it.
    fn interval(&self, prefix: &[u8], columns: &[Column], n: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut from, mut to) = (prefix.to_vec(), prefix.to_vec());
        let Some(c) = columns.get(n) else {
            to.push(0);
            return (from, to);
        };
        let ty = self.key.columns[n].ty;
        // All keys that begin with a value lie below the value followed by this.
        let behind = if n + 1 < columns.len() { 2 } else { 0 };
        match &c.lower {
            Some((v, with)) => {
                push_value(ty, v.datum(), &mut from);
                if !with {
                    from.push(behind);
                }
            }
            None => from.push(1),
        }
        match &c.upper {
            Some((v, with)) => {
                push_value(ty, v.datum(), &mut to);
                if *with {
                    to.push(behind);
                }
            }
            None => to.push(2),
        }
        (from, to)
    }

    fn in_hash(&self, columns: &[Column], stay: &mut [bool]) -> Result<()> {
        let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
        for c in columns {
            let choices = match (&c.equal, c.null) {
                (Some(values), _) if rows.len() * values.len() <= MAX_COMBINATIONS => values.clone(),
                (None, true) => vec![Value::Null],
                _ => {
                    stay.fill(true);
                    return Ok(());
                }
            };
            rows = rows
                .iter()
                .flat_map(|r| choices.iter().map(move |v| r.iter().cloned().chain([v.clone()]).collect()))
                .collect();
        }
        for row in &rows {
            let values: Vec<Datum<'_>> = row.iter().map(Value::datum).collect();
            self.find(&values)?.into_iter().for_each(|n| stay[n] = true);
        }
        Ok(())
    }
}

/// Keeps the narrower of two bounds.
fn narrow(have: &mut Option<(Value, bool)>, new: (Value, bool), ty: TypeRef, upper: bool) {
    let keep = have.as_ref().is_some_and(|(v, with)| {
        let order = crate::types::compare(ty, v.datum(), new.0.datum());
        let order = if upper { order } else { order.reverse() };
        order.is_lt() || order.is_eq() && (!with || new.1)
    });
    if !keep {
        *have = Some(new);
    }
}

fn wide(value: &Value) -> Option<i64> {
    match value {
        Value::I16(v) => Some(i64::from(*v)),
        Value::I32(v) => Some(i64::from(*v)),
        Value::I64(v) => Some(*v),
        _ => None,
    }
}

/// −1 or 1 for an integer below or above all values of the type.
fn beyond(ty: TypeRef, value: &Value) -> i8 {
    let Some(v) = wide(value) else { return 0 };
    let (low, high) = match crate::types::base_type(ty.oid) {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => return 0,
    };
    i8::from(v > high) - i8::from(v < low)
}

/// An integer as the key's type has it; other values are of that type already.
fn converted(ty: TypeRef, value: Value) -> Option<Value> {
    let Some(v) = wide(&value) else { return Some(value) };
    match crate::types::base_type(ty.oid) {
        oid::INT2 => i16::try_from(v).ok().map(Value::I16),
        oid::INT4 => i32::try_from(v).ok().map(Value::I32),
        oid::INT8 => Some(Value::I64(v)),
        _ => Some(value),
    }
}

/// An array's elements; NULLs equal nothing.
fn elements(value: &Value, array: TypeRef, ty: TypeRef) -> Option<Vec<Value>> {
    let Value::Bytes(bytes) = value else { return None };
    element_type(array.oid)?;
    let array = crate::types::array::Array::new(bytes);
    Some(array.iter().filter(|v| !v.is_null()).filter_map(|v| converted(ty, v.to_value())).collect())
}
