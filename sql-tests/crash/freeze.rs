//! A cluster grows old: its commit log is cut behind rows of every kind, and it is killed; every row is as it was.

use crate::connect_soon;
use crate::support::{Server, kill};
use postgres::{Client, NoTls};

const MAKE: &str = "create extension amcheck; create table item (id int primary key, word text); \
     create table big (id int, body text); alter table big alter body set storage external; \
     create unlogged table loose (id int); \
     insert into item select n, 'w' || n from generate_series(1, 600) n; \
     insert into big select n, repeat(chr(65 + n % 26), 5000) from generate_series(1, 30) n; \
     create materialized view seen as select id, word from item where id % 2 = 0;";

/// Subtransactions that stay and that are rolled back, in one that commits and in one that does not.
const SUBTRANSACTIONS: &str = "do $$ begin for i in 1..300 loop begin \
       update item set word = word || '!' where id = i; insert into item values (FIRST + i, 'sub'); \
       if i % 3 = 0 then raise exception 'no'; end if; \
     exception when raise_exception then null; end; end loop; end $$";

fn to(server: &Server, database: &str) -> Client {
    let text = format!("host=127.0.0.1 port={} user=postgres dbname={database}", server.port);
    Client::connect(&text, NoTls).unwrap()
}

/// Everything there is, in words.
fn contents(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for (database, queries) in [
        (
            "postgres",
            &[
                "select id || word from item order by id",
                "select id || md5(body) from big order by id",
                "select id || word from seen order by id",
                "select relname::text || relkind::text from pg_class order by 1",
            ][..],
        ),
        ("other", &["select n::text from kept order by n"][..]),
        ("closed", &["select n::text from kept order by n"][..]),
    ] {
        let mut client = to(server, database);
        client.batch_execute("set enable_indexscan = off; set enable_bitmapscan = off").unwrap();
        for query in queries {
            all.extend(client.query(*query, &[]).unwrap().iter().map(|r| r.get::<_, String>(0)));
        }
    }
    all
}

fn pass_transactions(server: &Server, each: u32) {
    std::thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let mut client = connect_soon(server);
                client.batch_execute("set synchronous_commit = off").unwrap();
                let text =
                    format!("do $$ begin for i in 1..{each} loop perform txid_current(); commit; end loop; end $$");
                client.batch_execute(&text).unwrap();
            });
        }
    });
}

fn segments(client: &mut Client) -> Vec<String> {
    client.batch_execute("checkpoint").unwrap();
    let rows = client.query("select pg_ls_dir('pg_xact') order by 1", &[]).unwrap();
    rows.iter().map(|r| r.get(0)).collect()
}

#[test]
fn an_old_cluster_keeps_its_rows() {
    let mut server = Server::started(&["autovacuum=off", "max_prepared_transactions=5", "max_wal_size=200MB"]);
    let mut client = connect_soon(&server);
    client.batch_execute(MAKE).unwrap();
    client.batch_execute(&SUBTRANSACTIONS.replace("FIRST", "1000")).unwrap();
    client.batch_execute(&format!("begin; {SUBTRANSACTIONS}; rollback").replace("FIRST", "2000")).unwrap();
    client.batch_execute("create database other").unwrap();
    to(&server, "other").batch_execute("create table kept as select n from generate_series(1, 50) n").unwrap();
    client.batch_execute("create database closed template other").unwrap();
    to(&server, "closed").batch_execute("delete from kept where n % 5 = 0").unwrap();
    // Rows that two transactions lock, one of which changes one of them.
    let mut second = connect_soon(&server);
    for c in [&mut client, &mut second] {
        c.batch_execute("begin; select * from item where id <= 20 for key share").unwrap();
    }
    second.batch_execute("update item set word = 'locked' where id <= 10; rollback").unwrap();
    client.batch_execute("update item set word = 'changed' where id between 11 and 15; commit").unwrap();
    let prepared = "begin; delete from item where id between 500 and 510; insert into item values (5000, 'p'); \
                    create table promised (id int); insert into promised values (1); prepare transaction 'p'";
    client.batch_execute(prepared).unwrap();
    pass_transactions(&server, 380_000);
    let freeze = |server: &Server, databases: &[&str]| {
        for database in databases {
            to(server, database).batch_execute("vacuum (freeze)").unwrap();
        }
    };
    let freeze_all = |server: &Server| freeze(server, &["other", "closed", "template1", "postgres", "postgres"]);
    // The prepared transaction, which is older than all that, holds the log.
    freeze_all(&server);
    assert_eq!(segments(&mut client), ["0000", "0001"]);
    client.batch_execute("commit prepared 'p'").unwrap();
    let expected = contents(&server);
    assert!(expected.iter().any(|row| row == "5000p"));
    // A database that nobody vacuums holds it, too.
    // (Its own: of the others it held nothing.)
    freeze(&server, &["other", "closed", "template1"]);
    assert_eq!(segments(&mut client), ["0000", "0001"]);
    freeze_all(&server);
    assert_eq!(segments(&mut client), ["0001"]);
    assert_eq!(contents(&server), expected);
    let status = client.query_one("select txid_status(10), txid_status(txid_current() - 1)", &[]).unwrap();
    assert_eq!(status.get::<_, Option<String>>(0), None);
    assert_eq!(status.get::<_, Option<String>>(1).as_deref(), Some("committed"));
    for round in 0..3 {
        kill("KILL", server.engine_pid());
        let mut client = connect_soon(&server);
        assert_eq!(contents(&server), expected, "after kill {round}");
        client.batch_execute("select count(*) from loose").unwrap();
        assert!(client.query("select * from verify_heapam('item')", &[]).unwrap().is_empty());
        client.batch_execute("update item set word = word where id % 50 = 0").unwrap();
        if round == 1 {
            freeze_all(&server);
        }
    }
    server.signal("INT");
    server.wait_end();
    server.start();
    assert_eq!(contents(&server), expected);
    connect_soon(&server).batch_execute("create database young template closed").unwrap();
    assert_eq!(to(&server, "young").query_one("select count(*) from kept", &[]).unwrap().get::<_, i64>(0), 40);
}
