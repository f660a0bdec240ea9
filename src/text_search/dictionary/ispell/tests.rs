//! What PostgreSQL 15 makes of its sample dictionaries.

use super::super::{Files, built_in_file};
use super::*;
use std::sync::Arc;

struct BuiltIn;

impl Files for BuiltIn {
    fn read(&self, name: &str, extension: &str, _: &str) -> Result<String> {
        built_in_file(name, extension).map(str::to_owned).ok_or_else(|| broken("no such file"))
    }

    fn dictionary(&self, _: &str) -> Result<Arc<crate::text_search::Loaded>> {
        Err(broken("no dictionary"))
    }
}

fn lexemes(words: &str, affixes: &str, word: &str) -> Vec<String> {
    let options = [("dictfile".to_owned(), words.to_owned()), ("afffile".to_owned(), affixes.to_owned())];
    let made = Ispell::new(&options, &BuiltIn, Letters::C).unwrap();
    made.lexize(word, &mut State::default()).unwrap_or_default().into_iter().map(|n| n.text).collect()
}

/// The same words in four formats.
#[test]
fn base_forms() {
    let formats = [
        ("ispell_sample", "ispell_sample"),
        ("ispell_sample", "hunspell_sample"),
        ("hunspell_sample_long", "hunspell_sample_long"),
        ("hunspell_sample_num", "hunspell_sample_num"),
    ];
    for (words, affixes) in formats {
        for (word, expected) in [
            ("skies", vec!["sky"]),
            ("bookings", vec!["booking", "book"]),
            ("booking", vec!["booking", "book"]),
            ("foot", vec!["foot"]),
            ("rebookings", vec!["booking", "book"]),
            ("unbook", vec!["book"]),
            ("footklubber", vec!["foot", "klubber"]),
            ("footballklubber", vec!["footballklubber", "foot", "ball", "klubber", "football", "klubber"]),
            ("ballyklubber", vec!["ball", "klubber"]),
            ("nothing", vec![]),
        ] {
            assert_eq!(lexemes(words, affixes, word), expected, "{word} by {affixes}");
        }
    }
}
