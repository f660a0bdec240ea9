//! Locales that initdb takes: those the C library has, and ICU's for the order of text.

use super::{Done, fail};
use crate::types::collation::{Collation, Provider};

/// One name per category.
#[derive(Clone, Debug, Default)]
pub struct Locale {
    pub collate: String,
    pub ctype: String,
    pub messages: String,
    pub monetary: String,
    pub numeric: String,
    pub time: String,
    /// `--locale-provider`, where it was given.
    pub provider: Option<String>,
    pub icu: Option<String>,
    /// The categories that options named; the others are the environment's.
    given: Vec<String>,
}

impl Locale {
    /// LC_ALL, LC_x, LANG, as setlocale looks them up.
    pub fn from_environment() -> Locale {
        let of = |category: &str| {
            let found =
                ["LC_ALL", category, "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
            found.unwrap_or_else(|| "C".to_string())
        };
        Locale {
            collate: of("LC_COLLATE"),
            ctype: of("LC_CTYPE"),
            messages: of("LC_MESSAGES"),
            monetary: of("LC_MONETARY"),
            numeric: of("LC_NUMERIC"),
            time: of("LC_TIME"),
            ..Locale::default()
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
        self.given.push(category.to_string());
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

    /// PostgreSQL 15, initdb.c, setlocales: same rules.
    pub fn check(&self) -> Done {
        for (label, name) in self.all() {
            if Collation::open(Provider::Libc, name).is_err() {
                let category = label.trim_end_matches(':').replace('_', "-").to_ascii_lowercase();
                return match self.given.contains(&category) {
                    true => fail(format!("invalid locale name \"{name}\"")),
                    false => fail("invalid locale settings; check LANG and LC_* environment variables"),
                };
            }
        }
        match self.provider.as_deref() {
            None | Some("libc") => match &self.icu {
                Some(_) => fail("--icu-locale cannot be specified unless locale provider \"icu\" is chosen"),
                None => Ok(()),
            },
            Some("icu") => match &self.icu {
                None => fail("ICU locale must be specified"),
                Some(icu) => match Collation::open(Provider::Icu, icu) {
                    Err(e) => fail(e.message().to_string()),
                    Ok(_) => Ok(()),
                },
            },
            Some(other) => fail(format!("unrecognized locale provider: {other}")),
        }
    }

    /// The lines initdb prints.
    pub fn describe(&self) -> String {
        if self.icu.is_none() && self.all().iter().all(|(_, name)| *name == self.collate) {
            return format!("The database cluster will be initialized with locale \"{}\".\n", self.collate);
        }
        let mut text = String::from("The database cluster will be initialized with this locale configuration:\n");
        text.push_str(&format!("  {:<13}{}\n", "provider:", self.provider.as_deref().unwrap_or("libc")));
        if let Some(icu) = &self.icu {
            text.push_str(&format!("  {:<13}{icu}\n", "ICU locale:"));
        }
        for (category, name) in self.all() {
            text.push_str(&format!("  {category:<13}{name}\n"));
        }
        text
    }
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
