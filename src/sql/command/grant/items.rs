//! Lists of access items, and how they change. PostgreSQL 15, acl.c, aclupdate, recursive_revoke, check_circularity, and
//! aclchk.c, select_best_grantor: same rules and words.

use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Catalog;
use crate::catalog::acl::{role_mark, role_of, split, stored};
use crate::err;
use crate::sql::exec::rights::Subject;

/// PostgreSQL 15, acl.h: the letters, in the order items show them; bit n of [`Rights`] is the n-th.
const LETTERS: &str = "arwdDxtXUCTcsA";

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rights(u16);

impl Rights {
    pub const NONE: Rights = Rights(0);

    pub fn of(letters: &str) -> Rights {
        Rights(LETTERS.chars().enumerate().filter(|(_, l)| letters.contains(*l)).fold(0, |bits, (n, _)| bits | 1 << n))
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    pub fn or(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    pub fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }

    fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// What one role has given another (everybody: the invalid OID), and what of it may be passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    pub grantee: Oid,
    pub grantor: Oid,
    pub rights: Rights,
    pub options: Rights,
}

/// A change of one item.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub grant: bool,
    pub item: Item,
    pub cascade: bool,
}

/// Everything granted on an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Items {
    owner: Oid,
    list: Vec<Item>,
}

fn item_of(text: &str) -> Option<Item> {
    let (grantee, letters, grantor) = split(text);
    let grantee = if grantee.is_empty() { Oid::INVALID } else { role_of(grantee)? };
    let (mut rights, mut options) = (Rights::NONE, Rights::NONE);
    let mut rest = letters.chars().peekable();
    while let Some(l) = rest.next() {
        let bit = Rights::of(&l.to_string());
        rights = rights.or(bit);
        if rest.next_if_eq(&'*').is_some() {
            options = options.or(bit);
        }
    }
    Some(Item { grantee, grantor: role_of(grantor)?, rights, options })
}

impl Items {
    /// As stored; None is what an object has while nobody granted anything.
    pub fn new(catalog: &Catalog, stored_items: Option<&[String]>, owner: Oid, all: Rights, public: Rights) -> Items {
        match stored_items {
            Some(items) => Items::read(&stored(catalog, items), owner),
            None => Items::default_of(owner, all, public),
        }
    }

    /// As stored, with roles by their OIDs.
    pub fn read(stored_items: &[String], owner: Oid) -> Items {
        Items { owner, list: stored_items.iter().filter_map(|i| item_of(i)).collect() }
    }

    pub fn default_of(owner: Oid, all: Rights, public: Rights) -> Items {
        let item = |grantee, rights| Item { grantee, grantor: owner, rights, options: Rights::NONE };
        let list = [item(Oid::INVALID, public), item(owner, all)];
        Items { owner, list: list.into_iter().filter(|i| !i.rights.is_empty()).collect() }
    }

    /// Nothing is granted.
    pub fn none(owner: Oid) -> Items {
        Items { owner, list: Vec::new() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.list.iter()
    }

    /// By grantee, everybody first.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|i| i.grantee);
    }

    /// The same items, in whatever order.
    pub fn same_as(&self, other: &Items) -> bool {
        self.list.len() == other.list.len() && self.list.iter().all(|i| other.list.contains(i))
    }

    pub fn stored(&self) -> Vec<String> {
        let text = |i: &Item| {
            let mut letters = String::new();
            for l in LETTERS.chars() {
                let bit = Rights::of(&l.to_string());
                if !i.rights.and(bit).is_empty() {
                    letters.push(l);
                }
                if !i.options.and(bit).is_empty() {
                    letters.push('*');
                }
            }
            let grantee = if i.grantee.is_valid() { role_mark(i.grantee) } else { String::new() };
            format!("{grantee}={letters}/{}", role_mark(i.grantor))
        };
        self.list.iter().map(text).collect()
    }

    /// Adds what an item gives, under no conditions.
    pub fn merge(&mut self, item: Item) {
        match self.list.iter_mut().find(|i| (i.grantee, i.grantor) == (item.grantee, item.grantor)) {
            Some(i) => (i.rights, i.options) = (i.rights.or(item.rights), i.options.or(item.options)),
            None => self.list.push(item),
        }
    }

    /// Another role in the place of one (PostgreSQL 15, acl.c, aclnewowner).
    pub fn replace_role(&self, old: Oid, new: Oid) -> Items {
        let to_new = |role: Oid| if role == old { new } else { role };
        let mut out = Items::none(to_new(self.owner));
        for i in &self.list {
            out.merge(Item { grantee: to_new(i.grantee), grantor: to_new(i.grantor), ..*i });
        }
        out
    }

    /// Items of the object as a whole and those of one of its columns, together.
    pub fn with(&self, more: &Items) -> Items {
        Items { owner: self.owner, list: self.list.iter().chain(&more.list).copied().collect() }
    }

    /// What a role may pass on of some rights, by items in its own name.
    fn own_options(&self, role: Oid, of: Rights) -> Rights {
        if role == self.owner {
            return of;
        }
        let own = self.list.iter().filter(|i| i.grantee == role);
        own.fold(Rights::NONE, |found, i| found.or(i.options)).and(of)
    }

    /// What it may pass on, by items for everybody and for the roles it has the rights of, too.
    fn options(&self, catalog: &Catalog, role: Oid, of: Rights) -> Rights {
        let subject = Subject::of(catalog, role);
        if subject.is_one_of(self.owner) {
            return of;
        }
        let has = |i: &&Item| !i.grantee.is_valid() || subject.is_one_of(i.grantee);
        self.list.iter().filter(has).fold(Rights::NONE, |found, i| found.or(i.options)).and(of)
    }

    /// A role has any right at all, or may pass one on.
    pub fn mention(&self, catalog: &Catalog, role: Oid) -> bool {
        let subject = Subject::of(catalog, role);
        let has = |i: &Item| !i.grantee.is_valid() || subject.has_role(i.grantee);
        subject.has_role(self.owner) || self.list.iter().any(has)
    }

    /// In whose name a user grants these rights, and which of them that role may pass on.
    pub fn best_grantor(&self, catalog: &Catalog, user: Oid, rights: Rights) -> (Oid, Rights) {
        let subject = Subject::of(catalog, user);
        if subject.has_role(self.owner) {
            return (self.owner, rights);
        }
        let mut best = (user, Rights::NONE);
        for role in subject.roles() {
            let options = self.own_options(*role, rights);
            if options == rights {
                return (*role, options);
            }
            if options.count() > best.1.count() {
                best = (*role, options);
            }
        }
        best
    }

    /// Grants or revokes.
    ///
    /// # Errors
    /// 2BP01 without CASCADE, where others have passed on what is taken; 0LP01 for options given back.
    pub fn change(&mut self, catalog: &Catalog, change: Change) -> Result<()> {
        let Change { grant, item, cascade } = change;
        if grant && !item.options.is_empty() {
            self.refuse_circle(catalog, item)?;
        }
        let found = self.list.iter().position(|i| (i.grantee, i.grantor) == (item.grantee, item.grantor));
        let n = match found {
            Some(n) => n,
            None => {
                self.list.push(Item { rights: Rights::NONE, options: Rights::NONE, ..item });
                self.list.len() - 1
            }
        };
        let there = &mut self.list[n];
        let before = there.options;
        (there.rights, there.options) = match grant {
            true => (there.rights.or(item.rights), there.options.or(item.options)),
            false => (there.rights.without(item.rights), there.options.without(item.options)),
        };
        let lost = before.without(there.options);
        if there.rights.is_empty() && there.options.is_empty() {
            self.list.remove(n);
        }
        match lost.is_empty() {
            true => Ok(()),
            false => self.revoke_passed_on(catalog, item.grantee, lost, cascade),
        }
    }

    /// Takes from others what a role passed on and may no longer.
    fn revoke_passed_on(&mut self, catalog: &Catalog, role: Oid, lost: Rights, cascade: bool) -> Result<()> {
        // An owner never loses the right to grant.
        if role == self.owner {
            return Ok(());
        }
        let lost = lost.without(self.options(catalog, role, lost));
        while let Some(item) = self.list.iter().find(|i| i.grantor == role && !i.rights.and(lost).is_empty()).copied() {
            if !cascade {
                return Err(err!(DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist")
                    .hint("Use CASCADE to revoke them too."));
            }
            let item = Item { rights: lost, options: lost, ..item };
            self.change(catalog, Change { grant: false, item, cascade })?;
        }
        Ok(())
    }

    /// Nobody may grant options to those from whom the own ones come.
    fn refuse_circle(&self, catalog: &Catalog, item: Item) -> Result<()> {
        if item.grantor == self.owner {
            return Ok(());
        }
        let mut rest = self.clone();
        while let Some(of) = rest.list.iter().find(|i| i.grantee == item.grantee && !i.options.is_empty()).copied() {
            rest.change(catalog, Change { grant: false, item: of, cascade: true })?;
        }
        match item.options.without(rest.options(catalog, item.grantor, item.options)).is_empty() {
            true => Ok(()),
            false => {
                let text = "grant options cannot be granted back to your own grantor";
                Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text))
            }
        }
    }

    /// Takes from a role what a user could revoke, and from others what they had from it. PostgreSQL 15, aclchk.c,
    /// RemoveRoleFromObjectACL: what others granted stays.
    pub fn forget(&mut self, catalog: &Catalog, role: Oid, user: Oid) -> Result<()> {
        let all = self.list.iter().filter(|i| i.grantee == role).fold(Rights::NONE, |all, i| all.or(i.rights));
        let (grantor, _) = self.best_grantor(catalog, user, all);
        while let Some(item) = self.list.iter().find(|i| i.grantee == role && i.grantor == grantor).copied() {
            self.change(catalog, Change { grant: false, item, cascade: true })?;
        }
        Ok(())
    }
}
