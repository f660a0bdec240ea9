//! CREATE RULE … ON SELECT: what makes a view of an empty table, or gives a view another query. PostgreSQL 15,
//! rewriteDefine.c, DefineQueryRewrite: same refusals in the same order.

use super::write::{change, class_of};
use super::{Command, view};
use crate::base::{Error, Flow, Result, SqlState};
use crate::catalog::{ConstraintKind, RelKind, Relation, View};
use crate::err;
use crate::sql::ast::{CreateRuleStmt, RuleEvent, Stmt};
use crate::sql::bind::{BindContext, Query, bind_rule_action};
use crate::sql::exec::ExecContext;
use crate::types::TypeRef;
use std::sync::Arc;

/// The only name such a rule may have.
pub(super) const NAME: &str = "_RETURN";

/// The query of the rule.
fn query_of(stmt: &CreateRuleStmt) -> Result<&Stmt> {
    let refused = |text: &str| Err(Error::unsupported(text));
    match &stmt.actions[..] {
        [action @ Stmt::Select(_)] if stmt.instead => Ok(action),
        [] | [_] => refused("rules on SELECT must have action INSTEAD SELECT"),
        _ => refused("multiple actions for rules on SELECT are not implemented"),
    }
}

/// The query, which has no OLD and no NEW.
fn bound(cmd: &Command, cx: &mut ExecContext, action: &Stmt, rel: &Arc<Relation>) -> Result<Query> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        BindContext { names: &*catalog, io: &cx.fx.io, text: &cmd.source, params: Vec::new(), infer_params: false };
    Ok(bind_rule_action(&mut bcx, action, rel, super::rule::letter(RuleEvent::Select))?.0)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateRuleStmt, rel: &Arc<Relation>) -> Flow<String> {
    let action = query_of(stmt)?;
    let bound = bound(cmd, cx, action, rel)?;
    if bound.ctes.iter().any(|c| c.query.write.is_some()) {
        let text = "rules on SELECT must not contain data-modifying statements in WITH";
        return Err(Error::unsupported(text).into());
    }
    if stmt.filter.is_some() {
        let text = "event qualifications are not implemented for rules on SELECT";
        return Err(Error::unsupported(text).into());
    }
    check_columns(cx, &bound, rel)?;
    let is_view = rel.kind == RelKind::View;
    if is_view && !stmt.replace {
        let text = format!("\"{}\" is already a view", rel.name);
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).into());
    }
    if stmt.name != NAME {
        let text = format!("view rule for \"{}\" must be named \"{NAME}\"", rel.name);
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text).into());
    }
    if !is_view {
        refuse_conversion(cx, rel)?;
    }
    let (made, depends) = view::stored(cmd, cx, action)?;
    if !is_view {
        give_up_rows(cx, rel)?;
    }
    change(cx, rel.oid, |c| {
        let (rule, check_option) = match &c.view {
            Some(old) => (old.rule, old.check_option.clone()),
            None => (made.rule, None),
        };
        c.kind = RelKind::View;
        c.view = Some(View { rule, check_option, ..made });
        c.depends = depends;
    })?;
    Ok("CREATE RULE".into())
}

/// What the query gives must be the relation's columns. PostgreSQL 15, rewriteDefine.c, checkRuleResultList.
fn check_columns(cx: &ExecContext, bound: &Query, rel: &Relation) -> Result<()> {
    let invalid = |text: String| Error::new(SqlState::INVALID_OBJECT_DEFINITION, text);
    let shown = |ty: TypeRef| crate::types::format_type(ty.oid, ty.typmod, &*cx.fx.io.hooks);
    let mut count = 0;
    for t in bound.output() {
        let Some(a) = rel.attributes.get(count) else {
            return Err(invalid("SELECT rule's target list has too many entries".into()));
        };
        count += 1;
        if a.dropped {
            return Err(Error::unsupported("cannot convert relation containing dropped columns to view"));
        }
        let differs = |what: &str| {
            invalid(format!("SELECT rule's target entry {count} has different {what} from column \"{}\"", a.name))
        };
        if t.name != a.name {
            return Err(differs("column name").detail(format!("SELECT target entry is named \"{}\".", t.name)));
        }
        let types = || {
            let (entry, column) = (shown(t.expr.ty), shown(a.ty));
            format!("SELECT target entry has type {entry}, but column has type {column}.")
        };
        if t.expr.ty.oid != a.ty.oid {
            return Err(differs("type").detail(types()));
        }
        if t.expr.ty.typmod != a.ty.typmod && t.expr.ty.typmod != -1 {
            return Err(differs("size").detail(types()));
        }
    }
    match count < rel.attributes.len() {
        true => Err(invalid("SELECT rule's target list has too few entries".into())),
        false => Ok(()),
    }
}

fn refuse_conversion(cx: &mut ExecContext, rel: &Relation) -> Result<()> {
    let name = &rel.name;
    if rel.kind == RelKind::Partitioned {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot convert partitioned table \"{name}\" to a view"));
    }
    if rel.is_partition() {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot convert partition \"{name}\" to a view"));
    }
    let because = |what: &str| {
        let text = format!("could not convert table \"{name}\" to a view because it {what}");
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
    };
    if super::alter_table::has_rows(cx, rel.oid)? {
        return Err(because("is not empty"));
    }
    let c = class_of(cx, rel.oid)?;
    let catalog = cx.backend()?.catalog.clone();
    let keyed = rel.constraints.iter().any(|k| k.kind == ConstraintKind::ForeignKey)
        || !super::foreign::referencing(cx, rel.oid)?.is_empty();
    if !c.triggers.is_empty() || keyed {
        let hint = "In particular, the table cannot be involved in any foreign key relationships.";
        return Err(because("has triggers").hint(hint));
    }
    let found = [
        (!rel.indexes.is_empty(), "has indexes"),
        (!catalog.children_of(rel.oid).is_empty(), "has child tables"),
        (!rel.lineage.parents.is_empty(), "has parent tables"),
        (c.row_security, "has row security enabled"),
        (!c.policies.is_empty(), "has row security policies"),
    ];
    match found.iter().find(|(is, _)| *is) {
        Some((_, what)) => Err(because(what)),
        None => Ok(()),
    }
}

/// A view has no file and nothing that goes with one; files go at commit.
fn give_up_rows(cx: &mut ExecContext, rel: &Relation) -> Result<()> {
    let c = class_of(cx, rel.oid)?;
    if c.toast.is_valid() {
        super::drop::remove_relation(cx, c.toast)?;
    }
    let backend = cx.backend()?;
    backend.txn.all_rows_go(rel.oid)?;
    backend.txn.file_dropped(backend.catalog.file_of(&c), c.persistence);
    change(cx, rel.oid, |c| {
        c.node = crate::base::Oid::INVALID;
        c.toast = crate::base::Oid::INVALID;
        c.tablespace = crate::base::Oid::INVALID;
        c.frozen = 0;
        c.constraints.clear();
        c.options.clear();
        c.replica_identity = None;
    })
}
