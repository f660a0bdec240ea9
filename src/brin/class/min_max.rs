//! Values that have an order, by the least and the greatest of them.

use crate::base::{Error, Result};
use crate::gist::interval::{self, Relation, Span};
use crate::gist::{Answer, Class, Query};
use crate::types::datetime::civil::USECS_PER_DAY;
use crate::types::{Datum, TypeRef, base_type, key, oid};

#[derive(Debug)]
pub struct MinMax {
    /// The type, with what its texts are ordered by.
    pub ty: TypeRef,
    pub room: usize,
}

/// A date as the timestamp at its beginning; beyond those there are, next to the infinite ones.
fn midnight(days: i32) -> i64 {
    match days {
        i32::MIN => i64::MIN,
        i32::MAX => i64::MAX,
        days => {
            i64::from(days).checked_mul(USECS_PER_DAY).map_or(if days < 0 { i64::MIN + 1 } else { i64::MAX - 1 }, |v| v)
        }
    }
}

impl MinMax {
    /// A value of the column's type, or of another one in its family, as bytes in the family's order.
    pub fn key(&self, value: Datum<'_>, ty: TypeRef) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (ty, value) = match (base_type(ty.oid), value) {
            (oid::INT2, Datum::I16(v)) => (TypeRef::of(oid::INT8), Datum::I64(v.into())),
            (oid::INT4, Datum::I32(v)) => (TypeRef::of(oid::INT8), Datum::I64(v.into())),
            (oid::DATE, Datum::I32(v)) => (TypeRef::of(oid::TIMESTAMP), Datum::I64(midnight(v))),
            // Texts are ordered as the column's.
            (_, Datum::Bytes(_)) => (self.ty, value),
            _ => (ty, value),
        };
        key::encode(ty, value, &mut bytes);
        bytes
    }

    pub fn span(&self, value: Datum<'_>) -> Vec<u8> {
        Span::of_value(&self.key(value, self.ty)).to_key(self.room)
    }

    /// PostgreSQL 15, stratnum.h: the B-tree's strategies.
    pub fn question(&self, strategy: i16, value: Datum<'_>, ty: TypeRef) -> Result<(Relation, Span)> {
        let relation = match strategy {
            1 => Relation::Before,
            2 => Relation::OverLeft,
            3 => Relation::Equals,
            4 => Relation::OverRight,
            5 => Relation::After,
            _ => return Err(Error::internal(format!("unknown strategy {strategy}"))),
        };
        Ok((relation, Span::of_value(&self.key(value, ty))))
    }
}

#[derive(Debug)]
struct MinMaxQuery {
    relation: Relation,
    span: Span,
}

impl Class for MinMax {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        self.span(value)
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        interval::union(a, b)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, ty: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let (relation, span) = self.question(strategy, value, ty)?;
        Ok(Box::new(MinMaxQuery { relation, span }))
    }
}

impl Query for MinMaxQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        self.relation.ask(key, &self.span, leaf, false)
    }
}
