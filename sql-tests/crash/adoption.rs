//! A new postmaster takes over the running sessions.

use crate::support::psql::{self, Psql};
use crate::support::{Client, Server, assert_crash_warning, eventually, kill, open_files};
use crate::{connect, sql};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Everything a session holds is as it was: the open transaction, its rows, its locks, its cursor, its savepoint, its
/// prepared statement, its temporary table, its settings, its pid; workers are back, CHECKPOINT works, newcomers enter.
#[test]
fn a_session_keeps_all_it_has() {
    if !psql::have("psql") {
        return;
    }
    let mut server = Server::started(&[]);
    let (mut a, mut b) = (Psql::open(&server), Psql::open(&server));
    for statement in [
        "create table t(id int primary key);",
        "create temp table mine(id int);",
        "insert into mine values (7);",
        "prepare p(int) as select $1 + 1;",
        "set work_mem = '7MB';",
        "select pg_advisory_lock(42);",
        "begin;",
        "insert into t values (1);",
        "savepoint s;",
        "insert into t values (2);",
        "declare c cursor for select generate_series(1, 100);",
        "fetch 3 from c;",
    ] {
        let text = a.run(statement);
        assert!(!text.contains("ERROR"), "{statement}: {text}");
    }
    let pid = a.run("select pg_backend_pid();");
    let engine = server.engine_pid();
    for round in 0..3 {
        let old = server.running_pid().unwrap();
        kill("KILL", old);
        if let Some(mut child) = server.postmaster.take() {
            child.wait().unwrap();
        }
        eventually("the old one is gone", || !crate::support::is_alive(old));
        let (code, text) = server.pg_ctl_start();
        assert_eq!(code, 0, "{text}\n{}", server.log());
        assert!(text.ends_with(" done\nserver started\n"), "{text}");
        assert_ne!(server.running_pid(), Some(old));
        assert_eq!(server.engine_pid(), engine);
        assert_eq!(a.run("fetch 1 from c;"), (4 + round).to_string());
        assert_eq!(a.run(&format!("insert into t values ({});", 10 + round)), "INSERT 0 1");
        assert_eq!(b.run("select count(*) from t;"), "0", "not committed yet");
        assert_eq!(b.run("select pg_try_advisory_lock(42);"), "f", "the lock holds");
        assert_eq!(sql(&server, "select count(*) from t"), ["0"], "newcomers enter");
        sql(&server, "checkpoint");
        for worker in ["checkpointer", "background writer", "walwriter", "autovacuum launcher"] {
            let count = format!("select count(*) from pg_stat_activity where backend_type = '{worker}'");
            eventually("one generation", || sql(&server, &count) == ["1"]);
        }
    }
    assert_eq!(a.run("rollback to s;"), "ROLLBACK");
    assert_eq!(a.run("insert into t values (3);"), "INSERT 0 1");
    assert_eq!(a.run("commit;"), "COMMIT");
    assert_eq!(a.run("execute p(41);"), "42");
    assert_eq!(a.run("select id from mine;"), "7");
    assert_eq!(a.run("show work_mem;"), "7MB");
    assert_eq!(a.run("select pg_backend_pid();"), pid);
    assert_eq!(b.run("select string_agg(id::text, ' ' order by id) from t;"), "1 3");
    // An adopted engine's sessions can be cancelled, and its crash is handled like a child's.
    a.send("select pg_sleep(60);");
    eventually("it runs", || {
        sql(&server, "select state from pg_stat_activity where query ~ '^select pg_sleep'") == ["active"]
    });
    assert_eq!(sql(&server, &format!("select pg_cancel_backend({pid})")), ["t"]);
    assert!(a.read_until("user request\n").contains("ERROR:  canceling statement due to user request"));
    kill("KILL", crate::worker_pid(&server, "walwriter"));
    eventually("another engine", || server.engine_pid() != engine);
    server.wait_accepting();
    assert_eq!(sql(&server, "select count(*) from t"), ["2"]);
    let (code, text) = server.tool("pg_ctl", &["stop"]);
    assert_eq!(code, 0, "{text}");
}

/// Sessions that write, while the postmaster is killed and started again: every one lives to the end, every
/// transaction answered is there and no other. `ADOPTIONS=100` for the long run.
#[test]
fn writers_do_not_notice() {
    let rounds: u64 = std::env::var("ADOPTIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(15);
    let mut server = Server::started(&[]);
    sql(&server, "create table t(writer int, n int, primary key (writer, n))");
    let stop = AtomicBool::new(false);
    let written: Vec<AtomicU64> = (0..6).map(|_| AtomicU64::new(0)).collect();
    let engine = server.engine_pid();
    std::thread::scope(|s| {
        for (writer, count) in written.iter().enumerate() {
            let mut client = connect(server.port).expect("a session");
            let stop = &stop;
            s.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let n = count.load(Ordering::Relaxed) + 1;
                    let text = format!("begin; insert into t values ({writer}, {n}); commit");
                    client.batch_execute(&text).unwrap_or_else(|e| panic!("writer {writer} lost its session: {e}"));
                    count.store(n, Ordering::Relaxed);
                }
            });
        }
        for round in 0..rounds {
            std::thread::sleep(Duration::from_millis(20 + round * 7 % 50));
            server.kill_postmaster();
            std::thread::sleep(Duration::from_millis(round * 11 % 40));
            server.start();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(server.engine_pid(), engine);
    for (writer, count) in written.iter().enumerate() {
        let n = count.load(Ordering::Relaxed);
        assert!(n > rounds, "writer {writer} wrote {n}");
        let found = sql(&server, &format!("select count(*)::text || ' ' || max(n) from t where writer = {writer}"));
        assert_eq!(found, [format!("{n} {n}")]);
    }
}

/// Clients that come and go while postmasters do: whoever got in gets its answer, no pid is given twice, the postmaster
/// lets go of every socket, and those who came last are warned when the engine is killed right after.
#[test]
fn newcomers_at_any_moment() {
    let mut server = Server::started(&[]);
    let stop = AtomicBool::new(false);
    let mut pids = Vec::new();
    // With nobody there an orphaned engine would leave.
    let mut guest = server.connect();
    let engine = server.engine_pid();
    std::thread::scope(|s| {
        let path = server.dir.path().join(format!(".s.PGSQL.{}", server.port));
        let comers: Vec<_> = (0..4)
            .map(|_| {
                let (stop, path) = (&stop, path.clone());
                s.spawn(move || {
                    let mut pids = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let Ok(stream) = UnixStream::connect(&path) else { continue };
                        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                        // The postmaster may die with the connection in its hands.
                        let Ok(mut client) = Client::start(Box::new(stream)) else { continue };
                        assert_eq!(client.query("select pg_backend_pid()"), Ok(vec![client.pid.to_string()]));
                        pids.push(client.pid);
                    }
                    pids
                })
            })
            .collect();
        for round in 0..10 {
            std::thread::sleep(Duration::from_millis(20 + round * 7 % 50));
            server.kill_postmaster();
            server.start();
        }
        stop.store(true, Ordering::Relaxed);
        pids.extend(comers.into_iter().flat_map(|c| c.join().unwrap()));
    });
    assert_eq!((server.engine_pid(), guest.query("select 7")), (engine, Ok(vec!["7".to_string()])));
    let count = pids.len();
    assert!(count > 50, "{count} got in");
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), count, "a pid was given twice");
    let mut stay: Vec<_> = (0..12).map(|_| server.connect()).collect();
    let postmaster = server.running_pid().unwrap();
    // What the comers' sockets were is given up within a second.
    std::thread::sleep(Duration::from_millis(1500));
    let files = open_files(postmaster);
    let more: Vec<_> = (0..40).map(|_| server.connect()).collect();
    assert!(open_files(postmaster) >= files + 40, "it keeps a duplicate of each");
    drop(more);
    eventually("the postmaster lets go", || open_files(postmaster) <= files);
    stay.extend((0..12).map(|_| server.connect()));
    kill("KILL", server.engine_pid());
    for mut client in stay {
        assert_crash_warning(&client.read_to_end());
    }
    server.wait_accepting();
}
