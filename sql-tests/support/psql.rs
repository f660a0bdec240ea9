//! One stock psql that stays open, its output read as it comes.

use super::Server;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a program of PostgreSQL's is on `PATH`. A machine without it is told so; one of CI's must have it.
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} is not on PATH");
        eprintln!("SKIPPED: {program} is not on PATH");
    }
    found
}

/// A client program of PostgreSQL's that meets this server.
pub fn client(server: &Server, program: &str) -> Command {
    let mut command = Command::new(program);
    let host = server.dir.path().as_os_str();
    command.env("PGHOST", host).env("PGPORT", server.port.to_string()).env("PGUSER", "postgres");
    command.env("PGDATABASE", "postgres").env("LC_ALL", "C").env_remove("PGSSLMODE").env_remove("PGOPTIONS");
    command.stdin(Stdio::null());
    command
}

/// Runs a client program to its end: exit code and what it printed, both streams as they came.
pub fn run(server: &Server, program: &str, arguments: &[&str]) -> (i32, String) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = client(server, program);
    command.args(arguments).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), text)
}

pub struct Psql {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    seen: String,
    marks: u32,
}

impl Psql {
    /// Unaligned, tuples only, over the Unix socket.
    pub fn open(server: &Server) -> Psql {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = client(server, "psql");
        command.args(["-X", "-A", "-t"]).stdin(Stdio::piped());
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap();
        drop(command);
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        let mut psql = Psql { child, input, output, seen: String::new(), marks: 0 };
        assert_eq!(psql.run("select 1;"), "1");
        psql
    }

    pub fn send(&mut self, line: &str) {
        // A psql that has gone is noticed by what it printed.
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Sends a line; what psql prints until it is done with it, or until its end.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.marks += 1;
        let mark = format!("--mark {}--\n", self.marks);
        self.send(line);
        self.send(&format!("\\echo {}", mark.trim_end()));
        self.read_until(&mark).replace(&mark, "").trim_end().to_string()
    }

    /// What was printed up to and with this text, or up to the end.
    #[track_caller]
    pub fn read_until(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {text:?} in {:?}", self.seen);
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return std::mem::take(&mut self.seen),
                Err(_) => {}
            }
        }
    }

    /// Everything up to its end, and its exit code.
    #[track_caller]
    pub fn end(&mut self) -> (i32, String) {
        self.input = None;
        let text = self.read_until("\0");
        (self.child.wait().unwrap().code().unwrap_or(-1), text)
    }

    /// `\q`, and waits until it is gone.
    pub fn quit(mut self) {
        self.send("\\q");
        self.end();
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
