//! Constraints of tables: what was written, and CHECK.

use super::index::{self, patiently};
use super::write::{attributes_read, bind, change, class_of, columns_only, new_oid, over_attributes};
use super::{Command, column, key, names, stored_text};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::{Class, UserType, UserTypeKind, class};
use crate::catalog::{Catalog, Constraint, ConstraintKind, Index, Object, RelKind, Relation};
use crate::err;
use crate::heap::HeapScan;
use crate::sql::ast::{self, ConstraintKind as Ast, DefElem, Expr};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::predicate::{is_filled, is_implied};
use crate::types::{Batch, ColumnData};
use std::sync::Arc;

/// A constraint to be added.
pub struct Wanted {
    pub name: Option<String>,
    pub kind: Kind,
    pub deferrable: bool,
    pub deferred: bool,
    pub not_valid: bool,
    pub no_inherit: bool,
    /// ALTER TABLE ONLY: partitions get nothing of it.
    pub only: bool,
    pub pos: ast::Pos,
}

pub enum Kind {
    Check(Expr),
    /// Text that was checked before.
    StoredCheck(Arc<str>),
    Key {
        primary: bool,
        columns: Vec<String>,
        including: Vec<String>,
        nulls_not_distinct: bool,
        options: Vec<DefElem>,
        tablespace: Option<String>,
        index: Option<String>,
    },
    Exclude(Box<ast::ExcludeConstraint>),
    Foreign(Box<ast::ForeignKey>),
    Unsupported(&'static str),
}

impl Wanted {
    /// A constraint as written, of a column if one is given.
    pub fn of(c: &ast::Constraint, column: Option<&str>) -> Wanted {
        let key = |k: &ast::IndexConstraint, primary| {
            let columns = column.map_or_else(|| k.columns.clone(), |c| vec![c.to_string()]);
            Kind::Key {
                primary,
                columns,
                including: k.including.clone(),
                nulls_not_distinct: k.nulls_not_distinct,
                options: k.options.clone(),
                tablespace: k.tablespace.clone(),
                index: k.index.clone(),
            }
        };
        let kind = match &c.kind {
            Ast::Check(e) => Kind::Check(e.clone()),
            Ast::Unique(k) => key(k, false),
            Ast::PrimaryKey(k) => key(k, true),
            Ast::ForeignKey(f) => {
                let mut f = f.clone();
                if let Some(column) = column {
                    f.columns = vec![column.to_string()];
                }
                Kind::Foreign(f)
            }
            Ast::Exclude(e) => Kind::Exclude(e.clone()),
            Ast::Null | Ast::NotNull | Ast::Default(_) | Ast::Generated(_) | Ast::Identity { .. } => {
                Kind::Unsupported("this constraint is not one of tables")
            }
        };
        Wanted {
            name: c.name.clone(),
            kind,
            deferrable: c.deferrable,
            deferred: c.initially_deferred,
            not_valid: c.skip_validation,
            no_inherit: c.no_inherit,
            only: false,
            pos: c.pos,
        }
    }

    /// A CHECK taken over from another table.
    pub fn stored_check(name: &str, text: Arc<str>, no_inherit: bool) -> Wanted {
        Wanted {
            name: Some(name.to_string()),
            kind: Kind::StoredCheck(text),
            deferrable: false,
            deferred: false,
            not_valid: false,
            no_inherit,
            only: false,
            pos: ast::NOWHERE,
        }
    }

    /// A CHECK as it would be stored.
    pub fn check_text(&self, cx: &mut ExecContext) -> Result<Option<Arc<str>>> {
        match &self.kind {
            Kind::Check(e) => stored_text::text_of(cx, e, None).map(Some),
            Kind::StoredCheck(text) => Ok(Some(text.clone())),
            _ => Ok(None),
        }
    }

    /// A key like another table's, without a name of its own.
    pub fn like_key(key: &Constraint, index: &Index, columns: Vec<String>, including: Vec<String>) -> Wanted {
        let kind = Kind::Key {
            primary: index.primary,
            columns,
            including,
            nulls_not_distinct: index.nulls_not_distinct,
            options: Vec::new(),
            tablespace: None,
            index: None,
        };
        Wanted {
            name: None,
            kind,
            deferrable: key.deferrable,
            deferred: key.deferred,
            not_valid: false,
            no_inherit: false,
            only: false,
            pos: ast::NOWHERE,
        }
    }

    pub fn is_check(&self) -> bool {
        matches!(self.kind, Kind::Check(_) | Kind::StoredCheck(_))
    }

    pub fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::Foreign(_))
    }

    fn is_primary(&self) -> bool {
        matches!(self.kind, Kind::Key { primary: true, .. })
    }
}

/// Adds constraints to a table this transaction has locked (or just made); rows there are checked.
pub fn add_all(cmd: &Command, cx: &mut ExecContext, table: Oid, wanted: Vec<Wanted>) -> Result<()> {
    let (mut keys, mut checks, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for w in wanted {
        match &w.kind {
            Kind::Unsupported(what) => return Err(Error::unsupported(*what).at(cmd.at(w.pos))),
            Kind::Key { .. } | Kind::Exclude(_) => keys.push(w),
            Kind::Foreign(_) => foreign.push(w),
            Kind::Check(_) | Kind::StoredCheck(_) => checks.push(w),
        }
    }
    for w in checks {
        add_check(cmd, cx, table, w)?;
    }
    // The primary key comes first, whatever the order it was written in (PostgreSQL 15, transformIndexConstraints).
    keys.sort_by_key(|w| !w.is_primary());
    let mut seen: Vec<(Vec<String>, bool)> = Vec::new();
    for w in keys {
        if let Kind::Key { columns, nulls_not_distinct, index: None, .. } = &w.kind {
            let twin = seen.iter().any(|s| s.0 == *columns && s.1 == *nulls_not_distinct);
            if twin && w.name.is_none() && !w.is_primary() {
                continue;
            }
            seen.push((columns.clone(), *nulls_not_distinct));
        }
        match &w.kind {
            Kind::Exclude(e) => super::exclusion::add(cmd, cx, table, &w, e)?,
            _ => key::add(cmd, cx, table, w)?,
        }
    }
    // A table may refer to its own new keys.
    for w in foreign {
        if let Kind::Foreign(f) = &w.kind {
            super::foreign::add(cmd, cx, table, &w, f)?;
        }
    }
    Ok(())
}

/// ALTER CONSTRAINT: whether a foreign key is deferrable, here and in partitions.
pub fn alter(cx: &mut ExecContext, table: Oid, wanted: &ast::Constraint) -> Result<()> {
    let rel = relation(cx, table)?;
    let name = wanted.name.as_deref().unwrap_or_default();
    let parts: Vec<Constraint> = rel.constraints.iter().flat_map(Constraint::parts).collect();
    let Some(k) = rel.constraints.iter().chain(&parts).find(|k| k.name == name) else {
        return Err(err!(UNDEFINED_OBJECT, "constraint \"{name}\" of relation \"{}\" does not exist", rel.name));
    };
    if k.foreign.is_none() {
        let text = format!("constraint \"{name}\" of relation \"{}\" is not a foreign key constraint", rel.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
    }
    if k.parent.is_valid() {
        return Err(derived(cx, &rel, k)?);
    }
    let mut above = vec![k.oid];
    for member in std::iter::once(table).chain(super::inherit::all_below(cx, table)?) {
        change(cx, member, |c| {
            for k in &mut c.constraints {
                if above.contains(&k.oid) || above.contains(&k.parent) {
                    (k.deferrable, k.deferred) = (wanted.deferrable, wanted.initially_deferred);
                    above.push(k.oid);
                }
            }
        })?;
    }
    Ok(())
}

/// # Errors
/// XX000 for a constraint that follows another one: the topmost is the one to alter.
fn derived(cx: &mut ExecContext, rel: &Relation, k: &Constraint) -> Result<Error> {
    let mut text = err!(INTERNAL_ERROR, "cannot alter constraint \"{}\" on relation \"{}\"", k.name, rel.name);
    let (mut at, mut parent) = (rel.oid, k.parent);
    while parent.is_valid() {
        let above = relation(cx, at)?.lineage.parents.first().copied();
        let mut from = None;
        for table in above.into_iter().chain([at]) {
            let table = relation(cx, table)?;
            let parts = table.constraints.iter().flat_map(Constraint::parts);
            let found = table.constraints.iter().cloned().chain(parts).find(|p| p.oid == parent);
            from = from.or(found.map(|k| (k, table)));
        }
        let Some((top, table)) = from else { break };
        (at, parent) = (table.oid, top.parent);
        if !parent.is_valid() {
            text = text.detail(format!(
                "Constraint \"{}\" is derived from constraint \"{}\" of relation \"{}\".",
                k.name, top.name, table.name
            ));
        }
    }
    Ok(text.hint("You may alter the constraint it derives from, instead."))
}

/// Whether a constraint of a table or a domain in a schema has a name.
pub fn is_taken(catalog: &Catalog, namespace: Oid, name: &str) -> bool {
    let of_class =
        |c: &Class| c.namespace == namespace && c.constraints.iter().flat_map(Constraint::names).any(|n| n == name);
    let of_type = |t: &UserType| match &t.kind {
        UserTypeKind::Domain { checks, .. } => t.namespace == namespace && checks.iter().any(|k| k.name == name),
        _ => false,
    };
    let may = [class::RELATION, class::TYPE].map(|class| catalog.naming(class, name));
    may.iter().flatten().any(|record| match &record.object {
        Object::Class(c) => of_class(c),
        Object::Type(t) => of_type(t),
        _ => false,
    })
}

/// A name that no constraint in a schema has, none of those still to be written either (PostgreSQL 15, pg_constraint.c,
/// ChooseConstraintName).
pub fn choose_name(
    catalog: &Catalog,
    namespace: Oid,
    own: &[Constraint],
    (table, column): (&str, &str),
    suffix: &str,
) -> String {
    names::first_free(table, column, suffix, |name| {
        own.iter().flat_map(Constraint::names).any(|n| n == name) || is_taken(catalog, namespace, name)
    })
}

pub fn refuse_taken(constraints: &[Constraint], name: &str, table: &str) -> Result<()> {
    if constraints.iter().flat_map(Constraint::names).any(|n| n == name) {
        return Err(err!(DUPLICATE_OBJECT, "constraint \"{name}\" for relation \"{table}\" already exists"));
    }
    Ok(())
}

fn add_check(cmd: &Command, cx: &mut ExecContext, table: Oid, w: Wanted) -> Result<()> {
    let c = class_of(cx, table)?;
    if w.no_inherit && c.kind == RelKind::Partitioned {
        let text = format!("cannot add NO INHERIT constraint to partitioned table \"{}\"", c.name);
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text));
    }
    let rel = columns_only(table, &c.name, &c.attributes);
    let (bound, text) = match &w.kind {
        Kind::Check(e) => {
            let bound = bind(cx, &cmd.source, e, Some(&rel), Clause::Check, None)?;
            column::check_boolean(cx, &bound, "CHECK", cmd.at(e.start()))?;
            (bound, stored_text::text_of(cx, e, None)?)
        }
        Kind::StoredCheck(text) => (index::bind_text(cx, text, &rel, Clause::Check)?, text.clone()),
        _ => return Ok(()),
    };
    let columns = attributes_read(&bound);
    let name = match &w.name {
        Some(name) => {
            if let Some(have) = c.constraints.iter().find(|k| becomes_local(k, name, &text)) {
                super::inherit::refuse_conflict(have, !w.not_valid, &format!("relation \"{}\"", c.name))?;
                return make_local(cx, table, name);
            }
            refuse_taken(&c.constraints, name, &c.name)?;
            name.clone()
        }
        None => {
            let column = match columns.as_slice() {
                [one] if *one > 0 => c.attributes[*one as usize - 1].name.clone(),
                [one] => crate::sql::bind::scope::system_name(*one).to_owned(),
                _ => String::new(),
            };
            let catalog = &cx.backend()?.catalog;
            choose_name(catalog, c.namespace, &c.constraints, (&c.name, &column), "check")
        }
    };
    let new = put_check(cx, table, (name, text), (bound, columns), (!w.not_valid, w.no_inherit))?;
    if !w.no_inherit {
        for child in cx.backend()?.catalog.children_of(table) {
            super::inherit::add_check(cx, child, &new)?;
        }
    }
    Ok(())
}

/// Whether a CHECK that a parent's brought along is the one to be added: so a parent's and its child's may come in either
/// order. PostgreSQL 15, heap.c, MergeWithExistingConstraint.
fn becomes_local(have: &Constraint, name: &str, text: &Arc<str>) -> bool {
    have.name == name && !have.local && have.kind == ConstraintKind::Check && have.check.as_ref() == Some(text)
}

fn make_local(cx: &mut ExecContext, table: Oid, name: &str) -> Result<()> {
    let c = class_of(cx, table)?;
    if c.lineage.bound.is_some() {
        // A partition's constraints are its parent's for good.
        return refuse_taken(&c.constraints, name, &c.name);
    }
    super::inherit::tell_merging(cx, name);
    change(cx, table, |c| c.constraints.iter_mut().filter(|k| k.name == name).for_each(|k| k.local = true))
}

/// A CHECK whose text another table has, too. Its OID.
pub fn make_check(cx: &mut ExecContext, table: Oid, name: &str, text: &Arc<str>, valid: bool) -> Result<Oid> {
    let c = class_of(cx, table)?;
    let rel = columns_only(table, &c.name, &c.attributes);
    let bound = index::bind_text(cx, text, &rel, Clause::Check)?;
    let columns = attributes_read(&bound);
    Ok(put_check(cx, table, (name.to_string(), text.clone()), (bound, columns), (valid, false))?.oid)
}

/// A CHECK that is known to hold, named as PostgreSQL names one without a name.
pub fn keep_check(cx: &mut ExecContext, table: Oid, text: &Arc<str>) -> Result<Constraint> {
    let c = class_of(cx, table)?;
    let rel = columns_only(table, &c.name, &c.attributes);
    let bound = index::bind_text(cx, text, &rel, Clause::Check)?;
    let columns = attributes_read(&bound);
    let column = match columns[..] {
        [only] => c.attributes.get(only as usize - 1).map_or("", |a| &a.name),
        _ => "",
    };
    let name = choose_name(&cx.backend()?.catalog, c.namespace, &c.constraints, (&c.name, column), "check");
    let made = put_check(cx, table, (name, text.clone()), (bound, columns), (false, false))?;
    change(cx, table, |c| c.constraints.iter_mut().filter(|k| k.oid == made.oid).for_each(|k| k.validated = true))?;
    Ok(Constraint { validated: true, ..made })
}

fn put_check(
    cx: &mut ExecContext,
    table: Oid,
    (name, text): (String, Arc<str>),
    (bound, columns): (crate::sql::expr::Expr, Vec<i16>),
    (valid, no_inherit): (bool, bool),
) -> Result<Constraint> {
    if valid {
        verify_check(cx, table, &name, bound)?;
    }
    let new = Constraint {
        oid: new_oid(cx)?,
        name,
        kind: ConstraintKind::Check,
        columns: columns.into_iter().filter(|attno| *attno > 0).collect(),
        check: Some(text),
        index: Oid::INVALID,
        foreign: None,
        deferrable: false,
        deferred: false,
        validated: valid,
        inherited: 0,
        local: true,
        no_inherit,
        parent: Oid::INVALID,
    };
    change(cx, table, |c| c.constraints.push(new.clone()))?;
    Ok(new)
}

/// Every row there is must fulfil a condition.
///
/// # Errors
/// 23514.
pub fn verify_check(cx: &mut ExecContext, table: Oid, name: &str, bound: crate::sql::expr::Expr) -> Result<()> {
    let rel = relation(cx, table)?;
    let mut bound = bound;
    crate::sql::bind::of_table(&mut bound, table);
    let mut test = Projection::new(&[over_attributes(bound)?]);
    each_batch(cx, &rel, &mut |cx, batch| {
        let answer = patiently(cx, |cx| test.run(cx, batch, Sel::All(batch.rows)))?;
        let ColumnData::Bool(values) = &answer[0].data else { return Ok(()) };
        if (0..batch.rows).any(|r| !values[r] && !answer[0].is_null(r)) {
            let text = format!("check constraint \"{name}\" of relation \"{}\" is violated by some row", rel.name);
            return Err(Error::new(SqlState::CHECK_VIOLATION, text)
                .table(rel.schema.clone(), rel.name.clone())
                .constraint(name)
                .place("ATRewriteTable", "tablecmds.c", 5919));
        }
        Ok(())
    })
}

/// A table as the transaction sees it now.
pub fn relation(cx: &mut ExecContext, oid: Oid) -> Result<Arc<Relation>> {
    cx.backend()?.catalog.relation(oid)?.ok_or_else(|| Error::internal(format!("relation {oid} is gone")))
}

/// Calls `f` for all rows the newest snapshot sees, all attributes.
pub fn each_batch(
    cx: &mut ExecContext,
    rel: &Relation,
    f: &mut dyn FnMut(&mut ExecContext, &Batch) -> Result<()>,
) -> Result<()> {
    let Some(store) = rel.store.clone() else { return Ok(()) };
    let storage = cx.storage()?;
    if store.nblocks(&storage)? == 0 {
        return Ok(());
    }
    let snapshot = cx.backend()?.txn.latest_snapshot();
    let attnos: Vec<i16> = (1..=rel.attributes.len() as i16).collect();
    let mut scan = HeapScan::new(store, snapshot, attnos);
    loop {
        cx.interrupts.check()?;
        let mut batch = Batch::default();
        let more = scan.next(&storage, &mut batch)?;
        if batch.rows > 0 {
            f(cx, &batch)?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// Marks columns NOT NULL; rows there are checked, unless a CHECK tells (PostgreSQL 15, tablecmds.c,
/// NotNullConstraintImpliedByRelConstraints).
///
/// # Errors
/// 23502.
pub fn set_not_null(cx: &mut ExecContext, table: Oid, columns: &[String]) -> Result<()> {
    let rel = relation(cx, table)?;
    let of = |name: &String| rel.attributes.iter().position(|a| !a.dropped && a.name == *name && !a.not_null);
    let positions: Vec<usize> = columns.iter().filter_map(of).collect();
    if positions.is_empty() {
        return Ok(());
    }
    let mut asked: Vec<usize> = Vec::new();
    for n in &positions {
        let catalog = cx.backend()?.catalog.clone();
        let filled = is_filled(&rel.attributes[*n], 0);
        if !is_implied(&rel, filled, &*catalog, &cx.fx.io)? {
            asked.push(*n);
            continue;
        }
        let column = format!("{}.{}", rel.name, rel.attributes[*n].name);
        let text = format!(
            "existing constraints on column \"{column}\" are sufficient to prove that it does not contain nulls"
        );
        names::debug(cx, text);
    }
    let look = &mut |_: &mut ExecContext, batch: &Batch| {
        for n in &asked {
            if (0..batch.rows).any(|r| batch.columns[*n].is_null(r)) {
                let column = &rel.attributes[*n].name;
                let text = format!("column \"{column}\" of relation \"{}\" contains null values", rel.name);
                return Err(Error::new(SqlState::NOT_NULL_VIOLATION, text)
                    .table(rel.schema.clone(), rel.name.clone())
                    .column(column.clone())
                    .place("ATRewriteTable", "tablecmds.c", 5898));
            }
        }
        Ok(())
    };
    if !asked.is_empty() {
        each_batch(cx, &rel, look)?;
    }
    change(cx, table, |c| positions.iter().for_each(|n| c.attributes[*n].not_null = true))
}
