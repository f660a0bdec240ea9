//! Portals: bound statements. One that is read in pieces has become the cursor of its name.

use super::statement::Statement;
use crate::types::Value;
use crate::wire::Format;
use std::sync::Arc;

/// A bound statement.
pub struct Portal {
    pub statement: Arc<Statement>,
    pub params: Arc<[Value]>,
    pub formats: Vec<Format>,
    /// It ran to its end.
    pub finished: bool,
    /// Its rows are those of the cursor of its name.
    pub is_cursor: bool,
    pub created_us: i64,
}

impl Portal {
    pub fn new(statement: Arc<Statement>, params: Arc<[Value]>, formats: Vec<Format>, created_us: i64) -> Portal {
        Portal { statement, params, formats, finished: false, is_cursor: false, created_us }
    }
}
