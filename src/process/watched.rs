//! Descriptors that a runtime watches. The one place that vouches for them.
#![expect(unsafe_code, reason = "the runtime cannot know that a descriptor stays open while it watches it")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// An owner of a descriptor that neither closes nor replaces it while it lives.
pub trait Owner: AsRawFd {}
impl Owner for OwnedFd {}
impl Owner for Arc<OwnedFd> {}

/// Watches for room and for data; must be called within a runtime.
pub fn watch<T: Owner>(fd: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: an `Owner` keeps its descriptor open and the same; nobody calls `get_mut` to replace it.
    unsafe { AsyncFd::register(fd) }.map_err(Into::into)
}

/// Watches for data only (listeners, pidfds); must be called within a runtime.
pub fn watch_input<T: Owner>(fd: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: as in `watch`.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(Into::into)
}

/// Watches for room only; must be called within a runtime.
pub fn watch_room<T: Owner>(fd: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: as in `watch`.
    unsafe { AsyncFd::register_with_interest(fd, Interest::WRITABLE) }.map_err(Into::into)
}
