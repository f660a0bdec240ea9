//! Whether the user may do what a statement wants: checked when it starts.
//!
//! `catalog::acl` says what items look like. PostgreSQL 15, aclchk.c: same rules.

use super::ExecContext;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::{BuiltinAcl, Class, ObjectKey, class, fixed};
use crate::catalog::{Attribute, Catalog, RelKind, Relation, acl};
use crate::catalog::{PG_READ_ALL_DATA, PG_WRITE_ALL_DATA};
pub(crate) use crate::catalog::{Subject, schema_allows};
use crate::sql::Backend;
use crate::sql::bind::RowSecurity;
use crate::sql::plan::{PlannedStatement, RelationAccess, access};

/// The current user.
pub(crate) fn subject(backend: &Backend) -> Subject {
    Subject::of(&backend.catalog, backend.user.current)
}

/// What a table's policies mean to a role, None: to the current user. PostgreSQL 15, rls.c, check_enable_rls: same rules.
///
/// # Errors
/// 42501 if they bind the role while `row_security` is off.
pub(crate) fn row_security(catalog: &Catalog, rel: &Relation, role: Option<Oid>) -> Result<RowSecurity> {
    let acting = catalog.acting();
    let (bound, owner) = bound_by_policies(catalog, rel, role.filter(|r| r.is_valid()).unwrap_or(acting.user));
    if matches!(bound, RowSecurity::For(_)) && !acting.row_security {
        return Err(crate::sql::bind::refuse_row_security(rel, owner));
    }
    Ok(bound)
}

/// What a table's policies mean to a role; and whether it owns the table.
pub(crate) fn bound_by_policies(catalog: &Catalog, rel: &Relation, user: Oid) -> (RowSecurity, bool) {
    if !rel.row_security {
        return (RowSecurity::None, false);
    }
    if catalog.role(user).is_some_and(|r| r.superuser || r.bypass_rls) {
        return (RowSecurity::NotForRole, false);
    }
    let owner = Subject::of(catalog, user).has_role(rel.owner);
    if owner && !rel.force_row_security {
        return (RowSecurity::NotForRole, owner);
    }
    (RowSecurity::For(user), owner)
}

/// Whether error messages must not show values of a table's rows.
pub(crate) fn hides_rows(backend: &Backend, rel: &Relation) -> bool {
    matches!(bound_by_policies(&backend.catalog, rel, backend.user.current).0, RowSecurity::For(_))
}

/// What error messages may show of a table's rows.
pub(crate) enum Seen {
    Whole,
    /// These attribute numbers.
    Columns(Vec<i16>),
}

impl Seen {
    pub fn has(&self, attno: i16) -> bool {
        match self {
            Seen::Whole => true,
            Seen::Columns(list) => list.contains(&attno),
        }
    }
}

/// What they may show of a row whose `assigned` attributes the user has given values; None: policies hide it.
pub(crate) fn seen_in_messages(backend: &Backend, rel: &Relation, assigned: &[i16]) -> Option<Seen> {
    if hides_rows(backend, rel) {
        return None;
    }
    let (target, subject) = (Target::of(&backend.catalog, rel), subject(backend));
    if subject.is_superuser() || target.whole(&subject, 'r', false) {
        return Some(Seen::Whole);
    }
    let open = |a: &i16| assigned.contains(a) || target.column(&subject, *a, 'r', false);
    Some(Seen::Columns(rel.attributes.iter().map(|a| a.attno).filter(open).collect()))
}

/// Whether they must not show values of these attributes (0: an expression), which the user may not read
/// (PostgreSQL 15, genam.c, BuildIndexValueDescription: same rule).
pub(crate) fn hides_key(backend: &Backend, rel: &Relation, attnos: &[i16]) -> bool {
    let (target, subject) = (Target::of(&backend.catalog, rel), subject(backend));
    let unread = |a: &i16| *a == 0 || !target.column(&subject, *a, 'r', false);
    hides_rows(backend, rel) || !target.whole(&subject, 'r', false) && attnos.iter().any(unread)
}

/// Catalogs that hold passwords or samples of data.
pub(crate) fn is_closed_catalog(name: &str) -> bool {
    matches!(
        name,
        "pg_authid"
            | "pg_shadow"
            | "pg_statistic"
            | "pg_statistic_ext_data"
            | "pg_largeobject"
            | "pg_user_mapping"
            | "pg_subscription"
            | "pg_hba_file_rules"
            | "pg_file_settings"
            | "pg_ident_file_mappings"
            | "pg_config"
            | "pg_backend_memory_contexts"
            | "pg_shmem_allocations"
            | "pg_replication_origin_status"
    ) || has_no_grants(name)
}

/// What everybody may do with a catalog.
pub(crate) fn public_rights(name: &str) -> &'static str {
    match name {
        "pg_settings" => "rw",
        name if is_closed_catalog(name) => "",
        _ => "r",
    }
}

/// Parts of information_schema that are there for its other views, or that nobody has granted.
pub(crate) fn has_no_grants(name: &str) -> bool {
    matches!(
        name,
        "sql_parts"
            | "transforms"
            | "_pg_foreign_table_columns"
            | "_pg_foreign_data_wrappers"
            | "_pg_foreign_servers"
            | "_pg_foreign_tables"
            | "_pg_user_mappings"
    )
}

/// A relation as rights see it.
pub(crate) struct Target<'a> {
    pub name: &'a str,
    pub owner: Oid,
    acl: Option<&'a [String]>,
    system_acl: &'a [(i16, Vec<String>)],
    pub attributes: &'a [Attribute],
    pub system: bool,
    /// Of a catalog whose rights are no longer initdb's.
    changed: Option<BuiltinAcl>,
}

impl<'a> Target<'a> {
    pub fn of(catalog: &Catalog, r: &'a Relation) -> Target<'a> {
        let (name, attributes, system) = (r.name.as_str(), r.attributes.as_slice(), r.generated_by.is_some());
        let changed = system.then(|| catalog.builtin_acl(ObjectKey::new(class::RELATION, r.oid))).flatten();
        Target { name, owner: r.owner, acl: r.acl.as_deref(), system_acl: &r.system_acl, attributes, system, changed }
    }

    pub fn of_class(c: &'a Class) -> Target<'a> {
        let (name, attributes) = (c.name.as_str(), c.attributes.as_slice());
        let (owner, acl, system_acl) = (c.owner, c.acl.as_deref(), c.system_acl.as_slice());
        Target { name, owner, acl, system_acl, attributes, system: false, changed: None }
    }

    /// The items of the whole; None: the default.
    pub fn acl(&self) -> Option<&[String]> {
        self.changed.as_ref().map_or(self.acl, |c| c.acl.as_deref())
    }

    fn column_acl(&self, attno: i16) -> Option<&[String]> {
        let among =
            |list: &'a [(i16, Vec<String>)]| list.iter().find(|(n, _)| *n == attno).map(|(_, acl)| acl.as_slice());
        match &self.changed {
            Some(c) => c.columns.iter().find(|(n, _)| *n == attno).map(|(_, acl)| acl.as_slice()),
            None if attno < 0 => among(self.system_acl),
            None => self.attributes.iter().find(|a| a.attno == attno && !a.dropped).and_then(|a| a.acl.as_deref()),
        }
    }

    fn public(&self) -> &'static str {
        if self.system { public_rights(self.name) } else { "" }
    }

    /// Whether the whole relation may be used so.
    pub fn whole(&self, subject: &Subject, right: char, grantable: bool) -> bool {
        let all_data = match right {
            'r' => subject.is_one_of(PG_READ_ALL_DATA) && !self.system,
            'a' | 'w' | 'd' => subject.is_one_of(PG_WRITE_ALL_DATA) && !self.system,
            _ => false,
        };
        all_data && !grantable || subject.may(self.owner, self.acl(), self.public(), right, grantable)
    }

    /// Whether one column may be used so, by rights on the column alone.
    pub fn column(&self, subject: &Subject, attno: i16, right: char, grantable: bool) -> bool {
        self.column_acl(attno).is_some_and(|acl| subject.allowed(acl, right, grantable))
    }

    /// Whether each of these columns may be used so; without columns, whether any may.
    fn columns(&self, subject: &Subject, attnos: &[i16], right: char) -> bool {
        if attnos.is_empty() {
            return self.attributes.iter().any(|a| self.column(subject, a.attno, right, false));
        }
        attnos.iter().all(|a| match *a {
            0 => self.attributes.iter().filter(|a| !a.dropped).all(|a| self.column(subject, a.attno, right, false)),
            attno => self.column(subject, attno, right, false),
        })
    }
}

/// Whether the current user may read all of a table.
pub(crate) fn may_read(backend: &Backend, c: &Class) -> bool {
    Target::of_class(c).whole(&subject(backend), 'r', false)
}

/// Checks what a statement wants to do to relations.
///
/// # Errors
/// 42501 `permission denied for table t`.
pub fn check(cx: &mut ExecContext, plan: &PlannedStatement) -> Result<()> {
    let backend = cx.backend()?;
    if plan.privileges.iter().any(|p| backend.catalog.is_other_temp(&p.rel)) {
        return Err(Error::unsupported("cannot access temporary tables of other sessions"));
    }
    let own_super = backend.user.is_superuser;
    if own_super && plan.privileges.iter().all(|p| p.check_as.is_none()) {
        return Ok(());
    }
    let current = subject(backend);
    for wanted in &plan.privileges {
        match wanted.check_as.filter(|r| r.is_valid() && *r != backend.user.current) {
            Some(role) => check_one(&backend.catalog, &Subject::of(&backend.catalog, role), wanted)?,
            None => {
                check_one(&backend.catalog, &current, wanted)?;
            }
        }
    }
    Ok(())
}

fn check_one(catalog: &Catalog, subject: &Subject, wanted: &RelationAccess) -> Result<()> {
    if subject.is_superuser() {
        return Ok(());
    }
    let target = Target::of(catalog, &wanted.rel);
    let rights = [(access::SELECT, 'r'), (access::INSERT, 'a'), (access::UPDATE, 'w'), (access::DELETE, 'd')];
    for (bit, right) in rights {
        if wanted.wanted & bit == 0 || target.whole(subject, right, false) {
            continue;
        }
        let by_column = match right {
            'r' => target.columns(subject, &wanted.selected, right),
            'a' => target.columns(subject, &wanted.inserted, right),
            'w' => target.columns(subject, &wanted.updated, right),
            _ => false,
        };
        if !by_column {
            return Err(denied(&wanted.rel));
        }
    }
    Ok(())
}

/// Whether a role (None: the current user) has any of these rights on the whole of a relation.
///
/// # Errors
/// 42501 `permission denied for table t`.
pub(crate) fn check_any(backend: &Backend, rel: &Relation, role: Option<Oid>, any_of: &str) -> Result<()> {
    let subject = Subject::of(&backend.catalog, role.unwrap_or(backend.user.current));
    let target = Target::of(&backend.catalog, rel);
    match subject.is_superuser() || any_of.chars().any(|right| target.whole(&subject, right, false)) {
        true => Ok(()),
        false => Err(denied(rel)),
    }
}

fn denied(rel: &Relation) -> Error {
    let word = match rel.kind {
        RelKind::View => "view",
        RelKind::Sequence => "sequence",
        RelKind::MatView => "materialized view",
        RelKind::Index => "index",
        _ => "table",
    };
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for {word} {}", rel.name)).place(
        "aclcheck_error",
        "aclchk.c",
        3512,
    )
}

/// The ACL of a sequence, table or view by OID, as a target of questions; None if there is none.
pub(crate) fn with_target<T>(catalog: &Catalog, oid: Oid, f: impl FnOnce(&Target<'_>) -> T) -> Option<T> {
    if let Some(r) = crate::catalog::system::relation(oid) {
        return Some(f(&Target::of(catalog, &r)));
    }
    let record = catalog.get(ObjectKey::new(class::RELATION, oid))?;
    let c = record.object.as_class().ok()?;
    Some(f(&Target::of_class(c)))
}

/// Who may run a built-in function, as items; None: everybody.
pub(crate) fn function_acl(catalog: &Catalog, oid: Oid) -> Option<Vec<String>> {
    if let Some(changed) = catalog.builtin_acl(ObjectKey::new(class::PROC, oid)) {
        return changed.acl;
    }
    let superuser = || catalog.role(fixed::BOOTSTRAP_SUPERUSER).map(|r| r.name).unwrap_or_default();
    let initial = super::system_view::builtin_acl(oid, superuser)?;
    Some(acl::stored(catalog, &initial))
}

/// What GRANT and REVOKE have made of the rights on a language.
pub(crate) fn language_acl(catalog: &Catalog, oid: Oid) -> Option<Vec<String>> {
    catalog.builtin_acl(ObjectKey::new(class::LANGUAGE, oid))?.acl
}

/// Whether the user may write routines in a language.
pub(crate) fn language_allows(catalog: &Catalog, subject: &Subject, oid: Oid, right: char, grant: bool) -> bool {
    let acl = language_acl(catalog, oid);
    subject.may(fixed::BOOTSTRAP_SUPERUSER, acl.as_deref(), "U", right, grant)
}

/// The same of a built-in type.
pub(crate) fn type_acl(catalog: &Catalog, oid: Oid) -> Option<Vec<String>> {
    catalog.builtin_acl(ObjectKey::new(class::TYPE, oid))?.acl
}

/// Whether the user may make objects with a type. Arrays have the rights of their elements.
pub(crate) fn type_allows(catalog: &Catalog, subject: &Subject, oid: Oid, right: char, grant: bool) -> bool {
    let oid = crate::types::element_type(oid).unwrap_or(oid);
    let (owner, acl) = match catalog.user_type(oid) {
        Some(t) => (t.owner, t.acl),
        None => (fixed::BOOTSTRAP_SUPERUSER, type_acl(catalog, oid)),
    };
    subject.may(owner, acl.as_deref(), "U", right, grant)
}
