//! What conditions prove of other conditions: that an index's predicate holds of every row asked for, that a table's
//! constraints leave none. The one place for partial indexes, arbiters of ON CONFLICT and the exclusion of tables.
//! PostgreSQL 15, predtest.c: same rules.
//!
//! What is proved must be immutable; the caller looks after that.

mod operator;
mod strict;
mod table;

pub use table::is_implied;
pub(in crate::sql) use table::{constraints, is_filled};

use super::fold::Folder;
use super::jointree::Clause;
use super::scan::{Around, BaseRel};
use crate::sql::expr::{Expr, ExprKind, same, volatility};
use crate::types::array::Array;
use crate::types::{TypeRef, Value, oid};
use std::borrow::Cow;
use strict::{is_row, is_strict_for};

/// Longer lists are looked at as a whole.
const LIST: usize = 100;

/// Proves by the values of operators over constants, which `folder` computes.
pub(in crate::sql) struct Prover<'f> {
    folder: &'f mut Folder<'static>,
    /// Of implications, "not false" is enough for the conclusion where the premise is not false either; of refutations,
    /// "not true" is. Otherwise what follows is true, or false.
    weak: bool,
}

impl<'f> Prover<'f> {
    pub fn new(folder: &'f mut Folder<'static>) -> Prover<'f> {
        Prover { folder, weak: false }
    }

    pub fn weak(folder: &'f mut Folder<'static>) -> Prover<'f> {
        Prover { folder, weak: true }
    }

    /// Where all of `given` hold, so does `predicate`.
    pub fn implied(&mut self, predicate: &Expr, given: &[&Expr]) -> bool {
        let parts = Parts::of(predicate);
        match (parts, given) {
            (Parts::All(parts), _) if parts.is_empty() => true,
            (_, []) => false,
            (_, [one]) => self.implies(one, predicate),
            _ => self.implies(&together(given), predicate),
        }
    }

    /// Where all of `given` hold, not all of `other` do.
    pub fn refuted(&mut self, other: &[&Expr], given: &[&Expr]) -> bool {
        !other.is_empty() && !given.is_empty() && self.refutes(&together(given), &together(other))
    }

    fn implies(&mut self, given: &Expr, wanted: &Expr) -> bool {
        match (Parts::of(given), Parts::of(wanted)) {
            (Parts::All(_) | Parts::One, Parts::All(wanted)) => wanted.iter().all(|w| self.implies(given, w)),
            (Parts::All(parts), Parts::Any(ways)) => {
                ways.iter().any(|w| self.implies(given, w)) || parts.iter().any(|p| self.implies(p, wanted))
            }
            (Parts::All(parts), Parts::One) => parts.iter().any(|p| self.implies(p, wanted)),
            (Parts::Any(ways), Parts::Any(wanted)) => {
                ways.iter().all(|w| wanted.iter().any(|other| self.implies(w, other)))
            }
            (Parts::Any(ways), _) => ways.iter().all(|w| self.implies(w, wanted)),
            (Parts::One, Parts::Any(ways)) => ways.iter().any(|w| self.implies(given, w)),
            (Parts::One, Parts::One) => self.simply_implies(given, wanted),
        }
    }

    fn refutes(&mut self, given: &Expr, other: &Expr) -> bool {
        let by_argument = |p: &mut Self| denied(other).is_some_and(|a| p.strongly().implies(given, a));
        match (Parts::of(given), Parts::of(other)) {
            (Parts::All(parts), Parts::All(others)) => {
                others.iter().any(|o| self.refutes(given, o)) || parts.iter().any(|p| self.refutes(p, other))
            }
            (Parts::All(_) | Parts::Any(_), Parts::Any(ways)) => ways.iter().all(|w| self.refutes(given, w)),
            (Parts::All(parts), Parts::One) => by_argument(self) || parts.iter().any(|p| self.refutes(p, other)),
            (Parts::Any(ways), Parts::All(others)) => ways.iter().all(|w| others.iter().any(|o| self.refutes(w, o))),
            (Parts::Any(ways), Parts::One) => by_argument(self) || ways.iter().all(|w| self.refutes(w, other)),
            (Parts::One, parts) => {
                // The argument of NOT is known to be false here, not only not true.
                let weak = !self.weak;
                if strongly_denied(given).is_some_and(|a| Prover { folder: self.folder, weak }.implies(other, a)) {
                    return true;
                }
                match parts {
                    Parts::All(others) => others.iter().any(|o| self.refutes(given, o)),
                    Parts::Any(ways) => ways.iter().all(|w| self.refutes(given, w)),
                    Parts::One => by_argument(self) || self.simply_refutes(given, other),
                }
            }
        }
    }

    /// What is given is true, and what follows is to be.
    fn strongly(&mut self) -> Prover<'_> {
        Prover { folder: self.folder, weak: false }
    }

    fn simply_implies(&mut self, given: &Expr, wanted: &Expr) -> bool {
        if same(given, wanted) {
            return true;
        }
        match &wanted.kind {
            ExprKind::IsNotNull(arg) if !self.weak => !is_row(arg) && is_strict_for(given, arg, true),
            _ => self.by_operators(given, wanted, false),
        }
    }

    fn simply_refutes(&mut self, given: &Expr, other: &Expr) -> bool {
        if std::ptr::eq(given, other) {
            return false;
        }
        match (&given.kind, &other.kind) {
            (_, ExprKind::IsNull(arg)) if is_row(arg) => false,
            (ExprKind::IsNotNull(a), ExprKind::IsNull(arg)) if !is_row(a) && same(a, arg) => true,
            (_, ExprKind::IsNull(arg)) => is_strict_for(given, arg, true),
            (ExprKind::IsNull(arg), _) if is_row(arg) => false,
            (ExprKind::IsNull(arg), ExprKind::IsNotNull(a)) if !is_row(a) && same(a, arg) => true,
            (ExprKind::IsNull(arg), _) => self.weak && is_strict_for(other, arg, true),
            _ => self.by_operators(given, other, true),
        }
    }
}

/// Whether an index with this predicate can be asked, by the conditions on the table and those of joins: None, or the
/// places of the conditions that its entries fulfil whatever is looked for (PostgreSQL 15, indxpath.c,
/// check_index_predicates: same rules).
pub(super) fn said_by(
    predicate: Option<&Expr>,
    base: &BaseRel,
    joins: &[Clause],
    around: &Around<'_>,
) -> Option<Vec<usize>> {
    let Some(predicate) = predicate else { return Some(Vec::new()) };
    let mut folder = Folder::new(around.io);
    let given: Vec<&Expr> = base.quals.iter().chain(joins.iter().map(|c| &c.expr)).collect();
    if !Prover::new(&mut folder).implied(predicate, &given) {
        return None;
    }
    if base.marked {
        return Some(Vec::new());
    }
    Some(follow(&base.quals, &[predicate], &mut folder))
}

/// The places of the conditions that are true wherever all of `given` are.
pub(super) fn follow<'q>(
    quals: impl IntoIterator<Item = &'q Expr>,
    given: &[&Expr],
    folder: &mut Folder<'static>,
) -> Vec<usize> {
    let mut follows = |q: &Expr| volatility(q) == b'i' && Prover::new(folder).implied(q, given);
    quals.into_iter().enumerate().filter(|(_, q)| follows(q)).map(|(n, _)| n).collect()
}

/// The parts of an index's predicate that the conditions it is searched by do not tell.
pub(super) fn unsaid<'p>(
    predicate: Option<&'p Expr>,
    searched: &[&Expr],
    folder: &mut Folder<'static>,
) -> Vec<&'p Expr> {
    let parts = match predicate.map(|p| &p.kind) {
        Some(ExprKind::And(parts)) => parts.as_slice(),
        _ => predicate.map(std::slice::from_ref).unwrap_or_default(),
    };
    parts.iter().filter(|p| !Prover::new(folder).implied(p, searched)).collect()
}

/// How a condition falls into others.
enum Parts<'e> {
    All(Vec<Cow<'e, Expr>>),
    Any(Vec<Cow<'e, Expr>>),
    One,
}

impl<'e> Parts<'e> {
    fn of(e: &'e Expr) -> Parts<'e> {
        let listed = |parts: &'e [Expr]| parts.iter().map(Cow::Borrowed).collect();
        match &e.kind {
            ExprKind::And(parts) => Parts::All(listed(parts)),
            ExprKind::Or(parts) => Parts::Any(listed(parts)),
            ExprKind::ScalarArray { func, oper, any, left, array } => {
                let Some(elements) = elements(array) else { return Parts::One };
                let compare = |element: Expr| {
                    let args = vec![(**left).clone(), element];
                    let kind = ExprKind::Func { func, oper: *oper, args, variadic: false };
                    Cow::Owned(Expr::new(kind, TypeRef::of(oid::BOOL)))
                };
                let parts = elements.into_iter().map(compare).collect();
                if *any { Parts::Any(parts) } else { Parts::All(parts) }
            }
            _ => Parts::One,
        }
    }
}

fn elements(array: &Expr) -> Option<Vec<Expr>> {
    let list = match &array.kind {
        ExprKind::Const(Value::Bytes(bytes)) => {
            let array = Array::new(bytes);
            let ty = TypeRef::of(array.element);
            if array.len() > LIST {
                return None;
            }
            array.iter().map(|d| Expr::new(ExprKind::Const(d.to_value()), ty)).collect()
        }
        ExprKind::Array { elements, nested: false } => elements.clone(),
        _ => return None,
    };
    Some(list).filter(|l: &Vec<Expr>| l.len() <= LIST)
}

fn together(parts: &[&Expr]) -> Expr {
    match parts {
        [one] => (*one).clone(),
        _ => Expr::new(ExprKind::And(parts.iter().map(|p| (*p).clone()).collect()), TypeRef::of(oid::BOOL)),
    }
}

/// What is not true where this holds.
fn denied(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        ExprKind::Not(arg) => Some(arg),
        ExprKind::BoolTest { arg, is: Some(true), negated: true }
        | ExprKind::BoolTest { arg, is: Some(false) | None, negated: false } => Some(arg),
        _ => None,
    }
}

/// What is false where this holds.
fn strongly_denied(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        ExprKind::Not(arg) | ExprKind::BoolTest { arg, is: Some(false), negated: false } => Some(arg),
        _ => None,
    }
}
