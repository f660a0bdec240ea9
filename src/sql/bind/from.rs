//! FROM: tables, views, sub-selects, functions, joins. PostgreSQL 15, parse_clause.c.

use super::scope::{Clause, CteRef, NsColumn, NsItem, rename_columns};
use super::{
    BindContext, Binder, FromNode, FunctionItem, JoinNode, JoinWritten, Query, Rel, RelColumn, Sample, Source,
};
use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::sql::func::{FuncDef, polymorphic};
use crate::sql::plan::{JoinKind, access};
use crate::types::{self, TypeRef, oid};
use std::sync::Arc;

/// The columns a record-returning function declares by its OUT parameters, in a call with these arguments.
pub(super) fn out_columns(f: &'static FuncDef, args: &[Expr]) -> Option<Vec<(String, TypeRef)>> {
    if f.fact.modes.is_empty() {
        return None;
    }
    let types: Vec<TypeRef> = args.iter().map(|a| a.ty).collect();
    let out: Vec<(String, TypeRef)> = f
        .fact
        .modes
        .bytes()
        .zip(f.fact.all_args)
        .enumerate()
        .filter(|(_, (m, _))| matches!(m, b'o' | b'b' | b't'))
        .enumerate()
        .map(|(i, (n, (_, ty)))| {
            let name = f.fact.names.get(n).copied().unwrap_or_default();
            let name = if name.is_empty() { format!("column{}", i + 1) } else { (*name).to_owned() };
            (name, TypeRef::of(polymorphic::actual(*ty, f.args, &types)))
        })
        .collect();
    if out.is_empty() { None } else { Some(out) }
}

/// Whose rights count for what a view reads: its owner's, with security_invoker those of who asks (None), also where another
/// view reads it.
pub fn reads_as(view: &Relation) -> Option<crate::base::Oid> {
    let invoker = view.options.iter().any(|o| o == "security_invoker=true");
    (!invoker).then_some(view.owner)
}

impl Binder<'_, '_> {
    /// The FROM list: afterwards its items are in the scope, fully visible.
    pub(super) fn from_clause(&mut self, list: &[ast::FromItem]) -> Result<Vec<FromNode>> {
        let mut nodes = Vec::with_capacity(list.len());
        for item in list {
            let (node, items) = self.from_item(item)?;
            let scope = self.scope();
            for i in &items {
                no_clash(&scope.items, i)?;
            }
            scope.items.extend(items.into_iter().map(|i| NsItem { lateral_only: true, lateral_ok: true, ..i }));
            nodes.push(node);
        }
        for item in &mut self.scope().items {
            item.lateral_only = false;
            item.lateral_ok = true;
        }
        Ok(nodes)
    }

    fn from_item(&mut self, item: &ast::FromItem) -> Result<(FromNode, Vec<NsItem>)> {
        match item {
            ast::FromItem::Table(t) => {
                let (rel, item) = self.table(t)?;
                self.note_alias(rel, t.alias.as_ref());
                Ok((FromNode::Rel(rel), vec![item]))
            }
            ast::FromItem::Sample(s) => {
                let (rel, item) = self.table(&s.table)?;
                if !matches!(self.scope().rels[rel].source, Source::Table { .. }) {
                    return Err(err!(
                        FEATURE_NOT_SUPPORTED,
                        "TABLESAMPLE clause can only be applied to tables and materialized views"
                    )
                    .at(self.at(s.table.pos)));
                }
                self.note_alias(rel, s.table.alias.as_ref());
                self.sample(rel, s)?;
                Ok((FromNode::Rel(rel), vec![item]))
            }
            ast::FromItem::Subquery(s) => {
                let (rel, item) = self.from_subquery(s)?;
                self.note_alias(rel, Some(&s.alias));
                Ok((FromNode::Rel(rel), vec![item]))
            }
            ast::FromItem::Function(f) => {
                let (rel, item) = self.from_function(f)?;
                Ok((FromNode::Rel(rel), vec![item]))
            }
            ast::FromItem::Join(j) => self.join(j),
        }
    }

    pub(super) fn note_alias(&mut self, rel: usize, alias: Option<&ast::Alias>) {
        let entry = &mut self.scope().rels[rel];
        entry.aliased = alias.is_some();
        let given = alias.map_or(0, |a| a.columns.len());
        let last = entry.columns.iter().enumerate().filter(|(_, c)| !c.dropped).take(given).last();
        entry.renamed = last.map_or(0, |(n, _)| n + 1);
    }

    /// A table, view or CTE by name.
    pub(super) fn table(&mut self, t: &ast::RangeVar) -> Result<(usize, NsItem)> {
        let alias = t.alias.as_ref().map_or(t.name.as_str(), |a| a.name.as_str()).to_owned();
        let aliases = t.alias.as_ref().map_or(&[][..], |a| &a.columns[..]);
        if t.schema.is_none()
            && let Some(cte) = self.find_cte(&t.name)
        {
            return self.cte_rel(cte, t, alias, aliases);
        }
        let rel = self.relation(t)?;
        match rel.kind {
            RelKind::Index | RelKind::PartitionedIndex => {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an index", rel.name).at(self.at(t.pos)));
            }
            RelKind::Composite => {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is a composite type", rel.name).at(self.at(t.pos)));
            }
            _ => {}
        }
        let schema = t.alias.is_none().then(|| self.schema_known(&rel));
        let index = match rel.kind {
            RelKind::View if rel.generated_by.is_none() => {
                self.may_expand(&rel)?;
                self.view_rel(rel, alias.clone(), aliases).map_err(|e| e.at(self.at(t.pos)))?
            }
            _ => self.add_table_rel(rel, alias.clone(), aliases)?,
        };
        self.only(index, t);
        let item = self.table_item(index, alias, schema);
        Ok((index, item))
    }

    /// ONLY: without the children's rows.
    pub(super) fn only(&mut self, index: usize, t: &ast::RangeVar) {
        if let Source::Table { inherit, .. } = &mut self.scope().rels[index].source {
            *inherit &= t.inherit;
        }
    }

    /// The relation a statement names, or 42P01.
    pub(super) fn relation(&mut self, t: &ast::RangeVar) -> Result<Arc<Relation>> {
        if let Some(db) = &t.catalog
            && *db != self.cx.names.current_database()
        {
            return Err(err!(
                FEATURE_NOT_SUPPORTED,
                "cross-database references are not implemented: \"{}\"",
                t.joined()
            )
            .at(self.at(t.pos)));
        }
        self.may_look_into(t.schema.as_deref(), t.pos)?;
        match self.cx.names.relation_by_name(t.schema.as_deref(), &t.name)? {
            Some(rel) => Ok(rel),
            None => {
                if let Some(s) = &t.schema
                    && !self.cx.names.schema_exists(s)
                {
                    return Err(err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", t.joined()).at(self.at(t.pos)));
                }
                let e = err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", t.joined()).at(self.at(t.pos));
                if t.schema.is_none() && self.scopes.iter().any(|s| s.later_ctes.contains(&t.name)) {
                    return Err(e
                        .detail(format!(
                            "There is a WITH item named \"{}\", but it cannot be referenced from this part of the query.",
                            t.name
                        ))
                        .hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references."));
                }
                Err(e)
            }
        }
    }

    fn cte_rel(
        &mut self,
        cte: CteRef,
        t: &ast::RangeVar,
        alias: String,
        aliases: &[String],
    ) -> Result<(usize, NsItem)> {
        let mut concealed = 0;
        let (source, mut columns) = match cte {
            CteRef::Plain { index, levels_up } => {
                let n = self.scopes.len() - 1 - levels_up;
                let cte = &mut self.scopes[n].ctes[index];
                cte.references += 1;
                if cte.query.write.as_ref().is_some_and(|w| w.returning.is_empty()) {
                    return Err(err!(
                        FEATURE_NOT_SUPPORTED,
                        "WITH query \"{}\" does not have a RETURNING clause",
                        cte.name
                    )
                    .at(self.at(t.pos)));
                }
                (Source::Cte { index, levels_up }, cte.columns.clone())
            }
            CteRef::Recursive { index, levels_up, columns, hidden } => {
                concealed = hidden;
                (Source::WorkTable { index, levels_up }, columns)
            }
        };
        rename_columns(&mut columns, aliases, &alias)?;
        let rel = self.add_rel(Rel::new(alias.clone(), source, columns));
        let mut item = self.table_item(rel, alias, None);
        item.columns.iter_mut().rev().take(concealed).for_each(|c| c.hidden = true);
        Ok((rel, item))
    }

    /// A view: its text is bound on its own, with its own search path, on behalf of its owner.
    pub(super) fn view_rel(&mut self, rel: Arc<Relation>, alias: String, aliases: &[String]) -> Result<usize> {
        let query = self.view_query(&rel)?;
        let mut columns: Vec<RelColumn> = self.columns_known(&rel);
        for (column, t) in columns.iter_mut().zip(query.output()) {
            column.ty = t.expr.ty;
        }
        rename_columns(&mut columns, aliases, &alias)?;
        let check_as = self.check_as;
        let barrier = rel.options.iter().any(|o| o == "security_barrier=true");
        let security = barrier.then(|| super::coerce::bool_const(true)).into_iter().collect();
        let entry = Rel::new(alias, Source::Subquery(Box::new(query)), columns);
        Ok(self.add_rel(Rel { view: Some(rel), wanted: access::SELECT, check_as, security, ..entry }))
    }

    /// With `restrict_nonsystem_relation_kind` no view of users is expanded, but it may be shown, and looked through for
    /// what it is made of. PostgreSQL 15, rewriteHandler.c, ApplyRetrieveRule.
    ///
    /// # Errors
    /// 55000.
    pub(super) fn may_expand(&self, view: &Relation) -> Result<()> {
        let looks = self.unsecured || self.cx.names.keeps_written() || !self.expanding.is_empty();
        if !looks && self.cx.names.acting().restricts_views {
            return Err(err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "access to non-system view \"{}\" is restricted",
                view.name
            ));
        }
        Ok(())
    }

    pub(super) fn view_query(&mut self, rel: &Arc<Relation>) -> Result<Query> {
        let Some(view) = &rel.view else {
            return Err(Error::internal(format!("view \"{}\" has no definition", rel.name)));
        };
        if self.expanding.contains(&rel.oid) {
            return Err(err!(
                INVALID_OBJECT_DEFINITION,
                "infinite recursion detected in rules for relation \"{}\"",
                rel.name
            ));
        }
        let parsed = crate::sql::parse::parse(&view.query)?;
        let Some(raw) = parsed.first() else {
            return Err(Error::internal(format!("view \"{}\" has no definition", rel.name)));
        };
        let names = self.cx.names.along(&view.kept);
        let mut cx =
            BindContext { names: &*names, io: self.cx.io, text: &view.query, params: Vec::new(), infer_params: false };
        let mut binder = Binder::new(&mut cx);
        binder.expanding.clone_from(&self.expanding);
        binder.expanding.push(rel.oid);
        binder.check_as = reads_as(rel);
        let query = binder.statement(&raw.stmt, true).map_err(|mut e| {
            e.0.position = None;
            e
        });
        self.met_policies |= binder.met_policies;
        self.named_schemas |= binder.named_schemas;
        self.collated |= binder.collated;
        query
    }

    fn sample(&mut self, rel: usize, s: &ast::TableSample) -> Result<()> {
        let bernoulli = match s.method.name() {
            "bernoulli" => true,
            "system" => false,
            name => {
                return Err(
                    err!(UNDEFINED_OBJECT, "tablesample method {name} does not exist").at(self.at(s.method.pos))
                );
            }
        };
        let [arg] = &s.args[..] else {
            return Err(err!(
                INVALID_TABLESAMPLE_ARGUMENT,
                "tablesample method {} requires 1 argument, not {}",
                s.method.name(),
                s.args.len()
            )
            .at(self.at(s.method.pos)));
        };
        let before = std::mem::replace(&mut self.scope().clause, Clause::FromFunction);
        let mut bound = |e: &ast::Expr, ty: crate::base::Oid, word: &str| {
            let bound = self.expr(e)?;
            self.to_type(bound, ty, word, e.start())
        };
        let percent = bound(arg, oid::FLOAT4, "TABLESAMPLE")?;
        let seed = s.repeatable.as_ref().map(|e| bound(e, oid::FLOAT8, "REPEATABLE")).transpose()?;
        self.scope().clause = before;
        if let Source::Table { sample, .. } = &mut self.scope().rels[rel].source {
            *sample = Some(Box::new(Sample { bernoulli, percent, seed }));
        }
        Ok(())
    }

    fn from_subquery(&mut self, s: &ast::RangeSubquery) -> Result<(usize, NsItem)> {
        let scope = self.scope();
        let before = std::mem::replace(&mut scope.clause, Clause::FromSubselect);
        let lateral_before = std::mem::replace(&mut scope.lateral_active, s.lateral);
        let query = self.select(&s.query, None);
        let scope = self.scope();
        scope.clause = before;
        scope.lateral_active = lateral_before;
        let query = query?;
        let mut columns = super::cte::columns_of(&query);
        rename_columns(&mut columns, &s.alias.columns, &s.alias.name)?;
        let name = s.alias.name.clone();
        let rel = self
            .add_rel(Rel { lateral: s.lateral, ..Rel::new(name.clone(), Source::Subquery(Box::new(query)), columns) });
        let item = self.table_item(rel, name, None);
        Ok((rel, item))
    }

    fn from_function(&mut self, f: &ast::RangeFunction) -> Result<(usize, NsItem)> {
        let scope = self.scope();
        let before = std::mem::replace(&mut scope.clause, Clause::FromFunction);
        // Functions in FROM may always refer to the items before them.
        let lateral_before = std::mem::replace(&mut scope.lateral_active, true);
        let set_before = scope.has_set_returning;
        let calls = self.function_items(f);
        let scope = self.scope();
        scope.clause = before;
        scope.lateral_active = lateral_before;
        scope.has_set_returning = set_before;
        let mut calls = calls?;
        let alias = f.alias.as_ref();
        if let ([call], Some(a)) = (&mut calls[..], alias)
            && !call.gives_rows()
            && f.coldefs.is_empty()
            && out_columns(call.func, &call.args).is_none_or(|o| o.len() != 1)
            && let [only] = &mut call.columns[..]
        {
            only.name.clone_from(&a.name);
        }
        let mut columns: Vec<RelColumn> = calls.iter().flat_map(|c| c.columns.iter().cloned()).collect();
        if f.ordinality {
            columns.push(RelColumn { name: "ordinality".into(), ty: TypeRef::of(oid::INT8), dropped: false });
        }
        let name = match alias {
            Some(a) => a.name.clone(),
            None => f.functions.first().map_or("", |i| super::target::figure_name(&i.call)).to_owned(),
        };
        if let Some(a) = alias {
            rename_columns(&mut columns, &a.columns, &a.name)?;
        }
        let rel = self.add_rel(Rel {
            lateral: true,
            ..Rel::new(name.clone(), Source::Function { calls, ordinality: f.ordinality }, columns)
        });
        let item = self.table_item(rel, name, None);
        Ok((rel, item))
    }

    fn function_items(&mut self, f: &ast::RangeFunction) -> Result<Vec<FunctionItem>> {
        let mut out = Vec::new();
        for item in &f.functions {
            // `unnest(a, b)` in FROM is ROWS FROM (unnest(a), unnest(b)).
            if let ast::ExprKind::Func(call) = &item.call.kind
                && call.name.last().is_some_and(|n| n == "unnest")
                && call.args.len() > 1
                && !call.variadic
            {
                for arg in &call.args {
                    let name = vec!["pg_catalog".to_owned(), "unnest".to_owned()];
                    let one = ast::FuncCall::new(name, vec![arg.clone()]);
                    let e = ast::Expr::new(ast::ExprKind::Func(Box::new(one)), item.call.pos);
                    out.push(self.function_item(&e, &item.coldefs, item.call.pos)?);
                }
                continue;
            }
            let coldefs = if item.coldefs.is_empty() && f.functions.len() == 1 { &f.coldefs } else { &item.coldefs };
            out.push(self.function_item(&item.call, coldefs, item.call.pos)?);
        }
        Ok(out)
    }

    fn function_item(&mut self, call: &ast::Expr, coldefs: &[ast::FuncColumn], pos: Pos) -> Result<FunctionItem> {
        let mut bound = self.typed_expr(call)?;
        let mut written = None;
        if let ExprKind::Written { form: Form::Call { .. }, arg } = &bound.kind {
            let inside = (**arg).clone();
            written = Some(std::mem::replace(&mut bound, inside));
        }
        let name = super::target::figure_name(call).to_owned();
        let ty = bound.ty;
        let (func, args, scalar) = match bound.kind {
            ExprKind::SetReturning { func, args } => (func, args, None),
            ExprKind::Func { func, args, oper: None, variadic: false } => (func, args, None),
            _ => {
                let Some(any) = crate::sql::func::funcs_named("now").first() else {
                    return Err(Error::internal("the registry has no functions"));
                };
                (*any, Vec::new(), Some(bound))
            }
        };
        for e in args.iter().chain(&scalar) {
            let mut inside = None;
            e.walk(&mut |x| {
                if matches!(x.kind, ExprKind::SetReturning { .. }) {
                    inside = inside.or(Some(x.pos));
                }
                true
            });
            if let Some(p) = inside {
                let text = "set-returning functions must appear at top level of FROM";
                return Err(Error::unsupported(text).at(p.and_then(|p| self.at(p))));
            }
        }
        let composite = match ty.oid {
            oid::RECORD => match &scalar {
                None => out_columns(func, &args),
                Some(_) => None,
            },
            t if super::coerce::is_complex(types::base_type(t)) => {
                self.cx.io.hooks.composite(types::base_type(t)).map(|f| self.fields_known(types::base_type(t), f))
            }
            _ => None,
        };
        if !coldefs.is_empty() {
            if composite.is_some() && ty.oid == oid::RECORD {
                return Err(err!(
                    SYNTAX_ERROR,
                    "a column definition list is redundant for a function with OUT parameters"
                )
                .at(self.at(coldefs[0].pos)));
            }
            if ty.oid != oid::RECORD && composite.is_some() {
                return Err(err!(
                    SYNTAX_ERROR,
                    "a column definition list is redundant for a function returning a named composite type"
                )
                .at(self.at(coldefs[0].pos)));
            }
            if ty.oid != oid::RECORD {
                return Err(err!(
                    SYNTAX_ERROR,
                    "a column definition list is only allowed for functions returning \"record\""
                )
                .at(self.at(coldefs[0].pos)));
            }
            if scalar.is_some() {
                let text = "a column definition list for an expression that is no call is not supported";
                return Err(Error::unsupported(text).at(self.at(coldefs[0].pos)));
            }
            let columns = coldefs
                .iter()
                .map(|c| Ok(RelColumn { name: c.name.clone(), ty: self.type_ref(&c.typ)?, dropped: false }))
                .collect::<Result<_>>()?;
            return Ok(FunctionItem { func, args, ty, scalar, columns, defined: true, written });
        }
        let columns = match composite {
            Some(list) => list.into_iter().map(|(name, ty)| RelColumn { dropped: name.is_empty(), name, ty }).collect(),
            None if ty.oid == oid::RECORD => {
                return Err(err!(
                    SYNTAX_ERROR,
                    "a column definition list is required for functions returning \"record\""
                )
                .at(self.at(pos)));
            }
            None => {
                let name = match out_columns(func, &args) {
                    Some(o) if o.len() == 1 && scalar.is_none() => o[0].0.clone(),
                    _ => name,
                };
                vec![RelColumn { name, ty, dropped: false }]
            }
        };
        Ok(FunctionItem { func, args, ty, scalar, columns, defined: false, written })
    }

    fn join(&mut self, j: &ast::JoinExpr) -> Result<(FromNode, Vec<NsItem>)> {
        let kind = match j.kind {
            ast::JoinKind::Inner => JoinKind::Inner,
            ast::JoinKind::Left => JoinKind::Left,
            ast::JoinKind::Right => JoinKind::Right,
            ast::JoinKind::Full => JoinKind::Full,
        };
        let (left, left_items) = self.from_item(&j.left)?;
        // LATERAL items on the right may refer to the left.
        let mark = self.scope().items.len();
        let ok = matches!(kind, JoinKind::Inner | JoinKind::Left);
        let lateral = left_items.iter().cloned().map(|i| NsItem { lateral_only: true, lateral_ok: ok, ..i });
        self.scope().items.extend(lateral);
        let right = self.from_item(&j.right);
        self.scope().items.truncate(mark);
        let (right, right_items) = right?;
        for r in &right_items {
            no_clash(&left_items, r)?;
        }
        let named: Option<Vec<String>> = if j.natural {
            let right_names: Vec<&String> = visible_columns(&right_items).map(|c| &c.name).collect();
            Some(
                visible_columns(&left_items)
                    .filter(|c| right_names.contains(&&c.name))
                    .map(|c| c.name.clone())
                    .collect(),
            )
        } else {
            match &j.condition {
                ast::JoinCondition::Using { columns, .. } => Some(columns.clone()),
                _ => None,
            }
        };
        let mut items: Vec<NsItem> = left_items.iter().chain(&right_items).cloned().collect();
        let mut on = None;
        let mut merged_item = None;
        let mut written = JoinWritten { alias: j.alias.clone(), ..JoinWritten::default() };
        if let Some(names) = named {
            let (condition, merged) = self.merge_columns(kind, &names, &left_items, &right_items, j.pos)?;
            on = condition;
            let rest = |list: &[NsItem]| -> Vec<NsColumn> {
                visible_columns(list).filter(|c| !names.contains(&c.name)).cloned().collect()
            };
            if let ast::JoinCondition::Using { alias: Some(a), .. } = &j.condition {
                let merged = unnamed(merged.clone());
                let shared = NsItem { name: Some(a.name.clone()), rel_visible: true, columns_visible: false, ..merged };
                no_clash(&items, &shared)?;
                items.push(shared);
                written.using_alias = Some(a.name.clone());
            }
            written.using = merged.iter().map(|c| (c.name.clone(), c.expr.clone())).collect();
            let columns = merged.into_iter().chain(rest(&left_items)).chain(rest(&right_items)).collect();
            for i in &mut items {
                i.columns_visible = false;
                i.system_visible = false;
            }
            merged_item = Some(unnamed(columns));
        }
        if let ast::JoinCondition::On(e) = &j.condition {
            // Only the join's own sides, and outer queries, are visible to ON.
            let outside: Vec<NsItem> = std::mem::take(&mut self.scope().items);
            self.scope().items.clone_from(&items);
            let lateral = outside.iter().cloned();
            self.scope().items.extend(lateral);
            let bound = self.condition(e, Clause::JoinOn);
            self.scope().items = outside;
            on = Some(bound?);
        }
        if let Some(a) = &j.alias {
            let mut columns: Vec<NsColumn> = match merged_item {
                Some(m) => m.columns,
                None => visible_columns(&items).cloned().collect(),
            };
            if a.columns.len() > columns.len() {
                return Err(err!(
                    INVALID_COLUMN_REFERENCE,
                    "join expression \"{}\" has {} columns available but {} columns specified",
                    a.name,
                    columns.len(),
                    a.columns.len()
                ));
            }
            for (c, n) in columns.iter_mut().zip(&a.columns) {
                c.name.clone_from(n);
            }
            items = vec![NsItem { name: Some(a.name.clone()), rel_visible: true, ..unnamed(columns) }];
        } else if let Some(m) = merged_item {
            items.push(m);
        }
        for i in &mut items {
            i.system_visible = false;
        }
        Ok((FromNode::Join(Box::new(JoinNode { kind, left, right, on, written })), items))
    }

    /// The equalities and the merged columns of USING and NATURAL.
    fn merge_columns(
        &mut self,
        kind: JoinKind,
        names: &[String],
        left: &[NsItem],
        right: &[NsItem],
        pos: Pos,
    ) -> Result<(Option<Expr>, Vec<NsColumn>)> {
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(err!(DUPLICATE_COLUMN, "column name \"{name}\" appears more than once in USING clause"));
            }
            let l = self.using_column(name, left, "left")?;
            let r = self.using_column(name, right, "right")?;
            let ty = self.common_type(&[&l.expr, &r.expr], Some("JOIN/USING"))?.unwrap_or(l.expr.ty.oid);
            conditions.push(self.make_op(None, "=", Some(l.expr.clone()), r.expr.clone(), pos)?);
            let typmod = super::coerce::common_typmod([&l.expr, &r.expr].into_iter(), ty);
            let (origin, lt, rt) = (l.origin, l.expr.ty.oid, r.expr.ty.oid);
            let l = self.to_common(l.expr, ty, "JOIN/USING")?;
            let r = self.to_common(r.expr, ty, "JOIN/USING")?;
            let expr = match kind {
                JoinKind::Right => r,
                JoinKind::Full => Expr::new(ExprKind::Coalesce(vec![l, r]), TypeRef::with(ty, typmod)),
                // An inner join may use either; the one that needs no conversion is simpler.
                JoinKind::Inner if lt != ty && rt == ty => r,
                _ => l,
            };
            let origin = if matches!(kind, JoinKind::Full) { None } else { origin };
            merged.push(NsColumn { name: name.clone(), expr, origin, hidden: false, lost: false });
        }
        let on = match conditions.len() {
            0 => None,
            _ => Some(super::expr::join_conditions(conditions, false)),
        };
        Ok((on, merged))
    }

    fn using_column(&mut self, name: &str, items: &[NsItem], side: &str) -> Result<NsColumn> {
        let mut found = visible_columns(items).filter(|c| c.name == name);
        let Some(c) = found.next() else {
            return Err(err!(
                UNDEFINED_COLUMN,
                "column \"{name}\" specified in USING clause does not exist in {side} table"
            ));
        };
        if found.next().is_some() {
            return Err(err!(AMBIGUOUS_COLUMN, "common column name \"{name}\" appears more than once in {side} table"));
        }
        c.check_there()?;
        Ok(c.clone())
    }
}

/// Two things of one name in the same FROM.
fn no_clash(there: &[NsItem], new: &NsItem) -> Result<()> {
    let clash = |o: &NsItem| {
        o.rel_visible
            && new.rel_visible
            && o.name.is_some()
            && o.name == new.name
            && (o.schema == new.schema || o.schema.is_none() || new.schema.is_none())
    };
    match there.iter().find(|o| clash(o)) {
        Some(o) => {
            let name = o.name.as_deref().unwrap_or("");
            Err(err!(DUPLICATE_ALIAS, "table name \"{name}\" specified more than once"))
        }
        None => Ok(()),
    }
}

fn unnamed(columns: Vec<NsColumn>) -> NsItem {
    NsItem {
        name: None,
        schema: None,
        columns,
        rel: None,
        rel_visible: false,
        columns_visible: true,
        system_visible: true,
        lateral_only: false,
        lateral_ok: true,
    }
}

fn visible_columns(items: &[NsItem]) -> impl Iterator<Item = &NsColumn> {
    items.iter().filter(|i| i.columns_visible).flat_map(|i| &i.columns)
}
