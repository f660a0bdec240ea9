//! Runs `sql-tests/slt/**/*.slt` over the wire, each file against a server of its own. Every file is true on
//! PostgreSQL 15, too.

mod support;

use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};
use std::path::{Path, PathBuf};
use support::postgresql::PostgreSql;

struct Connection(postgres::Client);

/// Speaks the extended protocol: a statement is parsed, bound, described and executed a few rows at a time.
struct Extended(support::Client);

/// Shown as the client library of the other connection shows it.
#[derive(Debug)]
struct Fault {
    state: Option<String>,
    text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    fn of(message: &support::Message) -> Fault {
        let field = |code| message.field(code).unwrap_or_default();
        let mut text = format!("db error: {}: {}", field('S'), field('M'));
        for (code, name) in [('D', "DETAIL"), ('H', "HINT")] {
            if let Some(more) = message.field(code) {
                text.push_str(&format!("\n{name}: {more}"));
            }
        }
        Fault { state: message.field('C'), text }
    }
}

impl Extended {
    /// More rows than most answers have, fewer than all: some portals are suspended and go on.
    const ROWS: u32 = 7;
}

impl DB for Extended {
    type Error = Fault;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Fault> {
        let lost = |e: std::io::Error| Fault { state: None, text: e.to_string() };
        let mut messages = self.0.extended(sql, Self::ROWS).map_err(lost)?;
        let several = |m: &support::Message| {
            m.kind == 'E'
                && m.field('M').as_deref() == Some("cannot insert multiple commands into a prepared statement")
        };
        if messages.iter().any(several) {
            messages = self.0.simple(sql).map_err(lost)?;
        }
        let (mut columns, mut rows, mut count) = (0, Vec::new(), 0);
        for message in messages {
            match message.kind {
                'E' => return Err(Fault::of(&message)),
                'T' => columns = u16::from_be_bytes([message.body[0], message.body[1]]) as usize,
                'D' => rows.push(message.columns().iter().map(|c| shown(c.as_deref())).collect()),
                'C' => {
                    let tag = String::from_utf8_lossy(&message.body);
                    count = tag.trim_end_matches('\0').rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(match columns {
            0 => DBOutput::StatementComplete(count),
            n => DBOutput::Rows { types: vec![DefaultColumnType::Any; n], rows },
        })
    }

    fn engine_name(&self) -> &str {
        "postgres-extended"
    }

    fn error_sql_state(e: &Fault) -> Option<String> {
        e.state.clone()
    }
}

impl DB for Connection {
    type Error = postgres::Error;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, postgres::Error> {
        let mut rows = Vec::new();
        let mut columns = 0;
        let mut count = 0;
        for message in self.0.simple_query(sql)? {
            match message {
                postgres::SimpleQueryMessage::RowDescription(d) => columns = d.len(),
                postgres::SimpleQueryMessage::Row(row) => {
                    columns = row.len();
                    rows.push((0..row.len()).map(|i| shown(row.get(i))).collect());
                }
                postgres::SimpleQueryMessage::CommandComplete(n) => count = n,
                _ => {}
            }
        }
        Ok(match columns {
            0 => DBOutput::StatementComplete(count),
            n => DBOutput::Rows { types: vec![DefaultColumnType::Any; n], rows },
        })
    }

    fn engine_name(&self) -> &str {
        "postgres"
    }

    fn error_sql_state(e: &postgres::Error) -> Option<String> {
        e.code().map(|c| c.code().to_string())
    }
}

fn shown(value: Option<&str>) -> String {
    match value {
        None => "NULL".into(),
        Some("") => "(empty)".into(),
        Some(text) => text.into(),
    }
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "slt") {
            found.push(path);
        }
    }
}

/// The files to run: `SLT=part-of-a-name` runs some of them.
fn wanted() -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/slt"), &mut all);
    all.sort();
    let wanted = std::env::var("SLT").unwrap_or_default();
    all.retain(|p| p.to_string_lossy().contains(&wanted));
    assert!(!all.is_empty(), "no file matches {wanted:?}");
    all
}

/// A fresh server: ours, or with `SLT_POSTGRES=folder-of-binaries` PostgreSQL, on which every file must be true, too.
enum Fresh {
    Ours(support::Server),
    Theirs(PostgreSql),
}

impl Fresh {
    fn start() -> Fresh {
        match std::env::var_os("SLT_POSTGRES") {
            None => Fresh::Ours(support::Server::started(&["fsync=off"])),
            Some(bin) => Fresh::Theirs(PostgreSql::started(Path::new(&bin))),
        }
    }

    fn port(&self) -> u16 {
        match self {
            Fresh::Ours(server) => server.port,
            Fresh::Theirs(server) => server.port,
        }
    }
}

/// Each file against a server of its own, over connections made by `connect`.
fn run_files<D, M>(connect: impl Fn(u16) -> M)
where
    D: DB + Send + 'static,
    M: sqllogictest::MakeConnection<Conn = D> + Send,
{
    let mut failed = Vec::new();
    let all = wanted();
    for path in &all {
        let server = Fresh::start();
        let mut runner = Runner::new(connect(server.port()));
        runner.add_label("postgresql");
        if std::env::var_os("SLT_POSTGRES").is_none() {
            runner.add_label("outlast");
        }
        let outcome = std::thread::scope(|s| s.spawn(|| runner.run_file(path)).join());
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(e)) => failed.push(format!("{}: {e}", path.display())),
            Err(_) => failed.push(format!("{}: the runner panicked", path.display())),
        }
    }
    assert!(failed.is_empty(), "{} of {} files fail:\n{}", failed.len(), all.len(), failed.join("\n\n"));
}

/// Every record of every file has the answer PostgreSQL gives.
#[test]
fn sqllogictest_files() {
    run_files(|port| {
        move || async move {
            let text = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
            postgres::Client::connect(&text, postgres::NoTls).map(Connection)
        }
    });
}

/// The same records, parsed, bound and executed: the same answers.
#[test]
fn sqllogictest_files_by_the_extended_protocol() {
    run_files(|port| {
        move || async move {
            let lost = |e: std::io::Error| Fault { state: None, text: e.to_string() };
            let stream = std::net::TcpStream::connect(("127.0.0.1", port)).map_err(lost)?;
            support::Client::start(Box::new(stream)).map(Extended).map_err(|text| Fault { state: None, text })
        }
    });
}
