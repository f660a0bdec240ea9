//! `pg_ident.conf`: which system user may be which role. PostgreSQL 15, hba.c, check_ident_usermap.

use super::tokens;
use crate::base::error::Report;
use crate::base::{Severity, SqlState};
use crate::process::small_file;
use crate::settings::{ConfigFiles, os_text};
use fancy_regex::Regex;
use std::path::Path;

/// One line of the file.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub line: u32,
    pub map: String,
    system_user: Pattern,
    role: String,
}

#[derive(Clone, Debug)]
enum Pattern {
    Name(String),
    /// Written with a slash before it.
    Regex(Regex),
}

/// Reads the file; wrong lines give reports for the log and nothing else.
pub fn load(files: &dyn ConfigFiles, path: &Path) -> Result<Vec<Mapping>, Vec<Report>> {
    let report = |text: String| Report::notice(Severity::Log, SqlState::CONFIG_FILE_ERROR, text);
    let lines = tokens::lines(files, path).map_err(|e| {
        vec![report(format!("could not open configuration file \"{}\": {}", path.display(), os_text(&e)))]
    })?;
    let (mut mappings, mut faults) = (Vec::new(), Vec::new());
    for line in &lines {
        match parse(line) {
            Ok(mapping) => mappings.push(mapping),
            Err(text) => {
                let mut r = report(text);
                r.context = Some(format!("line {} of configuration file \"{}\"", line.number, path.display()));
                faults.push(r);
            }
        }
    }
    if faults.is_empty() { Ok(mappings) } else { Err(faults) }
}

/// Lines as `pg_ident_file_mappings` shows them: the mapping, or what is wrong.
pub fn examine(files: &dyn ConfigFiles, path: &Path) -> std::io::Result<Vec<(u32, Result<Mapping, String>)>> {
    let lines = tokens::lines(files, path)?;
    Ok(lines.iter().map(|l| (l.number, parse(l))).collect())
}

impl Mapping {
    /// The user of the system as it is written.
    pub fn system_user(&self) -> String {
        match &self.system_user {
            Pattern::Name(name) => name.clone(),
            Pattern::Regex(regex) => format!("/{}", regex.as_str()),
        }
    }

    pub fn role(&self) -> &str {
        &self.role
    }
}

fn parse(line: &tokens::Line) -> Result<Mapping, String> {
    if let Some(fault) = &line.fault {
        return Err(fault.clone());
    }
    let mut texts = Vec::new();
    for field in &line.fields {
        match field.as_slice() {
            [token] => texts.push(token.text.clone()),
            _ => return Err("multiple values in ident field".to_string()),
        }
    }
    let [map, system_user, role, ..] = &texts[..] else { return Err("missing entry at end of line".to_string()) };
    let system_user = match system_user.strip_prefix('/') {
        None => Pattern::Name(system_user.clone()),
        Some(text) => {
            Pattern::Regex(Regex::new(text).map_err(|e| format!("invalid regular expression \"{text}\": {e}"))?)
        }
    };
    Ok(Mapping { line: line.number, map: map.clone(), system_user, role: role.clone() })
}

/// Whether `system_user` may be `role`; without a map they must be the same name.
pub fn check(mappings: &[Mapping], map: Option<&str>, role: &str, system_user: &str) -> bool {
    match map {
        None => role == system_user,
        Some(map) => mappings.iter().filter(|m| m.map == map).any(|m| fits(m, role, system_user)),
    }
}

fn fits(mapping: &Mapping, role: &str, system_user: &str) -> bool {
    match &mapping.system_user {
        Pattern::Name(name) => name == system_user && mapping.role == role,
        Pattern::Regex(regex) => {
            let Ok(Some(found)) = regex.captures(system_user) else { return false };
            let first = found.get(1).map_or("", |m| m.as_str());
            mapping.role.replacen("\\1", first, 1) == role
        }
    }
}

/// The name of a user of the operating system, for the peer method.
pub fn system_user(uid: u32) -> Option<String> {
    let users = small_file::read("/etc/passwd").ok()?;
    let uid = uid.to_string();
    String::from_utf8_lossy(&users).lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, regular expressions with their first group, and no map at all.
    #[test]
    fn maps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pg_ident.conf");
        let text = "m root postgres\nm /^(.*)@example\\.com$ \\1\nother ann bob\n";
        small_file::replace(&path, text.as_bytes(), 0o600).unwrap();
        let mappings = load(&crate::process::config_files::RealConfigFiles, &path).unwrap();
        let may = |map, role, user| check(&mappings, map, role, user);
        assert!(may(Some("m"), "postgres", "root") && !may(Some("m"), "ann", "root"));
        assert!(may(Some("m"), "joe", "joe@example.com") && !may(Some("m"), "joe", "jim@example.com"));
        assert!(may(None, "ann", "ann") && !may(Some("other"), "ann", "ann") && may(Some("other"), "bob", "ann"));
        small_file::replace(&path, b"m root\n", 0o600).unwrap();
        let faults = load(&crate::process::config_files::RealConfigFiles, &path).unwrap_err();
        assert_eq!(faults[0].message, "missing entry at end of line");
        assert_eq!(system_user(0).as_deref(), Some("root"));
    }
}
