//! Which change of ALTER TABLE can be made to which kind of relation.

use crate::base::{Error, Result};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::ast::{AlterTableKind as Kind, EnableMode, TriggerSelect};
use RelKind::*;

const TABLES: &[RelKind] = &[Table, Partitioned];
const DEFAULTED: &[RelKind] = &[Table, Partitioned, View];
const WITH_COLUMNS: &[RelKind] = &[Table, Partitioned, Composite];
const STORED: &[RelKind] = &[Table, Partitioned, MatView];
const ANALYZED: &[RelKind] = &[Table, Partitioned, MatView, Index, PartitionedIndex];
const WITH_OPTIONS: &[RelKind] = &[Table, Partitioned, View, MatView, Index, PartitionedIndex];
const LOGGED: &[RelKind] = &[Table, Partitioned, Sequence];

/// PostgreSQL 15, tablecmds.c, ATPrepCmd: the names of the actions and the kinds of relation each may be for.
fn action(kind: &Kind) -> Option<(&'static str, &'static [RelKind])> {
    Some(match kind {
        Kind::AddColumn { .. } => ("ADD COLUMN", WITH_COLUMNS),
        Kind::DropColumn { .. } => ("DROP COLUMN", WITH_COLUMNS),
        Kind::AlterType { .. } => ("ALTER COLUMN ... SET DATA TYPE", WITH_COLUMNS),
        Kind::SetDefault { .. } | Kind::DropDefault { .. } => ("ALTER COLUMN ... SET DEFAULT", DEFAULTED),
        Kind::SetNotNull { .. } => ("ALTER COLUMN ... SET NOT NULL", TABLES),
        Kind::DropNotNull { .. } => ("ALTER COLUMN ... DROP NOT NULL", TABLES),
        Kind::DropExpression { .. } => ("ALTER COLUMN ... DROP EXPRESSION", TABLES),
        Kind::SetStatistics { .. } => ("ALTER COLUMN ... SET STATISTICS", ANALYZED),
        Kind::SetColumnOptions { .. } => ("ALTER COLUMN ... SET", STORED),
        Kind::ResetColumnOptions { .. } => ("ALTER COLUMN ... RESET", STORED),
        Kind::SetStorage { .. } => ("ALTER COLUMN ... SET STORAGE", STORED),
        Kind::SetCompression { .. } => ("ALTER COLUMN ... SET COMPRESSION", STORED),
        Kind::AddIdentity { .. } => ("ALTER COLUMN ... ADD IDENTITY", DEFAULTED),
        Kind::SetIdentity { .. } => ("ALTER COLUMN ... SET", DEFAULTED),
        Kind::DropIdentity { .. } => ("ALTER COLUMN ... DROP IDENTITY", DEFAULTED),
        Kind::AddConstraint(_) => ("ADD CONSTRAINT", TABLES),
        Kind::AlterConstraint(_) => ("ALTER CONSTRAINT", TABLES),
        Kind::ValidateConstraint(_) => ("VALIDATE CONSTRAINT", TABLES),
        Kind::DropConstraint { .. } => ("DROP CONSTRAINT", TABLES),
        Kind::ClusterOn(_) => ("CLUSTER ON", STORED),
        Kind::SetWithoutCluster => ("SET WITHOUT CLUSTER", STORED),
        Kind::SetLogged => ("SET LOGGED", LOGGED),
        Kind::SetUnlogged => ("SET UNLOGGED", LOGGED),
        Kind::SetTablespace(_) => ("SET TABLESPACE", ANALYZED),
        Kind::SetAccessMethod(_) => ("SET ACCESS METHOD", STORED),
        Kind::SetOptions(_) => ("SET", WITH_OPTIONS),
        Kind::ResetOptions(_) => ("RESET", WITH_OPTIONS),
        Kind::Inherit(_) => ("INHERIT", TABLES),
        Kind::NoInherit(_) => ("NO INHERIT", TABLES),
        Kind::ReplicaIdentity(_) => ("REPLICA IDENTITY", STORED),
        Kind::Trigger { mode, which } => (trigger_action(*mode, which), TABLES),
        Kind::EnableRowSecurity => ("ENABLE ROW SECURITY", TABLES),
        Kind::DisableRowSecurity => ("DISABLE ROW SECURITY", TABLES),
        Kind::ForceRowSecurity => ("FORCE ROW SECURITY", TABLES),
        Kind::NoForceRowSecurity => ("NO FORCE ROW SECURITY", TABLES),
        _ => return None,
    })
}

fn trigger_action(mode: EnableMode, which: &TriggerSelect) -> &'static str {
    match (mode, which) {
        (EnableMode::Enable, TriggerSelect::All) => "ENABLE TRIGGER ALL",
        (EnableMode::Enable, TriggerSelect::User) => "ENABLE TRIGGER USER",
        (EnableMode::Enable, _) => "ENABLE TRIGGER",
        (EnableMode::EnableAlways, _) => "ENABLE ALWAYS TRIGGER",
        (EnableMode::EnableReplica, _) => "ENABLE REPLICA TRIGGER",
        (EnableMode::Disable, TriggerSelect::All) => "DISABLE TRIGGER ALL",
        (EnableMode::Disable, TriggerSelect::User) => "DISABLE TRIGGER USER",
        (EnableMode::Disable, _) => "DISABLE TRIGGER",
    }
}

/// # Errors
/// 42809 `ALTER action … cannot be performed on relation "r"`. PostgreSQL 15, tablecmds.c, ATSimplePermissions.
pub fn check(relation: &Relation, kind: &Kind) -> Result<()> {
    match action(kind) {
        Some((action, kinds)) if !kinds.contains(&relation.kind) => Err(impossible(relation, action)),
        _ => Ok(()),
    }
}

/// An action that a relation's kind does not allow.
pub fn impossible(relation: &Relation, action: &str) -> Error {
    err!(WRONG_OBJECT_TYPE, "ALTER action {action} cannot be performed on relation \"{}\"", relation.name)
        .detail(unsupported(relation.kind))
}

/// PostgreSQL 15, pg_class.c, errdetail_relkind_not_supported.
pub fn unsupported(kind: RelKind) -> String {
    let kinds = match kind {
        Table => "tables",
        Partitioned => "partitioned tables",
        View => "views",
        MatView => "materialized views",
        Sequence => "sequences",
        Index => "indexes",
        PartitionedIndex => "partitioned indexes",
        Composite => "composite types",
        Toast => "TOAST tables",
    };
    format!("This operation is not supported for {kinds}.")
}
