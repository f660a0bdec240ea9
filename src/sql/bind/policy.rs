//! Row security: the policies of tables become conditions of the statements that read and write them. PostgreSQL 15,
//! rowsecurity.c and rewriteHandler.c, fireRIRrules: same rules and words.
//!
//! A bound statement is gone through as a whole, once: what it means may depend on its end (is the table locked for
//! update, are its columns read by RETURNING?).

use super::query::walk_expr_mut;
use super::rewrite::substitute;
use super::scope::{Clause, Scope};
use super::{BindContext, Binder, Query, Source, WriteKind, parse_expression};
use crate::base::{Oid, Result, SqlState};
use crate::catalog::{Policy, RelKind, Relation};
use crate::err;
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::plan::{RowCheck, RowCheckKind, access};
use crate::types::{TypeRef, Value, oid};
use std::sync::Arc;

/// What the policies of a table mean to a role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowSecurity {
    /// The table has none in force.
    None,
    /// They do not bind this role, but could bind another.
    NotForRole,
    /// They bind this role.
    For(Oid),
}

/// `polcmd` of the statements policies are for.
const SELECT: char = 'r';
const INSERT: char = 'a';
const UPDATE: char = 'w';
const DELETE: char = 'd';

/// The policies that bind a role for one command, restrictive ones by name.
struct Applying<'p> {
    permissive: Vec<&'p Policy>,
    restrictive: Vec<&'p Policy>,
}

/// How the target of a statement is used.
struct Use {
    command: char,
    merge: bool,
    updates_on_conflict: bool,
}

fn truth(value: bool) -> Expr {
    Expr::new(ExprKind::Const(Value::Bool(value)), TypeRef::of(oid::BOOL))
}

fn either(mut list: Vec<Expr>) -> Option<Expr> {
    match list.len() {
        0 | 1 => list.pop(),
        _ => Some(Expr::new(ExprKind::Or(list), TypeRef::of(oid::BOOL))),
    }
}

/// What reading and changing ask alike is asked once.
fn push_new(list: &mut Vec<Expr>, e: Expr) {
    if !list.iter().any(|known| same(known, &e)) {
        list.push(e);
    }
}

fn has_sub_select(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::SubLink(_)))
}

impl Binder<'_, '_> {
    /// Adds the conditions of policies to a statement.
    ///
    /// # Errors
    /// 42501 with `row_security` off; 42P17 for policies that read their own table.
    pub(super) fn secure(&mut self, query: &mut Query) -> Result<()> {
        if self.met_policies {
            self.secure_query(query, &mut Vec::new())?;
            query.depends_on_role = true;
        }
        Ok(())
    }

    fn secure_query(&mut self, query: &mut Query, active: &mut Vec<Oid>) -> Result<()> {
        let mut failed = None;
        query.for_each_query_mut(&mut |q| {
            if failed.is_none() {
                failed = self.secure_query(q, active).err();
            }
        });
        query.for_each_expr_mut(&mut |e| {
            if failed.is_none() {
                failed = self.secure_expr(e, active).err();
            }
        });
        if let Some(w) = &mut query.write {
            for check in &mut w.checks {
                if failed.is_none() {
                    failed = self.secure_expr(&mut check.expr, active).err();
                }
            }
        }
        if let Some(e) = failed {
            return Err(e);
        }
        for i in 0..query.rels.len() {
            let Source::Table { rel, .. } = &query.rels[i].source else { continue };
            if rel.row_security && matches!(rel.kind, RelKind::Table | RelKind::Partitioned) {
                let rel = rel.clone();
                self.secure_rel(query, i, &rel, active)?;
            }
        }
        Ok(())
    }

    /// The sub-selects of an expression.
    fn secure_expr(&mut self, e: &mut Expr, active: &mut Vec<Oid>) -> Result<()> {
        if !has_sub_select(e) {
            return Ok(());
        }
        let mut failed = None;
        e.for_each_child_mut(&mut |c| {
            if failed.is_none() {
                failed = self.secure_expr(c, active).err();
            }
        });
        if let (ExprKind::SubLink(link), None) = (&mut e.kind, &failed) {
            failed = self.secure_query(&mut link.query, active).err();
        }
        failed.map_or(Ok(()), Err)
    }

    fn secure_rel(&mut self, query: &mut Query, i: usize, rel: &Arc<Relation>, active: &mut Vec<Oid>) -> Result<()> {
        let check_as = query.rels[i].check_as;
        let RowSecurity::For(user) = self.cx.names.row_security(rel, check_as)? else { return Ok(()) };
        let target = query.write.as_ref().filter(|w| w.target == i);
        let used = match target.map(|w| &w.kind) {
            None => Use { command: SELECT, merge: false, updates_on_conflict: false },
            Some(WriteKind::Insert { on_conflict, .. }) => Use {
                command: INSERT,
                merge: false,
                updates_on_conflict: on_conflict.as_ref().is_some_and(|c| c.set.is_some()),
            },
            Some(WriteKind::Update { .. }) => Use { command: UPDATE, merge: false, updates_on_conflict: false },
            Some(WriteKind::Delete) => Use { command: DELETE, merge: false, updates_on_conflict: false },
            Some(WriteKind::Merge { .. }) => Use { command: SELECT, merge: true, updates_on_conflict: false },
        };
        let reads = query.rels[i].wanted & access::SELECT != 0;
        let locked = query.locks.iter().any(|l| l.rel == i);
        let of = |binder: &Self, command| binder.applying(rel, command, user);
        let mut security = Vec::new();
        let mut checks = Vec::new();
        if used.command == SELECT && !used.merge && locked {
            self.using_conditions(rel, &of(self, UPDATE), check_as, &mut security)?;
        }
        if matches!(used.command, UPDATE | DELETE) && reads {
            self.using_conditions(rel, &of(self, SELECT), check_as, &mut security)?;
        }
        if used.command != INSERT {
            self.using_conditions(rel, &of(self, used.command), check_as, &mut security)?;
        }
        let mut wanted: Vec<(char, RowCheckKind, bool)> = Vec::new();
        use RowCheckKind::{Conflict, Insert, MergeDelete, MergeUpdate, Update};
        if used.command == INSERT || used.command == UPDATE {
            let kind = if used.command == INSERT { Insert } else { Update };
            wanted.push((used.command, kind, false));
            if reads {
                wanted.push((SELECT, kind, true));
            }
        }
        if used.updates_on_conflict {
            wanted.push((UPDATE, Conflict, true));
            if reads {
                wanted.push((SELECT, Conflict, true));
            }
            wanted.push((UPDATE, Update, false));
            if reads {
                wanted.push((SELECT, Update, true));
            }
        }
        if used.merge {
            wanted.push((UPDATE, MergeUpdate, true));
            wanted.push((UPDATE, Update, false));
            if reads {
                wanted.push((SELECT, Update, true));
            }
            wanted.push((DELETE, MergeDelete, true));
            wanted.push((INSERT, Insert, false));
        }
        for (command, kind, using) in wanted {
            self.checks(rel, &of(self, command), check_as, (kind, using), &mut checks)?;
        }
        self.enter(rel, &mut security, &mut checks, active)?;
        for e in &mut security {
            substitute(e, 0, &|attno| Some(ExprKind::Var { rel: i, attno, levels_up: 0 }))?;
        }
        security.append(&mut query.rels[i].security);
        query.rels[i].security = security;
        if let Some(w) = query.write.as_mut().filter(|w| w.target == i) {
            checks.append(&mut w.checks);
            w.checks = checks;
        }
        Ok(())
    }

    /// Policies of the tables that these conditions read.
    fn enter(
        &mut self,
        rel: &Relation,
        security: &mut [Expr],
        checks: &mut [RowCheck],
        active: &mut Vec<Oid>,
    ) -> Result<()> {
        if !security.iter().chain(checks.iter().map(|c| &c.expr)).any(has_sub_select) {
            return Ok(());
        }
        if active.contains(&rel.oid) {
            return Err(err!(
                INVALID_OBJECT_DEFINITION,
                "infinite recursion detected in policy for relation \"{}\"",
                rel.name
            ));
        }
        active.push(rel.oid);
        for e in security.iter_mut().chain(checks.iter_mut().map(|c| &mut c.expr)) {
            self.secure_expr(e, active)?;
        }
        active.pop();
        Ok(())
    }

    fn applying<'p>(&self, rel: &'p Relation, command: char, user: Oid) -> Applying<'p> {
        let binds = |p: &&Policy| {
            (p.command == '*' || p.command == command)
                && p.roles.iter().any(|r| !r.is_valid() || self.cx.names.has_role(user, *r))
        };
        let (permissive, mut restrictive): (Vec<&Policy>, Vec<&Policy>) =
            rel.policies.iter().filter(binds).partition(|p| p.permissive);
        restrictive.sort_by(|a, b| a.name.cmp(&b.name));
        Applying { permissive, restrictive }
    }

    /// USING, for rows there are: restrictive ones each, then one of the permissive ones.
    fn using_conditions(
        &mut self,
        rel: &Arc<Relation>,
        policies: &Applying<'_>,
        check_as: Option<Oid>,
        out: &mut Vec<Expr>,
    ) -> Result<()> {
        let mut permissive = Vec::new();
        for p in &policies.permissive {
            if let Some(text) = &p.using {
                permissive.push(self.policy_expr(rel, p, text, check_as)?);
            }
        }
        let Some(any) = either(permissive) else {
            out.push(truth(false));
            return Ok(());
        };
        for p in &policies.restrictive {
            if let Some(text) = &p.using {
                let e = self.policy_expr(rel, p, text, check_as)?;
                push_new(out, e);
            }
        }
        push_new(out, any);
        Ok(())
    }

    /// WITH CHECK (or, `using`, USING) as conditions whose breach is an error.
    fn checks(
        &mut self,
        rel: &Arc<Relation>,
        policies: &Applying<'_>,
        check_as: Option<Oid>,
        (kind, using): (RowCheckKind, bool),
        out: &mut Vec<RowCheck>,
    ) -> Result<()> {
        let text = |p: &Policy| p.check.clone().filter(|_| !using).or_else(|| p.using.clone());
        let mut permissive = Vec::new();
        for p in &policies.permissive {
            if let Some(text) = text(p) {
                permissive.push(self.policy_expr(rel, p, &text, check_as)?);
            }
        }
        let of = rel.name.clone();
        let Some(any) = either(permissive) else {
            out.push(RowCheck { kind, policy: None, of, expr: truth(false) });
            return Ok(());
        };
        out.push(RowCheck { kind, policy: None, of: of.clone(), expr: any });
        for p in &policies.restrictive {
            if let Some(text) = text(p) {
                let expr = self.policy_expr(rel, p, &text, check_as)?;
                out.push(RowCheck { kind, policy: Some(p.name.clone()), of: of.clone(), expr });
            }
        }
        Ok(())
    }

    /// A condition over the table as rel 0. What it reads of other tables it reads as who reads this one.
    fn policy_expr(&mut self, rel: &Arc<Relation>, p: &Policy, text: &str, check_as: Option<Oid>) -> Result<Expr> {
        let names = self.cx.names.along(&p.kept);
        let source = format!("SELECT {text}");
        let mut cx =
            BindContext { names: &*names, io: self.cx.io, text: &source, params: Vec::new(), infer_params: false };
        let mut binder = Binder::new(&mut cx);
        binder.expanding.clone_from(&self.expanding);
        binder.check_as = check_as;
        binder.scopes.push(Scope::default());
        binder.add_table_columns(rel.clone());
        let bound = binder.condition(&parse_expression(text)?, Clause::Policy).map_err(|mut e| {
            e.0.position = None;
            e
        });
        let mut bound = bound?;
        let collated = binder.collated;
        self.collated |= collated;
        walk_expr_mut(&mut bound, 0, &mut |e, _| e.pos = None);
        super::rights::mark_alone(&mut bound);
        Ok(bound)
    }
}

/// # Errors
/// 42501: `row_security` is off, and the policies would change what the statement means.
pub fn refuse(rel: &Relation, owner: bool) -> crate::base::Error {
    let text = format!("query would be affected by row-level security policy for table \"{}\"", rel.name);
    let e = crate::base::Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text);
    match owner {
        true => e.hint("To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY."),
        false => e,
    }
}
