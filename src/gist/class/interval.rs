//! Spans on a line, whose ends are byte strings that memcmp orders: what ranges, networks and scalars have in common.
//!
//! An end stands between values: before a value it is the value's key and 0, behind it the key and 2; the line begins
//! at nothing and ends at 0xFF. A span covers what lies between its ends.
//!
//! Key: flags u8 (1: there is a span, 2: the empty one is covered, too, 4: the ends were rounded outwards), then the
//! length of the lower end u16, it, and the upper end.

use super::{Answer, divide};

const SPAN: u8 = 1;
const EMPTY: u8 = 2;
const ROUNDED: u8 = 4;
const VALUE: u8 = 0x80;

/// Two ends, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub ends: Option<(Vec<u8>, Vec<u8>)>,
    pub rounded: bool,
}

/// Where the line begins.
pub fn start() -> Vec<u8> {
    Vec::new()
}

/// Where the line ends.
pub fn end() -> Vec<u8> {
    vec![0xFF]
}

fn beside(key: &[u8], last: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 2);
    out.push(VALUE);
    out.extend_from_slice(key);
    out.push(last);
    out
}

/// The place just before a value.
pub fn before(key: &[u8]) -> Vec<u8> {
    beside(key, 0)
}

/// The place just behind a value.
pub fn behind(key: &[u8]) -> Vec<u8> {
    beside(key, 2)
}

impl Span {
    pub fn new(lower: Vec<u8>, upper: Vec<u8>) -> Span {
        Span { ends: Some((lower, upper)), rounded: false }
    }

    /// A single value.
    pub fn of_value(key: &[u8]) -> Span {
        Span::new(before(key), behind(key))
    }

    /// As a key. Ends longer than `room` allows are rounded outwards.
    pub fn to_key(&self, room: usize) -> Vec<u8> {
        let Some((lower, upper)) = &self.ends else { return vec![EMPTY] };
        let longest = room.saturating_sub(8) / 2;
        let mut rounded = self.rounded;
        let lower = match lower.len() > longest {
            true => {
                rounded = true;
                &lower[..longest]
            }
            false => lower,
        };
        let upper = match upper.len() > longest {
            true => {
                rounded = true;
                // The next prefix of that length: it is above all that start with this one.
                let mut cut = upper[..longest].to_vec();
                while cut.last() == Some(&0xFF) {
                    cut.pop();
                }
                if let Some(last) = cut.last_mut() {
                    *last += 1;
                }
                cut
            }
            false => upper.clone(),
        };
        make(SPAN | if rounded { ROUNDED } else { 0 }, lower, &upper)
    }
}

fn make(flags: u8, lower: &[u8], upper: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(3 + lower.len() + upper.len());
    out.push(flags);
    out.extend_from_slice(&(lower.len() as u16).to_le_bytes());
    out.extend_from_slice(lower);
    out.extend_from_slice(upper);
    out
}

/// A key taken apart.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub ends: Option<(&'a [u8], &'a [u8])>,
    pub empty: bool,
    pub rounded: bool,
}

impl<'a> View<'a> {
    /// Damaged bytes read as everything.
    pub fn new(key: &'a [u8]) -> View<'a> {
        let all = View { ends: Some((&[], &[0xFF])), empty: true, rounded: true };
        let Some((&flags, rest)) = key.split_first() else { return all };
        let (empty, rounded) = (flags & EMPTY != 0, flags & ROUNDED != 0);
        if flags & SPAN == 0 {
            return View { ends: None, empty, rounded };
        }
        let ends = rest.split_first_chunk::<2>().and_then(|(n, r)| r.split_at_checked(u16::from_le_bytes(*n) as usize));
        match ends {
            Some(ends) => View { ends: Some(ends), empty, rounded },
            None => all,
        }
    }
}

pub fn union(a: &[u8], b: &[u8]) -> Vec<u8> {
    let flags = a.first().copied().unwrap_or(0) | b.first().copied().unwrap_or(0);
    match (View::new(a).ends, View::new(b).ends) {
        (Some(x), Some(y)) => make(flags, x.0.min(y.0), x.1.max(y.1)),
        (Some(x), None) | (None, Some(x)) => make(flags, x.0, x.1),
        (None, None) => vec![flags],
    }
}

/// An end as a number, monotonous: good enough to weigh by.
fn place(end: &[u8]) -> f64 {
    match end.first() {
        None => -1.0,
        Some(&VALUE) => end[1..].iter().take(9).rev().fold(0.0, |sum, b| (sum + f64::from(*b)) / 256.0),
        Some(_) => 2.0,
    }
}

/// The part of both that tells them from each other, so that far along the line small differences count, too.
pub fn gap(from: &[u8], to: &[u8]) -> f64 {
    if from >= to {
        return 0.0;
    }
    (place(to) - place(from)).max(f64::MIN_POSITIVE)
}

pub fn penalty(key: &[u8], new: &[u8]) -> f64 {
    let (key, new) = (View::new(key), View::new(new));
    match (key.ends, new.ends) {
        (Some(k), Some(n)) => gap(n.0, k.0) + gap(k.1, n.1),
        // The empty ones stay together, and apart from the others.
        (None, None) => 0.0,
        (Some(_), None) => {
            if key.empty {
                0.0
            } else {
                4.0
            }
        }
        (None, Some(_)) => 8.0,
    }
}

pub fn split(keys: &[&[u8]]) -> Vec<bool> {
    let views: Vec<View<'_>> = keys.iter().map(|k| View::new(k)).collect();
    let empty = |v: &View<'_>| v.ends.is_none();
    if views.iter().any(empty) && !views.iter().all(empty) {
        return views.iter().map(empty).collect();
    }
    let ends = |n: usize| views[n].ends.unwrap_or((&[], &[]));
    // By rank, which bytes in common at the beginning do not blur.
    let mut rank: Vec<usize> = (0..keys.len()).collect();
    rank.sort_by(|a, b| ends(*a).cmp(&ends(*b)));
    let mut place_of = vec![0; keys.len()];
    rank.iter().enumerate().for_each(|(at, n)| place_of[*n] = at);
    let mut highest: Vec<&[u8]> = Vec::with_capacity(keys.len());
    for n in &rank {
        let upper = ends(*n).1;
        highest.push(highest.last().map_or(upper, |h| upper.max(h)));
    }
    divide(keys.len(), |n| place_of[n] as f64, |order, at| gap(ends(order[at]).0, highest[at - 1]))
}

/// What can be asked of a span `c` with another one, `q`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    Before,
    OverLeft,
    Overlaps,
    OverRight,
    After,
    Adjacent,
    Contains,
    ContainedBy,
    Equals,
    Differs,
    /// It begins no later.
    BeginsBy,
}

impl Relation {
    /// Whether it holds of the key's own span.
    fn exact(self, key: View<'_>, q: &Span) -> bool {
        use Relation::*;
        let (Some((l, h)), Some((ql, qh))) = (key.ends, q.ends.as_ref().map(|(l, h)| (l.as_slice(), h.as_slice())))
        else {
            return match self {
                Contains => q.ends.is_none(),
                ContainedBy => key.ends.is_none(),
                Equals => key.ends.is_none() && q.ends.is_none(),
                Differs => key.ends.is_some() || q.ends.is_some(),
                _ => false,
            };
        };
        match self {
            Before => h <= ql,
            OverLeft => h <= qh,
            Overlaps => l < qh && ql < h,
            OverRight => l >= ql,
            After => l >= qh,
            Adjacent => h == ql || l == qh,
            Contains => l <= ql && qh <= h,
            ContainedBy => ql <= l && h <= qh,
            Equals => l == ql && h == qh,
            Differs => l != ql || h != qh,
            BeginsBy => l <= ql,
        }
    }

    /// Whether it may hold of a span inside of the key's.
    fn inside(self, key: View<'_>, q: &Span) -> bool {
        use Relation::*;
        let Some((ql, qh)) = q.ends.as_ref().map(|(l, h)| (l.as_slice(), h.as_slice())) else {
            return match self {
                Contains | Differs => true,
                ContainedBy | Equals => key.empty,
                _ => false,
            };
        };
        let Some((l, h)) = key.ends else {
            return matches!(self, ContainedBy | Differs);
        };
        match self {
            Before => l < ql,
            OverLeft => l < qh,
            Overlaps => l < qh && ql < h,
            OverRight => h > ql,
            After => h > qh,
            Adjacent => l < ql && ql <= h || l <= qh && qh < h,
            Contains | Equals => l <= ql && qh <= h,
            ContainedBy => key.empty || l < qh && ql < h,
            Differs => true,
            BeginsBy => l <= ql,
        }
    }

    /// `lossy`: the key says less than the value.
    pub fn ask(self, key: &[u8], q: &Span, leaf: bool, lossy: bool) -> Answer {
        let view = View::new(key);
        match leaf && !view.rounded && !q.rounded && !lossy {
            true if self.exact(view, q) => Answer::Yes,
            true => Answer::No,
            false => super::maybe(self.inside(view, q)),
        }
    }
}
