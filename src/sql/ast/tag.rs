//! What is known of a statement by its kind alone: command tag, class, what may happen where.

use super::*;

/// What `log_statement` and read-only transactions ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StmtKind {
    /// SELECT and VALUES without INTO.
    Query,
    /// INSERT, UPDATE, DELETE, MERGE, COPY FROM, TRUNCATE.
    Modify,
    /// Changes the catalogs.
    Ddl,
    /// BEGIN, COMMIT, savepoints, two-phase.
    Transaction,
    /// SHOW, EXPLAIN, cursors, settings, maintenance.
    Utility,
}

/// PostgreSQL 15, utility.c, `ClassifyUtilityCommandAsReadOnly`: same classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnlyClass {
    /// Allowed everywhere.
    StrictlyReadOnly,
    /// Allowed in a read-only transaction.
    OkInReadOnlyXact,
    /// Refused with 25006.
    NotReadOnly,
}

impl Stmt {
    pub fn kind(&self) -> StmtKind {
        match self {
            Stmt::Select(s) if s.into_clause().is_some() => StmtKind::Ddl,
            Stmt::Select(_) => StmtKind::Query,
            Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) | Stmt::Truncate(_) => {
                StmtKind::Modify
            }
            Stmt::Copy(c) if c.is_from => StmtKind::Modify,
            Stmt::Transaction(_) => StmtKind::Transaction,
            Stmt::Copy(_)
            | Stmt::Vacuum(_)
            | Stmt::Checkpoint
            | Stmt::Explain(_)
            | Stmt::Prepare(_)
            | Stmt::Execute(_)
            | Stmt::Deallocate(_)
            | Stmt::DeclareCursor(_)
            | Stmt::Fetch(_)
            | Stmt::ClosePortal(_)
            | Stmt::SetVariable(_)
            | Stmt::ShowVariable(_)
            | Stmt::Discard(_)
            | Stmt::AlterSystem(_)
            | Stmt::SetConstraints(_)
            | Stmt::Lock(_)
            | Stmt::Listen(_)
            | Stmt::Unlisten(_)
            | Stmt::Notify(_)
            | Stmt::Do(_)
            | Stmt::Call(_)
            | Stmt::Load(_)
            | Stmt::Reindex(_) => StmtKind::Utility,
            _ => StmtKind::Ddl,
        }
    }

    /// COMMIT, ROLLBACK, ROLLBACK TO, PREPARE TRANSACTION: what a failed transaction still takes.
    /// PostgreSQL 15, postgres.c, `IsTransactionExitStmt`.
    pub fn is_transaction_exit(&self) -> bool {
        matches!(
            self,
            Stmt::Transaction(t) if matches!(
                **t,
                TransactionStmt::Commit { .. }
                    | TransactionStmt::Rollback { .. }
                    | TransactionStmt::RollbackTo(_)
                    | TransactionStmt::Prepare(_)
            )
        )
    }

    /// Whether the statement is planned and run by the executor rather than carried out as a command.
    pub fn is_optimizable(&self) -> bool {
        match self {
            Stmt::Select(s) => s.into_clause().is_none(),
            Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) => true,
            _ => false,
        }
    }

    /// The query inside a command that may name parameters. PostgreSQL 15, analyze.c, transformStmt: same commands.
    pub fn inner_query(&self) -> Option<std::borrow::Cow<'_, Stmt>> {
        use std::borrow::Cow;
        Some(match self {
            Stmt::CreateTableAs(s) if s.query.is_optimizable() => Cow::Borrowed(&s.query),
            Stmt::DeclareCursor(s) => Cow::Owned(Stmt::Select(Box::new(s.query.clone()))),
            Stmt::Select(s) if s.into_clause().is_some() => {
                let mut s = s.clone();
                s.take_into();
                Cow::Owned(Stmt::Select(s))
            }
            Stmt::Explain(s) if s.query.is_optimizable() => Cow::Borrowed(&s.query),
            Stmt::Explain(s) => return s.query.inner_query(),
            _ => return None,
        })
    }

    /// Whether it is analysed as soon as it is prepared: its parameters' types are found out.
    pub fn takes_parameters(&self) -> bool {
        self.is_optimizable() || matches!(self, Stmt::Call(_)) || self.inner_query().is_some()
    }

    /// The class of a utility statement; for queries the plan decides (NotReadOnly for DML and row locks).
    pub fn read_only_class(&self) -> ReadOnlyClass {
        use ReadOnlyClass::*;
        match self {
            Stmt::Select(s) if s.into_clause().is_none() => StrictlyReadOnly,
            Stmt::Transaction(t) => match **t {
                TransactionStmt::Prepare(_)
                | TransactionStmt::CommitPrepared(_)
                | TransactionStmt::RollbackPrepared(_) => OkInReadOnlyXact,
                _ => StrictlyReadOnly,
            },
            Stmt::Call(_) | Stmt::Do(_) | Stmt::AlterSystem(_) | Stmt::Checkpoint => StrictlyReadOnly,
            Stmt::ClosePortal(_)
            | Stmt::SetConstraints(_)
            | Stmt::Deallocate(_)
            | Stmt::DeclareCursor(_)
            | Stmt::Discard(_)
            | Stmt::Execute(_)
            | Stmt::Explain(_)
            | Stmt::Fetch(_)
            | Stmt::Load(_)
            | Stmt::Prepare(_)
            | Stmt::SetVariable(_)
            | Stmt::ShowVariable(_)
            | Stmt::Unlisten(_) => StrictlyReadOnly,
            Stmt::Copy(c) if !c.is_from => StrictlyReadOnly,
            Stmt::Cluster(_)
            | Stmt::Reindex(_)
            | Stmt::Vacuum(_)
            | Stmt::Listen(_)
            | Stmt::Notify(_)
            | Stmt::Copy(_) => OkInReadOnlyXact,
            Stmt::Lock(l) if l.mode <= TableLockMode::RowExclusive => StrictlyReadOnly,
            Stmt::Lock(_) => OkInReadOnlyXact,
            _ => NotReadOnly,
        }
    }

    /// The command tag, without counts.
    pub fn tag(&self) -> &'static str {
        match self {
            // The tag is made from the raw statement, which does not tell row locks and INTO apart.
            Stmt::Select(_) => "SELECT",
            Stmt::Insert(_) => "INSERT",
            Stmt::Update(_) => "UPDATE",
            Stmt::Delete(_) => "DELETE",
            Stmt::Merge(_) => "MERGE",
            Stmt::CreateTable(_) => "CREATE TABLE",
            Stmt::CreateTableAs(c) if c.materialized_view => "CREATE MATERIALIZED VIEW",
            Stmt::CreateTableAs(_) => "CREATE TABLE AS",
            Stmt::AlterTable(a) => alter_tag(a.object),
            Stmt::AlterTableMoveAll(a) => alter_tag(a.object),
            Stmt::CreateIndex(_) => "CREATE INDEX",
            Stmt::CreateSequence(_) => "CREATE SEQUENCE",
            Stmt::AlterSequence(_) => "ALTER SEQUENCE",
            Stmt::CreateView(_) => "CREATE VIEW",
            Stmt::RefreshMatView(_) => "REFRESH MATERIALIZED VIEW",
            Stmt::CreateSchema(_) => "CREATE SCHEMA",
            Stmt::CreateDatabase(_) => "CREATE DATABASE",
            Stmt::AlterDatabase(_) => "ALTER DATABASE",
            Stmt::DropDatabase(_) => "DROP DATABASE",
            Stmt::CreateTablespace(_) => "CREATE TABLESPACE",
            Stmt::DropTablespace(_) => "DROP TABLESPACE",
            Stmt::AlterTablespace(_) => "ALTER TABLESPACE",
            Stmt::CreateEnum(_) | Stmt::CreateCompositeType(_) | Stmt::CreateRange(_) => "CREATE TYPE",
            Stmt::AlterEnum(_) => "ALTER TYPE",
            Stmt::CreateDomain(_) => "CREATE DOMAIN",
            Stmt::AlterDomain(_) => "ALTER DOMAIN",
            Stmt::Define(d) => create_tag(d.object),
            Stmt::CreateFunction(f) if f.procedure => "CREATE PROCEDURE",
            Stmt::CreateFunction(_) => "CREATE FUNCTION",
            Stmt::AlterFunction(a) => alter_tag(a.object),
            Stmt::CreateCast(_) => "CREATE CAST",
            Stmt::CreateTrigger(_) => "CREATE TRIGGER",
            Stmt::CreateEventTrigger(_) => "CREATE EVENT TRIGGER",
            Stmt::AlterEventTrigger(_) => "ALTER EVENT TRIGGER",
            Stmt::CreateRule(_) => "CREATE RULE",
            Stmt::CreatePolicy(_) => "CREATE POLICY",
            Stmt::AlterPolicy(_) => "ALTER POLICY",
            Stmt::CreateStatistics(_) => "CREATE STATISTICS",
            Stmt::AlterStatistics(_) => "ALTER STATISTICS",
            Stmt::Foreign(s) => s.tag(),
            Stmt::CreatePublication(_) => "CREATE PUBLICATION",
            Stmt::AlterPublication(_) => "ALTER PUBLICATION",
            Stmt::CreateExtension(_) => "CREATE EXTENSION",
            Stmt::CreateOpClass(_) => "CREATE OPERATOR CLASS",
            Stmt::AlterExtension(_) => "ALTER EXTENSION",
            Stmt::CreateLanguage(_) => "CREATE LANGUAGE",
            Stmt::CreateAccessMethod(_) => "CREATE ACCESS METHOD",
            Stmt::CreateConversion(_) => "CREATE CONVERSION",
            Stmt::CreateOpFamily(_) => "CREATE OPERATOR FAMILY",
            Stmt::AlterOpFamily(_) => "ALTER OPERATOR FAMILY",
            Stmt::AlterOperator(_) => "ALTER OPERATOR",
            Stmt::AlterCollation(_) => "ALTER COLLATION",
            Stmt::AlterTsDictionary(_) => "ALTER TEXT SEARCH DICTIONARY",
            Stmt::AlterTsConfig(_) => "ALTER TEXT SEARCH CONFIGURATION",
            Stmt::Drop(d) => drop_tag(d.object),
            Stmt::Rename(r) => alter_tag(r.object),
            Stmt::AlterObjectSchema(a) => alter_tag(a.object),
            Stmt::AlterOwner(a) => alter_tag(a.object),
            Stmt::AlterObjectDepends(a) => alter_tag(a.object),
            Stmt::Comment(_) => "COMMENT",
            Stmt::SecurityLabel(_) => "SECURITY LABEL",
            Stmt::CreateRole(_) => "CREATE ROLE",
            Stmt::AlterRole(_) | Stmt::AlterRoleSet(_) => "ALTER ROLE",
            Stmt::DropRole(_) => "DROP ROLE",
            Stmt::Grant(g) if g.is_grant => "GRANT",
            Stmt::Grant(_) => "REVOKE",
            Stmt::GrantRole(g) if g.is_grant => "GRANT ROLE",
            Stmt::GrantRole(_) => "REVOKE ROLE",
            Stmt::AlterDefaultPrivileges(_) => "ALTER DEFAULT PRIVILEGES",
            Stmt::DropOwned(_) => "DROP OWNED",
            Stmt::ReassignOwned(_) => "REASSIGN OWNED",
            Stmt::Truncate(_) => "TRUNCATE TABLE",
            Stmt::Copy(_) => "COPY",
            Stmt::Vacuum(v) if v.is_vacuum => "VACUUM",
            Stmt::Vacuum(_) => "ANALYZE",
            Stmt::Cluster(_) => "CLUSTER",
            Stmt::Reindex(_) => "REINDEX",
            Stmt::Checkpoint => "CHECKPOINT",
            Stmt::Explain(_) => "EXPLAIN",
            Stmt::Prepare(_) => "PREPARE",
            Stmt::Execute(_) => "EXECUTE",
            Stmt::Deallocate(Some(_)) => "DEALLOCATE",
            Stmt::Deallocate(None) => "DEALLOCATE ALL",
            Stmt::DeclareCursor(_) => "DECLARE CURSOR",
            Stmt::Fetch(f) if f.is_move => "MOVE",
            Stmt::Fetch(_) => "FETCH",
            Stmt::ClosePortal(Some(_)) => "CLOSE CURSOR",
            Stmt::ClosePortal(None) => "CLOSE CURSOR ALL",
            Stmt::Transaction(t) => t.tag(),
            Stmt::SetVariable(s) => match s.action {
                SetAction::Reset(_) | SetAction::ResetAll => "RESET",
                _ => "SET",
            },
            Stmt::ShowVariable(_) => "SHOW",
            Stmt::Discard(DiscardTarget::All) => "DISCARD ALL",
            Stmt::Discard(DiscardTarget::Plans) => "DISCARD PLANS",
            Stmt::Discard(DiscardTarget::Sequences) => "DISCARD SEQUENCES",
            Stmt::Discard(DiscardTarget::Temp) => "DISCARD TEMP",
            Stmt::AlterSystem(_) => "ALTER SYSTEM",
            Stmt::SetConstraints(_) => "SET CONSTRAINTS",
            Stmt::Lock(_) => "LOCK TABLE",
            Stmt::Listen(_) => "LISTEN",
            Stmt::Unlisten(_) => "UNLISTEN",
            Stmt::Notify(_) => "NOTIFY",
            Stmt::Do(_) => "DO",
            Stmt::Call(_) => "CALL",
            Stmt::Load(_) => "LOAD",
            Stmt::Unsupported(u) => u.tag,
        }
    }
}

impl SelectStmt {
    /// SELECT INTO's target, which stands in the leftmost SELECT of a set operation.
    pub fn into_clause(&self) -> Option<&IntoClause> {
        let mut query = self;
        loop {
            match &query.body {
                SelectBody::Select(core) => return core.into.as_ref(),
                SelectBody::Values(_) => return None,
                SelectBody::SetOp(op) => query = &op.left,
            }
        }
    }

    /// Takes the INTO clause out of the query.
    pub fn take_into(&mut self) -> Option<IntoClause> {
        match &mut self.body {
            SelectBody::Select(core) => core.into.take(),
            SelectBody::SetOp(op) => op.left.take_into(),
            SelectBody::Values(_) => None,
        }
    }
}

impl TransactionStmt {
    pub fn tag(&self) -> &'static str {
        match self {
            TransactionStmt::Begin { start: false, .. } => "BEGIN",
            TransactionStmt::Begin { start: true, .. } => "START TRANSACTION",
            TransactionStmt::Commit { .. } => "COMMIT",
            TransactionStmt::Rollback { .. } | TransactionStmt::RollbackTo(_) => "ROLLBACK",
            TransactionStmt::Savepoint(_) => "SAVEPOINT",
            TransactionStmt::Release(_) => "RELEASE",
            TransactionStmt::Prepare(_) => "PREPARE TRANSACTION",
            TransactionStmt::CommitPrepared(_) => "COMMIT PREPARED",
            TransactionStmt::RollbackPrepared(_) => "ROLLBACK PREPARED",
        }
    }
}

macro_rules! object_tags {
    ($($kind:ident $name:literal,)*) => {
        impl ObjectType {
            /// The words of the object kind as in command tags: `MATERIALIZED VIEW`.
            pub fn words(self) -> &'static str {
                match self { $(ObjectType::$kind => $name,)* }
            }
        }
        fn create_tag(object: ObjectType) -> &'static str {
            match object { $(ObjectType::$kind => concat!("CREATE ", $name),)* }
        }
        fn alter_tag(object: ObjectType) -> &'static str {
            match object { $(ObjectType::$kind => concat!("ALTER ", $name),)* }
        }
        fn drop_tag(object: ObjectType) -> &'static str {
            match object { $(ObjectType::$kind => concat!("DROP ", $name),)* }
        }
    };
}

object_tags! {
    AccessMethod "ACCESS METHOD",
    Aggregate "AGGREGATE",
    Attribute "TYPE",
    Cast "CAST",
    Collation "COLLATION",
    Column "TABLE",
    Conversion "CONVERSION",
    Database "DATABASE",
    Domain "DOMAIN",
    DomainConstraint "DOMAIN",
    EventTrigger "EVENT TRIGGER",
    Extension "EXTENSION",
    ForeignDataWrapper "FOREIGN DATA WRAPPER",
    ForeignServer "SERVER",
    ForeignTable "FOREIGN TABLE",
    Function "FUNCTION",
    Index "INDEX",
    Language "LANGUAGE",
    LargeObject "LARGE OBJECT",
    MatView "MATERIALIZED VIEW",
    OpClass "OPERATOR CLASS",
    Operator "OPERATOR",
    OpFamily "OPERATOR FAMILY",
    Parameter "PARAMETER",
    Policy "POLICY",
    Procedure "PROCEDURE",
    Publication "PUBLICATION",
    Role "ROLE",
    Routine "ROUTINE",
    Rule "RULE",
    Schema "SCHEMA",
    Sequence "SEQUENCE",
    Statistics "STATISTICS",
    Subscription "SUBSCRIPTION",
    TableConstraint "TABLE",
    Table "TABLE",
    Tablespace "TABLESPACE",
    Transform "TRANSFORM",
    Trigger "TRIGGER",
    TsConfiguration "TEXT SEARCH CONFIGURATION",
    TsDictionary "TEXT SEARCH DICTIONARY",
    TsParser "TEXT SEARCH PARSER",
    TsTemplate "TEXT SEARCH TEMPLATE",
    Type "TYPE",
    View "VIEW",
}
