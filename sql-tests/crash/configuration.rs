//! What a crash must not do: take half-written configuration files into force.

use crate::sql;
use crate::support::{Server, eventually, kill};
use std::fs;

fn crash(server: &Server) {
    let engine = server.engine_pid();
    kill("KILL", engine);
    eventually("another engine", || server.engine_pid() != engine);
    server.wait_accepting();
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
    server.signal("HUP");
    eventually("the setting", || sql(&server, "show work_mem") == ["5MB"]);

    fs::write(&hba, "local all all nonsense\n").unwrap();
    with("work_mem = nonsense");
    crash(&server);
    assert_eq!(sql(&server, "show work_mem"), ["5MB"], "{}", server.log());
    // What is refused at a reload stays out at the next crash, too.
    server.signal("HUP");
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
    server.signal("HUP");
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
