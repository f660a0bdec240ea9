//! Dividing the items of a page that is too full.

use super::insert::SPACE;
use super::node;
use super::store::Tree;
use crate::page::POINTER_SIZE;

fn size(items: &[Vec<u8>]) -> usize {
    items.iter().map(|i| i.len() + POINTER_SIZE).sum()
}

impl Tree<'_> {
    /// Groups that each fit on a page, at least two.
    pub(super) fn split(&self, items: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        let mut open = vec![self.halves(items)];
        let mut out = Vec::new();
        while let Some((left, right)) = open.pop() {
            // The left half first: what stays in its block comes first.
            let mut later = Vec::new();
            for half in [left, right] {
                if size(&half) > SPACE { later.push(self.halves(half)) } else { out.push(half) }
            }
            open.extend(later);
        }
        out
    }

    /// Two halves by the first column whose keys differ; neither is empty.
    fn halves(&self, items: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let rows: Vec<Vec<Option<&[u8]>>> = items.iter().map(|i| node::columns(node::keys(i)).collect()).collect();
        let mut right: Vec<bool> = Vec::new();
        for (n, column) in self.columns.iter().enumerate() {
            let keys: Vec<Option<&[u8]>> = rows.iter().map(|r| r.get(n).copied().flatten()).collect();
            if keys.iter().all(|k| *k == keys[0]) {
                continue;
            }
            right = match keys.iter().copied().collect::<Option<Vec<&[u8]>>>() {
                Some(keys) => column.class.split(&keys),
                // NULLs go their own way.
                None => keys.iter().map(Option::is_none).collect(),
            };
            if right.contains(&true) && right.contains(&false) {
                break;
            }
        }
        if !right.contains(&true) || !right.contains(&false) {
            right = (0..items.len()).map(|n| n >= items.len() / 2).collect();
        }
        let mut halves = (Vec::new(), Vec::new());
        for (item, right) in items.into_iter().zip(right) {
            if right { halves.1.push(item) } else { halves.0.push(item) }
        }
        halves
    }
}
