//! Where groups stand in PostgreSQL's hash table of groups. PostgreSQL 15, lib/simplehash.h: open addressing in which
//! who is far from home goes before who is near; its walk goes downwards from the first free place.

use super::hash_key::hash_group;
use crate::types::{Column, TypeRef};

/// Only so many groups are put in order.
pub(crate) const GROUPS_UP_TO: usize = 8 * 1024;
/// How full it may be.
const FULL: f64 = 0.9;
/// It grows when somebody would stand farther from home, or more would have to move, unless it is nearly empty.
const FARTHEST: usize = 25;
const MOST_MOVED: usize = 150;
const NEARLY_EMPTY: f64 = 0.1;
/// Of an entry of the table, of a tuple in memory, and of a piece of memory (executor/nodeAgg.c, hash_agg_entry_size).
const ENTRY: usize = 24;
const TUPLE: usize = 16;
const CHUNK: usize = 16;
/// The state of one call.
const STATE: usize = 16;

/// How many groups of this width, with states of that many calls, PostgreSQL makes room for at first.
pub(crate) fn room_for(expected: f64, width: usize, calls: usize, memory: usize) -> f64 {
    let states = if calls > 0 { CHUNK + calls * STATE } else { 0 };
    let most = memory / (ENTRY + CHUNK + TUPLE + width + states) / 2;
    expected.trunc().min(most as f64).max(1.0)
}

/// The table; its size stays when it is filled anew.
#[derive(Clone, Debug)]
pub(crate) struct GroupTable {
    size: usize,
}

/// Places of the table while groups go in: a group's number + 1, 0 for none.
struct Places<'h> {
    hashes: &'h [u32],
    places: Vec<u32>,
}

impl Places<'_> {
    fn mask(&self) -> usize {
        self.places.len() - 1
    }

    fn home(&self, group: usize) -> usize {
        self.hashes[group] as usize & self.mask()
    }

    /// How far from home who stands here is; None: nobody does.
    fn distance(&self, place: usize) -> Option<usize> {
        let group = self.places[place].checked_sub(1)?;
        Some(place.wrapping_sub(self.home(group as usize)) & self.mask())
    }

    /// False: the table is to grow before.
    fn insert(&mut self, group: usize) -> bool {
        let mask = self.mask();
        let crowded = group as f64 / self.places.len() as f64 >= NEARLY_EMPTY;
        let (mut place, mut far) = (self.home(group), 0);
        loop {
            match self.distance(place) {
                None => {
                    self.places[place] = group as u32 + 1;
                    return true;
                }
                Some(distance) if far > distance => break,
                Some(_) => {}
            }
            place = (place + 1) & mask;
            far += 1;
            if far > FARTHEST && crowded {
                return false;
            }
        }
        // Everybody up to the next free place moves on by one.
        let (mut free, mut moved) = (place, 0);
        loop {
            free = (free + 1) & mask;
            if self.places[free] == 0 {
                break;
            }
            moved += 1;
            if moved > MOST_MOVED && crowded {
                return false;
            }
        }
        while free != place {
            let before = free.wrapping_sub(1) & mask;
            self.places[free] = self.places[before];
            free = before;
        }
        self.places[place] = group as u32 + 1;
        true
    }

    /// Twice the size; everybody goes to the next free place from home on, in the order of the places before.
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.places);
        self.places = vec![0; old.len() * 2];
        let mask = self.mask();
        let is_start = |i: &usize| old[*i] == 0 || self.home(old[*i] as usize - 1) == *i;
        let start = (0..old.len()).find(is_start).unwrap_or(0);
        for group in old[start..].iter().chain(&old[..start]).filter(|g| **g > 0) {
            let mut place = self.home(*group as usize - 1);
            while self.places[place] != 0 {
                place = (place + 1) & mask;
            }
            self.places[place] = *group;
        }
    }
}

impl GroupTable {
    /// With room for that many groups.
    pub fn new(room: f64) -> GroupTable {
        let size = (room / FULL).clamp(2.0, f64::from(1_u32 << 30)) as usize;
        GroupTable { size: size.next_power_of_two() }
    }

    /// Groups, by their hashes in the order in which they were made, in the order in which they come out. `asked`: after
    /// the last one was made the table was asked for one again.
    pub fn walk(&mut self, hashes: &[u32], asked: bool) -> Vec<u32> {
        let mut t = Places { hashes, places: vec![0; self.size] };
        let is_full = |members: usize, t: &Places<'_>| members >= (t.places.len() as f64 * FULL) as usize;
        for group in 0..hashes.len() {
            if is_full(group, &t) {
                t.grow();
            }
            while !t.insert(group) {
                t.grow();
            }
        }
        if asked && is_full(hashes.len(), &t) {
            t.grow();
        }
        self.size = t.places.len();
        let start = t.places.iter().position(|p| *p == 0).unwrap_or(0);
        let (low, high) = t.places.split_at(start);
        low.iter().rev().chain(high.iter().rev()).filter_map(|p| p.checked_sub(1)).collect()
    }

    /// The same for groups whose keys are rows; None: they stay as they are.
    pub fn walk_keys(&mut self, keys: &[&Column], types: &[TypeRef], groups: usize, asked: bool) -> Option<Vec<u32>> {
        let hashes = (0..groups).map(|g| hash_group(keys, types, g)).collect::<Option<Vec<_>>>()?;
        Some(self.walk(&hashes, asked))
    }
}
