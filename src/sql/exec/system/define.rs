//! Definitions as SQL text: indexes, constraints, views (`pg_get_indexdef`, `pg_get_constraintdef`, …).

use crate::base::Oid;
use crate::catalog::object::{Class, Function, UserTypeKind, class, fixed};
use crate::catalog::{
    Catalog, Constraint, ConstraintKind, IndexColumn, Kept, Object, ObjectKey, RelKind, Relation, Trigger, View,
    system_view,
};
use crate::sql::ast::Stmt;
use crate::sql::ast::deparse::string_literal;
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{self, BindContext, Names, Query, Shown, Written};
use crate::sql::exec::system_view::{of_expression, of_query, opclass_name, special_opclass};
use crate::sql::exec::user_trigger;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::FuncDef;
use crate::sql::names::reg_out;
use crate::sql::routine::body;
use crate::sql::routine::query::Scoped;
use crate::types::name::quote_identifier;
use crate::types::{IoContext, TypeRef, oid};
use std::sync::Arc;

/// A class's name, qualified by its schema if asked, or if the search path does not find it.
pub(crate) fn class_name(catalog: &Catalog, oid: Oid, qualified: bool) -> String {
    let found = match crate::catalog::system::relation(oid) {
        Some(r) => Some((r.namespace, r.name.clone())),
        None => catalog.class(oid).and_then(|r| r.object.as_class().ok().map(|c| (c.namespace, c.name.clone()))),
    };
    let Some((namespace, name)) = found else { return oid.to_string() };
    let visible = !qualified && catalog.class_oid_by_name(None, &name).ok().flatten() == Some(oid);
    match catalog.namespace(namespace) {
        // PostgreSQL 15, lsyscache.c, get_namespace_name_or_temp: same name.
        Some(_) if !visible && catalog.temp_schema() == Some(namespace) => {
            format!("pg_temp.{}", quote_identifier(&name))
        }
        Some(n) if !visible => format!("{}.{}", quote_identifier(&n.name), quote_identifier(&name)),
        _ => quote_identifier(&name),
    }
}

/// How definitions are shown, and to whom.
pub(crate) struct Look<'a> {
    pub catalog: &'a Catalog,
    pub io: &'a IoContext,
    pub pretty: bool,
    /// Of a view: how long lines of columns may get.
    pub width: usize,
}

impl Look<'_> {
    /// A function's name: alone where the search path reaches its schema.
    /// As it is called now: what is shown may have been bound before it got its name.
    fn function_name(&self, f: &FuncDef) -> String {
        let record = self.catalog.get(ObjectKey::new(class::PROC, f.oid)).filter(|_| f.oid >= Oid::FIRST_NORMAL);
        let (place, name) = record.as_ref().and_then(|r| r.object.name()).unwrap_or((f.fact.namespace, f.name));
        match self.catalog.namespace(place) {
            Some(n) if !self.catalog.effective_path().contains(&n.oid) => {
                format!("{}.{}", quote_identifier(&n.name), quote_identifier(name))
            }
            _ => quote_identifier(name),
        }
    }

    fn show<T>(&self, pretty: bool, f: impl FnOnce(&Shown<'_>) -> T) -> T {
        self.show_slots(pretty, &|_, _| None, f)
    }

    fn show_slots<T>(
        &self,
        pretty: bool,
        slot: &dyn Fn(&ExprKind, bool) -> Option<String>,
        f: impl FnOnce(&Shown<'_>) -> T,
    ) -> T {
        let relation_name = |oid| class_name(self.catalog, oid, false);
        let function_name = |f: &FuncDef| self.function_name(f);
        let width = self.width;
        f(&Shown {
            io: self.io,
            pretty,
            flat: false,
            width,
            relation_name: &relation_name,
            function_name: &function_name,
            slot,
        })
    }

    /// The WHEN of a trigger.
    fn trigger_condition(&self, table: Oid, text: &str) -> Option<String> {
        let rel = self.catalog.relation(table).ok()??;
        let written = bind::parse_expression(text).ok()?;
        let source = format!("SELECT {text}");
        let _all = bind::Everywhere::reach();
        let names = Written(self.catalog);
        let bound = user_trigger::bound_condition(&names, self.io, &rel, &written, &source).ok()?;
        let slot = |kind: &ExprKind, _: bool| {
            let ExprKind::Column(n) = kind else { return None };
            let count = rel.attributes.len();
            if let Some(old) = n.checked_sub(2 * count) {
                return Some(format!("{}.tableoid", if old > 0 { "old" } else { "new" }));
            }
            let (row, n) = if *n < count { ("new", *n) } else { ("old", n - count) };
            Some(format!("{}.{}", quote_identifier(row), quote_identifier(&rel.attributes.get(n)?.name)))
        };
        self.show_slots(self.pretty, &slot, |s| s.expression(&bound, None))
    }

    /// The body of a function written as RETURN or BEGIN ATOMIC: its names as the reader must write them.
    pub fn atomic_body(&self, f: &Function) -> String {
        self.bound_body(f).unwrap_or_else(|| expression(self.catalog, &f.body))
    }

    fn bound_body(&self, f: &Function) -> Option<String> {
        self.written_body(f, &self.bind_body(f)?)
    }

    fn body_arguments(&self, f: &Function) -> body::Arguments {
        let types: Vec<TypeRef> = f.inputs().into_iter().map(TypeRef::of).collect();
        body::Arguments::new(self.io.hooks.clone(), f, &types)
    }

    /// The statements of a body written as RETURN or BEGIN ATOMIC, bound.
    pub fn bind_body(&self, f: &Function) -> Option<Vec<Query>> {
        let (source, statements) = body::parse(f).ok()?;
        let arguments = self.body_arguments(f);
        let written = Written(self.catalog);
        let along = written.along(&f.kept);
        let names = Scoped { names: &*along, variables: &arguments, transitions: None };
        let bound = statements.iter().map(|(statement, _)| {
            let mut cx =
                BindContext { names: &names, io: self.io, text: &source, params: Vec::new(), infer_params: false };
            bind::bind_written(&mut cx, statement).ok()
        });
        bound.collect()
    }

    /// Such statements, perhaps with other names since, written out as the body of the function.
    pub fn written_body(&self, f: &Function, bound: &[Query]) -> Option<String> {
        let arguments = self.body_arguments(f);
        let slot = |kind: &ExprKind, among: bool| {
            let ExprKind::Param(n) = kind else { return None };
            let (name, _) = arguments.inputs.get(*n).filter(|(name, _)| !name.is_empty())?;
            let own = quote_identifier(name);
            Some(if among { format!("{}.{own}", quote_identifier(&f.name)) } else { own })
        };
        if f.body.trim_start().get(..6).is_some_and(|w| w.eq_ignore_ascii_case("return")) {
            let value = &bound.first()?.targets.first()?.expr;
            let flat = |s: &Shown<'_>| Shown { flat: true, ..*s }.expression(value, None);
            return Some(format!("RETURN {}", self.show_slots(false, &slot, flat)?));
        }
        let mut text = "BEGIN ATOMIC\n".to_string();
        for query in bound {
            text += &self.show_slots(false, &slot, |s| s.statement(query))?;
            text += ";\n";
        }
        Some(text + "END")
    }

    fn bind(&self, relation: Option<&Arc<Relation>>, text: &str, kept: Option<&Kept>) -> Option<Expr> {
        self.bind_to(relation, text, kept, None)
    }

    /// `target`: the column that the value is for.
    fn bind_to(
        &self,
        relation: Option<&Arc<Relation>>,
        text: &str,
        kept: Option<&Kept>,
        target: Option<(&str, TypeRef)>,
    ) -> Option<Expr> {
        let written = bind::parse_expression(text).ok()?;
        let source = format!("SELECT {text}");
        let _all = kept.is_none().then(bind::Everywhere::reach);
        let now = Written(self.catalog);
        let along = kept.map(|k| now.along(k));
        let names = along.as_deref().unwrap_or(&now);
        let mut cx = BindContext { names, io: self.io, text: &source, params: Vec::new(), infer_params: false };
        bind::bind_expr(&mut cx, &written, relation, Clause::Policy, target).ok()
    }

    /// What is kept with an expression: a policy's, which may have sub-selects.
    fn kept_of(&self, table: Oid, text: &str) -> Option<Kept> {
        let record = self.catalog.class(table)?;
        let is = |t: &Option<Arc<str>>| t.as_deref() == Some(text);
        let policies = &record.object.as_class().ok()?.policies;
        policies.iter().find(|p| is(&p.using) || is(&p.check)).map(|p| p.kept.clone())
    }

    /// A stored expression over a table's columns, bound and written out again. None where that cannot be done, or
    /// where what was written would be read as something about other objects.
    fn bound(&self, table: Oid, text: &str) -> Option<String> {
        let relation = if table.is_valid() { self.catalog.relation(table).ok()? } else { None };
        let relation = relation.as_ref();
        let show = |e: &Expr, pretty| self.show(pretty, |s| s.expression(e, relation.map(|r| &**r)));
        let kept = self.kept_of(table, text);
        let bound = self.bind(relation, text, kept.as_ref())?;
        let shown = show(&bound, false)?;
        let again = self.bind(relation, &shown, None)?;
        let same = again.ty.oid == bound.ty.oid && of_expression(&again, table) == of_expression(&bound, table);
        match relation.and_then(|r| r.attributes.iter().find(|a| a.default.as_deref() == Some(text))) {
            _ if !same => None,
            // Conversions to the column's type are no part of the text.
            Some(a) => {
                let converted = self.bind_to(relation, text, kept.as_ref(), Some((&a.name, a.ty)))?;
                self.show(self.pretty, |s| s.converted(&converted, relation.map(|r| &**r)))
            }
            None => show(&bound, self.pretty),
        }
    }

    /// A stored expression as it is shown.
    pub fn expression(&self, table: Oid, text: &str) -> String {
        self.bound(table, text).unwrap_or_else(|| expression(self.catalog, text))
    }

    /// What a catalog has of an expression, of a list of them, or of the CHECK of a domain, which is about no table.
    pub fn catalogued(&self, table: Oid, text: &str) -> String {
        if let Some(list) = bind::parse_expressions(text).ok().filter(|list| list.len() > 1) {
            let shown = list.iter().map(|part| self.expression(table, part));
            // What begins on a line of its own needs no space before.
            return shown.collect::<Vec<_>>().join(", ").replace(", \n", ",\n");
        }
        let base = if table.is_valid() { None } else { self.checked_by(text) };
        base.map_or_else(|| self.expression(table, text), |base| self.domain_condition(base, text))
    }

    /// The type below a domain with this CHECK.
    fn checked_by(&self, text: &str) -> Option<TypeRef> {
        self.catalog.all(class::TYPE).iter().find_map(|r| match &r.object.as_type().ok()?.kind {
            UserTypeKind::Domain { base, checks, .. } => {
                checks.iter().any(|k| k.check.as_deref() == Some(text)).then_some(*base)
            }
            _ => None,
        })
    }

    /// The default of an argument of this type.
    pub fn argument_default(&self, ty: TypeRef, text: &str) -> String {
        let converted = self.bind_to(None, text, None, Some(("", ty)));
        let shown = converted.and_then(|e| self.show(false, |s| s.converted(&e, None)));
        shown.unwrap_or_else(|| self.expression(Oid::INVALID, text))
    }

    /// A stored expression as it stands among columns: in parentheses unless it is a call.
    pub fn listed(&self, table: Oid, text: &str) -> String {
        let shown = self.expression(table, text);
        if is_call(&shown) { shown } else { format!("({shown})") }
    }

    /// A CHECK of a domain.
    fn domain_condition(&self, base: TypeRef, text: &str) -> String {
        let relation = bind::domain::value_relation(base);
        let shown = self
            .bind(Some(&relation), text, None)
            .and_then(|e| self.show(self.pretty, |s| s.expression(&e, Some(&relation))));
        shown.unwrap_or_else(|| condition(&expression(self.catalog, text), self.pretty))
    }

    /// A stored condition: with parentheses of its own unless few are wanted.
    fn condition(&self, table: Oid, text: &str) -> String {
        self.bound(table, text).unwrap_or_else(|| condition(&expression(self.catalog, text), self.pretty))
    }

    /// A rule's condition and actions over OLD and NEW.
    fn bound_rule(&self, table: Oid, r: &crate::catalog::Rule) -> Option<(Option<String>, Vec<String>)> {
        let rel = self.catalog.relation(table).ok()??;
        let written = Written(self.catalog);
        let names = written.along(&r.kept);
        let context = |text| BindContext { names: &*names, io: self.io, text, params: Vec::new(), infer_params: false };
        let source = format!("SELECT {}", r.condition.as_deref().unwrap_or_default());
        let bound = match &r.condition {
            Some(text) => {
                let e = bind::parse_expression(text).ok()?;
                Some(bind::bind_rule_condition(&mut context(&source), &e, &rel, r.event).ok()?)
            }
            None => None,
        };
        let mut actions = Vec::new();
        let mut queries = Vec::new();
        for text in &r.actions {
            let parsed = crate::sql::parse::parse(text).ok()?;
            match &parsed.first()?.stmt {
                Stmt::Notify(n) => {
                    let payload = n.payload.as_deref().map(|p| format!(", {}", string_literal(p)));
                    let text = format!("\n NOTIFY {}{}", quote_identifier(&n.channel), payload.unwrap_or_default());
                    actions.push(Some(text));
                }
                stmt => {
                    queries.push(bind::bind_rule_action(&mut context(text), stmt, &rel, r.event).ok()?.0);
                    actions.push(None);
                }
            }
        }
        let level = bind::rule_level(&rel);
        let (condition, texts) = self.show(self.pretty, |s| s.rule(&level, bound.as_ref(), &queries))?;
        let mut texts = texts.into_iter();
        let actions = actions.into_iter().map(|a| a.or_else(|| texts.next())).collect::<Option<_>>()?;
        Some((bound.map(|_| condition), actions))
    }

    /// The query of a generated view, as every session sees it: nothing a user makes has a part in it.
    pub fn system_view(&self, oid: Oid) -> Option<String> {
        let view = system_view::of(oid)?;
        let relation = crate::catalog::system::relation(oid)?;
        let names: Vec<&str> = relation.attributes.iter().map(|a| a.name.as_str()).collect();
        let bound = bind::view_query(&view, &Written(self.catalog), self.io).ok()?;
        let text = self.show(self.pretty, |s| s.query(&bound, &names));
        Some(text.map_or_else(|| view.query.trim_end().to_string(), |t| t + ";"))
    }

    /// As [`bound`](Self::bound), for a view's query.
    fn bound_view(&self, view: &View, names: &[&str]) -> Option<String> {
        let bound = bind::view_query(view, &Written(self.catalog), self.io).ok()?;
        let shown = self.written_query(&bound, names)?;
        if !self.reads_as(view, &shown, &bound) {
            return None;
        }
        if self.pretty { self.show(true, |s| s.query(&bound, names)) } else { Some(shown) }
    }

    /// A query as it was bound, written out.
    pub fn written_query(&self, bound: &Query, names: &[&str]) -> Option<String> {
        self.show(false, |s| s.query(bound, names))
    }

    /// An expression over a relation as it was bound, written out.
    pub fn written_expression(&self, e: &Expr, rel: &Relation) -> Option<String> {
        self.show(false, |s| s.expression(e, Some(rel)))
    }

    /// A rule's condition and actions as they were bound, written out.
    pub fn written_rule(
        &self,
        level: &Query,
        condition: Option<&Expr>,
        actions: &[Query],
    ) -> Option<(String, Vec<String>)> {
        self.show(false, |s| s.rule(level, condition, actions))
    }

    /// Whether a text for a view's query, read along the search path of now, is the query it was made of.
    pub fn reads_as(&self, view: &View, text: &str, bound: &Query) -> bool {
        let search_path = self.catalog.kept_path(true);
        let kept = Kept { search_path, reads: Vec::new() };
        let again = View { query: text.into(), kept, ..view.clone() };
        let Ok(again) = bind::view_query(&again, &Written(self.catalog), self.io) else { return false };
        let columns = |q: &Query| q.output().map(|t| t.expr.ty.oid).collect::<Vec<_>>();
        columns(&again) == columns(bound) && of_query(&again) == of_query(bound)
    }

    /// The query of a view: written out again, or as it was written.
    pub fn view(&self, c: &Class) -> Option<String> {
        let view = c.view.as_ref()?;
        let names: Vec<&str> = c.attributes.iter().filter(|a| !a.dropped).map(|a| a.name.as_str()).collect();
        let shown = self.bound_view(view, &names);
        let text = shown.unwrap_or_else(|| {
            let written = expression(self.catalog, &view.query);
            format!(" {}", written.trim().trim_end_matches(';'))
        });
        Some(format!("{text};"))
    }
}

/// One column of an index, as it stands in CREATE INDEX; `plain` leaves order and operator class out.
pub(crate) fn index_column(look: &Look<'_>, table: Oid, column: &IndexColumn, key: bool, plain: bool) -> String {
    let record = look.catalog.class(table);
    let columns = record.as_ref().and_then(|r| r.object.as_class().ok()).map(|c| c.attributes.as_slice());
    let of_table = columns.unwrap_or_default().iter().find(|a| a.attno == column.attno && a.attno > 0);
    let mut text = match &column.expr {
        Some(e) => look.listed(table, e),
        None => quote_identifier(of_table.map_or(&column.name, |a| &a.name)),
    };
    if plain || !key {
        return text;
    }
    let of_catalog = crate::catalog::system::relation(table).is_some();
    let own = of_table.map(|a| a.declared.collation).filter(|c| c.is_valid()).unwrap_or(fixed::DEFAULT_COLLATION);
    if column.collation.is_valid()
        && column.collation != own
        && !of_catalog
        && let Some(name) = reg_out(look.catalog, oid::REGCOLLATION, column.collation)
    {
        text += &format!(" COLLATE {name}");
    }
    if let Some(own) = look.catalog.get(ObjectKey::new(class::OPCLASS, column.opclass))
        && let Object::OpClass(o) = &own.object
        && (!o.default || !column.options.is_empty())
    {
        let visible = look.catalog.effective_path().contains(&o.namespace);
        let schema = look.catalog.namespace(o.namespace).filter(|_| !visible);
        text += " ";
        text += &schema.map(|n| quote_identifier(&n.name) + ".").unwrap_or_default();
        text += &quote_identifier(&o.name);
    }
    // What was told of it is told of a default one, too.
    let class = match column.options.is_empty() {
        true => special_opclass(column.opclass),
        false => opclass_name(column.opclass),
    };
    if let Some(name) = class {
        text += &format!(" {name}");
    }
    if !column.options.is_empty() {
        text += &format!(" ({})", options(&column.options));
    }
    match (column.desc, column.nulls_first) {
        (false, true) => text += " NULLS FIRST",
        (true, true) => text += " DESC",
        (true, false) => text += " DESC NULLS LAST",
        (false, false) => {}
    }
    text
}

/// `f(…)` stands without parentheses of its own.
pub(crate) fn is_call(text: &str) -> bool {
    let head = text.find('(').map_or("", |at| &text[..at]);
    // A row in parentheses is no call though it looks like one.
    if head.is_empty()
        || head == "ROW"
        || !head.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'))
        || !text.ends_with(')')
    {
        return false;
    }
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 && c == ')' {
            return at + 1 == text.len();
        }
    }
    false
}

/// `CREATE INDEX …` of an index; None for what is none.
///
/// Pretty: the table without its schema where the search path finds it, conditions without outer parentheses.
pub(crate) fn index(look: &Look<'_>, c: &Class) -> Option<String> {
    let (catalog, pretty) = (look.catalog, look.pretty);
    let index = c.index.as_ref()?;
    let columns = |from: usize, to: usize, key: bool| {
        let list: Vec<String> =
            index.columns[from..to].iter().map(|k| index_column(look, index.table, k, key, false)).collect();
        list.join(", ")
    };
    let keys = index.key_columns.min(index.columns.len());
    let mut text = format!(
        "CREATE {}INDEX {} ON {}{} USING {} ({})",
        if index.unique { "UNIQUE " } else { "" },
        quote_identifier(&c.name),
        // The partitions' indexes have definitions of their own.
        if c.kind == RelKind::PartitionedIndex { "ONLY " } else { "" },
        class_name(catalog, index.table, !pretty),
        quote_identifier(index.method().name()),
        columns(0, keys, true)
    );
    if index.columns.len() > keys {
        text += &format!(" INCLUDE ({})", columns(keys, index.columns.len(), false));
    }
    if index.nulls_not_distinct {
        text += " NULLS NOT DISTINCT";
    }
    if !c.options.is_empty() {
        text += &format!(" WITH ({})", options(&c.options));
    }
    if let Some(p) = &index.predicate {
        text += &format!(" WHERE {}", look.condition(index.table, p));
    }
    Some(text)
}

/// The rule that makes a relation a view, which has this definition.
fn view_rule(look: &Look<'_>, view: Oid, definition: &str) -> String {
    let view = class_name(look.catalog, view, !look.pretty);
    format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {view} DO INSTEAD {definition}")
}

/// A rule by its OID.
pub(crate) fn rule_by_oid(look: &Look<'_>, oid: Oid) -> Option<String> {
    if oid < Oid::FIRST_NORMAL {
        if let Some(view) = system_view::of_rule(oid) {
            return Some(view_rule(look, view.oid, &look.system_view(view.oid)?));
        }
        let mut all = crate::catalog::system::all();
        return all.find_map(|t| t.rules.iter().find(|r| r.oid == oid).map(|r| rule(look, t.oid, r)));
    }
    let holder = look.catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    match c.view.as_ref().is_some_and(|v| v.rule == oid) {
        true => Some(view_rule(look, c.oid, &look.view(c)?)),
        false => c.rules.iter().find(|r| r.oid == oid).map(|r| rule(look, c.oid, r)),
    }
}

/// `CREATE RULE …`. PostgreSQL 15, ruleutils.c, make_ruledef.
pub(crate) fn rule(look: &Look<'_>, table: Oid, r: &crate::catalog::Rule) -> String {
    let event = match r.event {
        '2' => "UPDATE",
        '3' => "INSERT",
        _ => "DELETE",
    };
    let (condition, actions) = look.bound_rule(table, r).unwrap_or_else(|| {
        let readable = |text: &Arc<str>| expression(look.catalog, text);
        let actions = r.actions.iter().map(|a| format!(" {}", readable(a))).collect();
        (r.condition.as_ref().map(|text| condition(&readable(text), look.pretty)), actions)
    });
    let mut text = format!(
        "CREATE RULE {} AS\n    ON {event} TO {}{} DO {}",
        quote_identifier(&r.name),
        class_name(look.catalog, table, !look.pretty),
        condition.map_or_else(String::new, |e| format!("\n   WHERE {e}")),
        if r.instead { "INSTEAD " } else { "" },
    );
    match &actions[..] {
        [] => text += "NOTHING",
        [one] => {
            let end = if one.starts_with('\n') { text.trim_end().len() } else { text.len() };
            text.truncate(end);
            text += one;
        }
        many => {
            text += "(";
            many.iter().for_each(|a| text += &format!("{a};\n"));
            text += ")";
        }
    }
    text + ";"
}

/// `CREATE TRIGGER …`.
pub(crate) fn trigger(look: &Look<'_>, c: &Class, t: &Trigger) -> String {
    let (catalog, pretty) = (look.catalog, look.pretty);
    let mut text = format!(
        "CREATE {}TRIGGER {} {} ",
        if t.constraint.is_valid() { "CONSTRAINT " } else { "" },
        quote_identifier(&t.name),
        match t.when {
            'b' => "BEFORE",
            'i' => "INSTEAD OF",
            _ => "AFTER",
        }
    );
    let mut events: Vec<String> = Vec::new();
    if t.insert {
        events.push("INSERT".into());
    }
    if t.delete {
        events.push("DELETE".into());
    }
    if t.update {
        let name = |n: &i16| c.attributes.iter().find(|a| a.attno == *n).map(|a| quote_identifier(&a.name));
        let columns: Vec<String> = t.columns.iter().filter_map(name).collect();
        events.push(match columns.is_empty() {
            true => "UPDATE".into(),
            false => format!("UPDATE OF {}", columns.join(", ")),
        });
    }
    if t.truncate {
        events.push("TRUNCATE".into());
    }
    text += &format!("{} ON {}", events.join(" OR "), class_name(catalog, c.oid, !pretty));
    if t.constraint.is_valid() {
        if t.referenced.is_valid() {
            text += &format!(" FROM {}", class_name(catalog, t.referenced, false));
        }
        text += if t.deferrable { " DEFERRABLE" } else { " NOT DEFERRABLE" };
        text += if t.deferred { " INITIALLY DEFERRED" } else { " INITIALLY IMMEDIATE" };
    }
    let tables = [("OLD", &t.old_table), ("NEW", &t.new_table)];
    let tables = tables.iter().filter_map(|(word, name)| Some((word, name.as_ref()?)));
    let tables: String = tables.map(|(word, name)| format!(" {word} TABLE AS {}", quote_identifier(name))).collect();
    if !tables.is_empty() {
        text += &format!(" REFERENCING{tables}");
    }
    text += if t.row { " FOR EACH ROW" } else { " FOR EACH STATEMENT" };
    if let Some(e) = &t.condition {
        let plain = pretty || e.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
        let shown = look.trigger_condition(c.oid, e).unwrap_or_else(|| condition(e, plain));
        text += &format!(" WHEN ({shown})");
    }
    let function = catalog.get(crate::catalog::ObjectKey::new(crate::catalog::object::class::PROC, t.function));
    let name = function.as_ref().and_then(|r| r.object.as_function().ok()).map(|f| {
        let visible = catalog.effective_path().contains(&f.namespace);
        match catalog.namespace(f.namespace) {
            Some(n) if !visible => format!("{}.{}", quote_identifier(&n.name), quote_identifier(&f.name)),
            _ => quote_identifier(&f.name),
        }
    });
    let name = name.or_else(|| Some(quote_identifier(crate::sql::func::func(t.function)?.name)));
    let args: Vec<String> = t.args.iter().map(|a| format!("'{}'", a.replace('\'', "''"))).collect();
    text + &format!(" EXECUTE FUNCTION {}({})", name.unwrap_or_default(), args.join(", "))
}

/// Storage options as WITH lists them: values in quotes.
fn options(options: &[String]) -> String {
    let one = |o: &String| match o.split_once('=') {
        Some((name, value)) if quote_identifier(value) == value => format!("{name}={value}"),
        Some((name, value)) => format!("{name}='{value}'"),
        None => o.clone(),
    };
    options.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A condition with one pair of outer parentheses, or with none.
fn condition(text: &str, pretty: bool) -> String {
    let wrapped = in_parentheses(text);
    match pretty {
        true => wrapped[1..wrapped.len() - 1].to_string(),
        false => wrapped,
    }
}

/// Puts parentheses around an expression that has none.
pub(crate) fn in_parentheses(text: &str) -> String {
    let inner = text.trim();
    let mut depth = 0;
    let mut wrapped = inner.starts_with('(') && inner.ends_with(')');
    for (at, c) in inner.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        wrapped &= depth > 0 || at + 1 == inner.len();
    }
    if wrapped { inner.to_string() } else { format!("({inner})") }
}

fn column_list(catalog: &Catalog, table: Oid, columns: &[i16]) -> String {
    let of_catalog = crate::catalog::system::relation(table);
    let record = catalog.class(table);
    let own = record.as_ref().and_then(|r| r.object.as_class().ok()).map(|c| c.attributes.as_slice());
    let attributes = of_catalog.as_ref().map(|r| r.attributes.as_slice()).or(own);
    let name = |attno: &i16| {
        let found = attributes.unwrap_or_default().iter().find(|a| a.attno == *attno);
        found.map_or_else(|| "?".to_string(), |a| quote_identifier(&a.name))
    };
    columns.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn action(word: &str, action: u8) -> String {
    let what = match action {
        b'r' => "RESTRICT",
        b'c' => "CASCADE",
        b'n' => "SET NULL",
        b'd' => "SET DEFAULT",
        _ => return String::new(),
    };
    format!(" ON {word} {what}")
}

/// A stored expression as it is shown: relations stand in it by OID (`'16384'::regclass`), people want names.
pub(crate) fn expression(catalog: &Catalog, text: &str) -> String {
    const CAST: &str = "'::regclass";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(CAST) {
        let (before, after) = rest.split_at(at);
        let digits = before.rfind('\'').map(|q| (q, &before[q + 1..]));
        let named = digits.and_then(|(q, d)| {
            let oid = Oid(d.parse().ok()?);
            crate::sql::names::reg_out(catalog, crate::types::oid::REGCLASS, oid).map(|name| (q, name))
        });
        match named {
            Some((q, name)) => {
                out.push_str(&before[..=q]);
                out.push_str(&name.replace('\'', "''"));
            }
            None => out.push_str(before),
        }
        out.push_str(CAST);
        rest = &after[CAST.len()..];
    }
    out + rest
}

/// Columns a primary key or unique constraint's index includes beyond its keys.
fn included(catalog: &Catalog, k: &Constraint) -> String {
    let record = catalog.class(k.index);
    let Some(index) = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| c.index.as_ref()) else {
        return String::new();
    };
    match &index.columns[index.key_columns.min(index.columns.len())..] {
        [] => String::new(),
        rest => {
            let names: Vec<String> = rest.iter().map(|c| quote_identifier(&c.name)).collect();
            format!(" INCLUDE ({})", names.join(", "))
        }
    }
}

/// An operator's name; with its schema where the search path does not find it.
fn operator_name(catalog: &Catalog, o: Oid) -> String {
    let own = catalog.get(ObjectKey::new(class::OPERATOR, o));
    match own.as_ref().map(|r| &r.object) {
        Some(Object::Operator(o)) if !catalog.effective_path().contains(&o.namespace) => {
            let schema = catalog.namespace(o.namespace).map(|n| quote_identifier(&n.name)).unwrap_or_default();
            format!("OPERATOR({schema}.{})", o.name)
        }
        Some(Object::Operator(o)) => o.name.clone(),
        _ => crate::sql::func::oper(o).map_or_else(String::new, |o| o.name.to_owned()),
    }
}

/// `EXCLUDE …`. PostgreSQL 15, ruleutils.c, pg_get_indexdef_worker.
fn exclusion(look: &Look<'_>, table: Oid, k: &Constraint) -> String {
    let record = look.catalog.class(k.index);
    let class = record.as_ref().and_then(|r| r.object.as_class().ok());
    let Some((c, index)) = class.and_then(|c| Some((c, c.index.as_ref()?))) else { return String::new() };
    let keys = index.key_columns.min(index.columns.len());
    let key = |(column, o): (&IndexColumn, &Oid)| {
        format!("{} WITH {}", index_column(look, table, column, true, false), operator_name(look.catalog, *o))
    };
    let list: Vec<String> = index.columns[..keys].iter().zip(&index.exclusion).map(key).collect();
    let mut text = format!(
        "EXCLUDE USING {} ({}){}",
        quote_identifier(index.method().name()),
        list.join(", "),
        included(look.catalog, k)
    );
    if !c.options.is_empty() {
        text += &format!(" WITH ({})", options(&c.options));
    }
    if let Some(p) = &index.predicate {
        text += &format!(" WHERE ({})", look.condition(table, p));
    }
    text
}

/// A constraint as CREATE TABLE would take it; `domain`: the base type of the domain it is on.
pub(crate) fn constraint(look: &Look<'_>, table: Oid, domain: Option<TypeRef>, k: &Constraint) -> String {
    let catalog = look.catalog;
    let columns = |list: &[i16]| column_list(catalog, table, list);
    let mut text = match k.kind {
        ConstraintKind::Check => {
            let text = k.check.as_deref().unwrap_or_default();
            match domain {
                Some(base) => format!("CHECK ({})", look.domain_condition(base, text)),
                None => format!("CHECK ({})", look.condition(table, text)),
            }
        }
        ConstraintKind::PrimaryKey => format!("PRIMARY KEY ({}){}", columns(&k.columns), included(catalog, k)),
        ConstraintKind::Unique => {
            let record = catalog.class(k.index);
            let index = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| c.index.as_ref());
            let nulls = if index.is_some_and(|i| i.nulls_not_distinct) { "NULLS NOT DISTINCT " } else { "" };
            format!("UNIQUE {nulls}({}){}", columns(&k.columns), included(catalog, k))
        }
        ConstraintKind::Exclude => exclusion(look, table, k),
        ConstraintKind::ForeignKey => match &k.foreign {
            None => String::new(),
            Some(f) => {
                format!(
                    "FOREIGN KEY ({}) REFERENCES {}({}){}{}{}",
                    columns(&k.columns),
                    class_name(catalog, f.relation, false),
                    column_list(catalog, f.relation, &f.columns),
                    if f.match_type == b'f' { " MATCH FULL" } else { "" },
                    action("UPDATE", f.on_update),
                    action("DELETE", f.on_delete),
                ) + &match f.delete_columns.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", columns(&f.delete_columns)),
                }
            }
        },
    };
    if k.no_inherit && k.kind == ConstraintKind::Check {
        text += " NO INHERIT";
    }
    if k.deferrable {
        text += " DEFERRABLE";
    }
    if k.deferred {
        text += " INITIALLY DEFERRED";
    }
    if !k.validated {
        text += " NOT VALID";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only an expression without parentheses of its own gets some.
    #[test]
    fn parentheses_are_not_doubled() {
        assert_eq!(in_parentheses("a > 0"), "(a > 0)");
        assert_eq!(in_parentheses("(a > 0)"), "(a > 0)");
        assert_eq!(
            (condition("(a > 0)", true), condition("(a) + (b) > 0", true)),
            ("a > 0".into(), "(a) + (b) > 0".into())
        );
        assert_eq!(in_parentheses("(a > 0) AND (b > 0)"), "((a > 0) AND (b > 0))");
        assert!(is_call("lower(a)") && !is_call("lower(a) || lower(b)") && !is_call("(a + b)"));
    }
}
