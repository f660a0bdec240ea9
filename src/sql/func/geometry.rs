//! Functions and operators of the geometric types. Numbers closer than 1e-6 are equal, as in PostgreSQL 15, geo_ops.c.

use super::{FnContext, FuncImpl};
use crate::base::{Error, Result};
use crate::types::geometry::{
    EPSILON, Point, box_of, higher, is_closed, line_through, lower, near, numbers, of_points, path_of, points, to_bytes,
};
use crate::types::{Column, ColumnData, Datum};
use crate::{bail, err};

type Args<'a, 'b> = &'a [Datum<'b>];

fn eq(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= EPSILON
}

/// Not the opposite of `eq` where there is NaN.
fn ne(a: f64, b: f64) -> bool {
    a != b && (a - b).abs() > EPSILON
}

fn lt(a: f64, b: f64) -> bool {
    a + EPSILON < b
}

fn le(a: f64, b: f64) -> bool {
    a <= b + EPSILON
}

fn point(args: Args<'_, '_>, n: usize) -> Point {
    points(args[n].bytes()).first().copied().unwrap_or(Point { x: 0.0, y: 0.0 })
}

/// The corners of a box: upper right, lower left.
#[derive(Clone, Copy)]
struct Rect {
    high: Point,
    low: Point,
}

impl Rect {
    fn of(stored: &[u8]) -> Rect {
        let p = points(stored);
        let at = |n: usize| p.get(n).copied().unwrap_or(Point { x: 0.0, y: 0.0 });
        Rect { high: at(0), low: at(1) }
    }

    fn around(points: &[Point]) -> Rect {
        let far = |f: fn(f64, f64) -> f64| {
            let first = points.first().copied().unwrap_or(Point { x: 0.0, y: 0.0 });
            points.iter().fold(first, |a, p| Point { x: f(a.x, p.x), y: f(a.y, p.y) })
        };
        Rect { high: far(higher), low: far(lower) }
    }

    fn area(&self) -> f64 {
        (self.high.x - self.low.x) * (self.high.y - self.low.y)
    }

    fn center(&self) -> Point {
        Point { x: (self.high.x + self.low.x) / 2.0, y: (self.high.y + self.low.y) / 2.0 }
    }

    fn overlaps(&self, o: &Rect) -> bool {
        le(self.low.x, o.high.x) && le(o.low.x, self.high.x) && le(self.low.y, o.high.y) && le(o.low.y, self.high.y)
    }

    fn contains(&self, o: &Rect) -> bool {
        le(o.high.x, self.high.x) && le(self.low.x, o.low.x) && le(o.high.y, self.high.y) && le(self.low.y, o.low.y)
    }

    fn holds(&self, p: Point) -> bool {
        self.high.x >= p.x && self.low.x <= p.x && self.high.y >= p.y && self.low.y <= p.y
    }

    fn same(&self, o: &Rect) -> bool {
        near(self.high, o.high) && near(self.low, o.low)
    }

    fn bytes(&self) -> Vec<u8> {
        of_points([self.high, self.low])
    }
}

fn rect(args: Args<'_, '_>, n: usize) -> Rect {
    Rect::of(args[n].bytes())
}

#[derive(Clone, Copy)]
struct Circle {
    center: Point,
    radius: f64,
}

impl Circle {
    fn area(&self) -> f64 {
        self.radius * self.radius * std::f64::consts::PI
    }

    fn bytes(&self) -> Vec<u8> {
        to_bytes([self.center.x, self.center.y, self.radius])
    }
}

fn circle(args: Args<'_, '_>, n: usize) -> Circle {
    let v = numbers(args[n].bytes());
    let at = |n: usize| v.get(n).copied().unwrap_or(0.0);
    Circle { center: Point { x: at(0), y: at(1) }, radius: at(2) }
}

fn list(args: Args<'_, '_>, n: usize) -> Vec<Point> {
    points(args[n].bytes())
}

fn float(args: Args<'_, '_>, n: usize) -> f64 {
    args[n].f64()
}

fn whole(args: Args<'_, '_>, n: usize) -> i32 {
    args[n].i32()
}

fn raw<'b>(args: Args<'_, 'b>, n: usize) -> &'b [u8] {
    args[n].bytes()
}

/// PostgreSQL 15, geo_ops.c, pg_hypot: its last digit is another than the C library's.
fn hypotenuse(x: f64, y: f64) -> f64 {
    if x.is_infinite() || y.is_infinite() {
        return f64::INFINITY;
    }
    let (long, short) = if x.abs() < y.abs() { (y.abs(), x.abs()) } else { (x.abs(), y.abs()) };
    if short == 0.0 {
        return long;
    }
    let ratio = short / long;
    long * (1.0 + ratio * ratio).sqrt()
}

fn distance(a: Point, b: Point) -> f64 {
    hypotenuse(a.x - b.x, a.y - b.y)
}

/// What float8_pl and its like refuse. PostgreSQL 15, float.h: same rules.
fn checked(result: f64, a: f64, b: f64, lost: bool) -> Result<f64> {
    if result.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if result == 0.0 && lost {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
    }
    Ok(result)
}

fn overflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn sum(a: f64, b: f64) -> Result<f64> {
    checked(a + b, a, b, false)
}

fn difference(a: f64, b: f64) -> Result<f64> {
    checked(a - b, a, b, false)
}

fn product(a: f64, b: f64) -> Result<f64> {
    checked(a * b, a, b, a != 0.0 && b != 0.0)
}

fn quotient(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 && !a.is_nan() {
        bail!(DIVISION_BY_ZERO, "division by zero");
    }
    checked(a / b, a, b, a != 0.0 && !b.is_infinite())
}

fn plus(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: sum(a.x, b.x)?, y: sum(a.y, b.y)? })
}

fn minus(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: difference(a.x, b.x)?, y: difference(a.y, b.y)? })
}

/// Points as complex numbers.
fn times(a: Point, b: Point) -> Result<Point> {
    Ok(Point {
        x: difference(product(a.x, b.x)?, product(a.y, b.y)?)?,
        y: sum(product(a.x, b.y)?, product(a.y, b.x)?)?,
    })
}

fn over(a: Point, b: Point) -> Result<Point> {
    let square = sum(product(b.x, b.x)?, product(b.y, b.y)?)?;
    Ok(Point {
        x: quotient(sum(product(a.x, b.x)?, product(a.y, b.y)?)?, square)?,
        y: quotient(difference(product(a.y, b.x)?, product(a.x, b.y)?)?, square)?,
    })
}

/// What overlaps is at no distance; NaN stays what it is.
fn at_least_zero(v: f64) -> f64 {
    if v < 0.0 { 0.0 } else { v }
}

/// The sum of the sides.
fn length(p: &[Point], closed: bool) -> f64 {
    // Not `sum`: that of nothing is -0.
    let open = p.windows(2).fold(0.0, |sum, w| sum + distance(w[0], w[1]));
    match (closed, p.first(), p.last()) {
        (true, Some(first), Some(last)) => open + distance(*last, *first),
        _ => open,
    }
}

fn on_segment(p: Point, a: Point, b: Point) -> bool {
    eq(distance(p, a) + distance(p, b), distance(a, b))
}

/// Inside a polygon, or on its edge.
fn inside(p: Point, polygon: &[Point]) -> bool {
    let Some(last) = polygon.last() else { return false };
    let (mut before, mut within) = (*last, false);
    for &v in polygon {
        if on_segment(p, before, v) {
            return true;
        }
        if (v.y > p.y) != (before.y > p.y) && p.x < (before.x - v.x) * (p.y - v.y) / (before.y - v.y) + v.x {
            within = !within;
        }
        before = v;
    }
    within
}

/// What a function answers.
trait Answer {
    /// Also where all that was given has an end.
    const MAY_BE_INFINITE: bool = false;

    fn push(self, out: &mut Column) -> Result<()>;
}

fn finish<A: Answer>(answer: A, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    answer.push(out)?;
    let infinite = matches!(&out.data, ColumnData::F64(v) if v.last().is_some_and(|v| v.is_infinite()));
    if infinite && !A::MAY_BE_INFINITE && are_finite(args) {
        return Err(overflow());
    }
    Ok(())
}

/// Whether all numbers a function is given have an end: then its answer has, too, or it overflows.
fn are_finite(args: Args<'_, '_>) -> bool {
    args.iter().all(|a| match a {
        Datum::F64(v) => v.is_finite(),
        Datum::Bytes(b) => numbers(b).iter().all(|v| v.is_finite()),
        _ => true,
    })
}

impl Answer for bool {
    fn push(self, out: &mut Column) -> Result<()> {
        out.push(Datum::Bool(self));
        Ok(())
    }
}

impl Answer for f64 {
    fn push(self, out: &mut Column) -> Result<()> {
        out.push(Datum::F64(self));
        Ok(())
    }
}

/// A number that may be infinite.
struct Unbounded(f64);

impl Answer for Unbounded {
    const MAY_BE_INFINITE: bool = true;

    fn push(self, out: &mut Column) -> Result<()> {
        self.0.push(out)
    }
}

impl Answer for i32 {
    fn push(self, out: &mut Column) -> Result<()> {
        out.push(Datum::I32(self));
        Ok(())
    }
}

impl Answer for Vec<u8> {
    fn push(self, out: &mut Column) -> Result<()> {
        out.push(Datum::Bytes(&self));
        Ok(())
    }
}

impl Answer for Point {
    fn push(self, out: &mut Column) -> Result<()> {
        of_points([self]).push(out)
    }
}

impl Answer for Rect {
    fn push(self, out: &mut Column) -> Result<()> {
        self.bytes().push(out)
    }
}

impl Answer for Circle {
    fn push(self, out: &mut Column) -> Result<()> {
        self.bytes().push(out)
    }
}

impl<T: Answer> Answer for Option<T> {
    fn push(self, out: &mut Column) -> Result<()> {
        match self {
            Some(v) => v.push(out),
            None => {
                out.push_null();
                Ok(())
            }
        }
    }
}

impl<T: Answer> Answer for Result<T> {
    fn push(self, out: &mut Column) -> Result<()> {
        self?.push(out)
    }
}

/// Functions and their code: `"name" (argument: how it is read, …) = answer;`
macro_rules! functions {
    ($($name:literal ($($arg:ident: $get:ident),*) = $body:expr;)*) => {
        pub(super) static TABLE: &[(&str, FuncImpl)] = &[$(($name, FuncImpl::Scalar({
            fn call(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
                let mut n = 0..;
                $(let $arg = $get(args, n.next().unwrap_or(0));)*
                finish($body, args, out)
            }
            call
        }))),*];
    };
}

mod closest;

pub(super) static TABLES: &[&[(&str, FuncImpl)]] = &[TABLE, closest::TABLE];

fn moved(p: Vec<Point>, f: impl Fn(Point) -> Result<Point>) -> Result<Vec<Point>> {
    p.into_iter().map(f).collect()
}

/// A box whose corners were moved.
fn between(a: Point, b: Point) -> Vec<u8> {
    box_of(a, b)
}

fn circle_at(center: Point, radius: f64) -> Circle {
    Circle { center, radius }
}

/// A polygon of so many corners.
fn corners(count: i32, c: &Circle) -> Result<Vec<u8>> {
    if c.radius.abs() <= EPSILON {
        bail!(FEATURE_NOT_SUPPORTED, "cannot convert circle with radius zero to polygon");
    }
    if count < 2 {
        bail!(INVALID_PARAMETER_VALUE, "must request at least 2 points");
    }
    if count > 1 << 20 {
        bail!(PROGRAM_LIMIT_EXCEEDED, "too many points requested");
    }
    let step = 2.0 * std::f64::consts::PI / f64::from(count);
    Ok(of_points((0..count).map(|n| {
        let angle = step * f64::from(n);
        Point { x: c.center.x - c.radius * angle.cos(), y: c.center.y + c.radius * angle.sin() }
    })))
}

fn joined(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    (!is_closed(a) && !is_closed(b)).then(|| path_of(false, points(a).into_iter().chain(points(b))))
}

/// Twice the area under a closed path, with its sign.
fn shoelace(p: &[Point]) -> f64 {
    (0..p.len()).map(|n| (p[n], p[(n + 1) % p.len()])).map(|(a, b)| a.x * b.y - a.y * b.x).sum()
}

fn mean(p: &[Point]) -> Point {
    let n = p.len().max(1) as f64;
    Point { x: p.iter().map(|p| p.x).sum::<f64>() / n, y: p.iter().map(|p| p.y).sum::<f64>() / n }
}

/// The same corners in the same order, from any of them in either direction.
fn same_polygon(a: &[Point], b: &[Point]) -> bool {
    let n = a.len();
    n == b.len()
        && (0..n).any(|start| {
            (0..n).all(|i| near(a[i], b[(start + i) % n])) || (0..n).all(|i| near(a[i], b[(start + n - i) % n]))
        })
}

fn circle_of(p: &[Point]) -> Circle {
    let center = mean(p);
    let radius = p.iter().map(|p| distance(*p, center)).sum::<f64>() / p.len().max(1) as f64;
    Circle { center, radius }
}

fn polygon_of(stored: &[u8]) -> Result<Vec<u8>> {
    match is_closed(stored) {
        true => Ok(of_points(points(stored))),
        false => Err(err!(INVALID_PARAMETER_VALUE, "open path cannot be converted to polygon")),
    }
}

fn coefficients(args: Args<'_, '_>, n: usize) -> Vec<f64> {
    numbers(args[n].bytes())
}

fn through(a: Point, b: Point) -> Result<Vec<u8>> {
    if near(a, b) {
        bail!(INVALID_PARAMETER_VALUE, "invalid line specification: must be two distinct points");
    }
    Ok(to_bytes(line_through(a, b)))
}

functions! {
    "construct_point" (x: float, y: float) = Point { x, y };
    "point_add" (a: point, b: point) = plus(a, b);
    "point_sub" (a: point, b: point) = minus(a, b);
    "point_mul" (a: point, b: point) = times(a, b);
    "point_div" (a: point, b: point) = over(a, b);
    "point_eq" (a: point, b: point) = near(a, b);
    "point_ne" (a: point, b: point) = !near(a, b);
    "point_left" (a: point, b: point) = lt(a.x, b.x);
    "point_right" (a: point, b: point) = lt(b.x, a.x);
    "point_above" (a: point, b: point) = lt(b.y, a.y);
    "point_below" (a: point, b: point) = lt(a.y, b.y);
    "point_vert" (a: point, b: point) = eq(a.x, b.x);
    "point_horiz" (a: point, b: point) = eq(a.y, b.y);
    "point_distance" (a: point, b: point) = distance(a, b);
    "point_box" (a: point) = of_points([a, a]);
    "on_pb" (p: point, b: rect) = b.holds(p);
    "box_contain_pt" (b: rect, p: point) = b.holds(p);
    "on_ps" (p: point, s: list) = s.len() == 2 && on_segment(p, s[0], s[1]);
    "pt_contained_circle" (p: point, c: circle) = distance(p, c.center) <= c.radius;
    "circle_contain_pt" (c: circle, p: point) = distance(p, c.center) <= c.radius;
    "pt_contained_poly" (p: point, q: list) = inside(p, &q);
    "poly_contain_pt" (q: list, p: point) = inside(p, &q);
    "dist_pc" (p: point, c: circle) = at_least_zero(distance(p, c.center) - c.radius);
    "dist_cpoint" (c: circle, p: point) = at_least_zero(distance(p, c.center) - c.radius);

    "points_box" (a: point, b: point) = between(a, b);
    "box_area" (b: rect) = b.area();
    "box_width" (b: rect) = b.high.x - b.low.x;
    "box_height" (b: rect) = b.high.y - b.low.y;
    "box_center" (b: rect) = b.center();
    "box_diagonal" (b: rect) = of_points([b.high, b.low]);
    "box_overlap" (a: rect, b: rect) = a.overlaps(&b);
    "box_contain" (a: rect, b: rect) = a.contains(&b);
    "box_contained" (a: rect, b: rect) = b.contains(&a);
    "box_same" (a: rect, b: rect) = a.same(&b);
    "box_left" (a: rect, b: rect) = lt(a.high.x, b.low.x);
    "box_overleft" (a: rect, b: rect) = le(a.high.x, b.high.x);
    "box_right" (a: rect, b: rect) = lt(b.high.x, a.low.x);
    "box_overright" (a: rect, b: rect) = le(b.low.x, a.low.x);
    "box_below" (a: rect, b: rect) = lt(a.high.y, b.low.y);
    "box_overbelow" (a: rect, b: rect) = le(a.high.y, b.high.y);
    "box_above" (a: rect, b: rect) = lt(b.high.y, a.low.y);
    "box_overabove" (a: rect, b: rect) = le(b.low.y, a.low.y);
    "box_below_eq" (a: rect, b: rect) = le(a.high.y, b.low.y);
    "box_above_eq" (a: rect, b: rect) = le(b.high.y, a.low.y);
    "box_eq" (a: rect, b: rect) = eq(a.area(), b.area());
    "box_lt" (a: rect, b: rect) = lt(a.area(), b.area());
    "box_gt" (a: rect, b: rect) = lt(b.area(), a.area());
    "box_le" (a: rect, b: rect) = le(a.area(), b.area());
    "box_ge" (a: rect, b: rect) = le(b.area(), a.area());
    "box_distance" (a: rect, b: rect) = distance(a.center(), b.center());
    "box_intersect" (a: rect, b: rect) = a.overlaps(&b).then(|| of_points([
        Point { x: lower(a.high.x, b.high.x), y: lower(a.high.y, b.high.y) },
        Point { x: higher(a.low.x, b.low.x), y: higher(a.low.y, b.low.y) },
    ]));
    "boxes_bound_box" (a: rect, b: rect) = Rect::around(&[a.high, a.low, b.high, b.low]);
    "box_add" (b: rect, p: point) = plus(b.high, p).and_then(|h| Ok(of_points([h, plus(b.low, p)?])));
    "box_sub" (b: rect, p: point) = minus(b.high, p).and_then(|h| Ok(of_points([h, minus(b.low, p)?])));
    "box_mul" (b: rect, p: point) = times(b.high, p).and_then(|h| Ok(between(h, times(b.low, p)?)));
    "box_div" (b: rect, p: point) = over(b.high, p).and_then(|h| Ok(between(h, over(b.low, p)?)));
    "box_poly" (b: rect) = of_points([
        b.low, Point { x: b.low.x, y: b.high.y }, b.high, Point { x: b.high.x, y: b.low.y },
    ]);
    "box_circle" (b: rect) = circle_at(b.center(), distance(b.center(), b.high));

    "cr_circle" (center: point, radius: float) = circle_at(center, radius);
    "circle_area" (c: circle) = c.area();
    "circle_radius" (c: circle) = c.radius;
    "circle_diameter" (c: circle) = c.radius * 2.0;
    "circle_center" (c: circle) = c.center;
    "circle_same" (a: circle, b: circle) = (eq(a.radius, b.radius) || a.radius.is_nan() && b.radius.is_nan()) && near(a.center, b.center);
    "circle_overlap" (a: circle, b: circle) = le(distance(a.center, b.center), a.radius + b.radius);
    "circle_contain" (a: circle, b: circle) = le(distance(a.center, b.center), a.radius - b.radius);
    "circle_contained" (a: circle, b: circle) = le(distance(a.center, b.center), b.radius - a.radius);
    "circle_left" (a: circle, b: circle) = lt(a.center.x + a.radius, b.center.x - b.radius);
    "circle_overleft" (a: circle, b: circle) = le(a.center.x + a.radius, b.center.x + b.radius);
    "circle_right" (a: circle, b: circle) = lt(b.center.x + b.radius, a.center.x - a.radius);
    "circle_overright" (a: circle, b: circle) = le(b.center.x - b.radius, a.center.x - a.radius);
    "circle_below" (a: circle, b: circle) = lt(a.center.y + a.radius, b.center.y - b.radius);
    "circle_overbelow" (a: circle, b: circle) = le(a.center.y + a.radius, b.center.y + b.radius);
    "circle_above" (a: circle, b: circle) = lt(b.center.y + b.radius, a.center.y - a.radius);
    "circle_overabove" (a: circle, b: circle) = le(b.center.y - b.radius, a.center.y - a.radius);
    "circle_eq" (a: circle, b: circle) = eq(a.area(), b.area());
    "circle_ne" (a: circle, b: circle) = ne(a.area(), b.area());
    "circle_lt" (a: circle, b: circle) = lt(a.area(), b.area());
    "circle_gt" (a: circle, b: circle) = lt(b.area(), a.area());
    "circle_le" (a: circle, b: circle) = le(a.area(), b.area());
    "circle_ge" (a: circle, b: circle) = le(b.area(), a.area());
    "circle_distance" (a: circle, b: circle) = at_least_zero(distance(a.center, b.center) - a.radius - b.radius);
    "circle_add_pt" (c: circle, p: point) = plus(c.center, p).map(|at| circle_at(at, c.radius));
    "circle_sub_pt" (c: circle, p: point) = minus(c.center, p).map(|at| circle_at(at, c.radius));
    "circle_mul_pt" (c: circle, p: point) = times(c.center, p).and_then(|at| Ok(circle_at(at, product(c.radius, hypotenuse(p.x, p.y))?)));
    "circle_div_pt" (c: circle, p: point) = over(c.center, p).and_then(|at| Ok(circle_at(at, quotient(c.radius, hypotenuse(p.x, p.y))?)));
    "circle_box" (c: circle) = {
        let half = c.radius / std::f64::consts::SQRT_2;
        between(Point { x: c.center.x + half, y: c.center.y + half }, Point { x: c.center.x - half, y: c.center.y - half })
    };
    "circle_poly" (n: whole, c: circle) = corners(n, &c);
    "polygon(circle)" (c: circle) = corners(12, &c);

    "lseg_construct" (a: point, b: point) = of_points([a, b]);
    "lseg_length" (s: list) = length(&s, false);
    "lseg_center" (s: list) = mean(&s);
    "lseg_eq" (a: list, b: list) = a.iter().zip(&b).all(|(a, b)| near(*a, *b));
    "lseg_ne" (a: list, b: list) = !a.iter().zip(&b).all(|(a, b)| near(*a, *b));
    "lseg_lt" (a: list, b: list) = lt(length(&a, false), length(&b, false));
    "lseg_gt" (a: list, b: list) = lt(length(&b, false), length(&a, false));
    "lseg_le" (a: list, b: list) = le(length(&a, false), length(&b, false));
    "lseg_ge" (a: list, b: list) = le(length(&b, false), length(&a, false));
    "lseg_vertical" (s: list) = s.len() == 2 && eq(s[0].x, s[1].x);
    "lseg_horizontal" (s: list) = s.len() == 2 && eq(s[0].y, s[1].y);
    "line_construct_pp" (a: point, b: point) = through(a, b);
    "line_vertical" (l: coefficients) = l.get(1).is_some_and(|b| eq(*b, 0.0));
    "line_horizontal" (l: coefficients) = l.first().is_some_and(|a| eq(*a, 0.0));

    "path_length" (p: raw) = length(&points(p), is_closed(p));
    "path_npoints" (p: raw) = points(p).len() as i32;
    "path_isopen" (p: raw) = !is_closed(p);
    "path_isclosed" (p: raw) = is_closed(p);
    "path_close" (p: raw) = path_of(true, points(p));
    "path_open" (p: raw) = path_of(false, points(p));
    "path_add" (a: raw, b: raw) = joined(a, b);
    "path_area" (p: raw) = is_closed(p).then(|| (shoelace(&points(p)) / 2.0).abs());
    "path_add_pt" (p: raw, by: point) = moved(points(p), |q| plus(q, by)).map(|q| path_of(is_closed(p), q));
    "path_sub_pt" (p: raw, by: point) = moved(points(p), |q| minus(q, by)).map(|q| path_of(is_closed(p), q));
    "path_mul_pt" (p: raw, by: point) = moved(points(p), |q| times(q, by)).map(|q| path_of(is_closed(p), q));
    "path_div_pt" (p: raw, by: point) = moved(points(p), |q| over(q, by)).map(|q| path_of(is_closed(p), q));
    "path_n_eq" (a: raw, b: raw) = a.len() == b.len();
    "path_n_lt" (a: raw, b: raw) = a.len() < b.len();
    "path_n_gt" (a: raw, b: raw) = a.len() > b.len();
    "path_n_le" (a: raw, b: raw) = a.len() <= b.len();
    "path_n_ge" (a: raw, b: raw) = a.len() >= b.len();
    "path_poly" (p: raw) = polygon_of(p);

    "poly_npoints" (p: list) = p.len() as i32;
    "poly_box" (p: list) = Rect::around(&p);
    "poly_path" (p: list) = path_of(true, p);
    "poly_center" (p: list) = circle_of(&p).center;
    "poly_circle" (p: list) = circle_of(&p);
    "poly_same" (a: list, b: list) = same_polygon(&a, &b);
    "poly_left" (a: list, b: list) = Rect::around(&a).high.x < Rect::around(&b).low.x;
    "poly_overleft" (a: list, b: list) = Rect::around(&a).high.x <= Rect::around(&b).high.x;
    "poly_right" (a: list, b: list) = Rect::around(&a).low.x > Rect::around(&b).high.x;
    "poly_overright" (a: list, b: list) = Rect::around(&a).low.x >= Rect::around(&b).low.x;
    "poly_below" (a: list, b: list) = Rect::around(&a).high.y < Rect::around(&b).low.y;
    "poly_overbelow" (a: list, b: list) = Rect::around(&a).high.y <= Rect::around(&b).high.y;
    "poly_above" (a: list, b: list) = Rect::around(&a).low.y > Rect::around(&b).high.y;
    "poly_overabove" (a: list, b: list) = Rect::around(&a).low.y >= Rect::around(&b).low.y;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point on the edge counts as inside, one beside it does not.
    #[test]
    fn polygons_hold_their_edges() {
        let triangle = [Point { x: 0.0, y: 0.0 }, Point { x: 4.0, y: 0.0 }, Point { x: 0.0, y: 4.0 }];
        assert!(inside(Point { x: 2.0, y: 2.0 }, &triangle) && inside(Point { x: 1.0, y: 1.0 }, &triangle));
        assert!(!inside(Point { x: 3.0, y: 3.0 }, &triangle));
    }
}
