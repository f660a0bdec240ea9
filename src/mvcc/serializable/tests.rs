//! The conflict graph as a structure, the marks, and both under the manager.

use super::error::Fault;
use super::graph::{Graph, Retired, VertexId};
use super::held::{Change, Held};
use super::limits::Limits;
use super::locks::Marks;
use super::manager::{Serializable, Who};
use super::signal;
use super::target::Target;
use super::writers::{Writer, Writers};
use crate::base::{BlockNo, Csn, Oid, TupleId, Xid};
use crate::mvcc::{Snapshot, XactStatus};
use std::sync::Arc;

/// A graph whose transactions are called by letters.
struct Story {
    graph: Graph,
    names: Vec<(char, VertexId)>,
    csn: u64,
}

impl Story {
    fn new() -> Story {
        Story { graph: Graph::new(1000, 1000), names: Vec::new(), csn: 1 }
    }

    fn begin(&mut self, name: char) {
        self.names.push((name, self.graph.begin(name as u32, false, Csn(self.csn))));
    }

    fn begin_reader(&mut self, name: char) {
        self.names.push((name, self.graph.begin(name as u32, true, Csn(self.csn))));
    }

    fn id(&self, name: char) -> VertexId {
        self.names.iter().rev().find(|n| n.0 == name).expect("it has begun").1
    }

    /// The reader reads past what the writer did.
    fn past(&mut self, reader: char, writer: char) -> Result<(), Fault> {
        let writer = self.id(writer);
        self.graph.read_past(self.id(reader), Writer::Known(writer), Xid(7))
    }

    /// The writer writes what the reader has read.
    fn over(&mut self, writer: char, reader: char) -> Result<(), Fault> {
        self.graph.write_over(self.id(writer), self.id(reader))
    }

    fn commit(&mut self, name: char) -> Result<(), Fault> {
        let id = self.id(name);
        self.graph.prepare(id)?;
        self.csn += 1;
        self.graph.commit(id, Some(Csn(self.csn)), true);
        Ok(())
    }

    fn abort(&mut self, name: char) {
        self.graph.abort(self.id(name));
    }

    fn is_doomed(&self, name: char) -> bool {
        self.graph.get(self.id(name)).is_some_and(|v| v.signal.has(signal::DOOMED))
    }
}

/// Two that each write what the other has read: the first to commit dooms the other.
#[test]
fn write_skew() {
    let mut s = Story::new();
    s.begin('a');
    s.begin('b');
    s.over('a', 'b').unwrap();
    s.over('b', 'a').unwrap();
    assert!(!s.is_doomed('a') && !s.is_doomed('b'), "nobody has committed yet");
    s.commit('a').unwrap();
    assert!(s.is_doomed('b'));
    assert_eq!(s.commit('b'), Err(Fault::PivotOnCommit));
    s.abort('b');
    assert_eq!(s.graph.len(), 0, "nobody is left to whom they could matter");
}

/// The second edge comes up when one has committed: who adds it is cancelled.
#[test]
fn the_last_edge_after_a_commit() {
    let mut s = Story::new();
    s.begin('a');
    s.begin('b');
    s.over('a', 'b').unwrap();
    s.commit('a').unwrap();
    assert_eq!(s.over('b', 'a'), Err(Fault::PivotOnWrite));
    let mut s = Story::new();
    s.begin('p');
    s.begin('o');
    s.begin('i');
    // p → o, o and p commit; i → p comes up last.
    s.over('o', 'p').unwrap();
    s.commit('o').unwrap();
    s.commit('p').unwrap();
    assert!(matches!(s.past('i', 'p'), Err(Fault::OutToPivot(_))));
}

/// `in → pivot → out` is harmless unless `out` commits first.
#[test]
fn the_order_of_commits() {
    let mut s = Story::new();
    for name in ['i', 'p', 'o'] {
        s.begin(name);
    }
    s.past('i', 'p').unwrap();
    s.past('p', 'o').unwrap();
    s.commit('p').unwrap();
    s.commit('o').unwrap();
    s.commit('i').unwrap();
    let mut s = Story::new();
    for name in ['i', 'p', 'o'] {
        s.begin(name);
    }
    s.past('i', 'p').unwrap();
    s.commit('i').unwrap();
    s.past('p', 'o').unwrap();
    s.commit('o').unwrap();
    assert!(!s.is_doomed('p'), "in came first");
    s.commit('p').unwrap();
    let mut s = Story::new();
    for name in ['i', 'p', 'o'] {
        s.begin(name);
    }
    s.past('i', 'p').unwrap();
    s.past('p', 'o').unwrap();
    s.commit('o').unwrap();
    assert!(s.is_doomed('p'), "out came first");
    s.commit('i').unwrap();
}

/// A pivot that has begun to commit cannot be stopped any more: the one that comes after it gives way.
#[test]
fn a_prepared_pivot_stays() {
    let mut s = Story::new();
    for name in ['i', 'p', 'o'] {
        s.begin(name);
    }
    s.past('p', 'o').unwrap();
    s.past('i', 'p').unwrap();
    let p = s.id('p');
    s.graph.prepare(p).unwrap();
    let o = s.id('o');
    assert_eq!(s.graph.prepare(o), Err(Fault::InFromCommittingPivot));
}

/// A reader is in danger only of what committed before its snapshot.
#[test]
fn read_only() {
    let mut s = Story::new();
    s.begin('p');
    s.begin('o');
    s.begin_reader('r');
    s.past('p', 'o').unwrap();
    s.past('r', 'p').unwrap();
    s.commit('o').unwrap();
    s.commit('p').unwrap();
    assert!(!s.is_doomed('p'));
    let mut s = Story::new();
    s.begin('p');
    s.begin('o');
    s.past('p', 'o').unwrap();
    s.commit('o').unwrap();
    s.begin_reader('r');
    s.past('r', 'p').unwrap();
    assert!(s.is_doomed('p'), "r has seen o, which p must precede, and not p");
}

/// A snapshot is safe once all writers at its time have ended well.
#[test]
fn safe_snapshots() {
    let mut s = Story::new();
    s.begin('p');
    s.begin('q');
    s.begin_reader('r');
    let has = |s: &Story, bit| s.graph.get(s.id('r')).unwrap().signal.has(bit);
    s.graph.set_waiting(s.id('r'));
    assert_eq!(s.graph.blockers('r' as u32), ['p' as u32, 'q' as u32]);
    s.commit('p').unwrap();
    assert!(!has(&s, signal::SAFE));
    s.begin('n');
    s.abort('q');
    assert!(has(&s, signal::SAFE) && !has(&s, signal::UNSAFE), "who begins later does not matter");

    let mut s = Story::new();
    s.begin('p');
    s.begin('o');
    s.past('p', 'o').unwrap();
    s.commit('o').unwrap();
    s.begin_reader('r');
    s.commit('p').unwrap();
    assert!(has(&s, signal::UNSAFE) && !has(&s, signal::SAFE));
}

/// Committed transactions stay as long as somebody is concurrent, and no longer.
#[test]
fn retirement() {
    let mut s = Story::new();
    s.begin('a');
    s.begin('b');
    s.commit('b').unwrap();
    assert_eq!(s.graph.len(), 2);
    s.begin('c');
    s.commit('a').unwrap();
    assert_eq!(s.graph.len(), 2, "c is concurrent with a alone");
    assert!(s.graph.retired.iter().any(|r| matches!(r, Retired::Gone { id, .. } if *id == s.id('b'))));
    s.commit('c').unwrap();
    assert_eq!(s.graph.len(), 0);
    // Only a reader is left: nobody will meet the marks of a writer that has committed.
    let mut s = Story::new();
    s.begin('w');
    s.begin_reader('r');
    let o = s.id('w');
    s.commit('w').unwrap();
    assert!(s.graph.retired.contains(&Retired::Quiet(o)));
    s.abort('r');
    assert_eq!(s.graph.len(), 0);
}

/// Beyond the limit the oldest lose their names; what they did still counts.
#[test]
fn summaries() {
    let mut s = Story::new();
    s.graph.max_vertices = 3;
    s.begin('l');
    s.begin('o');
    // l → o, o commits and is summarised: l has an edge to somebody nameless.
    s.past('l', 'o').unwrap();
    s.commit('o').unwrap();
    for name in ['x', 'y', 'z'] {
        s.begin(name);
        s.commit(name).unwrap();
    }
    let summarised = s.graph.retired.iter().any(|r| matches!(r, Retired::Summarised { id, .. } if *id == s.id('o')));
    assert!(summarised && s.graph.len() <= 3);
    assert_eq!(s.graph.write_over_old(s.id('l'), 1000), Err(Fault::PivotOnWrite), "l is a pivot before it");
    // To read past somebody nameless whose edge leads to an earlier commit is a pivot's.
    s.begin('m');
    let m = s.id('m');
    assert_eq!(s.graph.read_past(m, Writer::Old(Some(2)), Xid(9)), Err(Fault::OutToOldPivot(Some(Xid(9)))));
    s.graph.read_past(m, Writer::Old(None), Xid(9)).unwrap();
    assert_eq!(s.graph.write_over_old(m, 1000), Err(Fault::PivotOnWrite));
}

const DB: Oid = Oid(5);
const REL: Oid = Oid(20_000);

fn row(block: BlockNo, line: u16) -> Target {
    Target::tuple(DB, REL, TupleId::new(block, line))
}

/// Many rows of a page become the page, many of a table the table.
#[test]
fn promotion() {
    let limits = Limits { per_relation: 4, per_page: 2, ..Limits::default() };
    let mut held = Held::default();
    let take = |held: &mut Held, target| {
        let change = held.plan(target, &limits);
        held.apply(&change);
        change
    };
    take(&mut held, row(1, 1));
    take(&mut held, row(1, 2));
    let change = take(&mut held, row(1, 3));
    assert_eq!((change.add, change.remove.len()), (Some(Target::page(DB, REL, 1)), 2));
    assert_eq!(take(&mut held, row(1, 9)), Change::default(), "covered");
    for block in 2..5 {
        take(&mut held, row(block, 1));
    }
    let change = take(&mut held, row(6, 1));
    assert_eq!((change.add, change.remove.len()), (Some(Target::relation(DB, REL)), 4));
    assert!(held.covers(&row(77, 7)) && held.covers(&Target::page(DB, REL, 8)));
}

/// Marks follow entries to a new page, and become the relation's where there is no room.
#[test]
fn marks_follow_splits() {
    let mut marks = Marks::default();
    marks.limit = 3;
    let (a, b) = (VertexId(1), VertexId(2));
    marks.add(Target::page(DB, REL, 1), a).unwrap();
    marks.copy_page(DB, REL, 1, 2);
    assert_eq!(marks.owners(&Target::page(DB, REL, 2)).unwrap().living.as_slice(), [a]);
    marks.add(Target::page(DB, REL, 1), b).unwrap();
    assert_eq!(marks.add(row(1, 1), a), Err(Fault::TooManyMarks));
    marks.copy_page(DB, REL, 1, 3);
    assert_eq!(marks.owners(&Target::relation(DB, REL)).unwrap().living.len(), 2);
    assert!(marks.owners(&Target::page(DB, REL, 1)).is_none());
    marks.summarise(b, 9);
    assert_eq!(marks.owners(&Target::relation(DB, REL)).unwrap().old, Some(9));
    marks.promote(DB, REL, Oid(30_000));
    assert_eq!(marks.all().count(), 1);
    marks.release(a);
    marks.release_old(8);
    assert_eq!(marks.count(), 1);
    marks.release_old(9);
    assert_eq!((marks.count(), marks.all().count()), (0, 0));
}

/// Where marks run out, those of nobody in particular become coarser first.
#[test]
fn nameless_marks_make_room() {
    let mut marks = Marks::default();
    marks.limit = 3;
    let (a, b) = (VertexId(1), VertexId(2));
    for line in 1..=3 {
        marks.add(row(1, line), a).unwrap();
    }
    marks.summarise(a, 7);
    marks.add(row(1, 9), b).unwrap();
    assert_eq!((marks.count(), marks.owners(&Target::relation(DB, REL)).unwrap().old), (2, Some(7)));
    marks.add(row(1, 8), b).unwrap();
    assert_eq!(marks.add(row(1, 7), b), Err(Fault::TooManyMarks));
    marks.release_old(7);
    marks.add(row(1, 7), b).unwrap();
}

/// Ids lead to their transaction while it runs, its commit number does later.
#[test]
fn writers_are_found() {
    let mut writers = Writers::default();
    let id = VertexId(4);
    writers.enter(Xid(10), id);
    writers.enter(Xid(12), id);
    assert_eq!(writers.find(Xid(12), XactStatus::Running), Writer::Known(id));
    assert_eq!(writers.find(Xid(12), XactStatus::Committed(Csn(30))), Writer::Known(id), "not entered yet");
    writers.committed(Csn(30), &[Xid(10), Xid(12)], id);
    assert_eq!(writers.find(Xid(12), XactStatus::Committed(Csn(30))), Writer::Known(id));
    assert_eq!(writers.find(Xid(11), XactStatus::Committed(Csn(31))), Writer::None);
    writers.summarise(Csn(30), Some(3));
    assert_eq!(writers.find(Xid(12), XactStatus::Committed(Csn(30))), Writer::Old(Some(3)));
    for csn in 100..10_000 {
        writers.summarise(Csn(csn), None);
    }
    assert_eq!(writers.find(Xid(1), XactStatus::Committed(Csn(31))), Writer::Old(Some(3)), "nobody knows any more");
    writers.trim(Some(Csn(9_998)));
    assert_eq!(writers.find(Xid(1), XactStatus::Committed(Csn(31))), Writer::None);
    writers.trim(None);
    assert!(writers.is_empty());
}

/// Through the manager: marks meet writes, memory is given back, and a summary still stops what must be stopped.
#[test]
fn the_whole() {
    let home = Arc::new(Serializable::default());
    home.set_limits(Limits { transactions: 4, ..Limits::default() });
    let begin = |pid| {
        let who = Who { pid, read_only: false, ids: Vec::new() };
        home.begin(&who, || Snapshot::self_all(Arc::default())).1.expect("a writer is tracked")
    };
    let (a, b) = (begin(1), begin(2));
    a.read(row(1, 1)).unwrap();
    b.read(row(1, 2)).unwrap();
    assert_eq!(home.rows().len(), 2);
    a.write(row(1, 2), true).unwrap();
    b.write(row(1, 1), true).unwrap();
    a.prepare().unwrap();
    a.commit(Some(Csn(3)));
    assert_eq!(b.prepare().unwrap_err().sqlstate(), crate::base::SqlState::SERIALIZATION_FAILURE);
    b.abort();
    assert!(home.is_idle() && home.rows().is_empty());
    // One stays while many pass: they are summarised, and their marks with them.
    let old = begin(1);
    old.read(row(9, 9)).unwrap();
    for n in 0..20 {
        let t = begin(2);
        t.read(row(2, 1)).unwrap();
        t.write(row(8, 1 + n), false).unwrap();
        t.prepare().unwrap();
        t.commit(Some(Csn(u64::from(n) + 10)));
    }
    assert_eq!(home.rows().iter().filter(|r| r.1 == 0).count(), 1, "one nameless mark on the row all have read");
    old.write(row(2, 1), false).unwrap();
    drop(old);
    assert!(home.is_idle() && home.rows().is_empty());
}

/// Who only reads while nobody writes needs no place.
#[test]
fn readers_alone() {
    let home = Arc::new(Serializable::default());
    let reader = Who { pid: 1, read_only: true, ids: Vec::new() };
    assert!(home.begin(&reader, || Snapshot::self_all(Arc::default())).1.is_none());
    let writer = Who { pid: 2, read_only: false, ids: Vec::new() };
    let w = home.begin(&writer, || Snapshot::self_all(Arc::default())).1.unwrap();
    let r = home.begin(&reader, || Snapshot::self_all(Arc::default())).1.unwrap();
    r.read(row(1, 1)).unwrap();
    assert!(!r.is_over());
    w.abort();
    assert!(r.is_over() && home.is_idle() && home.rows().is_empty(), "safe: it has left");
}
