//! From a Snowball source to a [`Program`].

use super::lex::{Lexer, Token};
use super::program::{Among, Command, Number, Program, Relation, Text};
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Integer,
    Text,
    Routine,
    Grouping,
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    token: Token,
    names: HashMap<String, (Kind, usize)>,
    program: Program,
    /// The `substring` that the next `among` belongs to.
    open: Option<usize>,
}

type Read<T> = Result<T, String>;

/// Reads a source.
pub fn program(source: &str) -> Read<Program> {
    let mut r = Reader {
        lexer: Lexer::new(source),
        token: Token::End,
        names: HashMap::new(),
        program: Program::default(),
        open: None,
    };
    r.bump()?;
    r.declarations()?;
    match r.token {
        Token::End => Ok(r.program),
        other => Err(format!("unexpected {other:?}")),
    }
}

impl Reader<'_> {
    fn bump(&mut self) -> Read<Token> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn at(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(s) if s == sign)
    }

    fn eat(&mut self, sign: &str) -> Read<bool> {
        let found = self.at(sign);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &str) -> Read<()> {
        if self.eat(sign)? { Ok(()) } else { Err(format!("expected {sign}, found {:?}", self.token)) }
    }

    fn eat_word(&mut self, word: &str) -> Read<bool> {
        let found = matches!(&self.token, Token::Name(n) if n == word);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn name(&mut self) -> Read<String> {
        match self.bump()? {
            Token::Name(n) => Ok(n),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn known(&mut self, kind: Kind) -> Read<usize> {
        let name = self.name()?;
        match self.names.get(&name) {
            Some((k, n)) if *k == kind => Ok(*n),
            _ => Err(format!("{name} is not declared as that")),
        }
    }

    fn declarations(&mut self) -> Read<()> {
        while let Token::Name(word) = self.token.clone() {
            self.bump()?;
            match word.as_str() {
                "strings" => self.declare(Kind::Text)?,
                "integers" => self.declare(Kind::Integer)?,
                "booleans" => self.declare(Kind::Flag)?,
                "routines" | "externals" => self.declare(Kind::Routine)?,
                "groupings" => self.declare(Kind::Grouping)?,
                "backwardmode" => {
                    self.expect("(")?;
                    self.declarations()?;
                    self.expect(")")?;
                }
                "define" => self.define()?,
                other => return Err(format!("unexpected {other}")),
            }
        }
        Ok(())
    }

    fn declare(&mut self, kind: Kind) -> Read<()> {
        self.expect("(")?;
        while !self.eat(")")? {
            let name = self.name()?;
            let n = self.names.values().filter(|(k, _)| *k == kind).count();
            self.names.insert(name, (kind, n));
            match kind {
                Kind::Flag => self.program.flags += 1,
                Kind::Integer => self.program.integers += 1,
                Kind::Text => self.program.strings += 1,
                Kind::Routine => self.program.routines.push(Command::Constant(false)),
                Kind::Grouping => self.program.groupings.push(Default::default()),
            }
        }
        Ok(())
    }

    fn define(&mut self) -> Read<()> {
        let name = self.name()?;
        match self.names.get(&name).copied() {
            Some((Kind::Routine, n)) => {
                if !self.eat_word("as")? {
                    return Err(format!("AS is missing after {name}"));
                }
                if name == "stem" {
                    self.program.stem = n;
                }
                self.program.routines[n] = self.command()?;
                Ok(())
            }
            Some((Kind::Grouping, n)) => self.grouping(n),
            _ => Err(format!("{name} is not declared")),
        }
    }

    fn grouping(&mut self, n: usize) -> Read<()> {
        let mut add = true;
        loop {
            let chars = match self.bump()? {
                Token::Text(t) => t.chars().collect(),
                Token::Name(other) => match self.names.get(&other) {
                    Some((Kind::Grouping, m)) => self.program.groupings[*m].clone(),
                    _ => return Err(format!("{other} is no grouping")),
                },
                other => return Err(format!("unexpected {other:?} in a grouping")),
            };
            let own = &mut self.program.groupings[n];
            match add {
                true => own.extend(chars),
                false => own.retain(|c| !chars.contains(c)),
            }
            add = self.at("+");
            if !self.eat("+")? && !self.eat("-")? {
                return Ok(());
            }
        }
    }

    /// Commands up to a closing bracket, whose opening one has been read.
    fn list(&mut self) -> Read<Command> {
        let mut all = Vec::new();
        while !self.eat(")")? {
            let mut one = self.command()?;
            loop {
                if self.eat_word("or")? {
                    let next = self.command()?;
                    one = match one {
                        Command::Or(mut parts) => {
                            parts.push(next);
                            Command::Or(parts)
                        }
                        first => Command::Or(vec![first, next]),
                    };
                } else if self.eat_word("and")? {
                    one = Command::And(vec![one, self.command()?]);
                } else {
                    break;
                }
            }
            all.push(one);
        }
        Ok(Command::List(all))
    }

    fn boxed(&mut self) -> Read<Box<Command>> {
        Ok(Box::new(self.command()?))
    }

    fn command(&mut self) -> Read<Command> {
        match self.bump()? {
            Token::Text(t) => Ok(Command::Literal(Text::Literal(t.into_bytes()))),
            Token::Name(word) => self.word(word),
            Token::Sign("(") => {
                let list = self.list()?;
                // So that what follows an OR in brackets is no part of it.
                Ok(list)
            }
            Token::Sign("[") => Ok(Command::Left),
            Token::Sign("]") => Ok(Command::Right),
            Token::Sign("$") => self.arithmetic(),
            Token::Sign("->") => Ok(Command::SliceTo(self.known(Kind::Text)?)),
            Token::Sign("<-") => Ok(Command::SliceFrom(self.text()?)),
            Token::Sign("<+") => Ok(Command::Insert(self.text()?, false)),
            other => Err(format!("unexpected {other:?}")),
        }
    }

    fn word(&mut self, word: String) -> Read<Command> {
        Ok(match word.as_str() {
            "not" => Command::Not(self.boxed()?),
            "try" => Command::Try(self.boxed()?),
            "test" => Command::Test(self.boxed()?),
            "do" => Command::Do(self.boxed()?),
            "fail" => Command::Fail(self.boxed()?),
            "goto" => Command::Goto(self.boxed()?),
            "gopast" => Command::GoPast(self.boxed()?),
            "repeat" => Command::Repeat(self.boxed()?),
            "atleast" => Command::AtLeast(self.number()?, self.boxed()?),
            "loop" => Command::Loop(self.number()?, self.boxed()?),
            "backwards" => Command::Backwards(self.boxed()?),
            "setlimit" => {
                let place = self.boxed()?;
                if !self.eat_word("for")? {
                    return Err("FOR is missing".into());
                }
                Command::SetLimit(place, self.boxed()?)
            }
            "hop" => Command::Hop(self.number()?),
            "next" => Command::Next,
            "setmark" => Command::SetMark(self.known(Kind::Integer)?),
            "tomark" => Command::ToMark(self.number()?),
            "atmark" => Command::AtMark(self.number()?),
            "tolimit" => Command::ToLimit,
            "atlimit" => Command::AtLimit,
            "delete" => Command::SliceFrom(Text::Literal(Vec::new())),
            "insert" => Command::Insert(self.text()?, false),
            "attach" => Command::Insert(self.text()?, true),
            "set" => Command::SetFlag(self.known(Kind::Flag)?, true),
            "unset" => Command::SetFlag(self.known(Kind::Flag)?, false),
            "non" => {
                self.eat("-")?;
                Command::Grouping(self.known(Kind::Grouping)?, false)
            }
            "true" => Command::Constant(true),
            "false" => Command::Constant(false),
            "substring" => {
                let n = self.program.amongs.len();
                self.program.amongs.push(Among::default());
                self.open = Some(n);
                Command::Substring(n)
            }
            "among" => self.among()?,
            _ => match self.names.get(&word) {
                Some((Kind::Routine, n)) => Command::Call(*n),
                Some((Kind::Grouping, n)) => Command::Grouping(*n, true),
                Some((Kind::Flag, n)) => Command::Flag(*n),
                Some((Kind::Text, n)) => Command::Literal(Text::Variable(*n)),
                _ => return Err(format!("unexpected {word}")),
            },
        })
    }

    fn text(&mut self) -> Read<Text> {
        match &self.token {
            Token::Text(_) => match self.bump()? {
                Token::Text(t) => Ok(Text::Literal(t.into_bytes())),
                other => Err(format!("unexpected {other:?}")),
            },
            _ => Ok(Text::Variable(self.known(Kind::Text)?)),
        }
    }

    fn among(&mut self) -> Read<Command> {
        let (n, found_before) = match self.open.take() {
            Some(n) => (n, true),
            None => {
                self.program.amongs.push(Among::default());
                (self.program.amongs.len() - 1, false)
            }
        };
        let mut made = Among::default();
        let mut waiting: Vec<(Vec<u8>, Option<usize>)> = Vec::new();
        self.expect("(")?;
        if self.eat("(")? {
            made.starter = Some(self.list()?);
        }
        while !self.eat(")")? {
            match self.bump()? {
                Token::Text(t) => {
                    let routine = match &self.token {
                        Token::Name(_) => Some(self.known(Kind::Routine)?),
                        _ => None,
                    };
                    waiting.push((t.into_bytes(), routine));
                }
                Token::Sign("(") => {
                    let action = self.list()?;
                    let at = made.actions.len();
                    made.actions.push(action);
                    made.strings.extend(waiting.drain(..).map(|(t, r)| (t, (r, Some(at)))));
                }
                other => return Err(format!("unexpected {other:?} in an among")),
            }
        }
        made.strings.extend(waiting.into_iter().map(|(t, r)| (t, (r, None))));
        made.lengths = made.strings.keys().map(Vec::len).collect();
        made.lengths.sort_unstable_by(|a, b| b.cmp(a));
        made.lengths.dedup();
        self.program.amongs[n] = made;
        Ok(match found_before {
            true => Command::Among(n),
            false => Command::List(vec![Command::Substring(n), Command::Among(n)]),
        })
    }

    /// What follows `$`.
    fn arithmetic(&mut self) -> Read<Command> {
        if self.eat("(")? {
            let left = self.number()?;
            let Some(relation) = self.relation()? else { return Err("a comparison is missing".into()) };
            let right = self.number()?;
            self.expect(")")?;
            return Ok(Command::Compare(left, relation, right));
        }
        let n = self.known(Kind::Integer)?;
        let own = || Box::new(Number::Variable(n));
        for sign in ["=", "+=", "-=", "*=", "/="] {
            if self.eat(sign)? {
                let value = self.number()?;
                let right = Box::new(value.clone());
                return Ok(Command::Assign(
                    n,
                    match sign {
                        "+=" => Number::Sum(own(), right),
                        "-=" => Number::Difference(own(), right),
                        "*=" => Number::Product(own(), right),
                        "/=" => Number::Quotient(own(), right),
                        _ => value,
                    },
                ));
            }
        }
        match self.relation()? {
            Some(relation) => Ok(Command::Compare(Number::Variable(n), relation, self.number()?)),
            None => Err("a comparison is missing".into()),
        }
    }

    fn relation(&mut self) -> Read<Option<Relation>> {
        let all = [
            ("==", Relation::Equal),
            ("!=", Relation::NotEqual),
            (">=", Relation::GreaterEqual),
            ("<=", Relation::LessEqual),
            (">", Relation::Greater),
            ("<", Relation::Less),
        ];
        for (sign, relation) in all {
            if self.eat(sign)? {
                return Ok(Some(relation));
            }
        }
        Ok(None)
    }

    fn number(&mut self) -> Read<Number> {
        let mut left = self.product()?;
        loop {
            if self.eat("+")? {
                left = Number::Sum(Box::new(left), Box::new(self.product()?));
            } else if self.eat("-")? {
                left = Number::Difference(Box::new(left), Box::new(self.product()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Read<Number> {
        let mut left = self.factor()?;
        loop {
            if self.eat("*")? {
                left = Number::Product(Box::new(left), Box::new(self.factor()?));
            } else if self.eat("/")? {
                left = Number::Quotient(Box::new(left), Box::new(self.factor()?));
            } else {
                return Ok(left);
            }
        }
    }

    /// The length of a text, in characters or in bytes.
    fn length(&mut self, chars: bool) -> Read<Number> {
        let count = |t: &[u8]| t.iter().filter(|b| !chars || **b & 0xC0 != 0x80).count() as i64;
        Ok(match (self.text()?, chars) {
            (Text::Literal(t), _) => Number::Constant(count(&t)),
            (Text::Variable(n), true) => Number::LenOf(n),
            (Text::Variable(n), false) => Number::SizeOf(n),
        })
    }

    fn factor(&mut self) -> Read<Number> {
        match self.bump()? {
            Token::Number(n) => Ok(Number::Constant(n)),
            Token::Sign("-") => Ok(Number::Negative(Box::new(self.factor()?))),
            Token::Sign("(") => {
                let inner = self.number()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Name(word) => match self.names.get(&word) {
                Some((Kind::Integer, n)) => Ok(Number::Variable(*n)),
                _ => match word.as_str() {
                    "cursor" => Ok(Number::Cursor),
                    "limit" => Ok(Number::Limit),
                    "len" => Ok(Number::Len),
                    "size" => Ok(Number::Size),
                    "lenof" | "sizeof" => self.length(word == "lenof"),
                    "maxint" => Ok(Number::Constant(i32::MAX.into())),
                    "minint" => Ok(Number::Constant(i32::MIN.into())),
                    other => Err(format!("{other} is no number")),
                },
            },
            other => Err(format!("unexpected {other:?}")),
        }
    }
}
