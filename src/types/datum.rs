//! One value: borrowed ([`Datum`]) or owned ([`Value`]), in one of nine physical forms.

/// The physical form of a type's values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phys {
    Bool,
    I16,
    I32,
    /// oid, xid, cid, reg*: ordered without sign.
    U32,
    /// int8, time, timestamp, timestamptz, money (two's complement), pg_lsn and xid8 (as u64 bits).
    I64,
    F32,
    F64,
    /// Everything else, in the encoding the type's file documents.
    Bytes,
}

impl Phys {
    /// Bytes on a page, None for the length-prefixed form.
    pub fn width(self) -> Option<usize> {
        match self {
            Phys::Bool => Some(1),
            Phys::I16 => Some(2),
            Phys::I32 | Phys::U32 | Phys::F32 => Some(4),
            Phys::I64 | Phys::F64 => Some(8),
            Phys::Bytes => None,
        }
    }
}

/// A value in use. Copyable, 24 bytes, never allocates.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Datum<'a> {
    Null,
    Bool(bool),
    I16(i16),
    I32(i32),
    U32(u32),
    I64(i64),
    F32(f32),
    F64(f64),
    Bytes(&'a [u8]),
}

impl<'a> Datum<'a> {
    /// Equal bit by bit: −0 is not 0, and NaN is NaN.
    pub fn same_image(&self, other: &Datum<'_>) -> bool {
        match (self, other) {
            (Datum::F32(a), Datum::F32(b)) => a.to_bits() == b.to_bits(),
            (Datum::F64(a), Datum::F64(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }

    pub fn is_null(self) -> bool {
        matches!(self, Datum::Null)
    }

    /// The text of a text-like value. Stored text is always valid UTF-8 (checked on input).
    pub fn str(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }

    /// The length of a value of bytes; 0 of others.
    #[inline]
    pub fn bytes_len(&self) -> usize {
        match self {
            Datum::Bytes(b) => b.len(),
            _ => 0,
        }
    }

    /// # Panics
    /// If the value has another physical form: the binder guarantees the form (TYP-1).
    #[track_caller]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Datum::Bytes(b) => b,
            other => panic!("expected bytes, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn bool(self) -> bool {
        match self {
            Datum::Bool(b) => b,
            other => panic!("expected bool, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn i16(self) -> i16 {
        match self {
            Datum::I16(v) => v,
            other => panic!("expected int2, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn i32(self) -> i32 {
        match self {
            Datum::I32(v) => v,
            other => panic!("expected int4, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn u32(self) -> u32 {
        match self {
            Datum::U32(v) => v,
            other => panic!("expected oid, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn i64(self) -> i64 {
        match self {
            Datum::I64(v) => v,
            other => panic!("expected int8, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn f32(self) -> f32 {
        match self {
            Datum::F32(v) => v,
            other => panic!("expected float4, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn f64(self) -> f64 {
        match self {
            Datum::F64(v) => v,
            other => panic!("expected float8, found {other:?}"),
        }
    }

    pub fn to_value(self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Bool(v) => Value::Bool(v),
            Datum::I16(v) => Value::I16(v),
            Datum::I32(v) => Value::I32(v),
            Datum::U32(v) => Value::U32(v),
            Datum::I64(v) => Value::I64(v),
            Datum::F32(v) => Value::F32(v),
            Datum::F64(v) => Value::F64(v),
            Datum::Bytes(v) => Value::Bytes(v.into()),
        }
    }
}

/// A value that owns its bytes: constants, parameters, catalog rows. Not for rows in flight.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Value {
    Null,
    Bool(bool),
    I16(i16),
    I32(i32),
    U32(u32),
    I64(i64),
    #[serde(with = "super::stored_float")]
    F32(f32),
    #[serde(with = "super::stored_float")]
    F64(f64),
    Bytes(Box<[u8]>),
}

impl Value {
    pub fn text(s: impl AsRef<str>) -> Value {
        Value::Bytes(s.as_ref().as_bytes().into())
    }

    pub fn oid(oid: crate::base::Oid) -> Value {
        Value::U32(oid.0)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn datum(&self) -> Datum<'_> {
        match self {
            Value::Null => Datum::Null,
            Value::Bool(v) => Datum::Bool(*v),
            Value::I16(v) => Datum::I16(*v),
            Value::I32(v) => Datum::I32(*v),
            Value::U32(v) => Datum::U32(*v),
            Value::I64(v) => Datum::I64(*v),
            Value::F32(v) => Datum::F32(*v),
            Value::F64(v) => Datum::F64(*v),
            Value::Bytes(v) => Datum::Bytes(v),
        }
    }
}
