//! The domains of the standard that `information_schema` is written with (PostgreSQL 15, information_schema.sql).

use super::object::{Object, UserType, UserTypeKind, fixed};
use super::relation::{Constraint, ConstraintKind};
use crate::base::Oid;
use crate::types::{TypeRef, oid};

pub fn all() -> impl Iterator<Item = Object> {
    type Check = Option<(u32, &'static str, &'static str)>;
    const YES_OR_NO: &str =
        "((VALUE)::text = ANY ((ARRAY['YES'::character varying, 'NO'::character varying])::text[]))";
    let all: [(u32, &str, Oid, i32, Option<&str>, Check); 5] = [
        (13221, "cardinal_number", oid::INT4, -1, None, Some((13222, "cardinal_number_domain_check", "(VALUE >= 0)"))),
        (13224, "character_data", oid::VARCHAR, -1, None, None),
        (13226, "sql_identifier", oid::NAME, -1, None, None),
        (13232, "time_stamp", oid::TIMESTAMPTZ, 2, Some("CURRENT_TIMESTAMP(2)"), None),
        (13234, "yes_or_no", oid::VARCHAR, 3 + 4, None, Some((13235, "yes_or_no_check", YES_OR_NO))),
    ];
    all.into_iter().map(|(number, name, base, typmod, default, check)| {
        let check = check.map(|(oid, name, text)| Constraint {
            oid: Oid(oid),
            name: name.into(),
            kind: ConstraintKind::Check,
            columns: Vec::new(),
            check: Some(text.into()),
            index: Oid::INVALID,
            foreign: None,
            deferrable: false,
            deferred: false,
            validated: true,
            inherited: 0,
            local: true,
            no_inherit: false,
            parent: Oid::INVALID,
        });
        Object::Type(UserType {
            oid: Oid(number),
            array_oid: Oid(number - 1),
            name: name.into(),
            namespace: fixed::INFORMATION_SCHEMA,
            owner: fixed::BOOTSTRAP_SUPERUSER,
            kind: UserTypeKind::Domain {
                base: TypeRef::with(base, typmod),
                collation: if base == oid::VARCHAR { fixed::C_COLLATION } else { Oid::INVALID },
                not_null: false,
                default: default.map(Into::into),
                checks: check.into_iter().collect(),
                dimensions: 0,
            },
            acl: None,
        })
    })
}
