//! `kill -9` of one worker while an INSERT really runs: everybody is warned and out, the server recovers to the last
//! commit under the same postmaster.

use crate::support::psql;
use crate::support::{Client, Server, assert_crash_warning, contains_in_order, eventually, is_alive, kill};
use crate::{cluster_state, sql, worker_pid};
use std::thread;

/// Many more rows than any machine inserts before it is killed.
const LOAD: &str = "insert into sales select g.sal_id from generate_series(1, 100000000) as g(sal_id)";

const WARNING: &str = "\
WARNING:  terminating connection because of crash of another server process
DETAIL:  The postmaster has commanded this server process to roll back the current transaction and exit, because \
another server process exited abnormally and possibly corrupted shared memory.
HINT:  In a moment you should be able to reconnect to the database and repeat your command.
server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
";

/// Waits until the statement runs and has written rows, not only been read.
#[track_caller]
fn wait_until_it_inserts(server: &Server) {
    let mut watch = server.connect();
    eventually("the insert writes", || {
        let state =
            "select state from pg_stat_activity where query like 'insert into sales%' and pid <> pg_backend_pid()";
        let pages = "select pg_relation_size('sales') > 1000000";
        watch.query(state).unwrap() == ["active"] && watch.query(pages).unwrap() == ["t"]
    });
}

/// Four sessions (busy, idle, in a transaction, a psql that inserts) and a kill of this worker.
fn crash(backend_type: &str) {
    let server = Server::started(&["archive_mode=on", "archive_command=true", "max_wal_size=256MB"]);
    let postmaster = server.pid();
    for statement in [
        "create table sales(sal_id integer)",
        "insert into sales values (-1), (-2)",
        "create table kept(id int primary key)",
        "insert into kept values (1)",
    ] {
        sql(&server, statement);
    }
    let (mut idle, mut busy, mut open) = (server.connect(), server.connect_tcp(), server.connect());
    open.query("begin").unwrap();
    open.query("insert into kept values (2)").unwrap();
    busy.send(LOAD);
    wait_until_it_inserts(&server);
    let shown = if psql::have("psql") {
        let mut command = psql::client(&server, "psql");
        command.args(["-X", "-c", "insert into kept select g from generate_series(100, 100000000) g"]);
        let child = thread::spawn(move || command.output().unwrap());
        let mut watch = server.connect();
        eventually("psql inserts", || {
            let state = "select count(*) from pg_stat_activity where query ~ '^insert into kept' and state = 'active'";
            watch.query(state).unwrap() == ["1"]
        });
        Some(child)
    } else {
        None
    };
    // Committed while the load runs.
    sql(&server, "insert into kept values (3)");
    let engine = server.engine_pid();
    let pid = worker_pid(&server, backend_type);
    let mut other = server.connect();
    let active = other.query("select state from pg_stat_activity where query like 'insert into sales%'").unwrap();
    assert!(active.contains(&"active".into()), "the load has ended too early: {active:?}");
    kill("KILL", pid);
    for session in [&mut idle, &mut busy, &mut open, &mut other] {
        let messages = session.read_to_end();
        assert_crash_warning(&messages);
        assert!(messages.iter().all(|m| m.kind != 'C'), "nothing was answered any more: {messages:?}");
    }
    if let Some(shown) = shown {
        let out = shown.join().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert_eq!(text, format!("{WARNING}connection to server was lost\n"));
        assert_eq!(out.status.code(), Some(2));
    }
    server.wait_accepting();
    assert!(is_alive(postmaster) && server.running_pid() == Some(postmaster), "the postmaster stays");
    assert_ne!(server.engine_pid(), engine);
    assert_eq!(sql(&server, "select count(*) from sales"), ["2"], "the running insert is rolled back");
    assert_eq!(sql(&server, "select string_agg(id::text, ' ' order by id) from kept"), ["1 3"]);
    // The index agrees.
    assert_eq!(sql(&server, "select count(*) from kept where id = 2"), ["0"]);
    assert_eq!(sql(&server, "insert into kept values (2) returning id"), ["2"]);
    contains_in_order(
        &server.log(),
        &[
            "LOG:  database system is ready to accept connections",
            " was terminated by signal 9: Killed",
            "LOG:  terminating any other active server processes",
            "LOG:  all server processes terminated; reinitializing",
            "LOG:  database system was interrupted; last known up at ",
            "LOG:  database system was not properly shut down; automatic recovery in progress",
            "LOG:  redo starts at ",
            "LOG:  redo done at ",
            "LOG:  checkpoint starting: end-of-recovery immediate wait",
            "LOG:  database system is ready to accept connections",
        ],
    );
    for back in ["checkpointer", "background writer", "walwriter", "autovacuum launcher", "archiver"] {
        eventually("the worker is back", || {
            sql(&server, &format!("select count(*) from pg_stat_activity where backend_type = '{back}'")) == ["1"]
        });
    }
}

#[test]
fn the_walwriter_is_killed() {
    crash("walwriter");
}

#[test]
fn the_checkpointer_is_killed() {
    crash("checkpointer");
}

#[test]
fn the_background_writer_is_killed() {
    crash("background writer");
}

#[test]
fn the_autovacuum_launcher_is_killed() {
    crash("autovacuum launcher");
}

#[test]
fn the_archiver_is_killed() {
    crash("archiver");
}

/// `pg_ctl kill KILL` of one backend is the same for all others, and names what it ran.
#[test]
fn a_backend_is_killed() {
    let server = Server::started(&[]);
    sql(&server, "create table kept(id int)");
    let (mut other, mut victim) = (server.connect(), server.connect());
    victim.send("insert into kept select 1 from pg_sleep(60)");
    eventually("it runs", || {
        sql(&server, "select state from pg_stat_activity where query ~ '^insert into kept'") == ["active"]
    });
    let pid = victim.pid.to_string();
    assert_eq!(server.tool("pg_ctl", &["kill", "KILL", &pid]), (0, String::new()));
    assert_crash_warning(&other.read_to_end());
    assert!(victim.read_to_end().iter().all(|m| m.kind != 'C'));
    server.wait_accepting();
    assert_eq!(sql(&server, "select count(*) from kept"), ["0"]);
    contains_in_order(
        &server.log(),
        &[
            &format!("server process (PID {pid}) was terminated by signal 9: Killed"),
            "DETAIL:  Failed process was running: insert into kept select 1 from pg_sleep(60)",
            "all server processes terminated; reinitializing",
        ],
    );
}

/// Connections that come while the server recovers are told so with 57P03, and come in afterwards.
#[test]
fn newcomers_during_recovery() {
    let server = Server::started(&["max_wal_size=2GB", "checkpoint_timeout=1h"]);
    sql(&server, "create table big(id int, pad text)");
    sql(&server, "insert into big select g, repeat('x', 500) from generate_series(1, 200000) g");
    kill("KILL", worker_pid(&server, "walwriter"));
    let mut answers = Vec::new();
    eventually("it accepts again", || match server.try_connect() {
        Ok(mut client) => client.query("select 1").is_ok(),
        Err(e) => {
            answers.push(e);
            false
        }
    });
    answers.dedup();
    let known = [
        "FATAL:  57P03 the database system is in recovery mode",
        "FATAL:  57P03 the database system is not yet accepting connections",
        "FATAL:  57P03 the database system is starting up",
    ];
    let strange: Vec<_> = answers.iter().filter(|a| a.starts_with("FATAL") && !known.contains(&a.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(answers.iter().any(|a| known.contains(&a.as_str())), "nobody met the recovery: {answers:?}");
    assert_eq!(sql(&server, "select count(*) from big"), ["200000"]);
}

/// With `restart_after_crash = off`, set by ALTER SYSTEM in the running server, a killed worker is the end: code 1, no
/// files left behind, and a start by hand recovers.
#[test]
fn restart_after_crash_off() {
    let mut server = Server::started(&[]);
    sql(&server, "create table kept(id int)");
    sql(&server, "insert into kept values (1)");
    sql(&server, "alter system set restart_after_crash = off");
    sql(&server, "select pg_reload_conf()");
    eventually("it is in force", || sql(&server, "show restart_after_crash") == ["off"]);
    let mut session: Client = server.connect();
    session.query("begin").unwrap();
    session.query("insert into kept values (2)").unwrap();
    kill("KILL", worker_pid(&server, "walwriter"));
    assert_crash_warning(&session.read_to_end());
    assert_eq!(server.wait_end().code(), Some(1));
    assert_eq!(server.processes(), [], "everything has left");
    assert!(!server.data.join("postmaster.pid").exists());
    assert!(!server.dir.path().join(format!(".s.PGSQL.{}", server.port)).exists(), "the socket is removed");
    assert_eq!(cluster_state(&server), "in production");
    contains_in_order(
        &server.log(),
        &[
            "LOG:  terminating any other active server processes",
            "LOG:  shutting down because restart_after_crash is off",
            "LOG:  database system is shut down",
        ],
    );
    server.start();
    assert!(server.log().contains("automatic recovery in progress"));
    assert_eq!(sql(&server, "select id from kept"), ["1"]);
}
