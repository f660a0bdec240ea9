//! Stored texts follow when a label of an enum is renamed: their literals are values, whatever these are called.
//!
//! Each text is bound as it was written. The literals that were read then are written out anew, with the label's new
//! name, in the places where they stand.

use super::stored_text;
use super::write::put;
use crate::base::{Oid, Result};
use crate::catalog::object::{Class, Function, Object, Publication, Statistics, UserType, UserTypeKind, class};
use crate::catalog::{Catalog, Kept, Relation};
use crate::sql::bind::domain::value_relation;
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{self, BindContext, Everywhere, Names, literals};
use crate::sql::exec::{ExecContext, user_trigger};
use crate::sql::parse::{LexemeKind, lexemes};
use crate::sql::routine::body::{self, SqlBody};
use crate::sql::routine::returns::Returns;
use crate::types::context::{Field, TypeHooks};
use crate::types::{self, IoContext, TypeRef};
use std::sync::Arc;

/// Types as they will be: one label has its new name.
struct Renamed {
    before: Arc<dyn TypeHooks>,
    value: Oid,
    label: String,
}

impl TypeHooks for Renamed {
    fn reg_in(&self, typ: Oid, name: &str) -> Result<Oid> {
        self.before.reg_in(typ, name)
    }

    fn reg_out(&self, typ: Oid, value: Oid) -> Option<String> {
        self.before.reg_out(typ, value)
    }

    fn enum_in(&self, typ: Oid, label: &str) -> Result<Oid> {
        self.before.enum_in(typ, label)
    }

    fn enum_out(&self, typ: Oid, value: Oid) -> Option<String> {
        if value == self.value { Some(self.label.clone()) } else { self.before.enum_out(typ, value) }
    }

    fn composite(&self, typ: Oid) -> Option<Vec<Field>> {
        self.before.composite(typ)
    }

    fn type_by_name(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        self.before.type_by_name(schema, name)
    }

    fn type_name(&self, typ: Oid) -> Option<String> {
        self.before.type_name(typ)
    }
}

struct Texts {
    catalog: Arc<Catalog>,
    io: IoContext,
    after: IoContext,
    /// What a text must have in it to be of interest.
    old: String,
    changed: bool,
}

/// Gives all texts that name the label its new name. To be called while it still has the old one.
pub fn follow(cx: &mut ExecContext, value: Oid, old: &str, new: &str) -> Result<()> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let hooks = Renamed { before: io.hooks.clone(), value, label: new.to_owned() };
    let after = IoContext { hooks: Arc::new(hooks), ..io.clone() };
    let mut texts = Texts { catalog, io, after, old: old.replace('\'', "''"), changed: false };
    for kind in [class::RELATION, class::TYPE, class::PROC, class::STATISTIC_EXT, class::PUBLICATION] {
        for record in texts.catalog.clone().all(kind) {
            let mut object = record.object.clone();
            texts.changed = false;
            match &mut object {
                Object::Class(c) => texts.relation(c)?,
                Object::Type(t) => texts.domain(t),
                Object::Function(f) => {
                    let types = f.arg_types.clone();
                    for (text, ty) in f.arg_defaults.iter_mut().zip(types) {
                        texts.default(text, ("", TypeRef::of(ty)));
                    }
                    texts.body(cx, f)?;
                }
                Object::Statistics(s) => texts.statistics(s)?,
                Object::Publication(p) => texts.publication(p)?,
                _ => {}
            }
            if texts.changed {
                put(cx, object)?;
            }
        }
    }
    Ok(())
}

impl Texts {
    /// A text whose source, of which it is the end, has these literals.
    fn replace(&mut self, text: &mut Arc<str>, source: &str, found: &[literals::Literal]) {
        let Ok(tokens) = lexemes(source) else { return };
        let mut places: Vec<(usize, usize, String)> = Vec::new();
        for l in found.iter().filter(|l| l.text == source) {
            let written = tokens.iter().find(|t| t.start >= l.pos as usize && t.kind == LexemeKind::Str);
            let Some(token) = written.filter(|t| places.iter().all(|p| p.0 != t.start)) else { continue };
            let (mut before, mut after) = (Vec::new(), Vec::new());
            let value = l.value.datum();
            if types::text_out(l.ty, value, &mut before, &self.io).is_ok()
                && types::text_out(l.ty, value, &mut after, &self.after).is_ok()
                && before != after
            {
                let literal = crate::sql::func::text::quote_literal_text(&String::from_utf8_lossy(&after));
                places.push((token.start, token.end, literal));
            }
        }
        if places.is_empty() {
            return;
        }
        places.sort();
        let mut out = source.to_owned();
        for (start, end, literal) in places.iter().rev() {
            out.replace_range(*start..*end, literal);
        }
        *text = out[source.len() - text.len()..].into();
        self.changed = true;
    }

    fn wanted(&self, text: &str) -> bool {
        text.contains(&self.old)
    }

    fn expression(
        &mut self,
        text: &mut Arc<str>,
        rel: Option<&Arc<Relation>>,
        clause: Clause,
        target: Option<(&str, TypeRef)>,
        kept: Option<&Kept>,
    ) {
        if !self.wanted(text) {
            return;
        }
        let Ok(expr) = stored_text::parse(text) else { return };
        let source = format!("SELECT {text}");
        let along = kept.map(|k| self.catalog.along(k));
        let names: &dyn Names = match &along {
            Some(names) => &**names,
            None => &*self.catalog,
        };
        let found = literals::during(|| {
            let _all = Everywhere::reach();
            let mut bcx = BindContext { names, io: &self.io, text: &source, params: Vec::new(), infer_params: false };
            // What cannot be bound cannot be followed.
            let _ = bind::bind_expr(&mut bcx, &expr, rel, clause, target);
        });
        drop(along);
        self.replace(text, &source, &found);
    }

    fn default(&mut self, text: &mut Option<Arc<str>>, target: (&str, TypeRef)) {
        if let Some(text) = text {
            self.expression(text, None, Clause::Default, Some(target), None);
        }
    }

    fn relation(&mut self, c: &mut Class) -> Result<()> {
        let table = c.index.as_ref().map_or(c.oid, |i| i.table);
        let Some(rel) = self.catalog.relation(table)? else { return Ok(()) };
        for a in &mut c.attributes {
            let Some(text) = &mut a.default else { continue };
            let (clause, of) = match a.generated {
                0 => (Clause::Default, None),
                _ => (Clause::Generated, Some(&rel)),
            };
            self.expression(text, of, clause, Some((&a.name, a.ty)), None);
        }
        for text in c.constraints.iter_mut().filter_map(|k| k.check.as_mut()) {
            self.expression(text, Some(&rel), Clause::Check, None, None);
        }
        if let Some(index) = &mut c.index {
            for text in index.columns.iter_mut().filter_map(|c| c.expr.as_mut()) {
                self.expression(text, Some(&rel), Clause::IndexExpression, None, None);
            }
            if let Some(text) = &mut index.predicate {
                self.expression(text, Some(&rel), Clause::IndexPredicate, None, None);
            }
        }
        if let Some(key) = c.lineage.key.as_mut().map(Arc::make_mut) {
            for text in key.columns.iter_mut().filter_map(|c| c.expr.as_mut()) {
                self.expression(text, Some(&rel), Clause::Partition, None, None);
            }
        }
        for p in &mut c.policies {
            for text in [&mut p.using, &mut p.check].into_iter().flatten() {
                self.expression(text, Some(&rel), Clause::Policy, None, Some(&p.kept));
            }
        }
        for text in c.triggers.iter_mut().filter_map(|t| t.condition.as_mut()) {
            if !self.wanted(text) {
                continue;
            }
            let Ok(expr) = stored_text::parse(text) else { continue };
            let source = format!("SELECT {text}");
            let found = literals::during(|| {
                let _ = user_trigger::bound_condition(&*self.catalog, &self.io, &rel, &expr, &source);
            });
            self.replace(text, &source, &found);
        }
        if let Some(view) = c.view.as_mut().filter(|v| v.query.contains(&self.old)) {
            let found = literals::during(|| {
                let _ = bind::view_query(view, &*self.catalog, &self.io);
            });
            let source = view.query.to_string();
            self.replace(&mut view.query, &source, &found);
        }
        for rule in &mut c.rules {
            let found = literals::during(|| {
                let _ = super::rename_rules::bound(&*self.catalog, &self.io, &rel, rule);
            });
            if let Some(text) = &mut rule.condition {
                self.replace(text, &format!("SELECT {text}"), &found);
            }
            for text in &mut rule.actions {
                let source = text.to_string();
                self.replace(text, &source, &found);
            }
        }
        Ok(())
    }

    fn body(&mut self, cx: &mut ExecContext, f: &mut Function) -> Result<()> {
        if !f.atomic || !self.wanted(&f.body) {
            return Ok(());
        }
        let (source, _) = body::parse(f)?;
        let read = SqlBody::new(cx, f, &[], Returns::Void)?;
        let found = literals::during(|| {
            let _ = read.written(cx);
        });
        self.replace(&mut f.body, &source, &found);
        Ok(())
    }

    fn domain(&mut self, t: &mut UserType) {
        let UserTypeKind::Domain { base, default, checks, .. } = &mut t.kind else { return };
        self.default(default, (&t.name, *base));
        let value = value_relation(*base);
        for text in checks.iter_mut().filter_map(|k| k.check.as_mut()) {
            self.expression(text, Some(&value), Clause::Check, None, None);
        }
    }

    fn statistics(&mut self, s: &mut Statistics) -> Result<()> {
        let Some(rel) = self.catalog.relation(s.table)? else { return Ok(()) };
        for text in &mut s.exprs {
            self.expression(text, Some(&rel), Clause::Statistics, None, None);
        }
        Ok(())
    }

    fn publication(&mut self, p: &mut Publication) -> Result<()> {
        for t in &mut p.tables {
            let (Some(text), Some(rel)) = (&mut t.filter, self.catalog.relation(t.table)?) else { continue };
            self.expression(text, Some(&rel), Clause::Publication, None, None);
        }
        Ok(())
    }
}
