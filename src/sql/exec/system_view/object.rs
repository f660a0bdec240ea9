//! What hangs on objects: `pg_description`, `pg_shdescription`, `pg_rewrite`, `pg_default_acl`.

use super::cell::Acl;
use super::class::{as_class, system_relations, user_classes};
use super::node_tree;
use super::{Sink, View, catalog, in_order, row};
use crate::base::{Flow, Oid};
use crate::catalog::acl::shown;
use crate::catalog::object::{COMMENT_BIT, Comment, ObjectKey, class};
use crate::catalog::{Catalog, Object, RelKind, system_view};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;
use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_description", rows: descriptions },
    View { name: "pg_shdescription", rows: shared_descriptions },
    View { name: "pg_rewrite", rows: rules },
    View { name: "pg_rules", rows: shown_rules },
    View { name: "pg_default_acl", rows: default_acls },
];

const KINDS: [Oid; 27] = [
    class::OPCLASS,
    class::OPFAMILY,
    class::CONVERSION,
    class::FOREIGN_DATA_WRAPPER,
    class::FOREIGN_SERVER,
    class::EXTENSION,
    class::OPERATOR,
    class::CAST,
    class::COLLATION,
    crate::sql::large_object::CLASS,
    class::REWRITE,
    class::STATISTIC_EXT,
    class::PUBLICATION,
    class::EVENT_TRIGGER,
    class::TYPE,
    class::PROC,
    class::RELATION,
    class::CONSTRAINT,
    class::NAMESPACE,
    class::ATTRDEF,
    class::TRIGGER,
    class::POLICY,
    class::TS_CONFIG,
    class::TS_DICTIONARY,
    class::TS_PARSER,
    class::TS_TEMPLATE,
    class::LANGUAGE,
];

/// What PostgreSQL says about its built-in objects, by kind and OID. A line of the file: kind, text, objects.
static BUILTIN_COMMENTS: LazyLock<HashMap<(Oid, Oid), &'static str>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    for line in include_str!("facts/pg_description.txt").lines() {
        let mut fields = line.split('\t');
        let (Some(kind), Some(text), Some(objects)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let kind = Oid(kind.parse().unwrap_or_default());
        all.extend(objects.split(',').filter_map(|o| Some(((kind, Oid(o.parse().ok()?)), text))));
    }
    all
});

/// PostgreSQL's own comment on a built-in object.
pub(crate) fn builtin_comment(on: ObjectKey) -> Option<&'static str> {
    if on.sub != 0 || on.oid >= Oid::FIRST_NORMAL {
        return None;
    }
    BUILTIN_COMMENTS.get(&(on.class, on.oid)).copied()
}

/// Those that nobody has written others over.
fn push_builtin_comments(catalog: &Catalog, sink: &mut Sink) {
    let (object, kind) = (sink.oid_key("objoid"), sink.oid_key("classoid"));
    if let (Some(oid), Some(class)) = (object, kind) {
        let on = ObjectKey::new(class, oid);
        if let Some(text) = builtin_comment(on).filter(|_| catalog.comment(on).is_none()) {
            row![sink; oid, class, 0, text];
        }
        return;
    }
    let fits = |k: Oid, o: Oid| object.is_none_or(|w| w == o) && kind.is_none_or(|w| w == k);
    let own = |k: Oid, o: Oid| catalog.comment(ObjectKey::new(k, o)).is_some();
    let mut found: Vec<_> = BUILTIN_COMMENTS.iter().filter(|((k, o), _)| fits(*k, *o) && !own(*k, *o)).collect();
    found.sort_unstable();
    for ((class, oid), text) in found {
        row![sink; *oid, *class, 0, *text];
    }
}

fn comments(catalog: &Catalog, kinds: &[Oid], sink: &Sink) -> Vec<Comment> {
    let (object, kind) = (sink.oid_key("objoid"), sink.oid_key("classoid"));
    let mut found = Vec::new();
    for k in kinds.iter().filter(|k| kind.is_none_or(|kind| kind == **k)) {
        let of_kind = Oid(k.0 | COMMENT_BIT);
        let mut records = object.map_or_else(|| catalog.all(of_kind), |o| catalog.with_oid(of_kind, o));
        records.sort_by_key(|r| r.object.key());
        found.extend(records.iter().filter_map(|r| match &r.object {
            Object::Comment(c) => Some(c.clone()),
            _ => None,
        }));
    }
    found
}

fn descriptions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    if sink.oid_key("objoid").is_none_or(|o| o < Oid::FIRST_NORMAL) {
        push_builtin_comments(&catalog, sink);
    }
    for c in comments(&catalog, &KINDS, sink) {
        row![sink; c.on.oid, c.on.class, c.on.sub, c.text];
    }
    Ok(())
}

fn shared_descriptions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for c in comments(&catalog, &[class::AUTHID, class::DATABASE, class::TABLESPACE], sink) {
        row![sink; c.on.oid, c.on.class, c.text];
    }
    Ok(())
}

/// The rule of a view has the view's OID here: views are not made of rules, but tools look for one.
fn rules(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let class = sink.oid_key("ev_class");
    for r in system_relations(class, None) {
        for rule in &r.rules {
            let condition = rule.condition.as_deref().unwrap_or("<>");
            row![sink; rule.oid, &rule.name, r.oid, rule.event, rule.enabled, rule.instead, condition, "<>"];
        }
        if let Some(view) = system_view::of(r.oid) {
            let action = sink.wants("ev_action").then(|| node_tree::of_view(&catalog, &cx.fx.io, &r.attributes, &view));
            row![sink; view.rule, "_RETURN", r.oid, '1', 'O', true, "<>", action.unwrap_or_default()];
        }
    }
    for record in user_classes(&catalog, class, None) {
        sink.tells_of(&record);
        let Some(c) = as_class(&record) else { continue };
        for r in &c.rules {
            let condition = r.condition.as_deref().unwrap_or("<>");
            row![sink; r.oid, &r.name, c.oid, r.event, r.enabled, r.instead, condition, "<>"];
        }
        if let (RelKind::View | RelKind::MatView, Some(view)) = (c.kind, &c.view) {
            let action = sink.wants("ev_action").then(|| node_tree::of_view(&catalog, &cx.fx.io, &c.attributes, view));
            let rule = if view.rule.is_valid() { view.rule } else { c.oid };
            row![sink; rule, "_RETURN", c.oid, '1', 'O', true, "<>", action.unwrap_or_default()];
        }
    }
    Ok(())
}

fn shown_rules(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let name = sink.text_key("tablename");
    let look = define::Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 };
    for of in system_relations(None, name.as_deref()) {
        for r in &of.rules {
            row![sink; &of.schema, &of.name, &r.name, define::rule(&look, of.oid, r)];
        }
    }
    for record in user_classes(&catalog, None, name.as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        for r in &c.rules {
            let schema = catalog.namespace(c.namespace).map(|n| n.name);
            row![sink; schema, &c.name, &r.name, define::rule(&look, c.oid, r)];
        }
    }
    Ok(())
}

fn default_acls(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in in_order(&catalog, class::DEFAULT_ACL) {
        sink.tells_of(&record);
        if let Object::DefaultAcl(d) = &record.object {
            row![sink; d.oid, d.role, d.namespace, d.kind, Acl(shown(&catalog, Some(&d.acl)).as_deref())];
        }
    }
    Ok(())
}
