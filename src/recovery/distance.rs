//! How much log lies between checkpoints, and what that means for old segments.

/// A moving average of the log between two checkpoints' redo positions.
///
/// PostgreSQL 15, xlog.c, UpdateCheckPointDistanceEstimate: same; it rises at once and falls slowly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    pub last: u64,
    pub estimate: f64,
}

impl Distance {
    pub fn update(&mut self, bytes: u64) {
        self.last = bytes;
        self.estimate = match self.estimate < bytes as f64 {
            true => bytes as f64,
            false => 0.90 * self.estimate + 0.10 * bytes as f64,
        };
    }
}

/// Bounds on `pg_wal`, in segments.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub min_segments: u64,
    pub max_segments: u64,
    pub keep_segments: u64,
    pub completion_target: f64,
}

/// The highest segment number worth keeping as a recycled one.
///
/// PostgreSQL 15, xlog.c, XLOGfileslop: same.
pub fn recycle_to(redo: u64, distance: &Distance, bounds: &Bounds, segment_bytes: u64) -> u64 {
    let base = redo / segment_bytes;
    let low = (base + bounds.min_segments).saturating_sub(1);
    let high = (base + bounds.max_segments).saturating_sub(1);
    // Ten per cent more, since the next checkpoint may start a little late.
    let ahead = (1.0 + bounds.completion_target) * distance.estimate * 1.10;
    let wanted = ((redo as f64 + ahead) / segment_bytes as f64).ceil() as u64;
    wanted.max(low).min(high.max(low))
}

/// The lowest segment number that must stay (PostgreSQL 15, xlog.c, KeepLogSeg: same, without slots).
pub fn keep_from(redo: u64, end: u64, bounds: &Bounds, segment_bytes: u64) -> u64 {
    let (needed, current) = (redo / segment_bytes, end / segment_bytes);
    needed.min(current.saturating_sub(bounds.keep_segments).max(if bounds.keep_segments == 0 { needed } else { 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 16 << 20;
    const BOUNDS: Bounds = Bounds { min_segments: 5, max_segments: 64, keep_segments: 0, completion_target: 0.9 };

    /// The estimate jumps up and creeps down, as in PostgreSQL's log lines.
    #[test]
    fn the_estimate_moves() {
        let mut d = Distance::default();
        d.update(28_033 << 10);
        assert_eq!((d.last >> 10, d.estimate as u64 >> 10), (28_033, 28_033));
        d.update(0);
        assert_eq!((d.last, d.estimate as u64 >> 10), (0, 25_229));
    }

    /// Recycling stays within min_wal_size and max_wal_size.
    #[test]
    fn recycling_is_bounded() {
        let mut d = Distance::default();
        assert_eq!(recycle_to(100 * SEGMENT, &d, &BOUNDS, SEGMENT), 104);
        d.update(10 * SEGMENT);
        assert_eq!(recycle_to(100 * SEGMENT, &d, &BOUNDS, SEGMENT), 121);
        d.update(1000 * SEGMENT);
        assert_eq!(recycle_to(100 * SEGMENT, &d, &BOUNDS, SEGMENT), 163);
    }

    /// `wal_keep_size` holds segments back from the end of the log, redo's segment always stays.
    #[test]
    fn kept_segments() {
        let keep = |n| Bounds { keep_segments: n, ..BOUNDS };
        assert_eq!(keep_from(20 * SEGMENT, 21 * SEGMENT, &keep(0), SEGMENT), 20);
        assert_eq!(keep_from(20 * SEGMENT, 21 * SEGMENT, &keep(10), SEGMENT), 11);
        assert_eq!(keep_from(5 * SEGMENT, 40 * SEGMENT, &keep(10), SEGMENT), 5);
        assert_eq!(keep_from(5 * SEGMENT, 6 * SEGMENT, &keep(10), SEGMENT), 1);
    }
}
