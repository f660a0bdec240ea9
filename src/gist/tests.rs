//! The tree against a list, through splits, deletions, crashes and threads.

use super::*;
use crate::base::{Fork, Lsn, Oid, RelFileId, TupleId, Xid};
use crate::btree::{IndexEntry, IndexStore};
use crate::buffer::Persistence;
use crate::disk::Simulated;
use crate::storage::testing::{SEGMENT_BYTES, fresh, recovered, unstarted};
use crate::storage::{RedoContext, Storage};
use crate::types::geometry::{Point, box_of, of_points};
use crate::types::range::{Bound, Range};
use crate::types::{Datum, TypeRef};
use crate::wal::{Reader, Rmgr};
use std::collections::BTreeMap;
use std::sync::Arc;

const XID: Xid = Xid(3);
const FILE: RelFileId = RelFileId::new(Oid(5), Oid(79));
const INT4RANGE: Oid = Oid(3904);
const BOX: Oid = Oid(603);
const POINT: Oid = Oid(600);

/// An open index of a range and a box.
struct Index {
    storage: Arc<Storage>,
    store: Arc<IndexStore>,
    columns: Vec<Column>,
}

impl Index {
    fn open(storage: Arc<Storage>) -> Index {
        let store = IndexStore::open(&storage, (Oid::INVALID, FILE), Persistence::Permanent, Vec::new(), 0);
        let column = |ty| Column::new(Family::of(Oid::INVALID, ty).unwrap(), TypeRef::of(ty), 2);
        Index { storage, store, columns: vec![column(INT4RANGE), column(BOX)] }
    }

    fn create(disk: &Simulated) -> Index {
        let storage = fresh(disk, 400);
        let fork = storage.pool.open(FILE, Fork::Main, Persistence::Permanent);
        storage.pool.create(&fork, false).unwrap();
        create_empty(&storage, &fork, XID).unwrap();
        Index::open(storage)
    }

    fn tree(&self) -> Tree<'_> {
        Tree { store: &self.store, columns: &self.columns }
    }

    fn insert(&self, tid: TupleId, row: &Row) {
        let (range, area) = (row.range.map(range_bytes), box_bytes(row.area));
        let range = range.as_ref().map_or(Datum::Null, |b| Datum::Bytes(b));
        let key = keys_of(&self.columns, [range, Datum::Bytes(&area)].into_iter());
        let entry = IndexEntry { key, tid: Some(tid), ..IndexEntry::default() };
        self.tree().insert(&self.storage, XID.into(), &[entry]).unwrap();
    }

    fn search(&self, conditions: Vec<(usize, Condition)>) -> Vec<TupleId> {
        let mut scan = Scan::new(self.tree(), conditions, Vec::new());
        let mut found: Vec<TupleId> =
            std::iter::from_fn(|| scan.next(&self.storage, &mut usize::MAX.clone()).unwrap().map(|f| f.tid)).collect();
        found.sort_unstable();
        assert!(found.is_sorted_by(|a, b| a < b), "an entry comes twice");
        found
    }

    fn ask(&self, column: usize, strategy: i16, value: &[u8], ty: Oid) -> Condition {
        let class = &self.columns[column].class;
        Condition::Query(class.query(strategy, Datum::Bytes(value), TypeRef::of(ty), 0.0).unwrap())
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// None: NULL; an empty one has no length.
    range: Option<(i32, i32)>,
    area: (f64, f64, f64, f64),
}

fn range_bytes((low, high): (i32, i32)) -> Vec<u8> {
    let bound = |v, lower| Bound::new(Datum::I32(v), lower, lower);
    Range::make(INT4RANGE, bound(low, true), bound(high, false)).unwrap()
}

fn box_bytes((x, y, w, h): (f64, f64, f64, f64)) -> Vec<u8> {
    box_of(Point { x, y }, Point { x: x + w, y: y + h })
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn any_row(seed: &mut u64) -> Row {
    let mut n = |most: u64| random(seed) % most;
    let low = n(2000) as i32;
    let range = if n(20) == 0 { None } else { Some((low, low + n(30) as i32)) };
    Row { range, area: (n(1000) as f64, n(1000) as f64, n(9) as f64, n(9) as f64) }
}

type Rows = BTreeMap<TupleId, Row>;

/// Searches by either column, by both, for NULL and by distance find what a walk through the list finds.
fn compare(index: &Index, rows: &Rows, seed: &mut u64) {
    assert_eq!(index.tree().verify(&index.storage).unwrap() as usize, rows.len());
    let wanted = |keep: &dyn Fn(&Row) -> bool| -> Vec<TupleId> {
        rows.iter().filter(|(_, r)| keep(r)).map(|(t, _)| *t).collect()
    };
    for _ in 0..30 {
        let q = any_row(seed);
        let (low, high) = q.range.unwrap_or((5, 9));
        let some = |f: &dyn Fn(i32, i32) -> bool, r: &Row| r.range.is_some_and(|(l, h)| f(l, h));
        let bytes = range_bytes((low, high));
        let full = low < high;
        let overlaps = wanted(&|r| some(&|l, h| full && l < h && l < high && low < h, r));
        let asked = |strategy| vec![(0, index.ask(0, strategy, &bytes, INT4RANGE))];
        assert_eq!(index.search(asked(3)), overlaps, "&& {q:?}");
        let contained = wanted(&|r| some(&|l, h| l >= h || full && low <= l && h <= high, r));
        assert_eq!(index.search(asked(8)), contained, "<@ {q:?}");
        let before = wanted(&|r| some(&|l, h| full && l < h && h <= low, r));
        assert_eq!(index.search(asked(1)), before, "<< {q:?}");

        let (x, y, w, h) = (q.area.0, q.area.1, 100.0, 80.0);
        let inside = |r: &Row| {
            let (a, b, c, d) = r.area;
            a <= x + w && x <= a + c && b <= y + h && y <= b + d
        };
        let area = box_bytes((x, y, w, h));
        assert_eq!(index.search(vec![(1, index.ask(1, 3, &area, BOX))]), wanted(&inside));
        let both = vec![(0, index.ask(0, 3, &bytes, INT4RANGE)), (1, index.ask(1, 3, &area, BOX))];
        assert_eq!(index.search(both), wanted(&|r| inside(r) && some(&|l, h| full && l < h && l < high && low < h, r)));
        nearest(index, rows, (x, y));
    }
    assert_eq!(index.search(vec![(0, Condition::IsNull)]), wanted(&|r| r.range.is_none()));
    assert_eq!(index.search(vec![(0, Condition::IsNotNull)]), wanted(&|r| r.range.is_some()));
}

/// Entries come nearest first.
fn nearest(index: &Index, rows: &Rows, (x, y): (f64, f64)) {
    let point = of_points([Point { x, y }]);
    let query = index.columns[1].class.query(15, Datum::Bytes(&point), TypeRef::of(POINT), 0.0).unwrap();
    let mut scan = Scan::new(index.tree(), Vec::new(), vec![(1, Some(query))]);
    let far = |r: &Row| {
        let (a, b, c, d) = r.area;
        (a - x).max(x - a - c).max(0.0).hypot((b - y).max(y - b - d).max(0.0))
    };
    let mut all: Vec<f64> = rows.values().map(far).collect();
    all.sort_by(f64::total_cmp);
    for expected in all.iter().take(50) {
        let found = scan.next(&index.storage, &mut usize::MAX.clone()).unwrap().unwrap();
        assert!((far(&rows[&found.tid]) - expected).abs() < 1e-6);
        assert!(found.distances[0] <= *expected);
    }
}

/// Searches agree with a list through insertions, VACUUM, and a crash of the machine.
#[test]
fn agrees_with_a_list() {
    let disk = Simulated::new(31);
    let mut index = Index::create(&disk);
    let (mut rows, mut seed) = (Rows::new(), 4711);
    for round in 0..3u32 {
        for i in 0..2000 {
            let tid = TupleId::new(round * 1000 + i / 5, 1 + (i % 5) as u16);
            let row = any_row(&mut seed);
            index.insert(tid, &row);
            rows.insert(tid, row);
        }
        compare(&index, &rows, &mut seed);
        let dead: Vec<TupleId> =
            rows.keys().filter(|t| (t.block + u32::from(t.offset)) % 3 == round % 3).copied().collect();
        let stats = index.tree().bulk_delete(&index.storage, &dead).unwrap();
        assert_eq!(stats.entries_removed as usize, dead.len());
        dead.iter().for_each(|t| assert!(rows.remove(t).is_some()));
        compare(&index, &rows, &mut seed);
        if round == 1 {
            index.storage.wal.flush(index.storage.wal.insert_lsn());
            index = Index::open(recovered(&disk.after_power_loss(), 256, Rmgr::Gist, redo));
            compare(&index, &rows, &mut seed);
        }
    }
}

/// Wherever the log ends, the tree it leads to is whole.
#[test]
fn every_record_is_a_whole_change() {
    let disk = Simulated::new(32);
    let index = Index::create(&disk);
    let mut seed = 99;
    for i in 0..1500u32 {
        index.insert(TupleId::new(i, 1), &any_row(&mut seed));
    }
    index.storage.wal.flush(index.storage.wal.insert_lsn());
    let storage = unstarted(&disk.after_power_loss(), 256);
    let mut cx = RedoContext { storage: &storage };
    let mut reader = Reader::new(storage.disk.clone(), SEGMENT_BYTES, 1, 7, Lsn(SEGMENT_BYTES), 0);
    let again = Index::open(storage.clone());
    let mut count = 0u64;
    while let Ok(record) = reader.next().unwrap() {
        match record.rmgr {
            Rmgr::Gist => redo(&mut cx, &record).unwrap(),
            Rmgr::Storage => crate::storage::redo(&mut cx, &record).unwrap(),
            _ => continue,
        }
        if record.rmgr == Rmgr::Gist {
            if count.is_multiple_of(7) {
                assert_eq!(again.tree().verify(&storage).unwrap(), count);
            }
            count += 1;
        }
    }
    assert_eq!(count, 1501, "one record makes the tree, and one each insertion");
}

/// Ranges that are gone give their pages back to the tree.
#[test]
fn empty_leaves_leave_the_tree() {
    let index = Index::create(&Simulated::new(33));
    let row = |n: u32| Row { range: Some((n as i32, n as i32 + 1)), area: (f64::from(n), 0.0, 1.0, 1.0) };
    (0..4000).for_each(|n| index.insert(TupleId::new(n, 1), &row(n)));
    let dead: Vec<TupleId> = (500..3500).map(|n| TupleId::new(n, 1)).collect();
    let stats = index.tree().bulk_delete(&index.storage, &dead).unwrap();
    assert!(stats.pages_deleted > 5, "{stats:?}");
    assert_eq!(index.tree().verify(&index.storage).unwrap(), 1000);
    (1000..2000).for_each(|n| index.insert(TupleId::new(n, 1), &row(n)));
    assert_eq!(index.tree().verify(&index.storage).unwrap(), 2000);
    let all = vec![(0, Condition::IsNotNull)];
    assert_eq!(index.search(all).len(), 2000);
}

/// Threads that insert and search at once neither lose an entry nor see one twice.
#[test]
fn threads() {
    let index = Index::create(&Simulated::new(34));
    std::thread::scope(|s| {
        for t in 0..3u32 {
            let index = &index;
            s.spawn(move || {
                let mut seed = 7 + u64::from(t);
                for i in 0..1000u32 {
                    index.insert(TupleId::new(i, t as u16 + 1), &any_row(&mut seed));
                    if i % 50 == 0 {
                        let seen = index.search(Vec::new());
                        let own = seen.iter().filter(|x| x.offset == t as u16 + 1).count();
                        assert_eq!(own, i as usize + 1);
                    }
                }
            });
        }
    });
    assert_eq!(index.tree().verify(&index.storage).unwrap(), 3000);
}
