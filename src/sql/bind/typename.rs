//! Written type names to types.

use super::Binder;
use crate::base::Result;
use crate::err;
use crate::sql::ast;
use crate::types::{self, TypeRef, oid};

impl Binder<'_, '_> {
    /// PostgreSQL 15, parse_type.c, typenameType: the type, its modifier, and `[]`.
    pub(super) fn type_ref(&mut self, name: &ast::TypeName) -> Result<TypeRef> {
        // The position is counted for an error alone: a statement may cast tens of thousands of parameters.
        self.in_database(name)?;
        self.named_type(name).map_err(|e| e.at(self.at(name.pos)))
    }

    /// # Errors
    /// 0A000 for a type of another database: it has no position.
    fn in_database(&self, name: &ast::TypeName) -> Result<()> {
        match &name.names[..] {
            [database, _, _] if !name.pct_type && *database != self.cx.names.current_database() => Err(err!(
                FEATURE_NOT_SUPPORTED,
                "cross-database references are not implemented: {}",
                name.names.join(".")
            )),
            _ => Ok(()),
        }
    }

    fn named_type(&mut self, name: &ast::TypeName) -> Result<TypeRef> {
        let parts: Vec<&str> = name.names.iter().map(String::as_str).collect();
        let (schema, last) = match parts[..] {
            [n] => (None, n),
            [s, n] => (Some(s), n),
            [_, s, n] => (Some(s), n),
            _ => return Err(err!(SYNTAX_ERROR, "improper type name (too many dotted names)")),
        };
        if name.pct_type {
            return self.percent_type(name);
        }
        self.may_look_into(schema, name.pos)?;
        let found = match schema {
            Some("pg_catalog") => types::info::builtin_by_name(last).map(|i| TypeRef::of(i.oid)),
            _ => self.cx.names.type_by_name(schema, last).or_else(|| match schema {
                None => types::info::builtin_by_name(last).map(|i| TypeRef::of(i.oid)),
                _ => None,
            }),
        };
        let Some(base) = found else {
            if let Some(s) = schema
                && !self.cx.names.schema_exists(s)
            {
                return Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist"));
            }
            let mut shown = parts.join(".");
            shown.push_str(&"[]".repeat(name.array_bounds.len()));
            return Err(err!(UNDEFINED_OBJECT, "type \"{shown}\" does not exist"));
        };
        if base.oid >= crate::base::Oid::FIRST_NORMAL && types::info(base.oid).is_none() {
            return Err(err!(UNDEFINED_OBJECT, "type \"{}\" is only a shell", parts.join(".")));
        }
        let typmod = self.typmod(base.oid, name)?;
        if name.array_bounds.is_empty() {
            return Ok(TypeRef::with(base.oid, typmod));
        }
        match types::array_type(base.oid) {
            Some(array) => Ok(TypeRef::with(array, typmod)),
            None if types::element_type(base.oid).is_some() => Ok(TypeRef::with(base.oid, typmod)),
            None => Err(err!(UNDEFINED_OBJECT, "could not find array type for data type {}", self.type_name(base.oid))),
        }
    }

    fn percent_type(&mut self, name: &ast::TypeName) -> Result<TypeRef> {
        let n = name.names.len();
        if n < 2 {
            return Err(err!(
                SYNTAX_ERROR,
                "improper %TYPE reference (too few dotted names): {}",
                name.names.join(".")
            ));
        }
        let schema = if n > 2 { Some(name.names[n - 3].as_str()) } else { None };
        let (table, column) = (&name.names[n - 2], &name.names[n - 1]);
        self.may_look_into(schema, name.pos)?;
        let Some(rel) = self.cx.names.relation_by_name(schema, table)? else {
            return Err(err!(UNDEFINED_TABLE, "relation \"{table}\" does not exist"));
        };
        match rel.attribute(column) {
            Some(a) => Ok(a.ty),
            None => Err(err!(UNDEFINED_COLUMN, "column \"{column}\" of relation \"{table}\" does not exist")),
        }
    }

    fn typmod(&mut self, typ: crate::base::Oid, name: &ast::TypeName) -> Result<i32> {
        // The grammar writes `char` as `bpchar(1)`; the name `bpchar` itself has no length.
        if name.typmods.is_empty() {
            return Ok(-1);
        }
        let info = types::info(typ);
        if info.is_some_and(|i| !i.modin.is_valid()) {
            let shown = name.names.join(".");
            return Err(err!(SYNTAX_ERROR, "type modifier is not allowed for type \"{shown}\""));
        }
        let mut numbers = Vec::with_capacity(name.typmods.len());
        for e in &name.typmods {
            let n = match &e.kind {
                ast::ExprKind::Const(ast::Const::Int(n)) => Some(*n),
                ast::ExprKind::Const(ast::Const::Str(s) | ast::Const::Float(s)) => {
                    let n = types::text_in(TypeRef::of(oid::INT4), s, self.cx.io)?;
                    Some(n.datum().i32())
                }
                ast::ExprKind::Op { op, left: None, right } if op.name == "-" => match right.kind {
                    ast::ExprKind::Const(ast::Const::Int(n)) => Some(-n),
                    _ => None,
                },
                _ => None,
            };
            match n {
                Some(n) => numbers.push(n),
                None => {
                    return Err(err!(SYNTAX_ERROR, "type modifiers must be simple constants or identifiers"));
                }
            }
        }
        if typ == oid::INTERVAL {
            // PostgreSQL's grammar: the mask of fields, then perhaps a precision.
            let full = ast::interval_mask::FULL_RANGE;
            return match numbers[..] {
                [mask] if mask == full => Ok(-1),
                [mask] => Ok((mask << 16) | types::name::INTERVAL_FULL_PRECISION),
                [_, p] if p < 0 => Err(err!(INVALID_PARAMETER_VALUE, "INTERVAL({p}) precision must not be negative")),
                [mask, p] => Ok((mask << 16) | p.min(6)),
                _ => Err(err!(INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier")),
            };
        }
        types::typmod_in(typ, &numbers)
    }
}
