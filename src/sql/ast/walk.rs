//! Visiting the parts of an expression.

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

    /// Calls `f` for each direct part. Queries inside are left alone, the values compared with them are not.
    pub fn for_each_part<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        match &self.kind {
            ExprKind::Column { .. }
            | ExprKind::Const(_)
            | ExprKind::Param(_)
            | ExprKind::SqlValue { .. }
            | ExprKind::Default
            | ExprKind::CurrentOf(_) => {}
            ExprKind::Op { left, right, .. } => {
                left.iter().for_each(|e| f(e));
                f(right);
            }
            ExprKind::OpArray { left, right, .. }
            | ExprKind::Distinct { left, right, .. }
            | ExprKind::NullIf { left, right } => {
                f(left);
                f(right);
            }
            ExprKind::And(args)
            | ExprKind::Or(args)
            | ExprKind::Coalesce(args)
            | ExprKind::MinMax { args, .. }
            | ExprKind::Array(args)
            | ExprKind::Row { fields: args, .. }
            | ExprKind::Grouping(args) => args.iter().for_each(f),
            ExprKind::Not(arg)
            | ExprKind::IsNull { arg, .. }
            | ExprKind::IsBool { arg, .. }
            | ExprKind::Cast { arg, .. }
            | ExprKind::Collate { arg, .. }
            | ExprKind::NamedArg { value: arg, .. }
            | ExprKind::MultiAssign { source: arg, .. } => f(arg),
            ExprKind::In { arg, list, .. } => {
                f(arg);
                list.iter().for_each(f);
            }
            ExprKind::Like { arg, pattern, .. } => {
                f(arg);
                f(pattern);
            }
            ExprKind::Between { arg, low, high, .. } => {
                f(arg);
                f(low);
                f(high);
            }
            ExprKind::Case(case) => {
                case.arg.iter().for_each(&mut *f);
                for w in &case.whens {
                    f(&w.when);
                    f(&w.then);
                }
                case.default.iter().for_each(f);
            }
            ExprKind::Func(call) => {
                call.args.iter().for_each(&mut *f);
                call.order_by.iter().for_each(|s| f(&s.expr));
                call.filter.iter().for_each(&mut *f);
                if let Some(over) = &call.over {
                    over.partition_by.iter().for_each(&mut *f);
                    over.order_by.iter().for_each(|s| f(&s.expr));
                }
            }
            ExprKind::Indirection { arg, path } => {
                f(arg);
                for step in path {
                    match step {
                        Indirection::Field(_) | Indirection::Star => {}
                        Indirection::Subscript(e) => f(e),
                        Indirection::Slice { low, high } => {
                            low.iter().for_each(&mut *f);
                            high.iter().for_each(&mut *f);
                        }
                    }
                }
            }
            ExprKind::SubLink(link) => match &link.kind {
                SubLinkKind::Any { left, .. } | SubLinkKind::All { left, .. } => f(left),
                _ => {}
            },
        }
    }
}
