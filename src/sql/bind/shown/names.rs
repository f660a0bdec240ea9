//! What the entries of a query level, their columns and its joins are called where the query is written out again, so that
//! every name means what it meant, whatever columns have come, gone or got other names since. PostgreSQL 15, ruleutils.c,
//! set_rtable_names and set_deparse_for_query: same names.

use crate::sql::bind::scope::{raise_levels, var};
use crate::sql::bind::{FromNode, JoinNode, Query, Rel, Source};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::types::name::numbered;

/// A query around what is being written.
#[derive(Clone)]
pub(super) struct Level<'q> {
    pub query: &'q Query,
    /// By entry: the name it is called here, new among all levels.
    pub names: Vec<String>,
    /// By entry.
    pub columns: Vec<Columns>,
    /// Those inside of others come first.
    pub joins: Vec<Join<'q>>,
    /// It is one side of a set operation, and gives its columns the types of that without a word.
    pub leaf: bool,
    /// Only so many of its output columns are written.
    pub first: usize,
    /// Names of merged columns that may stand for themselves, so that nothing else may have them.
    alone: Vec<String>,
}

/// The columns of an entry or of a join.
#[derive(Clone, Default)]
pub(super) struct Columns {
    /// By number; None: it is not there any more, or it came later.
    pub names: Vec<Option<String>>,
    /// Those it has now, in order, and whether they came later.
    pub now: Vec<(String, bool)>,
    /// The names are to be told.
    pub listed: bool,
    /// Names of merged columns of the joins around.
    above: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Join<'q> {
    node: &'q JoinNode,
    /// None: it has no name, its sides have.
    pub name: Option<String>,
    pub columns: Columns,
    /// Names of the merged columns, which are its first.
    pub using: Vec<String>,
    /// What is inside of it is being written, which does not know its name.
    pub open: bool,
    sides: [Side; 2],
    /// By column: its name in the query, its value, and its places among the columns of the sides.
    written: Vec<(String, Expr, [Option<usize>; 2])>,
    rels: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Side {
    Rel(usize),
    Join(usize),
}

impl Columns {
    fn has(&self, name: &str) -> bool {
        let is = |n: &String| n == name;
        self.names.iter().flatten().any(is) || self.now.iter().any(|(n, _)| is(n)) || self.above.iter().any(is)
    }

    /// Gives a column a name that is new here.
    fn give(&mut self, at: usize, wanted: &str, alone: &[String]) -> String {
        let name = fresh(wanted, |n| self.has(n) || alone.iter().any(|a| a == n));
        self.names[at] = Some(name.clone());
        name
    }
}

impl<'q> Level<'q> {
    /// `taken`: names of entries further out.
    pub fn of(query: &'q Query, taken: Vec<String>) -> Level<'q> {
        let count = |rel: &Rel| Columns { names: vec![None; rel.columns.len()], ..Columns::default() };
        let columns = query.rels.iter().map(count).collect();
        let mut level = Level {
            query,
            names: Vec::new(),
            columns,
            joins: Vec::new(),
            leaf: false,
            first: usize::MAX,
            alone: Vec::new(),
        };
        let tops: Vec<Side> = query.from.iter().map(|node| level.add(node)).collect();
        level.name_entries(taken);
        let stands_alone = level.joins.iter().any(Join::merges_unnamed);
        tops.iter().for_each(|side| level.name_merged(*side, &[], stands_alone));
        (0..level.columns.len()).for_each(|n| level.name_columns(n));
        (0..level.joins.len()).for_each(|n| level.name_join(n));
        level
    }

    /// The level of OLD and NEW, whose entries have their own names.
    pub fn around(query: &'q Query) -> Level<'q> {
        let mut level = Level::of(query, Vec::new());
        level.names = query.rels.iter().map(|r| r.alias.clone()).collect();
        level
    }

    fn add(&mut self, node: &'q FromNode) -> Side {
        let node = match node {
            FromNode::Rel(n) => return Side::Rel(*n),
            FromNode::Join(node) => &**node,
        };
        let sides = [&node.left, &node.right].map(|side| self.add(side));
        let outputs = sides.map(|side| self.outputs(side));
        let place = |side: usize, name: &str| outputs[side].iter().find(|c| c.1 == name).map(|c| c.0);
        let mut written = Vec::new();
        for (name, value) in &node.written.using {
            written.push((name.clone(), value.clone(), [place(0, name), place(1, name)]));
        }
        let merged = written.len();
        for side in [0, 1] {
            for (n, name, value) in &outputs[side] {
                if !written[..merged].iter().any(|w| w.2[side] == Some(*n)) {
                    let mut places = [None, None];
                    places[side] = Some(*n);
                    written.push((name.clone(), value.clone(), places));
                }
            }
        }
        let given = node.written.alias.iter().flat_map(|a| &a.columns);
        written.iter_mut().zip(given).for_each(|(column, name)| column.0.clone_from(name));
        let mut rels = Vec::new();
        node.left.rels(&mut rels);
        node.right.rels(&mut rels);
        let columns = Columns { names: vec![None; written.len()], ..Columns::default() };
        self.joins.push(Join { node, name: None, columns, using: Vec::new(), open: false, sides, written, rels });
        Side::Join(self.joins.len() - 1)
    }

    /// The columns the query knows of a side: number, name, value.
    fn outputs(&self, side: Side) -> Vec<(usize, String, Expr)> {
        match side {
            Side::Rel(rel) => {
                let known = self.query.rels[rel].columns.iter().enumerate().filter(|(_, c)| !c.dropped);
                known.map(|(n, c)| (n, c.name.clone(), var(rel, n as i16 + 1, c.ty))).collect()
            }
            Side::Join(join) => {
                let columns = self.joins[join].written.iter().enumerate();
                columns.map(|(n, (name, value, _))| (n, name.clone(), value.clone())).collect()
            }
        }
    }

    /// Aliases, or the names that relations have by now, with a number where they are taken here or further out.
    fn name_entries(&mut self, mut taken: Vec<String>) {
        let mut name = |wanted: &str| {
            let name = fresh(wanted, |n| taken.iter().any(|t| t == n));
            taken.push(name.clone());
            name
        };
        let mut joins = self.joins.iter_mut().peekable();
        for (n, rel) in self.query.rels.iter().enumerate() {
            let own = rel.relation().filter(|_| !rel.aliased).map(|r| &r.name);
            self.names.push(name(own.unwrap_or(&rel.alias)));
            // A join comes behind the last entry in it.
            while let Some(join) = joins.next_if(|j| j.rels.iter().all(|r| *r <= n)) {
                join.name = join.node.written.alias.as_ref().map(|a| name(&a.name));
            }
        }
    }

    fn columns_mut(&mut self, side: Side) -> &mut Columns {
        match side {
            Side::Rel(n) => &mut self.columns[n],
            Side::Join(n) => &mut self.joins[n].columns,
        }
    }

    /// The columns a join merges need one name on both sides (set_using_names).
    fn name_merged(&mut self, side: Side, above: &[String], stands_alone: bool) {
        let Side::Join(n) = side else { return };
        let join = &mut self.joins[n];
        let mut above = above.to_vec();
        let mut down: Vec<(String, [Option<usize>; 2])> = Vec::new();
        if join.name.is_none() {
            let told = join.columns.names.iter().zip(&join.written);
            down.extend(told.filter_map(|(name, w)| Some((name.clone()?, w.2))));
        }
        for (at, (own, _)) in join.node.written.using.iter().enumerate() {
            let name = match &join.columns.names[at] {
                Some(told) => told.clone(),
                None => {
                    let given = join.node.written.alias.as_ref().and_then(|a| a.columns.get(at));
                    let name = join.columns.give(at, given.unwrap_or(own), &self.alone);
                    if stands_alone {
                        self.alone.push(name.clone());
                    }
                    name
                }
            };
            join.using.push(name.clone());
            above.push(name.clone());
            down.push((name, join.written[at].2));
        }
        let sides = join.sides;
        for (name, places) in down {
            for (side, place) in sides.into_iter().zip(places) {
                if let Some(at) = place {
                    self.columns_mut(side).names[at] = Some(name.clone());
                }
            }
        }
        for side in sides {
            self.columns_mut(side).above.clone_from(&above);
            self.name_merged(side, &above, stands_alone);
        }
    }

    /// The columns of an entry (set_relation_column_names).
    fn name_columns(&mut self, n: usize) {
        let rel = &self.query.rels[n];
        let relation = rel.relation();
        let columns = &mut self.columns[n];
        let mut changed = false;
        for (at, column) in rel.columns.iter().enumerate() {
            let later = column.dropped;
            let own = match relation.and_then(|r| r.attributes.get(at)) {
                Some(a) => Some(&a.name).filter(|_| !a.dropped),
                None => Some(&column.name).filter(|_| !later),
            };
            let Some(own) = own else {
                columns.names[at] = None;
                continue;
            };
            let name = match &columns.names[at] {
                Some(told) => told.clone(),
                None => {
                    let given = if at < rel.renamed && !later { &column.name } else { own };
                    columns.give(at, given, &self.alone)
                }
            };
            changed |= name != *own;
            columns.now.push((name, later));
        }
        columns.listed = match &rel.source {
            _ if relation.is_some() => changed,
            Source::Function { .. } => true,
            _ => changed || rel.renamed > 0,
        };
    }

    /// The columns of a join whose sides have their names (set_join_column_names).
    fn name_join(&mut self, n: usize) {
        let join = &self.joins[n];
        let sides = join.sides.map(|side| match side {
            Side::Rel(n) => self.columns[n].clone(),
            Side::Join(n) => self.joins[n].columns.clone(),
        });
        let alone = &self.alone;
        let join = &mut self.joins[n];
        let (named, merged) = (join.name.is_some(), join.using.len());
        let mut changed = false;
        for at in merged..join.written.len() {
            let places = join.written[at].2;
            let inner = sides.iter().zip(places).find_map(|(side, place)| side.names[place?].clone());
            let Some(inner) = inner else {
                join.columns.names[at] = None;
                continue;
            };
            if !named {
                join.columns.names[at] = Some(inner);
                continue;
            }
            let name = match &join.columns.names[at] {
                Some(told) => told.clone(),
                None => {
                    let given = join.node.written.alias.as_ref().and_then(|a| a.columns.get(at));
                    join.columns.give(at, given.unwrap_or(&inner), alone)
                }
            };
            changed |= name != inner;
        }
        // As it would be read now: merged columns, then each side's, with those of later in their places.
        let first = join.columns.names[..merged].iter().flatten().map(|name| (name.clone(), false));
        join.columns.now.extend(first);
        for (side, columns) in sides.iter().enumerate() {
            let mut old = columns.names.iter().enumerate().filter(|(_, name)| name.is_some()).map(|(at, _)| at);
            for (inner, later) in &columns.now {
                if !later {
                    let place = old.next();
                    let at = join.written.iter().position(|w| place.is_some() && w.2[side] == place);
                    let name = at.filter(|at| *at >= merged).and_then(|at| join.columns.names[at].clone());
                    join.columns.now.extend(name.map(|n| (n, false)));
                    continue;
                }
                let name = match named {
                    true => fresh(inner, |n| join.columns.has(n) || alone.iter().any(|a| a == n)),
                    false => inner.clone(),
                };
                changed |= name != *inner;
                join.columns.now.push((name, true));
            }
        }
        join.columns.listed = named && changed;
    }

    /// All names of entries and joins here.
    pub fn taken(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(self.joins.iter().filter_map(|j| j.name.as_ref()))
    }

    /// A join's number.
    pub fn join(&self, node: &JoinNode) -> Option<usize> {
        self.joins.iter().position(|j| std::ptr::eq(j.node, node))
    }

    /// What a column of an entry is called: the outermost join with a name hides what is in it. None: as the column of a
    /// system, or dropped.
    pub fn column(&self, rel: usize, attno: i16) -> Option<(&str, Option<&str>)> {
        let hiding = self.joins.iter().rev().find(|j| j.name.is_some() && !j.open && j.rels.contains(&rel));
        let is =
            |e: &Expr| matches!(e.kind, ExprKind::Var { rel: r, attno: a, levels_up: 0 } if (r, a) == (rel, attno));
        if let Some(join) = hiding
            && let Some(at) = join.written.iter().position(|w| is(&w.1))
        {
            return Some((join.name.as_deref()?, join.columns.names[at].as_deref()));
        }
        let name =
            usize::try_from(attno).ok().and_then(|n| self.columns.get(rel)?.names.get(n.checked_sub(1)?)?.as_deref());
        Some((self.names.get(rel)?, name))
    }

    /// The name of a column that a join made of two, with that of the join if it has one. The level is `up` levels out.
    pub fn merged(&self, e: &Expr, up: usize) -> Option<(Option<&str>, &str)> {
        let is = |value: &Expr| {
            let mut value = value.clone();
            raise_levels(&mut value, up);
            !matches!(value.kind, ExprKind::Var { .. }) && same(&value, e)
        };
        let place = |j: &Join<'_>, only: usize| j.written.iter().take(only).position(|w| is(&w.1));
        let named = self.joins.iter().rev().filter(|j| j.name.is_some() && !j.open);
        for join in named {
            if let Some(at) = place(join, join.written.len()) {
                return Some((join.name.as_deref(), join.columns.names[at].as_deref()?));
            }
        }
        let unnamed = self.joins.iter().rev().filter(|j| j.name.is_none());
        for join in unnamed {
            if let Some(at) = place(join, join.using.len()) {
                return Some((None, join.columns.names[at].as_deref()?));
            }
        }
        None
    }
}

impl Join<'_> {
    /// A merged column that is none of either side stands for itself, without a name before it.
    fn merges_unnamed(&self) -> bool {
        let written = &self.node.written;
        written.alias.is_none() && written.using.iter().any(|(_, value)| !matches!(value.kind, ExprKind::Var { .. }))
    }
}

/// The name with the first number that makes it new.
fn fresh(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_string();
    }
    (1..).map(|n| numbered(name, n)).find(|name| !taken(name)).unwrap_or_default()
}
