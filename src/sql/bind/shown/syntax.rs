//! Calls with a syntax of SQL's own: PostgreSQL 15, ruleutils.c, get_func_sql_syntax.

use super::Writer;
use super::parens::{Parent, cast_arg};
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::types::Value;
use crate::types::name::quote_identifier;

/// A word given as a constant text.
fn word(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Const(Value::Bytes(b)) => Some(String::from_utf8_lossy(b).into_owned()),
        _ => None,
    }
}

/// Looks like a function (ruleutils.c, looks_like_function).
pub(super) fn is_call(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Written { form, .. } => !matches!(form, Form::Collate(..) | Form::Cast),
        ExprKind::Func { oper, .. } => oper.is_none() && cast_arg(e).is_none(),
        ExprKind::Coalesce(_) | ExprKind::NullIf { .. } | ExprKind::Greatest(_) | ExprKind::Least(_) => true,
        ExprKind::SetReturning { .. } | ExprKind::Aggregate(_) | ExprKind::Window(_) => true,
        _ => false,
    }
}

impl<'q> Writer<'_, 'q> {
    /// Some(None): there is none for this function.
    pub(super) fn special(&mut self, name: &str, args: &'q [Expr]) -> Option<Option<()>> {
        match (name, args) {
            ("extract", [field, from]) => {
                self.put("EXTRACT(");
                let field = word(field)?;
                self.put(&quote_identifier(&field));
                self.put(" FROM ");
                self.bare(from)?;
                self.put(")");
            }
            ("timezone", [zone, at]) => self.in_parens(|w| {
                w.bare_inner(at)?;
                w.put(" AT TIME ZONE ");
                w.bare_inner(zone)
            })?,
            ("position", [text, needle]) => {
                self.put("POSITION(");
                self.in_parens(|w| w.bare(needle))?;
                self.put(" IN ");
                self.in_parens(|w| w.bare(text))?;
                self.put(")");
            }
            ("substring", [_, from]) if from.ty.oid == crate::types::oid::TEXT => return Some(None),
            ("substring", [text, from]) => self.words("SUBSTRING(", text, &[("FROM", from)])?,
            ("substring", [text, from, n]) if from.ty.oid == crate::types::oid::TEXT => {
                self.words("SUBSTRING(", text, &[("SIMILAR", from), ("ESCAPE", n)])?;
            }
            ("substring", [text, from, n]) => self.words("SUBSTRING(", text, &[("FROM", from), ("FOR", n)])?,
            ("overlay", [text, by, from]) => self.words("OVERLAY(", text, &[("PLACING", by), ("FROM", from)])?,
            ("overlay", [text, by, from, n]) => {
                self.words("OVERLAY(", text, &[("PLACING", by), ("FROM", from), ("FOR", n)])?;
            }
            ("btrim" | "ltrim" | "rtrim", [text, rest @ ..]) if rest.len() < 2 => {
                self.put(match name {
                    "btrim" => "TRIM(BOTH",
                    "ltrim" => "TRIM(LEADING",
                    _ => "TRIM(TRAILING",
                });
                if let [what] = rest {
                    self.put(" ");
                    self.bare(what)?;
                }
                self.put(" FROM ");
                self.bare(text)?;
                self.put(")");
            }
            ("pg_collation_for", [arg]) => {
                self.put("COLLATION FOR ");
                self.in_parens(|w| w.bare(arg))?;
            }
            ("overlaps", [a, b, c, d]) => self.in_parens(|w| {
                w.in_parens(|w| w.list([a, b], |w, e| w.bare(e)))?;
                w.put(" OVERLAPS ");
                w.in_parens(|w| w.list([c, d], |w, e| w.bare(e)))
            })?,
            ("normalize", [text, form @ ..]) if form.len() < 2 => {
                self.put("NORMALIZE(");
                self.bare(text)?;
                if let [form] = form {
                    let form = word(form)?;
                    self.put(&format!(", {form}"));
                }
                self.put(")");
            }
            ("is_normalized", [text, form @ ..]) if form.len() < 2 => self.in_parens(|w| {
                w.bare_inner(text)?;
                w.put(" IS");
                if let [form] = form {
                    let form = word(form)?;
                    w.put(&format!(" {form}"));
                }
                w.put(" NORMALIZED");
                Some(())
            })?,
            _ => return Some(None),
        }
        Some(Some(()))
    }

    fn bare_inner(&mut self, e: &'q Expr) -> Option<()> {
        self.inner(cast_arg(e).unwrap_or(e), Parent::Other)
    }

    fn words(&mut self, head: &str, first: &'q Expr, rest: &[(&str, &'q Expr)]) -> Option<()> {
        self.put(head);
        self.bare(first)?;
        for (word, e) in rest {
            self.put(&format!(" {word} "));
            self.bare(e)?;
        }
        self.put(")");
        Some(())
    }
}
