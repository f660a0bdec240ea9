//! CREATE and DROP RULE. PostgreSQL 15, rewriteDefine.c: same refusals.
//!
//! Conditions and actions are kept as text, found along the search path of who made them.

use super::known::Reads;
use super::write::{change, class_of, new_oid, relation_key};
use super::{Command, drop, names, role, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::{Depend, class};
use crate::catalog::{Catalog, ObjectKey, Persistence, RelKind, Relation, Rule};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CreateRuleStmt, DropStmt, EnableMode, Expr, ObjectName, RangeVar, RuleEvent, Stmt};
use crate::sql::bind::{BindContext, Target, bind_rule_action, bind_rule_condition, reads_of_condition, reads_of_rule};
use crate::sql::exec::ExecContext;
use crate::types::context::TypeHooks;
use std::sync::Arc;

/// `ev_type`.
pub fn letter(event: RuleEvent) -> char {
    match event {
        RuleEvent::Select => '1',
        RuleEvent::Update => '2',
        RuleEvent::Insert => '3',
        RuleEvent::Delete => '4',
    }
}

fn table(cmd: &Command, cx: &mut ExecContext, name: &RangeVar) -> Flow<Arc<Relation>> {
    let rel = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive).map_err(|stop| match stop {
        Stop::Error(mut e) => {
            e.0.position = None;
            Stop::Error(e)
        }
        other => other,
    })?;
    match rel.kind {
        RelKind::Index | RelKind::PartitionedIndex => {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an index", rel.name).into());
        }
        RelKind::Table | RelKind::Partitioned | RelKind::View => {}
        RelKind::MatView => return Err(Error::unsupported("rules on materialized views are not supported").into()),
        kind => {
            let what = match kind {
                RelKind::Sequence => "sequences",
                _ => "composite types",
            };
            return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" cannot have rules", rel.name)
                .detail(format!("This operation is not supported for {what}."))
                .into());
        }
    }
    names::check_owner(cx, &rel)?;
    Ok(rel)
}

/// A rule's parts as the catalogs keep them.
#[derive(Default)]
struct Parts {
    condition: Option<Arc<str>>,
    actions: Vec<Arc<str>>,
    /// Read of OLD and NEW.
    columns: Vec<i16>,
    depends: Vec<Depend>,
    reads: Reads,
}

impl Parts {
    fn note(&mut self, read: Vec<(usize, i16)>) {
        for (_, attno) in read {
            if !self.columns.contains(&attno) {
                self.columns.push(attno);
            }
        }
    }

    fn condition(
        &mut self,
        cmd: &Command,
        cx: &mut ExecContext,
        rel: &Arc<Relation>,
        event: char,
        e: &Expr,
    ) -> Result<()> {
        let catalog = cx.backend()?.catalog.clone();
        let mut bcx =
            BindContext { names: &*catalog, io: &cx.fx.io, text: &cmd.source, params: Vec::new(), infer_params: false };
        let mut bound = bind_rule_condition(&mut bcx, e, rel, event)?;
        self.note(reads_of_condition(&mut bound));
        super::view::expression_dependencies(&mut bound, &mut self.depends);
        self.reads.expression(&mut bound);
        self.condition = Some(stored_text::text_of(cx, e, None)?);
        Ok(())
    }

    fn action(
        &mut self,
        cmd: &Command,
        cx: &mut ExecContext,
        rel: &Arc<Relation>,
        stmt: &CreateRuleStmt,
        n: usize,
    ) -> Result<()> {
        let action = &stmt.actions[n];
        self.actions.push(stmt.action_texts[n].as_str().into());
        if let Stmt::Notify(_) = action {
            return match stmt.filter {
                None => Ok(()),
                Some(_) => Err(err!(
                    INVALID_OBJECT_DEFINITION,
                    "rules with WHERE conditions can only have SELECT, INSERT, UPDATE, or DELETE actions"
                )),
            };
        }
        let catalog = cx.backend()?.catalog.clone();
        let mut bcx =
            BindContext { names: &*catalog, io: &cx.fx.io, text: &cmd.source, params: Vec::new(), infer_params: false };
        let event = letter(stmt.event);
        let (mut query, _) = bind_rule_action(&mut bcx, action, rel, event)?;
        let read = reads_of_rule(&mut query, 1);
        for cte in &mut query.ctes {
            if !reads_of_rule(&mut cte.query, 2).is_empty() {
                let name = if event == '3' { "NEW" } else { "OLD" };
                return Err(Error::unsupported(format!("cannot refer to {name} within WITH query")));
            }
        }
        if let Some(w) = query.write.as_ref().filter(|w| !w.returning.is_empty()) {
            check_returning(&*cx.fx.io.hooks.clone(), stmt, &w.returning, rel)?;
        }
        self.note(read);
        super::view::dependencies(&mut query, &mut self.depends);
        self.reads.query(&mut query);
        Ok(())
    }
}

/// What an action returns must be rows of the relation. PostgreSQL 15, rewriteDefine.c, checkRuleResultList.
fn check_returning(hooks: &dyn TypeHooks, stmt: &CreateRuleStmt, list: &[Target], rel: &Relation) -> Result<()> {
    if !stmt.instead {
        return Err(Error::unsupported("RETURNING lists are not supported in non-INSTEAD rules"));
    }
    if stmt.filter.is_some() {
        return Err(Error::unsupported("RETURNING lists are not supported in conditional rules"));
    }
    let invalid = |text: String| Error::new(SqlState::INVALID_OBJECT_DEFINITION, text);
    let columns: Vec<_> = rel.attributes.iter().collect();
    for (n, t) in list.iter().enumerate() {
        let Some(a) = columns.get(n) else { return Err(invalid("RETURNING list has too many entries".into())) };
        if a.dropped {
            return Err(Error::unsupported("cannot convert relation containing dropped columns to view"));
        }
        let shown = |ty: crate::types::TypeRef| crate::types::format_type(ty.oid, ty.typmod, hooks);
        let place = n + 1;
        if t.expr.ty.oid != a.ty.oid {
            let text = format!("RETURNING list's entry {place} has different type from column \"{}\"", a.name);
            let (entry, column) = (shown(t.expr.ty), shown(a.ty));
            return Err(
                invalid(text).detail(format!("RETURNING list entry has type {entry}, but column has type {column}."))
            );
        }
        if t.expr.ty.typmod != a.ty.typmod && t.expr.ty.typmod >= 0 && a.ty.typmod >= 0 {
            let text = format!("RETURNING list's entry {place} has different size from column \"{}\"", a.name);
            return Err(invalid(text));
        }
    }
    match list.len() < columns.len() {
        true => Err(invalid("RETURNING list has too few entries".into())),
        false => Ok(()),
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateRuleStmt) -> Flow<String> {
    let rel = table(cmd, cx, &stmt.table)?;
    if stmt.event == RuleEvent::Select {
        return super::rule_select::create(cmd, cx, stmt, &rel);
    }
    let event = letter(stmt.event);
    let mut parts = Parts::default();
    if let Some(e) = &stmt.filter {
        parts.condition(cmd, cx, &rel, event, e)?;
    }
    let mut shows = false;
    for n in 0..stmt.actions.len() {
        parts.action(cmd, cx, &rel, stmt, n)?;
        let returning = match &stmt.actions[n] {
            Stmt::Insert(s) => !s.returning.is_empty(),
            Stmt::Update(s) => !s.returning.is_empty(),
            Stmt::Delete(s) => !s.returning.is_empty(),
            _ => false,
        };
        if returning && shows {
            return Err(Error::unsupported("cannot have multiple RETURNING lists in a rule").into());
        }
        shows |= returning;
    }
    let old = rel.rules.iter().find(|r| r.name == stmt.name);
    if stmt.name == super::rule_select::NAME {
        let text = format!("non-view rule for \"{}\" must not be named \"{}\"", rel.name, stmt.name);
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text).into());
    }
    if old.is_some() && !stmt.replace {
        let text = format!("rule \"{}\" for relation \"{}\" already exists", stmt.name, rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    let temporary = rel.persistence == Persistence::Temp || super::view::reads_temporary(cx, &parts.depends)?;
    parts.reads.relation(rel.oid);
    parts.reads.depends(&parts.depends);
    let kept = parts.reads.kept(cx, temporary)?;
    let made = Rule {
        oid: match old {
            Some(r) => r.oid,
            None => new_oid(cx)?,
        },
        name: stmt.name.clone(),
        event,
        instead: stmt.instead,
        condition: parts.condition,
        actions: parts.actions,
        columns: parts.columns,
        depends: parts.depends,
        enabled: old.map_or('O', |r| r.enabled),
        kept,
    };
    change(cx, rel.oid, |c| {
        c.rules.retain(|r| r.name != made.name);
        c.rules.push(made);
        c.rules.sort_by(|a, b| a.name.cmp(&b.name));
    })?;
    Ok("CREATE RULE".into())
}

/// Rules that name an object in their conditions or actions, but for those of the relation itself.
pub fn naming(catalog: &Catalog, on: ObjectKey) -> Vec<Oid> {
    let mut found = Vec::new();
    for record in catalog.mentioning(class::RELATION, on.oid) {
        let Ok(c) = record.object.as_class() else { continue };
        let names = |r: &&Rule| relation_key(c.oid) != on && r.depends.iter().any(|d| d.on == on);
        found.extend(c.rules.iter().filter(names).map(|r| r.oid));
    }
    found
}

fn missing(name: &str, table: &str) -> Error {
    err!(UNDEFINED_OBJECT, "rule \"{name}\" for relation \"{table}\" does not exist")
}

pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    for name in &stmt.names {
        let ObjectName::OnTable { table: of, name } = name else {
            return Err(Error::internal("DROP RULE with an odd name").into());
        };
        let Some(var) = drop::table_of_part(cx, stmt, of)? else { continue };
        if let Some(rel) = names::find_relation(cx, &var)?.filter(|r| r.rules.iter().any(|r| r.name == *name))
            && !role::has_role(cx.backend()?, rel.owner)
        {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of relation {}", rel.name).into());
        }
        let rel = table(cmd, cx, &var)?;
        match rel.rules.iter().find(|r| r.name == *name) {
            Some(r) => {
                super::event_trigger::note_part(cx, ObjectKey::new(class::REWRITE, r.oid))?;
                remove(cx, r.oid)?;
            }
            None if *name == super::rule_select::NAME && rel.kind == RelKind::View => {
                let of = &rel.name;
                let text = format!("cannot drop rule {name} on view {of} because view {of} requires it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
                    .hint(format!("You can drop view {of} instead."))
                    .into());
            }
            None if stmt.missing_ok => {
                let text = format!("{}, skipping", missing(name, &rel.name).message());
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            None => return Err(missing(name, &rel.name).into()),
        }
    }
    Ok(())
}

/// A rule's table and name.
pub fn find(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    c.rules.iter().find(|r| r.oid == oid).map(|r| (c.oid, r.name.clone()))
}

/// Takes a rule away from its table.
pub fn remove(cx: &mut ExecContext, rule: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = find(&catalog, rule) else { return Ok(()) };
    super::write::delete(cx, crate::catalog::object::comment_key(ObjectKey::new(class::REWRITE, rule)))?;
    change(cx, table, |c| c.rules.retain(|r| r.oid != rule))
}

/// ALTER RULE … RENAME TO.
pub fn rename(cx: &mut ExecContext, rel: &Relation, old: &str, new: &str) -> Result<()> {
    let is_view = rel.kind == RelKind::View;
    let taken = rel.rules.iter().any(|r| r.name == new) || is_view && new == super::rule_select::NAME;
    if is_view && old == super::rule_select::NAME && !taken {
        let text = "renaming an ON SELECT rule is not allowed";
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
    }
    if !rel.rules.iter().any(|r| r.name == old) {
        return Err(missing(old, &rel.name));
    }
    if taken {
        let text = format!("rule \"{new}\" for relation \"{}\" already exists", rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    change(cx, rel.oid, |c| {
        c.rules.iter_mut().filter(|r| r.name == old).for_each(|r| r.name = new.to_owned());
        c.rules.sort_by(|a, b| a.name.cmp(&b.name));
    })
}

/// ALTER TABLE … ENABLE and DISABLE RULE.
pub fn enable(cx: &mut ExecContext, table: Oid, mode: EnableMode, name: &str) -> Result<()> {
    let letter = match mode {
        EnableMode::Enable => 'O',
        EnableMode::EnableAlways => 'A',
        EnableMode::EnableReplica => 'R',
        EnableMode::Disable => 'D',
    };
    let c = class_of(cx, table)?;
    if c.kind == RelKind::View {
        let action = match mode {
            EnableMode::Enable => "ENABLE RULE",
            EnableMode::EnableAlways => "ENABLE ALWAYS RULE",
            EnableMode::EnableReplica => "ENABLE REPLICA RULE",
            EnableMode::Disable => "DISABLE RULE",
        };
        let text = format!("ALTER action {action} cannot be performed on relation \"{}\"", c.name);
        return Err(err!(WRONG_OBJECT_TYPE, "{text}").detail("This operation is not supported for views."));
    }
    if !c.rules.iter().any(|r| r.name == name) {
        return Err(missing(name, &c.name));
    }
    change(cx, table, |c| c.rules.iter_mut().filter(|r| r.name == name).for_each(|r| r.enabled = letter))
}

/// The rule a COMMENT is about.
pub fn named(cmd: &Command, cx: &mut ExecContext, parts: &[String], name: &str) -> Flow<Oid> {
    let rel = names::locked_relation(cmd, cx, &names::range_var(parts), LockMode::ShareUpdateExclusive)?;
    names::check_owner(cx, &rel)?;
    if name == super::rule_select::NAME
        && let Some(view) = class_of(cx, rel.oid)?.view
    {
        return Ok(view.rule);
    }
    match rel.rules.iter().find(|r| r.name == name) {
        Some(r) => Ok(r.oid),
        None => Err(missing(name, &rel.name).into()),
    }
}
