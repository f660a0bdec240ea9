//! Three ways to stop: smart waits, fast rolls back and makes a checkpoint, immediate does neither.

use crate::support::psql::{self, Psql};
use crate::support::{Server, contains_in_order, eventually, is_alive};
use crate::{cluster_state, sql};

const STOPPED: &str = "waiting for server to shut down.... done\nserver stopped\n";

const LOST: &str = "server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
connection to server was lost";

/// What pg_ctl prints while it waits has as many dots as it took.
fn without_dots(text: &str) -> String {
    let mut out = text.replace('.', "");
    out = out.replace("down done", "down.... done");
    out
}

/// Smart: sessions go on with all they want, new ones are refused, pg_ctl gives up waiting with its hint; the last
/// `\q` ends it with a checkpoint, and the next start has nothing to recover.
#[test]
fn smart_waits_for_the_sessions() {
    if !psql::have("psql") || !psql::have("pg_isready") {
        return;
    }
    let mut server = Server::started(&["log_checkpoints=on"]);
    let mut session = Psql::open(&server);
    session.run("create table t(id int);");
    session.run("create unlogged table u(id int);");
    let (code, text) = server.tool("pg_ctl", &["stop", "-m", "smart", "-t", "1"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("waiting for server to shut down..") && text.contains(" failed\n"), "{text}");
    assert!(
        text.ends_with(
            "pg_ctl: server does not shut down\n\
             HINT: The \"-m fast\" option immediately disconnects sessions rather than\n\
             waiting for session-initiated disconnection.\n"
        ),
        "{text}"
    );
    let refusal = "FATAL:  57P03 the database system is shutting down";
    assert_eq!(server.try_connect().err().as_deref(), Some(refusal));
    let place = format!("{}:{}", server.dir.path().display(), server.port);
    assert_eq!(psql::run(&server, "pg_isready", &[]), (1, format!("{place} - rejecting connections\n")));
    assert_eq!(server.tool("pg_ctl", &["status"]).0, 0);
    for (statement, tag) in [
        ("insert into t values (1);", "INSERT 0 1"),
        ("insert into u values (1);", "INSERT 0 1"),
        ("create table later(id int);", "CREATE TABLE"),
        ("checkpoint;", "CHECKPOINT"),
    ] {
        assert_eq!(session.run(statement), tag);
    }
    assert!(is_alive(server.pid()));
    session.quit();
    assert_eq!(server.wait_end().code(), Some(0));
    let log = server.log();
    contains_in_order(
        &log,
        &[
            "LOG:  received smart shutdown request",
            "LOG:  shutting down",
            "LOG:  checkpoint starting: shutdown immediate",
            "LOG:  checkpoint complete: ",
            "LOG:  database system is shut down",
        ],
    );
    assert!(!log.contains("aborting any active transactions"));
    assert_eq!(cluster_state(&server), "shut down");
    server.start();
    assert_eq!(sql(&server, "select (select count(*) from t) + (select count(*) from u)"), ["2"]);
    assert!(server.log().contains("LOG:  database system was shut down at "));
    assert!(!server.log().contains("redo starts at"));
}

/// Fast: idle, open and running sessions get the FATAL, what was not committed is gone, an asynchronous commit is
/// kept, and the next start has nothing to recover.
#[test]
fn fast_rolls_back_and_makes_a_checkpoint() {
    if !psql::have("psql") {
        return;
    }
    let mut server = Server::started(&["wal_writer_delay=10s"]);
    sql(&server, "create table t(id int)");
    let (mut idle, mut open, mut running) = (Psql::open(&server), Psql::open(&server), Psql::open(&server));
    open.run("begin;");
    open.run("insert into t values (2);");
    running.send("insert into t select 3 from pg_sleep(60);");
    eventually("it runs", || {
        sql(&server, "select state from pg_stat_activity where query ~ '^insert.*sleep'") == ["active"]
    });
    let mut session = server.connect();
    session.query("set synchronous_commit = off").unwrap();
    session.query("insert into t values (1)").unwrap();
    let (code, text) = server.tool("pg_ctl", &["stop"]);
    assert_eq!((code, without_dots(&text).as_str()), (0, without_dots(STOPPED).as_str()));
    assert_eq!(server.wait_end().code(), Some(0));
    for session in [&mut idle, &mut open, &mut running] {
        session.send("select 1;");
        let expected = format!("FATAL:  terminating connection due to administrator command\n{LOST}\n");
        assert_eq!(session.end(), (2, expected));
    }
    contains_in_order(
        &server.log(),
        &[
            "LOG:  received fast shutdown request",
            "LOG:  aborting any active transactions",
            "FATAL:  terminating connection due to administrator command",
            "LOG:  shutting down",
            "LOG:  checkpoint starting: shutdown immediate",
            "LOG:  checkpoint complete: wrote ",
            "LOG:  database system is shut down",
        ],
    );
    assert!(server.log().contains("STATEMENT:  insert into t select 3 from pg_sleep(60);"));
    assert_eq!(cluster_state(&server), "shut down");
    assert!(!server.data.join("postmaster.pid").exists());
    server.start();
    assert!(!server.log().contains("redo starts at"), "nothing to recover");
    assert_eq!(sql(&server, "select id from t"), ["1"]);
}

/// Immediate: the WARNING, no checkpoint, and the next start recovers to the last commit.
#[test]
fn immediate_leaves_the_work_to_recovery() {
    if !psql::have("psql") {
        return;
    }
    let mut server = Server::started(&[]);
    sql(&server, "create table t(id int)");
    sql(&server, "insert into t select generate_series(1, 1000)");
    sql(&server, "checkpoint");
    sql(&server, "insert into t values (1001)");
    let (mut open, mut running) = (server.connect(), Psql::open(&server));
    open.query("begin").unwrap();
    open.query("insert into t values (1002)").unwrap();
    running.send("select pg_sleep(60);");
    eventually("it runs", || {
        sql(&server, "select state from pg_stat_activity where query ~ '^select pg_sleep'") == ["active"]
    });
    let before = server.log().len();
    let (code, text) = server.tool("pg_ctl", &["stop", "-m", "immediate"]);
    assert_eq!((code, without_dots(&text).as_str()), (0, without_dots(STOPPED).as_str()));
    assert_eq!(server.wait_end().code(), Some(0));
    let last = open.read_to_end().pop().unwrap();
    assert_eq!((last.kind, last.field('C').as_deref()), ('N', Some("57P01")));
    let (code, text) = running.end();
    let expected = format!("WARNING:  terminating connection due to immediate shutdown command\n{LOST}\n");
    assert_eq!((code, text), (2, expected));
    let log = server.log().split_off(before);
    let lines: Vec<&str> = log.lines().filter_map(|l| l.split("LOG:  ").nth(1)).collect();
    assert_eq!(lines, ["received immediate shutdown request", "database system is shut down"], "{log}");
    assert_eq!(cluster_state(&server), "in production");
    server.start();
    contains_in_order(
        &server.log(),
        &[
            "database system was not properly shut down; automatic recovery in progress",
            "redo starts at",
            "redo done at",
        ],
    );
    assert_eq!(sql(&server, "select count(*) from t where id <= 1001"), ["1001"]);
}
