//! Expressions of a plan as SQL again, for EXPLAIN. PostgreSQL 15, ruleutils.c: same parentheses.

use super::outputs::{can_project, is_scan};
use crate::sql::expr::{AggCall, Expr, ExprKind, Form, FrameMode, SortKey, SubPlan, SubPlanKind, WindowCall};
use crate::sql::func;
use crate::sql::plan::{Plan, PlanNode};
use crate::types::context::TypeHooks;
use crate::types::name::quote_identifier;
use crate::types::{self, IoContext, TypeRef, Value, format_type, oid};
use std::collections::{HashMap, HashSet};

/// Where `Column(i)` comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'p> {
    None,
    /// The columns a scan reads.
    Scan(&'p Plan),
    /// The output of an input.
    Plan(&'p Plan),
    Join(&'p Plan, &'p Plan),
    /// The columns an aggregate makes, before its projection.
    Grouped(&'p Plan),
    /// The same as the aggregate itself sees them.
    Aggregated(&'p Plan),
    /// What RETURNING reads: the attributes of the written row, four system columns, then the input's columns.
    Row(&'p crate::catalog::Relation, &'p str, Option<&'p Plan>),
    /// What the node itself gives.
    Own(&'p Plan),
    /// What new values are computed from: the attributes of the row there is, then the input's columns.
    Target(&'p crate::catalog::Relation, &'p str, &'p Plan),
    /// The attributes of a row in the way, then those of the one that is not inserted, then system columns.
    Conflict(&'p crate::catalog::Relation, &'p str),
}

#[derive(Clone)]
pub(super) struct Deparser<'d> {
    pub io: &'d IoContext,
    /// Columns are shown with their relation's name.
    pub prefix: bool,
    /// What nested loops put into slots.
    pub slots: HashMap<usize, String>,
    /// By [`key`]: what relations are called where several have the same name.
    pub names: HashMap<usize, String>,
    /// Sub-select scans that are not shown.
    pub removed: HashSet<usize>,
}

/// A node, as long as its plan stays where it is.
pub(super) fn key(plan: &Plan) -> usize {
    std::ptr::from_ref(plan) as usize
}

/// A sub-plan that is run once and remembered.
pub(super) fn is_init_plan(s: &SubPlan) -> bool {
    s.args.is_empty() && s.test.is_none() && s.plan.params.is_empty()
}

/// `$0,$1`: the slots it fills.
fn slots_of(s: &SubPlan) -> String {
    let list: Vec<String> = s.slots.iter().map(|n| format!("${n}")).collect();
    list.join(",")
}

/// ` (returns $0,$1)`.
pub(super) fn returns(s: &SubPlan) -> String {
    if s.slots.is_empty() { String::new() } else { format!(" (returns {})", slots_of(s)) }
}

/// What a node makes of the columns it reads, if it makes anything.
pub(super) fn project_of(plan: &Plan) -> Option<&Vec<Expr>> {
    match &plan.node {
        PlanNode::SeqScan { project, .. }
        | PlanNode::VirtualScan { project, .. }
        | PlanNode::FunctionScan { project, .. }
        | PlanNode::TidScan { project, .. }
        | PlanNode::CteScan { project, .. }
        | PlanNode::SubqueryScan { project, .. }
        | PlanNode::WorkTableScan { project, .. } => project.as_ref(),
        PlanNode::IndexScan(s) => s.project.as_ref(),
        PlanNode::BitmapHeapScan(s) => s.project.as_ref(),
        PlanNode::GistScan(s) => s.project.as_ref(),
        PlanNode::NestLoop(j) => j.project.as_ref(),
        PlanNode::HashJoin(j) => j.project.as_ref(),
        PlanNode::MergeJoin(j) => j.project.as_ref(),
        PlanNode::Aggregate(a) => a.project.as_ref(),
        _ => None,
    }
}

fn is_word(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Const(Value::Bytes(_)))
}

/// `child_1.column` as a column of the whole table.
fn renamed(column: &str, alias: &str) -> String {
    let mut quoted = false;
    let dot = column.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    match dot {
        Some((at, _)) => format!("{}{}", quote_identifier(alias), &column[at..]),
        None => column.to_owned(),
    }
}

impl Deparser<'_> {
    fn type_name(&self, ty: TypeRef) -> String {
        let hooks: &dyn TypeHooks = &*self.io.hooks;
        format_type(ty.oid, ty.typmod, hooks)
    }

    /// Output column `i` of a plan; `true` beside it: it is a plain column.
    fn output(&self, plan: &Plan, i: usize) -> (String, bool) {
        let project = project_of(plan);
        if let Some(e) = project.and_then(|p| p.get(i)) {
            return self.below(e, self.inside(plan));
        }
        match &plan.node {
            PlanNode::Project { input, exprs } | PlanNode::Result { input: Some(input), exprs, .. } => {
                exprs.get(i).map_or_else(|| ("???".into(), true), |e| self.below(e, Source::Plan(input)))
            }
            PlanNode::Result { input: None, exprs, .. } => {
                exprs.get(i).map_or_else(|| ("???".into(), true), |e| self.below(e, Source::None))
            }
            PlanNode::Filter { input, .. }
            | PlanNode::Sort { input, .. }
            | PlanNode::Limit { input, .. }
            | PlanNode::Distinct { input, .. }
            | PlanNode::Materialize { input }
            | PlanNode::Memoize { input, .. }
            | PlanNode::LockRows { input, .. } => self.output(input, i),
            PlanNode::Append { inputs, alias, .. } => {
                let (text, plain) = inputs.first().map_or_else(|| ("???".into(), true), |p| self.output(p, i));
                match self.alias_of(plan).or(alias.as_deref()) {
                    Some(alias) if plain && self.prefix => (renamed(&text, alias), plain),
                    _ => (text, plain),
                }
            }
            PlanNode::SetOp { left, .. } | PlanNode::RecursiveUnion { left, .. } => self.output(left, i),
            PlanNode::With { body, .. } => self.output(body, i),
            PlanNode::ProjectSet { input, items } => match items.get(i) {
                Some(crate::sql::plan::SetItem::Plain(e)) => self.below(e, Source::Plan(input)),
                Some(crate::sql::plan::SetItem::Set { func, args }) => {
                    (format!("({}({}))", func.name, self.list(args, Source::Plan(input))), false)
                }
                None => ("???".into(), true),
            },
            PlanNode::Window { input, calls, .. } => {
                let n = input.columns.len();
                match i.checked_sub(n).and_then(|k| calls.get(k)) {
                    Some(c) => (format!("({})", self.window(c, Source::Plan(input))), false),
                    None => self.output(input, i),
                }
            }
            _ => self.column(self.inside(plan), i),
        }
    }

    /// A set-returning call in FROM.
    pub fn call(&self, c: &crate::sql::plan::FunctionCall) -> String {
        format!("{}({})", self.function_name(c.func), self.list(&c.args, Source::None))
    }

    pub fn schema_of(&self, f: &func::FuncDef) -> Option<String> {
        self.io.hooks.reg_out(oid::REGNAMESPACE, f.fact.namespace)
    }

    /// Qualified unless it is found without. PostgreSQL 15, ruleutils.c, generate_function_name.
    fn function_name(&self, f: &func::FuncDef) -> String {
        let plain = quote_identifier(f.name).to_string();
        if !f.is_users() {
            return plain;
        }
        let shown = self.io.hooks.reg_out(oid::REGPROCEDURE, f.oid);
        shown.and_then(|s| s.find('(').map(|at| s[..at].to_owned())).unwrap_or(plain)
    }

    /// Output column `i` as a node above reads it.
    pub fn scanned(&self, plan: &Plan, i: usize) -> String {
        self.output(plan, i).0
    }

    pub fn own_output(&self, plan: &Plan, i: usize) -> String {
        let own = match &plan.node {
            PlanNode::Aggregate(_) => Source::Aggregated(plan),
            PlanNode::Project { input, .. } if can_project(input) => Source::Own(input),
            _ => self.inside(plan),
        };
        if let Some(e) = project_of(plan).and_then(|p| p.get(i)) {
            return self.expr(e, own);
        }
        match &plan.node {
            PlanNode::Project { input, exprs } if i < exprs.len() => match exprs[i].kind {
                // Shown with the node that computes it.
                ExprKind::Column(n) => self.own_output(input, n),
                _ => self.expr(&exprs[i], own),
            },
            PlanNode::Result { exprs, .. } if i < exprs.len() => self.expr(&exprs[i], own),
            PlanNode::ProjectSet { input, items } => match items.get(i) {
                Some(crate::sql::plan::SetItem::Plain(e)) => self.expr(e, Source::Plan(input)),
                Some(crate::sql::plan::SetItem::Set { func, args }) => {
                    format!("{}({})", func.name, self.list(args, Source::Plan(input)))
                }
                None => "???".into(),
            },
            PlanNode::Window { input, calls, .. } => match i.checked_sub(input.columns.len()) {
                Some(k) if k < calls.len() => self.window(&calls[k], Source::Plan(input)),
                _ => self.output(input, i).0,
            },
            PlanNode::Aggregate(_) => self.column(own, i).0,
            _ => self.output(plan, i).0,
        }
    }

    /// What the expressions of a node itself read.
    pub fn inside<'p>(&self, plan: &'p Plan) -> Source<'p> {
        match &plan.node {
            PlanNode::NestLoop(j) => Source::Join(&j.left, &j.right),
            PlanNode::HashJoin(j) => Source::Join(&j.left, &j.right),
            PlanNode::MergeJoin(j) => Source::Join(&j.left, &j.right),
            PlanNode::Aggregate(_) => Source::Grouped(plan),
            PlanNode::SubqueryScan { .. } => Source::Scan(plan),
            _ if is_scan(plan) => Source::Scan(plan),
            _ => plan.inputs().first().map_or(Source::None, |p| Source::Plan(p)),
        }
    }

    /// An expression of a lower node: in parentheses unless it is a column.
    pub fn below(&self, e: &Expr, source: Source<'_>) -> (String, bool) {
        match e.kind {
            ExprKind::Column(i) => self.column(source, i),
            ExprKind::Row { ref fields, ref names }
                if names.len() > fields.len() && self.whole_row(fields, source).is_some() =>
            {
                (self.expr(e, source), true)
            }
            _ => (format!("({})", self.expr(e, source)), false),
        }
    }

    /// A relation's row: the relation that its first column is of. None: the columns are computed, or there are none.
    fn whole_row(&self, fields: &[Expr], source: Source<'_>) -> Option<String> {
        let ExprKind::Column(i) = fields.first()?.kind else { return None };
        let (text, plain) = Deparser { prefix: true, ..self.clone() }.column(source, i);
        let relation = text.rsplit_once('.')?.0;
        plain.then(|| format!("{relation}.*"))
    }

    /// What a relation is called here, if it has a name of its own.
    pub fn alias_by_key(&self, key: usize) -> Option<&str> {
        self.names.get(&key).map(String::as_str)
    }

    pub fn alias_of(&self, plan: &Plan) -> Option<&str> {
        self.alias_by_key(key(plan))
    }

    /// `relation.word`.
    pub fn of_relation(&self, alias: &str, word: &str) -> String {
        format!("{}.{word}", quote_identifier(alias))
    }

    /// A column that a scan reads.
    pub fn scan_column(&self, plan: &Plan, i: usize) -> String {
        self.column(Source::Scan(plan), i).0
    }

    fn named(&self, alias: &str, name: &str) -> String {
        let name = quote_identifier(name);
        if self.prefix && !alias.is_empty() { format!("{}.{name}", quote_identifier(alias)) } else { name }
    }

    pub fn attribute(&self, rel: &crate::catalog::Relation, alias: &str, attno: i16) -> String {
        let name = match rel.attributes.get((attno as usize).wrapping_sub(1)) {
            Some(a) if attno > 0 => a.name.as_str(),
            _ => crate::sql::bind::scope::system_name(attno),
        };
        self.named(alias, name)
    }

    fn column(&self, source: Source<'_>, i: usize) -> (String, bool) {
        let unknown = || (format!("?column{i}?"), true);
        match source {
            Source::None => unknown(),
            Source::Plan(p) => self.output(p, i),
            Source::Own(p) => (self.own_output(p, i), true),
            Source::Target(rel, alias, input) => match i.checked_sub(rel.attributes.len()) {
                None => (self.attribute(rel, alias, i as i16 + 1), true),
                Some(k) => (self.own_output(input, k), true),
            },
            Source::Join(l, r) => match i.checked_sub(l.columns.len()) {
                None => self.output(l, i),
                Some(k) => self.output(r, k),
            },
            Source::Row(rel, alias, input) => match i.checked_sub(rel.attributes.len()) {
                None => (self.attribute(rel, alias, i as i16 + 1), true),
                Some(k) => match ([-1, -2, -4, -6].get(k), input) {
                    (Some(attno), _) => (self.attribute(rel, alias, *attno), true),
                    (None, Some(input)) => self.output(input, k - 4),
                    (None, None) => unknown(),
                },
            },
            Source::Conflict(rel, alias) => {
                let width = rel.attributes.len().max(1);
                match i / width {
                    0 => (self.attribute(rel, alias, i as i16 + 1), true),
                    1 => (self.attribute(rel, "excluded", (i - width) as i16 + 1), true),
                    _ => (self.attribute(rel, alias, -((i - 2 * width) as i16 + 1)), true),
                }
            }
            Source::Grouped(p) | Source::Aggregated(p) => {
                let own = matches!(source, Source::Aggregated(_));
                let PlanNode::Aggregate(a) = &p.node else { return unknown() };
                let input = Source::Plan(&a.input);
                match i.checked_sub(a.group_by.len()) {
                    None => self.below(&a.group_by[i], input),
                    Some(k) => match a.calls.get(k) {
                        Some(c) if own => (self.aggregate(c, input), false),
                        Some(c) => (format!("({})", self.aggregate(c, input)), false),
                        None => ("GROUPING()".into(), true),
                    },
                }
            }
            Source::Scan(p) => {
                let own = |alias: &'_ str| self.alias_of(p).unwrap_or(alias).to_owned();
                let name = match &p.node {
                    PlanNode::SeqScan { rel, alias, attnos, .. } | PlanNode::TidScan { rel, alias, attnos, .. } => {
                        attnos.get(i).map(|a| self.attribute(rel, &own(alias), *a))
                    }
                    PlanNode::VirtualScan { rel: Some(rel), alias, attnos, .. } => {
                        attnos.get(i).map(|a| self.attribute(rel, &own(alias), *a))
                    }
                    PlanNode::BitmapHeapScan(s) => s.attnos.get(i).map(|a| self.attribute(&s.rel, &own(&s.alias), *a)),
                    PlanNode::GistScan(s) => s.attnos.get(i).map(|a| self.attribute(&s.rel, &own(&s.alias), *a)),
                    PlanNode::IndexScan(s) => s.attnos.get(i).map(|a| self.attribute(&s.rel, &own(&s.alias), *a)),
                    PlanNode::SubqueryScan { input, .. } if self.removed.contains(&key(p)) => {
                        return self.output(input, i);
                    }
                    PlanNode::FunctionScan { names, alias, .. }
                    | PlanNode::SubqueryScan { names, alias, .. }
                    | PlanNode::CteScan { names, alias, .. }
                    | PlanNode::WorkTableScan { names, alias, .. } => {
                        names.get(i).map(|name| self.named(&own(alias), name))
                    }
                    PlanNode::Values { .. } => Some(self.named(&own("*VALUES*"), &format!("column{}", i + 1))),
                    _ => None,
                };
                name.map_or_else(unknown, |n| (n, true))
            }
        }
    }

    pub fn list(&self, args: &[Expr], s: Source<'_>) -> String {
        args.iter().map(|a| self.expr(a, s)).collect::<Vec<_>>().join(", ")
    }

    fn join(&self, parts: &[Expr], word: &str, s: Source<'_>) -> String {
        format!("({})", parts.iter().map(|p| self.expr(p, s)).collect::<Vec<_>>().join(word))
    }

    fn constant(&self, v: &Value, ty: TypeRef) -> String {
        self.constant_as(v, ty, ty)
    }

    /// A constant of one type that counts as another.
    fn constant_as(&self, v: &Value, own: TypeRef, ty: TypeRef) -> String {
        let name = self.type_name(ty);
        if v.is_null() {
            return format!("NULL::{name}");
        }
        let mut out = Vec::new();
        if types::text_out(own, v.datum(), &mut out, self.io).is_err() {
            return format!("'???'::{name}");
        }
        let text = String::from_utf8_lossy(&out).into_owned();
        match ty.oid {
            oid::INT4 if !text.starts_with('-') => text,
            oid::INT4 => format!("'{text}'::integer"),
            oid::BOOL => if matches!(v, Value::Bool(true)) { "true" } else { "false" }.to_owned(),
            oid::NUMERIC if text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                if ty.typmod < 0 { text } else { format!("{text}::{name}") }
            }
            _ => format!("'{}'::{name}", text.replace('\'', "''")),
        }
    }

    /// Whether a call is a cast between these types, and how PostgreSQL shows it.
    fn cast_shape(&self, f: &func::FuncDef, args: &[Expr], ret: TypeRef) -> bool {
        args.first().is_some_and(|a| {
            let same_type = a.ty.oid == ret.oid && args.len() > 1;
            func::cast(types::base_type(a.ty.oid), ret.oid)
                .is_some_and(|c| c.func == f.oid && (a.ty.oid != ret.oid || same_type))
        })
    }

    pub fn expr(&self, e: &Expr, s: Source<'_>) -> String {
        match &e.kind {
            ExprKind::Const(v) => self.constant(v, e.ty),
            ExprKind::Param(n) => format!("${}", n + 1),
            ExprKind::ExecParam(slot) => match self.slots.get(slot) {
                Some(shown) => shown.clone(),
                None => format!("${slot}"),
            },
            ExprKind::Column(i) => self.column(s, *i).0,
            ExprKind::Func { func: f, oper: Some(o), args, .. } => {
                let name = func::user::operator_name(*o).unwrap_or(f.name);
                match &args[..] {
                    [l, r] => format!("({} {name} {})", self.expr(l, s), self.expr(r, s)),
                    [a] => format!("({name} {})", self.expr(a, s)),
                    _ => format!("{name}({})", self.list(args, s)),
                }
            }
            ExprKind::Func { func: f, args, .. } if self.cast_shape(f, args, e.ty) => {
                // A length is given to what was made fit before without a word.
                let arg = match &args[0].kind {
                    ExprKind::Relabel(inner) if args.len() > 1 && args[0].ty.oid == e.ty.oid => inner,
                    _ => &args[0],
                };
                format!("({})::{}", self.expr(arg, s), self.type_name(e.ty))
            }
            ExprKind::Func { func: f, args, .. } if f.name == "extract" && args.len() == 2 && is_word(&args[0]) => {
                let word = self.expr(&args[0], s);
                let word = word.trim_start_matches('\'').split('\'').next().unwrap_or_default().to_owned();
                format!("EXTRACT({} FROM {})", quote_identifier(&word), self.expr(&args[1], s))
            }
            ExprKind::Func { func: f, args, .. } if f.name == "timezone" && args.len() == 2 && !f.is_users() => {
                format!("({} AT TIME ZONE {})", self.expr(&args[1], s), self.expr(&args[0], s))
            }
            ExprKind::Func { func: f, args, .. }
                if args.is_empty() && matches!(f.name, "current_user" | "session_user") =>
            {
                f.name.to_uppercase()
            }
            ExprKind::Func { func: f, args, variadic, .. } => {
                let word = if *variadic { "VARIADIC " } else { "" };
                format!("{}({word}{})", self.function_name(f), self.list(args, s))
            }
            ExprKind::And(p) => self.join(p, " AND ", s),
            ExprKind::Or(p) => self.join(p, " OR ", s),
            ExprKind::Not(a) => format!("(NOT {})", self.expr(a, s)),
            ExprKind::IsNull(a) => format!("({} IS NULL)", self.expr(a, s)),
            ExprKind::IsNotNull(a) => format!("({} IS NOT NULL)", self.expr(a, s)),
            ExprKind::BoolTest { arg, is, negated } => {
                let not = if *negated { "NOT " } else { "" };
                let word = match is {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                format!("({} IS {not}{word})", self.expr(arg, s))
            }
            ExprKind::Distinct { left, right, negated, .. } if right.ty.oid == oid::UNKNOWN => {
                let not = if *negated { "NOT " } else { "" };
                format!("({} IS {not}DISTINCT FROM NULL)", self.expr(left, s))
            }
            ExprKind::Distinct { left, right, negated, .. } => {
                let shown = format!("({} IS DISTINCT FROM {})", self.expr(left, s), self.expr(right, s));
                if *negated { format!("(NOT {shown})") } else { shown }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                let mut out = "CASE".to_owned();
                if let Some(o) = operand {
                    out.push_str(&format!(" {}", self.expr(o, s)));
                }
                for (c, v) in arms {
                    let shown = match (&c.kind, operand) {
                        (ExprKind::Func { args, .. }, Some(_)) if args.len() == 2 => self.expr(&args[1], s),
                        _ => self.expr(c, s),
                    };
                    out.push_str(&format!(" WHEN {shown} THEN {}", self.expr(v, s)));
                }
                match otherwise {
                    Some(o) => out.push_str(&format!(" ELSE {}", self.expr(o, s))),
                    None => out.push_str(&format!(" ELSE NULL::{}", self.type_name(e.ty))),
                }
                out.push_str(" END");
                out
            }
            ExprKind::CaseOperand => "CASE_TEST_EXPR".to_owned(),
            ExprKind::Coalesce(a) => format!("COALESCE({})", self.list(a, s)),
            ExprKind::NullIf { left, right, .. } => {
                format!("NULLIF({}, {})", self.expr(left, s), self.expr(right, s))
            }
            ExprKind::Greatest(a) => format!("GREATEST({})", self.list(a, s)),
            ExprKind::Least(a) => format!("LEAST({})", self.list(a, s)),
            ExprKind::Relabel(a) if a.ty == e.ty => self.expr(a, s),
            // PostgreSQL 15, parse_coerce.c, coerce_type: a row is a record as it is.
            ExprKind::Relabel(a) if matches!(e.ty.oid, oid::RECORD | oid::RECORD_ARRAY) => self.expr(a, s),
            ExprKind::Relabel(a) if matches!(a.kind, ExprKind::Const(_)) => match &a.kind {
                ExprKind::Const(v) => self.constant_as(v, a.ty, e.ty),
                _ => String::new(),
            },
            ExprKind::Relabel(a)
            | ExprKind::ToDomain(a)
            | ExprKind::IoCast { arg: a, .. }
            | ExprKind::ArrayCast { arg: a, .. } => {
                format!("({})::{}", self.expr(a, s), self.type_name(e.ty))
            }
            ExprKind::Array { elements, .. } => format!("ARRAY[{}]", self.list(elements, s)),
            ExprKind::Row { fields, names } => {
                let whole = self.whole_row(fields, s).filter(|_| names.len() > fields.len());
                whole.unwrap_or_else(|| format!("ROW({})", self.list(fields, s)))
            }
            ExprKind::RowCompare { op, pairs } => {
                let side = |left: bool| {
                    let list: Vec<String> =
                        pairs.iter().map(|p| self.expr(if left { &p.left } else { &p.right }, s)).collect();
                    list.join(", ")
                };
                let word = op.symbol();
                format!("(ROW({}) {word} ROW({}))", side(true), side(false))
            }
            ExprKind::ScalarArray { func: f, oper, any, left, array } => {
                let name = oper.and_then(func::oper).map_or(f.name, |o| o.name);
                let word = if *any { "ANY" } else { "ALL" };
                format!("({} {name} {word} ({}))", self.expr(left, s), self.expr(array, s))
            }
            // A row of values that is taken apart.
            ExprKind::Field { arg, index } if matches!(&arg.kind, ExprKind::SubPlan(p) if p.slots.len() > 1) => {
                let ExprKind::SubPlan(p) = &arg.kind else { return String::new() };
                p.slots.get(*index).map_or_else(String::new, |n| format!("${n}"))
            }
            ExprKind::Field { arg, index } => {
                let name = match &arg.kind {
                    ExprKind::Row { names, .. } => names.get(*index).cloned(),
                    _ => {
                        let fields = self.io.hooks.composite(types::base_type(arg.ty.oid));
                        fields.and_then(|f| f.get(*index).map(|f| f.name.clone()))
                    }
                };
                let name = name.unwrap_or_else(|| format!("f{}", index + 1));
                match arg.kind {
                    ExprKind::Subscript { .. } | ExprKind::Field { .. } => format!("{}.{name}", self.expr(arg, s)),
                    _ => format!("({}).{name}", self.expr(arg, s)),
                }
            }
            ExprKind::Subscript { array, lower, upper, slice } => {
                let mut out = match array.kind {
                    ExprKind::Column(_) => self.expr(array, s),
                    _ => format!("({})", self.expr(array, s)),
                };
                for (l, u) in lower.iter().zip(upper) {
                    let show = |e: &Option<Expr>| e.as_ref().map_or_else(String::new, |e| self.expr(e, s));
                    out.push_str(&if *slice { format!("[{}:{}]", show(l), show(u)) } else { format!("[{}]", show(u)) });
                }
                out
            }
            ExprKind::SubscriptSet { value, .. } | ExprKind::FieldSet { value, .. } => self.expr(value, s),
            ExprKind::SubPlan(p) => self.sub_plan(p),
            ExprKind::Aggregate(a) => self.aggregate(a, s),
            ExprKind::Window(w) => self.window(w, s),
            ExprKind::SetReturning { func: f, args } => format!("{}({})", f.name, self.list(args, s)),
            ExprKind::Grouping { .. } => "GROUPING()".to_owned(),
            ExprKind::Written { form: Form::Grouping(items), .. } => {
                let list: Vec<String> = match s {
                    Source::Grouped(p) | Source::Aggregated(p) => match &p.node {
                        PlanNode::Aggregate(a) => {
                            let item = |i: &usize| a.group_by.get(*i).map(|e| self.below(e, Source::Plan(&a.input)).0);
                            items.iter().filter_map(item).collect()
                        }
                        _ => Vec::new(),
                    },
                    _ => Vec::new(),
                };
                format!("GROUPING({})", list.join(", "))
            }
            ExprKind::Written { arg, .. } => self.expr(arg, s),
            ExprKind::CurrentRow => "CURRENT ROW".to_owned(),
            ExprKind::Var { .. } | ExprKind::SubLink(_) => "???".to_owned(),
        }
    }

    fn sub_plan(&self, p: &SubPlan) -> String {
        if is_init_plan(p) {
            return slots_of(p);
        }
        match (p.kind, p.hashable) {
            (SubPlanKind::Any, true) => format!("(hashed SubPlan {})", p.number),
            _ => format!("(SubPlan {}{})", p.number, returns(p)),
        }
    }

    pub fn aggregate(&self, a: &AggCall, s: Source<'_>) -> String {
        let mut out = format!("{}(", a.func.name);
        if a.distinct {
            out.push_str("DISTINCT ");
        }
        let within = !a.direct_args.is_empty() || a.func.name == "mode";
        if a.star {
            out.push('*');
        } else if within {
            out.push_str(&self.list(&a.direct_args, s));
        } else {
            out.push_str(&self.list(&a.args, s));
        }
        if !a.order_by.is_empty() && !within {
            out.push_str(&format!(" ORDER BY {}", self.keys(&a.order_by, s)));
        }
        out.push(')');
        if within {
            out.push_str(&format!(" WITHIN GROUP (ORDER BY {})", self.keys(&a.order_by, s)));
        }
        if let Some(f) = &a.filter {
            out.push_str(&format!(" FILTER (WHERE {})", self.expr(f, s)));
        }
        out
    }

    fn window(&self, w: &WindowCall, s: Source<'_>) -> String {
        let args = if w.star { "*".to_owned() } else { self.list(&w.args, s) };
        let mode = match w.spec.frame.mode {
            FrameMode::Rows | FrameMode::Range | FrameMode::Groups => "?",
        };
        format!("{}({args}) OVER ({mode})", w.func.name)
    }

    /// Sort keys as EXPLAIN lists them.
    pub fn keys(&self, keys: &[SortKey], s: Source<'_>) -> String {
        let one = |k: &SortKey| {
            let (mut out, _) = self.below(&k.expr, s);
            if k.desc {
                out.push_str(" DESC");
                if !k.nulls_first {
                    out.push_str(" NULLS LAST");
                }
            } else if k.nulls_first {
                out.push_str(" NULLS FIRST");
            }
            out
        };
        keys.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Grouping keys as EXPLAIN lists them.
    pub fn exprs(&self, list: &[Expr], s: Source<'_>) -> String {
        list.iter().map(|e| self.below(e, s).0).collect::<Vec<_>>().join(", ")
    }
}
