//! TRUNCATE: new, empty files; the old ones go at commit, so that a rollback finds them.

use super::{Command, names, storage};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Object, ObjectKey, RelKind, Relation};
use crate::lock::LockMode;
use crate::sql::ast::{DropBehavior, TruncateStmt};
use crate::sql::exec::ExecContext;
use std::sync::Arc;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &TruncateStmt) -> Flow<String> {
    let mut relations: Vec<Arc<Relation>> = Vec::new();
    for table in &stmt.tables {
        let relation = names::locked_relation(cmd, cx, table, LockMode::AccessExclusive)?;
        check(cx, &relation)?;
        names::refuse_other_temp(cx, relation.oid, "truncate")?;
        if !relations.iter().any(|r| r.oid == relation.oid) {
            relations.push(relation);
        }
        let partitioned = relations.last().is_some_and(|r| r.is_partitioned());
        if partitioned && !table.inherit {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot truncate only a partitioned table")
                .hint("Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly.")
                .into());
        }
        if table.inherit {
            let oid = relations.last().map_or(Oid::INVALID, |r| r.oid);
            for child in super::inherit::descendants(cx, oid, LockMode::AccessExclusive)? {
                let catalog = &cx.backend()?.catalog;
                if let Some(child) = catalog.relation(child)?
                    && !catalog.is_other_temp(&child)
                    && !relations.iter().any(|r| r.oid == child.oid)
                {
                    relations.push(child);
                }
            }
        }
    }
    match stmt.behavior {
        DropBehavior::Cascade => cascade(cmd, cx, &mut relations)?,
        _ => refuse_referenced(cx, &relations)?,
    }
    // Only once: the triggers themselves may have the tables open when they go on.
    if !cmd.progress(Firing::default).checked {
        for relation in &relations {
            names::check_not_in_use(cx, (relation.oid, &relation.name), "TRUNCATE")?;
        }
        cmd.progress(Firing::default).checked = true;
    }
    let done = cmd.progress(Firing::default);
    if done.step == 0 {
        let mut firing = std::mem::take(done);
        let fired = firing.run(cx, &relations, 'b');
        firing.step = usize::from(fired.is_ok());
        *cmd.progress(Firing::default) = firing;
        fired?;
    }
    let emptied = cmd.progress(Firing::default).step > 1;
    cmd.progress(Firing::default).step = 2;
    for relation in relations.iter().filter(|_| !emptied) {
        cx.backend()?.txn.next_command();
        if !relation.is_partitioned() {
            empty(cx, relation)?;
        }
        if stmt.restart_identity {
            for (seq, _) in super::sequence::owned_by(cx, relation.oid)? {
                super::sequence::restart(cx, seq)?;
            }
        }
    }
    let mut firing = std::mem::take(cmd.progress(Firing::default));
    let fired = firing.run(cx, &relations, 'a');
    *cmd.progress(Firing::default) = firing;
    fired?;
    Ok("TRUNCATE TABLE".into())
}

/// Adds the tables that refer to these by foreign keys, those that refer to them, and so on, in rounds.
fn cascade(cmd: &mut Command, cx: &mut ExecContext, relations: &mut Vec<Arc<Relation>>) -> Flow<()> {
    let mut seen = 0;
    while seen < relations.len() {
        let found = referencing(cx, &relations[seen..])?;
        seen = relations.len();
        for oid in found {
            if relations.iter().any(|r| r.oid == oid) {
                continue;
            }
            cx.backend()?.txn.lock_relation(oid, LockMode::AccessExclusive)?;
            let Some(other) = cx.backend()?.catalog.relation(oid)? else { continue };
            if !cmd.progress(Firing::default).checked {
                let text = format!("truncate cascades to table \"{}\"", other.name);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            check(cx, &other)?;
            relations.push(other);
        }
    }
    Ok(())
}

/// # Errors
/// 0A000 for a table that one refers to which is not truncated, too.
fn refuse_referenced(cx: &mut ExecContext, relations: &[Arc<Relation>]) -> Result<()> {
    let Some((other, referred)) = left_out(cx, relations)? else { return Ok(()) };
    let text = "cannot truncate a table referenced in a foreign key constraint";
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text)
        .detail(format!("Table \"{other}\" references \"{referred}\"."))
        .hint(format!("Truncate table \"{other}\" at the same time, or use TRUNCATE ... CASCADE.")))
}

/// The same of tables that are emptied because their transaction ends.
pub fn refuse_other_fate(cx: &mut ExecContext, relations: &[Arc<Relation>]) -> Result<()> {
    let Some((other, referred)) = left_out(cx, relations)? else { return Ok(()) };
    let text = format!("Table \"{other}\" references \"{referred}\", but they do not have the same ON COMMIT setting.");
    Err(Error::unsupported("unsupported ON COMMIT and foreign key combination").detail(text))
}

/// A table that refers to one of these without being one, and that one.
fn left_out(cx: &mut ExecContext, relations: &[Arc<Relation>]) -> Result<Option<(String, String)>> {
    if relations.is_empty() {
        return Ok(None);
    }
    let all = referencing(cx, relations)?;
    if all.iter().all(|oid| relations.iter().any(|r| r.oid == *oid)) {
        return Ok(None);
    }
    for r in relations {
        for oid in referencing(cx, std::slice::from_ref(r))? {
            if relations.iter().any(|r| r.oid == oid) {
                continue;
            }
            let Some(other) = cx.backend()?.catalog.relation(oid)? else { continue };
            return Ok(Some((other.name.clone(), r.name.clone())));
        }
    }
    Ok(None)
}

/// The tables with foreign keys to these or to what these are partitions of, partitions among them, by OID
/// (PostgreSQL 15, heap.c, heap_truncate_find_FKs: same).
fn referencing(cx: &mut ExecContext, relations: &[Arc<Relation>]) -> Result<Vec<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    let referred: Vec<Oid> = relations.iter().flat_map(|r| super::foreign::with_ancestors(&catalog, r.oid)).collect();
    let keys = referred.into_iter().flat_map(|on| catalog.keys_to(on));
    let mut found: Vec<Oid> = keys.map(|(holder, _)| holder).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// TRUNCATE's triggers, as far as they were fired.
#[derive(Default)]
struct Firing {
    /// No running statement of the session uses the tables.
    checked: bool,
    /// 1: those before; 2: the tables are empty.
    step: usize,
    at: usize,
    calling: crate::sql::exec::user_trigger::Calling,
}

impl Firing {
    fn run(&mut self, cx: &mut ExecContext, relations: &[Arc<Relation>], when: char) -> Flow<()> {
        let mut all = Vec::new();
        for r in relations {
            all.extend(super::trigger::for_truncate(cx, r, when)?);
        }
        while let Some(t) = all.get(self.at) {
            self.calling.run(cx, t, || t.data("TRUNCATE", None, None))?;
            cx.backend()?.txn.next_command();
            self.at += 1;
        }
        self.at = 0;
        Ok(())
    }
}

fn check(cx: &mut ExecContext, relation: &Relation) -> Result<()> {
    if !matches!(relation.kind, RelKind::Table | RelKind::Partitioned) {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", relation.name)));
    }
    if relation.generated_by.is_some() {
        let text = format!("permission denied: \"{}\" is a system catalog", relation.name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
    }
    let backend = cx.backend()?;
    if super::role::has_role(backend, relation.owner) || super::role::acl_allows(backend, relation.acl.as_deref(), 'D')
    {
        return Ok(());
    }
    let text = format!("permission denied for table {}", relation.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).place("aclcheck_error", "aclchk.c", 3512))
}

/// Gives a table and what belongs to it new empty files.
pub fn empty(cx: &mut ExecContext, relation: &Relation) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let desc = crate::catalog::tuple_desc(&catalog, &relation.attributes);
    let backend = cx.backend()?;
    backend.txn.all_rows_go(relation.oid)?;
    let file = storage::create_table(backend, relation.oid, relation.persistence, desc)?;
    replace_node(backend, relation.oid, file.node, Content::New)?;
    if relation.toast.is_valid() {
        let toast = storage::create_toast(backend, relation.toast, relation.persistence)?;
        replace_node(backend, relation.toast, toast.node, Content::New)?;
    }
    for index in &relation.indexes {
        let file = storage::create_index(backend, index.oid, index.persistence, index.method)?;
        let xid = backend.txn.xid();
        let storage = backend.instance.storage.clone();
        let fork = storage.pool.open(file, crate::base::Fork::Main, index.persistence);
        index.method.create_empty(&storage, &fork, xid)?;
        replace_node(backend, index.oid, file.node, Content::New)?;
    }
    backend.stats.count_truncate(relation.oid);
    Ok(())
}

/// Whose rows a new file is to have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Those that are made from now on.
    New,
    /// Those of the old file, by whoever made them.
    Old,
}

/// Lets a relation use another file from now on; the old one goes at commit.
pub fn replace_node(backend: &mut crate::sql::Backend, oid: Oid, node: Oid, content: Content) -> Result<()> {
    let key = ObjectKey::new(class::RELATION, oid);
    let record = backend.catalog.get(key).ok_or_else(|| Error::internal(format!("relation {oid} is gone")))?;
    let mut object = record.object.clone();
    if let Object::Class(c) = &mut object {
        let old = backend.catalog.file_of(c);
        backend.txn.file_dropped(old, c.persistence);
        let (marks, table) = c.index.as_ref().map_or((oid, oid), |i| (i.marks_oid(oid), i.table));
        backend.txn.places_change(marks, table);
        c.index.iter_mut().for_each(|i| i.marks = Oid::INVALID);
        c.node = node;
        if content == Content::New {
            // PostgreSQL 15, relcache.c, RelationSetNewRelfilenode: relfrozenxid moves on likewise.
            c.frozen = c.frozen.max(backend.instance.storage.mvcc.running().oldest.0);
        }
    }
    let writer = backend.writer();
    backend.catalog.put(writer, object)
}
