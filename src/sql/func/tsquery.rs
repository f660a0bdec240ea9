//! Functions of `tsquery` that need no text search configuration, and matching.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::types::tsquery::{Query, parse};
use crate::types::tsvector::read;
use crate::types::{Column, Datum};

type Args<'a, 'b> = &'a [Datum<'b>];

fn query(args: Args<'_, '_>, n: usize) -> Result<Option<Query>> {
    parse(args[n].str())
}

fn push(out: &mut Column, query: Option<Query>) -> Result<()> {
    let mut text = Vec::new();
    if let Some(q) = query {
        q.write(&mut text);
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}

fn vector_matches(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let found = match query(args, 1)? {
        Some(q) => q.matches(&read(args[0].bytes()))?,
        None => false,
    };
    out.push(Datum::Bool(found));
    Ok(())
}

fn query_matches(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    vector_matches(cx, &[args[1], args[0]], out)
}

/// Two queries under an operator; an empty one counts for nothing.
fn both(args: Args<'_, '_>, out: &mut Column, join: fn(Box<Query>, Box<Query>) -> Query) -> Result<()> {
    let joined = match (query(args, 0)?, query(args, 1)?) {
        (Some(a), Some(b)) => Some(join(Box::new(a), Box::new(b))),
        (a, b) => a.or(b),
    };
    push(out, joined)
}

fn and(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    both(args, out, Query::And)
}

fn or(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    both(args, out, Query::Or)
}

fn phrase(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    both(args, out, |a, b| Query::Phrase(a, b, 1))
}

fn not(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, query(args, 0)?.map(|q| Query::Not(Box::new(q))))
}

fn nodes(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(query(args, 0)?.map_or(0, |q| q.nodes() as i32)));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("ts_match_vq", Scalar(vector_matches)),
    ("ts_match_qv", Scalar(query_matches)),
    ("tsquery_and", Scalar(and)),
    ("tsquery_or", Scalar(or)),
    ("tsquery_phrase", Scalar(phrase)),
    ("tsquery_not", Scalar(not)),
    ("tsquery_numnode", Scalar(nodes)),
];
