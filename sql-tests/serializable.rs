//! What concurrent serializable transactions saw and did, they could have seen and done one after the other.
//!
//! Each round a few sessions run random transactions at once over a tiny table: reads of single rows, groups and the
//! whole, writes of what was read, rows that come, go and change their group, by index or by scanning. Then the checker
//! looks for an order in which a model, one transaction after the other, gives every answer that the committed ones got,
//! and ends with the same table.
//!
//! `ROUNDS=n` for more, `SEED=n` to repeat, `SERIALIZABLE_SERVER="host=... port=... user=... dbname=..."` for a PostgreSQL
//! at hand. Run with `--nocapture` it tells how many transactions were cancelled.

mod support;

use postgres::{Client, NoTls, SimpleQueryMessage};
use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};

const SESSIONS: usize = 4;
/// Transactions of each session in a round.
const EACH: usize = 2;
const KEYS: u64 = 5;
const GROUPS: u64 = 3;

/// xorshift64*: the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }
}

/// A statement; `last` is the number the transaction read last.
#[derive(Clone, Copy, Debug)]
enum Op {
    Get(u64),
    SumOf(u64),
    Count,
    Highest,
    Add(u64, i64),
    AddToGroup(u64, i64),
    SetToLast(u64),
    Move(u64, u64),
    Insert(u64, u64, i64),
    Next(u64),
    Delete(u64),
    DeleteGroup(u64),
    Upsert(u64, u64),
    LockedGet(u64),
}

impl Op {
    fn random(r: &mut Random) -> Op {
        let (key, group, n) = (r.below(KEYS) + 1, r.below(GROUPS), r.below(9) as i64 + 1);
        match r.below(20) {
            0..=2 => Op::Get(key),
            3..=5 => Op::SumOf(group),
            6 => Op::Count,
            7 => Op::Highest,
            8..=9 => Op::Add(key, n),
            10 => Op::AddToGroup(group, n),
            11..=13 => Op::SetToLast(key),
            14 => Op::Move(key, group),
            15 => Op::Insert(key, group, n),
            16 => Op::Next(group),
            17 => match r.below(3) {
                0 => Op::DeleteGroup(group),
                _ => Op::Delete(key),
            },
            18 => Op::Upsert(key, group),
            _ => Op::LockedGet(key),
        }
    }

    /// Every statement answers one number, or none.
    fn sql(self, last: i64) -> String {
        let counted = |change: String| format!("with c as ({change} returning 1) select count(*) from c");
        match self {
            Op::Get(k) => format!("select v from cell where id = {k}"),
            Op::LockedGet(k) => format!("select v from cell where id = {k} for update"),
            Op::SumOf(g) => format!("select sum(v) from cell where grp = {g}"),
            Op::Count => "select count(*) from cell".into(),
            Op::Highest => "select max(id) from cell".into(),
            Op::Add(k, n) => counted(format!("update cell set v = v + {n} where id = {k}")),
            Op::AddToGroup(g, n) => counted(format!("update cell set v = v + {n} where grp = {g}")),
            Op::SetToLast(k) => counted(format!("update cell set v = {last} + 1 where id = {k}")),
            Op::Move(k, g) => counted(format!("update cell set grp = {g} where id = {k}")),
            Op::Insert(k, g, n) => counted(format!("insert into cell values ({k}, {g}, {n}) on conflict do nothing")),
            Op::Next(g) => format!("insert into cell select coalesce(max(id), 0) + 1, {g}, 1 from cell returning id"),
            Op::Delete(k) => counted(format!("delete from cell where id = {k}")),
            Op::DeleteGroup(g) => counted(format!("delete from cell where grp = {g}")),
            Op::Upsert(k, g) => {
                format!(
                    "insert into cell values ({k}, {g}, 1) on conflict (id) do update set v = cell.v + 1 returning v"
                )
            }
        }
    }

    /// What the statement answers if nobody else is there.
    fn run(self, cells: &mut Cells, last: i64) -> Option<i64> {
        let members = |cells: &Cells, g| cells.iter().filter(|(_, c)| c.0 == g).map(|(k, _)| *k).collect::<Vec<_>>();
        Some(match self {
            Op::Get(k) | Op::LockedGet(k) => cells.get(&k)?.1,
            Op::SumOf(g) => {
                let of = members(cells, g);
                of.first()?;
                of.iter().map(|k| cells[k].1).sum()
            }
            Op::Count => cells.len() as i64,
            Op::Highest => *cells.keys().next_back()? as i64,
            Op::Add(k, n) => cells.get_mut(&k).map(|c| c.1 += n).is_some().into(),
            Op::AddToGroup(g, n) => {
                let of = members(cells, g);
                of.iter().for_each(|k| cells.get_mut(k).expect("a member").1 += n);
                of.len() as i64
            }
            Op::SetToLast(k) => cells.get_mut(&k).map(|c| c.1 = last + 1).is_some().into(),
            Op::Move(k, g) => cells.get_mut(&k).map(|c| c.0 = g).is_some().into(),
            Op::Insert(k, g, n) => match cells.contains_key(&k) {
                true => 0,
                false => cells.insert(k, (g, n)).is_none().into(),
            },
            Op::Next(g) => {
                let k = cells.keys().next_back().copied().unwrap_or(0) + 1;
                cells.insert(k, (g, 1));
                k as i64
            }
            Op::Delete(k) => cells.remove(&k).is_some().into(),
            Op::DeleteGroup(g) => {
                let of = members(cells, g);
                cells.retain(|_, c| c.0 != g);
                of.len() as i64
            }
            Op::Upsert(k, g) => {
                let cell = cells.entry(k).or_insert((g, 0));
                cell.1 += 1;
                cell.1
            }
        })
    }
}

/// By id: group and value.
type Cells = BTreeMap<u64, (u64, i64)>;

/// A committed transaction: statements and answers.
type Trace = Vec<(Op, Option<i64>)>;

fn ask(client: &mut Client, sql: &str) -> Result<Option<i64>, postgres::Error> {
    let mut found = None;
    for message in client.simple_query(sql)? {
        if let SimpleQueryMessage::Row(row) = message {
            found = row.get(0).map(|v| v.parse().expect("a number"));
        }
    }
    Ok(found)
}

/// None: rolled back.
fn transaction(client: &mut Client, level: &str, ops: &[Op]) -> Option<Trace> {
    let run = |client: &mut Client| {
        client.simple_query(&format!("begin isolation level {level}"))?;
        let mut trace = Trace::new();
        let mut last = 0;
        for op in ops {
            let answer = ask(client, &op.sql(last))?;
            last = answer.unwrap_or(last);
            trace.push((*op, answer));
        }
        client.simple_query("commit")?;
        Ok(trace)
    };
    let done: Result<Trace, postgres::Error> = run(client);
    done.map_err(|e| {
        let code = e.code().map(|c| c.code().to_string()).unwrap_or_else(|| panic!("{e}"));
        assert!(["40001", "40P01", "23505"].contains(&code.as_str()), "{e}");
        client.simple_query("rollback").expect("a rollback");
    })
    .ok()
}

/// Whether some order of the transactions explains all answers and the table in the end.
fn explains(state: &Cells, left: &mut Vec<&Trace>, end: &Cells) -> bool {
    if left.is_empty() {
        return state == end;
    }
    for n in 0..left.len() {
        let mut next = state.clone();
        let mut last = 0;
        let fits = left[n].iter().all(|(op, answer)| {
            let fits = op.run(&mut next, last) == *answer;
            last = answer.unwrap_or(last);
            fits
        });
        if fits {
            let one = left.swap_remove(n);
            let found = explains(&next, left, end);
            left.push(one);
            let back = left.len() - 1;
            left.swap(n, back);
            if found {
                return true;
            }
        }
    }
    false
}

/// What came of some rounds.
#[derive(Default, Debug)]
struct Outcome {
    committed: usize,
    cancelled: usize,
    /// Rounds without a serial order.
    anomalies: Vec<String>,
}

fn start_state(client: &mut Client) -> Cells {
    let sql = "delete from cell; insert into cell select g, g % 3, g * 10 from generate_series(1, 4) g";
    client.simple_query(sql).expect("a fresh table");
    cells(client)
}

fn cells(client: &mut Client) -> Cells {
    let rows = client.simple_query("select id, grp, v from cell").expect("the table");
    let number = |v: Option<&str>| v.expect("a value").parse::<i64>().expect("a number");
    let rows = rows.iter().filter_map(|m| match m {
        SimpleQueryMessage::Row(r) => Some((number(r.get(0)) as u64, (number(r.get(1)) as u64, number(r.get(2))))),
        _ => None,
    });
    rows.collect()
}

fn rounds(address: &str, level: &'static str, count: u64, seed: u64) -> Outcome {
    let connect = || Client::connect(address, NoTls).unwrap_or_else(|e| panic!("{address}: {e}"));
    let mut watcher = connect();
    let ddl = "drop table if exists cell;
               create table cell(id int primary key, grp int not null, v bigint not null);
               create index cell_grp on cell(grp)";
    watcher.batch_execute(ddl).expect("a table");
    let mut clients: Vec<Client> = (0..SESSIONS).map(|_| connect()).collect();
    let mut random = Random(seed | 1);
    let mut outcome = Outcome::default();
    for round in 0..count {
        let scans = if round % 2 == 0 { "on" } else { "off" };
        let start = start_state(&mut watcher);
        let barrier = Arc::new(Barrier::new(SESSIONS));
        let threads: Vec<_> = clients
            .drain(..)
            .map(|mut client| {
                let plans: Vec<Vec<Op>> =
                    (0..EACH).map(|_| (0..random.below(4) + 2).map(|_| Op::random(&mut random)).collect()).collect();
                let barrier = barrier.clone();
                std::thread::spawn(move || {
                    let how = format!("set enable_seqscan = {scans}; set enable_bitmapscan = off");
                    client.simple_query(&how).expect("a setting");
                    barrier.wait();
                    let traces: Vec<_> = plans.iter().map(|ops| transaction(&mut client, level, ops)).collect();
                    (client, traces)
                })
            })
            .collect();
        let mut traces = Vec::new();
        for thread in threads {
            let (client, done) = thread.join().expect("a session");
            clients.push(client);
            traces.extend(done);
        }
        let committed: Vec<Trace> = traces.iter().flatten().cloned().collect();
        outcome.committed += committed.len();
        outcome.cancelled += traces.len() - committed.len();
        let end = cells(&mut watcher);
        if !explains(&start, &mut committed.iter().collect(), &end) {
            let shown: String = committed.iter().map(|t| format!("  {t:?}\n")).collect();
            outcome.anomalies.push(format!("round {round} from {start:?}\n{shown}  to {end:?}"));
        }
    }
    outcome
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Serializable rounds all have a serial order; those of repeatable read do not, so the checker sees what it must see.
#[test]
fn committed_transactions_have_a_serial_order() {
    let outside = std::env::var("SERIALIZABLE_SERVER").ok();
    let own = outside.is_none().then(|| support::Server::started(&["fsync=off", "deadlock_timeout=10ms"]));
    let address = outside.unwrap_or_else(|| {
        let port = own.as_ref().expect("a server").port;
        format!("host=127.0.0.1 port={port} user=postgres dbname=postgres")
    });
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u64);
    let (seed, count) = (setting("SEED", clock), setting("ROUNDS", 80));
    println!("SEED={seed} ROUNDS={count}");
    let strict = rounds(&address, "serializable", count, seed);
    println!("serializable: {} committed, {} cancelled", strict.committed, strict.cancelled);
    assert!(strict.anomalies.is_empty(), "no serial order (SEED={seed}):\n{}", strict.anomalies.join("\n"));
    let loose = rounds(&address, "repeatable read", count, seed);
    println!("repeatable read: {} committed, {} cancelled", loose.committed, loose.cancelled);
    println!("{} rounds of repeatable read without a serial order", loose.anomalies.len());
    assert!(!loose.anomalies.is_empty(), "repeatable read lets write skew through");
}
