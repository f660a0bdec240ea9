//! Values that have an order, by their keys: what the extension `btree_gist` brings.

use super::interval::{self, Relation, Span, View};
use super::{Answer, Class, Query};
use crate::base::{Error, Result};
use crate::types::{Datum, Phys, TypeRef, base_type, key, oid, phys};

#[derive(Debug)]
pub struct Scalars {
    /// The type, with what its texts are ordered by.
    pub ty: TypeRef,
    pub room: usize,
}

impl Scalars {
    fn key(&self, value: Datum<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        key::encode(self.ty, value, &mut bytes);
        bytes
    }
}

impl Class for Scalars {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        Span::of_value(&self.key(value)).to_key(self.room)
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        interval::union(a, b)
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        interval::penalty(key, new)
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        interval::split(keys)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let relation = match strategy {
            1 => Relation::Before,
            2 => Relation::OverLeft,
            3 | NEAREST => Relation::Equals,
            4 => Relation::OverRight,
            5 => Relation::After,
            6 => Relation::Differs,
            _ => return Err(Error::internal(format!("unknown strategy {strategy}"))),
        };
        let key = self.key(value);
        Ok(Box::new(ScalarQuery { relation, place: number(self.ty, &key), span: Span::of_value(&key), ty: self.ty }))
    }
}

/// The strategy of `<->`.
const NEAREST: i16 = 15;

#[derive(Debug)]
struct ScalarQuery {
    relation: Relation,
    span: Span,
    ty: TypeRef,
    place: Option<f64>,
}

/// What a key stands for as a number, in the units the type's distances have.
fn number(ty: TypeRef, key: &[u8]) -> Option<f64> {
    let eight = || Some(u64::from_be_bytes(*key.first_chunk::<8>()?));
    Some(match (base_type(ty.oid), phys(base_type(ty.oid))) {
        (oid::INTERVAL, _) => (u128::from_be_bytes(*key.first_chunk::<16>()?) ^ (1 << 127)) as i128 as f64,
        (_, Phys::I16) => f64::from((u16::from_be_bytes(*key.first_chunk::<2>()?) ^ 0x8000) as i16),
        (_, Phys::I32) => f64::from((u32::from_be_bytes(*key.first_chunk::<4>()?) ^ 0x8000_0000) as i32),
        (_, Phys::U32) => f64::from(u32::from_be_bytes(*key.first_chunk::<4>()?)),
        (_, Phys::I64) => (eight()? ^ (1 << 63)) as i64 as f64,
        (_, Phys::F32 | Phys::F64) => {
            let bits = eight()?;
            f64::from_bits(if bits >> 63 == 1 { bits ^ (1 << 63) } else { !bits })
        }
        _ => return None,
    })
}

impl Query for ScalarQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        self.relation.ask(key, &self.span, leaf, false)
    }

    /// A little less than it is: numbers this large are rounded.
    fn distance(&self, key: &[u8], _: bool) -> f64 {
        let end = |e: &[u8]| number(self.ty, e.get(1..)?);
        let ends = View::new(key).ends.and_then(|(l, h)| Some((end(l)?, end(h)?)));
        match (ends, self.place) {
            (Some((l, h)), Some(q)) => {
                let far = (l - q).max(q - h).max(0.0);
                let exactness = l.abs().max(h.abs()).max(q.abs()) * 1e-15;
                if far.is_finite() && exactness.is_finite() { (far * (1.0 - 1e-6) - exactness).max(0.0) } else { 0.0 }
            }
            _ => 0.0,
        }
    }
}
