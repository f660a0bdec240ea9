//! Lists of `name [=] value`.

use super::keyword::{Category, Kw};
use super::parser::Parser;
use super::token::Tok;
use crate::base::{Result, SqlState};
use crate::sql::ast::*;

/// An option without namespace or action.
pub(super) fn option(name: &str, arg: Option<DefArg>, pos: Pos) -> DefElem {
    DefElem { namespace: None, name: name.to_owned(), arg, action: DefAction::Unspecified, pos }
}

impl Parser<'_> {
    /// definition: `( name [= value], … )`.
    pub(super) fn definition(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let pos = p.pos();
            let name = p.col_label()?;
            let arg = match p.eat_char(b'=') {
                true => Some(p.def_arg()?),
                false => None,
            };
            Ok(option(&name, arg, pos))
        })
    }

    /// `WITH definition` or nothing.
    pub(super) fn opt_definition(&mut self) -> Result<Vec<DefElem>> {
        match self.eat(Kw::With) {
            true => self.definition(),
            false => Ok(Vec::new()),
        }
    }

    /// reloptions: `( [namespace.]name [= value], … )`.
    pub(super) fn rel_options(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let pos = p.pos();
            let mut name = p.col_label()?;
            let mut namespace = None;
            if p.eat_char(b'.') {
                namespace = Some(std::mem::replace(&mut name, p.col_label()?));
            }
            let arg = match p.eat_char(b'=') {
                true => Some(p.def_arg()?),
                false => None,
            };
            Ok(DefElem { namespace, ..option(&name, arg, pos) })
        })
    }

    /// `WITH reloptions` or nothing.
    pub(super) fn opt_rel_options(&mut self) -> Result<Vec<DefElem>> {
        match self.eat(Kw::With) {
            true => self.rel_options(),
            false => Ok(Vec::new()),
        }
    }

    /// def_arg
    pub(super) fn def_arg(&mut self) -> Result<DefArg> {
        let signed = matches!(self.tok(), Tok::Char(b'+' | b'-')) && matches!(self.tok_at(1), Tok::Int(_) | Tok::Float);
        match self.tok() {
            Tok::Str => Ok(DefArg::Str(self.string()?)),
            Tok::Kw(Kw::None) => {
                self.bump();
                Ok(DefArg::Str("none".to_owned()))
            }
            Tok::Kw(k) if k.category() == Category::Reserved => {
                self.bump();
                Ok(DefArg::Str(k.word().to_owned()))
            }
            Tok::Int(_) | Tok::Float => self.def_number(),
            _ if signed => self.def_number(),
            Tok::Kw(Kw::Operator) if self.tok_at(1) == Tok::Char(b'(') => Ok(DefArg::Operator(self.operator_clause()?)),
            _ if self.op_text().is_some() => {
                let pos = self.pos();
                Ok(DefArg::Operator(OperName { schema: None, name: self.all_op()?, pos }))
            }
            _ => Ok(DefArg::Type(Box::new(self.func_type()?))),
        }
    }

    /// A number as an option's value.
    pub(super) fn def_number(&mut self) -> Result<DefArg> {
        Ok(match self.numeric_only()? {
            Const::Int(n) => DefArg::Int(n),
            Const::Float(s) => DefArg::Float(s),
            _ => return self.unexpected(),
        })
    }

    /// utility_option_list in parentheses: of VACUUM, EXPLAIN, REINDEX, CLUSTER.
    pub(super) fn utility_options(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let pos = p.pos();
            let name = match p.at(Kw::Analyze) || p.at(Kw::Analyse) {
                true => {
                    p.bump();
                    "analyze".to_owned()
                }
                false => p.non_reserved_word()?,
            };
            let arg = match p.tok() {
                Tok::Char(b',' | b')') => None,
                Tok::Char(b'+' | b'-') | Tok::Int(_) | Tok::Float => Some(p.def_number()?),
                _ => Some(DefArg::Str(p.boolean_or_string()?)),
            };
            Ok(option(&name, arg, pos))
        })
    }

    /// SeqOptList: any number of sequence options.
    pub(super) fn sequence_options(&mut self) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        while self.at_sequence_option() {
            out.push(self.sequence_option()?);
        }
        Ok(out)
    }

    pub(super) fn at_sequence_option(&self) -> bool {
        self.at_any(&[
            Kw::As,
            Kw::Cache,
            Kw::Cycle,
            Kw::Increment,
            Kw::Logged,
            Kw::Maxvalue,
            Kw::Minvalue,
            Kw::No,
            Kw::Owned,
            Kw::Sequence,
            Kw::Start,
            Kw::Restart,
            Kw::Unlogged,
        ])
    }

    pub(super) fn sequence_option(&mut self) -> Result<DefElem> {
        let t = self.bump();
        let pos = t.start;
        let Tok::Kw(kw) = t.tok else { return Err(self.syntax_error_at(t)) };
        Ok(match kw {
            Kw::As => option("as", Some(DefArg::Type(Box::new(self.type_name()?))), pos),
            Kw::Cache => option("cache", Some(self.def_number()?), pos),
            Kw::Cycle => option("cycle", Some(DefArg::Bool(true)), pos),
            Kw::Increment => {
                self.eat(Kw::By);
                option("increment", Some(self.def_number()?), pos)
            }
            Kw::Maxvalue => option("maxvalue", Some(self.def_number()?), pos),
            Kw::Minvalue => option("minvalue", Some(self.def_number()?), pos),
            Kw::No => match self.tok() {
                Tok::Kw(Kw::Cycle) => {
                    self.bump();
                    option("cycle", Some(DefArg::Bool(false)), pos)
                }
                Tok::Kw(k @ (Kw::Maxvalue | Kw::Minvalue)) => {
                    self.bump();
                    option(k.word(), None, pos)
                }
                _ => return self.unexpected(),
            },
            Kw::Logged | Kw::Unlogged => option(kw.word(), None, pos),
            Kw::Owned => {
                self.expect(Kw::By)?;
                option("owned_by", Some(DefArg::Name(self.any_name()?)), pos)
            }
            Kw::Sequence => {
                self.expect(Kw::Name)?;
                option("sequence_name", Some(DefArg::Name(self.any_name()?)), pos)
            }
            Kw::Start => {
                self.eat(Kw::With);
                option("start", Some(self.def_number()?), pos)
            }
            _ => {
                let with = self.eat(Kw::With);
                match with || matches!(self.tok(), Tok::Int(_) | Tok::Float | Tok::Char(b'+' | b'-')) {
                    true => option("restart", Some(self.def_number()?), pos),
                    false => option("restart", None, pos),
                }
            }
        })
    }

    /// `( SeqOptList )` or nothing.
    pub(super) fn opt_paren_sequence_options(&mut self) -> Result<Vec<DefElem>> {
        if !self.eat_char(b'(') {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        loop {
            if !self.at_sequence_option() {
                return self.unexpected();
            }
            out.push(self.sequence_option()?);
            if self.eat_char(b')') {
                return Ok(out);
            }
        }
    }

    /// OPTIONS of foreign objects: refused where a column or a table has them.
    pub(super) fn refuse_generic_options(&mut self) -> Result<()> {
        let pos = self.pos();
        match self.at(Kw::Options) {
            true => Err(self.error(SqlState::FEATURE_NOT_SUPPORTED, "OPTIONS of foreign tables is not supported", pos)),
            false => Ok(()),
        }
    }
}
