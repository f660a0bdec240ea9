//! Type conversion: which casts exist, and making them. PostgreSQL 15, parse_coerce.c: same rules.

use super::Binder;
use super::scope::Assigned;
use super::user_code;
use crate::base::{Oid, Result};
use crate::err;
use crate::sql::ast::Pos;
use crate::sql::expr::{Expr, ExprKind, Form};
use crate::sql::func::{self, CastContext, CastMethod, FuncDef};
use crate::types::{self, TypeRef, Value, base_type, info, oid};

/// How one type becomes another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    None,
    Relabel,
    Function(&'static FuncDef),
    Text,
    Array,
}

pub(super) fn category(ty: Oid) -> u8 {
    info(ty).map_or(b'U', |i| i.category)
}

pub(super) fn is_preferred(category_of: u8, ty: Oid) -> bool {
    info(ty).is_some_and(|i| i.category == category_of && i.preferred)
}

/// A composite type or record.
pub(super) fn is_complex(ty: Oid) -> bool {
    ty == oid::RECORD || info(ty).is_some_and(|i| i.kind == b'c')
}

pub(super) fn is_enum(ty: Oid) -> bool {
    info(ty).is_some_and(|i| i.kind == b'e')
}

fn is_range(ty: Oid) -> bool {
    info(ty).is_some_and(|i| i.kind == b'r')
}

pub(super) fn is_multirange(ty: Oid) -> bool {
    info(ty).is_some_and(|i| i.kind == b'm')
}

use super::generic::check_generic;
use crate::types::oid::{ANYCOMPATIBLEMULTIRANGE, ANYCOMPATIBLERANGE, ANYMULTIRANGE};

pub(super) use crate::sql::func::polymorphic::is_polymorphic;

/// True if a value of one type is a value of the other as it is.
pub(super) fn is_binary_coercible(source: Oid, target: Oid) -> bool {
    if source == target {
        return true;
    }
    if matches!(target, oid::ANY | oid::ANYELEMENT | oid::ANYCOMPATIBLE) {
        return true;
    }
    let base = base_type(source);
    if base == target {
        return true;
    }
    match target {
        oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => return types::element_type(base).is_some(),
        oid::ANYNONARRAY | oid::ANYCOMPATIBLENONARRAY => return types::element_type(base).is_none(),
        oid::ANYENUM => return is_enum(base),
        oid::ANYRANGE | ANYCOMPATIBLERANGE => return is_range(base),
        ANYMULTIRANGE | ANYCOMPATIBLEMULTIRANGE => return is_multirange(base),
        oid::RECORD => return is_complex(base),
        oid::RECORD_ARRAY => return types::element_type(base).is_some_and(is_complex),
        _ => {}
    }
    user_code::cast(base, target).is_some_and(|c| c.method == CastMethod::Binary && c.context == CastContext::Implicit)
}

/// PostgreSQL 15, parse_coerce.c, find_coercion_pathway.
pub(super) fn pathway(target: Oid, source: Oid, context: CastContext) -> Path {
    let (source, target) = (base_type(source), base_type(target));
    if source == target {
        return Path::Relabel;
    }
    if let Some(c) = user_code::cast(source, target) {
        if context < c.context {
            return Path::None;
        }
        return match c.method {
            CastMethod::Binary => Path::Relabel,
            CastMethod::InOut => Path::Text,
            CastMethod::Function => user_code::function(c.func).map_or(Path::None, Path::Function),
        };
    }
    if target != oid::OIDVECTOR
        && target != oid::INT2VECTOR
        && let (Some(t), Some(s)) = (types::element_type(target), types::element_type(source))
    {
        match pathway(t, s, context) {
            Path::None => {}
            Path::Text => return Path::Text,
            _ => return Path::Array,
        }
    }
    if context >= CastContext::Assignment && category(target) == b'S'
        || context >= CastContext::Explicit && category(source) == b'S'
    {
        // Pseudo-types have no text form worth the name, but for rows, strings of C and nothing.
        let has_text = |t| !info(t).is_some_and(|i| i.is_pseudo()) || t == oid::VOID || t == oid::CSTRING;
        // An array of any type brings its element's along.
        if (matches!(source, oid::RECORD | oid::RECORD_ARRAY | oid::ANYARRAY) || has_text(source)) && has_text(target) {
            return Path::Text;
        }
    }
    Path::None
}

/// PostgreSQL 15, parse_coerce.c, can_coerce_type.
pub(super) fn can_coerce(inputs: &[Oid], targets: &[Oid], context: CastContext) -> bool {
    let mut generic = false;
    for (&input, &target) in inputs.iter().zip(targets) {
        if input == target || target == oid::ANY {
            continue;
        }
        if is_polymorphic(target) {
            generic = true;
            continue;
        }
        // Nothing can be written down of type internal, not even NULL: it would reach code that trusts its callers.
        if input == oid::UNKNOWN && target != oid::INTERNAL {
            continue;
        }
        if !matches!(pathway(target, input, context), Path::None) {
            continue;
        }
        if input == oid::RECORD && is_complex(base_type(target))
            || target == oid::RECORD && is_complex(base_type(input))
        {
            continue;
        }
        if target == oid::RECORD_ARRAY && types::element_type(input).is_some_and(is_complex)
            || user_code::is_kin(base_type(input), target)
        {
            continue;
        }
        return false;
    }
    !generic || check_generic(inputs, targets)
}

/// PostgreSQL 15, parse_coerce.c, select_common_typmod.
pub(super) fn common_typmod<'e>(exprs: impl Iterator<Item = &'e Expr>, ty: Oid) -> i32 {
    let mut typmod = None;
    for e in exprs {
        if e.ty.oid != ty {
            return -1;
        }
        match typmod {
            None => typmod = Some(e.ty.typmod),
            Some(t) if t != e.ty.typmod => return -1,
            _ => {}
        }
    }
    typmod.unwrap_or(-1)
}

pub(super) fn int_const(n: i32) -> Expr {
    Expr::new(ExprKind::Const(Value::I32(n)), TypeRef::of(oid::INT4))
}

pub(super) fn bool_const(b: bool) -> Expr {
    Expr::new(ExprKind::Const(Value::Bool(b)), TypeRef::of(oid::BOOL))
}

fn relabel(expr: Expr, ty: TypeRef) -> Expr {
    let pos = expr.pos;
    Expr { kind: ExprKind::Relabel(Box::new(expr)), ty, pos }
}

impl Binder<'_, '_> {
    /// An unknown literal or parameter that nobody gave a type becomes text.
    pub(super) fn resolve_unknown(&mut self, expr: Expr) -> Result<Expr> {
        if expr.ty.oid != oid::UNKNOWN {
            return Ok(expr);
        }
        let pos = expr.pos.unwrap_or(crate::sql::ast::NOWHERE);
        self.coerce(expr, TypeRef::of(oid::TEXT), CastContext::Implicit, pos)
    }

    /// PostgreSQL 15, parse_coerce.c, coerce_type: the pathway is known to exist, but for errors of input functions.
    /// The result has the target's type; its typmod is applied by [`Binder::apply_typmod`].
    pub(super) fn coerce(&mut self, mut expr: Expr, target: TypeRef, context: CastContext, pos: Pos) -> Result<Expr> {
        let source = expr.ty.oid;
        if source == target.oid || is_polymorphic(target.oid) && target.oid != oid::ANYARRAY || target.oid == oid::ANY {
            return Ok(expr);
        }
        if target.oid == oid::ANYARRAY && source != oid::UNKNOWN {
            let base = base_type(source);
            return Ok(if base == source { expr } else { relabel(expr, TypeRef::of(base)) });
        }
        if source == oid::UNKNOWN {
            match expr.kind {
                ExprKind::Const(value) => return self.coerce_literal(value, target, context, expr.pos),
                ExprKind::Param(n) => {
                    let known = &mut self.cx.params[n];
                    // Also a domain: what is bound to it is read, and checked, as a value of the domain.
                    if known.oid == oid::UNKNOWN {
                        *known = TypeRef::of(target.oid);
                    } else if known.oid != target.oid {
                        let (a, b) = (known.oid, target.oid);
                        return Err(err!(AMBIGUOUS_PARAMETER, "inconsistent types deduced for parameter ${}", n + 1)
                            .detail(format!("{} versus {}", self.type_name(a), self.type_name(b)))
                            .at(self.at(expr.pos.unwrap_or(pos))));
                    }
                    expr.ty = TypeRef::of(target.oid);
                    return Ok(expr);
                }
                // `'1' COLLATE "C"`: the literal gets the type, and what has no collations loses the clause.
                ExprKind::Written { form: form @ Form::Collate(..), arg } => {
                    let clause = expr.pos;
                    let arg = self.coerce(*arg, target, context, pos)?;
                    return Ok(match info(arg.ty.oid).is_some_and(|i| i.collation.is_valid()) {
                        true => Expr { pos: clause, ..super::call::written(form, arg) },
                        false => arg,
                    });
                }
                _ => {
                    // An unknown output column of a sub-select.
                    let arg = Box::new(expr);
                    return Ok(Expr {
                        pos: arg.pos,
                        kind: ExprKind::IoCast { arg, explicit: context == CastContext::Explicit },
                        ty: TypeRef::of(target.oid),
                    });
                }
            }
        }
        let target_info = info(target.oid);
        let to_domain = target_info.is_some_and(|i| i.kind == b'd');
        let (base, base_typmod) = match target_info {
            Some(i) if i.kind == b'd' => (base_type(target.oid), types::domain_base(target).typmod),
            _ => (target.oid, -1),
        };
        let epos = expr.pos;
        let out = match pathway(target.oid, source, context) {
            Path::Relabel => {
                if base_type(source) == base && source == base {
                    expr
                } else {
                    relabel(expr, TypeRef::of(base))
                }
            }
            Path::Function(f) => {
                let typmod = if to_domain { base_typmod } else { target.typmod };
                // smallint to oid goes by int4, which is an oid in another guise.
                match user_code::cast(f.ret, base).is_some_and(|c| c.method == CastMethod::Binary) {
                    true => relabel(self.cast_call(f, expr, typmod, f.ret, context), TypeRef::of(base)),
                    false => self.cast_call(f, expr, typmod, base, context),
                }
            }
            Path::Text => Expr {
                kind: ExprKind::IoCast { arg: Box::new(expr), explicit: context == CastContext::Explicit },
                ty: TypeRef::of(base),
                pos: epos,
            },
            Path::Array => {
                let from = types::element_type(source).unwrap_or(oid::UNKNOWN);
                let to = types::element_type(base).unwrap_or(oid::UNKNOWN);
                let element = Expr::new(ExprKind::CaseOperand, TypeRef::of(from));
                let element = self.coerce(element, TypeRef::with(to, target.typmod), context, pos)?;
                let element = self.apply_typmod(element, target.typmod, context)?;
                Expr {
                    kind: ExprKind::ArrayCast { arg: Box::new(expr), element: Box::new(element) },
                    ty: TypeRef::with(base, target.typmod),
                    pos: epos,
                }
            }
            Path::None => return self.coerce_record(expr, target, context, pos),
        };
        if to_domain {
            let out = self.apply_typmod(out, base_typmod, context)?;
            let pos = out.pos;
            return Ok(Expr { kind: ExprKind::ToDomain(Box::new(out)), ty: TypeRef::of(target.oid), pos });
        }
        Ok(out)
    }

    /// A literal's value; names of objects are looked up where all names of the text are.
    fn literal_of(&self, ty: TypeRef, text: &str) -> Result<Value> {
        let number = text == "-" || text.bytes().all(|b| b.is_ascii_digit());
        let named = types::is_reg(ty.oid).then(|| self.cx.names.reg_in(ty.oid, text)).flatten();
        match named {
            Some(found) if !number => found.map(|oid| Value::U32(oid.0)),
            _ => types::text_in(ty, text, self.cx.io),
        }
    }

    fn coerce_literal(
        &mut self,
        value: Value,
        target: TypeRef,
        context: CastContext,
        pos: Option<u32>,
    ) -> Result<Expr> {
        let target_info = info(target.oid);
        let (base, base_typmod, domain) = match target_info {
            Some(i) if i.kind == b'd' => (base_type(target.oid), types::domain_base(target).typmod, true),
            _ => (target.oid, target.typmod, false),
        };
        // Only interval's input needs its modifier at once; all others get it by a length coercion afterwards.
        let typmod = if base == oid::INTERVAL { base_typmod } else { -1 };
        let ty = TypeRef::with(base, typmod);
        let value = match value {
            Value::Bytes(text) => {
                let text = std::str::from_utf8(&text).unwrap_or("");
                let value = self.literal_of(ty, text).map_err(|e| e.at(pos.and_then(|p| self.at(p))))?;
                super::literals::note(self.cx.text, pos, ty, &value);
                value
            }
            other => other,
        };
        let out = Expr { kind: ExprKind::Const(value), ty, pos };
        if domain {
            let out = self.apply_typmod(out, base_typmod, context)?;
            return Ok(Expr { kind: ExprKind::ToDomain(Box::new(out)), ty: TypeRef::of(target.oid), pos });
        }
        Ok(out)
    }

    /// Puts at hand which tables the table of a row type inherits from.
    pub(super) fn note_kin(&self, ty: Oid) {
        let row = base_type(ty);
        let table = |t: Oid| info(t).filter(|i| i.kind == b'c').map(|i| i.relation).filter(|r| r.is_valid());
        let Some(table) = table(row) else { return };
        user_code::note_kin(row, || {
            let mut found = Vec::new();
            let mut open = vec![table];
            while let Some(table) = open.pop() {
                let Some(rel) = self.cx.names.relation(table) else { continue };
                found.extend([rel.row_type, rel.of_type].into_iter().filter(|t| t.is_valid()));
                open.extend(&rel.lineage.parents);
            }
            found
        });
    }

    /// A call of a cast function, with the typmod and the explicit flag where it takes them.
    fn cast_call(&self, f: &'static FuncDef, arg: Expr, typmod: i32, ret: Oid, context: CastContext) -> Expr {
        let pos = arg.pos;
        let mut args = vec![arg];
        let mut typmod_applied = -1;
        if f.args.len() > 1 {
            args.push(int_const(typmod));
            typmod_applied = typmod;
        }
        if f.args.len() > 2 {
            args.push(bool_const(context == CastContext::Explicit));
        }
        Expr {
            kind: ExprKind::Func { func: f, oper: None, args, variadic: false },
            ty: TypeRef::with(ret, typmod_applied),
            pos,
        }
    }

    /// Record to composite and back.
    fn coerce_record(&mut self, expr: Expr, target: TypeRef, context: CastContext, pos: Pos) -> Result<Expr> {
        let source = expr.ty.oid;
        if target.oid == oid::RECORD && is_complex(base_type(source))
            || target.oid == oid::RECORD_ARRAY && types::element_type(source).is_some_and(is_complex)
        {
            return Ok(relabel(expr, target));
        }
        if user_code::is_kin(base_type(source), target.oid) {
            let pos = expr.pos;
            let func = &crate::sql::func::as_parent::AS_PARENT;
            let kind = ExprKind::Func { func, oper: None, args: vec![expr], variadic: false };
            return Ok(Expr { kind, ty: TypeRef::of(target.oid), pos });
        }
        let base = types::domain_base(target);
        if source == oid::RECORD && base.oid != target.oid && is_complex(base.oid) {
            let row = self.coerce_record(expr, base, context, pos)?;
            let at = row.pos;
            return Ok(Expr { kind: ExprKind::ToDomain(Box::new(row)), ty: TypeRef::of(target.oid), pos: at });
        }
        if is_complex(source) && is_complex(target.oid) && source == oid::RECORD {
            let Some(fields) = self.cx.io.hooks.composite(target.oid) else {
                return Err(self.cannot_cast(source, target.oid, pos));
            };
            let epos = expr.pos;
            let ExprKind::Row { fields: values, .. } = expr.kind else {
                return Err(self.cannot_cast(source, target.oid, pos));
            };
            if values.len() != fields.len() {
                let detail = if values.len() < fields.len() { "few" } else { "many" };
                return Err(self
                    .cannot_cast(source, target.oid, pos)
                    .detail(format!("Input has too {detail} columns.")));
            }
            let mut out = Vec::with_capacity(values.len());
            for (i, (v, f)) in values.into_iter().zip(&fields).enumerate() {
                let from = v.ty.oid;
                match self.coerce_to(v, f.typ, context, pos)? {
                    Some(v) => out.push(v),
                    None => {
                        return Err(self.cannot_cast(source, target.oid, pos).detail(format!(
                            "Cannot cast type {} to {} in column {}.",
                            self.type_name(from),
                            self.type_name(f.typ.oid),
                            i + 1
                        )));
                    }
                }
            }
            let names = fields.into_iter().map(|f| f.name).collect();
            return Ok(Expr { kind: ExprKind::Row { fields: out, names }, ty: TypeRef::of(target.oid), pos: epos });
        }
        Err(self.cannot_cast(source, target.oid, pos))
    }

    pub(super) fn cannot_cast(&self, source: Oid, target: Oid, pos: Pos) -> crate::base::Error {
        err!(CANNOT_COERCE, "cannot cast type {} to {}", self.type_name(source), self.type_name(target))
            .at(self.at(pos))
    }

    /// PostgreSQL 15, parse_coerce.c, coerce_type_typmod: applies a length to a value that has the type already.
    pub(super) fn apply_typmod(&mut self, expr: Expr, typmod: i32, context: CastContext) -> Result<Expr> {
        let ty = expr.ty.oid;
        if typmod < 0 {
            // A cast to the bare type says that the value may have any length from now on.
            let bare = context == CastContext::Explicit && expr.ty.typmod >= 0;
            return Ok(if bare { relabel(expr, TypeRef::of(ty)) } else { expr });
        }
        if expr.ty.typmod == typmod {
            return Ok(expr);
        }
        if let Some(c) = user_code::cast(ty, ty)
            && let Some(f) = func::func(c.func)
        {
            return Ok(self.cast_call(f, expr, typmod, ty, context));
        }
        if let Some(e) = types::element_type(ty)
            && user_code::cast(e, e).is_some()
        {
            let element = Expr::new(ExprKind::CaseOperand, TypeRef::of(e));
            let element = self.apply_typmod(element, typmod, context)?;
            let pos = expr.pos;
            return Ok(Expr {
                kind: ExprKind::ArrayCast { arg: Box::new(expr), element: Box::new(element) },
                ty: TypeRef::with(ty, typmod),
                pos,
            });
        }
        Ok(relabel(expr, TypeRef::with(ty, typmod)))
    }

    /// PostgreSQL 15, parse_coerce.c, coerce_to_target_type: None if there is no such cast.
    pub(super) fn coerce_to(
        &mut self,
        expr: Expr,
        target: TypeRef,
        context: CastContext,
        pos: Pos,
    ) -> Result<Option<Expr>> {
        self.note_kin(expr.ty.oid);
        if !can_coerce(&[expr.ty.oid], &[target.oid], context) {
            return Ok(None);
        }
        let expr = self.coerce(expr, target, context, pos)?;
        Ok(Some(self.apply_typmod(expr, target.typmod, context)?))
    }

    /// `expr::type`.
    pub(super) fn cast(&mut self, expr: Expr, target: TypeRef, pos: Pos) -> Result<Expr> {
        let from = expr.ty.oid;
        match self.coerce_to(expr, target, CastContext::Explicit, pos)? {
            Some(e) => Ok(e),
            None => Err(self.cannot_cast(from, target.oid, pos)),
        }
    }

    /// A condition; `clause` as the message names it (`WHERE`, `AND`, `JOIN/ON`).
    pub(super) fn to_boolean(&mut self, expr: Expr, clause: &str, pos: Pos) -> Result<Expr> {
        let from = expr.ty.oid;
        if from != oid::BOOL {
            return match self.coerce_to(expr, TypeRef::of(oid::BOOL), CastContext::Assignment, pos)? {
                Some(e) => self.no_set(e, clause, pos),
                None => Err(err!(
                    DATATYPE_MISMATCH,
                    "argument of {clause} must be type boolean, not type {}",
                    self.type_name(from)
                )
                .at(self.at(pos))),
            };
        }
        self.no_set(expr, clause, pos)
    }

    fn no_set(&mut self, expr: Expr, clause: &str, pos: Pos) -> Result<Expr> {
        if self.scope().has_set_returning && expr.any(&mut |e| matches!(e.kind, ExprKind::SetReturning { .. })) {
            return Err(err!(DATATYPE_MISMATCH, "argument of {clause} must not return a set").at(self.at(pos)));
        }
        Ok(expr)
    }

    /// LIMIT and OFFSET, array subscripts and the like.
    pub(super) fn to_type(&mut self, expr: Expr, target: Oid, clause: &str, pos: Pos) -> Result<Expr> {
        let from = expr.ty.oid;
        match self.coerce_to(expr, TypeRef::of(target), CastContext::Assignment, pos)? {
            Some(e) => self.no_set(e, clause, pos),
            None => Err(err!(
                DATATYPE_MISMATCH,
                "argument of {clause} must be type {}, not type {}",
                self.type_name(target),
                self.type_name(from)
            )
            .at(self.at(pos))),
        }
    }

    /// PostgreSQL 15, parse_coerce.c, select_common_type: `context` is the word of the message (`CASE`, `UNION`);
    /// None: a mismatch gives no type instead of an error.
    pub(super) fn common_type(&mut self, exprs: &[&Expr], context: Option<&str>) -> Result<Option<Oid>> {
        let mut best = oid::UNKNOWN;
        let mut all_same = true;
        if let Some(first) = exprs.first() {
            best = first.ty.oid;
            all_same = exprs.iter().all(|e| e.ty.oid == best);
            if all_same && best != oid::UNKNOWN {
                return Ok(Some(best));
            }
        }
        let _ = all_same;
        exprs.iter().for_each(|e| self.note_kin(e.ty.oid));
        best = base_type(best);
        for e in exprs.iter().skip(1) {
            let next = base_type(e.ty.oid);
            if next == oid::UNKNOWN || next == best {
                continue;
            }
            if best == oid::UNKNOWN {
                best = next;
            } else if category(next) != category(best) {
                return match context {
                    None => Ok(None),
                    Some(c) => Err(err!(
                        DATATYPE_MISMATCH,
                        "{c} types {} and {} cannot be matched",
                        self.type_name(best),
                        self.type_name(next)
                    )
                    .at(e.start().and_then(|p| self.at(p)))),
                };
            } else if !is_preferred(category(best), best)
                && can_coerce(&[best], &[next], CastContext::Implicit)
                && !can_coerce(&[next], &[best], CastContext::Implicit)
            {
                best = next;
            }
        }
        Ok(Some(if best == oid::UNKNOWN { oid::TEXT } else { best }))
    }

    /// PostgreSQL 15, parse_coerce.c, coerce_to_common_type.
    pub(super) fn to_common(&mut self, expr: Expr, target: Oid, context: &str) -> Result<Expr> {
        if expr.ty.oid == target {
            return Ok(expr);
        }
        let (from, pos) = (expr.ty.oid, expr.pos);
        if !can_coerce(&[from], &[target], CastContext::Implicit) {
            return Err(err!(
                CANNOT_COERCE,
                "{context} could not convert type {} to {}",
                self.type_name(from),
                self.type_name(target)
            )
            .at(pos.and_then(|p| self.at(p))));
        }
        let pos = pos.unwrap_or(crate::sql::ast::NOWHERE);
        self.coerce(expr, TypeRef::of(target), CastContext::Implicit, pos)
    }

    /// All expressions as one type, chosen among theirs.
    pub(super) fn unify(&mut self, exprs: Vec<Expr>, context: &str) -> Result<(Vec<Expr>, Oid)> {
        let refs: Vec<&Expr> = exprs.iter().collect();
        let ty = self.common_type(&refs, Some(context))?.unwrap_or(oid::TEXT);
        let exprs = exprs.into_iter().map(|e| self.to_common(e, ty, context)).collect::<Result<_>>()?;
        Ok((exprs, ty))
    }

    /// PostgreSQL 15, parse_target.c, transformAssignedExpr: the value for a column.
    pub(super) fn coerce_assignment(
        &mut self,
        expr: Expr,
        target: TypeRef,
        column: &str,
        pos: Pos,
        what: Assigned,
    ) -> Result<Expr> {
        let from = expr.ty.oid;
        match self.coerce_to(expr, target, CastContext::Assignment, pos)? {
            Some(e) => Ok(e),
            None => {
                let (part, kind) = match what {
                    Assigned::Column => ("column", ""),
                    Assigned::Subfield => ("subfield", ""),
                    Assigned::Default => ("column", "default "),
                };
                let shown = crate::types::format_type_plain(target.oid, &*self.cx.io.hooks);
                Err(err!(
                    DATATYPE_MISMATCH,
                    "{part} \"{column}\" is of type {shown} but {kind}expression is of type {}",
                    self.type_name(from)
                )
                .hint("You will need to rewrite or cast the expression.")
                .at(if what == Assigned::Default { None } else { self.at(pos) }))
            }
        }
    }

    /// A value for a variable or a result of this type; where no cast is known, perhaps by way of its text.
    pub(super) fn assignment(&mut self, value: Expr, to: TypeRef, by_text: bool) -> Result<Option<Expr>> {
        let pos = crate::sql::ast::NOWHERE;
        // PostgreSQL 15, pl_exec.c, get_cast_hashentry: a record has no casts of its own.
        let anonymous = by_text && value.ty.oid == oid::RECORD && to.oid != oid::RECORD;
        if !anonymous && let Some(e) = self.coerce_to(value.clone(), to, CastContext::Assignment, pos)? {
            return Ok(Some(e));
        }
        if !by_text {
            return Ok(None);
        }
        let (base, domain) = (base_type(to.oid), info(to.oid).is_some_and(|i| i.kind == b'd'));
        let ty = if domain { TypeRef::of(base) } else { to };
        let cast = Expr::new(ExprKind::IoCast { arg: Box::new(value), explicit: false }, ty);
        Ok(Some(if domain { Expr::new(ExprKind::ToDomain(Box::new(cast)), to) } else { cast }))
    }
}
