//! Each of the three processes dies in turn under one open session: what survives whom.

use crate::sql;
use crate::support::{Server, assert_crash_warning, eventually, is_alive, kill};

fn logger(server: &Server) -> Option<u32> {
    let title = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    server.processes().into_iter().find(|pid| title(pid).starts_with("postgres: logger"))
}

/// The logger's death is nobody's business; the postmaster's leaves engine, logger and sessions; the engine's ends the
/// sessions and leaves the other two.
#[test]
fn each_process_in_turn() {
    let mut server = Server::started(&["logging_collector=on", "log_filename=pg.log"]);
    let mut session = server.connect();
    session.query("create table t(id int)").unwrap();
    session.query("begin").unwrap();
    session.query("insert into t values (1)").unwrap();
    let engine = server.engine_pid();
    eventually("a logger", || logger(&server).is_some());

    let first = logger(&server).unwrap();
    kill("KILL", first);
    eventually("another logger", || logger(&server).is_some_and(|pid| pid != first));
    assert_eq!(session.query("insert into t values (2) returning id").unwrap(), ["2"]);
    assert_eq!(server.engine_pid(), engine);
    let log = || std::fs::read_to_string(server.data.join("log/pg.log")).unwrap_or_default();
    let line = format!("LOG:  system logger process (PID {first}) was terminated by signal 9: Killed");
    eventually("its line", || log().contains(&line));

    let second = logger(&server).unwrap();
    server.kill_postmaster();
    assert_eq!(session.query("insert into t values (3) returning id").unwrap(), ["3"]);
    assert!(is_alive(engine) && is_alive(second));
    server.start();
    assert_eq!(server.engine_pid(), engine);
    assert_eq!(session.query("insert into t values (4) returning id").unwrap(), ["4"]);
    session.query("commit").unwrap();
    eventually("a logger still", || logger(&server).is_some());

    session.query("begin").unwrap();
    session.query("insert into t values (5)").unwrap();
    let (postmaster, third) = (server.pid(), logger(&server).unwrap());
    kill("KILL", engine);
    assert_crash_warning(&session.read_to_end());
    server.wait_accepting();
    assert!(is_alive(postmaster) && is_alive(third));
    assert_eq!(logger(&server), Some(third));
    assert_eq!(sql(&server, "select string_agg(id::text, ' ' order by id) from t"), ["1 2 3 4"]);
    let log = std::fs::read_to_string(server.data.join("log/pg.log")).unwrap();
    assert!(log.contains("all server processes terminated; reinitializing"), "{log}");
}
