//! A bank under random kills: nothing acknowledged is lost, nothing half-done is seen.

use crate::support::Server;
use crate::{Random, connect, connect_soon};
use postgres::Client;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ACCOUNTS: i64 = 20;
const START: i64 = 1000;

#[derive(Default)]
struct Books {
    acknowledged: Mutex<BTreeSet<i64>>,
    tried: Mutex<BTreeSet<i64>>,
    stop: AtomicBool,
}

/// Moves money until told to stop; a transfer counts once its COMMIT was answered.
fn teller(port: u16, number: i64, books: &Books) {
    let mut random = Random(number as u64 * 7919 + 1);
    let mut id = number * 10_000_000;
    while !books.stop.load(Ordering::Relaxed) {
        let Some(mut client) = connect(port) else {
            std::thread::sleep(Duration::from_millis(3));
            continue;
        };
        while !books.stop.load(Ordering::Relaxed) {
            id += 1;
            books.tried.lock().unwrap().insert(id);
            if transfer(&mut client, id, &mut random).is_err() {
                break;
            }
            books.acknowledged.lock().unwrap().insert(id);
        }
    }
}

fn transfer(client: &mut Client, id: i64, random: &mut Random) -> Result<(), postgres::Error> {
    let a = (random.next() % ACCOUNTS as u64) as i64;
    let b = (a + 1 + (random.next() % (ACCOUNTS as u64 - 1)) as i64) % ACCOUNTS;
    let amount = (random.next() % 50) as i64;
    // In one order, so that tellers wait for each other but never in a circle.
    let (first, second) = if a < b { ((a, -amount), (b, amount)) } else { ((b, amount), (a, -amount)) };
    let sql = format!(
        "begin; update account set balance = balance + {} where id = {}; \
         update account set balance = balance + {} where id = {}; \
         insert into ledger values ({id}, {a}, {b}, {amount}); commit",
        first.1, first.0, second.1, second.0
    );
    client.batch_execute(&sql)
}

/// A bank's books survive random kills of the engine and its workers: no acknowledged transfer is lost, none nobody
/// made appears, and money is neither made nor destroyed. `CRASHES=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn a_banks_books_survive_two_hundred_kills() {
    let crashes: usize = std::env::var("CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(clock | 1);
    println!("SEED={seed}");
    let mut random = Random(seed);
    let server = Server::started(&["checkpoint_timeout=30s", "max_wal_size=64MB"]);
    let mut client = connect_soon(&server);
    client
        .batch_execute(&format!(
            "create table account(id bigint primary key, balance bigint not null); \
             create table ledger(id bigint primary key, a bigint, b bigint, amount bigint); \
             insert into account select g, {START} from generate_series(0, {}) g",
            ACCOUNTS - 1
        ))
        .unwrap();
    drop(client);
    let books = Books::default();
    std::thread::scope(|s| {
        for n in 1..=3 {
            let (books, port) = (&books, server.port);
            s.spawn(move || teller(port, n, books));
        }
        for _ in 0..crashes {
            std::thread::sleep(Duration::from_millis(10 + random.next() % 60));
            let workers: Vec<u32> = ["walwriter", "checkpointer"].iter().flat_map(|w| server.workers(w)).collect();
            let victim = match random.next() % 3 {
                0 => Some(server.engine_pid()),
                n => workers.get(n as usize % workers.len().max(1)).copied(),
            };
            if let Some(pid) = victim.and_then(|p| rustix::process::Pid::from_raw(p as i32)) {
                // The engine may have died of something else meanwhile.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            connect_soon(&server);
        }
        books.stop.store(true, Ordering::Relaxed);
    });
    let mut client = connect_soon(&server);
    let sum: i64 = client.query_one("select sum(balance)::bigint from account", &[]).unwrap().get(0);
    assert_eq!(sum, ACCOUNTS * START, "money was made or destroyed");
    let rows: BTreeSet<i64> = client.query("select id from ledger", &[]).unwrap().iter().map(|r| r.get(0)).collect();
    let acknowledged = books.acknowledged.into_inner().unwrap();
    let lost: Vec<_> = acknowledged.difference(&rows).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged transfers are lost: {lost:?}", lost.len(), acknowledged.len());
    let tried = books.tried.into_inner().unwrap();
    assert!(rows.is_subset(&tried), "the ledger has transfers nobody made");
    let wrong: i64 = client
        .query_one(
            &format!(
                "select count(*) from account c where balance <> {START} \
                 - coalesce((select sum(amount) from ledger where a = c.id), 0) \
                 + coalesce((select sum(amount) from ledger where b = c.id), 0)"
            ),
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(wrong, 0, "an account disagrees with the ledger");
    println!("{crashes} kills, {} acknowledged transfers, none lost", acknowledged.len());
}
