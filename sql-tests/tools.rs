//! The command-line tools as a script sees them: texts and exit codes are PostgreSQL 15's, recorded from it.

use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_outlast");

fn run(words: &[&str]) -> (i32, String) {
    let mut command = Command::new(BINARY);
    command.args(words).env_remove("PGDATA").env("LC_ALL", "C.UTF-8");
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), text)
}

/// Wrong calls end with PostgreSQL's words and exit codes.
#[test]
fn wrong_calls() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["pg_ctl"], 1, "pg_ctl: no operation specified\nTry \"pg_ctl --help\" for more information.\n"),
        (&["pg_ctl", "status", "-D", "/nonexistent"], 4, "pg_ctl: directory \"/nonexistent\" does not exist\n"),
        (&["pg_ctl", "status", "-D", "/"], 4, "pg_ctl: directory \"/\" is not a database cluster directory\n"),
        (&["pg_ctl", "stop", "-D", "/nonexistent"], 1, "pg_ctl: directory \"/nonexistent\" does not exist\n"),
        (
            &["pg_ctl", "start"],
            1,
            "pg_ctl: no database directory specified and environment variable PGDATA unset\n\
             Try \"pg_ctl --help\" for more information.\n",
        ),
        (
            &["pg_ctl", "kill", "HUP", "99999999"],
            1,
            "pg_ctl: could not send signal 1 (PID: 99999999): No such process\n",
        ),
        (
            &["postgres", "-D", "/nonexistent"],
            2,
            "postgres: could not access directory \"/nonexistent\": No such file or directory\n\
             Run initdb or pg_basebackup to initialize a PostgreSQL data directory.\n",
        ),
        (
            &["postgres"],
            2,
            "postgres does not know where to find the server configuration file.\n\
             You must specify the --config-file or -D invocation option or set the PGDATA environment variable.\n",
        ),
        (
            &["pg_controldata", "/nonexistent"],
            1,
            "pg_controldata: error: could not open file \"/nonexistent/global/pg_control\" for reading: \
             No such file or directory\n",
        ),
        (
            &["pg_waldump"],
            1,
            "pg_waldump: error: no arguments specified\n\
             pg_waldump: hint: Try \"pg_waldump --help\" for more information.\n",
        ),
    ];
    for (words, code, text) in cases {
        assert_eq!(run(words), (*code, text.to_string()), "{words:?}");
    }
}

/// Verdicts, shown places and exit codes of pg_isready, recorded from PostgreSQL 15 where nobody listens on port 1.
#[test]
fn pg_isready_without_a_server() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["-h", "127.0.0.1", "-p", "x"], 2, "127.0.0.1:x - no response\n"),
        (&["-d", "bogus=1"], 3, "pg_isready: error: invalid connection option \"bogus\"\n"),
        (&["-h", "127.0.0.1,127.0.0.1", "-p", "1,1"], 2, "127.0.0.1,127.0.0.1:1,1 - no response\n"),
        (&["-d", "postgres://%2Fnonexistent:88/db"], 2, "/nonexistent:88 - no response\n"),
        (&["-d", "postgresql://127.0.0.1:1/x", "-p", "5"], 2, "127.0.0.1:1 - no response\n"),
        (&["-q", "-h", "127.0.0.1", "-p", "1"], 2, ""),
        (&["-h", "a", "-d", "service=x"], 3, "a:5432 - no attempt\n"),
        (
            &["a", "b"],
            3,
            "pg_isready: error: too many command-line arguments (first is \"a\")\n\
             pg_isready: hint: Try \"pg_isready --help\" for more information.\n",
        ),
    ];
    for (words, code, text) in cases {
        let all: Vec<&str> = ["pg_isready"].iter().chain(*words).copied().collect();
        assert_eq!(run(&all), (*code, text.to_string()), "{words:?}");
    }
}

/// A cluster is made, its settings and control file read, and it is not made twice.
#[test]
fn a_new_cluster() {
    let root = tempfile::tempdir().expect("a directory");
    let data = root.path().join("data");
    let dir = data.to_str().expect("a path of text");
    let (code, text) = run(&["initdb", "-D", dir, "-U", "postgres", "-A", "trust", "--no-locale", "-N"]);
    assert_eq!(code, 0, "{text}");
    for line in [
        "The database cluster will be initialized with locale \"C\".\n",
        "The default text search configuration will be set to \"english\".\n",
        "Data page checksums are enabled.\n",
        &format!("creating directory {dir} ... ok\ncreating subdirectories ... ok\n"),
        "running bootstrap script ... ok\nperforming post-bootstrap initialization ... ok\n",
        "Sync to disk skipped.\nThe data directory might become corrupt if the operating system crashes.\n",
        "Success. You can now start the database server using:\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let (code, text) = run(&["pg_controldata", dir]);
    assert_eq!(code, 0);
    assert!(text.contains("Database cluster state:               shut down\n"), "{text}");
    assert_eq!(run(&["postgres", "-D", dir, "-c", "work_mem=8MB", "-C", "work_mem"]), (0, "8MB\n".into()));
    assert_eq!(run(&["postgres", "-D", dir, "-C", "data_checksums"]).0, 0);
    assert_eq!(run(&["pg_ctl", "-D", dir, "status"]), (3, "pg_ctl: no server running\n".into()));
    let stop = format!("pg_ctl: PID file \"{dir}/postmaster.pid\" does not exist\nIs server running?\n");
    assert_eq!(run(&["pg_ctl", "-D", dir, "stop"]), (1, stop));
    let (code, text) = run(&["initdb", "-D", dir]);
    assert_eq!(code, 1);
    assert!(text.contains(&format!("initdb: error: directory \"{dir}\" exists but is not empty\n")), "{text}");
    let (code, text) = run(&["pg_waldump", "-p", dir, "-n", "1", "000000010000000000000001"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("rmgr: "), "{text}");
}

/// Links by other names are the tools themselves.
#[test]
fn links() {
    let root = tempfile::tempdir().expect("a directory");
    let (code, _) = run(&["link", root.path().to_str().expect("a path of text")]);
    assert_eq!(code, 0);
    let pg_ctl = root.path().join("pg_ctl");
    let out = Command::new(&pg_ctl).args(["start", "--bogus"]).output().expect("the link runs");
    let expected =
        format!("{}: unrecognized option '--bogus'\nTry \"pg_ctl --help\" for more information.\n", pg_ctl.display());
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned()), (Some(1), expected));
    let out = Command::new(root.path().join("postgres")).arg("--version").output().expect("the link runs");
    assert!(String::from_utf8_lossy(&out.stdout).starts_with("postgres (PostgreSQL) 15.0 (Outlast "));
}

/// A reader that has seen enough is no fault of the tool.
#[test]
fn a_closed_pipe() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(BINARY);
    let out = command.args(["pg_ctl", "--help"]).stdout(writer).stderr(std::process::Stdio::piped()).output();
    let out = out.expect("the binary runs");
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned()), (Some(141), String::new()));
}
