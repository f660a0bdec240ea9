//! LIKE in CREATE TABLE: what a new table takes over from another relation. PostgreSQL 15, parse_utilcmd.c,
//! transformTableLikeClause and expandTableLikeClause.

use super::column::NewColumn;
use super::constraint::{self, Wanted};
use super::statistics;
use super::write::{attribute, class_of, new_oid, put};
use super::{Command, index, names};
use crate::base::{Error, Oid, Result};
use crate::catalog::object::{Comment, class};
use crate::catalog::{ConstraintKind, Index, Object, ObjectKey, RelKind, Relation};
use crate::err;
use crate::sql::ast::LikeOptions;
use crate::sql::exec::ExecContext;

/// The source's columns and checks, before there is a table.
pub fn columns(
    cx: &mut ExecContext,
    source: &Relation,
    options: LikeOptions,
    columns: &mut Vec<NewColumn>,
    wanted: &mut Vec<Wanted>,
) -> Result<()> {
    if !matches!(
        source.kind,
        RelKind::Table | RelKind::View | RelKind::MatView | RelKind::Composite | RelKind::Partitioned
    ) {
        let kinds = names::kind_words(source.kind);
        return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" is invalid in LIKE clause", source.name)
            .detail(format!("This operation is not supported for {kinds}.")));
    }
    match source.kind {
        RelKind::Composite => super::write::check_usable(cx, source.row_type)?,
        _ => crate::sql::exec::rights::check_any(cx.backend()?, source, None, "r")?,
    }
    for a in source.visible_attributes() {
        let mut attribute = attribute(&a.name, columns.len() as i16 + 1, a.ty);
        attribute.not_null = a.not_null;
        attribute.declared.collation = a.declared.collation;
        if options.storage {
            attribute.declared.storage = super::declared::storage_of(a.ty, &a.declared);
        }
        if options.compression {
            attribute.declared.compression = a.declared.compression;
        }
        let generated = a.generated != 0;
        if a.default.is_some() && (generated && options.generated || !generated && options.defaults) {
            attribute.default = a.default.clone();
            attribute.default_oid = new_oid(cx)?;
            attribute.generated = a.generated;
        }
        let identity = match (a.identity, options.identity) {
            (0, _) | (_, false) => None,
            (kind, true) => Some((kind == b'a', Vec::new())),
        };
        columns.push(NewColumn {
            attribute,
            default: None,
            generated: None,
            serial: false,
            identity,
            constraints: Vec::new(),
        });
    }
    if options.constraints {
        for c in &source.constraints {
            if let Some(check) = &c.check {
                wanted.push(Wanted::stored_check(&c.name, check.clone(), c.no_inherit));
            }
        }
    }
    Ok(())
}

/// What needs the new table: indexes, statistics objects, comments.
pub fn complete(
    cmd: &Command,
    cx: &mut ExecContext,
    table: Oid,
    source: &Relation,
    options: LikeOptions,
) -> Result<()> {
    let mut pairs = Vec::new();
    if options.indexes {
        indexes(cmd, cx, table, source, &mut pairs)?;
    }
    if options.statistics {
        statistics(cx, table, source, &mut pairs)?;
    }
    if options.comments {
        let now = class_of(cx, table)?;
        let on = |oid, attno| ObjectKey { class: class::RELATION, oid, sub: i32::from(attno) };
        for a in source.visible_attributes() {
            let to = now.attributes.iter().find(|t| t.name == a.name);
            pairs.extend(to.map(|to| (on(source.oid, a.attno), on(table, to.attno))));
        }
        for k in source.constraints.iter().filter(|k| k.check.is_some() && options.constraints) {
            let to = now.constraints.iter().find(|t| t.name == k.name);
            let key = |oid| ObjectKey::new(class::CONSTRAINT, oid);
            pairs.extend(to.map(|to| (key(k.oid), key(to.oid))));
        }
        comments(cx, pairs)?;
    }
    Ok(())
}

/// Which new object has taken over what.
type Pairs = Vec<(ObjectKey, ObjectKey)>;

fn comments(cx: &mut ExecContext, pairs: Pairs) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for (from, on) in pairs {
        if let Some(text) = catalog.comment(from) {
            put(cx, Object::Comment(Comment { on, text }))?;
        }
    }
    Ok(())
}

/// The source's indexes again, under names of the new table.
fn indexes(cmd: &Command, cx: &mut ExecContext, table: Oid, source: &Relation, pairs: &mut Pairs) -> Result<()> {
    for index in &source.indexes {
        let made = match source.constraints.iter().find(|c| c.index == index.oid && c.foreign.is_none()) {
            Some(c) if c.kind == ConstraintKind::Exclude => super::exclusion::like(cx, table, source, index, c)?,
            Some(c) => {
                let of = |attno: &i16| source.attributes.get(*attno as usize - 1).map(|a| a.name.clone());
                let names: Vec<String> = c.columns.iter().filter_map(of).collect();
                let more = index.columns[index.key_columns..].iter().map(|c| c.attno).collect::<Vec<_>>();
                let including = more.iter().filter_map(of).collect();
                constraint::add_all(cmd, cx, table, vec![Wanted::like_key(c, index, names, including)])?;
                class_of(cx, table)?.constraints.last().map(|k| k.index).unwrap_or_default()
            }
            None => plain_index(cx, table, source, index)?,
        };
        pairs.push((ObjectKey::new(class::RELATION, index.oid), ObjectKey::new(class::RELATION, made)));
    }
    Ok(())
}

fn plain_index(cx: &mut ExecContext, table: Oid, source: &Relation, index: &Index) -> Result<Oid> {
    let now = cx.backend()?.catalog.relation(table)?.ok_or_else(|| Error::internal("the new table is gone"))?;
    let mut columns = index.columns.clone();
    for c in &mut columns {
        let name = source.attributes.get((c.attno as usize).wrapping_sub(1)).map(|a| a.name.as_str());
        if let Some(a) = name.and_then(|n| now.attribute(n)) {
            c.attno = a.attno;
        }
    }
    let parts = index::distinct_names(columns.iter().map(|c| c.name.clone()));
    let name = names::choose(cx, now.namespace, &now.name, &parts.join("_"), "idx", names::For::Relation)?;
    let there = class_of(cx, index.oid)?.tablespace;
    let tablespace = super::tablespace::place(cx, None, there, now.persistence, now.is_partitioned())?;
    let new = index::NewIndex {
        name,
        unique: index.unique,
        primary: false,
        nulls_not_distinct: index.nulls_not_distinct,
        columns,
        key_columns: index.key_columns,
        predicate: index.predicate.clone(),
        options: index.options.clone(),
        constraint: Oid::INVALID,
        parent: Oid::INVALID,
        only: false,
        method: index.method,
        exclusion: Vec::new(),
        tablespace,
    };
    index::create_object(cx, &now, new)
}

/// The source's statistics objects again, about the columns of the same names.
fn statistics(cx: &mut ExecContext, table: Oid, source: &Relation, pairs: &mut Pairs) -> Result<()> {
    let now = class_of(cx, table)?;
    for mut s in statistics::of_table(&cx.backend()?.catalog.clone(), source.oid) {
        let from = s.oid;
        let named: Vec<&str> =
            s.columns.iter().filter_map(|n| Some(source.attributes.get(*n as usize - 1)?.name.as_str())).collect();
        let parts: Vec<&str> = named.iter().copied().chain(s.exprs.iter().map(|_| "expr")).collect();
        s.name = statistics::choose_name(cx, now.namespace, &now.name, &parts)?;
        s.columns = now.attributes.iter().filter(|a| named.contains(&a.name.as_str())).map(|a| a.attno).collect();
        (s.oid, s.table, s.namespace, s.target) = (new_oid(cx)?, table, now.namespace, -1);
        s.owner = cx.backend()?.user.current;
        pairs.push((ObjectKey::new(class::STATISTIC_EXT, from), ObjectKey::new(class::STATISTIC_EXT, s.oid)));
        put(cx, Object::Statistics(s))?;
    }
    Ok(())
}
