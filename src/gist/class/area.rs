//! Points, boxes, polygons and circles, by the box around them.
//!
//! Key: four f64 LE, the greatest x and y and the least x and y. The operators take numbers that are nearly equal for
//! equal, so the boxes are asked with some slack, and the rows always.

use super::{Answer, Class, Query, divide, maybe};
use crate::base::{Error, Result};
use crate::types::geometry::{EPSILON, numbers};
use crate::types::{Datum, TypeRef, base_type};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Point,
    Box,
    Polygon,
    Circle,
}

#[derive(Debug)]
pub struct Areas(pub Kind);

const SLACK: f64 = 2.0 * EPSILON;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Area {
    high: [f64; 2],
    low: [f64; 2],
}

const EVERYWHERE: Area = Area { high: [f64::INFINITY; 2], low: [f64::NEG_INFINITY; 2] };

impl Area {
    fn of_numbers(n: &[f64]) -> Area {
        match n {
            [hx, hy, lx, ly] if !n.iter().any(|v| v.is_nan()) => Area { high: [*hx, *hy], low: [*lx, *ly] },
            _ => EVERYWHERE,
        }
    }

    /// The box around a stored value.
    fn around(kind: Kind, stored: &[u8]) -> Area {
        let n = numbers(stored);
        match (kind, n.as_slice()) {
            (Kind::Box, four) => Area::of_numbers(four),
            (Kind::Point, [x, y]) => Area::of_numbers(&[*x, *y, *x, *y]),
            (Kind::Circle, [x, y, r]) => Area::of_numbers(&[x + r, y + r, x - r, y - r]),
            (Kind::Polygon, points) if !points.iter().any(|v| v.is_nan()) => {
                let (points, _) = points.as_chunks::<2>();
                let nothing = Area { high: [f64::NEG_INFINITY; 2], low: [f64::INFINITY; 2] };
                points.iter().fold(nothing, |a, [x, y]| a.union(&Area { high: [*x, *y], low: [*x, *y] }))
            }
            _ => EVERYWHERE,
        }
    }

    fn union(&self, o: &Area) -> Area {
        let each = |f: fn(f64, f64) -> f64, a: [f64; 2], b: [f64; 2]| [f(a[0], b[0]), f(a[1], b[1])];
        Area { high: each(f64::max, self.high, o.high), low: each(f64::min, self.low, o.low) }
    }

    fn size(&self) -> f64 {
        let side = |n: usize| self.high[n] - self.low[n];
        side(0) * side(1)
    }

    fn edge(&self) -> f64 {
        (self.high[0] - self.low[0]) + (self.high[1] - self.low[1])
    }

    fn overlaps(&self, o: &Area) -> bool {
        (0..2).all(|n| self.low[n] <= o.high[n] + SLACK && o.low[n] <= self.high[n] + SLACK)
    }

    fn contains(&self, o: &Area) -> bool {
        (0..2).all(|n| self.low[n] <= o.low[n] + SLACK && o.high[n] <= self.high[n] + SLACK)
    }

    /// From a point to the nearest point of the box.
    fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        let outside = |v: f64, n: usize| (self.low[n] - v).max(v - self.high[n]).max(0.0);
        outside(x, 0).hypot(outside(y, 1))
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.high, self.low].into_iter().flatten().flat_map(f64::to_le_bytes).collect()
    }

    fn from_bytes(key: &[u8]) -> Area {
        Area::of_numbers(&numbers(key))
    }
}

impl Class for Areas {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        match value {
            Datum::Bytes(b) => Area::around(self.0, b).to_bytes(),
            _ => EVERYWHERE.to_bytes(),
        }
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        Area::from_bytes(a).union(&Area::from_bytes(b)).to_bytes()
    }

    fn penalty(&self, key: &[u8], new: &[u8]) -> f64 {
        let key = Area::from_bytes(key);
        let both = key.union(&Area::from_bytes(new));
        let (more, longer) = (both.size() - key.size(), both.edge() - key.edge());
        // What has no area grows by its edges, far less than what has one.
        match more > 0.0 {
            true if more.is_finite() => 1.0 + more,
            true => f64::MAX,
            false if longer > 0.0 => longer / (1.0 + longer),
            false if both == key => 0.0,
            false => f64::MAX,
        }
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        let areas: Vec<Area> = keys.iter().map(|k| Area::from_bytes(k)).collect();
        let middle = |a: &Area, n: usize| match (a.high[n] + a.low[n]) / 2.0 {
            m if m.is_nan() => 0.0,
            m => m,
        };
        // Along the axis where the middles lie farther apart.
        let spread = |n: usize| {
            let each = areas.iter().map(|a| middle(a, n));
            each.clone().fold(f64::MIN, f64::max) - each.fold(f64::MAX, f64::min)
        };
        let axis = usize::from(spread(1) > spread(0));
        let mut order: Vec<usize> = (0..areas.len()).collect();
        order.sort_by(|a, b| middle(&areas[*a], axis).total_cmp(&middle(&areas[*b], axis)));
        // The same order as `divide` has: the sums of all that come before, and behind.
        let sums = |order: &mut dyn Iterator<Item = &usize>| {
            let mut out: Vec<Area> = Vec::new();
            for n in order {
                out.push(out.last().map_or(areas[*n], |s| s.union(&areas[*n])));
            }
            out
        };
        let before = sums(&mut order.iter());
        let mut behind = sums(&mut order.iter().rev());
        behind.reverse();
        divide(
            areas.len(),
            |n| middle(&areas[n], axis),
            |_, at| (before[at - 1].high[axis] - behind[at].low[axis]).max(0.0),
        )
    }

    fn query(&self, strategy: i16, value: Datum<'_>, ty: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let kind = match base_type(ty.oid).0 {
            600 => Kind::Point,
            603 => Kind::Box,
            604 => Kind::Polygon,
            718 => Kind::Circle,
            other => return Err(Error::internal(format!("a question of type {other} about areas"))),
        };
        let Datum::Bytes(b) = value else { return Err(Error::internal("a question that is no area")) };
        let nan = numbers(b).iter().any(|n| n.is_nan());
        let circle = match (self.0, kind, numbers(b).as_slice()) {
            (Kind::Point, Kind::Circle, [x, y, r]) => Some(([*x, *y], *r)),
            _ => None,
        };
        Ok(Box::new(AreaQuery { strategy, area: Area::around(kind, b), circle, nan }))
    }
}

#[derive(Debug)]
struct AreaQuery {
    /// PostgreSQL 15, gistproc.c: strategies of areas and of points.
    strategy: i16,
    area: Area,
    /// Of points in a circle: its centre and radius, which tell more than the box around it.
    circle: Option<([f64; 2], f64)>,
    nan: bool,
}

impl Query for AreaQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        let (k, q) = (Area::from_bytes(key), &self.area);
        let at_most = |a: f64, b: f64| a <= b + SLACK;
        let edge = |leaf_side: f64, inner_side: f64| if leaf { leaf_side } else { inner_side };
        maybe(
            self.nan
                || match self.strategy {
                    1 => at_most(edge(k.high[0], k.low[0]), q.low[0]),
                    2 => at_most(edge(k.high[0], k.low[0]), q.high[0]),
                    4 => at_most(q.low[0], edge(k.low[0], k.high[0])),
                    5 => at_most(q.high[0], edge(k.low[0], k.high[0])),
                    9 => at_most(edge(k.high[1], k.low[1]), q.high[1]),
                    10 | 29 => at_most(edge(k.high[1], k.low[1]), q.low[1]),
                    11 | 30 => at_most(q.high[1], edge(k.low[1], k.high[1])),
                    12 => at_most(q.low[1], edge(k.low[1], k.high[1])),
                    7 => k.contains(q),
                    68 => {
                        let near = |(centre, r): ([f64; 2], f64)| at_most(k.distance(centre) * (1.0 - 1e-9), r);
                        self.circle.is_none_or(near)
                    }
                    _ => k.overlaps(q),
                },
        )
    }

    /// A little less than it is, so that rounding never makes it more than the operator's.
    fn distance(&self, key: &[u8], _: bool) -> f64 {
        if self.nan {
            return f64::NEG_INFINITY;
        }
        Area::from_bytes(key).distance(self.area.low) * (1.0 - 1e-12)
    }
}
