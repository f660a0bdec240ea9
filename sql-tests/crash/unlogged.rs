//! Unlogged tables: kept over a clean stop, empty after everything else.

use crate::support::{Server, eventually, kill};
use crate::{sql, worker_pid};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    Fast,
    Smart,
    Immediate,
    Engine,
    Worker,
    Postmaster,
}

fn stop(server: &mut Server, how: Stop) {
    match how {
        Stop::Fast => server.signal("INT"),
        Stop::Smart => server.signal("TERM"),
        Stop::Immediate => server.signal("QUIT"),
        Stop::Engine => kill("KILL", server.engine_pid()),
        Stop::Worker => kill("KILL", worker_pid(server, "walwriter")),
        Stop::Postmaster => server.kill_postmaster(),
    }
    match how {
        Stop::Engine | Stop::Worker => {
            let engine = server.engine_pid();
            eventually("another engine", || server.engine_pid() != engine || !crate::support::is_alive(engine));
            server.wait_accepting();
        }
        Stop::Postmaster => {
            eventually("all leave", || server.processes().is_empty());
            server.start();
        }
        _ => {
            server.wait_end();
            server.start();
        }
    }
}

/// PostgreSQL's table of cases: rows, index and sequence of an unlogged table after each kind of stop, with and without
/// a checkpoint before; a table made logged keeps its rows.
#[test]
fn kept_after_a_clean_stop_empty_after_a_crash() {
    let mut server = Server::started(&[]);
    for checkpoint in [false, true] {
        for how in [Stop::Fast, Stop::Smart, Stop::Immediate, Stop::Engine, Stop::Worker, Stop::Postmaster] {
            let case = format!("{how:?}, checkpoint {checkpoint}");
            for statement in [
                "create unlogged table u(id serial primary key, pad text)",
                "insert into u(pad) select repeat('x', 50) from generate_series(1, 1000)",
                "create unlogged table made(id int)",
                "insert into made select generate_series(1, 10)",
                "alter table made set logged",
                "create unlogged sequence turned",
                "alter sequence turned set logged",
                "select nextval('turned') from generate_series(1, 5)",
                "alter sequence turned set unlogged",
                "select nextval('turned') from generate_series(1, 5)",
            ] {
                sql(&server, statement);
            }
            if checkpoint {
                sql(&server, "checkpoint");
            }
            stop(&mut server, how);
            let kept = matches!(how, Stop::Fast | Stop::Smart);
            let rows = if kept { "1000" } else { "0" };
            assert_eq!(sql(&server, "select count(*) from u"), [rows], "{case}");
            let by_index = "select count(*) from u where id = 500";
            assert_eq!(sql(&server, by_index), [if kept { "1" } else { "0" }], "{case}");
            let next = sql(&server, "insert into u(pad) values ('new') returning id");
            assert_eq!(next, [if kept { "1001" } else { "1" }], "{case}");
            assert_eq!(sql(&server, &format!("select pad from u where id = {}", next[0])), ["new"], "{case}");
            assert_eq!(sql(&server, "select count(*) from made"), ["10"], "{case}: set logged");
            // What it was when it became unlogged.
            let next = sql(&server, "select nextval('turned')");
            assert_eq!(next, [if kept { "11" } else { "6" }], "{case}: a sequence made unlogged");
            sql(&server, "drop table u, made; drop sequence turned");
        }
    }
}
