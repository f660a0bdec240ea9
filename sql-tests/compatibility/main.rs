//! Keeps `docs/compatibility.md` true: what the page says of statements, types, functions and settings is asked of the
//! server and of its registries. `UPDATE=1 cargo test --test compatibility` writes the page anew.

#[path = "../support/mod.rs"]
mod support;

use outlast::settings::{Context, IDS, PARAMETERS};
use outlast::sql::exec::system;
use outlast::sql::func::{self, FuncDef, aggregate, window};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use support::{Client, Server};

const BEGIN: &str =
    "<!-- Written by `UPDATE=1 cargo test --test compatibility` from here on; change nothing by hand. -->\n";

fn page_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")
}

/// SQLSTATE and text of a statement's error.
fn fault(client: &mut Client, sql: &str) -> Option<(String, String)> {
    let messages = client.simple(sql).ok()?;
    let error = messages.iter().find(|m| m.kind == 'E')?;
    Some((error.field('C').unwrap_or_default(), error.field('M').unwrap_or_default()))
}

/// Commands that run as in PostgreSQL, and those that do not, with what they say.
fn statements(server: &Server, out: &mut String) {
    let mut admin = server.connect();
    let (mut works, mut fails) = (Vec::new(), Vec::new());
    for (n, line) in include_str!("statements.txt").lines().filter(|l| !l.starts_with('#')).enumerate() {
        let mut fields = line.split('\t');
        let (name, text, state) = (fields.next().unwrap(), fields.next().unwrap(), fields.next());
        let database = format!("compatibility_{n}");
        assert_eq!(fault(&mut admin, &format!("create database {database}")), None);
        let mut client = Client::start_in(Box::new(server.raw_unix().unwrap()), &database).unwrap();
        for sql in [
            "create table t(id int primary key, b text, n int)",
            "insert into t values (1, 'a', 1)",
            "create view v as select * from t",
        ] {
            assert_eq!(fault(&mut client, sql), None, "{sql}");
        }
        let found = text.split(" ;; ").find_map(|sql| fault(&mut client, sql));
        match found {
            None => works.push(name),
            Some((code, _)) if Some(code.as_str()) == state => works.push(name),
            Some((code, message)) => fails.push((name, code, message)),
        }
        for sql in ["rollback", "reset session authorization", "drop owned by r1"] {
            fault(&mut client, sql);
        }
        drop(client);
        for sql in [
            "drop database if exists other",
            "drop role if exists r2",
            "drop role if exists r1",
            "drop role if exists g1, g2, u1",
        ] {
            fault(&mut admin, sql);
        }
    }
    writeln!(out, "## Statements\n\nRun as in PostgreSQL ({}): {}.\n", works.len(), works.join(", ")).unwrap();
    writeln!(out, "Are refused ({}):\n\n| command | answer |\n|---|---|", fails.len()).unwrap();
    for (name, code, message) in fails {
        writeln!(out, "| {name} | {code} {} |", message.replace('|', "\\|")).unwrap();
    }
}

/// Types a column can have, of those PostgreSQL has.
fn types(server: &Server, out: &mut String) {
    let mut client = server.connect();
    let query = "select typname from pg_type where typtype in ('b', 'r', 'm') and typelem = 0 \
                 and typnamespace = 'pg_catalog'::regnamespace order by 1";
    let names = client.query(query).unwrap();
    let (mut works, mut fails) = (Vec::new(), Vec::new());
    for name in names {
        let read = format!("select null::text::\"{name}\", ''::\"{name}\"");
        if fault(&mut client, &read).is_some_and(|(code, _)| code == "0A000") {
            fails.push(name);
            continue;
        }
        match fault(&mut client, &format!("create temp table x(a \"{name}\", b \"{name}\"[])")) {
            None => {
                fault(&mut client, "drop table x");
                works.push(name);
            }
            Some(_) => fails.push(name),
        }
    }
    writeln!(out, "\n## Types\n\nOf columns, each also as an array ({}): {}.", works.len(), works.join(", ")).unwrap();
    if !fails.is_empty() {
        writeln!(out, "\nIn the catalog only ({}): {}.", fails.len(), fails.join(", ")).unwrap();
    }
}

/// A value of a type for a trial call of a set-returning function.
fn sample(ty: &str) -> String {
    let text = match ty {
        "int2" | "int4" | "int8" | "oid" | "float4" | "float8" | "numeric" | "xid" => "1",
        "bool" => "true",
        "json" | "jsonb" => "{}",
        "regclass" => "pg_class",
        "pg_lsn" => "0/0",
        "timestamp" | "timestamptz" | "date" => "2000-01-01",
        "interval" => "1 day",
        "jsonpath" => "$",
        t if t.starts_with('_') || t == "anyarray" => {
            return format!(
                "array[1]::{}",
                if t == "anyarray" { "int[]" } else { &t[1..] }.to_owned() + if t == "anyarray" { "" } else { "[]" }
            );
        }
        _ => "a",
    };
    format!("'{text}'::\"{ty}\"")
}

/// Whether the server has code for a function.
fn has_code(client: &mut Client, def: &'static FuncDef) -> bool {
    match def.kind {
        b'a' => aggregate::is_implemented(def),
        b'w' => window::kind(def).is_some(),
        _ if def.retset => {
            let types = format!(
                "select t.typname from pg_proc p, unnest(p.proargtypes) with ordinality a(oid, n) join pg_type t on t.oid = a.oid where p.oid = {} order by a.n",
                def.oid.0
            );
            let arguments: Vec<String> = client.query(&types).unwrap_or_default().iter().map(|t| sample(t)).collect();
            let call = format!(
                "select count(*) from (select pg_catalog.\"{}\"({}) limit 1) s",
                def.name,
                arguments.join(", ")
            );
            fault(client, &call).is_none_or(|(code, _)| code != "0A000")
        }
        _ => func::is_implemented(def.oid) || system::is_known(def),
    }
}

/// Functions of PostgreSQL 15 that have no code here, by name.
fn functions(server: &Server, out: &mut String) {
    let mut client = server.connect();
    // Types of values that only the server's own code passes: internal, cstring, the handlers, trigger.
    const INNER: [u32; 9] = [2281, 2275, 2279, 3838, 2280, 3115, 325, 269, 3310];
    let internal = |def: &FuncDef| def.args.iter().chain([&def.ret]).any(|a| INNER.contains(&a.0));
    let (mut with, mut missing) = (0, BTreeMap::<&str, BTreeSet<&str>>::new());
    for def in func::funcs().iter().filter(|d| !internal(d)) {
        if has_code(&mut client, def) {
            with += 1;
        } else {
            let kind = match def.kind {
                b'a' => "Aggregates",
                b'w' => "Window functions",
                _ if def.retset => "Set-returning functions",
                _ => "Functions",
            };
            missing.entry(kind).or_default().insert(def.name);
        }
    }
    writeln!(
        out,
        "\n## Functions\n\n{with} of PostgreSQL's functions that SQL can call have code here. The others answer 0A000:"
    )
    .unwrap();
    for (kind, names) in missing {
        let names: Vec<&str> = names.into_iter().collect();
        writeln!(out, "\n{kind} ({}): {}.", names.len(), names.join(", ")).unwrap();
    }
}

/// Parameters that PostgreSQL does not have.
const OUR_SETTINGS: [&str; 1] = ["revive_postmaster"];

fn settings(out: &mut String) {
    assert!(OUR_SETTINGS.iter().all(|name| PARAMETERS.iter().any(|p| p.name == *name)));
    writeln!(
        out,
        "\n## Settings\n\nPostgreSQL 15's {} parameters (hidden ones counted) are known, with its units, bounds and defaults; ours alone: {}.",
        PARAMETERS.iter().filter(|p| !p.name.contains('.')).count() - OUR_SETTINGS.len(),
        OUR_SETTINGS.join(", ")
    )
    .unwrap();
    let idle = idle_settings();
    writeln!(
        out,
        "\nOf those that can be set, these ({}) are checked and shown, but nothing reads them: {}.",
        idle.len(),
        idle.join(", ")
    )
    .unwrap();
}

/// The parameters that no source outside of the table of them names, neither by its identifier nor by its text.
fn idle_settings() -> Vec<&'static str> {
    fn read(folder: &Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            match entry.is_dir() {
                true => read(&entry, out),
                false if entry.ends_with("settings/table.rs") => {}
                false => out.push_str(&std::fs::read_to_string(&entry).unwrap_or_default()),
            }
        }
    }
    let mut sources = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let used: std::collections::HashSet<&str> = sources.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let settable = PARAMETERS.iter().enumerate().filter(|(_, p)| p.context != Context::Internal);
    let idle = settable.filter(|(n, p)| !used.contains(&*format!("{:?}", IDS[*n])) && !used.contains(p.name));
    idle.map(|(_, p)| p.name).collect()
}

/// Every test that the hand-written part names is there.
fn check_tests_named(page: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in page.split('`').skip(1).step_by(2).filter(|n| n.contains(".rs::")) {
        let (file, test) = name.split_once("::").unwrap_or((name, ""));
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("the page names {name}: {e}"));
        assert!(text.contains(test), "the page names {name}, which is not there");
    }
}

/// The page says what the server does.
#[test]
fn the_page_is_true() {
    let server = Server::started(&["fsync=off"]);
    let mut generated = String::new();
    statements(&server, &mut generated);
    types(&server, &mut generated);
    functions(&server, &mut generated);
    settings(&mut generated);
    let path = page_path();
    let page = std::fs::read_to_string(&path).unwrap();
    let (by_hand, old) = page.split_once(BEGIN).expect("the line where the generated part begins");
    check_tests_named(by_hand);
    let generated = format!("\n{generated}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{by_hand}{BEGIN}{generated}")).unwrap();
        return;
    }
    let changed: Vec<&str> = generated.lines().filter(|l| !old.lines().any(|o| o == *l)).collect();
    assert!(
        old == generated,
        "docs/compatibility.md is stale; write it anew with\n\n    UPDATE=1 cargo test --test compatibility\n\nchanged lines:\n{}",
        changed.join("\n")
    );
}
