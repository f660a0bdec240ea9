//! The numbers of an enum's labels: values are kept and compared as numbers, in indexes, too, so that a label's number never
//! changes and lies between those of its neighbours. PostgreSQL, which compares the numbers' places in `pg_enum` where they
//! do not tell, can put any number of labels between two; here that ends when there is no number left.

use super::write::new_oid;
use crate::base::{Error, Oid, Result};
use crate::catalog::object::EnumLabel;
use crate::err;
use crate::sql::exec::ExecContext;

/// Labels of a new type: their numbers say their order, with room between them.
const FIRST: u32 = 1 << 31;
/// The room left after the last label by the next one; labels of a new type have at least this much between them.
const ROOM: u32 = 1 << 16;

/// Numbers the labels of a new type.
pub(super) fn number_labels(cx: &mut ExecContext, labels: &mut [EnumLabel]) -> Result<()> {
    let slots = (labels.len() as u32 + 1).next_power_of_two();
    let room = FIRST / slots;
    if room < ROOM {
        return Err(err!(PROGRAM_LIMIT_EXCEEDED, "an enum can have at most {} labels", FIRST / ROOM - 1));
    }
    // Types have different numbers, as rows of `pg_enum` want it; comparing them needs it not.
    let offset = new_oid(cx)?.0.wrapping_mul(0x9E37_79B1) % room;
    labels.iter_mut().zip(0..).for_each(|(l, n)| l.oid = Oid(FIRST + n * room + offset));
    Ok(())
}

/// Gives labels whole numbers to be sorted by, once two of them have none between them (PostgreSQL 15, pg_enum.c,
/// RenumberEnumType: same).
fn renumber(labels: &mut [EnumLabel]) {
    for (n, label) in labels.iter_mut().enumerate() {
        label.sort = (n + 1) as f32;
    }
}

/// Puts a label at a place among others.
pub(super) fn insert_label(cx: &mut ExecContext, labels: &mut Vec<EnumLabel>, at: usize, label: &str) -> Result<()> {
    let added_by = cx.backend()?.txn.xid().0;
    let (before, after) = (at.checked_sub(1).map(|n| labels[n].clone()), labels.get(at).cloned());
    let (oid, sort) = match (before, after) {
        (None, None) => {
            labels.push(EnumLabel { oid: Oid::INVALID, label: label.to_owned(), sort: 1.0, added_by });
            return number_labels(cx, labels);
        }
        (Some(b), None) if b.oid.0 < FIRST => (new_oid(cx)?.0, b.sort + 1.0),
        (Some(b), None) => (b.oid.0.checked_add(ROOM).unwrap_or(b.oid.0 / 2 + u32::MAX / 2), b.sort + 1.0),
        (None, Some(a)) => (a.oid.0.saturating_sub(if a.oid.0 < FIRST { 1 } else { ROOM }), a.sort - 1.0),
        (Some(b), Some(a)) => {
            let mut sort = b.sort.midpoint(a.sort);
            if sort <= b.sort || sort >= a.sort {
                renumber(labels);
                sort = labels[at - 1].sort + 0.5;
            }
            (number_at(labels, at), sort)
        }
    };
    if labels.iter().any(|l| l.oid.0 == oid) || oid == 0 {
        return Err(Error::unsupported("there is no room between these labels"));
    }
    labels.insert(at, EnumLabel { oid: Oid(oid), label: label.to_owned(), sort, added_by });
    Ok(())
}

/// A number for a label between two. Labels often come one after the other before the same one, or behind it: where the
/// last ones seem to have been put, the next may go to the same side, and gets little of the room.
fn number_at(labels: &[EnumLabel], at: usize) -> u32 {
    let of = |n: usize| labels.get(n).map(|l| l.oid.0);
    let (Some(low), Some(high)) = (of(at - 1), of(at)) else { return 0 };
    let gap = high - low;
    let below = at.checked_sub(2).and_then(of).map_or(u32::MAX, |b| low - b);
    let above = of(at + 1).map_or(u32::MAX, |a| a - high);
    let part = (gap / 32).max(1).min(gap / 2);
    match (below <= gap, above <= gap) {
        (true, false) => low + part,
        (false, true) => high - part,
        _ => low + gap / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(number: u32) -> EnumLabel {
        EnumLabel { oid: Oid(number), label: String::new(), sort: 0.0, added_by: 0 }
    }

    /// How many labels find a place between the two of a new type, the next of them where `place` says.
    fn fit(place: impl Fn(usize, usize) -> usize) -> usize {
        let mut labels = vec![label(FIRST), label(FIRST + FIRST / 4)];
        let mut last = 0;
        for n in 0..1000 {
            let at = place(n, last);
            let number = number_at(&labels, at);
            if labels.iter().any(|l| l.oid.0 == number) {
                return n;
            }
            labels.insert(at, label(number));
            assert!(labels.is_sorted_by(|a, b| a.oid < b.oid));
            last = at;
        }
        1000
    }

    #[test]
    fn room_between_labels() {
        assert!(fit(|n, _| n + 1) > 500, "each before the same label: {}", fit(|n, _| n + 1));
        assert!(fit(|_, _| 1) > 500, "each behind the same label: {}", fit(|_, _| 1));
        let turns = fit(|n, last| if n == 0 { 1 } else { last + n % 2 });
        assert!(turns > 9, "each between the last two: {turns}");
    }
}
