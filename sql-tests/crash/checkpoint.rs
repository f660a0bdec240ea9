//! Checkpoints as the log tells of them, and the bounds of `pg_wal`.

use crate::sql;
use crate::support::{Server, contains_in_order, eventually};

/// The number before a unit in a log line; fails where the line does not have the form.
#[track_caller]
fn figures(line: &str) -> Vec<f64> {
    let mut rest = line.split("checkpoint complete: ").nth(1).expect("a complete line");
    let mut found = Vec::new();
    for (before, after) in [
        ("wrote ", " buffers ("),
        ("", "%); "),
        ("", " WAL file(s) added, "),
        ("", " removed, "),
        ("", " recycled; write="),
        ("", " s, sync="),
        ("", " s, total="),
        ("", " s; sync files="),
        ("", ", longest="),
        ("", " s, average="),
        ("", " s; distance="),
        ("", " kB, estimate="),
        ("", " kB"),
    ] {
        let (number, tail) =
            rest.strip_prefix(before).and_then(|r| r.split_once(after)).unwrap_or_else(|| panic!("{line}"));
        found.push(number.parse().unwrap_or_else(|_| panic!("{number:?} in {line}")));
        rest = tail;
    }
    assert_eq!(rest, "", "{line}");
    found
}

fn complete_lines(server: &Server) -> Vec<String> {
    server.log().lines().filter(|l| l.contains("checkpoint complete: ")).map(str::to_string).collect()
}

/// CHECKPOINT writes its two lines, with figures that fit: what was written, how far the log had come. An idle server
/// has nothing to write. `log_checkpoints = off` keeps them out.
#[test]
fn a_requested_checkpoint_is_logged() {
    let server = Server::started(&["checkpoint_timeout=1h", "autovacuum=off", "bgwriter_lru_maxpages=0"]);
    sql(&server, "create table t(id int, pad text)");
    sql(&server, "insert into t select g, repeat('x', 1000) from generate_series(1, 4000) g");
    sql(&server, "checkpoint");
    let log = server.log();
    contains_in_order(
        &log,
        &["LOG:  checkpoint starting: immediate force wait\n", "LOG:  checkpoint complete: wrote "],
    );
    let first = figures(complete_lines(&server).last().unwrap());
    assert!(first[0] >= 500.0, "4 MB are more than 500 pages: {first:?}");
    assert!(first[11] >= 3800.0, "the distance covers the insert: {first:?}");
    sql(&server, "checkpoint");
    let idle = figures(complete_lines(&server).last().unwrap());
    assert_eq!((idle[0], idle[11]), (0.0, 0.0), "{idle:?}");
    assert!(idle[12] > 0.0, "the estimate remembers: {idle:?}");
    let lines = complete_lines(&server).len();
    sql(&server, "alter system set log_checkpoints = off");
    sql(&server, "select pg_reload_conf()");
    eventually("it is in force", || sql(&server, "show log_checkpoints") == ["off"]);
    sql(&server, "checkpoint");
    assert_eq!(complete_lines(&server).len(), lines);
}

/// A checkpoint comes by time, but only where something was written since the last one.
#[test]
fn a_timed_checkpoint() {
    let server = Server::started(&["checkpoint_timeout=30s", "autovacuum=off"]);
    sql(&server, "create table t(id int)");
    let mut waited = 0;
    while !server.log().contains("LOG:  checkpoint starting: time\n") {
        waited += 1;
        assert!(waited < 400, "no timed checkpoint\n{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(waited > 200, "it came too early");
}

/// A load many times `max_wal_size` brings checkpoints by volume, the complaint about their frequency, and a `pg_wal`
/// that stays bounded, all segments of 16 MB.
#[test]
fn checkpoints_by_volume_bound_pg_wal() {
    let server = Server::started(&["max_wal_size=32MB", "min_wal_size=32MB", "checkpoint_timeout=1h"]);
    sql(&server, "create table t(id int, pad text)");
    for _ in 0..3 {
        sql(&server, "insert into t select g, repeat('x', 1000) from generate_series(1, 40000) g");
    }
    eventually("the second one", || server.log().matches("LOG:  checkpoint starting: wal\n").count() >= 2);
    let log = server.log();
    contains_in_order(
        &log,
        &[
            "LOG:  checkpoint starting: wal\n",
            "LOG:  checkpoint complete: wrote ",
            "LOG:  checkpoints are occurring too frequently (",
            " apart)\n",
            "HINT:  Consider increasing the configuration parameter \"max_wal_size\".\n",
            "LOG:  checkpoint starting: wal\n",
        ],
    );
    sql(&server, "checkpoint");
    let recycled: f64 = complete_lines(&server).iter().map(|l| figures(l)[3] + figures(l)[4]).sum();
    assert!(recycled >= 1.0, "segments were removed or recycled");
    let segments: Vec<u64> = std::fs::read_dir(server.data.join("pg_wal"))
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().len() == 24)
        .map(|e| e.metadata().unwrap().len())
        .collect();
    assert!(segments.iter().all(|len| *len == 16 << 20), "{segments:?}");
    assert!(segments.len() <= 5, "{} segments for max_wal_size=32MB", segments.len());
}
