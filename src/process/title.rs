//! The title `ps` shows, written over the argument area without leaving safe Rust.

use super::small_file;
use rustix::fs::{Mode, OFlags};

/// Shows `title` instead of the command line. Arguments must have been read before: the area they
/// lie in is overwritten. A title that cannot be set is not worth an error.
pub fn set(title: &str) {
    let _ = try_set(title);
}

fn try_set(title: &str) -> Option<()> {
    let stat = String::from_utf8_lossy(&small_file::read("/proc/self/stat").ok()?).into_owned();
    // The command name may hold blanks and parentheses; fields 3 and on follow its last one.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
    let start: u64 = fields.get(48 - 3)?.trim().parse().ok()?;
    let end: u64 = fields.get(49 - 3)?.trim().parse().ok()?;
    let space = usize::try_from(end.checked_sub(start)?).ok()?;
    if space == 0 {
        return None;
    }
    let mut bytes = vec![0; space];
    let n = title.len().min(space - 1);
    bytes[..n].copy_from_slice(&title.as_bytes()[..n]);
    let memory = rustix::fs::open("/proc/self/mem", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    rustix::io::pwrite(&memory, &bytes, start).ok()?;
    Some(())
}
