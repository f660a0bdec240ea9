//! Rewriting a query before its joins are searched: CTEs in place, simple sub-selects pulled up, EXISTS and IN as joins,
//! outer joins reduced. PostgreSQL 15, prepjointree.c and subselect.c.

use super::JoinKind;
use super::fold::{conjunction, conjuncts, has_volatile, strict_in};
use super::relset::{MAX_RELS, RelSet};
use crate::sql::bind::query::walk_expr_mut;
use crate::sql::bind::scope::raise_levels;
use crate::sql::bind::{Distinct, FromNode, JoinNode, JoinWritten, Query, Rel, RelColumn, Source, SubLink};
use crate::sql::expr::{Expr, ExprKind, SubPlanKind};

/// Puts the CTEs that are read once (or are declared NOT MATERIALIZED) where they are read.
pub(super) fn inline_ctes(query: &mut Query) {
    for i in 0..query.ctes.len() {
        let cte = &query.ctes[i];
        let plain = !cte.recursive && cte.query.write.is_none() && cte.query.locks.is_empty();
        let wanted = match cte.materialized {
            Some(true) => false,
            Some(false) => true,
            None => cte.references == 1,
        };
        if !plain || !wanted || cte.references == 0 || query_is_volatile(&cte.query) {
            continue;
        }
        let body = (*cte.query).clone();
        replace_cte(query, i, &body, 0);
        query.ctes[i].references = 0;
    }
}

fn query_is_volatile(query: &Query) -> bool {
    let mut q = query.clone();
    let mut found = false;
    q.walk_mut(0, &mut |e, _| {
        if let ExprKind::Func { func, .. } | ExprKind::SetReturning { func, .. } = &e.kind {
            found |= func.volatility == b'v';
        }
    });
    found
}

/// The definition stands one level below its owner; the reference `depth` levels below it.
fn replace_cte(query: &mut Query, index: usize, body: &Query, depth: usize) {
    for rel in &mut query.rels {
        if matches!(rel.source, Source::Cte { index: i, levels_up } if i == index && levels_up == depth) {
            let mut q = body.clone();
            if depth > 0 {
                q.walk_mut(0, &mut |e, d| match &mut e.kind {
                    ExprKind::Var { levels_up, .. } if *levels_up > d => *levels_up += depth,
                    ExprKind::Aggregate(a) if a.levels_up > d => a.levels_up += depth,
                    ExprKind::Grouping { levels_up, .. } if *levels_up > d => *levels_up += depth,
                    _ => {}
                });
                shift_ctes(&mut q, 0, depth as isize);
            }
            rel.source = Source::Subquery(Box::new(q));
        }
    }
    query.for_each_query_mut(&mut |q| replace_cte(q, index, body, depth + 1));
    query.for_each_expr_mut(&mut |e| replace_in_expr(e, index, body, depth));
}

fn replace_in_expr(e: &mut Expr, index: usize, body: &Query, depth: usize) {
    e.for_each_child_mut(&mut |c| replace_in_expr(c, index, body, depth));
    if let ExprKind::SubLink(l) = &mut e.kind {
        replace_cte(&mut l.query, index, body, depth + 1);
    }
}

/// Moves references to CTEs outside the query by `by` levels.
pub(super) fn shift_ctes(query: &mut Query, depth: usize, by: isize) {
    for rel in &mut query.rels {
        if let Source::Cte { levels_up, .. } | Source::WorkTable { levels_up, .. } = &mut rel.source
            && *levels_up > depth
        {
            *levels_up = levels_up.saturating_add_signed(by);
        }
    }
    query.for_each_query_mut(&mut |q| shift_ctes(q, depth + 1, by));
    query.for_each_expr_mut(&mut |e| shift_ctes_in(e, depth, by));
}

fn shift_ctes_in(e: &mut Expr, depth: usize, by: isize) {
    e.for_each_child_mut(&mut |c| shift_ctes_in(c, depth, by));
    if let ExprKind::SubLink(l) = &mut e.kind {
        shift_ctes(&mut l.query, depth + 1, by);
    }
}

/// All rewriting of a SELECT's FROM and WHERE (also of UPDATE's and DELETE's).
pub(super) fn prepare(query: &mut Query) {
    whole_rows(query);
    sub_links_to_joins(query);
    pull_up(query);
    reduce_outer_joins(query);
    super::unique_semi::reduce(query);
    super::stored_facts::read_stored(query);
}

/// The relations an outer join may leave empty.
fn nullable_rels(node: &FromNode, nullable: bool, out: &mut RelSet) {
    match node {
        FromNode::Rel(r) if nullable => out.insert(*r),
        FromNode::Rel(_) => {}
        FromNode::Join(j) => {
            let (l, r) = match j.kind {
                JoinKind::Left => (false, true),
                JoinKind::Right => (true, false),
                JoinKind::Full => (true, true),
                _ => (false, false),
            };
            nullable_rels(&j.left, nullable || l, out);
            nullable_rels(&j.right, nullable || r, out);
        }
    }
}

/// Whole rows of relations that an outer join may leave empty are NULL as a whole there.
fn whole_rows(query: &mut Query) {
    let mut nullable = RelSet::EMPTY;
    query.from.iter().for_each(|n| nullable_rels(n, false, &mut nullable));
    if nullable.is_empty() {
        return;
    }
    let tables: Vec<bool> = query
        .rels
        .iter()
        .map(|r| matches!(&r.source, Source::Table { rel, .. } if rel.generated_by.is_none()))
        .collect();
    query.walk_mut(0, &mut |e, depth| {
        let ExprKind::Row { fields, names } = &mut e.kind else { return };
        if names.len() <= fields.len() {
            return;
        }
        let Some(ExprKind::Var { rel, levels_up, .. }) = fields.first().map(|f| f.kind.clone()) else { return };
        if levels_up != depth || !nullable.has(rel) {
            return;
        }
        names.truncate(fields.len());
        let bool_type = crate::types::TypeRef::of(crate::types::oid::BOOL);
        let there = |x: Expr| Expr::new(ExprKind::IsNotNull(Box::new(x)), bool_type);
        let condition = if tables.get(rel).copied().unwrap_or(false) {
            let tid = crate::types::TypeRef::of(crate::types::oid::TID);
            there(Expr::new(ExprKind::Var { rel, attno: -1, levels_up }, tid))
        } else {
            Expr::new(ExprKind::Or(fields.iter().cloned().map(there).collect()), bool_type)
        };
        let row = e.clone();
        e.kind = ExprKind::Case { operand: None, arms: vec![(condition, row)], otherwise: None };
    });
}

/// Replaces simple sub-selects in FROM by their own FROM items.
fn pull_up(query: &mut Query) {
    let mut round = 0;
    loop {
        let mut from = std::mem::take(&mut query.from);
        let mut changed = false;
        let mut filters = Vec::new();
        let mut pending = Vec::new();
        for node in &mut from {
            changed |= pull_up_node(node, query, false, true, &mut filters, &mut pending);
        }
        query.from = from;
        if changed {
            // Expressions inside the join tree that was taken out are already replaced by `replace_rel`.
            for f in filters {
                add_filter(query, f);
            }
        }
        round += 1;
        if !changed || round > 200 {
            return;
        }
        // A later one may read an earlier one's columns (LATERAL), so its expressions go in first.
        for (rel, exprs) in pending.into_iter().rev() {
            rows_of_columns(query, rel);
            replace_rel(query, rel, &exprs);
        }
    }
}

/// The row of a relation that goes away is one of what its columns become.
fn rows_of_columns(query: &mut Query, gone: usize) {
    query.walk_mut(0, &mut |e, depth| {
        let ExprKind::Row { fields, names } = &mut e.kind else { return };
        let first = fields.first().map(|f| &f.kind);
        if matches!(first, Some(ExprKind::Var { rel, levels_up, .. }) if *rel == gone && *levels_up == depth) {
            names.truncate(fields.len());
        }
    });
}

/// A rel pulled up, with the expressions that stand for its columns.
type Pulled = (usize, Vec<Expr>);

fn add_filter(query: &mut Query, f: Expr) {
    let mut parts = Vec::new();
    if let Some(old) = query.filter.take() {
        conjuncts(old, &mut parts);
    }
    conjuncts(f, &mut parts);
    query.filter = conjunction(parts);
}

/// Pulls up at most one sub-select below a node. `nullable`: below the empty side of an outer join; the filter then
/// stays with the join, in `on`.
fn pull_up_node(
    node: &mut FromNode,
    query: &mut Query,
    nullable: bool,
    movable: bool,
    filters: &mut Vec<Expr>,
    pending: &mut Vec<Pulled>,
) -> bool {
    match node {
        FromNode::Join(j) => {
            let (l, r) = match j.kind {
                JoinKind::Inner => (nullable, nullable),
                JoinKind::Left | JoinKind::Anti => (nullable, true),
                JoinKind::Semi => (nullable, nullable),
                JoinKind::Right => (true, nullable),
                JoinKind::Full => (true, true),
            };
            // The filter of a side that must not be empty alone may go into the join's own condition when that
            // decides partners: inner and semi joins, and the empty side of an outer join.
            let mut own = Vec::new();
            let (left_on, right_on) = match j.kind {
                JoinKind::Inner | JoinKind::Semi => (true, true),
                JoinKind::Left | JoinKind::Anti => (false, true),
                JoinKind::Right => (true, false),
                JoinKind::Full => (false, false),
            };
            // A full join keeps the rows of both sides, so a filter can go nowhere but below it.
            let movable = movable && j.kind != JoinKind::Full;
            let place = if left_on { &mut own } else { &mut *filters };
            let mut changed = pull_up_node(&mut j.left, query, l, movable, place, pending);
            if !changed {
                let place = if right_on { &mut own } else { &mut *filters };
                changed = pull_up_node(&mut j.right, query, r, movable, place, pending);
            }
            if !own.is_empty() {
                let mut parts = Vec::new();
                if let Some(on) = j.on.take() {
                    conjuncts(on, &mut parts);
                }
                own.into_iter().for_each(|f| conjuncts(f, &mut parts));
                j.on = conjunction(parts);
            }
            changed
        }
        FromNode::Rel(i) => {
            let rel = *i;
            let Some(new) = pull_up_rel(rel, query, nullable, movable, filters, pending) else { return false };
            *node = new;
            true
        }
    }
}

fn pull_up_rel(
    rel: usize,
    query: &mut Query,
    nullable: bool,
    movable: bool,
    filters: &mut Vec<Expr>,
    pending: &mut Vec<Pulled>,
) -> Option<FromNode> {
    let lateral = query.rels[rel].lateral;
    {
        let Source::Subquery(q) = &query.rels[rel].source else { return None };
        // A barrier keeps its conditions to itself.
        if !query.rels[rel].security.is_empty() {
            return None;
        }
        if !is_simple(q) || query.rels.len() + q.rels.len() >= MAX_RELS {
            return None;
        }
        if nullable && (lateral || !q.targets.iter().all(|t| matches!(t.expr.kind, ExprKind::Var { levels_up: 0, .. })))
        {
            return None;
        }
        // What a grouping set leaves out is NULL, also where the sub-select computes it: only plain columns can be told
        // from expressions that happen to be equal (PostgreSQL 15, prepjointree.c: same rule).
        if query.grouping_sets.is_some() && !q.targets.iter().all(|t| matches!(t.expr.kind, ExprKind::Var { .. })) {
            return None;
        }
        if !movable && q.filter.is_some() {
            return None;
        }
        // A filter on the empty side cannot leave its join: only joins whose ON it may join are tried (see the caller);
        // a sub-select of several rels there keeps its own join order.
        if nullable && q.from.len() != 1 {
            return None;
        }
        if q.targets.iter().any(|t| has_volatile(&t.expr)) {
            return None;
        }
    }
    let others = query.rels.len();
    let Source::Subquery(q) = &mut query.rels[rel].source else { return None };
    // Among the relations around it nobody would know which rows its own outer joins leave empty, and its conditions'
    // sub-selects become joins where they stand (PostgreSQL 15, prepjointree.c, pull_up_simple_subquery: same order).
    whole_rows(q);
    sub_links_to_joins(q);
    if lateral && q.from.iter().any(outer_join_reads_siblings) || others + q.rels.len() >= MAX_RELS {
        return None;
    }
    let source = std::mem::replace(&mut query.rels[rel].source, Source::Values(Vec::new()));
    let Source::Subquery(sub) = source else { return None };
    let mut sub = *sub;
    let offset = query.rels.len();
    // Its references move one level out, its own rels behind ours.
    sub.walk_mut(0, &mut |e, depth| match &mut e.kind {
        ExprKind::Var { rel, levels_up, .. } => {
            if *levels_up == depth {
                *rel += offset;
            } else if *levels_up > depth {
                *levels_up -= 1;
            }
        }
        ExprKind::Aggregate(a) if a.levels_up > depth => a.levels_up -= 1,
        ExprKind::Grouping { levels_up, .. } if *levels_up > depth => *levels_up -= 1,
        _ => {}
    });
    shift_ctes(&mut sub, 0, -1);
    let exprs: Vec<Expr> = sub.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect();
    for r in &mut sub.rels {
        r.lateral |= lateral;
    }
    query.rels.append(&mut sub.rels);
    query.locks.extend(sub.locks.iter().map(|l| crate::sql::bind::RowMark { rel: l.rel + offset, ..*l }));
    let mut nodes = sub.from;
    for n in &mut nodes {
        shift_node(n, offset);
    }
    let mut out = nodes.remove(0);
    for n in nodes {
        out = FromNode::Join(Box::new(JoinNode {
            kind: JoinKind::Inner,
            left: out,
            right: n,
            on: None,
            written: JoinWritten::default(),
        }));
    }
    if let Some(f) = sub.filter {
        filters.push(f);
    }
    pending.push((rel, exprs));
    Some(out)
}

/// The condition of an outer join reads what stands beside the whole sub-select: on one level that would be neither of
/// its sides. PostgreSQL 15, prepjointree.c, jointree_contains_lateral_outer_refs: same rule.
fn outer_join_reads_siblings(node: &FromNode) -> bool {
    let FromNode::Join(j) = node else { return false };
    let reads = |on: &Expr| {
        let mut found = false;
        walk_expr_mut(&mut on.clone(), 0, &mut |e, depth| {
            found |= matches!(e.kind, ExprKind::Var { levels_up, .. } if levels_up == depth + 1);
        });
        found
    };
    j.kind != JoinKind::Inner && j.on.as_ref().is_some_and(reads)
        || outer_join_reads_siblings(&j.left)
        || outer_join_reads_siblings(&j.right)
}

fn shift_node(node: &mut FromNode, by: usize) {
    match node {
        FromNode::Rel(r) => *r += by,
        FromNode::Join(j) => {
            shift_node(&mut j.left, by);
            shift_node(&mut j.right, by);
        }
    }
}

/// A sub-select that is nothing but a join with a condition.
fn is_simple(q: &Query) -> bool {
    q.set_op.is_none()
        && q.write.is_none()
        && q.ctes.iter().all(|c| c.references == 0 && c.query.write.is_none())
        && !q.has_aggregates
        && q.group_by.is_empty()
        && q.having.is_none()
        && !q.has_windows
        && !q.has_set_returning
        && matches!(q.distinct, Distinct::No)
        && q.order_by.is_empty()
        && q.limit.is_none()
        && q.offset.is_none()
        && !q.for_update
        && !q.from.is_empty()
}

/// Replaces the columns of a rel everywhere by expressions of this level.
fn replace_rel(query: &mut Query, rel: usize, exprs: &[Expr]) {
    query.walk_mut(0, &mut |e, depth| {
        if let ExprKind::Var { rel: r, attno, levels_up } = e.kind
            && r == rel
            && levels_up == depth
            && let Some(x) = usize::try_from(attno).ok().and_then(|n| n.checked_sub(1)).and_then(|n| exprs.get(n))
        {
            let mut new = x.clone();
            raise_levels(&mut new, depth);
            raise_ctes(&mut new, depth);
            if new.ty != e.ty && new.ty.oid == e.ty.oid {
                new.ty = e.ty;
            }
            *e = new.in_place_of(e);
        }
    });
}

/// The sub-selects of an expression that goes some levels further in name the WITH items around it from there.
fn raise_ctes(e: &mut Expr, by: usize) {
    e.for_each_child_mut(&mut |c| raise_ctes(c, by));
    if let ExprKind::SubLink(l) = &mut e.kind
        && by > 0
    {
        shift_ctes(&mut l.query, 0, by as isize);
    }
}

/// EXISTS, NOT EXISTS and IN among the conjuncts of WHERE become semi and anti joins.
fn sub_links_to_joins(query: &mut Query) {
    if query.from.is_empty() {
        return;
    }
    let Some(filter) = query.filter.take() else { return };
    let mut parts = Vec::new();
    conjuncts(filter, &mut parts);
    let mut kept = Vec::new();
    for part in parts {
        if let Some(rest) = try_join(part, query) {
            kept.push(rest);
        }
    }
    let moved = conjunction(kept);
    // Further conditions may have come from sub-selects.
    if let Some(m) = moved {
        add_filter(query, m);
    }
}

fn try_join(part: Expr, query: &mut Query) -> Option<Expr> {
    let (negated, link) = match &part.kind {
        ExprKind::SubLink(l) => (false, l),
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::SubLink(l) => (true, l),
            _ => return Some(part),
        },
        _ => return Some(part),
    };
    let fits = match link.kind {
        SubPlanKind::Exists => exists_fits(&link.query),
        SubPlanKind::Any if !negated => any_fits(link),
        _ => false,
    };
    if !fits || query.rels.len() + link.query.rels.len() + 1 >= MAX_RELS {
        return Some(part);
    }
    let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
    let link = match part.kind {
        ExprKind::SubLink(l) => *l,
        ExprKind::Not(inner) => match inner.kind {
            ExprKind::SubLink(l) => *l,
            _ => return None,
        },
        _ => return None,
    };
    let (right, on) = match link.kind {
        SubPlanKind::Exists => exists_join(link, query),
        _ => any_join(link, query),
    };
    let (right, on) = nested_links(query, kind, right, on);
    let left = crossed(std::mem::take(&mut query.from))?;
    query.from = vec![FromNode::Join(Box::new(JoinNode { kind, left, right, on, written: JoinWritten::default() }))];
    None
}

/// FROM items without conditions between them as one.
fn crossed(nodes: Vec<FromNode>) -> Option<FromNode> {
    let cross = |left, right| {
        FromNode::Join(Box::new(JoinNode {
            kind: JoinKind::Inner,
            left,
            right,
            on: None,
            written: JoinWritten::default(),
        }))
    };
    nodes.into_iter().reduce(cross)
}

/// PostgreSQL 15, prepjointree.c, pull_up_sublinks_qual_recurse: the conditions of a join made of a sub-select may hold
/// further ones. One that reads only the new join's right side is joined there; one that reads only the left side may
/// be joined below a semi join as well, but not below an anti join, which keeps the rows it fails for.
fn nested_links(query: &mut Query, kind: JoinKind, right: FromNode, on: Option<Expr>) -> (FromNode, Option<Expr>) {
    let Some(on) = on else { return (right, None) };
    let mut right = right;
    let mut inner = Vec::new();
    rels_of_node(&right, &mut inner);
    let mut parts = Vec::new();
    conjuncts(on, &mut parts);
    let mut kept = Vec::new();
    for part in parts {
        let read = rels_read(&part);
        let rest = if read.iter().all(|r| inner.contains(r)) {
            let left = std::mem::replace(&mut query.from, vec![right]);
            let rest = try_join(part, query);
            let Some(joined) = query.from.pop() else { unreachable!("FROM is not empty") };
            (right, query.from) = (joined, left);
            rest
        } else if kind == JoinKind::Semi && !read.iter().any(|r| inner.contains(r)) {
            try_join(part, query)
        } else {
            Some(part)
        };
        kept.extend(rest);
    }
    (right, conjunction(kept))
}

fn rels_of_node(node: &FromNode, out: &mut Vec<usize>) {
    match node {
        FromNode::Rel(r) => out.push(*r),
        FromNode::Join(j) => {
            rels_of_node(&j.left, out);
            rels_of_node(&j.right, out);
        }
    }
}

/// The relations of this level an expression reads, also from inside sub-selects.
fn rels_read(e: &Expr) -> Vec<usize> {
    let mut out = Vec::new();
    walk_expr_mut(&mut e.clone(), 0, &mut |x, depth| {
        if let ExprKind::Var { rel, levels_up, .. } = x.kind
            && levels_up == depth
        {
            out.push(rel);
        }
    });
    out
}

/// The query reads columns `levels` levels out.
fn reads_outer(e: &Expr, min: usize) -> bool {
    let mut e = e.clone();
    let mut found = false;
    walk_expr_mut(&mut e, 0, &mut |x, depth| match &x.kind {
        ExprKind::Var { levels_up, .. } => found |= *levels_up >= depth + min,
        ExprKind::Aggregate(a) => found |= a.levels_up >= depth + min && min > 0,
        ExprKind::Grouping { levels_up, .. } => found |= *levels_up >= depth + min && min > 0,
        _ => {}
    });
    found
}

/// PostgreSQL 15, subselect.c, convert_EXISTS_sublink_to_join.
fn exists_fits(q: &Query) -> bool {
    let plain = q.set_op.is_none()
        && q.write.is_none()
        && q.ctes.is_empty()
        && !q.has_aggregates
        && q.group_by.is_empty()
        && q.having.is_none()
        && !q.has_windows
        && !q.has_set_returning
        && q.limit.is_none()
        && q.offset.is_none()
        && !q.from.is_empty()
        && q.locks.is_empty();
    if !plain {
        return false;
    }
    let Some(filter) = &q.filter else { return false };
    if has_volatile(filter) || !reads_outer(filter, 1) {
        return false;
    }
    // Aggregates of the outer query inside the condition stay where they are.
    if filter.any(&mut |x| matches!(x.kind, ExprKind::Aggregate(_))) {
        return false;
    }
    // Everything but WHERE is independent of the outer query.
    let mut rest = q.clone();
    rest.filter = None;
    rest.targets.clear();
    rest.order_by.clear();
    let mut outer = false;
    rest.walk_mut(0, &mut |e, depth| {
        if let ExprKind::Var { levels_up, .. } = e.kind {
            outer |= levels_up > depth;
        }
    });
    !outer && q.rels.iter().all(|r| !matches!(r.source, Source::WorkTable { .. }))
}

fn exists_join(link: SubLink, query: &mut Query) -> (FromNode, Option<Expr>) {
    let mut sub = link.query;
    sub.targets.clear();
    sub.order_by.clear();
    let offset = query.rels.len();
    sub.walk_mut(0, &mut |e, depth| {
        if let ExprKind::Var { rel, levels_up, .. } = &mut e.kind {
            if *levels_up == depth {
                *rel += offset;
            } else if *levels_up > depth {
                *levels_up -= 1;
            }
        }
    });
    shift_ctes(&mut sub, 0, -1);
    query.rels.append(&mut sub.rels);
    let mut nodes = sub.from;
    nodes.iter_mut().for_each(|n| shift_node(n, offset));
    let mut right = nodes.remove(0);
    for n in nodes {
        right = FromNode::Join(Box::new(JoinNode {
            kind: JoinKind::Inner,
            left: right,
            right: n,
            on: None,
            written: JoinWritten::default(),
        }));
    }
    (right, sub.filter)
}

/// PostgreSQL 15, subselect.c, convert_ANY_sublink_to_join.
fn any_fits(link: &SubLink) -> bool {
    let Some(test) = &link.test else { return false };
    if has_volatile(test)
        || !reads_outer(test, 0)
        || test.any(&mut |x| matches!(x.kind, ExprKind::SubLink(_) | ExprKind::Aggregate(_)))
    {
        return false;
    }
    // Only equalities gain from a join.
    let equal = |e: &Expr| match &e.kind {
        ExprKind::Func { oper: Some(o), .. } => crate::sql::func::oper(*o).is_some_and(|o| o.can_hash || o.can_merge),
        _ => false,
    };
    let all_equal = match &test.kind {
        ExprKind::And(parts) => parts.iter().all(equal),
        _ => equal(test),
    };
    let mut q = link.query.clone();
    let mut outer = q.write.is_some();
    q.walk_mut(0, &mut |e, depth| match &e.kind {
        ExprKind::Var { levels_up, .. } => outer |= *levels_up > depth,
        ExprKind::Aggregate(a) => outer |= a.levels_up > depth,
        ExprKind::Grouping { levels_up, .. } => outer |= *levels_up > depth,
        _ => {}
    });
    all_equal && !outer
}

fn any_join(link: SubLink, query: &mut Query) -> (FromNode, Option<Expr>) {
    let rel = query.rels.len();
    let columns: Vec<RelColumn> =
        link.query.output().map(|t| RelColumn { name: t.name.clone(), ty: t.expr.ty, dropped: false }).collect();
    let mut on = link.test;
    if let Some(t) = &mut on {
        t.rewrite(&mut |e| {
            if let ExprKind::Column(i) = e.kind {
                e.kind = ExprKind::Var { rel, attno: i as i16 + 1, levels_up: 0 };
            }
        });
    }
    query.rels.push(Rel::new("ANY_subquery".to_owned(), Source::Subquery(Box::new(link.query)), columns));
    (FromNode::Rel(rel), on)
}

/// PostgreSQL 15, prepjointree.c, reduce_outer_joins: an outer join whose empty rows a strict condition removes is an
/// inner one; one whose empty rows are the only ones kept is an anti join.
fn reduce_outer_joins(query: &mut Query) {
    let mut above = Vec::new();
    if let Some(f) = &query.filter {
        conjuncts(f.clone(), &mut above);
    }
    for node in &mut query.from {
        reduce(node, &above);
    }
}

fn members(node: &FromNode) -> RelSet {
    let mut list = Vec::new();
    node.rels(&mut list);
    let mut out = RelSet::EMPTY;
    list.into_iter().for_each(|r| out.insert(r));
    out
}

fn strict_for(conditions: &[Expr], rels: RelSet) -> bool {
    conditions.iter().any(|c| rels.iter().any(|r| strict_in(c, r, true)))
}

fn reduce(node: &mut FromNode, above: &[Expr]) {
    let FromNode::Join(j) = node else { return };
    let (left, right) = (members(&j.left), members(&j.right));
    match j.kind {
        JoinKind::Left if strict_for(above, right) => j.kind = JoinKind::Inner,
        JoinKind::Right if strict_for(above, left) => j.kind = JoinKind::Inner,
        JoinKind::Full => match (strict_for(above, left), strict_for(above, right)) {
            (true, true) => j.kind = JoinKind::Inner,
            (true, false) => j.kind = JoinKind::Left,
            (false, true) => j.kind = JoinKind::Right,
            _ => {}
        },
        _ => {}
    }
    if j.kind == JoinKind::Right {
        j.kind = JoinKind::Left;
        std::mem::swap(&mut j.left, &mut j.right);
    }
    let mut own = Vec::new();
    if let Some(on) = &j.on {
        conjuncts(on.clone(), &mut own);
    }
    match j.kind {
        JoinKind::Inner | JoinKind::Semi => {
            let all: Vec<Expr> = above.iter().cloned().chain(own).collect();
            reduce(&mut j.left, &all);
            reduce(&mut j.right, &all);
        }
        JoinKind::Left | JoinKind::Anti => {
            reduce(&mut j.left, above);
            // Rows of the right side only count where the join's condition holds.
            let both: Vec<Expr> = own;
            reduce(&mut j.right, &both);
        }
        _ => {
            reduce(&mut j.left, &[]);
            reduce(&mut j.right, &[]);
        }
    }
}
