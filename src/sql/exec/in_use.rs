//! Which relations a session's running statements and open cursors are reading or writing, so that its own commands
//! leave them alone: locks keep only other sessions away. PostgreSQL 15, tablecmds.c, CheckTableNotInUse, where it is
//! the reference count of the relation cache.

use super::{ExecContext, Node};
use crate::base::{Flow, Oid};
use crate::catalog::{RelKind, Relation};
use crate::lock::LockMode;
use crate::types::Batch;
use std::sync::{Arc, Mutex, PoisonError};

/// One entry for each time a relation is open.
#[derive(Default)]
pub struct InUse(Mutex<Vec<Oid>>);

impl InUse {
    fn with<T>(&self, f: impl FnOnce(&mut Vec<Oid>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn contains(&self, relation: Oid) -> bool {
        self.with(|open| open.contains(&relation))
    }
}

/// A statement's tree, with what it has open for as long as it is there.
pub(super) struct Using {
    node: Box<dyn Node>,
    opened: Vec<Oid>,
    all: Arc<InUse>,
}

/// A partitioned table has rows only for who writes to it, a view for nobody.
fn is_opened((rel, mode): &(Arc<Relation>, LockMode)) -> bool {
    match rel.kind {
        RelKind::Table | RelKind::MatView | RelKind::Toast => rel.generated_by.is_none(),
        RelKind::Partitioned => *mode >= LockMode::RowExclusive,
        _ => false,
    }
}

/// The tree of a statement over these relations.
pub(super) fn using(node: Box<dyn Node>, relations: &[(Arc<Relation>, LockMode)], cx: &ExecContext) -> Box<dyn Node> {
    let Some(backend) = &cx.backend else { return node };
    let opened: Vec<Oid> = relations.iter().filter(|r| is_opened(r)).map(|(rel, _)| rel.oid).collect();
    if opened.is_empty() {
        return node;
    }
    let all = backend.in_use.clone();
    all.with(|open| open.extend(&opened));
    Box::new(Using { node, opened, all })
}

impl Drop for Using {
    fn drop(&mut self) {
        self.all.with(|open| {
            // What was opened last goes first, as a rule.
            for oid in self.opened.iter().rev() {
                if let Some(n) = open.iter().rposition(|o| o == oid) {
                    open.swap_remove(n);
                }
            }
        });
    }
}

impl Node for Using {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        self.node.next(cx)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.node.rescan(cx)
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        self.node.report(stats);
    }
}
