//! What belongs to a relation or a type and has a name of its own there.

use super::named::{Named, class_facts};
use crate::base::Oid;
use crate::catalog::object::{Class, ObjectKey, UserTypeKind, class};
use crate::catalog::{Catalog, Constraint, key_triggers};
use crate::types::name::quote_identifier;

/// The relation some part of it belongs to, with the part's name.
fn of_holder(catalog: &Catalog, part: Oid, name: impl FnOnce(&Class) -> Option<String>) -> Option<(Named, String)> {
    let record = catalog.holder(part)?;
    let c = record.object.as_class().ok()?;
    let name = name(c)?;
    Some((class_facts(catalog, c.oid)?, name))
}

/// A part with its table: `trigger t on table s`.
fn on_table(word: &'static str, table: Named, name: String) -> Named {
    let mut names = table.names;
    names.push(name.clone());
    Named {
        word,
        described: format!("{word} {name} on {}", table.described),
        identity: format!("{} on {}", quote_identifier(&name), table.identity),
        names,
        ..Named::default()
    }
}

pub(super) fn trigger(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let named = |c: &Class| c.triggers.iter().find(|t| t.oid == oid).map(|t| t.name.clone());
    let found = of_holder(catalog, oid, named).or_else(|| of_key(catalog, oid));
    found.map(|(table, name)| on_table("trigger", table, name))
}

/// A trigger of a foreign key: it may be on the other table.
fn of_key(catalog: &Catalog, oid: Oid) -> Option<(Named, String)> {
    let record = catalog.holder(oid)?;
    let c = record.object.as_class().ok()?;
    let keys = c.constraints.iter().cloned().chain(c.constraints.iter().flat_map(Constraint::parts));
    let (table, t) = keys.flat_map(|k| key_triggers(c.oid, &k)).find(|(_, t)| t.oid == oid)?;
    Some((class_facts(catalog, table)?, t.name))
}

pub(super) fn policy(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let named = |c: &Class| c.policies.iter().find(|p| p.oid == oid).map(|p| p.name.clone());
    of_holder(catalog, oid, named).map(|(table, name)| on_table("policy", table, name))
}

/// In directories of old the rule of a view has the view's own OID.
pub(super) fn rule(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let is_rule_of = |c: &Class| c.view.as_ref().is_some_and(|v| v.rule == oid || c.oid == oid && !v.rule.is_valid());
    let found = catalog.class(oid).or_else(|| catalog.holder(oid));
    if let Some(view) = found.filter(|r| r.object.as_class().is_ok_and(is_rule_of)) {
        let view = class_facts(catalog, view.object.key().oid)?;
        return Some(on_table("rule", view, "_RETURN".to_string()));
    }
    let named = |c: &Class| c.rules.iter().find(|r| r.oid == oid).map(|r| r.name.clone());
    of_holder(catalog, oid, named).map(|(table, name)| on_table("rule", table, name))
}

pub(super) fn default(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let named = |c: &Class| c.attributes.iter().find(|a| a.default_oid == oid && !a.dropped).map(|a| a.name.clone());
    let (table, name) = of_holder(catalog, oid, named)?;
    let mut names = table.names;
    names.push(name.clone());
    Some(Named {
        word: "default value",
        described: format!("default value for column {name} of {}", table.described),
        identity: format!("for {}.{}", table.identity, quote_identifier(&name)),
        names,
        ..Named::default()
    })
}

pub(super) fn constraint(catalog: &Catalog, oid: Oid) -> Option<Named> {
    let constraint_name = |c: &Class| {
        let own = c.constraints.iter().find(|k| k.oid == oid).map(|k| k.name.clone());
        let own =
            own.or_else(|| c.constraints.iter().flat_map(Constraint::parts).find(|k| k.oid == oid).map(|k| k.name));
        own.or_else(|| c.triggers.iter().find(|t| t.constraint == oid).map(|t| t.name.clone()))
    };
    let of_catalog = || {
        let (table, k) = crate::catalog::system::constraint(oid)?;
        Some((class_facts(catalog, table.oid)?, k.name))
    };
    if let Some((table, name)) = of_catalog().or_else(|| of_holder(catalog, oid, constraint_name)) {
        let schema = table.schema.clone();
        let mut named = on_table("constraint", table, name);
        named.word = "table constraint";
        named.schema = schema;
        return Some(named);
    }
    catalog.all(class::TYPE).iter().find_map(|record| {
        let domain = record.object.as_type().ok()?;
        let UserTypeKind::Domain { checks, .. } = &domain.kind else { return None };
        let name = checks.iter().find(|k| k.oid == oid)?.name.clone();
        let of = super::named::of(catalog, ObjectKey::new(class::TYPE, domain.oid))?;
        Some(Named {
            word: "domain constraint",
            described: format!("constraint {name}"),
            schema: of.schema,
            identity: format!("{} on {}", quote_identifier(&name), of.identity),
            names: of.names,
            args: vec![name],
            ..Named::default()
        })
    })
}
