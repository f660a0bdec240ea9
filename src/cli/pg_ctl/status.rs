//! `pg_ctl status`.

use super::{Control, Done, Failure};
use crate::cli::data_dir;
use crate::process::small_file;

pub fn status(control: &Control) -> Done {
    match control.server(4)? {
        Some(server) if server.pid < 0 && data_dir::is_alive(-server.pid) => {
            println!("pg_ctl: single-user server is running (PID: {})", -server.pid);
            Ok(())
        }
        Some(server) if data_dir::is_alive(server.pid) => {
            println!("pg_ctl: server is running (PID: {})", server.pid);
            if let Ok(bytes) = small_file::read(control.dir().join("postmaster.opts")) {
                print!("{}", String::from_utf8_lossy(&bytes));
            }
            Ok(())
        }
        _ => {
            println!("pg_ctl: no server running");
            Err(Failure(String::new(), 3))
        }
    }
}
