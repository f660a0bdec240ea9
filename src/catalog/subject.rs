//! Who asks, as rights see it: a role with those whose rights it has. PostgreSQL 15, acl.c: same rules.

use super::object::fixed;
use super::{Catalog, acl};
use crate::base::Oid;

/// May read or write every table of every database.
pub(crate) const PG_READ_ALL_DATA: Oid = Oid(6181);
pub(crate) const PG_WRITE_ALL_DATA: Oid = Oid(6182);

/// A role with all roles whose rights it has.
#[derive(Debug)]
pub struct Subject {
    pub(crate) superuser: bool,
    pub(crate) roles: Vec<Oid>,
    pub(crate) names: Vec<String>,
}

impl Subject {
    /// The rights of a role: its own and those of the roles it inherits from.
    pub fn of(catalog: &Catalog, role: Oid) -> Subject {
        let superuser = catalog.role(role).is_some_and(|r| r.superuser);
        let mut roles = vec![role];
        let mut n = 0;
        while n < roles.len() {
            if let Some(r) = catalog.role(roles[n])
                && r.inherit
            {
                for m in r.member_of {
                    if !roles.contains(&m.role) {
                        roles.push(m.role);
                    }
                }
            }
            n += 1;
        }
        let owner = catalog.database_by_oid(catalog.database()).map(|d| d.owner);
        if owner.is_some_and(|o| roles.contains(&o)) {
            roles.push(fixed::DATABASE_OWNER);
        }
        let names = roles.iter().map(|r| catalog.role(*r).map(|r| r.name).unwrap_or_default()).collect();
        Subject { superuser, roles, names }
    }

    pub fn is_superuser(&self) -> bool {
        self.superuser
    }

    pub fn has_role(&self, role: Oid) -> bool {
        self.superuser || self.roles.contains(&role)
    }

    /// The role itself, then those it inherits from.
    pub fn roles(&self) -> &[Oid] {
        &self.roles
    }

    /// It is a role, or inherits from it: not by being a superuser.
    pub fn is_one_of(&self, role: Oid) -> bool {
        self.roles.contains(&role)
    }

    fn is_one(&self, grantee: &str) -> bool {
        self.roles.iter().zip(&self.names).any(|(role, name)| acl::is_role(grantee, *role, name))
    }

    /// Whether items give a right; `grantable`: with the option to pass it on.
    pub fn allowed(&self, items: &[String], right: char, grantable: bool) -> bool {
        items.iter().any(|item| {
            let (grantee, rights, _) = acl::split(item);
            let mut letters = rights.chars().peekable();
            let mut found = false;
            while let Some(letter) = letters.next() {
                let option = letters.next_if_eq(&'*').is_some();
                found |= letter == right && (option || !grantable);
            }
            found && (grantee.is_empty() || self.is_one(grantee))
        })
    }

    /// Whether the role has a right on an object with this owner, ACL and rights that everybody has by default.
    pub fn may(&self, owner: Oid, acl: Option<&[String]>, public: &str, right: char, grantable: bool) -> bool {
        if self.superuser {
            return true;
        }
        match acl {
            Some(acl) => self.allowed(acl, right, grantable) || grantable && self.roles.contains(&owner),
            None => self.roles.contains(&owner) || !grantable && public.contains(right),
        }
    }
}

impl Catalog {
    /// Whether the acting role may look up names in a schema.
    pub fn may_look_into(&self, schema: Oid) -> bool {
        if schema < Oid::FIRST_NORMAL && schema != fixed::PUBLIC {
            return true;
        }
        let Some(n) = self.namespace(schema) else { return true };
        let everybody = |item: &String| {
            let (grantee, rights, _) = acl::split(item);
            grantee.is_empty() && rights.contains('U')
        };
        let user = self.acting().user;
        n.temp_of.is_some()
            || n.owner == user && n.acl.is_none()
            || n.acl.iter().flatten().any(everybody)
            || !user.is_valid()
            || schema_allows(self, &Subject::of(self, user), schema, 'U', false)
    }
}

/// Whether a role may look up names in a schema (`U`) or make objects in it (`C`).
pub fn schema_allows(catalog: &Catalog, subject: &Subject, schema: Oid, right: char, grantable: bool) -> bool {
    let Some(n) = catalog.namespace(schema) else { return false };
    // The catalogs' own schemas are open for look-ups.
    let public = if schema < Oid(16384) && schema.0 != 2200 && schema.0 != 99 { "U" } else { "" };
    // PostgreSQL 15, aclchk.c, pg_namespace_aclmask: who may read or write all data may look for it.
    let reads_all = |r: Oid| subject.is_one_of(r);
    let all_data = right == 'U' && !grantable && (reads_all(PG_READ_ALL_DATA) || reads_all(PG_WRITE_ALL_DATA));
    n.temp_of.is_some() || all_data || subject.may(n.owner, n.acl.as_deref(), public, right, grantable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joe() -> Subject {
        Subject { superuser: false, roles: vec![Oid(20000)], names: vec!["joe".into()] }
    }

    /// Rights come from items for the role or for everybody, and only the option makes them grantable.
    #[test]
    fn items_give_rights() {
        let acl = ["#20000=ar*w/#10".to_string(), "=d/postgres".to_string(), "\"a \"\"b\"=x/postgres".to_string()];
        let may = |right, grantable| joe().may(Oid(10), Some(&acl), "", right, grantable);
        assert!(may('a', false) && may('r', false) && may('w', false) && may('d', false));
        assert!(may('r', true) && !may('a', true) && !may('d', true) && !may('x', false));
    }

    /// Without items the owner has all rights, others those that are open.
    #[test]
    fn defaults_depend_on_the_owner() {
        assert!(joe().may(Oid(20000), None, "", 'r', true));
        assert!(joe().may(Oid(10), None, "U", 'U', false) && !joe().may(Oid(10), None, "U", 'C', false));
    }
}
