//! Ranges, by their ends; multiranges, by the range from their first end to their last one.

use super::interval::{self, Relation, Span};
use super::{Answer, Class, Query};
use crate::base::{Error, Result};
use crate::types::range::{Bound, Multirange, Range};
use crate::types::{Datum, TypeRef, base_type, info, key};

#[derive(Debug)]
pub struct Ranges {
    pub room: usize,
    pub multi: bool,
    /// The type of the bounds, with what it is ordered by.
    pub sub: TypeRef,
}

#[derive(Debug)]
struct RangeQuery {
    relation: Relation,
    span: Span,
    lossy: bool,
}

fn end(sub: TypeRef, bound: &Bound<'_>) -> Vec<u8> {
    if bound.infinite() {
        return if bound.lower { interval::start() } else { interval::end() };
    }
    let mut bytes = Vec::new();
    key::encode(sub, bound.value, &mut bytes);
    if bound.lower == bound.inclusive { interval::before(&bytes) } else { interval::behind(&bytes) }
}

fn span_of(range: &Range<'_>) -> Span {
    match range.empty {
        false => Span::new(end(range.sub(), &range.lower), end(range.sub(), &range.upper)),
        true => Span::default(),
    }
}

/// PostgreSQL 15, stratnum.h and rangetypes_gist.c.
fn relation(strategy: i16) -> Option<Relation> {
    Some(match strategy {
        1 => Relation::Before,
        2 => Relation::OverLeft,
        3 => Relation::Overlaps,
        4 => Relation::OverRight,
        5 => Relation::After,
        6 => Relation::Adjacent,
        7 | 16 => Relation::Contains,
        8 => Relation::ContainedBy,
        18 => Relation::Equals,
        _ => return None,
    })
}

impl Class for Ranges {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        let Datum::Bytes(b) = value else { return Span::default().to_key(self.room) };
        let range = if self.multi { Multirange::new(b).span() } else { Range::new(b) };
        span_of(&range).to_key(self.room)
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        interval::union(a, b)
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        interval::penalty(key, new)
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        interval::split(keys)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, ty: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let relation = relation(strategy).ok_or_else(|| Error::internal(format!("unknown strategy {strategy}")))?;
        let kind = info(base_type(ty.oid)).map_or(0, |i| i.kind);
        let (span, lossy) = match (value, kind) {
            _ if strategy == 16 => {
                let mut bytes = Vec::new();
                key::encode(self.sub, value, &mut bytes);
                (Span::of_value(&bytes), false)
            }
            (Datum::Bytes(b), b'm') => (span_of(&Multirange::new(b).span()), true),
            (Datum::Bytes(b), _) => (span_of(&Range::new(b)), false),
            _ => return Err(Error::internal("a question that is no range")),
        };
        // Whether discrete ranges touch is best told by their own operator.
        let lossy = lossy || self.multi || relation == Relation::Adjacent;
        Ok(Box::new(RangeQuery { relation, span, lossy }))
    }
}

impl Query for RangeQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        self.relation.ask(key, &self.span, leaf, self.lossy)
    }
}
