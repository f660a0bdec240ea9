//! A server that may open few files: tables are used all the same, and a client it has no descriptor for is told so.

mod support;

use rustix::process::{Resource, Rlimit, setrlimit};
use support::{Client, Server};

/// Of this process, too, from which the server has it.
const DESCRIPTORS: u64 = 200;

#[test]
fn few_descriptors() {
    let limit = Some(DESCRIPTORS);
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    let server = Server::started(&["max_connections=400", "fsync=off", "work_mem=64kB"]);
    let mut witness = server.connect();
    // Many more files than descriptors, all of them written since the last checkpoint.
    for n in 0..120 {
        let made = format!("create table t{n}(id int primary key, v text);");
        witness.query(&format!("{made} insert into t{n} select i, 'v' || i from generate_series(1, 5) i")).unwrap();
    }
    let sum: Vec<String> = (0..120).map(|n| format!("(select max(id) from t{n})")).collect();
    for _ in 0..2 {
        assert_eq!(witness.query(&format!("select {}", sum.join(" + "))).unwrap(), ["600"]);
        // Temporary files find descriptors beside them.
        let sorted =
            "select count(*) from (select i from generate_series(1, 60000) i order by md5(i::text) offset 0) s";
        assert_eq!(witness.query(sorted).unwrap(), ["60000"]);
    }
    let mut clients: Vec<Client> = Vec::new();
    let mut refused = 0;
    for _ in 0..170 {
        let Ok(stream) = server.raw_unix() else { break };
        match Client::start(Box::new(stream)) {
            Ok(client) => clients.push(client),
            Err(e) => {
                assert_eq!(e, "FATAL:  53300 sorry, too many clients already");
                refused += 1;
            }
        }
    }
    assert!(clients.len() > 30 && refused > 0, "{} sessions, {refused} refused", clients.len());
    // Those that are there are served, also from files that are not open.
    for (n, client) in clients.iter_mut().enumerate() {
        let answer = client.query(&format!("select sum(id) from t{}", n % 120));
        assert_eq!(answer, Ok(vec!["15".to_string()]), "session {n}\n{}", server.log());
    }
    assert_eq!(witness.query("select count(*) from t7").unwrap(), ["5"]);
    clients.clear();
    support::eventually("a new client is served", || server.try_connect().is_ok());
}
