//! Arrays of any type, of up to six dimensions.
//!
//! Bytes: number of dimensions u8, flags u8 (bit 0: there may be NULLs), element type u32 LE; per dimension length
//! u32 LE and lower bound i32 LE; if flagged a bitmap of one bit per element (1 = NULL, lowest bit first); then the
//! elements that are not NULL in row-major order, each in its [stored form](super::record): fixed width, or length u32 LE and bytes.
//!
//! Invariants
//! - ARR-1: an array without elements has no dimensions; but for a list of rights that is empty ([`from_rights`]).

use super::datum::{Datum, Phys};
use super::{IoContext, TypeRef, info, io, oid, phys};
use crate::base::{Error, Oid, Result};
use crate::{bail, err};
use smallvec::SmallVec;

pub const MAX_DIMS: usize = 6;
/// As many elements as PostgreSQL allows.
pub const MAX_SIZE: usize = 0x3fff_ffff / 8;

/// One dimension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dim {
    pub len: usize,
    pub lower: i32,
}

impl Dim {
    pub fn upper(self) -> i32 {
        (i64::from(self.lower) + self.len as i64 - 1) as i32
    }
}

pub type Dims = SmallVec<[Dim; 2]>;

/// An array taken apart; elements are read one after the other.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    pub element: Oid,
    pub dims: Dims,
    nulls: &'a [u8],
    data: &'a [u8],
}

/// Appends a value in the form arrays and records keep.
pub(super) fn put(value: Datum<'_>, out: &mut Vec<u8>) {
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(v.into()),
        Datum::I16(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::I32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::U32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::I64(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::F32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::F64(v) => out.extend_from_slice(&v.to_le_bytes()),
        Datum::Bytes(v) => {
            out.extend_from_slice(&(v.len() as u32).to_le_bytes());
            out.extend_from_slice(v);
        }
    }
}

/// Takes a value of a physical form from the front of `data`; None if the bytes are damaged.
pub(super) fn take<'a>(form: Phys, data: &mut &'a [u8]) -> Option<Datum<'a>> {
    fn chunk<'a, const N: usize>(data: &mut &'a [u8]) -> Option<&'a [u8; N]> {
        let (head, rest) = data.split_first_chunk()?;
        *data = rest;
        Some(head)
    }
    Some(match form {
        Phys::Bool => Datum::Bool(chunk::<1>(data)?[0] != 0),
        Phys::I16 => Datum::I16(i16::from_le_bytes(*chunk(data)?)),
        Phys::I32 => Datum::I32(i32::from_le_bytes(*chunk(data)?)),
        Phys::U32 => Datum::U32(u32::from_le_bytes(*chunk(data)?)),
        Phys::I64 => Datum::I64(i64::from_le_bytes(*chunk(data)?)),
        Phys::F32 => Datum::F32(f32::from_le_bytes(*chunk(data)?)),
        Phys::F64 => Datum::F64(f64::from_le_bytes(*chunk(data)?)),
        Phys::Bytes => {
            let len = u32::from_le_bytes(*chunk(data)?) as usize;
            let (head, rest) = data.split_at_checked(len)?;
            *data = rest;
            Datum::Bytes(head)
        }
    })
}

impl<'a> Array<'a> {
    /// Takes the stored form apart; damaged bytes read as an empty array.
    pub fn new(stored: &'a [u8]) -> Array<'a> {
        Array::read(stored).unwrap_or(Array { element: oid::TEXT, dims: Dims::new(), nulls: &[], data: &[] })
    }

    fn read(stored: &'a [u8]) -> Option<Array<'a>> {
        let (head, mut rest) = stored.split_first_chunk::<6>()?;
        let element = Oid(u32::from_le_bytes([head[2], head[3], head[4], head[5]]));
        let mut dims = Dims::new();
        for _ in 0..head[0] {
            let (d, after) = rest.split_first_chunk::<8>()?;
            dims.push(Dim {
                len: u32::from_le_bytes([d[0], d[1], d[2], d[3]]) as usize,
                lower: i32::from_le_bytes([d[4], d[5], d[6], d[7]]),
            });
            rest = after;
        }
        let mut array = Array { element, dims, nulls: &[], data: rest };
        if head[1] & 1 != 0 {
            (array.nulls, array.data) = rest.split_at_checked(array.len().div_ceil(8))?;
        }
        Some(array)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        if self.dims.is_empty() { 0 } else { self.dims.iter().map(|d| d.len).product() }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn has_nulls(&self) -> bool {
        self.nulls.iter().any(|b| *b != 0)
    }

    /// All elements in row-major order.
    pub fn iter(&self) -> Elements<'a> {
        Elements { form: phys(self.element), nulls: self.nulls, data: self.data, at: 0, len: self.len() }
    }

    /// The element with this number in row-major order.
    pub fn nth(&self, n: usize) -> Datum<'a> {
        if n >= self.len() {
            return Datum::Null;
        }
        let form = phys(self.element);
        if let (Some(width), true) = (form.width(), self.nulls.is_empty()) {
            let mut at = self.data.get(n * width..).unwrap_or(&[]);
            return take(form, &mut at).unwrap_or(Datum::Null);
        }
        self.iter().nth(n).unwrap_or(Datum::Null)
    }

    /// The element with these subscripts, NULL if there is none.
    pub fn get(&self, subscripts: &[i32]) -> Datum<'a> {
        self.position(subscripts).map_or(Datum::Null, |n| self.nth(n))
    }

    /// The row-major number of an element by its subscripts.
    pub fn position(&self, subscripts: &[i32]) -> Option<usize> {
        if subscripts.len() != self.dims.len() || subscripts.is_empty() {
            return None;
        }
        let mut n = 0;
        for (s, d) in subscripts.iter().zip(&self.dims) {
            let offset = usize::try_from(i64::from(*s) - i64::from(d.lower)).ok().filter(|o| *o < d.len)?;
            n = n * d.len + offset;
        }
        Some(n)
    }

    /// `array[l1:u1][l2:u2]…`; bounds left out are None. Missing dimensions are taken whole.
    pub fn slice(&self, bounds: &[(Option<i32>, Option<i32>)]) -> Vec<u8> {
        let mut ranges = Vec::new();
        if bounds.len() > self.dims.len() || self.dims.is_empty() {
            return Builder::new(self.element).finish();
        }
        for (i, d) in self.dims.iter().enumerate() {
            let (lower, upper) = bounds.get(i).copied().unwrap_or((None, None));
            let lower = lower.unwrap_or(d.lower).max(d.lower);
            let upper = upper.unwrap_or(d.upper()).min(d.upper());
            if lower > upper {
                return Builder::new(self.element).finish();
            }
            ranges.push(((lower - d.lower) as usize, (upper - d.lower) as usize));
        }
        let mut b = Builder::new(self.element);
        for (n, value) in self.iter().enumerate() {
            let mut rest = n;
            let inside = self.dims.iter().zip(&ranges).rev().all(|(d, (low, high))| {
                let at = rest % d.len;
                rest /= d.len;
                (*low..=*high).contains(&at)
            });
            if inside {
                b.push(value);
            }
        }
        let dims = ranges.iter().map(|(low, high)| Dim { len: high - low + 1, lower: 1 }).collect();
        b.finish_with(dims)
    }
}

/// Iterates over an array's elements.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Phys,
    nulls: &'a [u8],
    data: &'a [u8],
    at: usize,
    len: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Datum<'a>;

    fn next(&mut self) -> Option<Datum<'a>> {
        if self.at >= self.len {
            return None;
        }
        let at = self.at;
        self.at += 1;
        if self.nulls.get(at / 8).is_some_and(|b| b >> (at % 8) & 1 == 1) {
            return Some(Datum::Null);
        }
        Some(take(self.form, &mut self.data).unwrap_or(Datum::Null))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len - self.at, Some(self.len - self.at))
    }
}

/// Puts an array together, element by element.
#[derive(Clone, Debug)]
pub struct Builder {
    element: Oid,
    len: usize,
    nulls: Vec<u8>,
    any_null: bool,
    data: Vec<u8>,
}

impl Builder {
    pub fn new(element: Oid) -> Builder {
        Builder { element, len: 0, nulls: Vec::new(), any_null: false, data: Vec::new() }
    }

    pub fn push(&mut self, value: Datum<'_>) {
        if self.len.is_multiple_of(8) {
            self.nulls.push(0);
        }
        if value.is_null() {
            self.nulls[self.len / 8] |= 1 << (self.len % 8);
            self.any_null = true;
        }
        put(value, &mut self.data);
        self.len += 1;
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A one-dimensional array from subscript 1.
    pub fn finish(self) -> Vec<u8> {
        let dims = Dims::from_slice(&[Dim { len: self.len, lower: 1 }]);
        self.finish_with(dims)
    }

    /// An array of the given dimensions, whose product is the number of elements.
    pub fn finish_with(self, dims: Dims) -> Vec<u8> {
        debug_assert!(self.len == 0 || dims.iter().map(|d| d.len).product::<usize>() == self.len);
        // ARR-1.
        let dims = if self.len == 0 { Dims::new() } else { dims };
        let mut out = Vec::with_capacity(6 + 8 * dims.len() + self.nulls.len() + self.data.len());
        out.extend_from_slice(&[dims.len() as u8, self.any_null.into()]);
        out.extend_from_slice(&self.element.0.to_le_bytes());
        for d in &dims {
            out.extend_from_slice(&(d.len as u32).to_le_bytes());
            out.extend_from_slice(&d.lower.to_le_bytes());
        }
        if self.any_null {
            out.extend_from_slice(&self.nulls);
        }
        out.extend_from_slice(&self.data);
        out
    }
}

/// Where the elements of a one-dimensional array without a bitmap of NULLs begin, and its bounds.
fn plain(stored: &[u8]) -> Option<(usize, Dim)> {
    let array = Array::read(stored)?;
    let [dim] = array.dims[..] else { return None };
    (stored[1] & 1 == 0).then_some((stored.len() - array.data.len(), dim))
}

/// Adds an element behind the last one, in place. False, and nothing done, unless the array has one dimension and room
/// and neither it nor the element knows NULL.
pub fn push(stored: &mut Vec<u8>, value: Datum<'_>) -> bool {
    let Some((begin, dim)) = plain(stored).filter(|(_, d)| d.len < MAX_SIZE && d.upper() < i32::MAX) else {
        return false;
    };
    if value.is_null() {
        return false;
    }
    stored[begin - 8..begin - 4].copy_from_slice(&(dim.len as u32 + 1).to_le_bytes());
    put(value, stored);
    true
}

/// Replaces an element that is there, in place. False, and nothing done, unless the array has one dimension and its
/// elements one width, and neither it nor the element knows NULL.
pub fn replace(stored: &mut [u8], subscript: i32, value: Datum<'_>) -> bool {
    let Some((begin, dim)) = plain(stored) else { return false };
    let form = phys(Array::new(stored).element);
    let offset = usize::try_from(i64::from(subscript) - i64::from(dim.lower)).ok().filter(|o| *o < dim.len);
    let (Some(width), Some(n), false) = (form.width(), offset, value.is_null()) else { return false };
    let mut bytes = Vec::with_capacity(width);
    put(value, &mut bytes);
    match stored.get_mut(begin + n * width..begin + (n + 1) * width) {
        Some(place) if bytes.len() == width => {
            place.copy_from_slice(&bytes);
            true
        }
        _ => false,
    }
}

/// A one-dimensional array of these values.
pub fn from_values<'a>(element: Oid, values: impl IntoIterator<Item = Datum<'a>>) -> Vec<u8> {
    let mut b = Builder::new(element);
    values.into_iter().for_each(|v| b.push(v));
    b.finish()
}

/// A one-dimensional array of texts.
pub fn from_texts<S: AsRef<str>>(element: Oid, texts: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut b = Builder::new(element);
    texts.into_iter().for_each(|t| b.push(Datum::Bytes(t.as_ref().as_bytes())));
    b.finish()
}

/// A list of rights. PostgreSQL makes them with one dimension even where nobody has any (acl.c, allocacl), which its
/// functions on them ask for.
pub fn from_rights<S: AsRef<str>>(items: &[S]) -> Vec<u8> {
    if !items.is_empty() {
        return from_texts(oid::ACLITEM, items);
    }
    let mut out = vec![1, 0];
    out.extend_from_slice(&oid::ACLITEM.0.to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    out.extend_from_slice(&1i32.to_le_bytes());
    out
}

/// The array of arrays `ARRAY[a, b, …]` makes.
///
/// # Errors
/// 2202E if the dimensions differ; 54000 if there would be too many.
pub fn nest(element: Oid, parts: &[Datum<'_>]) -> Result<Vec<u8>> {
    let mut b = Builder::new(element);
    let mut inner: Option<Dims> = None;
    let mut count = 0;
    let mismatch =
        || err!(ARRAY_SUBSCRIPT_ERROR, "multidimensional arrays must have array expressions with matching dimensions");
    let mut empty = 0;
    for part in parts {
        let array = match part {
            Datum::Null => {
                empty += 1;
                continue;
            }
            d => Array::new(d.bytes()),
        };
        if array.dims.is_empty() {
            empty += 1;
            continue;
        }
        match &inner {
            None => inner = Some(array.dims.clone()),
            Some(dims) if *dims == array.dims => {}
            Some(_) => return Err(mismatch()),
        }
        array.iter().for_each(|v| b.push(v));
        count += 1;
    }
    let Some(inner) = inner else { return Ok(b.finish()) };
    if empty > 0 {
        return Err(mismatch());
    }
    if inner.len() >= MAX_DIMS {
        return Err(too_many_dims(inner.len() + 1));
    }
    let mut dims = Dims::from_slice(&[Dim { len: count, lower: 1 }]);
    dims.extend(inner);
    Ok(b.finish_with(dims))
}

#[cold]
pub fn too_many_dims(count: usize) -> Error {
    err!(PROGRAM_LIMIT_EXCEEDED, "number of array dimensions ({count}) exceeds the maximum allowed ({MAX_DIMS})")
}

fn delimiter(element: Oid) -> char {
    info(element).map_or(',', |i| i.delim as char)
}

/// Appends the text form: `{1,2}`, `[0:1]={1,2}`, `{{1,2},{3,4}}`.
pub fn write(stored: &[u8], out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let array = Array::new(stored);
    if array.is_empty() {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    if array.dims.iter().any(|d| d.lower != 1) {
        for d in &array.dims {
            out.extend_from_slice(format!("[{}:{}]", d.lower, d.upper()).as_bytes());
        }
        out.push(b'=');
    }
    let delim = delimiter(array.element) as u8;
    let typ = TypeRef::of(array.element);
    let mut text = Vec::new();
    let mut elements = array.iter();
    let mut at = vec![0; array.dims.len()];
    let last = array.dims.len() - 1;
    out.resize(out.len() + array.dims.len(), b'{');
    loop {
        match elements.next().unwrap_or(Datum::Null) {
            Datum::Null => out.extend_from_slice(b"NULL"),
            value => {
                text.clear();
                io::text_out(typ, value, &mut text, io_context)?;
                quote_element(&text, delim, out);
            }
        }
        // Counts up like an odometer; every wheel that turns over closes a brace.
        let mut level = last as isize;
        while level >= 0 {
            let l = level as usize;
            at[l] += 1;
            if at[l] < array.dims[l].len {
                break;
            }
            at[l] = 0;
            out.push(b'}');
            level -= 1;
        }
        if level < 0 {
            return Ok(());
        }
        out.push(delim);
        out.resize(out.len() + last - level as usize, b'{');
    }
}

fn quote_element(text: &[u8], delim: u8, out: &mut Vec<u8>) {
    let special = |b: &u8| matches!(b, b'"' | b'\\' | b'{' | b'}') || *b == delim || super::text::is_space(*b as char);
    if !text.is_empty() && !text.eq_ignore_ascii_case(b"null") && !text.iter().any(special) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &b in text {
        if b == b'"' || b == b'\\' {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// Reads the text form. What is wrong with the braces is told before what is wrong with an element (PostgreSQL 15,
/// arrayfuncs.c, array_in, which counts first and reads then).
pub fn parse(element: TypeRef, text: &str, io_context: &IoContext) -> Result<Vec<u8>> {
    read(element, text, io_context, false).or_else(|e| read(element, text, io_context, true).and(Err(e)))
}

/// `count`: looks at the braces alone, every element counts as NULL.
fn read(element: TypeRef, text: &str, io_context: &IoContext, count: bool) -> Result<Vec<u8>> {
    let mut p = Reader { text, rest: text.trim_start_matches(super::text::is_space), element, io: io_context, count };
    let bounds = p.bounds()?;
    if !p.rest.starts_with('{') {
        return Err(p.malformed(if bounds.is_some() {
            "Array contents must start with \"{\"."
        } else {
            "Array value must start with \"{\" or dimension information."
        }));
    }
    let mut b = Builder::new(element.oid);
    let mut lens: Vec<Option<usize>> = Vec::new();
    p.level(0, &mut lens, &mut b)?;
    if !p.rest.trim_start_matches(super::text::is_space).is_empty() {
        return Err(p.malformed("Junk after closing right brace."));
    }
    if b.is_empty() {
        return Ok(b.finish());
    }
    let lens: Vec<usize> = lens.into_iter().map(|l| l.unwrap_or(0)).collect();
    let dims = match bounds {
        None => lens.iter().map(|len| Dim { len: *len, lower: 1 }).collect(),
        Some(dims) => {
            if dims.len() != lens.len() || dims.iter().zip(&lens).any(|(d, l)| d.len != *l) {
                return Err(p.malformed("Specified array dimensions do not match array contents."));
            }
            dims
        }
    };
    Ok(b.finish_with(dims))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    element: TypeRef,
    io: &'a IoContext,
    count: bool,
}

/// The digits and signs a text begins with, and what follows.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+')).unwrap_or(text.len());
    text.split_at(end)
}

impl Reader<'_> {
    #[cold]
    fn malformed(&self, detail: &str) -> Error {
        err!(INVALID_TEXT_REPRESENTATION, "malformed array literal: \"{}\"", self.text).detail(detail)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(super::text::is_space);
    }

    /// `[l:u][l:u]=`, if it stands there.
    fn bounds(&mut self) -> Result<Option<Dims>> {
        let mut dims = Dims::new();
        loop {
            self.skip();
            let Some(rest) = self.rest.strip_prefix('[') else { break };
            if dims.len() >= MAX_DIMS {
                return Err(too_many_dims(dims.len() + 1));
            }
            let number = |t: &str| super::int::parse::<i32>(t, "integer");
            let (first, mut after) = digits(rest);
            if first.is_empty() {
                return Err(self.malformed("\"[\" must introduce explicitly-specified array dimensions."));
            }
            let (mut lower, mut upper) = (1, first);
            if let Some(second) = after.strip_prefix(':') {
                lower = number(first)?;
                (upper, after) = digits(second);
                if upper.is_empty() {
                    return Err(self.malformed("Missing array dimension value."));
                }
            }
            let Some(after) = after.strip_prefix(']') else {
                return Err(self.malformed("Missing \"]\" after array dimensions."));
            };
            let upper = number(upper)?;
            if upper < lower {
                bail!(ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
            }
            let len = (i64::from(upper) - i64::from(lower) + 1) as usize;
            if len > MAX_SIZE {
                bail!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_SIZE})");
            }
            dims.push(Dim { len, lower });
            self.rest = after;
        }
        if dims.is_empty() {
            return Ok(None);
        }
        let Some(rest) = self.rest.strip_prefix('=') else {
            return Err(self.malformed("Missing \"=\" after array dimensions."));
        };
        self.rest = rest;
        self.skip();
        Ok(Some(dims))
    }

    /// One pair of braces with what is inside.
    fn level(&mut self, depth: usize, lens: &mut Vec<Option<usize>>, b: &mut Builder) -> Result<()> {
        if depth >= MAX_DIMS {
            return Err(too_many_dims(depth + 1));
        }
        if lens.len() == depth {
            if !b.is_empty() {
                return Err(self.malformed("Unexpected \"{\" character."));
            }
            lens.push(None);
        }
        self.rest = &self.rest[1..];
        let mut count = 0;
        loop {
            self.skip();
            match self.rest.chars().next() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some('}') if count == 0 && depth > 0 => {
                    return Err(self.malformed("Unexpected \"}\" character."));
                }
                Some('}') if count == 0 => {
                    self.rest = &self.rest[1..];
                    break;
                }
                Some('{') => self.level(depth + 1, lens, b)?,
                Some(_) => {
                    if lens.len() > depth + 1 {
                        return Err(self.malformed("Unexpected array element."));
                    }
                    self.element(b)?;
                }
            }
            count += 1;
            self.skip();
            let delim = delimiter(self.element.oid);
            match self.rest.chars().next() {
                Some(c) if c == delim => {
                    self.rest = &self.rest[c.len_utf8()..];
                    self.skip();
                    if self.rest.starts_with('}') {
                        return Err(self.malformed("Unexpected \"}\" character."));
                    }
                }
                Some('}') => {
                    self.rest = &self.rest[1..];
                    break;
                }
                None => return Err(self.malformed("Unexpected end of input.")),
                Some('{') => return Err(self.malformed("Unexpected \"{\" character.")),
                Some(_) => return Err(self.malformed("Unexpected array element.")),
            }
        }
        match lens[depth] {
            None => lens[depth] = Some(count),
            Some(l) if l == count => {}
            Some(_) => {
                return Err(self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions."));
            }
        }
        Ok(())
    }

    /// One element: quoted, or up to a delimiter or brace with blanks trimmed.
    fn element(&mut self, b: &mut Builder) -> Result<()> {
        let delim = delimiter(self.element.oid);
        let mut value = String::new();
        // Bytes of `value` that must be kept though they look like trailing blanks.
        let mut keep = 0;
        let mut quoted = false;
        let mut literal = false;
        let mut chars = self.rest.char_indices();
        let end = loop {
            let Some((i, c)) = chars.next() else { return Err(self.malformed("Unexpected end of input.")) };
            match c {
                '"' if literal => {
                    literal = false;
                    keep = value.len();
                }
                '"' => {
                    if quoted || !value.trim_matches(super::text::is_space).is_empty() {
                        return Err(self.malformed("Unexpected array element."));
                    }
                    literal = true;
                    quoted = true;
                }
                '\\' => {
                    let Some((_, escaped)) = chars.next() else {
                        return Err(self.malformed("Unexpected end of input."));
                    };
                    value.push(escaped);
                    keep = value.len();
                    if !literal {
                        // An escape makes it differ from the word NULL.
                        quoted = quoted || value.eq_ignore_ascii_case("null");
                    }
                }
                _ if literal => value.push(c),
                '}' => break i,
                '{' => return Err(self.malformed("Unexpected \"{\" character.")),
                c if c == delim => break i,
                c if quoted && keep == value.len() && !literal && !super::text::is_space(c) => {
                    return Err(self.malformed("Unexpected array element."));
                }
                c if quoted && !literal && super::text::is_space(c) => {}
                c => value.push(c),
            }
        };
        self.rest = &self.rest[end..];
        let trimmed = value[keep..].trim_end_matches(super::text::is_space).len() + keep;
        value.truncate(trimmed);
        if !quoted && self.io.array_nulls && value.eq_ignore_ascii_case("null") {
            io::null_in(self.element.oid, self.io)?;
            b.push(Datum::Null);
            return Ok(());
        }
        if !quoted && value.is_empty() {
            return Err(
                self.malformed(&format!("Unexpected \"{}\" character.", self.rest.chars().next().unwrap_or(delim)))
            );
        }
        match self.count {
            true => b.push(Datum::Null),
            false => b.push(io::text_in(self.element, &value, self.io)?.datum()),
        }
        Ok(())
    }
}

/// Appends the binary form of an `int2vector` or `oidvector`, which has its one dimension also where it is empty.
pub fn write_vector_binary(stored: &[u8], out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let array = Array::new(stored);
    if !array.is_empty() {
        return write_binary(stored, out, io_context);
    }
    for word in [1, 0, array.element.0 as i32, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    Ok(())
}

/// Appends PostgreSQL's binary form.
pub fn write_binary(stored: &[u8], out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let array = Array::new(stored);
    out.extend_from_slice(&(array.dims.len() as i32).to_be_bytes());
    out.extend_from_slice(&i32::from(array.has_nulls()).to_be_bytes());
    out.extend_from_slice(&array.element.0.to_be_bytes());
    for d in &array.dims {
        out.extend_from_slice(&(d.len as i32).to_be_bytes());
        out.extend_from_slice(&d.lower.to_be_bytes());
    }
    for value in array.iter() {
        super::io::sized_binary(TypeRef::of(array.element), value, out, io_context)?;
    }
    Ok(())
}

pub fn from_binary(element: TypeRef, bytes: &[u8], io_context: &IoContext) -> Result<Vec<u8>> {
    let mut r = super::io::Wire(bytes);
    let ndim = r.i32()?;
    if !(0..=MAX_DIMS as i32).contains(&ndim) {
        if ndim < 0 {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid number of dimensions: {ndim}");
        }
        return Err(too_many_dims(ndim as usize));
    }
    let flags = r.i32()?;
    if flags != 0 && flags != 1 {
        bail!(INVALID_BINARY_REPRESENTATION, "invalid array flags");
    }
    let sent = Oid(r.i32()? as u32);
    if sent != element.oid {
        bail!(
            DATATYPE_MISMATCH,
            "binary data has array element type {} ({}) instead of expected {} ({})",
            sent.0,
            super::format_type_plain(sent, &*io_context.hooks),
            element.oid.0,
            super::format_type_plain(element.oid, &*io_context.hooks)
        );
    }
    let mut dims = Dims::new();
    let mut count: usize = 1;
    for _ in 0..ndim {
        let len = r.i32()?;
        let lower = r.i32()?;
        if len < 0 {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid array size");
        }
        count = count
            .checked_mul(len as usize)
            .filter(|c| *c <= MAX_SIZE)
            .ok_or_else(|| err!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_SIZE})"))?;
        dims.push(Dim { len: len as usize, lower });
    }
    let mut b = Builder::new(element.oid);
    if ndim > 0 {
        for _ in 0..count {
            match r.sized()? {
                None => {
                    io::null_in(element.oid, io_context)?;
                    b.push(Datum::Null);
                }
                Some(bytes) => b.push(super::io::binary_in(element, bytes, io_context)?.datum()),
            }
        }
    }
    Ok(b.finish_with(dims))
}

/// Reads the text of an `int2vector` or `oidvector`: numbers separated by blanks, from subscript 0.
pub fn parse_vector(element: Oid, text: &str, io_context: &IoContext) -> Result<Vec<u8>> {
    let mut b = Builder::new(element);
    for word in text.split_ascii_whitespace() {
        b.push(io::text_in(TypeRef::of(element), word, io_context)?.datum());
    }
    let dims = Dims::from_slice(&[Dim { len: b.len(), lower: 0 }]);
    Ok(b.finish_with(dims))
}

pub fn write_vector(stored: &[u8], out: &mut Vec<u8>) {
    for (i, value) in Array::new(stored).iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        match value {
            Datum::I16(v) => super::int::write(v, out),
            Datum::U32(v) => super::int::write(v, out),
            _ => {}
        }
    }
}
