//! Two locks that the kernel releases: one decides between two postmasters, the other makes two engines impossible.

use crate::sql;
use crate::support::{Server, contains_in_order, is_alive};
use std::fs;

/// With a living postmaster every second start is turned away with code 1 and PostgreSQL's words, whatever was removed
/// from the directory; the sessions do not notice.
#[test]
fn a_second_postmaster_is_turned_away() {
    let server = Server::started(&[]);
    let mut session = server.connect();
    session.query("create table t(id int)").unwrap();
    let (code, text) = server.pg_ctl_start();
    assert_eq!(code, 1, "{text}");
    assert_eq!(
        text.replace("....", "..."),
        "pg_ctl: another server might be running; trying to start server anyway\n\
         waiting for server to start... stopped waiting\n\
         pg_ctl: could not start server\n\
         Examine the log output.\n"
    );
    let hint = format!(
        "HINT:  Is another postmaster (PID {}) running in data directory \"{}\"?",
        server.pid(),
        server.data.display()
    );
    contains_in_order(&server.log(), &["FATAL:  lock file \"postmaster.pid\" already exists", &hint]);
    let engine = server.engine_pid();
    fs::remove_file(server.data.join("postmaster.pid")).unwrap();
    assert_eq!(server.refused_start(&[]), Some(1), "without postmaster.pid");
    assert_eq!(session.query("insert into t values (1) returning id").unwrap(), ["1"]);
    assert!(is_alive(server.pid()) && server.engine_pid() == engine);
}

/// Two engines never share a directory: with every other trace of the first removed, a second start does not recover
/// beside it, and waits until it has left. What the living engine commits afterwards is whole.
#[test]
fn a_second_engine_is_impossible() {
    let mut server = Server::started(&[]);
    let mut session = server.connect();
    session.query("create table t(id int)").unwrap();
    let engine = server.engine_pid();
    server.kill_postmaster();
    for name in ["postmaster.pid", "postmaster.lock", "engine.control"] {
        fs::remove_file(server.data.join(name)).unwrap();
    }
    let before = server.log().len();
    assert_eq!(server.refused_start(&["--no-adopt"]), Some(1), "{}", server.log());
    assert!(server.log()[before..].contains("FATAL:  pre-existing shared memory block"), "{}", server.log());
    // One that would adopt has nobody to call: it waits for the lock, and starts nothing meanwhile.
    server.spawn();
    let waiting =
        format!("LOG:  waiting for the engine (PID {engine}) that holds \"engine.lock\" to answer or to leave");
    crate::support::eventually("it says what it waits for", || server.log()[before..].contains(&waiting));
    let log = server.log().split_off(before);
    assert!(!log.contains("redo"), "nobody recovers beside a living engine\n{log}");
    assert!(server.try_connect().is_err());
    assert_eq!(session.query("insert into t select generate_series(1, 100) returning id").unwrap().len(), 100);
    assert!(is_alive(engine));
    drop(session);
    crate::support::eventually("it leaves", || !is_alive(engine));
    // Now the lock is free, and the one that waited goes on.
    server.wait_ready();
    assert_eq!(sql(&server, "select count(*) from t"), ["100"]);
}
