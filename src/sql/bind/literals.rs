//! Literals whose values hang on what an enum's labels are called: who keeps text must write them anew when one is
//! renamed.

use crate::base::Oid;
use crate::types::{self, TypeRef, Value, base_type};
use std::cell::RefCell;

/// A literal that was read while somebody listened.
#[derive(Clone, Debug)]
pub struct Literal {
    /// The text it stands in, and where.
    pub text: String,
    pub pos: u32,
    pub ty: TypeRef,
    pub value: Value,
}

thread_local! {
    static FOUND: RefCell<Option<Vec<Literal>>> = const { RefCell::new(None) };
}

/// The literals that are read while something is bound.
pub fn during(bind: impl FnOnce()) -> Vec<Literal> {
    let outer = FOUND.replace(Some(Vec::new()));
    bind();
    FOUND.replace(outer).unwrap_or_default()
}

/// A value of the type may be an enum's, or have one in it.
fn may_hold_label(ty: Oid) -> bool {
    let base = base_type(ty);
    match types::element_type(base) {
        Some(element) => may_hold_label(element),
        None => types::info(base).is_some_and(|i| matches!(i.kind, b'e' | b'c' | b'r' | b'm')),
    }
}

pub(super) fn note(text: &str, pos: Option<u32>, ty: TypeRef, value: &Value) {
    FOUND.with_borrow_mut(|found| {
        if let (Some(found), Some(pos)) = (found, pos)
            && may_hold_label(ty.oid)
        {
            found.push(Literal { text: text.to_owned(), pos, ty, value: value.clone() });
        }
    });
}
