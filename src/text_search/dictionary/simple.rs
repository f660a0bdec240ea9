//! `simple`: the token in lower case, unless it is a stop word.

use super::stop::StopWords;
use super::{Dictionary, Files, Norm, State, boolean, invalid};
use crate::base::Result;
use crate::text_search::Letters;

pub struct Simple {
    letters: Letters,
    stop: StopWords,
    accept: bool,
}

impl Simple {
    pub fn new(options: &[(String, String)], files: &dyn Files, letters: Letters) -> Result<Simple> {
        let (mut stop, mut accept) = (None, None);
        for (name, value) in options {
            match name.as_str() {
                "stopwords" if stop.is_some() => return Err(invalid("multiple StopWords parameters")),
                "stopwords" => stop = Some(StopWords::read(value, files, letters)?),
                "accept" if accept.is_some() => return Err(invalid("multiple Accept parameters")),
                "accept" => accept = Some(boolean(name, value)?),
                _ => return Err(invalid(format!("unrecognized simple dictionary parameter: \"{name}\""))),
            }
        }
        Ok(Simple { letters, stop: stop.unwrap_or_default(), accept: accept.unwrap_or(true) })
    }
}

impl Dictionary for Simple {
    fn lexize(&self, token: &str, _: &mut State) -> Option<Vec<Norm>> {
        let word = self.letters.lower(token);
        if word.is_empty() || self.stop.contains(&word) {
            return Some(Vec::new());
        }
        self.accept.then(|| vec![Norm::of(word)])
    }
}
