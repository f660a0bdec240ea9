//! Partitions that are detached, attached, rewritten and replaced under writers and random kills: each row that was
//! acknowledged is in one of them, and no statement stumbles over a partition that comes or goes.

use crate::support::Server;
use crate::{Random, connect, connect_soon, strike};
use postgres::Client;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PARTITIONS: u64 = 4;
const KEYS: u64 = 40;
const WRITERS: u64 = 3;

const TABLE: &str = "create table part (k int, w int, n bigint, pad text, primary key (k, w)) partition by range (k); \
     create index on part using brin (k); create index on part using hash (n); create sequence number cache 3;";

/// A counter for each key, and what it may be instead if the last transaction was committed unbeknown to us.
#[derive(Default)]
struct Counters {
    known: BTreeMap<u64, i64>,
    perhaps: BTreeMap<u64, i64>,
    last_number: i64,
}

/// What a statement may say while partitions come and go: no partition for a row, somebody else was first, a deadlock.
const EXPECTED: [&str; 3] = ["23514", "40001", "40P01"];

/// Counts up, until told to stop or until the session ends.
fn work(client: &mut Client, w: u64, random: &mut Random, counters: &mut Counters, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let r = random.next();
        let keys: Vec<u64> = (0..1 + r % 3).map(|i| (r >> (8 * i + 8)) % KEYS).collect();
        let by = 1 + (r % 90) as i64;
        let pad = [1, 10, 3000][(r >> 40) as usize % 3];
        counters.perhaps.clear();
        let mut rows = Vec::new();
        for k in &keys {
            if counters.perhaps.insert(*k, counters.known.get(k).unwrap_or(&0) + by).is_none() {
                rows.push(format!("({k}, {w}, {by}, repeat('x', {pad}))"));
            }
        }
        let insert = format!(
            "insert into part values {} on conflict (k, w) do update set n = part.n + excluded.n, pad = excluded.pad",
            rows.join(", ")
        );
        let text = match (r >> 44) % 6 {
            0 => {
                counters.perhaps.clear();
                format!("begin; {insert}; rollback")
            }
            1 => format!("begin; savepoint a; {insert}; rollback to a; {insert}; commit"),
            _ => insert,
        };
        let number = "select nextval('number')";
        match client.batch_execute(&text).and_then(|()| client.query_one(number, &[])) {
            Ok(row) => {
                counters.known.append(&mut counters.perhaps);
                let number = row.get(0);
                assert!(number > counters.last_number, "{number} after {}", counters.last_number);
                counters.last_number = number;
            }
            Err(_) if client.is_closed() => return,
            Err(e) => {
                let code = e.code().map_or("", |c| c.code()).to_string();
                // The server's last words may come before the end of the connection is seen.
                if code.is_empty() || code.starts_with("57P") {
                    return;
                }
                assert!(EXPECTED.contains(&code.as_str()), "{text}: {e:?}");
                counters.perhaps.clear();
                let _ = client.batch_execute("rollback");
            }
        }
    }
}

/// Takes partitions out and puts them back, in every way.
fn change(client: &mut Client, random: &mut Random, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let r = random.next();
        let n = r % PARTITIONS;
        let attach = attach(n);
        let texts = match (r >> 8) % 8 {
            0..3 => vec![format!("alter table part detach partition part{n} concurrently"), attach],
            3 => vec![format!("alter table part detach partition part{n}"), attach],
            4 => vec![format!("vacuum full part{n}")],
            5 => vec![format!("cluster part{n} using part{n}_pkey")],
            6 => vec![format!("vacuum (freeze) part{n}")],
            _ => vec![format!(
                "begin; alter table part detach partition part{n}; create table fresh (like part{n} including all); \
                 insert into fresh select * from part{n}; drop table part{n}; alter table fresh rename to part{n}; \
                 alter index fresh_pkey rename to part{n}_pkey; {attach}; {}",
                ["commit", "rollback"][(r >> 16) as usize % 2]
            )],
        };
        for text in texts {
            if client.batch_execute(&text).is_err() {
                if client.is_closed() {
                    return;
                }
                let _ = client.batch_execute("rollback");
            }
        }
    }
}

fn attach(n: u64) -> String {
    let width = KEYS / PARTITIONS;
    format!("alter table part attach partition part{n} for values from ({}) to ({})", n * width, (n + 1) * width)
}

/// Puts every partition back that a kill left outside or halfway.
fn repair(client: &mut Client) {
    for n in 0..PARTITIONS {
        let asked = format!("select inhdetachpending from pg_inherits where inhrelid = 'part{n}'::regclass");
        let state: Option<bool> = client.query_opt(&asked, &[]).unwrap().map(|row| row.get(0));
        if state == Some(true) {
            client.batch_execute(&format!("alter table part detach partition part{n} finalize")).unwrap();
        }
        if state != Some(false) {
            client.batch_execute(&attach(n)).unwrap();
        }
    }
}

/// All counters, by the table and by the index, against what the writers know.
fn check(client: &mut Client, all: &mut [Counters]) {
    let ways = ["set enable_indexscan = off; set enable_bitmapscan = off", "reset all; set enable_seqscan = off"];
    for way in ways {
        client.batch_execute(way).unwrap();
        for (w, counters) in all.iter_mut().enumerate() {
            let rows = client.query(&format!("select k, n from part where k >= 0 and w = {w}"), &[]).unwrap();
            let found: BTreeMap<u64, i64> = rows.iter().map(|r| (r.get::<_, i32>(0) as u64, r.get(1))).collect();
            assert_eq!(found.len(), rows.len(), "a row is there twice");
            if found != counters.known {
                let mut after = counters.known.clone();
                after.append(&mut counters.perhaps);
                assert_eq!(found, after, "neither before nor after the last transaction; known: {:?}", counters.known);
                counters.known = after;
            }
        }
    }
    client.batch_execute("reset all").unwrap();
    let number: i64 = client.query_one("select nextval('number')", &[]).unwrap().get(0);
    let last = all.iter().map(|c| c.last_number).max().unwrap_or(0);
    assert!(number > last, "the sequence went back to {number} from {last}");
    // A session starts over with values of its own.
    all.iter_mut().for_each(|c| (c.last_number, c.perhaps) = (0, BTreeMap::new()));
}

/// `KILLS=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn partitions_come_and_go_under_kills() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(clock | 1);
    println!("SEED={seed}");
    let mut random = Random(seed);
    let mut server = Server::started(&["checkpoint_timeout=30s", "max_wal_size=64MB", "autovacuum_naptime=1s"]);
    let mut client = connect_soon(&server);
    client.batch_execute(TABLE).unwrap();
    for n in 0..PARTITIONS {
        client.batch_execute(&format!("create table part{n} (like part including all); {}", attach(n))).unwrap();
    }
    drop(client);
    let mut all: Vec<Counters> = (0..WRITERS).map(|_| Counters::default()).collect();
    for _ in 0..kills {
        let stop = AtomicBool::new(false);
        std::thread::scope(|s| {
            let port = server.port;
            for (w, counters) in all.iter_mut().enumerate() {
                let (stop, mut random) = (&stop, Random(random.next() | 1));
                s.spawn(move || {
                    let Some(mut client) = connect(port) else { return };
                    work(&mut client, w as u64, &mut random, counters, stop);
                });
            }
            let (stop, mut other) = (&stop, Random(random.next() | 1));
            s.spawn(move || {
                let Some(mut client) = connect(port) else { return };
                change(&mut client, &mut other, stop);
            });
            std::thread::sleep(Duration::from_millis(100 + random.next() % 500));
            strike(&mut server, &mut random);
            std::thread::sleep(Duration::from_millis(random.next() % 50));
            stop.store(true, Ordering::Relaxed);
        });
        let mut client = connect_soon(&server);
        repair(&mut client);
        check(&mut client, &mut all);
    }
    let rows: usize = all.iter().map(|c| c.known.len()).sum();
    println!("{kills} kills, {rows} counters");
    assert!(rows > 0);
}

/// A partition that is detached between two looks at the catalogs: a row is in it, or there is no partition for the row.
#[test]
fn a_partition_that_goes_meanwhile_is_no_surprise() {
    let server = Server::started(&["synchronous_commit=off"]);
    let mut client = connect_soon(&server);
    client
        .batch_execute(
            "create table part (k int) partition by range (k); \
             create table part0 partition of part for values from (0) to (10)",
        )
        .unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..4 {
            let (stop, port) = (&stop, server.port);
            s.spawn(move || {
                let mut client = connect(port).expect("a session");
                while !stop.load(Ordering::Relaxed) {
                    if let Err(e) = client.batch_execute("insert into part values (1)") {
                        assert_eq!(e.code().map(|c| c.code()), Some("23514"), "{e:?}");
                    }
                }
            });
        }
        let until = std::time::Instant::now() + Duration::from_secs(2);
        let mut done = Ok(());
        while done.is_ok() && std::time::Instant::now() < until {
            let detached = client.batch_execute("alter table part detach partition part0 concurrently");
            let attach = "alter table part attach partition part0 for values from (0) to (10)";
            done = detached.and_then(|()| client.batch_execute(attach));
        }
        stop.store(true, Ordering::Relaxed);
        done.unwrap();
    });
}
