//! Bentley and McIlroy, "Engineering a sort function" (1993), with a look for sorted input before each partition:
//! PostgreSQL 15 sorts what fits in memory this way (lib/sort_template.h), so where it leaves equal rows is what its
//! users see.

use std::cmp::Ordering;

/// Below this many insertion sort.
const SMALL: usize = 7;
/// From here on the middle of three is taken of three middles.
const NINTHER: usize = 40;

/// The place of the middle one of three.
fn middle<T>(items: &[T], a: usize, b: usize, c: usize, order: &impl Fn(&T, &T) -> Ordering) -> usize {
    let order = |x: usize, y: usize| order(&items[x], &items[y]);
    if order(a, b) == Ordering::Less {
        match (order(b, c), order(a, c)) {
            (Ordering::Less, _) => b,
            (_, Ordering::Less) => c,
            _ => a,
        }
    } else {
        match (order(b, c), order(a, c)) {
            (Ordering::Greater, _) => b,
            (_, Ordering::Less) => a,
            _ => c,
        }
    }
}

/// The place the items are parted around.
fn pivot<T>(items: &[T], order: &impl Fn(&T, &T) -> Ordering) -> usize {
    let n = items.len();
    let (mut low, mut mid, mut high) = (0, n / 2, n - 1);
    if n == SMALL {
        return mid;
    }
    if n > NINTHER {
        let step = n / 8;
        low = middle(items, low, low + step, low + 2 * step, order);
        mid = middle(items, mid - step, mid, mid + step, order);
        high = middle(items, high - 2 * step, high - step, high, order);
    }
    middle(items, low, mid, high, order)
}

fn swap_runs<T>(items: &mut [T], from: usize, to: usize, len: usize) {
    (0..len).for_each(|i| items.swap(from + i, to + i));
}

/// Parts the items around a pivot; how many are less, and how many greater.
fn part<T>(items: &mut [T], order: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let n = items.len();
    items.swap(0, pivot(items, order));
    // Equal ones are gathered at both ends first: below `equal_low`, and above `equal_high`.
    let (mut equal_low, mut low, mut high, mut equal_high) = (1, 1, n - 1, n - 1);
    loop {
        while low <= high {
            match order(&items[low], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(equal_low, low);
                    equal_low += 1;
                }
                Ordering::Less => {}
            }
            low += 1;
        }
        while low <= high {
            match order(&items[high], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(high, equal_high);
                    equal_high -= 1;
                }
                Ordering::Greater => {}
            }
            high -= 1;
        }
        if low > high {
            break;
        }
        items.swap(low, high);
        low += 1;
        high -= 1;
    }
    let (less, greater) = (low - equal_low, equal_high - high);
    let run = equal_low.min(less);
    swap_runs(items, 0, low - run, run);
    let run = greater.min(n - equal_high - 1);
    swap_runs(items, low, n - run, run);
    (less, greater)
}

pub(crate) fn quicksort<T>(mut items: &mut [T], order: &impl Fn(&T, &T) -> Ordering) {
    loop {
        let n = items.len();
        if n < SMALL {
            for end in 1..n {
                let mut at = end;
                while at > 0 && order(&items[at - 1], &items[at]) == Ordering::Greater {
                    items.swap(at, at - 1);
                    at -= 1;
                }
            }
            return;
        }
        if items.windows(2).all(|w| order(&w[0], &w[1]) != Ordering::Greater) {
            return;
        }
        let (less, greater) = part(items, order);
        let (left, right) = items.split_at_mut(n - greater);
        // The smaller part is recursed into: the depth stays logarithmic.
        let (small, large) = if less <= greater { (&mut left[..less], right) } else { (right, &mut left[..less]) };
        quicksort(small, order);
        items = large;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIES_6: &[usize] = &[2, 4, 6, 1, 3, 5];
    const TIES_7: &[usize] = &[4, 2, 6, 1, 5, 7, 3];
    const TIES_25: &[usize] =
        &[16, 19, 22, 9, 25, 12, 6, 3, 5, 18, 2, 8, 21, 11, 15, 24, 13, 4, 7, 10, 1, 14, 17, 20, 23];
    const TIES_60: &[usize] = &[
        45, 60, 30, 12, 19, 8, 23, 4, 15, 41, 49, 56, 38, 34, 44, 48, 14, 52, 55, 59, 18, 22, 7, 26, 29, 3, 33, 37, 11,
        40, 47, 32, 54, 58, 10, 36, 21, 51, 25, 2, 6, 28, 43, 17, 53, 5, 9, 13, 16, 20, 24, 27, 31, 35, 39, 42, 46, 50,
        1, 57,
    ];

    fn sorted(keys: &[u32]) -> Vec<usize> {
        let mut items: Vec<(u32, usize)> = keys.iter().copied().zip(1..).collect();
        quicksort(&mut items, &|a, b| a.0.cmp(&b.0));
        assert!(items.windows(2).all(|w| w[0].0 <= w[1].0));
        items.into_iter().map(|i| i.1).collect()
    }

    /// Where equal keys come to stand: recorded at PostgreSQL 15,
    /// `select array_agg(n) from (select n from unnest(keys) with ordinality u(k, n) order by k) s`.
    #[test]
    fn ties_as_postgresql() {
        let keys = |n: u32, of: u32| (1..=n).map(|i| i * 7919 % 104_729 % of).collect::<Vec<_>>();
        assert_eq!(sorted(&keys(6, 2)), TIES_6);
        assert_eq!(sorted(&keys(7, 2)), TIES_7);
        assert_eq!(sorted(&keys(25, 3)), TIES_25);
        assert_eq!(sorted(&keys(60, 4)), TIES_60);
    }

    #[test]
    fn any_length_is_sorted() {
        let mut x = 1_u32;
        for n in 0..200 {
            let mut next = || {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (x >> 16) % (n / 2 + 1)
            };
            let keys: Vec<u32> = (0..n).map(|_| next()).collect();
            let mut rows = sorted(&keys);
            rows.sort_unstable();
            assert!(rows.into_iter().eq(1..=n as usize));
        }
    }
}
