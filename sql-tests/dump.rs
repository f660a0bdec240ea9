//! Dumps the schemas of `sql-tests/dump/` with pg_dump, compares the text with what PostgreSQL 15 gives for the same
//! statements, and restores every form of dump into fresh databases, whose dumps must be the same again. `DUMP=part`
//! runs some of the schemas; `DUMP_RECORD=port` asks the PostgreSQL at that port (of this machine, user postgres) and
//! writes its dumps down. A few expressions PostgreSQL itself shows differently once they are restored: then there is a
//! file `.again` beside the `.out`.

mod support;

use std::path::Path;
use std::process::Command;

/// Dumps name owners and those with rights.
const ROLES: [&str; 2] = ["dump_owner", "dump_reader"];

/// A server at a port, driven with the client tools.
struct Cluster(u16);

impl Cluster {
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .args(["-h", "127.0.0.1", "-p", &self.0.to_string(), "-U", "postgres"])
            .env("LC_ALL", "C")
            .env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }

    fn statement(&self, sql: &str) {
        run(self.tool("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql]));
    }

    fn fresh(&self, database: &str) {
        self.statement(&format!("create database {database} template template0"));
    }

    fn load(&self, database: &str, script: &Path) {
        run(self.tool("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f"]).arg(script));
    }

    fn restore(&self, database: &str, from: &Path) {
        run(self.tool("pg_restore").args(["--exit-on-error", "-d", database]).arg(from));
    }

    fn dump(&self, database: &str, options: &[&str]) -> String {
        let text = run(self.tool("pg_dump").args(options).args(["-d", database]));
        // What names versions, and the keys of \restrict, is another each time.
        let skipped = ["-- Dumped ", "\\restrict", "\\unrestrict"];
        text.lines().filter(|l| !skipped.iter().any(|s| l.starts_with(s))).map(|l| format!("{l}\n")).collect()
    }

    fn dump_into(&self, database: &str, options: &[&str], to: &Path) {
        run(self.tool("pg_dump").args(options).args(["-d", database, "-f"]).arg(to));
    }
}

/// Runs a tool, which must end well and say nothing; returns its output.
fn run(command: &mut Command) -> String {
    let out = command.output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    // pg_dump's note on tables that refer to each other.
    let said: Vec<&str> = said.lines().filter(|l| !l.starts_with("pg_dump: ")).collect();
    assert!(out.status.success() && said.is_empty(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Whether the tools are there, and pg_dump is PostgreSQL 15's.
fn tools() -> Option<bool> {
    let version = |tool: &str| Command::new(tool).arg("--version").output().ok();
    let (Some(dump), Some(_), Some(_)) = (version("pg_dump"), version("pg_restore"), version("psql")) else {
        assert!(std::env::var("CI").is_err(), "pg_dump, pg_restore or psql is not on the path");
        eprintln!("skipped: pg_dump, pg_restore or psql is not on the path");
        return None;
    };
    Some(String::from_utf8_lossy(&dump.stdout).contains("(PostgreSQL) 15."))
}

fn record(port: u16) {
    let cluster = Cluster(port);
    cluster.statement("drop database if exists dump_recorded");
    ROLES.iter().for_each(|r| cluster.statement(&format!("drop role if exists {r}")));
    ROLES.iter().for_each(|r| cluster.statement(&format!("create role {r}")));
    for script in support::scripts("dump", "DUMP") {
        cluster.fresh("dump_recorded");
        cluster.load("dump_recorded", &script);
        let dump = cluster.dump("dump_recorded", &[]);
        let out = script.with_extension("out");
        std::fs::write(&out, &dump).unwrap();
        cluster.statement("drop database dump_recorded");
        cluster.fresh("dump_recorded");
        cluster.load("dump_recorded", &out);
        let again = cluster.dump("dump_recorded", &[]);
        let _ = std::fs::remove_file(script.with_extension("again"));
        if again != dump {
            std::fs::write(script.with_extension("again"), again).unwrap();
        }
        cluster.statement("drop database dump_recorded");
    }
    ROLES.iter().for_each(|r| cluster.statement(&format!("drop role {r}")));
}

/// Panics with the first lines that differ, and what stands around.
fn assert_same(what: &str, expected: &str, found: &str) {
    let (e, f): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    if e == f {
        return;
    }
    let at = e.iter().zip(&f).position(|(a, b)| a != b).unwrap_or_else(|| e.len().min(f.len()));
    let around =
        |lines: &[&str]| lines.iter().skip(at.saturating_sub(6)).take(14).copied().collect::<Vec<_>>().join("\n");
    panic!("{what}, line {}\n---- expected\n{}\n---- found\n{}", at + 1, around(&e), around(&f));
}

/// The dump is PostgreSQL's, and whatever form it has, what is restored from it dumps the same.
#[test]
fn dumps_are_postgresqls_and_restore() {
    let Some(recorded) = tools() else { return };
    if let Ok(port) = std::env::var("DUMP_RECORD") {
        return record(port.parse().unwrap());
    }
    let server = support::Server::started(&["fsync=off"]);
    let cluster = Cluster(server.port);
    ROLES.iter().for_each(|r| cluster.statement(&format!("create role {r}")));
    let folder = tempfile::tempdir().unwrap();
    for script in support::scripts("dump", "DUMP") {
        let name = script.file_stem().unwrap().to_string_lossy().into_owned();
        cluster.fresh(&name);
        cluster.load(&name, &script);
        let text = cluster.dump(&name, &[]);
        if recorded {
            let expected = std::fs::read_to_string(script.with_extension("out")).unwrap_or_default();
            assert_same(&format!("{name}: the dump"), &expected, &text);
        }
        let again = std::fs::read_to_string(script.with_extension("again")).unwrap_or(text);
        let check = |form: &str, database: &str| {
            assert_same(&format!("{name}: restored from {form}"), &again, &cluster.dump(database, &[]));
        };
        let place = |form: &str| folder.path().join(format!("{name}.{form}"));
        let into = |form: &str| {
            let database = format!("{name}_{form}");
            cluster.fresh(&database);
            database
        };

        let (plain, database) = (place("plain"), into("plain"));
        cluster.dump_into(&name, &[], &plain);
        cluster.load(&database, &plain);
        check("text", &database);

        let (custom, database) = (place("custom"), into("custom"));
        cluster.dump_into(&name, &["-Fc"], &custom);
        cluster.restore(&database, &custom);
        check("-Fc", &database);

        if !std::fs::read_to_string(&script).unwrap().contains("INSERT INTO") {
            continue;
        }
        let (directory, database) = (place("directory"), into("directory"));
        cluster.dump_into(&name, &["-Fd", "-j", "2"], &directory);
        run(cluster.tool("pg_restore").args(["-j", "2", "--exit-on-error", "-d", &database]).arg(&directory));
        check("-Fd -j 2", &database);

        let (schema, data, database) = (place("schema"), place("data"), into("parts"));
        cluster.dump_into(&name, &["--schema-only"], &schema);
        cluster.dump_into(&name, &["--data-only"], &data);
        cluster.load(&database, &schema);
        cluster.load(&database, &data);
        // Neither fills materialized views.
        for part in ["--schema-only", "--data-only"] {
            let [before, after] = [&format!("{name}_plain"), &database].map(|d| cluster.dump(d, &[part]));
            assert_same(&format!("{name}: {part}, restored"), &before, &after);
        }
    }
}
