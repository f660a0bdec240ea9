//! Row comparisons, sub-selects in expressions, fields and subscripts.

use super::coerce::is_complex;
use super::expr::join_conditions;
use super::resolve::sort_operator;
use super::{Binder, SubLink};
use crate::base::{Error, Oid, Result};
use crate::err;
use crate::sql::ast::{self, Pos};
use crate::sql::expr::{Expr, ExprKind, RowOp, RowPair, SubPlanKind};
use crate::sql::func;
use crate::types::{self, TypeRef, oid};

impl Binder<'_, '_> {
    /// PostgreSQL 15, parse_expr.c, make_row_comparison_op.
    pub(super) fn row_compare(
        &mut self,
        schema: Option<&str>,
        name: &str,
        left: Vec<Expr>,
        right: Vec<Expr>,
        pos: Pos,
    ) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(err!(SYNTAX_ERROR, "unequal number of entries in row expressions").at(self.at(pos)));
        }
        if left.is_empty() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length").at(self.at(pos)));
        }
        let single = left.len() == 1;
        let mut parts = Vec::with_capacity(left.len());
        for (l, r) in left.into_iter().zip(right) {
            let part = self.make_op(schema, name, Some(l), r, pos)?;
            if part.ty.oid != oid::BOOL {
                return Err(err!(
                    DATATYPE_MISMATCH,
                    "row comparison operator must yield type boolean, not type {}",
                    self.type_name(part.ty.oid)
                )
                .at(self.at(pos)));
            }
            parts.push(part);
        }
        if single {
            return Ok(join_conditions(parts, false));
        }
        let op = match name {
            "=" => return Ok(join_conditions(parts, false)),
            "<>" | "!=" => return Ok(join_conditions(parts, true)),
            "<" => RowOp::Lt,
            "<=" => RowOp::Le,
            ">" => RowOp::Gt,
            ">=" => RowOp::Ge,
            _ => {
                return Err(err!(
                    FEATURE_NOT_SUPPORTED,
                    "could not determine interpretation of row comparison operator {name}"
                )
                .hint("Row comparison operators must be associated with btree operator families.")
                .at(self.at(pos)));
            }
        };
        let mut pairs = Vec::with_capacity(parts.len());
        for p in parts {
            let ExprKind::Func { args, .. } = p.kind else {
                return Err(Error::internal("a comparison that is no call"));
            };
            let mut args = args.into_iter();
            let (Some(left), Some(right)) = (args.next(), args.next()) else {
                return Err(Error::internal("a comparison without two sides"));
            };
            let find = |n: &str| {
                super::resolve::find_operator(n, Some(left.ty.oid), right.ty.oid)
                    .ok()
                    .flatten()
                    .and_then(func::user::function_of)
                    .ok_or_else(|| err!(UNDEFINED_FUNCTION, "operator does not exist: {n}"))
            };
            let (eq, lt) = (find("=")?, find("<")?);
            pairs.push(RowPair { left, right, eq, lt });
        }
        Ok(Expr { kind: ExprKind::RowCompare { op, pairs }, ty: TypeRef::of(oid::BOOL), pos: Some(pos) })
    }

    pub(super) fn sub_link(&mut self, link: &ast::SubLink, pos: Pos) -> Result<Expr> {
        self.refuse_sub_select(pos)?;
        let query = self.sub_select(&link.query)?;
        let columns: Vec<TypeRef> = query.output().map(|t| t.expr.ty).collect();
        let one_column = |this: &Self| match columns[..] {
            [ty] => Ok(ty),
            _ => Err(err!(SYNTAX_ERROR, "subquery must return only one column").at(this.at(pos))),
        };
        let (kind, test, ty) = match &link.kind {
            ast::SubLinkKind::Exists => (SubPlanKind::Exists, None, TypeRef::of(oid::BOOL)),
            ast::SubLinkKind::Scalar => (SubPlanKind::Scalar, None, one_column(self)?),
            ast::SubLinkKind::Array => {
                let ty = one_column(self)?;
                let Some(array) = types::promoted_array_type(ty.oid) else {
                    return Err(err!(
                        UNDEFINED_OBJECT,
                        "could not find array type for data type {}",
                        self.type_name(ty.oid)
                    )
                    .at(self.at(pos)));
                };
                (SubPlanKind::Array, None, TypeRef::with(array, ty.typmod))
            }
            ast::SubLinkKind::Any { left, op } => {
                let (schema, name) = op.as_ref().map_or((None, "="), |o| (o.schema.as_deref(), o.name.as_str()));
                let test = self.sub_select_test(left, schema, name, &columns, pos)?;
                (SubPlanKind::Any, Some(test), TypeRef::of(oid::BOOL))
            }
            ast::SubLinkKind::All { left, op } => {
                let test = self.sub_select_test(left, op.schema.as_deref(), &op.name, &columns, pos)?;
                (SubPlanKind::All, Some(test), TypeRef::of(oid::BOOL))
            }
        };
        Ok(Expr { kind: ExprKind::SubLink(Box::new(SubLink { kind, test, query })), ty, pos: Some(pos) })
    }

    /// PostgreSQL 15, parse_expr.c, transformSubLink: the clauses that cannot hold a sub-select.
    fn refuse_sub_select(&mut self, pos: Pos) -> Result<()> {
        use super::scope::Clause as C;
        let what = match self.scope().clause {
            C::Check => "check constraint",
            C::Default => "DEFAULT expression",
            C::IndexExpression => "index expression",
            C::IndexPredicate => "index predicate",
            C::Generated => "column generation expression",
            C::Execute => "EXECUTE parameter",
            C::TriggerWhen => "trigger WHEN condition",
            C::Statistics => "statistics expression",
            C::Partition => "partition key expression",
            C::PartitionBound => "partition bound",
            C::Copy => "COPY FROM WHERE condition",
            C::Transform => "transform expression",
            C::Call => "CALL argument",
            _ => return Ok(()),
        };
        Err(err!(FEATURE_NOT_SUPPORTED, "cannot use subquery in {what}").at(self.at(pos)))
    }

    fn sub_select_test(
        &mut self,
        left: &ast::Expr,
        schema: Option<&str>,
        name: &str,
        columns: &[TypeRef],
        pos: Pos,
    ) -> Result<Expr> {
        let left = match &left.kind {
            ast::ExprKind::Row { fields, .. } => self.row_fields(fields)?,
            _ => vec![self.expr(left)?],
        };
        if left.len() < columns.len() {
            return Err(err!(SYNTAX_ERROR, "subquery has too many columns").at(self.at(pos)));
        }
        if left.len() > columns.len() {
            return Err(err!(SYNTAX_ERROR, "subquery has too few columns").at(self.at(pos)));
        }
        let right = columns.iter().enumerate().map(|(i, ty)| Expr::new(ExprKind::Column(i), *ty)).collect();
        self.row_compare(schema, name, left, right, pos)
    }

    /// `(a, b) = (SELECT x, y …)`: the sub-select gives one record, whose fields are compared.
    pub(super) fn row_sub_select(
        &mut self,
        fields: &[ast::Expr],
        op: &ast::OperName,
        query: &ast::SelectStmt,
        pos: Pos,
    ) -> Result<Expr> {
        let left = self.row_fields(fields)?;
        let mut query = self.sub_select(query)?;
        let columns: Vec<TypeRef> = query.output().map(|t| t.expr.ty).collect();
        if left.len() != columns.len() {
            let word = if left.len() < columns.len() { "many" } else { "few" };
            return Err(err!(SYNTAX_ERROR, "subquery has too {word} columns").at(self.at(pos)));
        }
        super::select::wrap_as_record(&mut query);
        let record = Expr::new(
            ExprKind::SubLink(Box::new(SubLink { kind: SubPlanKind::Scalar, test: None, query })),
            TypeRef::of(oid::RECORD),
        );
        let right = columns
            .iter()
            .enumerate()
            .map(|(i, ty)| Expr::new(ExprKind::Field { arg: Box::new(record.clone()), index: i }, *ty))
            .collect();
        self.row_compare(op.schema.as_deref(), &op.name, left, right, pos)
    }

    pub(super) fn indirection(&mut self, arg: &ast::Expr, path: &[ast::Indirection], pos: Pos) -> Result<Expr> {
        let mut out = self.expr(arg)?;
        let mut i = 0;
        // A variable knows the fields of the row it holds.
        if let (ast::ExprKind::Param(n), Some(ast::Indirection::Field(name)), oid::RECORD) =
            (&arg.kind, path.first(), out.ty.oid)
            && let Some(field) = self.cx.names.variable(&[format!("${n}"), name.clone()])?
        {
            (out, i) = (field, 1);
        }
        while i < path.len() {
            match &path[i] {
                ast::Indirection::Field(name) => {
                    out = self.field(out, name, arg.start().min(pos))?;
                    i += 1;
                }
                ast::Indirection::Star => {
                    return Err(err!(SYNTAX_ERROR, "row expansion via \"*\" is not supported here").at(self.at(pos)));
                }
                _ => {
                    let end = path[i..]
                        .iter()
                        .position(|p| matches!(p, ast::Indirection::Field(_) | ast::Indirection::Star))
                        .map_or(path.len(), |n| i + n);
                    out = self.subscript(out, &path[i..end], pos)?;
                    i = end;
                }
            }
        }
        Ok(out)
    }

    fn field(&mut self, e: Expr, name: &str, pos: Pos) -> Result<Expr> {
        if !is_complex(types::base_type(e.ty.oid)) {
            if let Some(call) = self.function_of_row(name, e.clone(), pos)? {
                return Ok(call);
            }
            let shown = self.type_name(e.ty.oid);
            return Err(err!(
                WRONG_OBJECT_TYPE,
                "column notation .{name} applied to type {shown}, which is not a composite type"
            )
            .at(self.at(pos)));
        }
        let fields = self.fields_of(&e);
        let at = fields.as_ref().and_then(|f| f.iter().position(|(n, _)| n == name));
        let Some(index) = at else {
            if let Some(call) = self.function_of_row(name, e.clone(), pos)? {
                return Ok(call);
            }
            if let Some(table) = self.alias_of_row(&e) {
                return Err(err!(UNDEFINED_COLUMN, "column {table}.{name} does not exist").at(self.at(pos)));
            }
            return Err(match e.ty.oid {
                oid::RECORD if fields.is_none() => {
                    err!(UNDEFINED_COLUMN, "could not identify column \"{name}\" in record data type")
                }
                oid::RECORD => err!(UNDEFINED_COLUMN, "could not identify column \"{name}\" in record data type"),
                t => err!(UNDEFINED_COLUMN, "column \"{name}\" not found in data type {}", self.type_name(t)),
            }
            .at(self.at(pos)));
        };
        Ok(self.field_at(e, index, fields.map_or(TypeRef::of(oid::UNKNOWN), |f| f[index].1)))
    }

    /// What FROM calls the entry whose whole row this is.
    fn alias_of_row(&self, e: &Expr) -> Option<String> {
        let ExprKind::Row { fields, names } = &e.kind else { return None };
        let whole = names.last().is_some_and(|n| n == super::scope::WHOLE_ROW);
        let ExprKind::Var { rel, levels_up, .. } = fields.first().filter(|_| whole)?.kind else { return None };
        let scope = self.scopes.get(self.scopes.len().checked_sub(1 + levels_up)?)?;
        Some(scope.rels.get(rel)?.alias.clone())
    }

    /// `name(row)` where the row has a column of this name.
    pub(super) fn column_of_row(&mut self, name: &str, row: &Expr, pos: Pos) -> Result<Option<Expr>> {
        let is_row = is_complex(types::base_type(row.ty.oid));
        let has = |fields: Vec<(String, TypeRef)>| fields.iter().any(|(n, _)| n == name);
        if !is_row || !self.fields_of(row).is_some_and(has) {
            return Ok(None);
        }
        self.field(row.clone(), name, pos).map(Some)
    }

    /// Field `index` of a composite value; of a row constructor the field itself, unless what was written counts.
    pub(super) fn field_at(&self, e: Expr, index: usize, ty: TypeRef) -> Expr {
        let pos = e.pos;
        let written = self.cx.names.keeps_written();
        match e.kind {
            ExprKind::Row { mut fields, ref names } if !written || super::shown::is_whole_row(names) => {
                fields.swap_remove(index)
            }
            _ => Expr { kind: ExprKind::Field { arg: Box::new(e), index }, ty, pos },
        }
    }

    /// One or more subscripts after one another.
    fn subscript(&mut self, array: Expr, path: &[ast::Indirection], pos: Pos) -> Result<Expr> {
        let base = types::base_type(array.ty.oid);
        if base == oid::JSONB {
            let upper = self.json_keys(path)?;
            let (lower, ty) = (vec![None; upper.len()], TypeRef::of(oid::JSONB));
            let kind = ExprKind::Subscript { lower, upper, slice: false, array: Box::new(array) };
            return Ok(Expr { pos: Some(pos), kind, ty });
        }
        if types::hstore::is(base) {
            let key = self.hstore_key(path)?;
            let kind =
                ExprKind::Subscript { lower: vec![None], upper: vec![Some(key)], slice: false, array: Box::new(array) };
            return Ok(Expr { pos: Some(pos), kind, ty: TypeRef::of(oid::TEXT) });
        }
        let Some(element) = self.subscripted(base, pos)? else {
            let shown = self.type_name(array.ty.oid);
            return Err(err!(
                DATATYPE_MISMATCH,
                "cannot subscript type {shown} because it does not support subscripting"
            )
            .at(self.at(array.start().unwrap_or(pos))));
        };
        let typmod = array.ty.typmod;
        let array_ty = array.ty;
        let (lower, upper, slice) = self.subscripts(path)?;
        if slice && types::element_type(base).is_none() {
            return Err(crate::base::Error::unsupported("slices of fixed-length arrays not implemented"));
        }
        let ty = if slice { array_ty } else { TypeRef::with(element, typmod) };
        Ok(Expr { pos: array.pos, kind: ExprKind::Subscript { array: Box::new(array), lower, upper, slice }, ty })
    }

    /// The type of the elements of arrays, and of types of a fixed number of parts.
    pub(super) fn subscripted(&self, base: Oid, _pos: Pos) -> Result<Option<Oid>> {
        let fixed = matches!(base, oid::POINT | oid::LSEG | oid::BOX | oid::LINE | oid::NAME);
        Ok(types::element_type(base).or_else(|| types::info(base).filter(|_| fixed).map(|i| i.element)))
    }

    /// The bound subscripts: lower bounds, indexes or upper bounds, whether any is a slice.
    pub(super) fn subscripts(
        &mut self,
        path: &[ast::Indirection],
    ) -> Result<(Vec<Option<Expr>>, Vec<Option<Expr>>, bool)> {
        if path.len() > types::array::MAX_DIMS {
            return Err(types::array::too_many_dims(path.len()));
        }
        let slice = path.iter().any(|p| matches!(p, ast::Indirection::Slice { .. }));
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for p in path {
            match p {
                ast::Indirection::Subscript(e) => {
                    let index = self.index_expr(e)?;
                    // A plain index among slices means 1:index.
                    lower.push(slice.then(|| super::coerce::int_const(1)));
                    upper.push(Some(index));
                }
                ast::Indirection::Slice { low, high } => {
                    lower.push(low.as_ref().map(|e| self.index_expr(e)).transpose()?);
                    upper.push(high.as_ref().map(|e| self.index_expr(e)).transpose()?);
                }
                _ => {}
            }
        }
        Ok((lower, upper, slice))
    }

    fn index_expr(&mut self, e: &ast::Expr) -> Result<Expr> {
        let bound = self.expr(e)?;
        let from = bound.ty.oid;
        match self.coerce_to(bound, TypeRef::of(oid::INT4), func::CastContext::Assignment, e.start())? {
            Some(b) => Ok(b),
            None => {
                let _ = from;
                Err(err!(DATATYPE_MISMATCH, "array subscript must have type integer").at(self.at(e.start())))
            }
        }
    }

    /// The one key of a path into an `hstore`. PostgreSQL 15, hstore_subs.c, hstore_subscript_transform.
    pub(super) fn hstore_key(&mut self, path: &[ast::Indirection]) -> Result<Expr> {
        let [ast::Indirection::Subscript(e)] = path else {
            return Err(Error::unsupported("hstore allows only one subscript"));
        };
        let key = self.expr(e)?;
        match self.coerce_to(key, TypeRef::of(oid::TEXT), func::CastContext::Assignment, e.start())? {
            Some(key) => Ok(key),
            None => Err(err!(DATATYPE_MISMATCH, "hstore subscript must have type text").at(self.at(e.start()))),
        }
    }

    /// The keys of a path into a `jsonb` document, each an integer or a text.
    pub(super) fn json_keys(&mut self, path: &[ast::Indirection]) -> Result<Vec<Option<Expr>>> {
        let mut keys = Vec::new();
        for p in path {
            let ast::Indirection::Subscript(e) = p else {
                let bound = match p {
                    ast::Indirection::Slice { high: Some(e), .. } | ast::Indirection::Slice { low: Some(e), .. } => {
                        Some(e.start())
                    }
                    _ => None,
                };
                let e = err!(DATATYPE_MISMATCH, "jsonb subscript does not support slices");
                return Err(e.at(bound.and_then(|at| self.at(at))));
            };
            let key = self.expr(e)?;
            // PostgreSQL 15, jsonbsubs.c, jsonb_subscript_transform: what is either a number or a text.
            let implicit = |to| super::coerce::can_coerce(&[key.ty.oid], &[to], func::CastContext::Implicit);
            let (number, text) = (implicit(oid::INT4), implicit(oid::TEXT));
            let hint = match (key.ty.oid == oid::UNKNOWN, number, text) {
                (true, ..) | (_, true, false) | (_, false, true) => None,
                (_, true, true) => Some("jsonb subscript must be coercible to only one type, integer or text."),
                _ => Some("jsonb subscript must be coercible to either integer or text."),
            };
            if let Some(hint) = hint {
                let shown = self.type_name(key.ty.oid);
                return Err(err!(DATATYPE_MISMATCH, "subscript type {shown} is not supported")
                    .hint(hint)
                    .at(self.at(e.start())));
            }
            let to = if number && key.ty.oid != oid::UNKNOWN { oid::INT4 } else { oid::TEXT };
            keys.push(Some(self.cast(key, TypeRef::of(to), e.start())?));
        }
        Ok(keys)
    }

    /// `GROUPING(a, b)`: resolved against GROUP BY once that is known; until then the arguments stand in a row.
    pub(super) fn grouping(&mut self, args: &[ast::Expr], pos: Pos) -> Result<Expr> {
        if args.len() > 31 {
            return Err(err!(TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments").at(self.at(pos)));
        }
        let fields = args.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        let level = super::group::level_of(&fields);
        self.allow_aggregate("grouping operations", level, pos)?;
        let query = self.scopes.len() - 1 - level;
        self.scopes[query].has_aggregates = true;
        Ok(Expr {
            kind: ExprKind::Row { fields, names: vec![super::group::GROUPING_MARK.to_owned()] },
            ty: TypeRef::of(oid::INT4),
            pos: Some(pos),
        })
    }

    /// The type can be grouped, made distinct or compared for equality.
    pub(super) fn require_equality(&self, ty: Oid, pos: Option<u32>) -> Result<()> {
        if sort_operator("=", ty).is_some() && self.every_part(ty, &types::order::has_equality) {
            return Ok(());
        }
        Err(err!(UNDEFINED_FUNCTION, "could not identify an equality operator for type {}", self.type_name(ty))
            .at(pos.and_then(|p| self.at(p))))
    }

    /// Whether a type, or what a composite type or an array is made of, passes; of a mere `record` nobody knows.
    pub(super) fn every_part(&self, ty: Oid, passes: &dyn Fn(Oid) -> bool) -> bool {
        let base = types::base_type(ty);
        if let Some(element) = types::element_type(base) {
            return self.every_part(element, passes);
        }
        if types::info(base).is_some_and(|i| i.kind == b'c') {
            let fields = self.cx.io.hooks.composite(base).unwrap_or_default();
            return fields.iter().all(|f| self.every_part(f.typ.oid, passes));
        }
        passes(base)
    }

    /// The type has a hash, as far as is known before there are values.
    pub(super) fn is_hashable(&self, ty: Oid) -> bool {
        self.every_part(ty, &|t| t == oid::RECORD || func::hash::hashable(t))
    }

    /// The type can be sorted.
    pub(super) fn require_order(&self, ty: Oid, pos: Option<u32>) -> Result<()> {
        if sort_operator("<", ty).is_some() && self.every_part(ty, &types::order::has_order) {
            return Ok(());
        }
        Err(err!(UNDEFINED_FUNCTION, "could not identify an ordering operator for type {}", self.type_name(ty))
            .hint("Use an explicit ordering operator or modify the query.")
            .at(pos.and_then(|p| self.at(p))))
    }
}
