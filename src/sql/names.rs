//! Names of catalog objects as values: regclass and its kin, enum labels, composite fields.

use crate::base::{Error, Oid, Result, SqlState, Xid};
use crate::catalog::object::{EnumLabel, UserType, UserTypeKind, class, fixed};
use crate::catalog::{Catalog, Kept, Known, Object, Relation};
use crate::err;
use crate::sql::bind::Names;
use crate::sql::func::FuncDef;
use crate::types::context::Field;
use crate::types::name::quote_identifier;
use crate::types::{self, TypeRef, oid};
use smallvec::SmallVec;
use std::sync::Arc;

/// `a.b."C d"` into its parts, unquoted and folded.
pub fn split_qualified(text: &str) -> Result<Vec<String>> {
    let invalid = || err!(INVALID_NAME, "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, tail) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut part = String::new();
                let mut chars = quoted.char_indices().peekable();
                let end = loop {
                    match chars.next().ok_or_else(invalid)? {
                        (i, '"') => match chars.peek() {
                            Some((_, '"')) => {
                                part.push('"');
                                chars.next();
                            }
                            _ => break i + 1,
                        },
                        (_, c) => part.push(c),
                    }
                };
                (part, &quoted[end..])
            }
            None => {
                let end = rest.find(|c: char| c == '.' || c.is_ascii_whitespace()).unwrap_or(rest.len());
                (rest[..end].trim().to_ascii_lowercase(), &rest[end..])
            }
        };
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        rest = tail.trim_start();
        match rest.strip_prefix('.') {
            Some(tail) => rest = tail.trim_start(),
            None if rest.is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// The schema, if any, and the name of a possibly qualified name.
pub fn schema_and_name(text: &str) -> Result<(Option<String>, String)> {
    let mut parts = split_qualified(text)?;
    let name = parts.pop().unwrap_or_default();
    Ok((parts.pop(), name))
}

/// The schema and the name of an object of this database. PostgreSQL 15, namespace.c, DeconstructQualifiedName and
/// makeRangeVarFromNameList.
fn local_name(catalog: &Catalog, text: &str, relation: bool) -> Result<(Option<String>, String)> {
    let parts = split_qualified(text)?;
    let whole = parts.join(".");
    match &parts[..] {
        [_, _, _, _, ..] => {
            let what = if relation { "relation" } else { "qualified" };
            Err(err!(SYNTAX_ERROR, "improper {what} name (too many dotted names): {whole}"))
        }
        [database, _, _] if *database != catalog.current_database() => {
            let quote = if relation { "\"" } else { "" };
            Err(Error::unsupported(format!("cross-database references are not implemented: {quote}{whole}{quote}")))
        }
        _ => schema_and_name(text),
    }
}

/// The name of what stands in no schema.
fn plain_name(text: &str) -> Result<String> {
    match &mut split_qualified(text)?[..] {
        [name] => Ok(std::mem::take(name)),
        _ => Err(err!(INVALID_NAME, "invalid name syntax")),
    }
}

/// The value of a reg* type named by text.
///
/// # Errors
/// 42P01, 42704, 42883 as the type demands.
pub fn reg_in(catalog: &Catalog, typ: Oid, name: &str) -> Result<Oid> {
    reg_in_seen(&Seen::now(catalog), typ, name)
}

fn reg_in_seen(seen: &Seen<'_>, typ: Oid, name: &str) -> Result<Oid> {
    let catalog = seen.catalog;
    match typ {
        oid::REGCLASS => {
            let (schema, relation) = local_name(catalog, name, true)?;
            let found = seen.class(schema.as_deref(), &relation)?;
            let shown = || split_qualified(name).map_or_else(|_| name.to_owned(), |parts| parts.join("."));
            found.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", shown()))
        }
        oid::REGTYPE if name.matches('.').count() > 1 && !name.contains(['(', ' ', '"']) => {
            let (schema, typ) = local_name(catalog, name, false)?;
            let name = schema.map_or(typ.clone(), |s| format!("{s}.{typ}"));
            types::parse_type(&name, seen).map(|t| t.oid)
        }
        oid::REGTYPE => types::parse_type(name, seen).map(|t| t.oid),
        oid::REGROLE => {
            let role = plain_name(name)?;
            let found = catalog.role_by_name(&role);
            found.map(|r| r.oid).ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{role}\" does not exist"))
        }
        oid::REGNAMESPACE => {
            let schema = plain_name(name)?;
            catalog.namespace_oid(&schema)
        }
        oid::REGPROC | oid::REGPROCEDURE => {
            let (head, args) = match name.split_once('(') {
                Some((head, rest)) if typ == oid::REGPROCEDURE => (head, Some(rest)),
                None if typ == oid::REGPROCEDURE => {
                    return Err(err!(INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"));
                }
                _ => (name, None),
            };
            let (schema, function) = local_name(catalog, head, false)?;
            let path = match &schema {
                Some(s) => [catalog.namespace_oid(s)?].into_iter().collect(),
                None => seen.path(),
            };
            let mut found = functions_in(catalog, &path, &function);
            if let Some(args) = args {
                let types = argument_types(seen, args)?;
                found.retain(|(_, f)| f.args == types);
                found.truncate(1);
            }
            match (found.first(), found.get(1)) {
                (Some((_, one)), None) => Ok(one.oid),
                (Some(_), Some(_)) => Err(err!(AMBIGUOUS_FUNCTION, "more than one function named \"{head}\"")),
                _ => Err(err!(UNDEFINED_FUNCTION, "function \"{name}\" does not exist")),
            }
        }
        other => super::reg_names::parse(catalog, other, name, seen).unwrap_or_else(|| {
            let of = types::info(other).map_or("?", |i| i.name);
            Err(Error::unsupported(format!("names are not supported as input of type {of}")))
        }),
    }
}

/// The types of `integer, text)`.
fn argument_types(seen: &Seen<'_>, list: &str) -> Result<Vec<Oid>> {
    let Some(list) = list.trim_end().strip_suffix(')') else {
        return Err(err!(INVALID_TEXT_REPRESENTATION, "expected a right parenthesis"));
    };
    let one = |p: &str| types::parse_type(p.trim(), seen).map(|t| t.oid);
    split_list(list).into_iter().map(one).collect()
}

/// Items separated by commas outside of parentheses.
pub(super) fn split_list(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !list[start..].trim().is_empty() || start > 0 {
        parts.push(&list[start..]);
    }
    parts
}

/// Whether the search path finds this type first under its name.
pub fn type_is_visible(catalog: &Catalog, oid: Oid, namespace: Oid, name: &str) -> bool {
    let path = catalog.effective_path();
    let mut before = path.iter().take_while(|n| **n != namespace);
    let has_row_type =
        |class| catalog.class(class).is_some_and(|r| r.object.as_class().is_ok_and(|c| c.row_type.is_valid()));
    let hidden = |n: &Oid| match *n {
        fixed::PG_CATALOG => types::info::builtin_by_name(name).is_some_and(|i| i.oid != oid),
        n => !catalog.find(class::TYPE, n, name).is_empty() || catalog.class_in(n, name).is_some_and(has_row_type),
    };
    path.contains(&namespace) && !before.any(hidden)
}

/// A name, qualified unless the search path finds it.
fn shown(catalog: &Catalog, class: Oid, oid: Oid, namespace: Oid, name: &str) -> String {
    let visible = match class {
        class::RELATION => catalog.class_oid_by_name(None, name).ok().flatten() == Some(oid),
        class::TYPE => type_is_visible(catalog, oid, namespace, name),
        _ => catalog.effective_path().contains(&namespace),
    };
    match catalog.namespace(namespace) {
        Some(n) if !visible => format!("{}.{}", quote_identifier(&n.name), quote_identifier(name)),
        _ => quote_identifier(name),
    }
}

/// The text of a reg* value; None: shown as a number.
pub fn reg_out(catalog: &Catalog, typ: Oid, value: Oid) -> Option<String> {
    match typ {
        oid::REGCLASS => {
            if let Some(system) = crate::catalog::system::relation(value) {
                return Some(shown(catalog, class::RELATION, value, system.namespace, &system.name));
            }
            let record = catalog.class(value)?;
            let c = record.object.as_class().ok()?;
            Some(shown(catalog, class::RELATION, value, c.namespace, &c.name))
        }
        oid::REGTYPE => {
            let known = types::info(value).is_some() || catalog.user_type(value).is_some();
            known.then(|| types::format_type_plain(value, &Seen::now(catalog)))
        }
        oid::REGROLE => catalog.role(value).map(|r| quote_identifier(&r.name)),
        oid::REGNAMESPACE => catalog.namespace(value).map(|n| quote_identifier(&n.name)),
        oid::REGPROC => function_shown(catalog, value),
        oid::REGPROCEDURE => procedure_shown(catalog, value),
        _ => super::reg_names::show(catalog, typ, value, &Seen::now(catalog)),
    }
}

/// A function's schema, name and input types.
fn function_facts(catalog: &Catalog, oid: Oid) -> Option<(Oid, String, Vec<Oid>)> {
    if let Some(f) = crate::sql::func::func(oid) {
        return Some((f.fact.namespace, f.name.to_string(), f.args.to_vec()));
    }
    match &catalog.get(crate::catalog::ObjectKey::new(class::PROC, oid))?.object {
        Object::Function(f) => {
            let input = |n: &usize| f.arg_modes.get(*n).is_none_or(|m| matches!(m, 'i' | 'b' | 'v'));
            let types = (0..f.arg_types.len()).filter(input).map(|n| f.arg_types[n]).collect();
            Some((f.namespace, f.name.clone(), types))
        }
        _ => None,
    }
}

/// All functions of a name that the search path reaches.
fn functions_visible(catalog: &Catalog, name: &str) -> Vec<(Oid, Vec<Oid>)> {
    let path = catalog.effective_path();
    let builtin = crate::sql::func::funcs_named(name).iter().filter(|f| path.contains(&f.fact.namespace));
    let mut found: Vec<(Oid, Vec<Oid>)> = builtin.map(|f| (f.oid, f.args.to_vec())).collect();
    for oid in path.iter().flat_map(|namespace| catalog.find(class::PROC, *namespace, name)) {
        found.extend(function_facts(catalog, oid).map(|(_, _, types)| (oid, types)));
    }
    found
}

fn qualified(catalog: &Catalog, namespace: Oid, name: &str, visible: bool) -> String {
    match catalog.namespace(namespace) {
        Some(n) if !visible => format!("{}.{}", quote_identifier(&n.name), quote_identifier(name)),
        _ => quote_identifier(name),
    }
}

/// A function's name, qualified unless it is the only one the search path finds (regprocout).
fn function_shown(catalog: &Catalog, oid: Oid) -> Option<String> {
    let (namespace, name, _) = function_facts(catalog, oid)?;
    let found = functions_visible(catalog, &name);
    let alone = found.len() == 1 && found[0].0 == oid;
    Some(qualified(catalog, namespace, &name, alone))
}

/// A function's name with its input types (regprocedureout).
pub fn procedure_shown(catalog: &Catalog, oid: Oid) -> Option<String> {
    let (namespace, name, types) = function_facts(catalog, oid)?;
    let same = functions_visible(catalog, &name).into_iter().find(|(_, t)| *t == types);
    let name = qualified(catalog, namespace, &name, same.is_some_and(|(o, _)| o == oid));
    let types: Vec<String> = types.iter().map(|t| types::format_type_plain(*t, &Seen::now(catalog))).collect();
    Some(format!("{name}({})", types.join(",")))
}

/// # Errors
/// 22P02 for a label the enum does not have; 55P04 for one that is not committed.
pub fn enum_in(catalog: &Catalog, typ: Oid, label: &str) -> Result<Oid> {
    let t = catalog.user_type(typ).ok_or_else(|| Error::internal(format!("type {typ} is no enum")))?;
    if let UserTypeKind::Enum(labels) = &t.kind
        && let Some(found) = labels.iter().find(|l| l.label == label)
    {
        return is_safe(catalog, &t.name, found).map(|()| found.oid);
    }
    Err(err!(INVALID_TEXT_REPRESENTATION, "invalid input value for enum {}: \"{label}\"", t.name))
}

/// A label added by the transaction under way must not get into tables and indexes: should it be rolled back, they would
/// hold a value that nothing orders. PostgreSQL 15, enum.c, check_safe_enum_use.
fn is_safe(catalog: &Catalog, typ: &str, label: &EnumLabel) -> Result<()> {
    if label.added_by == 0 || !catalog.storage.mvcc.is_running(Xid(label.added_by)) {
        return Ok(());
    }
    let text = format!("unsafe use of new value \"{}\" of enum type {typ}", label.label);
    let hint = "New enum values must be committed before they can be used.";
    Err(Error::new(SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE, text).hint(hint))
}

/// # Errors
/// 55P04 for a value that is not committed.
pub fn check_enum(catalog: &Catalog, typ: Oid, value: Oid) -> Result<()> {
    let Some(t) = catalog.user_type(typ) else { return Ok(()) };
    match &t.kind {
        UserTypeKind::Enum(labels) => match labels.iter().find(|l| l.oid == value) {
            Some(label) => is_safe(catalog, &t.name, label),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

pub fn enum_out(catalog: &Catalog, typ: Oid, value: Oid) -> Option<String> {
    match catalog.user_type(typ)?.kind {
        UserTypeKind::Enum(labels) => labels.into_iter().find(|l| l.oid == value).map(|l| l.label),
        _ => None,
    }
}

/// The values of an enum in their order.
pub fn enum_values(catalog: &Catalog, typ: Oid) -> Vec<Oid> {
    match catalog.user_type(typ).map(|t| t.kind) {
        Some(UserTypeKind::Enum(mut labels)) => {
            labels.sort_by(|a, b| a.sort.total_cmp(&b.sort));
            labels.into_iter().map(|l| l.oid).collect()
        }
        _ => Vec::new(),
    }
}

/// The columns of a composite type, or of a table's row type.
pub fn composite(catalog: &Catalog, typ: Oid) -> Option<Vec<Field>> {
    let (class_oid, named) = match catalog.user_type(typ).map(|t| t.kind) {
        Some(UserTypeKind::Composite { class }) => (class, true),
        Some(_) => return None,
        None => (catalog.class_of_row_type(typ)?, false),
    };
    let relation = catalog.relation(class_oid).ok().flatten()?;
    // An array of rows is found by the same class, but is none.
    if !named && relation.row_type != typ {
        return None;
    }
    Some(relation.visible_attributes().map(|a| Field { name: a.name.clone(), typ: a.ty }).collect())
}

/// A user's type, or a table's row type, by name.
pub fn type_by_name(catalog: &Catalog, schema: Option<&str>, name: &str) -> Option<Oid> {
    type_seen(&Seen::now(catalog), schema, name)
}

fn type_seen(seen: &Seen<'_>, schema: Option<&str>, name: &str) -> Option<Oid> {
    let plain = name.strip_prefix('_');
    if let Some(t) = seen.user_type(schema, name) {
        return Some(t.oid);
    }
    if let Some(element) = plain
        && let Some(t) = seen.user_type(schema, element)
    {
        return Some(t.array_oid);
    }
    let row_type = |name: &str| {
        let class_oid = seen.class(schema, name).ok().flatten()?;
        seen.catalog.relation(class_oid).ok().flatten().map(|r| r.row_type)
    };
    let array = || types::info(row_type(plain?)?).map(|t| t.array);
    row_type(name).or_else(array).filter(|o| o.is_valid())
}

/// The name of a user's type as `format_type` shows it.
pub fn type_name(catalog: &Catalog, typ: Oid) -> Option<String> {
    if let Some(t) = catalog.user_type(typ) {
        return Some(shown(catalog, class::TYPE, typ, t.namespace, &t.name));
    }
    let known = types::info(typ);
    if let Some(info) = known.filter(|i| i.namespace == fixed::PG_CATALOG) {
        return Some(quote_identifier(info.name));
    }
    if let Some(system) = catalog.class_of_row_type(typ).and_then(crate::catalog::system::relation) {
        return Some(shown(catalog, class::RELATION, system.oid, system.namespace, &system.name));
    }
    if let Some(oid) = catalog.class_of_row_type(typ)
        && let Some(record) = catalog.class(oid)
        && let Object::Class(c) = &record.object
    {
        return Some(shown(catalog, class::RELATION, oid, c.namespace, &c.name));
    }
    known.map(|i| shown(catalog, class::TYPE, typ, i.namespace, i.name))
}

/// The catalogs along a search path: the session's, or the one that is kept with a text.
struct Seen<'a> {
    catalog: &'a Catalog,
    along: Option<&'a [String]>,
}

impl<'a> Seen<'a> {
    fn now(catalog: &'a Catalog) -> Seen<'a> {
        Seen { catalog, along: None }
    }

    fn path(&self) -> SmallVec<[Oid; 6]> {
        self.along.map_or_else(|| self.catalog.effective_path(), |kept| self.catalog.effective_kept(kept))
    }

    fn class(&self, schema: Option<&str>, name: &str) -> Result<Option<Oid>> {
        match schema {
            Some(_) => self.catalog.class_oid_by_name(schema, name),
            None => Ok(self.path().into_iter().find_map(|n| self.catalog.class_in(n, name))),
        }
    }

    fn user_type(&self, schema: Option<&str>, name: &str) -> Option<UserType> {
        let catalog = self.catalog;
        let in_schema = |n| catalog.find(class::TYPE, n, name).first().and_then(|oid| catalog.user_type(*oid));
        match schema {
            Some(s) => in_schema(catalog.namespace_oid(s).ok()?),
            None => self.path().into_iter().find_map(in_schema),
        }
    }
}

impl types::context::TypeHooks for Seen<'_> {
    fn reg_in(&self, typ: Oid, name: &str) -> Result<Oid> {
        reg_in_seen(self, typ, name)
    }

    fn reg_out(&self, typ: Oid, value: Oid) -> Option<String> {
        reg_out(self.catalog, typ, value)
    }

    fn enum_in(&self, typ: Oid, label: &str) -> Result<Oid> {
        enum_in(self.catalog, typ, label)
    }

    fn enum_out(&self, typ: Oid, value: Oid) -> Option<String> {
        enum_out(self.catalog, typ, value)
    }

    fn composite(&self, typ: Oid) -> Option<Vec<Field>> {
        composite(self.catalog, typ)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        type_seen(self, schema, name)
    }

    fn type_name(&self, typ: Oid) -> Option<String> {
        type_name(self.catalog, typ)
    }
}

impl crate::sql::bind::Names for Catalog {
    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
        match schema {
            Some(schema) if self.namespace_by_name(schema).is_none() => Ok(None),
            schema => Catalog::relation_by_name(self, schema, name),
        }
    }

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        Catalog::relation(self, oid).ok().flatten()
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
        if matches!(schema, None | Some("pg_catalog"))
            && let Some(info) = types::info::builtin_by_name(name)
        {
            return Some(TypeRef::of(info.oid));
        }
        type_by_name(self, schema, name).map(TypeRef::of)
    }

    fn type_for_call(&self, name: &str) -> Option<TypeRef> {
        let found = crate::sql::bind::Names::type_by_name(self, None, name)?;
        let place = |t: TypeRef| self.user_type(t.oid).map(|t| t.namespace);
        match place(found).filter(|n| Some(*n) == self.temp_schema()) {
            None => Some(found),
            Some(_) => {
                let path = self.routine_path();
                let oid = path.into_iter().find_map(|n| self.find(class::TYPE, n, name).first().copied())?;
                Some(TypeRef::of(oid))
            }
        }
    }

    fn is_other_temp(&self, rel: &Relation) -> bool {
        Catalog::is_other_temp(self, rel)
    }

    fn blocks(&self, rel: &Relation) -> Option<u32> {
        rel.store.as_ref().and_then(|s| s.nblocks(&self.storage).ok())
    }

    fn collation_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let path = match schema {
            Some(s) => self.namespace_oid(s).into_iter().collect(),
            None => self.effective_path(),
        };
        super::reg_names::collation_in(self, &path, name)
    }

    fn btree_class(&self, class: crate::sql::bind::BtreeClass<'_>) -> Option<(Oid, Oid)> {
        crate::sql::exec::system_view::btree_class(class)
    }

    fn collation_name(&self, collation: Oid) -> String {
        super::reg_names::collation_name(self, collation)
    }

    fn order(&self, collation: Oid) -> Result<types::Collation> {
        super::reg_names::order(self, collation)
    }

    fn default_order(&self) -> types::Collation {
        self.default_collation()
    }

    fn user_code(&self) -> Option<Arc<crate::sql::bind::UserCode>> {
        super::user_code::of(self, self.routine_path())
    }

    fn domain_default(&self, domain: Oid) -> Option<Arc<str>> {
        match self.get(crate::catalog::ObjectKey::new(class::TYPE, domain))?.object.as_type().ok()?.kind {
            UserTypeKind::Domain { ref default, .. } => default.clone(),
            _ => None,
        }
    }

    fn schema_exists(&self, name: &str) -> bool {
        self.namespace_by_name(name).is_some()
    }

    fn current_database(&self) -> String {
        self.database_by_oid(self.database()).map(|d| d.name).unwrap_or_default()
    }

    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<(usize, &'static FuncDef)> {
        match schema {
            None => functions_in(self, &self.routine_path(), name),
            Some(schema) => match self.namespace_oid(schema) {
                Ok(namespace) => functions_in(self, &[namespace], name),
                Err(_) => Vec::new(),
            },
        }
    }

    fn row_security(&self, rel: &Relation, role: Option<Oid>) -> Result<crate::sql::bind::RowSecurity> {
        crate::sql::exec::rights::row_security(self, rel, role)
    }

    fn acting(&self) -> crate::catalog::Acting {
        Catalog::acting(self)
    }

    fn has_role(&self, user: Oid, role: Oid) -> bool {
        crate::sql::exec::rights::Subject::of(self, user).has_role(role)
    }

    fn is_closed(&self, schema: &str) -> bool {
        self.namespace_oid(schema).is_ok_and(|n| !self.may_look_into(n))
    }

    fn inline_body(&self, call: &crate::sql::bind::InlineCall<'_>) -> Option<crate::sql::bind::InlineBody> {
        crate::sql::routine::inline::body(self, call)
    }

    fn along<'a>(&'a self, kept: &'a Kept) -> Box<dyn crate::sql::bind::Names + 'a> {
        Box::new(Along { catalog: self, kept })
    }
}

/// Functions of this name in these schemas, each with its schema's place.
fn functions_in(catalog: &Catalog, path: &[Oid], name: &str) -> Vec<(usize, &'static FuncDef)> {
    let mut found = Vec::new();
    for (place, namespace) in path.iter().enumerate() {
        found.extend(crate::sql::func::funcs_in(*namespace, name).map(|f| (place, f)));
        for oid in catalog.find(class::PROC, *namespace, name) {
            if let Some(record) = catalog.get(crate::catalog::ObjectKey::new(class::PROC, oid))
                && let Object::Function(f) = &record.object
            {
                found.push((place, crate::sql::routine::def(f)));
            }
        }
    }
    found
}

/// The catalogs along another search path, with the relations known there: for a view's text.
struct Along<'a> {
    catalog: &'a Catalog,
    kept: &'a Kept,
}

impl Along<'_> {
    /// The relation that had this name when the text was written.
    fn known_as(&self, schema: Option<&str>, name: &str) -> Option<&Known> {
        let meant = |k: &&Known| k.name == name && schema.map_or(k.plain, |s| s == k.schema);
        self.kept.reads.iter().find(meant)
    }

    fn seen(&self) -> Seen<'_> {
        Seen { catalog: self.catalog, along: Some(&self.kept.search_path) }
    }
}

impl crate::sql::bind::Names for Along<'_> {
    fn relation_by_name(&self, schema: Option<&str>, name: &str) -> Result<Option<Arc<Relation>>> {
        if let Some(known) = self.known_as(schema, name) {
            return Catalog::relation(self.catalog, known.oid);
        }
        if schema.is_some() {
            return crate::sql::bind::Names::relation_by_name(self.catalog, schema, name);
        }
        match self.seen().class(None, name)? {
            Some(oid) => Catalog::relation(self.catalog, oid),
            None => Ok(None),
        }
    }

    fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        crate::sql::bind::Names::relation(self.catalog, oid)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<TypeRef> {
        let is_own = schema.is_some() || types::info::builtin_by_name(name).is_none();
        let known = self.known_as(schema, name).filter(|k| is_own && k.row_type.is_valid());
        if let Some(known) = known {
            return Some(TypeRef::of(known.row_type));
        }
        match schema {
            None if types::info::builtin_by_name(name).is_none() => {
                type_seen(&self.seen(), None, name).map(TypeRef::of)
            }
            _ => crate::sql::bind::Names::type_by_name(self.catalog, schema, name),
        }
    }

    fn reg_in(&self, typ: Oid, name: &str) -> Option<Result<Oid>> {
        Some(reg_in_seen(&self.seen(), typ, name))
    }

    fn type_for_call(&self, name: &str) -> Option<TypeRef> {
        crate::sql::bind::Names::type_for_call(self.catalog, name)
    }

    fn blocks(&self, rel: &Relation) -> Option<u32> {
        crate::sql::bind::Names::blocks(self.catalog, rel)
    }

    fn schema_exists(&self, name: &str) -> bool {
        crate::sql::bind::Names::schema_exists(self.catalog, name)
    }

    fn current_database(&self) -> String {
        crate::sql::bind::Names::current_database(self.catalog)
    }

    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<(usize, &'static FuncDef)> {
        match schema {
            None => functions_in(self.catalog, &self.catalog.effective(&self.kept.search_path), name),
            schema => crate::sql::bind::Names::functions(self.catalog, schema, name),
        }
    }

    fn row_security(&self, rel: &Relation, role: Option<Oid>) -> Result<crate::sql::bind::RowSecurity> {
        crate::sql::bind::Names::row_security(self.catalog, rel, role)
    }

    fn collation_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        match schema {
            Some(_) => crate::sql::bind::Names::collation_by_name(self.catalog, schema, name),
            None => super::reg_names::collation_in(self.catalog, &self.catalog.effective(&self.kept.search_path), name),
        }
    }

    fn btree_class(&self, class: crate::sql::bind::BtreeClass<'_>) -> Option<(Oid, Oid)> {
        crate::sql::exec::system_view::btree_class(class)
    }

    fn collation_name(&self, collation: Oid) -> String {
        super::reg_names::collation_name(self.catalog, collation)
    }

    fn order(&self, collation: Oid) -> Result<types::Collation> {
        super::reg_names::order(self.catalog, collation)
    }

    fn default_order(&self) -> types::Collation {
        self.catalog.default_collation()
    }

    fn user_code(&self) -> Option<Arc<crate::sql::bind::UserCode>> {
        let path = self.catalog.without_temporary(self.catalog.effective(&self.kept.search_path));
        super::user_code::of(self.catalog, path)
    }

    fn acting(&self) -> crate::catalog::Acting {
        self.catalog.acting()
    }

    fn has_role(&self, user: Oid, role: Oid) -> bool {
        crate::sql::bind::Names::has_role(self.catalog, user, role)
    }

    fn along<'a>(&'a self, kept: &'a Kept) -> Box<dyn crate::sql::bind::Names + 'a> {
        Box::new(Along { catalog: self.catalog, kept })
    }

    fn known(&self, relation: Oid) -> Option<&Known> {
        self.kept.reads.iter().find(|k| k.oid == relation)
    }

    fn known_row(&self, row_type: Oid) -> Option<&Known> {
        self.kept.reads.iter().find(|k| k.row_type == row_type)
    }
}
