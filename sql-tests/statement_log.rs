//! What `log_statement`, `log_duration` and their kin have written, as PostgreSQL 15 writes it.

mod support;

use support::Server;

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
