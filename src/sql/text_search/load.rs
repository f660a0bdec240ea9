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
use crate::text_search::{Config, Letters, Loaded};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock};

type Generation = (u64, u64, u64);

/// What a session keeps.
#[derive(Default)]
pub struct Cache {
    configs: HashMap<Oid, (Generation, Arc<Config>)>,
    /// Users' dictionaries, with the records they were made from.
    dictionaries: Arc<Mutex<HashMap<Oid, (Arc<Record>, Arc<Loaded>)>>>,
    default: Option<(Generation, Arc<str>, Oid)>,
    letters: Option<Letters>,
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
        let missing = || Error::internal(format!("cache lookup failed for text search dictionary {oid}"));
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

impl Backend {
    pub fn letters(&mut self) -> Letters {
        let (catalog, database) = (&self.catalog, self.database);
        let ctype = || catalog.database_by_oid(database).map(|d| Letters::of(&d.ctype)).unwrap_or_default();
        *self.text_search.letters.get_or_insert_with(ctype)
    }

    fn with_sources<T>(&mut self, f: impl FnOnce(&Sources<'_>) -> Result<T>) -> Result<T> {
        let letters = self.letters();
        let (catalog, disk) = (self.catalog.clone(), self.instance.storage.disk.clone());
        let known = self.text_search.dictionaries.clone();
        f(&Sources { catalog: &catalog, disk: &*disk, letters, known: &known, depth: 0 })
    }

    /// A dictionary, ready for use.
    pub fn ts_dictionary(&mut self, oid: Oid) -> Result<Arc<Loaded>> {
        self.with_sources(|s| s.load(oid))
    }

    /// Tries whether a dictionary can be made.
    ///
    /// # Errors
    /// Those of its template.
    pub fn try_ts_dictionary(&mut self, d: &TsDictionary) -> Result<()> {
        self.with_sources(|s| s.make(d).map(|_| ()))
    }

    /// A configuration, ready for use.
    pub fn ts_config(&mut self, oid: Oid) -> Result<Arc<Config>> {
        let generation = self.catalog.generation();
        if let Some((made, found)) = self.text_search.configs.get(&oid)
            && *made == generation
        {
            return Ok(found.clone());
        }
        let missing = || Error::internal(format!("cache lookup failed for text search configuration {oid}"));
        let c = config(&self.catalog, oid).ok_or_else(missing)?;
        let made = self.with_sources(|s| {
            let last = c.maps.iter().map(|(t, _)| *t).max().unwrap_or(0).max(0);
            let mut maps = vec![Vec::new(); last as usize + 1];
            for (token, list) in &c.maps {
                if let Some(slot) = maps.get_mut(*token as usize) {
                    *slot = list.iter().map(|d| s.load(*d)).collect::<Result<Vec<_>>>()?;
                }
            }
            Ok(Arc::new(Config { letters: s.letters, maps }))
        })?;
        self.text_search.configs.insert(oid, (generation, made.clone()));
        Ok(made)
    }

    /// The configuration that `default_text_search_config` names.
    ///
    /// # Errors
    /// 42704 if there is none of that name.
    pub fn default_ts_config(&mut self) -> Result<Oid> {
        let (generation, name) = (self.catalog.generation(), self.view.str(Id::DefaultTextSearchConfig));
        if let Some((made, from, oid)) = &self.text_search.default
            && *made == generation
            && **from == *name
        {
            return Ok(*oid);
        }
        let (oid, _) = setting(&self.catalog, &name)?;
        self.text_search.default = Some((generation, Arc::from(&*name), oid));
        Ok(oid)
    }
}
