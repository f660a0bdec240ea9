//! A disk under the real binary on which a `kill -9` is a power loss: contents reach the real files only when
//! they are synced. For crash tests (`OUTLAST_CRASH_DISK=1`), never for data that matters.
//!
//! Names (create, rename, remove) take effect at once: what this disk finds are missing fsyncs of contents; the
//! simulated disk finds the others.

use super::{Disk, Entry, File};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

const PAGE: u64 = 8192;

/// Wraps another disk.
pub struct Withheld {
    below: Arc<dyn Disk>,
    files: Mutex<HashMap<String, Arc<WithheldFile>>>,
}

struct WithheldFile {
    below: Arc<dyn File>,
    state: Mutex<State>,
}

struct State {
    len: u64,
    /// What was written since the last sync, by page number.
    pages: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
    /// The smallest length since the last sync: what lies beyond it in the file below is gone.
    cut: u64,
}

impl Withheld {
    pub fn new(below: Arc<dyn Disk>) -> Withheld {
        Withheld { below, files: Mutex::default() }
    }

    fn keep(&self, path: &str, below: Arc<dyn File>) -> io::Result<Arc<dyn File>> {
        let mut files = self.files.lock();
        if let Some(file) = files.get(path) {
            return Ok(file.clone());
        }
        let len = below.len()?;
        let file = Arc::new(WithheldFile { below, state: Mutex::new(State { len, pages: BTreeMap::new(), cut: len }) });
        files.insert(path.to_string(), file.clone());
        Ok(file)
    }
}

impl Disk for Withheld {
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let below = self.below.open(path)?;
        self.keep(path, below)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let below = self.below.create(path)?;
        self.files.lock().remove(path);
        self.keep(path, below)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        self.below.rename(from, to)?;
        match files.remove(from) {
            Some(file) => files.insert(to.to_string(), file),
            None => files.remove(to),
        };
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        self.below.remove(path)?;
        files.remove(path);
        Ok(())
    }

    fn mkdir(&self, path: &str) -> io::Result<()> {
        self.below.mkdir(path)
    }

    fn rmdir(&self, path: &str) -> io::Result<()> {
        self.below.rmdir(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let mut entries = self.below.list(path)?;
        let files = self.files.lock();
        for entry in &mut entries {
            let path = if path == "." { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            if let Some(file) = files.get(&path) {
                entry.len = file.state.lock().len;
            }
        }
        Ok(entries)
    }

    fn stat(&self, path: &str) -> io::Result<Entry> {
        let mut entry = self.below.stat(path)?;
        if let Some(file) = self.files.lock().get(path) {
            entry.len = file.state.lock().len;
        }
        Ok(entry)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.below.sync_dir(path)
    }

    fn os_path(&self, path: &str) -> String {
        self.below.os_path(path)
    }
}

impl WithheldFile {
    /// The page as readers see it.
    fn page(&self, state: &State, number: u64) -> io::Result<Box<[u8; PAGE as usize]>> {
        if let Some(page) = state.pages.get(&number) {
            return Ok(page.clone());
        }
        let mut page = Box::new([0; PAGE as usize]);
        let start = number * PAGE;
        if start < state.cut {
            let valid = (state.cut - start).min(PAGE) as usize;
            self.below.read_at(&mut page[..valid], start)?;
        }
        Ok(page)
    }
}

impl File for WithheldFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state.lock();
        let end = (offset + buf.len() as u64).min(state.len);
        let mut at = offset;
        while at < end {
            let within = (at % PAGE) as usize;
            let n = (PAGE as usize - within).min((end - at) as usize);
            let page = self.page(&state, at / PAGE)?;
            let done = (at - offset) as usize;
            buf[done..done + n].copy_from_slice(&page[within..within + n]);
            at += n as u64;
        }
        Ok(at.saturating_sub(offset) as usize)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let within = (at % PAGE) as usize;
            let n = (PAGE as usize - within).min(buf.len() - done);
            let mut page = self.page(&state, at / PAGE)?;
            page[within..within + n].copy_from_slice(&buf[done..done + n]);
            state.pages.insert(at / PAGE, page);
            done += n;
        }
        state.len = state.len.max(offset + buf.len() as u64);
        Ok(())
    }

    /// The real fsync is left out: only the machine's power could tell the difference.
    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.cut < self.below.len()? {
            self.below.set_len(state.cut)?;
        }
        for (number, page) in std::mem::take(&mut state.pages) {
            let n = PAGE.min(state.len.saturating_sub(number * PAGE)) as usize;
            self.below.write_at(&page[..n], number * PAGE)?;
        }
        self.below.set_len(state.len)?;
        state.cut = state.len;
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        if len < state.len {
            state.cut = state.cut.min(len);
            state.pages.split_off(&len.div_ceil(PAGE));
            if let Some(page) = state.pages.get_mut(&(len / PAGE)) {
                page[(len % PAGE) as usize..].fill(0);
            }
        }
        state.len = len;
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.len = state.len.max(offset + len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Simulated;

    fn read(disk: &dyn Disk, path: &str) -> Vec<u8> {
        crate::disk::durable::read(disk, path).unwrap()
    }

    /// Readers see every write at once; the file below sees it when it is synced, also cuts and renames.
    #[test]
    fn contents_wait_for_sync() {
        let below = Simulated::new(1);
        let disk = Withheld::new(Arc::new(below.clone()));
        let file = disk.create("a").unwrap();
        file.write_at(&[1; 20_000], 0).unwrap();
        assert_eq!((read(&disk, "a").len(), read(&below, "a").len()), (20_000, 0));
        file.sync().unwrap();
        assert_eq!(read(&below, "a"), vec![1; 20_000]);
        file.set_len(10_000).unwrap();
        file.write_at(&[2; 5], 15_000).unwrap();
        let mut expected = vec![1; 10_000];
        expected.resize(15_000, 0);
        expected.extend([2; 5]);
        disk.rename("a", "b").unwrap();
        assert_eq!(read(&disk, "b"), expected);
        assert_eq!(read(&below, "b"), vec![1; 20_000]);
        disk.open("b").unwrap().sync().unwrap();
        assert_eq!(read(&below, "b"), expected);
    }
}
