//! Functions of full text search that need a configuration or a dictionary.

mod document;
mod headline;
mod query;
mod rows;

pub(super) use rows::rows;

use super::SystemFn;
use crate::base::{Flow, Oid, Report, Result, Severity, SqlState};
use crate::sql::exec::ExecContext;
use crate::sql::text_search::Kind;
use crate::text_search::dictionary::{Norm, State};
use crate::text_search::{Config, LONGEST_TOKEN};
use crate::types::{Column, Datum, array, oid};
use std::sync::Arc;

type Args<'a, 'b> = &'a [Datum<'b>];

pub(super) fn find(src: &str) -> Option<SystemFn> {
    document::find(src).or_else(|| query::find(src)).or_else(|| headline::find(src)).or(match src {
        "get_current_ts_config" => Some(current),
        "ts_lexize" => Some(lexize),
        _ => None,
    })
}

fn current(cx: &mut ExecContext, _: Args<'_, '_>, out: &mut Column) -> Flow<()> {
    out.push(Datum::U32(cx.backend()?.default_ts_config()?.0));
    Ok(())
}

/// The configuration of a call: that of its first argument, or the default one; and the other arguments.
fn config<'a, 'b>(cx: &mut ExecContext, args: Args<'a, 'b>, named: bool) -> Result<(Arc<Config>, Args<'a, 'b>)> {
    let backend = cx.backend()?;
    let (oid, rest) = match args.split_first() {
        Some((first, rest)) if named => (Oid(first.u32()), rest),
        _ => (backend.default_ts_config()?, args),
    };
    Ok((backend.ts_config(oid)?, rest))
}

/// Tells of tokens that were left out.
fn tell_of_long_tokens(cx: &mut ExecContext, count: usize) {
    for _ in 0..count {
        let detail = format!("Words longer than {} characters are ignored.", LONGEST_TOKEN);
        let report =
            Report::notice(Severity::Notice, SqlState::PROGRAM_LIMIT_EXCEEDED, "word is too long to be indexed");
        cx.notices.push(report.with_detail(detail));
    }
}

/// PostgreSQL 15, dict.c, ts_lexize: a dictionary that wants more is told that there is no more.
fn norms(dictionary: &dyn crate::text_search::Dictionary, token: &str) -> Option<Vec<Norm>> {
    let mut state = State::default();
    let mut found = dictionary.lexize(token, &mut state);
    if state.wants_more {
        state.at_end = true;
        found = dictionary.lexize(token, &mut state).or(found);
    }
    found
}

fn text_array(norms: &[Norm]) -> Vec<u8> {
    array::from_values(oid::TEXT, norms.iter().map(|n| Datum::Bytes(n.text.as_bytes())))
}

fn lexize(cx: &mut ExecContext, args: Args<'_, '_>, out: &mut Column) -> Flow<()> {
    let loaded = cx.backend()?.ts_dictionary(Oid(args[0].u32()))?;
    match norms(&*loaded.dictionary, args[1].str()) {
        Some(found) => out.push(Datum::Bytes(&text_array(&found))),
        None => out.push_null(),
    }
    Ok(())
}

/// The parser of a name or an OID: there is but one.
fn check_parser(cx: &mut ExecContext, parser: Datum<'_>) -> Result<()> {
    match parser {
        Datum::U32(oid) if Oid(oid) == crate::sql::text_search::PARSER => Ok(()),
        Datum::U32(oid) => Err(crate::err!(INTERNAL_ERROR, "cache lookup failed for text search parser {oid}")),
        name => {
            let (schema, plain) = crate::sql::names::schema_and_name(name.str())?;
            let parts: Vec<String> = schema.into_iter().chain([plain]).collect();
            Kind::Parser.named(&cx.backend()?.catalog.clone(), &parts).map(|_| ())
        }
    }
}
