//! ALTER SYSTEM.

use super::Command;
use crate::base::{Error, Flow, SqlState};
use crate::settings::{Change, alter_system};
use crate::sql::ast::{SetAction, SetVariableStmt};
use crate::sql::exec::ExecContext;

pub fn run(_: &mut Command, cx: &mut ExecContext, stmt: &SetVariableStmt) -> Flow<String> {
    let backend = cx.backend()?;
    backend.prevent_in_block("ALTER SYSTEM")?;
    let name = match &stmt.action {
        SetAction::Value { name, .. } | SetAction::Default(name) | SetAction::Reset(name) => name.as_str(),
        _ => "all",
    };
    if !backend.user.is_superuser {
        let text = match name {
            "all" => "permission denied to perform ALTER SYSTEM RESET ALL".to_string(),
            name => format!("permission denied to set parameter \"{name}\""),
        };
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).into());
    }
    let text;
    let change = match &stmt.action {
        SetAction::Value { name, args } => {
            text = args.iter().map(|a| a.text()).collect::<Vec<_>>().join(", ");
            Change::Set { name, value: &text }
        }
        SetAction::Default(name) | SetAction::Reset(name) => Change::Reset { name },
        SetAction::ResetAll => Change::ResetAll,
        _ => return Err(Error::unsupported("this form of ALTER SYSTEM is not supported").into()),
    };
    alter_system(&backend.instance.settings, change)?;
    Ok("ALTER SYSTEM".into())
}
