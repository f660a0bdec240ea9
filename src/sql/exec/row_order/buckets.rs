//! Where rows stand in PostgreSQL's hash table of a join: its walk over rows without partner goes from bucket to bucket,
//! and a bucket has the last row first (PostgreSQL 15, nodeHash.c, ExecScanHashTableForUnmatched).

use super::hash_key::hash_key;
use crate::types::{Column, TypeRef};

/// Only so many rows are put in order.
const ROWS_UP_TO: usize = 16 * 1024;
/// The least number of buckets, and what a row, a tuple and a bucket need beside the row's width.
const LEAST: usize = 1024;
const ROW: usize = 16;
const TUPLE: usize = 16;
const BUCKET: usize = 8;

/// The rows of the table by their keys' hashes; None: a value has none, or they are many.
pub(crate) struct Buckets {
    count: usize,
    hashes: Option<Vec<u32>>,
}

impl Buckets {
    /// For so many rows of this width, as they are expected. PostgreSQL 15, ExecChooseHashTableSize.
    pub fn new(expected: f64, width: usize, memory: usize) -> Buckets {
        let most = (memory / BUCKET).max(1);
        let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
        let rows = if expected <= 0.0 { 1000.0 } else { expected };
        let count = (rows.ceil().min(most as f64) as usize).max(LEAST).next_power_of_two();
        let row = ROW + TUPLE + width.next_multiple_of(8);
        let fits = rows * row as f64 + (count * BUCKET) as f64 <= memory as f64;
        let in_parts = || (memory / (row + BUCKET)).max(1).next_power_of_two().min(most);
        Buckets { count: if fits { count } else { in_parts() }, hashes: Some(Vec::new()) }
    }

    pub fn clear(&mut self) {
        self.hashes = Some(Vec::new());
    }

    pub fn add(&mut self, keys: &[&Column], types: &[TypeRef], rows: usize) {
        let Some(hashes) = &mut self.hashes else { return };
        let fits = hashes.len() + rows <= ROWS_UP_TO;
        let more = fits.then(|| (0..rows).map(|row| hash_key(keys, types, row)).collect::<Option<Vec<_>>>());
        match more.flatten() {
            Some(more) => hashes.extend(more),
            None => self.hashes = None,
        }
    }

    /// The rows as they are walked over.
    pub fn walk(&self) -> Option<Vec<u32>> {
        let hashes = self.hashes.as_ref()?;
        // There are more buckets at the end if the rows are.
        let mut count = self.count;
        while hashes.len() > count {
            count *= 2;
        }
        let mut rows: Vec<u32> = (0..hashes.len() as u32).rev().collect();
        rows.sort_by_key(|row| hashes[*row as usize] as usize & (count - 1));
        Some(rows)
    }
}
