//! `initdb`: makes a data directory. PostgreSQL 15, initdb.c: same options, texts and exit codes.

mod configuration;
mod locale;
mod password;
mod text_search;
mod tree;

pub use password::own_user_name;

use super::arguments::{Argument, Arguments};
use super::{Call, answers_first, data_dir};
use crate::auth::verifier;
use crate::base::report::Origin as Speaker;
use crate::base::{Error, Result as Outcome};
use crate::engine::bootstrap;
use crate::process::config_files::RealConfigFiles;
use crate::settings::{Global, Origin, os_text};
use locale::Locale;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
initdb initializes an Outlast database cluster.

Usage:
  initdb [OPTION]... [DATADIR]

Options:
  -A, --auth=METHOD         default authentication method for local connections
      --auth-host=METHOD    default authentication method for local TCP/IP connections
      --auth-local=METHOD   default authentication method for local-socket connections
 [-D, --pgdata=]DATADIR     location for this database cluster
  -E, --encoding=ENCODING   set default encoding for new databases (UTF8)
  -g, --allow-group-access  allow group read/execute on data directory
  -k, --data-checksums      use data page checksums (default)
      --icu-locale=LOCALE   set ICU locale ID for new databases
      --locale=LOCALE       set default locale for new databases
      --lc-collate=, --lc-ctype=, --lc-messages=LOCALE
      --lc-monetary=, --lc-numeric=, --lc-time=LOCALE
                            set default locale in the respective category for
                            new databases (default taken from environment)
      --no-locale           equivalent to --locale=C
      --locale-provider={libc|icu}
                            set default locale provider for new databases
      --no-data-checksums   do not use data page checksums
      --pwfile=FILE         read password for the new superuser from file
  -T, --text-search-config=CFG
                            default text search configuration
  -U, --username=NAME       database superuser name
  -W, --pwprompt            prompt for a password for the new superuser
      --wal-segsize=SIZE    size of WAL segments, in megabytes (16)

Less commonly used options:
  -d, --debug               generate lots of debugging output
  -n, --no-clean            do not clean up after errors
  -N, --no-sync             do not wait for changes to be written safely to disk
      --no-instructions     do not print instructions for next steps
  -S, --sync-only           only sync database files to disk, then exit

Other options:
  -V, --version             output version information, then exit
  -?, --help                show this help, then exit

If the data directory is not specified, the environment variable PGDATA
is used.
";

const TRY_HELP: &str = "initdb: hint: Try \"initdb --help\" for more information.";

/// Everything that was asked for.
#[derive(Default, Debug)]
struct Request {
    directory: Option<String>,
    username: Option<String>,
    auth_local: Option<String>,
    auth_host: Option<String>,
    password_file: Option<String>,
    password_prompt: bool,
    encoding: Option<String>,
    locale: Locale,
    text_search_config: Option<String>,
    checksums: bool,
    group_access: bool,
    no_clean: bool,
    no_sync: bool,
    sync_only: bool,
    no_instructions: bool,
}

/// The text after `initdb: error: `, with an optional hint.
struct Failure {
    text: String,
    hint: Option<String>,
}

impl Failure {
    fn print(&self) {
        if self.text.is_empty() {
            return;
        }
        eprintln!("initdb: error: {}", self.text);
        if let Some(hint) = &self.hint {
            eprintln!("initdb: hint: {hint}");
        }
    }
}

type Done<T = ()> = Result<T, Failure>;

fn fail<T>(text: impl Into<String>) -> Done<T> {
    Err(Failure { text: text.into(), hint: None })
}

fn fail_with_hint<T>(text: impl Into<String>, hint: impl Into<String>) -> Done<T> {
    Err(Failure { text: text.into(), hint: Some(hint.into()) })
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure { text: e.0.message.clone(), hint: e.0.hint.clone() }
    }
}

pub fn main(call: Call) -> ExitCode {
    if answers_first(&call, HELP) {
        return ExitCode::SUCCESS;
    }
    silence_log();
    let path = call.path.clone();
    let request = match parse(call) {
        Ok(request) => request,
        Err(line) => {
            eprintln!("{line}");
            if !is_final(&line) {
                eprintln!("{TRY_HELP}");
            }
            return ExitCode::FAILURE;
        }
    };
    match run(&request, &path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

/// What the engine's parts report while they make the first files interests nobody here; errors are returned.
fn silence_log() {
    let origin =
        Origin { command_line: vec![("log_min_messages".to_string(), "fatal".to_string())], ..Origin::default() };
    if let Ok(settings) = Global::load(origin, Arc::new(RealConfigFiles)) {
        let speaker = Speaker { backend_type: "standalone backend", ..Speaker::default() };
        crate::logger::install(Arc::new(settings), speaker, false);
    }
}

fn parse(call: Call) -> Result<Request, String> {
    let mut arguments = Arguments::new(&call.path, call.arguments);
    let mut r = Request { checksums: true, locale: Locale::from_environment(), ..Request::default() };
    while let Some(argument) = arguments.next()? {
        let name = match &argument {
            Argument::Short(c) => short_option(*c),
            Argument::Long(name) => name.as_str(),
            Argument::Word(word) if r.directory.is_none() => {
                r.directory = Some(word.clone());
                continue;
            }
            Argument::Word(word) => {
                return Err(format!("initdb: error: too many command-line arguments (first is \"{word}\")"));
            }
        };
        match name {
            "allow-group-access" => r.group_access = true,
            "data-checksums" => r.checksums = true,
            "no-data-checksums" => r.checksums = false,
            "no-locale" => r.locale.set_all("C"),
            "pwprompt" => r.password_prompt = true,
            "debug" | "discard-caches" => {}
            "no-clean" | "noclean" => r.no_clean = true,
            "no-sync" | "nosync" => r.no_sync = true,
            "no-instructions" => r.no_instructions = true,
            "sync-only" => r.sync_only = true,
            _ => valued_option(name, &argument, &mut arguments, &mut r)?,
        }
    }
    Ok(r)
}

/// Whether help would not help: the option was right, its value is not.
fn is_final(line: &str) -> bool {
    line.starts_with("initdb: error: ") && !line.contains("command-line arguments")
}

fn short_option(c: char) -> &'static str {
    match c {
        'A' => "auth",
        'D' => "pgdata",
        'd' => "debug",
        'E' => "encoding",
        'g' => "allow-group-access",
        'k' => "data-checksums",
        'L' => "input-directory",
        'n' => "no-clean",
        'N' => "no-sync",
        'S' => "sync-only",
        'T' => "text-search-config",
        'U' => "username",
        'W' => "pwprompt",
        'X' => "waldir",
        _ => "",
    }
}

fn valued_option(name: &str, argument: &Argument, arguments: &mut Arguments, r: &mut Request) -> Result<(), String> {
    const VALUED: &[&str] = &[
        "auth",
        "auth-host",
        "auth-local",
        "pgdata",
        "encoding",
        "locale",
        "lc-collate",
        "lc-ctype",
        "lc-messages",
        "lc-monetary",
        "lc-numeric",
        "lc-time",
        "pwfile",
        "text-search-config",
        "username",
        "wal-segsize",
        "waldir",
        "locale-provider",
        "icu-locale",
        "input-directory",
    ];
    if !VALUED.contains(&name) {
        return Err(arguments.unknown(argument));
    }
    let value = arguments.value(argument)?;
    match name {
        "auth" => {
            r.auth_local = Some(value.clone());
            r.auth_host = Some(value);
        }
        "auth-host" => r.auth_host = Some(value),
        "auth-local" => r.auth_local = Some(value),
        "pgdata" => r.directory = Some(value),
        "encoding" => r.encoding = Some(value),
        "locale" => r.locale.set_all(&value),
        "pwfile" => r.password_file = Some(value),
        "text-search-config" => r.text_search_config = Some(value),
        "username" => r.username = Some(value),
        "wal-segsize" => check_segment_size(&value)?,
        "waldir" => return Err("initdb: error: a separate WAL directory is not supported".to_string()),
        "locale-provider" => r.locale.provider = Some(value),
        "icu-locale" => r.locale.icu = Some(value),
        "input-directory" => {}
        category => r.locale.set(category, &value),
    }
    Ok(())
}

fn check_segment_size(text: &str) -> Result<(), String> {
    match text.parse::<u32>() {
        Ok(16) => Ok(()),
        Ok(n) if n.is_power_of_two() && n <= 1024 => {
            Err("initdb: error: WAL segments of another size than 16 MB are not supported".to_string())
        }
        _ => Err("initdb: error: argument of --wal-segsize must be a power of 2 between 1 and 1024".to_string()),
    }
}

fn run(request: &Request, path: &str) -> Done {
    let Some(dir) = data_dir::chosen(request.directory.clone()) else {
        return fail_with_hint(
            "no data directory specified",
            "You must identify the directory where the data for this database system will reside.  Do this with \
             either the invocation option -D or the environment variable PGDATA.",
        );
    };
    if request.sync_only {
        return sync_only(&dir);
    }
    if request.password_prompt && request.password_file.is_some() {
        return fail("password prompt and password file cannot be specified together");
    }
    let auth = Auth::of(request)?;
    let username = request.username.clone().unwrap_or_else(password::own_user_name);
    if username.starts_with("pg_") {
        return fail(format!("superuser name \"{username}\" is disallowed; role names cannot begin with \"pg_\""));
    }
    greet(request)?;
    let password = password::choose(request.password_prompt, request.password_file.as_deref())?;
    println!();
    let absolute = data_dir::absolute(&dir);
    let made = tree::claim(&dir, &absolute, request.group_access)?;
    let password = match password {
        Some(text) => Some(verifier::encrypt(&text, &username, auth.encryption())?),
        None => None,
    };
    let options = bootstrap::Options {
        superuser: username,
        password,
        checksums: request.checksums,
        collate: request.locale.collate.clone(),
        ctype: request.locale.ctype.clone(),
        icu_locale: request.locale.icu.clone(),
    };
    if let Err(failure) = fill(&absolute, request, &auth, &options) {
        failure.print();
        tree::clean_up(&absolute, made, request.no_clean);
        return fail("");
    }
    finish(request, &auth, &dir, path);
    Ok(())
}

fn sync_only(dir: &Path) -> Done {
    if let Err(e) = rustix::fs::access(dir.join("PG_VERSION"), rustix::fs::Access::READ_OK) {
        return fail(format!("could not access directory \"{}\": {}", dir.display(), os_text(&e.into())));
    }
    step("syncing data to disk ... ", || tree::sync(dir))
}

/// The methods of `pg_hba.conf`, checked.
struct Auth {
    local: String,
    host: String,
    warns: bool,
}

impl Auth {
    fn of(request: &Request) -> Done<Auth> {
        let warns = request.auth_local.is_none() || request.auth_host.is_none();
        let local = request.auth_local.clone().unwrap_or_else(|| "trust".into());
        let host = request.auth_host.clone().unwrap_or_else(|| "trust".into());
        // -A ident means peer on local sockets, and -A peer ident on the others.
        let local = if local == "ident" { "peer".to_string() } else { local };
        let host = if host == "peer" { "ident".to_string() } else { host };
        for (method, valid, kind) in [(&local, LOCAL_METHODS, "local"), (&host, HOST_METHODS, "host")] {
            if !valid.contains(&method.as_str()) {
                return fail(format!("invalid authentication method \"{method}\" for \"{kind}\" connections"));
            }
        }
        let secret = |m: &str| matches!(m, "md5" | "password" | "scram-sha-256");
        let needs = secret(&local) || secret(&host);
        if needs && !request.password_prompt && request.password_file.is_none() {
            return fail("must specify a password for the superuser to enable password authentication");
        }
        Ok(Auth { local, host, warns })
    }

    /// How passwords are stored: as the methods that were asked for need them.
    fn encryption(&self) -> &'static str {
        let either = |method| self.local == method || self.host == method;
        if either("md5") && !either("scram-sha-256") { "md5" } else { "scram-sha-256" }
    }
}

const LOCAL_METHODS: &[&str] = &["trust", "reject", "scram-sha-256", "md5", "password", "peer"];
const HOST_METHODS: &[&str] = &["trust", "reject", "scram-sha-256", "md5", "password", "ident"];

fn greet(request: &Request) -> Done {
    let owner = password::own_user_name();
    if rustix::process::geteuid().is_root() {
        eprintln!("initdb: warning: running as \"root\"");
        eprintln!("initdb: hint: Run the server as an unprivileged user that owns its files, if there is one.");
    }
    println!("The files belonging to this database system will be owned by user \"{owner}\".");
    println!("This user must also own the server process.\n");
    let _ = std::io::stdout().flush();
    request.locale.check()?;
    print!("{}", request.locale.describe());
    let _ = std::io::stdout().flush();
    match &request.encoding {
        None => println!("The default database encoding has accordingly been set to \"UTF8\"."),
        Some(encoding) => check_encoding(encoding)?,
    }
    let config = text_search::config(request);
    let _ = std::io::stdout().flush();
    if let Some(doubt) = text_search::doubt(request) {
        eprintln!("initdb: {doubt}");
    }
    println!("The default text search configuration will be set to \"{config}\".\n");
    println!("Data page checksums are {}.", if request.checksums { "enabled" } else { "disabled" });
    Ok(())
}

fn check_encoding(encoding: &str) -> Done {
    let folded: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match folded.as_str() {
        "utf8" | "unicode" | "6" => Ok(()),
        "sqlascii" | "latin1" | "latin2" | "latin9" | "win1250" | "win1251" | "win1252" | "iso88591" | "eucjp"
        | "koi8r" | "koi8u" => {
            fail_with_hint(format!("encoding \"{encoding}\" is not supported"), "Outlast stores all text as UTF8.")
        }
        _ => fail(format!("\"{encoding}\" is not a valid server encoding name")),
    }
}

/// Prints what is being done, does it, prints `ok`.
fn step(what: &str, work: impl FnOnce() -> Outcome<()>) -> Done {
    print!("{what}");
    let _ = std::io::stdout().flush();
    match work() {
        Ok(()) => {
            println!("ok");
            Ok(())
        }
        Err(e) => {
            println!();
            Err(e.into())
        }
    }
}

fn fill(dir: &Path, request: &Request, auth: &Auth, options: &bootstrap::Options) -> Done {
    step("creating subdirectories ... ", || tree::make_subdirectories(dir, request.group_access))?;
    println!("selecting dynamic shared memory implementation ... posix");
    println!("selecting default max_connections ... 100");
    println!("selecting default shared_buffers ... 128MB");
    let zone = locale::system_time_zone();
    println!("selecting default time zone ... {zone}");
    step("creating configuration files ... ", || configuration::write(dir, request, &zone, auth))?;
    step("running bootstrap script ... ", || bootstrap::run(dir, options))?;
    println!("performing post-bootstrap initialization ... ok");
    if request.no_sync {
        println!("\nSync to disk skipped.\nThe data directory might become corrupt if the operating system crashes.");
        return Ok(());
    }
    step("syncing data to disk ... ", || tree::sync(dir))
}

fn finish(request: &Request, auth: &Auth, dir: &Path, path: &str) {
    if auth.warns {
        eprintln!("\ninitdb: warning: enabling \"trust\" authentication for local connections");
        eprintln!(
            "initdb: hint: You can change this by editing pg_hba.conf or using the option -A, or --auth-local and \
             --auth-host, the next time you run initdb."
        );
    }
    if request.no_instructions {
        return;
    }
    let pg_ctl = data_dir::server_command(path, "pg_ctl").join(" ");
    let shown: PathBuf = dir.to_path_buf();
    println!("\nSuccess. You can now start the database server using:\n");
    println!("    {pg_ctl} -D {} -l logfile start\n", shown.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, String> {
        let arguments = words.iter().map(Into::into).collect();
        parse(Call { name: "initdb".into(), path: "/b/initdb".into(), arguments })
    }

    fn refusal(words: &[&str]) -> String {
        match parsed(words) {
            Err(text) => text,
            Ok(request) => match Auth::of(&request).and_then(|_| request.locale.check()) {
                Err(failure) => failure.text,
                Ok(()) => panic!("{words:?}"),
            },
        }
    }

    /// What PostgreSQL 15 refuses, with its words, and what is ours.
    #[test]
    fn refusals() {
        assert_eq!(refusal(&["--bogus"]), "/b/initdb: unrecognized option '--bogus'");
        assert_eq!(refusal(&["-A", "bogus"]), "invalid authentication method \"bogus\" for \"local\" connections");
        assert_eq!(
            refusal(&["-A", "md5"]),
            "must specify a password for the superuser to enable password authentication"
        );
        assert_eq!(
            refusal(&["--wal-segsize=3"]),
            "initdb: error: argument of --wal-segsize must be a power of 2 between 1 and 1024"
        );
        assert_eq!(refusal(&["--locale=bogus"]), "invalid locale name \"bogus\"");
        assert_eq!(refusal(&["a", "b"]), "initdb: error: too many command-line arguments (first is \"b\")");
    }

    /// Grouped and long options mean the same.
    #[test]
    fn options() {
        let r = parsed(&["-kNUjoe", "-D/d", "--auth-host=scram-sha-256", "--no-locale"]).unwrap();
        assert!(r.checksums && r.no_sync);
        assert_eq!((r.username.as_deref(), r.directory.as_deref()), (Some("joe"), Some("/d")));
        assert_eq!(r.locale.collate, "C");
    }
}
