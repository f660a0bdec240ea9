//! Keys and bounds as SQL (`pg_get_partkeydef`, `pg_get_expr(relpartbound)`).

use crate::catalog::{Attribute, Bound, Edge, PartitionKey};
use crate::types::name::quote_identifier;
use crate::types::{IoContext, TypeRef, Value, oid};

/// `RANGE (a, lower(b))`.
pub fn key(key: &PartitionKey, attributes: &[Attribute], call: &dyn Fn(&str) -> bool) -> String {
    format!("{} ({})", key.strategy.word(), columns(key, attributes, call).join(", "))
}

/// The key's columns as they were defined.
fn columns(key: &PartitionKey, attributes: &[Attribute], call: &dyn Fn(&str) -> bool) -> Vec<String> {
    let one = |c: &crate::catalog::KeyColumn| {
        let mut text = match &c.expr {
            Some(e) if call(e) => e.to_string(),
            Some(e) => format!("({e})"),
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

/// A constant without its type (ruleutils.c, get_const_expr with showtype −1).
fn literal(ty: TypeRef, value: &Value, io: &IoContext) -> String {
    if value.is_null() {
        return "NULL".into();
    }
    let mut out = Vec::new();
    if crate::types::text_out(ty, value.datum(), &mut out, io).is_err() {
        return "?".into();
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    match crate::types::base_type(ty.oid) {
        oid::INT4 if !text.starts_with('-') => text,
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC => {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-eE.".contains(&b));
            let signed = text.starts_with('-');
            let wordy = !plain;
            let bare = ty.oid != oid::INT8 || text.parse::<i64>().is_ok();
            match !wordy && !signed && bare {
                true => text,
                false => format!("'{text}'"),
            }
        }
        oid::BOOL => if text == "t" { "true" } else { "false" }.into(),
        oid::BIT | oid::VARBIT => format!("B'{text}'"),
        _ => quoted(&text),
    }
}

fn quoted(text: &str) -> String {
    let mark = if text.contains('\\') { "E" } else { "" };
    format!("{mark}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
