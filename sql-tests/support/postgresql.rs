//! A PostgreSQL of its own, to see whether what our tests say is true there.

use super::{as_server_user, free_port};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct PostgreSql {
    dir: tempfile::TempDir,
    bin: PathBuf,
    pub port: u16,
}

impl PostgreSql {
    /// Initialised and started, with the binaries in a folder.
    pub fn started(bin: &Path) -> PostgreSql {
        let dir = tempfile::Builder::new().prefix("postgresql-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let server = PostgreSql { dir, bin: bin.to_path_buf(), port: free_port() };
        server.run("initdb", &["-N", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]);
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c fsync=off -k {}", server.port, server.dir.path().display());
        let log = server.dir.path().join("log").display().to_string();
        server.run("pg_ctl", &["start", "-w", "-s", "-l", &log, "-o", &options]);
        server
    }

    fn run(&self, tool: &str, arguments: &[&str]) {
        let mut command = Command::new(self.bin.join(tool));
        as_server_user(&mut command).args(arguments).env("PGDATA", self.dir.path().join("data")).current_dir("/");
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{tool}: {status}");
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-s"]);
    }
}
