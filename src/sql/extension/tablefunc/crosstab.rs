//! Rows of categories turned into columns.

use super::{Gathered, check_shape, columns_of, text, value};
use crate::base::{Error, Flow, Result, SqlState};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::setof::{Rows, SetStream};
use crate::types::{Column, TypeRef, Value};

fn wrong_type(detail: &str) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, "invalid return type").detail(detail.to_owned())
}

struct Plain {
    source: Gathered,
    types: Vec<TypeRef>,
    ready: Option<Rows>,
}

/// `crosstab(text)`: values fill the columns in the order in which they come.
pub(super) fn plain(cx: &mut ExecContext, args: &[Value], types: &[TypeRef]) -> Result<Box<dyn SetStream>> {
    check_shape(types)?;
    let source = Gathered::start(cx, args[0].datum().str())?;
    let [row, _, of] = source.columns[..] else {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid source data SQL statement")
            .detail("The provided SQL must return 3 columns: rowid, category, and values."));
    };
    if types.len() >= 2 && types[0].oid != row.oid {
        return Err(wrong_type("SQL rowid datatype does not match return rowid datatype."));
    }
    if types.len() < 2 || types[1..].iter().any(|t| t.oid != of.oid) {
        return Err(err!(SYNTAX_ERROR, "return and sql tuple descriptions are incompatible"));
    }
    Ok(Box::new(Plain { source, types: types.to_vec(), ready: None }))
}

impl SetStream for Plain {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        self.source.finish(cx)?;
        if self.ready.is_none() {
            let rows = self.turned();
            self.ready = Some(Rows::new(columns_of(&self.types, &rows)));
        }
        Ok(self.ready.as_mut().is_some_and(|r| r.give(max, out)))
    }
}

impl Plain {
    fn turned(&mut self) -> Vec<Vec<Value>> {
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for row in std::mem::take(&mut self.source.rows) {
            let Ok([id, _, of]) = <[Value; 3]>::try_from(row) else { continue };
            match rows.last_mut() {
                Some(last) if last[0] == id => last.push(of),
                _ => rows.push(vec![id, of]),
            }
        }
        // What is too much is left out, what lacks is NULL.
        rows.iter_mut().for_each(|r| r.resize(self.types.len(), Value::Null));
        rows
    }
}

struct ByCategory {
    categories: Gathered,
    source: Option<Gathered>,
    text: String,
    types: Vec<TypeRef>,
    ready: Option<Rows>,
}

/// `crosstab(text, text)`: a column for each row of the second query.
pub(super) fn by_category(cx: &mut ExecContext, args: &[Value], types: &[TypeRef]) -> Result<Box<dyn SetStream>> {
    check_shape(types)?;
    let categories = Gathered::start(cx, args[1].datum().str())?;
    if categories.columns.len() != 1 {
        return Err(no_categories());
    }
    let text = args[0].datum().str().to_owned();
    Ok(Box::new(ByCategory { categories, source: None, text, types: types.to_vec(), ready: None }))
}

fn no_categories() -> Error {
    err!(SYNTAX_ERROR, "provided \"categories\" SQL must return 1 column of at least one row")
}

impl SetStream for ByCategory {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        self.categories.finish(cx)?;
        if self.ready.is_none() {
            let names = self.names(cx)?;
            if self.source.is_none() {
                self.source = Some(self.start(cx, names.len())?);
            }
            let Some(source) = &mut self.source else { return Ok(false) };
            source.finish(cx)?;
            let rows = turned(cx, source, &names, &self.types)?;
            self.ready = Some(Rows::new(columns_of(&self.types, &rows)));
        }
        Ok(self.ready.as_mut().is_some_and(|r| r.give(max, out)))
    }
}

impl ByCategory {
    fn names(&self, cx: &mut ExecContext) -> Result<Vec<String>> {
        let io = cx.fx.io.clone();
        let mut names = Vec::new();
        for row in &self.categories.rows {
            let Some(name) = text(self.categories.columns[0], &row[0], &io)? else {
                return Err(err!(SYNTAX_ERROR, "provided \"categories\" SQL must not return NULL values"));
            };
            if names.contains(&name) {
                return Err(err!(DUPLICATE_OBJECT, "duplicate category name"));
            }
            names.push(name);
        }
        if names.is_empty() { Err(no_categories()) } else { Ok(names) }
    }

    fn start(&self, cx: &mut ExecContext, categories: usize) -> Result<Gathered> {
        let source = Gathered::start(cx, &self.text)?;
        let given = source.columns.len();
        if given < 3 {
            return Err(err!(INVALID_PARAMETER_VALUE, "invalid source data SQL statement")
                .detail("The provided SQL must return 3  columns; rowid, category, and values."));
        }
        let wanted = given - 2 + categories;
        if self.types.len() != wanted {
            let detail =
                format!("Query-specified return tuple has {} columns but crosstab returns {wanted}.", self.types.len());
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid return type").detail(detail));
        }
        Ok(source)
    }
}

/// Values go by their text into columns of any type.
fn turned(cx: &mut ExecContext, source: &Gathered, names: &[String], types: &[TypeRef]) -> Result<Vec<Vec<Value>>> {
    let io = cx.fx.io.clone();
    let given = source.columns.len();
    let (category, of) = (given - 2, given - 1);
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    for row in &source.rows {
        let field = |n: usize| text(source.columns[n], &row[n], &io);
        let id = field(0)?;
        if rows.last().is_none_or(|last| last[0] != id) {
            let mut new = vec![id];
            for n in 1..category {
                new.push(field(n)?);
            }
            new.resize(types.len(), None);
            rows.push(new);
        }
        let name = field(category)?;
        let at = name.and_then(|name| names.iter().position(|n| *n == name));
        if let (Some(at), Some(last)) = (at, rows.last_mut()) {
            last[category + at] = field(of)?;
        }
    }
    let made = rows.iter().map(|row| row.iter().zip(types).map(|(t, ty)| value(*ty, t.as_deref(), &io)).collect());
    made.collect()
}
