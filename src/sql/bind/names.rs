//! What the binder asks the catalogs.

use crate::base::{Oid, Result};
use crate::catalog::Relation;
use crate::types::TypeRef;
use std::sync::Arc;

/// Look-ups by name; they never wait. Implemented by the session's catalog, and by a mock in tests.
pub trait Names {
    /// A relation of any kind; without a schema along the search path, temporary tables first.
    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>>;

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>>;

    /// A type by its name in `pg_type` (`int4`, `_int4`).
    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef>;

    /// Blocks of the relation's storage now; None: not known, the statistics must do.
    fn blocks(&self, _rel: &Relation) -> Option<u32> {
        None
    }

    fn schema_exists(&self, name: &str) -> bool;

    fn current_database(&self) -> String;

    /// The same catalogs seen along another search path, for a view's text.
    fn along<'a>(&'a self, search_path: &'a [String]) -> Box<dyn Names + 'a>;
}
