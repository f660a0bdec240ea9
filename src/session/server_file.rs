//! The files of the server that COPY reads and writes, piece by piece.

use crate::base::{Error, Result};
use crate::disk::{Disk, File, access_error};
use crate::err;
use std::io;
use std::sync::Arc;

/// How much is read or written at once.
const PIECE: usize = 64 * 1024;

/// PostgreSQL 15, copyfrom.c, BeginCopyFrom, and copyto.c, BeginCopyTo: a hint for who took the server for the client.
fn refused(path: &str, what: &str, hint: &'static str, e: &io::Error) -> Error {
    let error = access_error(format!("open file \"{path}\" for {what}"), e);
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => error.hint(hint),
        _ => error,
    }
}

pub(super) struct Source {
    file: Arc<dyn File>,
    path: String,
    at: u64,
}

impl Source {
    pub(super) fn open(disk: &dyn Disk, path: &str) -> Result<Source> {
        let hint = "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.";
        let file = disk.open_to_read(path).map_err(|e| refused(path, "reading", hint, &e))?;
        if disk.stat(path).is_ok_and(|e| e.is_dir) {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{path}\" is a directory"));
        }
        Ok(Source { file, path: path.to_owned(), at: 0 })
    }

    /// The next bytes; none at the end.
    pub(super) fn piece(&mut self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; PIECE];
        let n = self
            .file
            .read_at(&mut bytes, self.at)
            .map_err(|e| access_error(format!("read from COPY file \"{}\"", self.path), &e))?;
        bytes.truncate(n);
        self.at += n as u64;
        Ok(bytes)
    }
}

pub(super) struct Target {
    file: Arc<dyn File>,
    waiting: Vec<u8>,
    at: u64,
}

impl Target {
    pub(super) fn open(disk: &dyn Disk, path: &str) -> Result<Target> {
        let hint = "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.";
        let file = disk.open_to_write(path).map_err(|e| refused(path, "writing", hint, &e))?;
        Ok(Target { file, waiting: Vec::new(), at: 0 })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < PIECE { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.write_at(&self.waiting, self.at).map_err(|e| access_error("write to COPY file", &e))?;
        self.at += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}
