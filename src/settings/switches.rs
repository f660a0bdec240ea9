//! The one-letter switches of `postgres` that stand for settings, which the server's command line and a client's
//! `options` share. PostgreSQL 15, postgres.c, process_postgres_switches.

use crate::base::{Error, Result, Severity, SqlState};
use crate::err;

/// Whether a switch takes a value; None: nobody knows it.
pub fn takes_value(switch: char) -> Option<bool> {
    match switch {
        'B' | 'C' | 'c' | 'D' | 'd' | 'f' | 'h' | 'k' | 'N' | 'p' | 'r' | 'S' | 't' | 'v' | 'W' => Some(true),
        'b' | 'E' | 'e' | 'F' | 'i' | 'j' | 'l' | 'n' | 'O' | 'P' | 's' | 'T' => Some(false),
        _ => None,
    }
}

/// The settings a switch stands for; None: not with this value. Switches that are no settings stand for none.
pub fn meaning(switch: char, value: &str) -> Option<Vec<(&'static str, String)>> {
    let one = |name, value: &str| Some(vec![(name, value.to_string())]);
    match switch {
        'B' => one("shared_buffers", value),
        'd' => Some(debug_level(value.parse().unwrap_or(0))),
        'e' => one("datestyle", "euro"),
        'F' => one("fsync", "false"),
        'f' => one(plan_switch(value)?, "false"),
        'h' => one("listen_addresses", value),
        'i' => one("listen_addresses", "*"),
        'k' => one("unix_socket_directories", value),
        'l' => one("ssl", "true"),
        'N' => one("max_connections", value),
        'O' => one("allow_system_table_mods", "true"),
        'P' => one("ignore_system_indexes", "true"),
        'p' => one("port", value),
        'S' => one("work_mem", value),
        's' => one("log_statement_stats", "true"),
        't' => one(statistics(value)?, "true"),
        'W' => one("post_auth_delay", value),
        _ => Some(Vec::new()),
    }
}

/// PostgreSQL 15, postgres.c, set_debug_options.
fn debug_level(level: u8) -> Vec<(&'static str, String)> {
    if level == 0 {
        return vec![("log_min_messages", "notice".to_string())];
    }
    let mut settings = vec![("log_min_messages", format!("debug{}", level.min(5)))];
    for (from, name, value) in [
        (1, "log_connections", "true"),
        (1, "log_disconnections", "true"),
        (2, "log_statement", "all"),
        (3, "debug_print_parse", "true"),
        (4, "debug_print_plan", "true"),
        (5, "debug_print_rewritten", "true"),
    ] {
        if level >= from {
            settings.push((name, value.to_string()));
        }
    }
    settings
}

/// PostgreSQL 15, postgres.c, set_plan_disabling_options.
fn plan_switch(value: &str) -> Option<&'static str> {
    Some(match value.chars().next()? {
        's' => "enable_seqscan",
        'i' => "enable_indexscan",
        'o' => "enable_indexonlyscan",
        'b' => "enable_bitmapscan",
        't' => "enable_tidscan",
        'n' => "enable_nestloop",
        'm' => "enable_mergejoin",
        'h' => "enable_hashjoin",
        _ => return None,
    })
}

/// PostgreSQL 15, postgres.c, get_stats_option_name.
fn statistics(value: &str) -> Option<&'static str> {
    match value.as_bytes() {
        [b'p', b'a', ..] => Some("log_parser_stats"),
        [b'p', b'l', ..] => Some("log_planner_stats"),
        [b'e', ..] => Some("log_executor_stats"),
        _ => None,
    }
}

/// The `options` of a client: what they set, in order, up to the first word that is wrong, and what that is.
pub fn of_client(text: &str) -> (Vec<(String, String)>, Option<Error>) {
    let mut found = Vec::new();
    let outcome = read(words(text), &mut found);
    (found, outcome.err().map(|e| e.severity(Severity::Fatal)))
}

/// Words lie between blanks; a backslash takes what follows as it is (PostgreSQL 15, pg_split_opts).
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// As getopt reads: letters may share a word, a value may follow in the same word or be the next one, and words that are
/// no switches are looked at last.
fn read(words: Vec<String>, found: &mut Vec<(String, String)>) -> Result<()> {
    let invalid = |word: &str| {
        err!(SYNTAX_ERROR, "invalid command-line argument for server process: {word}")
            .hint("Try \"postgres --help\" for more information.")
    };
    let mut stray = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            stray = stray.or(words.next());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            found.push(assignment("--", long)?);
            continue;
        }
        let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) else {
            stray.get_or_insert(word);
            continue;
        };
        let mut rest = letters.chars();
        while let Some(c) = rest.next() {
            let Some(with_value) = takes_value(c) else { return Err(invalid(&word)) };
            let (mut value, mut last) = (String::new(), word.clone());
            if with_value {
                value = rest.by_ref().collect();
                if value.is_empty() {
                    value = words.next().ok_or_else(|| invalid(&word))?;
                    last.clone_from(&value);
                }
            }
            if c == 'c' {
                found.push(assignment("-c ", &value)?);
                continue;
            }
            for (name, value) in meaning(c, &value).ok_or_else(|| invalid(&last))? {
                // Who comes in by these words has come in already.
                if !matches!(name, "log_connections" | "log_disconnections") {
                    found.push((name.to_string(), value));
                }
            }
        }
    }
    stray.map_or(Ok(()), |word| Err(invalid(&word)))
}

/// `name=value`; a dash in the name stands for an underscore.
fn assignment(switch: &str, text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.replace('-', "_"), value.to_string())),
        None => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{switch}{text} requires a value"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (String, String) {
        let (found, wrong) = of_client(text);
        let found: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
        (found.join(" "), wrong.map(|e| e.message().to_string()).unwrap_or_default())
    }

    /// Switches come out as settings, escapes respected; the first wrong word is told, after what stood before it.
    #[test]
    fn options() {
        let invalid = |word: &str| format!("invalid command-line argument for server process: {word}");
        for (text, settings, wrong) in [
            (r"-c work_mem=1MB --search-path=a\ b  -cgeqo=off", "work_mem=1MB search_path=a b geqo=off", String::new()),
            ("-eS100 -ts -fh", "datestyle=euro work_mem=100", invalid("-ts")),
            ("-e -f x -c a=b", "datestyle=euro", invalid("x")),
            ("word -fm -d 1", "enable_mergejoin=false log_min_messages=debug1", invalid("word")),
            ("-x", "", invalid("-x")),
            ("-c", "", invalid("-c")),
            ("-c geqo", "", "-c geqo requires a value".into()),
            ("-nTE --geqo", "", "--geqo requires a value".into()),
        ] {
            assert_eq!(shown(text), (settings.to_string(), wrong), "{text}");
        }
    }
}
