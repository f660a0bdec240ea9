//! The role of PID 1: when the kernel would end everybody with the postmaster, a tiny init stands
//! above it, reaps strangers, passes signals on, and starts a new postmaster when the old one was
//! killed; that one adopts the sessions.
//!
//! SIGTERM stops fast here, not smart: it is what a container's engine sends before it kills, and it does not wait
//! for the clients to leave. Who wants a smart stop sends SIGTERM to the postmaster (`pg_ctl stop -m smart`).

use super::Options;
use super::engine_process::to_pid;
use crate::process::{origin_args, small_file};
use crate::settings::os_text;
use rustix::process::{Signal as Kill, WaitOptions, WaitStatus, kill_process, wait};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The first argument by which the binary knows that it is to be the postmaster below an init.
pub const POSTMASTER_ARGUMENT: &str = "--run-postmaster";
/// A postmaster that is killed sooner than this after its start, so many times in a row, is given up.
const TOO_SOON: Duration = Duration::from_secs(1);
const MAX_TOO_SOON: u32 = 10;
/// So long the others (the logger with its last lines) may outlive the postmaster.
const PATIENCE: Duration = Duration::from_secs(2);
/// So often a young postmaster is looked at, whether it would already survive a signal.
const LOOK: Duration = Duration::from_millis(2);

/// The options of a postmaster started by [`run`].
pub fn options_from_args(args: impl Iterator<Item = OsString>) -> Options {
    let all: Vec<OsString> = args.collect();
    let word = |pair: &[OsString]| (pair[0] == "--word").then(|| pair[1].to_string_lossy().into_owned());
    let command_line = all.chunks_exact(2).filter_map(word).collect();
    // A postmaster below an init is there to adopt.
    Options { origin: origin_args::from_args(all), no_adopt: false, command_line, check_libraries: None }
}

fn to_args(options: &Options) -> Vec<OsString> {
    let mut args = origin_args::to_args(&options.origin);
    for word in &options.command_line {
        args.extend([OsString::from("--word"), OsString::from(word)]);
    }
    args
}

/// Runs as PID 1 until the postmaster ends on its own feet; returns its exit code.
pub fn run(options: &Options) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&e),
    };
    runtime.block_on(reign(options)).unwrap_or_else(|e| failed(&e))
}

fn failed(e: &io::Error) -> ExitCode {
    crate::log!("could not run as PID 1: {}", os_text(e));
    ExitCode::FAILURE
}

fn spawn(options: &Options) -> io::Result<u32> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("postgres").arg(POSTMASTER_ARGUMENT).args(to_args(options));
    // Ctrl-C reaches us as well as the postmaster, which would take the second for a second wish.
    Ok(command.process_group(0).spawn()?.id())
}

async fn reign(options: &Options) -> io::Result<ExitCode> {
    let mut passed: Vec<(Signal, Kill, bool)> = Vec::new();
    for (kind, kill, stop) in [
        (SignalKind::terminate(), Kill::INT, true),
        (SignalKind::interrupt(), Kill::INT, true),
        (SignalKind::quit(), Kill::QUIT, true),
        (SignalKind::hangup(), Kill::HUP, false),
        (SignalKind::user_defined1(), Kill::USR1, false),
    ] {
        passed.push((signal(kind)?, kill, stop));
    }
    let mut child = signal(SignalKind::child())?;
    let mut stop = None;
    let mut soon = 0;
    loop {
        let started = Instant::now();
        let postmaster = spawn(options)?;
        let mut waiting = stop;
        let status = loop {
            tokio::select! {
                _ = child.recv() => if let Some(status) = reap(postmaster) { break status },
                (kill, stops) = any_of(&mut passed) => {
                    if stops {
                        stop = Some(kill);
                        waiting = stop;
                    } else {
                        send_if_caught(postmaster, kill);
                    }
                }
                () = tokio::time::sleep(LOOK), if waiting.is_some() => {}
            }
            waiting = waiting.filter(|kill| !send_if_caught(postmaster, *kill));
        };
        if let Some(code) = status.exit_status() {
            wait_for_the_rest().await;
            return Ok(ExitCode::from(code as u8));
        }
        soon = if started.elapsed() < TOO_SOON { soon + 1 } else { 0 };
        if soon >= MAX_TOO_SOON {
            return Ok(ExitCode::FAILURE);
        }
    }
}

async fn any_of(signals: &mut [(Signal, Kill, bool)]) -> (Kill, bool) {
    std::future::poll_fn(|cx| {
        for (signal, kill, stop) in signals.iter_mut() {
            if signal.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready((*kill, *stop));
            }
        }
        std::task::Poll::Pending
    })
    .await
}

/// A process that has just been started would die of a signal that it does not catch yet.
fn send_if_caught(pid: u32, kill: Kill) -> bool {
    let caught = catches(pid, kill);
    if caught && let Ok(pid) = to_pid(pid) {
        let _ = kill_process(pid, kill);
    }
    caught
}

fn catches(pid: u32, kill: Kill) -> bool {
    let text = small_file::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).is_some_and(|m| m & (1 << (kill.as_raw() - 1)) != 0)
}

/// Takes the status of everybody who has ended; returns the postmaster's.
fn reap(postmaster: u32) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid.as_raw_nonzero().get() as u32 == postmaster {
            found = Some(status);
        }
    }
    found
}

async fn wait_for_the_rest() {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match wait(WaitOptions::NOHANG) {
            Err(_) => return,
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;

    /// What the init passes is what its postmaster reads.
    #[test]
    fn options_survive_the_exec() {
        let options = Options {
            origin: Origin {
                data_directory: "/d".into(),
                config_file: None,
                command_line: vec![("a".into(), "b".into())],
            },
            no_adopt: false,
            command_line: vec!["postgres".into(), "-D".into(), "/d".into()],
            check_libraries: None,
        };
        let back = options_from_args(to_args(&options).into_iter());
        assert_eq!(back.origin.data_directory, options.origin.data_directory);
        assert_eq!(back.origin.command_line, options.origin.command_line);
        assert_eq!(back.command_line, options.command_line);
        assert!(!back.no_adopt);
    }
}
