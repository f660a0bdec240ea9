//! The two files as they were read last. PostgreSQL 15, hba.c, load_hba, load_ident: a file with faults leaves the
//! old rules in force.

use super::hba::{self, Rule};
use super::ident::{self, Mapping};
use crate::base::error::Report;
use crate::base::report::log;
use crate::base::{Error, Result, Severity, SqlState};
use crate::process::kept_files::KeptFiles;
use crate::settings::{Global, Id, Lookup};
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::Arc;

/// Rules and mappings in force.
pub struct Access {
    rules: ArcSwap<Vec<Rule>>,
    mappings: ArcSwap<Vec<Mapping>>,
}

impl Access {
    /// Reads both files for the first time; the faults are logged.
    ///
    /// # Errors
    /// FATAL F0000 without usable rules: nobody could connect.
    pub fn load(files: &KeptFiles, settings: &Global) -> Result<Access> {
        let access = Access { rules: ArcSwap::default(), mappings: ArcSwap::default() };
        if !access.read_rules(files, settings) {
            return Err(Error::new(SqlState::CONFIG_FILE_ERROR, "could not load pg_hba.conf")
                .severity(Severity::Fatal)
                .place("PostmasterMain", "postmaster.c", 1370));
        }
        access.read_mappings(files, settings);
        Ok(access)
    }

    /// Reads both files again.
    pub fn reload(&self, files: &KeptFiles, settings: &Global) {
        if !self.read_rules(files, settings) {
            crate::log!("{} was not reloaded", "pg_hba.conf");
        }
        if !self.read_mappings(files, settings) {
            crate::log!("{} was not reloaded", "pg_ident.conf");
        }
    }

    pub fn rules(&self) -> Arc<Vec<Rule>> {
        self.rules.load_full()
    }

    pub fn mappings(&self) -> Arc<Vec<Mapping>> {
        self.mappings.load_full()
    }

    fn read_rules(&self, files: &KeptFiles, settings: &Global) -> bool {
        let path = settings.str(Id::HbaFile);
        take(files.attempt(|| hba::load(files, Path::new(&*path)), std::result::Result::is_ok), &self.rules)
    }

    fn read_mappings(&self, files: &KeptFiles, settings: &Global) -> bool {
        let path = settings.str(Id::IdentFile);
        take(files.attempt(|| ident::load(files, Path::new(&*path)), std::result::Result::is_ok), &self.mappings)
    }
}

fn take<T>(read: std::result::Result<Vec<T>, Vec<Report>>, into: &ArcSwap<Vec<T>>) -> bool {
    match read {
        Ok(found) => {
            into.store(Arc::new(found));
            true
        }
        Err(faults) => {
            faults.iter().for_each(log);
            false
        }
    }
}
