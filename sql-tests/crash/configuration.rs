//! What a crash must not do: take half-written configuration files into force.

use crate::sql;
use crate::support::{Server, eventually, kill};
use std::fs;
use std::os::unix::fs::MetadataExt;

fn crash(server: &Server) {
    let engine = server.engine_pid();
    kill("KILL", engine);
    eventually("another engine", || server.engine_pid() != engine);
    server.wait_accepting();
}

/// The configuration that the postmaster holds for the next engine: each reload hands it another file.
fn held(server: &Server) -> Option<u64> {
    let all = fs::read_dir(format!("/proc/{}/fd", server.pid())).ok()?;
    let is_it =
        |path: &std::path::PathBuf| fs::read_link(path).is_ok_and(|l| l.to_string_lossy().contains("configuration"));
    let path = all.flatten().map(|e| e.path()).find(is_it)?;
    fs::metadata(path).ok().map(|m| m.ino())
}

/// Has the files read; returns when a crash would go on with what they say.
fn reload(server: &Server) {
    let before = held(server);
    assert!(before.is_some());
    server.signal("HUP");
    eventually("the configuration is handed over", || held(server).is_some_and(|now| Some(now) != before));
}

/// After a crash the server goes on with the rules and settings that were in force, though the files have been spoilt
/// meanwhile, or say something else that nobody has asked to be read; also when the postmaster is another one.
/// PostgreSQL's postmaster reads nothing at that moment.
#[test]
fn a_crash_reads_no_files_again() {
    let mut server = Server::started(&[]);
    let (hba, conf) = (server.data.join("pg_hba.conf"), server.data.join("postgresql.conf"));
    let (rules, settings) = (fs::read_to_string(&hba).unwrap(), fs::read_to_string(&conf).unwrap());
    let with = |text: &str| fs::write(&conf, format!("{settings}{text}\n")).unwrap();
    with("work_mem = 5MB");
    reload(&server);
    eventually("the setting", || sql(&server, "show work_mem") == ["5MB"]);

    fs::write(&hba, "local all all nonsense\n").unwrap();
    with("work_mem = nonsense");
    crash(&server);
    assert_eq!(sql(&server, "show work_mem"), ["5MB"], "{}", server.log());
    // What is refused at a reload stays out at the next crash, too.
    reload(&server);
    eventually("the log tells", || server.log().contains("pg_hba.conf was not reloaded"));
    crash(&server);
    assert_eq!(sql(&server, "show work_mem"), ["5MB"]);

    let session = server.connect();
    server.kill_postmaster();
    // A new postmaster reads the settings for itself.
    with("work_mem = 6MB");
    server.start();
    drop(session);
    crash(&server);
    assert_eq!(sql(&server, "show work_mem"), ["5MB"], "right as well, but not asked for");

    // Mended and asked for: in force, before and after a crash.
    fs::write(&hba, format!("local all nobody reject\n{rules}")).unwrap();
    reload(&server);
    eventually("the setting", || sql(&server, "show work_mem") == ["6MB"]);
    crash(&server);
    assert_eq!(sql(&server, "show work_mem"), ["6MB"]);
    // At a start nothing was in force before.
    fs::write(&hba, "local all all nonsense\n").unwrap();
    server.signal("INT");
    server.wait_end();
    server.spawn();
    assert_eq!(server.wait_end().code(), Some(1));
    assert!(server.log().contains("FATAL:  could not load "), "{}", server.log());
}
