//! Indexes that are made, replaced and dropped while their table is written to: what each finds is what the table has for the same snapshot,
//! its structure is sound, and kills in the middle leave nothing worse than an index that is not valid.

use crate::support::Server;
use crate::{Random, connect, connect_soon, strike};
use postgres::{Client, SimpleQueryMessage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// `key` is unique and changes; `mark` and `word` have no index at first, so that their updates are heap-only.
const TABLE: &str = "create table item (id bigserial primary key, key int, mark int, word text, tags int[], span int4range) \
     with (fillfactor = 70, autovacuum_enabled = off); \
     insert into item (key, mark, word, tags, span) select g, g % 17, 'w' || g % 13, array[g % 11, g % 7], \
     int4range(g, g + 5) from generate_series(1, 3000) g; create extension if not exists amcheck;";

/// How an index is written, and the condition that it answers; the unique one comes first.
const INDEXES: [(&str, &str); 6] = [
    ("unique index concurrently made on item (key)", "key >= 100"),
    ("index concurrently made on item (mark, word desc)", "mark between 3 and 9"),
    ("index concurrently made on item ((mark + 1)) where word < 'w5'", "mark + 1 > 4 and word < 'w5'"),
    ("index concurrently made on item using hash (word)", "word = 'w7'"),
    ("index concurrently made on item using gin (tags)", "tags @> '{3}'"),
    ("index concurrently made on item using gist (span)", "span && '[100,4000)'"),
];

/// Keys are a writer's own, so that no two ever have the same one for good: `first`, and each fourth from there on.
fn work(client: &mut Client, mut random: Random, first: u64, stop: &AtomicBool) {
    let (mut next, writer) = (first, first % 4);
    while !stop.load(Ordering::Relaxed) {
        let r = random.next();
        let (mark, word, id) = (r / 7 % 17, r / 11 % 13, r / 13 % 3000);
        next += 4;
        let one = match r % 10 {
            0 | 1 => format!(
                "insert into item (key, mark, word, tags, span) \
                 values ({next}, {mark}, 'w{word}', '{{{mark},3}}', '[{id},{})')",
                id + 9
            ),
            2 | 3 => format!("update item set mark = {mark} where id = {id}"),
            4 => format!("update item set word = 'w{word}', mark = mark + 1 where id between {id} and {}", id + 3),
            5 => format!("update item set key = {next} where id = {id}"),
            6 => format!("update item set tags = '{{{mark},{word}}}', span = '[{mark},{id})' where id = {id}"),
            7 => format!("delete from item where id = {id}"),
            8 => format!("delete from item where key = {}; ", next - 8 * (1 + r / 17 % 9)),
            _ => format!(
                "update item set key = -{writer} where id = {id}; update item set key = {next} where key = -{writer}"
            ),
        };
        let text = match r / 19 % 6 {
            0 => format!("begin; {one}; rollback"),
            1 => format!("begin; {one}; savepoint a; update item set mark = 99 where id = {id}; rollback to a; commit"),
            2 => format!("begin; select 1; {one}; update item set word = word where id = {id}; commit"),
            _ => one,
        };
        if client.batch_execute(&text).is_err() {
            if client.is_closed() {
                return;
            }
            let _ = client.batch_execute("rollback");
        }
    }
}

fn rows(client: &mut Client, text: &str) -> Vec<String> {
    let answer = client.simple_query(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    answer
        .iter()
        .filter_map(|m| match m {
            SimpleQueryMessage::Row(r) => r.get(0).map(str::to_string),
            _ => None,
        })
        .collect()
}

/// Asks the index and the table, in one snapshot.
fn compare(client: &mut Client, condition: &str) {
    let query = format!("select id || ' ' || item::text from item where {condition}");
    client.batch_execute("begin isolation level repeatable read; select 1 from item limit 1").unwrap();
    client
        .batch_execute(
            "set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off",
        )
        .unwrap();
    let mut by_table = rows(client, &query);
    client
        .batch_execute(
            "set local enable_indexscan = on; set local enable_bitmapscan = on; set local enable_seqscan = off",
        )
        .unwrap();
    let plan = rows(client, &format!("explain (costs off) {query}")).join("\n");
    assert!(plan.contains("made"), "the index is not used:\n{plan}");
    let mut by_index = rows(client, &query);
    client.batch_execute("commit").unwrap();
    by_table.sort();
    by_index.sort();
    if by_table != by_index {
        let lost: Vec<_> = by_table.iter().filter(|r| !by_index.contains(r)).collect();
        let more: Vec<_> = by_index.iter().filter(|r| !by_table.contains(r)).collect();
        panic!("{condition}: the index lacks {lost:?} and has {more:?} (of {})", by_table.len());
    }
}

/// The structure of a B-tree, and of the table's key.
fn check(client: &mut Client, definition: &str) {
    if !definition.contains("using") {
        client.batch_execute("select bt_index_check('made')").unwrap();
    }
    client.batch_execute("select bt_index_check('item_pkey')").unwrap();
}

fn seed() -> u64 {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(clock | 1);
    println!("SEED={seed}");
    seed
}

fn count_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// `ROUNDS=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn indexes_made_beside_writers_have_all_rows() {
    let mut random = Random(seed());
    let server = Server::started(&["max_wal_size=256MB", "synchronous_commit=off"]);
    let mut client = connect_soon(&server);
    client.batch_execute(TABLE).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|s| {
        for writer in 0..4 {
            let (stop, port, seed) = (&stop, server.port, random.next());
            s.spawn(move || {
                let mut client = connect(port).expect("a connection");
                work(&mut client, Random(seed | 1), 10_000 + writer, stop);
            });
        }
        // The writers end with this thread, however it ends.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..count_of("ROUNDS", 2) * INDEXES.len() as u64 {
                let (definition, condition) = INDEXES[round as usize % INDEXES.len()];
                client.batch_execute(&format!("create {definition}")).unwrap();
                compare(&mut client, condition);
                std::thread::sleep(Duration::from_millis(random.next() % 50));
                compare(&mut client, condition);
                check(&mut client, definition);
                client.batch_execute("reindex index concurrently made").unwrap();
                compare(&mut client, condition);
                check(&mut client, definition);
                client.batch_execute("reindex table concurrently item").unwrap();
                compare(&mut client, condition);
                check(&mut client, definition);
                client.batch_execute("drop index concurrently made").unwrap();
                let left =
                    rows(&mut client, "select indexrelid::regclass from pg_index where indrelid = 'item'::regclass");
                assert_eq!(left, ["item_pkey"]);
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(e) = ended {
            std::panic::resume_unwind(e);
        }
    });
    let marks: i64 = client.query_one("select count(*) from item where mark = 99", &[]).unwrap().get(0);
    assert_eq!(marks, 0, "what was rolled back");
}

/// `KILLS=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn indexes_made_beside_writers_survive_kills() {
    let mut random = Random(seed());
    let mut server = Server::started(&["checkpoint_timeout=30s", "max_wal_size=64MB"]);
    connect_soon(&server).batch_execute(TABLE).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for round in 0..count_of("KILLS", 9) {
        let (definition, condition) = INDEXES[random.next() as usize % INDEXES.len()];
        let command = ["", "reindex index concurrently made", "drop index concurrently made"][round as usize % 3];
        let create = format!("create {definition}");
        let command = match command {
            "" => create,
            command => {
                connect_soon(&server).batch_execute(&create).unwrap();
                command.to_string()
            }
        };
        let stop = AtomicBool::new(false);
        std::thread::scope(|s| {
            for writer in 0..3 {
                let (stop, port, seed) = (&stop, server.port, random.next());
                s.spawn(move || {
                    if let Some(mut client) = connect(port) {
                        work(&mut client, Random(seed | 1), 1_000_000 * (round + 1) + writer, stop);
                    }
                });
            }
            let (port, command) = (server.port, &command);
            s.spawn(move || {
                if let Some(mut client) = connect(port) {
                    let _ = client.batch_execute(command);
                }
            });
            std::thread::sleep(Duration::from_millis(20 + random.next() % 400));
            strike(&mut server, &mut random);
            std::thread::sleep(Duration::from_millis(random.next() % 50));
            stop.store(true, Ordering::Relaxed);
        });
        let mut client = connect_soon(&server);
        settle(&mut client);
        let made = "select indexrelid::regclass || ' ' || indisvalid from pg_index \
             where indrelid = 'item'::regclass and not indisprimary order by 1";
        for line in rows(&mut client, made) {
            match line.split_once(' ').expect("a name and a state") {
                ("made", "true") => valid += 1,
                ("made", _) => {
                    invalid += 1;
                    client.batch_execute("insert into item (key, mark, word) values (-100, 5, 'w1')").unwrap();
                    client.batch_execute("reindex index made; delete from item where key = -100").unwrap();
                }
                (name, state) => {
                    assert_eq!(state, "false", "{name} after {command}");
                    client.batch_execute(&format!("drop index {name}")).unwrap();
                }
            }
        }
        let lines = rows(&mut client, made);
        if !command.starts_with("reindex") && lines.is_empty() {
            continue;
        }
        assert_eq!(lines, ["made true"], "after {command}");
        compare(&mut client, condition);
        check(&mut client, definition);
        client.batch_execute("drop index made").unwrap();
    }
    println!("{valid} valid, {invalid} not");
}

/// A new postmaster takes over what goes on: a command that survived it comes to its end.
fn settle(client: &mut Client) {
    let until = Instant::now() + Duration::from_secs(60);
    let busy = "select pid from pg_stat_activity where query like '%index concurrently made%' and pid <> pg_backend_pid() and state = 'active'";
    while !rows(client, busy).is_empty() {
        assert!(Instant::now() < until, "the command does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}
