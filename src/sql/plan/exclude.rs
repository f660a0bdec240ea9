//! Tables whose CHECK constraints say that none of their rows fulfils the conditions. PostgreSQL 15, plancat.c,
//! relation_excluded_by_constraints, and predtest.c, predicate_refuted_by: comparisons with constants, IS NULL, AND, OR
//! and lists.

use super::planner::Planner;
use super::relset::rels_of;
use super::scan::{match_condition, with_rel};
use super::{IndexOp, settings::Exclusion};
use crate::base::Result;
use crate::catalog::Relation;
use crate::sql::bind::stored;
use crate::sql::expr::{Expr, ExprKind, same};
use crate::types::array::Array;
use crate::types::{self, TypeRef, Value, key, oid};
use std::sync::Arc;

impl Planner<'_> {
    /// No row of the table fulfils `quals`, which are over its own attributes. `member`: of a tree.
    pub(super) fn is_excluded(&mut self, t: &Arc<Relation>, rel: usize, quals: &[Expr], member: bool) -> Result<bool> {
        let asked = match self.cx.settings.constraint_exclusion {
            Exclusion::Off => false,
            Exclusion::Partition => member,
            Exclusion::On => true,
        };
        if !asked || quals.is_empty() || t.generated_by.is_some() {
            return Ok(false);
        }
        for (n, q) in quals.iter().enumerate() {
            if quals[n + 1..].iter().any(|other| refutes(q, other, rel)) {
                return Ok(true);
            }
            if let ExprKind::IsNull(a) = &q.kind
                && let ExprKind::Var { attno, levels_up: 0, .. } = a.kind
                && t.attributes.iter().any(|a| a.attno == attno && a.not_null)
            {
                return Ok(true);
            }
        }
        if t.constraints.iter().all(|c| c.check.is_none() || !c.validated) {
            return Ok(false);
        }
        let kept = stored(t, self.cx.names, self.cx.io)?;
        let valid = |name: &str| t.constraints.iter().any(|c| c.name == name && c.validated);
        for (_, check) in kept.checks.iter().filter(|(name, _)| valid(name)) {
            let mut check = with_rel(check, rel);
            // What fails, fails when a row is written.
            if self.folder.simplify(&mut check).is_ok() && refuted(quals, &check, rel) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Where all of `given` are true `other` is false.
fn refuted(given: &[Expr], other: &Expr, rel: usize) -> bool {
    let by_parts = match &other.kind {
        ExprKind::And(parts) => parts.iter().any(|p| refuted(given, p, rel)),
        ExprKind::Or(ways) => ways.iter().all(|w| refuted(given, w, rel)),
        _ => false,
    };
    by_parts || given.iter().any(|g| refutes(g, other, rel))
}

/// Where `given` is true `other` is false.
fn refutes(given: &Expr, other: &Expr, rel: usize) -> bool {
    match (&given.kind, &other.kind) {
        (ExprKind::And(parts), _) => return parts.iter().any(|p| refutes(p, other, rel)),
        (ExprKind::Or(ways), _) => return ways.iter().all(|w| refutes(w, other, rel)),
        (_, ExprKind::And(parts)) => return parts.iter().any(|p| refutes(given, p, rel)),
        (_, ExprKind::Or(ways)) => return ways.iter().all(|w| refutes(given, w, rel)),
        _ => {}
    }
    if !rels_of(given).has(rel) || !rels_of(other).has(rel) {
        return false;
    }
    let mut columns: Vec<Expr> = Vec::new();
    other.walk(&mut |x| {
        if matches!(x.kind, ExprKind::Var { levels_up: 0, .. }) && !columns.iter().any(|c| same(c, x)) {
            columns.push(x.clone());
        }
        true
    });
    columns.iter().any(|column| {
        let pair = match_condition(given, column, rel).zip(match_condition(other, column, rel));
        pair.is_some_and(|(g, o)| contradict(&g, &o, column.ty))
    })
}

/// The first is true: the second is not, and is not NULL either.
fn contradict((given, value): &(IndexOp, Expr), (other, limit): &(IndexOp, Expr), ty: TypeRef) -> bool {
    match (given, other) {
        (IndexOp::IsNull, IndexOp::IsNotNull) | (IndexOp::IsNotNull, IndexOp::IsNull) => return true,
        (IndexOp::IsNull, _) | (_, IndexOp::IsNotNull) | (IndexOp::IsNotNull, _) => return false,
        // A comparison is true of values alone.
        (_, IndexOp::IsNull) => return true,
        _ => {}
    }
    let (Some(values), Some(limits)) = (values_of(*given, value, ty), values_of(*other, limit, ty)) else {
        return false;
    };
    values.iter().all(|v| limits.iter().all(|l| apart((*given, v), (*other, l))))
}

/// The constants an operator compares with, in an order; None: not known.
fn values_of(op: IndexOp, value: &Expr, ty: TypeRef) -> Option<Vec<Vec<u8>>> {
    let ExprKind::Const(constant) = &value.kind else { return None };
    if op == IndexOp::EqAny {
        let Value::Bytes(bytes) = constant else { return None };
        let array = Array::new(bytes);
        let list: Vec<Value> = array.iter().filter(|d| !d.is_null()).map(|d| d.to_value()).collect();
        return list.iter().map(|v| key_of(v, TypeRef::of(array.element), ty)).collect();
    }
    Some(vec![key_of(constant, value.ty, ty)?])
}

fn key_of(value: &Value, own: TypeRef, column: TypeRef) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::Null => return None,
        Value::I16(v) => out.extend_from_slice(&(i64::from(*v) as u64 ^ 1 << 63).to_be_bytes()),
        Value::I32(v) if types::base_type(own.oid) == oid::INT4 => {
            out.extend_from_slice(&(i64::from(*v) as u64 ^ 1 << 63).to_be_bytes());
        }
        Value::I64(v) if types::base_type(own.oid) == oid::INT8 => {
            out.extend_from_slice(&(*v as u64 ^ 1 << 63).to_be_bytes());
        }
        _ if types::base_type(own.oid) == types::base_type(column.oid) => key::encode(column, value.datum(), &mut out),
        _ if [own.oid, column.oid].iter().all(|t| matches!(types::base_type(*t), oid::TEXT | oid::VARCHAR)) => {
            key::encode(column, value.datum(), &mut out);
        }
        _ => return None,
    }
    Some(out)
}

/// No value compares to both as asked.
fn apart((a, x): (IndexOp, &Vec<u8>), (b, y): (IndexOp, &Vec<u8>)) -> bool {
    let low = |op| matches!(op, IndexOp::Gt | IndexOp::Ge | IndexOp::Eq | IndexOp::EqAny);
    let high = |op| matches!(op, IndexOp::Lt | IndexOp::Le | IndexOp::Eq | IndexOp::EqAny);
    let open = matches!(a, IndexOp::Lt | IndexOp::Gt) || matches!(b, IndexOp::Lt | IndexOp::Gt);
    low(a) && high(b) && (x > y || x == y && open) || high(a) && low(b) && (x < y || x == y && open)
}
