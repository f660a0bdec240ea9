//! Names of types and routines that do not depend on the search path.

use crate::base::Oid;
use crate::catalog::Catalog;
use crate::sql::names::reg_out;
use crate::types::name::quote_identifier;
use crate::types::{self, oid};

fn in_schema(catalog: &Catalog, namespace: Oid, name: &str) -> String {
    let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    format!("{}.{}", quote_identifier(&schema), quote_identifier(name))
}

/// The schema and the name of a type.
pub(super) fn place(catalog: &Catalog, ty: Oid) -> Option<(Oid, String)> {
    if let Some(t) = catalog.user_type(ty) {
        return Some((t.namespace, if t.array_oid == ty { format!("_{}", t.name) } else { t.name }));
    }
    if let Some(known) = types::info(ty) {
        return Some((known.namespace, known.name.to_string()));
    }
    let class = catalog.class_of_row_type(ty)?;
    let record = catalog.class(class)?;
    let c = record.object.as_class().ok()?;
    Some((c.namespace, if c.row_array_type == ty { format!("_{}", c.name) } else { c.name.clone() }))
}

/// A type with its schema, but for those that SQL has words for. PostgreSQL 15, format_type.c, format_type_be_qualified.
pub(super) fn qualified(catalog: &Catalog, ty: Oid) -> String {
    if let Some(element) = types::element_type(ty).filter(|_| types::info(ty).is_none_or(|i| i.is_array())) {
        return format!("{}[]", qualified(catalog, element));
    }
    let Some((namespace, name)) = place(catalog, ty) else { return "???".to_string() };
    let shown = shown(catalog, ty);
    let own = quote_identifier(&name);
    if namespace == crate::catalog::object::fixed::PG_CATALOG && shown != own && !shown.ends_with(&format!(".{own}")) {
        return shown;
    }
    in_schema(catalog, namespace, &name)
}

/// A type as the search path lets it be written.
pub(super) fn shown(catalog: &Catalog, ty: Oid) -> String {
    reg_out(catalog, oid::REGTYPE, ty).unwrap_or_else(|| "???".to_string())
}
