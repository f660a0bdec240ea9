//! `point`, `lseg`, `box`, `path`, `polygon`, `line` and `circle`.
//!
//! Bytes: coordinates f64 LE. A point is x and y; a segment two points; a box its upper right and its lower left corner;
//! a line A, B and C of Ax + By + C = 0; a circle its centre and radius; a path one byte (1: closed) and its points; a
//! polygon its points.

use super::{IoContext, float, oid};
use crate::base::{Oid, Result};
use crate::{bail, err};

/// Numbers closer than this are equal (PostgreSQL 15, geo_decls.h, EPSILON).
pub const EPSILON: f64 = 1.0e-6;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// The coordinates of a stored value, without a path's flag.
pub fn numbers(stored: &[u8]) -> Vec<f64> {
    let body = &stored[stored.len() % 8..];
    body.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

pub fn points(stored: &[u8]) -> Vec<Point> {
    numbers(stored).as_chunks::<2>().0.iter().map(|[x, y]| Point { x: *x, y: *y }).collect()
}

/// Whether a stored path is closed.
pub fn is_closed(stored: &[u8]) -> bool {
    stored.first() == Some(&1)
}

pub fn to_bytes(numbers: impl IntoIterator<Item = f64>) -> Vec<u8> {
    numbers.into_iter().flat_map(f64::to_le_bytes).collect()
}

pub fn of_points(points: impl IntoIterator<Item = Point>) -> Vec<u8> {
    to_bytes(points.into_iter().flat_map(|p| [p.x, p.y]))
}

pub fn path_of(closed: bool, points: impl IntoIterator<Item = Point>) -> Vec<u8> {
    let mut out = vec![u8::from(closed)];
    out.extend(of_points(points));
    out
}

/// The higher of two coordinates; NaN is above all others, as in every order of numbers.
pub fn higher(a: f64, b: f64) -> f64 {
    if float::compare(a, b).is_lt() { b } else { a }
}

pub fn lower(a: f64, b: f64) -> f64 {
    if float::compare(a, b).is_gt() { b } else { a }
}

/// A box with its corners in order.
pub fn box_of(a: Point, b: Point) -> Vec<u8> {
    to_bytes([higher(a.x, b.x), higher(a.y, b.y), lower(a.x, b.x), lower(a.y, b.y)])
}

/// The line through two points (PostgreSQL 15, geo_ops.c, line_construct).
pub fn line_through(a: Point, b: Point) -> [f64; 3] {
    if (a.x - b.x).abs() <= EPSILON {
        return [-1.0, 0.0, a.x];
    }
    let slope = if (a.y - b.y).abs() <= EPSILON { 0.0 } else { (a.y - b.y) / (a.x - b.x) };
    if slope == 0.0 {
        return [0.0, -1.0, a.y];
    }
    let c = a.y - slope * a.x;
    [slope, -1.0, if c == 0.0 { 0.0 } else { c }]
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    name: &'static str,
}

impl<'a> Reader<'a> {
    fn bad(&self) -> crate::base::Error {
        err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {}: \"{}\"", self.name, self.text)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(super::text::is_space);
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Result<f64> {
        self.skip();
        let ends = |c: char| matches!(c, ',' | '(' | ')' | '[' | ']' | '<' | '>' | '{' | '}');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = float::parse_f64(word).map_err(|e| {
            if e.sqlstate() == crate::base::SqlState::INVALID_TEXT_REPRESENTATION { self.bad() } else { e }
        })?;
        self.rest = rest;
        Ok(value)
    }

    fn pair(&mut self) -> Result<Point> {
        self.skip();
        let wrapped = self.eat('(');
        let x = self.number()?;
        if !self.eat(',') {
            return Err(self.bad());
        }
        let y = self.number()?;
        if wrapped {
            if !self.eat(')') {
                return Err(self.bad());
            }
            self.skip();
        }
        Ok(Point { x, y })
    }

    /// PostgreSQL 15, geo_ops.c, path_decode: so many points, and whether they stood in brackets.
    fn path(&mut self, may_open: bool, count: usize) -> Result<(Vec<Point>, bool)> {
        self.skip();
        let open = self.rest.starts_with('[');
        let mut depth = 0;
        if open {
            if !may_open {
                return Err(self.bad());
            }
            depth += 1;
            self.eat('[');
        } else if self.rest.starts_with('(') {
            let inner = self.rest[1..].trim_start_matches(super::text::is_space);
            if inner.starts_with('(') {
                depth += 1;
                self.rest = inner;
            } else if self.rest.rfind('(') == Some(0) {
                depth += 1;
                self.rest = inner;
            }
        }
        let mut points = Vec::new();
        for _ in 0..count {
            points.push(self.pair()?);
            self.eat(',');
        }
        while depth > 0 {
            if !(self.eat(')') || open && depth == 1 && self.eat(']')) {
                return Err(self.bad());
            }
            depth -= 1;
            self.skip();
        }
        Ok((points, open))
    }

    fn end(&mut self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad()) }
    }

    /// How many points there are by the number of commas.
    fn count(&self) -> Result<usize> {
        let commas = self.text.matches(',').count();
        if commas % 2 == 1 { Ok(commas.div_ceil(2)) } else { Err(self.bad()) }
    }

    fn circle(&mut self) -> Result<Vec<u8>> {
        self.skip();
        let mut depth = 0;
        let angle = self.eat('<');
        if angle {
            depth += 1;
        } else if self.rest.starts_with('(') {
            let inner = self.rest[1..].trim_start_matches(super::text::is_space);
            if inner.starts_with('(') {
                depth += 1;
                self.rest = inner;
            }
        }
        let centre = self.pair()?;
        self.eat(',');
        let radius = self.number()?;
        if radius < 0.0 {
            return Err(self.bad());
        }
        while depth > 0 {
            if !(self.eat(')') || depth == 1 && self.eat('>')) {
                return Err(self.bad());
            }
            depth -= 1;
            self.skip();
        }
        Ok(to_bytes([centre.x, centre.y, radius]))
    }

    fn line(&mut self) -> Result<Vec<u8>> {
        self.skip();
        if self.eat('{') {
            let mut out = [0.0; 3];
            for (n, v) in out.iter_mut().enumerate() {
                if n > 0 && !self.eat(',') {
                    return Err(self.bad());
                }
                *v = self.number()?;
            }
            if !self.eat('}') {
                return Err(self.bad());
            }
            self.skip();
            if !self.rest.is_empty() {
                return Err(self.bad());
            }
            if out[0].abs() <= EPSILON && out[1].abs() <= EPSILON {
                bail!(INVALID_TEXT_REPRESENTATION, "invalid line specification: A and B cannot both be zero");
            }
            return Ok(to_bytes(out));
        }
        let (p, _) = self.path(true, 2)?;
        if near(p[0], p[1]) {
            bail!(INVALID_TEXT_REPRESENTATION, "invalid line specification: must be two distinct points");
        }
        Ok(to_bytes(line_through(p[0], p[1])))
    }
}

/// Points that count as the same; beside NaN nothing is close, only the same (PostgreSQL 15, geo_ops.c, point_eq_point).
pub fn near(a: Point, b: Point) -> bool {
    let exact = [a.x, a.y, b.x, b.y].iter().any(|v| v.is_nan());
    let same = |a: f64, b: f64| if exact { float::compare(a, b).is_eq() } else { a == b || (a - b).abs() <= EPSILON };
    same(a.x, b.x) && same(a.y, b.y)
}

/// Whether the type is one of this file.
pub fn is_geometry(typ: Oid) -> bool {
    matches!(typ, oid::POINT | oid::LSEG | oid::BOX | oid::PATH | oid::POLYGON | oid::LINE | oid::CIRCLE)
}

pub fn parse(typ: Oid, text: &str) -> Result<Vec<u8>> {
    let name = super::info(typ).map_or("point", |i| i.name);
    let mut r = Reader { text, rest: text, name };
    let out = match typ {
        oid::POINT => of_points([r.pair()?]),
        oid::LSEG => of_points(r.path(true, 2)?.0),
        oid::BOX => {
            let (p, _) = r.path(false, 2)?;
            box_of(p[0], p[1])
        }
        oid::POLYGON => {
            let count = r.count()?;
            of_points(r.path(false, count)?.0)
        }
        oid::PATH => {
            let count = r.count()?;
            r.skip();
            let lone = r.rest.starts_with('(') && r.rest.rfind('(') == Some(0);
            if lone {
                r.eat('(');
            }
            let (points, open) = r.path(true, count)?;
            if lone {
                if !r.eat(')') {
                    return Err(r.bad());
                }
                r.skip();
            }
            path_of(!open, points)
        }
        oid::CIRCLE => r.circle()?,
        _ => r.line()?,
    };
    r.end()?;
    Ok(out)
}

pub fn write(typ: Oid, stored: &[u8], out: &mut Vec<u8>, io: &IoContext) {
    let number = |v: f64, out: &mut Vec<u8>| float::write_f64(v, io.extra_float_digits, out);
    let list = |open: &[u8], close: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(open);
        for (n, p) in points(stored).into_iter().enumerate() {
            out.extend_from_slice(if n > 0 { b",(" } else { b"(" });
            number(p.x, out);
            out.push(b',');
            number(p.y, out);
            out.push(b')');
        }
        out.extend_from_slice(close);
    };
    let n = numbers(stored);
    match (typ, n.as_slice()) {
        (oid::POINT | oid::BOX, _) => list(b"", b"", out),
        (oid::LSEG, _) => list(b"[", b"]", out),
        (oid::PATH, _) if !is_closed(stored) => list(b"[", b"]", out),
        (oid::PATH | oid::POLYGON, _) => list(b"(", b")", out),
        (oid::CIRCLE, [x, y, r]) => {
            out.extend_from_slice(b"<(");
            number(*x, out);
            out.push(b',');
            number(*y, out);
            out.extend_from_slice(b"),");
            number(*r, out);
            out.push(b'>');
        }
        (_, [a, b, c]) => {
            for (open, v) in [(b'{', a), (b',', b), (b',', c)] {
                out.push(open);
                number(*v, out);
            }
            out.push(b'}');
        }
        _ => {}
    }
}

pub fn write_binary(typ: Oid, stored: &[u8], out: &mut Vec<u8>) {
    let n = numbers(stored);
    if typ == oid::PATH {
        out.push(u8::from(is_closed(stored)));
    }
    if matches!(typ, oid::PATH | oid::POLYGON) {
        out.extend_from_slice(&(n.len() as i32 / 2).to_be_bytes());
    }
    n.iter().for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
}

pub fn from_binary(typ: Oid, bytes: &[u8]) -> Result<Vec<u8>> {
    let name = super::info(typ).map_or("point", |i| i.name);
    let mut rest = bytes;
    let mut head = |n: usize| match rest.split_at_checked(n) {
        Some((head, tail)) => {
            rest = tail;
            Ok(head)
        }
        None => Err(err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
    };
    let closed = typ == oid::PATH && head(1)? != [0];
    let count = match typ {
        oid::PATH | oid::POLYGON => {
            let n = i32::from_be_bytes(head(4)?.try_into().unwrap_or_default());
            if n <= 0 || n as usize > bytes.len() / 16 {
                bail!(INVALID_BINARY_REPRESENTATION, "invalid number of points in external \"{name}\" value");
            }
            n as usize * 2
        }
        oid::POINT => 2,
        oid::LSEG | oid::BOX => 4,
        _ => 3,
    };
    let mut n = Vec::with_capacity(count);
    for _ in 0..count {
        n.push(f64::from_be_bytes(head(8)?.try_into().unwrap_or_default()));
    }
    if !rest.is_empty() {
        bail!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    }
    Ok(match typ {
        oid::BOX => box_of(Point { x: n[0], y: n[1] }, Point { x: n[2], y: n[3] }),
        oid::CIRCLE if n[2] < 0.0 => {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid radius in external \"circle\" value")
        }
        oid::LINE if n[0].abs() <= EPSILON && n[1].abs() <= EPSILON => {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid line specification: A and B cannot both be zero")
        }
        oid::PATH => {
            let mut out = vec![u8::from(closed)];
            out.extend(to_bytes(n));
            out
        }
        _ => to_bytes(n),
    })
}
