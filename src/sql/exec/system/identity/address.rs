//! `pg_get_object_address`: which object names in parts mean, as `pg_identify_object_as_address` gives them.
//!
//! PostgreSQL 15, objectaddress.c, pg_get_object_address and get_object_address: same checks, in the same order.

use super::kinds::{Kind, kind_of};
use super::named;
use super::search::{self, Look};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::Constraint;
use crate::catalog::object::{Class, Object, ObjectKey, UserTypeKind, class};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::push_record;
use crate::sql::exec::system_view::Cell;
use crate::sql::func;
use crate::sql::large_object;
use crate::sql::routine::shown::listed;
use crate::types::array::Array;
use crate::types::name::quote_identifier;
use crate::types::{Column, Datum, TypeRef, Value, oid, text_in};

fn invalid(text: impl Into<String>) -> Error {
    err!(INVALID_PARAMETER_VALUE, "{}", text.into())
}

fn missing(text: impl Into<String>) -> Error {
    err!(UNDEFINED_OBJECT, "{}", text.into())
}

pub(super) fn address(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let word = args[0].str().to_owned();
    let Some(kind) = kind_of(&word) else { return Err(invalid(format!("unrecognized object type \"{word}\"")).into()) };
    let Some(kind) = kind else { return Err(invalid(format!("unsupported object type \"{word}\"")).into()) };
    let names = list(args[1])?;
    let given = list(args[2])?;
    check_lengths(kind, names.len(), given.len())?;
    let key = find(cx, kind, &names, &given)?;
    let number = |oid: Oid| Value::U32(oid.0);
    let fields = [("classid", number(key.class)), ("objid", number(key.oid)), ("objsubid", key.sub.cell())];
    push_record(out, &fields, 3954);
    Ok(())
}

fn list(array: Datum<'_>) -> Result<Vec<String>> {
    let array = Array::new(array.bytes());
    if array.has_nulls() {
        return Err(invalid("name or argument lists may not contain nulls"));
    }
    Ok(array.iter().map(|v| v.str().to_owned()).collect())
}

fn check_lengths(kind: Kind, names: usize, args: usize) -> Result<()> {
    use Kind::*;
    let of_types = matches!(kind, Type | Cast | Transform | DomainConstraint | LargeObject);
    if of_types && names != 1 {
        return Err(invalid("name list length must be exactly 1"));
    }
    if names < 1 {
        return Err(invalid("name list length must be at least 1"));
    }
    let least = match kind {
        OperatorFamily | OperatorClass => 2,
        FamilyOperator | FamilyFunction => 3,
        _ => 1,
    };
    if matches!(kind, PublicationSchema | UserMapping) && names != 1 {
        return Err(invalid("name list length must be exactly 1"));
    }
    if names < least {
        return Err(invalid(format!("name list length must be at least {least}")));
    }
    let exact = match kind {
        PublicationSchema | UserMapping | DomainConstraint | Cast | PublicationRelation | DefaultAcl | Transform => 1,
        FamilyOperator | FamilyFunction | Operator => 2,
        _ => args,
    };
    if args != exact {
        return Err(invalid(format!("argument list length must be exactly {exact}")));
    }
    if matches!(kind, Alone(_) | ParameterAcl) && names != 1 {
        return Err(invalid("name list length must be exactly 1"));
    }
    Ok(())
}

fn find(cx: &mut ExecContext, kind: Kind, names: &[String], args: &[String]) -> Flow<ObjectKey> {
    if kind == Kind::LargeObject {
        let number = text_in(TypeRef::of(oid::OID), &names[0], &cx.fx.io)?.datum().u32();
        let found = large_object::object::find(cx, Oid(number), None)?;
        let found = found.ok_or_else(|| missing(format!("large object {number} does not exist")))?;
        return Ok(ObjectKey::new(large_object::CLASS, found.oid));
    }
    let catalog = cx.backend()?.catalog.clone();
    let look = Look { catalog: &catalog, io: &cx.fx.io };
    Ok(look.object(kind, names, args)?)
}

impl Look<'_> {
    fn object(&self, kind: Kind, names: &[String], args: &[String]) -> Result<ObjectKey> {
        use Kind::*;
        Ok(match kind {
            Relation(word) => ObjectKey::new(class::RELATION, self.relation(names, word)?),
            Column => self.column(names)?,
            Default => self.default(names)?,
            Part(word) => self.part(word, names)?,
            Routine(word) => ObjectKey::new(class::PROC, self.routine(word, names, args)?),
            Type => ObjectKey::new(class::TYPE, self.type_named(&names[0])?),
            Cast => self.cast(&names[0], &args[0])?,
            DomainConstraint => self.domain_constraint(&names[0], &args[0])?,
            Operator => self.operator(names, args)?,
            OperatorClass | OperatorFamily => self.of_method(kind, names)?,
            FamilyOperator | FamilyFunction => self.family_member(kind, names, args)?,
            Placed(word, class) => {
                let found = search::placed(self.catalog, class, names);
                ObjectKey::new(class, found.ok_or_else(|| absent(word, &names.join(".")))?)
            }
            Alone(word) => self.alone(word, &names[0])?,
            UserMapping => self.user_mapping(&names[0], &args[0])?,
            DefaultAcl => self.default_acl(names, &args[0])?,
            PublicationRelation | PublicationSchema => self.published(kind, names, &args[0])?,
            Transform => {
                let ty = self.type_named(&names[0])?;
                self.alone("language", &args[0])?;
                let shown = crate::types::format_type_plain(ty, &*self.io.hooks);
                return Err(missing(format!("transform for type {shown} language \"{}\" does not exist", args[0])));
            }
            ParameterAcl => return Err(missing(format!("parameter ACL \"{}\" does not exist", names[0]))),
            LargeObject => return Err(Error::internal("a large object by name")),
        })
    }

    fn reg(&self, ty: Oid, text: &str) -> Result<Oid> {
        match text_in(TypeRef::of(ty), text, self.io)? {
            Value::U32(oid) => Ok(Oid(oid)),
            _ => Err(Error::internal("an object without number")),
        }
    }

    fn any_relation(&self, names: &[String]) -> Result<Oid> {
        let quoted: Vec<String> = names.iter().map(|n| quote_identifier(n)).collect();
        if names.len() > 3 {
            let text = format!("improper relation name (too many dotted names): {}", names.join("."));
            return Err(err!(SYNTAX_ERROR, "{text}"));
        }
        self.reg(oid::REGCLASS, &quoted.join("."))
    }

    fn relation(&self, names: &[String], word: &str) -> Result<Oid> {
        let oid = self.any_relation(names)?;
        let found = named::of(self.catalog, ObjectKey::new(class::RELATION, oid));
        if found.as_ref().is_some_and(|n| n.word == word) {
            return Ok(oid);
        }
        let article = if word == "index" { "an" } else { "a" };
        let name = names.last().map_or("", String::as_str);
        Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is not {article} {word}"))
    }

    /// The relation before the last name, which is of something that belongs to it.
    fn holder<'n>(&self, names: &'n [String], unqualified: &str) -> Result<(Oid, &'n str, String)> {
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => Ok((self.any_relation(rest)?, last, rest.join("."))),
            _ => Err(err!(SYNTAX_ERROR, "{unqualified}")),
        }
    }

    fn column(&self, names: &[String]) -> Result<ObjectKey> {
        let (rel, name, shown) = self.holder(names, "column name must be qualified")?;
        let number = self.attribute(rel, name, &shown)?;
        Ok(ObjectKey { class: class::RELATION, oid: rel, sub: i32::from(number) })
    }

    fn attribute(&self, rel: Oid, name: &str, shown: &str) -> Result<i16> {
        let found = match self.catalog.relation(rel)? {
            Some(r) => r.attribute(name).map(|a| a.attno),
            None => None,
        };
        found.ok_or_else(|| err!(UNDEFINED_COLUMN, "column \"{name}\" of relation \"{shown}\" does not exist"))
    }

    fn default(&self, names: &[String]) -> Result<ObjectKey> {
        let (rel, name, shown) = self.holder(names, "column name must be qualified")?;
        let number = self.attribute(rel, name, &shown)?;
        let of = |c: &Class| c.attributes.iter().find(|a| a.attno == number).map(|a| a.default_oid);
        let found = self.class_of(rel).and_then(|r| of(r.object.as_class().ok()?)).filter(|d| d.is_valid());
        let text = format!("default value for column \"{name}\" of relation \"{shown}\" does not exist");
        found.map(|d| ObjectKey::new(class::ATTRDEF, d)).ok_or_else(|| err!(UNDEFINED_COLUMN, "{text}"))
    }

    fn class_of(&self, rel: Oid) -> Option<std::sync::Arc<crate::catalog::Record>> {
        self.catalog.class(rel)
    }

    /// A constraint, trigger, rule or policy of a table.
    fn part(&self, word: &'static str, names: &[String]) -> Result<ObjectKey> {
        let (rel, name, _) = self.holder(names, "must specify relation and object name")?;
        let record = self.class_of(rel);
        let found = record.as_ref().and_then(|r| r.object.as_class().ok()).and_then(|c| match word {
            "trigger" => c.triggers.iter().find(|t| t.name == name).map(|t| (class::TRIGGER, t.oid)),
            "policy" => c.policies.iter().find(|p| p.name == name).map(|p| (class::POLICY, p.oid)),
            "rule" if name == "_RETURN" && c.view.is_some() => {
                let rule = c.view.as_ref().map(|v| v.rule).filter(|r| r.is_valid()).unwrap_or(c.oid);
                Some((class::REWRITE, rule))
            }
            "rule" => c.rules.iter().find(|r| r.name == name).map(|r| (class::REWRITE, r.oid)),
            _ => {
                let parts = c.constraints.iter().flat_map(Constraint::parts);
                let all = c.constraints.iter().cloned().chain(parts);
                all.into_iter().find(|k| k.name == name).map(|k| (class::CONSTRAINT, k.oid))
            }
        });
        let of_catalog = || {
            let fits = |k: &crate::catalog::Constraint| word == "constraint" && k.name == name;
            let r = crate::catalog::system::relation(rel)?;
            r.constraints.iter().find(|k| fits(k)).map(|k| (class::CONSTRAINT, k.oid))
        };
        let found = found.or_else(of_catalog).map(|(class, oid)| ObjectKey::new(class, oid));
        let table = named::of(self.catalog, ObjectKey::new(class::RELATION, rel)).and_then(|n| n.name);
        let holder = if word == "rule" { "relation" } else { "table" };
        let text = format!("{word} \"{name}\" for {holder} \"{}\" does not exist", table.unwrap_or_default());
        found.ok_or_else(|| missing(text))
    }

    fn type_named(&self, text: &str) -> Result<Oid> {
        self.reg(oid::REGTYPE, text)
    }

    fn types(&self, texts: &[String]) -> Result<Vec<Oid>> {
        texts.iter().map(|t| self.type_named(t)).collect()
    }

    /// As regprocedure and regoperator read it: the name in full, then the types of the arguments.
    fn signature(&self, names: &[String], types: &[Oid], operator: bool) -> String {
        let shown: Vec<String> = types.iter().map(|t| crate::types::format_type_plain(*t, &*self.io.hooks)).collect();
        let mut parts: Vec<String> = names.iter().map(|n| quote_identifier(n)).collect();
        if let (true, Some(last)) = (operator, parts.last_mut()) {
            *last = names.last().cloned().unwrap_or_default();
        }
        format!("{}({})", parts.join("."), shown.join(","))
    }

    fn routine(&self, word: &str, names: &[String], args: &[String]) -> Result<Oid> {
        let types = self.types(args)?;
        let name = names.join(".");
        let shown = listed(&*self.io.hooks, &name, &types);
        let Ok(found) = self.reg(oid::REGPROCEDURE, &self.signature(names, &types, false)) else {
            let shown = if word == "aggregate" && types.is_empty() { format!("{name}(*)") } else { shown };
            return Err(err!(UNDEFINED_FUNCTION, "{word} {shown} does not exist"));
        };
        let kind = named::of(self.catalog, ObjectKey::new(class::PROC, found)).map_or("", |n| n.word);
        match (word, kind) {
            ("aggregate", "function" | "procedure") => {
                Err(err!(WRONG_OBJECT_TYPE, "function {shown} is not an aggregate"))
            }
            ("procedure", "function" | "aggregate") => Err(err!(WRONG_OBJECT_TYPE, "{shown} is not a procedure")),
            ("function", "procedure") => Err(err!(WRONG_OBJECT_TYPE, "{shown} is not a function")),
            _ => Ok(found),
        }
    }

    fn operator(&self, names: &[String], args: &[String]) -> Result<ObjectKey> {
        let types = self.types(args)?;
        let found = self.reg(oid::REGOPERATOR, &self.signature(names, &types, true));
        let shown = |t: &Oid| crate::types::format_type_plain(*t, &*self.io.hooks);
        let found = found.map_err(|_| {
            let name = names.join(".");
            err!(UNDEFINED_FUNCTION, "operator does not exist: {} {name} {}", shown(&types[0]), shown(&types[1]))
        })?;
        Ok(ObjectKey::new(class::OPERATOR, found))
    }

    fn cast(&self, from: &str, to: &str) -> Result<ObjectKey> {
        let (from, to) = (self.type_named(from)?, self.type_named(to)?);
        let own = || {
            self.catalog.all(class::CAST).iter().find_map(|r| match &r.object {
                Object::Cast(c) if (c.source, c.target) == (from, to) => Some(c.oid),
                _ => None,
            })
        };
        let found = func::cast(from, to).map(|c| c.oid).or_else(own);
        let shown = |t: Oid| crate::types::format_type_plain(t, &*self.io.hooks);
        let text = || format!("cast from type {} to type {} does not exist", shown(from), shown(to));
        found.map(|c| ObjectKey::new(class::CAST, c)).ok_or_else(|| missing(text()))
    }

    fn domain_constraint(&self, domain: &str, name: &str) -> Result<ObjectKey> {
        let ty = self.type_named(domain)?;
        let found = self.catalog.user_type(ty).and_then(|t| match &t.kind {
            UserTypeKind::Domain { checks, .. } => checks.iter().find(|k| k.name == name).map(|k| k.oid),
            _ => None,
        });
        let shown = crate::types::format_type_plain(ty, &*self.io.hooks);
        let text = format!("constraint \"{name}\" for domain {shown} does not exist");
        found.map(|k| ObjectKey::new(class::CONSTRAINT, k)).ok_or_else(|| missing(text))
    }

    fn of_method(&self, kind: Kind, names: &[String]) -> Result<ObjectKey> {
        let (class, word) = match kind {
            Kind::OperatorClass => (class::OPCLASS, "operator class"),
            _ => (class::OPFAMILY, "operator family"),
        };
        self.alone("access method", &names[0])?;
        let found = search::of_method(self.catalog, class, &names[0], &names[1..]);
        let name = names[1..].join(".");
        let text = format!("{word} \"{name}\" does not exist for access method \"{}\"", names[0]);
        found.map(|o| ObjectKey::new(class, o)).ok_or_else(|| missing(text))
    }

    fn family_member(&self, kind: Kind, names: &[String], args: &[String]) -> Result<ObjectKey> {
        let (number, family) = names.split_last().ok_or_else(|| Error::internal("no names"))?;
        let owner = self.of_method(Kind::OperatorFamily, family)?;
        let types = self.types(args)?;
        let (class, word) = match kind {
            Kind::FamilyOperator => (class::AMOP, "operator"),
            _ => (class::AMPROC, "function"),
        };
        let n = text_in(TypeRef::of(oid::INT4), number, self.io)?.datum().i32();
        let found = search::member(class, owner.oid, (types[0], types[1]), n);
        let text = format!(
            "{word} {n} ({}, {}) of operator family {} for access method {} does not exist",
            args[0],
            args[1],
            family[1..].join("."),
            family[0]
        );
        found.map(|o| ObjectKey::new(class, o)).ok_or_else(|| missing(text))
    }

    fn alone(&self, word: &'static str, name: &str) -> Result<ObjectKey> {
        if word == "schema" {
            return Ok(ObjectKey::new(class::NAMESPACE, self.catalog.namespace_oid(name)?));
        }
        search::alone(self.catalog, word, name).ok_or_else(|| match word {
            "database" => err!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"),
            _ => absent(word, name),
        })
    }

    fn user_mapping(&self, user: &str, server: &str) -> Result<ObjectKey> {
        let on = self.alone("server", server)?;
        let owner = if user == "public" { Some(Oid::INVALID) } else { self.catalog.role_by_name(user).map(|r| r.oid) };
        let found = owner.and_then(|o| search::mapping(self.catalog, o, on.oid));
        let text = format!("user mapping for user \"{user}\" on server \"{server}\" does not exist");
        found.map(|o| ObjectKey::new(class::USER_MAPPING, o)).ok_or_else(|| missing(text))
    }

    fn default_acl(&self, names: &[String], kind: &str) -> Result<ObjectKey> {
        let kinds = [("r", "tables"), ("S", "sequences"), ("f", "functions"), ("T", "types"), ("n", "schemas")];
        let Some((_, on)) = kinds.iter().find(|(k, _)| kind.starts_with(k)) else {
            return Err(invalid(format!("unrecognized default ACL object type \"{kind}\""))
                .hint("Valid object types are \"r\", \"S\", \"f\", \"T\", and \"n\"."));
        };
        let role = search::alone(self.catalog, "role", &names[0]).map(|k| k.oid);
        let role = role.ok_or_else(|| absent("role", &names[0]))?;
        let schema = names.get(1).map(|n| self.catalog.namespace_oid(n)).transpose()?.unwrap_or(Oid::INVALID);
        let found = self.catalog.all(class::DEFAULT_ACL).iter().find_map(|r| match &r.object {
            Object::DefaultAcl(d) if d.role == role && d.namespace == schema && kind.starts_with(d.kind) => Some(d.oid),
            _ => None,
        });
        let place = names.get(1).map(|s| format!(" in schema \"{s}\"")).unwrap_or_default();
        let text = format!("default ACL for user \"{}\"{place} on {on} does not exist", names[0]);
        found.map(|o| ObjectKey::new(class::DEFAULT_ACL, o)).ok_or_else(|| missing(text))
    }

    fn published(&self, kind: Kind, names: &[String], publication: &str) -> Result<ObjectKey> {
        let schemas = kind == Kind::PublicationSchema;
        let what = match schemas {
            true => self.catalog.namespace_oid(&names[0])?,
            false => self.any_relation(names)?,
        };
        let owner = self.alone("publication", publication)?;
        let record = self.catalog.get(owner);
        let found = record.as_ref().and_then(|r| match &r.object {
            Object::Publication(p) if schemas => p.schemas.iter().find(|s| s.1 == what).map(|s| s.0),
            Object::Publication(p) => p.tables.iter().find(|t| t.table == what).map(|t| t.oid),
            _ => None,
        });
        let (class, text) = match schemas {
            true => (class::PUBLICATION_NAMESPACE, format!("publication schema \"{}\"", names[0])),
            false => {
                let table = named::of(self.catalog, ObjectKey::new(class::RELATION, what)).and_then(|n| n.name);
                (class::PUBLICATION_REL, format!("publication relation \"{}\"", table.unwrap_or_default()))
            }
        };
        let text = format!("{text} in publication \"{publication}\" does not exist");
        found.map(|o| ObjectKey::new(class, o)).ok_or_else(|| missing(text))
    }
}

fn absent(word: &str, name: &str) -> Error {
    match word {
        "collation" => missing(format!("collation \"{name}\" for encoding \"UTF8\" does not exist")),
        _ => missing(format!("{word} \"{name}\" does not exist")),
    }
}
