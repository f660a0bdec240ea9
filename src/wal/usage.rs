//! What this thread has put into the log: VACUUM (VERBOSE) tells differences of it.

use std::cell::Cell;

/// Records, page images among them, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub records: u64,
    pub images: u64,
    pub bytes: u64,
}

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { records: 0, images: 0, bytes: 0 }) };
}

/// This thread's counters since it started.
pub fn usage() -> Usage {
    USAGE.get()
}

impl Usage {
    /// What was added since `before` was taken on the same thread.
    pub fn since(self, before: Usage) -> Usage {
        Usage {
            records: self.records - before.records,
            images: self.images - before.images,
            bytes: self.bytes - before.bytes,
        }
    }
}

#[inline]
pub(super) fn add(images: u64, bytes: u64) {
    let now = USAGE.get();
    USAGE.set(Usage { records: now.records + 1, images: now.images + images, bytes: now.bytes + bytes });
}
