//! Isolation levels.

/// READ UNCOMMITTED behaves as READ COMMITTED, as in PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Isolation {
    ReadUncommitted,
    #[default]
    ReadCommitted,
    RepeatableRead,
    /// As repeatable read, with reads and writes tracked (`mvcc::serializable`).
    Serializable,
}

impl Isolation {
    /// One snapshot for the whole transaction.
    pub fn keeps_snapshot(self) -> bool {
        self >= Isolation::RepeatableRead
    }

    /// As `SHOW transaction_isolation` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "read uncommitted",
            Isolation::ReadCommitted => "read committed",
            Isolation::RepeatableRead => "repeatable read",
            Isolation::Serializable => "serializable",
        }
    }

    pub fn parse(text: &str) -> Option<Isolation> {
        [Isolation::ReadUncommitted, Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable]
            .into_iter()
            .find(|i| i.as_str().eq_ignore_ascii_case(text.trim()))
    }
}
