//! Changing `jsonb` documents: `||`, `-`, `#-`, `jsonb_set`, `jsonb_insert`, `jsonb_strip_nulls`.

use super::Args;
use super::build::push_tree;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::jsonb::{Jsonb, Tree};
use crate::types::{Column, Datum, array};
use crate::{bail, err};

fn tree(d: Datum<'_>) -> Tree {
    Jsonb::new(d.bytes()).to_tree()
}

/// What an array holds, or the scalar itself.
fn items(t: Tree) -> Vec<Tree> {
    match t {
        Tree::Array(items) => items,
        other => vec![other],
    }
}

fn concat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let joined = match (tree(args[0]), tree(args[1])) {
        (Tree::Object(mut a), Tree::Object(b)) => {
            a.extend(b);
            Tree::Object(a)
        }
        (a, b) => {
            let mut all = items(a);
            all.extend(items(b));
            Tree::Array(all)
        }
    };
    push_tree(out, joined)
}

/// Removes a key from an object, or equal strings from an array.
fn remove_key(t: &mut Tree, key: &str) -> Result<()> {
    match t {
        Tree::Object(pairs) => pairs.retain(|(k, _)| k != key),
        Tree::Array(items) => items.retain(|i| !matches!(i, Tree::String(s) if s == key)),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot delete from scalar"),
    }
    Ok(())
}

fn delete(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut t = tree(args[0]);
    remove_key(&mut t, args[1].str())?;
    push_tree(out, t)
}

fn delete_array(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut t = tree(args[0]);
    if t.is_scalar() {
        bail!(INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    }
    for key in array::Array::new(args[1].bytes()).iter().filter(|k| !k.is_null()) {
        remove_key(&mut t, key.str())?;
    }
    push_tree(out, t)
}

fn delete_index(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut t = tree(args[0]);
    match &mut t {
        Tree::Array(items) => {
            if let Some(at) = position(items.len(), args[1].i32()) {
                items.remove(at);
            }
        }
        Tree::Object(_) => {
            bail!(INVALID_PARAMETER_VALUE, "cannot delete from object using integer index")
        }
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot delete from scalar"),
    }
    push_tree(out, t)
}

fn position(len: usize, index: i32) -> Option<usize> {
    let at = if index < 0 { len as i64 + i64::from(index) } else { index.into() };
    usize::try_from(at).ok().filter(|at| *at < len)
}

/// What to do where a path leads.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Delete,
    /// Replace; create what is missing, if asked for.
    Set {
        create: bool,
    },
    Insert {
        after: bool,
    },
}

#[cold]
fn not_an_integer(step: &str, position: usize) -> crate::base::Error {
    err!(INVALID_TEXT_REPRESENTATION, "path element at position {position} is not an integer: \"{step}\"")
}

fn change(t: &mut Tree, steps: &[Option<&str>], depth: usize, value: &Tree, how: Change) -> Result<()> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let Some(step) = step else {
        bail!(NULL_VALUE_NOT_ALLOWED, "path element at position {} is null", depth + 1);
    };
    match t {
        Tree::Object(pairs) => {
            let at = pairs.iter().position(|(k, _)| k == step);
            match (at, rest.is_empty()) {
                (Some(at), false) => change(&mut pairs[at].1, rest, depth + 1, value, how)?,
                (Some(at), true) => match how {
                    Change::Delete => {
                        pairs.remove(at);
                    }
                    Change::Set { .. } => pairs[at].1 = value.clone(),
                    Change::Insert { .. } => {
                        return Err(err!(INVALID_PARAMETER_VALUE, "cannot replace existing key")
                            .hint("Try using the function jsonb_set to replace key value."));
                    }
                },
                (None, true) => match how {
                    Change::Set { create: true } | Change::Insert { .. } => {
                        pairs.push(((*step).to_owned(), value.clone()));
                    }
                    _ => {}
                },
                (None, false) => {}
            }
        }
        Tree::Array(items) => {
            let index: i32 = step.trim().parse().map_err(|_| not_an_integer(step, depth + 1))?;
            let at = position(items.len(), index);
            match (at, rest.is_empty()) {
                (Some(at), false) => change(&mut items[at], rest, depth + 1, value, how)?,
                (Some(at), true) => match how {
                    Change::Delete => {
                        items.remove(at);
                    }
                    Change::Set { .. } => items[at] = value.clone(),
                    Change::Insert { after } => items.insert(at + usize::from(after), value.clone()),
                },
                (None, true) if matches!(how, Change::Set { create: true } | Change::Insert { .. }) => {
                    // Beyond either end: at that end.
                    let at = if index < 0 { 0 } else { items.len() };
                    items.insert(at, value.clone());
                }
                (None, _) => {}
            }
        }
        _ => {}
    }
    Ok(())
}

/// The steps of a path; a NULL among them is an error once it is reached.
fn steps<'a>(d: Datum<'a>) -> Result<Vec<Option<&'a str>>> {
    let a = array::Array::new(d.bytes());
    if a.dims.len() > 1 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    }
    Ok(a.iter().map(|d| if d.is_null() { None } else { Some(d.str()) }).collect())
}

/// Nothing to change in an empty document, unless something is to be created.
fn untouched(t: &Tree, how: Change) -> bool {
    let empty = match t {
        Tree::Array(items) => items.is_empty(),
        Tree::Object(pairs) => pairs.is_empty(),
        _ => false,
    };
    empty && matches!(how, Change::Delete | Change::Set { create: false })
}

fn changed(args: Args<'_, '_>, value: &Tree, how: Change, what: &str, out: &mut Column) -> Result<()> {
    let mut t = tree(args[0]);
    if t.is_scalar() {
        bail!(INVALID_PARAMETER_VALUE, "cannot {what} scalar");
    }
    let steps = steps(args[1])?;
    if !untouched(&t, how) {
        change(&mut t, &steps, 0, value, how)?;
    }
    push_tree(out, t)
}

fn delete_path(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    changed(args, &Tree::Null, Change::Delete, "delete path in", out)
}

fn set(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    changed(args, &tree(args[2]), Change::Set { create: args[3].bool() }, "set path in", out)
}

fn insert(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    changed(args, &tree(args[2]), Change::Insert { after: args[3].bool() }, "set path in", out)
}

/// `jsonb_set_lax(target, path, value, create, null_value_treatment)`.
fn set_lax(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() || args[1].is_null() || args[3].is_null() {
        out.push_null();
        return Ok(());
    }
    if args[4].is_null() {
        return Err(err!(
            INVALID_PARAMETER_VALUE,
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\""
        ));
    }
    if !args[2].is_null() {
        return set(cx, args, out);
    }
    match args[4].str() {
        "raise_exception" => Err(err!(NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
            .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .hint(
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )),
        "use_json_null" => changed(args, &Tree::Null, Change::Set { create: args[3].bool() }, "set path in", out),
        "delete_key" => delete_path(cx, args, out),
        "return_target" => {
            out.push(args[0]);
            Ok(())
        }
        _ => Err(err!(
            INVALID_PARAMETER_VALUE,
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\""
        )),
    }
}

fn strip(t: Tree) -> Tree {
    match t {
        Tree::Array(items) => Tree::Array(items.into_iter().map(strip).collect()),
        Tree::Object(pairs) => {
            Tree::Object(pairs.into_iter().filter(|(_, v)| *v != Tree::Null).map(|(k, v)| (k, strip(v))).collect())
        }
        other => other,
    }
}

fn strip_nulls(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_tree(out, strip(tree(args[0])))
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("jsonb_concat", Scalar(concat)),
    ("jsonb_delete", Scalar(delete)),
    ("jsonb_delete_array", Scalar(delete_array)),
    ("jsonb_delete_idx", Scalar(delete_index)),
    ("jsonb_delete_path", Scalar(delete_path)),
    ("jsonb_set", Scalar(set)),
    ("jsonb_set_lax", Scalar(set_lax)),
    ("jsonb_insert", Scalar(insert)),
    ("jsonb_strip_nulls", Scalar(strip_nulls)),
];
