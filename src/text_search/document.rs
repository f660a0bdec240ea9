//! Documents: their words with positions.

use super::{Config, LONGEST_TOKEN, Lexizer, Parser};
use crate::base::Result;
use crate::err;
use crate::types::tsvector::{self, Lexeme};

/// A lexeme of a document.
#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub variant: u16,
    pub prefix: bool,
    pub position: u16,
}

/// The lexemes of one document, or of several, one after the other.
#[derive(Default, Debug)]
pub struct Words {
    pub words: Vec<Word>,
    position: usize,
    /// Tokens that were left out because they are too long.
    pub too_long: usize,
}

const LAST_POSITION: usize = (1 << 14) - 1;

impl Words {
    /// Adds a text.
    pub fn add(&mut self, config: &Config, text: &str) {
        let mut lexizer = Lexizer::new(config);
        let tokens = Parser::new(text, config.letters).map(|(t, s)| (t.number(), s));
        for (kind, token) in tokens.chain([(0, "")]) {
            if token.len() >= LONGEST_TOKEN {
                self.too_long += 1;
                continue;
            }
            lexizer.add(kind, token);
            while let Some(norms) = lexizer.norms() {
                self.position += 1;
                for norm in norms {
                    self.position += usize::from(norm.next_position);
                    let position = self.position.min(LAST_POSITION) as u16;
                    self.words.push(Word { text: norm.text, variant: norm.variant, prefix: norm.prefix, position });
                }
            }
        }
    }

    /// Adds one of the parts of a document: no phrase goes from one to the next.
    pub fn add_part(&mut self, config: &Config, text: &str) {
        let before = self.words.len();
        self.add(config, text);
        if self.words.len() > before {
            self.position += 1;
        }
    }

    /// The `tsvector`.
    pub fn vector(self) -> Result<Vec<u8>> {
        let lexeme = |w: Word| Lexeme { text: w.text, positions: vec![w.position] };
        let stored = tsvector::make(self.words.into_iter().map(lexeme).collect());
        let bytes = tsvector::text_size(&tsvector::read(&stored));
        if bytes > tsvector::MAX_TEXT {
            return Err(err!(
                PROGRAM_LIMIT_EXCEEDED,
                "string is too long for tsvector ({bytes} bytes, max {} bytes)",
                tsvector::MAX_TEXT
            ));
        }
        Ok(stored)
    }
}
