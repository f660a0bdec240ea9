//! Inputs by their next rows, the least one at the top. PostgreSQL 15, lib/binaryheap.c as nodeMergeAppend.c uses it:
//! which of several equal rows comes first depends on how its heap moves.

use std::cmp::Ordering;

/// Numbers of inputs; the caller says how the next rows of two compare.
#[derive(Default)]
pub(crate) struct MergeHeap {
    inputs: Vec<usize>,
}

impl MergeHeap {
    /// The inputs that have a row, ascending.
    pub fn build(inputs: Vec<usize>, order: &impl Fn(usize, usize) -> Ordering) -> MergeHeap {
        let mut heap = MergeHeap { inputs };
        (0..heap.inputs.len() / 2).rev().for_each(|at| heap.sift_down(at, order));
        heap
    }

    pub fn first(&self) -> Option<usize> {
        self.inputs.first().copied()
    }

    /// The first input has another row.
    pub fn advanced(&mut self, order: &impl Fn(usize, usize) -> Ordering) {
        self.sift_down(0, order);
    }

    /// The first input has no more rows.
    pub fn remove_first(&mut self, order: &impl Fn(usize, usize) -> Ordering) {
        if !self.inputs.is_empty() {
            self.inputs.swap_remove(0);
            self.sift_down(0, order);
        }
    }

    fn sift_down(&mut self, mut at: usize, order: &impl Fn(usize, usize) -> Ordering) {
        let inputs = &mut self.inputs;
        let before = |a: usize, b: usize| order(a, b) == Ordering::Less;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let mut next = at;
            if left < inputs.len() && before(inputs[left], inputs[at]) {
                next = left;
            }
            if right < inputs.len()
                && before(inputs[right], inputs[at])
                && (next == at || before(inputs[right], inputs[left]))
            {
                next = right;
            }
            if next == at {
                return;
            }
            inputs.swap(at, next);
            at = next;
        }
    }
}
