//! Arithmetic of integers.

use super::vector::{map, try_map, try_zip, zip, zip_checked};
use super::{FnContext, FuncImpl};
use crate::base::{Error, Result};
use crate::types::{Column, Datum};
use crate::{bail, err};

/// A machine integer as SQL knows it.
pub trait Int: super::vector::Native + Default + Into<i128> + TryFrom<i128> + PartialEq {
    const NAME: &'static str;
    fn add(self, other: Self) -> (Self, bool);
    fn sub(self, other: Self) -> (Self, bool);
    fn mul(self, other: Self) -> (Self, bool);
    fn div(self, other: Self) -> Option<Self>;
    fn rem(self, other: Self) -> Self;
    fn neg(self) -> Option<Self>;
    fn datum(self) -> Datum<'static>;
    fn of(d: Datum<'_>) -> Self;
}

macro_rules! int {
    ($($t:ty, $name:literal, $variant:ident, $get:ident;)*) => {$(
        impl Int for $t {
            const NAME: &'static str = $name;
            #[inline]
            fn add(self, o: $t) -> ($t, bool) { self.overflowing_add(o) }
            #[inline]
            fn sub(self, o: $t) -> ($t, bool) { self.overflowing_sub(o) }
            #[inline]
            fn mul(self, o: $t) -> ($t, bool) { self.overflowing_mul(o) }
            #[inline]
            fn div(self, o: $t) -> Option<$t> { self.checked_div(o) }
            #[inline]
            fn rem(self, o: $t) -> $t { self.wrapping_rem(o) }
            fn neg(self) -> Option<$t> { self.checked_neg() }
            fn datum(self) -> Datum<'static> { Datum::$variant(self) }
            fn of(d: Datum<'_>) -> $t { d.$get() }
        }
    )*};
}

int! { i16, "smallint", I16, i16; i32, "integer", I32, i32; i64, "bigint", I64, i64; }

#[cold]
pub fn out_of_range<T: Int>() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "{} out of range", T::NAME)
}

#[cold]
pub fn division_by_zero() -> Error {
    err!(DIVISION_BY_ZERO, "division by zero")
}

type Args<'a> = &'a [&'a Column];

fn add<A: Int + Into<R>, B: Int + Into<R>, R: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    zip_checked::<A, B, R>(
        args,
        rows,
        |a, b| {
            let (a, b): (R, R) = (a.into(), b.into());
            a.add(b)
        },
        out_of_range::<R>,
    )
}

fn sub<A: Int + Into<R>, B: Int + Into<R>, R: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    zip_checked::<A, B, R>(
        args,
        rows,
        |a, b| {
            let (a, b): (R, R) = (a.into(), b.into());
            a.sub(b)
        },
        out_of_range::<R>,
    )
}

fn mul<A: Int + Into<R>, B: Int + Into<R>, R: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    zip_checked::<A, B, R>(
        args,
        rows,
        |a, b| {
            let (a, b): (R, R) = (a.into(), b.into());
            a.mul(b)
        },
        out_of_range::<R>,
    )
}

fn div<A: Int + Into<R>, B: Int + Into<R>, R: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_zip::<A, B, R>(args, rows, |a, b| {
        let (a, b): (R, R) = (a.into(), b.into());
        if b == R::default() {
            return Err(division_by_zero());
        }
        a.div(b).ok_or_else(out_of_range::<R>)
    })
}

fn rem<T: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_zip::<T, T, T>(args, rows, |a, b| if b == T::default() { Err(division_by_zero()) } else { Ok(a.rem(b)) })
}

fn neg<T: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<T, T>(args, rows, |a| a.neg().ok_or_else(out_of_range::<T>))
}

fn plus<T: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<T, T>(args, rows, |a| a)
}

fn abs<T: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<T, T>(args, rows, |a| {
        let n: i128 = a.into();
        T::try_from(n.abs()).map_err(|_| out_of_range::<T>())
    })
}

/// Conversion between integers, checked.
fn convert<A: Int, R: Int>(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<A, R>(args, rows, |a| R::try_from(a.into()).map_err(|_| out_of_range::<R>()))
}

macro_rules! bitwise {
    ($($t:ty, $and:ident, $or:ident, $xor:ident, $not:ident, $shl:ident, $shr:ident;)*) => {$(
        fn $and(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            zip::<$t, $t, $t>(args, rows, |a, b| a & b)
        }
        fn $or(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            zip::<$t, $t, $t>(args, rows, |a, b| a | b)
        }
        fn $xor(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            zip::<$t, $t, $t>(args, rows, |a, b| a ^ b)
        }
        fn $not(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            map::<$t, $t>(args, rows, |a| !a)
        }
        // The processor takes the shift's low bits only, and so does PostgreSQL; int2 is shifted as int4.
        fn $shl(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            zip::<$t, i32, $t>(args, rows, |a, b| {
                if size_of::<$t>() == 2 { i32::from(a as i16).wrapping_shl(b as u32) as $t } else { a.wrapping_shl(b as u32) }
            })
        }
        fn $shr(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
            zip::<$t, i32, $t>(args, rows, |a, b| {
                if size_of::<$t>() == 2 { i32::from(a as i16).wrapping_shr(b as u32) as $t } else { a.wrapping_shr(b as u32) }
            })
        }
    )*};
}

bitwise! {
    i16, and2, or2, xor2, not2, shl2, shr2;
    i32, and4, or4, xor4, not4, shl4, shr4;
    i64, and8, or8, xor8, not8, shl8, shr8;
}

fn gcd_of(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn magnitude<T: Int>(d: Datum<'_>) -> u64 {
    let n: i128 = T::of(d).into();
    n.unsigned_abs() as u64
}

fn gcd<T: Int>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let n = gcd_of(magnitude::<T>(args[0]), magnitude::<T>(args[1]));
    out.push(T::try_from(n.into()).map_err(|_| out_of_range::<T>())?.datum());
    Ok(())
}

fn lcm<T: Int>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (magnitude::<T>(args[0]), magnitude::<T>(args[1]));
    let n = if a == 0 || b == 0 { 0 } else { i128::from(a / gcd_of(a, b)) * i128::from(b) };
    out.push(T::try_from(n).map_err(|_| out_of_range::<T>())?.datum());
    Ok(())
}

fn inc4(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].i32().checked_add(1).ok_or_else(out_of_range::<i32>)?));
    Ok(())
}

fn inc8(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].i64().checked_add(1).ok_or_else(out_of_range::<i64>)?));
    Ok(())
}

fn bool_to_int(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<bool, i32>(args, rows, i32::from)
}

fn int_to_bool(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<i32, bool>(args, rows, |a| a != 0)
}

fn oid_to_int8(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    map::<u32, i64>(args, rows, i64::from)
}

fn int8_to_oid(_: &mut FnContext, args: Args<'_>, rows: usize) -> Result<Column> {
    try_map::<i64, u32>(args, rows, |a| {
        u32::try_from(a).map_err(|_| err!(NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range"))
    })
}

fn booland(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(args[0].bool() && args[1].bool()));
    Ok(())
}

fn boolor(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(args[0].bool() || args[1].bool()));
    Ok(())
}

/// Compares with base ± offset for RANGE frames (`in_range`): arguments value, base, offset, sub, less.
fn in_range<V: Int, O: Int>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (value, base): (i128, i128) = (V::of(args[0]).into(), V::of(args[1]).into());
    let offset: i128 = O::of(args[2]).into();
    if offset < 0 {
        bail!(INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    }
    let sum = if args[3].bool() { base - offset } else { base + offset };
    out.push(Datum::Bool(if args[4].bool() { value <= sum } else { value >= sum }));
    Ok(())
}

use FuncImpl::{Scalar, Vector};

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("int2pl", Vector(add::<i16, i16, i16>)),
    ("int2mi", Vector(sub::<i16, i16, i16>)),
    ("int2mul", Vector(mul::<i16, i16, i16>)),
    ("int2div", Vector(div::<i16, i16, i16>)),
    ("int4pl", Vector(add::<i32, i32, i32>)),
    ("int4mi", Vector(sub::<i32, i32, i32>)),
    ("int4mul", Vector(mul::<i32, i32, i32>)),
    ("int4div", Vector(div::<i32, i32, i32>)),
    ("int8pl", Vector(add::<i64, i64, i64>)),
    ("int8mi", Vector(sub::<i64, i64, i64>)),
    ("int8mul", Vector(mul::<i64, i64, i64>)),
    ("int8div", Vector(div::<i64, i64, i64>)),
    ("int24pl", Vector(add::<i16, i32, i32>)),
    ("int24mi", Vector(sub::<i16, i32, i32>)),
    ("int24mul", Vector(mul::<i16, i32, i32>)),
    ("int24div", Vector(div::<i16, i32, i32>)),
    ("int42pl", Vector(add::<i32, i16, i32>)),
    ("int42mi", Vector(sub::<i32, i16, i32>)),
    ("int42mul", Vector(mul::<i32, i16, i32>)),
    ("int42div", Vector(div::<i32, i16, i32>)),
    ("int48pl", Vector(add::<i32, i64, i64>)),
    ("int48mi", Vector(sub::<i32, i64, i64>)),
    ("int48mul", Vector(mul::<i32, i64, i64>)),
    ("int48div", Vector(div::<i32, i64, i64>)),
    ("int84pl", Vector(add::<i64, i32, i64>)),
    ("int84mi", Vector(sub::<i64, i32, i64>)),
    ("int84mul", Vector(mul::<i64, i32, i64>)),
    ("int84div", Vector(div::<i64, i32, i64>)),
    ("int28pl", Vector(add::<i16, i64, i64>)),
    ("int28mi", Vector(sub::<i16, i64, i64>)),
    ("int28mul", Vector(mul::<i16, i64, i64>)),
    ("int28div", Vector(div::<i16, i64, i64>)),
    ("int82pl", Vector(add::<i64, i16, i64>)),
    ("int82mi", Vector(sub::<i64, i16, i64>)),
    ("int82mul", Vector(mul::<i64, i16, i64>)),
    ("int82div", Vector(div::<i64, i16, i64>)),
    ("int2mod", Vector(rem::<i16>)),
    ("int4mod", Vector(rem::<i32>)),
    ("int8mod", Vector(rem::<i64>)),
    ("int2um", Vector(neg::<i16>)),
    ("int4um", Vector(neg::<i32>)),
    ("int8um", Vector(neg::<i64>)),
    ("int2up", Vector(plus::<i16>)),
    ("int4up", Vector(plus::<i32>)),
    ("int8up", Vector(plus::<i64>)),
    ("int2abs", Vector(abs::<i16>)),
    ("int4abs", Vector(abs::<i32>)),
    ("int8abs", Vector(abs::<i64>)),
    ("i2toi4", Vector(convert::<i16, i32>)),
    ("i4toi2", Vector(convert::<i32, i16>)),
    ("int28", Vector(convert::<i16, i64>)),
    ("int82", Vector(convert::<i64, i16>)),
    ("int48", Vector(convert::<i32, i64>)),
    ("int84", Vector(convert::<i64, i32>)),
    ("int2and", Vector(and2)),
    ("int2or", Vector(or2)),
    ("int2xor", Vector(xor2)),
    ("int2not", Vector(not2)),
    ("int2shl", Vector(shl2)),
    ("int2shr", Vector(shr2)),
    ("int4and", Vector(and4)),
    ("int4or", Vector(or4)),
    ("int4xor", Vector(xor4)),
    ("int4not", Vector(not4)),
    ("int4shl", Vector(shl4)),
    ("int4shr", Vector(shr4)),
    ("int8and", Vector(and8)),
    ("int8or", Vector(or8)),
    ("int8xor", Vector(xor8)),
    ("int8not", Vector(not8)),
    ("int8shl", Vector(shl8)),
    ("int8shr", Vector(shr8)),
    ("int4gcd", Scalar(gcd::<i32>)),
    ("int8gcd", Scalar(gcd::<i64>)),
    ("int4lcm", Scalar(lcm::<i32>)),
    ("int8lcm", Scalar(lcm::<i64>)),
    ("int4inc", Scalar(inc4)),
    ("int8inc", Scalar(inc8)),
    ("bool_int4", Vector(bool_to_int)),
    ("int4_bool", Vector(int_to_bool)),
    ("oidtoi8", Vector(oid_to_int8)),
    ("i8tooid", Vector(int8_to_oid)),
    ("booland_statefunc", Scalar(booland)),
    ("boolor_statefunc", Scalar(boolor)),
    ("in_range_int8_int8", Scalar(in_range::<i64, i64>)),
    ("in_range_int4_int8", Scalar(in_range::<i32, i64>)),
    ("in_range_int4_int4", Scalar(in_range::<i32, i32>)),
    ("in_range_int4_int2", Scalar(in_range::<i32, i16>)),
    ("in_range_int2_int8", Scalar(in_range::<i16, i64>)),
    ("in_range_int2_int4", Scalar(in_range::<i16, i32>)),
    ("in_range_int2_int2", Scalar(in_range::<i16, i16>)),
];
