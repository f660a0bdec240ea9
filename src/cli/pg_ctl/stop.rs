//! `pg_ctl stop`.

use super::{Control, Done, Failure, Mode, failure, send};
use crate::cli::data_dir;
use std::time::Duration;

const WAITS_PER_S: u64 = 10;

pub fn stop(control: &Control) -> Done {
    let server = control.running_server()?;
    control.refuse_single_user(&server, "stop")?;
    if let Err(e) = send(server.pid, control.mode.signal()) {
        return failure(format!("could not send stop signal (PID: {}): {e}", server.pid));
    }
    if !control.wait {
        control.say("server shutting down\n");
        return Ok(());
    }
    wait_until_stopped(control)
}

/// Waits with the usual lines.
pub fn wait_until_stopped(control: &Control) -> Done {
    control.say("waiting for server to shut down...");
    if !is_gone_in_time(control) {
        control.say(" failed\n");
        let mut text = "pg_ctl: server does not shut down".to_string();
        if control.mode == Mode::Smart {
            text.push_str(
                "\nHINT: The \"-m fast\" option immediately disconnects sessions rather than\n\
                 waiting for session-initiated disconnection.",
            );
        }
        return Err(Failure(text, 1));
    }
    control.say(" done\nserver stopped\n");
    Ok(())
}

/// The pid file is removed last of all; a server that died without removing it has not stopped.
fn is_gone_in_time(control: &Control) -> bool {
    for i in 0..control.timeout_s * WAITS_PER_S {
        match data_dir::read_pid_file(control.dir()) {
            Ok(None) => return true,
            Ok(Some(file)) if !data_dir::is_alive(file.pid) => {
                return matches!(data_dir::read_pid_file(control.dir()), Ok(None));
            }
            _ => {}
        }
        if i % WAITS_PER_S == 0 {
            control.say(".");
        }
        std::thread::sleep(Duration::from_millis(1000 / WAITS_PER_S));
    }
    false
}
