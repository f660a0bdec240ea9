//! What a polymorphic type of a function stands for in one call.

use crate::base::Oid;
use crate::types::{TypeRef, array_type, base_type, element_type, oid};

/// A declared type as a call has it whose arguments, declared as `inputs`, are of these types.
pub fn actual(declared: Oid, inputs: &[Oid], types: &[TypeRef]) -> Oid {
    const FIRST: [Oid; 4] = [oid::ANYELEMENT, oid::ANYARRAY, oid::ANYNONARRAY, oid::ANYENUM];
    const SECOND: [Oid; 3] = [oid::ANYCOMPATIBLE, oid::ANYCOMPATIBLEARRAY, oid::ANYCOMPATIBLENONARRAY];
    let family: &[Oid] = match declared {
        d if FIRST.contains(&d) => &FIRST,
        d if SECOND.contains(&d) => &SECOND,
        _ => return declared,
    };
    let given = inputs.iter().zip(types).find(|(d, _)| family.contains(d)).map(|(d, t)| (*d, base_type(t.oid)));
    let Some((d, t)) = given else { return declared };
    let from_array = matches!(d, oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY);
    match declared {
        oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY if from_array => t,
        oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => array_type(t).unwrap_or(declared),
        _ if from_array => element_type(t).unwrap_or(t),
        _ => t,
    }
}
