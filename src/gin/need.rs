//! What must be in the index for a row to be a candidate: a condition, taken apart by its operator.

use super::extract::{self, category};
use super::{Class, Strategy};
use crate::base::Result;
use crate::btree::Bounds;
use crate::types::array::Array;
use crate::types::intarray::Formula;
use crate::types::jsonb::Jsonb;
use crate::types::trigram;
use crate::types::{Datum, TypeRef, jsonpath, oid, tsquery};

/// Rows by the keys they have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Need {
    /// No row.
    Nothing,
    /// The index cannot tell: all rows whose value is not NULL.
    Everything,
    Key(Vec<u8>),
    /// Any of the keys between.
    Range(Bounds),
    All(Vec<Need>),
    Any(Vec<Need>),
}

impl Need {
    /// Both this and that.
    pub fn all(parts: impl IntoIterator<Item = Need>) -> Need {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Need::Nothing => return Need::Nothing,
                Need::Everything => {}
                Need::All(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        Need::collected(out, Need::Everything, Need::All)
    }

    /// One or the other.
    pub fn any(parts: impl IntoIterator<Item = Need>) -> Need {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Need::Everything => return Need::Everything,
                Need::Nothing => {}
                Need::Any(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        Need::collected(out, Need::Nothing, Need::Any)
    }

    fn collected(mut parts: Vec<Need>, none: Need, many: fn(Vec<Need>) -> Need) -> Need {
        if parts.iter().all(|p| matches!(p, Need::Key(_))) {
            let rank = |n: &Need| if let Need::Key(k) = n { k.clone() } else { Vec::new() };
            parts.sort_by_cached_key(rank);
            parts.dedup();
        }
        match (parts.len(), parts.pop()) {
            (_, None) => none,
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                many(parts)
            }
        }
    }

    /// How many places of the index are searched.
    pub fn searches(&self) -> usize {
        match self {
            Need::Nothing => 0,
            Need::Everything | Need::Key(_) | Need::Range(_) => 1,
            Need::All(parts) | Need::Any(parts) => parts.iter().map(Need::searches).sum(),
        }
    }

    /// What a condition on a column asks for, with this value on the operator's right.
    pub fn of(column: usize, class: Class, strategy: Strategy, value: Datum<'_>) -> Result<Need> {
        if let Class::Scalar(ty) = class {
            return Ok(match value.is_null() {
                true => Need::Nothing,
                false => Need::Key(extract::array_element(column as u8, TypeRef::of(ty), value)),
            });
        }
        let (Datum::Bytes(stored), column) = (value, column as u8) else { return Ok(Need::Nothing) };
        Ok(match strategy {
            Strategy::Overlaps | Strategy::Contains | Strategy::ContainedBy | Strategy::Equals
                if class == Class::Array =>
            {
                of_array(column, strategy, stored)
            }
            Strategy::Contains if class == Class::Hstore => {
                Need::all(extract::hstore_pairs(column, stored).into_iter().map(Need::Key))
            }
            Strategy::Contains if class == Class::Jsonb => {
                keys(|out| extract::json_elements(column, Jsonb::new(stored), out))
            }
            Strategy::Contains => keys(|out| extract::json_paths(column, Jsonb::new(stored), extract::PATH_START, out)),
            Strategy::HasKey => Need::Key(name_of(class)(column, value.str())),
            Strategy::HasAnyKey => Need::any(named(column, class, stored)),
            Strategy::HasAllKeys => Need::all(named(column, class, stored)),
            Strategy::Like => trigrams(column, &like_pieces(value.str())),
            Strategy::Equals => trigrams(column, &[Piece { text: value.str().into(), begins: true, ends: true }]),
            Strategy::Formula => {
                let key = |n| Need::Key(extract::array_element(column, TypeRef::of(oid::INT4), Datum::I32(n)));
                let (both, one) = (|a, b| Need::all([a, b]), |a, b| Need::any([a, b]));
                Formula::of(stored).fold(key, |_| Need::Everything, both, one).unwrap_or(Need::Nothing)
            }
            Strategy::Similar => {
                Need::any(trigram::of(value.str()).iter().map(|t| Need::Key(extract::of_trigram(column, t))))
            }
            Strategy::Matches => match tsquery::parse(value.str())? {
                Some(query) => of_query(column, &query),
                None => Need::Nothing,
            },
            Strategy::PathExists => super::path::finds(column, class, &jsonpath::parse(value.str())?)?,
            Strategy::PathMatches => super::path::is_true(column, class, &jsonpath::parse(value.str())?)?,
            _ => Need::Everything,
        })
    }

    /// Where all values of a column are that are not NULL.
    pub fn every(column: usize) -> Bounds {
        let low = extract::plain(column as u8, category::ELEMENT);
        Bounds { low, high: Some(extract::plain(column as u8, category::NULL)) }
    }
}

/// A part of a pattern that stands for itself, and whether it is at an end of the text.
struct Piece {
    text: String,
    begins: bool,
    ends: bool,
}

/// What stands between the wildcards of a LIKE pattern.
fn like_pieces(pattern: &str) -> Vec<Piece> {
    let mut out = vec![Piece { text: String::new(), begins: true, ends: false }];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let own = match c {
            '%' | '_' => {
                out.push(Piece { text: String::new(), begins: false, ends: false });
                continue;
            }
            '\\' => chars.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(last) = out.last_mut() {
            last.text.push(own);
        }
    }
    if let Some(last) = out.last_mut() {
        last.ends = true;
    }
    out
}

fn trigrams(column: u8, pieces: &[Piece]) -> Need {
    let of = |p: &Piece| trigram::of_piece(&p.text, p.begins, p.ends);
    Need::all(pieces.iter().flat_map(of).map(|t| Need::Key(extract::of_trigram(column, &t))))
}

fn keys(extract: impl FnOnce(&mut Vec<Vec<u8>>)) -> Need {
    let mut found = Vec::new();
    extract(&mut found);
    Need::all(found.into_iter().map(Need::Key))
}

/// What makes the key of a name.
fn name_of(class: Class) -> fn(u8, &str) -> Vec<u8> {
    if class == Class::Hstore { extract::hstore_key } else { extract::json_key }
}

/// The keys an array of names asks for; its NULLs do not count.
fn named(column: u8, class: Class, stored: &[u8]) -> Vec<Need> {
    let names = Array::new(stored).iter().filter(|d| !d.is_null());
    names.map(|d| Need::Key(name_of(class)(column, d.str()))).collect()
}

/// PostgreSQL 15, ginarrayproc.c, ginqueryarrayextract: same cases.
fn of_array(column: u8, strategy: Strategy, stored: &[u8]) -> Need {
    let array = Array::new(stored);
    let element = TypeRef::of(array.element);
    let key = |d: Datum<'_>| Need::Key(extract::array_element(column, element, d));
    let empty = Need::Key(extract::plain(column, category::EMPTY));
    match strategy {
        // A NULL equals no element.
        Strategy::Overlaps => Need::any(array.iter().filter(|d| !d.is_null()).map(key)),
        Strategy::Contains if array.iter().any(Datum::is_null) => Need::Nothing,
        Strategy::Contains => Need::all(array.iter().map(key)),
        Strategy::ContainedBy => Need::any(array.iter().filter(|d| !d.is_null()).map(key).chain([empty])),
        _ if array.is_empty() => empty,
        _ => Need::all(array.iter().map(key)),
    }
}

/// Weights and distances are for the condition to look at.
fn of_query(column: u8, query: &tsquery::Query) -> Need {
    use tsquery::Query;
    match query {
        Query::Value { text, prefix: false, .. } => Need::Key(extract::lexeme(column, text)),
        Query::Value { text, .. } => {
            let mut start = extract::plain(column, category::ELEMENT);
            start.extend_from_slice(text.as_bytes());
            Need::Range(Bounds::prefix(start))
        }
        Query::Not(_) => Need::Everything,
        Query::And(a, b) | Query::Phrase(a, b, _) => Need::all([of_query(column, a), of_query(column, b)]),
        Query::Or(a, b) => Need::any([of_query(column, a), of_query(column, b)]),
    }
}
