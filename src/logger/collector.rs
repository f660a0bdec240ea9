//! The collector's process: reads the pipe, writes the files, ends with its last writer (LOG-2).

use super::chunk::Assembler;
use super::log_file::{Cause, LogFiles};
use super::{ROTATE_REQUEST, signals};
use crate::base::clock::now_us;
use crate::process::{small_file, title};
use crate::settings::{Global, os_text};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

/// Runs until the pipe on descriptor 0 ends; returns the exit code.
pub fn run(settings: &Global) -> i32 {
    // Ctrl-C on the terminal is the postmaster's alone.
    let _ = rustix::process::setsid();
    title::set("postgres: logger ");
    let pipe = match rustix::io::dup(rustix::stdio::stdin()) {
        Ok(pipe) => pipe,
        Err(e) => return fail("could not read from logger pipe", e.into()),
    };
    let _ = rustix::io::fcntl_setfd(&pipe, rustix::io::FdFlags::CLOEXEC);
    match collect(settings, &pipe) {
        Ok(()) => 0,
        Err(e) => fail("could not open log file", e),
    }
}

fn fail(what: &str, e: std::io::Error) -> i32 {
    eprintln!("FATAL:  {what}: {}", os_text(&e));
    1
}

fn collect(settings: &Global, pipe: &OwnedFd) -> std::io::Result<()> {
    let (requests, wake) = signals::listen()?;
    let mut files = LogFiles::open(settings, now_us())?;
    let mut assembler = Assembler::default();
    let mut buffer = vec![0; 65536];
    loop {
        wait(pipe, &wake, files.next_rotation_us())?;
        let _ = rustix::io::read(&*wake, &mut [0u8; 8]);
        if requests.reload.swap(false, Ordering::SeqCst) {
            settings.reload();
            files.rotate(settings, now_us(), Cause::Request)?;
        }
        if requests.rotate.swap(false, Ordering::SeqCst) {
            small_file::remove(settings.origin().data_directory.join(ROTATE_REQUEST));
            files.rotate(settings, now_us(), Cause::Request)?;
        }
        files.rotate_if_due(settings, now_us())?;
        if !is_readable(pipe)? {
            continue;
        }
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => {
                assembler.finish(|destination, bytes| files.write(destination, bytes));
                return Ok(());
            }
            Ok(n) => assembler.feed(&buffer[..n], |destination, bytes| files.write(destination, bytes)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Sleeps until there is something to read, a signal, or time to rotate.
fn wait(pipe: &OwnedFd, wake: &OwnedFd, until_us: Option<i64>) -> std::io::Result<()> {
    let timeout = until_us.map(|at| {
        let left = (at - now_us()).clamp(0, 3_600_000_000);
        Timespec { tv_sec: left / 1_000_000, tv_nsec: left % 1_000_000 * 1000 }
    });
    let mut fds = [PollFd::new(pipe, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn is_readable(pipe: &OwnedFd) -> std::io::Result<bool> {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    let none = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut fds, Some(&none)) {
        Ok(n) => Ok(n > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}
