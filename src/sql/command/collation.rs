//! CREATE COLLATION. PostgreSQL 15, collationcmds.c: same rules and refusals.

use super::write::{new_oid, put};
use super::{Command, names, role, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, Collation, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{DefElem, DefineStmt, QualName};
use crate::sql::bind::Names;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{self, BuiltinCollation};
use crate::types;
use crate::types::collation::Provider;

/// A user's collation by name.
pub fn find(catalog: &Catalog, name: &QualName) -> Option<Collation> {
    let path = match name.schema() {
        Some(s) => vec![catalog.namespace_by_name(s)?.object.as_namespace().ok()?.oid],
        None => catalog.effective_path().to_vec(),
    };
    path.into_iter().find_map(|namespace| in_schema(catalog, namespace, name.name()))
}

/// A collation's name, without its schema.
pub fn name(catalog: &Catalog, oid: Oid) -> String {
    match catalog.get(ObjectKey::new(class::COLLATION, oid)).map(|r| r.object.clone()) {
        Some(Object::Collation(c)) => c.name,
        _ => system_view::builtin_collation(oid).map_or_else(String::new, |c| c.name.to_owned()),
    }
}

fn in_schema(catalog: &Catalog, namespace: Oid, name: &str) -> Option<Collation> {
    let oid = *catalog.find(class::COLLATION, namespace, name).first()?;
    match &catalog.get(ObjectKey::new(class::COLLATION, oid))?.object {
        Object::Collation(c) => Some(c.clone()),
        _ => None,
    }
}

/// A user's own collation.
pub fn named(cx: &mut ExecContext, name: &QualName) -> Result<Option<Collation>> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(found) = find(&catalog, name) else { return Ok(None) };
    match role::has_role(cx.backend()?, found.owner) {
        true => Ok(Some(found)),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of collation {}", found.name)),
    }
}

/// # Errors
/// 42710 where a schema has one of this name.
pub fn check_free(cx: &mut ExecContext, namespace: Oid, name: &str) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    if in_schema(&catalog, namespace, name).is_none() {
        return Ok(());
    }
    let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    let text = format!("collation \"{name}\" for encoding \"UTF8\" already exists in schema \"{schema}\"");
    Err(Error::new(SqlState::DUPLICATE_OBJECT, text))
}

/// What is ordered by, as the options or the collation copied say it.
#[derive(Default)]
struct Definition {
    collate: String,
    ctype: String,
    icu_locale: Option<String>,
    nondeterministic: bool,
    version: Option<String>,
}

impl Definition {
    fn locale(&self) -> (Provider, &str) {
        types::collation::named(self.icu_locale.as_deref(), &self.collate)
    }
}

fn definition(cmd: &Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Result<Definition> {
    if let Some(from) = &stmt.from {
        return copied(cx, from);
    }
    if let Some(from) = stmt.options.iter().find(|e| e.name == "from") {
        if stmt.options.len() > 1 {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options")
                .detail("FROM cannot be specified together with any other options."));
        }
        return copied(cx, &super::base_type::name_of(from));
    }
    let (mut locale, mut collate, mut ctype, mut provider, mut version, mut deterministic) =
        (None, None, None, None, None, None);
    for e in &stmt.options {
        let slot = match e.name.as_str() {
            "locale" => &mut locale,
            "lc_collate" => &mut collate,
            "lc_ctype" => &mut ctype,
            "provider" => &mut provider,
            "version" => &mut version,
            "deterministic" => &mut deterministic,
            other => {
                let text = format!("collation attribute \"{other}\" not recognized");
                return Err(Error::new(SqlState::SYNTAX_ERROR, text).at(cmd.at(e.pos)));
            }
        };
        if slot.is_some() {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        *slot = Some(e);
    }
    if locale.is_some() && (collate.is_some() || ctype.is_some()) {
        return Err(err!(SYNTAX_ERROR, "conflicting or redundant options")
            .detail("LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE."));
    }
    let text = |e: Option<&DefElem>| e.and_then(DefElem::string);
    let provider = match text(provider) {
        None => Provider::Libc,
        Some(name) if name.eq_ignore_ascii_case("libc") => Provider::Libc,
        Some(name) if name.eq_ignore_ascii_case("icu") => Provider::Icu,
        Some(other) => return Err(err!(INVALID_OBJECT_DEFINITION, "unrecognized collation provider: {other}")),
    };
    let missing = |name: &str| err!(INVALID_OBJECT_DEFINITION, "parameter \"{name}\" must be specified");
    let deterministic = !deterministic.is_some_and(is_false);
    let locale = text(locale);
    let mut made = Definition { version: text(version), ..Definition::default() };
    match provider {
        Provider::Icu => made.icu_locale = Some(locale.ok_or_else(|| missing("locale"))?),
        Provider::Libc => {
            made.collate = text(collate).or_else(|| locale.clone()).ok_or_else(|| missing("lc_collate"))?;
            made.ctype = text(ctype).or(locale).ok_or_else(|| missing("lc_ctype"))?;
        }
    }
    if !deterministic {
        if provider == Provider::Libc {
            return Err(Error::unsupported("nondeterministic collations not supported with this provider"));
        }
        made.nondeterministic = true;
    }
    if made.version.is_none() {
        made.version = types::collation::version(made.locale());
    }
    Ok(made)
}

fn is_false(e: &DefElem) -> bool {
    e.string().is_some_and(|s| matches!(s.to_ascii_lowercase().as_str(), "false" | "off" | "0"))
}

fn copied(cx: &mut ExecContext, from: &QualName) -> Result<Definition> {
    let catalog = cx.backend()?.catalog.clone();
    if let Some(c) = find(&catalog, from) {
        let nondeterministic = !c.deterministic;
        let Collation { collate, ctype, icu_locale, version, .. } = c;
        return Ok(Definition { collate, ctype, icu_locale, nondeterministic, version });
    }
    let found = named_oid(&catalog, from)?;
    if found == fixed::DEFAULT_COLLATION {
        return Err(err!(INVALID_OBJECT_DEFINITION, "collation \"default\" cannot be copied"));
    }
    Ok(match system_view::builtin_collation(found) {
        Some(BuiltinCollation { icu_locale: Some(locale), .. }) => Definition {
            icu_locale: Some((*locale).to_owned()),
            version: types::collation::version((Provider::Icu, locale)),
            ..Definition::default()
        },
        Some(BuiltinCollation { name: name @ "POSIX", .. }) => {
            Definition { collate: (*name).to_owned(), ctype: (*name).to_owned(), ..Definition::default() }
        }
        _ => Definition { collate: "C".into(), ctype: "C".into(), ..Definition::default() },
    })
}

/// A collation by its name, the system's own included.
///
/// # Errors
/// 42704 if there is none.
pub fn named_oid(catalog: &Catalog, name: &QualName) -> Result<Oid> {
    let found = Names::collation_by_name(catalog, name.schema(), name.name());
    let missing = || err!(UNDEFINED_OBJECT, "collation \"{}\" for encoding \"UTF8\" does not exist", name.joined());
    found.ok_or_else(missing)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, stmt.name.schema())?;
    let owner = backend.user.current;
    let name = stmt.name.name().to_owned();
    names::lock_name(cx, class::COLLATION, namespace, &name)?;
    let made = definition(cmd, cx, stmt)?;
    let catalog = cx.backend()?.catalog.clone();
    if in_schema(&catalog, namespace, &name).is_some() {
        let text = format!("collation \"{name}\" already exists");
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
            return Ok("CREATE COLLATION".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    // The locale must be there.
    let (provider, locale) = made.locale();
    types::Collation::open(provider, locale)?;
    let oid = new_oid(cx)?;
    let Definition { collate, ctype, icu_locale, nondeterministic, version } = made;
    let deterministic = !nondeterministic;
    let made = Collation { oid, name, namespace, owner, collate, ctype, icu_locale, deterministic, version };
    put(cx, Object::Collation(made))?;
    Ok("CREATE COLLATION".into())
}

/// ALTER COLLATION … REFRESH VERSION.
pub fn refresh(cx: &mut ExecContext, name: &QualName) -> Flow<String> {
    let catalog = cx.backend()?.catalog.clone();
    let oid = named_oid(&catalog, name)?;
    let Some(mut c) = named(cx, name)? else {
        if !cx.backend()?.user.is_superuser {
            let text = format!("must be owner of collation {}", self::name(&catalog, oid));
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).into());
        }
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, "version has not changed");
        return Ok("ALTER COLLATION".into());
    };
    let now = types::collation::version(c.locale());
    match (&c.version, &now) {
        (Some(old), Some(new)) if old != new => {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("changing version from {old} to {new}"));
            c.version = now;
            put(cx, Object::Collation(c))?;
        }
        (Some(_), Some(_)) | (None, None) => {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, "version has not changed");
        }
        _ => return Err(err!(INTERNAL_ERROR, "invalid collation version change").into()),
    }
    Ok("ALTER COLLATION".into())
}

/// How it is called in messages.
pub fn shown(catalog: &Catalog, c: &Collation) -> String {
    let name = crate::types::name::quote_identifier(&c.name);
    match catalog.namespace(c.namespace) {
        Some(n) if !catalog.effective_path().contains(&c.namespace) => {
            format!("{}.{name}", crate::types::name::quote_identifier(&n.name))
        }
        _ => name,
    }
}
