//! Access rights as objects store them: items `grantee=rights/grantor`, roles as `#` and their OID, so that a role can
//! get another name. An empty grantee is everybody.
//!
//! Items written before had names in place of OIDs; they are understood for as long as the names hold.

use super::Catalog;
use crate::base::Oid;

/// How an item names a role.
pub fn role_mark(role: Oid) -> String {
    format!("#{role}")
}

/// Grantee, rights and grantor.
pub fn split(item: &str) -> (&str, &str, &str) {
    let at = match item.starts_with('"') {
        true => item[1..].find("\"=").map_or(0, |n| n + 2),
        false => item.find('=').unwrap_or(0),
    };
    let (grantee, rest) = item.split_at(at);
    let rest = rest.get(1..).unwrap_or_default();
    let (rights, grantor) = rest.split_once('/').unwrap_or((rest, ""));
    (grantee, rights, grantor)
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_string(),
    }
}

/// A role's name as items have it: quoted by rules of their own (PostgreSQL 15, acl.c, putid).
pub fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The role an item names by its OID.
pub fn role_of(mark: &str) -> Option<Oid> {
    mark.strip_prefix('#')?.parse().ok().map(Oid)
}

/// Whether a grantee or a grantor is this role.
pub fn is_role(mark: &str, role: Oid, name: &str) -> bool {
    match role_of(mark) {
        Some(oid) => oid == role,
        None => !mark.is_empty() && unquoted(mark) == name,
    }
}

/// Whether items speak of a role at all.
pub fn mentions(items: &[String], role: Oid, name: &str) -> bool {
    items
        .iter()
        .map(|i| split(i))
        .any(|(grantee, _, grantor)| is_role(grantee, role, name) || is_role(grantor, role, name))
}

/// Items as they are stored now.
pub fn stored(catalog: &Catalog, items: &[String]) -> Vec<String> {
    let mark = |who: &str| match (who, role_of(who)) {
        ("", _) | (_, Some(_)) => who.to_string(),
        _ => catalog.role_by_name(&unquoted(who)).map_or_else(|| who.to_string(), |r| role_mark(r.oid)),
    };
    items
        .iter()
        .map(|item| {
            let (grantee, rights, grantor) = split(item);
            format!("{}={rights}/{}", mark(grantee), mark(grantor))
        })
        .collect()
}

/// Items as the catalogs show them, with the roles' names; a role that is gone is its number.
pub fn shown(catalog: &Catalog, items: Option<&[String]>) -> Option<Vec<String>> {
    let name = |who: &str| match role_of(who) {
        Some(oid) => catalog.role(oid).map_or_else(|| oid.to_string(), |r| quoted(&r.name)),
        None => who.to_string(),
    };
    let show = |item: &String| {
        let (grantee, rights, grantor) = split(item);
        format!("{}={rights}/{}", name(grantee), name(grantor))
    };
    items.map(|items| items.iter().map(show).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items come apart whatever stands in names; marks are told from names.
    #[test]
    fn items_come_apart() {
        assert_eq!(split("#16384=ar*w/#10"), ("#16384", "ar*w", "#10"));
        assert_eq!(split("=r/postgres"), ("", "r", "postgres"));
        assert_eq!(split("\"a=\"\"b\"=x/joe"), ("\"a=\"\"b\"", "x", "joe"));
        assert!(is_role("#16384", Oid(16384), "x") && !is_role("\"#16384\"", Oid(16384), "x"));
        assert!(is_role("\"a \"\"b\"", Oid(1), "a \"b") && !is_role("", Oid(1), ""));
        assert!(mentions(&["=r/#7".to_string()], Oid(7), "seven") && !mentions(&["=r/#7".to_string()], Oid(8), "x"));
    }
}
