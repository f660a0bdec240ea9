//! Operator classes: what the tree keeps of a value, and what can be told from that.

mod area;
mod cube;
mod family;
mod inet;
pub mod interval;
mod numbers;
mod path;
mod range;
mod scalar;
mod sign;
mod text;
mod trigram;

pub use cube::coordinate as cube_coordinate;
pub use family::{Code, Family, note_family};

use crate::base::Result;
use crate::types::{Datum, TypeRef};
use std::fmt::Debug;

/// Bytes the keys of all columns may take together: GIST-4.
pub const ROOM: usize = 2400;

/// `IS NULL` and `IS NOT NULL`, which are no operators.
pub const IS_NULL: i16 = -1;
pub const IS_NOT_NULL: i16 = -2;

/// Whether what is asked holds of the value of a leaf's key, or may hold of a value below an inner key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    No,
    /// The row must be asked.
    Maybe,
    Yes,
}

/// What PostgreSQL's support functions of a class do. Keys of leaves and of inner items have the same form.
pub trait Class: Debug + Send + Sync {
    /// What a leaf keeps of a value (`compress`).
    fn compress(&self, value: Datum<'_>) -> Vec<u8>;

    /// A key that covers both. One that covers another already stays as it is.
    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8>;

    /// How much worse a key gets by covering another one; 0: not at all. Only trees ask.
    fn penalty(&self, _key: &[u8], _new: &[u8]) -> f64 {
        0.0
    }

    /// Which of several keys, not all alike, go to the right half (`picksplit`). Only trees ask.
    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        (0..keys.len()).map(|n| n >= keys.len() / 2).collect()
    }

    /// A question: the strategy's operator with this value, of this type, on its right. `threshold`: what a setting of the
    /// session says of the operator, if there is one.
    ///
    /// # Errors
    /// For a value that cannot be asked about.
    fn query(&self, strategy: i16, value: Datum<'_>, ty: TypeRef, threshold: f64) -> Result<Box<dyn Query>>;
}

/// What is asked of keys.
pub trait Query: Debug + Send {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer;

    /// No value the key stands for or covers is nearer than this.
    fn distance(&self, _key: &[u8], _leaf: bool) -> f64 {
        0.0
    }
}

fn maybe(is: bool) -> Answer {
    if is { Answer::Maybe } else { Answer::No }
}

/// Divides what lies on a line: after sorting by `middle`, where the halves overlap least, if not too near to an end.
/// `overlap(at)`: how much the first `at` and the others overlap.
fn divide(count: usize, middle: impl Fn(usize) -> f64, overlap: impl Fn(&[usize], usize) -> f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| middle(*a).total_cmp(&middle(*b)));
    let (least, most) = ((count * 3 / 10).max(1), (count * 7 / 10).min(count - 1));
    let from_half = |at: &usize| at.abs_diff(count / 2);
    let at = (least..=most.max(least))
        .min_by(|a, b| overlap(&order, *a).total_cmp(&overlap(&order, *b)).then(from_half(a).cmp(&from_half(b))))
        .unwrap_or(count / 2);
    let mut right = vec![false; count];
    order[at..].iter().for_each(|n| right[*n] = true);
    right
}
