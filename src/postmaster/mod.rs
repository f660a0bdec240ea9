//! Listens, supervises, hands connections over. Small and single-threaded.
//!
//! Must never open a data file, share memory with anybody, or wait for a client: it must outlive
//! whatever happens to the engine.
//!
//! Invariants
//! - PM-1: at most one engine at any time; a new one is spawned only when the old one's end was seen.
//! - PM-2: nothing is touched in the data directory before the postmaster's lock is held.
//! - PM-3: what the engine said is taken in before its end is acted upon.
//! - PM-4: only established sessions are ever warned; others would take the warning for an answer.
//!
//! Files: `postmaster.pid` (8 lines), `postmaster.opts`, `postmaster.lock`, `postmaster.control`.

mod adoption;
mod answer;
pub mod control;
mod data_dir;
mod engine_process;
mod init;
mod listener;
mod logger_process;
pub mod pid_file;
mod sessions;
pub mod state;
mod supervisor;

pub use init::POSTMASTER_ARGUMENT;

use crate::base::report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::process::config_files::RealConfigFiles;
use crate::process::lock_file::{self, Lock};
use crate::process::{
    ENGINE_LOCK, PID_FILE, POSTMASTER_CONTROL, POSTMASTER_LOCK, descriptor_limit, packet, small_file,
};
use crate::settings::{Global, Id, Lookup, Origin, os_text};
use adoption::Adopted;
use logger_process::LoggerProcess;
use pid_file::PidFile;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervisor::{Signals, Start, Supervisor};

/// So long a killed postmaster may need to let its lock go.
const DYING: Duration = Duration::from_secs(5);

/// The exit code without a control file, as PostgreSQL's.
const NO_CONTROL_FILE: u8 = 2;

/// How to start.
#[derive(Clone, Default)]
pub struct Options {
    /// Where the settings come from; its data directory is absolute.
    pub origin: Origin,
    /// Refuse to start beside a running engine, as PostgreSQL 9.4 did.
    pub no_adopt: bool,
    /// The program and its arguments as `postmaster.opts` keeps them for `pg_ctl restart`.
    pub command_line: Vec<String>,
    /// Whether the libraries in a list can be loaded: what they are is known further up.
    pub check_libraries: Option<LibraryCheck>,
}

/// # Errors
/// 58P01.
pub type LibraryCheck = fn(&str) -> Result<()>;

/// Runs a postmaster until it is told to stop. As PID 1 it is an init with the postmaster below it.
pub fn run(options: Options) -> ExitCode {
    if std::process::id() == 1 {
        return init::run(&options);
    }
    run_here(options)
}

/// The postmaster below an init: arguments as the init passed them.
pub fn run_below_init(check_libraries: LibraryCheck) -> ExitCode {
    let options = init::options_from_args(std::env::args_os().skip(2));
    let options = Options { check_libraries: Some(check_libraries), ..options };
    crate::process::title::set(&options.command_line.join(" "));
    run_here(options)
}

fn run_here(options: Options) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            crate::log!("could not start the postmaster's event loop: {}", os_text(&e));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(options)) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            report::log(&e.0);
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> Result<u8> {
    let signals = supervisor::catch_signals()
        .map_err(|e| fatal(SqlState::INTERNAL_ERROR, format!("could not catch signals: {}", os_text(&e))))?;
    let descriptors = descriptor_limit::raise();
    let data_dir = options.origin.data_directory.clone();
    let umask = data_dir::check(&data_dir)?;
    if let Some(text) = data_dir::missing_control_file(&data_dir) {
        eprintln!("{text}");
        return Ok(NO_CONTROL_FILE);
    }
    rustix::process::umask(umask);
    let settings = Global::load(options.origin.clone(), Arc::new(RealConfigFiles)).map_err(|(reports, e)| {
        reports.iter().for_each(report::log);
        e
    })?;
    let settings = Arc::new(settings);
    let origin = report::Origin { backend_type: "postmaster", ..report::Origin::default() };
    crate::logger::install(settings.clone(), origin, false);
    rustix::process::chdir(&data_dir).map_err(|e| {
        fatal(
            SqlState::IO_ERROR,
            format!("could not change directory to \"{}\": {}", data_dir.display(), os_text(&e.into())),
        )
    })?;
    let _lock = take_lock(&data_dir)?;
    if options.no_adopt {
        refuse_running_engine(&data_dir)?;
    }
    let mut file = pid_file(&settings, &data_dir)?;
    write_pid_file(&file, "starting")?;
    let _files = OwnFiles;
    let served = open_and_serve(&options, settings, &mut file, &data_dir, (signals, descriptors)).await;
    if let Err(e) = served {
        report::log(&e.0);
        crate::log!("database system is shut down");
        return Ok(1);
    }
    served
}

async fn open_and_serve(
    options: &Options,
    settings: Arc<Global>,
    file: &mut PidFile,
    data_dir: &Path,
    (signals, descriptors): (Signals, usize),
) -> Result<u8> {
    if let Some(check) = options.check_libraries {
        check(&settings.str(Id::SharedPreloadLibraries)).map_err(|e| e.severity(Severity::Fatal))?;
    }
    let mut adopted: Option<Adopted> = adoption::adopt(data_dir).await?;
    let old_logger = adopted.as_mut().and_then(Adopted::take_logger);
    let logger = LoggerProcess::open(&settings, old_logger)?;
    crate::log!("starting {}", crate::settings::version_text());
    let listeners = listener::open(&settings, file)?;
    write_pid_file(file, "starting")?;
    let _external = ExternalPidFile::write(&settings);
    write_options_file(options);
    let control = packet::listen(POSTMASTER_CONTROL).map_err(|e| {
        fatal(SqlState::IO_ERROR, format!("could not create socket \"{POSTMASTER_CONTROL}\": {}", os_text(&e)))
    })?;
    let start = Start { settings, file: file.clone(), listeners, control, signals, adopted, logger, descriptors };
    Ok(Supervisor::new(start)?.run().await)
}

/// Removes the postmaster's own files when it ends on its own feet.
struct OwnFiles;

impl Drop for OwnFiles {
    fn drop(&mut self) {
        small_file::remove(POSTMASTER_CONTROL);
        small_file::remove(PID_FILE);
    }
}

/// `external_pid_file`, for init scripts; removed at the end.
struct ExternalPidFile(Option<String>);

impl ExternalPidFile {
    /// One that cannot be written is told and not missed (PostgreSQL 15, PostmasterMain).
    fn write(settings: &Global) -> ExternalPidFile {
        let path = settings.str(Id::ExternalPidFile).to_string();
        if path.is_empty() {
            return ExternalPidFile(None);
        }
        match small_file::replace(&path, format!("{}\n", std::process::id()).as_bytes(), 0o644) {
            Ok(()) => ExternalPidFile(Some(path)),
            Err(e) => {
                eprintln!("postgres: could not write external PID file \"{path}\": {}", os_text(&e));
                ExternalPidFile(None)
            }
        }
    }
}

impl Drop for ExternalPidFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            small_file::remove(path);
        }
    }
}

/// PM-2. A postmaster that is just being killed holds its lock for some more moments; one that lives
/// makes us give up at once.
fn take_lock(data_dir: &Path) -> Result<Lock> {
    let until = Instant::now() + DYING;
    loop {
        let held = lock_file::try_lock(POSTMASTER_LOCK).map_err(|e| {
            fatal(SqlState::IO_ERROR, format!("could not lock file \"{POSTMASTER_LOCK}\": {}", os_text(&e)))
        })?;
        if let Some(lock) = held {
            return Ok(lock);
        }
        let pid = small_file::read(PID_FILE).ok().and_then(|text| pid_file::first_line_pid(&text));
        let pid = lock_file::holder(POSTMASTER_LOCK).or(pid).unwrap_or(0);
        if !is_ending(pid) || Instant::now() >= until {
            let text = format!("lock file \"{PID_FILE}\" already exists");
            let hint =
                format!("Is another postmaster (PID {pid}) running in data directory \"{}\"?", data_dir.display());
            return Err(fatal(SqlState::LOCK_FILE_EXISTS, text).hint(hint));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process is gone, a zombie, or past the point where the kernel ends it.
fn is_ending(pid: u32) -> bool {
    const PF_EXITING: u64 = 4;
    let Ok(text) = small_file::read(format!("/proc/{pid}/stat")) else { return true };
    let text = String::from_utf8_lossy(&text).into_owned();
    // The command's name may hold anything; state and flags are the first and seventh field after it.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let state = fields.first().copied().unwrap_or("X");
    let flags: u64 = fields.get(6).and_then(|f| f.parse().ok()).unwrap_or(0);
    matches!(state, "Z" | "X") || flags & PF_EXITING != 0 || has_pending_kill(pid)
}

/// Whether SIGKILL has been sent and not been taken in yet.
fn has_pending_kill(pid: u32) -> bool {
    let text = small_file::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut masks = text.lines().filter_map(|l| l.strip_prefix("ShdPnd:").or_else(|| l.strip_prefix("SigPnd:")));
    masks.any(|m| u64::from_str_radix(m.trim(), 16).is_ok_and(|m| m & (1 << 8) != 0))
}

/// PostgreSQL 9.4's answer to orphans. The key and id are those of `postmaster.pid`'s seventh line.
fn refuse_running_engine(data_dir: &Path) -> Result<()> {
    if lock_file::is_free(ENGINE_LOCK).unwrap_or(true) {
        return Ok(());
    }
    let key = inode(data_dir);
    let text = format!("pre-existing shared memory block (key {key}, ID 0) is still in use");
    let hint = format!("Terminate any old server processes associated with data directory \"{}\".", data_dir.display());
    Err(fatal(SqlState::LOCK_FILE_EXISTS, text).hint(hint))
}

fn inode(data_dir: &Path) -> u64 {
    rustix::fs::stat(data_dir).map_or(0, |s| s.st_ino)
}

fn pid_file(settings: &Global, data_dir: &Path) -> Result<PidFile> {
    Ok(PidFile {
        data_dir: data_dir.to_path_buf(),
        start_s: crate::base::clock::now_us() / 1_000_000,
        port: settings.int(Id::Port) as u16,
        socket_dir: String::new(),
        address: String::new(),
        key: inode(data_dir),
    })
}

fn write_pid_file(file: &PidFile, status: &str) -> Result<()> {
    file.write(status)
        .map_err(|e| fatal(SqlState::IO_ERROR, format!("could not create lock file \"{PID_FILE}\": {}", os_text(&e))))
}

/// PostgreSQL 15, postmaster.c, CreateOptsFile: same file.
fn write_options_file(options: &Options) {
    let mut words = options.command_line.iter();
    let mut line = words.next().cloned().unwrap_or_default();
    for word in words {
        line.push_str(&format!(" \"{word}\""));
    }
    line.push('\n');
    if let Err(e) = small_file::replace("postmaster.opts", line.as_bytes(), 0o600) {
        crate::log!("could not create file \"postmaster.opts\": {}", os_text(&e));
    }
}

fn fatal(state: SqlState, text: String) -> Error {
    Error::new(state, text).severity(Severity::Fatal)
}
