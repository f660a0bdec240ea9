//! A user's function as the binder and the evaluator know functions: a [`FuncDef`].
//!
//! The facts of a function (its signature, not its body) are interned for the life of the process, so that a plan can
//! hold them as it holds those of built-in functions. Replacing a function with the same signature adds nothing.

use crate::base::Oid;
use crate::catalog::object::{AggregateDef, Function};
use crate::sql::func::{AggregateFact, Collated, FuncDef, FuncImpl, ProcFact};
use crate::types;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::LazyLock;

static KNOWN: LazyLock<Mutex<HashMap<String, &'static FuncDef>>> = LazyLock::new(Mutex::default);

/// The facts of a user's function.
pub fn def(f: &Function) -> &'static FuncDef {
    let key = key(f);
    let mut known = KNOWN.lock();
    if let Some(found) = known.get(&key) {
        return found;
    }
    let made: &'static FuncDef = Box::leak(Box::new(make(f)));
    known.insert(key, made);
    made
}

fn key(f: &Function) -> String {
    format!(
        "{} {} {} {} {:?} {:?} {:?} {:?} {} {} {} {} {} {} {} {} {} {:?}",
        f.oid.0,
        f.name,
        f.language,
        f.kind,
        f.arg_types,
        f.arg_names,
        f.arg_modes,
        f.arg_defaults,
        f.result.oid.0,
        f.returns_set,
        f.strict,
        f.volatility,
        f.leakproof,
        f.parallel,
        f.cost,
        f.rows,
        symbol(f).map_or(String::new(), |s| s.0),
        f.aggregate.as_ref().map(aggregate_fact)
    )
}

fn aggregate_fact(a: &AggregateDef) -> AggregateFact {
    AggregateFact { same_as: a.same_as, sort_operator: a.sort_operator }
}

/// What is behind a function that has code here and no body: its name and the code.
fn symbol(f: &Function) -> Option<(String, FuncImpl)> {
    let (src, imp) = match f.language.as_str() {
        "c" => crate::sql::extension::symbol(f.library.as_deref().unwrap_or_default(), &f.body),
        "internal" if f.kind == 'f' => (f.body.to_string(), crate::sql::func::implementation(&f.body)),
        _ => return None,
    };
    // Code that is not there (any more) says so when it is called.
    Some((src, imp.unwrap_or(if f.returns_set { FuncImpl::Elsewhere } else { FuncImpl::System })))
}

fn leak<T>(list: Vec<T>) -> &'static [T] {
    Box::leak(list.into_boxed_slice())
}

fn text(s: &str) -> &'static str {
    Box::leak(s.to_owned().into_boxed_str())
}

fn make(f: &Function) -> FuncDef {
    // A procedure is called with its OUT arguments, too.
    let inputs = if f.is_procedure() { f.arg_types.clone() } else { f.inputs() };
    let is_variadic = f.arg_modes.last() == Some(&'v') || f.arg_modes.contains(&'v');
    let variadic = match (is_variadic, inputs.last()) {
        (true, Some(&types::oid::ANY)) => types::oid::ANY,
        (true, Some(&types::oid::ANYARRAY)) => types::oid::ANYELEMENT,
        (true, Some(&types::oid::ANYCOMPATIBLEARRAY)) => types::oid::ANYCOMPATIBLE,
        (true, Some(array)) => types::element_type(*array).unwrap_or(Oid::INVALID),
        _ => Oid::INVALID,
    };
    let defaults: Vec<&str> = f.arg_defaults.iter().flatten().map(|d| &**d).collect();
    let flags = format!(
        "{}{}{}{}{}{}{}",
        f.kind,
        if f.returns_set { 's' } else { '-' },
        if f.strict { 't' } else { '-' },
        f.volatility,
        f.parallel,
        if f.leakproof { 'l' } else { '-' },
        match f.language.as_str() {
            "sql" => 'q',
            "c" => 'c',
            "internal" => 'i',
            _ => '-',
        }
    );
    let (src, imp) = symbol(f).unwrap_or_else(|| (String::new(), FuncImpl::Routine));
    let modes: String = f.arg_modes.iter().collect();
    let names = f.arg_names.iter().any(|n| !n.is_empty());
    let fact = ProcFact {
        oid: f.oid,
        namespace: f.namespace,
        name: text(&f.name),
        args: leak(inputs),
        ret: f.result.oid,
        flags: text(&flags),
        src: text(&src),
        variadic,
        all_args: if modes.is_empty() { &[] } else { leak(f.arg_types.clone()) },
        modes: text(&modes),
        names: if names { leak(f.arg_names.iter().map(|n| text(n)).collect()) } else { &[] },
        defaults: defaults.len() as u8,
        default_text: text(&defaults.join(", ")),
        rows: f.rows,
        cost: f.cost,
    };
    let fact: &'static ProcFact = Box::leak(Box::new(fact));
    FuncDef {
        oid: f.oid,
        name: fact.name,
        args: fact.args,
        variadic,
        ret: fact.ret,
        retset: f.returns_set,
        strict: f.strict,
        volatility: f.volatility as u8,
        kind: f.kind as u8,
        imp,
        aggregate: f.aggregate.as_ref().map(aggregate_fact),
        collated: (f.language == "internal").then(|| Collated::of(&f.body)).flatten(),
        fact,
    }
}
