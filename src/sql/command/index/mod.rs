//! CREATE INDEX, and the indexes behind PRIMARY KEY and UNIQUE.

mod fill;
mod summarize;

pub use crate::sql::exec::patiently;
pub use fill::{Keys, fill, rebuild, rebuild_in};
pub use summarize::{after_vacuum, summarize};

use super::write::{attribute, bind, new_oid, put};
use super::{Command, concurrent, names, opclass, reloptions, storage, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::object::{Class, IndexDef, IndexStage, class, fixed};
use crate::catalog::relation::IndexColumn;
use crate::catalog::{Attribute, Index, Object, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{self, CreateIndexStmt, ExprKind as Ast, IndexElem, NullsOrder, QualName, SortDir};
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{Names, expr_collation, index_column_name};
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::expr::{Expr, ExprKind, volatility};
use crate::types::TypeRef;
use std::sync::Arc;

/// An index to be made; its name is free.
pub struct NewIndex {
    pub name: String,
    pub unique: bool,
    pub primary: bool,
    pub nulls_not_distinct: bool,
    pub columns: Vec<IndexColumn>,
    pub key_columns: usize,
    pub predicate: Option<Arc<str>>,
    pub options: Vec<String>,
    /// The constraint's OID, if it is behind one.
    pub constraint: Oid,
    /// The partitioned index it is part of.
    pub parent: Oid,
    /// Of a partitioned table: nothing is made in its partitions.
    pub only: bool,
    pub method: IndexMethod,
    /// EXCLUDE: the operator of each key column.
    pub exclusion: Vec<Oid>,
    /// As [`Class::tablespace`].
    pub tablespace: Oid,
}

impl NewIndex {
    /// A plain unique index.
    pub fn unique(name: String, columns: Vec<IndexColumn>) -> NewIndex {
        NewIndex {
            name,
            unique: true,
            primary: false,
            nulls_not_distinct: false,
            key_columns: columns.len(),
            columns,
            predicate: None,
            options: Vec::new(),
            constraint: Oid::INVALID,
            parent: Oid::INVALID,
            only: false,
            method: IndexMethod::Btree,
            exclusion: Vec::new(),
            tablespace: Oid::INVALID,
        }
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateIndexStmt) -> Flow<String> {
    if let Some(begun) = concurrent::Creation::begun(cmd) {
        return begun.go_on(cx);
    }
    let method = method(&stmt.method)?;
    refuse_for(method, stmt)?;
    if stmt.concurrently {
        if let Some(t) = names::find_relation(cx, &stmt.table)?.filter(|t| t.is_partitioned()) {
            let text = format!("cannot create index on partitioned table \"{}\" concurrently", t.name);
            return Err(Error::unsupported(text).into());
        }
        cx.backend()?.prevent_in_block("CREATE INDEX CONCURRENTLY")?;
    }
    let is_temporary = |t: Arc<Relation>| t.persistence == Persistence::Temp;
    // Nobody else writes to a temporary table.
    let concurrently = stmt.concurrently && !names::find_relation(cx, &stmt.table)?.is_some_and(is_temporary);
    let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
    let table = names::locked_relation(cmd, cx, &stmt.table, mode)?;
    check_table(cx, &table)?;
    names::refuse_other_temp(cx, table.oid, "create indexes on")?;
    names::check_not_in_use(cx, (table.oid, &table.name), "CREATE INDEX")?;
    let clause = stmt.tablespace.as_deref();
    let tablespace = super::tablespace::place(cx, clause, Oid::INVALID, table.persistence, table.is_partitioned())?;
    if stmt.table.inherit && table.is_partitioned() {
        super::inherit::descendants(cx, table.oid, LockMode::Share)?;
    }
    let all = stmt.columns.iter().chain(&stmt.including);
    let element_names = distinct_names(all.map(|e| index_element_name(e).to_string()));
    let name = match &stmt.name {
        Some(name) => {
            names::lock_name(cx, class::RELATION, table.namespace, name)?;
            name.clone()
        }
        None => names::choose(cx, table.namespace, &table.name, &element_names.join("_"), "idx", names::For::Relation)?,
    };
    let predicate = match &stmt.filter {
        Some(filter) => Some(predicate(cmd, cx, &table, filter)?),
        None => None,
    };
    let options = reloptions::merge(cmd, reloptions::On::Index(method), &[], &stmt.options)?;
    let mut columns = Vec::new();
    for (elem, name) in stmt.columns.iter().zip(&element_names) {
        columns.push(column(cmd, cx, &table, elem, name, method)?);
    }
    let key_columns = columns.len();
    for elem in &stmt.including {
        columns.push(included(cx, &table, elem)?);
    }
    if columns.len() > 32 {
        return Err(err!(TOO_MANY_COLUMNS, "cannot use more than 32 columns in an index").into());
    }
    if let Some(name) = &stmt.name
        && cx.backend()?.catalog.class_in(table.namespace, name).is_some()
    {
        let text = format!("relation \"{name}\" already exists");
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_TABLE, format!("{text}, skipping"));
            return Ok("CREATE INDEX".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
    }
    let new = NewIndex {
        name,
        unique: stmt.unique,
        primary: false,
        nulls_not_distinct: stmt.nulls_not_distinct,
        columns,
        key_columns,
        predicate,
        options,
        constraint: Oid::INVALID,
        parent: Oid::INVALID,
        only: !stmt.table.inherit,
        method,
        exclusion: Vec::new(),
        tablespace,
    };
    if concurrently {
        let index = enter(cx, &table, new, IndexStage::Building)?;
        return concurrent::Creation::begin(cmd, cx, table.oid, index);
    }
    create_object(cx, &table, new)?;
    Ok("CREATE INDEX".into())
}

pub fn method(name: &str) -> Result<IndexMethod> {
    IndexMethod::named(name).ok_or_else(|| match name {
        "spgist" => Error::unsupported(format!("access method \"{name}\" is not supported")),
        other => err!(UNDEFINED_OBJECT, "access method \"{other}\" does not exist"),
    })
}

/// What the index does is up to its columns' classes.
fn has_classes(method: IndexMethod) -> bool {
    matches!(method, IndexMethod::Gin | IndexMethod::Gist | IndexMethod::Brin)
}

fn check_table(cx: &mut ExecContext, table: &Relation) -> Result<()> {
    if !matches!(table.kind, RelKind::Table | RelKind::MatView | RelKind::Partitioned) {
        let kinds = names::kind_words(table.kind);
        return Err(err!(WRONG_OBJECT_TYPE, "cannot create index on relation \"{}\"", table.name)
            .detail(format!("This operation is not supported for {kinds}.")));
    }
    names::check_owner(cx, table)?;
    super::schema::may_create_in(cx.backend()?, table.namespace)
}

/// What an index's column is called unless another one is called so.
pub fn index_element_name(e: &IndexElem) -> &str {
    match (&e.name, &e.expr) {
        (Some(name), _) => name,
        (None, Some(expr)) => index_column_name(expr).unwrap_or("expr"),
        _ => "expr",
    }
}

/// What the index's columns are called (PostgreSQL 15, indexcmds.c, ChooseIndexColumnNames).
pub fn distinct_names(bases: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for base in bases {
        let mut name = base.clone();
        let mut n = 0;
        while out.contains(&name) {
            n += 1;
            name = format!("{base}{n}");
        }
        out.push(name);
    }
    out
}

/// Values of the type have an order.
pub fn is_ordered(ty: Oid) -> bool {
    let unordered = |t: &crate::types::TypeInfo| t.code.is_some_and(|c| c.key.is_none());
    crate::types::order::has_order(ty) && !crate::types::info(crate::types::base_type(ty)).is_some_and(unordered)
}

/// What only B-trees can do, and what hash indexes cannot (PostgreSQL 15, indexcmds.c: same words).
fn refuse_for(method: IndexMethod, stmt: &CreateIndexStmt) -> Result<()> {
    if stmt.unique && method != IndexMethod::Btree {
        return Err(Error::unsupported(format!("access method \"{}\" does not support unique indexes", method.name())));
    }
    refuse_elements(method, stmt.columns.iter(), !stmt.including.is_empty())
}

/// The same for the columns alone.
pub fn refuse_elements<'e>(
    method: IndexMethod,
    columns: impl Iterator<Item = &'e IndexElem> + Clone,
    including: bool,
) -> Result<()> {
    let what = if method == IndexMethod::Btree {
        return Ok(());
    } else if including && method != IndexMethod::Gist {
        "included columns"
    } else if columns.clone().count() > 1 && method == IndexMethod::Hash {
        "multicolumn indexes"
    } else if columns.clone().any(|c| !matches!(c.dir, SortDir::Default)) {
        "ASC/DESC options"
    } else if columns.clone().any(|c| !matches!(c.nulls, NullsOrder::Default)) {
        "NULLS FIRST/LAST options"
    } else {
        return Ok(());
    };
    Err(Error::unsupported(format!("access method \"{}\" does not support {what}", method.name())))
}

/// Whether a column of this type can be indexed; a class that is named has been looked at before.
pub fn check_class(cx: &ExecContext, ty: TypeRef, method: IndexMethod) -> Result<()> {
    let fits = match method {
        IndexMethod::Btree => return check_ordered(cx, ty),
        IndexMethod::Hash => cx.backend.as_ref().is_some_and(|b| opclass::is_hashed(&b.catalog, ty.oid)),
        IndexMethod::Gin | IndexMethod::Gist | IndexMethod::Brin => {
            system_view::default_opclass(method, ty.oid).is_valid()
        }
    };
    if fits {
        return check_elements(cx, ty, method);
    }
    let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
    Err(err!(
        UNDEFINED_OBJECT,
        "data type {shown} has no default operator class for access method \"{}\"",
        method.name()
    )
    .hint("You must specify an operator class for the index or define a default operator class for the data type.")
    .place("GetIndexOpClass", "indexcmds.c", 2173))
}

/// Whether a column of an index can become one of this type.
pub fn check_retyped(cx: &ExecContext, index: &Index, column: &IndexColumn, ty: TypeRef) -> Result<()> {
    let classes = system_view::opclass_of(index.method, column.opclass);
    match classes.filter(|c| !system_view::opclass_takes(c, ty.oid)) {
        Some(class) => Err(not_accepted(cx, class.name, ty)),
        None => check_class(cx, ty, index.method),
    }
}

fn not_accepted(cx: &ExecContext, class: &str, ty: TypeRef) -> Error {
    let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
    err!(DATATYPE_MISMATCH, "operator class \"{class}\" does not accept data type {shown}")
}

/// The elements of arrays are compared (PostgreSQL 15, ginutil.c, initGinState).
fn check_elements(cx: &ExecContext, ty: TypeRef, method: IndexMethod) -> Result<()> {
    match crate::types::element_type(ty.oid) {
        Some(element) if method == IndexMethod::Gin && !is_ordered(element) => {
            let shown = crate::types::format_type_plain(element, &*cx.fx.io.hooks);
            Err(err!(UNDEFINED_FUNCTION, "could not identify a comparison function for type {shown}"))
        }
        _ => Ok(()),
    }
}

pub fn check_ordered(cx: &ExecContext, ty: TypeRef) -> Result<()> {
    if is_ordered(ty.oid) {
        return Ok(());
    }
    let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
    Err(err!(UNDEFINED_OBJECT, "data type {shown} has no default operator class for access method \"btree\"")
        .hint("You must specify an operator class for the index or define a default operator class for the data type.")
        .place("GetIndexOpClass", "indexcmds.c", 2173))
}

pub fn column(
    cmd: &Command,
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    e: &IndexElem,
    name: &str,
    method: IndexMethod,
) -> Result<IndexColumn> {
    // A COLLATE clause of the expression is the column's.
    let (mut written, mut named) = (e.expr.as_ref(), e.collation.clone());
    while let Some(ast::Expr { kind: Ast::Collate { arg, collation }, pos }) = written {
        named = named.or_else(|| Some(QualName { parts: collation.clone(), pos: *pos }));
        written = Some(arg);
    }
    let mut derived = Oid::INVALID;
    let (attno, expr, ty) = match (&e.name, written) {
        (Some(column), _) if crate::sql::bind::scope::system_attno(column).is_some() => return Err(on_system_column()),
        (Some(column), _) => {
            let a = table.attribute(column).ok_or_else(|| {
                err!(UNDEFINED_COLUMN, "column \"{column}\" does not exist").place(
                    "ComputeIndexAttrs",
                    "indexcmds.c",
                    1935,
                )
            })?;
            (a.attno, None, a.ty)
        }
        (None, Some(expr)) => {
            let bound = bind(cx, &cmd.source, expr, Some(table), Clause::IndexExpression, None)?;
            match bound.kind {
                // A column in parentheses is a column.
                ExprKind::Var { attno, .. } if attno > 0 => (attno, None, bound.ty),
                _ => {
                    if reads_system(&bound) {
                        return Err(on_system_column());
                    }
                    if volatility(&bound) != b'i' {
                        return Err(err!(
                            INVALID_OBJECT_DEFINITION,
                            "functions in index expression must be marked IMMUTABLE"
                        ));
                    }
                    let ty = bound.ty;
                    if named.is_none() {
                        derived = derived_collation(cx, &bound, table)?;
                    }
                    (0, Some(stored_text::text_of(cx, expr, None)?), ty)
                }
            }
        }
        _ => return Err(Error::internal("an index column without name and expression")),
    };
    let opclass = match &e.opclass {
        None if has_classes(method) && !system_view::default_opclass(method, ty.oid).is_valid() => {
            let own = cx.backend()?.catalog.default_opclass(method, ty.oid);
            match own {
                Some(oid) => oid,
                None => {
                    return Err(check_class(cx, ty, method)
                        .err()
                        .unwrap_or_else(|| Error::internal("no operator class")));
                }
            }
        }
        Some(named) if has_classes(method) => named_opclass(cx, named, ty, method)?,
        named => {
            check_class(cx, ty, method)?;
            named.as_ref().map_or(Ok(Oid::INVALID), |n| named_opclass(cx, n, ty, method))?
        }
    };
    let own =
        table.attributes.iter().find(|a| attno > 0 && a.attno == attno).map_or(Oid::INVALID, |a| a.declared.collation);
    let options = match &e.opclass {
        Some(class) if !e.opclass_options.is_empty() => reloptions::of_class(class.name(), &e.opclass_options)?,
        _ => Vec::new(),
    };
    let opclass = match opclass.is_valid() || options.is_empty() {
        true => opclass,
        false => system_view::default_opclass(method, ty.oid),
    };
    let collation = named_collation(cx, named.as_ref(), ty, own)?;
    let named = if collation.is_valid() { collation } else { derived };
    let order = order_of(cx, &table.attributes, (attno, ty), named, Oid::INVALID)?;
    if !crate::types::Collation::from_written(&order)?.is_deterministic() {
        refuse_nondeterministic(method, opclass)?;
    }
    let order = match method {
        IndexMethod::Btree if !opclass.is_valid() => order,
        IndexMethod::Gist | IndexMethod::Brin => order,
        _ => String::new(),
    };
    let desc = match &e.dir {
        SortDir::Desc => true,
        SortDir::Using(_) => return Err(Error::unsupported("USING is not allowed in CREATE INDEX")),
        _ => false,
    };
    let nulls_first = match e.nulls {
        NullsOrder::Default => desc,
        NullsOrder::First => true,
        NullsOrder::Last => false,
    };
    if expr.is_some() {
        super::column::check_type(cx, name, ty)?;
    }
    Ok(IndexColumn {
        attno,
        expr,
        ty,
        desc,
        nulls_first,
        opclass,
        collation,
        derived,
        order,
        options,
        name: name.to_string(),
    })
}

/// Equality of other than bytes is only that of a B-tree's default order.
fn refuse_nondeterministic(method: IndexMethod, opclass: Oid) -> Result<()> {
    let what = match system_view::special_opclass(opclass).filter(|_| opclass.is_valid()) {
        Some(class) => format!("operator class \"{class}\""),
        None if method == IndexMethod::Btree => return Ok(()),
        None => format!("access method \"{}\"", method.name()),
    };
    Err(Error::unsupported(format!("nondeterministic collations are not supported for {what}")))
}

/// The operator class named, if it is another than the type's default one. All of a type's order alike here, since
/// text is ordered as bytes.
pub fn named_opclass(cx: &mut ExecContext, named: &QualName, ty: TypeRef, method: IndexMethod) -> Result<Oid> {
    if let Some(own) = opclass::named(&cx.backend()?.catalog.clone(), method, named)? {
        return match own.takes(ty.oid) {
            true if own.code.is_empty() => {
                let text =
                    format!("operator class \"{}\": only the types' own orders and hashes are supported", own.name);
                Err(Error::unsupported(text))
            }
            true if own.default && !has_classes(method) => Ok(Oid::INVALID),
            true => Ok(own.oid),
            false => Err(not_accepted(cx, &named.joined(), ty)),
        };
    }
    let Some(class) = system_view::opclass_named(method, named.name()) else {
        let (class, method) = (named.joined(), method.name());
        let text = format!("operator class \"{class}\" does not exist for access method \"{method}\"");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text));
    };
    if !system_view::opclass_takes(class, ty.oid) {
        if crate::sql::bind::is_binary_coercible(ty.oid, class.input) {
            let text = format!("operator class \"{}\" of values of another type is not supported", named.joined());
            return Err(Error::unsupported(text));
        }
        return Err(not_accepted(cx, &named.joined(), ty));
    }
    if class.name == "record_image_ops" {
        return Err(Error::unsupported("operator class record_image_ops is not supported"));
    }
    Ok(if class.is_default { Oid::INVALID } else { class.oid })
}

/// The collation named for a key; invalid where it is the column's anyway.
fn named_collation(cx: &mut ExecContext, named: Option<&QualName>, ty: TypeRef, own: Oid) -> Result<Oid> {
    let found = super::column::collation(cx, named, ty, None)?;
    match found.is_valid() {
        true => Ok(if found == own { Oid::INVALID } else { found }),
        // The default one is told from none where the column has another.
        false if named.is_some() && own.is_valid() => Ok(fixed::DEFAULT_COLLATION),
        false => Ok(found),
    }
}

/// The collation of an index's expression, where it is not its type's.
fn derived_collation(cx: &mut ExecContext, e: &Expr, table: &Relation) -> Result<Oid> {
    let own = crate::types::info(e.ty.oid).map_or(Oid::INVALID, |i| i.collation);
    if !own.is_valid() {
        return Ok(own);
    }
    let catalog = cx.backend()?.catalog.clone();
    let found = expr_collation(&*catalog, e, table, "index expression")?;
    Ok(if found == own { Oid::INVALID } else { found })
}

fn included(cx: &mut ExecContext, table: &Relation, e: &IndexElem) -> Result<IndexColumn> {
    let Some(name) = &e.name else {
        return Err(Error::unsupported("expressions are not supported in included columns"));
    };
    key_column(cx, table, name)?.ok_or_else(|| err!(UNDEFINED_COLUMN, "column \"{name}\" does not exist"))
}

/// What a key column of a B-tree is ordered by: the collation named, else the column's, else the database's. The pattern
/// operator classes go by bytes.
pub fn order_of(
    cx: &mut ExecContext,
    attributes: &[Attribute],
    (attno, ty): (i16, TypeRef),
    named: Oid,
    opclass: Oid,
) -> Result<String> {
    let own = crate::types::info(ty.oid).map_or(Oid::INVALID, |i| i.collation);
    if !own.is_valid() || opclass.is_valid() {
        return Ok(String::new());
    }
    let declared = attributes.iter().find(|a| attno > 0 && a.attno == attno).map(|a| a.declared.collation);
    let collation = [named, declared.unwrap_or(Oid::INVALID), own].into_iter().find(|c| c.is_valid());
    let catalog = cx.backend()?.catalog.clone();
    collation.map_or(Ok(String::new()), |c| Ok(Names::order(&*catalog, c)?.written()))
}

/// A plain column of an index; None if the table has no such column.
pub fn key_column(cx: &mut ExecContext, table: &Relation, name: &str) -> Result<Option<IndexColumn>> {
    let Some(a) = table.attribute(name) else { return Ok(None) };
    Ok(Some(IndexColumn {
        attno: a.attno,
        expr: None,
        ty: a.ty,
        desc: false,
        nulls_first: false,
        opclass: Oid::INVALID,
        collation: Oid::INVALID,
        derived: Oid::INVALID,
        order: order_of(cx, &table.attributes, (a.attno, a.ty), Oid::INVALID, Oid::INVALID)?,
        options: Vec::new(),
        name: name.to_string(),
    }))
}

fn on_system_column() -> Error {
    Error::unsupported("index creation on system columns is not supported")
}

fn reads_system(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::Var { attno, .. } if attno < 0))
}

pub fn predicate(
    cmd: &Command,
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    filter: &crate::sql::ast::Expr,
) -> Result<Arc<str>> {
    let bound = bind(cx, &cmd.source, filter, Some(table), Clause::IndexPredicate, None)?;
    super::column::check_boolean(cx, &bound, "WHERE", cmd.at(filter.start()))?;
    if reads_system(&bound) {
        return Err(on_system_column());
    }
    if volatility(&bound) != b'i' {
        return Err(err!(INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE"));
    }
    stored_text::text_of(cx, filter, None)
}

/// Makes an index and fills it. The table is locked against writers.
pub fn create_object(cx: &mut ExecContext, table: &Arc<Relation>, new: NewIndex) -> Result<Oid> {
    let only = new.only;
    let oid = enter(cx, table, new, IndexStage::Ready)?;
    if table.is_partitioned() {
        if !only {
            super::partition::cascade(cx, table.oid, oid)?;
        }
        return Ok(oid);
    }
    let (table, index) = of_table(cx, table.oid, oid)?;
    fill(cx, &table, &index, None)?;
    Ok(oid)
}

/// A table and one of its indexes as they are now.
pub fn of_table(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<(Arc<Relation>, Arc<Index>)> {
    let now = cx.backend()?.catalog.relation(table)?;
    let now = now.ok_or_else(|| Error::internal("the indexed table is gone"))?;
    let found = now.indexes.iter().find(|i| i.oid == index).cloned();
    Ok((now, found.ok_or_else(|| Error::internal("the index is not its table's"))?))
}

/// Makes an index that has no entries yet.
pub fn enter(cx: &mut ExecContext, table: &Arc<Relation>, new: NewIndex, stage: IndexStage) -> Result<Oid> {
    let named = |c: &&IndexColumn| {
        c.opclass >= Oid::FIRST_NORMAL
            || matches!(new.method, IndexMethod::Gist | IndexMethod::Brin) && c.opclass.is_valid()
    };
    for c in new.columns[..new.key_columns].iter().filter(|c| !named(c)) {
        check_class(cx, c.ty, new.method)?;
    }
    if new.unique && table.is_partitioned() {
        super::partition::refuse_unique(table, &new.columns[..new.key_columns], new.primary)?;
    }
    let oid = new_oid(cx)?;
    let kind = if table.is_partitioned() { RelKind::PartitionedIndex } else { RelKind::Index };
    let mut c = Class::new(oid, new.name.clone(), table.namespace, kind, table.persistence, table.owner);
    c.tablespace = new.tablespace;
    if kind == RelKind::Index {
        c.node = storage::create_index_in(cx.backend()?, new.tablespace, table.persistence, new.method)?.node;
    }
    if new.parent.is_valid() {
        c.lineage.parents.push(new.parent);
    }
    let complete = !new.only || !table.is_partitioned() || table.children.is_empty();
    let pages_per_range = if new.method == IndexMethod::Brin { reloptions::pages_per_range(&new.options) } else { 0 };
    c.options = new.options;
    c.attributes = (1..).zip(&new.columns).map(|(n, k)| attribute(&k.name, n, k.ty)).collect();
    c.index = Some(IndexDef {
        table: table.oid,
        unique: new.unique,
        primary: new.primary,
        nulls_not_distinct: new.nulls_not_distinct,
        valid: complete && stage == IndexStage::Ready,
        stage,
        marks: Oid::INVALID,
        columns: new.columns,
        key_columns: new.key_columns,
        predicate: new.predicate,
        constraint: new.constraint,
        clustered: false,
        replica_identity: false,
        hash: new.method == IndexMethod::Hash,
        gin: new.method == IndexMethod::Gin,
        gist: new.method == IndexMethod::Gist,
        pages_per_range,
        exclusion: new.exclusion,
    });
    put(cx, Object::Class(c))?;
    Ok(oid)
}

/// Lets an expression read a batch of just these attributes.
pub fn place(e: &mut Expr, attnos: &[i16]) {
    e.rewrite(&mut |e| {
        if let ExprKind::Var { attno, .. } = e.kind
            && let Some(at) = attnos.iter().position(|a| *a == attno)
        {
            e.kind = ExprKind::Column(at);
        }
    });
}

/// Binds a stored text.
pub fn bind_text(cx: &mut ExecContext, text: &str, rel: &Arc<Relation>, clause: Clause) -> Result<Expr> {
    let _all = crate::sql::bind::Everywhere::reach();
    let source = format!("SELECT {text}");
    let expr = stored_text::parse(text)?;
    bind(cx, &source, &expr, Some(rel), clause, None)
}
