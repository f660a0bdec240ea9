//! Rules of the parser's states.

use super::table::State;
use super::token::Token;

/// What a rule asks of the place the parser is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Test {
    Any,
    End,
    Is(u8),
    AsciiLetter,
    Letter,
    Digit,
    HexDigit,
    LetterOrDigit,
    NoLetterOrDigit,
    /// A sign without width of its own, or a vowel sign.
    Mark,
    White,
    UrlChar,
    /// Inside of a script or a style sheet.
    Ignored,
    /// Only the host of an URL is asked for; answers so once.
    HostWanted,
    /// A host follows, and is taken.
    HostAhead,
    /// The path of an URL follows, and is taken.
    PathAhead,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Go,
    /// Remembers this place and goes on in another way.
    Push,
    /// That way led to nothing: back to the place remembered, to the rule after the one that led away.
    Pop,
    /// Forgets the place remembered.
    Forget,
    ForgetAll,
    /// What was read since counts for the place remembered.
    Merge,
    /// Tries the next state with the same character.
    Again,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Special {
    /// Scripts and style sheets begin and end.
    Tags,
    /// After an URL comes its host, from the same place.
    HostFirst,
    /// After a word with hyphens come its parts, from the same place.
    PartsFirst,
    /// The token is read again from its beginning.
    Again,
}

#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub test: Test,
    pub action: Action,
    pub to: Option<State>,
    /// The token ends here.
    pub token: Option<Token>,
    pub special: Option<Special>,
}

impl Rule {
    const fn new(test: Test, action: Action, to: Option<State>, token: Option<Token>) -> Rule {
        Rule { test, action, to, token, special: None }
    }

    pub const fn with(mut self, special: Special) -> Rule {
        self.special = Some(special);
        self
    }
}

pub const fn go(test: Test, to: State) -> Rule {
    Rule::new(test, Action::Go, Some(to), None)
}

pub const fn stay(test: Test) -> Rule {
    Rule::new(test, Action::Go, None, None)
}

pub const fn push(test: Test, to: State) -> Rule {
    Rule::new(test, Action::Push, Some(to), None)
}

pub const fn pop(test: Test) -> Rule {
    Rule::new(test, Action::Pop, None, None)
}

pub const fn keep(test: Test, to: State) -> Rule {
    Rule::new(test, Action::Forget, Some(to), None)
}

pub const fn merge(test: Test) -> Rule {
    Rule::new(test, Action::Merge, None, None)
}

pub const fn again(test: Test, to: State) -> Rule {
    Rule::new(test, Action::Again, Some(to), None)
}

pub const fn found(test: Test, to: State, token: Token) -> Rule {
    Rule::new(test, Action::Go, Some(to), Some(token))
}

pub const fn found_keeping(test: Test, to: State, token: Token) -> Rule {
    Rule::new(test, Action::Forget, Some(to), Some(token))
}

pub const fn found_for_good(test: Test, to: State, token: Token) -> Rule {
    Rule::new(test, Action::ForgetAll, Some(to), Some(token))
}
