//! One session's memory: statements over long values hold few of them at a time, whatever they do with them.

mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use support::{Client, Server};

/// The table: so many values of half a megabyte each.
const ROWS: usize = 96;
const MB: u64 = 1 << 20;
/// More than any statement may take, the buffers of the log and what the allocator keeps included.
const LIMIT: u64 = 30 * MB;

/// A line of `/proc/<pid>/status` in bytes.
fn status(pid: u32, what: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|l| l.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn run(client: &mut Client, statements: &str) {
    for statement in statements.split(";;") {
        client.query(statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
}

/// PostgreSQL holds the value it works on; so do statements here, and a little more. `work_mem` is small, so that what
/// sorts and joins keep goes to files.
#[test]
fn statements_hold_few_long_values() {
    let server =
        Server::started(&["shared_buffers=2MB", "wal_buffers=1MB", "work_mem=1MB", "max_wal_size=1GB", "fsync=off"]);
    let mut client = server.connect_tcp();
    run(
        &mut client,
        "create table long(id int primary key, k int, v text);;
         alter table long alter v set storage external;;
         create table packed(id int, v text)",
    );
    for id in 0..ROWS {
        let value = format!("repeat(md5('{id}'), {})", MB / 64);
        run(&mut client, &format!("insert into long values ({id}, {}, {value})", id % 5));
        run(&mut client, &format!("insert into packed values ({id}, {value})"));
    }
    run(&mut client, "analyze long;; analyze packed;; create table few as select i from generate_series(1, 3) i");
    let made = "select repeat('x', 500000 + i) as v from generate_series(1, 300) i offset 0";
    let statements = [
        "select count(*) from packed where length(v) > 5",
        "select sum(length(v)) from long where v not like '%z%'",
        "set enable_seqscan = off;; set enable_bitmapscan = off;; select sum(length(v)) from long where id >= 0;; reset all",
        "set enable_seqscan = off;; set enable_indexscan = off;; select sum(length(v)) from long where id >= 0;; reset all",
        "select max(v) from long;; select k, min(length(v)) from long group by k",
        "select count(*) from (select id, v from long order by k, v offset 0) s where length(v) > 5",
        "select count(*) from (select distinct v from long) s",
        "set enable_nestloop = off;; set enable_mergejoin = off;;
         select sum(length(a.v)) from long a join packed b on a.id = b.id where length(a.v || b.v) > 0;; reset all",
        "set enable_nestloop = off;; set enable_hashjoin = off;;
         select sum(length(a.v)) from long a left join packed b on a.id = b.id where length(a.v || b.v) > 0;; reset all",
        "select count(*) from few, packed where length(v) > i",
        "select count(*) from (select v from long union all select v from packed) s where length(v) > 1",
        "select count(*) from (select v from long union select v from packed) s",
        "with s as materialized (select * from long) select count(*) from s where length(v) > 1",
        "select sum(length((select v from packed p where p.id = i))) from generate_series(0, 3) i",
        "select sum(length(u)) from packed, unnest(array[v]) u",
        "create table made as select * from long;; insert into made (id, v) select * from packed;; drop table made",
        "update long set v = v || 'x' where id % 2 = 0;; delete from packed where id > 80 returning v",
        "alter table packed alter id type bigint;; vacuum full packed;; analyze packed",
        "create index on packed (md5(v));; create index on packed (length(v))",
        "copy packed to stdout;; copy (select v from packed) to stdout",
        "begin;; declare c cursor for select * from long;; fetch 1 from c;; fetch all from c;; commit",
        "begin;; declare h cursor with hold for select * from long;; commit;; fetch all from h;; close h",
        "do $$ declare r record; n bigint := 0; begin for r in select * from long loop n := n + length(r.v); end loop; end $$",
        "select sum(length(v)) from (select repeat('x', 500000 + i) as v from generate_series(1, 300) i offset 0) s",
        "select count(*) from generate_series(1, 300) i where repeat('x', 500000 + i) like '%y%'",
        "select sum(length(repeat('x', 500000 + (random() * 5)::int))) from generate_series(1, 300) i",
        "select max(repeat('x', 500000 + i)) is null from generate_series(1, 300) i",
        "select count(*) from (select case when i > 0 then repeat('x', 500000) else '' end v from generate_series(1, 300) i) s
         where length(v) > 1",
        "select sum(array_length(array[v, v], 1)) from packed",
        "select count(*) from (select v, row_number() over (order by id) n from long offset 0) s where length(v) > n",
        "select count(*) from (select v, sum(id) over (partition by k) n from long offset 0) s where length(v) > n",
        "with recursive r(i, v) as (select id, v from long union all select i + 1000, v from r where i < 2000)
         select count(*) from r where length(v) > 1",
        "create function look() returns trigger language plpgsql as 'begin return null; end';;
         create trigger looks after insert or update on long for each row execute function look();;
         update long set k = k + 1;; insert into long select id + 1000, k, v || 'y' from long;;
         drop trigger looks on long;; delete from long where id >= 1000",
        made,
    ];
    let pid = server.engine_pid();
    let start = status(pid, "VmRSS:");
    let mut worst = Vec::new();
    for statement in statements {
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        run(&mut client, statement);
        let grown = status(pid, "VmHWM:").saturating_sub(start);
        if grown > LIMIT {
            worst.push(format!("{} MB: {statement}", grown / MB));
        }
    }
    assert!(worst.is_empty(), "of {} MB in the table:\n{}", ROWS / 2, worst.join("\n"));
}

/// What a statement may not have fails it alone: it is told so as by PostgreSQL, and nobody else notices.
#[test]
fn refused_memory_fails_one_statement() {
    let mut server = Server::started(&["fsync=off", "work_mem=4GB"]);
    let usual = status(server.engine_pid(), "VmSize:");
    server.signal("INT");
    server.wait_end();
    // The server has this process's limit, which is taken back at once.
    let before = getrlimit(Resource::As);
    setrlimit(Resource::As, Rlimit { current: Some(usual + 1024 * MB), ..before }).unwrap();
    server.start();
    setrlimit(Resource::As, before).unwrap();
    let (mut witness, mut client) = (server.connect(), server.connect());
    witness.query("begin").unwrap();
    let engine = server.engine_pid();
    let hungry = [
        "select length(a || a || a) from (select repeat('x', 300000000) a) s",
        "select length(string_agg(repeat('x', 1000000), ',')) from generate_series(1, 900)",
        "select array_length(array_agg(repeat('x', 1000000)), 1) from generate_series(1, 900)",
        "select length(replace(repeat('x', 100000000), 'x', 'yyyyyyyy'))",
        "select array_length(array_fill(1::bigint, array[90000000]), 1)",
        "select array_length(string_to_array(repeat('x,', 60000000), ','), 1)",
        "select length(format('%1000000000s', 'x'))",
        "do $$ declare t text := 'x'; begin for i in 1..40 loop t := t || t; end loop; end $$",
        "do $$ declare a text[]; begin for i in 1..2000 loop a := a || repeat('x', 1000000); end loop; end $$",
        "with recursive r(i, t) as (select 1, repeat('x', 50000000) union all select i + 1, t from r where i < 40)
         select count(distinct t || i) from r",
    ];
    for statement in hungry {
        assert_eq!(client.query(statement), Err("out of memory".to_string()), "{statement}\n{}", server.log());
    }
    let list: Vec<String> = (0..800_000).map(|n| n.to_string()).collect();
    let list = format!("select 1 where 1 in ({})", list.join(","));
    assert_eq!(client.query(&list), Err("out of memory".to_string()));
    // A message that there is no room for is passed over.
    let text = format!("select length('{}')", "x".repeat(600_000_000));
    assert_eq!(client.query(&text), Err("out of memory".to_string()));
    assert_eq!(client.query("select 1"), Ok(vec!["1".to_string()]));
    assert_eq!(witness.query("select 2"), Ok(vec!["2".to_string()]));
    assert_eq!(server.engine_pid(), engine);
}
