//! CREATE INDEX, and the indexes behind PRIMARY KEY and UNIQUE.

use super::write::{attribute, attributes_read, bind, class_of, columns_only, new_oid, put, volatility};
use super::{Command, names, opclass, reloptions, storage, stored_text};
use crate::base::{Error, Flow, Fork, Oid, Result, SqlState, TupleId};
use crate::btree::node::push_tid;
use crate::btree::{IndexEntry, Loader};
use crate::catalog::IndexMethod;
use crate::catalog::object::{Class, IndexDef, class};
use crate::catalog::relation::IndexColumn;
use crate::catalog::{Attribute, Index, Object, Persistence, RelKind, Relation};
use crate::err;
use crate::heap::{BuildScan, HeapFetch};
use crate::lock::LockMode;
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup};
use crate::sql::ast::{self, CreateIndexStmt, ExprKind as Ast, IndexElem, NullsOrder, QualName, SortDir};
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{Names, index_column_name};
use crate::sql::exec::{ExecContext, KeyArena, Sorter, system_view};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::stat::{ActivitySlot, Task};
use crate::types::{Batch, Column, ColumnData, Datum, TypeRef};
use std::sync::Arc;

pub use crate::sql::exec::patiently;

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
        }
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateIndexStmt) -> Flow<String> {
    let method = method(&stmt.method)?;
    refuse_for(method, stmt)?;
    if stmt.concurrently {
        if let Some(t) = names::find_relation(cx, &stmt.table)?.filter(|t| t.is_partitioned()) {
            let text = format!("cannot create index on partitioned table \"{}\" concurrently", t.name);
            return Err(Error::unsupported(text).into());
        }
        cx.backend()?.prevent_in_block("CREATE INDEX CONCURRENTLY")?;
    }
    let table = names::locked_relation(cmd, cx, &stmt.table, LockMode::Share)?;
    check_table(cx, &table)?;
    names::check_not_in_use(cx, (table.oid, &table.name), "CREATE INDEX")?;
    super::table::check_tablespace(stmt.tablespace.as_deref())?;
    if stmt.table.inherit && table.is_partitioned() {
        super::inherit::descendants(cx, table.oid, LockMode::Share)?;
    }
    let all = stmt.columns.iter().chain(&stmt.including);
    let element_names = distinct_names(all.map(|e| index_element_name(e).to_string()));
    let name = match &stmt.name {
        Some(name) => {
            names::lock_name(cx, class::RELATION, table.namespace, name)?;
            if cx.backend()?.catalog.class_in(table.namespace, name).is_some() {
                let text = format!("relation \"{name}\" already exists");
                if stmt.if_not_exists {
                    names::notice(cx, SqlState::DUPLICATE_TABLE, format!("{text}, skipping"));
                    return Ok("CREATE INDEX".into());
                }
                return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
            }
            name.clone()
        }
        None => names::choose(cx, table.namespace, &table.name, &element_names.join("_"), "idx", &[])?,
    };
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
    let predicate = match &stmt.filter {
        Some(filter) => Some(predicate(cmd, cx, &table, filter)?),
        None => None,
    };
    let options = reloptions::merge(cmd, reloptions::On::Index(method), &[], &stmt.options)?;
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
    };
    create_object(cx, &table, new)?;
    Ok("CREATE INDEX".into())
}

pub fn method(name: &str) -> Result<IndexMethod> {
    IndexMethod::named(name).ok_or_else(|| match name {
        "spgist" | "brin" => Error::unsupported(format!("access method \"{name}\" is not supported")),
        other => err!(UNDEFINED_OBJECT, "access method \"{other}\" does not exist"),
    })
}

/// What the index does is up to its columns' classes.
fn has_classes(method: IndexMethod) -> bool {
    matches!(method, IndexMethod::Gin | IndexMethod::Gist)
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
        IndexMethod::Hash => crate::sql::func::hash::hashable(ty.oid),
        IndexMethod::Gin | IndexMethod::Gist => system_view::default_opclass(method, ty.oid).is_valid(),
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
    let (attno, expr, ty) = match (&e.name, written) {
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
                    if volatility(&bound) != b'i' {
                        return Err(err!(
                            INVALID_OBJECT_DEFINITION,
                            "functions in index expression must be marked IMMUTABLE"
                        ));
                    }
                    let ty = bound.ty;
                    (0, Some(stored_text::text_of(cx, expr, None)?), ty)
                }
            }
        }
        _ => return Err(Error::internal("an index column without name and expression")),
    };
    let opclass = match &e.opclass {
        None if has_classes(method) && !system_view::default_opclass(method, ty.oid).is_valid() => {
            let own = opclass::default_for(&cx.backend()?.catalog.clone(), method, ty.oid);
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
    let collation = super::column::collation(cx, named.as_ref(), ty, None)?;
    let order = order_of(cx, &table.attributes, (attno, ty), collation, Oid::INVALID)?;
    if !crate::types::Collation::from_written(&order)?.is_deterministic() {
        refuse_nondeterministic(method, opclass)?;
    }
    let order = match method {
        IndexMethod::Btree if !opclass.is_valid() => order,
        IndexMethod::Gist => order,
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
    Ok(IndexColumn { attno, expr, ty, desc, nulls_first, opclass, collation, order, name: name.to_string() })
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
    // What an extension's type is ordered by has the type's name.
    let code = crate::types::info(crate::types::base_type(ty.oid)).and_then(|i| i.code);
    if !has_classes(method) && code.is_some_and(|c| c.key.is_some() && named.name() == format!("{}_ops", c.name)) {
        return Ok(Oid::INVALID);
    }
    if has_classes(method)
        && let Some(own) = opclass::named(&cx.backend()?.catalog.clone(), method, named)?
    {
        return match opclass::takes(&own, ty.oid) {
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
        order: order_of(cx, &table.attributes, (a.attno, a.ty), Oid::INVALID, Oid::INVALID)?,
        name: name.to_string(),
    }))
}

pub fn predicate(
    cmd: &Command,
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    filter: &crate::sql::ast::Expr,
) -> Result<Arc<str>> {
    let bound = bind(cx, &cmd.source, filter, Some(table), Clause::IndexPredicate, None)?;
    super::column::check_boolean(cx, &bound, "WHERE", cmd.at(filter.start()))?;
    if volatility(&bound) != b'i' {
        return Err(err!(INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE"));
    }
    stored_text::text_of(cx, filter, None)
}

/// Makes an index and fills it. The table is locked against writers.
pub fn create_object(cx: &mut ExecContext, table: &Arc<Relation>, new: NewIndex) -> Result<Oid> {
    let named =
        |c: &&IndexColumn| c.opclass >= Oid::FIRST_NORMAL || new.method == IndexMethod::Gist && c.opclass.is_valid();
    for c in new.columns[..new.key_columns].iter().filter(|c| !named(c)) {
        check_class(cx, c.ty, new.method)?;
    }
    if new.unique && table.is_partitioned() {
        super::partition::refuse_unique(table, &new.columns[..new.key_columns], new.primary)?;
    }
    let oid = new_oid(cx)?;
    let kind = if table.is_partitioned() { RelKind::PartitionedIndex } else { RelKind::Index };
    let mut c = Class::new(oid, new.name.clone(), table.namespace, kind, table.persistence, table.owner);
    if kind == RelKind::Index {
        c.node = storage::create_index(cx.backend()?, table.persistence, new.method)?.node;
    }
    if new.parent.is_valid() {
        c.lineage.parents.push(new.parent);
    }
    let complete = !new.only || !table.is_partitioned() || table.children.is_empty();
    c.options = new.options;
    c.attributes = (1..).zip(&new.columns).map(|(n, k)| attribute(&k.name, n, k.ty)).collect();
    c.index = Some(IndexDef {
        table: table.oid,
        unique: new.unique,
        primary: new.primary,
        nulls_not_distinct: new.nulls_not_distinct,
        valid: complete,
        columns: new.columns,
        key_columns: new.key_columns,
        predicate: new.predicate,
        constraint: new.constraint,
        clustered: false,
        replica_identity: false,
        hash: new.method == IndexMethod::Hash,
        gin: new.method == IndexMethod::Gin,
        gist: new.method == IndexMethod::Gist,
        exclusion: new.exclusion,
    });
    put(cx, Object::Class(c))?;
    if kind == RelKind::PartitionedIndex {
        if !new.only {
            super::partition::cascade(cx, table.oid, oid)?;
        }
        return Ok(oid);
    }
    let now = cx.backend()?.catalog.relation(table.oid)?;
    let now = now.ok_or_else(|| Error::internal("the indexed table is gone"))?;
    let index = now.indexes.iter().find(|i| i.oid == oid).cloned();
    let index = index.ok_or_else(|| Error::internal("the new index is not its table's"))?;
    fill(cx, &now, &index)?;
    Ok(oid)
}

/// An index's columns and predicate over a scan's batches.
struct Keys {
    attnos: Vec<i16>,
    columns: Projection,
    predicate: Option<Projection>,
}

impl Keys {
    fn new(cx: &mut ExecContext, table: &Arc<Relation>, index: &Index) -> Result<Keys> {
        let rel = columns_only(table.oid, &table.name, &table.attributes);
        let mut exprs = Vec::new();
        for c in &index.columns[..index.key_columns] {
            exprs.push(match &c.expr {
                Some(text) => bind_text(cx, text, &rel, Clause::IndexExpression)?,
                None => {
                    let ty = rel.attributes.get(c.attno as usize - 1).map_or(c.ty, |a| a.ty);
                    Expr::new(ExprKind::Var { rel: 0, attno: c.attno, levels_up: 0 }, ty)
                }
            });
        }
        if index.method == IndexMethod::Hash {
            exprs = exprs.into_iter().map(crate::sql::bind::hash_code).collect::<Result<_>>()?;
        }
        let mut predicate = match &index.predicate {
            Some(text) => Some(bind_text(cx, text, &rel, Clause::IndexPredicate)?),
            None => None,
        };
        let mut attnos: Vec<i16> = exprs.iter().chain(&predicate).flat_map(attributes_read).collect();
        attnos.sort_unstable();
        attnos.dedup();
        exprs.iter_mut().chain(&mut predicate).for_each(|e| place(e, &attnos));
        Ok(Keys {
            columns: Projection::new(&exprs),
            predicate: predicate.map(|p| Projection::new(std::slice::from_ref(&p))),
            attnos,
        })
    }
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

/// Tells of an index that is built. What a REINDEX has told of itself stays.
fn begin_build(cx: &mut ExecContext, table: &Relation, index: &Index, pages: u32) -> Result<Arc<ActivitySlot>> {
    let activity = cx.backend()?.activity.clone();
    if activity.facts().progress.is_none_or(|p| p.task != Task::CreateIndex) {
        activity.begin_task(Task::CreateIndex, table.oid);
        activity.progress(Task::CreateIndex, &[(0, 1)]);
    }
    activity.progress(Task::CreateIndex, &[(6, index.oid.0.into()), (9, 2), (10, 2), (15, pages.into())]);
    Ok(activity)
}

/// Reads the table and writes the index's pages; what was counted on the way is kept.
///
/// # Errors
/// 23505 for duplicates.
pub fn fill(cx: &mut ExecContext, table: &Arc<Relation>, index: &Arc<Index>) -> Result<()> {
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let xid = cx.backend()?.txn.xid();
    if store.nblocks(&storage)? == 0 {
        let fork = storage.pool.open(index.file, Fork::Main, index.persistence);
        return index.method.create_empty(&storage, &fork, xid);
    }
    let activity = begin_build(cx, table, index, store.nblocks(&storage)?)?;
    let mut keys = Keys::new(cx, table, index)?;
    let mut scan = BuildScan::new(store.clone(), keys.attnos.clone());
    let memory = cx.backend()?.view.bytes(Id::MaintenanceWorkMem).max(1 << 20) as usize;
    let mut sorter = Sorter::of_keys(memory);
    if index.method == IndexMethod::Gist {
        let fork = storage.pool.open(index.file, Fork::Main, index.persistence);
        index.method.create_empty(&storage, &fork, xid)?;
    }
    let mut found = Vec::new();
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    let (mut alive, mut entries) = (0u64, 0u64);
    while scan.next(&storage, &mut batch, &mut rows)? {
        cx.interrupts.check()?;
        batch.rows = rows.len();
        alive += rows.iter().filter(|r| r.alive).count() as u64;
        activity.progress(Task::CreateIndex, &[(12, alive as i64)]);
        let mut picked: Vec<u32> = (0..batch.rows as u32).collect();
        if let Some(p) = &mut keys.predicate {
            let answer = patiently(cx, |cx| p.run(cx, &batch, Sel::All(batch.rows)))?;
            if let ColumnData::Bool(values) = &answer[0].data {
                picked.retain(|r| values[*r as usize] && !answer[0].is_null(*r as usize));
            }
        }
        if picked.is_empty() {
            continue;
        }
        let sel = if picked.len() == batch.rows { Sel::All(batch.rows) } else { Sel::Rows(&picked) };
        let values = patiently(cx, |cx| keys.columns.run(cx, &batch, sel))?;
        for (at, row) in picked.iter().enumerate() {
            // A key may take long to make, or to find a place for.
            cx.interrupts.check()?;
            let row = rows[*row as usize];
            let has_null = !index.nulls_not_distinct && values.iter().any(|c| c.is_null(at));
            index.keys(values.iter().map(|c| c.get(at)), &mut found);
            entries += found.len() as u64;
            if index.method == IndexMethod::Gist {
                let entry = |key| IndexEntry { key, tid: Some(row.tid), payload: Vec::new(), has_null };
                let list: Vec<IndexEntry> = found.drain(..).map(entry).collect();
                patiently(cx, |_| index.insert(&storage, xid.into(), &list))?;
                continue;
            }
            for key in &mut found {
                push_tid(key, row.tid);
                index.store.check_size(key.len())?;
                // Behind the address, which no two rows share, it does not change the order.
                key.push((has_null || !row.alive).into());
                sorter.push_key(cx, key)?;
            }
        }
    }
    activity.progress(Task::CreateIndex, &[(10, 5)]);
    if index.method == IndexMethod::Gist {
        activity.end_task(Task::CreateIndex);
        return keep_counts(cx, table, index, alive as f64, entries as f64);
    }
    match load(cx, index, sorter)? {
        Some((_, tid)) => Err(duplicate(cx, table, index, &mut keys, tid)?),
        None => {
            activity.end_task(Task::CreateIndex);
            keep_counts(cx, table, index, alive as f64, entries as f64)
        }
    }
}

/// Writes the index's pages. Returns the first two rows with equal keys if there may be none.
fn load(cx: &mut ExecContext, index: &Index, mut sorter: Sorter) -> Result<Option<(TupleId, TupleId)>> {
    sorter.finish(cx)?;
    let storage = cx.storage()?;
    let mut loader = Loader::new(&storage, &index.store, cx.backend()?.txn.xid(), index.unique)?;
    let mut entries = KeyArena::default();
    while sorter.next(Some(&mut entries))?.is_some() {
        cx.interrupts.check()?;
        for n in 0..entries.len() {
            let Some((exempt, entry)) = entries.get(n).split_last() else { continue };
            if let Some(pair) = loader.add(entry, *exempt != 0)? {
                return Ok(Some(pair));
            }
        }
    }
    loader.finish()?;
    Ok(None)
}

/// PostgreSQL 15, index.c, index_update_stats: same facts, and an empty table that nobody has counted stays uncounted.
fn keep_counts(cx: &mut ExecContext, table: &Relation, index: &Index, rows: f64, entries: f64) -> Result<()> {
    let storage = cx.storage()?;
    super::vacuum::store_index_stats(cx, index, entries)?;
    if rows == 0.0 && table.stats.reltuples() < 0.0 {
        return Ok(());
    }
    let pages = match &table.store {
        Some(store) => u64::from(store.nblocks(&storage)?),
        None => 0,
    };
    super::vacuum::store_stats(cx, table.oid, pages, rows, table.column_stats.load().to_vec())
}

fn duplicate(
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    index: &Index,
    keys: &mut Keys,
    tid: TupleId,
) -> Result<Error> {
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let snapshot: Snapshot = cx.backend()?.txn.latest_snapshot();
    let mut batch = Batch { columns: crate::heap::new_columns(store.desc(), &keys.attnos, 1), rows: 0 };
    let mut fetch = HeapFetch::new(store, snapshot, keys.attnos.clone());
    let text = format!("could not create unique index \"{}\"", index.name);
    let error = Error::new(SqlState::UNIQUE_VIOLATION, text)
        .table(table.schema.clone(), table.name.clone())
        .constraint(index.name.clone())
        .place("comparetup_index_btree", "tuplesort.c", 4359);
    if fetch.fetch(&storage, tid, &mut batch)?.is_none() {
        return Ok(error.detail("Duplicate keys exist."));
    }
    batch.rows = 1;
    let values = patiently(cx, |cx| keys.columns.run(cx, &batch, Sel::All(1)))?;
    let key = key_text(cx, index, &values);
    Ok(error.detail(format!("Key {key} is duplicated.")))
}

/// `(a, b)=(1, 2)`.
fn key_text(cx: &ExecContext, index: &Index, values: &[Column]) -> String {
    let quoted = crate::types::name::quote_identifier;
    let names: Vec<String> = index.columns[..index.key_columns]
        .iter()
        .map(|c| c.expr.as_ref().map_or_else(|| quoted(&c.name), |e| e.to_string()))
        .collect();
    let shown = values.iter().zip(&index.columns).map(|(v, c)| match v.get(0) {
        Datum::Null => "null".to_string(),
        value => {
            let mut text = Vec::new();
            let done = crate::types::text_out(c.ty, value, &mut text, &cx.fx.io);
            done.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| "?".into())
        }
    });
    format!("({})=({})", names.join(", "), shown.collect::<Vec<_>>().join(", "))
}

/// An index that is built anew is ordered by what its columns are ordered by now.
fn note_orders(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let mut c = class_of(cx, index)?;
    let attributes = class_of(cx, table)?.attributes;
    let ordered = |d: &&mut IndexDef| matches!(d.method(), IndexMethod::Btree | IndexMethod::Gist);
    let Some(def) = c.index.as_mut().filter(ordered) else { return Ok(()) };
    let by_class = def.method() == IndexMethod::Btree;
    let mut changed = false;
    for k in &mut def.columns[..def.key_columns] {
        let opclass = if by_class { k.opclass } else { Oid::INVALID };
        let order = order_of(cx, &attributes, (k.attno, k.ty), k.collation, opclass)?;
        changed |= k.order != order;
        k.order = order;
    }
    if changed { put(cx, Object::Class(c)) } else { Ok(()) }
}

/// Gives an index new, freshly built pages (REINDEX, rewritten tables).
pub fn rebuild(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let old = class_of(cx, index)?;
    let persistence: Persistence = old.persistence;
    let method = old.index.map_or(IndexMethod::Btree, |d| d.method());
    cx.backend()?.txn.next_command();
    note_orders(cx, table, index)?;
    let backend = cx.backend()?;
    backend.txn.next_command();
    let file = storage::create_index(backend, persistence, method)?;
    super::truncate::replace_node(backend, index, file.node)?;
    cx.backend()?.txn.next_command();
    let table = cx.backend()?.catalog.relation(table)?;
    let table = table.ok_or_else(|| Error::internal("the indexed table is gone"))?;
    let Some(index) = table.indexes.iter().find(|i| i.oid == index).cloned() else { return Ok(()) };
    let activity = &cx.backend()?.activity;
    activity.begin_task(Task::CreateIndex, table.oid);
    activity.progress(Task::CreateIndex, &[(0, 3)]);
    fill(cx, &table, &index)
}
