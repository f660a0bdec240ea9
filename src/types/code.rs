//! Base types that extensions bring: their values lie in memory as bytes, and what these mean is here.
//!
//! A type in the catalogs names its code, which is called like the type; the code is part of the program, so that values can be read,
//! ordered and hashed wherever those of built-in types can.

use super::ltree::{self, lquery, ltxtquery};
use super::{citext, cube, hstore, intarray};
use crate::base::Result;

/// What can be done with the values of a base type.
#[derive(Debug)]
pub struct TypeCode {
    /// The extension's name and the symbol of the type's input function in it.
    pub input: (&'static str, &'static str),
    /// The type's name.
    pub name: &'static str,
    /// The text form, as a value.
    pub read: fn(&str) -> Result<Vec<u8>>,
    pub show: fn(&[u8], &mut Vec<u8>),
    /// The binary form on the wire.
    pub receive: fn(&[u8]) -> Result<Vec<u8>>,
    pub send: fn(&[u8], &mut Vec<u8>),
    /// Appends the key of a value (TYP-2); None: values have no order.
    pub key: Option<fn(&[u8], &mut Vec<u8>)>,
}

const ALL: &[&TypeCode] =
    &[&citext::CODE, &cube::CODE, &hstore::CODE, &ltree::CODE, &lquery::CODE, &ltxtquery::CODE, &intarray::CODE];

/// The code of the type that a function of an extension reads.
pub fn read_by(library: &str, symbol: &str) -> Option<&'static TypeCode> {
    ALL.iter().copied().find(|c| c.input == (library, symbol))
}

/// The code of a type, by its name.
pub fn find(name: &str) -> Option<&'static TypeCode> {
    ALL.iter().copied().find(|c| c.name == name)
}
