//! CREATE TYPE of a base type: one whose values are code of an extension. PostgreSQL 15, typecmds.c, DefineType.

use super::write::{new_oid, put};
use super::{Command, names, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Object;
use crate::catalog::object::{BaseType, UserTypeKind, class};
use crate::err;
use crate::sql::ast::{DefArg, DefElem, DefineStmt, QualName};
use crate::sql::bind::Names;
use crate::sql::exec::ExecContext;
use crate::sql::func::FuncDef;
use crate::sql::routine::shown;
use crate::types::{code, oid};

#[derive(Default)]
struct Options {
    input: Option<QualName>,
    output: Option<QualName>,
    receive: Option<QualName>,
    send: Option<QualName>,
    align: Option<char>,
    storage: Option<char>,
    category: Option<char>,
    collatable: bool,
}

pub(super) fn name_of(e: &DefElem) -> QualName {
    match &e.arg {
        Some(DefArg::Name(n)) => n.clone(),
        Some(DefArg::Type(t)) => QualName { parts: t.names.clone(), pos: t.pos },
        _ => QualName::single(e.string().unwrap_or_default().as_str(), e.pos),
    }
}

fn options(cmd: &Command, list: &[DefElem]) -> Result<Options> {
    let mut out = Options::default();
    for (n, e) in list.iter().enumerate() {
        if list[..n].iter().any(|earlier| earlier.name == e.name) {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        let word = || e.string().unwrap_or_default().to_ascii_lowercase();
        match e.name.as_str() {
            "input" => out.input = Some(name_of(e)),
            "output" => out.output = Some(name_of(e)),
            "receive" => out.receive = Some(name_of(e)),
            "send" => out.send = Some(name_of(e)),
            "category" => out.category = e.string().and_then(|s| s.chars().next()),
            "collatable" => out.collatable = matches!(word().as_str(), "true" | "on" | "1"),
            "alignment" => out.align = Some(if word().starts_with("double") { 'd' } else { 'i' }),
            "storage" => out.storage = word().chars().next().map(|c| if c == 'e' { 'x' } else { c }),
            "internallength" if word() == "variable" || word() == "-1" => {}
            "preferred" | "delimiter" | "default" if word() == "false" || word() == "," => {}
            other => return Err(Error::unsupported(format!("type attribute \"{other}\" is not supported"))),
        }
    }
    Ok(out)
}

/// The function of a name that takes exactly this, as the type's I/O functions must.
fn function(cx: &mut ExecContext, name: &QualName, arg: Oid, ret: Oid) -> Result<&'static FuncDef> {
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, name.schema(), name.name());
    let Some((_, f)) = known.into_iter().find(|(_, f)| f.args == [arg]) else {
        let listed = shown::listed(&*cx.fx.io.hooks, &name.joined(), &[arg]);
        return Err(err!(UNDEFINED_FUNCTION, "function {listed} does not exist"));
    };
    if f.ret != ret {
        let wanted = crate::types::format_type_plain(ret, &*cx.fx.io.hooks);
        let text = format!("type input function {} must return type {wanted}", name.joined());
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
    }
    Ok(f)
}

/// The code of a type, by its input function.
fn code_of(input: &FuncDef) -> Option<&'static code::TypeCode> {
    let (library, symbol) = input.fact.src.split_once(':')?;
    code::read_by(library.strip_prefix("$libdir/")?, symbol)
}

pub fn create(cmd: &Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let name = stmt.name.name();
    if !cx.backend()?.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create a base type").into());
    }
    let namespace = schema::for_new(cx.backend()?, stmt.name.schema())?;
    names::lock_name(cx, class::TYPE, namespace, name)?;
    let o = options(cmd, &stmt.options)?;
    let shell = super::types::find(cx, &stmt.name.parts)?;
    let Some(mut made) = shell.filter(|t| t.namespace == namespace) else {
        return Err(err!(UNDEFINED_OBJECT, "type \"{name}\" does not exist")
            .hint("Create the type as a shell type, then create its I/O functions, then do a full CREATE TYPE.")
            .into());
    };
    if !matches!(made.kind, UserTypeKind::Shell) {
        return Err(err!(DUPLICATE_OBJECT, "type \"{name}\" already exists").into());
    }
    let missing =
        |what: &str| Error::new(SqlState::INVALID_OBJECT_DEFINITION, format!("type {what} function must be specified"));
    let input = function(cx, &o.input.ok_or_else(|| missing("input"))?, oid::CSTRING, made.oid)?;
    let output = function(cx, &o.output.ok_or_else(|| missing("output"))?, made.oid, oid::CSTRING)?;
    let mut functions = [input.oid, output.oid, Oid::INVALID, Oid::INVALID];
    if let Some(receive) = &o.receive {
        functions[2] = function(cx, receive, oid::INTERNAL, made.oid)?.oid;
    }
    if let Some(send) = &o.send {
        functions[3] = function(cx, send, made.oid, oid::BYTEA)?.oid;
    }
    let Some(code) = code_of(input) else {
        return Err(Error::unsupported("base types other than those of extensions are not supported").into());
    };
    made.array_oid = new_oid(cx)?;
    made.kind = UserTypeKind::Base(BaseType {
        code: code.name.into(),
        functions,
        align: o.align.unwrap_or('i'),
        storage: o.storage.unwrap_or('p'),
        category: o.category.unwrap_or('U'),
        collatable: o.collatable,
    });
    put(cx, Object::Type(made))?;
    Ok("CREATE TYPE".into())
}
