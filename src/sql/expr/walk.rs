//! Visiting the parts of an expression.

use super::{Expr, ExprKind, FrameBound};

macro_rules! children {
    ($(#[$doc:meta])* $name:ident, $iter:ident $(, $m:tt)?) => {
        $(#[$doc])*
        pub fn $name<'a>(&'a $($m)? self, f: &mut dyn FnMut(&'a $($m)? Expr)) {
            match &$($m)? self.kind {
                ExprKind::Const(_)
                | ExprKind::Param(_)
                | ExprKind::ExecParam(_)
                | ExprKind::Column(_)
                | ExprKind::Var { .. }
                | ExprKind::CaseOperand
                | ExprKind::Grouping { .. }
                | ExprKind::CurrentRow => {}
                ExprKind::Func { args, .. } | ExprKind::SetReturning { args, .. } => args.$iter().for_each(f),
                ExprKind::And(a)
                | ExprKind::Or(a)
                | ExprKind::Coalesce(a)
                | ExprKind::Greatest(a)
                | ExprKind::Least(a) => a.$iter().for_each(f),
                ExprKind::Written { arg, .. } => f(arg),
                ExprKind::Not(a)
                | ExprKind::IsNull(a)
                | ExprKind::IsNotNull(a)
                | ExprKind::Relabel(a)
                | ExprKind::ToDomain(a) => f(a),
                ExprKind::BoolTest { arg, .. } | ExprKind::IoCast { arg, .. } | ExprKind::Field { arg, .. } => f(arg),
                ExprKind::Distinct { left, right, .. } | ExprKind::NullIf { left, right, .. } => {
                    f(left);
                    f(right);
                }
                ExprKind::Case { operand, arms, otherwise } => {
                    if let Some(o) = operand {
                        f(o);
                    }
                    for (c, v) in arms.$iter() {
                        f(c);
                        f(v);
                    }
                    if let Some(o) = otherwise {
                        f(o);
                    }
                }
                ExprKind::ArrayCast { arg, element } => {
                    f(arg);
                    f(element);
                }
                ExprKind::Array { elements, .. } => elements.$iter().for_each(f),
                ExprKind::Row { fields, .. } => fields.$iter().for_each(f),
                ExprKind::RowCompare { pairs, .. } => {
                    for p in pairs.$iter() {
                        f(&$($m)? p.left);
                        f(&$($m)? p.right);
                    }
                }
                ExprKind::ScalarArray { left, array, .. } => {
                    f(left);
                    f(array);
                }
                ExprKind::Subscript { array, lower, upper, .. } => {
                    f(array);
                    lower.$iter().flatten().for_each(&mut *f);
                    upper.$iter().flatten().for_each(f);
                }
                ExprKind::SubscriptSet { array, lower, upper, value, .. } => {
                    f(array);
                    lower.$iter().flatten().for_each(&mut *f);
                    upper.$iter().flatten().for_each(&mut *f);
                    f(value);
                }
                ExprKind::FieldSet { arg, value, .. } => {
                    f(arg);
                    f(value);
                }
                ExprKind::SubPlan(s) => {
                    s.args.$iter().for_each(|(_, e)| f(e));
                    s.test_params.$iter().for_each(|(_, e)| f(e));
                }
                ExprKind::SubLink(s) => {
                    if let Some(t) = &$($m)? s.test {
                        f(t);
                    }
                }
                ExprKind::Aggregate(a) => {
                    let a = &$($m)? **a;
                    a.args.$iter().for_each(&mut *f);
                    a.direct_args.$iter().for_each(&mut *f);
                    a.order_by.$iter().for_each(|k| f(&$($m)? k.expr));
                    if let Some(e) = &$($m)? a.filter {
                        f(e);
                    }
                }
                ExprKind::Window(w) => {
                    let w = &$($m)? **w;
                    w.args.$iter().for_each(&mut *f);
                    if let Some(e) = &$($m)? w.filter {
                        f(e);
                    }
                    w.spec.partition_by.$iter().for_each(&mut *f);
                    w.spec.order_by.$iter().for_each(|k| f(&$($m)? k.expr));
                    for b in [&$($m)? w.spec.frame.start, &$($m)? w.spec.frame.end] {
                        if let FrameBound::Preceding(e) | FrameBound::Following(e) = b {
                            f(e);
                        }
                    }
                }
            }
        }
    };
}

impl Expr {
    children! {
        /// Calls `f` for each direct part. Of a sub-select only the test is a part, not the query.
        for_each_child, iter
    }

    children! {
        /// As [`Expr::for_each_child`], to change the parts.
        for_each_child_mut, iter_mut, mut
    }

    /// True if `f` holds for the expression or any part of it.
    pub fn any(&self, f: &mut dyn FnMut(&Expr) -> bool) -> bool {
        if f(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |e| found = found || e.any(f));
        found
    }

    /// Calls `f` for the expression and all parts, parts last; `f` answers whether to go into the parts.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Expr) -> bool) {
        if f(self) {
            self.for_each_child(&mut |e| e.walk(f));
        }
    }

    /// Calls `f` for all parts and then the expression itself, so that it may be replaced.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.for_each_child_mut(&mut |e| e.rewrite(f));
        f(self);
    }
}
