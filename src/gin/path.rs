//! What a document must have for a jsonpath to find something in it, or to be true of it. PostgreSQL 15, jsonb_gin.c,
//! extract_jsp_query: same idea. What is not understood asks for nothing.

use super::extract;
use super::{Class, Need};
use crate::base::Result;
use crate::types::jsonb::{Jsonb, Tree};
use crate::types::jsonpath::{Binary, Item, Kind, Path};

/// A place in the document, as far as it is known.
#[derive(Clone, Copy)]
enum At {
    /// With the code of the keys that lead to it.
    Path(u64),
    /// Somewhere in the document.
    Somewhere,
    /// It may be made up by the path itself.
    Unknown,
}

struct Extractor {
    column: u8,
    class: Class,
}

/// The path finds something.
pub fn finds(column: u8, class: Class, path: &Path) -> Result<Need> {
    let (found, at) = Extractor { column, class }.chain(&path.root, At::Unknown)?;
    Ok(match at {
        Some(_) => found,
        None => Need::Everything,
    })
}

/// The path's one item is true.
pub fn is_true(column: u8, class: Class, path: &Path) -> Result<Need> {
    Extractor { column, class }.holds(&path.root, At::Unknown)
}

impl Extractor {
    /// What it takes for a chain of accessors to find something, and where that lies; no place: it is no such chain.
    fn chain(&self, item: &Item, current: At) -> Result<(Need, Option<At>)> {
        let mut at = match item.kind {
            Kind::Root => At::Path(extract::PATH_START),
            Kind::Current => current,
            _ => return Ok((Need::Everything, None)),
        };
        let mut needs = Vec::new();
        for step in &item.next {
            match (step, at) {
                (Kind::Key(_), At::Unknown) => {}
                (Kind::Key(key), _) => {
                    if self.class == Class::Jsonb {
                        needs.push(Need::Key(extract::json_key(self.column, key)));
                    }
                    if let At::Path(path) = at {
                        at = At::Path(extract::path_step(path, key));
                    }
                }
                (Kind::AnyArray | Kind::Index(_), _) => {}
                (Kind::AnyKey | Kind::Any(..), At::Path(_)) => at = At::Somewhere,
                (Kind::AnyKey | Kind::Any(..), _) => {}
                (Kind::Filter(condition), _) => needs.push(self.holds(condition, at)?),
                _ => at = At::Unknown,
            }
        }
        Ok((Need::all(needs), Some(at)))
    }

    /// What it takes for a condition to be true.
    fn holds(&self, item: &Item, current: At) -> Result<Need> {
        if !item.next.is_empty() && !matches!(item.kind, Kind::Root | Kind::Current) {
            return Ok(Need::Everything);
        }
        Ok(match &item.kind {
            Kind::Binary(Binary::And, a, b) => Need::all([self.holds(a, current)?, self.holds(b, current)?]),
            Kind::Binary(Binary::Or, a, b) => Need::any([self.holds(a, current)?, self.holds(b, current)?]),
            Kind::Binary(Binary::Equal, a, b) => match (constant(a)?, constant(b)?) {
                (None, Some(value)) => self.equals(a, &value, current)?,
                (Some(value), None) => self.equals(b, &value, current)?,
                _ => Need::Everything,
            },
            Kind::Exists(a) => self.chain(a, current)?.0,
            Kind::Root | Kind::Current => self.chain(item, current)?.0,
            _ => Need::Everything,
        })
    }

    fn equals(&self, item: &Item, value: &[u8], current: At) -> Result<Need> {
        let (found, at) = self.chain(item, current)?;
        let value = Jsonb::new(value);
        let own = match (self.class, at, value) {
            (_, None | Some(At::Unknown), _) => Need::Everything,
            // It may be an object's value, or an array's element.
            (Class::Jsonb, _, Jsonb::String(s)) => Need::any([
                Need::Key(extract::json_key(self.column, s)),
                Need::Key(extract::json_scalar(self.column, value)),
            ]),
            (Class::Jsonb, ..) => Need::Key(extract::json_scalar(self.column, value)),
            (_, Some(At::Path(path)), _) => Need::Key(extract::json_path(self.column, value, path)),
            _ => Need::Everything,
        };
        Ok(Need::all([found, own]))
    }
}

/// The stored form of a scalar that stands in a path.
fn constant(item: &Item) -> Result<Option<Vec<u8>>> {
    let tree = match &item.kind {
        _ if !item.next.is_empty() => return Ok(None),
        Kind::Null => Tree::Null,
        Kind::Bool(b) => Tree::Bool(*b),
        Kind::Number(n) => Tree::Number(n.clone()),
        Kind::String(s) => Tree::String(s.clone()),
        _ => return Ok(None),
    };
    tree.encode().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::jsonpath::parse;

    /// What paths that are alike ask for, and that what is made up by a path asks for nothing.
    #[test]
    fn what_paths_ask_for() {
        let needs = |text: &str| {
            let path = parse(text).unwrap();
            let of = |class| (finds(0, class, &path).unwrap(), is_true(0, class, &path).unwrap());
            (of(Class::Jsonb), of(Class::JsonbPath))
        };
        let key = |k: &str| Need::Key(extract::json_key(0, k));
        assert_eq!(needs("$.a[*].b").0.0, Need::all([key("a"), key("b")]));
        assert_eq!(needs("$.a[*].b").1.0, Need::Everything);
        assert_eq!(needs("$.a == 1").0.0, Need::Everything);
        assert_eq!(needs("$.a[0] == 1").1.1, needs("$.a == 1.0").1.1);
        assert!(matches!(needs("$.a == 1").1.1, Need::Key(_)));
        assert_eq!(needs("$ ? (@.a == 1)").1.0, needs("$.a == 1").1.1);
        assert_eq!(needs("$.**.a == 1").1.1, Need::Everything);
        for made_up in ["$.keyvalue().key", "!($.a == 1)", "($.a == 1) is unknown", "$.a.size() == $x", "1", "$x.a"] {
            let (plain, paths) = needs(made_up);
            assert!(!format!("{plain:?}{paths:?}").contains("107, 101, 121"), "{made_up}");
            assert_eq!(paths.1, Need::Everything, "{made_up}");
        }
    }
}
