//! The keys of a value.

use super::Class;
use crate::types::array::Array;
use crate::types::jsonb::Jsonb;
use crate::types::numeric::Numeric;
use crate::types::trigram::{self, Trigram};
use crate::types::{Datum, TypeRef, hstore, key, tsvector};

/// What kind of thing a key stands for. All but the last are of values that are not NULL.
pub mod category {
    pub const ELEMENT: u8 = 1;
    /// The code of an element that is too long to be kept.
    pub const CODE: u8 = 2;
    pub const NULL_ELEMENT: u8 = 3;
    /// A value without elements.
    pub const EMPTY: u8 = 4;
    pub const NULL: u8 = 5;
}

/// What stands before the elements of a document (PostgreSQL 15, jsonb.h: same kinds; strings in arrays count as keys).
mod flag {
    pub const KEY: u8 = 1;
    pub const NULL: u8 = 2;
    pub const BOOL: u8 = 3;
    pub const NUMBER: u8 = 4;
    pub const STRING: u8 = 5;
}

/// Longer elements are known by their code. Lexemes, which are searched by how they begin, have 2046 bytes at most.
const LONGEST: usize = 2100;
/// The same for strings of documents (PostgreSQL 15, jsonb.h, JGIN_MAXLENGTH).
const LONGEST_STRING: usize = 125;

/// Two 64-bit codes of bytes (FNV-1a, finished as in SplitMix64): kept in indexes, so it must never change.
fn code(seed: u64, bytes: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325 ^ seed;
    for b in bytes {
        h = (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    }
    h = (h ^ h >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ h >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ h >> 31
}

/// A key without an element.
pub fn plain(column: u8, category: u8) -> Vec<u8> {
    vec![column, category]
}

fn of_element(column: u8, element: &[u8], longest: usize) -> Vec<u8> {
    let mut key = plain(column, category::ELEMENT);
    if element.len() <= longest {
        key.extend_from_slice(element);
        return key;
    }
    key[1] = category::CODE;
    for seed in [0, 1] {
        key.extend_from_slice(&code(seed, element).to_be_bytes());
    }
    key
}

/// Appends the keys of a row's value, each once, in order.
pub fn keys(column: usize, class: Class, value: Datum<'_>, out: &mut Vec<Vec<u8>>) {
    let (first, column) = (out.len(), column as u8);
    match (value, class) {
        (Datum::Bytes(b), Class::Array) => array_elements(column, b, out),
        (Datum::Bytes(b), Class::Tsvector) => {
            out.extend(tsvector::read(b).iter().map(|l| lexeme(column, &l.text)));
        }
        (Datum::Bytes(b), Class::Jsonb) => json_elements(column, Jsonb::new(b), out),
        (Datum::Bytes(_), Class::Trigram) => {
            out.extend(trigram::of(value.str()).iter().map(|t| of_trigram(column, t)));
        }
        (Datum::Bytes(b), Class::Hstore) => out.extend(hstore_pairs(column, b)),
        (Datum::Null, Class::Scalar(_)) => {
            out.push(plain(column, category::NULL));
            return;
        }
        (_, Class::Scalar(ty)) => out.push(array_element(column, TypeRef::of(ty), value)),
        (Datum::Bytes(b), Class::JsonbPath) => json_paths(column, Jsonb::new(b), PATH_START, out),
        _ => {
            out.push(plain(column, category::NULL));
            return;
        }
    }
    if out.len() == first {
        out.push(plain(column, category::EMPTY));
        return;
    }
    out[first..].sort_unstable();
    let mut at = first + 1;
    for n in first + 1..out.len() {
        if out[n] != out[at - 1] {
            out.swap(n, at);
            at += 1;
        }
    }
    out.truncate(at);
}

/// The key of an hstore's key.
pub fn hstore_key(column: u8, key: &str) -> Vec<u8> {
    of_element(column, &[b"K", key.as_bytes(), &[0]].concat(), LONGEST)
}

/// The keys of an hstore's keys and values.
pub fn hstore_pairs(column: u8, stored: &[u8]) -> Vec<Vec<u8>> {
    let value = |v: Option<&str>| match v {
        Some(v) => [b"V", v.as_bytes(), &[0]].concat(),
        None => b"N".to_vec(),
    };
    let both = |(k, v): (&str, Option<&str>)| [hstore_key(column, k), of_element(column, &value(v), LONGEST)];
    hstore::pairs(stored).into_iter().flat_map(both).collect()
}

/// The key of a trigram.
pub fn of_trigram(column: u8, trigram: &Trigram) -> Vec<u8> {
    of_element(column, trigram, LONGEST)
}

/// The key of an array's element.
pub fn array_element(column: u8, element: TypeRef, value: Datum<'_>) -> Vec<u8> {
    if value.is_null() {
        return plain(column, category::NULL_ELEMENT);
    }
    let mut bytes = Vec::new();
    key::encode(element, value, &mut bytes);
    of_element(column, &bytes, LONGEST)
}

fn array_elements(column: u8, stored: &[u8], out: &mut Vec<Vec<u8>>) {
    let array = Array::new(stored);
    let element = TypeRef::of(array.element);
    out.extend(array.iter().map(|v| array_element(column, element, v)));
}

/// The key of a lexeme; without its last byte, what the keys of all lexemes start with that start with this one.
pub fn lexeme(column: u8, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    of_element(column, &bytes, LONGEST)
}

fn json_string(column: u8, flag: u8, text: &str) -> Vec<u8> {
    let mut bytes = vec![flag];
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    of_element(column, &bytes, LONGEST_STRING)
}

/// The key of an object's key, and of a string in an array.
pub fn json_key(column: u8, text: &str) -> Vec<u8> {
    json_string(column, flag::KEY, text)
}

/// The key of a scalar that is an object's value.
pub fn json_scalar(column: u8, value: Jsonb<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match value {
        Jsonb::String(s) => return json_string(column, flag::STRING, s),
        Jsonb::Bool(b) => bytes.extend([flag::BOOL, b.into()]),
        Jsonb::Number(n) => {
            bytes.push(flag::NUMBER);
            Numeric::encode_key(n, &mut bytes);
        }
        _ => bytes.push(flag::NULL),
    }
    of_element(column, &bytes, LONGEST)
}

/// A scalar document counts as an array of one.
pub fn json_elements(column: u8, document: Jsonb<'_>, out: &mut Vec<Vec<u8>>) {
    let mut open = vec![(document, false)];
    while let Some((value, of_object)) = open.pop() {
        match value {
            Jsonb::Array(items) => open.extend(items.iter().map(|v| (v, false))),
            Jsonb::Object(pairs) => {
                for (k, v) in pairs.iter() {
                    out.push(json_key(column, k));
                    open.push((v, true));
                }
            }
            Jsonb::String(s) if !of_object => out.push(json_key(column, s)),
            scalar => out.push(json_scalar(column, scalar)),
        }
    }
}

/// The code of the path from a document's root, before any key.
pub const PATH_START: u64 = 0;

/// The code of a path one key longer; steps into arrays do not count.
pub fn path_step(path: u64, key: &str) -> u64 {
    code(path.rotate_left(1) ^ 0x6b, key.as_bytes())
}

/// The key of a scalar at the end of a path.
pub fn json_path(column: u8, value: Jsonb<'_>, path: u64) -> Vec<u8> {
    let mut out = plain(column, category::ELEMENT);
    let mut bytes = Vec::new();
    value.encode_key(&mut bytes);
    out.extend_from_slice(&code(path.rotate_left(1) ^ 0x76, &bytes).to_be_bytes());
    out
}

pub fn json_paths(column: u8, document: Jsonb<'_>, start: u64, out: &mut Vec<Vec<u8>>) {
    let mut open = vec![(document, start)];
    while let Some((value, path)) = open.pop() {
        match value {
            Jsonb::Array(items) => open.extend(items.iter().map(|v| (v, path))),
            Jsonb::Object(pairs) => open.extend(pairs.iter().map(|(k, v)| (v, path_step(path, k)))),
            scalar => out.push(json_path(column, scalar, path)),
        }
    }
}
