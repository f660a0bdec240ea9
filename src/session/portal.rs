//! Portals: bound statements. One that is read in pieces has become the cursor of its name.

use super::statement::{Cached, Statement};
use crate::types::Value;
use crate::wire::Format;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A bound statement.
pub struct Portal {
    pub statement: Arc<Statement>,
    pub params: Arc<[Value]>,
    /// The plan made for these values alone, if there is one.
    pub own: Option<Cached>,
    pub formats: Vec<Format>,
    /// It ran to its end.
    pub finished: bool,
    /// Its rows are those of the cursor of its name.
    pub is_cursor: bool,
    pub created_us: i64,
}

impl Portal {
    pub fn new(
        statement: Arc<Statement>,
        params: Arc<[Value]>,
        own: Option<Cached>,
        formats: Vec<Format>,
        created_us: i64,
    ) -> Portal {
        Portal { statement, params, own, formats, finished: false, is_cursor: false, created_us }
    }
}

/// A session's portals by name. The unnamed one, which nearly every client uses for everything, is found at once.
#[derive(Default)]
pub struct Portals {
    unnamed: Option<Portal>,
    named: HashMap<String, Portal>,
    /// Those that a failed transaction has taken away: known, but not to be executed before the block ends.
    failed: HashSet<String>,
}

impl Portals {
    pub fn get(&self, name: &str) -> Option<&Portal> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Portal> {
        if name.is_empty() { self.unnamed.as_mut() } else { self.named.get_mut(name) }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn insert(&mut self, name: String, portal: Portal) {
        self.failed.remove(&name);
        match name.as_str() {
            "" => self.unnamed = Some(portal),
            _ => drop(self.named.insert(name, portal)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Portal> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    /// The transaction they belong to has failed.
    pub fn fail(&mut self) {
        self.failed = self.named.drain().map(|(name, _)| name).collect();
        self.failed.extend(self.unnamed.take().map(|_| String::new()));
    }

    pub fn has_failed(&self, name: &str) -> bool {
        self.failed.contains(name)
    }

    pub fn clear(&mut self) {
        self.unnamed = None;
        self.named.clear();
    }

    /// All of them with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Portal)> {
        let unnamed = self.unnamed.iter().map(|p| ("", p));
        unnamed.chain(self.named.iter().map(|(name, p)| (name.as_str(), p)))
    }
}
