//! A Snowball program, ready to run.

use hashbrown::{HashMap, HashSet};

/// What moves the cursor, tests, or changes the word. Each answers whether it succeeded.
#[derive(Clone, Debug)]
pub enum Command {
    /// All of them, one after the other.
    List(Vec<Command>),
    Or(Vec<Command>),
    /// All of them from the same place.
    And(Vec<Command>),
    Not(Box<Command>),
    Try(Box<Command>),
    Test(Box<Command>),
    Do(Box<Command>),
    Fail(Box<Command>),
    Goto(Box<Command>),
    GoPast(Box<Command>),
    Repeat(Box<Command>),
    AtLeast(Number, Box<Command>),
    Loop(Number, Box<Command>),
    /// From the end to where the cursor is.
    Backwards(Box<Command>),
    SetLimit(Box<Command>, Box<Command>),
    Hop(Number),
    Next,
    SetMark(usize),
    ToMark(Number),
    AtMark(Number),
    ToLimit,
    AtLimit,
    /// `[` and `]`.
    Left,
    Right,
    /// `->`: the slice becomes a string variable.
    SliceTo(usize),
    /// `<-`
    SliceFrom(Text),
    /// `insert`, and `attach`, which leaves the cursor before what it puts in.
    Insert(Text, bool),
    Literal(Text),
    SetFlag(usize, bool),
    Flag(usize),
    Call(usize),
    Grouping(usize, bool),
    Assign(usize, Number),
    Compare(Number, Relation, Number),
    /// Finds the longest of an among's strings and keeps which it was.
    Substring(usize),
    /// What belongs to the string found.
    Among(usize),
    Constant(bool),
}

#[derive(Clone, Debug)]
pub enum Text {
    Literal(Vec<u8>),
    Variable(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

/// An arithmetic expression.
#[derive(Clone, Debug)]
pub enum Number {
    Constant(i64),
    Variable(usize),
    Cursor,
    Limit,
    /// Of the word, in characters and in bytes.
    Len,
    Size,
    LenOf(usize),
    SizeOf(usize),
    Negative(Box<Number>),
    Sum(Box<Number>, Box<Number>),
    Difference(Box<Number>, Box<Number>),
    Product(Box<Number>, Box<Number>),
    Quotient(Box<Number>, Box<Number>),
}

#[derive(Clone, Default, Debug)]
pub struct Among {
    /// Each string with the routine that must agree, and what is to be done.
    pub strings: HashMap<Vec<u8>, (Option<usize>, Option<usize>)>,
    /// The lengths that strings have, greatest first.
    pub lengths: Vec<usize>,
    pub actions: Vec<Command>,
    /// Done before any of them.
    pub starter: Option<Command>,
}

#[derive(Clone, Default, Debug)]
pub struct Program {
    pub routines: Vec<Command>,
    /// Whether each runs from the end to the beginning.
    pub stem: usize,
    pub groupings: Vec<HashSet<char>>,
    pub amongs: Vec<Among>,
    pub flags: usize,
    pub integers: usize,
    pub strings: usize,
}
