//! The further checks that `plpgsql.extra_warnings` and `plpgsql.extra_errors` ask for, and the parameters that
//! `print_strict_params` shows. PostgreSQL 15, pl_handler.c and pl_exec.c: same rules.

use super::code::{Into, VarKind};
use super::expr::Source;
use super::frame::{Frame, Slot};
use crate::base::{Error, Flow, Report, Result, Severity, SqlState};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::types::{IoContext, TypeRef, Value, oid, text_out};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    ShadowedVariables,
    TooManyRows,
    StrictMultiAssignment,
}

impl Extra {
    fn name(self) -> &'static str {
        match self {
            Extra::ShadowedVariables => "shadowed_variables",
            Extra::TooManyRows => "too_many_rows",
            Extra::StrictMultiAssignment => "strict_multi_assignment",
        }
    }

    fn is_in(self, cx: &ExecContext, setting: &str) -> bool {
        let Some(list) = cx.fx.session.setting(setting) else { return false };
        let mut words = list.split(',').map(|w| w.trim().trim_matches('"').to_ascii_lowercase());
        words.any(|w| w == "all" || w == self.name())
    }

    /// How the session wants to be told; None: not at all.
    pub fn level(self, cx: &ExecContext) -> Option<Severity> {
        if self.is_in(cx, "plpgsql.extra_errors") {
            return Some(Severity::Error);
        }
        self.is_in(cx, "plpgsql.extra_warnings").then_some(Severity::Warning)
    }
}

/// Whether bodies compiled now show the parameters of statements with STRICT.
pub fn prints_strict(cx: &ExecContext) -> bool {
    let value = cx.fx.session.setting("plpgsql.print_strict_params");
    value.is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "on" | "true" | "yes" | "1"))
}

/// An error, or a warning with the same words.
pub fn told(cx: &mut ExecContext, level: Severity, e: Error) -> Result<()> {
    if level == Severity::Error {
        return Err(e);
    }
    let context = cx.routines.context();
    let context = (!context.is_empty()).then_some(context);
    cx.notices.push(Report { severity: level, context, ..*e.0 });
    Ok(())
}

fn quoted(value: &Value, ty: TypeRef, io: &IoContext) -> Result<String> {
    if value.is_null() {
        return Ok("NULL".into());
    }
    let mut text = Vec::new();
    text_out(ty, value.datum(), &mut text, io)?;
    Ok(format!("'{}'", String::from_utf8_lossy(&text).replace('\'', "''")))
}

impl Frame {
    /// As many columns were found as the target has, or else that is told where it is asked for. A row that is not there
    /// has any number.
    pub(super) fn check_width(&mut self, cx: &mut ExecContext, target: usize, found: usize) -> Result<()> {
        let wanted = match &self.body.vars[target].kind {
            VarKind::Row(list) => list.len(),
            VarKind::Record(ty) => match super::frame::shape_of(cx, *ty) {
                Some(shape) => shape.types.len(),
                None => return Ok(()),
            },
            VarKind::Scalar(_) => return Ok(()),
        };
        if wanted == found {
            return Ok(());
        }
        let Some(level) = Extra::StrictMultiAssignment.level(cx) else { return Ok(()) };
        // Each column that lacks is told of, and those too many at once.
        for _ in 0..wanted.saturating_sub(found).max(1) {
            let setting = if level == Severity::Error { "extra_errors" } else { "extra_warnings" };
            let e = err!(DATATYPE_MISMATCH, "number of source and target fields in assignment does not match")
                .detail(format!("strict_multi_assignment check of {setting} is active."))
                .hint("Make sure the query returns the exact list of columns.");
            told(cx, level, e)?;
        }
        Ok(())
    }

    /// What STRICT says of a query of the body that found too few rows, or too many.
    pub(super) fn check_strict(
        &mut self,
        cx: &mut ExecContext,
        id: usize,
        into: &Into,
        (rows, read_only): (u64, bool),
    ) -> Flow<()> {
        let level = match rows {
            0 if into.strict => Severity::Error,
            0 | 1 => return Ok(()),
            _ if into.strict || !read_only => Severity::Error,
            _ => match Extra::TooManyRows.level(cx) {
                Some(level) => level,
                None => return Ok(()),
            },
        };
        let mut e = match rows {
            0 => Error::new(SqlState::NO_DATA_FOUND, "query returned no rows"),
            _ => Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row")
                .hint("Make sure the query returns a single row, or use LIMIT 1."),
        };
        if self.body.print_strict
            && let Some(detail) = self.shown_variables(cx, id)?
        {
            e = e.detail(detail);
        }
        Ok(told(cx, level, e)?)
    }

    /// The variables a query reads, in the order they are declared.
    fn shown_variables(&mut self, cx: &mut ExecContext, id: usize) -> Result<Option<String>> {
        let body = self.body.clone();
        let planned = body.exprs[id].planned(cx, &body, &self.slots)?;
        let mut sources = planned.sources.clone();
        let place = |s: &Source| match s {
            Source::Var(v) | Source::Row(v) => (*v, 0),
            Source::Field(v, n) => (*v, n + 1),
        };
        sources.sort_by_key(place);
        let io = cx.fx.io.clone();
        let mut shown = Vec::with_capacity(sources.len());
        for source in sources {
            let (var, part) = place(&source);
            let (name, value, ty) = match (&body.vars[var].kind, &self.slots[var]) {
                (VarKind::Scalar(ty), slot) => (body.vars[var].name.clone(), slot.scalar().clone(), *ty),
                (VarKind::Record(ty), Slot::Record(r)) => match part.checked_sub(1) {
                    None => (body.vars[var].name.clone(), r.pack(*ty), *ty),
                    Some(n) => {
                        let Some(shape) = r.shape.as_ref().filter(|s| n < s.names.len()) else { continue };
                        let value = r.values.get(n).cloned().unwrap_or(Value::Null);
                        (shape.names[n].clone(), value, shape.types[n])
                    }
                },
                _ => continue,
            };
            shown.push(format!("{name} = {}", quoted(&value, ty, &io)?));
        }
        Ok((!shown.is_empty()).then(|| format!("parameters: {}", shown.join(", "))))
    }

    /// What STRICT says of EXECUTE.
    pub(super) fn strict_error(
        &self,
        cx: &ExecContext,
        rows: u64,
        params: &[Value],
        types: &[TypeRef],
    ) -> Result<Error> {
        let e = match rows {
            0 => Error::new(SqlState::NO_DATA_FOUND, "query returned no rows"),
            _ => Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row"),
        };
        if !self.body.print_strict || params.is_empty() {
            return Ok(e);
        }
        let mut shown = Vec::with_capacity(params.len());
        for (n, value) in params.iter().enumerate() {
            let ty = types.get(n).copied().unwrap_or(TypeRef::of(oid::TEXT));
            shown.push(format!("${} = {}", n + 1, quoted(value, ty, &cx.fx.io)?));
        }
        Ok(e.detail(format!("parameters: {}", shown.join(", "))))
    }
}
