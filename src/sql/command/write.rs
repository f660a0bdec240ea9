//! Writing catalog objects, and binding the expressions they keep as text.

use crate::base::{Error, Oid, Result};
use crate::catalog::object::{Class, class};
use crate::catalog::{Attribute, Object, ObjectKey, Relation};
use crate::err;
use crate::sql::ast;
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{BindContext, bind_expr, bind_type};
use crate::sql::exec::{ExecContext, rights};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{self, TypeRef};
use std::sync::Arc;

/// Writes an object. What follows is another command id, so that the same object can be written again.
pub fn put(cx: &mut ExecContext, object: Object) -> Result<()> {
    let backend = cx.backend()?;
    // Rows of this command cannot be changed by it.
    backend.txn.next_command();
    let writer = backend.writer();
    backend.catalog.put(writer, object)?;
    backend.txn.next_command();
    Ok(())
}

/// Deletes an object, if there is one.
pub fn delete(cx: &mut ExecContext, key: ObjectKey) -> Result<()> {
    let backend = cx.backend()?;
    backend.txn.next_command();
    let writer = backend.writer();
    backend.catalog.delete(writer, key)?;
    backend.txn.next_command();
    Ok(())
}

/// The stored form of a relation, to be changed and put back.
pub fn class_of(cx: &mut ExecContext, oid: Oid) -> Result<Class> {
    let record = cx.backend()?.catalog.class(oid);
    let record = record.ok_or_else(|| Error::internal(format!("relation {oid} is gone")))?;
    Ok(record.object.as_class()?.clone())
}

/// Changes a relation's stored form.
pub fn change(cx: &mut ExecContext, oid: Oid, f: impl FnOnce(&mut Class)) -> Result<()> {
    let mut c = class_of(cx, oid)?;
    f(&mut c);
    put(cx, Object::Class(c))
}

/// A fresh OID.
pub fn new_oid(cx: &mut ExecContext) -> Result<Oid> {
    Ok(cx.backend()?.instance.cluster.new_oid())
}

/// A column with nothing to say.
pub fn attribute(name: &str, attno: i16, ty: TypeRef) -> Attribute {
    Attribute::new(name, attno, ty)
}

/// A relation that exists only as columns, for binding expressions before the real one is there.
pub fn columns_only(oid: Oid, name: &str, attributes: &[Attribute]) -> Arc<Relation> {
    Arc::new(Relation::of_columns(oid, name, attributes))
}

/// Binds an expression of the statement's own text.
pub fn bind(
    cx: &mut ExecContext,
    source: &str,
    expr: &ast::Expr,
    rel: Option<&Arc<Relation>>,
    clause: Clause,
    target: Option<(&str, TypeRef)>,
) -> Result<Expr> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        BindContext { names: &*catalog, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false };
    bind_expr(&mut bcx, expr, rel, clause, target)
}

/// The type a written name means.
pub fn resolve_type(cx: &mut ExecContext, source: &str, name: &ast::TypeName) -> Result<TypeRef> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        BindContext { names: &*catalog, io: &cx.fx.io, text: source, params: Vec::new(), infer_params: false };
    bind_type(&mut bcx, name)
}

/// The same of a type that something is to be made with.
///
/// # Errors
/// 42501 too (PostgreSQL 15, aclchk.c, aclcheck_error_type: an array is called by its elements).
pub fn usable_type(cx: &mut ExecContext, source: &str, name: &ast::TypeName) -> Result<TypeRef> {
    let ty = resolve_type(cx, source, name)?;
    check_usable(cx, ty.oid)?;
    Ok(ty)
}

/// # Errors
/// 42501.
pub fn check_usable(cx: &mut ExecContext, ty: Oid) -> Result<()> {
    let backend = cx.backend()?;
    let subject = rights::subject(backend);
    if rights::type_allows(&backend.catalog, &subject, ty, 'U', false) {
        return Ok(());
    }
    let shown = types::format_type_plain(types::element_type(ty).unwrap_or(ty), &*cx.fx.io.hooks);
    Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for type {shown}"))
}

/// An error of a name that PostgreSQL looks for without the statement's text: it has no position.
pub fn unplaced(mut e: Error) -> Error {
    e.0.position = None;
    e
}

/// As [`resolve_type`], there.
pub fn resolve_type_unplaced(cx: &mut ExecContext, source: &str, name: &ast::TypeName) -> Result<TypeRef> {
    resolve_type(cx, source, name).map_err(unplaced)
}

/// Attribute numbers an expression over one relation reads, ascending.
pub fn attributes_read(e: &Expr) -> Vec<i16> {
    let mut found = Vec::new();
    e.walk(&mut |e| {
        if let ExprKind::Var { attno, .. } = e.kind {
            found.push(attno);
        }
        true
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// Lets an expression read batches whose columns are all attributes of its relation.
///
/// # Errors
/// 0A000 for system columns.
pub fn over_attributes(mut e: Expr) -> Result<Expr> {
    let mut odd = false;
    e.rewrite(&mut |e| {
        if let ExprKind::Var { attno, .. } = e.kind {
            if attno < 1 {
                odd = true;
            } else {
                e.kind = ExprKind::Column(attno as usize - 1);
            }
        }
    });
    if odd {
        return Err(Error::unsupported("system columns are not supported in stored expressions"));
    }
    Ok(e)
}

/// The key of a relation.
pub fn relation_key(oid: Oid) -> ObjectKey {
    ObjectKey::new(class::RELATION, oid)
}
