//! The experiments the project stands for, with the real binary, real sockets, real `kill -9`: what a crash takes, and
//! what it must leave. Where the words matter, a stock psql reads them.

#[path = "../support/mod.rs"]
mod support;

mod adoption;
mod archiver;
mod bank;
mod checkpoint;
mod concurrently;
mod configuration;
mod ddl;
mod deaths;
mod freeze;
mod indexes;
mod interlock;
mod orphan;
mod partitions;
mod rewrite;
mod shutdown;
mod two_phase;
mod unlogged;
mod workers;

use postgres::{Client, NoTls};
use std::time::{Duration, Instant};
use support::Server;

fn connect(port: u16) -> Option<Client> {
    let text = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres connect_timeout=5");
    Client::connect(&text, NoTls).ok()
}

fn connect_soon(server: &Server) -> Client {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(client) = connect(server.port) {
            return client;
        }
        assert!(Instant::now() < until, "not accepting connections:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A statement of a session of its own; the first column.
#[track_caller]
fn sql(server: &Server, text: &str) -> Vec<String> {
    server.connect().query(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The pid a person finds in `pg_stat_activity`.
#[track_caller]
fn worker_pid(server: &Server, backend_type: &str) -> u32 {
    let rows = sql(server, &format!("select pid from pg_stat_activity where backend_type = '{backend_type}'"));
    assert_eq!(rows.len(), 1, "one {backend_type}");
    rows[0].parse().unwrap()
}

/// The state `pg_controldata` shows.
fn cluster_state(server: &Server) -> String {
    let (code, text) = server.tool("pg_controldata", &[]);
    assert_eq!(code, 0, "{text}");
    let line = text.lines().find(|l| l.starts_with("Database cluster state:")).expect("a state");
    line.split(':').nth(1).unwrap().trim().to_string()
}

/// A small generator with a printed seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Ends whoever chance says. A new postmaster takes over what goes on without its own.
fn strike(server: &mut Server, random: &mut Random) {
    let victim = match random.next() % 4 {
        0 | 1 => server.engine_pid(),
        2 => {
            let workers: Vec<u32> = ["walwriter", "checkpointer"].iter().flat_map(|w| server.workers(w)).collect();
            workers.first().copied().unwrap_or_else(|| server.engine_pid())
        }
        _ => {
            server.kill_postmaster();
            server.start();
            return;
        }
    };
    if let Some(pid) = rustix::process::Pid::from_raw(victim as i32) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
