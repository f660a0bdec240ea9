//! `regoper`, `regoperator`, `regcollation`, `regconfig` and `regdictionary`: names of what initdb made, and of users' own.

use super::names::{schema_and_name, split_list};
use super::text_search::Kind;
use crate::base::{Oid, Result};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, Object, ObjectKey, Operator};
use crate::err;
use crate::sql::exec::system_view;
use crate::sql::func::{self, OperDef};
use crate::types::collation::{Collation, Provider};
use crate::types::context::TypeHooks;
use crate::types::name::quote_identifier;
use crate::types::{self, oid};

/// Rows of a catalog whose first two columns are an OID and a name.
fn rows_of(typ: Oid) -> Option<(&'static str, &'static str)> {
    Some(match typ {
        oid::REGCOLLATION => ("collation", include_str!("exec/system_view/facts/pg_collation.txt")),
        _ => return None,
    })
}

/// Kinds of objects of text search that have types of their own.
fn text_search(typ: Oid) -> Option<Kind> {
    match typ {
        oid::REGCONFIG => Some(Kind::Config),
        oid::REGDICTIONARY => Some(Kind::Dictionary),
        _ => None,
    }
}

fn pairs(text: &'static str) -> impl Iterator<Item = (Oid, &'static str)> {
    text.lines().filter_map(|l| {
        let mut fields = l.split('\t');
        Some((Oid(fields.next()?.parse().ok()?), fields.next()?))
    })
}

/// Whether a name with this schema can be one of `pg_catalog`.
fn in_catalog(catalog: &Catalog, schema: Option<&str>) -> Result<bool> {
    match schema {
        Some(s) => Ok(catalog.namespace_oid(s)? == fixed::PG_CATALOG),
        None => Ok(true),
    }
}

/// The object of this kind with this name; None: the kind is not one of this file.
pub(super) fn parse(catalog: &Catalog, typ: Oid, name: &str, hooks: &dyn TypeHooks) -> Option<Result<Oid>> {
    if let Some(kind) = text_search(typ) {
        let parts = schema_and_name(name).map(|(schema, name)| schema.into_iter().chain([name]).collect::<Vec<_>>());
        return Some(parts.and_then(|p| kind.named(catalog, &p)));
    }
    match typ {
        oid::REGOPER => Some(one_operator(catalog, name)),
        oid::REGOPERATOR => Some(operator_with_types(catalog, name, hooks)),
        _ => rows_of(typ).map(|(kind, text)| {
            let (schema, plain) = schema_and_name(name)?;
            if typ == oid::REGCOLLATION
                && let Some(own) = user_collation(catalog, schema.as_deref(), &plain)?
            {
                return Ok(own);
            }
            let found = match in_catalog(catalog, schema.as_deref())? {
                true => pairs(text).find(|(_, n)| *n == plain).map(|(o, _)| o),
                false => None,
            };
            let encoding = if typ == oid::REGCOLLATION { " for encoding \"UTF8\"" } else { "" };
            let shown = name.replace('"', "");
            found.ok_or_else(|| err!(UNDEFINED_OBJECT, "{kind} \"{shown}\"{encoding} does not exist"))
        }),
    }
}

/// Schema and symbol of `pg_catalog.+`: the symbol may hold anything but a dot.
fn operator_name(name: &str) -> (Option<&str>, &str) {
    match name.split_once('.') {
        Some((schema, symbol)) => (Some(schema.trim()), symbol.trim()),
        None => (None, name.trim()),
    }
}

fn user_collation(catalog: &Catalog, schema: Option<&str>, name: &str) -> Result<Option<Oid>> {
    let path = match schema {
        Some(s) => vec![catalog.namespace_oid(s)?],
        None => catalog.effective_path().to_vec(),
    };
    Ok(path.into_iter().find_map(|n| catalog.find(class::COLLATION, n, name).first().copied()))
}

/// The first collation of this name in these schemas.
pub(super) fn collation_in(catalog: &Catalog, path: &[Oid], name: &str) -> Option<Oid> {
    path.iter().find_map(|n| {
        let own = || catalog.find(class::COLLATION, *n, name).first().copied();
        match *n == fixed::PG_CATALOG {
            true => system_view::builtin_collation_named(name).map(|c| c.oid).or_else(own),
            false => own(),
        }
    })
}

/// A collation's name, without its schema.
pub(super) fn collation_name(catalog: &Catalog, collation: Oid) -> String {
    if let Some(record) = catalog.get(ObjectKey::new(class::COLLATION, collation))
        && let Object::Collation(c) = &record.object
    {
        return c.name.clone();
    }
    system_view::builtin_collation(collation).map_or_else(|| collation.to_string(), |c| c.name.to_owned())
}

/// What a collation orders by.
///
/// # Errors
/// 22023 where the system does not have its locale any more, XX000 for what is no collation.
pub(super) fn order(catalog: &Catalog, collation: Oid) -> Result<Collation> {
    match collation {
        fixed::C_COLLATION => return Ok(Collation::BYTES),
        fixed::DEFAULT_COLLATION => return Ok(catalog.default_collation()),
        _ => {}
    }
    if let Some(builtin) = system_view::builtin_collation(collation) {
        return builtin.icu_locale.map_or(Ok(Collation::BYTES), |l| Collation::open(Provider::Icu, l));
    }
    let record = catalog.get(ObjectKey::new(class::COLLATION, collation));
    match record.as_deref().map(|r| &r.object) {
        Some(Object::Collation(c)) => c.order(),
        _ => Err(err!(INTERNAL_ERROR, "cache lookup failed for collation {collation}")),
    }
}

/// Users' operators of a name: those of a schema, or those that the search path finds.
fn users(catalog: &Catalog, schema: Option<&str>, symbol: &str) -> Result<Vec<Operator>> {
    let path = match schema {
        Some(s) => vec![catalog.namespace_oid(s)?],
        None => catalog.effective_path().to_vec(),
    };
    let all = catalog.all(class::OPERATOR);
    let operators = all.iter().filter_map(|r| match &r.object {
        Object::Operator(o) => Some(o),
        _ => None,
    });
    Ok(operators.filter(|o| o.name == symbol && path.contains(&o.namespace)).cloned().collect())
}

/// A user's operator: its name, qualified unless the search path finds it.
fn user_operator(catalog: &Catalog, value: Oid) -> Option<(String, Operator)> {
    let record = catalog.get(ObjectKey::new(class::OPERATOR, value))?;
    let Object::Operator(o) = &record.object else { return None };
    let name = match catalog.effective_path().contains(&o.namespace) {
        true => o.name.clone(),
        false => format!("{}.{}", quote_identifier(&catalog.namespace(o.namespace)?.name), o.name),
    };
    Some((name, o.clone()))
}

fn one_operator(catalog: &Catalog, name: &str) -> Result<Oid> {
    let (schema, symbol) = operator_name(name);
    let built_in = if in_catalog(catalog, schema)? { func::opers_named(symbol) } else { &[] };
    let mut found: Vec<Oid> = built_in.iter().map(|o| o.oid).collect();
    found.extend(users(catalog, schema, symbol)?.iter().map(|o| o.oid));
    match found.as_slice() {
        [] => Err(err!(UNDEFINED_FUNCTION, "operator does not exist: {name}")),
        [one] => Ok(*one),
        _ => Err(err!(AMBIGUOUS_FUNCTION, "more than one operator named {name}")),
    }
}

fn operator_with_types(catalog: &Catalog, name: &str, hooks: &dyn TypeHooks) -> Result<Oid> {
    let Some((head, rest)) = name.split_once('(') else {
        return Err(err!(INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"));
    };
    let Some(list) = rest.trim_end().strip_suffix(')') else {
        return Err(err!(INVALID_TEXT_REPRESENTATION, "expected a right parenthesis"));
    };
    let operand = |text: &str| match text.trim() {
        t if t.eq_ignore_ascii_case("none") => Ok(Oid::INVALID),
        t => types::parse_type(t, hooks).map(|t| t.oid),
    };
    let operands = split_list(list).into_iter().map(operand).collect::<Result<Vec<Oid>>>()?;
    let (left, right) = match operands[..] {
        [left, right] => (left, right),
        [] | [_] => {
            return Err(err!(UNDEFINED_PARAMETER, "missing argument")
                .hint("Use NONE to denote the missing argument of a unary operator."));
        }
        _ => {
            return Err(err!(TOO_MANY_ARGUMENTS, "too many arguments").hint("Provide two argument types for operator."));
        }
    };
    let (schema, symbol) = operator_name(head);
    let found = if in_catalog(catalog, schema)? { func::type_operator(symbol, left, right) } else { None };
    let own = users(catalog, schema, symbol)?.into_iter().find(|o| (o.left, o.right) == (left, right));
    let found = found.map(|o| o.oid).or(own.map(|o| o.oid));
    found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "operator does not exist: {name}"))
}

/// The name of the object; None: unknown, or not a kind of this file. Everything here stands in `pg_catalog`, which
/// every search path finds.
pub(super) fn show(catalog: &Catalog, typ: Oid, value: Oid, hooks: &dyn TypeHooks) -> Option<String> {
    if let (oid::REGOPER | oid::REGOPERATOR, Some((name, o))) = (typ, user_operator(catalog, value)) {
        return Some(match typ {
            oid::REGOPER => name,
            _ => with_types(&name, o.left, o.right, hooks),
        });
    }
    if let Some(kind) = text_search(typ) {
        return kind.shown(catalog, value);
    }
    if let (oid::REGCOLLATION, Some(record)) = (typ, catalog.get(ObjectKey::new(class::COLLATION, value)))
        && let Object::Collation(c) = &record.object
    {
        let name = quote_identifier(&c.name);
        return Some(match catalog.effective_path().contains(&c.namespace) {
            true => name,
            false => format!("{}.{name}", quote_identifier(&catalog.namespace(c.namespace)?.name)),
        });
    }
    match typ {
        oid::REGOPER => func::oper(value).map(|o| match func::opers_named(o.name).len() {
            1 => o.name.to_string(),
            _ => format!("pg_catalog.{}", o.name),
        }),
        oid::REGOPERATOR => func::oper(value).map(|o| operator_shown(o, hooks)),
        _ => {
            let (_, text) = rows_of(typ)?;
            pairs(text).find(|(o, _)| *o == value).map(|(_, n)| quote_identifier(n))
        }
    }
}

fn operator_shown(o: &OperDef, hooks: &dyn TypeHooks) -> String {
    with_types(o.name, o.left, o.right, hooks)
}

fn with_types(name: &str, left: Oid, right: Oid, hooks: &dyn TypeHooks) -> String {
    let operand = |t: Oid| match t.is_valid() {
        true => types::format_type_plain(t, hooks),
        false => "NONE".to_string(),
    };
    format!("{name}({},{})", operand(left), operand(right))
}
