//! Portals: bound statements that hand out their rows in pieces.

use super::job::Work;
use super::statement::Statement;
use crate::types::Value;
use crate::wire::Format;
use std::sync::Arc;

/// A bound statement.
pub struct Portal {
    pub statement: Arc<Statement>,
    pub params: Arc<[Value]>,
    pub formats: Vec<Format>,
    /// The running query, once it was executed with a row limit.
    pub work: Option<Box<dyn Work>>,
    /// It ran to its end.
    pub finished: bool,
    /// DECLARE: the cursor's rows and place.
    pub cursor: Option<super::cursor::Cursor>,
    #[expect(dead_code, reason = "pg_cursors will show it")]
    pub created_us: i64,
}

impl Portal {
    pub fn new(statement: Arc<Statement>, params: Arc<[Value]>, formats: Vec<Format>) -> Portal {
        let created_us = crate::base::clock::now_us();
        Portal { statement, params, formats, work: None, finished: false, cursor: None, created_us }
    }

    /// WITH HOLD cursors do, once their rows are kept.
    pub fn outlives_transaction(&self) -> bool {
        self.cursor.as_ref().is_some_and(|c| c.is_held())
    }
}
