//! The process model, proved on the real binary with real signals: hand-over, crash, orphans,
//! adoption, interlocks, shutdown.

mod support;

use std::io::Read;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Server, assert_crash_warning, contains_in_order, eventually, is_alive, kill, open_files};

/// A start writes the log and the pid file of PostgreSQL, both kinds of sockets work, and a second
/// postmaster is turned away without touching anything, also while the first is stopped.
#[test]
fn start_and_the_postmasters_interlock() {
    let server = Server::started(&[]);
    assert_eq!(server.connect().query("select 1").unwrap(), ["1"]);
    let mut tcp = server.connect_tcp();
    assert!(tcp.pid > 4_194_304);
    assert_eq!(tcp.query("select pg_backend_pid()").unwrap(), [tcp.pid.to_string()]);
    contains_in_order(
        &server.log(),
        &["starting ", "listening on IPv4", "listening on Unix", "database system is ready to accept connections"],
    );
    let pid_file = std::fs::read_to_string(server.data.join("postmaster.pid")).unwrap();
    let lines: Vec<&str> = pid_file.lines().collect();
    assert_eq!(lines.len(), 8);
    assert_eq!((lines[0], lines[7]), (server.pid().to_string().as_str(), "ready   "));
    for stopped in [false, true] {
        if stopped {
            server.signal("STOP");
        }
        assert_eq!(server.command().status().unwrap().code(), Some(1));
        if stopped {
            server.signal("CONT");
        }
    }
    assert_eq!(std::fs::read_to_string(server.data.join("postmaster.pid")).unwrap(), pid_file);
    let hint = format!("Is another postmaster (PID {}) running in data directory", server.pid());
    contains_in_order(&server.log(), &["lock file \"postmaster.pid\" already exists", &hint]);
    assert_eq!(server.connect().query("select 1").unwrap(), ["1"]);
}

/// A killed worker ends all sessions with the WARNING, except those who would misread it: a client
/// that has not logged in yet and one in the middle of a result. The postmaster stays.
#[test]
fn a_killed_worker_resets_everybody() {
    let server = Server::started(&[]);
    let (mut idle, mut tcp, mut busy) = (server.connect(), server.connect_tcp(), server.connect());
    busy.send("select pg_sleep(60)");
    let mut early = server.raw_unix().unwrap();
    let mut reader = server.connect();
    reader.send("select repeat('x', 1000) from generate_series(1, 50000)");
    std::thread::sleep(Duration::from_millis(300));
    let old = server.engine_pid();
    kill("KILL", server.workers("walwriter")[0]);
    for client in [&mut idle, &mut tcp, &mut busy] {
        assert_crash_warning(&client.read_to_end());
    }
    let mut nothing = Vec::new();
    early.read_to_end(&mut nothing).unwrap();
    assert_eq!(nothing, b"");
    assert!(reader.read_to_end().iter().all(|m| m.kind != 'N'));
    server.wait_accepting();
    assert!(is_alive(server.pid()) && server.engine_pid() != old);
    let died = format!("server process (PID {old}) was terminated by signal 9: Killed");
    contains_in_order(
        &server.log(),
        &[
            "ready to accept connections",
            &died,
            "terminating any other active server processes",
            "all server processes terminated; reinitializing",
            "ready to accept connections",
        ],
    );
}

/// With restart_after_crash off a crash ends the postmaster with code 1, and its files are gone.
#[test]
fn restart_after_crash_off() {
    let mut server = Server::started(&["restart_after_crash=off"]);
    kill("KILL", server.engine_pid());
    assert_eq!(server.wait_end().code(), Some(1));
    contains_in_order(
        &server.log(),
        &["shutting down because restart_after_crash is off", "database system is shut down"],
    );
    assert!(!server.data.join("postmaster.pid").exists());
    assert!(server.raw_unix().is_err());
}

/// `pg_ctl kill` reaches a backend by its pid: INT cancels, TERM ends that session alone, KILL is a
/// crash that names it and its statement.
#[test]
fn signals_to_backends() {
    let server = Server::started(&[]);
    let signal = |pid, signal| outlast::postmaster::control::signal_backend(&server.data, pid, signal).unwrap();
    let (mut a, mut b) = (server.connect(), server.connect());
    assert!(!signal(4_200_000, 15));
    a.send("select pg_sleep(60)");
    // A cancel before the statement has begun would be for nothing, as in PostgreSQL.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(signal(a.pid, 2));
    let cancelled = std::iter::from_fn(|| a.read().unwrap()).find(|m| m.kind == 'E').unwrap();
    assert_eq!(cancelled.field('M').as_deref(), Some("canceling statement due to user request"));
    assert_eq!(a.read().unwrap().unwrap().kind, 'Z');
    assert!(signal(a.pid, 15));
    let last = a.read_to_end();
    assert_eq!(last.last().unwrap().field('C').as_deref(), Some("57P01"));
    assert_eq!(b.query("select 1").unwrap(), ["1"]);
    assert!(signal(b.pid, 9));
    assert_crash_warning(&b.read_to_end());
    server.wait_accepting();
    let died = format!("server process (PID {}) was terminated by signal 9: Killed", b.pid);
    contains_in_order(&server.log(), &[&died, "Failed process was running: select 1", "reinitializing"]);
}

/// Signals that PostgreSQL's workers ignore or survive do nothing; QUIT and SEGV are crashes.
#[test]
fn signals_to_the_engine() {
    let server = Server::started(&[]);
    let mut client = server.connect();
    let engine = server.engine_pid();
    for name in ["HUP", "INT", "TERM", "USR1", "USR2", "ALRM", "CHLD", "PIPE"] {
        kill(name, server.workers("walwriter")[0]);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
    assert_eq!(server.engine_pid(), engine);
    kill("QUIT", engine);
    assert_crash_warning(&client.read_to_end());
    server.wait_accepting();
    let mut client = server.connect();
    kill("SEGV", server.engine_pid());
    assert_crash_warning(&client.read_to_end());
    server.wait_accepting();
    contains_in_order(&server.log(), &["exited with exit code 2", "was terminated by signal 11: Segmentation fault"]);
}

/// Smart waits for the session and turns new ones away; fast ends it; the exit code is 0.
#[test]
fn smart_then_fast() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    server.signal("TERM");
    eventually("refusal", || {
        server.try_connect().err().as_deref() == Some("FATAL:  57P03 the database system is shutting down")
    });
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
    server.signal("TERM");
    let pid_file = std::fs::read_to_string(server.data.join("postmaster.pid")).unwrap();
    assert!(pid_file.ends_with("stopping\n"));
    server.signal("INT");
    let last = client.read_to_end();
    assert_eq!(last.last().unwrap().field('M').as_deref(), Some("terminating connection due to administrator command"));
    assert_eq!(server.wait_end().code(), Some(0));
    let log = server.log();
    contains_in_order(
        &log,
        &[
            "received smart shutdown request",
            "received fast shutdown request",
            "aborting any active transactions",
            "database system is shut down",
        ],
    );
    assert_eq!(log.matches("received smart").count(), 1);
    assert!(!server.data.join("postmaster.pid").exists());
}

/// Smart alone is over when the last session leaves.
#[test]
fn smart_ends_with_the_last_session() {
    let mut server = Server::started(&[]);
    let client = server.connect();
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(100));
    assert!(is_alive(server.pid()));
    drop(client);
    assert_eq!(server.wait_end().code(), Some(0));
}

/// Immediate warns, and takes an engine that does not react along after five seconds.
#[test]
fn immediate_also_of_a_stopped_engine() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    server.signal("QUIT");
    let last = client.read_to_end();
    assert_eq!(
        last.last().unwrap().field('M').as_deref(),
        Some("terminating connection due to immediate shutdown command")
    );
    assert_eq!(server.wait_end().code(), Some(0));
    server.start();
    let mut client = server.connect();
    kill("STOP", server.engine_pid());
    let start = Instant::now();
    server.signal("QUIT");
    assert_eq!(server.wait_end().code(), Some(0));
    assert!(start.elapsed() > Duration::from_secs(4));
    assert_eq!(client.read_to_end(), []);
    contains_in_order(&server.log(), &["issuing SIGKILL to recalcitrant children", "database system is shut down"]);
}

/// A crash while a stop is pending ends the postmaster with code 1.
#[test]
fn crash_during_stop() {
    let mut server = Server::started(&[]);
    let _client = server.connect();
    server.signal("TERM");
    eventually("stopping", || server.log().contains("received smart"));
    kill("KILL", server.engine_pid());
    assert_eq!(server.wait_end().code(), Some(1));
    contains_in_order(&server.log(), &["abnormal database system shutdown", "database system is shut down"]);
}

/// Without a postmaster sessions go on, new ones are refused, workers stop; the engine leaves with
/// the last session.
#[test]
fn orphans_work_on_and_leave() {
    let mut server = Server::started(&[]);
    let (mut a, mut b) = (server.connect(), server.connect_tcp());
    let engine = server.engine_pid();
    server.kill_postmaster();
    assert_eq!(a.query("select 1").unwrap(), ["1"]);
    eventually("workers stop", || server.workers("walwriter").is_empty());
    assert!(server.raw_unix().is_err());
    drop(a);
    assert_eq!(b.query("select 1").unwrap(), ["1"]);
    drop(b);
    eventually("the engine leaves", || !is_alive(engine));
    server.start();
    assert_ne!(server.engine_pid(), engine);
}

/// A crash of an orphaned engine that can still speak warns its sessions by itself.
#[test]
fn an_orphans_own_crash_warns() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    server.kill_postmaster();
    std::thread::sleep(Duration::from_millis(50));
    kill("QUIT", server.engine_pid());
    assert_crash_warning(&client.read_to_end());
}

/// SIGTERM to an orphaned engine ends its sessions and then itself.
#[test]
fn an_orphan_obeys_sigterm() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    let engine = server.engine_pid();
    server.kill_postmaster();
    std::thread::sleep(Duration::from_millis(50));
    kill("TERM", engine);
    assert_eq!(client.read_to_end().last().unwrap().field('C').as_deref(), Some("57P01"));
    eventually("the engine leaves", || !is_alive(engine));
}

/// Many times over, the postmaster is killed under load and a new one started: no session notices,
/// none is lost, the engine stays, one generation of workers runs, no descriptor leaks.
/// `OUTLAST_ADOPTIONS` sets how many times.
#[test]
fn adoptions_under_load_lose_nothing() {
    let rounds: u32 = std::env::var("OUTLAST_ADOPTIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let mut server = Server::started(&[]);
    let engine = server.engine_pid();
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..12)
        .map(|i| {
            let mut client = if i % 2 == 0 { server.connect() } else { server.connect_tcp() };
            let (stop, done) = (stop.clone(), done.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(client.query("select 1").unwrap(), ["1"]);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                client.query("select 1").unwrap()
            })
        })
        .collect();
    let mut idle = server.connect();
    eventually("workers run", || server.workers("walwriter").len() == 1);
    let files = open_files(engine);
    let mut times = Vec::new();
    for i in 0..rounds {
        std::thread::sleep(Duration::from_millis(u64::from(i % 7) * 3));
        server.signal("KILL");
        let start = Instant::now();
        server.postmaster.take().unwrap().wait().unwrap();
        server.spawn();
        let mut fresh = loop {
            if let Ok(client) = server.try_connect() {
                break client;
            }
        };
        assert_eq!(fresh.query("select 1").unwrap(), ["1"]);
        times.push(start.elapsed());
    }
    times.sort();
    eprintln!("kill to first answer: median {:?}, max {:?}", times[times.len() / 2], times[times.len() - 1]);
    assert_eq!(idle.query("select 1").unwrap(), ["1"]);
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.join().unwrap().len(), 1);
    }
    assert!(done.load(Ordering::Relaxed) > 100);
    assert_eq!(server.engine_pid(), engine);
    eventually("one generation of workers", || {
        ["walwriter", "checkpointer", "bgwriter"].iter().all(|w| server.workers(w).len() == 1)
    });
    drop(idle);
    eventually("no descriptor leaks", || open_files(engine) < files);
    // An adopted engine's crash is handled like a child's.
    let mut client = server.connect();
    kill("KILL", engine);
    assert_crash_warning(&client.read_to_end());
    server.wait_accepting();
    assert_ne!(server.engine_pid(), engine);
}

/// Of two postmasters started at the same moment exactly one survives, with and without an engine
/// to adopt.
#[test]
fn two_starters_one_survives() {
    let mut server = Server::new(&[]);
    let mut session = None;
    for _ in 0..6 {
        let mut both = [server.command().spawn().unwrap(), server.command().spawn().unwrap()];
        server.wait_accepting();
        let ended = || both.iter_mut().position(|c| c.try_wait().unwrap().is_some());
        let mut loser = None;
        let mut ended = ended;
        eventually("one gives up", || {
            loser = ended();
            loser.is_some()
        });
        let [a, b] = both;
        server.postmaster = Some(if loser == Some(0) { b } else { a });
        let fresh = session.get_or_insert_with(|| server.connect());
        assert_eq!(fresh.query("select 1").unwrap(), ["1"]);
        assert!(is_alive(server.pid()));
        server.kill_postmaster();
    }
}

/// `--no-adopt` refuses beside a living engine with PostgreSQL 9.4's words, and does not harm it.
#[test]
fn no_adopt_refuses() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    server.kill_postmaster();
    let status = server.command().arg("--no-adopt").status().unwrap();
    assert_eq!(status.code(), Some(1));
    contains_in_order(
        &server.log(),
        &["pre-existing shared memory block (key ", "is still in use", "Terminate any old server processes"],
    );
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
}

/// A hung engine makes the start fail after a deadline, saying so; once it wakes it can be adopted.
#[test]
fn a_hung_engine_is_given_a_deadline() {
    let mut server = Server::started(&[]);
    let mut client = server.connect();
    let engine = server.engine_pid();
    server.kill_postmaster();
    kill("STOP", engine);
    assert_eq!(server.command().status().unwrap().code(), Some(1));
    let line = format!("could not adopt the running engine (PID {engine}): no answer within");
    contains_in_order(&server.log(), &[&line]);
    kill("CONT", engine);
    server.start();
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
    assert_eq!(server.engine_pid(), engine);
}

/// `revive_postmaster` makes the orphaned engine start a postmaster by itself.
#[test]
fn an_engine_revives_its_postmaster() {
    let mut server = Server::started(&["revive_postmaster=on"]);
    let mut client = server.connect();
    let engine = server.engine_pid();
    let old = server.pid();
    server.kill_postmaster();
    server.wait_accepting();
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
    assert_eq!(server.engine_pid(), engine);
    let pid_file = std::fs::read_to_string(server.data.join("postmaster.pid")).unwrap();
    let new: u32 = pid_file.lines().next().unwrap().parse().unwrap();
    assert_ne!(new, old);
    kill("INT", new);
    assert_eq!(client.read_to_end().last().unwrap().field('C').as_deref(), Some("57P01"));
    eventually("the end", || !is_alive(new) && !is_alive(engine));
}

/// The collector's death is nobody's business, and it leaves with the last writer.
#[test]
fn the_logger_is_restarted() {
    let mut server = Server::started(&["logging_collector=on", "log_filename=x.log"]);
    let loggers = || -> Vec<u32> {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|e| e.file_name().to_string_lossy().parse::<u32>().ok());
        pids.filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.starts_with("postgres: logger"))
                && std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == server.data)
        })
        .collect()
    };
    let mut client = server.connect();
    eventually("a logger", || loggers().len() == 1);
    let first = loggers()[0];
    kill("KILL", first);
    eventually("another logger", || loggers().first().is_some_and(|l| *l != first));
    assert_eq!(client.query("select 1").unwrap(), ["1"]);
    let log = || std::fs::read_to_string(server.data.join("log/x.log")).unwrap_or_default();
    let line = format!("system logger process (PID {first}) was terminated by signal 9: Killed");
    eventually("its line", || log().contains(&line));
    let second = loggers()[0];
    let pm = server.pid();
    kill("KILL", pm);
    eventually("the postmaster's end", || !is_alive(pm));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(loggers(), [second]);
    drop(client);
    eventually("the logger leaves", || loggers().is_empty());
    server.postmaster.take().unwrap().wait().unwrap();
}

/// A start that cannot succeed ends with PostgreSQL's lines and code 1, and is not tried again.
#[test]
fn failing_starts() {
    let mut server = Server::new(&[]);
    let segment =
        std::fs::read_dir(server.data.join("pg_wal")).unwrap().flatten().find(|e| e.path().is_file()).unwrap();
    let away = server.dir.path().join("segment");
    std::fs::rename(segment.path(), &away).unwrap();
    server.spawn();
    assert_eq!(server.wait_end().code(), Some(1));
    contains_in_order(
        &server.log(),
        &[
            "PANIC:  could not locate a valid checkpoint record",
            "startup process (PID ",
            "was terminated by signal 6: Aborted",
            "aborting startup due to startup process failure",
            "database system is shut down",
        ],
    );
    assert!(!server.data.join("postmaster.pid").exists());
    std::fs::copy(&away, segment.path()).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(segment.path(), Some(65534), Some(65534)).unwrap();
    }
    server.start();
    let control = server.data.join("global/pg_control");
    server.signal("INT");
    assert_eq!(server.wait_end().code(), Some(0));
    let mut bytes = std::fs::read(&control).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&control, bytes).unwrap();
    server.spawn();
    assert_eq!(server.wait_end().code(), Some(1));
    contains_in_order(
        &server.log(),
        &["FATAL:  incorrect checksum in control file", "exited with exit code 1", "aborting startup"],
    );
}

/// A long command keeps nobody waiting: neither those whose sessions share its thread, nor its own time limit.
#[test]
fn long_commands_run_apart() {
    let server = Server::started(&[]);
    let mut owner = server.connect();
    owner
        .query("create table long as select g as i, repeat('x', 400) || g % 7 as t from generate_series(1, 60000) g")
        .unwrap();
    owner
        .query("create function slow(text) returns text immutable language plpgsql as 'begin return md5($1); end'")
        .unwrap();
    owner.query("set statement_timeout = '300ms'").unwrap();
    let before = std::time::Instant::now();
    let refused = owner.query("create index on long (slow(repeat(t, 20)))").unwrap_err();
    assert!(refused.contains("statement timeout"), "{refused}");
    assert!(before.elapsed() < std::time::Duration::from_secs(10), "the limit came late: {:?}", before.elapsed());
    owner.query("reset statement_timeout").unwrap();
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    owner.send("create index on long (slow(t))");
    let mut most = std::time::Duration::ZERO;
    for _ in 0..5 {
        for other in &mut others {
            let asked = std::time::Instant::now();
            assert_eq!(other.query("select 1").unwrap(), ["1"]);
            most = most.max(asked.elapsed());
        }
    }
    owner.answer().unwrap();
    let whole = before.elapsed();
    assert!(
        most < std::time::Duration::from_millis(500),
        "a session waited {most:?} for another's command ({whole:?})"
    );
}

/// A cancelled COPY leaves no program behind, its program's death is no crash, and it holds nothing of the engine's open.
#[test]
fn programs_of_copy_end_with_it() {
    let server = Server::started(&[]);
    let mut client = server.connect();
    let engine = server.engine_pid();
    client.query("create table t (a text)").unwrap();
    client.query("set statement_timeout = '300ms'").unwrap();
    for copy in ["copy t from program", "copy (select 1) to program"] {
        let late = client.query(&format!("{copy} 'sleep 7171'")).unwrap_err();
        assert!(late.contains("statement timeout"), "{late}");
    }
    client.query("reset statement_timeout").unwrap();
    eventually("the end of the programs", || {
        let found = Command::new("pgrep").args(["-f", "^sleep 7171$"]).output().unwrap();
        found.stdout.is_empty()
    });
    let killed = client.query("copy t from program 'kill -9 $$'").unwrap_err();
    assert!(killed.contains("failed"), "{killed}");
    client.query("copy t from program 'ls /proc/self/fd | grep -c socket; ls -l /proc/self/fd'").unwrap();
    assert_eq!(client.query("select count(*) from t where a like '%socket%'").unwrap(), ["0"]);
    assert_eq!(server.engine_pid(), engine);
}

/// A library that is not there ends a start, and a session that names it; those that are part of the program are there.
#[test]
fn libraries_that_are_not_there() {
    let server = Server::new(&["shared_preload_libraries=pg_stat_statements, nowhere"]);
    assert_eq!(server.refused_start(&[]), Some(1));
    let gone = "FATAL:  could not access file \"nowhere\": No such file or directory";
    contains_in_order(&server.log(), &[gone, "database system is shut down"]);
    let server = Server::started(&["shared_preload_libraries=pg_stat_statements"]);
    let mut client = server.connect();
    client.query("alter database postgres set session_preload_libraries = 'nowhere'").unwrap();
    let refused = server.try_connect().err().unwrap();
    assert!(refused.contains("could not access file \"nowhere\""), "{refused}");
    client.query("alter database postgres set session_preload_libraries = 'pg_trgm'").unwrap();
    assert_eq!(server.connect().query("select 1").unwrap(), ["1"]);
}
