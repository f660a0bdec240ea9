//! What the server can compute: `pg_proc`, `pg_operator`, `pg_cast`, `pg_aggregate`, and what initdb knows for good of
//! access methods, operator classes, languages, collations and ranges (files in `facts`, one line a row, `COPY`'s form).

use super::cell::{Acl, NULL, Texts, char_array, oid_array, oid_vector, texts};
use super::{Sink, View, catalog, in_order, row, stored};
use crate::base::{Flow, Oid, Result};
use crate::catalog::Catalog;
use crate::catalog::Object;
use crate::catalog::acl::shown;
use crate::catalog::object::{Function, IndexMethod, MovingDef, class, fixed};
use crate::sql::bind::BtreeClass;
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::{function_acl, language_acl};
use crate::sql::func::{self, CastContext, CastMethod, FuncDef};
use crate::sql::text_search;
use crate::types::array::{self, Array};
use crate::types::context::IoContext;
use crate::types::{self, TypeRef, Value, oid};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A relation whose rows never change.
macro_rules! fixed_rows {
    ($name:literal) => {
        View { name: $name, rows: |_, sink| Ok(push_facts(sink, include_str!(concat!("facts/", $name, ".txt")))?) }
    };
}

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_proc", rows: procs },
    View { name: "pg_operator", rows: operators },
    View { name: "pg_cast", rows: casts },
    fixed_rows!("pg_am"),
    View { name: "pg_aggregate", rows: aggregates },
    View { name: "pg_language", rows: languages },
    View { name: "pg_ts_config", rows: ts_configs },
    View { name: "pg_ts_config_map", rows: ts_config_maps },
    View { name: "pg_ts_dict", rows: ts_dictionaries },
    fixed_rows!("pg_ts_parser"),
    fixed_rows!("pg_ts_template"),
    View { name: "pg_collation", rows: collations },
];

/// The languages, with what GRANT and REVOKE have made of the rights on them.
fn languages(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for line in include_str!("facts/pg_language.txt").lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let number = |text: &str| text.parse().map_or(Oid::INVALID, Oid);
        let (oid, name, owner) = (number(next()), next(), number(next()));
        let (procedural, trusted) = (next() == "t", next() == "t");
        let (call, inline, validator) = (number(next()), number(next()), number(next()));
        let acl = shown(&catalog, language_acl(&catalog, oid).as_deref());
        row![sink; oid, name, owner, procedural, trusted, call, inline, validator, Acl(acl.as_deref())];
    }
    Ok(())
}

/// A field in COPY's text form as a value; names of the reg* types stand as numbers.
fn fact(field: &str, ty: TypeRef, io: &IoContext) -> Result<Value> {
    match ty.oid {
        _ if field == "\\N" => Ok(Value::Null),
        oid::REGPROC => Ok(field.parse().map_or(Value::Null, Value::U32)),
        // As it is shown: nobody's name is looked up.
        oid::ACLITEM_ARRAY => {
            let items = types::text_in(TypeRef::of(oid::TEXT_ARRAY), field, io)?;
            let items: Vec<String> = Array::new(items.datum().bytes()).iter().map(|i| i.str().to_owned()).collect();
            Ok(Value::Bytes(array::from_rights(&items).into()))
        }
        _ => types::text_in(ty, field, io),
    }
}

pub(super) fn push_facts(sink: &mut Sink, text: &str) -> Result<()> {
    let io = IoContext::default();
    let columns: Vec<TypeRef> = sink.relation.attributes.iter().map(|a| a.ty).collect();
    let first = sink.relation.attributes.first().filter(|a| a.name == "oid").and_then(|_| sink.oid_key("oid"));
    let first = first.map(|oid| format!("{oid}\t"));
    for line in text.lines().filter(|l| first.as_ref().is_none_or(|f| l.starts_with(f))) {
        let row: Result<Vec<Value>> = line.split('\t').zip(&columns).map(|(f, ty)| fact(f, *ty, &io)).collect();
        sink.push(&row?);
    }
    Ok(())
}

/// What `pg_proc` tells of a built-in function beyond [`func::ProcFact`].
#[derive(Clone, Copy, Default)]
struct ProcMore {
    support: Oid,
    acl: Option<&'static str>,
    library: Option<&'static str>,
    /// The body of one written in SQL.
    body: Option<&'static str>,
    /// The body as a statement, of one written in the new style.
    statement: Option<&'static str>,
}

static PROC_MORE: LazyLock<HashMap<Oid, ProcMore>> = LazyLock::new(|| {
    let line = |l: &'static str| {
        let mut fields = l.split('\t');
        let oid = Oid(fields.next()?.parse().ok()?);
        let support = Oid(fields.next()?.parse().ok()?);
        let mut next = || fields.next().filter(|a| *a != "\\N");
        Some((oid, ProcMore { support, acl: next(), library: next(), body: next(), statement: next() }))
    };
    include_str!("facts/pg_proc_more.txt").lines().filter_map(line).collect()
});

/// `pg_get_function_sqlbody` of a built-in function.
pub(crate) fn builtin_statement(oid: Oid) -> Option<String> {
    Some(PROC_MORE.get(&oid)?.statement?.replace("\\n", "\n"))
}

/// The rights on a built-in function where initdb takes them from PUBLIC: the superuser's name stands for `postgres`.
fn builtin_proc_acl(acl: &str, superuser: &str) -> Vec<String> {
    let item = |i: &str| match i.split_once('=') {
        Some((who, rights)) => {
            let who = if who == "postgres" { superuser } else { who };
            format!("{who}={}/{superuser}", rights.split('/').next().unwrap_or_default())
        }
        None => i.to_string(),
    };
    acl.trim_matches(['{', '}']).split(',').map(item).collect()
}

/// The rights on a built-in function where initdb takes them from PUBLIC.
pub(crate) fn builtin_acl(oid: Oid, superuser: impl Fn() -> String) -> Option<Vec<String>> {
    Some(builtin_proc_acl(PROC_MORE.get(&oid)?.acl?, &superuser()))
}

/// The language a built-in function is written in.
pub(super) fn language_name(f: &FuncDef) -> &'static str {
    match f.fact.language() {
        b'q' => "sql",
        b'c' => "c",
        _ => "internal",
    }
}

/// What stands behind a built-in function.
pub(crate) struct BuiltinCode {
    pub language: &'static str,
    pub library: Option<&'static str>,
    pub body: String,
    /// The planner's support function, or 0.
    pub support: Oid,
}

pub(crate) fn builtin_code(f: &FuncDef) -> BuiltinCode {
    let more = PROC_MORE.get(&f.oid).copied().unwrap_or_default();
    BuiltinCode { language: language_name(f), library: more.library, body: builtin_body(f), support: more.support }
}

/// `prosrc` of a built-in function.
pub(super) fn builtin_body(f: &FuncDef) -> String {
    let body = PROC_MORE.get(&f.oid).and_then(|m| m.body).map(|b| b.replace("\\n", "\n"));
    body.unwrap_or_else(|| f.fact.src.to_string())
}

/// A collation that is there from the start.
pub(crate) struct BuiltinCollation {
    pub oid: Oid,
    pub name: &'static str,
    /// ICU's locale; None: it orders as bytes do, or as the database says.
    pub icu_locale: Option<&'static str>,
}

static COLLATIONS: LazyLock<Vec<BuiltinCollation>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut fields = line.split('\t');
        let oid = Oid(fields.next()?.parse().ok()?);
        let name = fields.next()?;
        Some(BuiltinCollation { oid, name, icu_locale: fields.nth(7).filter(|l| *l != "\\N") })
    };
    include_str!("facts/pg_collation.txt").lines().filter_map(row).collect()
});

/// The collations that are there from the start, in the order of their OIDs.
pub(crate) fn builtin_collations() -> &'static [BuiltinCollation] {
    &COLLATIONS
}

pub(crate) fn builtin_collation(oid: Oid) -> Option<&'static BuiltinCollation> {
    COLLATIONS.binary_search_by_key(&oid, |c| c.oid).ok().map(|at| &COLLATIONS[at])
}

pub(crate) fn builtin_collation_named(name: &str) -> Option<&'static BuiltinCollation> {
    COLLATIONS.iter().find(|c| c.name == name)
}

/// The built-in functions that have such rights.
pub(super) fn builtin_acls(superuser: &str) -> Vec<(Oid, Vec<String>)> {
    let rights = |(oid, m): (&Oid, &ProcMore)| Some((*oid, builtin_proc_acl(m.acl?, superuser)));
    let mut found: Vec<_> = PROC_MORE.iter().filter_map(rights).collect();
    found.sort();
    found
}

/// The built-in aggregate of plain arguments whose states of type internal these functions bring on and finish.
pub(crate) fn aggregate_of_states(transition: Oid, finish: Oid) -> Option<Oid> {
    let is = |line: &&str| {
        let f: Vec<&str> = line.split('\t').collect();
        let number = |n: usize| f.get(n).and_then(|x| x.parse().ok()).map(Oid);
        f.get(1) == Some(&"n")
            && (number(3), number(4), number(16)) == (Some(transition), Some(finish), Some(oid::INTERNAL))
    };
    let line = include_str!("facts/pg_aggregate.txt").lines().find(is)?;
    line.split('\t').next()?.parse().ok().map(Oid)
}

/// How many direct arguments an ordered-set aggregate has; None for any other function.
pub(crate) fn direct_arguments(oid: Oid) -> Option<usize> {
    let own = oid.0.to_string();
    let line = include_str!("facts/pg_aggregate.txt").lines().find(|l| l.split('\t').next() == Some(&own))?;
    let mut fields = line.split('\t').skip(1);
    if fields.next()? == "n" { None } else { fields.next()?.parse().ok() }
}

/// A row of `pg_opclass`.
pub(crate) struct OpClass {
    pub oid: Oid,
    pub name: &'static str,
    pub input: Oid,
    pub family: Oid,
    pub is_default: bool,
}

static OPCLASSES: LazyLock<Vec<OpClass>> = LazyLock::new(|| opclasses_of(fixed::BTREE_AM));

static HASH_OPCLASSES: LazyLock<Vec<OpClass>> = LazyLock::new(|| opclasses_of(fixed::HASH_AM));

static GIN_OPCLASSES: LazyLock<Vec<OpClass>> = LazyLock::new(|| opclasses_of(fixed::GIN_AM));

static GIST_OPCLASSES: LazyLock<Vec<OpClass>> = LazyLock::new(|| opclasses_of(fixed::GIST_AM));

static BRIN_OPCLASSES: LazyLock<Vec<OpClass>> = LazyLock::new(|| opclasses_of(fixed::BRIN_AM));

fn opclasses(method: IndexMethod) -> &'static [OpClass] {
    match method {
        IndexMethod::Btree => &OPCLASSES,
        IndexMethod::Hash => &HASH_OPCLASSES,
        IndexMethod::Gin => &GIN_OPCLASSES,
        IndexMethod::Gist => &GIST_OPCLASSES,
        IndexMethod::Brin => &BRIN_OPCLASSES,
    }
}

fn opclasses_of(method: Oid) -> Vec<OpClass> {
    let line = |l: &'static str| {
        let f: Vec<&'static str> = l.split('\t').collect();
        let oid = |n: usize| f.get(n).and_then(|t| t.parse().ok()).map(Oid);
        let (name, is_default) = (f.get(2)?, *f.get(7)? == "t");
        let class = OpClass { oid: oid(0)?, name, input: oid(6)?, family: oid(5)?, is_default };
        (oid(1)? == method).then_some(class)
    };
    include_str!("facts/pg_opclass.txt").lines().filter_map(line).collect()
}

/// What a B-tree is said to store for values of an operator class, where that is not their type: C strings for names.
pub(super) fn key_type(opclass: Oid) -> Option<Oid> {
    let line = include_str!("facts/pg_opclass.txt").lines().find(|l| l.starts_with(&format!("{}\t", opclass.0)))?;
    let key = line.rsplit('\t').next()?.parse().map(Oid).ok()?;
    key.is_valid().then_some(key)
}

fn listed_opclass(opclass: Oid) -> Option<&'static OpClass> {
    let mut all = OPCLASSES.iter().chain(&*GIN_OPCLASSES).chain(&*GIST_OPCLASSES).chain(&*BRIN_OPCLASSES);
    all.find(|c| c.oid == opclass)
}

/// Name of an operator class that is not the default of its input type.
pub(crate) fn special_opclass(opclass: Oid) -> Option<&'static str> {
    listed_opclass(opclass).filter(|c| !c.is_default).map(|c| c.name)
}

/// Name of an operator class.
pub(crate) fn opclass_name(opclass: Oid) -> Option<&'static str> {
    listed_opclass(opclass).map(|c| c.name)
}

/// The operator class with this OID.
pub(crate) fn opclass_of(method: IndexMethod, opclass: Oid) -> Option<&'static OpClass> {
    opclasses(method).iter().find(|c| c.oid == opclass)
}

/// The operator class of this name.
pub(crate) fn opclass_named(method: IndexMethod, name: &str) -> Option<&'static OpClass> {
    opclasses(method).iter().find(|c| c.name == name)
}

/// The family and the input type of an operator class for B-trees; users have none.
pub(crate) fn btree_class(class: BtreeClass<'_>) -> Option<(Oid, Oid)> {
    let found = match class {
        BtreeClass::Named([name]) => opclass_named(IndexMethod::Btree, name),
        BtreeClass::Named([schema, name]) if schema == "pg_catalog" => opclass_named(IndexMethod::Btree, name),
        BtreeClass::Named(_) => None,
        BtreeClass::OfColumn(class, _) if class.is_valid() => opclass_of(IndexMethod::Btree, class),
        BtreeClass::OfColumn(_, ty) => opclass_of(IndexMethod::Btree, default_opclass(IndexMethod::Btree, ty)),
    };
    found.map(|c| (c.family, c.input))
}

/// What a type's values count as for operator classes.
fn opclass_input(ty: Oid) -> Oid {
    match types::info(types::base_type(ty)) {
        Some(i) if i.is_array() => oid::ANYARRAY,
        Some(i) if i.oid == oid::VARCHAR => oid::TEXT,
        Some(i) if i.oid == oid::CIDR => oid::INET,
        Some(i) => match i.kind {
            b'e' => Oid(3500),
            b'r' => Oid(3831),
            b'm' => Oid(4537),
            b'c' => oid::RECORD,
            _ => i.oid,
        },
        None => Oid(3500),
    }
}

/// Whether an operator class can sort values of this type.
pub(crate) fn opclass_takes(class: &OpClass, ty: Oid) -> bool {
    class.input == ty || class.input == opclass_input(ty)
}

/// The operator class an index uses for a type if none is named.
pub(crate) fn default_opclass(method: IndexMethod, ty: Oid) -> Oid {
    let of = |input: Oid| opclasses(method).iter().find(|c| c.is_default && c.input == input).map(|c| c.oid);
    of(ty).or_else(|| of(opclass_input(ty))).unwrap_or_default()
}

/// What the operator family of a column of an index is called.
pub(crate) fn family_name(method: IndexMethod, opclass: Oid, ty: Oid) -> String {
    let class = if opclass.is_valid() { opclass } else { default_opclass(method, ty) };
    let row = |text: &'static str, oid: Oid| text.lines().find(|l| l.split('\t').next() == Some(&oid.to_string()));
    let family = row(include_str!("facts/pg_opclass.txt"), class).and_then(|l| l.split('\t').nth(5));
    let family = family.and_then(|f| f.parse().ok()).map(Oid).unwrap_or_default();
    let name = row(include_str!("facts/pg_opfamily.txt"), family).and_then(|l| l.split('\t').nth(2));
    name.unwrap_or_default().to_owned()
}

/// The built-in operator family of this name.
pub(crate) fn family_named(method: IndexMethod, name: &str) -> Option<Oid> {
    let of = |l: &str| {
        let mut fields = l.split('\t');
        let oid = fields.next()?.parse().ok().map(Oid)?;
        (fields.next()? == method.oid().0.to_string() && fields.next()? == name).then_some(oid)
    };
    include_str!("facts/pg_opfamily.txt").lines().find_map(of)
}

fn types_array(types: &[Oid]) -> Value {
    if types.is_empty() { NULL } else { oid_array(types.iter().copied()) }
}

pub(crate) fn language(name: &str) -> Oid {
    Oid(match name {
        "sql" => 14,
        "c" => 13,
        "plpgsql" => 13563,
        _ => 12,
    })
}

fn push_builtin(catalog: &Catalog, sink: &mut Sink, f: &FuncDef) {
    let p = f.fact;
    let more = PROC_MORE.get(&f.oid).copied().unwrap_or_default();
    let acl = if sink.wants("proacl") { shown(catalog, function_acl(catalog, f.oid).as_deref()) } else { None };
    let body = more.body.map(|b| b.replace("\\n", "\n"));
    let tongue = language_name(f);
    row![sink;
        f.oid, f.name, p.namespace, fixed::BOOTSTRAP_SUPERUSER, language(tongue),
        f64::from(p.cost), f64::from(p.rows), p.variadic, more.support, f.kind, false, p.leakproof(), p.strict(),
        p.retset(), p.volatility(), p.parallel(), p.args.len(), i32::from(p.defaults), f.ret,
        oid_vector(p.args.iter().copied()), types_array(p.all_args),
        (!p.modes.is_empty()).then(|| char_array(p.modes.chars())), (!p.names.is_empty()).then(|| texts(p.names)),
        (p.defaults > 0).then_some(p.default_text), NULL, body.as_deref().unwrap_or(p.src), more.library, NULL, NULL, Acl(acl.as_deref()),
    ];
}

/// The types of the input arguments of a user's function.
fn input_types(f: &Function) -> Vec<Oid> {
    let is_input = |n: usize| f.arg_modes.get(n).is_none_or(|m| matches!(m, 'i' | 'b' | 'v'));
    f.arg_types.iter().enumerate().filter(|(n, _)| is_input(*n)).map(|(_, t)| *t).collect()
}

/// What the arguments are of that a VARIADIC parameter of this type takes.
fn element_of(ty: Oid) -> Oid {
    match ty {
        oid::ANY => oid::ANY,
        oid::ANYARRAY => oid::ANYELEMENT,
        oid::ANYCOMPATIBLEARRAY => oid::ANYCOMPATIBLE,
        _ => types::info(ty).map_or(Oid::INVALID, |i| i.element),
    }
}

fn push_function(catalog: &Catalog, sink: &mut Sink, f: &Function) {
    let inputs = input_types(f);
    let defaults: Vec<&str> = f.arg_defaults.iter().flatten().map(|d| &**d).collect();
    let variadic = f.arg_modes.iter().position(|m| *m == 'v').map_or(Oid::INVALID, |n| element_of(f.arg_types[n]));
    row![sink;
        f.oid, &f.name, f.namespace, f.owner, language(&f.language), f64::from(f.cost), f64::from(f.rows),
        variadic, Oid::INVALID, f.kind, f.security_definer, f.leakproof, f.strict,
        f.returns_set, f.volatility, f.parallel, inputs.len(), defaults.len(), f.result.oid,
        oid_vector(inputs.iter().copied()),
        if f.arg_modes.is_empty() { NULL } else { types_array(&f.arg_types) },
        (!f.arg_modes.is_empty()).then(|| char_array(f.arg_modes.iter().copied())),
        f.arg_names.iter().any(|n| !n.is_empty()).then(|| texts(&f.arg_names)),
        (!defaults.is_empty()).then(|| defaults.join(", ")), NULL, if f.atomic { "" } else { &*f.body },
        f.library.as_deref(),
        f.atomic.then(|| f.body.to_string()), Texts(&f.settings),
        Acl(shown(catalog, f.acl.as_deref()).as_deref()),
    ];
}

fn procs(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    let (oid, name) = (sink.oid_key("oid"), sink.text_key("proname"));
    let mut builtin = |f: &FuncDef| push_builtin(&catalog, sink, f);
    match (oid, &name) {
        (Some(oid), _) => func::func(oid).into_iter().for_each(&mut builtin),
        (None, Some(name)) => func::funcs_named(name).iter().for_each(|f| builtin(f)),
        (None, None) => func::funcs().iter().for_each(&mut builtin),
    }
    for record in stored(&catalog, sink, class::PROC, &["oid"]) {
        sink.tells_of(&record);
        if let Object::Function(f) = &record.object
            && oid.is_none_or(|o| o == f.oid)
            && name.as_ref().is_none_or(|n| *n == f.name)
        {
            push_function(&catalog, sink, f);
        }
    }
    Ok(())
}

fn aggregates(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_aggregate.txt"))?;
    let none = Oid::INVALID;
    for record in in_order(&*catalog(cx)?, class::PROC) {
        sink.tells_of(&record);
        let Object::Function(f) = &record.object else { continue };
        let Some(a) = &f.aggregate else { continue };
        let m = a.moving.as_ref();
        let of = |f: fn(&MovingDef) -> Oid| m.map_or(none, f);
        row![sink;
            f.oid, 'n', 0, a.transition, a.finish, a.combine, a.serialize, a.deserialize, of(|m| m.transition), of(|m| m.inverse),
            of(|m| m.finish), a.finish_extra, m.is_some_and(|m| m.finish_extra), a.finish_modify,
            m.map_or('r', |m| m.finish_modify), a.sort_operator, a.state, a.space, of(|m| m.state),
            m.map_or(0, |m| m.space), a.initial.as_deref(), m.and_then(|m| m.initial.as_deref()),
        ];
    }
    Ok(())
}

fn collations(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    push_facts(sink, include_str!("facts/pg_collation.txt"))?;
    for record in in_order(&*catalog(cx)?, class::COLLATION) {
        sink.tells_of(&record);
        let Object::Collation(c) = &record.object else { continue };
        let (collate, ctype) = match &c.icu_locale {
            Some(_) => (None, None),
            None => (Some(&c.collate), Some(&c.ctype)),
        };
        let (provider, encoding) = if c.icu_locale.is_some() { ('i', -1) } else { ('c', 6) };
        row![sink;
            c.oid, &c.name, c.namespace, c.owner, provider, c.deterministic, encoding, collate, ctype, c.icu_locale.as_deref(),
            c.version.as_deref(),
        ];
    }
    Ok(())
}

fn ts_configs(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for c in text_search::configs(&*catalog(cx)?) {
        row![sink; c.oid, &c.name, c.namespace, c.owner, text_search::PARSER];
    }
    Ok(())
}

fn ts_config_maps(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for c in text_search::configs(&*catalog(cx)?) {
        for (token, list) in &c.maps {
            for (n, dictionary) in list.iter().enumerate() {
                row![sink; c.oid, *token, n as i32 + 1, *dictionary];
            }
        }
    }
    Ok(())
}

fn ts_dictionaries(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for d in text_search::dictionaries(&*catalog(cx)?) {
        row![sink; d.oid, &d.name, d.namespace, d.owner, d.template, d.options.as_deref()];
    }
    Ok(())
}

fn operators(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for record in in_order(&*catalog(cx)?, class::OPERATOR) {
        sink.tells_of(&record);
        let Object::Operator(o) = &record.object else { continue };
        row![sink;
            o.oid, &o.name, o.namespace, o.owner, if o.left.is_valid() { 'b' } else { 'l' }, o.merges, o.hashes, o.left,
            o.right, o.result, o.commutator, o.negator, o.function, o.restrict, o.join,
        ];
    }
    for o in func::opers() {
        row![sink;
            o.oid, o.name, fixed::PG_CATALOG, fixed::BOOTSTRAP_SUPERUSER,
            if o.left.is_valid() { 'b' } else { 'l' }, o.can_merge, o.can_hash, o.left, o.right, o.result,
            o.commutator, o.negator, o.func, o.rest, o.join,
        ];
    }
    Ok(())
}

fn casts(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    for record in in_order(&*catalog(cx)?, class::CAST) {
        sink.tells_of(&record);
        let Object::Cast(c) = &record.object else { continue };
        row![sink; c.oid, c.source, c.target, c.function, c.context, c.method];
    }
    for c in func::casts() {
        let context = match c.context {
            CastContext::Implicit => 'i',
            CastContext::Assignment => 'a',
            CastContext::Explicit => 'e',
        };
        let method = match c.method {
            CastMethod::Function => 'f',
            CastMethod::InOut => 'i',
            CastMethod::Binary => 'b',
        };
        row![sink; c.oid, c.source, c.target, c.func, context, method];
    }
    Ok(())
}
