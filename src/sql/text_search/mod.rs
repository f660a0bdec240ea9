//! Text search configurations and dictionaries of a session: by name, and ready for use.
//!
//! Those that initdb makes are known for good; one of them that somebody altered is a catalog object under its old OID,
//! which counts instead.

mod load;
pub mod options;

pub use load::Cache;

use crate::base::{Oid, Result};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, Object, ObjectKey, TsConfig, TsDictionary};
use crate::err;
use crate::text_search::dictionary::Template;
use std::sync::LazyLock;

/// `pg_catalog.default`, the only parser.
pub const PARSER: Oid = Oid(3722);

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().map(|l| l.split('\t').collect())
}

fn number(row: &[&str], n: usize) -> Oid {
    Oid(row.get(n).and_then(|t| t.parse().ok()).unwrap_or_default())
}

static CONFIGS: LazyLock<Vec<TsConfig>> = LazyLock::new(|| {
    let maps: Vec<(Oid, i32, Oid)> = rows(include_str!("../exec/system_view/facts/pg_ts_config_map.txt"))
        .map(|r| (number(&r, 0), number(&r, 1).0 as i32, number(&r, 3)))
        .collect();
    let config = |r: Vec<&'static str>| {
        let oid = number(&r, 0);
        let mut own: Vec<(i32, Vec<Oid>)> = Vec::new();
        for (_, token, dictionary) in maps.iter().filter(|m| m.0 == oid) {
            match own.iter_mut().find(|(t, _)| t == token) {
                Some((_, list)) => list.push(*dictionary),
                None => own.push((*token, vec![*dictionary])),
            }
        }
        let name = r.get(1).copied().unwrap_or_default().to_owned();
        let (namespace, owner) = (fixed::PG_CATALOG, fixed::BOOTSTRAP_SUPERUSER);
        TsConfig { oid, name, namespace, owner, maps: own, depends: Vec::new() }
    };
    rows(include_str!("../exec/system_view/facts/pg_ts_config.txt")).map(config).collect()
});

static DICTIONARIES: LazyLock<Vec<TsDictionary>> = LazyLock::new(|| {
    let dictionary = |r: Vec<&'static str>| TsDictionary {
        oid: number(&r, 0),
        name: r.get(1).copied().unwrap_or_default().to_owned(),
        namespace: fixed::PG_CATALOG,
        owner: fixed::BOOTSTRAP_SUPERUSER,
        template: number(&r, 4),
        options: r.get(5).filter(|o| **o != "\\N").map(|o| (*o).to_owned()),
    };
    rows(include_str!("../exec/system_view/facts/pg_ts_dict.txt")).map(dictionary).collect()
});

pub fn config(catalog: &Catalog, oid: Oid) -> Option<TsConfig> {
    if let Some(record) = catalog.get(ObjectKey::new(class::TS_CONFIG, oid)) {
        return match &record.object {
            Object::TsConfig(c) => Some(c.clone()),
            _ => None,
        };
    }
    CONFIGS.iter().find(|c| c.oid == oid).cloned()
}

pub fn dictionary(catalog: &Catalog, oid: Oid) -> Option<TsDictionary> {
    if let Some(record) = catalog.get(ObjectKey::new(class::TS_DICTIONARY, oid)) {
        return match &record.object {
            Object::TsDictionary(d) => Some(d.clone()),
            _ => None,
        };
    }
    DICTIONARIES.iter().find(|d| d.oid == oid).cloned()
}

/// All configurations, in the order of their OIDs.
pub fn configs(catalog: &Catalog) -> Vec<TsConfig> {
    let mut all: Vec<TsConfig> = catalog
        .all(class::TS_CONFIG)
        .iter()
        .filter_map(|r| if let Object::TsConfig(c) = &r.object { Some(c.clone()) } else { None })
        .collect();
    let untouched: Vec<TsConfig> = CONFIGS.iter().filter(|b| all.iter().all(|c| c.oid != b.oid)).cloned().collect();
    all.extend(untouched);
    all.sort_by_key(|c| c.oid);
    all
}

pub fn dictionaries(catalog: &Catalog) -> Vec<TsDictionary> {
    let mut all: Vec<TsDictionary> = catalog
        .all(class::TS_DICTIONARY)
        .iter()
        .filter_map(|r| if let Object::TsDictionary(d) = &r.object { Some(d.clone()) } else { None })
        .collect();
    let untouched: Vec<TsDictionary> =
        DICTIONARIES.iter().filter(|b| all.iter().all(|d| d.oid != b.oid)).cloned().collect();
    all.extend(untouched);
    all.sort_by_key(|d| d.oid);
    all
}

/// Kinds of objects of text search that have names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Config,
    Dictionary,
    Parser,
    Template,
}

impl Kind {
    pub fn class(self) -> Oid {
        match self {
            Kind::Config => class::TS_CONFIG,
            Kind::Dictionary => class::TS_DICTIONARY,
            Kind::Parser => class::TS_PARSER,
            Kind::Template => class::TS_TEMPLATE,
        }
    }

    /// What it is called in messages.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Config => "text search configuration",
            Kind::Dictionary => "text search dictionary",
            Kind::Parser => "text search parser",
            Kind::Template => "text search template",
        }
    }

    /// The object of this name in a schema.
    pub fn in_schema(self, catalog: &Catalog, namespace: Oid, name: &str) -> Option<Oid> {
        if let Some(oid) = catalog.find(self.class(), namespace, name).first() {
            return Some(*oid);
        }
        if namespace != fixed::PG_CATALOG {
            return None;
        }
        let untouched = |oid: &Oid| catalog.get(ObjectKey::new(self.class(), *oid)).is_none();
        match self {
            Kind::Config => CONFIGS.iter().find(|c| c.name == name).map(|c| c.oid).filter(untouched),
            Kind::Dictionary => DICTIONARIES.iter().find(|d| d.name == name).map(|d| d.oid).filter(untouched),
            Kind::Parser => (name == "default").then_some(PARSER),
            Kind::Template => Template::ALL.iter().find(|t| t.name() == name).map(|t| Oid(t.oid())),
        }
    }

    /// Along the search path, or in the schema that is named.
    pub fn find(self, catalog: &Catalog, schema: Option<&str>, name: &str) -> Result<Option<Oid>> {
        let path = match schema {
            Some(s) => vec![catalog.namespace_oid(s)?],
            // Temporary schemas hold none.
            None => catalog.effective_path().to_vec(),
        };
        Ok(path.into_iter().find_map(|n| self.in_schema(catalog, n, name)))
    }

    /// # Errors
    /// 42704 `… does not exist`.
    pub fn named(self, catalog: &Catalog, parts: &[String]) -> Result<Oid> {
        let missing = || err!(UNDEFINED_OBJECT, "{} \"{}\" does not exist", self.word(), parts.join("."));
        let (name, schema) = parts.split_last().ok_or_else(missing)?;
        self.find(catalog, schema.last().map(String::as_str), name)?.ok_or_else(missing)
    }

    /// Schema and name of an object.
    pub fn place(self, catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
        match self {
            Kind::Config => config(catalog, oid).map(|c| (c.namespace, c.name)),
            Kind::Dictionary => dictionary(catalog, oid).map(|d| (d.namespace, d.name)),
            Kind::Parser => (oid == PARSER).then(|| (fixed::PG_CATALOG, "default".to_owned())),
            Kind::Template => {
                Template::ALL.iter().find(|t| t.oid() == oid.0).map(|t| (fixed::PG_CATALOG, t.name().to_owned()))
            }
        }
    }

    /// Whether the name alone finds it; None: there is no such object.
    pub fn is_visible(self, catalog: &Catalog, oid: Oid) -> Option<bool> {
        let (_, name) = self.place(catalog, oid)?;
        Some(self.find(catalog, None, &name).ok().flatten() == Some(oid))
    }

    /// Its name in quotes where needed, with its schema where the name alone does not find it.
    pub fn shown(self, catalog: &Catalog, oid: Oid) -> Option<String> {
        let (namespace, name) = self.place(catalog, oid)?;
        let name = crate::types::name::quote_identifier(&name).to_string();
        if self.is_visible(catalog, oid) == Some(true) {
            return Some(name);
        }
        let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
        Some(format!("{}.{name}", crate::types::name::quote_identifier(&schema)))
    }
}

/// The value that `default_text_search_config` takes for the one given; other parameters keep theirs.
///
/// # Errors
/// 22023 if there is no such configuration.
pub fn checked_setting<'a>(catalog: &Catalog, name: &str, value: &'a str) -> Result<std::borrow::Cow<'a, str>> {
    if crate::settings::find(name) != Some(crate::settings::Id::DefaultTextSearchConfig) {
        return Ok(value.into());
    }
    match setting(catalog, value) {
        Ok((_, whole)) => Ok(whole.into()),
        Err(_) => Err(err!(
            INVALID_PARAMETER_VALUE,
            "invalid value for parameter \"default_text_search_config\": \"{value}\""
        )),
    }
}

/// The configuration a setting names, with its whole name.
pub fn setting(catalog: &Catalog, value: &str) -> Result<(Oid, String)> {
    let missing = || err!(UNDEFINED_OBJECT, "text search configuration \"{value}\" does not exist");
    let (schema, name) = super::names::schema_and_name(value)?;
    let oid = Kind::Config.find(catalog, schema.as_deref(), &name)?.ok_or_else(missing)?;
    let (namespace, name) = Kind::Config.place(catalog, oid).ok_or_else(missing)?;
    let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    let quoted = crate::types::name::quote_identifier;
    Ok((oid, format!("{}.{}", quoted(&schema), quoted(&name))))
}
