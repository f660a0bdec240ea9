use super::*;
use crate::base::{Fork, Oid, RelFileId, Xid};
use crate::disk::Simulated;
use crate::storage::Storage;
use crate::storage::testing::{fresh, unstarted};
use crate::wal::{BlockMode, Rmgr};
use std::ops::ControlFlow;
use std::sync::Arc;

fn file(node: u32) -> RelFileId {
    RelFileId::new(Oid(5), Oid(node))
}

fn table(storage: &Storage, node: u32) -> Arc<RelFork> {
    let rel = storage.pool.open(file(node), Fork::Main, Persistence::Permanent);
    storage.pool.create(&rel, false).unwrap();
    rel
}

/// Gives block `b` of a fresh extension recognisable contents, logged.
fn write_page(storage: &Storage, rel: &Arc<RelFork>, block: u32, text: &[u8]) {
    let mut page = storage.pool.write(rel, block).unwrap();
    page.init(0);
    page.add_item(text).unwrap();
    storage.pool.log(Rmgr::Heap, 0, Xid(3), &mut [(&mut page, BlockMode::Image)], &[]);
}

fn go() -> impl FnMut(usize, usize) -> ControlFlow<()> {
    |_, _| ControlFlow::Continue(())
}

/// Far more pages than frames: everything comes back, evicted pages after their log.
#[test]
fn pages_survive_eviction() {
    let disk = Simulated::new(1);
    let storage = fresh(&disk, 16);
    let rel = table(&storage, 1);
    let blocks = storage.pool.extend(&rel, 200).unwrap();
    for b in blocks.clone() {
        write_page(&storage, &rel, b, format!("page {b}").as_bytes());
    }
    assert!(storage.wal.durable_lsn().is_valid());
    for b in blocks.rev() {
        assert_eq!(storage.pool.read(&rel, b).unwrap().item(1), format!("page {b}").as_bytes());
    }
    assert_eq!(storage.pool.nblocks(&rel).unwrap(), 200);
    assert_eq!(
        storage.pool.read(&rel, 200).err().unwrap().message(),
        "could not read block 200 in file \"base/5/1\": read only 0 of 8192 bytes"
    );
}

/// A checkpoint makes all pages readable by another pool on the same disk; the zero tail does not count.
#[test]
fn a_checkpoint_writes_everything() {
    let disk = Simulated::new(2);
    let storage = fresh(&disk, 64);
    let rel = table(&storage, 1);
    storage.pool.extend(&rel, 100).unwrap();
    for b in 0..30 {
        write_page(&storage, &rel, b, &[b as u8; 10]);
    }
    assert_eq!(storage.pool.checkpoint_write(Which::Permanent, &mut go()).unwrap(), 30);
    assert_eq!(storage.pool.checkpoint_write(Which::Permanent, &mut go()).unwrap(), 0);
    storage.pool.sync().unwrap();
    let after = unstarted(&disk.after_power_loss(), 64);
    let rel = after.pool.open(file(1), Fork::Main, Persistence::Permanent);
    assert_eq!(after.pool.nblocks(&rel).unwrap(), 30);
    for b in 0..30 {
        assert_eq!(after.pool.read(&rel, b).unwrap().item(1), [b as u8; 10]);
    }
}

/// A flipped bit on disk is told with PostgreSQL's words, and an intact neighbour is still readable.
#[test]
fn damage_is_told() {
    let disk = Simulated::new(3);
    let storage = fresh(&disk, 16);
    let rel = table(&storage, 1);
    storage.pool.extend(&rel, 2).unwrap();
    write_page(&storage, &rel, 0, b"a");
    write_page(&storage, &rel, 1, b"b");
    storage.pool.flush_relation(&rel).unwrap();
    use crate::disk::Disk;
    let raw = disk.open("base/5/1").unwrap();
    raw.write_at(&[0xFF], 5000).unwrap();
    let again = unstarted(&disk, 16);
    let rel = again.pool.open(file(1), Fork::Main, Persistence::Permanent);
    let e = again.pool.read(&rel, 0).err().unwrap();
    assert_eq!((e.message(), e.sqlstate().as_str()), ("invalid page in block 0 of relation base/5/1", "XX001"));
    assert_eq!(again.pool.read(&rel, 1).unwrap().item(1), b"b");
    // The maps are rebuilt instead.
    let mut bytes = vec![0; 8192];
    bytes[100] = 1;
    again.disk.create("base/5/1_vm").unwrap().write_at(&bytes, 0).unwrap();
    let vm = again.pool.open(file(1), Fork::Vm, Persistence::Permanent);
    assert!(again.pool.read(&vm, 0).unwrap().is_zero());
}

/// Truncated and dropped blocks are gone, their frames free again, and their dirty pages never written.
#[test]
fn dropped_pages_are_forgotten() {
    let disk = Simulated::new(4);
    let storage = fresh(&disk, 32);
    let rel = table(&storage, 1);
    storage.pool.extend(&rel, 20).unwrap();
    (0..20).for_each(|b| write_page(&storage, &rel, b, b"x"));
    storage.pool.truncate(&rel, 5).unwrap();
    assert_eq!(storage.pool.nblocks(&rel).unwrap(), 5);
    assert!(storage.pool.read(&rel, 5).is_err());
    assert_eq!(storage.pool.extend(&rel, 1).unwrap(), 5..6);
    assert!(storage.pool.read(&rel, 5).unwrap().is_zero());
    storage.pool.drop_relation(file(1)).unwrap();
    assert!(storage.pool.read(&rel, 0).is_err());
    assert!(!storage.disk.exists("base/5/1"));
    assert_eq!(storage.pool.checkpoint_write(Which::All, &mut go()).unwrap(), 0);
    assert_eq!(storage.pool.free.lock().len(), 20);
}

/// A big scan reads several pages at once and leaves hot pages of others in the pool.
#[test]
fn a_big_scan_stays_in_its_ring() {
    let disk = Simulated::new(5);
    let storage = fresh(&disk, 256);
    let hot = table(&storage, 1);
    let big = table(&storage, 2);
    storage.pool.extend(&hot, 64).unwrap();
    storage.pool.extend(&big, 1000).unwrap();
    (0..1000).for_each(|b| write_page(&storage, &big, b, &[b as u8; 4]));
    (0..64).for_each(|b| write_page(&storage, &hot, b, b"hot"));
    for _ in 0..5 {
        (0..64).for_each(|b| drop(storage.pool.read(&hot, b).unwrap()));
    }
    let mut reader = ScanReader::new(&storage.pool, 1000);
    let mut bytes = vec![0; 8192];
    for b in 0..1000 {
        reader.copy(&storage.pool, &big, b, 1000, &mut bytes).unwrap();
        assert_eq!(crate::page::Page::from_bytes(bytes[..].try_into().unwrap()).item(1), [b as u8; 4]);
    }
    let before = usage();
    (0..64).for_each(|b| drop(storage.pool.read(&hot, b).unwrap()));
    assert_eq!(usage().since(before).read, 0);
}

/// Many threads on few frames: every page is always in a state some thread wrote whole.
#[test]
fn threads_share_few_frames() {
    let disk = Simulated::new(6);
    let storage = fresh(&disk, 16);
    let rel = table(&storage, 1);
    storage.pool.extend(&rel, 60).unwrap();
    (0..60).for_each(|b| write_page(&storage, &rel, b, &[0; 64]));
    std::thread::scope(|scope| {
        for t in 1..=4u8 {
            let (storage, rel) = (&storage, &rel);
            scope.spawn(move || {
                for i in 0..1500u32 {
                    let block = (i * 7 + t as u32 * 13) % 60;
                    if i % 3 == 0 {
                        let mut page = storage.pool.write(rel, block).unwrap();
                        page.item_mut(1).fill(t);
                        page.mark_dirty();
                    } else {
                        let page = storage.pool.read(rel, block).unwrap();
                        let item = page.item(1);
                        assert!(item.iter().all(|b| *b == item[0]));
                    }
                }
            });
        }
    });
    let counted: u32 = (0..60).map(|b| (storage.pool.read(&rel, b).unwrap().item(1)[0] > 0) as u32).sum();
    assert!(counted > 50);
}
