//! `jsonb` by subscripts: what a path of keys leads to, and a document with a value put there.

use super::get::follow;
use crate::base::Result;
use crate::types::jsonb::{Jsonb, Tree};
use crate::{bail, err};

/// PostgreSQL 15, jsonb_util.c, JSONB_MAX_ELEMS.
const MAX_ELEMENTS: usize = 33_554_431;

/// What the keys lead to.
pub fn find<'a>(stored: &'a [u8], keys: &[String]) -> Option<&'a [u8]> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    follow(stored, &keys)
}

/// The document with a value where the keys lead to, whatever lies between made anew. Of no document an object is made,
/// or an array.
///
/// PostgreSQL 15, jsonbsubs.c, jsonb_subscript_assign, and jsonfuncs.c, setPath: same rules.
pub fn assign(stored: Option<&[u8]>, array: bool, keys: &[String], value: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut root = match (stored, array) {
        (Some(stored), _) => Jsonb::new(stored).to_tree(),
        (None, true) => Tree::Array(Vec::new()),
        (None, false) => Tree::Object(Vec::new()),
    };
    let value = value.map_or(Tree::Null, |v| Jsonb::new(v).to_tree());
    put(&mut root, keys, 0, value)?;
    root.encode()
}

fn put(at: &mut Tree, keys: &[String], depth: usize, value: Tree) -> Result<()> {
    let Some(key) = keys.get(depth) else {
        *at = value;
        return Ok(());
    };
    match at {
        Tree::Object(pairs) => match pairs.iter().position(|(k, _)| k == key) {
            Some(found) => put(&mut pairs[found].1, keys, depth + 1, value),
            None => {
                pairs.push((key.clone(), fresh(&keys[depth + 1..], value)?));
                Ok(())
            }
        },
        Tree::Array(items) => {
            let index = index(key, items.len(), depth + 1)?;
            if index < items.len() {
                return put(&mut items[index], keys, depth + 1, value);
            }
            fill(items, index)?;
            items.push(fresh(&keys[depth + 1..], value)?);
            Ok(())
        }
        _ => Err(err!(INVALID_PARAMETER_VALUE, "cannot replace existing key")
            .detail("The path assumes key is a composite object, but it is a scalar value.")),
    }
}

/// A place in an array; negative ones count from its end.
fn index(key: &str, len: usize, position: usize) -> Result<usize> {
    let not_a_number =
        || err!(INVALID_TEXT_REPRESENTATION, "path element at position {position} is not an integer: \"{key}\"");
    let index: i32 = key.trim_start().parse().map_err(|_| not_a_number())?;
    if index >= 0 {
        return Ok(index as usize);
    }
    let back = index.unsigned_abs() as usize;
    len.checked_sub(back)
        .ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "path element at position {position} is out of range: {index}"))
}

/// NULLs up to a length.
fn fill(items: &mut Vec<Tree>, len: usize) -> Result<()> {
    if len >= MAX_ELEMENTS {
        bail!(PROGRAM_LIMIT_EXCEEDED, "number of jsonb array elements exceeds the maximum allowed ({MAX_ELEMENTS})");
    }
    items.resize(len.max(items.len()), Tree::Null);
    Ok(())
}

/// What the rest of a path makes where nothing is: arrays for numbers, objects for everything else.
fn fresh(keys: &[String], value: Tree) -> Result<Tree> {
    let mut made = value;
    for key in keys.iter().rev() {
        made = match key.trim_start().parse::<i32>() {
            Ok(index) => {
                let mut items = Vec::new();
                fill(&mut items, usize::try_from(index).unwrap_or(0))?;
                items.push(made);
                Tree::Array(items)
            }
            Err(_) => Tree::Object(vec![(key.clone(), made)]),
        };
    }
    Ok(made)
}
