//! What a polymorphic type of a function stands for in one call.

use crate::base::Oid;
use crate::types::oid::{
    ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYCOMPATIBLEMULTIRANGE, ANYCOMPATIBLENONARRAY, ANYCOMPATIBLERANGE,
    ANYELEMENT, ANYENUM, ANYMULTIRANGE, ANYNONARRAY, ANYRANGE,
};
use crate::types::range::{multirange_of, range_of, subtype};
use crate::types::{TypeRef, array_type, base_type, element_type};

/// anyelement and its family.
pub fn is_first(ty: Oid) -> bool {
    matches!(ty, ANYELEMENT | ANYARRAY | ANYNONARRAY | ANYENUM | ANYRANGE | ANYMULTIRANGE)
}

/// anycompatible and its family.
pub fn is_second(ty: Oid) -> bool {
    matches!(
        ty,
        ANYCOMPATIBLE | ANYCOMPATIBLEARRAY | ANYCOMPATIBLENONARRAY | ANYCOMPATIBLERANGE | ANYCOMPATIBLEMULTIRANGE
    )
}

pub fn is_polymorphic(ty: Oid) -> bool {
    is_first(ty) || is_second(ty)
}

fn is_of_range(ty: Oid) -> bool {
    matches!(ty, ANYRANGE | ANYMULTIRANGE | ANYCOMPATIBLERANGE | ANYCOMPATIBLEMULTIRANGE)
}

/// A declared type as a call has it whose arguments, declared as `inputs`, are of these types.
pub fn actual(declared: Oid, inputs: &[Oid], types: &[TypeRef]) -> Oid {
    let family = match declared {
        d if is_first(d) => is_first,
        d if is_second(d) => is_second,
        _ => return declared,
    };
    let mut given = inputs.iter().zip(types).filter(|(d, _)| family(**d)).map(|(d, t)| (*d, base_type(t.oid)));
    let found = match is_of_range(declared) {
        true => given.find(|(d, _)| is_of_range(*d)).and_then(|(d, t)| range_among(d, t)),
        false => given.next().map(|(d, t)| element_among(d, t)),
    };
    let Some(found) = found else { return declared };
    let made = match declared {
        ANYARRAY | ANYCOMPATIBLEARRAY => array_type(found),
        ANYMULTIRANGE | ANYCOMPATIBLEMULTIRANGE => multirange_of(found),
        _ => Some(found),
    };
    made.unwrap_or(declared)
}

/// The element type that follows from an argument.
fn element_among(declared: Oid, given: Oid) -> Oid {
    let element = match declared {
        ANYARRAY | ANYCOMPATIBLEARRAY => element_type(given),
        d if is_of_range(d) => range_among(d, given).and_then(subtype),
        _ => Some(given),
    };
    element.unwrap_or(given)
}

/// The range type that follows from an argument.
fn range_among(declared: Oid, given: Oid) -> Option<Oid> {
    match declared {
        ANYMULTIRANGE | ANYCOMPATIBLEMULTIRANGE => range_of(given),
        _ => Some(given),
    }
}
