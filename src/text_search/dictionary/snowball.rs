//! `snowball`: the stem of the token, unless it is a stop word.

use super::stop::StopWords;
use super::{Dictionary, Files, Norm, State, invalid};
use crate::base::Result;
use crate::err;
use crate::text_search::Letters;
use crate::text_search::snowball::Stemmer;
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Longer tokens are no words of any language (PostgreSQL 15, dict_snowball.c: same number).
const LONGEST_WORD: usize = 1000;
/// So many stems are remembered.
const REMEMBERED: usize = 4096;

pub struct Snowball {
    letters: Letters,
    stop: StopWords,
    stemmer: Stemmer,
    known: Mutex<HashMap<String, String>>,
}

impl Snowball {
    pub fn new(options: &[(String, String)], files: &dyn Files, letters: Letters) -> Result<Snowball> {
        let (mut stop, mut stemmer) = (None, None);
        for (name, value) in options {
            match name.as_str() {
                "stopwords" if stop.is_some() => return Err(invalid("multiple StopWords parameters")),
                "stopwords" => stop = Some(StopWords::read(value, files, letters)?),
                "language" if stemmer.is_some() => return Err(invalid("multiple Language parameters")),
                "language" => {
                    let missing = || {
                        err!(
                            UNDEFINED_OBJECT,
                            "no Snowball stemmer available for language \"{value}\" and encoding \"UTF8\""
                        )
                    };
                    stemmer = Some(Stemmer::of(value).ok_or_else(missing)?);
                }
                _ => return Err(invalid(format!("unrecognized Snowball parameter: \"{name}\""))),
            }
        }
        let stemmer = stemmer.ok_or_else(|| invalid("missing Language parameter"))?;
        Ok(Snowball { letters, stop: stop.unwrap_or_default(), stemmer, known: Mutex::default() })
    }

    fn stem(&self, word: &str) -> String {
        if let Some(stem) = self.known.lock().get(word) {
            return stem.clone();
        }
        let stem = self.stemmer.stem(word);
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(word.to_owned(), stem.clone());
        stem
    }
}

impl Dictionary for Snowball {
    fn lexize(&self, token: &str, _: &mut State) -> Option<Vec<Norm>> {
        let word = self.letters.lower(token);
        if word.len() > LONGEST_WORD {
            return Some(vec![Norm::of(word)]);
        }
        if word.is_empty() || self.stop.contains(&word) {
            return Some(Vec::new());
        }
        let stem = self.stem(&word);
        Some(vec![Norm::of(if stem.is_empty() { word } else { stem })])
    }
}
