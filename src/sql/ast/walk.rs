//! Visiting the parts of an expression, to change them.

use super::*;

impl Expr {
    /// Calls `f` for all parts, then for the expression itself. Queries inside are left alone.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Column { .. }
            | ExprKind::Const(_)
            | ExprKind::Param(_)
            | ExprKind::SqlValue { .. }
            | ExprKind::Default
            | ExprKind::CurrentOf(_) => {}
            ExprKind::Op { left, right, .. } => {
                left.iter_mut().for_each(|e| e.rewrite(f));
                right.rewrite(f);
            }
            ExprKind::OpArray { left, right, .. }
            | ExprKind::Distinct { left, right, .. }
            | ExprKind::NullIf { left, right } => {
                left.rewrite(f);
                right.rewrite(f);
            }
            ExprKind::And(args)
            | ExprKind::Or(args)
            | ExprKind::Coalesce(args)
            | ExprKind::MinMax { args, .. }
            | ExprKind::Array(args)
            | ExprKind::Row { fields: args, .. }
            | ExprKind::Grouping(args) => args.iter_mut().for_each(|e| e.rewrite(f)),
            ExprKind::Not(arg)
            | ExprKind::IsNull { arg, .. }
            | ExprKind::IsBool { arg, .. }
            | ExprKind::Cast { arg, .. }
            | ExprKind::Collate { arg, .. }
            | ExprKind::NamedArg { value: arg, .. }
            | ExprKind::MultiAssign { source: arg, .. } => arg.rewrite(f),
            ExprKind::In { arg, list, .. } => {
                arg.rewrite(f);
                list.iter_mut().for_each(|e| e.rewrite(f));
            }
            ExprKind::Like { arg, pattern, .. } => {
                arg.rewrite(f);
                pattern.rewrite(f);
            }
            ExprKind::Between { arg, low, high, .. } => {
                arg.rewrite(f);
                low.rewrite(f);
                high.rewrite(f);
            }
            ExprKind::Case(case) => {
                case.arg.iter_mut().for_each(|e| e.rewrite(f));
                for w in &mut case.whens {
                    w.when.rewrite(f);
                    w.then.rewrite(f);
                }
                case.default.iter_mut().for_each(|e| e.rewrite(f));
            }
            ExprKind::Func(call) => {
                call.args.iter_mut().for_each(|e| e.rewrite(f));
                call.order_by.iter_mut().for_each(|s| s.expr.rewrite(f));
                call.filter.iter_mut().for_each(|e| e.rewrite(f));
            }
            ExprKind::Indirection { arg, path } => {
                arg.rewrite(f);
                for step in path {
                    match step {
                        Indirection::Field(_) | Indirection::Star => {}
                        Indirection::Subscript(e) => e.rewrite(f),
                        Indirection::Slice { low, high } => {
                            low.iter_mut().for_each(|e| e.rewrite(f));
                            high.iter_mut().for_each(|e| e.rewrite(f));
                        }
                    }
                }
            }
            ExprKind::SubLink(link) => match &mut link.kind {
                SubLinkKind::Any { left, .. } | SubLinkKind::All { left, .. } => left.rewrite(f),
                _ => {}
            },
        }
        f(self);
    }
}
