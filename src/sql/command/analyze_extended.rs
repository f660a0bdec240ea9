//! What ANALYZE finds out for extended statistics: how many values columns have together, and which of them decide which.
//! PostgreSQL 15, mvdistinct.c and dependencies.c: same estimators. Most common values are not gathered.

use crate::base::Result;
use crate::catalog::object::{ExtendedStats, Statistics};
use crate::types::{Column, Datum};
use hashbrown::HashMap;

/// The values of some columns in a sample's rows, as numbers: equal ones have equal numbers.
pub struct Sampled {
    attnos: Vec<i16>,
    ids: Vec<Vec<u32>>,
    rows: usize,
    total: f64,
}

fn numbers(column: &Column, rows: usize) -> Vec<u32> {
    let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        let key = match column.get(row) {
            Datum::Null => Vec::new(),
            Datum::Bytes(b) => [&[1], b].concat(),
            other => format!("{other:?}").into_bytes(),
        };
        let next = known.len() as u32;
        out.push(*known.entry(key).or_insert(next));
    }
    out
}

impl Sampled {
    /// `total`: rows of the table.
    pub fn new(attnos: &[i16], columns: &[Column], rows: usize, total: f64) -> Sampled {
        let ids = columns.iter().map(|c| numbers(c, rows)).collect();
        Sampled { attnos: attnos.to_vec(), ids, rows, total }
    }

    /// The statistics a definition asks for; None: it reads columns that were not sampled, or expressions.
    pub fn of(&self, s: &Statistics, check: &mut dyn FnMut() -> Result<()>) -> Result<Option<ExtendedStats>> {
        let place = |attno: &i16| self.attnos.iter().position(|a| a == attno);
        let Some(places) = s.columns.iter().map(place).collect::<Option<Vec<usize>>>() else { return Ok(None) };
        let mut found = ExtendedStats { statistics: s.oid, distinct: Vec::new(), dependencies: Vec::new() };
        if self.rows == 0 || places.len() < 2 {
            return Ok(None);
        }
        for size in 2..=places.len() {
            for set in combinations(places.len(), size) {
                check()?;
                let set: Vec<usize> = set.into_iter().map(|n| places[n]).collect();
                if s.kinds.contains(&'d') {
                    found.distinct.push((self.names(&set), self.distinct(&set)));
                }
            }
            if s.kinds.contains(&'f') {
                for set in combinations(places.len(), size) {
                    check()?;
                    let set: Vec<usize> = set.into_iter().map(|n| places[n]).collect();
                    self.dependencies(&set, &mut found);
                }
            }
        }
        Ok(Some(found))
    }

    fn names(&self, set: &[usize]) -> Vec<i16> {
        set.iter().map(|n| self.attnos[*n]).collect()
    }

    fn row(&self, set: &[usize], row: usize) -> Vec<u32> {
        set.iter().map(|n| self.ids[*n][row]).collect()
    }

    /// The estimator of Haas and Stokes, as for single columns.
    fn distinct(&self, set: &[usize]) -> f64 {
        let mut groups: HashMap<Vec<u32>, u32> = HashMap::new();
        (0..self.rows).for_each(|r| *groups.entry(self.row(set, r)).or_default() += 1);
        let (d, n) = (groups.len() as f64, self.rows as f64);
        let once = groups.values().filter(|c| **c == 1).count() as f64;
        let estimate = n * d / ((n - once) + once * n / self.total);
        (estimate.clamp(d, self.total.max(d)) + 0.5).floor()
    }

    /// For how many of the rows the others decide each column.
    fn dependencies(&self, set: &[usize], found: &mut ExtendedStats) {
        for (n, last) in set.iter().enumerate().rev() {
            let mut from = set.to_vec();
            from.remove(n);
            let mut groups: HashMap<Vec<u32>, (u32, bool, u32)> = HashMap::new();
            for r in 0..self.rows {
                let value = self.ids[*last][r];
                let group = groups.entry(self.row(&from, r)).or_insert((value, true, 0));
                group.1 &= group.0 == value;
                group.2 += 1;
            }
            let decided: u32 = groups.values().filter(|g| g.1).map(|g| g.2).sum();
            if decided > 0 {
                let degree = f64::from(decided) / self.rows as f64;
                found.dependencies.push((self.names(&from), self.attnos[*last], degree));
            }
        }
    }
}

/// All ascending choices of `size` among `count`, in order.
fn combinations(count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut out = Vec::new();
    let mut present: Vec<usize> = (0..size).collect();
    loop {
        out.push(present.clone());
        let Some(at) = (0..size).rev().find(|at| present[*at] < count - size + at) else { return out };
        present[at] += 1;
        for next in at + 1..size {
            present[next] = present[next - 1] + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Choices come in lexical order, and none is missing.
    #[test]
    fn all_combinations() {
        assert_eq!(combinations(3, 2), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(combinations(4, 4), [[0, 1, 2, 3]]);
        assert_eq!(combinations(5, 3).len(), 10);
    }
}
