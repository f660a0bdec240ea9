//! Which points are closest, how far things are apart, and whether they meet.
//!
//! PostgreSQL 15, geo_ops.c: the same steps in the same order, since every one rounds.

use super::{
    Args, Circle, Rect, Unbounded, at_least_zero, circle, coefficients, distance, eq, finish, hypotenuse, inside, list,
    on_segment, point, raw, rect,
};
use crate::bail;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::geometry::{Point, is_closed, near, points};
use crate::types::{Column, float};

/// Ax + By + C = 0
type Line = [f64; 3];
type Segment = [Point; 2];

/// How deep the test for a polygon inside another may go: each level has met one more edge.
const MAX_CROSSINGS: usize = 2000;

fn zero(v: f64) -> bool {
    eq(v, 0.0)
}

/// A zero without sign.
fn plain(v: f64) -> f64 {
    if v == 0.0 { 0.0 } else { v }
}

fn line(args: Args<'_, '_>, n: usize) -> Line {
    coefficients(args, n).try_into().unwrap_or_default()
}

fn segment(args: Args<'_, '_>, n: usize) -> Segment {
    list(args, n).try_into().unwrap_or([Point { x: 0.0, y: 0.0 }; 2])
}

/// `point_sl`: the slope of the line through two points.
pub(super) fn slope([a, b]: Segment) -> f64 {
    if eq(a.x, b.x) {
        f64::INFINITY
    } else if eq(a.y, b.y) {
        0.0
    } else {
        (a.y - b.y) / (a.x - b.x)
    }
}

/// `point_invsl`: the slope of a perpendicular.
fn cross_slope([a, b]: Segment) -> f64 {
    if eq(a.x, b.x) {
        0.0
    } else if eq(a.y, b.y) {
        f64::INFINITY
    } else {
        (a.x - b.x) / (b.y - a.y)
    }
}

fn line_slope([a, b, _]: Line) -> f64 {
    if zero(a) {
        0.0
    } else if zero(b) {
        f64::INFINITY
    } else {
        a / -b
    }
}

fn line_cross_slope([a, b, _]: Line) -> f64 {
    if zero(a) {
        f64::INFINITY
    } else if zero(b) {
        0.0
    } else {
        b / a
    }
}

/// `line_construct`: through a point with a slope.
fn line_with(p: Point, m: f64) -> Line {
    if m.is_infinite() {
        [-1.0, 0.0, p.x]
    } else if m == 0.0 {
        [0.0, -1.0, p.y]
    } else {
        [m, -1.0, plain(p.y - m * p.x)]
    }
}

/// `line_interpt_line`
fn line_crossing(l: Line, k: Line) -> Option<Point> {
    let (x, y);
    if !zero(l[1]) {
        if eq(k[0], l[0] * (k[1] / l[1])) {
            return None;
        }
        x = (l[1] * k[2] - k[1] * l[2]) / (l[0] * k[1] - k[0] * l[1]);
        y = -(l[0] * x + l[2]) / l[1];
    } else if !zero(k[1]) {
        if eq(l[0], k[0] * (l[1] / k[1])) {
            return None;
        }
        x = (k[1] * l[2] - l[1] * k[2]) / (k[0] * l[1] - l[0] * k[1]);
        y = -(k[0] * x + k[2]) / k[1];
    } else {
        return None;
    }
    Some(Point { x: plain(x), y: plain(y) })
}

fn on(s: Segment, p: Point) -> bool {
    on_segment(p, s[0], s[1])
}

/// `lseg_interpt_line`: an end point is named exactly.
fn segment_and_line(s: Segment, l: Line) -> Option<Point> {
    let found = line_crossing(line_with(s[0], slope(s)), l).filter(|p| on(s, *p))?;
    Some(s.into_iter().find(|end| near(*end, found)).unwrap_or(found))
}

/// `lseg_interpt_lseg`
pub(super) fn segments_meet(s: Segment, t: Segment) -> Option<Point> {
    segment_and_line(s, line_with(t[0], slope(t))).filter(|p| on(t, *p))
}

/// `line_closept_point`: None where rounding leaves no crossing.
fn line_to_point(l: Line, p: Point) -> Option<(f64, Point)> {
    let found = line_crossing(line_with(p, line_cross_slope(l)), l)?;
    Some((distance(found, p), found))
}

/// `lseg_closept_line`
fn segment_to_line(s: Segment, l: Line) -> (f64, Point) {
    if let Some(p) = segment_and_line(s, l) {
        return (0.0, p);
    }
    let far = |p| line_to_point(l, p).map_or(f64::NAN, |f| f.0);
    let (first, second) = (far(s[0]), far(s[1]));
    if first < second { (first, s[0]) } else { (second, s[1]) }
}

/// `lseg_closept_point`
fn segment_to_point(s: Segment, p: Point) -> (f64, Point) {
    let (_, found) = segment_to_line(s, line_with(p, cross_slope(s)));
    (distance(found, p), found)
}

fn closer(best: (f64, Point), other: (f64, Point)) -> (f64, Point) {
    if float::compare(other.0, best.0).is_lt() { other } else { best }
}

/// A point whose distance is no number is none.
fn known((far, point): (f64, Point)) -> Option<Point> {
    (!far.is_nan()).then_some(point)
}

/// `lseg_closept_lseg`: the point on the first one.
fn segment_to_segment(on: Segment, to: Segment) -> (f64, Point) {
    if let Some(p) = segments_meet(on, to) {
        return (0.0, p);
    }
    let mut best = closer(segment_to_point(on, to[0]), segment_to_point(on, to[1]));
    for end in on {
        best = closer(best, (segment_to_point(to, end).0, end));
    }
    best
}

impl Rect {
    /// The sides in the order PostgreSQL looks at them.
    fn sides(&self) -> [Segment; 4] {
        let left = Point { x: self.low.x, y: self.high.y };
        let right = Point { x: self.high.x, y: self.low.y };
        [[self.low, left], [self.high, left], [self.low, right], [self.high, right]]
    }

    fn holds_exactly(&self, p: Point) -> bool {
        self.high.x >= p.x && self.low.x <= p.x && self.high.y >= p.y && self.low.y <= p.y
    }

    fn of_segment(s: Segment) -> Rect {
        Rect::around(&s)
    }

    /// `box_closept_point`
    fn to_point(self, p: Point) -> (f64, Point) {
        if self.holds_exactly(p) {
            return (0.0, p);
        }
        let [first, rest @ ..] = self.sides().map(|s| segment_to_point(s, p));
        rest.into_iter().fold(first, closer)
    }

    /// `box_interpt_lseg`: the point is the segment's closest to the middle.
    fn meets(&self, s: Segment) -> Option<Point> {
        if !Rect::of_segment(s).overlaps(self) {
            return None;
        }
        let meets = s.iter().any(|p| self.holds_exactly(*p))
            || self.sides().iter().any(|side| segments_meet(*side, s).is_some());
        meets.then(|| segment_to_point(s, self.center()).1)
    }

    /// `box_closept_lseg`
    fn to_segment(self, s: Segment) -> (f64, Point) {
        if let Some(p) = self.meets(s) {
            return (0.0, p);
        }
        let [first, rest @ ..] = self.sides().map(|side| segment_to_segment(side, s));
        rest.into_iter().fold(first, closer)
    }
}

/// The segments of a path or polygon, the one from the last point to the first before the others.
fn edges(p: &[Point], closed: bool) -> impl Iterator<Item = Segment> + Clone {
    let closing = p.last().zip(p.first()).filter(|_| closed).map(|(l, f)| [*l, *f]);
    closing.into_iter().chain(p.windows(2).map(|w| [w[0], w[1]]))
}

fn path_edges(stored: &[u8]) -> Vec<Segment> {
    edges(&points(stored), is_closed(stored)).collect()
}

fn polygon_edges(p: &[Point]) -> Vec<Segment> {
    edges(p, true).collect()
}

fn least(all: impl Iterator<Item = f64>) -> Option<f64> {
    all.reduce(|a, b| if float::compare(b, a).is_lt() { b } else { a })
}

fn edges_apart(a: &[Segment], b: &[Segment]) -> Option<f64> {
    least(a.iter().flat_map(|s| b.iter().map(|t| segment_to_segment(*s, *t).0)))
}

fn edges_meet(a: &[Segment], b: &[Segment]) -> bool {
    a.iter().any(|s| b.iter().any(|t| segments_meet(*s, *t).is_some()))
}

/// A path of one point has no segment: PostgreSQL answers 0 then.
fn path_to_point(stored: &[u8], p: Point) -> f64 {
    least(path_edges(stored).into_iter().map(|s| segment_to_point(s, p).0)).unwrap_or(0.0)
}

/// `dist_ppoly_internal`
fn polygon_to_point(polygon: &[Point], p: Point) -> f64 {
    if inside(p, polygon) {
        return 0.0;
    }
    least(polygon_edges(polygon).into_iter().map(|s| segment_to_point(s, p).0)).unwrap_or(0.0)
}

fn circle_to_polygon(c: &Circle, polygon: &[Point]) -> f64 {
    at_least_zero(polygon_to_point(polygon, c.center) - c.radius)
}

fn paths_meet(a: &[u8], b: &[u8]) -> bool {
    Rect::around(&points(a)).overlaps(&Rect::around(&points(b))) && edges_meet(&path_edges(a), &path_edges(b))
}

/// `poly_overlap_internal`
fn polygons_overlap(a: &[Point], b: &[Point]) -> bool {
    let first_in = |a: &[Point], b: &[Point]| a.first().is_some_and(|p| inside(*p, b));
    Rect::around(a).overlaps(&Rect::around(b))
        && (edges_meet(&polygon_edges(a), &polygon_edges(b)) || first_in(a, b) || first_in(b, a))
}

fn polygons_apart(a: &[Point], b: &[Point]) -> Option<f64> {
    if polygons_overlap(a, b) {
        return Some(0.0);
    }
    edges_apart(&polygon_edges(a), &polygon_edges(b))
}

/// `lseg_inside_poly`: looks at the polygon's edges from `start` on.
fn segment_inside(t: Segment, polygon: &[Point], start: usize) -> Result<bool> {
    segment_inside_at(t, polygon, start, 0)
}

fn segment_inside_at(t: Segment, polygon: &[Point], start: usize, depth: usize) -> Result<bool> {
    if depth > MAX_CROSSINGS {
        bail!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    }
    let mut crossed = false;
    let mut before = polygon[if start == 0 { polygon.len() - 1 } else { start - 1 }];
    for (i, corner) in polygon.iter().enumerate().skip(start) {
        let edge = [before, *corner];
        let go_on = if on(edge, t[0]) {
            if on(edge, t[1]) {
                return Ok(true);
            }
            touching_inside(t, edge, polygon, i + 1, depth)?
        } else if on(edge, t[1]) {
            touching_inside([t[1], t[0]], edge, polygon, i + 1, depth)?
        } else if let Some(p) = segments_meet(t, edge) {
            crossed = true;
            segment_inside_at([t[0], p], polygon, i + 1, depth + 1)?
                && segment_inside_at([t[1], p], polygon, i + 1, depth + 1)?
        } else {
            true
        };
        if !go_on {
            return Ok(false);
        }
        before = *corner;
    }
    let middle = Point { x: (t[0].x + t[1].x) / 2.0, y: (t[0].y + t[1].y) / 2.0 };
    Ok(crossed || inside(middle, polygon))
}

/// `touched_lseg_inside_poly`: the first point of `t` lies on the edge, the other does not.
fn touching_inside(t: Segment, edge: Segment, polygon: &[Point], start: usize, depth: usize) -> Result<bool> {
    let next = if near(t[0], edge[0]) {
        on(t, edge[1]).then_some(edge[1])
    } else if near(t[0], edge[1]) {
        on(t, edge[0]).then_some(edge[0])
    } else {
        edge.into_iter().find(|end| on(t, *end))
    };
    match next {
        Some(end) => segment_inside_at([t[1], end], polygon, start, depth + 1),
        None => Ok(true),
    }
}

fn polygon_contains(outer: &[Point], inner: &[Point]) -> Result<bool> {
    if outer.is_empty() || !Rect::around(outer).contains(&Rect::around(inner)) {
        return Ok(false);
    }
    for edge in edges(inner, true) {
        if !segment_inside(edge, outer, 0)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `on_ppath`: an open path by its segments, a closed one by what it encloses.
fn on_path(p: Point, stored: &[u8]) -> bool {
    match is_closed(stored) {
        true => inside(p, &points(stored)),
        false => path_edges(stored).into_iter().any(|s| on(s, p)),
    }
}

fn on_line(l: Line, p: Point) -> bool {
    zero(l[0] * p.x + l[1] * p.y + l[2])
}

fn same_line(a: Line, b: Line) -> bool {
    // NaN is the same as itself alone.
    if a.iter().chain(&b).any(|x| x.is_nan()) {
        return (0..3).all(|i| a[i] == b[i] || a[i].is_nan() && b[i].is_nan());
    }
    let ratio = (0..3).find(|i| !zero(b[*i])).map_or(1.0, |i| a[i] / b[i]);
    (0..3).all(|i| eq(a[i], ratio * b[i]))
}

fn perpendicular(a: Line, b: Line) -> bool {
    if zero(a[0]) {
        zero(b[1])
    } else if zero(b[0]) {
        zero(a[1])
    } else if zero(a[1]) {
        zero(b[0])
    } else if zero(b[1]) {
        zero(a[0])
    } else {
        eq((a[0] * b[0]) / (a[1] * b[1]), -1.0)
    }
}

fn lines_apart(a: Line, b: Line) -> f64 {
    if line_crossing(a, b).is_some() {
        return 0.0;
    }
    let ratio = (0..2).find(|i| !zero(a[*i]) && !zero(b[*i])).map_or(1.0, |i| a[i] / b[i]);
    (a[2] - ratio * b[2]).abs() / hypotenuse(a[0], a[1])
}

fn line_meets_box(l: Line, b: &Rect) -> bool {
    b.sides().iter().any(|s| segment_and_line(*s, l).is_some())
}

functions! {
    "close_pl" (p: point, l: line) = line_to_point(l, p).and_then(known);
    "close_ps" (p: point, s: segment) = known(segment_to_point(s, p));
    "close_pb" (p: point, b: rect) = known(b.to_point(p));
    "close_ls" (l: line, s: segment) = (slope(s) != line_slope(l)).then(|| known(segment_to_line(s, l)));
    "close_lseg" (a: segment, b: segment) = (slope(a) != slope(b)).then(|| known(segment_to_segment(b, a)));
    "close_sb" (s: segment, b: rect) = known(b.to_segment(s));

    "dist_ps" (p: point, s: segment) = segment_to_point(s, p).0;
    "dist_sp" (s: segment, p: point) = segment_to_point(s, p).0;
    "dist_pl" (p: point, l: line) = line_to_point(l, p).map_or(f64::NAN, |f| f.0);
    "dist_lp" (l: line, p: point) = line_to_point(l, p).map_or(f64::NAN, |f| f.0);
    "dist_pb" (p: point, b: rect) = b.to_point(p).0;
    "dist_bp" (b: rect, p: point) = b.to_point(p).0;
    "dist_ls" (l: line, s: segment) = segment_to_line(s, l).0;
    "dist_sl" (s: segment, l: line) = segment_to_line(s, l).0;
    "dist_sb" (s: segment, b: rect) = b.to_segment(s).0;
    "dist_bs" (b: rect, s: segment) = b.to_segment(s).0;
    "dist_ppath" (p: point, q: raw) = path_to_point(q, p);
    "dist_pathp" (q: raw, p: point) = path_to_point(q, p);
    "dist_ppoly" (p: point, q: list) = polygon_to_point(&q, p);
    "dist_polyp" (q: list, p: point) = polygon_to_point(&q, p);
    "dist_cpoly" (c: circle, q: list) = circle_to_polygon(&c, &q);
    "dist_polyc" (q: list, c: circle) = circle_to_polygon(&c, &q);
    "lseg_distance" (a: segment, b: segment) = segment_to_segment(a, b).0;
    "line_distance" (a: line, b: line) = lines_apart(a, b);
    "path_distance" (a: raw, b: raw) = edges_apart(&path_edges(a), &path_edges(b));
    "poly_distance" (a: list, b: list) = polygons_apart(&a, &b);

    "on_pl" (p: point, l: line) = on_line(l, p);
    "on_sl" (s: segment, l: line) = s.iter().all(|p| on_line(l, *p));
    "on_sb" (s: segment, b: rect) = s.iter().all(|p| b.holds(*p));
    "on_ppath" (p: point, q: raw) = on_path(p, q);
    "path_contain_pt(path,point)" (q: raw, p: point) = on_path(p, q);
    "poly_contain" (a: list, b: list) = polygon_contains(&a, &b);
    "poly_contained" (a: list, b: list) = polygon_contains(&b, &a);
    "poly_overlap" (a: list, b: list) = polygons_overlap(&a, &b);
    "path_inter" (a: raw, b: raw) = paths_meet(a, b);
    "inter_sl" (s: segment, l: line) = segment_and_line(s, l).is_some();
    "inter_sb" (s: segment, b: rect) = b.meets(s).is_some();
    "inter_lb" (l: line, b: rect) = line_meets_box(l, &b);

    "line_eq" (a: line, b: line) = same_line(a, b);
    "line_parallel" (a: line, b: line) = line_crossing(a, b).is_none();
    "line_perp" (a: line, b: line) = perpendicular(a, b);
    "line_intersect" (a: line, b: line) = line_crossing(a, b).is_some();
    "line_interpt" (a: line, b: line) = line_crossing(a, b);
    "lseg_perp" (a: segment, b: segment) = eq(slope(a), cross_slope(b));
    "lseg_parallel" (a: segment, b: segment) = eq(slope(a), slope(b));
    "lseg_intersect" (a: segment, b: segment) = segments_meet(a, b).is_some();
    "lseg_interpt" (a: segment, b: segment) = segments_meet(a, b);
    "point_slope" (a: point, b: point) = Unbounded(slope([a, b]));
}
