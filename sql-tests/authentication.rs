//! Who comes in: the rules of `pg_hba.conf` and the methods they name, over real sockets.

mod support;

use postgres::{Client, Config, NoTls};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::{Server, eventually};

/// A server with some roles that lets everybody in over its Unix socket and nobody over TCP.
fn server() -> Server {
    let mut server = Server::new(&["fsync=off"]);
    let hba = server.data.join("pg_hba.conf");
    fs::write(hba, "local all all trust\n").unwrap();
    server.start();
    let mut admin = server.connect();
    for sql in [
        "create role scram login password 'right'",
        "set password_encryption = 'md5'",
        "create role hashed login password 'right'",
        "reset password_encryption",
        "create role nobody login",
        "create role late login password 'right' valid until '2001-01-01'",
        "create role full login password 'right' connection limit 0",
        "create role crew nologin",
        "create role member login password 'right' in role crew",
    ] {
        admin.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    server
}

/// Puts rules in force: the first line that names a database nobody uses tells when they are.
fn rules(server: &Server, number: u32, text: &str) {
    let hba = server.data.join("pg_hba.conf");
    let marker = format!("host marker{number} all all trust\n");
    fs::write(hba, format!("local all all trust\n{marker}{text}\n")).unwrap();
    server.signal("HUP");
    eventually("the rules are in force", || {
        let answer = enter(server, "postgres", "", &format!("marker{number}"));
        answer.is_err_and(|e| e.starts_with("3D000"))
    });
}

/// Logs in over TCP; SQLSTATE and message of a refusal.
fn enter(server: &Server, user: &str, password: &str, database: &str) -> Result<Client, String> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(server.port).user(user).password(password).dbname(database);
    config.connect(NoTls).map_err(|e| match e.as_db_error() {
        Some(db) => format!("{} {}", db.code().code(), db.message()),
        None => e.to_string(),
    })
}

#[track_caller]
fn enters(server: &Server, user: &str) {
    let mut client = enter(server, user, "right", "postgres").unwrap_or_else(|e| panic!("{user}: {e}"));
    assert_eq!(client.query_one("select current_user::text", &[]).unwrap().get::<_, String>(0), user);
}

#[track_caller]
fn refused(server: &Server, (user, password): (&str, &str), expected: &str) {
    match enter(server, user, password, "postgres") {
        Ok(_) => panic!("{user} came in with {password:?}"),
        Err(e) => assert_eq!(e, expected, "{user} with {password:?}"),
    }
}

fn wrong(user: &str) -> String {
    format!("28P01 password authentication failed for user \"{user}\"")
}

/// Each method that asks for a password takes the right one and nothing else, and tells strangers no more than members.
#[test]
fn passwords() {
    let server = server();
    for (n, method) in ["scram-sha-256", "md5", "password"].into_iter().enumerate() {
        rules(&server, n as u32, &format!("host all all 127.0.0.1/32 {method}"));
        enters(&server, "scram");
        for user in ["scram", "nobody", "stranger", "late"] {
            refused(&server, (user, "wrong"), &wrong(user));
        }
        // A role without a password, one that does not exist and one whose time is over: no password helps.
        for user in ["nobody", "stranger", "late"] {
            refused(&server, (user, "right"), &wrong(user));
        }
        match method {
            "scram-sha-256" => refused(&server, ("hashed", "right"), &wrong("hashed")),
            _ => {
                enters(&server, "hashed");
                refused(&server, ("hashed", "wrong"), &wrong("hashed"));
            }
        }
        refused(&server, ("full", "right"), "53300 too many connections for role \"full\"");
    }
}

/// The first rule that fits decides; where none fits nobody comes in.
#[test]
fn the_first_rule_decides() {
    let server = server();
    let no_entry = |user: &str| {
        format!(
            "28000 no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"postgres\", no encryption"
        )
    };
    refused(&server, ("scram", "right"), &no_entry("scram"));
    rules(&server, 1, "host all scram 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 trust");
    let rejected = "28000 pg_hba.conf rejects connection for host \"127.0.0.1\", user \"scram\", database \
                    \"postgres\", no encryption";
    refused(&server, ("scram", "right"), rejected);
    enters(&server, "nobody");
    rules(&server, 2, "host all +crew 127.0.0.1/32 scram-sha-256\nhostssl all all all trust");
    enters(&server, "member");
    refused(&server, ("member", "wrong"), &wrong("member"));
    refused(&server, ("scram", "right"), &no_entry("scram"));
    rules(&server, 3, "hostnossl all all samehost scram-sha-256");
    enters(&server, "scram");
    refused(&server, ("scram", "wrong"), &wrong("scram"));
    rules(&server, 4, "host all all 127.0.0.2/32 trust\nhost other all all trust");
    refused(&server, ("scram", "right"), &no_entry("scram"));
}

/// A file with a fault leaves the old rules in force, and the log says so.
#[test]
fn a_faulty_file_changes_nothing() {
    let server = server();
    rules(&server, 1, "host all all 127.0.0.1/32 scram-sha-256");
    fs::write(server.data.join("pg_hba.conf"), "local all all trust\nhost all all all nonsense\n").unwrap();
    server.signal("HUP");
    eventually("the log tells", || server.log().contains("pg_hba.conf was not reloaded"));
    enters(&server, "scram");
    refused(&server, ("scram", "wrong"), &wrong("scram"));
}

/// No role's password is kept as it was given.
#[test]
fn passwords_are_not_stored() {
    let server = server();
    let mut admin = server.connect();
    let stored = admin.query("select rolpassword from pg_authid where rolpassword is not null order by 1").unwrap();
    assert!(stored.len() >= 4, "{stored:?}");
    assert!(stored.iter().all(|p| p.starts_with("SCRAM-SHA-256$4096:") || p.starts_with("md5")), "{stored:?}");
}

/// A query sent before the client has proved anything is not answered.
#[test]
fn nothing_runs_before_the_password() {
    let server = server();
    rules(&server, 1, "host all all 127.0.0.1/32 scram-sha-256");
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    // Let in, the connection would stay open: the end of the wait ends the reading, and the answer tells.
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let parameters = b"user\0scram\0database\0postgres\0\0";
    let mut bytes = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(196_608u32.to_be_bytes());
    bytes.extend(parameters);
    let sql = b"create table intruder()\0";
    bytes.push(b'Q');
    bytes.extend((sql.len() as u32 + 4).to_be_bytes());
    bytes.extend(sql);
    stream.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.contains(&b'Z'), "{}", String::from_utf8_lossy(&answer));
    let found = server.connect().query("select count(*) from pg_class where relname = 'intruder'").unwrap();
    assert_eq!(found, ["0"]);
}

/// The right CONNECT is asked at the door: everybody has it until it is taken; owners and superusers keep it.
#[test]
fn connect_is_a_right() {
    let server = server();
    rules(&server, 1, "host all all 127.0.0.1/32 trust");
    let mut admin = server.connect();
    for sql in ["create database shut owner member", "revoke connect on database shut from public"] {
        admin.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let denied = "42501 permission denied for database \"shut\"";
    assert_eq!(enter(&server, "scram", "", "shut").map(|_| ()).unwrap_err(), denied);
    assert!(enter(&server, "postgres", "", "shut").is_ok() && enter(&server, "member", "", "shut").is_ok());
    admin.query("grant connect on database shut to scram").unwrap();
    admin.query("alter role scram rename to renamed").unwrap();
    assert!(enter(&server, "renamed", "", "shut").is_ok());
    assert_eq!(enter(&server, "hashed", "", "shut").map(|_| ()).unwrap_err(), denied);
}
