//! By which collation each operand is ordered. PostgreSQL 15, parse_collate.c: same rules.
//!
//! An expression's collation is that of its parts: one named by COLLATE wins over those of columns, another one than the
//! default wins over the default, and two others cancel each other out. It matters only where something is ordered: there
//! the operand's [`TypeRef::collation`] is set, which comparisons, sorts, aggregates and indexes go by. Equality is that of
//! the bytes in every deterministic collation and needs none; a nondeterministic one is set there, too.
//!
//! [`TypeRef::collation`]: crate::types::TypeRef

use super::query::{Distinct, FromNode, MergeAction, Query, Recursion, SetTree, Source, WriteKind};
use super::{Binder, Names};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Relation;
use crate::catalog::object::fixed;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{AggCall, Expr, ExprKind, Form, FrameBound, RowOp, SortKey, WindowCall};
use crate::sql::func::{Collated, FuncDef};
use crate::sql::plan::SetOpKind;
use crate::types::{self, Collation, TypeRef, Value};

/// How strongly an expression insists on its collation.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
enum Strength {
    /// Its type has none.
    None,
    Implicit,
    /// Implicit ones disagree.
    Conflict,
    Explicit,
}

/// The collation derived; invalid where there is none.
#[derive(Clone, Copy, Debug)]
struct Derived {
    strength: Strength,
    collation: Oid,
    /// In a conflict: the one that disagrees; invalid: a column had one, which is not to be told of again.
    other: Oid,
    /// Where COLLATE stands, or the expression.
    pos: Option<Pos>,
}

impl Derived {
    const NONE: Derived = Derived { strength: Strength::None, collation: Oid::INVALID, other: Oid::INVALID, pos: None };

    fn implicit(collation: Oid) -> Derived {
        match collation.is_valid() {
            true => Derived { strength: Strength::Implicit, collation, ..Derived::NONE },
            false => Derived::NONE,
        }
    }

    /// As the value of a column, however it came about.
    fn column(self) -> Derived {
        match self.strength {
            Strength::Explicit => Derived::implicit(self.collation),
            Strength::Conflict => Derived { other: Oid::INVALID, ..self },
            _ => self,
        }
    }
}

/// A query level: what its relations' and WITH items' columns have.
#[derive(Default)]
struct Level {
    rels: Vec<Vec<Derived>>,
    ctes: Vec<Vec<Derived>>,
}

struct Pass<'a> {
    names: &'a dyn Names,
    /// The statement, for positions.
    text: &'a str,
    /// What is bound is shown again: COLLATE stays written, and calls stay calls.
    keep: bool,
    levels: Vec<Level>,
    /// Operands of the CASE expressions around, outputs of the sub-select a test is about.
    operands: Vec<Derived>,
    outputs: Vec<Vec<Derived>>,
    /// 42P22, told when nothing worse was found.
    open: Option<Error>,
}

/// A type's own collation: the default one where it has any, but for `name`.
fn own(ty: Oid) -> Oid {
    types::info(ty).map_or(Oid::INVALID, |i| i.collation)
}

impl Binder<'_, '_> {
    /// Collations matter: the database orders by more than bytes, or the statement or a table it names has others.
    fn has_collations(&self) -> bool {
        self.collated || !self.cx.names.default_order().is_plain() || types::info::has_collated_domains()
    }

    fn pass(&self) -> Pass<'_> {
        Pass::new(self.cx.names, self.cx.text, self.cx.names.keeps_written())
    }

    /// Gives the operands of a whole statement their collations.
    ///
    /// # Errors
    /// 42P21 for two COLLATE clauses that differ, 42P22 where an order is asked for and nothing says which.
    pub(super) fn collate_query(&self, query: &mut Query) -> Result<()> {
        if self.has_collations() {
            let mut pass = self.pass();
            pass.query(query)?;
            pass.open.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// As [`Binder::collate_query`], of an expression over relations that are one level.
    pub(super) fn collate_expr(&self, e: &mut Expr, rels: &[&Relation]) -> Result<()> {
        if self.has_collations() {
            let mut pass = self.pass();
            pass.levels.push(Level { rels: rels.iter().map(|r| table_columns(r)).collect(), ctes: Vec::new() });
            pass.expr(e)?;
            pass.open.map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}

/// What the output columns of a query have that was bound to be shown again.
///
/// # Errors
/// As of binding it.
pub fn output_collations(names: &dyn Names, query: &mut Query) -> Result<Vec<Oid>> {
    let mut pass = Pass::new(names, "", true);
    let found = pass.query(query)?;
    pass.open.map_or(Ok(()), Err)?;
    let settled = |d: Derived| if d.strength == Strength::Conflict { Oid::INVALID } else { d.collation };
    Ok(found.into_iter().map(settled).collect())
}

/// What an expression over a relation has; invalid: its type has none.
///
/// # Errors
/// 42P22 where its parts disagree; `what` needs to know.
pub fn expr_collation(names: &dyn Names, e: &Expr, rel: &Relation, what: &str) -> Result<Oid> {
    let mut pass = Pass::new(names, "", true);
    pass.levels.push(Level { rels: vec![table_columns(rel)], ctes: Vec::new() });
    let found = pass.expr(&mut e.clone())?;
    if found.strength == Strength::Conflict {
        pass.order(e.ty.oid, found, what)?;
    }
    pass.open.map_or(Ok(found.collation), Err)
}

fn table_columns(rel: &Relation) -> Vec<Derived> {
    let system = rel.oid < Oid::FIRST_NORMAL;
    let of = |a: &crate::catalog::Attribute| match own(a.ty.oid) {
        none if !none.is_valid() => Derived::NONE,
        _ if a.declared.collation.is_valid() => Derived::implicit(a.declared.collation),
        _ if system => Derived::implicit(fixed::C_COLLATION),
        own => Derived::implicit(own),
    };
    rel.attributes.iter().map(of).collect()
}

impl<'a> Pass<'a> {
    fn new(names: &'a dyn Names, text: &'a str, keep: bool) -> Pass<'a> {
        let (levels, operands, outputs) = (Vec::new(), Vec::new(), Vec::new());
        Pass { names, text, keep, levels, operands, outputs, open: None }
    }

    /// The client's position.
    fn at(&self, pos: Option<Pos>) -> Option<u32> {
        pos.filter(|p| *p != ast::NOWHERE && !self.text.is_empty()).and_then(|p| ast::cursor(self.text, p))
    }

    fn shown(&self, collation: Oid) -> String {
        self.names.collation_name(collation)
    }

    /// Two parts of one expression.
    fn combine(&self, a: Derived, b: Derived) -> Result<Derived> {
        let default = fixed::DEFAULT_COLLATION;
        Ok(match (a.strength, b.strength) {
            (Strength::Explicit, Strength::Explicit) if a.collation != b.collation => {
                let (x, y) = (self.shown(a.collation), self.shown(b.collation));
                let error = crate::err!(
                    COLLATION_MISMATCH,
                    "collation mismatch between explicit collations \"{x}\" and \"{y}\""
                );
                return Err(error.at(self.at(b.pos)));
            }
            (x, y) if x != y => {
                if x > y {
                    a
                } else {
                    b
                }
            }
            _ if a.collation == b.collation || b.collation == default => a,
            _ if a.collation == default => b,
            _ if a.strength == Strength::Conflict => a,
            _ => Derived { strength: Strength::Conflict, collation: a.collation, other: b.collation, pos: b.pos },
        })
    }

    fn all<'e>(&mut self, parts: impl IntoIterator<Item = &'e mut Expr>) -> Result<Derived> {
        let mut all = Derived::NONE;
        for part in parts {
            let part = self.expr(part)?;
            all = self.combine(all, part)?;
        }
        Ok(all)
    }

    /// The order to go by, of an operand of this type.
    fn order(&mut self, ty: Oid, derived: Derived, what: &str) -> Result<Collation> {
        let collation = match derived.strength {
            // Rows and arrays of them: their columns' own.
            Strength::None if types::info(ty).is_some_and(|i| matches!(i.kind, b'c' | b'p')) => {
                fixed::DEFAULT_COLLATION
            }
            Strength::None => return Ok(Collation::BYTES),
            Strength::Conflict => {
                let text = format!("could not determine which collation to use for {what}");
                let hint = "Use the COLLATE clause to set the collation explicitly.";
                self.open.get_or_insert_with(|| Error::new(SqlState::INDETERMINATE_COLLATION, text).hint(hint));
                return Ok(Collation::BYTES);
            }
            _ => derived.collation,
        };
        self.names.order(collation)
    }

    /// Marks an operand with the order it is compared by.
    fn mark(&mut self, e: &mut Expr, derived: Derived) -> Result<()> {
        e.ty.collation = self.order(e.ty.oid, derived, "string comparison")?;
        Ok(())
    }

    /// As [`Pass::mark`], of what rows are sorted or grouped by.
    fn mark_key(&mut self, e: &mut Expr, derived: Derived) -> Result<()> {
        self.refuse_conflict(derived)?;
        self.mark(e, derived)
    }

    fn refuse_conflict(&mut self, derived: Derived) -> Result<()> {
        if derived.strength != Strength::Conflict {
            return Ok(());
        }
        if !derived.other.is_valid() {
            return self.order(Oid::INVALID, derived, "string comparison").map(drop);
        }
        let (x, y) = (self.shown(derived.collation), self.shown(derived.other));
        let text = format!("collation mismatch between implicit collations \"{x}\" and \"{y}\"");
        let hint = "You can choose the collation by applying the COLLATE clause to one or both expressions.";
        Err(Error::new(SqlState::COLLATION_MISMATCH, text).hint(hint).at(self.at(derived.pos)))
    }

    /// The arguments of a function: those that order them go by the first one's.
    fn mark_arguments<'e>(
        &mut self,
        func: &FuncDef,
        args: impl IntoIterator<Item = &'e mut Expr>,
        all: Derived,
    ) -> Result<()> {
        let mut args = args.into_iter();
        let (Some(need), Some(first)) = (func.collated, args.next()) else { return Ok(()) };
        match need {
            Collated::Order => self.mark(first, all)?,
            Collated::Parts | Collated::Like => self.mark_equal(first, all)?,
            need => {
                let order = self.order(first.ty.oid, all, need.what())?;
                if !order.is_deterministic() || need.asks_for_case() {
                    first.ty.collation = order;
                }
            }
        }
        // What is equal counts on both sides of a join.
        if !first.ty.collation.is_deterministic() {
            args.for_each(|a| a.ty.collation = first.ty.collation);
        }
        Ok(())
    }

    /// Marks an operand of which only equality counts: where a collation is nondeterministic.
    fn mark_equal(&mut self, e: &mut Expr, derived: Derived) -> Result<()> {
        if matches!(derived.strength, Strength::Implicit | Strength::Explicit) && derived.collation.is_valid() {
            let order = self.names.order(derived.collation)?;
            if !order.is_deterministic() {
                e.ty.collation = order;
            }
        }
        Ok(())
    }

    /// A function with many rows that looks into texts.
    fn refuse_within(&mut self, func: &FuncDef, all: Derived) -> Result<()> {
        let Some(Collated::Within { refused, .. }) = func.collated else { return Ok(()) };
        match all.strength {
            Strength::Implicit | Strength::Explicit if !self.names.order(all.collation)?.is_deterministic() => {
                let text = format!("nondeterministic collations are not supported for {refused}");
                Err(Error::unsupported(text))
            }
            _ => Ok(()),
        }
    }

    /// An expression's collation from that of its parts.
    fn result(&self, e: &Expr, parts: Derived) -> Derived {
        match (own(e.ty.oid), parts.strength) {
            (none, _) if !none.is_valid() => Derived::NONE,
            (own, Strength::None) => Derived { pos: e.pos, ..Derived::implicit(own) },
            (_, Strength::Explicit | Strength::Conflict) => parts,
            _ => Derived { pos: e.pos, ..parts },
        }
    }

    fn query(&mut self, q: &mut Query) -> Result<Vec<Derived>> {
        self.levels.push(Level::default());
        let found = self.level(q);
        self.levels.pop();
        let found = found?;
        for step in &mut q.steps {
            self.query(step)?;
        }
        Ok(found)
    }

    fn here(&mut self) -> &mut Level {
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn level(&mut self, q: &mut Query) -> Result<Vec<Derived>> {
        for cte in &mut q.ctes {
            let columns = match &mut cte.recursion {
                Some(r) => self.recursion(&cte.name, r)?,
                None => self.query(&mut cte.query)?,
            };
            self.here().ctes.push(columns.into_iter().map(Derived::column).collect());
        }
        for at in 0..q.rels.len() {
            let columns = self.rel(q, at)?;
            self.here().rels.push(columns);
            for condition in &mut q.rels[at].security {
                self.expr(condition)?;
            }
        }
        q.from.iter_mut().try_for_each(|n| self.from(n))?;
        for e in q.filter.iter_mut().chain(&mut q.having).chain(&mut q.limit).chain(&mut q.offset) {
            self.expr(e)?;
        }
        for e in &mut q.group_by {
            let found = self.expr(e)?;
            self.refuse_conflict(found)?;
            self.mark_equal(e, found)?;
        }
        let mut targets = Vec::with_capacity(q.targets.len());
        for t in &mut q.targets {
            targets.push(self.expr(&mut t.expr)?);
        }
        if let Some(tree) = &q.set_op {
            targets = self.set_operation(q, tree)?;
            self.mark_outputs(q, &targets)?;
        }
        for item in &q.order_by {
            let target = &mut q.targets[item.target].expr;
            let derived = targets.get(item.target).copied().unwrap_or(Derived::NONE);
            self.mark_key(target, derived)?;
        }
        let distinct: Vec<usize> = match &q.distinct {
            Distinct::No => Vec::new(),
            Distinct::All => (0..targets.len()).collect(),
            Distinct::On(list) => list.clone(),
        };
        for n in distinct {
            let Some(derived) = targets.get(n) else { continue };
            self.refuse_conflict(*derived)?;
            self.mark_equal(&mut q.targets[n].expr, *derived)?;
        }
        let returned = self.write(q)?;
        Ok(match returned {
            Some(columns) => columns,
            None => q.targets.iter().zip(targets).filter(|(t, _)| !t.junk).map(|(_, d)| d).collect(),
        })
    }

    /// What a set operation finds equal: the columns of its arms.
    fn mark_outputs(&mut self, q: &mut Query, columns: &[Derived]) -> Result<()> {
        for rel in &mut q.rels {
            let Source::Subquery(arm) = &mut rel.source else { continue };
            for (t, derived) in arm.targets.iter_mut().filter(|t| !t.junk).zip(columns) {
                self.mark_equal(&mut t.expr, *derived)?;
            }
        }
        Ok(())
    }

    /// The columns of WITH RECURSIVE have what the first part says.
    fn recursion(&mut self, name: &str, r: &mut Recursion) -> Result<Vec<Derived>> {
        let first = self.query(&mut r.left)?;
        let columns: Vec<Derived> = first.iter().copied().map(Derived::column).collect();
        self.here().ctes.push(columns.clone());
        let found = self.query(&mut r.right);
        self.here().ctes.pop();
        for (n, (a, b)) in first.into_iter().zip(found?).enumerate() {
            let both = self.combine(a, b)?;
            if r.distinct {
                self.refuse_conflict(both)?;
            }
            let overall = both.column().collation;
            if overall != columns[n].collation {
                let (x, y) = (self.shown(columns[n].collation), self.shown(overall));
                let text = format!(
                    "recursive query \"{name}\" column {} has collation \"{x}\" in non-recursive term but collation \"{y}\" overall",
                    n + 1
                );
                let hint = "Use the COLLATE clause to set the collation of the non-recursive term.";
                let at = r.left.output().nth(n).and_then(|t| t.expr.start());
                return Err(Error::new(SqlState::COLLATION_MISMATCH, text).hint(hint).at(self.at(at)));
            }
        }
        Ok(columns)
    }

    /// The columns of one relation, its expressions marked on the way.
    fn rel(&mut self, q: &mut Query, at: usize) -> Result<Vec<Derived>> {
        let rel = &mut q.rels[at];
        let defaults = |columns: &[super::query::RelColumn]| -> Vec<Derived> {
            columns.iter().map(|c| Derived::implicit(own(c.ty.oid))).collect()
        };
        Ok(match &mut rel.source {
            Source::Table { rel: table, sample, .. } => {
                let columns = table_columns(table);
                if let Some(s) = sample {
                    self.expr(&mut s.percent)?;
                    s.seed.iter_mut().try_for_each(|e| self.expr(e).map(drop))?;
                }
                columns
            }
            // What an arm of a set operation says with COLLATE counts as said.
            Source::Subquery(sub) if q.set_op.is_some() => self.query(sub)?,
            Source::Subquery(sub) => self.query(sub)?.into_iter().map(Derived::column).collect(),
            Source::Function { calls, ordinality } => {
                let mut columns = Vec::new();
                for call in calls.iter_mut() {
                    let mut parts = self.all(&mut call.args)?;
                    self.refuse_within(call.func, parts)?;
                    if let Some(e) = &mut call.scalar {
                        parts = self.expr(e)?;
                    }
                    let one = call.columns.len() == 1;
                    columns.extend(call.columns.iter().map(|c| match own(c.ty.oid) {
                        none if !none.is_valid() => Derived::NONE,
                        _ if one && parts.strength != Strength::None => parts.column(),
                        own => Derived::implicit(own),
                    }));
                }
                if *ordinality {
                    columns.push(Derived::NONE);
                }
                match columns.len() == rel.columns.len() {
                    true => columns,
                    false => defaults(&rel.columns),
                }
            }
            Source::Values(rows) => {
                let mut columns = vec![Derived::NONE; rel.columns.len()];
                for row in rows {
                    for (column, e) in columns.iter_mut().zip(row) {
                        let found = self.expr(e)?;
                        *column = self.combine(*column, found)?;
                    }
                }
                columns.into_iter().map(Derived::column).collect()
            }
            Source::Cte { index, levels_up } | Source::WorkTable { index, levels_up } => {
                let level = self.levels.len().checked_sub(*levels_up + 1).and_then(|n| self.levels.get(n));
                let found = level.and_then(|l| l.ctes.get(*index)).cloned();
                found.unwrap_or_else(|| defaults(&rel.columns))
            }
        })
    }

    fn from(&mut self, node: &mut FromNode) -> Result<()> {
        if let FromNode::Join(j) = node {
            self.from(&mut j.left)?;
            self.from(&mut j.right)?;
            for e in j.on.iter_mut().chain(j.written.using.iter_mut().map(|(_, e)| e)) {
                self.expr(e)?;
            }
        }
        Ok(())
    }

    /// PostgreSQL 15, parse_collate.c, select_common_collation: only UNION ALL may leave it open.
    fn set_operation(&mut self, q: &Query, tree: &SetTree) -> Result<Vec<Derived>> {
        match tree {
            SetTree::Leaf(rel) => Ok(self.levels.last().and_then(|l| l.rels.get(*rel)).cloned().unwrap_or_default()),
            SetTree::Node { op, all, left, right } => {
                let (left, right) = (self.set_operation(q, left)?, self.set_operation(q, right)?);
                let open = *all && *op == SetOpKind::Union;
                let pairs = left.into_iter().zip(right);
                pairs
                    .map(|(a, b)| {
                        let both = self.combine(a, b)?;
                        if !open {
                            self.refuse_conflict(both)?;
                        }
                        Ok(both.column())
                    })
                    .collect()
            }
        }
    }

    fn write(&mut self, q: &mut Query) -> Result<Option<Vec<Derived>>> {
        let Some(w) = &mut q.write else { return Ok(None) };
        match &mut w.kind {
            WriteKind::Insert { on_conflict: Some(c), .. } => {
                if let super::query::Arbiters::Inferred(elems, predicate) = &mut c.arbiters {
                    for e in elems.iter_mut().map(|e| &mut e.expr).chain(predicate) {
                        self.expr(e)?;
                    }
                }
                for e in c.set.iter_mut().flatten().map(|(_, e)| e).chain(&mut c.filter) {
                    self.expr(e)?;
                }
            }
            WriteKind::Update { set } => set.iter_mut().try_for_each(|(_, e)| self.expr(e).map(drop))?,
            WriteKind::Merge { whens } => {
                for when in whens {
                    when.condition.iter_mut().try_for_each(|e| self.expr(e).map(drop))?;
                    match &mut when.action {
                        MergeAction::Nothing | MergeAction::Delete => {}
                        MergeAction::Update(set) => set.iter_mut().try_for_each(|(_, e)| self.expr(e).map(drop))?,
                        MergeAction::Insert { values, .. } => {
                            values.iter_mut().try_for_each(|e| self.expr(e).map(drop))?
                        }
                    }
                }
            }
            _ => {}
        }
        let mut returned = Vec::with_capacity(w.returning.len());
        for t in &mut w.returning {
            let derived = self.expr(&mut t.expr)?;
            if !t.junk {
                returned.push(derived);
            }
        }
        // Conditions of policies are over the target as rel 0.
        let target = self.levels.last().and_then(|l| l.rels.get(w.target)).cloned().unwrap_or_default();
        self.levels.push(Level { rels: vec![target], ctes: Vec::new() });
        let checks = w.checks.iter_mut().try_for_each(|c| self.expr(&mut c.expr).map(drop));
        self.levels.pop();
        checks?;
        Ok(Some(returned))
    }

    fn expr(&mut self, e: &mut Expr) -> Result<Derived> {
        let parts = match &mut e.kind {
            ExprKind::Var { rel, attno, levels_up } => {
                let level = self.levels.len().checked_sub(*levels_up + 1).and_then(|n| self.levels.get(n));
                let at = usize::try_from(*attno).ok().and_then(|n| n.checked_sub(1));
                let column = level.and_then(|l| l.rels.get(*rel)).zip(at).and_then(|(r, at)| r.get(at));
                column.copied().unwrap_or(Derived::NONE)
            }
            ExprKind::Column(n) => self.outputs.last().and_then(|o| o.get(*n)).copied().unwrap_or(Derived::NONE),
            ExprKind::CaseOperand => self.operands.last().copied().unwrap_or(Derived::NONE),
            ExprKind::Written { form: Form::Collate(collation, _), arg } => {
                let collation = *collation;
                self.expr(arg)?;
                let found = Derived { strength: Strength::Explicit, collation, pos: e.pos, ..Derived::NONE };
                if !self.keep {
                    let within = std::mem::replace(&mut **arg, Expr::new(ExprKind::CurrentRow, e.ty));
                    *e = within;
                }
                return Ok(found);
            }
            ExprKind::Func { func, args, .. } => {
                let all = self.all(args.iter_mut())?;
                if func.fact.src == "pg_collation_for" && !self.keep {
                    self.tell(e, all);
                    return Ok(Derived::implicit(fixed::DEFAULT_COLLATION));
                }
                self.mark_arguments(func, args.iter_mut(), all)?;
                all
            }
            ExprKind::SetReturning { func, args } => {
                let all = self.all(args)?;
                self.refuse_within(func, all)?;
                all
            }
            // A domain with a collation of its own has that one (assign_collations_walker, CoerceToDomain).
            ExprKind::ToDomain(arg) => {
                let within = self.expr(arg)?;
                match own(e.ty.oid) {
                    own if own == fixed::DEFAULT_COLLATION => within,
                    own => return Ok(Derived { pos: e.pos, ..Derived::implicit(own) }),
                }
            }
            ExprKind::Case { operand, arms, otherwise } => {
                let tested = operand.as_mut().map_or(Ok(Derived::NONE), |o| self.expr(o))?;
                self.operands.push(tested);
                let conditions = arms.iter_mut().try_for_each(|(c, _)| self.expr(c).map(drop));
                self.operands.pop();
                conditions?;
                self.all(arms.iter_mut().map(|(_, v)| v).chain(otherwise.as_deref_mut()))?
            }
            ExprKind::Greatest(args) | ExprKind::Least(args) => {
                let all = self.all(args.iter_mut())?;
                if let Some(first) = args.first_mut() {
                    self.mark(first, all)?;
                }
                all
            }
            ExprKind::Distinct { eq, left, right, .. } | ExprKind::NullIf { eq, left, right, .. } => {
                let all = self.all([left.as_mut(), right.as_mut()])?;
                self.mark_arguments(eq, [left.as_mut(), right.as_mut()], all)?;
                all
            }
            ExprKind::RowCompare { op, pairs } => {
                let ordered = !matches!(op, RowOp::Eq | RowOp::Ne);
                for p in pairs {
                    let all = self.all([&mut p.left, &mut p.right])?;
                    match ordered {
                        true => self.mark(&mut p.left, all)?,
                        false => self.mark_arguments(p.eq, [&mut p.left, &mut p.right], all)?,
                    }
                }
                Derived::NONE
            }
            ExprKind::ScalarArray { func, left, array, .. } => {
                let all = self.all([left.as_mut(), array.as_mut()])?;
                self.mark_arguments(func, [left.as_mut(), array.as_mut()], all)?;
                all
            }
            ExprKind::SubLink(s) => {
                let outputs = self.query(&mut s.query)?;
                let first = outputs.first().copied().map_or(Derived::NONE, Derived::column);
                self.outputs.push(outputs.into_iter().map(Derived::column).collect());
                let test = s.test.as_mut().map_or(Ok(Derived::NONE), |t| self.expr(t));
                self.outputs.pop();
                test?;
                first
            }
            ExprKind::Aggregate(a) => self.aggregate(a)?,
            ExprKind::Window(w) => self.window(w)?,
            ExprKind::Row { fields, .. } => {
                for f in fields {
                    self.expr(f)?;
                }
                Derived::NONE
            }
            ExprKind::Field { arg, .. } => {
                self.expr(arg)?;
                Derived::NONE
            }
            _ => {
                let mut all = Ok(Derived::NONE);
                e.for_each_child_mut(&mut |part| {
                    if let Ok(before) = &all {
                        let before = *before;
                        all = self.expr(part).and_then(|found| self.combine(before, found));
                    }
                });
                all?
            }
        };
        Ok(self.result(e, parts))
    }

    /// `COLLATION FOR (…)` becomes the name it tells.
    fn tell(&self, e: &mut Expr, all: Derived) {
        let ExprKind::Func { args, .. } = &e.kind else { return };
        let collatable = args.first().is_some_and(|a| own(a.ty.oid).is_valid());
        let explicit = all.strength == Strength::Explicit;
        let unknown = !explicit && args.first().is_some_and(|a| a.ty.oid == types::oid::UNKNOWN);
        if !collatable && !unknown && !explicit {
            return;
        }
        // A literal of no type has none.
        let value = match !unknown && all.collation.is_valid() && all.strength != Strength::Conflict {
            true => Value::text(types::name::quote_identifier(&self.shown(all.collation))),
            false => Value::Null,
        };
        let text = Expr::new(ExprKind::Const(value), e.ty);
        let sets = args.first().filter(|a| a.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. })));
        e.kind = match sets {
            None => text.kind,
            // As many rows as there are.
            Some(set) => {
                let any = Expr::new(ExprKind::IsNull(Box::new(set.clone())), TypeRef::of(types::oid::BOOL));
                ExprKind::Case { operand: None, arms: vec![(any, text.clone())], otherwise: Some(Box::new(text)) }
            }
        };
    }

    /// Each is ordered by its own collation, and none has a say in the result's.
    fn keys(&mut self, keys: &mut [SortKey]) -> Result<()> {
        for k in keys {
            let found = self.expr(&mut k.expr)?;
            self.mark_key(&mut k.expr, found)?;
        }
        Ok(())
    }

    fn aggregate(&mut self, a: &mut AggCall) -> Result<Derived> {
        let all = match super::call::ordered_set_kind(a.func) {
            // PostgreSQL 15, parse_collate.c, assign_hypothetical_collations: each with the column it is put among.
            Some(true) => {
                for (direct, ordered) in a.direct_args.iter_mut().zip(&mut a.args) {
                    self.all([direct, ordered])?;
                }
                Derived::NONE
            }
            _ => self.all(a.direct_args.iter_mut().chain(&mut a.args))?,
        };
        self.keys(&mut a.order_by)?;
        a.filter.iter_mut().try_for_each(|e| self.expr(e).map(drop))?;
        self.mark_first(a.func, a.distinct, a.args.first_mut(), all)?;
        Ok(all)
    }

    fn window(&mut self, w: &mut WindowCall) -> Result<Derived> {
        let all = self.all(&mut w.args)?;
        w.filter.iter_mut().try_for_each(|e| self.expr(e).map(drop))?;
        for e in &mut w.spec.partition_by {
            let found = self.expr(e)?;
            self.mark_key(e, found)?;
        }
        self.keys(&mut w.spec.order_by)?;
        for bound in [&mut w.spec.frame.start, &mut w.spec.frame.end] {
            if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
                self.expr(e)?;
            }
        }
        self.mark_first(w.func, false, w.args.first_mut(), all)?;
        Ok(all)
    }

    /// An aggregate's first argument: min and max compare it, DISTINCT sorts; most other aggregates order nothing, so that
    /// an open question is none.
    fn mark_first(&mut self, func: &FuncDef, distinct: bool, first: Option<&mut Expr>, all: Derived) -> Result<()> {
        let Some(first) = first else { return Ok(()) };
        match all.strength {
            Strength::Conflict if distinct => self.refuse_conflict(all),
            Strength::Conflict if !matches!(func.name, "min" | "max") => Ok(()),
            _ => self.mark(first, all),
        }
    }
}
