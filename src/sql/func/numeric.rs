//! Arithmetic and mathematics of `numeric`, and its casts.

use super::{FnContext, FuncImpl, push_numeric};
use crate::bail;
use crate::base::Result;
use crate::types::numeric::{self, Kind, Numeric};
use crate::types::{Column, Datum};

fn arg(args: &[Datum<'_>], n: usize) -> Numeric {
    Numeric::from_bytes(args[n].bytes())
}

macro_rules! one {
    ($($name:ident = |$n:ident| $body:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            let $n = arg(args, 0);
            push_numeric(out, &$body)
        }
    )*};
}
macro_rules! two {
    ($($name:ident = |$a:ident, $b:ident| $body:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
            let ($a, $b) = (arg(args, 0), arg(args, 1));
            push_numeric(out, &$body)
        }
    )*};
}

two! {
    add = |a, b| a.add(&b);
    sub = |a, b| a.sub(&b);
    mul = |a, b| a.mul(&b);
    div = |a, b| a.div(&b)?;
    div_trunc = |a, b| a.div_trunc(&b)?;
    rem = |a, b| a.rem(&b)?;
    power = |a, b| a.power(&b)?;
    log = |a, b| b.log(&a)?;
    gcd = |a, b| a.gcd(&b);
    lcm = |a, b| a.lcm(&b);
}

one! {
    abs = |n| n.abs();
    neg = |n| n.negated();
    plus = |n| n;
    ceil = |n| n.ceil();
    floor = |n| n.floor();
    sqrt = |n| n.sqrt()?;
    exp = |n| n.exp()?;
    ln = |n| n.ln()?;
    log10 = |n| n.log(&Numeric::from(10))?;
    inc = |n| n.add(&Numeric::from(1));
    sign = |n| if n.is_nan() { n } else { Numeric::from(i64::from(n.signum())) };
    trim_scale = |n| Numeric { dscale: n.min_scale(), ..n };
    round0 = |n| rounded(n, 0, true);
    trunc0 = |n| rounded(n, 0, false);
}

fn rounded(mut n: Numeric, scale: i32, round: bool) -> Numeric {
    let scale = scale.clamp(-(numeric::MAX_WEIGHT + 1) * numeric::DEC_DIGITS - 1, numeric::MAX_SCALE);
    if n.is_finite() {
        if round {
            n.round(scale);
        } else {
            n.truncate(scale);
        }
        n.dscale = n.dscale.max(0);
    }
    n
}

fn round(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &rounded(arg(args, 0), args[1].i32(), true))
}

fn trunc(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &rounded(arg(args, 0), args[1].i32(), false))
}

fn scale(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = arg(args, 0);
    out.push(if n.is_finite() { Datum::I32(n.dscale) } else { Datum::Null });
    Ok(())
}

fn min_scale(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = arg(args, 0);
    out.push(if n.is_finite() { Datum::I32(n.min_scale()) } else { Datum::Null });
    Ok(())
}

fn factorial(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &numeric::factorial(args[0].i64())?)
}

fn width_bucket(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let bucket = numeric::width_bucket(&arg(args, 0), &arg(args, 1), &arg(args, 2), args[3].i32())?;
    out.push(Datum::I32(bucket));
    Ok(())
}

fn from_int2(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &Numeric::from(i64::from(args[0].i16())))
}

fn from_int4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &Numeric::from(i64::from(args[0].i32())))
}

fn from_int8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &Numeric::from(args[0].i64()))
}

fn from_float4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &Numeric::from_f32(args[0].f32()))
}

fn from_float8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &Numeric::from_f64(args[0].f64()))
}

fn to_int2(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I16(arg(args, 0).to_int("smallint")?));
    Ok(())
}

fn to_int4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(arg(args, 0).to_int("integer")?));
    Ok(())
}

fn to_int8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I64(arg(args, 0).to_int("bigint")?));
    Ok(())
}

fn to_float4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = arg(args, 0);
    let v = n.to_f32();
    if n.is_finite() && (v.is_infinite() || v == 0.0 && !n.is_zero()) {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "\"{n}\" is out of range for type real");
    }
    out.push(Datum::F32(v));
    Ok(())
}

fn to_float8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = arg(args, 0);
    let v = n.to_f64();
    if n.is_finite() && (v.is_infinite() || v == 0.0 && !n.is_zero()) {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "\"{n}\" is out of range for type double precision");
    }
    out.push(Datum::F64(v));
    Ok(())
}

/// `numeric(numeric, typmod)`.
fn apply_typmod(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push_numeric(out, &arg(args, 0).apply_typmod(args[1].i32())?)
}

fn from_money(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    // Cents before the division, too: it keeps at least as many digits as it is given.
    let mut n = Numeric::from(args[0].i64());
    n.round(2);
    let mut n = n.div(&Numeric::from(100))?;
    n.round(2);
    push_numeric(out, &n)
}

fn to_money(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let cents = arg(args, 0).mul(&Numeric::from(100));
    out.push(Datum::I64(cents.to_int("bigint")?));
    Ok(())
}

fn to_lsn(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = arg(args, 0);
    match n.kind {
        Kind::NaN => bail!(FEATURE_NOT_SUPPORTED, "cannot convert NaN to pg_lsn"),
        Kind::PosInf | Kind::NegInf => bail!(FEATURE_NOT_SUPPORTED, "cannot convert infinity to pg_lsn"),
        Kind::Finite => {}
    }
    let Some(lsn) = n.to_i128().and_then(|v| u64::try_from(v).ok()) else {
        bail!(INVALID_PARAMETER_VALUE, "pg_lsn out of range")
    };
    out.push(Datum::I64(lsn as i64));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("numeric_add", Scalar(add)),
    ("numeric_sub", Scalar(sub)),
    ("numeric_mul", Scalar(mul)),
    ("numeric_div", Scalar(div)),
    ("numeric_div_trunc", Scalar(div_trunc)),
    ("numeric_mod", Scalar(rem)),
    ("numeric_power", Scalar(power)),
    ("numeric_log", Scalar(log)),
    ("numeric_gcd", Scalar(gcd)),
    ("numeric_lcm", Scalar(lcm)),
    ("numeric_abs", Scalar(abs)),
    ("numeric_uminus", Scalar(neg)),
    ("numeric_uplus", Scalar(plus)),
    ("numeric_ceil", Scalar(ceil)),
    ("numeric_floor", Scalar(floor)),
    ("numeric_sqrt", Scalar(sqrt)),
    ("numeric_exp", Scalar(exp)),
    ("numeric_ln", Scalar(ln)),
    ("numeric_inc", Scalar(inc)),
    ("numeric_sign", Scalar(sign)),
    ("numeric_trim_scale", Scalar(trim_scale)),
    ("numeric_min_scale", Scalar(min_scale)),
    ("numeric_scale", Scalar(scale)),
    ("numeric_round", Scalar(round)),
    ("numeric_trunc", Scalar(trunc)),
    ("round(numeric)", Scalar(round0)),
    ("trunc(numeric)", Scalar(trunc0)),
    ("log(numeric)", Scalar(log10)),
    ("log10(numeric)", Scalar(log10)),
    ("numeric_fac", Scalar(factorial)),
    ("width_bucket_numeric", Scalar(width_bucket)),
    ("int2_numeric", Scalar(from_int2)),
    ("int4_numeric", Scalar(from_int4)),
    ("int8_numeric", Scalar(from_int8)),
    ("float4_numeric", Scalar(from_float4)),
    ("float8_numeric", Scalar(from_float8)),
    ("numeric_int2", Scalar(to_int2)),
    ("numeric_int4", Scalar(to_int4)),
    ("numeric_int8", Scalar(to_int8)),
    ("numeric_float4", Scalar(to_float4)),
    ("numeric_float8", Scalar(to_float8)),
    ("numeric", Scalar(apply_typmod)),
    ("cash_numeric", Scalar(from_money)),
    ("numeric_cash", Scalar(to_money)),
    ("numeric_pg_lsn", Scalar(to_lsn)),
];
