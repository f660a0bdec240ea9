//! Select lists: expansion of `*`, output names.

use super::scope::Clause;
use super::{Binder, Target};
use crate::base::{Oid, Result};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind};

impl Binder<'_, '_> {
    /// A select list or RETURNING; `unknown` stays (set operations unify it), the caller resolves it otherwise.
    pub(super) fn targets(&mut self, list: &[ast::Target], clause: Clause) -> Result<Vec<Target>> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let out = self.target_list(list);
        self.scope().clause = before;
        out
    }

    fn target_list(&mut self, list: &[ast::Target]) -> Result<Vec<Target>> {
        let mut out = Vec::with_capacity(list.len());
        for t in list {
            match &t.expr.kind {
                ast::ExprKind::Column { parts, star: true } => out.extend(self.expand_star(parts, t.expr.pos)?),
                ast::ExprKind::Indirection { arg, path } if matches!(path.last(), Some(ast::Indirection::Star)) => {
                    out.extend(self.expand_fields(arg, &path[..path.len() - 1], t.expr.pos)?);
                }
                _ => {
                    let expr = self.expr(&t.expr)?;
                    let name = t.name.clone().unwrap_or_else(|| figure_name(&t.expr).to_owned());
                    let origin = self.origin(&expr);
                    out.push(Target { name, expr, junk: false, origin });
                }
            }
        }
        if out.len() > 1664 {
            return Err(err!(TOO_MANY_COLUMNS, "target lists can have at most 1664 entries"));
        }
        Ok(out)
    }

    /// The table column a plain reference of this level means.
    fn origin(&self, e: &Expr) -> Option<(Oid, i16)> {
        let ExprKind::Var { rel, attno, levels_up } = e.kind else { return None };
        let scope = &self.scopes[self.scopes.len().checked_sub(1 + levels_up)?];
        let entry = scope.rels.get(rel)?;
        match &entry.source {
            _ if entry.relation().is_some() => entry.relation().map(|rel| (rel.oid, attno)),
            super::Source::Subquery(q) => q.output().nth(usize::try_from(attno).ok()?.checked_sub(1)?)?.origin,
            super::Source::Cte { index, levels_up: up } => {
                let n = self.scopes.len().checked_sub(1 + levels_up + up)?;
                let cte = self.scopes[n].ctes.get(*index)?;
                cte.query.output().nth(usize::try_from(attno).ok()?.checked_sub(1)?)?.origin
            }
            _ => None,
        }
    }

    /// `*`, `t.*`, `s.t.*`.
    pub(super) fn expand_star(&mut self, parts: &[String], pos: Pos) -> Result<Vec<Target>> {
        let at = match parts {
            [] => {
                let scope = self.scope();
                let mut out = Vec::new();
                let mut any = false;
                for item in scope.items.iter().filter(|i| i.columns_visible && !i.lateral_only) {
                    any = true;
                    for c in item.columns.iter().filter(|c| !c.hidden) {
                        c.check_there()?;
                        out.push(Target { name: c.name.clone(), expr: c.expr.clone(), junk: false, origin: c.origin });
                    }
                }
                if !any {
                    return Err(err!(SYNTAX_ERROR, "SELECT * with no tables specified is not valid").at(self.at(pos)));
                }
                for t in &mut out {
                    t.expr.pos = Some(pos);
                }
                return Ok(out);
            }
            _ if self.is_variable_row(parts, pos)? => {
                let fields = self.cx.names.variable_fields(parts).unwrap_or_default();
                let target = |(name, expr): (String, Expr)| Target {
                    name,
                    expr: Expr { pos: Some(pos), ..expr },
                    junk: false,
                    origin: None,
                };
                return Ok(fields.into_iter().map(target).collect());
            }
            [t] => self.item(None, t, pos)?.ok_or_else(|| self.missing_table(t, pos))?,
            [s, t] => self.item(Some(s), t, pos)?.ok_or_else(|| self.missing_table(t, pos))?,
            [_, s, t] => self.item(Some(s), t, pos)?.ok_or_else(|| self.missing_table(t, pos))?,
            _ => {
                return Err(err!(SYNTAX_ERROR, "improper qualified name (too many dotted names): {}", parts.join("."))
                    .at(self.at(pos)));
            }
        };
        let levels = self.scopes.len() - 1 - at.0;
        let item = &self.scopes[at.0].items[at.1];
        item.columns
            .iter()
            .filter(|c| !c.hidden)
            .map(|c| {
                c.check_there()?;
                let mut expr = c.expr.clone();
                super::scope::raise_levels(&mut expr, levels);
                expr.pos = Some(pos);
                Ok(Target { name: c.name.clone(), expr, junk: false, origin: c.origin })
            })
            .collect()
    }

    /// No table, but a variable with fields has this name.
    fn is_variable_row(&mut self, parts: &[String], pos: Pos) -> Result<bool> {
        let table = match parts {
            [t] => self.item(None, t, pos)?,
            [s, t] => self.item(Some(s), t, pos)?,
            _ => return Ok(false),
        };
        Ok(table.is_none() && self.cx.names.variable_fields(parts).is_some())
    }

    /// `(expression).*`
    pub(super) fn expand_fields(
        &mut self,
        arg: &ast::Expr,
        path: &[ast::Indirection],
        pos: Pos,
    ) -> Result<Vec<Target>> {
        let value = if path.is_empty() { self.expr(arg)? } else { self.indirection(arg, path, pos)? };
        let ty = crate::types::base_type(value.ty.oid);
        if !super::coerce::is_complex(ty) {
            let shown = self.type_name(value.ty.oid);
            return Err(err!(WRONG_OBJECT_TYPE, "type {shown} is not composite"));
        }
        let Some(fields) = self.fields_of(&value) else {
            return Err(err!(WRONG_OBJECT_TYPE, "record type has not been registered"));
        };
        Ok(fields
            .into_iter()
            .enumerate()
            .filter(|(_, (name, _))| !name.is_empty())
            .map(|(i, (name, ty))| {
                let expr = match &value.kind {
                    ExprKind::Row { fields, .. } => fields[i].clone(),
                    _ => self.field_at(value.clone(), i, ty),
                };
                Target { name, expr, junk: false, origin: None }
            })
            .collect())
    }
}

/// PostgreSQL 15, parse_target.c, FigureColname.
pub(super) fn figure_name(e: &ast::Expr) -> &str {
    figure(e).map_or("?column?", |(name, _)| name)
}

/// What an index's column over an expression is called, if it has something to be called after.
pub fn index_column_name(e: &ast::Expr) -> Option<&str> {
    figure(e).map(|(name, _)| name)
}

/// The name, and whether it is a good one (a cast's type name is only second best).
fn figure(e: &ast::Expr) -> Option<(&str, bool)> {
    use ast::ExprKind as K;
    match &e.kind {
        K::Column { parts, .. } => parts.last().map(|p| (p.as_str(), true)),
        K::Indirection { arg, path } => {
            let field = path.iter().rev().find_map(|p| match p {
                ast::Indirection::Field(n) => Some(n.as_str()),
                _ => None,
            });
            match field {
                Some(f) => Some((f, true)),
                None => figure(arg),
            }
        }
        K::Func(call) => call.name.last().map(|n| (n.as_str(), true)),
        K::NullIf { .. } => Some(("nullif", true)),
        K::Cast { arg, typ } => match figure(arg) {
            Some((name, true)) => Some((name, true)),
            _ => typ.names.last().map(|n| (n.as_str(), false)),
        },
        K::Collate { arg, .. } => figure(arg),
        K::Grouping(_) => Some(("grouping", true)),
        K::SubLink(link) => match &link.kind {
            ast::SubLinkKind::Exists => Some(("exists", true)),
            ast::SubLinkKind::Array => Some(("array", true)),
            ast::SubLinkKind::Scalar => Some((first_column(&link.query)?, true)),
            _ => None,
        },
        K::Case(c) => {
            let inner = c.default.as_ref().and_then(figure);
            Some(match inner {
                Some((name, true)) => (name, true),
                _ => ("case", false),
            })
        }
        K::Array(_) => Some(("array", true)),
        K::Row { explicit: true, .. } => Some(("row", true)),
        K::Row { .. } => Some(("row", true)),
        K::Coalesce(_) => Some(("coalesce", true)),
        K::MinMax { greatest: true, .. } => Some(("greatest", true)),
        K::MinMax { .. } => Some(("least", true)),
        K::SqlValue { kind, .. } => Some((
            match kind {
                ast::SqlValue::CurrentDate => "current_date",
                ast::SqlValue::CurrentTime => "current_time",
                ast::SqlValue::CurrentTimestamp => "current_timestamp",
                ast::SqlValue::LocalTime => "localtime",
                ast::SqlValue::LocalTimestamp => "localtimestamp",
                ast::SqlValue::CurrentRole => "current_role",
                ast::SqlValue::CurrentUser => "current_user",
                ast::SqlValue::User => "user",
                ast::SqlValue::SessionUser => "session_user",
                ast::SqlValue::CurrentCatalog => "current_catalog",
                ast::SqlValue::CurrentSchema => "current_schema",
            },
            true,
        )),
        _ => None,
    }
}

/// What a query's first column is called.
fn first_column(query: &ast::SelectStmt) -> Option<&str> {
    match &query.body {
        ast::SelectBody::Select(core) => {
            core.targets.first().map(|t| t.name.as_deref().unwrap_or_else(|| figure_name(&t.expr)))
        }
        ast::SelectBody::SetOp(op) => first_column(&op.left),
        ast::SelectBody::Values(_) => Some("column1"),
    }
}
