//! `revive_postmaster = on`: the orphaned engine starts a new postmaster by itself, which adopts it.

use crate::settings::Origin;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Starts a postmaster in a process group of its own: the engine's group dies with the engine.
pub fn revive(origin: &Origin) {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("postgres").arg("-D").arg(&origin.data_directory);
    if let Some(file) = &origin.config_file {
        let mut setting = OsString::from("config_file=");
        setting.push(file);
        command.arg("-c").arg(setting);
    }
    for (name, value) in &origin.command_line {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    match command.process_group(0).stdin(Stdio::null()).spawn() {
        Ok(mut child) => {
            crate::log!("started a new postmaster (PID {})", child.id());
            // Somebody must take its exit status, or it would stay as a zombie.
            let _ = std::thread::Builder::new().name("postmaster wait".into()).spawn(move || child.wait());
        }
        Err(e) => crate::log!("could not start a new postmaster: {e}"),
    }
}
