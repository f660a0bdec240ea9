//! Networks, by the first and the last of their addresses.

use super::interval::{self, Relation, Span};
use super::{Answer, Class, Query};
use crate::base::{Error, Result};
use crate::types::inet::Inet;
use crate::types::{Datum, TypeRef};

#[derive(Debug)]
pub struct Networks;

#[derive(Debug)]
struct NetworkQuery {
    relation: Relation,
    span: Span,
}

fn span_of(value: Datum<'_>) -> Span {
    let Datum::Bytes(b) = value else { return Span::default() };
    let net = Inet::from_bytes(b);
    let end = |n: u128| {
        let mut bytes = vec![u8::from(!net.address.is_ipv4())];
        bytes.extend_from_slice(&n.to_be_bytes());
        bytes
    };
    let (first, last) = (net.number() & net.mask(), net.number() | !net.mask());
    Span::new(interval::before(&end(first)), interval::behind(&end(last)))
}

impl Class for Networks {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        span_of(value).to_key(super::ROOM)
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

    /// PostgreSQL 15, network_gist.c: strategies. A network that is less than another one begins no later.
    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let relation = match strategy {
            3 => Relation::Overlaps,
            18 => Relation::Equals,
            19 => Relation::Differs,
            20 | 21 => Relation::BeginsBy,
            // It ends behind where the other one begins: see below.
            22 | 23 => Relation::After,
            24 | 25 => Relation::ContainedBy,
            26 | 27 => Relation::Contains,
            _ => return Err(Error::internal(format!("unknown strategy {strategy}"))),
        };
        let mut span = span_of(value);
        if let (Relation::After, Some(ends)) = (relation, &mut span.ends) {
            ends.1 = ends.0.clone();
        }
        Ok(Box::new(NetworkQuery { relation, span }))
    }
}

impl Query for NetworkQuery {
    /// The address behind the netmask is not in the key.
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        self.relation.ask(key, &self.span, leaf, true)
    }
}
