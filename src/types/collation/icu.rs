//! Orders of ICU's locale data (CLDR), by the crate `icu_collator`, whose data are compiled in.

use super::no_such_locale;
use crate::base::Result;
use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

/// As `pg_collation.collversion` shows it: of the collation rules and of the data (CLDR 48).
pub const VERSION: &str = "48";

pub struct Locale(CollatorBorrowed<'static>);

impl Locale {
    /// A locale by its tag (`de`, `de-AT`, `de-u-co-phonebk`), or in ICU's older way (`de_AT@collation=phonebook`).
    ///
    /// # Errors
    /// 22023 for what is no tag at all; a language without rules of its own has those of the root.
    pub fn open(name: &str) -> Result<Locale> {
        let failed =
            || no_such_locale(format!("could not open collator for locale \"{name}\": U_ILLEGAL_ARGUMENT_ERROR"));
        if !are_switches(name) {
            return Err(failed());
        }
        let tag = tag_of(name);
        // A name that no language has stands for the root, as ICU takes it; options must be some.
        let root = || icu_locale_core::Locale::UNKNOWN;
        let plain = !name.contains('@') && !tag.contains("-u-");
        let locale = tag.parse().or_else(|_| if plain { Ok(root()) } else { Err(failed()) })?;
        let open = |l: &icu_locale_core::Locale| Collator::try_new(CollatorPreferences::from(l), options(l)).ok();
        let collator = open(&locale).or_else(|| open(&root()).filter(|_| plain)).ok_or_else(failed)?;
        Ok(Locale(collator))
    }

    pub fn append(&self, text: &[u8], out: &mut Vec<u8>) {
        // The sink never fails: it is a vector.
        let Ok(()) = self.0.write_sort_key_utf8_to(text, out);
    }
}

/// What can only be on or off is so.
fn are_switches(name: &str) -> bool {
    const SWITCHES: [&str; 4] = ["colnumeric", "colcaselevel", "colbackwards", "colnormalization"];
    let keywords = name.split_once('@').map_or("", |n| n.1).to_ascii_lowercase();
    let mut given = keywords.split(';').filter_map(|k| k.split_once('='));
    given.all(|(key, value)| !SWITCHES.contains(&key.trim()) || matches!(value.trim(), "yes" | "no"))
}

/// `de_AT@collation=phonebook` as `de-AT-u-co-phonebk`; what is a tag already stays one.
fn tag_of(name: &str) -> String {
    let (base, keywords) = name.split_once('@').unwrap_or((name, ""));
    let mut tag = match base {
        "" | "root" => "und".to_owned(),
        base => base.split('.').next().unwrap_or(base).replace('_', "-"),
    };
    let known: Vec<String> = keywords.split(';').filter_map(keyword).collect();
    if !known.is_empty() {
        tag.push_str("-u-");
        tag.push_str(&known.join("-"));
    }
    tag
}

/// One of ICU's older keywords as BCP 47 writes it.
fn keyword(text: &str) -> Option<String> {
    let (key, value) = text.split_once('=')?;
    let key = match key.trim().to_ascii_lowercase().as_str() {
        "collation" => "co",
        "colstrength" => "ks",
        "colcasefirst" => "kf",
        "colnumeric" => "kn",
        "colalternate" => "ka",
        "colcaselevel" => "kc",
        "colbackwards" => "kb",
        "colnormalization" => "kk",
        _ => return None,
    };
    let value = match value.trim().to_ascii_lowercase().as_str() {
        "phonebook" => "phonebk".to_owned(),
        "traditional" => "trad".to_owned(),
        "dictionary" => "dict".to_owned(),
        "gb2312han" => "gb2312".to_owned(),
        "primary" => "level1".to_owned(),
        "secondary" => "level2".to_owned(),
        "tertiary" => "level3".to_owned(),
        "quaternary" => "level4".to_owned(),
        "non-ignorable" => "noignore".to_owned(),
        "yes" => "true".to_owned(),
        "no" => "false".to_owned(),
        other => other.to_owned(),
    };
    Some(format!("{key}-{value}"))
}

/// The settings a tag carries that are not the preferences' matter: strength, what is ignored, the case's own level.
fn options(locale: &icu_locale_core::Locale) -> CollatorOptions {
    use icu_collator::options::{AlternateHandling, CaseLevel, MaxVariable, Strength};
    let value = |key: &str| -> Option<String> {
        let key = key.parse().ok()?;
        locale.extensions.unicode.keywords.get(&key).map(ToString::to_string)
    };
    let mut options = CollatorOptions::default();
    options.strength = value("ks").and_then(|v| match v.as_str() {
        "level1" => Some(Strength::Primary),
        "level2" => Some(Strength::Secondary),
        "level3" => Some(Strength::Tertiary),
        "level4" => Some(Strength::Quaternary),
        "identic" => Some(Strength::Identical),
        _ => None,
    });
    options.alternate_handling = value("ka").and_then(|v| match v.as_str() {
        "shifted" => Some(AlternateHandling::Shifted),
        "noignore" => Some(AlternateHandling::NonIgnorable),
        _ => None,
    });
    options.case_level = value("kc").map(|v| if v == "false" { CaseLevel::Off } else { CaseLevel::On });
    options.max_variable = value("kv").and_then(|v| match v.as_str() {
        "space" => Some(MaxVariable::Space),
        "punct" => Some(MaxVariable::Punctuation),
        "symbol" => Some(MaxVariable::Symbol),
        "currency" => Some(MaxVariable::Currency),
        _ => None,
    });
    options
}

#[cfg(test)]
mod tests {
    use super::tag_of;

    #[test]
    fn older_names_become_tags() {
        assert_eq!(tag_of("de_AT@collation=phonebook"), "de-AT-u-co-phonebk");
        assert_eq!(tag_of("@colStrength=secondary;colNumeric=yes"), "und-u-ks-level2-kn-true");
        assert_eq!(tag_of("en-US"), "en-US");
    }
}
