//! Floating-point numbers in catalog objects: JSON has no NaN and no infinities, so these are words there.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Numbers that can be kept so.
pub trait Float: Copy + Serialize {
    fn wide(self) -> f64;
    fn narrow(wide: f64) -> Self;
}

impl Float for f64 {
    fn wide(self) -> f64 {
        self
    }

    fn narrow(wide: f64) -> f64 {
        wide
    }
}

impl Float for f32 {
    fn wide(self) -> f64 {
        self.into()
    }

    fn narrow(wide: f64) -> f32 {
        wide as f32
    }
}

/// # Errors
/// The serializer's.
pub fn serialize<F: Float, S: Serializer>(value: &F, to: S) -> Result<S::Ok, S::Error> {
    match value.wide() {
        v if v.is_nan() => to.serialize_str("NaN"),
        f64::INFINITY => to.serialize_str("Infinity"),
        f64::NEG_INFINITY => to.serialize_str("-Infinity"),
        _ => value.serialize(to),
    }
}

/// NULL is what was written for any of the three before they had words.
///
/// # Errors
/// The deserializer's, and for other words.
pub fn deserialize<'d, F: Float, D: Deserializer<'d>>(from: D) -> Result<F, D::Error> {
    let wide = match Value::deserialize(from)? {
        Value::Null => Some(f64::NAN),
        Value::Number(n) => n.as_f64(),
        Value::String(word) => word.parse().ok(),
        _ => None,
    };
    wide.map(F::narrow).ok_or_else(|| D::Error::custom("expected a number, NaN or an infinity"))
}

#[cfg(test)]
mod tests {
    use crate::types::Value;

    /// Values without a JSON number come back as they were, and what older files have in their place can be read.
    #[test]
    fn not_finite() {
        for v in [f64::INFINITY, f64::NEG_INFINITY, 1.5, -0.0, 1e300] {
            let text = serde_json::to_string(&Value::F64(v)).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::F64(v), "{text}");
            let text = serde_json::to_string(&Value::F32(v as f32)).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::F32(v as f32), "{text}");
        }
        let text = serde_json::to_string(&Value::F32(f32::NAN)).unwrap();
        assert!(matches!(serde_json::from_str(&text).unwrap(), Value::F32(v) if v.is_nan()));
        assert!(matches!(serde_json::from_str("{\"F64\":null}").unwrap(), Value::F64(v) if v.is_nan()));
        assert_eq!(serde_json::to_string(&Value::F32(0.1)).unwrap(), "{\"F32\":0.1}");
        assert_eq!(serde_json::from_str::<Value>("{\"F32\":0.1}").unwrap(), Value::F32(0.1));
        assert!(serde_json::from_str::<Value>("{\"F64\":\"x\"}").is_err());
    }
}
