//! Which fields a value of type `record` has, followed to where the row was made. PostgreSQL 15, parse_target.c,
//! expandRecordVariable: same rule.

use super::Binder;
use super::query::{Cte, Query, Rel, Source};
use crate::sql::expr::{Expr, ExprKind, SubPlanKind};
use crate::types::{self, TypeRef, oid};

/// The fields' names and types.
pub(super) type Fields = Vec<(String, TypeRef)>;

/// What the variables of one query level mean.
#[derive(Clone, Copy)]
struct Level<'a> {
    rels: &'a [Rel],
    ctes: &'a [Cte],
}

impl Binder<'_, '_> {
    /// The fields of a value of a composite type, as far as they are known.
    pub(super) fn fields_of(&self, e: &Expr) -> Option<Fields> {
        let levels: Vec<Level> = self.scopes.iter().map(|s| Level { rels: &s.rels, ctes: &s.ctes }).collect();
        self.fields_within(e, &levels)
    }

    /// `levels`: from the outermost query to the one that `e` belongs to.
    fn fields_within(&self, e: &Expr, levels: &[Level]) -> Option<Fields> {
        if let ExprKind::Row { fields, names } = &e.kind {
            return Some(names.iter().cloned().zip(fields.iter().map(|f| f.ty)).collect());
        }
        if e.ty.oid != oid::RECORD {
            let base = types::base_type(e.ty.oid);
            let fields = self.cx.io.hooks.composite(base)?;
            return Some(fields.into_iter().map(|f| (f.name, f.typ)).collect());
        }
        match &e.kind {
            ExprKind::Written { arg, .. } => self.fields_within(arg, levels),
            ExprKind::Func { func, args, .. } | ExprKind::SetReturning { func, args } => {
                super::from::out_columns(func, args)
            }
            ExprKind::Var { rel, attno, levels_up } => {
                let outer = &levels[..levels.len().checked_sub(*levels_up)?];
                let column = usize::try_from(*attno).ok()?.checked_sub(1)?;
                match &outer.last()?.rels.get(*rel)?.source {
                    Source::Subquery(q) => self.column_fields(q, column, outer),
                    Source::Cte { index, levels_up } => {
                        let home = &outer[..outer.len().checked_sub(*levels_up)?];
                        self.column_fields(&home.last()?.ctes.get(*index)?.query, column, home)
                    }
                    _ => None,
                }
            }
            ExprKind::SubLink(l) if l.kind == SubPlanKind::Scalar => self.column_fields(&l.query, 0, levels),
            _ => None,
        }
    }

    /// Those of an output column of a query that stands inside of the last of `outer`.
    fn column_fields(&self, query: &Query, column: usize, outer: &[Level]) -> Option<Fields> {
        let target = query.output().nth(column)?;
        let inner = Level { rels: &query.rels, ctes: &query.ctes };
        self.fields_within(&target.expr, &[outer, &[inner]].concat())
    }
}
