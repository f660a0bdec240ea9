//! Memory that is asked for on a statement's behalf. A server whose memory is limited (`ulimit -v`, no overcommitment) is
//! refused some one day; Rust's collections end the process then, and with it every session. So whoever is about to take
//! much, by what a client has sent, asks here first: the statement fails alone, with PostgreSQL's error, while there
//! still is memory for everybody else's small needs.
//!
//! Nothing is held by asking: between the answer and the taking another thread may be faster. [`RESERVE`] is what makes
//! that unlikely to matter.

use super::{Error, Result, SqlState};

/// What must be left beside that which is asked for.
const RESERVE: usize = 64 << 20;
/// Less than this is taken without asking.
pub const MUCH: usize = 4 << 20;

/// Whether the system would give so many bytes. `context`: the name PostgreSQL's error tells, of the memory context that
/// the same is kept in there.
///
/// # Errors
/// 53200. PostgreSQL 15, mcxt.c, MemoryContextAlloc: same texts.
#[cold]
pub fn claim(bytes: usize, context: &str) -> Result<()> {
    claim_with(bytes, bytes, context)
}

/// As [`claim`], where taking so many bytes needs more for a while.
#[cold]
fn claim_with(bytes: usize, needed: usize, context: &str) -> Result<()> {
    let mut probe: Vec<u8> = Vec::new();
    let given = probe.try_reserve_exact(needed.saturating_add(RESERVE));
    // Or the compiler sees that nobody uses it.
    std::hint::black_box(&mut probe);
    given.map_err(|_| {
        Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
            .detail(format!("Failed on request of size {bytes} in memory context \"{context}\"."))
            .place("MemoryContextAlloc", "mcxt.c", 1077)
    })
}

/// As [`claim`] for so many values' bytes, where they are much.
///
/// # Errors
/// 53200.
#[inline]
pub fn claim_much(bytes: usize, context: &str) -> Result<()> {
    if bytes < MUCH { Ok(()) } else { claim(bytes, context) }
}

/// What has been asked for on behalf of something that grows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claimed(usize);

impl Claimed {
    /// It has grown to so many bytes, and may double: to be told every now and then.
    ///
    /// # Errors
    /// 53200 if there is no more.
    #[inline]
    pub fn grown(&mut self, bytes: usize, context: &str) -> Result<()> {
        if bytes < self.0 + MUCH {
            // What has shrunk asks again when it grows.
            self.0 = self.0.min(bytes);
            return Ok(());
        }
        // What doubles may be copied: the old one is there until the new one is filled.
        claim_with(bytes, bytes.saturating_mul(2), context)?;
        self.0 = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_refused() {
        let e = claim(usize::MAX / 4, "ExprContext").unwrap_err();
        assert_eq!((e.sqlstate(), e.0.message.as_str()), (SqlState::OUT_OF_MEMORY, "out of memory"));
        let detail = format!("Failed on request of size {} in memory context \"ExprContext\".", usize::MAX / 4);
        assert_eq!(e.0.detail, Some(detail));
        assert!(claim(1000, "ExprContext").is_ok());
        let mut claimed = Claimed::default();
        assert!(claimed.grown(MUCH, "TupleSort main").is_ok() && claimed.0 == MUCH);
        assert!(claimed.grown(MUCH + 1, "TupleSort main").is_ok() && claimed.0 == MUCH);
        assert!(claimed.grown(10, "TupleSort main").is_ok() && claimed.0 == 10);
    }
}
