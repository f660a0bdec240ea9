//! A module imports only from modules below it; single owners of std::fs, pgwire, sqlparser and tokio.

use std::path::{Path, PathBuf};

/// Bottom first. A module may import from itself and from those before it, and `BESIDE` says what is special.
const LAYERS: &[&str] = &[
    "base",
    "settings",
    "stat",
    "types",
    "text_search",
    "process",
    "auth",
    "logger",
    "page",
    "disk",
    "wal",
    "buffer",
    "mvcc",
    "lock",
    "twophase",
    "storage",
    "heap",
    "btree",
    "gin",
    "gist",
    "brin",
    "catalog",
    "xact",
    "recovery",
    "sql",
    "wire",
    "session",
    "protocol",
    "worker",
    "engine",
    "cli",
];
/// Not part of the tower: what these may import.
const POSTMASTER: [&str; 4] = ["base", "settings", "process", "logger"];
/// Test-only helpers may reach up.
const OWNERS: [(&str, &[&str]); 4] = [
    ("std::fs", &["disk", "process", "logger", "cli", "postmaster"]),
    ("pgwire", &["wire", "protocol", "process", "postmaster", "auth"]),
    ("sqlparser", &["sql"]),
    ("tokio", &["session", "protocol", "worker", "engine", "postmaster", "logger", "cli", "process"]),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn module_of(path: &Path, root: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_string()
}

/// Names behind `crate::` on a line, comments left out.
fn imports(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().last();
        if before.is_some_and(|c| c == '$' || c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let words = list.split([',', '}']).map(|w| w.trim().split(':').next().unwrap_or_default());
                found.extend(words.filter(|w| !w.is_empty()).map(str::to_string));
            }
            None => found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
        }
    }
    found
}

/// Every import points down, and only its owner names an outside crate.
#[test]
fn modules_import_only_from_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut faults = Vec::new();
    for path in files {
        let module = module_of(&path, &root);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (n, line) in text.lines().enumerate() {
            // Tests stand at a file's end, or in files of their own; they may reach wherever they must.
            if line.starts_with("#[cfg(test)]")
                && text.lines().nth(n + 1).is_some_and(|l| l.contains("mod ") && l.ends_with('{'))
            {
                break;
            }
            if path
                .file_name()
                .is_some_and(|f| f.to_string_lossy().contains("test") || f == "sweep.rs" || f == "golden.rs")
                || path.components().any(|c| c.as_os_str() == "tests")
            {
                break;
            }
            for import in imports(line) {
                let Some(target) = LAYERS.iter().position(|l| *l == import) else { continue };
                let allowed = match LAYERS.iter().position(|l| *l == module) {
                    Some(own) => target <= own || module == "cli",
                    None => POSTMASTER.contains(&import.as_str()),
                };
                if !allowed {
                    faults.push(format!("{}:{}: {module} imports {import}", path.display(), n + 1));
                }
            }
            for (name, owners) in OWNERS {
                let code = line.split("//").next().unwrap_or_default();
                let named = code.contains(&format!("{name}::"));
                if named && !owners.contains(&module.as_str()) {
                    faults.push(format!("{}:{}: {module} names {name}", path.display(), n + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
