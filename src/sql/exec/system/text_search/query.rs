//! `to_tsquery` and its kin.

use super::{Args, SystemFn, config, tell_of_long_tokens};
use crate::base::{Flow, Report, Severity, SqlState};
use crate::sql::exec::ExecContext;
use crate::text_search::{Asked, Form};
use crate::types::{Column, Datum};

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
        _ => return None,
    })
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
    let mut text = Vec::new();
    if let Some(query) = &asked.query {
        query.write(&mut text);
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}
