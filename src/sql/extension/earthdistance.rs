//! earthdistance: distances on the surface of the earth, between cubes on it (in SQL) and between points of degrees.

use super::{Code, Extension, PLAIN};
use crate::base::Result;
use crate::sql::func::FnContext;
use crate::types::geometry::points;
use crate::types::{Column, Datum};
use std::f64::consts::PI;

pub(super) const EXTENSION: Extension = Extension {
    name: "earthdistance",
    version: "1.1",
    comment: "calculate great-circle distances on the surface of the Earth",
    requires: &["cube"],
    script: include_str!("earthdistance.sql"),
    code: &[("geo_distance", Code::Scalar(distance))],
    ..PLAIN
};

/// In statute miles, as PostgreSQL 15's earthdistance.c has it.
const RADIUS: f64 = 3958.747716;

fn radians(degrees: f64) -> f64 {
    degrees / 360.0 * 2.0 * PI
}

/// By the haversine formula; x is the longitude. PostgreSQL 15, earthdistance.c, geo_distance_internal.
fn distance(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let point = |d: Datum<'_>| points(d.bytes()).first().map_or((0.0, 0.0), |p| (p.x, p.y));
    let (a, b) = (point(args[0]), point(args[1]));
    let (from, to) = (radians(a.1), radians(b.1));
    let apart = (radians(a.0) - radians(b.0)).abs();
    let apart = if apart > PI { 2.0 * PI - apart } else { apart };
    let across = ((from - to).abs() / 2.0).sin();
    let along = (apart / 2.0).sin();
    let sine = (across * across + from.cos() * to.cos() * along * along).sqrt();
    out.push(Datum::F64(2.0 * RADIUS * sine.min(1.0).asin()));
    Ok(())
}
