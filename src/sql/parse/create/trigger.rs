//! CREATE TRIGGER, CREATE EVENT TRIGGER.

use crate::base::Result;
use crate::sql::ast::*;
use crate::sql::parse::keyword::Kw;
use crate::sql::parse::parser::Parser;
use crate::sql::parse::scan::error_near;
use crate::sql::parse::token::Tok;

impl Parser<'_> {
    pub(super) fn create_trigger(&mut self, replace: bool) -> Result<Stmt> {
        let constraint = self.eat(Kw::Constraint);
        self.expect(Kw::Trigger)?;
        let name = self.col_id()?;
        let timing = self.trigger_timing(constraint)?;
        let mut events = vec![self.trigger_event()?];
        while self.eat(Kw::Or) {
            let t = self.token();
            let event = self.trigger_event()?;
            if events.iter().any(|e| std::mem::discriminant(e) == std::mem::discriminant(&event)) {
                // UPDATE OF could have come: the token behind is looked at already.
                let t = if matches!(event, TriggerEvent::Update(..)) { self.token() } else { t };
                let (start, end) = (t.start as usize, t.end as usize);
                return Err(error_near(self.text, "duplicate trigger events specified", start, end));
            }
            events.push(event);
        }
        self.expect(Kw::On)?;
        let table = self.qualified_name()?;
        let mut stmt = CreateTriggerStmt {
            replace,
            constraint,
            name,
            table,
            timing,
            events,
            row: false,
            when: None,
            transitions: Vec::new(),
            function: QualName::single("", NOWHERE),
            args: Vec::new(),
            deferrable: false,
            initially_deferred: false,
            from: None,
        };
        match constraint {
            true => self.constraint_trigger(&mut stmt)?,
            false => self.plain_trigger(&mut stmt)?,
        }
        if self.eat(Kw::When) {
            self.expect_char(b'(')?;
            stmt.when = Some(self.expr()?);
            self.expect_char(b')')?;
        }
        (stmt.function, stmt.args) = self.trigger_function()?;
        Ok(Stmt::CreateTrigger(Box::new(stmt)))
    }

    pub(super) fn trigger_timing(&mut self, constraint: bool) -> Result<TriggerTiming> {
        if constraint || self.at(Kw::After) {
            self.expect(Kw::After)?;
            return Ok(TriggerTiming::After);
        }
        if self.eat(Kw::Before) {
            return Ok(TriggerTiming::Before);
        }
        self.expect_all(&[Kw::Instead, Kw::Of])?;
        Ok(TriggerTiming::InsteadOf)
    }

    pub(super) fn trigger_event(&mut self) -> Result<TriggerEvent> {
        let event = match self.tok() {
            Tok::Kw(Kw::Insert) => TriggerEvent::Insert,
            Tok::Kw(Kw::Delete) => TriggerEvent::Delete,
            Tok::Kw(Kw::Truncate) => TriggerEvent::Truncate,
            Tok::Kw(Kw::Update) => {
                self.bump();
                return Ok(TriggerEvent::Update(match self.eat(Kw::Of) {
                    true => self.list(Self::col_id)?,
                    false => Vec::new(),
                }));
            }
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(event)
    }

    /// OptConstrFromTable ConstraintAttributeSpec FOR EACH ROW
    pub(super) fn constraint_trigger(&mut self, stmt: &mut CreateTriggerStmt) -> Result<()> {
        if self.eat(Kw::From) {
            stmt.from = Some(self.qualified_name()?);
        }
        let attributes = self.trigger_attributes()?;
        (stmt.deferrable, stmt.initially_deferred) = attributes;
        stmt.row = true;
        self.expect_all(&[Kw::For, Kw::Each, Kw::Row])
    }

    /// TriggerReferencing TriggerForSpec
    pub(super) fn plain_trigger(&mut self, stmt: &mut CreateTriggerStmt) -> Result<()> {
        if self.eat(Kw::Referencing) {
            while self.at_any(&[Kw::New, Kw::Old]) {
                let is_new = self.eat(Kw::New) || !self.eat(Kw::Old);
                let is_table = self.eat(Kw::Table);
                if !is_table {
                    self.expect(Kw::Row)?;
                }
                self.eat(Kw::As);
                stmt.transitions.push(TriggerTransition { name: self.col_id()?, is_new, is_table });
            }
            if stmt.transitions.is_empty() {
                return self.unexpected();
            }
        }
        if self.eat(Kw::For) {
            self.eat(Kw::Each);
            stmt.row = self.eat(Kw::Row);
            if !stmt.row {
                self.expect(Kw::Statement)?;
            }
        }
        Ok(())
    }

    /// `EXECUTE FUNCTION name (args)`
    pub(super) fn trigger_function(&mut self) -> Result<(QualName, Vec<String>)> {
        self.expect(Kw::Execute)?;
        if !self.eat(Kw::Function) {
            self.expect(Kw::Procedure)?;
        }
        let name = self.func_name()?;
        self.expect_char(b'(')?;
        let args = match self.at_char(b')') {
            true => Vec::new(),
            false => self.list(|p| match p.tok() {
                Tok::Int(n) => {
                    p.bump();
                    Ok(n.to_string())
                }
                Tok::Float => {
                    let t = p.bump();
                    Ok(p.value(t))
                }
                Tok::Str => p.string(),
                _ => p.col_label(),
            })?,
        };
        self.expect_char(b')')?;
        Ok((name, args))
    }

    pub(super) fn create_event_trigger(&mut self) -> Result<Stmt> {
        self.expect_all(&[Kw::Event, Kw::Trigger])?;
        let name = self.col_id()?;
        self.expect(Kw::On)?;
        let event = self.col_label()?;
        let mut filters = Vec::new();
        if self.eat(Kw::When) {
            loop {
                let variable = self.col_id()?;
                self.expect(Kw::In)?;
                filters.push((variable, self.paren_list(Self::string)?));
                if !self.eat(Kw::And) {
                    break;
                }
            }
        }
        self.expect(Kw::Execute)?;
        if !self.eat(Kw::Function) {
            self.expect(Kw::Procedure)?;
        }
        let function = self.func_name()?;
        self.expect_char(b'(')?;
        self.expect_char(b')')?;
        Ok(Stmt::CreateEventTrigger(Box::new(CreateEventTriggerStmt { name, event, filters, function })))
    }
}
