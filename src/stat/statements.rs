//! What statements have cost, by their identifiers: the counters of `pg_stat_statements`.
//!
//! PostgreSQL 15, pg_stat_statements.c: same counts, and the same rule for who goes when there are too many. The texts are
//! kept in memory, and bounded by their size, too.

use crate::base::{Oid, Result, clock::now_us};
use crate::err;
use hashbrown::HashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an entry is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct StatementKey {
    pub user: Oid,
    pub database: Oid,
    pub query_id: i64,
    /// The client sent it, not a function.
    pub top_level: bool,
}

/// Times in milliseconds, as a running mean and a sum of squared distances from it (Welford 1962).
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Times {
    pub calls: i64,
    pub total: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub squares: f64,
}

impl Times {
    fn add(&mut self, ms: f64) {
        self.calls += 1;
        self.total += ms;
        if self.calls == 1 {
            (self.min, self.max, self.mean) = (ms, ms, ms);
            return;
        }
        let before = self.mean;
        self.mean += (ms - before) / self.calls as f64;
        self.squares += (ms - before) * (ms - self.mean);
        self.min = self.min.min(ms);
        self.max = self.max.max(ms);
    }

    /// The standard deviation over all of them.
    pub fn deviation(&self) -> f64 {
        if self.calls > 1 { (self.squares / self.calls as f64).sqrt() } else { 0.0 }
    }
}

/// What one run of a statement did beside taking time; pages and bytes of the log.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct Effort {
    pub rows: i64,
    pub hit: i64,
    pub read: i64,
    pub dirtied: i64,
    pub written: i64,
    pub temp_read: i64,
    pub temp_written: i64,
    pub wal_records: i64,
    pub wal_images: i64,
    pub wal_bytes: i64,
}

impl Effort {
    pub fn add(&mut self, other: &Effort) {
        self.rows += other.rows;
        self.hit += other.hit;
        self.read += other.read;
        self.dirtied += other.dirtied;
        self.written += other.written;
        self.temp_read += other.temp_read;
        self.temp_written += other.temp_written;
        self.wal_records += other.wal_records;
        self.wal_images += other.wal_images;
        self.wal_bytes += other.wal_bytes;
    }
}

/// All there is to know of a statement.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct StatementCounts {
    pub plans: Times,
    pub runs: Times,
    pub effort: Effort,
    /// How much it was used lately: the least used go first.
    usage: f64,
}

/// What is to be counted.
pub enum Sample<'a> {
    Planned { ms: f64 },
    Ran { ms: f64, effort: &'a Effort },
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    counts: StatementCounts,
    text: Arc<str>,
}

struct State {
    entries: HashMap<StatementKey, Entry>,
    text_bytes: usize,
    /// How often entries had to go.
    dealloc: i64,
    reset_us: i64,
}

/// One per engine, if `shared_preload_libraries` names `pg_stat_statements`.
pub struct Statements {
    max: usize,
    state: Mutex<State>,
}

/// What is saved, and in which form.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    dealloc: i64,
    reset_us: i64,
    entries: Vec<(StatementKey, Entry)>,
}

const FORMAT: u32 = 1;
/// All texts together take no more.
const TEXT_BYTES: usize = 64 << 20;
/// Of every clearance the usage of those that stay falls by this, and so many in a hundred go, at least ten.
const DECAY: f64 = 0.99;
const PERCENT: usize = 5;

impl Statements {
    pub fn new(max: usize) -> Statements {
        let state = State { entries: HashMap::new(), text_bytes: 0, dealloc: 0, reset_us: now_us() };
        Statements { max, state: Mutex::new(state) }
    }

    /// Counts a statement; its text is asked for when it is new.
    pub fn record(&self, key: StatementKey, sample: &Sample<'_>, text: impl FnOnce() -> Arc<str>) {
        if let Some(entry) = self.state.lock().entries.get_mut(&key) {
            return entry.counts.add(sample);
        }
        let text = text();
        let mut state = self.state.lock();
        while !state.entries.is_empty()
            && (state.entries.len() >= self.max || state.text_bytes + text.len() > TEXT_BYTES)
        {
            state.clear_some();
        }
        state.text_bytes += text.len();
        let entry = Entry { counts: StatementCounts::default(), text };
        // Somebody else may have made it meanwhile.
        if let Some(gone) = state.entries.insert(key, entry) {
            state.text_bytes -= gone.text.len();
            if let Some(entry) = state.entries.get_mut(&key) {
                entry.counts = gone.counts;
            }
        }
        if let Some(entry) = state.entries.get_mut(&key) {
            entry.counts.add(sample);
        }
    }

    /// Every entry, with its text.
    pub fn list(&self) -> Vec<(StatementKey, StatementCounts, Arc<str>)> {
        let state = self.state.lock();
        state.entries.iter().map(|(key, e)| (*key, e.counts.clone(), e.text.clone())).collect()
    }

    /// How often entries had to go, and when all went last.
    pub fn info(&self) -> (i64, i64) {
        let state = self.state.lock();
        (state.dealloc, state.reset_us)
    }

    /// Forgets what one user, one database and one query have in common; 0 stands for all of them.
    pub fn reset(&self, user: Oid, database: Oid, query_id: i64) {
        let mut state = self.state.lock();
        let every = user == Oid::INVALID && database == Oid::INVALID && query_id == 0;
        state.entries.retain(|key, _| {
            user != Oid::INVALID && user != key.user
                || database != Oid::INVALID && database != key.database
                || query_id != 0 && query_id != key.query_id
        });
        state.text_bytes = state.entries.values().map(|e| e.text.len()).sum();
        if every {
            (state.dealloc, state.reset_us) = (0, now_us());
        }
    }

    /// Everything, for a clean stop.
    pub fn save(&self) -> Vec<u8> {
        let state = self.state.lock();
        let entries = state.entries.iter().map(|(key, e)| (*key, e.clone())).collect();
        let saved = Saved { format: FORMAT, dealloc: state.dealloc, reset_us: state.reset_us, entries };
        drop(state);
        let mut bytes = serde_json::to_vec(&saved).unwrap_or_default();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Takes over what was saved; bytes that are not whole change nothing.
    pub fn load(&self, bytes: &[u8]) -> Result<()> {
        let damaged = || err!(DATA_CORRUPTED, "ignoring invalid data in file \"{FILE}\"");
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let saved: Saved = serde_json::from_slice(body).map_err(|_| damaged())?;
        if saved.format != FORMAT {
            return Err(damaged());
        }
        let mut state = self.state.lock();
        (state.dealloc, state.reset_us) = (saved.dealloc, saved.reset_us);
        // There may be room for fewer than before.
        state.entries = saved.entries.into_iter().take(self.max).collect();
        state.text_bytes = state.entries.values().map(|e| e.text.len()).sum();
        Ok(())
    }
}

/// Where they lie between a clean stop and the next start.
pub const FILE: &str = "pg_stat/pg_stat_statements.stat";

impl StatementCounts {
    fn add(&mut self, sample: &Sample<'_>) {
        self.usage += 1.0;
        match sample {
            Sample::Planned { ms } => self.plans.add(*ms),
            Sample::Ran { ms, effort } => {
                self.runs.add(*ms);
                self.effort.add(effort);
            }
        }
    }
}

impl State {
    fn clear_some(&mut self) {
        let mut usages: Vec<(f64, StatementKey)> = Vec::with_capacity(self.entries.len());
        for (key, e) in &mut self.entries {
            e.counts.usage *= DECAY;
            usages.push((e.counts.usage, *key));
        }
        usages.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let many = (usages.len() * PERCENT / 100).max(10);
        for (_, key) in usages.iter().take(many) {
            if let Some(gone) = self.entries.remove(key) {
                self.text_bytes -= gone.text.len();
            }
        }
        self.dealloc += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(query_id: i64) -> StatementKey {
        StatementKey { user: Oid(10), database: Oid(5), query_id, top_level: true }
    }

    fn run(all: &Statements, id: i64, ms: f64) {
        let effort = Effort { rows: 2, ..Effort::default() };
        all.record(key(id), &Sample::Ran { ms, effort: &effort }, || format!("select {id}").into());
    }

    fn counts(all: &Statements, id: i64) -> Option<StatementCounts> {
        all.list().into_iter().find(|(k, ..)| *k == key(id)).map(|(_, c, _)| c)
    }

    /// Means and deviations are those of all runs.
    #[test]
    fn times() {
        let all = Statements::new(100);
        [2.0, 4.0, 9.0].iter().for_each(|ms| run(&all, 7, *ms));
        let c = counts(&all, 7).unwrap();
        assert_eq!((c.runs.calls, c.runs.total, c.runs.min, c.runs.max, c.runs.mean), (3, 15.0, 2.0, 9.0, 5.0));
        assert!((c.runs.deviation() - (26.0f64 / 3.0).sqrt()).abs() < 1e-9);
        assert_eq!(c.effort.rows, 6);
    }

    /// When there are too many the least used ones go, and that is counted.
    #[test]
    fn the_least_used_go() {
        let all = Statements::new(100);
        (1..=100).for_each(|id| run(&all, id, 1.0));
        (11..=100).for_each(|id| run(&all, id, 1.0));
        run(&all, 101, 1.0);
        assert_eq!(all.list().len(), 91);
        assert!(counts(&all, 5).is_none() && counts(&all, 11).is_some() && counts(&all, 101).is_some());
        assert_eq!(all.info().0, 1);
    }

    /// A reset takes what all its conditions name.
    #[test]
    fn resets() {
        let all = Statements::new(100);
        (1..=3).for_each(|id| run(&all, id, 1.0));
        all.reset(Oid(11), Oid::INVALID, 1);
        assert_eq!(all.list().len(), 3);
        all.reset(Oid(10), Oid::INVALID, 1);
        assert_eq!(all.list().len(), 2);
        all.reset(Oid::INVALID, Oid::INVALID, 0);
        assert!(all.list().is_empty());
    }

    /// What was saved is loaded again, and any changed byte is noticed.
    #[test]
    fn round_trip() {
        let all = Statements::new(100);
        run(&all, -3, 1.25);
        let bytes = all.save();
        let other = Statements::new(100);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(other.load(&bad).is_err(), "byte {at}");
        }
        other.load(&bytes).unwrap();
        assert_eq!(counts(&other, -3), counts(&all, -3));
    }
}
