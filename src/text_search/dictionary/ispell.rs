//! `ispell`: not there yet.

use super::{Dictionary, Files, Norm, State};
use crate::base::{Error, Result};

pub enum Ispell {}

impl Ispell {
    /// # Errors
    /// Always 0A000.
    pub fn new(_: &[(String, String)], _: &dyn Files) -> Result<Ispell> {
        Err(Error::unsupported("text search dictionaries of the template ispell are not supported"))
    }
}

impl Dictionary for Ispell {
    fn lexize(&self, _: &str, _: &mut State) -> Option<Vec<Norm>> {
        match *self {}
    }
}
