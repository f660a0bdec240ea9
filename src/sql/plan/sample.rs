//! TABLESAMPLE.

use super::planner::Planner;
use crate::bail;
use crate::base::Result;
use crate::sql::bind::Source;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    /// TABLESAMPLE as a condition that keeps each row with its probability.
    pub(super) fn sample(&mut self, rel: usize, source: &Source, mut quals: Vec<Expr>) -> Result<Vec<Expr>> {
        let Source::Table { sample: Some(s), .. } = source else { return Ok(quals) };
        match s.percent.kind {
            ExprKind::Const(Value::Null) => {
                bail!(INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null")
            }
            ExprKind::Const(Value::F32(p)) if !(0.0..=100.0).contains(&p) => {
                bail!(INVALID_TABLESAMPLE_ARGUMENT, "sample percentage must be between 0 and 100")
            }
            _ => {}
        }
        if let Some(seed) = &s.seed {
            if let ExprKind::Const(Value::Null) = seed.kind {
                bail!(INVALID_TABLESAMPLE_REPEAT, "TABLESAMPLE REPEATABLE parameter cannot be null");
            }
            let tid = Expr::new(ExprKind::Var { rel, attno: -1, levels_up: 0 }, TypeRef::of(oid::TID));
            let args = vec![tid, s.percent.clone(), seed.clone()];
            let func = crate::sql::func::sample::sampled(s.bernoulli);
            quals.push(Expr::new(ExprKind::Func { func, oper: None, args, variadic: false }, TypeRef::of(oid::BOOL)));
            return Ok(quals);
        }
        let func = crate::sql::func::sample::by_chance(s.bernoulli);
        let args = vec![s.percent.clone()];
        quals.push(Expr::new(ExprKind::Func { func, oper: None, args, variadic: false }, TypeRef::of(oid::BOOL)));
        Ok(quals)
    }
}
