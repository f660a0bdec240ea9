//! Functions and procedures, and their parameters.

use super::super::{Cell, Sink, View};
use super::types::{name_of, word};
use super::{Scene, named, yes};
use crate::base::{Flow, Oid};
use crate::catalog::object::{Function, class, fixed};
use crate::catalog::{Object, Record};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::describe::default_of;
use crate::sql::func::{self, FuncDef};
use crate::types::TypeRef;
use std::sync::Arc;

pub(super) const VIEWS: &[View] =
    &[View { name: "routines", rows: routines }, View { name: "parameters", rows: parameters }];

/// A parameter: mode, name, type.
pub(super) struct Parameter<'a> {
    pub mode: char,
    pub name: Option<&'a str>,
    pub ty: Oid,
}

/// A routine of the server or of a user.
pub(super) enum Routine {
    Builtin(&'static FuncDef),
    User(Arc<Record>),
}

impl Routine {
    pub fn function(&self) -> Option<&Function> {
        match self {
            Routine::Builtin(_) => None,
            Routine::User(r) => r.object.as_function().ok(),
        }
    }

    pub fn oid(&self) -> Oid {
        match self {
            Routine::Builtin(f) => f.oid,
            Routine::User(r) => r.object.key().oid,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Routine::Builtin(f) => f.name,
            Routine::User(_) => self.function().map_or("", |f| &f.name),
        }
    }

    pub fn specific(&self) -> String {
        specific(self.name(), self.oid())
    }

    pub fn namespace(&self) -> Oid {
        match self {
            Routine::Builtin(f) => f.fact.namespace,
            Routine::User(_) => self.function().map_or(fixed::PG_CATALOG, |f| f.namespace),
        }
    }

    pub fn owner(&self) -> Oid {
        self.function().map_or(fixed::BOOTSTRAP_SUPERUSER, |f| f.owner)
    }

    pub fn is_procedure(&self) -> bool {
        self.kind() == 'p'
    }

    fn kind(&self) -> char {
        match self {
            Routine::Builtin(f) => f.kind as char,
            Routine::User(_) => self.function().map_or('f', |f| f.kind),
        }
    }

    pub fn result(&self) -> TypeRef {
        match self {
            Routine::Builtin(f) => TypeRef::of(f.ret),
            Routine::User(_) => self.function().map_or(TypeRef::of(Oid::INVALID), |f| f.result),
        }
    }

    pub fn parameters(&self) -> Vec<Parameter<'_>> {
        let mode = |modes: &[char], n: usize| modes.get(n).copied().unwrap_or('i');
        match self {
            Routine::Builtin(f) => {
                let types = if f.fact.modes.is_empty() { f.args } else { f.fact.all_args };
                let modes: Vec<char> = f.fact.modes.chars().collect();
                let name = |n: usize| f.fact.names.get(n).copied().filter(|n| !n.is_empty());
                let one = |(n, ty): (usize, &Oid)| Parameter { mode: mode(&modes, n), name: name(n), ty: *ty };
                types.iter().enumerate().map(one).collect()
            }
            Routine::User(_) => {
                let Some(f) = self.function() else { return Vec::new() };
                let name = |n: usize| f.arg_names.get(n).map(String::as_str).filter(|n| !n.is_empty());
                let one = |(n, ty): (usize, &Oid)| Parameter { mode: mode(&f.arg_modes, n), name: name(n), ty: *ty };
                f.arg_types.iter().enumerate().map(one).collect()
            }
        }
    }

    /// Who may run it besides its owner, as items; None: everybody.
    pub fn acl(&self, scene: &Scene) -> Option<Vec<String>> {
        match self {
            Routine::Builtin(f) => crate::sql::exec::rights::function_acl(&scene.catalog, f.oid),
            Routine::User(_) => self.function().and_then(|f| f.acl.clone()),
        }
    }
}

/// A name with its object's id, which the standard's catalogs tell overloaded routines apart by.
pub(super) fn specific(name: &str, oid: Oid) -> String {
    let id = format!("_{oid}");
    let mut room = 63usize.saturating_sub(id.len()).min(name.len());
    while !name.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}{id}", &name[..room])
}

/// Routines in the order of their OIDs; `schema` and `name` are the columns that may exclude some.
pub(super) fn all(scene: &Scene, sink: &Sink, schema: &str, name: &str) -> Vec<Routine> {
    let (schema, name) = (sink.text_key(schema), sink.text_key(name));
    let mut found = Vec::new();
    let here = |f: &&FuncDef| schema.as_ref().is_none_or(|s| *scene.schema(f.fact.namespace) == **s);
    match &name {
        Some(name) => found.extend(func::funcs_named(name).iter().copied().filter(here).map(Routine::Builtin)),
        None => found.extend(func::funcs().iter().filter(here).map(Routine::Builtin)),
    }
    let users = scene.catalog.all(class::PROC).into_iter();
    let users = users.filter(|r| matches!(&r.object, Object::Function(_))).map(Routine::User);
    found.extend(users.filter(|r| {
        name.as_ref().is_none_or(|n| r.name() == n)
            && schema.as_ref().is_none_or(|s| *scene.schema(r.namespace()) == **s)
    }));
    found.sort_by_key(Routine::oid);
    found
}

/// Those the role may run.
pub(super) fn visible(scene: &Scene, r: &Routine) -> bool {
    let owner = r.owner();
    scene.subject.has_role(owner) || scene.subject.may(owner, r.acl(scene).as_deref(), "X", 'X', false)
}

fn routines(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let database = &scene.database;
    for r in all(&scene, sink, "routine_schema", "routine_name") {
        if !visible(&scene, &r) {
            continue;
        }
        let schema = scene.schema(r.namespace());
        let language = match &r {
            Routine::Builtin(f) => super::super::code::language_name(f),
            Routine::User(_) => r.function().map_or("", |f| &f.language),
        };
        // The text belongs to those who own it.
        let text = match (&r, r.function()) {
            _ if !scene.subject.has_role(r.owner()) => None,
            (Routine::Builtin(f), _) => Some(super::super::code::builtin_body(f)),
            (_, Some(f)) if f.atomic => Some(f.body.to_string()),
            (_, Some(f)) => Some(f.body.to_string()),
            _ => None,
        };
        let procedure = r.kind() == 'p';
        let result = r.result();
        let (type_schema, type_name) = name_of(&scene, result.oid);
        let (immutable, strict, definer) = match &r {
            Routine::Builtin(f) => (f.volatility == b'i', f.strict, false),
            Routine::User(_) => {
                r.function().map_or((false, false, false), |f| (f.volatility == 'i', f.strict, f.security_definer))
            }
        };
        let returns = |v: crate::types::Value| if procedure { crate::types::Value::Null } else { v };
        named![sink;
            specific_catalog: database, specific_schema: &schema, specific_name: r.specific(),
            routine_catalog: database, routine_schema: &schema, routine_name: r.name(),
            routine_type: match r.kind() { 'f' => Some("FUNCTION"), 'p' => Some("PROCEDURE"), _ => None },
            data_type: returns(word(&scene, result.oid).cell()),
            type_udt_catalog: returns(database.cell()), type_udt_schema: returns(type_schema.cell()),
            type_udt_name: returns(type_name.cell()), dtd_identifier: returns("0".cell()),
            routine_body: if language == "sql" { "SQL" } else { "EXTERNAL" }, routine_definition: text,
            external_name: if language == "c" { Some(source_name(&r)) } else { None },
            external_language: language.to_uppercase(), parameter_style: "GENERAL", is_deterministic: yes(immutable),
            sql_data_access: "MODIFIES",
            is_null_call: returns(yes(strict).cell()), schema_level_routine: "YES", max_dynamic_result_sets: 0,
            security_type: if definer { "DEFINER" } else { "INVOKER" }, as_locator: "NO", is_udt_dependent: "NO",
        ];
    }
    Ok(())
}

fn source_name(r: &Routine) -> String {
    match r {
        Routine::Builtin(f) => f.fact.src.to_string(),
        Routine::User(_) => r.function().map(|f| f.body.to_string()).unwrap_or_default(),
    }
}

fn parameters(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let scene = Scene::of(cx)?;
    let (database, wanted) = (&scene.database, sink.text_key("specific_name"));
    let look = scene.look();
    let asks = sink.wants("parameter_default");
    for r in all(&scene, sink, "specific_schema", "") {
        if wanted.as_ref().is_some_and(|w| !w.starts_with(r.name().get(..r.name().len().min(50)).unwrap_or("")))
            || !visible(&scene, &r)
        {
            continue;
        }
        let (schema, specific) = (scene.schema(r.namespace()), r.specific());
        for (n, p) in r.parameters().iter().enumerate() {
            let (udt_schema, udt_name) = name_of(&scene, p.ty);
            let shows = asks && scene.subject.has_role(r.owner());
            let default = if shows { default_of(&look, r.oid(), n as i32 + 1) } else { None };
            let mode = match p.mode {
                'o' | 't' => "OUT",
                'b' => "INOUT",
                _ => "IN",
            };
            named![sink;
                specific_catalog: database, specific_schema: &schema, specific_name: &specific,
                ordinal_position: n as i32 + 1, parameter_mode: mode, is_result: "NO", as_locator: "NO",
                parameter_name: p.name, data_type: word(&scene, p.ty), udt_catalog: database,
                udt_schema: udt_schema, udt_name: udt_name, dtd_identifier: (n + 1).to_string(),
                parameter_default: default,
            ];
        }
    }
    Ok(())
}
