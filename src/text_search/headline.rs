//! The part of a document that shows why it was found (PostgreSQL 15, wparser_def.c, prsd_headline: same choice).

use super::{Config, LONGEST_TOKEN, Lexizer, Parser, Token};
use crate::base::{Error, Result};
use crate::err;
use crate::types::tsquery::{Answer, Found, Query};

/// The options of `ts_headline`.
pub struct Options {
    min_words: i32,
    max_words: i32,
    short_word: i32,
    max_fragments: i32,
    all: bool,
    start: String,
    stop: String,
    delimiter: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            min_words: 15,
            max_words: 35,
            short_word: 3,
            max_fragments: 0,
            all: false,
            start: "<b>".into(),
            stop: "</b>".into(),
            delimiter: " ... ".into(),
        }
    }
}

fn invalid(text: &str) -> Error {
    err!(INVALID_PARAMETER_VALUE, "{text}")
}

impl Options {
    /// `number` reads an integer as PostgreSQL does.
    pub fn read(list: &[(String, String)], number: impl Fn(&str) -> Result<i32>) -> Result<Options> {
        let mut o = Options::default();
        for (name, value) in list {
            match name.to_ascii_lowercase().as_str() {
                "maxwords" => o.max_words = number(value)?,
                "minwords" => o.min_words = number(value)?,
                "shortword" => o.short_word = number(value)?,
                "maxfragments" => o.max_fragments = number(value)?,
                "startsel" => o.start.clone_from(value),
                "stopsel" => o.stop.clone_from(value),
                "fragmentdelimiter" => o.delimiter.clone_from(value),
                "highlightall" => {
                    let yes = ["1", "on", "true", "t", "y", "yes"];
                    o.all = yes.contains(&value.to_ascii_lowercase().as_str());
                }
                _ => return Err(invalid(&format!("unrecognized headline parameter: \"{name}\""))),
            }
        }
        Ok(o)
    }

    fn check(&self) -> Result<()> {
        if !self.all {
            if self.min_words >= self.max_words {
                return Err(invalid("MinWords should be less than MaxWords"));
            }
            if self.min_words <= 0 {
                return Err(invalid("MinWords should be positive"));
            }
            if self.short_word < 0 {
                return Err(invalid("ShortWord should be >= 0"));
            }
            if self.max_fragments < 0 {
                return Err(invalid("MaxFragments should be >= 0"));
            }
        }
        for (name, value) in
            [("StartSel", &self.start), ("StopSel", &self.stop), ("FragmentDelimiter", &self.delimiter)]
        {
            if value.len() > i16::MAX as usize {
                return Err(invalid(&format!("value for \"{name}\" is too long")));
            }
        }
        Ok(())
    }
}

/// A token of the document. One that several operands of the query mean is there for each of them.
#[derive(Clone)]
struct Word<'t> {
    kind: i32,
    text: &'t str,
    position: u16,
    operand: Option<usize>,
    repeated: bool,
    shown: bool,
    selected: bool,
    replaced: bool,
    skipped: bool,
}

struct Document<'t, 'q> {
    words: Vec<Word<'t>>,
    operands: Vec<&'q Query>,
    position: usize,
    too_long: usize,
}

fn is(kind: i32, tokens: &[Token]) -> bool {
    tokens.iter().any(|t| t.number() == kind)
}

/// What stands for its parts.
fn is_whole(kind: i32) -> bool {
    is(kind, &[Token::Url, Token::NumHword, Token::AsciiHword, Token::Hword])
}

fn is_no_word(kind: i32) -> bool {
    is_whole(kind) || is(kind, &[Token::Blank, Token::Tag])
}

/// No headline ends with it.
fn is_no_end(kind: i32) -> bool {
    is_no_word(kind)
        || is(
            kind,
            &[Token::SFloat, Token::Version, Token::Float, Token::Int, Token::Uint, Token::Protocol, Token::Entity],
        )
}

impl<'t, 'q> Document<'t, 'q> {
    fn read(config: &Config, text: &'t str, query: Option<&'q Query>) -> Document<'t, 'q> {
        let operands = query.map(Query::operands).unwrap_or_default();
        let mut d = Document { words: Vec::new(), operands, position: 0, too_long: 0 };
        let mut lexizer = Lexizer::new(config);
        let tokens = Parser::new(text, config.letters).map(|(t, s)| (t.number(), s));
        for (kind, token) in tokens.chain([(0, "")]) {
            if token.len() >= LONGEST_TOKEN {
                d.too_long += 1;
                continue;
            }
            lexizer.add(kind, token);
            loop {
                let norms = lexizer.norms();
                d.position += usize::from(norms.is_some());
                for used in &lexizer.used {
                    if used.kind > 0 {
                        d.words.push(Word {
                            kind: used.kind,
                            text: used.text,
                            position: 0,
                            operand: None,
                            repeated: false,
                            shown: false,
                            selected: false,
                            replaced: false,
                            skipped: false,
                        });
                    }
                    let mut last = d.position;
                    for norm in norms.iter().flatten() {
                        last += usize::from(norm.next_position);
                        d.find(&norm.text, last);
                    }
                }
                match norms {
                    Some(norms) => d.position += norms.iter().filter(|n| n.next_position).count(),
                    None => break,
                }
            }
        }
        d
    }

    /// Notes which operands mean a lexeme of the last word.
    fn find(&mut self, lexeme: &str, position: usize) {
        let Some(at) = self.words.len().checked_sub(1) else { return };
        self.words[at].position = position.min((1 << 14) - 1) as u16;
        for (n, operand) in self.operands.iter().enumerate() {
            let Query::Value { text, prefix, .. } = operand else { continue };
            let fits = if *prefix { lexeme.starts_with(text.as_str()) } else { lexeme == text };
            if !fits {
                continue;
            }
            if self.words[at].operand.is_some() {
                self.words.push(Word { operand: Some(n), repeated: true, ..self.words[at].clone() });
            } else {
                self.words[at].operand = Some(n);
            }
        }
    }

    fn is_interesting(&self, n: usize) -> bool {
        self.words[n].operand.is_some() && !self.words[n].repeated
    }

    fn counts(&self, n: usize) -> i32 {
        i32::from(!is_no_word(self.words[n].kind))
    }

    fn is_bad_end(&self, n: usize, o: &Options) -> bool {
        let w = &self.words[n];
        (is_no_end(w.kind) || w.text.len() as i64 <= i64::from(o.short_word)) && !self.is_interesting(n)
    }

    fn next_operand(&self, from: usize) -> Option<usize> {
        (from..self.words.len()).find(|n| self.words[*n].operand.is_some())
    }

    fn fulfils(&self, query: &Query, from: usize, to: usize) -> bool {
        let words = &self.words[from..=to];
        let mut check = |q: &Query, found: Option<&mut Found>| {
            let Some(n) = self.operands.iter().position(|o| std::ptr::eq(*o, q)) else { return Answer::No };
            let mut places: Vec<u16> = Vec::new();
            for w in words.iter().filter(|w| w.operand == Some(n)) {
                if places.last().is_none_or(|p| *p < w.position) {
                    places.push(w.position);
                }
            }
            let any = !places.is_empty();
            if let Some(found) = found {
                found.places = places;
            }
            if any { Answer::Yes } else { Answer::No }
        };
        query.answer(&mut check) != Answer::No
    }

    /// The next shortest part that fulfils the query.
    fn cover(&self, query: &Query, longest: i64, from: usize) -> Option<(usize, usize)> {
        let mut first = self.next_operand(from);
        while let Some(begin) = first {
            let mut after = None;
            let mut end = Some(begin);
            while let Some(at) = end.filter(|at| ((*at - begin) as i64) < longest || *at == begin) {
                if self.fulfils(query, begin, at) {
                    return Some((begin, at));
                }
                end = self.next_operand(at + 1);
                if at == begin {
                    after = end;
                }
            }
            first = after;
        }
        None
    }

    fn mark(&mut self, o: &Options, from: usize, to: i64) {
        for w in self.words.iter_mut().take((to + 1).max(0) as usize).skip(from) {
            w.selected |= w.operand.is_some();
            if !o.all && w.kind == Token::Tag.number() {
                w.replaced = true;
            } else if is_whole(w.kind) {
                w.skipped = true;
            }
            w.shown = !w.repeated;
        }
    }

    /// The first so many words.
    fn beginning(&self, o: &Options) -> i64 {
        let (mut words, mut end) = (0, -1);
        for n in 0..self.words.len() {
            if words >= o.min_words {
                break;
            }
            words += self.counts(n);
            end = n as i64;
        }
        end
    }

    fn write(&self, o: &Options) -> String {
        let (mut out, mut fragments, mut inside) = (String::new(), 0, false);
        for w in &self.words {
            if w.shown && !w.repeated {
                if !inside {
                    inside = true;
                    fragments += 1;
                    if fragments > 1 {
                        out.push_str(&o.delimiter);
                    }
                }
                if w.replaced {
                    out.push(' ');
                } else if !w.skipped {
                    if w.selected {
                        out.push_str(&o.start);
                    }
                    out.push_str(w.text);
                    if w.selected {
                        out.push_str(&o.stop);
                    }
                }
            } else if !w.repeated {
                inside = false;
            }
        }
        out
    }
}

/// `ts_headline`, and how many tokens were left out.
pub fn headline(config: &Config, text: &str, query: Option<&Query>, o: &Options) -> Result<(String, usize)> {
    let mut d = Document::read(config, text, query);
    o.check()?;
    let mut longest = (i64::from(o.max_words) * 10).max(100);
    if o.max_fragments > 0 {
        longest *= i64::from(o.max_fragments);
        fragments(&mut d, query, o, longest);
    } else {
        one_part(&mut d, query, o, longest);
    }
    Ok((d.write(o), d.too_long))
}

/// A part that may be the headline.
struct Part {
    begin: usize,
    end: usize,
    interesting: i32,
    covers: bool,
}

fn one_part(d: &mut Document<'_, '_>, query: Option<&Query>, o: &Options, longest: i64) {
    if o.all {
        let end = d.words.len() as i64 - 1;
        return d.mark(o, 0, end);
    }
    let mut best: Option<Part> = None;
    let mut from = 0;
    while let Some((p, q)) = query.and_then(|query| d.cover(query, longest, from)) {
        let part = stretched(d, o, p, q);
        let better = best.as_ref().is_none_or(|b| {
            let (this, that) = ((part.covers, part.interesting), (b.covers, b.interesting));
            this > that || this == that && !d.is_bad_end(part.end, o) && d.is_bad_end(b.end, o)
        });
        if better {
            best = Some(part);
        }
        from = p + 1;
    }
    match best {
        Some(b) => d.mark(o, b.begin, b.end as i64),
        None => {
            let end = d.beginning(o);
            d.mark(o, 0, end);
        }
    }
}

/// A cover with words around it, or as much of it as there is room for.
fn stretched(d: &Document<'_, '_>, o: &Options, p: usize, q: usize) -> Part {
    let (mut words, mut interesting) = (0, 0);
    let (mut begin, mut end) = (p, p);
    let mut i = p;
    while i <= q && words < o.max_words {
        words += d.counts(i);
        interesting += i32::from(d.is_interesting(i));
        end = i;
        i += 1;
    }
    if words < o.max_words {
        i -= 1;
        while i < d.words.len() && words < o.max_words {
            if i > q {
                words += d.counts(i);
                interesting += i32::from(d.is_interesting(i));
            }
            end = i;
            if !d.is_bad_end(i, o) && words >= o.min_words {
                break;
            }
            i += 1;
        }
        if words < o.min_words {
            begin = 0;
            for i in (0..p).rev() {
                words += d.counts(i);
                interesting += i32::from(d.is_interesting(i));
                if words >= o.max_words || !d.is_bad_end(i, o) && words >= o.min_words {
                    begin = i;
                    break;
                }
            }
        }
    } else {
        i = i.min(q);
        while words > o.min_words && d.is_bad_end(i, o) {
            words -= d.counts(i);
            interesting -= i32::from(d.is_interesting(i));
            let Some(before) = i.checked_sub(1) else { break };
            end = before;
            i = before;
        }
    }
    Part { begin, end, interesting, covers: begin <= p && end >= q }
}

/// A part of a cover.
#[derive(Clone)]
struct Fragment {
    begin: usize,
    end: usize,
    interesting: i32,
    words: i32,
    out: bool,
}

/// The first part of a cover that has no more words than a headline may.
fn first_fragment(d: &Document<'_, '_>, o: &Options, from: usize, to: usize) -> Fragment {
    let begin = (from..=to).find(|n| d.is_interesting(*n)).unwrap_or(to);
    let (mut words, mut interesting, mut i) = (0, 0, begin);
    while i <= to && words < o.max_words {
        words += d.counts(i);
        interesting += i32::from(d.is_interesting(i));
        i += 1;
    }
    let mut end = to;
    if end > i {
        for n in (begin..=i).rev() {
            end = n;
            if d.is_interesting(n) {
                break;
            }
            words -= d.counts(n);
        }
    }
    Fragment { begin, end, interesting, words, out: false }
}

fn fragments(d: &mut Document<'_, '_>, query: Option<&Query>, o: &Options, longest: i64) {
    let mut all: Vec<Fragment> = Vec::new();
    let mut from = 0;
    while let Some((p, q)) = query.and_then(|query| d.cover(query, longest, from)) {
        let mut start = p;
        while start <= q {
            let fragment = first_fragment(d, o, start, q);
            start = fragment.end + 1;
            all.push(fragment);
        }
        from = p + 1;
    }
    let mut chosen = 0;
    while chosen < o.max_fragments {
        let better = |a: &Fragment, b: &Fragment| {
            a.interesting > b.interesting || a.interesting == b.interesting && a.words < b.words
        };
        let mut best: Option<usize> = None;
        for (n, f) in all.iter().enumerate().filter(|(_, f)| !f.out) {
            let first = f.interesting > 0 || f.words < i32::MAX;
            if best.map_or(first, |b| better(f, &all[b])) {
                best = Some(n);
            }
        }
        let Some(best) = best else { break };
        let f = widened(d, o, &all[best]);
        d.mark(o, f.begin, f.end as i64);
        chosen += 1;
        all[best].out = true;
        for other in &mut all {
            let inside = |n: usize| (f.begin..=f.end).contains(&n);
            other.out |= inside(other.begin) || inside(other.end) || other.begin < f.begin && other.end > f.end;
        }
    }
    if chosen == 0 {
        let end = d.beginning(o);
        d.mark(o, 0, end);
    }
}

/// A fragment with words around it, up to those that are shown already.
fn widened(d: &Document<'_, '_>, o: &Options, f: &Fragment) -> Fragment {
    let mut f = f.clone();
    if f.words >= o.max_words {
        return f;
    }
    let most = (o.max_words - f.words) / 2;
    let (mut stretch, mut marker) = (0, f.begin);
    for i in (0..f.begin).rev() {
        if stretch >= most || d.words[i].shown {
            break;
        }
        f.words += d.counts(i);
        stretch += d.counts(i);
        marker = i;
    }
    while marker < f.begin && d.is_bad_end(marker, o) {
        f.words -= d.counts(marker);
        marker += 1;
    }
    f.begin = marker;
    marker = f.end;
    for i in f.end + 1..d.words.len() {
        if f.words >= o.max_words || d.words[i].shown {
            break;
        }
        f.words += d.counts(i);
        marker = i;
    }
    while marker > f.end && d.is_bad_end(marker, o) {
        f.words -= d.counts(marker);
        marker -= 1;
    }
    f.end = marker;
    f
}
