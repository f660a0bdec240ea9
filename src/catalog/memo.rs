//! What the layers above work out from the catalogs again and again, kept for as long as these stay as they are.

use super::view::Generation;
use crate::base::Oid;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::Arc;

/// How many search paths are remembered at once: the session's, and those of views and functions it uses.
const PATHS: usize = 8;

type Made = Arc<dyn Any + Send + Sync>;

/// What was made for each search path, all of one generation.
#[derive(Default)]
pub(super) struct Memo {
    kept: Mutex<(Option<[u64; 3]>, Vec<(SmallVec<[Oid; 6]>, Made)>)>,
}

impl Memo {
    /// What was made for this path while the catalogs were as they are now; otherwise it is made.
    pub fn get<T: Any + Send + Sync>(&self, now: Generation, path: &[Oid], make: impl FnOnce() -> T) -> Arc<T> {
        // The last number only tells which path is the session's.
        let (global, local, own, _) = now;
        let basis = Some([global, local, own]);
        {
            let kept = self.kept.lock();
            let found = kept.1.iter().find(|(of, _)| kept.0 == basis && of.as_slice() == path);
            if let Some(known) = found.and_then(|(_, made)| made.clone().downcast::<T>().ok()) {
                return known;
            }
        }
        let made = Arc::new(make());
        let mut kept = self.kept.lock();
        if kept.0 != basis || kept.1.len() >= PATHS {
            *kept = (basis, Vec::new());
        }
        kept.1.push((path.into(), made.clone()));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_anew_for_another_path_and_another_generation() {
        let memo = Memo::default();
        let get = |now: Generation, path: &[Oid], value: u32| *memo.get(now, path, || value);
        let (a, b) = ([Oid(11)], [Oid(11), Oid(2200)]);
        assert_eq!(get((1, 1, 1, 0), &a, 1), 1);
        assert_eq!(get((1, 1, 1, 5), &a, 2), 1);
        assert_eq!(get((1, 1, 1, 0), &b, 3), 3);
        assert_eq!(get((1, 2, 1, 0), &a, 4), 4);
        assert_eq!(get((1, 2, 1, 0), &b, 5), 5);
        assert_eq!(get((1, 2, 1, 0), &a, 6), 4);
    }
}
