//! From the catalogs' operators and casts to what the binder knows.

use crate::base::Oid;
use crate::catalog::object::class;
use crate::catalog::{Cast, Catalog, Object, ObjectKey, Operator};
use crate::sql::bind::UserCode;
use crate::sql::func::{CastContext, CastDef, CastMethod, FuncDef, OperDef, user};
use crate::types;
use smallvec::SmallVec;
use std::sync::Arc;

/// None: users have made nothing.
pub fn of(catalog: &Catalog, path: SmallVec<[Oid; 6]>) -> Option<Arc<UserCode>> {
    let found = catalog.remembered(&path, || collect(catalog, &path).map(Arc::new));
    found.as_ref().clone()
}

fn collect(catalog: &Catalog, path: &[Oid]) -> Option<UserCode> {
    let (operators, casts) = (catalog.all(class::OPERATOR), catalog.all(class::CAST));
    if operators.is_empty() && casts.is_empty() {
        return None;
    }
    let mut code = UserCode::default();
    let mut behind = Vec::new();
    for record in &operators {
        let Object::Operator(o) = &record.object else { continue };
        let schema = match catalog.temp_schema() == Some(o.namespace) {
            true => "pg_temp".into(),
            false => catalog.namespace(o.namespace).map(|n| n.name).unwrap_or_default(),
        };
        let def = user::operator(o.oid, &o.name, [o.left, o.right, o.result], o.function);
        code.operators.push((schema, path.contains(&o.namespace), def));
        note_coded(catalog, o);
        behind.push(o.function);
    }
    for record in &casts {
        let Object::Cast(c) = &record.object else { continue };
        code.casts.insert((c.source, c.target), user::cast(facts(c)));
        behind.push(c.function);
    }
    for oid in behind {
        if let Some(def) = function(catalog, oid) {
            code.functions.insert(oid, def);
        }
    }
    Some(code)
}

/// Operators by which an extension's type is ordered can be trusted as built-in ones are.
fn note_coded(catalog: &Catalog, o: &Operator) {
    let is_coded = |t: Oid| types::info(t).is_some_and(|i| i.code.is_some());
    let Some(f) = function(catalog, o.function).filter(|f| f.fact.language() == b'c') else { return };
    let (coded, compares) = (is_coded(o.left), matches!(o.name.as_str(), "=" | "<>" | "<" | "<=" | ">" | ">="));
    // Other types have orders that are not the operator's.
    if compares && !coded {
        return;
    }
    let ordered = coded && o.left == o.right;
    let (can_merge, can_hash) = (o.merges && ordered, o.hashes && ordered);
    let plain = user::operator(o.oid, &o.name, [o.left, o.right, o.result], o.function);
    let facts = OperDef {
        commutator: o.commutator,
        negator: o.negator,
        can_merge,
        can_hash,
        rest: o.restrict,
        join: o.join,
        ..*plain
    };
    user::note_coded(facts, f);
}

fn function(catalog: &Catalog, oid: Oid) -> Option<&'static FuncDef> {
    let record = catalog.get(ObjectKey::new(class::PROC, oid))?;
    Some(crate::sql::routine::def(record.object.as_function().ok()?))
}

fn facts(c: &Cast) -> CastDef {
    CastDef {
        oid: c.oid,
        source: c.source,
        target: c.target,
        func: c.function,
        context: match c.context {
            'i' => CastContext::Implicit,
            'a' => CastContext::Assignment,
            _ => CastContext::Explicit,
        },
        method: match c.method {
            'f' => CastMethod::Function,
            'i' => CastMethod::InOut,
            _ => CastMethod::Binary,
        },
    }
}
