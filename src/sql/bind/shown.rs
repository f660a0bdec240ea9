//! Bound expressions and queries as SQL again, for definitions: every name is found by the reader's search path, every
//! conversion is written out. PostgreSQL 15, ruleutils.c: same parentheses, same lines.
//!
//! What has no text here yet answers None, and the caller shows what was written.

use super::{FromNode, JoinNode, Query, Source, SubLink};
use crate::base::Oid;
use crate::catalog::{RelKind, Relation};
use crate::sql::expr::{AggCall, Expr, ExprKind, RowOp, SortKey, SubPlanKind};
use crate::sql::func::{self, FuncDef};
use crate::sql::plan::JoinKind;
use crate::types::name::{format_type_sql, quote_identifier};
use crate::types::{self, IoContext, TypeRef, Value, oid};

/// How names and parentheses are shown.
pub struct Shown<'a> {
    pub io: &'a IoContext,
    /// Fewer parentheses.
    pub pretty: bool,
    /// A relation's name as its reader must write it.
    pub relation_name: &'a dyn Fn(Oid) -> String,
    /// A function's likewise.
    pub function_name: &'a dyn Fn(&FuncDef) -> String,
}

/// A level of queries: the innermost is last.
struct Writer<'a, 'q> {
    shown: &'a Shown<'a>,
    levels: Vec<&'q Query>,
    /// The only relation of an expression that stands alone.
    alone: Option<&'q Relation>,
    cases: usize,
}

impl Shown<'_> {
    /// An expression over one relation's columns.
    pub fn expression(&self, e: &Expr, relation: Option<&Relation>) -> Option<String> {
        Writer { shown: self, levels: Vec::new(), alone: relation, cases: 0 }.expr(e)
    }

    /// A query, without the semicolon.
    pub fn query(&self, query: &Query, names: &[&str]) -> Option<String> {
        Writer { shown: self, levels: Vec::new(), alone: None, cases: 0 }.query(query, names)
    }
}

/// The view whose expansion is the n-th entry: the entry before it stands for the view itself.
pub fn expanded_view(query: &Query, n: usize) -> Option<&std::sync::Arc<Relation>> {
    match (n.checked_sub(1).map(|b| &query.rels[b].source), &query.rels[n].source) {
        (Some(Source::Table { rel, .. }), Source::Subquery(_))
            if rel.kind == RelKind::View
                && rel.generated_by.is_none()
                && query.rels[n - 1].alias == query.rels[n].alias =>
        {
            Some(rel)
        }
        _ => None,
    }
}

/// What a node is to the one it stands in, where parentheses depend on it.
#[derive(Clone, Copy)]
enum Parent<'e> {
    /// An operator, with its name if it is binary and arithmetic, and its first argument.
    Op(Option<u8>, &'e Expr),
    Bool(u8),
    Cast,
    Other,
}

fn op_name(e: &Expr) -> Option<&'static str> {
    match &e.kind {
        ExprKind::Func { oper: Some(o), .. } => func::oper(*o).map(|o| o.name),
        _ => None,
    }
}

/// `+ - * / %` between two operands.
fn arithmetic(e: &Expr) -> Option<u8> {
    match &e.kind {
        ExprKind::Func { oper: Some(_), args, .. } if args.len() == 2 => match op_name(e)?.as_bytes() {
            [c @ (b'+' | b'-' | b'*' | b'/' | b'%')] => Some(*c),
            _ => None,
        },
        _ => None,
    }
}

fn bool_word(e: &Expr) -> Option<u8> {
    match e.kind {
        ExprKind::And(_) => Some(b'A'),
        ExprKind::Or(_) => Some(b'O'),
        ExprKind::Not(_) => Some(b'N'),
        _ => None,
    }
}

/// The argument of a conversion.
fn cast_arg(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        ExprKind::Relabel(a)
        | ExprKind::ToDomain(a)
        | ExprKind::IoCast { arg: a, .. }
        | ExprKind::ArrayCast { arg: a, .. } => Some(a),
        ExprKind::Func { func: f, args, oper: None, .. } => {
            let a = args.first()?;
            let same_type = a.ty.oid == e.ty.oid && args.len() > 1;
            let cast = func::cast(types::base_type(a.ty.oid), e.ty.oid)?;
            (cast.func == f.oid && (a.ty.oid != e.ty.oid || same_type)).then_some(a)
        }
        _ => None,
    }
}

/// PostgreSQL 15, ruleutils.c, isSimpleNode.
fn is_simple(e: &Expr, parent: Parent<'_>) -> bool {
    if let Some(a) = cast_arg(e) {
        return is_simple(a, Parent::Cast);
    }
    if let Some(word) = bool_word(e) {
        return match parent {
            Parent::Bool(outer) => match word {
                b'O' => outer == b'O',
                _ => outer != b'N',
            },
            _ => false,
        };
    }
    match &e.kind {
        ExprKind::Func { oper: Some(_), .. } => match parent {
            Parent::Op(outer, first) => match (arithmetic(e), outer) {
                (Some(own), Some(outer)) => {
                    let high = |c: u8| matches!(c, b'*' | b'/' | b'%');
                    match (high(own), high(outer)) {
                        (true, false) => true,
                        (false, true) => false,
                        _ => std::ptr::eq(e, first),
                    }
                }
                _ => false,
            },
            Parent::Bool(_) => true,
            _ => false,
        },
        ExprKind::SubLink(_)
        | ExprKind::IsNull(_)
        | ExprKind::IsNotNull(_)
        | ExprKind::BoolTest { .. }
        | ExprKind::Distinct { .. } => matches!(parent, Parent::Bool(_)),
        ExprKind::ScalarArray { .. } | ExprKind::RowCompare { .. } => false,
        _ => true,
    }
}

fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

impl<'q> Writer<'_, 'q> {
    fn type_name(&self, ty: TypeRef) -> String {
        format_type_sql(ty.oid, Some(ty.typmod), &*self.shown.io.hooks)
    }

    fn list(&mut self, items: &[Expr]) -> Option<String> {
        Some(items.iter().map(|e| self.expr(e)).collect::<Option<Vec<_>>>()?.join(", "))
    }

    /// An expression inside another, in parentheses where the fewer are not few enough.
    fn inner(&mut self, e: &Expr, parent: Parent<'_>) -> Option<String> {
        let text = self.expr(e)?;
        Some(if self.shown.pretty && !is_simple(e, parent) { format!("({text})") } else { text })
    }

    fn wrapped(&self, text: String) -> String {
        if self.shown.pretty { text } else { format!("({text})") }
    }

    fn constant(&self, v: &Value, ty: TypeRef, label: bool) -> Option<String> {
        let name = self.type_name(ty);
        if v.is_null() {
            return Some(if label { format!("NULL::{name}") } else { "NULL".into() });
        }
        let text = types::io::to_text(ty, v.datum(), self.shown.io).ok()?;
        let digits = |t: &str| t.bytes().next().is_some_and(|b| b.is_ascii_digit());
        let (shown, plain) = match ty.oid {
            oid::INT4 if digits(&text) => (text, true),
            oid::BOOL => (if matches!(v, Value::Bool(true)) { "true" } else { "false" }.into(), true),
            oid::NUMERIC if digits(&text) && text.contains(['.', 'e', 'E']) => (text, ty.typmod < 0),
            _ => (literal(&text), false),
        };
        Some(if label && !plain { format!("{shown}::{name}") } else { shown })
    }

    fn var(&self, rel: usize, attno: i16, up: usize) -> Option<(String, String)> {
        if let Some(relation) = self.alone {
            let a = relation.attributes.iter().find(|a| a.attno == attno);
            let name = a.map_or_else(|| super::scope::system_name(attno).to_string(), |a| a.name.clone());
            return Some((String::new(), name));
        }
        let level = self.levels.len().checked_sub(1 + up)?;
        let entry = self.levels[level].rels.get(rel)?;
        let name = match usize::try_from(attno).ok().and_then(|n| n.checked_sub(1)) {
            Some(n) => entry.columns.get(n)?.name.clone(),
            None if attno < 0 => super::scope::system_name(attno).to_string(),
            // A whole row.
            None => return None,
        };
        Some((entry.alias.clone(), name))
    }

    fn cast(&mut self, e: &Expr, arg: &Expr) -> Option<String> {
        let name = self.type_name(e.ty);
        // What a value goes through on its way into a domain is not written.
        let mut arg = arg;
        if matches!(e.kind, ExprKind::ToDomain(_)) {
            while let Some(inside) = cast_arg(arg).filter(|_| arg.ty.oid == types::base_type(e.ty.oid)) {
                arg = inside;
            }
        }
        if let ExprKind::Const(v) = &arg.kind
            && arg.ty.oid == e.ty.oid
        {
            return Some(format!("{}::{name}", self.constant(v, arg.ty, false)?));
        }
        let inside = self.inner(arg, Parent::Cast)?;
        Some(if self.shown.pretty { format!("{inside}::{name}") } else { format!("({inside})::{name}") })
    }

    fn bools(&mut self, parts: &[Expr], e: &Expr, word: &str) -> Option<String> {
        let own = Parent::Bool(bool_word(e)?);
        let parts = parts.iter().map(|p| self.inner(p, own)).collect::<Option<Vec<_>>>()?;
        Some(self.wrapped(parts.join(word)))
    }

    fn expr(&mut self, e: &Expr) -> Option<String> {
        if let Some(arg) = cast_arg(e) {
            return self.cast(e, arg);
        }
        Some(match &e.kind {
            ExprKind::Const(v) => self.constant(v, e.ty, true)?,
            ExprKind::Param(n) => format!("${}", n + 1),
            ExprKind::Var { rel, attno, levels_up } => match self.var(*rel, *attno, *levels_up)? {
                (alias, name) if alias.is_empty() => quote_identifier(&name),
                (alias, name) => format!("{}.{}", quote_identifier(&alias), quote_identifier(&name)),
            },
            ExprKind::Func { oper: Some(o), args, .. } => {
                let name = func::oper(*o)?.name;
                let parent = Parent::Op(arithmetic(e), args.first()?);
                let text = match &args[..] {
                    [l, r] => format!("{} {name} {}", self.inner(l, parent)?, self.inner(r, parent)?),
                    [a] => format!("{name} {}", self.inner(a, parent)?),
                    _ => return None,
                };
                self.wrapped(text)
            }
            ExprKind::Func { func: f, args, variadic, .. } => self.call(f, args, *variadic)?,
            ExprKind::And(p) => self.bools(p, e, " AND ")?,
            ExprKind::Or(p) => self.bools(p, e, " OR ")?,
            ExprKind::Not(a) => {
                let inside = self.inner(a, Parent::Bool(b'N'))?;
                self.wrapped(format!("NOT {inside}"))
            }
            ExprKind::IsNull(a) => {
                let inside = self.inner(a, Parent::Other)?;
                self.wrapped(format!("{inside} IS NULL"))
            }
            ExprKind::IsNotNull(a) => {
                let inside = self.inner(a, Parent::Other)?;
                self.wrapped(format!("{inside} IS NOT NULL"))
            }
            ExprKind::BoolTest { arg, is, negated } => {
                let not = if *negated { "NOT " } else { "" };
                let word = is.map_or("UNKNOWN", |b| if b { "TRUE" } else { "FALSE" });
                let inside = self.inner(arg, Parent::Other)?;
                self.wrapped(format!("{inside} IS {not}{word}"))
            }
            ExprKind::Distinct { left, right, negated, .. } => {
                let (l, r) = (self.inner(left, Parent::Other)?, self.inner(right, Parent::Other)?);
                let text = self.wrapped(format!("{l} IS DISTINCT FROM {r}"));
                match (*negated, self.shown.pretty) {
                    (false, _) => text,
                    (true, true) => format!("NOT {text}"),
                    (true, false) => format!("(NOT {text})"),
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), e.ty)?
            }
            ExprKind::Coalesce(a) => format!("COALESCE({})", self.list(a)?),
            ExprKind::Greatest(a) => format!("GREATEST({})", self.list(a)?),
            ExprKind::Least(a) => format!("LEAST({})", self.list(a)?),
            ExprKind::NullIf { left, right, .. } => format!("NULLIF({}, {})", self.expr(left)?, self.expr(right)?),
            ExprKind::Array { elements, .. } if elements.is_empty() => format!("ARRAY[]::{}", self.type_name(e.ty)),
            ExprKind::Array { elements, .. } => format!("ARRAY[{}]", self.list(elements)?),
            ExprKind::ScalarArray { oper, any, left, array, .. } => {
                let name = func::oper((*oper)?)?.name;
                let parent = Parent::Op(None, left);
                let (l, r) = (self.inner(left, parent)?, self.inner(array, parent)?);
                let word = if *any { "ANY" } else { "ALL" };
                self.wrapped(format!("{l} {name} {word} ({r})"))
            }
            ExprKind::RowCompare { op, pairs } => {
                let word = match op {
                    RowOp::Eq => "=",
                    RowOp::Ne => "<>",
                    RowOp::Lt => "<",
                    RowOp::Le => "<=",
                    RowOp::Gt => ">",
                    RowOp::Ge => ">=",
                };
                let left = pairs.iter().map(|p| self.expr(&p.left)).collect::<Option<Vec<_>>>()?.join(", ");
                let right = pairs.iter().map(|p| self.expr(&p.right)).collect::<Option<Vec<_>>>()?.join(", ");
                format!("(ROW({left}) {word} ROW({right}))")
            }
            ExprKind::Subscript { array, lower, upper, slice } => {
                let of = self.expr(array)?;
                let mut out = if matches!(array.kind, ExprKind::Var { .. }) { of } else { format!("({of})") };
                for (l, u) in lower.iter().zip(upper) {
                    let mut show = |e: &Option<Expr>| match e {
                        Some(e) => self.expr(e),
                        None => Some(String::new()),
                    };
                    out += &match *slice {
                        true => format!("[{}:{}]", show(l)?, show(u)?),
                        false => format!("[{}]", show(u)?),
                    };
                }
                out
            }
            ExprKind::Aggregate(a) => self.aggregate(a)?,
            ExprKind::SetReturning { func: f, args } => self.call(f, args, false)?,
            ExprKind::SubLink(s) => self.sub_link(s)?,
            _ => return None,
        })
    }

    fn call(&mut self, f: &FuncDef, args: &[Expr], variadic: bool) -> Option<String> {
        // Functions with a syntax of their own are left to what was written.
        if args.is_empty() && matches!(f.name, "current_date" | "current_user" | "session_user") {
            return None;
        }
        let mut shown = args.iter().map(|a| self.expr(a)).collect::<Option<Vec<_>>>()?;
        if let (true, Some(last)) = (variadic, shown.last_mut()) {
            last.insert_str(0, "VARIADIC ");
        }
        Some(format!("{}({})", (self.shown.function_name)(f), shown.join(", ")))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        ty: TypeRef,
    ) -> Option<String> {
        let lines = !self.levels.is_empty();
        let depth = self.levels.len() * 8 + self.cases * 4;
        let line = |more: usize| if lines { format!("\n{}", " ".repeat(depth + more)) } else { " ".to_string() };
        self.cases += 1;
        let mut out = if lines { format!("{}CASE", line(0)) } else { "CASE".to_string() };
        if let Some(o) = operand {
            out += &format!(" {}", self.expr(o)?);
        }
        for (condition, value) in arms {
            let condition = match (&condition.kind, operand) {
                (ExprKind::Func { args, .. }, Some(_)) if args.len() == 2 => &args[1],
                (_, Some(_)) => return None,
                _ => condition,
            };
            out += &format!("{}WHEN {} THEN {}", line(4), self.expr(condition)?, self.expr(value)?);
        }
        let rest = match otherwise {
            Some(o) => self.expr(o)?,
            None => format!("NULL::{}", self.type_name(ty)),
        };
        out += &format!("{}ELSE {rest}{}END", line(4), line(0));
        self.cases -= 1;
        Some(out)
    }

    fn aggregate(&mut self, a: &AggCall) -> Option<String> {
        if !a.direct_args.is_empty() || a.func.name == "mode" || a.levels_up > 0 {
            return None;
        }
        let args = if a.star { "*".to_string() } else { self.list(&a.args)? };
        let distinct = if a.distinct { "DISTINCT " } else { "" };
        let order = match &a.order_by[..] {
            [] => String::new(),
            keys => format!(" ORDER BY {}", self.keys(keys)?),
        };
        let filter = match &a.filter {
            Some(f) => format!(" FILTER (WHERE {})", self.expr(f)?),
            None => String::new(),
        };
        Some(format!("{}({distinct}{args}{order}){filter}", (self.shown.function_name)(a.func)))
    }

    /// An expression to sort or group by.
    fn sort_expr(&mut self, e: &Expr) -> Option<String> {
        let text = self.expr(e)?;
        let plain = matches!(e.kind, ExprKind::Const(_) | ExprKind::Var { .. });
        let call = matches!(e.kind, ExprKind::Func { oper: None, .. } | ExprKind::Aggregate(_));
        Some(if !plain && (self.shown.pretty || call && cast_arg(e).is_none()) { format!("({text})") } else { text })
    }

    fn keys(&mut self, keys: &[SortKey]) -> Option<String> {
        let one = |k: &SortKey, w: &mut Self| Some(w.sort_expr(&k.expr)? + order_words(k.desc, k.nulls_first));
        Some(keys.iter().map(|k| one(k, self)).collect::<Option<Vec<_>>>()?.join(", "))
    }

    fn sub_link(&mut self, s: &SubLink) -> Option<String> {
        if s.test.is_some() {
            return None;
        }
        // The tree outlives this call only as long as the link is borrowed: text is made at once.
        let text = Writer { shown: self.shown, levels: self.levels.clone(), alone: None, cases: self.cases }
            .query(&s.query, &[])?;
        Some(match s.kind {
            SubPlanKind::Exists => {
                let text = format!("EXISTS ({text})");
                self.wrapped(text)
            }
            SubPlanKind::Scalar => format!("({text})"),
            SubPlanKind::Array => format!("ARRAY({text})"),
            SubPlanKind::Any | SubPlanKind::All => return None,
        })
    }

    fn query(&self, query: &Query, names: &[&str]) -> Option<String> {
        let covered = query.set_op.is_none()
            && query.ctes.is_empty()
            && query.write.is_none()
            && query.grouping_sets.is_none()
            && query.locks.is_empty()
            && !query.with_ties
            && !query.has_windows
            && self.alone.is_none();
        if !covered {
            return None;
        }
        let mut levels: Vec<&Query> = self.levels.clone();
        levels.push(query);
        Writer { shown: self.shown, levels, alone: None, cases: 0 }.select(query, names)
    }

    fn select(&mut self, q: &Query, names: &[&str]) -> Option<String> {
        let base = (self.levels.len() - 1) * 8;
        let line = |n: usize| format!("\n{}", " ".repeat(base + n));
        let mut out = " SELECT".to_string();
        match &q.distinct {
            super::Distinct::No => {}
            super::Distinct::All => out += " DISTINCT",
            super::Distinct::On(on) => {
                let shown = on.iter().map(|t| self.sort_expr(&q.targets[*t].expr)).collect::<Option<Vec<_>>>()?;
                out += &format!(" DISTINCT ON ({})", shown.join(", "));
            }
        }
        for (n, t) in q.targets.iter().filter(|t| !t.junk).enumerate() {
            let name = names.get(n).copied().unwrap_or(t.name.as_str());
            let mut text = self.expr(&t.expr)?;
            let own = match &t.expr.kind {
                ExprKind::Var { rel, attno, levels_up } => Some(self.var(*rel, *attno, *levels_up)?.1),
                _ => None,
            };
            if own.as_deref() != Some(name) {
                text += &format!(" AS {}", quote_identifier(name));
            }
            let comma = if n > 0 { "," } else { "" };
            out += comma;
            if !text.starts_with('\n') {
                out += &if n > 0 { line(4) } else { " ".to_string() };
            }
            out += &text;
        }
        for (n, node) in q.from.iter().enumerate() {
            out += &if n == 0 { format!("{}FROM ", line(3)) } else { format!(",{}", line(4)) };
            out += &self.from(q, node, base)?;
        }
        if let Some(f) = &q.filter {
            out += &format!("{}WHERE {}", line(2), self.expr(f)?);
        }
        if !q.group_by.is_empty() {
            let shown = q.group_by.iter().map(|e| self.sort_expr(e)).collect::<Option<Vec<_>>>()?;
            out += &format!("{}GROUP BY {}", line(2), shown.join(", "));
        }
        if let Some(h) = &q.having {
            out += &format!("{}HAVING {}", line(1), self.expr(h)?);
        }
        if !q.order_by.is_empty() {
            let mut shown = Vec::new();
            for o in &q.order_by {
                shown.push(self.sort_expr(&q.targets[o.target].expr)? + order_words(o.desc, o.nulls_first));
            }
            out += &format!("{}ORDER BY {}", line(2), shown.join(", "));
        }
        for (word, e) in [("OFFSET", &q.offset), ("LIMIT", &q.limit)] {
            if let Some(e) = e {
                out += &format!("{}{word} {}", line(1), self.expr(cast_arg(e).unwrap_or(e))?);
            }
        }
        Some(out)
    }

    fn from(&mut self, q: &Query, node: &FromNode, base: usize) -> Option<String> {
        match node {
            FromNode::Rel(n) => self.entry(q, *n),
            FromNode::Join(j) => self.join(q, j, base),
        }
    }

    fn join(&mut self, q: &Query, j: &JoinNode, base: usize) -> Option<String> {
        let word = match (j.kind, &j.on) {
            (JoinKind::Inner, Some(_)) => "JOIN",
            (JoinKind::Inner, None) => "CROSS JOIN",
            (JoinKind::Left, _) => "LEFT JOIN",
            (JoinKind::Right, _) => "RIGHT JOIN",
            (JoinKind::Full, _) => "FULL JOIN",
            _ => return None,
        };
        let left = self.from(q, &j.left, base)?;
        let mut right = self.from(q, &j.right, base)?;
        if self.shown.pretty && matches!(j.right, FromNode::Join(_)) {
            right = format!("({right})");
        }
        let on = match &j.on {
            Some(e) => {
                let condition = self.expr(e)?;
                match self.shown.pretty {
                    true => format!(" ON {condition}"),
                    false => format!(" ON ({condition})"),
                }
            }
            None => String::new(),
        };
        let text = format!("{left}\n{}{word} {right}{on}", " ".repeat(base + 5));
        Some(self.wrapped(text))
    }

    fn entry(&mut self, q: &Query, n: usize) -> Option<String> {
        let entry = &q.rels[n];
        let alias = quote_identifier(&entry.alias);
        if let Some(view) = expanded_view(q, n) {
            return self.named(view, entry, &alias);
        }
        match &entry.source {
            Source::Table { rel, sample: None, inherit } => {
                let only =
                    !*inherit && !matches!(rel.kind, RelKind::View | RelKind::MatView) && rel.generated_by.is_none();
                let shown = self.named(rel, entry, &alias)?;
                Some(if only && !rel.children.is_empty() { format!("ONLY {shown}") } else { shown })
            }
            Source::Subquery(inner) => {
                let text = self.query(inner, &[])?;
                let lateral = if entry.lateral { "LATERAL " } else { "" };
                let own: Vec<&str> = inner.output().map(|t| t.name.as_str()).collect();
                let renamed = entry.columns.iter().map(|c| c.name.as_str()).ne(own.iter().copied());
                Some(format!("{lateral}({text}) {alias}{}", if renamed { self.columns(entry) } else { String::new() }))
            }
            Source::Function { calls, ordinality } => {
                let [call] = &calls[..] else { return None };
                if call.scalar.is_some() || call.func.ret == oid::RECORD {
                    return None;
                }
                let text = self.call(call.func, &call.args, false)?;
                let with = if *ordinality { " WITH ORDINALITY" } else { "" };
                Some(format!("{text}{with} {alias}{}", self.columns(entry)))
            }
            _ => None,
        }
    }

    fn columns(&self, entry: &super::Rel) -> String {
        let names: Vec<String> = entry.columns.iter().map(|c| quote_identifier(&c.name)).collect();
        format!("({})", names.join(", "))
    }

    /// A relation with its alias where it has another name here, and columns' where they have.
    fn named(&self, rel: &Relation, entry: &super::Rel, alias: &str) -> Option<String> {
        let mut out = (self.shown.relation_name)(rel.oid);
        let own = rel.attributes.iter().map(|a| a.name.as_str());
        let renamed = entry.columns.iter().filter(|c| !c.dropped).map(|c| c.name.as_str()).ne(own.clone());
        if rel.attributes.iter().any(|a| a.dropped) && renamed {
            return None;
        }
        if entry.alias != rel.name || renamed {
            out += &format!(" {alias}");
        }
        if renamed {
            out += &self.columns(entry);
        }
        Some(out)
    }
}

fn order_words(desc: bool, nulls_first: bool) -> &'static str {
    match (desc, nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}
