//! The collector of log lines as the postmaster sees it: started, watched, started again.

use super::engine_process::{self, to_pid};
use crate::base::Result;
use crate::logger::{Collector, set_collected};
use crate::process::outcome::Outcome;
use crate::process::watched;
use crate::settings::{Global, Id, Lookup};
use rustix::process::{PidfdFlags, Signal};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// A collector that ends at once, again and again, is given this much time between.
pub const RESTART_DELAY: Duration = Duration::from_millis(200);

pub struct LoggerProcess {
    collector: Collector,
    /// `None` while it could not be started.
    process: Option<Process>,
}

struct Process {
    /// Unknown for one that another postmaster started.
    pid: Option<u32>,
    pidfd: AsyncFd<OwnedFd>,
}

impl LoggerProcess {
    /// The collector if the settings ask for one: that of the adopted engine if it lives (its pipe
    /// is the engine's stderr), else a new one. From then on our stderr is its pipe.
    pub fn open(settings: &Global, adopted: Option<(OwnedFd, OwnedFd)>) -> Result<Option<LoggerProcess>> {
        if !settings.bool(Id::LoggingCollector) {
            return Ok(None);
        }
        let (collector, pidfd) = match adopted {
            Some((stderr, pidfd)) if is_pipe(&stderr) => (Collector::adopt(stderr)?, Some(pidfd)),
            _ => (Collector::new()?, None),
        };
        let pidfd = pidfd.and_then(|fd| watched::watch_input(fd).ok());
        let process = pidfd.map(|pidfd| Process { pid: None, pidfd });
        let mut logger = LoggerProcess { collector, process };
        if logger.process.is_none() {
            logger.start(settings)?;
        }
        logger.collector.redirect_stderr(settings)?;
        set_collected(true);
        Ok(Some(logger))
    }

    /// Starts the process, anew or for the first time.
    pub fn start(&mut self, settings: &Global) -> Result<()> {
        let child = self.collector.start(settings)?;
        let pid = child.id();
        let watch = to_pid(pid).and_then(|pid| Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?));
        let pidfd = watch
            .and_then(watched::watch_input)
            .map_err(|e| crate::err!(INTERNAL_ERROR, "could not watch the logger: {}", crate::settings::os_text(&e)))?;
        self.process = Some(Process { pid: Some(pid), pidfd });
        Ok(())
    }

    /// What the engine must have: its stderr and the logger's pidfd.
    pub fn for_engine(&self) -> Option<Vec<OwnedFd>> {
        let process = self.process.as_ref()?;
        let pipe = self.collector.pipe().try_clone_to_owned().ok()?;
        Some(vec![pipe, process.pidfd.get_ref().try_clone().ok()?])
    }

    /// Ready when the process has ended.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(process) = &self.process else { return Poll::Pending };
        match ready!(process.pidfd.poll_read_ready(cx)) {
            Ok(_) => Poll::Ready(()),
            Err(_) => Poll::Pending,
        }
    }

    /// Takes the ended process's status: its pid, if we started it, and how it ended.
    pub fn ended(&mut self) -> Option<(Option<u32>, Outcome)> {
        let process = self.process.take()?;
        let outcome = engine_process::outcome(process.pidfd.get_ref());
        Some((process.pid, outcome))
    }

    /// The settings have changed.
    pub fn reload(&self) {
        if let Some(process) = &self.process {
            let _ = rustix::process::pidfd_send_signal(process.pidfd.get_ref(), Signal::HUP);
        }
    }

    /// Asks for a rotation.
    pub fn rotate(&self) {
        if let Some(process) = &self.process {
            let _ = rustix::process::pidfd_send_signal(process.pidfd.get_ref(), Signal::USR1);
        }
    }
}

fn is_pipe(fd: &OwnedFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|s| rustix::fs::FileType::from_raw_mode(s.st_mode) == rustix::fs::FileType::Fifo)
}
