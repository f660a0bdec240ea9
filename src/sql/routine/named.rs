//! The variables a command's queries name: found out by binding them once, and kept apart from the routine that runs.

use super::query::Variables;
use crate::base::Result;
use crate::sql::bind::Conflict;
use crate::sql::expr::Expr;
use std::cell::RefCell;

/// Notes what is asked for.
pub struct Noting<'a> {
    variables: &'a dyn Variables,
    noted: RefCell<Named>,
}

/// What was found under which names.
#[derive(Clone, Default)]
pub struct Named {
    found: Vec<(Vec<String>, Expr)>,
    rows: Vec<(Vec<String>, Vec<(String, Expr)>)>,
    conflict: Conflict,
}

impl<'a> Noting<'a> {
    pub fn new(variables: &'a dyn Variables) -> Noting<'a> {
        let conflict = variables.conflict();
        Noting { variables, noted: RefCell::new(Named { conflict, ..Named::default() }) }
    }

    pub fn into_named(self) -> Named {
        self.noted.into_inner()
    }
}

impl Variables for Noting<'_> {
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        let found = self.variables.find(parts)?;
        if let Some(e) = &found {
            self.noted.borrow_mut().found.push((parts.to_vec(), e.clone()));
        }
        Ok(found)
    }

    fn fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        let found = self.variables.fields(parts)?;
        self.noted.borrow_mut().rows.push((parts.to_vec(), found.clone()));
        Some(found)
    }

    fn conflict(&self) -> Conflict {
        self.variables.conflict()
    }
}

impl Variables for Named {
    fn find(&self, parts: &[String]) -> Result<Option<Expr>> {
        Ok(self.found.iter().find(|(name, _)| name == parts).map(|(_, e)| e.clone()))
    }

    fn fields(&self, parts: &[String]) -> Option<Vec<(String, Expr)>> {
        self.rows.iter().find(|(name, _)| name == parts).map(|(_, fields)| fields.clone())
    }

    fn conflict(&self) -> Conflict {
        self.conflict
    }
}
