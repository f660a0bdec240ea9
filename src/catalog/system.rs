//! The relations of `pg_catalog`: their names, OIDs and columns are PostgreSQL 15's; their rows are generated.
//!
//! `system_relations.txt` holds a line each: `oid|name|kind|schema|row type[/arrays of it]|shared|column:type[!],…`
//! (`!`: not null; the type of arrays has the OID before the row type's where none is given).

use super::acl::role_mark;
use super::known_types;
use super::object::{Rule, fixed};
use super::relation::{Attribute, Constraint, Persistence, RelKind, RelStats, Relation};
use super::{standard_domains, system_indexes};
use crate::base::{Oid, RelFileId};
use crate::types::TypeRef;
use hashbrown::HashMap;
use std::sync::{Arc, LazyLock};

#[derive(Default)]
struct System {
    by_oid: HashMap<Oid, Arc<Relation>>,
    by_name: HashMap<(Oid, &'static str), Oid>,
    /// By row type, and by the type of arrays of it.
    by_type: HashMap<Oid, Oid>,
    /// Tables by their constraints.
    by_constraint: HashMap<Oid, Oid>,
}

static SYSTEM: LazyLock<System> = LazyLock::new(|| {
    let mut system = System::default();
    // Columns of information_schema are of these.
    standard_domains::all().for_each(|domain| known_types::note(&domain));
    for line in include_str!("system_relations.txt").lines() {
        let Some((relation, array)) = parse(line) else { continue };
        known_types::note_row(&relation.name, relation.namespace, relation.oid, relation.row_type, array);
        system.by_type.insert(relation.row_type, relation.oid);
        system.by_type.insert(array, relation.oid);
        let name = relation.generated_by.unwrap_or_default();
        system.by_name.insert((relation.namespace, name), relation.oid);
        system.by_oid.insert(relation.oid, Arc::new(relation));
    }
    for (table, constraint) in system_indexes::constraints() {
        system.by_constraint.insert(constraint.oid, table);
        if let Some(of) = system.by_oid.get_mut(&table).and_then(Arc::get_mut) {
            of.constraints.push(constraint);
        }
    }
    for (toast, table) in system_indexes::toasts() {
        system.add_toast(toast, table);
    }
    system
});

impl System {
    /// The TOAST table of a catalog, always empty.
    fn add_toast(&mut self, toast: Oid, table: Oid) {
        let Some(of) = self.by_oid.get_mut(&table).and_then(Arc::get_mut) else { return };
        of.toast = toast;
        let name: &'static str = String::leak(format!("pg_toast_{table}"));
        let (db, columns) = (of.file.db, system_indexes::chunk_columns());
        let relation = Relation {
            namespace: fixed::PG_TOAST,
            schema: "pg_toast".into(),
            file: RelFileId::new(db, Oid::INVALID),
            ..generated(toast, name, RelKind::Toast, columns)
        };
        self.by_name.insert((fixed::PG_TOAST, name), toast);
        self.by_oid.insert(toast, Arc::new(relation));
    }
}

/// A relation and the type of arrays of its rows.
fn parse(line: &'static str) -> Option<(Relation, Oid)> {
    let mut fields = line.split('|');
    let oid = Oid(fields.next()?.parse().ok()?);
    let name = fields.next()?;
    let kind = if fields.next()? == "v" { RelKind::View } else { RelKind::Table };
    let schema = fields.next()?;
    let types = fields.next()?;
    let (row, array) = types.split_once('/').map_or((types, None), |(row, array)| (row, Some(array)));
    let row_type = Oid(row.parse().ok()?);
    let array = array.map_or(Some(Oid(row_type.0.checked_sub(1)?)), |a| a.parse().ok().map(Oid))?;
    let shared = fields.next()? == "t";
    let columns = fields.next()?;
    let mut attributes: Vec<Attribute> = columns.split(',').enumerate().filter_map(|(i, c)| attribute(i, c)).collect();
    if name == "pg_subscription" {
        // Everybody may see subscriptions, but not how they connect.
        let open = attributes.iter_mut().filter(|a| a.name != "subconninfo");
        let item = format!("=r/{}", role_mark(fixed::BOOTSTRAP_SUPERUSER));
        open.for_each(|a| a.acl = Some(vec![item.clone()]));
    }
    let rules = if name == "pg_settings" { settings_rules() } else { Vec::new() };
    // What shows the server's memory is for those who may read all statistics. PostgreSQL 15, system_views.sql.
    let of_memory = matches!(name, "pg_backend_memory_contexts" | "pg_shmem_allocations");
    let relation = Relation {
        rules,
        acl: of_memory.then(memory_acl),
        namespace: if schema.is_empty() { fixed::PG_CATALOG } else { fixed::INFORMATION_SCHEMA },
        schema: if schema.is_empty() { "pg_catalog".into() } else { schema.into() },
        file: RelFileId::new(if shared { Oid::INVALID } else { Oid(1) }, Oid::INVALID),
        row_type,
        ..generated(oid, name, kind, attributes)
    };
    Some((relation, array))
}

fn memory_acl() -> Vec<String> {
    let (owner, readers) = (role_mark(fixed::BOOTSTRAP_SUPERUSER), role_mark(fixed::PG_READ_ALL_STATS));
    vec![format!("{owner}=arwdDxt/{owner}"), format!("{readers}=r/{owner}")]
}

/// An UPDATE of `pg_settings` is a SET. PostgreSQL 15, system_views.sql.
fn settings_rules() -> Vec<Rule> {
    let rule = |name: &str, oid: u32, instead: bool, condition: Option<&str>, action: Option<&str>| Rule {
        oid: Oid(oid),
        name: name.to_owned(),
        event: '2',
        instead,
        condition: condition.map(Into::into),
        actions: action.into_iter().map(Into::into).collect(),
        columns: Vec::new(),
        depends: Vec::new(),
        enabled: 'O',
        kept: super::Kept { search_path: vec!["pg_catalog".to_owned()], reads: Vec::new() },
    };
    let set = "SELECT set_config(old.name, new.setting, false)";
    vec![
        rule("pg_settings_n", 12109, true, None, None),
        rule("pg_settings_u", 12108, false, Some("new.name = old.name"), Some(set)),
    ]
}

fn generated(oid: Oid, name: &'static str, kind: RelKind, attributes: Vec<Attribute>) -> Relation {
    Relation {
        oid,
        name: name.to_string(),
        namespace: fixed::PG_CATALOG,
        schema: "pg_catalog".into(),
        kind,
        persistence: Persistence::Permanent,
        owner: fixed::BOOTSTRAP_SUPERUSER,
        acl: None,
        system_acl: Vec::new(),
        file: RelFileId::new(Oid(1), Oid::INVALID),
        row_type: Oid::INVALID,
        attributes,
        indexes: Vec::new(),
        constraints: Vec::new(),
        toast: Oid::INVALID,
        view: None,
        sequence: None,
        options: Vec::new(),
        stats: RelStats::unknown(),
        column_stats: Default::default(),
        tree_stats: Default::default(),
        extended_stats: Default::default(),
        store: None,
        generated_by: Some(name),
        lineage: Default::default(),
        children: Vec::new(),
        detaching: None,
        whole: Default::default(),
        routing: Default::default(),
        stale: Arc::default(),
        bound: Default::default(),
        triggers: Vec::new(),
        policies: Vec::new(),
        rules: Vec::new(),
        row_security: false,
        force_row_security: false,
        of_type: Oid::INVALID,
    }
}

fn attribute(index: usize, column: &str) -> Option<Attribute> {
    let (name, ty) = column.rsplit_once(':')?;
    let not_null = ty.ends_with('!');
    let ty = TypeRef::of(Oid(ty.trim_end_matches('!').parse().ok()?));
    Some(Attribute { not_null, ..Attribute::new(name, index as i16 + 1, ty) })
}

/// A generated relation by OID.
pub fn relation(oid: Oid) -> Option<Arc<Relation>> {
    if oid >= Oid::FIRST_NORMAL { None } else { SYSTEM.by_oid.get(&oid).cloned() }
}

/// The column by whose value, an OID, a generator finds its rows without making the others: a join may look them up one
/// by one. (It may know more columns: what a condition names is always told to it.)
pub fn key(relation: &str) -> Option<&'static str> {
    Some(match relation {
        "pg_class" | "pg_collation" | "pg_proc" => "oid",
        "pg_attribute" => "attrelid",
        "pg_attrdef" => "adrelid",
        "pg_constraint" => "conrelid",
        "pg_index" => "indexrelid",
        "pg_inherits" => "inhrelid",
        "pg_partitioned_table" => "partrelid",
        "pg_policy" => "polrelid",
        "pg_rewrite" => "ev_class",
        "pg_sequence" => "seqrelid",
        "pg_statistic" => "starelid",
        "pg_trigger" => "tgrelid",
        _ => return None,
    })
}

/// The OID of a generated relation.
pub fn oid_by_name(namespace: Oid, name: &str) -> Option<Oid> {
    if namespace >= Oid::FIRST_NORMAL { None } else { SYSTEM.by_name.get(&(namespace, name)).copied() }
}

/// The relation whose rows have this type, or arrays of it.
pub fn oid_by_type(typ: Oid) -> Option<Oid> {
    if typ >= Oid::FIRST_NORMAL { None } else { SYSTEM.by_type.get(&typ).copied() }
}

/// The table of a constraint, and the constraint.
pub fn constraint(oid: Oid) -> Option<(Arc<Relation>, Constraint)> {
    if oid >= Oid::FIRST_NORMAL {
        return None;
    }
    let table = relation(*SYSTEM.by_constraint.get(&oid)?)?;
    let found = table.constraints.iter().find(|k| k.oid == oid)?.clone();
    Some((table, found))
}

/// Makes their row types known, which nobody need have named before they are asked for.
pub(super) fn note_types() {
    LazyLock::force(&SYSTEM);
}

/// All of them, for the generators of `pg_class` and `pg_attribute`.
pub fn all() -> impl Iterator<Item = &'static Arc<Relation>> {
    SYSTEM.by_oid.values()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_relation_with_columns() {
        let toasts = system_indexes::toasts().count();
        assert_eq!(all().count(), include_str!("system_relations.txt").lines().count() + toasts);
        for r in all() {
            let column = key(&r.name).map(|k| r.attributes.iter().find(|a| a.name == k));
            assert!(column.is_none_or(|a| a.is_some_and(|a| a.ty.oid == crate::types::oid::OID)), "{}", r.name);
        }
        let class = relation(oid_by_name(fixed::PG_CATALOG, "pg_class").unwrap()).unwrap();
        assert_eq!((class.oid, class.attributes.len(), class.attributes[1].name.as_str()), (Oid(1259), 33, "relname"));
        assert!(all().all(|r| !r.attributes.is_empty()));
    }
}
