//! Which columns and other things rules name, of their own table by OLD and NEW, and of others in their actions.

use super::rename_rules::{Reader, bound};
use super::write::relation_key;
use crate::base::{Error, Oid, Result};
use crate::catalog::object::class;
use crate::catalog::{Relation, Rule};
use crate::sql::bind::{self, Names, reads_of_condition, reads_of_rule};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Found, of_expression, of_queries};
use crate::types::IoContext;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Reader {
    /// What its condition and its actions refer to. PostgreSQL 15, rewriteDefine.c, InsertRule: of the rule's table the
    /// columns that the actions read of OLD and NEW, or else the whole; a NOTIFY reads nothing.
    pub fn refers(&self) -> Found {
        let actions: Vec<bind::Query> = self.actions.iter().flatten().cloned().collect();
        let mut found = of_queries(&actions);
        let read: BTreeSet<i16> =
            actions.into_iter().flat_map(|mut q| reads_of_rule(&mut q, 1)).map(|(_, attno)| attno).collect();
        if read.is_empty() && (self.actions.is_empty() || self.actions.iter().any(Option::is_some)) {
            found.insert((class::RELATION, self.table, 0));
        }
        if let Some(condition) = &self.condition {
            found.extend(
                of_expression(condition, self.table)
                    .into_iter()
                    .filter(|f| f.0 != class::RELATION || f.1 != self.table),
            );
            let read = reads_of_condition(&mut condition.clone());
            found.extend(read.into_iter().map(|(_, attno)| (class::RELATION, self.table, i32::from(attno))));
        }
        found.extend(read.into_iter().map(|attno| (class::RELATION, self.table, i32::from(attno))));
        found
    }
}

/// What a rule refers to; None for one that cannot be bound.
pub fn refers(names: &dyn Names, io: &IoContext, table: &Arc<Relation>, rule: &Rule) -> Option<Found> {
    bound(names, io, table, rule).ok().map(|reader| reader.refers())
}

/// The rules that read or write a column, with their tables.
pub fn using(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<Vec<(Oid, Rule)>> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let mut found = Vec::new();
    let mut add = |c: &crate::catalog::object::Class| -> Result<()> {
        for r in &c.rules {
            let by_row = c.oid == table && r.columns.contains(&attno);
            let named = c.oid == table || r.depends.iter().any(|d| d.on == relation_key(table));
            let refers = || -> Result<bool> {
                let rel = catalog.relation(c.oid)?.ok_or_else(|| Error::internal("a rule without its table"))?;
                // One that cannot be bound is broken already.
                let refers = refers(&*catalog, &io, &rel, r);
                Ok(refers.is_some_and(|f| f.contains(&(class::RELATION, table, i32::from(attno)))))
            };
            if by_row || named && refers()? {
                found.push((c.oid, r.clone()));
            }
        }
        Ok(())
    };
    add(&super::write::class_of(cx, table)?)?;
    for record in catalog.mentioning(class::RELATION, table) {
        match record.object.as_class() {
            Ok(c) if c.oid != table => add(c)?,
            _ => {}
        }
    }
    found.sort_by_key(|(_, r)| r.oid);
    Ok(found)
}
