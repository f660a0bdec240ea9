//! A function's body as a query that may stand for its calls. PostgreSQL 15, clauses.c, inline_function: what is asked of
//! the function itself; functions.c, check_sql_fn_retval: how its columns become those it promises.

use super::body::{Arguments, parse};
use super::query::Scoped;
use crate::base::{Oid, Result};
use crate::catalog::object::{Function, class};
use crate::catalog::{Catalog, Object, ObjectKey};
use crate::sql::ast::Stmt;
use crate::sql::bind::{self, BindContext, Conversion, Distinct, InlineBody, InlineCall, Names, Query};
use crate::sql::exec::rights::Subject;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{TypeRef, oid};

/// None: the call stays a call. What is wrong with the body it says when it runs.
pub fn body(catalog: &Catalog, call: &InlineCall<'_>) -> Option<InlineBody> {
    let record = catalog.get(ObjectKey::new(class::PROC, call.func.oid))?;
    let Object::Function(f) = &record.object else { return None };
    let fits = f.language == "sql"
        && f.kind == 'f'
        && !f.security_definer
        && f.settings.is_empty()
        && f.returns_set == call.columns.is_some()
        && f.inputs().len() == call.args.len()
        && !matches!(call.ret.oid, oid::VOID | oid::TRIGGER | oid::EVENT_TRIGGER);
    if !fits || !may_call(catalog, f) {
        return None;
    }
    let (query, inputs) = bound(catalog, f, call).ok()??;
    Some(InlineBody { query, inputs, record: record.clone() })
}

fn may_call(catalog: &Catalog, f: &Function) -> bool {
    let role: Oid = catalog.acting().user;
    f.acl.is_none() || f.owner == role || Subject::of(catalog, role).may(f.owner, f.acl.as_deref(), "X", 'X', false)
}

fn bound(catalog: &Catalog, f: &Function, call: &InlineCall<'_>) -> Result<Option<(Query, Vec<TypeRef>)>> {
    let (source, list) = parse(f)?;
    let [(Stmt::Select(_), _)] = &list[..] else { return Ok(None) };
    let Some((stmt, _)) = list.first() else { return Ok(None) };
    let arguments = Arguments::new(call.io.hooks.clone(), f, call.args);
    let along = f.atomic.then(|| Names::along(catalog, &f.kept));
    let names: &dyn Names = along.as_deref().unwrap_or(catalog);
    let scoped = Scoped { names, variables: &arguments, transitions: Default::default() };
    let mut cx = BindContext { names: &scoped, io: call.io, text: &source, params: Vec::new(), infer_params: false };
    let mut query = bind::bind(&mut cx, stmt)?;
    query.id = 0;
    if query.write.is_some() || !query.steps.is_empty() {
        return Ok(None);
    }
    let one = [call.ret];
    let wanted = call.columns.unwrap_or(&one);
    let rows = |t: TypeRef| crate::types::info(t.oid).is_some_and(|i| i.kind == b'c') || t.oid == oid::RECORD;
    let found: Vec<TypeRef> = query.output().map(|t| t.expr.ty).collect();
    // A whole row is no list of columns.
    let whole = call.columns.is_none() && rows(call.ret) || found.len() == 1 && rows(found[0]);
    if found.len() != wanted.len() || whole {
        return Ok(None);
    }
    // Nothing depends on what the columns are before they are converted.
    let plain = query.set_op.is_none() && matches!(query.distinct, Distinct::No) && query.order_by.is_empty();
    let mut casts = Vec::with_capacity(wanted.len());
    for (from, to) in found.iter().zip(wanted) {
        casts.push(match bind::conversion(&mut cx, *from, *to, false)? {
            Conversion::Same => None,
            Conversion::Cast(e) if plain => Some(e),
            _ => return Ok(None),
        });
    }
    for (target, cast) in query.targets.iter_mut().filter(|t| !t.junk).zip(casts) {
        let Some(mut cast) = cast else { continue };
        let value = target.expr.clone();
        let mut uses = 0;
        cast.rewrite(&mut |x: &mut Expr| {
            if matches!(x.kind, ExprKind::Column(0)) {
                uses += 1;
                *x = value.clone();
            }
        });
        if uses != 1 {
            return Ok(None);
        }
        target.expr = cast;
    }
    query.walk_mut(0, &mut |e, _| e.pos = None);
    Ok(Some((query, arguments.inputs.iter().map(|(_, ty)| *ty).collect())))
}
