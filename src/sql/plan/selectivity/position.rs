//! Where a value lies between two bounds of a histogram: PostgreSQL 15, selfuncs.c, convert_to_scalar, same scales.

use crate::types::datetime::civil::USECS_PER_DAY;
use crate::types::datetime::{Interval, TimeTz};
use crate::types::numeric::Numeric;
use crate::types::{self, TypeRef, Value, oid};

const DAY: f64 = USECS_PER_DAY as f64;

/// From 0, at the lower bound, to 1; in the middle if nothing is known of the type.
pub(super) fn position((value, value_type): (&Value, TypeRef), low: &Value, high: &Value, ty: TypeRef) -> f64 {
    let found = match text_scale(ty).zip(text_scale(value_type)) {
        Some((scale, _)) => texts(value, low, high, ty, scale),
        None => scalar(value, value_type).zip(scalar(low, ty)).zip(scalar(high, ty)).map(|((v, l), h)| (v, l, h)),
    };
    let Some((value, low, high)) = found else { return 0.5 };
    if high <= low {
        return 0.5;
    }
    let part = (value - low) / (high - low);
    if part.is_nan() { 0.5 } else { part.clamp(0.0, 1.0) }
}

/// A value on the line of numbers, or of microseconds.
fn scalar(value: &Value, ty: TypeRef) -> Option<f64> {
    let ty = types::base_type(ty.oid);
    Some(match (value, ty) {
        (Value::Bool(b), _) => f64::from(u8::from(*b)),
        (Value::I32(days), oid::DATE) => match *days {
            i32::MIN => -f64::MAX,
            i32::MAX => f64::MAX,
            days => f64::from(days) * DAY,
        },
        (Value::I16(n), _) => f64::from(*n),
        (Value::I32(n), _) => f64::from(*n),
        (Value::U32(n), _) => f64::from(*n),
        (Value::I64(n), _) => *n as f64,
        (Value::F32(n), _) => f64::from(*n),
        (Value::F64(n), _) => *n,
        (Value::Bytes(b), oid::NUMERIC) => Numeric::from_bytes(b).to_f64(),
        (Value::Bytes(b), oid::INTERVAL) => {
            let i = Interval::from_bytes(b);
            i.us as f64 + f64::from(i.days) * DAY + f64::from(i.months) * (365.25 / 12.0) * DAY
        }
        (Value::Bytes(b), oid::TIMETZ) => {
            let t = TimeTz::from_bytes(b);
            t.us as f64 + f64::from(t.west) * 1_000_000.0
        }
        _ => return None,
    })
}

/// How a text's bytes count: how many of them, and whether all of them may occur.
#[derive(Clone, Copy)]
struct Scale {
    longest: usize,
    all: bool,
}

fn text_scale(ty: TypeRef) -> Option<Scale> {
    match types::base_type(ty.oid) {
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::CHAR => Some(Scale { longest: 12, all: false }),
        oid::BYTEA => Some(Scale { longest: 10, all: true }),
        _ => None,
    }
}

/// Texts as fractions to the base of the letters that occur. PostgreSQL 15, convert_string_to_scalar.
fn texts(value: &Value, low: &Value, high: &Value, ty: TypeRef, scale: Scale) -> Option<(f64, f64, f64)> {
    let bytes = |v: &Value| match v {
        Value::Bytes(b) if scale.all || ty.collation.is_in_byte_order() => Some(b.to_vec()),
        Value::Bytes(b) => {
            let mut key = Vec::new();
            ty.collation.encode(b, &mut key);
            Some(key)
        }
        _ => None,
    };
    let (value, low, high) = (bytes(value)?, bytes(low)?, bytes(high)?);
    let (mut from, mut to) = match scale.all {
        true => (0, 255),
        false => {
            let both = || low.iter().chain(&high).copied();
            (both().min()?, both().max()?)
        }
    };
    if !scale.all {
        for (first, last) in [(b'A', b'Z'), (b'a', b'z'), (b'0', b'9')] {
            if from <= last && to >= first {
                (from, to) = (from.min(first), to.max(last));
            }
        }
        // Too little to go by: the letters of ASCII.
        if to - from < 9 {
            (from, to) = (b' ', 127);
        }
    }
    let common = low.iter().zip(&high).zip(&value).take_while(|((l, h), v)| l == h && l == v).count();
    let base = f64::from(to) - f64::from(from) + 1.0;
    let fraction = |text: &[u8]| {
        let letters = text[common..].iter().take(scale.longest);
        let digit = |c: u8| (f64::from(c) - f64::from(from)).clamp(-1.0, base);
        letters.rev().fold(0.0, |rest, c| (digit(*c) + rest) / base)
    };
    Some((fraction(&value), fraction(&low), fraction(&high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ty: crate::base::Oid, value: Value, low: Value, high: Value) -> f64 {
        let ty = TypeRef::of(ty);
        position((&value, ty), &low, &high, ty)
    }

    #[test]
    fn between_bounds() {
        assert_eq!(of(oid::INT4, Value::I32(5), Value::I32(0), Value::I32(20)), 0.25);
        assert_eq!(of(oid::INT4, Value::I32(50), Value::I32(0), Value::I32(20)), 1.0);
        let (date, stamp) = (TypeRef::of(oid::DATE), TypeRef::of(oid::TIMESTAMP));
        let noon = Value::I64(43_200_000_000);
        assert_eq!(position((&noon, stamp), &Value::I32(0), &Value::I32(2), date), 0.25);
        assert_eq!(of(oid::UUID, Value::text("b"), Value::text("a"), Value::text("c")), 0.5);
        // 'b' is the second of 26 letters, and what follows counts a 26th of a letter.
        let p = of(oid::TEXT, Value::text("b"), Value::text("a"), Value::text("k"));
        assert!((p - 0.1).abs() < 1e-9, "{p}");
        let p = of(oid::TEXT, Value::text("abb"), Value::text("aba"), Value::text("abk"));
        assert!((p - 0.1).abs() < 1e-9, "{p}");
    }
}
