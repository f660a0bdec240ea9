//! Functions and operators of `json` and `jsonb`.

mod build;
mod change;
mod get;
pub mod like_regex;
mod moment;
mod object_ids;
pub mod path;
pub mod populate;
pub mod subscript;
mod text;

pub use text::Node;

/// The tree of a value of any type (`to_jsonb`); for `jsonb_agg` and the like.
pub use build::key_text;
pub use build::to_tree;
/// Appends a value of any type as JSON (`to_json`); for `json_agg` and the like.
pub use build::write_json;

pub(super) static TABLES: &[&[(&str, super::FuncImpl)]] =
    &[build::TABLE, change::TABLE, get::TABLE, path::TABLE, populate::TABLE];

type Args<'a, 'b> = &'a [crate::types::Datum<'b>];
