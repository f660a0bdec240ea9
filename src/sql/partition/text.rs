//! Keys and bounds as SQL (`pg_get_partkeydef`, `pg_get_expr(relpartbound)`).

use crate::catalog::{Attribute, Bound, Edge, PartitionKey};
use crate::sql::bind::{Label, shown_constant};
use crate::types::name::quote_identifier;
use crate::types::{IoContext, TypeRef, Value};

/// `RANGE (a, lower(b))`. `shown`: an expression as it stands in a list.
pub fn key(key: &PartitionKey, attributes: &[Attribute], shown: &dyn Fn(&str) -> String) -> String {
    format!("{} ({})", key.strategy.word(), columns(key, attributes, shown).join(", "))
}

/// The key's columns as they were defined.
fn columns(key: &PartitionKey, attributes: &[Attribute], shown: &dyn Fn(&str) -> String) -> Vec<String> {
    let one = |c: &crate::catalog::KeyColumn| {
        let mut text = match &c.expr {
            Some(e) => shown(e),
            None => attributes.get(c.attno as usize - 1).map(|a| quote_identifier(&a.name)).unwrap_or_default(),
        };
        if let Some(collation) = &c.collation {
            text += &format!(" COLLATE {collation}");
        }
        if let Some(class) = &c.opclass {
            text += &format!(" {class}");
        }
        text
    };
    key.columns.iter().map(one).collect()
}

/// The key's columns as errors name them: `(a, lower(b))`.
pub fn column_list(key: &PartitionKey, attributes: &[Attribute]) -> String {
    let one = |c: &crate::catalog::KeyColumn| match &c.expr {
        Some(e) => e.to_string(),
        None => attributes.get(c.attno as usize - 1).map(|a| quote_identifier(&a.name)).unwrap_or_default(),
    };
    format!("({})", key.columns.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `FOR VALUES …` or `DEFAULT`.
pub fn bound(key: &PartitionKey, bound: &Bound, io: &IoContext) -> String {
    match bound {
        Bound::Default => "DEFAULT".into(),
        Bound::List(values) => {
            let ty = key.columns[0].ty;
            let shown: Vec<String> = values.iter().map(|v| literal(ty, v, io)).collect();
            format!("FOR VALUES IN ({})", shown.join(", "))
        }
        Bound::Range { from, to } => {
            format!("FOR VALUES FROM {} TO {}", edges(key, from, io), edges(key, to, io))
        }
        Bound::Hash { modulus, remainder } => {
            format!("FOR VALUES WITH (modulus {modulus}, remainder {remainder})")
        }
    }
}

/// `(1, MINVALUE)`.
pub fn edges(key: &PartitionKey, edges: &[Edge], io: &IoContext) -> String {
    let one = |(edge, column): (&Edge, &crate::catalog::KeyColumn)| match edge {
        Edge::Min => "MINVALUE".to_string(),
        Edge::Max => "MAXVALUE".to_string(),
        Edge::Value(v) => literal(column.ty, v, io),
    };
    format!("({})", edges.iter().zip(&key.columns).map(one).collect::<Vec<_>>().join(", "))
}

/// A constant without its type.
fn literal(ty: TypeRef, value: &Value, io: &IoContext) -> String {
    shown_constant(value, ty, Label::Never, io).unwrap_or_else(|| "?".into())
}
