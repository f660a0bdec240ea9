//! CREATE, ALTER and DROP TEXT SEARCH CONFIGURATION and DICTIONARY. PostgreSQL 15, tsearchcmds.c: same refusals.

use super::write::{new_oid, put};
use super::{Command, names, role, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Depend, class, fixed};
use crate::catalog::{Catalog, Object, ObjectKey, TsConfig, TsDictionary};
use crate::err;
use crate::sql::ast::{
    AlterTsConfigStmt, AlterTsDictionaryStmt, DefArg, DefElem, DefineStmt, Mapping, ObjectType, QualName,
};
use crate::sql::exec::ExecContext;
use crate::sql::text_search::options::{self, DictionaryOption};
use crate::sql::text_search::{Kind, config, dictionary};
use crate::text_search::Token;

/// What initdb makes from here on can be dropped in PostgreSQL (15, transam.h, FirstUnpinnedObjectId), and others depend on it.
pub const FIRST_UNPINNED: Oid = Oid(12000);

/// The kind of text search object that a statement is about.
pub fn kind_of(object: ObjectType) -> Option<Kind> {
    match object {
        ObjectType::TsConfiguration => Some(Kind::Config),
        ObjectType::TsDictionary => Some(Kind::Dictionary),
        ObjectType::TsParser => Some(Kind::Parser),
        ObjectType::TsTemplate => Some(Kind::Template),
        _ => None,
    }
}

/// An object as it is stored, or as it would be.
fn object(catalog: &Catalog, kind: Kind, oid: Oid) -> Option<Object> {
    match kind {
        Kind::Config => config(catalog, oid).map(Object::TsConfig),
        Kind::Dictionary => dictionary(catalog, oid).map(Object::TsDictionary),
        Kind::Parser | Kind::Template => None,
    }
}

fn owner(object: &Object) -> Oid {
    match object {
        Object::TsConfig(c) => c.owner,
        Object::TsDictionary(d) => d.owner,
        _ => fixed::BOOTSTRAP_SUPERUSER,
    }
}

/// The object of a name, for somebody who must own it.
pub fn named(cx: &mut ExecContext, kind: Kind, name: &[String]) -> Result<ObjectKey> {
    let catalog = cx.backend()?.catalog.clone();
    let oid = kind.named(&catalog, name)?;
    let owner = object(&catalog, kind, oid).map_or(fixed::BOOTSTRAP_SUPERUSER, |o| owner(&o));
    match role::has_role(cx.backend()?, owner) {
        true => Ok(ObjectKey::new(kind.class(), oid)),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {} {}", kind.word(), name.join("."))),
    }
}

/// What RENAME, SET SCHEMA and OWNER TO change.
#[derive(Default)]
pub struct Change<'a> {
    pub name: Option<&'a str>,
    pub namespace: Option<Oid>,
    pub owner: Option<Oid>,
}

/// The object under its new name, in its new place or with its new owner.
///
/// # Errors
/// 42710 where there is one of that name; 0A000 for parsers and templates.
pub fn changed(cx: &mut ExecContext, kind: Kind, name: &[String], change: &Change<'_>) -> Result<Object> {
    let key = named(cx, kind, name)?;
    let catalog = cx.backend()?.catalog.clone();
    let Some(mut object) = object(&catalog, kind, key.oid) else {
        return Err(Error::unsupported(format!("ALTER of {}s is not supported", kind.word())));
    };
    let (place, own, of) = match &mut object {
        Object::TsConfig(c) => (&mut c.namespace, &mut c.name, &mut c.owner),
        Object::TsDictionary(d) => (&mut d.namespace, &mut d.name, &mut d.owner),
        _ => return Err(Error::internal("no object of text search")),
    };
    if change.name.is_some() || change.namespace.is_some() {
        let (namespace, new) = (change.namespace.unwrap_or(*place), change.name.unwrap_or(own));
        if kind.in_schema(&catalog, namespace, new).is_some() {
            let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
            let text = format!("{} \"{new}\" already exists in schema \"{schema}\"", kind.word());
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
        }
        (*own, *place) = (new.to_owned(), namespace);
    }
    *of = change.owner.unwrap_or(*of);
    Ok(object)
}

pub fn create(cx: &mut ExecContext, kind: Kind, stmt: &DefineStmt) -> Flow<String> {
    if matches!(kind, Kind::Parser | Kind::Template) {
        if !cx.backend()?.user.is_superuser {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create {}s", kind.word()).into());
        }
        let text = format!("CREATE {} is not supported: their functions would be in C", kind.word().to_uppercase());
        return Err(Error::unsupported(text).into());
    }
    let namespace = schema::for_new(cx.backend()?, stmt.name.schema())?;
    let name = stmt.name.name();
    names::lock_name(cx, kind.class(), namespace, name)?;
    let mut object = match kind {
        Kind::Config => Object::TsConfig(new_config(cx, &stmt.options)?),
        _ => Object::TsDictionary(new_dictionary(cx, &stmt.options)?),
    };
    let catalog = cx.backend()?.catalog.clone();
    if kind.in_schema(&catalog, namespace, name).is_some() {
        let (index, column) = match kind {
            Kind::Config => ("pg_ts_config_cfgname_index", "cfgname, cfgnamespace"),
            _ => ("pg_ts_dict_dictname_index", "dictname, dictnamespace"),
        };
        let text = format!("duplicate key value violates unique constraint \"{index}\"");
        let detail = format!("Key ({column})=({name}, {namespace}) already exists.");
        return Err(Error::new(SqlState::UNIQUE_VIOLATION, text).detail(detail).into());
    }
    let (oid, by) = (new_oid(cx)?, cx.backend()?.user.current);
    match &mut object {
        Object::TsConfig(c) => (c.oid, c.name, c.namespace, c.owner) = (oid, name.to_owned(), namespace, by),
        Object::TsDictionary(d) => (d.oid, d.name, d.namespace, d.owner) = (oid, name.to_owned(), namespace, by),
        _ => {}
    }
    put(cx, object)?;
    Ok(format!("CREATE {}", kind.word().to_uppercase()))
}

/// The name an option gives.
fn option_name(e: &DefElem) -> Result<Vec<String>> {
    match &e.arg {
        Some(DefArg::Name(name)) => Ok(name.parts.clone()),
        Some(DefArg::Type(t)) => Ok(t.names.clone()),
        Some(DefArg::Str(s)) => Ok(vec![s.clone()]),
        None => Err(err!(SYNTAX_ERROR, "{} requires a parameter", e.name)),
        Some(_) => Err(err!(SYNTAX_ERROR, "argument of {} must be a name", e.name)),
    }
}

fn new_config(cx: &mut ExecContext, given: &[DefElem]) -> Result<TsConfig> {
    let catalog = cx.backend()?.catalog.clone();
    let (mut parser, mut source) = (None, None);
    for e in given {
        match e.name.as_str() {
            "parser" => parser = Some(Kind::Parser.named(&catalog, &option_name(e)?)?),
            "copy" => source = Some(Kind::Config.named(&catalog, &option_name(e)?)?),
            other => {
                return Err(err!(SYNTAX_ERROR, "text search configuration parameter \"{other}\" not recognized"));
            }
        }
    }
    let empty = TsConfig {
        oid: Oid::INVALID,
        name: String::new(),
        namespace: Oid::INVALID,
        owner: Oid::INVALID,
        maps: Vec::new(),
        depends: Vec::new(),
    };
    match (parser, source) {
        (Some(_), Some(_)) => Err(err!(SYNTAX_ERROR, "cannot specify both PARSER and COPY options")),
        (None, None) => Err(err!(INVALID_OBJECT_DEFINITION, "text search parser is required")),
        (Some(_), None) => Ok(empty),
        (None, Some(oid)) => {
            let maps = config(&catalog, oid).map(|c| c.maps).unwrap_or_default();
            Ok(TsConfig { depends: depends(&maps), maps, ..empty })
        }
    }
}

/// The users' dictionaries that a configuration needs.
fn depends(maps: &[(i32, Vec<Oid>)]) -> Vec<Depend> {
    let mut own: Vec<Oid> = maps.iter().flat_map(|(_, list)| list).copied().collect();
    own.retain(|d| *d >= FIRST_UNPINNED);
    own.sort_unstable();
    own.dedup();
    own.into_iter().map(|d| Depend { on: ObjectKey::new(class::TS_DICTIONARY, d), auto: false }).collect()
}

fn option(e: &DefElem) -> Result<DictionaryOption> {
    let value = e.string().ok_or_else(|| err!(SYNTAX_ERROR, "{} requires a parameter", e.name))?;
    let number = matches!(e.arg, Some(DefArg::Int(_) | DefArg::Float(_)));
    Ok(DictionaryOption { name: e.name.clone(), value, number })
}

fn new_dictionary(cx: &mut ExecContext, given: &[DefElem]) -> Result<TsDictionary> {
    let catalog = cx.backend()?.catalog.clone();
    let (mut template, mut own) = (None, Vec::new());
    for e in given {
        match e.name.as_str() {
            "template" => template = Some(Kind::Template.named(&catalog, &option_name(e)?)?),
            _ => own.push(option(e)?),
        }
    }
    let Some(template) = template else {
        return Err(err!(INVALID_OBJECT_DEFINITION, "text search template is required"));
    };
    let made = TsDictionary {
        oid: Oid::INVALID,
        name: String::new(),
        namespace: Oid::INVALID,
        owner: Oid::INVALID,
        template,
        options: options::write(&own),
    };
    cx.backend()?.text_search.try_dictionary(&catalog, &made)?;
    Ok(made)
}

pub fn alter_dictionary(cx: &mut ExecContext, stmt: &AlterTsDictionaryStmt) -> Flow<String> {
    let key = named(cx, Kind::Dictionary, &stmt.name.parts)?;
    let catalog = cx.backend()?.catalog.clone();
    let mut d = dictionary(&catalog, key.oid).ok_or_else(|| Error::internal("the dictionary is gone"))?;
    let mut own = d.options.as_deref().map(options::read).transpose()?.unwrap_or_default();
    for e in &stmt.options {
        own.retain(|o| o.name != e.name);
        if e.arg.is_some() {
            own.push(option(e)?);
        }
    }
    d.options = options::write(&own);
    cx.backend()?.text_search.try_dictionary(&catalog, &d)?;
    put(cx, Object::TsDictionary(d))?;
    Ok("ALTER TEXT SEARCH DICTIONARY".into())
}

/// The numbers of kinds of tokens, each once.
fn tokens(aliases: &[String]) -> Result<Vec<Token>> {
    let mut found: Vec<Token> = Vec::new();
    for alias in aliases {
        let token = Token::ALL.iter().find(|t| t.alias() == alias).copied();
        let token = token.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "token type \"{alias}\" does not exist"))?;
        if !found.contains(&token) {
            found.push(token);
        }
    }
    Ok(found)
}

fn dictionaries(catalog: &Catalog, names: &[QualName]) -> Result<Vec<Oid>> {
    names.iter().map(|n| Kind::Dictionary.named(catalog, &n.parts)).collect()
}

pub fn alter_config(_: &Command, cx: &mut ExecContext, stmt: &AlterTsConfigStmt) -> Flow<String> {
    let key = named(cx, Kind::Config, &stmt.name.parts)?;
    let catalog = cx.backend()?.catalog.clone();
    let mut c = config(&catalog, key.oid).ok_or_else(|| Error::internal("the configuration is gone"))?;
    match &stmt.mapping {
        Mapping::Add { tokens: aliases, dictionaries: names } => {
            let (tokens, list) = (tokens(aliases)?, dictionaries(&catalog, names)?);
            for token in tokens {
                add_map(&mut c, token, &list)?;
            }
        }
        Mapping::Alter { tokens: aliases, dictionaries: names } => {
            let tokens = tokens(aliases)?;
            c.maps.retain(|(n, _)| tokens.iter().all(|t| t.number() != *n));
            let list = dictionaries(&catalog, names)?;
            for token in tokens {
                add_map(&mut c, token, &list)?;
            }
        }
        Mapping::Replace { tokens: aliases, old, new } => {
            let tokens = tokens(aliases)?;
            let old = Kind::Dictionary.named(&catalog, &old.parts)?;
            let new = Kind::Dictionary.named(&catalog, &new.parts)?;
            let meant = |n: i32| tokens.is_empty() || tokens.iter().any(|t| t.number() == n);
            for (_, list) in c.maps.iter_mut().filter(|(n, _)| meant(*n)) {
                list.iter_mut().filter(|d| **d == old).for_each(|d| *d = new);
            }
        }
        Mapping::Drop { tokens: aliases, missing_ok } => {
            for token in tokens(aliases)? {
                let before = c.maps.len();
                c.maps.retain(|(n, _)| *n != token.number());
                if c.maps.len() == before {
                    let text = format!("mapping for token type \"{}\" does not exist", token.alias());
                    if !missing_ok {
                        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
                    }
                    names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
                }
            }
        }
    }
    c.depends = depends(&c.maps);
    put(cx, Object::TsConfig(c))?;
    Ok("ALTER TEXT SEARCH CONFIGURATION".into())
}

fn add_map(c: &mut TsConfig, token: Token, list: &[Oid]) -> Result<()> {
    let number = token.number();
    if c.maps.iter().any(|(n, _)| *n == number) {
        let text = "duplicate key value violates unique constraint \"pg_ts_config_map_index\"";
        let detail = format!("Key (mapcfg, maptokentype, mapseqno)=({}, {number}, 1) already exists.", c.oid);
        return Err(Error::new(SqlState::UNIQUE_VIOLATION, text).detail(detail));
    }
    let at = c.maps.partition_point(|(n, _)| *n < number);
    c.maps.insert(at, (number, list.to_vec()));
    Ok(())
}
