//! Conditions.

use super::pieces::{self, Size, attempt};
use super::projection::nature;
use super::{Eval, Op, Projection, Scope, Sel};
use crate::base::Flow;
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{Batch, Column, ColumnData};

/// A condition: which rows it is true for.
pub struct Predicate {
    /// Conjuncts, each evaluated only for the rows that passed those before it.
    arms: Vec<Eval>,
    waits: bool,
    repeatable: bool,
    arm: usize,
    kept: Option<Vec<u32>>,
    by_row: Option<Projection>,
    /// Their values are evaluated in pieces: how large these are, which rows have passed, how many were asked about.
    in_pieces: bool,
    size: Size,
    passed: Vec<u32>,
    upto: usize,
}

/// A condition that stops at the first part which is not true, NULL included: what comes later may rely on it.
fn strictly(e: &Expr) -> Expr {
    let ExprKind::And(parts) = &e.kind else { return e.clone() };
    let test = |p: &Expr| {
        let kind = ExprKind::BoolTest { arg: Box::new(p.clone()), is: Some(true), negated: false };
        Expr { kind, ..p.clone() }
    };
    Expr { kind: ExprKind::And(parts.iter().map(test).collect()), ..e.clone() }
}

impl Predicate {
    pub fn new(expr: &Expr) -> Predicate {
        Predicate::with_scope(expr, &mut Scope::default())
    }

    pub(crate) fn with_scope(expr: &Expr, scope: &mut Scope) -> Predicate {
        let whole = Eval::with_scope(expr, scope);
        let mut arms = match whole.op {
            Op::And(arms) => arms,
            _ => vec![whole],
        };
        let n = nature(&mut arms);
        let mut by_row = None;
        if n.by_rows() {
            arms.clear();
            by_row = Some(Projection::of(vec![Eval::with_scope(&strictly(expr), scope)]));
        }
        Predicate {
            arms,
            waits: n.waits,
            repeatable: n.volatile == 0,
            arm: 0,
            kept: None,
            by_row,
            in_pieces: n.in_pieces(),
            size: Size::default(),
            passed: Vec::new(),
            upto: 0,
        }
    }

    /// Whether asking again for the same rows does no harm.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The columns it reads, ascending; None where that is not known or it may not be asked again.
    pub fn columns(&mut self) -> Option<Vec<usize>> {
        if !self.repeatable || self.by_row.is_some() {
            return None;
        }
        let (mut found, mut known) = (std::collections::BTreeSet::new(), true);
        for arm in &mut self.arms {
            arm.visit(&mut |e| match &e.op {
                Op::Column(n) => drop(found.insert(*n)),
                Op::SubPlan(_) => known = false,
                _ => {}
            });
        }
        known.then(|| found.into_iter().collect())
    }

    pub fn reset(&mut self) {
        self.arm = 0;
        self.kept = None;
        self.passed.clear();
        self.upto = 0;
        if self.waits {
            self.arms.iter_mut().for_each(Eval::forget);
        }
        if let Some(p) = &mut self.by_row {
            p.reset();
        }
    }

    /// The rows that pass, ascending; None: all of them. After a `Stop` to be called again with the same batch.
    pub fn run(&mut self, cx: &mut ExecContext, batch: &Batch) -> Flow<Option<Vec<u32>>> {
        if let Some(p) = &mut self.by_row {
            let answer = p.run(cx, batch, Sel::All(batch.rows))?;
            return Ok(passing(&answer[0], None));
        }
        while self.arm < self.arms.len() {
            let sel = self.kept.as_deref().map_or(Sel::All(batch.rows), Sel::Rows);
            if sel.is_empty() {
                break;
            }
            let end = self.upto + self.size.of(sel.len() - self.upto);
            let mut rows = Vec::new();
            let piece = pieces::part(sel, self.upto, end, &mut rows);
            let arm = &mut self.arms[self.arm];
            let kept = match attempt(cx, self.in_pieces, |cx| arm.eval(cx, batch, piece))? {
                Ok(answer) => match piece {
                    Sel::All(_) => passing(&answer, None),
                    Sel::Rows(rows) => passing(&answer, Some(rows)),
                },
                Err(row) => {
                    self.size.ended_behind(row, piece);
                    arm.forget();
                    continue;
                }
            };
            if self.waits {
                arm.forget();
            }
            if self.upto == 0 && end == sel.len() {
                if let Some(kept) = kept {
                    self.kept = Some(kept);
                }
                self.arm += 1;
                continue;
            }
            match kept {
                Some(kept) => self.passed.extend(kept),
                None => self.passed.extend((0..piece.len()).map(|at| piece.row(at))),
            }
            self.size.went_well();
            self.upto = end;
            if end == sel.len() {
                self.upto = 0;
                self.kept = Some(std::mem::take(&mut self.passed));
                self.arm += 1;
            }
        }
        self.arm = 0;
        Ok(self.kept.take())
    }
}

/// Rows with a true answer; None if that is all of them. `rows` are the rows the answers belong to.
fn passing(answer: &Column, rows: Option<&[u32]>) -> Option<Vec<u32>> {
    let ColumnData::Bool(values) = &answer.data else { return Some(Vec::new()) };
    let row = |at: usize| rows.map_or(at as u32, |r| r[at]);
    // Branch-free: each row is written, the count moves only for those that pass.
    let mut kept = vec![0u32; values.len()];
    let mut n = 0;
    match &answer.nulls {
        None => {
            for (at, v) in values.iter().enumerate() {
                kept[n] = row(at);
                n += usize::from(*v);
            }
        }
        Some(nulls) => {
            for (at, (v, null)) in values.iter().zip(nulls).enumerate() {
                kept[n] = row(at);
                n += usize::from(*v & !*null);
            }
        }
    }
    if n == values.len() {
        return None;
    }
    kept.truncate(n);
    Some(kept)
}
