//! Windows and sort keys.

use super::Binder;
use super::scope::Clause;
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast;
use crate::sql::expr::{Expr, Frame, FrameBound, FrameExclude, FrameMode, SortKey, WindowSpec, WindowWritten};
use crate::types::{TypeRef, oid};

impl Binder<'_, '_> {
    /// The sort direction of an ORDER BY item over a bound expression.
    pub(super) fn sort_key(&mut self, s: &ast::SortBy, expr: Expr) -> Result<SortKey> {
        let expr = self.resolve_unknown(expr)?;
        let (desc, nulls_first) = self.direction(s)?;
        self.require_order(expr.ty.oid, Some(s.expr.start()))?;
        Ok(SortKey { expr, desc, nulls_first })
    }

    pub(super) fn direction(&mut self, s: &ast::SortBy) -> Result<(bool, bool)> {
        let desc = match &s.dir {
            ast::SortDir::Default | ast::SortDir::Asc => false,
            ast::SortDir::Desc => true,
            ast::SortDir::Using(op) => match op.name.as_str() {
                "<" => false,
                ">" => true,
                name => {
                    return Err(err!(WRONG_OBJECT_TYPE, "operator {name} is not a valid ordering operator")
                        .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                        .at(self.at(s.pos)));
                }
            },
        };
        let nulls_first = match s.nulls {
            ast::NullsOrder::Default => desc,
            ast::NullsOrder::First => true,
            ast::NullsOrder::Last => false,
        };
        Ok((desc, nulls_first))
    }

    fn in_clause<T>(&mut self, clause: Clause, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let out = f(self);
        self.scope().clause = before;
        out
    }

    fn named_window(&mut self, name: &str, pos: ast::Pos) -> Result<ast::WindowDef> {
        match self.scope().windows.iter().find(|(n, _)| n == name) {
            Some((_, w)) => Ok(w.clone()),
            None => Err(err!(UNDEFINED_OBJECT, "window \"{name}\" does not exist").at(self.at(pos))),
        }
    }

    /// PostgreSQL 15, parse_clause.c, transformWindowDefinitions, for one OVER.
    pub(super) fn window_spec(&mut self, over: &ast::WindowDef) -> Result<WindowSpec> {
        let def = match &over.name {
            // OVER name: exactly that window.
            Some(name) => self.named_window(name, over.pos)?,
            None => over.clone(),
        };
        let mut spec = self.resolve_window(&def, 0)?;
        spec.written.iter_mut().for_each(|w| w.name.clone_from(&over.name));
        Ok(spec)
    }

    fn resolve_window(&mut self, def: &ast::WindowDef, depth: usize) -> Result<WindowSpec> {
        if depth > 64 {
            return Err(err!(WINDOWING_ERROR, "window definitions refer to one another"));
        }
        let base = match &def.refname {
            Some(name) => {
                let base = self.named_window(name, def.pos)?;
                if !def.partition_by.is_empty() {
                    return Err(err!(WINDOWING_ERROR, "cannot override PARTITION BY clause of window \"{name}\"")
                        .at(self.at(def.pos)));
                }
                if !def.order_by.is_empty() && !base.order_by.is_empty() {
                    return Err(err!(WINDOWING_ERROR, "cannot override ORDER BY clause of window \"{name}\"")
                        .at(self.at(def.pos)));
                }
                if base.frame.is_some() {
                    let e = err!(WINDOWING_ERROR, "cannot copy window \"{name}\" because it has a frame clause")
                        .at(self.at(def.pos));
                    let plain = def.order_by.is_empty() && def.frame.is_none();
                    return Err(if plain { e.hint("Omit the parentheses in this OVER clause.") } else { e });
                }
                Some(self.resolve_window(&base, depth + 1)?)
            }
            None => None,
        };
        // In PostgreSQL's order, which decides whose error is the first (parse_clause.c, transformWindowDefinitions).
        let mut order_by = Vec::new();
        for s in &def.order_by {
            let bound = self.in_clause(Clause::WindowOrder, |b| b.typed_expr(&s.expr))?;
            order_by.push(self.sort_key(s, bound)?);
        }
        let mut partition_by = Vec::new();
        for e in &def.partition_by {
            let bound = self.in_clause(Clause::WindowPartition, |b| b.typed_expr(e))?;
            self.require_order(bound.ty.oid, bound.pos)?;
            partition_by.push(bound);
        }
        if let Some(b) = base {
            partition_by = b.partition_by;
            if order_by.is_empty() {
                order_by = b.order_by;
            }
        }
        let frame = self.frame(def.frame.as_ref(), &order_by, def.pos)?;
        let written = self.cx.names.keeps_written().then(|| {
            Box::new(WindowWritten {
                name: None,
                base: def.refname.clone(),
                own_order: !def.order_by.is_empty(),
                frame: def.frame.is_some(),
                between: def.frame.as_ref().is_some_and(|f| f.between),
            })
        });
        Ok(WindowSpec { partition_by, order_by, frame, written })
    }

    fn frame(&mut self, frame: Option<&ast::Frame>, order_by: &[SortKey], pos: ast::Pos) -> Result<Frame> {
        let Some(f) = frame else {
            return Ok(Frame {
                mode: FrameMode::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
                exclude: FrameExclude::NoOthers,
            });
        };
        let mode = match f.mode {
            ast::FrameMode::Rows => FrameMode::Rows,
            ast::FrameMode::Range => FrameMode::Range,
            ast::FrameMode::Groups => FrameMode::Groups,
        };
        let fail = |this: &Self, text: &str| Err(err!(WINDOWING_ERROR, "{text}").at(this.at(pos)));
        if mode == FrameMode::Groups && order_by.is_empty() {
            return fail(self, "GROUPS mode requires an ORDER BY clause");
        }
        let start = self.bound(&f.start, mode, order_by, pos)?;
        let end = if f.between { self.bound(&f.end, mode, order_by, pos)? } else { FrameBound::CurrentRow };
        match (&start, &end) {
            (FrameBound::UnboundedFollowing, _) => return fail(self, "frame start cannot be UNBOUNDED FOLLOWING"),
            (_, FrameBound::UnboundedPreceding) => return fail(self, "frame end cannot be UNBOUNDED PRECEDING"),
            (FrameBound::CurrentRow, FrameBound::Preceding(_)) => {
                return fail(self, "frame starting from current row cannot have preceding rows");
            }
            (FrameBound::Following(_), FrameBound::CurrentRow) if !f.between => {
                return fail(self, "frame starting from following row cannot end with current row");
            }
            (FrameBound::Following(_), FrameBound::Preceding(_) | FrameBound::CurrentRow) => {
                return fail(
                    self,
                    if matches!(end, FrameBound::CurrentRow) {
                        "frame starting from following row cannot end with current row"
                    } else {
                        "frame starting from following row cannot have preceding rows"
                    },
                );
            }
            _ => {}
        }
        let exclude = match f.exclude {
            ast::FrameExclude::NoOthers => FrameExclude::NoOthers,
            ast::FrameExclude::CurrentRow => FrameExclude::CurrentRow,
            ast::FrameExclude::Group => FrameExclude::Group,
            ast::FrameExclude::Ties => FrameExclude::Ties,
        };
        Ok(Frame { mode, start, end, exclude })
    }

    fn bound(
        &mut self,
        b: &ast::FrameBound,
        mode: FrameMode,
        order_by: &[SortKey],
        pos: ast::Pos,
    ) -> Result<FrameBound> {
        Ok(match b {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(e) => FrameBound::Preceding(self.frame_offset(e, mode, order_by, pos)?),
            ast::FrameBound::Following(e) => FrameBound::Following(self.frame_offset(e, mode, order_by, pos)?),
        })
    }

    fn frame_offset(&mut self, e: &ast::Expr, mode: FrameMode, order_by: &[SortKey], pos: ast::Pos) -> Result<Expr> {
        let (word, clause) = match mode {
            FrameMode::Rows => ("ROWS", "window ROWS"),
            FrameMode::Groups => ("GROUPS", "window GROUPS"),
            FrameMode::Range => ("RANGE", "window RANGE"),
        };
        let bound = self.in_clause(Clause::WindowFrame(clause), |b| b.expr(e))?;
        let alone = mode != FrameMode::Range || order_by.len() == 1;
        if alone && let Some(at) = super::scope::variable(&bound) {
            return Err(err!(INVALID_COLUMN_REFERENCE, "argument of {word} must not contain variables").at(self.at(at)));
        }
        if mode != FrameMode::Range {
            return self.to_type(bound, oid::INT8, word, e.start());
        }
        let [key] = order_by else {
            return Err(err!(
                WINDOWING_ERROR,
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"
            )
            .at(self.at(pos)));
        };
        // The offset is what can be added to the column (PostgreSQL: in_range support functions).
        let target = match key.expr.ty.oid {
            t @ (oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC) => match bound.ty.oid {
                oid::UNKNOWN => t,
                b @ (oid::INT2 | oid::INT4 | oid::INT8) if t != oid::NUMERIC => b,
                _ => t,
            },
            oid::FLOAT4 | oid::FLOAT8 => oid::FLOAT8,
            oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL => oid::INTERVAL,
            t => {
                return Err(err!(
                    FEATURE_NOT_SUPPORTED,
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}",
                    // Ordered as texts they are.
                    self.type_name(if t == oid::VARCHAR { oid::TEXT } else { t })
                )
                .at(self.at(e.start())));
            }
        };
        let from = bound.ty.oid;
        match self.coerce_to(bound, TypeRef::of(target), crate::sql::func::CastContext::Implicit, e.start())? {
            Some(b) => Ok(b),
            None => Err(err!(
                FEATURE_NOT_SUPPORTED,
                "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {} and offset type {}",
                self.type_name(key.expr.ty.oid),
                self.type_name(from)
            )
            .hint("Cast the offset value to an appropriate type.")
            .at(self.at(e.start()))),
        }
    }

    /// The WINDOW clause: names must be new; the definitions are bound where they are used, and here once for errors.
    pub(super) fn windows(&mut self, list: &[ast::WindowDef]) -> Result<()> {
        for w in list {
            let Some(name) = &w.name else { return Err(Error::internal("a window without a name")) };
            if self.scope().windows.iter().any(|(n, _)| n == name) {
                return Err(err!(WINDOWING_ERROR, "window \"{name}\" is already defined").at(self.at(w.pos)));
            }
            let def = ast::WindowDef { name: None, ..w.clone() };
            self.scope().windows.push((name.clone(), def.clone()));
            let spec = self.resolve_window(&def, 0)?;
            let exprs = spec.partition_by.iter().chain(spec.order_by.iter().map(|k| &k.expr)).cloned();
            let exprs: Vec<Expr> = exprs.collect();
            self.scope().window_exprs.extend(exprs);
            if self.cx.names.keeps_written() {
                self.scope().windows_written.push((name.clone(), spec));
            }
        }
        Ok(())
    }
}
