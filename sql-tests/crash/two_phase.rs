//! Prepared transactions outlive sessions, postmaster, engine, and both.

use crate::support::{self, Server, eventually, kill};
use crate::{Random, connect, connect_soon, sql, worker_pid};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    Session,
    Fast,
    Smart,
    Immediate,
    Engine,
    Worker,
    /// The postmaster alone: another one adopts the engine.
    Adopted,
    /// The postmaster, and the engine goes with its last session.
    Postmaster,
    Both,
}

const DEATHS: [Death; 9] = [
    Death::Session,
    Death::Fast,
    Death::Smart,
    Death::Immediate,
    Death::Engine,
    Death::Worker,
    Death::Adopted,
    Death::Postmaster,
    Death::Both,
];

fn die(server: &mut Server, how: Death) {
    let engine = server.engine_pid();
    match how {
        Death::Session => return,
        Death::Fast => server.signal("INT"),
        Death::Smart => server.signal("TERM"),
        Death::Immediate => server.signal("QUIT"),
        Death::Engine => kill("KILL", engine),
        Death::Worker => kill("KILL", worker_pid(server, "walwriter")),
        Death::Adopted => {
            let mut stays = server.connect();
            server.kill_postmaster();
            server.start();
            stays.query("select 1").unwrap();
            return;
        }
        Death::Postmaster | Death::Both => {
            if how == Death::Both {
                kill("KILL", engine);
            }
            server.kill_postmaster();
            eventually("all leave", || server.processes().is_empty());
            return server.start();
        }
    }
    match how {
        Death::Engine | Death::Worker => {
            eventually("another engine", || server.engine_pid() != engine || !support::is_alive(engine));
            server.wait_accepting();
        }
        _ => {
            server.wait_end();
            server.start();
        }
    }
}

/// What is refused while the transaction is prepared.
#[track_caller]
fn assert_refused(server: &Server, statement: &str, case: &str) {
    let refused = server.connect().query(statement);
    assert!(refused.is_err(), "{case}: {statement} was not kept out");
}

fn prepare(server: &Server) {
    for statement in [
        "create table account(id int primary key, balance int)",
        "insert into account select i, 100 from generate_series(1, 10) i",
        "create table child(id int references account)",
        "create table old(id int)",
        "begin; insert into account values (11, 1); savepoint a; update account set balance = 0 where id = 1; \
         release a; savepoint b; insert into account values (12, 2); rollback to b; \
         create table made(id serial primary key, t text); insert into made(t) select repeat('x', 3000); \
         create index made_t on made(left(t, 10)); drop table old; insert into child values (5); \
         select * from account where id = 2 for update; create type mood as enum ('good'); \
         prepare transaction 'it'",
    ] {
        sql(server, statement);
    }
}

fn check_prepared(server: &Server, case: &str) {
    assert_eq!(sql(server, "select gid from pg_prepared_xacts"), ["it"], "{case}");
    assert_eq!(sql(server, "select sum(balance) from account"), ["1000"], "{case}");
    assert_eq!(sql(server, "select to_regclass('made') is null and to_regclass('old') is not null"), ["t"], "{case}");
    for statement in [
        "select * from account where id = 1 for update nowait",
        "select * from account where id = 2 for share nowait",
        "select * from account where id = 5 for update nowait",
        "begin; set local lock_timeout = '20ms'; insert into account values (11, 3)",
        "lock table account in share mode nowait",
        "set lock_timeout = '20ms'; drop table child",
        "set lock_timeout = '20ms'; select * from old for update",
        "begin; prepare transaction 'it'",
    ] {
        assert_refused(server, statement, case);
    }
    // Compatible with a key share lock: the new version is held, too.
    sql(server, "update account set balance = balance where id = 5");
    assert_refused(server, "select * from account where id = 5 for update nowait", case);
}

fn check_ended(server: &Server, committed: bool, case: &str) {
    let (sum, child, old) = if committed { ("901", "1", "t") } else { ("1000", "0", "f") };
    assert_eq!(sql(server, "select count(*) from pg_prepared_xacts"), ["0"], "{case}");
    assert_eq!(sql(server, "select sum(balance) from account"), [sum], "{case}");
    assert_eq!(sql(server, "select count(*) from child"), [child], "{case}");
    assert_eq!(sql(server, "select to_regclass('old') is null"), [old], "{case}");
    if committed {
        assert_eq!(sql(server, "select length(t) from made where left(t, 10) = 'xxxxxxxxxx'"), ["3000"], "{case}");
        assert_eq!(sql(server, "insert into made(t) values ('y') returning id > 1"), ["t"], "{case}");
        assert_eq!(sql(server, "select 'good'::mood"), ["good"], "{case}");
    }
    sql(server, "select * from account where id in (1, 2, 5) for update nowait");
}

fn clean(server: &Server) {
    sql(server, "drop table if exists account, child, old, made");
    sql(server, "drop type if exists mood");
}

/// After every kind of death, with and without checkpoints around it, a prepared transaction is there, keeps its locks,
/// and can be committed or rolled back; what it came to is not undone by another crash.
#[test]
fn a_prepared_transaction_outlives_every_death() {
    let mut server = Server::started(&["max_prepared_transactions=5"]);
    for (n, how) in DEATHS.into_iter().enumerate() {
        for (checkpoint, commit) in [(n % 2 == 0, true), (n % 2 == 1, false)] {
            let case = format!("{how:?}, checkpoint {checkpoint}, commit {commit}");
            prepare(&server);
            check_prepared(&server, &case);
            if checkpoint {
                sql(&server, "checkpoint");
            }
            die(&mut server, how);
            check_prepared(&server, &case);
            // A second death: of the file, or of the log before a file was written.
            die(&mut server, Death::Engine);
            check_prepared(&server, &case);
            sql(&server, if commit { "commit prepared 'it'" } else { "rollback prepared 'it'" });
            check_ended(&server, commit, &case);
            die(&mut server, if checkpoint { Death::Engine } else { Death::Immediate });
            check_ended(&server, commit, &case);
            assert_eq!(sql(&server, "select count(*) from pg_ls_dir('pg_twophase')"), ["0"], "{case}");
            clean(&server);
        }
    }
}

/// More prepared transactions than may be: the start is refused, and nothing is lost by that.
#[test]
fn a_limit_below_what_there_is_refuses_to_start() {
    let mut server = Server::started(&["max_prepared_transactions=2"]);
    sql(&server, "create table t(id int)");
    sql(&server, "begin; insert into t values (1); prepare transaction 'a'");
    sql(&server, "begin; insert into t values (2); prepare transaction 'b'");
    server.signal("INT");
    server.wait_end();
    assert_eq!(server.refused_start(&["-c", "max_prepared_transactions=1"]), Some(1), "{}", server.log());
    let log = server.log();
    assert!(log.contains("FATAL:  maximum number of prepared transactions reached"), "{log}");
    assert!(log.contains("HINT:  Increase max_prepared_transactions (currently 1)."), "{log}");
    server.start();
    sql(&server, "commit prepared 'a'");
    sql(&server, "rollback prepared 'b'");
    assert_eq!(sql(&server, "select * from t"), ["1"]);
}

const BRANCHES: [&str; 2] = ["east", "west"];

/// A coordinator's notes: what it has decided. As in real ones, no note means rollback.
#[derive(Default)]
struct Decisions {
    commit: Mutex<BTreeMap<String, i64>>,
    stop: AtomicBool,
}

/// Moves money between two tables by two sessions and two-phase commit.
fn coordinator(port: u16, number: u64, decisions: &Decisions) {
    let mut random = Random(number * 104_729 + 7);
    let mut n = 0;
    while !decisions.stop.load(Ordering::Relaxed) {
        let (Some(mut east), Some(mut west)) = (connect(port), connect(port)) else {
            std::thread::sleep(Duration::from_millis(3));
            continue;
        };
        while !decisions.stop.load(Ordering::Relaxed) {
            n += 1;
            let (id, amount) = (format!("{number}-{n}"), (random.next() % 50) as i64);
            let row = number as i64 % 4;
            let work = |branch: &str, amount: i64| {
                format!(
                    "begin; update {branch} set balance = balance + {amount} where id = {row}; \
                     insert into {branch}_ledger values ('{id}', {amount}); prepare transaction '{branch}-{id}'"
                )
            };
            let prepared = east.batch_execute(&work("east", amount)).and(west.batch_execute(&work("west", -amount)));
            let commit = prepared.is_ok() && !random.next().is_multiple_of(5);
            if commit {
                decisions.commit.lock().unwrap().insert(id.clone(), amount);
            }
            let verb = if commit { "commit" } else { "rollback" };
            let end = |branch: &str| format!("{verb} prepared '{branch}-{id}'");
            if prepared.is_err()
                || east.batch_execute(&end("east")).is_err()
                || west.batch_execute(&end("west")).is_err()
            {
                break;
            }
        }
    }
}

/// Ends what the dead coordinators left, by their notes.
fn resolve(server: &Server, decisions: &Decisions) {
    for gid in sql(server, "select gid from pg_prepared_xacts") {
        let id = gid.split_once('-').expect("branch-id").1;
        let verb = if decisions.commit.lock().unwrap().contains_key(id) { "commit" } else { "rollback" };
        sql(server, &format!("{verb} prepared '{gid}'"));
    }
}

/// Money moved between two branches under random kills of the engine, with checkpoints in between: after the coordinator
/// has ended what was left prepared, both ledgers tell of exactly the transfers it decided to commit. `CRASHES=n`,
/// `SEED=n`.
#[test]
fn two_branches_agree_after_every_crash() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (crashes, seed) = (number("CRASHES", 25), number("SEED", 11));
    println!("SEED={seed}");
    let mut random = Random(seed | 1);
    let server = Server::started(&["max_prepared_transactions=50"]);
    for branch in BRANCHES {
        sql(&server, &format!("create table {branch}(id int primary key, balance int)"));
        sql(&server, &format!("insert into {branch} select i, 1000 from generate_series(0, 3) i"));
        sql(&server, &format!("create table {branch}_ledger(id text primary key, amount int)"));
    }
    for round in 0..crashes {
        let decisions = Decisions::default();
        let before: Vec<i64> = BRANCHES.map(|b| balance(&server, b)).into();
        std::thread::scope(|scope| {
            for n in 0..4 {
                let decisions = &decisions;
                let port = server.port;
                scope.spawn(move || coordinator(port, 1 + n + round * 4, decisions));
            }
            std::thread::sleep(Duration::from_millis(30 + random.next() % 120));
            if random.next().is_multiple_of(2) {
                let _ = server.connect().query("checkpoint");
            }
            std::thread::sleep(Duration::from_millis(random.next() % 60));
            kill("KILL", server.engine_pid());
            decisions.stop.store(true, Ordering::Relaxed);
        });
        drop(connect_soon(&server));
        resolve(&server, &decisions);
        let commit = decisions.commit.lock().unwrap();
        let moved: i64 = commit.values().sum();
        for (branch, sign, before) in [("east", 1, before[0]), ("west", -1, before[1])] {
            assert_eq!(balance(&server, branch), before + sign * moved, "round {round}: {branch}");
            let ledger = sql(&server, &format!("select id from {branch}_ledger order by id collate \"C\""));
            assert_eq!(ledger, commit.keys().cloned().collect::<Vec<_>>(), "round {round}: {branch}");
            sql(&server, &format!("truncate {branch}_ledger"));
        }
    }
}

fn balance(server: &Server, branch: &str) -> i64 {
    sql(server, &format!("select sum(balance) from {branch}"))[0].parse().unwrap()
}
