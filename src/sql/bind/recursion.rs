//! WITH RECURSIVE before it is bound: in which order the queries depend on each other, and whether each names itself
//! only where it may. PostgreSQL 15, parse_cte.c, makeDependencyGraph and checkWellFormedRecursion: same rules.

use crate::base::Error;
use crate::err;
use crate::sql::ast::{self, FromItem, InsertSource, JoinKind, Pos, SelectBody, SelectStmt, SetOpKind, Stmt};

/// An error with the byte offset it points at.
type Blame = (Error, Pos);

/// The queries of a WITH RECURSIVE in an order in which each can be bound after those it names: the index into the
/// list, and whether it names itself.
///
/// # Errors
/// 42P19 and 0A000, with the place.
pub(super) fn order(with: &ast::WithClause) -> std::result::Result<Vec<(usize, bool)>, Blame> {
    let names: Vec<&str> = with.ctes.iter().map(|c| c.name.as_str()).collect();
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(names.len());
    let mut own = Vec::with_capacity(names.len());
    for (i, cte) in with.ctes.iter().enumerate() {
        let mut list = Vec::new();
        let mut found = |name: &str, _: Pos, _: Place| {
            if let Some(n) = names.iter().position(|x| *x == name)
                && !list.contains(&n)
            {
                list.push(n);
            }
            Ok(())
        };
        Walk { shadows: Vec::new(), place: Place::Fine, found: &mut found }.stmt(&cte.query)?;
        own.push(list.contains(&i));
        list.retain(|n| *n != i);
        needs.push(list);
    }
    let mut items: Vec<(usize, bool)> = Vec::with_capacity(names.len());
    let mut left: Vec<usize> = (0..names.len()).collect();
    while !left.is_empty() {
        let ready = left.iter().position(|i| needs[*i].iter().all(|n| items.iter().any(|(x, _)| x == n)));
        let Some(at) = ready else {
            let e = Error::unsupported("mutual recursion between WITH items is not implemented");
            return Err((e, with.ctes[left[0]].pos));
        };
        let i = left.remove(at);
        items.push((i, own[i]));
    }
    for (i, recursive) in &items {
        if *recursive {
            well_formed(&with.ctes[*i])?;
        }
    }
    Ok(items)
}

/// Where a reference stands, as far as it decides whether it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Fine,
    FirstTerm,
    Subquery,
    OuterJoin,
    Intersect,
    Except,
}

impl Place {
    fn words(self) -> Option<&'static str> {
        Some(match self {
            Place::Fine => return None,
            Place::FirstTerm => "its non-recursive term",
            Place::Subquery => "a subquery",
            Place::OuterJoin => "an outer join",
            Place::Intersect => "INTERSECT",
            Place::Except => "EXCEPT",
        })
    }
}

fn well_formed(cte: &ast::CommonTable) -> std::result::Result<(), Blame> {
    let name = &cte.name;
    let Stmt::Select(s) = &cte.query else {
        let e = err!(INVALID_RECURSION, "recursive query \"{name}\" must not contain data-modifying statements");
        return Err((e, cte.pos));
    };
    let op = match &s.body {
        SelectBody::SetOp(op) if op.kind == SetOpKind::Union => op,
        _ => {
            let e = err!(
                INVALID_RECURSION,
                "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
            );
            return Err((e, cte.pos));
        }
    };
    let mut count = 0;
    let mut found = |n: &str, pos: Pos, place: Place| {
        if n != name {
            return Ok(());
        }
        if let Some(words) = place.words() {
            let e = err!(INVALID_RECURSION, "recursive reference to query \"{name}\" must not appear within {words}");
            return Err((e, pos));
        }
        count += 1;
        if count > 1 {
            let e = err!(INVALID_RECURSION, "recursive reference to query \"{name}\" must not appear more than once");
            return Err((e, pos));
        }
        Ok(())
    };
    let mut walk = Walk { shadows: Vec::new(), place: Place::FirstTerm, found: &mut found };
    walk.select(&op.left)?;
    walk.place = Place::Fine;
    walk.select(&op.right)?;
    if let Some(with) = &s.with {
        walk.place = Place::Subquery;
        let depth = walk.shadows.len();
        walk.with(with)?;
        walk.shadows.truncate(depth);
    }
    let refused = |what: &str, pos: Pos| {
        Err((Error::unsupported(format!("{what} in a recursive query is not implemented")), pos))
    };
    if let Some(o) = s.order_by.first() {
        return refused("ORDER BY", o.expr.start());
    }
    if let Some(o) = &s.offset {
        return refused("OFFSET", o.start());
    }
    if let Some(c) = s.limit.as_ref().map(|l| &l.count) {
        return refused("LIMIT", c.start());
    }
    if !s.locking.is_empty() {
        return refused("FOR UPDATE/SHARE", ast::NOWHERE);
    }
    Ok(())
}

type Found<'f> = dyn FnMut(&str, Pos, Place) -> std::result::Result<(), Blame> + 'f;

/// Calls `found` for each unqualified relation name that no inner WITH hides.
struct Walk<'w, 'f> {
    shadows: Vec<String>,
    place: Place,
    found: &'w mut Found<'f>,
}

type Step = std::result::Result<(), Blame>;

impl Walk<'_, '_> {
    fn stmt(&mut self, s: &Stmt) -> Step {
        match s {
            Stmt::Select(s) => self.select(s),
            Stmt::Insert(s) => self.scoped(s.with.as_ref(), |w| {
                if let InsertSource::Query(q) = &s.source {
                    w.select(q)?;
                }
                if let Some(ast::OnConflict { action: ast::ConflictAction::Update { set, filter }, .. }) =
                    &s.on_conflict
                {
                    w.assignments(set)?;
                    w.exprs(filter)?;
                }
                w.targets(&s.returning)
            }),
            Stmt::Update(s) => self.scoped(s.with.as_ref(), |w| {
                w.assignments(&s.set)?;
                s.from.iter().try_for_each(|f| w.from(f))?;
                w.exprs(&s.filter)?;
                w.targets(&s.returning)
            }),
            Stmt::Delete(s) => self.scoped(s.with.as_ref(), |w| {
                s.using.iter().try_for_each(|f| w.from(f))?;
                w.exprs(&s.filter)?;
                w.targets(&s.returning)
            }),
            _ => Ok(()),
        }
    }

    /// What stands below a WITH does not mean its names.
    fn scoped(&mut self, with: Option<&ast::WithClause>, body: impl FnOnce(&mut Self) -> Step) -> Step {
        let depth = self.shadows.len();
        let out = match with {
            Some(with) => self.with(with).and_then(|()| body(self)),
            None => body(self),
        };
        self.shadows.truncate(depth);
        out
    }

    /// Walks the queries of a WITH; its names stay hidden afterwards.
    fn with(&mut self, with: &ast::WithClause) -> Step {
        if with.recursive {
            self.shadows.extend(with.ctes.iter().map(|c| c.name.clone()));
        }
        for cte in &with.ctes {
            self.stmt(&cte.query)?;
            if !with.recursive {
                self.shadows.push(cte.name.clone());
            }
        }
        Ok(())
    }

    fn within(&mut self, place: Place, body: impl FnOnce(&mut Self) -> Step) -> Step {
        let before = std::mem::replace(&mut self.place, place);
        let out = body(self);
        self.place = before;
        out
    }

    /// A place that only matters where a reference would have been fine.
    fn unless_worse(&mut self, place: Place, body: impl FnOnce(&mut Self) -> Step) -> Step {
        let place = if self.place == Place::Fine { place } else { self.place };
        self.within(place, body)
    }

    fn select(&mut self, s: &SelectStmt) -> Step {
        self.scoped(s.with.as_ref(), |w| {
            match &s.body {
                SelectBody::Select(core) => w.core(core)?,
                SelectBody::Values(rows) => rows.iter().flatten().try_for_each(|e| w.expr(e))?,
                SelectBody::SetOp(op) => match op.kind {
                    SetOpKind::Union => {
                        w.select(&op.left)?;
                        w.select(&op.right)?;
                    }
                    SetOpKind::Intersect => {
                        let place = if op.all { Place::Intersect } else { w.place };
                        w.unless_worse(place, |w| w.select(&op.left).and_then(|()| w.select(&op.right)))?;
                    }
                    SetOpKind::Except => {
                        let place = if op.all { Place::Except } else { w.place };
                        w.unless_worse(place, |w| w.select(&op.left))?;
                        w.unless_worse(Place::Except, |w| w.select(&op.right))?;
                    }
                },
            }
            s.order_by.iter().try_for_each(|o| w.expr(&o.expr))?;
            w.exprs(s.limit.iter().map(|l| &l.count))?;
            w.exprs(&s.offset)
        })
    }

    fn core(&mut self, core: &ast::SelectCore) -> Step {
        self.targets(&core.targets)?;
        core.from.iter().try_for_each(|f| self.from(f))?;
        self.exprs(&core.filter)?;
        core.group_by.iter().try_for_each(|g| self.group(g))?;
        self.exprs(&core.having)?;
        core.windows.iter().try_for_each(|d| self.window(d))?;
        if let ast::Distinct::On(list) = &core.distinct {
            self.exprs(list)?;
        }
        Ok(())
    }

    fn window(&mut self, d: &ast::WindowDef) -> Step {
        self.exprs(&d.partition_by)?;
        d.order_by.iter().try_for_each(|o| self.expr(&o.expr))
    }

    fn group(&mut self, g: &ast::GroupItem) -> Step {
        match g {
            ast::GroupItem::Expr(e) => self.expr(e),
            ast::GroupItem::Empty(_) => Ok(()),
            ast::GroupItem::Rollup(l, _) | ast::GroupItem::Cube(l, _) | ast::GroupItem::Sets(l, _) => {
                l.iter().try_for_each(|g| self.group(g))
            }
        }
    }

    fn targets(&mut self, list: &[ast::Target]) -> Step {
        list.iter().try_for_each(|t| self.expr(&t.expr))
    }

    fn assignments(&mut self, list: &[ast::Assignment]) -> Step {
        list.iter().try_for_each(|a| match a {
            ast::Assignment::One { value, .. } => self.expr(value),
            ast::Assignment::Many { source, .. } => self.expr(source),
        })
    }

    fn from(&mut self, f: &FromItem) -> Step {
        match f {
            FromItem::Table(t) => {
                if t.schema.is_none() && !self.shadows.contains(&t.name) {
                    (self.found)(&t.name, t.pos, self.place)?;
                }
                Ok(())
            }
            FromItem::Sample(s) => self.exprs(&s.args).and_then(|()| self.exprs(&s.repeatable)),
            FromItem::Subquery(s) => self.select(&s.query),
            FromItem::Function(f) => f.functions.iter().try_for_each(|i| self.expr(&i.call)),
            FromItem::Join(j) => {
                let outer = Place::OuterJoin;
                match j.kind {
                    JoinKind::Inner => self.from(&j.left).and_then(|()| self.from(&j.right))?,
                    JoinKind::Left => {
                        self.from(&j.left)?;
                        self.unless_worse(outer, |w| w.from(&j.right))?;
                    }
                    JoinKind::Full => {
                        self.unless_worse(outer, |w| w.from(&j.left).and_then(|()| w.from(&j.right)))?;
                    }
                    JoinKind::Right => {
                        self.unless_worse(outer, |w| w.from(&j.left))?;
                        self.from(&j.right)?;
                    }
                }
                match &j.condition {
                    ast::JoinCondition::On(e) => self.expr(e),
                    _ => Ok(()),
                }
            }
        }
    }

    fn exprs<'e>(&mut self, list: impl IntoIterator<Item = &'e ast::Expr>) -> Step {
        list.into_iter().try_for_each(|e| self.expr(e))
    }

    fn expr(&mut self, e: &ast::Expr) -> Step {
        if let ast::ExprKind::SubLink(link) = &e.kind {
            self.within(Place::Subquery, |w| w.select(&link.query))?;
        }
        let mut out = Ok(());
        e.for_each_part(&mut |p| {
            if out.is_ok() {
                out = self.expr(p);
            }
        });
        out
    }
}
