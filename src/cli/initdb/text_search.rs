//! Which text search configuration goes with a locale.

use super::Request;

/// Configurations and the language codes of locales they are for; a locale may also bear the configuration's own name.
/// PostgreSQL 15, initdb.c, tsearch_config_languages: same pairs.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("arabic", &["ar"]),
    ("armenian", &["hy"]),
    ("basque", &["eu"]),
    ("catalan", &["ca"]),
    ("danish", &["da"]),
    ("dutch", &["nl"]),
    ("english", &["C", "POSIX", "en"]),
    ("finnish", &["fi"]),
    ("french", &["fr"]),
    ("german", &["de"]),
    ("greek", &["el"]),
    ("hindi", &["hi"]),
    ("hungarian", &["hu"]),
    ("indonesian", &["id"]),
    ("irish", &["ga"]),
    ("italian", &["it"]),
    ("lithuanian", &["lt"]),
    ("nepali", &["ne"]),
    ("norwegian", &["no"]),
    ("portuguese", &["pt"]),
    ("romanian", &["ro"]),
    ("russian", &["ru"]),
    ("serbian", &["sr"]),
    ("spanish", &["es"]),
    ("swedish", &["sv"]),
    ("tamil", &["ta"]),
    ("turkish", &["tr"]),
    ("yiddish", &["yi"]),
];

/// The configuration for a locale's name, by what stands before its country and encoding.
fn by_locale(locale: &str) -> Option<&'static str> {
    let language = locale.split(['_', '-', '.', '@']).next()?;
    let same = |name: &&str| name.eq_ignore_ascii_case(language);
    LANGUAGES.iter().find(|(config, codes)| same(config) || codes.iter().any(same)).map(|(config, _)| *config)
}

/// The name shown by initdb and written into the file: what was asked for, or what goes with LC_CTYPE.
pub fn config(request: &Request) -> &str {
    let asked = request.text_search_config.as_deref();
    asked.or_else(|| by_locale(&request.locale.ctype)).unwrap_or("simple")
}

/// What initdb says when the locale has no configuration, or another than was asked for.
pub fn doubt(request: &Request) -> Option<String> {
    let ctype = &request.locale.ctype;
    match (request.text_search_config.as_deref(), by_locale(ctype)) {
        (None, None) => Some(format!("could not find suitable text search configuration for locale \"{ctype}\"")),
        (Some(_), None) => {
            Some(format!("warning: suitable text search configuration for locale \"{ctype}\" is unknown"))
        }
        (Some(asked), Some(suits)) if asked != suits => {
            Some(format!("warning: specified text search configuration \"{asked}\" might not match locale \"{ctype}\""))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15's initdb says it for these locales, with and without `-T french`.
    #[test]
    fn locales_have_languages() {
        let said = |ctype: &str, asked: Option<&str>| {
            let mut request = Request { text_search_config: asked.map(String::from), ..Request::default() };
            request.locale.set_all(ctype);
            (config(&request).to_string(), doubt(&request).unwrap_or_default())
        };
        for (ctype, suits) in [("C", "english"), ("C.UTF-8", "english"), ("en_US.utf8", "english"), ("de_DE", "german")]
        {
            assert_eq!(said(ctype, None), (suits.to_string(), String::new()));
            let doubt =
                format!("warning: specified text search configuration \"french\" might not match locale \"{ctype}\"");
            assert_eq!(said(ctype, Some("french")), ("french".to_string(), doubt));
        }
        let (chosen, doubt) = said("nb_NO.utf8", None);
        assert_eq!(chosen, "simple");
        assert_eq!(doubt, "could not find suitable text search configuration for locale \"nb_NO.utf8\"");
        let (chosen, doubt) = said("ja_JP.UTF-8", Some("french"));
        assert_eq!(chosen, "french");
        assert_eq!(doubt, "warning: suitable text search configuration for locale \"ja_JP.UTF-8\" is unknown");
    }
}
