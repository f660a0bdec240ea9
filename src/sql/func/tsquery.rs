//! Functions of `tsquery` that need no text search configuration, matching and ranking.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::err;
use crate::text_search::rank;
use crate::types::array::Array;
use crate::types::tsquery::{Query, Rewriting, parse};
use crate::types::tsvector::{Lexeme, read};
use crate::types::{Column, Datum};
use hashbrown::HashSet;

const MAX_DISTANCE: i32 = 16384;

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
        Some(q) => q.matches(&read(args[0].bytes())),
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

/// PostgreSQL 15, tsquery_op.c, tsquery_phrase_distance.
fn phrase_distance(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let distance = args[2].i32();
    if !(0..=MAX_DISTANCE).contains(&distance) {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "distance in phrase operator must be an integer value between zero and {MAX_DISTANCE} inclusive"
        ));
    }
    let joined = match (query(args, 0)?, query(args, 1)?) {
        (Some(a), Some(b)) => Some(Query::Phrase(Box::new(a), Box::new(b), distance as u16)),
        (a, b) => a.or(b),
    };
    push(out, joined)
}

fn tree(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut text = Vec::new();
    if let Some(q) = query(args, 0)? {
        match q.without_not() {
            Some(q) => q.write(&mut text),
            None => text.push(b'T'),
        }
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}

fn rewrite(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (Some(q), Some(sample)) = (query(args, 0)?, query(args, 1)?) else {
        out.push(args[0]);
        return Ok(());
    };
    let mut rewriting = Rewriting::new(&q);
    rewriting.replace(&sample, query(args, 2)?.as_ref());
    push(out, rewriting.finish())
}

/// The lexemes of a query, each once.
fn lexemes(query: Option<&Query>) -> HashSet<String> {
    let text = |q: &Query| if let Query::Value { text, .. } = q { text.clone() } else { String::new() };
    query.map(|q| q.operands().into_iter().map(text).collect()).unwrap_or_default()
}

fn contains(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (all, some) = (lexemes(query(args, 0)?.as_ref()), lexemes(query(args, 1)?.as_ref()));
    out.push(Datum::Bool(some.is_subset(&all)));
    Ok(())
}

fn contained(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    contains(cx, &[args[1], args[0]], out)
}

/// The weights of D, C, B and A that an array gives.
fn weights(array: &[u8]) -> Result<[f32; 4]> {
    let array = Array::new(array);
    if array.dims.len() != 1 {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "array of weight must be one-dimensional"));
    }
    let given: Vec<Datum<'_>> = array.iter().collect();
    if given.len() < 4 {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "array of weight is too short"));
    }
    if given.iter().any(|d| d.is_null()) {
        return Err(err!(NULL_VALUE_NOT_ALLOWED, "array of weight must not contain nulls"));
    }
    let mut out = rank::WEIGHTS;
    for (slot, d) in out.iter_mut().zip(given) {
        let w = d.f32();
        if w >= 0.0 {
            *slot = w;
        }
        if *slot > 1.0 {
            return Err(err!(INVALID_PARAMETER_VALUE, "weight out of range"));
        }
    }
    Ok(out)
}

type Rank = fn([f32; 4], &[Lexeme], &Query, i32) -> f32;

fn ranked(args: Args<'_, '_>, weighed: bool, rank: Rank, out: &mut Column) -> Result<()> {
    let (weights, args) = match args.split_first() {
        Some((first, rest)) if weighed => (weights(first.bytes())?, rest),
        _ => (rank::WEIGHTS, args),
    };
    let method = args.get(2).map_or(0, |d| d.i32());
    let found = match query(args, 1)? {
        Some(q) => rank(weights, &read(args[0].bytes()), &q, method),
        None => 0.0,
    };
    out.push(Datum::F32(found));
    Ok(())
}

fn rank_of(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    ranked(args, false, rank::rank, out)
}

fn rank_with_weights(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    ranked(args, true, rank::rank, out)
}

fn density_of(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    ranked(args, false, rank::cover_density, out)
}

fn density_with_weights(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    ranked(args, true, rank::cover_density, out)
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
    ("tsquery_phrase_distance", Scalar(phrase_distance)),
    ("tsquerytree", Scalar(tree)),
    ("tsquery_rewrite", Scalar(rewrite)),
    ("tsq_mcontains", Scalar(contains)),
    ("tsq_mcontained", Scalar(contained)),
    ("ts_rank_tt", Scalar(rank_of)),
    ("ts_rank_ttf", Scalar(rank_of)),
    ("ts_rank_wtt", Scalar(rank_with_weights)),
    ("ts_rank_wttf", Scalar(rank_with_weights)),
    ("ts_rankcd_tt", Scalar(density_of)),
    ("ts_rankcd_ttf", Scalar(density_of)),
    ("ts_rankcd_wtt", Scalar(density_with_weights)),
    ("ts_rankcd_wttf", Scalar(density_with_weights)),
];
