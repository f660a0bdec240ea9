//! Which function or operator a call means: PostgreSQL 15, parse_func.c and parse_oper.c, chapter 10's rules.

use super::coerce::{Path, can_coerce, category, is_binary_coercible, is_complex, is_preferred, pathway};
use super::{Binder, user_code};
use crate::base::{Oid, Result};
use crate::err;
use crate::sql::ast::Pos;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, CastContext, FuncDef, OperDef};
use crate::types::{self, TypeRef, base_type, oid};
use std::cmp::Ordering;

/// A candidate of an overload: the argument types as this call uses them.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    pub what: T,
    pub args: Vec<Oid>,
    /// For each parameter the position of the call's argument, None: the default.
    pub order: Option<Vec<Option<usize>>>,
    /// The last arguments were gathered into the variadic array.
    pub spread: bool,
    /// Another takes the same arguments, and nothing tells them apart.
    pub twice: bool,
}

/// What a function name with arguments turned out to be.
pub(super) enum Resolved {
    Function(Candidate<&'static FuncDef>),
    /// `int4(x)`: a cast.
    Cast(TypeRef),
}

/// PostgreSQL 15, parse_func.c, func_select_candidate: the index of the best candidate, None if there is no best.
fn select<T: Clone>(input: &[Oid], mut list: Vec<Candidate<T>>) -> Option<Candidate<T>> {
    let bases: Vec<Oid> = input.iter().map(|&t| if t == oid::UNKNOWN { t } else { base_type(t) }).collect();
    let unknowns = bases.iter().filter(|t| **t == oid::UNKNOWN).count();
    keep_best(&mut list, |c| c.args.iter().zip(&bases).filter(|(a, b)| **b != oid::UNKNOWN && a == b).count());
    if list.len() == 1 {
        return list.pop();
    }
    let categories: Vec<u8> = bases.iter().map(|&t| category(t)).collect();
    keep_best(&mut list, |c| {
        c.args
            .iter()
            .enumerate()
            .filter(|&(i, a)| bases[i] != oid::UNKNOWN && (*a == bases[i] || is_preferred(categories[i], *a)))
            .count()
    });
    if list.len() == 1 {
        return list.pop();
    }
    if unknowns == 0 {
        return None;
    }
    if let Some(best) = select_by_category(&bases, &mut list) {
        return Some(best);
    }
    // All known arguments of one type: try it for the unknown ones, too.
    if unknowns < bases.len() {
        let mut known = None;
        for &t in bases.iter().filter(|t| **t != oid::UNKNOWN) {
            match known {
                None => known = Some(t),
                Some(k) if k != t => return None,
                _ => {}
            }
        }
        let assumed = vec![known?; bases.len()];
        let mut fit = list.into_iter().filter(|c| can_coerce(&assumed, &c.args, CastContext::Implicit));
        let one = fit.next();
        return if fit.next().is_some() { None } else { one };
    }
    None
}

fn select_by_category<T: Clone>(bases: &[Oid], list: &mut Vec<Candidate<T>>) -> Option<Candidate<T>> {
    let mut slots: Vec<Option<(u8, bool)>> = vec![None; bases.len()];
    for i in (0..bases.len()).filter(|&i| bases[i] == oid::UNKNOWN) {
        let (mut cat, mut preferred, mut conflict) = (None, false, false);
        for c in list.iter() {
            let this = category(c.args[i]);
            let pref = types::info(c.args[i]).is_some_and(|t| t.preferred);
            match cat {
                None => (cat, preferred) = (Some(this), pref),
                Some(k) if k == this => preferred |= pref,
                Some(_) if this == b'S' => (cat, preferred) = (Some(this), pref),
                Some(_) => conflict = true,
            }
        }
        if conflict && cat != Some(b'S') {
            return None;
        }
        slots[i] = Some((cat?, preferred));
    }
    let fits = |c: &Candidate<T>| {
        slots.iter().enumerate().all(|(i, slot)| match slot {
            None => true,
            Some((cat, preferred)) => {
                category(c.args[i]) == *cat && (!preferred || types::info(c.args[i]).is_some_and(|t| t.preferred))
            }
        })
    };
    let kept: Vec<Candidate<T>> = list.iter().filter(|c| fits(c)).cloned().collect();
    match kept.len() {
        0 => None,
        1 => kept.into_iter().next(),
        _ => {
            *list = kept;
            None
        }
    }
}

/// Keeps the candidates with the highest score.
fn keep_best<T>(list: &mut Vec<Candidate<T>>, score: impl Fn(&Candidate<T>) -> usize) {
    let best = list.iter().map(&score).max().unwrap_or(0);
    list.retain(|c| score(c) == best);
}

impl Binder<'_, '_> {
    /// PostgreSQL 15, parse_oper.c, oper and left_oper. `left` None: a prefix operator.
    pub(super) fn operator(
        &mut self,
        schema: Option<&str>,
        name: &str,
        left: Option<Oid>,
        right: Oid,
        pos: Pos,
    ) -> Result<&'static OperDef> {
        if let Some(s) = schema
            && s != "pg_catalog"
            && !self.cx.names.schema_exists(s)
        {
            return Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist").at(self.at(pos)));
        }
        self.may_look_into(schema, pos)?;
        let found = find_operator_in(schema, name, left, right);
        let (ambiguous, _) = match found {
            Ok(Some(o)) => return Ok(o),
            Ok(None) => (false, ()),
            Err(()) => (true, ()),
        };
        let shown = match schema {
            Some(s) => format!("{s}.{name}"),
            None => name.to_owned(),
        };
        let signature = match left {
            Some(l) => format!("{} {shown} {}", self.type_name(l), self.type_name(right)),
            None => format!("{shown} {}", self.type_name(right)),
        };
        if ambiguous {
            return Err(err!(AMBIGUOUS_FUNCTION, "operator is not unique: {signature}")
                .hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
                .at(self.at(pos)));
        }
        let hint = match left {
            Some(_) => {
                "No operator matches the given name and argument types. You might need to add explicit type casts."
            }
            None => {
                "No operator matches the given name and argument type. You might need to add an explicit type cast."
            }
        };
        Err(err!(UNDEFINED_FUNCTION, "operator does not exist: {signature}").hint(hint).at(self.at(pos)))
    }

    /// A call of an operator on bound arguments. PostgreSQL 15, parse_oper.c, make_op.
    pub(super) fn make_op(
        &mut self,
        schema: Option<&str>,
        name: &str,
        left: Option<Expr>,
        right: Expr,
        pos: Pos,
    ) -> Result<Expr> {
        let op = self.operator(schema, name, left.as_ref().map(|e| e.ty.oid), right.ty.oid, pos)?;
        let mut args: Vec<Expr> = left.into_iter().chain([right]).collect();
        let ret = self.operator_args(op, &mut args)?;
        let f = self.operator_func(op)?;
        if f.retset {
            return self.set_returning(f, args, ret, pos);
        }
        Ok(Expr {
            kind: ExprKind::Func { func: f, oper: Some(op.oid), args, variadic: false },
            ty: TypeRef::of(ret),
            pos: Some(pos),
        })
    }

    pub(super) fn operator_func(&self, op: &'static OperDef) -> Result<&'static FuncDef> {
        user_code::function(op.func).ok_or_else(|| err!(UNDEFINED_FUNCTION, "operator is only a shell: {}", op.name))
    }

    /// Converts an operator's arguments in place and says the type of its result.
    pub(super) fn operator_args(&mut self, op: &'static OperDef, args: &mut [Expr]) -> Result<Oid> {
        let actual: Vec<Oid> = args.iter().map(|e| e.ty.oid).collect();
        let mut declared: Vec<Oid> = if args.len() == 2 { vec![op.left, op.right] } else { vec![op.right] };
        let ret = self.resolve_generic(&actual, &mut declared, op.result, false)?;
        self.coerce_args(args, &declared)?;
        Ok(ret)
    }

    /// PostgreSQL 15, parse_func.c, make_fn_arguments.
    pub(super) fn coerce_args(&mut self, args: &mut [Expr], declared: &[Oid]) -> Result<()> {
        for (arg, &d) in args.iter_mut().zip(declared) {
            if arg.ty.oid != d {
                let e = std::mem::replace(arg, super::coerce::bool_const(false));
                let pos = e.pos.unwrap_or(crate::sql::ast::NOWHERE);
                *arg = self.coerce(e, TypeRef::of(d), CastContext::Implicit, pos)?;
            }
        }
        Ok(())
    }

    /// PostgreSQL 15, parse_func.c, func_get_detail. `names` are those of the named arguments, the last ones.
    pub(super) fn function(
        &mut self,
        schema: Option<&str>,
        name: &str,
        actual: &[Oid],
        names: &[String],
        variadic: bool,
    ) -> Result<std::result::Result<Resolved, bool>> {
        actual.iter().for_each(|t| self.note_kin(*t));
        let known = self.cx.names.functions(schema, name);
        let mut candidates = candidates(&known, actual.len(), names, variadic);
        let found = |c: Candidate<&'static FuncDef>| if c.twice { Err(true) } else { Ok(Resolved::Function(c)) };
        if let Some(i) = candidates.iter().position(|c| c.args == actual && !c.spread) {
            return Ok(found(candidates.swap_remove(i)));
        }
        if let ([source], true) = (actual, names.is_empty())
            && let Some(cast) = self.function_as_cast(schema, name, *source)
        {
            return Ok(Ok(Resolved::Cast(cast)));
        }
        if let Some(i) = candidates.iter().position(|c| c.args == actual) {
            return Ok(found(candidates.swap_remove(i)));
        }
        candidates.retain(|c| can_coerce(actual, &c.args, CastContext::Implicit));
        Ok(match candidates.len() {
            0 => Err(false),
            1 => found(candidates.swap_remove(0)),
            _ => select(actual, candidates).map_or(Err(true), found),
        })
    }

    /// `text(x)` where no such function takes x: a cast, if it needs no function.
    fn function_as_cast(&mut self, schema: Option<&str>, name: &str, source: Oid) -> Option<TypeRef> {
        let builtin = || {
            let known = types::info::builtin_by_name(name)?;
            matches!(schema, None | Some("pg_catalog")).then_some(TypeRef::of(known.oid))
        };
        let named = match schema {
            None => self.cx.names.type_for_call(name),
            schema => self.cx.names.type_by_name(schema, name),
        };
        let target = named.or_else(builtin)?;
        // A row type is no function (FuncNameAsType).
        if types::info(target.oid).is_some_and(|i| i.is_pseudo() || i.kind == b'c') {
            return None;
        }
        if source == oid::UNKNOWN {
            return Some(target);
        }
        match pathway(target.oid, source, CastContext::Explicit) {
            Path::Relabel => Some(target),
            Path::Text if !(is_complex(source) && category(target.oid) == b'S') => Some(target),
            _ => None,
        }
    }

    /// `function f(integer) does not exist`, or not unique.
    pub(super) fn no_function(
        &self,
        shown: &str,
        actual: &[Oid],
        names: &[String],
        ambiguous: bool,
        pos: Pos,
    ) -> crate::base::Error {
        let plain = actual.len() - names.len();
        let list: Vec<String> = actual
            .iter()
            .enumerate()
            .map(|(i, &t)| match i.checked_sub(plain).and_then(|n| names.get(n)) {
                Some(n) => format!("{n} => {}", self.type_name(t)),
                None => self.type_name(t),
            })
            .collect();
        let signature = format!("{shown}({})", list.join(", "));
        if ambiguous {
            return err!(AMBIGUOUS_FUNCTION, "function {signature} is not unique")
                .hint("Could not choose a best candidate function. You might need to add explicit type casts.")
                .at(self.at(pos));
        }
        err!(UNDEFINED_FUNCTION, "function {signature} does not exist")
            .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
            .at(self.at(pos))
    }
}

/// The built-in operator, or a user's that the search path finds.
pub(in crate::sql) fn find_operator(
    name: &str,
    left: Option<Oid>,
    right: Oid,
) -> std::result::Result<Option<&'static OperDef>, ()> {
    find_operator_in(None, name, left, right)
}

/// PostgreSQL 15, parse_oper.c: exact match, then the best candidate. Err: several are equally good.
pub(in crate::sql) fn find_operator_in(
    schema: Option<&str>,
    name: &str,
    left: Option<Oid>,
    right: Oid,
) -> std::result::Result<Option<&'static OperDef>, ()> {
    let Some(l) = left else {
        if let Some(o) = user_code::operator(schema, name, Oid::INVALID, right) {
            return Ok(Some(o));
        }
        let list: Vec<Candidate<&'static OperDef>> = user_code::operators(schema, name)
            .into_iter()
            .filter(|o| !o.left.is_valid() && can_coerce(&[right], &[o.right], CastContext::Implicit))
            .map(|o| Candidate { what: o, args: vec![o.right], order: None, spread: false, twice: false })
            .collect();
        return pick(&[right], list);
    };
    // An unknown side is first taken to be of the other's type.
    let (a, b) = match (l, right) {
        (oid::UNKNOWN, r) if r != oid::UNKNOWN => (r, r),
        (l, oid::UNKNOWN) if l != oid::UNKNOWN => (l, l),
        both => both,
    };
    if let Some(o) = user_code::operator(schema, name, a, b) {
        return Ok(Some(o));
    }
    if (l == oid::UNKNOWN) != (right == oid::UNKNOWN) {
        let base = base_type(a);
        if base != a
            && let Some(o) = user_code::operator(schema, name, base, base)
        {
            return Ok(Some(o));
        }
    }
    let actual = [l, right];
    let list: Vec<Candidate<&'static OperDef>> = user_code::operators(schema, name)
        .into_iter()
        .filter(|o| o.left.is_valid() && can_coerce(&actual, &[o.left, o.right], CastContext::Implicit))
        .map(|o| Candidate { what: o, args: vec![o.left, o.right], order: None, spread: false, twice: false })
        .collect();
    pick(&actual, list)
}

fn pick(
    actual: &[Oid],
    mut list: Vec<Candidate<&'static OperDef>>,
) -> std::result::Result<Option<&'static OperDef>, ()> {
    match list.len() {
        0 => Ok(None),
        1 => Ok(list.pop().map(|c| c.what)),
        _ => match select(actual, list) {
            Some(c) => Ok(Some(c.what)),
            None => Err(()),
        },
    }
}

/// The operator of a B-tree's default order on a type: `=`, `<`, `>`. None: the type has no order.
pub(in crate::sql) fn sort_operator(name: &str, ty: Oid) -> Option<&'static OperDef> {
    let base = base_type(ty);
    if let Some(o) = func::type_operator(name, base, base) {
        return Some(o);
    }
    if types::info(base).is_some_and(|i| i.code.is_some()) {
        return func::user::sort_operator(name, base);
    }
    if types::element_type(base).is_some() {
        return func::type_operator(name, oid::ANYARRAY, oid::ANYARRAY);
    }
    if super::coerce::is_enum(base) {
        return func::type_operator(name, oid::ANYENUM, oid::ANYENUM);
    }
    if is_complex(base) {
        return func::type_operator(name, oid::RECORD, oid::RECORD);
    }
    if types::info(base).is_some_and(|i| i.kind == b'r') {
        return func::type_operator(name, oid::ANYRANGE, oid::ANYRANGE);
    }
    func::opers_named(name)
        .iter()
        .find(|o| o.left == o.right && o.left.is_valid() && is_binary_coercible(base, o.left) && o.left != oid::ANY)
        .copied()
}

/// PostgreSQL 15, namespace.c, FuncnameGetCandidates. Of two with the same arguments the one found first along the
/// search path wins, then the one that is not variadic; two of one schema that only defaults tell apart are as good as
/// each other.
fn candidates(
    known: &[(usize, &'static FuncDef)],
    count: usize,
    names: &[String],
    variadic: bool,
) -> Vec<Candidate<&'static FuncDef>> {
    let mut out: Vec<(usize, Candidate<&'static FuncDef>)> = Vec::new();
    for &(place, f) in known {
        let mut own = Vec::new();
        candidates_of(f, count, names, variadic, &mut own);
        for c in own {
            let Some((before, same)) = out.iter_mut().find(|(_, o)| o.args == c.args) else {
                out.push((place, c));
                continue;
            };
            match (place.cmp(before), c.spread.cmp(&same.spread)) {
                (Ordering::Less, _) | (Ordering::Equal, Ordering::Less) => (*before, *same) = (place, c),
                (Ordering::Greater, _) | (Ordering::Equal, Ordering::Greater) => {}
                (Ordering::Equal, Ordering::Equal) => same.twice = true,
            }
        }
    }
    out.into_iter().map(|(_, c)| c).collect()
}

fn candidates_of(
    f: &'static FuncDef,
    count: usize,
    names: &[String],
    variadic: bool,
    out: &mut Vec<Candidate<&'static FuncDef>>,
) {
    let declared = f.args.len();
    if !names.is_empty() {
        if let Some(c) = named_candidate(f, count, names) {
            out.push(c);
        }
        return;
    }
    if declared == count && (!f.variadic.is_valid() || variadic || f.variadic == oid::ANY) {
        out.push(Candidate { what: f, args: f.args.to_vec(), order: None, spread: false, twice: false });
    }
    if variadic {
        return;
    }
    if f.variadic == oid::ANY {
        if count > declared {
            let mut args = f.args.to_vec();
            args.resize(count, oid::ANY);
            out.push(Candidate { what: f, args, order: None, spread: false, twice: false });
        }
    } else if f.variadic.is_valid() && count + 1 > declared {
        let mut args = f.args[..declared - 1].to_vec();
        args.resize(count, f.variadic);
        out.push(Candidate { what: f, args, order: None, spread: true, twice: false });
    } else if count < declared && count + f.fact.defaults as usize >= declared {
        let order = (0..declared).map(|i| (i < count).then_some(i)).collect();
        out.push(Candidate {
            what: f,
            args: f.args[..count].to_vec(),
            order: Some(order),
            spread: false,
            twice: false,
        });
    }
}

/// Matches `f(1, b => 2)`; the candidate's `args` are in the call's order.
fn named_candidate(f: &'static FuncDef, count: usize, names: &[String]) -> Option<Candidate<&'static FuncDef>> {
    if f.variadic.is_valid() || count > f.args.len() {
        return None;
    }
    let inputs: Vec<&str> = input_names(f);
    let plain = count - names.len();
    let mut order: Vec<Option<usize>> = vec![None; f.args.len()];
    for (i, slot) in order.iter_mut().enumerate().take(plain) {
        *slot = Some(i);
    }
    let mut args = f.args[..plain].to_vec();
    for (i, n) in names.iter().enumerate() {
        let at = inputs.iter().position(|x| x == n)?;
        if at >= f.args.len() || order[at].is_some() {
            return None;
        }
        order[at] = Some(plain + i);
        args.push(f.args[at]);
    }
    let first_default = f.args.len() - f.fact.defaults as usize;
    if order.iter().take(first_default).any(Option::is_none) {
        return None;
    }
    Some(Candidate { what: f, args, order: Some(order), spread: false, twice: false })
}

/// The names of the parameters a call gives values for: a procedure's output parameters are among them.
fn input_names(f: &'static FuncDef) -> Vec<&'static str> {
    let modes = if f.kind == b'p' { &[] } else { f.fact.modes.as_bytes() };
    f.fact
        .names
        .iter()
        .enumerate()
        .filter(|(i, _)| modes.is_empty() || modes.get(*i).is_none_or(|m| matches!(m, b'i' | b'b' | b'v')))
        .map(|(_, n)| *n)
        .collect()
}
