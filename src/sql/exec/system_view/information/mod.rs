//! `information_schema`: what the current role may see, in the words of the SQL standard.
//!
//! | file | what |
//! |---|---|
//! | `scene` | the catalogs as the current role sees them; relations of users and of the system alike |
//! | `types` | data types as these views tell them |
//! | `relation` | schemata, tables, columns, views, sequences |
//! | `constraint`, `domain`, `composite` | constraints, domains, composite types |
//! | `routine`, `trigger` | functions with their parameters, triggers |
//! | `privilege`, `role` | who may do what, who is who |
//! | `usage` | what views, columns and routines refer to |
//! | `element` | elements of arrays, and whatever has a data type |
//! | `server` | what is true of the server as a whole |
//!
//! What belongs to catalogs of the system is shown as far as its columns are known: their keys are not.

mod composite;
mod constraint;
mod domain;
mod element;
mod privilege;
mod relation;
mod role;
mod routine;
mod scene;
mod server;
mod trigger;
mod types;
mod usage;

use super::View;
use scene::{Scene, yes};
pub(crate) use scene::{Seen, updatable};

/// All families of this schema.
pub(super) const FAMILIES: &[&[View]] = &[
    composite::VIEWS,
    constraint::VIEWS,
    domain::VIEWS,
    element::VIEWS,
    privilege::VIEWS,
    relation::VIEWS,
    role::VIEWS,
    routine::VIEWS,
    server::VIEWS,
    trigger::VIEWS,
    usage::VIEWS,
];

/// Pushes a row with the columns that are named; all others are NULL.
macro_rules! named {
    ($sink:expr; $($name:ident: $value:expr),* $(,)?) => {
        $sink.push_named(
            &[$(stringify!($name)),*],
            vec![$($crate::sql::exec::system_view::Cell::cell($value)),*],
        )
    };
}
use named;
