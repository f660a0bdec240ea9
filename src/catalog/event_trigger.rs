//! A row of `pg_event_trigger`.

use super::object::{Depend, ObjectKey, class};
use crate::base::Oid;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventTrigger {
    pub oid: Oid,
    pub name: String,
    /// `ddl_command_start`, `ddl_command_end`, `sql_drop`.
    pub event: String,
    pub owner: Oid,
    pub function: Oid,
    /// `evtenabled`: O, D, R or A.
    pub enabled: char,
    /// Empty: all commands.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its function, again.
    pub depends: Vec<Depend>,
}

impl EventTrigger {
    pub fn new(oid: Oid, name: String, event: String, owner: Oid, function: Oid, tags: Vec<String>) -> EventTrigger {
        let depends = vec![Depend { on: ObjectKey::new(class::PROC, function), auto: false }];
        EventTrigger { oid, name, event, owner, function, enabled: 'O', tags, depends }
    }
}
