//! `has_table_privilege` and its kin, `pg_has_role`: the question is in the function's name.

use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{ObjectKey, class, fixed};
use crate::catalog::{Catalog, Object, RelKind};
use crate::err;
use crate::sql::bind::scope::system_attno;
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::{self, Subject};
use crate::sql::exec::system_view;
use crate::sql::func::FuncDef;
use crate::sql::names::schema_and_name;
use crate::sql::plan::SYSTEM_COLUMNS;
use crate::types::{self, Column, Datum, oid};

/// A right asked for: its letter, and whether it must be grantable.
type Right = (char, bool);

const TABLE: &[(&str, char)] = &[
    ("SELECT", 'r'),
    ("INSERT", 'a'),
    ("UPDATE", 'w'),
    ("DELETE", 'd'),
    ("TRUNCATE", 'D'),
    ("REFERENCES", 'x'),
    ("TRIGGER", 't'),
    ("RULE", ' '),
];
const COLUMN: &[(&str, char)] = &[("SELECT", 'r'), ("INSERT", 'a'), ("UPDATE", 'w'), ("REFERENCES", 'x')];
const SEQUENCE: &[(&str, char)] = &[("USAGE", 'U'), ("SELECT", 'r'), ("UPDATE", 'w')];
const SCHEMA: &[(&str, char)] = &[("CREATE", 'C'), ("USAGE", 'U')];
const DATABASE: &[(&str, char)] = &[("CREATE", 'C'), ("TEMPORARY", 'T'), ("TEMP", 'T'), ("CONNECT", 'c')];
const FUNCTION: &[(&str, char)] = &[("EXECUTE", 'X')];
const USAGE: &[(&str, char)] = &[("USAGE", 'U')];
const TABLESPACE: &[(&str, char)] = &[("CREATE", 'C')];
const PARAMETER: &[(&str, char)] = &[("SET", 's'), ("ALTER SYSTEM", 'A')];
const MEMBER: &[(&str, char)] = &[("MEMBER", 'm'), ("USAGE", 'u'), ("SET", 's')];

/// Whether this is one of the family.
pub(super) fn is_member(src: &str) -> bool {
    src.starts_with("has_") && src.contains("_privilege") || src.starts_with("pg_has_role")
}

fn parse(text: &str, known: &[(&str, char)]) -> Result<Vec<Right>> {
    let one = |word: &str| -> Result<Right> {
        let upper = word.trim().to_ascii_uppercase();
        let option = upper.strip_suffix(" WITH GRANT OPTION").or_else(|| upper.strip_suffix(" WITH ADMIN OPTION"));
        let name = option.unwrap_or(&upper);
        let found = known.iter().find(|(n, _)| *n == name);
        let unknown = || {
            err!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{}\"", word.trim()).place(
                "convert_any_priv_string",
                "acl.c",
                1699,
            )
        };
        found.map(|(_, letter)| (*letter, option.is_some())).ok_or_else(unknown)
    };
    text.split(',').map(one).collect()
}

/// The role a question is about.
fn role(catalog: &Catalog, arg: Datum<'_>) -> Result<Oid> {
    match arg {
        Datum::U32(oid) => Ok(Oid(oid)),
        name => {
            let name = name.str();
            if name == "public" {
                return Ok(Oid::INVALID);
            }
            let found = catalog.role_by_name(name);
            found.map(|r| r.oid).ok_or_else(|| {
                err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist").place("get_role_oid", "acl.c", 5201)
            })
        }
    }
}

pub(super) fn call(cx: &mut ExecContext, def: &FuncDef, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match answer(cx, def, args)? {
        Some(yes) => out.push(Datum::Bool(yes)),
        None => out.push_null(),
    }
    Ok(())
}

fn answer(cx: &mut ExecContext, def: &FuncDef, args: &[Datum<'_>]) -> Result<Option<bool>> {
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    // Without a user the current one is meant.
    let wanted = if matches!(def.name, "has_column_privilege") { 4 } else { 3 };
    let (user, rest) = match args.len() == wanted {
        true => (role(&catalog, args[0])?, &args[1..]),
        false => (backend.user.current, args),
    };
    let subject = Subject::of(&catalog, user);
    let (object, word) = (rest[0], rest[rest.len() - 1].str());
    let any = |rights: Vec<Right>, f: &dyn Fn(Right) -> bool| Some(rights.into_iter().any(f));
    match def.name {
        "has_table_privilege" => {
            let (rights, Some(oid)) = (parse(word, TABLE)?, relation(&catalog, object)?) else { return Ok(None) };
            // Nobody has RULE any more, not even a superuser.
            let has = |t: &rights::Target<'_>, (r, g): Right| r != ' ' && t.whole(&subject, r, g);
            Ok(rights::with_target(&catalog, oid, |t| any(rights, &|right| has(t, right))).flatten())
        }
        "has_sequence_privilege" => {
            let (rights, Some(oid)) = (parse(word, SEQUENCE)?, relation(&catalog, object)?) else { return Ok(None) };
            if let Some(other) = catalog.relation(oid)?.filter(|r| r.kind != RelKind::Sequence) {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", other.name));
            }
            Ok(rights::with_target(&catalog, oid, |t| any(rights, &|(r, g)| t.whole(&subject, r, g))).flatten())
        }
        "has_any_column_privilege" => {
            let (rights, Some(oid)) = (parse(word, COLUMN)?, relation(&catalog, object)?) else { return Ok(None) };
            let held = |t: &rights::Target<'_>, (r, g): Right| {
                t.whole(&subject, r, g) || t.attributes.iter().any(|a| t.column(&subject, a.attno, r, g))
            };
            Ok(rights::with_target(&catalog, oid, |t| any(rights, &|right| held(t, right))).flatten())
        }
        "has_column_privilege" => {
            let (rights, Some(oid)) = (parse(word, COLUMN)?, relation(&catalog, object)?) else { return Ok(None) };
            column(&catalog, &subject, oid, rest[1], &rights)
        }
        "has_schema_privilege" => {
            let rights = parse(word, SCHEMA)?;
            let oid = match object {
                Datum::U32(oid) => Oid(oid),
                name => catalog.namespace_oid(name.str())?,
            };
            if catalog.namespace(oid).is_none() {
                return Ok(None);
            }
            Ok(any(rights, &|(r, g)| rights::schema_allows(&catalog, &subject, oid, r, g)))
        }
        "has_database_privilege" => {
            let rights = parse(word, DATABASE)?;
            let found = match object {
                Datum::U32(oid) => catalog.database_by_oid(Oid(oid)),
                name => {
                    let (name, missing) =
                        (name.str(), |n: &str| err!(INVALID_CATALOG_NAME, "database \"{n}\" does not exist"));
                    Some(catalog.database_by_name(name).ok_or_else(|| missing(name))?)
                }
            };
            let Some(d) = found else { return Ok(None) };
            Ok(any(rights, &|(r, g)| subject.may(d.owner, d.acl.as_deref(), "Tc", r, g)))
        }
        "has_function_privilege" => {
            let rights = parse(word, FUNCTION)?;
            function(&catalog, &subject, object, &rights)
        }
        "has_type_privilege" => {
            let rights = parse(word, USAGE)?;
            let oid = match object {
                Datum::U32(oid) => Oid(oid),
                name => crate::sql::names::reg_in(&catalog, oid::REGTYPE, name.str())?,
            };
            match types::info(oid) {
                Some(_) => Ok(any(rights, &|(r, g)| rights::type_allows(&catalog, &subject, oid, r, g))),
                None => Ok(None),
            }
        }
        "has_language_privilege" => {
            let rights = parse(word, USAGE)?;
            let oid = match object {
                Datum::U32(oid) => Oid(oid),
                name => match name.str() {
                    name @ ("internal" | "c" | "sql" | "plpgsql") => system_view::language(name),
                    name => return Err(err!(UNDEFINED_OBJECT, "language \"{name}\" does not exist")),
                },
            };
            if !(12..=14).contains(&oid.0) && oid != system_view::language("plpgsql") {
                return Ok(None);
            }
            Ok(any(rights, &|(r, g)| rights::language_allows(&catalog, &subject, oid, r, g)))
        }
        "has_tablespace_privilege" => {
            let found = match object {
                Datum::U32(oid) => catalog.tablespace(Oid(oid)),
                name => {
                    let missing = || err!(UNDEFINED_OBJECT, "tablespace \"{}\" does not exist", name.str());
                    Some(catalog.tablespace_by_name(name.str()).ok_or_else(missing)?)
                }
            };
            let rights = parse(word, TABLESPACE)?;
            let Some(t) = found else { return Ok(None) };
            Ok(any(rights, &|(r, g)| subject.may(t.owner, t.acl.as_deref(), "", r, g)))
        }
        // No rights on parameters are granted.
        "has_parameter_privilege" => {
            let rights = parse(word, PARAMETER)?;
            Ok(any(rights, &|_| subject.is_superuser()))
        }
        "has_foreign_data_wrapper_privilege" | "has_server_privilege" => {
            let rights = parse(word, USAGE)?;
            let (kind, class) = match def.name {
                "has_server_privilege" => ("server", class::FOREIGN_SERVER),
                _ => ("foreign-data wrapper", class::FOREIGN_DATA_WRAPPER),
            };
            let oid = match object {
                Datum::U32(oid) => Oid(oid),
                name => {
                    let missing = || err!(UNDEFINED_OBJECT, "{kind} \"{}\" does not exist", name.str());
                    *catalog.find(class, Oid::INVALID, name.str()).first().ok_or_else(missing)?
                }
            };
            let Some(record) = catalog.get(ObjectKey::new(class, oid)) else { return Ok(None) };
            let Object::Foreign(f) = &record.object else { return Ok(None) };
            Ok(any(rights, &|(r, g)| subject.may(f.owner, f.acl.as_deref(), "", r, g)))
        }
        "pg_has_role" => {
            let rights = parse(word, MEMBER)?;
            let of = role(&catalog, object)?;
            let held = |(_, admin): Right| match admin {
                true => subject.is_superuser() || is_admin(&catalog, user, of),
                false => subject.has_role(of),
            };
            Ok(any(rights, &held))
        }
        other => Err(Error::unsupported(format!("function {other}() is not supported"))),
    }
}

fn is_admin(catalog: &Catalog, member: Oid, of: Oid) -> bool {
    catalog.role(member).is_some_and(|r| r.member_of.iter().any(|m| m.role == of && m.admin))
}

fn relation(catalog: &Catalog, object: Datum<'_>) -> Result<Option<Oid>> {
    match object {
        Datum::U32(oid) => Ok(Some(Oid(oid))),
        name => {
            let text = name.str();
            let (schema, relation) = schema_and_name(text)?;
            let found = catalog.class_oid_by_name(schema.as_deref(), &relation)?;
            found.map(Some).ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{text}\" does not exist"))
        }
    }
}

fn column(
    catalog: &Catalog,
    subject: &Subject,
    relation: Oid,
    column: Datum<'_>,
    rights: &[Right],
) -> Result<Option<bool>> {
    let answer = rights::with_target(catalog, relation, |t| {
        let attno = match column {
            Datum::I16(n) if (-SYSTEM_COLUMNS..0).contains(&n) => Some(n),
            Datum::I16(n) => t.attributes.iter().find(|a| a.attno == n && !a.dropped).map(|a| a.attno),
            name => {
                let name = name.str();
                // A column that was dropped is found by the name it has since; nobody has rights on it.
                let named = t.attributes.iter().find(|a| a.name == name);
                if named.is_some_and(|a| a.dropped) {
                    return Ok(None);
                }
                let found = named.map(|a| a.attno).or_else(|| system_attno(name));
                let missing = || err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{}\" does not exist", t.name);
                Some(found.ok_or_else(missing)?)
            }
        };
        let Some(attno) = attno else { return Ok(None) };
        Ok(Some(rights.iter().any(|(r, g)| t.whole(subject, *r, *g) || t.column(subject, attno, *r, *g))))
    });
    answer.unwrap_or(Ok(None))
}

fn function(catalog: &Catalog, subject: &Subject, object: Datum<'_>, rights: &[Right]) -> Result<Option<bool>> {
    let oid = match object {
        Datum::U32(oid) => Oid(oid),
        name => crate::sql::names::reg_in(catalog, oid::REGPROCEDURE, name.str())?,
    };
    if let Some(f) = crate::sql::func::func(oid) {
        let acl = rights::function_acl(catalog, f.oid);
        let may = |(r, g): &Right| subject.may(fixed::BOOTSTRAP_SUPERUSER, acl.as_deref(), "X", *r, *g);
        return Ok(Some(rights.iter().any(may)));
    }
    let Some(record) = catalog.get(ObjectKey::new(class::PROC, oid)) else { return Ok(None) };
    let Object::Function(f) = &record.object else { return Ok(None) };
    Ok(Some(rights.iter().any(|(r, g)| subject.may(f.owner, f.acl.as_deref(), "X", *r, *g))))
}
