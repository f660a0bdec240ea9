//! Boxes in many dimensions: what the extension `cube` brings. Keys are boxes, as the type has them.

use super::{Answer, Class, Query, divide, maybe};
use crate::base::{Error, Result};
use crate::types::cube::Cube;
use crate::types::{Datum, TypeRef};

#[derive(Debug)]
pub struct Cubes;

/// A corner's coordinate by its number: lower and upper bounds alternate, of a negative number with its sign turned. `leaf`:
/// of the cube itself; else what none that it covers is below.
///
/// PostgreSQL 15, cube.c, cube_coord_llur and g_cube_distance.
pub fn coordinate(c: &Cube, n: i32, leaf: bool) -> f64 {
    let (at, upper) = (n.unsigned_abs() as usize - usize::from(n != 0), n.unsigned_abs().is_multiple_of(2));
    let at = at / 2;
    let (low, high) = (c.low(at), c.high(at));
    match (leaf, n < 0) {
        (true, below) => {
            let x = if upper { high } else { low };
            if below { -x } else { x }
        }
        (false, false) => low,
        (false, true) => -high,
    }
}

fn length(c: &Cube) -> f64 {
    (0..c.dims()).map(|n| c.high(n) - c.low(n)).sum()
}

impl Class for Cubes {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        if let Datum::Bytes(b) = value { b.to_vec() } else { Cube::default().stored() }
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        if a == b {
            return a.to_vec();
        }
        let (a, b) = (Cube::read(a), Cube::read(b));
        a.union(&b).stored()
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        let (key, new) = (Cube::read(key), Cube::read(new));
        let both = key.union(&new);
        let more = both.size() - key.size();
        // Flat ones have no size.
        if more > 0.0 { more } else { (length(&both) - length(&key)).max(0.0) * f64::EPSILON }
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        let all: Vec<Cube> = keys.iter().map(|k| Cube::read(k)).collect();
        let dims = all.iter().map(Cube::dims).max().unwrap_or(0);
        let middle = |c: &Cube, n: usize| f64::midpoint(c.low(n), c.high(n));
        // Along the dimension in which they lie farthest apart.
        let spread = |n: usize| {
            let of = |pick: fn(f64, f64) -> f64, from| all.iter().map(|c| middle(c, n)).fold(from, pick);
            of(f64::max, f64::NEG_INFINITY) - of(f64::min, f64::INFINITY)
        };
        let widest = (0..dims).max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0);
        let overlap = |order: &[usize], at: usize| {
            let left = order[..at].iter().map(|n| all[*n].high(widest)).fold(f64::NEG_INFINITY, f64::max);
            let right = order[at..].iter().map(|n| all[*n].low(widest)).fold(f64::INFINITY, f64::min);
            (left - right).max(0.0)
        };
        divide(all.len(), |n| middle(&all[n], widest), overlap)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let asked = match (strategy, value) {
            (15, Datum::I32(0)) => {
                return Err(crate::err!(ARRAY_SUBSCRIPT_ERROR, "zero cube index is not defined"));
            }
            (15, Datum::I32(n)) => Asked::Coordinate(n),
            (3 | 6 | 7 | 8 | 16 | 17 | 18, Datum::Bytes(b)) => Asked::Cube(strategy, Cube::read(b)),
            _ => return Err(Error::internal(format!("unknown strategy {strategy}"))),
        };
        Ok(Box::new(CubeQuery(asked)))
    }
}

#[derive(Debug)]
enum Asked {
    Cube(i16, Cube),
    Coordinate(i32),
}

#[derive(Debug)]
struct CubeQuery(Asked);

impl Query for CubeQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        let Asked::Cube(strategy, asked) = &self.0 else { return Answer::Maybe };
        let key = Cube::read(key);
        maybe(match (strategy, leaf) {
            (3, _) => key.overlaps(asked),
            (6, true) => key.compare(asked).is_eq(),
            (6 | 7, _) => key.contains(asked),
            (8, true) => asked.contains(&key),
            // Something below may lie within.
            _ => key.overlaps(asked),
        })
    }

    fn distance(&self, key: &[u8], leaf: bool) -> f64 {
        let key = Cube::read(key);
        match &self.0 {
            Asked::Coordinate(n) => coordinate(&key, *n, leaf),
            Asked::Cube(16, asked) => key.taxicab(asked),
            Asked::Cube(18, asked) => key.chebyshev(asked),
            Asked::Cube(_, asked) => key.distance(asked),
        }
    }
}
