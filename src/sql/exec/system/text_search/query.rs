//! `to_tsquery` and its kin.

use super::{Args, SystemFn, config, tell_of_long_tokens};
use crate::base::{Error, Flow, Report, Severity, SqlState, Stop};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::setof::text_search::started;
use crate::sql::routine::query::{Next, QueryRun};
use crate::text_search::{Asked, Form};
use crate::types::tsquery::{Query, Rewriting, parse};
use crate::types::{Column, Datum, oid};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "to_tsquery" => |cx, args, out| made(cx, args, Form::Query, false, out),
        "to_tsquery_byid" => |cx, args, out| made(cx, args, Form::Query, true, out),
        "plainto_tsquery" => |cx, args, out| made(cx, args, Form::Plain, false, out),
        "plainto_tsquery_byid" => |cx, args, out| made(cx, args, Form::Plain, true, out),
        "phraseto_tsquery" => |cx, args, out| made(cx, args, Form::Phrase, false, out),
        "phraseto_tsquery_byid" => |cx, args, out| made(cx, args, Form::Phrase, true, out),
        "websearch_to_tsquery" => |cx, args, out| made(cx, args, Form::Web, false, out),
        "websearch_to_tsquery_byid" => |cx, args, out| made(cx, args, Form::Web, true, out),
        "tsquery_rewrite_query" => rewritten,
        _ => return None,
    })
}

/// `ts_rewrite(tsquery, text)`: replacements by the rows of a query. It begins anew if it had to wait.
fn rewritten(cx: &mut ExecContext, args: Args<'_, '_>, out: &mut Column) -> Flow<()> {
    let Some(query) = parse(args[0].str())? else {
        out.push(args[0]);
        return Ok(());
    };
    let mut run = started(cx, args[1].str())?;
    match &run.plan.plan.columns[..] {
        [a, b] if [a, b].iter().all(|c| c.ty.oid == oid::TSQUERY) => {}
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "ts_rewrite query must return two tsquery columns").into()),
    }
    // A budget that is used up would end every step at once.
    let budget = std::mem::take(&mut cx.budget);
    let done = replaced(cx, &mut run, &query);
    cx.budget = budget;
    let mut text = Vec::new();
    if let Some(query) = done? {
        query.write(&mut text);
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}

fn replaced(cx: &mut ExecContext, run: &mut QueryRun, query: &Query) -> Flow<Option<Query>> {
    let mut rewriting = Rewriting::new(query);
    loop {
        let batch = match run.next(cx) {
            Ok(Next::Batch(batch)) => batch,
            Ok(Next::End) => return Ok(rewriting.finish()),
            Ok(Next::Stale) => return Err(Error::internal("the relation changed meanwhile").into()),
            Err(Stop::Yield) => {
                cx.interrupts.check()?;
                continue;
            }
            Err(other) => return Err(other),
        };
        for row in 0..batch.rows {
            let (Datum::Bytes(_), Datum::Bytes(_)) = (batch.columns[0].get(row), batch.columns[1].get(row)) else {
                continue;
            };
            let Some(sample) = parse(batch.columns[0].get(row).str())? else { continue };
            rewriting.replace(&sample, parse(batch.columns[1].get(row).str())?.as_ref());
            rewriting.again();
        }
    }
}

/// Says what was left out.
pub(super) fn tell(cx: &mut ExecContext, asked: &Asked) {
    tell_of_long_tokens(cx, asked.too_long);
    if let Some(text) = &asked.notice {
        cx.notices.push(Report::notice(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, text.clone()));
    }
}

fn made(cx: &mut ExecContext, args: Args<'_, '_>, form: Form, named: bool, out: &mut Column) -> Flow<()> {
    let (config, args) = config(cx, args, named)?;
    let asked = form.read(&config, args[0].str())?;
    tell(cx, &asked);
    out.push(Datum::Bytes(&asked.text()));
    Ok(())
}
