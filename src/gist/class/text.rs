//! Documents, by their lexemes, and queries, by theirs. What is found is always asked again.

use super::sign::{Form, number};
use super::{Answer, Class, Query, maybe};
use crate::base::{Error, Result};
use crate::types::tsquery::{self, Query as Asked};
use crate::types::{Datum, TypeRef, tsvector};

/// PostgreSQL 15, tsgistidx.c, SIGLEN_DEFAULT.
const SIGNATURE: usize = 124;

#[derive(Debug)]
pub struct Documents(Form);

impl Documents {
    pub fn new(room: usize) -> Documents {
        Documents(Form::new(SIGNATURE, room))
    }
}

fn parsed(value: Datum<'_>) -> Result<Option<Asked>> {
    match value {
        Datum::Bytes(b) => tsquery::parse(std::str::from_utf8(b).unwrap_or_default()),
        _ => Err(Error::internal("a question that is no query")),
    }
}

impl Class for Documents {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        let Datum::Bytes(b) = value else { return self.0.of(Vec::new()) };
        self.0.of(tsvector::read(b).iter().map(|l| number(&l.text)).collect())
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        self.0.union(a, b)
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        self.0.penalty(key, new)
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        self.0.split(keys)
    }

    fn query(&self, _: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        Ok(Box::new(DocumentQuery { form: self.0, query: parsed(value)? }))
    }
}

#[derive(Debug)]
struct DocumentQuery {
    form: Form,
    query: Option<Asked>,
}

/// Whether a document that may have the lexemes the key tells of may fulfil the query.
fn possible(query: &Asked, has: &dyn Fn(&str) -> bool) -> bool {
    match query {
        Asked::Value { text, prefix, .. } => *prefix || has(text),
        Asked::Not(_) => true,
        Asked::And(a, b) | Asked::Phrase(a, b, _) => possible(a, has) && possible(b, has),
        Asked::Or(a, b) => possible(a, has) || possible(b, has),
    }
}

impl Query for DocumentQuery {
    fn consistent(&self, key: &[u8], _: bool) -> Answer {
        let has = |text: &str| self.form.may_have(key, number(text));
        maybe(self.query.as_ref().is_some_and(|q| possible(q, &has)))
    }
}

/// Queries: a key is 64 bits, one for each lexeme's number modulo 64.
#[derive(Debug)]
pub struct Queries;

fn sign(value: Datum<'_>) -> u64 {
    let query = parsed(value).ok().flatten();
    let of = |q: &&Asked| if let Asked::Value { text, .. } = q { 1 << (number(text) % 64) } else { 0 };
    query.map_or(0, |q| q.operands().iter().fold(0, |sum, v| sum | of(v)))
}

fn read(key: &[u8]) -> u64 {
    key.first_chunk::<8>().map_or(u64::MAX, |b| u64::from_le_bytes(*b))
}

impl Class for Queries {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        sign(value).to_le_bytes().to_vec()
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        (read(a) | read(b)).to_le_bytes().to_vec()
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        f64::from((read(new) & !read(key)).count_ones())
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        super::divide(keys.len(), |n| read(keys[n]) as f64, |_, _| 0.0)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        Ok(Box::new(QueryQuery { contains: strategy == 7, sign: sign(value) }))
    }
}

#[derive(Debug)]
struct QueryQuery {
    contains: bool,
    sign: u64,
}

impl Query for QueryQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        let key = read(key);
        maybe(match (self.contains, leaf) {
            (true, _) => key & self.sign == self.sign,
            (false, true) => key & !self.sign == 0,
            // A query without lexemes may be below.
            (false, false) => true,
        })
    }
}
