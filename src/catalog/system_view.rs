//! What the views of `pg_catalog` and `information_schema` mean: the queries that PostgreSQL 15 shows of them
//! (`system_views.sql`, each behind a line with its view's name). Their rows are generated; the queries are bound only
//! for whoever asks for a definition.

use super::object::fixed;
use super::relation::{Kept, RelKind, Relation, View};
use super::system;
use crate::base::Oid;
use hashbrown::HashMap;
use std::sync::{Arc, LazyLock};

static QUERIES: LazyLock<HashMap<Oid, &'static str>> = LazyLock::new(|| {
    let all = include_str!("system_views.sql").split("-- ").filter_map(|part| {
        let (name, query) = part.split_once('\n')?;
        let (schema, name) = name.split_once('.')?;
        let schema = if schema == "pg_catalog" { fixed::PG_CATALOG } else { fixed::INFORMATION_SCHEMA };
        Some((system::oid_by_name(schema, name)?, query))
    });
    all.collect()
});

/// initdb gives out OIDs in this order: the view's, its type of arrays', its row type's, its rule's.
const RULE: u32 = 3;

/// The query of a generated view.
pub fn of(view: Oid) -> Option<View> {
    if view >= Oid::FIRST_NORMAL {
        return None;
    }
    Some(View {
        query: (*QUERIES.get(&view)?).into(),
        kept: Kept { search_path: vec!["pg_catalog".to_owned()], reads: Vec::new() },
        check_option: None,
        populated: true,
        rule: Oid(view.0 + RULE),
    })
}

/// The generated view that is made by a rule of this OID.
pub fn of_rule(rule: Oid) -> Option<Arc<Relation>> {
    system::relation(Oid(rule.0.checked_sub(RULE)?)).filter(|r| r.kind == RelKind::View)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_a_query() {
        let views: Vec<_> = system::all().filter(|r| r.kind == RelKind::View).collect();
        assert_eq!(views.len(), QUERIES.len());
        assert_eq!(views.len(), include_str!("system_views.sql").lines().filter(|l| l.starts_with("-- ")).count());
        assert!(views.iter().all(|r| of(r.oid).is_some_and(|v| v.query.trim_end().ends_with(';'))));
    }
}
