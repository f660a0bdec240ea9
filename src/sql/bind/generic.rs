//! Polymorphic types: whether the arguments of a call agree about them, and what they stand for.

use super::Binder;
use super::coerce::{can_coerce, category, is_enum, is_multirange, is_preferred};
use crate::base::{Oid, Result};
use crate::err;
use crate::sql::func::CastContext;
use crate::sql::func::polymorphic::{is_first as is_polymorphic_first, is_second as is_polymorphic_second};
use crate::types::oid::{ANYCOMPATIBLEMULTIRANGE, ANYCOMPATIBLERANGE, ANYMULTIRANGE};
use crate::types::range::{multirange_of, range_of, subtype};
use crate::types::{self, base_type, oid};

/// PostgreSQL 15, parse_coerce.c, check_generic_type_consistency.
pub(super) fn check_generic(actual: &[Oid], declared: &[Oid]) -> bool {
    let (mut elem, mut array) = (Oid::INVALID, Oid::INVALID);
    let (mut nonarray, mut any_enum, mut range) = (false, false, Oid::INVALID);
    let (mut multi, mut compatible_range) = (Oid::INVALID, Oid::INVALID);
    let mut compatible: Vec<Oid> = Vec::new();
    let mut compatible_nonarray = false;
    for (&d, &a) in declared.iter().zip(actual) {
        let unknown = a == oid::UNKNOWN;
        match d {
            oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => {
                nonarray |= d == oid::ANYNONARRAY;
                any_enum |= d == oid::ANYENUM;
                if unknown {
                    continue;
                }
                if elem.is_valid() && a != elem {
                    return false;
                }
                elem = a;
            }
            oid::ANYARRAY => {
                if unknown {
                    continue;
                }
                let a = base_type(a);
                if array.is_valid() && a != array {
                    return false;
                }
                array = a;
            }
            oid::ANYRANGE => {
                if unknown {
                    continue;
                }
                let a = base_type(a);
                if range.is_valid() && a != range {
                    return false;
                }
                range = a;
            }
            oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => {
                compatible_nonarray |= d == oid::ANYCOMPATIBLENONARRAY;
                if !unknown {
                    compatible.push(a);
                }
            }
            oid::ANYCOMPATIBLEARRAY => {
                if unknown {
                    continue;
                }
                match types::element_type(a) {
                    Some(e) => compatible.push(e),
                    None => return false,
                }
            }
            ANYMULTIRANGE if !unknown => {
                let a = base_type(a);
                if !is_multirange(a) || multi.is_valid() && a != multi {
                    return false;
                }
                multi = a;
            }
            ANYCOMPATIBLERANGE | ANYCOMPATIBLEMULTIRANGE if !unknown => {
                let a = base_type(a);
                let a = if d == ANYCOMPATIBLERANGE { a } else { range_of(a).unwrap_or(Oid::INVALID) };
                let Some(e) = subtype(a) else { return false };
                if compatible_range.is_valid() && a != compatible_range {
                    return false;
                }
                compatible_range = a;
                compatible.push(e);
            }
            _ => {}
        }
    }
    if multi.is_valid() {
        let Some(r) = range_of(multi) else { return false };
        if range.is_valid() && range != r {
            return false;
        }
        range = r;
    }
    if range.is_valid() {
        let Some(e) = subtype(range) else { return false };
        if elem.is_valid() && elem != e {
            return false;
        }
        elem = e;
    }
    if array.is_valid() && array != oid::ANYARRAY {
        let Some(e) = types::element_type(array) else { return false };
        if elem.is_valid() {
            if elem != e {
                return false;
            }
        } else {
            elem = e;
        }
    }
    if nonarray && elem.is_valid() && types::element_type(elem).is_some() {
        return false;
    }
    // Arguments that tell nothing are no enum, either.
    if any_enum && !is_enum(elem) {
        return false;
    }
    if !compatible.is_empty() {
        let Some(common) = common_of(&compatible) else { return false };
        if compatible_nonarray && types::element_type(common).is_some() {
            return false;
        }
        if compatible_range.is_valid() && subtype(compatible_range) != Some(common) {
            return false;
        }
        if compatible.iter().any(|&c| !can_coerce(&[c], &[common], CastContext::Implicit)) {
            return false;
        }
    }
    true
}

/// PostgreSQL 15, parse_coerce.c, select_common_type_from_oids without errors.
fn common_of(list: &[Oid]) -> Option<Oid> {
    let mut best = oid::UNKNOWN;
    for &next in list {
        let next = base_type(next);
        if next == oid::UNKNOWN || next == best {
            continue;
        }
        if best == oid::UNKNOWN {
            best = next;
        } else if category(next) != category(best) {
            return None;
        } else if !is_preferred(category(best), best)
            && can_coerce(&[best], &[next], CastContext::Implicit)
            && !can_coerce(&[next], &[best], CastContext::Implicit)
        {
            best = next;
        }
    }
    Some(if best == oid::UNKNOWN { oid::TEXT } else { best })
}

impl Binder<'_, '_> {
    /// PostgreSQL 15, parse_coerce.c, enforce_generic_type_consistency: replaces polymorphic declared types by the
    /// call's own and answers the result type.
    pub(super) fn resolve_generic(
        &mut self,
        actual: &[Oid],
        declared: &mut [Oid],
        ret: Oid,
        allow_poly: bool,
    ) -> Result<Oid> {
        let told = |d: Oid, a: Oid| (is_polymorphic_first(d) || is_polymorphic_second(d)) && d != a;
        if allow_poly && !declared.iter().zip(actual).any(|(d, a)| told(*d, *a)) {
            // The arguments are as polymorphic as what is declared: they tell nothing.
            return Ok(ret);
        }
        let (mut elem, mut array, mut range) = (Oid::INVALID, Oid::INVALID, Oid::INVALID);
        let (mut compatible, mut compatible_range): (Vec<Oid>, Oid) = (Vec::new(), Oid::INVALID);
        let (mut first, mut second) = (is_polymorphic_first(ret), is_polymorphic_second(ret));
        let mismatch = |this: &Self, what: &str, a: Oid, b: Oid| {
            err!(DATATYPE_MISMATCH, "arguments declared \"{what}\" are not all alike").detail(format!(
                "{} versus {}",
                this.type_name(a),
                this.type_name(b)
            ))
        };
        for (d, &a) in declared.iter().zip(actual) {
            first |= is_polymorphic_first(*d);
            second |= is_polymorphic_second(*d);
            if a == oid::UNKNOWN {
                continue;
            }
            match *d {
                oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => {
                    if elem.is_valid() && a != elem {
                        return Err(mismatch(self, "anyelement", elem, a));
                    }
                    elem = a;
                }
                oid::ANYARRAY => {
                    let a = base_type(a);
                    if array.is_valid() && a != array {
                        return Err(mismatch(self, "anyarray", array, a));
                    }
                    array = a;
                }
                oid::ANYRANGE | ANYMULTIRANGE => {
                    let a = base_type(a);
                    let multi = *d == ANYMULTIRANGE;
                    let (what, kind) = if multi { ("anymultirange", "a multirange") } else { ("anyrange", "a range") };
                    let Some(r) = (if multi { range_of(a) } else { Some(a).filter(|a| subtype(*a).is_some()) }) else {
                        return Err(err!(
                            DATATYPE_MISMATCH,
                            "argument declared {what} is not {kind} type but type {}",
                            self.type_name(a)
                        ));
                    };
                    if range.is_valid() && range != r {
                        return Err(mismatch(self, what, range, r));
                    }
                    range = r;
                }
                ANYCOMPATIBLERANGE | ANYCOMPATIBLEMULTIRANGE => {
                    let a = base_type(a);
                    let r = if *d == ANYCOMPATIBLERANGE { a } else { range_of(a).unwrap_or(a) };
                    compatible_range = r;
                    compatible.extend(subtype(r));
                }
                oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => compatible.push(a),
                oid::ANYCOMPATIBLEARRAY => match types::element_type(a) {
                    Some(e) => compatible.push(e),
                    None => {
                        return Err(err!(
                            DATATYPE_MISMATCH,
                            "argument declared {} is not an array but type {}",
                            "anycompatiblearray",
                            self.type_name(a)
                        ));
                    }
                },
                _ => {}
            }
        }
        if first {
            if array.is_valid() && array != oid::ANYARRAY {
                let Some(e) = types::element_type(array) else {
                    return Err(err!(
                        DATATYPE_MISMATCH,
                        "argument declared {} is not an array but type {}",
                        "anyarray",
                        self.type_name(array)
                    ));
                };
                if elem.is_valid() && elem != e {
                    return Err(err!(
                        DATATYPE_MISMATCH,
                        "argument declared {} is not consistent with argument declared {}",
                        "anyarray",
                        "anyelement"
                    )
                    .detail(format!("{} versus {}", self.type_name(array), self.type_name(elem))));
                }
                elem = e;
            } else if array == oid::ANYARRAY && !elem.is_valid() {
                elem = oid::ANYELEMENT;
            }
            if let Some(e) = subtype(range) {
                if elem.is_valid() && elem != e {
                    return Err(err!(
                        DATATYPE_MISMATCH,
                        "argument declared {} is not consistent with argument declared {}",
                        "anyrange",
                        "anyelement"
                    )
                    .detail(format!("{} versus {}", self.type_name(range), self.type_name(elem))));
                }
                elem = e;
            }
            if !elem.is_valid() && !range.is_valid() {
                if !allow_poly {
                    return Err(err!(
                        DATATYPE_MISMATCH,
                        "could not determine polymorphic type because input has type {}",
                        "unknown"
                    ));
                }
                elem = oid::TEXT;
            }
            if !array.is_valid() {
                array = types::array_type(elem).unwrap_or(Oid::INVALID);
            }
        }
        let common = match second {
            true => common_of(&compatible).unwrap_or(oid::TEXT),
            false => Oid::INVALID,
        };
        let resolve = |d: Oid| match d {
            oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => elem,
            oid::ANYARRAY => array,
            oid::ANYRANGE => range,
            ANYMULTIRANGE => multirange_of(range).unwrap_or(Oid::INVALID),
            ANYCOMPATIBLERANGE => compatible_range,
            ANYCOMPATIBLEMULTIRANGE => multirange_of(compatible_range).unwrap_or(Oid::INVALID),
            oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => common,
            oid::ANYCOMPATIBLEARRAY => types::array_type(common).unwrap_or(Oid::INVALID),
            other => other,
        };
        for d in declared.iter_mut() {
            let what = match *d {
                oid::ANYRANGE => "anyrange",
                ANYMULTIRANGE => "anymultirange",
                ANYCOMPATIBLERANGE => "anycompatiblerange",
                ANYCOMPATIBLEMULTIRANGE => "anycompatiblemultirange",
                _ => "",
            };
            *d = resolve(*d);
            if !what.is_empty() && !d.is_valid() {
                return Err(err!(
                    DATATYPE_MISMATCH,
                    "could not determine polymorphic type {what} because input has type unknown"
                ));
            }
        }
        let out = resolve(ret);
        if !out.is_valid() {
            let e = if second { common } else { elem };
            return Err(err!(UNDEFINED_OBJECT, "could not find array type for data type {}", self.type_name(e)));
        }
        Ok(out)
    }
}
