//! Configuration files as they were when they were read last without a fault.
//!
//! An engine that follows a crashed one goes on with what was in force: PostgreSQL's postmaster does not read its
//! files again for that (PostgreSQL 15, postmaster.c, PostmasterStateMachine), so nobody's half-finished edit keeps the
//! server down. The bytes lie in an anonymous file that the postmaster holds without looking inside.

use super::config_files::RealConfigFiles;
use super::small_file;
use crate::settings::ConfigFiles;
use parking_lot::Mutex;
use rustix::fs::MemfdFlags;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What each file said; nothing: it was not there.
type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// The files of the disk, but at a restart after a crash those of before.
#[derive(Default)]
pub struct KeptFiles {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    kept: Contents,
    /// Read by the attempt that is under way.
    fresh: Contents,
    /// `kept` is read instead of the disk.
    replaying: bool,
}

impl KeptFiles {
    /// The files that an engine before this one kept, until [`Self::go_on`]; without any, those of the disk.
    ///
    /// # Errors
    /// What reading the anonymous file gives; `InvalidData` if we did not write it.
    pub fn of(kept: Option<&OwnedFd>) -> io::Result<KeptFiles> {
        let files = KeptFiles::default();
        if let Some(file) = kept {
            // The descriptor's position is shared with whoever read it before.
            rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))?;
            let mut inner = files.inner.lock();
            inner.kept = decode(&small_file::read_all(file)?).ok_or(io::ErrorKind::InvalidData)?;
            inner.replaying = true;
            drop(inner);
        }
        Ok(files)
    }

    /// Whether files of before are read.
    pub fn is_replaying(&self) -> bool {
        self.inner.lock().replaying
    }

    /// From now on the disk is read.
    pub fn go_on(&self) {
        self.inner.lock().replaying = false;
    }

    /// Runs an attempt to take files into force; what it read is kept if it succeeded.
    pub fn attempt<T>(&self, attempt: impl FnOnce() -> T, succeeded: impl FnOnce(&T) -> bool) -> T {
        self.inner.lock().fresh.clear();
        let done = attempt();
        let mut inner = self.inner.lock();
        let fresh = std::mem::take(&mut inner.fresh);
        if succeeded(&done) {
            inner.kept.extend(fresh);
        }
        drop(inner);
        done
    }

    /// What is kept, as an anonymous file.
    ///
    /// # Errors
    /// The kernel's.
    pub fn to_memory(&self) -> io::Result<OwnedFd> {
        let file = rustix::fs::memfd_create("configuration", MemfdFlags::CLOEXEC)?;
        small_file::write_all(&file, &encode(&self.inner.lock().kept))?;
        Ok(file)
    }
}

impl ConfigFiles for KeptFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut inner = self.inner.lock();
        if inner.replaying
            && let Some(kept) = inner.kept.get(path)
        {
            return kept.clone().ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        let read = RealConfigFiles.read(path);
        match &read {
            Ok(bytes) => drop(inner.fresh.insert(path.to_path_buf(), Some(bytes.clone()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => drop(inner.fresh.insert(path.to_path_buf(), None)),
            Err(_) => {}
        }
        read
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealConfigFiles.list(dir)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealConfigFiles.replace(path, bytes)
    }
}

/// Each file: its path and its contents, both behind their lengths; no contents: a length of u64::MAX.
fn encode(contents: &Contents) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let mut out = Vec::new();
    let mut put = |bytes: &[u8]| {
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend(bytes);
    };
    for (path, bytes) in contents {
        put(path.as_os_str().as_bytes());
        put(&[u8::from(bytes.is_some())]);
        put(bytes.as_deref().unwrap_or_default());
    }
    out
}

fn decode(mut bytes: &[u8]) -> Option<Contents> {
    use std::os::unix::ffi::OsStrExt;
    let mut contents = Contents::new();
    while !bytes.is_empty() {
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(take(&mut bytes)?));
        let is_there = take(&mut bytes)? == [1];
        let text = take(&mut bytes)?.to_vec();
        contents.insert(path, is_there.then_some(text));
    }
    Some(contents)
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let (head, tail) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    *bytes = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an attempt read that failed is forgotten; what one read that succeeded is there again in the next life,
    /// whatever became of the files.
    #[test]
    fn the_last_good_contents_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let (rules, none) = (dir.path().join("rules"), dir.path().join("none"));
        small_file::replace(&rules, b"good", 0o600).unwrap();
        let files = KeptFiles::of(None).unwrap();
        files.attempt(|| (files.read(&rules).unwrap(), files.read(&none).unwrap_err()), |_| true);
        small_file::replace(&rules, b"bad", 0o600).unwrap();
        assert_eq!(files.attempt(|| files.read(&rules).unwrap(), |_| false), b"bad");
        small_file::replace(&none, b"new", 0o600).unwrap();

        let kept = files.to_memory().unwrap();
        for _ in 0..2 {
            let next = KeptFiles::of(Some(&kept)).unwrap();
            assert_eq!(next.read(&rules).unwrap(), b"good");
            assert_eq!(next.read(&none).unwrap_err().kind(), io::ErrorKind::NotFound);
            next.go_on();
            assert_eq!(next.read(&rules).unwrap(), b"bad");
        }
    }

    /// Anything cut off is no configuration.
    #[test]
    fn cut_contents_are_refused() {
        let whole = encode(&Contents::from([("/a".into(), Some(b"text".to_vec())), ("/b".into(), None)]));
        assert!(decode(&whole).is_some_and(|c| c.len() == 2));
        assert!((1..whole.len()).filter(|n| decode(&whole[..*n]).is_some()).count() <= 1);
    }
}
