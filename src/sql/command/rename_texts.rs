//! Expressions that are kept as text follow when a function, a type or a schema they name gets another name.
//!
//! They name what is not built in with its schema (`stored_text`), so what has to change is found by the names alone;
//! only where a function has namesakes beside it, the binder says which of them a call means.

use super::rename_readers::{Readers, Target};
use super::stored_text;
use super::write::put;
use crate::base::{Oid, Result};
use crate::catalog::object::{Namespace, UserTypeKind, class};
use crate::catalog::{Catalog, Object};
use crate::sql::ast::{Expr, ExprKind, deparse};
use crate::sql::bind::domain::value_relation;
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{BindContext, Everywhere, Written, bind_expr};
use crate::sql::exec::ExecContext;
use crate::sql::exec::user_trigger;
use crate::sql::expr::{Expr as Bound, ExprKind as BoundKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A name with its schema.
type Full = (String, String);

/// What gets another name.
pub enum Renamed {
    /// Old and new.
    Schema(String, String),
    Function {
        oid: Oid,
        old: Full,
        new: Full,
    },
    Type {
        old: Full,
        new: Full,
    },
}

impl Renamed {
    /// A function or a type before and after; None: of it no text has the name, or nothing changes.
    pub fn between(catalog: &Catalog, before: &Object, after: &Object) -> Option<Renamed> {
        let full = |o: &Object| {
            let (place, name) = o.name()?;
            Some((catalog.namespace(place)?.name, name.to_owned()))
        };
        let (old, new) = (full(before)?, full(after)?);
        match before {
            _ if old == new => None,
            Object::Function(f) => Some(Renamed::Function { oid: f.oid, old, new }),
            Object::Type(_) => Some(Renamed::Type { old, new }),
            _ => None,
        }
    }

    fn old_name(&self) -> &str {
        match self {
            Renamed::Schema(old, _) => old,
            Renamed::Function { old, .. } | Renamed::Type { old, .. } => &old.1,
        }
    }

    /// Changes the names in an expression; `means`: whether the call at a place is one of the function.
    fn apply(&self, e: &mut Expr, means: &dyn Fn(u32) -> bool) -> bool {
        let mut changed = false;
        e.rewrite_deep(&mut |e| {
            let pos = e.pos;
            match (self, &mut e.kind) {
                (Renamed::Schema(old, new), kind) => {
                    let place = match kind {
                        ExprKind::Func(call) if call.name.len() == 2 => call.name.first_mut(),
                        ExprKind::Cast { typ, .. } if typ.names.len() == 2 => typ.names.first_mut(),
                        ExprKind::Op { op, .. } | ExprKind::OpArray { op, .. } => op.schema.as_mut(),
                        ExprKind::Collate { collation, .. } if collation.len() == 2 => collation.first_mut(),
                        ExprKind::Column { parts, star } if parts.len() + usize::from(*star) == 3 => parts.first_mut(),
                        _ => None,
                    };
                    if let Some(place) = place.filter(|p| *p == old) {
                        place.clone_from(new);
                        changed = true;
                    }
                }
                (Renamed::Function { old, new, .. }, ExprKind::Func(call)) if is(&call.name, old) && means(pos) => {
                    call.name = vec![new.0.clone(), new.1.clone()];
                    changed = true;
                }
                (Renamed::Type { old, new }, ExprKind::Cast { typ, .. }) if is(&typ.names, old) => {
                    typ.names = vec![new.0.clone(), new.1.clone()];
                    changed = true;
                }
                _ => {}
            }
        });
        changed
    }
}

fn is(parts: &[String], full: &Full) -> bool {
    matches!(parts, [schema, name] if *schema == full.0 && *name == full.1)
}

/// What a text is about, for the binder.
#[derive(Clone, Copy)]
enum About {
    /// Columns of the table.
    Rows(Oid),
    /// A trigger's rows.
    Trigger(Oid),
    /// A domain over this type.
    Value(crate::types::TypeRef),
    Nothing,
}

/// The expressions an object keeps, rules and policies aside.
fn each_text(object: &mut Object, f: &mut dyn FnMut(&mut Arc<str>, About) -> Result<()>) -> Result<()> {
    match object {
        Object::Class(c) => {
            let own = c.oid;
            let mut columns: Vec<&mut Arc<str>> = c.attributes.iter_mut().filter_map(|a| a.default.as_mut()).collect();
            columns.extend(c.constraints.iter_mut().filter_map(|k| k.check.as_mut()));
            let key = c.lineage.key.iter_mut().flat_map(|k| &mut Arc::make_mut(k).columns);
            columns.extend(key.filter_map(|k| k.expr.as_mut()));
            columns.into_iter().try_for_each(|text| f(text, About::Rows(own)))?;
            if let Some(i) = &mut c.index {
                let table = i.table;
                let keys = i.columns.iter_mut().filter_map(|k| k.expr.as_mut());
                keys.chain(i.predicate.as_mut()).try_for_each(|text| f(text, About::Rows(table)))?;
            }
            let mut triggers = c.triggers.iter_mut().filter_map(|t| t.condition.as_mut());
            triggers.try_for_each(|text| f(text, About::Trigger(own)))
        }
        Object::Type(t) => {
            let UserTypeKind::Domain { base, default, checks, .. } = &mut t.kind else { return Ok(()) };
            let about = About::Value(*base);
            default.iter_mut().try_for_each(|text| f(text, About::Nothing))?;
            checks.iter_mut().filter_map(|k| k.check.as_mut()).try_for_each(|text| f(text, about))
        }
        Object::Function(p) => p.arg_defaults.iter_mut().flatten().try_for_each(|text| f(text, About::Nothing)),
        Object::Statistics(s) => {
            let table = s.table;
            s.exprs.iter_mut().try_for_each(|text| f(text, About::Rows(table)))
        }
        _ => Ok(()),
    }
}

/// The places of an expression's calls of a function.
fn calls(catalog: &Catalog, cx: &ExecContext, text: &str, about: About, function: Oid) -> Result<BTreeSet<u32>> {
    let (names, io) = (Written(catalog), &cx.fx.io);
    let relation = match about {
        About::Rows(oid) | About::Trigger(oid) => catalog.relation(oid)?,
        About::Value(base) => Some(value_relation(base)),
        About::Nothing => None,
    };
    let _all = Everywhere::reach();
    let source = format!("SELECT {text}");
    let written = stored_text::parse(text)?;
    let bound = match (about, &relation) {
        (About::Trigger(_), Some(rel)) => user_trigger::bound_condition(&names, io, rel, &written, &source)?,
        _ => {
            let mut bcx = BindContext { names: &names, io, text: &source, params: Vec::new(), infer_params: false };
            bind_expr(&mut bcx, &written, relation.as_ref(), Clause::Check, None)?
        }
    };
    let mut found = BTreeSet::new();
    bound.walk(&mut |e: &Bound| {
        if let BoundKind::Func { func, .. } = &e.kind
            && func.oid == function
        {
            found.extend(e.pos);
        }
        true
    });
    Ok(found)
}

/// The texts that have to change, before anything does.
pub struct Texts(Vec<Object>);

impl Texts {
    /// Those that name what is to be renamed, with its new name.
    ///
    /// # Errors
    /// The binder's.
    pub fn of(cx: &mut ExecContext, renamed: &Renamed) -> Result<Texts> {
        let catalog = cx.backend()?.catalog.clone();
        let namesakes = match renamed {
            Renamed::Function { old, .. } => {
                catalog.find(class::PROC, catalog.namespace_oid(&old.0)?, &old.1).len() > 1
            }
            _ => false,
        };
        let mut out = Vec::new();
        for kind in [class::RELATION, class::TYPE, class::PROC, class::STATISTIC_EXT] {
            for record in catalog.naming(kind, renamed.old_name()) {
                let (mut object, mut changed) = (record.object.clone(), false);
                if matches!(renamed, Renamed::Function { oid, .. } if *oid == object.key().oid) {
                    continue;
                }
                each_text(&mut object, &mut |text, about| {
                    // What it cannot name has not to be read.
                    if !text.contains(renamed.old_name()) && !text.contains('"') {
                        return Ok(());
                    }
                    let meant = match renamed {
                        Renamed::Function { oid, .. } if namesakes => Some(calls(&catalog, cx, text, about, *oid)?),
                        _ => None,
                    };
                    let mut e = stored_text::parse(text)?;
                    if renamed.apply(&mut e, &|pos| meant.as_ref().is_none_or(|m| m.contains(&pos))) {
                        *text = match about {
                            About::Value(_) => super::domain::condition_text(e)?,
                            _ => deparse::expr(&e)?.into(),
                        };
                        changed = true;
                    }
                    Ok(())
                })?;
                if changed {
                    out.push(object);
                }
            }
        }
        Ok(Texts(out))
    }

    /// Puts them where they belong, after the other has its new name.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn follow(self, cx: &mut ExecContext) -> Result<()> {
        self.0.into_iter().try_for_each(|object| put(cx, object))
    }
}

/// Puts an object that has another name or another schema than before, and what names it follows.
///
/// # Errors
/// 0A000 for what cannot follow.
pub fn put_renamed(cx: &mut ExecContext, before: &Object, after: Object) -> Result<()> {
    let readers = Readers::of(cx, Target::Objects(&[before.key()]))?;
    put_with_texts(cx, before, after)?;
    readers.follow(cx)
}

/// The same without what keeps whole statements.
///
/// # Errors
/// 0A000 for what cannot follow.
pub fn put_with_texts(cx: &mut ExecContext, before: &Object, after: Object) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(renamed) = Renamed::between(&catalog, before, &after) else { return put(cx, after) };
    let texts = Texts::of(cx, &renamed)?;
    put(cx, after)?;
    texts.follow(cx)
}

/// The same of a schema.
///
/// # Errors
/// 0A000 for what cannot follow.
pub fn put_schema(cx: &mut ExecContext, old: &str, after: Namespace) -> Result<()> {
    let texts = Texts::of(cx, &Renamed::Schema(old.to_owned(), after.name.clone()))?;
    let readers = Readers::of(cx, Target::Schema(after.oid, old))?;
    put(cx, Object::Namespace(after))?;
    texts.follow(cx)?;
    readers.follow(cx)
}
