//! Arithmetic and mathematics of floating-point numbers.

use super::vector::{Native, map, merge_nulls, try_map, try_zip};
use super::{FnContext, FuncImpl};
use crate::base::{Error, Result};
use crate::types::{Column, Datum};
use crate::{bail, err};

#[cold]
fn overflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

#[cold]
fn underflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

#[cold]
fn input_out_of_range() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

type Args<'a> = &'a [&'a Column];

/// The operations of one width; mixed ones are done in double precision.
trait Float: Native + Default + Into<f64> + PartialEq {
    fn narrow(v: f64) -> Self;
}
impl Float for f32 {
    fn narrow(v: f64) -> f32 {
        v as f32
    }
}
impl Float for f64 {
    fn narrow(v: f64) -> f64 {
        v
    }
}

/// Which operation; the checks differ.
mod op {
    pub const ADD: u8 = 0;
    pub const SUB: u8 = 1;
    pub const MUL: u8 = 2;
    pub const DIV: u8 = 3;
}

/// For single precision the operation in double precision, rounded once, is the one in single precision.
#[inline]
fn arith<R: Float, const OP: u8>(a: f64, b: f64) -> Result<R> {
    let value = match OP {
        op::ADD => a + b,
        op::SUB => a - b,
        op::MUL => a * b,
        _ => {
            if b == 0.0 && !a.is_nan() {
                return Err(super::int::division_by_zero());
            }
            a / b
        }
    };
    let result = R::narrow(value);
    let r: f64 = result.into();
    if r.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if r == 0.0 {
        let lost = match OP {
            op::MUL => a != 0.0 && b != 0.0,
            op::DIV => a != 0.0 && !b.is_infinite(),
            _ => false,
        };
        if lost {
            return Err(underflow());
        }
    }
    Ok(result)
}

fn binary<A: Float, B: Float, R: Float, const OP: u8>(
    _: &mut FnContext,
    args: Args<'_>,
    rows: usize,
) -> Result<Column> {
    if OP <= op::SUB {
        // Nothing but an overflow can go wrong: look for one afterwards.
        let (a, b) = (&A::slice(args[0])[..rows], &B::slice(args[1])[..rows]);
        let f = |a: &A, b: &B| {
            let (a, b): (f64, f64) = ((*a).into(), (*b).into());
            R::narrow(if OP == op::ADD { a + b } else { a - b })
        };
        let values: Vec<R> = a.iter().zip(b).map(|(a, b)| f(a, b)).collect();
        if values.iter().all(|v| Into::<f64>::into(*v).is_finite()) {
            return Ok(Column { data: R::column(values), nulls: merge_nulls(args, rows) });
        }
    }
    try_zip::<A, B, R>(args, rows, |a, b| arith::<R, OP>(a.into(), b.into()))
}

fn neg<T: Float>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<T, T>(args, rows, |a| T::narrow(-Into::<f64>::into(a)))
}

fn plus<T: Float>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<T, T>(args, rows, |a| a)
}

fn abs<T: Float>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<T, T>(args, rows, |a| T::narrow(Into::<f64>::into(a).abs()))
}

fn from_int<A: Native + Into<i128>, R: Float>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<A, R>(args, rows, |a| {
        let n: i128 = a.into();
        R::narrow(n as f64)
    })
}

/// Not through double precision, which would round twice.
fn int8_to_float4(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<i64, f32>(args, rows, |a| a as f32)
}

fn int4_to_float4(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<i32, f32>(args, rows, |a| a as f32)
}

fn widen(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<f32, f64>(args, rows, f64::from)
}

fn narrow(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<f64, f32>(args, rows, |a| {
        let r = a as f32;
        if r.is_infinite() && !a.is_infinite() {
            return Err(overflow());
        }
        if r == 0.0 && a != 0.0 {
            return Err(underflow());
        }
        Ok(r)
    })
}

/// Rounds ties to even, as the processor does.
fn to_int<A: Float, R: super::int::Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<A, R>(args, rows, |a| {
        let v = Into::<f64>::into(a).round_ties_even();
        if v.is_nan() || v.abs() > 1e19 {
            return Err(super::int::out_of_range::<R>());
        }
        R::try_from(v as i128).map_err(|_| super::int::out_of_range::<R>())
    })
}

fn unary(args: &[Datum<'_>], out: &mut Column, f: impl Fn(f64) -> f64) -> Result<()> {
    out.push(Datum::F64(f(args[0].f64())));
    Ok(())
}

/// A function that must not turn a finite argument into an infinite result.
fn bounded(args: &[Datum<'_>], out: &mut Column, f: impl Fn(f64) -> f64) -> Result<()> {
    let a = args[0].f64();
    let r = f(a);
    if r.is_infinite() && !a.is_infinite() {
        return Err(overflow());
    }
    out.push(Datum::F64(r));
    Ok(())
}

macro_rules! plain {
    ($($name:ident = $f:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            unary(args, out, $f)
        }
    )*};
}
macro_rules! checked {
    ($($name:ident = $f:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            bounded(args, out, $f)
        }
    )*};
}
/// Trigonometry refuses infinite angles.
macro_rules! trig {
    ($($name:ident = $f:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            let a = args[0].f64();
            if a.is_infinite() {
                return Err(input_out_of_range());
            }
            unary(args, out, $f)
        }
    )*};
}
/// Inverse functions with a domain.
macro_rules! domain {
    ($($name:ident, $ok:expr, $f:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            let a = args[0].f64();
            let ok: fn(f64) -> bool = $ok;
            if !a.is_nan() && !ok(a) {
                return Err(input_out_of_range());
            }
            unary(args, out, $f)
        }
    )*};
}

plain! {
    ceil = f64::ceil; floor = f64::floor; round = f64::round_ties_even; trunc = f64::trunc;
    sign = |v| if v > 0.0 { 1.0 } else if v < 0.0 { -1.0 } else { 0.0 };
    cbrt = cube_root; atan = f64::atan; asinh = f64::asinh; tanh = f64::tanh; sinh = f64::sinh; cosh = f64::cosh;
    atand = |v| degrees_of(v.atan(), std::f64::consts::FRAC_PI_4, 45.0);
}
checked! { degrees = |v| v / RADIANS_PER_DEGREE; }
trig! {
    sin = f64::sin; cos = f64::cos; tan = f64::tan; cot = |v| 1.0 / v.tan();
    sind = sin_degrees; cosd = cos_degrees; tand = tan_degrees; cotd = cot_degrees;
}
domain! {
    asin, |v| (-1.0..=1.0).contains(&v), f64::asin;
    acos, |v| (-1.0..=1.0).contains(&v), f64::acos;
    acosh, |v| v >= 1.0, inverse_cosh;
    asind, |v| (-1.0..=1.0).contains(&v), asin_degrees;
    acosd, |v| (-1.0..=1.0).contains(&v), |v| 90.0 - asin_degrees(v);
}

fn atanh(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let a = args[0].f64();
    if !(-1.0..=1.0).contains(&a) && !a.is_nan() {
        return Err(input_out_of_range());
    }
    unary(args, out, |v| match v {
        -1.0 => f64::NEG_INFINITY,
        1.0 => f64::INFINITY,
        v => v.atanh(),
    })
}

/// As the GNU C library computes it (s_cbrt.c: a polynomial, then one step of Halley's method), so that the last digit
/// agrees.
fn cube_root(v: f64) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v + v;
    }
    const ROOT: f64 = 1.259_921_049_894_873_2;
    const SQUARE: f64 = 1.587_401_051_968_199_6;
    // The fraction in [0.5, 1) and the exponent.
    let scale = if v.is_subnormal() { 54 } else { 0 };
    let bits = (v.abs() * f64::from(2).powi(scale)).to_bits();
    let exponent = (bits >> 52) as i32 - 1022 - scale;
    let x = f64::from_bits(bits & ((1 << 52) - 1) | 1022 << 52);
    let start = [
        0.145_263_899_385_486_37,
        0.784_932_344_976_639_2,
        1.834_692_774_836_130_8,
        2.446_931_225_635_344_4,
        2.114_994_941_673_713,
        1.508_191_937_815_849,
        0.354_895_765_043_919_84,
    ];
    let u = start[1..6].iter().fold(start[0], |sum, c| c - sum * x) * x + start[6];
    let cube = u * u * u;
    let factor = match exponent % 3 {
        -2 => 1.0 / SQUARE,
        -1 => 1.0 / ROOT,
        0 => 1.0,
        1 => ROOT,
        _ => SQUARE,
    };
    let root = u * (cube + 2.0 * x) / (2.0 * cube + x) * factor;
    (root * f64::from(2).powi(exponent / 3)).copysign(v)
}

/// As the C library computes it, so that the last digit agrees.
fn inverse_cosh(v: f64) -> f64 {
    if v > 2.0 {
        if v > 268_435_456.0 {
            return v.ln() + std::f64::consts::LN_2;
        }
        return (2.0 * v - 1.0 / (v + (v * v - 1.0).sqrt())).ln();
    }
    let t = v - 1.0;
    (t + (2.0 * t + t * t).sqrt()).ln_1p()
}

/// PostgreSQL 15, float.h, RADIANS_PER_DEGREE: the same number, multiplied by and divided by as there, for the last digit.
const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

fn radians(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let degrees = args[0].f64();
    if degrees != 0.0 && degrees * RADIANS_PER_DEGREE == 0.0 {
        return Err(underflow());
    }
    unary(args, out, |v| v * RADIANS_PER_DEGREE)
}

/// Scaled so that the exact angle gives exactly its degrees.
fn degrees_of(radians: f64, unit_radians: f64, unit_degrees: f64) -> f64 {
    radians / unit_radians * unit_degrees
}

fn asin_degrees(v: f64) -> f64 {
    if v < 0.0 {
        return -asin_degrees(-v);
    }
    // Exact at 0, 30 and 90.
    if v <= 0.5 {
        degrees_of(v.asin(), 0.5_f64.asin(), 30.0)
    } else {
        90.0 - degrees_of(v.acos(), 0.5_f64.acos(), 60.0)
    }
}

/// Sine of 0 to 90 degrees, exact at 0, 30 and 90.
fn sin_quadrant(x: f64) -> f64 {
    if x <= 30.0 { x.to_radians().sin() / 30.0_f64.to_radians().sin() / 2.0 } else { cos_to_60(90.0 - x) }
}

fn cos_to_60(x: f64) -> f64 {
    let one_minus = 1.0 - x.to_radians().cos();
    let unit = 1.0 - 60.0_f64.to_radians().cos();
    1.0 - one_minus / unit / 2.0
}

fn cos_quadrant(x: f64) -> f64 {
    if x <= 60.0 { cos_to_60(x) } else { sin_quadrant(90.0 - x) }
}

fn sin_degrees(v: f64) -> f64 {
    let mut x = v % 360.0;
    let mut sign = 1.0;
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        x = 180.0 - x;
    }
    sign * sin_quadrant(x)
}

fn cos_degrees(v: f64) -> f64 {
    let mut x = (v % 360.0).abs();
    let mut sign = 1.0;
    if x > 180.0 {
        x = 360.0 - x;
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    sign * cos_quadrant(x)
}

/// Reduces to 0 to 90 degrees; returns the angle and the sign.
fn tangent_angle(v: f64) -> (f64, f64) {
    let mut x = v % 360.0;
    let mut sign = 1.0;
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    (x, sign)
}

fn tan_degrees(v: f64) -> f64 {
    let (x, sign) = tangent_angle(v);
    let unit = sin_quadrant(45.0) / cos_quadrant(45.0);
    let r = sign * (sin_quadrant(x) / cos_quadrant(x) / unit);
    if r == 0.0 { 0.0 } else { r }
}

fn cot_degrees(v: f64) -> f64 {
    let (x, sign) = tangent_angle(v);
    let unit = cos_quadrant(45.0) / sin_quadrant(45.0);
    let r = sign * (cos_quadrant(x) / sin_quadrant(x) / unit);
    if r == 0.0 { 0.0 } else { r }
}

fn atan2(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::F64(args[0].f64().atan2(args[1].f64())));
    Ok(())
}

fn atan2d(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let angle = args[0].f64().atan2(args[1].f64());
    out.push(Datum::F64(degrees_of(angle, std::f64::consts::FRAC_PI_4, 45.0)));
    Ok(())
}

fn sqrt(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if args[0].f64() < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
    }
    unary(args, out, f64::sqrt)
}

fn exp(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let a = args[0].f64();
    let r = a.exp();
    if r.is_infinite() && !a.is_infinite() {
        return Err(overflow());
    }
    if r == 0.0 && !a.is_infinite() {
        return Err(underflow());
    }
    out.push(Datum::F64(r));
    Ok(())
}

fn logarithm(args: &[Datum<'_>], out: &mut Column, f: impl Fn(f64) -> f64) -> Result<()> {
    let a = args[0].f64();
    if a == 0.0 {
        bail!(INVALID_ARGUMENT_FOR_LOGARITHM, "cannot take logarithm of zero");
    }
    if a < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_LOGARITHM, "cannot take logarithm of a negative number");
    }
    unary(args, out, f)
}

fn ln(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    logarithm(args, out, f64::ln)
}

fn log10(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    logarithm(args, out, f64::log10)
}

fn power(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].f64(), args[1].f64());
    if a == 0.0 && b < 0.0 {
        bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
    }
    if a < 0.0 && !b.is_nan() && b.floor() != b {
        bail!(
            INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "a negative number raised to a non-integer power yields a complex result"
        );
    }
    let r = a.powf(b);
    if r.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if r == 0.0 && a != 0.0 && !a.is_infinite() && !b.is_infinite() {
        return Err(underflow());
    }
    out.push(Datum::F64(r));
    Ok(())
}

fn pi(_: &mut FnContext, _: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::F64(std::f64::consts::PI));
    Ok(())
}

fn random(cx: &mut FnContext, _: &[&Column], rows: usize) -> Result<Column> {
    let mut state = cx.random.lock();
    let values = (0..rows).map(|_| state.next_f64()).collect();
    Ok(Column { data: f64::column(values), nulls: None })
}

fn setseed(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let seed = args[0].f64();
    if !(-1.0..=1.0).contains(&seed) {
        let mut shown = Vec::new();
        crate::types::float::write_g(seed, 6, &mut shown);
        let shown = if seed.is_nan() { "NaN".into() } else { String::from_utf8_lossy(&shown).into_owned() };
        bail!(INVALID_PARAMETER_VALUE, "setseed parameter {shown} is out of allowed range [-1,1]");
    }
    *cx.random.lock() = super::Random::seed_float(seed);
    out.push(Datum::Bytes(b""));
    Ok(())
}

fn width_bucket(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (operand, low, high, count) = (args[0].f64(), args[1].f64(), args[2].f64(), args[3].i32());
    if count <= 0 {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "count must be greater than zero");
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower and upper bounds must be finite");
    }
    let past = || count.checked_add(1).ok_or_else(super::int::out_of_range::<i32>);
    // Halved, so that the width cannot overflow.
    let inside = |distance: f64, width: f64| ((f64::from(count) * (distance / width)) as i32 + 1).min(count);
    let bucket = if low < high {
        if operand < low {
            0
        } else if operand >= high {
            past()?
        } else {
            inside(operand / 2.0 - low / 2.0, high / 2.0 - low / 2.0)
        }
    } else if low > high {
        if operand > low {
            0
        } else if operand <= high {
            past()?
        } else {
            inside(low / 2.0 - operand / 2.0, low / 2.0 - high / 2.0)
        }
    } else {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower bound cannot equal upper bound")
    };
    out.push(Datum::I32(bucket));
    Ok(())
}

use FuncImpl::{Scalar, Vector};

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("float4pl", Vector(binary::<f32, f32, f32, { op::ADD }>)),
    ("float4mi", Vector(binary::<f32, f32, f32, { op::SUB }>)),
    ("float4mul", Vector(binary::<f32, f32, f32, { op::MUL }>)),
    ("float4div", Vector(binary::<f32, f32, f32, { op::DIV }>)),
    ("float8pl", Vector(binary::<f64, f64, f64, { op::ADD }>)),
    ("float8mi", Vector(binary::<f64, f64, f64, { op::SUB }>)),
    ("float8mul", Vector(binary::<f64, f64, f64, { op::MUL }>)),
    ("float8div", Vector(binary::<f64, f64, f64, { op::DIV }>)),
    ("float48pl", Vector(binary::<f32, f64, f64, { op::ADD }>)),
    ("float48mi", Vector(binary::<f32, f64, f64, { op::SUB }>)),
    ("float48mul", Vector(binary::<f32, f64, f64, { op::MUL }>)),
    ("float48div", Vector(binary::<f32, f64, f64, { op::DIV }>)),
    ("float84pl", Vector(binary::<f64, f32, f64, { op::ADD }>)),
    ("float84mi", Vector(binary::<f64, f32, f64, { op::SUB }>)),
    ("float84mul", Vector(binary::<f64, f32, f64, { op::MUL }>)),
    ("float84div", Vector(binary::<f64, f32, f64, { op::DIV }>)),
    ("float4um", Vector(neg::<f32>)),
    ("float8um", Vector(neg::<f64>)),
    ("float4up", Vector(plus::<f32>)),
    ("float8up", Vector(plus::<f64>)),
    ("float4abs", Vector(abs::<f32>)),
    ("float8abs", Vector(abs::<f64>)),
    ("i2tod", Vector(from_int::<i16, f64>)),
    ("i4tod", Vector(from_int::<i32, f64>)),
    ("i8tod", Vector(from_int::<i64, f64>)),
    ("i2tof", Vector(from_int::<i16, f32>)),
    ("i4tof", Vector(int4_to_float4)),
    ("i8tof", Vector(int8_to_float4)),
    ("ftod", Vector(widen)),
    ("dtof", Vector(narrow)),
    ("dtoi2", Vector(to_int::<f64, i16>)),
    ("dtoi4", Vector(to_int::<f64, i32>)),
    ("dtoi8", Vector(to_int::<f64, i64>)),
    ("ftoi2", Vector(to_int::<f32, i16>)),
    ("ftoi4", Vector(to_int::<f32, i32>)),
    ("ftoi8", Vector(to_int::<f32, i64>)),
    ("dceil", Scalar(ceil)),
    ("dfloor", Scalar(floor)),
    ("dround", Scalar(round)),
    ("dtrunc", Scalar(trunc)),
    ("dsign", Scalar(sign)),
    ("dsqrt", Scalar(sqrt)),
    ("dcbrt", Scalar(cbrt)),
    ("dexp", Scalar(exp)),
    ("dlog1", Scalar(ln)),
    ("dlog10", Scalar(log10)),
    ("dpow", Scalar(power)),
    ("dsin", Scalar(sin)),
    ("dcos", Scalar(cos)),
    ("dtan", Scalar(tan)),
    ("dcot", Scalar(cot)),
    ("dasin", Scalar(asin)),
    ("dacos", Scalar(acos)),
    ("datan", Scalar(atan)),
    ("datan2", Scalar(atan2)),
    ("dsind", Scalar(sind)),
    ("dcosd", Scalar(cosd)),
    ("dtand", Scalar(tand)),
    ("dcotd", Scalar(cotd)),
    ("dasind", Scalar(asind)),
    ("dacosd", Scalar(acosd)),
    ("datand", Scalar(atand)),
    ("datan2d", Scalar(atan2d)),
    ("dsinh", Scalar(sinh)),
    ("dcosh", Scalar(cosh)),
    ("dtanh", Scalar(tanh)),
    ("dasinh", Scalar(asinh)),
    ("dacosh", Scalar(acosh)),
    ("datanh", Scalar(atanh)),
    ("degrees", Scalar(degrees)),
    ("radians", Scalar(radians)),
    ("dpi", Scalar(pi)),
    ("drandom", Vector(random)),
    ("setseed", Scalar(setseed)),
    ("width_bucket_float8", Scalar(width_bucket)),
];
