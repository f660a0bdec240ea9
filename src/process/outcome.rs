//! How a process ended, in PostgreSQL's words.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The end of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Exited(i32),
    Signaled(i32),
    /// It was not our child and the kernel does not tell.
    Unknown,
}

impl Outcome {
    /// From the status word of wait(2).
    pub fn from_wait_status(status: i32) -> Outcome {
        match status & 0x7f {
            0 => Outcome::Exited((status >> 8) & 0xff),
            signal => Outcome::Signaled(signal),
        }
    }

    /// What a command of the shell came to. PostgreSQL 15, wait_error.c, wait_result_to_str.
    pub fn of_command(self) -> String {
        match self {
            Outcome::Exited(126) => "command not executable".to_string(),
            Outcome::Exited(127) => "command not found".to_string(),
            outcome => format!("child process {outcome}"),
        }
    }
}

impl From<ExitStatus> for Outcome {
    fn from(status: ExitStatus) -> Outcome {
        Outcome::from_wait_status(status.into_raw())
    }
}

impl fmt::Display for Outcome {
    /// PostgreSQL 15, postmaster.c, LogChildExit: same texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(code) => write!(f, "exited with exit code {code}"),
            Outcome::Signaled(signal) => write!(f, "was terminated by signal {signal}: {}", signal_text(*signal)),
            Outcome::Unknown => f.write_str("ended with unknown exit status (adopted)"),
        }
    }
}

/// strsignal(3) of the signals that end a process.
pub fn signal_text(signal: i32) -> &'static str {
    match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        24 => "CPU time limit exceeded",
        25 => "File size limit exceeded",
        _ => "Unknown signal",
    }
}
