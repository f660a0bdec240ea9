//! The eight table lock modes and which of them exclude each other.

/// PostgreSQL's table lock modes, weakest first (lockdefs.h: same numbers).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum LockMode {
    AccessShare = 1,
    RowShare = 2,
    RowExclusive = 3,
    ShareUpdateExclusive = 4,
    Share = 5,
    ShareRowExclusive = 6,
    Exclusive = 7,
    AccessExclusive = 8,
}

impl LockMode {
    pub const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    /// Bit set of the modes this one excludes (bit n = mode number n). PostgreSQL 15, lock.c, LockConflicts.
    pub const fn conflicts(self) -> u16 {
        const AS: u16 = 1 << 1;
        const RS: u16 = 1 << 2;
        const RX: u16 = 1 << 3;
        const SUX: u16 = 1 << 4;
        const S: u16 = 1 << 5;
        const SRX: u16 = 1 << 6;
        const X: u16 = 1 << 7;
        const AX: u16 = 1 << 8;
        match self {
            LockMode::AccessShare => AX,
            LockMode::RowShare => X | AX,
            LockMode::RowExclusive => S | SRX | X | AX,
            LockMode::ShareUpdateExclusive => SUX | S | SRX | X | AX,
            LockMode::Share => RX | SUX | SRX | X | AX,
            LockMode::ShareRowExclusive => RX | SUX | S | SRX | X | AX,
            LockMode::Exclusive => RS | RX | SUX | S | SRX | X | AX,
            LockMode::AccessExclusive => AS | RS | RX | SUX | S | SRX | X | AX,
        }
    }

    /// As `pg_locks.mode` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            LockMode::AccessShare => "AccessShareLock",
            LockMode::RowShare => "RowShareLock",
            LockMode::RowExclusive => "RowExclusiveLock",
            LockMode::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            LockMode::Share => "ShareLock",
            LockMode::ShareRowExclusive => "ShareRowExclusiveLock",
            LockMode::Exclusive => "ExclusiveLock",
            LockMode::AccessExclusive => "AccessExclusiveLock",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LockMode;

    #[test]
    fn exclusion_is_mutual() {
        for a in LockMode::ALL {
            for b in LockMode::ALL {
                assert_eq!(a.conflicts() >> b as u8 & 1, b.conflicts() >> a as u8 & 1, "{a:?} and {b:?}");
            }
        }
    }
}
