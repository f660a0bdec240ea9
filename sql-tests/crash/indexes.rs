//! Indexes of every method under writers, VACUUM and random kills: after each restart they find what the table has, no
//! more and no less, and what an exclusion constraint keeps apart is apart.

use crate::support::Server;
use crate::{Random, connect, connect_soon, strike};
use postgres::Client;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TABLE: &str = "create extension amcheck; create table item (id bigserial primary key, span int4range, spot point, tags int[], word text, \
     weight int, code int, body text, doc jsonb, \
     exclude using gist (span with &&)); \
     create index by_spot on item using gist (spot); create index by_tags on item using gin (tags); \
     create index by_word on item using hash (word); create index by_pair on item (word, id desc) where id % 2 = 0; \
     create index by_weight on item using brin (weight) with (pages_per_range = 1); \
     create index by_code on item using brin (code int4_bloom_ops) with (pages_per_range = 2); \
     create index by_cover on item using brin (int4range(code, code + 3) range_inclusion_ops, \
     (weight + code) int4_minmax_multi_ops) with (pages_per_range = 1); \
     create index by_body on item (body); create index by_doc on item using gin (doc jsonb_path_ops);";

/// Conditions, and the index that answers each.
const CONDITIONS: [(&str, &str); 11] = [
    ("item_pkey", "id between 1 and 1000000"),
    ("item_span_excl", "span && '[100,400)'"),
    ("by_spot", "spot <@ box '((10,10),(60,60))'"),
    ("by_tags", "tags @> '{3}'"),
    ("by_word", "word = 'w7'"),
    ("by_pair", "word >= 'w3' and word < 'w9' and id % 2 = 0"),
    ("by_weight", "weight between 100 and 250"),
    ("by_code", "code = 7"),
    ("by_cover", "int4range(code, code + 3) && '[30,50)' and weight + code between 100 and 400"),
    ("by_body", "body >= '4' and body < 'a'"),
    ("by_doc", "doc @> '{\"a\": 3}'"),
];

/// Inserts, changes, deletes and now and then vacuums, until told to stop or until the connection is gone.
fn work(client: &mut Client, random: &mut Random, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let r = random.next();
        let (low, x, y, tag, word) = (r % 900, r % 97, r / 97 % 97, r % 11, r % 13);
        let text = match r / 1000 % 28 {
            0 => "vacuum item".to_string(),
            // A queue: pages at the left become empty, those at the right are made of them.
            20..23 => format!("delete from item where id < (select max(id) from item) - {}", 100 + low),
            23 => format!("insert into item (word) select 'w' || n % 13 from generate_series(1, {}) n", 300 + low),
            24 => "select brin_summarize_new_values('by_weight'), brin_summarize_new_values('by_code')".to_string(),
            25 => {
                format!("select brin_desummarize_range('by_weight', {tag}), brin_desummarize_range('by_code', {tag})")
            }
            26 | 27 => format!("update item set weight = {low}, code = {} where id % 17 = {tag}", low / 7),
            1..=3 => format!("delete from item where span && '[{low},{})'", low + 40),
            4..=6 => format!("update item set spot = '({y},{x})', tags = '{{{tag}}}' where word = 'w{word}'"),
            7 => format!("begin; update item set word = 'w{word}' where id % 7 = {}; rollback", tag % 7),
            _ => format!(
                "insert into item (span, spot, tags, word, weight, code, body, doc) \
                 values ('[{low},{})', '({x},{y})', '{{{tag},{}}}', 'w{word}', {low}, {x}, \
                 md5('{x}') || repeat(md5('{r}') || md5('{low}'), {}), '{{\"a\": {}, \"b\": [{x}, \"{word}\"]}}') \
                 on conflict do nothing",
                low + 1 + r / 7 % 9,
                tag + 3,
                [0, 1, 15, 40][(x % 4) as usize],
                tag % 5,
            ),
        };
        // Refused by a conflict, or the server is gone.
        if client.batch_execute(&text).is_err() && client.is_closed() {
            return;
        }
    }
}

fn check(client: &mut Client) {
    let mut all = |text: &str| -> Vec<String> {
        client
            .simple_query(text)
            .unwrap()
            .iter()
            .filter_map(|m| match m {
                postgres::SimpleQueryMessage::Row(r) => r.get(0).map(str::to_string),
                _ => None,
            })
            .collect()
    };
    let near = "select (spot <-> point '(30,30)')::text from item order by spot <-> point '(30,30)' limit 20";
    all(
        "set enable_seqscan = on; set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off",
    );
    let by_table: Vec<_> =
        CONDITIONS.iter().map(|(_, c)| all(&format!("select id::text from item where {c} order by id"))).collect();
    let nearest = all(near);
    all("reset all; set enable_seqscan = off");
    for ((index, condition), expected) in CONDITIONS.iter().zip(by_table) {
        let query = format!("select id::text from item where {condition} order by id");
        let plan = all(&format!("explain (costs off) {query}")).join("\n");
        assert!(plan.contains(index), "{index} is not used:\n{plan}");
        assert_eq!(all(&query), expected, "{index} and the table disagree about {condition}");
    }
    for index in ["item_pkey", "by_pair", "by_body"] {
        all(&format!("select bt_index_parent_check('{index}')"));
    }
    assert_eq!(all(near), nearest, "the nearest by the index are not the nearest");
    let twice = all("select count(*) from item a join item b on a.id < b.id and a.span && b.span");
    assert_eq!(twice, ["0"], "two rows that exclude each other");
}

/// `KILLS=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn indexes_of_every_method_survive_kills() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(clock | 1);
    println!("SEED={seed}");
    let mut random = Random(seed);
    let mut server = Server::started(&["checkpoint_timeout=30s", "max_wal_size=64MB", "autovacuum_naptime=1s"]);
    connect_soon(&server).batch_execute(TABLE).unwrap();
    for _ in 0..kills {
        let stop = AtomicBool::new(false);
        std::thread::scope(|s| {
            for _ in 0..3 {
                let (stop, port, seed) = (&stop, server.port, random.next());
                s.spawn(move || {
                    if let Some(mut client) = connect(port) {
                        work(&mut client, &mut Random(seed | 1), stop);
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(100 + random.next() % 400));
            strike(&mut server, &mut random);
            std::thread::sleep(Duration::from_millis(random.next() % 50));
            stop.store(true, Ordering::Relaxed);
        });
        check(&mut connect_soon(&server));
    }
    let rows: i64 = connect_soon(&server).query_one("select count(*) from item", &[]).unwrap().get(0);
    println!("{kills} kills, {rows} rows");
    assert!(rows > 0);
}
