//! The files the collector writes: names, rotation, truncation, `current_logfiles`.

use super::chunk::Destination;
use super::text::{self, Style};
use super::{CURRENT_LOGFILES, level, time};
use crate::base::report::Origin;
use crate::base::{Report, Severity, SqlState};
use crate::process::small_file;
use crate::settings::{Global, Id, Lookup, os_text};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Why files change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Age,
    Size,
    Request,
}

struct OpenFile {
    destination: Destination,
    file: OwnedFd,
    /// As the settings name it: relative to the data directory unless `log_directory` is absolute.
    name: PathBuf,
    written: u64,
}

/// All files open at the moment.
pub struct LogFiles {
    data_directory: PathBuf,
    open: Vec<OpenFile>,
    next_rotation_us: Option<i64>,
    /// A file could not be opened: files stay as they are until the settings are read anew.
    stuck: bool,
    /// Who speaks of that.
    speaker: Origin,
}

impl LogFiles {
    /// Opens the first files.
    pub fn open(settings: &Global, now_us: i64) -> io::Result<LogFiles> {
        let data_directory = settings.origin().data_directory.clone();
        let (pid, backend_type) = (std::process::id(), "logger");
        let speaker = Origin { pid, backend_type, start_us: now_us, ..Origin::default() };
        let mut files = LogFiles { data_directory, open: Vec::new(), next_rotation_us: None, stuck: false, speaker };
        files.make_directory(settings);
        files.plan_rotation(settings, now_us);
        files.switch(settings, now_us, Cause::Request, true)?;
        Ok(files)
    }

    pub fn write(&mut self, destination: Destination, bytes: &[u8]) {
        let found = self.open.iter_mut().find(|f| f.destination == destination);
        let Some(file) = (match found {
            Some(file) => Some(file),
            // A destination that was switched on a moment ago: rather in the text log than lost.
            None => self.open.first_mut(),
        }) else {
            return;
        };
        file.written += bytes.len() as u64;
        let _ = small_file::write_all(&file.file, bytes);
    }

    /// Microseconds since 1970 at which files rotate by age.
    pub fn next_rotation_us(&self) -> Option<i64> {
        self.next_rotation_us
    }

    /// Rotates if a file is too old or too large.
    pub fn rotate_if_due(&mut self, settings: &Global, now_us: i64) -> io::Result<()> {
        if self.stuck {
            return Ok(());
        }
        if self.next_rotation_us.is_some_and(|at| now_us >= at) {
            return self.rotate(settings, now_us, Cause::Age);
        }
        let limit = settings.int(Id::LogRotationSize).max(0) as u64 * 1024;
        if limit > 0 && self.open.iter().any(|f| f.written >= limit) {
            return self.rotate(settings, now_us, Cause::Size);
        }
        Ok(())
    }

    /// Opens the files that the settings and the time name now.
    pub fn rotate(&mut self, settings: &Global, now_us: i64, cause: Cause) -> io::Result<()> {
        self.make_directory(settings);
        self.stuck = false;
        let done = self.switch(settings, now_us, cause, false);
        self.plan_rotation(settings, now_us);
        done
    }

    fn make_directory(&self, settings: &Global) {
        let dir = self.data_directory.join(&*settings.str(Id::LogDirectory));
        let _ = rustix::fs::mkdir(&dir, Mode::from_raw_mode(0o700));
    }

    fn plan_rotation(&mut self, settings: &Global, now_us: i64) {
        let zone = time::zone(&settings.str(Id::LogTimezone));
        self.next_rotation_us = time::next_rotation(now_us, settings.int(Id::LogRotationAge), &zone);
    }

    fn switch(&mut self, settings: &Global, now_us: i64, cause: Cause, first: bool) -> io::Result<()> {
        let words = settings.str(Id::LogDestination);
        let mut next = Vec::new();
        let mut failed = None;
        for destination in Destination::ALL {
            let wanted = words.split(',').any(|w| w.trim().eq_ignore_ascii_case(destination.as_str()));
            // The text log is always there: foreign text must go somewhere.
            if !wanted && destination != Destination::Stderr {
                continue;
            }
            let name = file_name(settings, now_us, destination);
            let old = self.open.iter().position(|f| f.destination == destination).map(|i| self.open.swap_remove(i));
            let renamed = old.as_ref().is_some_and(|old| old.name != name);
            let truncate = !first && renamed && cause == Cause::Age && settings.bool(Id::LogTruncateOnRotation);
            match open_file(&self.data_directory.join(&name), settings, truncate) {
                Ok((file, written)) => next.push(OpenFile { destination, file, name, written }),
                Err(e) => {
                    next.extend(old);
                    failed = Some((name, e));
                }
            }
        }
        self.open = next;
        self.write_current_logfiles(settings);
        match failed {
            Some((_, e)) if first => Err(e),
            Some((name, e)) => {
                self.say(settings, now_us, &format!("could not open log file \"{}\": {}", name.display(), os_text(&e)));
                // A want of descriptors passes; PostgreSQL 15, syslogger.c, logfile_rotate_dest: same rule.
                let passes = matches!(Errno::from_io_error(&e), Some(Errno::NFILE | Errno::MFILE));
                if !passes {
                    self.say(settings, now_us, "disabling automatic rotation (use SIGHUP to re-enable)");
                    self.stuck = true;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A line of the collector's own.
    fn say(&mut self, settings: &Global, now_us: i64, what: &str) {
        let (prefix, zone) = (settings.str(Id::LogLinePrefix), time::zone(&settings.str(Id::LogTimezone)));
        let style = Style { prefix: &prefix, zone: &zone, levels: level::levels_of(settings), now_us };
        let report = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, what.to_string());
        let line = text::format(&self.speaker, &report, &style);
        self.write(Destination::Stderr, line.as_bytes());
    }

    /// One line for each file: `stderr log/postgresql.log`.
    fn write_current_logfiles(&self, settings: &Global) {
        let words = settings.str(Id::LogDestination);
        let wanted = |f: &&OpenFile| words.split(',').any(|w| w.trim().eq_ignore_ascii_case(f.destination.as_str()));
        let line = |f: &OpenFile| format!("{} {}\n", f.destination.as_str(), f.name.display());
        let text: String = self.open.iter().filter(wanted).map(line).collect();
        let (path, mode) = (self.data_directory.join(CURRENT_LOGFILES), file_mode(settings));
        let _ = small_file::replace(&path, text.as_bytes(), 0o600).and_then(|()| Ok(rustix::fs::chmod(&path, mode)?));
    }
}

/// `log_directory`/`log_filename`, with the ending of its kind in place of `.log`.
fn file_name(settings: &Global, now_us: i64, destination: Destination) -> PathBuf {
    let zone = time::zone(&settings.str(Id::LogTimezone));
    let name = time::file_name(&settings.str(Id::LogFilename), now_us, &zone);
    let ending = match destination {
        Destination::Stderr => None,
        Destination::Csv => Some(".csv"),
        Destination::Json => Some(".json"),
    };
    let name = match ending {
        None => name,
        Some(ending) => format!("{}{ending}", name.strip_suffix(".log").unwrap_or(&name)),
    };
    // An absolute name stays below the directory, too.
    PathBuf::from(format!("{}/{name}", settings.str(Id::LogDirectory)))
}

/// `log_file_mode`. PostgreSQL 15, syslogger.c, logfile_open: the owner can always write.
fn file_mode(settings: &Global) -> Mode {
    Mode::from_raw_mode(settings.int(Id::LogFileMode) as u32 | 0o200)
}

fn open_file(path: &Path, settings: &Global, truncate: bool) -> io::Result<(OwnedFd, u64)> {
    let mut flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::CLOEXEC;
    if truncate {
        flags |= OFlags::TRUNC;
    }
    let file = match rustix::fs::open(path, flags | OFlags::EXCL, file_mode(settings)) {
        Ok(file) => {
            // What the umask has taken away: it is meant for the data.
            rustix::fs::fchmod(&file, file_mode(settings))?;
            file
        }
        Err(Errno::EXIST) => rustix::fs::open(path, flags, file_mode(settings))?,
        Err(e) => return Err(e.into()),
    };
    let size = rustix::fs::fstat(&file)?.st_size;
    Ok((file, size as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::config_files::RealConfigFiles;
    use crate::settings::Origin;
    use std::sync::Arc;

    fn settings(dir: &Path, line: &[(&str, &str)]) -> Global {
        small_file::replace(dir.join("postgresql.conf"), b"", 0o600).unwrap();
        let origin = Origin {
            data_directory: dir.to_path_buf(),
            config_file: None,
            command_line: line.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
        };
        Global::load(origin, Arc::new(RealConfigFiles)).map_err(|e| e.1).unwrap()
    }

    fn text(path: PathBuf) -> String {
        String::from_utf8(small_file::read(path).unwrap()).unwrap()
    }

    /// Files get their names and endings, are listed, rotate by size and age, and truncate only by age.
    #[test]
    fn rotation() {
        let dir = tempfile::tempdir().unwrap();
        let d = dir.path();
        let s = settings(
            d,
            &[
                ("log_destination", "stderr,csvlog"),
                ("log_filename", "f-%S.log"),
                ("log_rotation_size", "1kB"),
                ("log_rotation_age", "1min"),
                ("log_truncate_on_rotation", "on"),
            ],
        );
        let mut files = LogFiles::open(&s, 1_000_000).unwrap();
        assert_eq!(text(d.join(CURRENT_LOGFILES)), "stderr log/f-01.log\ncsvlog log/f-01.csv\n");
        files.write(Destination::Stderr, &[b'x'; 2000]);
        files.write(Destination::Csv, b"c\n");
        files.rotate_if_due(&s, 2_000_000).unwrap();
        assert_eq!(text(d.join(CURRENT_LOGFILES)), "stderr log/f-02.log\ncsvlog log/f-02.csv\n");
        files.write(Destination::Stderr, b"kept");
        files.rotate(&s, 2_000_000, Cause::Request).unwrap();
        assert_eq!(text(d.join("log/f-02.log")), "kept");
        assert_eq!(files.next_rotation_us(), Some(60_000_000));
        files.rotate_if_due(&s, 61_000_000).unwrap();
        assert_eq!(text(d.join("log/f-01.log")), "");
        assert_eq!(text(d.join("log/f-01.csv")), "");
    }

    /// Files have the mode the setting says, whatever the umask; a file that cannot be opened is told of once, and the
    /// old one goes on.
    #[test]
    fn modes_and_failures() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let d = dir.path();
        let s = settings(d, &[("log_filename", "a.log"), ("log_file_mode", "0646"), ("log_rotation_size", "1kB")]);
        let mut files = LogFiles::open(&s, 1_000_000).unwrap();
        for name in ["log/a.log", CURRENT_LOGFILES] {
            assert_eq!(d.join(name).metadata().unwrap().permissions().mode() & 0o777, 0o646, "{name}");
        }
        let wrong = settings(d, &[("log_filename", "no/such.log"), ("log_rotation_size", "1kB")]);
        files.rotate(&wrong, 2_000_000, Cause::Request).unwrap();
        files.write(Destination::Stderr, &[b'x'; 2000]);
        files.rotate_if_due(&wrong, 3_000_000).unwrap();
        let log = text(d.join("log/a.log"));
        assert_eq!(
            log.matches("LOG:  could not open log file \"log/no/such.log\": No such file or directory").count(),
            1
        );
        assert!(log.contains("LOG:  disabling automatic rotation (use SIGHUP to re-enable)\nxxx"), "{log}");
        files.rotate(&s, 4_000_000, Cause::Request).unwrap();
        assert!(!files.stuck);
    }
}
