//! `WITH (…)` of tables and indexes: known names, checked values, kept as `name=value`.

use super::Command;
use crate::base::Result;
use crate::brin::{MAX_PAGES_PER_RANGE, PAGES_PER_RANGE};
use crate::catalog::IndexMethod;
use crate::err;
use crate::settings::{Unit, parse_int, parse_real};
use crate::sql::ast::DefElem;

enum Kind {
    Int(i64, i64),
    Real(f64, f64),
    Bool,
    /// The words taken, and how those are named that are shown as valid.
    Words(&'static [&'static str], &'static str),
}

/// The first ones are shown as valid; the others are taken, too.
const AUTO_OFF: &[&str] = &["on", "off", "auto", "true", "false", "yes", "no", "1", "0"];

const ON_OFF_AUTO: &str = "\"on\", \"off\", and \"auto\"";

/// PostgreSQL 15, reloptions.c: same names and bounds.
fn table_option(name: &str) -> Option<Kind> {
    use Kind::*;
    const INT: i64 = i32::MAX as i64;
    Some(match name {
        "fillfactor" => Int(10, 100),
        "toast_tuple_target" => Int(128, 8160),
        "parallel_workers" => Int(0, 1024),
        "autovacuum_enabled" | "vacuum_truncate" | "user_catalog_table" => Bool,
        "vacuum_index_cleanup" => Words(AUTO_OFF, ON_OFF_AUTO),
        "autovacuum_vacuum_threshold" | "autovacuum_analyze_threshold" => Int(0, INT),
        "autovacuum_vacuum_insert_threshold" => Int(-1, INT),
        "autovacuum_vacuum_scale_factor"
        | "autovacuum_vacuum_insert_scale_factor"
        | "autovacuum_analyze_scale_factor"
        | "autovacuum_vacuum_cost_delay" => Real(0.0, 100.0),
        "autovacuum_vacuum_cost_limit" => Int(1, 10000),
        "autovacuum_freeze_min_age" | "autovacuum_multixact_freeze_min_age" => Int(0, 1_000_000_000),
        "autovacuum_freeze_max_age" | "autovacuum_multixact_freeze_max_age" => Int(10000, 2_000_000_000),
        "autovacuum_freeze_table_age" | "autovacuum_multixact_freeze_table_age" => Int(0, 2_000_000_000),
        "log_autovacuum_min_duration" => Int(-1, INT),
        _ => return None,
    })
}

/// Whether TOAST tables have the option, too.
fn is_of_toast(name: &str) -> bool {
    let own = ["fillfactor", "toast_tuple_target", "parallel_workers", "user_catalog_table"];
    !own.contains(&name) && !name.starts_with("autovacuum_analyze_")
}

fn index_option(method: IndexMethod, name: &str) -> Option<Kind> {
    match (method, name) {
        (IndexMethod::Btree | IndexMethod::Hash | IndexMethod::Gist, "fillfactor") => Some(Kind::Int(10, 100)),
        (IndexMethod::Btree, "deduplicate_items") => Some(Kind::Bool),
        (IndexMethod::Gist, "buffering") => Some(Kind::Words(&AUTO_OFF[..3], ON_OFF_AUTO)),
        (IndexMethod::Gin, "fastupdate") => Some(Kind::Bool),
        (IndexMethod::Brin, "pages_per_range") => Some(Kind::Int(1, MAX_PAGES_PER_RANGE.into())),
        (IndexMethod::Brin, "autosummarize") => Some(Kind::Bool),
        (IndexMethod::Gin, "gin_pending_list_limit") => Some(Kind::Int(64, i32::MAX.into())),
        _ => None,
    }
}

fn view_option(name: &str) -> Option<Kind> {
    match name {
        "security_barrier" | "security_invoker" => Some(Kind::Bool),
        "check_option" => Some(Kind::Words(&["local", "cascaded"], "\"local\" and \"cascaded\"")),
        _ => None,
    }
}

fn tablespace_option(name: &str) -> Option<Kind> {
    match name {
        "random_page_cost" | "seq_page_cost" => Some(Kind::Real(0.0, f64::MAX)),
        "effective_io_concurrency" | "maintenance_io_concurrency" => Some(Kind::Int(0, 1000)),
        _ => None,
    }
}

/// How many pages of the table a BRIN index with these options has in each range.
pub fn pages_per_range(options: &[String]) -> u32 {
    let named = options.iter().find_map(|o| o.strip_prefix("pages_per_range="));
    named.and_then(|v| v.parse().ok()).filter(|n| (1..=MAX_PAGES_PER_RANGE).contains(n)).unwrap_or(PAGES_PER_RANGE)
}

/// PostgreSQL 15, brin_minmax_multi.c, brin_bloom.c, tsgistidx.c and pg_trgm's trgm_gist.c: same names and bounds.
fn class_option(class: &str, name: &str) -> Option<Kind> {
    match (class, name) {
        (c, "values_per_range") if c.ends_with("_minmax_multi_ops") => Some(Kind::Int(8, 256)),
        (c, "n_distinct_per_range") if c.ends_with("_bloom_ops") => Some(Kind::Real(-1.0, i32::MAX.into())),
        (c, "false_positive_rate") if c.ends_with("_bloom_ops") => Some(Kind::Real(0.0001, 0.25)),
        ("tsvector_ops" | "gist_trgm_ops" | "gist_hstore_ops", "siglen") => Some(Kind::Int(1, 2024)),
        _ => None,
    }
}

/// The options of a column's operator class.
///
/// # Errors
/// 22023 for a class without any, unknown names and bad values.
pub fn of_class(class: &str, options: &[DefElem]) -> Result<Vec<String>> {
    let has_some =
        ["values_per_range", "false_positive_rate", "siglen"].iter().any(|o| class_option(class, o).is_some());
    if !has_some {
        return Err(err!(INVALID_PARAMETER_VALUE, "operator class {class} has no options").place(
            "index_opclass_options",
            "indexam.c",
            1013,
        ));
    }
    let mut out: Vec<String> = Vec::new();
    for (n, o) in options.iter().enumerate() {
        if options[..n].iter().any(|before| before.name == o.name) {
            return Err(err!(INVALID_PARAMETER_VALUE, "parameter \"{}\" specified more than once", o.name));
        }
        let kind = class_option(class, &o.name);
        let kind = kind.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{}\"", o.name))?;
        let value = o.string().unwrap_or_else(|| "true".into());
        check(&o.name, &value, &kind)?;
        out.push(format!("{}={value}", o.name));
    }
    Ok(out)
}

/// What has the options.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Table,
    /// Has none.
    Partitioned,
    Index(IndexMethod),
    View,
    Tablespace,
}

/// Checks options, and puts them over those there were.
///
/// # Errors
/// 22023 for unknown names, bad values, and names that come twice.
pub fn merge(cmd: &Command, on: On, old: &[String], options: &[DefElem]) -> Result<Vec<String>> {
    let mut out: Vec<String> = old.to_vec();
    for (n, o) in options.iter().enumerate() {
        // What every table is today may be said, and is not kept.
        if on == On::Table && o.name == "oids" && o.namespace.is_none() && !truth(o)? {
            continue;
        }
        let (name, kind) = known(on, o)?;
        let value = match &o.arg {
            None => "true".to_string(),
            Some(_) => o.string().unwrap_or_default(),
        };
        if options[..n].iter().any(|earlier| earlier.name == o.name && earlier.namespace == o.namespace) {
            return Err(err!(INVALID_PARAMETER_VALUE, "parameter \"{}\" specified more than once", o.name));
        }
        check(&o.name, &value, &kind)?;
        out.retain(|k| k.split('=').next() != Some(name.as_str()));
        out.push(format!("{name}={value}"));
    }
    let _ = cmd;
    Ok(out)
}

/// Options without those named.
pub fn reset(on: On, old: &[String], options: &[DefElem]) -> Result<Vec<String>> {
    let mut out = old.to_vec();
    for o in options {
        if o.arg.is_some() {
            return Err(err!(SYNTAX_ERROR, "RESET must not include values for parameters"));
        }
        // One that nothing knows is not set either.
        let name = match known(on, o) {
            Ok((name, _)) => name,
            Err(_) if o.namespace.is_none() => continue,
            Err(e) => return Err(e),
        };
        out.retain(|k| k.split('=').next() != Some(name.as_str()));
    }
    Ok(out)
}

fn truth(o: &DefElem) -> Result<bool> {
    let Some(text) = o.string() else { return Ok(true) };
    crate::types::bool::parse_opt(&text).ok_or_else(|| err!(SYNTAX_ERROR, "{} requires a Boolean value", o.name))
}

fn known(on: On, o: &DefElem) -> Result<(String, Kind)> {
    let kind = match (on, o.namespace.as_deref()) {
        (On::Table, None) => table_option(&o.name),
        (On::Table, Some("toast")) => table_option(&o.name).filter(|_| is_of_toast(&o.name)),
        (On::Index(method), None) => index_option(method, &o.name),
        (On::View, None) => view_option(&o.name),
        (On::Partitioned, None) => None,
        (On::Tablespace, None) => tablespace_option(&o.name),
        (_, Some(namespace)) => {
            return Err(err!(INVALID_PARAMETER_VALUE, "unrecognized parameter namespace \"{namespace}\""));
        }
    };
    if on == On::Table && (o.name == "oids") {
        return Err(err!(FEATURE_NOT_SUPPORTED, "tables declared WITH OIDS are not supported"));
    }
    let kind = kind.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{}\"", o.name))?;
    let name = match &o.namespace {
        Some(namespace) => format!("{namespace}.{}", o.name),
        None => o.name.clone(),
    };
    Ok((name, kind))
}

fn check(name: &str, value: &str, kind: &Kind) -> Result<()> {
    let outside = |low: String, high: String| {
        Err(err!(INVALID_PARAMETER_VALUE, "value {value} out of bounds for option \"{name}\"")
            .detail(format!("Valid values are between \"{low}\" and \"{high}\".")))
    };
    match kind {
        Kind::Int(low, high) => match parse_int(value, Unit::None) {
            Ok(n) if (*low..=*high).contains(&n) => Ok(()),
            Ok(_) => outside(low.to_string(), high.to_string()),
            Err(_) => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for integer option \"{name}\": {value}")),
        },
        Kind::Real(low, high) => match parse_real(value, Unit::None) {
            Ok(n) if (*low..=*high).contains(&n) => Ok(()),
            Ok(_) => outside(format!("{low:.6}"), format!("{high:.6}")),
            Err(_) => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for floating point option \"{name}\": {value}")),
        },
        Kind::Bool => match crate::types::bool::parse_opt(value) {
            Some(_) => Ok(()),
            None => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for boolean option \"{name}\": {value}")),
        },
        Kind::Words(words, shown) => match words.contains(&value.to_ascii_lowercase().as_str()) {
            true => Ok(()),
            false => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for enum option \"{name}\": {value}")
                .detail(format!("Valid values are {shown}."))),
        },
    }
}
