//! What `log_statement`, `log_duration` and their kin have written, as PostgreSQL 15 writes it.

mod support;

use support::{Server, eventually};

/// The lines of the log since `from`, durations blurred.
fn lines(server: &Server, from: usize) -> Vec<String> {
    let blur = |line: &str| match line.split_once("duration: ").and_then(|(a, b)| Some((a, b.split_once(" ms")?.1))) {
        Some((before, after)) => format!("{before}duration: N ms{after}"),
        None => line.to_owned(),
    };
    server.log()[from..].lines().map(blur).collect()
}

/// Runs the statements, one message each; what they leave in the log.
fn logged(server: &Server, statements: &[&str]) -> Vec<String> {
    let mut client = server.connect();
    let from = server.log().len();
    for statement in statements {
        client.simple(statement).unwrap();
    }
    lines(server, from)
}

fn server() -> Server {
    Server::started(&["log_line_prefix=", "fsync=off"])
}

/// Each value of `log_statement` has the statements of its classes logged, EXECUTE with what was prepared.
#[test]
fn statements_are_logged_by_their_class() {
    let server = server();
    let all =
        logged(&server, &["set log_statement = 'all'", "select 1", "prepare p(int) as select $1", "execute p(3)"]);
    let expected = [
        "LOG:  statement: select 1",
        "LOG:  statement: prepare p(int) as select $1",
        "LOG:  statement: execute p(3)",
        "DETAIL:  prepare: prepare p(int) as select $1",
    ];
    assert_eq!(all, expected);
    let writes = [
        "set log_statement = 'mod'",
        "select 2",
        "create table t (i int)",
        "insert into t values (1); select 3",
        "explain insert into t values (1)",
        "explain analyze insert into t values (1)",
        "prepare q as delete from t",
        "copy t to stdout",
        "truncate t",
    ];
    let expected = [
        "LOG:  statement: create table t (i int)",
        "LOG:  statement: insert into t values (1); select 3",
        "LOG:  statement: explain analyze insert into t values (1)",
        "LOG:  statement: prepare q as delete from t",
        "LOG:  statement: truncate t",
    ];
    assert_eq!(logged(&server, &writes), expected);
    let changes = ["set log_statement = 'ddl'", "insert into t values (1)", "alter table t add j int", "drop table t"];
    let expected = ["LOG:  statement: alter table t add j int", "LOG:  statement: drop table t"];
    assert_eq!(logged(&server, &changes), expected);
}

/// A duration comes alone or with its statement; after an error there is none.
#[test]
fn durations_are_logged() {
    let server = server();
    let every = ["set log_duration = on", "select 1", "select 1/0"];
    let expected =
        ["LOG:  duration: N ms", "LOG:  duration: N ms", "ERROR:  division by zero", "STATEMENT:  select 1/0"];
    assert_eq!(logged(&server, &every), expected);
    let least = ["set log_min_duration_statement = 0", "select 4", "set log_statement = 'all'", "select 5"];
    let expected = [
        "LOG:  duration: N ms  statement: set log_min_duration_statement = 0",
        "LOG:  duration: N ms  statement: select 4",
        "LOG:  duration: N ms  statement: set log_statement = 'all'",
        "LOG:  statement: select 5",
        "LOG:  duration: N ms",
    ];
    assert_eq!(logged(&server, &least), expected);
    assert!(logged(&server, &["set log_min_duration_statement = '1h'", "select 6"]).is_empty());
}

/// The extended protocol says which message took the time, and with which parameters.
#[test]
fn messages_are_logged_with_their_parameters() {
    let server = server();
    let text = format!("host={} port={} user=postgres", server.dir.path().display(), server.port);
    let mut client = postgres::Client::connect(&text, postgres::NoTls).unwrap();
    client.batch_execute("set log_parameter_max_length = 4; set log_min_duration_statement = 0").unwrap();
    let statement = client.prepare_typed("select $1 || $2", &[postgres::types::Type::TEXT; 2]).unwrap();
    let from = server.log().len();
    client.query(&statement, &[&"it's me", &None::<&str>]).unwrap();
    let name = "s0";
    let expected = [
        format!("LOG:  duration: N ms  bind {name}: select $1 || $2"),
        "DETAIL:  parameters: $1 = 'it''s...', $2 = NULL".to_owned(),
        format!("LOG:  duration: N ms  execute {name}: select $1 || $2"),
        "DETAIL:  parameters: $1 = 'it''s...', $2 = NULL".to_owned(),
    ];
    assert_eq!(lines(&server, from), expected);
    client.batch_execute("set log_parameter_max_length_on_error = -1; set log_min_duration_statement = -1").unwrap();
    let statement = client.prepare_typed("select 1 / length($1)", &[postgres::types::Type::TEXT]).unwrap();
    let from = server.log().len();
    client.query(&statement, &[&""]).unwrap_err();
    let expected = [
        "ERROR:  division by zero",
        "CONTEXT:  unnamed portal with parameters: $1 = ''",
        "STATEMENT:  select 1 / length($1)",
    ];
    assert_eq!(lines(&server, from), expected);
}

/// A session says for itself which errors bring their statements, and how much of them is told.
#[test]
fn sessions_choose_what_stands_below_errors() {
    let server = server();
    let quiet = ["set log_min_error_statement = panic", "select 1/0"];
    assert_eq!(logged(&server, &quiet), ["ERROR:  division by zero"]);
    let verbose = ["set log_error_verbosity = verbose", "select 1/0"];
    assert_eq!(logged(&server, &verbose)[0], "ERROR:  22012: division by zero");
}

/// Numbers made `N`, so that pids, ids and times may be what they like.
fn without_numbers(line: &str) -> String {
    let mut shown = String::new();
    for c in line.chars() {
        match c {
            '0'..='9' if shown.ends_with('N') => {}
            '0'..='9' => shown.push('N'),
            c => shown.push(c),
        }
    }
    shown
}

/// A wait of more than `deadlock_timeout` is told once, and its end; a deadlock with the statements of all.
#[test]
fn long_waits_for_locks_are_logged() {
    let server = Server::started(&["log_line_prefix=", "fsync=off", "log_lock_waits=on", "deadlock_timeout=20ms"]);
    let (mut holder, mut waiter) = (server.connect(), server.connect());
    holder.query("create table t (i int primary key, j int)").unwrap();
    holder.query("insert into t values (1, 1), (2, 2)").unwrap();
    holder.query("begin").unwrap();
    holder.query("update t set j = 3 where i = 1").unwrap();
    let from = server.log().len();
    waiter.send("update t set j = 4 where i = 1");
    eventually("the wait is told", || server.log()[from..].contains("STATEMENT"));
    holder.query("commit").unwrap();
    waiter.answer().unwrap();
    eventually("its end is told", || server.log()[from..].matches("STATEMENT").count() == 2);
    let shown: Vec<String> = server.log()[from..].lines().map(without_numbers).collect();
    let expected = [
        "LOG:  process N still waiting for ShareLock on transaction N after N.N ms",
        "DETAIL:  Process holding the lock: N. Wait queue: N.",
        "CONTEXT:  while updating tuple (N,N) in relation \"t\"",
        "STATEMENT:  update t set j = N where i = N",
        "LOG:  process N acquired ShareLock on transaction N after N.N ms",
        "CONTEXT:  while updating tuple (N,N) in relation \"t\"",
        "STATEMENT:  update t set j = N where i = N",
    ];
    assert_eq!(shown, expected);

    holder.query("begin; update t set j = 5 where i = 1").unwrap();
    waiter.query("begin; update t set j = 6 where i = 2").unwrap();
    waiter.query("set deadlock_timeout = '1h'").unwrap();
    waiter.send("update t set j = 6 where i = 1");
    let from = server.log().len();
    assert!(holder.query("update t set j = 5 where i = 2").unwrap_err().contains("deadlock detected"));
    waiter.answer().unwrap();
    let shown: Vec<String> = server.log()[from..].lines().map(without_numbers).collect();
    let expected = [
        "LOG:  process N detected deadlock while waiting for ShareLock on transaction N after N.N ms",
        "DETAIL:  Process holding the lock: N. Wait queue: .",
        "CONTEXT:  while updating tuple (N,N) in relation \"t\"",
        "STATEMENT:  update t set j = N where i = N",
        "ERROR:  deadlock detected",
        "DETAIL:  Process N waits for ShareLock on transaction N; blocked by process N.",
        "\tProcess N waits for ShareLock on transaction N; blocked by process N.",
        "\tProcess N: update t set j = N where i = N",
        "\tProcess N: update t set j = N where i = N",
    ];
    assert_eq!(shown[..expected.len()], expected);
}

/// Temporary files are told of from `log_temp_files` on, and counted.
#[test]
fn temporary_files_are_logged_and_counted() {
    let server = server();
    let sort = "select count(*) from (select g from generate_series(1, 50000) g order by g desc) s";
    let all = logged(&server, &["set work_mem = '64kB'", "set log_temp_files = 0", sort]);
    assert!(all.len() > 1);
    assert!(all[0].starts_with("LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp"), "{all:?}");
    assert!(all[0].contains("\", size "), "{all:?}");
    assert_eq!(all[1], format!("STATEMENT:  {sort}"));
    let none = logged(&server, &["set work_mem = '64kB'", "set log_temp_files = '1GB'", sort]);
    assert!(none.is_empty(), "{none:?}");
    let counted = "select temp_files > 0 and temp_bytes > 100000 from pg_stat_database where datname = 'postgres'";
    assert_eq!(server.connect().query(counted).unwrap(), ["t"]);
}

/// Autovacuum tells of what it did to a table from `log_autovacuum_min_duration` on, line for line.
#[test]
fn autovacuum_is_logged() {
    let server = Server::started(&[
        "log_line_prefix=",
        "fsync=off",
        "log_autovacuum_min_duration=0",
        "autovacuum_naptime=1s",
        "autovacuum_vacuum_threshold=10",
        "autovacuum_analyze_threshold=10",
    ]);
    let mut client = server.connect();
    client.query("create table t (i int primary key)").unwrap();
    client.query("insert into t select g from generate_series(1, 1000) g").unwrap();
    client.query("delete from t where i > 200").unwrap();
    eventually("both are told", || {
        let log = server.log();
        let vacuum = log.find("LOG:  automatic vacuum of table \"postgres.public.t\": index scans: 1\n");
        vacuum.is_some() && log.contains("LOG:  automatic analyze of table \"postgres.public.t\"\n")
    });
    let log = server.log();
    let from = log.find("LOG:  automatic vacuum of table \"postgres.public.t\": index scans: 1").unwrap();
    // Whether an earlier one has gone as far already is chance.
    let lines = log[from..].lines().filter(|l| !l.starts_with("\tnew relfrozenxid: "));
    let shown: Vec<String> = lines.take(10).map(without_numbers).collect();
    let expected = [
        "LOG:  automatic vacuum of table \"postgres.public.t\": index scans: N",
        "\tpages: N removed, N remain, N scanned (N.N% of total)",
        "\ttuples: N removed, N remain, N are dead but not yet removable",
        "\tremovable cutoff: N, which was N XIDs old when operation ended",
        "\tindex scan needed: N pages from table (N.N% of total) had N dead item identifiers removed",
        "\tindex \"t_pkey\": pages: N in total, N newly deleted, N currently deleted, N reusable",
        "\tavg read rate: N.N MB/s, avg write rate: N.N MB/s",
        "\tbuffer usage: N hits, N misses, N dirtied",
        "\tWAL usage: N records, N full page images, N bytes",
        "\tsystem usage: CPU: user: N.N s, system: N.N s, elapsed: N.N s",
    ];
    assert_eq!(shown, expected);
}

/// The number and the id of the transaction, what the session does, and who speaks before there is a session; a FATAL
/// error is one line. PostgreSQL 15 wrote the same but for the numbers.
#[test]
fn lines_tell_of_the_transaction() {
    let server =
        Server::started(&["log_line_prefix=%b|%i|%v|%x|", "log_connections=on", "log_disconnections=on", "fsync=off"]);
    let from = server.log().len();
    let mut client = server.connect();
    let number = |text: &str, n: usize| -> u64 {
        text.split('|').nth(n).and_then(|t| t.rsplit('/').next()?.parse().ok()).unwrap()
    };
    client.simple("create table lt (i int)").unwrap();
    client.simple("begin; insert into lt values (1)").unwrap();
    client.simple("selec").unwrap();
    client.simple("rollback; prepare p as select 1/i from lt").unwrap();
    client.simple("insert into lt values (0)").unwrap();
    client.simple("execute p").unwrap();
    let _ = client.simple("select pg_terminate_backend(pg_backend_pid())");
    eventually("the end of the session", || server.log()[from..].contains("disconnection:"));
    let log = server.log()[from..].to_owned();
    let line = |what: &str| log.lines().find(|l| l.contains(what)).unwrap_or_else(|| panic!("no {what:?} in {log}"));
    assert!(line("connection received").starts_with("not initialized|||0|LOG:"), "{log}");
    let syntax = line("syntax error");
    assert!(syntax.starts_with("client backend|idle in transaction|"), "{log}");
    assert!(number(syntax, 2) > 0 && number(syntax, 3) > 0, "{log}");
    let division = line("division by zero");
    assert!(division.starts_with("client backend|EXECUTE|"), "{log}");
    assert!(number(division, 2) > number(syntax, 2) && number(division, 3) == 0, "{log}");
    assert_eq!(log.matches("terminating connection").count(), 1, "{log}");
    let end = line("disconnection:");
    assert!(end.starts_with("client backend|SELECT|") && number(end, 2) == 0, "{log}");
    assert!(!log.split_once("disconnection:").unwrap().1.contains("STATEMENT"), "{log}");
}

/// Statements are counted by what they are known by, with constants left out, those of functions if that is asked for,
/// and the counts outlive a clean stop.
#[test]
fn costs_of_statements_are_counted() {
    let mut server = Server::started(&["shared_preload_libraries=pg_stat_statements", "fsync=off"]);
    let counts = "select format('%s %s %s: %s', calls, rows, toplevel, query) from pg_stat_statements
        where query not like '%pg_stat_statements%' and query <> 'select $1' order by query collate \"C\"";
    let mut client = server.connect();
    let counted = |client: &mut support::Client, statements: &[&str]| {
        client.query("select pg_stat_statements_reset()").unwrap();
        for s in statements {
            client.query(s).unwrap();
        }
        client.query(counts).unwrap()
    };
    client.query("create extension pg_stat_statements").unwrap();
    client.query("create table t (a int primary key, b text)").unwrap();
    let body = "declare r int; begin select count(*) into r from t where b is not null; return r; end";
    client.query(&format!("create function f(x int) returns int language plpgsql as $$ {body} $$")).unwrap();
    let shown = counted(
        &mut client,
        &[
            "insert into t select g, 'x' from generate_series(1, 100) g",
            "select a from t where a = 1",
            "select a from t where a = 2",
            "SELECT  a FROM public.t WHERE (a = 3)",
            "select a from t where a = 4",
            "select a from t where a in (1, 2, 3) order by 1 limit 5",
            "prepare p(int) as select * from t where a = $1 and b <> 'foo'",
            "execute p(5)",
            "execute p(6)",
            "begin",
            "declare c cursor for select * from t where a < 20",
            "fetch 5 from c",
            "commit",
            "select f(3)",
            "set work_mem = '1MB'",
        ],
    );
    let expected = [
        "1 0 t: begin",
        "1 0 t: commit",
        "1 0 t: declare c cursor for select * from t where a < 20",
        "1 5 t: fetch 5 from c",
        "1 100 t: insert into t select g, $1 from generate_series($2, $3) g",
        "2 2 t: prepare p(int) as select * from t where a = $1 and b <> $2",
        "4 4 t: select a from t where a = $1",
        "1 3 t: select a from t where a in ($1, $2, $3) order by 1 limit $4",
        "1 1 t: select f($1)",
        "1 0 t: set work_mem = '1MB'",
    ];
    assert_eq!(shown, expected);
    client.query("set pg_stat_statements.track = 'all'").unwrap();
    let shown = counted(&mut client, &["select f(3)", "do $$ begin execute 'select 7, 8'; end $$"]);
    let expected = [
        "1 0 t: do $$ begin execute 'select 7, 8'; end $$",
        "1 1 f: select $1, $2",
        "1 1 f: select count(*)        from t where b is not null",
        "1 1 t: select f($1)",
    ];
    assert_eq!(shown, expected);
    drop(client);
    let (code, said) = server.tool("pg_ctl", &["stop", "-m", "fast"]);
    assert_eq!(code, 0, "{said}");
    server.wait_end();
    server.start();
    assert_eq!(server.connect().query(counts).unwrap(), expected);
}
