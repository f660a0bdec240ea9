//! What a piece of work wants done about damaged pages, and what it met. Kept by thread, since pages are read far below
//! whoever may decide that.

use crate::base::Report;
use std::cell::RefCell;

/// `ignore_checksum_failure` and `zero_damaged_pages`.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tolerance {
    pub ignore_checksums: bool,
    pub zero: bool,
}

/// What was met: warnings for the log and the client, and how many checksums were wrong.
#[derive(Default, Debug)]
pub struct Met {
    pub warnings: Vec<Report>,
    pub checksum_failures: u32,
}

#[derive(Default)]
struct Watch {
    tolerance: Tolerance,
    met: Met,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Runs work with this tolerance, and tells what it met.
pub fn during<T>(tolerance: Tolerance, work: impl FnOnce() -> T) -> (T, Met) {
    WATCH.set(Some(Watch { tolerance, met: Met::default() }));
    let result = work();
    (result, WATCH.take().map(|w| w.met).unwrap_or_default())
}

/// What this thread's work tolerates.
pub(super) fn tolerance() -> Tolerance {
    WATCH.with_borrow(|w| w.as_ref().map(|w| w.tolerance).unwrap_or_default())
}

/// Notes a warning, for whoever watches to tell; who works without a watch has only the log.
pub(super) fn warn(report: Report, checksum: bool) {
    let unwatched = WATCH.with_borrow_mut(|w| match w {
        Some(watch) => {
            watch.met.warnings.push(report);
            watch.met.checksum_failures += u32::from(checksum);
            None
        }
        None => Some(report),
    });
    if let Some(report) = unwatched {
        crate::base::report::log(&report);
    }
}
