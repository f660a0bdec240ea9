//! Configurations and dictionaries ready for use, made once and kept while nothing changes them.

use super::{DICTIONARIES, Kind, config, dictionary, options, setting};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Catalog, ObjectKey, Record, TsDictionary};
use crate::disk::{Disk, durable};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::Backend;
use crate::text_search::dictionary::{Files, Template, built_in_file};
use crate::text_search::{Config, Form, Letters, Loaded, Words};
use crate::types::{Column, Datum};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock};

use crate::catalog::Generation;

/// What a session keeps.
pub struct Cache {
    disk: Arc<dyn Disk>,
    letters: Letters,
    configs: Mutex<HashMap<Oid, (Generation, Arc<Config>)>>,
    /// Users' dictionaries, with the records they were made from.
    dictionaries: Mutex<HashMap<Oid, (Arc<Record>, Arc<Loaded>)>>,
    default: Mutex<Option<(Generation, Arc<str>, Oid)>>,
}

/// Dictionaries that initdb made, as all sessions share them.
static SHARED: LazyLock<Mutex<HashMap<(Oid, Letters), Arc<Loaded>>>> = LazyLock::new(Mutex::default);

/// No dictionary is made from others in a deeper chain.
const MAX_CHAIN: usize = 20;

/// What dictionaries are made from.
struct Sources<'a> {
    catalog: &'a Catalog,
    disk: &'a dyn Disk,
    letters: Letters,
    known: &'a Mutex<HashMap<Oid, (Arc<Record>, Arc<Loaded>)>>,
    depth: usize,
}

impl Files for Sources<'_> {
    fn read(&self, name: &str, extension: &str, what: &str) -> Result<String> {
        let path = format!("tsearch_data/{name}.{extension}");
        match durable::read(self.disk, &path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes);
                text.map_err(|_| {
                    err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\" in file \"{path}\"")
                })
            }
            Err(e) => match built_in_file(name, extension) {
                Some(text) => Ok(text.to_owned()),
                None => {
                    let reason = e.message().rsplit(": ").next().unwrap_or_default().to_owned();
                    let text = format!("could not open {what} file \"{path}\": {reason}");
                    Err(Error::new(SqlState::CONFIG_FILE_ERROR, text))
                }
            },
        }
    }

    fn dictionary(&self, name: &str) -> Result<Arc<Loaded>> {
        if self.depth > MAX_CHAIN {
            return Err(crate::text_search::dictionary::thesaurus::nested());
        }
        let (schema, plain) = crate::sql::names::schema_and_name(name)?;
        let parts: Vec<String> = schema.into_iter().chain([plain]).collect();
        let oid = Kind::Dictionary.named(self.catalog, &parts)?;
        Sources { depth: self.depth + 1, ..*self }.load(oid)
    }
}

impl Sources<'_> {
    fn make(&self, d: &TsDictionary) -> Result<Arc<Loaded>> {
        let template = Template::ALL.into_iter().find(|t| t.oid() == d.template.0);
        let template = template.ok_or_else(|| Error::internal("a dictionary without template"))?;
        let options: Vec<(String, String)> = match &d.options {
            Some(text) => options::read(text)?.into_iter().map(|o| (o.name, o.value)).collect(),
            None => Vec::new(),
        };
        Ok(Arc::new(Loaded { oid: d.oid, dictionary: template.make(&options, self, self.letters)? }))
    }

    fn load(&self, oid: Oid) -> Result<Arc<Loaded>> {
        let missing = || err!(INTERNAL_ERROR, "cache lookup failed for text search dictionary {oid}");
        let Some(record) = self.catalog.get(ObjectKey::new(class::TS_DICTIONARY, oid)) else {
            if let Some(found) = SHARED.lock().get(&(oid, self.letters)) {
                return Ok(found.clone());
            }
            let made = self.make(DICTIONARIES.iter().find(|d| d.oid == oid).ok_or_else(missing)?)?;
            SHARED.lock().insert((oid, self.letters), made.clone());
            return Ok(made);
        };
        if let Some((from, found)) = self.known.lock().get(&oid)
            && Arc::ptr_eq(from, &record)
        {
            return Ok(found.clone());
        }
        let made = self.make(&dictionary(self.catalog, oid).ok_or_else(missing)?)?;
        self.known.lock().insert(oid, (record, made.clone()));
        Ok(made)
    }
}

impl Cache {
    pub fn new(disk: Arc<dyn Disk>, catalog: &Catalog, database: Oid) -> Cache {
        let letters = catalog.database_by_oid(database).map(|d| Letters::of(&d.ctype)).unwrap_or_default();
        Cache { disk, letters, configs: Mutex::default(), dictionaries: Mutex::default(), default: Mutex::default() }
    }

    pub fn letters(&self) -> Letters {
        self.letters
    }

    fn sources<'a>(&'a self, catalog: &'a Catalog) -> Sources<'a> {
        Sources { catalog, disk: &*self.disk, letters: self.letters, known: &self.dictionaries, depth: 0 }
    }

    /// A dictionary, ready for use.
    pub fn dictionary(&self, catalog: &Catalog, oid: Oid) -> Result<Arc<Loaded>> {
        self.sources(catalog).load(oid)
    }

    /// Tries whether a dictionary can be made.
    ///
    /// # Errors
    /// Those of its template.
    pub fn try_dictionary(&self, catalog: &Catalog, d: &TsDictionary) -> Result<()> {
        self.sources(catalog).make(d).map(|_| ())
    }

    /// A configuration, ready for use.
    pub fn config(&self, catalog: &Catalog, oid: Oid) -> Result<Arc<Config>> {
        let generation = catalog.generation();
        if let Some((made, found)) = self.configs.lock().get(&oid)
            && *made == generation
        {
            return Ok(found.clone());
        }
        let missing = || err!(INTERNAL_ERROR, "cache lookup failed for text search configuration {oid}");
        let c = config(catalog, oid).ok_or_else(missing)?;
        let sources = self.sources(catalog);
        let last = c.maps.iter().map(|(t, _)| *t).max().unwrap_or(0).max(0);
        let mut maps = vec![Vec::new(); last as usize + 1];
        for (token, list) in &c.maps {
            if let Some(slot) = maps.get_mut(*token as usize) {
                *slot = list.iter().map(|d| sources.load(*d)).collect::<Result<Vec<_>>>()?;
            }
        }
        let made = Arc::new(Config { letters: self.letters, maps });
        self.configs.lock().insert(oid, (generation, made.clone()));
        Ok(made)
    }

    /// The configuration that `default_text_search_config` names.
    ///
    /// # Errors
    /// 42704 if there is none of that name.
    fn default(&self, catalog: &Catalog, name: &str) -> Result<Oid> {
        let generation = catalog.generation();
        if let Some((made, from, oid)) = &*self.default.lock()
            && *made == generation
            && **from == *name
        {
            return Ok(*oid);
        }
        let (oid, _) = setting(catalog, name)?;
        *self.default.lock() = Some((generation, Arc::from(name), oid));
        Ok(oid)
    }

    /// The value of an immutable function, for a plan; false: the statement itself must call it, since it would say
    /// something to the client.
    pub fn evaluate(&self, catalog: &Catalog, function: Oid, args: &[Datum<'_>], out: &mut Column) -> Result<bool> {
        let Some(def) = crate::sql::func::func(function) else { return Ok(false) };
        let form = match def.fact.src {
            "to_tsvector_byid" => None,
            "to_tsquery_byid" => Some(Form::Query),
            "plainto_tsquery_byid" => Some(Form::Plain),
            "phraseto_tsquery_byid" => Some(Form::Phrase),
            "websearch_to_tsquery_byid" => Some(Form::Web),
            _ => return Ok(false),
        };
        let [Datum::U32(oid), text] = args else { return Ok(false) };
        let config = self.config(catalog, Oid(*oid))?;
        let Some(form) = form else {
            let mut words = Words::default();
            words.add(&config, text.str());
            let silent = words.too_long == 0;
            if silent {
                out.push(Datum::Bytes(&words.vector()?));
            }
            return Ok(silent);
        };
        let asked = form.read(&config, text.str())?;
        let silent = asked.notice.is_none() && asked.too_long == 0;
        if silent {
            out.push(Datum::Bytes(&asked.text()));
        }
        Ok(silent)
    }
}

impl Backend {
    /// A dictionary, ready for use.
    pub fn ts_dictionary(&self, oid: Oid) -> Result<Arc<Loaded>> {
        self.text_search.dictionary(&self.catalog, oid)
    }

    /// A configuration, ready for use.
    pub fn ts_config(&self, oid: Oid) -> Result<Arc<Config>> {
        self.text_search.config(&self.catalog, oid)
    }

    /// The configuration that `default_text_search_config` names.
    ///
    /// # Errors
    /// 42704 if there is none of that name.
    pub fn default_ts_config(&self) -> Result<Oid> {
        self.text_search.default(&self.catalog, &self.view.str(Id::DefaultTextSearchConfig))
    }
}
