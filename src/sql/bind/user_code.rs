//! Operators and casts of users, beside the built-in ones.
//!
//! The rules of type resolution are plain functions over types: what users made is put at hand for as long as a binder
//! lives, and found here. A binder never outlives the call that made it, so the innermost one is the one at work.

use crate::base::Oid;
use crate::sql::func::{self, CastDef, FuncDef, OperDef};
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// What users made, as the search path shows it.
#[derive(Default)]
pub struct UserCode {
    /// With their schemas' names, and whether the search path finds them.
    pub operators: Vec<(String, bool, &'static OperDef)>,
    pub casts: HashMap<(Oid, Oid), &'static CastDef>,
    /// The functions behind them.
    pub functions: HashMap<Oid, &'static FuncDef>,
}

thread_local! {
    /// How many callers want operators of all schemas.
    static EVERYWHERE: Cell<usize> = const { Cell::new(0) };
    static AT_HAND: RefCell<Vec<Option<Arc<UserCode>>>> = const { RefCell::new(Vec::new()) };
    /// Row types met, each with a type whose rows theirs are, too; the first number tells the binder.
    static KIN: RefCell<Vec<(usize, Oid, Oid)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps it at hand.
pub(super) struct AtHand;

impl AtHand {
    pub fn new(code: Option<Arc<UserCode>>) -> AtHand {
        AT_HAND.with_borrow_mut(|stack| stack.push(code));
        AtHand
    }
}

impl Drop for AtHand {
    fn drop(&mut self) {
        let left = AT_HAND.with_borrow_mut(|stack| {
            stack.pop();
            stack.len()
        });
        KIN.with_borrow_mut(|kin| kin.retain(|(binder, ..)| *binder <= left));
    }
}

/// While it lives, operators are found that the search path does not find, after those it does: for expressions kept as
/// text, whose operators were found along another one.
pub struct Everywhere;

impl Everywhere {
    pub fn reach() -> Everywhere {
        EVERYWHERE.set(EVERYWHERE.get() + 1);
        Everywhere
    }

    /// What is being bound is kept as text.
    pub(super) fn is_reached() -> bool {
        EVERYWHERE.get() > 0
    }
}

impl Drop for Everywhere {
    fn drop(&mut self) {
        EVERYWHERE.set(EVERYWHERE.get().saturating_sub(1));
    }
}

fn with<T>(f: impl FnOnce(&UserCode) -> Option<T>) -> Option<T> {
    AT_HAND.with_borrow(|stack| stack.last().and_then(Option::as_ref).and_then(|code| f(code)))
}

fn innermost() -> usize {
    AT_HAND.with_borrow(Vec::len)
}

/// Notes which types' rows a table's rows are, too, unless that is done: the table's parents, and theirs.
pub(super) fn note_kin(row: Oid, of: impl FnOnce() -> Vec<Oid>) {
    let binder = innermost();
    if KIN.with_borrow(|kin| kin.iter().any(|(b, r, _)| *b == binder && *r == row)) {
        return;
    }
    let found = of();
    KIN.with_borrow_mut(|kin| kin.extend([row].into_iter().chain(found).map(|to| (binder, row, to))));
}

/// A row of a table is one of a table it inherits from. PostgreSQL 15, parse_coerce.c, typeInheritsFrom and
/// typeIsOfTypedTable.
pub(super) fn is_kin(row: Oid, target: Oid) -> bool {
    let binder = innermost();
    row != target && KIN.with_borrow(|kin| kin.contains(&(binder, row, target)))
}

/// The cast from one type to another.
pub(super) fn cast(source: Oid, target: Oid) -> Option<&'static CastDef> {
    func::cast(source, target).or_else(|| with(|code| code.casts.get(&(source, target)).copied()))
}

pub(super) fn function(oid: Oid) -> Option<&'static FuncDef> {
    func::func(oid).or_else(|| with(|code| code.functions.get(&oid).copied()))
}

/// Operators of a name: those of a schema, or those that the search path finds.
pub(super) fn operators(schema: Option<&str>, name: &str) -> Vec<&'static OperDef> {
    let built_in = if matches!(schema, None | Some("pg_catalog")) { func::opers_named(name) } else { &[] };
    let mut found = built_in.to_vec();
    let _ = with(|code| {
        let fits = |(of, visible, o): &&(String, bool, &'static OperDef)| {
            o.name == name && schema.map_or(*visible, |s| s == of)
        };
        found.extend(code.operators.iter().filter(fits).map(|o| o.2));
        if schema.is_none() && EVERYWHERE.get() > 0 {
            found.extend(code.operators.iter().filter(|o| !o.1 && o.2.name == name).map(|o| o.2));
        }
        Some(())
    });
    found
}

/// The operator with exactly these argument types; `left` invalid for a prefix operator.
pub(super) fn operator(schema: Option<&str>, name: &str, left: Oid, right: Oid) -> Option<&'static OperDef> {
    if matches!(schema, None | Some("pg_catalog"))
        && let Some(o) = func::type_operator(name, left, right)
    {
        return Some(o);
    }
    operators(schema, name).into_iter().find(|o| o.left == left && o.right == right)
}
