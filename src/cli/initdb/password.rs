//! The superuser's password, and the name of the user who runs initdb.

use super::{Done, fail};
use crate::process::small_file;
use crate::settings::os_text;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, Write};
use std::os::fd::AsFd;

/// From the file, or typed twice, or none.
pub fn choose(prompt: bool, file: Option<&str>) -> Done<Option<String>> {
    if let Some(path) = file {
        return from_file(path).map(Some);
    }
    if !prompt {
        return Ok(None);
    }
    let first = ask("Enter new superuser password: ")?;
    let second = ask("Enter it again: ")?;
    if first != second {
        return fail("Passwords didn't match.");
    }
    Ok(Some(first))
}

fn from_file(path: &str) -> Done<String> {
    let bytes = match small_file::read(path) {
        Ok(bytes) => bytes,
        Err(e) => return fail(format!("could not open file \"{path}\" for reading: {}", os_text(&e))),
    };
    let text = String::from_utf8_lossy(&bytes);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_string()),
        _ => fail(format!("password file \"{path}\" is empty")),
    }
}

/// Reads a line from standard input; a terminal does not show it.
fn ask(question: &str) -> Done<String> {
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let stdin = std::io::stdin();
    let before = tcgetattr(stdin.as_fd()).ok();
    if let Some(state) = &before {
        let mut quiet = state.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(stdin.as_fd(), OptionalActions::Flush, &quiet);
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(state) = &before {
        let _ = tcsetattr(stdin.as_fd(), OptionalActions::Flush, state);
        eprintln!();
    }
    match read {
        Ok(_) => Ok(line.trim_end_matches(['\n', '\r']).to_string()),
        Err(e) => fail(format!("could not read password: {}", os_text(&e))),
    }
}

/// The name of the effective user, from the user database, else its number.
pub fn own_user_name() -> String {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let users = small_file::read("/etc/passwd").unwrap_or_default();
    let users = String::from_utf8_lossy(&users);
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_string())
    });
    found.or_else(|| std::env::var("USER").ok()).unwrap_or(uid)
}
