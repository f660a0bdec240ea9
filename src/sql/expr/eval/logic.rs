//! AND, OR, NOT, CASE, COALESCE and their kin, with PostgreSQL's lazy semantics.

use super::pieces::room;
use super::{Eval, Op, Sel};
use crate::base::Flow;
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::Operand;
use crate::sql::expr::RowOp;
use crate::types::{Batch, Column, ColumnData, Phys, TypeRef};
use std::cmp::Ordering;

/// Truth values with NULL, as they are built up.
struct Truth {
    values: Vec<bool>,
    nulls: Vec<bool>,
    any_null: bool,
}

impl Truth {
    fn new(rows: usize, value: bool) -> Truth {
        Truth { values: vec![value; rows], nulls: vec![false; rows], any_null: false }
    }

    fn column(self) -> Column {
        Column { data: ColumnData::Bool(self.values), nulls: self.any_null.then_some(self.nulls) }
    }
}

/// The column's values as truth: (value, NULL).
fn bools(c: &Column) -> (&[bool], Option<&[bool]>) {
    match &c.data {
        ColumnData::Bool(v) => (v, c.nulls.as_deref()),
        _ => (&[], None),
    }
}

fn plain(values: Vec<bool>) -> Column {
    Column { data: ColumnData::Bool(values), nulls: None }
}

/// Evaluating it for rows that do not need it can neither fail nor be noticed.
fn harmless(e: &Eval) -> bool {
    match &e.op {
        Op::Const { .. } | Op::Param { .. } | Op::ExecParam(_) | Op::Column(_) => true,
        Op::Call(c) => super::compile::is_harmless(c.def.oid) && c.args.iter().all(harmless),
        Op::Not(a) | Op::IsNull { arg: a, .. } | Op::BoolTest { arg: a, .. } | Op::Relabel(a) => harmless(a),
        _ => false,
    }
}

/// Both AND (`stop` = false) and OR (`stop` = true): a row is settled as soon as an argument equals `stop`.
fn junction(args: &mut [Eval], stop: bool, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    let rows = sel.len();
    let mut truth = Truth::new(rows, !stop);
    for (n, arg) in args.iter_mut().enumerate() {
        let live: Vec<u32> = match n {
            0 => Vec::new(),
            _ => (0..rows as u32).filter(|&p| truth.nulls[p as usize] || truth.values[p as usize] != stop).collect(),
        };
        if n > 0 && live.is_empty() && rows > 0 {
            break;
        }
        let whole = n == 0 || live.len() == rows || (live.len() * 4 > rows && harmless(arg));
        let picked;
        let answer = if whole {
            arg.eval(cx, batch, sel)?
        } else {
            picked = sel.pick(&live);
            arg.eval(cx, batch, Sel::Rows(&picked))?
        };
        let (values, nulls) = bools(&answer);
        for (at, value) in values.iter().enumerate() {
            let p = if whole { at } else { live[at] as usize };
            if truth.values[p] == stop && !truth.nulls[p] {
                continue;
            }
            if nulls.is_some_and(|n| n[at]) {
                truth.nulls[p] = true;
                truth.any_null = true;
            } else if *value == stop {
                truth.values[p] = stop;
                truth.nulls[p] = false;
            }
        }
    }
    // COL-2: a NULL's slot holds false.
    if truth.any_null {
        truth.values.iter_mut().zip(&truth.nulls).for_each(|(v, n)| *v &= !n);
    }
    Ok(truth.column())
}

pub(super) fn and(args: &mut [Eval], cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    junction(args, false, cx, batch, sel)
}

pub(super) fn or(args: &mut [Eval], cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    junction(args, true, cx, batch, sel)
}

pub(super) fn not(arg: &mut Eval, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    let c = arg.eval(cx, batch, sel)?;
    let (values, nulls) = bools(&c);
    let flipped = match nulls {
        None => values.iter().map(|v| !v).collect(),
        Some(n) => values.iter().zip(n).map(|(v, n)| !v & !n).collect(),
    };
    Ok(Column { data: ColumnData::Bool(flipped), nulls: c.nulls.clone() })
}

pub(super) fn is_null(
    arg: &mut Eval,
    negated: bool,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let ty = arg.ty;
    let c = arg.eval(cx, batch, sel)?;
    if super::composite::is_composite(ty) {
        // A row is NULL if all its fields are, and NOT NULL if none is.
        let test = |r| super::composite::row_null_test(c.get(r), negated, &cx.fx.io);
        return Ok(plain((0..c.len()).map(test).collect::<crate::base::Result<_>>()?));
    }
    Ok(plain(match &c.nulls {
        None => vec![negated; c.len()],
        Some(n) => n.iter().map(|n| *n != negated).collect(),
    }))
}

pub(super) fn bool_test(
    arg: &mut Eval,
    is: Option<bool>,
    negated: bool,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let c = arg.eval(cx, batch, sel)?;
    let (values, nulls) = bools(&c);
    let test = |at: usize| {
        let null = nulls.is_some_and(|n| n[at]);
        let holds = match is {
            None => null,
            Some(b) => !null && values[at] == b,
        };
        holds != negated
    };
    Ok(plain((0..values.len()).map(test).collect()))
}

/// Sets an operand slot for the rows of a selection.
pub(super) fn set_operand(cx: &mut ExecContext, slot: usize, column: Column, sel: Sel<'_>) {
    if cx.run.operands.len() <= slot {
        cx.run.operands.resize(slot + 1, None);
    }
    let rows = match sel {
        Sel::All(_) => None,
        Sel::Rows(r) => Some(r.to_vec()),
    };
    cx.run.operands[slot] = Some(Operand { column, rows });
}

/// Two expressions, the slots their values go to, and the equality over these slots.
type Comparison<'a> = (&'a mut Eval, &'a mut Eval, [usize; 2], &'a mut Eval);

/// Both sides' columns and which rows are equal, where neither is NULL.
fn equality(
    (left, right, slots, equal): Comparison<'_>,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<(Column, Column, Column)> {
    let l = left.eval(cx, batch, sel)?.into_owned();
    let r = right.eval(cx, batch, sel)?.into_owned();
    set_operand(cx, slots[0], l.clone(), sel);
    set_operand(cx, slots[1], r.clone(), sel);
    let both: Vec<u32> = (0..l.len() as u32).filter(|&p| !l.is_null(p as usize) && !r.is_null(p as usize)).collect();
    let same = if both.len() == l.len() {
        equal.eval(cx, batch, sel)?.into_owned()
    } else {
        let rows = sel.pick(&both);
        let found = equal.eval(cx, batch, Sel::Rows(&rows))?;
        let mut all = vec![false; l.len()];
        let (values, nulls) = bools(&found);
        both.iter().enumerate().for_each(|(at, p)| all[*p as usize] = values[at] && !nulls.is_some_and(|n| n[at]));
        plain(all)
    };
    Ok((l, r, same))
}

pub(super) fn distinct(
    what: Comparison<'_>,
    negated: bool,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let (l, r, same) = equality(what, cx, batch, sel)?;
    let test = |at: usize| {
        let distinct = match (l.is_null(at), r.is_null(at)) {
            (true, true) => false,
            (false, false) => same.get(at) != crate::types::Datum::Bool(true),
            _ => true,
        };
        distinct != negated
    };
    Ok(plain((0..l.len()).map(test).collect()))
}

pub(super) fn null_if(what: Comparison<'_>, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    let (l, r, same) = equality(what, cx, batch, sel)?;
    let mut out = Column::with_capacity(l.phys(), l.len());
    for at in 0..l.len() {
        match !r.is_null(at) && same.get(at) == crate::types::Datum::Bool(true) {
            true => out.push_null(),
            false => out.push_from(&l, at),
        }
    }
    Ok(out)
}

/// Collects answers that belong to scattered positions.
struct Scatter {
    parts: Vec<Column>,
    /// For each position: which part, which of its values; none yet: NULL.
    from: Vec<(u32, u32)>,
}

const NOWHERE: (u32, u32) = (u32::MAX, 0);

impl Scatter {
    fn new(rows: usize) -> Scatter {
        Scatter { parts: Vec::new(), from: vec![NOWHERE; rows] }
    }

    fn add(&mut self, part: Column, positions: &[u32]) {
        let n = self.parts.len() as u32;
        positions.iter().enumerate().for_each(|(at, p)| self.from[*p as usize] = (n, at as u32));
        self.parts.push(part);
    }

    fn column(self, phys: Phys, cx: &mut ExecContext, sel: Sel<'_>) -> Flow<Column> {
        let mut out = Column::with_capacity(phys, self.from.len());
        for (part, at) in self.from {
            match self.parts.get(part as usize) {
                Some(c) => out.push_from(c, at as usize),
                None => out.push_null(),
            }
            room(cx, &out, sel)?;
        }
        Ok(out)
    }
}

pub(super) fn case(
    operand: Option<(usize, &mut Eval)>,
    arms: &mut [(Eval, Eval)],
    otherwise: Option<&mut Eval>,
    phys: Phys,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    if let Some((slot, e)) = operand {
        let value = e.eval(cx, batch, sel)?.into_owned();
        set_operand(cx, slot, value, sel);
    }
    let mut out = Scatter::new(sel.len());
    let mut open: Vec<u32> = (0..sel.len() as u32).collect();
    for (condition, value) in arms {
        if open.is_empty() {
            break;
        }
        let rows = sel.pick(&open);
        let answer = if open.len() == sel.len() {
            condition.eval(cx, batch, sel)?
        } else {
            condition.eval(cx, batch, Sel::Rows(&rows))?
        };
        let (values, nulls) = bools(&answer);
        let mut taken = Vec::new();
        let mut rest = Vec::new();
        for (at, p) in open.iter().enumerate() {
            let holds = values[at] && !nulls.is_some_and(|n| n[at]);
            if holds { taken.push(*p) } else { rest.push(*p) }
        }
        open = rest;
        if taken.is_empty() {
            continue;
        }
        if taken.len() == sel.len() {
            return Ok(value.eval(cx, batch, sel)?.into_owned());
        }
        let rows = sel.pick(&taken);
        let part = value.eval(cx, batch, Sel::Rows(&rows))?.into_owned();
        out.add(part, &taken);
    }
    if let (Some(value), false) = (otherwise, open.is_empty()) {
        let rows = sel.pick(&open);
        let part = value.eval(cx, batch, Sel::Rows(&rows))?.into_owned();
        out.add(part, &open);
    }
    out.column(phys, cx, sel)
}

pub(super) fn coalesce(
    args: &mut [Eval],
    phys: Phys,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let mut out = Scatter::new(sel.len());
    let mut open: Vec<u32> = (0..sel.len() as u32).collect();
    for (n, arg) in args.iter_mut().enumerate() {
        if open.is_empty() {
            break;
        }
        let part = if n == 0 {
            arg.eval(cx, batch, sel)?
        } else {
            let rows = sel.pick(&open);
            arg.eval(cx, batch, Sel::Rows(&rows))?
        };
        let Some(nulls) = part.nulls.as_ref().filter(|n| n.contains(&true)) else {
            if open.len() == sel.len() {
                return Ok(part.into_owned());
            }
            out.add(part.into_owned(), &open);
            open.clear();
            break;
        };
        let rest = open.iter().zip(nulls).filter(|(_, n)| **n).map(|(p, _)| *p).collect();
        let part = part.clone().into_owned();
        out.add(part, &open);
        open = rest;
    }
    out.column(phys, cx, sel)
}

pub(super) fn extreme(
    args: &mut [Eval],
    greatest: bool,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let ty = args.first().map_or(ty, |a| ty.ordered_by(a.ty().collation));
    let mut parts = Vec::with_capacity(args.len());
    for a in args {
        parts.push(a.eval(cx, batch, sel)?.into_owned());
    }
    let mut out = Column::with_capacity(super::super::super::exec::phys_of(ty), sel.len());
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    for at in 0..sel.len() {
        let mut best = crate::types::Datum::Null;
        for p in &parts {
            let v = p.get(at);
            if !v.is_null() && (best.is_null() || crate::types::compare(ty, v, best) == wanted) {
                best = v;
            }
        }
        out.push(best);
        room(cx, &out, sel)?;
    }
    Ok(out)
}

/// One column of a row comparison.
pub(super) struct Pair {
    pub left: Eval,
    pub right: Eval,
    pub slots: [usize; 2],
    pub eq: Eval,
    pub lt: Eval,
}

/// `(a, b) < (c, d)` and its kin.
pub(super) struct RowCompareOp {
    pub op: RowOp,
    pub pairs: Vec<Pair>,
}

impl RowCompareOp {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Eval)) {
        for p in &mut self.pairs {
            [&mut p.left, &mut p.right, &mut p.eq, &mut p.lt].into_iter().for_each(|e| e.visit(f));
        }
    }

    /// The first pair that differs, or has a NULL, decides. For `=` and `<>` a difference beats a NULL.
    pub fn eval(&mut self, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
        let equality_only = matches!(self.op, RowOp::Eq | RowOp::Ne);
        let rows = sel.len();
        let mut order: Vec<Option<Ordering>> = vec![Some(Ordering::Equal); rows];
        let mut open: Vec<u32> = (0..rows as u32).collect();
        for p in &mut self.pairs {
            if open.is_empty() {
                break;
            }
            let picked = sel.pick(&open);
            let sub = Sel::Rows(&picked);
            let (l, r, same) = equality((&mut p.left, &mut p.right, p.slots, &mut p.eq), cx, batch, sub)?;
            let less = match equality_only {
                true => None,
                false => {
                    set_operand(cx, p.slots[0], l.clone(), sub);
                    set_operand(cx, p.slots[1], r.clone(), sub);
                    Some(p.lt.eval(cx, batch, sub)?.into_owned())
                }
            };
            let is_true = |c: &Column, at: usize| c.get(at) == crate::types::Datum::Bool(true);
            let mut rest = Vec::new();
            for (at, &pos) in open.iter().enumerate() {
                let slot = &mut order[pos as usize];
                if l.is_null(at) || r.is_null(at) {
                    *slot = None;
                    if equality_only {
                        rest.push(pos);
                    }
                } else if is_true(&same, at) {
                    rest.push(pos);
                } else if less.as_ref().is_some_and(|c| !is_true(c, at)) {
                    *slot = Some(Ordering::Greater);
                } else {
                    *slot = Some(Ordering::Less);
                }
            }
            open = rest;
        }
        let mut out = Column::with_capacity(Phys::Bool, rows);
        for o in order {
            let holds = o.map(|o| match self.op {
                RowOp::Eq => o.is_eq(),
                RowOp::Ne => o.is_ne(),
                RowOp::Lt => o.is_lt(),
                RowOp::Le => o.is_le(),
                RowOp::Gt => o.is_gt(),
                RowOp::Ge => o.is_ge(),
            });
            out.push(holds.map_or(crate::types::Datum::Null, crate::types::Datum::Bool));
        }
        Ok(out)
    }
}
