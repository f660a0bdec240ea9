//! The first rows of many, kept in a heap whose top is the last of them. PostgreSQL 15, tuplesort.c: same rules for when
//! a row goes in, since they decide which of several equal rows are among the first and how they come out.

use std::cmp::Ordering;

/// Row numbers; the caller says how two rows compare.
#[derive(Default)]
pub(crate) struct BoundedHeap {
    rows: Vec<u32>,
}

impl BoundedHeap {
    /// The first `bound` rows of `count`; nothing is first of none.
    pub fn of_rows(count: usize, bound: usize, order: &impl Fn(u32, u32) -> Ordering) -> BoundedHeap {
        let mut heap = BoundedHeap { rows: Vec::with_capacity(bound) };
        for row in 0..count as u32 {
            match heap.rows.len() < bound {
                true => heap.insert(row, order),
                false => _ = heap.offer(row, order),
            }
        }
        heap
    }

    /// The last of the rows kept.
    pub fn top(&self) -> Option<u32> {
        self.rows.first().copied()
    }

    /// Takes the row if it comes before the last one kept, in whose place; a row equal to that does not.
    pub fn offer(&mut self, row: u32, order: &impl Fn(u32, u32) -> Ordering) -> bool {
        let taken = self.top().is_some_and(|top| order(row, top) == Ordering::Less);
        if taken {
            self.replace_top(row, order);
        }
        taken
    }

    fn insert(&mut self, row: u32, order: &impl Fn(u32, u32) -> Ordering) {
        let mut at = self.rows.len();
        self.rows.push(row);
        while at > 0 {
            let parent = (at - 1) / 2;
            if order(row, self.rows[parent]) != Ordering::Greater {
                break;
            }
            self.rows[at] = self.rows[parent];
            at = parent;
        }
        self.rows[at] = row;
    }

    fn replace_top(&mut self, row: u32, order: &impl Fn(u32, u32) -> Ordering) {
        let rows = &mut self.rows;
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= rows.len() {
                break;
            }
            if child + 1 < rows.len() && order(rows[child], rows[child + 1]) == Ordering::Less {
                child += 1;
            }
            if order(row, rows[child]) != Ordering::Less {
                break;
            }
            rows[at] = rows[child];
            at = child;
        }
        rows[at] = row;
    }

    /// The rows kept, in no order, to be numbered anew by their places here.
    pub fn renumber(&mut self) -> Vec<u32> {
        let kept = self.rows.clone();
        (0..).zip(&mut self.rows).for_each(|(n, row)| *row = n);
        kept
    }

    pub fn into_sorted(mut self, order: &impl Fn(u32, u32) -> Ordering) -> Vec<u32> {
        let mut sorted = Vec::with_capacity(self.rows.len());
        while let Some(last) = self.rows.pop() {
            sorted.extend(self.top().or(Some(last)));
            if !self.rows.is_empty() {
                self.replace_top(last, order);
            }
        }
        sorted.reverse();
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u32] = &[12, 15, 4, 8, 19];

    /// Recorded at PostgreSQL 15: `select n from unnest(keys) with ordinality u(k, n) order by k limit 5`, the keys
    /// being `i * 7919 % 104729 % 4` of 1 to 60.
    #[test]
    fn ties_as_postgresql() {
        let keys: Vec<u32> = (1..=60_u32).map(|i| i * 7919 % 104_729 % 4).collect();
        let order = |a: u32, b: u32| keys[a as usize].cmp(&keys[b as usize]);
        let mut heap = BoundedHeap::of_rows(11, 5, &order);
        (11..60).for_each(|row| _ = heap.offer(row, &order));
        let rows: Vec<u32> = heap.into_sorted(&order).into_iter().map(|r| r + 1).collect();
        assert_eq!(rows, FIRST);
    }

    #[test]
    fn the_first_rows_of_any_number() {
        for (count, bound) in [(0, 0), (0, 3), (3, 0), (3, 3), (9, 1), (100, 7), (100, 99)] {
            let key = |row: u32| row * 37 % 101;
            let order = |a: u32, b: u32| key(a).cmp(&key(b));
            let mut expected: Vec<u32> = (0..count).collect();
            expected.sort_by_key(|row| key(*row));
            expected.truncate(bound);
            assert_eq!(BoundedHeap::of_rows(count as usize, bound, &order).into_sorted(&order), expected);
        }
    }
}
