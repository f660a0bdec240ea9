//! The registry of functions, operators and casts. (Placeholder until the registry lands: replace this file whole.)

/// A built-in function.
#[derive(Debug)]
pub struct FuncDef {
    pub oid: crate::base::Oid,
    pub name: &'static str,
}
