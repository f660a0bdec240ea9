//! Which commands have events. PostgreSQL 15, cmdtaglist.h.

/// CREATE, ALTER and DROP of these.
const OBJECTS: [&str; 40] = [
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONSTRAINT",
    "CONVERSION",
    "DEFAULT PRIVILEGES",
    "DOMAIN",
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "LANGUAGE",
    "LARGE OBJECT",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "OWNED",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "ROUTINE",
    "RULE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
    "SUBSCRIPTION",
    "TABLE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
];

/// And these commands.
const COMMANDS: [&str; 8] = [
    "COMMENT",
    "CREATE TABLE AS",
    "GRANT",
    "IMPORT FOREIGN SCHEMA",
    "REFRESH MATERIALIZED VIEW",
    "REVOKE",
    "SECURITY LABEL",
    "SELECT INTO",
];

/// Commands without events.
const OTHERS: [&str; 76] = [
    "ALTER DATABASE",
    "ALTER EVENT TRIGGER",
    "ALTER ROLE",
    "ALTER SYSTEM",
    "ALTER TABLESPACE",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "CLUSTER",
    "COMMIT",
    "COMMIT PREPARED",
    "COPY",
    "COPY FROM",
    "CREATE DATABASE",
    "CREATE EVENT TRIGGER",
    "CREATE ROLE",
    "CREATE TABLESPACE",
    "DEALLOCATE",
    "DEALLOCATE ALL",
    "DECLARE CURSOR",
    "DELETE",
    "DISCARD",
    "DISCARD ALL",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
    "DO",
    "DROP DATABASE",
    "DROP EVENT TRIGGER",
    "DROP REPLICATION SLOT",
    "DROP ROLE",
    "DROP TABLESPACE",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "GRANT ROLE",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK TABLE",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE ROLE",
    "ROLLBACK",
    "ROLLBACK PREPARED",
    "SAVEPOINT",
    "SELECT",
    "SELECT FOR KEY SHARE",
    "SELECT FOR NO KEY UPDATE",
    "SELECT FOR SHARE",
    "SELECT FOR UPDATE",
    "SET",
    "SET CONSTRAINTS",
    "SHOW",
    "START TRANSACTION",
    "TRUNCATE TABLE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
    "ALTER SERVER OPTIONS",
    "CREATE USER",
    "CREATE GROUP",
    "DROP USER",
    "DROP GROUP",
    "END",
];

/// Whether a command of this tag has events; None: there is no such command.
pub fn has_events(tag: &str) -> Option<bool> {
    if COMMANDS.contains(&tag) {
        return Some(true);
    }
    let object = tag.split_once(' ').filter(|(verb, _)| matches!(*verb, "CREATE" | "ALTER" | "DROP")).map(|(_, o)| o);
    match object {
        Some("OWNED") => (tag == "DROP OWNED").then_some(true),
        Some("DEFAULT PRIVILEGES") => (tag == "ALTER DEFAULT PRIVILEGES").then_some(true),
        Some("LARGE OBJECT") => (tag == "ALTER LARGE OBJECT").then_some(true),
        Some(object) if OBJECTS.contains(&object) => Some(true),
        _ => OTHERS.contains(&tag).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::has_events;

    #[test]
    fn commands_and_others() {
        assert_eq!(has_events("CREATE TABLE"), Some(true));
        assert_eq!(has_events("DROP OWNED"), Some(true));
        assert_eq!(has_events("CREATE OWNED"), None);
        assert_eq!(has_events("CREATE ROLE"), Some(false));
        assert_eq!(has_events("SANDWICH"), None);
    }
}
