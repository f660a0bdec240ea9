//! SET clauses that are kept with a function, a role or a database.

use super::setting::{is_list, list_text};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::ast::SetAction;
use crate::sql::exec::ExecContext;

/// A setting's own spelling.
fn canonical(name: &str) -> String {
    crate::settings::find(name).map_or_else(|| name.to_owned(), |id| crate::settings::parameter(id).name.to_owned())
}

/// What a SET clause says of which setting; no value: it is reset. None: all are reset.
pub(super) fn stored_setting(cx: &mut ExecContext, action: &SetAction) -> Result<Option<(String, Option<String>)>> {
    Ok(Some(match action {
        SetAction::Value { name, args } => {
            let texts: Vec<String> = args.iter().map(|a| a.text()).collect();
            let text = match is_list(name) {
                true => list_text(name, &texts),
                false if args.len() > 1 => {
                    return Err(err!(INVALID_PARAMETER_VALUE, "SET {name} takes only one argument"));
                }
                false => texts.concat(),
            };
            (canonical(name), Some(text))
        }
        SetAction::FromCurrent(name) => {
            let settings = cx.backend()?.settings.clone();
            let text = settings.lock().show_by_name(name, true)?;
            (canonical(name), Some(text))
        }
        SetAction::Default(name) | SetAction::Reset(name) => (canonical(name), None),
        SetAction::ResetAll => return Ok(None),
        _ => return Err(Error::unsupported("this form of SET cannot be stored")),
    }))
}

/// A new value takes the place of the old one, or comes last (PostgreSQL 15, guc.c, GUCArrayAdd: same rule).
pub(super) fn put_in_place<T>(list: &mut Vec<T>, place: Option<usize>, item: Option<T>) {
    match (place, item) {
        (Some(n), Some(item)) => list[n] = item,
        (Some(n), None) => drop(list.remove(n)),
        (None, Some(item)) => list.push(item),
        (None, None) => {}
    }
}
