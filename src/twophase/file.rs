//! The files of prepared transactions that are older than the last checkpoint.

use super::state::State;
use crate::base::{Error, Result, Xid};
use crate::disk::{Disk, access_error, durable};
use crate::err;

pub(super) const DIRECTORY: &str = "pg_twophase";
const MAGIC: [u8; 4] = *b"O2P1";

pub(super) fn path(xid: Xid) -> String {
    format!("{DIRECTORY}/{:08X}", xid.0)
}

pub(super) fn write(disk: &dyn Disk, state: &State) -> Result<()> {
    if !disk.exists(DIRECTORY) {
        durable::mkdir(disk, DIRECTORY)?;
    }
    let body = state.encode()?;
    let crc = crc32fast::hash(&body);
    durable::replace(disk, &path(state.xid), &[&MAGIC[..], &body, &crc.to_le_bytes()].concat())
}

/// # Errors
/// XX001 for a damaged file (PostgreSQL 15, twophase.c, ReadTwoPhaseFile: same texts).
pub(super) fn read(disk: &dyn Disk, xid: Xid) -> Result<State> {
    let path = path(xid);
    let bytes = durable::read(disk, &path)?;
    let Some((rest, crc)) = bytes.split_last_chunk::<4>().filter(|(rest, _)| rest.len() > MAGIC.len()) else {
        return Err(err!(DATA_CORRUPTED, "incorrect size of file \"{path}\": {} bytes", bytes.len()));
    };
    let (magic, body) = rest.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(err!(DATA_CORRUPTED, "invalid magic number stored in file \"{path}\""));
    }
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(err!(DATA_CORRUPTED, "calculated CRC checksum does not match value stored in file \"{path}\""));
    }
    let state = State::decode(body)?;
    match state.xid == xid {
        true => Ok(state),
        false => Err(err!(DATA_CORRUPTED, "corrupted two-phase state file for transaction {xid}")),
    }
}

/// Removes a file; that it is gone need not last (TWO-2).
pub(super) fn remove(disk: &dyn Disk, xid: Xid) -> Result<()> {
    match disk.remove(&path(xid)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(access_error(format!("remove file \"{}\"", path(xid)), &e))
        }
        _ => Ok(()),
    }
}

/// The transactions that have files. What a crash left half-written goes.
pub(super) fn list(disk: &dyn Disk) -> Result<Vec<Xid>> {
    if !disk.exists(DIRECTORY) {
        return Ok(Vec::new());
    }
    let failed = |e: std::io::Error| -> Error { access_error(format!("open directory \"{DIRECTORY}\""), &e) };
    let mut found = Vec::new();
    for entry in disk.list(DIRECTORY).map_err(failed)? {
        match u64::from_str_radix(&entry.name, 16) {
            Ok(n) if entry.name.len() >= 8 => found.push(Xid(n)),
            _ if entry.name.ends_with(".tmp") => drop(disk.remove(&format!("{DIRECTORY}/{}", entry.name))),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}
