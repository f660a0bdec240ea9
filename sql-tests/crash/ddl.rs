//! Tables and tablespaces that come, change and go in several sessions, under random kills: what was acknowledged is there, what was
//! not is there wholly or not at all, indexes agree with their tables, and catalogs with the files.

use crate::support::{Client, Server, psql};
use crate::{Random, connect_soon, sql, strike};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What one table holds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Table {
    rows: BTreeMap<u64, String>,
    /// The default of the column `extra`, which all rows have.
    extra: Option<u64>,
    /// Whether there is an index on the first characters of `v`.
    indexed: bool,
    /// Its tablespace, where that is not the database's.
    space: Option<String>,
}

/// What one session has made: its tables by name, how many labels its enum has, its tablespaces.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Model {
    tables: BTreeMap<String, Table>,
    labels: u64,
    spaces: BTreeSet<String>,
}

/// One session's work, and what it knows of it.
struct Worker {
    number: u64,
    random: Random,
    next: u64,
    known: Model,
    /// What may be there instead, if the last transaction was committed unbeknown to us.
    perhaps: Option<Model>,
    acknowledged: u64,
}

impl Worker {
    fn new(number: u64, seed: u64) -> Worker {
        let random = Random(seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Worker { number, random, next: 0, known: Model::default(), perhaps: None, acknowledged: 0 }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random.next() % n
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn some_table(&mut self) -> Option<String> {
        let n = self.known.tables.len() as u64;
        if n == 0 {
            return None;
        }
        let at = self.below(n) as usize;
        self.known.tables.keys().nth(at).cloned()
    }

    /// One of the own tablespaces, or the database's.
    fn some_space(&mut self) -> Option<String> {
        let n = self.known.spaces.len() as u64;
        let at = self.below(n + 1) as usize;
        self.known.spaces.iter().nth(at).cloned()
    }

    /// A tablespace more or less; such a command is a transaction of its own.
    fn spaces(&mut self, after: &mut Model) -> Option<String> {
        let used: BTreeSet<&String> = self.known.tables.values().filter_map(|t| t.space.as_ref()).collect();
        let unused = self.known.spaces.iter().find(|s| !used.contains(s)).cloned();
        match unused {
            Some(name) => {
                after.spaces.remove(&name);
                Some(format!("drop tablespace {name}"))
            }
            None if self.known.spaces.len() < 3 => {
                let n = self.fresh();
                let name = format!("w{}_{n}", self.number);
                after.spaces.insert(name.clone());
                Some(format!("create tablespace {name} location ''"))
            }
            None => None,
        }
    }

    /// Works until told to stop or until the session ends.
    fn run(&mut self, client: &mut Client, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let mut after = self.known.clone();
            let Some(text) = self.transaction(&mut after) else { continue };
            match client.query(&text) {
                Ok(_) => {
                    self.known = after;
                    self.acknowledged += 1;
                }
                Err(e) => {
                    let ends = ["end of file", "reset", "roken pipe", "terminating connection"];
                    assert!(ends.iter().any(|end| e.contains(end)), "{text}: {e}");
                    self.perhaps = Some(after);
                    return;
                }
            }
        }
    }

    /// A transaction's text; `after` becomes what it leaves.
    fn transaction(&mut self, after: &mut Model) -> Option<String> {
        let n = self.number;
        if self.below(10) == 0 {
            return self.spaces(after);
        }
        if self.known.tables.len() < 2 || self.below(8) == 0 && self.known.tables.len() < 6 {
            let name = format!("w{n}_{}", self.fresh());
            let mut table = Table::default();
            let rows = self.insert(&name, &mut table, 20);
            let mut storage = if self.below(4) == 0 { " with (fillfactor = 50)" } else { "" }.to_string();
            table.space = self.some_space();
            if let Some(space) = &table.space {
                let _ = write!(storage, " tablespace {space}");
            }
            after.tables.insert(name.clone(), table);
            return Some(format!(
                "begin; create table {name} (id bigint primary key, v text, s serial){storage}; {rows}; commit"
            ));
        }
        let name = self.some_table()?;
        if self.below(12) == 0 {
            after.tables.remove(&name);
            return Some(format!("drop table {name}"));
        }
        let mut table = after.tables.remove(&name)?;
        let mut to = name.clone();
        let text = match self.below(18) {
            0 => {
                table.rows.clear();
                let rows = self.insert(&name, &mut table, 10);
                format!("begin; truncate {name}; {rows}; commit")
            }
            1 => match table.extra.take() {
                Some(_) => format!("alter table {name} drop column extra"),
                None => {
                    let value = self.fresh();
                    table.extra = Some(value);
                    format!("alter table {name} add column extra bigint default {value}")
                }
            },
            2 => {
                table.indexed = !table.indexed;
                match table.indexed {
                    true => format!("create index {name}_v on {name} (left(v, 50))"),
                    false => format!("drop index {name}_v"),
                }
            }
            // An index keeps its name; so only a table without one changes its own.
            3 if !table.indexed => {
                to = format!("w{n}_{}", self.fresh());
                format!("alter table {name} rename to {to}")
            }
            4 => {
                let rows = self.insert(&name, &mut table, 5);
                let mut lost = table.clone();
                let gone = self.insert(&name, &mut lost, 5);
                let more = self.insert(&name, &mut table, 5);
                format!("begin; {rows}; savepoint a; {gone}; create table x{n} (i int); rollback to a; {more}; commit")
            }
            5 => format!("begin; drop table {name}; create table {name} (z int); create table x{n} (i int); rollback"),
            6 => format!("alter table {name} alter column s type bigint"),
            7 => format!("vacuum full {name}"),
            8 => {
                after.labels += 1;
                format!("alter type e{n} add value 'label{}'", after.labels)
            }
            16 | 17 => {
                table.space = self.some_space();
                let space = table.space.as_deref().unwrap_or("pg_default");
                match self.below(2) {
                    0 => format!("alter table {name} set tablespace {space}"),
                    _ => format!(
                        "begin; alter table {name} set tablespace {space}; savepoint a; \
                         alter table {name} set tablespace pg_default; rollback to a; \
                         reindex (tablespace pg_default) table {name}; commit"
                    ),
                }
            }
            9 | 10 => {
                let cut = self.below(self.next + 1);
                table.rows.retain(|id, _| *id % 7 != cut % 7);
                format!("delete from {name} where id % 7 = {}", cut % 7)
            }
            11 => format!("vacuum {name}"),
            12 | 13 => {
                let part = self.below(3);
                let mark = self.fresh();
                for (_, v) in table.rows.iter_mut().filter(|(id, _)| *id % 3 == part) {
                    *v = format!("updated {mark}");
                }
                format!("update {name} set v = 'updated {mark}' where id % 3 = {part}")
            }
            _ => self.insert(&name, &mut table, 40),
        };
        after.tables.insert(to, table);
        Some(text)
    }

    /// An INSERT of so many rows, now and then one too large for a page.
    fn insert(&mut self, name: &str, table: &mut Table, rows: u64) -> String {
        let mut text = format!("insert into {name} (id, v) values ");
        for i in 0..rows {
            let id = self.fresh();
            let large = self.below(30) == 0;
            let value = if large { format!("large {id} ").repeat(1500) } else { format!("row {id}") };
            let _ = write!(text, "{}({id}, '{value}')", if i == 0 { "" } else { ", " });
            table.rows.insert(id, value);
        }
        text
    }

    /// Finds out what became of the last transaction, and that everything is as it was left.
    fn reconcile(&mut self, server: &Server) {
        let found = self.read(server);
        let before = std::mem::take(&mut self.known);
        let perhaps = self.perhaps.take();
        self.known = match perhaps {
            Some(after) if found == after => after,
            _ => before,
        };
        assert!(found == self.known, "{}", difference(&self.known, &found));
    }

    fn read(&self, server: &Server) -> Model {
        let n = self.number;
        let mut found = Model::default();
        let mut client = server.connect();
        let mut rows = |text: &str| client.query(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        found.labels =
            rows(&format!("select count(*) from pg_enum where enumtypid = 'e{n}'::regtype"))[0].parse().unwrap();
        found.labels -= 1;
        found.spaces =
            rows(&format!("select spcname from pg_tablespace where spcname ~ '^w{n}_'")).into_iter().collect();
        for name in rows(&format!("select relname from pg_class where relkind = 'r' and relname ~ '^[wx]{n}'")) {
            let mut table = Table::default();
            for row in rows(&format!("select id || ' ' || v from {name}")) {
                let (id, v) = row.split_once(' ').unwrap();
                table.rows.insert(id.parse().unwrap(), v.to_string());
            }
            let indexed = format!("select count(*) from pg_class where relname = '{name}_v' and relkind = 'i'");
            table.indexed = rows(&indexed) == ["1"];
            let space = "select spcname from pg_tablespace t join pg_class c on t.oid = reltablespace where relname =";
            table.space = rows(&format!("{space} '{name}'")).pop();
            let extra = format!(
                "select pg_get_expr(adbin, adrelid) from pg_attrdef d join pg_attribute a on adrelid = attrelid \
                 and adnum = attnum where adrelid = '{name}'::regclass and attname = 'extra' and not attisdropped"
            );
            let default = rows(&extra);
            table.extra = default.first().map(|d| d.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap());
            if let Some(value) = table.extra {
                let other = rows(&format!("select count(*) from {name} where extra is distinct from {value}"));
                assert_eq!(other, ["0"], "{name} lost its default");
            }
            check_indexes(&mut rows, &name, &table);
            found.tables.insert(name, table);
        }
        found
    }
}

/// Every index leads to the rows that a scan of the table finds, and to no others.
fn check_indexes(rows: &mut impl FnMut(&str) -> Vec<String>, name: &str, table: &Table) {
    rows("set enable_seqscan = off");
    rows("set enable_bitmapscan = off");
    let mut keys = vec![("id", "id >= 0")];
    keys.extend(table.indexed.then_some(("left(v, 50)", "left(v, 50) >= ''")));
    for (key, all) in keys {
        let query = format!("select id || ' ' || left(v, 30) from {name} where {all} order by {key}, id");
        let plan = rows(&format!("explain {query}")).concat();
        assert!(plan.contains("Index"), "no index is used: {plan}");
        let found: BTreeSet<String> = rows(&query).into_iter().collect();
        let expected = table.rows.iter().map(|(id, v)| format!("{id} {}", v.chars().take(30).collect::<String>()));
        assert!(found == expected.collect(), "the index on {key} of {name} disagrees with the table");
        for (id, v) in table.rows.iter().take(3) {
            let one = match key {
                "id" => rows(&format!("select id from {name} where id = {id}")),
                _ => rows(&format!("select id from {name} where left(v, 50) = left('{v}', 50) and id + 0 = {id}")),
            };
            assert_eq!(one, [id.to_string()], "the index on {key} of {name} does not find a row");
        }
    }
    rows("reset enable_seqscan");
    rows("reset enable_bitmapscan");
    let twice = rows(&format!("select count(*) - count(distinct s) from {name}"));
    assert_eq!(twice, ["0"], "a sequence gave a number twice");
}

/// Where two states differ, in few words.
fn difference(known: &Model, found: &Model) -> String {
    let mut text = format!("labels {} and {}\n", known.labels, found.labels);
    let _ = writeln!(text, "tablespaces {:?} and {:?}", known.spaces, found.spaces);
    let names: BTreeSet<&String> = known.tables.keys().chain(found.tables.keys()).collect();
    for name in names {
        let short = |t: Option<&Table>| t.map(|t| (t.rows.len(), t.extra, t.indexed, t.space.clone()));
        let (a, b) = (known.tables.get(name), found.tables.get(name));
        if a != b {
            let _ = writeln!(text, "{name}: known {:?}, found {:?}", short(a), short(b));
        }
    }
    text
}

fn list(dir: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// The files of the database are those of its relations, and all of them are there.
fn check_files(server: &Server) {
    sql(server, "checkpoint");
    let named: BTreeSet<String> =
        sql(server, "select pg_relation_filenode(oid) from pg_class where pg_relation_filenode(oid) is not null")
            .into_iter()
            .collect();
    let database = sql(server, "select oid from pg_database where datname = 'postgres'").concat();
    let mut there = BTreeSet::new();
    let mut dirs = vec![server.data.join("base").join(&database)];
    let spaces = sql(server, "select oid from pg_tablespace where oid >= 16384");
    let links: BTreeSet<String> = list(&server.data.join("pg_tblspc")).into_iter().collect();
    assert_eq!(links, spaces.iter().cloned().collect(), "tablespaces and their folders");
    dirs.extend(spaces.iter().map(|s| server.data.join("pg_tblspc").join(s).join("PG_15_202209061").join(&database)));
    for name in dirs.iter().flat_map(|dir| list(dir)) {
        let number = name.split(['.', '_']).next().unwrap().to_string();
        // The catalogs' own files have numbers below the first user's.
        if number.parse::<u32>().is_ok_and(|n| n >= 16384) {
            there.insert(number);
        }
    }
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "files are missing: {missing:?}");
    let orphans: Vec<_> = there.difference(&named).collect();
    assert!(orphans.is_empty(), "nobody's files: {orphans:?}\n{}", server.log());
}

/// Sessions create, change and drop tables, indexes, columns and labels, with rows in them, while the engine, its
/// workers and the postmaster are killed. `KILLS=n` for longer runs, `SEED=n` to repeat one.
#[test]
fn tables_survive_kills_wholly_or_not_at_all() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(clock | 1);
    println!("SEED={seed}");
    let mut random = Random(seed);
    let mut server = Server::started(&[
        "checkpoint_timeout=30s",
        "max_wal_size=64MB",
        "autovacuum_naptime=1s",
        "allow_in_place_tablespaces=on",
    ]);
    let mut workers: Vec<Worker> = (0..3).map(|n| Worker::new(n, seed)).collect();
    for n in 0..3 {
        sql(&server, &format!("create type e{n} as enum ('first')"));
    }
    for _ in 0..kills {
        let stop = AtomicBool::new(false);
        let mut clients: Vec<Client> = workers.iter().map(|_| server.connect()).collect();
        std::thread::scope(|s| {
            for (worker, client) in workers.iter_mut().zip(&mut clients) {
                let stop = &stop;
                s.spawn(move || worker.run(client, stop));
            }
            std::thread::sleep(Duration::from_millis(20 + random.next() % 300));
            strike(&mut server, &mut random);
            std::thread::sleep(Duration::from_millis(random.next() % 50));
            stop.store(true, Ordering::Relaxed);
        });
        drop(clients);
        drop(connect_soon(&server));
        workers.iter_mut().for_each(|w| w.reconcile(&server));
        check_files(&server);
    }
    if psql::have("pg_dump") {
        let (code, said) = psql::run(&server, "pg_dump", &["-f", "/dev/null"]);
        assert_eq!((code, said.as_str()), (0, ""), "pg_dump");
    }
    let acknowledged: u64 = workers.iter().map(|w| w.acknowledged).sum();
    println!("{kills} kills, {acknowledged} acknowledged transactions, none lost");
}
