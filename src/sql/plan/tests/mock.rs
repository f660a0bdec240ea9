//! A catalog in memory: a few tables with indexes, keys and statistics.

use crate::base::{Oid, RelFileId, Result};
use crate::btree::IndexStore;
use crate::catalog::IndexMethod;
use crate::catalog::{
    Attribute, Constraint, ConstraintKind, Index, IndexColumn, Kept, Persistence, RelKind, Relation, View,
};
use crate::catalog::{ColumnStats, RelStats};
use crate::disk::Simulated;
use crate::sql::bind::Names;
use crate::storage::{Storage, testing};
use crate::types::{TypeRef, oid};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub struct Mock {
    storage: Arc<Storage>,
    relations: Vec<Arc<Relation>>,
    next: u32,
}

struct Table {
    name: &'static str,
    columns: Vec<(&'static str, Oid)>,
    rows: f64,
    pages: u64,
    /// Name, columns, unique, primary.
    indexes: Vec<(&'static str, Vec<&'static str>, bool, bool)>,
}

impl Mock {
    pub fn new() -> Mock {
        let disk = Simulated::new(1);
        let storage = testing::fresh(&disk, 16);
        let mut m = Mock { storage, relations: Vec::new(), next: 20000 };
        m.table(Table {
            name: "t",
            columns: vec![
                ("id", oid::INT4),
                ("a", oid::INT4),
                ("b", oid::TEXT),
                ("c", oid::NUMERIC),
                ("d", oid::TIMESTAMP),
                ("flag", oid::BOOL),
                ("arr", oid::INT4_ARRAY),
            ],
            rows: 100_000.0,
            pages: 1000,
            indexes: vec![("t_pkey", vec!["id"], true, true), ("t_a", vec!["a", "d"], false, false)],
        });
        m.table(Table {
            name: "u",
            columns: vec![("id", oid::INT4), ("t_id", oid::INT8), ("name", oid::VARCHAR), ("v", oid::INT4)],
            rows: 10_000.0,
            pages: 100,
            indexes: vec![
                ("u_pkey", vec!["id"], true, true),
                ("u_v", vec!["v"], false, false),
                ("u_name", vec!["name"], true, false),
            ],
        });
        m.table(Table {
            name: "small",
            columns: vec![("id", oid::INT4), ("x", oid::INT4), ("y", oid::TEXT)],
            rows: 10.0,
            pages: 1,
            indexes: vec![("small_pkey", vec!["id"], true, true)],
        });
        m.view(
            "tv",
            "select id, a + 1 as a1, b from t where a > 10",
            &[("id", oid::INT4), ("a1", oid::INT4), ("b", oid::TEXT)],
        );
        m.view("tg", "select a, count(*) as n from t group by a", &[("a", oid::INT4), ("n", oid::INT8)]);
        m
    }

    fn oid(&mut self) -> Oid {
        self.next += 1;
        Oid(self.next)
    }

    fn table(&mut self, t: Table) {
        let table = self.oid();
        let attno = |name: &str| t.columns.iter().position(|(n, _)| *n == name).map_or(0, |i| i as i16 + 1);
        let mut indexes = Vec::new();
        let mut constraints = Vec::new();
        for (name, columns, unique, primary) in &t.indexes {
            let index = self.oid();
            let file = RelFileId::new(Oid(5), index);
            let cols: Vec<IndexColumn> = columns
                .iter()
                .map(|c| IndexColumn {
                    attno: attno(c),
                    expr: None,
                    ty: TypeRef::of(t.columns[attno(c) as usize - 1].1),
                    desc: false,
                    nulls_first: false,
                    opclass: Oid::INVALID,
                    collation: Oid::INVALID,
                    derived: Oid::INVALID,
                    order: String::new(),
                    options: Vec::new(),
                    name: (*c).to_owned(),
                })
                .collect();
            let keys = cols.iter().map(|c| (c.ty, false, false)).collect();
            let count = cols.len();
            let constraint = if *unique { self.oid() } else { Oid::INVALID };
            if *unique {
                constraints.push(Constraint {
                    oid: constraint,
                    name: (*name).to_owned(),
                    kind: if *primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique },
                    columns: cols.iter().map(|c| c.attno).collect(),
                    check: None,
                    index,
                    foreign: None,
                    deferrable: false,
                    deferred: false,
                    validated: true,
                    inherited: 0,
                    local: true,
                    no_inherit: false,
                    parent: Oid::INVALID,
                });
            }
            indexes.push(Arc::new(Index {
                oid: index,
                name: (*name).to_owned(),
                namespace: Oid(2200),
                table,
                file,
                persistence: Persistence::Permanent,
                unique: *unique,
                primary: *primary,
                nulls_not_distinct: false,
                valid: true,
                ready: true,
                columns: cols,
                key_columns: count,
                predicate: None,
                constraint,
                options: Vec::new(),
                owner: Oid(10),
                clustered: false,
                method: IndexMethod::Btree,
                gin: Vec::new(),
                gist: Vec::new(),
                brin: Vec::new(),
                pages_per_range: 0,
                exclusion: Vec::new(),
                parent: Oid::INVALID,
                partitioned: false,
                stats: stats(t.rows, (t.pages / 4).max(1)),
                store: IndexStore::open(&self.storage, (Oid(0), file), Persistence::Permanent, keys, count),
            }));
        }
        let attributes = t
            .columns
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| Attribute {
                name: (*name).to_owned(),
                attno: i as i16 + 1,
                ty: TypeRef::of(*ty),
                not_null: i == 0,
                dropped: false,
                default: None,
                identity: 0,
                generated: 0,
                missing: None,
                default_oid: Oid::INVALID,
                stat_target: -1,
                acl: None,
                inherited: 0,
                local: true,
                declared: Default::default(),
            })
            .collect();
        let columns = t
            .columns
            .iter()
            .enumerate()
            .map(|(i, _)| ColumnStats {
                attno: i as i16 + 1,
                n_distinct: if i == 0 { -1.0 } else { (t.rows / 100.0).max(5.0) },
                avg_width: 4,
                ..ColumnStats::default()
            })
            .collect();
        let mut rel = self.blank(table, t.name, RelKind::Table, attributes);
        rel.indexes = indexes;
        rel.constraints = constraints;
        rel.stats = stats(t.rows, t.pages);
        rel.column_stats = arc_swap::ArcSwap::from_pointee(columns);
        self.relations.push(Arc::new(rel));
    }

    fn view(&mut self, name: &str, query: &str, columns: &[(&str, Oid)]) {
        let oid = self.oid();
        let attributes = columns
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| Attribute::new(name, i as i16 + 1, TypeRef::of(*ty)))
            .collect();
        let mut rel = self.blank(oid, name, RelKind::View, attributes);
        rel.view = Some(View {
            query: query.into(),
            kept: Kept { search_path: vec!["public".to_owned()], reads: Vec::new() },
            check_option: None,
            populated: true,
            rule: crate::base::Oid::INVALID,
        });
        self.relations.push(Arc::new(rel));
    }

    fn blank(&self, oid: Oid, name: &str, kind: RelKind, attributes: Vec<Attribute>) -> Relation {
        Relation {
            oid,
            name: name.to_owned(),
            namespace: Oid(2200),
            schema: "public".to_owned(),
            kind,
            persistence: Persistence::Permanent,
            owner: Oid(10),
            acl: None,
            system_acl: Vec::new(),
            file: RelFileId::new(Oid(5), oid),
            row_type: Oid::INVALID,
            attributes,
            indexes: Vec::new(),
            constraints: Vec::new(),
            toast: Oid::INVALID,
            view: None,
            sequence: None,
            options: Vec::new(),
            stats: stats(0.0, 0),
            column_stats: arc_swap::ArcSwap::from_pointee(Vec::new()),
            tree_stats: arc_swap::ArcSwap::from_pointee(Vec::new()),
            extended_stats: Default::default(),
            store: None,
            generated_by: None,
            lineage: Default::default(),
            children: Vec::new(),
            detaching: None,
            whole: Default::default(),
            routing: Default::default(),
            stale: Default::default(),
            bound: std::sync::OnceLock::new(),
            triggers: Vec::new(),
            policies: Vec::new(),
            rules: Vec::new(),
            row_security: false,
            force_row_security: false,
            of_type: Oid::INVALID,
        }
    }
}

fn stats(rows: f64, pages: u64) -> RelStats {
    RelStats {
        pages: AtomicU64::new(pages),
        tuples: AtomicU64::new(rows.to_bits()),
        all_visible: AtomicU64::new(pages),
    }
}

impl Names for Mock {
    fn collation_by_name(&self, _: Option<&str>, name: &str) -> Option<Oid> {
        (name == "C").then_some(crate::catalog::object::fixed::C_COLLATION)
    }

    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
        let fits = schema.is_none_or(|s| s == "public");
        Ok(self.relations.iter().find(|r| fits && r.name == name).cloned())
    }

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        self.relations.iter().find(|r| r.oid == oid).cloned()
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
        let fits = schema.is_none_or(|s| s == "pg_catalog");
        crate::types::info::builtin_by_name(name).filter(|_| fits).map(|i| TypeRef::of(i.oid))
    }

    fn schema_exists(&self, name: &str) -> bool {
        matches!(name, "public" | "pg_catalog")
    }

    fn current_database(&self) -> String {
        "postgres".to_owned()
    }

    fn along<'a>(&'a self, _: &'a Kept) -> Box<dyn Names + 'a> {
        Box::new(Borrowed(self))
    }
}

struct Borrowed<'a>(&'a Mock);

impl Names for Borrowed<'_> {
    fn collation_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        self.0.collation_by_name(schema, name)
    }

    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
        self.0.relation_by_name(schema, name)
    }

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        self.0.relation(oid)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
        self.0.type_by_name(schema, name)
    }

    fn schema_exists(&self, name: &str) -> bool {
        self.0.schema_exists(name)
    }

    fn current_database(&self) -> String {
        self.0.current_database()
    }

    fn along<'b>(&'b self, _: &'b Kept) -> Box<dyn Names + 'b> {
        Box::new(Borrowed(self.0))
    }
}
