//! CHECKPOINT.

use super::Command;
use crate::base::{Error, Flow, SqlState, Stop, Wait};
use crate::recovery::CheckpointFlags;
use crate::sql::exec::ExecContext;

/// The request's number, once it is made.
struct Requested;

pub fn run(cmd: &mut Command, cx: &mut ExecContext) -> Flow<String> {
    if cmd.progress.is_some() {
        // The session has awaited the checkpoint, and would have failed with it.
        return Ok("CHECKPOINT".into());
    }
    let backend = cx.backend()?;
    if !backend.user.is_superuser && !super::role::is_member(backend, "pg_checkpoint") {
        return Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT",
        )
        .place("standard_ProcessUtility", "utility.c", 951)
        .into());
    }
    let flags = CheckpointFlags::IMMEDIATE | CheckpointFlags::FORCE | CheckpointFlags::WAIT;
    let number = backend.instance.checkpoints.request(flags)?;
    cmd.progress = Some(Box::new(Requested));
    Stop::wait(Wait::Checkpoint(number))
}
