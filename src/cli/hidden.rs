//! First arguments by which the binary starts its own children.

use crate::base::report;
use crate::logger::LOGGER_ARGUMENT;
use crate::postmaster::POSTMASTER_ARGUMENT;
use crate::process::config_files::RealConfigFiles;
use crate::process::{ENGINE_ARGUMENT, origin_args};
use crate::settings::Global;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::Arc;

/// Becomes a session leader, then the program that follows: `pg_ctl start` takes its server off the terminal.
pub const DETACH_ARGUMENT: &str = "--run-detached";

/// Runs a hidden subcommand; `None` if the word is none.
pub fn run(word: &str, arguments: &[OsString]) -> Option<ExitCode> {
    match word {
        ENGINE_ARGUMENT => Some(crate::engine::run()),
        POSTMASTER_ARGUMENT => Some(crate::postmaster::run_below_init(super::postgres::check_libraries)),
        LOGGER_ARGUMENT => Some(logger(arguments)),
        DETACH_ARGUMENT => Some(detach(arguments)),
        _ => None,
    }
}

fn logger(arguments: &[OsString]) -> ExitCode {
    let origin = origin_args::from_args(arguments.iter().cloned());
    match Global::load(origin, Arc::new(RealConfigFiles)) {
        Ok(settings) => ExitCode::from(crate::logger::run(&settings) as u8),
        Err((reports, e)) => {
            reports.iter().for_each(report::log);
            report::log(&e.0);
            ExitCode::FAILURE
        }
    }
}

fn detach(arguments: &[OsString]) -> ExitCode {
    let _ = rustix::process::setsid();
    let Some((program, rest)) = arguments.split_first() else { return ExitCode::FAILURE };
    let e = Command::new(program).args(rest).exec();
    eprintln!("could not execute \"{}\": {}", program.to_string_lossy(), crate::settings::os_text(&e));
    ExitCode::FAILURE
}
