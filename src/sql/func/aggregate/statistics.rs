//! Variances, standard deviations, correlation and regression.

use super::{AggregateCall, Aggregator, Groups};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::func::FnContext;
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum, oid};

/// What a variance aggregate answers.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub sample: bool,
    pub root: bool,
}

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let spread = match call.func.name {
        "var_pop" => Spread { sample: false, root: false },
        "var_samp" | "variance" => Spread { sample: true, root: false },
        "stddev_pop" => Spread { sample: false, root: true },
        "stddev_samp" | "stddev" => Spread { sample: true, root: true },
        name => {
            let kind = regression(name)?;
            return Some(Box::new(Regression { kind, states: Vec::new() }));
        }
    };
    Some(match call.args.first()?.oid {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC => Box::new(ExactSpread { spread, states: Vec::new() }),
        oid::FLOAT4 | oid::FLOAT8 => Box::new(FloatSpread { spread, states: Vec::new() }),
        _ => return None,
    })
}

/// Number, sum and sum of squares, without rounding.
#[derive(Clone)]
enum Exact {
    Int { n: u64, sum: i128, squares: i128 },
    Numeric { n: u64, sum: Numeric, squares: Numeric },
}

impl Exact {
    fn add(&mut self, v: Datum<'_>) {
        let int: i128 = match v {
            Datum::I16(v) => v.into(),
            Datum::I32(v) => v.into(),
            Datum::I64(v) => v.into(),
            Datum::Bytes(b) => return self.add_numeric(&Numeric::from_bytes(b)),
            _ => return,
        };
        match self {
            Exact::Int { n, sum, squares } => match (sum.checked_add(int), squares.checked_add(int * int)) {
                (Some(s), Some(q)) => (*n, *sum, *squares) = (*n + 1, s, q),
                _ => self.add_numeric(&Numeric::from_i128(int)),
            },
            Exact::Numeric { .. } => self.add_numeric(&Numeric::from_i128(int)),
        }
    }

    fn add_numeric(&mut self, v: &Numeric) {
        if let Exact::Int { n, sum, squares } = self {
            *self = Exact::Numeric { n: *n, sum: Numeric::from_i128(*sum), squares: Numeric::from_i128(*squares) };
        }
        if let Exact::Numeric { n, sum, squares } = self {
            *n += 1;
            *sum = sum.add(v);
            *squares = squares.add(&v.mul(v));
        }
    }
}

struct ExactSpread {
    spread: Spread,
    states: Vec<Exact>,
}

impl Aggregator for ExactSpread {
    fn resize(&mut self, groups: usize) {
        self.states.resize(groups, Exact::Int { n: 0, sum: 0, squares: 0 });
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        (0..groups.rows()).for_each(|row| self.states[groups.of(row)].add(args[0].get(row)));
        Ok(())
    }

    /// PostgreSQL 15, numeric.c, numeric_stddev_internal: the same formula and roundings.
    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let (n, sum, squares) = match &self.states[group] {
            Exact::Int { n, sum, squares } => (*n, Numeric::from_i128(*sum), Numeric::from_i128(*squares)),
            Exact::Numeric { n, sum, squares } => (*n, sum.clone(), squares.clone()),
        };
        if n == 0 || (self.spread.sample && n == 1) {
            out.push_null();
            return Ok(());
        }
        if !sum.is_finite() || !squares.is_finite() {
            return out.push_bytes_with(|b| Numeric::nan().write(b));
        }
        let count = Numeric::from_i128(n.into());
        let numerator = count.mul(&squares).sub(&sum.mul(&sum));
        if numerator.signum() <= 0 {
            return out.push_bytes_with(|b| Numeric::zero().write(b));
        }
        let other = if self.spread.sample { Numeric::from_i128(i128::from(n) - 1) } else { count.clone() };
        let variance = numerator.div(&count.mul(&other))?;
        let result = if self.spread.root { variance.sqrt_of_same_scale() } else { variance };
        out.push_bytes_with(|b| result.write(b))
    }
}

/// Youngs and Cramer's running sums (1971), as PostgreSQL 15's float8_accum keeps them.
#[derive(Clone, Default)]
pub(super) struct Running {
    pub n: f64,
    pub sum: f64,
    pub squares: f64,
}

impl Running {
    pub fn add(&mut self, v: f64) -> Result<()> {
        self.n += 1.0;
        let before = self.sum;
        self.sum += v;
        if self.n > 1.0 {
            let t = v * self.n - self.sum;
            self.squares += t * t / (self.n * (self.n - 1.0));
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !before.is_infinite() && !v.is_infinite() {
                    return Err(overflow());
                }
                self.squares = f64::NAN;
            }
        } else if v.is_nan() || v.is_infinite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }

    /// None: too few values.
    pub fn spread(&self, what: Spread) -> Option<f64> {
        if self.n == 0.0 || what.sample && self.n <= 1.0 {
            return None;
        }
        let variance = self.squares / if what.sample { self.n - 1.0 } else { self.n };
        Some(if what.root { variance.sqrt() } else { variance })
    }
}

fn float(d: Datum<'_>) -> Option<f64> {
    match d {
        Datum::F64(v) => Some(v),
        Datum::F32(v) => Some(v.into()),
        _ => None,
    }
}

#[cold]
pub(super) fn overflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

struct FloatSpread {
    spread: Spread,
    states: Vec<Running>,
}

impl Aggregator for FloatSpread {
    fn resize(&mut self, groups: usize) {
        self.states.resize(groups, Running::default());
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Some(v) = float(args[0].get(row)) else { continue };
            self.states[groups.of(row)].add(v)?;
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.states[group].spread(self.spread).map_or(Datum::Null, Datum::F64));
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Count,
    Sxx,
    Syy,
    Sxy,
    AvgX,
    AvgY,
    R2,
    Slope,
    Intercept,
    CovarPop,
    CovarSamp,
    Corr,
}

fn regression(name: &str) -> Option<Kind> {
    Some(match name {
        "regr_count" => Kind::Count,
        "regr_sxx" => Kind::Sxx,
        "regr_syy" => Kind::Syy,
        "regr_sxy" => Kind::Sxy,
        "regr_avgx" => Kind::AvgX,
        "regr_avgy" => Kind::AvgY,
        "regr_r2" => Kind::R2,
        "regr_slope" => Kind::Slope,
        "regr_intercept" => Kind::Intercept,
        "covar_pop" => Kind::CovarPop,
        "covar_samp" => Kind::CovarSamp,
        "corr" => Kind::Corr,
        _ => return None,
    })
}

/// PostgreSQL 15, float.c, float8_regr_accum: same sums. The first argument is Y, the second X.
#[derive(Clone, Default)]
pub(super) struct Sums {
    pub n: f64,
    pub x: f64,
    pub xx: f64,
    pub y: f64,
    pub yy: f64,
    pub xy: f64,
}

struct Regression {
    kind: Kind,
    states: Vec<Sums>,
}

impl Sums {
    pub fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let (before_x, before_y) = (self.x, self.y);
        self.n += 1.0;
        self.x += x;
        self.y += y;
        if self.n > 1.0 {
            let tx = x * self.n - self.x;
            let ty = y * self.n - self.y;
            let scale = 1.0 / (self.n * (self.n - 1.0));
            self.xx += tx * tx * scale;
            self.yy += ty * ty * scale;
            self.xy += tx * ty * scale;
            if [self.x, self.xx, self.y, self.yy, self.xy].iter().any(|v| v.is_infinite()) {
                let finite = |v: f64| !v.is_infinite();
                let over_x = (self.x.is_infinite() || self.xx.is_infinite()) && finite(before_x) && finite(x);
                let over_y = (self.y.is_infinite() || self.yy.is_infinite()) && finite(before_y) && finite(y);
                let all = finite(before_x) && finite(x) && finite(before_y) && finite(y);
                if over_x || over_y || (self.xy.is_infinite() && all) {
                    return Err(overflow());
                }
                [&mut self.xx, &mut self.yy, &mut self.xy]
                    .into_iter()
                    .filter(|v| v.is_infinite())
                    .for_each(|v| *v = f64::NAN);
            }
        } else {
            if x.is_nan() || x.is_infinite() {
                (self.xx, self.xy) = (f64::NAN, f64::NAN);
            }
            if y.is_nan() || y.is_infinite() {
                (self.yy, self.xy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    pub fn result(&self, kind: Kind) -> Option<f64> {
        if self.n < 1.0 {
            return None;
        }
        match kind {
            Kind::Count => None,
            Kind::Sxx => Some(self.xx),
            Kind::Syy => Some(self.yy),
            Kind::Sxy => Some(self.xy),
            Kind::AvgX => Some(self.x / self.n),
            Kind::AvgY => Some(self.y / self.n),
            Kind::CovarPop => Some(self.xy / self.n),
            Kind::CovarSamp => (self.n >= 2.0).then(|| self.xy / (self.n - 1.0)),
            Kind::Corr => (self.xx != 0.0 && self.yy != 0.0).then(|| self.xy / (self.xx * self.yy).sqrt()),
            Kind::R2 if self.xx == 0.0 => None,
            Kind::R2 if self.yy == 0.0 => Some(1.0),
            Kind::R2 => Some((self.xy * self.xy) / (self.xx * self.yy)),
            Kind::Slope => (self.xx != 0.0).then(|| self.xy / self.xx),
            Kind::Intercept => (self.xx != 0.0).then(|| (self.y - self.x * self.xy / self.xx) / self.n),
        }
    }
}

impl Aggregator for Regression {
    fn resize(&mut self, groups: usize) {
        self.states.resize(groups, Sums::default());
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            if let (Some(y), Some(x)) = (float(args[0].get(row)), float(args[1].get(row))) {
                self.states[groups.of(row)].add(y, x)?;
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let s = &self.states[group];
        out.push(match self.kind {
            Kind::Count => Datum::I64(s.n as i64),
            kind => s.result(kind).map_or(Datum::Null, Datum::F64),
        });
        Ok(())
    }
}
