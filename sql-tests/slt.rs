//! Runs `sql-tests/slt/**/*.slt` over the wire, each file against a server of its own. Every file is true on
//! PostgreSQL 15, too.

mod support;

use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};
use std::path::{Path, PathBuf};

struct Connection(postgres::Client);

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

/// Every record of every file has the answer PostgreSQL gives. `SLT=part-of-a-name` runs some of them.
#[test]
fn sqllogictest_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/slt");
    let mut all = Vec::new();
    files(&root, &mut all);
    all.sort();
    let wanted = std::env::var("SLT").unwrap_or_default();
    let mut failed = Vec::new();
    let mut ran = 0;
    for path in all.iter().filter(|p| p.to_string_lossy().contains(&wanted)) {
        let server = support::Server::started(&["fsync=off"]);
        let port = server.port;
        let connect = move || async move {
            let text = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
            postgres::Client::connect(&text, postgres::NoTls).map(Connection)
        };
        let mut runner = Runner::new(connect);
        runner.add_label("postgresql");
        ran += 1;
        let outcome = std::thread::scope(|s| s.spawn(|| runner.run_file(path)).join());
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(e)) => failed.push(format!("{}: {e}", path.display())),
            Err(_) => failed.push(format!("{}: the runner panicked", path.display())),
        }
    }
    assert!(ran > 0, "no file matches {wanted:?}");
    assert!(failed.is_empty(), "{} of {ran} files fail:\n{}", failed.len(), failed.join("\n\n"));
}
