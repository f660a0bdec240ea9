//! Dictionaries: what a token becomes. One file per template.

mod ispell;
mod simple;
mod snowball;
mod stop;
mod synonym;
pub mod thesaurus;

use super::Letters;
use crate::base::{Error, Result};
use crate::err;

/// A lexeme that a dictionary made of a token.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Norm {
    pub text: String,
    /// Lexemes of one variant belong together, variants are alternatives.
    pub variant: u16,
    /// It stands one position further than the one before.
    pub next_position: bool,
    /// Lexemes that begin with it are meant.
    pub prefix: bool,
    /// The next dictionaries get it in the place of the token.
    pub filter: bool,
}

impl Norm {
    pub fn of(text: impl Into<String>) -> Norm {
        Norm { text: text.into(), ..Norm::default() }
    }
}

/// What dictionaries that look at several tokens keep from one to the next.
#[derive(Default)]
pub struct State {
    /// There are no more tokens.
    pub at_end: bool,
    /// The dictionary wants to see the next token, too.
    pub wants_more: bool,
    pub matching: Option<thesaurus::Matching>,
}

/// None: it does not know the token; an empty list: a stop word.
pub trait Dictionary: Send + Sync {
    fn lexize(&self, token: &str, state: &mut State) -> Option<Vec<Norm>>;
}

/// Files that dictionaries are made from, and other dictionaries by name.
pub trait Files {
    /// The text of `tsearch_data/name.extension`.
    ///
    /// # Errors
    /// F0000 `could not open <what> file …`.
    fn read(&self, name: &str, extension: &str, what: &str) -> Result<String>;

    /// Another dictionary, by its name.
    fn dictionary(&self, name: &str) -> Result<std::sync::Arc<super::Loaded>>;
}

/// The templates, with PostgreSQL's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Template {
    Simple,
    Synonym,
    Ispell,
    Thesaurus,
    Snowball,
}

impl Template {
    pub const ALL: [Template; 5] =
        [Template::Simple, Template::Synonym, Template::Ispell, Template::Thesaurus, Template::Snowball];

    pub fn oid(self) -> u32 {
        match self {
            Template::Simple => 3727,
            Template::Synonym => 3730,
            Template::Ispell => 3733,
            Template::Thesaurus => 3742,
            Template::Snowball => 13150,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Template::Simple => "simple",
            Template::Synonym => "synonym",
            Template::Ispell => "ispell",
            Template::Thesaurus => "thesaurus",
            Template::Snowball => "snowball",
        }
    }

    /// Makes a dictionary.
    pub fn make(
        self,
        options: &[(String, String)],
        files: &dyn Files,
        letters: Letters,
    ) -> Result<Box<dyn Dictionary>> {
        Ok(match self {
            Template::Simple => Box::new(simple::Simple::new(options, files, letters)?),
            Template::Synonym => Box::new(synonym::Synonym::new(options, files, letters)?),
            Template::Ispell => Box::new(ispell::Ispell::new(options, files, letters)?),
            Template::Thesaurus => Box::new(thesaurus::Thesaurus::new(options, files)?),
            Template::Snowball => Box::new(snowball::Snowball::new(options, files, letters)?),
        })
    }
}

/// A file of PostgreSQL's that is at hand without any folder.
pub fn built_in_file(name: &str, extension: &str) -> Option<&'static str> {
    macro_rules! files {
        ($($name:literal)*) => {
            match format!("{name}.{extension}").as_str() {
                $($name => Some(include_str!(concat!("../data/", $name))),)*
                _ => None,
            }
        };
    }
    files! {
        "danish.stop" "dutch.stop" "english.stop" "finnish.stop" "french.stop" "german.stop" "hungarian.stop"
        "italian.stop" "nepali.stop" "norwegian.stop" "portuguese.stop" "russian.stop" "spanish.stop" "swedish.stop"
        "turkish.stop" "synonym_sample.syn" "thesaurus_sample.ths" "ispell_sample.affix" "ispell_sample.dict"
        "hunspell_sample.affix" "hunspell_sample_long.affix" "hunspell_sample_long.dict" "hunspell_sample_num.affix"
        "hunspell_sample_num.dict"
    }
}

/// # Errors
/// 22023: names of files are of small letters, digits and underscores.
pub fn check_file_name(name: &str) -> Result<()> {
    match name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        true => Ok(()),
        false => Err(err!(INVALID_PARAMETER_VALUE, "invalid text search configuration file name \"{name}\"")),
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(crate::base::SqlState::INVALID_PARAMETER_VALUE, text)
}

/// A parameter that is true or false (PostgreSQL 15, define.c, defGetBoolean).
fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" => Ok(true),
        "0" | "false" | "off" => Ok(false),
        _ => Err(err!(SYNTAX_ERROR, "{name} requires a Boolean value")),
    }
}
