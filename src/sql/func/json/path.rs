//! Functions and operators that run a `jsonpath` over a document.
//!
//! PostgreSQL 15, jsonpath_exec.c: same rules, on documents in their stored form.

use super::object_ids::ObjectIds;
use super::{Args, moment};
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::func::format::{Moment, parse_standard, read_standard};
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::jsonb::{Jsonb, Tree};
use crate::types::jsonpath::{self, Binary, Item, Kind, Method, Path};
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum};
use std::borrow::Cow;
use std::cmp::Ordering;

/// A value in its stored form.
type Stored<'a> = Cow<'a, [u8]>;

/// What a path meets: a part of a document, or what `.datetime()` made of one.
#[derive(Clone)]
enum Value<'a> {
    Stored(Stored<'a>),
    Moment(Moment),
}

impl<'a> Value<'a> {
    /// None: no value of JSON.
    fn json(&self) -> Option<Jsonb<'_>> {
        match self {
            Value::Stored(s) => Some(Jsonb::new(s)),
            Value::Moment(_) => None,
        }
    }

    fn is_scalar(&self) -> bool {
        self.json().is_none_or(Jsonb::is_scalar)
    }

    /// As a value of JSON again: moments are texts.
    fn stored(self) -> Result<Stored<'a>> {
        match self {
            Value::Stored(s) => Ok(s),
            Value::Moment(m) => Ok(Cow::Owned(Tree::String(moment::text(m)).encode()?)),
        }
    }
}

/// Values found; None: nobody wants them, one is enough.
type Found<'a, 'f> = Option<&'f mut Vec<Value<'a>>>;

/// Why an execution ends early.
enum Stop {
    /// An error that a silent caller, or a predicate, takes for an answer.
    Soft(Error),
    /// Any other.
    Hard(Error),
}

type Run<T> = std::result::Result<T, Stop>;

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Hard(e)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    False,
    True,
    Unknown,
}

impl From<bool> for Truth {
    fn from(b: bool) -> Truth {
        if b { Truth::True } else { Truth::False }
    }
}

struct Executor<'a, 'c> {
    cx: &'c mut FnContext,
    document: &'a [u8],
    /// Of the document, once `.keyvalue()` has asked.
    object_ids: Option<ObjectIds>,
    /// What has no zone is told in the session's, to be compared.
    use_zone: bool,
    root: Value<'a>,
    vars: Option<&'a [u8]>,
    current: Value<'a>,
    lax: bool,
    /// Structural errors count as nothing found.
    ignore: bool,
    /// Of the innermost array being subscripted.
    array_size: i64,
}

/// A state the SQL standard gives to JSON errors.
const fn state(code: &str) -> SqlState {
    SqlState::new(code)
}

fn soft<T>(code: &str, text: impl Into<String>) -> Run<T> {
    Err(Stop::Soft(Error::new(state(code), text)))
}

fn encoded(tree: Tree) -> Result<Value<'static>> {
    Ok(Value::Stored(Cow::Owned(tree.encode()?)))
}

fn number(v: &Value<'_>) -> Option<Numeric> {
    match v.json() {
        Some(Jsonb::Number(n)) => Some(Numeric::from_bytes(n)),
        _ => None,
    }
}

/// A part of a value, borrowed as long as the value is.
fn children<'a>(v: &Value<'a>) -> Vec<Value<'a>> {
    fn of(stored: &[u8]) -> Vec<&[u8]> {
        match Jsonb::new(stored) {
            Jsonb::Array(items) => (0..items.len()).map(|n| items.bytes(n)).collect(),
            Jsonb::Object(pairs) => (0..pairs.len()).map(|n| pairs.bytes(n)).collect(),
            _ => Vec::new(),
        }
    }
    match v {
        Value::Stored(Cow::Borrowed(b)) => of(b).into_iter().map(|p| Value::Stored(Cow::Borrowed(p))).collect(),
        Value::Stored(Cow::Owned(b)) => of(b).into_iter().map(|p| Value::Stored(Cow::Owned(p.to_vec()))).collect(),
        Value::Moment(_) => Vec::new(),
    }
}

fn member<'a>(v: &Value<'a>, key: &str) -> Option<Value<'a>> {
    fn of<'b>(stored: &'b [u8], key: &str) -> Option<&'b [u8]> {
        match Jsonb::new(stored) {
            Jsonb::Object(pairs) => pairs.position(key).map(|n| pairs.bytes(n)),
            _ => None,
        }
    }
    match v {
        Value::Stored(Cow::Borrowed(b)) => of(b, key).map(|p| Value::Stored(Cow::Borrowed(p))),
        Value::Stored(Cow::Owned(b)) => of(b, key).map(|p| Value::Stored(Cow::Owned(p.to_vec()))),
        Value::Moment(_) => None,
    }
}

fn is_array(v: &Value<'_>) -> bool {
    matches!(v.json(), Some(Jsonb::Array(_)))
}

impl<'a> Executor<'a, '_> {
    /// A whole chain over a value. True: something was found.
    fn item(&mut self, item: &Item, v: &Value<'a>, found: Found<'a, '_>) -> Run<bool> {
        let unwrap = self.lax;
        self.step(&item.kind, &item.next, v, found, unwrap)
    }

    /// What follows, over a value found.
    fn next(&mut self, rest: &[Kind], v: Value<'a>, found: Found<'a, '_>) -> Run<bool> {
        match rest.split_first() {
            Some((kind, rest)) => {
                let unwrap = self.lax;
                self.step(kind, rest, &v, found, unwrap)
            }
            None => {
                if let Some(list) = found {
                    list.push(v);
                }
                Ok(true)
            }
        }
    }

    fn step(&mut self, kind: &Kind, rest: &[Kind], v: &Value<'a>, mut found: Found<'a, '_>, unwrap: bool) -> Run<bool> {
        // One step over the elements of an array instead of the array itself.
        let per_element = unwrap && is_array(v);
        let nobody_asks = rest.is_empty() && found.is_none();
        match kind {
            _ if kind.is_predicate() => {
                let truth = self.truth(kind, v)?;
                if nobody_asks {
                    return Ok(true);
                }
                let answer = match truth {
                    Truth::True => Tree::Bool(true),
                    Truth::False => Tree::Bool(false),
                    Truth::Unknown => Tree::Null,
                };
                self.next(rest, encoded(answer)?, found)
            }
            Kind::Null => self.next(rest, encoded(Tree::Null)?, found),
            Kind::Bool(b) => self.next(rest, encoded(Tree::Bool(*b))?, found),
            Kind::Number(n) => self.next(rest, encoded(Tree::Number(n.clone()))?, found),
            Kind::String(s) => self.next(rest, encoded(Tree::String(s.clone()))?, found),
            Kind::Variable(name) => {
                let value = self.variable(name)?;
                self.next(rest, value, found)
            }
            Kind::Root => self.next(rest, self.root.clone(), found),
            Kind::Current => self.next(rest, self.current.clone(), found),
            Kind::Last => {
                self.next(rest, encoded(Tree::Number(Numeric::from_i128(i128::from(self.array_size) - 1)))?, found)
            }
            Kind::Key(name) => match (v.json(), member(v, name)) {
                (_, Some(value)) => self.next(rest, value, found),
                (Some(Jsonb::Object(_)), None) if self.ignore => Ok(false),
                (Some(Jsonb::Object(_)), None) => soft("2203A", format!("JSON object does not contain key \"{name}\"")),
                _ if per_element => self.each_element(kind, rest, v, found),
                _ if self.ignore => Ok(false),
                _ => soft("2203A", "jsonpath member accessor can only be applied to an object"),
            },
            Kind::AnyKey => match v.json() {
                Some(Jsonb::Object(_)) => self.below(Some(rest), v, found, (1, 1, 1), false, self.lax),
                _ if per_element => self.each_element(kind, rest, v, found),
                _ if self.ignore => Ok(false),
                _ => soft("2203C", "jsonpath wildcard member accessor can only be applied to an object"),
            },
            Kind::AnyArray => match v.json() {
                Some(Jsonb::Array(_)) => self.below(Some(rest), v, found, (1, 1, 1), false, self.lax),
                _ if self.lax => self.next(rest, v.clone(), found),
                _ if self.ignore => Ok(false),
                _ => soft("22039", "jsonpath wildcard array accessor can only be applied to an array"),
            },
            Kind::Index(list) => self.index(list, rest, v, found),
            Kind::Any(first, last) => {
                let mut any = false;
                if *first == 0 {
                    let saved = std::mem::replace(&mut self.ignore, true);
                    let done = self.next(rest, v.clone(), found.as_deref_mut());
                    self.ignore = saved;
                    any = done?;
                    if any && found.is_none() {
                        return Ok(true);
                    }
                }
                if !v.is_scalar() {
                    any |= self.below(Some(rest), v, found, (1, *first, *last), true, self.lax)?;
                }
                Ok(any)
            }
            Kind::Filter(_)
            | Kind::Datetime(_)
            | Kind::Method(Method::Double | Method::KeyValue | Method::Abs | Method::Floor | Method::Ceiling)
                if per_element =>
            {
                self.each_element(kind, rest, v, found)
            }
            Kind::Filter(condition) => {
                let saved = std::mem::replace(&mut self.current, v.clone());
                let truth = self.truth(&condition.kind, v);
                self.current = saved;
                match truth? {
                    Truth::True => self.next(rest, v.clone(), found),
                    _ => Ok(false),
                }
            }
            Kind::Method(m) => self.method(*m, rest, v, found),
            Kind::Datetime(template) => {
                let m = moment_of(v, template.as_deref())?;
                self.next(rest, Value::Moment(m), found)
            }
            Kind::Binary(op, left, right) => {
                let value = self.arithmetic(*op, left, right, v)?;
                if nobody_asks {
                    return Ok(true);
                }
                self.next(rest, encoded(Tree::Number(value))?, found)
            }
            Kind::Plus(arg) | Kind::Minus(arg) => {
                let mut operands = Vec::new();
                self.unwrapped(arg, v, &mut operands)?;
                let mut any = false;
                for operand in operands {
                    let Some(n) = number(&operand) else {
                        if nobody_asks {
                            continue;
                        }
                        let sign = if matches!(kind, Kind::Plus(_)) { "+" } else { "-" };
                        return soft(
                            "2203B",
                            format!("operand of unary jsonpath operator {sign} is not a numeric value"),
                        );
                    };
                    let n = if matches!(kind, Kind::Minus(_)) { n.negated() } else { n };
                    any |= self.next(rest, encoded(Tree::Number(n))?, found.as_deref_mut())?;
                    if any && found.is_none() {
                        return Ok(true);
                    }
                }
                Ok(any)
            }
            _ => Err(Error::internal("unrecognized jsonpath item").into()),
        }
    }

    /// The same step over each element of an array, which are not unwrapped again.
    fn each_element(&mut self, kind: &Kind, rest: &[Kind], v: &Value<'a>, mut found: Found<'a, '_>) -> Run<bool> {
        let mut any = false;
        for element in children(v) {
            any |= self.step(kind, rest, &element, found.as_deref_mut(), false)?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(any)
    }

    /// All values at some depths below one (jsonpath_exec.c, executeAnyItem); levels are (present, first, last).
    fn below(
        &mut self,
        rest: Option<&[Kind]>,
        v: &Value<'a>,
        mut found: Found<'a, '_>,
        levels: (u32, u32, u32),
        ignore: bool,
        unwrap: bool,
    ) -> Run<bool> {
        let (level, first, last) = levels;
        let mut any = false;
        if level > last {
            return Ok(false);
        }
        self.cx.interrupts.check()?;
        for child in children(v) {
            let leaf = child.is_scalar();
            if level >= first || first == u32::MAX && last == u32::MAX && leaf {
                match rest.and_then(<[Kind]>::split_first) {
                    Some((kind, rest)) => {
                        let saved = self.ignore;
                        self.ignore |= ignore;
                        let done = self.step(kind, rest, &child, found.as_deref_mut(), unwrap);
                        self.ignore = saved;
                        any |= done?;
                    }
                    None => {
                        any = true;
                        if let Some(list) = found.as_deref_mut() {
                            list.push(child.clone());
                        }
                    }
                }
                if any && found.is_none() {
                    return Ok(true);
                }
            }
            if level < last && !leaf {
                any |= self.below(rest, &child, found.as_deref_mut(), (level + 1, first, last), ignore, unwrap)?;
                if any && found.is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    fn index(
        &mut self,
        list: &[(Item, Option<Item>)],
        rest: &[Kind],
        v: &Value<'a>,
        mut found: Found<'a, '_>,
    ) -> Run<bool> {
        let array = is_array(v);
        if !array && !self.lax {
            return match self.ignore {
                true => Ok(false),
                false => soft("22039", "jsonpath array accessor can only be applied to an array"),
            };
        }
        let items = if array { children(v) } else { vec![v.clone()] };
        let saved = std::mem::replace(&mut self.array_size, items.len() as i64);
        let done = self.index_in(list, rest, v, &items, &mut found);
        self.array_size = saved;
        done
    }

    fn index_in(
        &mut self,
        list: &[(Item, Option<Item>)],
        rest: &[Kind],
        v: &Value<'a>,
        items: &[Value<'a>],
        found: &mut Found<'a, '_>,
    ) -> Run<bool> {
        let size = items.len() as i64;
        let mut any = false;
        for (from, to) in list {
            let low = self.subscript(from, v)?;
            let high = match to {
                Some(to) => self.subscript(to, v)?,
                None => low,
            };
            if !self.ignore && (low < 0 || low > high || high >= size) {
                return soft("22033", "jsonpath array subscript is out of bounds");
            }
            for n in low.max(0)..=high.min(size - 1) {
                // The accessors that follow do not see this array any more, but a subscript of theirs sees its own.
                any |= self.next(rest, items[n as usize].clone(), found.as_deref_mut())?;
                if any && found.is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    fn subscript(&mut self, item: &Item, v: &Value<'a>) -> Run<i64> {
        let mut values = Vec::new();
        self.item(item, v, Some(&mut values))?;
        let one = match values.as_slice() {
            [one] => number(one),
            _ => None,
        };
        let Some(mut n) = one else {
            return soft("22033", "jsonpath array subscript is not a single numeric value");
        };
        n.truncate(0);
        match n.to_string().parse::<i32>() {
            Ok(n) => Ok(n.into()),
            Err(_) => soft("22033", "jsonpath array subscript is out of integer range"),
        }
    }

    fn variable(&mut self, name: &str) -> Result<Value<'a>> {
        let missing = || err!(UNDEFINED_OBJECT, "could not find jsonpath variable \"{name}\"");
        let vars = self.vars.ok_or_else(missing)?;
        member(&Value::Stored(Cow::Borrowed(vars)), name).ok_or_else(missing)
    }

    fn method(&mut self, m: Method, rest: &[Kind], v: &Value<'a>, found: Found<'a, '_>) -> Run<bool> {
        let name = m.name();
        let value = match (m, v.json()) {
            (Method::Type, Some(j)) => Tree::String(j.type_name().into()),
            (Method::Type, None) => match v {
                Value::Moment(m) => Tree::String(moment::type_name(*m).into()),
                Value::Stored(_) => Tree::Null,
            },
            (Method::Size, Some(Jsonb::Array(items))) => Tree::Number(Numeric::from_i128(items.len() as i128)),
            (Method::Size, _) if self.lax => Tree::Number(Numeric::from_i128(1)),
            (Method::Size, _) if self.ignore => return Ok(false),
            (Method::Size, _) => {
                return soft("22039", format!("jsonpath item method .{name}() can only be applied to an array"));
            }
            (Method::Double, Some(Jsonb::Number(n))) => {
                let text = Numeric::from_bytes(n).to_string();
                match crate::types::float::parse_f64(&text) {
                    Ok(f) => Tree::Number(Numeric::from_f64(f)),
                    Err(_) => {
                        return soft(
                            "22036",
                            format!(
                                "numeric argument of jsonpath item method .{name}() is out of range for type double precision"
                            ),
                        );
                    }
                }
            }
            (Method::Double, Some(Jsonb::String(s))) => match crate::types::float::parse_f64(s) {
                Ok(f) if f.is_finite() => Tree::Number(Numeric::from_f64(f)),
                _ => {
                    return soft(
                        "22036",
                        format!(
                            "string argument of jsonpath item method .{name}() is not a valid representation of a double precision number"
                        ),
                    );
                }
            },
            (Method::Double, _) => {
                return soft(
                    "22036",
                    format!("jsonpath item method .{name}() can only be applied to a string or numeric value"),
                );
            }
            (Method::KeyValue, Some(Jsonb::Object(_))) => return self.key_values(rest, v, found),
            (Method::KeyValue, _) => {
                return soft("2203C", format!("jsonpath item method .{name}() can only be applied to an object"));
            }
            (_, Some(Jsonb::Number(n))) => {
                let n = Numeric::from_bytes(n);
                Tree::Number(match m {
                    Method::Abs => n.abs(),
                    Method::Floor => n.floor(),
                    _ => n.ceil(),
                })
            }
            _ => {
                return soft("22036", format!("jsonpath item method .{name}() can only be applied to a numeric value"));
            }
        };
        self.next(rest, encoded(value)?, found)
    }

    fn key_values(&mut self, rest: &[Kind], v: &Value<'a>, mut found: Found<'a, '_>) -> Run<bool> {
        let Some(Jsonb::Object(pairs)) = v.json() else { return Ok(false) };
        let Value::Stored(stored) = v else { return Ok(false) };
        let ids = self.object_ids.get_or_insert_with(|| ObjectIds::of(self.document));
        let Some(id) = ids.get(stored) else {
            let text = "jsonpath item method .keyvalue() is not supported for objects that are no part of the document";
            return Err(Error::unsupported(text).into());
        };
        let id = Numeric::from(id as i64);
        let mut any = false;
        for (key, value) in pairs.iter() {
            let row = vec![
                ("id".to_string(), Tree::Number(id.clone())),
                ("key".to_string(), Tree::String(key.to_string())),
                ("value".to_string(), value.to_tree()),
            ];
            any |= self.next(rest, encoded(Tree::Object(row))?, found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(any)
    }

    /// The values of an operand; in lax mode those of arrays one by one.
    fn unwrapped(&mut self, item: &Item, v: &Value<'a>, out: &mut Vec<Value<'a>>) -> Run<()> {
        let mut values = Vec::new();
        self.item(item, v, Some(&mut values))?;
        for value in values {
            if self.lax && is_array(&value) {
                out.extend(children(&value));
            } else {
                out.push(value);
            }
        }
        Ok(())
    }

    fn arithmetic(&mut self, op: Binary, left: &Item, right: &Item, v: &Value<'a>) -> Run<Numeric> {
        let one = |this: &mut Self, item: &Item, side: &str| {
            let mut values = Vec::new();
            this.unwrapped(item, v, &mut values)?;
            match values.as_slice() {
                [one] => number(one),
                _ => None,
            }
            .map_or_else(
                || {
                    soft(
                        "22038",
                        format!("{side} operand of jsonpath operator {} is not a single numeric value", op.sign()),
                    )
                },
                Ok,
            )
        };
        let (a, b) = (one(self, left, "left")?, one(self, right, "right")?);
        let value = match op {
            Binary::Add => Ok(a.add(&b)),
            Binary::Sub => Ok(a.sub(&b)),
            Binary::Mul => Ok(a.mul(&b)),
            Binary::Div => a.div(&b),
            _ => a.rem(&b),
        };
        value.map_err(Stop::Soft)
    }

    fn truth(&mut self, kind: &Kind, v: &Value<'a>) -> Run<Truth> {
        match kind {
            Kind::Binary(Binary::And, a, b) => match self.truth(&a.kind, v)? {
                Truth::False => Ok(Truth::False),
                first => Ok(match self.truth(&b.kind, v)? {
                    Truth::True => first,
                    second => second,
                }),
            },
            Kind::Binary(Binary::Or, a, b) => match self.truth(&a.kind, v)? {
                Truth::True => Ok(Truth::True),
                first => Ok(match self.truth(&b.kind, v)? {
                    Truth::False => first,
                    second => second,
                }),
            },
            Kind::Not(a) => Ok(match self.truth(&a.kind, v)? {
                Truth::Unknown => Truth::Unknown,
                t => (t == Truth::False).into(),
            }),
            Kind::IsUnknown(a) => Ok((self.truth(&a.kind, v)? == Truth::Unknown).into()),
            Kind::Exists(a) => {
                // In strict mode an error in any of the values counts.
                let mut values = Vec::new();
                let done = match self.lax {
                    true => self.item(a, v, None),
                    false => self.item(a, v, Some(&mut values)).map(|_| !values.is_empty()),
                };
                match done {
                    Ok(found) => Ok(found.into()),
                    Err(Stop::Soft(_)) => Ok(Truth::Unknown),
                    Err(hard) => Err(hard),
                }
            }
            Kind::LikeRegex(a, pattern, flags) => {
                let flags = super::like_regex::flags(flags)?;
                self.predicate(a, None, v, &mut |this, left, _| match left.json() {
                    Some(Jsonb::String(s)) => {
                        let regex = this.cx.regexes.get(pattern, flags)?;
                        Ok(regex.is_match(s)?.into())
                    }
                    _ => Ok(Truth::Unknown),
                })
            }
            Kind::Binary(Binary::StartsWith, a, b) => self.predicate(a, Some((b, false)), v, &mut |_, left, right| {
                Ok(match (left.json(), right.and_then(Value::json)) {
                    (Some(Jsonb::String(whole)), Some(Jsonb::String(initial))) => whole.starts_with(initial).into(),
                    _ => Truth::Unknown,
                })
            }),
            Kind::Binary(op, a, b) => self.predicate(a, Some((b, true)), v, &mut |this, left, right| {
                let Some(right) = right else { return Ok(Truth::Unknown) };
                this.compared(*op, left, right)
            }),
            _ => Err(Error::internal("not a jsonpath predicate").into()),
        }
    }

    /// Whether any pair of the operands' values fulfils a condition (jsonpath_exec.c, executePredicate).
    fn predicate(
        &mut self,
        left: &Item,
        right: Option<(&Item, bool)>,
        v: &Value<'a>,
        test: &mut dyn FnMut(&mut Self, &Value<'_>, Option<&Value<'_>>) -> Run<Truth>,
    ) -> Run<Truth> {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        let done = self.unwrapped(left, v, &mut lefts).and_then(|()| match right {
            Some((item, true)) => self.unwrapped(item, v, &mut rights),
            Some((item, false)) => self.item(item, v, Some(&mut rights)).map(|_| ()),
            None => Ok(()),
        });
        match done {
            Err(Stop::Soft(_)) => return Ok(Truth::Unknown),
            other => other?,
        }
        let rights: Vec<Option<Value<'a>>> = match right {
            Some(_) => rights.into_iter().map(Some).collect(),
            None => vec![None],
        };
        let (mut found, mut error) = (false, false);
        for l in &lefts {
            for r in &rights {
                match test(self, l, r.as_ref())? {
                    Truth::Unknown if !self.lax => return Ok(Truth::Unknown),
                    Truth::Unknown => error = true,
                    Truth::True if self.lax => return Ok(Truth::True),
                    Truth::True => found = true,
                    Truth::False => {}
                }
            }
        }
        Ok(match (found, error) {
            (true, _) => Truth::True,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::False,
        })
    }

    fn compared(&mut self, op: Binary, a: &Value<'_>, b: &Value<'_>) -> Run<Truth> {
        match (a, b) {
            (Value::Stored(a), Value::Stored(b)) => Ok(compared(op, Jsonb::new(a), Jsonb::new(b))),
            (Value::Moment(a), Value::Moment(b)) => {
                let order = moment::compare(*a, *b, self.use_zone, &self.cx.io)?;
                Ok(order.map_or(Truth::Unknown, |o| decided(op, o)))
            }
            (Value::Stored(s), _) | (_, Value::Stored(s)) if matches!(Jsonb::new(s), Jsonb::Null) => {
                Ok((op == Binary::NotEqual).into())
            }
            _ => Ok(Truth::Unknown),
        }
    }
}

/// The templates `.datetime()` tries by itself, one by one.
const TEMPLATES: [&str; 19] = [
    "yyyy-mm-dd",
    "HH24:MI:SS.USTZH:TZM",
    "HH24:MI:SS.USTZH",
    "HH24:MI:SSTZH:TZM",
    "HH24:MI:SSTZH",
    "HH24:MI:SS.US",
    "HH24:MI:SS",
    "yyyy-mm-dd HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd HH24:MI:SS.USTZH",
    "yyyy-mm-dd HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd HH24:MI:SSTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH",
    "yyyy-mm-dd HH24:MI:SS.US",
    "yyyy-mm-dd HH24:MI:SS",
    "yyyy-mm-dd\"T\"HH24:MI:SS.US",
    "yyyy-mm-dd\"T\"HH24:MI:SS",
];

/// What `.datetime()` makes of a value (PostgreSQL 15, jsonpath_exec.c, executeDateTimeMethod).
fn moment_of(v: &Value<'_>, template: Option<&str>) -> Run<Moment> {
    let Some(Jsonb::String(text)) = v.json() else {
        return soft("22031", "jsonpath item method .datetime() can only be applied to a string");
    };
    if let Some(template) = template {
        return read_standard(text, &parse_standard(template)?).map_err(Stop::Soft);
    }
    for template in TEMPLATES {
        if let Ok(m) = read_standard(text, &parse_standard(template)?) {
            return Ok(m);
        }
    }
    let e = Error::new(state("22031"), format!("datetime format is not recognized: \"{text}\""));
    Err(Stop::Soft(e.hint("Use a datetime template argument to specify the input data format.")))
}

fn compared(op: Binary, a: Jsonb<'_>, b: Jsonb<'_>) -> Truth {
    let order = match (a, b) {
        (Jsonb::Null, Jsonb::Null) => Ordering::Equal,
        (Jsonb::Bool(a), Jsonb::Bool(b)) => a.cmp(&b),
        (Jsonb::Number(a), Jsonb::Number(b)) => Numeric::compare_bytes(a, b),
        (Jsonb::String(a), Jsonb::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        // NULL is not equal to anything else.
        (Jsonb::Null, _) | (_, Jsonb::Null) => return (op == Binary::NotEqual).into(),
        _ => return Truth::Unknown,
    };
    decided(op, order)
}

fn decided(op: Binary, order: Ordering) -> Truth {
    match op {
        Binary::Equal => order.is_eq(),
        Binary::NotEqual => order.is_ne(),
        Binary::Less => order.is_lt(),
        Binary::Greater => order.is_gt(),
        Binary::LessOrEqual => order.is_le(),
        _ => order.is_ge(),
    }
    .into()
}

/// Runs a path; a silent caller is told of soft errors by None, and gets what was found before.
fn execute<'a>(
    cx: &mut FnContext,
    args: &[Datum<'a>],
    silent: bool,
    (wanted, use_zone): (bool, bool),
) -> Result<(Option<bool>, Vec<Stored<'a>>)> {
    let path: Path = jsonpath::parse(args[1].str())?;
    let vars = match args.get(2) {
        Some(Datum::Bytes(vars)) => match Jsonb::new(vars) {
            Jsonb::Object(_) => Some(*vars),
            _ => {
                return Err(err!(INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
                    .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
            }
        },
        _ => None,
    };
    let root = Value::Stored(Cow::Borrowed(args[0].bytes()));
    let mut run = Executor {
        cx,
        document: args[0].bytes(),
        object_ids: None,
        use_zone,
        root: root.clone(),
        vars,
        current: root.clone(),
        lax: !path.strict,
        ignore: !path.strict,
        array_size: -1,
    };
    let mut values = Vec::new();
    let found = if wanted || path.strict { Some(&mut values) } else { None };
    let ran = run.item(&path.root, &root, found);
    let values = values.into_iter().map(Value::stored).collect::<Result<Vec<_>>>()?;
    match ran {
        Ok(any) => Ok((Some(if path.strict && !wanted { !values.is_empty() } else { any }), values)),
        Err(Stop::Soft(_)) if silent => Ok((None, values)),
        Err(Stop::Soft(e) | Stop::Hard(e)) => Err(e),
    }
}

fn is_silent(args: Args<'_, '_>) -> bool {
    matches!(args.get(3), Some(Datum::Bool(true)))
}

fn exists<const ZONE: bool>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (found, _) = execute(cx, args, is_silent(args), (false, ZONE))?;
    out.push(found.map_or(Datum::Null, Datum::Bool));
    Ok(())
}

fn exists_operator(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (found, _) = execute(cx, args, true, (false, false))?;
    out.push(found.map_or(Datum::Null, Datum::Bool));
    Ok(())
}

fn matched(cx: &mut FnContext, args: Args<'_, '_>, silent: bool, use_zone: bool, out: &mut Column) -> Result<()> {
    let (_, values) = execute(cx, args, silent, (true, use_zone))?;
    let one = match values.as_slice() {
        [one] => match Jsonb::new(one) {
            Jsonb::Bool(b) => Some(Datum::Bool(b)),
            Jsonb::Null => Some(Datum::Null),
            _ => None,
        },
        _ => None,
    };
    match one {
        Some(answer) => out.push(answer),
        None if silent => out.push_null(),
        None => return Err(Error::new(state("22038"), "single boolean result is expected")),
    }
    Ok(())
}

fn matches<const ZONE: bool>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    matched(cx, args, is_silent(args), ZONE, out)
}

fn match_operator(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    matched(cx, args, true, false, out)
}

fn query_array<const ZONE: bool>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let values = query(cx, args, ZONE)?;
    let items = values.iter().map(|v| Jsonb::new(v).to_tree()).collect();
    out.push(Datum::Bytes(&Tree::Array(items).encode()?));
    Ok(())
}

fn query_first<const ZONE: bool>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let values = query(cx, args, ZONE)?;
    out.push(values.first().map_or(Datum::Null, |v| Datum::Bytes(v)));
    Ok(())
}

/// All values a path finds: `jsonb_path_query`.
pub fn query<'a>(cx: &mut FnContext, args: &[Datum<'a>], use_zone: bool) -> Result<Vec<Stored<'a>>> {
    Ok(execute(cx, args, is_silent(args), (true, use_zone))?.1)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("jsonb_path_exists", Scalar(exists::<false>)),
    ("jsonb_path_exists_tz", Scalar(exists::<true>)),
    ("jsonb_path_exists_opr", Scalar(exists_operator)),
    ("jsonb_path_match", Scalar(matches::<false>)),
    ("jsonb_path_match_tz", Scalar(matches::<true>)),
    ("jsonb_path_match_opr", Scalar(match_operator)),
    ("jsonb_path_query_array", Scalar(query_array::<false>)),
    ("jsonb_path_query_array_tz", Scalar(query_array::<true>)),
    ("jsonb_path_query_first", Scalar(query_first::<false>)),
    ("jsonb_path_query_first_tz", Scalar(query_first::<true>)),
];
