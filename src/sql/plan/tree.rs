//! A table with children: each is read on its own, with the parent's conditions, and their rows come one after the
//! other. PostgreSQL 15, inherit.c and allpaths.c, set_append_rel_pathlist.

use super::path::{Part, Path, PathKey, PathKind, add_path, ordered_for};
use super::planner::Planner;
use super::prune::Shape;
use super::relset::RelSet;
use super::scan::{Around, BaseRel, base_paths};
use super::selectivity::{Estimator, Facts};
use super::settings::PlannerSettings;
use crate::base::{Error, Result};
use crate::catalog::Relation;
use crate::heap::Fact;
use crate::sql::bind::Names;
use crate::sql::expr::{Expr, ExprKind};
use std::rc::Rc;
use std::sync::Arc;

/// Deeper or wider trees are refused.
const MAX_RELATIONS: usize = 100_000;

/// The table's rows lie in several tables.
pub(in crate::sql) fn is_tree(rel: &crate::sql::bind::Rel) -> bool {
    matches!(&rel.source, crate::sql::bind::Source::Table { rel, inherit: true, .. }
        if !rel.children.is_empty() || rel.is_partitioned())
}

/// The relations whose rows a table shows: itself, then its children level by level (a partitioned table has no rows
/// of its own).
pub(in crate::sql) fn members(names: &dyn Names, root: &Arc<Relation>) -> Result<Vec<Arc<Relation>>> {
    let mut found: Vec<Arc<Relation>> = vec![root.clone()];
    let mut n = 0;
    while n < found.len() {
        for child in found[n].children.clone() {
            if found.iter().any(|f| f.oid == child) {
                continue;
            }
            let child = names.relation(child).ok_or_else(|| Error::internal(format!("relation {child} is gone")))?;
            if found.len() >= MAX_RELATIONS {
                return Err(Error::unsupported("a table with so many children is not supported"));
            }
            found.push(child);
        }
        n += 1;
    }
    // Not before: a temporary table's children are temporary, too.
    found.retain(|f| f.oid == root.oid || !names.is_other_temp(f));
    Ok(found)
}

/// The child's attribute numbers of the parent's attributes, in their order; 0 for dropped ones.
///
/// # Errors
/// XX000 if one is missing.
pub(in crate::sql) fn attribute_map(parent: &Relation, child: &Relation) -> Result<Vec<i16>> {
    parent
        .attributes
        .iter()
        .map(|a| {
            if a.dropped {
                return Ok(0);
            }
            let at = a.attno as usize - 1;
            // Mostly they stand at the same place.
            let same = child.attributes.get(at).filter(|c| !c.dropped && c.name == a.name);
            same.or_else(|| child.attribute(&a.name)).map(|c| c.attno).ok_or_else(|| {
                Error::internal(format!("column \"{}\" of \"{}\" is missing in its child", a.name, parent.name))
            })
        })
        .collect()
}

pub(in crate::sql) fn mapped(map: &[i16], attno: i16) -> i16 {
    match Fact::of(attno) {
        Some((fact, of)) => fact.about(mapped(map, of)),
        None if attno < 1 => attno,
        None => map.get(attno as usize - 1).copied().unwrap_or(0),
    }
}

/// An expression over the parent's attributes as one over the child's.
pub(in crate::sql) fn to_child(e: &Expr, rel: usize, map: &[i16]) -> Expr {
    let mut e = e.clone();
    e.rewrite(&mut |x| {
        if let ExprKind::Var { rel: r, attno, levels_up: 0 } = &mut x.kind
            && *r == rel
        {
            *attno = mapped(map, *attno);
        }
    });
    e
}

impl Planner<'_> {
    /// The tables a tree of the present level was found to have rows in.
    pub(super) fn expanded(&self, rel: usize) -> Result<Vec<Arc<Relation>>> {
        let found = self.expanded.iter().rev().find(|(l, r, _)| (*l, *r) == (self.levels.len(), rel));
        found.map(|(_, _, members)| members.clone()).ok_or_else(|| Error::internal("a tree was not expanded"))
    }
}

impl BaseRel {
    /// The attribute of this scan's table that stands for one of the query's.
    pub fn own_attno(&self, attno: i16) -> i16 {
        match &self.map {
            Some(map) => mapped(map, attno),
            None => attno,
        }
    }

    /// The query's attribute that one of this scan's table stands for.
    pub fn query_attno(&self, own: i16) -> i16 {
        if let Some((fact, of)) = Fact::of(own) {
            return fact.about(self.query_attno(of));
        }
        match &self.map {
            Some(map) if own > 0 => map.iter().position(|a| *a == own).map_or(0, |n| n as i16 + 1),
            _ => own,
        }
    }
}

impl Planner<'_> {
    /// The members of a tree as relations of their own under the tree's number.
    pub(super) fn children(&mut self, base: &BaseRel, root: &Arc<Relation>) -> Result<(Vec<BaseRel>, Shape)> {
        let mut inner = Vec::new();
        let mut found = Vec::new();
        let shape = if root.is_partitioned() {
            let own: Vec<i16> = root.attributes.iter().map(|a| a.attno).collect();
            let out = (&mut found, &mut inner);
            let none: [Expr; 0] = [];
            let quals = if self.cx.settings.enable_partition_pruning { &base.quals[..] } else { &none };
            super::prune::expand(self.cx.names, self.cx.io, (root, &own), quals, base.rel, out)?
        } else {
            for member in members(self.cx.names, root)? {
                let map = attribute_map(root, &member)?;
                let quals: Vec<Expr> = base.quals.iter().map(|q| to_child(q, base.rel, &map)).collect();
                match self.is_excluded(&member, base.rel, &quals, true)? {
                    true => inner.push(member),
                    false => found.push(member),
                }
            }
            let parts = (0..found.len()).map(Shape::Table).collect();
            Shape::Parted { table: root.clone(), order: Vec::new(), parts }
        };
        inner.iter().for_each(|table| self.note_member(root, table));
        self.expanded.retain(|(level, rel, _)| (*level, *rel) != (self.levels.len(), base.rel));
        self.expanded.push((self.levels.len(), base.rel, found.clone()));
        let mut out = Vec::new();
        for member in found {
            self.note_member(root, &member);
            let map = attribute_map(root, &member)?;
            let mut child = BaseRel {
                rel: base.rel,
                pages: 1.0,
                tuples: 1000.0,
                rows: 1000.0,
                width: base.width,
                secure: base.secure,
                bound: None,
                quals: base.quals.iter().map(|q| to_child(q, base.rel, &map)).collect(),
                needed: base.needed.iter().map(|a| mapped(&map, *a)).collect(),
                asked: base.asked.iter().map(|a| mapped(&map, *a)).collect(),
                lateral: RelSet::EMPTY,
                sub: None,
                indexes: Vec::new(),
                all_visible: 0.0,
                table: Some(member.clone()),
                map: Some(map),
                alias: None,
                children: None,
                shape: None,
                root: None,
                marked: base.marked,
            };
            self.table_size(&member, &mut child);
            child.indexes = self.index_expressions(&member, child.rel)?;
            child.tuples = child.tuples.max(1.0);
            child.rows = child.tuples;
            out.push(child);
        }
        Ok((out, shape))
    }

    /// Rows of the children under their conditions; the tree has their sum.
    pub(super) fn estimate_children(&self, base: &mut BaseRel, beside: bool, facts: &[Facts]) {
        let Some(children) = &mut base.children else { return };
        let settings = self.cx.settings;
        for c in children.iter_mut() {
            super::secure::arrange(c, beside, settings);
            let facts = child_facts(facts, c);
            let refs: Vec<&Expr> = c.quals.iter().collect();
            let s = Estimator::new(&facts, self.cx.io).all(&refs);
            c.rows = (c.tuples * s).round().max(1.0);
        }
        base.rows = children.iter().map(|c| c.rows).sum::<f64>().max(1.0);
    }
}

fn child_facts(facts: &[Facts], child: &BaseRel) -> Vec<Facts> {
    let mut facts = facts.to_vec();
    facts[child.rel] = Facts { table: child.table.clone(), tree: false, tuples: child.tuples, rows: child.rows };
    facts
}

/// The ways to read a tree: every member in the cheapest way, with the values of the same outer relations.
pub(super) fn tree_paths(base: &BaseRel, children: &[BaseRel], around: &Around<'_>) -> Result<Vec<Rc<Path>>> {
    let mut all: Vec<Vec<Rc<Path>>> = Vec::with_capacity(children.len());
    let mut wants = Vec::with_capacity(children.len());
    for c in children {
        let facts = child_facts(around.facts, c);
        let map = c.map.as_deref().unwrap_or_default();
        let wanted: Vec<PathKey> =
            around.wanted.iter().map(|k| PathKey { expr: to_child(&k.expr, c.rel, map), ..k.clone() }).collect();
        let held: Vec<Expr> = around.held.iter().map(|e| to_child(e, c.rel, map)).collect();
        let around = Around { facts: &facts, wanted: &wanted, held: &held, ..*around };
        all.push(base_paths(c, &around)?);
        wants.push(wanted);
    }
    let mut outers = vec![RelSet::EMPTY];
    for p in all.iter().flatten() {
        if !outers.contains(&p.outer) {
            outers.push(p.outer);
        }
    }
    let mut out = Vec::new();
    for outer in outers {
        let cheapest = |paths: &[Rc<Path>]| {
            let fits = paths.iter().filter(|p| p.outer.within(outer));
            fits.min_by(|a, b| a.total.total_cmp(&b.total)).cloned()
        };
        let Some(parts) = all.iter().map(|p| cheapest(p)).collect::<Option<Vec<_>>>() else { continue };
        let parts = parts.into_iter().enumerate().map(|(n, p)| Part::Table(n, p)).collect();
        add_path(&mut out, appended(base.rel, outer, parts, Vec::new(), around.settings));
    }
    if let Some(shape) = &base.shape
        && !around.wanted.is_empty()
    {
        for by_startup in [false, true] {
            let ordering = Ordering { rel: base.rel, width: base.width, all: &all, wants: &wants, around, by_startup };
            ordering.add(shape, &mut out);
        }
    }
    Ok(out)
}

/// Parts one after the other. PostgreSQL 15, costsize.c, cost_append.
fn appended(rel: usize, outer: RelSet, parts: Vec<Part>, order: Vec<PathKey>, s: &PlannerSettings) -> Path {
    let rows = parts.iter().map(|p| p.path().rows).sum::<f64>().max(1.0);
    let handing_on = if parts.len() > 1 { rows * s.cpu_tuple_cost * 0.5 } else { 0.0 };
    Path {
        rels: RelSet::one(rel),
        outer,
        rows,
        startup: parts.first().map_or(0.0, |p| p.path().startup),
        total: parts.iter().map(|p| p.path().total).sum::<f64>() + handing_on,
        order,
        kind: PathKind::Append { rel, parts, merge: false },
    }
}

/// Ways to read a tree in the order wanted, where some of its tables have an index for it.
/// PostgreSQL 15, allpaths.c, generate_orderedappend_paths.
struct Ordering<'t> {
    rel: usize,
    width: i32,
    all: &'t [Vec<Rc<Path>>],
    /// The order wanted, over each table's own attributes.
    wants: &'t [Vec<PathKey>],
    around: &'t Around<'t>,
    /// The tables' paths are those that begin soonest, not those that end soonest.
    by_startup: bool,
}

impl Ordering<'_> {
    fn add(&self, shape: &Shape, out: &mut Vec<Rc<Path>>) {
        let fits = |(paths, want): (&Vec<Rc<Path>>, &Vec<PathKey>)| {
            paths.iter().any(|p| p.outer.is_empty() && ordered_for(&p.order, want))
        };
        if !self.all.iter().zip(self.wants).any(fits) {
            return;
        }
        match self.part(shape) {
            Some(Part::Parted(_, path)) => add_path(out, Path::clone(&path)),
            Some(one) => {
                let order = self.around.wanted.to_vec();
                add_path(out, appended(self.rel, RelSet::EMPTY, vec![one], order, self.around.settings));
            }
            None => {}
        }
    }

    fn part(&self, shape: &Shape) -> Option<Part> {
        let (table, order, parts) = match shape {
            Shape::Table(n) => return Some(Part::Table(*n, self.table(*n)?)),
            Shape::Parted { table, order, parts } => (table, order, parts),
        };
        let mut parts = parts.iter().map(|p| self.part(p)).collect::<Option<Vec<_>>>()?;
        if parts.len() < 2 {
            return parts.pop();
        }
        let wanted = self.around.wanted;
        let back: Vec<PathKey> = order.iter().map(|k| PathKey { desc: true, nulls_first: true, ..k.clone() }).collect();
        let fits = |order: &[PathKey]| !order.is_empty() && (ordered_for(order, wanted) || ordered_for(wanted, order));
        let path = if fits(order) || fits(&back) {
            if !fits(order) {
                parts.reverse();
            }
            appended(self.rel, RelSet::EMPTY, parts, wanted.to_vec(), self.around.settings)
        } else {
            self.merged(parts)
        };
        Some(Part::Parted(table.clone(), Rc::new(path)))
    }

    /// A table in order by one of its indexes; sorted, if it has none for that.
    fn table(&self, n: usize) -> Option<Rc<Path>> {
        let free = || self.all[n].iter().filter(|p| p.outer.is_empty());
        let price = |p: &Path| if self.by_startup { p.startup } else { p.total };
        let in_order = free().filter(|p| ordered_for(&p.order, &self.wants[n]));
        if let Some(p) = in_order.min_by(|a, b| price(a).total_cmp(&price(b))) {
            return Some(p.clone());
        }
        let input = free().min_by(|a, b| a.total.total_cmp(&b.total))?.clone();
        let (startup, total) = super::cost::sort(input.total, input.rows, self.width, -1.0, self.around.settings);
        let keys = self.wants[n].clone();
        let kind = PathKind::Sorted { input: input.clone(), keys };
        Some(Rc::new(Path { startup, total, order: self.wants[n].clone(), kind, ..Path::clone(&input) }))
    }

    /// PostgreSQL 15, costsize.c, cost_merge_append.
    fn merged(&self, parts: Vec<Part>) -> Path {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Part::Parted(_, path) if matches!(path.kind, PathKind::Append { .. }) => {
                    if let PathKind::Append { parts, .. } = &path.kind {
                        flat.extend(parts.iter().cloned());
                    }
                }
                part => flat.push(part),
            }
        }
        let s = self.around.settings;
        let sum = |f: &dyn Fn(&Path) -> f64| flat.iter().map(|p| f(p.path())).sum::<f64>();
        let (rows, n) = (sum(&|p| p.rows).max(1.0), flat.len() as f64);
        let compare = 2.0 * s.cpu_operator_cost * n.log2();
        let first = compare * n;
        let (startup, total) = (first + sum(&|p| p.startup), first + sum(&|p| p.total));
        Path {
            rels: RelSet::one(self.rel),
            outer: RelSet::EMPTY,
            rows,
            startup,
            total: total + rows * (compare + s.cpu_tuple_cost * 0.5),
            order: self.around.wanted.to_vec(),
            kind: PathKind::Append { rel: self.rel, parts: flat, merge: true },
        }
    }
}
