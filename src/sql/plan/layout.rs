//! What the columns of a plan hold, in terms of the query's expressions; and turning expressions into columns.

use crate::sql::expr::{Expr, ExprKind, same};
use std::collections::HashMap;

/// One entry per output column of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    exprs: Vec<Expr>,
    vars: HashMap<(usize, i16), usize>,
    /// Some columns are no plain references.
    computed: bool,
}

impl Layout {
    pub fn new(exprs: Vec<Expr>) -> Layout {
        let mut out = Layout::default();
        exprs.into_iter().for_each(|e| out.push(e));
        out
    }

    pub fn push(&mut self, e: Expr) {
        match e.kind {
            ExprKind::Var { rel, attno, levels_up: 0 } => {
                self.vars.entry((rel, attno)).or_insert(self.exprs.len());
            }
            _ => self.computed = true,
        }
        self.exprs.push(e);
    }

    pub fn exprs(&self) -> &[Expr] {
        &self.exprs
    }

    pub fn len(&self) -> usize {
        self.exprs.len()
    }

    fn find(&self, e: &Expr) -> Option<usize> {
        if let ExprKind::Var { rel, attno, levels_up: 0 } = e.kind {
            return self.vars.get(&(rel, attno)).copied();
        }
        if !self.computed || matches!(e.kind, ExprKind::Const(_)) {
            return None;
        }
        self.exprs.iter().position(|x| same(x, e))
    }

    /// Replaces what a column holds by the column, outermost first. False: a reference is not there.
    pub fn bind(&self, e: &mut Expr) -> bool {
        if let Some(i) = self.find(e) {
            e.kind = ExprKind::Column(i);
            return true;
        }
        if matches!(e.kind, ExprKind::Var { .. }) {
            return false;
        }
        let mut ok = true;
        e.for_each_child_mut(&mut |c| ok &= self.bind(c));
        ok
    }

    /// The same expression over columns.
    pub fn bound(&self, e: &Expr) -> crate::base::Result<Expr> {
        let mut e = e.clone();
        if self.bind(&mut e) {
            return Ok(e);
        }
        Err(crate::base::Error::internal(format!("a column is missing below an expression: {:?}", e.kind)))
    }

    pub fn bound_all(&self, list: &[Expr]) -> crate::base::Result<Vec<Expr>> {
        list.iter().map(|e| self.bound(e)).collect()
    }

    /// The two layouts one after the other.
    pub fn concat(&self, other: &Layout) -> Layout {
        Layout::new(self.exprs.iter().chain(&other.exprs).cloned().collect())
    }
}
