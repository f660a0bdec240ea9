//! Rows that are there when a foreign key is added, or validated.

use super::{Reference, newest, positions, words};
use crate::base::{Flow, Oid};
use crate::catalog::{Attribute, Relation};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::{Nested, nested};
use crate::types::context::TypeHooks;
use crate::types::name::quote_identifier;
use crate::types::{base_type, info, oid};
use std::sync::Arc;

fn qualified(rel: &Relation) -> String {
    let only = if rel.is_partitioned() { "" } else { "ONLY " };
    format!("{only}{}.{}", quote_identifier(&rel.schema), quote_identifier(&rel.name))
}

/// One query for all rows (PostgreSQL 15, RI_Initial_Check: same query).
pub struct Validation {
    reference: Arc<Reference>,
    nested: Option<Nested>,
}

/// What a column is ordered by; none where its type has no collations.
fn collation_of(a: &Attribute) -> Oid {
    let of_type = info(base_type(a.ty.oid)).map_or(Oid::INVALID, |i| i.collation);
    match a.declared.collation.is_valid() && of_type.is_valid() {
        true => a.declared.collation,
        false => of_type,
    }
}

impl Validation {
    pub fn new(reference: Arc<Reference>) -> Validation {
        Validation { reference, nested: None }
    }

    fn text(&self, hooks: &dyn TypeHooks) -> String {
        let r = &*self.reference;
        let child = r.child_columns();
        let name = |n: usize| quote_identifier(&r.parent.attributes[n].name);
        let parent: Vec<String> = positions(&r.foreign.columns).map(name).collect();
        let list: Vec<String> = child.iter().map(|c| format!("fk.{c}")).collect();
        // Where the columns are ordered differently the referenced one decides (ri_GenerateQualCollation).
        let ordered = |rel: &Relation, n: usize| rel.attributes.get(n).map_or(Oid::INVALID, collation_of);
        let both = positions(&r.foreign.columns).zip(positions(&r.constraint.columns));
        let orders = both.map(|(p, c)| match (ordered(&r.parent, p), ordered(&r.child, c)) {
            (p, c) if p.is_valid() && c.is_valid() && p != c => {
                hooks.reg_out(oid::REGCOLLATION, p).map_or(String::new(), |name| format!(" COLLATE {name}"))
            }
            _ => String::new(),
        });
        let on: Vec<String> = (child.iter().zip(&parent).zip(&r.equal).zip(orders))
            .map(|(((c, p), e), order)| format!("pk.{p} OPERATOR({e}) fk.{c}{order}"))
            .collect();
        let given: Vec<String> = child.iter().map(|c| format!("fk.{c} IS NOT NULL")).collect();
        format!(
            "SELECT {} FROM {} fk LEFT OUTER JOIN {} pk ON ({}) WHERE pk.{} IS NULL AND ({}) LIMIT 1",
            list.join(", "),
            qualified(&r.child),
            qualified(&r.parent),
            on.join(" AND "),
            parent.first().map_or("", String::as_str),
            given.join(if r.foreign.match_type == b'f' { " OR " } else { " AND " })
        )
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.nested.is_none() {
            let plan = nested::plan(cx, &self.text(&*cx.fx.io.hooks.clone()), Vec::new())?;
            let snapshot = newest(cx)?;
            self.nested = Some(Nested::start(cx, plan, Arc::from([]), snapshot, None)?);
        }
        let Some(nested) = &mut self.nested else { return Ok(()) };
        let Some(batch) = nested.next(cx)? else { return Ok(()) };
        let e = match batch.columns.iter().any(|c| c.is_null(0)) {
            true => words::mixed(&self.reference),
            false => words::not_present(cx, &self.reference, &batch.columns, 0),
        };
        Err(e.into())
    }
}

/// Rows of a partition that leaves its table, which nobody may refer to (PostgreSQL 15, RI_PartitionRemove_Check).
pub struct Leaving {
    /// Of the table, for rows of the partition.
    reference: Reference,
    part: Arc<Relation>,
    nested: Option<Nested>,
}

impl Leaving {
    pub fn new(reference: Reference, part: Arc<Relation>) -> Leaving {
        Leaving { reference, part, nested: None }
    }

    fn text(&self) -> String {
        let r = &self.reference;
        let child = r.child_columns();
        let name = |n: usize| quote_identifier(&self.part.attributes[n].name);
        let parent: Vec<String> = positions(&r.noted).map(name).collect();
        let list: Vec<String> = child.iter().map(|c| format!("fk.{c}")).collect();
        let on: Vec<String> =
            child.iter().zip(&parent).zip(&r.equal).map(|((c, p), e)| format!("pk.{p} OPERATOR({e}) fk.{c}")).collect();
        format!(
            "SELECT {} FROM {} fk JOIN {} pk ON ({}) LIMIT 1",
            list.join(", "),
            qualified(&r.child),
            qualified(&self.part),
            on.join(" AND ")
        )
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if self.nested.is_none() {
            let plan = nested::plan(cx, &self.text(), Vec::new())?;
            let snapshot = newest(cx)?;
            self.nested = Some(Nested::start(cx, plan, Arc::from([]), snapshot, None)?);
        }
        let Some(nested) = &mut self.nested else { return Ok(()) };
        let Some(batch) = nested.next(cx)? else { return Ok(()) };
        Err(words::leaves(cx, &self.reference, &self.part, &batch.columns, 0).into())
    }
}
