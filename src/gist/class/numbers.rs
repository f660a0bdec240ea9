//! Arrays of integers: what the extension `intarray` brings, kept as lists or signatures of their elements.

use super::sign::{Form, list};
use super::{Answer, Class, Query, maybe};
use crate::base::{Error, Result};
use crate::types::array::Array;
use crate::types::intarray::Formula;
use crate::types::{Datum, TypeRef};

/// PostgreSQL 15, _int.h, SIGLEN_DEFAULT.
const SIGNATURE: usize = 252;

#[derive(Debug)]
pub struct Numbers(Form);

impl Numbers {
    pub fn new(room: usize) -> Numbers {
        Numbers(Form::new(SIGNATURE, room))
    }
}

fn elements(value: Datum<'_>) -> Vec<u32> {
    let Datum::Bytes(stored) = value else { return Vec::new() };
    Array::new(stored).iter().filter(|d| !d.is_null()).map(|d| d.i32() as u32).collect()
}

impl Class for Numbers {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        self.0.of(elements(value))
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

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let asked = match strategy {
            3 => Asked::Any(elements(value)),
            6 => Asked::Same(elements(value)),
            7 => Asked::All(elements(value)),
            20 => Asked::Formula(Formula::of(value.bytes())),
            other => return Err(Error::internal(format!("unknown strategy {other}"))),
        };
        Ok(Box::new(NumbersQuery { form: self.0, asked }))
    }
}

#[derive(Debug)]
enum Asked {
    Any(Vec<u32>),
    All(Vec<u32>),
    Same(Vec<u32>),
    Formula(Formula),
}

#[derive(Debug)]
struct NumbersQuery {
    form: Form,
    asked: Asked,
}

impl Query for NumbersQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        let has = |n: &u32| self.form.may_have(key, *n);
        maybe(match &self.asked {
            Asked::Any(wanted) => wanted.iter().any(has),
            Asked::All(wanted) => wanted.iter().all(has),
            // A list on a leaf has all there is.
            Asked::Same(wanted) => {
                let own = list(key).filter(|_| leaf);
                wanted.iter().all(has) && own.is_none_or(|mut own| own.all(|n| wanted.contains(&n)))
            }
            Asked::Formula(f) => f.may_hold(|n| has(&(n as u32))),
        })
    }
}
