//! In which order the parts of one ALTER TABLE are done: what is dropped makes room first, what is added is there when it
//! is spoken of.
//!
//! PostgreSQL 15, tablecmds.c, ATPrepCmd and AlterTablePass: same passes.

use crate::sql::ast::{AlterTableKind as Kind, ConstraintKind};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pass {
    Drop,
    AlterType,
    AddColumn,
    ColumnAttributes,
    AddIndexConstraint,
    AddOtherConstraint,
    Misc,
    Move,
}

/// The pass a part belongs to; those of one pass keep their order.
pub fn of(kind: &Kind) -> Pass {
    match kind {
        Kind::DropColumn { .. }
        | Kind::DropConstraint { .. }
        | Kind::DropDefault { .. }
        | Kind::DropNotNull { .. }
        | Kind::DropExpression { .. }
        | Kind::DropIdentity { .. } => Pass::Drop,
        Kind::AlterType { .. } => Pass::AlterType,
        Kind::AddColumn { .. } => Pass::AddColumn,
        Kind::SetNotNull { .. } => Pass::ColumnAttributes,
        Kind::AddConstraint(c) => match c.kind {
            ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => {
                Pass::AddIndexConstraint
            }
            _ => Pass::AddOtherConstraint,
        },
        Kind::SetDefault { .. } | Kind::AddIdentity { .. } => Pass::AddOtherConstraint,
        Kind::SetTablespace(_) => Pass::Move,
        _ => Pass::Misc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::ast::Stmt;

    /// The drop comes first, the constraint after the column it is about.
    #[test]
    fn parts_are_sorted_by_pass() {
        let text = "alter table t add check (b > 0), add b int, drop a, alter c type int, add unique (b), alter b set not null";
        let raw = crate::sql::parse::parse(text).expect("valid").pop().expect("one");
        let Stmt::AlterTable(stmt) = raw.stmt else { panic!("no ALTER TABLE") };
        let passes: Vec<Pass> = stmt.commands.iter().map(|c| of(&c.kind)).collect();
        use Pass::*;
        assert_eq!(passes, [AddOtherConstraint, AddColumn, Drop, AlterType, AddIndexConstraint, ColumnAttributes]);
        assert!(Drop < AlterType && AlterType < AddColumn && AddColumn < AddIndexConstraint);
    }
}
