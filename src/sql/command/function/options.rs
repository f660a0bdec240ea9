//! The clauses after the signature, and SET among them.

use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::ast::{DefArg, DefElem};
use crate::sql::command::Command;
use crate::sql::command::stored_setting::{put_in_place, stored_setting};
use crate::sql::exec::ExecContext;

/// What the clauses after the signature say.
#[derive(Default)]
pub(super) struct Options {
    pub(super) body: Option<String>,
    /// `AS file, symbol`.
    pub(super) symbol: Option<String>,
    pub(super) language: Option<String>,
    pub(super) volatility: Option<char>,
    pub(super) strict: Option<bool>,
    pub(super) definer: Option<bool>,
    pub(super) leakproof: Option<bool>,
    pub(super) cost: Option<f32>,
    pub(super) rows: Option<f32>,
    pub(super) parallel: Option<char>,
    pub(super) settings: Vec<crate::sql::ast::SetVariableStmt>,
    pub(super) window: bool,
}

pub(super) fn redundant(cmd: &Command, o: &DefElem) -> Error {
    err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(o.pos))
}

pub(super) fn number(o: &DefElem) -> Option<f32> {
    match &o.arg {
        Some(DefArg::Int(n)) => Some(*n as f32),
        Some(DefArg::Float(f)) => f.parse().ok(),
        _ => None,
    }
}

/// # Errors
/// 42501 for those who would trust a function of theirs with rows they may not see.
pub(super) fn may_be_leakproof(cx: &mut ExecContext, o: &Options) -> Result<()> {
    match o.leakproof == Some(true) && !cx.backend()?.user.is_superuser {
        true => Err(err!(INSUFFICIENT_PRIVILEGE, "only superuser can define a leakproof function")),
        false => Ok(()),
    }
}

pub(super) fn options(cmd: &Command, list: &[DefElem], procedure: bool) -> Result<Options> {
    let mut out = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    for o in list {
        if o.name != "set" && seen.contains(&o.name.as_str()) {
            return Err(redundant(cmd, o));
        }
        seen.push(&o.name);
        if procedure
            && matches!(
                o.name.as_str(),
                "volatility" | "strict" | "leakproof" | "cost" | "rows" | "support" | "parallel" | "window"
            )
        {
            let e = Error::new(SqlState::INVALID_FUNCTION_DEFINITION, "invalid attribute in procedure definition");
            return Err(e.at(cmd.at(o.pos)));
        }
        let text = || o.string().unwrap_or_default();
        let yes = matches!(o.arg, Some(DefArg::Bool(true)));
        match o.name.as_str() {
            "as" => {
                let parts: Vec<String> = match &o.arg {
                    Some(DefArg::List(l)) => l
                        .iter()
                        .map(|a| match a {
                            DefArg::Str(s) => s.clone(),
                            _ => String::new(),
                        })
                        .collect(),
                    _ => vec![text()],
                };
                let mut parts = parts.into_iter();
                out.body = parts.next();
                out.symbol = parts.next();
            }
            "language" => out.language = Some(text()),
            "volatility" => out.volatility = text().chars().next(),
            "strict" => out.strict = Some(yes),
            "security" => out.definer = Some(yes),
            "leakproof" => out.leakproof = Some(yes),
            "cost" => {
                out.cost = number(o);
                if out.cost.is_some_and(|c| c <= 0.0) {
                    return Err(err!(INVALID_PARAMETER_VALUE, "COST must be positive"));
                }
            }
            "rows" => {
                out.rows = number(o);
                if out.rows.is_some_and(|c| c <= 0.0) {
                    return Err(err!(INVALID_PARAMETER_VALUE, "ROWS must be positive"));
                }
            }
            "parallel" => {
                out.parallel = Some(match text().as_str() {
                    "safe" => 's',
                    "unsafe" => 'u',
                    "restricted" => 'r',
                    _ => {
                        let text = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
                        return Err(err!(SYNTAX_ERROR, "{text}"));
                    }
                });
            }
            "set" => {
                if let Some(DefArg::Set(s)) = &o.arg {
                    out.settings.push((**s).clone());
                }
            }
            "window" => out.window = yes,
            "support" => return Err(Error::unsupported("SUPPORT of functions is not supported")),
            "transform" => return Err(Error::unsupported("TRANSFORM is not supported")),
            other => return Err(Error::internal(format!("option \"{other}\" of a function"))),
        }
    }
    Ok(out)
}

/// Would the value be taken?
pub(super) fn check_setting(cx: &mut ExecContext, name: &str, value: &str) -> Result<()> {
    crate::sql::command::tablespace::notice_missing(cx, name, value)?;
    let backend = cx.backend()?;
    let privileged = backend.user.is_superuser;
    crate::sql::text_search::checked_setting(&backend.catalog, name, value)?;
    let mut settings = backend.settings.lock();
    let level = settings.enter();
    let done = settings.set(name, value, crate::settings::Lasting::Save, privileged);
    settings.leave(level, false);
    done
}

pub(super) fn apply_settings(
    cx: &mut ExecContext,
    into: &mut Vec<String>,
    list: &[crate::sql::ast::SetVariableStmt],
) -> Result<()> {
    for s in list {
        let Some((name, value)) = stored_setting(cx, &s.action)? else {
            into.clear();
            continue;
        };
        let place = into.iter().position(|x| x.split_once('=').is_some_and(|(n, _)| n.eq_ignore_ascii_case(&name)));
        let item = match &value {
            Some(v) => {
                check_setting(cx, &name, v)?;
                Some(format!("{name}={v}"))
            }
            None => None,
        };
        put_in_place(into, place, item);
    }
    Ok(())
}
