//! Stemmers: the algorithms of the Snowball project (version 2.2.0, as in PostgreSQL 15), read from their own sources.
//!
//! Departs from PostgreSQL, which links what Snowball's compiler makes of them: here the sources are data
//! (`algorithms/*.sbl`, by the Snowball project, licence in `algorithms/COPYING`), read once a process, and run by a
//! small interpreter of the Snowball language. As in Snowball's C for UTF-8, positions count bytes and steps are
//! whole characters, since some algorithms compare positions with numbers.
//!
//! Must never fail on any word: an algorithm that does not succeed leaves the word as it is by then.

mod lex;
mod program;
mod read;
mod run;

use program::Program;
use std::sync::OnceLock;

macro_rules! languages {
    ($($name:literal)*) => {
        /// Snowball's name of a language, and the algorithm.
        const LANGUAGES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("algorithms/", $name, ".sbl")))),*];
    };
}

languages! {
    "arabic" "armenian" "basque" "catalan" "danish" "dutch" "english" "finnish" "french" "german" "greek" "hindi"
    "hungarian" "indonesian" "irish" "italian" "lithuanian" "nepali" "norwegian" "porter" "portuguese" "romanian"
    "russian" "serbian" "spanish" "swedish" "tamil" "turkish" "yiddish"
}

/// What has been read.
static PROGRAMS: [OnceLock<Option<Program>>; LANGUAGES.len()] = [const { OnceLock::new() }; LANGUAGES.len()];

/// The stemmer of a language.
#[derive(Clone, Copy)]
pub struct Stemmer(&'static Program);

impl std::fmt::Debug for Stemmer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stemmer")
    }
}

impl Stemmer {
    /// By Snowball's name of the language, in any case.
    pub fn of(language: &str) -> Option<Stemmer> {
        let at = LANGUAGES.iter().position(|(name, _)| name.eq_ignore_ascii_case(language))?;
        PROGRAMS[at].get_or_init(|| read::program(LANGUAGES[at].1).ok()).as_ref().map(Stemmer)
    }

    /// The stem of a word in lower case.
    pub fn stem(self, word: &str) -> String {
        let stem = run::stem(self.0, word.as_bytes());
        String::from_utf8(stem).unwrap_or_else(|_| word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All algorithms can be read.
    #[test]
    fn every_source_is_understood() {
        for (name, source) in LANGUAGES {
            if let Err(e) = read::program(source) {
                panic!("{name}: {e}");
            }
        }
    }

    #[test]
    fn english() {
        let s = Stemmer::of("english").unwrap();
        for (word, stem) in [
            ("skies", "sky"),
            ("running", "run"),
            ("generously", "generous"),
            ("hopping", "hop"),
            ("nationality", "nation"),
            ("it's", "it"),
            ("y", "y"),
            ("", ""),
        ] {
            assert_eq!(s.stem(word), stem, "{word}");
        }
    }

    #[test]
    fn other_languages() {
        for (language, word, stem) in [
            ("german", "häusern", "haus"),
            ("french", "continuellement", "continuel"),
            ("russian", "важнейшие", "важн"),
            ("danish", "undersøgelserne", "undersøg"),
            ("turkish", "kitaplarımızdan", "kitap"),
        ] {
            assert_eq!(Stemmer::of(language).unwrap().stem(word), stem);
        }
    }
}
