//! CREATE FUNCTION, CREATE PROCEDURE.

use crate::base::Result;
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::options::option;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_function(&mut self, replace: bool) -> Result<Stmt> {
        let procedure = self.eat(Kw::Procedure);
        if !procedure {
            self.expect(Kw::Function)?;
        }
        let name = self.func_name()?;
        let mut params = match self.at_char(b'(') {
            true => self.func_params(true)?,
            false => return self.unexpected(),
        };
        let mut returns = None;
        let returns_table = !procedure && self.at(Kw::Returns) && self.at_n(1, Kw::Table);
        if returns_table {
            self.bump();
            self.bump();
            let columns = self.paren_list(|p| {
                let name = Some(p.type_function_name()?);
                Ok(FuncParam { name, mode: ParamMode::Table, typ: p.func_type()?, default: None })
            })?;
            params.extend(columns);
        } else if !procedure && self.at(Kw::Returns) && !self.at_n(1, Kw::Null) {
            self.bump();
            returns = Some(self.func_type()?);
        }
        let options = self.function_options(true)?;
        let body = self.function_body()?;
        let stmt = CreateFunctionStmt { procedure, replace, name, params, returns, returns_table, options, body };
        Ok(Stmt::CreateFunction(Box::new(stmt)))
    }

    pub(super) fn function_body(&mut self) -> Result<Option<FunctionBody>> {
        if self.eat(Kw::Return) {
            return Ok(Some(FunctionBody::Return(self.expr()?)));
        }
        if !self.eat(Kw::Begin) {
            return Ok(None);
        }
        self.expect(Kw::Atomic)?;
        let mut stmts = Vec::new();
        while !self.eat(Kw::End) {
            if !self.at_char(b';') {
                stmts.push(match self.eat(Kw::Return) {
                    true => self.return_statement()?,
                    false => self.statement()?,
                });
            }
            self.expect_char(b';')?;
        }
        Ok(Some(FunctionBody::Atomic(stmts)))
    }

    /// RETURN inside BEGIN ATOMIC is a query of one value.
    pub(super) fn return_statement(&mut self) -> Result<Stmt> {
        let pos = self.pos();
        let expr = self.expr()?;
        let core = SelectCore { targets: vec![Target { name: None, expr, pos }], ..SelectCore::default() };
        Ok(Stmt::Select(Box::new(SelectStmt::of(SelectBody::Select(Box::new(core)), pos))))
    }

    /// createfunc_opt_list, or alterfunc_opt_list.
    pub(in crate::sql::parse) fn function_options(&mut self, create: bool) -> Result<Vec<DefElem>> {
        let mut out = Vec::new();
        while let Some(o) = self.function_option(create)? {
            out.push(o);
        }
        Ok(out)
    }

    pub(super) fn function_option(&mut self, create: bool) -> Result<Option<DefElem>> {
        let pos = self.pos();
        let Tok::Kw(kw) = self.tok() else { return Ok(None) };
        let text = |s: &str| Some(DefArg::Str(s.to_owned()));
        let yes = |b: bool| Some(DefArg::Bool(b));
        let (name, arg) = match kw {
            Kw::As if create => {
                self.bump();
                let mut parts = vec![DefArg::Str(self.string()?)];
                if self.eat_char(b',') {
                    parts.push(DefArg::Str(self.string()?));
                }
                ("as", Some(DefArg::List(parts)))
            }
            Kw::Language if create => {
                self.bump();
                ("language", Some(DefArg::Str(self.word_or_string()?)))
            }
            Kw::Transform if create => {
                self.bump();
                let types = self.list(|p| {
                    p.expect_all(&[Kw::For, Kw::Type])?;
                    Ok(DefArg::Type(Box::new(p.type_name()?)))
                })?;
                ("transform", Some(DefArg::List(types)))
            }
            Kw::Window if create => {
                self.bump();
                ("window", yes(true))
            }
            Kw::Called => {
                self.expect_all(&[Kw::Called, Kw::On, Kw::Null, Kw::Input])?;
                ("strict", yes(false))
            }
            Kw::Returns => {
                self.expect_all(&[Kw::Returns, Kw::Null, Kw::On, Kw::Null, Kw::Input])?;
                ("strict", yes(true))
            }
            Kw::Strict => {
                self.bump();
                ("strict", yes(true))
            }
            Kw::Immutable | Kw::Stable | Kw::Volatile => {
                self.bump();
                ("volatility", text(kw.word()))
            }
            Kw::External | Kw::Security => {
                self.eat(Kw::External);
                self.expect(Kw::Security)?;
                let definer = self.eat(Kw::Definer);
                if !definer {
                    self.expect(Kw::Invoker)?;
                }
                ("security", yes(definer))
            }
            Kw::Leakproof => {
                self.bump();
                ("leakproof", yes(true))
            }
            Kw::Not => {
                self.expect_all(&[Kw::Not, Kw::Leakproof])?;
                ("leakproof", yes(false))
            }
            Kw::Cost | Kw::Rows => {
                self.bump();
                (kw.word(), Some(self.def_number()?))
            }
            Kw::Support => {
                self.bump();
                ("support", Some(DefArg::Name(self.any_name()?)))
            }
            Kw::Set | Kw::Reset => ("set", Some(DefArg::Set(Box::new(self.set_clause_of_object()?)))),
            Kw::Parallel => {
                self.bump();
                ("parallel", Some(DefArg::Str(self.col_id()?)))
            }
            _ => return Ok(None),
        };
        Ok(Some(option(name, arg, pos)))
    }
}
