//! Which fields a value of type `record` has, followed to where the row was made. PostgreSQL 15, parse_target.c,
//! expandRecordVariable: same rule.

use super::Binder;
use super::query::{Cte, Query, Rel, Source};
use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind, SubPlanKind};
use crate::types::context::Field;
use crate::types::{self, TypeRef, oid};

/// The fields' names and types.
pub(super) type Fields = Vec<(String, TypeRef)>;

/// What the variables of one query level mean.
#[derive(Clone, Copy)]
pub(super) struct Level<'a> {
    pub rels: &'a [Rel],
    pub ctes: &'a [Cte],
}

impl<'a> Level<'a> {
    pub fn of(query: &'a Query) -> Level<'a> {
        Level { rels: &query.rels, ctes: &query.ctes }
    }
}

/// The fields of a value of a composite type, as far as they are known. `levels`: from the outermost query to the one
/// that `e` belongs to; `composite`: the fields of a type that has a name.
pub(super) fn fields(e: &Expr, levels: &[Level], composite: &dyn Fn(Oid) -> Option<Fields>) -> Option<Fields> {
    let base = types::base_type(e.ty.oid);
    if base != oid::RECORD
        && let Some(fields) = composite(base)
    {
        return Some(fields);
    }
    match &e.kind {
        ExprKind::Row { fields: of, names } => Some(names.iter().cloned().zip(of.iter().map(|f| f.ty)).collect()),
        ExprKind::Written { arg, .. } => fields(arg, levels, composite),
        ExprKind::Func { func, args, .. } | ExprKind::SetReturning { func, args } => {
            super::from::out_columns(func, args)
        }
        ExprKind::Var { rel, attno, levels_up } => {
            let outer = &levels[..levels.len().checked_sub(*levels_up)?];
            let column = usize::try_from(*attno).ok()?.checked_sub(1)?;
            match &outer.last()?.rels.get(*rel)?.source {
                Source::Subquery(q) => column_fields(q, column, outer, composite),
                Source::Cte { index, levels_up } => {
                    let home = &outer[..outer.len().checked_sub(*levels_up)?];
                    column_fields(&home.last()?.ctes.get(*index)?.query, column, home, composite)
                }
                _ => None,
            }
        }
        ExprKind::SubLink(l) if l.kind == SubPlanKind::Scalar => column_fields(&l.query, 0, levels, composite),
        _ => None,
    }
}

/// Those of an output column of a query that stands inside of the last of `outer`.
fn column_fields(
    query: &Query,
    column: usize,
    outer: &[Level],
    composite: &dyn Fn(Oid) -> Option<Fields>,
) -> Option<Fields> {
    let target = query.output().nth(column)?;
    fields(&target.expr, &[outer, &[Level::of(query)]].concat(), composite)
}

impl Binder<'_, '_> {
    /// The fields of a value of a composite type, as far as they are known.
    pub(super) fn fields_of(&self, e: &Expr) -> Option<Fields> {
        let levels: Vec<Level> = self.scopes.iter().map(|s| Level { rels: &s.rels, ctes: &s.ctes }).collect();
        fields(e, &levels, &|ty| Some(self.fields_known(ty, self.cx.io.hooks.composite(ty)?)))
    }

    /// The fields of a row type, as the text that is being bound knows them: without a name where they came later.
    pub(super) fn fields_known(&self, row_type: Oid, fields: Vec<Field>) -> Fields {
        let known = self.cx.names.known_row(row_type);
        let known = known.and_then(|k| Some((k, self.cx.names.relation(k.oid)?)));
        let Some((known, relation)) = known else { return fields.into_iter().map(|f| (f.name, f.typ)).collect() };
        let there = relation.attributes.iter().filter(|a| !a.dropped);
        let name = |attno| known.column(attno).unwrap_or_default().to_owned();
        there.zip(fields).map(|(a, f)| (name(a.attno), f.typ)).collect()
    }
}
