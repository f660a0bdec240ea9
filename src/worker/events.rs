//! What the log tells: a checkpoint is due, a segment is ready for the archiver.

use super::archiver::Bell;
use crate::base::{Severity, report};
use crate::recovery::{CheckpointFlags, Checkpoints};
use crate::wal::Observer;
use std::sync::{Arc, Weak};

/// Hung on the log by the startup; outlives all generations of workers.
pub struct LogEvents {
    /// Weak, since the log is part of what the checkpoints hold.
    pub checkpoints: Weak<Checkpoints>,
    pub bell: Arc<Bell>,
}

impl Observer for LogEvents {
    /// With nobody to make it (the postmaster is dead) the writer logs that and goes on, as PostgreSQL's.
    fn checkpoint_due(&self) {
        self.request(CheckpointFlags::CAUSE_WAL);
    }

    fn disk_full(&self) {
        self.request(CheckpointFlags::IMMEDIATE);
    }

    fn segment_ready(&self) {
        self.bell.ring();
    }
}

impl LogEvents {
    fn request(&self, flags: CheckpointFlags) {
        let Some(checkpoints) = self.checkpoints.upgrade() else { return };
        if let Err(e) = checkpoints.request(flags) {
            report::log(&e.severity(Severity::Log).0);
        }
    }
}
