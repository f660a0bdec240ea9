//! What stock psql shows: `sql-tests/golden/psql/NAME.sql` against this server prints what PostgreSQL 15 printed.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

/// The version of the psql on `PATH`, None if there is none.
fn psql_version() -> Option<String> {
    let out = Command::new("psql").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).trim().to_string())
}

fn psql(server: &support::Server, database: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-h", "127.0.0.1", "-U", "postgres", "-p", &server.port.to_string(), "-d", database]);
    command.env("LC_ALL", "C").env_remove("PGOPTIONS").stdin(Stdio::null());
    command
}

/// The output of a file, both streams as they came.
fn run(server: &support::Server, folder: &Path, name: &str) -> String {
    let database = format!("psql_{name}");
    let made = psql(server, "postgres")
        .args(["-c", &format!("create database {database} template template0 lc_collate 'C' lc_ctype 'C'")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = psql(server, &database);
    command.current_dir(folder).args(["-f", &format!("{name}.sql")]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    child.wait().unwrap();
    text
}

/// Output by command: each stands under a line `=== command`.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut found = vec![("(before the first command)", String::new())];
    for line in text.lines() {
        match (line.strip_prefix("=== "), found.last_mut()) {
            (Some(command), _) => found.push((command, String::new())),
            (None, Some((_, body))) => *body += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    found
}

/// The backslash commands list and describe everything as PostgreSQL 15's server lets them.
#[test]
fn backslash_commands() {
    let Some(version) = psql_version() else {
        assert!(std::env::var_os("CI").is_none(), "psql is not on PATH");
        eprintln!("SKIPPED: psql is not on PATH");
        return;
    };
    if !version.contains(" 15.") {
        eprintln!("SKIPPED: the answers are those of psql 15, here is {version}");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/golden/psql");
    let server = support::Server::started(&["fsync=off"]);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|f| f.unwrap().file_name().to_string_lossy().strip_suffix(".sql").map(str::to_string))
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for name in &names {
        let expected = std::fs::read_to_string(folder.join(format!("{name}.out"))).unwrap();
        let shown = run(&server, &folder, name);
        let (expected, shown) = (sections(&expected), sections(&shown));
        for (n, (command, body)) in expected.iter().enumerate() {
            match shown.get(n) {
                Some((c, b)) if c == command && b == body => {}
                other => {
                    let got = other.map_or("", |(_, b)| b.as_str());
                    wrong.push(format!("{name}: {command}\n--- PostgreSQL\n{body}--- here\n{got}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} commands differ:\n{}", wrong.len(), wrong.join("\n"));
}
