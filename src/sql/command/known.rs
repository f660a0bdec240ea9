//! What a kept text means by the names in it, kept with the text: PostgreSQL keeps numbers instead of names.

use crate::base::{Oid, Result};
use crate::catalog::object::{Depend, class};
use crate::catalog::{Catalog, Kept, Known, Relation};
use crate::sql::bind::{Query, Source};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::base_type;
use std::collections::BTreeSet;

/// The relations that a text reads or writes, and those whose rows it has as values.
#[derive(Default)]
pub struct Reads {
    relations: BTreeSet<Oid>,
    row_types: BTreeSet<Oid>,
}

impl Reads {
    pub fn relation(&mut self, oid: Oid) {
        self.relations.insert(oid);
    }

    /// What a text depends on.
    pub fn depends(&mut self, depends: &[Depend]) {
        self.relations.extend(depends.iter().filter(|d| d.on.class == class::RELATION).map(|d| d.on.oid));
    }

    /// The values in what a query's text says itself.
    pub fn query(&mut self, query: &mut Query) {
        for rel in query.rels.iter().filter(|r| r.view.is_none()) {
            if let Source::Function { calls, .. } = &rel.source {
                calls.iter().for_each(|c| self.value(c.ty.oid));
            }
        }
        query.for_each_written_query_mut(&mut |q| self.query(q));
        query.for_each_expr_mut(&mut |e| self.expression(e));
    }

    pub fn expression(&mut self, e: &mut Expr) {
        self.value(e.ty.oid);
        if let ExprKind::SubLink(link) = &mut e.kind {
            self.query(&mut link.query);
        }
        e.for_each_child_mut(&mut |e| self.expression(e));
    }

    fn value(&mut self, typ: Oid) {
        self.row_types.extend(Some(base_type(typ)).filter(|t| *t >= Oid::FIRST_NORMAL));
    }

    /// How a text that is written now is kept: along the search path of now, with all of these as they are now.
    /// `temporary`: it reads something temporary.
    pub fn kept(self, cx: &mut ExecContext, temporary: bool) -> Result<Kept> {
        let search_path = cx.backend()?.catalog.kept_path(temporary);
        Ok(Kept { search_path, reads: self.known(cx)? })
    }

    /// The same of a text that was written out anew.
    pub fn kept_again(self, cx: &mut ExecContext, before: &Kept) -> Result<Kept> {
        let temporary = before.search_path.iter().any(|n| n == "pg_temp");
        self.kept(cx, temporary)
    }

    fn known(mut self, cx: &mut ExecContext) -> Result<Vec<Known>> {
        let catalog = cx.backend()?.catalog.clone();
        self.relations.extend(self.row_types.iter().filter_map(|t| catalog.class_of_row_type(*t)));
        let mut known = Vec::new();
        for oid in self.relations {
            if let Some(relation) = catalog.relation(oid)? {
                known.push(as_it_is(&catalog, &relation)?);
            }
        }
        Ok(known)
    }
}

fn as_it_is(catalog: &Catalog, relation: &Relation) -> Result<Known> {
    let columns = relation.attributes.iter().filter(|a| !a.dropped);
    Ok(Known {
        oid: relation.oid,
        row_type: relation.row_type,
        schema: relation.schema.clone(),
        name: relation.name.clone(),
        plain: catalog.class_oid_by_name(None, &relation.name)? == Some(relation.oid),
        columns: columns.map(|a| (a.attno, a.name.clone())).collect(),
    })
}
