//! What EXPLAIN ANALYZE says of the rows that INSERT … ON CONFLICT and MERGE met.

use crate::sql::exec::instrument::NodeStats;

#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    /// Of INSERT … ON CONFLICT.
    pub conflicts: Option<Conflicts>,
    /// Of MERGE.
    pub merged: Option<Merged>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Conflicts {
    pub inserted: u64,
    pub met: u64,
    /// Whose condition did not hold.
    pub filtered: u64,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Merged {
    pub rows: u64,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

impl Tally {
    /// PostgreSQL 15, explain.c, show_modifytable_info: same lines.
    pub fn report(&self, stats: &mut NodeStats) {
        if let Some(c) = self.conflicts {
            let removed = (c.filtered > 0).then(|| format!("Rows Removed by Conflict Filter: {}", c.filtered));
            stats.notes = removed.into_iter().collect();
            stats.notes.push(format!("Tuples Inserted: {}", c.inserted));
            stats.notes.push(format!("Conflicting Tuples: {}", c.met));
        }
        if let Some(m) = self.merged.filter(|m| m.rows > 0) {
            let skipped = m.rows.saturating_sub(m.inserted + m.updated + m.deleted);
            let parts =
                [("inserted", m.inserted), ("updated", m.updated), ("deleted", m.deleted), ("skipped", skipped)];
            let parts = parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!(" {word}={n}"));
            stats.notes = vec![format!("Tuples:{}", parts.collect::<String>())];
        }
    }

    pub fn conflict(&mut self) -> &mut Conflicts {
        self.conflicts.get_or_insert_default()
    }

    pub fn merge(&mut self) -> &mut Merged {
        self.merged.get_or_insert_default()
    }
}
