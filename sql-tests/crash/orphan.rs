//! `kill -9` of the postmaster: its sessions go on, and what they commit synchronously stays.

use crate::support::psql::{self, Psql};
use crate::support::{Server, contains_in_order, eventually, is_alive, kill};
use crate::{cluster_state, sql};
use std::time::{Duration, Instant};

/// An orphaned engine has no workers any more, so nobody flushes behind a session's back.
fn orphaned(server: &mut Server) {
    server.kill_postmaster();
    eventually("workers stop", || {
        ["walwriter", "checkpointer", "bgwriter"].iter().all(|w| server.workers(w).is_empty())
    });
}

/// Waits until nothing of the server is left.
fn gone(server: &Server) {
    eventually("all processes leave", || server.processes().is_empty());
}

/// The document's transcript: after the kill a psql inserts, reads, creates, truncates, vacuums; another session sees
/// it, and locks hold between the two; from outside nobody is there. With the last session everything leaves, what
/// it had committed is found by the recovery of the next `pg_ctl start`.
#[test]
fn a_session_goes_on_without_its_postmaster() {
    if !psql::have("psql") || !psql::have("pg_isready") {
        return;
    }
    let mut server = Server::started(&["logging_collector=on", "log_filename=pg.log"]);
    let (mut a, mut b) = (Psql::open(&server), Psql::open(&server));
    assert_eq!(a.run("create table test(id int);"), "CREATE TABLE");
    orphaned(&mut server);
    assert_eq!(a.run("insert into test values (1);"), "INSERT 0 1");
    a.run("\\t off");
    a.run("\\a");
    assert_eq!(a.run("select ctid,* from test;"), " ctid  | id \n-------+----\n (0,1) |  1\n(1 row)");
    for (statement, tag) in [
        ("create table t2(a int, b text);", "CREATE TABLE"),
        ("insert into t2 select g, 'x' from generate_series(1, 1000) g;", "INSERT 0 1000"),
        ("create index on t2(a);", "CREATE INDEX"),
        ("update t2 set b = 'y' where a <= 10;", "UPDATE 10"),
        ("vacuum t2;", "VACUUM"),
        ("analyze t2;", "ANALYZE"),
        ("truncate t2;", "TRUNCATE TABLE"),
        ("create temp table mine(a int);", "CREATE TABLE"),
        ("begin;", "BEGIN"),
        ("lock table test;", "LOCK TABLE"),
    ] {
        assert_eq!(a.run(statement), tag, "{statement}");
    }
    b.send("insert into test values (2);");
    assert!(server.try_connect().is_err(), "a new session came in");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(a.run("insert into test values (3);"), "INSERT 0 1");
    assert_eq!(a.run("commit;"), "COMMIT");
    assert!(b.read_until("INSERT 0 1\n").contains("INSERT 0 1"), "the lock's waiter goes on");
    assert_eq!(b.run("select string_agg(id::text, ' ' order by id) from test;"), "1 2 3");
    assert_eq!(b.run("select n_tup_ins from pg_stat_all_tables where relid = 't2'::regclass;"), "1000");
    assert_eq!(
        b.run("select string_agg(distinct backend_type, ',') from pg_stat_activity;"),
        "client backend",
        "no worker is left"
    );

    let socket = server.dir.path().join(format!(".s.PGSQL.{}", server.port)).display().to_string();
    let (code, text) = psql::run(&server, "psql", &["-X", "-c", "select 1"]);
    assert_eq!(
        (code, text.as_str()),
        (
            2,
            format!(
                "psql: error: connection to server on socket \"{socket}\" failed: Connection refused\n\
                 \tIs the server running locally and accepting connections on that socket?\n"
            )
            .as_str()
        )
    );
    let (code, text) = psql::run(&server, "pg_isready", &[]);
    assert_eq!((code, text), (2, format!("{}:{} - no response\n", server.dir.path().display(), server.port)));
    assert_eq!(server.tool("pg_ctl", &["status"]), (3, "pg_ctl: no server running\n".into()));

    a.quit();
    assert_eq!(b.run("insert into test values (4);"), "INSERT 0 1");
    assert!(!server.processes().is_empty());
    b.quit();
    gone(&server);
    assert_eq!(cluster_state(&server), "in production");
    let pid_file = std::fs::read_to_string(server.data.join("postmaster.pid")).unwrap();
    assert_eq!(pid_file.lines().nth(7), Some("ready   "));
    let (code, text) = server.pg_ctl_start();
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("pg_ctl: another server might be running; trying to start server anyway\n"), "{text}");
    assert!(text.ends_with(" done\nserver started\n"), "{text}");
    // The logger writes in its own time.
    let log = || std::fs::read_to_string(server.data.join("log/pg.log")).unwrap();
    eventually("the start is logged", || log().matches("ready to accept connections").count() > 1);
    let log = log();
    contains_in_order(
        &log,
        &[
            "LOG:  database system is ready to accept connections",
            "LOG:  database system was interrupted; last known up at ",
            "LOG:  database system was not properly shut down; automatic recovery in progress",
            "LOG:  redo starts at ",
            "LOG:  redo done at ",
            "LOG:  checkpoint starting: end-of-recovery immediate wait",
            "LOG:  checkpoint complete: wrote ",
            "LOG:  database system is ready to accept connections",
        ],
    );
    assert_eq!(sql(&server, "select string_agg(id::text, ' ' order by id) from test"), ["1 2 3 4"]);
    assert_eq!(sql(&server, "select count(*) from pg_class where relname in ('t2', 'mine')"), ["1"]);
}

/// How an orphaned engine comes to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    LastSession,
    Killed,
}

/// Statements of an orphaned session, and whether the row 1 of `test` is there after the next start: nobody flushes
/// the log for an asynchronous commit any more, synchronous ones and those after which something was flushed stay.
#[test]
fn the_asynchronous_row_is_lost_and_the_synchronous_one_kept() {
    const OFF: &str = "set synchronous_commit = off";
    const ON: &str = "set synchronous_commit = on";
    const LOCAL: &str = "set synchronous_commit = local";
    const ROW: &str = "insert into test values (1)";
    let cases: &[(&[&str], bool)] = &[
        (&[OFF, ROW], false),
        (&[OFF, ROW, "analyze test"], false),
        (&[OFF, ROW, "create table gone(a int)"], false),
        (&[OFF, ROW, "create temp table mine(a int)", "insert into mine values (1)", "truncate mine"], false),
        (&[OFF, ROW, "create temp table mine(a int)", "drop table mine"], false),
        (&[ON, ROW], true),
        (&[LOCAL, ROW], true),
        (&[ON, "truncate test", ROW], true),
        (&[OFF, ROW, ON, "insert into test values (2)"], true),
        (&[OFF, ROW, "create table short(a int)", "drop table short"], true),
    ];
    let mut server = Server::started(&["wal_writer_delay=10ms"]);
    sql(&server, "create table test(id int)");
    for end in [End::Killed, End::LastSession] {
        for (statements, kept) in cases {
            sql(&server, "truncate test");
            let mut session = server.connect();
            orphaned(&mut server);
            for statement in *statements {
                session.query(statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
            }
            assert_eq!(session.query("select ctid from test where id = 1").unwrap(), ["(0,1)"], "it sees its row");
            // Time alone helps nobody.
            std::thread::sleep(Duration::from_millis(100));
            match end {
                End::Killed => kill("KILL", server.engine_pid()),
                End::LastSession => drop(session),
            }
            gone(&server);
            server.start();
            let rows = sql(&server, "select count(*) from test where id = 1");
            assert_eq!(rows, [if *kept { "1" } else { "0" }], "{end:?} after {statements:?}");
        }
    }
}

/// Beside a living postmaster the walwriter keeps an asynchronous row within three times its delay; an immediate stop
/// before that loses it.
#[test]
fn the_walwriter_keeps_the_asynchronous_row() {
    for (delay, kept) in [("wal_writer_delay=10ms", "1"), ("wal_writer_delay=10s", "0")] {
        let mut server = Server::started(&[delay]);
        sql(&server, "create table test(id int)");
        let mut session = server.connect();
        session.query("set synchronous_commit = off").unwrap();
        session.query("insert into test values (1)").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        server.signal("QUIT");
        server.wait_end();
        server.start();
        assert_eq!(sql(&server, "select count(*) from test"), [kept], "{delay}");
    }
}

/// Nobody could make a checkpoint: the command says so at once, in PostgreSQL's words, and the session goes on.
#[test]
fn checkpoint_fails_at_once() {
    if !psql::have("psql") {
        return;
    }
    let mut server = Server::started(&[]);
    let mut session = Psql::open(&server);
    session.run("\\set VERBOSITY verbose");
    assert_eq!(session.run("create table test(id int);"), "CREATE TABLE");
    assert_eq!(session.run("checkpoint;"), "CHECKPOINT");
    orphaned(&mut server);
    let start = Instant::now();
    assert_eq!(
        session.run("checkpoint;"),
        "ERROR:  XX000: could not signal for checkpoint: No such process\n\
         LOCATION:  RequestCheckpoint, checkpointer.c:1006"
    );
    assert!(start.elapsed() < Duration::from_secs(5), "PostgreSQL takes a minute; we took {:?}", start.elapsed());
    assert_eq!(session.run("insert into test values (1);"), "INSERT 0 1");
    contains_in_order(
        &server.log(),
        &["ERROR:  could not signal for checkpoint: No such process", "STATEMENT:  checkpoint;"],
    );
}

/// A bulk load that would want checkpoints complains in the log for each segment, but goes on to its end; its rows are
/// there after the recovery.
#[test]
fn a_bulk_load_asks_for_checkpoints_in_vain() {
    let mut server = Server::started(&["max_wal_size=32MB", "min_wal_size=32MB"]);
    let mut session = server.connect();
    session.query("create table test(id int, pad text)").unwrap();
    orphaned(&mut server);
    let load = "insert into test select g, repeat('x', 1000) from generate_series(1, 80000) g";
    assert_eq!(session.query(load), Ok(vec![]));
    let log = server.log();
    contains_in_order(
        &log,
        &["LOG:  could not signal for checkpoint: No such process", &format!("STATEMENT:  {load}")],
    );
    let complaints = log.matches("could not signal for checkpoint").count();
    assert!((4..16).contains(&complaints), "one per segment: {complaints}\n{log}");
    let segments = segments(&server);
    assert!(segments >= 5, "nothing was recycled: {segments}");
    drop(session);
    gone(&server);
    server.start();
    assert_eq!(sql(&server, "select count(*) from test"), ["80000"]);
}

fn segments(server: &Server) -> usize {
    let names = std::fs::read_dir(server.data.join("pg_wal")).unwrap().flatten();
    names.filter(|e| e.file_name().len() == 24).count()
}

/// A statement that runs when its postmaster is killed comes to its end, whether it computes, sleeps or waits.
#[test]
fn running_statements_do_not_notice() {
    let mut server = Server::started(&[]);
    sql(&server, "create table test(id int)");
    let (mut holder, mut waiter, mut sleeper, mut busy) =
        (server.connect(), server.connect(), server.connect(), server.connect());
    holder.query("begin").unwrap();
    holder.query("lock table test").unwrap();
    waiter.send("insert into test values (1) returning id");
    sleeper.send("select 'slept' from pg_sleep(3)");
    busy.send("select count(*) from generate_series(1, 3000000)");
    eventually("all run", || {
        let active = "select count(*) from pg_stat_activity where state = 'active' and query ~ 'returning|slept|count'";
        holder.query(active).unwrap() == ["4"]
    });
    server.kill_postmaster();
    let engine = server.engine_pid();
    assert_eq!(busy.answer(), Ok(vec!["3000000".to_string()]));
    assert_eq!(sleeper.answer(), Ok(vec!["slept".to_string()]));
    holder.query("commit").unwrap();
    assert_eq!(waiter.answer(), Ok(vec!["1".to_string()]));
    drop((holder, sleeper, busy));
    assert!(is_alive(engine));
    drop(waiter);
    gone(&server);
}
