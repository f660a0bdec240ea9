//! Foreign data wrappers, servers and user mappings.

use super::{DefElem, Name, Pos, RoleSpec};

/// CREATE and ALTER of what foreign data needs, and DROP USER MAPPING.
#[derive(Clone, Debug, PartialEq)]
pub enum ForeignStmt {
    Wrapper {
        create: bool,
        name: Name,
        /// HANDLER and VALIDATOR; no argument: NO HANDLER, NO VALIDATOR.
        functions: Vec<DefElem>,
        options: Vec<DefElem>,
    },
    CreateServer {
        name: Name,
        missing_ok: bool,
        word: Option<String>,
        version: Option<String>,
        wrapper: Name,
        options: Vec<DefElem>,
    },
    AlterServer {
        name: Name,
        /// VERSION, and whether it was said at all.
        version: Option<Option<String>>,
        options: Vec<DefElem>,
    },
    CreateMapping {
        user: RoleSpec,
        server: Name,
        missing_ok: bool,
        options: Vec<DefElem>,
    },
    AlterMapping {
        user: RoleSpec,
        server: Name,
        options: Vec<DefElem>,
    },
    DropMapping {
        user: RoleSpec,
        server: Name,
        missing_ok: bool,
        pos: Pos,
    },
}

impl ForeignStmt {
    pub fn tag(&self) -> &'static str {
        match self {
            ForeignStmt::Wrapper { create: true, .. } => "CREATE FOREIGN DATA WRAPPER",
            ForeignStmt::Wrapper { .. } => "ALTER FOREIGN DATA WRAPPER",
            ForeignStmt::CreateServer { .. } => "CREATE SERVER",
            ForeignStmt::AlterServer { .. } => "ALTER SERVER",
            ForeignStmt::CreateMapping { .. } => "CREATE USER MAPPING",
            ForeignStmt::AlterMapping { .. } => "ALTER USER MAPPING",
            ForeignStmt::DropMapping { .. } => "DROP USER MAPPING",
        }
    }
}
