//! The container image's steps in a root file system of their own: `docker/test-image` does them, this holds it to it.

use std::net::TcpListener;
use std::process::Command;

/// The script's exit codes for a machine that cannot do it.
const NO_NAMESPACES: i32 = 77;
const NO_PROGRAM: i32 = 78;

/// First start with scripts, restart, stops, a killed postmaster, a second starter, as the image's user. Where the
/// kernel allows no namespaces nobody can try it; a missing program is a fault of the machine that CI must not have.
#[test]
fn the_images_steps() {
    // Two ports in a row: the second starter has its own.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/test-image");
    let out = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_outlast"))
        .env("PORT", port.min(65_000).to_string())
        .output()
        .expect("the script runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    match out.status.code() {
        Some(0) => println!("{text}"),
        Some(NO_NAMESPACES) => println!("SKIPPED, this machine allows no namespaces:\n{text}"),
        Some(NO_PROGRAM) if std::env::var_os("CI").is_none() => println!("SKIPPED:\n{text}"),
        code => panic!("exit code {code:?}\n{text}"),
    }
}
