//! Runs the schedules of `sql-tests/isolation/`: several sessions, steps in a given order, what each step answers and
//! who waits. `ISOLATION=part` runs some; `ISOLATION_SERVER="host=... port=... user=... dbname=..."` runs them on a
//! PostgreSQL at hand, for which every expectation holds, too.
//!
//! A file is lines:
//!
//! ```text
//! # a comment
//! setup SQL                     by a session of its own, before each order
//! STEP SESSION SQL              a step's name, whose it is, what it says; SQL goes on over indented lines
//! order STEP STEP ...           one run of the steps
//!   STEP: answer                what must come of it, in the order in which the steps end; a step that waits for
//!   STEP waits                  another session says so first and answers later
//! ```
//!
//! An answer is `ok`, the rows (columns with `|`, rows with `, `), `none` for no rows, or the error's SQLSTATE.

mod support;

use postgres::{Client, NoTls, SimpleQueryMessage};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A step that has not answered after this is looked up in the list of waiting sessions.
const QUICK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Schedule {
    setup: Vec<String>,
    steps: HashMap<String, Step>,
    orders: Vec<Order>,
}

#[derive(Clone)]
struct Step {
    session: String,
    sql: String,
}

#[derive(Default)]
struct Order {
    line: usize,
    steps: Vec<String>,
    expected: Vec<String>,
}

fn parse(text: &str) -> Schedule {
    let mut schedule = Schedule::default();
    let mut last = None;
    for (n, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            let words = line.trim();
            match (&last, schedule.orders.last_mut()) {
                (Some(step), _) => {
                    let step: &mut Step = schedule.steps.get_mut(step).expect("a step");
                    step.sql += &format!("\n{words}");
                }
                (None, Some(order)) => order.expected.push(words.to_string()),
                (None, None) => *schedule.setup.last_mut().expect("setup") += &format!("\n{words}"),
            }
            continue;
        }
        last = None;
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "setup" => schedule.setup.push(rest.to_string()),
            "order" => {
                let steps = rest.split_whitespace().map(str::to_string).collect();
                schedule.orders.push(Order { line: n + 1, steps, expected: Vec::new() });
            }
            name => {
                let (session, sql) = rest.trim_start().split_once(' ').expect("STEP SESSION SQL");
                let step = Step { session: session.to_string(), sql: sql.trim().to_string() };
                assert!(schedule.steps.insert(name.to_string(), step).is_none(), "step {name} is there twice");
                last = Some(name.to_string());
            }
        }
    }
    schedule
}

/// A client on a thread of its own.
struct Session {
    pid: i32,
    say: Sender<(String, String)>,
    /// A step under way.
    busy: Option<String>,
    hear: Receiver<(String, String)>,
}

impl Session {
    fn open(server: &str) -> Session {
        let mut client = connect(server);
        let pid = client.query_one("select pg_backend_pid()", &[]).expect("a pid").get(0);
        let (say, orders) = channel::<(String, String)>();
        let (answers, hear) = channel();
        std::thread::spawn(move || {
            for (step, sql) in orders {
                let _ = answers.send((step, answer(&mut client, &sql)));
            }
        });
        Session { pid, say, busy: None, hear }
    }

    fn heard(&mut self, patience: Duration) -> Option<(String, String)> {
        match self.hear.recv_timeout(patience) {
            Ok(answer) => {
                self.busy = None;
                Some(answer)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("a session is gone"),
        }
    }
}

fn connect(server: &str) -> Client {
    Client::connect(server, NoTls).unwrap_or_else(|e| panic!("{server}: {e}"))
}

fn answer(client: &mut Client, sql: &str) -> String {
    let messages = match client.simple_query(sql) {
        Ok(messages) => messages,
        Err(e) => return e.code().map_or_else(|| e.to_string(), |c| c.code().to_string()),
    };
    let mut rows = Vec::new();
    let mut described = false;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => described |= !columns.is_empty(),
            SimpleQueryMessage::Row(row) => {
                let columns: Vec<&str> = (0..row.len()).map(|i| shown(row.get(i))).collect();
                rows.push(columns.join("|"));
            }
            _ => {}
        }
    }
    match (described, rows.is_empty()) {
        (false, _) => "ok".to_string(),
        (true, true) => "none".to_string(),
        (true, false) => rows.join(", "),
    }
}

/// An empty text must not look like no answer.
fn shown(value: Option<&str>) -> &str {
    match value {
        None => "null",
        Some("") => "''",
        Some(text) => text,
    }
}

struct Run<'a> {
    server: &'a str,
    schedule: &'a Schedule,
    watcher: Client,
    sessions: HashMap<String, Session>,
    said: Vec<String>,
}

impl Run<'_> {
    fn new<'a>(server: &'a str, schedule: &'a Schedule) -> Run<'a> {
        let mut watcher = connect(server);
        for sql in &schedule.setup {
            watcher.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        Run { server, schedule, watcher, sessions: HashMap::new(), said: Vec::new() }
    }

    fn run(mut self, order: &Order) -> Vec<String> {
        for name in &order.steps {
            let step = self.schedule.steps.get(name).unwrap_or_else(|| panic!("no step {name}")).clone();
            let server = self.server;
            self.sessions.entry(step.session.clone()).or_insert_with(|| Session::open(server));
            // A session says its next step when its last one is over.
            self.finish(&step.session);
            let session = self.sessions.get_mut(&step.session).expect("a session");
            session.busy = Some(name.clone());
            session.say.send((name.clone(), step.sql)).expect("a session's thread");
            self.settle(&step.session);
            self.collect();
        }
        let names: Vec<String> = self.sessions.keys().cloned().collect();
        let until = Instant::now() + PATIENCE;
        while self.sessions.values().any(|s| s.busy.is_some()) {
            assert!(Instant::now() < until, "steps never end: {:?}", self.said);
            names.iter().for_each(|n| self.take(n, QUICK));
        }
        self.said
    }

    /// Until the step answers or waits for another session.
    fn settle(&mut self, name: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let session = self.sessions.get_mut(name).expect("a session");
            if let Some(answer) = session.heard(QUICK) {
                self.said.push(format!("{}: {}", answer.0, answer.1));
                return;
            }
            let pid = session.pid;
            let waits = self.watcher.query_one(
                "select cardinality(pg_blocking_pids($1)) + cardinality(pg_safe_snapshot_blocking_pids($1))",
                &[&pid],
            );
            let waits: i32 = waits.expect("the list of waiting sessions").get(0);
            if waits > 0 {
                let step = self.sessions[name].busy.clone().unwrap_or_default();
                self.said.push(format!("{step} waits"));
                return;
            }
            assert!(Instant::now() < until, "neither an answer nor a wait: {:?}", self.said);
        }
    }

    /// Takes in what the step just run has set free, until nobody who is not waiting is busy.
    fn collect(&mut self) {
        let mut busy: Vec<String> =
            self.sessions.iter().filter(|(_, s)| s.busy.is_some()).map(|(n, _)| n.clone()).collect();
        busy.sort_by_key(|n| self.said.iter().position(|s| s.starts_with(&format!("{} waits", self.busy(n)))));
        let until = Instant::now() + PATIENCE;
        for name in busy {
            loop {
                self.take(&name, QUICK);
                let session = &self.sessions[&name];
                if session.busy.is_none() {
                    break;
                }
                let waits = self.watcher.query_one(
                    "select cardinality(pg_blocking_pids($1)) + cardinality(pg_safe_snapshot_blocking_pids($1))",
                    &[&session.pid],
                );
                if waits.expect("the list of waiting sessions").get::<_, i32>(0) > 0 {
                    break;
                }
                assert!(Instant::now() < until, "neither an answer nor a wait: {:?}", self.said);
            }
        }
    }

    fn busy(&self, name: &str) -> String {
        self.sessions[name].busy.clone().unwrap_or_default()
    }

    fn take(&mut self, name: &str, patience: Duration) {
        let session = self.sessions.get_mut(name).expect("a session");
        if session.busy.is_some()
            && let Some(answer) = session.heard(patience)
        {
            self.said.push(format!("{}: {}", answer.0, answer.1));
        }
    }

    fn finish(&mut self, name: &str) {
        let until = Instant::now() + PATIENCE;
        while self.sessions[name].busy.is_some() {
            assert!(Instant::now() < until, "{} never ends: {:?}", self.busy(name), self.said);
            self.take(name, QUICK);
        }
    }
}

/// Every order of every schedule gives the answers that PostgreSQL 15 gives.
#[test]
fn schedules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/isolation");
    let mut files: Vec<_> = std::fs::read_dir(&root).unwrap().flatten().map(|e| e.path()).collect();
    files.sort();
    let wanted = std::env::var("ISOLATION").unwrap_or_default();
    let outside = std::env::var("ISOLATION_SERVER").ok();
    let own = outside.is_none().then(|| support::Server::started(&["fsync=off", "deadlock_timeout=100ms"]));
    let address = outside.unwrap_or_else(|| {
        let port = own.as_ref().expect("a server").port;
        format!("host=127.0.0.1 port={port} user=postgres dbname=postgres")
    });
    let mut faults = Vec::new();
    let mut ran = 0;
    for path in files.iter().filter(|p| p.to_string_lossy().contains(&wanted)) {
        let schedule = parse(&std::fs::read_to_string(path).unwrap());
        for order in &schedule.orders {
            ran += 1;
            let said = Run::new(&address, &schedule).run(order);
            if said != order.expected {
                let shown = |lines: &[String]| lines.iter().map(|l| format!("  {l}\n")).collect::<String>();
                faults.push(format!(
                    "{}:{}: order {}\nexpected\n{}got\n{}",
                    path.display(),
                    order.line,
                    order.steps.join(" "),
                    shown(&order.expected),
                    shown(&said)
                ));
            }
        }
    }
    assert!(ran > 0, "no schedule matches {wanted:?}");
    assert!(faults.is_empty(), "{} of {ran} orders differ:\n{}", faults.len(), faults.join("\n"));
}
