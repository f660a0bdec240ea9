//! Rights as they were granted: of tables, columns, routines, types, and for use.

use super::super::{Sink, View};
use super::routine;
use super::scene::{Held, LISTED};
use super::{Scene, domain, named, yes};
use crate::base::{Flow, Oid};
use crate::catalog::acl;
use crate::catalog::object::{class, fixed};
use crate::catalog::{Object, RelKind};
use crate::sql::exec::ExecContext;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[
    View { name: "table_privileges", rows: |cx, sink| tables(cx, sink, false) },
    View { name: "role_table_grants", rows: |cx, sink| tables(cx, sink, true) },
    View { name: "column_privileges", rows: |cx, sink| columns(cx, sink, false) },
    View { name: "role_column_grants", rows: |cx, sink| columns(cx, sink, true) },
    View { name: "routine_privileges", rows: |cx, sink| routines(cx, sink, false) },
    View { name: "role_routine_grants", rows: |cx, sink| routines(cx, sink, true) },
    View { name: "udt_privileges", rows: |cx, sink| types(cx, sink, false) },
    View { name: "role_udt_grants", rows: |cx, sink| types(cx, sink, true) },
    View { name: "usage_privileges", rows: |cx, sink| usage(cx, sink, false) },
    View { name: "role_usage_grants", rows: |cx, sink| usage(cx, sink, true) },
];

/// One right of one grantee; None: everybody.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Grant {
    grantor: Oid,
    grantee: Option<Oid>,
    right: char,
    option: bool,
}

impl Grant {
    fn to(&self, scene: &Scene) -> Arc<str> {
        self.grantee.map_or_else(|| "PUBLIC".into(), |r| scene.role(r))
    }

    /// Owners may always pass on what they have.
    fn is_grantable(&self, scene: &Scene, owner: Oid) -> &'static str {
        let owns = self
            .grantee
            .is_some_and(|r| r == owner || crate::sql::exec::rights::Subject::of(&scene.catalog, r).has_role(owner));
        yes(self.option || owns)
    }
}

fn word(right: char) -> Option<&'static str> {
    Some(match right {
        'a' => "INSERT",
        'r' => "SELECT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'X' => "EXECUTE",
        'U' => "USAGE",
        _ => return None,
    })
}

fn role_of(scene: &Scene, mark: &str) -> Option<Oid> {
    match acl::role_of(mark) {
        Some(oid) => Some(oid),
        None => scene.catalog.role_by_name(mark.trim_matches('"')).map(|r| r.oid),
    }
}

/// The rights items give, or those of the default: all of the owner's, and `public` ones.
fn grants(scene: &Scene, owner: Oid, items: Option<&[String]>, all: &str, public: &str) -> Vec<Grant> {
    let Some(items) = items else {
        let own = all.chars().map(|right| Grant { grantor: owner, grantee: Some(owner), right, option: false });
        let open = public.chars().map(|right| Grant { grantor: owner, grantee: None, right, option: false });
        return open.chain(own).collect();
    };
    let mut found = Vec::new();
    for item in items {
        let (to, letters, by) = acl::split(item);
        let grantee = if to.is_empty() { Some(None) } else { role_of(scene, to).map(Some) };
        let (Some(grantee), Some(grantor)) = (grantee, role_of(scene, by)) else { continue };
        let mut letters = letters.chars().peekable();
        while let Some(right) = letters.next() {
            let option = letters.next_if_eq(&'*').is_some();
            found.push(Grant { grantor, grantee, right, option });
        }
    }
    found
}

/// Rights the role gave or has. `enabled`: those of everybody are not among them.
fn visible(scene: &Scene, g: &Grant, enabled: bool) -> bool {
    let own = |r: Oid| scene.subject.has_role(r);
    own(g.grantor) || g.grantee.map_or(!enabled, own)
}

/// What initdb grants on catalogs that all may read.
fn table_grants(scene: &Scene, h: &Held) -> Vec<Grant> {
    const ALL: &str = "arwdDxt";
    let Some(t) = h.target(&scene.catalog) else { return Vec::new() };
    let open = if t.system { crate::sql::exec::rights::public_rights(t.name) } else { "" };
    grants(scene, t.owner, t.acl(), ALL, open)
}

fn tables(cx: &mut ExecContext, sink: &mut Sink, enabled: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        let schema = scene.schema(h.namespace());
        for g in table_grants(&scene, &h).iter().filter(|g| visible(&scene, g, enabled)) {
            named![sink;
                grantor: scene.role(g.grantor), grantee: g.to(&scene), table_catalog: &scene.database,
                table_schema: &schema, table_name: h.name(), privilege_type: word(g.right),
                is_grantable: g.is_grantable(&scene, h.owner()), with_hierarchy: yes(g.right == 'r'),
            ];
        }
    }
    Ok(())
}

fn columns(cx: &mut ExecContext, sink: &mut Sink, enabled: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let wanted = sink.text_key("column_name");
    for h in scene.relations(sink, &LISTED, "table_schema", "table_name") {
        let schema = scene.schema(h.namespace());
        let mut whole = table_grants(&scene, &h);
        whole.retain(|g| "arwx".contains(g.right) && visible(&scene, g, enabled));
        let shown: Vec<(Arc<str>, Arc<str>, &str)> =
            whole.iter().map(|g| (scene.role(g.grantor), g.to(&scene), g.is_grantable(&scene, h.owner()))).collect();
        for a in h.columns().filter(|a| wanted.as_ref().is_none_or(|n| a.name == *n)) {
            let own = a.acl.as_deref().map(|acl| grants(&scene, h.owner(), Some(acl), "", "")).unwrap_or_default();
            let mut told = HashSet::new();
            let mut push = |g: &Grant, grantor: &Arc<str>, grantee: &Arc<str>, grantable: &str| {
                if own.is_empty() || told.insert((g.grantor, g.grantee, g.right, grantable.to_string())) {
                    named![sink;
                        grantor: grantor.clone(), grantee: grantee.clone(), table_catalog: &scene.database,
                        table_schema: &schema, table_name: h.name(), column_name: &a.name,
                        privilege_type: word(g.right), is_grantable: grantable,
                    ];
                }
            };
            whole.iter().zip(&shown).for_each(|(g, s)| push(g, &s.0, &s.1, s.2));
            for g in own.iter().filter(|g| visible(&scene, g, enabled)) {
                push(g, &scene.role(g.grantor), &g.to(&scene), g.is_grantable(&scene, h.owner()));
            }
        }
    }
    Ok(())
}

fn routines(cx: &mut ExecContext, sink: &mut Sink, enabled: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for r in routine::all(&scene, sink, "routine_schema", "routine_name") {
        let (schema, specific) = (scene.schema(r.namespace()), r.specific());
        let acl = r.acl(&scene);
        for g in grants(&scene, r.owner(), acl.as_deref(), "X", "X").iter().filter(|g| visible(&scene, g, enabled)) {
            named![sink;
                grantor: scene.role(g.grantor), grantee: g.to(&scene), specific_catalog: &scene.database,
                specific_schema: &schema, specific_name: &specific, routine_catalog: &scene.database,
                routine_schema: &schema, routine_name: r.name(), privilege_type: "EXECUTE",
                is_grantable: g.is_grantable(&scene, r.owner()),
            ];
        }
    }
    Ok(())
}

/// What has a row type.
const WITH_ROWS: [RelKind; 5] =
    [RelKind::Table, RelKind::Partitioned, RelKind::View, RelKind::MatView, RelKind::Composite];

fn types(cx: &mut ExecContext, sink: &mut Sink, enabled: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    for h in scene.relations(sink, &WITH_ROWS, "udt_schema", "udt_name") {
        let composite = h.class().and_then(|c| scene.catalog.user_type(c.row_type));
        let acl = composite.as_ref().and_then(|t| t.acl.as_deref());
        let all = grants(&scene, h.owner(), acl, "U", "U");
        for g in all.iter().filter(|g| visible(&scene, g, enabled)) {
            named![sink;
                grantor: scene.role(g.grantor), grantee: g.to(&scene), udt_catalog: &scene.database,
                udt_schema: scene.schema(h.namespace()), udt_name: h.name(), privilege_type: "TYPE USAGE",
                is_grantable: g.is_grantable(&scene, h.owner()),
            ];
        }
    }
    Ok(())
}

/// An object that is used by its name.
struct Used<'a> {
    schema: Arc<str>,
    name: &'a str,
    kind: &'static str,
    owner: Oid,
}

fn push_usage(scene: &Scene, sink: &mut Sink, of: &Used<'_>, all: &[Grant], enabled: bool) {
    for g in all.iter().filter(|g| g.right == 'U' && visible(scene, g, enabled)) {
        named![sink;
            grantor: scene.role(g.grantor), grantee: g.to(scene), object_catalog: &scene.database,
            object_schema: &of.schema, object_name: of.name, object_type: of.kind, privilege_type: "USAGE",
            is_grantable: g.is_grantable(scene, of.owner),
        ];
    }
}

fn usage(cx: &mut ExecContext, sink: &mut Sink, enabled: bool) -> Flow<()> {
    let scene = Scene::of(cx)?;
    // Everybody may use collations.
    let open = |owner| [Grant { grantor: owner, grantee: None, right: 'U', option: false }];
    let owner = fixed::BOOTSTRAP_SUPERUSER;
    for name in super::super::code::builtin_collations().iter().map(|c| c.name) {
        let of = Used { schema: "pg_catalog".into(), name, kind: "COLLATION", owner };
        push_usage(&scene, sink, &of, &open(owner), enabled);
    }
    for record in super::super::in_order(&scene.catalog, class::COLLATION) {
        let Object::Collation(c) = &record.object else { continue };
        let of = Used { schema: scene.schema(c.namespace), name: &c.name, kind: "COLLATION", owner: c.owner };
        push_usage(&scene, sink, &of, &open(c.owner), enabled);
    }
    for (class, kind) in
        [(class::FOREIGN_DATA_WRAPPER, "FOREIGN DATA WRAPPER"), (class::FOREIGN_SERVER, "FOREIGN SERVER")]
    {
        for record in super::super::in_order(&scene.catalog, class) {
            let Object::Foreign(f) = &record.object else { continue };
            let of = Used { schema: "".into(), name: &f.name, kind, owner: f.owner };
            push_usage(&scene, sink, &of, &grants(&scene, f.owner, f.acl.as_deref(), "U", ""), enabled);
        }
    }
    for record in domain::all(&scene) {
        let Some((t, _)) = domain::of(&record) else { continue };
        let of = Used { schema: scene.schema(t.namespace), name: &t.name, kind: "DOMAIN", owner: t.owner };
        push_usage(&scene, sink, &of, &grants(&scene, t.owner, t.acl.as_deref(), "U", "U"), enabled);
    }
    for h in scene.all_relations(sink, &[RelKind::Sequence]) {
        let Some(c) = h.class() else { continue };
        let of = Used { schema: scene.schema(c.namespace), name: &c.name, kind: "SEQUENCE", owner: c.owner };
        // As PostgreSQL has it, nothing is told of a sequence whose rights are the default ones.
        push_usage(&scene, sink, &of, &grants(&scene, c.owner, c.acl.as_deref(), "", ""), enabled);
    }
    Ok(())
}
