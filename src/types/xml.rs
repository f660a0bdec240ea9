//! `xml`: text that is checked to be well-formed. No document is kept as a tree, no entity of a DTD is looked up.

use crate::base::{Error, Result};
use crate::err;

/// What an `xml` value may be: one element with what belongs around it, or a sequence of nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Document,
    Content,
}

/// # Errors
/// 2200M for a document, 2200N for content that is not well-formed.
pub fn check(text: &str, form: Form) -> Result<()> {
    match is_well_formed(text, form) {
        true => Ok(()),
        false => Err(broken(form)),
    }
}

fn broken(form: Form) -> Error {
    match form {
        Form::Document => err!(INVALID_XML_DOCUMENT, "invalid XML document"),
        Form::Content => err!(INVALID_XML_CONTENT, "invalid XML content"),
    }
}

pub fn is_well_formed(text: &str, form: Form) -> bool {
    let mut r = Scanner { rest: text };
    r.declaration().and_then(|()| r.nodes(form)).is_some()
}

/// The value as it is written out: a declaration that says nothing is left out (PostgreSQL 15, xml.c, xml_out_internal).
pub fn shown(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("<?xml") else { return text };
    let Some((head, body)) = rest.split_once("?>") else { return text };
    let plain = !head.contains("standalone") && (head.contains("version=\"1.0\"") || head.contains("version='1.0'"));
    if plain { body.strip_prefix('\n').unwrap_or(body) } else { text }
}

struct Scanner<'a> {
    rest: &'a str,
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':' || c as u32 > 0x7F && c.is_alphanumeric()
}

fn is_name(c: char) -> bool {
    is_name_start(c) || c.is_alphanumeric() || matches!(c, '-' | '.' | '\u{B7}')
}

fn is_char(c: char) -> bool {
    !c.is_control() || matches!(c, '\t' | '\n' | '\r') || ('\u{7F}'..='\u{9F}').contains(&c)
}

impl Scanner<'_> {
    fn eat(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn spaces(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }

    fn name(&mut self) -> Option<String> {
        let first = self.rest.chars().next().filter(|c| is_name_start(*c))?;
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let name = self.rest[..end.max(first.len_utf8())].to_string();
        self.rest = &self.rest[name.len()..];
        Some(name)
    }

    fn until(&mut self, end: &str) -> Option<String> {
        let (head, tail) = self.rest.split_once(end)?;
        let head = head.to_string();
        self.rest = tail;
        head.chars().all(is_char).then_some(head)
    }

    fn declaration(&mut self) -> Option<()> {
        if self.rest.starts_with("<?xml") && self.rest[5..].starts_with([' ', '\t', '\n', '\r']) {
            self.eat("<?xml");
            let head = self.until("?>")?;
            let mut attributes = Scanner { rest: &head };
            let mut names = Vec::new();
            while attributes.spaces() && !attributes.rest.is_empty() {
                names.push(attributes.name()?);
                attributes.spaces();
                attributes.eat("=").then_some(())?;
                attributes.spaces();
                attributes.quoted()?;
            }
            let known = ["version", "encoding", "standalone"];
            let in_order = names.iter().all(|n| known.contains(&n.as_str())) && names.first()? == "version";
            return (in_order && attributes.rest.is_empty()).then_some(());
        }
        Some(())
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = if self.eat("\"") { "\"" } else { self.eat("'").then_some("'")? };
        self.until(quote)
    }

    /// `&amp;`, `&#10;`: only what every document knows.
    fn references(text: &str) -> Option<()> {
        for part in text.split('&').skip(1) {
            let (name, _) = part.split_once(';')?;
            let number = match name.strip_prefix("#x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => name.strip_prefix('#').and_then(|n| n.parse().ok()),
            };
            match number {
                Some(n) => char::from_u32(n).filter(|c| is_char(*c)).map(|_| ())?,
                None => ["amp", "lt", "gt", "quot", "apos"].contains(&name).then_some(())?,
            }
        }
        Some(())
    }

    fn nodes(&mut self, form: Form) -> Option<()> {
        let mut open: Vec<String> = Vec::new();
        let (mut roots, mut doctype) = (0, false);
        while !self.rest.is_empty() {
            let outside = open.is_empty() && form == Form::Document;
            if self.eat("<!--") {
                let comment = self.until("--")?;
                let _ = comment;
                self.eat(">").then_some(())?;
            } else if self.eat("<![CDATA[") {
                (!outside).then_some(())?;
                self.until("]]>")?;
            } else if self.eat("<!DOCTYPE") {
                (outside && roots == 0 && !doctype).then_some(())?;
                doctype = true;
                self.doctype()?;
            } else if self.eat("<?") {
                let target = self.name()?;
                (!target.eq_ignore_ascii_case("xml")).then_some(())?;
                (self.rest.starts_with("?>") || self.spaces()).then_some(())?;
                self.until("?>")?;
            } else if self.eat("</") {
                (open.pop()? == self.name()?).then_some(())?;
                self.spaces();
                self.eat(">").then_some(())?;
            } else if self.eat("<") {
                roots += usize::from(open.is_empty());
                (!outside || roots == 1).then_some(())?;
                let name = self.name()?;
                if !self.attributes()? {
                    // Deeper than libxml's own limit.
                    (open.len() < 256).then_some(())?;
                    open.push(name);
                }
            } else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                (text.chars().all(is_char) && !text.contains("]]>")).then_some(())?;
                Scanner::references(text)?;
                (!outside || text.trim_matches([' ', '\t', '\n', '\r']).is_empty()).then_some(())?;
            }
        }
        (open.is_empty() && (form == Form::Content || roots == 1)).then_some(())
    }

    /// The rest of a start tag; true if it has no content.
    fn attributes(&mut self) -> Option<bool> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let spaces = self.spaces();
            if self.eat("/>") {
                return Some(true);
            }
            if self.eat(">") {
                return Some(false);
            }
            spaces.then_some(())?;
            let name = self.name()?;
            (!names.contains(&name)).then_some(())?;
            names.push(name);
            self.spaces();
            self.eat("=").then_some(())?;
            self.spaces();
            let value = self.quoted()?;
            (!value.contains('<')).then_some(())?;
            Scanner::references(&value)?;
        }
    }

    fn doctype(&mut self) -> Option<()> {
        self.spaces().then_some(())?;
        self.name()?;
        let mut depth = 0;
        loop {
            let at = self.rest.find(['[', ']', '>', '"', '\''])?;
            let c = self.rest[at..].chars().next()?;
            self.rest = &self.rest[at..];
            if matches!(c, '"' | '\'') {
                self.quoted()?;
                continue;
            }
            self.rest = &self.rest[1..];
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ if depth == 0 => return Some(()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is well-formed as content, as a document, and not at all.
    #[test]
    fn forms_are_told_apart() {
        for (text, document, content) in [
            ("<a/>", true, true),
            ("<?xml version=\"1.0\"?><a b='1'>x &lt; y<!-- c --><![CDATA[<]]></a>", true, true),
            ("abc", false, true),
            ("<a/><b/>", false, true),
            ("", false, true),
            ("<a>", false, false),
            ("<a></b>", false, false),
            ("<a b=1/>", false, false),
            ("<a b='1' b='2'/>", false, false),
            ("a & b", false, false),
            ("<!DOCTYPE a [<!ELEMENT a EMPTY>]><a/>", true, false),
        ] {
            assert_eq!(is_well_formed(text, Form::Document), document, "{text}");
            assert_eq!(is_well_formed(text, Form::Content), content, "{text}");
        }
    }
}
