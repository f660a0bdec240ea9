//! `archive_command`: one that fails keeps the segments, one repaired takes them all.

use crate::support::{Server, contains_in_order, eventually, is_alive};
use crate::{sql, worker_pid};
use std::fs;
use std::path::PathBuf;

fn statuses(server: &Server, ending: &str) -> Vec<String> {
    let names = fs::read_dir(server.data.join("pg_wal/archive_status")).unwrap().flatten();
    let names = names.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = names.filter_map(|n| n.strip_suffix(ending).map(str::to_string)).collect();
    found.sort();
    found
}

fn segment(server: &Server, name: &str) -> PathBuf {
    server.data.join("pg_wal").join(name)
}

/// The command fails three times in a row, each time with its code and its text in the log, then the WARNING; the
/// segments stay, whatever `max_wal_size` says. Repaired, it takes them in order, and a checkpoint lets them go.
#[test]
fn a_failing_command_keeps_the_segments() {
    let command = "archive_command=test ! -f /nonexistent/%f && cp %p /nonexistent/%f";
    let server = Server::started(&["archive_mode=on", command, "max_wal_size=32MB", "min_wal_size=32MB"]);
    sql(&server, "create table t(id int, pad text)");
    for _ in 0..3 {
        sql(&server, "insert into t select g, repeat('x', 1000) from generate_series(1, 30000) g");
        sql(&server, "select pg_switch_wal()");
        sql(&server, "checkpoint");
    }
    let first = "000000010000000000000001";
    eventually("it gives up for now", || server.log().contains("failed too many times"));
    let failed = format!(
        "DETAIL:  The failed archive command was: \
         test ! -f /nonexistent/{first} && cp pg_wal/{first} /nonexistent/{first}\n"
    );
    let log = server.log();
    let own = format!("cp: cannot create regular file '/nonexistent/{first}': No such file or directory\n");
    let code = "LOG:  archive command failed with exit code 1\n";
    let warning =
        format!("WARNING:  archiving write-ahead log file \"{first}\" failed too many times, will try again later\n");
    contains_in_order(&log, &[&own, code, &failed, &own, code, &failed, &own, code, &failed, &warning]);
    let ready = statuses(&server, ".ready");
    assert!(ready.len() >= 5, "{ready:?}");
    assert_eq!(ready[0], first);
    assert!(ready.iter().all(|name| segment(&server, name).exists()), "every segment that waits is kept");
    assert_eq!(sql(&server, "select archived_count from pg_stat_archiver"), ["0"]);
    assert_eq!(sql(&server, "select last_failed_wal from pg_stat_archiver"), [first]);
    let failures: i64 = sql(&server, "select failed_count from pg_stat_archiver")[0].parse().unwrap();
    assert!(failures >= 3);

    let archive = server.dir.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::set_permissions(&archive, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    // The setting of the command line cannot be overruled in a file; a new start can.
    let mut server = server;
    server.settings[1] = format!("archive_command=test ! -f {0}/%f && cp %p {0}/%f", archive.display());
    server.signal("QUIT");
    server.wait_end();
    server.start();
    eventually("all are taken", || statuses(&server, ".ready").is_empty());
    for name in &ready {
        let copy = fs::read(archive.join(name)).unwrap();
        assert_eq!(copy.len(), 16 << 20);
        let kept = segment(&server, name);
        assert!(!kept.exists() || fs::read(kept).unwrap() == copy, "{name} was copied whole");
    }
    sql(&server, "checkpoint");
    eventually("what is archived may go", || !segment(&server, first).exists());
}

/// A command that cannot be run at all, or that a signal ends, is FATAL for the archiver: it is started again, and no
/// session notices.
#[test]
fn a_command_that_dies() {
    for (command, line) in [
        ("archive_command=exit 126", "FATAL:  archive command failed with exit code 126\n"),
        ("archive_command=kill -QUIT $$", "FATAL:  archive command was terminated by signal 3: Quit\n"),
    ] {
        let server = Server::started(&["archive_mode=on", command]);
        let mut session = server.connect();
        let engine = server.engine_pid();
        session.query("create table t(id int)").unwrap();
        session.query("select pg_switch_wal()").unwrap();
        eventually("it dies", || server.log().contains(line));
        contains_in_order(&server.log(), &[line, "DETAIL:  The failed archive command was: "]);
        assert_eq!(session.query("insert into t values (1) returning id").unwrap(), ["1"]);
        assert!(is_alive(engine) && server.engine_pid() == engine, "no crash cycle");
    }
}

/// Without a command nothing is archived and everything is kept.
#[test]
fn archiving_without_a_command() {
    let server = Server::started(&["archive_mode=on"]);
    sql(&server, "create table t(id int)");
    sql(&server, "select pg_switch_wal()");
    eventually("it says so", || {
        server.log().contains("WARNING:  archive_mode enabled, yet archiving is not configured\n")
    });
    assert!(worker_pid(&server, "archiver") > 0);
    assert_eq!(sql(&server, "show archive_command"), [""]);
    assert_eq!(statuses(&server, ".ready"), ["000000010000000000000001"]);
}
