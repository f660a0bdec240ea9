//! `synonym`: another word in the place of the token, from a file of pairs.

use super::{Dictionary, Files, Norm, State, boolean, check_file_name, invalid};
use crate::base::Result;
use crate::text_search::{Letters, is_space};
use hashbrown::HashMap;

pub struct Synonym {
    letters: Letters,
    words: HashMap<String, Norm>,
    case_sensitive: bool,
}

impl Synonym {
    pub fn new(options: &[(String, String)], files: &dyn Files, letters: Letters) -> Result<Synonym> {
        let (mut file, mut case_sensitive) = (None, false);
        for (name, value) in options {
            match name.as_str() {
                "synonyms" => file = Some(value),
                "casesensitive" => case_sensitive = boolean(name, value)?,
                _ => return Err(invalid(format!("unrecognized synonym parameter: \"{name}\""))),
            }
        }
        let file = file.ok_or_else(|| invalid("missing Synonyms parameter"))?;
        check_file_name(file)?;
        let text = files.read(file, "syn", "synonym")?;
        let mut words = HashMap::new();
        for line in text.lines() {
            let mut parts = line.split(is_space).filter(|w| !w.is_empty());
            let (Some(word), Some(synonym)) = (parts.next(), parts.next()) else { continue };
            let (synonym, prefix) = match synonym.strip_suffix('*') {
                Some(beginning) => (beginning, true),
                None => (synonym, false),
            };
            let fold = |w: &str| if case_sensitive { w.to_owned() } else { letters.lower(w) };
            words.entry(fold(word)).or_insert(Norm { prefix, ..Norm::of(fold(synonym)) });
        }
        Ok(Synonym { letters, words, case_sensitive })
    }
}

impl Dictionary for Synonym {
    fn lexize(&self, token: &str, _: &mut State) -> Option<Vec<Norm>> {
        let found =
            if self.case_sensitive { self.words.get(token) } else { self.words.get(&self.letters.lower(token)) };
        found.map(|n| vec![n.clone()])
    }
}
