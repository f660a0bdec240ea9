//! The words for kinds of objects. PostgreSQL 15, objectaddress.c, ObjectTypeMap.

use crate::base::Oid;
use crate::catalog::object::class;

/// How the names of a kind's objects are understood.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    Relation(&'static str),
    Column,
    Default,
    /// Of a table, with a name of its own there.
    Part(&'static str),
    Routine(&'static str),
    Type,
    Cast,
    DomainConstraint,
    Operator,
    OperatorClass,
    OperatorFamily,
    FamilyOperator,
    FamilyFunction,
    /// In a schema.
    Placed(&'static str, Oid),
    /// In none.
    Alone(&'static str),
    UserMapping,
    DefaultAcl,
    PublicationRelation,
    PublicationSchema,
    Transform,
    ParameterAcl,
    LargeObject,
}

/// None: no such word; Some(None): a word for what has no address by name.
pub(super) fn kind_of(word: &str) -> Option<Option<Kind>> {
    use Kind::*;
    Some(Some(match word {
        "table" => Relation("table"),
        "index" => Relation("index"),
        "sequence" => Relation("sequence"),
        "view" => Relation("view"),
        "materialized view" => Relation("materialized view"),
        "foreign table" => Relation("foreign table"),
        "table column" | "foreign table column" | "composite type column" => Column,
        "toast table"
        | "composite type"
        | "index column"
        | "sequence column"
        | "toast table column"
        | "view column"
        | "materialized view column" => return Some(None),
        "aggregate" => Routine("aggregate"),
        "function" => Routine("function"),
        "procedure" => Routine("procedure"),
        "type" => Type,
        "cast" => Cast,
        "collation" => Placed("collation", class::COLLATION),
        "table constraint" => Part("constraint"),
        "domain constraint" => DomainConstraint,
        "conversion" => Placed("conversion", class::CONVERSION),
        "default value" => Default,
        "language" => Alone("language"),
        "large object" => LargeObject,
        "operator" => Operator,
        "operator class" => OperatorClass,
        "operator family" => OperatorFamily,
        "access method" => Alone("access method"),
        "operator of access method" => FamilyOperator,
        "function of access method" => FamilyFunction,
        "rule" => Part("rule"),
        "trigger" => Part("trigger"),
        "schema" => Alone("schema"),
        "text search parser" => Placed("text search parser", class::TS_PARSER),
        "text search dictionary" => Placed("text search dictionary", class::TS_DICTIONARY),
        "text search template" => Placed("text search template", class::TS_TEMPLATE),
        "text search configuration" => Placed("text search configuration", class::TS_CONFIG),
        "role" => Alone("role"),
        "database" => Alone("database"),
        "tablespace" => Alone("tablespace"),
        "foreign-data wrapper" => Alone("foreign-data wrapper"),
        "server" => Alone("server"),
        "user mapping" => UserMapping,
        "default acl" => DefaultAcl,
        "extension" => Alone("extension"),
        "event trigger" => Alone("event trigger"),
        "parameter ACL" => ParameterAcl,
        "policy" => Part("policy"),
        "publication" => Alone("publication"),
        "publication namespace" => PublicationSchema,
        "publication relation" => PublicationRelation,
        "subscription" => Alone("subscription"),
        "transform" => Transform,
        "statistics object" => Placed("statistics object", class::STATISTIC_EXT),
        _ => return None,
    }))
}
