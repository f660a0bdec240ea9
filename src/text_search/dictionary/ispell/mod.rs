//! `ispell`: base forms of words, from dictionaries of Ispell, MySpell and Hunspell (PostgreSQL 15, spell.c and
//! dict_ispell.c: same formats, same order of forms).

mod affix;
mod compound;
mod mask;
mod read;
mod words;

use super::stop::StopWords;
use super::{Dictionary, Files, Norm, State, check_file_name, invalid};
use crate::base::{Error, Result};
use crate::text_search::Letters;
use affix::Affixes;
use words::Words;

/// Longer words have no base forms, and no word has more of them.
const MAX_LENGTH: usize = 256;
const MAX_FORMS: usize = 1024;

/// What the flags of words and affixes mean for compound words.
mod flag {
    pub const ONLY: u32 = 0x01;
    pub const BEGIN: u32 = 0x02;
    pub const MIDDLE: u32 = 0x04;
    pub const LAST: u32 = 0x08;
    pub const ANYWHERE: u32 = BEGIN | MIDDLE | LAST;
    pub const MASK: u32 = 0x0f;
    pub const PERMIT: u32 = 0x10;
    pub const FORBID: u32 = 0x20;
    /// Prefixes and suffixes go together.
    pub const CROSS: u32 = 0x40;
}

fn broken(text: impl Into<String>) -> Error {
    Error::new(crate::base::SqlState::CONFIG_FILE_ERROR, text)
}

pub struct Ispell {
    stop: StopWords,
    letters: Letters,
    words: Words,
    affixes: Affixes,
    /// There are compound words.
    compounds: bool,
}

impl Ispell {
    pub fn new(options: &[(String, String)], files: &dyn Files, letters: Letters) -> Result<Ispell> {
        let (mut stop, mut words, mut affixes) = (None, None, None);
        for (name, value) in options {
            match name.as_str() {
                "dictfile" if words.is_some() => return Err(invalid("multiple DictFile parameters")),
                "dictfile" => {
                    check_file_name(value)?;
                    words = Some(files.read(value, "dict", "dictionary")?);
                }
                "afffile" if affixes.is_some() => return Err(invalid("multiple AffFile parameters")),
                "afffile" => {
                    check_file_name(value)?;
                    affixes = Some(read::affixes(&files.read(value, "affix", "affix")?, letters)?);
                }
                "stopwords" if stop.is_some() => return Err(invalid("multiple StopWords parameters")),
                "stopwords" => stop = Some(StopWords::read(value, files, letters)?),
                _ => return Err(invalid(format!("unrecognized Ispell parameter: \"{name}\""))),
            }
        }
        let found = affixes.ok_or_else(|| invalid("missing AffFile parameter"))?;
        let text = words.ok_or_else(|| invalid("missing DictFile parameter"))?;
        let words = Words::read(&text, &found.flags, letters)?;
        let affixes = Affixes::new(found.affixes, &words);
        let compounds = found.flags.has_compounds();
        Ok(Ispell { stop: stop.unwrap_or_default(), letters, words, affixes, compounds })
    }

    /// The base forms of a word, or of a part of one.
    fn forms(&self, word: &[u8], part: u32) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        if word.len() > MAX_LENGTH {
            return found;
        }
        let add = |found: &mut Vec<Vec<u8>>, form: Vec<u8>| {
            if found.len() < MAX_FORMS - 1 && found.last() != Some(&form) {
                found.push(form);
            }
        };
        if self.words.has(word, "", part) {
            found.push(word.to_vec());
        }
        for prefix in self.affixes.prefixes(word) {
            if let Some(base) = prefix.removed(word, part, None)
                && self.words.has(&base, &prefix.flag, part)
            {
                add(&mut found, base);
            }
        }
        for suffix in self.affixes.suffixes(word) {
            let Some(base) = suffix.removed(word, part, None) else { continue };
            if self.words.has(&base, &suffix.flag, part) {
                add(&mut found, base.clone());
            }
            let kept = word.len() - suffix.text.len();
            for prefix in self.affixes.prefixes(&base) {
                let Some(inner) = prefix.removed(&base, part, Some(kept)) else { continue };
                let cross = prefix.flags & suffix.flags & flag::CROSS != 0;
                if self.words.has(&inner, if cross { "" } else { &prefix.flag }, part) {
                    add(&mut found, inner);
                }
            }
        }
        found
    }

    fn normalized(&self, word: &[u8]) -> Vec<Norm> {
        let mut out: Vec<Norm> = Vec::new();
        let mut variant = 1;
        let add = |out: &mut Vec<Norm>, form: &[u8], variant: u16| {
            if out.len() < MAX_FORMS - 1 {
                out.push(Norm { variant, ..Norm::of(String::from_utf8_lossy(form)) });
            }
        };
        for form in self.forms(word, 0) {
            add(&mut out, &form, variant);
            variant += 1;
        }
        if self.compounds {
            for stems in self.split(word) {
                let Some((last, before)) = stems.split_last().filter(|(_, before)| !before.is_empty()) else {
                    continue;
                };
                for form in self.forms(last, flag::LAST) {
                    before.iter().for_each(|s| add(&mut out, s, variant));
                    add(&mut out, &form, variant);
                    variant = variant.saturating_add(1);
                }
            }
        }
        out
    }
}

impl Dictionary for Ispell {
    fn lexize(&self, token: &str, _: &mut State) -> Option<Vec<Norm>> {
        let word = self.letters.lower(token);
        if word.is_empty() {
            return None;
        }
        let mut norms = self.normalized(word.as_bytes());
        if norms.is_empty() {
            return None;
        }
        norms.retain(|n| !self.stop.contains(&n.text));
        Some(norms)
    }
}

#[cfg(test)]
mod tests;
