//! Why a transaction cannot go on, in PostgreSQL's words.

use crate::base::{Error, SqlState, Xid};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    PivotOnWrite,
    PivotOnReadCheck,
    PivotOnWriteCheck,
    PivotOnCommit,
    /// The pivot has begun to commit: the reader must give way.
    OutToPivot(Xid),
    OutToOldPivot(Option<Xid>),
    PivotBeforeOld(Xid),
    InFromCommittingPivot,
    /// No more marks.
    TooManyMarks,
    /// No more edges.
    TooManyEdges,
}

impl Fault {
    #[cold]
    pub fn report(self) -> Error {
        let reason = match self {
            Fault::PivotOnWrite => "identification as a pivot, during write".to_string(),
            Fault::PivotOnReadCheck => "identification as a pivot, during conflict out checking".to_string(),
            Fault::PivotOnWriteCheck => "identification as a pivot, during conflict in checking".to_string(),
            Fault::PivotOnCommit => "identification as a pivot, during commit attempt".to_string(),
            Fault::OutToPivot(xid) => format!("conflict out to pivot {xid}, during read"),
            Fault::OutToOldPivot(None) => "conflict out to old pivot".to_string(),
            Fault::OutToOldPivot(Some(xid)) => format!("conflict out to old pivot {xid}"),
            Fault::PivotBeforeOld(xid) => {
                format!("identification as a pivot, with conflict out to old committed transaction {xid}")
            }
            Fault::InFromCommittingPivot => "commit attempt with conflict in from prepared pivot".to_string(),
            Fault::TooManyMarks => {
                return Error::new(SqlState::OUT_OF_MEMORY, "out of shared memory")
                    .hint("You might need to increase max_pred_locks_per_transaction.");
            }
            Fault::TooManyEdges => {
                let text = "not enough elements in RWConflictPool to record a read/write conflict";
                return Error::new(SqlState::OUT_OF_MEMORY, text)
                    .hint("You might need to run fewer transactions at a time or increase max_connections.");
            }
        };
        let (routine, line) = match self {
            Fault::PivotOnWrite => ("OnConflict_CheckForSerializationFailure", 4820),
            Fault::OutToPivot(_) => ("OnConflict_CheckForSerializationFailure", 4832),
            Fault::PivotOnReadCheck => ("CheckForSerializableConflictOutNeeded", 4125),
            Fault::PivotOnWriteCheck => ("CheckForSerializableConflictIn", 4483),
            Fault::PivotOnCommit | Fault::InFromCommittingPivot => ("PreCommit_CheckForSerializationFailure", 4879),
            _ => ("CheckForSerializableConflictOut", 4193),
        };
        let text = "could not serialize access due to read/write dependencies among transactions";
        Error::new(SqlState::SERIALIZATION_FAILURE, text)
            .detail(format!("Reason code: Canceled on {reason}."))
            .hint("The transaction might succeed if retried.")
            .place(routine, "predicate.c", line)
    }
}
