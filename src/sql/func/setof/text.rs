//! Sets of texts: string_to_table, regexp_split_to_table, regexp_matches.

use super::{Call, Rows, SetStream};
use crate::base::Result;
use crate::sql::exec::ExecContext;
use crate::sql::func::regexp::{all_matches, split_at_matches};
use crate::types::{Column, Datum, Phys};

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    let flags = if call.func.name.starts_with("regexp") && call.args.len() > 2 { call.text(2) } else { "" };
    let mut out = Column::new(Phys::Bytes);
    match call.func.fact.src {
        "regexp_split_to_table" | "regexp_split_to_table_no_flags" => {
            let name = "regexp_split_to_table()";
            let parts = split_at_matches(&mut cx.fx, call.text(0), call.text(1), flags, name)?;
            parts.iter().for_each(|p| out.push(Datum::Bytes(p.as_bytes())));
        }
        "regexp_matches" | "regexp_matches_no_flags" => {
            let found = all_matches(&mut cx.fx, call.text(0), call.text(1), flags)?;
            found.iter().for_each(|m| out.push(Datum::Bytes(m)));
        }
        "text_to_table" | "text_to_table_null" => string_to_table(call, &mut out),
        _ => return Ok(None),
    }
    Ok(Some(Rows::stream(vec![out])))
}

/// Not strict: a NULL delimiter splits into characters, an empty one not at all.
fn string_to_table(call: &Call<'_>, out: &mut Column) {
    let Datum::Bytes(_) = call.arg(0) else { return };
    let (text, delimiter, null) = (call.text(0), call.arg(1), call.arg(2));
    let mut push = |part: &str| match null {
        Datum::Bytes(n) if n == part.as_bytes() => out.push_null(),
        _ => out.push(Datum::Bytes(part.as_bytes())),
    };
    match delimiter {
        Datum::Null => text.char_indices().for_each(|(at, c)| push(&text[at..at + c.len_utf8()])),
        _ if text.is_empty() => {}
        d if d.bytes().is_empty() => push(text),
        d => text.split(d.str()).for_each(push),
    }
}
