//! Settings as the executor sees them, and SET inside routines.

use crate::base::charset::Charset;
use crate::base::{Error, Oid, Result};
use crate::err;
use crate::heap::Compression;
use crate::settings::{Id, Lasting, Lookup, View, find, split_list};
use crate::sql::Backend;
use crate::sql::ast::{SetAction, SetVariableStmt};
use crate::sql::backend::User;
use crate::sql::exec::ExecContext;
use crate::sql::track::{Track, Tracking};
use crate::types::context::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};
use crate::types::datetime::Zone;
use crate::types::xml::Form;

/// Makes the context follow the settings.
pub fn apply_settings(cx: &mut ExecContext, view: &View) {
    let io = &mut cx.fx.io;
    let style = view.str(Id::DateStyle).to_ascii_lowercase();
    io.date_style = match style.split(',').next().map(str::trim) {
        Some("sql") => DateStyle::Sql,
        Some("postgres") => DateStyle::Postgres,
        Some("german") => DateStyle::German,
        _ => DateStyle::Iso,
    };
    io.date_order = match style.split(',').nth(1).map(str::trim) {
        Some("dmy") => DateOrder::Dmy,
        Some("ymd") => DateOrder::Ymd,
        _ => DateOrder::Mdy,
    };
    io.interval_style = match view.choice(Id::IntervalStyle) {
        "postgres_verbose" => IntervalStyle::PostgresVerbose,
        "sql_standard" => IntervalStyle::SqlStandard,
        "iso_8601" => IntervalStyle::Iso8601,
        _ => IntervalStyle::Postgres,
    };
    io.time_zone = Zone::setting(&view.str(Id::TimeZone)).unwrap_or_else(Zone::utc);
    io.extra_float_digits = view.int(Id::ExtraFloatDigits) as i32;
    io.bytea_output = match view.choice(Id::ByteaOutput) {
        "escape" => ByteaOutput::Escape,
        _ => ByteaOutput::Hex,
    };
    io.xml_form = match view.choice(Id::Xmloption) {
        "document" => Form::Document,
        _ => Form::Content,
    };
    io.array_nulls = view.bool(Id::ArrayNulls);
    io.charset = Charset::named(&view.str(Id::ClientEncoding));
    cx.settings.work_mem_kb = view.int(Id::WorkMem) as usize;
    cx.settings.hash_mem_multiplier = view.real(Id::HashMemMultiplier);
    cx.settings.temp_file_limit_kb = u64::try_from(view.int(Id::TempFileLimit)).ok();
    cx.settings.log_temp_files_kb = u64::try_from(view.int(Id::LogTempFiles)).ok();
    cx.settings.toast_compression = match view.choice(Id::DefaultToastCompression) {
        "lz4" => Compression::Lz4,
        _ => Compression::Pglz,
    };
    cx.settings.identify_queries = match view.choice(Id::ComputeQueryId) {
        "on" => true,
        "auto" | "regress" => cx.backend.as_ref().is_some_and(|b| b.instance.statements.is_some()),
        _ => false,
    };
    cx.settings.tracking = Tracking {
        which: match view.choice(Id::PgStatStatementsTrack) {
            _ if cx.backend.as_ref().is_none_or(|b| b.instance.statements.is_none()) => Track::None,
            "none" => Track::None,
            "top" => Track::Top,
            _ => Track::All,
        },
        commands: view.bool(Id::PgStatStatementsTrackUtility),
        planning: view.bool(Id::PgStatStatementsTrackPlanning),
    };
    cx.settings.show_query_ids = cx.settings.identify_queries && view.choice(Id::ComputeQueryId) != "regress";
}

/// Makes the catalog's search path follow the setting; `$user` is the current role.
pub fn apply_search_path(backend: &Backend) {
    let names = split_list(&backend.view.str(Id::SearchPath)).unwrap_or_default();
    let user = |n: String| if n == "$user" { backend.user.current_name.clone() } else { n };
    backend.catalog.set_search_path(names.into_iter().map(user).collect());
    apply_role(backend);
}

/// Tells the catalog whose rights count.
pub fn apply_role(backend: &Backend) {
    backend.catalog.set_acting(crate::catalog::Acting {
        user: backend.user.current,
        session_user: backend.user.session,
        authenticated: backend.user.authenticated,
        row_security: backend.view.bool(Id::RowSecurity),
        restricts_views: split_list(&backend.view.str(Id::RestrictNonsystemRelationKind))
            .is_some_and(|kinds| kinds.iter().any(|kind| kind.eq_ignore_ascii_case("view"))),
    });
}

/// The current user as another role.
///
/// # Errors
/// XX000 if the role is gone.
pub fn user_as(backend: &Backend, role: Oid) -> Result<User> {
    let role = backend.catalog.role(role).ok_or_else(|| Error::internal("the owner is gone"))?;
    Ok(User { current: role.oid, current_name: role.name, is_superuser: role.superuser, ..backend.user.clone() })
}

/// Runs a step as a user.
pub fn act_as<T, E: From<Error>>(
    cx: &mut ExecContext,
    user: User,
    f: impl FnOnce(&mut ExecContext) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let backend = cx.backend()?;
    let caller = std::mem::replace(&mut backend.user, user);
    apply_role(backend);
    let done = f(cx);
    let backend = cx.backend()?;
    backend.user = caller;
    apply_role(backend);
    done
}

/// The owner of what a command works at, in whose name functions run that the command calls. PostgreSQL 15, miscinit.c,
/// SECURITY_RESTRICTED_OPERATION: same rules for what they may leave behind.
///
/// # Errors
/// XX000 if the role is gone.
pub fn restricted_as(backend: &Backend, owner: Oid) -> Result<User> {
    Ok(User { restricted: true, ..user_as(backend, owner)? })
}

/// Runs a step as such an owner; parameters that it sets get their values back.
pub fn act_restricted<T, E: From<Error>>(
    cx: &mut ExecContext,
    user: User,
    f: impl FnOnce(&mut ExecContext) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let settings = cx.backend()?.settings.clone();
    let level = settings.lock().enter();
    let done = act_as(cx, user, f);
    settings.lock().leave(level, false);
    let back = catch_up(cx);
    let value = done?;
    back?;
    Ok(value)
}

/// Brings up to date what is derived from settings, after some changed inside a statement.
pub fn settings_changed(cx: &mut ExecContext) -> Result<()> {
    super::follow_settings(cx)?;
    let settings = cx.backend()?.settings.clone();
    let view = settings.lock().view().clone();
    apply_settings(cx, &view);
    let backend = cx.backend()?;
    backend.view = view;
    apply_search_path(backend);
    Ok(())
}

/// The same, if `set_config` has changed any since they were looked at.
pub fn catch_up(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    let same = backend.settings.lock().view().is(&backend.view);
    if same { Ok(()) } else { settings_changed(cx) }
}

/// SET and RESET inside a routine. Returns the command tag.
///
/// # Errors
/// 22023 and others of the parameter; 0A000 for what only a session's own statement can set.
pub fn set_variable(cx: &mut ExecContext, stmt: &SetVariableStmt) -> Result<String> {
    let lasting = if stmt.local { Lasting::Local } else { Lasting::Session };
    let (name, text) = match &stmt.action {
        SetAction::Value { name, args } => {
            let texts: Vec<String> = args.iter().map(|a| a.text()).collect();
            let text = match is_list(name) {
                true => list_text(name, &texts),
                false if args.len() > 1 => {
                    return Err(err!(INVALID_PARAMETER_VALUE, "SET {name} takes only one argument"));
                }
                false => texts.concat(),
            };
            (name, Some(text))
        }
        SetAction::Default(name) | SetAction::Reset(name) => (name, None),
        SetAction::FromCurrent(_) => return Ok("SET".into()),
        SetAction::Transaction(modes) => {
            super::transaction_modes::set(cx, modes)?;
            settings_changed(cx)?;
            return Ok("SET".into());
        }
        _ => return Err(Error::unsupported("this form of SET is not supported inside a function")),
    };
    match name.as_str() {
        "session_authorization" => super::set_session_authorization(cx, text.as_deref(), lasting)?,
        name if let (Some(id), Some(text)) = (super::transaction_modes::named(name), &text) => {
            let backend = cx.backend()?;
            backend.settings.lock().set(name, text, Lasting::Local, true)?;
            let shown = backend.settings.lock().show_by_name(name, true)?;
            super::transaction_modes::apply(backend, id, &shown)?;
        }
        "role" => super::set_role(cx, text.as_deref().unwrap_or("none"), lasting)?,
        _ => {
            let backend = cx.backend()?;
            let privileged = backend.user.is_superuser;
            let mut settings = backend.settings.lock();
            match &text {
                Some(text) => {
                    super::tablespace::check_setting(&backend.catalog, name, text)?;
                    let text = &*crate::sql::text_search::checked_setting(&backend.catalog, name, text)?;
                    settings.set(name, text, lasting, privileged)?;
                }
                None => settings.reset(name, lasting, privileged)?,
            }
        }
    }
    settings_changed(cx)?;
    Ok(if matches!(stmt.action, SetAction::Reset(_)) { "RESET" } else { "SET" }.into())
}

/// Whether a parameter's value is a list.
pub fn is_list(name: &str) -> bool {
    find(name).is_some_and(|id| crate::settings::parameter(id).has(crate::settings::flag::LIST_INPUT))
}

/// Is it a list whose elements are names?
pub fn is_name_list(name: &str) -> bool {
    find(name).is_some_and(|id| crate::settings::parameter(id).has(crate::settings::flag::LIST_QUOTE))
}

/// Joins list elements; names are quoted where they must be (PostgreSQL 15, guc.c, flatten_set_variable_args).
pub fn list_text(name: &str, texts: &[String]) -> String {
    match is_name_list(name) {
        true => texts.iter().map(|t| crate::types::name::quote_identifier(t)).collect::<Vec<_>>().join(", "),
        false => texts.join(", "),
    }
}
