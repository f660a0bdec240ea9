//! GRANT and REVOKE: items as `catalog::acl` has them (`exec::rights` reads them).

use super::write::{class_of, put};
use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::acl::{role_mark, split, stored};
use crate::catalog::object::{Function, Membership, class};
use crate::catalog::{Object, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{GrantRoleStmt, GrantStmt, GrantTarget, ObjectName, ObjectType, Privilege, RoleKind, RoleSpec};
use crate::sql::exec::ExecContext;

/// PostgreSQL 15, acl.h: the letters, in the order items show them.
const LETTERS: &str = "arwdDxtXUCTcsA";

fn letter(word: &str) -> Option<char> {
    Some(match word {
        "insert" => 'a',
        "select" => 'r',
        "update" => 'w',
        "delete" => 'd',
        "truncate" => 'D',
        "references" => 'x',
        "trigger" => 't',
        "execute" => 'X',
        "usage" => 'U',
        "create" => 'C',
        "temporary" | "temp" => 'T',
        "connect" => 'c',
        _ => return None,
    })
}

/// All rights an object of a kind can give, those everybody has by default, and the kind's word.
pub(super) fn rights_of(object: ObjectType) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match object {
        ObjectType::Table => ("arwdDxt", "", "relation"),
        ObjectType::Sequence => ("rwU", "", "sequence"),
        ObjectType::Column => ("arwx", "", "column"),
        ObjectType::Database => ("CTc", "Tc", "database"),
        ObjectType::Schema => ("UC", "", "schema"),
        ObjectType::Type | ObjectType::Domain => ("U", "U", "type"),
        ObjectType::Function | ObjectType::Procedure | ObjectType::Routine => ("X", "X", "function"),
        _ => return None,
    })
}

/// What is given or taken.
pub(super) struct Change {
    grant: bool,
    /// Letters.
    rights: Vec<char>,
    /// WITH GRANT OPTION, or only that option is taken.
    option: bool,
    /// As items name them; empty: everybody.
    grantees: Vec<String>,
    grantor: String,
}

/// The items an object has while nobody granted anything.
pub(super) fn default_items(all: &str, public: &str, owner: &str) -> Vec<String> {
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(format!("={public}/{owner}"));
    }
    items.push(format!("{owner}={}/{owner}", in_order(all)));
    items
}

fn in_order(rights: &str) -> String {
    LETTERS.chars().filter(|l| rights.contains(*l)).collect()
}

/// Letters with whether they may be passed on.
fn parse(rights: &str) -> Vec<(char, bool)> {
    let mut out: Vec<(char, bool)> = Vec::new();
    for c in rights.chars() {
        match (c, out.last_mut()) {
            ('*', Some(last)) => last.1 = true,
            (c, _) => out.push((c, false)),
        }
    }
    out
}

fn shown(rights: &[(char, bool)]) -> String {
    let mut out = String::new();
    for l in LETTERS.chars() {
        if let Some((_, option)) = rights.iter().find(|r| r.0 == l) {
            out.push(l);
            if *option {
                out.push('*');
            }
        }
    }
    out
}

impl Change {
    /// What a statement says.
    pub(super) fn of(cx: &mut ExecContext, stmt: &GrantStmt, owner: &str, rights: Vec<char>) -> Result<Change> {
        if stmt.is_grant && stmt.grant_option && stmt.grantees.iter().any(|g| g.kind == RoleKind::Public) {
            return Err(Error::new(SqlState::new("0LP01"), "grant options can only be granted to roles"));
        }
        let grantees = grantees(cx, &stmt.grantees)?;
        Ok(Change { grant: stmt.is_grant, rights, option: stmt.grant_option, grantees, grantor: owner.to_string() })
    }

    /// One more item of a list.
    pub(super) fn merging(item: &str) -> MergeItem<'_> {
        MergeItem(split(item))
    }

    /// Changes a list of items.
    pub(super) fn apply(&self, items: &mut Vec<String>) {
        for grantee in &self.grantees {
            let mut met = false;
            for item in items.iter_mut() {
                let (g, rights, grantor) = split(item);
                if g != grantee || self.grant && grantor != self.grantor {
                    continue;
                }
                met = true;
                let mut rights = parse(rights);
                for l in &self.rights {
                    match (self.grant, rights.iter_mut().find(|r| r.0 == *l)) {
                        (true, Some(r)) => r.1 |= self.option,
                        (true, None) => rights.push((*l, self.option)),
                        (false, Some(r)) if self.option => r.1 = false,
                        (false, _) => rights.retain(|r| r.0 != *l),
                    }
                }
                *item = format!("{g}={}/{grantor}", shown(&rights));
            }
            if !met && self.grant {
                let rights: Vec<(char, bool)> = self.rights.iter().map(|l| (*l, self.option)).collect();
                items.push(format!("{grantee}={}/{}", shown(&rights), self.grantor));
            }
        }
        items.retain(|i| !split(i).1.is_empty());
    }

    /// Changes what an object has.
    fn on(&self, acl: &Option<Vec<String>>, all: &str, public: &str, owner: &str) -> Option<Vec<String>> {
        let mut items = acl.clone().unwrap_or_else(|| default_items(all, public, owner));
        self.apply(&mut items);
        Some(items)
    }
}

/// An item to be united with those there are: each right keeps its own option.
pub(super) struct MergeItem<'a>((&'a str, &'a str, &'a str));

impl MergeItem<'_> {
    pub(super) fn apply(&self, items: &mut Vec<String>) {
        let (grantee, rights, grantor) = self.0;
        for (right, option) in parse(rights) {
            let (rights, grantees) = (vec![right], vec![grantee.to_string()]);
            Change { grant: true, rights, option, grantees, grantor: grantor.to_string() }.apply(items);
        }
    }
}

fn grantees(cx: &mut ExecContext, list: &[RoleSpec]) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for spec in list {
        out.push(match spec.kind {
            RoleKind::Public => String::new(),
            _ => role_mark(role::resolve(cx.backend()?, spec)?.0),
        });
    }
    Ok(out)
}

/// The letters of the privileges named, for a kind of object.
pub(super) fn letters(list: &[Privilege], object: ObjectType) -> Result<Vec<char>> {
    let Some((all, _, word)) = rights_of(object) else {
        return Err(Error::unsupported("GRANT on this kind of object is not supported"));
    };
    if list.is_empty() {
        return Ok(all.chars().collect());
    }
    let mut out = Vec::new();
    for p in list {
        let Some(name) = &p.name else {
            out.extend(all.chars());
            continue;
        };
        let Some(l) = letter(name) else {
            return Err(err!(SYNTAX_ERROR, "unrecognized privilege type \"{name}\""));
        };
        if !all.contains(l) {
            let text = format!("invalid privilege type {} for {word}", name.to_uppercase());
            return Err(Error::new(SqlState::new("0LP01"), text));
        }
        out.push(l);
    }
    Ok(out)
}

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &GrantStmt) -> Flow<String> {
    let tag = if stmt.is_grant { "GRANT" } else { "REVOKE" };
    match &stmt.target {
        GrantTarget::Objects { object, names } => {
            for name in names {
                one(cmd, cx, stmt, *object, name)?;
            }
        }
        GrantTarget::AllInSchema { object, schemas } => {
            for schema in schemas {
                let namespace = cx.backend()?.catalog.namespace_oid(schema)?;
                all_in(cx, stmt, *object, namespace)?;
            }
        }
        GrantTarget::Defaults { .. } => {
            return Err(Error::unsupported("ALTER DEFAULT PRIVILEGES is not supported").into());
        }
    }
    Ok(tag.into())
}

fn may_grant(cx: &mut ExecContext, owner: Oid, word: &str, name: &str) -> Result<()> {
    match role::has_role(cx.backend()?, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for {word} {name}")),
    }
}

fn one(cmd: &Command, cx: &mut ExecContext, stmt: &GrantStmt, object: ObjectType, name: &ObjectName) -> Flow<()> {
    if let ObjectName::Function(_) = name {
        let f = super::function::named(cmd, cx, object, name)?;
        return Ok(on_function(cx, stmt, f)?);
    }
    let parts = match name {
        ObjectName::Name(n) => n.parts.clone(),
        ObjectName::Type(t) => t.names.clone(),
        _ => return Err(Error::unsupported("GRANT on this kind of object is not supported").into()),
    };
    let last = parts.last().cloned().unwrap_or_default();
    match object {
        ObjectType::Table | ObjectType::Sequence => {
            let found = names::locked_relation(cmd, cx, &names::range_var(&parts), LockMode::AccessShare)?;
            if found.generated_by.is_some() {
                return Err(Error::unsupported("GRANT on system catalogs is not supported").into());
            }
            if object == ObjectType::Sequence && found.kind != RelKind::Sequence {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", found.name).into());
            }
            if found.kind == RelKind::Index {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an index", found.name).into());
            }
            names::lock_name(cx, class::RELATION, found.namespace, &found.oid.to_string())?;
            on_relation(cx, stmt, found.oid)?;
            Ok(())
        }
        ObjectType::Schema => {
            let oid = cx.backend()?.catalog.namespace_oid(&last)?;
            names::lock_name(cx, class::NAMESPACE, Oid::INVALID, &oid.to_string())?;
            let Some(mut n) = cx.backend()?.catalog.namespace(oid) else { return Ok(()) };
            may_grant(cx, n.owner, "schema", &n.name)?;
            n.acl = changed(cx, stmt, object, &n.acl, n.owner)?;
            Ok(put(cx, Object::Namespace(n))?)
        }
        ObjectType::Database => {
            names::lock_name(cx, class::DATABASE, Oid::INVALID, &last)?;
            let found = cx.backend()?.catalog.database_by_name(&last);
            let mut d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{last}\" does not exist"))?;
            may_grant(cx, d.owner, "database", &d.name)?;
            d.acl = changed(cx, stmt, object, &d.acl, d.owner)?;
            Ok(put(cx, Object::Database(d))?)
        }
        ObjectType::Type | ObjectType::Domain => {
            let schema = parts.len().checked_sub(2).map(|n| parts[n].clone());
            let found = cx.backend()?.catalog.user_type_by_name(schema.as_deref(), &last)?;
            let mut t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", parts.join(".")))?;
            may_grant(cx, t.owner, "type", &t.name)?;
            t.acl = changed(cx, stmt, object, &t.acl, t.owner)?;
            Ok(put(cx, Object::Type(t))?)
        }
        _ => Err(Error::unsupported("GRANT on this kind of object is not supported").into()),
    }
}

fn changed(
    cx: &mut ExecContext,
    stmt: &GrantStmt,
    object: ObjectType,
    acl: &Option<Vec<String>>,
    owner: Oid,
) -> Result<Option<Vec<String>>> {
    let rights = letters(&stmt.privileges, object)?;
    let (all, public, _) = rights_of(object).unwrap_or_default();
    let owner = role_mark(owner);
    let catalog = cx.backend()?.catalog.clone();
    let acl = acl.as_ref().map(|items| stored(&catalog, items));
    Ok(Change::of(cx, stmt, &owner, rights)?.on(&acl, all, public, &owner))
}

fn on_relation(cx: &mut ExecContext, stmt: &GrantStmt, oid: Oid) -> Result<()> {
    let mut c = class_of(cx, oid)?;
    let catalog = cx.backend()?.catalog.clone();
    for items in c.attributes.iter_mut().map(|a| &mut a.acl).chain([&mut c.acl]).flatten() {
        *items = stored(&catalog, items);
    }
    let sequence = c.kind == RelKind::Sequence;
    let object = if sequence { ObjectType::Sequence } else { ObjectType::Table };
    may_grant(cx, c.owner, names::kind_word(c.kind), &c.name)?;
    let (whole, by_column): (Vec<Privilege>, Vec<Privilege>) =
        stmt.privileges.iter().cloned().partition(|p| p.columns.is_empty());
    if !whole.is_empty() || by_column.is_empty() {
        // GRANT SELECT ON TABLE works on a sequence, too, as far as the right exists there.
        let rights = letters(&whole, object)?;
        let (all, public, _) = rights_of(object).unwrap_or_default();
        let owner = role_mark(c.owner);
        let change = Change::of(cx, stmt, &owner, rights)?;
        c.acl = change.on(&c.acl, all, public, &owner);
        if !stmt.is_grant {
            // What is taken from the whole is taken from its columns.
            for a in c.attributes.iter_mut() {
                if let Some(items) = &mut a.acl {
                    change.apply(items);
                }
                a.acl = a.acl.take().filter(|i| !i.is_empty());
            }
        }
    }
    for p in &by_column {
        let rights = letters(std::slice::from_ref(p), ObjectType::Column)?;
        let owner = role_mark(c.owner);
        let change = Change::of(cx, stmt, &owner, rights)?;
        for name in &p.columns {
            let table = c.name.clone();
            let a = c.attributes.iter_mut().find(|a| !a.dropped && a.name == *name);
            let a =
                a.ok_or_else(|| err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{table}\" does not exist"))?;
            let mut items = a.acl.take().unwrap_or_default();
            change.apply(&mut items);
            a.acl = Some(items).filter(|i| !i.is_empty());
        }
    }
    put(cx, Object::Class(c))
}

fn on_function(cx: &mut ExecContext, stmt: &GrantStmt, mut f: Function) -> Result<()> {
    names::lock_name(cx, class::PROC, f.namespace, &f.oid.to_string()).map_err(|s| s.into_error())?;
    f.acl = changed(cx, stmt, ObjectType::Function, &f.acl, f.owner)?;
    put(cx, Object::Function(f))
}

fn all_functions(cx: &mut ExecContext, stmt: &GrantStmt, object: ObjectType, namespace: Oid) -> Result<()> {
    for record in cx.backend()?.catalog.all(class::PROC) {
        let Object::Function(f) = &record.object else { continue };
        let wanted = match object {
            ObjectType::Function => !f.is_procedure(),
            ObjectType::Procedure => f.is_procedure(),
            _ => true,
        };
        if f.namespace == namespace && wanted {
            may_grant(cx, f.owner, if f.is_procedure() { "procedure" } else { "function" }, &f.name)?;
            on_function(cx, stmt, f.clone())?;
        }
    }
    Ok(())
}

fn all_in(cx: &mut ExecContext, stmt: &GrantStmt, object: ObjectType, namespace: Oid) -> Result<()> {
    let wanted = |kind: RelKind| match object {
        ObjectType::Sequence => kind == RelKind::Sequence,
        _ => matches!(kind, RelKind::Table | RelKind::View | RelKind::MatView | RelKind::Partitioned),
    };
    if matches!(object, ObjectType::Function | ObjectType::Procedure | ObjectType::Routine) {
        return all_functions(cx, stmt, object, namespace);
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
    found.into_iter().try_for_each(|oid| on_relation(cx, stmt, oid))
}

/// GRANT role TO role, and REVOKE.
pub fn roles(cx: &mut ExecContext, stmt: &GrantRoleStmt) -> Flow<String> {
    let tag = if stmt.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" };
    for p in &stmt.roles {
        let Some(name) = &p.name else { continue };
        let found = cx.backend()?.catalog.role_by_name(name);
        let group = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?;
        let backend = cx.backend()?;
        let may = backend.user.is_superuser
            || !group.superuser
                && backend
                    .catalog
                    .role(backend.user.current)
                    .is_some_and(|r| r.create_role || r.member_of.iter().any(|m| m.role == group.oid && m.admin));
        if !may {
            let text = match group.superuser {
                true => "must be superuser to alter superusers".to_string(),
                false => format!("must have admin option on role \"{name}\""),
            };
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).into());
        }
        for spec in &stmt.grantees {
            member(cx, stmt, (group.oid, name), spec)?;
        }
    }
    Ok(tag.into())
}

fn member(cx: &mut ExecContext, stmt: &GrantRoleStmt, group: (Oid, &str), spec: &RoleSpec) -> Flow<()> {
    let (oid, name) = role::resolve(cx.backend()?, spec)?;
    names::lock_name(cx, class::AUTHID, Oid::INVALID, &name)?;
    let backend = cx.backend()?;
    let Some(mut r) = backend.catalog.role(oid) else { return Ok(()) };
    let grantor = backend.user.current;
    let there = r.member_of.iter_mut().find(|m| m.role == group.0);
    if !stmt.is_grant {
        match there {
            None => {
                let text = format!("role \"{name}\" is not a member of role \"{}\"", group.1);
                cx.notices.push(crate::base::Report::notice(crate::base::Severity::Warning, SqlState::WARNING, text));
                return Ok(());
            }
            Some(m) if stmt.admin_option => m.admin = false,
            Some(_) => r.member_of.retain(|m| m.role != group.0),
        }
        return Ok(put(cx, Object::Role(r))?);
    }
    if is_member(cx, group.0, oid)? {
        let text = format!("role \"{}\" is a member of role \"{name}\"", group.1);
        return Err(Error::new(SqlState::new("0LP01"), text).into());
    }
    match there {
        Some(m) if m.admin || !stmt.admin_option => {
            let text = format!("role \"{name}\" is already a member of role \"{}\"", group.1);
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            return Ok(());
        }
        Some(m) => m.admin = true,
        None => r.member_of.push(Membership { role: group.0, grantor, admin: stmt.admin_option }),
    }
    Ok(put(cx, Object::Role(r))?)
}

/// Whether a role is, through any number of others, a member of another, or the same.
fn is_member(cx: &mut ExecContext, role: Oid, of: Oid) -> Result<bool> {
    let mut all = vec![role];
    let mut n = 0;
    while n < all.len() {
        if all[n] == of {
            return Ok(true);
        }
        let found = cx.backend()?.catalog.role(all[n]).map(|r| r.member_of).unwrap_or_default();
        for m in found {
            if !all.contains(&m.role) {
                all.push(m.role);
            }
        }
        n += 1;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(grant: bool, rights: &str, option: bool) -> Change {
        let grantees = vec!["joe".to_string()];
        Change { grant, rights: rights.chars().collect(), option, grantees, grantor: "bob".into() }
    }

    /// The first grant writes down what the owner has; what is given can be taken again, the option alone, too.
    #[test]
    fn items_change_as_in_postgresql() {
        let acl = change(true, "wr", true).on(&None, "arwdDxt", "", "bob");
        assert_eq!(acl.as_deref(), Some(&["bob=arwdDxt/bob".to_string(), "joe=r*w*/bob".into()][..]));
        let acl = change(false, "w", true).on(&acl, "arwdDxt", "", "bob");
        assert_eq!(acl.as_ref().map(|a| a[1].as_str()), Some("joe=r*w/bob"));
        let acl = change(false, "rw", false).on(&acl, "arwdDxt", "", "bob");
        assert_eq!(acl.map(|a| a.len()), Some(1));
    }
}
