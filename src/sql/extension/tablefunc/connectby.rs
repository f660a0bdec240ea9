//! Trees kept as keys and their parents' keys, from the top downwards.

use super::{Gathered, check_shape, columns_of, text, value};
use crate::base::{Error, Flow, Result, SqlState};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::setof::{Rows, SetStream};
use crate::sql::func::text::quote_literal_text;
use crate::types::{Column, TypeRef, Value, format_type, oid};

/// Rows whose children are being looked for, deepest last.
struct Level {
    /// Keys and their parents' keys, as text.
    rows: Vec<(String, Option<String>)>,
    at: usize,
    branch: String,
}

struct ConnectBy {
    relation: String,
    key: String,
    parent: String,
    order: Option<String>,
    max_depth: i32,
    delimiter: String,
    shows_branch: bool,
    types: Vec<TypeRef>,
    levels: Vec<Level>,
    /// The query for the children of a key, and the branch that leads to it.
    asking: Option<(Gathered, String)>,
    rows: Vec<Vec<Value>>,
    ready: Option<Rows>,
}

pub(super) fn unordered(cx: &mut ExecContext, args: &[Value], types: &[TypeRef]) -> Result<Box<dyn SetStream>> {
    open(cx, args, types, false)
}

pub(super) fn ordered(cx: &mut ExecContext, args: &[Value], types: &[TypeRef]) -> Result<Box<dyn SetStream>> {
    open(cx, args, types, true)
}

fn open(cx: &mut ExecContext, args: &[Value], types: &[TypeRef], serial: bool) -> Result<Box<dyn SetStream>> {
    check_shape(types)?;
    let text = |n: usize| args[n].datum().str().to_owned();
    let behind = 3 + usize::from(serial);
    let (start, max_depth) = (text(behind), args[behind + 1].datum().i32());
    let delimiter = args.get(behind + 2).map(|d| d.datum().str().to_owned());
    check_types(types, delimiter.is_some(), serial)?;
    let mut tree = ConnectBy {
        relation: text(0),
        key: text(1),
        parent: text(2),
        order: serial.then(|| text(3)),
        max_depth,
        shows_branch: delimiter.is_some(),
        delimiter: delimiter.unwrap_or_else(|| "~".into()),
        types: types.to_vec(),
        levels: Vec::new(),
        asking: None,
        rows: Vec::new(),
        ready: None,
    };
    tree.add(cx, &start, None, 0, &start)?;
    tree.ask(cx, &start, start.clone())?;
    Ok(Box::new(tree))
}

/// PostgreSQL 15, tablefunc.c, validateConnectbyTupleDesc.
fn check_types(types: &[TypeRef], branch: bool, serial: bool) -> Result<()> {
    let wrong =
        |detail: &str| Err(Error::new(SqlState::DATATYPE_MISMATCH, "invalid return type").detail(detail.to_owned()));
    if types.len() != 3 + usize::from(branch) + usize::from(serial) {
        return wrong("Query-specified return tuple has wrong number of columns.");
    }
    if types[0].oid != types[1].oid {
        return wrong("First two columns must be the same type.");
    }
    if types[2].oid != oid::INT4 {
        return wrong("Third column must be type integer.");
    }
    if branch && types[3].oid != oid::TEXT {
        return wrong("Fourth column must be type text.");
    }
    if serial && types[types.len() - 1].oid != oid::INT4 {
        let which = if branch { "fifth" } else { "fourth" };
        let text = format!("query-specified return tuple not valid for Connectby: {which} column must be type integer");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, text));
    }
    Ok(())
}

impl ConnectBy {
    /// Starts the query for the children of a key.
    fn ask(&mut self, cx: &mut ExecContext, key: &str, branch: String) -> Result<()> {
        let (k, p, relation) = (&self.key, &self.parent, &self.relation);
        let order = self.order.as_ref().map_or_else(String::new, |o| format!(" ORDER BY {o}"));
        let literal = quote_literal_text(key);
        let query =
            format!("SELECT {k}, {p} FROM {relation} WHERE {p} = {literal} AND {k} IS NOT NULL AND {k} <> {p}{order}");
        let asked = Gathered::start(cx, &query)?;
        for (n, field) in ["key", "parent key"].iter().enumerate() {
            if let Some(found) = asked.columns.get(n).filter(|t| t.oid != self.types[n].oid) {
                let name = |t: TypeRef| format_type(t.oid, -1, &*cx.fx.io.hooks);
                let detail = format!(
                    "SQL {field} field type {} does not match return {field} field type {}.",
                    name(self.types[n]),
                    name(*found)
                );
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, "invalid return type").detail(detail));
            }
        }
        self.asking = Some((asked, branch));
        Ok(())
    }

    fn add(&mut self, cx: &mut ExecContext, key: &str, parent: Option<&str>, level: usize, branch: &str) -> Result<()> {
        let io = cx.fx.io.clone();
        let mut row =
            vec![value(self.types[0], Some(key), &io)?, value(self.types[1], parent, &io)?, Value::I32(level as i32)];
        if self.shows_branch {
            row.push(Value::Bytes(branch.as_bytes().into()));
        }
        if self.order.is_some() {
            row.push(Value::I32(self.rows.len() as i32 + 1));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Goes through the whole tree. It may be called again after a wait.
    fn walk(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if let Some((asked, _)) = &mut self.asking {
                asked.finish(cx)?;
            }
            if let Some((asked, branch)) = self.asking.take() {
                let io = cx.fx.io.clone();
                let mut rows = Vec::new();
                for row in &asked.rows {
                    if let Some(key) = text(asked.columns[0], &row[0], &io)? {
                        rows.push((key, text(asked.columns[1], &row[1], &io)?));
                    }
                }
                self.levels.push(Level { rows, at: 0, branch });
            }
            let Some(level) = self.levels.last_mut() else { return Ok(()) };
            let Some((key, parent)) = level.rows.get(level.at).cloned() else {
                self.levels.pop();
                continue;
            };
            level.at += 1;
            let above = level.branch.clone();
            let depth = self.levels.len();
            if self.max_depth > 0 && depth > self.max_depth as usize {
                self.levels.pop();
                continue;
            }
            cx.interrupts.check()?;
            let d = &self.delimiter;
            if format!("{d}{above}{d}").contains(&format!("{d}{key}{d}")) {
                return Err(err!(INVALID_RECURSION, "infinite recursion detected").into());
            }
            let branch = format!("{above}{d}{key}");
            self.add(cx, &key, parent.as_deref(), depth, &branch)?;
            if self.max_depth <= 0 || depth < self.max_depth as usize {
                self.ask(cx, &key, branch)?;
            }
        }
    }
}

impl SetStream for ConnectBy {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        if self.ready.is_none() {
            self.walk(cx)?;
            let rows = std::mem::take(&mut self.rows);
            self.ready = Some(Rows::new(columns_of(&self.types, &rows)));
        }
        Ok(self.ready.as_mut().is_some_and(|r| r.give(max, out)))
    }
}
