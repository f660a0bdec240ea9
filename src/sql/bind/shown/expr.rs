//! Expressions: PostgreSQL 15, ruleutils.c, get_rule_expr.

use super::parens::{Parent, arithmetic, bool_word, cast_arg, is_simple, of_record};
use super::{LIST, Writer};
use crate::heap::Fact;
use crate::sql::bind::scope::system_name;
use crate::sql::bind::{Query, Source, SubLink, record};
use crate::sql::expr::{
    AggCall, Expr, ExprKind, Form, FrameBound, FrameExclude, FrameMode, RowOp, RowPair, SortKey, SubPlanKind,
    WindowCall, WindowSpec,
};
use crate::sql::func::{self, FuncDef};
use crate::types::name::{format_type_sql, quote_identifier};
use crate::types::{self, IoContext, TypeRef, Value, oid};

/// Which constants say their type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Never,
    Needed,
    Always,
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A constant (get_const_expr).
pub fn constant(v: &Value, ty: TypeRef, label: Label, io: &IoContext) -> Option<String> {
    let text = match v.is_null() {
        true => None,
        false => Some(types::io::to_text(ty, v.datum(), io).ok()?),
    };
    let digits = |t: &str| t.bytes().next().is_some_and(|b| b.is_ascii_digit());
    let (shown, bare) = match (ty.oid, text) {
        (_, None) => ("NULL".into(), false),
        (oid::INT4, Some(t)) if digits(&t) => (t, true),
        (oid::BOOL, Some(_)) => (if matches!(v, Value::Bool(true)) { "true" } else { "false" }.into(), true),
        (oid::NUMERIC, Some(t)) if digits(&t) && t.contains(['.', 'e', 'E']) => (t, ty.typmod < 0),
        (oid::UNKNOWN, Some(t)) => (literal(&t), true),
        (_, Some(t)) => (literal(&t), false),
    };
    Some(match label == Label::Always || label == Label::Needed && !bare {
        true => format!("{shown}::{}", format_type_sql(ty.oid, Some(ty.typmod), &*io.hooks)),
        false => shown,
    })
}

/// A relation's row as a whole, or OLD's or NEW's.
fn is_whole_row(e: &Expr) -> bool {
    let ExprKind::Row { fields, names } = &e.kind else { return false };
    let all_columns = !fields.is_empty() && fields.iter().all(|f| matches!(f.kind, ExprKind::Column(_)));
    super::is_whole_row(names) || all_columns
}

/// What stands under the notes on how it was written.
fn plain(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Written { arg, .. } => plain(arg),
        _ => e,
    }
}

impl<'q> Writer<'_, 'q> {
    fn type_name(&self, ty: TypeRef) -> String {
        format_type_sql(ty.oid, Some(ty.typmod), &*self.shown.io.hooks)
    }

    pub(super) fn exprs(&mut self, items: &'q [Expr]) -> Option<()> {
        self.list(items, |w, e| w.expr(e))
    }

    /// An expression inside another, in parentheses where the fewer are not few enough.
    pub(super) fn inner(&mut self, e: &'q Expr, parent: Parent<'_>) -> Option<()> {
        match self.shown.pretty && !is_simple(e, parent) {
            true => self.in_parens(|w| w.expr(e)),
            false => self.expr(e),
        }
    }

    /// An expression without the conversions it got where it stands. Each that is not shown asks for parentheses all
    /// the same, but not one to a domain (PostgreSQL 15, ruleutils.c, get_func_expr and `T_CoerceToDomain`).
    pub(super) fn bare(&mut self, e: &'q Expr) -> Option<()> {
        match cast_arg(e) {
            Some(arg)
                if !matches!(e.kind, ExprKind::ToDomain(_)) && self.shown.pretty && !is_simple(arg, Parent::Cast) =>
            {
                self.in_parens(|w| w.bare(arg))
            }
            Some(arg) => self.bare(arg),
            None => self.expr(e),
        }
    }

    pub(super) fn constant(&mut self, v: &Value, ty: TypeRef, label: Label) -> Option<()> {
        let text = constant(v, ty, label, self.shown.io)?;
        self.put(&text);
        Some(())
    }

    /// The names of a column's relation and of the column.
    pub(super) fn var(&self, rel: usize, attno: i16, up: usize) -> Option<(String, String)> {
        if let Some(relation) = self.alone.filter(|_| self.levels.len() <= up) {
            let a = relation.attributes.iter().find(|a| a.attno == attno);
            let name = a.map_or_else(|| system_name(attno).to_string(), |a| a.name.clone());
            if !relation.oid.is_valid() && relation.name.is_empty() && name == "value" {
                // What the CHECK of a domain calls its value.
                return Some((String::new(), String::new()));
            }
            // Inside a sub-select it needs its relation's name.
            let alias = if self.levels.is_empty() { "" } else { relation.name.as_str() };
            return Some((self.alone_prefix.unwrap_or(alias).to_string(), name));
        }
        let level = &self.levels[self.levels.len().checked_sub(1 + up)?];
        let (entry, name) = level.column(rel, attno)?;
        let name = match attno {
            1.. => name.unwrap_or("?dropped?column?"),
            _ => system_name(attno),
        };
        Some((entry.to_string(), name.to_string()))
    }

    fn slot(&self, kind: &ExprKind) -> Option<String> {
        (self.shown.slot)(kind, self.levels.iter().any(|l| !l.query.rels.is_empty()))
    }

    fn cast(&mut self, e: &'q Expr, arg: &'q Expr) -> Option<()> {
        let name = self.type_name(e.ty);
        // What a value goes through on its way into a domain, or to its length, is not written.
        let mut arg = arg;
        let through = |a: &Expr| match e.kind {
            ExprKind::ToDomain(_) => a.ty.oid == types::base_type(e.ty.oid),
            _ => a.ty.oid == e.ty.oid && a.ty.typmod < 0,
        };
        // Each of these that is not a call asks for parentheses all the same, beside those of the cast; but no domain has
        // one under it (parse_coerce.c, coerce_type).
        let asks = self.shown.pretty && !matches!(e.kind, ExprKind::ToDomain(_));
        let mut asked = 0;
        while let Some(inside) = cast_arg(arg).filter(|_| through(arg)) {
            asked += usize::from(asks && !is_simple(arg, Parent::Cast));
            arg = inside;
        }
        match &plain(arg).kind {
            ExprKind::Const(v) if arg.ty.oid == e.ty.oid => self.constant(v, arg.ty, Label::Never)?,
            _ if self.shown.pretty => {
                self.put(&"(".repeat(asked));
                self.inner(arg, Parent::Cast)?;
                self.put(&")".repeat(asked));
            }
            _ => self.in_parens(|w| w.inner(arg, Parent::Cast))?,
        }
        self.put(&format!("::{name}"));
        Some(())
    }

    fn bools(&mut self, parts: &'q [Expr], e: &'q Expr, word: &str) -> Option<()> {
        let own = Parent::Bool(bool_word(e)?);
        self.wrapped(|w| {
            for (n, p) in parts.iter().enumerate() {
                if n > 0 {
                    w.put(word);
                }
                w.inner(p, own)?;
            }
            Some(())
        })
    }

    /// `arg` and a word behind it.
    fn test(&mut self, arg: &'q Expr, word: &str) -> Option<()> {
        self.wrapped(|w| {
            w.inner(arg, Parent::Other)?;
            w.put(word);
            Some(())
        })
    }

    pub(super) fn expr(&mut self, e: &'q Expr) -> Option<()> {
        let e = of_record(e);
        if let Some(done) = self.merged(e) {
            return done;
        }
        if let Some(arg) = cast_arg(e) {
            return self.cast(e, arg);
        }
        match &e.kind {
            _ if let Some(done) = self.row_sub_link(e) => done?,
            ExprKind::Const(v) => self.constant(v, e.ty, Label::Needed)?,
            ExprKind::Param(n) => match self.slot(&e.kind) {
                Some(name) => self.put(&name),
                None => self.put(&format!("${}", n + 1)),
            },
            ExprKind::Column(_) => {
                let name = self.slot(&e.kind)?;
                self.put(&name);
            }
            ExprKind::Var { rel, attno, levels_up } => {
                let fact = Fact::of(*attno);
                let (alias, name) = self.var(*rel, fact.map_or(*attno, |(_, of)| of), *levels_up)?;
                if let Some((fact, _)) = fact {
                    let function = if fact == Fact::Size { "pg_column_size" } else { "pg_column_compression" };
                    let alias = if alias.is_empty() { alias } else { quote_identifier(&alias) + "." };
                    self.put(&format!("{function}({alias}{})", quote_identifier(&name)));
                    return Some(());
                }
                if name.is_empty() {
                    self.put("VALUE");
                    return Some(());
                }
                if !alias.is_empty() {
                    self.put(&format!("{}.", quote_identifier(&alias)));
                }
                self.put(&quote_identifier(&name));
            }
            ExprKind::Func { oper: Some(o), args, .. } => {
                let name = self.operator(*o)?;
                let parent = Parent::Op(arithmetic(e), args.first()?);
                self.wrapped(|w| match &args[..] {
                    [l, r] => {
                        w.inner(l, parent)?;
                        w.put(&format!(" {name} "));
                        w.inner(r, parent)
                    }
                    [a] => {
                        w.put(&format!("{name} "));
                        w.inner(a, parent)
                    }
                    _ => None,
                })?;
            }
            ExprKind::Func { func: f, args, variadic, .. } => self.call(f, args, *variadic)?,
            ExprKind::SetReturning { func: f, args } => self.call(f, args, false)?,
            ExprKind::Written { form, arg } => self.written(form, arg)?,
            ExprKind::And(p) => self.bools(p, e, " AND ")?,
            ExprKind::Or(p) => self.bools(p, e, " OR ")?,
            ExprKind::Not(a) => self.wrapped(|w| {
                w.put("NOT ");
                w.inner(a, Parent::Bool(b'N'))
            })?,
            ExprKind::IsNull(a) => self.test(a, " IS NULL")?,
            ExprKind::IsNotNull(a) => self.test(a, " IS NOT NULL")?,
            ExprKind::BoolTest { arg, is, negated } => {
                let not = if *negated { "NOT " } else { "" };
                let word = is.map_or("UNKNOWN", |b| if b { "TRUE" } else { "FALSE" });
                self.test(arg, &format!(" IS {not}{word}"))?;
            }
            // A row against NULL, which is no question about its fields (ruleutils.c, `T_NullTest`).
            ExprKind::Distinct { left, right, negated, .. }
                if matches!(right.kind, ExprKind::Const(Value::Null)) && right.ty.oid == oid::UNKNOWN =>
            {
                self.test(left, if *negated { " IS NOT DISTINCT FROM NULL" } else { " IS DISTINCT FROM NULL" })?;
            }
            ExprKind::Distinct { left, right, negated, .. } => {
                let put = |w: &mut Self| {
                    w.wrapped(|w| {
                        w.inner(left, Parent::Other)?;
                        w.put(" IS DISTINCT FROM ");
                        w.inner(right, Parent::Other)
                    })
                };
                match *negated {
                    false => put(self)?,
                    true => self.wrapped(|w| {
                        w.put("NOT ");
                        put(w)
                    })?,
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), e.ty)?;
            }
            ExprKind::Coalesce(a) => self.named("COALESCE", a)?,
            ExprKind::Greatest(a) => self.named("GREATEST", a)?,
            ExprKind::Least(a) => self.named("LEAST", a)?,
            ExprKind::NullIf { left, right, .. } => {
                self.put("NULLIF(");
                self.expr(left)?;
                self.put(", ");
                self.expr(right)?;
                self.put(")");
            }
            ExprKind::Array { elements, .. } => {
                self.put("ARRAY[");
                self.exprs(elements)?;
                self.put("]");
                if elements.is_empty() {
                    let name = self.type_name(e.ty);
                    self.put(&format!("::{name}"));
                }
            }
            ExprKind::Row { fields, names } => self.row(fields, names)?,
            ExprKind::ScalarArray { oper, any, left, array, .. } => {
                let name = self.operator((*oper)?)?;
                let parent = Parent::Op(None, left);
                let word = if *any { "ANY" } else { "ALL" };
                self.wrapped(|w| {
                    w.inner(left, parent)?;
                    w.put(&format!(" {name} {word} ("));
                    w.inner(array, parent)?;
                    // A sub-select alone would be read as one whose rows are gone through.
                    if matches!(&array.kind, ExprKind::SubLink(s) if s.kind == SubPlanKind::Scalar) {
                        let name = w.type_name(array.ty);
                        w.put(&format!("::{name}"));
                    }
                    w.put(")");
                    Some(())
                })?;
            }
            ExprKind::RowCompare { op, pairs } => self.row_compare(*op, pairs)?,
            ExprKind::Field { arg, index } => {
                let levels: Vec<_> = self.levels.iter().map(|l| record::Level::of(l.query)).collect();
                let named = |ty| {
                    let fields = self.shown.io.hooks.composite(ty)?;
                    Some(fields.into_iter().map(|f| (f.name, f.typ)).collect())
                };
                let name = quote_identifier(&record::fields(arg, &levels, &named)?.get(*index)?.0);
                match arg.kind {
                    ExprKind::Param(_) | ExprKind::Subscript { .. } | ExprKind::Field { .. } => self.expr(arg)?,
                    _ => self.in_parens(|w| w.expr(arg))?,
                }
                self.put(&format!(".{name}"));
            }
            ExprKind::Subscript { array, lower, upper, slice } => {
                match array.kind {
                    // The value of a domain is called by a word, not by a column's name.
                    ExprKind::Var { rel, attno, levels_up } if !self.var(rel, attno, levels_up)?.1.is_empty() => {
                        self.expr(array)?;
                    }
                    ExprKind::Field { .. } | ExprKind::Column(_) => self.expr(array)?,
                    _ => self.in_parens(|w| w.expr(array))?,
                }
                self.subscripts(lower, upper, *slice)?;
            }
            ExprKind::Grouping { items: list, levels_up } => {
                let group = &self.levels.iter().rev().nth(*levels_up)?.query.group_by;
                self.put("GROUPING(");
                let exprs: Vec<&'q Expr> = list.iter().map(|n| group.get(*n)).collect::<Option<_>>()?;
                self.list(exprs, |w, e| w.expr(e))?;
                self.put(")");
            }
            ExprKind::Aggregate(a) => self.aggregate(a)?,
            ExprKind::Window(w) => self.window(w)?,
            ExprKind::SubLink(s) => self.sub_link(s)?,
            _ => return None,
        }
        Some(())
    }

    pub(super) fn subscripts(
        &mut self,
        lower: &'q [Option<Expr>],
        upper: &'q [Option<Expr>],
        slice: bool,
    ) -> Option<()> {
        for (l, u) in lower.iter().zip(upper) {
            self.put("[");
            if slice {
                if let Some(l) = l {
                    self.expr(l)?;
                }
                self.put(":");
            }
            if let Some(u) = u {
                self.expr(u)?;
            }
            self.put("]");
        }
        Some(())
    }

    fn named(&mut self, name: &str, args: &'q [Expr]) -> Option<()> {
        self.put(name);
        self.in_parens(|w| w.exprs(args))
    }

    pub(super) fn call(&mut self, f: &FuncDef, args: &'q [Expr], variadic: bool) -> Option<()> {
        let name = (self.shown.function_name)(f);
        self.put(&name);
        self.in_parens(|w| {
            w.list(args.iter().enumerate(), |w, (n, e)| {
                if variadic && n + 1 == args.len() {
                    w.put("VARIADIC ");
                }
                w.expr(e)
            })
        })
    }

    fn written(&mut self, form: &'q Form, arg: &'q Expr) -> Option<()> {
        match (form, &arg.kind) {
            (Form::Keyword(word), _) => self.put(word),
            (Form::Collate(_, name), _) => self.wrapped(|w| {
                w.inner(arg, Parent::Other)?;
                w.put(&format!(" COLLATE {name}"));
                Some(())
            })?,
            (Form::Special(n), ExprKind::Func { func: f, args, variadic, .. }) => {
                match self.special(f.name, args.get(..*n)?)? {
                    Some(()) => {}
                    None => self.call(f, args, *variadic)?,
                }
            }
            (
                Form::Call { given, variadic },
                ExprKind::Func { func: f, args, .. } | ExprKind::SetReturning { func: f, args },
            ) => {
                let name = (self.shown.function_name)(f);
                self.put(&name);
                self.in_parens(|w| {
                    w.list(given.iter().enumerate(), |w, (n, (at, named))| {
                        if let Some(name) = named {
                            w.put(&format!("{} => ", quote_identifier(name)));
                        }
                        if *variadic && n + 1 == given.len() {
                            w.put("VARIADIC ");
                        }
                        w.expr(args.get(*at)?)
                    })
                })?;
            }
            (Form::Cast, ExprKind::Row { .. }) if !is_whole_row(arg) => {
                let name = self.type_name(arg.ty);
                self.expr(arg)?;
                self.put(&format!("::{name}"));
            }
            // A cast that was written is shown like any other.
            _ => self.expr(arg)?,
        }
        Some(())
    }

    /// An expression that stands for itself: a relation's whole row says its type there (get_rule_expr_toplevel).
    pub(super) fn apart(&mut self, e: &'q Expr) -> Option<()> {
        let e = of_record(e);
        self.expr(e)?;
        if is_whole_row(e) {
            let name = self.type_name(e.ty);
            self.put(&format!("::{name}"));
        }
        Some(())
    }

    /// Such an expression without the conversions it got where it stands.
    pub(super) fn bare_apart(&mut self, e: &'q Expr) -> Option<()> {
        match cast_arg(e) {
            Some(_) => self.bare(e),
            None => self.apart(e),
        }
    }

    /// A row, or a relation's whole row.
    fn row(&mut self, fields: &'q [Expr], names: &[String]) -> Option<()> {
        if super::is_whole_row(names)
            && let Some(Expr { kind: ExprKind::Var { rel, attno, levels_up }, .. }) = fields.first()
        {
            let (alias, _) = self.var(*rel, *attno, *levels_up)?;
            let own = self.alone.map(|r| r.name.clone()).filter(|_| alias.is_empty());
            let alias = own.unwrap_or(alias);
            self.put(&format!("{}.*", quote_identifier(&alias)));
            return Some(());
        }
        // NEW and OLD as a whole.
        if let Some(first @ Expr { kind: ExprKind::Column(_), .. }) = fields.first()
            && fields.iter().all(|f| matches!(f.kind, ExprKind::Column(_)))
        {
            let name = self.slot(&first.kind)?;
            self.put(&format!("{}.*", name.split_once('.')?.0));
            return Some(());
        }
        self.put("ROW");
        self.in_parens(|w| w.list(fields, |w, e| w.apart(e)))
    }

    fn row_compare(&mut self, op: RowOp, pairs: &'q [RowPair]) -> Option<()> {
        let word = op.symbol();
        if matches!(op, RowOp::Eq | RowOp::Ne) {
            let between = if op == RowOp::Eq { " AND " } else { " OR " };
            return self.wrapped(|w| {
                for (n, p) in pairs.iter().enumerate() {
                    if n > 0 {
                        w.put(between);
                    }
                    let parent = Parent::Op(None, &p.left);
                    w.wrapped(|w| {
                        w.inner(&p.left, parent)?;
                        w.put(&format!(" {word} "));
                        w.inner(&p.right, parent)
                    })?;
                }
                Some(())
            });
        }
        self.put("(ROW(");
        self.list(pairs, |w, p| w.apart(&p.left))?;
        self.put(&format!(") {word} ROW("));
        self.list(pairs, |w, p| w.apart(&p.right))?;
        self.put("))");
        Some(())
    }

    /// The space between words that stand on lines of their own otherwise.
    pub(super) fn between(&mut self) {
        if self.shown.flat {
            self.put(" ");
        }
    }

    fn case(
        &mut self,
        operand: Option<&'q Expr>,
        arms: &'q [(Expr, Expr)],
        otherwise: Option<&'q Expr>,
        ty: TypeRef,
    ) -> Option<()> {
        self.keyword("CASE", 0, LIST, 0);
        if let Some(o) = operand {
            self.put(" ");
            self.expr(o)?;
        }
        for (condition, value) in arms {
            let condition = match (&condition.kind, operand) {
                (ExprKind::Func { args, .. }, Some(_)) if args.len() == 2 => &args[1],
                (_, Some(_)) => return None,
                _ => condition,
            };
            self.between();
            self.keyword("WHEN ", 0, 0, 0);
            self.expr(condition)?;
            self.put(" THEN ");
            self.expr(value)?;
        }
        self.between();
        self.keyword("ELSE ", 0, 0, 0);
        match otherwise {
            Some(o) => self.expr(o)?,
            None => self.constant(&Value::Null, ty, Label::Needed)?,
        }
        self.between();
        self.keyword("END", -LIST, 0, 0);
        Some(())
    }

    fn filter(&mut self, filter: Option<&'q Expr>) -> Option<()> {
        if let Some(f) = filter {
            self.put(" FILTER (WHERE ");
            self.expr(f)?;
            self.put(")");
        }
        Some(())
    }

    fn aggregate(&mut self, a: &'q AggCall) -> Option<()> {
        let name = (self.shown.function_name)(a.func);
        self.put(&format!("{name}({}", if a.distinct { "DISTINCT " } else { "" }));
        if crate::sql::bind::call::ordered_set_kind(a.func).is_some() {
            self.exprs(&a.direct_args)?;
            self.put(") WITHIN GROUP (ORDER BY ");
            match a.order_by.is_empty() {
                true => self.list(&a.args, |w, e| w.sort_expr(e))?,
                false => self.keys(&a.order_by)?,
            }
        } else {
            match a.star {
                true => self.put("*"),
                false => self.exprs(&a.args)?,
            }
            if !a.order_by.is_empty() {
                self.put(" ORDER BY ");
                self.keys(&a.order_by)?;
            }
        }
        self.put(")");
        self.filter(a.filter.as_ref())
    }

    fn window(&mut self, c: &'q WindowCall) -> Option<()> {
        let name = (self.shown.function_name)(c.func);
        self.put(&format!("{name}("));
        match c.star {
            true => self.put("*"),
            false => self.exprs(&c.args)?,
        }
        self.put(")");
        self.filter(c.filter.as_ref())?;
        self.put(" OVER ");
        match c.spec.written.as_ref().and_then(|w| w.name.as_ref()) {
            Some(name) => self.put(&quote_identifier(name)),
            None => self.window_spec(&c.spec)?,
        }
        Some(())
    }

    pub(super) fn window_spec(&mut self, spec: &'q WindowSpec) -> Option<()> {
        let written = spec.written.as_ref();
        let base = written.and_then(|w| w.base.as_ref());
        let mut space = "";
        self.put("(");
        if let Some(name) = base {
            self.put(&quote_identifier(name));
            space = " ";
        }
        if !spec.partition_by.is_empty() && base.is_none() {
            self.put("PARTITION BY ");
            self.list(&spec.partition_by, |w, e| w.sort_expr(e))?;
            space = " ";
        }
        if !spec.order_by.is_empty() && written.is_none_or(|w| w.own_order) {
            self.put(&format!("{space}ORDER BY "));
            self.keys(&spec.order_by)?;
            space = " ";
        }
        let f = &spec.frame;
        let usual = f.mode == FrameMode::Range
            && matches!((&f.start, &f.end), (FrameBound::UnboundedPreceding, FrameBound::CurrentRow))
            && f.exclude == FrameExclude::NoOthers
            && written.is_none_or(|w| !w.frame);
        if !usual {
            let mode = match f.mode {
                FrameMode::Rows => "ROWS",
                FrameMode::Range => "RANGE",
                FrameMode::Groups => "GROUPS",
            };
            let between = written.is_none_or(|w| w.between);
            self.put(&format!("{space}{mode} {}", if between { "BETWEEN " } else { "" }));
            self.frame_bound(&f.start)?;
            if between {
                self.put(" AND ");
                self.frame_bound(&f.end)?;
            }
            self.put(match f.exclude {
                FrameExclude::NoOthers => "",
                FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
                FrameExclude::Group => " EXCLUDE GROUP",
                FrameExclude::Ties => " EXCLUDE TIES",
            });
        }
        self.put(")");
        Some(())
    }

    fn frame_bound(&mut self, bound: &'q FrameBound) -> Option<()> {
        match bound {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(e) => {
                self.bare(e)?;
                self.put(" PRECEDING");
            }
            FrameBound::Following(e) => {
                self.bare(e)?;
                self.put(" FOLLOWING");
            }
        }
        Some(())
    }

    /// An expression to sort or group by.
    pub(super) fn sort_expr(&mut self, e: &'q Expr) -> Option<()> {
        match &e.kind {
            ExprKind::Const(v) => return self.constant(v, e.ty, Label::Always),
            ExprKind::Var { .. } => return self.expr(e),
            _ => {}
        }
        let inside = plain(e);
        let call = match &inside.kind {
            ExprKind::Func { oper, .. } => oper.is_none(),
            ExprKind::SetReturning { .. } | ExprKind::Aggregate(_) | ExprKind::Window(_) => true,
            _ => false,
        };
        let keyword = matches!(&e.kind, ExprKind::Written { form: Form::Keyword(_) | Form::Collate(..), .. });
        match self.shown.pretty || call && !keyword {
            true => self.in_parens(|w| w.expr(e)),
            false => self.expr(e),
        }
    }

    pub(super) fn keys(&mut self, keys: &'q [SortKey]) -> Option<()> {
        self.list(keys, |w, k| {
            w.sort_expr(&k.expr)?;
            w.put(order_words(k.desc, k.nulls_first));
            Some(())
        })
    }

    /// `(a, b) = (SELECT …)`: the fields of one row compared with outer values.
    fn row_sub_link(&mut self, e: &'q Expr) -> Option<Option<()>> {
        let field = |e: &'q Expr| match &e.kind {
            ExprKind::Field { arg, .. } => match &arg.kind {
                ExprKind::SubLink(s) if s.kind == SubPlanKind::Scalar => Some(&**s),
                _ => None,
            },
            _ => None,
        };
        let link = match &e.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => match &parts.first()?.kind {
                ExprKind::Func { args, .. } => field(args.get(1)?)?,
                _ => return None,
            },
            ExprKind::RowCompare { pairs, .. } => field(&pairs.first()?.right)?,
            _ => return None,
        };
        columns_of(link)?;
        Some(self.row_against(e, link))
    }

    fn row_against(&mut self, e: &'q Expr, link: &'q SubLink) -> Option<()> {
        self.put("(");
        let word = self.tested(e)?;
        self.put(&format!(" {word} "));
        self.columns_query(link)?;
        self.put(")");
        Some(())
    }

    /// The query of such a sub-select. What it reads further out is counted from inside the query that makes a record.
    pub(super) fn columns_query(&mut self, link: &'q SubLink) -> Option<()> {
        let mut around = self.level(&link.query);
        around.names.iter_mut().for_each(String::clear);
        let indent = self.indent;
        self.put("(");
        self.levels.push(around);
        let done = self.query(columns_of(link)?, None, false);
        self.levels.pop();
        self.indent = indent;
        self.put(")");
        done
    }

    fn sub_link(&mut self, s: &'q SubLink) -> Option<()> {
        if s.kind == SubPlanKind::Array {
            self.put("ARRAY");
        }
        self.put("(");
        let mut closing = ")";
        if let Some(test) = &s.test {
            let word = self.tested(test)?;
            match (s.kind, word) {
                (SubPlanKind::Any, "=") => self.put(" IN ("),
                (SubPlanKind::Any, word) => self.put(&format!(" {word} ANY (")),
                (_, word) => self.put(&format!(" {word} ALL (")),
            }
            closing = "))";
        } else if s.kind == SubPlanKind::Exists {
            self.put("EXISTS (");
            closing = "))";
        }
        let indent = self.indent;
        self.query(&s.query, None, false)?;
        self.indent = indent;
        self.put(closing);
        Some(())
    }

    /// An operator's name; with its schema where the search path does not find it.
    fn operator(&self, oper: crate::base::Oid) -> Option<String> {
        if oper < crate::base::Oid::FIRST_NORMAL {
            return func::oper(oper).map(|o| o.name.to_owned());
        }
        let name = self.shown.io.hooks.reg_out(types::oid::REGOPER, oper);
        let name = name.or_else(|| func::user::operator_name(oper).map(str::to_owned))?;
        Some(if name.contains('.') { format!("OPERATOR({name})") } else { name })
    }

    /// The outer values a sub-select is compared with; the operator's name.
    fn tested(&mut self, test: &'q Expr) -> Option<&'static str> {
        let left = |e: &'q Expr| match &e.kind {
            ExprKind::Func { oper: Some(o), args, .. } if args.len() == 2 => Some((&args[0], func::oper(*o)?.name)),
            _ => None,
        };
        match &test.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                let found = parts.iter().map(left).collect::<Option<Vec<_>>>()?;
                let word = found.first()?.1;
                self.in_parens(|w| w.list(found, |w, (e, _)| w.expr(e)))?;
                Some(word)
            }
            ExprKind::RowCompare { op, pairs } => {
                self.in_parens(|w| w.list(pairs, |w, p| w.expr(&p.left)))?;
                Some(match op {
                    RowOp::Eq => "=",
                    RowOp::Ne => "<>",
                    RowOp::Lt => "<",
                    RowOp::Le => "<=",
                    RowOp::Gt => ">",
                    RowOp::Ge => ">=",
                })
            }
            _ => {
                let (e, word) = left(test)?;
                self.expr(e)?;
                Some(word)
            }
        }
    }
}

/// A sub-select that several columns are wanted of, as it was written: what makes one record of them is no part of that.
pub(super) fn columns_of(link: &SubLink) -> Option<&Query> {
    let (Some(row), [only]) = (link.query.rels.first(), &link.query.targets[..]) else { return None };
    let Source::Subquery(query) = &row.source else { return None };
    (matches!(only.expr.kind, ExprKind::Row { .. }) && row.alias == "row").then_some(query)
}

pub(super) fn order_words(desc: bool, nulls_first: bool) -> &'static str {
    match (desc, nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}
