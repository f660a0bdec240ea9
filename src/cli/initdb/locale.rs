//! Locales that initdb takes. Text is ordered by code point, so only those that say so are accepted.

use super::{Done, fail_with_hint};

/// One name per category.
#[derive(Clone, Debug, Default)]
pub struct Locale {
    pub collate: String,
    pub ctype: String,
    pub messages: String,
    pub monetary: String,
    pub numeric: String,
    pub time: String,
}

impl Locale {
    /// LC_ALL, LC_x, LANG, as setlocale looks them up. A locale whose order we do not have becomes C.UTF-8.
    pub fn from_environment() -> Locale {
        let of = |category: &str| {
            let found =
                ["LC_ALL", category, "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
            match found {
                None => "C".to_string(),
                Some(name) if is_accepted(&name) => name,
                Some(_) => "C.UTF-8".to_string(),
            }
        };
        Locale {
            collate: of("LC_COLLATE"),
            ctype: of("LC_CTYPE"),
            messages: of("LC_MESSAGES"),
            monetary: of("LC_MONETARY"),
            numeric: of("LC_NUMERIC"),
            time: of("LC_TIME"),
        }
    }

    pub fn set_all(&mut self, name: &str) {
        for category in ["lc-collate", "lc-ctype", "lc-messages", "lc-monetary", "lc-numeric", "lc-time"] {
            self.set(category, name);
        }
    }

    pub fn set(&mut self, category: &str, name: &str) {
        let field = match category {
            "lc-collate" => &mut self.collate,
            "lc-ctype" => &mut self.ctype,
            "lc-messages" => &mut self.messages,
            "lc-monetary" => &mut self.monetary,
            "lc-numeric" => &mut self.numeric,
            _ => &mut self.time,
        };
        *field = name.to_string();
    }

    fn all(&self) -> [(&'static str, &str); 6] {
        [
            ("LC_COLLATE:", &self.collate),
            ("LC_CTYPE:", &self.ctype),
            ("LC_MESSAGES:", &self.messages),
            ("LC_MONETARY:", &self.monetary),
            ("LC_NUMERIC:", &self.numeric),
            ("LC_TIME:", &self.time),
        ]
    }

    pub fn check(&self) -> Done {
        for (_, name) in self.all() {
            if !is_accepted(name) {
                return fail_with_hint(
                    format!("invalid locale name \"{name}\""),
                    "Text is ordered by code point: use C, POSIX or C.UTF-8.",
                );
            }
        }
        Ok(())
    }

    /// The lines initdb prints.
    pub fn describe(&self) -> String {
        if self.all().iter().all(|(_, name)| *name == self.collate) {
            return format!("The database cluster will be initialized with locale \"{}\".\n", self.collate);
        }
        let mut text = String::from("The database cluster will be initialized with this locale configuration:\n");
        text.push_str(&format!("  {:<13}{}\n", "provider:", "libc"));
        for (category, name) in self.all() {
            text.push_str(&format!("  {category:<13}{name}\n"));
        }
        text
    }
}

fn is_accepted(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "c" | "posix" | "c.utf-8" | "c.utf8")
}

/// TZ, or where `/etc/localtime` points, if it is a zone we know.
pub fn system_time_zone() -> String {
    let link = || {
        let target = rustix::fs::readlink("/etc/localtime", Vec::new()).ok()?;
        let target = target.to_string_lossy().into_owned();
        target.split_once("zoneinfo/").map(|(_, name)| name.to_string())
    };
    let name = std::env::var("TZ").ok().filter(|z| !z.is_empty()).map(|z| z.trim_start_matches(':').to_string());
    match name.or_else(link) {
        Some(name) if name == "UTC" => "Etc/UTC".to_string(),
        Some(name) if jiff::tz::TimeZone::get(&name).is_ok() => name,
        _ => "Etc/UTC".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One name gives one line, several the list that PostgreSQL 15 prints.
    #[test]
    fn description() {
        let mut locale = Locale::default();
        locale.set_all("C");
        assert_eq!(locale.describe(), "The database cluster will be initialized with locale \"C\".\n");
        locale.set("lc-messages", "C.UTF-8");
        let text = locale.describe();
        assert!(text.contains("  provider:    libc\n  LC_COLLATE:  C\n"), "{text}");
        assert!(text.contains("  LC_MESSAGES: C.UTF-8\n"), "{text}");
        assert!(locale.check().is_ok());
    }
}
