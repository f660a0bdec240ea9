//! Routines as messages name them.

use crate::base::{Oid, Result};
use crate::catalog::Catalog;
use crate::catalog::object::Function;
use crate::sql::exec::ExecContext;
use crate::types::context::TypeHooks;
use crate::types::name::quote_identifier;

/// `f(integer,text)`, qualified unless the search path finds it. PostgreSQL 15, regproc.c, format_procedure.
pub fn signature(cx: &mut ExecContext, f: &Function) -> Result<String> {
    let catalog = cx.backend()?.catalog.clone();
    Ok(procedure(&catalog, &*cx.fx.io.hooks, f))
}

/// As [`signature`].
pub fn procedure(catalog: &Catalog, hooks: &dyn TypeHooks, f: &Function) -> String {
    let types: Vec<String> = f.inputs().iter().map(|t| crate::types::format_type_plain(*t, hooks)).collect();
    format!("{}({})", name(catalog, f.namespace, &f.name), types.join(","))
}

fn name(catalog: &Catalog, namespace: Oid, name: &str) -> String {
    let visible = catalog.effective_path().contains(&namespace);
    match catalog.namespace(namespace) {
        Some(n) if !visible => format!("{}.{}", quote_identifier(&n.name), quote_identifier(name)),
        _ => quote_identifier(name),
    }
}

/// `f(integer, text)`, as error messages list the types of a call.
pub fn listed(hooks: &dyn TypeHooks, name: &str, types: &[Oid]) -> String {
    let types: Vec<String> = types.iter().map(|t| crate::types::format_type_plain(*t, hooks)).collect();
    format!("{name}({})", types.join(", "))
}

pub fn kind_word(f: &Function) -> &'static str {
    match f.kind {
        'p' => "procedure",
        'a' => "aggregate",
        'w' => "window function",
        _ => "function",
    }
}
