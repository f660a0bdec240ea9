//! GRANT and REVOKE on what is built in: catalogs, their views, functions. None has an object of its own; from the first
//! change on a [`BuiltinAcl`] keeps its rights.

use super::{Grant, Rights, rights};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::{BuiltinAcl, Class, ObjectKey, class, fixed};
use crate::catalog::{Object, Relation};
use crate::err;
use crate::sql::ast::ObjectType;
use crate::sql::command::write::put;
use crate::sql::exec::rights::{function_acl, language_acl, public_rights, type_acl};
use crate::sql::exec::{ExecContext, system, system_view};
use crate::sql::func::FuncDef;

/// Languages, and whether all may be allowed to use them.
const LANGUAGES: [(&str, bool); 4] = [("internal", false), ("c", false), ("sql", true), ("plpgsql", true)];

impl Grant<'_> {
    /// PostgreSQL 15, aclchk.c, ExecGrant_Language.
    pub(super) fn on_language(&self, cx: &mut ExecContext, name: &str) -> Result<()> {
        let Some((_, trusted)) = LANGUAGES.iter().find(|(known, _)| *known == name) else {
            return Err(err!(UNDEFINED_OBJECT, "language \"{name}\" does not exist"));
        };
        // What rights are named is looked at first.
        rights(self.stmt, ObjectType::Language)?;
        if !trusted {
            let text = format!("language \"{name}\" is not trusted");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).detail(
                "GRANT and REVOKE are not allowed on untrusted languages, because only superusers can use untrusted languages.",
            ));
        }
        let oid = system_view::language(name);
        let mut acl = language_acl(&cx.backend()?.catalog, oid);
        self.on(cx, ObjectType::Language, name, fixed::BOOTSTRAP_SUPERUSER, &mut acl)?;
        let on = ObjectKey::new(class::LANGUAGE, oid);
        put(cx, Object::BuiltinAcl(BuiltinAcl { on, acl, columns: Vec::new() }))
    }

    pub(super) fn on_builtin_type(&self, cx: &mut ExecContext, oid: Oid, name: &str) -> Result<()> {
        let mut acl = type_acl(&cx.backend()?.catalog, oid);
        self.on(cx, ObjectType::Type, name, fixed::BOOTSTRAP_SUPERUSER, &mut acl)?;
        let on = ObjectKey::new(class::TYPE, oid);
        put(cx, Object::BuiltinAcl(BuiltinAcl { on, acl, columns: Vec::new() }))
    }

    pub(super) fn on_catalog(&self, cx: &mut ExecContext, r: &Relation, as_table: bool) -> Result<()> {
        let on = ObjectKey::new(class::RELATION, r.oid);
        let mut c = Class::new(r.oid, r.name.clone(), r.namespace, r.kind, r.persistence, r.owner);
        c.attributes = r.attributes.clone();
        c.acl = r.acl.clone();
        if let Some(changed) = cx.backend()?.catalog.builtin_acl(on) {
            c.acl = changed.acl;
            c.attributes.iter_mut().for_each(|a| a.acl = None);
            changed.columns.into_iter().for_each(|(attno, acl)| c.set_column_acl(attno, acl));
        }
        let public = Rights::of(public_rights(&r.name));
        self.on_class(cx, &mut c, public, as_table)?;
        let columns = c.column_acls().map(|(attno, acl)| (attno, acl.clone())).collect();
        put(cx, Object::BuiltinAcl(BuiltinAcl { on, acl: c.acl, columns }))
    }

    /// # Errors
    /// 0A000 where the function would no longer be everybody's, but nobody asks at its calls.
    pub(super) fn on_builtin_function(&self, cx: &mut ExecContext, f: &FuncDef) -> Result<()> {
        let mut acl = function_acl(&cx.backend()?.catalog, f.oid);
        self.on(cx, ObjectType::Function, f.name, fixed::BOOTSTRAP_SUPERUSER, &mut acl)?;
        let open = |acl: &Vec<String>| acl.iter().any(|item| item.starts_with('='));
        if !acl.as_ref().is_none_or(open) && !system::is_checked(f) {
            return Err(Error::unsupported(format!("function {} cannot be taken from PUBLIC", f.name)));
        }
        let on = ObjectKey::new(class::PROC, f.oid);
        put(cx, Object::BuiltinAcl(BuiltinAcl { on, acl, columns: Vec::new() }))
    }
}
