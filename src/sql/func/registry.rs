//! Look-ups over the generated tables, joined with the implementations.

use super::casts::CASTS;
use super::opers::OPERS;
use super::procs::PROCS;
use super::{CastDef, Collated, FuncDef, FuncImpl, OperDef};
use crate::base::Oid;
use std::collections::HashMap;
use std::sync::LazyLock;

struct Registry {
    funcs: &'static [FuncDef],
    func_by_oid: HashMap<Oid, &'static FuncDef>,
    func_by_name: HashMap<&'static str, Vec<&'static FuncDef>>,
    oper_by_oid: HashMap<Oid, &'static OperDef>,
    oper_by_name: HashMap<&'static str, Vec<&'static OperDef>>,
    oper_by_types: HashMap<(&'static str, Oid, Oid), &'static OperDef>,
    cast_by_types: HashMap<(Oid, Oid), &'static CastDef>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(build);

fn build() -> Registry {
    let imps: HashMap<&str, FuncImpl> = super::implementations();
    let inout = super::inout::table();
    let funcs: Vec<FuncDef> = PROCS
        .iter()
        .map(|p| FuncDef {
            oid: p.oid,
            name: p.name,
            args: p.args,
            variadic: p.variadic,
            ret: p.ret,
            retset: p.retset(),
            strict: p.strict(),
            volatility: p.volatility(),
            kind: p.kind(),
            imp: match imps.get(p.src) {
                _ if p.kind() != b'f' || p.retset() => FuncImpl::Elsewhere,
                Some(imp) => *imp,
                None => inout.get(&p.oid).copied().unwrap_or(FuncImpl::System),
            },
            collated: Collated::of(p.src),
            aggregate: None,
            fact: p,
        })
        .collect();
    let funcs: &'static [FuncDef] = Box::leak(funcs.into_boxed_slice());
    Registry {
        funcs,
        func_by_oid: funcs.iter().map(|f| (f.oid, f)).collect(),
        func_by_name: group(funcs.iter().map(|f| (f.name, f))),
        oper_by_oid: OPERS.iter().map(|o| (o.oid, o)).collect(),
        oper_by_name: group(OPERS.iter().map(|o| (o.name, o))),
        oper_by_types: OPERS.iter().map(|o| ((o.name, o.left, o.right), o)).collect(),
        cast_by_types: CASTS.iter().map(|c| ((c.source, c.target), c)).collect(),
    }
}

fn group<T>(items: impl Iterator<Item = (&'static str, T)>) -> HashMap<&'static str, Vec<T>> {
    let mut out: HashMap<&'static str, Vec<T>> = HashMap::new();
    for (name, item) in items {
        out.entry(name).or_default().push(item);
    }
    out
}

/// The code of a function of this name ([`ProcFact::src`](super::ProcFact::src)), for functions of language internal.
pub fn implementation(src: &str) -> Option<FuncImpl> {
    REGISTRY.funcs.iter().find(|f| f.fact.src == src).map(|f| f.imp)
}

/// A function of any kind by its object id.
pub fn func(oid: Oid) -> Option<&'static FuncDef> {
    REGISTRY.func_by_oid.get(&oid).copied()
}

/// All functions of this name: the candidates of an overload resolution.
pub fn funcs_named(name: &str) -> &'static [&'static FuncDef] {
    REGISTRY.func_by_name.get(name).map_or(&[], Vec::as_slice)
}

/// The functions of this name in one of the schemas that have built-in ones.
pub fn funcs_in(namespace: Oid, name: &str) -> impl Iterator<Item = &'static FuncDef> {
    funcs_named(name).iter().copied().filter(move |f| f.fact.namespace == namespace)
}

/// All functions in the order of their object ids.
pub fn funcs() -> &'static [FuncDef] {
    REGISTRY.funcs
}

/// True if the function has code here (aggregates and the like: not known here, false).
pub fn is_implemented(oid: Oid) -> bool {
    func(oid).is_some_and(|f| matches!(f.imp, FuncImpl::Scalar(_) | FuncImpl::Vector(_)))
}

/// An operator the planner knows: built in, or of an extension's type.
pub fn oper(oid: Oid) -> Option<&'static OperDef> {
    if oid >= Oid::FIRST_NORMAL { super::user::coded(oid) } else { REGISTRY.oper_by_oid.get(&oid).copied() }
}

/// All operators of this name: the candidates of an overload resolution.
pub fn opers_named(name: &str) -> &'static [&'static OperDef] {
    REGISTRY.oper_by_name.get(name).map_or(&[], Vec::as_slice)
}

/// The operator with exactly these argument types; `left` 0 for a prefix operator.
pub fn type_operator(name: &str, left: Oid, right: Oid) -> Option<&'static OperDef> {
    REGISTRY.oper_by_types.get(&(name, left, right)).copied()
}

/// All operators in the order of their object ids.
pub fn opers() -> &'static [OperDef] {
    OPERS
}

/// The cast from one type to another, or, for equal types, the one that applies a typmod.
pub fn cast(source: Oid, target: Oid) -> Option<&'static CastDef> {
    REGISTRY.cast_by_types.get(&(source, target)).copied()
}

/// All casts.
pub fn casts() -> &'static [CastDef] {
    CASTS
}

/// Functions that need the types of their call, though no argument is polymorphic: send functions know their type by it,
/// constructors what to make, hash functions which rule.
pub fn wants_types(def: &FuncDef) -> bool {
    def.fact.src.ends_with("send")
        || def.fact.src.contains("range_constructor")
        || def.fact.src.contains("hash")
        || matches!(def.fact.src, "satisfies_hash_partition" | "as_parent")
}
