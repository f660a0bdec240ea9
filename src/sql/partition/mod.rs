//! Partitioned tables: which partition a row belongs to ([`Routing`]), which partitions a condition can find rows in
//! ([`prune`]), and how keys and bounds read as SQL ([`text`]).
//!
//! PostgreSQL 15, partbounds.c and partprune.c: same order of partitions, same answers. Departs: values are normalised
//! keys, so that LIST and RANGE are one binary search over bytes, whatever the types.
//!
//! Invariants
//! - PART-1: a row has exactly one place in a set of bounds, or none; overlapping bounds are refused when defined.
//! - PART-2: pruning only leaves partitions out in which no row fulfils the condition.

mod constraint;
mod prune;
pub mod text;

pub use constraint::constraint;
pub use prune::{Operand, Test};

use crate::base::{Error, Oid, Result};
use crate::catalog::{Bound, Edge, PartitionKey, Relation, Strategy};
use crate::sql::bind::{Names, stored};
use crate::sql::expr::Expr;
use crate::types::{Datum, IoContext, TypeRef, key};
use std::sync::Arc;

/// PostgreSQL 15, partitioning/partbounds.h, HASH_PARTITION_SEED.
const HASH_SEED: u64 = 0x7A5B_2236_7996_DCFD;

/// How rows of a partitioned table find their partition.
pub struct Routing {
    pub key: Arc<PartitionKey>,
    /// The key's columns over the table's attributes (`Var { rel: 0 }`).
    pub exprs: Vec<Expr>,
    /// In the order of their bounds, the default partition last.
    pub children: Vec<Oid>,
    pub default: Option<usize>,
    bounds: Bounds,
}

enum Bounds {
    List {
        /// Ascending.
        values: Vec<(Vec<u8>, usize)>,
        null: Option<usize>,
    },
    Range(Vec<Span>),
    Hash {
        /// By remainder of the greatest modulus.
        slots: Vec<Option<usize>>,
    },
}

/// From inclusive, to exclusive; ascending, without overlap.
struct Span {
    from: Vec<u8>,
    to: Vec<u8>,
    child: usize,
}

/// The routing of a partitioned table.
pub fn routing(rel: &Arc<Relation>, names: &dyn Names, io: &IoContext) -> Result<Arc<Routing>> {
    if let Some(kept) = rel.routing.get()
        && let Ok(r) = kept.clone().downcast::<Routing>()
    {
        return Ok(r);
    }
    let made = Arc::new(Routing::new(rel, names, io)?);
    let _ = rel.routing.set(made.clone());
    Ok(made)
}

/// The bytes of one value among a key's: comparable with the edges MINVALUE and MAXVALUE.
fn push_value(ty: TypeRef, value: Datum<'_>, out: &mut Vec<u8>) {
    out.push(1);
    key::encode(ty, value, out);
}

/// An edge of a range as bytes. What stands behind MINVALUE or MAXVALUE does not matter.
pub fn edge_key(key: &PartitionKey, edges: &[Edge]) -> Vec<u8> {
    let mut out = Vec::new();
    for (edge, column) in edges.iter().zip(&key.columns) {
        match edge {
            Edge::Min => {
                out.push(0);
                break;
            }
            Edge::Max => {
                out.push(2);
                break;
            }
            Edge::Value(v) => push_value(column.ty, v.datum(), &mut out),
        }
    }
    out
}

/// A value of a LIST key as bytes.
pub fn list_key(key: &PartitionKey, value: Datum<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    push_value(key.columns[0].ty, value, &mut out);
    out
}

/// PostgreSQL's hash of a partition key (compute_partition_hash_value).
pub fn row_hash(types: &[TypeRef], values: &[Datum<'_>]) -> Result<u64> {
    let mut sum = 0u64;
    for (ty, value) in types.iter().zip(values) {
        if value.is_null() {
            continue;
        }
        let one = crate::sql::func::hash::extended_hash(ty.oid, *value, HASH_SEED)?;
        sum ^= one.wrapping_add(0x49a0_f4dd_15e5_a8e3).wrapping_add(sum << 54).wrapping_add(sum >> 7);
    }
    Ok(sum)
}

impl Routing {
    fn new(rel: &Arc<Relation>, names: &dyn Names, io: &IoContext) -> Result<Routing> {
        let key =
            rel.lineage.key.clone().ok_or_else(|| Error::internal(format!("\"{}\" has no partition key", rel.name)))?;
        let mut parts = Vec::with_capacity(rel.children.len());
        for oid in &rel.children {
            let child = names.relation(*oid).ok_or_else(|| Error::internal(format!("partition {oid} is gone")))?;
            let bound = child.lineage.bound.clone();
            parts.push((*oid, bound.ok_or_else(|| Error::internal(format!("\"{}\" has no bound", child.name)))?));
        }
        let exprs = stored(rel, names, io)?.partition_key.clone();
        Ok(Routing::of(key, exprs, parts))
    }

    /// From a key and the partitions' bounds, which do not overlap.
    pub fn of(key: Arc<PartitionKey>, exprs: Vec<Expr>, mut parts: Vec<(Oid, Arc<Bound>)>) -> Routing {
        let place = |bound: &Bound| -> (u8, Vec<u8>) {
            match bound {
                Bound::Default => (2, Vec::new()),
                Bound::List(values) => {
                    let keys = values.iter().filter(|v| !v.is_null()).map(|v| list_key(&key, v.datum()));
                    // One with NULL alone comes behind those with values.
                    keys.min().map_or((1, Vec::new()), |k| (0, k))
                }
                Bound::Range { from, .. } => (0, edge_key(&key, from)),
                Bound::Hash { modulus, remainder } => (0, [modulus.to_be_bytes(), remainder.to_be_bytes()].concat()),
            }
        };
        parts.sort_by_cached_key(|(_, bound)| place(bound));
        let default = parts.iter().position(|(_, b)| **b == Bound::Default);
        let bounds = match key.strategy {
            Strategy::List => Self::list(&key, &parts),
            Strategy::Range => Self::range(&key, &parts),
            Strategy::Hash => Self::hash(&parts),
        };
        Routing { exprs, children: parts.into_iter().map(|(oid, _)| oid).collect(), default, bounds, key }
    }

    fn list(key: &PartitionKey, parts: &[(Oid, Arc<Bound>)]) -> Bounds {
        let (mut found, mut null) = (Vec::new(), None);
        for (n, (_, bound)) in parts.iter().enumerate() {
            let Bound::List(values) = &**bound else { continue };
            for v in values {
                match v.is_null() {
                    true => null = Some(n),
                    false => found.push((list_key(key, v.datum()), n)),
                }
            }
        }
        found.sort();
        Bounds::List { values: found, null }
    }

    fn range(key: &PartitionKey, parts: &[(Oid, Arc<Bound>)]) -> Bounds {
        let span = |(n, (_, bound)): (usize, &(Oid, Arc<Bound>))| match &**bound {
            Bound::Range { from, to } => Some(Span { from: edge_key(key, from), to: edge_key(key, to), child: n }),
            _ => None,
        };
        Bounds::Range(parts.iter().enumerate().filter_map(span).collect())
    }

    fn hash(parts: &[(Oid, Arc<Bound>)]) -> Bounds {
        let of = |bound: &Bound| match bound {
            Bound::Hash { modulus, remainder } => Some((*modulus as usize, *remainder as usize)),
            _ => None,
        };
        let greatest = parts.iter().filter_map(|(_, b)| of(b)).map(|(m, _)| m).max().unwrap_or(0);
        let mut slots = vec![None; greatest];
        for (n, (_, bound)) in parts.iter().enumerate() {
            let Some((modulus, remainder)) = of(bound).filter(|(m, _)| *m > 0) else { continue };
            slots.iter_mut().skip(remainder).step_by(modulus).for_each(|s| *s = Some(n));
        }
        Bounds::Hash { slots }
    }

    /// Whether all rows of each partition that stays come, by the key, before those of the next. PostgreSQL 15,
    /// partbounds.c, partitions_are_ordered and create_list_bounds: same rules.
    pub fn is_ordered(&self, stay: &[bool]) -> bool {
        if self.default.is_some_and(|d| stay.get(d) == Some(&true)) {
            return false;
        }
        match &self.bounds {
            Bounds::Range(_) => true,
            Bounds::Hash { .. } => false,
            Bounds::List { values, null } => {
                let mut last = 0;
                values.iter().all(|(_, child)| {
                    let apart = *child >= last && *null != Some(*child);
                    last = *child;
                    apart || stay.get(*child) != Some(&true)
                })
            }
        }
    }

    pub fn types(&self) -> Vec<TypeRef> {
        self.key.columns.iter().map(|c| c.ty).collect()
    }

    /// The partition a row with these key values belongs to.
    ///
    /// # Errors
    /// 42883 for a type without hash function.
    pub fn find(&self, values: &[Datum<'_>]) -> Result<Option<usize>> {
        Ok(match &self.bounds {
            Bounds::List { values: known, null } => {
                let found = match values.first() {
                    Some(v) if !v.is_null() => {
                        let wanted = list_key(&self.key, *v);
                        known.binary_search_by(|(k, _)| k.as_slice().cmp(&wanted)).ok().map(|n| known[n].1)
                    }
                    _ => *null,
                };
                found.or(self.default)
            }
            Bounds::Range(spans) => {
                if values.iter().any(|v| v.is_null()) {
                    return Ok(self.default);
                }
                let mut wanted = Vec::new();
                for (column, v) in self.key.columns.iter().zip(values) {
                    push_value(column.ty, *v, &mut wanted);
                }
                let after = spans.partition_point(|s| s.from <= wanted);
                let found = after.checked_sub(1).map(|n| &spans[n]).filter(|s| wanted < s.to);
                found.map(|s| s.child).or(self.default)
            }
            Bounds::Hash { slots } => {
                if slots.is_empty() {
                    return Ok(None);
                }
                slots[(row_hash(&self.types(), values)? % slots.len() as u64) as usize]
            }
        })
    }

    /// A partition whose bound overlaps another one.
    pub fn overlapping(&self, bound: &Bound) -> Option<usize> {
        match (bound, &self.bounds) {
            (Bound::Default, _) => self.default,
            (Bound::List(values), Bounds::List { values: known, null }) => {
                values.iter().find_map(|v| match v.is_null() {
                    true => *null,
                    false => {
                        let wanted = list_key(&self.key, v.datum());
                        known.binary_search_by(|(k, _)| k.as_slice().cmp(&wanted)).ok().map(|n| known[n].1)
                    }
                })
            }
            (Bound::Range { from, to }, Bounds::Range(spans)) => {
                let (from, to) = (edge_key(&self.key, from), edge_key(&self.key, to));
                spans.iter().find(|s| s.from < to && from < s.to).map(|s| s.child)
            }
            (Bound::Hash { modulus, remainder }, Bounds::Hash { slots }) => {
                let (modulus, remainder) = (*modulus as usize, *remainder as usize);
                // Both repeat with the greater of the two.
                let period = slots.len().max(modulus);
                (remainder..period)
                    .step_by(modulus.max(1))
                    .find_map(|n| slots.get(n % slots.len().max(1)).copied().flatten())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::KeyColumn;
    use crate::types::{Value, oid};

    fn key(strategy: Strategy, columns: usize) -> Arc<PartitionKey> {
        let column = |n: usize| KeyColumn {
            attno: n as i16 + 1,
            expr: None,
            ty: TypeRef::of(oid::INT4),
            opclass: None,
            collation: None,
            order: String::new(),
        };
        Arc::new(PartitionKey { strategy, columns: (0..columns).map(column).collect() })
    }

    fn routing(key: Arc<PartitionKey>, bounds: Vec<Bound>) -> Routing {
        let parts = (1..).map(Oid).zip(bounds.into_iter().map(Arc::new)).collect();
        Routing::of(key, Vec::new(), parts)
    }

    fn found(r: &Routing, values: &[Datum<'_>]) -> u32 {
        r.find(values).unwrap().map_or(0, |n| r.children[n].0)
    }

    fn edge(v: i32) -> Edge {
        Edge::Value(Value::I32(v))
    }

    /// Multi-column ranges with MINVALUE and MAXVALUE, gaps and a default partition.
    #[test]
    fn ranges_are_found_by_binary_search() {
        let range = |from: [Edge; 2], to: [Edge; 2]| Bound::Range { from: from.to_vec(), to: to.to_vec() };
        let r = routing(
            key(Strategy::Range, 2),
            vec![
                range([edge(10), edge(0)], [edge(10), Edge::Max]),
                Bound::Default,
                range([Edge::Min, Edge::Min], [edge(0), Edge::Min]),
            ],
        );
        let i = Datum::I32;
        assert_eq!(found(&r, &[i(-5), i(7)]), 3);
        assert_eq!(found(&r, &[i(0), i(7)]), 2);
        assert_eq!(found(&r, &[i(10), i(-1)]), 2);
        assert_eq!(found(&r, &[i(10), i(0)]), 1);
        assert_eq!(found(&r, &[i(10), i(i32::MAX)]), 1);
        assert_eq!(found(&r, &[i(11), i(0)]), 2);
        assert_eq!(found(&r, &[Datum::Null, i(0)]), 2);
        assert!(r.overlapping(&range([edge(9), edge(0)], [edge(10), edge(1)])).is_some());
        assert!(r.overlapping(&range([edge(0), Edge::Min], [edge(10), edge(0)])).is_none());
    }

    /// Values of a list, NULL, and the order of partitions.
    #[test]
    fn lists_are_found_by_value() {
        let r = routing(
            key(Strategy::List, 1),
            vec![
                Bound::List(vec![Value::Null]),
                Bound::List(vec![Value::I32(3), Value::I32(1)]),
                Bound::List(vec![Value::I32(2)]),
            ],
        );
        assert_eq!(r.children, vec![Oid(2), Oid(3), Oid(1)]);
        assert_eq!(found(&r, &[Datum::I32(3)]), 2);
        assert_eq!(found(&r, &[Datum::Null]), 1);
        assert_eq!(found(&r, &[Datum::I32(4)]), 0);
    }

    /// Moduli that divide one another share the remainders out.
    #[test]
    fn hash_remainders_belong_to_one_partition() {
        let hash = |modulus, remainder| Bound::Hash { modulus, remainder };
        let r = routing(key(Strategy::Hash, 1), vec![hash(2, 0), hash(4, 1)]);
        assert!(r.overlapping(&hash(4, 3)).is_none());
        assert!(r.overlapping(&hash(4, 2)).is_some());
        assert!(r.overlapping(&hash(8, 5)).is_some());
        assert!(r.overlapping(&hash(8, 7)).is_none());
    }
}
