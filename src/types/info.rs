//! What is known about each type: PostgreSQL's `pg_type` for the built-in ones, and those users made.

use super::TypeRef;
use super::builtin::TYPES;
use super::code::TypeCode;
use super::datum::Phys;
use crate::base::Oid;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// One row of `pg_type` with what the executor needs beside it.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    pub oid: Oid,
    pub name: &'static str,
    /// How values look in memory and on pages.
    pub phys: Phys,
    /// `typlen`: −1 variable, −2 C string, else bytes (PostgreSQL's, shown to clients; ours may differ on pages).
    pub len: i16,
    pub byval: bool,
    /// `typtype`: b(ase), c(omposite), d(omain), e(num), m(ultirange), p(seudo), r(ange).
    pub kind: u8,
    pub category: u8,
    pub preferred: bool,
    pub delim: u8,
    /// The element type of arrays, and of `name`, `point` and others that can be subscripted; else 0.
    pub element: Oid,
    /// The type of arrays of this type, or 0.
    pub array: Oid,
    pub input: Oid,
    pub output: Oid,
    pub receive: Oid,
    pub send: Oid,
    pub modin: Oid,
    pub modout: Oid,
    pub subscript: Oid,
    pub align: u8,
    pub storage: u8,
    pub collation: Oid,
    /// The type a domain is made over, or 0.
    pub base: Oid,
    pub base_typmod: i32,
    /// The relation a composite type is the row of, or 0.
    pub relation: Oid,
    pub namespace: Oid,
    /// What an extension's base type is made of.
    pub code: Option<&'static TypeCode>,
}

pub(super) const fn t(
    oid: u32,
    name: &'static str,
    phys: Phys,
    len: i16,
    byval: bool,
    kind: u8,
    category: u8,
    preferred: bool,
    delim: u8,
    element: u32,
    array: u32,
    procs: [u32; 7],
    align: u8,
    storage: u8,
    collation: u32,
) -> TypeInfo {
    TypeInfo {
        oid: Oid(oid),
        name,
        phys,
        len,
        byval,
        kind,
        category,
        preferred,
        delim,
        element: Oid(element),
        array: Oid(array),
        input: Oid(procs[0]),
        output: Oid(procs[1]),
        receive: Oid(procs[2]),
        send: Oid(procs[3]),
        modin: Oid(procs[4]),
        modout: Oid(procs[5]),
        subscript: Oid(procs[6]),
        align,
        storage,
        collation: Oid(collation),
        base: Oid::INVALID,
        base_typmod: -1,
        relation: Oid::INVALID,
        namespace: Oid(11),
        code: None,
    }
}

impl TypeInfo {
    /// A true array type (`int4[]`, `oidvector`), whose values are in the encoding of [`super::array`].
    pub fn is_array(&self) -> bool {
        self.element.is_valid() && self.phys == Phys::Bytes && self.len == -1 && matches!(self.kind, b'b' | b'p')
    }

    pub fn is_pseudo(&self) -> bool {
        self.kind == b'p'
    }
}

/// One more than the greatest object id in [`TYPES`]; those are found by index.
const DENSE: usize = 6200;

struct Index {
    by_oid: Vec<u16>,
    by_name: HashMap<&'static str, &'static TypeInfo>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut by_oid = vec![0; DENSE];
    let mut by_name = HashMap::with_capacity(TYPES.len());
    for (i, t) in TYPES.iter().enumerate() {
        by_oid[t.oid.0 as usize] = i as u16 + 1;
        by_name.insert(t.name, t);
    }
    Index { by_oid, by_name }
});

/// Types made by users, and the row types of system relations, by object id. Entries are never freed: they are few and referred to from everywhere.
static USER: LazyLock<RwLock<HashMap<Oid, &'static TypeInfo>>> = LazyLock::new(Default::default);

/// The type, built-in or [registered](register).
pub fn info(oid: Oid) -> Option<&'static TypeInfo> {
    if (oid.0 as usize) < DENSE
        && let Some(n) = INDEX.by_oid[oid.0 as usize].checked_sub(1)
    {
        return Some(&TYPES[n as usize]);
    }
    USER.read().get(&oid).copied()
}

/// All built-in types, in the order of their object ids.
pub fn builtin_types() -> &'static [TypeInfo] {
    TYPES
}

/// A built-in type by its name in `pg_type` (`int4`, `_int4`).
pub fn builtin_by_name(name: &str) -> Option<&'static TypeInfo> {
    INDEX.by_name.get(name).copied()
}

/// Whether there has been a domain with a collation of its own.
static COLLATED_DOMAINS: AtomicBool = AtomicBool::new(false);

pub fn has_collated_domains() -> bool {
    COLLATED_DOMAINS.load(Ordering::Relaxed)
}

/// Makes a type that lives in the catalogs known; a later call for the same object id replaces the entry.
/// The catalog calls this whenever it reads or makes a row of `pg_type`.
pub fn register(info: TypeInfo) {
    if info.kind == b'd' && !matches!(info.collation.0, 0 | 100 | 950) {
        COLLATED_DOMAINS.store(true, Ordering::Relaxed);
    }
    let mut user = USER.write();
    if let Some(old) = user.get(&info.oid)
        && format!("{old:?}") == format!("{info:?}")
    {
        return;
    }
    user.insert(info.oid, Box::leak(Box::new(info)));
}

/// A user's type with the usual properties; the caller changes what differs before [`register`].
pub fn user_type(oid: Oid, name: &str, kind: u8, phys: Phys) -> TypeInfo {
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let mut info = t(
        oid.0,
        name,
        phys,
        phys.width().map_or(-1, |w| w as i16),
        phys != Phys::Bytes,
        kind,
        b'U',
        false,
        b',',
        0,
        0,
        [0; 7],
        b'i',
        b'x',
        0,
    );
    info.category = match kind {
        b'c' => b'C',
        b'e' => b'E',
        b'r' | b'm' => b'R',
        _ => b'U',
    };
    if phys != Phys::Bytes {
        info.storage = b'p';
    }
    if kind == b'c' {
        info.align = b'd';
    }
    info
}

/// The type a domain stands for, through any number of domains; any other type is its own base.
pub fn base_type(oid: Oid) -> Oid {
    let mut oid = oid;
    // A domain is made over an existing type, so the chain is finite; the bound guards against a damaged catalog.
    for _ in 0..64 {
        match info(oid) {
            Some(i) if i.kind == b'd' => oid = i.base,
            _ => break,
        }
    }
    oid
}

/// As [`base_type`], with the modifier the innermost domain gives it.
pub fn domain_base(typ: TypeRef) -> TypeRef {
    let mut typ = typ;
    for _ in 0..64 {
        match info(typ.oid) {
            Some(i) if i.kind == b'd' => typ = TypeRef::with(i.base, i.base_typmod),
            _ => break,
        }
    }
    typ
}

/// The physical form of a type's values; `Bytes` for an unknown type.
pub fn phys(oid: Oid) -> Phys {
    info(oid).map_or(Phys::Bytes, |i| i.phys)
}

/// The element type if `oid` is a true array type.
pub fn element_type(oid: Oid) -> Option<Oid> {
    info(base_type(oid)).filter(|i| i.is_array()).map(|i| i.element)
}

/// The type of arrays of `oid`.
pub fn array_type(oid: Oid) -> Option<Oid> {
    info(oid).map(|i| i.array).filter(|a| a.is_valid())
}

/// The type of an array made of values of `oid`, arrays themselves or not. PostgreSQL 15, lsyscache.c,
/// get_promoted_array_type: what has arrays of its own, as int2vector has, is an element like any other.
pub fn promoted_array_type(oid: Oid) -> Option<Oid> {
    array_type(oid).or_else(|| element_type(oid).map(|_| oid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    #[test]
    fn built_in_types_are_found_by_oid_and_name() {
        assert_eq!(info(oid::INT4).map(|i| (i.name, i.phys)), Some(("int4", Phys::I32)));
        assert_eq!(element_type(oid::INT4_ARRAY), Some(oid::INT4));
        assert_eq!(element_type(oid::NAME), None);
        assert_eq!(builtin_by_name("_text").map(|i| i.oid), Some(oid::TEXT_ARRAY));
        assert_eq!(info(Oid(99_999_999)).map(|i| i.oid), None);
    }
}
