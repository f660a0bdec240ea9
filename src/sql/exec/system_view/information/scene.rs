//! The catalogs as the current role sees them.

use super::super::class::{as_class, system_relations};
use super::super::{Sink, catalog};
use crate::base::{Oid, Result};
use crate::catalog::object::{Class, class};
use crate::catalog::{Attribute, Catalog, Constraint, ConstraintKind, Object, Persistence, Record, RelKind, Relation};
use crate::sql::bind::{self, Query};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::{Subject, Target};
use crate::sql::exec::system::define::Look;
use crate::sql::expr::ExprKind;
use crate::types::IoContext;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

pub fn yes(on: bool) -> &'static str {
    if on { "YES" } else { "NO" }
}

/// A relation of a user or of the system.
pub enum Held {
    System(Arc<Relation>),
    User(Arc<Record>),
}

impl Held {
    pub fn class(&self) -> Option<&Class> {
        match self {
            Held::System(_) => None,
            Held::User(r) => as_class(r),
        }
    }

    pub fn oid(&self) -> Oid {
        match self {
            Held::System(r) => r.oid,
            Held::User(r) => r.object.key().oid,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Held::System(r) => &r.name,
            Held::User(_) => self.class().map_or("", |c| &c.name),
        }
    }

    pub fn namespace(&self) -> Oid {
        match self {
            Held::System(r) => r.namespace,
            Held::User(_) => self.class().map_or(Oid::INVALID, |c| c.namespace),
        }
    }

    pub fn owner(&self) -> Oid {
        match self {
            Held::System(r) => r.owner,
            Held::User(_) => self.class().map_or(Oid::INVALID, |c| c.owner),
        }
    }

    pub fn kind(&self) -> RelKind {
        match self {
            Held::System(r) => r.kind,
            Held::User(_) => self.class().map_or(RelKind::Index, |c| c.kind),
        }
    }

    /// Columns that are not dropped.
    pub fn columns(&self) -> impl Iterator<Item = &Attribute> {
        let all: &[Attribute] = match self {
            Held::System(r) => &r.attributes,
            Held::User(_) => self.class().map_or(&[], |c| &c.attributes),
        };
        all.iter().filter(|a| !a.dropped && a.attno > 0)
    }

    pub fn column(&self, attno: i16) -> Option<&Attribute> {
        self.columns().find(|a| a.attno == attno)
    }

    /// The standard knows no exclusion constraints.
    pub fn constraints(&self) -> impl Iterator<Item = Cow<'_, Constraint>> {
        let all = match self {
            Held::System(r) => &r.constraints[..],
            Held::User(_) => self.class().map_or(&[][..], |c| &c.constraints),
        };
        let parts = all.iter().flat_map(Constraint::parts).map(Cow::Owned);
        all.iter().filter(|k| k.kind != ConstraintKind::Exclude).map(Cow::Borrowed).chain(parts)
    }

    pub fn is_temporary(&self) -> bool {
        self.class().is_some_and(|c| c.persistence == Persistence::Temp)
    }

    pub fn target(&self, catalog: &Catalog) -> Option<Target<'_>> {
        match self {
            Held::System(r) => Some(Target::of(catalog, r)),
            Held::User(_) => self.class().map(Target::of_class),
        }
    }
}

/// Tables and views.
pub const LISTED: [RelKind; 3] = [RelKind::Table, RelKind::View, RelKind::Partitioned];
pub const TABLES: [RelKind; 2] = [RelKind::Table, RelKind::Partitioned];

/// What all views of this schema need.
pub struct Scene {
    pub catalog: Arc<Catalog>,
    pub database: String,
    pub subject: Subject,
    pub io: IoContext,
    schemas: RefCell<HashMap<Oid, (Arc<str>, bool)>>,
    roles: RefCell<HashMap<Oid, Arc<str>>>,
    seen: Seen,
}

impl Scene {
    pub fn of(cx: &mut ExecContext) -> Result<Scene> {
        let catalog = catalog(cx)?;
        let io = cx.fx.io.clone();
        let backend = cx.backend()?;
        let database = backend.database_name.clone();
        let subject = crate::sql::exec::rights::subject(backend);
        Ok(Scene {
            catalog,
            database,
            subject,
            io,
            schemas: RefCell::default(),
            roles: RefCell::default(),
            seen: Seen::default(),
        })
    }

    /// How definitions are shown.
    pub fn look(&self) -> Look<'_> {
        Look { catalog: &self.catalog, io: &self.io, pretty: false, width: 0 }
    }

    fn known_schema(&self, namespace: Oid) -> (Arc<str>, bool) {
        let mut known = self.schemas.borrow_mut();
        let find = || match self.catalog.namespace(namespace) {
            Some(n) => (n.name.as_str().into(), n.temp_of.is_some() && self.catalog.temp_schema() != Some(n.oid)),
            None => ("".into(), false),
        };
        known.entry(namespace).or_insert_with(find).clone()
    }

    pub fn schema(&self, namespace: Oid) -> Arc<str> {
        self.known_schema(namespace).0
    }

    /// Another session's temporary schema.
    pub fn is_foreign_temp(&self, namespace: Oid) -> bool {
        self.known_schema(namespace).1
    }

    pub fn role(&self, role: Oid) -> Arc<str> {
        let mut known = self.roles.borrow_mut();
        known.entry(role).or_insert_with(|| self.catalog.role(role).map(|r| r.name).unwrap_or_default().into()).clone()
    }

    /// Relations of these kinds in the order of their OIDs; the sink may exclude some by their name or schema.
    pub fn relations(&self, sink: &Sink, kinds: &[RelKind], schema: &str, name: &str) -> Vec<Held> {
        let (schema, name) = (sink.text_key(schema), sink.text_key(name));
        let mut found: Vec<Held> = system_relations(None, name.as_deref()).into_iter().map(Held::System).collect();
        let mut users = self.catalog.all(class::RELATION);
        let shown = |c: &Class| name.as_ref().is_none_or(|n| c.name == *n) && !crate::sql::large_object::is_store(c);
        users.retain(|r| matches!(&r.object, Object::Class(c) if shown(c)));
        users.sort_by_key(|r| r.object.key().oid);
        found.extend(users.into_iter().map(Held::User));
        found.retain(|h| {
            kinds.contains(&h.kind())
                && !self.is_foreign_temp(h.namespace())
                && schema.as_ref().is_none_or(|s| *self.schema(h.namespace()) == **s)
        });
        found
    }

    /// All relations of these kinds.
    pub fn all_relations(&self, sink: &Sink, kinds: &[RelKind]) -> Vec<Held> {
        self.relations(sink, kinds, "", "")
    }

    pub fn relation(&self, oid: Oid) -> Option<Held> {
        match crate::catalog::system::relation(oid) {
            Some(r) => Some(Held::System(r)),
            None => self.catalog.class(oid).map(Held::User),
        }
    }

    pub fn owns(&self, h: &Held) -> bool {
        self.subject.has_role(h.owner())
    }

    /// Whether the role has one of these rights on a relation, or of `column` on one of its columns.
    fn may(&self, h: &Held, whole: &str, column: &str) -> bool {
        let Some(t) = h.target(&self.catalog) else { return false };
        whole.chars().any(|r| t.whole(&self.subject, r, false))
            || column.chars().any(|r| h.columns().any(|a| t.column(&self.subject, a.attno, r, false)))
    }

    /// Any right makes a relation visible.
    pub fn sees(&self, h: &Held) -> bool {
        self.owns(h) || self.may(h, "rawdDxt", "rawx")
    }

    /// Its constraints and triggers are for those who may do more than read it.
    pub fn sees_rules(&self, h: &Held) -> bool {
        self.owns(h) || self.may(h, "awdDxt", "awx")
    }

    /// A column is visible to those who may use it.
    pub fn sees_column(&self, h: &Held, attno: i16) -> bool {
        let Some(t) = h.target(&self.catalog) else { return false };
        self.owns(h)
            || "rawx".chars().any(|r| t.whole(&self.subject, r, false) || t.column(&self.subject, attno, r, false))
    }

    /// Likewise, but reading it is not enough.
    pub fn sees_written(&self, h: &Held, attno: i16) -> bool {
        let Some(t) = h.target(&self.catalog) else { return false };
        self.owns(h)
            || "awx".chars().any(|r| t.whole(&self.subject, r, false) || t.column(&self.subject, attno, r, false))
    }

    /// A type's owner, ACL and whether anybody may use it by default; types of the system are everybody's.
    pub fn may_use_type(&self, oid: Oid) -> bool {
        match self.catalog.user_type(oid) {
            Some(t) => self.subject.has_role(t.owner) || self.subject.may(t.owner, t.acl.as_deref(), "U", 'U', false),
            None => true,
        }
    }

    /// The owner of a type, be it a row's.
    pub fn type_owner(&self, oid: Oid) -> Oid {
        let superuser = crate::catalog::object::fixed::BOOTSTRAP_SUPERUSER;
        match crate::types::info(oid) {
            Some(i) if i.oid >= Oid::FIRST_NORMAL => {
                let element = if i.is_array() { i.element } else { i.oid };
                if let Some(t) = self.catalog.user_type(element) {
                    return t.owner;
                }
                let class = self.catalog.class_of_row_type(element).and_then(|c| self.relation(c));
                class.map_or(superuser, |h| h.owner())
            }
            _ => superuser,
        }
    }

    /// What may be done to a relation, as bits.
    pub fn updatable(&self, h: &Held, column: Option<i16>) -> i32 {
        updatable(&self.catalog, &self.io, &self.seen, h.oid(), false, column)
    }

    /// The query of a view.
    pub fn view_query(&self, h: &Held) -> Option<Query> {
        bind::view_query(h.class()?.view.as_ref()?, &*self.catalog, &self.io).ok()
    }
}

/// UPDATE, INSERT, DELETE as bits of `pg_relation_is_updatable`.
const UPDATE: i32 = 4;
const INSERT: i32 = 8;
const DELETE: i32 = 16;
pub const CHANGES: i32 = UPDATE | DELETE;
pub const INSERTS: i32 = INSERT;

/// Of a view that is written through: the relation below, and which column of that each of its own is.
type Shown = Option<(Oid, Vec<Option<i16>>)>;

/// Views that have been looked at.
#[derive(Default)]
pub(crate) struct Seen(RefCell<HashMap<Oid, Arc<Shown>>>);

impl Seen {
    fn view(&self, catalog: &Catalog, io: &IoContext, c: &Class) -> Arc<Shown> {
        if let Some(known) = self.0.borrow().get(&c.oid) {
            return known.clone();
        }
        let found = Arc::new(shown(catalog, io, c));
        self.0.borrow_mut().insert(c.oid, found.clone());
        found
    }
}

fn shown(catalog: &Catalog, io: &IoContext, c: &Class) -> Shown {
    let query = bind::view_query(c.view.as_ref()?, catalog, io).ok()?;
    if bind::obstacle(&query, false).is_some() {
        return None;
    }
    // The table or view that the view shows.
    let below = query.rels.iter().find_map(|r| r.relation()).map(|rel| rel.oid);
    let plain = |e: &crate::sql::expr::Expr| match e.kind {
        ExprKind::Var { attno, levels_up: 0, .. } if attno > 0 => Some(attno),
        _ => None,
    };
    Some((below?, query.output().map(|t| plain(&t.expr)).collect()))
}

fn of_triggers(c: &Class) -> i32 {
    let bit = |on, bit| if on { bit } else { 0 };
    let instead = c.triggers.iter().filter(|t| t.when == 'i');
    instead.fold(0, |b, t| b | bit(t.insert, INSERT) | bit(t.update, UPDATE) | bit(t.delete, DELETE))
}

/// Unconditional DO INSTEAD rules.
fn of_rules(c: &Class) -> i32 {
    let instead = c.rules.iter().filter(|r| r.instead && r.condition.is_none());
    instead.fold(0, |b, r| {
        b | match r.event {
            '2' => UPDATE,
            '3' => INSERT,
            '4' => DELETE,
            _ => 0,
        }
    })
}

/// What may be done to a relation, as bits; `triggers`: INSTEAD OF triggers count. With a column: whether that one can
/// be changed. PostgreSQL 15, rewriteHandler.c, relation_is_updatable: same rule.
pub(crate) fn updatable(
    catalog: &Catalog,
    io: &IoContext,
    seen: &Seen,
    oid: Oid,
    triggers: bool,
    column: Option<i16>,
) -> i32 {
    // None: all of them.
    let (mut at, mut asked) = (oid, column.map(|n| vec![n]));
    let (mut bits, mut own) = (UPDATE | INSERT | DELETE, 0);
    for _ in 0..64 {
        if let Some(r) = crate::catalog::system::relation(at) {
            return if r.kind == RelKind::Table { own | bits } else { own };
        }
        let Some(record) = catalog.class(at) else { return own };
        let Some(c) = as_class(&record) else { return own };
        match c.kind {
            RelKind::Table | RelKind::Partitioned => return own | bits,
            RelKind::View => {}
            _ => return own,
        }
        own |= of_rules(c) & bits;
        if triggers {
            own |= of_triggers(c) & bits;
        }
        let Some((below, columns)) = &*seen.view(catalog, io, c) else { return own };
        let is_asked = |n: usize| asked.as_ref().is_none_or(|a| a.contains(&(n as i16 + 1)));
        let found: Vec<i16> =
            columns.iter().enumerate().filter(|(n, _)| is_asked(*n)).filter_map(|(_, c)| *c).collect();
        if found.is_empty() {
            bits &= DELETE;
        }
        (at, asked) = (*below, Some(found));
    }
    own
}
