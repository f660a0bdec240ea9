//! Facts of users' operators and casts, kept for the life of the process like those of users' functions, so that a plan
//! can hold them as it holds those of built-in ones.

use super::{CastDef, FuncDef, OperDef};
use crate::base::Oid;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::LazyLock;

/// An operator's OID, argument types, result and function.
type OperatorKey = (Oid, Oid, Oid, Oid, Oid, String);
/// A cast's OID, types, function, context and method.
type CastKey = (Oid, Oid, Oid, Oid, u8, u8);

static OPERATORS: LazyLock<Mutex<HashMap<OperatorKey, &'static OperDef>>> = LazyLock::new(Mutex::default);
static CASTS: LazyLock<Mutex<HashMap<CastKey, &'static CastDef>>> = LazyLock::new(Mutex::default);

/// An operator of a user. Its relatives and its selectivity are left out: the planner takes it for a function.
pub fn operator(oid: Oid, name: &str, [left, right, result]: [Oid; 3], func: Oid) -> &'static OperDef {
    let mut known = OPERATORS.lock();
    known.entry((oid, left, right, result, func, name.to_owned())).or_insert_with(|| {
        Box::leak(Box::new(OperDef {
            oid,
            name: Box::leak(name.to_owned().into_boxed_str()),
            left,
            right,
            result,
            func,
            commutator: Oid::INVALID,
            negator: Oid::INVALID,
            can_merge: false,
            can_hash: false,
            rest: Oid::INVALID,
            join: Oid::INVALID,
        }))
    })
}

/// Operators of types whose order is code of the program, and the functions behind them: the planner takes them as it takes
/// built-in ones.
static CODED: LazyLock<RwLock<HashMap<Oid, (&'static OperDef, &'static FuncDef)>>> = LazyLock::new(RwLock::default);

/// Makes an operator known whose function is code of an extension, over a type of the same extension.
pub fn note_coded(oper: OperDef, func: &'static FuncDef) {
    let known = |o: &OperDef| (o.commutator, o.negator, o.func) == (oper.commutator, oper.negator, oper.func);
    if CODED.read().get(&oper.oid).is_some_and(|(o, _)| known(o)) {
        return;
    }
    CODED.write().insert(oper.oid, (Box::leak(Box::new(oper)), func));
}

pub(super) fn coded(oid: Oid) -> Option<&'static OperDef> {
    CODED.read().get(&oid).map(|c| c.0)
}

/// The function behind an operator, built in or coded.
pub fn function_of(oper: &OperDef) -> Option<&'static FuncDef> {
    super::func(oper.func).or_else(|| CODED.read().get(&oper.oid).map(|c| c.1))
}

/// The operator of a coded type's default order.
pub fn sort_operator(name: &str, ty: Oid) -> Option<&'static OperDef> {
    crate::types::info(ty)?.code?.key?;
    // Types whose operators of these names mean something else write them between `#`.
    let named =
        |o: &OperDef| o.name == name || o.name.strip_prefix('#').and_then(|n| n.strip_suffix('#')) == Some(name);
    let fits = |o: &OperDef| named(o) && o.left == ty && o.right == ty;
    CODED.read().values().map(|c| c.0).find(|o| fits(o))
}

/// The name of an operator of any kind, for expressions as text.
pub fn operator_name(oid: Oid) -> Option<&'static str> {
    let own = || OPERATORS.lock().values().find(|o| o.oid == oid).map(|o| o.name);
    super::oper(oid).map(|o| o.name).or_else(own)
}

/// A cast of a user.
pub fn cast(def: CastDef) -> &'static CastDef {
    let key = (def.oid, def.source, def.target, def.func, def.context as u8, def.method as u8);
    let mut known = CASTS.lock();
    known.entry(key).or_insert_with(|| Box::leak(Box::new(def)))
}
