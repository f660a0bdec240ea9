//! What goes on a page, in order, in one piece of memory.

/// Items as they are stored.
#[derive(Clone, Debug, Default)]
pub struct Items {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Items {
    pub fn with_capacity(bytes: usize) -> Items {
        Items { bytes: Vec::with_capacity(bytes), ends: Vec::new() }
    }

    /// Adds an item that comes in two pieces.
    pub fn push(&mut self, head: &[u8], rest: &[u8]) {
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(rest);
        self.ends.push(self.bytes.len());
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn pop(&mut self) -> Vec<u8> {
        let item = self.last().to_vec();
        self.ends.pop();
        self.bytes.truncate(self.bytes.len() - item.len());
        item
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Of all of them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|n| self.get(n))
    }

    pub fn get(&self, n: usize) -> &[u8] {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[n]]
    }

    /// Empty if there is none.
    pub fn first(&self) -> &[u8] {
        if self.ends.is_empty() { &[] } else { self.get(0) }
    }

    pub fn last(&self) -> &[u8] {
        self.len().checked_sub(1).map_or(&[], |n| self.get(n))
    }

    pub fn have_one_length(&self) -> bool {
        let len = self.first().len();
        self.ends.iter().zip(1..).all(|(end, n)| *end == n * len)
    }
}
