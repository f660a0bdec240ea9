//! GRANT and REVOKE: items as `catalog::acl` has them (`exec::rights` reads them). PostgreSQL 15, aclchk.c.

mod builtin;
mod items;
mod member;

pub(super) use items::{Change, Item, Items, Rights};
pub use member::{add as add_member, remove as remove_member, roles};

use super::write::{class_of, put};
use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Report, Result, Severity, SqlState};
use crate::catalog::object::{Class, Function, class};
use crate::catalog::{Catalog, Object, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    DropBehavior, GrantStmt, GrantTarget, ObjectName, ObjectType, Privilege, RoleKind, RoleSpec, TypeName,
};
use crate::sql::bind::scope::{system_attno, system_name};
use crate::sql::exec::ExecContext;
use crate::sql::plan::SYSTEM_COLUMNS;
use crate::types;
use std::collections::BTreeMap;

fn letter(word: &str) -> Option<&'static str> {
    Some(match word {
        "insert" => "a",
        "select" => "r",
        "update" => "w",
        "delete" => "d",
        "truncate" => "D",
        "references" => "x",
        "trigger" => "t",
        "execute" => "X",
        "usage" => "U",
        "create" => "C",
        "temporary" | "temp" => "T",
        "connect" => "c",
        _ => return None,
    })
}

/// All rights an object of a kind can give, those everybody has by default, and the kind's word.
pub(super) fn rights_of(object: ObjectType) -> Option<(Rights, Rights, &'static str)> {
    let (all, public, word) = match object {
        ObjectType::Table => ("arwdDxt", "", "relation"),
        ObjectType::Sequence => ("rwU", "", "sequence"),
        ObjectType::Column => ("arwx", "", "column"),
        ObjectType::Database => ("CTc", "Tc", "database"),
        ObjectType::Tablespace => ("C", "", "tablespace"),
        ObjectType::Schema => ("UC", "", "schema"),
        ObjectType::Type | ObjectType::Domain => ("U", "U", "type"),
        ObjectType::Language => ("U", "U", "language"),
        ObjectType::ForeignDataWrapper => ("U", "", "foreign-data wrapper"),
        ObjectType::ForeignServer => ("U", "", "foreign server"),
        ObjectType::Function => ("X", "X", "function"),
        ObjectType::Procedure => ("X", "X", "procedure"),
        ObjectType::Routine => ("X", "X", "routine"),
        ObjectType::LargeObject => ("rw", "", "large object"),
        _ => return None,
    };
    Some((Rights::of(all), Rights::of(public), word))
}

/// The rights named, of those there are; no names: all.
fn named_rights(list: &[Privilege], all: Rights, word: &str) -> Result<Rights> {
    let mut out = if list.is_empty() { all } else { Rights::NONE };
    for p in list {
        let Some(name) = &p.name else {
            out = out.or(all);
            continue;
        };
        let Some(l) = letter(name) else {
            return Err(err!(SYNTAX_ERROR, "unrecognized privilege type \"{name}\""));
        };
        if all.and(Rights::of(l)).is_empty() {
            return Err(invalid_privilege(name, word));
        }
        out = out.or(Rights::of(l));
    }
    Ok(out)
}

fn invalid_privilege(name: &str, word: &str) -> Error {
    let text = format!("invalid privilege type {} for {word}", name.to_uppercase());
    Error::new(SqlState::INVALID_GRANT_OPERATION, text)
}

/// The rights a statement names for a kind of object, and whether these are all.
pub(super) fn rights(stmt: &GrantStmt, object: ObjectType) -> Result<(Rights, bool)> {
    let Some((all, _, word)) = rights_of(object) else { return Err(unsupported()) };
    Ok((named_rights(&stmt.privileges, all, word)?, stmt.privileges.is_empty()))
}

fn unsupported() -> Error {
    Error::unsupported("GRANT on this kind of object is not supported")
}

/// What a statement does to the items of every object.
pub(super) struct Grant<'s> {
    stmt: &'s GrantStmt,
    /// Everybody is the invalid OID.
    grantees: Vec<Oid>,
}

/// An object as messages name it.
struct Named<'n> {
    word: &'n str,
    name: &'n str,
    column: Option<&'n str>,
}

impl Named<'_> {
    fn denied(&self) -> Error {
        let Named { word, name, column } = self;
        match column {
            Some(c) => err!(INSUFFICIENT_PRIVILEGE, "permission denied for column \"{c}\" of relation \"{name}\""),
            None => err!(INSUFFICIENT_PRIVILEGE, "permission denied for {word} {name}"),
        }
    }

    fn shown(&self) -> String {
        match self.column {
            Some(c) => format!("column \"{c}\" of relation \"{}\"", self.name),
            None => format!("\"{}\"", self.name),
        }
    }
}

impl Grant<'_> {
    pub(super) fn new<'s>(cx: &mut ExecContext, stmt: &'s GrantStmt) -> Result<Grant<'s>> {
        check_grantor(cx, stmt)?;
        if stmt.is_grant && stmt.grant_option && stmt.grantees.iter().any(|g| g.kind == RoleKind::Public) {
            let text = "grant options can only be granted to roles";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text));
        }
        Ok(Grant { stmt, grantees: grantees(cx, &stmt.grantees)? })
    }

    /// Changes a list of items, in a grantor's name.
    pub(super) fn apply(&self, catalog: &Catalog, items: &mut Items, grantor: Oid, rights: Rights) -> Result<()> {
        let (grant, option) = (self.stmt.is_grant, self.stmt.grant_option);
        let only = |wanted: bool| if wanted { rights } else { Rights::NONE };
        for grantee in &self.grantees {
            let item =
                Item { grantee: *grantee, grantor, rights: only(grant || !option), options: only(!grant || option) };
            let cascade = self.stmt.behavior == DropBehavior::Cascade;
            items.change(catalog, Change { grant, item, cascade })?;
        }
        Ok(())
    }

    /// In whose name the user may do this, and with which of the rights; says so where it is not all of them.
    /// `items`: all that give the right to grant.
    fn allowed(
        &self,
        cx: &mut ExecContext,
        of: &Named<'_>,
        items: &Items,
        (rights, all): (Rights, bool),
    ) -> Result<(Oid, Rights)> {
        let backend = cx.backend()?;
        let (catalog, user) = (backend.catalog.clone(), backend.user.current);
        let (grantor, may) = items.best_grantor(&catalog, user, rights);
        if may.is_empty() && !items.mention(&catalog, grantor) {
            return Err(of.denied());
        }
        let (done, state) = match self.stmt.is_grant {
            true => ("were granted", SqlState::PRIVILEGE_NOT_GRANTED),
            false => ("could be revoked", SqlState::PRIVILEGE_NOT_REVOKED),
        };
        let short = match may {
            Rights::NONE => Some("no"),
            _ if !all && may != rights => Some("not all"),
            _ => None,
        };
        if let Some(word) = short {
            let text = format!("{word} privileges {done} for {}", of.shown());
            cx.notices.push(Report::notice(Severity::Warning, state, text));
        }
        Ok((grantor, may))
    }

    /// Changes what an object has that has no columns.
    pub(super) fn on(
        &self,
        cx: &mut ExecContext,
        object: ObjectType,
        name: &str,
        owner: Oid,
        acl: &mut Option<Vec<String>>,
    ) -> Result<()> {
        // A right that there is not is told of by the statement's word; who may not grant hears of functions, whatever
        // they are (PostgreSQL 15, aclchk.c, ExecuteGrantStmt and ExecGrant_Function).
        let told = match &self.stmt.target {
            GrantTarget::Objects { object: told, .. } | GrantTarget::AllInSchema { object: told, .. }
                if object == ObjectType::Function =>
            {
                *told
            }
            _ => object,
        };
        let wanted = rights(self.stmt, told)?;
        let (all, public, word) = rights_of(object).ok_or_else(unsupported)?;
        let catalog = cx.backend()?.catalog.clone();
        let mut items = Items::new(&catalog, acl.as_deref(), owner, all, public);
        let (grantor, may) = self.allowed(cx, &Named { word, name, column: None }, &items, wanted)?;
        self.apply(&catalog, &mut items, grantor, may)?;
        *acl = Some(items.stored());
        Ok(())
    }

    fn on_relation(&self, cx: &mut ExecContext, oid: Oid, as_table: bool) -> Result<()> {
        let mut c = class_of(cx, oid)?;
        self.on_class(cx, &mut c, Rights::NONE, as_table)?;
        put(cx, Object::Class(c))
    }

    /// `public`: the rights that everybody has by default.
    fn on_class(&self, cx: &mut ExecContext, c: &mut Class, public: Rights, as_table: bool) -> Result<()> {
        let catalog = cx.backend()?.catalog.clone();
        let object = if c.kind == RelKind::Sequence { ObjectType::Sequence } else { ObjectType::Table };
        let (all, _, _) = rights_of(object).ok_or_else(unsupported)?;
        let before = Items::new(&catalog, c.acl.as_deref(), c.owner, all, public);
        let (whole, by_column): (Vec<Privilege>, Vec<Privilege>) =
            self.stmt.privileges.iter().cloned().partition(|p| p.columns.is_empty());
        let mut on_columns: BTreeMap<i16, Rights> = BTreeMap::new();
        let column_rights = Rights::of("arwx");
        if !whole.is_empty() || by_column.is_empty() {
            let (rights, named_all) = (self.rights_on_relation(cx, c, &whole, as_table)?, whole.is_empty());
            if !rights.is_empty() {
                let mut items = before.clone();
                let word = if object == ObjectType::Sequence { "sequence" } else { "table" };
                let of = Named { word, name: &c.name, column: None };
                let (grantor, may) = self.allowed(cx, &of, &items, (rights, named_all))?;
                self.apply(&catalog, &mut items, grantor, may)?;
                c.acl = Some(items.stored());
            }
            if !self.stmt.is_grant {
                // What is taken from the whole is taken from its columns.
                let own = c.attributes.iter().filter(|a| !a.dropped).map(|a| a.attno);
                let of_system = (-SYSTEM_COLUMNS..0).filter(|_| c.kind != RelKind::View);
                on_columns.extend(of_system.chain(own).map(|attno| (attno, rights.and(column_rights))));
            }
        }
        for p in &by_column {
            let rights = named_rights(std::slice::from_ref(p), column_rights, "column")?;
            for name in &p.columns {
                let own = c.attributes.iter().find(|a| !a.dropped && a.name == *name).map(|a| a.attno);
                // Views have no system columns.
                let of_system = || system_attno(name).filter(|_| c.kind != RelKind::View);
                let missing = || err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", c.name);
                let attno = own.or_else(of_system).ok_or_else(missing)?;
                let before = on_columns.get(&attno).copied().unwrap_or(Rights::NONE);
                on_columns.insert(attno, before.or(rights));
            }
        }
        for (attno, rights) in on_columns {
            if !rights.is_empty() {
                self.on_column(cx, c, attno, &before, rights)?;
            }
        }
        Ok(())
    }

    /// The rights named for a whole relation. GRANT … ON TABLE works on a sequence, too, as far as the rights exist there.
    fn rights_on_relation(
        &self,
        cx: &mut ExecContext,
        c: &Class,
        whole: &[Privilege],
        as_table: bool,
    ) -> Result<Rights> {
        let (of_tables, of_sequences) = (Rights::of("arwdDxt"), Rights::of("rwU"));
        let sequence = c.kind == RelKind::Sequence;
        if !as_table {
            return named_rights(whole, of_sequences, "sequence");
        }
        if whole.is_empty() {
            return Ok(if sequence { of_sequences } else { of_tables });
        }
        let rights = named_rights(whole, of_tables.or(of_sequences), "relation")?;
        if sequence {
            if !rights.without(of_sequences).is_empty() {
                let text = format!("sequence \"{}\" only supports USAGE, SELECT, and UPDATE privileges", c.name);
                cx.notices.push(Report::notice(Severity::Warning, SqlState::INVALID_GRANT_OPERATION, text));
            }
            return Ok(rights.and(of_sequences));
        }
        match rights.without(of_tables).is_empty() {
            true => Ok(rights),
            false => Err(invalid_privilege("usage", "table")),
        }
    }

    fn on_column(&self, cx: &mut ExecContext, c: &mut Class, attno: i16, whole: &Items, rights: Rights) -> Result<()> {
        let catalog = cx.backend()?.catalog.clone();
        let own = c.column_acl(attno).map_or(&[][..], Vec::as_slice);
        let mut items = Items::new(&catalog, Some(own), c.owner, Rights::NONE, Rights::NONE);
        let column = c.attributes.iter().find(|a| a.attno == attno).map_or(system_name(attno), |a| &a.name);
        let of = Named { word: "column", name: &c.name, column: Some(column) };
        let all = rights == Rights::of("arwx");
        let (grantor, may) = self.allowed(cx, &of, &whole.with(&items), (rights, all))?;
        self.apply(&catalog, &mut items, grantor, may)?;
        c.set_column_acl(attno, items.stored());
        Ok(())
    }

    fn on_function(&self, cx: &mut ExecContext, mut f: Function) -> Result<()> {
        names::lock_name(cx, class::PROC, f.namespace, &f.oid.to_string()).map_err(|s| s.into_error())?;
        let name = f.name.clone();
        self.on(cx, ObjectType::Function, &name, f.owner, &mut f.acl)?;
        put(cx, Object::Function(f))
    }

    fn one(&self, cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Flow<()> {
        if let ObjectName::Function(sig) = name {
            match super::function::find(cmd, cx, object, sig)? {
                Ok(f) => self.on_function(cx, f)?,
                Err(missing) => match super::function::find_builtin(cmd, cx, object, sig)? {
                    Some(f) => self.on_builtin_function(cx, f)?,
                    None => return Err(missing.into()),
                },
            }
            return Ok(());
        }
        if let ObjectName::LargeObject(number) = name {
            return super::large_object::grant(cx, self, number);
        }
        let parts = match name {
            ObjectName::Name(n) => n.parts.clone(),
            ObjectName::Type(t) => t.names.clone(),
            _ => return Err(unsupported().into()),
        };
        let last = parts.last().cloned().unwrap_or_default();
        match object {
            ObjectType::Table | ObjectType::Sequence => {
                let found = names::locked_relation(cmd, cx, &names::range_var(&parts), LockMode::AccessShare)?;
                if found.generated_by.is_some() {
                    return Ok(self.on_catalog(cx, &found, object == ObjectType::Table)?);
                }
                if object == ObjectType::Sequence && found.kind != RelKind::Sequence {
                    return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", found.name).into());
                }
                if matches!(found.kind, RelKind::Index | RelKind::PartitionedIndex) {
                    return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an index", found.name).into());
                }
                names::lock_name(cx, class::RELATION, found.namespace, &found.oid.to_string())?;
                Ok(self.on_relation(cx, found.oid, object == ObjectType::Table)?)
            }
            ObjectType::Schema => {
                let oid = cx.backend()?.catalog.namespace_oid(&last)?;
                names::lock_name(cx, class::NAMESPACE, Oid::INVALID, &oid.to_string())?;
                let Some(mut n) = cx.backend()?.catalog.namespace(oid) else { return Ok(()) };
                self.on(cx, object, &last, n.owner, &mut n.acl)?;
                Ok(put(cx, Object::Namespace(n))?)
            }
            ObjectType::Database => {
                names::lock_name(cx, class::DATABASE, Oid::INVALID, &last)?;
                let found = cx.backend()?.catalog.database_by_name(&last);
                let mut d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{last}\" does not exist"))?;
                self.on(cx, object, &last, d.owner, &mut d.acl)?;
                Ok(put(cx, Object::Database(d))?)
            }
            ObjectType::Tablespace => {
                names::lock_name(cx, class::TABLESPACE, Oid::INVALID, &last)?;
                let mut t = super::tablespace::named(cx, &last)?;
                self.on(cx, object, &last, t.owner, &mut t.acl)?;
                Ok(put(cx, Object::Tablespace(t))?)
            }
            ObjectType::Type | ObjectType::Domain => Ok(self.on_type(cmd, cx, object, &type_name(name))?),
            ObjectType::Language => Ok(self.on_language(cx, &last)?),
            ObjectType::ForeignDataWrapper | ObjectType::ForeignServer => {
                let mut f = super::foreign_data::named(cx, object, &last)?;
                self.on(cx, object, &last, f.owner, &mut f.acl)?;
                Ok(put(cx, Object::Foreign(f))?)
            }
            _ => Err(unsupported().into()),
        }
    }

    /// PostgreSQL 15, aclchk.c, ExecGrant_Type: same refusals.
    fn on_type(&self, cmd: &Command, cx: &mut ExecContext, object: ObjectType, typ: &TypeName) -> Result<()> {
        let found = super::write::resolve_type(cx, &cmd.source, typ).map_err(Error::without_position)?.oid;
        rights(self.stmt, object)?;
        let info = types::info(found);
        if info.is_some_and(|i| i.element.is_valid() && i.category == b'A') {
            let text = "cannot set privileges of array types";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text)
                .hint("Set the privileges of the element type instead."));
        }
        let name = info.map_or_else(String::new, |i| i.name.to_owned());
        if object == ObjectType::Domain && info.is_none_or(|i| i.kind != b'd') {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is not a domain"));
        }
        let Some(mut t) = cx.backend()?.catalog.user_type(found) else {
            return self.on_builtin_type(cx, found, &name);
        };
        let name = t.name.clone();
        self.on(cx, object, &name, t.owner, &mut t.acl)?;
        put(cx, Object::Type(t))
    }

    fn all_functions(&self, cx: &mut ExecContext, object: ObjectType, namespace: Oid) -> Result<()> {
        for record in cx.backend()?.catalog.all(class::PROC) {
            let Object::Function(f) = &record.object else { continue };
            let wanted = match object {
                ObjectType::Function => !f.is_procedure(),
                ObjectType::Procedure => f.is_procedure(),
                _ => true,
            };
            if f.namespace == namespace && wanted {
                self.on_function(cx, f.clone())?;
            }
        }
        Ok(())
    }

    fn all_in(&self, cx: &mut ExecContext, object: ObjectType, namespace: Oid) -> Result<()> {
        let wanted = |kind: RelKind| match object {
            ObjectType::Sequence => kind == RelKind::Sequence,
            _ => matches!(kind, RelKind::Table | RelKind::View | RelKind::MatView | RelKind::Partitioned),
        };
        if matches!(object, ObjectType::Function | ObjectType::Procedure | ObjectType::Routine) {
            return self.all_functions(cx, object, namespace);
        }
        if !matches!(object, ObjectType::Table | ObjectType::Sequence) {
            return Err(Error::unsupported("GRANT on ALL of this kind of object is not supported"));
        }
        let mut found = Vec::new();
        for record in cx.backend()?.catalog.all(class::RELATION) {
            let Ok(c) = record.object.as_class() else { continue };
            if c.namespace == namespace && wanted(c.kind) {
                found.push(c.oid);
            }
        }
        found.into_iter().try_for_each(|oid| self.on_relation(cx, oid, object == ObjectType::Table))
    }
}

/// A type as a statement names it.
fn type_name(name: &ObjectName) -> TypeName {
    let names = match name {
        ObjectName::Type(t) => return t.clone(),
        ObjectName::Name(n) => n.parts.clone(),
        _ => Vec::new(),
    };
    let pos = crate::sql::ast::NOWHERE;
    TypeName { names, setof: false, pct_type: false, typmods: Vec::new(), array_bounds: Vec::new(), pos }
}

fn check_grantor(cx: &mut ExecContext, stmt: &GrantStmt) -> Result<()> {
    match &stmt.grantor {
        Some(by) if role::resolve(cx.backend()?, by)?.0 != cx.backend()?.user.current => {
            Err(Error::unsupported("grantor must be current user"))
        }
        _ => Ok(()),
    }
}

/// Looks for an object a statement names.
///
/// # Errors
/// It is not there.
fn find(cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Flow<()> {
    let last = |name: &ObjectName| match name {
        ObjectName::Name(n) => n.parts.last().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    match (object, name) {
        (_, ObjectName::Function(sig)) => {
            if let Err(missing) = super::function::find(cmd, cx, object, sig)?
                && super::function::find_builtin(cmd, cx, object, sig)?.is_none()
            {
                return Err(missing.into());
            }
        }
        (ObjectType::Table | ObjectType::Sequence, ObjectName::Name(n)) => {
            names::locked_relation(cmd, cx, &names::range_var(&n.parts), LockMode::AccessShare)?;
        }
        (ObjectType::Schema, _) => {
            cx.backend()?.catalog.namespace_oid(&last(name))?;
        }
        (ObjectType::Database, _) => {
            let name = last(name);
            let found = cx.backend()?.catalog.database_by_name(&name);
            found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"))?;
        }
        (ObjectType::Tablespace, _) => {
            super::tablespace::named(cx, &last(name))?;
        }
        (ObjectType::ForeignDataWrapper | ObjectType::ForeignServer, _) => {
            super::foreign_data::named(cx, object, &last(name))?;
        }
        (ObjectType::Type | ObjectType::Domain, _) => {
            super::write::resolve_type(cx, &cmd.source, &type_name(name)).map_err(Error::without_position)?;
        }
        _ => {}
    }
    Ok(())
}

fn grantees(cx: &mut ExecContext, list: &[RoleSpec]) -> Result<Vec<Oid>> {
    let mut out = Vec::new();
    for spec in list {
        out.push(match spec.kind {
            RoleKind::Public => Oid::INVALID,
            _ => role::resolve(cx.backend()?, spec)?.0,
        });
    }
    Ok(out)
}

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &GrantStmt) -> Flow<String> {
    let tag = if stmt.is_grant { "GRANT" } else { "REVOKE" };
    check_grantor(cx, stmt)?;
    // What is not there is told before who is not (PostgreSQL 15, aclchk.c, ExecuteGrantStmt).
    match &stmt.target {
        GrantTarget::Objects { object, names } => {
            names.iter().try_for_each(|name| find(cmd, cx, *object, name))?;
        }
        GrantTarget::AllInSchema { schemas, .. } => {
            schemas.iter().try_for_each(|s| cx.backend()?.catalog.namespace_oid(s).map(|_| ()))?;
        }
        GrantTarget::Defaults { .. } => {}
    }
    let grant = Grant::new(cx, stmt)?;
    match &stmt.target {
        GrantTarget::Objects { object, names } => {
            for name in names {
                grant.one(cmd, cx, *object, name)?;
            }
        }
        GrantTarget::AllInSchema { object, schemas } => {
            for schema in schemas {
                let namespace = cx.backend()?.catalog.namespace_oid(schema)?;
                grant.all_in(cx, *object, namespace)?;
            }
        }
        GrantTarget::Defaults { .. } => {
            return Err(Error::unsupported("ALTER DEFAULT PRIVILEGES is not supported").into());
        }
    }
    Ok(tag.into())
}
