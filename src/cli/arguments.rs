//! Options as getopt_long takes them, with its error texts.

use lexopt::{Arg, Parser};
use std::ffi::OsString;

/// One thing on the command line.
#[derive(Debug, PartialEq)]
pub enum Argument {
    Short(char),
    Long(String),
    Word(String),
}

/// Reads arguments one by one.
pub struct Arguments {
    path: String,
    parser: Parser,
}

impl Arguments {
    pub fn new(path: &str, arguments: Vec<OsString>) -> Arguments {
        Arguments { path: path.to_string(), parser: Parser::from_args(arguments) }
    }

    /// The next option or word; the error is getopt's line.
    pub fn next(&mut self) -> Result<Option<Argument>, String> {
        match self.parser.next() {
            Ok(None) => Ok(None),
            Ok(Some(Arg::Short(c))) => Ok(Some(Argument::Short(c))),
            Ok(Some(Arg::Long(name))) => Ok(Some(Argument::Long(name.to_string()))),
            Ok(Some(Arg::Value(word))) => Ok(Some(Argument::Word(word.to_string_lossy().into_owned()))),
            Err(e) => Err(format!("{}: {e}", self.path)),
        }
    }

    /// The value of the option just read.
    pub fn value(&mut self, option: &Argument) -> Result<String, String> {
        match self.parser.value() {
            Ok(value) => Ok(value.to_string_lossy().into_owned()),
            Err(_) => Err(match option {
                Argument::Short(c) => format!("{}: option requires an argument -- '{c}'", self.path),
                Argument::Long(name) => format!("{}: option '--{name}' requires an argument", self.path),
                Argument::Word(word) => format!("{}: \"{word}\" takes no value", self.path),
            }),
        }
    }

    /// The `=value` of a long option, if it has one.
    pub fn attached(&mut self) -> Option<String> {
        self.parser.optional_value().map(|v| v.to_string_lossy().into_owned())
    }

    /// The line for an option nobody knows.
    pub fn unknown(&self, option: &Argument) -> String {
        match option {
            Argument::Short(c) => format!("{}: invalid option -- '{c}'", self.path),
            Argument::Long(name) => format!("{}: unrecognized option '--{name}'", self.path),
            Argument::Word(word) => format!("{}: invalid argument: \"{word}\"", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grouped, attached and separate values are read, and errors are getopt's.
    #[test]
    fn getopt() {
        let words = ["-sD", "/data", "--port=5", "-l", "x", "word"];
        let mut a = Arguments::new("/bin/tool", words.iter().map(OsString::from).collect());
        assert_eq!(a.next(), Ok(Some(Argument::Short('s'))));
        let d = a.next().unwrap().unwrap();
        assert_eq!(a.value(&d), Ok("/data".into()));
        assert_eq!(a.next(), Ok(Some(Argument::Long("port".into()))));
        assert_eq!(a.attached(), Some("5".into()));
        let l = a.next().unwrap().unwrap();
        assert_eq!(a.value(&l), Ok("x".into()));
        assert_eq!(a.next(), Ok(Some(Argument::Word("word".into()))));
        assert_eq!(a.next(), Ok(None));
        assert_eq!(a.value(&Argument::Short('D')), Err("/bin/tool: option requires an argument -- 'D'".into()));
        assert_eq!(a.unknown(&Argument::Long("bogus".into())), "/bin/tool: unrecognized option '--bogus'");
    }
}
