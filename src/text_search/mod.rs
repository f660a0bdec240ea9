//! Full text search: documents are cut into tokens, dictionaries make lexemes of them; queries are made the same way.
//!
//! Pure computing over texts. Must never touch tables or files: which dictionaries there are is for the catalog to
//! say, their files come through [`Files`].
//!
//! Invariants
//! - TS-1: tokens, lexemes and positions are those PostgreSQL 15 gives.

pub mod dictionary;
mod document;
pub mod headline;
mod letters;
mod lexize;
pub mod parser;
mod query;
pub mod rank;
pub mod snowball;

pub use dictionary::{Dictionary, Files};
pub use document::Words;
pub use letters::Letters;
pub use lexize::{Lexizer, Used};
pub use parser::{Parser, Token};
pub use query::{Asked, Form};

use crate::base::Oid;
use std::sync::Arc;

/// A token with as many bytes is left out.
pub const LONGEST_TOKEN: usize = 2047;

/// A dictionary, ready for use.
pub struct Loaded {
    pub oid: Oid,
    pub dictionary: Box<dyn Dictionary>,
}

/// A text search configuration: the dictionaries of each kind of token, by its number, in the order they are asked.
#[derive(Clone, Default)]
pub struct Config {
    pub letters: Letters,
    pub maps: Vec<Vec<Arc<Loaded>>>,
}

impl Config {
    /// The dictionaries of a kind of token.
    pub fn map(&self, token: i32) -> &[Arc<Loaded>] {
        usize::try_from(token).ok().and_then(|t| self.maps.get(t)).map_or(&[], Vec::as_slice)
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r')
}
