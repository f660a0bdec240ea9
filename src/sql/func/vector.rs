//! Kernels over columns: the loops behind the hot functions.

use crate::base::{Error, Result};
use crate::types::{Column, ColumnData, Phys, float};

/// A machine type columns are made of.
pub trait Native: Copy {
    fn slice(column: &Column) -> &[Self];
    fn column(values: Vec<Self>) -> ColumnData;
}

macro_rules! native {
    ($($t:ty, $variant:ident;)*) => {$(
        impl Native for $t {
            #[inline]
            fn slice(column: &Column) -> &[$t] {
                match &column.data {
                    ColumnData::$variant(v) => v,
                    _ => panic!("TYP-1: a kernel got a column of {:?}", column.phys()),
                }
            }
            #[inline]
            fn column(values: Vec<$t>) -> ColumnData {
                ColumnData::$variant(values)
            }
        }
    )*};
}

native! { bool, Bool; i16, I16; i32, I32; u32, U32; i64, I64; f32, F32; f64, F64; }

/// Which rows of the result are NULL: those where an argument is.
pub fn merge_nulls(args: &[&Column], rows: usize) -> Option<Vec<bool>> {
    let mut merged: Option<Vec<bool>> = None;
    for nulls in args.iter().filter_map(|a| a.nulls.as_deref()) {
        match &mut merged {
            None => merged = Some(nulls[..rows].to_vec()),
            Some(m) => m.iter_mut().zip(nulls).for_each(|(m, n)| *m |= n),
        }
    }
    merged
}

/// One argument, no errors.
pub fn map<A: Native, R: Native>(args: &[&Column], rows: usize, f: impl Fn(A) -> R) -> Result<Column> {
    let values = A::slice(args[0])[..rows].iter().map(|a| f(*a)).collect();
    Ok(Column { data: R::column(values), nulls: merge_nulls(args, rows) })
}

/// Two arguments, no errors.
#[inline]
pub fn zip<A: Native, B: Native, R: Native>(args: &[&Column], rows: usize, f: impl Fn(A, B) -> R) -> Result<Column> {
    let (a, b) = (&A::slice(args[0])[..rows], &B::slice(args[1])[..rows]);
    let values = a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect();
    Ok(Column { data: R::column(values), nulls: merge_nulls(args, rows) })
}

/// Two arguments and a flag for "does not fit": the loop has no branch, errors are looked for afterwards.
#[inline]
pub fn zip_checked<A: Native, B: Native, R: Native>(
    args: &[&Column],
    rows: usize,
    f: impl Fn(A, B) -> (R, bool),
    error: impl Fn() -> Error,
) -> Result<Column> {
    let (a, b) = (&A::slice(args[0])[..rows], &B::slice(args[1])[..rows]);
    let mut bad = false;
    let values = a
        .iter()
        .zip(b)
        .map(|(a, b)| {
            let (value, overflow) = f(*a, *b);
            bad |= overflow;
            value
        })
        .collect();
    let nulls = merge_nulls(args, rows);
    if bad {
        let real = a.iter().zip(b).enumerate().any(|(i, (a, b))| !nulls.as_ref().is_some_and(|n| n[i]) && f(*a, *b).1);
        if real {
            return Err(error());
        }
    }
    Ok(Column { data: R::column(values), nulls })
}

/// Two arguments, any error; NULL rows are not computed.
pub fn try_zip<A: Native, B: Native, R: Native + Default>(
    args: &[&Column],
    rows: usize,
    f: impl Fn(A, B) -> Result<R>,
) -> Result<Column> {
    let (a, b) = (&A::slice(args[0])[..rows], &B::slice(args[1])[..rows]);
    let nulls = merge_nulls(args, rows);
    let mut values = Vec::with_capacity(rows);
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let null = nulls.as_ref().is_some_and(|n| n[i]);
        values.push(if null { R::default() } else { f(*a, *b)? });
    }
    Ok(Column { data: R::column(values), nulls })
}

/// One argument, any error; NULL rows are not computed.
pub fn try_map<A: Native, R: Native + Default>(
    args: &[&Column],
    rows: usize,
    f: impl Fn(A) -> Result<R>,
) -> Result<Column> {
    let nulls = merge_nulls(args, rows);
    let mut values = Vec::with_capacity(rows);
    for (i, a) in A::slice(args[0])[..rows].iter().enumerate() {
        let null = nulls.as_ref().is_some_and(|n| n[i]);
        values.push(if null { R::default() } else { f(*a)? });
    }
    Ok(Column { data: R::column(values), nulls })
}

/// Two columns of bytes.
#[inline]
pub fn zip_bytes<R: Native>(args: &[&Column], rows: usize, f: impl Fn(&[u8], &[u8]) -> R) -> Result<Column> {
    let (ColumnData::Bytes(a), ColumnData::Bytes(b)) = (&args[0].data, &args[1].data) else {
        panic!("TYP-1: a kernel for bytes got {:?} and {:?}", args[0].phys(), args[1].phys());
    };
    let values = (0..rows).map(|i| f(a.get(i), b.get(i))).collect();
    Ok(Column { data: R::column(values), nulls: merge_nulls(args, rows) })
}

/// The same bits under another physical form: `int4` and `oid` are told apart by their sign alone.
///
/// # Panics
/// If the forms have nothing in common (TYP-1).
pub fn relabel(column: &Column, phys: Phys) -> Column {
    let data = match (&column.data, phys) {
        (ColumnData::I32(v), Phys::U32) => ColumnData::U32(v.iter().map(|v| *v as u32).collect()),
        (ColumnData::U32(v), Phys::I32) => ColumnData::I32(v.iter().map(|v| *v as i32).collect()),
        (data, p) => {
            assert!(column.phys() == p, "TYP-1: {:?} cannot be read as {p:?}", column.phys());
            data.clone()
        }
    };
    Column { data, nulls: column.nulls.clone() }
}

/// The six comparisons as numbers, so that they can be type arguments.
pub mod cmp {
    pub const EQ: u8 = 0;
    pub const NE: u8 = 1;
    pub const LT: u8 = 2;
    pub const GT: u8 = 3;
    pub const LE: u8 = 4;
    pub const GE: u8 = 5;
}

/// What a comparison says about an order.
#[inline]
pub fn holds<const OP: u8>(o: std::cmp::Ordering) -> bool {
    match OP {
        cmp::EQ => o.is_eq(),
        cmp::NE => o.is_ne(),
        cmp::LT => o.is_lt(),
        cmp::GT => o.is_gt(),
        cmp::LE => o.is_le(),
        _ => o.is_ge(),
    }
}

/// Compares two machine values by SQL's rules, without branches where the machine can.
pub trait Compare<B>: Native {
    fn test<const OP: u8>(self, other: B) -> bool;
}

macro_rules! compare_as {
    ($($a:ty, $b:ty => $common:ty;)*) => {$(
        impl Compare<$b> for $a {
            #[inline]
            #[expect(clippy::allow_attributes, reason = "some of these widen and some do not")]
            #[allow(clippy::unnecessary_cast, reason = "the same code for all pairs")]
            fn test<const OP: u8>(self, other: $b) -> bool {
                let (a, b) = (self as $common, other as $common);
                match OP {
                    cmp::EQ => a == b,
                    cmp::NE => a != b,
                    cmp::LT => a < b,
                    cmp::GT => a > b,
                    cmp::LE => a <= b,
                    _ => a >= b,
                }
            }
        }
    )*};
}

compare_as! {
    bool, bool => bool; u32, u32 => u32;
    i16, i16 => i16; i16, i32 => i32; i16, i64 => i64;
    i32, i16 => i32; i32, i32 => i32; i32, i64 => i64;
    i64, i16 => i64; i64, i32 => i64; i64, i64 => i64;
}

macro_rules! compare_float {
    ($($a:ty, $b:ty;)*) => {$(
        impl Compare<$b> for $a {
            #[inline]
            fn test<const OP: u8>(self, other: $b) -> bool {
                holds::<OP>(float::compare(self.into(), other.into()))
            }
        }
    )*};
}

compare_float! { f32, f32; f32, f64; f64, f32; f64, f64; }

/// The kernel of a comparison.
pub fn compare<A: Compare<B>, B: Native, const OP: u8>(
    _: &mut super::FnContext,
    args: &[&Column],
    rows: usize,
) -> Result<Column> {
    zip::<A, B, bool>(args, rows, |a, b| a.test::<OP>(b))
}

/// The kernel of a comparison of 64-bit values without sign.
pub fn compare_u64<const OP: u8>(_: &mut super::FnContext, args: &[&Column], rows: usize) -> Result<Column> {
    zip::<i64, i64, bool>(args, rows, |a, b| holds::<OP>((a as u64).cmp(&(b as u64))))
}

/// The kernel of a comparison of text by what the call orders by; `BLANK`: blanks at the end do not count.
pub fn compare_text<const OP: u8, const BLANK: bool>(
    cx: &mut super::FnContext,
    args: &[&Column],
    rows: usize,
) -> Result<Column> {
    use crate::types::text::trim_blanks;
    let collation = cx.collation();
    match (collation.is_bytewise(), BLANK) {
        (true, false) => compare_bytes::<OP>(cx, args, rows),
        (true, true) => compare_blank::<OP>(cx, args, rows),
        (false, false) => zip_bytes(args, rows, |a, b| holds::<OP>(collation.compare(a, b))),
        (false, true) => zip_bytes(args, rows, |a, b| holds::<OP>(collation.compare(trim_blanks(a), trim_blanks(b)))),
    }
}

/// The kernel of a comparison byte by byte: bytea, uuid, text's pattern operators.
pub fn compare_bytes<const OP: u8>(_: &mut super::FnContext, args: &[&Column], rows: usize) -> Result<Column> {
    zip_bytes(args, rows, |a, b| match OP {
        cmp::EQ => a == b,
        cmp::NE => a != b,
        _ => holds::<OP>(a.cmp(b)),
    })
}

/// The kernel of a comparison that ignores blanks at the end.
pub fn compare_blank<const OP: u8>(_: &mut super::FnContext, args: &[&Column], rows: usize) -> Result<Column> {
    use crate::types::text::trim_blanks;
    zip_bytes(args, rows, |a, b| holds::<OP>(trim_blanks(a).cmp(trim_blanks(b))))
}
