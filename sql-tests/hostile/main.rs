//! Input that nobody means well with: statements with their parts swapped, and streams of messages that no driver sends.
//! Whatever comes, the server answers or refuses; nothing panics, no session but the sender's ends.
//!
//! `SEED=n` repeats a run, `HOSTILE_SECONDS=n` makes one longer.

#[path = "../support/mod.rs"]
mod support;

mod messages;
mod statements;

use std::time::{Duration, Instant};
use support::Server;

/// xorshift64*: the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8) % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A server, what to draw from, and when to stop.
fn begin(settings: &[&str]) -> (Server, Random, Instant) {
    let seed = number("SEED").unwrap_or(20_261_129);
    let seconds = number("HOSTILE_SECONDS").unwrap_or(8);
    println!("SEED={seed} HOSTILE_SECONDS={seconds}");
    (Server::started(settings), Random(seed | 1), Instant::now() + Duration::from_secs(seconds))
}

/// The engine is the one of the beginning, serves, and has nothing to be ashamed of in its log.
fn unharmed(server: &Server, engine: u32) {
    assert_eq!(server.engine_pid(), engine, "the engine has been restarted\n{}", faults(server));
    server.connect();
    assert_eq!(faults(server), "");
}

/// What the log says of panics, with the statements.
fn faults(server: &Server) -> String {
    let log = server.log();
    let lines: Vec<&str> = log.lines().collect();
    let bad = |l: &str| l.contains("unexpected panic") || l.contains("PANIC:") || l.contains("terminated by signal");
    let found = lines.iter().enumerate().filter(|(_, l)| bad(l));
    found.map(|(n, _)| lines[n..lines.len().min(n + 3)].join("\n")).collect::<Vec<_>>().join("\n\n")
}
