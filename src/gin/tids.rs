//! Sets of row addresses, ascending and without repetition; where memory is short, whole pages stand for their rows.

use crate::base::TupleId;

/// The offset of an address that means all rows of its page.
pub const WHOLE_PAGE: u16 = 0;

/// Puts addresses in order; rows of a page that is there as a whole go.
pub fn tidy(tids: &mut Vec<TupleId>) {
    if !tids.is_sorted() {
        tids.sort_unstable();
    }
    let mut whole = None;
    let mut last = None;
    tids.retain(|t| {
        if t.offset == WHOLE_PAGE {
            let new = whole != Some(t.block);
            whole = Some(t.block);
            return new;
        }
        let new = whole != Some(t.block) && last != Some(*t);
        last = Some(*t);
        new
    });
}

/// If there are more than `most`: their pages instead. (Ascending or not.)
pub fn condense(tids: &mut Vec<TupleId>, most: usize) {
    if tids.len() > most {
        tids.iter_mut().for_each(|t| t.offset = WHOLE_PAGE);
        tidy(tids);
    }
}

/// The rows in both.
pub fn intersect(a: &[TupleId], b: &[TupleId]) -> Vec<TupleId> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.block != y.block {
            if x.block < y.block {
                i += 1
            } else {
                j += 1
            }
            continue;
        }
        match (x.offset == WHOLE_PAGE, y.offset == WHOLE_PAGE) {
            // A whole page stands alone in its block.
            (true, _) => {
                out.push(*y);
                j += 1;
            }
            (_, true) => {
                out.push(*x);
                i += 1;
            }
            _ => match x.offset.cmp(&y.offset) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    out.push(*x);
                    (i, j) = (i + 1, j + 1);
                }
            },
        }
    }
    out
}
