//! The condition that a partition's bounds put on its rows, as SQL. PostgreSQL 15, partbounds.c, get_qual_from_partbound.

use crate::base::Oid;
use crate::catalog::object::Class;
use crate::catalog::{Bound, Catalog, Edge, PartitionKey};
use crate::types::name::quote_identifier;
use crate::types::{IoContext, TypeRef, Value, oid};

/// `((a IS NOT NULL) AND (a >= 1) AND (a < 10))`; None: the table is no partition, or every row may be there.
pub fn constraint(
    catalog: &Catalog,
    table: Oid,
    io: &IoContext,
    shown: &dyn Fn(Oid, &str) -> String,
) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut at = table;
    loop {
        let record = catalog.class(at)?;
        let c = record.object.as_class().ok()?;
        let Some(bound) = &c.lineage.bound else { break };
        let parent = *c.lineage.parents.first()?;
        let above = catalog.class(parent)?;
        let above = above.object.as_class().ok()?;
        let scene = Scene { catalog, parent: above, key: above.lineage.key.as_deref()?, io, shown };
        parts.splice(0..0, scene.conditions(bound));
        at = parent;
    }
    (!parts.is_empty()).then(|| joined(&parts, "AND"))
}

fn joined(parts: &[String], word: &str) -> String {
    match parts {
        [one] => one.clone(),
        many => format!("({})", many.join(&format!(" {word} "))),
    }
}

struct Scene<'a> {
    catalog: &'a Catalog,
    parent: &'a Class,
    key: &'a PartitionKey,
    io: &'a IoContext,
    /// How an expression over a table is to be written.
    shown: &'a dyn Fn(Oid, &str) -> String,
}

impl Scene<'_> {
    fn column(&self, n: usize) -> String {
        let c = &self.key.columns[n];
        match &c.expr {
            Some(e) => (self.shown)(self.parent.oid, e),
            None => {
                self.parent.attributes.get(c.attno as usize - 1).map(|a| quote_identifier(&a.name)).unwrap_or_default()
            }
        }
    }

    fn constant(&self, ty: TypeRef, value: &Value) -> String {
        let ty = if ty.oid == oid::VARCHAR { TypeRef::of(oid::TEXT) } else { ty };
        crate::sql::bind::shown_constant(value, ty, crate::sql::bind::Label::Needed, self.io)
            .unwrap_or_else(|| "?".into())
    }

    fn others(&self) -> Vec<Bound> {
        let mut found: Vec<Bound> = Vec::new();
        for child in self.catalog.members_of(self.parent.oid) {
            let record = self.catalog.class(child);
            let bound = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| c.lineage.bound.clone());
            found.extend(bound.filter(|b| **b != Bound::Default).map(|b| (*b).clone()));
        }
        found
    }

    fn conditions(&self, bound: &Bound) -> Vec<String> {
        match bound {
            Bound::List(values) => self.list(values),
            Bound::Range { from, to } => {
                let mut all = self.not_null();
                all.extend(self.range(from, to));
                all
            }
            Bound::Hash { modulus, remainder } => {
                let columns: Vec<String> = (0..self.key.columns.len()).map(|n| self.column(n)).collect();
                let (oid, list) = (self.parent.oid, columns.join(", "));
                vec![format!("satisfies_hash_partition('{oid}'::oid, {modulus}, {remainder}, {list})")]
            }
            Bound::Default => self.default(),
        }
    }

    fn default(&self) -> Vec<String> {
        let others = self.others();
        let mut values = Vec::new();
        let mut ranges = Vec::new();
        for b in &others {
            match b {
                Bound::List(v) => values.extend(v.iter().cloned()),
                Bound::Range { from, to } => ranges.push(match self.range(from, to) {
                    parts if parts.is_empty() => "true".into(),
                    parts => joined(&parts, "AND"),
                }),
                _ => {}
            }
        }
        if !values.is_empty() {
            return vec![format!("(NOT {})", joined(&self.list(&values), "AND"))];
        }
        if ranges.is_empty() {
            return Vec::new();
        }
        let mut all = self.not_null();
        all.push(joined(&ranges, "OR"));
        vec![format!("(NOT {})", joined(&all, "AND"))]
    }

    fn not_null(&self) -> Vec<String> {
        (0..self.key.columns.len()).map(|n| format!("({} IS NOT NULL)", self.column(n))).collect()
    }

    fn list(&self, values: &[Value]) -> Vec<String> {
        let (ty, column) = (self.key.columns[0].ty, self.column(0));
        let some: Vec<String> = values.iter().filter(|v| !v.is_null()).map(|v| self.constant(ty, v)).collect();
        let cast = if ty.oid == oid::VARCHAR { format!("({column})::text") } else { column.clone() };
        let one = match some.as_slice() {
            [] => None,
            [one] => Some(format!("({cast} = {one})")),
            many => Some(format!("({cast} = ANY (ARRAY[{}]))", many.join(", "))),
        };
        let null = values.iter().any(Value::is_null);
        match (null, one) {
            (true, Some(one)) => vec![format!("(({column} IS NULL) OR {one})")],
            (true, None) => vec![format!("({column} IS NULL)")],
            (false, one) => [Some(format!("({column} IS NOT NULL)")), one].into_iter().flatten().collect(),
        }
    }

    fn range(&self, from: &[Edge], to: &[Edge]) -> Vec<String> {
        let mut all = Vec::new();
        let mut n = 0;
        while let (Some(Edge::Value(a)), Some(Edge::Value(b))) = (from.get(n), to.get(n)) {
            let ty = self.key.columns[n].ty;
            if n + 1 == from.len() || crate::types::compare(ty, a.datum(), b.datum()).is_ne() {
                break;
            }
            all.push(format!("({} = {})", self.column(n), self.constant(ty, a)));
            n += 1;
        }
        all.extend(self.side(from, n, (">", ">=")));
        all.extend(self.side(to, n, ("<", "<")));
        all
    }

    /// One side of a range from column `first` on: `((a > 1) OR ((a = 1) AND (b >= 2)))`.
    fn side(&self, edges: &[Edge], first: usize, (strict, last): (&str, &str)) -> Option<String> {
        let mut ways: Vec<String> = Vec::new();
        let mut equal: Vec<String> = Vec::new();
        for n in first..edges.len() {
            let Edge::Value(v) = &edges[n] else {
                // Everything behind is unbounded: equality is enough, or too little.
                if !equal.is_empty() && matches!((&edges[n], strict), (Edge::Min, ">") | (Edge::Max, "<")) {
                    let at = n - 1;
                    let Edge::Value(v) = &edges[at] else { break };
                    let op = format!("{strict}=");
                    equal.pop();
                    ways.pop();
                    let mut way = equal.clone();
                    way.push(format!("({} {op} {})", self.column(at), self.constant(self.key.columns[at].ty, v)));
                    ways.push(joined(&way, "AND"));
                }
                break;
            };
            let value = self.constant(self.key.columns[n].ty, v);
            let op = if n + 1 == edges.len() { last } else { strict };
            let mut way = equal.clone();
            way.push(format!("({} {op} {value})", self.column(n)));
            ways.push(joined(&way, "AND"));
            equal.push(format!("({} = {value})", self.column(n)));
        }
        (!ways.is_empty()).then(|| joined(&ways, "OR"))
    }
}
