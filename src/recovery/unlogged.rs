//! Unlogged relations after a crash: their forks go, and the init fork becomes the main fork.

use crate::base::{Fork, Oid, RelFileId, Result};
use crate::disk::tablespace::{self, DatabaseFolder};
use crate::disk::{Disk, access_error, durable};
use std::collections::BTreeSet;

/// The two halves, before and after redo (PostgreSQL 15, reinit.c, ResetUnloggedRelations: same).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reset {
    /// Removes all forks but the init fork.
    Cleanup,
    /// Copies the init forks over the main forks, durably.
    Init,
}

/// Resets the unlogged relations of all databases.
pub fn reset(disk: &dyn Disk, what: Reset) -> Result<()> {
    for DatabaseFolder { path: dir, .. } in tablespace::database_folders(disk)? {
        let files = list(disk, &dir)?;
        let unlogged: BTreeSet<&str> = files.iter().filter_map(|name| name.strip_suffix("_init")).collect();
        if unlogged.is_empty() {
            continue;
        }
        match what {
            Reset::Cleanup => cleanup(disk, &dir, &files, &unlogged)?,
            Reset::Init => init(disk, &dir, &unlogged)?,
        }
    }
    Ok(())
}

/// The unlogged relations of all databases.
pub fn relations(disk: &dyn Disk) -> Result<BTreeSet<RelFileId>> {
    let mut found = BTreeSet::new();
    for DatabaseFolder { space, db, path } in tablespace::database_folders(disk)? {
        let files = list(disk, &path)?;
        let nodes = files.iter().filter_map(|name| name.strip_suffix("_init")?.parse().ok());
        found.extend(nodes.map(|node| RelFileId { db, node: Oid(node), space }));
    }
    Ok(found)
}

fn list(disk: &dyn Disk, dir: &str) -> Result<Vec<String>> {
    let entries = disk.list(dir).map_err(|e| access_error(format!("open directory \"{dir}\""), &e))?;
    Ok(entries.into_iter().filter(|e| !e.is_dir).map(|e| e.name).collect())
}

fn cleanup(disk: &dyn Disk, dir: &str, files: &[String], unlogged: &BTreeSet<&str>) -> Result<()> {
    for name in files {
        if let Some((node, fork)) = relation_file(name)
            && fork != Fork::Init
            && unlogged.contains(node)
        {
            let path = format!("{dir}/{name}");
            disk.remove(&path).map_err(|e| access_error(format!("remove file \"{path}\""), &e))?;
        }
    }
    Ok(())
}

fn init(disk: &dyn Disk, dir: &str, unlogged: &BTreeSet<&str>) -> Result<()> {
    for node in unlogged {
        let contents = durable::read(disk, &format!("{dir}/{node}_init"))?;
        let path = format!("{dir}/{node}");
        let failed = |what: &str, e: &std::io::Error| access_error(format!("{what} file \"{path}\""), e);
        let file = disk.open_or_create(&path).map_err(|e| failed("create", &e))?;
        file.set_len(0).map_err(|e| failed("truncate", &e))?;
        file.write_at(&contents, 0).map_err(|e| failed("write to", &e))?;
        file.sync_all().map_err(|e| failed("fsync", &e))?;
    }
    durable::sync_dir(disk, dir)
}

/// The node and fork of a relation's file name, whatever its segment.
fn relation_file(name: &str) -> Option<(&str, Fork)> {
    let whole = name.split('.').next()?;
    let (node, fork) = match whole.split_once('_') {
        None => (whole, Fork::Main),
        Some((node, suffix)) => (node, *Fork::ALL.iter().find(|f| f.suffix().strip_prefix('_') == Some(suffix))?),
    };
    node.bytes().all(|b| b.is_ascii_digit()).then_some((node, fork))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Simulated;

    /// Only relations with an init fork are touched; afterwards main is a copy of init.
    #[test]
    fn unlogged_relations_are_reset() {
        let disk = Simulated::new(1);
        for dir in ["base", "base/5"] {
            disk.mkdir(dir).unwrap();
        }
        for name in ["10", "10_vm", "10_fsm", "10.1", "10_init", "100", "100_vm", "pg_filenode.map"] {
            let file = disk.create(&format!("base/5/{name}")).unwrap();
            file.write_at(name.as_bytes(), 0).unwrap();
        }
        reset(&disk, Reset::Cleanup).unwrap();
        assert_eq!(list(&disk, "base/5").unwrap(), ["100", "100_vm", "10_init", "pg_filenode.map"]);
        reset(&disk, Reset::Init).unwrap();
        assert_eq!(durable::read(&disk, "base/5/10").unwrap(), b"10_init");
        reset(&disk, Reset::Init).unwrap();
        assert_eq!(durable::read(&disk, "base/5/10").unwrap(), b"10_init");
    }
}
