//! Lists of stop words.

use super::{Files, check_file_name};
use crate::base::Result;
use crate::text_search::Letters;
use hashbrown::HashSet;

#[derive(Default)]
pub struct StopWords(HashSet<String>);

impl StopWords {
    /// Reads `name.stop`; no name: no words.
    pub fn read(name: &str, files: &dyn Files, letters: Letters) -> Result<StopWords> {
        if name.is_empty() {
            return Ok(StopWords::default());
        }
        check_file_name(name)?;
        let text = files.read(name, "stop", "stop-word")?;
        let words = text.lines().map(|l| l.split(super::super::is_space).next().unwrap_or_default());
        Ok(StopWords(words.filter(|w| !w.is_empty()).map(|w| letters.lower(w)).collect()))
    }

    pub fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}
