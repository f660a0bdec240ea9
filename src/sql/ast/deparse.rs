//! Trees back to SQL text, for what is stored as text: defaults, checks, index expressions, views.
//!
//! The text parses back to the same tree (positions aside). Every operator gets its parentheses, so that no
//! precedence matters; names are quoted where they need it.

use super::*;
use crate::base::{Error, Result};
use crate::types::name::quote_identifier as quote;

/// The text of an expression.
///
/// # Errors
/// 0A000 for what cannot be stored: data-modifying WITH.
pub fn expr(e: &Expr) -> Result<String> {
    let mut w = Writer::default();
    w.expr(e);
    w.finish()
}

/// The text of a query.
///
/// # Errors
/// As [`expr`].
pub fn select(s: &SelectStmt) -> Result<String> {
    let mut w = Writer::default();
    w.select(s);
    w.finish()
}

/// The text of a type name.
pub fn type_name(t: &TypeName) -> Result<String> {
    let mut w = Writer::default();
    w.type_name(t);
    w.finish()
}

/// `'text'`, with E'' where a backslash would be doubtful.
pub fn string_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

#[derive(Default)]
struct Writer {
    out: String,
    error: Option<Error>,
}

impl Writer {
    fn finish(self) -> Result<String> {
        match self.error {
            Some(e) => Err(e),
            None => Ok(self.out),
        }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn list<T>(&mut self, items: &[T], mut one: impl FnMut(&mut Writer, &T)) {
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                self.put(", ");
            }
            one(self, item);
        }
    }

    fn exprs(&mut self, items: &[Expr]) {
        self.list(items, |w, e| w.expr(e));
    }

    fn names(&mut self, items: &[Name]) {
        self.list(items, |w, n| w.put(&quote(n)));
    }

    fn dotted(&mut self, parts: &[Name]) {
        let parts: Vec<String> = parts.iter().map(|p| quote(p)).collect();
        self.put(&parts.join("."));
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Column { parts, star } => {
                self.dotted(parts);
                match (star, parts.is_empty()) {
                    (true, true) => self.put("*"),
                    (true, false) => self.put(".*"),
                    _ => {}
                }
            }
            ExprKind::Const(c) => self.constant(c),
            ExprKind::Param(n) => self.put(&format!("${n}")),
            ExprKind::Op { op, left, right } => self.parens(|w| {
                if let Some(left) = left {
                    w.expr(left);
                    w.put(" ");
                }
                w.operator(op);
                w.put(" ");
                w.expr(right);
            }),
            ExprKind::OpArray { op, left, right, all } => self.parens(|w| {
                w.expr(left);
                w.put(" ");
                w.operator(op);
                w.put(if *all { " ALL (" } else { " ANY (" });
                w.array_operand(right);
                w.put(")");
            }),
            ExprKind::And(args) => self.joined(args, " AND "),
            ExprKind::Or(args) => self.joined(args, " OR "),
            ExprKind::Not(arg) => self.parens(|w| {
                w.put("NOT ");
                w.expr(arg);
            }),
            ExprKind::Distinct { left, right, negated } => self.parens(|w| {
                w.expr(left);
                w.put(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                w.expr(right);
            }),
            ExprKind::NullIf { left, right } => {
                self.put("NULLIF(");
                self.expr(left);
                self.put(", ");
                self.expr(right);
                self.put(")");
            }
            ExprKind::In { arg, list, negated } => self.parens(|w| {
                w.expr(arg);
                w.put(if *negated { " NOT IN (" } else { " IN (" });
                w.exprs(list);
                w.put(")");
            }),
            ExprKind::Like { kind, arg, pattern, negated } => self.like(*kind, arg, pattern, *negated),
            ExprKind::Between { arg, low, high, symmetric, negated } => self.parens(|w| {
                w.expr(arg);
                w.put(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                w.put(if *symmetric { "SYMMETRIC " } else { "" });
                w.expr(low);
                w.put(" AND ");
                w.expr(high);
            }),
            ExprKind::IsNull { arg, negated } => self.parens(|w| {
                w.expr(arg);
                w.put(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }),
            ExprKind::IsBool { arg, test } => self.parens(|w| {
                w.expr(arg);
                w.put(match test {
                    BoolTest::IsTrue => " IS TRUE",
                    BoolTest::IsNotTrue => " IS NOT TRUE",
                    BoolTest::IsFalse => " IS FALSE",
                    BoolTest::IsNotFalse => " IS NOT FALSE",
                    BoolTest::IsUnknown => " IS UNKNOWN",
                    BoolTest::IsNotUnknown => " IS NOT UNKNOWN",
                });
            }),
            ExprKind::Case(case) => self.case(case),
            ExprKind::Coalesce(args) => self.call("COALESCE", args),
            ExprKind::MinMax { greatest, args } => self.call(if *greatest { "GREATEST" } else { "LEAST" }, args),
            ExprKind::SqlValue { kind, precision } => self.sql_value(*kind, *precision),
            ExprKind::Cast { arg, typ } => self.cast(arg, typ),
            ExprKind::Collate { arg, collation } => self.parens(|w| {
                w.expr(arg);
                w.put(" COLLATE ");
                let parts: Vec<String> = collation.iter().map(|p| quote(p)).collect();
                w.put(&parts.join("."));
            }),
            ExprKind::Func(call) => self.func(call),
            ExprKind::NamedArg { name, value } => {
                self.put(&quote(name));
                self.put(" => ");
                self.expr(value);
            }
            ExprKind::Array(items) => {
                self.put("ARRAY");
                self.array_items(items);
            }
            ExprKind::Row { fields, explicit } => {
                self.put(if *explicit { "ROW(" } else { "(" });
                self.exprs(fields);
                self.put(")");
            }
            ExprKind::Indirection { arg, path } => {
                // A bare column with subscripts needs no parentheses, and must not have any before a field.
                match &arg.kind {
                    ExprKind::Column { .. } | ExprKind::Param(_)
                        if !matches!(path.first(), Some(Indirection::Field(_) | Indirection::Star)) =>
                    {
                        self.expr(arg);
                    }
                    _ => {
                        self.put("(");
                        self.expr(arg);
                        self.put(")");
                    }
                }
                path.iter().for_each(|step| self.step(step));
            }
            ExprKind::SubLink(link) => self.sub_link(link),
            ExprKind::Grouping(args) => self.call("GROUPING", args),
            ExprKind::Default => self.put("DEFAULT"),
            ExprKind::CurrentOf(name) => {
                self.put("CURRENT OF ");
                self.put(&quote(name));
            }
            ExprKind::MultiAssign { .. } => self.unsupported("a row assignment"),
        }
    }

    fn unsupported(&mut self, what: &str) {
        self.error.get_or_insert_with(|| Error::unsupported(format!("{what} cannot be stored")));
    }

    fn parens(&mut self, inner: impl FnOnce(&mut Writer)) {
        self.put("(");
        inner(self);
        self.put(")");
    }

    fn joined(&mut self, args: &[Expr], word: &str) {
        self.parens(|w| {
            for (n, a) in args.iter().enumerate() {
                if n > 0 {
                    w.put(word);
                }
                w.expr(a);
            }
        });
    }

    fn call(&mut self, name: &str, args: &[Expr]) {
        self.put(name);
        self.parens(|w| w.exprs(args));
    }

    /// An array that is no sub-select: in parentheses of its own, a bare one would be taken for such.
    fn array_operand(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::SubLink(_) => self.parens(|w| w.expr(e)),
            _ => self.expr(e),
        }
    }

    fn operator(&mut self, op: &OperName) {
        match &op.schema {
            Some(schema) => self.put(&format!("OPERATOR({}.{})", quote(schema), op.name)),
            None => self.put(&op.name),
        }
    }

    fn constant(&mut self, c: &Const) {
        match c {
            Const::Null => self.put("NULL"),
            Const::Bool(true) => self.put("true"),
            Const::Bool(false) => self.put("false"),
            Const::Int(n) if *n < 0 => self.put(&format!("({n})")),
            Const::Int(n) => self.put(&n.to_string()),
            Const::Float(s) if s.starts_with('-') => self.put(&format!("({s})")),
            Const::Float(s) => self.put(s),
            Const::Str(s) => self.put(&string_literal(s)),
            Const::Bit(s) => {
                let (kind, digits) = s.split_at(s.len().min(1));
                self.put(&format!("{}'{digits}'", kind.to_uppercase()));
            }
        }
    }

    fn like(&mut self, kind: LikeKind, arg: &Expr, pattern: &Expr, negated: bool) {
        self.parens(|w| {
            w.expr(arg);
            w.put(if negated { " NOT" } else { "" });
            w.put(match kind {
                LikeKind::Like => " LIKE ",
                LikeKind::ILike => " ILIKE ",
                LikeKind::Similar => " SIMILAR TO ",
            });
            let folded = match &pattern.kind {
                ExprKind::Func(f) => match f.name.last().map(String::as_str) {
                    Some("like_escape") if kind != LikeKind::Similar && f.args.len() == 2 => Some(&f.args),
                    Some("similar_to_escape") if kind == LikeKind::Similar => Some(&f.args),
                    _ => None,
                },
                _ => None,
            };
            match folded.map(Vec::as_slice) {
                Some([p]) => w.expr(p),
                Some([p, escape]) => {
                    w.expr(p);
                    w.put(" ESCAPE ");
                    w.expr(escape);
                }
                _ => w.expr(pattern),
            }
        });
    }

    fn case(&mut self, case: &CaseExpr) {
        self.put("CASE");
        if let Some(arg) = &case.arg {
            self.put(" ");
            self.expr(arg);
        }
        for when in &case.whens {
            self.put(" WHEN ");
            self.expr(&when.when);
            self.put(" THEN ");
            self.expr(&when.then);
        }
        if let Some(default) = &case.default {
            self.put(" ELSE ");
            self.expr(default);
        }
        self.put(" END");
    }

    fn sql_value(&mut self, kind: SqlValue, precision: Option<i32>) {
        self.put(match kind {
            SqlValue::CurrentDate => "CURRENT_DATE",
            SqlValue::CurrentTime => "CURRENT_TIME",
            SqlValue::CurrentTimestamp => "CURRENT_TIMESTAMP",
            SqlValue::LocalTime => "LOCALTIME",
            SqlValue::LocalTimestamp => "LOCALTIMESTAMP",
            SqlValue::CurrentRole => "CURRENT_ROLE",
            SqlValue::CurrentUser => "CURRENT_USER",
            SqlValue::User => "USER",
            SqlValue::SessionUser => "SESSION_USER",
            SqlValue::CurrentCatalog => "CURRENT_CATALOG",
            SqlValue::CurrentSchema => "CURRENT_SCHEMA",
        });
        if let Some(n) = precision {
            self.put(&format!("({n})"));
        }
    }

    fn cast(&mut self, arg: &Expr, typ: &TypeName) {
        match &arg.kind {
            ExprKind::Const(Const::Str(_) | Const::Null) => self.expr(arg),
            _ => self.parens(|w| w.expr(arg)),
        }
        self.put("::");
        self.type_name(typ);
    }

    fn func(&mut self, call: &FuncCall) {
        if call.sql_syntax && self.special(call) {
            return;
        }
        self.dotted(&call.name);
        self.put("(");
        if call.distinct {
            self.put("DISTINCT ");
        }
        if call.star {
            self.put("*");
        }
        for (n, arg) in call.args.iter().enumerate() {
            if n > 0 {
                self.put(", ");
            }
            if call.variadic && n + 1 == call.args.len() {
                self.put("VARIADIC ");
            }
            self.expr(arg);
        }
        if !call.order_by.is_empty() && !call.within_group {
            self.put(" ORDER BY ");
            self.sort(&call.order_by);
        }
        self.put(")");
        if call.within_group {
            self.put(" WITHIN GROUP (ORDER BY ");
            self.sort(&call.order_by);
            self.put(")");
        }
        if let Some(filter) = &call.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter);
            self.put(")");
        }
        if let Some(over) = &call.over {
            self.put(" OVER ");
            match &over.name {
                Some(name) => self.put(&quote(name)),
                None => self.window(over),
            }
        }
    }

    /// SQL's own syntax of a call; false: none is known, an ordinary call means the same.
    fn special(&mut self, call: &FuncCall) -> bool {
        let name = call.name.last().map_or("", String::as_str);
        match (name, call.args.as_slice()) {
            ("extract", [Expr { kind: ExprKind::Const(Const::Str(field)), .. }, from]) => {
                self.put("EXTRACT(");
                self.put(&quote(field));
                self.put(" FROM ");
                self.expr(from);
                self.put(")");
            }
            ("timezone", [zone, at]) => self.parens(|w| {
                w.expr(at);
                w.put(" AT TIME ZONE ");
                w.expr(zone);
            }),
            ("position", [text, needle]) => {
                self.put("POSITION(");
                self.parens(|w| w.expr(needle));
                self.put(" IN ");
                self.parens(|w| w.expr(text));
                self.put(")");
            }
            ("substring", [text, from]) => self.words("SUBSTRING", text, &[("FROM", from)]),
            ("substring", [text, from, n]) => self.words("SUBSTRING", text, &[("FROM", from), ("FOR", n)]),
            ("overlay", [text, by, from]) => self.words("OVERLAY", text, &[("PLACING", by), ("FROM", from)]),
            ("overlay", [text, by, from, n]) => {
                self.words("OVERLAY", text, &[("PLACING", by), ("FROM", from), ("FOR", n)]);
            }
            ("btrim" | "ltrim" | "rtrim", [text, rest @ ..]) if rest.len() < 2 => {
                self.put(match name {
                    "btrim" => "TRIM(BOTH ",
                    "ltrim" => "TRIM(LEADING ",
                    _ => "TRIM(TRAILING ",
                });
                if let [what] = rest {
                    self.expr(what);
                    self.put(" ");
                }
                self.put("FROM ");
                self.expr(text);
                self.put(")");
            }
            ("pg_collation_for", [arg]) => {
                self.put("COLLATION FOR (");
                self.expr(arg);
                self.put(")");
            }
            ("overlaps", [a, b, c, d]) => self.parens(|w| {
                w.parens(|w| w.exprs(&[a.clone(), b.clone()]));
                w.put(" OVERLAPS ");
                w.parens(|w| w.exprs(&[c.clone(), d.clone()]));
            }),
            ("normalize", [arg]) => self.call("NORMALIZE", std::slice::from_ref(arg)),
            ("normalize", [arg, Expr { kind: ExprKind::Const(Const::Str(form)), .. }]) => {
                self.put("NORMALIZE(");
                self.expr(arg);
                self.put(&format!(", {form})"));
            }
            ("is_normalized", [arg]) => self.parens(|w| {
                w.expr(arg);
                w.put(" IS NORMALIZED");
            }),
            ("is_normalized", [arg, Expr { kind: ExprKind::Const(Const::Str(form)), .. }]) => self.parens(|w| {
                w.expr(arg);
                w.put(&format!(" IS {form} NORMALIZED"));
            }),
            _ => return false,
        }
        true
    }

    fn words(&mut self, name: &str, first: &Expr, rest: &[(&str, &Expr)]) {
        self.put(name);
        self.put("(");
        self.expr(first);
        for (word, e) in rest {
            self.put(&format!(" {word} "));
            self.expr(e);
        }
        self.put(")");
    }

    fn array_items(&mut self, items: &[Expr]) {
        self.put("[");
        self.list(items, |w, e| match &e.kind {
            ExprKind::Array(inner) => w.array_items(inner),
            _ => w.expr(e),
        });
        self.put("]");
    }

    fn step(&mut self, step: &Indirection) {
        match step {
            Indirection::Field(name) => {
                self.put(".");
                self.put(&quote(name));
            }
            Indirection::Star => self.put(".*"),
            Indirection::Subscript(e) => {
                self.put("[");
                self.expr(e);
                self.put("]");
            }
            Indirection::Slice { low, high } => {
                self.put("[");
                low.iter().for_each(|e| self.expr(e));
                self.put(":");
                high.iter().for_each(|e| self.expr(e));
                self.put("]");
            }
        }
    }

    fn sub_link(&mut self, link: &SubLink) {
        match &link.kind {
            SubLinkKind::Exists => {
                self.put("(EXISTS (");
                self.select(&link.query);
                self.put("))");
            }
            SubLinkKind::Scalar => self.parens(|w| w.select(&link.query)),
            SubLinkKind::Array => {
                self.put("ARRAY(");
                self.select(&link.query);
                self.put(")");
            }
            SubLinkKind::Any { left, op } => self.parens(|w| {
                w.expr(left);
                match op {
                    Some(op) => {
                        w.put(" ");
                        w.operator(op);
                        w.put(" ANY (");
                    }
                    None => w.put(" IN ("),
                }
                w.select(&link.query);
                w.put(")");
            }),
            SubLinkKind::All { left, op } => self.parens(|w| {
                w.expr(left);
                w.put(" ");
                w.operator(op);
                w.put(" ALL (");
                w.select(&link.query);
                w.put(")");
            }),
        }
    }

    fn sort(&mut self, items: &[SortBy]) {
        self.list(items, |w, s| {
            w.expr(&s.expr);
            match &s.dir {
                SortDir::Default => {}
                SortDir::Asc => w.put(" ASC"),
                SortDir::Desc => w.put(" DESC"),
                SortDir::Using(op) => {
                    w.put(" USING ");
                    w.operator(op);
                }
            }
            w.put(match s.nulls {
                NullsOrder::Default => "",
                NullsOrder::First => " NULLS FIRST",
                NullsOrder::Last => " NULLS LAST",
            });
        });
    }

    /// What stands in the parentheses, with them.
    fn window(&mut self, w: &WindowDef) {
        let mut parts = Vec::new();
        let sub = |f: &dyn Fn(&mut Writer)| {
            let mut inner = Writer::default();
            f(&mut inner);
            inner
        };
        if let Some(name) = &w.refname {
            parts.push(sub(&|i| i.put(&quote(name))));
        }
        if !w.partition_by.is_empty() {
            parts.push(sub(&|i| {
                i.put("PARTITION BY ");
                i.exprs(&w.partition_by);
            }));
        }
        if !w.order_by.is_empty() {
            parts.push(sub(&|i| {
                i.put("ORDER BY ");
                i.sort(&w.order_by);
            }));
        }
        if let Some(frame) = &w.frame {
            parts.push(sub(&|i| i.frame(frame)));
        }
        let mut texts = Vec::new();
        for part in parts {
            if let Some(e) = part.error {
                self.error.get_or_insert(e);
            }
            texts.push(part.out);
        }
        self.put(&format!("({})", texts.join(" ")));
    }

    fn frame(&mut self, f: &Frame) {
        self.put(match f.mode {
            FrameMode::Rows => "ROWS ",
            FrameMode::Range => "RANGE ",
            FrameMode::Groups => "GROUPS ",
        });
        if f.between {
            self.put("BETWEEN ");
            self.bound(&f.start);
            self.put(" AND ");
            self.bound(&f.end);
        } else {
            self.bound(&f.start);
        }
        self.put(match f.exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        });
    }

    fn bound(&mut self, b: &FrameBound) {
        match b {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(e) => {
                self.expr(e);
                self.put(" PRECEDING");
            }
            FrameBound::Following(e) => {
                self.expr(e);
                self.put(" FOLLOWING");
            }
        }
    }

    fn type_name(&mut self, t: &TypeName) {
        if t.setof {
            self.put("SETOF ");
        }
        let system = match t.names.as_slice() {
            [schema, name] if schema == "pg_catalog" => Some(name.as_str()),
            _ => None,
        };
        match system.filter(|_| !t.pct_type) {
            Some(name) => self.system_type(name, &t.typmods),
            None => {
                self.dotted(&t.names);
                self.typmods(&t.typmods);
            }
        }
        if t.pct_type {
            self.put("%TYPE");
        }
        for bound in &t.array_bounds {
            match bound {
                -1 => self.put("[]"),
                n => self.put(&format!("[{n}]")),
            }
        }
    }

    fn typmods(&mut self, typmods: &[Expr]) {
        if !typmods.is_empty() {
            self.parens(|w| w.exprs(typmods));
        }
    }

    /// The types with a grammar of their own.
    fn system_type(&mut self, name: &str, typmods: &[Expr]) {
        let (word, after) = match name {
            "int2" => ("smallint", ""),
            "int4" => ("integer", ""),
            "int8" => ("bigint", ""),
            "float4" => ("real", ""),
            "float8" => ("double precision", ""),
            "bool" => ("boolean", ""),
            "numeric" => ("numeric", ""),
            "varchar" => ("character varying", ""),
            "bpchar" if !typmods.is_empty() => ("character", ""),
            "bit" if !typmods.is_empty() => ("bit", ""),
            "varbit" => ("bit varying", ""),
            "time" => ("time", " without time zone"),
            "timetz" => ("time", " with time zone"),
            "timestamp" => ("timestamp", " without time zone"),
            "timestamptz" => ("timestamp", " with time zone"),
            "interval" => return self.interval(typmods),
            _ => {
                self.put("pg_catalog.");
                self.put(&quote(name));
                return self.typmods(typmods);
            }
        };
        self.put(word);
        self.typmods(typmods);
        self.put(after);
    }

    fn interval(&mut self, typmods: &[Expr]) {
        use interval_mask::*;
        self.put("interval");
        let number = |e: &Expr| match e.kind {
            ExprKind::Const(Const::Int(n)) => n,
            _ => FULL_RANGE,
        };
        let Some(mask) = typmods.first().map(number) else { return };
        let fields = [
            (YEAR, " year"),
            (MONTH, " month"),
            (DAY, " day"),
            (HOUR, " hour"),
            (MINUTE, " minute"),
            (SECOND, " second"),
        ];
        if mask != FULL_RANGE {
            let mut named = fields.iter().filter(|f| mask & f.0 != 0).map(|f| f.1);
            self.put(named.next().unwrap_or_default());
            if let Some(last) = named.next_back() {
                self.put(" to");
                self.put(last);
            }
        }
        self.typmods(typmods.get(1..).unwrap_or_default());
    }

    // ---- queries ----

    fn select(&mut self, s: &SelectStmt) {
        if let Some(with) = &s.with {
            self.with(with);
        }
        match &s.body {
            SelectBody::Select(core) => self.core(core),
            SelectBody::Values(rows) => {
                self.put("VALUES ");
                self.list(rows, |w, row| w.parens(|w| w.exprs(row)));
            }
            SelectBody::SetOp(op) => {
                self.parens(|w| w.select(&op.left));
                self.put(match op.kind {
                    SetOpKind::Union => " UNION ",
                    SetOpKind::Intersect => " INTERSECT ",
                    SetOpKind::Except => " EXCEPT ",
                });
                self.put(if op.all { "ALL " } else { "" });
                self.parens(|w| w.select(&op.right));
            }
        }
        if !s.order_by.is_empty() {
            self.put(" ORDER BY ");
            self.sort(&s.order_by);
        }
        if let Some(offset) = &s.offset {
            self.put(" OFFSET ");
            self.expr(offset);
        }
        if let Some(limit) = &s.limit {
            match (&limit.count, limit.with_ties) {
                (n, true) => {
                    self.put(" FETCH FIRST (");
                    self.expr(n);
                    self.put(") ROWS WITH TIES");
                }
                (n, false) => {
                    self.put(" LIMIT ");
                    self.expr(n);
                }
            }
        }
        for lock in &s.locking {
            self.put(" ");
            self.put(lock.strength.clause());
            if !lock.of.is_empty() {
                self.put(" OF ");
                self.list(&lock.of, |w, v| w.range_var(v));
            }
            self.put(match lock.wait {
                LockWait::Block => "",
                LockWait::Skip => " SKIP LOCKED",
                LockWait::Error => " NOWAIT",
            });
        }
    }

    fn with(&mut self, with: &WithClause) {
        self.put(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&with.ctes, |w, cte| {
            w.put(&quote(&cte.name));
            w.column_list(&cte.columns);
            w.put(match cte.materialized {
                None => " AS (",
                Some(true) => " AS MATERIALIZED (",
                Some(false) => " AS NOT MATERIALIZED (",
            });
            match &cte.query {
                Stmt::Select(s) => w.select(s),
                _ => w.unsupported("data-modifying WITH"),
            }
            w.put(")");
            if let Some(s) = &cte.search {
                w.put(if s.breadth_first { " SEARCH BREADTH FIRST BY " } else { " SEARCH DEPTH FIRST BY " });
                w.names(&s.columns);
                w.put(" SET ");
                w.put(&quote(&s.sequence));
            }
            if let Some(c) = &cte.cycle {
                w.put(" CYCLE ");
                w.names(&c.columns);
                w.put(&format!(" SET {} TO ", quote(&c.mark)));
                w.expr(&c.mark_value);
                w.put(" DEFAULT ");
                w.expr(&c.mark_default);
                w.put(&format!(" USING {}", quote(&c.path)));
            }
        });
        self.put(" ");
    }

    fn column_list(&mut self, columns: &[Name]) {
        if !columns.is_empty() {
            self.put("(");
            self.names(columns);
            self.put(")");
        }
    }

    fn core(&mut self, core: &SelectCore) {
        self.put("SELECT");
        match &core.distinct {
            Distinct::No => {}
            Distinct::All => self.put(" DISTINCT"),
            Distinct::On(exprs) => {
                self.put(" DISTINCT ON (");
                self.exprs(exprs);
                self.put(")");
            }
        }
        if !core.targets.is_empty() {
            self.put(" ");
        }
        self.list(&core.targets, |w, t| {
            w.expr(&t.expr);
            if let Some(name) = &t.name {
                w.put(" AS ");
                w.put(&quote(name));
            }
        });
        if core.into.is_some() {
            self.unsupported("SELECT INTO");
        }
        if !core.from.is_empty() {
            self.put(" FROM ");
            self.list(&core.from, |w, f| w.from_item(f));
        }
        if let Some(filter) = &core.filter {
            self.put(" WHERE ");
            self.expr(filter);
        }
        if !core.group_by.is_empty() {
            self.put(if core.group_distinct { " GROUP BY DISTINCT " } else { " GROUP BY " });
            self.list(&core.group_by, |w, g| w.group_item(g));
        }
        if let Some(having) = &core.having {
            self.put(" HAVING ");
            self.expr(having);
        }
        if !core.windows.is_empty() {
            self.put(" WINDOW ");
            self.list(&core.windows, |w, d| {
                w.put(&quote(d.name.as_deref().unwrap_or_default()));
                w.put(" AS ");
                w.window(d);
            });
        }
    }

    fn group_item(&mut self, g: &GroupItem) {
        let (word, items) = match g {
            GroupItem::Expr(e) => return self.expr(e),
            GroupItem::Empty(_) => return self.put("()"),
            GroupItem::Rollup(items, _) => ("ROLLUP", items),
            GroupItem::Cube(items, _) => ("CUBE", items),
            GroupItem::Sets(items, _) => ("GROUPING SETS", items),
        };
        self.put(word);
        self.put(" (");
        self.list(items, |w, g| w.group_item(g));
        self.put(")");
    }

    fn range_var(&mut self, v: &RangeVar) {
        if !v.inherit {
            self.put("ONLY ");
        }
        let parts: Vec<Name> =
            [v.catalog.clone(), v.schema.clone(), Some(v.name.clone())].into_iter().flatten().collect();
        self.dotted(&parts);
        self.alias(v.alias.as_ref());
    }

    fn alias(&mut self, alias: Option<&Alias>) {
        if let Some(alias) = alias {
            self.put(" AS ");
            self.put(&quote(&alias.name));
            self.column_list(&alias.columns);
        }
    }

    fn from_item(&mut self, item: &FromItem) {
        match item {
            FromItem::Table(v) => self.range_var(v),
            FromItem::Sample(s) => {
                self.range_var(&s.table);
                self.put(" TABLESAMPLE ");
                self.dotted(&s.method.parts);
                self.parens(|w| w.exprs(&s.args));
                if let Some(seed) = &s.repeatable {
                    self.put(" REPEATABLE (");
                    self.expr(seed);
                    self.put(")");
                }
            }
            FromItem::Subquery(q) => {
                self.put(if q.lateral { "LATERAL (" } else { "(" });
                self.select(&q.query);
                self.put(")");
                self.alias(Some(&q.alias));
            }
            FromItem::Function(f) => self.range_function(f),
            FromItem::Join(j) => self.join(j),
        }
    }

    fn range_function(&mut self, f: &RangeFunction) {
        if f.lateral {
            self.put("LATERAL ");
        }
        let item = |w: &mut Writer, i: &RangeFunctionItem| {
            match &i.call.kind {
                // `::` is no function call to the grammar.
                ExprKind::Cast { arg, typ } => {
                    w.put("CAST(");
                    w.expr(arg);
                    w.put(" AS ");
                    w.type_name(typ);
                    w.put(")");
                }
                _ => w.expr(&i.call),
            }
            if !i.coldefs.is_empty() {
                w.put(" AS (");
                w.coldefs(&i.coldefs);
                w.put(")");
            }
        };
        if f.rows_from {
            self.put("ROWS FROM (");
            self.list(&f.functions, item);
            self.put(")");
        } else {
            self.list(&f.functions, item);
        }
        if f.ordinality {
            self.put(" WITH ORDINALITY");
        }
        if f.coldefs.is_empty() {
            return self.alias(f.alias.as_ref());
        }
        self.put(" AS ");
        if let Some(alias) = &f.alias {
            self.put(&quote(&alias.name));
        }
        self.put("(");
        self.coldefs(&f.coldefs);
        self.put(")");
    }

    fn coldefs(&mut self, columns: &[FuncColumn]) {
        self.list(columns, |w, c| {
            w.put(&quote(&c.name));
            w.put(" ");
            w.type_name(&c.typ);
            if let Some(collation) = &c.collation {
                w.put(" COLLATE ");
                w.dotted(&collation.parts);
            }
        });
    }

    fn join(&mut self, j: &JoinExpr) {
        self.put("(");
        self.from_item(&j.left);
        if j.natural {
            self.put(" NATURAL");
        }
        let cross = j.kind == JoinKind::Inner && !j.natural && j.condition == JoinCondition::None;
        self.put(match j.kind {
            JoinKind::Inner if cross => " CROSS JOIN ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        });
        self.from_item(&j.right);
        match &j.condition {
            JoinCondition::None => {}
            JoinCondition::On(e) => {
                self.put(" ON ");
                self.expr(e);
            }
            JoinCondition::Using { columns, alias } => {
                self.put(" USING (");
                self.names(columns);
                self.put(")");
                if let Some(alias) = alias {
                    self.put(" AS ");
                    self.put(&quote(&alias.name));
                }
            }
        }
        self.put(")");
        self.alias(j.alias.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse::parse;

    fn query(text: &str) -> Option<SelectStmt> {
        let mut parsed = parse(text).ok()?;
        match parsed.pop().filter(|_| parsed.is_empty())?.stmt {
            Stmt::Select(s) => Some(*s),
            _ => None,
        }
    }

    /// Trees as text without their positions, and without the note that special syntax was used.
    fn shape(s: &SelectStmt) -> String {
        let text = format!("{s:?}").replace("sql_syntax: true", "sql_syntax: false");
        let text = text.replace("], ", "]pos: ").replace("Empty(", "Empty(pos: ");
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find("pos: ") {
            let (before, after) = rest.split_at(at + 5);
            out.push_str(before);
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        out + rest
    }

    /// Every query of the parser's corpus comes back as the same tree from its deparsed text.
    #[test]
    fn queries_survive_the_round_trip() {
        let corpus = include_str!("../parse/golden.txt");
        let (mut tried, mut wrong) = (0, Vec::new());
        for line in corpus.lines() {
            let Some((text, "ok")) = line.rsplit_once('\t') else { continue };
            let Some(tree) = query(&text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")) else {
                continue;
            };
            let Ok(again) = select(&tree) else { continue };
            tried += 1;
            match query(&again) {
                Some(back) if shape(&back) == shape(&tree) => {}
                Some(back) => wrong.push(format!("{text}\n  {again}\n  {}\n  {}", shape(&tree), shape(&back))),
                None => wrong.push(format!("{text}\n  {again}\n  does not parse: {:?}", parse(&again).err())),
            }
        }
        assert!(tried > 300, "only {tried} queries found");
        assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    }
}
