//! VACUUM FULL and CLUSTER under kills.

use crate::support::Server;
use crate::{Random, connect, connect_soon};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Rewrites a table over and over, with or without an order, until told to stop.
fn rewriter(port: u16, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Some(mut client) = connect(port) else {
            std::thread::sleep(Duration::from_millis(3));
            continue;
        };
        for sql in ["vacuum full item", "cluster item using item_pkey", "vacuum full item"] {
            if client.batch_execute(sql).is_err() {
                break;
            }
        }
    }
}

/// VACUUM FULL and CLUSTER killed in the middle leave the table as it was, with its indexes and its large values; files
/// half written do not stay. `REWRITE_CRASHES=n` for more.
#[test]
fn rewritten_tables_survive_kills() {
    let crashes: usize = std::env::var("REWRITE_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let mut random = Random(0x5eed_cafe);
    let server = Server::started(&["checkpoint_timeout=30s", "max_wal_size=64MB"]);
    connect_soon(&server)
        .batch_execute(
            "create table item(id int primary key, kind int, body text); create index item_kind on item(kind); \
             insert into item select g, g % 10, repeat(md5(g::text), 150) from generate_series(1, 2000) g",
        )
        .unwrap();
    let stop = AtomicBool::new(false);
    let mut kept = 2000;
    std::thread::scope(|s| {
        let (flag, port) = (&stop, server.port);
        s.spawn(move || rewriter(port, flag));
        for _ in 0..crashes {
            std::thread::sleep(Duration::from_millis(20 + random.next() % 150));
            if let Some(pid) = rustix::process::Pid::from_raw(server.engine_pid() as i32) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            let mut client = connect_soon(&server);
            let check = "select count(*), count(*) filter (where body <> repeat(md5(id::text), 150)), \
                 (select count(*) from (select id from item where id > 0 order by id) s) from item";
            let Ok(row) = client.query_one(check, &[]) else { continue };
            assert_eq!(row.get::<_, i64>(0), kept, "rows were lost or came back");
            assert_eq!(row.get::<_, i64>(1), 0, "a large value changed");
            assert_eq!(row.get::<_, i64>(2), kept, "the index disagrees");
            // Something for the next rewrite to leave out.
            if client.batch_execute(&format!("delete from item where id = {kept}")).is_ok() {
                kept -= 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mut client = connect_soon(&server);
    for sql in ["vacuum full item", "cluster item using item_pkey"] {
        client.batch_execute(sql).unwrap();
    }
    let rows: i64 = client.query_one("select count(*) from item", &[]).unwrap().get(0);
    assert_eq!(rows, kept);
}
