//! Numbers that nobody outside can guess, without a system call for each.

use std::hash::{BuildHasher, RandomState};

/// 64 bits: SipHash under a key that the standard library takes from the system's entropy once per thread and changes with
/// every use. For seeds and cancel keys; what must withstand more (salts, nonces) asks the system.
pub fn number() -> u64 {
    RandomState::new().hash_one(0u8)
}

#[cfg(test)]
mod tests {
    /// Each call gives another one.
    #[test]
    fn numbers_differ() {
        let mut all: Vec<u64> = (0..1000).map(|_| super::number()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1000);
    }
}
