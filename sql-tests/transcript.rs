//! Runs the scripts of `sql-tests/transcript/` through psql and compares everything it shows, notices, details and hints
//! included, with what it showed at PostgreSQL 15. `TRANSCRIPT=part` runs some of them; `TRANSCRIPT_RECORD=port` asks the
//! PostgreSQL at that port (of this machine, user postgres) and writes its answers down. A script's first lines may say
//! what the server must be started with: `-- setting name=value`.

mod support;

use std::path::Path;
use std::process::Command;

/// What psql shows of a script, without the places in the server's source.
fn transcript(port: u16, database: &str, script: &Path) -> String {
    let connection = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    // Both outputs into one pipe, for their order.
    let out = Command::new("sh")
        .args(["-c", "exec psql -X -a -v VERBOSITY=verbose -d \"$1\" -f \"$2\" 2>&1", "psql", &connection])
        .arg(script)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let prefix = format!("psql:{}:", script.display());
    let mut shown = String::new();
    for line in text.lines().filter(|l| !l.starts_with("LOCATION:")) {
        let line = match line.strip_prefix(&prefix) {
            Some(rest) => rest.split_once(": ").map_or(rest, |(_, message)| message),
            None => line,
        };
        // Whoever sends a notification has another pid each time.
        let line = line.split_once(" with PID ").filter(|_| line.starts_with("Asynchronous")).map_or(line, |(l, _)| l);
        shown.push_str(line);
        shown.push('\n');
    }
    shown
}

fn admin(port: u16, sql: &str) {
    let text = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    postgres::Client::connect(&text, postgres::NoTls).unwrap().batch_execute(sql).unwrap();
}

fn record(port: u16) {
    for script in support::scripts("transcript", "TRANSCRIPT") {
        admin(port, "create database transcript");
        let shown = transcript(port, "transcript", &script);
        admin(port, "drop database transcript");
        std::fs::write(script.with_extension("out"), shown).unwrap();
    }
}

/// The first lines that differ, with what stands around.
fn difference(expected: &str, shown: &str) -> String {
    let (e, s): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), shown.lines().collect());
    let at = e.iter().zip(&s).position(|(a, b)| a != b).unwrap_or_else(|| e.len().min(s.len()));
    let around =
        |lines: &[&str]| lines.iter().skip(at.saturating_sub(6)).take(14).copied().collect::<Vec<_>>().join("\n");
    format!("line {}\n---- PostgreSQL\n{}\n---- here\n{}", at + 1, around(&e), around(&s))
}

/// Every script shows what it shows at PostgreSQL 15, notices and details in the same order.
#[test]
fn scripts_show_what_postgresql_shows() {
    if let Ok(port) = std::env::var("TRANSCRIPT_RECORD") {
        return record(port.parse().unwrap());
    }
    if Command::new("psql").arg("--version").output().is_err() {
        assert!(std::env::var("CI").is_err(), "psql is not on the path");
        eprintln!("skipped: psql is not on the path");
        return;
    }
    let mut failed = Vec::new();
    for script in support::scripts("transcript", "TRANSCRIPT") {
        let text = std::fs::read_to_string(&script).unwrap();
        let mut settings = vec!["fsync=off"];
        settings.extend(text.lines().map_while(|l| l.strip_prefix("-- setting ")));
        let server = support::Server::started(&settings);
        admin(server.port, "create database transcript");
        let expected = std::fs::read_to_string(script.with_extension("out")).unwrap_or_default();
        let shown = transcript(server.port, "transcript", &script);
        if shown != expected {
            failed.push(format!("{}: {}", script.display(), difference(&expected, &shown)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
