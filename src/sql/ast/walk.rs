//! Visiting the parts of an expression.

use super::*;

/// The direct parts of an expression, lent as they are or to be changed.
macro_rules! for_each_part {
    ($expr:expr, $f:expr, $iter:ident $(, $mut:tt)?) => {
        match &$($mut)? $expr.kind {
            ExprKind::Column { .. }
            | ExprKind::Const(_)
            | ExprKind::Param(_)
            | ExprKind::SqlValue { .. }
            | ExprKind::Default
            | ExprKind::CurrentOf(_) => {}
            ExprKind::Op { left, right, .. } => {
                left.$iter().for_each(|e| $f(e));
                $f(right);
            }
            ExprKind::OpArray { left, right, .. }
            | ExprKind::Distinct { left, right, .. }
            | ExprKind::NullIf { left, right } => {
                $f(left);
                $f(right);
            }
            ExprKind::And(args)
            | ExprKind::Or(args)
            | ExprKind::Coalesce(args)
            | ExprKind::MinMax { args, .. }
            | ExprKind::Array(args)
            | ExprKind::Row { fields: args, .. }
            | ExprKind::Grouping(args) => args.$iter().for_each($f),
            ExprKind::Not(arg)
            | ExprKind::IsNull { arg, .. }
            | ExprKind::IsBool { arg, .. }
            | ExprKind::Cast { arg, .. }
            | ExprKind::Collate { arg, .. }
            | ExprKind::NamedArg { value: arg, .. }
            | ExprKind::MultiAssign { source: arg, .. } => $f(arg),
            ExprKind::In { arg, list, .. } => {
                $f(arg);
                list.$iter().for_each($f);
            }
            ExprKind::Like { arg, pattern, .. } => {
                $f(arg);
                $f(pattern);
            }
            ExprKind::Between { arg, low, high, .. } => {
                $f(arg);
                $f(low);
                $f(high);
            }
            ExprKind::Case(case) => {
                case.arg.$iter().for_each(&mut *$f);
                for w in &$($mut)? case.whens {
                    $f(&$($mut)? w.when);
                    $f(&$($mut)? w.then);
                }
                case.default.$iter().for_each($f);
            }
            ExprKind::Func(call) => {
                call.args.$iter().for_each(&mut *$f);
                call.order_by.$iter().for_each(|s| $f(&$($mut)? s.expr));
                call.filter.$iter().for_each(&mut *$f);
                if let Some(over) = &$($mut)? call.over {
                    over.partition_by.$iter().for_each(&mut *$f);
                    over.order_by.$iter().for_each(|s| $f(&$($mut)? s.expr));
                }
            }
            ExprKind::Indirection { arg, path } => {
                $f(arg);
                for step in path {
                    match step {
                        Indirection::Field(_) | Indirection::Star => {}
                        Indirection::Subscript(e) => $f(e),
                        Indirection::Slice { low, high } => {
                            low.$iter().for_each(&mut *$f);
                            high.$iter().for_each(&mut *$f);
                        }
                    }
                }
            }
            ExprKind::SubLink(link) => match &$($mut)? link.kind {
                SubLinkKind::Any { left, .. } | SubLinkKind::All { left, .. } => $f(left),
                _ => {}
            },
        }
    };
}

impl Expr {
    /// Calls `f` for all parts, then for the expression itself. Queries inside are left alone.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.for_each_part_mut(&mut |e| e.rewrite(f));
        f(self);
    }

    /// Calls `f` for each direct part. Queries inside are left alone, the values compared with them are not.
    pub fn for_each_part<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        for_each_part!(self, f, iter);
    }

    /// As [`Self::for_each_part`], for changing them.
    fn for_each_part_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        for_each_part!(self, f, iter_mut, mut);
    }
}

impl SelectStmt {
    /// Calls `f` for every expression at any depth, parts first, those of queries inside included.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        for cte in self.with.iter_mut().flat_map(|w| &mut w.ctes) {
            if let Stmt::Select(s) = &mut cte.query {
                s.rewrite(f);
            }
        }
        match &mut self.body {
            SelectBody::Select(core) => core.rewrite(f),
            SelectBody::Values(rows) => rows.iter_mut().flatten().for_each(|e| e.rewrite_deep(f)),
            SelectBody::SetOp(op) => {
                op.left.rewrite(f);
                op.right.rewrite(f);
            }
        }
        self.order_by.iter_mut().for_each(|s| s.expr.rewrite_deep(f));
        let limit = self.limit.as_mut().map(|l| &mut l.count);
        limit.into_iter().chain(&mut self.offset).for_each(|e| e.rewrite_deep(f));
    }
}

impl SelectCore {
    fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        if let Distinct::On(list) = &mut self.distinct {
            list.iter_mut().for_each(|e| e.rewrite_deep(f));
        }
        self.targets.iter_mut().for_each(|t| t.expr.rewrite_deep(f));
        self.from.iter_mut().for_each(|i| i.rewrite(f));
        self.filter.iter_mut().chain(&mut self.having).for_each(|e| e.rewrite_deep(f));
        self.group_by.iter_mut().for_each(|g| g.rewrite(f));
        for w in &mut self.windows {
            w.partition_by.iter_mut().for_each(|e| e.rewrite_deep(f));
            w.order_by.iter_mut().for_each(|s| s.expr.rewrite_deep(f));
        }
    }
}

impl GroupItem {
    fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            GroupItem::Empty(_) => {}
            GroupItem::Expr(e) => e.rewrite_deep(f),
            GroupItem::Rollup(list, _) | GroupItem::Cube(list, _) | GroupItem::Sets(list, _) => {
                list.iter_mut().for_each(|g| g.rewrite(f));
            }
        }
    }
}

impl FromItem {
    fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            FromItem::Table(_) => {}
            FromItem::Sample(s) => s.args.iter_mut().chain(&mut s.repeatable).for_each(|e| e.rewrite_deep(f)),
            FromItem::Subquery(s) => s.query.rewrite(f),
            FromItem::Function(r) => r.functions.iter_mut().for_each(|i| i.call.rewrite_deep(f)),
            FromItem::Join(j) => {
                j.left.rewrite(f);
                j.right.rewrite(f);
                if let JoinCondition::On(e) = &mut j.condition {
                    e.rewrite_deep(f);
                }
            }
        }
    }
}

impl Expr {
    /// As [`rewrite`](Self::rewrite), also in the queries inside.
    pub fn rewrite_deep(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.rewrite(&mut |e| {
            if let ExprKind::SubLink(link) = &mut e.kind {
                link.query.rewrite(f);
            }
            f(e);
        });
    }
}
