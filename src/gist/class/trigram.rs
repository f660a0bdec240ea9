//! Texts, by their trigrams: what the extension `pg_trgm` brings.

use super::sign::{Form, list};
use super::{Answer, Class, Query, maybe};
use crate::base::{Error, Result};
use crate::gin::{self, Need};
use crate::types::trigram::{self, Trigram};
use crate::types::{Datum, TypeRef};

/// More than PostgreSQL's 12, which tell little of longer texts.
const SIGNATURE: usize = 64;

#[derive(Debug)]
pub struct Trigrams(Form);

impl Trigrams {
    pub fn new(room: usize) -> Trigrams {
        Trigrams(Form::new(SIGNATURE, room))
    }
}

fn number([a, b, c]: &Trigram) -> u32 {
    u32::from_be_bytes([0, *a, *b, *c])
}

impl Class for Trigrams {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        self.0.of(trigram::of(value.str()).iter().map(number).collect())
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        self.0.union(a, b)
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        self.0.penalty(key, new)
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        self.0.split(keys)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, threshold: f64) -> Result<Box<dyn Query>> {
        let trigrams: Vec<u32> = trigram::of(value.str()).iter().map(number).collect();
        let asked = match strategy {
            1 | 7 | 9 => Asked::Similar(threshold),
            2 | 8 | 10 => Asked::Near { whole: strategy == 2 },
            // What must be in a text that fulfils LIKE, GIN knows, too.
            3 | 4 => Asked::Needs(Need::of(0, gin::Class::Trigram, gin::Strategy::Like, value)?),
            11 => Asked::Needs(Need::of(0, gin::Class::Trigram, gin::Strategy::Equals, value)?),
            _ => return Err(Error::internal(format!("unknown strategy {strategy}"))),
        };
        Ok(Box::new(TrigramQuery { form: self.0, trigrams, asked }))
    }
}

#[derive(Debug)]
enum Asked {
    /// At least so similar.
    Similar(f64),
    /// In order; `whole`: by the similarity of whole texts.
    Near {
        whole: bool,
    },
    Needs(Need),
}

#[derive(Debug)]
struct TrigramQuery {
    form: Form,
    trigrams: Vec<u32>,
    asked: Asked,
}

impl TrigramQuery {
    /// No text below is more similar: those of the asked trigrams that may be there, of all of them.
    fn similarity(&self, key: &[u8], whole: bool) -> f64 {
        if self.trigrams.is_empty() {
            return 0.0;
        }
        let common = self.trigrams.iter().filter(|t| self.form.may_have(key, **t)).count();
        let all = match list(key).filter(|_| whole) {
            Some(own) => self.trigrams.len() + own.count() - common,
            None => self.trigrams.len(),
        };
        common as f64 / all as f64
    }

    fn fulfils(&self, need: &Need, key: &[u8]) -> bool {
        match need {
            Need::Nothing => false,
            Need::Everything | Need::Range(_) => true,
            // Column and category come first.
            Need::Key(k) => {
                k.get(2..5).and_then(|t| t.first_chunk::<3>()).is_none_or(|t| self.form.may_have(key, number(t)))
            }
            Need::All(parts) => parts.iter().all(|p| self.fulfils(p, key)),
            Need::Any(parts) => parts.iter().any(|p| self.fulfils(p, key)),
        }
    }
}

impl Query for TrigramQuery {
    fn consistent(&self, key: &[u8], _: bool) -> Answer {
        maybe(match &self.asked {
            // Singly precise numbers are compared in the end.
            Asked::Similar(threshold) => self.similarity(key, false) + 1e-6 >= *threshold,
            Asked::Near { .. } => true,
            Asked::Needs(need) => self.fulfils(need, key),
        })
    }

    fn distance(&self, key: &[u8], leaf: bool) -> f64 {
        let whole = leaf && matches!(self.asked, Asked::Near { whole: true });
        1.0 - self.similarity(key, whole) - 1e-6
    }
}
